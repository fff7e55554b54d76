"""The six stores as JSON files in one directory that only its owner can read.

    records/ID.json    one run each
    applied/HOST.json  every step of a host as last applied
    remembered.json    the latest record whose steps are all in applied/
    findings.json      since when each finding is known
    backups/HOST/      a file for each configuration that a host had, encrypted
    begun.json         the plan that is being carried out, and the hosts that it began to change
    lock               who holds the lock; the lock itself is the kernel's, on this file

Every file is written whole or not at all. What each store promises: `ports`.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import re
import secrets
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TypeVar
from urllib.parse import quote, unquote

from pydantic import BaseModel, TypeAdapter, ValidationError

from deploy.model.backup import Backup
from deploy.model.findings import Finding, Kind
from deploy.model.record import AppliedStep, Record
from deploy.model.step_id import StepId
from deploy.store.place import naming, private_directory
from deploy.store.ports import Holder, Locked, StoreError, Stores
from inventory.frozen import Frozen
from inventory.whole_file import put_in_place

T = TypeVar("T")


class _FirstSeen(Frozen):
    """Since when a finding is known, and on which host."""

    host: str
    first_seen: str


class _Begun(Frozen):
    """A plan that is being carried out, and the hosts that it began to change."""

    plan_digest: str = ""
    hosts: tuple[str, ...] = ()


class _Remembered(Frozen):
    """The latest record that was remembered whole."""

    record: str = ""


_STEPS = TypeAdapter(dict[StepId, AppliedStep])
_DATES = TypeAdapter(dict[str, _FirstSeen])
_BEGUN = TypeAdapter(_Begun)
_REMEMBERED = TypeAdapter(_Remembered)
_RECORD = TypeAdapter(Record)
_HOLDER = TypeAdapter(Holder)
_BACKUP = TypeAdapter(Backup)


def stores_in(directory: Path) -> Stores:
    """Open the stores in a directory, which is made if there is none.

    Raises:
        StoreError: the directory cannot be used.
    """
    private_directory(directory)
    return Stores(
        history=JsonHistory(directory / "records"),
        applied=JsonApplied(directory / "applied", directory / "remembered.json"),
        known=JsonKnown(directory / "findings.json"),
        journal=JsonJournal(directory / "begun.json"),
        locks=JsonLocks(directory / "lock"),
        backups=JsonBackups(directory / "backups"),
    )


class JsonHistory:
    """A file for each record, named by its id."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def save(self, record: Record) -> None:
        """Keep a record."""
        path = self._path(record.id)
        if path.exists():
            raise StoreError("there is a record of this id already", where=str(path))
        _write(path, record)

    def records(self, limit: int | None = None) -> tuple[Record, ...]:
        """Return the records, newest first."""
        found = (_read(path, _RECORD) for path in self._newest_first()[:limit])
        return tuple(record for record in found if record is not None)

    def record(self, record_id: str) -> Record:
        """Return the record of this id."""
        record = _read(self._path(record_id), _RECORD)
        if record is None:
            where = str(self._directory)
            raise StoreError(f"there is no record {record_id!r}", where=where, fix="see: samdrift history")
        return record

    def latest(self, command: str) -> Record | None:
        """Return the newest record of a command, which its id names."""
        paths = (p for p in self._newest_first() if unquote(p.stem).partition("-")[2].rpartition("-")[0] == command)
        return next((_read(p, _RECORD) for p in paths), None)

    def _newest_first(self) -> list[Path]:
        paths: list[Path] = []
        with naming(self._directory), contextlib.suppress(FileNotFoundError):
            paths = [p for p in self._directory.iterdir() if p.suffix == ".json"]
        return sorted(paths, reverse=True)

    def _path(self, record_id: str) -> Path:
        return self._directory / _file_name(record_id)


class JsonApplied:
    """A file for each host, and one that says which records all these are of."""

    def __init__(self, directory: Path, remembered: Path) -> None:
        self._directory, self._remembered = directory, remembered

    def last_applied(self, host: str) -> dict[StepId, AppliedStep]:
        """Return a host's steps as last applied."""
        return _read(self._directory / _file_name(host), _STEPS) or {}

    def remember(self, record: Record) -> None:
        """Keep the steps of every host that has any in this record, then note the record's id."""
        for host in record.hosts:
            if host.steps:
                _write(self._directory / _file_name(host.host), _STEPS.dump_python(host.steps, mode="json"))
        if record.id > self.remembered():
            _write(self._remembered, _Remembered(record=record.id))

    def remembered(self) -> str:
        """Return the highest id of a record that was remembered whole."""
        return (_read(self._remembered, _REMEMBERED) or _Remembered()).record


class JsonKnown:
    """One file of all dates, by the findings' fingerprints."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def date(self, findings: Iterable[Finding], *, at: str, looked_at: Iterable[str] = ()) -> tuple[Finding, ...]:
        """Return the findings, each with its `first_seen`."""
        findings = tuple(findings)
        known = _read(self._path, _DATES) or {}
        current = {f.fingerprint for f in findings}
        seen = set(looked_at) - {f.host for f in findings if f.kind is Kind.UNKNOWN}
        kept = {key: value for key, value in known.items() if key in current or value.host not in seen}
        for finding in findings:
            kept.setdefault(finding.fingerprint, _FirstSeen(host=finding.host, first_seen=at))
        if kept != known:
            _write(self._path, _DATES.dump_python(kept, mode="json"))
        return tuple(f.model_copy(update={"first_seen": kept[f.fingerprint].first_seen}) for f in findings)


class JsonJournal:
    """One file, of the plan that was begun last."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def begun(self, plan_digest: str) -> tuple[str, ...]:
        """Return the hosts that runs of this plan began to change."""
        begun = _read(self._path, _BEGUN) or _Begun()
        return begun.hosts if begun.plan_digest == plan_digest else ()

    def begin(self, plan_digest: str, host: str) -> None:
        """Note that this plan is about to change a host."""
        hosts = tuple(dict.fromkeys((*self.begun(plan_digest), host)))
        _write(self._path, _Begun(plan_digest=plan_digest, hosts=hosts))


class JsonBackups:
    """A directory for each host, with a file for each backup, named by when it was taken."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def keep(self, backup: Backup) -> bool:
        """Keep a backup, unless the newest of its host and kind has the same digest."""
        newest = next((b for b in self.of(backup.host) if b.what == backup.what), None)
        if newest is not None and newest.digest == backup.digest:
            return False
        name = f"{re.sub('[-:]', '', backup.taken)} {backup.what} {secrets.token_hex(2)}"
        _write(self._place(backup.host) / _file_name(name), backup)
        return True

    def of(self, host: str) -> tuple[Backup, ...]:
        """Return a host's backups, newest first."""
        paths: list[Path] = []
        with naming(self._directory), contextlib.suppress(FileNotFoundError):
            paths = [p for p in self._place(host).iterdir() if p.suffix == ".json"]
        found = (_read(path, _BACKUP) for path in paths)
        return tuple(sorted((b for b in found if b is not None), key=lambda b: b.taken, reverse=True))

    def _place(self, host: str) -> Path:
        return self._directory / f"of-{quote(host, safe='')}"  # so that no host is called `..`


class JsonLocks:
    """The kernel's lock on a file: it ends with its holder, also after `kill -9`. The file says who that is."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @contextlib.contextmanager
    def hold(self, holder: Holder) -> Iterator[None]:
        """Hold the lock for as long as the context is open."""
        with naming(self._path):
            descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "r+", encoding="utf-8", errors="replace") as file:
            with naming(self._path):
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError as e:
                    raise Locked(_holder(file.read())) from e
                file.truncate(0)
                file.write(holder.model_dump_json())
                file.flush()
            try:
                yield
            finally:
                # Emptied while it is still held, so that nobody is named who is gone.
                file.seek(0)
                file.truncate(0)


def _holder(text: str) -> Holder | None:
    """Read who holds the lock; None if that is not written yet, or no longer."""
    try:
        return _HOLDER.validate_json(text)
    except ValidationError:
        return None


def _file_name(name: str) -> str:
    """Quote a name from outside, so that it is a file's name whatever it holds."""
    return f"{quote(name, safe='')}.json"


def _read(path: Path, shape: TypeAdapter[T]) -> T | None:
    """Read a file; None if there is none."""
    text: bytes | None = None
    with naming(path), contextlib.suppress(FileNotFoundError):
        text = path.read_bytes()
    if text is None:
        return None
    try:
        return shape.validate_json(text)
    except ValidationError as e:
        fault = e.errors()[0]
        place = ".".join(map(str, fault["loc"]))
        raise StoreError(
            f"this file is damaged: {place + ': ' if place else ''}{fault['msg']}",
            where=str(path),
            fix="restore it from a backup, or move it away",
        ) from e


def _write(path: Path, value: object) -> None:
    """Put a file in place whole, and on the disk, or leave the old one as it is."""
    data = value.model_dump(mode="json") if isinstance(value, BaseModel) else value
    text = json.dumps(data, ensure_ascii=False, indent=1, sort_keys=True) + "\n"
    with naming(path):
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        put_in_place(path, text.encode())
