"""Write a fleet's objects as YAML that reads well in a diff: short objects on one line, nothing that is as usual.

What the config contexts of several hosts have in common stands once, by an anchor. Not here: which objects stand in
which file (`snapshot.py`), and how YAML is read (`yaml_source.py`).
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

import yaml
from yaml.representer import SafeRepresenter

from inventory.frozen import Frozen
from inventory.order import FIRST_KEYS

WIDTH = 110
"""A list or mapping without further mappings stays on one line within this."""


class Dumper(yaml.SafeDumper):
    """YAML with anchors that say what they repeat."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._given: dict[str, int] = defaultdict(int)

    def generate_anchor(self, node: yaml.Node) -> str:
        """Return the key of what is repeated; with a number from the second on."""
        name = str(getattr(node, "repeats", "same"))
        self._given[name] += 1
        return name if self._given[name] == 1 else f"{name}-{self._given[name]}"


def yaml_text(sections: Mapping[str, tuple[Frozen, ...]]) -> str:
    """Write these sections as YAML, each a list of its objects."""
    shared: dict[str, yaml.Node] = {}
    pairs = [(_scalar(s), _items(s, values, shared)) for s, values in sections.items()]
    root = yaml.MappingNode("tag:yaml.org,2002:map", pairs, flow_style=False)
    text = yaml.serialize(root, Dumper=Dumper, allow_unicode=True, width=10**9, indent=2)
    return _spaced(str(text))


def _spaced(text: str) -> str:
    """Insert an empty line between sections and between objects of more than one line."""
    lines: list[str] = []
    for line in text.splitlines():
        is_section = not line.startswith((" ", "-"))
        is_large_object = line.startswith("- ") and not line.startswith("- {") and not lines[-1].endswith(":")
        if lines and (is_section or is_large_object):
            lines.append("")
        lines.append(line)
    return "\n".join(lines) + "\n"


def _items(section: str, values: Iterable[Frozen], shared: dict[str, yaml.Node]) -> yaml.Node:
    large = section in {"hosts", "config_contexts"}
    nodes = [_object(v, shared) if large else _plain(_unusual(v), flow=True) for v in values]
    return yaml.SequenceNode("tag:yaml.org,2002:seq", nodes, flow_style=not nodes)


def _unusual(value: Frozen) -> dict[str, Any]:
    """Return the fields that differ from the defaults, in the model's order."""
    return value.model_dump(mode="json", exclude_defaults=True)


def _object(value: Frozen, shared: dict[str, yaml.Node]) -> yaml.Node:
    """Format a host or config context: a field a line, an interface a line, and its context by itself."""
    pairs = []
    for key, item in _unusual(value).items():
        if key in {"context", "data"}:
            node = _context(item, key, 0, shared)
        elif isinstance(item, list) and key in {"interfaces", "host_keys"}:
            node = yaml.SequenceNode("tag:yaml.org,2002:seq", [_plain(i, flow=True) for i in item], flow_style=False)
        else:
            node = _plain(item, flow=True)
        pairs.append((_scalar(key), node))
    return yaml.MappingNode("tag:yaml.org,2002:map", pairs, flow_style=False)


def _context(value: Any, key: str, depth: int, shared: dict[str, yaml.Node]) -> yaml.Node:
    """Format a part of a config context: first what people look for first, then plain values, then mappings, each by
    key.

    What is large and repeated is written once.
    """
    if not isinstance(value, dict):
        return _plain(value, flow=_fits(value))
    if (depth > 2 or key in FIRST_KEYS) and _fits(value):
        return _plain(value, flow=True)
    canonical = json.dumps(value, sort_keys=True)
    if depth > 1 and len(canonical) > 2 * WIDTH and canonical in shared:
        return shared[canonical]
    ordered = sorted(value.items(), key=lambda pair: (_rank(*pair), pair[0]))
    pairs = [(_scalar(k), _context(v, k, depth + 1, shared)) for k, v in ordered]
    node = yaml.MappingNode("tag:yaml.org,2002:map", pairs, flow_style=not pairs)
    if depth > 1:
        node.repeats = key  # type: ignore[attr-defined]
        shared[canonical] = node
    return node


def _rank(key: str, value: Any) -> int:
    return 0 if key in FIRST_KEYS else 2 if isinstance(value, dict) else 1


def _fits(value: Any) -> bool:
    """Tell whether a value holds no mapping and reads well on one line."""
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    nested = any(
        isinstance(p, dict) or (isinstance(p, list) and any(isinstance(x, dict | list) for x in p)) for p in parts
    )
    return not nested and len(json.dumps(value, ensure_ascii=False)) <= 2 * WIDTH


def _plain(value: Any, *, flow: bool) -> yaml.Node:
    if isinstance(value, dict):
        pairs = [(_scalar(k), _plain(v, flow=True)) for k, v in value.items()]
        return yaml.MappingNode("tag:yaml.org,2002:map", pairs, flow_style=flow or not pairs)
    if isinstance(value, list):
        return yaml.SequenceNode("tag:yaml.org,2002:seq", [_plain(v, flow=True) for v in value], flow_style=flow)
    return _scalar(value)


def _scalar(value: object) -> yaml.Node:
    node = SafeRepresenter().represent_data(value)
    if isinstance(node, yaml.ScalarNode) and not node.value.isprintable():
        node.style = '"'  # on one line, escaped
    return node
