"""Which hosts stand in for each other, so that they are never changed together. Pure.

Hosts of a role that says so (`REDUNDANT`), those that share an address by NetBox's FHRP groups, and those that a person
put together in their config contexts (`samdrift.pair`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping

from inventory.fleet import Fleet, Host
from roles.shared.catalogue import known_roles


def redundant_groups(fleet: Fleet) -> Mapping[str, frozenset[str]]:
    """Return host name to the groups that it is one of; a group of one stands in for nobody, and is none."""
    members: dict[str, set[str]] = defaultdict(set)
    for host in fleet.hosts:
        for group in _groups(host) if host.is_managed else ():
            members[group].add(host.name)
    found: dict[str, set[str]] = defaultdict(set)
    for group, names in members.items():
        for name in names if len(names) > 1 else ():
            found[name].add(group)
    return {name: frozenset(groups) for name, groups in found.items()}


def _groups(host: Host) -> Iterator[str]:
    """Yield what the host may have in common with those that it stands in for."""
    for role in known_roles(host):
        if role.redundant:
            yield f"role {role.name}" if role.redundant == "fleet" else f"role {role.name}, {host.site}"
    for interface in host.interfaces:
        for shared in interface.shared_addresses:
            yield f"address {interface.vrf} {shared.address.ip}"
    if pair := host.samdrift.get("pair"):
        yield f"pair {pair}"
