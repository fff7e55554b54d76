"""Canaries, pairs and gates on hosts in memory: who goes first, who waits for whom, and what stops an apply."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from ipaddress import ip_address

import pytest

from deploy.engine.apply import Apply
from deploy.model.findings import Exit, exit_code
from deploy.model.observer import Quiet
from deploy.model.record import CheckResult
from deploy.model.waves import Order
from deploy.views import plan as plan_view
from inventory.rules.gates import Gates
from tests.unit.deploy.engine.fleet_in_memory import (
    BY_HAND,
    OLD,
    WANTED,
    JournalInMemory,
    Machine,
    Part,
    SessionInMemory,
    Trouble,
    machine,
    plan_of,
)

BASE, DNS, MAIL = Part("base", role="base"), Part("dns", role="dns"), Part("mail", role="mail")
GATEWAY = (Part("routes", guarded=True, role="gateway"),)
BEHIND = {"gw1": {"sw1": ip_address("10.61.1.11"), "sw2": ip_address("10.61.1.12")}}


class Watched(Quiet):
    """Notes the stages of a run, and whom each was about."""

    def __init__(self) -> None:
        self.stages: list[tuple[str, tuple[str, ...]]] = []

    def stage(self, title: str, hosts: object, things: str = "host") -> None:
        del things
        assert isinstance(hosts, list | tuple)
        self.stages.append((title, tuple(hosts)))

    @property
    def batches(self) -> list[tuple[str, ...]]:
        return [hosts for title, hosts in self.stages if title.endswith("applying") and hosts]


class Run:
    """One apply, and what it left."""

    def __init__(
        self,
        *machines: Machine,
        order: Order | None = None,
        troubles: Mapping[str, Trouble] | None = None,
        moved: Mapping[str, str] | None = None,
        converged: tuple[str, ...] = (),
    ) -> None:
        journal, self.watched, self.waited = JournalInMemory(converged=converged), Watched(), list[float]()
        session, plan = SessionInMemory(machines, troubles), plan_of(machines)
        for name, part in (moved or {}).items():
            next(m for m in machines if m.name == name).contents[part] = BY_HAND
        self.result = Apply(
            session,
            plan,
            session.verify,
            journal,
            journal.applied,
            order=order or Order(),
            observer=self.watched,
            wait=self.waited.append,
        ).go()
        self.events = session.events
        session.close()
        self.endings = {r.host: r.outcome for r in self.result.hosts}
        self.details = {r.host: r.detail for r in self.result.hosts}
        self.exit = exit_code(self.result.findings, after_change=any(r.changed for r in self.result.hosts))

    @property
    def stopped(self) -> list[str]:
        return [f.detail for f in self.result.findings if f.kind == "stopped"]


def servers() -> tuple[Machine, ...]:
    return (
        machine("dns1", (BASE, DNS)),
        machine("dns2", (BASE, DNS)),
        machine("mail1", (BASE, MAIL)),
        machine("web1", (BASE,)),
        machine("web2", (BASE,)),
    )


def test_the_first_host_of_each_role_is_proved_before_the_others() -> None:
    run = Run(*servers())
    assert run.watched.batches == [("dns1",), ("dns2", "mail1", "web1", "web2")]
    assert (set(run.endings.values()), run.exit) == ({"changed"}, Exit.OK)


def test_a_forecast_of_the_batches_says_what_comes_if_all_goes_well() -> None:
    machines = (*servers(), machine("quiet", (BASE,), base=WANTED), machine("later", (BASE,), wave=20))
    batches = Order().forecast([m.host for m in machines], plan_of(machines))
    assert batches == (("dns1",), ("dns2", "mail1", "web1", "web2"), ("later",))
    shown = "".join(str(line) for line in plan_view.order(batches))
    assert shown.startswith("In 3 steps, each once the one before it is proved:  1. dns1  2. dns2, mail1, web1, web2")
    assert [*plan_view.order(batches[:1])] == []


def test_the_host_that_its_context_names_is_the_canary() -> None:
    named = machine("web2", (BASE,))
    named.host = named.host.model_copy(update={"context": {"samdrift": {"wave": 10, "canary": True}}})
    assert Run(machine("web1", (BASE,)), named, machine("web3", (BASE,))).watched.batches == [
        ("web2",),
        ("web1", "web3"),
    ]


def test_a_role_that_changes_nothing_needs_no_canary_and_hosts_in_sync_come_last() -> None:
    run = Run(
        machine("a", (BASE, DNS), base=WANTED), machine("b", (BASE, MAIL), base=WANTED), machine("c", base=WANTED)
    )
    assert run.watched.batches[0] == ("a", "b", "c")
    run = Run(machine("a", (BASE,), base=WANTED), machine("b", (BASE,)), machine("c", (BASE,)))
    assert run.watched.batches == [("b",), ("a", "c")]


def test_each_wave_has_canaries_of_its_own() -> None:
    run = Run(*(machine(name, (BASE,), wave=wave) for name, wave in (("a", 10), ("b", 10), ("c", 20), ("d", 20))))
    assert run.watched.batches == [("a",), ("b",), ("c",), ("d",)]


def test_a_canary_that_fails_a_check_stops_the_rest_and_says_what_is_done_and_what_not() -> None:
    run = Run(
        *servers(),
        machine("later", (BASE,), wave=20),
        troubles={"mail1": Trouble(broken=True)},
        order=Order(Gates(at_once=1)),
    )
    assert run.endings == {
        "dns1": "changed",
        "dns2": "changed",
        "mail1": "changed",
        "web1": "skipped",
        "web2": "skipped",
        "later": "skipped",
    }
    assert run.exit is Exit.VERIFY_FAILED
    assert run.stopped == ["changed and proved: dns1, dns2\nleft alone, and not begun: web1, web2, later"]
    assert run.details["web1"] == "hosts before it ended badly: mail1"


def test_resolvers_of_which_the_first_does_not_survive_its_change_never_stop_together() -> None:
    """The fault: a drop-in that the service does not survive stopped both in one second, and nothing rolled back."""
    pair = machine("dns1", (DNS,)), machine("dns2", (DNS,))
    order = Order(Gates(canaries=False), redundant=dict.fromkeys(("dns1", "dns2"), frozenset({"role dns"})))
    run = Run(*pair, order=order, troubles={"dns1": Trouble(breaks=True)})
    assert run.endings == {"dns1": "changed", "dns2": "skipped"}
    assert (pair[1].contents, run.exit) == ({"dns": OLD}, Exit.VERIFY_FAILED)


@pytest.mark.parametrize(
    ("trouble", "allowed"), [(Trouble(lost_at=1), 0), (Trouble(refuses="dns"), 5), (Trouble(breaks=True), 5)]
)
def test_who_stands_in_for_a_host_that_is_away_or_ended_badly_is_left_alone(trouble: Trouble, allowed: int) -> None:
    machines = machine("dns1", (DNS,)), machine("dns2", (DNS,)), machine("web1", (BASE,))
    order = Order(Gates(max_failures=allowed), dict.fromkeys(("dns1", "dns2"), frozenset({"role dns"})))
    run = Run(*machines, order=order, troubles={"dns1": trouble})
    assert (run.endings["dns2"], run.endings["web1"]) == ("skipped", "changed")
    assert run.details["dns2"] == "it stands in for what is not well now: dns1"


@pytest.mark.parametrize("away_since", ["the plan was made", "it was made"])
def test_who_stands_in_for_a_host_that_is_away_is_left_alone_whoever_comes_first_by_name(away_since: str) -> None:
    machines = machine("dns1", (DNS,)), machine("dns2", (DNS,)), machine("web1", (BASE,))
    plan = plan_of(machines, unknown=["dns2"] if away_since == "the plan was made" else [])
    session = SessionInMemory(machines, {"dns2": Trouble(lost_at=1)})
    order = Order(redundant=dict.fromkeys(("dns1", "dns2"), frozenset({"role dns"})))
    journal = JournalInMemory()
    done = Apply(session, plan, session.verify, journal, journal.applied, order=order, wait=lambda _: None).go()
    assert {r.host: r.outcome for r in done.hosts}["dns1"] == "skipped"
    assert (machines[0].contents, machines[2].contents) == ({"dns": OLD}, {"base": WANTED})


def test_two_that_stand_in_for_each_other_and_are_both_away_are_unknown_and_not_left_alone() -> None:
    """The fault: each waited for the other, nothing was found, and the run ended with 0."""
    pair = machine("dns1", (DNS,)), machine("dns2", (DNS,))
    order = Order(redundant=dict.fromkeys(("dns1", "dns2"), frozenset({"role dns"})))
    run = Run(*pair, order=order, troubles=dict.fromkeys(("dns1", "dns2"), Trouble(lost_at=1)))
    assert run.endings == {"dns1": "unknown", "dns2": "unknown"}
    assert run.exit is Exit.INCOMPLETE


def test_a_stale_canary_proves_nothing_and_the_next_host_is_the_canary() -> None:
    machines = [machine(name, (BASE,)) for name in ("a", "b", "c", "d")]
    run = Run(*machines, moved={"a": "base"})
    assert run.endings == {"a": "stale", "b": "changed", "c": "changed", "d": "changed"}
    assert run.watched.batches == [("b",), ("c", "d")]


def test_so_many_hosts_may_fail_and_while_a_role_is_unproved_one_at_a_time() -> None:
    def hosts() -> list[Machine]:
        return [machine(f"h{n}", (BASE,)) for n in range(1, 6)]

    troubles = {"h1": Trouble(refuses="base"), "h2": Trouble(refuses="base")}
    for allowed, batches in ((0, 1), (1, 2)):
        run = Run(*hosts(), troubles=troubles, order=Order(Gates(max_failures=allowed)))
        assert run.watched.batches == [("h1",), ("h2",)][:batches]
        assert list(run.endings.values()).count("skipped") == 5 - batches
        assert run.exit is Exit.ERROR
    run = Run(*hosts(), troubles=troubles, order=Order(Gates(max_failures=2)))
    assert run.watched.batches == [("h1",), ("h2",), ("h3",), ("h4", "h5")]
    assert (run.stopped, run.exit) == ([], Exit.ERROR)


def test_the_same_plan_goes_on_where_it_stopped_with_a_canary_again() -> None:
    machines = [machine(name, (BASE,)) for name in ("a", "b", "c", "d")]
    plan, journal = plan_of(machines), JournalInMemory()
    for troubles, batches in (({"a": Trouble(refuses="base")}, [("a",)]), ({}, [("a",), ("b", "c", "d")])):
        session, watched = SessionInMemory(machines, troubles), Watched()
        Apply(session, plan, session.verify, journal, journal.applied, observer=watched, wait=lambda _: None).go()
        assert watched.batches == batches
    assert all(m.converged for m in machines)


def test_a_batch_that_fails_whole_is_one_failure_a_host_and_no_more() -> None:
    """Elsewhere a batch of which all hosts failed ended the run, however many failures were allowed."""
    machines = [machine(name, (BASE,)) for name in ("a", "b", "c", "d")]
    order = Order(Gates(canaries=False, at_once=2, max_failures=2))
    run = Run(*machines, order=order, troubles=dict.fromkeys(("a", "b"), Trouble(refuses="base")))
    assert run.endings == {"a": "failed", "b": "failed", "c": "changed", "d": "changed"}


def test_a_canary_that_settles_late_is_waited_for_beside_one_of_another_role_that_is_quick() -> None:
    run = Run(
        machine("dns1", (DNS,)),
        machine("mail1", (MAIL,)),
        machine("mail2", (MAIL,)),
        troubles={"mail1": Trouble(slow=3)},
    )
    assert run.watched.batches == [("dns1", "mail1"), ("mail2",)]
    assert run.exit is Exit.OK


def test_while_a_canary_is_checked_it_is_known_who_is_still_to_come() -> None:
    """In a first roll-out, what the canary needs of a later host does not answer yet."""
    machines = [machine(name, (BASE,), wave=wave) for name, wave in (("a", 10), ("b", 10), ("c", 20))]
    session, journal, known = SessionInMemory(machines), JournalInMemory(), list[set[str]]()

    def verify(names: Sequence[str]) -> tuple[CheckResult, ...]:
        known.append(set(change.to_come))
        return session.verify(names)

    change = Apply(session, plan_of(machines), verify, journal, journal.applied, wait=lambda _: None)
    change.go()
    assert known == [{"b", "c"}, {"c"}, set()]


def test_a_canary_is_checked_again_after_the_time_that_the_gates_ask_for() -> None:
    machines = [machine(name, (BASE,)) for name in ("a", "b")]
    assert sum(Run(*machines, order=Order(Gates(soak=600))).waited) == 600

    run = Run(
        *(machine(name, (BASE,)) for name in ("a", "b")),
        order=Order(Gates(soak=600)),
        troubles={"a": Trouble(sickens=True)},
    )
    assert run.endings == {"a": "changed", "b": "skipped"}
    assert run.exit is Exit.VERIFY_FAILED


def test_a_gateway_that_cuts_off_a_host_behind_it_is_not_confirmed() -> None:
    """The fault: a hub's rule cut a municipality off, and was confirmed, since the hub itself was well."""
    gateway = machine("gw1", GATEWAY)
    run = Run(gateway, machine("later", wave=20), order=Order(behind=BEHIND), troubles={"gw1": Trouble(hides=("sw2",))})
    assert run.endings == {"gw1": "rolled back", "later": "skipped"}
    assert (gateway.contents, run.exit) == ({"routes": OLD}, Exit.ROLLED_BACK)
    assert "behind it, these answered before the change and do not now: sw2" in run.details["gw1"]


def test_a_gateway_behind_which_all_answer_as_before_is_confirmed_and_who_was_silent_before_is_not_asked_for() -> None:
    assert Run(machine("gw1", GATEWAY), order=Order(behind=BEHIND)).endings == {"gw1": "changed"}
    silent = Trouble(silent=("sw1",), hides=("sw1",))
    assert Run(machine("gw1", GATEWAY), order=Order(behind=BEHIND), troubles={"gw1": silent}).exit is Exit.OK


def test_an_organisation_may_do_without_that_gate() -> None:
    order = Order(Gates(behind=False), behind=BEHIND)
    assert Run(machine("gw1", GATEWAY), order=order, troubles={"gw1": Trouble(hides=("sw2",))}).exit is Exit.OK


def test_a_gateway_and_what_is_behind_it_are_never_changed_together() -> None:
    hosts = machine("gw1", GATEWAY), machine("sw1", (Part("p", role="switch"),)), machine("sw9", (MAIL,))
    run = Run(*hosts, order=Order(Gates(canaries=False), behind=BEHIND))
    assert run.watched.batches == [("gw1", "sw9"), ("sw1",)]
