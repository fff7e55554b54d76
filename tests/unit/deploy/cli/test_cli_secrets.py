"""`samdrift secrets` at the command line: where a value comes from, what is refused, and that none is ever shown."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path
from typing import Any

import pyrage
import pytest

from deploy.cli import main as cli
from deploy.vault.age import AgeVault
from inventory import snapshot

VALUE = "typed by a person who is alone"


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the inventory, with recipients and an identity."""
    identity = pyrage.x25519.Identity.generate()
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets/recipients.yaml").write_text(f"heby:\n  anna: {identity.to_public()}\n")
    key = tmp_path / "identity.txt"
    key.write_text(f"{identity}\n")
    key.chmod(0o600)
    snapshot.dump(snapshot.load(), tmp_path / "snapshot")
    monkeypatch.setenv("SAMDRIFT_SOURCE", str(tmp_path / "snapshot"))
    monkeypatch.setenv("SAMDRIFT_IDENTITY", str(key))
    monkeypatch.delenv("SAMDRIFT_LAB", raising=False)
    return tmp_path


def values(source: Path) -> dict[str, str]:
    return dict(AgeVault(source / "secrets", source / "identity.txt").read("heby").values)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    code = cli._ended(["secrets", *arguments])
    said = capsys.readouterr()
    assert VALUE not in said.out + said.err
    return code, said.out + said.err


def test_a_value_comes_from_a_pipe_but_for_its_last_newline(
    source: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(f"{VALUE}\nand a second line\n"))
    code, said = run(capsys, "edit", "heby", "token", "--json")
    assert code == 0
    document = json.loads(said)
    assert {k: document[k] for k in ("municipality", "recipients", "added", "changed", "removed")} == {
        "municipality": "heby",
        "recipients": ["anna"],
        "added": ["token"],
        "changed": [],
        "removed": [],
    }
    assert values(source) == {"token": f"{VALUE}\nand a second line"}


def test_on_a_terminal_it_is_asked_for_twice_and_without_echo(
    source: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def hidden(prompt: str) -> str:
        asked.append(prompt)
        return VALUE

    monkeypatch.setattr(sys, "stdin", Terminal())
    monkeypatch.setattr("click.termui.hidden_prompt_func", hidden)
    code, said = run(capsys, "edit", "heby", "token")
    assert code == 0
    assert len(asked) == 2
    assert "Heby: new: token." in said
    assert values(source) == {"token": VALUE}


def test_a_random_value_is_made_rotated_and_removed_unseen(source: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, "edit", "heby", "token", "--generate")[0] == 0
    first = values(source)["token"]
    code, said = run(capsys, "rotate", "heby", "token", "--json")
    assert (code, json.loads(said)["changed"]) == (0, ["token"])
    second = values(source)["token"]
    assert first != second
    assert len(second) == 64
    assert first not in said + second
    assert second not in said
    assert run(capsys, "edit", "heby", "token", "--remove")[0] == 0
    assert values(source) == {}


def test_the_authoritys_key_has_keepers_of_its_own_who_are_no_municipality(
    source: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    missing = "of tie-netbox1 needs secret authority_key"
    assert missing in run(capsys, "check")[1]
    with (source / "secrets/recipients.yaml").open("a") as file:
        file.write(f"authority:\n  station: {pyrage.x25519.Identity.generate().to_public()}\n")
    monkeypatch.setattr(sys, "stdin", io.StringIO(f"{VALUE}\n"))
    assert run(capsys, "edit", "authority", "authority_key")[0] == 0
    code, said = run(capsys, "check")
    assert missing not in said
    assert "it is not encrypted to the key" in said  # as whoever asks is not among them
    assert code


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["edit", "hebi", "token", "--generate"], 64, "there is no municipality 'hebi' (one of: alvkarleby"),
        (["edit", "heby", "Token", "--generate"], 64, "'Token' is no name of a secret"),
        (["edit", "heby", "token", "--generate", "--remove"], 64, "--generate and --remove are two things"),
        (["edit", "tierp", "token", "--generate"], 1, "tierp has no recipients"),
        (["rotate", "heby"], 1, "there is no such file (samdrift secrets edit heby NAME makes it)"),
        (["check", "--lab"], 64, "the lab makes up its secrets itself"),
    ],
)
def test_what_cannot_be_is_one_line(
    source: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], code: int, says: str
) -> None:
    ended, said = run(capsys, *arguments)
    assert ended == code
    assert says in said
    assert len(said.splitlines()) == 1
    assert not list((source / "secrets").glob("*.age"))


@pytest.mark.long
def test_check_says_what_a_role_needs_and_what_nobody_needs(source: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def found() -> tuple[int, list[tuple[Any, ...]]]:
        code, said = run(capsys, "check", "--json", "--limit", "heby")
        document = json.loads(said)
        assert document["exit_code"] == code
        return code, [(f["kind"], f["municipality"], f["step"]) for f in document["findings"]]

    snmp = ("snmp_auth", "snmp_priv")
    needed = [f"firewall_{of}" for of in ("admin", *snmp)] + [f"switch_{of}" for of in ("admin_hash", *snmp)]
    code, said = found()
    assert (code, {step for _, _, step in said}) == (1, {f"heby {name}" for name in needed})
    for name in needed:
        assert run(capsys, "edit", "heby", name, "--generate")[0] == 0
    assert found() == (0, [])
    assert run(capsys, "edit", "heby", "token", "--generate")[0] == 0
    assert found() == (2, [("unmanaged", "heby", "heby token")])
    (source / "identity.txt").unlink()
    assert found()[0] == 1
