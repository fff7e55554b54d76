"""Apply: carry out a Plan exactly, batch after batch, and prove it.

For each batch of a wave: look again, and leave alone every host that moved since the plan was made (*stale*); carry out
the others' steps; open a new connection, for a change may have shut us out; look until nothing is left to change; run
the state checks; ask whether the hosts behind a gateway answer as before. A host with a step that could cut it off is
guarded all the while (`guards`): it is confirmed only now, and a device is looked at once more, since some accept that
though they have rolled back; in any other case it undoes that step. A batch in which a step fails, a host does not
converge or is lost once it was changed, a check fails, or a host undid its change, is the last one, unless more
failures are allowed: what shut one host off would shut off the next. A host that could not be reached to begin with
holds nobody up but those that stand in for it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence

import gevent

from deploy.engine.batch import Batch
from deploy.engine.hosts import Hosts, Verify
from deploy.engine.results import ApplyResult, Results
from deploy.model.device_models import UnknownModel
from deploy.model.drift import Controls
from deploy.model.messages import Message, MessageId
from deploy.model.observer import Observer, Quiet
from deploy.model.plan import Plan
from deploy.model.record import AppliedStep
from deploy.model.step_id import StepId
from deploy.model.waves import Candidate, Order, changing_roles, waves
from deploy.model.words import in_words
from deploy.store.ports import Applied, Damaged, Journal, StoreError
from inventory.fleet import Host

WELL = frozenset({"in sync", "changed"})
SLICE = 5.0
"""Seconds after which a long wait asks whether the apply is to stop."""

FINISHED = frozenset({"in sync", "changed", "rolled back", "stale", "skipped"})
"""How hosts end that have all of a plan, or nothing of it."""


class Apply:
    """An apply of a plan to some hosts; hosts that only the plan or only `hosts` has are left alone.

    Args:
        controls: role name to the controls that a failed check of the role is reported with.
        unnamed: devices of unknown models that nobody named, by host: none of them is changed.
        order: in which batches hosts are changed, and what must hold before the next.
        wait: sleeps for so many seconds, while services settle.
        stopped: returns why no further batch may be begun; empty if it may.
    """

    def __init__(
        self,
        hosts: Hosts,
        plan: Plan,
        verify: Verify,
        journal: Journal,
        applied: Applied,
        *,
        controls: Controls | None = None,
        unnamed: Mapping[str, UnknownModel] | None = None,
        order: Order | None = None,
        observer: Observer | None = None,
        wait: Callable[[float], None] = gevent.sleep,
        stopped: Callable[[], str] = lambda: "",
    ) -> None:
        self.hosts, self.plan, self.verify, self.journal, self.applied = hosts, plan, verify, journal, applied
        self.order, self.observer, self.wait, self.stopped = order or Order(), observer or Quiet(), wait, stopped
        self._unnamed = unnamed or {}
        self._begun = frozenset(journal.begun(plan.digest))
        self._results = Results(hosts.hosts, controls or {}, hosts.declared, self._not_about())
        self.to_come = {h.name for h in hosts.hosts if changing_roles(plan, h.name)}
        """Hosts that are still to be changed: what they serve may not be there yet."""
        self._failed: set[str] = set()
        """Hosts that ended badly, or of which a check fails, though they could be changed."""

    def go(self) -> ApplyResult:
        """Change batch after batch, until the last one or one that goes wrong."""
        for number, hosts in enumerate(waves([h for h in self.hosts.hosts if self.plan.host(h.name)]), start=1):
            self._wave(number, hosts)
        if self._too_many_failed and not self.stopped():
            self._results.went_no_further(self._failed)
        return self._results.of(self.plan)

    def broken_off(self, why: str) -> ApplyResult:
        """Return the results up to an interruption or an internal error, with a finding that says so."""
        try:
            begun: Collection[str] = self.journal.begun(self.plan.digest)
        except StoreError:  # it is lost, too: rather too many named than none
            begun = [h.name for h in self.hosts.hosts if (planned := self.plan.host(h.name)) and planned.changes]
        left = sorted(name for name in begun if self._results.ending(name) not in FINISHED)
        guarded = sorted(self.hosts.guarded)
        by_hand = {h.name: todo for h in self.hosts.hosts if (todo := self.hosts.by_hand(h.name))}
        self._results.broken_off(why, left=left, guarded=guarded, by_hand=by_hand)
        return self._results.of(self.plan)

    @property
    def _too_many_failed(self) -> bool:
        return len(self._failed) > self.order.gates.max_failures

    def _not_about(self) -> dict[str, dict[StepId, AppliedStep] | None]:
        """Return the steps as last applied that the plan is not about, by host: of other roles, and those held back.

        None where that is damaged: of such a host the store is told nothing new, or what is damaged would look whole.
        """
        only, found = self.plan.only_roles, dict[str, dict[StepId, AppliedStep] | None]()
        for host in self.hosts.hosts:
            planned = self.plan.host(host.name)
            held = {step.id for step in planned.held} if planned else set()
            if only or held:
                try:
                    last = self.applied.last_applied(host.name)
                except Damaged:
                    found[host.name] = None
                    continue
                found[host.name] = {i: a for i, a in last.items() if i in held or (only and i.role not in only)}
        return found

    def _wave(self, number: int, hosts: Sequence[Host]) -> None:
        """Change the hosts of a wave, batch after batch; leave alone what is left once the apply has stopped."""
        left = {h.name: Candidate(h, changing_roles(self.plan, h.name)) for h in hosts}
        proved: set[str] = set()
        while left:
            unwell = self._unwell
            for name in [*left]:
                if why := self.stopped():
                    self._results.skipped(left.pop(name).name, why)
                elif self._too_many_failed:
                    self._leave_alone(left.pop(name), MessageId.EARLIER_FAILED(hosts=_names(self._failed)))
                elif left[name].roles and name not in unwell and (ill := self.order.waits_for(name, unwell)):
                    self._leave_alone(left.pop(name), MessageId.STANDS_IN_FOR(hosts=_names(ill)))
            if batch := self.order.batch(left.values(), proved):
                names = [left.pop(candidate.name).name for candidate in batch]
                self.to_come.difference_update(names)
                self._failed |= self._batch(number, names).change()
                self._soak([n for n in self.order.canaries(batch, proved) if self._is_proved(n)], list(left.values()))
                proved.update(*(candidate.roles for candidate in batch if self._is_proved(candidate.name)))

    def _leave_alone(self, candidate: Candidate, why: Message) -> None:
        self._results.skipped(candidate.name, in_words(why))

    def _is_proved(self, name: str) -> bool:
        return self._results.ending(name) in WELL and name not in self._failed

    @property
    def _unwell(self) -> frozenset[str]:
        """Return the hosts that could not be reached, or ended badly; those that were left as they are are well."""
        unknown = {h.name for h in self.hosts.hosts if self._results.ending(h.name) == "unknown"}
        unplanned = {h.name for h in self.hosts.hosts if (planned := self.plan.host(h.name)) and planned.error}
        return frozenset(self._failed | unknown | unplanned | self.hosts.unreachable.keys())

    def _soak(self, canaries: Sequence[str], others: Sequence[Candidate]) -> None:
        """Let canaries run on for as long as the gates ask, where others are to follow, and check them again."""
        soak = self.order.gates.soak
        if not soak or not canaries or self._too_many_failed or not any(other.roles for other in others):
            return
        self.observer.stage(f"waiting {soak:g} s whether the canaries hold", canaries)
        while soak > 0 and not self.stopped():
            self.wait(min(soak, SLICE))
            soak -= SLICE
        failed = [check for check in self.verify(canaries) if check.fails]
        self._results.checked(failed)
        lost = [name for name in canaries if name in self.hosts.unreachable]
        for name in lost:
            self._results.lost_while_checked(name, self.hosts.unreachable[name])
        self._failed |= {check.host for check in failed} | set(lost)

    def _batch(self, number: int, names: list[str]) -> Batch:
        return Batch(
            wave=number,
            names=names,
            plan=self.plan,
            hosts=self.hosts,
            verify=self.verify,
            journal=self.journal,
            applied=self.applied,
            begun=self._begun,
            unnamed=self._unnamed,
            behind=self.order.behind if self.order.gates.behind else {},
            results=self._results,
            observer=self.observer,
            wait=self.wait,
        )


def _names(hosts: Collection[str]) -> str:
    return ", ".join(sorted(hosts))
