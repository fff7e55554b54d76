"""Kinds and severities of findings, and the exit codes: names alone, so that help need not load what they belong to."""

from __future__ import annotations

from enum import IntEnum, StrEnum


class Kind(StrEnum):
    """The kind of a finding."""

    DRIFT = "drift"  # live ≠ last applied, and intent has not moved
    PENDING = "pending"  # intent moved, live has not
    CONFLICT = "conflict"  # both moved
    MISSING = "missing"  # what was applied is gone
    UNMANAGED = "unmanaged"  # there, where a role owns everything, and declared by none
    UNKNOWN = "unknown"  # could not be looked at
    FAILED_CHECK = "failed check"
    FAILED_STEP = "failed step"  # a change that apply tried and that did not succeed
    REFUSED = (
        "refused"  # a change that apply does not try: it would shut samdrift out, or nothing is known of the model
    )
    STALE = "stale"  # moved since the plan was made
    LOCKED = "locked"  # left alone, since another run is changing it
    ROLLED_BACK = "rolled back"  # changed, not confirmed, and put back by the host itself
    STOPPED = "stopped"  # an apply that went no further, since what must hold before it goes on did not
    ARMED = "unconfirmed"  # an earlier run's change, which the host is about to undo
    UNSOUND = "unsound inventory"
    WAIVER = "waiver"  # an acceptance of a difference that holds no more
    NOTICE = "notice"  # to be known, and nothing to mend: changes no exit code


class Severity(StrEnum):
    """The urgency of a finding: how soon somebody should look."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


class Exit(IntEnum):
    """The exit codes, which mean the same for every command (DESIGN.md section 4)."""

    OK = 0
    ERROR = 1
    DIFFERENCES = 2
    INCOMPLETE = 3
    LOCKED = 4
    STALE = 5
    ROLLED_BACK = 6
    VERIFY_FAILED = 7
    USAGE = 64
    INTERRUPTED = 130  # what a shell calls the end by Ctrl-C; the same for SIGTERM and SIGHUP
