"""The picture of the whole: sites where they are, their links, and a mark for each host. Coordinates only, pure.

Drawn in units of the SVG's view box, north up, one scale both ways. How marks look is the template's business.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from deploy.report.document import HostState, Link, Place, State
from inventory.frozen import Frozen

WIDTH = 420.0
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
    """The length of some kilometres on the map."""

    km: int
    length: float


class Picture(Frozen):
    """Everything to draw, from `top` downwards."""

    top: float
    width: float
    height: float
    groups: tuple[Group, ...]
    lines: tuple[Line, ...]
    scale: Scale | None


def picture(places: Sequence[Place], links: Sequence[Link], hosts: Sequence[HostState]) -> Picture:
    """Place every site on the map. A site without coordinates stands below the others, without a pin."""
    pins, per_km = _pins(places)
    unreached = {p.slug for p in places if _unreached(p, hosts)}
    lines = tuple(
        Line(start=pins[k.a], end=pins[k.b], link=k, cut=bool({k.a, k.b} & unreached))
        for k in links
        if k.a in pins and k.b in pins
    )
    groups: list[Group] = []
    numbered = list(enumerate(hosts, 1))
    for place in sorted(places, key=lambda p: (p.slug not in pins, pins.get(p.slug, (0, 0))[1], p.slug)):
        own = [(n, h) for n, h in numbered if h.site == place.slug]
        groups.append(_group(place, own, pins.get(place.slug), groups, lines))
    top = min((y for g in groups for y in (g.y, g.pin[1] - 6 if g.pin else g.y)), default=0.0) - 14
    return Picture(
        top=top,
        width=WIDTH,
        height=round(max((g.y + g.height for g in groups), default=0.0) + 44 - top, 1),
        groups=tuple(groups),
        lines=lines,
        scale=_scale(per_km) if len(pins) > 1 else None,
    )


def _pins(places: Iterable[Place]) -> tuple[dict[str, tuple[float, float]], float]:
    """Return the position of each site, and the length of a kilometre."""
    known = [(p.slug, p.latitude, p.longitude) for p in places if p.latitude is not None and p.longitude is not None]
    if not known:
        return {}, 1.0
    middle = math.radians(sum(lat for _, lat, _ in known) / len(known))
    km = {s: (lon * KM_PER_DEGREE * math.cos(middle), -lat * KM_PER_DEGREE) for s, lat, lon in known}
    west, north = min(x for x, _ in km.values()), min(y for _, y in km.values())
    across, down = max(x for x, _ in km.values()) - west, max(y for _, y in km.values()) - north
    per_km = min(REACH[0] / max(across, 0.1), REACH[1] / max(down, 0.1))
    left = (WIDTH - across * per_km) / 2
    pins = {s: (round(left + (x - west) * per_km, 1), round((y - north) * per_km, 1)) for s, (x, y) in km.items()}
    return pins, per_km


def _group(
    place: Place,
    hosts: Sequence[tuple[int, HostState]],
    pin: tuple[float, float] | None,
    others: Sequence[Group],
    lines: Sequence[Line],
) -> Group:
    """Place a site's box on the side of its pin where it covers the fewest links and boxes; below all without a pin."""
    columns = max(4, math.ceil(math.sqrt(len(hosts) * 2.2)))
    width = max(columns * PITCH, len(place.municipality) * 7.6) + 8
    height = LABEL + math.ceil(len(hosts) / columns) * PITCH + 3
    empty = Group(place=place, pin=pin, x=0, y=0, width=width, height=height, marks=())
    if pin is None:
        floor = max((g.y + g.height for g in others), default=0.0) + 8
        return _filled(_moved(empty, ((WIDTH - width) / 2, floor)), hosts, columns)
    x, y = pin
    corners = (
        (x - width / 2, y + 8),
        (x - width / 2, y - height - 7),
        (x - width - 9, y - height / 2 - 4),
        (x + 9, y - height / 2 - 4),
    )
    fitting = [(min(max(left, 4), WIDTH - width - 4), top) for left, top in corners]
    best = min(fitting, key=lambda corner: _covered(_moved(empty, corner), others, lines))
    return _filled(_beside(_moved(empty, best), others), hosts, columns)


def _moved(group: Group, corner: tuple[float, float]) -> Group:
    return group.model_copy(update={"x": round(corner[0], 1), "y": round(corner[1], 1)})


def _filled(group: Group, hosts: Sequence[tuple[int, HostState]], columns: int) -> Group:
    """Return a group with its marks, in rows."""
    left = group.x + group.width / 2 - min(len(hosts), columns) * PITCH / 2
    marks = tuple(
        Mark(
            x=round(left + (n % columns + 0.5) * PITCH, 1),
            y=round(group.y + LABEL + (n // columns + 0.5) * PITCH, 1),
            host=host,
            number=number,
        )
        for n, (number, host) in enumerate(hosts)
    )
    return group.model_copy(update={"marks": marks})


def _covered(group: Group, others: Iterable[Group], lines: Iterable[Line]) -> int:
    """Return how much a group would cover: other groups, its own pin, and stretches of links."""
    points = [
        (line.start[0] + (line.end[0] - line.start[0]) * t / 40, line.start[1] + (line.end[1] - line.start[1]) * t / 40)
        for line in lines
        for t in range(41)
    ]
    hidden = sum(_inside(p, group) for p in points)
    return 100 * sum(_overlap(group, o) for o in others) + 100 * _inside(group.pin or (-1, -1), group) + hidden


def _inside(point: tuple[float, float], group: Group) -> bool:
    return group.x <= point[0] <= group.x + group.width and group.y <= point[1] <= group.y + group.height


def _beside(group: Group, others: Sequence[Group]) -> Group:
    """Return a group, moved down until it covers no other."""
    while over := next((o for o in others if _overlap(group, o)), None):
        group = _moved(group, (group.x, over.y + over.height + 4))
    return group


def _overlap(a: Group, b: Group) -> bool:
    return a.x < b.x + b.width and b.x < a.x + a.width and a.y < b.y + b.height and b.y < a.y + a.height


def _unreached(place: Place, hosts: Iterable[HostState]) -> bool:
    """Tell whether hosts of this site were looked for and none could be reached."""
    states = {h.state for h in hosts if h.site == place.slug} - {State.NOT_LOOKED_AT}
    return states == {State.UNKNOWN}


def _scale(per_km: float) -> Scale:
    km = next((k for k in SCALES_KM if k * per_km >= 50), SCALES_KM[-1])
    return Scale(km=km, length=round(km * per_km, 1))
