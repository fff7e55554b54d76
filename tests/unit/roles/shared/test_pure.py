"""What decides is imported without what connects: pages and other processes read plans without pyinfra."""

from __future__ import annotations

import subprocess
import sys

import pytest

from inventory.paths import CODE

ROOMS = ("model", "store", "report")

PURE = (
    "roles.shared.change",
    "roles.shared.guard",
    "roles.shared.lineage",
    "roles.shared.settings",
    "roles.shared.traffic",
    "roles.shared.device.difference",
    "roles.shared.device.sections",
    "roles.shared.network.peering",
    "roles.shared.network.servers",
    *(f"deploy.{room}.{p.stem}" for room in ROOMS for p in sorted((CODE / "deploy" / room).glob("[a-z]*.py"))),
)


@pytest.mark.long
@pytest.mark.parametrize("module", PURE)
def test_a_pure_module_loads_neither_pyinfra_nor_gevent_and_patches_nothing(module: str) -> None:
    code = (
        f"import socket; stood = socket.socket; import sys, {module};"
        "print(sorted(sys.modules.keys() & {'pyinfra', 'gevent'}), socket.socket is stood)"
    )
    found = subprocess.run([sys.executable, "-c", code], cwd=CODE, capture_output=True, text=True, check=True)
    assert found.stdout == "[] True\n"
