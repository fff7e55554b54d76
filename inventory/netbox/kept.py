"""The rows of the last pull, kept in a file for the next. Whatever is wrong with the file, the next pull is in full.

The file is a line of what it is, and a line of rows. It holds what NetBox holds, so it is its owner's alone.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from inventory.errors import SamdriftError
from inventory.netbox.client import NetBox
from inventory.netbox.read_types import CONTEXTS, PATHS, READ_TYPES
from inventory.netbox.rows import Mark, Rows
from inventory.scope import Scope
from inventory.whole_file import put_in_place

FORMAT = hashlib.sha256(repr(("3", READ_TYPES, PATHS)).encode()).hexdigest()
"""Other fields, another format: what was kept before is of no use then."""

HOST_KINDS = ("devices", "virtual_machines")


class Unusable(Exception):
    """What was kept cannot be used; says why."""


def load(path: Path, netbox: NetBox, scope: Scope) -> Rows | None:
    """Load what was kept of this NetBox for this scope, as this token saw it; None if nothing was.

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
        if document["digest"] != hashlib.sha256(body).hexdigest():
            raise Unusable("what was kept is damaged")
        return _rows(json.loads(body))
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
    body = json.dumps(_document(rows), ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")
    document = {"format": FORMAT, "netbox": netbox.identity, "scope": _text(scope)}
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
    numbers: dict[str, int] = {}
    of: dict[str, list[Any]] = {}
    for kind, found in rows.of.items():
        of[kind] = list(found.values())
        if kind in HOST_KINDS:
            of[kind] = [row | {CONTEXTS: _number(numbers, row[CONTEXTS])} for row in of[kind]]
    mark = rows.mark
    return {
        "mark": [mark.id, mark.time, mark.request, mark.missing, mark.version],
        "contexts": [json.loads(text) for text in numbers],
        "rows": of,
    }


def _number(numbers: dict[str, int], context: Any) -> int:
    return numbers.setdefault(json.dumps(context), len(numbers))


def _rows(document: dict[str, Any]) -> Rows:
    """Return the rows of a document; hosts with one merged context share the object, which nothing changes."""
    shared = document["contexts"]
    of = {}
    for kind in (*READ_TYPES, PATHS):
        found = document["rows"][kind.name]
        if kind.name in HOST_KINDS:
            for row in found:
                row[CONTEXTS] = shared[row[CONTEXTS]]
        of[kind.name] = {row["id"]: row for row in found}
    number, time, request, missing, version = document["mark"]
    return Rows(of, Mark(number, time, request, tuple(missing), version))
