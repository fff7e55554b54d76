"""The store: what runs leave behind for later ones, as JSON files in one directory that only its owner can read.

    records/ID.json    one run each; an ID sorts by time
    applied/HOST.json  every step of a host as last applied
    findings.json      since when each finding is known
    begun.json         the plan that is being carried out, and the hosts that it began to change
    lock               held by the run that may change all this, and the hosts

Every file is written whole or not at all. What the values mean: `record`, `findings`.
"""

from __future__ import annotations

import contextlib
import fcntl
import getpass
import json
import os
import re
import secrets
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TypeVar
from urllib.parse import quote

from pydantic import BaseModel, TypeAdapter, ValidationError

from deploy.model import clock
from deploy.model.findings import Exit, Finding, Kind
from deploy.model.record import AppliedStep, Record
from inventory.errors import SamdriftError
from inventory.fleet import Frozen
from inventory.whole_file import put_in_place

T = TypeVar("T")


class StoreError(SamdriftError):
    """The store cannot be read or written, or a file in it is damaged."""


class Locked(SamdriftError):
    """Another run holds the lock (exit code 4)."""

    exit_code = int(Exit.LOCKED)


class _Holder(Frozen):
    """Who holds the lock."""

    who: str
    since: str
    command: str


class _Known(Frozen):
    """Since when a finding is known, and on which host."""

    host: str
    first_seen: str


class _Begun(Frozen):
    """A plan that is being carried out, and the hosts that it began to change."""

    plan_digest: str = ""
    hosts: tuple[str, ...] = ()


_STEPS = TypeAdapter(dict[str, AppliedStep])
_KNOWN = TypeAdapter(dict[str, _Known])
_BEGUN = TypeAdapter(_Begun)
_RECORD = TypeAdapter(Record)
_HOLDER = TypeAdapter(_Holder)


def default_directory() -> Path:
    """Where the store is if nobody says: the system's for root, the user's own otherwise."""
    if os.geteuid() == 0:
        return Path("/var/lib/samdrift")
    base = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(base) / "samdrift"


def person() -> str:
    """Who is behind this run: the user who called sudo, or the one logged in."""
    with contextlib.suppress(KeyError, OSError):  # no such user in passwd: a container's number, say
        return os.environ.get("SUDO_USER") or getpass.getuser()
    return f"uid {os.getuid()}"


def record_id(started: str, command: str) -> str:
    """A new record's id: sorts by time, and is of this run alone."""
    return f"{re.sub('[-:]', '', started)}-{command}-{secrets.token_hex(2)}"


class Store:
    """The store in one directory, made (for its owner alone) if it is not there.

    Raises:
        StoreError: on construction, if the directory cannot be used.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._records, self._applied = path / "records", path / "applied"
        with _told(path):
            for directory in (path, self._records, self._applied):
                directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            if not os.access(path, os.R_OK | os.W_OK | os.X_OK):
                raise PermissionError(13, os.strerror(13))

    @contextlib.contextmanager
    def lock(self, command: str) -> Iterator[None]:
        """Hold the lock; a holder that dies lets go of it.

        Raises:
            Locked: saying who holds it, since when, for what.
        """
        path = self.path / "lock"
        with _told(path):
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "r+", encoding="utf-8") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as e:
                raise Locked(_held(file.read()), fix="wait until it has ended") from e
            file.truncate(0)
            file.write(_Holder(who=person(), since=clock.now(), command=command).model_dump_json())
            file.flush()
            try:
                yield
            finally:
                # Emptied while it is still held, so that nobody is named who is gone.
                file.seek(0)
                file.truncate(0)

    def save(self, record: Record) -> None:
        """Keep a record, and of every host in it that converged, what it was given."""
        for host in record.hosts:
            if host.steps:
                self.remember(host.host, host.steps)
        path = self._record_path(record.id)
        if path.exists():
            raise StoreError("there is a record of this id already", where=str(path))
        _write(path, record)

    def records(self, limit: int | None = None) -> tuple[Record, ...]:
        """The records, newest first; only so many if `limit` says."""
        return tuple(_read(p, _RECORD) for p in self._newest_first()[:limit])

    def record(self, record_id: str) -> Record:
        """The record of this id."""
        path = self._record_path(record_id)
        if not path.exists():
            raise StoreError(f"there is no record {record_id!r}", where=str(self._records), fix="see: samdrift history")
        return _read(path, _RECORD)

    def latest(self, command: str) -> Record | None:
        """The newest record of a command, or None before its first run."""
        paths = (p for p in self._newest_first() if p.stem.split("-")[1:2] == [command])
        return next((_read(p, _RECORD) for p in paths), None)

    def remember(self, host: str, steps: Mapping[str, AppliedStep]) -> None:
        """Keep what a converged host was given."""
        _write(self._applied_path(host), _STEPS.dump_python(dict(steps), mode="json"))

    def last_applied(self, host: str) -> dict[str, AppliedStep]:
        """Every step as it was last applied on a host; empty if none ever was."""
        path = self._applied_path(host)
        return _read(path, _STEPS) if path.exists() else {}

    def date(self, findings: Iterable[Finding], *, at: str, looked_at: Iterable[str] = ()) -> tuple[Finding, ...]:
        """The same findings, each with the time since when it is known; new ones are known from `at`.

        Call it with the lock held.

        Args:
            looked_at: hosts of which these findings are all there are, so that what is not among them is
                forgotten. Of a host that is unknown this time, nothing else is.
        """
        findings = tuple(findings)
        path = self.path / "findings.json"
        known = _read(path, _KNOWN) if path.exists() else {}
        current = {f.fingerprint for f in findings}
        seen = set(looked_at) - {f.host for f in findings if f.kind is Kind.UNKNOWN}
        kept = {key: value for key, value in known.items() if key in current or value.host not in seen}
        for finding in findings:
            kept.setdefault(finding.fingerprint, _Known(host=finding.host, first_seen=at))
        if kept != known:
            _write(path, _KNOWN.dump_python(kept, mode="json"))
        return tuple(f.model_copy(update={"first_seen": kept[f.fingerprint].first_seen}) for f in findings)

    def begun(self, plan_digest: str) -> tuple[str, ...]:
        """The hosts that an earlier run of this very plan began to change."""
        path = self.path / "begun.json"
        begun = _read(path, _BEGUN) if path.exists() else _Begun()
        return begun.hosts if begun.plan_digest == plan_digest else ()

    def begin(self, plan_digest: str, host: str) -> None:
        """Write down that a plan is about to change this host; another plan's notes make way."""
        hosts = tuple(dict.fromkeys((*self.begun(plan_digest), host)))
        _write(self.path / "begun.json", _Begun(plan_digest=plan_digest, hosts=hosts))

    def _newest_first(self) -> list[Path]:
        with _told(self._records):
            return sorted(self._records.glob("*.json"), reverse=True)

    def _record_path(self, record_id: str) -> Path:
        return self._records / f"{_file_name(record_id)}.json"

    def _applied_path(self, host: str) -> Path:
        return self._applied / f"{_file_name(host)}.json"


def _file_name(name: str) -> str:
    """A name from outside as the name of a file in its directory, whatever it holds."""
    return quote(name, safe="")


def _held(said: str) -> str:
    """The message for whoever finds the lock held."""
    try:
        holder = _HOLDER.validate_json(said)
    except ValidationError:  # it has only just taken it, or is about to let go
        return "another run holds the lock"
    return f"another run holds the lock: {holder.who} since {holder.since}, `{holder.command}`"


def _read(path: Path, shape: TypeAdapter[T]) -> T:
    with _told(path):
        text = path.read_bytes()
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
    with _told(path):
        put_in_place(path, text.encode())


@contextlib.contextmanager
def _told(path: Path) -> Iterator[None]:
    """Say which file of the store an operating system error is about."""
    try:
        yield
    except OSError as e:
        raise StoreError(
            f"the state cannot be used: {e.strerror or e}",
            where=str(path),
            fix="run as its owner, or choose another --state",
        ) from e
