"""What `history` shows: the recorded runs as a list, and one run in full.

Not here: where records are kept (`store`), and the report for auditors (`report`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

from rich.console import RenderableType
from rich.text import Text

from deploy.model.chain import Break
from deploy.model.record import BegunStep, Record, Removed, Summary
from deploy.model.text import inline, several
from deploy.model.twins import Rehearsed
from deploy.model.words import name
from deploy.views.approvals import approval
from deploy.views.findings import checks_summary, findings
from deploy.views.parts import empty_table, fact_table, indented
from deploy.views.plan import results


def history(runs: Sequence[Summary], faults: Mapping[str, str], lost: Collection[str] = ()) -> Iterator[RenderableType]:
    """Show who ran what, when, why, and how it ended; the newest last, where the prompt is.

    Args:
        faults: what is wrong with damaged records, by id.
        lost: the runs that have not ended, and never will: their process is gone.
    """
    table = empty_table()
    table.add_column("Record", no_wrap=True)
    for head in ("Who", "Why", "Limit"):
        table.add_column(head, overflow="fold")
    for head in ("Hosts", "Changed", "Findings"):
        table.add_column(head, justify="right")
    table.add_column("Ended", no_wrap=True)
    for run in runs:
        ended = Text(_ended(run.exit_code), "green" if run.exit_code == 0 else "yellow")
        if not run.ended:
            ended = Text("without a word", "bold red") if run.id in lost else Text("not yet", "cyan")
        ended.append("  EMERGENCY" if run.emergency else "", "bold red")
        table.add_row(
            Text(inline(run.id), "bold"),
            Text(inline(run.who)),
            Text(inline(run.reason) or "–"),
            Text(inline(run.limit) or "–"),
            str(run.hosts),
            str(run.changed or "–"),
            str(run.findings or "–"),
            Text("damaged", "bold red")
            if run.id in faults
            else ended.append("  EMERGENCY" if run.emergency else "", "bold red"),
        )
    yield table
    yield Text(f"{several(len(runs), 'run')}. One in full: samdrift history RECORD")
    for record_id, fault in faults.items():
        yield Text.assemble(("damaged: ", "bold red"), f"{inline(record_id)}: {inline(fault)}")


def verified(found: Sequence[Break], numbers: Mapping[str, object], place: str) -> Iterator[RenderableType]:
    """Show whether a history is what it was, and which records are not."""
    for one in found:
        yield Text.assemble((f"{one.what}: ", "bold red"), f"{inline(one.record)}: {inline(one.known_by)}")
    yield Text(
        f"{inline(place)}: {numbers['records']} records, {numbers['links']} links of chain {numbers['chain'] or '–'}, "
        f"{numbers['witnessed'] or 'none'} of them told a witness."
    )
    if not numbers["witnessed"]:
        yield Text("Without a witness, who may write the store can make the whole chain anew.", "yellow")
    if not found:
        yield Text("Every record is as it was recorded.", "green")


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


def _rehearsed(seen: Rehearsed | None) -> str:
    """Say when a plan was rehearsed, on which twins, and how that ended; empty if it was not."""
    if seen is None:
        return ""
    on = ", ".join(twin.host for twin in seen.twins) or "no twin, as nothing was to be changed"
    without = f"; without a twin: {', '.join(seen.without)}" if seen.without else ""
    proved = f"; {several(sum(len(twin.same) for twin in seen.twins), 'step')} proved" if not seen.failed else ""
    recorded = f"; recorded in the lab as {seen.record}" if seen.record else ""
    return f"{seen.at}  on {on}{proved}{without}{recorded}{f'; it failed: {seen.failed}' if seen.failed else ''}"


def _latest(begun: Sequence[BegunStep]) -> Iterator[BegunStep]:
    """Yield the last step that was begun on each host."""
    yield from {step.host: step for step in begun}.values()


def record(shown: Record, names: Mapping[str, str], begun: Sequence[BegunStep] = ()) -> Iterator[RenderableType]:
    """Show one run in full; of one that has not ended, the last step that each host began."""
    yield Text.assemble((inline(shown.id), "bold"), "  ", (inline(shown.command), "cyan"))
    facts = [
        ("who", shown.who + (f", as {shown.account}" if shown.account else "")),
        ("calls itself", shown.claimed),
        ("why", shown.reason),
        ("started", shown.started),
        ("finished", shown.finished if shown.ended else "not yet, or without a word"),
        ("command", "samdrift " + " ".join(shown.argv)),
        ("limit", shown.limit),
        ("only roles", ", ".join(shown.only_roles)),
        ("inventory", f"{shown.fleet_source}  {shown.fleet_digest[:12]}  {shown.fleet_time}".rstrip()),
        ("code", f"{shown.code_digest[:12]}  {shown.commit or ''}".rstrip()),
        ("plan", shown.plan_digest[:12]),
        *(("approved by", approval(one, names)) for one in shown.approvals),
        *(("done without", str(one)) for one in shown.lacking),
        ("rehearsed", _rehearsed(shown.rehearsed)),
        ("ended", _ended(shown.exit_code) if shown.ended else ""),
        *((f"{step.host} began", f"{step.at}  {step.step}") for step in _latest(begun) if not shown.ended),
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
