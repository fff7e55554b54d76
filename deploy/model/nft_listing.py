"""Read a ruleset as nft lists it, as far as it is of the form that samdrift's own have. Pure.

What is there before a change, nobody here declared: it is known by its text alone. A rule of another form is not
guessed at; it is kept as it is, for people to read. Not here: what changes between two (`openings`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from ipaddress import ip_address, ip_network, summarize_address_range
from typing import Any, Literal

from inventory.network import Network
from roles.shared.filtering import Rule
from roles.shared.traffic import ANYWHERE4, ANYWHERE6, networks

TABLE = "table inet samdrift"
Chain = Literal["input", "forward"]
CHAINS: tuple[Chain, ...] = ("input", "forward")

ENDS = re.compile(r"ip6? (?P<end>saddr|daddr) (?:\{ (?P<set>[^{}]*) \}|(?P<one>[0-9a-fA-F.:/-]+)) ?")
FAMILY = re.compile(r"meta nfproto ipv(?P<family>[46]) ?")
PORT = re.compile(r"(?P<protocol>tcp|udp|th) dport (?P<port>[0-9]+) ?")
PROTOCOL = re.compile(r"meta l4proto (?P<l4>icmp|ipv6-icmp|tcp|udp|vrrp|112|\{ tcp, udp \}) ?")
PING = re.compile(r"(?P<ping>icmp|icmpv6) type echo-request ?")
RATE = re.compile(r"limit rate [0-9]+/[a-z]+(?: burst [0-9]+ packets)? ?")
INTERFACE = re.compile(r'oifname "(?P<interface>[^"]*)" ?')
ACCEPT = re.compile(r'accept(?: comment "(?P<why>[^"]*)")?')
PARTS = (ENDS, FAMILY, PORT, PROTOCOL, PING, RATE, INTERFACE)
PROTOCOLS = {"icmp": "icmp", "ipv6-icmp": "icmp", "tcp": "tcp", "udp": "udp", "vrrp": "vrrp", "112": "vrrp"}


@dataclass(frozen=True)
class Listing:
    """What a ruleset lets in and through, and the lines of it that are of another form, each with its place.

    `drops` are the chains that drop what none of their rules accepts.
    """

    lets_in: tuple[Rule, ...] = ()
    lets_through: tuple[Rule, ...] = ()
    unread: tuple[str, ...] = ()
    drops: frozenset[str] = frozenset()

    @property
    def is_empty(self) -> bool:
        """Tell whether there is no rule at all, so that nothing is filtered."""
        return not (self.lets_in or self.lets_through or self.unread or self.drops)

    @property
    def drops_the_rest(self) -> bool:
        """Tell whether nothing comes in or through but what its rules accept."""
        return self.drops >= {*CHAINS}


def listing(text: str) -> Listing:
    """Read a ruleset."""
    rules: dict[str, list[Rule]] = {chain: [] for chain in CHAINS}
    unread = []
    drops = set()
    for table, chain, line in _lines(text):
        if table == TABLE and chain in rules and (read := _rules(line)) is not None:
            rules[chain].extend(read)
        elif table == TABLE and re.fullmatch(rf"type filter hook {chain} priority (filter|0); policy drop;", line):
            drops.add(chain)
        else:
            unread.append(f"{table} {chain}: {line}" if chain else f"{table}: {line}")
    return Listing(tuple(rules["input"]), tuple(rules["forward"]), tuple(unread), frozenset(drops))


def _lines(text: str) -> Iterator[tuple[str, str, str]]:
    """Yield each line with its table and chain; a set that stands on several lines is one."""
    table = chain = held = ""
    for line in text.splitlines():
        held = f"{held} {line.strip()}".strip()
        if held.startswith("#") or held == "flush ruleset" or not held:
            held = ""
        elif not table and held.endswith("{"):
            table, held = held[:-1].strip(), ""
        elif table and not chain and held.endswith("{"):
            chain, held = held[:-1].strip().removeprefix("chain "), ""
        elif held == "}":
            table, chain, held = (table, "", "") if chain else ("", "", "")
        elif (plain := re.sub(r'"[^"]*"', "", held)).count("{") <= plain.count("}"):
            yield table, chain, held
            held = ""


def _rules(line: str) -> tuple[Rule, ...] | None:
    """Return what a rule accepts, once for each family that it is about; None if it is of another form."""
    found: dict[str, Any] = {}
    ends: dict[str, tuple[Network, ...]] = {}
    rest = line
    while match := next((m for part in PARTS if (m := part.match(rest))), None):
        groups = {k: v for k, v in match.groupdict().items() if v is not None}
        if "end" in groups:
            addresses = _networks(groups.get("set") or groups.get("one", ""))
            if groups["end"] in ends or not addresses:
                return None
            ends[groups["end"]] = addresses
        elif found.keys() & groups.keys():
            return None
        found |= groups
        rest = rest[match.end() :]
    accepts = ACCEPT.fullmatch(rest)
    if accepts is None:
        return None
    families = {int(found["family"])} if "family" in found else {n.version for of in ends.values() for n in of}
    if {"icmp": {4}, "icmpv6": {6}}.get(found.get("ping", ""), families) != families and families:
        return None
    return tuple(_rule(found, ends, version, line, accepts["why"] or "") for version in sorted(families or {4, 6}))


def _rule(found: dict[str, Any], ends: dict[str, tuple[Network, ...]], version: int, line: str, why: str) -> Rule:
    anywhere = (ANYWHERE4 if version == 4 else ANYWHERE6,)
    protocol = "icmp" if "ping" in found else found.get("protocol") or PROTOCOLS.get(found.get("l4", ""))
    return Rule.model_validate(
        {
            "sources": ends.get("saddr", anywhere),
            "destinations": ends.get("daddr", anywhere),
            "protocol": None if protocol == "th" else protocol,
            "port": int(found["port"]) if "port" in found else None,
            "leaves_by": found.get("interface", ""),
            "text": line,
            "why": why,
        }
    )


def _networks(text: str) -> tuple[Network, ...]:
    """Return the networks of a set; none if any of it is no address, network or range."""
    try:
        return networks(n for part in text.split(",") for n in _part(part.strip()))
    except (ValueError, TypeError):
        return ()


def _part(text: str) -> Iterable[Network]:
    first, dash, last = text.partition("-")
    if dash:
        return summarize_address_range(ip_address(first), ip_address(last))
    return (ip_network(text),)
