"""What `history` shows: the recorded runs as a list, and one run in full.

Not here: where records are kept (`store`), and the report for auditors (`report`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from rich.console import RenderableType
from rich.text import Text

from deploy.model.record import Record
from deploy.model.text import inline, several
from deploy.model.words import name
from deploy.views.findings import checks_summary, findings
from deploy.views.parts import empty_table, fact_table, indented
from deploy.views.plan import results


def history(records: Sequence[Record]) -> Iterator[RenderableType]:
    """Show who ran what, when, and how it ended; the newest last, where the prompt is."""
    table = empty_table()
    table.add_column("Record", no_wrap=True)
    for head in ("Who", "Limit"):
        table.add_column(head, overflow="fold")
    for head in ("Hosts", "Changed", "Findings"):
        table.add_column(head, justify="right")
    table.add_column("Ended", no_wrap=True)
    for record in records:
        changed = sum(r.outcome == "changed" for r in record.hosts)
        table.add_row(
            Text(inline(record.id), "bold"),
            Text(inline(record.who)),
            Text(inline(record.limit) or "–"),
            str(len(record.hosts)),
            str(changed or "–"),
            str(len(record.findings) or "–"),
            Text(_ended(record.exit_code), "green" if record.exit_code == 0 else "yellow"),
        )
    yield table
    yield Text(f"{several(len(records), 'run')}. One in full: samdrift history RECORD")


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
    yield from findings(shown.findings, names)
