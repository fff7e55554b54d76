"""How the guard of a host stands: values, as a host answers and as people are shown.

Not here: how a host is guarded, and how it is asked (`engine.guard_script`).
"""

from __future__ import annotations

from enum import StrEnum

from inventory.frozen import Frozen


class Where(StrEnum):
    """The state of a guard."""

    NONE = "none"
    ARMED = "armed"
    RESTORING = "restoring"
    RESTORED = "restored"
    CONFIRMED = "confirmed"


class Standing(Frozen):
    """The state of a host's guard, and the run that armed it.

    Attributes:
        run: the run that armed it.
        since: when it was armed, or ended; in UTC.
        ticks: whether what will restore the host runs: the timer, or the program that puts things back.
        report: who that is and why; and what could not be put back, if anything could not.
    """

    where: Where = Where.NONE
    run: str = ""
    since: str = ""
    ticks: bool = False
    report: str = ""

    @property
    def text(self) -> str:
        """Return it for people; empty where there is no guard."""
        if self.where is Where.NONE:
            return ""
        since = f"{self.where} at {self.since}"
        stuck = "" if self.ticks or self.where not in {Where.ARMED, Where.RESTORING} else "its timer does not run"
        return "\n".join(filter(None, (self.report, since, stuck)))


class Seen(Frozen):
    """How the guard of a host stands, and what it would put back."""

    host: str
    standing: Standing
    kept: tuple[str, ...] = ()

    @property
    def pending(self) -> bool:
        """Tell whether the host is about to undo a change, or is at it."""
        return self.standing.where in {Where.ARMED, Where.RESTORING}
