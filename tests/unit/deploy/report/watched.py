"""The watch's pages of records that a test has at hand, as a store would have given them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from deploy.model.record import Record
from deploy.report import content
from deploy.report.bundle import Evidence
from deploy.report.masking import names_in
from deploy.report.past import past_of
from deploy.report.watch_pages import pages_of
from deploy.report.watched import latest_of, readers, watched
from inventory.fleet import Fleet
from inventory.organisation import ALL

EVIDENCE = Evidence(at="2026-11-24T00:00:00.000Z", chain="", links=0, head="", records=())


def pages_for(
    reader: str, fleet: Fleet, records: Iterable[Record], *, since: str, otherwise: str, **more: Any
) -> dict[str, bytes]:
    """The pages of a reader that these records, in any order, and no others make."""
    hosts = readers(fleet)[reader]
    past = past_of(records, [h.name for h in fleet.hosts], since)
    at = latest_of(past.slices, hosts, otherwise)
    report = content.report_of(fleet, hosts, past, at, whole=reader == ALL, **more)
    return pages_of(watched(report, past.slices, None if reader == ALL else names_in(fleet, {reader})), EVIDENCE)
