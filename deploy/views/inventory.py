"""What `inventory diff`, `seed` and `pull` show: how NetBox and the snapshot differ, object by object.

Not here: how fleets are compared (`inventory.difference`), and what is written to NetBox (`inventory.netbox.writes`).
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from deploy.model.text import in_brief, inline, safe, several
from deploy.views.parts import empty_table, indented
from inventory.difference import FieldDifference, ObjectDifference, between
from inventory.fleet import Fleet
from inventory.left_out import LeftOut, counted
from inventory.origin import Dropped

if TYPE_CHECKING:  # pyinfra stands behind these: what only lists hosts must not wait for it
    from deploy.model.findings import Finding
    from inventory.netbox.writes import Writes


SIGNS: Mapping[str, tuple[str, str]] = {
    "added": ("+", "green"),
    "removed": ("-", "red"),
    "changed": ("~", "yellow"),
    "reordered": ("↕", "blue"),
}


def differences(found: Sequence[ObjectDifference], before: str, after: str, fleet: Fleet) -> Iterator[RenderableType]:
    """Show what two fleets say differently, object by object.

    Args:
        before: what the first fleet is called; `-` is what only it has.
        after: what the second is called; `+` is what only it has.
        fleet: the second.
    """
    own, shared = _shared_contexts(found)
    for one in own:
        sign, colour = SIGNS[one.kind]
        only = "" if one.kind == "changed" else f"  only in {before if one.kind == 'removed' else after}"
        yield Text.assemble((f"{sign} ", colour), (inline(one.title), "bold"), (only, "dim"))
        if one.kind != "removed":
            yield indented(_field_differences(one.fields))
    for fields, names in shared:
        on = f"{several(len(names), 'host')}: {', '.join(map(inline, names))}"
        yield indented(Text.assemble(("~ ", "yellow"), ("merged config context", "bold"), f" of {on}"), 0)
        yield indented(_field_differences(fields))
    if not found:
        hosts = several(len(fleet.hosts), "host")
        yield Text(f"{after} says what {before} says: {hosts}, {fleet.digest[:12]}.", "bold green")
        return
    kinds = Counter[str](d.kind for d in found)
    counted = [
        f"{kinds[kind]} {words}"
        for kind, words in (("added", f"only in {after}"), ("removed", f"only in {before}"), ("changed", "changed"))
        if kinds[kind]
    ]
    yield Text(
        f"{several(len(found), 'object')} differ{'s' if len(found) == 1 else ''}: {', '.join(counted)}.", "bold yellow"
    )


SHARED_FROM = 3
"""From so many hosts on, a difference in their merged contexts is told once."""


def _shared_contexts(
    found: Sequence[ObjectDifference],
) -> tuple[list[ObjectDifference], list[tuple[tuple[FieldDifference, ...], list[str]]]]:
    """Split the differences: those without what several hosts' merged contexts share, and the shared ones with their
    hosts.
    """
    alike: defaultdict[str, list[ObjectDifference]] = defaultdict(list)
    for one in found:
        if one.section == "hosts" and one.kind == "changed":
            alike[_as_key(_of_context(one))].append(one)
    shared = {k: ones for k, ones in alike.items() if len(ones) >= SHARED_FROM and _of_context(ones[0])}
    in_common = {id(one) for ones in shared.values() for one in ones}
    own = []
    for one in found:
        rest = tuple(f for f in one.fields if id(one) not in in_common or f.path[0] != "context")
        if rest:
            own.append(one.model_copy(update={"fields": rest}))
    return own, [(_of_context(ones[0]), [one.name for one in ones]) for ones in shared.values()]


def _of_context(one: ObjectDifference) -> tuple[FieldDifference, ...]:
    return tuple(f for f in one.fields if f.path[0] == "context")


def _as_key(fields: Sequence[FieldDifference]) -> str:
    return json.dumps([f.model_dump(mode="json") for f in fields], sort_keys=True)


def _field_differences(fields: Sequence[FieldDifference]) -> Table:
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(style="dim", overflow="fold", max_width=44)
    table.add_column(overflow="fold")
    for one in fields:
        sign, colour = SIGNS[one.kind]
        table.add_row(Text(sign, colour), Text(inline(" › ".join(one.path))), _told_difference(one))
    return table


def _told_difference(one: FieldDifference) -> Text:
    before, after = (safe(in_brief(v)) for v in (one.before, one.after))
    match one.kind:
        case "added":
            return Text("" if one.after == one.path[-1] else after)
        case "removed":
            return Text("" if one.before == one.path[-1] else before)
        case _:
            return Text.assemble((before, "red"), " → ", (after, "green"))


def seeding(plan: Writes, where: str, *, objects: bool) -> Iterator[RenderableType]:
    """Show what would be written to NetBox: how much of each kind, and, if `objects`, every object and field."""
    if objects:
        for write in (w.plain() for w in plan.writes):
            sign, colour = SIGNS["added" if write["action"] == "create" else "changed"]
            yield Text.assemble((f"{sign} ", colour), (inline(write["object"]), "bold"))
            fields = [
                field
                for name, value in write["fields"].items()
                if name in write["before"] or value not in (None, "", [], {})
                for field in _written(name, write["before"], value)
            ]
            yield indented(_field_differences(fields))
    counts = Counter((w.kind.name, w.creates) for w in plan.writes)
    table = empty_table()
    table.add_column("Kind")
    for head in ("New", "Changed"):
        table.add_column(head, justify="right")
    for kind in dict.fromkeys(w.kind.name for w in plan.writes):
        new, changed = counts[kind, True], counts[kind, False]
        table.add_row(
            kind,
            Text(str(new or "·"), "green" if new else "dim"),
            Text(str(changed or "·"), "yellow" if changed else "dim"),
        )
    if plan.writes:
        yield table
        yield Text()
    if plan.left_alone:
        kept = ", ".join(f"{n} × {kind}" for kind, n in plan.left_alone.items())
        yield indented(Text(f"Left alone, since the snapshot does not have them: {kept}."), 0)
    new = sum(w.creates for w in plan.writes)
    counted = (
        f"{new} to make, {len(plan.writes) - new} to change, {plan.unchanged} as they should be"
        if plan.writes
        else f"nothing to write, {plan.unchanged} objects are as they should be"
    )
    yield Text(f"{inline(where)}: {counted}.", "bold" if plan.writes else "bold green")


def _written(name: str, before: Mapping[str, Any], value: Any) -> list[FieldDifference]:
    if name in before:
        return between((name,), before[name], value)
    return [FieldDifference(path=(name,), kind="added", after=value)]


def pulled(
    fleet: Fleet,
    changed: Sequence[ObjectDifference],
    directory: str,
    *,
    left_out: Sequence[LeftOut] = (),
    listed: bool = False,
) -> Iterator[RenderableType]:
    """Show what a pull changed in a snapshot: a line an object, up to a limit; then what NetBox has beside it.

    Args:
        listed: every object that is left out is named, and not only counted.
    """
    for change in changed[:MOST_CHANGES]:
        yield Text.assemble((f"{change.kind:8}", CHANGE_STYLES[change.kind]), " ", inline(change.title))
    if len(changed) > MOST_CHANGES:
        yield Text(f"and {several(len(changed) - MOST_CHANGES, 'other object')}")
    yield from _left_out(left_out, listed=listed)
    managed = sum(h.is_managed for h in fleet.hosts)
    whole = f"{several(len(fleet.hosts), 'host')}, {managed} of them managed, digest {fleet.digest[:12]}"
    if changed:
        yield Text(f"{several(len(changed), 'object')} changed in {inline(directory)}: {whole}", "bold")
    else:
        yield Text(f"Nothing changed: {inline(directory)} says what NetBox says ({whole}).", "bold green")


def _left_out(left_out: Sequence[LeftOut], *, listed: bool) -> Iterator[RenderableType]:
    """Show what is left out: counted by kind and reason, or each object by name."""
    if not left_out:
        return
    table = empty_table()
    table.add_column("Left out")
    table.add_column("Name" if listed else "", justify="left" if listed else "right", overflow="fold")
    table.add_column("Since", overflow="fold")
    for one in sorted(left_out) if listed else ():
        table.add_row(Text(inline(one.kind)), Text(inline(one.name)), Text(inline(one.reason)))
    for count in () if listed else counted(left_out):
        table.add_row(Text(inline(count.kind)), Text(str(count.count)), Text(inline(count.reason)))
    yield Text()
    yield table
    if not listed:
        yield indented(Text("Each by name: samdrift inventory pull --left-out", "dim"), 0)
    yield Text()


def not_managed(dropped: Sequence[Dropped], unsound: Sequence[Finding]) -> Iterator[str]:
    """Yield a line for each host that is managed no more, and one for those whose inventory is not sound."""
    for one in dropped:
        yield f"{one.host} is managed no more: {one.reason}."
    problems: dict[str, int] = {}
    for finding in unsound:
        problems[finding.host] = problems.get(finding.host, 0) + 1
    if problems:
        names = ", ".join(list(problems)[:MOST_CHANGES]) + (", …" if len(problems) > MOST_CHANGES else "")
        what = f"The inventory of {several(len(problems), 'host')} is not sound: {names}."
        yield f"{what} Nothing is done with {'it' if len(problems) == 1 else 'them'}; the others are as usual."


MOST_CHANGES = 20
CHANGE_STYLES = {"added": "green", "removed": "red", "changed": "yellow"}
