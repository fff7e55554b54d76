"""A run leaves a record however it ends: from before its first change on, step by step, with who ran it and why."""

from __future__ import annotations

import dataclasses
import os
import signal
import subprocess
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from deploy.cli import running
from deploy.cli.command import Common
from deploy.model.findings import Exit
from deploy.model.observer import Quiet
from deploy.model.plan import Plan
from deploy.model.record import BegunStep, Process, Record
from deploy.runs import caller, invocation
from deploy.runs.applying import apply
from deploy.runs.caller import is_over, this_process
from deploy.runs.invocation import Invocation, NotAllKept
from deploy.runs.recording import PAUSE, TRIES, Recording, end_lost_runs
from deploy.runs.stopping import SIGNALS, Stop, end_by_signals, stopping
from deploy.store.database import open_url
from deploy.store.opening import stores_of
from deploy.store.place import Database as Url
from deploy.store.ports import Locked, StoreError, Stores
from inventory.errors import SamdriftError
from roles.shared.intent import Intent
from tests.postgres import Server
from tests.sshd import Sshd, fleet_of
from tests.unit.deploy.runs.test_runs import run_of
from tests.unit.deploy.store.conformance import record
from tests.unit.deploy.store.in_memory import MemoryHistory, in_memory

OF_A_PLACE = '''"""Writes files below a place."""
from roles.shared.parts.files import managed_file
from roles.shared.settings import Options as Base, Settings as SettingsBase

class Options(Base):
    place: str

class Settings(SettingsBase):
    place: str

def settings(host, fleet, options):
    return Settings(place=options.place)
'''
"""A role of a place, without what it deploys."""
THREE_FILES = f"""{OF_A_PLACE}
def deploy(settings):
    for name in "abc":
        managed_file(f"{{settings.place}}/{{name}}", content=name + "\\n")
"""


class _At(Quiet):
    """Does something just as a step is carried out."""

    def __init__(self, step: str, act: Callable[[], object]) -> None:
        self._step, self._act = step, act

    def host(self, host: str, state: str, detail: str = "") -> None:  # noqa: ARG002  the observer's signature
        if state == "step" and detail.endswith(self._step):
            self._act()


def approved(_plan: Plan) -> None:
    """Whoever is asked says yes."""


@pytest.fixture
def run(
    sshd: Sshd, make_role: Callable[[str, str], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Invocation:
    """An apply of three files to one host."""
    make_role("three_files", THREE_FILES)
    monkeypatch.setattr(invocation, "run_checks", lambda *_, **__: ())
    options = {"roles": {"three_files": True}, "three_files": {"place": str(tmp_path)}}
    fleet = fleet_of(sshd.host(context={"samdrift": options}))
    run = dataclasses.replace(run_of(), intent=Intent(fleet), hosts=fleet.hosts, access=sshd.access)
    return dataclasses.replace(run, command="apply", claimed="karin", recording=Recording(reason="CHG 17"))


def there(tmp_path: Path) -> str:
    return "".join(n for n in "abc" if (tmp_path / n).exists())


def test_the_record_is_there_before_the_first_change_and_says_who_and_why(run: Invocation, tmp_path: Path) -> None:
    history, seen = run.stores.history, list[tuple[Record, tuple[BegunStep, ...], str]]()

    def look() -> None:
        (begun,) = history.not_ended()
        seen.append((history.record(begun.id), history.progress(begun.id), there(tmp_path)))

    record = apply(dataclasses.replace(run, observer=_At("/a", look)), approved)

    ((begun, steps, files),) = seen
    assert (begun.ended, begun.who, begun.claimed, begun.reason) == (False, "anna", "karin", "CHG 17")
    assert (begun.id, begun.process) == (record.id, this_process())
    assert [(h.host, h.outcome) for h in begun.hosts] == [("tie-test1", "unknown")]
    assert ([s.step.name for s in steps], files) == ([f"file {tmp_path}/a"], "")
    assert (record.ended, record.reason, record.process) == (True, "CHG 17", None)
    assert history.record(record.id) == record
    assert len(history.progress(record.id)) == 3


@pytest.fixture
def heard() -> Iterator[None]:
    """No signal is ignored, as one may be where tests run in the background."""
    before = {number: signal.signal(number, signal.default_int_handler) for number in SIGNALS}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.long
@pytest.mark.usefixtures("heard")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_one_signal_lets_the_step_that_runs_finish_and_begins_no_other(
    run: Invocation, tmp_path: Path, number: signal.Signals
) -> None:
    before = signal.getsignal(number)
    run = dataclasses.replace(run, observer=_At("/b", lambda: os.kill(os.getpid(), number)))
    record = apply(run, approved)

    assert there(tmp_path) == "ab"
    assert run.stores.history.record(record.id) == record
    assert (record.exit_code, [h.outcome for h in record.hosts]) == (Exit.INTERRUPTED, ["differs"])
    assert len(record.hosts[0].changed) == 2
    said = "\n".join(f"{f.summary}\n{f.detail}" for f in record.findings)
    assert f"stopped before three_files: file {tmp_path}/c: 2 of 3 steps done" in said
    assert "no host was left half changed" not in said
    assert signal.getsignal(number) == before


@pytest.mark.usefixtures("heard")
def test_a_second_signal_ends_the_run_now_and_it_is_recorded(run: Invocation) -> None:
    def twice() -> None:
        for number in (signal.SIGTERM, signal.SIGINT):
            os.kill(os.getpid(), number)

    run = dataclasses.replace(run, observer=_At("/b", twice))
    record = apply(run, approved)

    assert record.exit_code == Exit.INTERRUPTED
    assert run.stores.history.record(record.id) == record
    assert "begun and not finished: tie-test1" in "\n".join(f.detail for f in record.findings)
    assert len(run.stores.history.progress(record.id)) == 2


def test_another_size_of_the_terminal_stops_nothing(run: Invocation, tmp_path: Path) -> None:
    run = dataclasses.replace(run, observer=_At("/b", lambda: os.kill(os.getpid(), signal.SIGWINCH)))
    assert (apply(run, approved).exit_code, there(tmp_path)) == (Exit.OK, "abc")


def test_nobody_who_is_impatient_ends_a_run_while_it_is_recorded(run: Invocation, tmp_path: Path) -> None:
    class Slow(MemoryHistory):
        def end(self, record: Record) -> None:
            for number in SIGNALS:
                os.kill(os.getpid(), number)
            super().end(record)

    record = apply(with_history(run, Slow(), []), approved)
    assert (record.exit_code, there(tmp_path)) == (Exit.OK, "abc")


@pytest.mark.usefixtures("heard")
def test_a_signal_that_is_ignored_stays_so() -> None:
    """As under nohup."""
    stop = Stop()
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    end_by_signals()
    with stopping(stop, lambda _: None):
        os.kill(os.getpid(), signal.SIGHUP)
    assert stop.asked == ""


class _Ill(MemoryHistory):
    """Cannot keep steps, nor an end, so many times."""

    def __init__(self, *, steps: int = 0, ends: int = 0, begins: int = 0) -> None:
        super().__init__()
        self.left = {"steps": steps, "ends": ends, "begins": begins}

    def _fail(self, what: str) -> None:
        if self.left[what]:
            self.left[what] -= 1
            raise StoreError("the database is gone")

    def save(self, record: Record) -> None:
        self._fail("begins")
        super().save(record)

    def proceed(self, record_id: str, steps: Sequence[BegunStep]) -> None:
        self._fail("steps")
        super().proceed(record_id, steps)

    def end(self, record: Record) -> None:
        self._fail("ends")
        super().end(record)


def with_history(run: Invocation, history: MemoryHistory, waited: list[float], *, shared: bool = True) -> Invocation:
    stores = dataclasses.replace(in_memory(), history=history, shared=shared)
    return dataclasses.replace(run, stores=stores, recording=Recording(wait=waited.append))


def test_nothing_is_changed_that_cannot_be_recorded(run: Invocation, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="the database is gone"):
        apply(with_history(run, _Ill(begins=1), []), approved)
    assert there(tmp_path) == ""


def test_a_database_that_is_away_for_a_while_costs_no_step_and_no_record(run: Invocation, tmp_path: Path) -> None:
    waited: list[float] = []
    ill = _Ill(steps=2, ends=TRIES - 1)
    record = apply(with_history(run, ill, waited), approved)
    assert (there(tmp_path), record.exit_code, waited) == ("abc", Exit.OK, [PAUSE] * (TRIES - 1))
    assert [s.step.name[-1] for s in ill.progress(record.id)] == ["a", "b", "c"]
    assert ill.record(record.id) == record


def test_a_server_that_is_started_anew_in_the_middle_costs_nothing(
    run: Invocation, tmp_path: Path, server: Server
) -> None:
    url = Url(server.create("restarted"))
    open_url(url, as_it_is=True).upgrade()
    database = open_url(url)
    waited: list[float] = []

    def wait(seconds: float) -> None:
        waited.append(seconds)
        server.start()

    run = dataclasses.replace(run, stores=stores_of(database), recording=Recording(wait=wait))
    try:
        record = apply(dataclasses.replace(run, observer=_At("/b", server.stop)), approved)
        assert (there(tmp_path), record.exit_code, waited) == ("abc", Exit.OK, [PAUSE])
        assert run.stores.history.record(record.id) == record
        assert [s.step.name[-1] for s in run.stores.history.progress(record.id)] == ["a", "b", "c"]
        assert len(run.stores.applied.last_applied("tie-test1")) == 3
    finally:
        database.engine.dispose()


@pytest.mark.long
@pytest.mark.parametrize(("shared", "waits"), [(True, TRIES - 1), (False, 0)])
def test_a_store_that_does_not_come_back_leaves_a_record_that_says_the_run_began(
    run: Invocation, shared: bool, waits: int
) -> None:
    waited: list[float] = []
    ill = _Ill(ends=99)
    with pytest.raises(NotAllKept, match="the database is gone") as e:
        apply(with_history(run, ill, waited, shared=shared), approved)
    assert len(waited) == waits
    assert [h.outcome for h in e.value.record.hosts] == ["changed"]
    assert [run.ended for run in ill.runs()] == [False]


DEAD = Process(machine=this_process().machine, boot="of another boot", pid=1, since=1)


def test_a_run_that_was_killed_is_ended_by_the_next_one_with_what_it_had_begun(run: Invocation, tmp_path: Path) -> None:
    """As `kill -9` leaves it."""
    history, other = run.stores.history, "20261123T200000.000Z-apply-beef"
    began = dataclasses.replace(run, recording=Recording(reason="CHG 16"), started="2026-11-23T20:00:00.000Z")
    with began.session() as session:
        planned = began.plan(session.look())
    began.begin(planned, ["tie-test1"])
    assert began.recording.begun is not None
    lost = began.recording.begun.model_copy(update={"id": other, "process": DEAD})
    history.save(lost)
    steps = [s.id for s in planned.hosts[0].changes]
    history.proceed(other, [BegunStep(at="2026-11-23T20:00:05.000Z", host="tie-test1", step=s) for s in steps[:2]])

    apply(run, approved)

    ended = history.record(other)
    assert (ended.ended, ended.exit_code, ended.finished) == (True, Exit.ERROR, "2026-11-23T20:00:05.000Z")
    assert [(h.host, h.outcome, h.changed) for h in ended.hosts] == [("tie-test1", "unknown", (steps[0],))]
    assert "begun and not finished: tie-test1" in ended.findings[0].detail
    assert [r.id for r in history.not_ended()] == [began.recording.begun.id]  # this very process is at it
    assert there(tmp_path) == "abc"


def test_a_run_of_another_machine_is_left_to_that() -> None:
    history = MemoryHistory()
    elsewhere = dataclasses.replace(run_of(), command="apply", stores=dataclasses.replace(in_memory(), history=history))
    elsewhere.begin(elsewhere.plan(()), ())
    assert elsewhere.recording.begun is not None
    away = DEAD.model_copy(update={"machine": "tie-adm2"})
    history._put(elsewhere.recording.begun.model_copy(update={"process": away}), history.of_chain[0].entry.event)  # type: ignore[arg-type]
    end_lost_runs(history)
    assert len(history.not_ended()) == 1


def test_a_lost_run_whose_record_is_damaged_stops_nobody() -> None:
    history = MemoryHistory()
    whole, damaged = (
        record(f"2026-11-23T20:00:0{n}.000Z", "apply", ended=False, process=DEAD, exit_code=1) for n in range(2)
    )
    for one in (whole, damaged):
        history.save(one)
    history.texts[damaged.id] = "{"
    end_lost_runs(history)
    assert [run.id for run in history.not_ended()] == [damaged.id]


def test_the_kernel_says_whether_a_process_is_over() -> None:
    mine = this_process()
    ended = subprocess.Popen(["true"])
    ended.wait()
    assert is_over(mine) is False
    assert is_over(mine.model_copy(update={"since": mine.since + 1})) is True  # its number is another's by now
    assert is_over(mine.model_copy(update={"pid": ended.pid})) is True
    assert is_over(mine.model_copy(update={"boot": "another"})) is True
    assert is_over(mine.model_copy(update={"machine": "tie-adm2"})) is None


# --- who --------------------------------------------------------------------------------------------------------------


@pytest.fixture
def login(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Have the kernel say who logged in."""

    def says(text: str) -> None:
        (tmp_path / "self").mkdir(exist_ok=True)
        (tmp_path / "self" / "loginuid").write_text(text)

    monkeypatch.setattr(caller, "PROC", tmp_path)
    return says


def test_who_it_is_says_the_kernel_and_not_an_environment_variable(
    login: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("socket.gethostname", lambda: "tie-adm1")
    names = {0: "root", 1001: "anna", 990: "samdrift"}
    monkeypatch.setattr(caller, "name_of", lambda uid: names.get(uid, f"uid {uid}"))
    monkeypatch.setattr("os.getuid", lambda: 990)
    login("1001\n")
    assert caller.caller({"LOGNAME": "karin-soderlund"}) == ("anna@tie-adm1", "samdrift", "karin-soderlund")
    assert caller.caller({"SUDO_USER": "anna", "LOGNAME": "samdrift"}) == ("anna@tie-adm1", "samdrift", "")
    login("4294967295")
    assert caller.caller({}) == ("samdrift@tie-adm1", "", "")
    login("4711")
    assert caller.caller({}).who == "uid 4711@tie-adm1"
    monkeypatch.setattr("os.getuid", lambda: 0)
    login("")
    assert caller.caller({"SUDO_USER": "anna"}) == ("root@tie-adm1", "", "anna")


# --- runs that end before their work is done --------------------------------------------------------------------------


@pytest.fixture
def drift(monkeypatch: pytest.MonkeyPatch) -> Stores:
    """The stores of a command line, in memory."""
    stores = in_memory()
    monkeypatch.setattr(running, "stores_of", lambda _: stores)
    return stores


@pytest.mark.long
@pytest.mark.parametrize(
    ("ends", "code", "text"),
    [
        (lambda: Locked(None), Exit.LOCKED, "drift ended before its work was done: another run holds the lock"),
        (lambda: KeyboardInterrupt("SIGTERM"), Exit.INTERRUPTED, "stopped by SIGTERM"),
        (lambda: KeyboardInterrupt, Exit.INTERRUPTED, "stopped by Ctrl-C"),
        (lambda: ZeroDivisionError("x"), Exit.ERROR, "x"),
        (lambda: SamdriftError("not approved: no host was changed"), Exit.ERROR, "not approved"),
    ],
)
def test_a_run_that_ends_before_its_work_is_done_is_recorded(
    drift: Stores, ends: Callable[[], BaseException], code: Exit, text: str
) -> None:
    of_each = (SamdriftError, KeyboardInterrupt, ZeroDivisionError)
    with pytest.raises(of_each), running.running(Common(), "drift"):
        raise ends()
    (run,) = drift.history.runs()
    record = drift.history.record(run.id)
    assert (record.command, record.exit_code, record.hosts) == ("drift", code, ())
    assert text in record.findings[0].summary
