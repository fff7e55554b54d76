"""What a fleet wants of NetBox: each kind's objects, with what each should say. Pure.

Objects are known by natural keys (slugs, names, addresses), never by ids, which are NetBox's own. What a fleet does
not say (colours, comments, racks, an interface's MTU, what a region lies in if it names none) is not asked for, not
compared and not written. Here are places, owners and models, and config contexts; networks are in `wanted_network.py`,
hosts in `wanted_hosts.py`. Not here: which kinds there are (`write_types.py`), what of it must be written
(`writes.py`), and what rows mean to a fleet (`assemble.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from inventory.fleet import Fleet
from inventory.frozen import Frozen
from inventory.netbox.custom_fields import CLUSTER_SLUG, CUSTOM_FIELDS, FAMILY
from inventory.netbox.read_types import ASSIGNED_BY
from inventory.places import noun

Key = tuple[str | int, ...]


@dataclass(frozen=True)
class Ref:
    """An object of NetBox by its kind and natural key; its id may not be known before it is made."""

    kind: str
    key: Key


@dataclass(frozen=True)
class Wanted:
    """An object as the fleet wants it.

    Attributes:
        fields: what the fleet says of it, in NetBox's words, references as `Ref` (several as a frozenset of them).
        once: what is said only when it is made, since NetBox asks for it and the fleet says nothing of it.
        like: what an object of another key has in common with it that says the same thing; empty if none can.
    """

    key: Key
    fields: Mapping[str, Any]
    once: Mapping[str, Any] = field(default_factory=dict)
    like: Key = ()


@dataclass(frozen=True)
class Json:
    """A value that NetBox keeps as it is: lists in it have an order, and 1 is not true."""

    value: Any


class AtLeast(frozenset[str]):
    """Texts that must be among others; what else is there may stay."""


@dataclass(frozen=True)
class Termination:
    """The end of a cable at an interface."""

    at: Ref


def slugged(
    section: str, *fields: str, within: Mapping[str, str] | None = None, shared: bool = False
) -> Callable[[Fleet], Iterator[Wanted]]:
    """Want the objects of a section that are known by slug, with these fields.

    Args:
        within: what NetBox can put them in: field and kind. Where a fleet says nothing, nothing is asked for: somebody
            else may have put them there.
        shared: they are words that everybody uses who keeps something in this NetBox: who made one has named it, and
            it keeps that name.
    """

    def wanted(fleet: Fleet) -> Iterator[Wanted]:
        for item in getattr(fleet, section):
            named = {f: getattr(item, f) for f in fields}
            own = {"slug": last(item.slug), **({} if shared else named), **given(item, within or {})}
            yield Wanted((item.slug,), own, named if shared else {})

    return wanted


def given(item: Frozen, fields: Mapping[str, str]) -> dict[str, Any]:
    """Return the references that a fleet says: field and kind."""
    return {field: Ref(kind, (slug,)) for field, kind in fields.items() if (slug := getattr(item, field))}


def last(slug: str) -> str:
    """Return NetBox's slug: a fleet says before it what it lies in, where others have the same."""
    return slug.rpartition("/")[2]


def ref(kind: str, key: str | int | None) -> Ref | None:
    """Return a reference to what is known by one text or number; None if there is none."""
    return Ref(kind, (key,)) if key else None


def refs(kind: str, keys: Iterable[str | int]) -> frozenset[Ref]:
    """Return references to several."""
    return frozenset(Ref(kind, (k,)) for k in keys)


def choice_sets(_: Fleet) -> Iterator[Wanted]:
    """Want the choices of the custom fields that are chosen from a list."""
    for one in CUSTOM_FIELDS:
        if one.choices:
            name = one.choice_set
            yield Wanted((name,), {}, {"name": name, "extra_choices": [list(c) for c in one.choices]})


def custom_fields(_: Fleet) -> Iterator[Wanted]:
    """Want samdrift's custom fields; a field that is there may have further object types."""
    for one in CUSTOM_FIELDS:
        once: dict[str, Any] = {"name": one.name, "type": one.type, "label": one.label, "description": one.description}
        if one.choices:
            once["choice_set"] = Ref("choice set", (one.choice_set,))
        yield Wanted((one.name,), {"object_types": AtLeast(one.object_types)}, once)


def rirs(fleet: Fleet) -> Iterator[Wanted]:
    """Want the registry of private AS numbers, if a site has one."""
    if any(s.asns for s in fleet.sites):
        yield Wanted(("private",), {}, {"name": "Private", "slug": "private", "is_private": True})


def asns(fleet: Fleet) -> Iterator[Wanted]:
    """Want the AS numbers of the sites."""
    for asn in sorted({asn for s in fleet.sites for asn in s.asns}):
        yield Wanted((asn,), {}, {"asn": asn, "rir": Ref("RIR", ("private",))})


def sites(fleet: Fleet) -> Iterator[Wanted]:
    """Want the sites."""
    for site in fleet.sites:
        fields = {
            "slug": site.slug,
            "name": site.name,
            "facility": site.facility,
            "latitude": site.latitude,
            "longitude": site.longitude,
            "asns": refs("ASN", site.asns),
        }
        yield Wanted(
            (site.slug,), fields | given(site, {"tenant": "tenant", "region": "region", "group": "site group"})
        )


def locations(fleet: Fleet) -> Iterator[Wanted]:
    """Want the locations of the sites."""
    for place in fleet.locations:
        fields: dict[str, Any] = {"slug": last(place.slug), "name": place.name, "site": ref("site", place.site)}
        above = {"parent": Ref("location", (f"{place.site}/{place.parent}",))} if place.parent else {}
        yield Wanted((place.key,), fields | above)


def platforms(fleet: Fleet) -> Iterator[Wanted]:
    """Want the platforms, each with its family."""
    for platform in fleet.platforms:
        fields = {"slug": last(platform.slug), **given(platform, {"parent": "platform"})}
        family = {"custom_fields": {FAMILY.name: platform.family}} if platform.family else {}
        yield Wanted((platform.slug,), fields | family, {"name": platform.name, "description": platform.description})


def device_types(fleet: Fleet) -> Iterator[Wanted]:
    """Want the device types. Who made one in NetBox has said what it is: that stays."""
    for one in fleet.device_types:
        made_by = {
            "model": one.model,
            "part_number": one.part_number,
            "manufacturer": ref("manufacturer", one.manufacturer),
        }
        yield Wanted((one.slug,), {"slug": last(one.slug)}, made_by)


def clusters(fleet: Fleet) -> Iterator[Wanted]:
    """Want the clusters, each with its slug."""
    for cluster in fleet.clusters:
        fields = {
            "name": cluster.name,
            "type": ref("cluster type", cluster.type),
            "description": cluster.description,
            "custom_fields": {CLUSTER_SLUG.name: cluster.slug},
        }
        yield Wanted((cluster.slug,), fields | given(cluster, {"group": "cluster group"}))


def config_contexts(fleet: Fleet) -> Iterator[Wanted]:
    """Want the config contexts, each with what it is assigned by."""
    for context in fleet.config_contexts:
        fields: dict[str, Any] = {
            "name": context.name,
            "weight": context.weight,
            "description": context.description,
            "is_active": context.is_active,
            "data": Json(context.data),
        }
        for theirs, ours in ASSIGNED_BY.items():
            named = getattr(context, ours)
            fields[theirs] = frozenset(named) if theirs == "tags" else refs(noun(ours), named)
        yield Wanted((context.name,), fields)
