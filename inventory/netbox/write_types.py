"""The kinds of NetBox's objects that a fleet is made of: what is read of each, what a row is known by, and what a fleet
wants of it. Pure.

In the order in which they are made: what others refer to first. Rows come as `meaning.py` leaves them. Not here: how a
fleet says what it wants (`wanted.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial

from inventory.fleet import Fleet
from inventory.netbox import wanted, wanted_hosts, wanted_network
from inventory.netbox import write_keys as keys
from inventory.netbox.read_types import ASSIGNED_BY
from inventory.netbox.session import Row
from inventory.netbox.wanted import Key, Wanted


def _nothing(_wanted: Wanted, _row: Row) -> frozenset[str]:
    return frozenset()


def _no_like(_row: Row) -> Key:
    return ()


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
        like: what a row has in common with a wanted object of another key that it may be (`Wanted.like`).
        only_read: nothing of it is written; it says what others mean.
        says: the fields that a row says in another shape than the fleet, with the same meaning.
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
    like: Callable[[Row], Key] = _no_like
    says: Callable[[Wanted, Row], frozenset[str]] = _nothing
    only_read: bool = False

    def title(self, key: Key) -> str:
        """Name the object of this key as people do: `VLAN 110 at heby-kommunhus`."""
        return f"{self.name} {self.called.format(*key)}".strip()


def _nobody(_: Fleet) -> Iterable[Wanted]:
    return ()


NAMED = ("slug", "name", "description")
HOST_READS = (
    "name", "tenant", "site", "role", "platform", "status", "serial", "description", "tags",
    "local_context_data", "custom_fields", "primary_ip4", "primary_ip6",
)  # fmt: skip
INTERFACE_READS = ("name", "enabled", "description", "mode", "untagged_vlan", "tagged_vlans", "vrf", "parent", "bridge")
SCOPED = ("scope_type", "scope_id", "scope")
_known = keys.by(keys.KNOWN_BY)

WRITE_TYPES: tuple[WriteType, ...] = (
    WriteType("choice set", "extras/custom-field-choice-sets", ("name",), keys.by("name"), wanted.choice_sets),
    WriteType(
        "custom field", "extras/custom-fields", ("name", "type", "object_types"), keys.by("name"), wanted.custom_fields
    ),
    WriteType(
        "tag",
        "extras/tags",
        NAMED,
        keys.by("slug"),
        wanted.slugged("tags", "name", "description", shared=True),
        unique="name",
    ),
    WriteType(
        "region",
        "dcim/regions",
        ("slug", "name", "parent"),
        _known,
        wanted.slugged("regions", "name", within={"parent": "region"}),
        unique="name",
        within=("parent",),
    ),
    WriteType(
        "site group",
        "dcim/site-groups",
        ("slug", "name", "parent"),
        _known,
        wanted.slugged("site_groups", "name", within={"parent": "site group"}),
        unique="name",
        within=("parent",),
    ),
    WriteType(
        "tenant group",
        "tenancy/tenant-groups",
        ("slug", "name", "parent"),
        _known,
        wanted.slugged("tenant_groups", "name", within={"parent": "tenant group"}),
        unique="name",
    ),
    WriteType(
        "tenant",
        "tenancy/tenants",
        (*NAMED, "group"),
        _known,
        wanted.slugged("tenants", "name", "description", within={"group": "tenant group"}),
        unique="name",
        within=("group",),
    ),
    WriteType("RIR", "ipam/rirs", ("slug", "name"), keys.by("slug"), wanted.rirs, unique="name"),
    WriteType("ASN", "ipam/asns", ("asn",), keys.by("asn"), wanted.asns, called="{0}"),
    WriteType(
        "site",
        "dcim/sites",
        ("slug", "name", "tenant", "region", "group", "facility", "latitude", "longitude", "asns"),
        keys.by("slug"),
        wanted.sites,
        unique="name",
    ),
    WriteType("location", "dcim/locations", ("slug", "name", "site", "parent"), _known, wanted.locations),
    WriteType(
        "manufacturer",
        "dcim/manufacturers",
        NAMED,
        keys.by("slug"),
        wanted.slugged("manufacturers", "name", "description", shared=True),
        unique="name",
    ),
    WriteType(
        "platform",
        "dcim/platforms",
        (*NAMED, "parent", "manufacturer", "custom_fields"),
        _known,
        wanted.platforms,
        unique="name",
        within=("manufacturer", "parent"),
    ),
    WriteType(
        "device role",
        "dcim/device-roles",
        (*NAMED, "parent"),
        _known,
        wanted.slugged("device_roles", "name", "description", within={"parent": "device role"}, shared=True),
        unique="name",
        within=("parent",),
    ),
    WriteType(
        "device type",
        "dcim/device-types",
        ("slug", "model", "part_number", "manufacturer"),
        _known,
        wanted.device_types,
    ),
    WriteType(
        "cluster type",
        "virtualization/cluster-types",
        NAMED,
        keys.by("slug"),
        wanted.slugged("cluster_types", "name", "description", shared=True),
        unique="name",
    ),
    WriteType(
        "cluster group",
        "virtualization/cluster-groups",
        NAMED,
        keys.by("slug"),
        wanted.slugged("cluster_groups", "name", "description", shared=True),
        unique="name",
    ),
    WriteType(
        "cluster",
        "virtualization/clusters",
        ("name", "type", "description", "group", "scope_id", "custom_fields"),
        _known,
        wanted.clusters,
        unique="name",
        within=("group", "scope_id"),
    ),
    WriteType("VRF", "ipam/vrfs", ("name", "rd", "description"), _known, wanted_network.vrfs),
    WriteType("VLAN group", "ipam/vlan-groups", ("slug", "name", *SCOPED), _known, wanted_network.vlan_groups),
    WriteType("VLAN role", "ipam/roles", ("slug", "name"), keys.by("slug"), wanted_network.vlan_roles, unique="name"),
    WriteType(
        "VLAN",
        "ipam/vlans",
        ("vid", "name", "site", "group", "role"),
        keys.vlan_key,
        wanted_network.vlans,
        called="{2} at {0}{1}",
        like=keys.vlan_like,
        says=keys.vlan_says,
    ),
    WriteType(
        "prefix",
        "ipam/prefixes",
        ("prefix", "vrf", "description", *SCOPED, "vlan", "status", "custom_fields"),
        keys.prefix_key,
        wanted_network.prefixes,
        like=keys.prefix_like,
        says=keys.prefix_says,
    ),
    WriteType(
        "range",
        "ipam/ip-ranges",
        ("start_address", "end_address", "vrf", "status", "description"),
        keys.range_key,
        wanted_network.ranges,
        called="from {0}",
    ),
    WriteType(
        "config context",
        "extras/config-contexts",
        ("name", "weight", "description", "is_active", "data", *ASSIGNED_BY),
        keys.by("name"),
        wanted.config_contexts,
    ),
    WriteType("virtual chassis", "dcim/virtual-chassis", ("name", "master"), keys.stack_key, wanted_hosts.stacks),
    WriteType(
        "device",
        "dcim/devices",
        (*HOST_READS, "device_type", "location", "oob_ip", "virtual_chassis", "vc_position"),
        keys.by("name"),
        partial(wanted_hosts.hosts, kind="device"),
    ),
    WriteType(
        "master",
        "dcim/virtual-chassis",
        (),
        keys.stack_key,
        wanted_hosts.masters,
        called="of the stack {0}",
        completes="virtual chassis",
    ),
    WriteType(
        "virtual machine",
        "virtualization/virtual-machines",
        (*HOST_READS, "cluster"),
        keys.by("name"),
        partial(wanted_hosts.hosts, kind="vm"),
    ),
    WriteType(
        "interface",
        "dcim/interfaces",
        ("device", "type", "mgmt_only", "lag", *INTERFACE_READS),
        keys.interface_key,
        partial(wanted_hosts.interfaces, kind="device"),
        called="{0}:{1}",
    ),
    WriteType(
        "LAG, parent and bridge",
        "dcim/interfaces",
        (),
        keys.interface_key,
        partial(wanted_hosts.parts, kind="device"),
        called="of {0}:{1}",
        completes="interface",
    ),
    WriteType(
        "virtual interface",
        "virtualization/interfaces",
        ("virtual_machine", *INTERFACE_READS),
        keys.interface_key,
        partial(wanted_hosts.interfaces, kind="vm"),
        called="{0}:{1}",
    ),
    WriteType(
        "parent and bridge",
        "virtualization/interfaces",
        (),
        keys.interface_key,
        partial(wanted_hosts.parts, kind="vm"),
        called="of {0}:{1}",
        completes="virtual interface",
    ),
    WriteType(
        "FHRP group assignment",
        "ipam/fhrp-group-assignments",
        ("group", "interface_type", "interface_id", "interface"),
        lambda row: (row["id"],),
        _nobody,
        only_read=True,
    ),
    WriteType(
        "address",
        "ipam/ip-addresses",
        ("address", "vrf", "role", "status", "assigned_object_type", "assigned_object_id", "assigned_object"),
        keys.address_key,
        wanted_hosts.addresses,
        called="{1}",
        like=keys.address_like,
    ),
    WriteType(
        "primary address",
        "dcim/devices",
        (),
        keys.by("name"),
        partial(wanted_hosts.primaries, kind="device"),
        called="of {0}",
        completes="device",
    ),
    WriteType(
        "primary address",
        "virtualization/virtual-machines",
        (),
        keys.by("name"),
        partial(wanted_hosts.primaries, kind="vm"),
        called="of {0}",
        completes="virtual machine",
    ),
    WriteType(
        "cable",
        "dcim/cables",
        ("display", "a_terminations", "b_terminations", "status", "profile"),
        keys.cable_key,
        wanted_hosts.cables,
        called="{0}:{1} to {2}:{3}",
    ),
    WriteType(
        "service",
        "ipam/services",
        ("parent_object_type", "parent_object_id", "parent", "name", "port_mappings", "description"),
        keys.service_key,
        wanted_hosts.services,
        called="{1}/{2} of {0}",
    ),
)
