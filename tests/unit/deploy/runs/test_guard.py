"""What a host is about to undo, behind a real sshd: seen, undone at once, left as it is."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from deploy.engine import guard_script, lock_script
from deploy.model.findings import Exit, Kind
from deploy.model.guard_state import Where
from deploy.model.record import Record
from deploy.runs import guard
from deploy.runs.invocation import Invocation
from deploy.store.ports import Holder, StoreError
from deploy.views import guard as view
from roles.shared.guard import kept_file
from roles.shared.intent import Intent
from tests.sshd import Sshd, fleet_of
from tests.unit.deploy.runs.test_runs import run_of
from tests.unit.deploy.views.shown import shown


@pytest.fixture
def run(sshd: Sshd) -> Iterator[Invocation]:
    """A run about a host whose roles nobody can make sense of: that is no reason not to see its guard."""
    host = sshd.host(context={"samdrift": {"roles": {"no_such_role": True}}})
    yield dataclasses.replace(run_of(), intent=Intent(fleet_of(host)), hosts=(host,), access=sshd.access)
    shutil.rmtree(sshd.directory / "lib/samdrift")
    (sshd.directory / "lib/samdrift").mkdir()


@pytest.fixture
def place(tmp_path: Path) -> Path:
    path = tmp_path / "sshd_config"
    path.write_text("Port 22\n")
    return path


def arm(run: Invocation, of: Path, *then: str) -> None:
    """Somebody else's run changes a file, and ends before it is confirmed."""
    program = guard_script.arm([kept_file(str(of), then)], seconds=600, run="r1", holder="anna, 08:15: samdrift apply")
    with guard._host(run) as (session, name):
        assert session.ask(name, [program])[0].rc == 0
    of.write_text("Port 2222\n")


def test_what_a_host_is_about_to_undo_is_shown_with_whose_it_is(run: Invocation, place: Path) -> None:
    assert guard.show(run).standing.where is Where.NONE
    arm(run, place)
    seen = guard.show(run)
    assert (seen.pending, seen.standing.ticks, seen.kept) == (True, True, (str(place),))
    text = shown(*view.seen(seen))
    assert "tie-test1 is about to undo a change that was not confirmed" in text
    assert "anna, 08:15: samdrift apply" in text
    assert f"would put back: {place}" in text


def test_a_host_undoes_it_at_once_when_it_is_told_to(run: Invocation, place: Path) -> None:
    arm(run, place)
    record = guard.restore(run)
    assert (place.read_text(), record.exit_code) == ("Port 22\n", Exit.OK)
    assert [(h.outcome, "anna" in h.detail) for h in record.hosts] == [("rolled back", True)]
    assert guard.show(run).standing.where is Where.RESTORED
    assert "it undid the last guarded change" in shown(*view.seen(guard.show(run)))


def test_what_cannot_be_put_back_yet_is_told_and_ends_with_an_error(run: Invocation, place: Path) -> None:
    arm(run, place, "echo no such unit >&2; false")
    record = guard.restore(run)
    assert (record.exit_code, [f.kind for f in record.findings]) == (Exit.ERROR, [Kind.FAILED_STEP])
    assert "no such unit" in record.findings[0].detail
    assert "samdrift guard show tie-test1" in record.findings[0].remedy
    guard.clear(run)


def test_a_guard_that_is_taken_away_leaves_the_host_as_it_is_and_stands_in_the_history(
    run: Invocation, place: Path
) -> None:
    arm(run, place)
    record = guard.clear(run)
    assert place.read_text() == "Port 2222\n"
    assert [(h.outcome, "anna" in h.detail) for h in record.hosts] == [("differs", True)]
    assert [f.kind for f in record.findings] == [Kind.ARMED]
    assert run.stores.history.record(record.id) == record
    assert not guard.show(run).pending


@pytest.mark.long
@pytest.mark.parametrize("act", [guard.restore, guard.clear])
def test_a_host_at_which_another_run_is_at_work_is_left_to_it_unless_that_is_gone(
    run: Invocation, place: Path, act: Callable[[Invocation], Record]
) -> None:
    arm(run, place)
    other = Holder(who="anna", since="2026-11-29T08:15:00.000Z", command="samdrift apply", run="r1")
    with guard._host(run) as (session, name):
        assert session.ask(name, [lock_script.take(other)])[0].rc == 0
        with pytest.raises(guard.AtWork, match=r"another run holds the lock: anna since .*--take-over r1") as refused:
            act(run)
        assert (refused.value.exit_code, place.read_text()) == (Exit.LOCKED, "Port 2222\n")
        act(dataclasses.replace(run, take_over=("r1",)))
        assert not guard.show(run).pending
        assert session.ask(name, [lock_script.fenced("r1", "true", seconds=1)])[0].rc == lock_script.REFUSED


@pytest.mark.parametrize("act", [guard.restore, guard.clear])
def test_what_cannot_be_recorded_is_not_done(
    run: Invocation, place: Path, act: Callable[[Invocation], Record], monkeypatch: pytest.MonkeyPatch
) -> None:
    arm(run, place)

    def full(_history: object, record: Record) -> None:
        assert (record.ended, [h.outcome for h in record.hosts]) == (False, ["unknown"])
        raise StoreError("the disk is full")

    monkeypatch.setattr(type(run.stores.history), "save", full)
    with pytest.raises(StoreError, match="the disk is full"):
        act(run)
    assert (place.read_text(), guard.show(run).pending) == ("Port 2222\n", True)


def test_there_must_be_something_to_undo(run: Invocation) -> None:
    for act in (guard.restore, guard.clear):
        with pytest.raises(guard.NothingPending, match="not about to undo anything"):
            act(run)


def test_a_host_that_cannot_be_reached_is_unknown(run: Invocation) -> None:
    away = dataclasses.replace(run, access=run.access.model_copy(update={"port": 1}))
    with pytest.raises(guard.NotSeen, match="Connection refused") as refused:
        guard.show(away)
    assert refused.value.exit_code == Exit.INCOMPLETE
