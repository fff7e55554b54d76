"""Decide whether a daily scan is due: none twice, none lost, whatever the clock does and however the machine ended.

systemd asks often: when the time of day has come, after each start of the machine, and an hour after it asked last.
What it remembers of that is not relied on: a timer that elapsed says nothing of a scan that a power cut ended; after
the clock was set, or a unit read again, it may elapse twice. Each day has one scan, by the date in Sweden on which it
was to begin. Pure: the time is given (`now` alone asks for it), and what was done is read by others (`journal`).
"""

from __future__ import annotations

import time as clocks
from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple

from deploy.runs.caller import boot
from inventory.frozen import Frozen
from inventory.organisation import TIME_ZONE

APART = 12 * 3600.0
"""Seconds that really pass at least between two scans. A clock that jumps a day ahead makes no new one due."""

TRIES = 3
"""How often a day's scan is begun at most, where none comes to its end."""


class Moment(Frozen):
    """A moment as the clock shows it, which may be set, and as the kernel counts it from the start of the machine."""

    wall: datetime
    boot: str
    up: float


class Ended(Frozen):
    """A scan that came to its end: of which day, when, and which record it left."""

    day: date
    at: Moment
    record: str


class Tried(Frozen):
    """A scan that did not come to its end: of which day, and why."""

    day: date
    why: str


class Due(NamedTuple):
    """Whether a scan is due: of which day; None, and the reason, if none is."""

    day: date | None
    why: str = ""


def now() -> Moment:
    """Return this moment."""
    return Moment(wall=datetime.now(UTC), boot=boot(), up=clocks.clock_gettime(clocks.CLOCK_BOOTTIME))


def day_of(wall: datetime, at: time) -> date:
    """Return the day whose scan is the latest that was to begin by now."""
    today = wall.astimezone(TIME_ZONE).date()
    return today if datetime.combine(today, at, TIME_ZONE) <= wall else today - timedelta(days=1)


def due(moment: Moment, at: time, ended: tuple[Ended, ...], tried: tuple[Tried, ...] = ()) -> Due:
    """Decide which day's scan is due.

    Args:
        at: when it is to begin, by the clock in Sweden.
        ended: the scans that came to their end, in that order.
        tried: those that did not.
    """
    day = day_of(moment.wall, at)
    if any(scan.day == day for scan in ended):
        return Due(None, f"the scan of {day} has been made")
    if ended and (passed := _passed(ended[-1].at, moment)) is not None and passed < APART:
        return Due(None, f"the latest scan was {passed / 3600:.1f} hours ago, whatever the clock says")
    if sum(t.day == day for t in tried) >= TRIES:
        return Due(None, f"the scan of {day} was begun {TRIES} times and never came to its end")
    return Due(day)


def _passed(then: Moment, moment: Moment) -> float | None:
    """Return how many seconds have really passed; None where the machine was, or may have been, started anew since."""
    same = then.boot == moment.boot != "" and moment.up >= then.up
    return moment.up - then.up if same else None
