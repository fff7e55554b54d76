"""What CLI devices answer to the questions of state checks, in one form whatever the vendor. Pure.

How each vendor is asked, and how its answer is read, is data (`Vendor.asks`): templates of ntc-templates where it has
them. Not here: the checks (`tests/state/`), and how a device is reached.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from ntc_templates.parse import parse_output  # type: ignore[import-untyped]  # it has no types

from roles.shared.device.known import known_vendors
from roles.shared.device.settings import Settings
from roles.shared.device.vendor import Vendor

Row = dict[str, Any]


def rows(vendor: Vendor, asked: str, output: str) -> list[Row]:
    """Parse a device's output into rows, with our names for the columns."""
    question = vendor.asks[asked]
    if question.template is None:
        found = (re.search(question.pattern, line) for line in output.splitlines())
        return [match.groupdict() for match in found if match]
    platform, command = question.template
    parsed = parse_output(platform=platform, command=command, data=output)
    return [{ours: row[theirs] for ours, theirs in question.fields.items()} for row in parsed]


def neighbours(vendor: Vendor, output: str) -> dict[str, str]:
    """Return the name of the device at each port where one tells its name, without its domain."""
    return {_port(vendor, r["port"]): r["host"].split(".")[0] for r in rows(vendor, "neighbours", output) if r["host"]}


def wanted_neighbours(settings: Settings, seen: dict[str, str]) -> dict[str, str]:
    """Return the devices that the cables lead to: those that must tell their name, and what others may tell."""
    return {n.port: n.host for n in settings.neighbours if n.talks or n.port in seen}


def trunks(vendor: Vendor, output: str, settings: Settings) -> dict[str, set[int]]:
    """Return the VLANs that each trunk of the settings carries; of those VLANs that the site has."""
    known = {s.vid for s in settings.segments}
    carried: dict[str, set[int]] = {p.name: set() for p in settings.ports if p.is_trunk}
    for row in rows(vendor, "trunks", output):
        for port in (_port(vendor, name) for text in _texts(row["port"]) for name in _each(text)):
            if port in carried:
                carried[port] |= known.intersection(_vids(row["vids"], known))
    return carried


def wanted_trunks(settings: Settings) -> dict[str, set[int]]:
    """Return the VLANs that each trunk is to carry."""
    return {p.name: set(p.vids) for p in settings.ports if p.is_trunk}


def sockets(settings: Settings, names: Iterable[str]) -> set[str]:
    """Return the physical ports of these, of which each must be up for the link to be whole: of a LAG, its members."""
    members = {p.name: p.members for p in settings.lags}
    return {socket for name in names for socket in members.get(name, (name,))}


def disabled(vendor: Vendor, output: str) -> dict[str, str]:
    """Return the ports that the device itself has shut for a fault, and the reason."""
    return {_port(vendor, row["port"]): row["why"] for row in rows(vendor, "disabled", output) if row["why"]}


def reported_ports(vendor: Vendor, output: str) -> set[str]:
    """Return the ports of which the device reports whether it has shut them; none if it printed nothing."""
    return {_port(vendor, row["port"]) for row in rows(vendor, "disabled", output)}


def asked(settings: Settings, what: str) -> tuple[Vendor, str]:
    """Return the vendor of a device, and the command that asks it."""
    vendor = known_vendors()[settings.platform]
    return vendor, vendor.asks[what].command


def _port(vendor: Vendor, name: str) -> str:
    """Return a port's name as NetBox has it: not cut short, without the unit and the mark that Junos adds."""
    return vendor.whole_name(re.sub(r"\.0\*?$|\*$", "", name.strip()))


def _each(text: str) -> Iterator[str]:
    """Yield the ports of a range such as `1/1/2-1/1/4`, or a port alone."""
    span = re.fullmatch(r"(\d+/\d+/)(\d+)-\1(\d+)", text)
    yield from (f"{span[1]}{n}" for n in range(int(span[2]), int(span[3]) + 1)) if span else (text,)


def _texts(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value


def _vids(value: str | list[str], known: set[int]) -> Iterator[int]:
    for text in _texts(value):
        if text.upper() == "ALL":
            yield from known
        elif found := re.fullmatch(r"(\d+)(?:-(\d+))?", text):
            yield from range(int(found[1]), int(found[2] or found[1]) + 1)
