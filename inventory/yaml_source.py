"""YAML as an inventory may be written: plain data, and the line of every part of it.

Narrower than YAML on purpose: no tags, no duplicate keys, no dates, no NaN, keys are text, and anchors may repeat a
part but not multiply it. Everything wrong in a file is reported, not the first thing only (but for a syntax error).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import yaml

from inventory.errors import Problem
from inventory.places import Path

Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

DEEPEST = 40
LARGEST = 1_000_000
"""Parts that one file may have, repeated ones counted: far above any real inventory, far below what hurts."""

SCALARS = {f"tag:yaml.org,2002:{kind}" for kind in ("str", "int", "float", "bool", "null")}
PLAIN = SCALARS | {"tag:yaml.org,2002:map", "tag:yaml.org,2002:seq"}


class Document:
    """One YAML file as data (`data`), where its parts are (`lines`: path to line), and what is wrong (`problems`)."""

    def __init__(self, text: str, name: str) -> None:
        self.name = name
        self.lines: dict[Path, int] = {}
        self.problems: list[Problem] = []
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

    def _compose(self, text: str) -> yaml.Node | None:
        try:
            # Depth first: composing is recursive, and in libyaml too deep a file would be the end of the process.
            depth = 0
            for event in yaml.parse(text, Loader=Loader):
                depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
                if depth > DEEPEST:
                    self.wrong(_line(event.start_mark), f"nested more than {DEEPEST} deep")
                    return None
            node: yaml.Node | None = yaml.compose(text, Loader=Loader)
        except yaml.YAMLError as e:
            mark = getattr(e, "problem_mark", None)
            said = getattr(e, "problem", None) or " ".join(str(e).split())
            self.wrong(_line(mark), f"not YAML: {said}")
            return None
        if node is None:
            self.wrong(1, "empty")
        return node

    def _read(self, node: yaml.Node, path: Path) -> Any:
        line = _line(node.start_mark)
        self.lines.setdefault(path, line)
        self._parts += 1
        if id(node) in self._open:
            self.wrong(line, "an anchor that holds itself")
            return None
        if self._parts > LARGEST:
            if self._parts == LARGEST + 1:
                self.wrong(line, f"more than {LARGEST} parts, anchors repeated")
            return None
        if node.tag not in PLAIN:
            return self._refuse_tag(node, line)
        self._open.add(id(node))
        try:
            if isinstance(node, yaml.MappingNode):
                return self._read_mapping(node, path)
            if isinstance(node, yaml.SequenceNode):
                return [self._read(child, (*path, i)) for i, child in enumerate(node.value)]
        finally:
            self._open.discard(id(node))
        return self._read_scalar(node, line)

    def _read_mapping(self, node: yaml.MappingNode, path: Path) -> Mapping[str, Any]:
        found: dict[str, Any] = {}
        first: dict[str, int] = {}
        for key_node, value_node in node.value:
            line = _line(key_node.start_mark)
            if not isinstance(key_node, yaml.ScalarNode) or key_node.tag != "tag:yaml.org,2002:str":
                self.wrong(line, f"key {_shown(key_node.value)} is no text", fix="write it in quotes")
                continue
            key = key_node.value
            if key in found:
                self.wrong(line, f"key {key!r} is here twice, first in line {first[key]}", rule="duplicate-key")
                continue
            first[key] = line
            self.lines[*path, key] = line
            found[key] = self._read(value_node, (*path, key))
        return found

    def _read_scalar(self, node: yaml.Node, line: int) -> Any:
        try:
            value = self._values.construct_object(node)
            str(value).encode()
        except (ValueError, yaml.YAMLError):
            self.wrong(line, f"{_shown(node.value)} is no {node.tag.rpartition(':')[2]}")
            return None
        if isinstance(value, float) and not math.isfinite(value):
            self.wrong(line, f"{_shown(node.value)} is no number to work with")
            return None
        return value

    def _refuse_tag(self, node: yaml.Node, line: int) -> None:
        kind = node.tag.rpartition(":")[2]
        if node.tag == "tag:yaml.org,2002:timestamp":
            self.wrong(line, f"{_shown(node.value)} would be read as a date", fix="write it in quotes")
        elif node.tag in {"tag:yaml.org,2002:merge", "tag:yaml.org,2002:value"}:
            self.wrong(line, f"{_shown(node.value)} has a meaning of its own in YAML", fix="write it in quotes")
        else:
            self.wrong(line, f"YAML tag {_shown(kind)}: an inventory is plain data", fix="remove the tag")


def _line(mark: Any) -> int:
    return mark.line + 1 if mark else 1


def _shown(value: object) -> str:
    text = repr(value) if isinstance(value, str) else "that is not plain"
    return text if len(text) <= 60 else text[:57] + "…"
