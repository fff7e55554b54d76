"""What reports are made of, as a command line says: a fleet, the hosts that they are about, and their past.

Not here: the reports themselves (`report.content`), and which of them a command writes (`cli.report`, `cli.pages`).
"""

from __future__ import annotations

import json
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING

from deploy.cli.command import Common
from deploy.cli.running import check_record
from deploy.cli.subject import fleet_of, intent_of, snapshot_directory, source_of, stores_of
from deploy.model import clock
from deploy.source.known import SourcedFleet
from inventory.errors import InventoryError
from inventory.organisation import TIME_ZONE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from deploy.model.chain import Link
    from deploy.model.emergency import Emergency
    from deploy.model.record import Record
    from deploy.report.bundle import Evidence
    from deploy.report.document import Report
    from deploy.report.past import Past
    from deploy.report.procurement import Procurement
    from deploy.store.ports import History, StoreError
    from inventory.fleet import Fleet, Host


class ReportSubject:
    """What a command line asks to be told of: its fleet, its hosts, and their past."""

    def __init__(self, common: Common, at: str, faults: list[StoreError]) -> None:
        self.common, self.at, self._faults = common, at, faults
        self._history, self._source = stores_of(common).history, source_of(common)
        checked = _latest_check(self._history, self._source, at, faults)
        self._records = {checked.id} if checked else set[str]()
        self.fleet, self.about, self._checked = _subject(common, checked, at)

    def past(self, at: str, since: str = "") -> Past:
        """Read what is known of the past at a moment, and since the beginning of a period."""
        from deploy.report.past import read_past

        names = [h.name for h in self.fleet.hosts]
        past = read_past(self._history, names, self._source, at, self._faults, since=since)
        self._records |= past.records
        return past

    def emergencies(self, at: str) -> list[Emergency]:
        """Read the emergencies that at a moment were not signed off."""
        from deploy.report.past import emergencies_at

        found = emergencies_at(self._history, self._source, at, self._faults)
        self._records |= {record.id for e in found for record in (e.record, *e.sign_offs)}
        return found

    def report(self, at: str, since: str = "") -> Report:
        """Make the situation report of a moment."""
        past, emergencies = self.past(at, since), self.emergencies(at)
        return self.report_of(past, emergencies, at, self.about, whole=not self.common.limit)

    def report_of(
        self, past: Past, emergencies: Sequence[Emergency], at: str, hosts: Sequence[Host], *, whole: bool
    ) -> Report:
        """Make the situation report of some hosts, from what was read."""
        from deploy.report.content import report_of
        from deploy.runs.manifest import manifest_now

        return report_of(
            self.fleet,
            hosts,
            past,
            at,
            today=manifest_now(),
            check=self._checked,
            emergencies=emergencies,
            source=self._source,
            whole=whole,
        )

    def days_before(self, days: int) -> str:
        """Return the moment so many days before the newest run of this inventory, or before now."""
        from deploy.report.looks import of_the_moment

        newest = next(of_the_moment(self._history.runs(), self._source, self.at), None)
        return clock.later(newest.started if newest else self.at, -24 * days)

    def evidence(self, document: bytes | None, at: str = "") -> Evidence:
        """Return what a report is made of.

        Args:
            document: the report as JSON, which names the records that may be told; None for all.
            at: the moment of the history's head; without, now.
        """
        from deploy.report.bundle import evidence_of

        text = None if document is None else document.decode(errors="surrogatepass")
        named = {r for r in self._records if text is None or json.dumps(r) in text}
        return evidence_of(self._history.chain(), self._links, named, at or self.at)

    @cached_property
    def _links(self) -> tuple[Link, ...]:
        return tuple(self._history.links())

    @property
    def latest_link(self) -> str:
        """Return when the newest link of the history's chain was added; now, if there is none."""
        return self._links[-1].entry.at if self._links else self.at

    def procurement(self) -> Procurement:
        """Return what is known of the devices for who buys their successors."""
        from deploy.report.procurement import procurement
        from inventory.lifecycle import FILE as LIFECYCLE
        from inventory.lifecycle import read

        lifecycle = read(snapshot_directory(self.common).absolute().parent / LIFECYCLE)
        today = datetime.fromisoformat(self.at).astimezone(TIME_ZONE).date()
        return procurement(self.fleet, self.about, lifecycle, self.at, today)


def _latest_check(history: History, source: str, at: str, faults: list[StoreError]) -> Record | None:
    """Return the latest check of this inventory until a moment."""
    from deploy.model.history import checks_of
    from deploy.store.ports import readable

    until = (run for run in checks_of(history.runs, source) if run.started <= at)
    return next(readable(history, until, faults), None)


def _subject(common: Common, checked: Record | None, at: str) -> tuple[Fleet, Sequence[Host], Record | None]:
    """Return the fleet, the hosts that the report is about, and the latest check: where it is not sound, one of now."""
    from deploy.model.history import dated
    from deploy.model.inventory_findings import unsound
    from inventory.selection import select

    try:
        known = fleet_of(common)
        fleet, intent = known.fleet, intent_of(known)
        if found := unsound(intent.all_problems(), fleet):
            checked = dated(check_record(common, known, found, at), checked)
    except InventoryError as e:
        if e.fleet is None:
            raise
        # Not sound, and that is what the report has to say: what it needs to know is known, so no check is asked for.
        fleet = e.fleet
        known = SourcedFleet(fleet, source_of(common), "")
        checked = dated(check_record(common, known, unsound(e.problems, fleet), at), checked)
        if common.limit and not fleet.hosts:
            raise
    # The whole fleet, also with --lab: what nobody looked at belongs in the report.
    return fleet, select(common.limit, fleet, fleet.hosts) if common.limit else fleet.hosts, checked
