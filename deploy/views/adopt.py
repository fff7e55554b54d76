"""What `adopt` shows: what was seen; what each role would change and end; what stays, is unknown, and is proposed.

Not here: what that is (`model.adoption`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from rich.console import RenderableType
from rich.text import Text

from deploy.model.adoption import Adoption, RoleAdoption
from deploy.model.text import inline, several

LONGEST_LIST = 40
"""So many lines of one kind are shown; the JSON document has all."""


def adoption(made: Adoption) -> Iterator[RenderableType]:
    """Show an adoption, role by role."""
    where = "in the inventory" if made.known else "in no inventory yet"
    yield Text.assemble((inline(made.host), "bold"), f"  {inline(made.platform)}, {where}; nothing was written to it")
    yield from _listed("seen", made.seen)
    for role in made.roles:
        yield from _role(role)
    yield from _listed("stays as it is: no role touches it", made.stays)
    yield from _listed("not known", made.unknown, "magenta")
    yield from _listed("proposed to NetBox", _proposals(made), "green")
    yield Text()
    yield Text(_summary(made), "bold")


def _role(role: RoleAdoption) -> Iterator[RenderableType]:
    yield Text()
    yield Text.assemble((inline(role.role), "bold cyan"), f"  {inline(role.summary)}")
    if role.unjudged:
        for why in role.unjudged:
            yield Text(f"  cannot be judged: {inline(why)}", "bold red")
        return
    changes = [s for s in role.changes if not s.handler]
    restarts = len(role.changes) - len(changes)
    counted = several(len(changes), "change") + (f", {several(restarts, 'restart')}" if restarts else "")
    yield Text(f"  {counted}; {several(len(role.losses), 'thing')} would end", "yellow" if changes else "green")
    for loss in role.losses:
        yield Text.assemble(("    - ", "bold red"), inline(loss.what))
        if loss.keep:
            yield Text(f"      keep it: {inline(loss.keep)}", "dim")
    for step in changes:
        yield Text.assemble(("    ~ ", "yellow"), inline(step.name))
    for stranger in role.unmanaged:
        yield Text(f"    ? {inline(stranger.what)}  is not declared; it stays", "magenta")


def _listed(title: str, lines: Iterable[str], colour: str = "") -> Iterator[RenderableType]:
    every = list(lines)
    if not every:
        return
    yield Text()
    yield Text(title, "bold")
    for line in every[:LONGEST_LIST]:
        yield Text(f"  {inline(line)}", colour)
    if len(every) > LONGEST_LIST:
        yield Text(f"  and {len(every) - LONGEST_LIST} more (--json has all)", "dim")


def _proposals(made: Adoption) -> Iterator[str]:
    for proposed in made.proposed:
        yield proposed.what
        yield from (f"  {field}" for field in proposed.fields)


def _summary(made: Adoption) -> str:
    changes = sum(not s.handler for role in made.roles for s in role.changes)
    unjudged = sum(bool(role.unjudged) for role in made.roles)
    judged = f"{several(len(made.roles) - unjudged, 'role')} judged"
    more = f", {unjudged} could not be" if unjudged else ""
    return f"{judged}{more}: {several(changes, 'change')}, {several(len(made.losses), 'thing')} would end."
