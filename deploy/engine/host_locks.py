"""The locks of the hosts that a run changes: taken before its first look, renewed while it lives, and given back.

A host with a shell keeps its own lock (`lock_script`), so that it has one writer whoever that is and wherever they run.
A device keeps none: what stands in for it is a lock in the store, which whoever shares the store respects, and its own
exclusive configuration session, where its vendor has one. Whoever only looks takes no lock and waits for none.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field

import gevent
from gevent.pool import Pool

from deploy.engine import lock_script
from deploy.engine.lock_script import Refused
from deploy.model import clock
from deploy.model.record import Process
from deploy.store.ports import Holder, Locks, StoreError
from deploy.transport.device_session import DeviceSession
from deploy.transport.ssh import AT_ONCE, Answer, Connection, HostLost

log = logging.getLogger("samdrift")

RENEWED_EVERY = lock_script.EXPIRES_AFTER / 4
"""Seconds. A run that cannot reach a host for as long as a lock lasts has lost it, and finds that out."""

GIVEN_BACK_WITHIN = 5.0
"""Seconds that a run waits at its end for a host to take its lock back; if it does not, the lock expires."""


class NoStore:
    """Locks of a session that has no store: nobody else can hold them."""

    @contextmanager
    def hold(self, _holder: Holder, _names: Collection[str]) -> Iterator[Mapping[str, Holder | None]]:
        """Hold nothing."""
        yield {}


def _nobody() -> Holder:
    return Holder(who="?", since=clock.now(), command="", run=secrets.token_hex(8))


@dataclass(frozen=True)
class Writer:
    """A run that changes hosts: who that is, where devices' locks are, and which runs it takes hosts over from.

    Attributes:
        holder: says who the run is; called when it takes its first lock.
        takes_over: ids of runs that somebody says are gone.
        is_over: tells whether a process has ended; None if only another machine knows.
    """

    holder: Callable[[], Holder] = _nobody
    devices: Locks = field(default_factory=NoStore)
    takes_over: Sequence[str] = ()
    is_over: Callable[[Process], bool | None] = lambda _: None


class HostLocks:
    """The locks of one run.

    Args:
        of: the run.
        connections: the open connections of its hosts, as they are at any time.
    """

    def __init__(self, of: Writer, connections: Mapping[str, Connection | DeviceSession]) -> None:
        self._of, self._connections = of, connections
        self._holder: Holder | None = None
        self._hearts: dict[str, gevent.Greenlet] = {}
        self._devices: list[tuple[frozenset[str], ExitStack]] = []
        self.lost: list[StoreError] = []

    @property
    def run(self) -> str:
        """Return the id of the run whose locks these are; empty before it takes any."""
        return self._holder.run if self._holder else ""

    def __contains__(self, name: str) -> bool:
        """Tell whether this run took the lock of a host."""
        return name in self._hearts or any(name in names for names, _ in self._devices)

    def take(self, names: Iterable[str]) -> dict[str, Refused]:
        """Take the locks of hosts; returns those that others have, and those that did not answer."""
        new = {name: self._connections[name] for name in names if name in self._connections and name not in self}
        with_shell = {name: c for name, c in new.items() if isinstance(c, Connection)}
        answers = zip(with_shell, Pool(AT_ONCE).map(lambda n: self._take(n, with_shell[n]), with_shell), strict=True)
        refused = {name: answer for name, answer in answers if answer is not None}
        return refused | self._take_devices(new.keys() - with_shell.keys())

    def _take(self, name: str, connection: Connection) -> Refused | None:
        own, over = self._own(), tuple(self._of.takes_over)
        try:
            answer = _ask(connection, lock_script.take(own, over=over))
            refused = lock_script.refused(answer.stdout)
            if answer.rc == lock_script.REFUSED and (other := refused.holder) and self._is_gone(other):
                log.debug("%s: the run that had it has ended: %s", name, other.words)
                answer = _ask(connection, lock_script.take(own, over=(*over, other.run)))
                refused = lock_script.refused(answer.stdout)
        except HostLost as e:
            return Refused(error=e.what)
        if answer.rc == 0:
            self._hearts[name] = gevent.spawn(self._keep_renewed, name)
            return None
        if answer.rc == lock_script.REFUSED:
            return refused
        why = answer.stderr.strip().splitlines()[-1:] or [f"exit {answer.rc}"]
        return Refused(error=f"it could not be locked: {why[0]}")

    def _own(self) -> Holder:
        self._holder = self._holder or self._of.holder()
        return self._holder

    def _is_gone(self, other: Holder) -> bool:
        """Tell whether a run is known to have ended: it was one of this machine's."""
        return other.process is not None and bool(self._of.is_over(other.process))

    def _take_devices(self, names: Collection[str]) -> dict[str, Refused]:
        if not names:
            return {}
        held = ExitStack()
        others = held.enter_context(self._of.devices.hold(self._own(), sorted(names)))
        self._devices.append((frozenset(names - others.keys()), held))
        return {name: Refused(holder=holder) for name, holder in others.items()}

    def give_back(self, names: Collection[str]) -> None:
        """Give back the locks of these hosts; of a host that does not answer, it expires.

        Of devices that were taken together, those are given back together whose last one is among them.
        """
        Pool(AT_ONCE).map(self._give_back, [name for name in self._hearts if name in names])
        over = [held for held in self._devices if held[0] <= set(names)]
        for held in over:
            self._devices.remove(held)
            try:
                held[1].close()
            except StoreError as e:  # the store let go of them before: told at the end, once all is recorded
                self.lost.append(e)

    def give_back_all(self) -> None:
        """Give back what is left."""
        self.give_back({*self._hearts, *(name for names, _ in self._devices for name in names)})

    def _give_back(self, name: str) -> None:
        self._hearts.pop(name).kill()
        connection = self._connections[name]
        if isinstance(connection, Connection):
            with suppress(HostLost):
                connection.run("sh -s", stdin=lock_script.release(self.run).encode(), timeout=GIVEN_BACK_WITHIN)

    def _keep_renewed(self, name: str) -> None:
        """Put off the time at which a lock expires, again and again, until it is found to be another's."""
        while True:
            gevent.sleep(RENEWED_EVERY)
            connection = self._connections[name]
            try:
                if isinstance(connection, Connection):
                    answer = _ask(connection, lock_script.renew(self.run))
                    if answer.rc == lock_script.REFUSED:
                        return
            except HostLost as e:
                log.debug("%s: the lock is not renewed: %s", name, e.what)


def _ask(connection: Connection, program: str) -> Answer:
    return connection.run("sh -s", stdin=program.encode(), timeout=connection.access.look_timeout)
