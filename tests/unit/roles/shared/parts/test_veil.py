"""The veil: what is revealed to a host, and what is seen of what it says, for values of every kind."""

from __future__ import annotations

import base64
import json
import shlex
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inventory.errors import SamdriftError
from inventory.secrets import Secret, secrets_in
from roles.shared.parts.veil import SHORTEST, WINDOW, Veil
from roles.shared.settings import Settings

TOKEN, KEY = Secret(name="token", municipality="heby"), Secret(name="key", municipality="heby")
PEM = "-----BEGIN KEY-----\nabcdefghijklmnop\nqrstuvwxyz012345\n-----END KEY-----"
VALUES = {TOKEN: "correct horse+battery/staple", KEY: PEM}
VEIL = Veil(VALUES, {"heby": b"k"})
BOTH = (TOKEN, KEY)

letters = st.characters(codec="utf-8", exclude_categories=["C", "Z"])
values = st.text(letters, min_size=SHORTEST, max_size=60)
lines = st.lists(st.text(letters, max_size=20), max_size=8)


def test_a_secret_prints_as_its_name_wherever_it_is_printed() -> None:
    class Holder(Settings):
        token: Secret
        more: dict[str, tuple[Secret, ...]]

    holder = Holder(token=TOKEN, more={"x": (KEY, TOKEN)})
    assert f"{TOKEN} {TOKEN!r} {TOKEN:>16}" == "‹secret:token› ‹secret:token›   ‹secret:token›"
    assert json.loads(holder.model_dump_json()) == {
        "token": "‹secret:token›",
        "more": {"x": ["‹secret:key›", "‹secret:token›"]},
    }
    assert list(secrets_in(holder)) == [TOKEN, KEY, TOKEN]


@pytest.mark.parametrize(
    ("name", "municipality"), [("Token", "heby"), ("_key", "heby"), ("a", "../x"), ("a\n", "heby")]
)
def test_a_name_that_could_mean_something_else_is_no_secret(name: str, municipality: str) -> None:
    with pytest.raises(ValueError, match="String should match"):
        Secret(name=name, municipality=municipality)


def test_only_the_secrets_that_are_named_are_revealed() -> None:
    text = "a ‹secret:token› ‹secret:key› ‹secret:other›"
    assert VEIL.reveal(text, [TOKEN]) == f"a {VALUES[TOKEN]} ‹secret:key› ‹secret:other›"
    assert VEIL.reveal(text, []) == text


def test_a_value_that_looks_like_a_placeholder_reveals_nothing_more() -> None:
    veil = Veil({TOKEN: "‹secret:key› and more", KEY: PEM})
    assert veil.reveal("‹secret:token›", BOTH) == "‹secret:key› and more"


def test_a_value_that_is_not_known_is_an_error_that_names_it() -> None:
    with pytest.raises(SamdriftError, match="heby: secret token is needed"):
        Veil().reveal("", [TOKEN])


@given(wanted=lines, value=values)
def test_a_file_as_it_is_wanted_is_shown_as_it_is_declared(wanted: list[str], value: str) -> None:
    veil = Veil({TOKEN: value, KEY: PEM}, {"heby": b"k"})
    text = "\n".join([*wanted, "t = ‹secret:token›", "‹secret:key›", ""])
    assert veil.shown(veil.reveal(text, BOTH), text, BOTH) == text


@given(wanted=lines, live=lines)
def test_no_other_line_is_ever_shown(wanted: list[str], live: list[str]) -> None:
    text = "\n".join([*wanted, "t = ‹secret:token›"])
    shown = VEIL.shown("\n".join([*live, f"t={VALUES[TOKEN]}"]), text, BOTH).split("\n")
    assert len(shown) == len([*live, ""])
    assert all(line in {*text.split("\n"), ""} or line.startswith("‹withheld:") for line in shown)


def test_what_is_withheld_moves_when_it_moves_and_cannot_be_guessed_without_the_key() -> None:
    one, two = (VEIL.shown(f"t = {old}", "t = ‹secret:token›", [TOKEN]) for old in ("old", "older"))
    assert one != two
    assert one == VEIL.shown("t = old", "t = ‹secret:token›", [TOKEN])
    assert one != Veil(VALUES, {"heby": b"another"}).shown("t = old", "t = ‹secret:token›", [TOKEN])


def test_a_placeholder_that_stands_on_the_host_unresolved_is_no_wanted_line() -> None:
    assert VEIL.shown("t = ‹secret:token›", "t = ‹secret:token›", [TOKEN]).startswith("‹withheld:")


@pytest.mark.long
@given(value=values, before=st.text(letters, max_size=9), after=st.text(letters, max_size=9), data=st.data())
@settings(max_examples=300)
def test_no_form_of_a_value_is_left_in_what_hosts_say(value: str, before: str, after: str, data: st.DataObject) -> None:
    veil, text = Veil({TOKEN: value}), f"{before}{value}{after}"
    start = data.draw(st.integers(0, len(value) - SHORTEST))
    part = value[start : start + SHORTEST]
    said = {
        "plain": text,
        "part": f"…{part}…",
        "URL": quote(text),
        "hex": text.encode().hex(),
        "shell": shlex.quote(text),
        "JSON": json.dumps(text),
        "Python": repr(text),
    }
    for how, line in said.items():
        hidden = veil.hide(line)
        assert "‹secret:token›" in hidden, how
        assert part not in hidden, how


@given(value=values, before=st.binary(max_size=9), after=st.binary(max_size=9))
def test_base64_of_a_text_with_a_value_hides_all_of_it_but_its_ends(value: str, before: bytes, after: bytes) -> None:
    encoded = base64.b64encode(before + value.encode() + after).decode()
    hidden = Veil({TOKEN: value}).hide(encoded)
    assert "‹secret:token›" in hidden
    kept = len(hidden.replace("‹secret:token›", ""))
    assert kept <= 4 * (len(before) + len(after)) / 3 + 12


@given(st.text(max_size=200))
def test_what_holds_no_value_is_told_as_it_is(text: str) -> None:
    assert VEIL.hide(text) == text or any(text[i : i + WINDOW] in VEIL._pieces for i in range(len(text)))
    assert Veil().hide(text) == text


def test_a_former_value_is_hidden_too_and_never_revealed() -> None:
    veil = Veil({TOKEN: "the new value"}, {"heby": b"k"}, {TOKEN: "the one before"})
    assert veil.hide("it was the one before!") == "it was ‹secret:token›!"
    assert veil.reveal("‹secret:token›", [TOKEN]) == "the new value"


def test_a_veil_says_nothing_of_itself() -> None:
    assert repr(VEIL) == str(VEIL) == "Veil(2 secrets)"


def test_of_a_key_in_pem_what_stands_around_it_is_in_every_certificate_and_is_not_hidden() -> None:
    lines = ("-----BEGIN PRIVATE KEY-----", "MIG2AgEAMBAGByqGSM49", "BIGeMIGbAgEBBDDnyVzr", "-----END PRIVATE KEY-----")
    key = "".join(f"{line}\n" for line in lines)
    secret = Secret(name="key", municipality="heby")
    veil = Veil({secret: key})
    certificate = "-----BEGIN CERTIFICATE-----\nMIICFDCCAZugAwIBAgIUO\n-----END CERTIFICATE-----\n"
    assert veil.hide(certificate) == certificate
    hidden = veil.hide(f"cat: {key}")
    assert not [line for line in lines[1:3] if line in hidden]
    assert veil.reveal(secret.placeholder, [secret]) == key
