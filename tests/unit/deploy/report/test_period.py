"""Of each host the newest look counts, and the newest checks that hold; what happened in a period has its times."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from deploy.model.approval import Approved
from deploy.model.findings import Finding, Kind
from deploy.model.messages import MessageId
from deploy.model.record import Record
from deploy.model.waived import Waived
from deploy.report.document import HostState, Report, Result, State
from deploy.report.page import html
from deploy.report.past import past_of, read_past
from deploy.store.ports import StoreError
from tests.unit.deploy.report.reports import report_of
from tests.unit.deploy.report.test_report import DRIFT, FLEET, STEPS, TODAY, check, record, result
from tests.unit.deploy.store.in_memory import in_memory

AT = "2026-11-30T00:00:00.000Z"
GW1 = "alv-gw1"


def run(day: int, command: str, outcome: str, *, on: str = GW1, checks: tuple[str, ...] = (), **more: Any) -> Record:
    """A run on one day of November, with the outcomes of checks."""
    return record(
        id=f"{day:02}-{command}",
        command=command,
        started=f"2026-11-{day:02}T06:00:00.000Z",
        finished=f"2026-11-{day:02}T06:05:00.000Z",
        hosts=(result(on, outcome, **more.pop("of_host", {})),),
        checks=tuple(check(f"check {n}", on, "firewall", o) for n, o in enumerate(checks)),
        **more,
    )


def stood(*runs: Record, name: str = GW1, at: str = AT) -> HostState:
    made = report_of(FLEET, FLEET.hosts, runs, at, today=TODAY, whole=True)
    return next(h for h in made.hosts if h.name == name)


def test_a_newer_look_of_other_hosts_takes_nothing_from_one_that_an_older_run_looked_at() -> None:
    whole, one = run(10, "drift", "in sync"), run(11, "drift", "in sync", on="tie-gw1")
    assert (stood(whole, one).state, stood(whole, one).look) == (State.IN_SYNC, whole.id)
    assert stood(whole, one, name="tie-gw1").look == one.id


def test_checks_hold_until_a_host_is_changed_and_a_newer_look_does_not_take_them_away() -> None:
    checked, planned = run(10, "drift", "in sync", checks=("passed",)), run(11, "plan", "in sync")
    assert (stood(checked, planned).look, stood(checked, planned).checks_of) == (planned.id, checked.id)
    changed = run(12, "apply", "changed", of_host={"steps": STEPS})
    after = stood(checked, planned, changed)
    assert (after.checks_of, after.checked_at) == ("", "")
    assert "inga kontroller har körts sedan den senast ändrades" in html(
        report_of(FLEET, FLEET.hosts, [checked, planned, changed], AT, today=TODAY, whole=True)
    )


def test_a_check_that_failed_after_the_look_fails_the_host() -> None:
    failed = Finding(
        kind=Kind.FAILED_CHECK, host=GW1, role="firewall", step="check 0", message=MessageId.STEP_GONE(step="x")
    )
    looked, verified = (
        run(10, "drift", "in sync"),
        run(11, "verify", "differs", checks=("failed",), findings=(failed,)),
    )
    assert stood(looked, verified).state is State.FAILED
    assert stood(verified, run(12, "drift", "in sync", checks=("passed",))).state is State.IN_SYNC


def test_a_host_that_no_longer_answers_is_unknown_whichever_command_asked() -> None:
    looked, verified = run(10, "drift", "in sync", checks=("passed",)), run(11, "verify", "unknown")
    assert stood(looked, verified).state is State.UNKNOWN
    assert stood(looked, verified).last_looked_at == looked.started


def test_a_host_that_was_changed_after_the_look_says_so() -> None:
    looked = run(10, "drift", "in sync")
    partly = run(11, "apply", "changed", only_roles=("time",), of_host={"changed": (next(iter(STEPS)),)})
    state = stood(looked, partly)
    assert (state.look, state.changed_since) == (looked.id, True)


def test_who_changed_a_host_when_why_and_who_approved_is_told() -> None:
    approved = Approved(by="bjorn", full_name="Björn", municipalities=("alvkarleby",), at=AT, comment="")
    other = Approved(by="eva", full_name="Eva", municipalities=("tierp",), at=AT, comment="")
    changed = run(
        11,
        "apply",
        "changed",
        reason="ärende 17",
        approvals=(approved, other),
        plan_digest="d" * 64,
        of_host={"changed": tuple(STEPS), "steps": STEPS},
    )
    state = stood(changed, run(12, "drift", "in sync"))
    assert state.changed is not None
    assert (state.changed.who, state.changed.at, state.changed.reason) == ("anna.lind", changed.started, "ärende 17")
    assert (state.changed.approved_by, state.changed.steps) == (("Björn",), 2)


def of_november(*runs: Record) -> Report:
    return report_of(FLEET, FLEET.hosts, runs, AT, since="2026-11-01T00:00:00.000Z", today=TODAY, whole=True)


def test_what_was_found_and_mended_has_how_long_it_lasted() -> None:
    drift = DRIFT.model_copy(update={"first_seen": "2026-11-10T06:00:00.000Z"})
    runs = (
        run(5, "drift", "in sync"),
        run(10, "drift", "differs", findings=(drift,)),
        run(11, "drift", "unknown"),
        run(12, "drift", "differs", findings=(drift,)),
        run(13, "drift", "in sync"),
    )
    period = of_november(*runs).period
    assert period is not None
    (trouble,) = period.troubles
    assert (trouble.found, trouble.gone, trouble.seconds) == (runs[1].started, runs[4].started, 3 * 86400)
    assert "(3 dygn)" in html(of_november(*runs))
    still = of_november(*runs[:4]).period
    assert still is not None
    assert [(t.gone, t.seconds) for t in still.troubles] == [("", None)]


def test_a_look_without_checks_mends_no_failed_check() -> None:
    failed = Finding(
        kind=Kind.FAILED_CHECK, host=GW1, role="firewall", step="check 0", message=MessageId.STEP_GONE(step="x")
    )
    found = run(10, "drift", "differs", checks=("failed",), findings=(failed,))
    planned = of_november(found, run(11, "plan", "in sync")).period
    checked = of_november(found, run(11, "drift", "in sync", checks=("passed",))).period
    assert planned is not None
    assert checked is not None
    assert [t.gone for t in planned.troubles] == [""]
    assert [t.gone for t in checked.troubles] == ["2026-11-11T06:00:00.000Z"]


def test_a_period_names_the_hosts_that_no_run_looked_at_in_it() -> None:
    period = of_november(run(10, "drift", "in sync"), run(11, "drift", "unknown", on="tie-gw1")).period
    assert period is not None
    assert GW1 not in period.unseen
    assert {"tie-gw1", "ost-gw1"} <= {*period.unseen}


@st.composite
def runs_of_two(draw: st.DrawFn) -> tuple[Record, ...]:
    """Runs of any kind on two hosts, a day each."""
    made = []
    for day in range(1, draw(st.integers(1, 25))):
        on = draw(st.sampled_from([GW1, "tie-gw1"]))
        outcome = draw(st.sampled_from(["in sync", "changed", "differs", "unknown", "skipped"]))
        steps = {"steps": STEPS, "changed": tuple(STEPS)} if outcome == "changed" else {}
        command = draw(st.sampled_from(["drift", "apply", "plan", "verify"]))
        more = {"only_roles": draw(st.sampled_from([(), (), ("time",)])), "of_host": steps}
        checks: tuple[str, ...] = draw(st.sampled_from([(), ("passed",), ("failed",)]))
        made.append(run(day, command, outcome, on=on, checks=checks, **more))
    return tuple(made)


@given(runs_of_two())
@settings(max_examples=25)
def test_a_store_tells_of_the_past_what_all_its_records_do(runs: tuple[Record, ...]) -> None:
    """Of most records it reads the outline alone."""
    history, hosts = in_memory().history, [GW1, "tie-gw1", "ost-gw1"]
    for one in runs:
        history.save(one)
    since = "2026-11-01T00:00:00.000Z"
    faults: list[StoreError] = []
    read = read_past(history, hosts, "inventory/snapshot", AT, faults, since=since)
    assert (read, faults) == (past_of(runs, hosts, since), [])
    without = read_past(history, hosts, "inventory/snapshot", AT, faults)
    assert without.stood == read.stood


def test_a_verify_is_no_look_so_that_an_older_one_still_tells_how_a_host_stood() -> None:
    looked, verified = run(10, "drift", "differs", findings=(DRIFT,)), run(11, "verify", "in sync", checks=("passed",))
    assert stood(looked, verified).state is State.DIFFERS
    assert not past_of([verified], [GW1]).stood[GW1].is_seen


def test_no_older_run_is_wanted_once_every_host_is_known() -> None:
    stood = past_of([run(12, "apply", "changed", checks=("passed",), of_host={"steps": STEPS})], [GW1]).stood[GW1]
    assert stood.is_seen
    assert stood.steps
    assert stood.changed


# --- controls on each host ----------------------------------------------------------------------------------------


def of_control(*runs: Record, control: str = "ISO 27002:2022 8.20") -> tuple[Result, str, str, str]:
    made = report_of(FLEET, [FLEET.host(GW1)], runs, AT, today=TODAY)
    (one,) = next(c for c in made.controls if c.id == control).results
    return one.result, one.why, one.until, one.by


def test_a_control_is_passed_failed_not_applicable_not_checked_unknown_or_waived_on_each_host() -> None:
    assert of_control(run(10, "drift", "in sync", checks=("passed", "not applicable")))[0] is Result.PASSED
    assert of_control(run(10, "drift", "in sync", checks=("passed", "failed")))[:2] == (Result.FAILED, "check 1")
    assert of_control(run(10, "drift", "in sync"))[0] is Result.NOT_CHECKED
    assert of_control()[0] is Result.NOT_CHECKED
    assert of_control(run(10, "drift", "unknown"))[0] is Result.UNKNOWN
    one = run(10, "drift", "in sync")
    lacking = check("check 0", GW1, "firewall", "not applicable", "a container")
    assert of_control(one.model_copy(update={"checks": (lacking,)}))[:2] == (Result.NOT_APPLICABLE, "a container")
    waived = Waived(name="w", owner="eva", reason="flytten", until="2026-12-31", standing="accepted")
    accepted = check("check 0", GW1, "firewall", "failed").model_copy(update={"waived": waived})
    assert of_control(one.model_copy(update={"checks": (accepted,)})) == (
        Result.WAIVED,
        "flytten",
        "2026-12-31",
        "eva",
    )
    differs = run(10, "drift", "differs", checks=("passed",), findings=(DRIFT,))
    assert of_control(differs)[:2] == (Result.FAILED, DRIFT.step)


def test_a_check_that_fails_fails_the_controls_that_it_answers_and_no_others() -> None:
    failed, passed = (
        "nobody speaks in the name of an address that is reached another way",
        "there is one ruleset and it is ours",
    )
    looked = run(10, "drift", "differs").model_copy(
        update={"checks": (check(failed, GW1, "firewall", "failed"), check(passed, GW1, "firewall"))}
    )
    assert of_control(looked, control="CIS v8 4.4")[:2] == (Result.FAILED, failed)
    assert of_control(looked, control="ISO 27002:2022 8.9")[0] is Result.PASSED
    assert of_control(looked, control="CIS v8 8.4")[0] is Result.NOT_CHECKED


def test_a_check_of_which_nothing_says_what_it_proves_answers_all_that_its_role_does() -> None:
    assert TODAY.answered_by("firewall", "a name from another year") == {*TODAY.role("firewall").controls}
    assert TODAY.answered_by("netbox", "the newest dump can be read [x]") == {
        "ISO 27002:2022 8.13",
        "CIS v8 11.2",
        "NIS2 21.2 c",
    }


def test_every_host_that_answers_a_control_has_one_result_and_every_check_is_counted_once() -> None:
    """What did not apply is neither left out of the count nor in the denominator."""
    made = report_of(
        FLEET, FLEET.hosts, [run(10, "drift", "in sync", checks=("passed", "not applicable"))], AT, today=TODAY
    )
    for control in made.controls:
        hosts = [r.host for r in control.results]
        assert len(hosts) == len(set(hosts))
        for count in ("passed", "failed", "not_applicable"):
            assert sum(getattr(r, count) for r in control.results) == getattr(control, count)
    (network,) = (c for c in made.controls if c.id == "ISO 27002:2022 8.20")
    assert (network.passed, network.failed, network.not_applicable) == (1, 0, 1)


def test_a_step_that_differs_fails_the_same_in_every_standard_whatever_its_checks_say() -> None:
    passed = check("there is one ruleset and it is ours", GW1, "firewall")
    changed = run(10, "drift", "differs", findings=(DRIFT,)).model_copy(update={"checks": (passed,)})
    for control in ("ISO 27002:2022 8.20", "CIS v8 4.4", "NIS2 21.2 e"):
        assert of_control(changed, control=control)[:2] == (Result.FAILED, DRIFT.step)
    accepted = DRIFT.model_copy(
        update={"waived": Waived(name="w", owner="eva", reason="r", until="2026-12-31", standing="accepted")}
    )
    left = changed.model_copy(update={"findings": (accepted,)})
    assert of_control(left, control="CIS v8 4.4") == (Result.WAIVED, "r", "2026-12-31", "eva")
