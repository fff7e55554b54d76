"""Merge config contexts as NetBox does: for a host that no NetBox has yet.

Of every other host, samdrift takes what NetBox has merged. Not here: what a context may say (`rules.contexts`).
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from inventory.fleet import Fleet, Host
from inventory.organisation import ASSIGNED_BY, ConfigContext
from inventory.scopes import ancestors


def merged_context(host: Host, fleet: Fleet) -> dict[str, Any]:
    """Return the merged config context of a host: by weight, then by name, and its local one last."""
    has = _assignments(host, fleet)
    found: dict[str, Any] = {}
    for context in sorted(fleet.config_contexts, key=lambda c: (c.weight, c.name)):
        if context.is_active and _is_assigned(context, has):
            found = merged(found, context.data)
    return merged(found, host.local_context)


def merged(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    """Merge as NetBox's `deepmerge`: mappings are merged, everything else (lists, empty mappings) is replaced."""
    result = copy.deepcopy(one)
    for key, value in other.items():
        both = isinstance(result.get(key), dict) and isinstance(value, dict) and value
        result[key] = merged(result[key], value) if both else copy.deepcopy(value)
    return result


def _assignments(host: Host, fleet: Fleet) -> Mapping[str, set[str | None]]:
    """Return what a host has of each criterion, and what that lies in."""
    site = next((s for s in fleet.sites if s.slug == host.site), None)
    tenant = next((t for t in fleet.tenants if t.slug == host.tenant), None)
    cluster = next((c for c in fleet.clusters if c.slug == host.cluster), None)
    return {
        "regions": {*_above(site.region if site else None, fleet, "regions")},
        "site_groups": {*_above(site.group if site else None, fleet, "site_groups")},
        "sites": {host.site},
        "locations": {host.location},
        "device_types": {host.device_type},
        "device_roles": {*_above(host.role, fleet, "device_roles")},
        "platforms": {*_above(host.platform, fleet, "platforms")},
        "cluster_types": {cluster.type if cluster else None},
        "cluster_groups": {cluster.group if cluster else None},
        "clusters": {host.cluster},
        "tenant_groups": {*_above(tenant.group if tenant else None, fleet, "tenant_groups")},
        "tenants": {host.tenant},
        "tags": {*host.tags},
    }


def _above(slug: str | None, fleet: Fleet, section: str) -> tuple[str, ...]:
    return ancestors(slug, {x.slug: x.parent for x in getattr(fleet, section)})


def _is_assigned(context: ConfigContext, has: Mapping[str, set[str | None]]) -> bool:
    """Tell whether a host meets every criterion that the context has, each by any of its values."""
    return all(not (wanted := getattr(context, by)) or not has[by].isdisjoint(wanted) for by in ASSIGNED_BY)
