"""Take over what an earlier samdrift kept as JSON files in a directory: `history migrate`.

    records/ID.json    one run each
    applied/HOST.json  every step of a host as last applied
    remembered.json    the latest record whose steps are all in applied/
    findings.json      since when each finding is known
    backups/of-HOST/   a file for each configuration that a host had, encrypted
    begun.json         the plan that was being carried out, and the hosts that it began to change
    lock               the kernel's lock, held while files are read

The files stay as they are. Several such stores may be taken over into one, and each more than once: what is there
stays, and of two things said of one host the later run's counts. Nothing else reads or writes these files.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar
from urllib.parse import unquote

from pydantic import TypeAdapter, ValidationError
from sqlalchemy import delete, insert, select, update

from deploy.model.backup import Backup
from deploy.model.chain import Event
from deploy.model.record import AppliedStep, Record
from deploy.model.step_id import StepId
from deploy.store import schema
from deploy.store.database import Database
from deploy.store.documents import kept_as
from deploy.store.ports import StoreError
from deploy.store.sql import REMEMBERED, SqlBackups, SqlJournal, mark, marked
from deploy.store.sql_history import SqlHistory
from deploy.store.witness import SystemJournal
from inventory.frozen import Frozen

T = TypeVar("T")


class _FirstSeen(Frozen):
    host: str
    first_seen: str


class _Begun(Frozen):
    plan_digest: str = ""
    hosts: tuple[str, ...] = ()


class _Remembered(Frozen):
    record: str = ""


_RECORD = TypeAdapter(Record)
_STEPS = TypeAdapter(dict[StepId, AppliedStep])
_DATES = TypeAdapter(dict[str, _FirstSeen])
_BEGUN = TypeAdapter(_Begun)
_REMEMBERED = TypeAdapter(_Remembered)
_BACKUP = TypeAdapter(Backup)


@dataclass
class TakenOver:
    """What was taken over, by kind: how many there are, and how many of these were there before."""

    found: dict[str, int] = field(default_factory=lambda: dict.fromkeys(("records", "hosts", "findings", "backups"), 0))
    known: dict[str, int] = field(default_factory=lambda: dict.fromkeys(("records", "hosts", "findings", "backups"), 0))
    faults: list[str] = field(default_factory=list)
    """What could not be taken over, each with its file."""

    def count(self, kind: str, *, new: bool) -> None:
        """Count one more, after it was found to be in the database as it is in its file."""
        self.found[kind] += 1
        self.known[kind] += not new


def is_there(directory: Path) -> bool:
    """Return whether an earlier samdrift kept its stores in this directory."""
    return any((directory / name).exists() for name in ("records", "applied", "backups", "findings.json"))


def taken_over_at(database: Database, directory: Path) -> str:
    """Return when a directory's files were taken over; empty if they were not."""
    with database.reading() as connection:
        return marked(connection, _mark_of(directory))


def take_over(directory: Path, database: Database, at: str) -> TakenOver:
    """Take over a directory's files, and see that the database gives each back as the file says it. Call it with both
    locks held.

    Args:
        at: the time, which is noted once all is done.

    Raises:
        StoreError: the database cannot be used; what was taken over until then stays, and is found the next time.
    """
    done, dates = TakenOver(), f"dates {_mark_of(directory)}"
    with database.reading() as connection:
        settled = bool(marked(connection, dates))
    given = _take_records(directory, database, done)
    _take_applied(directory, database, done, given)
    _take_backups(directory, database, done)
    before = len(done.faults)
    if not settled:  # what was settled since must not come back
        _take_dates(directory, database, done)
        _take_journal(directory, database, done)
    with database.writing() as connection:
        mark(connection, _mark_of(directory), at)
        if len(done.faults) == before:  # or they are taken over once their files are whole
            mark(connection, dates, at)
    return done


def _take_records(directory: Path, database: Database, done: TakenOver) -> dict[str, str]:
    """Take over the records. Returns by host the latest that gave it steps."""
    history, given = SqlHistory(database, SystemJournal()), dict[str, str]()
    for path in _files(directory / "records"):
        record = _read(path, _RECORD, done)
        if record is None:
            continue
        given |= {h.host: max(record.id, given.get(h.host, "")) for h in record.hosts if h.steps}
        with database.reading() as connection:
            new = not connection.scalar(select(schema.runs.c.id).where(schema.runs.c.id == record.id))
        if new:
            history.put(record, path.read_bytes(), Event.TAKEN_OVER)
        try:
            same = history.record(record.id) == record
        except StoreError as e:
            done.faults.append(str(e))
            continue
        if same:
            done.count("records", new=new)
        else:
            done.faults.append(f"{path}: the store has another record of this id")
    return given


def _take_applied(directory: Path, database: Database, done: TakenOver, given: dict[str, str]) -> None:
    """Take over what hosts were last given, where nobody gave them anything since."""
    remembered = (_read(directory / "remembered.json", _REMEMBERED, done) or _Remembered()).record
    steps = {unquote(p.stem): kept for p in _files(directory / "applied") if (kept := _read(p, _STEPS, done))}
    history = SqlHistory(database, SystemJournal())
    applies = [i for i in given.values() if i > remembered]
    for record_id in sorted(set(applies)):  # an apply that ended before it could remember
        steps |= {h.host: dict(h.steps) for h in history.record(record_id).hosts if h.steps}
    with database.writing() as connection:
        for host, kept in steps.items():
            latest = connection.scalar(select(schema.hosts.c.given).where(schema.hosts.c.host == host)) or ""
            there = connection.scalar(select(schema.applied.c.host).where(schema.applied.c.host == host))
            new = not there or (bool(latest) and latest == given.get(host))
            if new:
                connection.execute(delete(schema.applied).where(schema.applied.c.host == host))
                connection.execute(insert(schema.applied).values(host=host, **kept_as(_STEPS.dump_json(kept))))
            done.count("hosts", new=not there)
        latest = max([remembered, *given.values()])
        if latest > marked(connection, REMEMBERED):
            mark(connection, REMEMBERED, latest)


def _take_backups(directory: Path, database: Database, done: TakenOver) -> None:
    table, backups = schema.backups, SqlBackups(database)
    for of_host in sorted(p for p in _listed(directory / "backups") if p.is_dir()):
        found = [b for p in _files(of_host) if (b := _read(p, _BACKUP, done))]
        there = {b for host in {b.host for b in found} for b in backups.of(host)}
        if new := [b for b in sorted(found, key=lambda b: b.taken) if b not in there]:
            with database.writing() as connection:
                connection.execute(insert(table), [b.model_dump() | {"sealed": b.sealed.encode()} for b in new])
        kept = {b for host in {b.host for b in found} for b in backups.of(host)}
        for one in found:
            if one in kept:
                done.count("backups", new=one not in there)
            else:
                done.faults.append(f"{of_host}: the store does not give back the backup of {one.taken}")


def _take_dates(directory: Path, database: Database, done: TakenOver) -> None:
    """Take over since when findings are known; of two dates, the earlier."""
    table = schema.known
    dates = _read(directory / "findings.json", _DATES, done) or {}
    with database.writing() as connection:
        for fingerprint, value in dates.items():
            there = connection.scalar(select(table.c.first_seen).where(table.c.fingerprint == fingerprint))
            if there is None:
                connection.execute(insert(table).values(fingerprint=fingerprint, **value.model_dump()))
            elif value.first_seen < there:
                of_it = update(table).where(table.c.fingerprint == fingerprint)
                connection.execute(of_it.values(first_seen=value.first_seen))
            done.count("findings", new=there is None)


def _take_journal(directory: Path, database: Database, done: TakenOver) -> None:
    """Take over which hosts a plan began to change, unless another plan is being carried out here."""
    begun = _read(directory / "begun.json", _BEGUN, done) or _Begun()
    with database.reading() as connection:
        busy = connection.scalar(select(schema.begun.c.plan).limit(1))
    if not busy:
        journal = SqlJournal(database)
        for host in begun.hosts:
            journal.begin(begun.plan_digest, host)


def _mark_of(directory: Path) -> str:
    return f"taken over: {directory.resolve()}"


def _listed(directory: Path) -> Iterator[Path]:
    try:
        yield from directory.iterdir()
    except FileNotFoundError:
        return


def _files(directory: Path) -> list[Path]:
    """Return the files of a directory that were written whole, oldest first where names are times."""
    return sorted(p for p in _listed(directory) if p.suffix == ".json" and not p.name.startswith("."))


def _read(path: Path, shape: TypeAdapter[T], done: TakenOver) -> T | None:
    """Read a file; None if there is none, or if it is damaged, which is noted."""
    try:
        return shape.validate_json(path.read_bytes())
    except FileNotFoundError:
        return None
    except OSError as e:
        done.faults.append(f"{path}: it cannot be read: {e.strerror}")
    except ValidationError as e:
        fault = e.errors()[0]
        place = ".".join(map(str, fault["loc"]))
        done.faults.append(f"{path}: it is damaged: {place + ': ' if place else ''}{fault['msg']}")
    return None
