"""Compute the report's values from the fleet and its records. Pure.

Not here: the values themselves (`report.document`), how hosts and controls stood (`report.hosts`, `report.controls`),
what is masked of other municipalities (`report.masking`), how it looks as a page (`report.page`), and how records come
to be (`runs`, `store`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from deploy.model.emergency import Emergency
from deploy.model.findings import Finding, Severity, exit_code
from deploy.model.kinds import Exit
from deploy.model.record import InSwedish, Manifest, Record
from deploy.report.controls import controls
from deploy.report.document import (
    Checked,
    HostState,
    Inventory,
    Link,
    Municipality,
    Place,
    Report,
    ReportedFinding,
    RunSummary,
    SharedService,
    State,
    Totals,
)
from deploy.report.emergencies import open_emergencies
from deploy.report.hosts import findings_of, host_state
from deploy.report.looks import ByHost, Stood
from deploy.report.masking import masked, names_in
from deploy.report.past import Past
from deploy.report.period import period
from deploy.report.rights import rights
from deploy.report.scope import municipalities, organisation, swedish
from inventory.fleet import Fleet, Host

OLD_SECONDS = 24 * 3600
"""A run that ended longer ago than this is called old."""

SHARED = "shared"
"""The tag of a server that all municipalities use, whoever owns it."""


def report_of(
    fleet: Fleet,
    hosts: Sequence[Host],
    past: Past,
    at: str,
    *,
    today: Manifest,
    check: Record | None = None,
    emergencies: Iterable[Emergency] = (),
    source: str = "",
    whole: bool = False,
) -> Report:
    """Make the report of how these hosts stood at a moment, and of what was not looked at.

    Unless it is about everything, nothing is said of other municipalities: neither of their hosts nor of runs on them,
    and what names them in what was found on these hosts is masked.

    Args:
        fleet: sound, or what could be read of one that is not.
        hosts: the hosts that the report is about.
        past: what is known of the past of all hosts of the fleet at that moment.
        at: the moment, ISO 8601 UTC.
        today: the roles in force when the report is made; for a look that does not say which were.
        check: the latest check of the inventory; None if there was none.
        emergencies: those that are not signed off.
        whole: it is about everything, and so about what the inventory has wrong of municipalities without hosts, too.
        source: where the fleet comes from; what the newest look says, if this does not.
    """
    stood = past.stood
    tenants = {h.tenant for h in hosts}
    concerned = tenants | ({t.slug for t in fleet.tenants} if whole else set())
    names, strangers = {h.name for h in hosts}, _strangers(fleet, past.latest, tenants)
    part = _Part(names | strangers, concerned, whole=whole)
    looks = _looks(stood[h.name] for h in hosts)
    newest = looks[0].record if looks else None
    manifest = (newest.manifest if newest else None) or today
    states = tuple(
        host_state(h, stood[h.name], manifest, any_look=newest is not None)
        for h in sorted(hosts, key=lambda h: (h.tenant, h.name))
    )
    findings = tuple(sorted(_findings(hosts, stood, looks, part), key=_gravity))
    about = municipalities(fleet, tenants)
    roles = {r.name for state in states for r in state.roles}
    made = Report(
        organisation=organisation(fleet),
        scope=", ".join(about.values()),
        at=at,
        run=part.run(newest) if newest else None,
        looks=tuple(part.run(look.record) for look in looks),
        checked=_checked(fleet, check, part) if check else None,
        old=sum(_seconds_between(s.last_looked_at, at) > OLD_SECONDS for s in states if s.last_looked_at),
        emergencies=tuple(open_emergencies(emergencies, part.hosts, about)),
        inventory=_inventory(fleet, newest, source),
        manifest_of="run" if newest and newest.manifest else "report",
        code_digest=newest.code_digest if newest else "",
        plan_digest=newest.plan_digest if newest else "",
        totals=_totals(states, findings),
        municipalities=tuple(
            Municipality(slug=slug, name=name, totals=_totals_of(slug, states, findings))
            for slug, name in about.items()
        ),
        findings=tuple(f for f in findings if not f.accepted),
        accepted=tuple(f for f in findings if f.accepted),
        controls=tuple(controls(states, manifest)),
        rights=rights(fleet, hosts, sorted(concerned)),
        standards=manifest.standards,
        duties=today.duties,
        hosts=states,
        swedish={r.name: r.swedish for r in manifest.roles if r.name in roles and r.swedish != InSwedish()},
        strangers=tuple(sorted(strangers)),
        services=tuple(_services(fleet, tenants, stood, manifest)),
        places=_places(fleet, hosts),
        links=_links(fleet, {h.site for h in hosts}),
        period=period(past.slices, names, past.since, at) if past.since else None,
        history=tuple(part.run(r) for r in part.about(past.latest)),
    )
    return made if whole else masked(made, names_in(fleet, tenants))


class _Part:
    """The part of records that a report may tell: what is about its hosts and municipalities."""

    def __init__(self, hosts: set[str], municipalities: set[str], *, whole: bool) -> None:
        self.hosts, self.municipalities, self.whole = hosts, {"", *municipalities}, whole

    def has(self, finding: Finding) -> bool:
        """Tell whether a finding is about these hosts, these municipalities, or the inventory as a whole."""
        return finding.host in self.hosts if finding.host else finding.municipality in self.municipalities

    def of(self, record: Record) -> Record:
        """Return the part of a record that may be told; what it was limited to names hosts, and others' files, too."""
        parts: dict[str, Any] = {
            "hosts": tuple(h for h in record.hosts if h.host in self.hosts),
            "checks": tuple(c for c in record.checks if c.host in self.hosts),
            "findings": tuple(f for f in record.findings if self.has(f)),
        }
        if self.whole:
            return record.model_copy(update=parts)
        named = {"argv": (), "limit": "", "exit_code": exit_of(record, parts["findings"])}
        return record.model_copy(update=parts | named)

    def about(self, records: Iterable[Record]) -> list[Record]:
        """Return the runs that were about something of this part: of checks, those of everything, too."""
        return [r for r in records if self.whole or not (r.limit or r.hosts) or _says_something(self.of(r))]

    def run(self, record: Record) -> RunSummary:
        """Sum a run up, as far as this part was in it."""
        return _run(self.of(record))


def _says_something(part: Record) -> bool:
    return bool(part.hosts or part.findings or part.checks)


def exit_of(record: Record, findings: Sequence[Finding]) -> int:
    """Return how a run ended as far as these findings go; where it was broken off, that it was."""
    if record.exit_code in {Exit.INTERRUPTED, Exit.USAGE} or (record.exit_code == Exit.ERROR and not record.findings):
        return record.exit_code
    return int(exit_code(findings, after_change=record.command in {"apply", "restore"}))


def _looks(stood: Iterable[Stood]) -> list[ByHost]:
    """Return the runs that tell how hosts stood, each once, the newest first."""
    found = {run.record.id: run for one in stood for run in (one.standing, one.checked) if run is not None}
    return sorted(found.values(), key=lambda run: run.record.started, reverse=True)


def _findings(
    hosts: Sequence[Host], stood: Mapping[str, Stood], looks: Sequence[ByHost], part: _Part
) -> Iterator[ReportedFinding]:
    """Yield what was found on each host, on hosts that are no more, and what the newest look said of no host."""
    known = {h.name for h in hosts}
    for host in hosts:
        yield from map(ReportedFinding.of, findings_of(stood[host.name], host.name))
    for name, some in looks[0].findings.items() if looks else ():
        if name not in known:
            yield from (ReportedFinding.of(f) for f in some if part.has(f))


def _checked(fleet: Fleet, check: Record, part: _Part) -> Checked:
    ours = part.of(check)
    return Checked(
        at=ours.finished,
        who=ours.who,
        limit=ours.limit,
        digest=ours.fleet_digest,
        moved_since=ours.fleet_digest != fleet.digest,
        findings=tuple(sorted(map(ReportedFinding.of, ours.findings), key=_gravity)),
    )


def _services(
    fleet: Fleet, tenants: set[str], stood: Mapping[str, Stood], manifest: Manifest
) -> Iterator[SharedService]:
    """Yield how servers stood that these municipalities use and another one owns."""
    shared = [h for h in fleet.hosts if SHARED in h.tags and h.tenant not in tenants and h.status == "active"]
    for host in sorted(shared, key=lambda h: (swedish(h.description), h.name)):
        state = host_state(host, stood[host.name], manifest, any_look=True)
        outcomes = Counter(c.outcome for r in state.roles for c in r.checks)
        yield SharedService(
            description=host.description,
            roles=tuple(r.name for r in state.roles),
            state=state.state,
            last_looked_at=state.last_looked_at,
            passed=outcomes["passed"],
            failed=outcomes["failed"],
            not_applicable=outcomes["not applicable"],
        )


def _strangers(fleet: Fleet, records: Iterable[Record], tenants: set[str]) -> set[str]:
    """Return the hosts of these municipalities that runs saw and the fleet no longer has."""
    known = {h.name for h in fleet.hosts}
    return {h.host for r in records for h in r.hosts if h.host not in known and h.municipality in tenants}


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


def _seconds_between(earlier: str, later: str) -> float:
    return (datetime.fromisoformat(later) - datetime.fromisoformat(earlier)).total_seconds()
