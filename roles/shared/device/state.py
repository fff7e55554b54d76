"""What devices say of their state, held against what NetBox says of them, in one form whatever the vendor. Pure.

Who is heard at a port by LLDP either is whom the cable leads to, or is not (a failed check), or is a stranger: NetBox
has no cable there, or the stranger shares it with whom the cable leads to. Strangers (telephones, access points,
somebody's computer) are told, and no check fails for them.

Not here: how an answer is read (`answers`), the checks (`tests/state/`), and how a device is reached.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from roles.shared.device.answers import NotUnderstood, rows
from roles.shared.device.heard import Heard
from roles.shared.device.known import known_vendors
from roles.shared.device.settings import Neighbour, Settings
from roles.shared.device.vendor import Vendor

LONGEST = 255
"""Octets of a system's name in LLDP (IEEE 802.1AB, 8.5.6): whoever tells a longer one is cut short."""


def heard(vendor: Vendor, output: str) -> tuple[Heard, ...]:
    """Return who is heard at each port, by the ports' whole names."""
    return tuple(
        Heard(
            port=_port(vendor, _one(row["port"]))[:LONGEST],
            host=_one(row["host"]).split(".")[0].strip()[:LONGEST],
            id=_one(row["id"])[:LONGEST],
        )
        for row in rows(vendor, "neighbours", output)
    )


def at_cables(settings: Settings, found: Iterable[Heard]) -> dict[str, str]:
    """Return who is heard where a cable of NetBox is plugged in: whom it leads to, or whoever is heard instead.

    Where it leads to one of the fleet's switches, nobody else may be heard.
    """
    seen: dict[str, str] = {}
    names = _names(found)
    for port, cable in _cables(settings).items():
        here = names.get(port, {})
        if cable.host.lower() in here and (len(here) == 1 or not cable.talks):
            seen[port] = cable.host
        elif here:
            seen[port] = ", ".join(sorted(here.values()))
    return seen


def wanted_at_cables(settings: Settings, seen: dict[str, str]) -> dict[str, str]:
    """Return whom the cables lead to: those that must tell their name, and what others may tell."""
    return {port: n.host for port, n in _cables(settings).items() if n.talks or port in seen}


def strangers(settings: Settings, found: Iterable[Heard]) -> tuple[Heard, ...]:
    """Return who is heard that no cable of NetBox leads to; not those by whom a check fails."""
    found, cables = tuple(found), _cables(settings)
    names, named = _names(found), {(one.port, one.id) for one in found if one.host}

    def is_strange(one: Heard) -> bool:
        if (cable := cables.get(one.port)) is None:
            return True
        leads_to = cable.host.lower()
        if leads_to not in names.get(one.port, {}):
            return False
        if not one.host:
            return (one.port, one.id) not in named
        return one.host.lower() != leads_to and not cable.talks

    return tuple(one for one in found if is_strange(one))


def _cables(settings: Settings) -> dict[str, Neighbour]:
    """Return what the cables of NetBox lead to, by the whole name of the port here."""
    vendor = known_vendors()[settings.platform]
    return {vendor.whole_name(n.port): n for n in settings.neighbours}


def _names(found: Iterable[Heard]) -> dict[str, dict[str, str]]:
    """Return the names that are heard at each port, by themselves in small letters."""
    names: dict[str, dict[str, str]] = {}
    for one in found:
        if one.host:
            names.setdefault(one.port, {})[one.host.lower()] = one.host
    return names


def trunks(vendor: Vendor, output: str, settings: Settings) -> dict[str, set[int]]:
    """Return the VLANs that each trunk of the settings carries; of those VLANs that the site has."""
    known = {s.vid for s in settings.segments}
    carried: dict[str, set[int]] = {port: set() for port in wanted_trunks(settings)}
    for row in rows(vendor, "trunks", output):
        for port in (_port(vendor, name) for text in _texts(row["port"]) for name in _each(text)):
            if port in carried:
                carried[port] |= _vids(row["vids"], known)
    return carried


def wanted_trunks(settings: Settings) -> dict[str, set[int]]:
    """Return the VLANs that each trunk is to carry."""
    vendor = known_vendors()[settings.platform]
    return {vendor.whole_name(p.name): set(p.vids) for p in settings.ports if p.is_trunk}


def sockets(settings: Settings, names: Iterable[str]) -> set[str]:
    """Return the physical ports of these, of which each must be up for the link to be whole: of a LAG, its members."""
    members = {p.name: p.members for p in settings.lags}
    return {socket for name in names for socket in members.get(name, (name,))}


def disabled(vendor: Vendor, output: str, settings: Settings) -> dict[str, str]:
    """Return the ports that the device itself has shut for a fault, and the reason.

    Raises:
        NotUnderstood: it says nothing of ports that it would name if it had said everything.
    """
    found = {_port(vendor, _one(row["port"])): row["why"] for row in rows(vendor, "disabled", output)}
    question = vendor.asks["disabled"]
    physical = {vendor.whole_name(p.name) for p in settings.ports if not p.is_lag}
    expected = physical if question.every_port else physical & _cables(settings).keys()
    if untold := expected - found.keys() or (physical if physical.isdisjoint(found) else set()):
        raise NotUnderstood(question, f"it says nothing of {', '.join(sorted(untold))}")
    return {port: why for port, why in found.items() if why}


def asked(settings: Settings, what: str) -> tuple[Vendor, str]:
    """Return the vendor of a device, and the command that asks it."""
    vendor = known_vendors()[settings.platform]
    return vendor, vendor.asks[what].command


def _port(vendor: Vendor, name: str) -> str:
    """Return a port's name as NetBox has it: not cut short, without the unit and the mark that Junos adds."""
    return vendor.whole_name(re.sub(r"\.0\*?$|\*$", "", name.strip()))


def _each(text: str) -> Iterator[str]:
    """Yield the ports of a range such as `1/1/2-1/1/4` or `lag1-lag3`, or a port alone."""
    span = re.fullmatch(r"(\d+/\d+/|[a-z]+)(\d{1,3})-\1(\d{1,3})", text)
    yield from (f"{span[1]}{n}" for n in range(int(span[2]), int(span[3]) + 1)) if span else (text,)


def _texts(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value


def _one(value: str | list[str]) -> str:
    return next(iter(_texts(value)), "")


def _vids(value: str | list[str], known: set[int]) -> set[int]:
    """Return those of the known VLANs that a list of numbers and ranges names."""
    named: set[int] = set()
    for text in (part for of in _texts(value) for part in re.split(r"[,\s]+", of)):
        if text.upper() == "ALL":
            return known
        if found := re.fullmatch(r"(\d{1,4})(?:-(\d{1,4}))?", text):
            named |= {vid for vid in known if int(found[1]) <= vid <= int(found[2] or found[1])}
    return named
