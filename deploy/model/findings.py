"""Findings: the one type that plan, drift, verify, check and report all speak, and the exit codes they decide.

Pure: nothing here touches a host, a file or a clock.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from enum import IntEnum, StrEnum

from pydantic import computed_field

from inventory.fleet import Frozen


class Kind(StrEnum):
    """What sort of thing was found."""

    DRIFT = "drift"  # live ≠ last applied, and intent has not moved
    PENDING = "pending"  # intent moved, live has not
    CONFLICT = "conflict"  # both moved
    MISSING = "missing"  # what was applied is gone
    UNMANAGED = "unmanaged"  # there, where a role owns everything, and declared by none
    UNKNOWN = "unknown"  # could not be looked at
    FAILED_CHECK = "failed check"
    FAILED_STEP = "failed step"  # a change that apply tried and that did not succeed
    STALE = "stale"  # moved since the plan was made
    ROLLED_BACK = "rolled back"  # changed, not confirmed, and put back by the host itself
    ARMED = "unconfirmed"  # an earlier run's change, which the host is about to undo
    UNSOUND = "unsound inventory"


class Severity(StrEnum):
    """How soon somebody should look."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


class Exit(IntEnum):
    """What every command's exit code means (DESIGN.md section 4)."""

    OK = 0
    ERROR = 1
    DIFFERENCES = 2
    INCOMPLETE = 3
    LOCKED = 4
    STALE = 5
    ROLLED_BACK = 6
    VERIFY_FAILED = 7
    USAGE = 64


class Finding(Frozen):
    """One thing somebody should know.

    `step` is the plan's step or the check's name; `detail` is a diff or a message, for reading;
    `remedy` says what to do about it; `first_seen` is ISO 8601 UTC, empty until a store has dated it.
    """

    kind: Kind
    host: str = ""
    municipality: str = ""
    role: str = ""
    step: str = ""
    summary: str
    detail: str = ""
    remedy: str = ""
    severity: Severity = Severity.MEDIUM
    controls: tuple[str, ...] = ()
    first_seen: str = ""

    @computed_field  # type: ignore[prop-decorator]
    @property
    def fingerprint(self) -> str:
        """Stable identity (16 hex digits): the same trouble in the same place, whatever its details today."""
        identity = "\0".join((self.kind, self.host, self.role, self.step))
        return hashlib.sha256(identity.encode()).hexdigest()[:16]


DIFFERENCES = frozenset(
    {Kind.DRIFT, Kind.PENDING, Kind.CONFLICT, Kind.MISSING, Kind.UNMANAGED, Kind.FAILED_CHECK, Kind.ARMED}
)


def exit_code(findings: Iterable[Finding], *, after_change: bool = False) -> Exit:
    """The exit code that these findings mean, and nothing else does.

    Args:
        after_change: the findings were made by a run that changed hosts, so a failed check is a failed
            verification (7) and not a difference (2).
    """
    kinds = {f.kind for f in findings}
    order = (
        ({Kind.UNSOUND}, Exit.ERROR),
        ({Kind.ROLLED_BACK}, Exit.ROLLED_BACK),
        ({Kind.FAILED_STEP}, Exit.ERROR),
        ({Kind.STALE}, Exit.STALE),
        ({Kind.FAILED_CHECK} if after_change else set(), Exit.VERIFY_FAILED),
        ({Kind.UNKNOWN}, Exit.INCOMPLETE),
        (DIFFERENCES, Exit.DIFFERENCES),
    )
    return next((code for of, code in order if kinds & of), Exit.OK)
