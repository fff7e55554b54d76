"""A line's words are those that the device reads, whatever stands in quotation marks."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import settings as effort
from hypothesis import strategies as st

from roles.shared.device.difference import difference
from roles.shared.device.known import known_vendors
from roles.shared.device.reading import paths, read_configuration
from roles.shared.device.words import PLAIN, VALUE, bare, is_open, quoted, statements_of, values_of, words_of
from tests.emulator.grammar import applied, grammar

FORTIOS, JUNOS = (known_vendors()[p] for p in ("fortios", "junos"))
texts = st.text(st.sampled_from("ab \\\"'#$\n"), min_size=1, max_size=8)


def without_trailing(text: str) -> str:
    """Without the spaces at ends of lines, which nothing that reads from a terminal keeps."""
    return re.sub(r" +(?=\n)", "", text)


@given(texts)
@effort(max_examples=60)
def test_a_text_in_quotation_marks_is_one_word_and_closed(text: str) -> None:
    word = quoted(text)
    assert bare(word) == text
    assert not is_open(f"set alias {word} x")
    assert words_of(f"set alias {word} x") == ["set", "alias", PLAIN.sub(r"\1", word), "x"]


@given(texts.map(without_trailing), texts.map(without_trailing))
@effort(max_examples=60)
def test_a_firewall_with_any_texts_is_read_as_it_is(one: str, other: str) -> None:
    running = f"config system global\n    set alias {quoted(one)}\n    set hostname {quoted(other)}\nend\n"
    read = read_configuration(FORTIOS, running, ())
    _, alias, hostname = (line for *_, line in paths(read.other))
    assert bare(alias.removeprefix("set alias ")) == one
    assert bare(hostname.removeprefix("set hostname ")) == other
    assert list(grammar("fortios").load(running)["config system global"]) == [
        f"set alias {quoted(one)}", f"set hostname {quoted(other)}"
    ]  # fmt: skip


@pytest.mark.parametrize("path", ["C:\\\\", 'a \\" b', "\\\\\\\\", "it's"])
def test_a_text_that_ends_in_a_backslash_ends(path: str) -> None:
    running = f'config system global\n    set alias "{path}"\n    set hostname "a"\nend\n'
    change = difference(
        FORTIOS, running, 'config system global\nset hostname "b"\nend\n', (("config.*", "set host.*"),)
    )
    assert change.entries == ("config system global", '  set hostname "b"', "end")
    assert applied("fortios", grammar("fortios").load(running), change.entries) == grammar("fortios").load(
        running.replace('"a"', '"b"')
    )


@given(st.text(st.sampled_from('set delta"\\[]; #'), max_size=30))
@effort(max_examples=80)
def test_reading_never_fails_on_a_line_of_junos(line: str) -> None:
    read_configuration(JUNOS, f"set {line}\ndeactivate {line}\n", (("a",), ("e", "d")))


def test_a_list_is_as_many_statements() -> None:
    assert statements_of("vlans v members [ a b ]") == [["vlans", "v", "members", "a"], ["vlans", "v", "members", "b"]]
    assert statements_of('x "[ a ]"') == [["x", '"[ a ]"']]
    assert statements_of("x [") == [["x", "["]]
    assert statements_of('x secret "$9$a" ## SECRET-DATA') == [["x", "secret", "$9$a"]]
    listed = "set interfaces ge-0/0/1 unit 0 family ethernet-switching vlan members [ b a ]\n"
    single = "".join(listed.replace("[ b a ]", name) for name in "ab")
    assert difference(JUNOS, single, listed, (("interfaces",),)).entries == ()
    assert applied("junos", {}, listed.splitlines()) == grammar("junos").load(single)


@given(st.lists(texts.filter(lambda text: "\n" not in text), min_size=1, max_size=4))
@effort(max_examples=60)
def test_values_are_compared_without_quotation_marks_and_where_it_means_nothing_without_order(of: list[str]) -> None:
    typed = " ".join(quoted(value) for value in of)
    assert values_of(typed, in_order=True) == values_of(values_of(typed, in_order=True), in_order=True)
    assert values_of(typed, in_order=False) == values_of(" ".join(map(quoted, reversed(of))), in_order=False)
    values = [bare(word) for word in VALUE.findall(values_of(typed, in_order=True))]
    assert values == of


@pytest.mark.parametrize(
    ("table", "running", "intended"),
    [
        ("system interface", "set member b a", 'set member "a" "b"'),
        ("system interface", "set allowaccess ssh ping", "set allowaccess ping ssh"),
        ("system interface", "set alias 'Sal 4'", 'set alias "Sal 4"'),
        ("system interface", 'set alias "it\'s"', "set alias it\\'s"),
        ("firewall policy", 'set srcaddr "net b" a', "set srcaddr a net\\ b"),
        ("system snmp user", "set security-level auth-priv", "set security-level auth-priv\nset auth-proto sha"),
        ("system snmp user", "set priv-proto aes", ""),
        ("firewall policy", "set uuid 0bb8fe2c-0000-51f1-aaaa-000000000000", ""),
        ("system interface", "set status up\nset snmp-index 4", ""),
    ],
)
def test_what_says_the_same_is_no_difference(table: str, running: str, intended: str) -> None:
    ran, wanted = (f'config {table}\n edit "x"\n  set x-y z\n  {said}\n next\nend\n' for said in (running, intended))
    change = difference(FORTIOS, ran, wanted, ((f"config {table}",),))
    assert (change.entries, change.rollback, change.before) == ((), (), change.after)


@pytest.mark.parametrize(
    ("table", "running", "intended", "typed", "back"),
    [
        ("vpn ipsec phase1", "set proposal a b", "set proposal b a", "set proposal b a", "set proposal a b"),
        (
            "system snmp user",
            "set auth-proto sha256",
            "set auth-proto sha",
            "set auth-proto sha",
            "set auth-proto sha256",
        ),
        ("system admin", "set alias C:\\\\", 'set alias "C d"', 'set alias "C d"', "set alias C:\\\\"),
    ],
)
def test_what_says_something_else_is_one_and_is_typed_as_it_was_written(
    table: str, running: str, intended: str, typed: str, back: str
) -> None:
    ran, wanted = (f'config {table}\n edit "x"\n  {said}\n next\nend\n' for said in (running, intended))
    change = difference(FORTIOS, ran, wanted, ((f"config {table}",),))
    around = (f"config {table}", '  edit "x"', "  next", "end")
    assert change.entries == (*around[:2], f"    {typed}", *around[2:])
    assert change.rollback == (*around[:2], f"    {back}", *around[2:])
