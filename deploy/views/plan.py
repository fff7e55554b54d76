"""What `plan` and `apply` show: each step with its diff or commands, and what became of each host.

Not here: what would change (`engine`), and the questions that `apply` asks (`cli.runs`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from rich.console import RenderableType
from rich.text import Text

from deploy.model.drift import shut_out
from deploy.model.record import HostResult, Record
from deploy.model.text import inline, safe, several
from deploy.model.words import in_words
from deploy.views.findings import checks_summary, findings
from deploy.views.parts import COLOURS, command_text, diff, empty_table

if TYPE_CHECKING:  # pyinfra stands behind these: what only lists hosts must not wait for it
    from deploy.model.findings import Finding
    from deploy.model.plan import HostPlan, Plan, Step
    from deploy.model.waived import Waived
    from roles.shared.change import Removal


def plan(
    made: Plan,
    names: Mapping[str, str],
    *,
    notices: Sequence[Finding] = (),
    brief: bool = False,
    commands: bool = False,
) -> Iterator[RenderableType]:
    """Show what would change, host by host: each step with its diff, or its commands if it has none.

    Brief is a line a step. The commands of a step with a diff (every file is put in place by the same few) are told
    only where `commands` asks for them.

    Args:
        notices: what else to know of hosts before they are changed.
    """
    wide = max((len(h.host) for h in made.hosts), default=0)
    wider = max((len(names.get(h.municipality, "")) for h in made.hosts), default=0)
    for host_plan in made.hosts:
        yield _host_line(host_plan, f"{names.get(host_plan.municipality, ''):{wider}}", wide)
        to_know = (*host_plan.caveats, *(n.summary for n in notices if n.host == host_plan.host))
        yield from (Text(f"  ! {inline(what)}", "cyan") for what in to_know)
        for step in host_plan.changes:
            yield from _step(step, brief=brief, commands=commands)
        for step in host_plan.held:
            yield from _held(step, brief=brief)
        for stranger in host_plan.unmanaged:
            place = "a directory" if stranger.path else "the configuration"
            line = f"  ? {inline(stranger.what)}  is in {place} of role {stranger.role}, which does not declare it"
            accepted = f": accepted{_by(stranger.waived)}" if stranger.waived and stranger.waived.accepted else ""
            yield Text(line + accepted, "dim" if accepted else "magenta")
        for line in host_plan.concealed:
            yield Text(f"  · {inline(line)}  is not shown to {inline(host_plan.looked_as)}: taken as declared", "dim")
        if (host_plan.changes or host_plan.held or host_plan.unmanaged or host_plan.concealed) and not brief:
            yield Text()
    yield Text(plan_summary(made), "bold")


def plan_summary(made: Plan) -> str:
    """Sum a plan up in a line: how much would change, and how many hosts are in sync or unknown."""
    about = f" Only role {', '.join(made.only_roles)}." if made.only_roles else ""
    held = sum(len(h.held) for h in made.hosts)
    return _summary(made) + (f" Left as it is by a waiver: {several(held, 'change')}." if held else "") + about


def _summary(made: Plan) -> str:
    changing = [h for h in made.hosts if h.changes]
    unknown = sum(bool(h.error) for h in made.hosts)
    if not changing:
        where = (
            "on every host" if not unknown else f"on {several(len(made.hosts) - unknown, 'host')}, {unknown} unknown"
        )
        return f"{several(len(made.hosts), 'host')}: 0 changes {where}."
    steps = several(sum(_count(h)[0] for h in made.hosts), "change")
    removed = sum(len(s.removals) for h in changing for s in h.changes)
    steps += f" ({several(removed, 'line')} removed)" if removed else ""
    counted = [f"{steps} on {several(len(changing), 'host')}", f"{len(made.hosts) - len(changing) - unknown} in sync"]
    if unknown:
        counted.append(f"{unknown} unknown")
    return f"{several(len(made.hosts), 'host')}: {', '.join(counted)}."


def _count(host_plan: HostPlan) -> tuple[int, int]:
    """Count the steps that would change something, and the restarts and reloads that they owe."""
    handlers = sum(s.handler for s in host_plan.changes)
    return len(host_plan.changes) - handlers, handlers


def _host_line(host_plan: HostPlan, municipality: str, wide: int) -> Text:
    line = Text.assemble((f"{inline(host_plan.host):{wide}}", "bold"), f"  {inline(municipality)}  ")
    if host_plan.error:
        return line.append(f"unknown: {inline(host_plan.error)}", "bold red")
    changes, handlers = _count(host_plan)
    looked = (
        f"  ({several(len(host_plan.steps), 'step')}, {several(host_plan.execs, 'exec')}, {host_plan.seconds:.1f} s)"
    )
    if not host_plan.changes:
        line.append("0 changes", "green")
    else:
        line.append(several(changes, "change") + (f", {several(handlers, 'restart')}" if handlers else ""), "yellow")
    return line.append(looked, "dim")


def _step(step: Step, *, brief: bool, commands: bool) -> Iterator[RenderableType]:
    sign, colour = ("↻", "blue") if step.handler else ("~", "yellow")
    yield Text.assemble((f"  {sign} ", colour), (inline(step.role), "cyan"), f"  {inline(step.name)}")
    if brief:
        yield from _removals(step.removals)
        return
    if step.guard:
        yield Text(f"      guarded: {inline(step.guard.words)}", "dim")
    if step.waived:
        yield Text(f"      is accepted no more: it was{_by(step.waived)}", "bold yellow")
    if step.unguarded:
        yield Text(f"      not guarded: {inline(step.unguarded)}", "bold red")
    for note in shut_out(step):
        yield Text(f"      refused: {inline(in_words(note.message))}", "bold red")
    yield from _removals(step.removals)
    if step.change is not None:
        yield diff(step.change.diff, indent=6)
    if step.commands and (commands or step.change is None):
        yield command_text(map(str, step.commands), indent=6)


def _held(step: Step, *, brief: bool) -> Iterator[RenderableType]:
    """Show a step that a waiver holds back; with its diff if something else was accepted than what is there."""
    moved = step.waived is not None and not step.waived.accepted
    why = "something else was accepted" if moved else "accepted"
    title = Text.assemble("  = ", (inline(step.role), "cyan"), f"  {inline(step.name)}  ")
    yield title.append(f"is left as it is: {why}{_by(step.waived)}", "bold yellow" if moved else "dim")
    if moved and not brief:
        if step.change is not None:
            yield diff(step.change.diff, indent=6)
        else:
            yield command_text(map(str, step.commands), indent=6)


def _by(waived: Waived | None) -> str:
    return inline(f" until {waived.until} by {waived.owner} (waiver {waived.name})") if waived else ""


def _removals(removals: Sequence[Removal]) -> Iterator[RenderableType]:
    """Show which lines of a device go, apart from those that change: why each may, and how many there are."""
    if not removals:
        return
    named = sum(bool(removal.named) for removal in removals)
    whose = ((len(removals) - named, "declared before"), (named, "named by --remove"))
    counted = ", ".join(f"{number} {why}" for number, why in whose if number)
    yield Text(f"      removes {several(len(removals), 'line')}: {counted}", "bold red")
    for removal in removals:
        yield Text(f"        - {inline(removal.line)}", "red")


def results(done: Sequence[HostResult], names: Mapping[str, str]) -> Iterator[RenderableType]:
    """Show what an apply did, a line a host."""
    table = empty_table()
    for head, justify in (("Host", "left"), ("Municipality", "left"), ("Outcome", "left"), ("Steps", "right")):
        table.add_column(head, justify=justify)  # type: ignore[arg-type]  # rich's own literal type
    table.add_column("Detail", overflow="fold")
    for result in done:
        table.add_row(
            Text(inline(result.host), "bold"),
            Text(inline(names.get(result.municipality, ""))),
            Text(result.outcome, COLOURS.get(result.outcome, "")),
            Text(str(len(result.changed))),
            Text(safe(result.detail)),
        )
    yield table
    outcomes = Counter(r.outcome for r in done)
    counted = ", ".join(f"{n} {outcome}" for outcome, n in outcomes.most_common())
    yield Text(f"{several(len(done), 'host')}: {counted or 'nothing done'}.", "bold")


def applied(seen: Record, names: Mapping[str, str]) -> Iterator[RenderableType]:
    """Show what an apply did and proved."""
    yield from results(seen.hosts, names)
    yield Text()
    yield from findings(seen.findings, names)
    yield Text(checks_summary(seen.checks), "bold green" if seen.exit_code == 0 else "bold red")
