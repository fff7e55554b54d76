"""What makes a fleet sound: small rules, each with its reason, all asked in one go.

Names are held to patterns here since they become file names, DNS names and words in commands and templates
further on. Not here: whether roles fit their hosts and have good options, which the roles know
(`roles/shared/catalogue.py`).
"""

from __future__ import annotations

import base64
import binascii
import re
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from ipaddress import IPv4Address, IPv4Network
from typing import Any

from inventory.errors import Problem
from inventory.fleet import ASSIGNED_BY, KEYS, Fleet, Host, Interface, Range, Site
from inventory.places import Path, Places, called, in_words, noun, owner, printable
from inventory.secrets import MARK

SLUG = re.compile(r"[a-z0-9]([a-z0-9-]{0,98}[a-z0-9])?")
NAME = re.compile(r"\w[\w .,:()/+-]{0,99}")
INTERFACE = re.compile(r"[A-Za-z0-9][A-Za-z0-9/._:-]{0,63}")
LINUX_INTERFACE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,14}")
SAMDRIFT_ROLE = re.compile(r"[a-z][a-z0-9_]{0,62}")
HOST_KEY = re.compile(r"(?P<kind>ssh-ed25519|ssh-rsa|ecdsa-sha2-nistp(256|384|521)) (?P<blob>[A-Za-z0-9+/]+={0,2})")

PRIVATE_ASNS = (range(64512, 65535), range(4_200_000_000, 4_294_967_295))
HIGHEST_WAVE = 999

OWN_WAY_OUT, OUTSIDERS = "egen väg ut", ("gäst", "skol")
"""What a prefix says in its description, and a VLAN at the beginning of its name, if it is for guests or pupils."""
FIREWALL = "firewall"
"""The device role of what stands between guests or pupils and the internet."""


@dataclass(frozen=True)
class Fault:
    """What breaks a rule, and where in the fleet.

    Attributes:
        needs: sections that must have been read whole for this to be a fault: who asks for something that could not be
            read makes no fault of it.
    """

    path: Path
    what: str
    needs: tuple[str, ...] = ()


@dataclass(frozen=True)
class Rule:
    """One thing that must hold in a sound fleet: `why`, how to `fix` it, and how to find what breaks it."""

    id: str
    why: str
    fix: str
    faults: Callable[[Fleet], Iterator[Fault]]


RULES: dict[str, Rule] = {}


def rule(id: str, fix: str) -> Callable[[Callable[[Fleet], Iterator[Fault]]], Callable[[Fleet], Iterator[Fault]]]:  # noqa: A002  it is one
    """Register a rule; its docstring is why."""

    def register(faults: Callable[[Fleet], Iterator[Fault]]) -> Callable[[Fleet], Iterator[Fault]]:
        RULES[id] = Rule(id=id, why=faults.__doc__ or "", fix=fix, faults=faults)
        return faults

    return register


def problems(fleet: Fleet, places: Places | None = None, unread: frozenset[str] = frozenset()) -> tuple[Problem, ...]:
    """Everything that is wrong with the fleet, rule by rule.

    Args:
        places: where the fleet's parts came from; without, places are said in NetBox's words.
        unread: sections of which something could not be read.
    """
    places = places or Places()
    return tuple(
        _problem(fleet, places, r, fault)
        for r in RULES.values()
        for fault in r.faults(fleet)
        if unread.isdisjoint(fault.needs)
    )


def _problem(fleet: Fleet, places: Places, rule: Rule, fault: Fault) -> Problem:
    where, about = printable(places.of(fleet, fault.path)), printable(in_words(fleet, fault.path))
    host, municipality = owner(fleet, fault.path)
    return Problem(rule.id, where, printable(fault.what), rule.fix, about=about, host=host, municipality=municipality)


# Names


@rule("slug", fix="use a-z, 0-9 and -, as NetBox makes slugs: å and ä become a, ö becomes o")
def bad_slug(fleet: Fleet) -> Iterator[Fault]:
    """Slugs become names of files and of options, so they are plain ASCII."""
    for section in SLUGGED:
        for i, item in enumerate(getattr(fleet, section)):
            if not SLUG.fullmatch(item.slug):
                yield Fault((section, i, "slug"), f"{item.slug!r} is no slug")


SLUGGED = tuple(s for s in KEYS if s not in {"vlans", "prefixes", "ranges", "config_contexts", "hosts", "cables"})


@rule("name", fix="use letters, digits, blanks and . , : ( ) / + -, at most 100")
def bad_name(fleet: Fleet) -> Iterator[Fault]:
    """Names stand in templates, banners and reports; what has a meaning to a shell or a parser has no place in one."""
    for section in KEYS:
        for i, item in enumerate(getattr(fleet, section)):
            name = getattr(item, "name", None)
            if section != "hosts" and name is not None and not NAME.fullmatch(name):
                yield Fault((section, i, "name"), f"{name!r} is no name")


@rule("text", fix="remove it: text is printable letters on one line (in config contexts, on several)")
def unprintable(fleet: Fleet) -> Iterator[Fault]:
    """Control characters and invisible ones can make a text say one thing to a person and another to a program."""
    # In JSON they are escaped; of a key that is no UTF-8, pydantic makes replacement characters.
    for path, text in _texts(fleet, lambda json: "\\" in json or "\ufffd" in json or not json.isprintable()):
        seen = text.replace("\n", "") if {"context", "local_context", "data"} & set(path) else text
        if not seen.isprintable():
            yield Fault(path, f"unprintable character in {text!r}")


@rule("secret-mark", fix=f"leave out {MARK}, with which placeholders of secrets begin")
def secret_mark(fleet: Fleet) -> Iterator[Fault]:
    """A text that looks like a placeholder could end up in a role's file, and be given a secret's value there."""
    for path, text in _texts(fleet, lambda json: MARK in json):
        if MARK in text:
            yield Fault(path, f"{_cut(text)!r} looks like a secret")


def _texts(fleet: Fleet, suspect: Callable[[str], bool]) -> Iterator[tuple[Path, str]]:
    """Every text, keys included, in those objects that are suspect as JSON: to look there first is ten times faster."""
    for section in KEYS:
        for i, (item, json) in enumerate(zip(getattr(fleet, section), fleet.as_json[section], strict=True)):
            if suspect(json):
                yield from _texts_in(item.model_dump(), (section, i))


def _texts_in(value: Any, path: Path) -> Iterator[tuple[Path, str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield (*path, key), key
            yield from _texts_in(item, (*path, key))
    elif isinstance(value, list | tuple):
        for i, item in enumerate(value):
            yield from _texts_in(item, (*path, i))


@rule("duplicate", fix="rename or remove one of them")
def duplicate(fleet: Fleet) -> Iterator[Fault]:
    """What others refer to by name must be one thing."""
    for section in KEYS:
        seen: set[str] = set()
        for i, item in enumerate(getattr(fleet, section)):
            name = called(item)
            if name in seen:
                yield Fault((section, i), f"{noun(section)} {name} is there more than once")
            seen.add(name)
    for i, host in enumerate(fleet.hosts):
        names = [x.name for x in host.interfaces]
        for j, name in enumerate(names):
            if name in names[:j]:
                yield Fault(("hosts", i, "interfaces", j), f"{host.name} has more than one interface {name}")


@rule("host-name", fix="site prefix (first three letters of the site's tenant), word, number: tie-dns1")
def bad_host_name(fleet: Fleet) -> Iterator[Fault]:
    """The name says whose a host is, is a DNS label, and becomes the name of files."""
    tenants = {s.slug: s.tenant for s in fleet.sites}
    for i, host in enumerate(fleet.hosts):
        path = ("hosts", i, "name")
        if not re.fullmatch(r"[a-z]{3}-[a-z]+[0-9]{1,3}", host.name):
            yield Fault(path, f"{host.name!r} is no host name")
        elif tenants.get(host.site) and not host.name.startswith(f"{tenants[host.site][:3]}-"):
            yield Fault(path, f"{host.name} stands in {host.site}, so its name starts with {tenants[host.site][:3]}-")


@rule("interface-name", fix="name it as the host itself does; on Linux 15 characters of A-Z a-z 0-9 _ . - at most")
def bad_interface_name(fleet: Fleet) -> Iterator[Fault]:
    """Interfaces' names become names of files, of DNS, and words in commands."""
    linux = {p.slug for p in fleet.platforms if p.family == "debian"}
    for i, j, host, interface in _interfaces(fleet):
        pattern = LINUX_INTERFACE if host.platform in linux else INTERFACE
        if not pattern.fullmatch(interface.name):
            what = f"{host.name} cannot have an interface {interface.name!r}"
            yield Fault(("hosts", i, "interfaces", j, "name"), what)


@rule("interface-type", fix="type: virtual")
def bad_interface_type(fleet: Fleet) -> Iterator[Fault]:
    """NetBox knows no types of a virtual machine's interfaces, so that any other word would be lost on the way."""
    for i, j, host, interface in _interfaces(fleet):
        if host.kind == "vm" and interface.type != "virtual":
            what = f"{host.name}:{interface.name} of a vm has type {interface.type!r}"
            yield Fault(("hosts", i, "interfaces", j, "type"), what)


@rule("lag", fix="name an interface of the device whose type is lag, and give that one the VLANs and the addresses")
def bad_lag(fleet: Fleet) -> Iterator[Fault]:
    """A link aggregation group makes one link of several cables: its members have the cables, and the group has the
    VLANs and the addresses. Only devices have groups, and no group is a member of another.
    """
    plugged = {end for cable in fleet.cables for end in (cable.a, cable.b)}
    for i, j, host, interface in _interfaces(fleet):
        name, path = f"{host.name}:{interface.name}", ("hosts", i, "interfaces", j)
        if interface.is_lag and name in plugged:
            yield Fault(path, f"{name} is a LAG, and a cable leads to it")
        if interface.lag is None:
            continue
        groups = {x.name for x in host.interfaces if x.is_lag}
        if host.kind == "vm" or interface.is_lag:
            whose = "of a vm" if host.kind == "vm" else "which is a LAG itself"
            yield Fault((*path, "lag"), f"{name}, {whose}, is a member of {interface.lag!r}")
        elif interface.lag not in groups:
            what = f"{host.name} has no LAG {interface.lag!r}{_near(interface.lag, groups)}"
            yield Fault((*path, "lag"), f"{name}: {what}")
        if interface.untagged_vlan is not None or interface.tagged_vlans or interface.addresses:
            yield Fault(path, f"{name} is a member of {interface.lag!r}, and has VLANs or addresses of its own")


@rule("lag-ends", fix="make both ports members of a LAG or neither, and let all members of one lead to members of one")
def bad_lag_ends(fleet: Fleet) -> Iterator[Fault]:
    """Two devices that do not agree which of their cables are one link send each other nothing, or send it in a circle.
    (Of servers, NetBox need not say it: samdrift does not set up their networks.)
    """
    cli = {p.slug for p in fleet.platforms if p.family == "cli"}
    lags = {
        f"{h.name}:{x.name}": x.lag and f"{h.name}:{x.lag}"
        for h in fleet.hosts
        if h.platform in cli
        for x in h.interfaces
    }
    leads: dict[str, str] = {}
    for i, cable in enumerate(fleet.cables):
        for side, near, far in (("a", cable.a, cable.b), ("b", cable.b, cable.a)):
            here, there = lags.get(near), lags.get(far)
            if here is None or far not in lags:
                continue
            if there is None:
                yield Fault(("cables", i, side), f"{near} is a member of a LAG, and {far} at the other end is not")
            elif (other := leads.setdefault(here, there)) != there:
                yield Fault(("cables", i, side), f"{here} leads to {other} and to {there}")


@rule("service", fix="a port is a number of 1 to 65535; a service has one at least")
def bad_service(fleet: Fleet) -> Iterator[Fault]:
    """A service that nobody could connect to is a typing error."""
    for i, host in enumerate(fleet.hosts):
        for j, service in enumerate(host.services):
            if not service.ports or not all(1 <= port <= 65535 for port in service.ports):
                what = f"{host.name}: service {service.name!r} has ports {list(service.ports)}"
                yield Fault(("hosts", i, "services", j), what)


# References


REFERENCES = {
    "sites": {"tenant": "tenants", "region": "regions"},
    "device_types": {"manufacturer": "manufacturers"},
    "clusters": {"type": "cluster_types"},
    "vlans": {"site": "sites"},
    "prefixes": {"site": "sites", "region": "regions"},
    "config_contexts": {section: section for section in ASSIGNED_BY},
    "hosts": {
        "tenant": "tenants",
        "site": "sites",
        "role": "device_roles",
        "platform": "platforms",
        "device_type": "device_types",
        "cluster": "clusters",
        "tags": "tags",
    },
}
"""Which fields name something, by the section that it is in."""

BELONGS = {"sites": ("tenant",), "hosts": ("tenant", "site", "role", "platform")}
"""Which of them NetBox lets be empty, and samdrift does not; rules `site-owner` and `host-complete`."""


@rule("reference", fix="add it, or name another")
def dangling_reference(fleet: Fleet) -> Iterator[Fault]:
    """A reference to nothing is a typing error, and whoever follows it would fail or, worse, find nothing to do."""
    for section, fields in REFERENCES.items():
        for field, target in fields.items():
            known = {x.slug for x in getattr(fleet, target)}
            for i, item in enumerate(getattr(fleet, section)):
                value = getattr(item, field)
                for slug in value if isinstance(value, tuple) else (value,):
                    if slug == "" and field in BELONGS.get(section, ()):
                        continue
                    if slug is not None and slug not in known:
                        what = f"there is no {noun(target)} {slug!r}{_near(slug, known)}"
                        yield Fault((section, i, field), f"{called(item)}: {what}", needs=(target,))


@rule("site-owner", fix="set the tenant of the site")
def site_without_owner(fleet: Fleet) -> Iterator[Fault]:
    """A site belongs to a municipality, which answers for what stands there and whose name its hosts begin with."""
    for i, site in enumerate(fleet.sites):
        if not site.tenant:
            yield Fault(("sites", i, "tenant"), f"{site.slug} belongs to no municipality")


@rule("host-complete", fix="set it, also of a host that is not active yet")
def incomplete_host(fleet: Fleet) -> Iterator[Fault]:
    """Whose a host is, where it stands, what it is for and what runs on it decide all that is done with it."""
    for i, host in enumerate(fleet.hosts):
        for field in BELONGS["hosts"]:
            if not getattr(host, field):
                yield Fault(("hosts", i, field), f"{host.name} has no {'device role' if field == 'role' else field}")


@rule("vlan", fix="add the VLAN to the site, or name another")
def dangling_vlan(fleet: Fleet) -> Iterator[Fault]:
    """A VLAN number means something only at a site that has that VLAN."""
    sites: dict[str, set[int]] = defaultdict(set)
    for vlan in fleet.vlans:
        sites[vlan.site].add(vlan.vid)
    regions: dict[str, set[int]] = defaultdict(set)
    for site in fleet.sites:
        regions[site.region] |= sites[site.slug]
    for i, prefix in enumerate(fleet.prefixes):
        known = sites[prefix.site] if prefix.site else regions[prefix.region or ""]
        if prefix.vlan is not None and prefix.vlan not in known:
            what = f"{prefix.prefix}: there is no VLAN {prefix.vlan} at {prefix.site or prefix.region}"
            yield Fault(("prefixes", i, "vlan"), what, needs=("vlans", "sites"))
    for i, host in enumerate(fleet.hosts):
        for j, interface in enumerate(host.interfaces if host.site else ()):
            for vid in (interface.untagged_vlan, *interface.tagged_vlans):
                if vid is not None and vid not in sites[host.site]:
                    what = f"{host.name}:{interface.name}: there is no VLAN {vid} at {host.site}"
                    yield Fault(("hosts", i, "interfaces", j), what, needs=("vlans",))


@rule("vlan-name", fix="give one of them a name of its own")
def vlan_name_twice(fleet: Fleet) -> Iterator[Fault]:
    """Who asks at a site for a VLAN by its name must get one, and the same one every time."""
    seen: dict[tuple[str, str], int] = {}
    for i, vlan in enumerate(fleet.vlans):
        other = seen.setdefault((vlan.site, vlan.name.casefold()), vlan.vid)
        if other != vlan.vid:
            what = f"VLAN {vlan.vid} and VLAN {other} at {vlan.site} have one name, {vlan.name!r}"
            yield Fault(("vlans", i, "name"), what)


@rule("cable", fix="name two interfaces of devices, each host:interface, that have no other cable")
def bad_cable(fleet: Fleet) -> Iterator[Fault]:
    """A cable has two ends, at devices, and an interface holds one cable."""
    interfaces = {f"{h.name}:{x.name}" for h in fleet.hosts if h.kind == "device" for x in h.interfaces}
    plugged: set[str] = set()
    for i, cable in enumerate(fleet.cables):
        for side, end in (("a", cable.a), ("b", cable.b)):
            if end not in interfaces:
                what = f"there is no interface {end!r}{_near(end, interfaces)}"
                yield Fault(("cables", i, side), what, needs=("hosts",))
            elif end in plugged:
                yield Fault(("cables", i, side), f"{end} has a cable already")
            plugged.add(end)


# Addresses


@rule("host-address", fix="set primary_address, or the status to planned")
def no_address(fleet: Fleet) -> Iterator[Fault]:
    """An active host is reached by its primary address."""
    for i, host in enumerate(fleet.hosts):
        if host.status == "active" and host.primary_address is None:
            yield Fault(("hosts", i), f"{host.name} is active and has no primary address")


@rule("primary-address", fix="give the address to an interface, or name another primary address")
def primary_elsewhere(fleet: Fleet) -> Iterator[Fault]:
    """A primary address that no interface has leads nowhere, or to another host."""
    for i, host in enumerate(fleet.hosts):
        if host.primary_address is not None and host.primary_address not in {a.ip for a in host.addresses}:
            what = f"{host.name}: no interface has the primary address {host.primary_address}"
            yield Fault(("hosts", i, "primary_address"), what)


@rule("address-twice", fix="give one of them another address")
def address_twice(fleet: Fleet) -> Iterator[Fault]:
    """Two interfaces with one address cannot both be reached."""
    holder: dict[IPv4Address, str] = {}
    for i, j, k, host in _addresses(fleet):
        interface = host.interfaces[j]
        ip, name = interface.addresses[k].ip, f"{host.name}:{interface.name}"
        if ip in holder:
            what = f"{name} and {holder[ip]} have one address, {ip}"
            yield Fault(("hosts", i, "interfaces", j, "addresses", k), what)
        holder.setdefault(ip, name)


@rule("address-prefix", fix="correct the address, or add the prefix to the site or its region")
def address_nowhere(fleet: Fleet) -> Iterator[Fault]:
    """Routes, firewalls and reverse zones are made from a site's prefixes; they would miss the address."""
    longest_first = {
        s.slug: sorted((p.prefix for p in fleet.prefixes_of_site(s.slug)), key=lambda p: -p.prefixlen)
        for s in fleet.sites
    }
    for i, j, k, host in _addresses(fleet):
        if host.site not in longest_first:
            continue
        address, path = host.interfaces[j].addresses[k], ("hosts", i, "interfaces", j, "addresses", k)
        name = f"{host.name}:{host.interfaces[j].name}"
        ip = address.ip
        nearest = next((p for p in longest_first[host.site] if ip in p), None)
        if nearest is None:
            what = f"{name}: {address} is outside every prefix of {host.site}"
            yield Fault(path, what, needs=("prefixes", "sites"))
        elif nearest != address.network:
            what = f"{name}: {address} is in prefix {nearest}, so it ends with /{nearest.prefixlen}"
            yield Fault(path, what, needs=("prefixes",))
        elif not _usable(ip, nearest):
            yield Fault(path, f"{name}: {ip} is {nearest} itself or its broadcast address")


@rule("prefix-scope", fix="set site, or (for a prefix that all sites of a region share) region")
def bad_scope(fleet: Fleet) -> Iterator[Fault]:
    """A prefix belongs to one site, or is shared in a region; who it belongs to decides who routes it."""
    for i, prefix in enumerate(fleet.prefixes):
        if (prefix.site is None) == (prefix.region is None):
            has = "neither site nor region" if prefix.site is None else "both site and region"
            yield Fault(("prefixes", i), f"{prefix.prefix} has {has}")


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
    told: set[tuple[int, int]] = set()
    for site in fleet.sites:
        for inner, outer in _nested(fleet, site):
            wider = fleet.prefixes[outer]
            if (wider.vlan is None and wider.gateway is None) or (inner, outer) in told:
                continue
            told.add((inner, outer))
            network = f"VLAN {wider.vlan}" if wider.vlan is not None else f"the gateway {wider.gateway}"
            what = f"{fleet.prefixes[inner].prefix} overlaps {wider.prefix} at {site.slug}, which has {network}"
            yield Fault(("prefixes", inner), what)


def _nested(fleet: Fleet, site: Site) -> Iterator[tuple[int, int]]:
    """Every two prefixes of a site, or of its region, of which one lies in the other: index of both, inner first.

    Equal ones are no two (rule `duplicate`).
    """
    own = [(p.prefix, i) for i, p in enumerate(fleet.prefixes) if p.site == site.slug or p.region == site.region]
    around: list[tuple[IPv4Network, int]] = []
    for prefix, i in sorted(own):
        while around and not prefix.subnet_of(around[-1][0]):
            around.pop()
        yield from ((i, j) for outer, j in around if outer != prefix)
        around.append((prefix, i))


@rule(
    "gateway-host",
    fix="give it to an enabled interface of a host there, on the VLAN of the prefix, or to several by role keepalived",
)
def unheld_gateway(fleet: Fleet) -> Iterator[Fault]:
    """A gateway reaches a prefix by an interface of its own in it, at the prefix' site or one of its region; without
    one, what is sent to it goes nowhere. An address that no interface has is shared by the hosts with role keepalived
    that have one in the prefix. (That a host is down today is no fault of the inventory.)
    """
    regions = {s.slug: s.region for s in fleet.sites}
    for i, prefix in enumerate(fleet.prefixes):
        if prefix.gateway is None or not _usable(prefix.gateway, prefix.prefix):
            continue
        there = [
            (h, x)
            for h, x in fleet.holders_of(prefix)
            if (h.site == prefix.site if prefix.site else regions.get(h.site) == prefix.region)
        ]
        if not any(_is_on(x, prefix.vlan) for _, x in there):
            found = (
                f"{there[0][0].name}:{there[0][1].name} is disabled or on another VLAN" if there else "no host has it"
            )
            what = f"{prefix.prefix}: the gateway {prefix.gateway} is not at {prefix.site or prefix.region}: {found}"
            yield Fault(("prefixes", i, "gateway"), what, needs=("hosts", "sites"))


@rule("range-prefix", fix="name a first and a last address of one prefix, neither its own nor its broadcast address")
def range_elsewhere(fleet: Fleet) -> Iterator[Fault]:
    """Addresses are lent out in one network, several at a time (NetBox keeps no range of one); else it is a typing
    error.
    """
    for i, lent in enumerate(fleet.ranges):
        first, last = fleet.prefix_of(lent.start), fleet.prefix_of(lent.end)
        if lent.end <= lent.start:
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
        prefix = fleet.prefix_of(lent.start)
        if prefix is not None and prefix.gateway is None:
            yield Fault(("ranges", i), f"{called(lent)} is in {prefix.prefix}, which has no gateway")


@rule("range-overlap", fix="correct one of them, or make one of both")
def overlapping_ranges(fleet: Fleet) -> Iterator[Fault]:
    """An address in two ranges would be lent out twice."""
    before: Range | None = None
    for i, lent in sorted(enumerate(fleet.ranges), key=lambda pair: (pair[1].start, pair[1].end)):
        if before is not None and lent.start <= before.end:
            yield Fault(("ranges", i), f"{called(lent)} overlaps {called(before)}")
        before = lent if before is None or lent.end > before.end else before


@rule("range-address", fix="give the interface another address, or end the range before it")
def address_in_range(fleet: Fleet) -> Iterator[Fault]:
    """A host's own address in a range would be lent to somebody else, too."""
    ranges = sorted(fleet.ranges, key=lambda r: (r.start, r.end))
    starts = [r.start for r in ranges]
    for i, j, k, host in _addresses(fleet) if ranges else ():
        ip = host.interfaces[j].addresses[k].ip
        at = bisect_right(starts, ip) - 1
        if at >= 0 and ip <= ranges[at].end:
            what = f"{host.name}:{host.interfaces[j].name}: {ip} is in the range {called(ranges[at])}"
            yield Fault(("hosts", i, "interfaces", j, "addresses", k), what)


def _is_on(interface: Interface, vlan: int | None) -> bool:
    """Whether an interface is in use, and on this VLAN as far as both say which."""
    vlans = {v for v in (interface.untagged_vlan, *interface.tagged_vlans) if v is not None}
    return interface.enabled and (vlan is None or not vlans or vlan in vlans)


@rule("own-way-out", fix="make the firewall of the site its gateway, or take 'egen väg ut' and the name from it")
def no_way_out_of_its_own(fleet: Fleet) -> Iterator[Fault]:
    """Pupils and guests leave by a firewall of their own and never by way of the administration's networks. Such a
    prefix says 'egen väg ut' in its description, or its VLAN's name begins with Gäst or Skol.
    """
    names = {(v.site, v.vid): v.name for v in fleet.vlans}
    for i, prefix in enumerate(fleet.prefixes):
        name = names.get((prefix.site or "", prefix.vlan or 0), "")
        if OWN_WAY_OUT not in prefix.description.casefold() and not name.casefold().startswith(OUTSIDERS):
            continue
        if prefix.gateway is None:
            yield Fault(("prefixes", i), f"{prefix.prefix} ({prefix.description or name}) has no gateway")
        elif wrong := [h for h in fleet.routers_of(prefix) if h.role != FIREWALL]:
            what = f"{prefix.prefix} ({prefix.description or name}) leaves by {wrong[0].name}, which is no {FIREWALL}"
            yield Fault(("prefixes", i, "gateway"), what)


def _addresses(fleet: Fleet) -> Iterator[tuple[int, int, int, Host]]:
    """Every address of every host: index of host, interface and address, and the host."""
    for i, j, host, interface in _interfaces(fleet):
        for k in range(len(interface.addresses)):
            yield i, j, k, host


def _interfaces(fleet: Fleet) -> Iterator[tuple[int, int, Host, Interface]]:
    """Every interface of every host: index of host and interface, and both."""
    for i, host in enumerate(fleet.hosts):
        for j, interface in enumerate(host.interfaces):
            yield i, j, host, interface


def _usable(address: IPv4Address, prefix: IPv4Network) -> bool:
    """Whether a host can have this address in the prefix."""
    if address not in prefix:
        return False
    return prefix.prefixlen > 30 or address not in {prefix.network_address, prefix.broadcast_address}


# Sites and hosts


@rule("asn", fix="a number of 64512-65534 or 4200000000-4294967294 that no other site has (RFC 6996)")
def bad_asn(fleet: Fleet) -> Iterator[Fault]:
    """Sites tell each other's routes apart by AS number, and the numbers must never meet the internet's."""
    seen: dict[int, str] = {}
    for i, site in enumerate(fleet.sites):
        if site.asn is None:
            continue
        if not any(site.asn in numbers for numbers in PRIVATE_ASNS):
            yield Fault(("sites", i, "asn"), f"{site.slug}: AS {site.asn} is not private")
        elif site.asn in seen:
            yield Fault(("sites", i, "asn"), f"{site.slug} and {seen[site.asn]} have one AS number, {site.asn}")
        seen.setdefault(site.asn, site.slug)


@rule("coordinates", fix="set both, in degrees: latitude -90 to 90, longitude -180 to 180")
def bad_coordinates(fleet: Fleet) -> Iterator[Fault]:
    """Reports draw a map of the sites."""
    for i, site in enumerate(fleet.sites):
        latitude, longitude = site.latitude, site.longitude
        if latitude is None and longitude is None:
            continue
        if latitude is None or longitude is None or abs(latitude) > 90 or abs(longitude) > 180:
            yield Fault(("sites", i), f"{site.slug}: {latitude}, {longitude} is nowhere on earth")


@rule("host-kind", fix="a device has a device_type and no cluster, a vm has a cluster and no device_type")
def bad_kind(fleet: Fleet) -> Iterator[Fault]:
    """NetBox keeps devices and virtual machines apart, and each needs what it stands on."""
    for i, host in enumerate(fleet.hosts):
        needs, lacks = ("device_type", "cluster") if host.kind == "device" else ("cluster", "device_type")
        if getattr(host, needs) is None:
            yield Fault(("hosts", i), f"{host.name} is a {host.kind} without {needs}")
        if getattr(host, lacks) is not None:
            yield Fault(("hosts", i, lacks), f"{host.name} is a {host.kind} with {lacks}")


@rule("host-key", fix="copy type and key from /etc/ssh/ssh_host_*_key.pub of the host, without the comment")
def bad_host_key(fleet: Fleet) -> Iterator[Fault]:
    """A host is believed by its key alone, so a key that was cut or mistyped shuts samdrift out."""
    for i, host in enumerate(fleet.hosts):
        for key in host.host_keys:
            if not _is_host_key(key):
                yield Fault(("hosts", i, "host_keys"), f"{host.name}: {_cut(key)!r} is no SSH host key")


@rule("host-key-missing", fix="add the content of its /etc/ssh/ssh_host_ed25519_key.pub, or set the status to planned")
def no_host_key(fleet: Fleet) -> Iterator[Fault]:
    """A host is believed by its key alone, so one without a key can never be connected to."""
    for i, host in enumerate(fleet.hosts):
        if host.status == "active" and not host.host_keys:
            yield Fault(("hosts", i), f"{host.name} is active and has no SSH host key")


@rule("wireguard-key", fix="enter what this says on the host: sudo sh -c 'wg pubkey < /etc/wireguard/private.key'")
def bad_wireguard_key(fleet: Fleet) -> Iterator[Fault]:
    """A tunnel believes a host by its key alone: 32 bytes in base64, and no other host's."""
    seen: dict[str, str] = {}
    for i, host in enumerate(fleet.hosts):
        key = host.wireguard_public_key
        if key and not _is_wireguard_key(key):
            yield Fault(("hosts", i, "wireguard_public_key"), f"{host.name}: {_cut(key)!r} is no WireGuard public key")
        elif key and (other := seen.setdefault(key, host.name)) != host.name:
            what = f"{host.name} and {other} have one WireGuard public key"
            yield Fault(("hosts", i, "wireguard_public_key"), what)


@rule("serial-twice", fix="read the number on the device, and correct it")
def serial_twice(fleet: Fleet) -> Iterator[Fault]:
    """The serial number is how a device in a hand or on an invoice is found; two that share one are one, or a typing
    error.
    """
    seen: dict[str, str] = {}
    for i, host in enumerate(fleet.hosts):
        serial = host.serial.strip().casefold()
        if host.kind == "device" and serial and (other := seen.setdefault(serial, host.name)) != host.name:
            yield Fault(("hosts", i, "serial"), f"{host.name} and {other} have one serial number, {host.serial!r}")


def _is_wireguard_key(text: str) -> bool:
    """Whether it is 32 bytes in base64, written in the one way that every program writes them."""
    try:
        raw = base64.b64decode(text, validate=True)
    except ValueError:  # letters that are none of ASCII, too
        return False
    return len(raw) == 32 and any(raw) and base64.b64encode(raw).decode() == text


def _is_host_key(text: str) -> bool:
    """Whether it is `type base64`, and the key says the same type of itself (RFC 4253, section 6.6)."""
    found = HOST_KEY.fullmatch(text)
    if found is None:
        return False
    try:
        blob = base64.b64decode(found["blob"], validate=True)
    except binascii.Error:
        return False
    kind = found["kind"].encode()
    says_kind = blob.startswith(len(kind).to_bytes(4, "big") + kind)
    return says_kind and (len(blob) == 51 if kind == b"ssh-ed25519" else len(blob) > 51)


@rule("context", fix="samdrift: {roles: {NAME OF A ROLE: true or false}, wave: 0 to 999, NAME OF A ROLE: {options}}")
def bad_context(fleet: Fleet) -> Iterator[Fault]:
    """What a config context says wrongly would else be taken for saying nothing."""

    def faults(data: Mapping[str, Any]) -> Iterator[tuple[Path, str]]:
        yield from ((("samdrift", *at), what) for at, what in _context_faults(data.get("samdrift", {})))

    yield from _of_contexts(fleet, faults)


@rule("context-key", fix="remove it, or move it below samdrift: nothing else is read")
def unknown_context_key(fleet: Fleet) -> Iterator[Fault]:
    """A key that nobody knows is most often one that is misspelled: it would be believed, and never be read. (Keys
    below `samdrift` are the roles': `role-section`, `role-option`.)
    """

    def faults(data: Mapping[str, Any]) -> Iterator[tuple[Path, str]]:
        yield from (((key,), f"says {key!r}, which nobody reads") for key in data if key != "samdrift")

    yield from _of_contexts(fleet, faults)


def _of_contexts(fleet: Fleet, faults: Callable[[Mapping[str, Any]], Iterator[tuple[Path, str]]]) -> Iterator[Fault]:
    """The faults of every config context, where a person wrote it; of what NetBox merged of them, only further ones."""
    shared: set[tuple[Path, str]] = set()
    for i, context in enumerate(fleet.config_contexts):
        found = list(faults(context.data))
        if context.is_active:
            shared.update(found)
        yield from (Fault(("config_contexts", i, "data", *at), f"{context.name}: {what}") for at, what in found)
    for i, host in enumerate(fleet.hosts):
        own = list(faults(host.local_context))
        further = [f for f in faults(host.context) if f not in own and f not in shared]
        for field, found in (("local_context", own), ("context", further)):
            yield from (Fault(("hosts", i, field, *at), f"{host.name}: config context {what}") for at, what in found)


def _context_faults(section: Any) -> Iterator[tuple[Path, str]]:
    if not isinstance(section, dict):
        yield (), "samdrift is no mapping"
        return
    if "roles" in section:
        yield from _roles_faults(section["roles"])
    wave = section.get("wave", 0)
    if not isinstance(wave, int) or isinstance(wave, bool) or not 0 <= wave <= HIGHEST_WAVE:
        yield ("wave",), f"samdrift.wave is no number of 0 to {HIGHEST_WAVE}"
    for key, options in section.items():
        if key not in {"roles", "wave"} and not isinstance(options, dict):
            yield (key,), f"samdrift.{key} is no mapping of options"


def _roles_faults(roles: Any) -> Iterator[tuple[Path, str]]:
    """What is wrong with `samdrift.roles`. NetBox puts a list, and an empty mapping, in place of what others say."""
    if isinstance(roles, list):
        names = dict.fromkeys(r for r in roles if isinstance(r, str) and SAMDRIFT_ROLE.fullmatch(r))
        line = ", ".join(f"{name}: true" for name in names or ["NAME OF A ROLE"])
        yield ("roles",), f"samdrift.roles is a list; write: roles: {{{line}}}"
    elif not isinstance(roles, dict):
        yield ("roles",), "samdrift.roles is no mapping of roles to true or false"
    elif not roles:
        yield ("roles",), "samdrift.roles is empty, and NetBox would take all roles away for it; write each with false"
    else:
        for name, has in roles.items():
            if not SAMDRIFT_ROLE.fullmatch(name):
                yield ("roles",), f"samdrift.roles has {_cut(repr(name))}, which is no name of a role"
            elif not isinstance(has, bool):
                yield ("roles", name), f"samdrift.roles.{name} is neither true nor false"


# Words


def _near(word: str, known: set[str]) -> str:
    near = get_close_matches(word, sorted(known), n=1)
    return f", but there is {near[0]!r}" if near else ""


def _cut(text: str) -> str:
    return text if len(text) <= 40 else text[:37] + "..."
