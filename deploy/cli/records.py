"""`samdrift history`, `history config` and `report`: what earlier runs left in the store.

No host is looked at. Not here: what a report says (`report.content`) and how its page looks (`report.page`).
"""

from __future__ import annotations

from pathlib import Path

import click
from rich.text import Text

from deploy.cli.command import FILE, WORDS, Common, WithDefault, answer, command
from deploy.cli.subject import backup_vault, check_record, fleet_of, intent_of, source_of, stores_of
from deploy.model import clock
from deploy.source.known import SourcedFleet
from deploy.views.parts import municipalities
from inventory.errors import InventoryError, UsageError


@click.group("history", cls=WithDefault, options_metavar="[OPTIONS]", subcommand_metavar="[RECORD] | config HOST")
def history() -> None:
    """List who did what, when, with which plan; or show one run.

    --last N says how many runs (20). `history config HOST` is about the configurations that a host had.
    """


@command("runs", of=history)
@click.argument("record_id", metavar="[RECORD]", required=False)
@click.option("--last", metavar="N", type=click.IntRange(min=1), default=20, show_default=True, help="How many runs.")
def history_runs(common: Common, record_id: str | None, last: int) -> None:
    """List who did what, when, with which plan; or show one run."""
    from deploy.views import records as view

    past = stores_of(common).history
    if record_id is None:
        records = past.records(last)
        answer(common, {"records": [r.model_dump(mode="json") for r in records]}, view.history(records[::-1]))
    else:
        record = past.record(record_id)
        fleet = fleet_of(common).fleet
        answer(common, record.model_dump(mode="json"), view.record(record, municipalities(fleet)))


@command("config", of=history)
@click.argument("host")
@click.option("--at", metavar="TIME", type=WORDS, help="As it was then: 2026-11-29, 2026-11-29T07:30 (UTC).")
@click.option("--diff", "as_diff", is_flag=True, help="What changed with the newest, or with the one of --at.")
@click.option("--of", "what", metavar="WHAT", type=WORDS, help="Of a gateway: FRR, nftables.")
@click.option("--unmasked", is_flag=True, help="With its secrets, for whoever holds the municipality's key.")
def history_config(  # noqa: PLR0917  click tells options by name
    common: Common, host: str, at: str | None, as_diff: bool, what: str | None, unmasked: bool
) -> None:
    """List the configurations that a host had; or show one, or what changed.

    To read one takes an age identity that opens the municipality's secrets.
    """
    from deploy.model.backup import as_of, of_kind
    from deploy.runs.backups import changed, opened
    from deploy.views import backups as view

    kept = stores_of(common).backups.of(host)
    if at is None and not as_diff:
        if unmasked:
            raise UsageError("a list has nothing to withhold", where="--unmasked", fix="add --at TIME, or --diff")
        chosen = [b for b in kept if what in {None, b.what}]
        listed = [b.model_dump(mode="json", exclude={"sealed"}) for b in chosen]
        answer(common, {"host": host, "backups": listed}, view.listed(chosen[::-1], host))
        return
    versions = of_kind(kept, what or "", host)
    one = as_of(versions, at or "", host)
    vault = backup_vault(common)
    document = one.model_dump(mode="json", exclude={"sealed"}) | {"masked": not unmasked}
    if as_diff:
        before = next((b for b in versions if b.taken < one.taken), None)
        what_changed = changed(before, one, vault, unmasked=unmasked)
        answer(
            common,
            document | {"before": before.taken if before else "", "diff": what_changed},
            view.changed(one, before, what_changed),
        )
    else:
        text = opened(one, vault, unmasked=unmasked)
        answer(common, document | {"text": text}, view.text(one, text))


@command("report")
@click.option(
    "--out",
    metavar="DIR",
    type=FILE,
    default=Path("report"),
    show_default=True,
    help="Where report.html and report.json go.",
)
def report(common: Common, out: Path) -> None:
    """Write what auditors read: how the hosts stood when last looked at."""
    from deploy.model.history import dated, latest_check, latest_look
    from deploy.model.inventory_findings import unsound
    from deploy.report.content import report_of
    from deploy.report.page import headline, write
    from deploy.runs.manifest import manifest_now
    from inventory.selection import select

    source, now = source_of(common), clock.now()
    records = stores_of(common).history.records()
    checked = latest_check(records, source)
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
    look, whole = latest_look(records), not common.limit
    made = report_of(fleet, about, look, records, now, today=manifest_now(), check=checked, source=source, whole=whole)
    page, document = write(made, out)
    lines = [Text(headline(made).english, "bold"), Text(f"Read it: {page}"), Text(f"As data: {document}")]
    answer(common, made.model_dump(mode="json"), lines)
