"""Read what a device answers to a question about its state into rows, with our words for what is in them. Pure.

How each answer is read is data (`Vendor.asks`): JSON by the names of its elements, tables by templates of
ntc-templates, other text by lines. An answer that is not of the form that is known is not understood: it never counts
as one that says that there is nothing. Not here: what the rows mean for a check (`state`).
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

from ntc_templates.parse import ParsingException, parse_output  # type: ignore[import-untyped]  # it has no types
from textfsm import TextFSM, TextFSMError  # type: ignore[import-untyped]  # nor has it

from roles.shared.device.question import Question, Structure
from roles.shared.device.reading import tame
from roles.shared.device.vendor import Vendor, any_of

Row = dict[str, Any]
"""Our words, and what the device says: a text, or several."""
SHOWN = 60
"""Characters of an answer that is not understood, in what is said of it."""


class NotUnderstood(Exception):
    """A device's answer is not of the form that is known, so that nothing is known of what it was asked for."""

    def __init__(self, question: Question, why: str) -> None:
        super().__init__(f"the answer to `{question.command}` is not understood: {why}")


def rows(vendor: Vendor, asked: str, output: str) -> list[Row]:
    """Read a device's answer into rows, with our words for its columns.

    Raises:
        NotUnderstood: it is empty, not whole, an error, or of another form than is known.
    """
    question = vendor.asks[asked]
    text = tame(output)
    if not text.strip():
        raise NotUnderstood(question, "it is empty")
    try:
        if question.structure is not None:
            found = _rows_of_json(vendor, question, question.structure, text)
        else:
            found = _rows_of_text(question, text)
    except RecursionError as e:
        raise NotUnderstood(question, "it is nested too deeply") from e
    if lacking := [ours for row in found for ours in question.always if not row[ours]]:
        raise NotUnderstood(question, f"an entry has no {lacking[0]}")
    return found


def _begins(text: str) -> str:
    first = next((line.strip() for line in text.splitlines() if line.strip()), "")
    return f"it begins with {first[:SHOWN]!r}"


# Text


def _rows_of_text(question: Question, text: str) -> list[Row]:
    known = re.search(question.known, text, re.MULTILINE)
    if known is None:
        raise NotUnderstood(question, _begins(text))
    try:
        found = list(_by_template(question, text) if question.template else _by_lines(question, text))
    except (TextFSMError, ParsingException) as e:
        raise NotUnderstood(question, f"{type(e).__name__}: {str(e)[:SHOWN]}") from e
    count = known.groupdict().get("count")
    if count is not None and len(found) != int(count):  # more, where what a stranger tells of himself looks like one
        raise NotUnderstood(question, f"it announces {count}, and {len(found)} can be read")
    return found


def _by_lines(question: Question, text: str) -> Iterator[Row]:
    found = (re.search(question.pattern, line) for line in text.splitlines())
    return (match.groupdict() for match in found if match)


def _by_template(question: Question, text: str) -> Iterator[Row]:
    if isinstance(question.template, str):
        yield from (
            {name.lower(): value for name, value in row.items()}
            for row in TextFSM(io.StringIO(question.template)).ParseTextToDicts(text)
        )
    elif question.template:
        platform, command = question.template
        parsed = parse_output(platform=platform, command=command, data=text)
        yield from ({ours: row[theirs] for ours, theirs in question.fields.items()} for row in parsed)


# JSON


def _rows_of_json(vendor: Vendor, question: Question, structure: Structure, text: str) -> list[Row]:
    tree = _tree(vendor, question, text)
    parts = list(_named(tree, (structure.parts,))) if structure.parts else []
    for part in parts or [tree]:
        if next(_named(part, structure.forms), None) is None:
            raise NotUnderstood(question, f"there is no {' or '.join(structure.forms)} in it")
    return [_row(structure, item) for item in _named(tree, structure.items) if isinstance(item, dict)]


def _tree(vendor: Vendor, question: Question, text: str) -> Any:
    """Return the one JSON document that an answer is, but for lines that say nothing."""
    volatile = any_of(*vendor.volatile)
    document = "\n".join(line for line in text.split("\n") if not volatile.search(line))
    try:
        return json.loads(document, strict=False, object_pairs_hook=_together)
    except ValueError as e:
        raise NotUnderstood(question, f"it is not JSON, or not whole; {_begins(document)}") from e


def _together(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """Return an object with everything that it has under a name, also where that name stands in it again."""
    found: dict[str, Any] = {}
    for name, value in pairs:
        found[name] = [found[name], value] if name in found else value
    return found


def _named(tree: Any, names: tuple[str, ...]) -> Iterator[Any]:
    """Yield what stands under one of these names, wherever that is: of a list, each."""
    if isinstance(tree, list):
        for below in tree:
            yield from _named(below, names)
    elif isinstance(tree, dict):
        for name, below in tree.items():
            if name in names:
                yield from _each(below)
            else:
                yield from _named(below, names)


def _each(value: Any) -> Iterator[Any]:
    if isinstance(value, list):
        for below in value:
            yield from _each(below)
    else:
        yield value


def _row(structure: Structure, item: dict[str, Any]) -> Row:
    nothing = re.compile(structure.nothing, re.IGNORECASE)
    row: Row = {}
    for ours, names in structure.fields.items():
        found = next((texts for name in names if (texts := _texts(item, name, nothing))), [])
        row[ours] = found[0] if len(found) == 1 else found or ""
    if structure.faults:
        found = [f"{name}: {text}" for name in structure.faults for text in _texts(item, name, nothing)]
        row["why"] = ", ".join(found)
    return row


def _texts(item: dict[str, Any], name: str, nothing: re.Pattern[str]) -> list[str]:
    """Return the values of an item's elements of a name, or of those below it; those that say nothing are left out."""
    elements = _each(item[name]) if name in item else _named(item, (name,))
    return [text for text in map(_value, elements) if not nothing.fullmatch(text)]


def _value(of: Any) -> str:
    """Return the value of an element: Junos wraps it (`{"data": "ge-0/0/1"}`), the form of RFC 7951 does not."""
    if isinstance(of, dict):
        of = of.get("data")
    if isinstance(of, list):
        of = next(_each(of), None)
    return tame(str(of)).strip() if isinstance(of, str | int | float) and not isinstance(of, bool) else ""
