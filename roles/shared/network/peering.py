"""Where gateways meet, who speaks with whom there, and what one tells the other: all from the fleet's prefixes.

Gateways of several sites meet in a prefix that the sites share. Its router, if it is one of them, is a *hub*: it speaks
with all the others, and they with it alone. Where gateways have tunnels, they meet in those and no longer in the
network below, the *underlay*, which then carries the tunnels. Gateways of one site that have a prefix to themselves,
without a router, are *linked*: two hubs, so that what only one of them reaches is within reach of both.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network

from inventory.fleet import Fleet, Host, Interface
from inventory.network import Prefix, networks4
from roles.shared.catalogue import shares_addresses
from roles.shared.settings import SettingsError

GATEWAY = "edge_gateway"
"""The role of gateways. It is named here, since how gateways meet is what that role is."""


@dataclass(frozen=True)
class End:
    """A gateway in a prefix that it shares with others."""

    host: Host
    interface: Interface
    address: IPv4Address


@dataclass(frozen=True)
class Adjacency:
    """A BGP adjacency of a gateway: its own interface, and the other gateway with its address."""

    interface: Interface
    peer: Host
    address: IPv4Address


def behind(host: Host, fleet: Fleet) -> tuple[IPv4Network, ...]:
    """Return the prefixes of its own site that this host routes (alone, or in turns), with an interface in each."""
    own = (p for p in fleet.prefixes if p.site == host.site and host.name in _names(routers_of(p, fleet)))
    return tuple(sorted(networks4(own)))


def routers_of(prefix: Prefix, fleet: Fleet) -> tuple[Host, ...]:
    """Return the routers of a prefix: the host with its gateway's address, or the hosts that share one which no
    interface has.
    """
    sharing = ((h, x) for h, x in fleet.candidates_of(prefix) if shares_addresses(h))
    return tuple({host.name: host for host, _ in (*fleet.holders_of(prefix), *sharing)}.values())


def transits(fleet: Fleet) -> tuple[IPv4Network, ...]:
    """Return the prefixes by which gateways of several sites send to each other, the preferred one first."""
    shared = _between_sites(fleet)
    return _tunnels(shared, fleet) or shared


def underlays(fleet: Fleet) -> tuple[IPv4Network, ...]:
    """Return the prefixes that carry the gateways' tunnels."""
    shared = _between_sites(fleet)
    tunnels = _tunnels(shared, fleet)
    return tuple(prefix for prefix in shared if prefix not in tunnels) if tunnels else ()


def links(fleet: Fleet) -> tuple[IPv4Network, ...]:
    """Return the prefixes that only gateways of one site are in."""
    alone = networks4(p for p in fleet.prefixes if p.site and p.gateway is None and p.vlan is None)
    return tuple(sorted(prefix for prefix in alone if len(ends(prefix, fleet)) > 1))


def ends(prefix: IPv4Network, fleet: Fleet) -> tuple[End, ...]:
    """Return the gateways with an interface in a prefix, by name."""
    return tuple(
        End(host, interface, address.ip)
        for host in fleet.with_role(GATEWAY)
        for interface in host.interfaces
        for address in interface.addresses4
        if address.network == prefix
    )


def adjacencies(host: Host, prefix: IPv4Network, fleet: Fleet) -> tuple[Adjacency, ...]:
    """Return the gateways that a host peers with in a prefix: the hub with all, the others with the hub."""
    there = ends(prefix, fleet)
    hubs = _names(_routers(prefix, fleet)) & _names(e.host for e in there)
    return tuple(
        Adjacency(own.interface, e.host, e.address)
        for own in there
        if own.host.name == host.name
        for e in there
        if e.host.name != host.name and (not hubs or hubs & {host.name, e.host.name})
    )


def is_hub(host: Host, fleet: Fleet) -> bool:
    """Tell whether other sites' gateways all send by way of this host."""
    return bool(hub_transits(host, fleet))


def hub_transits(host: Host, fleet: Fleet) -> tuple[IPv4Network, ...]:
    """Return the transits that a host is the router of."""
    return tuple(prefix for prefix in transits(fleet) if host.name in _names(_routers(prefix, fleet)))


def announced(by: Host, to: Host, fleet: Fleet) -> tuple[IPv4Network, ...]:
    """Return the prefixes that `by` announces to `to` over BGP: its own, and a hub those of everybody else too.

    A gateway is not sent what it holds itself, except by a gateway of its own site: it may be within reach of that one
    only. Gateways of one site announce the tunnels, too, in which other gateways' own packets begin.
    """
    speaking = fleet.with_role(GATEWAY) if is_hub(by, fleet) else (by,)
    known = {prefix for g in speaking for prefix in behind(g, fleet)}
    return tuple(
        sorted(known.union(hub_transits(by, fleet)) if by.site == to.site else known.difference(behind(to, fleet)))
    )


def reached_at(host: Host, by: IPv4Network, fleet: Fleet) -> IPv4Address:
    """Return the address at which hosts of prefix `by` reach a host: its primary one, but of a gateway an inner one.

    What is sent to a gateway's outer address does not go by the tunnels, where alone it would be believed.
    """
    inner = (by, *behind(host, fleet)) if GATEWAY in host.roles else ()
    return next((a.ip for prefix in inner for a in host.addresses4 if a.ip in prefix), address4(host))


def address4(host: Host) -> IPv4Address:
    """Return the IPv4 address that a host is reached at.

    Raises:
        SettingsError: it has none.
    """
    if host.primary_address is None:
        fix = f"give {host.name} one in NetBox"
        raise SettingsError(f"{host.name} has no primary address of IPv4", field="primary_address", fix=fix)
    return host.primary_address


def one_word(name: str) -> str:
    """Return a name as one word of a configuration, which cannot end a command or begin another."""
    if not re.fullmatch(r"[A-Za-z0-9._-]+", name):
        raise SettingsError(f"{name!r} cannot name a router", field="name", fix="use letters a-z, digits and hyphens")
    return name


def _between_sites(fleet: Fleet) -> tuple[IPv4Network, ...]:
    shared = networks4(p for p in fleet.prefixes if p.site is None)
    return tuple(sorted(prefix for prefix in shared if len(ends(prefix, fleet)) > 1))


def _tunnels(of: Iterable[IPv4Network], fleet: Fleet) -> tuple[IPv4Network, ...]:
    return tuple(prefix for prefix in of if all(e.interface.is_tunnel for e in ends(prefix, fleet)))


def _routers(prefix: IPv4Network, fleet: Fleet) -> tuple[Host, ...]:
    of: Iterable[Prefix] = (p for p in fleet.prefixes if p.prefix == prefix and p.site is None)
    return next((routers_of(p, fleet) for p in of), ())


def _names(hosts: Iterable[Host]) -> frozenset[str]:
    return frozenset(h.name for h in hosts)
