"""`samdrift report`: what auditors and others read, from the inventory and from what earlier runs left in the store.

No host is looked at. Not here: what a report says (`report.content`), and how its page looks (`report.page`).
"""

from __future__ import annotations

from datetime import UTC, datetime, time
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.text import Text

from deploy.cli.command import FILE, WORDS, Common, answer, aside, command
from deploy.cli.running import check_record
from deploy.cli.subject import fleet_of, intent_of, snapshot_directory, source_of, stores_of
from deploy.model import clock
from deploy.model.kinds import Exit
from deploy.source.known import SourcedFleet
from inventory.errors import InventoryError, UsageError
from inventory.organisation import TIME_ZONE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from deploy.model.record import Record
    from deploy.model.words import Language
    from deploy.report.document import Report
    from deploy.report.past import Past
    from deploy.report.procurement import Procurement
    from deploy.store.ports import History, StoreError
    from inventory.fleet import Fleet, Host
    from inventory.frozen import Frozen

SINCE_LAST_TIME = 91
"""So many days before it, the board met last, if nobody says otherwise."""


@command("report")
@click.option(
    "--out",
    metavar="DIR",
    type=FILE,
    default=Path("report"),
    show_default=True,
    help="Where report.html and report.json go.",
)
@click.option(
    "--for",
    "reader",
    type=click.Choice(["operations", "auditor", "board", "procurement", "consolidation"]),
    default="operations",
    show_default=True,
    help="Who is to read it.",
)
@click.option("--at", metavar="WHEN", type=WORDS, help="How it stood then: 2026-11-29, 2026-11-29T07:30. [now]")
@click.option("--from", "since", metavar="WHEN", type=WORDS, help="Say what happened since then, too.")
@click.option("--to", "until", metavar="WHEN", type=WORDS, help="The end of that period, and how it stood then. [now]")
@click.option("--lang", type=click.Choice(["sv", "en"]), default="sv", show_default=True, help="Of the page.")
def report(  # noqa: PLR0917  click tells options by name
    common: Common, out: Path, reader: str, at: str | None, since: str | None, until: str | None, lang: Language
) -> int:
    """Write what auditors and others read: how the hosts stood when last looked at.

    WHEN is a day or a time as people in the municipalities live it; a day ends a period with its last moment. A report
    of some municipalities (--limit heby) says nothing of others; an auditor's is about one. A record that is damaged is
    told, the report is made of the others, and it ends with 1.
    """
    from deploy.report.page import write

    if at and until:
        raise UsageError("--at and --to both say when", fix="give one of them")
    moment = _moment_of("--at" if at else "--to", at or until, ends=True) or clock.now()
    beginning = _moment_of("--from", since, ends=False)
    if beginning > moment:
        raise UsageError("the period ends before it begins", where="--from", fix="give an earlier --from")
    if reader in {"board", "consolidation"}:
        beginning = beginning or clock.later(moment, -24 * SINCE_LAST_TIME)
    faults: list[StoreError] = []
    document, text, line = _written(reader, _Subject(common, moment, faults), beginning, lang)
    page, data = write(document, text, out)
    answer(
        common,
        document.model_dump(mode="json"),
        [Text(line, "bold"), Text(f"Read it: {page}"), Text(f"As data: {data}")],
    )
    for fault in dict.fromkeys(map(str, faults)):
        aside(common, f"warning: {fault}")
    return Exit.ERROR if faults else Exit.OK


def _written(reader: str, subject: _Subject, since: str, lang: Language) -> tuple[Frozen, str, str]:
    """Return a reader's document, its page, and what it says in a line."""
    from deploy.report.board import board
    from deploy.report.consolidation import consolidation
    from deploy.report.page import headline, html
    from deploy.report.reader_pages import reader_html

    limited = bool(subject.common.limit)
    if reader in {"board", "consolidation"} and limited:
        raise UsageError(f"a report for {reader} is about all municipalities", where="--limit", fix="leave it out")
    if reader == "auditor" and len({h.tenant for h in subject.about}) != 1:
        raise UsageError("an auditor's report is about one municipality", where="--limit", fix="such as: --limit heby")
    if reader == "board":
        then = subject.report(since)
        of_board = board(subject.report(subject.at, since), then if then.run else None, subject.procurement())
        return of_board, reader_html(of_board, lang), f"To decide: {len(of_board.decisions)}"
    if reader == "procurement":
        bought = subject.procurement()
        return bought, reader_html(bought, lang), f"{len(bought.devices)} devices, {len(bought.models)} models"
    if reader == "consolidation":
        then_runs = subject.past(since).latest
        apart = consolidation(subject.fleet, subject.about, then_runs, subject.at, since)
        return apart, reader_html(apart, lang), f"{len(apart.shared)} shared, {len(apart.separate)} separate systems"
    made = subject.report(subject.at, since)
    return made, html(made, lang), headline(made).english


class _Subject:
    """What a command line asks to be told of: its fleet, its hosts, and their past."""

    def __init__(self, common: Common, at: str, faults: list[StoreError]) -> None:
        self.common, self.at, self._faults = common, at, faults
        self._history, self._source = stores_of(common).history, source_of(common)
        checked = _latest_check(self._history, self._source, at, faults)
        self.fleet, self.about, self._checked = _subject(common, checked, at)

    def past(self, at: str, since: str = "") -> Past:
        """Read what is known of the past at a moment."""
        from deploy.report.past import read_past

        names = [h.name for h in self.fleet.hosts]
        return read_past(self._history, names, self._source, at, self._faults, since=since)

    def report(self, at: str, since: str = "") -> Report:
        """Make the situation report of a moment."""
        from deploy.report.content import report_of
        from deploy.report.past import emergencies_at
        from deploy.runs.manifest import manifest_now

        return report_of(
            self.fleet,
            self.about,
            self.past(at, since),
            at,
            today=manifest_now(),
            check=self._checked,
            emergencies=emergencies_at(self._history, self._source, at, self._faults),
            source=self._source,
            whole=not self.common.limit,
        )

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


def _moment_of(option: str, given: str | None, *, ends: bool) -> str:
    """Return a moment as somebody gave it, in UTC; empty if nobody did.

    Args:
        ends: a day means its last moment, and not its first.

    Raises:
        UsageError: it is no moment, or still to come.
    """
    if given is None:
        return ""
    try:
        meant = datetime.fromisoformat(given)
    except ValueError:
        raise UsageError(f"not a time: {given}", where=option, fix="2026-11-29, or 2026-11-29T07:30") from None
    if len(given) <= len("2026-11-29"):
        meant = datetime.combine(meant, time.max if ends else time.min)
    local = meant if meant.tzinfo else meant.replace(tzinfo=TIME_ZONE)
    moment = local.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    now = clock.now()
    if moment <= now:
        return moment
    if ends and meant.time() == time.max and local.date() == datetime.fromisoformat(now).astimezone(TIME_ZONE).date():
        return now  # today has not ended
    raise UsageError("that is still to come", where=option, fix="give an earlier time")
