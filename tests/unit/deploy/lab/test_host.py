"""A lab host's disk is as an installer would leave it."""

from __future__ import annotations

from pathlib import Path

from deploy.lab.host import installer_files, kept, machine_id
from inventory.snapshot import load
from roles.shared.intent import Intent
from tests.unit.deploy.lab.test_overlay import NAMESERVER, USER_KEY
from tests.unit.deploy.lab_fleet import lab_fleet


def test_a_fresh_disk_has_its_own_name_keys_and_addresses() -> None:
    fleet = lab_fleet()
    files = installer_files(
        fleet.host("tie-cache1"),
        Intent(fleet),
        user_key=USER_KEY,
        host_key=("private", "public"),
        nameserver=NAMESERVER,
    )
    assert files["etc/hostname"] == ("tie-cache1\n", 0o644)
    assert files["etc/ssh/ssh_host_ed25519_key"] == ("private", 0o600)
    assert "Address=10.60.10.15/24" in files["etc/systemd/network/10-eth0.network"][0]
    assert any("apt-cacher-ng" in path for path in files)


def test_machine_ids_are_stable_and_differ() -> None:
    assert machine_id("sdl-1-a") == machine_id("sdl-1-a") != machine_id("sdl-1-b")


def test_a_station_has_the_labs_own_store_and_others_have_their_caches_alone() -> None:
    station, cache = (kept(load().host(name), Path("/lab")) for name in ("tie-adm1", "tie-cache1"))

    assert station["/var/lib/samdrift-runs/store"] == Path("/lab/state")
    assert station["/var/cache/samdrift"] == Path("/lab/cache/samdrift")
    assert set(cache.values()) == {Path("/lab/cache/apt-cacher-ng")}
