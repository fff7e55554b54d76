"""The heart of a run: starts the timers of guarded hosts anew, from a thread and by connections of its own.

State checks and whatever else keeps the run's own thread busy must not look to a host as if the run were gone. A run
that is killed or stopped stops its heart, too; and one whose own thread does nothing for `LONGEST` is taken for gone.

Not here: what is told to a host (`guard_script`), and when it is confirmed or restored (`guards`).
"""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass, field

import gevent
from gevent.threadpool import ThreadPool

from deploy.engine import guard_script
from deploy.transport.ssh import Access, Connection
from inventory.errors import SamdriftError
from inventory.fleet import Host

log = logging.getLogger("samdrift")

LONGEST = 900.0
"""Seconds that the run's own thread may be busy with one thing."""

AGAIN = 5.0
"""Seconds after which it is tried again to reach a host that could not be."""

TICK = 0.1
"""Seconds after which the heart notices that a host is to be kept alive, or no more."""


@dataclass
class Beat:
    """One host that is kept alive.

    Attributes:
        run: whose guard it is, as the host knows it.
        until: when the host will restore itself, as far as is known (`time.monotonic`).
        connected: whether the heart has tried to connect to it.
    """

    host: Host
    access: Access
    run: str
    until: float = field(init=False)
    connected: bool = False
    let_go: bool = False

    def __post_init__(self) -> None:
        self.until = time.monotonic() + self.access.guard_seconds


class Heart:
    """Keeps guarded hosts alive from a thread of its own, which starts with the first of them."""

    def __init__(self) -> None:
        self._new: list[Beat] = []
        self._thread: ThreadPool | None = None
        self._alive: gevent.Greenlet[..., None] | None = None
        self._last_sign = time.monotonic()
        self._stopped = False

    def keep_alive(self, host: Host, access: Access, run: str) -> Beat:
        """Connect to a host, and start its timer anew from now on. Returns once it was tried to connect.

        Before the host's timer runs this does no harm, so that the connection is there before anything is changed.
        """
        beat = Beat(host, access, run)
        self._new.append(beat)
        if self._thread is None:
            self._alive = gevent.spawn(self._sign)
            self._thread = ThreadPool(1)
            self._thread.spawn(self._run)
        deadline = time.monotonic() + access.connect_timeout
        while not beat.connected and time.monotonic() < deadline:
            gevent.sleep(TICK / 4)
        return beat

    def stop(self) -> None:
        """Let every host go, and end the thread."""
        self._stopped = True
        if self._alive is not None:
            self._alive.kill()
        if self._thread is not None:
            self._thread.join()
            self._thread.kill()

    def _sign(self) -> None:
        """Note, again and again, that the run's own thread is not stuck."""
        while True:
            self._last_sign = time.monotonic()
            gevent.sleep(1)

    def _run(self) -> None:
        """Serve the hosts, each in a greenlet, until the run lets them all go. Runs in the heart's thread."""
        beating: list[tuple[Beat, gevent.Greenlet[..., None]]] = []
        while not self._stopped and time.monotonic() - self._last_sign < LONGEST:
            while self._new:
                beat = self._new.pop()
                beating.append((beat, gevent.spawn(_beat, beat)))
            gevent.killall([greenlet for beat, greenlet in beating if beat.let_go], block=False)
            beating = [(beat, greenlet) for beat, greenlet in beating if not beat.let_go]
            gevent.sleep(TICK)
        gevent.killall([greenlet for _, greenlet in beating], timeout=1)


def _beat(beat: Beat) -> None:
    """Start the timer of one host anew, again and again, by a connection that is opened anew where it is lost."""
    connection, seconds = Connection(beat.host, beat.access), beat.access.guard_seconds
    again = guard_script.keep_alive(beat.run)
    is_open = False
    try:
        while True:
            began = time.monotonic()
            try:
                if not is_open:
                    connection.open()
                    is_open = True
                beat.connected = True
                if connection.run("sh -s", stdin=again.encode(), timeout=seconds / 2).rc == 0:
                    beat.until = began + seconds
                gevent.sleep(seconds / 4)
            except SamdriftError as e:
                log.debug("host %s: not kept alive: %s", beat.host.name, e.what)
                connection.close()
                is_open, beat.connected = False, True
                gevent.sleep(min(AGAIN, seconds / 4))
    finally:
        connection.close()
