"""Reports of records that a test has at hand, as a store would have given them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from deploy.model.record import Record
from deploy.report import content
from deploy.report.document import Report
from deploy.report.past import past_of
from inventory.fleet import Fleet, Host


def report_of(
    fleet: Fleet, hosts: Sequence[Host], records: Iterable[Record], at: str, *, since: str = "", **more: Any
) -> Report:
    """The report that these records, in any order, and no others make."""
    return content.report_of(fleet, hosts, past_of(records, [h.name for h in fleet.hosts], since), at, **more)
