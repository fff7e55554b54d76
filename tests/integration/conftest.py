"""What integration tests stand on: a real sshd on loopback, and roles made for a test."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from ipaddress import IPv4Address
from pathlib import Path

import pytest

import roles
from deploy.lab.image import Machine, build
from deploy.lab.lab import Lab
from deploy.lab.machine import environment_option, require_machine
from deploy.lab.place import lab_directory
from deploy.transport.ssh import Access
from inventory.errors import SamdriftError
from inventory.fleet import Fleet, Host, Platform, Region, Site, Tenant
from inventory.snapshot import load
from roles.shared.catalogue import catalogue
from tests.integration.lab import DEPLOYED, NetBoxServer, deploy_netbox, given_netbox, netbox_in_lab, samdrift

NEEDS_ROOT = "needs root: sshd lets nobody else log in as root; run the tests as root"


def parent_of(process: str) -> str:
    """Shell text for the id of a process's parent. Not by `ps`, which a bare Debian does not have."""
    return f'$(sed -n "s/^PPid:[^0-9]*//p" /proc/{process}/status)'


@dataclass
class Sshd:
    """A real sshd on loopback: how to reach it, and its process."""

    port: int
    host_key: str
    access: Access
    process: subprocess.Popen[bytes]

    def host(self, name: str = "tie-test1", **changes: object) -> Host:
        """An inventory host that is this sshd."""
        data: dict[str, object] = {
            "name": name,
            "kind": "vm",
            "tenant": "tierp",
            "site": "tierp-datahall",
            "role": "server",
            "platform": "debian-12",
            "primary_address": IPv4Address("127.0.0.1"),
            "host_keys": (self.host_key,),
        }
        return Host.model_validate(data | changes)


def fleet_of(*hosts: Host) -> Fleet:
    """The smallest fleet that holds these hosts."""
    return Fleet(
        regions=(Region(slug="norra-uppland", name="Norra Uppland"),),
        tenants=(Tenant(slug="tierp", name="Tierp"),),
        sites=(Site(slug="tierp-datahall", name="Tierp datahall", tenant="tierp", region="norra-uppland"),),
        platforms=(Platform(slug="debian-12", name="Debian 12", family="debian"),),
        hosts=hosts,
    )


def keygen(path: Path, kind: str = "ed25519") -> str:
    """A new key pair at `path`; the public one as `type base64`."""
    subprocess.run(["ssh-keygen", "-q", "-t", kind, "-N", "", "-f", str(path)], check=True)
    return " ".join(path.with_suffix(".pub").read_text().split()[:2])


def free_port(address: str) -> int:
    """A port on which nobody listens at this address."""
    with socket.create_server((address, 0)) as probe:
        port: int = probe.getsockname()[1]
    return port


@contextmanager
def running_sshd(directory: Path, options: str = "", kind: str = "ed25519") -> Iterator[Sshd]:
    """An sshd of this machine, in the foreground, with keys of its own; the host's is of this kind.

    Args:
        options: further lines of its configuration.
    """
    host_key = keygen(directory / "host_key", kind)
    user_key = keygen(directory / "user_key")
    (directory / "authorized").write_text(f"{user_key}\n")
    port = free_port("127.0.0.1")
    config = directory / "sshd_config"
    # A HOME of its own: what this machine's root has in its shell's start-up files is not under test.
    config.write_text(
        f"Port {port}\nListenAddress 127.0.0.1\nHostKey {directory}/host_key\nPidFile none\nUsePAM no\n"
        f"AuthorizedKeysFile {directory}/authorized\nStrictModes no\nPermitRootLogin prohibit-password\n"
        f"SetEnv HOME={directory}\n{options}"
    )
    Path("/run/sshd").mkdir(exist_ok=True)
    with (directory / "sshd.log").open("wb") as log:
        process = subprocess.Popen(["/usr/sbin/sshd", "-D", "-e", "-f", str(config)], stderr=log)
        try:
            await_port(port)
            access = Access(user="root", key_file=directory / "user_key", port=port, connect_timeout=3)
            yield Sshd(port, host_key, access, process)
        finally:
            process.terminate()
            process.wait(timeout=10)


def await_port(port: int) -> None:
    """Wait until somebody listens on this port of 127.0.0.1; an error if nobody does."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise TimeoutError(f"sshd did not listen on port {port}")


@pytest.fixture(scope="session")
def sshd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    if os.geteuid() != 0:
        pytest.skip(NEEDS_ROOT)
    with running_sshd(tmp_path_factory.mktemp("sshd")) as running:
        yield running


def _modules(*names: str) -> list[Path]:
    return [Path(__file__).with_name(f"{name}.py") for name in names]


FIRST = _modules("test_untrusted", "test_main_job", "test_edge")
"""What needs the lab and no NetBox, from empty disks on: one lab, that each of them leaves as the next expects it."""

LAST = _modules("test_netbox_seed", "test_netbox_pull", "test_netbox_role", "test_write_back", "test_lab")
"""What needs the lab's NetBox, whose first day takes minutes; then what has a lab of its own beside the other."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: _turn(item.path))


def _turn(module: Path) -> int:
    """When it is a module's turn: what is neither first nor last is in between."""
    return FIRST.index(module) - len(FIRST) if module in FIRST else LAST.index(module) + 1 if module in LAST else 0


def _complaint() -> str:
    """Why this machine cannot run the lab; empty if it can."""
    try:
        require_machine()
    except SamdriftError as e:
        return str(e)
    return ""


@pytest.fixture(scope="session")
def able() -> None:
    """A machine that can run the lab: root, Debian 12 or 13, the packages."""
    if complaint := _complaint():
        pytest.skip(complaint)


@pytest.fixture(scope="session")
def image(able: None) -> Path:
    """The image of the lab's hosts, built once: half a minute, and the network outside."""
    return build(Lab().id, lab_directory() / "images", Machine.here(environment_option("SAMDRIFT_MIRROR")))


@pytest.fixture(scope="session")
def machine(able: None) -> Iterator[None]:
    """A machine that can run the lab; what is up when the tests end is taken down, unless others still use it."""
    yield
    if DEPLOYED not in os.environ:
        Lab().down()


@pytest.fixture(scope="session")
def empty_lab(machine: None) -> Fleet:
    """The lab with empty disks, as its fleet."""
    Lab().down()
    samdrift("lab", "up")
    return Lab().overlay(load())


@pytest.fixture(scope="session")
def netbox(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> NetBoxServer:
    """A real NetBox: the one that the environment names, or else the lab's."""
    given = given_netbox()
    if given is None:
        request.getfixturevalue("machine")
        deploy_netbox()
    return given or netbox_in_lab(tmp_path_factory.mktemp("netbox"))


@pytest.fixture
def lab_netbox(netbox: NetBoxServer) -> NetBoxServer:
    """The lab's own NetBox, and with it the lab's hosts."""
    if given_netbox():
        pytest.skip("changes a host of the lab, which is up only with the lab's own NetBox")
    return netbox


@pytest.fixture
def make_role(tmp_path: Path) -> Iterator[Callable[[str, str], None]]:
    """Write a role for one test: `make_role(name, source)`. It is found by its name, as every role is."""
    directory = tmp_path / "roles"
    directory.mkdir()
    roles.__path__.append(str(directory))
    made: list[str] = []

    def make(name: str, source: str) -> None:
        (directory / f"{name}.py").write_text(source)
        made.append(name)
        catalogue.cache_clear()

    try:
        yield make
    finally:
        roles.__path__.remove(str(directory))
        for name in made:
            sys.modules.pop(f"roles.{name}", None)
        catalogue.cache_clear()
