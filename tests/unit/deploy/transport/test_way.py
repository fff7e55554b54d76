"""A host is reached through a bastion as it is straight: two real servers, each believed by its own key alone."""

from __future__ import annotations

import os
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from ipaddress import IPv4Address
from pathlib import Path

import gevent
import paramiko
import pytest

from deploy.transport.ssh import Access, Bastion, Connection, HostLost, answers_anew, log_in
from deploy.transport.way import _pass_on
from inventory.fleet import Host
from tests.sshd import Sshd, keygen, running_sshd

HERE = IPv4Address("127.0.0.1")


@contextmanager
def bastion(directory: Path, sshd: Sshd, options: str = "") -> Iterator[Sshd]:
    """An sshd that lets in who may log in to the other one."""
    directory.mkdir()
    with running_sshd(directory, options) as running:
        assert sshd.access.key_file is not None
        (directory / "authorized").write_text(sshd.access.key_file.with_suffix(".pub").read_text())
        yield running


@pytest.fixture
def between(sshd: Sshd, tmp_path: Path) -> Iterator[Sshd]:
    with bastion(tmp_path / "bastion", sshd) as running:
        yield running


def by(between: Sshd, sshd: Sshd, **changes: object) -> Access:
    """The way in to a host, through the bastion."""
    through = Bastion(host=between.host("tie-bastion1", **changes), port=between.port)
    return sshd.access.model_copy(update={"through": through})


def opened_on(sshd: Sshd) -> int:
    """How many connections there are to a server now."""
    lines = Path("/proc/net/tcp").read_text(encoding="ascii").splitlines()[1:]
    return sum(1 for line in lines if line.split()[1].endswith(f":{sshd.port:04X}") and line.split()[3] == "01")


def test_a_host_answers_through_the_bastion_and_only_bytes_pass_there(sshd: Sshd, between: Sshd) -> None:
    connection = Connection(sshd.host(), by(between, sshd))
    connection.open()
    megabyte = connection.run("sh -s", stdin=b"head -c 1000000 /dev/zero | tr '\\0' x; exit 3", timeout=20)
    first, second = connection.ask(["echo one", "echo two"])
    connection.close()

    assert (megabyte.rc, len(megabyte.stdout)) == (3, 1_000_000)
    assert (first.stdout, second.stdout) == ("one\n", "two\n")


def test_the_host_sees_the_bastion_and_the_guards_know_it(sshd: Sshd, between: Sshd) -> None:
    login = log_in(sshd.host(), by(between, sshd, primary_address=IPv4Address("127.0.0.1")))
    login.transport.close()

    assert (login.came_in.source, login.came_in.address) == (HERE, HERE)


def test_the_bastions_connection_ends_with_the_hosts(sshd: Sshd, between: Sshd) -> None:
    before = opened_on(between)
    connection = Connection(sshd.host(), by(between, sshd))
    connection.open()
    assert opened_on(between) == before + 1
    connection.close()
    end = time.monotonic() + 10
    while opened_on(between) > before and time.monotonic() < end:
        gevent.sleep(0.05)
    assert opened_on(between) == before


def test_the_bastion_itself_is_reached_straight(sshd: Sshd, between: Sshd) -> None:
    access = by(between, sshd).model_copy(update={"port": between.port})
    connection = Connection(between.host("tie-bastion1"), access)
    connection.open()
    assert connection.run("echo here", timeout=5).stdout == "here\n"
    connection.close()


def test_neither_of_the_two_is_believed_by_another_key(sshd: Sshd, between: Sshd, tmp_path: Path) -> None:
    other = keygen(tmp_path / "other")

    with pytest.raises(HostLost, match=r"through tie-bastion1: its ssh-ed25519 host key .* is not the") as e:
        Connection(sshd.host(), by(between, sshd, host_keys=(other,))).open()
    assert e.value.where == "host tie-test1"
    with pytest.raises(HostLost, match=r"host_keys: its ssh-ed25519 host key .* is not the one in the") as e:
        Connection(sshd.host(host_keys=(other,)), by(between, sshd)).open()
    assert e.value.where == "host tie-test1, field host_keys"


@pytest.mark.parametrize("option", ["AllowTcpForwarding no\n", "PermitOpen 127.0.0.1:1\n", "DisableForwarding yes\n"])
def test_a_bastion_that_does_not_let_through_is_told_and_what_to_do(sshd: Sshd, tmp_path: Path, option: str) -> None:
    with bastion(tmp_path / "bastion", sshd, option) as between, pytest.raises(HostLost) as e:
        Connection(sshd.host(), by(between, sshd)).open()

    assert f"cannot connect to 127.0.0.1 port {sshd.port} through tie-bastion1: " in e.value.what
    assert e.value.where == "host tie-test1"
    assert "AllowTcpForwarding" in e.value.fix


def test_a_host_that_is_away_behind_the_bastion_is_one_that_is_away(sshd: Sshd, between: Sshd) -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    away = by(between, sshd).model_copy(update={"port": port})

    assert not answers_anew(sshd.host(), HERE, away)
    with pytest.raises(
        HostLost, match=f"cannot connect to 127.0.0.1 port {port} through tie-bastion1: connect failed"
    ) as e:
        Connection(sshd.host(), away).open()
    assert e.value.fix == ""


def test_a_bastion_that_is_away_is_told_of_each_host_that_is_behind_it(sshd: Sshd, tmp_path: Path) -> None:
    with bastion(tmp_path / "bastion", sshd) as between:
        access = by(between, sshd)
        assert answers_anew(sshd.host(), HERE, access)
    assert not answers_anew(sshd.host(), HERE, access)
    with pytest.raises(HostLost, match=r"cannot be reached through tie-bastion1: cannot connect to"):
        Connection(sshd.host(), access).open()


def test_a_bastion_that_dies_takes_its_hosts_along_and_nothing_hangs(sshd: Sshd, tmp_path: Path) -> None:
    with bastion(tmp_path / "bastion", sshd, "ClientAliveInterval 1\n") as between:
        connection = Connection(sshd.host(), by(between, sshd))
        connection.open()
        assert connection.run("echo on", timeout=5).stdout == "on\n"
        hang_up(between)
        began = time.monotonic()
        with pytest.raises(HostLost, match="lost while running a command"):
            connection.run("sleep 60", timeout=30)
        assert time.monotonic() - began < 25
        connection.close()


def hang_up(sshd: Sshd) -> None:
    """End a server's sessions, as a machine does that goes down."""
    sessions = below(sshd.process.pid)
    assert sessions
    for process in sessions:
        os.kill(process, signal.SIGKILL)


def below(process: int) -> list[int]:
    """The processes that this one began, and theirs: who is not root is served by one that another watches."""
    children = Path(f"/proc/{process}/task/{process}/children").read_text(encoding="ascii").split()
    return [found for child in map(int, children) for found in (child, *below(child))]


@pytest.mark.parametrize("broken", [OSError("gone"), paramiko.SSHException("the key exchange takes too long")])
def test_whatever_breaks_the_way_the_other_side_hears_that_it_is_over(broken: Exception) -> None:
    def tell(data: bytes) -> None:
        raise broken

    over: list[bool] = []
    with suppress(paramiko.SSHException):
        _pass_on(lambda _: b"x", tell, lambda: over.append(True))
    assert over == [True]


def test_many_hosts_are_reached_through_one_bastion_at_once(sshd: Sshd, between: Sshd) -> None:
    hosts: list[Host] = [sshd.host(f"tie-test{number}") for number in range(6)]
    connections = [Connection(host, by(between, sshd)) for host in hosts]
    opening = [gevent.spawn(connection.open) for connection in connections]
    gevent.joinall(opening, timeout=30, raise_error=True)
    answers = [connection.run(f"echo {number}", timeout=10).stdout for number, connection in enumerate(connections)]
    for connection in connections:
        connection.close()

    assert answers == [f"{number}\n" for number in range(6)]
