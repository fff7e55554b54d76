"""Decide what becomes of a scan that the queue gave a worker: which is due, which is tried again, which is nobody's.

A scan in the queue is about a day, as one that the station makes itself (`schedule`), and the queue is the journal of
both kinds of ends. Pure: what stands in the queue is read by others (`queue`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime, time, timedelta
from typing import NamedTuple

from deploy.jobs.schedule import TRIES, Ended, Moment, day_of, due
from deploy.model.kinds import Exit
from deploy.model.text import several
from inventory.errors import SamdriftError

RETRY_AFTER = (timedelta(minutes=10), timedelta(hours=1))
"""How long after each try the next one is made."""

CAN_PASS = frozenset({Exit.ERROR, Exit.LOCKED, Exit.INTERRUPTED})
"""The exit codes of what may be well an hour later: NetBox, the database or a disk; another run; an end by a signal."""

CLOCKS_APART = timedelta(hours=1)
"""How far the clocks of a station and of the database may be apart. Beyond, one of them is wrong, and nobody knows
which."""

OPEN = {"todo": "waits for a worker", "doing": "is at work"}
SUCCEEDED, STOPPED = "succeeded", ("failed", "cancelled", "aborted")


class Given(NamedTuple):
    """A scan in the queue.

    Attributes:
        day: whose scan it is.
        queued: when, as the station that did it knows.
        status: as procrastinate calls it.
        tries: how often it was begun and did not come to its end.
        begun: when a worker began it last, by the database's clock.
    """

    day: date
    queued: Moment
    status: str
    tries: int
    begun: datetime | None

    def counts_for(self, at: time) -> date:
        """Return the day that it is the scan of: one that waited beyond the next day's time is that day's, too."""
        return self.day if self.begun is None else max(self.day, day_of(self.begun, at))

    def days(self, at: time) -> frozenset[date]:
        """Return the days of which no other scan is to be made, whichever of them the clock comes back to."""
        return frozenset({self.day, self.counts_for(at)})


class Queueing(NamedTuple):
    """Whether a scan is to be queued, of which day; if not, why, and whether somebody should look.

    `made` is the day of the newest scan that a worker has made.
    """

    day: date | None
    why: str = ""
    failed: bool = False
    made: date | None = None


def to_queue(moment: Moment, at: time, given: Sequence[Given]) -> Queueing:
    """Decide which day's scan is to be queued: none as long as another waits or is at work, so that a scan which goes
    back to the queue finds no other there.

    Args:
        moment: the time by the database's clock, and as this station counts it.
        at: when a scan is to begin, by the clock in Sweden.
        given: the municipality's scans in the queue, oldest first.
    """
    made = next((scan.day for scan in reversed(given) if scan.status == SUCCEEDED), None)
    for scan in given:
        if scan.status in OPEN:
            return Queueing(None, f"the scan of {scan.day} {OPEN[scan.status]}", made=made)
    today = day_of(moment.wall, at)
    for scan in given:
        if scan.status in STOPPED and scan.day == today:
            why = f"the scan of {today} was begun {several(scan.tries, 'time')} and never came to its end"
            return Queueing(None, f"{why}; the journal of its worker says more", failed=True, made=made)
    ended = tuple(
        Ended(day=day, at=scan.queued, record="") for scan in given if scan.status == SUCCEEDED for day in scan.days(at)
    )
    day, why = due(moment, at, ended)
    return Queueing(day, why, made=made)


def require_one_time(here: datetime, there: datetime) -> None:
    """Refuse to decide by clocks of which one is wrong.

    Raises:
        SamdriftError: they are further apart than CLOCKS_APART.
    """
    apart = abs(here - there)
    if apart > CLOCKS_APART:
        what = f"this machine's clock says {here:%Y-%m-%d %H:%M}Z, and the database's {there:%Y-%m-%d %H:%M}Z"
        raise SamdriftError(what, fix="set the one that is wrong; the scan that is due is queued then")


def again_after(code: int, tries: int) -> timedelta | None:
    """Return after how long a scan that ended so is tried again; None if it is not.

    Args:
        code: its exit code; a negative one is a signal's.
        tries: how often it was begun before.
    """
    if tries + 1 >= TRIES or not (code in CAN_PASS or code < 0):
        return None
    return RETRY_AFTER[tries]


class Held(NamedTuple):
    """A scan that is at work: of which job, in which try, by which worker, and its latest beat."""

    job: int
    tries: int
    worker: int | None
    beat: datetime | None


class Silence:
    """Since when no worker was heard of each scan that is at work, as this machine counts.

    A beat is a value that changes. What it says of the time is not asked: a clock that jumps makes nobody silent.
    """

    def __init__(self, after: float) -> None:
        self._after = after
        self._since: dict[Held, float] = {}

    def broken(self, held: Iterable[Held], up: float) -> tuple[Held, ...]:
        """Return the scans whose worker was not heard for so long.

        Args:
            held: all that are at work now.
            up: seconds as this machine counts them.
        """
        self._since = {scan: self._since.get(scan, up) for scan in held}
        return tuple(scan for scan, since in self._since.items() if up - since >= self._after)
