"""Edge firewall: the schools' and guests' own way to the internet, which leads past the fleet's network.

Each inside network may reach the internet through the municipality's own provider, with its address translated, and
nothing else: not another inside network, and not the fleet. From the internet nothing is let in. The device is
administered over its management interface, from the management stations alone, and reaches the fleet's servers there.
A network may be at a port, a LAG, or a VLAN of one (a sub-interface). What FortiOS makes for itself (`fortilink`,
`ssl.root`, …) is left alone, whatever NetBox says of it.

In a network where the fleet's gateways are, it lets through what the hosts behind them need of the internet, by their
roles, and answers names to those who ask it.

Policies, and routes to the fleet, have numbers that are made of their networks (10.63.20.0 is 171906048): a new network
moves no other's, and no number is one that a person uses. A policy that somebody made by hand is left alone.

FortiOS restores nothing by itself, so a change of it needs to be asked for by name: see
`roles.shared.device.vendors.fortios`.

Options (config context `samdrift.edge_firewall`), besides those of `roles.shared.device.settings.Options`:

- `outside`: the interface towards the internet provider.
- `also_allows`: what the management interface lets in besides ping, SSH and SNMP: `[https, fgfm]`, say, where people
  use its pages, or a FortiManager administers it.
- `zones`: inside interfaces that are one zone, with one policy: `zones: {schools: [internal1, skola-120]}`. Between
  two interfaces of a zone nothing passes either. An interface that a policy made by hand names cannot join one.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Collection, Iterable, Iterator, Mapping
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Interface, IPv6Network
from typing import Annotated, Literal

from pydantic import Field

from inventory.fleet import Fleet, Host
from inventory.frozen import Frozen
from inventory.network import Network
from roles.base import Settings as BaseSettings
from roles.shared.device import settings as shared
from roles.shared.device.configure import configuration
from roles.shared.device.known import known_vendors
from roles.shared.device.passing import Transit, transit_of
from roles.shared.device.ports import Port
from roles.shared.device.routed import Routed, is_own, routed_interfaces
from roles.shared.device.sections import port_names
from roles.shared.device.settings import device_asks, device_listens, device_settings, device_unserved
from roles.shared.intent import Intent
from roles.shared.lineage import Section
from roles.shared.settings import SettingsError
from roles.shared.traffic import Ask, Listen, addresses_of, ipv6, management

PLATFORMS = ("fortios",)
CONTROLS = ("ISO 27002:2022 8.20", "ISO 27002:2022 8.22", "ISO 27002:2022 8.23")
INTERFACE = r"^[A-Za-z0-9][A-Za-z0-9._/-]*$"
OF_PRIVATE_NETWORKS = r"1[678]\d{7}|288[67]\d{6}|3232\d{6}"
"""Numbers made of networks in 10.0.0.0/8, 172.16.0.0/12 and 192.168.0.0/16 (RFC 1918)."""
ACCESS = ("ping", "https", "ssh", "snmp", "http", "fgfm", "fabric", "ftm")
"""What an interface may let in, in the order in which FortiOS shows it."""
OF_SERVICES = r"30(01|06|17)\d{6}"
"""Numbers made of protocols and ports: see `roles.shared.device.passing`."""
MOST_STATIONS = 10
"""`trusthost1` to `trusthost10` of an administrator."""

InterfaceName = Annotated[str, Field(pattern=INTERFACE)]


class Options(shared.Options):
    """What a config context may set for this role; see the module's text."""

    outside: InterfaceName = "wan1"
    also_allows: tuple[Literal["https", "http", "fgfm", "ftm", "fabric"], ...] = ()
    zones: dict[shared.Word, Annotated[tuple[InterfaceName, ...], Field(min_length=1)]] = Field(default_factory=dict)
    secrets: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,30}$")] = "firewall"


class AddressObject(Frozen):
    """A network by the name that policies call it."""

    name: str
    network: IPv4Network


class Zone(Frozen):
    """Inside interfaces that have one policy."""

    name: str
    members: tuple[str, ...]


class Policy(Frozen):
    """What an interface or a zone may: reach the internet, from these of its addresses."""

    number: int
    source: str
    addresses: tuple[AddressObject, ...]


class Route6(Frozen):
    """A network of IPv6 that is reached over the management interface."""

    number: int
    network: IPv6Network


class Management6(Frozen):
    """The management interface in IPv6, and who may come in there."""

    address: IPv6Interface
    gateway: IPv6Address | None
    stations: tuple[IPv6Network, ...]
    monitors: tuple[IPv6Network, ...]
    routes: tuple[Route6, ...]


class Settings(shared.Settings):
    """The interfaces of one firewall that have a network: one of them is outside, and the others are inside.

    `allowed` is what the management interface lets in; `remote_admin` stands for whomever a TACACS+ server lets in.
    """

    outside: str
    allowed: tuple[str, ...]
    routed: tuple[Routed, ...]
    remote_admin: str = "samdrift-remote"
    zones: tuple[Zone, ...]
    policies: tuple[Policy, ...]
    transit: Transit | None = None
    answers_names: tuple[str, ...] = ()
    management6: Management6 | None

    @property
    def inside(self) -> tuple[Routed, ...]:
        """Return the interfaces of networks that may reach the internet."""
        others = {self.outside, self.management_interface}
        return tuple(i for i in self.routed if i.addresses and i.kind != "loopback" and i.name not in others)

    @property
    def serving(self) -> tuple[str, ...]:
        """Return the ports and LAGs that must be up: of outside, of the management, and of each inside network."""
        parents = {i.name: i.parent or i.name for i in self.routed}
        names = (self.outside, self.management_interface, *(i.name for i in self.inside if i.enabled))
        return tuple(dict.fromkeys(parents.get(name, name) for name in names))

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
    def tacacs_names(self) -> Mapping[str, IPv4Address]:
        """Return the TACACS+ servers by the names that the device has for them."""
        return {f"samdrift-{n}": server for n, server in enumerate(self.accounts.tacacs_servers, 1)}

    @staticmethod
    def number_of(network: Network) -> int:
        """Return the number of a network's policy or route: an IPv4 network's address; of IPv6, its checksum."""
        return int(network.network_address) if network.version == 4 else zlib.crc32(str(network).encode())


def settings(host: Host, fleet: Fleet, options: Options, intent: Intent) -> Settings:
    """Compute interfaces and servers from the fleet. Every one with a network, except the management's, is inside."""
    vendor = known_vendors()[host.platform]
    configured = tuple(i for i in host.interfaces if not is_own(vendor, i.name))
    device = device_settings(host.model_copy(update={"interfaces": configured}), fleet, options)
    routed = routed_interfaces(host, fleet, vendor)
    field = "config context samdrift.edge_firewall"
    if options.outside not in {p.name for p in device.ports} | {i.name for i in routed}:
        what = f"there is no port {options.outside}"
        raise SettingsError(what, field=f"{field}.outside", fix="name a port of the device")
    _require_few(device.stations)
    found = Settings(
        **dict(device),
        outside=options.outside,
        allowed=tuple(access for access in ACCESS if access in {"ping", "ssh", "snmp", *options.also_allows}),
        routed=routed,
        zones=tuple(Zone(name=name, members=members) for name, members in sorted(options.zones.items())),
        policies=(),
        management6=_management6(host, fleet, device.management_interface),
    )
    _require_zones_of_inside(found, f"{field}.zones")
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
    yield from (i.name for i in settings.inside if any(a.ip in asked for a in i.addresses))


def _require_few(stations: Collection[Network]) -> None:
    """Refuse more management stations than an administrator can have trusted hosts."""
    if len(stations) > MOST_STATIONS:
        what = f"there are {len(stations)} management stations, and an account takes {MOST_STATIONS} (trusthost)"
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
    """Yield a policy for each zone, and for each inside interface that is in none."""
    zone_of = {name: zone.name for zone in settings.zones for name in zone.members}
    sources: dict[str, list[Routed]] = {}
    for interface in settings.inside:
        sources.setdefault(zone_of.get(interface.name, interface.name), []).append(interface)
    for source, interfaces in sources.items():
        networks = tuple(n for i in interfaces for n in _address_objects(i))
        number = min(settings.number_of(a.network) for a in networks)
        yield Policy(number=number, source=source, addresses=networks)


def _address_objects(interface: Routed) -> Iterator[AddressObject]:
    networks = dict.fromkeys(a.network for a in interface.addresses)
    for number, network in enumerate(networks, 1):
        suffix = "" if number == 1 else f"-{number}"
        yield AddressObject(name=f"net-{interface.name}{suffix}", network=network)


def _management6(host: Host, fleet: Fleet, name: str) -> Management6 | None:
    """Return what of IPv6 the management interface has, if the primary address of IPv6 is there."""
    here = (i for i in host.interfaces if i.name == name)
    own = next((a for i in here for a in i.addresses6 if a.ip == host.primary_address6), None)
    if own is None:
        return None
    prefix = fleet.prefix_of(own.ip)
    gateway = prefix.gateway if prefix is not None and isinstance(prefix.gateway, IPv6Address) else None
    stations, monitors = ipv6(management(fleet)), ipv6(addresses_of(fleet.with_role("monitoring")))
    _require_few(stations)
    far = {p.prefix for n in (*stations, *monitors) if (p := fleet.prefix_of(n.network_address)) is not None}
    routes = sorted(n for n in far if isinstance(n, IPv6Network) and n != own.network) if gateway else []
    return Management6(
        address=own,
        gateway=gateway,
        stations=stations,
        monitors=monitors,
        routes=tuple(Route6(number=Settings.number_of(n), network=n) for n in routes),
    )


def sections(settings: Settings) -> tuple[Section, ...]:
    """Return the sections of the configuration that are the role's. Of policies and routes, its own numbers alone."""
    names = "|".join([port_names(settings), *(re.escape(i.name) for i in settings.routed)])
    numbers = "|".join([*map(str, (p.number for p in settings.policies)), OF_PRIVATE_NETWORKS, OF_SERVICES])
    routes = "|".join([*(str(settings.number_of(n)) for n in settings.reached), OF_PRIVATE_NETWORKS])
    routes6 = "|".join(str(r.number) for r in settings.management6.routes) if settings.management6 else "(?!)"
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
        ("config firewall address", f'edit "(net-({addresses})(-[0-9]+)?|host-[0-9.]+)"'),
        ("config firewall service custom", 'edit "samdrift-(tcp|udp|icmp)-[0-9]+"'),
        ("config firewall policy", f"edit ({numbers})"),
        ("config router static", f"edit ({routes})"),
        ("config router static6", f"edit ({routes6})"),
    )


def _any_of(names: Iterable[str]) -> str:
    return "|".join(map(re.escape, names)) or "(?!)"


def listens(settings: Settings) -> tuple[Listen, ...]:
    """Serve SSH and SNMP, each to those who need it."""
    return device_listens(settings)


def asks(settings: Settings) -> tuple[Ask, ...]:
    """Ask the servers that know who may log in."""
    return device_asks(settings)


def unserved(host: Host, fleet: Fleet) -> tuple[str, ...]:
    """Say which addresses of IPv6 it is not told of, all but the management interface's; and which servers."""
    primary = host.primary_address6
    others = tuple(
        i.model_copy(
            update={
                "addresses": tuple(
                    a for a in i.addresses if a.ip != primary or host.primary_address not in {x.ip for x in i.addresses}
                )
            }
        )
        for i in host.interfaces
    )
    return device_unserved(host.model_copy(update={"interfaces": others}), fleet)


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
