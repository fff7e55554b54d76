"""The guards of a session's hosts: armed before a change, and confirmed, restored or waited for after it.

One guard, and what it does on a host or a device, is `guards`'; when to confirm and when not is decided wave by wave.
"""

from __future__ import annotations

import time
from collections.abc import Callable, MutableMapping
from typing import TypeVar

import gevent

from deploy.engine import guard_script
from deploy.engine.guards import (
    DeviceGuard,
    GuardFailed,
    HeldGuard,
    HostAccess,
    HostGuard,
    clear,
    kept_by,
    minutes_of,
    patience,
    prove,
    restore_by_hand,
    restore_stuck,
    stands_now,
    until_let_in,
)
from deploy.engine.heart import Heart
from deploy.model.guard_state import Standing, Where
from deploy.model.plan import HostPlan
from deploy.transport.device_session import DeviceSession
from deploy.transport.ssh import Connection

C = TypeVar("C", Connection, DeviceSession)


class Guarding:
    """The guards of some hosts, for one run.

    Args:
        connections: the open connection of each host; one that is opened anew takes its place there.
        connection: makes another connection to a host, not yet open.
        holder: who changes the hosts, and why, for whoever finds one guarded.
        seconds: after which a host restores itself.
    """

    def __init__(
        self,
        connections: MutableMapping[str, Connection | DeviceSession],
        connection: Callable[[str], Connection | DeviceSession],
        holder: str,
        seconds: float,
    ) -> None:
        self._connections, self._connection = connections, connection
        self._holder, self._seconds = holder, seconds
        self._heart = Heart()
        self._held: dict[str, HeldGuard] = {}
        self._confirmed: set[str] = set()

    def __contains__(self, name: str) -> bool:
        """Tell whether a host has a guard of this run that was not yet given up."""
        return name in self._held

    @property
    def unconfirmed(self) -> tuple[str, ...]:
        """Return the hosts that will restore themselves unless they are confirmed."""
        return tuple(sorted(self._held.keys() - self._confirmed))

    def let_go(self) -> None:
        """Keep no host alive any more."""
        for held in self._held.values():
            held.let_go()
        self._heart.stop()

    def prove(self, planned: HostPlan) -> None:
        """Have a server prove that it could undo what could cut it off; a device has its vendor's word for it.

        Raises:
            GuardFailed: it could not.
            HostLost: it died meanwhile.
        """
        connection = self._connections[planned.host]
        if planned.guards and isinstance(connection, Connection):
            prove(connection, planned.guards)

    def require(self, planned: HostPlan, lock: str = "") -> str:
        """Arm the host's guard, if it has one and it is not armed yet.

        Returns by what the host knows the guard: it refuses guarded steps if it has put itself back meanwhile
        (`guard_script.still_armed`), and ends those that still run before it does.

        Args:
            lock: the run that locked the host; empty if none did.
        """
        name = planned.host
        if name not in self._held:
            if isinstance(connection := self._connections[name], Connection):
                access = self._access(name, Connection)
                self._held[name] = HostGuard(access, planned.guards, self._holder, self._heart, lock)
            elif minutes := minutes_of(connection):
                device = self._access(name, DeviceSession)  # type: ignore[type-abstract]  # whichever of its kinds
                self._held[name] = DeviceGuard(device, minutes)
        return self._held[name].run if name in self._held else ""

    def confirm(self, name: str) -> bool:
        """Disarm the guard of a host, so that its change stays.

        Returns:
            Whether it is certain that it does: a server disarms its timer or says that it has put itself back; there
            are devices that accept it after they have.

        Raises:
            GuardFailed: the host has put itself back.
            HostLost: the host cannot be reached, and will put itself back.
        """
        held = self._held[name]
        held.confirm()
        self._confirmed.add(name)
        return isinstance(held, HostGuard)

    def keep(self, name: str) -> None:
        """Make what was confirmed outlive a restart of the host.

        Raises:
            GuardFailed: it does not.
            HostLost: the host died.
        """
        self._held[name].keep()
        del self._held[name]

    def by_hand(self, name: str) -> str:
        """Return what has to be done by hand on a guarded host if `keep` fails; empty if nothing."""
        return self._held[name].by_hand if name in self._held else ""

    def restore(self, name: str) -> str:
        """Have a guarded host undo its change, and wait until it has. Returns what the host reports about it.

        Raises:
            StillRestoring: it is back, and has not put back everything yet.
            HostLost: it did not come back in time.
        """
        return self._held.pop(name).restore()

    def let_in_again(self, name: str) -> None:
        """Open a new connection to a guarded host, and try until shortly before it restores itself.

        Raises:
            HostLost: nobody was let in.
        """
        until_let_in(lambda: self.replace(name), patience(self._held[name], self._seconds))

    def replace(self, name: str) -> Connection | DeviceSession:
        """Open a new connection to a host, and put it in the place of the one that there was."""
        fresh = self._connection(name)
        fresh.open()
        self._connections[name].close()
        self._connections[name] = fresh
        return fresh

    def await_others(self, name: str) -> str:
        """Wait until no other run's guard is armed on a host; one whose timer does not run is restored.

        Returns:
            Whose guard stays armed, so that another run is at work there; empty if none's.

        Raises:
            HostLost: the host died.
        """
        deadline = time.monotonic() + self._seconds + guard_script.GRACE
        while armed := self.armed(name):
            if isinstance(connection := self._connections[name], Connection):
                restore_stuck(connection)
            if time.monotonic() > deadline:
                return armed
            gevent.sleep(1)
        return ""

    def armed(self, name: str) -> str:
        """Return whose change a host is about to undo; empty if it is about to undo none."""
        connection = self._connections[name]
        if isinstance(connection, DeviceSession):
            connection.close()
            connection.open()
            return connection.pending
        return connection.ask([guard_script.ARMED])[0].stdout.strip()

    def stands(self, name: str) -> tuple[Standing, tuple[str, ...]]:
        """Return how a host's guard stands, whoever armed it, and what it would put back."""
        connection = self._connections[name]
        if isinstance(connection, Connection):
            return stands_now(connection), kept_by(connection)
        pending = self.armed(name)
        return Standing(where=Where.ARMED if pending else Where.NONE, ticks=True, report=pending), ()

    def restore_by_hand(self, name: str) -> Standing:
        """Have a host undo an unconfirmed change at once, whoever made it. Returns how its guard stands then.

        Raises:
            GuardFailed: a device can only do so when its time is over, or has refused.
        """
        connection = self._connections[name]
        if isinstance(connection, Connection):
            return restore_by_hand(connection)
        confirm = connection.vendor.confirm
        if confirm is None or not confirm.revert:
            raise GuardFailed("it undoes the change by itself when its time is over", where=f"host {name}")
        if (answer := connection.revert()).rc != 0:
            raise GuardFailed(f"it has not undone the change: {answer.stderr}", where=f"host {name}")
        return self.stands(name)[0]

    def clear(self, name: str) -> None:
        """Take a server's guard away, whoever armed it, and leave the host as it is.

        Raises:
            GuardFailed: none is armed, or it is a device's, which nobody but its user may confirm.
        """
        connection = self._connections[name]
        if not isinstance(connection, Connection):
            raise GuardFailed("a device's change is confirmed by whoever made it", where=f"host {name}")
        clear(connection)

    def _access(self, name: str, kind: type[C]) -> HostAccess[C]:
        def current() -> C:
            found = self._connections[name]
            if not isinstance(found, kind):
                raise TypeError(f"{name} is talked to otherwise than by {kind.__name__}")
            return found

        def anew() -> C:
            self.replace(name)
            return current()

        return HostAccess(current, anew)
