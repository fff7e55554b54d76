"""`samdrift pages`: what the watch found, as pages that a web server serves: each municipality its own, and all to one.

No host is looked at. Not here: what the pages say (`report.watched`), and how they look (`report.watch_pages`).
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.text import Text

from deploy.cli.command import FILE, Common, answer, aside, command
from deploy.cli.reported import ReportSubject
from deploy.model import clock
from deploy.model.kinds import Exit
from deploy.model.text import inline
from inventory.errors import UsageError
from inventory.organisation import ALL

if TYPE_CHECKING:
    from deploy.store.ports import StoreError


@command("pages")
@click.argument("directory", metavar="DIR", type=FILE)
def pages(common: Common, directory: Path) -> int:
    """Write pages for people to browse: each municipality its own.

    They are of the inventory and of earlier runs. DIR/current/MUNICIPALITY is what its people may see, DIR/current/all
    what operations may: the state now, every host, each finding since when, the history of 90 days, the report. All of
    it takes its place at once, and who serves it is to let each reader see no other's. A record that is damaged is
    told, the pages are made of the others, and it ends with 1.
    """
    from deploy.report.published import publish, publishing

    if common.limit:
        raise UsageError("the pages are of every municipality", where="--limit", fix="leave it out")
    faults: list[StoreError] = []
    with publishing(directory):
        by_reader = _written(ReportSubject(common, clock.now(), faults))
        files = {f"{reader}/{path}": data for reader, some in by_reader.items() for path, data in some.items()}
        is_new = publish(files, directory)
    counted = {reader: len(some) for reader, some in by_reader.items()}
    document = {"directory": str(directory), "changed": is_new, "files": counted}
    line = f"{len(files)} files for {len(counted)} readers" if is_new else "nothing is other than it was"
    answer(common, document, [Text(f"{inline(directory)}/current: {line}")])
    for fault in dict.fromkeys(map(str, faults)):
        aside(common, f"warning: {fault}")
    return Exit.ERROR if faults else Exit.OK


def _written(subject: ReportSubject) -> dict[str, dict[str, bytes]]:
    """Write the pages of every reader."""
    from deploy.report.bundle import as_json
    from deploy.report.masking import names_in
    from deploy.report.watch_pages import pages_of
    from deploy.report.watched import DAYS, latest_of, readers, watched

    past, emergencies = subject.past(subject.at, subject.days_before(DAYS)), subject.emergencies(subject.at)
    newest = latest_of(past.slices, subject.fleet.hosts, otherwise=subject.at)
    written = {}
    for reader, hosts in readers(subject.fleet).items():
        whole = reader == ALL
        at = latest_of(past.slices, hosts, otherwise=newest)
        report = subject.report_of(past, emergencies, at, hosts, whole=whole)
        evidence = subject.evidence(None if whole else as_json(report), subject.latest_link)
        names = None if whole else names_in(subject.fleet, {reader})
        written[reader] = pages_of(watched(report, past.slices, names), evidence)
    return written
