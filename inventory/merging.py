"""Merge config contexts as NetBox does: for a host that no NetBox has yet.

Of every other host, samdrift takes what NetBox has merged. Not here: what a context may say (`rules.contexts`).
"""

from __future__ import annotations

import copy
from typing import Any

from inventory.fleet import Fleet, Host
from inventory.references import Assignment, reaches


def merged_context(host: Host, fleet: Fleet) -> dict[str, Any]:
    """Return the merged config context of a host: by weight, then by name, and its local one last."""
    values = Assignment(fleet).values(host)
    found: dict[str, Any] = {}
    for context in sorted(fleet.config_contexts, key=lambda c: (c.weight, c.name)):
        if context.is_active and reaches(context, values):
            found = merged(found, context.data)
    return merged(found, host.local_context)


def merged(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    """Merge as NetBox's `deepmerge`: mappings are merged, everything else (lists, empty mappings) is replaced."""
    result = copy.deepcopy(one)
    for key, value in other.items():
        both = isinstance(result.get(key), dict) and isinstance(value, dict) and value
        result[key] = merged(result[key], value) if both else copy.deepcopy(value)
    return result
