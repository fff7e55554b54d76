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
from deploy.cli.subject import fleet_of, intent_of, source_of, stores_of
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
    from deploy.store.ports import History, StoreError
    from inventory.fleet import Fleet, Host


@command("report")
@click.option(
    "--out",
    metavar="DIR",
    type=FILE,
    default=Path("report"),
    show_default=True,
    help="Where report.html and report.json go.",
)
@click.option("--at", metavar="WHEN", type=WORDS, help="How it stood then: 2026-11-29, 2026-11-29T07:30. [now]")
@click.option("--from", "since", metavar="WHEN", type=WORDS, help="Say what happened since then, too.")
@click.option("--to", "until", metavar="WHEN", type=WORDS, help="The end of that period, and how it stood then. [now]")
@click.option("--lang", type=click.Choice(["sv", "en"]), default="sv", show_default=True, help="Of the page.")
def report(  # noqa: PLR0917  click tells options by name
    common: Common, out: Path, at: str | None, since: str | None, until: str | None, lang: Language
) -> int:
    """Write what auditors read: how the hosts stood when last looked at.

    WHEN is a day or a time as people in the municipalities live it; a day ends a period with its last moment. A report
    of some municipalities (--limit heby) says nothing of others. A record that is damaged is told, the report is made
    of the others, and it ends with 1.
    """
    from deploy.report.page import headline, write

    if at and until:
        raise UsageError("--at and --to both say when", fix="give one of them")
    moment = _moment_of("--at" if at else "--to", at or until, ends=True) or clock.now()
    beginning = _moment_of("--from", since, ends=False)
    if beginning > moment:
        raise UsageError("the period ends before it begins", where="--from", fix="give an earlier --from")
    faults: list[StoreError] = []
    made = _made(common, moment, beginning, faults)
    page, document = write(made, out, lang)
    lines = [Text(headline(made).english, "bold"), Text(f"Read it: {page}"), Text(f"As data: {document}")]
    answer(common, made.model_dump(mode="json"), lines)
    for fault in dict.fromkeys(map(str, faults)):
        aside(common, f"warning: {fault}")
    return Exit.ERROR if faults else Exit.OK


def _made(common: Common, at: str, since: str, faults: list[StoreError]) -> Report:
    """Make the report of what this command line is about."""
    from deploy.report.content import report_of
    from deploy.report.past import emergencies_at, read_past
    from deploy.runs.manifest import manifest_now

    history, source = stores_of(common).history, source_of(common)
    checked = _latest_check(history, source, at, faults)
    fleet, about, checked = _subject(common, checked, at)
    past = read_past(history, [h.name for h in fleet.hosts], source, at, faults, since=since)
    return report_of(
        fleet,
        about,
        past,
        at,
        today=manifest_now(),
        check=checked,
        emergencies=emergencies_at(history, source, at, faults),
        source=source,
        whole=not common.limit,
    )


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
