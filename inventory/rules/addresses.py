"""Rules about addresses, prefixes, gateways and ranges."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator
from functools import cache
from ipaddress import IPv6Network

from inventory.fleet import Fleet, Interface
from inventory.keys import address_key
from inventory.network import Address, InterfaceAddress, Nearest, Network, Prefix, Range
from inventory.organisation import Site
from inventory.places import called
from inventory.rules.references import SCOPES
from inventory.rules.rule import Fault, every_address, rule

PRIMARY = ("primary_address", "primary_address6")
"""A host's fields for the address of each family that it is reached by."""


@rule("host-address", fix="set primary_address, or the status to planned")
def no_address(fleet: Fleet) -> Iterator[Fault]:
    """An active host is reached by its primary address."""
    for i, host in enumerate(fleet.hosts):
        if host.status == "active" and not any(getattr(host, field) for field in PRIMARY):
            yield Fault(("hosts", i), f"{host.name} is active and has no primary address")


@rule("primary-address", fix="give the address to an interface, or name another primary address")
def primary_elsewhere(fleet: Fleet) -> Iterator[Fault]:
    """A primary address that no interface has leads nowhere, or to another host."""
    for i, host in enumerate(fleet.hosts):
        for field in PRIMARY:
            primary: Address | None = getattr(host, field)
            if primary is not None and not any(_is(a, primary) for x in host.interfaces for a in x.addresses):
                what = f"{host.name}: no interface has the primary address {primary}"
                yield Fault(("hosts", i, field), what)


@rule("address-twice", fix="give one of them another address")
def address_twice(fleet: Fleet) -> Iterator[Fault]:
    """Two interfaces of one network with one address cannot both be reached. One prefix at two sites, or in two VRFs,
    is two networks; but no two hosts are reached by one address.
    """
    holders: dict[tuple[str, tuple[int, int, int]], list[tuple[int, int, int]]] = {}
    for i, j, k, _, interface, address in every_address(fleet):
        holders.setdefault((interface.vrf, address_key(address)), []).append((i, j, k))
    reported: set[tuple[int, Address]] = set()
    at_site = _by_site(fleet)
    for (vrf, _), places in holders.items():
        before: list[tuple[tuple[str, str], int, str]] = []
        for i, j, k in places if len(places) > 1 else ():
            host, interface = fleet.hosts[i], fleet.hosts[i].interfaces[j]
            ip = interface.addresses[k].ip
            network, name = _network_at(at_site(host.site), vrf, ip), f"{host.name}:{interface.name}"
            same = (one for one in before if one[0] == network or "" in (*one[0], *network))
            if (other := next(same, None)) is not None:
                what = f"{name} and {other[2]} have one address, {ip}"
                yield Fault(("hosts", i, "interfaces", j, "addresses", k), what, also=(("hosts", other[1]),))
                reported.add((i, ip))
            before.append((network, i, name))
    yield from _reached_alike(fleet, reported)


def _reached_alike(fleet: Fleet, reported: set[tuple[int, Address]]) -> Iterator[Fault]:
    """Yield the active hosts that are reached by another one's address, but for those that were reported for it."""
    reached: dict[Address, int] = {}
    for i, host in enumerate(fleet.hosts):
        for field in PRIMARY if host.status == "active" else ():
            primary: Address | None = getattr(host, field)
            if primary is None or (i, primary) in reported:
                continue
            if (other := reached.setdefault(primary, i)) != i:
                what = f"{host.name} and {fleet.hosts[other].name} are both reached by {primary}"
                yield Fault(("hosts", i, field), what, also=(("hosts", other),))


def _network_at(at_site: Nearest, vrf: str, ip: Address) -> tuple[str, str]:
    """Return the scope of the prefix that an address lies in at a site: one prefix at two sites is two networks."""
    nearest = at_site.of(ip, vrf)
    return nearest.scope if nearest else ("", "")


def _by_site(fleet: Fleet) -> Callable[[str], Nearest]:
    """Return what gives the prefixes of a site to look addresses up in; they are put in order once."""
    return cache(lambda site: Nearest(fleet.prefixes_of_site(site)))


@rule("address-prefix", fix="correct the address, or add the prefix to the site or its region")
def address_nowhere(fleet: Fleet) -> Iterator[Fault]:
    """Routes, firewalls and reverse zones are made from a site's prefixes; they would miss the address."""
    at_site, sites = _by_site(fleet), {s.slug for s in fleet.sites}
    for i, j, k, host, interface, address in every_address(fleet):
        if host.site not in sites:
            continue
        path, name = ("hosts", i, "interfaces", j, "addresses", k), f"{host.name}:{interface.name}"
        nearest = at_site(host.site).of(address, interface.vrf)
        if nearest is None:
            what = f"{name}: {address} is outside every prefix of {host.site}"
            yield Fault(path, what, needs=("prefixes", "sites"))
        elif address.network.prefixlen == address.max_prefixlen:
            continue  # a loopback's address, or one of a tunnel: a host route, whatever it lies in
        elif nearest.prefix != address.network:
            what = f"{name}: {address} is in prefix {nearest.prefix}, so it ends with /{nearest.prefix.prefixlen}"
            yield Fault(path, what, needs=("prefixes",))
        elif not _usable(address, nearest.prefix):
            yield Fault(path, f"{name}: {address.ip} is {nearest.prefix} itself or its broadcast address")


@rule("prefix-scope", fix="keep one of them, or none for a prefix of all sites")
def bad_scope(fleet: Fleet) -> Iterator[Fault]:
    """A prefix belongs to one place, or to all; who it belongs to decides who routes it."""
    for i, prefix in enumerate(fleet.prefixes):
        places = [kind for kind in SCOPES if getattr(prefix, kind) is not None]
        if len(places) > 1:
            yield Fault(("prefixes", i), f"{prefix.prefix} has {' and '.join(places)}")


@rule("gateway", fix="name an address in the prefix")
def bad_gateway(fleet: Fleet) -> Iterator[Fault]:
    """Hosts of a prefix can only send to a gateway that is in it."""
    for i, prefix in enumerate(fleet.prefixes):
        if prefix.gateway is not None and not _usable(prefix.gateway, prefix.prefix):
            yield Fault(("prefixes", i, "gateway"), f"{prefix.gateway} cannot be the gateway of {prefix.prefix}")


@rule("prefix-overlap", fix="correct one of them; a wider prefix may hold others if it has neither VLAN nor gateway")
def overlapping_prefixes(fleet: Fleet) -> Iterator[Fault]:
    """An address of a site is in one network. Only a prefix that is no network itself, without VLAN and gateway, may
    hold others: it says which range is set aside for them.
    """
    reported: set[tuple[int, int]] = set()
    for site in fleet.sites:
        for inner, outer in _nested(fleet, site):
            wider = fleet.prefixes[outer]
            if (wider.vlan is None and wider.gateway is None) or (inner, outer) in reported:
                continue
            reported.add((inner, outer))
            network = f"VLAN {wider.vlan}" if wider.vlan is not None else f"the gateway {wider.gateway}"
            what = f"{fleet.prefixes[inner].prefix} overlaps {wider.prefix} at {site.slug}, which has {network}"
            yield Fault(("prefixes", inner), what)


def _nested(fleet: Fleet, site: Site) -> Iterator[tuple[int, int]]:
    """Yield two prefixes of a site, or of its region, of which one lies in the other: index of both, inner first.

    Equal ones of one place are no two (rule `duplicate`).
    """
    own = [(p, i) for i, p in enumerate(fleet.prefixes) if fleet.serves(p, site.slug)]
    around: list[tuple[Prefix, int]] = []
    for prefix, i in sorted(own, key=lambda pair: (pair[0].vrf, address_key(pair[0].prefix))):
        while around and not _lies_in(prefix, around[-1][0]):
            around.pop()
        yield from ((i, j) for outer, j in around if (outer.prefix, outer.scope) != (prefix.prefix, prefix.scope))
        around.append((prefix, i))


def _lies_in(inner: Prefix, outer: Prefix) -> bool:
    """Tell whether a prefix lies in another one of its VRF."""
    is_longer = inner.prefix.prefixlen >= outer.prefix.prefixlen
    return inner.vrf == outer.vrf and is_longer and inner.prefix.network_address in outer.prefix


@rule(
    "gateway-host",
    fix="give it to an enabled interface of a host there, on the VLAN of the prefix, or let several share it by a role",
)
def unheld_gateway(fleet: Fleet) -> Iterator[Fault]:
    """A gateway reaches a prefix by an interface of its own in it, at the prefix' site or one of its region; without
    one, what is sent to it goes nowhere. An address that no interface has can be shared by hosts with roles that have
    an interface in the prefix; whether one of their roles does so, the roles say, and their
    catalogue asks them. (That a host is down today is no fault of the inventory.)
    """
    for i, prefix in enumerate(fleet.prefixes):
        if prefix.gateway is None or not _usable(prefix.gateway, prefix.prefix):
            continue
        there = [
            (h, x) for h, x in fleet.holders_of(prefix) or fleet.candidates_of(prefix) if fleet.serves(prefix, h.site)
        ]
        if not any(_is_on(x, prefix.vlan) for _, x in there):
            found = (
                f"{there[0][0].name}:{there[0][1].name} is disabled or on another VLAN" if there else "no host has it"
            )
            what = f"{prefix.prefix}: the gateway {prefix.gateway} is not at {prefix.scope[1] or 'any site'}: {found}"
            yield Fault(("prefixes", i, "gateway"), what, needs=("hosts", "sites"))


@rule("range-prefix", fix="name a first and a last address of one prefix, neither its own nor its broadcast address")
def range_elsewhere(fleet: Fleet) -> Iterator[Fault]:
    """Addresses are lent out in one network, several at a time (NetBox keeps no range of one); else it is a typing
    error.
    """
    for i, lent in enumerate(fleet.ranges):
        first, last = fleet.prefix_of(lent.start, lent.vrf), fleet.prefix_of(lent.end, lent.vrf)
        if address_key(lent.end) <= address_key(lent.start):
            yield Fault(("ranges", i), f"{called(lent)} does not end after it begins")
        elif first is None or first != last:
            lies = f"in {first.prefix} and in {last.prefix}" if first and last else "outside every prefix"
            yield Fault(("ranges", i), f"{called(lent)} lies {lies}", needs=("prefixes",))
        elif not (_usable(lent.start, first.prefix) and _usable(lent.end, first.prefix)):
            yield Fault(("ranges", i), f"{called(lent)} has {first.prefix} itself or its broadcast address in it")


@rule("range-gateway", fix="set the gateway of the prefix, or remove the range")
def range_without_gateway(fleet: Fleet) -> Iterator[Fault]:
    """Who is lent an address is told the way out of the prefix with it, and it is the gateway that lends it."""
    for i, lent in enumerate(fleet.ranges):
        prefix = fleet.prefix_of(lent.start, lent.vrf)
        if prefix is not None and prefix.gateway is None:
            yield Fault(("ranges", i), f"{called(lent)} is in {prefix.prefix}, which has no gateway")


@rule("range-overlap", fix="correct one of them, or make one of both")
def overlapping_ranges(fleet: Fleet) -> Iterator[Fault]:
    """An address in two ranges would be lent out twice."""
    before: Range | None = None
    for i, lent in sorted(enumerate(fleet.ranges), key=lambda pair: _range_key(pair[1])):
        if before is not None and before.vrf == lent.vrf and address_key(lent.start) <= address_key(before.end):
            yield Fault(("ranges", i), f"{called(lent)} overlaps {called(before)}")
        is_further = before is None or before.vrf != lent.vrf or address_key(lent.end) > address_key(before.end)
        before = lent if is_further else before


def _range_key(lent: Range) -> tuple[str, tuple[int, int, int], tuple[int, int, int]]:
    return lent.vrf, address_key(lent.start), address_key(lent.end)


@rule("range-address", fix="give the interface another address, or end the range before it")
def address_in_range(fleet: Fleet) -> Iterator[Fault]:
    """A host's own address in a range would be lent to somebody else, too."""
    ranges = sorted(fleet.ranges, key=_range_key)
    starts = [(r.vrf, address_key(r.start)) for r in ranges]
    for i, j, k, host, interface, address in every_address(fleet) if ranges else ():
        key = address_key(address)
        at = bisect_right(starts, (interface.vrf, key)) - 1
        if at >= 0 and ranges[at].vrf == interface.vrf and key <= address_key(ranges[at].end):
            what = f"{host.name}:{interface.name}: {address.ip} is in the range {called(ranges[at])}"
            yield Fault(("hosts", i, "interfaces", j, "addresses", k), what)


def _is(held: InterfaceAddress, address: Address) -> bool:
    """Tell whether the address that an interface has is this one."""
    return int(held) == int(address) and held.version == address.version


def _is_on(interface: Interface, vlan: int | None) -> bool:
    """Tell whether an interface is in use, and on this VLAN as far as both say which."""
    vlans = {v for v in (interface.untagged_vlan, *interface.tagged_vlans) if v is not None}
    return interface.enabled and (vlan is None or not vlans or vlan in vlans)


def _usable(address: Address | InterfaceAddress, prefix: Network) -> bool:
    """Tell whether a host can have this address in the prefix. IPv6 has no broadcast address (RFC 4291)."""
    if address not in prefix:
        return False
    number, first = int(address), int(prefix.network_address)
    if isinstance(prefix, IPv6Network):
        return prefix.prefixlen >= 127 or number != first  # RFC 6164; the first is all routers'
    return prefix.prefixlen > 30 or first < number < int(prefix.broadcast_address)
