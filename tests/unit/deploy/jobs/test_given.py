"""What becomes of a scan in the queue: no day twice, none lost, whatever clocks do and whoever is killed."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from deploy.jobs.given import CLOCKS_APART, RETRY_AFTER, Given, Held, Silence, again_after, require_one_time, to_queue
from deploy.jobs.job import MADE
from deploy.jobs.schedule import APART, TRIES, Moment, day_of
from deploy.model.kinds import Exit
from inventory.errors import SamdriftError

AT = time(4, 0)
DAY = date(2026, 11, 29)


def moment(wall: str, *, boot: str = "this", up: float = 100_000.0) -> Moment:
    return Moment(wall=datetime.fromisoformat(wall).replace(tzinfo=UTC), boot=boot, up=up)


def scan(status: str, day: date = DAY, *, begun: str = "", tries: int = 1, queued: Moment | None = None) -> Given:
    at = queued or moment(f"{day}T03:00", boot="another's")
    return Given(day, at, status, tries, datetime.fromisoformat(begun).replace(tzinfo=UTC) if begun else None)


def test_what_was_never_queued_is() -> None:
    assert to_queue(moment("2026-11-29T03:00"), AT, ()).day == DAY


@pytest.mark.parametrize(("status", "says"), [("todo", "waits for a worker"), ("doing", "is at work")])
def test_while_a_scan_waits_or_is_at_work_no_other_is_queued_of_whichever_day(status: str, says: str) -> None:
    """One that goes back to the queue would find another there: procrastinate#1446, #1543."""
    for day in (DAY, DAY - timedelta(days=1), DAY - timedelta(days=9)):
        found = to_queue(moment("2026-11-29T09:00"), AT, (scan(status, day),))
        assert found == (None, f"the scan of {day} {says}", False, None)


def test_what_was_made_is_not_queued_again_and_the_next_day_is() -> None:
    made = scan("succeeded", begun="2026-11-29T03:05")

    assert to_queue(moment("2026-11-29T22:00"), AT, (made,)) == (None, f"the scan of {DAY} has been made", False, DAY)
    assert to_queue(moment("2026-11-30T03:00"), AT, (made,)).day == DAY + timedelta(days=1)


def test_a_scan_that_waited_for_a_worker_beyond_the_next_days_time_is_that_days_and_not_one_of_two() -> None:
    waited = scan("succeeded", begun="2026-11-30T08:00")

    assert to_queue(moment("2026-11-30T09:00"), AT, (waited,)).day is None
    assert to_queue(moment("2026-12-01T03:00"), AT, (waited,)).day == DAY + timedelta(days=2)


def test_a_station_whose_clock_is_a_little_ahead_queues_its_day_once() -> None:
    """The worker began it before its time, by the database's clock."""
    made = scan("succeeded", begun="2026-11-29T02:59")

    assert to_queue(moment("2026-11-29T03:30"), AT, (made,)).day is None


@pytest.mark.parametrize("status", ["failed", "aborted", "cancelled"])
def test_a_scan_that_was_given_up_is_not_queued_again_that_day_and_somebody_is_told(status: str) -> None:
    found = to_queue(moment("2026-11-29T09:00"), AT, (scan(status, tries=3),))

    assert found.day is None
    assert found.failed
    assert "was begun 3 times and never came to its end" in found.why
    assert to_queue(moment("2026-11-30T03:00"), AT, (scan(status, tries=3),)).day == DAY + timedelta(days=1)


def test_the_databases_clock_that_jumps_a_day_ahead_makes_no_new_scan_due_at_once() -> None:
    made = scan("succeeded", begun="2026-11-29T03:05", queued=moment("2026-11-29T03:00", up=1000))

    ahead = to_queue(moment("2026-11-30T04:10", up=1060), AT, (made,))
    assert ahead.day is None
    assert "whatever the clock says" in ahead.why
    assert to_queue(moment("2026-11-30T16:10", up=1000 + APART), AT, (made,)).day == DAY + timedelta(days=1)


def test_where_two_clocks_say_different_days_neither_is_believed() -> None:
    here = datetime(2026, 11, 29, 3, tzinfo=UTC)

    require_one_time(here, here + CLOCKS_APART)
    for there in (here + timedelta(days=1), here - timedelta(days=365), here + CLOCKS_APART + timedelta(seconds=1)):
        with pytest.raises(SamdriftError, match="this machine's clock says 2026-11-29 03:00Z"):
            require_one_time(here, there)


STEP = st.tuples(
    st.floats(60, 50_000),
    st.sampled_from([0, 0, 0, 3600, -3600, 86_400, -86_400, 30 * 86_400]),
    st.sampled_from(["nobody", "taken", "made", "made", "killed", "given up"]),
    st.sampled_from(["a", "b"]),
)


@given(st.lists(STEP, max_size=60))
@example([(26_077.0, 0, "nobody", "a"), (27_923.0, 0, "made", "a"), (60.0, -3600, "made", "b")])
def test_no_day_is_made_twice_whatever_clocks_stations_and_workers_do(
    steps: list[tuple[float, int, str, str]],
) -> None:
    """Time passes and the database's clock jumps, two stations ask, and a worker does something with what is open."""
    wall, up = datetime(2026, 1, 1, 12, tzinfo=UTC), 0.0
    rows: list[Given] = []
    for passes, jump, what, station in steps:
        wall, up = wall + timedelta(seconds=passes + jump), up + passes
        at = Moment(wall=wall, boot=station, up=up)
        found = to_queue(at, AT, rows)
        if found.day is not None:
            assert all(row.status not in {"todo", "doing"} for row in rows)
            assert found.day not in {row.counts_for(AT) for row in rows if row.status == "succeeded"}
            rows.append(Given(found.day, at, "todo", 0, None))
        else:
            today = day_of(wall, AT)
            assert any(
                row.status in {"todo", "doing"} or today in {row.day, row.counts_for(AT)} or up - row.queued.up < APART
                for row in rows
            ), "a day is lost"
        if rows and rows[-1].status in {"todo", "doing"}:
            rows[-1] = _after(rows[-1], what, wall)
    made = [row.day for row in rows if row.status == "succeeded"]
    assert len(made) == len(set(made))


def _after(row: Given, what: str, wall: datetime) -> Given:
    begun = wall if row.status == "todo" else row.begun
    changed = {
        "nobody": row,
        "taken": row._replace(status="doing", begun=begun),
        "made": row._replace(status="succeeded", begun=begun),
        "killed": row._replace(status="todo", begun=begun, tries=row.tries + 1),
        "given up": row._replace(status="failed", begun=begun, tries=TRIES),
    }
    return changed[what]


def test_what_can_pass_is_tried_again_after_a_while_and_longer_and_then_given_up() -> None:
    for code in (Exit.ERROR, Exit.LOCKED, Exit.INTERRUPTED, -9, -15):
        assert [again_after(code, tries) for tries in range(4)] == [*RETRY_AFTER, None, None]
    assert tuple(sorted(RETRY_AFTER)) == RETRY_AFTER
    assert len(RETRY_AFTER) == TRIES - 1


@pytest.mark.parametrize("code", [Exit.USAGE, Exit.STALE, Exit.ROLLED_BACK, Exit.VERIFY_FAILED, 126, 127])
def test_what_cannot_pass_by_itself_is_not_tried_again(code: int) -> None:
    assert again_after(code, 0) is None


def test_a_scan_that_could_not_look_at_some_host_is_made_and_not_repeated() -> None:
    """What it could not look at is unknown, and stands in its record: a second record for the day says no more."""
    assert Exit.INCOMPLETE in MADE
    assert all(again_after(code, 0) is None for code in MADE)


def beat(second: int, worker: int | None = 1, tries: int = 0) -> Held:
    at = datetime(2026, 11, 29, 3, tzinfo=UTC) + timedelta(seconds=second)
    return Held(job=7, tries=tries, worker=worker, beat=at if worker is not None else None)


def test_a_worker_that_beats_is_never_silent_and_one_that_does_not_is_after_its_time() -> None:
    silence = Silence(after=120)

    assert [silence.broken([beat(up)], up) for up in range(0, 1000, 10)] == [()] * 100
    assert silence.broken([beat(990)], 1000) == ()
    assert silence.broken([beat(990)], 1109) == ()
    assert silence.broken([beat(990)], 1110) == (beat(990),)


@pytest.mark.parametrize("jump", [-86_400, 86_400, 10**8])
def test_a_clock_that_jumps_makes_no_worker_silent(jump: int) -> None:
    silence = Silence(after=120)

    assert silence.broken([beat(0)], 0) == ()
    assert silence.broken([beat(jump)], 10) == ()
    assert silence.broken([beat(jump)], 129) == ()


def test_a_scan_whose_worker_was_forgotten_is_nobodys_after_its_time_and_another_try_begins_anew() -> None:
    silence = Silence(after=120)

    assert silence.broken([beat(0, worker=None)], 0) == ()
    assert silence.broken([beat(0, worker=None)], 120) == (beat(0, worker=None),)
    assert silence.broken([beat(0, worker=None, tries=1)], 121) == ()
    assert silence.broken([], 122) == ()
    assert silence.broken([beat(0, worker=None, tries=1)], 300) == ()
