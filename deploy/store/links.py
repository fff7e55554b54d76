"""The links of the chain in a database: added while something is recorded, in the same transaction.

Not here: what a chain is, and what breaks it (`model.chain`).
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select

from deploy.model.chain import Entry, Link, hash_of
from deploy.store import schema
from deploy.store.database import Database

CHAIN = "chain"
"""The mark of the chain's name."""

PAGE = 1000


def add_links(connection: Connection, entries: Sequence[Entry]) -> Link:
    """Add links for these entries. Returns the last. Call it in a transaction that writes."""
    table = schema.links
    newest = connection.execute(select(table.c.number, table.c.hash).order_by(table.c.number.desc()).limit(1)).first()
    number, previous = (newest.number, newest.hash) if newest else (0, _name(connection))
    added = []
    for entry in entries:
        number, previous = number + 1, hash_of(previous, entry)
        added.append(Link(number=number, entry=entry, hash=previous))
    rows = [{"number": link.number, "hash": link.hash, **link.entry.model_dump()} for link in added]
    connection.execute(insert(table), rows)
    return added[-1]


def chain_name(connection: Connection) -> str:
    """Return what the chain is called; empty before its first link."""
    return connection.scalar(select(schema.marks.c.value).where(schema.marks.c.name == CHAIN)) or ""


def _name(connection: Connection) -> str:
    """Name the chain, before its first link."""
    connection.execute(delete(schema.marks).where(schema.marks.c.name == CHAIN))
    name = secrets.token_hex(8)
    connection.execute(insert(schema.marks).values(name=CHAIN, value=name))
    return name


def links(database: Database, record_id: str | None = None) -> Iterator[Link]:
    """Yield the links of the chain (of a record: its own) in order."""
    table = schema.links
    asked = select(table).order_by(table.c.number).limit(PAGE)
    if record_id is not None:
        asked = asked.where(table.c.record == record_id)
    after = 0
    while True:
        with database.reading() as connection:
            page = list(connection.execute(asked.where(table.c.number > after)))
        yield from map(_link, page)
        if len(page) < PAGE:
            return
        after = page[-1].number


def _link(row: Row[Any]) -> Link:
    columns = dict(row._mapping)
    return Link(number=columns.pop("number"), hash=columns.pop("hash"), entry=Entry.model_construct(**columns))
