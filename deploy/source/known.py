"""Where a command's fleet comes from. A snapshot is read here; what NetBox says now, `source.netbox` reads.

Wherever it comes from, the people are the project's own (`inventory.people`), as they are employed today.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from deploy.model import clock
from inventory import people, snapshot
from inventory.errors import InventoryError, Problem
from inventory.fleet import ACTIVE, Fleet, Host
from inventory.left_out import Count, LeftOut, counted
from inventory.origin import Dropped, Origin
from inventory.parts import Parts, is_asked_for
from inventory.paths import SCOPE
from inventory.places import shown
from inventory.scope import EVERYTHING, Scope

EMBEDDED = "snapshot"
"""The --source that is in the project itself."""
NETBOX = "netbox"
"""The --source that is NetBox itself."""


class SourcedFleet(NamedTuple):
    """A fleet, where it came from, and when NetBox said it (ISO 8601, UTC; empty where that is not known).

    Attributes:
        problems: each costs the one managed host that it names.
        reported: those of them that only NetBox can tell, and not the fleet.
        left_out: what the source has that is no part of the fleet.
        counts: how much that is; of a snapshot, also what NetBox had that it was pulled from.
        dropped: the hosts that the last pull found managed no more.
    """

    fleet: Fleet
    source: str
    time: str
    problems: tuple[Problem, ...] = ()
    reported: tuple[Problem, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    counts: tuple[Count, ...] = ()
    dropped: tuple[Dropped, ...] = ()


def sourced(made: Parts, source: str, time: str, origin: Origin | None = None) -> SourcedFleet:
    """Return a part of a source's fleet with where it came from.

    Args:
        origin: of a snapshot, what it remembers of NetBox.

    Raises:
        InventoryError: the people's file cannot be used.
    """
    counts = (*(origin.left_out if origin else ()), *counted(made.left_out))
    dropped = origin.dropped if origin else ()
    fleet = with_people(made.fleet)
    return SourcedFleet(fleet, source, time, made.problems, made.reported, made.left_out, counts, dropped)


def with_people(fleet: Fleet) -> Fleet:
    """Return the fleet with the organisation's people, as they are employed today.

    Raises:
        InventoryError: their file cannot be used; with the fleet as it was.
    """
    try:
        return fleet.model_copy(update={"people": people.of_the_project(clock.today())})
    except InventoryError as e:
        raise InventoryError(e.problems, fleet) from None


def from_snapshot(directory: Path, source: str) -> SourcedFleet:
    """Load the fleet in a directory."""
    made = snapshot.parts_of(directory)
    origin = snapshot.origin(made.fleet, directory)
    return sourced(made, source, origin.at if origin else "", origin)


def dropped_since(before: Fleet, live: SourcedFleet, scope: Scope = EVERYTHING) -> tuple[Dropped, ...]:
    """Return the hosts that were managed in a fleet and are not in the one that takes its place, each with why.

    Args:
        scope: what was read for; a host outside it is not read.
    """
    now = {h.name: h for h in live.fleet.hosts}
    out = {one.name: one.reason for one in live.left_out}
    reported = {p.host for p in live.reported}
    return tuple(
        Dropped(host=h.name, municipality=h.tenant, reason=_why(now.get(h.name), out.get(h.name, ""), scope))
        for h in before.hosts
        if is_asked_for(h) and not (h.name in reported or (h.name in now and is_asked_for(now[h.name])))
    )


def _why(now: Host | None, left_out: str, scope: Scope) -> str:
    if now is None and left_out:
        return f"NetBox has it, and it is left out: {left_out}"
    if now is None:
        return "NetBox has no host of this name" + ("" if scope == EVERYTHING else f" in the scope ({shown(SCOPE)})")
    if now.status != ACTIVE:
        return f"its status is {now.status}"
    return "its config context gives it no roles"
