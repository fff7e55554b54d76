"""One batch of an apply: change its hosts, prove them, confirm those that are guarded, and let the others undo it.

Which hosts make up a batch, and what follows it, is `apply`'s; how each ending reads is `results`'.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from gevent.pool import Pool

from deploy.engine.guards import StillRestoring
from deploy.engine.hosts import Hosts, Outcome, Verify
from deploy.engine.results import Results, Why, as_before, still_to_change
from deploy.model.device_models import UnknownModel
from deploy.model.evidence import Error, Evidence, Note
from deploy.model.messages import MessageId, as_written
from deploy.model.observer import Observer
from deploy.model.plan import HostPlan, Plan
from deploy.model.record import CheckResult
from deploy.model.words import evidence_in_words, in_words
from deploy.store.ports import Applied, Damaged, Journal
from deploy.transport.ssh import AT_ONCE
from inventory.errors import SamdriftError
from roles.shared.network.ways import Behind

SETTLE_TRIES = 4
SETTLE_PAUSE = 3.0
"""A service that was just restarted gets this many looks, this many seconds apart, before it is called wrong."""

Held = frozenset[tuple[str, str, str]]
"""Checks that hold, each as (host, role, name)."""


class MustNotConfirm(dict[str, Why]):
    """Guarded hosts of this batch that must not be confirmed: host name to reason."""

    def __init__(self, guarded: Iterable[str]) -> None:
        super().__init__()
        self.guarded = frozenset(guarded)

    def because(self, host: str, *why: Evidence) -> bool:
        """Add a host if it is guarded; its first reason stays. Returns whether it is guarded."""
        if host in self.guarded:
            self.setdefault(host, why)
        return host in self.guarded


@dataclass(frozen=True)
class Batch:
    """Hosts of a wave that are changed together.

    Attributes:
        wave: the number of the wave, counted from 1.
        begun: the hosts that an earlier run of this very plan began to change.
        unnamed: devices of unknown models that nobody named.
        behind: name of a gateway to the hosts, each with its address, that must answer as before when it is confirmed.
        wait: sleeps for so many seconds.
    """

    wave: int
    names: Sequence[str]
    plan: Plan
    hosts: Hosts
    verify: Verify
    journal: Journal
    applied: Applied
    begun: Collection[str]
    unnamed: Mapping[str, UnknownModel]
    behind: Behind
    results: Results
    observer: Observer
    wait: Callable[[float], None]
    _ready: dict[str, HostPlan] = field(default_factory=dict)
    _outcomes: dict[str, Outcome] = field(default_factory=dict)
    _converged: dict[str, HostPlan] = field(default_factory=dict)

    def change(self) -> frozenset[str]:
        """Change the hosts, and prove it; nobody else writes to them.

        Returns:
            Those that could be changed, and ended badly or fail a check.
        """
        locked = self._lock()
        try:
            return self._change(locked)
        finally:
            self.hosts.unlock(locked)

    def _lock(self) -> list[str]:
        """Lock the hosts that would be changed, before they are looked at. Returns those that may be: locked by nobody
        else, or with nothing to change.
        """
        to_change = [name for name in self.names if (planned := self.plan.host(name)) and planned.changes]
        refused = self.hosts.lock(to_change)
        for name, why in refused.items():
            self.results.not_locked(name, why)
        return [name for name in self.names if name not in refused]

    def _change(self, names: Sequence[str]) -> frozenset[str]:
        looked = self._without_others_guards(self.hosts.look(names))
        self._ready.update({fresh.host: fresh for fresh in looked if self._is_as_planned(fresh)})
        held = self._checks_that_hold()
        answered = self._answering({name: self.behind[name] for name in self._could_be_cut_off()})
        self._carry_out()
        must_not = MustNotConfirm(name for name, outcome in self._outcomes.items() if outcome.guarded)
        for name, outcome in self._outcomes.items():
            if (at := outcome.failed_step) is None:
                continue
            why = MessageId.BROKE_OFF_AT(step=at, error=outcome.error)
            if not must_not.because(name, Note(message=why)):
                ended = self.results.stopped if outcome.stopped else self.results.broke_off
                ended(self._ready[name], outcome, at)
        whole = [name for name, outcome in self._outcomes.items() if not outcome.error]
        self.hosts.reconnect([name for name in whole if self._ready[name].changes])
        converged = self._converge(whole, must_not)
        checks = self._run_checks(converged, must_not)
        self._note_lost(converged, must_not)
        self._note_broken(checks, held, must_not)
        self._note_cut_off(answered, must_not)
        self._confirm(must_not)
        self._put_back(must_not)
        # Of a guarded host that did not end as changed, or may not have, they say nothing any more.
        unproved = {name for name in must_not.guarded if self.results.ending(name) != "changed"}
        checks = tuple(c for c in checks if c.host not in unproved)
        self.results.checked(checks)
        ill = {name for name in self._ready if self.results.ending(name) not in {"in sync", "changed"}}
        return frozenset(ill | {c.host for c in checks if c.fails})

    def _without_others_guards(self, looked: Sequence[HostPlan]) -> Sequence[HostPlan]:
        """Wait for hosts on which another run's guard is armed, and look at them again."""
        armed = [fresh for fresh in looked if fresh.armed]
        for fresh in armed:
            self.results.armed(fresh)
        if not armed:
            return looked
        names = [fresh.host for fresh in armed]
        self.observer.stage("waiting for what an earlier run left unconfirmed", names)
        self.hosts.await_guards(names)
        again = {fresh.host: fresh for fresh in self.hosts.look(names)}
        return [again.get(fresh.host, fresh) for fresh in looked]

    def _is_as_planned(self, fresh: HostPlan) -> bool:
        """Tell whether a host may be changed by the plan; if not, records why not."""
        planned = self.plan.host(fresh.host)
        if planned is None or planned.error or fresh.error:
            error = fresh.error or (planned.error if planned else "")
            self.results.not_looked_at(fresh, Error(text=error) if error else Note(message=MessageId.NOT_IN_PLAN()))
            return False
        if fresh.armed:  # again: another run is at work there
            self.results.not_looked_at(fresh, Note(message=MessageId.ANOTHER_RUN(guard=fresh.armed)))
            return False
        if any(step.shuts_out for step in fresh.changes):
            self.results.refused(fresh)
            return False
        if fresh.changes and fresh.host in self.unnamed:
            self.results.of_unknown_model(self.unnamed[fresh.host])
            return False
        # An earlier run of this plan that broke off on this host left a part of the plan to be done.
        resumed = fresh.host in self.begun and set(fresh.changes) <= set(planned.changes)
        if not fresh.changes or fresh.fingerprint == planned.fingerprint or resumed:
            return True
        self.results.stale(fresh, planned)
        return False

    def _checks_that_hold(self) -> Held:
        """Check, before the change, the roles that have a guarded step. Returns the checks that hold.

        A host that never converged is not checked: what does not hold there is no surprise.
        """
        roles = {name: {s.role for s in fresh.changes if s.guard} for name, fresh in self._ready.items()}
        known = [name for name, guarded in roles.items() if guarded and self._has_converged(name)]
        checks = self.verify(known) if known else ()
        return frozenset((c.host, c.role, c.name) for c in checks if c.outcome == "passed" and c.role in roles[c.host])

    def _has_converged(self, name: str) -> bool:
        """Tell whether a host was given anything before, also where what it was given is damaged."""
        try:
            return bool(self.applied.last_applied(name))
        except Damaged:
            return True

    def _carry_out(self) -> None:
        """Carry out the plans of all hosts that are ready."""
        self.observer.stage(f"wave {self.wave}: applying", list(self._ready))
        for fresh in self._ready.values():
            if fresh.changes:  # before any of the batch is changed: a journal that cannot be written stops it here
                self.journal.begin(self.plan.digest, fresh.host)
        outcomes = Pool(AT_ONCE).map(self._carry_out_one, self._ready.values())
        self._outcomes.update(zip(self._ready, outcomes, strict=True))

    def _carry_out_one(self, fresh: HostPlan) -> Outcome:
        outcome = self.hosts.carry_out(fresh)
        self.observer.host(fresh.host, "failed" if outcome.error else "done", outcome.error)
        return outcome

    def _converge(self, names: Sequence[str], must_not: MustNotConfirm) -> list[str]:
        """Look at changed hosts until nothing is left to change. Returns the hosts where nothing is."""
        left = [name for name in names if self._ready[name].changes]
        converged = [name for name in names if name not in left]
        for name in converged:
            self.results.in_sync(self._ready[name])
        last: Mapping[str, HostPlan] = {}
        for attempt in range(SETTLE_TRIES):
            if not left or (attempt and not self._may_settle(left, must_not)):
                break
            last = {fresh.host: fresh for fresh in self.hosts.look(left)}
            for name, fresh in last.items():
                if not fresh.error and not fresh.changes:
                    left.remove(name)
                    converged.append(name)
                    self._converged[name] = fresh
                    if name not in must_not.guarded:  # of those it is known once they are confirmed
                        self.results.changed(fresh, self._outcomes[name])
        for name in left:
            error = last[name].error
            if not must_not.because(name, Error(text=error) if error else still_to_change(last[name])):
                self._unsettled(last[name])
        return converged

    def _unsettled(self, fresh: HostPlan) -> None:
        self.results.unsettled(fresh, self._outcomes[fresh.host], self.hosts.by_hand(fresh.host))

    def _may_settle(self, left: Sequence[str], must_not: MustNotConfirm) -> bool:
        """Give services time to settle; returns whether any of these hosts can be looked at again."""
        self._let_in_again([name for name in left if name in must_not.guarded])
        if all(name in self.hosts.unreachable for name in left):
            return False
        self.wait(SETTLE_PAUSE)
        return True

    def _let_in_again(self, names: Sequence[str]) -> None:
        """Try to reach those of these guarded hosts that were lost: one refused connection decides nothing."""
        if lost := [name for name in names if name in self.hosts.unreachable]:
            self.hosts.reconnect(lost)

    def _run_checks(self, names: Sequence[str], must_not: MustNotConfirm) -> tuple[CheckResult, ...]:
        """Run the checks of these hosts; again of a host where one fails, while services settle, or that was lost."""
        if not names:
            return ()
        checks = self.verify(names)
        for _ in range(SETTLE_TRIES - 1):
            lost = [n for n in names if n in must_not.guarded and n in self.hosts.unreachable]
            self._let_in_again(lost)
            again = {n for n in lost if n not in self.hosts.unreachable}
            again |= {c.host for c in checks if c.fails}
            if not again:
                break
            self.wait(SETTLE_PAUSE)
            checks = tuple(c for c in checks if c.host not in again) + self.verify(sorted(again))
        return checks

    def _note_lost(self, names: Sequence[str], must_not: MustNotConfirm) -> None:
        """Note the hosts that died while they were checked."""
        for name in (n for n in names if n in self.hosts.unreachable):
            why = self.hosts.unreachable[name]
            if not must_not.because(name, Error(text=why)):
                self.results.lost_while_checked(name, why)

    def _note_broken(self, checks: Sequence[CheckResult], held: Held, must_not: MustNotConfirm) -> None:
        """Note the hosts on which a check of a guarded role held before the change, and now fails."""
        for check in (c for c in checks if c.outcome == "failed" and (c.host, c.role, c.name) in held):
            held_before = Note(message=MessageId.HELD_BEFORE(check=check.name))
            must_not.because(check.host, held_before, Error(text=check.detail))

    def _could_be_cut_off(self) -> list[str]:
        """Return the hosts that others are behind, and that a step could cut off from them."""
        steps = {name: fresh.changes for name, fresh in self._ready.items() if name in self.behind}
        return [name for name, changes in steps.items() if any(step.guard or step.unguarded for step in changes)]

    def _answering(self, asked: Behind) -> Behind:
        """Return those of the hosts behind gateways that answer, each at its address."""
        if not asked:
            return {}
        self.observer.stage("asking the hosts behind", list(asked))
        heard = Pool(AT_ONCE).map(self.hosts.answering, asked.values())  # who is silent takes seconds
        return dict(zip(asked, heard, strict=True))

    def _note_cut_off(self, answered: Behind, must_not: MustNotConfirm) -> None:
        """Note the gateways behind which hosts do not answer any more, once routes had time to settle."""
        silent = {
            name: hosts
            for name, hosts in answered.items()
            if hosts and name not in must_not and not self._outcomes[name].error
        }
        for attempt in range(SETTLE_TRIES):
            if attempt and silent:
                self.wait(SETTLE_PAUSE)
            again = self._answering(silent)
            left = {n: {h: a for h, a in hosts.items() if h not in again[n]} for n, hosts in silent.items()}
            silent = {name: hosts for name, hosts in left.items() if hosts}
        for name, hosts in silent.items():
            why = MessageId.CUT_OFF(hosts=", ".join(sorted(hosts)))
            if not must_not.because(name, Note(message=why)):
                self.results.cuts_off(name, self._outcomes[name], why)

    def _confirm(self, must_not: MustNotConfirm) -> None:
        """Confirm the guarded hosts that may be, and look at those whose word for it is not enough."""
        certain: list[str] = []
        uncertain: list[str] = []
        for name in sorted(must_not.guarded - must_not.keys()):
            try:
                stays = self.hosts.confirm(name)
            except SamdriftError as e:
                must_not.because(name, Error(text=e.what))
            else:
                (certain if stays else uncertain).append(name)
        for name in certain:
            self._keep(self._converged[name])
        for fresh in self.hosts.look(uncertain) if uncertain else ():
            before, outcome = self._ready[fresh.host], self._outcomes[fresh.host]
            if not fresh.error and not fresh.changes:
                self._keep(fresh)
            elif fresh.fingerprint == before.fingerprint:
                self._rolled_back(before, fresh, (Note(message=MessageId.CONFIRMED_TOO_LATE()),))
            else:
                self.results.unsettled(fresh, outcome, self.hosts.by_hand(fresh.host))

    def _keep(self, fresh: HostPlan) -> None:
        try:
            self.hosts.keep(fresh.host)
        except SamdriftError as e:
            self.results.not_kept(fresh.host, self._outcomes[fresh.host], str(e))
        else:
            self.results.changed(fresh, self._outcomes[fresh.host])

    def _put_back(self, must_not: MustNotConfirm) -> None:
        """Let the guarded hosts that were not confirmed undo their change, and look whether they have."""
        if must_not:
            self.observer.stage("waiting for hosts that put themselves back", list(must_not))
            Pool(AT_ONCE).map(lambda name: self._put_one_back(name, must_not[name]), list(must_not))

    def _put_one_back(self, name: str, why: Why) -> None:
        before, outcome, by_hand = self._ready[name], self._outcomes[name], self.hosts.by_hand(name)
        try:
            report = self.hosts.restore(name)
        except StillRestoring as e:
            self.observer.host(name, "failed", in_words(MessageId.STILL_RESTORING()))
            self.results.still_restoring(name, outcome, (*why, Note(message=as_written(e.what))))
            return
        except SamdriftError as e:
            self._not_seen_again(name, (*why, Error(text=str(e))), by_hand)
            return
        (after,) = self.hosts.look([name])
        if after.error:
            self._not_seen_again(name, (*why, Error(text=after.error)), by_hand)
        elif after.changes:
            reported = (Note(message=as_written(report)),) if report else ()
            self._rolled_back(before, after, (*why, *reported))
        else:
            self.observer.host(name, "failed", in_words(MessageId.STAYED()))
            self.results.stayed(name, outcome, why, by_hand)

    def _not_seen_again(self, name: str, why: Why, by_hand: str) -> None:
        self.observer.host(name, "failed", "\n".join(map(evidence_in_words, why)))
        self.results.not_seen_again(name, self._outcomes[name], why, by_hand)

    def _rolled_back(self, before: HostPlan, after: HostPlan, why: Why) -> None:
        self.observer.host(before.host, "done", in_words(as_before(before, after)))
        self.results.rolled_back(before, after, self._outcomes[before.host], why)
