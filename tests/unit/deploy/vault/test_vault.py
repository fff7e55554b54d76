"""Age files: what goes in comes out, for those who are named, and every fault is one line without a value."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyrage
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.model.findings import Exit, Kind, exit_code
from deploy.vault import edit
from deploy.vault.age import AgeVault, Contents, NotOpened, _parse
from deploy.vault.interface import SecretsError, random_value, refuse_weak
from deploy.vault.made_up import MadeUp
from inventory.secrets import Secret

TOKEN, KEY = Secret(name="token", municipality="heby"), Secret(name="key", municipality="heby")
NEEDED = {TOKEN: "role r of heb-x1"}
VALUE = "a value that nobody shall see"


class Keys:
    """Identities by name, and the files that hold them."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.made: dict[str, Any] = {}

    def identity(self, name: str) -> Path:
        path = self.directory / name
        if name not in self.made:
            self.made[name] = pyrage.x25519.Identity.generate()
            path.write_text(f"# created for {name}\n# public key: …\n{self.made[name]}\n")
            path.chmod(0o600)
        return path

    def list(self, *names: str) -> None:
        """Write recipients.yaml so that these can open Heby's file."""
        for name in names:
            self.identity(name)
        lines = [f"  {name}: {self.made[name].to_public()}\n" for name in names]
        (self.directory / "recipients.yaml").write_text("heby:\n" + "".join(lines))

    def vault(self, name: str) -> AgeVault:
        return AgeVault(self.directory, self.identity(name))


@pytest.fixture
def keys(tmp_path: Path) -> Keys:
    made = Keys(tmp_path)
    made.list("anna", "samdrift")
    return made


def test_everybody_who_is_named_can_open_it_and_nobody_else(keys: Keys) -> None:
    edit.edit(keys.vault("anna"), TOKEN, VALUE)
    assert keys.vault("samdrift").open(NEEDED).reveal("‹secret:token›", [TOKEN]) == VALUE
    with pytest.raises(NotOpened, match=r"not encrypted to the key in .*secrets rotate heby"):
        keys.vault("stranger").open(NEEDED)
    data = (keys.directory / "heby.age").read_bytes()
    assert data.startswith(b"-----BEGIN AGE ENCRYPTED FILE-----\n")
    assert sorted(p.name for p in keys.directory.iterdir() if p.name.startswith(".")) == []


printable = st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=12)


@given(st.dictionaries(st.from_regex(r"[a-z][a-z0-9_]{0,20}", fullmatch=True), printable))
def test_every_value_comes_out_as_it_went_in(tmp_path_factory: pytest.TempPathFactory, values: dict[str, str]) -> None:
    keys = Keys(tmp_path_factory.mktemp("keys"))
    keys.list("anna")
    vault = keys.vault("anna")
    written = vault.write(Contents("heby", values))
    assert vault.read("heby") == written
    assert (written.values, set(written.recipients)) == (values, {"anna"})


def test_what_is_edited_is_added_changed_and_removed_and_what_it_was_is_remembered(keys: Keys) -> None:
    vault = keys.vault("anna")
    done = [
        edit.edit(vault, TOKEN, VALUE),
        edit.edit(vault, TOKEN, VALUE + "!"),
        edit.rotate(vault, "heby", ["token"]),
        edit.edit(vault, KEY, random_value()),
        edit.edit(vault, KEY, None),
    ]
    assert [(d.added, d.changed, d.removed) for d in done] == [
        (("token",), (), ()),
        ((), ("token",), ()),
        ((), ("token",), ()),
        (("key",), (), ()),
        ((), (), ("key",)),
    ]
    contents = vault.read("heby")
    assert contents.values.keys() == {"token"}
    assert contents.values["token"] not in {VALUE, VALUE + "!"}
    assert contents.former["token"] == VALUE + "!"
    assert vault.open(NEEDED).hide(VALUE + "!") == "‹secret:token›"
    assert VALUE not in repr(contents) + repr(done)


def test_rotating_without_names_changes_who_can_open_it_and_no_value(keys: Keys) -> None:
    vault = keys.vault("anna")
    edit.edit(vault, TOKEN, VALUE)
    before = vault.read("heby")
    keys.list("anna", "bertil")
    done = edit.rotate(vault, "heby", [])
    assert (done.changed, done.recipients) == ((), ("anna", "bertil"))
    assert keys.vault("bertil").read("heby").values == {"token": VALUE}
    assert vault.read("heby").key == before.key
    with pytest.raises(NotOpened):
        keys.vault("samdrift").read("heby")


def test_check_finds_what_is_missing_what_is_not_needed_and_who_can_open_it_wrongly(keys: Keys) -> None:
    vault = keys.vault("anna")

    def found(*, needed: dict[Secret, str] = NEEDED) -> list[tuple[Kind, str]]:
        return [(f.kind, f.step) for f in edit.file_findings(vault, needed, ["heby"])]

    assert found(needed={}) == []
    assert found() == [(Kind.UNSOUND, "heby token")]
    edit.edit(vault, TOKEN, VALUE)
    assert found() == []
    assert found(needed={}) == [(Kind.UNMANAGED, "heby token")]
    assert found(needed={**NEEDED, KEY: "role r of heb-x1"}) == [(Kind.UNSOUND, "heby key")]
    keys.list("anna", "bertil")
    (finding,) = edit.file_findings(vault, NEEDED, ["heby"])
    assert finding.kind is Kind.PENDING
    assert finding.summary == "the file is encrypted still to samdrift and not yet to bertil"
    assert exit_code([finding]) is Exit.DIFFERENCES
    (finding,) = edit.file_findings(keys.vault("stranger"), NEEDED, ["heby"])
    assert finding.kind is Kind.UNKNOWN
    assert exit_code([finding]) is Exit.INCOMPLETE


def test_check_counts_the_keys_that_a_file_is_really_encrypted_to(keys: Keys) -> None:
    vault = keys.vault("anna")
    edit.edit(vault, TOKEN, VALUE)
    path, stranger = vault.path("heby"), keys.identity("stranger")
    text = pyrage.decrypt(path.read_bytes(), [keys.made["anna"]])
    everybody = [keys.made[n].to_public() for n in ("anna", "samdrift", stranger.name)]
    path.write_bytes(pyrage.encrypt(text, everybody, armored=True))
    (finding,) = edit.file_findings(vault, NEEDED, ["heby"])
    assert "says that it is encrypted to 2 keys, and is to 3" in finding.summary


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda keys: (keys.directory / "heby.age").write_bytes(b"-----BEGIN AGE"), "this is no whole age file"),
        (lambda keys: keys.identity("anna").chmod(0o640), "others can read this age identity"),
        (lambda keys: keys.identity("anna").unlink(), "no age identity to open .*--identity"),
        (lambda keys: keys.identity("anna").write_text("AGE-SECRET-KEY-1QQ\n"), "this is no age identity"),
        (lambda keys: keys.identity("anna").write_bytes(b"\xff\xfe"), "cannot read this age identity: it is no text"),
    ],
)
def test_a_file_that_cannot_be_opened_says_why_and_what_to_do(keys: Keys, spoil: Any, says: str) -> None:
    edit.edit(keys.vault("anna"), TOKEN, VALUE)
    spoil(keys)
    with pytest.raises(SecretsError, match=says) as raised:
        AgeVault(keys.directory, keys.directory / "anna").open(NEEDED)
    assert "AGE-SECRET" not in str(raised.value).replace("AGE-SECRET-KEY-1…", "")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("heby: [a]\n", r"recipients.yaml:1: heby is no mapping"),
        ("heby:\n  anna: age1nonsense\n", r"recipients.yaml:2: 'anna' has no age public key"),
        ("heby:\n  anna: 1\n  anna: 2\n", r"recipients.yaml:3: key 'anna' is here twice"),
        ("../x: {}\n", r"recipients.yaml:1: '../x' is no municipality"),
        ("[]\n", r"recipients.yaml:1: no mapping"),
        ("tierp: {}\n", r"heby has no recipients"),
    ],
)
def test_recipients_that_are_wrong_are_told_by_their_line(keys: Keys, text: str, says: str) -> None:
    (keys.directory / "recipients.yaml").write_text(text)
    with pytest.raises(SecretsError, match=says):
        edit.edit(keys.vault("anna"), TOKEN, VALUE)
    assert not (keys.directory / "heby.age").exists()


@pytest.mark.parametrize(
    "text",
    [f"token: !x {VALUE}", f"token: [{VALUE}", f"token: {{a: {VALUE}}}", f"[{VALUE}]", f"{VALUE}: 1", "a: 0x4711"],
)
def test_what_is_encrypted_and_wrong_is_never_quoted(text: str) -> None:
    with pytest.raises(SecretsError) as raised:
        _parse(text, Path("heby.age"))
    assert raised.value.__cause__ is None
    assert VALUE not in str(raised.value)
    assert "0x4711" not in str(raised.value)


@pytest.mark.parametrize("value", ["", "short", "x" * 11, "with a control\x07 character", "\t" * 20])
def test_a_weak_value_is_refused_and_not_quoted(value: str) -> None:
    with pytest.raises(SecretsError, match="cannot be a secret") as raised:
        refuse_weak(value, "here")
    assert not value or value not in str(raised.value)


def test_the_lab_makes_up_what_it_lacks_and_keeps_it(tmp_path: Path) -> None:
    path = tmp_path / "keys/secrets.json"
    first = MadeUp(path).open({TOKEN: "x"})
    second = MadeUp(path).open({TOKEN: "x", KEY: "y"})
    value = first.reveal("‹secret:token›", [TOKEN])
    assert second.reveal("‹secret:token›", [TOKEN]) == value
    assert second.reveal("‹secret:key›", [KEY]) != value
    assert first.seal("a", [TOKEN]) == second.seal("a", [TOKEN])
    assert path.stat().st_mode & 0o777 == 0o600
    assert json.loads(path.read_text())["heby"]["token"] == value
    path.write_text("{")
    with pytest.raises(SecretsError, match="damaged"):
        MadeUp(path).open(NEEDED)
