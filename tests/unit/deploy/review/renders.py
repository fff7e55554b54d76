"""What tests of reviews share: renderings by the program itself, as a review runs it; and fleets that differ."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path
from tempfile import mkdtemp

from deploy.review.sides import Side, rendered
from deploy.review.state import State
from inventory import snapshot
from inventory.fleet import Fleet, Host
from inventory.paths import CODE, SNAPSHOT

DAY = date(2026, 11, 30)


def states(directory: Path, *inventories: Path) -> list[State]:
    """Render inventories by this checkout's code."""
    where = Path(mkdtemp(dir=directory))
    return rendered([Side(CODE, inventory, inventory.name) for inventory in inventories], where, DAY)


def dumped(fleet: Fleet, directory: Path, name: str) -> Path:
    """Write a fleet as a snapshot."""
    snapshot.dump(fleet, directory / name)
    return directory / name


def with_host(fleet: Fleet, name: str, change: Callable[[Host], Host]) -> Fleet:
    """Return the fleet with one host changed."""
    return fleet.model_copy(update={"hosts": tuple(change(h) if h.name == name else h for h in fleet.hosts)})


def with_options(role: str, options: Mapping[str, object]) -> Callable[[Host], Host]:
    """Return what gives a host options of a role."""

    def change(host: Host) -> Host:
        section = {**host.samdrift, role: {**host.samdrift.get(role, {}), **options}}
        return host.model_copy(update={"context": {**host.context, "samdrift": section}})

    return change


__all__ = ["DAY", "SNAPSHOT", "dumped", "states", "with_host", "with_options"]
