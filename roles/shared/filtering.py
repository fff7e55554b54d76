"""What a host lets in and through, and where it sends what it passes on, as its roles mean it. Values, and their sums.

A role that filters says so of its settings (`filters`), and one that routes (`routes`): from the same rules that it
writes in its program's own words. Not here: what of it is asked, and on which way (`deploy.reach`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Literal

from inventory.frozen import Frozen
from inventory.network import Address, Network
from roles.shared.traffic import ANYWHERE, networks

Protocol = Literal["tcp", "udp", "icmp", "vrrp"]


class Service(Frozen):
    """What a packet is for: a port of TCP or UDP, or a ping (ICMP, which has no ports)."""

    protocol: Protocol
    port: int | None = None

    def __str__(self) -> str:
        return (
            "ping"
            if self.protocol == "icmp"
            else self.protocol
            if self.port is None
            else f"{self.protocol}/{self.port}"
        )


class Rule(Frozen):
    """Traffic that a host lets in or through, of one family of IP.

    Attributes:
        protocol: None is any; with a port, TCP and UDP.
        leaves_by: the interface that it has to leave by; empty is any.
        text: the rule in the host's own words.
        why: the roles that want it, and what for.
    """

    sources: tuple[Network, ...] = ANYWHERE
    destinations: tuple[Network, ...] = ANYWHERE
    protocol: Protocol | None = None
    port: int | None = None
    leaves_by: str = ""
    text: str
    why: str = ""

    @property
    def service(self) -> Service | None:
        """Return what it lets in; None if that is more than one service."""
        return Service(protocol=self.protocol, port=self.port) if self.protocol and self.is_of_one_port else None

    @property
    def is_of_one_port(self) -> bool:
        """Tell whether it names a port, or a protocol that has none."""
        return self.port is not None or self.protocol in {"icmp", "vrrp"}

    def is_for(self, service: Service) -> bool:
        """Tell whether it is about a service."""
        if self.protocol is None and self.port is not None:
            return service.protocol in {"tcp", "udp"} and service.port == self.port
        return self.protocol in {None, service.protocol} and self.port in {None, service.port}

    def admits(
        self, sources: Iterable[Network], destination: Network, service: Service, leaves_by: str = ""
    ) -> tuple[Network, ...]:
        """Return the part of these sources from which it lets a service of the whole destination be reached."""
        if not self.is_for(service) or self.leaves_by not in {"", leaves_by}:
            return ()
        return common(sources, self.sources) if is_within(destination, self.destinations) else ()


class Filter(Frozen):
    """What a host lets in, and what through.

    Attributes:
        services: those that its roles decide about, so that what no rule lets in of them is shut; None: all.
        shuts_through: what no rule lets through is dropped. If not, nobody here knows: there are rules of others.
        others, others_through: what nobody here knows of what comes in, and of what passes, in a clause.
        by_reverse_path: it drops a source that is reached by another interface than the packet came by (RFC 3704).
        believed: interfaces on which it does not.
        dropped_in, dropped_through, dropped_source: what drops, in the host's own words.
    """

    lets_in: tuple[Rule, ...] = ()
    lets_through: tuple[Rule, ...] = ()
    services: tuple[Service, ...] | None = None
    shuts_through: bool = True
    others: str = ""
    others_through: str = "what it passes on, none of its roles says"
    by_reverse_path: bool = False
    believed: tuple[str, ...] = ()
    dropped_in: str = ""
    dropped_through: str = ""
    dropped_source: str = ""


class Route(Frozen):
    """Where a host sends what is for a network: to a neighbour (`via`), by an interface. Lower ranks are preferred.

    Without a neighbour it leaves the fleet there.
    """

    destination: Network
    via: Address | None = None
    interface: str
    rank: int = 0


def common(of: Iterable[Network], others: Iterable[Network]) -> tuple[Network, ...]:
    """Return the addresses that are in both, as networks."""
    against = tuple(others)
    pairs = ((a, b) for a in of for b in against if a.version == b.version and a.overlaps(b))
    both = tuple(a if a.prefixlen >= b.prefixlen else b for a, b in pairs)
    return networks(both) if len(both) > 1 else both


def without(of: Iterable[Network], others: Iterable[Network]) -> tuple[Network, ...]:
    """Return the addresses of these networks that are in none of the others, as networks."""
    left = networks(of)
    for away in networks(others):
        left = tuple(part for network in left for part in _without_one(network, away))
    return networks(left)


def _without_one(network: Network, away: Network) -> Iterator[Network]:
    if network.version != away.version or not network.overlaps(away):
        yield network
    elif network.prefixlen < away.prefixlen:
        yield from network.address_exclude(away)  # type: ignore[arg-type]  # of one version, as was asked above


def is_within(network: Network, others: Iterable[Network]) -> bool:
    """Tell whether all addresses of a network are in these."""
    near = [n for n in others if n.version == network.version and n.overlaps(network)]
    return any(n.prefixlen <= network.prefixlen for n in near) or (len(near) > 1 and not without((network,), near))
