"""Read what a rendering wrote: host by host, and each text only when it is asked for, so that memory stays bounded.

A rendering that did not come to its end is none: a part of a fleet compared with the whole would be a review of hosts
that are gone.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

from deploy.review.texts import masked
from inventory.errors import SamdriftError
from inventory.frozen import Frozen

FORMAT = 1
LARGEST_TEXT = 16 * 1024 * 1024
"""Bytes of a text that are read: a managed file has a quarter of it at most (`roles.shared.parts.files.LARGEST`)."""


class CannotRender(SamdriftError):
    """One side of a review could not be rendered."""


class Step(Frozen):
    """A step as a rendering has it; `text`, `done` are digests of texts.

    Attributes:
        text: what it wants there to be; `meta` is owner, group and mode where that is a file.
        done: what it does on an empty host, and how that is guarded.
        by: the operation's function.
        then: the restarts that it owes.
    """

    role: str
    name: str
    kind: str
    text: str = ""
    done: str = ""
    meta: str = ""
    path: str = ""
    by: str = ""
    guard: str = ""
    unguarded: str = ""
    then: tuple[str, ...] = ()
    secrets: tuple[str, ...] = ()
    packages: tuple[str, ...] = ()
    account: str = ""
    groups: tuple[str, ...] = ()


class HostState(Frozen):
    """What one managed host should be. With `problems` nobody knows."""

    host: str
    municipality: str
    site: str
    role: str
    platform: str
    kind: str
    tags: tuple[str, ...] = ()
    wave: int = 50
    addresses: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    steps: tuple[Step, ...] = ()
    settings: Mapping[str, str] = {}
    filter: str = ""
    problems: tuple[str, ...] = ()
    approvals: int = 0


class Network(Frozen):
    """A network of the inventory, and whose it is."""

    network: str
    site: str = ""
    municipality: str = ""
    described: str = ""
    vlan: str = ""
    role: str = ""


@dataclass
class State:
    """One side of a review, on disk."""

    file: Path
    names: frozenset[str] = frozenset()
    municipalities: dict[str, str] = field(default_factory=dict)
    networks: tuple[Network, ...] = ()
    controls: dict[str, tuple[str, ...]] = field(default_factory=dict)
    operations: dict[str, str] = field(default_factory=dict)
    nowhere: tuple[str, ...] = ()
    digest: str = ""
    counted: dict[str, int] = field(default_factory=dict)
    _hosts: dict[str, int] = field(default_factory=dict)
    _texts: dict[str, int] = field(default_factory=dict)

    @property
    def hosts(self) -> tuple[str, ...]:
        """Return the names of its managed hosts."""
        return tuple(self._hosts)

    @cached_property
    def hosts_set(self) -> frozenset[str]:
        """Return the names of its managed hosts, to look one up in."""
        return frozenset(self._hosts)

    def has(self, digest: str) -> bool:
        """Tell whether a text is one of its own."""
        return digest in self._texts

    @cached_property
    def _opened(self) -> Any:
        return self.file.open("rb")

    def _line(self, offset: int) -> bytes:
        self._opened.seek(offset)
        line: bytes = self._opened.readline()
        return line

    def line_of(self, host: str) -> bytes:
        """Return a host's whole line: equal lines are equal hosts."""
        return self._line(self._hosts[host])

    def host(self, name: str) -> HostState:
        """Return one host."""
        return HostState.model_validate_json(self.line_of(name))

    def every_host(self) -> Iterator[HostState]:
        """Yield the hosts, one after the other."""
        return map(self.host, self._hosts)

    def text(self, digest: str) -> str:
        """Return a text by its digest; an empty one for none."""
        return _text_at(self, digest) if digest else ""

    def __hash__(self) -> int:
        return id(self)


@lru_cache(maxsize=256)
def _text_at(state: State, digest: str) -> str:
    line = state._line(state._texts[digest])
    return str(json.loads(line)["is"]) if len(line) <= LARGEST_TEXT else "(longer than a review reads)\n"


def read(file: Path, what: str) -> State:
    """Read a rendering.

    Args:
        what: the side that it is of, for whoever reads that it could not be rendered.

    Raises:
        CannotRender: it has no end; with all problems of an inventory that cannot be read.
    """
    state = State(file)
    with file.open("rb") as lines:
        offset = 0
        for line in lines:
            _take(state, line, offset, what)
            offset += len(line)
    if not state.counted:
        fix = "run it again with --debug; how much memory and time it may take says docs/review.md"
        raise CannotRender("its rendering was ended before it was done", where=what, fix=fix)
    return state


def _take(state: State, line: bytes, offset: int, what: str) -> None:
    if line.startswith(b'{"text": "'):
        state._texts[line[10:42].decode()] = offset
        return
    document = json.loads(line)
    kind = next(iter(document))
    if kind == "host":
        state._hosts[document["host"]] = offset
    elif kind == "error":
        raise _failed(document, what)
    elif kind == "format" and document["format"] != FORMAT:
        raise CannotRender(f"its rendering has format {document['format']}, and not {FORMAT}", where=what)
    else:
        _take_about(state, kind, document)


def _take_about(state: State, kind: str, document: Mapping[str, Any]) -> None:
    """Take what a rendering says of the whole fleet."""
    match kind:
        case "format":
            state.names, state.digest = frozenset(document["names"]), document["digest"]
        case "municipalities":
            state.municipalities = document["municipalities"]
        case "networks":
            state.networks = tuple(Network.model_validate(n) for n in document["networks"])
        case "roles":
            state.controls = {name: tuple(role["controls"]) for name, role in document["roles"].items()}
        case "operations":
            state.operations = document["operations"]
        case "nowhere":
            state.nowhere = (*state.nowhere, document["nowhere"])
        case "end":
            state.counted = document["end"]


def _failed(document: Mapping[str, Any], what: str) -> CannotRender:
    problems = document["problems"]
    listed = "".join(f"\n  {masked(str(problem))}" for problem in problems[:20])
    more = f"\n  … and {len(problems) - 20} more" if len(problems) > 20 else ""
    fix = "mend the inventory: samdrift check" if problems else "is its code of another time than these packages?"
    what_failed = document["error"] if not problems else f"{len(problems)} problems in its inventory{listed}{more}"
    return CannotRender(masked(str(what_failed)), where=what, fix=fix)
