"""Apply on a real host: exactly the plan, or nothing; in waves; and an honest word about how it ended."""

import os
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from deploy.engine.apply import Apply
from deploy.engine.hosts import Verify
from deploy.engine.results import ApplyResult
from deploy.engine.session import Session
from deploy.model.findings import Exit, Kind, exit_code
from deploy.model.record import CheckResult
from deploy.runs.admission import StalePlan, refuse_if_stale
from deploy.store.ports import StoreError
from deploy.transport.ssh import HostLost
from inventory.fleet import Fleet, Host
from roles.shared.intent import Intent
from tests.applying import TOGETHER, nothing_to_check, plan_of
from tests.sshd import Sshd, fleet_of, parent_of
from tests.unit.deploy.store.in_memory import MemoryApplied, MemoryJournal

FILES = '''"""Writes two files below a place; `text` in the first."""
from roles.shared.parts.files import managed_file
from roles.shared.settings import Options as Base, Settings as SettingsBase

class Options(Base):
    place: str
    text: str = "first"

class Settings(SettingsBase):
    place: str
    text: str

def settings(host, fleet, options):
    return Settings(place=options.place, text=options.text)

def deploy(settings):
    managed_file(f"{settings.place}/a", content=settings.text + "\\n")
    managed_file(f"{settings.place}/b", content="second\\n")
'''

KILL = f"kill -9 {parent_of(parent_of('$PPID'))}; sleep 5"
DIES = f'''"""Kills the sshd session in the middle of a change."""
from pyinfra.api import operation
@operation()
def die():
    yield {KILL!r}
def deploy(settings):
    die(name="die")
'''


def host_with(sshd: Sshd, name: str, place: Path, *, wave: int = 10, role: str = "two_files", **options: str) -> Host:
    place.mkdir(exist_ok=True)
    return sshd.host(
        name, context={"samdrift": {"roles": {role: True}, "wave": wave, role: {"place": str(place), **options}}}
    )


def run(
    sshd: Sshd,
    fleet: Fleet,
    verify: Verify = nothing_to_check,
    between: Callable[[], object] | None = None,
    journal: MemoryJournal | None = None,
) -> ApplyResult:
    with Session(Intent(fleet), fleet.hosts, sshd.access) as session:
        plan = plan_of(session.fleet, session.look())
        if between:
            between()
        return Apply(
            session, plan, verify, journal or MemoryJournal(), MemoryApplied(), order=TOGETHER, wait=no_time
        ).go()


def no_time(_seconds: float) -> None:
    """What settles has settled."""


@pytest.fixture
def files(make_role: Callable[[str, str], None]) -> None:
    make_role("two_files", FILES)


@pytest.mark.usefixtures("files")
def test_what_was_planned_is_done_and_a_second_apply_changes_nothing(sshd: Sshd, tmp_path: Path) -> None:
    fleet = fleet_of(host_with(sshd, "tie-a1", tmp_path / "a"))
    first, second = run(sshd, fleet), run(sshd, fleet)
    assert [r.outcome for r in first.hosts] == ["changed"]
    assert len(first.hosts[0].changed) == 2
    assert set(first.hosts[0].steps) == {f"two_files: file {tmp_path}/a/{n}" for n in "ab"}
    assert [r.outcome for r in second.hosts] == ["in sync"]
    assert exit_code(first.findings, after_change=True) == exit_code(second.findings) == Exit.OK


@pytest.mark.usefixtures("files")
def test_a_host_that_moved_since_the_plan_is_left_alone_and_the_others_are_done(sshd: Sshd, tmp_path: Path) -> None:
    moved, still = host_with(sshd, "tie-a1", tmp_path / "a"), host_with(sshd, "tie-b1", tmp_path / "b")
    applied = run(sshd, fleet_of(moved, still), between=lambda: (tmp_path / "a/b").write_text("by hand\n"))
    assert {r.host: r.outcome for r in applied.hosts} == {"tie-a1": "stale", "tie-b1": "changed"}
    assert not (tmp_path / "a/a").exists()
    assert (tmp_path / "a/b").read_text() == "by hand\n"
    assert exit_code(applied.findings, after_change=True) == Exit.STALE


@pytest.mark.usefixtures("files")
def test_a_plan_from_other_inventory_or_other_code_is_refused(sshd: Sshd, tmp_path: Path) -> None:
    fleet = fleet_of(host_with(sshd, "tie-a1", tmp_path / "a"))
    with Session(Intent(fleet), fleet.hosts, sshd.access) as session:
        plan = plan_of(session.fleet, session.look())
    refuse_if_stale(plan, fleet.digest, plan.made_at)
    with pytest.raises(StalePlan, match="inventory has changed"):
        refuse_if_stale(plan, "0" * 64, plan.made_at)
    with pytest.raises(StalePlan, match="roles have changed"):
        refuse_if_stale(plan.model_copy(update={"code_digest": "0"}), fleet.digest, plan.made_at)


@pytest.mark.usefixtures("files")
def test_a_wave_that_goes_wrong_is_the_last_one(sshd: Sshd, tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    first = host_with(sshd, "tie-a1", tmp_path / "a", wave=10)
    beside = host_with(sshd, "tie-b1", tmp_path / "b", wave=10)
    later = host_with(sshd, "tie-c1", tmp_path / "c", wave=20)
    (tmp_path / "a/a").mkdir()  # a directory where the file should be: the rename must fail
    applied = run(sshd, fleet_of(first, beside, later))
    assert {r.host: r.outcome for r in applied.hosts} == {"tie-a1": "failed", "tie-b1": "changed", "tie-c1": "skipped"}
    assert not (tmp_path / "c/a").exists()
    finding, stopped = applied.findings
    assert (finding.kind, finding.step) == (Kind.FAILED_STEP, f"file {tmp_path}/a/a")
    assert (stopped.kind, stopped.detail) == (
        Kind.STOPPED,
        "changed and proved: tie-b1\nleft alone, and not begun: tie-c1",
    )
    assert exit_code(applied.findings, after_change=True) == Exit.ERROR


@pytest.mark.usefixtures("files")
def test_a_failed_check_after_a_change_stops_the_next_wave_and_exits_7(sshd: Sshd, tmp_path: Path) -> None:
    def verify(hosts: Sequence[str]) -> tuple[CheckResult, ...]:
        return tuple(
            CheckResult(host=h, municipality="tierp", role="two_files", name="holds", outcome="failed", detail="no")
            for h in hosts
        )

    fleet = fleet_of(host_with(sshd, "tie-a1", tmp_path / "a"), host_with(sshd, "tie-b1", tmp_path / "b", wave=20))
    applied = run(sshd, fleet, verify)
    assert {r.host: r.outcome for r in applied.hosts} == {"tie-a1": "changed", "tie-b1": "skipped"}
    assert exit_code(applied.findings, after_change=True) == Exit.VERIFY_FAILED


@pytest.mark.usefixtures("files")
def test_a_check_that_holds_once_the_service_has_settled_is_no_finding(sshd: Sshd, tmp_path: Path) -> None:
    tries: list[int] = []

    def verify(hosts: Sequence[str]) -> tuple[CheckResult, ...]:
        tries.append(1)
        outcome = "failed" if len(tries) < 3 else "passed"
        return tuple(
            CheckResult.model_validate(
                {"host": h, "municipality": "tierp", "role": "two_files", "name": "holds", "outcome": outcome}
            )
            for h in hosts
        )

    applied = run(sshd, fleet_of(host_with(sshd, "tie-a1", tmp_path / "a")), verify)
    assert applied.findings == ()
    assert [c.outcome for c in applied.checks] == ["passed"]


@pytest.mark.usefixtures("files")
def test_an_apply_that_broke_off_is_resumed_by_the_same_plan(sshd: Sshd, tmp_path: Path) -> None:
    fleet, journal = fleet_of(host_with(sshd, "tie-a1", tmp_path / "a")), MemoryJournal()
    with Session(Intent(fleet), fleet.hosts, sshd.access) as session:
        plan = plan_of(session.fleet, session.look())
        journal.begin(plan.digest, "tie-a1")
        first = plan.hosts[0].model_copy(update={"steps": plan.hosts[0].steps[:1]})
        session.lock(["tie-a1"])
        session.carry_out(first)  # and the run dies here
    with Session(Intent(fleet), fleet.hosts, sshd.access) as session:
        applied = Apply(session, plan, nothing_to_check, journal, MemoryApplied(), wait=no_time).go()
    assert [(r.outcome, r.changed) for r in applied.hosts] == [("changed", (f"two_files: file {tmp_path}/a/b",))]


@pytest.mark.usefixtures("files")
def test_half_of_a_plan_done_by_somebody_else_is_stale_and_not_a_resume(sshd: Sshd, tmp_path: Path) -> None:
    fleet = fleet_of(host_with(sshd, "tie-a1", tmp_path / "a"))

    def somebody_else() -> None:
        (tmp_path / "a/a").write_text("first\n")
        (tmp_path / "a/a").chmod(0o644)

    assert [r.outcome for r in run(sshd, fleet, between=somebody_else).hosts] == ["stale"]


@pytest.mark.long
def test_a_host_that_dies_in_the_middle_is_unknown_and_the_others_finish(
    sshd: Sshd, make_role: Callable[[str, str], None], tmp_path: Path
) -> None:
    make_role("two_files", FILES)
    make_role("dies", DIES)
    dying = sshd.host("tie-a1", context={"samdrift": {"roles": {"dies": True}, "wave": 10}})
    applied = run(sshd, fleet_of(dying, host_with(sshd, "tie-b1", tmp_path / "b")))
    assert {r.host: r.outcome for r in applied.hosts} == {"tie-a1": "unknown", "tie-b1": "changed"}
    assert exit_code(applied.findings, after_change=True) == Exit.INCOMPLETE
    assert "broke off at dies: die, after 0 of 1 steps" in applied.findings[0].summary


@pytest.mark.long
@pytest.mark.usefixtures("files")
def test_a_host_that_is_lost_while_it_is_changed_stops_the_next_wave(
    sshd: Sshd, tmp_path: Path, make_role: Callable[[str, str], None]
) -> None:
    make_role("dies", DIES)
    dying = sshd.host("tie-a1", context={"samdrift": {"roles": {"dies": True}, "wave": 10}})
    applied = run(sshd, fleet_of(dying, host_with(sshd, "tie-b1", tmp_path / "b", wave=20)))
    assert {r.host: r.outcome for r in applied.hosts} == {"tie-a1": "unknown", "tie-b1": "skipped"}
    assert not (tmp_path / "b/a").exists()


@pytest.mark.usefixtures("files")
def test_a_host_that_cannot_be_reached_to_begin_with_holds_up_no_wave(sshd: Sshd, tmp_path: Path) -> None:
    away = host_with(sshd, "tie-a1", tmp_path / "a").model_copy(update={"host_keys": ()})
    applied = run(sshd, fleet_of(away, host_with(sshd, "tie-b1", tmp_path / "b", wave=20)))
    assert {r.host: r.outcome for r in applied.hosts} == {"tie-a1": "unknown", "tie-b1": "changed"}


@pytest.mark.long
@pytest.mark.usefixtures("files")
def test_a_host_that_is_lost_while_it_is_checked_is_unknown_and_stops_the_next_wave(sshd: Sshd, tmp_path: Path) -> None:
    fleet = fleet_of(
        host_with(sshd, "tie-a1", tmp_path / "a", wave=10), host_with(sshd, "tie-b1", tmp_path / "b", wave=20)
    )
    with Session(Intent(fleet), fleet.hosts, sshd.access) as session:

        def dies(hosts: Sequence[str]) -> tuple[CheckResult, ...]:
            with pytest.raises(HostLost):
                session.ask(hosts[0], [f"kill -9 {parent_of(parent_of('$PPID'))}; sleep 5"])
            return ()

        applied = Apply(
            session, plan_of(session.fleet, session.look()), dies, MemoryJournal(), MemoryApplied(), wait=no_time
        ).go()
    assert {r.host: r.outcome for r in applied.hosts} == {"tie-a1": "unknown", "tie-b1": "skipped"}
    assert len(applied.hosts[0].changed) == 2
    assert exit_code(applied.findings, after_change=True) == Exit.VERIFY_FAILED


class _FullJournal(MemoryJournal):
    """A journal that takes one host, and then the controller's disk is full."""

    def begin(self, plan_digest: str, host: str) -> None:
        if self.hosts:
            raise StoreError("no space left on device")
        super().begin(plan_digest, host)


@pytest.mark.usefixtures("files")
def test_nothing_of_a_wave_is_changed_if_the_journal_cannot_be_written(sshd: Sshd, tmp_path: Path) -> None:
    fleet = fleet_of(host_with(sshd, "tie-a1", tmp_path / "a"), host_with(sshd, "tie-b1", tmp_path / "b"))
    with pytest.raises(StoreError):
        run(sshd, fleet, journal=_FullJournal())
    assert not list(tmp_path.glob("[ab]/*"))


def test_a_change_that_lets_nobody_in_any_more_is_noticed_before_the_next_wave(
    sshd: Sshd, make_role: Callable[[str, str], None], tmp_path: Path
) -> None:
    """The connection that made the change goes on working; only a new one tells."""
    make_role("two_files", FILES)
    keys = sshd.access.key_file.with_name("authorized") if sshd.access.key_file else tmp_path
    make_role(
        "locksmith",
        '"""Takes the keys away."""\nfrom roles.shared.parts.files import absent_file\n'
        f"def deploy(settings):\n    absent_file({str(keys)!r})\n",
    )
    locked = sshd.host("tie-a1", context={"samdrift": {"roles": {"locksmith": True}, "wave": 10}})
    kept = keys.read_text()
    try:
        applied = run(sshd, fleet_of(locked, host_with(sshd, "tie-b1", tmp_path / "b", wave=20)))
    finally:
        keys.write_text(kept)
    assert {r.host: r.outcome for r in applied.hosts} == {"tie-a1": "unknown", "tie-b1": "skipped"}
    assert f"login as {sshd.access.user} failed" in applied.findings[0].detail
    assert exit_code(applied.findings, after_change=True) == Exit.VERIFY_FAILED


@pytest.mark.usefixtures("files")
def test_an_apply_that_is_interrupted_says_which_hosts_it_left(sshd: Sshd, tmp_path: Path) -> None:
    def interrupted(_hosts: Sequence[str]) -> tuple[CheckResult, ...]:
        raise KeyboardInterrupt

    fleet = fleet_of(host_with(sshd, "tie-a1", tmp_path / "a"), host_with(sshd, "tie-b1", tmp_path / "b", wave=20))
    with Session(Intent(fleet), fleet.hosts, sshd.access) as session:
        change = Apply(
            session, plan_of(session.fleet, session.look()), interrupted, MemoryJournal(), MemoryApplied(), wait=no_time
        )
        with pytest.raises(KeyboardInterrupt):
            change.go()
        applied = change.broken_off("KeyboardInterrupt")
    assert {r.host: r.outcome for r in applied.hosts} == {"tie-a1": "changed"}
    assert "broken off: KeyboardInterrupt" in applied.findings[-1].summary
    assert exit_code(applied.findings, after_change=True) == Exit.ERROR


def test_a_command_that_overstays_its_time_is_ended_on_the_host_too(
    sshd: Sshd, make_role: Callable[[str, str], None], tmp_path: Path
) -> None:
    mark = tmp_path / "late"
    make_role(
        "slow",
        '"""Takes its time."""\nfrom pyinfra.api import operation\n'
        f"@operation()\ndef wait():\n    yield 'sleep 2; touch {mark}'\n"
        "def deploy(settings):\n    wait(name='wait')\n",
    )
    fleet = fleet_of(sshd.host("tie-a1", context={"samdrift": {"roles": {"slow": True}}}))
    with Session(Intent(fleet), fleet.hosts, sshd.access.model_copy(update={"command_timeout": 0.5})) as session:
        applied = Apply(
            session,
            plan_of(session.fleet, session.look()),
            nothing_to_check,
            MemoryJournal(),
            MemoryApplied(),
            wait=no_time,
        ).go()
    time.sleep(2.5)
    assert "ended after 0.5 s" in applied.findings[0].detail
    assert not mark.exists()


@pytest.fixture
def full_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 64 KiB."""
    if os.geteuid() != 0:
        pytest.skip("needs root: it mounts a file system")
    place = tmp_path / "small"
    place.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(place)], check=True)
    yield place
    subprocess.run(["umount", str(place)], check=True)


@pytest.mark.usefixtures("files")
def test_a_full_disk_leaves_the_old_file_in_force_and_nothing_half_written(
    sshd: Sshd, full_disk: Path, tmp_path: Path
) -> None:
    run(sshd, fleet_of(host_with(sshd, "tie-a1", full_disk)))
    large = fleet_of(
        host_with(sshd, "tie-a1", full_disk, text="x" * 100_000), host_with(sshd, "tie-b1", tmp_path / "b")
    )
    applied = run(sshd, large)
    assert {r.host: r.outcome for r in applied.hosts} == {"tie-a1": "failed", "tie-b1": "changed"}
    assert "No space left on device" in applied.findings[0].detail
    assert (full_disk / "a").read_text() == "first\n"
    assert sorted(p.name for p in full_disk.iterdir()) == ["a", "b"]


def test_a_role_that_never_converges_is_said_to_differ(sshd: Sshd, make_role: Callable[[str, str], None]) -> None:
    make_role(
        "restless",
        '"""Always wants to change."""\nfrom pyinfra.api import operation\n'
        "@operation()\ndef again():\n    yield 'true'\n"
        "def deploy(settings):\n    again(name='again')\n",
    )
    applied = run(sshd, fleet_of(sshd.host("tie-a1", context={"samdrift": {"roles": {"restless": True}}})))
    assert [r.outcome for r in applied.hosts] == ["differs"]
    assert exit_code(applied.findings, after_change=True) == Exit.DIFFERENCES
