"""From NetBox's rows to hosts: devices, stacks and virtual machines, with interfaces, addresses and services. Pure.

A virtual chassis (a stack) with a master is one host: the master, with the interfaces of all its members.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from ipaddress import ip_interface
from typing import Any, get_args

from inventory.fleet import Host
from inventory.frozen import Frozen
from inventory.netbox.assemble_network import vrf_of
from inventory.netbox.custom_fields import HOST_KEYS, WIREGUARD_KEY
from inventory.netbox.making import Making, only, reference
from inventory.netbox.read_types import CONTEXTS
from inventory.netbox.session import Row
from inventory.network import SharedRole
from inventory.order import keys_in_order

INTERFACE, VM_INTERFACE, FHRP_GROUP = "dcim.interface", "virtualization.vminterface", "ipam.fhrpgroup"
SHARED_ROLES = frozenset(get_args(SharedRole))
UNNAMED_ROLE = "vip"
"""The role of an address of an FHRP group that says none itself. The group's protocol is not read: it stands beside the
group's key.
"""
NOT_CONFIGURED = frozenset({"reserved", "deprecated"})
"""The statuses of addresses that no interface has yet, or any more."""


@dataclass
class _Addresses:
    """The addresses of one interface: its own and those that it shares, and the VRFs that they are of."""

    own: list[Row] = field(default_factory=list)
    shared: list[Row] = field(default_factory=list)


BESIDE = ("lag", "parent", "bridge")
"""The fields of an interface that name another one of its host."""


@dataclass(frozen=True)
class _Kind:
    """The devices or the virtual machines, and what is called otherwise of them."""

    name: str
    word: str
    type: str
    owner: str
    interfaces: str
    interface_type: str
    refers: Mapping[str, str]


KINDS = (
    _Kind(
        "devices", "device", "dcim.device", "device", "interfaces", INTERFACE,
        {"device_type": "device_types", "location": "locations"},
    ),
    _Kind(
        "virtual_machines", "vm", "virtualization.virtualmachine", "virtual_machine", "vm_interfaces", VM_INTERFACE,
        {"cluster": "clusters"},
    ),
)  # fmt: skip


def hosts(making: Making) -> tuple[list[Frozen | None], dict[int, str]]:
    """Make the hosts; return them, and `host:interface` of each device's interface, by id."""
    addresses = _addresses(making)
    made: list[Frozen | None] = []
    names: dict[int, str] = {}
    for kind in KINDS:
        owned: dict[int, list[Row]] = defaultdict(list)
        for row in making.rows[kind.interfaces].values():
            owned[row[kind.owner]].append(row)
        services = _services(making, kind)
        stacks = _stacks(making) if kind.name == "devices" else {}
        masters = {i: master for master, of in stacks.items() for i in of}
        for i, row in making.rows[kind.name].items():
            if masters.get(i, i) != i:
                continue
            if not row["name"]:
                making.wrong(kind.name, row, "name", "is not set", "name it")
                continue
            interfaces = _of_stack(making, stacks[i], owned) if i in stacks else [(x, None) for x in owned[i]]
            beside = {x["id"]: x["name"] for x, _ in interfaces}
            found = [_interface(making, kind, x, addresses, beside) | {"member": n} for x, n in interfaces]
            fields = _host(making, kind, row) | {"interfaces": found, "services": services.get(i, [])}
            if i in stacks:
                fields["members"] = [_member(making, making.rows["devices"][m]) for m in stacks[i]]
            made.append(making.made(kind.name, row, fields, section="hosts", model=Host))
            if kind.name == "devices" and made[-1] is not None:
                names |= {x["id"]: f"{row['name']}:{x['name']}" for x, _ in interfaces}
    return made, names


def _stacks(making: Making) -> dict[int, list[int]]:
    """Return the members of each virtual chassis by position, by its master; without a master, each is a host of its
    own.
    """
    devices, chassis = making.rows["devices"], making.rows["virtual_chassis"]
    found: dict[int, list[int]] = defaultdict(list)
    for i, row in devices.items():
        master: Any = chassis.get(row["virtual_chassis"], {}).get("master")
        if master in devices and devices[master]["virtual_chassis"] == row["virtual_chassis"]:
            found[master].append(i)
    return {master: sorted(of, key=lambda i: (_position(devices[i]), i)) for master, of in found.items()}


def _position(row: Row) -> int:
    return int(row["vc_position"] or 0)


def _member(making: Making, row: Row) -> Row:
    fields = {"name": row["name"] or "", "position": _position(row), "serial": row["serial"]}
    return fields | {"device_type": making.slug(row, "device_type", "device_types")}


def _of_stack(making: Making, members: Iterable[int], owned: Mapping[int, list[Row]]) -> list[tuple[Row, int | None]]:
    """Return the interfaces of a stack with the position of the member that has each. Of one name, one is used."""
    found: dict[str, tuple[Row, int | None]] = {}
    for i in members:
        for row in owned.get(i, ()):
            if row["name"] in found:
                making.leave_out("interfaces", row, "another member of the stack has one of this name")
            else:
                found[row["name"]] = row, _position(making.rows["devices"][i])
    return list(found.values())


def _host(making: Making, kind: _Kind, row: Row) -> Row:
    keys = row["custom_fields"].get(HOST_KEYS.name) or ""
    slugs = making.slugs
    return {
        "name": row["name"],
        "status": row["status"],
        "serial": row["serial"],
        "description": row["description"],
        "kind": kind.word,
        "tenant": slugs["tenants"].get(row["tenant"], ""),
        "site": slugs["sites"].get(row["site"], ""),
        "role": slugs["device_roles"].get(row["role"], ""),
        "platform": slugs["platforms"].get(row["platform"], ""),
        **{name: slugs[section].get(row[name]) for name, section in kind.refers.items()},
        "tags": [slugs["tags"][i] for i in row["tags"] if i in slugs["tags"]],
        "primary_address": _ip(making, row["primary_ip4"]),
        "primary_address6": _ip(making, row["primary_ip6"]),
        "oob_address": _ip(making, row.get("oob_ip")),
        "host_keys": tuple(filter(None, (line.strip() for line in str(keys).splitlines()))),
        "wireguard_public_key": str(row["custom_fields"].get(WIREGUARD_KEY.name) or "").strip(),
        "local_context": keys_in_order(row["local_context_data"] or {}, making.contexts),
        "context": keys_in_order(row[CONTEXTS] or {}, making.contexts),
    }


def _ip(making: Making, number: int | None) -> str | None:
    """Return an address without its mask."""
    row = making.rows["ip_addresses"].get(number) if number is not None else None
    return row["address"].partition("/")[0] if row else None


def _interface(
    making: Making, kind: _Kind, row: Row, addresses: Mapping[str, _Addresses], beside: Mapping[int, str]
) -> Row:
    """Return an interface's fields.

    Args:
        beside: the names of the host's interfaces, by id.
    """
    untagged = making.vids.get(row["untagged_vlan"])
    tagged = [making.vids[i] for i in row["tagged_vlans"] if i in making.vids]
    implied = "tagged" if tagged else None if untagged is None else "access"
    mode = row["mode"] or None
    vrf, own, shared = _of_one_vrf(making, row, addresses.get(f"{kind.interface_type}:{row['id']}"))
    fields = {
        "name": row["name"],
        "enabled": row["enabled"],
        "description": row["description"],
        "type": row["type"] if kind.name == "devices" else "virtual",
        "mgmt_only": bool(row.get("mgmt_only")),
        "mode": None if mode == implied else mode,
        "untagged_vlan": untagged,
        "tagged_vlans": tagged,
        "vrf": vrf,
        "addresses": own,
        "shared_addresses": shared,
    }
    for name in BESIDE:
        if (number := row.get(name)) is not None:
            fields[name] = beside.get(number)
            if number not in beside:
                what = "is another device's, and no interface of its stack"
                making.wrong(kind.interfaces, row, name, what, "clear it")
    return fields


# Addresses


def _addresses(making: Making) -> dict[str, _Addresses]:
    """Return the addresses of each interface, by `type:id`, in the order in which NetBox got them."""
    found: dict[str, _Addresses] = defaultdict(_Addresses)
    assigned: dict[int, list[str]] = defaultdict(list)
    for row in making.rows["fhrp_assignments"].values():
        assigned[row["group"]].append(row["interface"])
    for row in making.rows["ip_addresses"].values():
        of, number = reference(row["assigned_object"])
        if reason := _unused(row, of):
            making.leave_out("ip_addresses", row, reason)
        elif of == FHRP_GROUP:
            role = row["role"] if row["role"] in SHARED_ROLES else UNNAMED_ROLE
            for interface in sorted(assigned[number]):
                found[interface].shared.append(row | {"role": role})
        elif row["role"] in SHARED_ROLES:
            found[row["assigned_object"]].shared.append(row)
        else:
            found[row["assigned_object"]].own.append(row)
    return found


def _unused(row: Row, assigned_to: str) -> str:
    """Return why an address is left out; empty if it is not."""
    if not assigned_to:
        return "no interface has it"
    if row["status"] in NOT_CONFIGURED:
        return f"its status is {row['status']}, and so it is not configured"
    if not row["address"].lower().startswith("fe"):  # fe80::/10 (RFC 4291); to parse every address takes longer
        return ""
    try:
        address = ip_interface(row["address"])
    except ValueError:
        return ""  # the interface that has it says what is wrong
    is_link_local = address.version == 6 and address.is_link_local
    return "every interface has a link-local address, which is of no other link" if is_link_local else ""


def _of_one_vrf(making: Making, row: Row, addresses: _Addresses | None) -> tuple[str, list[str], list[Row]]:
    """Return the VRF of an interface, its own addresses and the shared ones. An interface that says no VRF is in that
    of its addresses.
    """
    vrf = vrf_of(making, row)
    if addresses is None:
        return vrf, [], []
    of_addresses = {vrf_of(making, a) for a in (*addresses.own, *addresses.shared)}
    if not vrf and len(of_addresses) == 1:
        (vrf,) = of_addresses
    for address in (*addresses.own, *addresses.shared) if of_addresses != {vrf} else ():
        if vrf_of(making, address) != vrf:
            making.leave_out("ip_addresses", address, "it is of another VRF than the interface that has it")
    own = [a["address"] for a in addresses.own if vrf_of(making, a) == vrf]
    shared = [only(a, ("address", "role")) for a in addresses.shared if vrf_of(making, a) == vrf]
    return vrf, own, shared


# Services


def _services(making: Making, kind: _Kind) -> dict[int, list[Row]]:
    """Return the services of each host of a kind. NetBox has several protocols in one; here each is one by itself."""
    found: dict[int, list[Row]] = defaultdict(list)
    for row in making.rows["services"].values():
        parent, number = reference(row["parent"])
        if parent != kind.type:
            continue
        ports: dict[str, list[str]] = defaultdict(list)
        for protocol, _, port in (str(m).partition("/") for m in row["port_mappings"]):
            ports[protocol].append(port)
        found[number] += [
            {**only(row, ("name", "description")), "protocol": protocol, "ports": numbers}
            for protocol, numbers in ports.items()
        ]
    return found
