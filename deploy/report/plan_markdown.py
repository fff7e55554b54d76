"""Write a plan as Markdown that fits a merge request's comment: each change once, with its hosts.

A comment has a largest size, so diffs are left out, the longest first, until it fits; which, it says at its top. What
changes where is always told. Not here: which changes are alike (`model.alike`), and the page (`report.plan_page`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from deploy.model.alike import Alike, Value, alike, changes_of
from deploy.model.findings import Finding
from deploy.model.openings import openings
from deploy.model.plan import HostPlan, Plan, Step
from deploy.model.plan_in_short import counted, plan_summary
from deploy.model.text import several
from deploy.report.markdown_parts import LARGEST, cut_at, fenced, plain, that_fit

TOO_LONG = "Cut here: this plan is too long for a comment. Read it in the plan file or on its page."


def markdown(
    plan: Plan,
    names: Mapping[str, str],
    called: Collection[str],
    notices: Sequence[Finding] = (),
    *,
    largest: int = LARGEST,
) -> str:
    """Return the text.

    Args:
        names: municipalities' names by slug.
        called: what the inventory calls hosts, sites and municipalities (`model.alike.names_of`).
        notices: what else to know of hosts before they are changed.
        largest: characters that it may have.
    """
    words = {*called, *names, *names.values()}
    changes = changes_of(plan, words)
    contents = [_content(change) for change in changes]
    head = [f"## {plain(plan_summary(plan))}", "", *_about(plan), "", *_hosts(plan, names), ""]
    head += [f"- {plain(n.host)}: {plain(n.summary)}" for n in notices] + ([""] if notices else [])
    if opened := [f"- {plain(opening.in_words)}" for opening in openings(plan)]:
        head += ["### Opens and closes", "", *opened, ""]
    if any(change.values for change in changes):
        head += ["«host» stands for each host's own name, «1» … for what is listed below the change.", ""]
    tail = [*_left_alone(plan, words), f"Plan `{plan.digest}`"]
    titles = [_title(change) for change in changes]
    room = largest - sum(len(line) + 1 for line in (*head, *titles, *tail)) - WARNING - 20 * len(changes)
    shown = that_fit(contents, room, beside=FOLD)
    if left_out := len(changes) - len(shown):
        head.insert(
            2, f"**{several(left_out, 'change')} of {len(changes)} stand here by name alone**, or this would be"
        )
        head.insert(3, "too long for a comment: read them in the plan file or on its page.\n")
    lines, role = list(head), ""
    for number, change in enumerate(changes):
        if change.first.role != role:
            role = change.first.role
            lines += [f"### {plain(role)}", ""]
        lines += _folded(titles[number], contents[number]) if number in shown else [f"- {titles[number]}", ""]
    return cut_at("\n".join([*lines, *tail]) + "\n", largest, TOO_LONG)


FOLD = len("<details><summary></summary></details>") + 6
"""Characters that folding a change takes beside its title and content."""
WARNING = 400
"""Characters that are kept free for what is said of what was left out."""


def _about(plan: Plan) -> list[str]:
    limit = f", limited to {plain(plan.limit)}" if plan.limit else ""
    return [f"Made {plain(plan.made_at)} by {plain(plan.made_by)} from {plain(plan.fleet_source)}{limit}."]


def _hosts(plan: Plan, names: Mapping[str, str]) -> list[str]:
    """List hosts that change or are unknown; the others are counted."""
    notable = [h for h in plan.hosts if h.changes or h.error or h.caveats]
    rows = [f"| {plain(h.host)} | {plain(names.get(h.municipality, h.municipality))} | {_state(h)} |" for h in notable]
    return ["| Host | Municipality | Would change |", "|---|---|---|", *rows] if rows else []


def _state(host: HostPlan) -> str:
    if host.error:
        return f"**unknown**: {plain(host.error)}"
    changes, restarts = counted(host)
    also = f", {several(restarts, 'restart')}" if restarts else ""
    return "; ".join((several(changes, "change") + also, *map(plain, host.caveats)))


def _title(change: Alike[Step]) -> str:
    """Return what changes and where, with what may not be overlooked: that is never left out."""
    step = change.first
    warnings = [
        *([f"**not guarded**: {_text(change, 'unguarded')}"] if step.unguarded else []),
        *([f"**refused**: {_text(change, 'refused')}"] if "refused" in change.texts else []),
        *([f"**removes {several(len(step.removals), 'line')}**"] if step.removals else []),
        *([f"**accepted no more**: waiver {plain(step.waived.name)}"] if step.waived else []),
    ]
    where = f"{several(len(change.hosts), 'host')}: {', '.join(map(plain, change.hosts))}"
    return "; ".join((f"{'↻' if step.handler else '~'} <b>{_text(change, 'name')}</b> on {where}", *warnings))


def _content(change: Alike[Step]) -> str:
    """Return the diff or commands of a change, what it removes, and the values of its hosts."""
    guard = [f"guarded: {_text(change, 'guard')}", ""] if "guard" in change.texts else []
    removed = [f"- {line}" for line in change.shown("removals").split("\n")] if "removals" in change.texts else []
    if "diff" in change.texts:
        language, lines = "diff", change.shown("diff").splitlines()
    else:
        language, lines = "sh", change.shown("commands").split("\0")
    return "\n".join([*guard, *fenced("diff", removed), *fenced(language, lines), *_values(change)])


def _values(change: Alike[Step]) -> Iterator[str]:
    for name, own in change.own_values.items():
        each = ", ".join(f"{plain(h)} {plain(value)}" for h, value in zip(change.hosts, own, strict=True))
        yield f"- {Value(name)} {each}"
    if change.own_values:
        yield ""


def _folded(title: str, content: str) -> list[str]:
    return [f"<details><summary>{title}</summary>", "", content, "</details>", ""]


def _left_alone(plan: Plan, words: Collection[str]) -> list[str]:
    """List what no apply changes: what waivers hold, and what no role declares."""
    lines = []
    for held in alike(plan.hosts, lambda host: host.held, words):
        if waived := held.first.waived:
            why = "accepted" if waived.accepted else "**something else was accepted**"
            lines.append(
                f"- = {_text(held, 'name')} is left as it is: {why} until {waived.until}, {plain(waived.owner)}"
            )
    for stranger in alike(plan.hosts, lambda host: host.unmanaged, words):
        hosts = ", ".join(map(plain, stranger.hosts))
        of_whom = "" if stranger.first.kind and not stranger.first.name else ": no role declares it"  # not searched
        lines.append(f"- ? {_text(stranger, 'name')}{of_whom}; on {hosts}")
    return ["### Left as it is", "", *lines, ""] if lines else []


def _text(change: Alike[Any], text: str) -> str:
    return plain(change.shown(text))
