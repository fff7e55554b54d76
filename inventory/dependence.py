"""Which managed hosts depend on a place in a fleet: whom it costs that something is wrong there. Pure.

Not here: what is wrong (`rules`), and what follows from it (`parts.py`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any

from inventory.fleet import Fleet, Host
from inventory.network import Cable, Prefix, Range, Vlan, VlanGroup
from inventory.organisation import ConfigContext
from inventory.places import Path
from inventory.references import Assignment, Ref, References, reaches
from inventory.rules.references import key_of


class Dependence:
    """Tells which of these hosts (by index) of a fleet depend on what."""

    def __init__(self, fleet: Fleet, managed: Sequence[int]) -> None:
        self._fleet = fleet
        self._managed = {i: fleet.hosts[i] for i in managed}

    def on(self, path: Path) -> frozenset[int]:
        """Return the hosts that depend on what a path leads into."""
        section, index = str(path[0]), int(path[1])
        return frozenset(self._on(section, index, path[2:]))

    def _on(self, section: str, index: int, inside: Path) -> Iterator[int]:
        if section == "hosts":
            yield from [index] if index in self._managed else []
            return
        match item := getattr(self._fleet, section)[index]:
            case Cable():
                ends = {end.partition(":")[0] for end in (item.a, item.b)}
                yield from (i for i, h in self._managed.items() if h.name in ends)
            case Prefix():
                yield from self._in(item)
            case Range():
                for prefix in (self._fleet.prefix_of(end, item.vrf) for end in (item.start, item.end)):
                    yield from self._in(prefix) if prefix else ()
            case Vlan():
                yield from self._on_vlan(item)
            case VlanGroup():
                for vlan in (v for v in self._fleet.vlans if v.group == item.slug):
                    yield from self._on_vlan(vlan)
            case ConfigContext():
                yield from self._given(item, inside)
            case _:
                yield from self._referring.get((section, key_of(item)), ())

    def _in(self, prefix: Prefix) -> Iterator[int]:
        """Yield those that have an address in a prefix."""
        for i, host in self._managed.items():
            if self._fleet.serves(prefix, host.site) and any(
                a.ip in prefix.prefix for x in host.interfaces if x.vrf == prefix.vrf for a in x.all_addresses
            ):
                yield i

    def _on_vlan(self, vlan: Vlan) -> Iterator[int]:
        """Yield those that use a VLAN: an interface carries it, or it is of their site and they set up all of those."""
        for i, host in self._managed.items():
            meant = self._fleet.vlan_at(host.site, vlan.vid)
            if meant is not None and meant != vlan:
                continue
            carries = any(vlan.vid in (x.untagged_vlan, *x.tagged_vlans) for x in host.interfaces)
            if carries or (meant is not None and self._is_device(host)):
                yield i

    def _is_device(self, host: Host) -> bool:
        return host.platform in self._cli

    @cached_property
    def _cli(self) -> frozenset[str]:
        return frozenset(p.slug for p in self._fleet.platforms if p.family == "cli")

    def _given(self, context: ConfigContext, inside: Path) -> Iterator[int]:
        """Yield those whose merged config context has what is at this place in it; or all that are given it."""
        field, *at = inside or ("",)
        for i, host in self._managed.items():
            if field == "data" and at:
                if _at(host.context, at) == _at(context.data, at):
                    yield i
            elif reaches(context, self._assignment.values(host)):
                yield i

    @cached_property
    def _assignment(self) -> Assignment:
        return Assignment(self._fleet)

    @cached_property
    def _referring(self) -> dict[Ref, frozenset[int]]:
        """Return who refers to each object, directly or by way of others."""
        references = References(self._fleet)
        found: dict[Ref, set[int]] = {}
        for i, host in self._managed.items():
            for ref in references.closure(references.of("hosts", host)):
                found.setdefault(ref, set()).add(i)
        return {ref: frozenset(of) for ref, of in found.items()}


_NOTHING = object()


def _at(value: Any, path: Sequence[str | int]) -> Any:
    """Return what is at a path in plain data. Of a path that ends with a key as text, the value of the key."""
    for step in path:
        try:
            value = value[step]
        except (LookupError, TypeError):
            return _NOTHING
    return value
