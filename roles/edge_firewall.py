"""Edge firewall: the schools' and guests' own way to the internet, which leads past the fleet's network.

Each inside network may reach the internet through the municipality's own provider, with its address translated, and
nothing else: not another inside network, and not the fleet. From the internet nothing is let in. The device is
administered over its management interface, from the management stations alone, and reaches the fleet's servers there;
monitoring alone asks it by SNMP. All of it holds for both families of IP; IPv6 is not translated, and where NetBox says
that the firewall is the gateway of a network of IPv6, it announces itself there as the router. A network may be at a
port, a LAG, or a VLAN of one (a sub-interface). What FortiOS makes for itself (`fortilink`, `ssl.root`, …) is left
alone, whatever NetBox says of it.

In a network where the fleet's gateways are, it lets through what the hosts behind them need of the internet, by their
roles, and answers names to those who ask it.

Policies, and routes to the fleet, have numbers that are made of their networks (10.63.20.0 is 171906048; of IPv6, a
checksum): a new network moves no other's, and no number is one that a person uses. A policy that somebody made by hand
is left alone.

FortiOS restores nothing by itself, so a change of it needs to be asked for by name: see
`roles.shared.device.vendors.fortios`. Junos restores itself.

On an SRX every interface is in a zone: those of the option `zones` in theirs, any other inside interface in one of its
own. What is not let through between these zones is denied by the last policy, and logged. Its interfaces are units of
ports (`ge-0/0/1`, which is unit 0, or `reth0.120`). Which ports are in the VLAN of an `irb` unit, and that several
devices are a cluster, is left as it is.

Options (config context `samdrift.edge_firewall`), besides those of `roles.shared.device.settings.Options`:

- `outside`: the interface towards the internet provider; `wan1` of a FortiGate, `ge-0/0/0` of an SRX, if not said.
- `also_allows`: what the management interface lets in besides ping, SSH and SNMP: `[https, fgfm]`, say, where people
  use its pages, or a FortiManager administers it.
- `zones`: inside interfaces that are one zone, with one policy: `zones: {schools: [internal1, skola-120]}`. Between
  two interfaces of a zone nothing passes either. An interface that a policy made by hand names cannot join one.
- `screen`: false where people have a screen of their own on the outside of an SRX; else it gets the factory's.
- `outside_zone`, `management_zone`: what the zones of these two are called on an SRX, where somebody made them already.
- `announces`: false where somebody else announces the router of IPv6, or nobody is to.
- `dhcp6_servers`: inside, DHCPv6 is relayed to these servers, and hosts are told to ask them for their addresses.
- `snmp_view`: the subtree (`1.3.6.1.2.1`) that monitoring may read; from FortiOS 7.2 on. Without it, everything.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Collection, Iterable, Iterator, Mapping
from ipaddress import IPv4Network, IPv6Address
from itertools import chain
from typing import Annotated, Literal

from pydantic import Field

from inventory.fleet import Fleet, Host
from inventory.frozen import Frozen
from inventory.network import Address, Network
from roles.base import Settings as BaseSettings
from roles.shared.device import settings as shared
from roles.shared.device.configure import configuration
from roles.shared.device.filters import firewall_filter, firewall_routes
from roles.shared.device.firewall import AddressObject, FirewallSettings, Policy, Zone, require_zone_names
from roles.shared.device.known import known_vendors
from roles.shared.device.passing import PROTOCOLS, transit_of
from roles.shared.device.ports import Port
from roles.shared.device.routed import Routed, is_own, routed_interfaces
from roles.shared.device.sections import port_names, zoned_sections
from roles.shared.device.settings import device_asks, device_listens, device_settings, device_unserved
from roles.shared.filtering import Filter, Route
from roles.shared.intent import Intent
from roles.shared.lineage import Section
from roles.shared.settings import SettingsError
from roles.shared.traffic import Ask, Listen

SWEDISH = "Kantbrandvägg: skolornas och gästernas egen väg till internet, förbi beståndets nät."
PLATFORMS = ("fortios", "junos")
REDUNDANT = "site"
CONTROLS = ("ISO 27002:2022 8.20", "ISO 27002:2022 8.22", "ISO 27002:2022 8.23")
INTERFACE = r"^[A-Za-z0-9][A-Za-z0-9._/-]*$"
OF_PRIVATE_NETWORKS = r"1[678]\d{7}|288[67]\d{6}|3232\d{6}"
"""Numbers made of networks in 10.0.0.0/8, 172.16.0.0/12 and 192.168.0.0/16 (RFC 1918)."""
OUTSIDE = {"fortios": "wan1", "junos": "ge-0/0/0"}
"""The interface towards the provider, from the factory on."""
ACCESS = {
    "fortios": ("ping", "https", "ssh", "snmp", "http", "fgfm", "fabric", "ftm"),
    "junos": ("ping", "https", "ssh", "snmp", "http", "netconf"),
}
"""What an interface may let in; in the order in which FortiOS shows it."""
OF_SERVICES = r"30(01|06|17)\d{6}"
"""Numbers made of protocols and ports: see `roles.shared.device.passing`."""
OF_ADMISSIONS = r"[34]0(06|17)\d{6}"
"""Those of who may use the firewall itself."""
OF_IPV6 = r"3[3-8]\d{8}"
"""Numbers made of networks of IPv6: from 3,300,000,000 on, which none of those above reaches."""
MOST_STATIONS = {"fortios": 10}
"""`trusthost1` to `trusthost10` of an administrator."""

InterfaceName = Annotated[str, Field(pattern=INTERFACE)]


class Options(shared.Options):
    """What a config context may set for this role; see the module's text."""

    outside: InterfaceName | None = None
    outside_zone: shared.Word = "untrust"
    management_zone: shared.Word = "administration"
    screen: bool = True
    also_allows: tuple[Literal["https", "http", "fgfm", "ftm", "fabric", "netconf"], ...] = ()
    zones: dict[shared.Word, Annotated[tuple[InterfaceName, ...], Field(min_length=1)]] = Field(default_factory=dict)
    announces: bool = True
    dhcp6_servers: Annotated[tuple[IPv6Address, ...], Field(max_length=8)] = ()
    snmp_view: Annotated[str, Field(pattern=r"^\d+(\.\d+){1,30}$")] | None = None
    secrets: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,30}$")] = "firewall"


class Admission(Frozen):
    """Who may use a service of the firewall itself, at its management interface and over one family of IP: these, and
    nobody else.

    `number` is that of the policy that lets them in, and `shut` of the one that shuts out all others.
    """

    service: Literal["SSH", "SNMP"]
    family: Literal[4, 6]
    number: int
    sources: tuple[AddressObject, ...]

    @property
    def shut(self) -> int:
        """Return the number of the policy for all others."""
        return self.number + 1_000_000_000


class Settings(FirewallSettings):
    """The intended state of one firewall; `remote_admin` stands for whomever a TACACS+ server lets in."""

    remote_admin: str = "samdrift-remote"

    @property
    def allowed6(self) -> tuple[str, ...]:
        """Return what the management interface lets in over IPv6: SSH and SNMP where there is somebody to use them."""
        nobody = {access for access, who in (("ssh", self.stations6), ("snmp", self.monitors6)) if not who}
        return tuple(access for access in self.allowed if access in {"ping", "ssh", "snmp"} - nobody)

    @property
    def interfaces(self) -> tuple[tuple[Port | None, Routed | None], ...]:
        """Return every interface as a port and as what has a network: ports, LAGs of them, what is no port."""
        routed = {i.name: i for i in self.routed}
        ports = sorted(self.ports, key=lambda p: p.is_lag)
        return (
            *((p, routed.get(p.name)) for p in ports),
            *((None, i) for i in self.routed if i.kind != "port"),
        )

    @property
    def tacacs_names(self) -> Mapping[str, Address]:
        """Return the TACACS+ servers by the names that the device has for them."""
        return {f"samdrift-{n}": server for n, server in enumerate(self.accounts.tacacs_servers, 1)}

    @property
    def admissions(self) -> tuple[Admission, ...]:
        """Return who may administer and monitor it, over each family of IP: over one that it is not administered over,
        nobody.
        """
        return tuple(
            Admission(service=service, family=family, number=_number_of_service(protocol, port), sources=_objects(who))
            for family, ssh, snmp in ((4, self.stations, self.monitors), (6, self.stations6, self.monitors6))
            for service, protocol, port, who in (("SSH", "tcp", 22, ssh), ("SNMP", "udp", 161, snmp))
        )

    def objects(self, version: int) -> tuple[AddressObject, ...]:
        """Return the networks and hosts of one family that policies name, each once."""
        policies = (*(p.addresses for p in self.policies), *(a.sources for a in self.admissions))
        hosts = _objects(IPv4Network(source) for source in (self.transit.sources if self.transit else ()))
        return tuple(dict.fromkeys(a for a in (*chain(*policies), *hosts) if a.network.version == version))

    @staticmethod
    def number_of(network: Network) -> int:
        """Return the number of a network's policy or route: an IPv4 network's address; of IPv6, made of a checksum."""
        if network.version == 4:
            return int(network.network_address)
        return 3_300_000_000 + zlib.crc32(str(network).encode()) % 600_000_000


def _number_of_service(protocol: str, port: int) -> int:
    """Return the number of a policy for a service: 3, the protocol's in three digits, and the port's in six."""
    return 3_000_000_000 + PROTOCOLS[protocol] * 1_000_000 + port


def _objects(networks: Iterable[Network]) -> tuple[AddressObject, ...]:
    """Return hosts, and networks of several, by the names that policies call them."""
    return tuple(
        AddressObject(
            name=f"host-{n.network_address}{'' if n.num_addresses == 1 else f'-{n.prefixlen}'}",
            network=n,
        )
        for n in networks
    )


def settings(host: Host, fleet: Fleet, options: Options, intent: Intent) -> Settings:
    """Compute interfaces and servers from the fleet. Every one with a network, except the management's, is inside."""
    vendor = known_vendors()[host.platform]
    outside = options.outside or OUTSIDE[host.platform]
    configured = tuple(i for i in host.interfaces if not is_own(vendor, i.name))
    device = device_settings(host.model_copy(update={"interfaces": configured}), fleet, options)
    routed = routed_interfaces(host, fleet, vendor)
    field = "config context samdrift.edge_firewall"
    if outside not in {i.name for i in host.interfaces}:
        what = f"there is no port {outside}"
        raise SettingsError(what, field=f"{field}.outside", fix="name a port of the device")
    access = ACCESS[host.platform]
    if unknown := [name for name in options.also_allows if name not in access]:
        what = f"{vendor.name} knows no {unknown[0]}"
        raise SettingsError(what, field=f"{field}.also_allows", fix=f"name some of: {', '.join(access)}")
    _require_few(device.stations, host.platform)
    _require_few(device.stations6, host.platform)
    found = Settings(
        **dict(device),
        outside=outside,
        outside_zone=options.outside_zone,
        management_zone=options.management_zone,
        screen=options.screen,
        out_of_band=bool(re.fullmatch(vendor.out_of_band, device.management_interface)),
        allowed=tuple(name for name in access if name in {"ping", "ssh", "snmp", *options.also_allows}),
        routed=routed,
        zones=tuple(Zone(name=name, members=members) for name, members in sorted(options.zones.items())),
        policies=(),
        announces=options.announces,
        dhcp6_servers=options.dhcp6_servers,
        snmp_view=options.snmp_view,
    )
    _require_zones_of_inside(found, f"{field}.zones")
    if vendor.units:
        require_zone_names(found, field)
        if options.dhcp6_servers:
            what, fix = f"{vendor.name} is not told here to relay DHCPv6", "configure it by hand, and take this away"
            raise SettingsError(what, field=f"{field}.dhcp6_servers", fix=fix)
    return found.model_copy(
        update={
            "policies": tuple(_policies(found)),
            "transit": transit_of(host, found.inside, intent),
            "answers_names": tuple(_asked_for_names(found, intent)),
        }
    )


def _asked_for_names(settings: Settings, intent: Intent) -> Iterator[str]:
    """Yield the inside interfaces at whose address a host of the fleet asks for names."""
    bases = (intent.of(h, "base") for h in intent.fleet.with_role("base"))
    asked = {a for base in bases if isinstance(base, BaseSettings) for a in base.nameservers}
    yield from (i.name for i in settings.inside if any(a.ip in asked for a in i.all_addresses))


def _require_few(stations: Collection[Network], platform: str) -> None:
    """Refuse more management stations than an administrator can have trusted hosts."""
    most = MOST_STATIONS.get(platform, len(stations))
    if len(stations) > most:
        what = f"there are {len(stations)} management stations, and an account takes {most} (trusthost)"
        raise SettingsError(what, field="fleet", fix="let fewer hosts be management stations")


def _require_zones_of_inside(settings: Settings, field: str) -> None:
    inside = {i.name for i in settings.inside}
    in_zone: dict[str, str] = {}
    for zone in settings.zones:
        for name in zone.members:
            if name not in inside:
                raise SettingsError(f"{name} is no inside interface", field=f"{field}.{zone.name}")
            if in_zone.setdefault(name, zone.name) != zone.name or zone.members.count(name) > 1:
                raise SettingsError(f"{name} is in a zone already", field=f"{field}.{zone.name}")


def _policies(settings: Settings) -> Iterator[Policy]:
    """Yield a policy of each family for each zone, and for each inside interface that is in none."""
    sources: dict[str, list[Routed]] = {}
    for interface in settings.inside:
        sources.setdefault(settings.source_of(interface.name), []).append(interface)
    for family in (4, 6):
        for source, interfaces in sources.items():
            networks = tuple(n for i in interfaces for n in _address_objects(i, family))
            if networks:
                number = min(settings.number_of(a.network) for a in networks)
                yield Policy(number=number, source=source, family=family, addresses=networks)


def _address_objects(interface: Routed, family: Literal[4, 6]) -> Iterator[AddressObject]:
    addresses = interface.addresses if family == 4 else (a for a in interface.addresses6 if not a.ip.is_link_local)
    networks = dict.fromkeys(a.network for a in addresses)
    for number, network in enumerate(networks, 1):
        suffix = "" if number == 1 else f"-{number}"
        yield AddressObject(name=f"net{'' if family == 4 else 6}-{interface.name}{suffix}", network=network)


def sections(settings: Settings) -> tuple[Section, ...]:
    """Return the sections of the configuration that are the role's. Of policies and routes, its own alone."""
    return zoned_sections(settings) if known_vendors()[settings.platform].units else _blocks(settings)


def _blocks(settings: Settings) -> tuple[Section, ...]:
    names = "|".join([port_names(settings), *(re.escape(i.name) for i in settings.routed)])
    numbers = "|".join([*map(str, (p.number for p in settings.policies)), OF_PRIVATE_NETWORKS, OF_SERVICES, OF_IPV6])
    routes = "|".join([*(str(settings.number_of(n)) for n in settings.reached), OF_PRIVATE_NETWORKS])
    addresses = _any_of(i.name for i in settings.routed)
    looks = (settings.accounts.look.name,) if settings.accounts.look else ()
    tables = ["", *(str(n) for n in range(2, len(settings.log_servers) + 1))]
    return (
        ("config system global", "set hostname .*"),
        ("config system interface", f'edit "({names})"'),
        ("config system zone", f'edit "({_any_of(z.name for z in settings.zones)})"'),
        (r"config user tacacs\+", 'edit "samdrift-[0-9]+"'),
        ("config user group", 'edit "samdrift-admins"'),
        ("config system accprofile", f'edit "({_any_of(looks)})"'),
        ("config system admin", f'edit "({_any_of((settings.accounts.admin, settings.remote_admin, *looks))})"'),
        ("config system dns-server", f'edit "({_any_of(settings.answers_names)})"'),
        ("config system ntp",),
        (f"config log syslogd({'|'.join(tables)}) setting",),
        ("config system snmp sysinfo", "set status .*"),
        ("config system snmp user", f'edit "{re.escape(settings.accounts.snmp_user)}"'),
        ("config system snmp mib-view", 'edit "samdrift"'),
        ("config firewall address", f'edit "(net-({addresses})(-[0-9]+)?|host-[0-9.]+(-[0-9]+)?)"'),
        ("config firewall address6", f'edit "(net6-({addresses})(-[0-9]+)?|host-[0-9a-f:.]+(-[0-9]+)?)"'),
        ("config firewall service custom", 'edit "samdrift-(tcp|udp|icmp)-[0-9]+"'),
        ("config firewall policy", f"edit ({numbers})"),
        ("config firewall local-in-policy6?", f"edit ({OF_ADMISSIONS})"),
        ("config router static", f"edit ({routes})"),
        ("config router static6", f"edit ({OF_IPV6})"),
    )


def _any_of(names: Iterable[str]) -> str:
    return "|".join(map(re.escape, names)) or "(?!)"


def listens(settings: Settings) -> tuple[Listen, ...]:
    """Serve SSH and SNMP, each to those who need it."""
    return device_listens(settings)


def asks(settings: Settings) -> tuple[Ask, ...]:
    """Ask the servers that know who may log in."""
    return device_asks(settings)


def filters(settings: Settings) -> Filter:
    """Let in administration and monitoring, and inside networks out; what people's own policies do is not known."""
    return firewall_filter(settings, "edge_firewall")


def routes(settings: Settings) -> tuple[Route, ...]:
    """Send to the fleet's servers by the management interface, and everything else to the provider."""
    return firewall_routes(settings)


def unserved(host: Host, fleet: Fleet) -> tuple[str, ...]:
    """Say which primary address of IPv6 it is not administered at, and which servers it is not told of."""
    return device_unserved(host, fleet)


def left(settings: Settings) -> tuple[str, ...]:
    """Say of VLANs of the device's own switching which part is not configured."""
    switched = (i.name for i in settings.routed if i.kind == "switched")
    return tuple(f"{name}: which ports are in its VLAN, and what the VLAN is called there" for name in switched)


def deploy(settings: Settings) -> None:
    """Declare one configuration, in the vendor's own words."""
    configuration(
        template="edge_firewall",
        platform=settings.platform,
        series=settings.series,
        settings=settings,
        managed=sections(settings),
        accounts=settings.accounts.own,
    )
