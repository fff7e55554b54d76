"""What a person means by FROM and TO: a host, an address, a network, a municipality, the internet, anybody. Pure.

    tie-care1                     a host
    10.63.10.20, 2001:db8::20     an address, whoever has it
    10.63.10.0/24                 a network: cut along the fleet's prefixes
    heby, "Personal Heby"         a municipality or site, by slug or name, or a prefix by its description
    internet, any                 what is in no prefix of the fleet; every prefix, and that

A port stands behind a colon, as in `tie-care1:443` (TCP), `tie-dns1:udp/53`, `heb-gw1:ping`, `[2001:db8::20]:443`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from ipaddress import ip_network

from inventory.errors import UsageError
from inventory.fleet import Fleet, Host
from inventory.network import Network, Prefix
from roles.shared.filtering import Service, common, without
from roles.shared.traffic import ANYWHERE, networks

ANYBODY, INTERNET = "any", "internet"
PING = ("ping", "icmp")
WAYS_TO_SAY_IT = "a host, an address, a network, a municipality, a site, a prefix' description, internet or any"


@dataclass(frozen=True)
class End:
    """One end of a way: a host (at which address depends on the other end), or networks of one prefix, or outside."""

    called: str
    host: Host | None = None
    networks: tuple[Network, ...] = ()
    prefix: Prefix | None = None


def sources(text: str, fleet: Fleet) -> tuple[End, ...]:
    """Return who FROM means.

    Raises:
        UsageError: nobody here is called so.
    """
    if text == ANYBODY:
        return (
            *(end for p in fleet.prefixes if not p.vrf for end in _parts(p.prefix, fleet)),
            *_outside(ANYWHERE, fleet),
        )
    if text == INTERNET:
        return _outside(ANYWHERE, fleet)
    if (network := _network(text)) is not None:
        holder = _holder(network, fleet)
        ends = tuple(_cut(network, fleet))
        return tuple(End(e.called, holder, e.networks, e.prefix) for e in ends) if holder else ends
    if (host := _host(text, fleet)) is not None:
        return (End(host.name, host),)
    if prefixes := _prefixes(text, fleet):
        return tuple(end for p in prefixes for end in _parts(p.prefix, fleet))
    raise _unknown(text, fleet, "FROM")


def destinations(text: str, fleet: Fleet) -> tuple[End, ...]:
    """Return what TO means, without its port: hosts, each at the address that the other end reaches it at, or others.

    Raises:
        UsageError: nothing here is called so, or no host of the inventory is there.
    """
    if text == ANYBODY:
        return tuple(End(h.name, h) for h in fleet.hosts)
    if text == INTERNET:
        return (End(INTERNET, networks=ANYWHERE),)
    if (network := _network(text)) is not None and network.num_addresses == 1:
        return (End(str(network.network_address), _holder(network, fleet), (network,)),)
    slugs = _slugs(text, fleet)
    hosts = tuple(h for h in fleet.hosts if _fold(h.name) == _fold(text) or {h.tenant, h.site} & slugs)
    if hosts:
        return tuple(End(h.name, h) for h in hosts)
    if there := (network,) if network is not None else tuple(p.prefix for p in _prefixes(text, fleet)):
        return _hosts_in(there, fleet, text)
    raise _unknown(text, fleet, "TO")


def split_port(text: str) -> tuple[str, Service | None]:
    """Return TO without its port, and what that means; None if it has none.

    Raises:
        UsageError: what stands behind the colon is no port.
    """
    if bracketed := re.fullmatch(r"\[([^\]]*)\](?::(.*))?", text):
        name, port = bracketed[1], bracketed[2]
    elif _network(text) is not None or ":" not in text:
        return text, None
    else:
        name, _, port = text.rpartition(":")
    return name, None if port is None else _service(port)


def _service(text: str) -> Service:
    if text in PING:
        return Service(protocol="icmp")
    found = re.fullmatch(r"(?:(tcp|udp)/)?([1-9][0-9]{0,4})", text)
    if found is None or int(found[2]) > 65535:
        raise UsageError(f"{text!r} is no port", where="TO", fix="write it as 443, tcp/443, udp/53 or ping")
    return Service(protocol="udp" if found[1] == "udp" else "tcp", port=int(found[2]))


def _network(text: str) -> Network | None:
    """Return the address or network that a text is; None if it is none, or has bits set behind its length."""
    try:
        return ip_network(text)
    except ValueError:
        if re.fullmatch(r"[0-9a-fA-F.:]+/[0-9]+", text):
            try:
                whole = ip_network(text, strict=False)
            except ValueError:
                return None
            raise UsageError(f"{text} is an address in {whole}, and no network", fix=f"write {whole}") from None
        return None


def _holder(network: Network, fleet: Fleet) -> Host | None:
    one = network.network_address if network.num_addresses == 1 else None
    return next((h for h in fleet.hosts if any(a.ip == one for a in h.addresses)), None)


def _host(text: str, fleet: Fleet) -> Host | None:
    return next((h for h in fleet.hosts if _fold(h.name) == _fold(text)), None)


def _slugs(text: str, fleet: Fleet) -> set[str]:
    """Return the slugs of the municipalities and sites that are called so."""
    return {slug for slug, name in _called(fleet) if _fold(text) in {_fold(slug), _fold(name)}}


def _called(fleet: Fleet) -> tuple[tuple[str, str], ...]:
    """Return slug and name of every municipality and site."""
    return (*((t.slug, t.name) for t in fleet.tenants), *((s.slug, s.name) for s in fleet.sites))


def _prefixes(text: str, fleet: Fleet) -> tuple[Prefix, ...]:
    """Return the prefixes of a municipality or site, or those that are described so."""
    slugs = _slugs(text, fleet)
    sites = {s.slug for s in fleet.sites if {s.slug, s.tenant} & slugs}
    return tuple(p for p in fleet.prefixes if not p.vrf and (p.site in sites or _fold(p.description) == _fold(text)))


def _hosts_in(of: Iterable[Network], fleet: Fleet, text: str) -> tuple[End, ...]:
    there = networks(of)
    held = ((h, ip_network(a.ip)) for h in fleet.hosts for a in h.addresses)
    found = tuple(End(h.name, h, (n,)) for h, n in held if common((n,), there))
    if not found:
        fix = "name an address in it, to be told the way to there"
        raise UsageError("no host of the inventory is there", where=f"TO {text!r}", fix=fix)
    return found


def _cut(network: Network, fleet: Fleet) -> Iterator[End]:
    """Yield the parts of a network that lie in a prefix each, and what is in none."""
    yield from _parts(network, fleet)
    yield from _outside((network,), fleet)


def _parts(network: Network, fleet: Fleet) -> Iterator[End]:
    """Yield the parts of a network, each in the longest prefix that holds it."""
    own = [
        p for p in fleet.prefixes if not p.vrf and p.prefix.version == network.version and p.prefix.overlaps(network)
    ]
    for prefix in own:
        longer = (p.prefix for p in own if p.prefix.prefixlen > prefix.prefix.prefixlen)
        part = without(common((network,), (prefix.prefix,)), longer)
        if part:
            yield End(prefix.description or str(prefix.prefix), None, part, prefix)


def _outside(of: Iterable[Network], fleet: Fleet) -> tuple[End, ...]:
    rest = without(of, (p.prefix for p in fleet.prefixes if not p.vrf))
    families = (tuple(n for n in rest if n.version == version) for version in (4, 6))
    return tuple(End(INTERNET, None, part) for part in families if part)


def _unknown(text: str, fleet: Fleet, where: str) -> UsageError:
    named = {h.name for h in fleet.hosts} | {slug for slug, _ in _called(fleet)}
    described = {p.description for p in fleet.prefixes if p.description}
    near = get_close_matches(_fold(text), sorted(named | described), n=2)
    fix = f"did you mean {' or '.join(near)}?" if near else f"write {WAYS_TO_SAY_IT}"
    return UsageError(f"nothing in the inventory is called {text!r}", where=where, fix=fix)


def _fold(text: str) -> str:
    return unicodedata.normalize("NFC", text).casefold()
