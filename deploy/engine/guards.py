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

from deploy.engine import guard_script, lock_script
from deploy.engine.heart import Heart
from deploy.model.guard_state import Standing, Where
from deploy.transport import device_session
from deploy.transport.device_session import DeviceSession
from deploy.transport.ssh import Answer, Connection, HostLost
from inventory.errors import SamdriftError
from roles.shared.guard import Guard

log = logging.getLogger("samdrift")

C = TypeVar("C", Connection, DeviceSession)

PAUSE = 1.0
"""Seconds between two tries to reach a host that is putting itself back."""

PATIENCE = 0.75
"""Part of a guard's time for which it is tried to be let in again; then there is still time to restore the host."""

LONGEST_PAUSE = 8.0
"""Seconds between two tries to be let in, at most: sshd shuts out for a while who comes too often."""


@dataclass(frozen=True)
class HostAccess(Generic[C]):
    """Access to one host: `current()` is the open connection; `anew()` opens a new one and replaces it."""

    current: Callable[[], C]
    anew: Callable[[], C]


class GuardFailed(SamdriftError):
    """A host could not be guarded, could not be confirmed, or did not keep what was confirmed."""


class StillRestoring(SamdriftError):
    """A host is putting itself back and could not yet put back everything; it goes on trying by itself."""


class HeldGuard(Protocol):
    """The guard of one host for one run: a timer on a server, commit-confirm on a device.

    `by_hand` is what somebody has to do instead of `keep`, where the host is lost before; empty if there is nothing.
    `run` is by what a host knows the processes of the steps that it guards; empty where there are none.
    """

    @property
    def by_hand(self) -> str: ...

    @property
    def run(self) -> str: ...

    @property
    def until(self) -> float:
        """Return when the host will restore itself, as far as is known (`time.monotonic`)."""

    def let_go(self) -> None:
        """Stop keeping the guard alive: the host will restore itself unless it is confirmed."""

    def confirm(self) -> None:
        """Disarm the guard, so that the change stays. Where the answer is lost, it is found out what it was.

        Raises:
            GuardFailed: the host has put itself back, or refused.
            HostLost: the host cannot be reached, and will put itself back.
        """

    def restore(self) -> str:
        """Have the host restore itself, at once if it can, or else wait until it has. Returns what the host reports.

        Raises:
            StillRestoring: it has tried, not everything is back, and it goes on trying.
            HostLost: it cannot be reached, though its time has long run out; or nothing is known of the guard.
        """

    def keep(self) -> None:
        """Make what was confirmed outlive a restart; raise GuardFailed if the host does not."""


class HostGuard:
    """A timer on a host with a shell, armed on construction, and kept alive by the run's heart.

    Args:
        access: the open connection to the host, and new ones.
        holder: who changes the host, and why, for whoever finds it armed.
        lock: the run that locked the host; empty if none did. Another run's host is neither guarded nor confirmed.

    Raises:
        GuardFailed: the host is not guarded, so that nothing that could cut it off may be changed.
        HostLost: the host died meanwhile, and puts itself back if it was armed.
    """

    by_hand = ""

    def __init__(
        self, access: HostAccess[Connection], guards: Sequence[Guard], holder: str, heart: Heart, lock: str = ""
    ) -> None:
        connection = access.current()
        self._access, self._where = access, f"host {connection.host.name}"
        self._seconds = connection.access.guard_seconds
        self.run, held = secrets.token_hex(8), lock_script.held(lock)
        self._confirm = guard_script.confirm(self.run, held)
        self._beat = heart.keep_alive(connection.host, connection.access, self.run)
        try:
            arm = guard_script.arm(guards, seconds=self._seconds, run=self.run, holder=holder, first=held)
            _require_done(_ask(connection, arm), self._where)
        except SamdriftError:
            self.let_go()
            raise
        self._beat.until = time.monotonic() + self._seconds

    @property
    def until(self) -> float:
        """Return when the timer runs out, as far as is known."""
        return self._beat.until

    def let_go(self) -> None:
        """Stop starting the timer anew."""
        self._beat.let_go = True

    def confirm(self) -> None:
        """Disarm the timer, if it has not run out.

        As long as the timer may run, a lost answer is asked for anew, by new connections.
        """
        self.let_go()
        try:
            why = self._refused(self._access.current())
        except HostLost as e:
            log.debug("%s: whether it was confirmed is not known yet: %s", self._where, e.what)
            why = self._refused_after_all()
        if why:
            raise GuardFailed(why, where=self._where)

    def _refused(self, connection: Connection) -> str:
        """Ask for the confirmation; return why it was refused, or nothing."""
        answer = _ask(connection, self._confirm)
        if answer.rc == 0:
            return ""
        if lock_script.LOST in answer.stderr:
            return "another run has taken this host over, so that the change was not confirmed"
        return "the host put itself back before the change was confirmed"

    def _refused_after_all(self) -> str:
        """Return nothing if the host was confirmed, by the answer that was lost or by another; else why not."""
        while True:
            until_let_in(self._access.anew, self.until + guard_script.GRACE)
            try:
                stands = stands_now(self._access.current())
                if stands.run == self.run and stands.where is Where.CONFIRMED:
                    return ""
                return self._refused(self._access.current())
            except HostLost:
                if time.monotonic() > self.until + guard_script.GRACE:
                    raise

    def restore(self) -> str:
        """Restore the host at once, or wait until the timer has run out."""
        self.let_go()
        return _once_restored(self._access, self._restored, lambda: self.until)

    def keep(self) -> None:
        """Do nothing: what was changed is on disk."""

    def _restored(self, connection: Connection) -> str:
        """Return what the host reports of its restoration; raise HostLost if it did not restore itself."""
        _ask(connection, guard_script.restore(self.run))
        stands = stands_now(connection)
        if (stands.where, stands.run) == (Where.RESTORED, self.run):
            return stands.text
        if (stands.where, stands.run) == (Where.RESTORING, self.run):
            raise StillRestoring(stands.report, where=self._where)
        raise HostLost(f"it should have put itself back; its guard is {stands.where}", where=self._where)


class DeviceGuard:
    """The commit-confirm of a device, which its change arms; from then on the device counts by itself.

    Args:
        access: the open connection to the device, and new ones.
        minutes: how long it counts.
    """

    run = ""

    def __init__(self, access: HostAccess[DeviceSession], minutes: int) -> None:
        self._access, self._where = access, f"host {access.current().host.name}"
        self.by_hand = "log in and save its configuration" if access.current().vendor.save else ""
        self.until = time.monotonic() + device_session.MINUTE * minutes

    def let_go(self) -> None:
        """Do nothing: a device counts by itself."""

    def confirm(self) -> None:
        """Confirm by the vendor's own command, in another session than the change was made in.

        Where the answer is lost and the device does not count any more, whoever looks at it next sees which it was.
        """
        try:
            answer = self._access.current().confirm()
        except HostLost as e:
            log.debug("%s: whether it was confirmed is not known yet: %s", self._where, e.what)
            until_let_in(self._access.anew, self.until)
            if not self._access.current().pending:
                return
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
                max(0, self.until - time.monotonic()) + device_session.MINUTE / 6
            )  # it began to count after us
        return _once_restored(self._access, self._restored, lambda: self.until)

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


def until_let_in(connect: Callable[[], object], until: float) -> None:
    """Open a new connection, and try again until it is there or so long: one that is refused decides nothing.

    Raises:
        HostLost: nobody was let in.
    """
    pause = PAUSE
    while True:
        try:
            connect()
        except HostLost:
            if time.monotonic() + pause > until:
                raise
        else:
            return
        gevent.sleep(pause)
        pause = min(2 * pause, LONGEST_PAUSE)


def patience(held: HeldGuard, seconds: float) -> float:
    """Return until when it is tried to be let in by a guarded host: shortly before it restores itself."""
    return min(time.monotonic() + PATIENCE * seconds, held.until - (1 - PATIENCE) * seconds)


def prove(connection: Connection, guards: Sequence[Guard]) -> None:
    """Have a host prove that it could put back what these guards are about; nothing is left there.

    Raises:
        GuardFailed: it could not, so that nothing is to be changed.
        HostLost: the host died meanwhile.
    """
    _require_done(_ask(connection, guard_script.prove(guards)), f"host {connection.host.name}")


def _require_done(answer: Answer, where: str) -> None:
    if answer.rc != 0:
        why = answer.stderr.strip().splitlines()[-1:] or [f"exit {answer.rc}"]
        raise GuardFailed(f"it could not undo the change, so that nothing was changed: {why[0]}", where=where)


def _once_restored(access: HostAccess[C], restored: Callable[[C], str], until: Callable[[], float]) -> str:
    """Ask a host whether it is restored, by the open connection or new ones, until it is or `until` has passed."""
    connect = access.current
    while True:
        try:
            return restored(connect())
        except HostLost as e:
            log.debug("not restored yet: %s", e)
            if connect is access.anew and time.monotonic() > until() + guard_script.GRACE:
                what = f"did not come back within {guard_script.GRACE:g} s after its time had run out: {e.what}"
                raise HostLost(what, where=e.where) from e
            if connect is access.anew:
                gevent.sleep(PAUSE)
            connect = access.anew
        except StillRestoring:
            if time.monotonic() > until() + guard_script.GRACE:
                raise
            gevent.sleep(PAUSE)


def stands_now(connection: Connection) -> Standing:
    """Ask a host how its guard stands."""
    return guard_script.standing(_ask(connection, guard_script.STAND).stdout)


def restore_stuck(connection: Connection) -> Standing:
    """Have a host put itself back if a guard is armed there and its timer does not run. Returns how the guard stood."""
    stands = stands_now(connection)
    if stands.where in {Where.ARMED, Where.RESTORING} and not stands.ticks:
        _ask(connection, guard_script.RESTORE)
    return stands


def restore_by_hand(connection: Connection) -> Standing:
    """Have a host put itself back at once, whoever armed it. Returns how its guard stands then."""
    _ask(connection, guard_script.RESTORE)
    return stands_now(connection)


def clear(connection: Connection) -> None:
    """Take a host's guard away, whoever armed it, and leave the host as it is.

    Raises:
        GuardFailed: none is armed.
    """
    if _ask(connection, guard_script.CLEAR).rc != 0:
        raise GuardFailed("no guard is armed there", where=f"host {connection.host.name}")


def kept_by(connection: Connection) -> tuple[str, ...]:
    """Ask a host what its armed guard would put back."""
    return tuple(_ask(connection, guard_script.KEPT).stdout.splitlines())


def _ask(connection: Connection, program: str) -> Answer:
    return connection.run("sh -s", stdin=program.encode(), timeout=connection.access.look_timeout)
