"""Compute how hosts and their roles stood, from the looks and checks that tell it. Pure.

Not here: which looks those are (`report.looks`), and what is counted of them (`report.content`, `report.controls`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from deploy.model.findings import DIFFERENCES, Finding, Kind
from deploy.model.outline import HostOutline, Outline
from deploy.model.record import CheckResult, HostResult, Manifest, Record, RoleManifest
from deploy.model.step_id import StepId
from deploy.report.document import Change, HostState, RoleState, State, StepState, Why
from deploy.report.looks import ByHost, Stood
from inventory.fleet import Host

TROUBLES = DIFFERENCES | {Kind.FAILED_STEP, Kind.REFUSED, Kind.STALE, Kind.ROLLED_BACK}
"""Findings that say that something on a host is not as it should be."""


def host_state(host: Host, stood: Stood, otherwise: Manifest, *, any_look: bool) -> HostState:
    """Return how a host stood.

    Args:
        otherwise: the roles in force; for a host that no look tells of, or whose look does not say which were.
        any_look: some host was looked at.
    """
    look, checked = stood.standing, stood.checked
    result = look.results[host.name] if look else None
    findings, checks = findings_of(stood, host.name), checks_of(stood, host.name)
    manifest = (look.record.manifest if look else None) or otherwise
    state = _state(result, findings, checks)
    seen = state not in {State.UNKNOWN, State.NOT_LOOKED_AT}
    unknown = next((f for f in findings if f.kind is Kind.UNKNOWN), None)
    then = result.roles if result else ()
    since = [name for name in manifest.in_order(host.roles) if name not in then]
    given = stood.steps.results[host.name].steps if stood.steps else {}
    return HostState(
        name=host.name,
        municipality=host.tenant,
        site=host.site,
        platform=host.platform,
        device_role=host.role,
        address=", ".join(str(a) for a in (host.primary_address, host.primary_address6) if a is not None),
        description=host.description,
        state=state,
        why=_why(host, result, any_look=any_look) if state is State.NOT_LOOKED_AT else None,
        reason=(unknown.detail or unknown.summary) if unknown else (result.detail if result else ""),
        last_looked_at=stood.seen.record.started if stood.seen else "",
        look=look.record.id if look else "",
        checks_of=checked.record.id if checked else "",
        checked_at=checked.record.started if checked else "",
        changed=_change(stood.changed, host.name) if stood.changed else None,
        changed_since=stood.changed_since,
        findings=sum(not f.accepted for f in findings),
        roles=tuple(
            _role_state(manifest.role(name), given, findings, checks, seen=seen and (name in then or not then))
            for name in (*then, *since)
        ),
    )


def findings_of(stood: Stood, host: str) -> tuple[Finding, ...]:
    """Return what was found on a host: of its state by the look, of its checks by those that hold."""
    look, checked = stood.standing, stood.checked
    if look is None or checked is None or look is checked:
        return look.findings.get(host, ()) if look else ()
    of_state = (f for f in look.findings.get(host, ()) if f.kind is not Kind.FAILED_CHECK)
    of_checks = (f for f in checked.findings.get(host, ()) if f.kind is Kind.FAILED_CHECK)
    return (*of_state, *of_checks)


def checks_of(stood: Stood, host: str) -> tuple[CheckResult, ...]:
    """Return the results of the newest checks of a host that still hold."""
    return stood.checked.checks.get(host, ()) if stood.checked else ()


def change_of(record: Record | Outline, result: HostResult | HostOutline) -> Change:
    """Return what a run changed on a host, and who answers for it."""
    return Change(
        record=record.id,
        at=record.started,
        command=record.command,
        who=record.who,
        reason=record.reason,
        plan_digest=record.plan_digest,
        approved_by=tuple(
            dict.fromkeys(a.full_name or a.by for a in record.approvals if result.municipality in a.municipalities)
        ),
        emergency=record.emergency,
        steps=len(result.changed),
    )


def _change(changed: ByHost, host: str) -> Change:
    return change_of(changed.record, changed.results[host])


def _state(result: HostResult | None, findings: Iterable[Finding], checks: Iterable[CheckResult]) -> State:
    """Return the most serious thing that is said of a host; one of which nothing is said was not looked at."""
    kinds = {f.kind for f in findings if not f.accepted}
    outcome = result.outcome if result else "skipped"
    if outcome == "unknown" or Kind.UNKNOWN in kinds:
        return State.UNKNOWN
    if any(c.fails for c in checks) or kinds & {Kind.FAILED_CHECK, Kind.FAILED_STEP}:
        return State.FAILED
    if outcome == "failed":
        return State.FAILED
    if outcome in {"differs", "stale", "rolled back"} or kinds & TROUBLES:
        return State.DIFFERS
    return State.NOT_LOOKED_AT if outcome == "skipped" else State.IN_SYNC


def _why(host: Host, result: HostResult | None, *, any_look: bool) -> Why:
    if result is not None:
        return Why.SKIPPED
    if host.status != "active":
        return Why.NOT_ACTIVE
    if not host.roles:
        return Why.NO_ROLES
    return Why.OUTSIDE if any_look else Why.NO_RUN


def _role_state(
    role: RoleManifest,
    given: Iterable[StepId],
    findings: Iterable[Finding],
    checks: Iterable[CheckResult],
    *,
    seen: bool,
) -> RoleState:
    own = tuple(c for c in checks if c.role == role.name)
    amiss = {f.step: f for f in findings if f.role == role.name and f.kind in TROUBLES}
    in_effect = not amiss and all(c.outcome != "failed" for c in own)
    return RoleState(
        name=role.name,
        summary=role.summary,
        controls=role.controls,
        steps=tuple(_steps(role.name, given, amiss, {c.name for c in own})),
        checks=own,
        in_effect=in_effect if seen else None,
    )


def _steps(role: str, given: Iterable[StepId], amiss: Mapping[str, Finding], checked: set[str]) -> Iterator[StepState]:
    """Yield a role's steps as last given, then those that are amiss beside them."""
    names = [s.name for s in given if s.role == role]
    for name in (*names, *sorted(amiss.keys() - set(names) - checked)):
        found = amiss.get(name)
        waived = found.waived if found and found.accepted else None
        yield StepState(name=name, differs=found is not None, waived=waived)
