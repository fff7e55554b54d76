"""Compute what purchasers read: which devices there are, how old, until when supported, and what to buy together. Pure.

What nobody looked up is not known, and counted as that. Not here: the file that says it (`inventory.lifecycle`).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from enum import StrEnum
from typing import Literal

from pydantic import Field

from deploy.report.scope import municipalities, organisation
from inventory.fleet import Fleet, Host
from inventory.frozen import Frozen
from inventory.lifecycle import Lifecycle, Support

SOON_DAYS = 730
"""Support that ends within so many days is to be planned for: a procurement takes its time."""

OLD_YEARS = 7
"""A device that is older than this is to be planned for, whatever its maker says."""


class Standing(StrEnum):
    """Where a thing stands in its life, the most urgent first."""

    ENDED = "support has ended"
    SOON = "support ends within two years"
    OLD = "older than seven years"
    UNKNOWN = "not known"
    SUPPORTED = "supported"


class Device(Frozen):
    """One device, as the inventory has it."""

    host: str
    municipality: str
    site: str
    device_role: str
    model: str
    serial: str
    bought: str = ""
    years: float | None = None
    standing: Standing


class Model(Frozen):
    """A model or an operating system: how many each municipality has, and until when it is supported."""

    slug: str
    name: str
    part_number: str = ""
    count: int
    by_municipality: dict[str, int]
    support_until: str = ""
    extended_until: str = ""
    source: str = ""
    read: str = ""
    note: str = ""
    standing: Standing


class Together(Frozen):
    """Devices for one purpose that several municipalities will replace in the same years."""

    device_role: str
    by_municipality: dict[str, int]
    hosts: tuple[str, ...]


class Procurement(Frozen):
    """What purchasers read: the JSON document."""

    format: Literal[1] = 1
    open: bool = Field(default=False, description="it is the version for anybody: what may serve an attacker is masked")
    masked: int = 0
    organisation: str
    scope: str
    at: str
    municipalities: dict[str, str] = Field(description="slug to name")
    devices: tuple[Device, ...]
    models: tuple[Model, ...]
    platforms: tuple[Model, ...]
    together: tuple[Together, ...]


def procurement(fleet: Fleet, hosts: Sequence[Host], lifecycle: Lifecycle, at: str, today: date) -> Procurement:
    """Return what is known of these hosts for who buys their successors.

    Args:
        today: the day of `at`, in the municipalities.
    """
    devices = tuple(_devices(hosts, lifecycle, today))
    models = {t.slug: t for t in fleet.device_types}
    platforms = {p.slug: p.name for p in fleet.platforms}
    whose = {h.name: h.tenant for h in hosts}
    about = municipalities(fleet, whose.values())
    of_models = Counter((d.model, d.municipality) for d in devices)
    of_platforms = Counter((h.platform, h.tenant) for h in hosts if h.platform)
    return Procurement(
        organisation=organisation(fleet),
        scope=", ".join(about.values()),
        at=at,
        municipalities=about,
        devices=devices,
        models=tuple(
            _model(
                slug, found.model if (found := models.get(slug)) else slug, counts, lifecycle.models.get(slug), today
            ).model_copy(update={"part_number": found.part_number if found else ""})
            for slug, counts in sorted(_by_slug(of_models).items())
        ),
        platforms=tuple(
            _model(slug, platforms.get(slug, slug), counts, lifecycle.platforms.get(slug), today)
            for slug, counts in sorted(_by_slug(of_platforms).items())
        ),
        together=tuple(_together(devices)),
    )


def _devices(hosts: Iterable[Host], lifecycle: Lifecycle, today: date) -> Iterator[Device]:
    """Yield every device, a stack's members each."""
    for host in sorted(hosts, key=lambda h: (h.tenant, h.name)):
        if host.kind != "device":
            continue
        parts = [(m.name, m.device_type, m.serial) for m in host.members]
        for name, model, serial in parts or [(host.name, host.device_type or "", host.serial)]:
            bought = lifecycle.bought.get(serial)
            years = round((today - bought).days / 365.25, 1) if bought else None
            yield Device(
                host=name,
                municipality=host.tenant,
                site=host.site,
                device_role=host.role,
                model=model,
                serial=serial,
                bought=bought.isoformat() if bought else "",
                years=years,
                standing=_standing(lifecycle.models.get(model), today, years),
            )


def _standing(support: Support | None, today: date, years: float | None = None) -> Standing:
    if support is not None and support.support_until < today:
        return Standing.ENDED
    if support is not None and (support.support_until - today).days <= SOON_DAYS:
        return Standing.SOON
    if years is not None and years > OLD_YEARS:
        return Standing.OLD
    return Standing.SUPPORTED if support is not None else Standing.UNKNOWN


def _by_slug(counted: Mapping[tuple[str, str], int]) -> Mapping[str, dict[str, int]]:
    found = defaultdict[str, dict[str, int]](dict)
    for (slug, municipality), count in sorted(counted.items()):
        found[slug][municipality] = count
    return found


def _model(slug: str, name: str, counts: dict[str, int], support: Support | None, today: date) -> Model:
    known = {}
    if support is not None:
        known = {
            "support_until": support.support_until.isoformat(),
            "extended_until": support.extended_until.isoformat() if support.extended_until else "",
            "source": support.source,
            "read": support.read.isoformat(),
            "note": support.note,
        }
    standing = _standing(support, today)
    return Model(slug=slug, name=name, count=sum(counts.values()), by_municipality=counts, standing=standing, **known)


def _together(devices: Iterable[Device]) -> Iterator[Together]:
    """Yield, by purpose, what several municipalities are to replace: what is not known to last is among it."""
    due = defaultdict[str, list[Device]](list)
    for device in devices:
        if device.standing in {Standing.ENDED, Standing.SOON, Standing.OLD}:
            due[device.device_role].append(device)
    for role, some in sorted(due.items()):
        counts = Counter(d.municipality for d in some)
        if len(counts) > 1:
            yield Together(
                device_role=role, by_municipality=dict(sorted(counts.items())), hosts=tuple(d.host for d in some)
            )
