"""The record of one run while it grows: kept before the first change, then step by step, then ended.

A run whose process is gone, and whose record says nothing of its end, is ended here by a later one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import takewhile
from typing import TypeVar

import gevent
from gevent.lock import BoundedSemaphore

from deploy.model import clock
from deploy.model.evidence import Note
from deploy.model.findings import Exit, Finding, Kind, severity
from deploy.model.messages import MessageId, samdrift
from deploy.model.record import BegunStep, HostResult, Record, Summary
from deploy.model.step_id import StepId
from deploy.model.twins import Rehearsed
from deploy.runs.caller import is_over
from deploy.runs.stopping import undisturbed
from deploy.store.ports import History, StoreError, Stores

T = TypeVar("T")

TRIES, PAUSE = 6, 5.0
"""So often, so many seconds apart, a store that is lost at a run's end is asked again: a database that is started anew
is back by then."""


@dataclass
class Recording:
    """What is recorded of one run.

    Attributes:
        reason: why it is run, in the caller's words.
        begun: its record, while it is kept as that of a run that has not ended.
        kept: whether its whole record was kept.
        rehearsed: how its plan went on twins, if it was rehearsed.
    """

    reason: str = ""
    begun: Record | None = None
    kept: bool = False
    rehearsed: Rehearsed | None = None
    wait: Callable[[float], None] = gevent.sleep
    _waiting: list[BegunStep] = field(default_factory=list)
    _turn: BoundedSemaphore = field(default_factory=BoundedSemaphore)

    def begin(self, history: History, record: Record) -> None:
        """Keep the record of a run that is about to change hosts.

        Raises:
            StoreError: it cannot be kept, so that no host may be changed.
        """
        with undisturbed():
            history.save(record)
            self.begun = record

    def step(self, history: History, host: str, step: StepId) -> None:
        """Keep that a step is about to be carried out; what other hosts begin meanwhile is written with it.

        A store that is lost holds no host up half-way: what it could not be told, it is told with the next step.
        """
        if self.begun is None:
            return
        record_id = self.begun.id
        mine = BegunStep(at=clock.now(), host=host, step=step)
        self._waiting.append(mine)
        gevent.sleep(0)  # let others that are as far add theirs
        with self._turn:
            if any(waiting is mine for waiting in self._waiting):
                self._write(history, record_id)

    def _write(self, history: History, record_id: str) -> None:
        now, self._waiting = self._waiting, []
        try:
            history.proceed(record_id, now)
        except StoreError:
            self._waiting = [*now, *self._waiting]

    def end(self, stores: Stores, record: Record) -> None:
        """Keep the whole record, and what its hosts were given.

        Raises:
            StoreError: it could not all be kept.
        """
        with undisturbed():
            self.patiently(stores, lambda: self._keep(stores, record))
        self.kept, self.begun = True, None

    def _keep(self, stores: Stores, record: Record) -> None:
        if self.begun is None:
            stores.keep(record)
            return
        if self._waiting:
            self._write(stores.history, self.begun.id)
        as_late = takewhile(lambda run: run.id >= record.id, stores.history.runs((record.command,)))
        there = next((run for run in as_late if run.id == record.id), None)
        if there is not None and there.ended:  # it was kept, and the answer was lost
            stores.applied.remember(record)
        else:  # where a server lost what it had confirmed, the whole is kept as new
            stores.keep(record, begun=there is not None)

    def patiently(self, stores: Stores, act: Callable[[], T]) -> T:
        """Ask a store; of a run that was begun, again and again while a server is away.

        Raises:
            StoreError: it does not come back, or is no server.
        """
        for _ in range(TRIES - 1 if self.begun is not None and stores.shared else 0):
            with suppress(StoreError):
                return act()
            self.wait(PAUSE)
        return act()


def end_lost_runs(history: History) -> None:
    """End the records of runs whose process is gone from this machine: it was killed, or the machine went down.

    One that is damaged, or that another run ends just now, is left to whoever lists or verifies the history.

    Raises:
        StoreError: the store cannot be used.
    """
    for run in history.not_ended():
        with suppress(StoreError):
            if is_lost(history, run):
                end_lost(history, history.record(run.id))


def end_lost(history: History, record: Record) -> Record:
    """End the record of a run that never will.

    Raises:
        StoreError: it has ended, or the store cannot be used.
    """
    ended = ended_without_word(record, history.progress(record.id))
    history.end(ended)
    return ended


def is_lost(history: History, run: Summary) -> bool | None:
    """Tell whether a run that has not ended never will; None if only another machine knows."""
    process = None if run.ended else history.record(run.id).process
    return is_over(process) if process is not None else False


def ended_without_word(record: Record, begun: Iterable[BegunStep]) -> Record:
    """Return what is known of a run that was killed: which steps it began, on which hosts."""
    by_host: dict[str, list[BegunStep]] = {}
    for one in begun:
        by_host.setdefault(one.host, []).append(one)
    last = max((steps[-1].at for steps in by_host.values()), default=record.started)
    hosts = tuple(_left(host, by_host) for host in record.hosts)
    half = ", ".join(by_host)
    message = MessageId.ENDED_WITHOUT_WORD(command=record.command, last=last)
    left = MessageId.HALF_CHANGED(hosts=half) if half else MessageId.NONE_HALF_CHANGED()
    finding = Finding(
        kind=Kind.FAILED_STEP,
        message=message,
        evidence=(Note(message=left),),
        advice=MessageId.SEE_WHAT_IS_LEFT(plan=samdrift("plan")),
        severity=severity(Kind.FAILED_STEP, message.id),
        first_seen=record.started,
    )
    ended = {"ended": True, "process": None, "finished": last, "hosts": hosts, "exit_code": Exit.ERROR}
    return record.model_copy(update=ended | {"findings": (*record.findings, finding)})


def _left(host: HostResult, by_host: Mapping[str, list[BegunStep]]) -> HostResult:
    steps = by_host.get(host.host, [])
    if not steps:
        return host.model_copy(update={"outcome": "skipped", "detail": "the run ended before it was begun"})
    done = tuple(dict.fromkeys(one.step for one in steps[:-1]))
    return host.model_copy(update={"changed": done, "detail": f"the run ended in or after {steps[-1].step}"})
