"""The queue of scans in the store's database: a queue a municipality, which procrastinate keeps in a schema of its own.

What stands there is the journal of the scans, too: a row for each, also once it has ended. Stations take turns at a
municipality's, so that none of them puts in what another just did. Not here: what is due (`given`), who carries it out
(`worker`), and how the tables come to be (`queue_tables`).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, time
from typing import Any

import psycopg
from procrastinate import SyncPsycopgConnector
from procrastinate.exceptions import AlreadyEnqueued, ConnectorException
from procrastinate.jobs import Job
from procrastinate.manager import JobManager
from procrastinate.schema import migrations_path
from pydantic import TypeAdapter, ValidationError

from deploy.jobs.given import Given, Queueing, require_one_time, to_queue
from deploy.jobs.journal import KEPT
from deploy.jobs.schedule import Moment, now
from deploy.store.database import ALIVE, WAIT
from deploy.store.place import Database
from deploy.store.ports import StoreError
from inventory.frozen import Frozen

SCHEMA = "queue"
"""The PostgreSQL schema of procrastinate's tables, beside the store's own."""
TASK = "scan"
TURNS = 0x73616D03
"""The first half of the key of the advisory lock by which stations take turns; the second is the municipality's."""
PREPARE = "samdrift-queue --state {where}"

NEWEST = max(file.stem for file in migrations_path.glob("*.sql"))
"""The revision of the tables that this samdrift's procrastinate is for: its own newest change of them."""

CONNECTION: dict[str, Any] = {
    "application_name": "samdrift-queue",
    "connect_timeout": WAIT,
    "options": f"-c search_path={SCHEMA} -c lock_timeout={WAIT}s",
    "tcp_user_timeout": 30_000,  # or a network that loses what is sent holds a worker for a quarter of an hour
    **ALIVE,
}

_IN_QUEUE = """
SELECT job.args, job.status::text, job.attempts,
       (SELECT max(event.at) FROM procrastinate_events event WHERE event.job_id = job.id AND event.type = 'started')
  FROM procrastinate_jobs job
 WHERE job.queue_name = %s AND job.task_name = %s
 ORDER BY job.id DESC LIMIT %s
"""
_FORGET = """
DELETE FROM procrastinate_jobs
 WHERE queue_name = %(queue)s AND status NOT IN ('todo', 'doing') AND id NOT IN
       (SELECT id FROM procrastinate_jobs WHERE queue_name = %(queue)s ORDER BY id DESC LIMIT %(kept)s)
"""


class Asked(Frozen):
    """What a job in the queue says: values alone, and never what is to be run."""

    municipality: str
    day: date
    queued: Moment


_ASKED = TypeAdapter(Asked)


def conninfo(database: Database) -> str:
    """Return a database's URL as libpq takes it."""
    return str(database).replace("postgresql+psycopg:", "postgresql:", 1)


@contextmanager
def connected(database: Database) -> Iterator[psycopg.Connection]:
    """Connect to the queue; what is done there in the context is kept as a whole when it ends, or not at all.

    Raises:
        StoreError: it cannot be used, or its tables are not today's.
    """
    with naming(database), psycopg.connect(conninfo(database), **CONNECTION) as connection:
        require_today(database, revision_of(connection))
        yield connection


@contextmanager
def naming(database: Database) -> Iterator[None]:
    """Raise a StoreError that names the database, instead of an error of its driver."""
    try:
        yield
    except (psycopg.Error, ConnectorException) as e:
        cause = e.__cause__ or e
        what = " ".join(str(cause).split()) or type(cause).__name__
        fix = "see that the database answers; nothing is lost meanwhile"
        raise StoreError(f"the queue cannot be used: {what}", where=str(database), fix=fix) from e


def revision_of(connection: psycopg.Connection) -> str:
    """Return the revision of the queue's tables; empty if there are none."""
    row = connection.execute("SELECT obj_description(to_regnamespace(%s), 'pg_namespace')", (SCHEMA,)).fetchone()
    return str(row[0] or "") if row else ""


def require_today(database: Database, revision: str) -> None:
    """Refuse tables of another revision than this samdrift's.

    Raises:
        StoreError: they are.
    """
    if revision == NEWEST:
        return
    what = f"its queue is of revision {revision}, and not of {NEWEST}" if revision else "it has no queue of samdrift's"
    fix = "use the newer samdrift that made it" if revision > NEWEST else PREPARE.format(where=database)
    raise StoreError(what, where=str(database), fix=fix)


def in_queue(connection: psycopg.Connection, municipality: str) -> tuple[Given, ...]:
    """Return a municipality's scans in the queue, oldest first.

    Raises:
        StoreError: one of them is not samdrift's.
    """
    rows = connection.execute(_IN_QUEUE, (municipality, TASK, KEPT)).fetchall()
    return tuple(_given(*row) for row in reversed(rows))


def _given(asked: Any, status: str, tries: int, begun: datetime | None) -> Given:
    try:
        found = _ASKED.validate_python(asked)
    except ValidationError as e:
        what, fix = f"a job in the queue is none of samdrift's: {e.errors()[0]['msg']}", "see who else uses the queue"
        raise StoreError(what, where=f"{SCHEMA}.procrastinate_jobs", fix=fix) from e
    return Given(found.day, found.queued, status, tries, begun)


def queue_if_due(database: Database, municipality: str, at: time) -> Queueing:
    """Put the scan that is due into the queue, if one is and nobody has.

    Raises:
        StoreError: the queue cannot be used.
        SamdriftError: the clocks of this machine and of the database are apart.
    """
    with connected(database) as connection:
        connection.execute("SELECT pg_advisory_xact_lock(%s, hashtext(%s))", (TURNS, municipality))
        there = _time_there(connection)
        require_one_time(datetime.now(UTC), there)
        moment = now().model_copy(update={"wall": there})
        found = to_queue(moment, at, in_queue(connection, municipality))
        if found.day is None:
            return found
        connection.execute(_FORGET, {"queue": municipality, "kept": KEPT})
        job = job_of(Asked(municipality=municipality, day=found.day, queued=moment))
        try:
            JobManager(SyncPsycopgConnector()).defer_job(job, connection=connection)
        except AlreadyEnqueued:  # by whoever does not take turns
            connection.rollback()
            return Queueing(None, f"the scan of {found.day} waits for a worker")
        return found


def _time_there(connection: psycopg.Connection) -> datetime:
    row = connection.execute("SELECT clock_timestamp()").fetchone()
    if row is None:
        raise psycopg.DataError("it does not tell the time")
    there: datetime = row[0]
    return there.astimezone(UTC)


def job_of(asked: Asked) -> Job:
    """Return a job that asks for a scan: of one municipality, one is at work and one waits at most."""
    return Job(
        queue=asked.municipality,
        lock=asked.municipality,
        queueing_lock=asked.municipality,
        task_name=TASK,
        task_kwargs=json.loads(asked.model_dump_json()),
    )
