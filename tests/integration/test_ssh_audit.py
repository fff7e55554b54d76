"""What role base makes of sshd, seen from outside by ssh-audit: this machine's own sshd, with the role's file."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

import pytest

from roles.base import Settings
from roles.shared.parts.templates import render
from tests.audit.ssh import failures
from tests.sshd import await_port, free_port, keygen

SSHD = Path("/usr/sbin/sshd")

SETTINGS = Settings(
    host="tie-test1",
    municipality="Tierp",
    platform="debian-12",  # whose sshd may be the one here, and knows nothing of penalties
    addresses=(IPv4Address("127.0.0.1"),),
    multihomed=False,
    admins=(),
    former_admins=(),
    user_ca_keys=(),
    automation_keys=(),
    management=(IPv4Network("127.0.0.1/32"),),
    nameservers=(),
    apt_proxy="",
    journal_max="1G",
    update_hour=3,
)


@pytest.fixture
def port(tmp_path: Path) -> Iterator[int]:
    """A real sshd of this machine with the configuration that the role makes; the port that it listens on."""
    if not SSHD.exists() or os.geteuid() != 0:
        pytest.skip("needs an sshd, and root to start it; make setup installs it")
    config, key = tmp_path / "sshd_config", tmp_path / "key"
    config.write_text(render("base/sshd_config.j2", settings=SETTINGS), encoding="utf-8")
    keygen(key)
    Path("/run/sshd").mkdir(exist_ok=True)
    port = free_port("127.0.0.1")
    # What is said on the command line comes before the file: only where it listens, and with which key.
    options = [f"-oListenAddress=127.0.0.1:{port}", f"-oHostKey={key}", "-oPidFile=none"]
    process = subprocess.Popen([SSHD, "-D", "-e", "-f", config, *options], stderr=subprocess.DEVNULL)
    try:
        await_port(port)
        yield port
    finally:
        process.terminate()
        process.wait(timeout=10)


def test_ssh_audit_finds_no_failure(port: int) -> None:
    assert failures("127.0.0.1", port) == []
