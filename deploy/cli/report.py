"""`samdrift report`: what auditors read, from the inventory and from what earlier runs left in the store.

No host is looked at. Not here: what a report says (`report.content`), and how its page looks (`report.page`).
"""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import click
from rich.text import Text

from deploy.cli.command import FILE, Common, answer, aside, command
from deploy.cli.running import check_record
from deploy.cli.subject import fleet_of, intent_of, source_of, stores_of
from deploy.model import clock
from deploy.model.kinds import Exit
from deploy.source.known import SourcedFleet
from inventory.errors import InventoryError


@command("report")
@click.option(
    "--out",
    metavar="DIR",
    type=FILE,
    default=Path("report"),
    show_default=True,
    help="Where report.html and report.json go.",
)
def report(common: Common, out: Path) -> int:
    """Write what auditors read: how the hosts stood when last looked at.

    A record that is damaged is told, the report is made of the others, and it ends with 1.
    """
    from deploy.model.history import checks_of, dated, looks
    from deploy.model.inventory_findings import unsound
    from deploy.report.content import LATEST_RUNS, report_of
    from deploy.report.page import headline, write
    from deploy.runs.manifest import manifest_now
    from deploy.runs.sign_off import emergencies_of
    from deploy.store.ports import StoreError, readable
    from inventory.selection import select

    source, now = source_of(common), clock.now()
    past, faults = stores_of(common).history, list[StoreError]()
    checked = next(readable(past, checks_of(past.runs, source), faults), None)
    try:
        known = fleet_of(common)
        fleet, intent = known.fleet, intent_of(known)
        if found := unsound(intent.all_problems(), fleet):
            checked = dated(check_record(common, known, found, now), checked)
    except InventoryError as e:
        if e.fleet is None:
            raise
        # Not sound, and that is what the report has to say: what it needs to know is known, so no check is asked for.
        fleet = e.fleet
        checked = dated(check_record(common, SourcedFleet(fleet, source, ""), unsound(e.problems, fleet), now), checked)
        if common.limit and not fleet.hosts:
            raise
    # The whole fleet, also with --lab: what nobody looked at belongs in the report.
    about = select(common.limit, fleet, fleet.hosts) if common.limit else fleet.hosts
    look, whole = next(readable(past, looks(past.runs), faults), None), not common.limit
    telling = {run.id: run for run in (*islice(past.runs(), LATEST_RUNS), *past.about([h.name for h in about]))}
    records = tuple(readable(past, telling.values(), faults))
    made = report_of(
        fleet,
        about,
        look,
        records,
        now,
        today=manifest_now(),
        check=checked,
        emergencies=tuple(emergencies_of(past, faults)),
        source=source,
        whole=whole,
    )
    page, document = write(made, out)
    lines = [Text(headline(made).english, "bold"), Text(f"Read it: {page}"), Text(f"As data: {document}")]
    answer(common, made.model_dump(mode="json"), lines)
    for fault in dict.fromkeys(map(str, faults)):
        aside(common, f"warning: {fault}")
    return Exit.ERROR if faults else Exit.OK
