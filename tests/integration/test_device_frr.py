"""A session on a real command line: FRR's vtysh as a login shell, behind a real sshd."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from deploy.transport.device import DeviceConnection
from roles.shared.device.known import known_vendors
from tests.sshd import Sshd, running_sshd

FRR = known_vendors()["frr"]
ROUTER = ["router bgp 65001", "bgp router-id 10.0.0.1", "neighbor 10.0.0.2 remote-as 65002"]


@pytest.fixture
def frr(sshd: Sshd, tmp_path: Path) -> Iterator[Sshd]:  # the other sshd is what says that this machine can have one
    """FRR's BGP daemon, which talks to nobody, and its command line for whoever logs in."""
    vtysh = f"/usr/bin/vtysh --vty_socket {tmp_path} --config_dir {tmp_path}"
    with bgpd(tmp_path), running_sshd(tmp_path, f"ForceCommand {vtysh}\n") as running:
        yield running


@contextmanager
def bgpd(directory: Path) -> Iterator[None]:
    for name in ("vtysh.conf", "bgpd.conf"):
        (directory / name).touch()
    files = ["--vty_socket", str(directory), "-f", str(directory / "bgpd.conf"), "-i", str(directory / "bgpd.pid")]
    process = subprocess.Popen(["/usr/lib/frr/bgpd", "-p", "0", "-P", "0", "-n", "-Z", "-S", *files])
    try:
        deadline = time.monotonic() + 10
        while not (directory / "bgpd.vty").exists():
            assert time.monotonic() < deadline
            time.sleep(0.05)
        yield
    finally:
        process.terminate()
        process.wait(timeout=10)


@contextmanager
def session(frr: Sshd) -> Iterator[DeviceConnection]:
    connection = DeviceConnection(frr.host(platform="frr"), frr.access, FRR)
    connection.open()
    try:
        yield connection
    finally:
        connection.close()


def test_frr_is_asked_changed_and_saved(frr: Sshd, tmp_path: Path) -> None:
    with session(frr) as frr_session:
        before, refused = frr_session.ask([FRR.show, "show nonsense"])
        assert before.stdout.startswith("Building configuration...\n")
        assert before.stdout.endswith("\nend\n")
        assert (refused.rc, refused.stderr) == (1, "% Unknown command: show nonsense")
        done = frr_session.configure([*ROUTER, "neighbor 10.0.0.2 description Östhammar, sal 4"], minutes=None)
        assert (done.rc, done.taken) == (0, 4)
        assert frr_session.save().rc == 0
    assert "neighbor 10.0.0.2 remote-as 65002" in (tmp_path / "bgpd.conf").read_text()
    with session(frr) as frr_session:
        (after,) = frr_session.ask([FRR.show])
        assert " neighbor 10.0.0.2 description Östhammar, sal 4\n" in after.stdout


def test_frr_refuses_a_line_and_what_was_before_it_is_in_force(frr: Sshd) -> None:
    with session(frr) as frr_session:
        done = frr_session.configure([*ROUTER, "neighbour 10.0.0.3 remote-as 1", "no router bgp 65001"], minutes=None)
        assert (done.rc, done.taken) == (1, 3)
        assert "refused at 4 of 5, 'neighbour 10.0.0.3 remote-as 1': % Unknown command" in done.stderr
        assert "neighbor 10.0.0.2 remote-as 65002" in frr_session.ask([FRR.show])[0].stdout


def test_frr_may_get_another_name_in_a_change(frr: Sshd) -> None:
    with session(frr) as frr_session:
        assert frr_session.configure(["hostname brand-new-one", *ROUTER], minutes=None).rc == 0
        assert "hostname brand-new-one" in frr_session.ask([FRR.show])[0].stdout


def test_many_lines_of_frr_come_whole(frr: Sshd) -> None:
    lines = [f"ip prefix-list many seq {n} permit 10.{n // 256}.{n % 256}.0/24" for n in range(1, 301)]
    with session(frr) as frr_session:
        assert frr_session.configure(lines, minutes=None).taken == 300
        shown = frr_session.ask([FRR.show])[0].stdout.splitlines()
        assert [line for line in shown if line.startswith("ip prefix-list")] == lines
