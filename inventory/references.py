"""How the objects of a fleet refer to each other, and which config contexts reach a host. Pure.

Not here: whether what is referred to is there (`rules/references.py`), and which part of a fleet is whose (`parts.py`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import Any

from inventory.fleet import Fleet, Host
from inventory.frozen import Frozen
from inventory.organisation import ASSIGNED_BY, ConfigContext
from inventory.rules.references import REFERENCES, key_of
from inventory.scopes import ancestors

Ref = tuple[str, str]
"""A section of the fleet, and what an object in it is referred to by."""


class References:
    """The references of one fleet: whom an object refers to, directly or by way of others."""

    def __init__(self, fleet: Fleet) -> None:
        self.fleet = fleet
        self._closures: dict[Ref, frozenset[Ref]] = {}

    @cached_property
    def _by_ref(self) -> Mapping[Ref, tuple[Frozen, ...]]:
        targets = {target for fields in REFERENCES.values() for target in fields.values()}
        found: dict[Ref, tuple[Frozen, ...]] = {}
        for section in targets:
            for item in getattr(self.fleet, section):
                ref = section, key_of(item)
                found[ref] = (*found.get(ref, ()), item)
        return found

    def of(self, section: str, *items: Any) -> set[Ref]:
        """Return what objects of a section refer to by themselves."""
        found: set[Ref] = set()
        for field, target in REFERENCES.get(section, {}).items():
            for value in {getattr(item, field) for item in items}:
                found |= {(target, key) for key in (value if isinstance(value, tuple) else (value,)) if key}
        if section == "locations":
            found |= {(section, f"{item.site}/{item.parent}") for item in items if item.parent}
        if section == "hosts":
            found |= {("vrfs", x.vrf) for host in items for x in host.interfaces if x.vrf}
            found |= {("device_types", member.device_type) for host in items for member in host.members}
        return found

    def closure(self, refs: Iterable[Ref]) -> frozenset[Ref]:
        """Return these references, and those of what they lead to."""
        return frozenset[Ref]().union(*(self._closure(ref) for ref in frozenset(refs)))

    def _closure(self, ref: Ref) -> frozenset[Ref]:
        if ref not in self._closures:
            found, left = {ref}, [ref]
            while left:
                section, _ = at = left.pop()
                new = self.of(section, *self._by_ref.get(at, ())) - found
                found |= new
                left += new
            self._closures[ref] = frozenset(found)
        return self._closures[ref]


Values = Mapping[str, frozenset[str]]
"""What a config context can be assigned by, and what of each a host has; those that these lie in included."""


class Assignment:
    """What each host of a fleet has of what config contexts are assigned by."""

    def __init__(self, fleet: Fleet) -> None:
        nested = ("regions", "site_groups", "tenant_groups", "device_roles", "platforms")
        self._parents = {section: {x.slug: x.parent for x in getattr(fleet, section)} for section in nested}
        self._locations = {x.key: x.parent and f"{x.site}/{x.parent}" for x in fleet.locations}
        self._sites = {x.slug: x for x in fleet.sites}
        self._tenants = {x.slug: x for x in fleet.tenants}
        self._clusters = {x.slug: x for x in fleet.clusters}
        self._known: dict[tuple[object, ...], Values] = {}

    def values(self, host: Host) -> Values:
        """Return what a host has."""
        belongs = (host.site, host.location, host.device_type, host.role, host.platform, host.cluster, host.tenant)
        alike = (*belongs, host.tags)
        if alike not in self._known:
            self._known[alike] = self._values(host)
        return self._known[alike]

    def _values(self, host: Host) -> Values:
        site, tenant = self._sites.get(host.site), self._tenants.get(host.tenant)
        cluster = self._clusters.get(host.cluster or "")
        return {
            "regions": self._with_ancestors("regions", site.region if site else None),
            "site_groups": self._with_ancestors("site_groups", site.group if site else None),
            "sites": _known(host.site),
            "locations": frozenset(ancestors(host.location, self._locations)),
            "device_types": _known(host.device_type),
            "device_roles": self._with_ancestors("device_roles", host.role),
            "platforms": self._with_ancestors("platforms", host.platform),
            "cluster_types": _known(cluster.type if cluster else None),
            "cluster_groups": _known(cluster.group if cluster else None),
            "clusters": _known(host.cluster),
            "tenant_groups": self._with_ancestors("tenant_groups", tenant.group if tenant else None),
            "tenants": _known(host.tenant),
            "tags": frozenset(host.tags),
        }

    def _with_ancestors(self, section: str, slug: str | None) -> frozenset[str]:
        return frozenset(ancestors(slug, self._parents[section]))


def reaches(context: ConfigContext, values: Values) -> bool:
    """Tell whether a config context is assigned to a host that has these, as NetBox decides it."""
    return all(not (named := getattr(context, kind)) or not values[kind].isdisjoint(named) for kind in ASSIGNED_BY)


def _known(slug: str | None) -> frozenset[str]:
    return frozenset({slug} if slug else ())
