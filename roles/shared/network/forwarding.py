"""What a gateway has to let pass: derived from what the fleet's hosts serve, so that no port is written down twice.

A host's roles say which ports they serve and to whom. Where the client's prefix and the server's are two, there is a
gateway between them, and it forwards exactly that. Which gateway: the one that a prefix is *behind* (it is the
prefix' router, or shares its address), and the hubs for everything between two gateways. Who meets whom, and what one
tells the other, is in `roles.shared.network.peering`. Prefixes in which no gateway has an interface (a
guest network with a way out of its own) do not take part. A listen never opens the way in from the internet; the way
out is open for the few roles that need it (`ways_out`). All of this is IPv4: gateways route no IPv6 yet, and let none
through.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from ipaddress import IPv4Network
from typing import Literal, TypeVar

from inventory.fleet import Fleet, Host
from inventory.network import Network, networks4
from roles.shared.catalogue import Role, catalogue, known_roles
from roles.shared.intent import Intent
from roles.shared.network.peering import GATEWAY, behind, is_hub, reached_at
from roles.shared.settings import Settings
from roles.shared.traffic import ANYWHERE4, Forward, Listen, WayOut, ipv4, local_networks, management, networks

SSH = 22
NOWHERE: frozenset[str] = frozenset()

T = TypeVar("T")
Protocol = Literal["tcp", "udp", "icmp"]


@dataclass(frozen=True)
class Flow:
    """Traffic from (a part of) one prefix to (a part of) another; without a prefix, an end is outside the fleet."""

    source: IPv4Network
    source_prefix: IPv4Network
    destination: IPv4Network
    destination_prefix: IPv4Network | None
    protocol: Protocol
    port: int | None
    why: str


def forwards_of(gateway: Host, intent: Intent) -> tuple[Forward, ...]:
    """Compute what this gateway forwards: few rules, each for as many sources and destinations as it can."""
    fleet = intent.fleet
    gateways = fleet.with_role(GATEWAY)
    homes: dict[IPv4Network | None, frozenset[str]] = {}
    for g in gateways:
        homes |= {prefix: homes.get(prefix, NOWHERE) | {g.name} for prefix in behind(g, fleet)}
    touched = {n for n in networks4(fleet.prefixes) if any(_in(g, n) for g in gateways)}
    own = {IPv4Network(a.ip) for a in gateway.addresses4}
    hub = is_hub(gateway, fleet)

    def by_way_of_it(flow: Flow) -> bool:
        out = flow.destination_prefix is None
        here, there = homes.get(flow.source_prefix, NOWHERE), homes.get(flow.destination_prefix, NOWHERE)
        joined = flow.source_prefix in touched and (out or flow.destination_prefix in touched)
        ends_here = flow.source in own or flow.destination in own
        return joined and not ends_here and (gateway.name in here | there or (hub and (out or here != there)))

    return _merged(flow for flow in flows(intent) if by_way_of_it(flow))


def flows(intent: Intent) -> tuple[Flow, ...]:
    """Compute all traffic between prefixes of the fleet, and out of it, that its hosts' roles and admins need."""
    return intent.derive(_flows)


def _flows(intent: Intent) -> tuple[Flow, ...]:
    return (*_services(intent), *_asked(intent), *_administration(intent.fleet), *_ways_out(intent))


def _services(intent: Intent) -> Iterator[Flow]:
    """Yield what hosts serve to clients in other prefixes."""
    fleet = intent.fleet
    for host, _, _ in _reachable(fleet):
        near = local_networks(host, fleet)
        for listen in listens_of(host, intent):
            for source, prefix in _parts(listen.sources, fleet):
                to = reached_at(host, prefix, fleet)
                home = fleet.prefix_of(to)
                if home is None or not isinstance(home.prefix, IPv4Network):
                    continue
                if prefix not in {home.prefix, *near} and listen.protocol != "vrrp":
                    address = IPv4Network(to)
                    yield Flow(source, prefix, address, home.prefix, listen.protocol, listen.port, listen.why)


def _asked(intent: Intent) -> Iterator[Flow]:
    """Yield what hosts ask of servers in other prefixes that no role serves."""
    for host, address, home in _reachable(intent.fleet):
        for ask in _declared(host, intent, lambda role: role.asks):
            for to, prefix in _parts(ask.destinations, intent.fleet):
                if prefix != home:
                    yield Flow(address, home, to, prefix, ask.protocol, ask.port, ask.why)


def _administration(fleet: Fleet) -> Iterator[Flow]:
    """Yield SSH and ping from the management stations to every address of the fleet: CLI devices have no role to
    declare it.
    """
    for source, prefix in _parts(management(fleet), fleet):
        for to in networks4(fleet.prefixes):
            if to != prefix:
                why = "from the management stations"
                yield Flow(source, prefix, to, to, "tcp", SSH, f"SSH {why}")
                yield Flow(source, prefix, to, to, "icmp", None, f"ping {why}")


def _ways_out(intent: Intent) -> Iterator[Flow]:
    for host, address, home in _reachable(intent.fleet):
        for way in ways_out(host, intent):
            yield Flow(address, home, ANYWHERE4, None, way.protocol, way.port, way.why)


def ways_out(host: Host, intent: Intent) -> tuple[WayOut, ...]:
    """Compute what this host's roles need of the internet: caches, resolvers, time servers, NetBox, and nobody else."""
    return tuple(dict.fromkeys(_declared(host, intent, lambda role: role.ways_out)))


def _declared(
    host: Host, intent: Intent, what: Callable[[Role], Callable[[Settings], tuple[T, ...]] | None]
) -> Iterator[T]:
    """Yield what each of a host's roles declares of its settings, if it declares such a thing."""
    for role in known_roles(host):
        declares = what(role)
        if declares is not None and isinstance(settings := intent.of(host, role.name), Settings):
            yield from declares(settings)


def listens_of(host: Host, intent: Intent) -> tuple[Listen, ...]:
    """Return what a host's roles serve. Roles with problems serve nothing: the rules of a sound fleet report them."""
    return tuple(listen for role, settings in _forwarded(host, intent) for listen in role.listens(settings))


def _forwarded(host: Host, intent: Intent) -> Iterator[tuple[Role, Settings]]:
    """Yield the roles of a host, with settings, that serve others by way of gateways."""
    for name in host.roles:
        role = catalogue().get(name)
        if role is not None and role.forwarded and isinstance(found := intent.of(host, name), Settings):
            yield role, found


def _reachable(fleet: Fleet) -> Iterator[tuple[Host, IPv4Network, IPv4Network]]:
    """Yield the active hosts with roles, each with its primary address and the prefix that it lies in."""
    for host in fleet.hosts:
        if host.primary_address is None or not host.is_managed:
            continue
        prefix = fleet.prefix_of(host.primary_address)
        if prefix is not None and isinstance(prefix.prefix, IPv4Network):
            yield host, IPv4Network(host.primary_address), prefix.prefix


def _parts(sources: Iterable[Network], fleet: Fleet) -> Iterator[tuple[IPv4Network, IPv4Network]]:
    """Cut these networks along the fleet's prefixes: (part, the prefix that it lies in)."""
    for source in ipv4(sources):
        for network in networks4(fleet.prefixes):
            if source.overlaps(network):
                yield max(source, network, key=lambda n: n.prefixlen), network


def _in(host: Host, prefix: IPv4Network) -> bool:
    return any(a.ip in prefix for a in host.addresses4)


def _merged(of: Iterable[Flow]) -> tuple[Forward, ...]:
    """Merge the destinations that the same sources reach at the same port into one rule."""
    sources: dict[tuple[str, int, IPv4Network], set[IPv4Network]] = {}
    reasons: dict[tuple[str, int, IPv4Network], set[str]] = {}
    for flow in of:
        to = (flow.protocol, flow.port or 0, flow.destination)
        sources.setdefault(to, set()).add(flow.source)
        reasons.setdefault(to, set()).add(flow.why)
    alike: dict[tuple[str, int, tuple[IPv4Network, ...]], list[IPv4Network]] = {}
    for (protocol, port, destination), from_ in sources.items():
        alike.setdefault((protocol, port, ipv4(networks(from_))), []).append(destination)
    return tuple(
        Forward.model_validate(
            {
                "sources": from_,
                "destinations": networks(destinations),
                "protocol": protocol,
                "port": port or None,
                "why": "; ".join(sorted({w for d in destinations for w in reasons[protocol, port, d]})),
            }
        )
        for (protocol, port, from_), destinations in sorted(alike.items())
    )
