"""A fleet as large as one organisation's may become: 2,000 devices, 200 virtual machines, sound by every rule.

Built from the shipped snapshot's places, roles and types, so that it differs from the real fleet in its size alone.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from ipaddress import IPv4Address, IPv4Interface, IPv4Network
from typing import Any

from inventory import snapshot
from inventory.fleet import Fleet, Host, Interface
from inventory.network import Prefix, Vlan
from inventory.order import in_order
from inventory.organisation import Site

VLANS = range(1000, 1010)
"""Ten VLANs a site, a /22 each: room for 10,000 addresses."""

NAMES_A_WORD = 999
"""Host names end with three digits at most (rule `host-name`)."""

WORDS = ("ap", "cam", "lock", "plc", "sensor")


def large_fleet(devices: int = 2000, vms: int = 200) -> Fleet:
    """So many devices with two interfaces each and one address, spread over all sites; so many VMs in Tierp."""
    shipped = snapshot.load()
    sites = shipped.sites
    central = next(s for s in sites if s.slug == "tierp-datahall")
    vlans = [Vlan(vid=vid, name=f"Utrustning {vid}", site=s.slug) for s in sites for vid in VLANS]
    prefixes = [
        Prefix(prefix=network, site=s.slug, vlan=vid, description="Utrustning")
        for n, s in enumerate(sites)
        for vid, network in _networks(n)
    ]
    share = [len(range(n, devices, len(sites))) for n in range(len(sites))]
    given = {context.name: context.data for context in shipped.config_contexts}
    made = [h for n, s in enumerate(sites) for h in _devices(n, s, share[n], given["access-switch"])]
    made += _vms(len(sites), central, vms, given["debian"])
    prefixes += [Prefix(prefix=network, site=central.slug) for _, network in _networks(len(sites))]
    return in_order(
        shipped.model_copy(
            update={
                "vlans": (*shipped.vlans, *vlans),
                "prefixes": (*shipped.prefixes, *prefixes),
                "hosts": (*shipped.hosts, *made),
            }
        )
    )


def _networks(number: int) -> Iterator[tuple[int, IPv4Network]]:
    """The VLANs and prefixes of the site of this number."""
    for i, vid in enumerate(VLANS):
        yield vid, IPv4Network((int(IPv4Address("10.128.0.0")) + (number * len(VLANS) + i) * 1024, 22))


def _addresses(number: int) -> Iterator[tuple[int, IPv4Interface]]:
    for vid, network in _networks(number):
        for address in network.hosts():
            yield vid, IPv4Interface((address, 22))


def _devices(number: int, site: Site, count: int, context: dict[str, Any]) -> Iterator[Host]:
    """Devices to which NetBox gives this config context, and no other."""
    addresses = _addresses(number)
    for i in range(count):
        vid, address = next(addresses)
        yield _host(
            site,
            f"{WORDS[i // NAMES_A_WORD]}{i % NAMES_A_WORD + 1}",
            Interface(name="1/1/1", untagged_vlan=vid, addresses=(address,)),
            Interface(name="1/1/2", tagged_vlans=tuple(VLANS)),
            kind="device",
            role="access-switch",
            platform="arubaos-cx",
            device_type="aruba-6200f-24g",
            serial=f"LARGE{number}{i:05}",
            tags=("shared",),
            context=context,
        )


def _vms(number: int, site: Site, count: int, context: dict[str, Any]) -> Iterator[Host]:
    """Virtual machines to which NetBox gives this config context, and no other."""
    addresses = _addresses(number)
    for i in range(count):
        _, address = next(addresses)
        yield _host(
            site,
            f"app{i + 1}",
            Interface(name="eth0", type="virtual", addresses=(address,)),
            kind="vm",
            role="server",
            platform="debian-13",
            status="planned",
            cluster="tierp-kvm",
            context=context,
        )


def _host(site: Site, word: str, *interfaces: Interface, **fields: object) -> Host:
    """A host of the site, reached by the address of its first interface."""
    name = f"{site.tenant[:3]}-{word}"
    own = {
        "name": name,
        "tenant": site.tenant,
        "site": site.slug,
        "interfaces": interfaces,
        "primary_address": interfaces[0].addresses[0].ip,
        "host_keys": (_host_key(name),),
    }
    return Host.model_validate(own | fields)


def _host_key(name: str) -> str:
    """A key that is well formed and nobody's."""
    kind = b"ssh-ed25519"
    blob = len(kind).to_bytes(4, "big") + kind + (32).to_bytes(4, "big") + hashlib.sha256(name.encode()).digest()
    return f"{kind.decode()} {base64.b64encode(blob).decode()}"
