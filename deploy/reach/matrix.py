"""Ask of many sources and destinations: who may use which service of whom, and on which way. Pure.

Without a service, those are asked about that the destination's roles let in; and once of each host of which nobody
here knows what it lets in. What is closed is left out then: it is everything else.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from ipaddress import IPv4Network, ip_network

from deploy.model.reach import Trace, Unjudged
from deploy.reach.ends import End
from deploy.reach.tracing import Question, trace
from deploy.reach.world import World
from inventory.fleet import Host
from inventory.network import Network, Prefix
from roles.shared.filtering import Rule, Service, common, is_within, without
from roles.shared.network.peering import reached_at
from roles.shared.traffic import ANYWHERE, networks


def asked(sources: Iterable[End], destinations: Iterable[End], service: Service, world: World) -> Iterator[Trace]:
    """Yield the answer for a service, of every source and every destination that speak one family of IP."""
    to = tuple(destinations)
    for source in sources:
        for destination in to:
            for question in _questions(source, destination, service, world):
                yield trace(question, world)


def served(sources: Iterable[End], destinations: Iterable[End], world: World) -> Iterator[Trace]:
    """Yield who gets to what the destinations' roles let in, as far as anybody does or it is not known."""
    from_ = tuple(sources)
    for destination in destinations:
        judged = world.filter_of(destination.host) if destination.host else None
        rules = judged.lets_in if judged else ()
        for service in services_of(rules):
            let_in = networks(n for rule in rules if rule.is_for(service) for n in rule.sources)
            for source in from_:
                for question in _questions(source, destination, service, world, let_in):
                    found = trace(question, world)
                    if found.answer != "closed":
                        yield found


def unjudged(destinations: Iterable[End], world: World) -> tuple[Unjudged, ...]:
    """Return the hosts of which nobody here knows what they let in, or not of everything, each with why."""
    found = []
    for host in (d.host for d in destinations if d.host is not None):
        judged = world.filter_of(host)
        if judged is None:
            found.append(Unjudged(host=host.name, why=world.why_not_known(host)))
        elif judged.services is not None:
            found.append(Unjudged(host=host.name, besides=judged.services, why=judged.others))
    return tuple(found)


def services_of(rules: Iterable[Rule]) -> tuple[Service, ...]:
    """Return the services that rules let anybody use, but for what gateways speak with each other alone."""
    found = (rule.service for rule in rules)
    return tuple(dict.fromkeys(s for s in found if s is not None and s.protocol != "vrrp"))


def _questions(
    source: End, destination: End, service: Service, world: World, of: tuple[Network, ...] = ANYWHERE
) -> Iterator[Question]:
    """Yield what to ask, in each family that both ends speak, of those sources that are in some networks."""
    for version in (4, 6):
        for to in _addresses(destination, source.prefix, version, world):
            networks_, prefix = _from(source, to, version, world)
            for host, asked_of in _by_holder(common(networks_, of), networks_, prefix, source.host, world):
                yield Question(source.called, asked_of, prefix, host, to, service)


def _by_holder(
    asked_of: tuple[Network, ...], whole: tuple[Network, ...], prefix: Prefix | None, host: Host | None, world: World
) -> Iterator[tuple[Host | None, tuple[Network, ...]]]:
    """Yield the addresses of hosts in several networks apart: those send by another way than their neighbours.

    Not of a whole prefix that has a router: what is asked then is what its hosts may, and not what the router may.
    """
    if host is not None or prefix is None or (asked_of == networks(whole) and prefix.gateway is not None):
        yield from [(host, asked_of)] if asked_of else []
        return
    own = [(h, n) for h, n in world.in_several_networks if is_within(n, asked_of)]
    yield from ((h, (n,)) for h, n in own)
    ends = (prefix.prefix.network_address, prefix.prefix.broadcast_address) if prefix.prefix.version == 4 else ()
    nobodys = [ip_network(a) for a in ends if prefix.prefix.prefixlen < 31]
    if without(asked_of, [*(n for _, n in own), *nobodys]):
        yield None, without(asked_of, (n for _, n in own))


def _addresses(end: End, by: Prefix | None, version: int, world: World) -> tuple[Network, ...]:
    """Return where the other end reaches this one, in one family."""
    if end.networks:
        return tuple(n for n in end.networks if n.version == version)
    host = end.host
    if host is None or (primary := host.primary_address if version == 4 else host.primary_address6) is None:
        return ()
    if version == 4 and by is not None and isinstance(by.prefix, IPv4Network):
        return (ip_network(reached_at(host, by.prefix, world.fleet)),)
    return (ip_network(primary),)


def _from(end: End, to: Network, version: int, world: World) -> tuple[tuple[Network, ...], Prefix | None]:
    """Return the addresses that the source speaks from, and their prefix."""
    if end.networks or end.host is None:
        return tuple(n for n in end.networks if n.version == version), end.prefix
    address = _speaks_from(end.host, to, version, world)
    return ((), None) if address is None else ((address,), world.fleet.prefix_of(address.network_address))


def _speaks_from(host: Host, to: Network, version: int, world: World) -> Network | None:
    """Return the address from which a host speaks to another: of the interface by which it sends, or its primary."""
    if any(a.ip == to.network_address for a in host.addresses):
        return to
    exits = world.exits(host, to)
    by = (i for i in host.interfaces if exits and i.name == exits[0].interface)
    primary = host.primary_address if version == 4 else host.primary_address6
    at = [a.ip for i in by for a in i.addresses if a.version == version and not a.ip.is_link_local]
    chosen = primary if primary in at else next(iter(at), primary)
    return None if chosen is None else ip_network(chosen)
