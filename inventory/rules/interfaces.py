"""Rules about interfaces, LAGs, and the services that hosts offer."""

from __future__ import annotations

import re
from collections.abc import Iterator

from inventory.fleet import Fleet
from inventory.rules.rule import Fault, every_interface, most_like, rule

INTERFACE = re.compile(r"[A-Za-z0-9][A-Za-z0-9/._:-]{0,63}")
LINUX_INTERFACE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,14}")


@rule("interface-name", fix="name it as the host itself does; on Linux 15 characters of A-Z a-z 0-9 _ . - at most")
def bad_interface_name(fleet: Fleet) -> Iterator[Fault]:
    """Interfaces' names become names of files, of DNS, and words in commands."""
    linux = {p.slug for p in fleet.platforms if p.family == "debian"}
    for i, j, host, interface in every_interface(fleet):
        pattern = LINUX_INTERFACE if host.platform in linux else INTERFACE
        if not pattern.fullmatch(interface.name):
            what = f"{host.name} cannot have an interface {interface.name!r}"
            yield Fault(("hosts", i, "interfaces", j, "name"), what)


@rule("interface-type", fix="type: virtual")
def bad_interface_type(fleet: Fleet) -> Iterator[Fault]:
    """NetBox knows no types of a virtual machine's interfaces, so that any other word would be lost on the way."""
    for i, j, host, interface in every_interface(fleet):
        if host.kind == "vm" and interface.type != "virtual":
            what = f"{host.name}:{interface.name} of a vm has type {interface.type!r}"
            yield Fault(("hosts", i, "interfaces", j, "type"), what)


@rule("lag", fix="name an interface of the device whose type is lag, and give that one the VLANs and the addresses")
def bad_lag(fleet: Fleet) -> Iterator[Fault]:
    """A link aggregation group makes one link of several cables: its members have the cables, and the group has the
    VLANs and the addresses. Only devices have groups, and no group is a member of another.
    """
    plugged = {end for cable in fleet.cables for end in (cable.a, cable.b)}
    for i, j, host, interface in every_interface(fleet):
        if interface.lag is None and not interface.is_lag:
            continue
        name, path = f"{host.name}:{interface.name}", ("hosts", i, "interfaces", j)
        if interface.is_lag and name in plugged:
            yield Fault(path, f"{name} is a LAG, and a cable leads to it")
        if interface.lag is None:
            continue
        groups = {x.name for x in host.interfaces if x.is_lag}
        if host.kind == "vm" or interface.is_lag:
            whose = "of a vm" if host.kind == "vm" else "which is a LAG itself"
            yield Fault((*path, "lag"), f"{name}, {whose}, is a member of {interface.lag!r}")
        elif interface.lag not in groups:
            what = f"{host.name} has no LAG {interface.lag!r}{most_like(interface.lag, groups)}"
            yield Fault((*path, "lag"), f"{name}: {what}")
        if interface.untagged_vlan is not None or interface.tagged_vlans or interface.addresses:
            yield Fault(path, f"{name} is a member of {interface.lag!r}, and has VLANs or addresses of its own")


@rule("lag-ends", fix="make both ports members of a LAG or neither, and let all members of one lead to members of one")
def bad_lag_ends(fleet: Fleet) -> Iterator[Fault]:
    """Two devices that do not agree which of their cables are one link send each other nothing, or send it in a circle.
    (Of servers, NetBox need not say it: samdrift does not set up their networks.) Two devices may share a LAG towards a
    third (MLAG, VSX): it has one name on both.
    """
    cli = {p.slug for p in fleet.platforms if p.family == "cli"}
    cabled = {end.partition(":")[0] for cable in fleet.cables for end in (cable.a, cable.b)}
    lags = {
        f"{h.name}:{x.name}": x.lag and f"{h.name}:{x.lag}"
        for h in fleet.hosts
        if h.platform in cli and h.name in cabled
        for x in h.interfaces
    }
    leads: dict[str, str] = {}
    for i, cable in enumerate(fleet.cables):
        for side, near, far in (("a", cable.a, cable.b), ("b", cable.b, cable.a)):
            here, there = lags.get(near), lags.get(far)
            if here is None or far not in lags:
                continue
            if there is None:
                yield Fault(("cables", i, side), f"{near} is a member of a LAG, and {far} at the other end is not")
            elif not _is_same_or_shared(other := leads.setdefault(here, there), there):
                yield Fault(("cables", i, side), f"{here} leads to {other} and to {there}")


def _is_same_or_shared(lag: str, other: str) -> bool:
    (host, _, name), (second, _, called) = lag.partition(":"), other.partition(":")
    return lag == other or (host != second and name == called)


@rule("service", fix="a port is a number of 1 to 65535; a service has one at least")
def bad_service(fleet: Fleet) -> Iterator[Fault]:
    """A service that nobody could connect to is a typing error."""
    for i, host in enumerate(fleet.hosts):
        for j, service in enumerate(host.services):
            if not service.ports or not all(1 <= port <= 65535 for port in service.ports):
                what = f"{host.name}: service {service.name!r} has ports {list(service.ports)}"
                yield Fault(("hosts", i, "services", j), what)
