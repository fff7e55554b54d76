"""The lock of runs: the kernel's on a file, or a PostgreSQL session's. Either ends with its holder, however that ends.

So nobody ever waits for a lock to expire, or takes one by force. Not here: what it is for (`ports.Locks`).
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
from collections.abc import Iterator
from pathlib import Path

from pydantic import TypeAdapter, ValidationError
from sqlalchemy import Connection, TextClause, text
from sqlalchemy.exc import SQLAlchemyError

from deploy.store.database import LOCK, Database
from deploy.store.place import naming, store_file
from deploy.store.ports import Holder, Locked, StoreError
from deploy.store.sql import mark, marked

_HOLDER = TypeAdapter(Holder)

HOLDER = "holder"
"""The mark of who holds the lock."""


class FileLocks:
    """The kernel's lock on a file, which says who holds it."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @contextlib.contextmanager
    def hold(self, holder: Holder) -> Iterator[None]:
        """Hold the lock for as long as the context is open."""
        with os.fdopen(store_file(self._path), "r+b", buffering=0) as file:
            with naming(self._path):
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
    """An advisory lock of a PostgreSQL session: of a connection that is kept for it. A row says who holds it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @contextlib.contextmanager
    def hold(self, holder: Holder) -> Iterator[None]:
        """Hold the lock for as long as the context is open.

        Raises:
            StoreError: also at its end, if the server let go of it before: it was started anew, say.
        """
        with self._database.naming():
            connection = self._database.engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        with contextlib.closing(connection):
            with self._database.naming():
                if not connection.scalar(_ask("pg_try_advisory_lock"), {"lock": LOCK}):
                    raise Locked(self._holder())
                session = connection.scalar(text("SELECT pg_backend_pid()"))
            written = json.dumps({"session": session, "holder": holder.model_dump()})
            with self._database.writing() as writing:
                mark(writing, HOLDER, written)
            try:
                yield
            except BaseException:
                with contextlib.suppress(StoreError):
                    self._release(connection)
                raise
            self._release(connection)

    def _release(self, connection: Connection) -> None:
        try:
            held = connection.scalar(_ask("pg_advisory_unlock"), {"lock": LOCK})
        except SQLAlchemyError:
            connection.invalidate()
            held = False
        if not held:
            fix = "see what others ran meanwhile: samdrift history"
            raise StoreError("the lock of this run was lost before its end", where=self._database.where, fix=fix)

    def _holder(self) -> Holder | None:
        """Return who holds the lock; None if that is not written yet: the row is another's, who is gone."""
        asked = text("SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted AND classid = :lock")
        with self._database.reading() as connection:
            sessions = set(connection.scalars(asked, {"lock": LOCK}))
            written = marked(connection, HOLDER)
        if not written or (row := json.loads(written))["session"] not in sessions:
            return None
        return Holder.model_validate(row["holder"])


def _ask(function: str) -> TextClause:
    return text(f"SELECT {function}(:lock, hashtext(current_schema()))")


def _holder(written: bytes) -> Holder | None:
    """Read who holds the lock; None if that is not written yet, or no longer."""
    try:
        return _HOLDER.validate_json(written)
    except ValidationError:
        return None
