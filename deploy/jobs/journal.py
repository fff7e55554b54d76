"""What became of each scan of a municipality, kept so that whoever is killed at any moment is found to have been.

One file in the watch's own directory, put in place whole and on the disk before anything goes on. The lock beside it is
the kernel's, and a scan's own process holds it, too: as long as that runs, whoever started it, no other begins. Not
here: when a scan is due (`schedule`), and what a scan found (the store).
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

from pydantic import Field, ValidationError

from deploy.jobs.schedule import Ended, Tried
from inventory.errors import SamdriftError
from inventory.frozen import Frozen
from inventory.whole_file import put_in_place

KEPT = 40
"""How many scans are remembered. A day is older than all of them only if the clock is far off."""


class Journal(Frozen):
    """The scans of one municipality, oldest first; `begun` is the day of the one that was begun and has no end yet."""

    ended: tuple[Ended, ...] = ()
    tried: tuple[Tried, ...] = ()
    begun: date | None = Field(default=None, description="set before its process is started")

    def begin(self, day: date) -> Journal:
        """Return the journal with a scan of this day begun."""
        return self.model_copy(update={"begun": day})

    def end(self, scan: Ended | Tried) -> Journal:
        """Return the journal with the begun scan at its end, or broken off."""
        if isinstance(scan, Ended):
            return self.model_copy(update={"begun": None, "ended": (*self.ended, scan)[-KEPT:]})
        return self.model_copy(update={"begun": None, "tried": (*self.tried, scan)[-KEPT:]})


class JobFiles:
    """The files of one municipality's jobs, in the watch's own directory."""

    def __init__(self, directory: Path, municipality: str) -> None:
        self.journal = directory / f"{municipality}.jobs.json"
        self.answer = directory / f"{municipality}.answer.json"
        self.shown = directory / f"{municipality}.shown"
        self._lock = directory / f"{municipality}.lock"

    @contextmanager
    def alone(self) -> Iterator[int | None]:
        """Be alone at this municipality. Yields the lock, to be handed to the scan's process; None if another is there.

        Raises:
            SamdriftError: the directory cannot be used.
        """
        with self._naming():
            lock = os.open(self._lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield None
            else:
                yield lock
        finally:
            os.close(lock)

    def read(self) -> Journal:
        """Return the journal; an empty one before the first scan.

        Raises:
            SamdriftError: it is damaged, or cannot be read.
        """
        with self._naming():
            if not self.journal.exists():
                return Journal()
            text = self.journal.read_bytes()
        try:
            return Journal.model_validate_json(text)
        except ValidationError as e:
            what, fix = "the journal of scans is damaged", "remove the file: the scan that is due is then made again"
            raise SamdriftError(what, where=str(self.journal), fix=fix) from e

    def write(self, journal: Journal) -> Journal:
        """Keep the journal, on the disk, and return it.

        Raises:
            SamdriftError: it cannot be written.
        """
        self.put(self.journal, journal.model_dump_json().encode())
        return journal

    def put(self, file: Path, data: bytes, *, mode: int = 0o600) -> None:
        """Put a file of the watch's in place, on the disk.

        Raises:
            SamdriftError: it cannot be written.
        """
        with self._naming():
            put_in_place(file, data, mode=mode)

    @contextmanager
    def _naming(self) -> Iterator[None]:
        try:
            yield
        except OSError as e:
            fix = "the watch's account needs a directory of its own: apply role drift_watch"
            raise SamdriftError(f"cannot be used: {e.strerror}", where=str(self.journal.parent), fix=fix) from e
