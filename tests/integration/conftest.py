"""What integration tests stand on: a machine that can run the lab, the lab, and its NetBox; and whose turn it is."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.lab.image import Machine, build
from deploy.lab.lab import Lab
from deploy.lab.machine import environment_option, require_machine
from deploy.lab.place import lab_directory
from inventory.errors import SamdriftError
from inventory.fleet import Fleet
from tests.integration.lab import (
    STAGE,
    UP,
    NetBoxServer,
    deploy_netbox,
    given_netbox,
    lab_fleet,
    netbox_in_lab,
    samdrift,
    tell,
)


def _modules(*names: str) -> list[Path]:
    return [Path(__file__).with_name(f"{name}.py") for name in names]


FIRST = _modules("test_untrusted", "test_main_job", "test_watch_station", "test_edge", "test_lab")
"""What needs the lab and no NetBox, from empty disks on: one lab, that each of them leaves as the next expects it; then
what has a lab of its own beside the other, since those of NetBox wait for the other one's hosts.
"""

LAST = _modules(
    "test_netbox_seed",
    "test_netbox_pull",
    "test_netbox_review",
    "test_netbox_scope",
    "test_netbox_role",
    "test_netbox_users",
    "test_write_back",
    "test_mutations",
)
"""What needs the lab's NetBox, whose first day takes minutes."""


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
    if STAGE not in os.environ:
        Lab().down()


@pytest.fixture(scope="session")
def empty_lab(machine: None) -> Fleet:
    """The lab with empty disks, as its fleet."""
    Lab().down()
    samdrift("lab", "up")
    tell(UP)
    return lab_fleet()


@pytest.fixture(scope="session")
def netbox(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> NetBoxServer:
    """A real NetBox: the one that the environment names, or else the lab's."""
    given = given_netbox()
    if given is None:
        request.getfixturevalue("machine")
        deploy_netbox()
        server = netbox_in_lab(tmp_path_factory.mktemp("netbox"))
        server.rest()
        return server
    return given


@pytest.fixture(scope="module")
def at_work(netbox: NetBoxServer) -> Iterator[None]:
    """NetBox's worker takes jobs, which it does for none but who asks for this."""
    netbox.work()
    yield
    netbox.rest()


@pytest.fixture
def lab_netbox(netbox: NetBoxServer) -> NetBoxServer:
    """The lab's own NetBox, and with it the lab's hosts."""
    if given_netbox():
        pytest.skip("changes a host of the lab, which is up only with the lab's own NetBox")
    return netbox
