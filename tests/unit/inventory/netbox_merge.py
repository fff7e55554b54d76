"""Merges config contexts as NetBox does, to judge what the snapshot says it merged. samdrift itself never merges."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from typing import Any

from inventory.fleet import Host
from inventory.organisation import ConfigContext


def merged_context(host: Host, contexts: Iterable[ConfigContext]) -> dict[str, Any]:
    """The merged config context of a host: by weight, then by name, and its local one last."""
    found: dict[str, Any] = {}
    for context in sorted(contexts, key=lambda c: (c.weight, c.name)):
        if context.is_active and _is_assigned(context, host):
            found = _merged(found, context.data)
    return _merged(found, host.local_context)


def _merged(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    """As NetBox's `deepmerge`: mappings are merged, everything else (lists and empty mappings, too) is replaced."""
    result = copy.deepcopy(one)
    for key, value in other.items():
        both = isinstance(result.get(key), dict) and isinstance(value, dict) and value
        result[key] = _merged(result[key], value) if both else copy.deepcopy(value)
    return result


def _is_assigned(context: ConfigContext, host: Host) -> bool:
    """By every criterion that the context has, each by any of its values."""
    criteria = (
        (context.device_roles, {host.role}),
        (context.sites, {host.site}),
        (context.tenants, {host.tenant}),
        (context.platforms, {host.platform}),
        (context.tags, set(host.tags)),
    )
    return all(not wanted or set(wanted) & has for wanted, has in criteria)
