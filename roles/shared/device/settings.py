"""What every switch and firewall needs to know, whatever its vendor: ports, VLANs, whom it serves and trusts. Pure.

Nothing that a person wrote into NetBox reaches a device as it is. Names of interfaces are words of a known form, or an
error; VLANs have names made of their numbers or of plain letters; a description keeps letters, digits and what cannot
end a line, a quotation or a command in any vendor's syntax.

Not here: how a vendor writes it (the role's templates), and what a device runs (`roles.shared.device.difference`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from ipaddress import IPv4Address, IPv4Interface, IPv4Network
from typing import Annotated

from pydantic import Field

from inventory.fleet import Fleet, Host, Interface
from inventory.frozen import Frozen
from inventory.netconf import netconf_port
from inventory.network import networks4
from inventory.secrets import Secret
from roles.shared.device.known import vendor_of
from roles.shared.device.login_keys import DeviceKey, LoginKey, login_keys, look_keys
from roles.shared.device.logs import LogServer, log_server_hosts, log_servers
from roles.shared.device.ports import INTERFACE, SWITCHES, Port, Site, far_ends, is_physical, ports_of
from roles.shared.device.vendor import Vendor
from roles.shared.families import ipv6_addresses
from roles.shared.network.servers import time_servers
from roles.shared.people import OwnAccount
from roles.shared.settings import Options as RoleOptions
from roles.shared.settings import Settings as RoleSettings
from roles.shared.settings import SettingsError
from roles.shared.traffic import Ask, Listen, addresses_of, ipv4, management

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
    tacacs_servers: tuple[IPv4Address, ...] = ()
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
    tacacs_servers: tuple[IPv4Address, ...]
    tacacs_secret: Secret | None

    @property
    def own(self) -> tuple[OwnAccount, ...]:
        """Return the accounts by which samdrift logs in."""
        admin = OwnAccount(user=self.admin, keys=tuple(key.text for key in self.login_keys))
        looks = (OwnAccount(user=self.look.name, keys=tuple(k.text for k in self.look.keys)),) if self.look else ()
        return (admin, *looks)


class Settings(RoleSettings):
    """The intended state of one CLI device.

    `series` is the one that its model is of; empty if none is known. `reached` are the networks of its servers and of
    those who administer it. `netconf_port` is where its NETCONF server listens, if it is talked to so.
    """

    name: str
    platform: str
    series: str
    management_interface: str
    management_vlan: int | None
    address: IPv4Interface
    gateway: IPv4Address
    segments: tuple[Segment, ...]
    ports: tuple[Port, ...]
    neighbours: tuple[Neighbour, ...]
    time_servers: tuple[IPv4Address, ...]
    log_servers: tuple[LogServer, ...]
    stations: tuple[IPv4Network, ...]
    monitors: tuple[IPv4Network, ...]
    reached: tuple[IPv4Network, ...]
    accounts: Accounts
    netconf_port: int | None = None

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
    interface, address = _management(host)
    stations = ipv4(management(fleet))
    if not stations:
        fix = "give one active host with an IPv4 address the device role management-station"
        raise SettingsError("nobody could log in: there is no management station", field="fleet", fix=fix)
    site = Site(vids=frozenset(s.vid for s in segments), voice=voice)
    times = _addresses(time_servers(fleet))
    logs = log_servers(fleet, vendor, source=address.ip, source_interface=interface.name)
    monitors = ipv4(addresses_of(fleet.with_role("monitoring")))
    return Settings(
        name=host_name(host),
        platform=host.platform,
        series=vendor.exact.name if vendor.exact else "",
        management_interface=interface.name,
        management_vlan=_vid(interface),
        address=address,
        gateway=_gateway(address, fleet, interface.vrf),
        segments=segments,
        ports=tuple(ports_of(host, fleet, site, is_port)),
        neighbours=tuple(
            Neighbour(port=port, host=far.name, talks=far.status == "active" and far.role in SWITCHES)
            for port, (far, _) in sorted(far_ends(host, fleet).items())
        ),
        time_servers=times,
        log_servers=logs,
        stations=stations,
        monitors=monitors,
        reached=_reached(
            address, (*stations, *monitors, *map(IPv4Network, (*times, *(log.address for log in logs)))), fleet
        ),
        accounts=_accounts(host, fleet, vendor, options),
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


def _addresses(servers: Iterable[Host]) -> tuple[IPv4Address, ...]:
    return tuple(s.primary_address for s in servers if s.primary_address is not None)


def device_listens(settings: Settings) -> tuple[Listen, ...]:
    """Serve administration, and what monitoring reads; the gateways on the way let nothing else through."""
    return (
        Listen(protocol="tcp", port=22, sources=settings.stations, why="SSH from the management stations"),
        Listen(protocol="udp", port=161, sources=settings.monitors, why="SNMP for monitoring"),
        *_listens_for_netconf(settings),
    )


def _listens_for_netconf(settings: Settings) -> Iterator[Listen]:
    if settings.netconf_port is not None:
        why = "NETCONF from the management stations"
        yield Listen(protocol="tcp", port=settings.netconf_port, sources=settings.stations, why=why)


def device_asks(settings: Settings) -> tuple[Ask, ...]:
    """Ask the TACACS+ servers, which no role serves."""
    servers = tuple(map(IPv4Network, settings.accounts.tacacs_servers))
    return (Ask(protocol="tcp", port=49, destinations=servers, why="TACACS+ of network devices"),) if servers else ()


def device_unserved(host: Host, fleet: Fleet) -> tuple[str, ...]:
    """Say that a device is configured for IPv4 alone, and which servers it is not told of."""
    own = ", ".join(ipv6_addresses(host))
    servers = (*time_servers(fleet), *log_server_hosts(fleet))
    others = ", ".join(dict.fromkeys(s.name for s in servers if s.primary_address is None))
    return (
        *([f"a device is configured for IPv4 alone: {own}"] if own else ()),
        *([f"it is told of no servers with IPv6 alone: {others}"] if others else ()),
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


def _management(host: Host) -> tuple[Interface, IPv4Interface]:
    for interface in host.interfaces:
        for address in interface.addresses4:
            if address.ip == host.primary_address:
                if not INTERFACE.fullmatch(interface.name):
                    raise SettingsError(f"{interface.name!r} names no interface", field=f"interface {interface.name}")
                return interface, address
    fix = "set it in NetBox: devices are configured for IPv4 alone"
    raise SettingsError("no interface has the primary address of IPv4", field="primary_address", fix=fix)


def _gateway(address: IPv4Interface, fleet: Fleet, vrf: str) -> IPv4Address:
    prefix = fleet.prefix_of(address.ip, vrf)
    if prefix is None or not isinstance(prefix.gateway, IPv4Address):
        where = f"prefix {prefix.prefix if prefix else address.network}.gateway"
        raise SettingsError("there is no router that administration could come through", field=where)
    return prefix.gateway


def _reached(address: IPv4Interface, far: tuple[IPv4Network, ...], fleet: Fleet) -> tuple[IPv4Network, ...]:
    """Return the networks of those that a device speaks with, but for its own."""
    found = set(networks4(p for n in far if (p := fleet.prefix_of(n.network_address)) is not None))
    return tuple(sorted(found - {address.network}))


def _accounts(host: Host, fleet: Fleet, vendor: Vendor, options: Options) -> Accounts:
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
    if options.look is None or not keys:
        return None
    if options.look == options.admin:
        what = f"{options.look} is the account that changes the device, and cannot be the one that may only look"
        raise SettingsError(what, field="look", fix="name another, or set it to null")
    return LookAccount(name=options.look, keys=keys, secret=secret if vendor.looking.needs_password else None)
