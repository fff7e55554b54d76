"""Put a fleet's parts in their order, so that equal fleets have equal digests. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from operator import is_
from typing import Any, TypeVar

from inventory.fleet import Fleet, Host
from inventory.frozen import Frozen
from inventory.keys import KEYS
from inventory.network import Cable
from inventory.organisation import ASSIGNED_BY, ConfigContext

T = TypeVar("T", bound=Frozen)

FIRST_KEYS = ("roles", "wave")
"""What people look for first in a config context stands first."""


def in_order(fleet: Fleet) -> Fleet:
    """Sort every tuple of a fleet by its key, as every source of fleets must.

    What a person ordered keeps its order: a host's interfaces, their addresses, and lists in config contexts.
    Keys in config contexts have none: NetBox keeps them in an order of its own. Neither have the ends of a link.
    """
    done: Sorted = {}
    ordered = fleet.model_copy(
        update={
            "config_contexts": tuple(_context_in_order(c) for c in fleet.config_contexts),
            "hosts": tuple(_host_in_order(h, done) for h in fleet.hosts),
            "cables": tuple(_cable_in_order(c) for c in fleet.cables),
        }
    )
    return ordered.model_copy(update={s: tuple(sorted(getattr(ordered, s), key=KEYS[s])) for s in KEYS})


def _with_sorted(value: T, *fields: str) -> T:
    """Sort these fields of a value; the same object, if they are sorted."""
    return _with(value, {f: tuple(sorted(now)) for f in fields if len(now := getattr(value, f)) > 1})


def _with(value: T, fields: Mapping[str, object]) -> T:
    """Set these fields of a value; the same object, if nothing differs: to copy takes longer than to compare."""
    changed = {f: new for f, new in fields.items() if new != getattr(value, f)}
    return value.model_copy(update=changed) if changed else value


Sorted = dict[int, tuple[Any, Any]]
"""Mappings that were sorted, by identity: as they were (so that nothing else has the identity), and as they are."""


def keys_in_order(value: Any, done: Sorted) -> Any:
    """Sort the keys of a value's mappings at every depth; the same object, if they are sorted.

    Args:
        done: what was sorted before: most hosts share what is in their config contexts with others.
    """
    if isinstance(value, list):
        items = [keys_in_order(v, done) for v in value]
        return value if all(map(is_, items, value)) else items
    if not isinstance(value, dict):
        return value
    if id(value) not in done:
        keys = sorted(value, key=lambda k: (k not in FIRST_KEYS, k))
        ordered = {k: keys_in_order(value[k], done) for k in keys}
        is_same = keys == list(value) and all(map(is_, ordered.values(), value.values()))
        done[id(value)] = value, value if is_same else ordered
    return done[id(value)][1]


def _with_keys_in_order(value: T, done: Sorted, *fields: str) -> T:
    """Sort the keys in these fields of a value; the same object, if they are sorted."""
    found = {f: (now, keys_in_order(now, done)) for f in fields if (now := getattr(value, f))}
    changed = {f: new for f, (now, new) in found.items() if new is not now}
    return value.model_copy(update=changed) if changed else value


def _context_in_order(context: ConfigContext) -> ConfigContext:
    return _with_keys_in_order(_with_sorted(context, *ASSIGNED_BY), {}, "data")


def _cable_in_order(cable: Cable) -> Cable:
    a, b = sorted((cable.a, cable.b))
    return _with(cable, {"a": a, "b": b})


def _host_in_order(host: Host, done: Sorted) -> Host:
    ordered = _with_sorted(host, "tags", "host_keys")
    if any(i.tagged_vlans for i in host.interfaces):
        ordered = _with(ordered, {"interfaces": tuple(_with_sorted(i, "tagged_vlans") for i in host.interfaces)})
    if host.services:
        services = sorted([_with_sorted(s, "ports") for s in host.services], key=lambda s: (s.name, s.protocol))
        ordered = _with(ordered, {"services": tuple(services)})
    return _with_keys_in_order(ordered, done, "local_context", "context")
