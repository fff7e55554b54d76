"""Hosts of NetBox to which a fleet's config contexts would give roles, although the fleet does not have them. Pure.

NetBox gives a config context to every host that has what it is assigned by, whoever owns the host: one for the device
role `access-switch` would make samdrift configure everybody's access switches. Not here: what else is in the way of a
fleet (`in_the_way.py`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set
from typing import Any

from inventory.errors import Problem
from inventory.netbox.meaning import id_of
from inventory.netbox.session import Row
from inventory.netbox.there import There
from inventory.netbox.wanted import Ref, Wanted
from inventory.rules.contexts import asks
from inventory.scopes import ancestors

Ids = Mapping[str, frozenset[int]]
"""By the fields of a config context that it is assigned by: NetBox's ids of what it names, or of what a host has."""

NESTED = {
    "regions": "region",
    "site_groups": "site group",
    "locations": "location",
    "roles": "device role",
    "platforms": "platform",
    "tenant_groups": "tenant group",
}
"""Fields whose objects lie in each other: a context for the outer one reaches what has an inner one. By kind."""
ASSIGNED_BY = (*NESTED, "sites", "device_types", "cluster_types", "cluster_groups", "clusters", "tenants", "tags")
SHOWN = 3
"""Hosts that are named, of those that one context reaches."""


def strangers(contexts: Sequence[Wanted], ours: Set[str], there: There, touched: Set[Ref]) -> Iterator[Problem]:
    """Yield each config context that would give roles to hosts that none gives any to now.

    Args:
        contexts: the fleet's config contexts.
        ours: the names of the fleet's hosts.
        touched: what would be written.
    """
    written = [c for c in contexts if Ref("config context", c.key) in touched and asks(c.fields["data"].value)]
    if not written:
        return
    have = {row["name"]: ids for row, ids in _others(there) if row["name"] not in ours}
    for row in there.all["config context"]:
        if row["is_active"] and asks(row["data"]):
            named = {field: frozenset(map(id_of, row[field])) for field in ASSIGNED_BY}
            have = {name: ids for name, ids in have.items() if not _reaches(named, ids)}
    for context in written:
        named = {field: frozenset(there.ids.get(ref, -1) for ref in context.fields[field]) for field in ASSIGNED_BY}
        reached = [name for name, ids in have.items() if context.fields["is_active"] and _reaches(named, ids)]
        if reached:
            more = f" and {len(reached) - SHOWN} more" if len(reached) > SHOWN else ""
            yield Problem(
                "netbox-strangers",
                f"config context {context.key[0]}",
                f"it would give roles to hosts that are not in this fleet: {', '.join(reached[:SHOWN])}{more}",
                "assign it by a region, site or tenant as well that those do not have",
            )


def _reaches(named: Ids, has: Ids) -> bool:
    return all(not ids or not ids.isdisjoint(has[field]) for field, ids in named.items())


def _others(there: There) -> Iterator[tuple[Row, Ids]]:
    """Yield NetBox's active hosts, each with what config contexts are assigned by."""
    by_id = {kind: {row["id"]: row for row in there.all[kind]} for kind in PARTS}
    parents = {field: {row["id"]: id_of(row["parent"]) for row in there.all[kind]} for field, kind in NESTED.items()}
    for kind in ("device", "virtual machine"):
        for row in there.all[kind]:
            if row["name"] and id_of(row["status"]) == "active":
                yield row, _ids(row, by_id, parents)


PARTS = ("site", "tenant", "cluster")
"""What a host has, and of which config contexts are assigned by something, too: fields, called as their kinds are."""


def _ids(host: Row, by_id: Mapping[str, Mapping[int, Row]], parents: Mapping[str, Mapping[int, int | None]]) -> Ids:
    site, tenant, cluster = (by_id[part].get(id_of(host.get(part)), {}) for part in PARTS)
    one: dict[str, Any] = {
        "regions": site.get("region"),
        "site_groups": site.get("group"),
        "sites": host["site"],
        "locations": host.get("location"),
        "device_types": host.get("device_type"),
        "roles": host["role"],
        "platforms": host["platform"],
        "cluster_types": cluster.get("type"),
        "cluster_groups": cluster.get("group"),
        "clusters": host.get("cluster"),
        "tenant_groups": tenant.get("group"),
        "tenants": host["tenant"],
    }
    ids = {field: frozenset(ancestors(id_of(value), parents.get(field, {}))) for field, value in one.items()}
    return ids | {"tags": frozenset(map(id_of, host["tags"]))}
