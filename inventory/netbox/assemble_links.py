"""From NetBox's cables, and its traces of them, to links from interface to interface. Pure.

A cable between two interfaces says itself what it links. One that leads to a patch panel or a circuit, or to several
ports, does not: there NetBox's trace is asked (`rows["paths"]`), which follows panels, circuits and profiles.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from inventory.frozen import Frozen
from inventory.netbox.making import Making, reference
from inventory.netbox.rows import Rows
from inventory.netbox.session import Row

CONNECTED = "connected"
"""The status of a cable that is plugged in: others are planned, or being taken away."""
INTERFACE = "dcim.interface"


def traced(rows: Rows) -> frozenset[int]:
    """Return the interfaces of which only NetBox's trace says where they lead, by id."""
    ends = {end for cable in rows["cables"].values() if _direct(cable) is None for end in interfaces_of(cable)}
    of_channels = {i for i, row in rows["interfaces"].items() if row["parent"] in ends} if ends else set()
    return frozenset(ends | of_channels)


def pairs(rows: Rows) -> Iterator[tuple[int, int]]:
    """Yield the interfaces that are linked, by id, whosever they are."""
    direct = (ends for row in rows["cables"].values() if row["status"] == CONNECTED and (ends := _direct(row)))
    yield from direct
    yield from ((near, far) for near, far, _ in _paths(rows))


def _direct(cable: Row) -> tuple[int, int] | None:
    """Return the interfaces at the ends of a cable if it has one at each, and no profile that would say more."""
    sides = cable["a_terminations"], cable["b_terminations"]
    if any(len(side) != 1 for side in sides) or cable.get("profile"):
        return None
    ends = [reference(side[0]) for side in sides]
    return (ends[0][1], ends[1][1]) if all(of == INTERFACE for of, _ in ends) else None


def interfaces_of(cable: Row) -> tuple[int, ...]:
    """Return the interfaces that a cable ends at, by id."""
    ends = map(reference, (*cable["a_terminations"], *cable["b_terminations"]))
    return tuple(number for of, number in ends if of == INTERFACE)


def links(making: Making, names: Mapping[int, str]) -> list[Frozen | None]:
    """Make the links.

    Args:
        names: of each interface that a host has, `host:interface`, by id.
    """
    rows = making.rows
    found: dict[tuple[str, str], Row] = {}
    for row in rows["cables"].values():
        direct = _direct(row)
        if direct is None:
            if not interfaces_of(row):
                making.leave_out("cables", row, "it links no interfaces")
        elif row["status"] != CONNECTED:
            making.leave_out("cables", row, f"its status is {row['status']}, and so it is no link")
        elif not all(end in names for end in direct):
            making.leave_out("cables", row, "an interface at its end is no host's")
            for near, far in (direct, direct[::-1]):
                _require_known(making, names, near, far)
        else:
            found[_sorted(*(names[end] for end in direct))] = row
    for near, far, row in _paths(rows):
        if near in names and far in names:
            found.setdefault(_sorted(names[near], names[far]), row)
        _require_known(making, names, near, far)
    return [making.made("cables", row, {"a": a, "b": b}) for (a, b), row in found.items()]


def _require_known(making: Making, names: Mapping[int, str], near: int, far: int) -> None:
    """Note a host's interface that leads to what is no host: what the port is for, nobody would know."""
    if near in names and far not in names:
        what = "leads to a device that has no name, or cannot be used"
        making.wrong("interfaces", making.rows["interfaces"][near], "cable", what, "name the device at its other end")


def _sorted(a: str, b: str) -> tuple[str, str]:
    return (a, b) if a <= b else (b, a)


def _paths(rows: Rows) -> Iterator[tuple[int, int, Row]]:
    """Yield where each traced interface leads, if every cable on the way is plugged in."""
    for near, row in rows["paths"].items():
        if row["connected_endpoints_reachable"] and row["connected_endpoints_type"] == INTERFACE:
            yield from ((near, far, row) for far in row["connected_endpoints"] or ())
