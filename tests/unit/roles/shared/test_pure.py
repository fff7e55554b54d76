"""What decides is imported without what connects: pages and other processes read plans without pyinfra."""

from __future__ import annotations

import subprocess
import sys

import pytest

from inventory.paths import CODE

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
    *(f"deploy.model.{p.stem}" for p in sorted((CODE / "deploy/model").glob("[a-z]*.py"))),
)


@pytest.mark.parametrize("module", PURE)
def test_a_pure_module_loads_neither_pyinfra_nor_gevent(module: str) -> None:
    code = f"import sys, {module}; print(sorted(sys.modules.keys() & {{'pyinfra', 'gevent'}}))"
    found = subprocess.run([sys.executable, "-c", code], cwd=CODE, capture_output=True, text=True, check=True)
    assert found.stdout == "[]\n"
