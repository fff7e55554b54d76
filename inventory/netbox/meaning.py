"""NetBox's rows by what they mean to a fleet, so that the same thing said in another shape is no difference. Pure.

A platform has the family of the one above it; an interface is in the VRF of its addresses; an address of an FHRP group
is one of each of its interfaces; a service of several protocols is one a protocol. Rows keep NetBox's ids. Not here:
what rows are known by (`write_types.py`), and what must be written (`writes.py`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from inventory.netbox.assemble import family_of
from inventory.netbox.assemble_hosts import FHRP_GROUP, SHARED_ROLES, UNNAMED_ROLE
from inventory.netbox.custom_fields import CLUSTER_SLUG, FAMILY
from inventory.netbox.making import SCOPES, cluster_slug, unique
from inventory.netbox.rows import Rows as Kept
from inventory.netbox.session import Row
from inventory.netbox.write_keys import KNOWN_BY, PLACE, SITE_OF, protocol_of

Rows = Mapping[str, Sequence[Row]]
"""NetBox's rows, by the name of their kind."""
PATHS = "path"
"""The name under which traced paths are among the rows: of each interface, where NetBox's trace leads."""
SPLIT = "split"
"""The field that marks a row that stands for a part of an object."""


def meant(rows: Rows) -> dict[str, list[Row]]:
    """Return the rows by what they mean."""
    found = {name: [dict(row) for row in of] for name, of in rows.items()}
    for kind, slug, within in NAMES:
        known = unique({row["id"]: (slug(row), within(row)) for row in found[kind]})
        for row in found[kind]:
            row[KNOWN_BY] = known[row["id"]]
    _locations(found["location"])
    for row in found["cluster"]:
        row["custom_fields"] = {**(row["custom_fields"] or {}), CLUSTER_SLUG.name: cluster_slug(row)}
    _families(found["platform"])
    known_vrfs = {row["id"]: row[KNOWN_BY] for row in found["VRF"]}
    for kind in ("prefix", "range", "address"):
        for row in found[kind]:
            row[KNOWN_BY] = known_vrfs.get(id_of(row["vrf"]), "") if row["vrf"] else ""
    _places(found)
    found["address"] = list(_of_interfaces(found))
    for kind, of in (("interface", "dcim.interface"), ("virtual interface", "virtualization.vminterface")):
        _vrfs(found[kind], [row for row in found["address"] if id_of(row["assigned_object_type"]) == of])
    found["service"] = [part for row in found["service"] for part in _by_protocol(row)]
    return found


def id_of(has: Any) -> Any:
    """Return a row's field as it is written: a choice's value, an object's id."""
    if isinstance(has, dict):
        return has["value"] if "value" in has else has.get("id")
    return has


def _slug(row: Row) -> str:
    return str(row["slug"])


def _parent(row: Row) -> int | None:
    return row["parent"]["id"] if row["parent"] else None


def _in(field: str) -> Callable[[Row], str | None]:
    return lambda row: row[field]["slug"] if row[field] else None


def _nowhere(_: Row) -> None:
    return None


def _scope(row: Row) -> str | None:
    return f"{row['scope_type']}:{row['scope_id']}" if row["scope_type"] else None


NAMES: tuple[tuple[str, Callable[[Row], str], Callable[[Row], str | int | None]], ...] = (
    ("region", _slug, _parent),
    ("site group", _slug, _parent),
    ("tenant group", _slug, _parent),
    ("tenant", _slug, _in("group")),
    ("platform", _slug, _parent),
    ("device role", _slug, _parent),
    ("device type", _slug, _in("manufacturer")),
    ("cluster", cluster_slug, _nowhere),
    ("VRF", lambda row: str(row["name"]), lambda row: row["rd"] or None),
    ("VLAN group", _slug, _scope),
)
"""Of each kind, what a row is known by, and what that is unique within; as `making.py` has it."""


def _locations(rows: Iterable[Row]) -> None:
    """Set what locations are known by: `site/slug`."""
    of_site: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        of_site[row["site"]["slug"]].append(row)
    for site, of in of_site.items():
        known = unique({row["id"]: (row["slug"], _parent(row)) for row in of})
        for row in of:
            row[KNOWN_BY] = f"{site}/{known[row['id']]}"


def _families(rows: Iterable[Row]) -> None:
    """Set the family that each platform has, its own or that of one above it."""
    name = FAMILY.name
    kept = {
        row["id"]: {
            "slug": row["slug"],
            "parent": _parent(row),
            "custom_fields": {name: id_of((row["custom_fields"] or {}).get(name))},
        }
        for row in rows
    }
    for row in rows:
        row["custom_fields"] = {
            **(row["custom_fields"] or {}),
            FAMILY.name: family_of(Kept({"platforms": kept}), row["id"]),
        }


def _places(found: dict[str, list[Row]]) -> None:
    """Set the place that prefixes and VLANs are for."""
    kinds = {"dcim.site": "site", "dcim.location": "location", "dcim.region": "region", "dcim.sitegroup": "site group"}
    known = {of: {row["id"]: row.get(KNOWN_BY, row["slug"]) for row in found[kind]} for of, kind in kinds.items()}
    site_of = {row["id"]: row["site"]["slug"] for row in found["location"]}

    def place(row: Row) -> tuple[str, str] | None:
        if not row["scope_type"]:
            return "", ""
        slug = known.get(row["scope_type"], {}).get(row["scope_id"])
        return None if slug is None else (SCOPES[row["scope_type"]].removesuffix("s"), slug)

    for row in found["prefix"]:
        row[PLACE] = place(row)
        row[SITE_OF] = site_of.get(row["scope_id"]) if row["scope_type"] == "dcim.location" else None
    for row in found["VLAN group"]:
        row[PLACE] = place(row)
        if row[KNOWN_BY] == _scoped_slug(row) and row[PLACE]:
            row[KNOWN_BY] = f"{row[PLACE][1]}/{row['slug']}"
    groups = {row["id"]: row for row in found["VLAN group"]}
    for row in found["VLAN"]:
        group = groups.get(id_of(row["group"])) if row["group"] else None
        row[KNOWN_BY] = group[KNOWN_BY] if group else ""
        row[PLACE] = ("site", row["site"]["slug"]) if row["site"] else group[PLACE] if group else ("", "")


def _scoped_slug(row: Row) -> str:
    return f"{_scope(row)}/{row['slug']}"


def _of_interfaces(found: Mapping[str, Sequence[Row]]) -> Iterator[Row]:
    """Yield the addresses, those of an FHRP group once for each of its interfaces, with the role that it gives them."""
    assigned: dict[int, list[Row]] = defaultdict(list)
    for row in found["FHRP group assignment"]:
        assigned[id_of(row["group"])].append(row)
    for row in found["address"]:
        if id_of(row["assigned_object_type"]) != FHRP_GROUP:
            yield row
            continue
        role = id_of(row["role"])
        role = role if role in SHARED_ROLES else UNNAMED_ROLE
        if not assigned[row["assigned_object_id"]]:
            yield row | {"role": role}
        for one in assigned[row["assigned_object_id"]]:
            yield row | {
                "role": role,
                "assigned_object": one["interface"],
                "assigned_object_type": one["interface_type"],
                "assigned_object_id": one["interface_id"],
                SPLIT: True,
            }


def _vrfs(interfaces: Iterable[Row], addresses: Iterable[Row]) -> None:
    """Set the VRF of interfaces that say none to that of all their addresses."""
    held: dict[int, list[Row]] = defaultdict(list)
    for row in addresses:
        held[row["assigned_object_id"]].append(row)
    for row in interfaces:
        of = {id_of(a["vrf"]): a["vrf"] for a in held[row["id"]]}
        if not row["vrf"] and len(of) == 1:
            (row["vrf"],) = of.values()


def _by_protocol(service: Row) -> Iterator[Row]:
    """Yield a service as one a protocol, as a fleet knows services."""
    parts: dict[str, list[str]] = defaultdict(list)
    for mapping in service["port_mappings"] or ():
        parts[protocol_of(mapping)].append(mapping)
    for mappings in parts.values():
        yield {**service, "port_mappings": mappings, SPLIT: len(parts) > 1}
