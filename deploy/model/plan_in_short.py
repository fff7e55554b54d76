"""Say a plan in a line, and count what it would change. Pure.

Not here: what each change is (`plan`), and how it is shown (`views.plan`, `report.plan_page`).
"""

from __future__ import annotations

from deploy.model.plan import HostPlan, Plan
from deploy.model.text import several


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
    steps = several(sum(counted(h)[0] for h in made.hosts), "change")
    removed = sum(len(s.removals) for h in changing for s in h.changes)
    steps += f" ({several(removed, 'line')} removed)" if removed else ""
    parts = [f"{steps} on {several(len(changing), 'host')}", f"{len(made.hosts) - len(changing) - unknown} in sync"]
    if unknown:
        parts.append(f"{unknown} unknown")
    return f"{several(len(made.hosts), 'host')}: {', '.join(parts)}."


def counted(host_plan: HostPlan) -> tuple[int, int]:
    """Count the steps that would change something, and the restarts and reloads that they owe."""
    handlers = sum(s.handler for s in host_plan.changes)
    return len(host_plan.changes) - handlers, handlers
