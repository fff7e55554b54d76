"""What a role wants let through the firewall: ports it serves, what a gateway forwards, and whom it believes.

Networks are of both families, IPv4 first. A port that is open in one family and closed in the other has its sources in
one alone; the firewall opens nothing that they do not say.
"""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Network, collapse_addresses, ip_network
from typing import Literal

from inventory.fleet import Fleet, Host
from inventory.frozen import Frozen
from inventory.network import Address, Network
from roles.shared.families import own_addresses

MANAGEMENT_STATION = "management-station"
"""Device role of the hosts that administrators (and samdrift) work from."""


class Listen(Frozen):
    """A port that a role serves on its host. Empty `sources` lets nobody in; say `ANYWHERE` to mean it.

    VRRP has no ports: gateways that share an address speak it with each other.
    """

    protocol: Literal["tcp", "udp", "vrrp"]
    port: int = 0
    sources: tuple[Network, ...]
    why: str


class Forward(Frozen):
    """Traffic that a gateway lets pass from `sources` to `destinations`; without a port, all of it."""

    sources: tuple[Network, ...]
    destinations: tuple[Network, ...]
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


class Ask(Frozen):
    """Traffic to servers that no role serves, named in an option (TACACS+): gateways forward it, for one host alone."""

    protocol: Literal["tcp", "udp"]
    port: int
    destinations: tuple[Network, ...]
    why: str


class Probed(Frozen):
    """What a role serves and monitoring may try: names that it knows, or a certificate that it shows by TLS.

    `name` is asked of a name server, which is to answer `answer`. Who is not among `sources` does not reach it.
    """

    how: Literal["dns", "tls"]
    port: int
    sources: tuple[Network, ...]
    name: str = ""
    answer: Address | None = None


class SharedAddress(Frozen):
    """An address that a host shares with others, one of which holds it at a time.

    `interface` is the host's own, with the address `own`; `others` are the addresses of those that it shares with.
    """

    interface: str
    own: IPv4Address
    others: tuple[IPv4Address, ...]
    address: IPv4Address


ANYWHERE4, ANYWHERE6 = IPv4Network("0.0.0.0/0"), IPv6Network("::/0")
ANYWHERE = (ANYWHERE4, ANYWHERE6)


DNS_OUTSIDE = tuple(WayOut(protocol=p, port=53, why="DNS from outside") for p in ("udp", "tcp"))


def networks(of: Iterable[Network]) -> tuple[Network, ...]:
    """Merge networks into as few as cover the same addresses, sorted, IPv4 first."""
    found = tuple(of)
    return (*sorted(collapse_addresses(ipv4(found))), *sorted(collapse_addresses(ipv6(found))))


def ipv4(of: Iterable[Network]) -> tuple[IPv4Network, ...]:
    """Return the networks of IPv4 among these, in their order."""
    return tuple(n for n in of if isinstance(n, IPv4Network))


def ipv6(of: Iterable[Network]) -> tuple[IPv6Network, ...]:
    """Return the networks of IPv6 among these, in their order."""
    return tuple(n for n in of if isinstance(n, IPv6Network))


def fleet_networks(fleet: Fleet) -> tuple[Network, ...]:
    """Return every prefix of the fleet."""
    return networks(p.prefix for p in fleet.prefixes)


def site_networks(fleet: Fleet, site: str) -> tuple[Network, ...]:
    """Return the prefixes of one site alone, without those that its region shares."""
    return networks(p.prefix for p in fleet.prefixes if p.site == site)


def local_networks(host: Host, fleet: Fleet) -> tuple[Network, ...]:
    """Return the prefixes of its own site that this host stands in: hosts there reach it without a gateway between."""
    own = (p.prefix for p in fleet.prefixes if p.site == host.site)
    return networks(n for n in own if any(a.ip in n for a in host.addresses))


def addresses_of(hosts: Iterable[Host]) -> tuple[Network, ...]:
    """Return every address of these hosts, as networks of one: any of them may be the source of a packet."""
    return networks(ip_network(a) for h in hosts for a in own_addresses(h))


def management(fleet: Fleet) -> tuple[Network, ...]:
    """Return the networks that administration may come from: the management stations."""
    return addresses_of(fleet.with_device_role(MANAGEMENT_STATION))
