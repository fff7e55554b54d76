"""A host's guard while a run holds it: armed, kept alive, and in the end confirmed or let put the host back.

Of two kinds, used alike: a `HostGuard` is a timer on a host with a shell, a `DeviceGuard` the commit-confirm of a
device's vendor. Thin: what is sent to a host, and what its answers mean, is `guard_script`'s; what is typed into a
device is its vendor's; when to confirm and when not is `apply`'s.
"""

from __future__ import annotations

import logging
import math
import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

import gevent

from deploy.engine import guard_script
from deploy.engine.guard_script import Standing, Where
from deploy.transport import device_session
from deploy.transport.device_session import DeviceSession
from deploy.transport.ssh import Answer, Connection, HostLost
from inventory.errors import SamdriftError
from roles.shared.guard import Guard

log = logging.getLogger("samdrift")

C = TypeVar("C", Connection, DeviceSession)

PAUSE = 1.0
"""Seconds between two tries to reach a host that is putting itself back."""


@dataclass(frozen=True)
class HostAccess(Generic[C]):
    """Access to one host: `current()` is the open connection; `anew()` opens a new one and replaces it."""

    current: Callable[[], C]
    anew: Callable[[], C]


class GuardFailed(SamdriftError):
    """A host could not be guarded, could not be confirmed, or did not keep what was confirmed."""


class HeldGuard(Protocol):
    """The guard of one host for one run: a timer on a server, commit-confirm on a device.

    `by_hand` is what somebody has to do instead of `keep`, where the host is lost before; empty if there is nothing.
    """

    @property
    def by_hand(self) -> str: ...

    def require(self) -> None:
        """Raise GuardFailed if the host has restored itself, so that it must not be changed any more."""

    def let_go(self) -> None:
        """Stop keeping the guard alive: the host will restore itself unless it is confirmed."""

    def confirm(self) -> None:
        """Disarm the guard, so that the change stays.

        Raises:
            GuardFailed: the host has put itself back, or refused.
            HostLost: the host cannot be reached, and will put itself back.
        """

    def restore(self) -> str:
        """Have the host restore itself, at once if it can, or else wait until it has. Returns what the host reports.

        Raises:
            HostLost: it cannot be reached, though its time has long run out; or nothing is known of the guard.
        """

    def keep(self) -> None:
        """Make what was confirmed outlive a restart; raise GuardFailed if the host does not."""


class HostGuard:
    """A timer on a host with a shell, armed on construction.

    Args:
        access: the open connection to the host, and new ones.
        holder: who changes the host, and why, for whoever finds it armed.

    Raises:
        GuardFailed: the host is not guarded, so that nothing that could cut it off may be changed.
        HostLost: the host died meanwhile, and puts itself back if it was armed.
    """

    by_hand = ""

    def __init__(self, access: HostAccess[Connection], guards: Sequence[Guard], holder: str) -> None:
        connection = access.current()
        self._access, self._where = access, f"host {connection.host.name}"
        self._seconds = connection.access.guard_seconds
        self._run = secrets.token_hex(8)
        self._until = time.monotonic() + self._seconds
        answer = _ask(connection, guard_script.arm(guards, seconds=self._seconds, run=self._run, holder=holder))
        if answer.rc != 0:
            why = answer.stderr.strip().splitlines()[-1:] or [f"exit {answer.rc}"]
            raise GuardFailed(f"the guard was not armed: {why[0]}", where=self._where)
        self._heart = gevent.spawn(self._keep_alive)

    def require(self) -> None:
        """Raise GuardFailed unless the timer is armed, and by this run."""
        if (stands := stands_now(self._access.current())).where is not Where.ARMED or stands.run != self._run:
            raise GuardFailed("the host put itself back while it was changed", where=self._where)

    def let_go(self) -> None:
        """Stop starting the timer anew."""
        self._heart.kill()

    def confirm(self) -> None:
        """Disarm the timer, if it has not run out."""
        self.let_go()
        if _ask(self._access.current(), guard_script.CONFIRM).rc != 0:
            raise GuardFailed("the host put itself back before the change was confirmed", where=self._where)

    def restore(self) -> str:
        """Restore the host at once, or wait until the timer has run out."""
        self.let_go()
        return _once_restored(self._access, self._restored, lambda: self._until)

    def keep(self) -> None:
        """Do nothing: what was changed is on disk."""

    def _restored(self, connection: Connection) -> str:
        """Return what the host reports of its restoration; raise HostLost if it did not restore itself."""
        _ask(connection, guard_script.RESTORE)
        stands = stands_now(connection)
        if (stands.where, stands.run) != (Where.RESTORED, self._run):
            raise HostLost(f"it should have put itself back; its guard is {stands.where}", where=self._where)
        return stands.report

    def _keep_alive(self) -> None:
        """Start the timer anew, again and again, until it is found to have run out."""
        while True:
            gevent.sleep(self._seconds / 4)
            began = time.monotonic()
            try:
                answer = _ask(self._access.current(), guard_script.KEEP_ALIVE)
            except HostLost as e:
                log.debug("%s: not kept alive: %s", self._where, e.what)
                continue
            if answer.rc != 0:
                return
            self._until = began + self._seconds


class DeviceGuard:
    """The commit-confirm of a device, which its change arms; from then on the device counts by itself.

    Args:
        access: the open connection to the device, and new ones.
        minutes: how long it counts.
    """

    def __init__(self, access: HostAccess[DeviceSession], minutes: int) -> None:
        self._access, self._where = access, f"host {access.current().host.name}"
        self.by_hand = "log in and save its configuration" if access.current().vendor.save else ""
        self._until = time.monotonic() + device_session.MINUTE * minutes

    def require(self) -> None:
        """Do nothing: a device has one change."""

    def let_go(self) -> None:
        """Do nothing: a device counts by itself."""

    def confirm(self) -> None:
        """Confirm by the vendor's own command, in another session than the change was made in."""
        answer = self._access.current().confirm()
        if answer.rc != 0:
            raise GuardFailed(f"the change was not confirmed: {answer.stderr}", where=self._where)

    def restore(self) -> str:
        """Restore at once where the vendor can, or wait until the time has run out.

        Not every device shows that it still counts.
        """
        confirm = self._access.current().vendor.confirm
        if confirm is None or not confirm.revert:
            gevent.sleep(
                max(0, self._until - time.monotonic()) + device_session.MINUTE / 6
            )  # it began to count after us
        return _once_restored(self._access, self._restored, lambda: self._until)

    def keep(self) -> None:
        """Save the configuration."""
        answer = self._access.current().save()
        if answer.rc != 0:
            raise GuardFailed(f"the change is in force, and was not saved: {answer.stderr}", where=self._where)

    def _restored(self, connection: DeviceSession) -> str:
        """Return what a new session finds; raise HostLost while the device still counts."""
        connection.close()
        connection.open()
        if connection.pending and connection.revert().rc == 0:
            connection.close()
            connection.open()
        if connection.pending:
            raise HostLost(f"it still counts: {connection.pending}", where=self._where)
        return "it does not count any more"


def minutes_of(connection: DeviceSession) -> int | None:
    """Return after how many minutes a device restores itself, as its vendor counts; None if it cannot."""
    confirm = connection.vendor.confirm
    if confirm is None:
        return None
    shortest, longest = confirm.minutes
    return min(longest, max(shortest, math.ceil(connection.access.guard_seconds / 60)))


def _once_restored(access: HostAccess[C], restored: Callable[[C], str], until: Callable[[], float]) -> str:
    """Ask a host whether it is restored, by the open connection or new ones, until it is or `until` has passed."""
    try:
        return restored(access.current())
    except HostLost as e:
        log.debug("not restored by the connection that there was: %s", e)
    while True:
        try:
            return restored(access.anew())
        except HostLost as e:
            if time.monotonic() > until() + guard_script.GRACE:
                what = f"did not come back within {guard_script.GRACE:g} s after its time had run out: {e.what}"
                raise HostLost(what, where=e.where) from e
        gevent.sleep(PAUSE)


def stands_now(connection: Connection) -> Standing:
    """Ask a host how its guard stands."""
    return guard_script.standing(_ask(connection, guard_script.STAND).stdout)


def _ask(connection: Connection, program: str) -> Answer:
    return connection.run("sh -s", stdin=program.encode(), timeout=connection.access.look_timeout)
