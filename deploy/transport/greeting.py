"""Whether a host's SSH server greets: the least that shows that a host is there and can be reached. Nobody logs in."""

from __future__ import annotations

import socket

import gevent

from deploy.transport.ssh import Access
from inventory.fleet import Host
from inventory.netconf import netconf_port
from inventory.network import Address

WITHIN = 5.0
"""Seconds in which it must."""


def greets(host: Host, address: Address, access: Access) -> bool:
    """Tell whether the SSH server by which samdrift reaches this host answers a new connection to this address."""
    port = netconf_port(host) or access.port
    within = min(WITHIN, access.connect_timeout)
    with gevent.Timeout(within, False):
        try:
            with socket.create_connection((str(address), port), timeout=within) as sock:
                heard = b""
                while len(heard) < 4 and (more := sock.recv(4 - len(heard))):
                    heard += more
                return heard == b"SSH-"
        except OSError:
            return False
    return False
