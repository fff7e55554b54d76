"""What is asked of NetBox: for each kind of object its fields, and how what is answered is kept.

Rows are NetBox's objects as plain data, each as little as the Fleet needs. A reference is kept as the id of what it
refers to, so that a renamed site changes one row and no other. Not here: how rows are fetched (`client.py`), when
(`pull.py`), and what they mean (`assemble.py`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from inventory.netbox.client import NetBox
from inventory.netbox.custom_fields import READ
from inventory.netbox.session import Row
from inventory.organisation import ASSIGNED_BY as SECTIONS


@dataclass(frozen=True)
class ReadType:
    """One of NetBox's object types, and what is asked of it.

    Attributes:
        name: as the Fleet or NetBox calls it: `hosts` are of two kinds, `devices` and `virtual_machines`.
        type: NetBox's name of the type, as in the change log.
        endpoint: where REST has it.
        fields: what REST is asked for; with GraphQL, the lists in `selection`, which GraphQL cuts.
        graphql: the GraphQL list, for kinds with thousands of objects, where it is two to seven times as fast.
        selection: what GraphQL is asked for.
        refers: which fields hold ids of which other kind.
        finds: kinds that a field of several types may refer to.
    """

    name: str
    type: str
    endpoint: str
    fields: tuple[str, ...]
    graphql: str = ""
    selection: str = ""
    refers: Mapping[str, str] = field(default_factory=dict)
    finds: tuple[str, ...] = ()

    @property
    def sees(self) -> frozenset[str]:
        """Return the kinds that a token must be allowed to view: GraphQL leaves others out silently."""
        return frozenset({self.name, *self.refers.values(), *self.finds}) if self.graphql else frozenset()


_MORE = ("site_groups", "locations", "cluster_types", "cluster_groups", "tenant_groups")
ASSIGNED_BY = {"roles" if s == "device_roles" else s: s for s in SECTIONS if s not in _MORE}
"""What NetBox assigns a config context by that the Fleet knows too: NetBox's field, and the Fleet's section."""
ASSIGNED_BY_MORE = _MORE
"""And what the Fleet does not know."""

_NAMED = ("name", "slug", "description")
_HOST = (
    "name status serial description local_context_data custom_field_data config_context "
    "site { id } tenant { id } role { id } platform { id } primary_ip4 { id } tags { id }"
)
_HOST_REFERS = {
    "site": "sites",
    "tenant": "tenants",
    "role": "device_roles",
    "platform": "platforms",
    "primary_ip4": "ip_addresses",
    "tags": "tags",
}
_INTERFACE = "name enabled description untagged_vlan { id } tagged_vlans { id }"
_VLANS = {"untagged_vlan": "vlans", "tagged_vlans": "vlans"}

READ_TYPES = (
    ReadType("regions", "dcim.region", "dcim/regions", ("name", "slug", "parent")),
    ReadType("tenants", "tenancy.tenant", "tenancy/tenants", _NAMED),
    ReadType("asns", "ipam.asn", "ipam/asns", ("asn",)),
    ReadType(
        "sites",
        "dcim.site",
        "dcim/sites",
        ("name", "slug", "tenant", "region", "asns", "facility", "latitude", "longitude"),
        refers={"tenant": "tenants", "region": "regions", "asns": "asns"},
    ),
    ReadType("platforms", "dcim.platform", "dcim/platforms", (*_NAMED, "parent", "custom_fields")),
    ReadType("device_roles", "dcim.devicerole", "dcim/device-roles", (*_NAMED, "parent")),
    ReadType("manufacturers", "dcim.manufacturer", "dcim/manufacturers", _NAMED),
    ReadType(
        "device_types",
        "dcim.devicetype",
        "dcim/device-types",
        ("slug", "manufacturer", "model"),
        refers={"manufacturer": "manufacturers"},
    ),
    ReadType("cluster_types", "virtualization.clustertype", "virtualization/cluster-types", _NAMED),
    ReadType(
        "clusters",
        "virtualization.cluster",
        "virtualization/clusters",
        ("name", "description", "type", "custom_fields"),
        refers={"type": "cluster_types"},
    ),
    ReadType("tags", "extras.tag", "extras/tags", _NAMED),
    ReadType("vlans", "ipam.vlan", "ipam/vlans", ("vid", "name", "site"), refers={"site": "sites"}),
    ReadType(
        "prefixes",
        "ipam.prefix",
        "ipam/prefixes",
        (),
        "prefix_list",
        "prefix status description custom_field_data vlan { id } "
        "scope { __typename ... on SiteType { id } ... on RegionType { id } }",
        {"vlan": "vlans"},
        ("sites", "regions"),
    ),
    ReadType("ranges", "ipam.iprange", "ipam/ip-ranges", ("start_address", "end_address", "status", "description")),
    ReadType(
        "config_contexts",
        "extras.configcontext",
        "extras/config-contexts",
        ("name", "weight", "description", "is_active", "data", "data_source", *ASSIGNED_BY, *ASSIGNED_BY_MORE),
        refers=ASSIGNED_BY,
    ),
    ReadType(
        "devices",
        "dcim.device",
        "dcim/devices",
        ("tags",),
        "device_list",
        f"{_HOST} device_type {{ id }}",
        _HOST_REFERS | {"device_type": "device_types"},
    ),
    ReadType(
        "virtual_machines",
        "virtualization.virtualmachine",
        "virtualization/virtual-machines",
        ("tags",),
        "virtual_machine_list",
        f"{_HOST} cluster {{ id }}",
        _HOST_REFERS | {"cluster": "clusters"},
    ),
    ReadType(
        "interfaces",
        "dcim.interface",
        "dcim/interfaces",
        ("tagged_vlans",),
        "interface_list",
        f"{_INTERFACE} type lag {{ id }} device {{ id }}",
        _VLANS | {"lag": "interfaces", "device": "devices"},
    ),
    ReadType(
        "vm_interfaces",
        "virtualization.vminterface",
        "virtualization/interfaces",
        ("tagged_vlans",),
        "vm_interface_list",
        f"{_INTERFACE} virtual_machine {{ id }}",
        _VLANS | {"virtual_machine": "virtual_machines"},
    ),
    ReadType(
        "ip_addresses",
        "ipam.ipaddress",
        "ipam/ip-addresses",
        (),
        "ip_address_list",
        "address assigned_object { __typename ... on InterfaceType { id } ... on VMInterfaceType { id } }",
        finds=("interfaces", "vm_interfaces"),
    ),
    ReadType(
        "services",
        "ipam.service",
        "ipam/services",
        (),
        "service_list",
        "name description port_mappings "
        "parent { __typename ... on DeviceType { id } ... on VirtualMachineType { id } }",
        finds=("devices", "virtual_machines"),
    ),
    ReadType("cables", "dcim.cable", "dcim/cables", ("a_terminations", "b_terminations")),
)

BY_NAME = {kind.name: kind for kind in READ_TYPES}
BY_TYPE = {kind.type: kind for kind in READ_TYPES}

CONTEXTS = "config_context"
"""The field of a host that holds its merged config context."""
LISTS = {"prefixes": "prefix_list", "ranges": "ip_range_list", "ip_addresses": "ip_address_list"}
"""GraphQL lists that are not called as the others."""
LONG = 100
"""From so many members on, a list may be one that GraphQL has cut (at NetBox's MAX_PAGE_SIZE); REST cuts none."""

_AS_DATA = {"config_context", "local_context_data", "data"}
_KEPT_FIELDS = {f.name for f in READ}
_TYPES = {
    "SiteType": "dcim.site",
    "RegionType": "dcim.region",
    "InterfaceType": "dcim.interface",
    "VMInterfaceType": "virtualization.vminterface",
    "DeviceType": "dcim.device",
    "VirtualMachineType": "virtualization.virtualmachine",
}


@dataclass(frozen=True)
class Mark:
    """A position in the change log.

    Attributes:
        id: the newest change seen; 0 for none.
        time: when it was made.
        request: of which request it was. With the time it tells that the log is still the same one.
        missing: numbers shortly before it that no change had. One may still come: a change gets its number before it
            is there for others to see.
    """

    id: int = 0
    time: str = ""
    request: str = ""
    missing: tuple[int, ...] = ()


@dataclass(frozen=True)
class Rows:
    """The rows that were read, by kind and id, as of a mark in the change log."""

    of: Mapping[str, Mapping[int, Row]]
    mark: Mark = Mark()

    def __getitem__(self, kind: str) -> Mapping[int, Row]:
        return self.of[kind]


def fetched(netbox: NetBox, kind: ReadType, ids: Iterable[int] | None = None) -> dict[int, Row]:
    """Read all objects of a kind, or those of these ids that exist, by id.

    Raises:
        NetBoxError: with the object type that could not be read.
    """
    if not kind.graphql:
        found = {row["id"]: plain(row) for row in netbox.rows(kind.endpoint, fields=kind.fields, ids=ids)}
        return _with_tag_ids(netbox, found) if kind.name == "config_contexts" else found
    rows = {row["id"]: plain(row) for row in netbox.listed(kind.graphql, kind.selection, ids=ids)}
    long = [i for i, row in rows.items() if any(len(row[name]) >= LONG for name in kind.fields)]
    for row in netbox.rows(kind.endpoint, fields=kind.fields, ids=long) if long else ():
        if row["id"] in rows:
            rows[row["id"]] |= plain(row)
    return rows


def _with_tag_ids(netbox: NetBox, contexts: dict[int, Row]) -> dict[int, Row]:
    """Return config contexts with tags by id, as everything else refers to them; of these alone, REST returns slugs."""
    if not any(row["tags"] for row in contexts.values()):
        return contexts
    ids = {row["slug"]: row["id"] for row in netbox.rows("extras/tags", fields=("slug",))}

    def numbered(slugs: list[str]) -> list[int | str]:
        return sorted((ids.get(slug, slug) for slug in slugs), key=str)

    return {i: {**row, "tags": numbered(row["tags"])} for i, row in contexts.items()}


def require_view(netbox: NetBox, kinds: Iterable[str]) -> None:
    """Refuse a token that may not view one of these kinds: by GraphQL it would see none of them, and no error.

    Raises:
        NetBoxError: with the object type.
    """
    lists = {name: LISTS.get(name, f"{name.removesuffix('s')}_list") for name in sorted(kinds)}
    asked = " ".join(f"{of}(pagination: {{limit: 1}}) {{ id }}" for of in lists.values())
    seen = netbox.query(f"{{ {asked} }}") if asked else {}
    for name, of in lists.items():
        if not seen.get(of):  # there are none, or none that it may see; REST knows which, and takes its time
            netbox.require_view(BY_NAME[name].endpoint)


def contexts(netbox: NetBox, kind: ReadType, ids: Iterable[int]) -> dict[int, Any]:
    """Return the merged config contexts of these hosts, as NetBox merges them."""
    return {row["id"]: row[CONTEXTS] for row in netbox.listed(kind.graphql, CONTEXTS, ids=ids)}


def plain(row: Row) -> Row:
    """Return the row as it is kept, whether REST or GraphQL gave it."""
    kept = {}
    for name, value in row.items():
        if name in {"custom_fields", "custom_field_data"}:
            kept["custom_fields"] = {k: _plain(v) for k, v in (value or {}).items() if k in _KEPT_FIELDS}
        else:
            kept[name] = value if name in _AS_DATA else _plain(value)
    return kept


def _plain(value: Any) -> Any:
    """Return a reference as an id, a reference to one of several types as `type:id`, a choice as its value."""
    match value:
        case {"__typename": str(name), **rest}:
            return f"{_TYPES.get(name, name)}:{rest.get('id', '')}"
        case {"object_type": str(name), "object_id": number}:
            return f"{name}:{number}"
        case {"id": number}:
            return int(number)
        case {"value": chosen}:
            return chosen
        case list():
            kept = [_plain(v) for v in value]  # references in the order of their ids: NetBox's is that of names
            return sorted(kept) if all(isinstance(v, int) for v in kept) else kept
        case _:
            return value


def dangling(rows: Rows, kinds: Iterable[str]) -> Iterator[tuple[ReadType, int]]:
    """Yield every object that refers to something, of one of these kinds, that is not there."""
    gone_from = set(kinds)
    for kind in READ_TYPES:
        for name, target in kind.refers.items():
            if target not in gone_from:
                continue
            there = rows[target]
            for i, row in rows[kind.name].items():
                value = row.get(name)
                for ref in value if isinstance(value, list) else (value,):
                    if ref is not None and ref not in there:
                        yield kind, i
