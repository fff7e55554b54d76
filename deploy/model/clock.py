"""The clock, for those who may know the time: commands and the store. Nothing that decides asks it."""

from __future__ import annotations

from datetime import UTC, datetime


def now() -> str:
    """Return the time, as ISO 8601 in UTC with milliseconds; texts of it sort as times do."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
