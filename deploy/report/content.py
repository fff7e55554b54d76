"""Compute the report's values from the fleet and its records. Pure.

Not here: the values themselves (`report.document`), how they look as a page (`report.page`), and how records come to
be (`runs`, `store`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from deploy.model.emergency import Emergency
from deploy.model.findings import DIFFERENCES, Finding, Kind, Severity
from deploy.model.record import CheckResult, HostResult, Manifest, Record, RoleManifest
from deploy.model.step_id import StepId
from deploy.report.document import (
    Checked,
    Control,
    HostState,
    Inventory,
    Link,
    Municipality,
    Place,
    Report,
    RoleState,
    RunSummary,
    State,
    StepState,
    Totals,
    Why,
)
from deploy.report.emergencies import open_emergencies
from deploy.report.rights import rights
from inventory.fleet import Fleet, Host

OLD_SECONDS = 24 * 3600
"""A run that ended longer ago than this is called old."""

LATEST_RUNS = 15
"""So many earlier runs stand in the report; the store has all."""

TROUBLES = DIFFERENCES | {Kind.FAILED_STEP, Kind.REFUSED, Kind.STALE, Kind.ROLLED_BACK}
"""Findings that say that something on a host is not as it should be."""


def report_of(
    fleet: Fleet,
    hosts: Sequence[Host],
    record: Record | None,
    history: Sequence[Record],
    made_at: str,
    *,
    today: Manifest,
    check: Record | None = None,
    emergencies: Iterable[Emergency] = (),
    source: str = "",
    whole: bool = False,
) -> Report:
    """Make the report of how these hosts stood when `record` was made, and of what was not looked at.

    Of other hosts nothing is said, so that one municipality's report holds no other's information.

    Args:
        fleet: sound, or what could be read of one that is not.
        hosts: the hosts that the report is about.
        record: the latest run that looked at them; None if there was none.
        history: earlier runs (and `record` itself), newest first; for a host's steps, and for the list of runs.
        today: the roles in force when the report is made; for a run that does not say which were.
        check: the latest check of the inventory; None if there was none.
        emergencies: those that are not signed off.
        whole: it is about everything, and so about what the inventory has wrong of municipalities without hosts, too.
        source: where the fleet comes from; what the record says, if this does not.
    """
    past = tuple(sorted(history, key=lambda r: r.started, reverse=True))
    in_view = {h.name for h in hosts}
    tenants = {h.tenant for h in hosts}
    concerned = tenants | ({t.slug for t in fleet.tenants} if whole else set())
    strangers = _strangers(fleet, record, tenants)
    run = _only(record, in_view | set(strangers), tenants) if record else None
    manifest = record.manifest if record and record.manifest else today
    states = tuple(_host_state(h, run, past, manifest) for h in sorted(hosts, key=lambda h: (h.tenant, h.name)))
    findings = tuple(sorted(run.findings, key=_gravity)) if run else ()
    accepted = tuple(f for f in findings if f.accepted)
    called = {slug: slug for slug in tenants} | {t.slug: t.name for t in fleet.tenants}
    municipalities = tuple(
        Municipality(slug=slug, name=called[slug], totals=_totals_of(slug, states, findings))
        for slug in sorted(tenants, key=lambda slug: _swedish(called[slug]))
    )
    return Report(
        organisation=" · ".join(sorted((r.name for r in fleet.regions), key=_swedish)),
        scope=", ".join(m.name for m in municipalities),
        made_at=made_at,
        run=_run(run) if run else None,
        checked=_checked(fleet, check, in_view, concerned) if check else None,
        old=run is not None and _seconds_between(run.finished, made_at) > OLD_SECONDS,
        emergencies=tuple(open_emergencies(emergencies, in_view, {m.slug: m.name for m in municipalities})),
        inventory=_inventory(fleet, record, source),
        manifest_of="run" if record and record.manifest else "report",
        code_digest=record.code_digest if record else "",
        plan_digest=record.plan_digest if record else "",
        totals=_totals(states, findings),
        municipalities=municipalities,
        findings=tuple(f for f in findings if not f.accepted),
        accepted=accepted,
        controls=tuple(_controls(states, manifest)),
        rights=rights(fleet, hosts, sorted(concerned)),
        duties=today.duties,
        hosts=states,
        strangers=strangers,
        places=_places(fleet, hosts),
        links=_links(fleet, {h.site for h in hosts}),
        history=tuple(_run(_only(r, in_view, concerned)) for r in past[:LATEST_RUNS]),
    )


def _checked(fleet: Fleet, check: Record, names: set[str], tenants: set[str]) -> Checked:
    return Checked(
        at=check.finished,
        who=check.who,
        limit=check.limit,
        digest=check.fleet_digest,
        moved_since=check.fleet_digest != fleet.digest,
        findings=tuple(sorted(_only(check, names, tenants).findings, key=_gravity)),
    )


def _only(record: Record, names: set[str], tenants: set[str]) -> Record:
    """Return the part of a record that is about these hosts (or about these municipalities, or the inventory as a
    whole).
    """
    ours = {"", *tenants}
    return record.model_copy(
        update={
            "hosts": tuple(h for h in record.hosts if h.host in names),
            "checks": tuple(c for c in record.checks if c.host in names),
            "findings": tuple(f for f in record.findings if (f.host in names if f.host else f.municipality in ours)),
        }
    )


def _strangers(fleet: Fleet, record: Record | None, tenants: set[str]) -> tuple[str, ...]:
    """Return the hosts of these municipalities that the run saw and the fleet no longer has."""
    known = {h.name for h in fleet.hosts}
    seen = record.hosts if record else ()
    return tuple(sorted(h.host for h in seen if h.host not in known and h.municipality in tenants))


def _host_state(host: Host, run: Record | None, past: Sequence[Record], manifest: Manifest) -> HostState:
    result = _result(run, host.name)
    findings = [f for f in run.findings if f.host == host.name] if run else []
    checks = [c for c in run.checks if c.host == host.name] if run else []
    state = _state(result, findings, checks)
    seen = state not in {State.UNKNOWN, State.NOT_LOOKED_AT}
    steps = _steps(host.name, run, past)
    unknown = next((f for f in findings if f.kind is Kind.UNKNOWN), None)
    then = result.roles if result else ()
    since = [name for name in manifest.in_order(host.roles) if name not in then]
    return HostState(
        name=host.name,
        municipality=host.tenant,
        site=host.site,
        platform=host.platform,
        device_role=host.role,
        address=", ".join(str(a) for a in (host.primary_address, host.primary_address6) if a is not None),
        description=host.description,
        state=state,
        why=_why(host, run, result) if state is State.NOT_LOOKED_AT else None,
        reason=(unknown.detail or unknown.summary) if unknown else (result.detail if result else ""),
        last_looked_at=_last_looked_at(host.name, [*([run] if run else []), *past]),
        findings=sum(not f.accepted for f in findings),
        roles=tuple(
            _role_state(manifest.role(name), steps, findings, checks, seen=seen and (name in then or not then))
            for name in (*then, *since)
        ),
    )


def _result(record: Record | None, host: str) -> HostResult | None:
    return next((h for h in record.hosts if h.host == host), None) if record else None


def _state(result: HostResult | None, findings: Iterable[Finding], checks: Iterable[CheckResult]) -> State:
    """Return the most serious thing that the run says of a host; a host that it does not speak of was not looked at."""
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


def _why(host: Host, run: Record | None, result: HostResult | None) -> Why:
    if result is not None:
        return Why.SKIPPED
    if host.status != "active":
        return Why.NOT_ACTIVE
    if not host.roles:
        return Why.NO_ROLES
    return Why.NO_RUN if run is None else Why.OUTSIDE


def _last_looked_at(host: str, records: Iterable[Record]) -> str:
    """Return when a run last could look at this host; empty if none did."""
    looked = [r.started for r in records if (h := _result(r, host)) and h.outcome not in {"unknown", "skipped"}]
    return max(looked, default="")


def _steps(host: str, run: Record | None, past: Sequence[Record]) -> tuple[StepId, ...]:
    """Return a host's steps, from the latest run in which it converged."""
    for record in [*([run] if run else []), *past]:
        result = _result(record, host)
        if result and result.steps:
            return tuple(result.steps)
    return ()


def _role_state(
    role: RoleManifest,
    steps: Iterable[StepId],
    findings: Iterable[Finding],
    checks: Iterable[CheckResult],
    *,
    seen: bool,
) -> RoleState:
    own = tuple(c for c in checks if c.role == role.name)
    amiss = {f.step for f in findings if f.role == role.name and f.kind in TROUBLES}
    names = [s.name for s in steps if s.role == role.name]
    differing = [s for s in amiss if s not in names and s not in {c.name for c in own}]
    in_effect = not amiss and all(c.outcome != "failed" for c in own)
    return RoleState(
        name=role.name,
        summary=role.summary,
        controls=role.controls,
        steps=tuple(StepState(name=s, differs=s in amiss) for s in [*names, *sorted(differing)]),
        checks=own,
        in_effect=in_effect if seen else None,
    )


def _totals_of(tenant: str, states: Iterable[HostState], findings: Iterable[Finding]) -> Totals:
    own = [s for s in states if s.municipality == tenant]
    return _totals(own, [f for f in findings if f.municipality == tenant])


def _totals(states: Sequence[HostState], findings: Sequence[Finding]) -> Totals:
    by_state = Counter(s.state for s in states)
    outcomes = Counter(c.outcome for s in states for r in s.roles for c in r.checks)
    return Totals(
        hosts=len(states),
        unknown=by_state[State.UNKNOWN],
        failed=by_state[State.FAILED],
        differs=by_state[State.DIFFERS],
        in_sync=by_state[State.IN_SYNC],
        not_looked_at=by_state[State.NOT_LOOKED_AT],
        findings=sum(not f.accepted for f in findings),
        accepted=sum(f.accepted for f in findings),
        passed=outcomes["passed"],
        failed_checks=outcomes["failed"],
        not_applicable=outcomes["not applicable"],
    )


def _controls(states: Sequence[HostState], manifest: Manifest) -> Iterator[Control]:
    """Yield every control that a role of these hosts answers, in the order of its number."""
    pairs = [r for s in states for r in s.roles]
    for control in sorted({c for r in pairs for c in r.controls}, key=_by_number):
        answering = [r for r in pairs if control in r.controls]
        effect = Counter(r.in_effect for r in answering)
        outcomes = Counter(c.outcome for r in answering for c in r.checks)
        yield Control(
            id=control,
            title=manifest.titles.get(control),
            roles=tuple(sorted({r.name for r in answering})),
            in_effect=effect[True],
            not_in_effect=effect[False],
            not_looked_at=effect[None],
            passed=outcomes["passed"],
            failed=outcomes["failed"],
            not_applicable=outcomes["not applicable"],
        )


def _run(record: Record) -> RunSummary:
    checks = Counter(c.outcome for c in record.checks)
    return RunSummary(
        id=record.id,
        command=record.command,
        argv=record.argv,
        who=record.who,
        reason=record.reason,
        started=record.started,
        finished=record.finished,
        limit=record.limit,
        exit_code=record.exit_code,
        hosts=len(record.hosts),
        outcomes=dict(sorted(Counter(h.outcome for h in record.hosts).items())),
        findings=len(record.findings),
        passed=checks["passed"],
        failed_checks=checks["failed"],
        not_applicable=checks["not applicable"],
    )


def _inventory(fleet: Fleet, record: Record | None, source: str) -> Inventory:
    return Inventory(
        source=source or (record.fleet_source if record else ""),
        digest=fleet.digest,
        run_digest=record.fleet_digest if record else "",
        moved_since_run=record is not None and record.fleet_digest != fleet.digest,
    )


def _places(fleet: Fleet, hosts: Iterable[Host]) -> tuple[Place, ...]:
    slugs = {h.site for h in hosts}
    called = {t.slug: t.name for t in fleet.tenants}
    return tuple(
        Place(
            slug=s.slug,
            name=s.name,
            municipality=called.get(s.tenant, s.tenant),
            latitude=s.latitude,
            longitude=s.longitude,
        )
        for s in fleet.sites
        if s.slug in slugs
    )


def _links(fleet: Fleet, sites: set[str]) -> tuple[Link, ...]:
    """Link the site of each shared prefix's gateway to every other site with an address in that prefix."""
    links = set()
    for prefix in (p for p in fleet.prefixes if p.region and p.gateway):
        inside = {(h.site, a.ip) for h in fleet.hosts for a in h.addresses if a.ip in prefix.prefix}
        hubs = {site for site, address in inside if address == prefix.gateway}
        links |= {(hub, site, str(prefix.prefix)) for hub in hubs for site, _ in inside if site != hub}
    return tuple(Link(a=a, b=b, prefix=p) for a, b, p in sorted(links) if {a, b} <= sites)


def _gravity(finding: Finding) -> tuple[int, str, str, str, str]:
    order = (Severity.HIGH, Severity.MEDIUM, Severity.LOW)
    return (order.index(finding.severity), finding.municipality, finding.host, finding.role, finding.step)


def _by_number(control: str) -> tuple[str, list[int]]:
    """Make a sorting key: `ISO 27002:2022 8.9` comes before `ISO 27002:2022 8.20`."""
    standard, _, number = control.rpartition(" ")
    parts = number.split(".")
    return (standard, [int(p) for p in parts]) if all(p.isdecimal() for p in parts) else (control, [])


def _swedish(name: str) -> str:
    """Return a key by which å, ä and ö sort last."""
    return name.casefold().translate(str.maketrans("åäö", "{|}"))


def _seconds_between(earlier: str, later: str) -> float:
    return (datetime.fromisoformat(later) - datetime.fromisoformat(earlier)).total_seconds()
