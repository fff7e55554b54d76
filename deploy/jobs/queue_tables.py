"""`samdrift-queue --state URL`: make the queue's tables, bring them up to date, and give database roles their rights.

procrastinate's own tables and changes of them, in a schema of their own. Each change is one transaction, since some of
them need what another has committed, and notes itself in the schema's comment: what was broken off goes on from there.
Whoever runs it owns the store's tables. A worker's role may take scans and end them, and add to the store what a scan
records: it may neither ask for a scan nor change or remove what is recorded, and reads no other run's record and no
backup. Not here: what stands in the queue (`queue`).
"""

from __future__ import annotations

from collections.abc import Iterable

import click
import psycopg
from procrastinate.schema import SchemaManager, migrations_path
from psycopg import sql

from deploy.jobs.queue import CONNECTION, NEWEST, SCHEMA, conninfo, naming, require_today, revision_of
from deploy.model.kinds import Exit
from deploy.store.place import Database, place_of
from deploy.store.schema import REVISIONS, backups, runs
from inventory.errors import SamdriftError, UsageError

MAKING = 0x73616D04
"""The key of the advisory lock by which whoever makes tables is alone at it."""

ENDED = ("status", "worker_id", "attempts", "scheduled_at", "abort_requested", "priority", "queue_name", "lock")
"""The columns by which a scan is taken and ended; not what is asked for."""

WORKER = (
    "USAGE ON SCHEMA {schema}",
    "SELECT ON {schema}.procrastinate_jobs, {schema}.procrastinate_events, {schema}.procrastinate_workers",
    "UPDATE ({ended}) ON {schema}.procrastinate_jobs",
    "INSERT ON {schema}.procrastinate_events",
    "USAGE ON SEQUENCE {schema}.procrastinate_events_id_seq",
    "INSERT, UPDATE (last_heartbeat), DELETE ON {schema}.procrastinate_workers",
    "SELECT ON alembic_version, applied, begun, hosts, known, links, marks, run_municipalities",
    "SELECT ({listed}) ON runs",
    "SELECT ({listed_backups}) ON backups",
    "INSERT ON backups, hosts, known, links, run_municipalities, runs",
    "UPDATE (looked, given) ON hosts",
    "DELETE ON known",
)
"""What a worker's role may. It notes how hosts were last looked at, and forgets since when findings are known that are
gone: each scan does."""

STATION = (
    "USAGE ON SCHEMA {schema}",
    "SELECT ON {schema}.procrastinate_jobs, {schema}.procrastinate_events",
    "INSERT, DELETE ON {schema}.procrastinate_jobs",
    "USAGE ON SEQUENCE {schema}.procrastinate_jobs_id_seq, {schema}.procrastinate_events_id_seq",
    "INSERT ON {schema}.procrastinate_events",
    "SELECT, UPDATE ON {schema}.procrastinate_periodic_defers",
)
"""What a station's role may in the queue, beside what it may in the store: ask, and forget what was asked long ago."""


def prepare(database: Database, workers: tuple[str, ...], stations: tuple[str, ...]) -> bool:
    """Bring the queue's tables to today's revision, and give roles their rights. Returns whether tables were changed.

    Raises:
        StoreError: the database cannot be used, or its queue is a later samdrift's.
    """
    options = {**CONNECTION, "options": "", "autocommit": True}
    with naming(database), psycopg.connect(conninfo(database), **options) as connection:
        connection.execute("SELECT pg_advisory_lock(%s)", (MAKING,))
        _require_store(connection)
        there = revision_of(connection)
        if there > NEWEST:
            require_today(database, there)
        changes = _changes(there)
        for revision, change in changes:
            _carry_out(connection, revision, change)
        for roles, rights in ((workers, WORKER), (stations, STATION)):
            for role in roles:
                _grant(connection, role, rights)
        return bool(changes)


def _require_store(connection: psycopg.Connection) -> None:
    found = connection.execute("SELECT to_regclass('alembic_version') IS NOT NULL").fetchone()
    row = connection.execute("SELECT version_num FROM alembic_version").fetchone() if found and found[0] else None
    if row is None or row[0] != REVISIONS[-1]:
        raise SamdriftError("the store's own tables are not there, or not today's", fix="samdrift history migrate")


def _changes(there: str) -> tuple[tuple[str, str], ...]:
    """Return what makes tables of a revision today's, each with the revision that it leads to, in order."""
    if not there:
        return ((NEWEST, SchemaManager.get_schema()),)
    later = sorted(file for file in migrations_path.glob("*.sql") if file.stem > there)
    return tuple((file.stem, file.read_text(encoding="utf-8")) for file in later)


def _carry_out(connection: psycopg.Connection, revision: str, change: str) -> None:
    """Carry out procrastinate's own statements in its schema, and note that."""
    schema = sql.Identifier(SCHEMA)
    with connection.transaction():
        connection.execute(sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(schema))
        connection.execute(sql.SQL("SET LOCAL search_path TO {}").format(schema))
        connection.execute(change.encode())
        connection.execute(sql.SQL("COMMENT ON SCHEMA {} IS {}").format(schema, sql.Literal(revision)))


def _grant(connection: psycopg.Connection, role: str, rights: tuple[str, ...]) -> None:
    named = {
        "schema": sql.Identifier(SCHEMA),
        "ended": _columns(ENDED),
        "listed": _columns(c.name for c in runs.columns if c.name != "document"),
        "listed_backups": _columns(c.name for c in backups.columns if c.name != "sealed"),
    }
    to = sql.Identifier(role)
    with connection.transaction():
        for right in rights:
            connection.execute(sql.SQL("GRANT {} TO {}").format(sql.SQL(right).format(**named), to))


def _columns(names: Iterable[str]) -> sql.Composed:
    return sql.SQL(", ").join(map(sql.Identifier, names))


@click.command()
@click.option("--state", "where", metavar="URL", required=True, help="The store: postgresql://USER@HOST/DATABASE")
@click.option("--worker", "workers", metavar="ROLE", multiple=True, help="A database role of workers. Can be repeated.")
@click.option("--station", "stations", metavar="ROLE", multiple=True, help="One of stations. Can be repeated.")
def queue(where: str, workers: tuple[str, ...], stations: tuple[str, ...]) -> int:
    """Make the queue of scans in a store, or bring it up to date; let these roles use it."""
    place = place_of(where)
    if not isinstance(place, Database):
        raise UsageError("scans are queued in PostgreSQL alone", where="--state", fix="postgresql://USER@HOST/DATABASE")
    done = "made" if prepare(place, workers, stations) else "there, and today's"
    click.echo(f"The queue's tables are {done}: revision {NEWEST}.", err=True)
    for role in (*workers, *stations):
        click.echo(f"Role {role} may use them.", err=True)
    return Exit.OK
