"""What every switch and firewall needs to know, whatever its vendor: ports, VLANs, whom it serves and trusts. Pure.

Nothing that a person wrote into NetBox reaches a device as it is. Names of interfaces are words of a known form, or an
error; VLANs have names made of their numbers or of plain letters; a description keeps letters, digits and what cannot
end a line, a quotation or a command in any vendor's syntax.

A device is administered at its primary address, and over the other family of IP too if its primary address of that one
is at the same interface. It is told of each server at an address of a family that it is administered over, IPv4 first.

Not here: how a vendor writes it (the role's templates), and what a device runs (`roles.shared.device.difference`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator
from ipaddress import IPv4Address, IPv4Interface, IPv4Network, IPv6Address, IPv6Interface, IPv6Network, ip_network
from typing import Annotated

from pydantic import Field

from inventory.fleet import Fleet, Host, Interface
from inventory.frozen import Frozen
from inventory.netconf import netconf_port
from inventory.network import Address, Network
from inventory.secrets import Secret
from roles.shared.device.helpers import Helper
from roles.shared.device.known import vendor_of
from roles.shared.device.login_keys import DeviceKey, LoginKey, login_keys, look_keys
from roles.shared.device.logs import LogServer, log_server_hosts, log_servers
from roles.shared.device.ports import INTERFACE, SWITCHES, Port, Site, far_ends, is_physical, ports_of
from roles.shared.device.vendor import Vendor
from roles.shared.families import ReachedAddress
from roles.shared.network.servers import time_servers
from roles.shared.people import OwnAccount
from roles.shared.settings import Options as RoleOptions
from roles.shared.settings import Settings as RoleSettings
from roles.shared.settings import SettingsError
from roles.shared.traffic import Ask, Listen, addresses_of, ipv4, ipv6, management

WORD = r"^[a-z][a-z0-9-]{0,30}$"

Word = Annotated[str, Field(pattern=WORD)]


class Options(RoleOptions):
    """What a config context may set for a CLI device.

    `admin` is the local account that remains when no server answers, `snmp_user` the one that monitoring reads with.
    Their passwords are secrets of the municipality: `X_admin`, `X_snmp_auth`, `X_snmp_priv`, and, with TACACS+ servers,
    `X_tacacs`, where X is what `secrets` says. Where a vendor takes a password only as crypt(3) makes it (Junos), that
    is the secret `X_admin_hash`.

    `automation_keys` are public keys by which samdrift logs in as `admin`, where they are others than those of role
    `base` on the management stations (an old IOS takes RSA alone).

    `look` is the account by which samdrift looks: it may show everything but secrets, and change nothing. It is there
    where it has keys: `look_keys`, or those of role `base` on the management stations; null: there is none. Its
    password, by which nobody needs to log in, is the secret `X_look` (Junos needs none).
    """

    admin: Word = "samdrift"
    snmp_user: Word = "monitor"
    secrets: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,30}$")] = "switch"
    tacacs_servers: tuple[ReachedAddress, ...] = ()
    automation_keys: tuple[DeviceKey, ...] = ()
    look: Word | None = "samdrift-look"
    look_keys: tuple[DeviceKey, ...] = ()


class Segment(Frozen):
    """A VLAN of the site. `name` is one word of ASCII letters, digits and hyphens."""

    vid: int
    name: str


class Neighbour(Frozen):
    """The far end of a cable; `talks`: it announces its name by LLDP, as all of the fleet's switches do."""

    port: str
    host: str
    talks: bool


class LookAccount(Frozen):
    """The account that may show and do nothing else; a `secret` where the vendor wants a password."""

    name: str
    keys: tuple[LoginKey, ...]
    secret: Secret | None


class Accounts(Frozen):
    """The accounts that may log in, and their keys or passwords."""

    admin: str
    admin_secret: Secret
    login_keys: tuple[LoginKey, ...]
    look: LookAccount | None
    snmp_user: str
    snmp_auth: Secret
    snmp_priv: Secret
    tacacs_servers: tuple[Address, ...]
    tacacs_secret: Secret | None
    helpers: tuple[Helper, ...] = ()

    @property
    def own(self) -> tuple[OwnAccount, ...]:
        """Return the accounts by which samdrift logs in."""
        admin = OwnAccount(user=self.admin, keys=tuple(key.text for key in self.login_keys))
        looks = (OwnAccount(user=self.look.name, keys=tuple(k.text for k in self.look.keys)),) if self.look else ()
        return (admin, *looks)


class Settings(RoleSettings):
    """The intended state of one CLI device.

    Attributes:
        series: the one that its model is of; empty if none is known.
        address: of the management interface, in IPv4; `address6` in IPv6. It has one of them at least.
        stations: who administers it over IPv4; nobody where it has no such address. `monitors` ask it by SNMP.
        reached: the networks of its servers and of those who administer it. What ends with 6 is the same of IPv6.
        netconf_port: where its NETCONF server listens, if it is talked to so.
    """

    name: str
    platform: str
    series: str
    management_interface: str
    management_vlan: int | None
    address: IPv4Interface | None
    gateway: IPv4Address | None
    address6: IPv6Interface | None = None
    gateway6: IPv6Address | None = None
    segments: tuple[Segment, ...]
    ports: tuple[Port, ...]
    neighbours: tuple[Neighbour, ...]
    time_servers: tuple[Address, ...]
    log_servers: tuple[LogServer, ...]
    stations: tuple[IPv4Network, ...]
    monitors: tuple[IPv4Network, ...]
    reached: tuple[IPv4Network, ...]
    stations6: tuple[IPv6Network, ...] = ()
    monitors6: tuple[IPv6Network, ...] = ()
    reached6: tuple[IPv6Network, ...] = ()
    accounts: Accounts
    netconf_port: int | None = None

    @property
    def own(self) -> tuple[IPv4Interface | IPv6Interface, ...]:
        """Return the addresses at which it is administered, IPv4 first."""
        return tuple(a for a in (self.address, self.address6) if a is not None)

    @property
    def families(self) -> frozenset[int]:
        """Return the versions of IP by which it is administered."""
        return frozenset(a.version for a in self.own)

    def source_for(self, server: Address) -> Address | None:
        """Return its own address from which it asks a server: of the server's family."""
        own = self.address if isinstance(server, IPv4Address) else self.address6
        return None if own is None else own.ip

    @property
    def lags(self) -> tuple[Port, ...]:
        """Return the ports that are link aggregation groups."""
        return tuple(p for p in self.ports if p.is_lag)

    def carrier(self, port: Port) -> Port:
        """Return the port that carries the VLANs of a port: its LAG, or the port itself."""
        return next((p for p in self.lags if p.name == port.lag), port)


def device_settings(
    host: Host,
    fleet: Fleet,
    options: Options,
    *,
    is_port: Callable[[Interface], bool] = is_physical,
    voice: frozenset[int] = frozenset(),
) -> Settings:
    """Compute what a device is to be, from the inventory alone.

    Args:
        is_port: whether an interface is one of the ports; others are the caller's business.
        voice: the VLANs that are for telephones.
    """
    vendor = vendor_of(host, fleet)
    _require_writable(vendor)
    segments = tuple(Segment(vid=v.vid, name=v.name_on_devices) for v in fleet.vlans_at(host.site))
    interface, address, address6 = management_of(host)
    own = tuple(a for a in (address, address6) if a is not None)
    spoken = frozenset(a.version for a in own)
    stations = tuple(n for n in management(fleet) if n.version in spoken)
    if not stations:
        families = " or ".join(f"IPv{version}" for version in sorted(spoken))
        fix = f"give one active host with an address of {families} the device role management-station"
        raise SettingsError("nobody could log in: there is no management station", field="fleet", fix=fix)
    site = Site(vids=frozenset(s.vid for s in segments), voice=voice)
    times = tuple(a for s in time_servers(fleet) for a in reached_at(s, spoken)[:1])
    logs = log_servers(fleet, vendor, sources=tuple(a.ip for a in own), source_interface=interface.name)
    monitors = tuple(n for n in addresses_of(fleet.with_role("monitoring")) if n.version in spoken)
    reached = _reached(own, (*stations, *monitors, *map(ip_network, (*times, *(log.address for log in logs)))), fleet)
    return Settings(
        name=host_name(host),
        platform=host.platform,
        series=vendor.exact.name if vendor.exact else "",
        management_interface=interface.name,
        management_vlan=_vid(interface),
        address=address,
        gateway=None if address is None else _gateway(address, fleet, interface.vrf),
        address6=address6,
        gateway6=None if address6 is None else _gateway6(address6, fleet, interface.vrf, required=address is None),
        segments=segments,
        ports=tuple(ports_of(host, fleet, site, is_port)),
        neighbours=tuple(
            Neighbour(port=port, host=far.name, talks=far.status == "active" and far.role in SWITCHES)
            for port, (far, _) in sorted(far_ends(host, fleet).items())
        ),
        time_servers=times,
        log_servers=logs,
        stations=ipv4(stations),
        monitors=ipv4(monitors),
        reached=ipv4(reached),
        stations6=ipv6(stations),
        monitors6=ipv6(monitors),
        reached6=ipv6(reached),
        accounts=_accounts(host, fleet, vendor, options, spoken),
        netconf_port=_netconf_port(host, vendor),
    )


def _netconf_port(host: Host, vendor: Vendor) -> int | None:
    """Return where a device's NETCONF server listens, if it is talked to so; refuse a vendor's that is not."""
    port = netconf_port(host)
    if port is not None and vendor.netconf is None:
        raise SettingsError(
            f"{vendor.name} is not talked to by NETCONF", field="config context samdrift.transport", fix="cli"
        )
    return port


def reached_at(server: Host, spoken: Collection[int]) -> tuple[Address, ...]:
    """Return the primary addresses of a server that are of these families, IPv4 first."""
    both = (server.primary_address, server.primary_address6)
    return tuple(a for a in both if a is not None and a.version in spoken)


def device_listens(settings: Settings) -> tuple[Listen, ...]:
    """Serve administration, and what monitoring reads; the gateways on the way let nothing else through."""
    return (
        Listen(
            protocol="tcp",
            port=22,
            sources=(*settings.stations, *settings.stations6),
            why="SSH from the management stations",
        ),
        Listen(protocol="udp", port=161, sources=(*settings.monitors, *settings.monitors6), why="SNMP for monitoring"),
        *_listens_for_netconf(settings),
    )


def _listens_for_netconf(settings: Settings) -> Iterator[Listen]:
    if settings.netconf_port is not None:
        why = "NETCONF from the management stations"
        yield Listen(
            protocol="tcp", port=settings.netconf_port, sources=(*settings.stations, *settings.stations6), why=why
        )


def device_asks(settings: Settings) -> tuple[Ask, ...]:
    """Ask the TACACS+ servers, which no role serves."""
    servers = tuple(map(ip_network, settings.accounts.tacacs_servers))
    return (Ask(protocol="tcp", port=49, destinations=servers, why="TACACS+ of network devices"),) if servers else ()


def device_unserved(host: Host, fleet: Fleet) -> tuple[str, ...]:
    """Say which primary address of IPv6 it is not administered at, and which servers it is not told of."""
    spoken = {a.version for a in (host.primary_address, host.primary_address6) if a is not None}
    elsewhere = ""
    if host.primary_address is not None and host.primary_address6 is not None:
        at = next((i for i in host.interfaces if any(a.ip == host.primary_address for a in i.addresses)), None)
        if at is None or all(a.ip != host.primary_address6 for a in at.addresses):
            spoken, elsewhere = {4}, str(host.primary_address6)
    servers = (*time_servers(fleet), *log_server_hosts(fleet))
    others = ", ".join(dict.fromkeys(s.name for s in servers if not reached_at(s, spoken)))
    families = " and ".join(f"IPv{version}" for version in sorted(spoken))
    return (
        *([f"it is not administered at {elsewhere}, which is not at its management interface"] if elsewhere else ()),
        *([f"it is administered over {families}, and told of no servers without it: {others}"] if others else ()),
    )


def _require_writable(vendor: Vendor) -> None:
    """Refuse a device of a series that no role can configure."""
    if vendor.exact and vendor.exact.unmanaged:
        what = f"{vendor.name} {vendor.exact.name}: {vendor.exact.unmanaged}"
        raise SettingsError(what, field="device_type", fix="take its role away, or correct the device type")


def host_name(host: Host) -> str:
    """Return the name of a device as it may stand in its own configuration."""
    if not re.fullmatch(r"[A-Za-z0-9-]{1,63}", host.name):
        raise SettingsError(f"{host.name!r} cannot name a device", field="name", fix="use letters, digits and hyphens")
    return host.name


def _vid(interface: Interface) -> int | None:
    """Return the VLAN of a management interface: NetBox's, or the number in its name (`vlan101`, `irb.101`)."""
    if interface.untagged_vlan is not None:
        return interface.untagged_vlan
    number = re.search(r"(\d+)$", interface.name)
    return int(number[1]) if number and not is_physical(interface) else None


def management_of(host: Host) -> tuple[Interface, IPv4Interface | None, IPv6Interface | None]:
    """Return the interface that a device is administered over, and the primary addresses that are there.

    Raises:
        SettingsError: no interface has its primary address.
    """
    primary = host.primary_address or host.primary_address6
    for interface in host.interfaces:
        if primary is not None and any(a.ip == primary for a in interface.addresses):
            if not INTERFACE.fullmatch(interface.name):
                raise SettingsError(f"{interface.name!r} names no interface", field=f"interface {interface.name}")
            return (
                interface,
                next((a for a in interface.addresses4 if a.ip == host.primary_address), None),
                next((a for a in interface.addresses6 if a.ip == host.primary_address6), None),
            )
    raise SettingsError("no interface has the primary address", field="primary_address", fix="set it in NetBox")


def _gateway(address: IPv4Interface, fleet: Fleet, vrf: str) -> IPv4Address:
    prefix = fleet.prefix_of(address.ip, vrf)
    if prefix is None or not isinstance(prefix.gateway, IPv4Address):
        raise _no_gateway(str(prefix.prefix if prefix else address.network))
    return prefix.gateway


def _gateway6(address: IPv6Interface, fleet: Fleet, vrf: str, *, required: bool) -> IPv6Address | None:
    """Return the router in IPv6: beside IPv4 there may be none, and then IPv6 ends with the link."""
    prefix = fleet.prefix_of(address.ip, vrf)
    if prefix is not None and isinstance(prefix.gateway, IPv6Address) and not prefix.gateway.is_link_local:
        return prefix.gateway
    if required:
        raise _no_gateway(str(prefix.prefix if prefix else address.network))
    return None


def _no_gateway(prefix: str) -> SettingsError:
    return SettingsError(
        "there is no router that administration could come through",
        field=f"prefix {prefix}.gateway",
        fix="set the custom field gateway to the router's address, in IPv6 to one that is not of the link alone",
    )


def _reached(own: Collection[IPv4Interface | IPv6Interface], far: Iterable[Network], fleet: Fleet) -> list[Network]:
    """Return the networks of those that a device speaks with, but for its own."""
    found: set[Network] = {p.prefix for n in far if (p := fleet.prefix_of(n.network_address)) is not None}
    return sorted(found - {a.network for a in own}, key=lambda n: (n.version, n))


def _accounts(host: Host, fleet: Fleet, vendor: Vendor, options: Options, spoken: Collection[int]) -> Accounts:
    if unreached := [str(a) for a in options.tacacs_servers if a.version not in spoken]:
        what = f"the device has no management address of the family of {', '.join(unreached)}"
        raise SettingsError(what, field="tacacs_servers", fix="name servers that it can reach")

    def secret(of: str) -> Secret:
        return Secret(name=f"{options.secrets}_{of}", municipality=host.tenant)

    return Accounts(
        admin=options.admin,
        admin_secret=secret("admin_hash" if vendor.hashed_logins else "admin"),
        login_keys=login_keys(fleet, vendor, options.automation_keys),
        look=_look_account(fleet, vendor, options, secret("look")),
        snmp_user=options.snmp_user,
        snmp_auth=secret("snmp_auth"),
        snmp_priv=secret("snmp_priv"),
        tacacs_servers=options.tacacs_servers,
        tacacs_secret=secret("tacacs") if options.tacacs_servers else None,
    )


def _look_account(fleet: Fleet, vendor: Vendor, options: Options, secret: Secret) -> LookAccount | None:
    keys = look_keys(fleet, vendor, options.look_keys)
    if options.look is None or not keys or (vendor.looking.asked_for and not options.look_keys):
        return None
    if options.look == options.admin:
        what = f"{options.look} is the account that changes the device, and cannot be the one that may only look"
        raise SettingsError(what, field="look", fix="name another, or set it to null")
    return LookAccount(name=options.look, keys=keys, secret=secret if vendor.looking.needs_password else None)
