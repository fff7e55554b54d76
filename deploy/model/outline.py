"""Outlines: what a period asks of a record, which a year of records is read for; all else of them is passed over.

Not here: the record (`model.record`), and what is made of outlines (`report.period`, `report.looks`).
"""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict
from typing_extensions import TypedDict  # typing's own is not enough for pydantic before Python 3.12

from deploy.model.approval import Approved
from deploy.model.findings import Finding
from deploy.model.step_id import StepId


class _Passing(BaseModel):
    """A value that takes of its source what it names, and no more."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class HostOutline(_Passing):
    """One host in one run; `steps` is whether any were kept of it."""

    host: str
    municipality: str
    outcome: str
    changed: tuple[StepId, ...] = ()
    steps: Annotated[bool, BeforeValidator(bool)] = False


class CheckOutline(TypedDict):
    """One state check: on which host it ran. It is no object, since a year has millions of them."""

    host: str


class Outline(_Passing):
    """A record without what its checks said, and without the steps of its hosts. Fields mean what they do there."""

    id: str
    command: str
    who: str
    reason: str = ""
    started: str
    finished: str
    ended: bool = True
    only_roles: tuple[str, ...] = ()
    plan_digest: str = ""
    approvals: tuple[Approved, ...] = ()
    emergency: bool = False
    hosts: tuple[HostOutline, ...] = ()
    findings: tuple[Finding, ...] = ()
    checks: tuple[CheckOutline, ...] = ()

    @property
    def hosts_checked(self) -> frozenset[str]:
        """Return the hosts on which state checks ran."""
        return frozenset(c["host"] for c in self.checks)
