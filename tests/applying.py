"""What tests of apply stand on: a plan of what a look saw, nothing to check, a wave all at once, and waiting."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from deploy.model.code import code_digest
from deploy.model.observer import Quiet
from deploy.model.plan import HostPlan, Plan
from deploy.model.record import CheckResult
from deploy.model.waves import Order
from inventory.fleet import Fleet
from inventory.rules.gates import Gates

TOGETHER = Order(Gates(canaries=False))
"""A wave is one batch: what becomes of one host, and of others beside it, is seen in one run."""


class AtMoment(Quiet):
    """Does something at a moment: so many stages, and hosts in them, after the start."""

    def __init__(self, moment: int, act: Callable[[], object]) -> None:
        self._left, self._act = moment, act

    def _count(self) -> None:
        if self._left == 0:
            self._act()
        self._left -= 1

    def stage(self, title: str, hosts: Sequence[str], things: str = "host") -> None:  # noqa: ARG002  the observer's
        self._count()

    def host(self, host: str, state: str, detail: str = "") -> None:  # noqa: ARG002  the observer's signature
        self._count()


def nothing_to_check(_hosts: Sequence[str]) -> tuple[CheckResult, ...]:
    return ()


def plan_of(fleet: Fleet, hosts: Sequence[HostPlan]) -> Plan:
    return Plan(
        fleet_digest=fleet.digest,
        fleet_source="test",
        code_digest=code_digest(),
        made_at="2026-11-23T00:00:00Z",
        made_by="test",
        expires="2026-11-24T00:00:00Z",
        hosts=tuple(hosts),
    )


def until(so: Callable[[], bool]) -> None:
    """Wait until it is so."""
    deadline = time.monotonic() + 60
    while not so():
        assert time.monotonic() < deadline
        time.sleep(0.05)
