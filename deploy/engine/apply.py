"""Apply: carry out a Plan exactly, in waves, and prove it.

For each wave: look again, and leave alone every host that moved since the plan was made (*stale*); carry out the
others' steps; open a new connection, for a change may have shut us out; look until nothing is left to change; run the
state checks. A host with a step that could cut it off is guarded all the while (`guards`): it is confirmed only now,
and looked at once more; in any other case it undoes that step. A wave in which a step fails, a host does not converge
or is lost once it was changed, a check fails, or a host undid its change, is the last one: what shut one host off would
shut off the next. A host that could not be reached to begin with holds nobody up.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

import gevent

from deploy.engine.hosts import Hosts, Verify
from deploy.engine.results import ApplyResult, Results
from deploy.engine.wave import Wave
from deploy.model.device_models import UnknownModel
from deploy.model.drift import Controls
from deploy.model.observer import Observer, Quiet
from deploy.model.plan import Plan
from deploy.model.record import AppliedStep
from deploy.model.step_id import StepId
from deploy.model.waves import waves
from deploy.store.ports import Applied, Journal, StoreError

FINISHED = frozenset({"in sync", "changed", "rolled back", "stale", "skipped"})
"""How hosts end that have all of a plan, or nothing of it."""


class Apply:
    """An apply of a plan to some hosts; hosts that only the plan or only `hosts` has are left alone.

    Args:
        controls: role name to the controls that a failed check of the role is reported with.
        unnamed: devices of unknown models that nobody named, by host: none of them is changed.
        wait: sleeps for so many seconds, while services settle.
        stopped: returns why no further wave may be begun; empty if it may.
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
        observer: Observer | None = None,
        wait: Callable[[float], None] = gevent.sleep,
        stopped: Callable[[], str] = lambda: "",
    ) -> None:
        self.hosts, self.plan, self.verify, self.journal, self.applied = hosts, plan, verify, journal, applied
        self.observer, self.wait, self.stopped = observer or Quiet(), wait, stopped
        self._unnamed = unnamed or {}
        self._begun = frozenset(journal.begun(plan.digest))
        self._results = Results(hosts.hosts, controls or {}, hosts.declared, self._not_about())

    def go(self) -> ApplyResult:
        """Change wave after wave, until the last one or one that goes wrong."""
        well = True
        for number, hosts in enumerate(waves([h for h in self.hosts.hosts if self.plan.host(h.name)]), start=1):
            names = [h.name for h in hosts]
            if why := self.stopped():
                for name in names:
                    self._results.skipped(name, why)
            elif well:
                well = self._wave(number, names).change()
            else:
                for name in names:
                    self._results.skipped(name)
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

    def _not_about(self) -> dict[str, dict[StepId, AppliedStep]]:
        """Return the steps as last applied that the plan is not about, by host: of other roles, and those held back."""
        only, found = self.plan.only_roles, {}
        for host in self.hosts.hosts:
            planned = self.plan.host(host.name)
            held = {step.id for step in planned.held} if planned else set()
            if only or held:
                last = self.applied.last_applied(host.name)
                found[host.name] = {i: a for i, a in last.items() if i in held or (only and i.role not in only)}
        return found

    def _wave(self, number: int, names: list[str]) -> Wave:
        return Wave(
            number=number,
            names=names,
            plan=self.plan,
            hosts=self.hosts,
            verify=self.verify,
            journal=self.journal,
            applied=self.applied,
            begun=self._begun,
            unnamed=self._unnamed,
            results=self._results,
            observer=self.observer,
            wait=self.wait,
        )
