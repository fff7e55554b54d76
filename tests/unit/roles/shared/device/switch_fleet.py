"""A site with a switch of each vendor and a firewall, and what of the fleet they need: for tests of their roles."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Interface, IPv4Network, IPv6Address, IPv6Interface, IPv6Network
from typing import Any

from inventory.fleet import Fleet, Host, Interface
from inventory.network import Cable, Prefix, Vlan
from inventory.order import in_order
from inventory.organisation import DeviceRole, Platform, Region, Site, Tenant

DEVICES = {
    "access_switch": {"heb-sw1": "junos", "heb-sw2": "arubaos-cx", "heb-sw3": "cisco-ios"},
    "core_switch": {"heb-core1": "arubaos-cx", "heb-core2": "cisco-ios", "heb-core3": "junos"},
    "edge_firewall": {"heb-fw1": "fortios", "heb-fw2": "junos"},
}
"""Of each role, its devices and their platforms."""

PORTS = {
    "junos": ("ge-0/0/1", "ge-0/0/2", "ge-0/0/3", "xe-0/2/0", "irb.101"),
    "arubaos-cx": ("1/1/1", "1/1/2", "1/1/3", "1/1/25", "vlan101"),
    "cisco-ios": ("GigabitEthernet1/0/1", "GigabitEthernet1/0/2", "GigabitEthernet1/0/3", "GigabitEthernet1/1/1",
                  "Vlan101"),
}  # fmt: skip
"""An access port, a port towards a gateway, one that is shut, one between switches, and the one for management."""


KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAFmFAQGx+RkPlLYC/4m02U7lEwLytuaxjrm2EdOahS8"
"""By which samdrift logs in."""
LOOK_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGyEcPTacAAZq77B3Ulk2ToRvSZREr26Nehpt0s1RMVh"
"""By which it looks."""

LAGS = {
    "junos": ("ae0", "xe-0/2/1", "xe-0/2/2"),
    "arubaos-cx": ("lag1", "1/1/26", "1/1/27"),
    "cisco-ios": ("Port-channel1", "GigabitEthernet1/1/2", "GigabitEthernet1/1/3"),
    "fortios": ("lag1", "internal4", "internal5"),
}
"""A LAG and its members."""


def switch(name: str, platform: str, number: int, role: str, **options: Any) -> Host:
    """A switch with five interfaces, and a LAG of two more."""
    lag, *members = LAGS[platform]
    edge, gateway, shut, uplink, management = PORTS[platform]
    address = IPv4Interface(f"10.63.1.{number}/24")
    return Host(
        name=name,
        kind="device",
        tenant="heby",
        site="heby-kommunhus",
        role=role.replace("_", "-"),
        platform=platform,
        interfaces=(
            Interface(name=management, type="virtual", addresses=(address,)),
            Interface(name=edge, description="Kontor Öst, plan 2", untagged_vlan=110),
            Interface(name=gateway, untagged_vlan=101, description="overridden by the cable"),
            Interface(name=shut, enabled=False, untagged_vlan=110, tagged_vlans=(101,)),
            Interface(name=uplink, tagged_vlans=(101, 110, 120)),
            *(Interface(name=member, lag=lag) for member in members),
            Interface(name=lag, type="lag", untagged_vlan=110, tagged_vlans=(101, 120)),
        ),
        primary_address=address.ip,
        context={"samdrift": {"roles": {role: True}, role: options}},
    )


def firewall() -> Host:
    """A firewall with an outside, a port for management, and four insides: of them one is a LAG, and one its VLAN."""
    lag, *members = LAGS["fortios"]
    interfaces = (
        Interface(name="wan1", description="Leverantören"),
        Interface(name="internal1", untagged_vlan=110, addresses=(IPv4Interface("10.63.20.1/24"),)),
        Interface(name="internal2", enabled=False, addresses=(IPv4Interface("10.63.30.1/24"),)),
        Interface(name="internal3", untagged_vlan=101, addresses=(IPv4Interface("10.63.1.4/24"),)),
        Interface(name=lag, type="lag", untagged_vlan=120, addresses=(IPv4Interface("10.63.40.1/24"),)),
        Interface(
            name="personal-110",
            type="virtual",
            parent=lag,
            untagged_vlan=110,
            description="Personal",
            addresses=(IPv4Interface("10.63.50.1/24"), IPv4Interface("10.63.51.1/24")),
        ),
        *(Interface(name=member, lag=lag) for member in members),
    )
    return switch("heb-fw1", "junos", 4, "edge_firewall", look_keys=[LOOK_KEY]).model_copy(
        update={"role": "firewall", "platform": "fortios", "interfaces": interfaces}
    )


def srx() -> Host:
    """A firewall of the other vendor: a VLAN of a LAG, a VLAN of its own switching, and ports, one of them shut."""
    lag, *members = LAGS["junos"]
    interfaces = (
        Interface(name="ge-0/0/0", description="Leverantören"),
        Interface(name="ge-0/0/1", untagged_vlan=110, addresses=(IPv4Interface("10.63.21.1/24"),)),
        Interface(name="ge-0/0/2", enabled=False, addresses=(IPv4Interface("10.63.31.1/24"),)),
        Interface(name="ge-0/0/3", untagged_vlan=101, addresses=(IPv4Interface("10.63.1.5/24"),)),
        Interface(name=lag, type="lag", tagged_vlans=(110,)),
        Interface(
            name=f"{lag}.110",
            type="virtual",
            parent=lag,
            untagged_vlan=110,
            description="Personal",
            addresses=(IPv4Interface("10.63.52.1/24"), IPv4Interface("10.63.53.1/24")),
        ),
        Interface(name="irb.120", type="virtual", untagged_vlan=120, addresses=(IPv4Interface("10.63.41.1/24"),)),
        *(Interface(name=member, lag=lag) for member in members),
    )
    return switch("heb-fw2", "junos", 5, "edge_firewall").model_copy(
        update={"role": "firewall", "interfaces": interfaces}
    )


def with_firewall(name: str, *more: Interface, without: tuple[str, ...] = (), **options: Any) -> Fleet:
    """The fleet, of which this firewall has these interfaces, too, and these options alone."""
    of = fleet()
    host = of.host(name)
    kept = tuple(i for i in host.interfaces if i.name not in {*without, *(m.name for m in more)})
    context = {"samdrift": {"roles": {"edge_firewall": True}, "edge_firewall": options}}
    changed = host.model_copy(update={"interfaces": (*kept, *more), "context": context})
    return of.model_copy(update={"hosts": tuple(changed if h is host else h for h in of.hosts)})


def server(name: str, address: str, role: str, *roles: str, **options: Any) -> Host:
    """A server in Tierp."""
    at = IPv4Interface(address)
    return Host(
        name=name,
        kind="vm",
        tenant="tierp",
        site="tierp-datahall",
        role=role,
        platform="debian-13",
        interfaces=(Interface(name="eth0", type="virtual", addresses=(at,)),),
        primary_address=at.ip,
        context={"samdrift": {"roles": dict.fromkeys(roles, True), **options}},
    )


def fleet(**options: Any) -> Fleet:
    """The fleet; `options` are those of every switch."""
    devices = [
        switch(name, platform, number, role, **options)
        for role, of_role in DEVICES.items()
        for number, (name, platform) in enumerate(of_role.items(), 11 if role == "access_switch" else 21)
        if role != "edge_firewall"
    ]
    hosts = (
        *devices,
        firewall(),
        srx(),
        server("heb-gw1", "10.63.1.1/24", "edge-gateway").model_copy(update={"site": "heby-kommunhus"}),
        server(
            "tie-adm1",
            "10.60.10.250/24",
            "management-station",
            base={"automation_keys": [KEY], "look_keys": [LOOK_KEY]},
        ),
        server("tie-dns1", "10.60.10.11/24", "server", "time", time={"server": True}),
        server("tie-log1", "10.60.10.13/24", "server", "log_server"),
    )
    cables = tuple(
        cable
        for device in devices
        for cable in (
            Cable(a=f"{device.name}:{PORTS[device.platform][1]}", b="heb-gw1:eth0"),
            Cable(a="heb-sw9:1/1/1", b=f"{device.name}:{PORTS[device.platform][3]}"),
            Cable(a="heb-sw9:1/1/26", b=f"{device.name}:{LAGS[device.platform][1]}"),
            Cable(a="heb-sw9:1/1/27", b=f"{device.name}:{LAGS[device.platform][2]}"),
        )
    )
    far = switch("heb-sw9", "arubaos-cx", 9, "access_switch")
    sites = (("heby-kommunhus", "heby"), ("tierp-datahall", "tierp"))
    return in_order(
        Fleet(
            regions=(Region(slug="norra-uppland", name="Norra Uppland"),),
            tenants=tuple(Tenant(slug=t, name=t.title()) for _, t in sites),
            sites=tuple(Site(slug=s, name=s, tenant=t, region="norra-uppland") for s, t in sites),
            platforms=tuple(Platform(slug=p, name=p, family="cli") for p in (*PORTS, "fortios")),
            device_roles=(DeviceRole(slug="server", name="Server"),),
            vlans=tuple(
                Vlan(vid=vid, name=name, site="heby-kommunhus")
                for vid, name in ((101, "Enheter"), (110, "Personal & mer"), (120, "Gäst"))
            ),
            prefixes=(
                Prefix(prefix=IPv4Network("10.60.10.0/24"), site="tierp-datahall", gateway=IPv4Address("10.60.10.1")),
                Prefix(
                    prefix=IPv4Network("10.63.1.0/24"),
                    site="heby-kommunhus",
                    vlan=101,
                    gateway=IPv4Address("10.63.1.1"),
                ),
            ),
            hosts=(*hosts, far),
            cables=cables,
        )
    )


STATION6, LOG6 = "2001:db8:60:10::250", "2001:db8:60:10::13"


def in_both_families(of: Fleet, *, alone: bool = False, stations: bool = True) -> Fleet:
    """The fleet, whose devices are administered over IPv6, too; `alone`: over it and nothing else.

    Of the hosts in Tierp only `stations` say whether the management station has IPv6; the servers have it.
    """
    return in_order(
        of.model_copy(
            update={
                "hosts": tuple(_with_ipv6(host, alone=alone, stations=stations) for host in of.hosts),
                "prefixes": (
                    *of.prefixes,
                    Prefix(prefix=IPv6Network("2001:db8:60:10::/64"), site="tierp-datahall"),
                    Prefix(
                        prefix=IPv6Network("2001:db8:63:1::/64"),
                        site="heby-kommunhus",
                        vlan=101,
                        gateway=IPv6Address("2001:db8:63:1::1"),
                    ),
                ),
            }
        )
    )


def _with_ipv6(host: Host, *, alone: bool, stations: bool) -> Host:
    if host.primary_address is None or (host.role == "management-station" and not stations):
        return host
    _, _, site, last = str(host.primary_address).split(".")
    network = {"10": "2001:db8:60:10", "1": "2001:db8:63:1"}[site]
    own = IPv6Interface(f"{network}::{last}/64")
    only = alone and host.site == "heby-kommunhus" and host.role != "edge-gateway"
    interfaces = tuple(
        i.model_copy(
            update={"addresses": (*(a for a in i.addresses if not (only and a.ip == host.primary_address)), own)}
        )
        if any(a.ip == host.primary_address for a in i.addresses)
        else i
        for i in host.interfaces
    )
    primary = {"primary_address6": own.ip} | ({"primary_address": None} if only else {})
    return host.model_copy(update={"interfaces": interfaces, **primary})
