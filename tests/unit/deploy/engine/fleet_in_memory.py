"""Hosts in memory that behave as `engine.session` and its guards do over SSH, with any trouble that a test asks for.

A `Machine` is a host as it stands, whoever looks; it outlives runs. A `SessionInMemory` is one run's connections to
some machines, and the `Hosts` that apply is given. Nothing here knows what apply does. What happened is in the
session's `events`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Address
from typing import Literal, TypeVar

from deploy.engine.guards import GuardFailed, StillRestoring
from deploy.engine.hosts import Outcome
from deploy.engine.lock_script import Refused
from deploy.model.plan import HostPlan, Plan, Run, Step
from deploy.model.record import AppliedStep, CheckResult
from deploy.model.step_id import StepId
from deploy.model.waivers import NO_WAIVERS, Waivers
from deploy.store.ports import Holder
from deploy.transport.ssh import HostLost
from inventory.fleet import Host
from inventory.network import Address
from roles.shared.change import Change, digest
from roles.shared.guard import Guard
from tests.unit.deploy.store.in_memory import MemoryApplied

T = TypeVar("T")

What = Literal["begin", "arm", "change", "confirm", "keep", "undo", "lost"]

OLD, WANTED, BY_HAND = "old", "wanted", "by hand"


OTHER = Holder(who="bo@tie-adm2", since="2026-11-29T08:00:00.000Z", command="samdrift apply", run="0b0b")
"""Another run."""


class Interrupted(Exception):
    """The run was interrupted, or samdrift itself has a fault."""


@dataclass(frozen=True)
class Part:
    """What one step of a role is about. A guarded one can cut its host off."""

    name: str
    guarded: bool = False
    role: str = "role"


@dataclass
class Armed:
    """A guard that is armed: by which run, and what it puts back."""

    run: object
    kept: dict[str, str]


@dataclass
class Machine:
    """A host as it stands. A device saves its configuration; a host with a shell has it on disk."""

    host: Host
    parts: tuple[Part, ...]
    contents: dict[str, str]
    wanted: dict[str, str]
    device: bool = False
    guard: Armed | None = None
    lock: object = None
    """The run that may write to it."""
    saved: bool = True
    restored: object = None
    """The run whose change it undid last."""

    @property
    def name(self) -> str:
        return self.host.name

    @property
    def converged(self) -> bool:
        return self.contents == self.wanted

    def undo(self) -> None:
        """The guard puts everything back."""
        assert self.guard is not None
        self.contents |= self.guard.kept
        self.restored, self.guard, self.saved = self.guard.run, None, True

    def plan(self, restless: Collection[str] = ()) -> HostPlan:
        """What a look finds; `restless` steps would always change something."""
        steps = tuple(self._step(part, restless) for part in self.parts)
        armed = f"{self.guard.run}" if self.guard else ""
        return HostPlan(host=self.name, municipality=self.host.tenant, steps=steps, armed=armed)

    def _step(self, part: Part, restless: Collection[str]) -> Step:
        now, wanted = self.contents[part.name], self.wanted[part.name]
        base = Step(role=part.role, name=part.name, intent=digest(wanted), wanted=digest(wanted))
        if now == wanted and part.name not in restless:
            return base
        return base.model_copy(
            update={
                "commands": (Run(text=wanted),),
                "change": Change(what=part.name, before=now, after=wanted),
                "guard": Guard(what=part.name) if part.guarded else None,
            }
        )


@dataclass(frozen=True)
class Trouble:
    """What goes wrong with one host in one run.

    Attributes:
        lost_at: the how manieth exchange with the host it is lost in, the first being the login.
        heard: the host did what it was told in the exchange that it was lost in.
        returns: it can be reached again when somebody waits for it to undo its change.
        flaps: it can be reached again at the next try.
        unprovable: it could not put back what is to be changed.
        stuck: it cannot put everything back while this run lasts.
        refuses: the step that fails.
        unreadable: the look, counted from 1, whose answer cannot be understood.
        restless: so many looks after its change find still something to change.
        cuts_off: while a guarded step is as wanted, nobody is let in anew.
        breaks: while any step that the run changed is as wanted, a check of its role fails.
        slow: so many runs of the checks after the change fail.
        broken: a check fails, before and after.
        runs_out: the guard's time is over just before it is asked whether it is armed, or before it is confirmed.
        accepts_late: a device that accepts to be confirmed though it has undone its change.
        not_kept: the device does not save.
        others: what becomes of another run's guard; `stays` where that run goes on.
        armed_again: yet another run arms the host right after.
        hides: these hosts are behind it, and do not answer while a guarded step of it is as wanted.
        silent: these hosts are behind it, and never answer.
        sickens: the checks after the change hold once, and never again.
    """

    lost_at: int = 0
    heard: bool = False
    returns: bool = True
    flaps: bool = False
    unprovable: bool = False
    stuck: bool = False
    refuses: str = ""
    unreadable: int = 0
    restless: int = 0
    cuts_off: bool = False
    breaks: bool = False
    slow: int = 0
    broken: bool = False
    runs_out: Literal["", "while changed", "before confirmed"] = ""
    accepts_late: bool = False
    not_kept: bool = False
    others: Literal["confirmed", "undone", "stays"] = "undone"
    armed_again: bool = False
    hides: tuple[str, ...] = ()
    silent: tuple[str, ...] = ()
    sickens: bool = False


@dataclass(frozen=True)
class Event:
    """One thing that happened, and how the host stood: just before a `change`, else just after."""

    what: What
    host: str
    step: str = ""
    contents: Mapping[str, str] = field(default_factory=dict)
    others: bool = False
    """Another run's guard was armed."""
    amiss: frozenset[str] = frozenset()
    """What was wrong with the host: `broken` (a check fails), `shut` (lets nobody in anew), `restless`, `lost`."""


def waived(live: HostPlan, waivers: Waivers) -> HostPlan:
    """What a look says of a host where these waivers hold."""
    return live.model_copy(update={"steps": tuple(waivers.on_step(live.host, step) for step in live.steps)})


class SessionInMemory:
    """One run's connections to machines."""

    def __init__(
        self,
        machines: Sequence[Machine],
        troubles: Mapping[str, Trouble] | None = None,
        *,
        interrupt_at: int = 0,
        waivers: Waivers = NO_WAIVERS,
    ) -> None:
        self._waivers = waivers
        self._machines = {m.name: m for m in machines}
        self._troubles = {m.name: (troubles or {}).get(m.name, Trouble()) for m in machines}
        self.events: list[Event] = []
        self.unreachable: dict[str, str] = {}
        self._dead: set[str] = set()
        self._guards: dict[str, Armed] = {}
        self._confirmed: set[str] = set()
        self._exchanges: Counter[str] = Counter()
        self._looks: Counter[str] = Counter()
        self._looks_since: Counter[str] = Counter()
        self._checked_since: Counter[str] = Counter()
        self._changed: dict[str, list[str]] = {m.name: [] for m in machines}
        self._interrupt_at = 0
        for machine in machines:
            self._connect(machine.name)
        self._interrupt_at = interrupt_at and self._exchanges.total() + interrupt_at

    @property
    def hosts(self) -> tuple[Host, ...]:
        return tuple(m.host for m in self._machines.values())

    @property
    def guarded(self) -> Collection[str]:
        return self._guards.keys() - self._confirmed

    def close(self) -> None:
        """The run ends: what it left guarded and unconfirmed is undone when its time is over."""
        for machine in self._machines.values():
            if machine.guard and machine.guard.run is self:
                self._undo(machine)
            if machine.lock is self:
                machine.lock = None

    def declared(self, name: str) -> dict[StepId, str]:
        del name
        return {}  # no device is among them

    def look(self, names: Sequence[str]) -> tuple[HostPlan, ...]:
        return tuple(self._look(name) for name in self._machines if name in names)

    def lock(self, names: Sequence[str]) -> Mapping[str, Refused]:
        refused = {}
        for machine in (self._machines[n] for n in names if n not in self.unreachable):
            machine.lock = machine.lock or self
            if machine.lock is not self:
                refused[machine.name] = Refused(holder=OTHER, seconds=60)
        return refused

    def unlock(self, names: Sequence[str]) -> None:
        for machine in (self._machines[name] for name in names):
            if machine.lock is self and machine.name not in self._dead:
                machine.lock = None

    def carry_out(self, planned: HostPlan) -> Outcome:
        name, done = planned.host, list[StepId]()

        def broke_off(step: Step, why: object, *, lost: bool = False) -> Outcome:
            return Outcome(tuple(done), step.id, str(why), lost=lost, guarded=name in self._guards)

        try:
            self._prove(planned)
        except GuardFailed as e:
            return broke_off(next(s for s in planned.changes if s.guard), e)
        except HostLost as e:
            self.unreachable[name] = str(e)
            return broke_off(next(s for s in planned.changes if s.guard), e, lost=True)
        for step in planned.changes:
            try:
                if step.guard:
                    self._guard(planned)
                succeeded = self._talk(name, lambda s=step: self._execute(name, s))  # type: ignore[misc]
            except GuardFailed as e:
                return broke_off(step, e)
            except HostLost as e:
                self.unreachable[name] = str(e)
                return broke_off(step, e, lost=True)
            if not succeeded:
                return broke_off(step, "exit 1")
            done.append(step.id)
        return Outcome(tuple(done), guarded=name in self._guards)

    def reconnect(self, names: Sequence[str]) -> None:
        for name in names:
            if name in self.guarded and self._troubles[name].flaps:
                self._dead.discard(name)
                self.unreachable.pop(name, None)
            if name not in self.unreachable:
                self._connect(name)

    def answering(self, hosts: Mapping[str, Address]) -> Mapping[str, Address]:
        """A machine behind a gateway answers unless a guarded step of that gateway is as wanted and hides it."""
        hidden = {
            name
            for machine in self._machines.values()
            if any(p.guarded and machine.contents[p.name] == machine.wanted[p.name] for p in machine.parts)
            for name in self._troubles[machine.name].hides
        }
        hidden |= {name for trouble in self._troubles.values() for name in trouble.silent}
        return {name: address for name, address in hosts.items() if name not in hidden}

    def await_guards(self, names: Sequence[str]) -> None:
        for machine in (self._machines[name] for name in names):
            trouble = self._troubles[machine.name]
            try:
                self._talk(machine.name, lambda: None)
            except HostLost as e:
                self.unreachable[machine.name] = str(e)
                continue
            if trouble.others == "stays":
                self.unreachable[machine.name] = "another run is changing it"
            elif trouble.others == "undone":
                machine.undo()
            else:
                machine.guard = None
            if trouble.armed_again and machine.guard is None:
                machine.guard = Armed("yet another run", dict(machine.contents))

    def confirm(self, name: str) -> bool:
        self._reachable(name)
        machine, trouble = self._machines[name], self._troubles[name]
        try:
            self._talk(name, lambda: self._confirm(machine))
        except HostLost:
            if not trouble.returns:
                raise
            self._dead.discard(name)
            if machine.guard and machine.guard.run is self and not trouble.flaps:
                self._undo(machine)
            if machine.guard:
                self._confirm(machine)
            if machine.restored is self and not machine.device:
                raise GuardFailed("the host put itself back before the change was confirmed") from None
        self._confirmed.add(name)
        return not machine.device

    def keep(self, name: str) -> None:
        self._reachable(name)
        if self._machines[name].device:  # what is changed on a server is on its disk
            self._talk(name, lambda: self._keep(self._machines[name]))
        del self._guards[name]

    def by_hand(self, name: str) -> str:
        return "log in and save its configuration" if name in self._guards and self._machines[name].device else ""

    def restore(self, name: str) -> str:
        machine, trouble = self._machines[name], self._troubles[name]
        del self._guards[name]
        if name in self._dead and not trouble.returns:
            raise HostLost("did not come back", where=f"host {name}")
        if machine.guard and machine.guard.run is self:
            if trouble.stuck:
                raise StillRestoring("failed: nft -f -", where=f"host {name}")
            self._undo(machine)
        elif not machine.device and machine.restored is not self:
            raise HostLost("it should have put itself back; its guard is none", where=f"host {name}")
        self._dead.discard(name)
        self.unreachable.pop(name, None)
        return "restored"

    def verify(self, names: Sequence[str]) -> tuple[CheckResult, ...]:
        """The state checks: those of a host that dies meanwhile are not in the answer."""
        checks: list[CheckResult] = []
        for name in (n for n in self._machines if n in names and n not in self.unreachable):
            try:
                checks += self._talk(name, lambda n=name: self._check(n))  # type: ignore[misc]
            except HostLost as e:
                self.unreachable[name] = str(e)
        return tuple(checks)

    def _look(self, name: str) -> HostPlan:
        machine, trouble = self._machines[name], self._troubles[name]
        unknown = HostPlan(host=name, municipality=machine.host.tenant)
        self._looks[name] += 1
        try:
            self._reachable(name)
            live = self._talk(name, lambda: machine.plan(self._restless(name)))
        except HostLost as e:
            self.unreachable[name] = e.what
            return unknown.model_copy(update={"error": e.what})
        self._looks_since[name] += 1
        if trouble.unreadable == self._looks[name]:
            return unknown.model_copy(update={"error": "what it answered cannot be understood"})
        return waived(live, self._waivers)

    def _restless(self, name: str) -> list[str]:
        still = self._looks_since[name] < self._troubles[name].restless
        return self._changed[name][-1:] if still else []

    def _is_shut(self, name: str) -> bool:
        """Whether the run changed the host so that it lets nobody in anew."""
        machine = self._machines[name]
        shut = any(p.guarded and machine.contents[p.name] == machine.wanted[p.name] for p in machine.parts)
        return self._troubles[name].cuts_off and shut and bool(self._changed[name])

    def _connect(self, name: str) -> None:
        try:
            if self._is_shut(name):
                raise HostLost("no SSH session")  # noqa: TRY301  as a login does
            self._talk(name, lambda: None)
        except HostLost as e:
            self.unreachable[name] = e.what

    def _prove(self, planned: HostPlan) -> None:
        if not planned.guards or self._machines[planned.host].device:
            return
        self._talk(planned.host, lambda: None)
        if self._troubles[planned.host].unprovable:
            raise GuardFailed("it could not undo the change, so that nothing was changed")

    def _guard(self, planned: HostPlan) -> None:
        machine = self._machines[planned.host]
        if machine.device:
            self._guards.setdefault(machine.name, Armed(self, {}))  # its change arms it
        elif machine.name not in self._guards:
            armed = Armed(self, {s.name: machine.contents[s.name] for s in planned.changes if s.guard})
            self._talk(machine.name, lambda: self._arm(machine, armed))
            self._guards[machine.name] = armed
        else:
            if self._troubles[machine.name].runs_out == "while changed" and machine.guard:
                self._undo(machine)
            self._talk(machine.name, lambda: self._require(machine))

    def _arm(self, machine: Machine, armed: Armed) -> None:
        if machine.guard:
            raise GuardFailed("the guard was not armed: a guard is armed already")
        machine.guard = armed
        self._note("arm", machine)

    def _require(self, machine: Machine) -> None:
        if not machine.guard or machine.guard.run is not self:
            raise GuardFailed("the host put itself back while it was changed")

    def _execute(self, name: str, step: Step) -> bool:
        machine, trouble = self._machines[name], self._troubles[name]
        assert machine.lock is self, f"{name} is changed by who has not locked it"
        if trouble.refuses == step.name:
            return False
        self._note("change", machine, step.id)
        if machine.device:
            machine.guard, machine.saved = Armed(self, dict(machine.contents)), False
        machine.contents[step.name] = str(step.commands[0])
        self._changed[name].append(step.name)
        self._looks_since[name] = self._checked_since[name] = 0
        return True

    def _confirm(self, machine: Machine) -> None:
        trouble = self._troubles[machine.name]
        if trouble.runs_out == "before confirmed" and machine.guard:
            self._undo(machine)
        if not machine.guard or machine.guard.run is not self:
            if machine.device and trouble.accepts_late:
                return
            raise GuardFailed("the host put itself back before the change was confirmed")
        machine.guard = None
        self._note("confirm", machine)

    def _keep(self, machine: Machine) -> None:
        if self._troubles[machine.name].not_kept and machine.device:
            raise GuardFailed("the change is in force, and was not saved")
        machine.saved = True
        self._note("keep", machine)

    def _undo(self, machine: Machine) -> None:
        machine.undo()
        self._note("undo", machine)

    def _check(self, name: str) -> list[CheckResult]:
        machine = self._machines[name]
        fails = self._is_broken(name)
        self._checked_since[name] += bool(self._changed[name])
        checks = []
        for role in dict.fromkeys(p.role for p in machine.parts):
            one = {"host": name, "municipality": machine.host.tenant, "role": role}
            checks.append(
                CheckResult.model_validate(one | {"name": "works", "outcome": "failed" if fails else "passed"})
            )
            checks.append(CheckResult.model_validate(one | {"name": "is there", "outcome": "passed"}))
        return checks

    def _is_broken(self, name: str) -> bool:
        """Whether a check of this host fails now."""
        machine, trouble = self._machines[name], self._troubles[name]
        broken = trouble.breaks and any(machine.contents[s] == machine.wanted[s] for s in self._changed[name])
        slow = bool(self._changed[name]) and self._checked_since[name] < trouble.slow
        sickened = trouble.sickens and bool(self._changed[name]) and self._checked_since[name] > 0
        return trouble.broken or broken or slow or sickened

    def _reachable(self, name: str) -> None:
        if name in self.unreachable:
            raise HostLost(self.unreachable[name], where=f"host {name}")

    def _talk(self, name: str, act: Callable[[], T]) -> T:
        """One exchange with a host."""
        if name in self._dead:
            raise HostLost("lost", where=f"host {name}")
        self._exchanges[name] += 1
        if self._interrupt_at and self._exchanges.total() == self._interrupt_at:
            raise Interrupted
        if self._exchanges[name] != self._troubles[name].lost_at:
            return act()
        if self._troubles[name].heard:
            act()
        self._dead.add(name)
        self._note("lost", self._machines[name])
        raise HostLost("lost", where=f"host {name}")

    def _note(self, what: What, of: Machine, step: str = "") -> None:
        others = of.guard is not None and of.guard.run is not self
        wrong = {
            "broken": self._is_broken(of.name),
            "shut": self._is_shut(of.name),
            "restless": bool(self._restless(of.name)),
            "lost": of.name in self._dead,
        }
        amiss = frozenset(what for what, so in wrong.items() if so)
        self.events.append(Event(what, of.name, step, dict(of.contents), others=others, amiss=amiss))


class JournalInMemory:
    """A journal that also notes in a session's events when a host was begun; and hosts that converged before."""

    def __init__(self, converged: Collection[str] = ()) -> None:
        self.written: list[tuple[str, str]] = []
        self.applied = MemoryApplied()
        self.applied.steps |= {host: {StepId("role", "step"): AppliedStep(intent="i")} for host in converged}
        self.events: list[Event] = []
        self.full_after: int | None = None

    @property
    def converged(self) -> Collection[str]:
        return self.applied.steps.keys()

    def begun(self, plan_digest: str) -> tuple[str, ...]:
        return tuple(dict.fromkeys(host for plan, host in self.written if plan == plan_digest))

    def begin(self, plan_digest: str, host: str) -> None:
        if self.full_after is not None and len(self.written) >= self.full_after:
            raise Interrupted
        self.written.append((plan_digest, host))
        self.events.append(Event("begin", host))


def machine(
    name: str,
    parts: Sequence[Part] = (Part("a"), Part("b")),
    *,
    wave: int = 10,
    device: bool = False,
    **contents: str,
) -> Machine:
    """A machine on which all steps are to be done; `contents` says otherwise by name."""
    if device:
        assert [p.guarded for p in parts] == [True], "a device has one change, and guards it"
    host = Host.model_validate(
        {
            "name": name,
            "kind": "vm",
            "tenant": "tierp",
            "site": "tierp-datahall",
            "role": "server",
            "platform": "debian-13",
            "primary_address": IPv4Address("10.60.10.11"),
            "context": {"samdrift": {"wave": wave}},
        }
    )
    now = {p.name: contents.get(p.name, OLD) for p in parts}
    return Machine(host, tuple(parts), now, {p.name: WANTED for p in parts}, device=device)


def plan_of(machines: Sequence[Machine], unknown: Collection[str] = ()) -> Plan:
    """The plan that a look at these machines makes now."""
    hosts = tuple(
        HostPlan(host=m.name, municipality="tierp", error="no SSH session") if m.name in unknown else m.plan()
        for m in machines
    )
    return Plan(
        fleet_digest="f", fleet_source="s", code_digest="c", made_at="2026-11-23T20:00:00Z", made_by="anna", hosts=hosts
    )
