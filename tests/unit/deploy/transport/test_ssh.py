"""A host is believed by the inventory's keys alone, and every wait for it ends."""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread

import pytest

from deploy.transport import channel, ssh
from deploy.transport.greeting import Refused, let_in
from deploy.transport.ssh import Access, Connection, HostLost, UnusableKey
from tests.sshd import Sshd, cannot_run, keygen, running_sshd


def test_a_host_with_the_inventorys_key_answers(sshd: Sshd) -> None:
    connection = Connection(sshd.host(), sshd.access)
    connection.open()
    answer = connection.run("sh -s", stdin=b"echo out; echo err >&2; exit 3", timeout=5)
    connection.close()
    assert (answer.rc, answer.stdout, answer.stderr) == (3, "out\n", "err\n")


OUTERMOST = 'p=$$; while q=$(sed -n "s/^PPid:[^0-9]*//p" /proc/$p/status); ! grep -q sshd /proc/$q/comm; do p=$q; done'
"""Shell text: `p` is the program that sshd itself started."""


def test_a_program_that_a_signal_ended_is_not_taken_for_a_lost_connection(sshd: Sshd) -> None:
    """paramiko#598: what a host says of the signal is left out, and it looks as if the connection had closed."""
    connection = Connection(sshd.host(), sshd.access)
    connection.open()
    for name in ("KILL", "TERM"):
        with pytest.raises(HostLost, match=f"ended there by signal {name}, not by itself"):
            connection.run(f"sh -c '{OUTERMOST}; kill -{name} $p'", timeout=5)
    assert connection.run("echo on", timeout=5).stdout == "on\n"
    connection.close()


def test_a_host_with_ipv6_alone_is_reached(tmp_path: Path) -> None:
    if reason := cannot_run():
        pytest.skip(reason)
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError as e:
        pytest.skip(f"this machine has no IPv6: {e}")
    with running_sshd(tmp_path, "ListenAddress ::1\n") as sshd:
        connection = Connection(sshd.host(primary_address=None, primary_address6="::1"), sshd.access)
        connection.open()
        assert connection.run("sh -c 'echo ${SSH_CONNECTION%% *}'", timeout=5).stdout == "::1\n"
        connection.close()


def test_a_wrong_host_key_refuses_the_host_and_sends_it_no_login(sshd: Sshd, tmp_path: Path) -> None:
    connection = Connection(sshd.host(host_keys=(keygen(tmp_path / "other"),)), sshd.access)
    with pytest.raises(HostLost, match=r"host key .* is not the one in the inventory") as e:
        connection.open()
    assert e.value.where == "host tie-test1, field host_keys"
    with pytest.raises(HostLost, match="not connected"):
        connection.run("true", timeout=1)


def test_a_host_without_a_key_in_the_inventory_is_refused(sshd: Sshd) -> None:
    with pytest.raises(HostLost, match="no host key"):
        Connection(sshd.host(host_keys=()), sshd.access).open()


def test_while_a_host_key_takes_the_place_of_another_either_is_believed(sshd: Sshd, tmp_path: Path) -> None:
    other = keygen(tmp_path / "next")
    for keys in ((sshd.host_key, other), (other, sshd.host_key)):
        connection = Connection(sshd.host(host_keys=keys), sshd.access)
        connection.open()
        connection.close()


@pytest.mark.parametrize("where", ["/dev/stdout", "/dev/stderr"])
def test_a_host_that_floods_is_lost_with_a_reason_and_fills_no_memory(
    sshd: Sshd, where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(channel, "MOST_BYTES", 1024**2)
    connection = Connection(sshd.host(), sshd.access)
    connection.open()
    with pytest.raises(HostLost, match="it answered more than 1 MiB"):
        connection.run(f"sh -c 'cat /dev/zero > {where}'", timeout=20)
    connection.close()


@contextmanager
def agent_with(tmp_path: Path, *keys: Path) -> Iterator[dict[str, str]]:
    """An SSH agent with these keys, in this order; its environment."""
    socket_file = tmp_path / "agent"
    with subprocess.Popen(["ssh-agent", "-D", "-a", str(socket_file)], stdout=subprocess.DEVNULL) as agent:
        try:
            for _ in range(100):
                if socket_file.exists():
                    break
                time.sleep(0.02)
            environment = {"SSH_AUTH_SOCK": str(socket_file)}
            for key in keys:
                subprocess.run(["ssh-add", "-q", str(key)], env={**os.environ, **environment}, check=True)
            yield environment
        finally:
            agent.terminate()


def test_of_many_keys_in_an_agent_three_are_tried_and_the_right_one_can_be_named_or_is_known_from_another_host(
    sshd: Sshd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert sshd.access.key_file is not None
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(ssh, "_accepted", {})
    strangers = [tmp_path / f"stranger{number}" for number in range(4)]
    for stranger in strangers:
        keygen(stranger)
    right = tmp_path / "right"
    shutil.copy(sshd.access.key_file, right)
    public = subprocess.run(["ssh-keygen", "-y", "-f", str(right)], check=True, capture_output=True, text=True).stdout
    right.with_suffix(".pub").write_text(public)
    access = sshd.access.model_copy(update={"key_file": None})
    with agent_with(tmp_path, *strangers, right) as environment:
        monkeypatch.setenv("SSH_AUTH_SOCK", environment["SSH_AUTH_SOCK"])
        with pytest.raises(HostLost, match="3 keys refused; 2 more not tried") as lost:
            Connection(sshd.host(), access).open()
        assert "name the right one with --key" in str(lost.value)
        for how in (access.model_copy(update={"key_file": right.with_suffix(".pub")}), access):
            connection = Connection(sshd.host(), how)
            connection.open()
            connection.close()
        with pytest.raises(UnusableKey, match="the SSH agent has no key of this public one"):
            Connection(sshd.host(), access.model_copy(update={"key_file": _unknown(tmp_path)})).open()


def _unknown(tmp_path: Path) -> Path:
    keygen(tmp_path / "unknown")
    return tmp_path / "unknown.pub"


def test_a_key_type_that_the_host_does_not_offer_is_refused(sshd: Sshd) -> None:
    with pytest.raises(HostLost):
        Connection(sshd.host(host_keys=("ssh-rsa AAAAB3NzaC1yc2E=",)), sshd.access).open()


def test_a_host_with_an_rsa_key_may_sign_by_something_better_than_sha_1(sshd: Sshd, tmp_path: Path) -> None:
    with running_sshd(tmp_path, "HostKeyAlgorithms rsa-sha2-512\n", kind="rsa") as other:
        connection = Connection(other.host(), other.access)
        connection.open()
        assert connection.run("true", timeout=5).rc == 0
        connection.close()


def test_a_login_key_that_is_refused_is_said_so(sshd: Sshd, tmp_path: Path) -> None:
    keygen(tmp_path / "stranger")
    access = sshd.access.model_copy(update={"key_file": tmp_path / "stranger"})
    with pytest.raises(HostLost, match=f"login as {access.user} failed: 1 key refused"):
        Connection(sshd.host(), access).open()


def locked_key(path: Path) -> Path:
    path.parent.mkdir(exist_ok=True)
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "secret", "-f", str(path)], check=True)
    return path


def test_a_locked_key_that_was_named_is_said_so(sshd: Sshd, tmp_path: Path) -> None:
    access = sshd.access.model_copy(update={"key_file": locked_key(tmp_path / "locked")})
    with pytest.raises(UnusableKey, match=r"cannot use this SSH key: .*password"):
        Connection(sshd.host(), access).open()


def test_a_locked_key_of_ones_own_does_not_keep_the_others_from_being_tried(
    sshd: Sshd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    access = sshd.access.model_copy(update={"key_file": None})
    locked_key(tmp_path / ".ssh/id_ed25519")
    with pytest.raises(HostLost, match=r"no key to try; .*id_ed25519: cannot use this SSH key"):
        Connection(sshd.host(), access).open()
    assert sshd.access.key_file is not None
    shutil.copy(sshd.access.key_file, tmp_path / ".ssh/id_ecdsa")
    connection = Connection(sshd.host(), access)
    connection.open()
    connection.close()


def test_a_device_is_looked_at_by_the_account_that_it_was_given_for_that_or_that_is_named() -> None:
    key, look_key = Path("key"), Path("look")
    access = Access(key_file=key, look_key_file=look_key)
    assert access.for_looks("") is access
    assert access.for_looks("samdrift") is access
    looks = access.for_looks("samdrift-look")
    assert (looks.user, looks.key_file, looks.looks) == ("samdrift-look", look_key, True)
    named = Access(look_user="oxidized", key_file=key).for_looks("samdrift-look")
    assert (named.user, named.key_file, named.looks) == ("oxidized", key, True)
    assert Access(look_user="samdrift").for_looks("samdrift-look").looks is False


def test_whatever_a_stranger_answers_is_that_hosts_affair_alone(sshd: Sshd) -> None:
    names = b"\xff\xfe"  # no UTF-8, in the first list of the key exchange
    body = b"\x14" + bytes(16) + (len(names).to_bytes(4, "big") + names) * 10 + bytes(5)
    padding = 8 - (len(body) + 5) % 8 + 8
    packet = (len(body) + padding + 1).to_bytes(4, "big") + bytes([padding]) + body + bytes(padding)
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            peer, _ = server.accept()
            with peer:
                peer.sendall(b"SSH-2.0-stranger\r\n" + packet)
                peer.recv(1)
                time.sleep(0.5)

        Thread(target=answer, daemon=True).start()
        access = sshd.access.model_copy(update={"port": server.getsockname()[1]})
        with pytest.raises(HostLost, match="no SSH session"):
            Connection(sshd.host(), access).open()


@pytest.fixture
def few(tmp_path: Path) -> Iterator[Sshd]:
    """A real sshd that greets one station at a time, and waits for who has not logged in."""
    if why := cannot_run():
        pytest.skip(why)
    with running_sshd(tmp_path, "MaxStartups 1:100:1\nLoginGraceTime 60\n") as sshd:
        yield sshd


def greeted(port: int) -> socket.socket:
    """A connection that sshd greets: the one that it takes, once those before are gone."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        waiting = socket.create_connection(("127.0.0.1", port))
        if waiting.recv(4) == b"SSH-":
            return waiting
        waiting.close()
        time.sleep(0.05)
    raise TimeoutError("it greets nobody")


def test_a_host_that_refuses_this_station_for_a_while_is_no_lost_one_and_is_reached_once_it_does_not(few: Sshd) -> None:
    connection = Connection(few.host(), few.access)
    alive = "it is alive, and refuses this station for a while: Exceeded MaxStartups"
    with greeted(few.port), pytest.raises(Refused, match=alive):
        connection.open()
    let_in(connection.open)
    assert connection.run("id -u", timeout=5).rc == 0
    connection.close()


def test_a_port_where_nobody_listens_is_lost_and_says_where(sshd: Sshd) -> None:
    access = sshd.access.model_copy(update={"port": 1})
    with pytest.raises(HostLost, match=r"host tie-test1: cannot connect to 127\.0\.0\.1 port 1: .*refused"):
        Connection(sshd.host(), access).open()


def test_a_host_that_accepts_and_says_nothing_is_lost_in_time(sshd: Sshd) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        access = sshd.access.model_copy(update={"port": silent.getsockname()[1], "connect_timeout": 0.5})
        started = time.monotonic()
        with pytest.raises(HostLost):
            Connection(sshd.host(), access).open()
        assert time.monotonic() - started < 5


def test_a_command_that_hangs_is_given_up_in_time(sshd: Sshd) -> None:
    connection = Connection(sshd.host(), sshd.access)
    connection.open()
    with pytest.raises(HostLost, match=r"no answer within 0\.5 s"):
        connection.run("sleep 30", timeout=0.5)
    connection.close()


@pytest.mark.long
def test_a_connection_that_breaks_in_the_middle_is_lost_and_not_an_answer(sshd: Sshd) -> None:
    connection = Connection(sshd.host(), sshd.access)
    connection.open()
    with pytest.raises(HostLost):
        connection.run("sh -c 'echo part; kill -9 $PPID; sleep 5'", timeout=5)
    connection.close()


def test_output_larger_than_a_window_comes_whole_while_much_is_sent(sshd: Sshd) -> None:
    connection = Connection(sshd.host(), sshd.access)
    connection.open()
    data = b"0123456789abcdef" * 400_000
    answer = connection.run("sh -c 'cat; echo done >&2'", stdin=data, timeout=30)
    connection.close()
    assert answer.stdout.encode() == data
    assert answer.stderr == "done\n"
