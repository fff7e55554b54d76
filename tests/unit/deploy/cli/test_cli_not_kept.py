"""A run whose record cannot be kept answers with the record all the same: it may be nowhere else."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

import pytest

from deploy.cli import main as cli
from deploy.model.findings import Exit, Finding, Kind
from deploy.model.messages import as_written
from deploy.model.observer import Quiet
from deploy.model.record import HostResult
from deploy.runs.invocation import Invocation, NotAllKept
from deploy.store.ports import StoreError
from tests.unit.deploy.runs.test_runs import run_of


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Invocation:
    """A run that changes a host, breaks off at a step, and finds its disk full."""
    run = run_of()
    finding = Finding(
        kind=Kind.FAILED_STEP, host="heb-gw1", municipality="heby", message=as_written("apply broke off at time: s")
    )
    result = HostResult(host="heb-gw1", municipality="heby", outcome="failed", changed=("time: file /etc/f",))
    record = run.save(hosts=[result], findings=[finding], code=Exit.VERIFY_FAILED)

    @contextmanager
    def running(*_: object, **__: object) -> Iterator[tuple[Invocation, Quiet]]:
        yield run, Quiet()

    def changed(*_: object, **__: object) -> NoReturn:
        raise NotAllKept(record, [StoreError("the state cannot be used: No space left on device", where="x.json")])

    monkeypatch.setattr("deploy.cli.runs.running", running)
    for place in ("applying.apply", "commands.verify", "commands.drift"):
        monkeypatch.setattr(f"deploy.runs.{place}", changed)
    return run


@pytest.mark.usefixtures("run")
@pytest.mark.parametrize("command", [["apply", "--yes"], ["verify"], ["drift"]], ids=["apply", "verify", "drift"])
def test_with_json_the_one_document_is_the_record(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert cli._ended([*command, "--json"]) == Exit.ERROR

    said = capsys.readouterr()
    document = json.loads(said.out)
    assert (document["exit_code"], document["hosts"][0]["changed"]) == (1, ["time: file /etc/f"])
    assert "No space left on device" in said.err


@pytest.mark.usefixtures("run")
def test_people_read_what_was_done_and_that_it_is_not_recorded(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli._ended(["apply", "--yes"]) == Exit.ERROR

    said = capsys.readouterr()
    assert "apply broke off at time: s" in said.out
    assert "error: " in said.err
    assert "No space left on device" in said.err
