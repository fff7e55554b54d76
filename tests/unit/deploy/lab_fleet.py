"""A small fleet with a lab in it: a central gateway, a cache, two sites' gateways, and a management station."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Interface, IPv4Network

from inventory.fleet import Fleet, Host, Interface
from inventory.network import Prefix
from inventory.organisation import Site

DATAHALL, HEBY = "tierp-datahall", "heby-kommunhus"


CACHE = {"package_cache": {"archives": ["http://mirror.example/debian"]}}


def host(name: str, *wires: tuple[str, str], roles: tuple[str, ...] = ("base",), **fields: object) -> Host:
    """A lab host with an interface for each (name, address), the first of them its primary one."""
    interfaces = tuple(Interface(name=n, addresses=(IPv4Interface(a),)) for n, a in wires)
    data: dict[str, object] = {
        "name": name,
        "kind": "vm",
        "tenant": "tierp",
        "site": DATAHALL,
        "role": "server",
        "platform": "debian-13",
        "tags": ("lab",),
        "interfaces": interfaces,
        "primary_address": interfaces[0].addresses[0].ip,
        "context": {"samdrift": {"roles": dict.fromkeys(roles, True), **(CACHE if "package_cache" in roles else {})}},
    }
    return Host.model_validate(data | fields)


def prefix(network: str, gateway: str, site: str | None = DATAHALL) -> Prefix:
    """A prefix of a site, or of the region."""
    region = None if site else "norra-uppland"
    return Prefix(prefix=IPv4Network(network), gateway=IPv4Address(gateway), site=site, region=region)


def lab_fleet(*more: Host) -> Fleet:
    """The small fleet, and more hosts."""
    hosts = (
        host("tie-adm1", ("eth0", "10.60.10.250/24"), ("eth1", "10.59.0.250/24"), role="management-station", tags=()),
        host("tie-gw1", ("wan0", "10.59.0.1/24"), ("ext0", "10.59.255.2/30"), ("srv0", "10.60.10.1/24")),
        host("tie-cache1", ("eth0", "10.60.10.15/24"), roles=("base", "package_cache")),
        host("heb-gw1", ("wan0", "10.59.0.63/24"), ("lan0", "10.63.10.1/24"), site=HEBY),
        *more,
    )
    prefixes = (
        prefix("10.59.0.0/24", "10.59.0.1", site=None),
        prefix("10.59.255.0/30", "10.59.255.1"),
        prefix("10.60.10.0/24", "10.60.10.1"),
        prefix("10.63.10.0/24", "10.63.10.1", site=HEBY),
    )
    sites = tuple(Site(slug=slug, name=slug, tenant="tierp", region="norra-uppland") for slug in (HEBY, DATAHALL))
    return Fleet(sites=sites, hosts=tuple(sorted(hosts, key=lambda h: h.name)), prefixes=prefixes)
