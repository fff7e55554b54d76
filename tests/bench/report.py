"""How long a report of a thousand hosts takes after a year of daily scans, how much memory, and how its page opens.

For `make bench`. The store is `tests.bench.store`'s; the report tells what happened in the whole year, so every record
is read. The page is opened in Chromium, which tells of each task that kept it from answering for more than 50 ms. Of
several openings the best counts: what else the machine does makes any of them slower, and none faster.
"""

from __future__ import annotations

import resource
import sys
import tempfile
import time
from ipaddress import IPv4Address
from pathlib import Path

from deploy.report.bundle import as_json
from deploy.report.content import report_of
from deploy.report.page import html
from deploy.report.past import read_past
from deploy.runs.manifest import manifest_now
from deploy.store.ports import StoreError
from inventory.fleet import Fleet, Host
from inventory.organisation import Tenant
from tests.bench.store import NAMES, kept
from tests.browser import browser, cannot_browse

DAYS, SECONDS, MEBIBYTES, TASK, OPENED = 365, 60.0, 1024, 200, 5
AT, SINCE = "2026-01-01T00:00:00.000Z", "2025-01-01T00:00:00.000Z"

FLEET = Fleet(
    tenants=(Tenant(slug="tierp", name="Tierp"),),
    hosts=tuple(
        Host(
            name=name,
            kind="vm",
            tenant="tierp",
            primary_address=IPv4Address("10.60.0.0") + number,
            context={"samdrift": {"roles": {"base": True, "time": True, "firewall": True}}},
        )
        for number, name in enumerate(NAMES)
    ),
)


def main() -> int:
    """Measure; end with 1 where it takes too long or too much."""
    with tempfile.TemporaryDirectory() as scratch:
        history, faults = kept(Path(scratch) / "year", DAYS).history, list[StoreError]()
        before, worked = time.perf_counter(), time.process_time()
        past = read_past(history, NAMES, "snapshot", AT, faults, since=SINCE)
        read = time.perf_counter()
        made = report_of(FLEET, FLEET.hosts, past, AT, today=manifest_now(), whole=True)
        page, document = html(made), as_json(made)
        took, memory = time.perf_counter() - before, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        worked = time.process_time() - worked
        file = Path(scratch) / "report.html"
        file.write_text(page, encoding="utf-8")
        why = cannot_browse()
        longest = TASK + 1 if why else longest_task(file)
    print(f"{len(NAMES)} hosts, {len(past.records)} runs: {took:.1f} s, of which {read - before:.1f} s to read them")
    print(f"processor time: {worked:.1f} s; what is more, the machine did something else")
    print(f"{memory:.0f} MiB; a page of {len(page) / 2**20:.0f} MiB and a document of {len(document) / 2**20:.0f} MiB")
    print(why or f"opened {OPENED} times in Chromium: at best, its longest task took {longest} ms")
    slow = took > SECONDS or memory > MEBIBYTES or longest > TASK
    return int(bool(faults) or len(past.records) != DAYS or slow)


WATCHED = """window.tasks = [0]; new PerformanceObserver(told => {
  for (const task of told.getEntries()) window.tasks.push(Math.round(task.duration));
}).observe({type: "longtask", buffered: true})"""

SETTLED = "new Promise(done => setTimeout(done, 1000))"
"""What comes after a page is there: it is laid out and painted."""


def longest_task(file: Path) -> int:
    """Open a page, go to its middle and its end; return how many milliseconds its longest task took at best."""
    longest = []
    with browser() as running:
        for _ in range(OPENED):
            page = running.page()
            page.resize(1280)
            page.before(WATCHED)
            page.open(file)
            for part in (0, 2, 1):
                page.ask(f"window.scrollTo(0, {part and 1 / part} * document.body.scrollHeight); {SETTLED}")
            longest.append(int(page.ask("Math.max(...window.tasks)")))
            page.close()
    return min(longest)


if __name__ == "__main__":
    sys.exit(main())
