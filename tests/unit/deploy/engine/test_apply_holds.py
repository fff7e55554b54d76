"""What holds for every apply, whatever goes wrong on any host: one run, and runs that follow one another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import gevent
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from deploy.engine.apply import Apply
from deploy.engine.results import ApplyResult
from deploy.model.findings import Exit, Kind, exit_code
from deploy.model.observer import Quiet
from deploy.model.plan import Plan
from deploy.model.waves import Order
from inventory.rules.gates import Gates
from tests.applying import TOGETHER
from tests.unit.deploy.engine.fleet_in_memory import (
    BY_HAND,
    OLD,
    WANTED,
    Armed,
    Event,
    Interrupted,
    JournalInMemory,
    Machine,
    Part,
    SessionInMemory,
    Trouble,
    machine,
    plan_of,
)

WELL = {"in sync", "changed"}


class Batches(Quiet):
    """Notes which hosts are changed together."""

    def __init__(self) -> None:
        self.names: list[list[str]] = []

    def stage(self, title: str, hosts: Sequence[str], things: str = "host") -> None:
        del things
        if title.endswith("applying") and hosts:
            self.names.append(list(hosts))


class Proof:
    """One apply, and what must hold of it."""

    def __init__(
        self,
        machines: Sequence[Machine],
        plan: Plan,
        journal: JournalInMemory,
        troubles: Mapping[str, Trouble],
        *,
        interrupt_at: int = 0,
        order: Order = TOGETHER,
    ) -> None:
        self.order, self.batches = order, Batches()
        self.machines = {m.name: m for m in machines if plan.host(m.name)}
        self.plan, self.troubles, self.journal = plan, troubles, journal
        self.begun_before = set(journal.begun(plan.digest))
        session = SessionInMemory(machines, troubles, interrupt_at=interrupt_at)
        session.events = journal.events = []
        change = Apply(
            session,
            plan,
            session.verify,
            journal,
            journal.applied,
            order=order,
            observer=self.batches,
            wait=lambda _: None,
        )
        self.interrupted = False
        try:
            self.result: ApplyResult = change.go()
        except Interrupted as e:
            self.interrupted = True
            self.result = change.broken_off(type(e).__name__)
        session.close()
        self.events: list[Event] = session.events
        self.session = session
        self.results = {r.host: r for r in self.result.hosts}
        self.exit = exit_code(self.result.findings, after_change=any(r.changed for r in self.result.hosts))

    def hold(self) -> None:
        """Everything that must hold."""
        self.every_host_has_one_result()
        self.no_host_is_changed_that_moved()
        self.no_host_is_changed_that_another_run_guards()
        self.what_is_carried_out_is_the_plan()
        self.no_more_hosts_fail_than_may_before_the_rest_is_left_alone()
        self.hosts_of_a_batch_may_be_changed_together()
        self.no_host_is_changed_while_its_stand_in_is_not_well()
        self.what_was_left_alone_is_said()
        self.every_guarded_host_ends_confirmed_or_put_back()
        self.no_host_is_confirmed_that_is_not_well()
        self.a_batch_is_in_the_journal_before_its_first_change()
        self.results_say_what_happened()
        self.what_was_put_back_is_not_counted()
        self.what_is_confirmed_outlives_a_restart()
        self.exit_codes_agree()

    def every_host_has_one_result(self) -> None:
        assert len(self.results) == len(self.result.hosts)
        assert self.results.keys() <= self.machines.keys()
        without = self.machines.keys() - self.results.keys()
        if not self.interrupted:
            assert not without
        named = next((f.detail for f in self.result.findings if "broken off" in f.summary), "")
        for name in without & {e.host for e in self.events if e.what in {"change", "arm"}}:
            assert name in named, (name, named)

    def no_host_is_changed_that_moved(self) -> None:
        for name, before in self._before_first_change().items():
            planned = self._planned(name)
            resumed = {s: {text, WANTED} for s, text in planned.items()}
            as_planned = before.contents == planned
            left = all(before.contents[s] in resumed[s] for s in planned)
            assert as_planned or (name in self.begun_before and left), (name, before, planned)

    def no_host_is_changed_that_another_run_guards(self) -> None:
        assert not any(e.others for e in self.events if e.what in {"change", "arm"})

    def what_is_carried_out_is_the_plan(self) -> None:
        for name in self.machines:
            done = self._changed(name)
            host = self.plan.host(name)
            assert host
            planned = [s.id for s in host.changes]
            assert done == [s for s in planned if s in done], (name, done, planned)

    def no_more_hosts_fail_than_may_before_the_rest_is_left_alone(self) -> None:
        waves = [self.machines[name].host.wave for batch in self.batches.names for name in batch]
        assert waves == sorted(waves)
        bad: set[str] = set()
        for batch in self.batches.names:
            assert len(bad) <= self.order.gates.max_failures
            bad |= {name for name in batch if self._ended_badly(name)}
        skipped = {name for name, result in self.results.items() if result.outcome == "skipped"}
        if skipped and not self.order.redundant:
            reasons = sum(self._may_stop(name) for name in self.machines)
            assert reasons > self.order.gates.max_failures

    def hosts_of_a_batch_may_be_changed_together(self) -> None:
        proved: dict[int, set[str]] = {}
        for batch in self.batches.names:
            changed = [name for name in batch if self._planned_roles(name)]
            of_wave = proved.setdefault(self.machines[batch[0]].host.wave, set())
            alone = [
                f"role {r}" for n in changed for r in self._planned_roles(n) - of_wave if self.order.gates.canaries
            ]
            alone += [f"group {g}" for n in changed for g in self.order.redundant.get(n, ())]
            assert len(alone) == len(set(alone)), (batch, alone)
            assert not self.order.gates.at_once or len(changed) <= self.order.gates.at_once
            of_wave.update(*(self._planned_roles(n) for n in changed if not self._ended_badly(n)))

    def no_host_is_changed_while_its_stand_in_is_not_well(self) -> None:
        ill: set[str] = set()
        for batch in self.batches.names:
            for name in batch:
                groups = self.order.redundant.get(name, frozenset())
                others = {o for o in ill - {name} if groups & self.order.redundant.get(o, frozenset())}
                assert not (others and self._happened(name)), (name, others)
            endings = {name: self.results[name].outcome for name in batch if name in self.results}
            ill |= {n for n, ending in endings.items() if ending not in {*WELL, "stale", "skipped"}}

    def what_was_left_alone_is_said(self) -> None:
        said = [f.detail for f in self.result.findings if f.kind is Kind.STOPPED]
        skipped = {name for name, result in self.results.items() if result.outcome == "skipped"}
        assert len(said) <= 1
        for text in said:
            done, left = (line.partition(": ")[2].split(", ") for line in text.splitlines())
            assert set(left) == skipped
            assert not set(done) & skipped
            assert all(self.results[name].outcome == "changed" for name in done if name != "–")

    def every_guarded_host_ends_confirmed_or_put_back(self) -> None:
        for name, host in self.machines.items():
            happened = self._happened(name)
            if host.device and "change" in happened:
                happened.append("arm")
            assert host.guard is None or host.guard.run is not self.session
            if "arm" in happened:
                assert ("confirm" in happened) != ("undo" in happened), (name, happened)

    def no_host_is_confirmed_that_is_not_well(self) -> None:
        for event in (e for e in self.events if e.what == "confirm"):
            held_before = event.host in self.journal.converged and not self.troubles[event.host].broken
            assert event.amiss <= (set() if held_before else {"broken"}), event
            assert dict(event.contents) == self.machines[event.host].wanted, event

    def a_batch_is_in_the_journal_before_its_first_change(self) -> None:
        for batch in self.batches.names:
            events = [e for e in self.events if e.host in batch]
            touched = {e.host for e in events if e.what in {"change", "arm"}}
            first = next((n for n, e in enumerate(events) if e.what in {"change", "arm"}), 0)
            assert touched <= {e.host for e in events[:first] if e.what == "begin"}

    def results_say_what_happened(self) -> None:
        for name, result in self.results.items():
            host, done = self.machines[name], self._changed(name)
            assert set(result.changed) <= set(done), (result, done)
            if result.outcome in {"stale", "skipped", "in sync"}:
                assert not done, (result, done)
            if result.outcome in WELL:
                assert host.converged, (result, host)
                assert bool(done) is (result.outcome == "changed"), (result, done)
            if result.steps:
                assert host.converged, result
            if result.outcome == "rolled back":  # a device that refused its change has nothing to undo
                assert "undo" in self._happened(name) or not done, result

    def what_was_put_back_is_not_counted(self) -> None:
        undone = {e.host for e in self.events if e.what == "undo"}
        assert not undone & {c.host for c in self.result.checks}
        for name in undone & self.results.keys():
            late = {"failed"} if self.troubles[name].stuck else set()
            assert self.results[name].outcome in {"rolled back", "unknown"} | late, self.results[name]
            assert not self.results[name].steps

    def what_is_confirmed_outlives_a_restart(self) -> None:
        for name, host in self.machines.items():
            remedies = [f"{f.detail} {f.remedy}" for f in self.result.findings if name in f"{f.host} {f.detail}"]
            if "change" in self._happened(name):
                assert host.saved or any("save" in r for r in remedies), (host, remedies)

    def exit_codes_agree(self) -> None:
        endings = {r.outcome for r in self.results.values()}
        failed = any(c.outcome == "failed" for c in self.result.checks)
        stopped = any(f.kind is Kind.STOPPED for f in self.result.findings)
        armed = any(f.kind is Kind.ARMED for f in self.result.findings)
        well = not self.interrupted and endings <= WELL and not failed and not armed
        assert (self.exit is Exit.OK) is well, (self.exit, endings)
        if "rolled back" in endings:
            assert self.exit is Exit.ROLLED_BACK
        elif self.interrupted or "failed" in endings:
            assert self.exit is Exit.ERROR
        elif "stale" in endings:
            assert self.exit is Exit.STALE
        elif stopped:
            assert self.exit is Exit.VERIFY_FAILED
        if any(self._ended_badly(name) for name in self.machines):
            assert self.exit is not Exit.OK

    def _planned_roles(self, name: str) -> set[str]:
        planned = self.plan.host(name)
        return {s.role for s in planned.changes} if planned else set()

    def _happened(self, name: str) -> list[str]:
        return [e.what for e in self.events if e.host == name]

    def _changed(self, name: str) -> list[str]:
        return [e.step for e in self.events if e.host == name and e.what == "change"]

    def _planned(self, name: str) -> dict[str, str]:
        """What the plan saw on a host."""
        host = self.plan.host(name)
        assert host
        return {s.name: (s.change.before or "") if s.change else WANTED for s in host.steps}

    def _before_first_change(self) -> dict[str, Event]:
        changes = [e for e in self.events if e.what == "change"]
        return {e.host: e for e in reversed(changes)}

    def _ended_badly(self, name: str) -> bool:
        """Whether a host was begun, and is not as wanted for good, or was lost for good; or a check of it fails."""
        happened, host = self._happened(name), self.machines[name]
        if any(c.host == name and c.outcome == "failed" for c in self.result.checks):
            return True
        if "begin" not in happened:
            return False
        came_back = "confirm" in happened and (self.troubles[name].flaps or self.troubles[name].returns)
        lost = "lost" in happened[happened.index("begin") :] and not came_back
        return lost or "undo" in happened or not host.converged or not host.saved

    def _may_stop(self, name: str) -> bool:
        """Whether a host is a reason to stop: none is that could not be looked at, or had moved, and was left alone."""
        failed = any(c.host == name and c.outcome == "failed" for c in self.result.checks)
        known = name not in self.results or self.results[name].outcome in WELL
        return failed or (bool({"begin", "lost"} & set(self._happened(name))) and not known)


STATES = st.sampled_from([OLD, OLD, OLD, WANTED])
ONE_TROUBLE = (
    Trouble(cuts_off=True),
    Trouble(breaks=True),
    Trouble(broken=True),
    Trouble(restless=99),
    Trouble(slow=99),
    Trouble(runs_out="while changed"),
    Trouble(runs_out="before confirmed"),
    Trouble(runs_out="before confirmed", accepts_late=True),
    Trouble(not_kept=True),
    Trouble(unprovable=True),
    Trouble(cuts_off=True, stuck=True),
    Trouble(others="confirmed"),
    Trouble(others="confirmed", armed_again=True),
    Trouble(others="stays"),
)
TROUBLES = st.one_of(
    st.just(Trouble()),
    st.sampled_from(ONE_TROUBLE),
    st.builds(
        Trouble,
        lost_at=st.integers(0, 18),
        heard=st.booleans(),
        returns=st.booleans(),
        flaps=st.booleans(),
    ),
    st.builds(
        Trouble,
        lost_at=st.sampled_from([0, 0, *range(1, 20)]),
        heard=st.booleans(),
        returns=st.booleans(),
        flaps=st.booleans(),
        refuses=st.sampled_from(["", "", "a", "b", "c"]),
        unreadable=st.sampled_from([0, 0, 1, 2, 3]),
        restless=st.sampled_from([0, 0, 0, 1, 3, 99]),
        cuts_off=st.booleans(),
        breaks=st.booleans(),
        slow=st.sampled_from([0, 0, 2, 99]),
        broken=st.sampled_from([False, False, True]),
        runs_out=st.sampled_from(["", "", "while changed", "before confirmed"]),
        accepts_late=st.booleans(),
        not_kept=st.booleans(),
        others=st.sampled_from(["confirmed", "undone", "stays"]),
        armed_again=st.booleans(),
    ),
)


INTERRUPTIONS = st.one_of(st.just(0), st.just(0), st.integers(1, 40))
"""At which exchange with any host a run is interrupted: not at all, mostly."""


@st.composite
def orders(draw: st.DrawFn, names: Sequence[str]) -> Order:
    """Any gates, and any hosts that stand in for each other."""
    gates = Gates(
        canaries=draw(st.booleans()), max_failures=draw(st.sampled_from([0, 0, 1, 2])), at_once=draw(st.integers(0, 2))
    )
    pair = draw(st.sets(st.sampled_from(names), max_size=2))
    return Order(gates, {name: frozenset({"pair"}) for name in pair} if len(pair) > 1 else {})


@st.composite
def machines(draw: st.DrawFn) -> list[Machine]:
    """A few machines in a few waves, in any state."""
    made = []
    for number in range(draw(st.integers(1, 4))):
        name, wave = f"h{number}", draw(st.sampled_from([10, 20, 30]))
        if device := draw(st.booleans()):
            parts: Sequence[Part] = (Part("a", guarded=True),)
        else:
            guarded = draw(st.sampled_from([(), ("c",), ("b", "c"), ("a", "b", "c")]))
            parts = [Part(n, guarded=n in guarded, role=draw(st.sampled_from("rs"))) for n in "abc"]
        contents = {p.name: draw(STATES) for p in parts}
        made.append(machine(name, parts, wave=wave, device=device, **contents))
    return made


@pytest.fixture(autouse=True, scope="module")
def _quiet_greenlets() -> None:
    gevent.get_hub().exception_stream = None


@settings(max_examples=200)
@given(st.data())
def test_all_of_it_holds_whatever_goes_wrong(data: st.DataObject) -> None:
    fleet = data.draw(machines())
    names = [m.name for m in fleet]
    plan = plan_of(fleet, unknown=data.draw(st.sets(st.sampled_from(names), max_size=1)))
    troubles = {name: data.draw(TROUBLES) for name in names}
    for one in fleet:
        match data.draw(st.sampled_from(["", "", "", "moved", "armed", "armed again"])):
            case "moved":
                one.contents[one.parts[-1].name] = data.draw(st.sampled_from([OLD, WANTED, BY_HAND]))
            case "armed":
                one.guard = Armed("another run", {p.name: BY_HAND for p in one.parts[:1]})
            case "armed again":
                one.guard = Armed("another run", dict(one.contents))
                troubles[one.name] = Trouble(others="confirmed", armed_again=True)
    journal = JournalInMemory(converged=data.draw(st.sets(st.sampled_from(names))))
    interrupt_at, order = data.draw(INTERRUPTIONS), data.draw(orders(names))
    Proof(fleet, plan, journal, troubles, interrupt_at=interrupt_at, order=order).hold()


class Runs(RuleBasedStateMachine):
    """Apply after apply on the same machines, in any order with what people and other runs do to them."""

    @initialize(fleet=machines())
    def begin(self, fleet: list[Machine]) -> None:
        self.fleet = fleet
        self.journal = JournalInMemory()
        self.plan = plan_of(fleet)

    @rule()
    def make_a_new_plan(self) -> None:
        self.plan = plan_of(self.fleet)

    @rule(data=st.data(), text=st.sampled_from([OLD, WANTED, BY_HAND]))
    def somebody_changes_a_host_by_hand(self, data: st.DataObject, text: str) -> None:
        host = data.draw(st.sampled_from(self.fleet))
        host.contents[data.draw(st.sampled_from(host.parts)).name] = text

    @rule(data=st.data())
    def another_run_arms_a_host_and_dies(self, data: st.DataObject) -> None:
        host = data.draw(st.sampled_from(self.fleet))
        if host.guard is None:
            host.guard = Armed("another run", dict(host.contents))

    @rule(data=st.data(), interrupt_at=INTERRUPTIONS)
    def apply_with_troubles(self, data: st.DataObject, interrupt_at: int) -> None:
        self._apply({m.name: data.draw(TROUBLES) for m in self.fleet}, interrupt_at)

    @rule()
    def apply_in_peace(self) -> None:
        """Nothing goes wrong: what the plan may still change is as wanted, and the next apply changes nothing."""
        proof = self._apply({})
        for name, result in proof.results.items():
            assert result.outcome in {*WELL, "stale"}, result
            assert proof.machines[name].converged is (result.outcome in WELL)
        again = self._apply({})
        assert not any(r.changed for r in again.result.hosts)

    @rule()
    def plan_and_apply_in_peace(self) -> None:
        """From whatever state, a new plan and an apply that nothing hinders make all as wanted."""
        self._apply({})  # what other runs left armed is over
        self.plan = plan_of(self.fleet)
        assert self._apply({}).exit is Exit.OK
        assert all(m.converged for m in self.fleet)

    def _apply(self, troubles: Mapping[str, Trouble], interrupt_at: int = 0) -> Proof:
        everything = {m.name: troubles.get(m.name, Trouble()) for m in self.fleet}
        proof = Proof(self.fleet, self.plan, self.journal, everything, interrupt_at=interrupt_at)
        proof.hold()
        self.journal.applied.steps |= {r.host: r.steps for r in proof.result.hosts if r.steps}
        return proof


TestRuns = Runs.TestCase
TestRuns.settings = settings(max_examples=60, stateful_step_count=12)
