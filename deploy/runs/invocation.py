"""One call of a command: its hosts, its session with them, its stores, and the record of it.

What each command does with it is in `commands` and `applying`.
"""

from __future__ import annotations

import shlex
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from deploy.engine.host_locks import Writer
from deploy.engine.session import Session
from deploy.model import clock
from deploy.model.approval import VALID_HOURS, Approved, Lacking
from deploy.model.code import code_digest
from deploy.model.findings import Exit, Finding, Kind, exit_code, severity
from deploy.model.messages import MessageId
from deploy.model.observer import Observer
from deploy.model.plan import HostPlan, Plan
from deploy.model.record import CheckResult, HostResult, Record
from deploy.model.step_id import StepId
from deploy.model.waivers import NO_WAIVERS, Waivers
from deploy.runs.backups import back_up
from deploy.runs.caller import is_over, this_process
from deploy.runs.commit import commit
from deploy.runs.looks import look_accounts, not_given_yet, shown_in_part
from deploy.runs.manifest import manifest_now
from deploy.runs.recording import Recording, end_lost_runs
from deploy.runs.stopping import Stop
from deploy.store.place import record_id
from deploy.store.ports import Damaged, Holder, StoreError, Stores
from deploy.transport.ssh import Access
from deploy.vault.interface import SecretsError, Vault
from deploy.verify.run import verify as run_checks
from inventory.fleet import Fleet, Host
from inventory.left_out import Count
from inventory.rules.house_rules import Approvals
from roles.shared.catalogue import catalogue, roles_of
from roles.shared.device.ownership import Ours
from roles.shared.device.restoring import Restoring
from roles.shared.intent import Intent

NOTHING: Mapping[str, object] = MappingProxyType({})


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
    account: str = ""
    claimed: str = ""
    left_out: tuple[Count, ...] = ()
    unsound: tuple[Finding, ...] = ()
    """What is wrong with the inventory of hosts that it would be about, too, and that nothing is done with."""
    options: tuple[str, ...] = ()
    """What a command needs to be about the same hosts as this run: `--lab`."""
    only_roles: tuple[str, ...] = ()
    """The roles whose steps the run is about; all if it is empty."""
    approvals: Approvals | None = None
    """How many approvals hosts need before a plan changes them; None asks for none."""
    emergency: bool = False
    """The run waits for no approval, no canary and no rehearsal; locks, guards and checks are as in any other."""
    remove: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """By device, the lines that a person wants removed, as they are shown or as regular expressions."""
    waivers: Waivers = NO_WAIVERS
    take_over: tuple[str, ...] = ()
    """The runs that somebody says are gone, and whose locks on hosts are taken over."""
    started: str = field(default_factory=clock.now)
    recording: Recording = field(default_factory=Recording)
    stop: Stop = field(default_factory=Stop)
    not_backed_up: dict[str, None] = field(default_factory=dict)
    """Why configurations that were read could not be kept, each reason once."""
    not_by_look: dict[str, None] = field(default_factory=dict)
    """The hosts that were looked at by the account that changes them, as they were not given one for looks yet."""

    @property
    def fleet(self) -> Fleet:
        """Return the intent's fleet."""
        return self.intent.fleet

    @property
    def lab(self) -> bool:
        """Tell whether the run is about the lab's hosts."""
        return "--lab" in self.options

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
        if accounts is not None and self.access.look_user is None:
            self.not_by_look.update(dict.fromkeys(not_given_yet(self.intent, accounts, about)))
        why = f" ({self.recording.reason})" if self.recording.reason else ""
        holder = f"{self.who}, {self.started}: {self.command_line}{why}"

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
            before_step=self._before_step,
            waivers=self.waivers,
            writer=self.writer,
        )
        return made

    @property
    def writer(self) -> Writer:
        """Return the run as whoever changes hosts, for their locks."""
        return Writer(self._holder, self.stores.locks, self.take_over, is_over)

    def _holder(self) -> Holder:
        """Return who changes hosts, for whoever finds one locked."""
        run = self.recording.begun.id if self.recording.begun else record_id(self.started, self.command)
        return Holder(who=self.who, since=clock.now(), command=self.command_line, run=run, process=this_process())

    def _before_step(self, host: str, step: StepId) -> str:
        """Keep that a step is about to be carried out, unless the run is to stop: then it says why."""
        if why := self.stop.why():
            return why
        self.recording.step(self.stores.history, host, step)
        return ""

    def checks(
        self, session: Session, names: Sequence[str] | None = None, *, to_come: Collection[str] = ()
    ) -> tuple[CheckResult, ...]:
        """Run the state checks of all hosts of a session, or of these, and mark the failures that are waived.

        Args:
            to_come: the hosts that the run is still to change.
        """
        checks = run_checks(session, self.fleet, self.observer, names, to_come=to_come)
        return tuple(map(self.waivers.on_check, checks))

    def _ours(self, device: str) -> dict[str, Ours]:
        """Return by role what may be removed from a device: what was last declared there, and what was named.

        Where what was declared is damaged, nobody knows what samdrift put there: that is removed which was named.
        """
        named = self.remove.get(device, ())
        try:
            last = self.stores.applied.last_applied(device)
        except Damaged:
            last = {}
        declared = {step.role: applied.declared for step, applied in last.items() if applied.declared}
        return {role: Ours(declared=declared.get(role, ""), named=named) for role in roles_of(self.fleet.host(device))}

    def settle(self) -> None:
        """End the records of runs that are gone, and remember what the latest apply gave its hosts if it could not."""
        end_lost_runs(self.stores.history)
        self.stores.settle()

    @property
    def command_line(self) -> str:
        """Return the command line, for whoever finds a host locked."""
        return shlex.join(("samdrift", *self.argv))

    def plan(self, hosts: Iterable[HostPlan], *, valid_hours: int = VALID_HOURS) -> Plan:
        """Look at these hosts, and make a Plan of what the looks say."""
        return Plan(
            fleet_digest=self.fleet.digest,
            fleet_source=self.source,
            fleet_time=self.fleet_time,
            code_digest=code_digest(),
            commit=commit(),
            made_at=self.started,
            made_by=self.who,
            expires=clock.later(self.started, valid_hours),
            limit=self.limit,
            only_roles=self.only_roles,
            remove=dict(self.remove),
            hosts=tuple(hosts),
        )

    def begin(
        self,
        planned: Plan,
        hosts: Iterable[str],
        approvals: tuple[Approved, ...] = (),
        lacking: tuple[Lacking, ...] = (),
    ) -> None:
        """Record that the run is about to change these hosts by a plan, and who approved that.

        Raises:
            StoreError: it cannot be recorded, so that no host may be changed.
        """
        about = set(hosts)
        changing = [h for h in planned.hosts if h.host in about and h.changes]
        unknown = [HostResult(host=h.host, municipality=h.municipality, outcome="unknown") for h in changing]
        self._begin(unknown, planned.digest, {"approvals": approvals, "lacking": lacking})

    def begin_without_plan(self) -> None:
        """Record that the run is about to change its hosts, by no plan.

        Raises:
            StoreError: it cannot be recorded, so that no host may be changed.
        """
        self._begin([HostResult(host=h.name, municipality=h.tenant, outcome="unknown") for h in self.hosts])

    def _begin(self, hosts: Iterable[HostResult], plan_digest: str = "", more: Mapping[str, object] = NOTHING) -> None:
        begun = self._record(hosts=hosts, plan_digest=plan_digest, code=Exit.ERROR)
        at_work = {"ended": False, "finished": begun.started, "process": this_process()}
        self.recording.begin(self.stores.history, begun.model_copy(update={**at_work, **more}))

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
        hosts = (*hosts, *_not_looked_at(self.unsound))
        record = self._record(hosts=hosts, findings=findings, checks=checks, plan_digest=plan_digest, code=code)
        try:
            self.recording.end(self.stores, record)
        except StoreError as e:
            raise NotAllKept(record, [e]) from e
        return record

    def _record(
        self,
        *,
        hosts: Iterable[HostResult],
        findings: Iterable[Finding] = (),
        checks: Iterable[CheckResult] = (),
        plan_digest: str,
        code: Exit,
    ) -> Record:
        roles = {host.name: roles_of(host) for host in self.fleet.hosts if host.roles}
        begun = self.recording.begun
        return Record(
            id=begun.id if begun else record_id(self.started, self.command),
            command=self.command,
            argv=self.argv,
            who=self.who,
            account=self.account,
            claimed=self.claimed,
            reason=self.recording.reason,
            started=self.started,
            finished=clock.now(),
            limit=self.limit,
            only_roles=self.only_roles,
            fleet_digest=self.fleet.digest,
            fleet_source=self.source,
            fleet_time=self.fleet_time,
            left_out=self.left_out,
            code_digest=code_digest(),
            commit=commit(),
            plan_digest=plan_digest,
            approvals=begun.approvals if begun else (),
            lacking=begun.lacking if begun else (),
            rehearsed=self.recording.rehearsed,
            emergency=self.emergency,
            hosts=tuple(h.model_copy(update={"roles": roles.get(h.host, ())}) for h in hosts),
            findings=tuple(f.with_options(self.options, self.only_roles) for f in findings),
            checks=tuple(checks),
            exit_code=code,
            manifest=manifest_now(),
        )

    def broke_off(self, why: str, code: int) -> None:
        """Record that the run ended before its work was done, unless it is recorded already."""
        if self.recording.kept or self.recording.begun is not None:
            return
        message = MessageId.RUN_ENDED(command=self.command, why=why)
        finding = Finding(kind=Kind.FAILED_STEP, message=message, severity=severity(Kind.FAILED_STEP, message.id))
        record = self._record(hosts=(), findings=(finding,), plan_digest="", code=Exit(code))
        self.recording.end(self.stores, record)


def _not_looked_at(unsound: Iterable[Finding]) -> Iterator[HostResult]:
    """Yield a result for each host that was not looked at, since its inventory is not sound."""
    first = {f.host: f for f in reversed(tuple(unsound)) if f.host}
    for name, finding in sorted(first.items()):
        yield HostResult(host=name, municipality=finding.municipality, outcome="unknown", detail=finding.summary)


def controls_in_force() -> dict[str, tuple[str, ...]]:
    """Return by role the controls that its failed checks are reported with."""
    return {name: role.controls for name, role in catalogue().items()}
