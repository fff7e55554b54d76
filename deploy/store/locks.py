"""The locks of devices: the kernel's on files, or a PostgreSQL session's. They end with their holder, however it ends.

So nobody ever waits for one to expire, or takes one by force. Not here: what they are for (`ports.Locks`), and the lock
of a host that has a shell, which is on the host itself (`engine.host_locks`).
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from urllib.parse import quote

from pydantic import TypeAdapter, ValidationError
from sqlalchemy import Connection, TextClause, text
from sqlalchemy.exc import SQLAlchemyError

from deploy.store.database import LOCK, Database
from deploy.store.place import naming, store_file
from deploy.store.ports import Holder, Locked, StoreError
from deploy.store.sql import mark, marked

_HOLDER = TypeAdapter(Holder)

HOLDER = "holder of "
"""How the mark of who holds a name's lock begins."""


class FileLocks:
    """The kernel's locks on files of a directory, one a name."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    @contextlib.contextmanager
    def hold(self, holder: Holder, names: Collection[str]) -> Iterator[Mapping[str, Holder | None]]:
        """Hold the locks of these names that no other run holds; yields who holds the others."""
        refused: dict[str, Holder | None] = {}
        with contextlib.ExitStack() as held:
            for name in names:
                try:
                    held.enter_context(held_file(self._directory / f"lock-{quote(name, safe='')}", holder))
                except Locked as e:
                    refused[name] = e.holder
            yield refused


@contextlib.contextmanager
def held_file(path: Path, holder: Holder) -> Iterator[None]:
    """Hold the kernel's lock on a file, which says who holds it.

    Raises:
        Locked: another run holds it.
        StoreError: it cannot be taken.
    """
    with os.fdopen(store_file(path), "r+b", buffering=0) as file:
        with naming(path):
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as e:
                raise Locked(_holder(file.read())) from e
            file.truncate(0)
            file.write(holder.model_dump_json().encode())
        try:
            yield
        finally:
            # Emptied while it is still held, so that nobody is named who is gone.
            file.seek(0)
            file.truncate(0)


class SessionLocks:
    """Advisory locks of a PostgreSQL session: of a connection that is kept for them. A row a name says who holds it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @contextlib.contextmanager
    def hold(self, holder: Holder, names: Collection[str]) -> Iterator[Mapping[str, Holder | None]]:
        """Hold the locks of these names that no other run holds; yields who holds the others.

        Raises:
            StoreError: also at its end, if the server let go of them before: it was started anew, say.
        """
        if not names:
            yield {}
            return
        with self._database.naming():
            connection = self._database.engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        with contextlib.closing(connection):
            with self._database.naming():
                held = [name for name in names if connection.scalar(_ask("pg_try_advisory_lock"), _key(name))]
                session = connection.scalar(text("SELECT pg_backend_pid()"))
            refused = {name: self._holder(name) for name in names if name not in held}
            written = json.dumps({"session": session, "holder": holder.model_dump()})
            with self._database.writing() as writing:
                for name in held:
                    mark(writing, HOLDER + name, written)
            try:
                yield refused
            except BaseException:
                with contextlib.suppress(StoreError):
                    self._release(connection, held)
                raise
            self._release(connection, held)

    def _release(self, connection: Connection, names: Collection[str]) -> None:
        try:
            let_go = [connection.scalar(_ask("pg_advisory_unlock"), _key(name)) for name in names]
            held = all(let_go)
        except SQLAlchemyError:
            connection.invalidate()
            held = False
        if not held:
            fix = "see what others ran meanwhile: samdrift history"
            raise StoreError("a lock of this run was lost before its end", where=self._database.where, fix=fix)

    def _holder(self, name: str) -> Holder | None:
        """Return who holds a lock; None if that is not written yet: the row is another's, who is gone."""
        asked = text("SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted AND classid = :lock")
        with self._database.reading() as connection:
            sessions = set(connection.scalars(asked, {"lock": LOCK}))
            written = marked(connection, HOLDER + name)
        if not written or (row := json.loads(written))["session"] not in sessions:
            return None
        return Holder.model_validate(row["holder"])


def _ask(function: str) -> TextClause:
    return text(f"SELECT {function}(:lock, hashtext(current_schema() || '/' || :name))")


def _key(name: str) -> dict[str, str | int]:
    return {"lock": LOCK, "name": name}


def _holder(written: bytes) -> Holder | None:
    """Read who holds a lock; None if that is not written yet, or no longer."""
    try:
        return _HOLDER.validate_json(written)
    except ValidationError:
        return None
