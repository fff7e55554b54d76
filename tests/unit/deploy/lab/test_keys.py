"""The lab's keys are made once, are its owner's alone, and are in the overlay."""

from __future__ import annotations

from pathlib import Path

import pytest

from deploy.lab.keys import public_half
from deploy.lab.lab import Lab
from deploy.lab.machine import run
from deploy.lab.wiring import lab_hosts
from inventory.rules import problems
from inventory.snapshot import load
from roles.shared.parts.looks import LOOK
from tests.unit.deploy.lab.test_overlay import NAMESERVER
from tests.unit.deploy.lab_fleet import lab_fleet
from tests.unit.roles.judging import needs


@needs("ssh-keygen")
def test_keys_are_made_once_and_only_the_owner_reads_the_private_ones(tmp_path: Path) -> None:
    lab, fleet = Lab(tmp_path, nameserver=NAMESERVER), lab_fleet()
    first = lab.overlay(fleet)
    assert Lab(tmp_path, nameserver=NAMESERVER).overlay(fleet).digest == first.digest
    key = lab.access().key_file
    assert key is not None
    look_key = lab.access().for_looks(LOOK).key_file
    assert look_key is not None
    assert look_key != key
    assert look_key.stat().st_mode & 0o777 == 0o600
    assert {k.stat().st_mode & 0o777 for k in (tmp_path / "keys/hosts").iterdir() if not k.suffix} == {0o600}
    assert len({h.host_keys for h in lab_hosts(first)}) == 3


@pytest.mark.long
@needs("ssh-keygen")
def test_gateways_have_keys_of_their_own_for_tunnels_made_once_and_in_the_overlay(tmp_path: Path) -> None:
    lab, fleet = Lab(tmp_path, nameserver=NAMESERVER), load()
    first = lab.overlay(fleet)
    assert Lab(tmp_path, nameserver=NAMESERVER).overlay(fleet).digest == first.digest
    of = {h.name: h.wireguard_public_key for h in lab_hosts(first)}
    assert {name for name, key in of.items() if key} == {h.name for h in lab_hosts(fleet) if "wireguard" in h.roles}
    assert not [name for name, key in of.items() if key and key == fleet.host(name).wireguard_public_key]
    assert problems(first) == ()
    private = tmp_path / "keys/tunnels/heb-gw1"
    assert private.stat().st_mode & 0o777 == 0o600
    assert public_half(private.read_text().strip()) == of["heb-gw1"]


@needs("wg")
def test_the_labs_keys_are_as_wg_makes_them() -> None:
    private = run("wg", "genkey").strip()
    assert public_half(private) == run("wg", "pubkey", stdin=private).strip()
