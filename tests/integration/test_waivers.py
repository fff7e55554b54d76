"""Accepted differences on a lab host, by the real program; and a line of an emulated switch, over SSH."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from deploy.engine.session import Session
from deploy.lab.lab import Lab
from deploy.model.findings import Exit
from deploy.model.plan import HostPlan
from deploy.model.waivers import Waivers, difference, waivers_of
from deploy.transport.ssh import Access
from inventory.fleet import Fleet, Host
from inventory.organisation import Platform
from inventory.paths import SNAPSHOT
from inventory.waivers import Waiver
from roles.shared.intent import Intent
from tests.emulator.dialects import device
from tests.emulator.samples import SAMPLES
from tests.emulator.server import EmulatedDevices
from tests.integration.devices import DECLARES_TEXT
from tests.integration.lab import NETBOX, by_hand, lab_fleet, samdrift
from tests.sshd import fleet_of, keygen

HOST = "tie-dns1"
LATER = (date.today() + timedelta(days=300)).isoformat()
SUDO = "/etc/sudoers.d/helpdesk"
ROLE = f"""{DECLARES_TEXT}
MANAGED = dict.fromkeys(PLATFORMS, (("hostname .*",), ("snmp-server .*",)))
"""
LINE = "snmp-server location server room"


def test_a_line_of_a_switch_that_no_role_declares_is_accepted_and_another_is_not(
    tmp_path: Path, make_role: Callable[[str, str], None]
) -> None:
    make_role("keeps", ROLE)
    key = keygen(tmp_path / "key")
    one = device("cisco-ios", "sw1", f"{SAMPLES['cisco-ios'].configuration}{LINE}\nsnmp-server contact anna\n")
    with EmulatedDevices([one], key) as running:
        fleet = _fleet_of_switch(one.configuration, running.host_key("sw1"))
        access = Access(key_file=tmp_path / "key", port=running.port("sw1"), connect_timeout=5)

        def look(waivers: Waivers) -> HostPlan:
            with Session(Intent(fleet), fleet.hosts, access, waivers=waivers) as session:
                (seen,) = session.look()
                assert not seen.error
                return seen

        said = {"owner": "anna", "reason": "until it is moved", "until": date(2099, 1, 1)}
        named = Waiver.model_validate(
            {"name": "w", "hosts": "sw1", "role": "keeps", "unmanaged": "snmp-server location *"} | said
        )
        seen = look(waivers_of([named], fleet, date(2026, 11, 29)))
        accepted = {u.what: bool(u.waived and u.waived.accepted) for u in seen.unmanaged}
        assert accepted[LINE] is True
        assert accepted["snmp-server contact anna"] is False
        (line,) = (u for u in seen.unmanaged if u.what == LINE)
        as_seen = named.model_copy(update={"seen": (difference(line),)})
        again = look(waivers_of([as_seen], fleet, date(2026, 11, 29)))
        assert [u.what for u in again.unmanaged if u.waived] == [LINE]


def _fleet_of_switch(configuration: str, host_key: str) -> Fleet:
    hostname = next(line for line in configuration.splitlines() if line.startswith("hostname "))
    data = {"name": "sw1", "kind": "device", "tenant": "tierp", "site": "tierp-datahall", "role": "access-switch"}
    context = {"samdrift": {"roles": {"keeps": True}, "keeps": {"text": f"{hostname}\n"}}}
    reached = {"primary_address": "127.0.0.1", "host_keys": (host_key,), "platform": "cisco-ios"}
    of = fleet_of(Host.model_validate({**data, **reached, "context": context}))
    cli = Platform(slug="cisco-ios", name="Cisco", family="cli")
    return of.model_copy(update={"platforms": (*of.platforms, cli)})


@pytest.fixture
def run(tmp_path: Path, machine: None) -> Iterator[Callable[..., Any]]:
    """Runs the real program about one converged lab host, with an inventory of its own; which it leaves converged."""
    shutil.copytree(SNAPSHOT, tmp_path / "snapshot")
    fleet = lab_fleet()
    with Session(Intent(fleet), [fleet.host(HOST)], Lab().access(), vault=Lab().vault()) as session:
        (seen,) = session.look()
    if seen.error or seen.changes:  # the main job did not leave it as it should be
        samdrift("lab", "up")
        samdrift("--lab", "--limit", f"not {NETBOX}", "apply", "--yes")
    about = ("--lab", "--limit", HOST, "--source", str(tmp_path / "snapshot"))

    def ran(*words: str, expect: int = 0) -> Any:
        return samdrift(*about, *words, expect=expect)

    yield ran
    (tmp_path / "waivers.yaml").unlink(missing_ok=True)
    by_hand(HOST, f"rm -f {SUDO}")
    ran("apply", "--yes")


@pytest.mark.long
@pytest.mark.lab
def test_from_a_change_by_hand_to_the_day_on_which_it_is_accepted_no_more(
    run: Callable[..., Any], tmp_path: Path
) -> None:
    by_hand(HOST, f"echo 'The room moves on Friday' >> /etc/motd; echo '# helpdesk' > {SUDO}; chmod 440 {SUDO}")
    told = run("drift", expect=Exit.DIFFERENCES)
    assert [(f["kind"], f["step"]) for f in told["findings"]] == [("unmanaged", SUDO), ("drift", "file /etc/motd")]

    text = run("waivers", "propose")["waivers"]
    for word, said in (("owner", "anna-lindqvist"), ("reason", "Until the room has moved"), ("until", f"'{LATER}'")):
        text = text.replace(f"{word}: ''", f"{word}: {said}")
    (tmp_path / "waivers.yaml").write_text(text)

    quiet = run("drift")
    assert [(f["kind"], f["severity"], f["waived"]["standing"]) for f in quiet["findings"]] == [
        ("unmanaged", "high", "accepted"),
        ("drift", "high", "accepted"),
    ]
    assert [h["outcome"] for h in quiet["hosts"]] == ["in sync"]
    assert run("apply", "--yes")["hosts"][0]["changed"] == []
    assert "Friday" in by_hand(HOST, "cat /etc/motd")

    by_hand(HOST, f"chmod 644 {SUDO}; echo '%helpdesk ALL=(ALL) ALL' > {SUDO}; chmod 440 {SUDO}")
    more = run("drift", expect=Exit.DIFFERENCES)
    standing = {f["step"]: f["waived"] and f["waived"]["standing"] for f in more["findings"]}
    assert (standing.pop(SUDO), standing.pop("file /etc/motd")) == ("moved", "accepted")
    ((rule, accepted),) = standing.items()  # what the file lets somebody do is told by itself
    assert ("helpdesk" in rule, accepted) == (True, None)

    (tmp_path / "waivers.yaml").write_text(text.replace(LATER, "2026-01-01"))
    after = run("drift", expect=Exit.DIFFERENCES)
    assert sorted(f["kind"] for f in after["findings"]) == ["drift", "unmanaged", "unmanaged", "waiver", "waiver"]
    assert run("apply", "--yes")["hosts"][0]["changed"] == ["base: file /etc/motd"]
    assert "Friday" not in by_hand(HOST, "cat /etc/motd")
