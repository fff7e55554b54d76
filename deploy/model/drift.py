"""Drift: what a look and the state checks mean, compared with what was last applied. Pure.

One cause is one finding: a step that would change something is one; the handlers that it owes are none; and a
failed check of a role that differs stands in that difference's detail.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping

from deploy.model.findings import DIFFERENCES, Finding, Kind, Severity
from deploy.model.plan import HostPlan, Plan, Step, Unmanaged
from deploy.model.record import AppliedStep, Check

Controls = Mapping[str, tuple[str, ...]]
"""Role name to what auditors ask for that this role answers."""

PROTECTING = frozenset({"base", "firewall"})
"""Roles that keep others out: where they were changed behind our back, it is serious."""

_SUMMARIES = {
    Kind.DRIFT: "changed on the host since it was applied",
    Kind.MISSING: "was applied and is gone",
    Kind.PENDING: "decided, and not yet applied",
    Kind.CONFLICT: "changed on the host, and decided otherwise since",
}

_REMEDIES = {
    Kind.DRIFT: "put it back: samdrift apply --limit {host}; or, if the change was right, write it into the role",
    Kind.MISSING: "put it back: samdrift apply --limit {host}",
    Kind.PENDING: "samdrift apply --limit {host}",
    Kind.CONFLICT: "find out who changed it and why; samdrift apply --limit {host} overwrites it",
    Kind.UNKNOWN: "make the host reachable, then: samdrift drift --limit {host}",
    Kind.ARMED: "wait until it has, then: samdrift plan --limit {host}",
    Kind.FAILED_CHECK: "log in and see why; then: samdrift verify --limit {host}",
}


def classify(
    plan: Plan,
    checks: Iterable[Check],
    last_applied: Mapping[str, Mapping[str, AppliedStep]],
    *,
    controls: Controls,
    lost: Mapping[str, str] | None = None,
) -> tuple[Finding, ...]:
    """Everything that somebody should know, by municipality, host, role and step.

    Args:
        last_applied: host name to step id to what was last applied of it; a host that never was is not in it.
        lost: host name to reason, for hosts that died after the look (while they were verified, say).
    """
    findings: list[Finding] = []
    for host in plan.hosts:
        if reason := host.error or (lost or {}).get(host.host, ""):
            findings.append(_unknown(host, reason))
        findings += [armed_finding(host)] if host.armed else []
        findings += _differences(host, last_applied.get(host.host, {}), controls)
    failed = [c for c in checks if c.outcome == "failed"]
    findings = [_with_checks(f, failed) for f in findings]
    explained = {(f.host, f.role) for f in findings if f.kind in DIFFERENCES}
    findings += [check_finding(c, controls) for c in failed if (c.host, c.role) not in explained]
    return _ordered(findings)


def plan_findings(plan: Plan, *, controls: Controls) -> tuple[Finding, ...]:
    """What a plan alone says, whatever was applied before: what an apply would change, and who is unknown."""
    findings: list[Finding] = []
    for host in plan.hosts:
        if host.error:
            findings.append(_unknown(host, host.error))
        findings += [armed_finding(host)] if host.armed else []
        findings += [_step_finding(Kind.PENDING, host, s, controls, summary="would change") for s in _causes(host)]
    return _ordered(findings)


def armed_finding(host: HostPlan) -> Finding:
    """A host that is about to undo a change of an earlier run, which was not confirmed."""
    return Finding(
        kind=Kind.ARMED,
        host=host.host,
        municipality=host.municipality,
        summary="a change of an earlier run is not confirmed, and the host is about to undo it",
        detail=host.armed,
        remedy=_REMEDIES[Kind.ARMED].format(host=host.host),
        severity=Severity.HIGH,
    )


def check_finding(check: Check, controls: Controls | None = None) -> Finding:
    """A failed check as a finding of its own."""
    return Finding(
        kind=Kind.FAILED_CHECK,
        host=check.host,
        municipality=check.municipality,
        role=check.role,
        step=check.name,
        summary=f"{check.name}: this does not hold",
        detail=check.detail,
        remedy=_REMEDIES[Kind.FAILED_CHECK].format(host=check.host),
        severity=Severity.HIGH,
        controls=(controls or {}).get(check.role, ()),
    )


def applied_steps(host: HostPlan) -> dict[str, AppliedStep]:
    """What a converged host was last given, by step id; handlers leave nothing to compare with."""
    return {s.id: AppliedStep(intent=s.intent, after=s.wanted) for s in host.steps if not s.handler}


def _differences(host: HostPlan, applied: Mapping[str, AppliedStep], controls: Controls) -> list[Finding]:
    """One finding for each step that causes a change, and for each file that is nobody's."""
    found = []
    for step in _causes(host):
        kind = _kind(step, applied.get(step.id))
        found.append(_step_finding(kind, host, step, controls, summary=_summary(kind, step)))
    return found + [_unmanaged(host, stranger, controls) for stranger in host.unmanaged]


def _causes(host: HostPlan) -> list[Step]:
    """The changing steps that are no handlers, and the handlers of roles in which nothing else changes."""
    moved = {s.role for s in host.changes if not s.handler}
    return [s for s in host.changes if not s.handler or s.role not in moved]


def _kind(step: Step, applied: AppliedStep | None) -> Kind:
    """Who moved: the host, the intent, or both.

    Only of a file is it known what the host was left with; elsewhere a moved intent is the whole explanation.
    """
    if step.handler or applied is None:
        return Kind.PENDING
    gone = step.change is not None and step.change.before is None and step.change.meta_before in {"", "absent"}
    if step.intent == applied.intent:
        return Kind.MISSING if gone else Kind.DRIFT
    touched = applied.after and step.change is not None and step.change.live_digest != applied.after
    return Kind.CONFLICT if touched else Kind.PENDING


def _summary(kind: Kind, step: Step) -> str:
    if step.handler:
        return "owed since a run that broke off"
    return _SUMMARIES[kind]


def _step_finding(kind: Kind, host: HostPlan, step: Step, controls: Controls, *, summary: str) -> Finding:
    diff = step.change.diff if step.change else ""
    return Finding(
        kind=kind,
        host=host.host,
        municipality=host.municipality,
        role=step.role,
        step=step.name,
        summary=f"{step.name}: {summary}",
        detail=diff or "\n".join(f"$ {command}" for command in step.commands),
        remedy=_REMEDIES[kind].format(host=host.host),
        severity=_severity(kind, step.role),
        controls=controls.get(step.role, ()),
    )


def _unmanaged(host: HostPlan, stranger: Unmanaged, controls: Controls) -> Finding:
    if stranger.path:
        why = f"nobody declares this file, and role {stranger.role} owns its directory"
        removal = f"remove it on {host.host}: rm -- {shlex.quote(stranger.path)}"
    else:
        why = f"role {stranger.role} says nothing of this line of the configuration"
        removal = f"remove it on {host.host} by hand"
    return Finding(
        kind=Kind.UNMANAGED,
        host=host.host,
        municipality=host.municipality,
        role=stranger.role,
        step=stranger.what,
        summary=f"{stranger.what}: {why}",
        remedy=f"declare it in role {stranger.role}, or {removal}",
        severity=_severity(Kind.UNMANAGED, stranger.role),
        controls=controls.get(stranger.role, ()),
    )


def _unknown(host: HostPlan, reason: str) -> Finding:
    return Finding(
        kind=Kind.UNKNOWN,
        host=host.host,
        municipality=host.municipality,
        summary="the host could not be looked at; nothing is known about it now",
        detail=reason,
        remedy=_REMEDIES[Kind.UNKNOWN].format(host=host.host),
        severity=Severity.HIGH,
    )


def _with_checks(finding: Finding, failed: Iterable[Check]) -> Finding:
    """A difference with the failed checks of its role below it: they are its effect, or another sign of it."""
    if finding.kind not in DIFFERENCES:
        return finding
    said = [
        f"check failed: {c.name}\n{c.detail}".rstrip()
        for c in failed
        if (c.host, c.role) == (finding.host, finding.role)
    ]
    return finding.model_copy(update={"detail": "\n".join(filter(None, [finding.detail, *said]))})


def _severity(kind: Kind, role: str) -> Severity:
    """Pending work is low until somebody else moved too; a role that protects makes any other difference high."""
    if kind is Kind.PENDING:
        return Severity.LOW
    return Severity.HIGH if kind is Kind.CONFLICT or role in PROTECTING else Severity.MEDIUM


def _ordered(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    return tuple(sorted(findings, key=lambda f: (f.municipality, f.host, f.role, f.step, f.kind)))
