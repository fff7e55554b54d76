"""Wrong input to the real command line: a clear line with the place to mend, the right exit code, nothing touched."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from deploy.store.opening import open_stores
from inventory.paths import CODE
from tests.unit.deploy.store.conformance import records_of

SAMDRIFT = (sys.executable, "-m", "deploy.cli")

Run = Callable[..., "Said"]


@dataclass
class Said:
    """How a command ended."""

    code: int
    out: str
    err: str


def samdrift(*arguments: str | Path, cwd: Path = CODE, **environment: str) -> Said:
    clean = {k: v for k, v in os.environ.items() if not k.startswith("SAMDRIFT_")}
    done = subprocess.run(
        [*SAMDRIFT, *map(str, arguments)],
        cwd=cwd,
        capture_output=True,
        text=True,
        env=clean | environment,
        stdin=subprocess.DEVNULL,
        timeout=120,
        check=False,
    )
    assert "Traceback" not in done.stdout + done.stderr
    return Said(done.returncode, done.stdout, done.stderr)


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """A state directory that nobody has made: touched is what makes it."""
    return tmp_path / "state"


@pytest.fixture
def snapshot(tmp_path: Path) -> Path:
    """A copy of the embedded snapshot, to spoil."""
    return Path(shutil.copytree(CODE / "inventory/snapshot", tmp_path / "fleet"))


def spoil(snapshot: Path, file: str, old: str, new: str) -> int:
    """Replace the first `old` in a file; the line it stands on."""
    path = snapshot / file
    text = path.read_text(encoding="utf-8")
    assert old in text, f"{file} has no {old!r} any more: mend this test"
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    return text[: text.index(old)].count("\n") + 1


def contents(directory: Path) -> dict[Path, bytes]:
    return {p: p.read_bytes() for p in directory.rglob("*") if p.is_file()}


# Each: the file to spoil, what to replace by what, how many lines below that the fault is told, and words of the line.
SPOILED = {
    "not YAML": ("hosts/heby.yaml", "hosts:", "hosts: [", 1, ["YAML"]),
    "an unknown key": ("hosts/heby.yaml", "  serial: HEB05451X7", "  serail: HEB05451X7", 0, ["serail"]),
    "a host without address": (
        "hosts/heby.yaml",
        "  primary_address: 10.59.0.63\n",
        "",
        None,
        ["heb-gw1", "address"],
    ),
    "two hosts with one address": (
        "hosts/heby.yaml",
        "addresses: [10.59.0.63/24]",
        "addresses: [10.59.0.63/24, 10.59.0.64/24]",
        None,
        ["10.59.0.64", "kni-gw1"],
    ),
    "an address outside every prefix": (
        "hosts/heby.yaml",
        "addresses: [10.63.10.1/24]",
        "addresses: [192.0.2.1/24]",
        0,
        ["192.0.2.1"],
    ),
    "an unknown role": ("hosts/heby.yaml", "roles: {base: ", "roles: {bas: ", None, ["heb-gw1", "'bas'"]),
    "roles as a list": (
        "hosts/heby.yaml",
        "roles: {edge_firewall: true}",
        "roles: [edge_firewall]",
        0,
        ["heb-fw1", "write: roles: {edge_firewall: true}"],
    ),
    "a role that does not fit the platform": (
        "hosts/heby.yaml",
        "  platform: debian-13",
        "  platform: junos",
        None,
        ["heb-gw1", "does not fit platform junos"],
    ),
    "a setting of the wrong type": (
        "hosts/heby.yaml",
        "      base:\n",
        "      base:\n        journal_max: 7\n",
        None,
        ["heb-gw1", "samdrift.base.journal_max"],
    ),
}


WHOLE = ("not YAML", "an unknown key")
"""What no host alone can be blamed for: the file cannot be read."""
HOSTS = {"two hosts with one address": "heb-gw1 or kni-gw1", "roles as a list": "heb-fw1"}
"""Whom a fault costs, where it is not heb-gw1."""


def told(lines: str, what: str, line: int) -> bool:
    """Whether one of these lines has the words of a fault, and its place if there is one."""
    file, _, _, below, words = SPOILED[what]
    found = [x for x in lines.splitlines() if all(word in x for word in words)]
    return bool(found) and (below is None or f"{file}:{line + below}" in found[0])


@pytest.mark.parametrize("what", WHOLE)
def test_an_inventory_that_cannot_be_read_is_told_with_the_place_to_mend_and_nothing_is_touched(
    what: str, snapshot: Path, state: Path
) -> None:
    line = spoil(snapshot, *SPOILED[what][:3])
    before = contents(snapshot)

    said = samdrift("plan", "--source", snapshot, "--state", state)

    assert said.code == 1
    assert said.out == ""
    assert told(said.err, what, line), said.err
    assert not state.exists()
    assert contents(snapshot) == before


@pytest.mark.parametrize("what", [what for what in SPOILED if what not in WHOLE])
def test_a_host_that_is_not_sound_is_told_with_the_place_to_mend_and_nothing_is_done_with_it(
    what: str, snapshot: Path, state: Path
) -> None:
    line = spoil(snapshot, *SPOILED[what][:3])
    before = contents(snapshot)

    said = samdrift("plan", "--source", snapshot, "--state", state, "--limit", HOSTS.get(what, "heb-gw1"))

    assert said.code == 3, said.err
    assert told(said.out, what, line), said.out
    assert contents(snapshot) == before


def test_all_problems_of_an_inventory_are_told_in_one_go(snapshot: Path, state: Path) -> None:
    for file, old, new, _, _ in (SPOILED[k] for k in SPOILED if k not in {"not YAML", "a host without address"}):
        spoil(snapshot, file, old, new)

    said = samdrift("plan", "--source", snapshot, "--state", state)

    assert said.code == 1
    for what in ("serail", "10.59.0.64", "192.0.2.1"):
        assert what in said.err
    assert not state.exists()


@pytest.mark.long
def test_wrong_roles_and_a_wrong_network_are_told_together(snapshot: Path, state: Path) -> None:
    for what in ("two hosts with one address", "a setting of the wrong type"):
        spoil(snapshot, *SPOILED[what][:3])
    spoil(snapshot, "hosts/osthammar.yaml", *SPOILED["an unknown role"][1:3])

    said = samdrift("check", "--source", snapshot, "--state", state, "--json")

    assert said.code == 1
    summaries = " ".join(f["summary"] for f in json.loads(said.out)["findings"])
    for word in ("10.59.0.64", "'bas'", "journal_max"):
        assert word in summaries


def test_a_template_with_an_undefined_variable_is_told_by_file_and_line(tmp_path: Path, state: Path) -> None:
    for part in ("deploy", "inventory", "roles", "templates"):
        shutil.copytree(CODE / part, tmp_path / part, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(CODE / "pyproject.toml", tmp_path)  # a checkout, and not an installed wheel
    template = tmp_path / "templates/time/chrony.conf.j2"
    lines = template.read_text(encoding="utf-8").count("\n")
    with template.open("a", encoding="utf-8") as text:
        text.write("driftfile {{ settings.no_such_setting }}\n")

    for arguments in (["check", "--limit", "tie-mon1"], ["show", "tie-mon1"]):
        said = samdrift(*arguments, "--state", state, cwd=tmp_path)

        assert said.code == 1
        assert f"templates/time/chrony.conf.j2:{lines + 1}" in said.out + said.err
        assert "no_such_setting" in said.out + said.err
    assert [r.command for r in records_of(open_stores(state).history)] == ["check"]


@pytest.mark.parametrize(
    ("command", "limit", "word"),
    [
        ("hosts", "tie-nosuch", "tie-nosuch"),
        ("hosts", "(heby", "--limit"),
        ("hosts", "$(touch /tmp/owned)", "--limit"),
        ("plan", "zzz-*", "zzz-"),
        ("plan", "heby and", "--limit"),
        ("plan", "tie-archive1", "is active"),  # it is planned
        ("check", "heby and knivsta", "means no host"),
        ("drift", "role=", "--limit"),
    ],
)
def test_a_limit_that_means_nothing_is_wrong_usage(command: str, limit: str, word: str, state: Path) -> None:
    said = samdrift(command, "--limit", limit, "--state", state)

    assert said.code == 64
    assert len(said.err.splitlines()) == 1
    assert word in said.err
    assert said.out == ""
    assert not state.exists()


@pytest.mark.parametrize("option", ["--limit", "--source", "--state", "--user", "--key"])
def test_an_option_given_as_nothing_is_wrong_usage_and_not_everything(option: str, tmp_path: Path) -> None:
    """As `--limit "$WHICH"` is in a script where WHICH is not set."""
    said = samdrift("plan", option, "", cwd=tmp_path, PYTHONPATH=str(CODE), XDG_STATE_HOME=str(tmp_path / "state"))

    assert said.code == 64
    assert option in said.err
    assert len(said.err.splitlines()) == 1
    assert not any(tmp_path.iterdir())


def test_a_key_that_is_not_there_is_told_before_any_host_is_asked(tmp_path: Path, state: Path) -> None:
    said = samdrift("plan", "--limit", "tie-mon1", "--key", tmp_path / "nosuch", "--state", state)

    assert said.code == 64
    assert "nosuch" in said.err
    assert len(said.err.splitlines()) == 1
    assert not state.exists()


@pytest.mark.parametrize("command", ["plan", "apply --yes", "verify", "drift"])
def test_a_lab_that_is_not_up_is_told_at_once_and_nothing_is_made_for_it(tmp_path: Path, command: str) -> None:
    said = samdrift("--lab", *command.split(), SAMDRIFT_LAB_DIR=str(tmp_path / "lab"))

    assert said.code == 1
    assert "samdrift lab up" in said.err
    assert len(said.err.splitlines()) == 1
    assert not any(tmp_path.iterdir())


def test_a_look_at_no_host_is_not_all_well(tmp_path: Path, state: Path) -> None:
    for file, sections in (("organisation", "regions tenants sites"), ("network", "prefixes"), ("cables", "cables")):
        (tmp_path / f"{file}.yaml").write_text("".join(f"{s}: []\n" for s in sections.split()), encoding="utf-8")
    (tmp_path / "contexts.yaml").write_text("config_contexts: []\n", encoding="utf-8")

    said = samdrift("drift", "--source", tmp_path, "--state", state)

    assert said.code == 64
    assert "has roles" in said.err
    assert not state.exists()


@pytest.mark.long
def test_a_plan_is_refused_before_any_host_is_asked_where_it_cannot_be_written(tmp_path: Path, state: Path) -> None:
    (tmp_path / "file").touch()
    for out in (tmp_path / "no/such/plan.json", tmp_path, tmp_path / "file/plan.json", tmp_path / ("x" * 300)):
        said = samdrift("plan", "--limit", "tie-mon1", "--out", out, "--state", state)

        assert said.code == 1
        assert len(said.err.splitlines()) == 1
        assert str(out) in said.err
    assert not state.exists()


def test_state_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    said = samdrift("drift", "--limit", "tie-mon1", "--state", tmp_path / "file/state")

    assert said.code == 1
    assert "--state" in said.err
    assert len(said.err.splitlines()) == 1


def test_what_is_no_plan_file_is_refused(tmp_path: Path, state: Path) -> None:
    path = tmp_path / "plan.json"
    for text in ("[]", '{"plan": {}, "digest": ""}', "\x00"):
        path.write_text(text, encoding="utf-8")

        said = samdrift("apply", path, "--yes", "--state", state)

        assert said.code == 1
        assert str(path) in said.err
        assert len(said.err.splitlines()) == 1
    assert samdrift("apply", tmp_path / "missing", "--yes", "--state", state).code == 1
    assert not state.exists()


def test_apply_without_a_terminal_and_without_yes_is_refused_before_anything(state: Path) -> None:
    said = samdrift("apply", "--state", state)

    assert said.code == 64
    assert "--yes" in said.err
    assert not state.exists()


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["nosuch"],
        ["hosts", "--nosuch"],
        ["show"],
        ["show", "tie-nosuch"],
        ["history", "--last", "none"],
        ["lab", "fly"],
    ],
)
def test_wrong_usage_ends_with_64_and_says_so_in_json_too(arguments: list[str]) -> None:
    said = samdrift("--json", *arguments)

    assert said.code == 64
    assert said.err.startswith("error: ")
    document = json.loads(said.out)
    assert document["exit_code"] == 64
    assert document["error"]["message"]


def test_errors_as_json_are_one_document(snapshot: Path) -> None:
    spoil(snapshot, *SPOILED["not YAML"][:3])

    said = samdrift("hosts", "--source", snapshot, "--json")

    document = json.loads(said.out)
    assert said.code == document["exit_code"] == 1
    assert any("YAML" in p for p in document["error"]["problems"])


def test_a_reader_that_goes_away_is_no_error_message() -> None:
    script = f"{sys.executable} -m deploy.cli hosts | head -1"
    done = subprocess.run(["sh", "-c", script], cwd=CODE, capture_output=True, text=True, check=False, timeout=300)

    assert done.stderr == ""
