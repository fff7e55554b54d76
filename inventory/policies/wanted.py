"""Wanted: what policies are asked about, the hosts as they are to be. Values, and who is meant by which words.

Not here: where it comes from (`deploy.review.policies`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from ipaddress import ip_interface, ip_network

from inventory.frozen import Frozen
from inventory.network import Network


class WhichHosts(Frozen):
    """Hosts, by what all of these say of them; one that says nothing says it of all."""

    names: tuple[str, ...] = ()
    municipalities: tuple[str, ...] = ()
    device_roles: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    but: tuple[str, ...] = ()

    def takes(self, host: WantedHost) -> bool:
        """Tell whether a host is one of them."""
        if any(fnmatchcase(host.name, pattern) for pattern in self.but):
            return False
        asked: tuple[tuple[Collection[str], Collection[str]], ...] = (
            (self.municipalities, (host.municipality,)),
            (self.device_roles, (host.device_role,)),
            (self.roles, host.roles),
            (self.tags, host.tags),
            (self.kinds, (host.kind,)),
        )
        named = not self.names or any(fnmatchcase(host.name, pattern) for pattern in self.names)
        return named and all(not words or set(words) & set(has) for words, has in asked)


@dataclass(frozen=True)
class LetIn:
    """Traffic that a host lets in, or through (then it has destinations, and maybe an interface that it leaves by)."""

    sources: tuple[Network, ...]
    protocol: str = ""
    port: int | None = None
    why: str = ""
    destinations: tuple[Network, ...] = ()
    leaves_by: str = ""

    @property
    def service(self) -> str:
        """Return what it lets be used, in a word."""
        what = self.protocol or "everything"
        return f"{what}/{self.port}" if self.port is not None else what


@dataclass(frozen=True)
class WantedNetwork:
    """A network of the inventory."""

    network: Network
    municipality: str = ""
    site: str = ""
    described: str = ""
    vlan: str = ""


@dataclass(frozen=True)
class WantedHost:
    """A managed host as it is to be.

    Attributes:
        lets_in, lets_through: None where no role of it says so.
        files: by path, what tells its text; nothing is read before it is asked for.
        groups: by account, the groups that it is in beside its own.
        approvals: how many a change of it needs.
        changes: whether a review says that it changes; `unguarded` are the steps of that which could cut it off.
    """

    name: str
    municipality: str = ""
    site: str = ""
    device_role: str = ""
    platform: str = ""
    kind: str = ""
    tags: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()
    lets_in: tuple[LetIn, ...] | None = None
    lets_through: tuple[LetIn, ...] | None = None
    files: Mapping[str, Callable[[], str]] = field(default_factory=dict)
    packages: frozenset[str] = frozenset()
    groups: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    approvals: int = 0
    changes: bool = False
    unguarded: tuple[str, ...] = ()


@dataclass(frozen=True)
class Wanted:
    """Every managed host as it is to be, and the networks of the inventory."""

    hosts: tuple[WantedHost, ...]
    networks: tuple[WantedNetwork, ...] = ()

    def of(self, which: WhichHosts) -> Iterator[WantedHost]:
        """Yield the hosts that are meant."""
        return (host for host in self.hosts if which.takes(host))

    def called(self, words: Collection[str]) -> tuple[Network, ...]:
        """Return the networks that words mean: a network or address, a host, or what a prefix or VLAN is called (a
        pattern, `*` for any letters).

        Raises:
            LookupError: one means nothing here. It is not taken for nobody: a typing error would let everybody pass.
        """
        return tuple(network for word in words for network in self._called(word))

    def _called(self, word: str) -> tuple[Network, ...]:
        try:
            return (ip_network(word),)
        except ValueError:
            pass
        hosts = [h for h in self.hosts if fnmatchcase(h.name, word)]
        found = [ip_network(ip_interface(address).ip) for host in hosts for address in host.addresses]
        named = (n.network for n in self.networks if fnmatchcase(n.described, word) or fnmatchcase(n.vlan, word))
        found += named
        if not found:
            raise LookupError(f"no network, host, prefix or VLAN is called {word!r}")
        return tuple(found)


def overlap(some: Collection[Network], others: Collection[Network]) -> bool:
    """Tell whether networks have an address in common."""
    return any(a.version == b.version and a.overlaps(b) for a in some for b in others)


def beyond(some: Collection[Network], allowed: Collection[Network]) -> tuple[Network, ...]:
    """Return those networks that are not within the allowed ones."""
    return tuple(
        n
        for n in some
        if not any(n.version == a.version and n.subnet_of(a) for a in allowed)  # type: ignore[arg-type]
    )


def matches(pattern: str, text: str) -> bool:
    """Tell whether a line of a text matches a pattern."""
    return re.search(pattern, text, re.MULTILINE) is not None
