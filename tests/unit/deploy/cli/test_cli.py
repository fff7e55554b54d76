"""The command line itself: options before and after a command, what is JSON, and how every error ends."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from pathlib import Path
from typing import Any

import click
import pytest
from gevent.pool import Pool

from deploy.cli import fleet as cli_fleet
from deploy.cli import main as cli
from deploy.cli.command import Common
from deploy.cli.entry import make_cooperative, raise_limits
from deploy.model.findings import Exit, Kind
from deploy.model.record import Record
from deploy.store.opening import open_stores
from deploy.store.ports import Locked
from inventory import snapshot
from inventory.errors import InventoryError, Problem, SamdriftError, UsageError
from inventory.paths import CODE
from tests.unit.deploy.store.conformance import records_of
from tests.unit.inventory.fleets import GATEWAY, SERVER, fleet


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("LIMIT", "SOURCE", "LAB", "STATE", "JSON", "DEBUG", "USER", "KEY", "IDENTITY"):
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


def every_command() -> dict[str, click.Command]:
    """Every command that help lists, imported."""
    context = click.Context(cli.cli)
    found = {name: cli.cli.get_command(context, name) for name in cli.cli.list_commands(context)}
    assert len(found) == len(cli.COMMANDS) > 10
    return {name: command for name, command in found.items() if command is not None}


def test_every_command_takes_the_common_options() -> None:
    def options(command: click.Command) -> set[str]:
        return {p.name for p in command.params if p.name is not None}

    commands = [c for c in every_command().values() if not isinstance(c, click.Group)]
    groups = [c for c in every_command().values() if isinstance(c, click.Group)]
    commands += [command for group in groups for command in group.commands.values()]

    assert len(commands) > 10
    assert all(set(Common.__dataclass_fields__) <= options(c) for c in commands)


def test_examples_in_help_stand_a_line_each() -> None:
    for name in ("reach", "review"):
        command = every_command()[name]
        text = command.get_help(click.Context(command, info_name=name))
        assert "\\b" not in text, name
        assert [line for line in text.splitlines() if line.strip().startswith(f"samdrift {name} ")][1:], name


def test_every_command_says_what_it_is_for() -> None:
    for name, command in every_command().items():
        assert command.get_short_help_str(limit=80) == cli.COMMANDS[name][1], name
        assert not command.get_short_help_str(limit=68).endswith("..."), name


@pytest.mark.parametrize("command", ["--help", "hosts"])
def test_help_and_the_list_of_hosts_wait_for_nothing_that_connects(command: str) -> None:
    """Through the real entry point; what else they wait for, `tests.bench.startup` measures."""
    script = (
        "import atexit, sys; from deploy.cli.entry import main;"
        "atexit.register(lambda: print(*sys.modules, file=sys.stderr)); main()"
    )
    done = subprocess.run([sys.executable, "-c", script, command], cwd=CODE, capture_output=True, text=True, check=True)

    assert "tie-mon1" in done.stdout or "Usage:" in done.stdout
    loaded = done.stderr.split()
    assert "deploy.cli.main" in loaded
    assert not {"pyinfra", "paramiko", "netmiko"} & set(loaded)


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (SamdriftError("it broke", where="a.yaml:3", fix="mend it"), 1, "a.yaml:3: it broke (mend it)"),
        (UsageError("no such thing"), 64, "no such thing"),
        (Locked(None), 4, "another run"),
        (click.UsageError("No such option."), 64, "No such option (see: samdrift --help)"),
        (click.Abort(), 130, "interrupted"),
        (ZeroDivisionError("division by zero"), 1, "internal error: ZeroDivisionError: division by zero"),
    ],
)
def test_every_error_is_a_line_and_an_exit_code(
    error: Exception, code: int, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli._failed(error, in_json=False, debug=False) == code
    said = capsys.readouterr()
    assert words in said.err
    assert len(said.err.splitlines()) == 1
    assert said.out == ""


def test_an_unsound_inventory_is_a_line_a_problem(capsys: pytest.CaptureFixture[str]) -> None:
    error = InventoryError((Problem("a", "x.yaml:1", "one"), Problem("b", "y.yaml:2", "two")))

    assert cli._failed(error, in_json=True, debug=False) == 1

    said = capsys.readouterr()
    assert [line.strip() for line in said.err.splitlines()[1:]] == ["x.yaml:1: one [a]", "y.yaml:2: two [b]"]
    assert json.loads(said.out)["error"]["problems"] == ["x.yaml:1: one [a]", "y.yaml:2: two [b]"]


def test_a_seed_that_nobody_can_approve_is_refused_before_netbox_is_asked(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli._ended(["inventory", "seed", "--netbox-url", "https://netbox.invalid"]) == Exit.USAGE
    assert "add --yes" in capsys.readouterr().err


def test_a_traceback_is_shown_only_when_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    cli._failed(ValueError("x"), in_json=False, debug=True)
    assert "ValueError: x" in capsys.readouterr().err.splitlines()

    cli._failed(ValueError("x"), in_json=False, debug=False)
    assert "Traceback" not in capsys.readouterr().err


def test_what_fails_in_a_greenlet_is_told_once(capfd: pytest.CaptureFixture[str]) -> None:
    def fail(_: int) -> None:
        raise SamdriftError("broken")

    make_cooperative([])
    with pytest.raises(SamdriftError, match="broken"):
        Pool(1).map(fail, [1])

    assert "Traceback" not in capfd.readouterr().err


def test_an_error_shows_no_control_characters(capsys: pytest.CaptureFixture[str]) -> None:
    cli._failed(SamdriftError("\x1b[2Jgone"), in_json=False, debug=False)

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


def test_show_says_roles_in_the_order_in_which_they_are_applied(capsys: pytest.CaptureFixture[str]) -> None:
    order = ["base", "firewall", "time", "log_server", "node_metrics"]

    assert cli._ended(["show", "tie-log1"]) == 0
    page = capsys.readouterr().out
    assert [line.split()[0] for line in page.splitlines() if line.split("  ")[0] in order] == order
    assert cli._ended(["show", "tie-log1", "--json"]) == 0
    assert list(json.loads(capsys.readouterr().out)["settings"]) == order


def test_show_says_the_intended_configuration_of_a_device_without_its_secrets(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert cli._ended(["show", "heb-sw1", "--configuration"]) == 0
    configuration = capsys.readouterr().out
    assert configuration.startswith("set system host-name heb-sw1\n")
    assert 'authentication encrypted-password "‹secret:switch_admin_hash›"' in configuration
    assert cli._ended(["show", "heb-sw1", "--files"]) == 0
    page = capsys.readouterr().out
    assert all(f"│ {line}\n" in page for line in configuration.splitlines())
    assert cli._ended(["show", "heb-sw1", "--json"]) == 0
    (declared,) = json.loads(capsys.readouterr().out)["configurations"]
    assert declared["content"] == configuration


@pytest.mark.parametrize(
    ("name", "says"),
    [("heb-sw1", "the device itself, by commit confirmed"), ("heb-fw1", "apply asks for --no-rollback")],
)
def test_show_says_who_undoes_a_change_of_a_device(name: str, says: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli._ended(["show", name]) == 0
    assert says in capsys.readouterr().out


def test_a_server_has_no_configuration_to_show(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli._ended(["show", "tie-dns1", "--configuration"]) == 64
    assert "no role declares a configuration of tie-dns1" in capsys.readouterr().err


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

    assert list(cli_fleet._differences(before, after)) == [("a.y", [1], [2]), ("c", None, True)]
    assert list(cli_fleet._differences(before, before)) == []


# --- a check and its record -------------------------------------------------------------------------------------


@pytest.fixture
def inventory(tmp_path: Path) -> Path:
    """A small sound inventory, whose hosts have a role that needs nothing."""
    given = {"context": {"samdrift": {"roles": {"firewall": True}}}}
    bare = fleet(config_contexts=[], hosts=[GATEWAY | given, SERVER | given])
    snapshot.dump(bare, tmp_path / "inventory")
    return tmp_path / "inventory"


def unsettle(inventory: Path, *, municipality: str = "heby", old: str, new: str) -> None:
    file = inventory / f"hosts/{municipality}.yaml"
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new), encoding="utf-8")


def asked(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, dict[str, Any]]:
    code = cli._ended([*map(str, arguments), "--json"])
    return code, json.loads(capsys.readouterr().out)


def recorded(state: Path) -> tuple[Record, ...]:
    return records_of(open_stores(state).history) if state.exists() else ()


def test_a_check_leaves_a_record_also_of_a_sound_inventory(
    inventory: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, said = asked(capsys, "check", "--source", inventory, "--state", tmp_path / "s", "--limit", "heby")

    (kept,) = recorded(tmp_path / "s")
    assert (code, said["findings"]) == (0, [])
    assert (kept.command, kept.findings, kept.exit_code, kept.limit) == ("check", (), 0, "heby")
    assert kept.fleet_source == str(inventory)
    assert kept.fleet_digest == snapshot.load(inventory).digest


def test_a_check_says_when_netbox_said_what_was_checked(
    inventory: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fleet, at = snapshot.load(inventory), "2026-11-25T06:00:00.000Z"
    snapshot.dump(fleet, inventory, snapshot.Origin(netbox="https://netbox.example", at=at, digest=fleet.digest))

    asked(capsys, "check", "--source", inventory, "--state", tmp_path / "s", "--limit", "heby")

    (kept,) = recorded(tmp_path / "s")
    assert kept.fleet_time == at


def test_what_a_check_finds_is_recorded_and_known_since_it_was_first_found(
    inventory: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    unsettle(inventory, old="10.63.10.1/24", new="10.63.10.2/24")

    codes = [asked(capsys, "check", "--source", inventory, "--state", tmp_path / "s")[0] for _ in "12"]

    second, first = recorded(tmp_path / "s")
    assert codes == [1, 1]
    assert [f.kind for f in first.findings] == [Kind.UNSOUND]
    assert [(f.fingerprint, f.first_seen) for f in second.findings] == [
        (f.fingerprint, first.started) for f in first.findings
    ]
    assert first.findings[0].municipality == "heby"
    assert "gateway-host" in first.findings[0].summary


def test_who_may_not_write_records_can_check_and_is_told(
    inventory: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")

    assert cli._ended(["check", "--source", str(inventory), "--state", str(tmp_path / "file/state")]) == 0

    said = capsys.readouterr()
    assert len([line for line in said.err.splitlines() if "The check is not recorded: " in line]) == 1
    assert "2 hosts" in said.out


def test_what_is_no_inventory_is_no_check_of_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, said = asked(capsys, "check", "--source", tmp_path / "typo", "--state", tmp_path / "s")

    assert code == 1
    assert "there is no such directory" in said["findings"][0]["summary"]
    assert recorded(tmp_path / "s") == ()


def test_a_report_shows_what_the_latest_check_found(
    inventory: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = ("--source", inventory, "--state", tmp_path / "s")

    never = asked(capsys, "report", *place)[1]["checked"]
    asked(capsys, "check", *place)
    once = asked(capsys, "report", *place)[1]["checked"]

    assert never is None
    assert (once["findings"], once["moved_since"]) == ([], False)


def test_an_inventory_that_is_not_sound_has_a_report_and_each_municipality_its_own(
    inventory: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = ("--source", inventory, "--state", tmp_path / "s")
    unsettle(inventory, old="10.63.10.1/24", new="10.63.10.2/24")
    asked(capsys, "check", *place)
    unsettle(inventory, municipality="tierp", old="eth0", new="../eth0")

    found = {}
    for limit in ("heby or tierp", "heby", "tierp"):
        code, made = asked(capsys, "report", *place, "--limit", limit)
        assert code == 0
        found[limit] = [f["municipality"] for f in made["checked"]["findings"]]
    text = (tmp_path / "report/report.html").read_text(encoding="utf-8")

    assert found == {"heby or tierp": ["heby", "tierp"], "heby": ["heby"], "tierp": ["tierp"]}
    assert "../eth0" in text
    assert "10.63.10.1" not in text
    assert [r.command for r in recorded(tmp_path / "s")] == ["check"]
    since = asked(capsys, "report", *place)[1]["checked"]["findings"]
    assert since[0]["first_seen"] == recorded(tmp_path / "s")[0].started


def test_nothing_readable_has_no_report(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, said = asked(capsys, "report", "--source", tmp_path / "typo", "--state", tmp_path / "s")

    assert code == 1
    assert "there is no such directory" in said["error"]["message"]
    assert not (tmp_path / "report").exists()


def test_as_many_files_may_be_open_as_the_machine_allows() -> None:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(256, before[1]), before[1]))
        raise_limits()
        assert resource.getrlimit(resource.RLIMIT_NOFILE) == (before[1], before[1])
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
