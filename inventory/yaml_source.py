"""YAML as an inventory may be written: plain data, and the line of every part of it.

Narrower than YAML on purpose: no tags, no duplicate keys, no dates, no NaN, keys are text, and anchors may repeat a
part but not multiply it. Everything wrong in a file is reported, not the first thing only (but for a syntax error).
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

import yaml
from pydantic_core import ErrorDetails

from inventory.errors import Problem
from inventory.places import Path

Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

DEEPEST = 40
LARGEST = 200_000
OPENERS = ("[", "{", "- ", "? ", ":")
"""What a deeper level of YAML begins with."""
SAFE = 5_000
"""Levels that fit the stack by far (20,000 were tried): a text with fewer openers cannot have more."""
"""Parts that one file may have, repeated ones counted: far above any real inventory, far below what hurts."""

YAML = "tag:yaml.org,2002:"
STR, INT = f"{YAML}str", f"{YAML}int"
KINDS: Mapping[type[yaml.Node], frozenset[str]] = {
    yaml.ScalarNode: frozenset({STR, INT, f"{YAML}float", f"{YAML}bool", f"{YAML}null"}),
    yaml.MappingNode: frozenset({f"{YAML}map"}),
    yaml.SequenceNode: frozenset({f"{YAML}seq"}),
}
PLAIN_INT = re.compile(r"[+-]?(0|[1-9][0-9]*)")
"""YAML 1.1 has others: 0110 is 72 there, and 1:30 is 90."""


class Document:
    """One YAML file as data (`data`), where its parts are (`lines`: path to line), and what is wrong (`problems`).

    `spoiled` are the paths of values that could not be read; in `data` they are None.
    """

    def __init__(self, text: str, name: str) -> None:
        self.name = name
        self.lines: dict[Path, int] = {}
        self.problems: list[Problem] = []
        self.spoiled: set[Path] = set()
        self.readable = False
        self.data: Any = None
        self._parts = 0
        self._open: set[int] = set()
        self._values = yaml.SafeLoader("")
        node = self._compose(text)
        if node is not None:
            self.data = self._read(node, ())
            self.readable = True

    def wrong(self, line: int, what: str, *, rule: str = "yaml", fix: str = "") -> None:
        """Note a problem at a line of this file."""
        self.problems.append(Problem(rule, f"{self.name}:{line}", what, fix))

    def line_of(self, path: Path) -> int:
        """Return the line of what is at a path, or else of the nearest part that it lies in."""
        return next((self.lines[path[:n]] for n in range(len(path), -1, -1) if path[:n] in self.lines), 1)

    def _compose(self, text: str) -> yaml.Node | None:
        try:
            # Depth first: composing is recursive, and in libyaml too deep a file would be the end of the process.
            deep = _too_deep(text) if sum(map(text.count, OPENERS)) > SAFE else None
            node: yaml.Node | None = None if deep else yaml.compose(text, Loader=Loader)
            deep = deep or _deeper(node)
        except yaml.YAMLError as e:
            mark = getattr(e, "problem_mark", None)
            reason = getattr(e, "problem", None) or " ".join(str(e).split())
            end = len(text.splitlines()) or 1
            self.wrong(min(_line(mark), end), f"not YAML: {reason}")
            return None
        if deep:
            self.wrong(deep, f"nested more than {DEEPEST} deep")
            return None
        if node is None:
            self.wrong(1, "empty")
        return node

    def _read(self, node: yaml.Node, path: Path) -> Any:
        line = _line(node.start_mark)
        self.lines.setdefault(path, line)
        self._parts += 1
        if self._parts > LARGEST:
            return self._spoil(path, line, f"more than {LARGEST} parts, repeated ones counted")
        if id(node) in self._open:
            return self._spoil(path, line, "an anchor that holds itself")
        if node.tag not in KINDS[type(node)]:
            return self._refuse(node, path)
        if isinstance(node, yaml.ScalarNode):
            return self._read_scalar(node, path)
        self._open.add(id(node))
        if isinstance(node, yaml.MappingNode):
            value: Any = self._read_mapping(node, path)
        else:
            value = [self._read(child, (*path, i)) for i, child in enumerate(node.value)]
        self._open.discard(id(node))
        return value

    def _read_mapping(self, node: yaml.MappingNode, path: Path) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key, line = key_node.value, _line(key_node.start_mark)
            if key_node.tag != STR or not isinstance(key, str):
                self._spoil(path, line, f"key {_shown(key)} is no text", fix="write it in quotes")
            elif key in found:
                first = self.lines[*path, key]
                self.wrong(line, f"key {key!r} is here twice, first in line {first}", rule="duplicate-key")
            else:
                self.lines[*path, key] = line
                found[key] = self._read(value_node, (*path, key))
        return found

    def _read_scalar(self, node: yaml.ScalarNode, path: Path) -> Any:
        try:
            value = node.value if node.tag == STR else self._values.construct_object(node)
            str(value).encode()
        except (ValueError, LookupError, yaml.YAMLError):
            value = math.nan
        is_odd_number = isinstance(value, int) and node.tag == INT and not PLAIN_INT.fullmatch(node.value)
        if is_odd_number or (isinstance(value, float) and not math.isfinite(value)):
            what = f"{_shown(node.value)} is no plain {node.tag.rpartition(':')[2]}"
            return self._spoil(path, _line(node.start_mark), what, fix="if it is text, write it in quotes")
        return value

    def _refuse(self, node: yaml.Node, path: Path) -> None:
        what, fix = f"YAML tag {_shown(node.tag)}, but an inventory is plain data", "remove the tag"
        if node.tag == f"{YAML}timestamp":
            what, fix = f"{_shown(node.value)} would be read as a date", "write it in quotes"
        self._spoil(path, _line(node.start_mark), what, fix=fix)

    def _spoil(self, path: Path, line: int, what: str, *, fix: str = "") -> None:
        """Note that what is at this path cannot be read."""
        self.spoiled.add(path)
        if self._parts <= LARGEST + 1:  # said once
            self.wrong(line, what, fix=fix)


def schema_problem(error: ErrorDetails, where: str, rule: str = "schema") -> Problem:
    """Say what pydantic found, as a problem at this place."""
    field = ".".join(map(str, error["loc"])) or "this"
    if error["type"] == "extra_forbidden":
        return Problem(rule, where, f"unknown key {error['loc'][-1]!r}")
    if error["type"] == "missing":
        return Problem(rule, where, f"{field} is missing")
    what = error["msg"].removeprefix("Value error, ")
    return Problem(rule, where, f"{field}: {what[:1].lower()}{what[1:]}")


def _too_deep(text: str) -> int | None:
    """Return the line at which a text nests too deep, read event by event; None if it nowhere does."""
    depth = 0
    for event in yaml.parse(text, Loader=Loader):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > DEEPEST:
            return _line(event.start_mark)
    return None


def _deeper(root: yaml.Node | None) -> int | None:
    """Return the line of a node that lies too deep in another; None if none does."""
    seen: set[int] = set()
    level = [root] if isinstance(root, yaml.CollectionNode) else []
    for _ in range(DEEPEST):
        seen.update(map(id, level))
        values = (v for node in level for v in node.value)
        parts = (part for v in values for part in (v if isinstance(v, tuple) else (v,)))
        level = [p for p in parts if isinstance(p, yaml.CollectionNode) and id(p) not in seen]
    return _line(level[0].start_mark) if level else None


def _line(mark: Any) -> int:
    return mark.line + 1 if mark else 1


def _shown(value: object) -> str:
    text = repr(value) if isinstance(value, str) else "that is not plain"
    return text if len(text) <= 60 else text[:57] + "…"
