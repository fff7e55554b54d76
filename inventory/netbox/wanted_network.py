"""What a fleet wants of NetBox's networks: VRFs, VLANs, prefixes and ranges, of both families. Pure.

Not here: addresses of interfaces (`wanted_hosts.py`).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from inventory.fleet import Fleet
from inventory.netbox.custom_fields import GATEWAY
from inventory.netbox.making import SCOPES
from inventory.netbox.wanted import Key, Ref, Wanted, given, last, ref
from inventory.network import Prefix, Scoped, Vlan

SCOPE_TYPES = {section.removesuffix("s"): of for of, section in SCOPES.items()}
"""NetBox's type of each kind of place that something can be scoped to."""


def vrfs(fleet: Fleet) -> Iterator[Wanted]:
    """Want the VRFs."""
    for vrf in fleet.vrfs:
        name = vrf.name.removeprefix(f"{vrf.rd}/")  # with what it is unique within, where two have one name
        rd = {"rd": vrf.rd} if vrf.rd else {}
        yield Wanted((vrf.name,), {"name": name, "description": vrf.description} | rd)


def _scope(scoped: Scoped) -> dict[str, Any]:
    kind, slug = scoped.scope
    if not kind:
        return {"scope_type": None, "scope_id": None}
    return {"scope_type": SCOPE_TYPES[kind], "scope_id": Ref(kind.replace("_", " "), (slug,))}


def vlan_groups(fleet: Fleet) -> Iterator[Wanted]:
    """Want the VLAN groups, each with its scope."""
    for group in fleet.vlan_groups:
        yield Wanted((group.slug,), {"slug": last(group.slug), "name": group.name} | _scope(group))


def vlans(fleet: Fleet) -> Iterator[Wanted]:
    """Want the VLANs of sites and groups."""
    groups = {group.slug: group for group in fleet.vlan_groups}
    for vlan in fleet.vlans:
        fields = {"vid": vlan.vid, "name": vlan.name} | given(
            vlan, {"site": "site", "group": "VLAN group", "role": "VLAN role"}
        )
        of_group = groups[vlan.group].scope if vlan.group in groups else ("", "")
        place = ("site", vlan.site) if vlan.site else of_group
        yield Wanted(vlan_key(vlan), fields, like=(*place, vlan.vid))


def vlan_roles(fleet: Fleet) -> Iterator[Wanted]:
    """Want the roles of VLANs, called as their slugs are: nothing else is known of them."""
    for role in sorted({vlan.role for vlan in fleet.vlans if vlan.role}):
        yield Wanted((role,), {"slug": role}, {"name": role})


def vlan_key(vlan: Vlan) -> Key:
    """Return what a VLAN is known by."""
    return (vlan.site or "", vlan.group or "", vlan.vid)


def vlan_ref(fleet: Fleet, vid: int | None, *sites: str) -> Ref | None:
    """Return the VLAN that a number means at one of these sites, or any of this number; None if there is none."""
    if vid is None:
        return None
    near = (found for site in sites if (found := fleet.vlan_at(site, vid)) is not None)
    vlan = next(near, None) or next((v for v in fleet.vlans if v.vid == vid), None)
    return None if vlan is None else Ref("VLAN", vlan_key(vlan))


def prefixes(fleet: Fleet) -> Iterator[Wanted]:
    """Want the prefixes, each with its scope and its gateway."""
    for prefix in fleet.prefixes:
        fields = {
            "prefix": str(prefix.prefix),
            "vrf": ref("VRF", prefix.vrf),
            "description": prefix.description,
            "vlan": vlan_ref(fleet, prefix.vlan, *_sites(fleet, prefix)) if prefix.vlan else None,
            "custom_fields": {GATEWAY.name: None if prefix.gateway is None else str(prefix.gateway)},
        }
        key = str(prefix.prefix), prefix.vrf
        yield Wanted((*key, *prefix.scope), fields | _scope(prefix), like=key)


def _sites(fleet: Fleet, prefix: Prefix) -> list[str]:
    """Return the sites that a prefix is for, by slug."""
    return sorted(site.slug for site in fleet.sites if fleet.serves(prefix, site.slug))


def ranges(fleet: Fleet) -> Iterator[Wanted]:
    """Want the ranges of addresses."""
    for lent in fleet.ranges:
        prefix = fleet.prefix_of(lent.start, lent.vrf)
        mask = lent.start.max_prefixlen if prefix is None else prefix.prefix.prefixlen
        fields = {
            "start_address": f"{lent.start}/{mask}",
            "end_address": f"{lent.end}/{mask}",
            "vrf": ref("VRF", lent.vrf),
            "description": lent.description,
        }
        yield Wanted((str(lent.start), lent.vrf), fields, {"status": "active"})
