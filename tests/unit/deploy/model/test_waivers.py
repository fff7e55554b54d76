"""A waiver accepts what was seen, where it says and until it says so; all else is told, and nothing is hidden."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deploy.model.drift import applied_steps, classify, plan_findings
from deploy.model.findings import WAIVABLE, Exit, Finding, Kind, Severity, exit_code
from deploy.model.messages import MessageId, as_written
from deploy.model.plan import HostPlan, Step, Unmanaged
from deploy.model.record import CheckResult
from deploy.model.waived import Waived
from deploy.model.waivers import Waivers, difference, proposed, waiver_findings, waivers_of
from inventory.organisation import Grant, People, Person
from inventory.snapshot import load
from inventory.waivers import Waiver, read
from tests.unit.deploy.model.test_drift import as_applied, failed, file_step, host_plan, plan, step

TODAY = date(2026, 11, 29)
FLEET = load()
HAND, OTHER = file_step("by hand\n"), file_step("by hand, and again\n")
LINE = Unmanaged(role="access_switch", line="interface 1/1/7\n   description printer / room 3")


def waiver(**more: object) -> Waiver:
    what = {"step": HAND.name, "seen": (difference(HAND),)} if not {"unmanaged", "check"} & more.keys() else {}
    base = {"name": "w", "hosts": "tie-dns1", "role": "time", "owner": "anna", "reason": "until it is moved"}
    return Waiver.model_validate(base | {"until": TODAY} | what | more)


def waivers(*of: Waiver, today: date = TODAY) -> Waivers:
    return waivers_of(of, FLEET, today)


def looked_at(known: Waivers, *steps: Step, unmanaged: tuple[Unmanaged, ...] = ()) -> HostPlan:
    marked = tuple(known.on_step("tie-dns1", s) for s in steps)
    return host_plan(*marked, unmanaged=tuple(known.on_unmanaged("tie-dns1", u) for u in unmanaged))


def drift(known: Waivers, host: HostPlan, *checks: CheckResult) -> tuple[Finding, ...]:
    marked = map(known.on_check, checks)
    applied = {host.host: {HAND.id: as_applied("i1", "wanted\n")}}
    return classify(plan(host), marked, applied, controls={}, protecting={"firewall"})


def test_what_was_accepted_is_counted_listed_with_who_why_and_until_when_and_changes_no_exit_code() -> None:
    (found,) = drift(waivers(waiver()), looked_at(waivers(waiver()), HAND))
    assert (found.kind, found.accepted) == (Kind.DRIFT, True)
    assert found.waived == Waived(
        name="w", owner="anna", reason="until it is moved", until="2026-11-29", standing="accepted"
    )
    assert exit_code([found]) is Exit.OK
    assert "remove waiver w" in found.remedy


def test_an_accepted_change_is_not_made_and_not_remembered_as_made() -> None:
    host = looked_at(waivers(waiver()), HAND, file_step("x\n", path="/etc/g"))
    assert [s.name for s in host.changes] == ["file /etc/g"]
    assert [s.name for s in host.held] == [HAND.name]
    assert HAND.id not in applied_steps(host)


def test_another_difference_at_the_same_place_is_told_and_still_left_as_it_is() -> None:
    host = looked_at(waivers(waiver()), OTHER)
    (found,) = drift(waivers(waiver()), host)
    assert not host.changes
    assert exit_code([found]) is Exit.DIFFERENCES
    assert "something else was accepted here" in found.detail
    assert "samdrift waivers propose --limit tie-dns1" in found.remedy


def test_a_moved_intent_is_another_difference() -> None:
    assert difference(file_step("by hand\n", "wanted today\n")) != difference(HAND)


def test_an_expired_waiver_is_a_finding_and_its_difference_is_told_and_made_again() -> None:
    known = waivers(waiver(), today=TODAY + timedelta(days=1))
    host = looked_at(known, HAND)
    (found,) = drift(known, host)
    (about,) = waiver_findings(known, {"tie-dns1": "tierp"})
    assert [s.name for s in host.changes] == [HAND.name]
    assert exit_code([found]) is exit_code([about]) is Exit.DIFFERENCES
    assert "was accepted until 2026-11-29" in found.detail
    assert (about.kind, about.host, about.municipality, about.message.id) == (
        Kind.WAIVER,
        "tie-dns1",
        "tierp",
        MessageId.WAIVER_EXPIRED,
    )


def test_one_that_accepts_outranks_one_that_has_expired() -> None:
    known = waivers(waiver(name="old", until=date(2026, 1, 1)), waiver(name="new"))
    (found,) = drift(known, looked_at(known, HAND))
    assert found.waived
    assert (found.waived.name, found.accepted) == ("new", True)


@pytest.mark.parametrize(
    "elsewhere",
    [{"hosts": "heby"}, {"role": "base"}, {"step": "file /etc/g"}, {"hosts": "tie-dns1 and role=time and heby"}],
)
def test_elsewhere_it_accepts_nothing(elsewhere: dict[str, str]) -> None:
    (found,) = drift(waivers(waiver(**elsewhere)), looked_at(waivers(waiver(**elsewhere)), HAND))
    assert found.waived is None
    assert exit_code([found]) is Exit.DIFFERENCES


def test_a_restart_has_no_waiver_of_its_own() -> None:
    restart = step("restart chrony", handler=True)
    known = waivers(waiver(step="restart chrony", seen=(difference(restart),)))
    assert known.on_step("tie-dns1", restart).waived is None


def test_what_is_accepted_explains_no_failed_check_of_its_role() -> None:
    known = waivers(waiver())
    found = drift(known, looked_at(known, HAND), failed("root may not log in"))
    assert [(f.kind, f.accepted) for f in found] == [(Kind.DRIFT, True), (Kind.FAILED_CHECK, False)]
    assert exit_code(found) is Exit.DIFFERENCES
    assert exit_code(found, after_change=True) is Exit.VERIFY_FAILED


def test_a_failed_check_is_accepted_by_its_name_and_with_a_digest_only_as_it_was_seen() -> None:
    check = failed("synchronised")
    any_failure = waivers(waiver(check="synchronised"))
    as_seen = waivers(waiver(check="synchronised", seen=(difference(check),)))
    other = check.model_copy(update={"detail": "assert 0 == 2"})
    assert not any_failure.on_check(check).fails
    assert not any_failure.on_check(other).fails
    assert not as_seen.on_check(check).fails
    assert as_seen.on_check(other).fails
    assert any_failure.on_check(failed("another")).fails


@pytest.mark.parametrize(
    ("named", "accepts"),
    [
        ("interface 1/1/* / description printer *", True),
        ("interface 1/1/* / description *", True),
        ("interface 1/1/8 / description *", False),
        ("interface 1/1/7", False),
        ("interface 1/1/[*] / description printer / room 3", False),
        ("interface 1/1/. / description printer / room 3", False),
        ("interface 1/1/* / description printer / room 3", True),
        ("interface *", False),
        ("*", False),
    ],
)
def test_a_line_is_accepted_with_those_below_it_or_not_at_all(named: str, accepts: bool) -> None:
    known = waivers(waiver(unmanaged=named, role="access_switch"))
    assert bool(known.on_unmanaged("tie-dns1", LINE).waived) is accepts
    with_more = LINE.model_copy(update={"line": f"{LINE.line}\n   no shutdown"})
    assert known.on_unmanaged("tie-dns1", with_more).waived is None


def test_a_serious_difference_may_be_accepted_and_stays_serious() -> None:
    changed = file_step("by hand\n", role="firewall")
    known = waivers(waiver(role="firewall", seen=(difference(changed),)))
    host = looked_at(known, changed)
    (found,) = classify(
        plan(host), (), {"tie-dns1": {changed.id: as_applied("i1", "wanted\n")}}, controls={}, protecting={"firewall"}
    )
    assert (found.severity, found.accepted) == (Severity.HIGH, True)


@pytest.mark.parametrize("kind", [k for k in Kind if k not in WAIVABLE])
def test_that_something_is_unknown_or_went_wrong_nobody_can_accept(kind: Kind) -> None:
    waived = Waived(name="w", owner="anna", reason="no", until="2099-01-01", standing="accepted")
    found = Finding(kind=kind, host="tie-dns1", message=as_written("x"), waived=waived)
    assert not found.accepted
    assert exit_code([found]) is exit_code([found.model_copy(update={"waived": None})])


def test_a_host_that_was_not_looked_at_is_unknown_whatever_is_accepted_there() -> None:
    known = waivers(waiver())
    found = drift(known, host_plan(error="no answer"))
    assert exit_code(found) is Exit.INCOMPLETE


def test_what_a_waiver_of_an_earlier_day_held_back_moves_the_plan_and_its_mark_alone_does_not() -> None:
    held, told = looked_at(waivers(waiver()), HAND), looked_at(waivers(), HAND)
    expired = looked_at(waivers(waiver(), today=TODAY + timedelta(days=1)), HAND)
    assert held.fingerprint != told.fingerprint
    assert expired.fingerprint == told.fingerprint


def test_a_plan_lists_what_it_leaves_as_it_is() -> None:
    (found,) = plan_findings(plan(looked_at(waivers(waiver()), HAND)), controls={})
    assert (found.kind, found.accepted) == (Kind.PENDING, True)


MUNICIPALITIES = {h.name: h.tenant for h in FLEET.hosts}


def of_waiver(known: Waivers, **more: object) -> list[tuple[Kind, MessageId, str]]:
    return [(f.kind, f.message.id, f.municipality) for f in waiver_findings(known, MUNICIPALITIES, **more)]  # type: ignore[arg-type]


def test_a_waiver_that_ends_within_two_weeks_or_accepts_nothing_is_a_notice() -> None:
    later, soon = waiver(until=TODAY + timedelta(days=15)), waiver(until=TODAY + timedelta(days=14))
    assert of_waiver(waivers(later)) == []
    assert of_waiver(waivers(soon)) == [(Kind.NOTICE, MessageId.WAIVER_ENDS_SOON, "tierp")]
    assert of_waiver(waivers(later), used={"w"}) == []
    assert of_waiver(waivers(later), used=()) == [(Kind.NOTICE, MessageId.WAIVER_UNUSED, "tierp")]


def test_a_waiver_whose_hosts_were_not_all_looked_at_is_not_called_unused() -> None:
    known = waivers(waiver(hosts="tierp or heby", until=TODAY + timedelta(days=99)))
    assert waiver_findings(known, {"tie-dns1": "tierp"}, ()) == ()


def test_of_a_waiver_about_two_municipalities_each_is_told_of_its_own_hosts() -> None:
    known = waivers(waiver(hosts="tie-dns1 or heb-gw1"), today=TODAY + timedelta(days=1))
    found = waiver_findings(known, MUNICIPALITIES)
    assert [(f.municipality, f.host) for f in found] == [("heby", "heb-gw1"), ("tierp", "tie-dns1")]
    assert waiver_findings(known, {"alv-gw1": "alvkarleby"}) == ()


def test_a_waiver_that_ends_later_than_the_house_lets_it_is_a_finding() -> None:
    def of(days: int) -> list[MessageId]:
        known = waivers_of([waiver(until=TODAY + timedelta(days=31))], FLEET, TODAY, days)
        return [f.message.id for f in waiver_findings(known, MUNICIPALITIES)]

    assert (of(0), of(31), of(30)) == ([], [], [MessageId.WAIVER_TOO_LONG])


def test_an_owner_who_may_not_approve_there_or_has_left_is_a_finding_and_the_difference_stays() -> None:
    def person(name: str, of: str, **more: object) -> Person:
        return Person(
            name=name,
            full_name=name,
            home="joint",
            since=date(2019, 1, 1),
            grants=(Grant(function="f", of=(of,), since=date(2019, 1, 1), runs=("approve",)),),
            **more,
        )

    left = person("left", "all", until=date(2026, 1, 1), employment="ended")
    people = People(everybody=(person("anna", "tierp"), person("bo", "heby"), left))
    fleet = FLEET.model_copy(update={"people": people})

    def of(owner: str, hosts: str = "tie-dns1") -> list[tuple[MessageId, str]]:
        known = waivers_of([waiver(owner=owner, hosts=hosts, until=date(2027, 1, 1))], fleet, TODAY)
        (found,) = drift(known, looked_at(known, HAND)) if "tie-dns1" in hosts else [None]
        assert found is None or found.accepted
        return [(f.message.id, f.municipality) for f in waiver_findings(known, MUNICIPALITIES)]

    assert of("anna") == []
    assert of("anna", "tie-dns1 or heb-gw1") == [(MessageId.WAIVER_OF_NO_OWNER, "heby")]
    for owner in ("bo", "left", "nobody"):
        assert of(owner) == [(MessageId.WAIVER_OF_NO_OWNER, "tierp")]


def test_a_host_that_is_gone_makes_a_finding_of_the_waiver_and_stops_nothing() -> None:
    known = waivers(waiver(name="gone", hosts="heb-old9"), waiver())
    assert (Kind.WAIVER, MessageId.WAIVER_OF_NO_HOST, "") in of_waiver(known)
    (found,) = drift(known, looked_at(known, HAND))
    assert found.accepted


def test_what_is_proposed_accepts_just_that_once_a_person_has_completed_it(tmp_path: Path) -> None:
    none = waivers()
    host = looked_at(none, HAND, unmanaged=(Unmanaged(role="time", path="/etc/chrony/*.conf"),))
    found = drift(none, host, failed("works", role="base"))
    text = proposed(found)
    file = tmp_path / "waivers.yaml"
    file.write_text(text)
    with pytest.raises(Exception, match="owner"):
        read(file)
    for line, said in (("owner", "anna"), ("reason", "until it is moved"), ("until", "'2026-12-24'")):
        text = text.replace(f"{line}: ''", f"{line}: {said}")
    file.write_text(text)
    known = waivers(*read(file))
    again = looked_at(known, HAND, unmanaged=host.unmanaged)
    accepted = drift(known, again, failed("works", role="base"))
    assert {f.kind for f in accepted} == {Kind.DRIFT, Kind.UNMANAGED, Kind.FAILED_CHECK}
    assert all(f.accepted for f in accepted)
    assert proposed(accepted) == ""


@settings(max_examples=25, deadline=None)
@given(st.lists(st.sampled_from([HAND, OTHER, step("a"), step("restart", handler=True)]), unique_by=lambda s: s.name))
def test_whatever_is_waived_every_difference_is_either_told_or_listed(steps: list[Step]) -> None:
    known = waivers(waiver())
    with_waivers, without = looked_at(known, *steps), looked_at(waivers(), *steps)
    told = {(f.role, f.step) for f in plan_findings(plan(with_waivers), controls={})}
    assert told >= {(s.role, s.name) for s in without.changes if not s.handler}
