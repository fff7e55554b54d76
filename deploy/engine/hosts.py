"""What apply needs from others: hosts to change, state checks to run. Interfaces only; its stores: `store.ports`.

A `session.Session` is such a set of hosts, over SSH; tests have one in memory.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from deploy.engine.lock_script import Refused
from deploy.model.plan import HostPlan
from deploy.model.record import CheckResult
from deploy.model.step_id import StepId
from inventory.fleet import Host
from inventory.network import Address


@dataclass(frozen=True)
class Outcome:
    """The outcome of carrying out a host's plan.

    Attributes:
        done: the steps that were carried out.
        failed_step: the step that failed; None if none did.
        error: why it failed.
        lost: the connection died.
        moved: what the step would have overwritten is not what the look saw; it was left as it is.
        guarded: the host will undo its guarded steps unless it is confirmed.
        stopped: `failed_step` was not begun, since the run is to stop; `error` says why.
    """

    done: tuple[StepId, ...]
    failed_step: StepId | None = None
    error: str = ""
    lost: bool = False
    moved: bool = False
    guarded: bool = False
    stopped: bool = False


class Hosts(Protocol):
    """Hosts that can be looked at and changed. A host that dies becomes unreachable; it never raises in a look."""

    @property
    def hosts(self) -> Sequence[Host]:
        """Return the hosts, as the inventory has them."""

    @property
    def unreachable(self) -> Mapping[str, str]:
        """Return host name to reason, for hosts that could not be connected to or have died since."""

    @property
    def guarded(self) -> Collection[str]:
        """Return the hosts that will undo their guarded steps unless they are confirmed."""

    def declared(self, name: str) -> Mapping[StepId, str]:
        """Return the configurations that a device's roles declare, secrets by name, by the step that types each."""

    def look(self, names: Sequence[str]) -> Sequence[HostPlan]:
        """Look once at each of these hosts: every step, and what it would do now."""

    def lock(self, names: Sequence[str]) -> Mapping[str, Refused]:
        """Take the locks of these hosts before they are looked at and changed; returns why some were refused.

        A host that cannot be reached has none to take.
        """

    def unlock(self, names: Sequence[str]) -> None:
        """Give back the locks of these hosts."""

    def carry_out(self, planned: HostPlan) -> Outcome:
        """Carry out the steps of a host's plan in order, until one fails; guard it from the first step that asks.

        The host must be locked, and must have been looked at since.
        A host that could not undo what could cut it off is not changed at all.
        """

    def reconnect(self, names: Sequence[str]) -> None:
        """Open a new connection to each of these hosts; one that refuses it is unreachable from now on.

        A guarded one is asked until shortly before it restores itself, also if it was lost before.
        """

    def answering(self, hosts: Mapping[str, Address]) -> Mapping[str, Address]:
        """Return those of these hosts of the fleet, each with its address, whose SSH server answers anew."""

    def await_guards(self, names: Sequence[str]) -> None:
        """Wait until no other run's guard is armed on these hosts; one whose guard stays armed becomes unreachable."""

    def confirm(self, name: str) -> bool:
        """Disarm the guard of a host, so that its change stays. What a lost answer meant is found out.

        Returns:
            Whether it is certain that the change stays; if not, the host has to be looked at.

        Raises:
            SamdriftError: the host has undone the change, or cannot be reached and will.
        """

    def keep(self, name: str) -> None:
        """Make what was confirmed outlive a restart of the host.

        Raises:
            SamdriftError: it does not.
        """

    def by_hand(self, name: str) -> str:
        """Return what has to be done by hand on a guarded host if `keep` fails; empty if nothing."""

    def restore(self, name: str) -> str:
        """Have a guarded host undo its change, and wait until it has. Returns what the host reports about it.

        Raises:
            StillRestoring: it has not put back everything yet, and goes on trying.
            SamdriftError: the host did not come back in time.
        """


BeforeStep = Callable[[str, StepId], str]
"""Hears of a step (its host's name, its id) before it is carried out. Returns why it must not be; empty if it may."""

Verify = Callable[[Sequence[str]], tuple[CheckResult, ...]]
"""Runs the state checks of the named hosts."""
