"""The inventory as a few YAML files in a directory: what the repository ships, and what `inventory pull` will write.

    organisation.yaml    regions, tenants, sites, platforms, device roles, manufacturers, device types, clusters, tags
    network.yaml         VLANs and prefixes
    contexts.yaml        config contexts and what they are assigned to
    cables.yaml          cables
    hosts/<tenant>.yaml  the hosts of one municipality, each with its merged config context, as NetBox merged it

Made to be read in a diff: one object a line where it is short, everything in a fixed order, nothing that is as
usual. `dump` writes what `load` reads, byte for byte the same for equal fleets. In a file, the config contexts of
several hosts share what they have in common, by a YAML anchor.

Anyone may have written the files: only plain data is read, and everything wrong is reported at once, by file and line.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, get_args

import yaml
from pydantic import ValidationError
from yaml.representer import SafeRepresenter

from inventory import rules
from inventory.errors import InventoryError, Problem, SamdriftError
from inventory.fleet import KEYS, Fleet, Frozen
from inventory.places import Places
from inventory.yaml_source import Document

DEFAULT = Path(__file__).resolve().parent / "snapshot"

FILES: Mapping[str, tuple[str, ...]] = {
    "organisation.yaml": (
        "regions",
        "tenants",
        "sites",
        "platforms",
        "device_roles",
        "manufacturers",
        "device_types",
        "clusters",
        "tags",
    ),
    "network.yaml": ("vlans", "prefixes"),
    "contexts.yaml": ("config_contexts",),
    "cables.yaml": ("cables",),
}
HOSTS = "hosts"
"""The directory of hosts' files, and the one section in each of them."""


def load(directory: Path = DEFAULT) -> Fleet:
    """The fleet in this directory, sound.

    Raises:
        InventoryError: with everything that is wrong.
    """
    fleet, places, problems, unread = read(directory)
    found = (*problems, *rules.problems(fleet, places, unread))
    if found:
        raise InventoryError(found)
    return fleet


# Reading


def read(directory: Path) -> tuple[Fleet, Places, tuple[Problem, ...], frozenset[str]]:
    """The fleet as far as it can be read, where its parts are, what could not be read, and in which sections.

    Reading goes on after a problem, so that the rules of a sound fleet can add theirs in the same go.
    """
    problems: list[Problem] = []
    unread: set[str] = set()
    sections: dict[str, list[Any]] = {section: [] for section in KEYS}
    lines: dict[tuple[str | int, ...], str] = {}
    for path, expected in _files(directory, problems, unread):
        document = _document(path, problems)
        if document is None or not _has_sections(document, expected):
            unread.update(expected)
        problems += document.problems if document else ()
        if document is None or not isinstance(document.data, dict):
            continue
        for section in expected:
            items = document.data.get(section, [])
            if isinstance(items, list):
                start = len(sections[section])
                lines |= _lines(document, section, start)
                sections[section] += items
    return _fleet(sections, Places(lines), problems, unread)


def _files(directory: Path, problems: list[Problem], unread: set[str]) -> Iterable[tuple[Path, tuple[str, ...]]]:
    """Every file to read, with its sections; what is missing or does not belong is a problem."""
    if not directory.is_dir():
        raise InventoryError((Problem("snapshot", _shown(directory), "there is no such directory"),))
    belongs = {directory / name: sections for name, sections in FILES.items()}
    belongs |= dict.fromkeys(sorted((directory / HOSTS).glob("*.yaml")), (HOSTS,))
    for path in sorted(p for p in directory.rglob("*") if not p.is_dir() and p not in belongs):
        fix = f"an inventory has {', '.join(FILES)} and {HOSTS}/*.yaml"
        problems.append(Problem("snapshot", _shown(path), "does not belong in an inventory", fix))
    for path, sections in belongs.items():
        if path.is_file():
            yield path, sections
        else:
            unread.update(sections)
            problems.append(Problem("snapshot", _shown(path), "there is no such file"))


def _document(path: Path, problems: list[Problem]) -> Document | None:
    try:
        return Document(path.read_text(encoding="utf-8"), _shown(path))
    except OSError as e:
        problems.append(Problem("snapshot", _shown(path), f"cannot be read: {e.strerror}"))
    except UnicodeDecodeError as e:
        problems.append(Problem("snapshot", _shown(path), f"is no UTF-8 (byte {e.start})"))
    return None


def _has_sections(document: Document, expected: tuple[str, ...]) -> bool:
    """Whether the file is a mapping of these sections to lists; notes it in the document where it is not."""
    if not document.readable:
        return False
    if not isinstance(document.data, dict):
        document.wrong(1, f"must be a mapping with {', '.join(expected)}", rule="schema")
        return False
    sound = True
    for section, items in document.data.items():
        line = document.lines[(section,)]
        if section not in expected:
            document.wrong(line, f"unknown key {section!r}", rule="schema", fix=f"known: {', '.join(expected)}")
        elif not isinstance(items, list):
            document.wrong(line, f"{section} must be a list", rule="schema")
            sound = False
    return sound


def _lines(document: Document, section: str, start: int) -> dict[tuple[str | int, ...], str]:
    """Where the parts of a section are, by their path in the fleet when `start` items of the section are before."""
    return {
        (section, path[1] + start, *path[2:]): f"{document.name}:{line}"
        for path, line in document.lines.items()
        if len(path) > 1 and path[0] == section and isinstance(path[1], int)
    }


def _fleet(
    sections: Mapping[str, list[Any]], places: Places, problems: list[Problem], unread: set[str]
) -> tuple[Fleet, Places, tuple[Problem, ...], frozenset[str]]:
    """Every item that is as it should be, in order."""
    parts: dict[str, tuple[Any, ...]] = {}
    for section, items in sections.items():
        model = _model(section)
        read: list[tuple[int, Any]] = []
        for i, item in enumerate(items):
            value, wrong = _validated(model, item)
            problems += [_schema_problem(e, places, (section, i)) for e in wrong]
            if value is None:
                unread.add(section)
            else:
                read.append((i, value))
        read.sort(key=lambda pair: KEYS[section](pair[1]))
        parts[section] = tuple(value for _, value in read)
        places = places.reordered(section, [i for i, _ in read])
    return Fleet(**parts).in_order(), places, tuple(problems), frozenset(unread)


def _validated(model: type[Frozen], item: object) -> tuple[Frozen | None, list[Any]]:
    """The item (an unknown key left out), and what is wrong with it. Strict: text is no number, 1 is not true."""
    try:
        return model.model_validate_json(json.dumps(item), strict=True), []
    except ValidationError as e:
        wrong = e.errors()
    if any(e["type"] != "extra_forbidden" for e in wrong):
        return None, wrong
    known = json.loads(json.dumps(item))
    for error in wrong:
        *parents, key = error["loc"]
        holder = known
        for parent in parents:
            holder = holder[parent]
        del holder[key]
    return model.model_validate_json(json.dumps(known), strict=True), wrong


def _schema_problem(error: Mapping[str, Any], places: Places, item: tuple[str, int]) -> Problem:
    where = places.line_of((*item, *error["loc"])) or item[0]
    field = ".".join(map(str, error["loc"])) or "this"
    if error["type"] == "extra_forbidden":
        return Problem("schema", where, f"unknown key {error['loc'][-1]!r}")
    if error["type"] == "missing":
        return Problem("schema", where, f"{field} is missing")
    return Problem("schema", where, f"{field}: {error['msg'][:1].lower()}{error['msg'][1:]}")


def _model(section: str) -> type[Frozen]:
    (model, _) = get_args(Fleet.model_fields[section].annotation)
    return model  # type: ignore[no-any-return]


def _shown(path: Path) -> str:
    """The path as a person at a terminal would write it."""
    return str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)


# Writing


def dump(fleet: Fleet, directory: Path) -> None:
    """Write the fleet; hosts' files of municipalities without hosts are removed."""
    fleet = fleet.in_order()
    texts = {name: _text({s: getattr(fleet, s) for s in sections}) for name, sections in FILES.items()}
    for tenant in sorted({h.tenant for h in fleet.hosts}):
        texts[f"{HOSTS}/{tenant}.yaml"] = _text({HOSTS: tuple(h for h in fleet.hosts if h.tenant == tenant)})
    try:
        (directory / HOSTS).mkdir(parents=True, exist_ok=True)
        for name, text in texts.items():
            (directory / name).write_text(text, encoding="utf-8")
        for path in (directory / HOSTS).glob("*.yaml"):
            if f"{HOSTS}/{path.name}" not in texts:
                path.unlink()
    except OSError as e:
        raise SamdriftError(f"cannot be written: {e.strerror}", where=_shown(Path(e.filename or directory))) from e


WIDTH = 110
"""A list or mapping without further mappings stays on one line within this."""


class Dumper(yaml.SafeDumper):
    """YAML with anchors that say what they repeat."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._given: dict[str, int] = defaultdict(int)

    def generate_anchor(self, node: yaml.Node) -> str:
        """The key of what is repeated; with a number from the second on."""
        name = str(getattr(node, "repeats", "same"))
        self._given[name] += 1
        return name if self._given[name] == 1 else f"{name}-{self._given[name]}"


def _text(sections: Mapping[str, tuple[Frozen, ...]]) -> str:
    shared: dict[str, yaml.Node] = {}
    pairs = [(_scalar(s), _items(s, values, shared)) for s, values in sections.items()]
    root = yaml.MappingNode("tag:yaml.org,2002:map", pairs, flow_style=False)
    text = yaml.serialize(root, Dumper=Dumper, allow_unicode=True, width=10_000, indent=2)
    return _spaced(str(text))


def _spaced(text: str) -> str:
    """With an empty line between sections and between objects of more than one line."""
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
    """What differs from the defaults, in the model's order."""
    return value.model_dump(mode="json", exclude_defaults=True)


def _object(value: Frozen, shared: dict[str, yaml.Node]) -> yaml.Node:
    """A host or config context: a field a line, an interface a line, and its context by itself."""
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
    """A part of a config context: plain values before mappings, each by key. What is large and again the same is
    written once.
    """
    if not isinstance(value, dict):
        return _plain(value, flow=_fits(value))
    if depth > 2 and _fits(value):
        return _plain(value, flow=True)
    canonical = json.dumps(value, sort_keys=True)
    if depth > 1 and len(canonical) > 2 * WIDTH and canonical in shared:
        return shared[canonical]
    ordered = sorted(value.items(), key=lambda pair: (isinstance(pair[1], dict), pair[0]))
    pairs = [(_scalar(k), _context(v, k, depth + 1, shared)) for k, v in ordered]
    node = yaml.MappingNode("tag:yaml.org,2002:map", pairs, flow_style=not pairs)
    if depth > 1:
        node.repeats = key  # type: ignore[attr-defined]
        shared[canonical] = node
    return node


def _fits(value: Any) -> bool:
    """Whether it holds no mapping and reads well on one line."""
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
    return SafeRepresenter().represent_data(value)
