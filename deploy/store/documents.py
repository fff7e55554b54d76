"""Documents: values as they are kept in a column, JSON that is compressed, with its version and its digest.

The digest tells a damaged one without reading what it says. Not here: the tables that they are kept in (`schema`).
"""

from __future__ import annotations

import hashlib
import zlib
from typing import Any, NamedTuple, TypeVar

from pydantic import TypeAdapter, ValidationError
from sqlalchemy import Row

from deploy.store.ports import Damaged

T = TypeVar("T")

VERSION = 1
"""How documents are written today: a field that was added with a default is no new version."""


class Document(NamedTuple):
    """A value as it is kept. The names are those of the columns."""

    version: int
    digest: str
    document: bytes

    @property
    def fault(self) -> str:
        """Return what is wrong with it; empty if it is as it was kept."""
        if self.version != VERSION:
            return f"it is of version {self.version}, which this samdrift does not know"
        if hashlib.sha256(self.document).hexdigest() != self.digest:
            return "it is damaged: it is not what its digest says"
        return ""


def kept_as(text: bytes) -> dict[str, Any]:
    """Return the columns of a value that is written as this JSON."""
    packed = zlib.compress(text)
    return Document(VERSION, hashlib.sha256(packed).hexdigest(), packed)._asdict()


def document_of(row: Row[Any]) -> Document:
    """Return the document of a row, whatever else it has."""
    return Document(row.version, row.digest, row.document)


def opened(kept: Document, shape: TypeAdapter[T], where: str) -> T:
    """Read a value.

    Raises:
        Damaged: it is damaged.
    """
    fix = "restore the database from a backup, or do without: samdrift history"
    if kept.fault:
        raise Damaged(kept.fault, where=where, fix=fix)
    try:
        return shape.validate_json(zlib.decompress(kept.document))
    except ValidationError as e:
        fault = e.errors()[0]
        place = ".".join(map(str, fault["loc"]))
        if fault["type"] == "extra_forbidden":  # fields may come without a new version
            raise Damaged(f"a later samdrift wrote it: {place}", where=where, fix="use that samdrift") from e
        raise Damaged(f"it is damaged: {place + ': ' if place else ''}{fault['msg']}", where=where, fix=fix) from e
    except zlib.error as e:
        raise Damaged(f"it is damaged: {e}", where=where, fix=fix) from e
