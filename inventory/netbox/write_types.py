"""The kinds of NetBox's objects that a fleet is made of: what is read of each, what a row is known by, and what a fleet
wants of it. Pure.

In the order in which they are made: what others refer to first. Not here: how a fleet says what it wants (`wanted.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from ipaddress import ip_interface

from inventory.fleet import Fleet
from inventory.netbox import wanted
from inventory.netbox.custom_fields import CLUSTER_SLUG
from inventory.netbox.read_types import ASSIGNED_BY
from inventory.netbox.session import Row
from inventory.netbox.wanted import MODELS, Key, Wanted


@dataclass(frozen=True)
class WriteType:
    """One of NetBox's object types, and how seed writes it.

    Attributes:
        reads: fields to read, for keys, for comparing and for finding what is in the way.
        key: what a row is known by, or None where it is nothing that a fleet could mean.
        wanted: the objects of this kind that a fleet wants.
        called: how people call one, of its key.
        unique: a field that no two objects may share, as far as the fields in `within` are empty in both.
        completes: the kind that makes these objects, where this one only sets fields that refer to objects made later.
    """

    name: str
    endpoint: str
    reads: tuple[str, ...]
    key: Callable[[Row], Key | None]
    wanted: Callable[[Fleet], Iterable[Wanted]]
    called: str = "{0}"
    unique: str = ""
    within: tuple[str, ...] = ()
    completes: str = ""

    def title(self, key: Key) -> str:
        """Name the object of this key as people do: `VLAN 110 at heby-kommunhus`."""
        return f"{self.name} {self.called.format(*key)}"


def _by(name: str) -> Callable[[Row], Key | None]:
    """Make a function that returns this field as the key; None if the field is empty."""
    return lambda row: None if row[name] in (None, "") else (row[name],)


def _cluster_key(row: Row) -> Key | None:
    """Return a cluster's slug, which is a custom field."""
    slug = (row["custom_fields"] or {}).get(CLUSTER_SLUG.name)
    return (slug,) if isinstance(slug, str) and slug else None


def _vlan_key(row: Row) -> Key | None:
    """Return a VLAN's site and number."""
    return None if row["site"] is None else (row["site"]["slug"], row["vid"])


def _address_key(row: Row) -> Key | None:
    """Return an address without its mask. Of a VRF, only what an interface has concerns a fleet."""
    is_used = row["vrf"] is None or row["assigned_object_id"] is not None
    return (str(ip_interface(row["address"]).ip),) if is_used else None


def _range_key(row: Row) -> Key | None:
    """Return the first address of a range, without the mask."""
    return (str(ip_interface(row["start_address"]).ip),)


def _interface_key(row: Row) -> Key | None:
    """Return an interface's host and name."""
    owner = row.get("device") or row.get("virtual_machine")
    return (owner["name"], row["name"]) if owner and owner["name"] else None


def _cable_key(row: Row) -> Key | None:
    """Return host and interface of both ends of a cable, if it has one at each."""
    a, b = tuple(ends(row["a_terminations"])), tuple(ends(row["b_terminations"]))
    return (*a[0], *b[0]) if len(a) == len(b) == 1 else None


def ends(terminations: Sequence[Row]) -> Iterator[tuple[str, str]]:
    """Yield host and interface of every interface that a side of a cable is plugged into."""
    for one in terminations:
        match one:
            case {"object_type": "dcim.interface", "object": {"name": str(name), "device": {"name": str(host)}}}:
                yield host, name


def _service_key(row: Row) -> Key | None:
    """Return host, name and protocol of a service of one protocol."""
    is_of_host = row["parent_object_type"] in {MODELS["device"], MODELS["virtual machine"]}
    if not is_of_host or not row["parent"] or not row["port_mappings"]:
        return None
    return row["parent"]["name"], row["name"], protocol_of(row["port_mappings"][0])


def protocol_of(mapping: str) -> str:
    """Return the protocol of a port mapping: `tcp` of `tcp/80`."""
    return mapping.partition("/")[0]


NAMED = ("slug", "name", "description")
HOST_READS = (
    "name", "tenant", "site", "role", "platform", "status", "serial", "description", "tags",
    "local_context_data", "custom_fields", "primary_ip4",
)  # fmt: skip
INTERFACE_READS = ("name", "enabled", "description", "untagged_vlan", "tagged_vlans")

WRITE_TYPES: tuple[WriteType, ...] = (
    WriteType("choice set", "extras/custom-field-choice-sets", ("name",), _by("name"), wanted.choice_sets),
    WriteType(
        "custom field", "extras/custom-fields", ("name", "type", "object_types"), _by("name"), wanted.custom_fields
    ),
    WriteType("tag", "extras/tags", NAMED, _by("slug"), wanted.slugged("tags", "name", "description"), unique="name"),
    WriteType(
        "region",
        "dcim/regions",
        ("slug", "name", "parent"),
        _by("slug"),
        wanted.slugged("regions", "name", nestable=True),
        unique="name",
        within=("parent",),
    ),
    WriteType(
        "tenant",
        "tenancy/tenants",
        (*NAMED, "group"),
        _by("slug"),
        wanted.slugged("tenants", "name", "description"),
        unique="name",
        within=("group",),
    ),
    WriteType("RIR", "ipam/rirs", ("slug", "name"), _by("slug"), wanted.rirs, unique="name"),
    WriteType("ASN", "ipam/asns", ("asn",), _by("asn"), wanted.asns, called="{0}"),
    WriteType(
        "site",
        "dcim/sites",
        ("slug", "name", "tenant", "region", "facility", "latitude", "longitude", "asns"),
        _by("slug"),
        wanted.sites,
        unique="name",
    ),
    WriteType(
        "manufacturer",
        "dcim/manufacturers",
        NAMED,
        _by("slug"),
        wanted.slugged("manufacturers", "name", "description"),
        unique="name",
    ),
    WriteType(
        "platform",
        "dcim/platforms",
        (*NAMED, "parent", "manufacturer", "custom_fields"),
        _by("slug"),
        wanted.platforms,
        unique="name",
        within=("manufacturer", "parent"),
    ),
    WriteType(
        "device role",
        "dcim/device-roles",
        (*NAMED, "parent"),
        _by("slug"),
        wanted.slugged("device_roles", "name", "description", nestable=True),
        unique="name",
        within=("parent",),
    ),
    WriteType("device type", "dcim/device-types", ("slug", "model", "manufacturer"), _by("slug"), wanted.device_types),
    WriteType(
        "cluster type",
        "virtualization/cluster-types",
        NAMED,
        _by("slug"),
        wanted.slugged("cluster_types", "name", "description"),
        unique="name",
    ),
    WriteType(
        "cluster",
        "virtualization/clusters",
        ("name", "type", "description", "group", "scope_id", "custom_fields"),
        _cluster_key,
        wanted.clusters,
        unique="name",
        within=("group", "scope_id"),
    ),
    WriteType("VLAN", "ipam/vlans", ("vid", "name", "site"), _vlan_key, wanted.vlans, called="{1} at {0}"),
    WriteType(
        "prefix",
        "ipam/prefixes",
        ("prefix", "description", "scope_type", "scope_id", "scope", "vlan", "status", "custom_fields"),
        _by("prefix"),
        wanted.prefixes,
    ),
    WriteType(
        "range",
        "ipam/ip-ranges",
        ("start_address", "end_address", "status", "description"),
        _range_key,
        wanted.ranges,
        called="from {0}",
    ),
    WriteType(
        "config context",
        "extras/config-contexts",
        (
            "name",
            "weight",
            "description",
            "is_active",
            "data",
            *ASSIGNED_BY,
        ),
        _by("name"),
        wanted.config_contexts,
    ),
    WriteType(
        "device", "dcim/devices", (*HOST_READS, "device_type"), _by("name"), partial(wanted.hosts, kind="device")
    ),
    WriteType(
        "virtual machine",
        "virtualization/virtual-machines",
        (*HOST_READS, "cluster"),
        _by("name"),
        partial(wanted.hosts, kind="vm"),
    ),
    WriteType(
        "interface",
        "dcim/interfaces",
        ("device", "type", "lag", *INTERFACE_READS),
        _interface_key,
        partial(wanted.interfaces, kind="device"),
        called="{0}:{1}",
    ),
    WriteType("LAG", "dcim/interfaces", (), _interface_key, wanted.members, called="of {0}:{1}", completes="interface"),
    WriteType(
        "virtual interface",
        "virtualization/interfaces",
        ("virtual_machine", *INTERFACE_READS),
        _interface_key,
        partial(wanted.interfaces, kind="vm"),
        called="{0}:{1}",
    ),
    WriteType(
        "address",
        "ipam/ip-addresses",
        ("address", "vrf", "assigned_object_type", "assigned_object_id", "assigned_object"),
        _address_key,
        wanted.addresses,
    ),
    WriteType(
        "primary address",
        "dcim/devices",
        (),
        _by("name"),
        partial(wanted.primaries, kind="device"),
        called="of {0}",
        completes="device",
    ),
    WriteType(
        "primary address",
        "virtualization/virtual-machines",
        (),
        _by("name"),
        partial(wanted.primaries, kind="vm"),
        called="of {0}",
        completes="virtual machine",
    ),
    WriteType(
        "cable",
        "dcim/cables",
        ("display", "a_terminations", "b_terminations"),
        _cable_key,
        wanted.cables,
        called="{0}:{1} to {2}:{3}",
    ),
    WriteType(
        "service",
        "ipam/services",
        ("parent_object_type", "parent_object_id", "parent", "name", "port_mappings", "description"),
        _service_key,
        wanted.services,
        called="{1}/{2} of {0}",
    ),
)
