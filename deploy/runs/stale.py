"""Stale plans: a plan is carried out only with the inventory and the code that it was computed from."""

from __future__ import annotations

from deploy.model.code import code_digest
from deploy.model.plan import Plan
from inventory.errors import SamdriftError


class StalePlan(SamdriftError):
    """The inventory or the code is not what the plan was computed from (exit code 5)."""

    exit_code = 5


def refuse_if_stale(plan: Plan, fleet_digest: str) -> None:
    """Refuse a plan computed from other inventory or other code. Nothing has been connected to yet."""
    if plan.fleet_digest != fleet_digest:
        raise StalePlan("the inventory has changed since the plan was made", fix="make a new plan: samdrift plan")
    if plan.code_digest != code_digest():
        raise StalePlan("the roles have changed since the plan was made", fix="make a new plan: samdrift plan")
