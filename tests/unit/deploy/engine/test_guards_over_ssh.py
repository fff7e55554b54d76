"""Guards on a host behind a real sshd: armed, kept alive, confirmed, and run out. Its systemd is a stand-in."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import gevent
import pytest
from gevent import monkey

from deploy.engine import guard_script, lock_script
from deploy.engine.apply import Apply
from deploy.engine.guards import GuardFailed
from deploy.engine.results import ApplyResult
from deploy.engine.session import Session
from deploy.model.findings import Exit, Kind, exit_code
from deploy.model.record import AppliedStep, CheckResult
from deploy.model.step_id import StepId
from deploy.store.ports import Holder
from roles.shared.guard import kept_file
from roles.shared.intent import Intent
from tests.applying import nothing_to_check, plan_of, until
from tests.sshd import Sshd, fleet_of
from tests.unit.deploy.store.in_memory import MemoryApplied, MemoryJournal

ROLE = '''"""Writes one file that can cut its host off, and has it read."""
from roles.shared.parts.files import managed_file
from roles.shared.parts.handlers import Handler
from roles.shared.settings import Options as Base, Settings as SettingsBase

class Options(Base):
    path: str

class Settings(SettingsBase):
    path: str

def settings(host, fleet, options):
    return Settings(path=options.path)

def deploy(settings):
    read = Handler(name="read", command=f"cp {settings.path} {settings.path}.read")
    managed_file(settings.path, content="new\\n", mode="600", then=(read,), guarded=True)
'''


@pytest.fixture
def host(sshd: Sshd, make_role: Callable[[str, str], None]) -> Iterator[Sshd]:
    """The host, on which no guard was ever armed."""
    make_role("door", ROLE)
    yield sshd
    shutil.rmtree(sshd.directory / "lib/samdrift")
    (sshd.directory / "lib/samdrift").mkdir()
    shutil.rmtree(sshd.directory / "run/samdrift", ignore_errors=True)


@pytest.fixture
def door(tmp_path: Path) -> Path:
    path = tmp_path / "door"
    path.write_text("old\n")
    path.chmod(0o600)
    return path


def session(sshd: Sshd, door: Path, seconds: float = 60) -> Session:
    of = fleet_of(sshd.host(context={"samdrift": {"roles": {"door": True}, "door": {"path": str(door)}}}))
    access = sshd.access.model_copy(update={"guard_seconds": seconds})
    return Session(Intent(of), of.hosts, access, holder="anna, to test")


def apply(
    sshd: Sshd,
    door: Path,
    verify: Callable[[Sequence[str]], tuple[CheckResult, ...]] = nothing_to_check,
    seconds: float = 60,
) -> ApplyResult:
    with session(sshd, door, seconds) as hosts:
        plan = plan_of(hosts.fleet, hosts.look())
        applied = MemoryApplied()
        applied.steps["tie-test1"] = {StepId("door", "s"): AppliedStep(intent="i")}
        return Apply(hosts, plan, verify, MemoryJournal(), applied, wait=lambda _: None).go()


def no_guard_is_left(sshd: Sshd) -> None:
    assert not (sshd.directory / "lib/samdrift/guard").exists()
    assert list((sshd.directory / "units").iterdir()) == []
    assert not (sshd.directory / "timer").exists()


def test_a_guarded_change_that_cuts_nothing_off_stays_and_no_guard_is_left(host: Sshd, door: Path) -> None:
    applied = apply(host, door)
    assert [r.outcome for r in applied.hosts] == ["changed"]
    assert (applied.findings, door.read_text()) == ((), "new\n")
    no_guard_is_left(host)


@pytest.mark.long
def test_a_change_that_lets_nobody_in_any_more_is_put_back(host: Sshd) -> None:
    keys = host.directory / "authorized"
    kept = keys.read_text()
    applied = apply(host, keys, seconds=4)
    assert [r.outcome for r in applied.hosts] == ["rolled back"]
    assert keys.read_text() == kept
    assert exit_code(applied.findings, after_change=True) is Exit.ROLLED_BACK
    assert f"login as {host.access.user} failed" in applied.findings[0].detail
    no_guard_is_left(host)


def test_a_change_by_which_a_check_no_longer_holds_is_put_back_and_read_again(host: Sshd, door: Path) -> None:
    def verify(hosts: Sequence[str]) -> tuple[CheckResult, ...]:
        outcome = "passed" if door.read_text() == "old\n" else "failed"
        one = {"municipality": "tierp", "role": "door", "name": "is old", "outcome": outcome}
        return tuple(CheckResult.model_validate({"host": h} | one) for h in hosts)

    applied = apply(host, door, verify)
    assert [(r.outcome, bool(r.steps)) for r in applied.hosts] == [("rolled back", False)]
    assert applied.checks == ()
    assert applied.findings[0].summary.endswith("it is as it was before")
    assert (door.read_text(), door.with_name("door.read").read_text()) == ("old\n", "old\n")
    no_guard_is_left(host)


@pytest.mark.long
def test_a_run_that_dies_leaves_the_host_to_put_itself_back(host: Sshd, door: Path) -> None:
    with session(host, door, seconds=4) as hosts:
        hosts.lock(["tie-test1"])
        (live,) = hosts.look()
        outcome = hosts.carry_out(live)
        assert (outcome.error, outcome.guarded, hosts.guarded) == ("", True, ("tie-test1",))
        assert door.read_text() == "new\n"
    until(lambda: not (host.directory / "lib/samdrift/guard").exists())
    assert door.read_text() == "old\n"
    no_guard_is_left(host)


def test_the_timer_is_started_anew_while_the_run_goes_on(host: Sshd, door: Path) -> None:
    with session(host, door, seconds=8) as hosts:
        hosts.lock(["tie-test1"])
        (live,) = hosts.look()
        hosts.carry_out(live)
        first = (host.directory / "timer").read_text()
        until(lambda: (host.directory / "timer").read_text() not in {first, ""})
        hosts.confirm("tie-test1")
        assert hosts.guarded == ()
        hosts.keep("tie-test1")
    assert door.read_text() == "new\n"
    no_guard_is_left(host)


@pytest.mark.long
def test_a_host_is_kept_alive_while_the_run_is_busy_with_something_else(host: Sshd, door: Path) -> None:
    """As with slow checks: nothing of the run's own thread answers anybody for longer than the guard's time."""
    with session(host, door, seconds=3) as hosts:
        hosts.lock(["tie-test1"])
        (live,) = hosts.look()
        hosts.carry_out(live)
        monkey.get_original("time", "sleep")(5)
        hosts.confirm("tie-test1")
    assert door.read_text() == "new\n"
    no_guard_is_left(host)


def test_a_host_that_refuses_connections_for_a_while_is_waited_for(host: Sshd, door: Path) -> None:
    """As while sshd reloads, or where it shuts somebody out for a while."""
    with session(host, door, seconds=20) as hosts:
        hosts.lock(["tie-test1"])
        (live,) = hosts.look()
        hosts.carry_out(live)
        keys = host.directory / "authorized"
        kept = keys.read_text()
        keys.write_text("# nobody\n")
        gevent.spawn_later(2, keys.write_text, kept)
        hosts.reconnect(["tie-test1"])
        assert hosts.unreachable == {}
        hosts.confirm("tie-test1")
    assert door.read_text() == "new\n"


@pytest.mark.long
@pytest.mark.parametrize("heard", [True, False])
def test_what_a_lost_answer_to_the_confirmation_meant_is_found_out(host: Sshd, door: Path, heard: bool) -> None:
    with session(host, door) as hosts:
        hosts.lock(["tie-test1"])
        (live,) = hosts.look()
        hosts.carry_out(live)
        if heard:
            hosts.ask("tie-test1", [guard_script.confirm(hosts.guards._held["tie-test1"].run)])
        hosts._connections["tie-test1"].close()  # the link is lost just before the answer, or before the question
        hosts.confirm("tie-test1")
        assert hosts.guarded == ()
        assert hosts.look()[0].changes == ()
    no_guard_is_left(host)


def taken_over(by: Session, run: str) -> None:
    """Another run finds that this one is gone, and takes its host."""
    other = Holder(who="bo", since="2026-11-29T08:15:00.000Z", command="samdrift apply", run="other")
    assert by.ask("tie-test1", [lock_script.take(other, over=(run,))])[0].rc == 0


def test_a_run_whose_host_another_has_taken_confirms_nothing_and_its_change_is_undone(host: Sshd, door: Path) -> None:
    with session(host, door) as hosts, session(host, door) as others:
        assert hosts.lock(["tie-test1"]) == {}
        (live,) = hosts.look()
        hosts.carry_out(live)
        taken_over(others, hosts._locks.run)
        with pytest.raises(GuardFailed, match="another run has taken this host over"):
            hosts.confirm("tie-test1")
        hosts.restore("tie-test1")
    assert door.read_text() == "old\n"
    no_guard_is_left(host)


def test_a_run_whose_host_another_has_taken_arms_no_guard(host: Sshd, door: Path) -> None:
    """It would keep the other's work as how the host was, and put that back in the middle of it."""
    with session(host, door) as hosts, session(host, door) as others:
        assert hosts.lock(["tie-test1"]) == {}
        (live,) = hosts.look()
        taken_over(others, hosts._locks.run)
        outcome = hosts.carry_out(live)
    assert (outcome.done, outcome.guarded, door.read_text()) == ((), False, "old\n")
    assert "another run has taken this host over" in outcome.error
    no_guard_is_left(host)


def test_a_host_that_could_not_undo_the_change_is_not_changed_at_all(host: Sshd, door: Path, tmp_path: Path) -> None:
    door.unlink()
    door.symlink_to("/proc/version")
    kept = tmp_path / ".door.samdrift-kept~"
    kept.mkdir()
    with session(host, door) as hosts:
        hosts.lock(["tie-test1"])
        (live,) = hosts.look()
        outcome = hosts.carry_out(live)
    assert (outcome.done, outcome.guarded) == ((), False)
    assert "so that nothing was changed" in outcome.error
    assert door.is_symlink()
    no_guard_is_left(host)


def test_a_host_that_put_itself_back_is_not_changed_any_more(
    host: Sshd, door: Path, make_role: Callable[[str, str], None]
) -> None:
    second = 'managed_file(f"{settings.path}.2", content="new\\n", guarded=True)'
    make_role("door", f"{ROLE}    {second}\n")
    with session(host, door) as hosts:
        hosts.lock(["tie-test1"])
        (live,) = hosts.look()

        def put_back(_host: str, step: StepId) -> str:
            if step.name.endswith("door.2"):
                hosts.ask("tie-test1", [guard_script.RESTORE])
            return ""

        hosts._before_step = put_back
        outcome = hosts.carry_out(live)
    assert [step.name for step in outcome.done] == [f"file {door}"]
    assert "the host put itself back while it was changed" in outcome.error
    assert (door.read_text(), door.with_name("door.2").exists()) == ("old\n", False)
    no_guard_is_left(host)


@pytest.mark.skipif(
    os.geteuid() != 0, reason="only root has one user namespace for all sessions: none sees into another"
)
def test_what_a_lost_run_left_running_does_not_go_live_after_the_host_put_itself_back(
    host: Sshd, door: Path, make_role: Callable[[str, str], None]
) -> None:
    """A validator that is slower than the guard: the run dies in the middle of it, and the host restores itself."""
    make_role("door", ROLE.replace("guarded=True)", 'validate_with="grep -q old {path} || sleep 60", guarded=True)'))
    with session(host, door, seconds=3) as hosts:
        hosts.lock(["tie-test1"])
        (live,) = hosts.look()
        step = gevent.spawn(hosts.carry_out, live)
        until((host.directory / "lib/samdrift/guard/armed").exists)
        until(door.with_name(".door.samdrift").exists)
        hosts.guards.let_go()  # as if it were killed: nobody keeps the host alive
        until(lambda: not (host.directory / "lib/samdrift/guard").exists())
        assert not step.get().done
    assert door.read_text() == "old\n"
    no_guard_is_left(host)


def test_a_host_whose_timer_does_not_run_is_restored_by_the_next_apply(host: Sshd, door: Path) -> None:
    arm = guard_script.arm([kept_file(str(door))], seconds=600, run="another", holder="somebody's change")
    with session(host, door) as hosts:
        plan = plan_of(hosts.fleet, hosts.look())
        hosts.ask("tie-test1", [arm, f"systemctl stop {guard_script.TIMER}"])
        assert "its timer does not run" in hosts.look()[0].armed
        applied = Apply(hosts, plan, nothing_to_check, MemoryJournal(), MemoryApplied(), wait=lambda _: None).go()
    assert [r.outcome for r in applied.hosts] == ["changed"]
    assert [f.kind for f in applied.findings] == [Kind.ARMED]
    no_guard_is_left(host)


def test_a_host_that_was_put_back_owes_nothing(host: Sshd, door: Path, make_role: Callable[[str, str], None]) -> None:
    """Its program does not take the new file, so that the debt to have it read is not paid; it takes the old one."""
    make_role("door", ROLE.replace('command=f"cp', 'command=f"grep -q old {settings.path} && cp'))
    applied = apply(host, door)
    assert [r.outcome for r in applied.hosts] == ["rolled back"]
    assert (door.read_text(), list((host.directory / "lib/samdrift/owed").iterdir())) == ("old\n", [])
    no_guard_is_left(host)


def test_what_put_itself_back_cannot_be_confirmed_any_more(host: Sshd, door: Path) -> None:
    with session(host, door) as hosts:
        hosts.lock(["tie-test1"])
        (live,) = hosts.look()
        hosts.carry_out(live)
        hosts.ask("tie-test1", [f"systemctl start {guard_script.SERVICE}"])
        with pytest.raises(GuardFailed, match="put itself back before the change was confirmed"):
            hosts.confirm("tie-test1")
        assert hosts.guarded == ("tie-test1",)
        assert hosts.restore("tie-test1").startswith("anna, to test\nrestored at 20")
        assert [s.id for s in hosts.look()[0].changes] == ["door: file " + str(door), "door: read"]
    assert door.read_text() == "old\n"


@pytest.mark.long
def test_a_host_that_another_run_guards_is_not_changed_until_that_is_over(host: Sshd, door: Path) -> None:
    arm = guard_script.arm([kept_file(str(door))], seconds=6, run="another", holder="somebody's change")
    with session(host, door) as hosts:
        plan = plan_of(hosts.fleet, hosts.look())
        assert hosts.ask("tie-test1", [arm])[0].rc == 0
        hosts.lock(["tie-test1"])
        (live,) = hosts.look()
        assert live.armed == "somebody's change"
        broken = hosts.carry_out(live)
        assert "a guard is armed already" in broken.error
        assert door.read_text() == "old\n"
        applied = Apply(hosts, plan, nothing_to_check, MemoryJournal(), MemoryApplied(), wait=lambda _: None).go()
    assert [r.outcome for r in applied.hosts] == ["changed"]
    assert [f.kind for f in applied.findings] == [Kind.ARMED]
    assert door.read_text() == "new\n"
    no_guard_is_left(host)
