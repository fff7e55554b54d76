"""Outputs of a run: any number at once, refused before any host is asked, whole or not, none lost for another."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from junitparser import JUnitXml

from deploy.cli import main as cli
from deploy.cli.outputs import Outputs
from deploy.model.kinds import Exit
from deploy.model.observer import Quiet
from deploy.model.record import HostResult
from deploy.runs.invocation import Invocation
from tests.unit.deploy.runs.test_runs import run_of

FORMATS = ("junit", "sarif", "prometheus", "markdown")


@pytest.fixture(params=["drift", "verify"])
def command(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """A run that finds one host unknown."""
    run = run_of()
    result = HostResult(host="heb-gw1", municipality="heby", outcome="unknown", detail="no route to host")
    record = run.save(hosts=[result], findings=(), code=Exit.INCOMPLETE)
    record = record.model_copy(update={"command": request.param})

    @contextmanager
    def running(*_: object, **__: object) -> Iterator[tuple[Invocation, Quiet]]:
        yield run, Quiet()

    monkeypatch.setattr("deploy.cli.runs.running", running)
    monkeypatch.setattr(f"deploy.runs.commands.{request.param}", lambda _: record)
    return str(request.param)


def options(directory: Path, *formats: str) -> list[str]:
    return [word for name in formats for word in (f"--{name}", str(directory / f"{name}.out"))]


def names(directory: Path) -> list[str]:
    return sorted(file.name for file in directory.iterdir())


def test_any_number_is_written_in_one_run_beside_the_answer(
    command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli._ended([command, "--json", *options(tmp_path, *FORMATS)]) == Exit.INCOMPLETE

    assert json.loads(capsys.readouterr().out)["exit_code"] == Exit.INCOMPLETE
    written = {name: (tmp_path / f"{name}.out").read_text() for name in FORMATS}
    assert all("heb-gw1" in text for text in written.values())
    assert JUnitXml.fromstring(written["junit"].encode()).errors == 1
    modes = {name: oct((tmp_path / f"{name}.out").stat().st_mode & 0o777) for name in FORMATS}
    assert modes == {"junit": "0o600", "sarif": "0o600", "prometheus": "0o644", "markdown": "0o600"}
    assert names(tmp_path) == sorted(f"{name}.out" for name in FORMATS)


def test_what_was_not_asked_for_is_not_written(command: str, tmp_path: Path) -> None:
    assert cli._ended([command]) == Exit.INCOMPLETE
    assert names(tmp_path) == []


def test_one_that_fails_is_told_costs_no_other_and_ends_with_1(
    command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> str:
        raise ZeroDivisionError("a fault of ours")

    monkeypatch.setattr("deploy.report.run_junit.junit", broken)
    assert cli._ended([command, "--json", *options(tmp_path, *FORMATS)]) == Exit.ERROR

    said = capsys.readouterr()
    assert "error: --junit" in said.err
    assert "a fault of ours" in said.err
    assert json.loads(said.out)["exit_code"] == Exit.ERROR
    assert names(tmp_path) == ["markdown.out", "prometheus.out", "sarif.out"]


def test_a_disk_that_is_full_is_told_and_what_was_there_stays(
    command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    earlier = tmp_path / "prometheus.out"
    earlier.write_text("samdrift_run_exit_code 0\n")

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("deploy.cli.written.put_in_place", full)
    assert cli._ended([command, *options(tmp_path, "prometheus")]) == Exit.ERROR
    assert "No space left on device" in capsys.readouterr().err
    assert earlier.read_text() == "samdrift_run_exit_code 0\n"


@pytest.mark.parametrize("asked", ["drift", "verify", "check"])
@pytest.mark.parametrize("option", FORMATS)
def test_it_is_refused_before_any_host_is_asked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], asked: str, option: str
) -> None:
    state = ("--state", str(tmp_path / "state"), "--json", "--limit", "heb-gw1")
    assert cli._ended([asked, f"--{option}", str(tmp_path / "none" / "file"), *state]) == Exit.ERROR
    assert "there is no directory" in json.loads(capsys.readouterr().out)["error"]["message"]
    assert not (tmp_path / "state").exists()


def test_one_file_for_two_is_refused(command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "link").symlink_to(tmp_path)
    named = ["--junit", str(tmp_path / "file"), "--sarif", str(tmp_path / "link" / "file")]
    assert cli._ended([command, *named]) == Exit.ERROR
    assert "it is named twice" in capsys.readouterr().err


def test_what_is_no_ordinary_file_is_written_to_and_never_replaced(command: str, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        assert cli._ended([command, "--junit", str(pipe)]) == Exit.INCOMPLETE
        assert os.read(reader, 100).startswith(b"<?xml")
        assert pipe.is_fifo()
    finally:
        os.close(reader)


def test_whoever_could_read_a_file_of_ones_own_still_can(command: str, tmp_path: Path) -> None:
    summary = tmp_path / "summary.md"
    summary.write_text("before")
    summary.chmod(0o640)
    assert cli._ended([command, "--markdown", str(summary)]) == Exit.INCOMPLETE
    assert oct(summary.stat().st_mode & 0o777) == "0o640"
    assert "heb-gw1" in summary.read_text()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_file_that_somebody_else_laid_open_becomes_ones_own_and_closed(command: str, tmp_path: Path) -> None:
    laid = tmp_path / "junit.out"
    laid.touch()
    laid.chmod(0o666)
    os.chown(laid, 12345, 12345)
    assert cli._ended([command, "--junit", str(laid)]) == Exit.INCOMPLETE
    assert (oct(laid.stat().st_mode & 0o777), laid.stat().st_uid) == ("0o600", 0)


def test_a_link_that_somebody_laid_is_replaced_and_not_followed(command: str, tmp_path: Path) -> None:
    shadow, laid = tmp_path / "shadow", tmp_path / "junit.out"
    shadow.write_text("root:*:")
    shadow.chmod(0o644)
    laid.symlink_to(shadow)
    assert cli._ended([command, "--junit", str(laid)]) == Exit.INCOMPLETE
    assert shadow.read_text() == "root:*:"
    assert not laid.is_symlink()
    assert oct(laid.stat().st_mode & 0o777) == "0o600"


def test_a_run_that_breaks_off_says_so_where_an_earlier_one_said_that_all_is_well(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in FORMATS:
        (tmp_path / f"{name}.out").write_text("all well")
    asked = ["drift", "--limit", "nobody", "--state", str(tmp_path / "state"), *options(tmp_path, *FORMATS)]
    assert cli._ended(asked) == Exit.USAGE
    assert "nobody" in capsys.readouterr().err
    assert (tmp_path / "prometheus.out").read_text() == "all well"  # it grows old, and that raises an alert
    read = JUnitXml.fromstring((tmp_path / "junit.out").read_bytes())
    assert (read.tests, read.failures + read.errors) == (1, 1)
    (run,) = json.loads((tmp_path / "sarif.out").read_text())["runs"]
    assert (run["invocations"][0]["executionSuccessful"], run["invocations"][0]["exitCode"]) == (False, Exit.USAGE)
    assert "drift ended before its work was done" in (tmp_path / "markdown.out").read_text()


def test_a_run_that_somebody_stops_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def stopped(*_: object, **__: object) -> None:
        raise KeyboardInterrupt("SIGTERM")

    monkeypatch.setattr("deploy.cli.fleet._checked", stopped)
    assert cli._ended(["check", *options(tmp_path, "sarif")]) == Exit.INTERRUPTED
    (run,) = json.loads((tmp_path / "sarif.out").read_text())["runs"]
    assert run["invocations"][0]["exitCode"] == Exit.INTERRUPTED
    assert "stopped by SIGTERM" in run["results"][0]["message"]["text"]


def test_a_check_is_written_with_each_file_that_was_judged(tmp_path: Path) -> None:
    asked = ["check", "--limit", "heb-gw1", "--state", str(tmp_path / "state"), *options(tmp_path, *FORMATS)]
    assert cli._ended(asked) == Exit.OK
    suites = {
        suite.name: [case.name for case in suite]
        for suite in JUnitXml.fromstring((tmp_path / "junit.out").read_bytes())
    }
    assert suites["inventory"] == ["it is sound"]
    assert "/etc/nftables.conf" in suites["heb-gw1"]
    assert 'samdrift_run_exit_code{command="check",limit="heb-gw1"} 0' in (tmp_path / "prometheus.out").read_text()


def test_an_inventory_that_is_not_sound_is_in_every_output(tmp_path: Path) -> None:
    (tmp_path / "inventory").mkdir()
    asked = ["check", "--source", str(tmp_path / "inventory"), "--state", str(tmp_path / "state")]
    code = cli._ended([*asked, *options(tmp_path, *FORMATS)])
    assert code == Exit.ERROR
    read = JUnitXml.fromstring((tmp_path / "junit.out").read_bytes())
    assert read.failures > 0
    assert "it is sound" not in {case.name for suite in read for case in suite}
    assert "samdrift_run_exit_code" in (tmp_path / "prometheus.out").read_text()


def test_only_what_was_named_is_named() -> None:
    assert Outputs(sarif=Path("x")).named == {"sarif": Path("x")}
