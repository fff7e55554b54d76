"""Find the record of a day's scan in the store, whoever made it: the record is what makes a scan made.

A station takes it as the answer of a scan of its own: who is told of it, and what the node exporter reads, is the
station's. Not here: what stands in the queue (`queue`).
"""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

from deploy.jobs.job import MADE, answer_in, limit_of
from deploy.jobs.journal import JobFiles
from deploy.model.record import Summary
from deploy.report.cases import cases_of
from deploy.report.run_metrics import metrics
from deploy.store.opening import open_stores
from deploy.store.place import Database
from deploy.store.ports import History

BEFORE = timedelta(days=2)
"""How much earlier than its day a scan's record may have begun, by the clock of its machine."""


def reason_of(municipality: str, day: date) -> str:
    """Return why a day's scan is made, as its record has it: by this it is found again."""
    return f"the daily scan of {municipality}, {day}"


def recorded(history: History, municipality: str, day: date, limit: str = "") -> Summary | None:
    """Return what the history's list says of a day's scan that did its work; None if none did.

    Args:
        limit: of the municipality's hosts, those that are scanned; empty for all.

    Raises:
        StoreError: it cannot be read.
    """
    reason, oldest = reason_of(municipality, day), str(day - BEFORE)
    whole = limit_of(municipality, limit)
    for run in history.runs(("drift",)):
        if run.started < oldest:
            return None
        if run.reason == reason and run.limit == whole and run.ended and run.exit_code in MADE:
            return run
    return None


def bring_answer(
    database: Database, municipality: str, day: date, files: JobFiles, exporter: Path, *, limit: str = ""
) -> None:
    """Take the record of a day's scan that a worker made for the answer of one that was made here, if it is not yet.

    Args:
        exporter: the file of the municipality's metrics.
        limit: as for `recorded`.

    Raises:
        StoreError: the store cannot be read.
        SamdriftError: a file cannot be written.
    """
    history = open_stores(database).history
    made, here = recorded(history, municipality, day, limit), answer_in(files)
    if made is None or (here is not None and here.id == made.id):
        return
    record = history.record(made.id)
    files.put(exporter, metrics(record, cases_of(record)).encode(), mode=0o644)
    files.put(files.answer, record.model_dump_json().encode())
