"""What of a text is another municipality's, and is not told: names of its hosts, and addresses. Pure.

Hosts that all share (tag `shared`) are nobody's secret. Whoever is to be told nothing of others may still be told by a
finding of his own host that something is there: it stands as «another municipality's».
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

from inventory.fleet import Host

SHARED = "shared"
HIDDEN = "«…»"
"""What stands for a name or an address of another municipality's."""

ADDRESS = re.compile(
    r"(?<![0-9.])(?:[0-9]{1,3}\.){3}[0-9]{1,3}(?![0-9])|(?<![0-9A-Za-z:.])(?:[0-9A-Fa-f]{0,4}:){2,7}[0-9A-Fa-f.]*"
)

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network


class Others:
    """What is other municipalities' alone, as against one's."""

    def __init__(self, municipality: str, hosts: Iterable[Host]) -> None:
        known = tuple(hosts)
        own = [h for h in known if h.tenant == municipality or SHARED in h.tags]
        others = [h for h in known if not (h.tenant == municipality or SHARED in h.tags)]
        self._names = frozenset(h.name.lower() for h in others) - {h.name.lower() for h in own}
        self._addresses = _addresses(others) - _addresses(own)
        self._networks = _networks(others) - _networks(own)
        names = sorted((h.name for h in known), key=len, reverse=True)
        one_of = "|".join(map(re.escape, names))
        self._name = re.compile(rf"(?<![A-Za-z0-9])(?:{one_of})(?![A-Za-z0-9])" if names else r"(?!)", re.IGNORECASE)

    def hidden(self, text: str) -> str:
        """Return a text without what is others'."""
        return ADDRESS.sub(self._address, self._name.sub(self._named, text))

    def _named(self, found: re.Match[str]) -> str:
        return HIDDEN if found[0].lower() in self._names else found[0]

    def _address(self, found: re.Match[str]) -> str:
        try:
            address = ip_address(found[0].rstrip(":.") if "::" not in found[0][-2:] else found[0])
        except ValueError:
            return found[0]
        mapped = getattr(address, "ipv4_mapped", None) or address
        is_others = mapped in self._addresses or any(mapped in network for network in self._networks)
        return HIDDEN if is_others else found[0]


def _addresses(hosts: Iterable[Host]) -> set[Address]:
    found: set[Address] = set()
    for host in hosts:
        found |= {a.ip for interface in host.interfaces for a in interface.all_addresses}
        named = (host.primary_address, host.primary_address6, host.oob_address)
        found |= {address for address in named if address is not None}
    return found


def _networks(hosts: Iterable[Host]) -> set[Network]:
    return {a.network for host in hosts for interface in host.interfaces for a in interface.all_addresses}
