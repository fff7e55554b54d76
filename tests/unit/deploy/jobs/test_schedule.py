"""A scan is due once a day: not twice, whatever the clock does, and not never, however the machine ended."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.jobs.schedule import APART, TRIES, Ended, Moment, Tried, day_of, due

AT = time(4, 0)
DAY = date(2026, 11, 29)


def moment(wall: str, *, boot: str = "this", up: float = 100_000.0) -> Moment:
    return Moment(wall=datetime.fromisoformat(wall).replace(tzinfo=UTC), boot=boot, up=up)


def ended(day: date, at: Moment) -> Ended:
    return Ended(day=day, at=at, record="r")


def test_a_scan_is_due_when_its_time_has_come_and_none_was_made() -> None:
    assert due(moment("2026-11-29T03:00"), AT, ()).day == DAY


def test_before_its_time_that_of_the_day_before_is_due() -> None:
    assert due(moment("2026-11-29T02:59"), AT, ()).day == DAY - timedelta(days=1)


def test_what_was_made_is_not_due_again_whatever_elapses_once_more() -> None:
    made = ended(DAY, moment("2026-11-29T04:10", boot="before"))

    assert due(moment("2026-11-29T22:00"), AT, (made,)).day is None


def test_a_machine_that_was_off_makes_one_scan_when_it_is_on_and_not_one_for_each_day() -> None:
    made = ended(date(2026, 11, 20), moment("2026-11-20T04:10", boot="before"))
    on = moment("2026-11-29T09:00", up=600)

    assert due(on, AT, (made,)).day == DAY
    assert due(moment("2026-11-29T10:00", up=4200), AT, (made, ended(DAY, on))).day is None


def test_a_clock_that_jumps_a_day_ahead_makes_no_new_scan_due_at_once_and_one_later() -> None:
    made = ended(DAY, moment("2026-11-29T04:10", up=1000))

    ahead = due(moment("2026-11-30T04:10", up=1060), AT, (made,))
    assert ahead.day is None
    assert "whatever the clock says" in ahead.why
    assert due(moment("2026-11-30T16:10", up=1000 + APART), AT, (made,)).day == DAY + timedelta(days=1)


@pytest.mark.parametrize("boot", ["", "this"])
def test_a_machine_that_does_not_say_when_it_was_started_loses_no_scan(boot: str) -> None:
    """A service may be kept from seeing the kernel's name of a start; a container keeps its machine's."""
    made = ended(DAY, moment("2026-11-29T04:10", boot=boot, up=90_000))

    assert due(moment("2026-11-30T04:10", boot=boot, up=60), AT, (made,)).day == DAY + timedelta(days=1)


def test_a_clock_that_was_years_ahead_keeps_no_scan_from_its_day() -> None:
    wrong = ended(date(2098, 1, 1), moment("2098-01-01T05:00", boot="before"))

    assert due(moment("2026-11-29T05:00"), AT, (wrong,)).day == DAY


def test_a_clock_that_goes_back_makes_nothing_due_that_was_made() -> None:
    made = (
        ended(DAY - timedelta(days=1), moment("2026-11-28T04:10", up=1000)),
        ended(DAY, moment("2026-11-29T04:10", up=87_400)),
    )

    assert due(moment("2026-11-28T23:50", up=87_500), AT, made).day is None


def test_a_scan_that_never_comes_to_its_end_is_begun_so_often_and_the_next_day_again() -> None:
    tried = tuple(Tried(day=DAY, why="its process was killed") for _ in range(TRIES))

    assert due(moment("2026-11-29T05:00"), AT, (), tried[1:]).day == DAY
    assert due(moment("2026-11-29T05:00"), AT, (), tried).day is None
    assert due(moment("2026-11-30T05:00"), AT, (), tried).day == DAY + timedelta(days=1)


@pytest.mark.parametrize("at", [time(0, 0), time(2, 30), time(4, 0), time(23, 59)])
def test_every_day_has_a_scan_also_when_the_clocks_are_changed(at: time) -> None:
    """At half past two one night a year has no such time, and another has it twice."""
    hours = (datetime(2026, 1, 1, tzinfo=UTC) + timedelta(hours=h) for h in range(24 * 365))
    days = list(dict.fromkeys(day_of(wall, at) for wall in hours))

    assert days == [days[0] + timedelta(days=n) for n in range(len(days))]
    assert len(days) in {365, 366}


STEP = st.tuples(st.floats(60, 90_000), st.sampled_from([0, 0, 0, 3600, -3600, 86_400, -86_400, 30 * 86_400]))


@given(st.lists(STEP, max_size=60), st.sets(st.integers(0, 60)))
def test_no_day_is_scanned_twice_and_no_clock_loses_more_than_it_takes(
    steps: list[tuple[float, int]], restarts: set[int]
) -> None:
    """Each step is time that passes, and a jump of the clock; some begin with a restart of the machine."""
    wall, up, boot = datetime(2026, 1, 1, 12, tzinfo=UTC), 0.0, 0
    made: tuple[Ended, ...] = ()
    for number, (passes, jump) in enumerate(steps):
        wall, up = wall + timedelta(seconds=passes + jump), up + passes
        if number in restarts:
            boot, up = boot + 1, 30.0
        at = Moment(wall=wall, boot=str(boot), up=up)
        day = due(at, AT, made).day
        if day is None:
            scanned = {scan.day for scan in made}
            assert day_of(wall, AT) in scanned or (made[-1].at.boot == str(boot) and up - made[-1].at.up < APART)
            continue
        assert day not in {scan.day for scan in made}
        made = (*made, Ended(day=day, at=at, record="r"))
