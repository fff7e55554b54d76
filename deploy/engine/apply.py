"""Apply: carry out a Plan exactly, in waves, and prove it.

For each wave: look again, and leave alone every host that moved since the plan was made (*stale*); carry out
the others' steps; log in anew, for a change may have shut us out; look until nothing is left to change; run the
state checks. A host with a change that could have cut it off is guarded all the while (`guards`): only now is it told
that all is well, and looked at once more; in any other case it puts itself back. A wave in which a step fails, a
host does not converge or is lost once it was changed, a check fails, or a host was put back, is the last one: what shut
one host off would shut off the next. A host that could not be reached to begin with holds nobody up.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Protocol

import gevent
from gevent.pool import Pool

from deploy.engine.session import Outcome, Session
from deploy.model.code import code_digest
from deploy.model.drift import applied_steps, armed_finding, check_finding
from deploy.model.findings import Finding, Kind, Severity
from deploy.model.observer import Observer
from deploy.model.plan import HostPlan, Plan, Step
from deploy.model.record import AppliedStep, Check, HostResult
from deploy.model.waves import waves
from deploy.transport.ssh import AT_ONCE
from inventory.errors import SamdriftError
from inventory.fleet import Frozen, Host
from roles.shared.catalogue import catalogue

SETTLE_TRIES = 4
SETTLE_PAUSE = 3.0
"""A service that was just restarted gets this many looks, this many seconds apart, before it is called wrong."""


class StalePlan(SamdriftError):
    """The inventory or the code is not what the plan was computed from (exit code 5)."""

    exit_code = 5


class Applied(Frozen):
    """What an apply did: a result for every host of the plan, and what somebody should know."""

    hosts: tuple[HostResult, ...]
    findings: tuple[Finding, ...]
    checks: tuple[Check, ...]


class Journal(Protocol):
    """Where apply writes down, before it changes a host, that it is about to; so that it can be resumed."""

    def begun(self, plan_digest: str) -> Collection[str]:
        """The hosts that an earlier run of this very plan began to change."""

    def begin(self, plan_digest: str, host: str) -> None:
        """This host is about to be changed."""

    def last_applied(self, host: str) -> Mapping[str, AppliedStep]:
        """What this host was last given, by step; nothing if it never was as it should be."""


Verify = Callable[[Sequence[str]], tuple[Check, ...]]
"""Runs the state checks of the named hosts."""


class _Amiss(dict[str, str]):
    """The guarded hosts of a wave with which something is amiss, and what; they will not be confirmed."""

    def __init__(self, guarded: Iterable[str]) -> None:
        super().__init__()
        self.guarded = frozenset(guarded)

    def because(self, host: str, why: str) -> bool:
        """Something is amiss with this host. Whether it is guarded, so that it will put itself back."""
        if host in self.guarded:
            self.setdefault(host, why)
        return host in self.guarded


def _steps(of: Iterable[Step]) -> str:
    return ", ".join(step.id for step in of)


def _as_before(before: HostPlan, after: HostPlan) -> str:
    """Whether a host that put itself back would be changed by the same steps again, in words."""
    if after.fingerprint == before.fingerprint:
        return "it is as it was before"
    would = {step.id: step for step in after.changes}
    left = [step for step in before.changes if step.guard and not _undone(step, would.get(step.id))]
    if left:
        return f"it is not as it was before: {_steps(left)}"
    return "what could cut it off is as it was before; other steps of the change are still done"


def _undone(step: Step, now: Step | None) -> bool:
    """Whether a step would change the same again; what was not there at all may be there, and empty."""
    before = step.change.before if step.change else None
    return now is not None and (before is None or now.change == step.change)


def _and_by_hand(remedy: str, by_hand: str) -> str:
    """What to do about a host that may not have heard the last of what it was to do."""
    return f"{remedy}; if it is as wanted: {by_hand}" if by_hand else remedy


def refuse_if_stale(plan: Plan, fleet_digest: str) -> None:
    """Refuse a plan that other inventory or other code was the base of; nothing has been connected to yet."""
    if plan.fleet_digest != fleet_digest:
        raise StalePlan("the inventory has changed since the plan was made", fix="make a new plan: samdrift plan")
    if plan.code_digest != code_digest():
        raise StalePlan("the roles have changed since the plan was made", fix="make a new plan: samdrift plan")


class Apply:
    """One apply of a plan on the session's hosts; hosts of the plan that the session lacks are left alone."""

    def __init__(self, session: Session, plan: Plan, verify: Verify, journal: Journal) -> None:
        self.session, self.plan, self.verify, self.journal = session, plan, verify, journal
        self.observer: Observer = session.observer
        self.begun = frozenset(journal.begun(plan.digest))
        self.controls = {name: role.controls for name, role in catalogue().items()}
        self.results: dict[str, HostResult] = {}
        self.findings: list[Finding] = []
        self.checks: list[Check] = []

    def go(self) -> Applied:
        """Carry it out, wave after wave, until the last one or one that goes wrong."""
        hosts = [h for h in self.session.hosts if self.plan.host(h.name)]
        stopped = False
        for number, wave in enumerate(waves(hosts), start=1):
            if stopped:
                self._skip(wave)
            else:
                stopped = not self._wave(number, wave)
        return self.applied()

    def broken_off(self, why: str) -> Applied:
        """What was done until an interruption or an error of samdrift's own ended it, with a finding that says so."""
        begun = self.journal.begun(self.plan.digest)
        left = sorted(h for h in begun if h not in self.results)
        detail = f"begun and not finished: {', '.join(left)}" if left else "no host was left half changed"
        if guarded := self.session.guarded:
            detail += f"; about to undo what could cut them off: {', '.join(guarded)}"
        finding = Finding(
            kind=Kind.FAILED_STEP,
            summary=f"the apply was broken off: {why}",
            detail=detail,
            remedy="see what is left: samdrift plan; the same plan, applied again, goes on where it broke off",
            severity=Severity.HIGH,
        )
        applied = self.applied()
        return applied.model_copy(update={"findings": (*applied.findings, finding)})

    def applied(self) -> Applied:
        """What is known so far."""
        ordered = tuple(self.results[h.host] for h in self.plan.hosts if h.host in self.results)
        return Applied(hosts=ordered, findings=tuple(self.findings), checks=tuple(self.checks))

    def _skip(self, wave: Sequence[Host]) -> None:
        for host in wave:
            self._result(host.name, "skipped", detail="an earlier wave went wrong")

    def _wave(self, number: int, wave: Sequence[Host]) -> bool:
        """Change the hosts of one wave; whether the next may follow."""
        looked = self._without_others_changes(self.session.look([h.name for h in wave]))
        ready = {live.host: live for live in looked if self._ready(live)}
        held = self._held_before(ready.values())
        self.observer.stage(f"wave {number}: applying", list(ready))
        for live in ready.values():
            if live.changes:  # before any of the wave is changed: a journal that cannot be written stops it here
                self.journal.begin(self.plan.digest, live.host)
        outcomes = dict(zip(ready, Pool(AT_ONCE).map(self._carry_out, ready.values()), strict=True))
        amiss = _Amiss(name for name, outcome in outcomes.items() if outcome.guarded)
        for name, outcome in outcomes.items():
            if outcome.error and not amiss.because(name, f"it broke off at {outcome.failed_step}: {outcome.error}"):
                self._broke_off(ready[name], outcome)
        whole = {name: ready[name] for name, outcome in outcomes.items() if not outcome.error}
        self.session.reconnect([name for name, live in whole.items() if live.changes])
        converged = self._converge(whole, outcomes, amiss)
        checks = self._prove(converged)
        self._lost_while_proved(converged, amiss)
        self._fallen_short(checks, held, amiss)
        self._confirm(ready, outcomes, amiss)
        self._put_back(ready, outcomes, amiss)
        checks = tuple(c for c in checks if c.host not in amiss)  # of what was put back, they say nothing any more
        self.checks += checks
        self.findings += [check_finding(c, self.controls) for c in checks if c.outcome == "failed"]
        well = {"in sync", "changed"}
        return all(self.results[n].outcome in well for n in outcomes) and all(c.outcome != "failed" for c in checks)

    def _ready(self, live: HostPlan) -> bool:
        """Whether a host still says what the plan says; if not, why not is written down."""
        planned = self.plan.host(live.host)
        if planned is None or planned.error or live.error:
            why = live.error or (planned.error if planned else "") or "it is not in the plan"
            self._result(live.host, "unknown", detail=why)
            self._finding(Kind.UNKNOWN, live, summary="the host could not be looked at", detail=why)
            return False
        if not live.changes or live.fingerprint == planned.fingerprint:
            return True
        if live.host in self.begun and set(live.changes) <= set(planned.changes):
            return True  # an earlier run of this plan broke off here; what is left is part of the plan
        self._result(live.host, "stale", detail="it differs from what the plan saw")
        moved = sorted({s.id for s in live.changes} ^ {s.id for s in planned.changes})
        detail = "not planned, or planned and no longer needed: " + ", ".join(moved) if moved else "a step differs"
        self._finding(
            Kind.STALE,
            live,
            summary="the host moved since the plan was made; nothing was written to it",
            detail=detail,
            remedy=f"read a new plan: samdrift plan --limit {live.host}",
        )
        return False

    def _carry_out(self, live: HostPlan) -> Outcome:
        outcome = self.session.carry_out(live)
        self.observer.host(live.host, "failed" if outcome.error else "done", outcome.error)
        return outcome

    def _broke_off(self, live: HostPlan, outcome: Outcome) -> None:
        role, _, step = outcome.failed_step.partition(": ")
        self._result(live.host, "unknown" if outcome.lost else "failed", changed=outcome.done, detail=outcome.error)
        self._finding(
            Kind.UNKNOWN if outcome.lost else Kind.FAILED_STEP,
            live,
            role=role,
            step=step,
            summary=f"apply broke off at {outcome.failed_step}, after {len(outcome.done)} of {len(live.changes)} steps",
            detail=outcome.error,
            remedy=f"mend the cause, then: samdrift apply --limit {live.host}",
        )

    def _converge(self, ready: Mapping[str, HostPlan], outcomes: Mapping[str, Outcome], amiss: _Amiss) -> list[str]:
        """Look again where something was changed, until nothing is left to change; the hosts where nothing is."""
        open_ = [name for name, live in ready.items() if live.changes]
        converged = [name for name, live in ready.items() if not live.changes]
        for name in converged:
            self._result(name, "in sync", live=ready[name])
        for attempt in range(SETTLE_TRIES):
            if not open_ or (attempt and all(name in self.session.unreachable for name in open_)):
                break  # of a lost host, nothing becomes better by waiting, and the others' guards run out
            if attempt:
                gevent.sleep(SETTLE_PAUSE)
            last = {live.host: live for live in self.session.look(open_)}
            for name, live in last.items():
                if not live.error and not live.changes:
                    open_.remove(name)
                    converged.append(name)
                    self._result(name, "changed", changed=outcomes[name].done, live=live)
        for name in open_:
            left = last[name].error or f"still to change: {_steps(last[name].changes)}"
            if not amiss.because(name, left):
                self._unsettled(last[name], outcomes[name])
        return converged

    def _unsettled(self, live: HostPlan, outcome: Outcome) -> None:
        if live.error:
            self._result(live.host, "unknown", changed=outcome.done, detail=live.error)
            self._finding(
                Kind.UNKNOWN,
                live,
                summary="the host was lost after it was changed",
                detail=live.error,
                remedy=_and_by_hand(f"samdrift plan --limit {live.host}", self.session.by_hand(live.host)),
            )
            return
        self._result(live.host, "differs", changed=outcome.done, detail=f"still to change: {_steps(live.changes)}")
        for step in live.changes:
            self._finding(
                Kind.PENDING,
                live,
                role=step.role,
                step=step.name,
                summary="the step was carried out, and would still change something",
                detail=step.change.diff if step.change else "\n".join(map(str, step.commands)),
                remedy="the role does not converge here: this is a fault of the role",
            )

    def _prove(self, names: Sequence[str]) -> tuple[Check, ...]:
        """The checks of these hosts; those that fail are tried again while services settle."""
        if not names:
            return ()
        checks = self.verify(names)
        for _ in range(SETTLE_TRIES - 1):
            failed = sorted({c.host for c in checks if c.outcome == "failed"})
            if not failed:
                break
            gevent.sleep(SETTLE_PAUSE)
            checks = tuple(c for c in checks if c.host not in failed) + self.verify(failed)
        return checks

    def _lost_while_proved(self, names: Sequence[str], amiss: _Amiss) -> None:
        """A host that died while it was checked was not proved: what it was given is known, how it stands is not."""
        for name in (n for n in names if n in self.session.unreachable):
            why, result = self.session.unreachable[name], self.results[name]
            if amiss.because(name, why):
                continue
            self.results[name] = result.model_copy(update={"outcome": "unknown", "detail": why})
            lost = HostPlan(host=name, municipality=result.municipality, error=why)
            self._finding(Kind.UNKNOWN, lost, summary="the host was lost while it was checked", detail=why)

    def _without_others_changes(self, looked: Sequence[HostPlan]) -> tuple[HostPlan, ...]:
        """The same hosts, once those that were to undo another run's change have, or that run confirmed it."""
        waiting = [live for live in looked if live.armed]
        for live in waiting:
            self.findings.append(armed_finding(live))
        if not waiting:
            return tuple(looked)
        names = [live.host for live in waiting]
        self.observer.stage("waiting for what an earlier run left unconfirmed", names)
        self.session.await_guards(names)
        again = {live.host: live for live in self.session.look(names)}
        return tuple(again.get(live.host, live) for live in looked)

    def _held_before(self, ready: Iterable[HostPlan]) -> frozenset[tuple[str, str, str]]:
        """The checks that hold now, of those roles whose change could cut their host off, as (host, role, name).

        A host that never was as it should be has none, and is not asked: what does not hold there is no surprise.
        """
        roles = {live.host: {s.role for s in live.changes if s.guard} for live in ready}
        known = [name for name, guarded in roles.items() if guarded and self.journal.last_applied(name)]
        checks = self.verify(known) if known else ()
        return frozenset((c.host, c.role, c.name) for c in checks if c.outcome == "passed" and c.role in roles[c.host])

    def _fallen_short(self, checks: Sequence[Check], held: Collection[tuple[str, str, str]], amiss: _Amiss) -> None:
        """A host is not well if a check that held before the change, in a role that could cut it off, does not now."""
        for check in (c for c in checks if c.outcome == "failed" and (c.host, c.role, c.name) in held):
            amiss.because(check.host, f"this held before the change, and does not now: {check.name}: {check.detail}")

    def _confirm(self, ready: Mapping[str, HostPlan], outcomes: Mapping[str, Outcome], amiss: _Amiss) -> None:
        """Tell every guarded host with which nothing is amiss that all is well; then read it again.

        Not every device refuses to be told so when it has put itself back already: what is read says it.
        """
        confirmed = []
        for name in amiss.guarded - amiss.keys():
            try:
                self.session.confirm(name)
            except SamdriftError as e:
                amiss.because(name, e.what)
            else:
                confirmed.append(name)
        for live in self.session.look(confirmed) if confirmed else ():
            before, outcome = ready[live.host], outcomes[live.host]
            if not live.error and not live.changes:
                self._keep(live)
            elif live.fingerprint == before.fingerprint:
                self._rolled_back(before, live, outcome, "its time had run out when it was told that all is well")
            else:
                self._unsettled(live, outcome)

    def _keep(self, live: HostPlan) -> None:
        """Make what was read again outlive a restart."""
        try:
            self.session.keep(live.host)
        except SamdriftError as e:
            self._result(live.host, "failed", changed=self.results[live.host].changed, detail=str(e))
            self._finding(
                Kind.FAILED_STEP,
                live,
                summary="the change is in force, and would not outlive a restart",
                detail=str(e),
                remedy=f"log in and save the configuration of {live.host}",
            )

    def _put_back(self, ready: Mapping[str, HostPlan], outcomes: Mapping[str, Outcome], amiss: _Amiss) -> None:
        """Let the other guarded hosts put themselves back, and see whether they are as they were."""
        if amiss:
            self.observer.stage("waiting for hosts that put themselves back", list(amiss))
            Pool(AT_ONCE).map(lambda name: self._put_one_back(ready[name], outcomes[name], amiss[name]), list(amiss))

    def _put_one_back(self, before: HostPlan, outcome: Outcome, why: str) -> None:
        name, by_hand = before.host, self.session.by_hand(before.host)
        try:
            said = self.session.restore(name)
        except SamdriftError as e:
            self._not_seen_again(before, outcome, f"{why}\n{e}")
            return
        (after,) = self.session.look([name])
        if after.error:
            self._not_seen_again(before, outcome, f"{why}\n{after.error}")
        elif after.changes:
            self._rolled_back(before, after, outcome, f"{why}\n{said}")
        else:
            self._stayed(before, outcome, why, by_hand)

    def _not_seen_again(self, before: HostPlan, outcome: Outcome, why: str) -> None:
        self.observer.host(before.host, "failed", why)
        self._result(before.host, "unknown", changed=outcome.done, detail=why)
        lost = "the host was lost while it was changed, and nobody knows whether it put itself back"
        self._finding(Kind.UNKNOWN, before, summary=lost, detail=why)

    def _rolled_back(self, before: HostPlan, after: HostPlan, outcome: Outcome, why: str) -> None:
        name, stands = before.host, _as_before(before, after)
        self.observer.host(name, "done", f"rolled back; {stands}")
        self._result(name, "rolled back", changed=outcome.done, detail=why)
        self._finding(
            Kind.ROLLED_BACK,
            before,
            summary=f"the change was not confirmed, and the host put it back; {stands}",
            detail=why,
            remedy=f"find out what cut it off, then: samdrift plan --limit {name}",
        )

    def _stayed(self, before: HostPlan, outcome: Outcome, why: str, by_hand: str) -> None:
        """Something was amiss, and the host has the change all the same: it heard that all is well, or restarted."""
        stays = "something went wrong, and the change is in force all the same"
        self.observer.host(before.host, "failed", stays)
        self._result(before.host, "failed", changed=outcome.done, detail=why)
        remedy = _and_by_hand(f"see how it stands: samdrift verify --limit {before.host}", by_hand)
        self._finding(Kind.FAILED_STEP, before, summary=stays, detail=why, remedy=remedy)

    def _result(
        self, name: str, outcome: str, *, changed: tuple[str, ...] = (), detail: str = "", live: HostPlan | None = None
    ) -> None:
        host = self.session.fleet.host(name)
        self.results[name] = HostResult.model_validate(
            {
                "host": name,
                "municipality": host.tenant,
                "outcome": outcome,
                "changed": changed,
                "detail": detail,
                "steps": applied_steps(live) if live else {},
                "execs": live.execs if live else 0,
                "seconds": live.seconds if live else 0.0,
            }
        )

    def _finding(
        self,
        kind: Kind,
        live: HostPlan,
        *,
        summary: str,
        detail: str = "",
        role: str = "",
        step: str = "",
        remedy: str = "",
    ) -> None:
        self.findings.append(
            Finding(
                kind=kind,
                host=live.host,
                municipality=live.municipality,
                role=role,
                step=step,
                summary=summary,
                detail=detail,
                remedy=remedy or f"samdrift plan --limit {live.host}",
                severity=Severity.HIGH,
            )
        )
