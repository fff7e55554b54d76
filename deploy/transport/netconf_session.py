"""A NETCONF session over a transport that is logged in already: greetings, operations and their replies, one by one.

Not here: the login and whether the device is believed (`transport.ssh`), how messages are framed and read
(`transport.netconf_messages`), and what a change is made of (`transport.netconf_connection`).
"""

from __future__ import annotations

from contextlib import suppress

import paramiko

from deploy.transport.netconf_messages import (
    BASE_1_1,
    HELLO,
    MOST_BYTES,
    MOST_OF_GREETING,
    Frames,
    Hello,
    Reply,
    framed,
    read_hello,
    read_reply,
    rpc,
)

SUBSYSTEM = "netconf"
CLOSE = "<close-session/>"
GOODBYE_SECONDS = 1.0


class NetconfSession:
    """One session with a NETCONF server. `operations` counts those that it was asked for.

    Whoever uses it sets a time: nothing here has an end of its own.

    Raises:
        EOFError: from every method, if the server ends the session.
        Malformed: likewise, if it says what is no NETCONF.
    """

    def __init__(self, transport: paramiko.Transport, seconds: float, most: int = MOST_BYTES) -> None:
        self._transport = transport
        self._channel = transport.open_session(timeout=seconds)
        self._channel.invoke_subsystem(SUBSYSTEM)
        self._frames, self._most = Frames(MOST_OF_GREETING), most
        self._is_idle = False
        self.operations = 0
        self.hello = Hello(capabilities=(), session="")

    def greet(self) -> None:
        """Exchange greetings, from which on both sides know how messages are framed."""
        self._channel.sendall(framed(HELLO, chunked=False))
        self.hello = read_hello(self._next())
        self._frames.chunked, self._frames.most = BASE_1_1 in self.hello.capabilities, self._most
        self._is_idle = True

    def ask(self, operation: str) -> Reply:
        """Have an operation done, and return the reply to it."""
        self.operations += 1
        self._is_idle = False
        self._channel.sendall(framed(rpc(self.operations, operation), chunked=self._frames.chunked))
        reply = read_reply(self._next(), self.operations)
        self._is_idle = True
        return reply

    def close(self) -> None:
        """End the session and the connection: what a session that holds the lock has not committed is gone (RFC 6241,
        section 7.5). It is said goodbye to, unless it owes a reply: a killed session's change may be undone.
        """
        if self._is_idle:
            self._is_idle = False
            self._channel.settimeout(GOODBYE_SECONDS)
            with suppress(OSError, EOFError, paramiko.SSHException):
                self._channel.sendall(framed(rpc(self.operations + 1, CLOSE), chunked=self._frames.chunked))
        self._transport.close()

    def _next(self) -> bytes:
        while (message := self._frames.next()) is None:
            data = self._channel.recv(65536)
            if not data:
                raise EOFError("the server ended the session")
            self._frames.feed(data)
        return message
