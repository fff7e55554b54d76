"""What is one municipality's own in a fleet, and the fleet without it: for a municipality that leaves. Pure.

What is its own goes: its sites, hosts, networks, and whatever refers to them. What it shares with others stays with
both: types, roles, regions and their networks. Not here: secrets, people and rules, which are files of their own
(`docs/leave.md`).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from inventory.errors import UsageError
from inventory.fleet import Fleet
from inventory.frozen import Frozen
from inventory.order import in_order
from inventory.organisation import ASSIGNED_BY, ConfigContext
from inventory.references import Assignment, Ref, References, reaches
from inventory.rules.references import REFERENCES, key_of

REFERENCED = frozenset({target for fields in REFERENCES.values() for target in fields.values()})
"""The sections that others refer to."""


class Parted(NamedTuple):
    """A fleet without a municipality, and what was that one's own."""

    rest: Fleet
    own: Fleet


def parted(fleet: Fleet, municipality: str) -> Parted:
    """Take a municipality out of a fleet.

    Raises:
        UsageError: there is none of this slug, or others' hosts stand at its sites.
    """
    if municipality not in {t.slug for t in fleet.tenants}:
        known = ", ".join(t.slug for t in fleet.tenants)
        raise UsageError(f"there is no municipality {municipality!r}", fix=f"known: {known}")
    sites = {s.slug for s in fleet.sites if s.tenant == municipality}
    if others := [h.name for h in fleet.hosts if h.site in sites and h.tenant != municipality]:
        what = f"hosts of others stand at its sites: {', '.join(others)}"
        raise UsageError(what, fix="say first in the inventory where they go, or whose they are")
    gone = _gone(fleet, municipality)
    return Parted(_rest(fleet, gone), _own(fleet, gone))


def _gone(fleet: Fleet, municipality: str) -> dict[str, list[Frozen]]:
    """Return what goes, by section: the municipality, and what refers to anything that goes by a field of one value."""
    references = References(fleet)
    refs: set[Ref] = {("tenants", municipality)}
    found: dict[str, list[Frozen]] = {"tenants": [fleet.tenant(municipality)]}
    taken: set[int] = set()
    growing = True
    while growing:
        growing = False
        for section in Fleet.model_fields:
            if section in {"config_contexts", "tenants"} or section not in REFERENCES:
                continue
            for item in getattr(fleet, section):
                if id(item) not in taken and refs & references.of(section, item):
                    taken.add(id(item))
                    found.setdefault(section, []).append(item)
                    if section in REFERENCED:
                        refs.add((section, key_of(item)))
                    growing = True
    names = {h.name for h in found.get("hosts", ())}  # type: ignore[attr-defined]  # hosts have names
    networks = [p.prefix for p in found.get("prefixes", ())]  # type: ignore[attr-defined]  # and prefixes networks
    found["cables"] = [c for c in fleet.cables if {c.a.partition(":")[0], c.b.partition(":")[0]} & names]
    found["ranges"] = [r for r in fleet.ranges if any(r.start in network for network in networks)]
    return found


def _rest(fleet: Fleet, gone: dict[str, list[Frozen]]) -> Fleet:
    left: dict[str, Any] = {section: _but(getattr(fleet, section), items) for section, items in gone.items()}
    referenced = {section: items for section, items in gone.items() if section in REFERENCED}
    keys = {section: {key_of(item) for item in items} for section, items in referenced.items()}
    contexts = (_without(context, keys) for context in fleet.config_contexts)
    left["config_contexts"] = tuple(context for context in contexts if context is not None)
    return in_order(fleet.model_copy(update=left))


def _but(items: Iterable[Frozen], gone: Iterable[Frozen]) -> tuple[Frozen, ...]:
    away = {id(item) for item in gone}
    return tuple(item for item in items if id(item) not in away)


def _without(context: ConfigContext, gone: dict[str, set[str]]) -> ConfigContext | None:
    """Return a config context that is assigned to nothing that goes; None if it was to nothing else.

    One whose last site is taken away would be for every site.
    """
    left: dict[str, tuple[str, ...]] = {}
    for kind in ASSIGNED_BY:
        named = getattr(context, kind)
        left[kind] = tuple(value for value in named if value not in gone.get(kind, set()))
        if named and not left[kind]:
            return None
    return context.model_copy(update=left)


def _own(fleet: Fleet, gone: dict[str, list[Frozen]]) -> Fleet:
    """Return what goes, with what it refers to of what all share, and the config contexts that reach its hosts."""
    references = References(fleet)
    assignment = Assignment(fleet)
    hosts = gone.get("hosts", ())
    contexts = [c for c in fleet.config_contexts if any(reaches(c, assignment.values(h)) for h in hosts)]  # type: ignore[arg-type]
    direct = {ref for section, items in gone.items() for ref in references.of(section, *items)}
    wanted = references.closure(direct)
    parts: dict[str, Any] = {}
    for section in Fleet.model_fields:
        items = getattr(fleet, section)
        if not isinstance(items, tuple):
            continue
        own = {id(item) for item in gone.get(section, ())}
        parts[section] = tuple(
            item for item in items if id(item) in own or (section in REFERENCED and (section, key_of(item)) in wanted)
        )
    there = {(section, key_of(item)) for section in REFERENCED for item in parts.get(section, ())}
    regional = (p for p in fleet.prefixes if p.region and ("regions", p.region) in wanted)
    parts["prefixes"] = (*parts["prefixes"], *regional)
    parts["config_contexts"] = tuple(_within(context, there) for context in contexts)
    return in_order(fleet.model_copy(update=parts))


def _within(context: ConfigContext, there: set[Ref]) -> ConfigContext:
    """Return a config context that names nothing which the own inventory has not."""
    kept = {kind: tuple(v for v in getattr(context, kind) if (kind, v) in there) for kind in ASSIGNED_BY}
    return context.model_copy(update=kept)
