"""What tests of apply stand on: a plan of what a look saw, a journal in memory, and nothing to check."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from deploy.model.code import code_digest
from deploy.model.plan import HostPlan, Plan
from deploy.model.record import AppliedStep, Check
from inventory.fleet import Fleet


class Notes:
    """A journal in memory, as the store keeps one on disk."""

    def __init__(self) -> None:
        self.written: list[tuple[str, str]] = []

    def begun(self, plan_digest: str) -> Collection[str]:
        return {host for digest, host in self.written if digest == plan_digest}

    def begin(self, plan_digest: str, host: str) -> None:
        self.written.append((plan_digest, host))

    def last_applied(self, _host: str, /) -> Mapping[str, AppliedStep]:
        return {}


def nothing_to_check(_hosts: Sequence[str]) -> tuple[Check, ...]:
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
