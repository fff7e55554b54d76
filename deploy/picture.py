"""The picture of the whole: sites where they are, their links, and a mark for each host. Coordinates only, pure.

Drawn in units of the SVG's view box, north up, one scale both ways. How marks look is the template's business.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from deploy.situation import HostState, Link, Place
from inventory.fleet import Frozen

WIDTH = 420.0
MARGIN = 70.0
REACH = (280.0, 340.0)
"""How far apart the outermost sites may be drawn, across and down."""

PITCH = 13.0
"""From the middle of a mark to the next."""

LABEL = 17.0
"""The height of a group's name."""

KM_PER_DEGREE = 111.2
SCALES_KM = (1, 2, 5, 10, 20, 50, 100, 200)


class Mark(Frozen):
    """A host on the picture."""

    x: float
    y: float
    host: HostState
    number: int


class Group(Frozen):
    """A site's hosts: the pin where the site is, and a box with its name and marks."""

    place: Place
    pin: tuple[float, float] | None
    x: float
    y: float
    width: float
    height: float
    marks: tuple[Mark, ...]


class Line(Frozen):
    """A link between two pins; `cut` if no host at its far end could be reached."""

    start: tuple[float, float]
    end: tuple[float, float]
    link: Link
    cut: bool


class Scale(Frozen):
    """How long some kilometres are drawn."""

    km: int
    length: float


class Picture(Frozen):
    """Everything to draw."""

    width: float
    height: float
    groups: tuple[Group, ...]
    lines: tuple[Line, ...]
    scale: Scale | None


def picture(places: Sequence[Place], links: Sequence[Link], hosts: Sequence[HostState]) -> Picture:
    """Where everything is drawn. A site without coordinates stands below the others, without a pin."""
    pins, per_km = _pins(places)
    marks = {p.slug: [(n, h) for n, h in enumerate(hosts, 1) if h.site == p.slug] for p in places}
    groups: list[Group] = []
    for place in sorted(places, key=lambda p: (p.slug not in pins, pins.get(p.slug, (0, 0))[1], p.slug)):
        floor = max((g.y + g.height for g in groups), default=MARGIN) + 8
        groups.append(_beside(_group(place, pins.get(place.slug), marks[place.slug], floor), groups))
    unreached = {p.slug for p in places if _unreached(p, hosts)}
    return Picture(
        width=WIDTH,
        height=round(max((g.y + g.height for g in groups), default=0.0) + 44),
        groups=tuple(groups),
        lines=tuple(
            Line(start=pins[k.a], end=pins[k.b], link=k, cut=bool({k.a, k.b} & unreached))
            for k in links
            if k.a in pins and k.b in pins
        ),
        scale=_scale(per_km) if len(pins) > 1 else None,
    )


def _pins(places: Iterable[Place]) -> tuple[dict[str, tuple[float, float]], float]:
    """Where each site is drawn, and how long a kilometre is."""
    known = [(p.slug, p.latitude, p.longitude) for p in places if p.latitude is not None and p.longitude is not None]
    if not known:
        return {}, 1.0
    middle = math.radians(sum(lat for _, lat, _ in known) / len(known))
    km = {s: (lon * KM_PER_DEGREE * math.cos(middle), -lat * KM_PER_DEGREE) for s, lat, lon in known}
    west, north = min(x for x, _ in km.values()), min(y for _, y in km.values())
    across, down = max(x for x, _ in km.values()) - west, max(y for _, y in km.values()) - north
    per_km = min(REACH[0] / max(across, 0.1), REACH[1] / max(down, 0.1))
    left = (WIDTH - across * per_km) / 2
    return {
        s: (round(left + (x - west) * per_km, 1), round(26 + (y - north) * per_km, 1)) for s, (x, y) in km.items()
    }, per_km


def _group(
    place: Place, pin: tuple[float, float] | None, hosts: Sequence[tuple[int, HostState]], floor: float
) -> Group:
    """A site's box under its pin, or at `floor` where it has none."""
    columns = max(4, math.ceil(math.sqrt(len(hosts) * 2.2)))
    rows = math.ceil(len(hosts) / columns)
    width = max(columns * PITCH, len(place.municipality) * 7.2) + 8
    middle, top = (pin[0], pin[1] + 8) if pin else (WIDTH / 2, floor)
    middle = min(max(middle, width / 2 + 4), WIDTH - width / 2 - 4)
    left = middle - min(len(hosts), columns) * PITCH / 2
    marks = tuple(
        Mark(
            x=round(left + (n % columns + 0.5) * PITCH, 1),
            y=round(top + LABEL + (n // columns + 0.5) * PITCH, 1),
            host=host,
            number=number,
        )
        for n, (number, host) in enumerate(hosts)
    )
    return Group(
        place=place, pin=pin, x=middle - width / 2, y=top, width=width, height=LABEL + rows * PITCH + 3, marks=marks
    )


def _beside(group: Group, others: Sequence[Group]) -> Group:
    """The group, moved down until it covers no other."""
    while over := next((o for o in others if _overlap(group, o)), None):
        down = over.y + over.height + 4 - group.y
        marks = tuple(m.model_copy(update={"y": round(m.y + down, 1)}) for m in group.marks)
        group = group.model_copy(update={"y": group.y + down, "marks": marks})
    return group


def _overlap(a: Group, b: Group) -> bool:
    return a.x < b.x + b.width and b.x < a.x + a.width and a.y < b.y + b.height and b.y < a.y + a.height


def _unreached(place: Place, hosts: Iterable[HostState]) -> bool:
    """Whether hosts of this site were looked for and none could be reached."""
    states = {h.state for h in hosts if h.site == place.slug} - {"not looked at"}
    return states == {"unknown"}


def _scale(per_km: float) -> Scale:
    km = next((k for k in SCALES_KM if k * per_km >= 50), SCALES_KM[-1])
    return Scale(km=km, length=round(km * per_km, 1))
