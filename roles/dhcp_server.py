"""DHCP (Kea): lends addresses in the prefixes that this host is the router of, and needs nobody else for it.

A pool is an IP range of NetBox. What it lent stands in a file of its own on the host (`/var/lib/kea`), so it serves on
whatever else is away. Clients are told the prefix' gateway, the resolver on this host (role `local_dns`, if it has
it) and then the fleet's, the fleet's time servers, and its domain.

Kea hears clients without an address by raw sockets, before any firewall; the port that this role opens is for those
that renew. It answers in its own prefixes and to no relay.

Options (config context `samdrift.dhcp_server`):

- `lease_hours`: how long an address is lent. Clients renew at half of it, so they outlast that long without it.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator
from ipaddress import IPv4Address, IPv4Network
from typing import Annotated

from pydantic import Field

from inventory.fleet import Fleet, Host
from inventory.frozen import Frozen
from inventory.network import Range
from roles.dns_resolver import known_to_all, resolvers
from roles.shared.duties import Command, Duty
from roles.shared.families import ipv6_beside
from roles.shared.intent import Intent
from roles.shared.network.servers import time_servers
from roles.shared.parts.files import managed_file
from roles.shared.parts.handlers import restart
from roles.shared.parts.packages import packages
from roles.shared.parts.services import confined, service
from roles.shared.sandbox import Need, Sandbox, without
from roles.shared.settings import Options as RoleOptions
from roles.shared.settings import Settings as RoleSettings
from roles.shared.settings import SettingsError
from roles.shared.traffic import Listen

SWEDISH = "DHCP (Kea): lånar ut adresser i de nät som värden är router för, och behöver ingen annan till det."
PLATFORMS = ("debian-13",)
CONTROLS = ("ISO 27002:2022 8.20", "ISO 27002:2022 8.22")
APPARMOR = "kea-dhcp4"
LEASES = "/var/lib/kea/kea-leases4.csv"
DUTIES = (
    Duty(
        name="leases",
        title=("Se utlånade adresser", "See which addresses are lent"),
        commands=(Command(program="/usr/bin/cat", arguments=f"{LEASES}([.]2)?", example=f"cat {LEASES}"),),
    ),
)
"""Kea cleans the file up once an hour, and what it lent before then stands in the one that ends with .2."""
UNIT = "kea-dhcp4-server.service"
PATH = "/etc/kea/kea-dhcp4.conf"
SOCKET = "/run/kea/kea4-ctrl-socket"
ASK = """\
import socket, sys
kea = socket.socket(socket.AF_UNIX)
kea.connect(sys.argv[1])
kea.sendall(b'{"command": "config-get"}')
kea.shutdown(socket.SHUT_WR)
sys.stdout.writelines(iter(lambda: kea.recv(65536).decode(), ""))
"""
AS_ROOT = (f"timeout 8 python3 -c {shlex.quote(ASK)} {SOCKET}",)
"""Where Kea is asked what it runs with; its own unit makes the directory, and Kea takes no other."""

CHECK = "sed '/\"interfaces\":/d' {path} | KEA_LOCKFILE_DIR=none kea-dhcp4 -t /dev/stdin > /dev/null"
"""Without its interfaces, which only the host itself has. A lock file of root's would keep Kea's own user out."""


SANDBOX = Sandbox(
    unit=UNIT,
    needs=(
        Need(
            directive="CapabilityBoundingSet",
            value="CAP_NET_BIND_SERVICE CAP_NET_RAW",
            why="Port 67, and raw sockets for clients that have no address yet.",
        ),
        Need(
            directive="RestrictAddressFamilies",
            value="AF_INET AF_INET6 AF_NETLINK AF_PACKET AF_UNIX",
            why="Raw sockets, and the kernel is asked which interfaces there are.",
        ),
        *without(
            "NoNewPrivileges",
            why="AppArmor has another profile for kea-lfc, which keeps the file of leases short: under this, the kernel"
            " would let no program change its profile.",
        ),
    ),
)


class Options(RoleOptions):
    """What a config context may set for this role; see the module's text."""

    lease_hours: Annotated[int, Field(ge=1, le=720)] = 24


class Subnet(Frozen):
    """A prefix with its pools, the interface and address that it is served at, and the resolvers told to its clients.

    `id` is Kea's, by which it knows what it lent: it follows from the prefix, so that other prefixes come and go.
    """

    prefix: IPv4Network
    interface: str
    address: IPv4Address
    gateway: IPv4Address
    pools: tuple[Range, ...]
    resolvers: tuple[IPv4Address, ...]

    @property
    def id(self) -> int:
        """Return the prefix' first address as a number."""
        return int(self.prefix.network_address)


class Settings(RoleSettings):
    """The addresses that are lent, for how long, and what clients get with them."""

    subnets: tuple[Subnet, ...]
    lease_seconds: int
    domain: str
    time_servers: tuple[IPv4Address, ...]
    socket: str = SOCKET


def settings(host: Host, fleet: Fleet, options: Options, intent: Intent) -> Settings:
    """Compute the prefixes behind this host that have ranges."""
    subnets = tuple(_subnets(host, fleet))
    if not subnets:
        fix = "add an IP range to a prefix whose gateway it is, or take dhcp_server from it"
        raise SettingsError("there is nothing to lend", field="config context samdrift.roles", fix=fix)
    return Settings(
        subnets=subnets,
        lease_seconds=options.lease_hours * 3600,
        domain=known_to_all(intent).domain,
        time_servers=_addresses(time_servers(fleet)),
    )


def listens(settings: Settings) -> tuple[Listen, ...]:
    """Serve DHCP to the prefixes with ranges."""
    sources = tuple(s.prefix for s in settings.subnets)
    return (Listen(protocol="udp", port=67, sources=sources, why="DHCP, renewals"),)


def unserved(host: Host, fleet: Fleet) -> tuple[str, ...]:
    """Say that no address of IPv6 is lent, and no router advertised."""
    found = ipv6_beside(host, fleet)
    return (f"it lends no address (DHCPv6) and advertises no router there: {found}",) if found else ()


def deploy(settings: Settings) -> None:
    """Declare Kea's DHCPv4 server with one configuration file."""
    again = restart(UNIT, daemon_reload=True)
    confined(SANDBOX, then=(again,))
    packages("kea-dhcp4-server")
    managed_file(PATH, template="dhcp_server/kea-dhcp4.conf.j2", settings=settings, validate_with=CHECK, then=(again,))
    service(UNIT)


def _addresses(servers: Iterable[Host]) -> tuple[IPv4Address, ...]:
    return tuple(s.primary_address for s in servers if s.primary_address is not None)


def _subnets(host: Host, fleet: Fleet) -> Iterator[Subnet]:
    """Yield the prefixes that this host routes: a prefix' router serves it, so that no two servers lend the same
    addresses.
    """
    central = _addresses(resolvers(fleet))
    for interface in host.interfaces:
        for address in interface.addresses4:
            prefix = fleet.prefix_of(address.ip)
            if prefix is None or prefix.site != host.site or prefix.gateway != address.ip:
                continue
            if pools := fleet.ranges_in(prefix.prefix):
                own = (address.ip,) if "local_dns" in host.roles else ()
                yield Subnet(
                    prefix=prefix.prefix,
                    interface=interface.name,
                    address=address.ip,
                    gateway=address.ip,
                    pools=pools,
                    resolvers=(*own, *central),
                )
