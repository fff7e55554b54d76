"""What a year of daily runs of 1,000 hosts costs `history`, `report` and `drift`, beside a week of them, in one run.

Each question is asked of both stores in turn, and medians are compared: what a machine does besides changes both.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from statistics import median

from pydantic import TypeAdapter

from deploy.model.chain import Event
from deploy.model.record import AppliedStep, CheckResult, HostResult, Record
from deploy.model.step_id import StepId
from deploy.report.looks import of_the_moment
from deploy.store.database import FILE, open_directory
from deploy.store.opening import stores_of
from deploy.store.ports import Stores
from deploy.store.sql_history import SqlHistory
from deploy.store.witness import SystemJournal

HOSTS, CHECKS, TIMES = 1000, 10, 7
AT_MOST = 1.5
"""How much more a question may cost after a year than after a week."""

NAMES = [f"host{n}" for n in range(HOSTS)]

QUESTIONS: dict[str, Callable[[Stores], object]] = {
    "history: 5 runs": lambda stores: [stores.history.fault(run.id) for run in islice(stores.history.runs(), 5)],
    "history: one record": lambda stores: stores.history.latest("drift"),
    "report: which run": lambda stores: next(of_the_moment(stores.history.runs(), "snapshot", "2999")),
    "report: of each host": lambda stores: stores.history.about(NAMES),
    "drift: settling": lambda stores: stores.settle(),
    "drift: what was applied": lambda stores: [stores.applied.last_applied(name) for name in NAMES],
}


def main() -> int:
    """Measure; end with 1 where a question costs more after a year."""
    with tempfile.TemporaryDirectory() as scratch:
        started = time.perf_counter()
        week, year = (kept(Path(scratch) / f"{days}", days) for days in (7, 365))
        size = (Path(scratch) / "365" / FILE).stat().st_size / 2**20
        print(f"365 runs of {HOSTS} hosts: {size:.0f} MiB, written in {time.perf_counter() - started:.0f} s\n")
        failed = False
        for what, ask in QUESTIONS.items():
            took: dict[int, list[float]] = {7: [], 365: []}
            for _ in range(TIMES):
                for days, stores in ((7, week), (365, year)):
                    before = time.perf_counter()
                    ask(stores)
                    took[days].append(time.perf_counter() - before)
            after_week, after_year = median(took[7]), median(took[365])
            ratio = after_year / after_week
            failed |= ratio > AT_MOST
            verdict = "kept" if ratio <= AT_MOST else "NOT kept"
            print(f"  {what:24} {after_week * 1000:8.1f} ms, {after_year * 1000:8.1f} ms: {ratio:.2f}, {verdict}")
    return int(failed)


def kept(directory: Path, days: int) -> Stores:
    """Keep a drift for each day, and an apply before them."""
    directory.mkdir()
    database = open_directory(directory)
    history, stores = SqlHistory(database, SystemJournal()), stores_of(database)
    first = datetime(2025, 1, 1, 6, tzinfo=UTC)
    stores.keep(_record("apply", first, steps=20))
    example = _record("drift", first)
    text = TypeAdapter(Record).dump_json(example)
    for day in range(1, days):
        one = _record("drift", first + timedelta(days=day), of=example)
        changed = text.replace(example.id.encode(), one.id.encode()).replace(
            example.started.encode(), one.started.encode()
        )
        history.put(one, changed, Event.KEPT)
    return stores


def _record(command: str, at: datetime, *, steps: int = 0, of: Record | None = None) -> Record:
    started = f"{at.isoformat(timespec='milliseconds')[:23]}Z"
    record_id = f"{started.replace('-', '').replace(':', '')}-{command}-0000"
    if of is not None:
        return of.model_copy(update={"id": record_id, "started": started, "finished": started})
    given = {StepId("time", f"file /etc/{n}"): AppliedStep(intent=f"{n:064}", after=f"{n:064}") for n in range(steps)}
    return Record(
        id=record_id,
        command=command,
        who="bench",
        started=started,
        finished=started,
        fleet_digest="f",
        fleet_source="snapshot",
        code_digest="c",
        hosts=tuple(HostResult(host=n, municipality="tierp", outcome="in sync", steps=given) for n in NAMES),
        checks=tuple(
            CheckResult(host=n, municipality="tierp", role="time", name=f"test_{c}", outcome="passed", seconds=0.1)
            for n in NAMES
            for c in range(CHECKS)
        ),
        exit_code=0,
    )


if __name__ == "__main__":
    sys.exit(main())
