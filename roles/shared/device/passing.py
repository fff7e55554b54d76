"""Find what gateways send through a firewall to the internet for hosts behind them, and the way back to those. Pure.

A host that needs something of the internet says so by its roles (`ways_out`), and the gateways let it pass. The
firewall beyond them has to let the same through, and to know by which gateway the answers go back: else nothing comes.

Not here: what gateways let pass (`roles.shared.network.forwarding`), and how a vendor writes it (the role's templates).
"""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Address
from typing import Literal

from inventory.fleet import Host
from inventory.frozen import Frozen
from roles.shared.catalogue import known_roles
from roles.shared.device.routed import Routed
from roles.shared.intent import Intent
from roles.shared.network.forwarding import ways_out
from roles.shared.network.peering import GATEWAY, is_hub
from roles.shared.settings import Settings

PROTOCOLS = {"icmp": 1, "tcp": 6, "udp": 17}
"""Numbers of protocols, as IANA has them."""


class Passing(Frozen):
    """A service of the internet that hosts behind gateways may use."""

    protocol: Literal["tcp", "udp", "icmp"]
    port: int
    sources: tuple[IPv4Address, ...]

    @property
    def number(self) -> int:
        """Return the number of its policy: 3, the protocol's in three digits, and the port's in six."""
        return 3_000_000_000 + PROTOCOLS[self.protocol] * 1_000_000 + self.port


class Transit(Frozen):
    """An inside network in which the gateways are that send others' traffic through, and what that may be."""

    interface: str
    next_hop: IPv4Address
    passing: tuple[Passing, ...]

    @property
    def sources(self) -> tuple[IPv4Address, ...]:
        """Return the hosts whose traffic passes."""
        return tuple(sorted({a for p in self.passing for a in p.sources}))


def transit_of(host: Host, inside: Iterable[Routed], intent: Intent) -> Transit | None:
    """Return the network from which the gateways send to the internet through this firewall, if there is one."""
    fleet = intent.fleet
    own = [a.network for a in host.addresses4]
    hubs = [g for g in fleet.with_role(GATEWAY) if is_hub(g, fleet)]
    for interface in inside:
        hops = [a for network in (a.network for a in interface.addresses) for a in _hops(hubs, intent) if a in network]
        if not hops:
            continue
        needs: dict[tuple[Literal["tcp", "udp", "icmp"], int], list[IPv4Address]] = {}
        for other in fleet.hosts:
            address = other.primary_address
            if other.is_managed and address is not None and not any(address in network for network in own):
                for way in ways_out(other, intent):
                    needs.setdefault((way.protocol, way.port), []).append(address)
        passing = (Passing(protocol=p, port=n, sources=tuple(sorted(a))) for (p, n), a in sorted(needs.items()))
        return Transit(interface=interface.name, next_hop=hops[0], passing=tuple(passing))
    return None


def _hops(hubs: Iterable[Host], intent: Intent) -> list[IPv4Address]:
    """Return the gateways' addresses: first those that they share, which one of them has at any time."""
    shared = [
        address.address
        for hub in hubs
        for role in known_roles(hub)
        if role.shared_addresses is not None and isinstance(found := intent.of(hub, role.name), Settings)
        for address in role.shared_addresses(found)
    ]
    return [*shared, *(a.ip for hub in hubs for a in hub.addresses4)]
