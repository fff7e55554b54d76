"""What NetBox's rows are known by, and what is alike in them, to find in NetBox what a fleet wants. Pure.

Rows come as `meaning.py` leaves them. Not here: which kinds there are (`write_types.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from ipaddress import ip_interface

from inventory.netbox.assemble_hosts import SHARED_ROLES
from inventory.netbox.session import Row
from inventory.netbox.wanted import Key, Wanted
from inventory.netbox.wanted_hosts import MODELS


def by(name: str) -> Callable[[Row], Key | None]:
    """Make a function that returns this field as the key; None if the field is empty."""
    return lambda row: None if row[name] in (None, "") else (row[name],)


KNOWN_BY = "known_by"
"""The field that holds what the fleet knows a row by, where that is more than a slug (`meaning.py`)."""
PLACE = "place"
"""The field that holds what a row is scoped to: the kind of place, and what it is known by; None for anything else."""
SITE_OF = "site_of"
"""The field that holds the site of the location that a row is scoped to."""


def vlan_key(row: Row) -> Key | None:
    """Return a VLAN's site, group and number."""
    return (row["site"]["slug"] if row["site"] else "", row[KNOWN_BY], row["vid"])


def vlan_like(row: Row) -> Key:
    """Return the place that a VLAN is for, and its number."""
    return () if row[PLACE] is None else (*row[PLACE], row["vid"])


def vlan_says(one: Wanted, row: Row) -> frozenset[str]:
    """Say that a VLAN of a site and one of a group that is for that site are the same."""
    return frozenset({"site", "group"}) if vlan_like(row) == one.like else frozenset()


def prefix_key(row: Row) -> Key | None:
    """Return a prefix, its VRF and its scope."""
    return None if row[PLACE] is None else (row["prefix"], row[KNOWN_BY], *row[PLACE])


def prefix_like(row: Row) -> Key:
    """Return a prefix and its VRF."""
    return row["prefix"], row[KNOWN_BY]


def prefix_says(one: Wanted, row: Row) -> frozenset[str]:
    """Say that a prefix of a location is one of that site."""
    is_so = one.key[2:] == ("site", row[SITE_OF])
    return frozenset({"scope_type", "scope_id"}) if is_so else frozenset()


def address_key(row: Row) -> Key | None:
    """Return an address' role if it is shared, the address without its mask, its VRF, and who has it."""
    at = row["assigned_object"] or {}
    holder = (at.get("device") or at.get("virtual_machine") or {}).get("name") or ""
    return (*address_like(row), holder, at.get("name") or "")


def address_like(row: Row) -> Key:
    """Return an address' role if it is shared, the address without its mask, and its VRF."""
    role = row["role"] or ""
    role = role["value"] if isinstance(role, dict) else role
    shared = role if role in SHARED_ROLES else ""
    return shared, str(ip_interface(row["address"]).ip), row[KNOWN_BY]


def range_key(row: Row) -> Key | None:
    """Return the first address of a range, without the mask, and its VRF."""
    return str(ip_interface(row["start_address"]).ip), row[KNOWN_BY]


def interface_key(row: Row) -> Key | None:
    """Return an interface's device or virtual machine, and its name."""
    owner = row.get("device") or row.get("virtual_machine")
    return (owner["name"], row["name"]) if owner and owner["name"] else None


def cable_key(row: Row) -> Key | None:
    """Return device and interface of both ends of a cable, if it has one at each."""
    a, b = tuple(ends(row["a_terminations"])), tuple(ends(row["b_terminations"]))
    if len(row["a_terminations"]) != 1 or len(row["b_terminations"]) != 1 or not a or not b:
        return None
    first, second = sorted((a[0], b[0]))
    return (*first, *second)


def ends(terminations: Sequence[Row]) -> Iterator[tuple[str, str]]:
    """Yield device and interface of every interface that a side of a cable is plugged into."""
    for one in terminations:
        match one:
            case {"object_type": "dcim.interface", "object": {"name": str(name), "device": {"name": str(host)}}}:
                yield host, name


def stack_key(row: Row) -> Key | None:
    """Return the name of a virtual chassis' master; without one, its own."""
    name = (row["master"] or {}).get("name") or row["name"]
    return (name,) if name else None


def service_key(row: Row) -> Key | None:
    """Return host, name and protocol of a service of one protocol."""
    is_of_host = row["parent_object_type"] in {MODELS["device"], MODELS["virtual machine"]}
    if not is_of_host or not row["parent"] or not row["port_mappings"]:
        return None
    return row["parent"]["name"], row["name"], protocol_of(row["port_mappings"][0])


def protocol_of(mapping: str) -> str:
    """Return the protocol of a port mapping: `tcp` of `tcp/80`."""
    return mapping.partition("/")[0]
