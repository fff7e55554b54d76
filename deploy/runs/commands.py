"""Runs: what plan, apply, verify and drift do, from opening connections to the record of it, and the record of a check.
Shows nothing.

Each function here takes what a command is about and returns what it saw; how that looks is `views`'s business,
and what was asked for is the command's (`cli.runs`, for a check `cli.fleet`).
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from deploy.engine.apply import Apply
from deploy.engine.results import ApplyResult
from deploy.engine.session import Session
from deploy.model import clock
from deploy.model.code import code_digest
from deploy.model.device_models import model_notices, unnamed_models
from deploy.model.drift import classify, plan_findings
from deploy.model.findings import Exit, Finding, Kind, exit_code
from deploy.model.observer import Observer
from deploy.model.plan import HostPlan, Plan
from deploy.model.record import CheckResult, HostResult, Record
from deploy.runs.backups import back_up
from deploy.runs.looks import look_accounts, shown_in_part
from deploy.runs.manifest import manifest_now
from deploy.runs.stale import refuse_if_stale
from deploy.store.place import record_id
from deploy.store.ports import Holder, StoreError, Stores
from deploy.transport.ssh import Access
from deploy.vault.interface import SecretsError, Vault
from deploy.verify.run import verify as run_checks
from inventory.errors import UsageError
from inventory.fleet import Fleet, Host
from inventory.left_out import Count
from roles.shared.catalogue import catalogue, roles_of
from roles.shared.device.ownership import Ours
from roles.shared.device.restoring import Restoring
from roles.shared.intent import Intent


class NotAllKept(StoreError):
    """A store could not keep all that a run did and saw.

    Attributes:
        record: what that is; it may be nowhere else.
        troubles: what the stores said.
    """

    def __init__(self, record: Record, troubles: Sequence[StoreError]) -> None:
        self.record, self.troubles = record, troubles
        super().__init__("this run could not all be recorded: " + "; ".join(map(str, troubles)))


@dataclass(frozen=True)
class Invocation:
    """One call of a command: the hosts, how they are reached, who watches, and where it is recorded."""

    command: str
    argv: tuple[str, ...]
    intent: Intent
    hosts: tuple[Host, ...]
    source: str
    fleet_time: str
    limit: str
    access: Access
    vault: Vault
    stores: Stores
    observer: Observer
    who: str
    left_out: tuple[Count, ...] = ()
    unsound: tuple[Finding, ...] = ()
    """What is wrong with the inventory of hosts that it would be about, too, and that nothing is done with."""
    options: tuple[str, ...] = ()
    """What a command needs to be about the same hosts as this run: `--lab`."""
    only_roles: tuple[str, ...] = ()
    """The roles whose steps the run is about; all if it is empty."""
    remove: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """By device, the lines that a person wants removed, as they are shown or as regular expressions."""
    started: str = field(default_factory=clock.now)
    not_backed_up: dict[str, None] = field(default_factory=dict)
    """Why configurations that were read could not be kept, each reason once."""

    @property
    def fleet(self) -> Fleet:
        """Return the intent's fleet."""
        return self.intent.fleet

    def code(self, findings: Iterable[Finding], *, after_change: bool = False) -> Exit:
        """Return the exit code of a run that found this."""
        return exit_code((*self.unsound, *findings), after_change=after_change, went_on=True)

    def session(
        self, hosts: Iterable[Host] | None = None, restoring: Restoring | None = None, *, changes: bool = False
    ) -> Session:
        """Make a session with hosts of this run, which `changes` them or looks; with one, to make it as it was."""
        about = tuple(self.hosts if hosts is None else hosts)
        accounts = None if changes else look_accounts(self.intent, self.stores.applied, about)
        self.not_backed_up.update(dict.fromkeys(shown_in_part(self.access, accounts, about)))
        holder = f"{self.who}, {self.started}: {self.command_line}"

        def saw(host: Host, what: str, text: str) -> None:
            try:
                back_up(self.stores.backups, self.vault, made.veil, host, what=what, text=text)
            except (StoreError, SecretsError) as e:  # a look goes on without
                self.not_backed_up[str(e)] = None

        made = Session(
            self.intent,
            about,
            self.access,
            self.observer,
            only_roles=self.only_roles,
            vault=self.vault,
            holder=holder,
            restoring=restoring,
            saw=saw,
            ours=self._ours,
            look_accounts=accounts,
        )
        return made

    def _ours(self, device: str) -> dict[str, Ours]:
        """Return by role what may be removed from a device: what was last declared there, and what was named."""
        named = self.remove.get(device, ())
        last = self.stores.applied.last_applied(device)
        declared = {step.role: applied.declared for step, applied in last.items() if applied.declared}
        return {role: Ours(declared=declared.get(role, ""), named=named) for role in roles_of(self.fleet.host(device))}

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Hold the lock, having remembered what the apply before this run gave its hosts if it ended before it could.

        Raises:
            Locked: another run holds it.
        """
        with self.stores.locks.hold(Holder(who=self.who, since=clock.now(), command=self.command_line)):
            self.stores.settle()
            yield

    @property
    def command_line(self) -> str:
        """Return the command line, for whoever finds the lock held."""
        return shlex.join(("samdrift", *self.argv))

    def plan(self, hosts: Iterable[HostPlan]) -> Plan:
        """Look at these hosts, and make a Plan of what the looks say."""
        return Plan(
            fleet_digest=self.fleet.digest,
            fleet_source=self.source,
            fleet_time=self.fleet_time,
            code_digest=code_digest(),
            made_at=self.started,
            made_by=self.who,
            limit=self.limit,
            only_roles=self.only_roles,
            remove=dict(self.remove),
            hosts=tuple(hosts),
        )

    def save(
        self,
        *,
        hosts: Iterable[HostResult],
        findings: Iterable[Finding],
        checks: Iterable[CheckResult] = (),
        plan_digest: str = "",
        code: Exit,
    ) -> Record:
        """Record what the run did and saw, and which roles were in force.

        Raises:
            NotAllKept: with the record.
        """
        roles = {host.name: roles_of(host) for host in self.fleet.hosts if host.roles}
        hosts = (*hosts, *_not_looked_at(self.unsound))
        record = Record(
            id=record_id(self.started, self.command),
            command=self.command,
            argv=self.argv,
            who=self.who,
            started=self.started,
            finished=clock.now(),
            limit=self.limit,
            only_roles=self.only_roles,
            fleet_digest=self.fleet.digest,
            fleet_source=self.source,
            fleet_time=self.fleet_time,
            left_out=self.left_out,
            code_digest=code_digest(),
            plan_digest=plan_digest,
            hosts=tuple(h.model_copy(update={"roles": roles.get(h.host, ())}) for h in hosts),
            findings=tuple(f.with_options(self.options, self.only_roles) for f in findings),
            checks=tuple(checks),
            exit_code=code,
            manifest=manifest_now(),
        )
        try:
            self.stores.keep(record)
        except StoreError as e:
            raise NotAllKept(record, [e]) from e
        return record


def plan(run: Invocation, *, detailed: bool) -> tuple[Plan, Record]:
    """Look once at every host, and say what would change. Differences end it with 2 only if `detailed`."""
    with run.session() as session:
        made = run.plan(session.look())
    findings = (*run.unsound, *plan_findings(made, controls=_controls()), *model_notices(run.fleet, run.hosts))
    code = run.code(findings)
    code = Exit.OK if code is Exit.DIFFERENCES and not detailed else code
    record = run.save(hosts=map(_looked_at, made.hosts), findings=findings, plan_digest=made.digest, code=code)
    return made, record


def apply(
    run: Invocation, approve: Callable[[Plan], None], planned: Plan | None = None, *, no_rollback: Collection[str] = ()
) -> Record:
    """Carry out a plan that was made before, on those of its hosts that the run is about; without one, make one.

    A plan that was limited to some roles limits the run to them, and what was named for removal in it is removed.

    Args:
        approve: shown the plan before any host is changed; whatever it raises ends the run there.
        no_rollback: the hosts that may be changed though they cannot undo what cuts them off.
    """
    hosts = run.hosts
    if planned is not None:
        refuse_if_stale(planned, run.fleet.digest)
        run = replace(run, only_roles=planned.only_roles, remove=planned.remove)
        hosts = tuple(h for h in hosts if planned.host(h.name))
        if not hosts:
            raise UsageError("the plan speaks of none of these hosts", where=f"--limit {run.limit}", fix="leave it out")
    with run.alone(), run.session(hosts, changes=True) as session:
        approved = planned or run.plan(session.look())
        approve(approved)
        refuse_unguarded(approved, [h.name for h in hosts], no_rollback)
        return record_of(run, approved, carry_out(run, session, approved))


def refuse_unguarded(plan: Plan, about: Collection[str], no_rollback: Collection[str]) -> None:
    """Change no host that could be cut off and cannot undo that, unless it was named."""
    for host in (h for h in plan.hosts if h.host in about and h.host not in no_rollback):
        if why := next((s.unguarded for s in host.changes if s.unguarded), ""):
            fix = f"if somebody is on the spot: --no-rollback {host.host}"
            raise UsageError(f"it could be cut off, and could not undo that: {why}", where=f"host {host.host}", fix=fix)


def carry_out(run: Invocation, session: Session, planned: Plan, *, checked: bool = True) -> ApplyResult:
    """Change hosts as planned; of unknown models, those that are named. An interruption is recorded, whatever it was.

    Args:
        checked: their roles' state checks prove it.
    """

    def prove(names: Sequence[str]) -> tuple[CheckResult, ...]:
        return run_checks(session, run.fleet, run.observer, names) if checked else ()

    kept = run.stores.journal, run.stores.applied
    unnamed = unnamed_models(run.fleet, session.hosts, (run.limit, planned.limit))
    change = Apply(session, planned, prove, *kept, controls=_controls(), unnamed=unnamed, observer=run.observer)
    try:
        return change.go()
    except BaseException as e:  # hosts were changed: history must know, whatever it was that ended the run
        record_of(run, planned, change.broken_off(type(e).__name__ if isinstance(e, KeyboardInterrupt) else str(e)))
        raise


def record_of(run: Invocation, planned: Plan, applied: ApplyResult) -> Record:
    """Record what an apply did and found."""
    findings, troubles = (*run.unsound, *applied.findings), list[StoreError]()
    try:
        # What else may be known of these hosts, apply did not look for: nothing is forgotten here.
        findings = run.stores.known.date(findings, at=run.started)
    except StoreError as e:  # told below: what was done is recorded first
        troubles.append(e)
    try:
        record = run.save(
            hosts=applied.hosts,
            findings=findings,
            checks=applied.checks,
            plan_digest=planned.digest,
            code=run.code(applied.findings, after_change=any(r.changed for r in applied.hosts)),
        )
    except NotAllKept as e:
        raise NotAllKept(e.record, [*troubles, *e.troubles]) from e
    if troubles:
        raise NotAllKept(record, troubles)
    return record


def verify(run: Invocation) -> Record:
    """Run the state checks of every role on every host."""
    with run.session() as session:
        checks = run_checks(session, run.fleet, run.observer)
        lost = dict(session.unreachable)
    unlooked = [HostPlan(host=h.name, municipality=h.tenant, error=lost.get(h.name, "")) for h in run.hosts]
    findings = (*run.unsound, *classify(run.plan(unlooked), checks, {}, controls=_controls()))
    hosts = [_with_findings(_looked_at(h), findings) for h in unlooked]
    return run.save(hosts=hosts, findings=findings, checks=checks, code=run.code(findings))


def drift(run: Invocation) -> Record:
    """Plan and verify, compared with what was last applied. Nothing is written to any host."""
    with run.alone():
        with run.session() as session:
            made = run.plan(session.look())
            checks = run_checks(session, run.fleet, run.observer)
            lost = dict(session.unreachable)
        applied = {h.host: run.stores.applied.last_applied(h.host) for h in made.hosts}
        found = classify(made, checks, applied, controls=_controls(), protecting=_protecting(), lost=lost)
        found = (*run.unsound, *found, *model_notices(run.fleet, run.hosts))
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


def _protecting() -> frozenset[str]:
    """Name the roles that keep others out."""
    return frozenset(name for name, role in catalogue().items() if role.protects)


def _controls() -> dict[str, tuple[str, ...]]:
    return {name: role.controls for name, role in catalogue().items()}


def _looked_at(host: HostPlan) -> HostResult:
    """Return a host's result, from what a look saw."""
    return HostResult(
        host=host.host,
        municipality=host.municipality,
        outcome="unknown" if host.error else "differs" if host.changes else "in sync",
        detail=host.in_short,
        execs=host.execs,
        seconds=host.seconds,
    )


def _not_looked_at(unsound: Iterable[Finding]) -> Iterator[HostResult]:
    """Yield a result for each host that was not looked at, since its inventory is not sound."""
    first = {f.host: f for f in reversed(tuple(unsound)) if f.host}
    for name, finding in sorted(first.items()):
        yield HostResult(host=name, municipality=finding.municipality, outcome="unknown", detail=finding.summary)


def _with_findings(result: HostResult, findings: Iterable[Finding]) -> HostResult:
    """Return a host's result with its findings: one that was lost is unknown, and one with a finding differs; a notice
    is none.
    """
    own = [f for f in findings if f.host == result.host and f.kind is not Kind.NOTICE]
    unknown = next((f for f in own if f.kind is Kind.UNKNOWN), None)
    if unknown is not None:
        return result.model_copy(update={"outcome": "unknown", "detail": unknown.detail})
    if own and result.outcome == "in sync":
        detail = "; ".join(filter(None, (", ".join(f.step for f in own), result.detail)))
        return result.model_copy(update={"outcome": "differs", "detail": detail})
    return result
