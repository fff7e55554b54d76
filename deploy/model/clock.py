"""The clock, for those who may know the time: commands and the store. Nothing that decides asks it."""

from __future__ import annotations

from datetime import UTC, date, datetime

from inventory.organisation import TIME_ZONE


def now() -> str:
    """Return the time, as ISO 8601 in UTC with milliseconds; texts of it sort as times do."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def today() -> date:
    """Return the day that it is in the municipalities."""
    return datetime.now(TIME_ZONE).date()
