"""What stands above a plan that is to be approved or applied, and what is told of emergencies that are not signed off.

Not here: what the plan would change (`views.plan`), and whether an approval counts (`runs.admission`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from rich.console import RenderableType
from rich.text import Text

from deploy.model.text import inline
from deploy.views.parts import fact_table, indented

if TYPE_CHECKING:  # the plan and what stands behind it: what only lists runs must not wait for it
    from deploy.model.approval import Approved
    from deploy.model.emergency import Emergency
    from deploy.model.record import Summary
    from deploy.runs.admission import Admitted


def head(admitted: Admitted, names: Mapping[str, str]) -> Iterator[RenderableType]:
    """Show of what and when a plan was made, who approved it for whom, and what is lacking."""
    made = admitted.plan
    facts = [
        ("plan", made.digest),
        ("made", f"{made.made_at} by {made.made_by}"),
        ("expires", made.expires),
        ("inventory", f"{made.fleet_source}  {made.fleet_digest[:12]}  {made.fleet_time}".rstrip()),
        ("code", f"{made.code_digest[:12]}  {made.commit or 'not from a git checkout'}"),
        ("limit", made.limit),
        ("only roles", ", ".join(made.only_roles)),
    ]
    yield indented(fact_table([(key, value) for key, value in facts if value]))
    yield from (Text(f"  approved by {inline(approval(one, names))}", "green") for one in admitted.approved)
    yield from (Text(f"  not approved: {inline(missing)}", "bold red") for missing in admitted.lacking)
    yield from (Text(f"  warning: {inline(why)}", "yellow") for why in admitted.discounted)
    yield Text()


def approval(one: Approved, names: Mapping[str, str]) -> str:
    """Say in a line who approved, for whom, and when."""
    whose = ", ".join(names.get(m, m) for m in one.municipalities)
    comment = f": {one.comment}" if one.comment else ""
    return f"{one.full_name} ({one.by}) for {whose}, {one.at}{comment}"


def standing(of: Emergency, names: Mapping[str, str]) -> Iterator[RenderableType]:
    """Show who has signed an emergency off, and for whom nobody has."""
    for record in of.sign_offs:
        one = record.sign_off
        if one is not None:
            whose = ", ".join(names.get(m, m) for m in one.municipalities)
            yield Text(f"signed off by {inline(one.by)} for {inline(whose)}, {one.at}: {inline(one.comment)}", "green")
    if of.open or not of.sign_offs:
        whose = ", ".join(names.get(m, m) for m in of.open) or "anybody: it changed no host"
        yield Text(f"EMERGENCY, not signed off for {inline(whose)}", "bold red")


def open_emergencies(runs: Sequence[Summary], options: Iterable[str]) -> Iterator[RenderableType]:
    """Show the emergencies that nobody has signed off, however long ago they were."""
    too = "".join(f"{option} " for option in options)
    for run in runs:
        yield Text(
            f"EMERGENCY, not signed off: {inline(run.id)} by {inline(run.who)}: {inline(run.reason)}", "bold red"
        )
        yield Text(f"  samdrift {too}history sign-off {inline(run.id)} --comment TEXT")


def emergency(reason: str) -> Text:
    """Say what an emergency does without, and what it does not."""
    without = "no approval, no canary and no rehearsal is waited for; locks, guards and checks are as ever"
    return Text(f"EMERGENCY ({inline(reason)}): {without}.", "bold red")
