"""What `history` shows: the recorded runs as a list, and one run in full.

Not here: where records are kept (`store`), and the report for auditors (`report`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from rich.console import RenderableType
from rich.text import Text

from deploy.model.record import Record, Removed, Summary
from deploy.model.text import inline, several
from deploy.model.words import name
from deploy.views.findings import checks_summary, findings
from deploy.views.parts import empty_table, fact_table, indented
from deploy.views.plan import results


def history(runs: Sequence[Summary], faults: Mapping[str, str]) -> Iterator[RenderableType]:
    """Show who ran what, when, and how it ended; the newest last, where the prompt is.

    Args:
        faults: what is wrong with damaged records, by id.
    """
    table = empty_table()
    table.add_column("Record", no_wrap=True)
    for head in ("Who", "Limit"):
        table.add_column(head, overflow="fold")
    for head in ("Hosts", "Changed", "Findings"):
        table.add_column(head, justify="right")
    table.add_column("Ended", no_wrap=True)
    for run in runs:
        ended = Text(_ended(run.exit_code), "green" if run.exit_code == 0 else "yellow")
        table.add_row(
            Text(inline(run.id), "bold"),
            Text(inline(run.who)),
            Text(inline(run.limit) or "–"),
            str(run.hosts),
            str(run.changed or "–"),
            str(run.findings or "–"),
            Text("damaged", "bold red") if run.id in faults else ended,
        )
    yield table
    yield Text(f"{several(len(runs), 'run')}. One in full: samdrift history RECORD")
    for record_id, fault in faults.items():
        yield Text.assemble(("damaged: ", "bold red"), f"{inline(record_id)}: {inline(fault)}")


def removed(shown: Sequence[Removed], names: Mapping[str, str]) -> Iterator[RenderableType]:
    """Show what a pruning removes, of which municipality, and from when to when."""
    table = empty_table()
    for head in ("What", "Municipality"):
        table.add_column(head, overflow="fold")
    table.add_column("Count", justify="right")
    for head in ("First", "Last"):
        table.add_column(head, no_wrap=True)
    for one in shown:
        whose = names.get(one.municipality, one.municipality) or "–"
        cells = (one.kind, whose, one.count, one.first[:10], one.last[:10])
        table.add_row(*(Text(inline(cell)) for cell in cells))
    yield table


def _ended(code: int) -> str:
    return f"{code} {name('exit', str(code))}".rstrip()


def record(shown: Record, names: Mapping[str, str]) -> Iterator[RenderableType]:
    """Show one run in full."""
    yield Text.assemble((inline(shown.id), "bold"), "  ", (inline(shown.command), "cyan"))
    facts = [
        ("who", shown.who),
        ("started", shown.started),
        ("finished", shown.finished),
        ("command", "samdrift " + " ".join(shown.argv)),
        ("limit", shown.limit),
        ("only roles", ", ".join(shown.only_roles)),
        ("inventory", f"{shown.fleet_source}  {shown.fleet_digest[:12]}  {shown.fleet_time}".rstrip()),
        ("code", shown.code_digest[:12]),
        ("plan", shown.plan_digest[:12]),
        ("ended", _ended(shown.exit_code)),
    ]
    yield indented(fact_table([(k, v) for k, v in facts if v]))
    yield Text()
    if shown.hosts:
        yield from results(shown.hosts, names)
        yield Text()
    if shown.checks:
        yield Text(checks_summary(shown.checks))
        yield Text()
    if shown.removed:
        yield from removed(shown.removed, names)
    yield from findings(shown.findings, names)
