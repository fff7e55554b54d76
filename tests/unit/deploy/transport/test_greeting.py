"""Whether a host answers: by the greeting of its SSH server, and by nothing less."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import IPv4Address

import pytest
from gevent.server import StreamServer
from gevent.socket import socket

from deploy.transport.greeting import greets
from deploy.transport.ssh import Access
from inventory.fleet import Host

HERE = IPv4Address("127.0.0.1")
HOST = Host(name="tie-sw1", kind="device", primary_address=HERE)


@contextmanager
def server(*says: bytes) -> Iterator[int]:
    """A server that says this, piece by piece, and no more; its port."""

    def serve(client: socket, _: object) -> None:
        for piece in says:
            client.sendall(piece)
        client.recv(1)

    running = StreamServer((str(HERE), 0), serve)
    running.start()
    try:
        yield running.server_port
    finally:
        running.stop(timeout=0.1)


@pytest.mark.parametrize(
    ("says", "answers"),
    [((b"SSH-2.0-OpenSSH_10.0\r\n",), True), ((b"S", b"SH-2.0-x\r\n"), True), ((b"220 mail\r\n",), False), ((), False)],
)
def test_only_a_greeting_of_ssh_is_an_answer(says: tuple[bytes, ...], answers: bool) -> None:
    with server(*says) as port:
        assert greets(HOST, HERE, Access(port=port, connect_timeout=0.3)) is answers


def test_who_refuses_the_connection_does_not_answer() -> None:
    with server() as port:
        pass
    assert not greets(HOST, HERE, Access(port=port, connect_timeout=0.3))


def test_a_device_that_is_talked_to_by_netconf_is_asked_there() -> None:
    with server(b"SSH-2.0-x\r\n") as port:
        section = {"transport": "netconf", "netconf_port": port}
        device = HOST.model_copy(update={"context": {"samdrift": section}})
        assert greets(device, HERE, Access(port=1, connect_timeout=0.3))
