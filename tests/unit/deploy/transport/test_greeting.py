"""Whether a host answers, by the greeting of its SSH server and by nothing less; and who refuses, and for how long."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import IPv4Address

import pytest
from gevent.server import StreamServer
from gevent.socket import socket

from deploy.transport import greeting
from deploy.transport.greeting import REFUSALS, HostLost, Refused, connected, let_in, refusal
from deploy.transport.ssh import Access, answers_anew
from tests.unit.deploy.lab_fleet import host

HERE = IPv4Address("127.0.0.1")
HOST = host("tie-a", ("eth0", "127.0.0.1/8"))


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
    [
        ((b"SSH-2.0-OpenSSH_10.0\r\n",), True),
        ((b"S", b"SH-2.0-x\r\n"), True),
        ((b"Not allowed at this time\r\n",), True),
        ((b"220 mail\r\n",), False),
        ((b"No",), False),
        ((), False),
    ],
)
def test_only_a_greeting_of_ssh_or_its_refusal_is_an_answer(says: tuple[bytes, ...], answers: bool) -> None:
    with server(*says) as port:
        assert answers_anew(HOST, HERE, Access(port=port, connect_timeout=0.3)) is answers


def test_who_refuses_the_connection_does_not_answer() -> None:
    with server() as port:
        pass
    assert not answers_anew(HOST, HERE, Access(port=port, connect_timeout=0.3))


@pytest.mark.parametrize("said", REFUSALS)
def test_what_a_server_says_instead_of_a_greeting_is_told_and_what_it_greets_with_is_left_to_be_read(
    said: bytes,
) -> None:
    with server(said + b"\r\n") as port, connected(HERE, port, 1) as sock:
        assert refusal(sock) == said.decode()
    with server(b"SSH-2.0-x\r\n") as port, connected(HERE, port, 1) as sock:
        assert refusal(sock) == ""
        assert sock.recv(32) == b"SSH-2.0-x\r\n"


def test_a_server_that_waits_for_the_client_to_speak_first_refuses_nobody() -> None:
    with server() as port, connected(HERE, port, 1) as sock:
        assert refusal(sock, within=0.05) == ""


def test_who_is_refused_tries_again_and_who_finds_nobody_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(greeting, "AGAIN_AFTER", (0.0,) * 3)
    tries: list[int] = []

    def refused(times: int, then: type[HostLost] | None) -> None:
        tries.append(1)
        if len(tries) <= times:
            raise Refused("not now")
        if then is not None:
            raise then("nobody there")

    let_in(lambda: refused(2, None))
    assert len(tries) == 3
    tries.clear()
    with pytest.raises(Refused):
        let_in(lambda: refused(9, None))
    assert len(tries) == 4
    tries.clear()
    with pytest.raises(HostLost, match="nobody there"):
        let_in(lambda: refused(0, HostLost))
    assert len(tries) == 1
