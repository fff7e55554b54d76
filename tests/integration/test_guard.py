"""Changes that cut a real host off: it puts itself back, and whoever made the change is told."""

from __future__ import annotations

import shlex
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from gevent import monkey

from deploy.engine import guard_script
from deploy.engine.results import ApplyResult
from deploy.engine.session import Session
from deploy.lab.lab import Lab
from deploy.model.findings import Exit, Kind, exit_code
from deploy.model.guard_state import Standing, Where
from deploy.model.plan import HostPlan
from deploy.model.record import CheckResult
from inventory.errors import SamdriftError
from roles.shared.guard import kept_file
from roles.shared.intent import Intent
from tests.integration import cutting
from tests.integration.cutting import WAYS
from tests.integration.lab import NETBOX, by_hand, lab_fleet, samdrift

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
    fleet = lab_fleet()
    with Session(Intent(fleet), [fleet.host(name) for name in hosts], Lab().access(), vault=Lab().vault()) as session:
        return session.look()


def rolled_back(applied: ApplyResult) -> dict[str, str]:
    """Host to what apply says of it, for those that were rolled back."""
    return {f.host: f.summary for f in applied.findings if f.kind is Kind.ROLLED_BACK}


def in_ways(number: int) -> dict[str, str]:
    """Each gateway in another way, and in another one for each number."""
    return {name: WAYS[(number * len(GATEWAYS) + place) % len(WAYS)] for place, name in enumerate(GATEWAYS)}


@pytest.mark.long
@pytest.mark.parametrize("number", [0, *(pytest.param(n, marks=pytest.mark.soak) for n in (1, 2, 3, 4))])
def test_hosts_that_were_cut_off_put_themselves_back(number: int) -> None:
    before = look()
    applied = cutting.cut(in_ways(number), SECONDS)
    assert {h.host: h.outcome for h in applied.hosts} == dict.fromkeys(GATEWAYS, "rolled back")
    assert rolled_back(applied).keys() == set(GATEWAYS)
    assert {n: said for n, said in rolled_back(applied).items() if not said.endswith("it is as it was before")} == {}
    assert exit_code(applied.findings, after_change=True) is Exit.ROLLED_BACK
    assert look() == before


@pytest.mark.long
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


@pytest.mark.long
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


@pytest.mark.long
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


ARMED_FOR = "somebody's change"


def armed(host: str, *paths: str, seconds: float = 600) -> None:
    """Somebody else's run guards some files of a host, and dies."""
    guards = [kept_file(path, (SSHD_AGAIN,)) for path in paths]
    by_hand(host, guard_script.arm(guards, seconds=seconds, run="another", holder=ARMED_FOR))


SSHD_AGAIN = "systemctl reload-or-restart ssh.service"


def stands(host: str) -> Standing:
    """How the guard of a host stands, asked by hand: it may change at any moment."""
    return guard_script.standing(by_hand(host, guard_script.STAND))


@pytest.mark.long
def test_what_cannot_be_put_back_is_kept_and_tried_until_it_can() -> None:
    """/etc/ssh becomes read-only after the guard was armed, and the run is gone."""
    host, path = "kni-gw1", "/etc/ssh/sshd_config"
    before = by_hand(host, f"cat {path}")
    armed(host, path, seconds=5)
    by_hand(
        host, f"echo '# not confirmed' >> {path}; mount --bind /etc/ssh /etc/ssh; mount -o remount,ro,bind /etc/ssh"
    )
    try:
        _until(lambda: stands(host).where is Where.RESTORING)
        assert f"failed: {path}: " in stands(host).report
        assert "not confirmed" in by_hand(host, f"cat {path}")
        assert [plan.armed.splitlines()[0] for plan in _looked((host,))] == [ARMED_FOR]
    finally:
        by_hand(host, "umount /etc/ssh")
    _until(lambda: stands(host).where is Where.RESTORED)
    assert by_hand(host, f"cat {path}") == before
    assert by_hand(host, "ls -A /etc/ssh | grep samdrift-; true") == ""


@pytest.mark.long
def test_a_full_disk_keeps_nothing_from_being_put_back() -> None:
    host, place = "kni-gw1", "/etc/cutting.d"
    by_hand(host, f"mkdir {place} && mount -t tmpfs -o size=64k none {place} && echo before > {place}/rules")
    by_hand(host, f"chown daemon:adm {place}/rules; chmod 640 {place}/rules")
    try:
        armed(host, f"{place}/rules")
        by_hand(host, f"echo after > {place}/rules; cat /dev/zero > {place}/full 2> /dev/null; true")
        assert by_hand(host, f"echo x 2> /dev/null > {place}/new && cat {place}/new; true") == "", "it is full"
        samdrift("--lab", "guard", "restore", host, "--yes")
        assert by_hand(host, f"cat {place}/rules; stat -c '%U %G %a' {place}/rules") == "before\ndaemon adm 640\n"
    finally:
        by_hand(host, f"umount {place}; rmdir {place}")


def test_a_ruleset_that_could_not_be_loaded_again_is_refused_before_the_first_step() -> None:
    """A table that the program that made it keeps to itself: listed like any other, and nobody else may make it."""
    host = "kni-gw1"
    before = by_hand(host, "nft -s list ruleset")
    owner = "(echo 'add table inet kept { flags owner; }'; sleep 600) | nft -i"
    by_hand(host, f"systemd-run --quiet --unit=owner sh -c {shlex.quote(owner)}")
    try:
        _until(lambda: "inet kept" in by_hand(host, "nft list ruleset"))
        applied = cutting.cut({host: "every packet"}, SECONDS)
    finally:
        by_hand(host, "systemctl stop owner.service")
    assert [(h.outcome, h.changed) for h in applied.hosts] == [("failed", ())]
    assert "nftables ruleset in force could not be put back as it is" in applied.findings[0].detail
    _until(lambda: by_hand(host, "nft -s list ruleset") == before)
    assert by_hand(host, "ls /var/lib/samdrift/guard 2> /dev/null; true") == ""


@pytest.mark.long
def test_a_mark_without_a_timer_is_restored_by_the_next_apply_and_holds_nobody_up(tmp_path: Path) -> None:
    host, there = "kni-gw1", ("--lab", "--state", str(tmp_path), "--limit", "kni-gw1")
    by_hand(host, "mkdir -p /var/lib/samdrift/guard; printf 'x\\nsomebody, by hand\\n' > /var/lib/samdrift/guard/armed")
    assert "its timer does not run" in _looked((host,))[0].armed
    began = time.monotonic()
    record = samdrift(*there, "apply", "--yes", expect=Exit.DIFFERENCES)
    assert time.monotonic() - began < 60
    assert [(h["outcome"]) for h in record["hosts"]] == ["in sync"]
    assert [plan.armed for plan in _looked((host,))] == [""]


@pytest.mark.long
def test_people_see_undo_and_clear_what_a_host_is_about_to_undo() -> None:
    host, path = "kni-gw1", "/etc/ssh/sshd_config"
    before = by_hand(host, f"cat {path}")
    for act, after in (("restore", before), ("clear", f"{before}# not confirmed\n")):
        armed(host, path)
        by_hand(host, f"echo '# not confirmed' >> {path}")
        shown = samdrift("--lab", "guard", "show", host, expect=Exit.DIFFERENCES)
        assert (shown["standing"]["where"], shown["kept"]) == ("armed", [path])
        samdrift("--lab", "guard", act, host, "--yes", expect=Exit.OK if act == "restore" else Exit.DIFFERENCES)
        assert by_hand(host, f"cat {path}") == after
        ended = samdrift("--lab", "guard", "show", host)["standing"]["where"]
        assert ended == ("restored" if act == "restore" else "confirmed")
    by_hand(host, f"sed -i '/not confirmed/d' {path}")
    assert look()[host] == _looked((host,))[0].fingerprint


@pytest.mark.long
def test_a_first_apply_that_takes_the_group_by_which_samdrift_may_sudo_is_put_back() -> None:
    host, rules = "alv-gw1", "/etc/sudoers.d/samdrift"
    kept = by_hand(host, f"cat {rules}")
    by_hand(
        host,
        f"mv {rules} /root/rules && echo '%sudo ALL=(ALL:ALL) NOPASSWD: ALL' > /etc/sudoers.d/installer && "
        "usermod --append --groups sudo samdrift",
    )
    try:
        applied = cutting.cut({host: "a group"}, SECONDS)
        assert [h.outcome for h in applied.hosts] == ["rolled back"]
        assert "sudo" in by_hand(host, "id -Gn samdrift").split()
        _open(host)
    finally:
        by_hand(
            host,
            f"mv -f /root/rules {rules}; rm -f /etc/sudoers.d/installer; gpasswd -d samdrift sudo; rm -f /etc/cutting",
        )
    assert by_hand(host, f"cat {rules}") == kept


def test_a_host_that_refuses_connections_for_a_while_is_waited_for() -> None:
    applied = cutting.cut({"heb-gw1": "away for a while"}, 40)
    assert [(h.outcome, h.detail) for h in applied.hosts] == [("changed", "")]
    by_hand("heb-gw1", "rm /etc/cutting")


@pytest.mark.long
def test_a_host_is_kept_alive_while_checks_take_longer_than_its_guard() -> None:
    sleep = monkey.get_original("time", "sleep")

    def slow(_names: Sequence[str]) -> tuple[CheckResult, ...]:
        sleep(SECONDS + 4)
        return ()

    applied = cutting.cut({"heb-gw1": "nothing"}, SECONDS, verify=slow)
    assert [h.outcome for h in applied.hosts] == ["changed"]
    by_hand("heb-gw1", "rm /etc/cutting")


@pytest.mark.long
def test_a_step_that_still_runs_when_the_host_puts_itself_back_does_not_go_live_afterwards() -> None:
    host = "ost-gw1"
    argv = [sys.executable, "-c", cutting.CUT_OFF, host, "a slow step", str(SECONDS)]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as process:
        _until(lambda: by_hand(host, "ls /etc/.cutting.samdrift 2> /dev/null; true") != "")
        process.kill()
    _until(lambda: not by_hand(host, guard_script.ARMED))
    assert by_hand(host, f"grep -lzs '^{guard_script.GUARDED_STEP}=' /proc/[0-9]*/environ; true") == ""
    time.sleep(20)
    assert by_hand(host, "ls /etc/cutting 2> /dev/null; true") == ""
    by_hand(host, "rm -f /etc/.cutting.samdrift; rm -rf /run/samdrift")


def _until(so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not so():
        assert time.monotonic() < deadline
        time.sleep(0.5)


def _open(host: str) -> None:
    fleet = lab_fleet()
    access = Lab().access().model_copy(update={"connect_timeout": 2})
    with Session(Intent(fleet), [fleet.host(host)], access, vault=Lab().vault()) as session:
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
