"""The fleet as pyinfra's own inventory: who is in which group, and whom pyinfra believes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from inventory.groups import groups, known_hosts
from inventory.paths import CODE
from inventory.snapshot import dump
from tests.unit.inventory.fleets import GATEWAY, KEY_A, SERVER, fleet, with_hosts


def names(group: str) -> list[str]:
    return [name for name, _ in groups(fleet(), {}).get(group, [])]


def test_a_host_is_in_the_groups_of_its_municipality_site_role_platform_and_tags() -> None:
    for group in ("municipality_heby", "site_heby_kommunhus", "role_edge_gateway", "tag_lab"):
        assert names(group) == ["heb-gw1"]
    assert names("platform_debian_13") == names("role_base") == names("samdrift") == ["heb-gw1", "tie-dns1"]


def test_only_active_hosts_with_a_shell_are_in_it() -> None:
    others = with_hosts(GATEWAY | {"platform": "arubaos-cx"}, SERVER | {"status": "planned"})
    assert groups(others, {}) == {}


def test_a_host_is_known_by_the_keys_of_the_inventory() -> None:
    assert f"10.59.0.63 {KEY_A}\n" in known_hosts(fleet().hosts)


def pyinfra(tmp_path: Path, *command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """What pyinfra's own command makes of the inventory."""
    program = [str(Path(sys.executable).with_name("pyinfra")), str(CODE / "inventory" / "hosts.py"), *command]
    environment |= {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path)}
    return subprocess.run(program, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)


def test_pyinfra_itself_reads_it_and_is_told_to_believe_the_inventory_s_keys_alone(tmp_path: Path) -> None:
    dump(fleet(), tmp_path / "snapshot")
    done = pyinfra(tmp_path, "debug-inventory", SAMDRIFT_SOURCE=str(tmp_path / "snapshot"), SAMDRIFT_USER="anna")
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    assert "municipality_heby, site_heby_kommunhus" in said
    assert said.count('"ssh_strict_host_key_checking": "yes"') == said.count('"ssh_user": "anna"') == 2


def test_netbox_as_a_source_is_refused_with_what_to_do(tmp_path: Path) -> None:
    done = pyinfra(tmp_path, "debug-inventory", SAMDRIFT_SOURCE="netbox")
    assert done.returncode != 0
    assert "samdrift inventory pull" in done.stdout + done.stderr
