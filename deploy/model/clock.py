"""The clock, for those who may know the time: commands and the store. Nothing that decides asks it."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from inventory.organisation import TIME_ZONE


def now() -> str:
    """Return the time, as ISO 8601 in UTC with milliseconds; texts of it sort as times do."""
    return _written(datetime.now(UTC))


def later(time: str, hours: float) -> str:
    """Return the time so many hours after another."""
    return _written(datetime.fromisoformat(time) + timedelta(hours=hours))


def today() -> date:
    """Return the day that it is in the municipalities."""
    return datetime.now(TIME_ZONE).date()


def _written(time: datetime) -> str:
    return time.isoformat(timespec="milliseconds").replace("+00:00", "Z")
