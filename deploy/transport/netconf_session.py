"""A NETCONF session over a transport that is logged in already: greetings, operations and their replies, one by one.

Not here: the login and whether the device is believed (`transport.ssh`), how messages are framed and read
(`transport.netconf_messages`), and what a change is made of (`transport.netconf_connection`).
"""

from __future__ import annotations

import paramiko

from deploy.transport.netconf_messages import (
    BASE_1_1,
    HELLO,
    MOST_BYTES,
    Frames,
    Hello,
    Reply,
    framed,
    read_hello,
    read_reply,
    rpc,
)

SUBSYSTEM = "netconf"


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
        self._frames = Frames(most)
        self.operations = 0
        self.hello = Hello(capabilities=(), session="")

    def greet(self) -> None:
        """Exchange greetings, from which on both sides know how messages are framed."""
        self._channel.sendall(framed(HELLO, chunked=False))
        self.hello = read_hello(self._next())
        self._frames.chunked = BASE_1_1 in self.hello.capabilities

    def ask(self, operation: str) -> Reply:
        """Have an operation done, and return the reply to it."""
        self.operations += 1
        self._channel.sendall(framed(rpc(self.operations, operation), chunked=self._frames.chunked))
        return read_reply(self._next(), self.operations)

    def close(self) -> None:
        """End the connection: what is in the candidate of a session that holds its lock is gone (RFC 6241, 7.5)."""
        self._transport.close()

    def _next(self) -> bytes:
        while (message := self._frames.next()) is None:
            data = self._channel.recv(65536)
            if not data:
                raise EOFError("the server ended the session")
            self._frames.feed(data)
        return message
