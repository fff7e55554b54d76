"""What tests of apply stand on: a plan of what a look saw, and nothing to check."""

from __future__ import annotations

from collections.abc import Sequence

from deploy.model.code import code_digest
from deploy.model.plan import HostPlan, Plan
from deploy.model.record import CheckResult
from inventory.fleet import Fleet


def nothing_to_check(_hosts: Sequence[str]) -> tuple[CheckResult, ...]:
    return ()


def plan_of(fleet: Fleet, hosts: Sequence[HostPlan]) -> Plan:
    return Plan(
        fleet_digest=fleet.digest,
        fleet_source="test",
        code_digest=code_digest(),
        made_at="2026-11-23T00:00:00Z",
        made_by="test",
        hosts=tuple(hosts),
    )
