"""The command line itself: options before and after a command, what is JSON, and how every error ends."""

from __future__ import annotations

import json
from pathlib import Path

import click
import pytest
from gevent.pool import Pool

from deploy import cli
from deploy.cli import Common
from deploy.findings import Exit
from deploy.store import Locked
from inventory.errors import InventoryError, Problem, SamdriftError, UsageError


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("LIMIT", "SOURCE", "LAB", "STATE", "JSON", "DEBUG", "USER", "KEY"):
        monkeypatch.delenv(f"SAMDRIFT_{name}", raising=False)
    monkeypatch.chdir(tmp_path)


def hosts(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[str]:
    assert cli._ended(arguments) == 0
    return [h["name"] for h in json.loads(capsys.readouterr().out)["hosts"]]


def test_options_stand_before_or_after_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    before = hosts(capsys, "--limit", "heby", "--json", "hosts")
    after = hosts(capsys, "hosts", "--limit", "heby", "--json")

    assert before == after
    assert before
    assert all(name.startswith("heb-") for name in before)


def test_what_stands_after_the_command_wins(capsys: pytest.CaptureFixture[str]) -> None:
    assert hosts(capsys, "--limit", "tierp", "--json", "hosts", "--limit", "heb-gw1") == ["heb-gw1"]


def test_the_environment_gives_options_and_the_command_line_wins(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SAMDRIFT_LIMIT", "heb-gw1")

    assert hosts(capsys, "--json", "hosts") == ["heb-gw1"]
    assert hosts(capsys, "--json", "hosts", "--limit", "kni-gw1") == ["kni-gw1"]


def test_every_command_takes_the_common_options() -> None:
    def options(command: click.Command) -> set[str]:
        return {p.name for p in command.params if p.name is not None}

    commands = [c for c in cli.cli.commands.values() if not isinstance(c, click.Group)]
    commands += cli.lab.commands.values()

    assert len(commands) > 10
    assert all(set(Common.__dataclass_fields__) <= options(c) for c in commands)


def test_every_command_says_what_it_is_for() -> None:
    for name, command in cli.cli.commands.items():
        assert command.get_short_help_str(limit=80), name
        assert not command.get_short_help_str(limit=68).endswith("..."), name


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (SamdriftError("it broke", where="a.yaml:3", fix="mend it"), 1, "a.yaml:3: it broke (mend it)"),
        (UsageError("no such thing"), 64, "no such thing"),
        (Locked("another run"), 4, "another run"),
        (click.UsageError("No such option."), 64, "No such option (see: samdrift --help)"),
        (click.Abort(), 130, "interrupted"),
        (ZeroDivisionError("division by zero"), 1, "internal error: ZeroDivisionError: division by zero"),
    ],
)
def test_every_error_is_a_line_and_an_exit_code(
    error: Exception, code: int, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli._failed(error, as_json=False, debug=False) == code
    said = capsys.readouterr()
    assert words in said.err
    assert len(said.err.splitlines()) == 1
    assert said.out == ""


def test_an_unsound_inventory_is_a_line_a_problem(capsys: pytest.CaptureFixture[str]) -> None:
    error = InventoryError((Problem("a", "x.yaml:1", "one"), Problem("b", "y.yaml:2", "two")))

    assert cli._failed(error, as_json=True, debug=False) == 1

    said = capsys.readouterr()
    assert [line.strip() for line in said.err.splitlines()[1:]] == ["x.yaml:1: one [a]", "y.yaml:2: two [b]"]
    assert json.loads(said.out)["error"]["problems"] == ["x.yaml:1: one [a]", "y.yaml:2: two [b]"]


def test_a_traceback_is_shown_only_when_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    cli._failed(ValueError("x"), as_json=False, debug=True)
    assert "ValueError: x" in capsys.readouterr().err.splitlines()

    cli._failed(ValueError("x"), as_json=False, debug=False)
    assert "Traceback" not in capsys.readouterr().err


def test_what_fails_in_a_greenlet_is_told_once(capfd: pytest.CaptureFixture[str]) -> None:
    def fail(_: int) -> None:
        raise SamdriftError("broken")

    cli._ended(["--help"])
    with pytest.raises(SamdriftError, match="broken"):
        Pool(1).map(fail, [1])

    assert "Traceback" not in capfd.readouterr().err


def test_an_error_shows_no_control_characters(capsys: pytest.CaptureFixture[str]) -> None:
    cli._failed(SamdriftError("\x1b[2Jgone"), as_json=False, debug=False)

    assert "\x1b[2J" not in capsys.readouterr().err


def test_help_is_no_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli._ended(["--help"]) == Exit.OK
    assert "Exit codes" in capsys.readouterr().out


def test_a_host_that_is_nearly_right_is_suggested(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli._ended(["show", "tie-dns"]) == 64
    assert "tie-dns1" in capsys.readouterr().err


def test_show_says_a_file_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli._ended(["show", "tie-mon1", "--file", "/etc/hostname"]) == 0
    assert capsys.readouterr().out.endswith("tie-mon1\n")


@pytest.mark.parametrize("name", ["tie-dns1", "alv-gw1", "heb-sw1", "tie-archive1"])  # server, gateway, CLI, planned
def test_show_fits_a_hundred_columns(
    name: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "100")

    assert cli._ended(["show", name]) == 0

    assert max(map(len, capsys.readouterr().out.splitlines())) <= 100


def test_the_lab_differs_only_where_it_says_so() -> None:
    before = {"a": {"x": 1, "y": [1]}, "b": 2}
    after = {"a": {"x": 1, "y": [2]}, "b": 2, "c": True}

    assert list(cli._differences(before, after)) == [("a.y", [1], [2]), ("c", None, True)]
    assert list(cli._differences(before, before)) == []
