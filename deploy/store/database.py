"""A store's database: connections, transactions that take turns, errors that name it, and tables that are up to date.

Both kinds behave alike. Whoever writes, writes alone: SQLite has it so, and in PostgreSQL a lock that ends with the
transaction makes it so; every transaction here is a matter of milliseconds. A reader waits for nobody. psycopg waits
through Python's `select` where gevent has patched that, so that other hosts go on meanwhile.

Not here: what the tables are for (`schema`, `sql`).
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, inspect, make_url, text
from sqlalchemy.engine import URL
from sqlalchemy.exc import OperationalError, SQLAlchemyError

from deploy.store.place import Database as Url
from deploy.store.place import naming, on_network, store_directory, store_file
from deploy.store.ports import StoreError
from deploy.store.schema import REVISIONS

FILE = "samdrift.db"
"""How a directory's database is called."""

WAIT = 10
"""Seconds that a writer waits for the one before it. Nobody writes for longer than a moment."""

AGAIN = 0.003
"""Seconds after which who waits to write in SQLite asks again: less than between two records that one run writes."""

WRITES = "BEGIN IMMEDIATE"
"""How a transaction begins in SQLite that writes."""

TURNS, LOCK = 0x73616D01, 0x73616D02
"""The first halves of the keys of samdrift's advisory locks in PostgreSQL; the second is the schema's."""

ROOM = 32 * 2**20
"""The bytes that must be free where a run that changes hosts is recorded."""

ALIVE = {"keepalives": 1, "keepalives_idle": 30, "keepalives_interval": 10, "keepalives_count": 3}
"""How a connection that is held for a whole run finds out that the other end is gone: within a minute."""


_TAKE_TURN = text("SELECT pg_advisory_xact_lock(:turns, hashtext(current_schema()))")


class Database:
    """One store's database. Open it by `open_directory` or `open_url`."""

    def __init__(self, engine: Engine, where: str, directory: Path | None) -> None:
        self.engine, self.where, self.directory = engine, where, directory

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Ask; nobody who writes waits for it.

        Raises:
            StoreError: the database cannot be used.
        """
        with self.naming(), self.engine.connect() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Write, as the only one who does: all that is written in the context is kept when it ends, or nothing.

        Raises:
            StoreError: the database cannot be used.
        """
        with (
            self.naming(),
            self.engine.connect() as connection,
            connection.execution_options(begin=WRITES).begin(),
        ):
            if self.directory is None:
                connection.execute(text(f"SET LOCAL lock_timeout = '{WAIT}s'"))
                connection.execute(text("SET LOCAL synchronous_commit = on"))  # or a restart takes back what was kept
                connection.execute(_TAKE_TURN, {"turns": TURNS})
            yield connection

    def require_room(self) -> None:
        """Refuse to begin what must be recorded to its end on a disk that is nearly full.

        Raises:
            StoreError: there is less than ROOM.
        """
        if self.directory is None:
            return
        with naming(self.directory):
            left = shutil.disk_usage(self.directory).free
        if left < ROOM:
            what = f"its disk has {left // 2**20} MiB left, and a run that changes hosts needs {ROOM // 2**20}"
            fix = "make room (what is old: samdrift history prune), or choose another --state; no host was changed"
            raise StoreError(what, where=self.where, fix=fix)

    @contextmanager
    def naming(self) -> Iterator[None]:
        """Raise a StoreError that names this database, instead of an error of its driver."""
        try:
            yield
        except (SQLAlchemyError, UnicodeError) as e:
            driver = getattr(e, "orig", None) or e
            what = " ".join(str(driver).split()) or type(driver).__name__
            raise StoreError(f"the store cannot be used: {what}", where=self.where, fix=self._fix(e)) from e

    def _fix(self, error: Exception) -> str:
        if self.directory is None:
            return "see that the database answers, and run it again"
        if "malformed" in str(error) or "not a database" in str(error):
            return "restore the file from a backup"
        return "run as one of its owners, with room on the disk, or choose another --state"

    # --- tables -------------------------------------------------------------------------------------------------------

    def revision(self) -> str:
        """Return the revision of its tables; empty if it has none."""
        with self.reading() as connection:
            return _revision(connection)

    def upgrade(self) -> bool:
        """Bring the tables to today's revision. Returns whether anything was to be done.

        Raises:
            StoreError: they are of a later samdrift's, or cannot be changed.
        """
        with self.writing() as connection:
            if self.is_current(_revision(connection)):
                return False
            _migrate(connection)
            return True

    def is_current(self, revision: str) -> bool:
        """Return whether tables of this revision are today's.

        Raises:
            StoreError: they are of a later samdrift's.
        """
        if revision and revision not in REVISIONS:
            what = f"its tables are of revision {revision}, which this samdrift does not know"
            raise StoreError(what, where=self.where, fix="use the newer samdrift that made them")
        return revision == REVISIONS[-1]


def open_directory(path: Path) -> Database:
    """Open the database in a directory; what is missing (directory, file, tables) is made, what is old brought up to
    date: nobody but the users of this machine's samdrift has it.

    Raises:
        StoreError: it cannot be used, or is of a later samdrift's.
    """
    file = store_directory(path) / FILE
    os.close(store_file(file))
    engine = create_engine(
        URL.create("sqlite", database=str(file)), connect_args={"timeout": WAIT, "check_same_thread": False}
    )
    event.listen(engine, "connect", _as_sqlite_should)
    event.listen(engine, "begin", _begin)
    database = Database(engine, str(file), path)
    revision = database.revision()
    if not revision:
        _choose_journal(database, path)
    if not database.is_current(revision):
        database.upgrade()
    return database


def open_url(url: Url, *, as_it_is: bool = False) -> Database:
    """Open a PostgreSQL database. Its tables are changed by `samdrift history migrate` alone: others use them, too, by
    a samdrift of theirs, and who runs it need not have the right.

    Args:
        as_it_is: whatever revision its tables are.

    Raises:
        StoreError: it cannot be used, or its tables are not today's.
    """
    engine = create_engine(
        make_url(url).set(drivername="postgresql+psycopg"),
        pool_pre_ping=True,  # the server may have been started anew since
        connect_args={
            "application_name": "samdrift",
            "connect_timeout": WAIT,
            "prepare_threshold": None,  # a pooler in between knows nothing of prepared statements
            **ALIVE,
        },
    )
    database = Database(engine, make_url(url).render_as_string(hide_password=True), None)
    if not as_it_is and not database.is_current(revision := database.revision()):
        what = (
            f"its tables are of revision {revision}, before today's" if revision else "it has no tables of samdrift's"
        )
        raise StoreError(what, where=database.where, fix=f"samdrift history migrate --state {database.where}")
    return database


def _revision(connection: Connection) -> str:
    if not inspect(connection).has_table("alembic_version"):
        return ""
    return connection.scalar(text("SELECT version_num FROM alembic_version")) or ""


def _migrate(connection: Connection) -> None:
    """Run the migrations in the transaction of this connection."""
    from alembic import command  # noqa: PLC0415  only a database that is new or old needs it, and it is slow to import
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).with_name("migrations")).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _as_sqlite_should(connection: Any, _record: object) -> None:
    """Leave transactions to `_begin`: what Python's driver begins by itself leaves out DDL, and begins too late."""
    connection.isolation_level = None
    connection.execute("PRAGMA foreign_keys = ON")


def _begin(connection: Connection) -> None:
    """Begin a transaction that writes as its first and only writer: one that turns into a writer later fails at once
    where another was faster, however long it would wait.
    """
    begin = connection.get_execution_options().get("begin", "BEGIN")
    if begin == WRITES:
        _take_turn(connection)
    elif begin:
        connection.exec_driver_sql(begin)


def _take_turn(connection: Connection) -> None:
    """Wait until nobody else writes. SQLite itself asks less and less often, ten times a second in the end: beside
    a run that writes one record after the other it is seldom answered then.
    """
    deadline = time.monotonic() + WAIT
    connection.exec_driver_sql("PRAGMA busy_timeout = 0")
    try:
        while True:
            try:
                connection.exec_driver_sql(WRITES)
            except OperationalError as e:
                if getattr(e.orig, "sqlite_errorcode", 0) & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                    raise
                time.sleep(AGAIN)
            else:
                return
    finally:
        connection.exec_driver_sql(f"PRAGMA busy_timeout = {1000 * WAIT}")


def _choose_journal(database: Database, path: Path) -> None:
    """Let readers go on while somebody writes (WAL). That takes memory that all its users share: one machine's."""
    mode = "DELETE" if on_network(path) else "WAL"
    with database.naming(), database.engine.connect() as connection:
        connection.execution_options(begin="").exec_driver_sql(f"PRAGMA journal_mode = {mode}")
