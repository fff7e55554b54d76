"""YAML is read as plain data with its lines, and everything else in it is refused by line."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from inventory.yaml_source import LARGEST, Document


def read(text: str) -> Document:
    return Document(text, "file.yaml")


def test_plain_data_is_read_with_the_line_of_every_part() -> None:
    document = read("a:\n- {b: 1, c: true}\n- [null, 1.5, å]\n")

    assert document.data == {"a": [{"b": 1, "c": True}, [None, 1.5, "å"]]}
    assert document.problems == []
    assert (document.lines["a",], document.lines["a", 0, "c"], document.lines["a", 1, 2]) == (1, 2, 3)


def test_what_an_anchor_repeats_is_read_as_if_it_were_written_again() -> None:
    document = read("a: &x {b: [1]}\nc: *x\n")

    assert document.data == {"a": {"b": [1]}, "c": {"b": [1]}}
    assert document.data["a"] is not document.data["c"]


REFUSED = {
    "a: [1": (1, "not YAML"),
    "a: 1\n b: 2\n": (2, "not YAML"),
    "a: 'x\n": (1, "not YAML"),
    "a: \x07\n": (1, "not YAML"),
    "--- 1\n--- 2\n": (2, "not YAML"),
    "a: *x\n": (1, "not YAML"),
    "": (1, "empty"),
    "# nothing\n": (1, "empty"),
    "a:\n  b: !!python/object/apply:os.system [ls]\n": (2, "YAML tag"),
    "a: !vault x\n": (1, "YAML tag"),
    "a: !!binary aGVq\n": (1, "YAML tag"),
    "a: !!set {x, y}\n": (1, "YAML tag"),
    "a: !!map x\n": (1, "YAML tag"),
    "a: !!str {}\n": (1, "YAML tag"),
    "a: 2026-01-01\n": (1, "would be read as a date"),
    "a: 0110\n": (1, "no plain int"),
    "a: 12:30\n": (1, "no plain int"),
    "a: 0x1F\n": (1, "no plain int"),
    "a: 1_000\n": (1, "no plain int"),
    "a: !!int x\n": (1, "no plain int"),
    "a: !!int ''\n": (1, "no plain int"),
    "a: !!bool x\n": (1, "no plain bool"),
    f"a: {'9' * 5000}\n": (1, "no plain int"),
    "a: .nan\n": (1, "no plain float"),
    "a: -.inf\n": (1, "no plain float"),
    "a: 1\nb: 2\na: 3\n": (3, "key 'a' is here twice, first in line 1"),
    "1: a\n": (1, "key '1' is no text"),
    "yes: a\n": (1, "key 'yes' is no text"),
    "? [a]\n: b\n": (1, "is no text"),
    "a: &x {b: 1}\nc:\n  <<: *x\n": (3, "key '<<' is no text"),
    "a: &x [*x]\n": (1, "an anchor that holds itself"),
    f"a: {'[' * 300_000}": (1, "nested more than 40 deep"),
    f"a: {'[' * 50}{']' * 50}": (1, "nested more than 40 deep"),
}


@pytest.mark.parametrize(("text", "place", "says"), [(t, *e) for t, e in REFUSED.items()], ids=lambda v: str(v)[:40])
def test_what_is_not_plain_data_is_refused_by_line(text: str, place: int, says: str) -> None:
    (problem,) = read(text).problems

    assert problem.where == f"file.yaml:{place}"
    assert says in problem.what


def test_half_a_character_is_refused() -> None:
    assert read('a: "\\ud800"\n').problems[0].where == "file.yaml:1"


def test_everything_wrong_in_a_file_is_found_in_one_go() -> None:
    document = read("a: 2026-01-01\nb: !x 1\nc: 1\nc: 2\nd: {e: .nan}\n")

    assert [p.where for p in document.problems] == [f"file.yaml:{n}" for n in (1, 2, 4, 5)]
    assert document.spoiled == {("a",), ("b",), ("d", "e")}
    assert document.data == {"a": None, "b": None, "c": 1, "d": {"e": None}}


def test_anchors_cannot_multiply_a_small_file_into_a_huge_one() -> None:
    lines = ["a0: &a0 [x]"] + [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]

    (problem,) = read("\n".join(lines)).problems

    assert f"more than {LARGEST} parts" in problem.what


def values() -> st.SearchStrategy[Any]:
    leaves = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
    return st.recursive(leaves, lambda s: st.lists(s, max_size=4) | st.dictionaries(st.text(), s, max_size=4))


@given(values())
def test_what_a_yaml_writer_wrote_is_read_back(value: Any) -> None:
    document = read(yaml.safe_dump({"value": value}))

    assert document.problems == []
    assert document.data == {"value": value}


@given(st.text() | st.text(alphabet="a1:-&*!?[]{}<>,'\"|%@\n ~", max_size=60))
def test_no_text_at_all_raises(text: str) -> None:
    document = read(text)

    assert document.problems or document.data is not None or document.readable
