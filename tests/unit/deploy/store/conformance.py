"""What holds of the six stores, whatever keeps them: a class of tests, to be inherited once for each implementation.

class TestMine(Conformance):
    @pytest.fixture(scope="class")
    @classmethod
    def new_place(cls, …) -> Callable[[], Place]: …
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Protocol

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from deploy.model.backup import Backup
from deploy.model.chain import Broken, Event, breaks
from deploy.model.findings import Finding, Kind
from deploy.model.messages import as_written
from deploy.model.outline import Outline
from deploy.model.record import AppliedStep, BegunStep, CheckResult, HostResult, Record, summary_of
from deploy.model.step_id import StepId
from deploy.store.place import record_id
from deploy.store.ports import Damaged, History, Holder, StoreError, Stores, readable

STEP = StepId("time", "s")
STEPS = {
    StepId("time", "file /etc/chrony/chrony.conf"): AppliedStep(intent="i1", after="d1"),
    STEP: AppliedStep(intent="i2", declared="hostname å\nusername x secret ‹secret:x›\n"),
}
OTHER_STEPS = {STEP: AppliedStep(intent="i3")}
ANNA = Holder(who="anna@tie-adm1", since="2026-11-23T20:00:00.000Z", command="samdrift apply")
BO = Holder(who="bo@tie-adm2", since="2026-11-23T20:01:00.000Z", command="samdrift drift")

HOSTILE_NAMES = ("../../etc/cron.d/x", "/etc/passwd", "..", ".", "a/b", "Älvkarleby", "a\nb", "'; drop table applied")

INHERITED = settings(max_examples=15, suppress_health_check=[HealthCheck.differing_executors, HealthCheck.too_slow])
"""A property that each implementation's class inherits, and that may wait for a disk."""


class Place(Protocol):
    """Where one implementation keeps its stores."""

    def open(self) -> Stores:
        """Open the stores, as another run would: what was kept before is there."""

    def damage(self, record_id: str) -> None:
        """Leave something unreadable where this record is."""

    def damage_applied(self, host: str) -> None:
        """Leave something unreadable where what was last applied to this host is."""


def drift_at(host: str, step: str = "s", kind: Kind = Kind.DRIFT) -> Finding:
    message = as_written("Älvkarleby")
    return Finding(kind=kind, host=host, municipality="älvkarleby", role="time", step=step, message=message)


def record(started: str = "2026-11-23T20:00:00.000Z", command: str = "drift", **more: object) -> Record:
    data: dict[str, object] = {
        "id": record_id(started, command),
        "command": command,
        "who": "anna",
        "started": started,
        "finished": started,
        "fleet_digest": "f",
        "fleet_source": "s",
        "code_digest": "c",
        "exit_code": 0,
    }
    return Record.model_validate(data | more)


def converged(host: str, steps: Mapping[StepId, AppliedStep] = STEPS) -> HostResult:
    return HostResult(host=host, municipality="tierp", outcome="in sync", steps=dict(steps))


def apply_of(*hosts: HostResult, second: int = 0) -> Record:
    return record(f"2026-11-23T20:00:{second:02}.000Z", "apply", hosts=hosts)


def begun_steps(*hosts: str) -> tuple[BegunStep, ...]:
    """Steps that a run began, on these hosts in turn."""
    at = "2026-11-23T20:00:00.000Z"
    return tuple(BegunStep(at=at, host=host, step=StepId("time", f"s{n}")) for n, host in enumerate(hosts))


def backup(digest: str, second: int = 0, what: str = "running configuration") -> Backup:
    """A backup of heb-sw1."""
    taken = f"2026-11-29T07:00:{second:02}.000Z"
    return Backup(host="heb-sw1", municipality="heby", what=what, taken=taken, digest=digest, sealed="age: Älvkarleby")


def dates(findings: Iterable[Finding]) -> list[str]:
    return [f.first_seen for f in findings]


def records_of(history: History) -> tuple[Record, ...]:
    """Every record, newest first; none of them is damaged."""
    faults: list[StoreError] = []
    found = tuple(readable(history, history.runs(), faults))
    assert not faults
    return found


HOSTS = ["h1", "h2", "h3"]
RUNS = st.lists(
    st.tuples(
        st.lists(
            st.builds(
                drift_at, st.sampled_from(HOSTS), st.sampled_from("ab"), st.sampled_from([Kind.DRIFT, Kind.UNKNOWN])
            ),
            unique_by=lambda f: f.fingerprint,
            max_size=5,
        ),
        st.sets(st.sampled_from(HOSTS)),
    ),
    max_size=5,
)
"""Runs, each with what it found and the hosts that it looked at."""

APPLIES = st.lists(
    st.tuples(st.dictionaries(st.sampled_from(HOSTS), st.sampled_from("abc"), min_size=1), st.sampled_from([0, 1, 2])),
    max_size=6,
)
"""Applies, each with the intent that its hosts were given, and how far its run came: 0 not to its record, 1 to its
record and no further, 2 to the end."""


class Conformance:
    """The tests. `new_place` is what an implementation gives."""

    @pytest.fixture(scope="class")
    @classmethod
    def new_place(cls) -> Callable[[], Place]:
        """Return what makes an empty place."""
        raise NotImplementedError

    @pytest.fixture
    def place(self, new_place: Callable[[], Place]) -> Place:
        return new_place()

    @pytest.fixture
    def stores(self, place: Place) -> Stores:
        return place.open()

    # --- history --------------------------------------------------------------------------------------------------

    def test_a_record_is_read_as_it_was_saved_also_by_a_later_run(self, place: Place, stores: Stores) -> None:
        check = CheckResult(host="h", municipality="m", role="r", name="n", outcome="not applicable", detail="why")
        kept = record(hosts=(converged("tie-dns1"),), findings=(drift_at("alv-gw1"),), checks=(check,))
        stores.history.save(kept)
        assert stores.history.record(kept.id) == kept
        outline = place.open().history.outline(kept.id)
        assert outline == Outline.model_validate(kept.model_dump())
        assert [(h.host, h.outcome, h.steps) for h in outline.hosts] == [
            (h.host, h.outcome, bool(h.steps)) for h in kept.hosts
        ]
        assert records_of(place.open().history) == (kept,)

    def test_what_a_host_answered_is_kept_whatever_it_is(self, place: Place, stores: Stores) -> None:
        """PostgreSQL has no text with a NUL in it."""
        check = CheckResult(
            host="h", municipality="m", role="r", name="n", outcome="failed", detail="\x00\x1b[2J\u2028"
        )
        kept = record(checks=(check,))
        stores.history.save(kept)
        assert records_of(place.open().history) == (kept,)

    def test_without_a_run_there_is_no_history(self, stores: Stores) -> None:
        assert records_of(stores.history) == ()
        assert stores.history.about(["tie-dns1"]) == ()
        assert stores.history.latest("apply") is None

    def test_records_come_newest_first_whatever_order_they_were_saved_in(self, stores: Stores) -> None:
        kept = [record(f"2026-11-23T20:00:0{n}.000Z", "drift" if n % 2 else "apply") for n in range(4)]
        for one in (kept[2], kept[0], kept[3], kept[1]):
            stores.history.save(one)
        assert records_of(stores.history) == tuple(reversed(kept))
        assert list(stores.history.runs()) == [summary_of(r) for r in reversed(kept)]
        assert [run.id for run in stores.history.runs(("drift",))] == [kept[3].id, kept[1].id]
        assert [run.id for run in stores.history.runs(("verify", "apply"))] == [kept[2].id, kept[0].id]
        assert list(stores.history.runs(("verify",))) == []

    def test_a_list_says_of_a_run_what_its_record_does(self, stores: Stores) -> None:
        changed = HostResult(host="tie-dns1", municipality="tierp", outcome="changed")
        one = record(
            command="apply",
            hosts=(changed, converged("tie-dns2")),
            findings=(drift_at("tie-dns2"),),
            only_roles=("time",),
            limit="tierp",
            exit_code=2,
        )
        stores.history.save(one)
        (run,) = stores.history.runs()
        assert run == summary_of(one)
        assert (run.hosts, run.changed, run.findings, run.exit_code) == (2, 1, 1, 2)
        assert (run.of_some_roles, run.limit, run.fleet_source) == (True, "tierp", "s")

    def test_an_emergency_stands_out_until_it_is_signed_off_for_all(self, place: Place, stores: Stores) -> None:
        first = record("2026-11-23T20:00:00.000Z", "apply", emergency=True, reason="Älvkarleby")
        second = record("2026-11-23T21:00:00.000Z", "apply", emergency=True)
        for one in (first, record("2026-11-23T20:30:00.000Z", "apply"), second):
            stores.history.save(one)
        assert stores.history.emergencies() == (summary_of(second), summary_of(first))
        some = record("2026-11-24T08:00:00.000Z", "sign-off", signs_off=first.id)
        rest = record("2026-11-24T09:00:00.000Z", "sign-off", signs_off=first.id, closes=True)
        stores.history.save(some)
        assert len(stores.history.emergencies()) == 2
        stores.history.save(rest)
        again = place.open().history
        assert again.emergencies() == (summary_of(second),)
        assert again.sign_offs(first.id) == (summary_of(rest), summary_of(some))
        assert again.sign_offs(second.id) == ()

    def test_a_list_is_read_further_than_one_page(self, stores: Stores) -> None:
        kept = [record(f"2026-11-23T20:{n // 60:02}:{n % 60:02}.000Z") for n in range(101)]
        for one in kept:
            stores.history.save(one)
        assert [run.id for run in stores.history.runs()] == [r.id for r in reversed(kept)]

    def test_the_records_that_tell_of_a_host_are_where_it_was_looked_at_and_given_something_last(
        self, stores: Stores
    ) -> None:
        unknown = HostResult(host="h1", municipality="tierp", outcome="unknown")
        differs = HostResult(host="h1", municipality="tierp", outcome="differs")
        looked, given, gone, other = (
            record("2026-11-23T20:00:04.000Z", hosts=(differs,)),
            apply_of(converged("h1"), second=2),
            record("2026-11-23T20:00:06.000Z", hosts=(unknown,)),
            record("2026-11-23T20:00:07.000Z", hosts=(converged("h2", {}),)),
        )
        early = apply_of(converged("h1"), converged("h2"), second=1)
        for one in (looked, early, given, gone, other):  # whatever order they are kept in
            stores.history.save(one)
        assert [run.id for run in stores.history.about(["h1", "nobody"])] == [looked.id, given.id]
        assert [run.id for run in stores.history.about(["h1", "h2"])] == [other.id, looked.id, given.id, early.id]

    def test_the_latest_record_of_a_command_is_of_this_command_alone(self, stores: Stores) -> None:
        named = ["drift", "report", "report-verify", "apply"]
        kept = {c: record(f"2026-11-23T20:00:0{n}.000Z", c) for n, c in enumerate(named)}
        for one in kept.values():
            stores.history.save(one)
        assert {c: stores.history.latest(c) for c in named} == kept
        assert stores.history.latest("verify") is None
        newer = record("2026-11-23T20:00:09.000Z", "drift")
        stores.history.save(newer)
        assert stores.history.latest("drift") == newer

    def test_a_record_is_never_overwritten(self, stores: Stores) -> None:
        kept = record()
        stores.history.save(kept)
        with pytest.raises(StoreError, match="a record of this id already"):
            stores.history.save(kept.model_copy(update={"who": "somebody else"}))
        assert stores.history.record(kept.id).who == "anna"

    def test_an_unknown_record_is_an_error(self, stores: Stores) -> None:
        with pytest.raises(StoreError, match="there is no record 'x'"):
            stores.history.record("x")
        with pytest.raises(StoreError, match="there is no record 'x'"):
            stores.history.outline("x")
        with pytest.raises(StoreError, match="there is no record 'x'"):
            stores.history.fault("x")

    def test_a_damaged_record_is_named_and_the_others_are_still_read(self, place: Place, stores: Stores) -> None:
        whole, damaged = record("2026-11-23T20:00:01.000Z"), record("2026-11-23T20:00:02.000Z", "apply")
        for one in (whole, damaged):
            stores.history.save(one)
        place.damage(damaged.id)
        assert [run.id for run in stores.history.runs()] == [damaged.id, whole.id]
        assert stores.history.fault(damaged.id)
        assert stores.history.fault(whole.id) == ""
        faults: list[StoreError] = []
        assert list(readable(stores.history, stores.history.runs(), faults)) == [whole]
        assert len(faults) == 1
        with pytest.raises(StoreError, match=re.escape(damaged.id)):
            stores.history.record(damaged.id)
        with pytest.raises(StoreError, match=re.escape(damaged.id)):
            stores.history.outline(damaged.id)
        with pytest.raises(StoreError, match=re.escape(damaged.id)):
            stores.history.latest("apply")
        assert stores.history.record(whole.id) == stores.history.latest("drift") == whole

    # --- a run that has not ended, and the chain ------------------------------------------------------------------

    def test_a_run_is_recorded_before_it_changes_anything_and_grows_step_by_step(
        self, place: Place, stores: Stores
    ) -> None:
        begun, steps = record(command="apply", ended=False, reason="CHG 17"), begun_steps("h1", "h2", "h1")
        stores.history.save(begun)
        assert [(run.id, run.reason, run.ended) for run in stores.history.not_ended()] == [(begun.id, "CHG 17", False)]
        stores.history.proceed(begun.id, steps[:2])
        assert place.open().history.progress(begun.id) == steps[:2]
        stores.history.proceed(begun.id, steps[2:])
        ended = begun.model_copy(update={"ended": True, "hosts": (converged("h1"),)})
        place.open().history.end(ended)
        assert stores.history.not_ended() == ()
        assert records_of(stores.history) == (ended,)
        assert list(stores.history.runs()) == [summary_of(ended)]
        assert stores.history.progress(begun.id) == steps
        assert [run.id for run in stores.history.about(["h1"])] == [ended.id]

    def test_only_a_run_that_has_not_ended_can_end(self, stores: Stores) -> None:
        whole = record()
        with pytest.raises(StoreError, match="no such run that has not ended"):
            stores.history.end(whole)
        stores.history.save(whole)
        with pytest.raises(StoreError, match="no such run that has not ended"):
            stores.history.end(whole.model_copy(update={"who": "somebody else"}))
        assert records_of(stores.history) == (whole,)

    def test_everything_recorded_is_a_link_of_one_chain(self, place: Place, stores: Stores) -> None:
        assert (stores.history.chain(), list(stores.history.links())) == ("", [])
        begun, drift = record(command="apply", ended=False), record("2026-11-23T20:00:01.000Z")
        stores.history.save(begun)
        stores.history.proceed(begun.id, begun_steps("h1"))
        stores.history.save(drift)
        stores.history.end(begun.model_copy(update={"ended": True}))
        history = place.open().history
        links = list(history.links())
        assert [(link.number, link.entry.event, link.entry.record) for link in links] == [
            (1, Event.BEGUN, begun.id),
            (2, Event.STEP, begun.id),
            (3, Event.KEPT, drift.id),
            (4, Event.ENDED, begun.id),
        ]
        assert breaks(history.chain(), links, history.kept()) == ()

    def test_a_record_that_is_damaged_is_no_longer_what_the_chain_says(self, place: Place, stores: Stores) -> None:
        whole, damaged = record("2026-11-23T20:00:01.000Z"), record("2026-11-23T20:00:02.000Z")
        for one in (whole, damaged):
            stores.history.save(one)
        place.damage(damaged.id)
        (found,) = breaks(stores.history.chain(), stores.history.links(), stores.history.kept())
        assert (found.record, found.what) == (damaged.id, Broken.CHANGED)

    # --- what was applied -----------------------------------------------------------------------------------------

    def test_what_was_applied_is_known_host_by_host(self, place: Place, stores: Stores) -> None:
        differs = HostResult(host="tie-dns2", municipality="tierp", outcome="differs")
        stores.applied.remember(apply_of(converged("tie-dns1"), differs))
        assert place.open().applied.last_applied("tie-dns1") == STEPS
        assert stores.applied.last_applied("tie-dns2") == {}

    def test_a_host_that_did_not_converge_keeps_what_it_was_given_before(self, stores: Stores) -> None:
        stores.applied.remember(apply_of(converged("tie-dns1"), second=1))
        failed = HostResult(host="tie-dns1", municipality="tierp", outcome="failed")
        stores.applied.remember(apply_of(failed, second=2))
        assert stores.applied.last_applied("tie-dns1") == STEPS

    def test_steps_that_a_host_no_longer_has_are_forgotten(self, stores: Stores) -> None:
        stores.applied.remember(apply_of(converged("tie-dns1"), second=1))
        stores.applied.remember(apply_of(converged("tie-dns1", OTHER_STEPS), second=2))
        assert stores.applied.last_applied("tie-dns1") == OTHER_STEPS

    def test_a_host_that_was_made_anew_has_nothing_of_what_it_was_given(self, place: Place, stores: Stores) -> None:
        stores.applied.remember(apply_of(converged("tie-dns1"), converged("tie-dns2")))
        for _ in range(2):
            stores.applied.forget("tie-dns1")
            assert place.open().applied.last_applied("tie-dns1") == {}
        assert stores.applied.last_applied("tie-dns2") == STEPS

    def test_what_was_applied_and_is_damaged_costs_its_own_host_until_that_is_applied_again(
        self, place: Place, stores: Stores
    ) -> None:
        stores.applied.remember(apply_of(converged("tie-dns1"), converged("tie-dns2")))
        place.damage_applied("tie-dns1")
        with pytest.raises(Damaged, match="tie-dns1"):
            stores.applied.last_applied("tie-dns1")
        assert stores.applied.last_applied("tie-dns2") == STEPS
        stores.applied.remember(apply_of(converged("tie-dns1", OTHER_STEPS), second=1))
        assert stores.applied.last_applied("tie-dns1") == OTHER_STEPS

    @pytest.mark.parametrize("name", HOSTILE_NAMES)
    def test_a_host_may_be_called_anything(self, stores: Stores, name: str) -> None:
        stores.applied.remember(apply_of(converged(name), converged("tie-dns1", OTHER_STEPS)))
        assert stores.applied.last_applied(name) == STEPS
        assert stores.applied.last_applied("tie-dns1") == OTHER_STEPS

    def test_the_highest_record_that_was_remembered_is_known(self, place: Place, stores: Stores) -> None:
        assert stores.applied.remembered() == ""
        earlier, later = apply_of(converged("tie-dns1"), second=1), apply_of(converged("tie-dns1"), second=2)
        stores.applied.remember(later)
        assert place.open().applied.remembered() == later.id
        stores.applied.remember(earlier)
        assert stores.applied.remembered() == later.id

    # --- backups --------------------------------------------------------------------------------------------------

    def test_a_backup_is_kept_and_read_by_a_later_run_newest_first(self, place: Place, stores: Stores) -> None:
        assert stores.backups.of("heb-sw1") == ()
        first, second = backup("a", second=1), backup("b", second=2)
        assert stores.backups.keep(first)
        assert stores.backups.keep(second)
        assert place.open().backups.of("heb-sw1") == (second, first)
        assert place.open().backups.newest("heb-sw1", first.what) == "b"
        assert stores.backups.newest("heb-sw1", "FRR") == stores.backups.newest("heb-sw2", first.what) == ""
        assert stores.backups.of("heb-sw2") == ()

    def test_only_another_configuration_than_the_newest_is_kept(self, stores: Stores) -> None:
        kept = [backup("a", second=1), backup("b", second=3), backup("a", second=5)]
        seen = [kept[0], backup("a", second=2), kept[1], backup("b", second=4), kept[2]]
        assert [stores.backups.keep(one) for one in seen] == [True, False, True, False, True]
        assert stores.backups.of("heb-sw1") == tuple(reversed(kept))

    def test_each_kind_has_versions_of_its_own(self, stores: Stores) -> None:
        frr, nft = backup("a", second=1, what="FRR"), backup("a", second=2, what="nftables")
        assert [stores.backups.keep(one) for one in (frr, nft, frr)] == [True, True, False]
        assert stores.backups.of("heb-sw1") == (nft, frr)

    @pytest.mark.parametrize("name", HOSTILE_NAMES)
    def test_a_host_with_backups_may_be_called_anything(self, stores: Stores, name: str) -> None:
        one = backup("a").model_copy(update={"host": name})
        assert stores.backups.keep(one)
        assert stores.backups.of(name) == (one,)
        assert stores.backups.of("heb-sw1") == ()

    # --- since when findings are known ----------------------------------------------------------------------------

    def test_a_finding_keeps_its_date_until_it_is_gone(self, place: Place) -> None:
        def date(*findings: Finding, at: str, looked_at: Iterable[str] = ("tie-dns1", "alv-gw1")) -> list[str]:
            return dates(place.open().known.date(findings, at=at, looked_at=looked_at))

        here, there = drift_at("tie-dns1"), drift_at("alv-gw1")
        assert date(here, at="monday") == ["monday"]
        assert date(here, there, at="tuesday") == ["monday", "tuesday"]
        assert date(at="wednesday", looked_at=["tie-dns1"]) == []
        assert date(here, there, at="thursday") == ["thursday", "tuesday"]

    def test_a_host_that_is_cut_off_for_a_while_loses_no_date(self, stores: Stores) -> None:
        drift, unknown = drift_at("tie-dns1"), drift_at("tie-dns1", "", Kind.UNKNOWN)
        stores.known.date([drift], at="monday", looked_at=["tie-dns1"])
        stores.known.date([unknown], at="tuesday", looked_at=["tie-dns1"])
        assert dates(stores.known.date([drift], at="wednesday", looked_at=["tie-dns1"])) == ["monday"]
        assert dates(stores.known.date([unknown], at="thursday", looked_at=["tie-dns1"])) == ["thursday"]

    @INHERITED
    @given(runs=RUNS)
    def test_dating_again_changes_nothing(
        self, new_place: Callable[[], Place], runs: list[tuple[list[Finding], set[str]]]
    ) -> None:
        known = new_place().open().known
        for number, (findings, looked_at) in enumerate(runs):
            dated = known.date(findings, at=f"{number}", looked_at=looked_at)
            assert all(f.first_seen <= f"{number}" for f in dated)
            assert [f.fingerprint for f in dated] == [f.fingerprint for f in findings]
            assert known.date(dated, at="later", looked_at=looked_at) == dated

    # --- the journal ----------------------------------------------------------------------------------------------

    def test_the_hosts_that_a_plan_began_to_change_are_known_to_that_plan_alone(
        self, place: Place, stores: Stores
    ) -> None:
        for host in ("tie-gw1", "tie-dns1", "tie-gw1"):
            stores.journal.begin("plan1", host)
        assert place.open().journal.begun("plan1") == ("tie-gw1", "tie-dns1")
        assert stores.journal.begun("plan2") == ()

    def test_a_plan_that_broke_off_holds_up_no_other_plan(self, stores: Stores) -> None:
        stores.journal.begin("plan1", "tie-gw1")
        stores.journal.begin("plan2", "alv-gw1")
        assert (stores.journal.begun("plan1"), stores.journal.begun("plan2")) == (("tie-gw1",), ("alv-gw1",))

    def test_a_plan_cannot_be_resumed_on_a_host_that_another_one_changed_since(self, stores: Stores) -> None:
        stores.journal.begin("plan1", "tie-gw1")
        stores.journal.begin("plan1", "alv-gw1")
        stores.journal.begin("plan2", "tie-gw1")
        assert (stores.journal.begun("plan1"), stores.journal.begun("plan2")) == (("alv-gw1",), ("tie-gw1",))

    # --- the locks of devices --------------------------------------------------------------------------------------

    def test_a_lock_says_who_holds_it_since_when_and_for_what(self, place: Place, stores: Stores) -> None:
        with stores.locks.hold(ANNA, ["tie-sw1"]) as of_anna, place.open().locks.hold(BO, ["tie-sw1"]) as of_bo:
            assert (of_anna, of_bo) == ({}, {"tie-sw1": ANNA})
        with place.open().locks.hold(BO, ["tie-sw1"]) as refused:
            assert refused == {}

    def test_another_run_s_devices_hold_up_no_others(self, place: Place, stores: Stores) -> None:
        with (
            stores.locks.hold(ANNA, ["tie-sw1", "alv-sw1"]),
            place.open().locks.hold(BO, ["alv-sw1", "heb-sw1"]) as of_bo,
            stores.locks.hold(ANNA, ["heb-sw1"]) as of_anna,
        ):
            assert (of_bo, of_anna) == ({"alv-sw1": ANNA}, {"heb-sw1": BO})

    def test_a_lock_is_released_after_an_error(self, place: Place, stores: Stores) -> None:
        with pytest.raises(ValueError, match="broke"), stores.locks.hold(ANNA, ["tie-sw1"]):
            raise ValueError("broke")
        with place.open().locks.hold(BO, ["tie-sw1"]), stores.locks.hold(ANNA, ["tie-sw1"]) as refused:
            assert refused == {"tie-sw1": BO}

    def test_who_did_not_get_a_lock_does_not_take_it_from_who_has(self, place: Place, stores: Stores) -> None:
        with stores.locks.hold(ANNA, ["tie-sw1"]):
            for _ in "12":
                with place.open().locks.hold(BO, ["tie-sw1"]) as refused:
                    assert refused == {"tie-sw1": ANNA}

    @pytest.mark.parametrize("name", HOSTILE_NAMES)
    def test_any_name_has_a_lock_of_its_own(self, place: Place, stores: Stores, name: str) -> None:
        with stores.locks.hold(ANNA, [name, "tie-sw1"]), place.open().locks.hold(BO, [name]) as refused:
            assert refused == {name: ANNA}

    def test_records_can_be_read_and_written_while_another_run_holds_a_lock(self, place: Place, stores: Stores) -> None:
        with stores.locks.hold(ANNA, ["tie-sw1"]):
            kept = record()
            place.open().keep(kept)
            assert records_of(place.open().history) == (kept,)

    # --- a record, and what was applied ---------------------------------------------------------------------------

    def test_a_record_is_kept_with_what_it_applied(self, stores: Stores) -> None:
        kept = apply_of(converged("tie-dns1"))
        stores.keep(kept)
        assert stores.history.record(kept.id) == kept
        assert stores.applied.last_applied("tie-dns1") == STEPS
        assert stores.applied.remembered() == kept.id

    def test_a_run_that_only_looked_leaves_what_was_applied_as_it_is(self, stores: Stores) -> None:
        stores.keep(apply_of(converged("tie-dns1"), second=1))
        looked = HostResult(host="tie-dns1", municipality="tierp", outcome="differs")
        before = stores.applied.remembered()
        for number, command in enumerate(("plan", "verify", "drift", "check"), start=2):
            stores.keep(record(f"2026-11-23T20:00:0{number}.000Z", command, hosts=(looked,)))
        assert stores.applied.last_applied("tie-dns1") == STEPS
        assert stores.applied.remembered() == before

    def test_a_record_that_cannot_be_saved_leaves_what_was_applied_as_it_is(self, stores: Stores) -> None:
        kept = apply_of(converged("tie-dns1"))
        stores.keep(kept)
        with pytest.raises(StoreError):
            stores.keep(kept.model_copy(update={"hosts": (converged("tie-dns1", OTHER_STEPS),)}))
        assert stores.applied.last_applied("tie-dns1") == STEPS

    def test_a_clock_that_was_set_back_does_not_bring_back_what_was_applied_before(self, stores: Stores) -> None:
        stores.keep(apply_of(converged("tie-dns1"), second=30))
        stores.keep(apply_of(converged("tie-dns1", OTHER_STEPS), second=10))
        stores.settle()
        assert stores.applied.last_applied("tie-dns1") == OTHER_STEPS

    @INHERITED
    @given(applies=APPLIES)
    def test_what_was_applied_is_what_the_latest_record_says_wherever_runs_ended(
        self, new_place: Callable[[], Place], applies: list[tuple[dict[str, str], int]]
    ) -> None:
        place, recorded = new_place(), dict[str, str]()
        for number, (given_, came_to) in enumerate(applies):
            stores = place.open()
            stores.settle()
            made = apply_of(
                *(converged(host, {STEP: AppliedStep(intent=intent)}) for host, intent in given_.items()),
                second=number,
            )
            if came_to:
                (stores.keep if came_to == 2 else stores.history.save)(made)
                recorded |= given_
        stores = place.open()
        stores.settle()
        known = {host: stores.applied.last_applied(host) for host in HOSTS}
        assert {h: steps[STEP].intent for h, steps in known.items() if steps} == recorded
