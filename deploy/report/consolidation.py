"""Compute how far the municipalities share their systems: what all use, what each has its own of, what stands at edges.
Pure.

What is shared is the inventory's tag of that name; what was there earlier, runs tell. Not here: how hosts stand.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence
from typing import Literal

from pydantic import Field

from deploy.model.record import Record
from deploy.report.content import SHARED
from deploy.report.scope import municipalities, organisation
from inventory.fleet import Fleet, Host
from inventory.frozen import Frozen


class SharedSystem(Frozen):
    """Servers for one purpose that all municipalities use."""

    description: str
    hosts: tuple[str, ...]
    owner: str
    managed: bool = Field(description="samdrift looks after all of them")


class SeparateSystem(Frozen):
    """Something that several municipalities have each their own of, by a role or, of what has none, by device role."""

    role: str
    by_municipality: dict[str, int]


class OwnSystem(Frozen):
    """A server of one municipality that no other uses."""

    host: str
    municipality: str
    description: str


class Edge(Frozen):
    """What stands at one site, by device role."""

    site: str
    name: str
    municipality: str
    by_device_role: dict[str, int]


class Moved(Frozen):
    """Which hosts a municipality has gained and lost since runs saw them."""

    municipality: str
    then: int
    now: int
    gone: tuple[str, ...]
    new: tuple[str, ...]


class Consolidation(Frozen):
    """What those read who bring systems together: the JSON document. `moved` is None where no run tells of then."""

    format: Literal[1] = 1
    open: bool = Field(default=False, description="it is the version for anybody: what may serve an attacker is masked")
    masked: int = 0
    organisation: str
    scope: str
    at: str
    since: str
    municipalities: dict[str, str] = Field(description="slug to name")
    shared: tuple[SharedSystem, ...]
    separate: tuple[SeparateSystem, ...]
    own: tuple[OwnSystem, ...]
    edges: tuple[Edge, ...]
    moved: tuple[Moved, ...] | None


def consolidation(fleet: Fleet, hosts: Sequence[Host], then: Sequence[Record], at: str, since: str) -> Consolidation:
    """Return how far these hosts are shared, and how that moved.

    Args:
        then: the latest runs before `since`.
    """
    about = municipalities(fleet, (h.tenant for h in hosts))
    active = [h for h in hosts if h.status == "active"]
    shared = [h for h in active if SHARED in h.tags]
    everywhere = {role for h in shared for role in h.roles}  # base, firewall, … : what shared servers have is no system
    separate = _separate([h for h in active if SHARED not in h.tags], everywhere)
    apart = set(separate)
    return Consolidation(
        organisation=organisation(fleet),
        scope=", ".join(about.values()),
        at=at,
        since=since,
        municipalities=about,
        shared=tuple(_shared(shared)),
        separate=tuple(SeparateSystem(role=role, by_municipality=counts) for role, counts in sorted(separate.items())),
        own=tuple(
            OwnSystem(host=h.name, municipality=h.tenant, description=h.description)
            for h in sorted(active, key=lambda h: (h.tenant, h.name))
            if SHARED not in h.tags and not apart & {*h.roles, h.role}
        ),
        edges=tuple(
            Edge(
                site=site.slug,
                name=site.name,
                municipality=site.tenant,
                by_device_role=dict(sorted(counts.items())),
            )
            for site in fleet.sites
            if (counts := Counter(h.role for h in active if h.site == site.slug and SHARED not in h.tags))
        ),
        moved=tuple(_moved(active, then)) if then else None,
    )


def _shared(hosts: Iterable[Host]) -> Iterable[SharedSystem]:
    by_purpose = defaultdict[tuple[str, str], list[Host]](list)
    for host in hosts:
        by_purpose[host.description, host.tenant].append(host)
    for (description, owner), some in sorted(by_purpose.items()):
        names = tuple(h.name for h in some)
        yield SharedSystem(description=description, hosts=names, owner=owner, managed=all(h.is_managed for h in some))


def _separate(hosts: Iterable[Host], everywhere: Collection[str]) -> dict[str, dict[str, int]]:
    """Return, by role, how many hosts of each municipality have it, where several municipalities do."""
    found = defaultdict[str, Counter[str]](Counter)
    for host in hosts:
        for role in {*host.roles} - {*everywhere} if host.roles else {host.role}:
            found[role][host.tenant] += 1
    return {role: dict(sorted(counts.items())) for role, counts in found.items() if len(counts) > 1}


def _moved(hosts: Iterable[Host], then: Iterable[Record]) -> Iterable[Moved]:
    earlier = {h.host: h.municipality for record in then for h in record.hosts}
    now = {h.name: h.tenant for h in hosts if h.is_managed}
    for slug in sorted({*earlier.values(), *now.values()}):
        before = {name for name, whose in earlier.items() if whose == slug}
        today = {name for name, whose in now.items() if whose == slug}
        yield Moved(
            municipality=slug,
            then=len(before),
            now=len(today),
            gone=tuple(sorted(before - today)),
            new=tuple(sorted(today - before)),
        )
