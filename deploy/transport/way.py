"""The way to a host: straight, or through another host, the bastion, which passes bytes on and sees none in clear.

Both ends are believed by the inventory's host keys alone, the bastion first: what it passes on is an SSH connection of
its own, from this station to the host. A bastion's connection carries one host's and ends with it, as OpenSSH's
ProxyJump has it: nothing is shared, so one that hangs is one host's affair. Not here: who is let in (`ssh`).
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from contextlib import suppress
from ipaddress import ip_address
from typing import NamedTuple

import gevent
import paramiko

from deploy.transport.greeting import HostLost, connected
from inventory.fleet import Host
from inventory.network import Address
from roles.shared.families import own_addresses

AT_MOST = 65_536
"""Bytes that are passed on at once."""

PROHIBITED = 1
"""Why a channel was not opened: it is "administratively prohibited" (RFC 4254, 5.1)."""


class Reached(NamedTuple):
    """A connection to a host's SSH server, at which nothing was said yet.

    `source` is the address that the host sees, and `address` the host's own. Whoever closes the socket ends all of it.
    """

    sock: socket.socket
    source: Address
    address: Address


def straight(host: Host, address: Address, port: int, *, within: float) -> Reached:
    """Connect to a host.

    Raises:
        HostLost: nobody listens there, or nobody answers in time.
    """
    try:
        sock = connected(address, port, within)
    except OSError as e:
        raise HostLost(f"cannot connect to {address} port {port}: {_why(e)}", where=f"host {host.name}") from e
    return Reached(sock, ip_address(sock.getsockname()[0]), address)


def through(
    transport: paramiko.Transport, bastion: Host, host: Host, address: Address, port: int, *, within: float
) -> Reached:
    """Have a bastion, to which this transport is logged in, connect to a host. The transport is the way's own then.

    Raises:
        HostLost: it does not let this account through, or does not reach the host.
    """
    try:
        channel = transport.open_channel("direct-tcpip", (str(address), port), ("127.0.0.1", 0), timeout=within)
    except (paramiko.SSHException, EOFError, OSError) as e:
        transport.close()
        what = f"cannot connect to {address} port {port} through {bastion.name}: {_why(e)}"
        raise HostLost(what, where=f"host {host.name}", fix=_to_do(e, bastion)) from e
    ours, theirs = socket.socketpair()
    gevent.spawn(_carry, theirs, channel, transport)
    return Reached(ours, _seen(bastion, address), address)


def _carry(sock: socket.socket, channel: paramiko.Channel, transport: paramiko.Transport) -> None:
    """Pass on both ways what one side says to the other, and then end the bastion's connection."""
    there = gevent.spawn(_pass_on, sock.recv, channel.sendall, channel.close)
    back = gevent.spawn(_pass_on, channel.recv, sock.sendall, lambda: sock.shutdown(socket.SHUT_RDWR))
    gevent.joinall([there, back])
    sock.close()
    transport.close()


def _pass_on(heard: Callable[[int], bytes], tell: Callable[[bytes], object], hang_up: Callable[[], object]) -> None:
    """Pass bytes on until there are no more, or nobody to take them; then the other side hears that it is over."""
    try:
        with suppress(OSError):  # whichever side went away first
            while data := heard(AT_MOST):
                tell(data)
    finally:  # paramiko has errors that are no OSError: a key exchange that takes too long
        with suppress(OSError):
            hang_up()


def _seen(bastion: Host, address: Address) -> Address:
    """Return the address by which the bastion comes to one: its own of that family."""
    own = (bastion.address, *own_addresses(bastion))
    return next((a for a in own if a.version == address.version), bastion.address)


def _why(error: Exception) -> str:
    if isinstance(error, paramiko.ChannelException):
        return error.text.lower()
    return getattr(error, "strerror", None) or str(error) or type(error).__name__


def _to_do(error: Exception, bastion: Host) -> str:
    """Say what to do where it was the bastion's own word (RFC 4254, 5.1), and not that of the network behind it."""
    prohibited = isinstance(error, paramiko.ChannelException) and error.code == PROHIBITED
    return f"let this account pass on {bastion.name} (sshd's AllowTcpForwarding, PermitOpen)" if prohibited else ""
