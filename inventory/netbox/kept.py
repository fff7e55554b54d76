"""The rows of the last pull, kept in a file for the next. Whatever is wrong with the file, the next pull is in full.

The file is a line of what it is, and as of which mark in the change log, and a line of rows. It holds what NetBox
holds, so it is its owner's alone.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from pydantic_core import from_json, to_json

from inventory.errors import SamdriftError
from inventory.netbox.client import NetBox
from inventory.netbox.read_types import CONTEXTS, PATHS, READ_TYPES
from inventory.netbox.rows import Mark, Rows
from inventory.netbox.session import Row
from inventory.scope import Scope
from inventory.whole_file import put_in_place

FORMAT = hashlib.sha256(repr(("4", READ_TYPES, PATHS)).encode()).hexdigest()
"""Other fields, another format: what was kept before is of no use then."""

HOST_KINDS = ("devices", "virtual_machines")


class Unusable(Exception):
    """What was kept cannot be used; says why."""


def load(path: Path, netbox: NetBox, scope: Scope, found: Callable[[Mark], object] = lambda _: None) -> Rows | None:
    """Load what was kept of this NetBox for this scope, as this token saw it; None if nothing was.

    Args:
        found: told as of which mark the rows are, before they are loaded.

    Raises:
        Unusable: it is damaged, or of another NetBox, token, scope or version of samdrift.
    """
    try:
        head, _, body = path.read_bytes().partition(b"\n")
        document = json.loads(head)
        if document["format"] != FORMAT:
            raise Unusable("what was kept is of another version of samdrift")
        if document["netbox"] != netbox.identity:
            raise Unusable("what was kept is of another NetBox or token")
        if document["scope"] != _text(scope):
            raise Unusable("what was kept is of another scope (inventory/scope.yaml)")
        number, time, request, missing, version = document["mark"]
        found(mark := Mark(number, time, request, tuple(missing), version))
        if document["digest"] != hashlib.sha256(body).hexdigest():
            raise Unusable("what was kept is damaged")
        return Rows(_rows(_parsed(body)), mark)
    except FileNotFoundError:
        return None
    except OSError as e:
        raise Unusable(f"what was kept cannot be read ({e.strerror})") from None
    except (ValueError, LookupError, TypeError, AttributeError):
        raise Unusable("what was kept is damaged") from None


def save(path: Path, rows: Rows, netbox: NetBox, scope: Scope) -> None:
    """Keep these rows, whole or not at all.

    Raises:
        SamdriftError: the file cannot be written.
    """
    body = _written(_document(rows))
    mark = rows.mark
    document = {
        "format": FORMAT,
        "netbox": netbox.identity,
        "scope": _text(scope),
        "mark": [mark.id, mark.time, mark.request, mark.missing, mark.version],
    }
    document["digest"] = hashlib.sha256(body).hexdigest()
    try:
        put_in_place(path, json.dumps(document).encode() + b"\n" + body, durable=False)
    except OSError as e:
        what = f"what NetBox said cannot be kept: {e.strerror}"
        raise SamdriftError(what, where=str(path), fix="run as its owner, or choose another --state") from e


def _text(scope: Scope) -> str:
    return scope.model_dump_json(by_alias=True)


def _document(rows: Rows) -> dict[str, Any]:
    """Return the rows as a document, with each merged config context once: most hosts share theirs with others."""
    contexts = _Contexts()
    of: dict[str, list[Any]] = {}
    for kind, found in rows.of.items():
        of[kind] = list(found.values())
        if kind in HOST_KINDS:
            of[kind] = [row | {CONTEXTS: contexts.number(row[CONTEXTS])} for row in of[kind]]
    return {"contexts": contexts.different, "rows": of}


class _Contexts:
    """The different ones among merged config contexts.

    Attributes:
        different: each of them once, in the order of their numbers.
    """

    def __init__(self) -> None:
        self.different: list[Any] = []
        self._numbers: dict[bytes, int] = {}
        self._seen: dict[int, int] = {}  # by identity: most were loaded, and share the object already

    def number(self, context: Any) -> int:
        """Return the number of a context, a new one if none before was the same."""
        if id(context) not in self._seen:
            self._seen[id(context)] = number = self._numbers.setdefault(_written(context), len(self._numbers))
            if number == len(self.different):
                self.different.append(context)
        return self._seen[id(context)]


def _rows(document: dict[str, Any]) -> Mapping[str, Mapping[int, Row]]:
    """Return the rows of a document, by kind and id; hosts with one merged context share the object, which nothing
    changes.
    """
    shared = document["contexts"]
    of = {}
    for kind in (*READ_TYPES, PATHS):
        found = document["rows"][kind.name]
        if kind.name in HOST_KINDS:
            for row in found:
                row[CONTEXTS] = shared[row[CONTEXTS]]
        of[kind.name] = {row["id"]: row for row in found}
    return of


# JSON, by pydantic's writer and reader, which are several times faster than Python's own. These take what those do not.


def _written(value: Any) -> bytes:
    try:
        return to_json(value)
    except ValueError:  # a text that is no Unicode, or a context that is very deep
        return json.dumps(value, separators=(",", ":")).encode()


def _parsed(text: bytes) -> Any:
    try:
        return from_json(text)
    except ValueError:  # such a one
        return json.loads(text)
