"""Changes that cut a real host off: it puts itself back, and whoever made the change is told."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.engine import guard_script
from deploy.engine.results import ApplyResult
from deploy.engine.session import Session
from deploy.lab.lab import Lab
from deploy.model.findings import Exit, Kind, exit_code
from deploy.model.plan import HostPlan
from inventory.errors import SamdriftError
from inventory.snapshot import load
from roles.shared.guard import kept_file
from roles.shared.intent import Intent
from tests.integration import cutting
from tests.integration.cutting import WAYS
from tests.integration.lab import NETBOX, by_hand, samdrift

pytestmark = pytest.mark.lab

GATEWAYS = ("alv-gw1", "heb-gw1", "kni-gw1", "ost-gw1")
SECONDS = 12.0


@pytest.fixture(scope="module", autouse=True)
def lab(machine: None) -> None:
    """The gateways as they should be: as the main job left them, or else applied for these tests."""
    if any(plan.error or plan.changes for plan in _looked(GATEWAYS)):
        samdrift("lab", "up")
        samdrift("--lab", "--limit", f"not {NETBOX}", "apply", "--yes")


@pytest.fixture(autouse=True)
def role() -> Iterator[None]:
    with cutting.role():
        yield


def look() -> dict[str, str]:
    """What a look says of each gateway, with the roles that it really has."""
    return {plan.host: plan.error or plan.fingerprint for plan in _looked(GATEWAYS)}


def _looked(hosts: tuple[str, ...]) -> tuple[HostPlan, ...]:
    fleet = Lab().overlay(load())
    with Session(Intent(fleet), [fleet.host(name) for name in hosts], Lab().access()) as session:
        return session.look()


def rolled_back(applied: ApplyResult) -> dict[str, str]:
    """Host to what apply says of it, for those that were rolled back."""
    return {f.host: f.summary for f in applied.findings if f.kind is Kind.ROLLED_BACK}


def in_ways(number: int) -> dict[str, str]:
    """Each gateway in another way, and in another one for each number."""
    return {name: WAYS[(number * len(GATEWAYS) + place) % len(WAYS)] for place, name in enumerate(GATEWAYS)}


@pytest.mark.parametrize("number", [0, *(pytest.param(n, marks=pytest.mark.soak) for n in (1, 2, 3, 4))])
def test_hosts_that_were_cut_off_put_themselves_back(number: int) -> None:
    before = look()
    applied = cutting.cut(in_ways(number), SECONDS)
    assert {h.host: h.outcome for h in applied.hosts} == dict.fromkeys(GATEWAYS, "rolled back")
    assert rolled_back(applied).keys() == set(GATEWAYS)
    assert {n: said for n, said in rolled_back(applied).items() if not said.endswith("it is as it was before")} == {}
    assert exit_code(applied.findings, after_change=True) is Exit.ROLLED_BACK
    assert look() == before


def test_two_hosts_more_in_the_ways_that_are_left() -> None:
    before = look()
    applied = cutting.cut({"alv-gw1": "no sudo", "heb-gw1": "no address"}, SECONDS)
    assert rolled_back(applied).keys() == {"alv-gw1", "heb-gw1"}
    assert look() == before


def test_a_guarded_change_that_cuts_nothing_off_stays_and_no_guard_is_left() -> None:
    applied = cutting.cut({"alv-gw1": "nothing"}, SECONDS)
    assert [h.outcome for h in applied.hosts] == ["changed"]
    assert applied.findings == ()
    assert by_hand("alv-gw1", "cat /etc/cutting && rm /etc/cutting") == "harmless\n"
    assert by_hand("alv-gw1", "systemctl list-units --all --plain --no-legend 'samdrift-guard*'") == ""
    assert (
        by_hand("alv-gw1", "ls -d /var/lib/samdrift/guard /etc/systemd/system/samdrift-guard* 2>/dev/null; true") == ""
    )


@pytest.mark.parametrize("way", ["new connections", pytest.param("every packet", marks=pytest.mark.soak)])
def test_a_host_puts_itself_back_when_who_changes_it_is_killed(way: str) -> None:
    host = "ost-gw1"
    (before,) = _looked((host,))
    argv = [sys.executable, "-c", cutting.CUT_OFF, host, way, str(SECONDS)]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert any("ruleset in force" in line for line in process.stdout)
        time.sleep(1)
        process.kill()
    with pytest.raises(SamdriftError, match=r"timed out|no SSH session"):
        _open(host)
    _await(host)
    (after,) = _looked((host,))
    assert (after.error, after.armed, after.fingerprint) == ("", "", before.fingerprint)


def test_a_guard_that_is_found_armed_is_reported_and_waited_for(tmp_path: Path) -> None:
    host = "kni-gw1"
    there = ("--lab", "--state", str(tmp_path), "--limit", host)
    by_hand(host, guard_script.arm([kept_file("/etc/cutting")], seconds=60, run="another", holder="somebody's change"))
    assert [plan.armed for plan in _looked((host,))] == ["somebody's change"]
    document = samdrift(*there, "plan", "--detailed-exitcode", expect=Exit.DIFFERENCES)
    assert [f["kind"] for f in document["findings"]] == ["unconfirmed"]
    record = samdrift(*there, "apply", "--yes", expect=Exit.DIFFERENCES)
    assert [f["kind"] for f in record["findings"]] == ["unconfirmed"]
    assert [h["outcome"] for h in record["hosts"]] == ["in sync"]
    assert [plan.armed for plan in _looked((host,))] == [""]


def _open(host: str) -> None:
    fleet = Lab().overlay(load())
    access = Lab().access().model_copy(update={"connect_timeout": 2})
    with Session(Intent(fleet), [fleet.host(host)], access) as session:
        if host in session.unreachable:
            raise SamdriftError(session.unreachable[host])


def _await(host: str) -> None:
    deadline = time.monotonic() + SECONDS + 30
    while True:
        try:
            return _open(host)
        except SamdriftError:
            assert time.monotonic() < deadline
            time.sleep(1)
