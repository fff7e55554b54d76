"""A host's guard while a run holds it: armed, kept alive, and in the end confirmed or let put the host back.

Thin: what is sent to the host, and what its answers mean, is `guard`'s; when to confirm and when not is `apply`'s.
"""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import Callable, Sequence

import gevent

from deploy import guard
from deploy.guard import Standing, Where
from deploy.transport import Answer, Connection, HostLost
from inventory.errors import SamdriftError
from roles.shared.guard import Guard

log = logging.getLogger("samdrift")

PAUSE = 1.0
"""Seconds between two tries to reach a host that is putting itself back."""


class GuardFailed(SamdriftError):
    """A host could not be guarded, or had put itself back before it was told that all is well."""


class HostGuard:
    """The guard of one host for one run, armed on construction.

    Args:
        current: the connection that there is to the host, now and whenever it is asked for again.
        said: who guards the host, and why, for whoever finds it armed.

    Raises:
        GuardFailed: the host is not guarded, so that nothing that could cut it off may be changed.
        HostLost: the host died meanwhile, and puts itself back if it was armed.
    """

    def __init__(self, current: Callable[[], Connection], guards: Sequence[Guard], said: str) -> None:
        connection = current()
        self._host, self._seconds = connection.host, connection.access.guard_seconds
        self._run = secrets.token_hex(8)
        self._until = time.monotonic() + self._seconds
        program = guard.arm(guards, seconds=self._seconds, run=self._run, said=said)
        answer = _ask(connection, program)
        if answer.rc != 0:
            why = answer.stderr.strip().splitlines()[-1:] or [f"exit {answer.rc}"]
            raise GuardFailed(f"the guard was not armed: {why[0]}", where=self._where)
        self._heart = gevent.spawn(self._keep_alive, current)

    def let_go(self) -> None:
        """Keep it alive no longer: the host will put itself back unless it is confirmed."""
        self._heart.kill()

    def require(self, connection: Connection) -> None:
        """GuardFailed if the host has put itself back meanwhile, so that it must not be changed any more."""
        if (stands := stands_now(connection)).where is not Where.ARMED or stands.run != self._run:
            raise GuardFailed("the host put itself back while it was changed", where=self._where)

    def confirm(self, connection: Connection) -> None:
        """Disarm it.

        Raises:
            GuardFailed: the host has put itself back.
        """
        self.let_go()
        if _ask(connection, guard.CONFIRM).rc != 0:
            raise GuardFailed("the host put itself back before the change was confirmed", where=self._where)

    def restore(self, connection: Connection, connect: Callable[[], Connection]) -> tuple[Connection, str]:
        """Have the host put itself back, at once if it can be reached, or else wait until it has.

        Returns:
            A connection to the host, which may be a new one, and what the host said of it.

        Raises:
            HostLost: it cannot be reached, though its timer has long run out; or nothing is known of the guard.
        """
        self.let_go()
        try:
            return connection, self._restored(connection)
        except HostLost:
            connection.close()
        while True:
            try:
                fresh = connect()
                return fresh, self._restored(fresh)
            except HostLost as e:
                if time.monotonic() > self._until + guard.GRACE:
                    what = f"did not come back {guard.GRACE:g} s after its timer of {self._seconds:g} s: {e.what}"
                    raise HostLost(what, where=e.where) from e
            gevent.sleep(PAUSE)

    @property
    def _where(self) -> str:
        return f"host {self._host.name}"

    def _restored(self, connection: Connection) -> str:
        """What the host says of having put itself back; HostLost where it has not."""
        _ask(connection, guard.RESTORE)
        stands = stands_now(connection)
        if (stands.where, stands.run) != (Where.RESTORED, self._run):
            raise HostLost(f"it should have put itself back; its guard is {stands.where}", where=self._where)
        return stands.said

    def _keep_alive(self, current: Callable[[], Connection]) -> None:
        """Start the timer anew, again and again, until it is found to have run out."""
        while True:
            gevent.sleep(self._seconds / 4)
            began = time.monotonic()
            try:
                answer = _ask(current(), guard.KEEP_ALIVE)
            except HostLost as e:
                log.debug("%s: not kept alive: %s", self._where, e.what)
                continue
            if answer.rc != 0:
                return
            self._until = began + self._seconds


def stands_now(connection: Connection) -> Standing:
    """How the guard of a host stands."""
    return guard.standing(_ask(connection, guard.STAND).stdout)


def _ask(connection: Connection, program: str) -> Answer:
    return connection.run("sh -s", stdin=program.encode(), timeout=connection.access.look_timeout)
