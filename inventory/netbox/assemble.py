"""From NetBox's rows to a Fleet. Pure: nothing is fetched here, and whether the Fleet is sound `rules` says.

What the Fleet cannot hold is a problem of the host that it is about, if that is to be managed; all else that it cannot
hold, or has no use for, is left out, with the reason. Here are places, owners and models, and config contexts; the rest
is made next door, in `assemble_network.py`, `assemble_hosts.py` and `assemble_links.py`.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from inventory.errors import Problem
from inventory.fleet import Fleet
from inventory.frozen import Frozen
from inventory.keys import KEYS
from inventory.left_out import LeftOut
from inventory.netbox.assemble_hosts import hosts
from inventory.netbox.assemble_links import links
from inventory.netbox.assemble_network import network
from inventory.netbox.custom_fields import FAMILY
from inventory.netbox.making import NAMED, Making, only
from inventory.netbox.read_types import ASSIGNED_BY
from inventory.netbox.rows import Rows
from inventory.netbox.session import Row
from inventory.order import in_order
from inventory.organisation import FAMILIES


class Assembled(NamedTuple):
    """A fleet as far as it could be made.

    Attributes:
        problems: what could not be made of hosts that are asked for, each naming its host.
        left_out: what else could not, and what samdrift has no use for.
    """

    fleet: Fleet
    problems: tuple[Problem, ...]
    left_out: tuple[LeftOut, ...]


def assembled(rows: Rows) -> Assembled:
    """Assemble a fleet from these rows, in order."""
    making = Making(rows)
    parts: dict[str, list[Any]] = {section: [] for section in KEYS}
    parts |= _organisation(making) | network(making)
    parts["hosts"], names = hosts(making)
    parts["cables"] = links(making, names)
    for kind, reason in UNUSED.items():
        for row in rows[kind].values():
            making.leave_out(kind, row, reason)
    sections = {section: tuple(v for v in values if v is not None) for section, values in parts.items()}
    fleet = in_order(Fleet.model_validate(sections))
    return Assembled(fleet, tuple(making.problems), tuple(making.left_out))


UNUSED = {
    "virtual_device_contexts": "samdrift knows the device as a whole",
}
"""Kinds of which nothing is made."""

PARENTS = {
    "regions": {"parent": "regions"},
    "site_groups": {"parent": "site_groups"},
    "tenant_groups": {"parent": "tenant_groups"},
    "tenants": {"group": "tenant_groups"},
    "platforms": {"parent": "platforms"},
    "device_roles": {"parent": "device_roles"},
    "manufacturers": {},
    "cluster_types": {},
    "cluster_groups": {},
    "tags": {},
}
"""What is no more than a slug and names, and what it lies in: the field, and the section that it refers to."""


def _organisation(making: Making) -> dict[str, list[Frozen | None]]:
    rows = making.rows
    made: dict[str, list[Frozen | None]] = {
        section: [_named(making, section, i, row) for i, row in rows[section].items()] for section in PARENTS
    }
    made["sites"] = [_site(making, row) for row in rows["sites"].values()]
    made["locations"] = [_location(making, i, row) for i, row in rows["locations"].items()]
    made["device_types"] = [_device_type(making, i, row) for i, row in rows["device_types"].items()]
    made["clusters"] = [_cluster(making, i, row) for i, row in rows["clusters"].items()]
    made["config_contexts"] = [_context(making, row) for row in rows["config_contexts"].values()]
    return made


def _named(making: Making, section: str, number: int, row: Row) -> Frozen | None:
    fields = only(row, [name for name in NAMED if name in row]) | {"slug": making.slugs[section][number]}
    fields |= {field: making.slug(row, field, of) for field, of in PARENTS[section].items()}
    if section == "platforms":
        fields["family"] = family_of(making.rows, number)
    return making.made(section, row, fields)


def family_of(rows: Rows, number: int | None) -> str | None:
    """Return the family of a platform: as its field says, or as its slug is known, or that of the nearest above it."""
    through: set[int] = set()
    while number is not None and number in rows["platforms"] and number not in through:
        through.add(number)
        row = rows["platforms"][number]
        if family := row["custom_fields"].get(FAMILY.name) or FAMILIES.get(row["slug"]):
            return str(family)
        number = row["parent"]
    return None


def _site(making: Making, row: Row) -> Frozen | None:
    asns = making.rows["asns"]
    fields = {
        **only(row, ("slug", "name", "facility", "latitude", "longitude")),
        "tenant": making.slug(row, "tenant", "tenants") or "",
        "region": making.slug(row, "region", "regions") or "",
        "group": making.slug(row, "group", "site_groups"),
        "asns": tuple(sorted(asns[i]["asn"] for i in row["asns"] if i in asns)),
    }
    return making.made("sites", row, fields)


def _location(making: Making, number: int, row: Row) -> Frozen | None:
    site, _, slug = making.slugs["locations"][number].partition("/")
    above = making.slug(row, "parent", "locations")
    fields = {"site": site, "slug": slug, "name": row["name"], "parent": above and above.partition("/")[2]}
    return making.made("locations", row, fields)


def _device_type(making: Making, number: int, row: Row) -> Frozen | None:
    fields = {"slug": making.slugs["device_types"][number], **only(row, ("model", "part_number"))}
    return making.made(
        "device_types", row, fields | {"manufacturer": making.slug(row, "manufacturer", "manufacturers")}
    )


def _cluster(making: Making, number: int, row: Row) -> Frozen | None:
    fields = {
        **only(row, ("name", "description")),
        "slug": making.slugs["clusters"][number],
        "type": making.slug(row, "type", "cluster_types"),
        "group": making.slug(row, "group", "cluster_groups"),
    }
    return making.made("clusters", row, fields)


def _context(making: Making, row: Row) -> Frozen | None:
    assigned = {
        section: tuple(making.slugs[section][i] for i in row[field] if i in making.slugs[section])
        for field, section in ASSIGNED_BY.items()
    }
    fields = only(row, ("name", "weight", "description", "is_active", "data"))
    return making.made("config_contexts", row, fields | assigned)
