"""A sixth municipality comes, as docs/add-a-municipality.md tells it: reviewed, rehearsed on twins, applied, with a
report of its own.

The real hosts are those of one lab, and their twins those of another: the first hub and the package cache in Tierp, as
the five have them but with fewer roles, and the gateway that is new. The others are in the inventory, and do not run.

The tests of this module are one story and run in this order: each leaves the hosts as the next expects them.
"""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from deploy.lab.lab import Lab
from deploy.lab.machine import delete
from deploy.lab.place import lab_directory
from deploy.report.masking import MASK, names_in
from deploy.source.known import with_people
from inventory.fleet import Fleet, Host
from inventory.snapshot import load
from tests.integration.lab import DEPLOYED, ENDED, UP, await_stage, by_hand, program
from tests.integration.station import Station, prepared, run_in
from tests.unit.inventory.sixth import with_a_sixth

pytestmark = [pytest.mark.lab, pytest.mark.own_lab, pytest.mark.long]

HUB, CACHE, GATEWAY, SIXTH = "tie-gw1", "tie-cache1", "enk-gw1", "enkoping"
BEYOND, TUNNEL = "10.65.10.1", "10.59.1.65"
"""An address in Enköping's office, and the gateway's own in the tunnel to the hub."""
ROLES = {
    HUB: {"base", "firewall", "keepalived", "edge_gateway", "wireguard"},
    CACHE: {"base", "firewall", "package_cache"},
    GATEWAY: {"base", "firewall", "edge_gateway", "wireguard"},
}
"""What the story needs of what these hosts are: a way out, packages, and a tunnel with routes."""


@dataclass(frozen=True)
class Story:
    """The station that looks after all, and its inventory before the merge request and after it."""

    station: Station
    before: Path
    after: Path
    fleet: Fleet

    def samdrift(self, *arguments: str, source: Path | None = None, expect: int = 0) -> Any:
        """Run the program at the station; its JSON document."""
        return document(self.station.samdrift(source or self.after, "--json", *arguments), expect)


def document(done: subprocess.CompletedProcess[str], expect: int = 0) -> Any:
    assert done.returncode == expect, f"ended with {done.returncode}:\n{done.stdout[-3000:]}\n{done.stderr}"
    return json.loads(done.stdout)


def with_few_roles(fleet: Fleet) -> Fleet:
    """The fleet, in which these hosts have the roles that the story needs of theirs, and no others."""

    def few(host: Host) -> Host:
        kept = ROLES.get(host.name, set(host.roles))
        roles = {name: on for name, on in host.samdrift.get("roles", {}).items() if name in kept}
        section = {name: said for name, said in host.samdrift.items() if name in kept | {"wave"}} | {"roles": roles}
        return host.model_copy(update={"context": {**host.context, "samdrift": section}})

    return fleet.model_copy(update={"hosts": tuple(few(h) if h.name in ROLES else h for h in fleet.hosts)})


@pytest.fixture(scope="module")
def story(request: pytest.FixtureRequest) -> Iterator[Story]:
    """Both labs, each with Tierp's hosts as the five have them and with a gateway on which there is nothing yet.

    Below the lab's directory, where `make lab-down` finds them if nobody here lives to take them down; so would whoever
    takes the lab itself down, to begin with empty disks: one that others bring up is up first, and builds the image.
    """
    await_stage(UP, DEPLOYED, ENDED)
    image: Path = request.getfixturevalue("image")
    base = lab_directory().resolve() / "sixth"
    for place in ("twins", "real"):
        Lab(base / place).down()
    delete(base)
    real, twins = (prepared(base / place, image) for place in ("real", "twins"))
    station, fleet = Station(base, real, twins), with_few_roles(with_people(with_a_sixth()))
    after = station.inventory("after", fleet, ROLES)
    before = station.inventory("before", with_few_roles(with_people(load())), {HUB, CACHE})
    try:
        for lab in (real, twins):
            station.boot(lab, after)
        apply = ("--json", "--limit", f"{HUB} or {CACHE}", "apply", "--yes", "--reason", "as the five have it")
        on_twins = [program(), "--source", str(before), "--lab", *apply]
        with ThreadPoolExecutor(2) as pool:
            both = (pool.submit(station.samdrift, before, *apply), pool.submit(run_in, twins, on_twins))
        for done in both:
            document(done.result())
        yield Story(station, before, after, fleet)
    finally:
        for lab in (twins, real):  # each puts back what the kernel had before it: the last first
            lab.down()
        delete(base)


def test_what_the_review_says_of_a_host_of_the_five_is_what_a_plan_says_and_nothing_else(story: Story) -> None:
    review = story.samdrift("review", "--against", str(story.before), expect=2)
    plan = story.samdrift("--limit", HUB, "plan")["plan"]

    how = {h["host"]: h["how"] for h in review["hosts"]}
    assert [host for host, what in how.items() if what != "changed"] == [GATEWAY]
    assert how[GATEWAY] == "new"
    assert not [breach for policy in review["policies"] for breach in policy["new"]]
    said = sorted(d["role"] for d in review["differences"] if HUB in d["hosts"] and d["kind"] != "restart")
    (hub,) = plan["hosts"]
    assert said == sorted(s["role"] for s in hub["steps"] if s["commands"] and not s["handler"])
    assert said, "the hub has a new neighbour"


def test_it_is_rehearsed_on_twins_and_then_applied_and_traffic_goes_through_the_new_tunnel(story: Story) -> None:
    both = f"{SIXTH} or {HUB}"
    record = story.samdrift("--limit", both, "apply", "--rehearse", "--yes", "--reason", "Enköping kommer")

    twins = {twin["host"]: twin for twin in record["rehearsed"]["twins"]}
    assert (set(twins), record["rehearsed"]["without"]) == ({HUB, GATEWAY}, [])
    assert not twins[GATEWAY]["not_tried"]
    assert len(twins[GATEWAY]["same"]) > 10 * len(twins[GATEWAY]["otherwise"])
    assert {c["host"] for c in record["checks"]} == {HUB, GATEWAY}, "both are verified"
    for lab in (story.station.twins, story.station.real):
        assert f"via {TUNNEL}" in by_hand(HUB, f"ip -4 route get {BEYOND}", lab)
        assert "1 received" in by_hand(GATEWAY, f"ping -c 1 -W 5 -I {BEYOND} 10.60.20.5", lab)
    again = story.samdrift("--limit", both, "plan", "--detailed-exitcode")["plan"]
    assert [step["name"] for host in again["hosts"] for step in host["steps"] if step["commands"]] == []


def test_its_auditor_s_report_is_of_its_own_host_and_names_nobody_else_s(story: Story, tmp_path: Path) -> None:
    by_hand(GATEWAY, f"echo '# {HUB} i Tierp' >> /etc/issue.net", story.station.real)
    story.samdrift("--limit", f"{SIXTH} or {HUB}", "drift", expect=2)

    report = story.samdrift("--limit", SIXTH, "report", "--for", "auditor", "--out", str(tmp_path / "report"))

    assert [host["name"] for host in report["hosts"]] == [GATEWAY]
    assert {m["slug"] for m in report["municipalities"]} == {SIXTH}
    assert f"{MASK} i {MASK}" in str(report["findings"])
    files = {file.name: file.read_text() for file in (tmp_path / "report").iterdir()}
    others = names_in(story.fleet, [SIXTH]).others
    named = {
        (name, word)
        for name, text in files.items()
        for word in others
        if word in text and re.search(rf"(?<![^\W_]){re.escape(word)}(?![^\W_])", text)
    }
    assert named == set()
    verified = story.samdrift("report", "verify", str(tmp_path / "report"), expect=1)
    assert [c["about"] for c in verified["claims"] if c["holds"] is False] == ["signature"], "nobody signed it"
