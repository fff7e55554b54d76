"""The table of what is read of NetBox: each kind of object, and its fields. Pure.

A field stands here once, by REST's name; what REST and GraphQL are asked for is computed from it, and either answer
gives the same row. To add a field, name it in its kind: in `values` what is kept as it is, in `one` or `many` what
refers to other objects, in `any_of` what refers to an object of one of several types. To add a kind, add a `ReadType`
to `READ_TYPES`, after what it refers to; a type that an `any_of` names for the first time gets its GraphQL name in
`GRAPHQL_TYPES`. Not here: how rows are fetched and kept (`rows.py`), and what they mean (`assemble.py`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from inventory.organisation import ASSIGNED_BY as SECTIONS

GRAPHQL_TYPES = {
    "dcim.device": "DeviceType",
    "dcim.interface": "InterfaceType",
    "dcim.location": "LocationType",
    "dcim.rack": "RackType",
    "dcim.rackgroup": "RackGroupType",
    "dcim.region": "RegionType",
    "dcim.site": "SiteType",
    "dcim.sitegroup": "SiteGroupType",
    "ipam.fhrpgroup": "FHRPGroupType",
    "virtualization.cluster": "ClusterType",
    "virtualization.clustergroup": "ClusterGroupType",
    "virtualization.virtualmachine": "VirtualMachineType",
    "virtualization.vminterface": "VMInterfaceType",
}
"""What GraphQL calls NetBox's object types."""
GRAPHQL_FIELDS = {"custom_fields": "custom_field_data"}
"""Fields that GraphQL calls otherwise than REST."""
CHOICES = frozenset({"mode", "protocol", "role", "status", "type"})
"""Fields that are chosen from a list. One that is left empty is null in REST, and an empty text in GraphQL."""
REST_PAIRS = {"parent": "parent_object"}
"""Fields of several types of which REST's `…_type` and `…_id` begin otherwise than the field."""


@dataclass(frozen=True)
class ReadType:
    """One of NetBox's object types, and what is read of it.

    Attributes:
        name: as the Fleet or NetBox calls it: `hosts` are of two kinds, `devices` and `virtual_machines`.
        type: NetBox's name of the type, as in the change log.
        endpoint: where REST has it.
        values: the fields that are kept as plain data: texts, numbers, choices, JSON.
        one: the fields that refer to one object: field and kind. The kind is empty where it is not read.
        many: the fields that refer to any number of objects, likewise.
        any_of: the fields that refer to one object of one of several types: field and NetBox's names of the types.
        large: whether there may be thousands. Then its list is asked for by itself, and small ones together.
        by_rest: whether only REST says what is kept of it. All else is read by GraphQL where that is possible, two to
            seven times as fast.
        listed: GraphQL's list of them, if it is not called as the kind is.
    """

    name: str
    type: str
    endpoint: str
    values: tuple[str, ...]
    one: Mapping[str, str] = field(default_factory=dict)
    many: Mapping[str, str] = field(default_factory=dict)
    any_of: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    large: bool = False
    by_rest: bool = False
    listed: str = ""

    @property
    def names(self) -> tuple[str, ...]:
        """Return all fields."""
        return (*self.values, *self.one, *self.many, *self.any_of)

    @property
    def refers(self) -> dict[str, str]:
        """Return which fields hold ids of which other kind."""
        return {name: kind for name, kind in (*self.one.items(), *self.many.items()) if kind}

    @property
    def sees(self) -> frozenset[str]:
        """Return the kinds that a token must be allowed to view: GraphQL leaves others out silently."""
        found = (BY_TYPE[t].name for types in self.any_of.values() for t in types if t in BY_TYPE)
        return frozenset({self.name, *self.refers.values(), *found}) if not self.by_rest else frozenset()

    @property
    def graphql_list(self) -> str:
        """Return the name of GraphQL's list."""
        return self.listed or f"{self.name.removesuffix('s')}_list"

    def rest(self, names: Iterable[str]) -> tuple[str, ...]:
        """Return what REST is asked for, to learn these fields."""
        return tuple(part for name in names for part in (rest_pair(name) if name in self.any_of else (name,)))

    def graphql(self, names: Iterable[str]) -> str:
        """Return what GraphQL is asked for, to learn these fields."""
        return " ".join(map(self._selected, names))

    def _selected(self, name: str) -> str:
        if name in self.any_of:
            types = " ".join(f"... on {GRAPHQL_TYPES[t]} {{ id }}" for t in self.any_of[name])
            return f"{name} {{ __typename {types} }}"
        return f"{name} {{ id }}" if name in self.one or name in self.many else GRAPHQL_FIELDS.get(name, name)


def rest_pair(name: str) -> tuple[str, str]:
    """Return the two fields by which REST says what a field of several types refers to: its type and its id."""
    begins = REST_PAIRS.get(name, name)
    return f"{begins}_type", f"{begins}_id"


ASSIGNED_BY = {"roles" if section == "device_roles" else section: section for section in SECTIONS}
"""What NetBox assigns a config context by: its field, and the Fleet's section."""
CONTEXTS = "config_context"
"""The field of a host that holds its merged config context."""

_NAMED = ("name", "slug", "description")
_HOST = ("name", "status", "serial", "description", "local_context_data", "custom_fields", CONTEXTS)
_HOST_REFERS = {
    "site": "sites",
    "tenant": "tenants",
    "role": "device_roles",
    "platform": "platforms",
    "primary_ip4": "ip_addresses",
    "primary_ip6": "ip_addresses",
}
_INTERFACE = ("name", "enabled", "description", "mode")
_INTERFACE_REFERS = {"untagged_vlan": "vlans", "vrf": "vrfs"}

READ_TYPES = (
    ReadType("regions", "dcim.region", "dcim/regions", ("name", "slug"), {"parent": "regions"}),
    ReadType("site_groups", "dcim.sitegroup", "dcim/site-groups", ("name", "slug"), {"parent": "site_groups"}),
    ReadType(
        "tenant_groups", "tenancy.tenantgroup", "tenancy/tenant-groups", ("name", "slug"), {"parent": "tenant_groups"}
    ),
    ReadType("tenants", "tenancy.tenant", "tenancy/tenants", _NAMED, {"group": "tenant_groups"}),
    ReadType("asns", "ipam.asn", "ipam/asns", ("asn",)),
    ReadType(
        "sites",
        "dcim.site",
        "dcim/sites",
        ("name", "slug", "facility", "latitude", "longitude"),
        {"tenant": "tenants", "region": "regions", "group": "site_groups"},
        {"asns": "asns"},
    ),
    ReadType(
        "locations", "dcim.location", "dcim/locations", ("name", "slug"), {"site": "sites", "parent": "locations"}
    ),
    ReadType("platforms", "dcim.platform", "dcim/platforms", (*_NAMED, "custom_fields"), {"parent": "platforms"}),
    ReadType("device_roles", "dcim.devicerole", "dcim/device-roles", _NAMED, {"parent": "device_roles"}),
    ReadType("manufacturers", "dcim.manufacturer", "dcim/manufacturers", _NAMED),
    ReadType(
        "device_types",
        "dcim.devicetype",
        "dcim/device-types",
        ("slug", "model", "part_number"),
        {"manufacturer": "manufacturers"},
    ),
    ReadType("cluster_types", "virtualization.clustertype", "virtualization/cluster-types", _NAMED),
    ReadType("cluster_groups", "virtualization.clustergroup", "virtualization/cluster-groups", _NAMED),
    ReadType(
        "clusters",
        "virtualization.cluster",
        "virtualization/clusters",
        ("name", "description", "custom_fields"),
        {"type": "cluster_types", "group": "cluster_groups"},
    ),
    ReadType("tags", "extras.tag", "extras/tags", _NAMED),
    ReadType("vrfs", "ipam.vrf", "ipam/vrfs", ("name", "rd", "description")),
    ReadType(
        "vlan_groups",
        "ipam.vlangroup",
        "ipam/vlan-groups",
        ("name", "slug"),
        any_of={
            "scope": (
                "dcim.site",
                "dcim.region",
                "dcim.sitegroup",
                "dcim.location",
                "dcim.rack",
                "dcim.rackgroup",
                "virtualization.cluster",
                "virtualization.clustergroup",
            )
        },
    ),
    ReadType("vlan_roles", "ipam.role", "ipam/roles", ("slug",), listed="role_list"),
    ReadType(
        "vlans",
        "ipam.vlan",
        "ipam/vlans",
        ("vid", "name"),
        {"site": "sites", "group": "vlan_groups", "role": "vlan_roles"},
    ),
    ReadType(
        "prefixes",
        "ipam.prefix",
        "ipam/prefixes",
        ("prefix", "status", "description", "custom_fields"),
        {"vlan": "vlans", "vrf": "vrfs"},
        any_of={"scope": ("dcim.site", "dcim.region", "dcim.sitegroup", "dcim.location")},
        large=True,
        listed="prefix_list",
    ),
    ReadType(
        "ranges",
        "ipam.iprange",
        "ipam/ip-ranges",
        ("start_address", "end_address", "status", "description"),
        {"vrf": "vrfs"},
        listed="ip_range_list",
    ),
    ReadType(
        "config_contexts",
        "extras.configcontext",
        "extras/config-contexts",
        ("name", "weight", "description", "is_active", "data"),
        {"data_source": ""},
        ASSIGNED_BY,
    ),
    ReadType(
        "virtual_chassis",
        "dcim.virtualchassis",
        "dcim/virtual-chassis",
        ("name",),
        {"master": "devices"},
        listed="virtual_chassis_list",
    ),
    ReadType(
        "devices",
        "dcim.device",
        "dcim/devices",
        (*_HOST, "vc_position"),
        _HOST_REFERS
        | {
            "device_type": "device_types",
            "location": "locations",
            "oob_ip": "ip_addresses",
            "virtual_chassis": "virtual_chassis",
        },
        {"tags": "tags"},
        large=True,
    ),
    ReadType(
        "virtual_machines",
        "virtualization.virtualmachine",
        "virtualization/virtual-machines",
        _HOST,
        _HOST_REFERS | {"cluster": "clusters"},
        {"tags": "tags"},
        large=True,
    ),
    ReadType(
        "interfaces",
        "dcim.interface",
        "dcim/interfaces",
        (*_INTERFACE, "type", "mgmt_only"),
        _INTERFACE_REFERS | {"lag": "interfaces", "parent": "interfaces", "bridge": "interfaces", "device": "devices"},
        {"tagged_vlans": "vlans"},
        large=True,
    ),
    ReadType(
        "vm_interfaces",
        "virtualization.vminterface",
        "virtualization/interfaces",
        _INTERFACE,
        _INTERFACE_REFERS
        | {"parent": "vm_interfaces", "bridge": "vm_interfaces", "virtual_machine": "virtual_machines"},
        {"tagged_vlans": "vlans"},
        large=True,
    ),
    ReadType(
        "fhrp_assignments",
        "ipam.fhrpgroupassignment",
        "ipam/fhrp-group-assignments",
        (),
        {"group": ""},
        any_of={"interface": ("dcim.interface", "virtualization.vminterface")},
        listed="fhrp_group_assignment_list",
    ),
    ReadType(
        "ip_addresses",
        "ipam.ipaddress",
        "ipam/ip-addresses",
        ("address", "status", "role"),
        {"vrf": "vrfs"},
        any_of={"assigned_object": ("dcim.interface", "virtualization.vminterface", "ipam.fhrpgroup")},
        large=True,
        listed="ip_address_list",
    ),
    ReadType(
        "services",
        "ipam.service",
        "ipam/services",
        ("name", "description", "port_mappings"),
        any_of={"parent": ("dcim.device", "virtualization.virtualmachine", "ipam.fhrpgroup")},
        large=True,
    ),
    ReadType(
        "cables",
        "dcim.cable",
        "dcim/cables",
        ("a_terminations", "b_terminations", "status", "profile", "label"),
        by_rest=True,
    ),
    ReadType("virtual_device_contexts", "dcim.virtualdevicecontext", "dcim/virtual-device-contexts", ("name",)),
)

PATHS = ReadType(
    "paths",
    "",
    "dcim/interfaces",
    ("connected_endpoints", "connected_endpoints_type", "connected_endpoints_reachable"),
    by_rest=True,
)
"""Where NetBox's traces of cables lead from interfaces: read only of those whose own cable does not say it."""

BY_NAME = {kind.name: kind for kind in READ_TYPES}
BY_TYPE = {kind.type: kind for kind in READ_TYPES}
