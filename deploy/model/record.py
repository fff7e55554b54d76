"""Records: what a run did and saw, as it is stored for history, drift and reports. Values only; see `store`."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from deploy.model.findings import Finding
from inventory.fleet import Frozen


class Check(Frozen):
    """The outcome of one state check on one host. `not applicable` always has its reason in `detail`."""

    host: str
    municipality: str
    role: str
    name: str
    outcome: Literal["passed", "failed", "not applicable"]
    detail: str = ""
    seconds: float = 0.0


class AppliedStep(Frozen):
    """What was last applied of one step: its intent, and for a file its digest as it was left."""

    intent: str
    after: str = ""


class HostResult(Frozen):
    """One host in one run. `steps` is every step as last applied (only of a host that converged)."""

    host: str
    municipality: str
    outcome: Literal["in sync", "changed", "differs", "failed", "rolled back", "stale", "unknown", "skipped"]
    changed: tuple[str, ...] = ()
    detail: str = ""
    steps: dict[str, AppliedStep] = Field(default_factory=dict)
    execs: int = 0
    seconds: float = 0.0


class Record(Frozen):
    """One run of one command. Times are ISO 8601 UTC.

    `fleet_time` is when NetBox said what the fleet is; empty where that is not known.
    """

    id: str
    command: str
    argv: tuple[str, ...] = ()
    who: str
    started: str
    finished: str
    limit: str = ""
    fleet_digest: str
    fleet_source: str
    fleet_time: str = ""
    code_digest: str
    plan_digest: str = ""
    hosts: tuple[HostResult, ...] = ()
    findings: tuple[Finding, ...] = ()
    checks: tuple[Check, ...] = ()
    exit_code: int
