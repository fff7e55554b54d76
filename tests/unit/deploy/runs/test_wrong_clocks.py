"""A clock that is wrong by a day, on either side, loses no record and leaves nothing half done."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from deploy.model import clock
from deploy.model.findings import Exit
from deploy.runs import commands, invocation
from deploy.runs.applying import apply
from deploy.runs.evidence import verify_history
from deploy.runs.invocation import Invocation
from deploy.runs.recording import Recording
from deploy.store.opening import open_stores
from roles.shared.intent import Intent
from tests.sshd import Sshd, fleet_of
from tests.unit.deploy.runs.test_evidence import THREE_FILES, approved
from tests.unit.deploy.runs.test_runs import run_of

A_DAY = [timedelta(days=-1), timedelta(days=1)]
DATE = """#!/bin/sh
# `date` of a host whose clock is wrong.
case "$*" in
"+%s") echo $(($(/bin/date +%s) + {seconds:.0f})) ;;
*) exec /bin/date "$@" ;;
esac
"""


@pytest.fixture
def made(
    sshd: Sshd, make_role: Callable[[str, str], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[str], Invocation]:
    """Makes a run of a command about one host with three files, with the store that all of them share."""
    make_role("three_files", THREE_FILES)
    monkeypatch.setattr(invocation, "run_checks", lambda *_, **__: ())
    (tmp_path / "place").mkdir()
    options = {"roles": {"three_files": True}, "three_files": {"place": str(tmp_path / "place")}}
    fleet = fleet_of(sshd.host(context={"samdrift": options}))
    run = dataclasses.replace(run_of(), intent=Intent(fleet), hosts=fleet.hosts, access=sshd.access)

    def of(command: str) -> Invocation:
        stores, recording = open_stores(tmp_path / "state"), Recording(reason="a test")
        return dataclasses.replace(run, command=command, stores=stores, recording=recording, started=clock.now())

    return of


def well(made: Callable[[str], Invocation], place: Path, applied: int) -> None:
    """The host is as it should be, and so many runs are on record, each ended and none forged."""
    plan, _ = commands.plan(made("plan"), detailed=False)
    assert [host.error or len(host.changes) for host in plan.hosts] == [0]
    assert sorted(p.name for p in place.iterdir()) == ["a", "b", "c"]
    history = made("history").stores.history
    records = [history.record(run.id) for run in history.runs()]
    assert [r.ended for r in records if r.command == "apply"] == [True] * applied
    assert verify_history(history, (), "").breaks == ()


@pytest.mark.long
@pytest.mark.parametrize("wrong", A_DAY, ids=str)
def test_where_samdrift_runs(
    made: Callable[[str], Invocation], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wrong: timedelta
) -> None:
    place = tmp_path / "place"
    with monkeypatch.context() as at:
        at.setattr(clock, "now", lambda: clock._written(datetime.now(UTC) + wrong))
        assert apply(made("apply"), approved).exit_code == Exit.OK
        well(made, place, 1)
    (place / "b").unlink()
    record = apply(made("apply"), approved)
    assert (record.exit_code, [host.changed for host in record.hosts]) == (
        Exit.OK,
        [("three_files: file " + str(place / "b"),)],
    )
    well(made, place, 2)


@pytest.mark.long
@pytest.mark.parametrize("wrong", A_DAY, ids=str)
def test_on_the_host(made: Callable[[str], Invocation], sshd: Sshd, tmp_path: Path, wrong: timedelta) -> None:
    date = sshd.directory / "bin/date"
    date.write_text(DATE.format(seconds=wrong.total_seconds()))
    date.chmod(0o755)
    try:
        assert apply(made("apply"), approved).exit_code == Exit.OK
        well(made, tmp_path / "place", 1)
    finally:
        date.unlink()
