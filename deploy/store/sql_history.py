"""The history in a database, SQLite's or PostgreSQL's: records, the links of their chain, which tell most of a host.

What it promises: `ports.History`; what it keeps: `schema`. Not here: what breaks a chain (`model.chain`), how links are
added (`links`), and the other stores (`sql`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator, Sequence
from typing import Any

from pydantic import TypeAdapter, ValidationError
from sqlalchemy import ColumnElement, Connection, Row, delete, insert, select, update

from deploy.model.chain import Entry, Event, Head, Kept, Link
from deploy.model.outline import Outline
from deploy.model.record import BegunStep, Record, Summary, summary_of
from deploy.model.step_id import StepId
from deploy.store import schema
from deploy.store.database import Database
from deploy.store.documents import Document, document_of, kept_as, opened
from deploy.store.links import add_links, chain_name, links
from deploy.store.ports import StoreError, Witness
from deploy.store.sql import in_lots, remember

_RECORD, _OUTLINE = TypeAdapter(Record), TypeAdapter(Outline)

PAGE = 20
"""How many lines of a list are read at once."""

NOT_LOOKED = frozenset({"unknown", "skipped"})
"""Outcomes of hosts that a run could not look at."""

_LISTED = select(*(column for column in schema.runs.c if column.name not in Document._fields))
"""What a list says of a run."""


class SqlHistory:
    """A row for each record, with what a list says of it; a link for each change; and for each host, which records tell
    most of it.
    """

    def __init__(self, database: Database, witness: Witness) -> None:
        self._database, self._witness = database, witness

    def save(self, record: Record) -> None:
        """Keep a record: of a run that has ended, or of one that is about to change hosts."""
        self.put(record, _RECORD.dump_json(record), Event.KEPT if record.ended else Event.BEGUN)

    def put(self, record: Record, text: bytes, event: Event) -> None:
        """Keep a record that is written as this JSON already.

        Raises:
            StoreError: there is a record of this id, or it cannot be written.
        """
        if event is Event.BEGUN:
            self._database.require_room()
        with self._database.writing() as connection:
            if connection.scalar(select(schema.runs.c.id).where(schema.runs.c.id == record.id)):
                raise StoreError("there is a record of this id already", where=self._where(record.id))
            kept = kept_as(text)
            connection.execute(insert(schema.runs).values(**_listed(record), **kept))
            _note_municipalities(connection, record)
            _note_hosts(connection, record)
            if event is not Event.TAKEN_OVER:  # whose steps may be older than what is there
                remember(connection, record)
            head = self._link(connection, event, record, kept["digest"])
        self._witness.tell(head)

    def proceed(self, record_id: str, steps: Sequence[BegunStep]) -> None:
        """Note that a run that has not ended is about to carry out these steps."""
        entries = [Entry(event=Event.STEP, record=record_id, at=s.at, host=s.host, step=s.step) for s in steps]
        with self._database.writing() as connection:
            head = self._head(connection, add_links(connection, entries))
        self._witness.tell(head)

    def progress(self, record_id: str) -> tuple[BegunStep, ...]:
        """Return the steps that a run began."""
        of_record = (link.entry for link in links(self._database, record_id) if link.entry.event == Event.STEP)
        return tuple(BegunStep(at=e.at, host=e.host, step=StepId.read(e.step)) for e in of_record)

    def end(self, record: Record) -> None:
        """Replace the record of a run that had not ended by this one, which has."""
        table, kept = schema.runs, kept_as(_RECORD.dump_json(record))
        of_it = update(table).where(table.c.id == record.id, table.c.ended.is_(False))
        with self._database.writing() as connection:
            if not connection.execute(of_it.values(**_listed(record), **kept)).rowcount:
                raise StoreError("there is no such run that has not ended", where=self._where(record.id))
            connection.execute(delete(schema.run_municipalities).where(schema.run_municipalities.c.run == record.id))
            _note_municipalities(connection, record)
            _note_hosts(connection, record)
            remember(connection, record)
            head = self._link(connection, Event.ENDED, record, kept["digest"])
        self._witness.tell(head)

    def _link(self, connection: Connection, event: Event, record: Record, digest: str) -> Head:
        entry = Entry(
            event=event, at=record.finished if record.ended else record.started, record=record.id, digest=digest
        )
        return self._head(connection, add_links(connection, [entry]), record.who, record.reason)

    def _head(self, connection: Connection, last: Link, who: str = "", reason: str = "") -> Head:
        return Head(
            chain=chain_name(connection),
            number=last.number,
            hash=last.hash,
            event=last.entry.event,
            record=last.entry.record,
            place=self._database.where,
            who=who,
            reason=reason,
        )

    def not_ended(self) -> tuple[Summary, ...]:
        """Return the runs that are at work or ended without a word, newest first."""
        table = schema.runs.c
        return tuple(map(_summary, self._read(_LISTED.where(table.ended.is_(False)).order_by(table.id.desc()))))

    def emergencies(self) -> tuple[Summary, ...]:
        """Return the emergencies that are not signed off."""
        return tuple(map(_summary, self._read(_LISTED.where(open_emergency()).order_by(schema.runs.c.id.desc()))))

    def sign_offs(self, record_id: str) -> tuple[Summary, ...]:
        """Return the sign-offs of an emergency."""
        table = schema.runs.c
        return tuple(map(_summary, self._read(_LISTED.where(table.signs_off == record_id).order_by(table.id.desc()))))

    def chain(self) -> str:
        """Return the name of the chain."""
        with self._database.reading() as connection:
            return chain_name(connection)

    def links(self) -> Iterator[Link]:
        """Yield the links of the chain."""
        return links(self._database)

    def kept(self) -> Iterator[Kept]:
        """Yield every record as it is kept."""
        table, after = schema.runs.c, ""
        asked = select(schema.runs).order_by(table.id).limit(PAGE)
        while page := self._read(asked.where(table.id > after)):
            yield from map(_kept, page)
            after = page[-1].id

    def runs(self, commands: Collection[str] = ()) -> Iterator[Summary]:
        """Yield what a list says of each run, newest first."""
        table = schema.runs.c
        asked = _LISTED.order_by(table.id.desc()).limit(PAGE)
        if commands:
            asked = asked.where(table.command.in_(sorted(commands)))
        page = self._read(asked)
        while page:
            yield from map(_summary, page)
            page = self._read(asked.where(table.id < page[-1].id)) if len(page) == PAGE else []

    def fault(self, record_id: str) -> str:
        """Return what is wrong with a record, without reading what it says."""
        return document_of(self._row(record_id)).fault

    def record(self, record_id: str) -> Record:
        """Return the record of this id."""
        return opened(document_of(self._row(record_id)), _RECORD, self._where(record_id))

    def outline(self, record_id: str) -> Outline:
        """Return the outline of the record of this id."""
        return opened(document_of(self._row(record_id)), _OUTLINE, self._where(record_id))

    def latest(self, command: str) -> Record | None:
        """Return the newest record of a command."""
        newest = next(self.runs((command,)), None)
        return None if newest is None else self.record(newest.id)

    def about(self, hosts: Collection[str]) -> tuple[Summary, ...]:
        """Return the runs in which each host was last looked at, and last given its steps, newest first."""
        table = schema.hosts.c
        asked = select(table.looked, table.given)
        with self._database.reading() as connection:
            of_hosts = [row for some in in_lots(hosts) for row in connection.execute(asked.where(table.host.in_(some)))]
            ids = {record_id for row in of_hosts for record_id in row}
            rows = [
                row for some in in_lots(ids) for row in connection.execute(_LISTED.where(schema.runs.c.id.in_(some)))
            ]
        return tuple(sorted(map(_summary, rows), key=lambda run: run.id, reverse=True))

    def _row(self, record_id: str) -> Row[Any]:
        table = schema.runs.c
        found = self._read(select(table.version, table.digest, table.document).where(table.id == record_id))
        if not found:
            raise StoreError(
                f"there is no record {record_id!r}", where=self._database.where, fix="see: samdrift history"
            )
        return found[0]

    def _read(self, asked: Any) -> list[Row[Any]]:
        with self._database.reading() as connection:
            return list(connection.execute(asked))

    def _where(self, record_id: str) -> str:
        return f"{self._database.where}, record {record_id}"


def open_emergency() -> ColumnElement[bool]:
    """Return the condition of a run that is an emergency which nobody has signed off for all."""
    runs = schema.runs.c
    return runs.emergency.is_(True) & runs.id.not_in(select(runs.signs_off).where(runs.closes.is_(True)))


def _summary(row: Row[Any]) -> Summary:
    values = dict(row._mapping)
    try:
        return Summary(limit=values.pop("limited_to"), fleet_source=values.pop("source"), **values)
    except ValidationError as e:
        where, fix = f"record {row.id}", "restore the database from a backup"
        raise StoreError(f"its row is damaged: {e.errors()[0]['msg']}", where=where, fix=fix) from e


def _listed(record: Record) -> dict[str, Any]:
    """Return the columns of what a list says of a record."""
    row = summary_of(record).model_dump(exclude={"limit", "fleet_source"})
    return row | {"limited_to": record.limit, "source": record.fleet_source}


def _kept(row: Row[Any]) -> Kept:
    """Return how a record is kept: by what its document says, whatever else its row does."""
    document = document_of(row)
    try:
        as_listed = opened(document, _RECORD, row.id)
        same = all(getattr(row, column) == value for column, value in _listed(as_listed).items())
    except StoreError:
        same = True  # its digest tells
    return Kept(record=row.id, digest=hashlib.sha256(document.document).hexdigest(), as_listed=same)


def _note_municipalities(connection: Connection, record: Record) -> None:
    about = {h.municipality for h in record.hosts} | {f.municipality for f in record.findings} or {""}
    rows = [{"run": record.id, "municipality": m} for m in sorted(about)]
    connection.execute(insert(schema.run_municipalities), rows)


def _note_hosts(connection: Connection, record: Record) -> None:
    """Note of the hosts of a record that it is the latest that looked at them, or gave them steps, if it is."""
    table = schema.hosts
    looked = {h.host for h in record.hosts if h.outcome not in NOT_LOOKED}
    given = {h.host for h in record.hosts if h.steps}
    for some in in_lots(looked | given):
        there = set(connection.scalars(select(table.c.host).where(table.c.host.in_(some))))
        if new := [{"host": host, "looked": "", "given": ""} for host in some if host not in there]:
            connection.execute(insert(table), new)
        for column, hosts in ((table.c.looked, looked), (table.c.given, given)):
            earlier = table.c.host.in_([h for h in some if h in hosts]) & (column < record.id)
            connection.execute(update(table).where(earlier).values({column: record.id}))
