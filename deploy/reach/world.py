"""What every host of a fleet lets in and through, and where it sends what: asked of its roles, once each. Pure.

What nobody here knows is said so: of a host that samdrift does not configure, which rules it has; of a prefix whose
router is in no inventory, by whom it is routed. A host's route to everywhere is written by no role; it is taken to be
its prefix' gateway, as the inventory has it. Not here: a packet's way through it (`tracing`).
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from ipaddress import ip_network
from typing import NamedTuple

from inventory.fleet import ACTIVE, Fleet, Host, Interface
from inventory.network import Address, Network, Prefix
from roles.shared.catalogue import known_roles
from roles.shared.filtering import Filter, Route, Service
from roles.shared.intent import Intent
from roles.shared.network.peering import routers_of
from roles.shared.settings import Settings


class Arrival(NamedTuple):
    """A host that a packet comes to, and the interface by which; without a host, why nobody knows.

    It `ends` where the packet has reached the destination's own network, and there is no such host in the inventory.
    """

    host: Host | None
    interface: str
    why: str = ""
    ends: bool = False


class Exit(NamedTuple):
    """An interface by which a host sends a packet on, and to whom: several where any of them may have the address.

    Nobody, where it leaves the fleet.
    """

    interface: str
    arrivals: tuple[Arrival, ...]


class World:
    """The hosts of a fleet as a packet meets them."""

    def __init__(self, intent: Intent) -> None:
        self.fleet: Fleet = intent.fleet
        self._intent = intent
        self._filters: dict[str, Filter | None] = {}
        self._routes: dict[str, tuple[Route, ...]] = {}
        self._routers: dict[tuple[str, Network, tuple[str, str]], tuple[Host, ...]] = {}
        self._exits: dict[tuple[str, Network], tuple[Exit, ...]] = {}
        self._having = {
            (i.vrf, a.ip): (host, i)
            for host in reversed(self.fleet.hosts)
            for i in host.interfaces
            for a in i.addresses
        }

    def holder(self, address: Address, vrf: str = "") -> tuple[Host, Interface] | None:
        """Return the host that has an address, and at which interface; None if no host of the inventory has it."""
        return self._having.get((vrf, address))

    @cached_property
    def in_several_networks(self) -> tuple[tuple[Host, Network], ...]:
        """Return the addresses of hosts that have some in more than one network."""
        several = (h for h in self.fleet.hosts if len({a.network for a in h.addresses}) > 1)
        return tuple((h, ip_network(a.ip)) for h in several for a in h.addresses)

    def filter_of(self, host: Host) -> Filter | None:
        """Return what a host lets in and through; None if no role of a sound and managed host says so."""
        if host.name not in self._filters:
            self._filters[host.name] = next(self._filters_of(host), None) if host.is_managed else None
        return self._filters[host.name]

    def _filters_of(self, host: Host) -> Iterator[Filter]:
        for role in known_roles(host):
            if role.filters is not None and isinstance(found := self._intent.of(host, role.name), Settings):
                yield role.filters(found)

    def routes_of(self, host: Host) -> tuple[Route, ...]:
        """Return where the roles of a managed host send what it passes on."""
        if host.name not in self._routes:
            settings = self._intent.settings(host) if host.is_managed else {}
            of_roles = ((role, settings[role.name]) for role in known_roles(host) if role.name in settings)
            self._routes[host.name] = tuple(r for role, found in of_roles for r in role.routes(found))
        return self._routes[host.name]

    def why_not_known(self, host: Host) -> str:
        """Return why nobody here knows what a host lets in and through."""
        if host.status != ACTIVE:
            return f"it is {host.status}, and samdrift does not configure it"
        if not host.roles:
            return "no role of samdrift configures it"
        if self._intent.problems(host):
            return "what the inventory says of it is not sound: samdrift check"
        return "none of its roles says what it lets in"

    def routers(self, prefix: Prefix) -> tuple[Host, ...]:
        """Return the routers of a prefix, the one first that has its gateway's address as a rule."""
        key = (prefix.vrf, prefix.prefix, prefix.scope)
        if key not in self._routers:
            self._routers[key] = routers_of(prefix, self.fleet)
        return self._routers[key]

    def exits(self, host: Host, destination: Network) -> tuple[Exit, ...]:
        """Return by which interfaces a host sends what is for a network, the preferred one first; empty: not known."""
        key = (host.name, destination)
        if key not in self._exits:
            self._exits[key] = tuple(self._exits_of(host, destination))
        return self._exits[key]

    def _exits_of(self, host: Host, destination: Network) -> Iterator[Exit]:
        for interface in host.interfaces:
            if interface.enabled and any(_holds(a.network, destination) for a in interface.addresses):
                yield Exit(interface.name, (self.at(destination.network_address, interface.vrf),))
                return
        fitting = [r for r in self.routes_of(host) if _holds(r.destination, destination)]
        longest = max((r.destination.prefixlen for r in fitting), default=0)
        best = sorted((r for r in fitting if r.destination.prefixlen == longest), key=lambda r: r.rank)
        for route in best:
            yield Exit(route.interface, self._holding(route.via) if route.via is not None else ())
        if not best:
            yield from self._default(host, destination.version)

    def _default(self, host: Host, version: int) -> Iterator[Exit]:
        """Yield the way to everywhere: the gateway of a prefix that the host does not route itself.

        That of no gateway which it tells its own routes comes first, then that of its primary address.
        """
        neighbours = {r.via for r in self.routes_of(host)}
        found = []
        for interface in host.interfaces:
            for address in interface.addresses:
                prefix = self.fleet.prefix_of(address.ip, interface.vrf)
                if address.version != version or prefix is None or prefix.gateway is None or interface.is_tunnel:
                    continue
                routers = self.routers(prefix)
                if host.name in {r.name for r in routers} or not interface.enabled:
                    continue
                is_peer = any(a.ip in neighbours for r in routers for a in r.addresses)
                is_other = address.ip not in {host.primary_address, host.primary_address6}
                found.append((is_peer, is_other, interface, prefix))
        for _, _, interface, prefix in sorted(found, key=lambda x: x[:2])[:1]:
            yield Exit(interface.name, self.into(prefix))

    def into(self, prefix: Prefix) -> tuple[Arrival, ...]:
        """Return the routers of a prefix as who sends to its gateway from there meets them."""
        routers = self.routers(prefix)
        if routers:
            return tuple(Arrival(r, _interface_in(r, prefix.prefix, prefix.vrf)) for r in routers)
        gateway = f"its router, {prefix.gateway}, is no host" if prefix.gateway else "its router is not"
        return (
            Arrival(None, "", f"{prefix.prefix} is routed by nobody that samdrift knows: {gateway} of the inventory"),
        )

    def _holding(self, via: Address) -> tuple[Arrival, ...]:
        """Return who has an address that is sent to: a host of its own, or the routers that share it."""
        if (found := self.holder(via)) is not None:
            return (Arrival(found[0], found[1].name),)
        prefix = self.fleet.prefix_of(via)
        if prefix is None:
            return (Arrival(None, "", f"no host of the inventory has {via}"),)
        sharing = [Arrival(h, _interface_in(h, prefix.prefix, prefix.vrf)) for h in self._sharing(via)]
        return tuple(sharing) or (Arrival(None, "", f"no host of the inventory has {via}"),)

    def _sharing(self, address: Address) -> Iterator[Host]:
        """Yield the hosts whose roles share an address."""
        for host in self.fleet.hosts:
            for role in known_roles(host) if host.is_managed else ():
                found = self._intent.of(host, role.name) if role.shared_addresses is not None else None
                shared = role.shared_addresses(found) if role.shared_addresses and isinstance(found, Settings) else ()
                if address in {s.address for s in shared}:
                    yield host

    def at(self, address: Address, vrf: str) -> Arrival:
        """Return who has an address, as a neighbour in its network meets it."""
        if (found := self.holder(address, vrf)) is not None:
            return Arrival(found[0], found[1].name)
        shared = self._holding(address)  # by roles, which one of several hosts has at a time
        return shared[0]._replace(why=f"no host of the inventory has {address}", ends=shared[0].host is None)


def _holds(network: Network, destination: Network) -> bool:
    return network.version == destination.version and destination.subnet_of(network)  # type: ignore[arg-type]


def _interface_in(host: Host, network: Network, vrf: str) -> str:
    having = (i.name for i in host.interfaces if i.vrf == vrf and any(a.ip in network for a in i.addresses))
    return next(having, "")


def decides(judged: Filter, service: Service) -> bool:
    """Tell whether a host's roles decide who may use a service of it."""
    return judged.services is None or service in judged.services
