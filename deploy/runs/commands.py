"""Runs that change nothing: what plan, verify and drift do, from opening connections to the record of it, and the
record of a check. Shows nothing.

Each function here takes what a command is about and returns what it saw; how that looks is `views`'s business,
and what was asked for is the command's (`cli.runs`, for a check `cli.fleet`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from deploy.model import clock
from deploy.model.approval import VALID_HOURS
from deploy.model.code import code_digest
from deploy.model.device_models import model_notices
from deploy.model.drift import classify, plan_findings
from deploy.model.evidence import Error
from deploy.model.findings import Exit, Finding, Kind, exit_code, severity
from deploy.model.locked import changing_notices, unknown_while_changed
from deploy.model.messages import MessageId, samdrift
from deploy.model.plan import HostPlan, Plan
from deploy.model.record import AppliedStep, HostResult, Record
from deploy.model.step_id import StepId
from deploy.model.waivers import waiver_findings
from deploy.runs.invocation import Invocation, controls_in_force
from deploy.runs.manifest import manifest_now
from deploy.store.place import record_id
from deploy.store.ports import Damaged
from inventory.fleet import Fleet
from inventory.left_out import Count
from roles.shared.catalogue import catalogue


def plan(run: Invocation, *, detailed: bool, valid_hours: int = VALID_HOURS) -> tuple[Plan, Record]:
    """Look once at every host, and say what would change. Differences end it with 2 only if `detailed`."""
    with run.session() as session:
        made = run.plan(session.look(), valid_hours=valid_hours)
    notices = (*model_notices(run.fleet, run.hosts), *changing_notices(made.hosts))
    findings = (*run.unsound, *plan_findings(made, controls=controls_in_force()), *notices)
    code = run.code(findings)
    code = Exit.OK if code is Exit.DIFFERENCES and not detailed else code
    record = run.save(hosts=map(_looked_at, made.hosts), findings=findings, plan_digest=made.digest, code=code)
    return made, record


def verify(run: Invocation) -> Record:
    """Run the state checks of every role on every host."""
    with run.session() as session:
        checks = run.checks(session)
        lost = dict(session.unreachable)
        by = {name: user for name, user in session.looks_as.items() if name not in lost}
    unlooked = [
        HostPlan(host=h.name, municipality=h.tenant, error=lost.get(h.name, ""), looked_as=by.get(h.name, ""))
        for h in run.hosts
    ]
    findings = (*run.unsound, *classify(run.plan(unlooked), checks, {}, controls=controls_in_force()))
    hosts = [_with_findings(_looked_at(h), findings) for h in unlooked]
    return run.save(hosts=hosts, findings=findings, checks=checks, code=run.code(findings))


def drift(run: Invocation) -> Record:
    """Plan and verify, compared with what was last applied. Nothing is written to any host.

    A host that another run is changing meanwhile is unknown: half of a change is nobody's drift.
    """
    run.settle()
    with run.session() as session:
        made = run.plan(map(unknown_while_changed, session.look()))
        checks = run.checks(session, [h.host for h in made.hosts if not h.error])
        lost = dict(session.unreachable)
    applied, damaged = _last_applied(run, made.hosts)
    comparable = tuple(h.model_copy(update={"steps": ()}) if h.host in damaged else h for h in made.hosts)
    judged = made.model_copy(update={"hosts": comparable})
    found = classify(judged, checks, applied, controls=controls_in_force(), protecting=_protecting(), lost=lost)
    found = (*found, *damaged.values())
    found = (*run.unsound, *found, *model_notices(run.fleet, run.hosts), *_about_waivers(run, made, found))
    findings = run.stores.known.date(found, at=run.started, looked_at=[h.host for h in made.hosts])
    hosts = [_with_findings(_looked_at(h), findings) for h in made.hosts]
    code = run.code(findings)
    return run.save(hosts=hosts, findings=findings, checks=checks, plan_digest=made.digest, code=code)


def offline_record(
    fleet: Fleet,
    findings: Iterable[Finding],
    *,
    source: str,
    fleet_time: str,
    left_out: tuple[Count, ...],
    argv: tuple[str, ...],
    limit: str,
    who: str,
    started: str,
    options: Iterable[str] = (),
) -> Record:
    """Make the record of an offline check. It looked at no host, so it has none.

    Args:
        fleet: the inventory, or what could be read of it.
        options: what a command needs to be about the same hosts as the check.
    """
    options = tuple(options)
    findings = tuple(f.with_options(options) for f in findings)
    return Record(
        id=record_id(started, "check"),
        command="check",
        argv=argv,
        who=who,
        started=started,
        finished=clock.now(),
        limit=limit,
        fleet_digest=fleet.digest,
        fleet_source=source,
        fleet_time=fleet_time,
        left_out=left_out,
        code_digest=code_digest(),
        findings=findings,
        exit_code=exit_code(findings),
        manifest=manifest_now(),
    )


def _about_waivers(run: Invocation, made: Plan, found: Sequence[Finding]) -> tuple[Finding, ...]:
    """Return what is to be done about the waivers of these hosts; only of hosts that were looked at whole is it known
    which of them accept nothing.
    """
    seen = {h.host: h.municipality for h in made.hosts}
    whole = not run.only_roles and all(f.kind is not Kind.UNKNOWN for f in found)
    used = {f.waived.name for f in found if f.waived} if whole else None
    return waiver_findings(run.waivers, seen, used)


def _last_applied(
    run: Invocation, hosts: Iterable[HostPlan]
) -> tuple[dict[str, Mapping[StepId, AppliedStep]], dict[str, Finding]]:
    """Return by host what was last applied, and a finding of each host of which that is damaged: what differs there may
    be drift, or what nobody has applied yet.
    """
    applied, damaged = dict[str, Mapping[StepId, AppliedStep]](), dict[str, Finding]()
    for host in hosts:
        try:
            applied[host.host] = run.stores.applied.last_applied(host.host)
        except Damaged as e:
            damaged[host.host] = Finding(
                kind=Kind.UNKNOWN,
                host=host.host,
                municipality=host.municipality,
                message=MessageId.LAST_APPLIED_DAMAGED(),
                evidence=(Error(text=str(e)),),
                advice=MessageId.APPLY(apply=samdrift("apply", "--limit", host.host)),
                severity=severity(Kind.UNKNOWN, MessageId.LAST_APPLIED_DAMAGED),
            )
    return applied, damaged


def _protecting() -> frozenset[str]:
    """Name the roles that keep others out."""
    return frozenset(name for name, role in catalogue().items() if role.protects)


def _looked_at(host: HostPlan) -> HostResult:
    """Return a host's result, from what a look saw."""
    return HostResult(
        host=host.host,
        municipality=host.municipality,
        outcome="unknown" if host.error else "differs" if host.changes else "in sync",
        detail=host.in_short,
        execs=host.execs,
        seconds=host.seconds,
        looked_as=host.looked_as,
    )


def _with_findings(result: HostResult, findings: Iterable[Finding]) -> HostResult:
    """Return a host's result with its findings: one that was lost is unknown, and one with a finding differs; a notice
    is none, nor is what was accepted, nor what is wrong with a waiver.
    """
    about = [f for f in findings if f.host == result.host and not f.accepted]
    own = [f for f in about if f.kind not in {Kind.NOTICE, Kind.WAIVER}]
    unknown = next((f for f in own if f.kind is Kind.UNKNOWN), None)
    if unknown is not None:
        return result.model_copy(update={"outcome": "unknown", "detail": unknown.detail})
    if own and result.outcome == "in sync":
        detail = "; ".join(filter(None, (", ".join(f.step for f in own), result.detail)))
        return result.model_copy(update={"outcome": "differs", "detail": detail})
    return result
