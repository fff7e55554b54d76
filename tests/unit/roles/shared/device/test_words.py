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
from roles.shared.device.words import PLAIN, bare, is_open, quoted, statements_of, words_of
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
    assert [p[-1] for p in paths(read.other)] == [
        "config system global", f"set alias {quoted(one)}", f"set hostname {quoted(other)}"
    ]  # fmt: skip
    assert grammar("fortios").load(running) == read.other


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
