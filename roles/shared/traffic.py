"""What a role wants let through the firewall: ports it serves, what a gateway forwards, and whom it believes."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, collapse_addresses
from typing import Literal

from inventory.fleet import Fleet, Host
from inventory.frozen import Frozen
from inventory.network import networks4

MANAGEMENT_STATION = "management-station"
"""Device role of the hosts that administrators (and samdrift) work from."""


class Listen(Frozen):
    """A port that a role serves on its host. Empty `sources` lets nobody in; say `ANYWHERE` to mean it.

    VRRP has no ports: gateways that share an address speak it with each other.
    """

    protocol: Literal["tcp", "udp", "vrrp"]
    port: int = 0
    sources: tuple[IPv4Network, ...]
    why: str


class Forward(Frozen):
    """Traffic that a gateway lets pass from `sources` to `destinations`; without a port, all of it."""

    sources: tuple[IPv4Network, ...]
    destinations: tuple[IPv4Network, ...]
    protocol: Literal["tcp", "udp", "icmp"] | None = None
    port: int | None = None
    why: str


class ReversePathExemption(Frozen):
    """An interface exempt from reverse-path filtering, because its sender is authenticated.

    With `judged_beyond`, traffic that leaves by it is filtered by the peer.
    """

    interface: str
    judged_beyond: bool = False
    why: str


class WayOut(Frozen):
    """Traffic to the internet that a role of a host needs: gateways forward it, for this host alone."""

    protocol: Literal["tcp", "udp", "icmp"]
    port: int
    why: str


class SharedAddress(Frozen):
    """An address that a host shares with others, one of which holds it at a time.

    `interface` is the host's own, with the address `own`; `others` are the addresses of those that it shares with.
    """

    interface: str
    own: IPv4Address
    others: tuple[IPv4Address, ...]
    address: IPv4Address


ANYWHERE = (IPv4Network("0.0.0.0/0"),)


DNS_OUTSIDE = tuple(WayOut(protocol=p, port=53, why="DNS from outside") for p in ("udp", "tcp"))


def networks(of: Iterable[IPv4Network]) -> tuple[IPv4Network, ...]:
    """Merge networks into as few as cover the same addresses, sorted."""
    return tuple(sorted(collapse_addresses(of)))


def fleet_networks(fleet: Fleet) -> tuple[IPv4Network, ...]:
    """Return every prefix of the fleet."""
    return networks(networks4(fleet.prefixes))


def site_networks(fleet: Fleet, site: str) -> tuple[IPv4Network, ...]:
    """Return the prefixes of one site alone, without those that its region shares."""
    return networks(networks4(p for p in fleet.prefixes if p.site == site))


def local_networks(host: Host, fleet: Fleet) -> tuple[IPv4Network, ...]:
    """Return the prefixes of its own site that this host stands in: hosts there reach it without a gateway between."""
    own = networks4(p for p in fleet.prefixes if p.site == host.site)
    return networks(n for n in own if any(a.ip in n for a in host.addresses))


def addresses_of(hosts: Iterable[Host]) -> tuple[IPv4Network, ...]:
    """Return every address of these hosts, as /32 networks: any of them may be the source of a packet."""
    return networks(IPv4Network(a.ip) for h in hosts for a in h.addresses4)


def management(fleet: Fleet) -> tuple[IPv4Network, ...]:
    """Return the networks that administration may come from: the management stations."""
    return addresses_of(fleet.with_device_role(MANAGEMENT_STATION))
