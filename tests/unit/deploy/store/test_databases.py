"""Stores in databases, SQLite's and PostgreSQL's: what any stores do, and what databases make hard: damage, full disks,
two who write at once, processes that die, tables of another samdrift.
"""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import islice
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import alembic.command
import gevent
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.operations import Operations
from alembic.script import ScriptDirectory
from gevent.event import Event
from sqlalchemy import column, event, insert, table, text, update

from deploy.model import chain
from deploy.report.looks import of_the_moment
from deploy.store import schema
from deploy.store.database import FILE, Database, open_directory
from deploy.store.documents import kept_as
from deploy.store.opening import open_stores, stores_of
from deploy.store.place import Database as Url
from deploy.store.ports import StoreError, Stores
from inventory.paths import CODE
from tests.postgres import Server
from tests.unit.deploy.store.conformance import (
    ANNA,
    BO,
    OTHER_STEPS,
    STEPS,
    Conformance,
    apply_of,
    backup,
    converged,
    drift_at,
    record,
    records_of,
)
from tests.unit.deploy.store.places import InDirectory, OnServer, rewrite, ruin


class TestSqlite(Conformance):
    @pytest.fixture(scope="class")
    @classmethod
    def new_place(cls, tmp_path_factory: pytest.TempPathFactory, template: Path) -> Callable[[], InDirectory]:
        return lambda: InDirectory(tmp_path_factory.mktemp("stores"), template)


class TestPostgresql(Conformance):
    @pytest.fixture(scope="class")
    @classmethod
    def new_place(cls, url: str) -> Iterator[Callable[[], OnServer]]:
        places: list[OnServer] = []

        def new() -> OnServer:
            for place in places:
                place.close()
            places[:] = [OnServer(url)]
            return places[0]

        yield new
        for place in places:
            place.close()


Place = InDirectory | OnServer


# --- damage ----------------------------------------------------------------------------------------------------------


def test_a_record_that_another_samdrift_wrote_costs_itself_alone(place: Place) -> None:
    stores, whole, later = place.open(), record("2026-11-23T20:00:01.000Z"), record("2026-11-23T20:00:02.000Z")
    for one in (whole, later):
        stores.history.save(one)
    ruin(place.database(), later.id, version=9)
    assert stores.history.fault(later.id) == "it is of version 9, which this samdrift does not know"
    with pytest.raises(StoreError, match="version 9"):
        stores.history.record(later.id)
    assert stores.history.record(whole.id) == whole


def test_a_record_that_says_what_no_record_can_is_named_with_what_is_wrong(tmp_path: Path, template: Path) -> None:
    place, kept = InDirectory(tmp_path, template), record()
    place.open().history.save(kept)
    rewrite(tmp_path, kept.id, lambda document: document.update(exit_code="none"))
    with pytest.raises(StoreError, match=f"record {kept.id}: it is damaged: exit_code"):
        place.open().history.record(kept.id)


def test_a_finding_with_a_message_that_this_samdrift_does_not_know_is_read_as_it_was_written(
    tmp_path: Path, template: Path
) -> None:
    place, kept = InDirectory(tmp_path, template), record(findings=(drift_at("tie-dns1"),))
    place.open().history.save(kept)
    rewrite(tmp_path, kept.id, lambda document: document["findings"][0]["message"].update(id="of-tomorrow"))
    assert [f.summary for f in place.open().history.record(kept.id).findings] == ["Älvkarleby"]


def test_what_was_applied_to_one_host_may_be_damaged_and_the_others_is_read(place: Place) -> None:
    stores = place.open()
    stores.applied.remember(apply_of(converged("tie-dns1"), converged("tie-dns2")))
    with place.database().writing() as connection:
        connection.execute(update(schema.applied).where(schema.applied.c.host == "tie-dns1").values(document=b""))
    with pytest.raises(StoreError, match="applied to tie-dns1: it is damaged"):
        stores.applied.last_applied("tie-dns1")
    assert stores.applied.last_applied("tie-dns2") == STEPS


def test_a_damaged_backup_is_listed_and_the_others_are_as_they_were(place: Place) -> None:
    stores, whole = place.open(), backup("a")
    stores.backups.keep(whole)
    stores.backups.keep(backup("b", second=1))
    with place.database().writing() as connection:
        connection.execute(update(schema.backups).where(schema.backups.c.digest == "b").values(sealed=b"\xff"))
    damaged, other = stores.backups.of("heb-sw1")
    assert other == whole
    assert damaged.sealed == "�"


def test_a_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text("no database, and longer than a header would be" * 9)
    with pytest.raises(StoreError, match=rf"{FILE}: the store cannot be used: .*not a database.*from a backup"):
        open_stores(tmp_path)


# --- tables ----------------------------------------------------------------------------------------------------------


def test_what_the_migrations_make_is_what_the_stores_expect(place: Place) -> None:
    with place.database().reading() as connection:
        assert compare_metadata(MigrationContext.configure(connection), schema.TABLES) == []


def test_every_revision_is_known_by_name() -> None:
    script = ScriptDirectory(str(CODE / "deploy" / "store" / "migrations"))
    assert tuple(r.revision for r in script.walk_revisions())[::-1] == schema.REVISIONS


def test_records_from_before_the_chain_are_its_first_links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patched:
        patched.setattr("deploy.store.database.REVISIONS", ("1",))
        patched.setattr("alembic.command.upgrade", partial(_upgrade_to, alembic.command.upgrade, "1"))
        database = open_directory(tmp_path)
    old = [record(f"2026-11-23T20:00:0{n}.000Z", hosts=(converged("h1"),)) for n in range(3)]
    with database.writing() as connection:
        for one in reversed(old):
            row = {"id": one.id, "command": one.command, "who": one.who, "started": one.started, "exit_code": 0}
            row |= kept_as(one.model_dump_json().encode())
            row |= {"limited_to": "", "of_some_roles": False, "source": "s", "hosts": 1, "changed": 0, "findings": 0}
            connection.execute(insert(table("runs", *map(column, row))), row)
    history = open_stores(tmp_path).history
    assert records_of(history) == tuple(reversed(old))
    assert [(x.entry.event, x.entry.record) for x in history.links()] == [(chain.Event.TAKEN_OVER, r.id) for r in old]
    history.save(record("2026-11-23T20:00:09.000Z"))
    assert chain.breaks(history.chain(), history.links(), history.kept()) == ()


def _upgrade_to(upgrade: Callable[..., None], revision: str, config: object, _head: str) -> None:
    upgrade(config, revision)


def test_tables_of_a_later_samdrift_are_left_alone(place: Place) -> None:
    database = place.database()
    with database.writing() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '99'"))
    try:
        with pytest.raises(
            StoreError, match=r"revision 99, which this samdrift does not know \(use the newer samdrift"
        ):
            place.database()
    finally:
        with database.writing() as connection:
            connection.execute(text("UPDATE alembic_version SET version_num = :r"), {"r": schema.REVISIONS[-1]})


def test_a_migration_that_breaks_off_leaves_nothing_and_the_next_makes_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Python's driver and Alembic, left to themselves, would keep each table as it was made."""
    created = Operations.create_index

    def breaks_off(self: Operations, name: str, *more: Any, **named: Any) -> None:
        created(self, name, *more, **named)
        if name == "known_of_host":
            raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(Operations, "create_index", breaks_off)
        with pytest.raises(KeyboardInterrupt):
            open_directory(tmp_path)
    with closing(sqlite3.connect(tmp_path / FILE)) as left:
        assert left.execute("SELECT name FROM sqlite_master").fetchall() == []
    assert records_of(open_stores(tmp_path).history) == ()


def test_a_database_without_tables_is_not_set_up_by_the_way(server: Server) -> None:
    url = Url(server.create("empty"))
    with pytest.raises(
        StoreError, match=r"it has no tables of samdrift's \(samdrift history migrate --state postgresql:"
    ):
        open_stores(url)


# --- two at once, and processes that die -----------------------------------------------------------------------------

HOLD = """
import subprocess, sys
from deploy.store.opening import open_stores
from deploy.store.place import place_of
from deploy.store.ports import Holder
anna = Holder(who="anna", since="now", command="samdrift apply")
with open_stores(place_of(sys.argv[1])).locks.hold(anna, ["tie-sw1"]):
    child = subprocess.Popen(["sleep", "60"])
    print(child.pid, flush=True)
    sys.stdin.read()
"""
"""Holds the lock, with a child that outlives it, until it is told to end."""


def where(place: Place) -> str:
    return str(place.directory) if isinstance(place, InDirectory) else place.url


def test_a_holder_that_is_killed_releases_its_locks_though_its_children_live_on(place: Place) -> None:
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, where(place)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=CODE
    )
    assert holder.stdout is not None
    child = int(holder.stdout.readline())
    stores = place.open()
    try:
        with stores.locks.hold(BO, ["tie-sw1"]) as refused:
            assert refused["tie-sw1"] is not None
            assert refused["tie-sw1"].who == "anna"
        holder.kill()
        holder.wait()
        assert Path(f"/proc/{child}").exists()
        taken = False
        for _ in range(500):  # a server notices a connection's end a moment later
            with stores.locks.hold(BO, ["tie-sw1"]) as refused:
                taken = not refused
            if taken:
                break
        assert taken
    finally:
        subprocess.run(["kill", str(child)], check=True)
        holder.communicate()


WRITE = """
import itertools, sys
from deploy.store.opening import open_stores
from deploy.store.place import place_of
from tests.unit.deploy.store.conformance import apply_of, converged
stores, who = open_stores(place_of(sys.argv[1])), sys.argv[2]
for n in itertools.count():
    stores.keep(apply_of(*(converged(f"{who}-{host}") for host in range(30)), second=n % 60))
    print(n, flush=True)
"""
"""Keeps applies of 30 hosts for as long as it lives, and says when each is kept."""


@pytest.mark.long
def test_two_write_at_once_and_are_killed_and_every_record_is_whole(place: Place) -> None:
    command = [sys.executable, "-c", WRITE, where(place)]
    writers = [subprocess.Popen([*command, who], stdout=subprocess.PIPE, cwd=CODE) for who in ("anna", "bo")]
    for number, writer in enumerate(writers):
        assert writer.stdout is not None
        for _ in range(3 + number):
            assert writer.stdout.readline()
    told = 0
    for writer in writers:
        writer.kill()
        told += 3 if writer is writers[0] else 4
        writer.communicate()
    stores = place.open()
    kept = records_of(stores.history)
    assert len(kept) >= told
    assert all(len(r.hosts) == 30 for r in kept)
    stores.settle()
    names = {h.host for r in kept for h in r.hosts}
    assert all(stores.applied.last_applied(name) == STEPS for name in names)


@pytest.mark.long
def test_a_writer_waits_for_the_one_before_it_and_a_reader_for_nobody(place: Place) -> None:
    kept, stores = record(), place.open()
    with place.database().writing() as connection:
        connection.execute(insert(schema.marks).values(name="x", value="y"))
        assert records_of(stores.history) == ()
        writer = subprocess.Popen([sys.executable, "-c", WRITE, where(place), "anna"], stdout=subprocess.PIPE, cwd=CODE)
    assert writer.stdout is not None
    try:
        assert writer.stdout.readline() == b"0\n"
    finally:
        writer.kill()
        writer.communicate()
    stores.history.save(kept)
    assert kept in records_of(stores.history)


def test_while_one_waits_for_the_server_other_hosts_go_on(url: str) -> None:
    """Whose waiting stopped everything would wait here for a turn that nobody could give it."""
    place, began, asks, may_end = OnServer(url), Event(), Event(), Event()
    stores = place.open()

    def first() -> None:
        with place.database().writing():
            began.set()
            may_end.wait()

    def second() -> None:
        began.wait()
        asks.set()
        stores.journal.begin("plan", "tie-gw1")

    def third() -> None:
        asks.wait()
        gevent.sleep(0)
        may_end.set()

    for greenlet in gevent.joinall([gevent.spawn(each) for each in (first, second, third)]):
        greenlet.get()
    assert stores.journal.begun("plan") == ("tie-gw1",)
    place.close()


def test_a_server_that_was_started_anew_is_connected_to_again_and_a_lock_that_it_lost_is_told(
    server: Server, url: str
) -> None:
    place = OnServer(url)
    stores, kept = place.open(), record()

    def a_run() -> None:
        with stores.locks.hold(ANNA, ["tie-sw1"]):
            server.stop()
            with pytest.raises(StoreError, match=r"the store cannot be used: .*see that the database answers"):
                place.database()
            server.start()
            stores.keep(kept)

    with pytest.raises(StoreError, match="a lock of this run was lost before its end"):
        a_run()
    assert records_of(stores.history) == (kept,)
    with stores.locks.hold(BO, ["tie-sw1"]) as refused:
        assert refused == {}
    place.close()


# --- disks and directories -------------------------------------------------------------------------------------------


def test_no_run_that_changes_hosts_begins_on_a_disk_that_is_nearly_full(
    tmp_path: Path, template: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It could be recorded at its beginning, and not at its end."""
    stores, drift = InDirectory(tmp_path, template).open(), record()
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=3 * 2**20))
    with pytest.raises(StoreError, match=r"3 MiB left.*history prune.*no host was changed"):
        stores.history.save(record(command="apply", ended=False))
    stores.history.save(drift)
    assert records_of(stores.history) == (drift,)


def test_a_full_disk_leaves_what_was_kept(tmp_path: Path, template: Path) -> None:
    """Files that may not grow are how a full disk looks to a program; done in a process of its own."""
    place = InDirectory(tmp_path, template)
    place.open().applied.remember(apply_of(converged("tie-dns1")))
    program = (
        "import resource, signal, sys; from pathlib import Path; from deploy.model.record import AppliedStep\n"
        "from deploy.store.opening import open_stores; from deploy.store.ports import StoreError\n"
        "from tests.unit.deploy.store.conformance import apply_of, converged\n"
        "stores = open_stores(Path(sys.argv[1])); signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 17, 1 << 17))\n"
        "import os; steps = {f'time: step {n}': AppliedStep(intent=os.urandom(99).hex()) for n in range(2000)}\n"
        "try: stores.applied.remember(apply_of(converged('tie-dns1', steps), second=1))\n"
        "except StoreError as e: print(e)\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path)], capture_output=True, text=True, check=True, cwd=CODE
    )
    assert f"{FILE}: the store cannot be used: " in run.stdout
    assert place.open().applied.last_applied("tie-dns1") == STEPS


def test_a_directory_that_cannot_be_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match=rf"{tmp_path}/file/store: the state cannot be used: Not a directory"):
        open_stores(tmp_path / "file" / "store")


def test_hosts_that_could_not_be_remembered_are_when_the_next_run_settles(place: Place) -> None:
    stores = place.open()
    stores.keep(apply_of(converged("alv-gw1"), converged("tie-dns1"), second=1))
    later = apply_of(converged("alv-gw1", OTHER_STEPS), converged("tie-dns1", OTHER_STEPS), second=2)
    stores.history.save(later)  # and then it was killed
    place.open().settle()
    assert [stores.applied.last_applied(h) for h in ("alv-gw1", "tie-dns1")] == [OTHER_STEPS, OTHER_STEPS]
    assert stores.applied.remembered() == later.id


# --- a year ----------------------------------------------------------------------------------------------------------

HOSTS = ["h0", "h1", "h2"]


def keep_days(stores: Stores, days: int) -> None:
    """Keep a drift of three hosts for each day, and an apply on each second."""
    for day in range(days):
        at = (datetime(2025, 1, 1, tzinfo=UTC) + timedelta(days=day)).isoformat(timespec="milliseconds")
        command, steps = ("drift", {}) if day % 2 else ("apply", STEPS)
        stores.keep(record(f"{at[:23]}Z", command, hosts=[converged(host, steps) for host in HOSTS]))


class Work:
    """Counts what SQLite does, in steps of its own machine: the rows and pages that a question goes through."""

    def __init__(self, database: Database) -> None:
        self.steps = 0
        event.listen(database.engine, "checkout", self._count)

    def _count(self, connection: Any, *_: object) -> None:
        connection.set_progress_handler(self._step, 1)

    def _step(self) -> int:
        self.steps += 1
        return 0

    def of(self, ask: Callable[[], object]) -> int:
        """Return the steps of a question."""
        before = self.steps
        ask()
        return self.steps - before


def test_after_a_year_nobody_reads_more_than_after_a_week(tmp_path: Path, template: Path) -> None:
    asked: dict[str, Callable[[Stores], object]] = {
        "history": lambda stores: list(islice(stores.history.runs(), 5)),
        "report's look": lambda stores: next(of_the_moment(stores.history.runs(), "s", "2999")),
        "report's hosts": lambda stores: stores.history.about(HOSTS),
        "drift's settling": lambda stores: stores.settle(),
        "drift's hosts": lambda stores: [stores.applied.last_applied(host) for host in HOSTS],
        "a new record": lambda stores: stores.history.save(record("2026-11-29T00:00:00.000Z")),
    }
    steps: dict[int, dict[str, int]] = {}
    for weeks in (8, 52):
        (tmp_path / f"{weeks}").mkdir()
        database = InDirectory(tmp_path / f"{weeks}", template).database()
        with database.reading() as connection:
            connection.execution_options(begin="").exec_driver_sql("PRAGMA synchronous = OFF")  # it is read, not kept
        keep_days(stores_of(database), 7 * weeks)
        work = Work(database)
        steps[weeks] = {what: work.of(partial(ask, stores_of(database))) for what, ask in asked.items()}
    assert all(steps[8].values())
    assert {what: n for what, n in steps[52].items() if n > 1.2 * steps[8][what]} == {}
