"""The stores in a database, SQLite's or PostgreSQL's. What each promises: `ports`; what it keeps: `schema`.

Not here: the history (`sql_history`), the lock (`locks`), and what is taken out again (`pruning`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeVar

from pydantic import TypeAdapter
from sqlalchemy import ColumnElement, Connection, Row, delete, insert, select

from deploy.model.backup import Backup
from deploy.model.findings import Finding, Kind
from deploy.model.record import AppliedStep, Record
from deploy.model.step_id import StepId
from deploy.store import schema
from deploy.store.database import Database
from deploy.store.documents import document_of, kept_as, opened

T = TypeVar("T")

_STEPS = TypeAdapter(dict[StepId, AppliedStep])

AT_ONCE = 500
"""How many values a question names at once; databases have limits."""

REMEMBERED = "remembered"
"""The mark of the record that was remembered last."""


class SqlApplied:
    """A row for each host, and the mark of the latest record that all these are of."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def last_applied(self, host: str) -> Mapping[StepId, AppliedStep]:
        """Return a host's steps as last applied."""
        with self._database.reading() as connection:
            row = connection.execute(select(schema.applied).where(schema.applied.c.host == host)).first()
        if row is None:
            return {}
        steps: dict[StepId, AppliedStep] = opened(
            document_of(row), _STEPS, f"{self._database.where}, applied to {host}"
        )
        return steps

    def remember(self, record: Record) -> None:
        """Keep the steps of every host that has any in this record, and the record's id, at once."""
        with self._database.writing() as connection:
            remember(connection, record)

    def forget(self, host: str) -> None:
        """Keep nothing of a host."""
        with self._database.writing() as connection:
            connection.execute(delete(schema.applied).where(schema.applied.c.host == host))

    def remembered(self) -> str:
        """Return the highest id of a record that was remembered whole."""
        with self._database.reading() as connection:
            return marked(connection, REMEMBERED)


def remember(connection: Connection, record: Record) -> None:
    """Keep the steps of every host that has any in a record, and the record's id if it has any at all.

    Also done where the record is kept, in the same transaction: of two runs that go on side by side, none is then
    forgotten that ends between the two.
    """
    given = [host for host in record.hosts if host.steps]
    for host in given:
        connection.execute(delete(schema.applied).where(schema.applied.c.host == host.host))
        connection.execute(insert(schema.applied).values(host=host.host, **kept_as(_STEPS.dump_json(host.steps))))
    if given and record.id > marked(connection, REMEMBERED):
        mark(connection, REMEMBERED, record.id)


class SqlKnown:
    """A row for each finding that is open."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def date(self, findings: Iterable[Finding], *, at: str, looked_at: Iterable[str] = ()) -> tuple[Finding, ...]:
        """Return the findings, each with its `first_seen`."""
        findings, table = tuple(findings), schema.known.c
        current = {f.fingerprint: f.host for f in findings}
        seen = set(looked_at) - {f.host for f in findings if f.kind is Kind.UNKNOWN}
        with self._database.writing() as connection:
            rows = [r for some in in_lots(current) for r in _known(connection, table.fingerprint.in_(some))]
            known = {row.fingerprint: row.first_seen for row in rows}
            of_seen = [r.fingerprint for some in in_lots(seen) for r in _known(connection, table.host.in_(some))]
            for some in in_lots(set(of_seen) - current.keys()):
                connection.execute(delete(schema.known).where(table.fingerprint.in_(some)))
            if new := {key: host for key, host in current.items() if key not in known}:
                rows_of_new = [{"fingerprint": k, "host": host, "first_seen": at} for k, host in new.items()]
                connection.execute(insert(schema.known), rows_of_new)
        return tuple(f.model_copy(update={"first_seen": known.get(f.fingerprint, at)}) for f in findings)


def _known(connection: Connection, condition: ColumnElement[bool]) -> Iterable[Row[Any]]:
    return connection.execute(select(schema.known).where(condition))


class SqlJournal:
    """A row for each host, of the plan that began to change it last."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def begun(self, plan_digest: str) -> tuple[str, ...]:
        """Return the hosts that runs of this plan began to change."""
        with self._database.reading() as connection:
            return _begun(connection, plan_digest)

    def begin(self, plan_digest: str, host: str) -> None:
        """Note that this plan is about to change a host."""
        with self._database.writing() as connection:
            others = (schema.begun.c.plan != plan_digest) & (schema.begun.c.host == host)
            connection.execute(delete(schema.begun).where(others))
            if host not in _begun(connection, plan_digest):
                connection.execute(insert(schema.begun).values(plan=plan_digest, host=host))


def _begun(connection: Connection, plan_digest: str) -> tuple[str, ...]:
    table = schema.begun.c
    return tuple(connection.scalars(select(table.host).where(table.plan == plan_digest).order_by(table.number)))


class SqlBackups:
    """A row for each configuration that a host had."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def keep(self, backup: Backup) -> bool:
        """Keep a backup, unless the newest of its host and kind has the same digest."""
        with self._database.writing() as connection:
            if _newest_digest(connection, backup.host, backup.what) == backup.digest:
                return False
            row = backup.model_dump() | {"sealed": backup.sealed.encode()}
            connection.execute(insert(schema.backups).values(**row))
            return True

    def newest(self, host: str, what: str) -> str:
        """Return the digest of the newest backup of a host and kind."""
        with self._database.reading() as connection:
            return _newest_digest(connection, host, what)

    def of(self, host: str) -> tuple[Backup, ...]:
        """Return a host's backups, newest first."""
        table = schema.backups.c
        asked = select(schema.backups).where(table.host == host).order_by(table.taken.desc(), table.number.desc())
        with self._database.reading() as connection:
            rows = [dict(row._mapping) for row in connection.execute(asked)]
        return tuple(
            Backup(**{k: v for k, v in row.items() if k not in {"number", "sealed"}}, sealed=_text(row["sealed"]))
            for row in rows
        )


def _text(sealed: bytes) -> str:
    return sealed.decode(errors="replace")


def _newest_digest(connection: Connection, host: str, what: str) -> str:
    table = schema.backups.c
    asked = select(table.digest).where(table.host == host, table.what == what)
    return connection.scalar(asked.order_by(table.taken.desc(), table.number.desc()).limit(1)) or ""


def marked(connection: Connection, name: str) -> str:
    """Return what is marked by a name; empty if nothing is."""
    return connection.scalar(select(schema.marks.c.value).where(schema.marks.c.name == name)) or ""


def mark(connection: Connection, name: str, value: str) -> None:
    """Mark something by a name, in place of what was."""
    connection.execute(delete(schema.marks).where(schema.marks.c.name == name))
    if value:
        connection.execute(insert(schema.marks).values(name=name, value=value))


def in_lots(values: Iterable[T]) -> Iterator[list[T]]:
    """Yield values in lots that a question can name."""
    every = list(values)
    for start in range(0, len(every), AT_ONCE):
        yield every[start : start + AT_ONCE]
