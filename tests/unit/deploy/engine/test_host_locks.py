"""One writer a host: its lock behind a real sshd, taken, renewed, refused, taken over; and what is moved meanwhile."""

from __future__ import annotations

import json
import os
import secrets
import shlex
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import gevent
import pytest

from deploy.engine import host_locks, lock_script
from deploy.engine.apply import Apply
from deploy.engine.host_locks import Writer
from deploy.engine.lock_script import Refused
from deploy.engine.session import Session
from deploy.model.findings import Exit, Kind, exit_code
from deploy.model.record import Process
from deploy.runs.caller import is_over, this_process
from deploy.store.ports import Holder
from inventory.fleet import Fleet
from roles.shared.intent import Intent
from tests.applying import nothing_to_check, plan_of, until
from tests.sshd import Sshd, fleet_of
from tests.unit.deploy.store.in_memory import MemoryApplied, MemoryJournal

HOST = "tie-test1"

ROLE = '''"""Writes a file, runs a command, and writes another file."""
from pyinfra.api import operation
from roles.shared.parts.files import managed_file
from roles.shared.settings import Options as Base, Settings as SettingsBase

class Options(Base):
    place: str
    command: str = "true"

class Settings(SettingsBase):
    place: str
    command: str

def settings(host, fleet, options):
    return Settings(place=options.place, command=options.command)

@operation()
def run(command):
    yield command

def deploy(settings):
    managed_file(f"{settings.place}/a", content="wanted\\n")
    run(name="command", command=settings.command)
    managed_file(f"{settings.place}/b", content="wanted\\n")
'''


@pytest.fixture
def host(sshd: Sshd, make_role: Callable[[str, str], None], tmp_path: Path) -> Iterator[Sshd]:
    """A host that nobody has locked."""
    make_role("two", ROLE)
    (tmp_path / "place").mkdir()
    yield sshd
    for file in (sshd.directory / "run/samdrift").glob("*"):
        file.unlink()


def fleet(host: Sshd, tmp_path: Path, command: str = "true") -> Fleet:
    options = {"place": str(tmp_path / "place"), "command": command}
    return fleet_of(host.host(HOST, context={"samdrift": {"roles": {"two": True}, "two": options}}))


def session(host: Sshd, of: Fleet, who: str = "anna", *takes_over: str) -> Session:
    own = Holder(
        who=who, since="2026-11-29T09:00:00.000Z", command=f"samdrift apply, by {who}", run=secrets.token_hex(4)
    )
    writer = Writer(lambda: own, takes_over=takes_over, is_over=is_over)
    return Session(Intent(of), of.hosts, host.access, writer=writer)


def lock_of(host: Sshd) -> list[str]:
    return (host.directory / "run/samdrift/lock").read_text().splitlines()


def holder_of(host: Sshd) -> Holder:
    return Holder.model_validate_json(lock_of(host)[2])


def held_by(host: Sshd, holder: Holder, seconds: int = 600) -> None:
    """Let a run have the host that is not there any more, or lives on another machine."""
    place = host.directory / "run/samdrift"
    place.mkdir(exist_ok=True)
    until = int(float(Path("/proc/uptime").read_text().split()[0])) + seconds
    (place / "lock").write_text(f"{holder.run}\n{until}\n{holder.model_dump_json()}\n")


ELSEWHERE = Process(machine="tie-adm2", boot="", pid=1, since=1)
BO = Holder(
    who="bo@tie-adm2", since="2026-11-29T08:00:00.000Z", command="samdrift apply", run="0b0b0b0b", process=ELSEWHERE
)


# --- who has a host ---------------------------------------------------------------------------------------------------


def test_a_second_run_is_told_who_has_the_host_and_the_next_gets_it(host: Sshd, tmp_path: Path) -> None:
    of = fleet(host, tmp_path)
    with session(host, of) as first:
        assert first.lock([HOST]) == {}
        assert first.lock([HOST]) == {}  # what it has it may take again
        with session(host, of, "bo") as second:
            (refused,) = second.lock([HOST]).values()
            assert refused.holder == holder_of(host)
            assert (holder_of(host).who, holder_of(host).command) == ("anna", "samdrift apply, by anna")
            assert lock_script.EXPIRES_AFTER - 30 < refused.seconds <= lock_script.EXPIRES_AFTER
    with session(host, of, "bo") as second:
        assert second.lock([HOST]) == {}
        assert holder_of(host).who == "bo"
        second.unlock([HOST])
        assert not (host.directory / "run/samdrift/lock").exists()


def test_a_host_that_somebody_else_has_is_left_alone_and_ends_with_4(host: Sshd, tmp_path: Path) -> None:
    of = fleet(host, tmp_path)
    held_by(host, BO)
    with session(host, of) as hosts:
        plan = plan_of(of, hosts.look())
        assert plan.hosts[0].locked == BO.words
        applied = Apply(hosts, plan, nothing_to_check, MemoryJournal(), MemoryApplied(), wait=lambda _: None).go()
    assert [(r.outcome, r.changed) for r in applied.hosts] == [("skipped", ())]
    (found,) = applied.findings
    assert (found.kind, exit_code(applied.findings, after_change=True)) == (Kind.LOCKED, Exit.LOCKED)
    assert "bo@tie-adm2 since 2026-11-29T08:00:00.000Z, `samdrift apply`" in found.summary
    assert found.remedy.endswith(f"samdrift apply --limit {HOST} --take-over 0b0b0b0b")
    assert list((tmp_path / "place").iterdir()) == []


def test_nothing_is_written_to_a_host_that_was_not_locked(host: Sshd, tmp_path: Path) -> None:
    of = fleet(host, tmp_path)
    with session(host, of) as hosts:
        (live,) = hosts.look()
        assert "not locked" in hosts.carry_out(live).error
    assert list((tmp_path / "place").iterdir()) == []


def test_a_lock_that_expired_is_taken_over_and_who_had_it_writes_nothing_more(host: Sshd, tmp_path: Path) -> None:
    of = fleet(host, tmp_path)
    with session(host, of) as first:
        first.lock([HOST])
        (live,) = first.look()
        held_by(host, holder_of(host), seconds=0)
        with session(host, of, "bo") as second:
            assert second.lock([HOST]) == {}
            outcome = first.carry_out(live)
            assert (outcome.done, lock_script.LOST in outcome.error) == ((), True)
            assert second.carry_out(second.look()[0]).error == ""
            first.unlock([HOST])
            assert holder_of(host).who == "bo"


def test_a_lock_is_taken_over_by_the_id_of_its_run(host: Sshd, tmp_path: Path) -> None:
    of = fleet(host, tmp_path)
    held_by(host, BO)
    with session(host, of, "anna", "another") as hosts:
        assert hosts.lock([HOST])[HOST].holder == BO
    with session(host, of, "anna", BO.run) as hosts:
        assert hosts.lock([HOST]) == {}


def test_a_run_of_this_machine_that_was_killed_holds_up_nobody(host: Sshd, tmp_path: Path) -> None:
    gone = subprocess.Popen(["true"])
    gone.wait()
    held_by(host, BO.model_copy(update={"process": this_process().model_copy(update={"pid": gone.pid})}))
    with session(host, fleet(host, tmp_path)) as hosts:
        assert hosts.lock([HOST]) == {}


def test_a_lock_is_renewed_while_the_run_lives(host: Sshd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host_locks, "RENEWED_EVERY", 0.05)
    with session(host, fleet(host, tmp_path)) as hosts:
        hosts.lock([HOST])
        held_by(host, holder_of(host), seconds=1)
        short = int(lock_of(host)[1])
        until(lambda: int(lock_of(host)[1]) > short + 60)
        assert holder_of(host).who == "anna"


def test_a_command_that_a_run_left_running_keeps_others_out(
    host: Sshd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its lock has expired; a package manager, say, does not know that."""
    monkeypatch.setattr(lock_script, "WAITS_FOR_COMMAND", 0.1)
    of = fleet(host, tmp_path)
    held_by(host, BO, seconds=0)
    busy = host.directory / "run/samdrift/busy"
    left = subprocess.Popen(["flock", "-F", str(busy), "sh", "-c", "echo; exec sleep 60"], stdout=subprocess.PIPE)
    assert left.stdout is not None
    left.stdout.readline()
    try:
        with session(host, of) as hosts:
            plan = plan_of(of, hosts.look())
            applied = Apply(hosts, plan, nothing_to_check, MemoryJournal(), MemoryApplied(), wait=lambda _: None).go()
    finally:
        left.kill()
        left.communicate()
    (found,) = applied.findings
    assert (found.kind, "a command of an earlier run is still running there: bo@tie-adm2" in found.summary) == (
        Kind.LOCKED,
        True,
    )
    assert list((tmp_path / "place").iterdir()) == []


def test_what_a_command_leaves_running_holds_nobody_up(host: Sshd, tmp_path: Path) -> None:
    """A daemon that a package starts must not hold the lock as long as it lives."""
    of = fleet(host, tmp_path, "sleep 60 > /dev/null 2>&1 & echo $! > {}".format(tmp_path / "daemon"))
    with session(host, of) as hosts:
        hosts.lock([HOST])
        assert hosts.carry_out(hosts.look()[0]).error == ""
    with session(host, of, "bo") as hosts:
        assert hosts.lock([HOST]) == {}
    os.kill(int((tmp_path / "daemon").read_text()), 9)


@pytest.mark.parametrize("written", ["", "\n", "hello\nworld\n", "0b0b0b0b\nx\n{}\n", "a\n\xff\n"])
def test_a_lock_that_samdrift_did_not_write_is_respected_and_nothing_in_it_is_obeyed(
    host: Sshd, tmp_path: Path, written: str
) -> None:
    place = host.directory / "run/samdrift"
    place.mkdir(exist_ok=True)
    (place / "lock").write_bytes(written.encode("latin-1"))
    with session(host, fleet(host, tmp_path)) as hosts:
        refused = hosts.lock([HOST])[HOST]
        assert (refused.holder, 0 < refused.seconds <= lock_script.EXPIRES_AFTER) == (None, True)
        assert hosts.look()[0].locked == ""
        os.utime(place / "lock", (1, 1))  # it ends by itself all the same
        assert hosts.lock([HOST]) == {}


def test_a_host_that_cannot_be_locked_is_unknown_and_nothing_is_written(host: Sshd, tmp_path: Path) -> None:
    of = fleet(host, tmp_path)
    (host.directory / "run/samdrift/lock").unlink(missing_ok=True)
    place = host.directory / "run/samdrift"
    kept = place.rename(place.with_name("kept")) if place.exists() else None
    place.write_text("in the way")
    try:
        with session(host, of) as hosts:
            plan = plan_of(of, hosts.look())
            applied = Apply(hosts, plan, nothing_to_check, MemoryJournal(), MemoryApplied(), wait=lambda _: None).go()
    finally:
        place.unlink()
        if kept is not None:
            kept.rename(place)
    assert [(r.outcome, "it could not be locked: mkdir: " in r.detail) for r in applied.hosts] == [("unknown", True)]
    assert exit_code(applied.findings, after_change=True) is Exit.INCOMPLETE


# --- ten at once ------------------------------------------------------------------------------------------------------


def concurrent(host: Sshd, of: Fleet, number: int) -> list[tuple[str, ...]]:
    """Apply by so many runs at the same time, each with stores of its own; returns how each ended."""

    def one(who: str) -> tuple[str, ...]:
        with session(host, of, who) as hosts:
            plan = plan_of(of, hosts.look())
            applied = Apply(hosts, plan, nothing_to_check, MemoryJournal(), MemoryApplied(), wait=lambda _: None).go()
        return tuple(r.outcome for r in applied.hosts)

    jobs = [gevent.spawn(one, f"user{n}") for n in range(number)]
    return [job.get() for job in gevent.joinall(jobs)]


COUNTS = "n=$(cat {log} 2> /dev/null | wc -l); sleep 0.2; echo $n >> {log}"
"""Is no increment where two do it at once."""


@pytest.mark.parametrize("number", [2, pytest.param(10, marks=pytest.mark.soak)])
def test_runs_at_the_same_time_write_one_after_the_other_or_not_at_all(host: Sshd, tmp_path: Path, number: int) -> None:
    log = tmp_path / "log"
    endings = concurrent(host, fleet(host, tmp_path, COUNTS.format(log=log)), number)
    numbers = [int(line) for line in log.read_text().splitlines()]
    assert numbers == list(range(len(numbers)))  # nobody's was lost
    assert {e for (e,) in endings} <= {"differs", "skipped", "stale"}  # the command is never done with
    assert sum(e == "skipped" for (e,) in endings) < number
    assert sorted(p.name for p in (tmp_path / "place").iterdir()) == ["a", "b"]
    assert not (host.directory / "run/samdrift/lock").exists()


# --- what moves between look and write --------------------------------------------------------------------------------


def change_by_hand(host: Sshd, of: Fleet) -> tuple[str, Kind, str]:
    """Apply while the command of the second step writes, as somebody else would, to what the third is about."""
    with session(host, of) as hosts:
        plan = plan_of(of, hosts.look())
        applied = Apply(hosts, plan, nothing_to_check, MemoryJournal(), MemoryApplied(), wait=lambda _: None).go()
    return applied.hosts[0].outcome, applied.findings[0].kind, applied.findings[0].summary


def test_a_file_that_is_changed_by_hand_while_others_are_written_is_not_overwritten(host: Sshd, tmp_path: Path) -> None:
    b = tmp_path / "place/b"
    b.write_text("before\n")
    ended = change_by_hand(host, fleet(host, tmp_path, f"echo by hand >> {b}"))
    assert ended[:2] == ("failed", Kind.STALE)
    assert f"file {b}: what is there is not what was seen" in ended[2]
    assert ended[2].endswith("after 2 of 3 steps")
    assert b.read_text() == "before\nby hand\n"
    assert sorted(p.name for p in (tmp_path / "place").iterdir()) == ["a", "b"]  # no candidate is left


@pytest.mark.parametrize("what", ["chmod 600 {}", "rm {} && ln -s /etc/passwd {}", "rm {}", "rm {} && mkdir {}"])
def test_owner_mode_and_kind_of_a_file_count_too(host: Sshd, tmp_path: Path, what: str) -> None:
    b = tmp_path / "place/b"
    b.write_text("before\n")
    assert change_by_hand(host, fleet(host, tmp_path, what.replace("{}", str(b))))[1] is Kind.STALE


def test_a_file_that_a_step_brings_along_is_written_over(host: Sshd, tmp_path: Path) -> None:
    """A package that is installed first has a configuration of its own."""
    of, b = fleet(host, tmp_path, f"echo from the package > {tmp_path}/place/b"), tmp_path / "place/b"
    with session(host, of) as hosts:
        hosts.lock([HOST])
        assert hosts.carry_out(hosts.look()[0]).error == ""
    assert b.read_text() == "wanted\n"


def test_a_file_that_somebody_makes_before_a_step_that_might_have_is_not_written_over(
    host: Sshd, tmp_path: Path
) -> None:
    of, b = fleet(host, tmp_path, "true"), tmp_path / "place/b"
    with session(host, of) as hosts:
        hosts.lock([HOST])
        (live,) = hosts.look()
        b.write_text("by hand\n")
        outcome = hosts.carry_out(live)
    assert (outcome.moved, outcome.failed_step, outcome.done) == (
        True,
        "two: command",
        (live.changes[0].id,),
    )
    assert b.read_text() == "by hand\n"


def test_a_first_step_that_finds_something_moved_writes_nothing_and_is_stale(host: Sshd, tmp_path: Path) -> None:
    of, a = fleet(host, tmp_path), tmp_path / "place/a"
    a.write_text("before\n")
    with session(host, of) as hosts:
        hosts.lock([HOST])
        (live,) = hosts.look()
        a.write_text("by hand\n")
        outcome = hosts.carry_out(live)
    assert (outcome.done, outcome.moved) == ((), True)
    assert a.read_text() == "by hand\n"


def test_one_machine_under_two_names_is_not_written_to_twice(host: Sshd, tmp_path: Path) -> None:
    """Whoever enters it twice in NetBox is told by the second of them."""
    (one,) = fleet(host, tmp_path).hosts
    of = fleet_of(one, one.model_copy(update={"name": "tie-test2"}))
    with session(host, of) as hosts:
        assert hosts.lock([HOST, "tie-test2"]) == {}
        first, second = hosts.look()
        assert hosts.carry_out(first).error == ""
        outcome = hosts.carry_out(second)
    assert (outcome.done, outcome.moved) == ((), True)


OVERWRITES = '''"""Would change an account, a setting of the kernel, what a command makes so, and two files."""
from roles.shared.parts.accounts import account
from roles.shared.parts.ensured import ensured
from roles.shared.parts.files import absent_file, managed_file
from roles.shared.parts.kernel import kernel_settings

def deploy(settings):
    account("nobody", full_name="Somebody", groups=())
    account("nobody-at-all", full_name="Nobody at all", groups=())
    kernel_settings("messages", {"kernel.printk": "1 1 1 1"})
    ensured("last line without an end", question="printf 'a\\\\nb'", answer="c\\n", command="false")
    managed_file("/etc/hostname", content="å\\n")
    absent_file("/etc/os-release")
'''


def test_each_kind_of_step_expects_what_the_host_says_just_then(
    host: Sshd, make_role: Callable[[str, str], None]
) -> None:
    make_role("overwrites", OVERWRITES)
    of = fleet_of(host.host(HOST, context={"samdrift": {"roles": {"overwrites": True}}}))
    with Session(Intent(of), of.hosts, host.access) as hosts:
        (live,) = hosts.look()
        assert live.error == ""
        expected = [e for op in hosts._declared[HOST].operations for e in op.expected if e is not None]
        asked = hosts.ask(HOST, [f"sh -c {shlex.quote(e.question)} 2> /dev/null | awk 1 | sha256sum" for e in expected])
    assert {e.what for e in expected} >= {"user nobody", "user nobody-at-all", "/etc/hostname", "/etc/os-release"}
    assert {e.what: answer.stdout.split()[0] in e.answers for e, answer in zip(expected, asked, strict=True)} == {
        e.what: True for e in expected
    }


def test_what_is_not_known_of_a_lock_s_holder_is_not_made_up() -> None:
    assert lock_script.refused("held 12\n{}\n") == Refused(seconds=12)
    assert lock_script.refused("") == Refused()
    said = json.dumps({"who": "x", "since": "y", "command": "a\n\x1b[2J b"})
    (refused,) = [lock_script.refused(f"busy 0\n{said}\n")]
    assert refused.busy
    assert refused.holder is not None
    assert "\n" not in refused.holder.words
