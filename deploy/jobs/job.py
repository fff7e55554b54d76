"""One job: a scan of one municipality as a `samdrift drift --json` process of its own, begun once and read to its end.

The process writes its answer into a file. Whoever is started after this one was killed finds either no answer, and
makes the scan; or a whole one, and takes that for the scan. Not here: who is told what was found (`notify`).
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from datetime import date, time
from pathlib import Path
from typing import IO, Any, NamedTuple

from pydantic import ValidationError

from deploy.jobs.journal import JobFiles, Journal
from deploy.jobs.schedule import Ended, Tried, due, now
from deploy.model.kinds import Exit
from deploy.model.record import Record
from inventory.errors import SamdriftError
from inventory.fleet import Host
from inventory.whole_file import put_in_place

MADE = frozenset({Exit.OK, Exit.DIFFERENCES, Exit.INCOMPLETE})
"""The exit codes of a scan that did its work; what it could not look at is unknown then, and stands in its record."""


class Scanner(NamedTuple):
    """How a scan is started: the command line before what it is about, and the whole environment of its process.

    Attributes:
        limit: of a municipality's hosts, those that are scanned; empty for all.
    """

    command: tuple[str, ...]
    environment: Mapping[str, str]
    metrics: Path
    limit: str = ""

    def run(
        self, words: Sequence[str], answer: int | IO[Any], lock: int | None = None
    ) -> subprocess.CompletedProcess[bytes]:
        """Run a command line of samdrift's to its end, whatever that is; what is not its answer goes to the journal.

        Args:
            lock: which the process is to hold, too.
        """
        return subprocess.run(
            words,
            stdin=subprocess.DEVNULL,
            stdout=answer,
            stderr=sys.stderr,
            env=dict(self.environment),
            pass_fds=() if lock is None else (lock,),
            check=False,
        )

    def words(self, municipality: str) -> list[str]:
        """Return the command line of a scan, the same wherever it is made."""
        limit = limit_of(municipality, self.limit)
        return [*self.command, "drift", "--limit", limit, "--json", "--prometheus", str(self.metrics)]


def limit_of(municipality: str, limit: str) -> str:
    """Return which hosts a scan is about, as its command line and its record say it."""
    return f"{municipality} and ({limit})" if limit else municipality


class Scan(NamedTuple):
    """What a job did: the record of a scan that it made or found made; None, and why, if there is none."""

    record: Record | None
    why: str = ""
    failed: bool = False


def scan_if_due(files: JobFiles, lock: int, municipality: str, at: time, scanner: Scanner) -> Scan:
    """Make the scan that is due, if one is; first finish what a killed job left.

    Args:
        lock: of `files.alone`; the scan's process holds it, too.

    Raises:
        SamdriftError: the journal cannot be used.
    """
    journal = files.read()
    if journal.begun is not None:
        if (record := answer_in(files)) is not None:
            return _ended(files, journal, journal.begun, record)
        journal = files.write(journal.end(Tried(day=journal.begun, why="its process was killed")))
    day, why = due(now(), at, journal.ended, journal.tried)
    if day is None:
        return Scan(None, why)
    files.answer.unlink(missing_ok=True)
    journal = files.write(journal.begin(day))
    code = _run(files, lock, municipality, scanner)
    record = answer_in(files)
    if record is not None and code in MADE:
        return _ended(files, journal, day, record)
    why = f"samdrift ended with {code}"
    files.write(journal.end(Tried(day=day, why=why)))
    return Scan(None, why, failed=True)


def _run(files: JobFiles, lock: int, municipality: str, scanner: Scanner) -> int:
    """Run samdrift, its answer in a file, and return its exit code; a negative one is a signal's."""
    with files.answer.open("xb") as answer:
        files.answer.chmod(0o600)
        return scanner.run(scanner.words(municipality), answer, lock).returncode


def hosts_of(scanner: Scanner) -> tuple[Host, ...]:
    """Return the hosts of the whole fleet, as samdrift lists them.

    Raises:
        SamdriftError: it does not.
    """
    listed = scanner.run([*scanner.command, "hosts", "--json"], subprocess.PIPE)
    if listed.returncode != Exit.OK:
        raise SamdriftError(
            f"samdrift hosts ended with {listed.returncode}", fix="nobody is told before it says who has what"
        )
    known = Host.model_fields.keys()
    hosts = json.loads(listed.stdout)["hosts"]
    return tuple(Host.model_validate({k: v for k, v in host.items() if k in known}) for host in hosts)


def show(files: JobFiles, scanner: Scanner, pages: Path) -> str:
    """Have the pages written that people browse, unless the latest scan is on them; return what went wrong."""
    record = answer_in(files)
    if record is None or (files.shown.is_file() and files.shown.read_text(encoding="utf-8") == record.id):
        return ""
    code = scanner.run([*scanner.command, "pages", str(pages)], sys.stderr).returncode
    if code != Exit.OK:
        return f"samdrift pages ended with {code}; it is tried again in an hour"
    put_in_place(files.shown, record.id.encode(), durable=False)
    return ""


def _ended(files: JobFiles, journal: Journal, day: date, record: Record) -> Scan:
    files.write(journal.end(Ended(day=day, at=now(), record=record.id)))
    return Scan(record)


def answer_in(files: JobFiles) -> Record | None:
    """Return the record that a scan answered with; None if it has not answered, or broke off."""
    try:
        record = Record.model_validate_json(files.answer.read_bytes())
    except (FileNotFoundError, ValidationError):
        return None
    return record if record.exit_code in MADE else None
