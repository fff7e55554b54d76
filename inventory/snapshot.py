"""The inventory as a few YAML files in a directory: what the repository ships, and what `inventory pull` writes.

    organisation.yaml    regions, tenants, sites, platforms, device roles, manufacturers, device and cluster types,
                         clusters, tags
    network.yaml         VLANs, prefixes and ranges of addresses
    contexts.yaml        config contexts and what they are assigned to
    cables.yaml          cables
    hosts/<tenant>.yaml  the hosts of one municipality, each with its merged config context, as NetBox merged it;
                         hosts/_.yaml those of none
    pulled.yaml          which NetBox said all this, when, and what else it said; not there where people wrote the files

Made to be read in a diff: one object a line where it is short, everything in a fixed order, nothing that is as
usual. `dump` writes what `load` reads, byte for byte the same for equal fleets. In a file, the config contexts of
several hosts share what they have in common, by a YAML anchor.

Anyone may have written the files: only plain data is read, and everything wrong is reported at once, by file and line.
"""

from __future__ import annotations

import errno
import json
import os
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, get_args

import yaml
from pydantic import ValidationError

from inventory import rules
from inventory.errors import InventoryError, Problem, SamdriftError
from inventory.fleet import Fleet, Host
from inventory.frozen import Frozen
from inventory.keys import KEYS
from inventory.order import in_order
from inventory.origin import PULLED, Origin
from inventory.origin import read as read_origin
from inventory.parts import Parts, parts
from inventory.paths import SNAPSHOT
from inventory.places import Path as PathIn
from inventory.places import Places, shown
from inventory.rules.names import SLUG
from inventory.scope import Scope
from inventory.scope import of_the_project as scope_of_the_project
from inventory.yaml_source import Document, schema_problem
from inventory.yaml_text import yaml_text

DEFAULT = SNAPSHOT

FILES: Mapping[str, tuple[str, ...]] = {
    "organisation.yaml": (
        "regions",
        "site_groups",
        "tenant_groups",
        "tenants",
        "sites",
        "locations",
        "platforms",
        "device_roles",
        "manufacturers",
        "device_types",
        "cluster_types",
        "cluster_groups",
        "clusters",
        "tags",
    ),
    "network.yaml": ("vrfs", "vlan_groups", "vlans", "prefixes", "ranges"),
    "contexts.yaml": ("config_contexts",),
    "cables.yaml": ("cables",),
}
HOSTS = "hosts"
"""The directory of hosts' files, and the one section in each of them."""
OF_NOBODY = "_"
"""The file of hosts that have no tenant, or one whose slug could name no file."""


def origin(fleet: Fleet, directory: Path = DEFAULT) -> Origin | None:
    """Return where this fleet, read from this directory, came from; None if people wrote it, or edited it since."""
    found = read_origin(directory)
    return found if found and found.digest == fleet.digest else None


def load(directory: Path = DEFAULT) -> Fleet:
    """Load a fleet from this directory of which every managed host is sound.

    Raises:
        InventoryError: with everything that is wrong.
    """
    return parts_of(directory).sound()


def parts_of(directory: Path = DEFAULT, scope: Scope | None = None) -> Parts:
    """Load the part of the fleet in this directory that is samdrift's.

    Args:
        scope: without, the project's.

    Raises:
        InventoryError: something cannot be read; with that, and with what is wrong in the rest.
    """
    found = read(directory)
    if found.problems:
        problems = (*found.problems, *rules.problems(found.fleet, found.places, found.unread))
        raise InventoryError(tuple(sorted(problems, key=_by_place)), found.fleet)
    pulled = read_origin(directory)
    reported = [one.problem() for one in pulled.unsound] if pulled else ()
    made = parts(found.fleet, reported=reported, places=found.places, scope=scope or scope_of_the_project())
    return made._replace(problems=tuple(sorted(made.problems, key=_by_place)))


def _by_place(problem: Problem) -> tuple[str, int]:
    file, _, line = problem.where.rpartition(":")
    return (file, int(line)) if line.isdigit() else (problem.where, 0)


# Reading


class Reading(NamedTuple):
    """A fleet as far as it could be read.

    Attributes:
        places: where its parts are.
        problems: what could not be read.
        unread: the sections of which something could not be read.
    """

    fleet: Fleet
    places: Places
    problems: tuple[Problem, ...]
    unread: frozenset[str]


def read(directory: Path) -> Reading:
    """Read this directory. Goes on after a problem, so that the rules can add theirs in the same go.

    Raises:
        InventoryError: there is no such directory, or it may not be read.
    """
    if not is_there(directory):
        fix = f"an inventory is a directory with {', '.join(FILES)} and {HOSTS}/*.yaml"
        raise InventoryError(
            (Problem("snapshot", shown(directory), "there is no such directory, or none you may read", fix),)
        )
    return _Reader(directory).read()


def is_there(directory: Path) -> bool:
    """Tell whether a path is a directory that may be read."""
    return os.access(directory, os.R_OK | os.X_OK) and directory.is_dir()


class _Reader:
    """Reads one directory, and notes what is wrong on the way."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._problems: list[Problem] = []
        self._unread: set[str] = set()
        self._items: dict[str, list[Any]] = {section: [] for section in KEYS}
        self._lines: dict[PathIn, str] = {}
        self._spoiled: set[PathIn] = set()

    def read(self) -> Reading:
        for path, sections in self._files():
            document = self._document(path)
            if document is None or not document.readable:
                self._unread.update(sections)
            else:
                self._collect(document, sections)
            self._problems += document.problems if document else ()
        found = self._fleet()
        for problem in found.problems:
            problem.municipality = _municipality(problem.where)
        return found

    def _files(self) -> Iterator[tuple[Path, tuple[str, ...]]]:
        """Yield every file to read, with its sections."""
        belongs = {self._directory / name: sections for name, sections in FILES.items()}
        belongs |= dict.fromkeys(sorted((self._directory / HOSTS).glob("*.yaml")), (HOSTS,))
        for path in sorted(_strangers(self._directory)):
            fix = f"an inventory has {', '.join(FILES)} and {HOSTS}/*.yaml"
            self._problems.append(Problem("snapshot", shown(path), "does not belong in an inventory", fix))
        yield from belongs.items()

    def _document(self, path: Path) -> Document | None:
        try:
            return Document(path.read_text(encoding="utf-8"), shown(path))
        except FileNotFoundError:
            self._problems.append(Problem("snapshot", shown(path), "there is no such file"))
        except OSError as e:
            self._problems.append(Problem("snapshot", shown(path), f"cannot be read: {e.strerror}"))
        except UnicodeDecodeError as e:
            self._problems.append(Problem("snapshot", shown(path), f"is no UTF-8 (byte {e.start})"))
        return None

    def _collect(self, document: Document, sections: tuple[str, ...]) -> None:
        """Take each section's items, and where their parts are."""
        if not isinstance(document.data, dict):
            if () not in document.spoiled:
                document.wrong(1, f"must be a mapping with {', '.join(sections)}", rule="schema")
            self._unread.update(sections)
            return
        for section, items in document.data.items():
            line = document.lines[(section,)]
            if section not in sections:
                document.wrong(line, f"unknown key {section!r}", rule="schema", fix=f"known: {', '.join(sections)}")
            elif not isinstance(items, list):
                if (section,) not in document.spoiled:
                    document.wrong(line, f"{section} must be a list", rule="schema")
                self._unread.add(section)
            else:
                self._take(document, section, items)

    def _take(self, document: Document, section: str, items: list[Any]) -> None:
        start = len(self._items[section])
        self._items[section] += items
        for path, line in document.lines.items():
            if len(path) > 1 and path[0] == section:
                self._lines[section, int(path[1]) + start, *path[2:]] = f"{document.name}:{line}"
        self._spoiled |= {(section, int(p[1]) + start) for p in document.spoiled if len(p) > 1 and p[0] == section}

    def _fleet(self) -> Reading:
        """Return every item that is as it should be, in order."""
        parts: dict[str, tuple[Frozen, ...]] = {}
        orders: dict[str, list[int]] = {}
        for section, items in self._items.items():
            validated = [(i, self._validated(section, i, item)) for i, item in enumerate(items)]
            read = [(i, value) for i, value in validated if value is not None]
            read.sort(key=lambda pair: KEYS[section](pair[1]))
            parts[section] = tuple(value for _, value in read)
            orders[section] = [i for i, _ in read]
            if len(read) < len(items):
                self._unread.add(section)
        fleet = in_order(Fleet.model_validate(parts))
        return Reading(fleet, Places(self._lines).reordered(orders), tuple(self._problems), frozenset(self._unread))

    def _validated(self, section: str, index: int, item: object) -> Frozen | None:
        """Return the item (unknown keys left out), or None; notes what is wrong.

        Strict: text is no number, 1 is not true.
        """
        try:
            value = _model(section).model_validate_json(json.dumps(item), strict=True)
        except ValidationError as e:
            errors = e.errors()
        else:
            return None if (section, index) in self._spoiled else value
        noted = {p.where for p in self._problems}
        found = [schema_problem(e, self._place(section, index, e["loc"])) for e in errors]
        self._problems += [p for p in found if p.where not in noted]
        if any(e["type"] != "extra_forbidden" for e in errors):
            return None
        for error in errors:
            item = _without(item, error["loc"])
        return self._validated(section, index, item)

    def _place(self, section: str, index: int, inside: PathIn) -> str:
        return Places(self._lines).line_of((section, index, *inside)) or section


def _municipality(where: str) -> str:
    """Return the municipality whose hosts are in the file of a problem; empty for another file."""
    file = Path(re.sub(r":\d+$", "", where))
    return file.stem if file.parent.name == HOSTS and file.stem != OF_NOBODY else ""


def _without(item: Any, path: PathIn) -> Any:
    """Return the item without what this path leads to."""
    key, *rest = path
    if isinstance(item, dict):
        return {k: _without(v, tuple(rest)) if k == key else v for k, v in item.items() if rest or k != key}
    return [_without(v, tuple(rest)) if i == key else v for i, v in enumerate(item)]


def _model(section: str) -> type[Frozen]:
    (model, _) = get_args(Fleet.model_fields[section].annotation)
    return model  # type: ignore[no-any-return]


# Writing


def dump(fleet: Fleet, directory: Path, pulled: Origin | None = None) -> None:
    """Write the fleet in place of what is in the directory: all of it or, if that fails, nothing.

    Raises:
        SamdriftError: it cannot be written there, or other files than an inventory's are there.
    """
    fleet = in_order(fleet)
    texts = {name: yaml_text(_filled(fleet, sections)) for name, sections in FILES.items()}
    of_file: dict[str, list[Host]] = {}
    for host in fleet.hosts:
        of_file.setdefault(host.tenant if SLUG.fullmatch(host.tenant) else OF_NOBODY, []).append(host)
    texts |= {f"{HOSTS}/{name}.yaml": yaml_text({HOSTS: tuple(hosts)}) for name, hosts in sorted(of_file.items())}
    if pulled is not None:
        texts[PULLED] = yaml.safe_dump(_origin_data(pulled), sort_keys=False, allow_unicode=True)
    try:
        _replace(directory.resolve(), texts)
    except OSError as e:
        raise SamdriftError(f"cannot be written: {e.strerror}", where=shown(directory)) from e


def _origin_data(pulled: Origin) -> dict[str, Any]:
    """Return an Origin as plain data, without the lists that are empty."""
    return {key: value for key, value in pulled.model_dump(mode="json").items() if value}


def _filled(fleet: Fleet, sections: Sequence[str]) -> dict[str, tuple[Frozen, ...]]:
    """Return those of a file's sections in which something is; all of them, so that the file says what it is for, where
    nothing is in any.
    """
    items = {section: getattr(fleet, section) for section in sections}
    return {section: of for section, of in items.items() if of} or items


def _replace(directory: Path, texts: Mapping[str, str]) -> None:
    """Put a directory of these files in place of what is there, which was an inventory, too.

    It is written beside, and takes the other's name when it is whole. Whoever is killed in between leaves one of the
    two under the name, or for a moment none, and never some of both.
    """
    if directory.exists() and not directory.is_dir():
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(directory))
    if stranger := next(_strangers(directory), None):
        raise SamdriftError(
            "does not belong in an inventory, and would be lost", where=shown(stranger), fix="choose another directory"
        )
    directory.parent.mkdir(parents=True, exist_ok=True)
    beside = Path(tempfile.mkdtemp(dir=directory.parent, prefix=f".{directory.name}."))
    try:
        new, old = beside / "new", beside / "old"
        (new / HOSTS).mkdir(parents=True)
        for name, text in texts.items():
            with (new / name).open("w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
        if directory.exists():
            new.chmod(directory.stat().st_mode & 0o7777)
            directory.rename(old)
        try:
            new.rename(directory)
        except OSError:
            if old.exists():
                old.rename(directory)
            raise
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def _strangers(directory: Path) -> Iterator[Path]:
    """Yield the files in a directory that do not belong in an inventory."""
    belongs = {directory / name for name in (*FILES, PULLED)} | set((directory / HOSTS).glob("*.yaml"))
    yield from (p for p in directory.rglob("*") if not p.is_dir() and p not in belongs)
