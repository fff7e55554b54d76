"""Which families of IP a host speaks, and at which address one host reaches another. Pure.

Who speaks both reaches others over IPv4 first, as before it spoke IPv6. Not here: what a firewall lets in (`traffic`),
and which of a gateway's addresses is an inner one (`network.peering`).
"""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv6Address
from typing import Annotated, TypeVar

from pydantic import AfterValidator

from inventory.fleet import Fleet, Host
from inventory.network import Address, Network
from roles.shared.settings import SettingsError

T = TypeVar("T", bound=Address | Network)


def _of_no_link(address: Address) -> Address:
    if address.version == 6 and address.is_link_local:
        raise ValueError(f"{address} is of a link alone: which one, only the host itself knows")
    return address


ReachedAddress = Annotated[Address, AfterValidator(_of_no_link)]
"""An address that a person names in an option, for a server that hosts reach."""


def own_addresses(host: Host) -> tuple[Address, ...]:
    """Return the addresses at which others reach a host, IPv4 first, each family in the interfaces' order.

    An IPv6 address of a link alone (fe80::/10) is none: every link has the same ones.
    """
    return (*(a.ip for a in host.addresses4), *(a.ip for a in host.addresses6 if not a.ip.is_link_local))


def families(host: Host) -> frozenset[int]:
    """Return the versions of IP in which a host has an address: 4, 6 or both."""
    primary = (a for a in (host.primary_address, host.primary_address6) if a is not None)
    return frozenset(a.version for a in (*own_addresses(host), *primary))


def spoken(host: Host, of: Iterable[T]) -> tuple[T, ...]:
    """Return those of these addresses or networks that are of a family which the host speaks, in their order."""
    versions = families(host)
    return tuple(x for x in of if x.version in versions)


def primaries(host: Host) -> tuple[Address, ...]:
    """Return the primary addresses that a host has, IPv4 first.

    Raises:
        SettingsError: it has none.
    """
    found = tuple(a for a in (host.primary_address, host.primary_address6) if a is not None)
    if not found:
        raise SettingsError("no primary address", field="primary_address", fix="set it in NetBox")
    return found


def reached_by(client: Host, servers: Iterable[Host]) -> tuple[Address, ...]:
    """Return an address of each server that the client can reach: of IPv4 if both speak it, or else of IPv6."""
    each = (spoken(client, (a for a in (s.primary_address, s.primary_address6) if a is not None)) for s in servers)
    return tuple(addresses[0] for addresses in each if addresses)


def further_reached_by(client: Host, servers: Iterable[Host]) -> tuple[Address, ...]:
    """Return the IPv6 addresses, beside their IPv4 ones, of those servers that the client reaches by both."""
    both = (s for s in servers if s.primary_address is not None and families(client) == {4, 6})
    return tuple(s.primary_address6 for s in both if s.primary_address6 is not None)


def apart(client: Host, servers: Iterable[Host]) -> str:
    """Return the names of the servers that a client has no family in common with; empty if it reaches all."""
    return ", ".join(s.name for s in servers if s.name != client.name and not reached_by(client, (s,)))


def ipv6_beside(host: Host, fleet: Fleet) -> str:
    """Return the IPv6 addresses of a host, and the prefixes of IPv6 on the VLANs that it stands in; empty if there are
    none.
    """
    at_site = [p for p in fleet.prefixes if fleet.serves(p, host.site)]
    vlans = {p.vlan for p in at_site if any(a.ip in p.prefix for a in host.addresses)} - {None}
    prefixes = (p.prefix for p in at_site if p.prefix.version == 6 and p.vlan in vlans)
    return ", ".join(map(str, (*ipv6_addresses(host), *prefixes)))


def ipv6_addresses(host: Host) -> tuple[str, ...]:
    """Return the IPv6 addresses of a host, shared ones included, with the lengths of their prefixes."""
    return tuple(str(a) for i in host.interfaces for a in i.all_addresses if a.version == 6)


def in_url(address: Address) -> str:
    """Return an address as URLs, and `address:port`, have it: IPv6 in brackets (RFC 3986)."""
    return f"[{address}]" if isinstance(address, IPv6Address) else str(address)


def by_openssl(address: Address) -> str:
    """Return an address as openssl prints it: IPv6 in capitals, without leading zeros, and nothing left out."""
    groups = address.exploded.split(":")
    return str(address) if len(groups) == 1 else ":".join(f"{int(group, 16):X}" for group in groups)
