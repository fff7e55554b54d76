"""What an SSH server says first to a new connection: a greeting, or that it refuses this station for a while.

A refusal is no silence: sshd refuses whoever opened many connections without logging in (`PerSourcePenalties`, OpenSSH
9.8 and newer) or comes while many others do (`MaxStartups`). Its host is alive, and lets the same station in again
some seconds later. Not here: logging in (`ssh`).
"""

from __future__ import annotations

import socket
from collections.abc import Callable

import gevent

from inventory.errors import SamdriftError
from inventory.network import Address

UNACKNOWLEDGED_MS = 20_000
"""A peer that acknowledges nothing for so long is gone (TCP_USER_TIMEOUT, in milliseconds)."""

GREETING = b"SSH-"
REFUSALS = (b"Not allowed at this time", b"Exceeded MaxStartups")
"""What sshd says instead of its greeting: the first for a penalty, the second when too many are logging in."""
LONGEST = max(map(len, REFUSALS))

WITHIN = 5.0
"""Seconds in which a host must greet that is asked for nothing else."""

SPEAKS_FIRST = 2.0
"""Seconds in which a server says that it refuses. Some, as those that serve several protocols on one port, wait for
the client's own greeting (RFC 4253, 4.2 lets both): they are greeted then.
"""

AGAIN_AFTER = (1.0, 2.0, 4.0, 8.0, 15.0, 30.0)
"""Seconds between the tries to be let in by a host that refuses. Twenty bare connections cost twenty seconds."""


class HostLost(SamdriftError):
    """A host cannot be reached, is not who it says, or died while it was talked to."""


class Refused(HostLost):
    """A host is alive, and refuses this station for a while."""


def connected(address: Address, port: int, within: float) -> socket.socket:
    """Connect to a server.

    Raises:
        OSError: nobody listens there, or nobody answers in time.
    """
    sock = socket.create_connection((str(address), port), timeout=within)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # 48 -> 2.6 ms an exec on loopback, measured
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNACKNOWLEDGED_MS)
    return sock


def refusal(sock: socket.socket, within: float = SPEAKS_FIRST) -> str:
    """Return what the server says instead of a greeting; empty if it greets, or waits for the client to speak first.

    What it said can still be read. To be asked before anything is sent: a server that hangs up on unread bytes takes
    its own words with it.
    """
    heard = b""
    with gevent.Timeout(within, False):
        heard = _first(sock)
    return next((words.decode() for words in REFUSALS if heard.startswith(words)), "")


def greeted(sock: socket.socket) -> bool:
    """Tell whether an SSH server answers a new connection. One that refuses this station for a while is there, too.

    Whoever asks ends the waiting.

    Raises:
        OSError: the connection ended.
    """
    return _first(sock).startswith((GREETING, *REFUSALS))


def let_in(connect: Callable[[], object]) -> None:
    """Open a connection, and try again, about a minute long, while the host refuses this station.

    Raises:
        HostLost: it cannot be reached, or refuses still.
    """
    for pause in AGAIN_AFTER:
        try:
            connect()
        except Refused:
            gevent.sleep(pause)
        else:
            return
    connect()


def _first(sock: socket.socket) -> bytes:
    """Wait for the first bytes that the server sends, enough to tell what they are, and leave them to be read.

    Whoever asks ends the waiting, for a server that stops in the middle of a word.
    """
    while True:
        heard = sock.recv(LONGEST, socket.MSG_PEEK)
        if not heard or not _may_become(heard):
            return heard
        gevent.sleep(0.02)


def _may_become(heard: bytes) -> bool:
    """Tell whether these bytes are the beginning, and no more, of a greeting or of a refusal."""
    return any(words.startswith(heard) and len(heard) < len(words) for words in (GREETING, *REFUSALS))
