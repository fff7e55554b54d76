"""What a fleet wants of NetBox: the kinds of objects, what each is known by, and what each should say. Pure.

Objects are known by natural keys (slugs, names, addresses), never by ids, which are NetBox's own. What a fleet does
not say (colours, comments, racks, an interface's MTU) is not asked for, not compared and not written. Not here: what
of it must be written (`writes.py`), and what rows mean to a fleet (`assemble.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from ipaddress import ip_interface
from typing import Any

from inventory.fleet import Fleet, Host, Interface, Prefix
from inventory.netbox.custom_fields import (
    CLUSTER_SLUG,
    CUSTOM_FIELDS,
    FAMILY,
    GATEWAY,
    HOST_KEYS,
    WIREGUARD_KEY,
    CustomField,
)
from inventory.netbox.rows import ASSIGNED_BY, ASSIGNED_BY_MORE
from inventory.netbox.session import Row
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


@dataclass(frozen=True)
class Kind:
    """One kind of NetBox's objects.

    Attributes:
        reads: fields to read, for keys, for comparing and for finding what is in the way.
        key: what a row is known by, or None where it is nothing that a fleet could mean.
        wanted: the objects of this kind that a fleet wants.
        called: how people call one, of its key.
        unique: a field that no two objects may share, as far as the fields in `within` are empty in both.
        of: the kind whose objects these are, where this is a second look at them: they are changed only, never made.
    """

    name: str
    endpoint: str
    reads: tuple[str, ...]
    key: Callable[[Row], Key | None]
    wanted: Callable[[Fleet], Iterable[Wanted]]
    called: str = "{0}"
    unique: str = ""
    within: tuple[str, ...] = ()
    of: str = ""

    def title(self, key: Key) -> str:
        """What people call the object of this key: `VLAN 110 at heby-kommunhus`."""
        return f"{self.name} {self.called.format(*key)}"


# What a fleet wants, kind by kind


def _slugged(section: str, *fields: str, nestable: bool = False) -> Callable[[Fleet], Iterator[Wanted]]:
    """The objects of a section that are known by slug, with these fields; side by side, where NetBox can nest them."""

    def wanted(fleet: Fleet) -> Iterator[Wanted]:
        for item in getattr(fleet, section):
            below: Mapping[str, Any] = {"parent": None} if nestable else {}
            yield Wanted((item.slug,), {"slug": item.slug, **{f: getattr(item, f) for f in fields}, **below})

    return wanted


def _ref(kind: str, key: str | int | None) -> Ref | None:
    return None if key is None else Ref(kind, (key,))


def _refs(kind: str, keys: Iterable[str | int]) -> frozenset[Ref]:
    return frozenset(Ref(kind, (k,)) for k in keys)


def _choice_set(field: CustomField) -> Key:
    return (f"samdrift {field.name}",)


def _choice_sets(_: Fleet) -> Iterator[Wanted]:
    for one in CUSTOM_FIELDS:
        if one.choices:
            name, *_rest = _choice_set(one)
            yield Wanted((name,), {}, {"name": name, "extra_choices": [list(c) for c in one.choices]})


def _custom_fields(_: Fleet) -> Iterator[Wanted]:
    for one in CUSTOM_FIELDS:
        once: dict[str, Any] = {"name": one.name, "type": one.type, "label": one.label, "description": one.description}
        if one.choices:
            once["choice_set"] = Ref("choice set", _choice_set(one))
        yield Wanted((one.name,), {"object_types": AtLeast(one.object_types)}, once)


def _rirs(fleet: Fleet) -> Iterator[Wanted]:
    if any(s.asn is not None for s in fleet.sites):
        yield Wanted(("private",), {}, {"name": "Private", "slug": "private", "is_private": True})


def _asns(fleet: Fleet) -> Iterator[Wanted]:
    for asn in sorted({s.asn for s in fleet.sites if s.asn is not None}):
        yield Wanted((asn,), {}, {"asn": asn, "rir": Ref("RIR", ("private",))})


def _sites(fleet: Fleet) -> Iterator[Wanted]:
    for site in fleet.sites:
        fields = {
            "slug": site.slug,
            "name": site.name,
            "tenant": _ref("tenant", site.tenant),
            "region": _ref("region", site.region),
            "facility": site.facility,
            "latitude": site.latitude,
            "longitude": site.longitude,
            "asns": _refs("ASN", () if site.asn is None else (site.asn,)),
        }
        yield Wanted((site.slug,), fields)


def _platforms(fleet: Fleet) -> Iterator[Wanted]:
    for platform in fleet.platforms:
        fields = {
            "slug": platform.slug,
            "name": platform.name,
            "description": platform.description,
            "parent": None,
            "custom_fields": {FAMILY.name: platform.family},
        }
        yield Wanted((platform.slug,), fields)


def _device_types(fleet: Fleet) -> Iterator[Wanted]:
    for one in fleet.device_types:
        fields = {"slug": one.slug, "model": one.model, "manufacturer": _ref("manufacturer", one.manufacturer)}
        yield Wanted((one.slug,), fields)


def _clusters(fleet: Fleet) -> Iterator[Wanted]:
    for cluster in fleet.clusters:
        fields = {
            "name": cluster.name,
            "type": _ref("cluster type", cluster.type),
            "description": cluster.description,
            "custom_fields": {CLUSTER_SLUG.name: cluster.slug},
        }
        yield Wanted((cluster.slug,), fields)


def _vlans(fleet: Fleet) -> Iterator[Wanted]:
    for vlan in fleet.vlans:
        yield Wanted((vlan.site, vlan.vid), {"vid": vlan.vid, "name": vlan.name, "site": _ref("site", vlan.site)})


def _prefixes(fleet: Fleet) -> Iterator[Wanted]:
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


def _ranges(fleet: Fleet) -> Iterator[Wanted]:
    for lent in fleet.ranges:
        prefix = fleet.prefix_of(lent.start)
        mask = 32 if prefix is None else prefix.prefix.prefixlen
        fields = {
            "start_address": f"{lent.start}/{mask}",
            "end_address": f"{lent.end}/{mask}",
            "description": lent.description,
        }
        yield Wanted((str(lent.start),), fields, {"status": "active"})


def _site_of_vlan(fleet: Fleet, prefix: Prefix) -> str:
    """The site whose VLAN a prefix means: its own; of a prefix that a region shares, the first there that has it."""
    if prefix.site is not None:
        return prefix.site
    sites = {s.slug for s in fleet.sites if s.region == prefix.region}
    return min((v.site for v in fleet.vlans if v.vid == prefix.vlan and v.site in sites), default="")


def _config_contexts(fleet: Fleet) -> Iterator[Wanted]:
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
        fields |= dict.fromkeys(ASSIGNED_BY_MORE, frozenset())
        yield Wanted((context.name,), fields)


def _hosts(fleet: Fleet, kind: str) -> Iterator[Wanted]:
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


def _interfaces(fleet: Fleet, kind: str) -> Iterator[Wanted]:
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


def _members(fleet: Fleet) -> Iterator[Wanted]:
    for host in fleet.hosts:
        for interface in host.interfaces if host.kind == "device" else ():
            lag = None if interface.lag is None else Ref("interface", (host.name, interface.lag))
            yield Wanted((host.name, interface.name), {"lag": lag})


def _vlan(host: Host, vid: int | None) -> Ref | None:
    return None if vid is None else Ref("VLAN", (host.site, vid))


def _mode(interface: Interface) -> str | None:
    """NetBox takes VLANs only of an interface that says how it carries them."""
    if interface.tagged_vlans:
        return "tagged"
    return None if interface.untagged_vlan is None else "access"


def _addresses(fleet: Fleet) -> Iterator[Wanted]:
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


def _primaries(fleet: Fleet, kind: str) -> Iterator[Wanted]:
    for host in fleet.hosts:
        if host.kind == kind:
            ip = host.primary_address
            yield Wanted((host.name,), {"primary_ip4": None if ip is None else Ref("address", (str(ip),))})


def _cables(fleet: Fleet) -> Iterator[Wanted]:
    for cable in fleet.cables:
        a, b = (tuple(end.split(":", 1)) for end in (cable.a, cable.b))
        ends = {f"{side}_terminations": Termination(Ref("interface", end)) for side, end in (("a", a), ("b", b))}
        yield Wanted((*a, *b), {}, ends)


def _services(fleet: Fleet) -> Iterator[Wanted]:
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


# What a row is known by


def _by(name: str) -> Callable[[Row], Key | None]:
    """Known by this field, whatever it says; by nothing if it says nothing."""
    return lambda row: None if row[name] in (None, "") else (row[name],)


def _cluster_key(row: Row) -> Key | None:
    slug = (row["custom_fields"] or {}).get(CLUSTER_SLUG.name)
    return (slug,) if isinstance(slug, str) and slug else None


def _vlan_key(row: Row) -> Key | None:
    return None if row["site"] is None else (row["site"]["slug"], row["vid"])


def _address_key(row: Row) -> Key | None:
    """The address without its mask. Of a VRF, only what an interface has concerns a fleet."""
    is_used = row["vrf"] is None or row["assigned_object_id"] is not None
    return (str(ip_interface(row["address"]).ip),) if is_used else None


def _range_key(row: Row) -> Key | None:
    """Its first address, without the mask."""
    return (str(ip_interface(row["start_address"]).ip),)


def _interface_key(row: Row) -> Key | None:
    owner = row.get("device") or row.get("virtual_machine")
    return (owner["name"], row["name"]) if owner and owner["name"] else None


def _cable_key(row: Row) -> Key | None:
    a, b = tuple(ends(row["a_terminations"])), tuple(ends(row["b_terminations"]))
    return (*a[0], *b[0]) if len(a) == len(b) == 1 else None


def ends(terminations: Sequence[Row]) -> Iterator[tuple[str, str]]:
    """Host and interface of every interface that a side of a cable is plugged into."""
    for one in terminations:
        match one:
            case {"object_type": "dcim.interface", "object": {"name": str(name), "device": {"name": str(host)}}}:
                yield host, name


def _service_key(row: Row) -> Key | None:
    """Host, name and protocol of a service of one protocol."""
    is_of_host = row["parent_object_type"] in {MODELS["device"], MODELS["virtual machine"]}
    if not is_of_host or not row["parent"] or not row["port_mappings"]:
        return None
    return row["parent"]["name"], row["name"], protocol_of(row["port_mappings"][0])


def protocol_of(mapping: str) -> str:
    """`tcp` of `tcp/80`."""
    return mapping.partition("/")[0]


NAMED = ("slug", "name", "description")
HOST_READS = (
    "name", "tenant", "site", "role", "platform", "status", "serial", "description", "tags",
    "local_context_data", "custom_fields", "primary_ip4",
)  # fmt: skip
INTERFACE_READS = ("name", "enabled", "description", "untagged_vlan", "tagged_vlans")

KINDS: tuple[Kind, ...] = (
    Kind("choice set", "extras/custom-field-choice-sets", ("name",), _by("name"), _choice_sets),
    Kind("custom field", "extras/custom-fields", ("name", "type", "object_types"), _by("name"), _custom_fields),
    Kind("tag", "extras/tags", NAMED, _by("slug"), _slugged("tags", "name", "description"), unique="name"),
    Kind(
        "region",
        "dcim/regions",
        ("slug", "name", "parent"),
        _by("slug"),
        _slugged("regions", "name", nestable=True),
        unique="name",
        within=("parent",),
    ),
    Kind(
        "tenant",
        "tenancy/tenants",
        (*NAMED, "group"),
        _by("slug"),
        _slugged("tenants", "name", "description"),
        unique="name",
        within=("group",),
    ),
    Kind("RIR", "ipam/rirs", ("slug", "name"), _by("slug"), _rirs, unique="name"),
    Kind("ASN", "ipam/asns", ("asn",), _by("asn"), _asns, called="{0}"),
    Kind(
        "site",
        "dcim/sites",
        ("slug", "name", "tenant", "region", "facility", "latitude", "longitude", "asns"),
        _by("slug"),
        _sites,
        unique="name",
    ),
    Kind(
        "manufacturer",
        "dcim/manufacturers",
        NAMED,
        _by("slug"),
        _slugged("manufacturers", "name", "description"),
        unique="name",
    ),
    Kind(
        "platform",
        "dcim/platforms",
        (*NAMED, "parent", "manufacturer", "custom_fields"),
        _by("slug"),
        _platforms,
        unique="name",
        within=("manufacturer", "parent"),
    ),
    Kind(
        "device role",
        "dcim/device-roles",
        (*NAMED, "parent"),
        _by("slug"),
        _slugged("device_roles", "name", "description", nestable=True),
        unique="name",
        within=("parent",),
    ),
    Kind("device type", "dcim/device-types", ("slug", "model", "manufacturer"), _by("slug"), _device_types),
    Kind(
        "cluster type",
        "virtualization/cluster-types",
        NAMED,
        _by("slug"),
        _slugged("cluster_types", "name", "description"),
        unique="name",
    ),
    Kind(
        "cluster",
        "virtualization/clusters",
        ("name", "type", "description", "group", "scope_id", "custom_fields"),
        _cluster_key,
        _clusters,
        unique="name",
        within=("group", "scope_id"),
    ),
    Kind("VLAN", "ipam/vlans", ("vid", "name", "site"), _vlan_key, _vlans, called="{1} at {0}"),
    Kind(
        "prefix",
        "ipam/prefixes",
        ("prefix", "description", "scope_type", "scope_id", "scope", "vlan", "status", "custom_fields"),
        _by("prefix"),
        _prefixes,
    ),
    Kind(
        "range",
        "ipam/ip-ranges",
        ("start_address", "end_address", "status", "description"),
        _range_key,
        _ranges,
        called="from {0}",
    ),
    Kind(
        "config context",
        "extras/config-contexts",
        (
            "name",
            "weight",
            "description",
            "is_active",
            "data",
            *ASSIGNED_BY,
            *ASSIGNED_BY_MORE,
        ),
        _by("name"),
        _config_contexts,
    ),
    Kind("device", "dcim/devices", (*HOST_READS, "device_type"), _by("name"), partial(_hosts, kind="device")),
    Kind(
        "virtual machine",
        "virtualization/virtual-machines",
        (*HOST_READS, "cluster"),
        _by("name"),
        partial(_hosts, kind="vm"),
    ),
    Kind(
        "interface",
        "dcim/interfaces",
        ("device", "type", "lag", *INTERFACE_READS),
        _interface_key,
        partial(_interfaces, kind="device"),
        called="{0}:{1}",
    ),
    Kind("LAG", "dcim/interfaces", (), _interface_key, _members, called="of {0}:{1}", of="interface"),
    Kind(
        "virtual interface",
        "virtualization/interfaces",
        ("virtual_machine", *INTERFACE_READS),
        _interface_key,
        partial(_interfaces, kind="vm"),
        called="{0}:{1}",
    ),
    Kind(
        "address",
        "ipam/ip-addresses",
        ("address", "vrf", "assigned_object_type", "assigned_object_id", "assigned_object"),
        _address_key,
        _addresses,
    ),
    Kind(
        "primary address",
        "dcim/devices",
        (),
        _by("name"),
        partial(_primaries, kind="device"),
        called="of {0}",
        of="device",
    ),
    Kind(
        "primary address",
        "virtualization/virtual-machines",
        (),
        _by("name"),
        partial(_primaries, kind="vm"),
        called="of {0}",
        of="virtual machine",
    ),
    Kind(
        "cable",
        "dcim/cables",
        ("display", "a_terminations", "b_terminations"),
        _cable_key,
        _cables,
        called="{0}:{1} to {2}:{3}",
    ),
    Kind(
        "service",
        "ipam/services",
        ("parent_object_type", "parent_object_id", "parent", "name", "port_mappings", "description"),
        _service_key,
        _services,
        called="{1}/{2} of {0}",
    ),
)
