"""Say where devices send their logs and how, to those who send them and to those who take them. Pure.

What a device is told and what a log server lets in come from here, so that the two cannot disagree. Which transport a
vendor's devices can use is data (`Vendor.syslog`). Not here: how a vendor writes it (the role's templates), what a log
server does with what comes (`roles.log_server`), and hosts with a shell, which send by RELP (`roles.log_client`).
"""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_network
from typing import Literal

from inventory.fleet import Fleet, Host
from inventory.frozen import Frozen
from inventory.network import Address, Network
from roles.shared.device.known import known_vendors
from roles.shared.device.vendor import Vendor
from roles.shared.nameable import nameable
from roles.shared.settings import SettingsError
from roles.shared.traffic import addresses_of, networks

Transport = Literal["udp", "tcp"]

SYSLOG_PORT = 514
"""Of both transports. No port for syslog over TCP is registered, and each vendor has another default: it is typed."""


class LogServer(Frozen):
    """A log server as a device is told of it; `source` is the device's own address that its messages come from."""

    address: Address
    transport: Transport
    port: int = SYSLOG_PORT
    source: Address
    source_interface: str


def log_server_hosts(fleet: Fleet) -> tuple[Host, ...]:
    """Return the hosts that take the fleet's logs."""
    return tuple(fleet.with_role("log_server"))


def log_servers(
    fleet: Fleet, vendor: Vendor, *, sources: tuple[Address, ...], source_interface: str
) -> tuple[LogServer, ...]:
    """Return the log servers that a device sends to, each at an address of the family of one of its own.

    Args:
        sources: the device's own addresses, the preferred one first.

    Raises:
        SettingsError: there are more of them than the vendor's devices can be told.
    """
    found = tuple(reached for s in log_server_hosts(fleet) if (reached := _reached(s, sources)) is not None)
    if vendor.most_log_servers is not None and len(found) > vendor.most_log_servers:
        what = f"there are {len(found)} log servers, and {vendor.name} sends to {vendor.most_log_servers} at most"
        fix = "take the role log_server from some"
        raise SettingsError(what, field="config context samdrift.roles of the log servers", fix=fix)
    return tuple(
        LogServer(address=address, transport=vendor.syslog, source=source, source_interface=source_interface)
        for address, source in found
    )


def _reached(server: Host, sources: tuple[Address, ...]) -> tuple[Address, Address] | None:
    """Return an address of a server and the own one from which it is reached; None if they have no family in common."""
    addresses = [a for a in (server.primary_address, server.primary_address6) if a is not None]
    return next(((a, source) for source in sources for a in addresses if a.version == source.version), None)


def log_senders(fleet: Fleet, transport: Transport) -> tuple[Network, ...]:
    """Return the addresses from which devices send their logs by this transport.

    A datagram's source is anybody's to write, so that of each device that sends them its management address alone is
    named, which it is told to send from. Who opens a connection has to answer at its address; there all of a device's
    addresses are named, as not each release of each vendor can be told which to take.
    """
    devices = list(_devices(fleet, transport))
    if transport == "tcp":
        return addresses_of(devices)
    primary = (a for d in devices for a in (d.primary_address, d.primary_address6) if a is not None)
    return networks(ip_network(a) for a in primary)


def sends_logs(host: Host) -> bool:
    """Tell whether samdrift tells a host of this platform, where it manages it, to send its log as a device does."""
    return host.platform in known_vendors()


def _devices(fleet: Fleet, transport: Transport) -> Iterator[Host]:
    vendors = known_vendors()
    return (h for h in nameable(fleet) if sends_logs(h) and vendors[h.platform].syslog == transport)
