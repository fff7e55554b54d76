"""What `plan` and `apply` show: each change once, with its hosts and its diff or commands; what became of each host.

Not here: what would change (`engine`), which changes are alike (`model.alike`), and the questions that `apply` asks
(`cli.runs`); the changes in brief (`plan_in_brief`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rich.console import RenderableType
from rich.text import Text

from deploy.model.alike import Alike, alike, changes_of
from deploy.model.openings import openings
from deploy.model.plan_in_short import counted, plan_summary
from deploy.model.record import HostResult, Record
from deploy.model.text import inline, safe, several
from deploy.model.twins import Rehearsed
from deploy.views.findings import checks_summary, findings
from deploy.views.parts import COLOURS, command_text, diff, empty_table
from deploy.views.plan_in_brief import by_role, in_brief

if TYPE_CHECKING:  # pyinfra stands behind these: what only lists hosts must not wait for it
    from deploy.model.findings import Finding
    from deploy.model.plan import HostPlan, Plan, Step
    from deploy.model.waived import Waived

VALUE = r"«(host|\d+)»"
"""What stands in the text of alike changes where each has a value of its own."""

OPENING_COLOURS: Mapping[str, str] = {"opens": "bold yellow", "closes": "cyan", "not known": "bold magenta"}


def plan(
    made: Plan,
    names: Mapping[str, str],
    *,
    notices: Sequence[Finding] = (),
    brief: bool = False,
    commands: bool = False,
    called: Collection[str] = (),
) -> Iterator[RenderableType]:
    """Show what would change: each host in a line, then each change with its diff, or its commands if it has none.

    The same change of many hosts is shown once, and so is one that differs in names and addresses alone, with what
    stands there on each host. Brief has neither diffs nor commands. The commands of a step with a diff (every file is
    put in place by the same few) are told only where `commands` asks for them.

    Args:
        notices: what else to know of hosts before they are changed.
        called: what the inventory calls hosts, sites and municipalities (`model.alike.names_of`).
    """
    words = {*called, *names, *names.values()}
    wide = max((len(h.host) for h in made.hosts), default=0)
    wider = max((len(names.get(h.municipality, "")) for h in made.hosts), default=0)
    for host_plan in made.hosts:
        yield _host_line(host_plan, f"{names.get(host_plan.municipality, ''):{wider}}", wide)
        to_know = (*host_plan.caveats, *(n.summary for n in notices if n.host == host_plan.host))
        yield from (Text(f"  ! {inline(what)}", "cyan") for what in to_know)
    if changes := changes_of(made, words):
        yield Text()
    if brief:
        for (role, hosts), named in by_role(made, changes).items():
            yield from in_brief(role, _on(made, hosts), named)
        for change in changes:
            yield from _warnings(change, brief=True)
    else:
        for change in changes:
            yield from _change(made, change, commands=commands)
    yield from _openings(made)
    yield from _left_alone(made, words, brief=brief)
    if len(made.hosts) > 1 or not brief:
        yield Text()
    yield Text(plan_summary(made), "bold")


def _on(made: Plan, hosts: Sequence[str]) -> str:
    """Say on which hosts of the plan; empty if it has one."""
    if len(made.hosts) == 1:
        return ""
    changing = [h.host for h in made.hosts if h.changes]
    if len(hosts) == len(changing) > 2:
        return f"  on all {len(hosts)} that change"
    return f"  on {several(len(hosts), 'host')}: {', '.join(map(inline, hosts))}"


def _change(made: Plan, change: Alike[Step], *, commands: bool) -> Iterator[RenderableType]:
    step = change.first
    sign, colour = ("↻", "blue") if step.handler else ("~", "yellow")
    title = Text.assemble((f"  {sign} ", colour), (inline(step.role), "cyan"), f"  {_text(change, 'name')}")
    yield _marked(title.append(_on(made, change.hosts), "dim"))
    if "guard" in change.texts:
        yield Text(f"      guarded: {_text(change, 'guard')}", "dim")
    yield from _warnings(change, brief=False)
    if step.waived:
        yield Text(f"      is accepted no more: it was{_by(step.waived)}", "bold yellow")
    yield from _content(change, commands=commands)
    yield from _values(change)


def _content(change: Alike[Step], *, commands: bool) -> Iterator[RenderableType]:
    """Show the diff of a change, or its commands."""
    if "diff" in change.texts:
        yield _marked(diff(change.shown("diff"), indent=6))
    if change.first.commands and (commands or "diff" not in change.texts):
        yield _marked(command_text(change.shown("commands").split("\0"), indent=6))


def _values(change: Alike[Any]) -> Iterator[RenderableType]:
    """Show what stands for each value on each host."""
    for name, values in change.own_values.items():
        each = ", ".join(f"{inline(h)} {inline(value)}" for h, value in zip(change.hosts, values, strict=True))
        yield _marked(Text(f"      «{name}»  {each}", "dim"))


def _warnings(change: Alike[Step], *, brief: bool) -> Iterator[RenderableType]:
    """Show what of a change may not be overlooked: what it takes away, and that it cannot be undone or is refused."""
    about = f"{_text(change, 'name')}: " if brief else ""
    if change.first.unguarded and not brief:
        yield Text(f"      not guarded: {_text(change, 'unguarded')}", "bold red")
    for line in change.shown("refused").splitlines() if "refused" in change.texts else ():
        yield _marked(Text(f"      {about}refused: {inline(line)}", "bold red"))
    removals = change.first.removals
    if not removals:
        return
    named = sum(bool(removal.named) for removal in removals)
    whose = ((len(removals) - named, "declared before"), (named, "named by --remove"))
    counted = ", ".join(f"{number} {why}" for number, why in whose if number)
    yield Text(f"      {about}removes {several(len(removals), 'line')}: {counted}", "bold red")
    for line in change.shown("removals").split("\n"):
        yield _marked(Text(f"        - {inline(line)}", "red"))


def _openings(made: Plan) -> Iterator[RenderableType]:
    """Show what the changes open and close, a line each."""
    for opening in openings(made):
        yield Text(f"  {inline(opening.in_words)}", OPENING_COLOURS[opening.kind])


def _left_alone(made: Plan, words: Collection[str], *, brief: bool) -> Iterator[RenderableType]:
    """Show what no apply changes: what waivers hold, what no role declares, and what was not shown."""
    for held in alike(made.hosts, lambda host: host.held, words):
        moved = held.first.waived is not None and not held.first.waived.accepted
        why = "something else was accepted" if moved else "accepted"
        title = Text.assemble("  = ", (inline(held.first.role), "cyan"), f"  {_text(held, 'name')}  ")
        title.append(f"is left as it is: {why}{_by(held.first.waived)}", "bold yellow" if moved else "dim")
        yield title.append(_on(made, held.hosts), "dim")
        if moved and not brief:
            yield from _content(held, commands=False)
            yield from _values(held)
    for stranger in alike(made.hosts, lambda host: host.unmanaged, words):
        first = stranger.first
        place = f"is in {'a directory' if first.path else 'the configuration'} of role {first.role}, which does not"
        why = "  is declared by no role" if first.name else "" if first.kind else f"  {place} declare it"
        line = f"  ? {_text(stranger, 'name')}{why}"
        accepted = f": accepted{_by(first.waived)}" if first.waived and first.waived.accepted else ""
        yield Text(line + accepted, "dim" if accepted else "magenta").append(_on(made, stranger.hosts), "dim")
        yield from _values(stranger)
    for unseen in alike(made.hosts, _concealed, words):
        yield _marked(Text(f"  · {_text(unseen, 'name')}{_on(made, unseen.hosts)}", "dim"))
        yield from _values(unseen)


def _concealed(host: HostPlan) -> list[str]:
    return [f"{line}  is not shown to {host.looked_as}: taken as declared" for line in host.concealed]


def _text(change: Alike[Any], text: str) -> str:
    return inline(change.shown(text))


def _marked(text: Text) -> Text:
    text.highlight_regex(VALUE, "bold reverse")
    return text


def _by(waived: Waived | None) -> str:
    return inline(f" until {waived.until} by {waived.owner} (waiver {waived.name})") if waived else ""


def _host_line(host_plan: HostPlan, municipality: str, wide: int) -> Text:
    line = Text.assemble((f"{inline(host_plan.host):{wide}}", "bold"), f"  {inline(municipality)}  ")
    if host_plan.error:
        return line.append(f"unknown: {inline(host_plan.error)}", "bold red")
    changes, restarts = counted(host_plan)
    looked = (
        f"  ({several(len(host_plan.steps), 'step')}, {several(host_plan.execs, 'exec')}, {host_plan.seconds:.1f} s)"
    )
    if not host_plan.changes:
        line.append("0 changes", "green")
    else:
        line.append(several(changes, "change") + (f", {several(restarts, 'restart')}" if restarts else ""), "yellow")
    return line.append(looked, "dim")


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


def order(batches: Sequence[Sequence[str]]) -> Iterator[RenderableType]:
    """Show which hosts are changed together, each batch once the one before it is proved; nothing of a single batch."""
    if len(batches) > 1:
        yield Text(f"In {len(batches)} steps, each once the one before it is proved:", "bold")
        yield from (Text(f"  {number}. {inline(', '.join(names))}") for number, names in enumerate(batches, start=1))


def rehearsed(seen: Rehearsed) -> Iterator[RenderableType]:
    """Show how a plan went on the twins of its hosts, and what of it nobody has tried."""
    counts = {what: sum(len(getattr(twin, what)) for twin in seen.twins) for what in ("same", "already", "otherwise")}
    yield Text(
        f"Rehearsed on {several(len(seen.twins), 'twin')}: {several(counts['same'], 'step')} carried out and proved, "
        f"{counts['already']} that they had already, {counts['otherwise']} otherwise in the lab.",
        "bold green",
    )
    for twin in seen.twins:
        for why, steps in (("otherwise in the lab", twin.otherwise), ("not tried", twin.not_tried)):
            if steps:
                yield Text(f"  {inline(twin.host)}, {why}: {inline(', '.join(steps))}", "yellow")
    if seen.without:
        yield Text(f"  without a twin: {inline(', '.join(seen.without))}", "yellow")


def applied(seen: Record, names: Mapping[str, str]) -> Iterator[RenderableType]:
    """Show what an apply did and proved."""
    yield from results(seen.hosts, names)
    yield Text()
    yield from findings(seen.findings, names)
    yield Text(checks_summary(seen.checks), "bold green" if seen.exit_code == 0 else "bold red")
