"""An apply that is killed, wherever it is, leaves a record; and the next one leaves nothing half done.

A run is a process of its own here, which kills itself (SIGKILL) at one of the moments that its observer hears of.
"""

from __future__ import annotations

import dataclasses
import os
import signal
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from deploy.model import clock
from deploy.model.findings import Exit
from deploy.runs import invocation
from deploy.runs.applying import apply
from deploy.runs.evidence import verify_history
from deploy.runs.invocation import Invocation
from deploy.runs.recording import Recording
from deploy.store.opening import open_stores
from roles.shared.intent import Intent
from tests.applying import AtMoment
from tests.sshd import Sshd, fleet_of
from tests.unit.deploy.runs.test_evidence import THREE_FILES, approved
from tests.unit.deploy.runs.test_runs import run_of


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


class World:
    """One host, and the store that every run opens anew."""

    def __init__(self, run: Invocation, place: Path, state: Path) -> None:
        self.run, self.place, self.state = run, place, state

    def apply(self, moment: int) -> int:
        """Apply in a process of its own, which dies at this moment. Returns how it ended, as a shell says."""
        child = os.fork()
        if child == 0:
            code = 70
            try:
                run = dataclasses.replace(
                    self.run,
                    stores=open_stores(self.state),
                    observer=AtMoment(moment, _die),
                    recording=Recording(reason=f"{moment}"),
                    started=clock.now(),
                )
                code = apply(run, approved).exit_code
            finally:
                os._exit(code)
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

    def there(self) -> str:
        return "".join(n for n in "abc" if (self.place / n).exists())

    def forget(self) -> None:
        """Somebody removes what samdrift wrote."""
        for path in self.place.iterdir():
            path.unlink()


@pytest.fixture
def world(sshd: Sshd, make_role: Callable[[str, str], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    make_role("three_files", THREE_FILES)
    monkeypatch.setattr(invocation, "run_checks", lambda *_, **__: ())
    place = tmp_path / "place"
    place.mkdir()
    options = {"roles": {"three_files": True}, "three_files": {"place": str(place)}}
    fleet = fleet_of(sshd.host(context={"samdrift": options}))
    run = dataclasses.replace(run_of(), intent=Intent(fleet), hosts=fleet.hosts, access=sshd.access, command="apply")
    open_stores(tmp_path / "state")
    return World(run, place, tmp_path / "state")


def killed_at(world: World, moments: Sequence[int]) -> None:
    """Kill an apply at each of these moments, and look at what is left; then apply once, and all is well."""
    changed = set[str]()
    for moment in moments:
        before = world.there()
        assert world.apply(moment) in {-signal.SIGKILL, Exit.OK}
        history = open_stores(world.state).history
        if world.there() != before:
            reasons = {history.record(run.id).reason for run in history.runs()}
            assert f"{moment}" in reasons, "a run that left no record"
            changed.add(f"{moment}")
        if world.there() == "abc":
            world.forget()
    assert world.apply(-1) == Exit.OK
    assert world.there() == "abc"
    history = open_stores(world.state).history
    records = [history.record(run.id) for run in history.runs()]
    assert changed <= {r.reason for r in records}
    assert all(r.ended for r in records)
    assert verify_history(history, (), "").breaks == ()
    for record in records:
        if record.exit_code != Exit.OK:
            assert "ended without a word" in record.findings[0].summary
            begun = [s.step for s in history.progress(record.id)]
            assert {h.changed for h in record.hosts} <= {tuple(begun[:-1]), ()}


@pytest.mark.long
def test_an_apply_that_is_killed_leaves_a_record_and_the_next_leaves_nothing_half_done(world: World) -> None:
    killed_at(world, (3, 8, 9, 12))


@pytest.mark.soak
def test_a_hundred_applies_are_killed_wherever_they_are(world: World) -> None:
    killed_at(world, [n * 7 % 20 for n in range(100)])
