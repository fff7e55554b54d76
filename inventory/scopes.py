"""Where what is scoped belongs: which scopes hold for a site, what a VLAN number means there.
Pure; the Fleet remembers what is computed here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TypeVar

from inventory.network import Vlan, VlanGroup
from inventory.organisation import Location, Site

K = TypeVar("K", str, int)

Scope = tuple[str, str]
"""A kind of place and its slug; two empty texts for everywhere."""
Scopes = Mapping[str, Mapping[Scope, None]]
"""The scopes that hold for each site, the nearest first."""
EVERYWHERE: Mapping[Scope, None] = {("", ""): None}
"""The scope of what belongs to no place, and so to each."""


def scopes(
    sites: Iterable[Site],
    locations: Iterable[Location],
    regions: Mapping[str, str | None],
    groups: Mapping[str, str | None],
) -> Scopes:
    """Return the scopes of every site: itself, its locations, its regions and site groups, and everywhere.

    Args:
        regions: the parent of each region; `groups` of each site group.
    """
    places: dict[str, list[Scope]] = {}
    for place in locations:
        places.setdefault(place.site, []).append(("location", place.key))
    return {
        site.slug: dict.fromkeys(
            [
                ("site", site.slug),
                *places.get(site.slug, ()),
                *(("region", slug) for slug in ancestors(site.region, regions)),
                *(("site_group", slug) for slug in ancestors(site.group, groups)),
                *EVERYWHERE,
            ]
        )
        for site in sites
    }


def vlans_at(
    of_sites: Scopes, vlans: Iterable[Vlan], groups: Iterable[VlanGroup]
) -> Mapping[str, Mapping[int, Vlan | None]]:
    """Return what each VLAN number means at each site; None where it means several that are equally near."""
    scoped: dict[Scope, dict[int, list[Vlan]]] = {}
    for vlan, scope in scoped_vlans(vlans, groups):
        scoped.setdefault(scope, {}).setdefault(vlan.vid, []).append(vlan)
    found: dict[str, dict[int, Vlan | None]] = {}
    for site, near in of_sites.items():
        of_site = found.setdefault(site, {})
        for scope in near:
            for vid, same in scoped.get(scope, {}).items():
                of_site.setdefault(vid, same[0] if len(same) == 1 else None)
    return found


def scoped_vlans(vlans: Iterable[Vlan], groups: Iterable[VlanGroup]) -> Iterator[tuple[Vlan, Scope]]:
    """Yield each VLAN with its scope: its own site, or else that of its group; everywhere, if it has neither."""
    of_group = {group.slug: group.scope for group in groups}
    for vlan in vlans:
        yield vlan, ("site", vlan.site) if vlan.site is not None else of_group.get(vlan.group or "", ("", ""))


def ancestors(key: K | None, parents: Mapping[K, K | None]) -> tuple[K, ...]:
    """Return a slug or an id and those that it lies below, the nearest first; a circle ends where it closes."""
    found: list[K] = []
    while key and key not in found:
        found.append(key)
        key = parents.get(key)
    return tuple(found)
