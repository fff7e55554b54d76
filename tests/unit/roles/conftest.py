"""A small fleet that has one of everything the roles distinguish: two sites, several addresses, a CLI device."""

from __future__ import annotations

from ipaddress import IPv4Interface, IPv4Network

import pytest

from inventory.fleet import Fleet, Host, Interface
from inventory.network import Prefix
from inventory.organisation import DeviceRole, Platform, Region, Site, Tenant

CACHE = {"package_cache": {"archives": ["http://mirror.example/debian"]}}


def host(name: str, *addresses: str, roles: tuple[str, ...] = (), platform: str = "debian-13") -> Host:
    """A host in Tierp, or in Älvkarleby if its name says so, with an address on each of its interfaces."""
    municipality, site = ("alvkarleby", "kommunhus") if name.startswith("alv-") else ("tierp", "datahall")
    interfaces = tuple(
        Interface(name=f"eth{number}", addresses=(IPv4Interface(a),)) for number, a in enumerate(addresses)
    )
    return Host(
        name=name,
        kind="vm",
        tenant=municipality,
        site=f"{municipality}-{site}",
        role="server",
        platform=platform,
        interfaces=interfaces,
        primary_address=interfaces[0].addresses[0].ip if interfaces else None,
        context={"samdrift": {"roles": dict.fromkeys(roles, True)} | (CACHE if "package_cache" in roles else {})},
    )


@pytest.fixture
def small_fleet() -> Fleet:
    """Six hosts, of which one has two addresses and one speaks a CLI."""
    return Fleet(
        regions=(Region(slug="norra-uppland", name="Norra Uppland"),),
        tenants=(Tenant(slug="alvkarleby", name="Älvkarleby"), Tenant(slug="tierp", name="Tierp")),
        sites=(
            Site(slug="alvkarleby-kommunhus", name="Kommunhuset", tenant="alvkarleby", region="norra-uppland"),
            Site(slug="tierp-datahall", name="Datahallen", tenant="tierp", region="norra-uppland"),
        ),
        platforms=(
            Platform(slug="cisco-ios", name="Cisco IOS", family="cli"),
            Platform(slug="debian-13", name="Debian 13", family="debian"),
        ),
        device_roles=(DeviceRole(slug="server", name="Server"),),
        prefixes=(
            Prefix(prefix=IPv4Network("10.59.0.0/24"), region="norra-uppland"),
            Prefix(prefix=IPv4Network("10.59.255.0/30"), site="tierp-datahall"),
            Prefix(prefix=IPv4Network("10.60.10.0/24"), site="tierp-datahall"),
            Prefix(prefix=IPv4Network("10.61.1.0/24"), site="alvkarleby-kommunhus"),
        ),
        hosts=(
            host("alv-gw1", "10.59.0.61/24", "10.61.1.1/24", roles=("log_client",)),
            host("alv-sw1", "10.61.1.10/24", platform="cisco-ios"),
            host("tie-cache1", "10.60.10.15/24", roles=("log_client", "package_cache")),
            host("tie-dns1", "10.60.10.11/24", roles=("log_client", "dns_resolver")),
            host("tie-dns2", "10.60.10.12/24", roles=("log_client", "dns_resolver")),
            host("tie-log1", "10.60.10.13/24", roles=("log_server",)),
        ),
    )
