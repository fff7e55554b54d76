"""From NetBox's rows to VRFs, VLANs, prefixes and ranges, of both families. Pure.

Not here: which interface has which address (`assemble_hosts.py`).
"""

from __future__ import annotations

from collections import Counter

from inventory.frozen import Frozen
from inventory.netbox.custom_fields import GATEWAY
from inventory.netbox.making import SCOPES, Making, only, reference
from inventory.netbox.session import Row

UNUSED_PREFIX = {
    "container": "it only contains others",
    "reserved": "it is reserved, and so not in use yet",
    "deprecated": "it is deprecated, and so not in use any more",
}
"""By its status, why a prefix is left out."""


def network(making: Making) -> dict[str, list[Frozen | None]]:
    """Make the parts of a network."""
    rows = making.rows
    groups = [_vlan_group(making, i, row) for i, row in rows["vlan_groups"].items()]
    return {
        "vrfs": [_vrf(making, i, row) for i, row in rows["vrfs"].items()],
        "vlan_groups": groups,
        "vlans": _vlans(making),
        "prefixes": [_prefix(making, row) for row in rows["prefixes"].values()],
        "ranges": [_range(making, row) for row in rows["ranges"].values()],
    }


def vrf_of(making: Making, row: Row) -> str:
    """Return the VRF of an object; empty for the global table."""
    return making.slug(row, "vrf", "vrfs") or ""


def _vrf(making: Making, number: int, row: Row) -> Frozen | None:
    fields = {"name": making.slugs["vrfs"][number], "rd": row["rd"] or None, "description": row["description"]}
    return making.made("vrfs", row, fields)


def _scope(making: Making, row: Row) -> Row | None:
    """Return what an object is scoped to, as a field of it; None if the fleet knows no such place."""
    if row["scope"] is None:
        return {}
    of, number = reference(row["scope"])
    slug = making.slugs.get(SCOPES.get(of, ""), {}).get(number)
    return None if slug is None else {SCOPES[of].removesuffix("s"): slug}


def _vlan_group(making: Making, number: int, row: Row) -> Frozen | None:
    scope = _scope(making, row)
    if scope is None:
        making.leave_out("vlan_groups", row, f"it is scoped to {_called(row['scope'])}")
        return None
    return making.made("vlan_groups", row, {"slug": making.slugs["vlan_groups"][number], "name": row["name"]} | scope)


def _called(scope: str) -> str:
    """Return what kind of thing a scope is, in words."""
    word = reference(scope)[0].partition(".")[2]
    return {"clustergroup": "a cluster group", "rackgroup": "a rack group"}.get(word, f"a {word}")


def _vlans(making: Making) -> list[Frozen | None]:
    """Make the VLANs. Of several with one number at one place, none can be meant."""
    rows = making.rows["vlans"]
    unknown = {i for i, row in making.rows["vlan_groups"].items() if _scope(making, row) is None}
    places = {
        i: (row["site"], None if row["group"] in unknown else row["group"], row["vid"]) for i, row in rows.items()
    }
    seen = Counter(places.values())
    made = []
    for i, row in rows.items():
        site, group, vid = places[i]
        if row["group"] in unknown and site is None:
            making.leave_out("vlans", row, "its group is scoped to what samdrift does not know as a place")
        elif seen[places[i]] > 1:
            making.leave_out("vlans", row, f"several have the number {vid} there")
        else:
            fields = only(row, ("vid", "name")) | {
                "site": making.slug(row, "site", "sites"),
                "group": None if group is None else making.slug(row, "group", "vlan_groups"),
                "role": making.slug(row, "role", "vlan_roles"),
            }
            made.append(making.made("vlans", row, fields))
    return made


def _prefix(making: Making, row: Row) -> Frozen | None:
    scope = _scope(making, row)
    if (reason := UNUSED_PREFIX.get(row["status"])) or scope is None:
        making.leave_out("prefixes", row, reason or "what it is scoped to is not there")
        return None
    vlan = making.rows["vlans"].get(row["vlan"])
    fields = {
        **only(row, ("prefix", "description")),
        "vrf": vrf_of(making, row),
        "vlan": vlan["vid"] if vlan else None,
        "gateway": row["custom_fields"].get(GATEWAY.name) or None,
    }
    return making.made("prefixes", row, fields | scope)


def _range(making: Making, row: Row) -> Frozen | None:
    if row["status"] != "active":
        making.leave_out("ranges", row, f"its status is {row['status']}, and so nothing is lent from it")
        return None
    ends = {end: row[f"{end}_address"].partition("/")[0] for end in ("start", "end")}
    return making.made("ranges", row, ends | {"vrf": vrf_of(making, row), "description": row["description"]})
