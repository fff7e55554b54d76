"""What the parts of a fleet are, and by what those of each are known and sorted.

Not here: what a part is made of (`organisation.py`, `network.py`, `fleet.py`), and the sorting (`order.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from ipaddress import IPv4Network, IPv6Network
from typing import Any

from inventory.network import Address, Network


def address_key(value: Address | Network) -> tuple[int, int, int]:
    """Return what addresses and prefixes of both families are sorted by: IPv4 first."""
    if isinstance(value, _NETWORKS):
        return value.version, int(value.network_address), value.prefixlen
    return value.version, int(value), value.max_prefixlen


_NETWORKS = (IPv4Network, IPv6Network)


KEYS: Mapping[str, Callable[[Any], Any]] = {
    "regions": lambda x: x.slug,
    "site_groups": lambda x: x.slug,
    "tenant_groups": lambda x: x.slug,
    "tenants": lambda x: x.slug,
    "sites": lambda x: x.slug,
    "locations": lambda x: x.key,
    "platforms": lambda x: x.slug,
    "device_roles": lambda x: x.slug,
    "manufacturers": lambda x: x.slug,
    "device_types": lambda x: x.slug,
    "cluster_types": lambda x: x.slug,
    "cluster_groups": lambda x: x.slug,
    "clusters": lambda x: x.slug,
    "tags": lambda x: x.slug,
    "vrfs": lambda x: (x.name, x.rd or ""),
    "vlan_groups": lambda x: x.slug,
    "vlans": lambda x: (x.site or "", x.group or "", x.vid),
    "prefixes": lambda x: (address_key(x.prefix), x.vrf, x.scope),
    "ranges": lambda x: (address_key(x.start), address_key(x.end), x.vrf),
    "config_contexts": lambda x: (x.weight, x.name),
    "hosts": lambda x: x.name,
    "cables": lambda x: (x.a, x.b),
}
"""Every part of a fleet, and what its members are sorted by."""
