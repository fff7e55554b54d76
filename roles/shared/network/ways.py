"""Through which gateways the management stations reach the fleet's hosts, and at which address. Pure.

A host is *behind* a gateway if a shortest way from a management station to it leads through that gateway; of two
gateways that stand in for each other, it is behind both. What is in no network of its own a station sends to the
gateway of one. By prefixes alone: what switches do below is not asked.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from ipaddress import IPv4Network, IPv6Network

from inventory.fleet import Fleet, Host
from inventory.network import Address
from roles.shared.network.peering import GATEWAY, behind, routers_of
from roles.shared.traffic import MANAGEMENT_STATION

Place = tuple[str, IPv4Network | IPv6Network]
"""A network: its VRF, and its prefix."""

Behind = Mapping[str, Mapping[str, Address]]
"""Name of a gateway to the names of the managed hosts behind it, with the address at which each is reached."""


def hosts_behind(fleet: Fleet) -> Behind:
    """Return which managed hosts are behind each gateway."""
    gateways = _Gateways(fleet)
    onward = {name: gateways.distances(places) for name, places in gateways.places.items()}
    found: dict[str, dict[str, Address]] = {name: {} for name in gateways.places}
    for station in fleet.with_device_role(MANAGEMENT_STATION):
        own = _places(station)
        first = gateways.of(own)
        from_station = gateways.distances(own, first)
        for host in (h for h in fleet.hosts if h.is_managed):
            place, address = _reached_at(host, own, fleet)
            for name, places in gateways.places.items() if place in from_station else ():
                entries = (from_station[p] for p in places if p in from_station and (name in first or p not in own))
                to_gateway = min(entries, default=None)
                beyond = onward[name].get(place)
                if name == host.name or to_gateway is None or beyond is None:
                    continue
                if from_station[place] == to_gateway + 1 + beyond:
                    found[name].setdefault(host.name, address)
    return {name: hosts for name, hosts in found.items() if hosts}


class _Gateways:
    """The managed hosts that send on what others send."""

    def __init__(self, fleet: Fleet) -> None:
        self._routers = {(p.vrf, p.prefix): {h.name for h in routers_of(p, fleet)} for p in fleet.prefixes if p.gateway}
        names = {h.name for h in fleet.with_role(GATEWAY)}.union(*self._routers.values())
        self.places = {h.name: _places(h) for h in fleet.hosts if h.is_managed and h.name in names}
        self._at: dict[Place, list[str]] = {}
        for name, places in self.places.items():
            for place in places:
                self._at.setdefault(place, []).append(name)

    def of(self, places: Sequence[Place]) -> frozenset[str]:
        """Return the gateways that hosts of these networks send to."""
        return frozenset[str]().union(*(self._routers.get(place, ()) for place in places))

    def distances(self, start: Sequence[Place], first: frozenset[str] | None = None) -> Mapping[Place, int]:
        """Return the number of gateways on the way from some networks to each that is reached from there.

        Args:
            first: the gateways that the first step may lead through; None: any.
        """
        found = dict.fromkeys(start, 0)
        waiting = deque(found)
        while waiting:
            place = waiting.popleft()
            for gateway in self._at.get(place, ()):
                if found[place] == 0 and first is not None and gateway not in first:
                    continue
                for further in self.places[gateway]:
                    if further not in found:
                        found[further] = found[place] + 1
                        waiting.append(further)
        return found


def _places(host: Host) -> tuple[Place, ...]:
    """Return the networks that a host has an address in."""
    return tuple({(i.vrf, a.network): None for i in host.interfaces if i.enabled for a in i.addresses})


def _reached_at(host: Host, near: Sequence[Place], fleet: Fleet) -> tuple[Place, Address]:
    """Return the network and the address by which stations of some networks reach a host.

    Of a gateway that is an inner one: what is sent to its outer address does not go by the tunnels, as others' does.
    """
    inner = {("", prefix) for prefix in behind(host, fleet)} if GATEWAY in host.roles else set[Place]()
    having = [(place, a) for place, a in _addresses(host) if place in inner or a == host.address]
    having.sort(key=lambda at: (at[0] not in inner, at[0] not in near))
    return having[0] if having else (("", IPv4Network(0)), host.address)


def _addresses(host: Host) -> Iterator[tuple[Place, Address]]:
    """Yield a host's addresses, each with its network."""
    yield from (((i.vrf, a.network), a.ip) for i in host.interfaces if i.enabled for a in i.addresses)
