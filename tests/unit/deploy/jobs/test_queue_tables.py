"""The queue's tables: made once, brought up to date, and used by a worker's role for what a scan needs and no more."""

from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from click.testing import CliRunner
from procrastinate import App, PsycopgConnector
from procrastinate.jobs import Job, Status
from procrastinate.manager import JobManager
from procrastinate.schema import migrations_path

from deploy.jobs.given import Held
from deploy.jobs.leases import Leases
from deploy.jobs.queue import CONNECTION, NEWEST, SCHEMA, Asked, connected, job_of, queue_if_due
from deploy.jobs.queue_tables import prepare, queue
from deploy.jobs.schedule import now
from deploy.jobs.watch import Pace
from deploy.store.database import open_url
from deploy.store.place import Database
from deploy.store.ports import StoreError
from inventory.errors import SamdriftError
from tests.postgres import Server
from tests.unit.deploy.jobs.working import WORKER, database, roles


@pytest.fixture(scope="module")
def url(server: Server) -> Database:
    return database(server, "queue_tables")


def bare(server: Server, name: str) -> Database:
    """A database with a store and no queue."""
    made = Database(server.create(name))
    store = open_url(made, as_it_is=True)
    store.upgrade()
    store.engine.dispose()
    return made


def test_tables_are_made_once_in_a_schema_of_their_own(server: Server) -> None:
    store = bare(server, "queue_made")

    said = CliRunner().invoke(queue, ["--state", str(store)], standalone_mode=False)
    assert said.exception is None
    assert f"The queue's tables are made: revision {NEWEST}" in said.output
    again = CliRunner().invoke(queue, ["--state", str(store)], standalone_mode=False)
    assert "are there, and today's" in again.output
    with psycopg.connect(str(store)) as connection:
        found = connection.execute("SELECT schemaname FROM pg_tables WHERE tablename LIKE 'procrastinate%'").fetchall()
    assert {schema for (schema,) in found} == {SCHEMA}


def test_tables_that_an_earlier_procrastinate_made_are_brought_up_to_date(server: Server) -> None:
    store = bare(server, "queue_earlier")
    before = [file for file in sorted(migrations_path.glob("*.sql")) if file.stem < "03.02"]
    with psycopg.connect(str(store), autocommit=True) as connection:
        connection.execute("CREATE SCHEMA queue")
        connection.execute("SET search_path TO queue")
        for file in before:
            connection.execute(file.read_bytes())
        connection.execute(f"COMMENT ON SCHEMA queue IS '{before[-1].stem}'".encode())
    with pytest.raises(StoreError, match=f"its queue is of revision {before[-1].stem}") as refused:
        queue_if_due(store, "heby", datetime.now(UTC).time())
    assert "samdrift-queue --state" in (refused.value.fix or "")

    assert prepare(store, (), ())
    assert not prepare(store, (), ())
    with connected(store) as connection:
        assert connection.execute("SELECT procrastinate_prune_stalled_workers_v1(1)").fetchall() == []


def test_tables_of_a_later_samdrift_are_left_alone(server: Server) -> None:
    store = bare(server, "queue_later")
    prepare(store, (), ())
    with psycopg.connect(str(store)) as connection:
        connection.execute("COMMENT ON SCHEMA queue IS '99.00.00_01_later'")

    for does in (lambda: prepare(store, (), ()), lambda: queue_if_due(store, "heby", datetime.now(UTC).time())):
        with pytest.raises(StoreError, match="revision 99"):
            does()


def test_there_is_no_queue_without_a_store(server: Server) -> None:
    with pytest.raises(SamdriftError, match="the store's own tables") as refused:
        prepare(Database(server.create("queue_alone")), (), ())
    assert refused.value.fix == "samdrift history migrate"


def test_a_directory_can_hold_no_queue(tmp_path: Path) -> None:
    said = CliRunner().invoke(queue, ["--state", str(tmp_path)], standalone_mode=False)
    assert "PostgreSQL alone" in str(said.exception)


@pytest.mark.parametrize(
    "forbidden",
    [
        "INSERT INTO queue.procrastinate_jobs (queue_name, task_name) VALUES ('heby', 'scan')",
        "UPDATE queue.procrastinate_jobs SET args = '{}'",
        "UPDATE queue.procrastinate_jobs SET task_name = 'other'",
        "DELETE FROM queue.procrastinate_jobs",
        "DELETE FROM queue.procrastinate_events",
        "CREATE TABLE queue.mine (x int)",
        "SELECT document FROM runs",
        "SELECT sealed FROM backups",
        "UPDATE runs SET exit_code = 0",
        "DELETE FROM runs",
        "UPDATE links SET hash = ''",
        "DELETE FROM links",
        "DELETE FROM applied",
        "INSERT INTO applied (host, version, digest, document) VALUES ('x', 1, '', '')",
        "INSERT INTO marks (name, value) VALUES ('chain', 'x')",
        "UPDATE known SET first_seen = ''",
    ],
)
def test_a_workers_role_may_not(url: Database, forbidden: str) -> None:
    """What it may is what the workers of the other tests do by it."""
    with (
        psycopg.connect(str(url).replace("samdrift@", f"{WORKER}@", 1)) as connection,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        connection.execute(forbidden.encode())


def test_a_name_of_a_role_is_a_name_and_no_statement(server: Server) -> None:
    store = bare(server, "queue_names")
    roles(server, str(store))

    with pytest.raises(StoreError, match="does not exist"):
        prepare(store, (f"{WORKER}; DROP TABLE runs",), ())
    with psycopg.connect(str(store)) as connection:
        assert connection.execute("SELECT count(*) FROM runs").fetchone() == (0,)


def leased(url: Database, what: str) -> tuple[Status, int]:
    """Take a scan as one worker, let it be given to another, and have the first do something; how the scan stands."""

    async def go() -> tuple[Status, int]:
        connector = PsycopgConnector(conninfo=str(url), kwargs=CONNECTION)
        async with App(connector=connector).open_async():
            leases = Leases(connector, Pace())
            asked = Asked(municipality="heby", day=date(2026, 11, 29), queued=now())
            put = await JobManager(connector).defer_job_async(job_of(asked))
            first, second = await leases.register_worker(), await leases.register_worker()
            mine = await leases.fetch_job(["heby"], first)
            assert mine is not None
            (held,) = await leases.held(["heby"])
            assert not await leases.give_back(held._replace(beat=datetime.now(UTC) + timedelta(1)))
            assert await leases.give_back(held)
            assert not await leases.give_back(held)
            theirs = await leases.fetch_job(["heby"], second)
            assert theirs is not None
            await _do(leases, mine, what, held)
            (job,) = await leases.list_jobs_async(id=put.id)
            await leases.finish_job(theirs, Status.SUCCEEDED, False)
            (ended,) = await leases.list_jobs_async(id=put.id)
            assert ended.status == "succeeded"
            return Status(job.status), job.attempts

    return asyncio.run(go())


async def _do(leases: Leases, mine: Job, what: str, held: Held) -> None:
    if what == "ends it":
        await leases.finish_job(mine, Status.FAILED, False)
    elif what == "puts it back":
        await leases.retry_job(mine)
    else:
        assert not await leases.give_back(held)


@pytest.mark.parametrize("what", ["ends it", "puts it back", "is given back once more"])
def test_a_worker_that_was_thought_dead_changes_nothing_of_a_scan_that_another_was_given(
    url: Database, what: str
) -> None:
    assert leased(url, what) == (Status.DOING, 1)
