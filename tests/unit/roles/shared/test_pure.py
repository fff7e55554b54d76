"""What decides is imported without what connects: pages and other processes read plans without pyinfra."""

from __future__ import annotations

import subprocess
import sys

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


def test_a_pure_module_loads_neither_pyinfra_nor_gevent_and_patches_nothing() -> None:
    """All in one process, in turn: the first that loads one is the one that is named."""
    code = f"""
import importlib, socket, sys
stood = socket.socket
for module in {PURE!r}:
    importlib.import_module(module)
    found = sorted(sys.modules.keys() & {{'pyinfra', 'gevent', 'paramiko', 'netmiko'}})
    assert not found and socket.socket is stood, (module, found)
"""
    subprocess.run([sys.executable, "-c", code], cwd=CODE, check=True)
