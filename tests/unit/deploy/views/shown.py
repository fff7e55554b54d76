"""What tests of views are made of: a screen to read from, plans and records to show."""

from __future__ import annotations

import io

from rich.console import Console, RenderableType

from deploy.model.findings import Finding
from deploy.model.plan import HostPlan, Plan, Run, Step
from deploy.model.record import CheckResult, HostResult, Record
from deploy.views.parts import put
from roles.shared.change import Change
from roles.shared.guard import Guard

NAMES = {"heby": "Heby", "osthammar": "Östhammar"}


def shown(*parts: RenderableType, width: int = 100) -> str:
    stream = io.StringIO()
    put(Console(file=stream, width=width, highlight=False, markup=False, emoji=False), parts)
    return stream.getvalue()


def plan_of(*hosts: HostPlan) -> Plan:
    return Plan(fleet_digest="f", fleet_source="test", code_digest="c", made_at="now", made_by="me", hosts=hosts)


def step(name: str, *, changing: bool = True, handler: bool = False) -> Step:
    change = Change(what="/etc/x", before="old\n", after="new\n") if not handler else None
    commands = (Run(text="install x"),) if changing else ()
    return Step(role="base", name=name, intent="i", commands=commands, change=change, handler=handler)


def guarded(step: Step) -> Step:
    return step.model_copy(update={"guard": Guard(what="/etc/x", keep="true", restore="true")})


def record_of(*checks: CheckResult, findings: tuple[Finding, ...] = (), hosts: tuple[HostResult, ...] = ()) -> Record:
    return Record(
        id="r",
        command="verify",
        who="me",
        started="then",
        finished="now",
        fleet_digest="f",
        fleet_source="test",
        code_digest="c",
        checks=checks,
        findings=findings,
        hosts=hosts,
        exit_code=0,
    )


def check(host: str, outcome: str, detail: str = "") -> CheckResult:
    return CheckResult.model_validate(
        {"host": host, "municipality": "heby", "role": "base", "name": "it runs", "outcome": outcome, "detail": detail}
    )
