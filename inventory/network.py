"""Addresses, prefixes, VLANs and links, of both families. Shapes and names are NetBox's own.

What NetBox can scope to anything has one field for each kind of scope, of which one is set at most. Not here: which
host has what (`fleet.py`).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import cached_property
from ipaddress import (
    IPv4Address,
    IPv4Interface,
    IPv4Network,
    IPv6Address,
    IPv6Interface,
    IPv6Network,
    ip_address,
    ip_interface,
    ip_network,
)
from typing import Annotated, Literal

from pydantic import Field, PlainSerializer, PlainValidator

from inventory.frozen import Frozen


def _address(value: object) -> IPv4Address | IPv6Address:
    return value if isinstance(value, IPv4Address | IPv6Address) else ip_address(_text(value))


def _interface_address(value: object) -> IPv4Interface | IPv6Interface:
    if isinstance(value, IPv4Interface | IPv6Interface):
        return value
    text = _text(value)
    address, slash, length = text.partition("/")
    try:  # most are like this, and the text of the address is parsed once then instead of twice
        return IPv4Interface((int(IPv4Address(address)), length if slash else 32))
    except ValueError:
        return ip_interface(text)


def _network(value: object) -> IPv4Network | IPv6Network:
    return value if isinstance(value, IPv4Network | IPv6Network) else ip_network(_text(value))


def _text(value: object) -> str:
    """Refuse what Python would take for an address, too: a number, bytes, and a zone, which only one host knows."""
    if not isinstance(value, str) or "%" in value:
        raise ValueError(f"{value!r} is no address of IPv4 or IPv6")
    return value


Address = Annotated[
    IPv4Address | IPv6Address, PlainValidator(_address), PlainSerializer(str, return_type=str, when_used="json")
]
InterfaceAddress = Annotated[
    IPv4Interface | IPv6Interface,
    PlainValidator(_interface_address),
    PlainSerializer(str, return_type=str, when_used="json"),
]
"""An address with the length of its prefix."""
Network = Annotated[
    IPv4Network | IPv6Network, PlainValidator(_network), PlainSerializer(str, return_type=str, when_used="json")
]


class Vrf(Frozen):
    """A VRF: a routing table of its own. One address in two VRFs is two addresses; empty is the global table."""

    name: str
    rd: str | None = Field(default=None, description="route distinguisher (RFC 4364)")
    description: str = ""


class Scoped(Frozen):
    """What belongs to one place: a `site`, a part of one (`location`, written `site/slug`), or all sites of a `region`
    or `site_group`, those below included. Without any, it belongs to all sites.
    """

    @cached_property
    def scope(self) -> tuple[str, str]:
        """Return the kind of place and its slug; two empty texts for everywhere."""
        return next(((kind, slug) for kind in SCOPES if (slug := getattr(self, kind)) is not None), ("", ""))


SCOPES = ("site", "location", "region", "site_group")
"""The kinds of places that something can be scoped to."""


class VlanGroup(Scoped):
    """A VLAN group: VLAN numbers mean one thing in it."""

    slug: str
    name: str
    site: str | None = None
    location: str | None = None
    region: str | None = None
    site_group: str | None = None


class Vlan(Frozen):
    """A VLAN: of a site, or of a group and so of every place that the group is for. `role` is a role's slug."""

    vid: int = Field(ge=1, le=4094)
    name: str
    site: str | None = None
    group: str | None = None
    role: str | None = None

    @property
    def name_on_devices(self) -> str:
        """Return the name as one word, which every vendor takes; the number if nothing is left of the name."""
        plain = unicodedata.normalize("NFKD", self.name).encode("ascii", "ignore").decode()
        return re.sub(r"[^A-Za-z0-9]+", "-", plain).strip("-")[:32].strip("-") or f"vlan-{self.vid}"


class Prefix(Scoped):
    """A prefix of either family.

    Attributes:
        vlan: number of the VLAN that it is used on.
        gateway: custom field: the router's address in it.
    """

    prefix: Network
    vrf: str = ""
    description: str = ""
    site: str | None = None
    location: str | None = None
    region: str | None = None
    site_group: str | None = None
    vlan: int | None = None
    gateway: Address | None = None


class Nearest:
    """Finds the longest prefix of a VRF that holds an address, among these; of equal ones, the first."""

    def __init__(self, prefixes: Iterable[Prefix]) -> None:
        found: dict[tuple[str, int], dict[int, dict[int, Prefix]]] = {}
        for prefix in prefixes:
            network = prefix.prefix
            rest = network.max_prefixlen - network.prefixlen
            alike = found.setdefault((prefix.vrf, network.version), {}).setdefault(rest, {})
            alike.setdefault(int(network.network_address) >> rest, prefix)
        self._longest_first = {of: sorted(by_rest.items(), key=lambda one: one[0]) for of, by_rest in found.items()}

    def of(self, address: Address | InterfaceAddress, vrf: str) -> Prefix | None:
        """Return the prefix; None if none holds the address."""
        for rest, prefixes in self._longest_first.get((vrf, address.version), ()):
            if (found := prefixes.get(int(address) >> rest)) is not None:
                return found
        return None


class Range(Frozen):
    """Addresses of a prefix, from `start` to `end` inclusive, that are lent out: a DHCP pool of the prefix."""

    start: Address
    end: Address
    vrf: str = ""
    description: str = ""


class Cable(Frozen):
    """A link between two devices' interfaces, each `host:interface`: one cable, or several by way of patch panels."""

    a: str
    b: str


def networks4(prefixes: Iterable[Prefix]) -> tuple[IPv4Network, ...]:
    """Return the IPv4 networks among these prefixes, in their order."""
    return tuple(p.prefix for p in prefixes if isinstance(p.prefix, IPv4Network))


SharedRole = Literal["anycast", "vip", "vrrp", "hsrp", "glbp", "carp"]


class SharedAddress(Frozen):
    """An address that several interfaces hold in turn or at once: no duplicate, and not configured as an own one."""

    address: InterfaceAddress
    role: SharedRole
