"""Retention: which records and backups are old enough to go, and removing them.

Kept whatever their age: of each host the record in which it was last looked at, and the one that last gave it its
steps; the record that found an open finding first; the latest of each command; every record of a pruning; emergencies
that nobody has signed off, and sign-offs as long as their emergencies; and of each host and kind the configuration that
it had at the time until which is pruned. Steps as last applied are no records: they all stay.

Records go in small lots, so that runs which write meanwhile wait for none of it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeVar

from sqlalchemy import ColumnElement, Connection, and_, delete, func, or_, select

from deploy.model.chain import Entry, Event
from deploy.model.record import Removed
from deploy.store import schema
from deploy.store.database import Database
from deploy.store.links import add_links
from deploy.store.ports import History, readable
from deploy.store.sql_history import open_emergency

T = TypeVar("T")

PRUNE = "prune"
"""The command of a record that says what was pruned."""

LOT = 100
"""How many records or backups go in one transaction."""


@dataclass(frozen=True)
class Selection:
    """What is old enough to go, and how much is kept though it is as old."""

    records: tuple[str, ...]
    backups: tuple[int, ...]
    kept: int
    removed: tuple[Removed, ...]
    """The same, as it is told."""


def select_older(database: Database, history: History, before: str) -> Selection:
    """Select what was made before a time, ISO 8601, and is not needed."""
    since = _dates_of_check(history)
    with database.reading() as connection:
        old = schema.runs.c.started < before
        going = and_(old, ~or_(*_needed(since)))
        records = tuple(connection.scalars(select(schema.runs.c.id).where(going).order_by(schema.runs.c.id)))
        count = connection.scalar(select(func.count()).select_from(schema.runs).where(old)) or 0
        backups = _superseded(connection, before)
        removed = (*_told_of_records(connection, going), *_told_of_backups(connection, backups))
    return Selection(records, backups, count - len(records), removed)


def remove(database: Database, selection: Selection, at: str) -> None:
    """Remove what was selected. The chain of the history keeps what each record's digest was."""
    for lot in _lots(selection.records):
        with database.writing() as connection:
            rows = connection.execute(select(schema.runs.c.id, schema.runs.c.digest).where(schema.runs.c.id.in_(lot)))
            gone = [Entry(event=Event.PRUNED, at=at, record=row.id, digest=row.digest) for row in rows]
            if gone:
                add_links(connection, gone)
            connection.execute(delete(schema.runs).where(schema.runs.c.id.in_(lot)))
    for numbers in _lots(selection.backups):
        with database.writing() as connection:
            connection.execute(delete(schema.backups).where(schema.backups.c.number.in_(numbers)))


def _needed(since: Iterable[str]) -> list[ColumnElement[bool]]:
    runs, hosts = schema.runs.c, schema.hosts.c
    latest = select(func.max(runs.id)).group_by(runs.command)
    return [
        runs.id.in_(select(hosts.looked)),
        runs.id.in_(select(hosts.given)),
        runs.started.in_(select(schema.known.c.first_seen)),
        runs.started.in_(sorted(since)),
        runs.id.in_(latest),
        runs.command == PRUNE,
        open_emergency(),
        runs.signs_off.in_(select(runs.id).where(runs.emergency.is_(True))),
    ]


def _dates_of_check(history: History) -> set[str]:
    """Return since when the findings of the latest check are known; it stands for itself, in no other store."""
    check = next(readable(history, history.runs(("check",)), []), None)
    return {f.first_seen for f in check.findings if f.first_seen} if check else set()


def _superseded(connection: Connection, before: str) -> tuple[int, ...]:
    """Return the backups after which there is another of the same host and kind that is old enough, too."""
    table = schema.backups.c
    newest_first = (table.taken.desc(), table.number.desc())
    place = func.row_number().over(partition_by=(table.host, table.what), order_by=newest_first).label("place")
    old = select(table.number, place).where(table.taken < before).subquery()
    return tuple(connection.scalars(select(old.c.number).where(old.c.place > 1).order_by(old.c.number)))


def _told_of_records(connection: Connection, going: ColumnElement[bool]) -> Iterable[Removed]:
    runs, whose = schema.runs.c, schema.run_municipalities.c
    kind = (runs.command, whose.municipality)
    asked = select(*kind, func.count(), func.min(runs.started), func.max(runs.started))
    joined = schema.runs.join(schema.run_municipalities, whose.run == runs.id)
    for command, municipality, count, first, last in connection.execute(
        asked.select_from(joined).where(going).group_by(*kind).order_by(*kind)
    ):
        yield Removed(kind=f"{command} records", municipality=municipality, count=count, first=first, last=last)


def _told_of_backups(connection: Connection, numbers: tuple[int, ...]) -> Iterable[Removed]:
    table, going = schema.backups.c, dict[str, list[str]]()
    for lot in _lots(numbers):
        for row in connection.execute(select(table.municipality, table.taken).where(table.number.in_(lot))):
            going.setdefault(row.municipality, []).append(row.taken)
    for municipality, taken in sorted(going.items()):
        yield Removed(kind="backups", municipality=municipality, count=len(taken), first=min(taken), last=max(taken))


def _lots(values: tuple[T, ...]) -> Iterable[tuple[T, ...]]:
    for start in range(0, len(values), LOT):
        yield values[start : start + LOT]
