"""Apply on hosts in memory: how every trouble ends, and what holds whatever goes wrong."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date

import gevent
import pytest

from deploy.engine.apply import Apply
from deploy.engine.results import ApplyResult
from deploy.model.device_models import UnknownModel
from deploy.model.findings import Exit, Kind, exit_code
from deploy.model.plan import Plan
from deploy.model.record import AppliedStep, CheckResult
from deploy.model.step_id import StepId
from deploy.model.waivers import NO_WAIVERS, Waivers, difference
from deploy.model.waves import Order
from deploy.store.ports import StoreError
from inventory.waivers import Waiver
from tests.applying import TOGETHER, nothing_to_check
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
    waived,
)
from tests.unit.deploy.store.in_memory import MemoryApplied

PLAIN = (Part("a"), Part("b"))
GUARDED = (Part("a"), Part("b", guarded=True), Part("c", guarded=True))
DEVICE = (Part("a", guarded=True),)


@dataclass(frozen=True)
class Run:
    """One apply, and all that it left."""

    result: ApplyResult
    events: list[Event]
    waited: list[float]
    machines: dict[str, Machine]

    @property
    def endings(self) -> dict[str, str]:
        return {r.host: r.outcome for r in self.result.hosts}

    @property
    def exit(self) -> Exit:
        return exit_of(self.result)

    def texts(self, kind: str) -> list[str]:
        return [f"{f.summary}: {f.detail}: {f.remedy}" for f in self.result.findings if f.kind == kind]

    def of(self, host: str) -> list[str]:
        return [e.what for e in self.events if e.host == host]


def exit_of(result: ApplyResult) -> Exit:
    """The exit code of a run that ended so."""
    return exit_code(result.findings, after_change=any(r.changed for r in result.hosts))


def apply(
    *machines: Machine,
    troubles: dict[str, Trouble] | None = None,
    plan: Plan | None = None,
    journal: JournalInMemory | None = None,
    interrupt_at: int = 0,
    unnamed: Collection[str] = (),
    waivers: Waivers = NO_WAIVERS,
    order: Order = TOGETHER,
) -> Run:
    """Apply the plan that a look makes now, or another, and end the run."""
    plan, journal = plan or plan_of(machines), journal or JournalInMemory()
    session = SessionInMemory(machines, troubles, interrupt_at=interrupt_at, waivers=waivers)
    session.events = journal.events
    waited: list[float] = []
    of = {n: UnknownModel(host=n, municipality="tierp", model="X9", vendor="Acme") for n in unnamed}
    change = Apply(session, plan, session.verify, journal, journal.applied, unnamed=of, order=order, wait=waited.append)
    try:
        result = change.go()
    except Interrupted as e:
        result = change.broken_off(type(e).__name__)
    session.close()
    return Run(result, session.events, waited, {m.name: m for m in machines})


@pytest.fixture(autouse=True)
def _quiet_greenlets(monkeypatch: pytest.MonkeyPatch) -> None:
    """An interruption in a pool's greenlet is the pool's to raise, and gevent's to print no traceback of."""
    monkeypatch.setattr(gevent.get_hub(), "exception_stream", None)


def test_what_was_planned_is_done_wave_by_wave_and_a_second_apply_changes_nothing() -> None:
    machines = machine("later", wave=20), machine("first", GUARDED), machine("switch", DEVICE, device=True)
    run = apply(*machines)
    assert run.endings == {"first": "changed", "later": "changed", "switch": "changed"}
    assert all(m.converged and m.saved for m in machines)
    assert (run.result.findings, run.exit, run.waited) == ((), Exit.OK, [])
    assert {r.host: r.changed for r in run.result.hosts}["first"] == ("role: a", "role: b", "role: c")
    assert set(run.result.hosts[0].steps) == {"role: a", "role: b"}
    assert [e.host for e in run.events if e.what == "change"][-2:] == ["later", "later"]
    again = apply(*machines)
    assert set(again.endings.values()) == {"in sync"}
    assert (again.events, again.exit) == ([], Exit.OK)


def test_a_device_of_an_unknown_model_that_nobody_named_is_left_alone_and_the_others_are_changed() -> None:
    machines = machine("sw9", DEVICE, device=True), machine("first"), machine("later", wave=90)
    run = apply(*machines, unnamed=["sw9"])
    assert run.endings == {"sw9": "failed", "first": "changed", "later": "changed"}
    assert run.of("sw9") == []
    assert not run.machines["sw9"].converged
    (finding,) = run.result.findings
    assert (finding.kind, finding.host, run.exit) == (Kind.REFUSED, "sw9", Exit.ERROR)
    assert "X9" in finding.summary
    assert "samdrift apply --limit sw9" in finding.remedy

    assert apply(*machines).endings["sw9"] == "changed"
    assert apply(*machines, unnamed=["sw9"]).endings["sw9"] == "in sync", "there is nothing to refuse"


def test_what_a_waiver_accepts_is_not_changed_nor_remembered_and_the_rest_is_proved_as_ever() -> None:
    one = machine("first")
    one.contents["a"] = BY_HAND
    (by_hand, _) = one.plan().steps
    waiver = Waiver(
        name="w",
        hosts="first",
        role="role",
        step="a",
        seen=(difference(by_hand),),
        owner="anna",
        reason="until it is moved",
        until=date(2099, 1, 1),
    )
    waivers = Waivers((waiver,), date(2026, 11, 29), {"w": frozenset({"first"})})
    looked = plan_of([one])
    planned = looked.model_copy(update={"hosts": tuple(waived(h, waivers) for h in looked.hosts)})

    last = AppliedStep(intent="as it was given before")
    journal = JournalInMemory()
    journal.applied.steps["first"] = {StepId("role", "a"): last}
    run = apply(one, plan=planned, journal=journal, waivers=waivers)

    assert (run.endings, run.exit, one.contents) == ({"first": "changed"}, Exit.OK, {"a": BY_HAND, "b": WANTED})
    assert run.result.hosts[0].changed == ("role: b",)
    assert run.result.hosts[0].steps[StepId("role", "a")] == last, "drift goes on comparing with what was given last"
    assert apply(one, plan=planned).endings == {"first": "stale"}, "the waiver has gone since the plan was made"
    assert one.contents["a"] == BY_HAND


@dataclass(frozen=True)
class Case:
    """A trouble of one host, and how it ends: for the host, the wave after it, and the exit code of its ending."""

    name: str
    trouble: Trouble
    ending: str
    code: Exit
    text: str = ""
    parts: tuple[Part, ...] = PLAIN
    device: bool = False
    stops: bool = True
    contents: str = ""
    """What is on the host at the end, a word a step; empty where it is what was wanted."""


PLAIN_ORDER = ("", "login", "look", "step a", "step b", "login anew", "look again", "check")
GUARDED_ORDER = (
    *("", "login", "look", "check before", "prove", "step a", "arm", "step b", "still armed", "step c"),
    *("login anew", "look again", "check", "confirm"),
)
DEVICE_ORDER = (
    *("", "login", "look", "check before", "step a"),
    *("login anew", "look again", "check", "confirm", "look at the end", "save"),
)
"""The exchanges of an apply with a host of these parts, counted from 1: where it can be lost."""

CASES = [
    Case(
        "away",
        Trouble(lost_at=PLAIN_ORDER.index("login")),
        "unknown",
        Exit.INCOMPLETE,
        "could not be looked at",
        stops=False,
        contents=OLD,
    ),
    Case(
        "lost while looked at",
        Trouble(lost_at=PLAIN_ORDER.index("look")),
        "unknown",
        Exit.INCOMPLETE,
        stops=False,
        contents=OLD,
    ),
    Case("unreadable", Trouble(unreadable=1), "unknown", Exit.INCOMPLETE, stops=False, contents=OLD),
    Case(
        "lost before its first step",
        Trouble(lost_at=PLAIN_ORDER.index("step a")),
        "unknown",
        Exit.INCOMPLETE,
        "after 0 of 2",
        contents=OLD,
    ),
    Case(
        "lost in its first step",
        Trouble(lost_at=PLAIN_ORDER.index("step a"), heard=True),
        "unknown",
        Exit.INCOMPLETE,
        "after 0 of 2",
        contents="wanted old",
    ),
    Case(
        "a step is refused",
        Trouble(refuses="b"),
        "failed",
        Exit.ERROR,
        "broke off at role: b, after 1 of 2",
        contents="wanted old",
    ),
    Case(
        "nobody is let in anew",
        Trouble(lost_at=PLAIN_ORDER.index("login anew")),
        "unknown",
        Exit.INCOMPLETE,
        "lost after it was changed",
    ),
    Case(
        "lost while it is looked at again",
        Trouble(lost_at=PLAIN_ORDER.index("look again")),
        "unknown",
        Exit.INCOMPLETE,
        "lost after it was changed",
    ),
    Case(
        "lost while it is checked",
        Trouble(lost_at=PLAIN_ORDER.index("check")),
        "unknown",
        Exit.INCOMPLETE,
        "lost while it was checked",
    ),
    Case("settles", Trouble(restless=3), "changed", Exit.OK, stops=False),
    Case("never settles", Trouble(restless=99), "differs", Exit.DIFFERENCES, "a fault of the role"),
    Case("checks settle", Trouble(slow=3), "changed", Exit.OK, stops=False),
    Case("a check fails", Trouble(slow=99), "changed", Exit.VERIFY_FAILED, "works: this does not hold"),
]
CASES += [
    Case(c.name + ", guarded", c.trouble, c.ending, c.code, c.text, GUARDED, stops=c.stops, contents=c.contents)
    for c in [
        Case("a plain step is refused", Trouble(refuses="a"), "failed", Exit.ERROR, "after 0 of 3", contents=OLD),
        Case(
            "a step is refused",
            Trouble(refuses="c"),
            "rolled back",
            Exit.ROLLED_BACK,
            "other steps of the change are still done",
            contents="wanted old old",
        ),
        Case(
            "is not armed",
            Trouble(lost_at=GUARDED_ORDER.index("arm")),
            "unknown",
            Exit.INCOMPLETE,
            "after 1 of 3",
            contents="wanted old old",
        ),
        Case(
            "is armed, and lost in it",
            Trouble(lost_at=GUARDED_ORDER.index("arm"), heard=True),
            "unknown",
            Exit.INCOMPLETE,
            "after 1 of 3",
            contents="wanted old old",
        ),
        Case(
            "lost in a guarded step",
            Trouble(lost_at=GUARDED_ORDER.index("step b"), heard=True),
            "rolled back",
            Exit.ROLLED_BACK,
            "broke off at role: b",
            contents="wanted old old",
        ),
        Case(
            "lost for ever",
            Trouble(lost_at=GUARDED_ORDER.index("step b"), heard=True, returns=False),
            "unknown",
            Exit.INCOMPLETE,
            "nobody knows whether it put itself back",
            contents="wanted old old",
        ),
        Case(
            "cuts itself off",
            Trouble(cuts_off=True),
            "rolled back",
            Exit.ROLLED_BACK,
            "no SSH session",
            contents="wanted old old",
        ),
        Case(
            "never settles",
            Trouble(restless=99),
            "rolled back",
            Exit.ROLLED_BACK,
            "still to change: role: c",
            contents="wanted old old",
        ),
        Case(
            "a check that held fails",
            Trouble(breaks=True),
            "rolled back",
            Exit.ROLLED_BACK,
            "this held before the change, and does not now: works",
            contents="wanted old old",
        ),
        Case(
            "a check that never held fails",
            Trouble(broken=True),
            "changed",
            Exit.VERIFY_FAILED,
            "works: this does not hold",
        ),
        Case(
            "time runs out while it is changed",
            Trouble(runs_out="while changed"),
            "rolled back",
            Exit.ROLLED_BACK,
            "put itself back while it was changed",
            contents="wanted old old",
        ),
        Case(
            "time runs out before it is confirmed",
            Trouble(runs_out="before confirmed"),
            "rolled back",
            Exit.ROLLED_BACK,
            "put itself back before",
            contents="wanted old old",
        ),
        Case(
            "lost before it is confirmed",
            Trouble(lost_at=GUARDED_ORDER.index("confirm")),
            "rolled back",
            Exit.ROLLED_BACK,
            contents="wanted old old",
        ),
        Case(
            "lost before it is confirmed, and there again in time",
            Trouble(lost_at=GUARDED_ORDER.index("confirm"), flaps=True),
            "changed",
            Exit.OK,
            stops=False,
        ),
        Case(
            "lost when it was confirmed",
            Trouble(lost_at=GUARDED_ORDER.index("confirm"), heard=True),
            "changed",
            Exit.OK,
            stops=False,
        ),
        Case(
            "lost for ever when it was confirmed",
            Trouble(lost_at=GUARDED_ORDER.index("confirm"), heard=True, returns=False),
            "unknown",
            Exit.INCOMPLETE,
            "nobody knows whether it put itself back",
        ),
        Case(
            "a connection is refused once",
            Trouble(lost_at=GUARDED_ORDER.index("login anew"), flaps=True),
            "changed",
            Exit.OK,
            stops=False,
        ),
        Case(
            "lost once while it is looked at",
            Trouble(lost_at=GUARDED_ORDER.index("look again"), flaps=True),
            "changed",
            Exit.OK,
            stops=False,
        ),
        Case(
            "lost once while it is checked",
            Trouble(lost_at=GUARDED_ORDER.index("check"), flaps=True),
            "changed",
            Exit.OK,
            stops=False,
        ),
        Case(
            "it could not undo its change",
            Trouble(unprovable=True),
            "failed",
            Exit.ERROR,
            "so that nothing was changed",
            contents=OLD,
        ),
        Case(
            "lost while it proves that it could",
            Trouble(lost_at=GUARDED_ORDER.index("prove")),
            "unknown",
            Exit.INCOMPLETE,
            contents=OLD,
        ),
        Case(
            "cannot put everything back yet",
            Trouble(cuts_off=True, stuck=True),
            "failed",
            Exit.ERROR,
            "failed: nft -f -: see: samdrift guard show ill",
            contents="wanted old old",
        ),
    ]
]
CASES += [
    Case(c.name + ", a device", c.trouble, c.ending, c.code, c.text, DEVICE, True, stops=c.stops, contents=c.contents)
    for c in [
        Case(
            "lost in its change",
            Trouble(lost_at=DEVICE_ORDER.index("step a"), heard=True),
            "rolled back",
            Exit.ROLLED_BACK,
            contents=OLD,
        ),
        Case(
            "confirmed, and lost",
            Trouble(lost_at=DEVICE_ORDER.index("confirm"), heard=True),
            "changed",
            Exit.OK,
            stops=False,
        ),
        Case(
            "confirmed, and lost for long",
            Trouble(lost_at=DEVICE_ORDER.index("confirm"), heard=True, returns=False),
            "unknown",
            Exit.INCOMPLETE,
            "if it is as wanted: log in and save",
        ),
        Case(
            "lost after it was confirmed",
            Trouble(lost_at=DEVICE_ORDER.index("look at the end")),
            "unknown",
            Exit.INCOMPLETE,
            "if it is as wanted: log in and save",
        ),
        Case(
            "accepts to be confirmed too late",
            Trouble(runs_out="before confirmed", accepts_late=True),
            "rolled back",
            Exit.ROLLED_BACK,
            "its time had run out",
            contents=OLD,
        ),
        Case("does not save", Trouble(not_kept=True), "failed", Exit.ERROR, "would not outlive a restart"),
        Case(
            "lost while it saves", Trouble(lost_at=DEVICE_ORDER.index("save")), "failed", Exit.ERROR, "log in and save"
        ),
    ]
]


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.name)
def test_how_each_trouble_ends(case: Case) -> None:
    ill = machine("ill", case.parts, device=case.device)
    run = apply(
        ill,
        machine("well"),
        machine("after", wave=20),
        troubles={"ill": case.trouble},
        journal=JournalInMemory(converged=["ill"]),
    )
    assert run.endings == {"ill": case.ending, "well": "changed", "after": "skipped" if case.stops else "changed"}
    unfinished = case.stops and case.code in {Exit.INCOMPLETE, Exit.DIFFERENCES}
    assert run.exit is (Exit.VERIFY_FAILED if unfinished else case.code)
    if case.code is Exit.OK:
        assert run.result.findings == ()
    else:
        (finding,) = {f"{f.summary}: {f.detail}: {f.remedy}" for f in run.result.findings if f.kind is not Kind.STOPPED}
        assert case.text in finding
    (stopped,) = run.texts("stopped") if case.stops else ("",)
    assert not case.stops or "changed and proved: well\nleft alone, and not begun: after" in stopped
    left = dict(zip(ill.contents, (case.contents or WANTED).split() * len(case.parts), strict=False))
    assert ill.contents == left
    assert ill.guard is None
    check_names = {c.name for c in run.result.checks if c.host == "ill"}
    assert not (case.ending == "rolled back" and check_names)


def test_a_host_that_moved_since_the_plan_is_left_alone_and_the_others_are_done() -> None:
    moved, still, after = machine("moved"), machine("still"), machine("after", wave=20)
    plan = plan_of((moved, still, after))
    moved.contents["b"] = BY_HAND
    run = apply(moved, still, after, plan=plan)
    assert run.endings == {"moved": "stale", "still": "changed", "after": "changed"}
    assert moved.contents == {"a": OLD, "b": BY_HAND}
    assert run.exit is Exit.STALE
    assert "nothing was written to it: a step differs: read a new plan" in run.texts("stale")[0]


def test_half_of_a_plan_done_by_somebody_else_is_stale_and_not_a_resume() -> None:
    half = machine("half")
    plan = plan_of([half])
    half.contents["a"] = WANTED
    run = apply(half, plan=plan)
    assert (run.endings, run.events) == ({"half": "stale"}, [])
    assert "planned and no longer needed: role: a" in run.texts("stale")[0]


def test_an_apply_that_broke_off_is_resumed_by_the_same_plan_and_does_only_what_is_left() -> None:
    machines = (machine("first"), machine("next", wave=20))
    plan, journal = plan_of(machines), JournalInMemory()
    broken = apply(*machines, plan=plan, journal=journal, troubles={"first": Trouble(refuses="b")})
    assert broken.endings == {"first": "failed", "next": "skipped"}
    resumed = apply(*machines, plan=plan, journal=journal)
    assert {r.host: r.changed for r in resumed.result.hosts} == {"first": ("role: b",), "next": ("role: a", "role: b")}
    assert resumed.exit is Exit.OK


def test_a_resumed_host_that_also_moved_is_stale() -> None:
    first = machine("first")
    plan, journal = plan_of([first]), JournalInMemory()
    apply(first, plan=plan, journal=journal, troubles={"first": Trouble(refuses="b")})
    first.contents["b"] = BY_HAND
    assert apply(first, plan=plan, journal=journal).endings == {"first": "stale"}


def test_a_host_that_the_plan_does_not_know_is_unknown_although_it_answers_now() -> None:
    away = machine("away")
    run = apply(away, plan=plan_of([away], unknown=["away"]))
    assert (run.endings, run.events, run.exit) == ({"away": "unknown"}, [], Exit.INCOMPLETE)
    assert "no SSH session" in run.texts("unknown")[0]


def test_hosts_that_only_the_plan_or_only_the_session_has_are_left_alone() -> None:
    planned, connected, both = machine("planned"), machine("connected"), machine("both")
    run = apply(connected, both, plan=plan_of((planned, both)))
    assert run.endings == {"both": "changed"}
    assert {planned.converged, connected.converged} == {False}


def test_nothing_of_a_wave_is_changed_if_the_journal_cannot_be_written() -> None:
    journal = JournalInMemory()
    journal.full_after = 1
    machines = (machine("a"), machine("b"), machine("c", wave=20))
    run = apply(*machines, journal=journal)
    assert [e.what for e in run.events] == ["begin"]
    assert not any(m.converged for m in machines)
    assert (run.endings, run.exit) == ({}, Exit.ERROR)


@pytest.mark.parametrize(
    ("trouble", "ending", "code", "text"),
    [
        (Trouble(others="confirmed"), "changed", Exit.DIFFERENCES, ""),
        (Trouble(others="undone"), "stale", Exit.STALE, ""),
        (Trouble(others="stays"), "unknown", Exit.INCOMPLETE, "another run is changing it"),
        (Trouble(lost_at=3), "unknown", Exit.INCOMPLETE, "lost"),
        (
            Trouble(others="confirmed", armed_again=True),
            "unknown",
            Exit.INCOMPLETE,
            "another run is changing it: yet another",
        ),
    ],
)
def test_another_runs_guard_is_reported_and_waited_for(trouble: Trouble, ending: str, code: Exit, text: str) -> None:
    armed = machine("armed", a=WANTED)
    armed.guard = Armed("another run", {"a": OLD})
    run = apply(armed, troubles={"armed": trouble})
    assert run.endings == {"armed": ending}
    assert run.exit is code
    assert any("another run" in told for told in run.texts("unconfirmed"))
    assert all(text in told for told in run.texts("unknown"))
    assert armed.converged is (ending == "changed")


def test_an_interruption_before_a_host_is_confirmed_does_not_call_it_changed() -> None:
    """It was, and is about to put itself back: what is remembered as applied must not say otherwise."""
    guarded, plain = machine("guarded", GUARDED), machine("plain")
    session = SessionInMemory((guarded, plain))

    def interrupted(_names: Sequence[str]) -> tuple[CheckResult, ...]:
        raise Interrupted

    change = Apply(
        session,
        plan_of((guarded, plain)),
        interrupted,
        JournalInMemory(),
        MemoryApplied(),
        order=TOGETHER,
        wait=lambda _: None,
    )
    with pytest.raises(Interrupted):
        change.go()
    result = change.broken_off("^C")
    session.close()
    assert [(r.host, r.outcome) for r in result.hosts] == [("plain", "changed")]
    (finding,) = result.findings
    assert finding.summary == "the apply was broken off: ^C"
    assert finding.detail == "begun and not finished: guarded\nabout to undo what could cut them off: guarded"
    assert exit_of(result) is Exit.ERROR


def test_an_interruption_says_which_hosts_were_begun_and_not_finished() -> None:
    run = apply(machine("a"), machine("b"), machine("c", wave=20), interrupt_at=3)
    assert run.endings == {}
    assert "begun and not finished: a, b" in run.texts("failed step")[0]


def test_a_store_that_is_lost_in_the_middle_leaves_a_result_that_names_who_may_be_begun() -> None:
    class Lost(JournalInMemory):
        gone = False

        def begin(self, plan_digest: str, host: str) -> None:
            self.gone = True
            super().begin(plan_digest, self.there(host))

        def begun(self, plan_digest: str) -> tuple[str, ...]:
            return super().begun(self.there(plan_digest))

        def there(self, asked: str) -> str:
            if self.gone:
                raise StoreError("the database is gone")
            return asked

    one, other = machine("a"), machine("b")
    session = SessionInMemory((one, other))
    change = Apply(
        session, plan_of((one, other)), nothing_to_check, Lost(), MemoryApplied(), order=TOGETHER, wait=lambda _: None
    )
    with pytest.raises(StoreError):
        change.go()
    (finding,) = change.broken_off("the database is gone").findings
    session.close()
    assert finding.detail == "begun and not finished: a, b"
