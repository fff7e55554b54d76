"""The small fleet with a gateway in Älvkarleby that a range, a cable and clients are behind."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network

from inventory.fleet import Fleet
from inventory.network import Cable, Prefix, Range
from inventory.order import in_order

STAFF = IPv4Network("10.61.10.0/24")


def with_gateway(small: Fleet, *roles: str) -> Fleet:
    """alv-gw1 with these roles, as the router of a prefix for staff with two ranges, cabled to its switch."""
    gateway, switch = small.host("alv-gw1"), small.host("alv-sw1")
    wan, lan = gateway.interfaces
    lan = lan.model_copy(update={"name": "lan0", "addresses": (*lan.addresses, "10.61.10.1/24")})
    changed = gateway.model_dump() | {
        "kind": "device",
        "description": 'Gateway "one"; of\tÄlvkarleby',
        "interfaces": [
            wan.model_dump(),
            lan.model_dump(),
            {"name": "tun0", "type": "virtual"},
            {"name": "off0", "enabled": False},
        ],
        "context": {"samdrift": {"roles": dict.fromkeys(roles, True)}},
    }
    others = [h.model_dump() for h in small.hosts if h.name not in {"alv-gw1", "alv-sw1"}]
    data = small.model_dump() | {
        "prefixes": [
            *(p.model_dump() for p in small.prefixes),
            Prefix(prefix=STAFF, site="alvkarleby-kommunhus", gateway=IPv4Address("10.61.10.1")).model_dump(),
        ],
        "ranges": [
            Range(start=IPv4Address("10.61.10.20"), end=IPv4Address("10.61.10.29")).model_dump(),
            Range(start=IPv4Address("10.61.10.100"), end=IPv4Address("10.61.10.199")).model_dump(),
        ],
        "hosts": [changed, switch.model_dump() | {"kind": "device"}, *others],
        "cables": [Cable(a="alv-gw1:lan0", b="alv-sw1:eth0").model_dump()],
    }
    return in_order(Fleet.model_validate(data))
