"""How long a report of a thousand hosts takes after a year of daily scans, and how much memory: `make bench`.

The store is `tests.bench.store`'s; the report tells what happened in the whole year, so every record is read.
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

DAYS, SECONDS, MEBIBYTES = 365, 60.0, 1024
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
        before = time.perf_counter()
        past = read_past(history, NAMES, "snapshot", AT, faults, since=SINCE)
        read = time.perf_counter()
        made = report_of(FLEET, FLEET.hosts, past, AT, today=manifest_now(), whole=True)
        page, document = html(made), as_json(made)
        took, memory = time.perf_counter() - before, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{len(NAMES)} hosts, {len(past.records)} runs: {took:.1f} s, of which {read - before:.1f} s to read them")
    print(f"{memory:.0f} MiB; a page of {len(page) / 2**20:.0f} MiB and a document of {len(document) / 2**20:.0f} MiB")
    return int(bool(faults) or len(past.records) != DAYS or took > SECONDS or memory > MEBIBYTES)


if __name__ == "__main__":
    sys.exit(main())
