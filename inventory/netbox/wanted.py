"""What a fleet wants of NetBox: each kind's objects, with what each should say. Pure.

Objects are known by natural keys (slugs, names, addresses), never by ids, which are NetBox's own. What a fleet does
not say (colours, comments, racks, an interface's MTU) is not asked for, not compared and not written. Not here: which
kinds there are (`write_types.py`), what of it must be written (`writes.py`), and what rows mean to a fleet
(`assemble.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from inventory.fleet import Fleet, Host, Interface
from inventory.netbox.custom_fields import (
    CLUSTER_SLUG,
    CUSTOM_FIELDS,
    FAMILY,
    GATEWAY,
    HOST_KEYS,
    WIREGUARD_KEY,
)
from inventory.netbox.read_types import ASSIGNED_BY
from inventory.network import Prefix
from inventory.places import noun

Key = tuple[str | int, ...]


@dataclass(frozen=True)
class Ref:
    """An object of NetBox by its kind and natural key; its id may not be known before it is made."""

    kind: str
    key: Key


@dataclass(frozen=True)
class Wanted:
    """An object as the fleet wants it.

    Attributes:
        fields: what the fleet says of it, in NetBox's words, references as `Ref` (several as a frozenset of them).
        once: what is said only when it is made, since NetBox asks for it and the fleet says nothing of it.
    """

    key: Key
    fields: Mapping[str, Any]
    once: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Json:
    """A value that NetBox keeps as it is: lists in it have an order, and 1 is not true."""

    value: Any


class AtLeast(frozenset[str]):
    """Texts that must be among others; what else is there may stay."""


@dataclass(frozen=True)
class Termination:
    """The end of a cable at an interface."""

    at: Ref


def slugged(section: str, *fields: str, nestable: bool = False) -> Callable[[Fleet], Iterator[Wanted]]:
    """Want the objects of a section that are known by slug, with these fields.

    Args:
        nestable: NetBox can put them below each other; a fleet wants them side by side.
    """

    def wanted(fleet: Fleet) -> Iterator[Wanted]:
        for item in getattr(fleet, section):
            below: Mapping[str, Any] = {"parent": None} if nestable else {}
            yield Wanted((item.slug,), {"slug": item.slug, **{f: getattr(item, f) for f in fields}, **below})

    return wanted


def _ref(kind: str, key: str | int | None) -> Ref | None:
    return None if key is None else Ref(kind, (key,))


def _refs(kind: str, keys: Iterable[str | int]) -> frozenset[Ref]:
    return frozenset(Ref(kind, (k,)) for k in keys)


def choice_sets(_: Fleet) -> Iterator[Wanted]:
    """Want the choices of the custom fields that are chosen from a list."""
    for one in CUSTOM_FIELDS:
        if one.choices:
            name = one.choice_set
            yield Wanted((name,), {}, {"name": name, "extra_choices": [list(c) for c in one.choices]})


def custom_fields(_: Fleet) -> Iterator[Wanted]:
    """Want samdrift's custom fields; a field that is there may have further object types."""
    for one in CUSTOM_FIELDS:
        once: dict[str, Any] = {"name": one.name, "type": one.type, "label": one.label, "description": one.description}
        if one.choices:
            once["choice_set"] = Ref("choice set", (one.choice_set,))
        yield Wanted((one.name,), {"object_types": AtLeast(one.object_types)}, once)


def rirs(fleet: Fleet) -> Iterator[Wanted]:
    """Want the registry of private AS numbers, if a site has one."""
    if any(s.asns for s in fleet.sites):
        yield Wanted(("private",), {}, {"name": "Private", "slug": "private", "is_private": True})


def asns(fleet: Fleet) -> Iterator[Wanted]:
    """Want the AS number of each site."""
    for asn in sorted({asn for s in fleet.sites for asn in s.asns}):
        yield Wanted((asn,), {}, {"asn": asn, "rir": Ref("RIR", ("private",))})


def sites(fleet: Fleet) -> Iterator[Wanted]:
    """Want the sites."""
    for site in fleet.sites:
        fields = {
            "slug": site.slug,
            "name": site.name,
            "tenant": _ref("tenant", site.tenant),
            "region": _ref("region", site.region),
            "facility": site.facility,
            "latitude": site.latitude,
            "longitude": site.longitude,
            "asns": _refs("ASN", site.asns),
        }
        yield Wanted((site.slug,), fields)


def platforms(fleet: Fleet) -> Iterator[Wanted]:
    """Want the platforms, each with its family."""
    for platform in fleet.platforms:
        fields = {
            "slug": platform.slug,
            "name": platform.name,
            "description": platform.description,
            "parent": None,
            "custom_fields": {FAMILY.name: platform.family},
        }
        yield Wanted((platform.slug,), fields)


def device_types(fleet: Fleet) -> Iterator[Wanted]:
    """Want the device types."""
    for one in fleet.device_types:
        fields = {"slug": one.slug, "model": one.model, "manufacturer": _ref("manufacturer", one.manufacturer)}
        yield Wanted((one.slug,), fields)


def clusters(fleet: Fleet) -> Iterator[Wanted]:
    """Want the clusters, each with its slug."""
    for cluster in fleet.clusters:
        fields = {
            "name": cluster.name,
            "type": _ref("cluster type", cluster.type),
            "description": cluster.description,
            "custom_fields": {CLUSTER_SLUG.name: cluster.slug},
        }
        yield Wanted((cluster.slug,), fields)


def vlans(fleet: Fleet) -> Iterator[Wanted]:
    """Want the VLANs of the sites."""
    for vlan in fleet.vlans:
        yield Wanted((vlan.site or "", vlan.vid), {"vid": vlan.vid, "name": vlan.name, "site": _ref("site", vlan.site)})


def prefixes(fleet: Fleet) -> Iterator[Wanted]:
    """Want the prefixes, each of its site or its region, with its gateway."""
    for prefix in fleet.prefixes:
        kind = "site" if prefix.site is not None else "region"
        fields = {
            "prefix": str(prefix.prefix),
            "description": prefix.description,
            "scope_type": f"dcim.{kind}",
            "scope_id": _ref(kind, prefix.site or prefix.region),
            "vlan": None if prefix.vlan is None else Ref("VLAN", (_site_of_vlan(fleet, prefix), prefix.vlan)),
            "custom_fields": {GATEWAY.name: None if prefix.gateway is None else str(prefix.gateway)},
        }
        yield Wanted((str(prefix.prefix),), fields)


def ranges(fleet: Fleet) -> Iterator[Wanted]:
    """Want the ranges of addresses."""
    for lent in fleet.ranges:
        prefix = fleet.prefix_of(lent.start)
        mask = lent.start.max_prefixlen if prefix is None else prefix.prefix.prefixlen
        fields = {
            "start_address": f"{lent.start}/{mask}",
            "end_address": f"{lent.end}/{mask}",
            "description": lent.description,
        }
        yield Wanted((str(lent.start),), fields, {"status": "active"})


def _site_of_vlan(fleet: Fleet, prefix: Prefix) -> str:
    """Return the site whose VLAN a prefix means: its own; of a prefix that a region shares, the first there that has
    it.
    """
    if prefix.site is not None:
        return prefix.site
    sites = {s.slug for s in fleet.sites if s.region == prefix.region}
    return min((v.site for v in fleet.vlans if v.vid == prefix.vlan and v.site in sites), default="")


def config_contexts(fleet: Fleet) -> Iterator[Wanted]:
    """Want the config contexts, each with what it is assigned by."""
    for context in fleet.config_contexts:
        fields: dict[str, Any] = {
            "name": context.name,
            "weight": context.weight,
            "description": context.description,
            "is_active": context.is_active,
            "data": Json(context.data),
        }
        for theirs, ours in ASSIGNED_BY.items():
            named = getattr(context, ours)
            fields[theirs] = frozenset(named) if theirs == "tags" else _refs(noun(ours), named)
        yield Wanted((context.name,), fields)


def hosts(fleet: Fleet, kind: str) -> Iterator[Wanted]:
    """Want the devices or the virtual machines, still without primary address."""
    for host in fleet.hosts:
        if host.kind != kind:
            continue
        fields: dict[str, Any] = {
            "name": host.name,
            "tenant": _ref("tenant", host.tenant),
            "site": _ref("site", host.site),
            "role": _ref("device role", host.role),
            "platform": _ref("platform", host.platform),
            "status": host.status,
            "serial": host.serial,
            "description": host.description,
            "tags": _refs("tag", host.tags),
            "local_context_data": Json(host.local_context or None),
            "custom_fields": {
                HOST_KEYS.name: "\n".join(host.host_keys) or None,
                WIREGUARD_KEY.name: host.wireguard_public_key or None,
            },
        }
        if kind == "device":
            fields["device_type"] = _ref("device type", host.device_type)
        else:
            fields["cluster"] = _ref("cluster", host.cluster)
        yield Wanted((host.name,), fields)


def _kind_of(host: Host) -> str:
    return "device" if host.kind == "device" else "virtual machine"


def _interface_kind(host: Host) -> str:
    return "interface" if host.kind == "device" else "virtual interface"


MODELS = {
    "device": "dcim.device",
    "virtual machine": "virtualization.virtualmachine",
    "interface": "dcim.interface",
    "virtual interface": "virtualization.vminterface",
}
"""NetBox's own names of kinds, where a field can refer to more than one."""


def interfaces(fleet: Fleet, kind: str) -> Iterator[Wanted]:
    """Want the interfaces of the devices or of the virtual machines, still without LAG."""
    for host in fleet.hosts:
        if host.kind != kind:
            continue
        for interface in host.interfaces:
            owner = "device" if kind == "device" else "virtual_machine"
            fields = {
                owner: Ref(_kind_of(host), (host.name,)),
                "name": interface.name,
                "enabled": interface.enabled,
                "description": interface.description,
                "untagged_vlan": _vlan(host, interface.untagged_vlan),
                "tagged_vlans": frozenset(Ref("VLAN", (host.site, vid)) for vid in interface.tagged_vlans),
            }
            if kind == "device":
                fields["type"] = interface.type
            yield Wanted((host.name, interface.name), fields, {"mode": _mode(interface)})


def members(fleet: Fleet) -> Iterator[Wanted]:
    """Want interfaces to be members of their LAGs."""
    for host in fleet.hosts:
        for interface in host.interfaces if host.kind == "device" else ():
            lag = None if interface.lag is None else Ref("interface", (host.name, interface.lag))
            yield Wanted((host.name, interface.name), {"lag": lag})


def _vlan(host: Host, vid: int | None) -> Ref | None:
    return None if vid is None else Ref("VLAN", (host.site, vid))


def _mode(interface: Interface) -> str | None:
    """Return how an interface carries its VLANs: without a mode, NetBox takes none."""
    if interface.tagged_vlans:
        return "tagged"
    return None if interface.untagged_vlan is None else "access"


def addresses(fleet: Fleet) -> Iterator[Wanted]:
    """Want the addresses of the interfaces."""
    for host in fleet.hosts:
        for interface in host.interfaces:
            for address in interface.addresses:
                kind = _interface_kind(host)
                fields = {
                    "address": str(address),
                    "assigned_object_type": MODELS[kind],
                    "assigned_object_id": Ref(kind, (host.name, interface.name)),
                }
                yield Wanted((str(address.ip),), fields)


def primaries(fleet: Fleet, kind: str) -> Iterator[Wanted]:
    """Want the primary addresses of the devices or of the virtual machines."""
    for host in fleet.hosts:
        if host.kind == kind:
            ip = host.primary_address
            yield Wanted((host.name,), {"primary_ip4": None if ip is None else Ref("address", (str(ip),))})


def cables(fleet: Fleet) -> Iterator[Wanted]:
    """Want the cables between interfaces of devices."""
    for cable in fleet.cables:
        a, b = (tuple(end.split(":", 1)) for end in (cable.a, cable.b))
        ends = {f"{side}_terminations": Termination(Ref("interface", end)) for side, end in (("a", a), ("b", b))}
        yield Wanted((*a, *b), {}, ends)


def services(fleet: Fleet) -> Iterator[Wanted]:
    """Want the services of the hosts."""
    for host in fleet.hosts:
        for service in host.services:
            kind = _kind_of(host)
            fields = {
                "parent_object_type": MODELS[kind],
                "parent_object_id": Ref(kind, (host.name,)),
                "name": service.name,
                "port_mappings": frozenset(f"{service.protocol}/{port}" for port in service.ports),
                "description": service.description,
            }
            yield Wanted((host.name, service.name, service.protocol), fields)
