"""Where a command's fleet comes from. A snapshot is read here; what NetBox says now, `source.netbox` reads."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from inventory import snapshot
from inventory.fleet import Fleet

EMBEDDED = "snapshot"
"""The --source that is in the project itself."""
NETBOX = "netbox"
"""The --source that is NetBox itself."""


class SourcedFleet(NamedTuple):
    """A fleet, where it came from, and when NetBox said it (ISO 8601, UTC; empty where that is not known)."""

    fleet: Fleet
    source: str
    time: str


def from_snapshot(directory: Path, source: str) -> SourcedFleet:
    """Load the fleet in a directory."""
    fleet = snapshot.load(directory)
    origin = snapshot.origin(fleet, directory)
    return SourcedFleet(fleet, source, origin.at if origin else "")
