"""Read from the store what a report is made of: no more than tells how hosts stood at a moment, or what happened since.

Not here: which of it tells what (`report.looks`, `report.period`), and the report (`report.content`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from deploy.model.emergency import Emergency, left_open
from deploy.model.record import Record
from deploy.report.looks import Standing, Stood, of_the_moment
from deploy.report.period import Slice, slice_of
from deploy.store.ports import History, StoreError

LATEST_RUNS = 15
"""So many earlier runs stand in a report; the store has all."""

LOOKED_BACK = timedelta(days=400)
"""A look that is older than this says nothing of how a host stands."""


@dataclass(frozen=True)
class Past:
    """What is known of a fleet's past at a moment.

    Attributes:
        stood: what tells how each host stood.
        latest: the latest runs, newest first.
        slices: of the runs since the beginning of a period; none where no period is asked for.
        since: the beginning of the period; else empty.
        records: the ids of all that was read.
    """

    stood: dict[str, Stood]
    latest: tuple[Record, ...] = ()
    slices: tuple[Slice, ...] = ()
    since: str = ""
    records: frozenset[str] = frozenset()


def past_of(records: Iterable[Record], hosts: Collection[str], since: str = "") -> Past:
    """Return what these records say of the past of these hosts."""
    newest_first = sorted(records, key=lambda r: r.started, reverse=True)
    standing = Standing(hosts)
    for record in newest_first:
        standing.add(record)
    slices = [slice_of(r) for r in newest_first if since and r.started >= since]
    read = frozenset(r.id for r in newest_first)
    return Past(standing.of, tuple(newest_first[:LATEST_RUNS]), tuple(slices), since, read)


def read_past(
    history: History, hosts: Collection[str], source: str, at: str, faults: list[StoreError], *, since: str = ""
) -> Past:
    """Read the past of these hosts from a store; what is wrong with an unreadable record is added to `faults`.

    Args:
        source: the inventory that runs must be about; a lab's is called otherwise.
        at: the moment; no run that began later says anything.
        since: the beginning of a period; empty where none is asked for.
    """
    horizon = (datetime.fromisoformat(at) - LOOKED_BACK).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    standing, latest, slices, read = Standing(hosts), list[Record](), list[Slice](), set[str]()
    for run in of_the_moment(history.runs(), source, at, min(horizon, since) if since else horizon):
        in_period, is_late = bool(since) and run.started >= since, len(latest) < LATEST_RUNS
        if not (standing.wants(run) or in_period or is_late):
            continue
        try:
            outline = history.outline(run.id)
            if outline.ended and outline.finished > at:
                continue  # what it saw, it may have seen later
            if is_late or standing.gains(outline):
                record = history.record(run.id)
                standing.add(record)
                latest += [record] * is_late
        except StoreError as e:
            faults.append(e)
            continue
        read.add(run.id)
        if in_period:
            slices.append(slice_of(outline))
    return Past(standing.of, tuple(latest), tuple(slices), since, frozenset(read))


def emergencies_at(history: History, source: str, at: str, faults: list[StoreError]) -> list[Emergency]:
    """Read the emergencies that at a moment nobody had signed off for all whom they concern."""
    found = []
    for run in of_the_moment(history.runs(), source, at):
        if not (run.emergency and run.ended):
            continue
        try:
            record = history.record(run.id)
            signed = [history.record(one.id) for one in reversed(history.sign_offs(run.id)) if one.started <= at]
        except StoreError as e:
            faults.append(e)
            continue
        emergency = Emergency(record, tuple(signed), left_open(record, signed))
        if not emergency.closed:
            found.append(emergency)
    return found
