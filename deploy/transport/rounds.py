"""Rounds: every operation of a host evaluated at once, its questions to the host answered together.

Each job runs in a greenlet of its own and parks when it asks something. When all are parked, one exec answers
every open question; a question asked twice is answered once. Knows greenlets and strings, not pyinfra or SSH.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

import gevent
from gevent.event import AsyncResult, Event

from deploy.transport.ssh import Answer

T = TypeVar("T")


class Rounds:
    """The questions of one look at one host.

    Args:
        ask_all: answers a list of commands, in order; what it raises, every asker gets.
    """

    def __init__(self, ask_all: Callable[[Sequence[str]], list[Answer]]) -> None:
        self._ask_all = ask_all
        self._answers: dict[str, AsyncResult[Answer]] = {}
        self._open: list[str] = []
        self._running = 0
        self._parked = 0
        self._turn = Event()

    def ask(self, command: str) -> Answer:
        """Return the answer to one command. Called from a job; parks it until the round is answered."""
        if command not in self._answers:
            self._answers[command] = AsyncResult()
            self._open.append(command)
        answer = self._answers[command]
        if not answer.ready():
            self._parked += 1
            self._park()
        found: Answer = answer.get()
        return found

    def run(self, jobs: Sequence[Callable[[], T]]) -> list[T]:
        """Run all jobs to their end; the first one's exception, if any raised, after all have ended."""
        self._running = len(jobs)
        self._turn.clear()
        greenlets = [gevent.spawn(self._job, job) for job in jobs]
        try:
            while not all(g.ready() for g in greenlets):
                self._turn.wait()
                self._turn.clear()
                self._answer_open()
                gevent.sleep(0)
        finally:
            gevent.killall(greenlets)
        results = [g.value for g in greenlets]
        for result in results:
            if isinstance(result, _Raised):
                raise result.error
        return results

    def _job(self, job: Callable[[], T]) -> T | _Raised:
        try:
            return job()
        except Exception as e:  # noqa: BLE001  handed on to the caller of run() as it is
            return _Raised(e)
        finally:
            self._park()

    def _park(self) -> None:
        """Mark this job as waiting or done; when none runs any more, the round asks all open questions in one exec."""
        self._running -= 1
        if self._running == 0:
            self._turn.set()

    def _answer_open(self) -> None:
        commands, self._open = self._open, []
        if not commands:
            return
        try:
            answers = self._ask_all(commands)
        except Exception as e:  # noqa: BLE001  every asker gets it
            for command in commands:
                self._answers[command].set_exception(e)
        else:
            for command, answer in zip(commands, answers, strict=True):
                self._answers[command].set(answer)
        # All that were parked wake now: counted here and not by each as it wakes, or the first to park again
        # would look like the last one running.
        self._running, self._parked = self._parked, 0


class _Raised:
    """A job's exception as a value, so that gevent does not print it."""

    def __init__(self, error: Exception) -> None:
        self.error = error
