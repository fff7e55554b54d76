"""The way to a host: straight, or through another host, the bastion, which passes bytes on and sees none in clear.

Both ends are believed by the inventory's host keys alone, the bastion first: what it passes on is an SSH connection of
its own, from this station to the host. A bastion's connection carries one host's and ends with it, as OpenSSH's
ProxyJump has it: nothing is shared, so one that hangs is one host's affair. Not here: who is let in (`ssh`).
"""

from __future__ import annotations

import socket
from ipaddress import ip_address
from typing import NamedTuple, Protocol

import gevent
import paramiko

from deploy.transport.greeting import HostLost, connected
from inventory.fleet import Host
from inventory.network import Address

AT_MOST = 65_536
"""Bytes that are passed on at once."""


PROHIBITED = 1
"""Why a channel was not opened: it is "administratively prohibited" (RFC 4254, 5.1)."""


class _End(Protocol):
    """What both a socket and a channel are, as far as bytes are passed on."""

    def recv(self, size: int, /) -> bytes: ...
    def sendall(self, data: bytes, /) -> None: ...


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
    there, back = gevent.spawn(_pass_on, sock, channel), gevent.spawn(_pass_on, channel, sock)
    gevent.joinall([there, back])
    sock.close()
    transport.close()


def _pass_on(source: _End, to: _End) -> None:
    """Pass bytes on until there are no more, or nobody to take them; then the other side hears that it is over."""
    try:
        while data := source.recv(AT_MOST):
            to.sendall(data)
    except OSError:
        pass  # it ends here, whichever side went away first
    finally:
        if isinstance(to, socket.socket):
            _shut(to)
        elif isinstance(to, paramiko.Channel):
            to.close()


def _shut(sock: socket.socket) -> None:
    try:
        sock.shutdown(socket.SHUT_RDWR)
    except OSError:
        return


def _seen(bastion: Host, address: Address) -> Address:
    """Return the address by which the bastion comes to one: its own of that family."""
    own = (bastion.address, *(i.ip for i in bastion.addresses))
    return next((a for a in own if a.version == address.version), bastion.address)


def _why(error: Exception) -> str:
    if isinstance(error, paramiko.ChannelException):
        return error.text.lower()
    return getattr(error, "strerror", None) or str(error) or type(error).__name__


def _to_do(error: Exception, bastion: Host) -> str:
    """Say what to do where it was the bastion's own word (RFC 4254, 5.1), and not that of the network behind it."""
    prohibited = isinstance(error, paramiko.ChannelException) and error.code == PROHIBITED
    return f"let this account pass on {bastion.name} (sshd's AllowTcpForwarding, PermitOpen)" if prohibited else ""
