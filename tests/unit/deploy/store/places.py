"""Places of databases for tests: SQLite's in a directory, PostgreSQL's on a server of the tests' own."""

from __future__ import annotations

import json
import shutil
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sqlalchemy import select, text, update

from deploy.store import schema
from deploy.store.database import FILE, Database, open_directory, open_url
from deploy.store.documents import kept_as
from deploy.store.opening import open_stores, stores_of
from deploy.store.place import Database as Url
from deploy.store.ports import Stores


def ruin(database: Database, record_id: str, **columns: Any) -> None:
    """Change columns of a record's row: by default, what it says is cut off after its first byte."""
    with database.writing() as connection:
        changed = update(schema.runs).where(schema.runs.c.id == record_id)
        connection.execute(changed.values(**columns or {"document": b"{"}))


def ruin_applied(database: Database, host: str) -> None:
    """Cut off what was last applied to a host after its first byte."""
    with database.writing() as connection:
        connection.execute(update(schema.applied).where(schema.applied.c.host == host).values(document=b"{"))


def rewrite(directory: Path, record_id: str, change: Callable[[dict[str, Any]], None]) -> None:
    """Have a record say something else, as another samdrift may have written it."""
    database = open_directory(directory)
    with database.writing() as connection:
        packed = connection.scalar(select(schema.runs.c.document).where(schema.runs.c.id == record_id))
        said = json.loads(zlib.decompress(packed or b""))
        change(said)
        of_it = update(schema.runs).where(schema.runs.c.id == record_id)
        connection.execute(of_it.values(**kept_as(json.dumps(said).encode())))


class InDirectory:
    """A directory of its own, whose empty database is a copy: to make the tables takes longer than most tests."""

    def __init__(self, directory: Path, template: Path) -> None:
        self.directory = directory
        shutil.copy(template / FILE, directory / FILE)

    def open(self) -> Stores:
        return open_stores(self.directory)

    def database(self) -> Database:
        return open_directory(self.directory)

    def damage(self, record_id: str) -> None:
        ruin(self.database(), record_id)

    def damage_applied(self, host: str) -> None:
        ruin_applied(self.database(), host)


class OnServer:
    """The database of a class of tests, emptied for each place."""

    def __init__(self, url: str) -> None:
        self.url = Url(url)
        self._opened: list[Database] = []
        self._shared = self.database()
        with self._shared.writing() as connection:
            names = ", ".join(table.name for table in schema.TABLES.sorted_tables)
            connection.execute(text(f"TRUNCATE {names}"))

    def open(self) -> Stores:
        return stores_of(self._shared)

    def database(self) -> Database:
        """Open it anew."""
        self._opened.append(open_url(self.url))
        return self._opened[-1]

    def close(self) -> None:
        """Close every connection: a server has so many."""
        for database in self._opened:
            database.engine.dispose()

    def damage(self, record_id: str) -> None:
        ruin(self._shared, record_id)

    def damage_applied(self, host: str) -> None:
        ruin_applied(self._shared, host)
