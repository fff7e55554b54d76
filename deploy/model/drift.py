"""Drift: what a look and the state checks mean, compared with what was last applied. Pure.

One cause is one finding: a step that would change something is one; the handlers that it owes are none; and a
failed check of a role that differs is evidence of that difference. What a waiver accepts explains no failed check, or
nobody would be told of that.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping

from deploy.model.evidence import Commands, Diff, Error, Evidence, FailedCheck, Note
from deploy.model.findings import DIFFERENCES, Finding, Kind, severity
from deploy.model.messages import Message, MessageId, as_written, samdrift
from deploy.model.plan import HostPlan, Plan, Step
from deploy.model.record import AppliedStep, CheckResult
from deploy.model.step_id import StepId
from deploy.model.unmanaged import Controls, unmanaged_findings
from deploy.model.waivers import difference, waiver_notes
from roles.shared.device.letting_in import Part

_FOUND = {
    Kind.DRIFT: MessageId.STEP_CHANGED_ON_HOST,
    Kind.MISSING: MessageId.STEP_GONE,
    Kind.PENDING: MessageId.STEP_NOT_APPLIED,
    Kind.CONFLICT: MessageId.STEP_CHANGED_TWICE,
}

NAMED = 4
"""Ports that a finding about strangers names in its one line."""

LOSES: Mapping[Part, MessageId] = {
    "account": MessageId.LOSES_ACCOUNT,
    "privilege": MessageId.LOSES_PRIVILEGE,
    "key": MessageId.LOSES_KEY,
    "login": MessageId.LOSES_LOGIN,
    "address": MessageId.LOSES_ADDRESS,
    "interface": MessageId.LOSES_INTERFACE,
    "route": MessageId.LOSES_ROUTE,
    "service": MessageId.LOSES_SERVICE,
    "access": MessageId.LOSES_ACCESS,
}
"""What is said of a lost part of the way in."""

_ADVICE = {
    Kind.DRIFT: MessageId.PUT_BACK_OR_DECLARE,
    Kind.MISSING: MessageId.PUT_BACK,
    Kind.PENDING: MessageId.APPLY,
    Kind.CONFLICT: MessageId.ASK_BEFORE_APPLY,
}


def classify(
    plan: Plan,
    checks: Iterable[CheckResult],
    last_applied: Mapping[str, Mapping[StepId, AppliedStep]],
    *,
    controls: Controls,
    protecting: Collection[str] = (),
    lost: Mapping[str, str] | None = None,
) -> tuple[Finding, ...]:
    """Return every finding of a drift, by municipality, host, role and step.

    Args:
        last_applied: host name to step id to what was last applied of it; a host that never was is not in it.
        protecting: roles that keep others out: where they were changed behind our back, it is serious.
        lost: host name to reason, for hosts that died after the look (while they were verified, say).
    """
    checks, findings = tuple(checks), list[Finding]()
    for host in plan.hosts:
        if reason := host.error or (lost or {}).get(host.host, ""):
            findings.append(_unknown(host, reason))
        findings += [armed_finding(host)] if host.armed else []
        findings += _caveats(host)
        findings += _differences(host, last_applied.get(host.host, {}), controls, protecting)
    failed = [c for c in checks if c.outcome == "failed"]
    findings = [_with_checks(f, failed) for f in findings]
    explained = {(f.host, f.role) for f in findings if _explains(f)}
    findings += [check_finding(c, controls) for c in failed if (c.host, c.role) not in explained]
    findings += [strangers_finding(c) for c in checks if c.strangers]
    findings += [restarts_finding(c) for c in checks if c.restarts]
    return _ordered(findings)


def plan_findings(plan: Plan, *, controls: Controls) -> tuple[Finding, ...]:
    """Return the findings of a plan by itself: what an apply would change, and which hosts are unknown."""
    findings: list[Finding] = []
    for host in plan.hosts:
        if host.error:
            findings.append(_unknown(host, host.error))
        findings += [armed_finding(host)] if host.armed else []
        findings += _caveats(host)
        for step in _causes(host):
            if step.shuts_out and not step.held:
                findings.append(refused_finding(host, step, controls))
            else:
                findings.append(_step_finding(Kind.PENDING, MessageId.STEP_WOULD_CHANGE, host, step, controls))
    return _ordered(findings)


def armed_finding(host: HostPlan) -> Finding:
    """Report a host that is about to undo an earlier run's unconfirmed change."""
    return Finding(
        kind=Kind.ARMED,
        host=host.host,
        municipality=host.municipality,
        message=MessageId.UNCONFIRMED(),
        evidence=(Note(message=as_written(host.armed)),),
        advice=MessageId.WAIT_THEN_PLAN(plan=samdrift("plan", "--limit", host.host)),
        severity=severity(Kind.ARMED, MessageId.UNCONFIRMED),
    )


def _caveats(host: HostPlan) -> Iterator[Finding]:
    """Yield what to know of how a host works."""
    for what in host.caveats:
        yield Finding(
            kind=Kind.NOTICE,
            host=host.host,
            municipality=host.municipality,
            step="mode",
            message=MessageId.CAVEAT(what=what),
            severity=severity(Kind.NOTICE, MessageId.CAVEAT),
        )


def refused_finding(host: HostPlan, step: Step, controls: Controls | None = None) -> Finding:
    """Report a step that is not carried out, as it would take away the way by which samdrift came in."""
    lines = ", ".join(dict.fromkeys(lost.line for lost in step.shuts_out))
    return Finding(
        kind=Kind.REFUSED,
        host=host.host,
        municipality=host.municipality,
        role=step.role,
        step=step.name,
        message=MessageId.WAY_IN_LOST(lines=lines),
        evidence=(*shut_out(step), *step_evidence(step)),
        advice=_keep_way_in(host),
        severity=severity(Kind.REFUSED, MessageId.WAY_IN_LOST),
        controls=(controls or {}).get(step.role, ()),
    )


def shut_out(step: Step) -> Iterator[Note]:
    """Yield which parts of the way in a step would take away, and what stands there instead."""
    for lost in step.shuts_out:
        yield Note(message=LOSES[lost.part](line=lost.line))
        if lost.instead:
            yield Note(message=MessageId.STANDS_INSTEAD(line=lost.instead))


def _keep_way_in(host: HostPlan) -> Message:
    return MessageId.KEEP_WAY_IN(plan=samdrift("plan", "--limit", host.host))


def check_finding(check: CheckResult, controls: Controls | None = None) -> Finding:
    """Report a failed state check as a finding of its own."""
    return Finding(
        kind=Kind.FAILED_CHECK,
        host=check.host,
        municipality=check.municipality,
        role=check.role,
        step=check.name,
        message=MessageId.CHECK_FAILED(check=check.name),
        evidence=(*waiver_notes(check.waived), *([Error(text=check.detail)] if check.detail else [])),
        advice=MessageId.SEE_WHY_THEN_VERIFY(verify=samdrift("verify", "--limit", check.host)),
        severity=severity(Kind.FAILED_CHECK, MessageId.CHECK_FAILED),
        controls=(controls or {}).get(check.role, ()),
        waived=check.waived,
        difference=difference(check),
    )


def strangers_finding(check: CheckResult) -> Finding:
    """Report whom a device hears at its ports though no cable of NetBox leads to them: to be known, and no fault."""
    ports = tuple(dict.fromkeys(one.port for one in check.strangers))
    more = f", … ({len(ports)})" if len(ports) > NAMED else ""
    return Finding(
        kind=Kind.NOTICE,
        host=check.host,
        municipality=check.municipality,
        role=check.role,
        step=check.name,
        message=MessageId.STRANGERS_HEARD(ports=", ".join(ports[:NAMED]) + more),
        evidence=tuple(
            Note(message=MessageId.HEARD_AT(port=one.port, name=one.host or one.id or "?")) for one in check.strangers
        ),
        advice=MessageId.DRAW_THE_CABLE(),
        severity=severity(Kind.NOTICE, MessageId.STRANGERS_HEARD),
    )


def restarts_finding(check: CheckResult) -> Finding:
    """Report what runs code that an update has replaced: to be restarted by somebody, and no fault."""
    return Finding(
        kind=Kind.NOTICE,
        host=check.host,
        municipality=check.municipality,
        role=check.role,
        step=check.name,
        message=MessageId.RESTARTS_DUE(what=", ".join(check.restarts)),
        advice=MessageId.RESTART_WHEN_IT_SUITS(),
        severity=severity(Kind.NOTICE, MessageId.RESTARTS_DUE),
    )


def step_evidence(step: Step) -> tuple[Evidence, ...]:
    """Return the diff of a step's file, or its commands if it has none."""
    if step.change is not None and step.change.diff:
        return (Diff(text=step.change.diff, private=step.change.is_private),)
    return (Commands(lines=tuple(map(str, step.commands))),) if step.commands else ()


def applied_steps(host: HostPlan, declared: Mapping[StepId, str] | None = None) -> dict[StepId, AppliedStep]:
    """Return what a converged host was last given, by step id; handlers leave nothing to compare with, and what a
    waiver held back was not given.

    Args:
        declared: the configurations of a device, by the step that types each.
    """
    configurations = declared or {}
    return {
        s.id: AppliedStep(intent=s.intent, after=s.wanted, declared=configurations.get(s.id, ""))
        for s in host.steps
        if not s.handler and not s.held
    }


def _differences(
    host: HostPlan, applied: Mapping[StepId, AppliedStep], controls: Controls, protecting: Collection[str]
) -> list[Finding]:
    """Return a finding for each step that causes a change, and for each unmanaged file or line."""
    found = []
    for step in _causes(host):
        kind = _kind(step, applied.get(step.id))
        about = MessageId.HANDLER_OWED if step.handler else _FOUND[kind]
        found.append(_step_finding(kind, about, host, step, controls, protects=step.role in protecting))
    return [*found, *unmanaged_findings(host, controls, protecting)]


def _causes(host: HostPlan) -> list[Step]:
    """Return the steps that get a finding: every changing one, except handlers whose role has another changing step."""
    moved = {s.role for s in host.changes if not s.handler}
    return [s for s in host.steps if s.held or (s.changes and (not s.handler or s.role not in moved))]


def _kind(step: Step, applied: AppliedStep | None) -> Kind:
    """Tell which moved since the last apply: the host, the intent, or both.

    Only of a file is it known what the host was left with; elsewhere a moved intent is the whole explanation.
    """
    if step.handler or applied is None or (step.change is not None and step.change.due):
        return Kind.PENDING
    gone = step.change is not None and step.change.before is None and step.change.meta_before in {"", "absent"}
    if step.intent == applied.intent:
        return Kind.MISSING if gone else Kind.DRIFT
    touched = applied.after and step.change is not None and step.change.live_digest != applied.after
    return Kind.CONFLICT if touched else Kind.PENDING


def _step_finding(
    kind: Kind, about: MessageId, host: HostPlan, step: Step, controls: Controls, *, protects: bool = False
) -> Finding:
    return Finding(
        kind=kind,
        host=host.host,
        municipality=host.municipality,
        role=step.role,
        step=step.name,
        message=about(step=step.name),
        evidence=(*waiver_notes(step.waived), *shut_out(step), *step_evidence(step)),
        advice=_advice(kind, host, step),
        severity=severity(kind, about, protects=protects),
        controls=controls.get(step.role, ()),
        waived=step.waived,
        difference="" if step.handler else difference(step),
    )


def _advice(kind: Kind, host: HostPlan, step: Step) -> Message:
    if step.waived and step.waived.accepted:
        return MessageId.REMOVE_WAIVER(waiver=step.waived.name)
    if step.held and step.waived:
        propose = samdrift("waivers", "propose", "--limit", host.host)
        return MessageId.ACCEPT_OR_REMOVE(waiver=step.waived.name, propose=propose)
    if step.shuts_out:
        return _keep_way_in(host)
    return _ADVICE[kind](apply=samdrift("apply", "--limit", host.host))


def _unknown(host: HostPlan, reason: str) -> Finding:
    return Finding(
        kind=Kind.UNKNOWN,
        host=host.host,
        municipality=host.municipality,
        message=MessageId.NOT_LOOKED_AT(),
        evidence=(Error(text=reason),),
        advice=MessageId.MAKE_REACHABLE(drift=samdrift("drift", "--limit", host.host)),
        severity=severity(Kind.UNKNOWN, MessageId.NOT_LOOKED_AT),
    )


def _explains(finding: Finding) -> bool:
    """Tell whether a failed check of its role may be an effect of it: a host that people run has things of theirs."""
    if finding.kind is Kind.UNMANAGED and finding.message.id is not MessageId.FILE_UNDECLARED:
        return False
    return finding.kind in DIFFERENCES and not finding.accepted


def _with_checks(finding: Finding, failed: Iterable[CheckResult]) -> Finding:
    """Add the failed checks of a difference's role as evidence: they are its effect, or another sign of it."""
    if not _explains(finding):
        return finding
    of_the_role = (c for c in failed if (c.host, c.role) == (finding.host, finding.role))
    shown = tuple(FailedCheck(name=c.name, detail=c.detail) for c in of_the_role)
    return finding.model_copy(update={"evidence": (*finding.evidence, *shown)})


def _ordered(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    return tuple(sorted(findings, key=lambda f: (f.municipality, f.host, f.role, f.step, f.kind)))
