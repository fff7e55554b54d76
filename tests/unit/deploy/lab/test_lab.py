from __future__ import annotations

import shutil
import subprocess
import sys
from ipaddress import IPv4Address
from pathlib import Path

import pytest

from deploy.lab.host import installer_files, machine_id
from deploy.lab.lab import (
    Lab,
    LabBusyError,
    bootable,
    lab_directory,
    lab_overlay,
    machine_nameserver,
    public_half,
    with_guests,
)
from deploy.lab.machine import LabError, last_line, mount_points, run, scope_name
from deploy.lab.switch import lab_hosts
from inventory.rules import problems
from inventory.snapshot import load
from tests.unit.deploy.lab_fleet import host, lab_fleet

NAMESERVER = IPv4Address("198.51.100.53")
USER_KEY = "ssh-ed25519 AAAAuser"


def overlay_of(**context: object) -> dict[str, object]:
    """What samdrift's section of one lab host's context is in the lab."""
    section = {"wave": 20, **context}
    fleet = lab_fleet(host("tie-x1", ("eth0", "10.60.10.77/24"), context={"samdrift": section, "other": 1}))
    in_lab = lab_overlay(fleet, {"tie-x1": "ssh-ed25519 AAAAhost"}, USER_KEY, NAMESERVER).host("tie-x1")
    assert in_lab.context["other"] == 1
    return {k: v for k, v in in_lab.samdrift.items() if k not in {"wave", "roles"}}


def test_the_overlay_changes_keys_of_lab_hosts_and_nothing_of_others() -> None:
    fleet = lab_fleet()
    keys = {h.name: f"ssh-ed25519 AAAA{h.name}" for h in lab_hosts(fleet)}
    in_lab = lab_overlay(fleet, keys, USER_KEY, NAMESERVER)
    assert in_lab.host("tie-adm1") == fleet.host("tie-adm1")
    assert in_lab.host("tie-gw1").host_keys == ("ssh-ed25519 AAAAtie-gw1",)
    assert in_lab.model_copy(update={"hosts": ()}) == fleet.model_copy(update={"hosts": ()})


def test_a_host_that_is_named_is_a_lab_host_like_those_that_are_tagged() -> None:
    extra = host("tie-x1", ("eth0", "10.60.10.77/24"), tags=("shared",))
    fleet = with_guests(lab_fleet(extra), {"tie-x1", "tie-gw1"})
    assert fleet.host("tie-x1").tags == ("lab", "shared")
    assert fleet.host("tie-gw1") == lab_fleet().host("tie-gw1")
    assert [h.name for h in lab_hosts(fleet)] == [*(h.name for h in lab_hosts(lab_fleet())), "tie-x1"]


def test_a_host_that_the_labs_image_cannot_be_is_refused_by_name() -> None:
    planned = host("tie-x1", ("eth0", "10.60.10.77/24"), status="planned")
    older = host("tie-x2", ("eth0", "10.60.10.78/24"), platform="debian-12")
    for name in ("tie-x1", "tie-x2", "tie-nothing"):
        with pytest.raises(LabError, match=name):
            list(bootable(lab_fleet(planned, older), [name]))


def test_options_that_must_differ_are_merged_into_those_that_are_there() -> None:
    base = {"fallback_resolvers": ["10.59.255.1"], "journal_max": "2G"}
    assert overlay_of(roles={"base": True, "time": True, "dns_resolver": True}, base=base) == {
        "base": {"fallback_resolvers": ["198.51.100.53"], "journal_max": "2G", "automation_keys": [USER_KEY]},
        "time": {"control_clock": False},
        "dns_resolver": {"forwarders": ["198.51.100.53"], "insecure_zones": ["."]},
    }


def test_a_role_that_a_host_has_not_gets_no_options_and_a_host_without_a_fallback_gets_none() -> None:
    assert overlay_of(roles={"base": True}) == {"base": {"automation_keys": [USER_KEY]}}
    assert overlay_of(roles={"base": False}) == {}


def test_a_section_that_is_no_mapping_is_left_to_the_inventorys_rules() -> None:
    assert overlay_of(roles={"time": True}, time="nonsense") == {"time": {"control_clock": False}}


def test_the_directory_is_the_environments_or_the_checkouts() -> None:
    assert lab_directory({"SAMDRIFT_LAB_DIR": "/somewhere"}) == Path("/somewhere")
    assert lab_directory({"SAMDRIFT_LAB_DIR": ""}).name == ".lab"


@pytest.mark.parametrize("name", ["a,b", "a:b", 'a"b', "a\\b", "a\nb"])
def test_a_directory_that_mount_could_misread_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(LabError, match="cannot be in a directory of this name"):
        Lab(tmp_path / name)


def test_two_directories_are_two_labs(tmp_path: Path) -> None:
    assert Lab(tmp_path / "a").id != Lab(tmp_path / "b").id
    assert Lab(tmp_path / "a").id == Lab(tmp_path / "b" / ".." / "a").id


@pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="ssh-keygen is not installed here")
def test_keys_are_made_once_and_only_the_owner_reads_the_private_ones(tmp_path: Path) -> None:
    lab, fleet = Lab(tmp_path, nameserver=NAMESERVER), lab_fleet()
    first = lab.overlay(fleet)
    assert Lab(tmp_path, nameserver=NAMESERVER).overlay(fleet).digest == first.digest
    key = lab.access().key_file
    assert key is not None
    assert key.stat().st_mode & 0o777 == 0o600
    assert {k.stat().st_mode & 0o777 for k in (tmp_path / "keys/hosts").iterdir() if not k.suffix} == {0o600}
    assert len({h.host_keys for h in lab_hosts(first)}) == 3


def test_gateways_have_keys_of_their_own_for_tunnels_made_once_and_in_the_overlay(tmp_path: Path) -> None:
    lab, fleet = Lab(tmp_path, nameserver=NAMESERVER), load()
    first = lab.overlay(fleet)
    assert Lab(tmp_path, nameserver=NAMESERVER).overlay(fleet).digest == first.digest
    of = {h.name: h.wireguard_public_key for h in lab_hosts(first)}
    assert {name for name, key in of.items() if key} == {h.name for h in lab_hosts(fleet) if "wireguard" in h.roles}
    assert not [name for name, key in of.items() if key and key == fleet.host(name).wireguard_public_key]
    assert problems(first) == ()
    private = tmp_path / "keys/wireguard/heb-gw1"
    assert private.stat().st_mode & 0o777 == 0o600
    assert public_half(private.read_text().strip()) == of["heb-gw1"]


@pytest.mark.skipif(shutil.which("wg") is None, reason="wg is not installed here")
def test_the_labs_keys_are_as_wg_makes_them() -> None:
    private = run("wg", "genkey").strip()
    assert public_half(private) == run("wg", "pubkey", stdin=private).strip()


def test_a_lab_that_never_was_has_no_hosts_and_no_leftovers(tmp_path: Path) -> None:
    status = Lab(tmp_path / "never").status()
    assert (status.hosts, status.leftovers) == ((), ())


def test_a_lab_that_is_being_changed_is_busy_and_says_by_whom(tmp_path: Path) -> None:
    with Lab(tmp_path)._alone(), pytest.raises(LabBusyError, match=r"process \d+ since"), Lab(tmp_path)._alone():
        pass
    assert LabBusyError.exit_code == 4


def test_loopback_and_ipv6_nameservers_cannot_be_asked_from_lab_hosts(tmp_path: Path) -> None:
    stub, real = tmp_path / "stub", tmp_path / "real"
    stub.write_text("# systemd-resolved\nnameserver 127.0.0.53\nnameserver\n")
    real.write_text("nameserver 2001:db8::53\nnameserver 198.51.100.53\nsearch example\n")
    assert machine_nameserver(None, (stub, real, tmp_path / "missing")) == NAMESERVER
    with pytest.raises(LabError, match="SAMDRIFT_NAMESERVER"):
        machine_nameserver(None, (stub,))


def test_a_fresh_disk_has_its_own_name_keys_and_addresses() -> None:
    fleet = lab_fleet()
    files = installer_files(
        fleet.host("tie-cache1"), fleet, user_key=USER_KEY, host_key=("private", "public"), nameserver=NAMESERVER
    )
    assert files["etc/hostname"] == ("tie-cache1\n", 0o644)
    assert files["etc/ssh/ssh_host_ed25519_key"] == ("private", 0o600)
    assert "Address=10.60.10.15/24" in files["etc/systemd/network/10-eth0.network"][0]
    assert any("apt-cacher-ng" in path for path in files)


def test_machine_ids_are_stable_and_differ() -> None:
    assert machine_id("sdl-1-a") == machine_id("sdl-1-a") != machine_id("sdl-1-b")


def test_mount_points_are_read_with_blanks_and_letters_of_any_kind() -> None:
    line = r"36 35 98:0 / /mnt/Älvkarleby\040lab\134x rw,noatime master:1 - ext3 /dev/root rw"
    assert list(mount_points(line)) == [Path("/mnt/Älvkarleby lab\\x")]


def test_a_program_that_fails_is_told_by_its_last_complaint() -> None:
    with pytest.raises(LabError, match="second thing"):
        run("sh", "-c", "echo first thing >&2; echo second thing >&2; exit 3")
    with pytest.raises(LabError, match="exit status 3"):
        run("sh", "-c", "exit 3")
    with pytest.raises(LabError, match="there is no program samdrift-no-such"):
        run("samdrift-no-such")


def test_a_program_that_may_not_be_run_is_as_good_as_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "samdrift-no-such").write_text("no program")
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(LabError, match="there is no program samdrift-no-such"):
        run("samdrift-no-such")


def test_a_programs_last_line_is_the_last_that_says_something() -> None:
    assert last_line("a\nb\n \n") == "b"
    assert last_line("") == ""


def test_the_control_group_is_named_after_the_lab_and_the_host() -> None:
    assert scope_name("abcd", "tie-gw1") == "samdrift-lab-abcd-tie-gw1.scope"


def test_what_is_to_end_with_its_parent_does_so_even_if_that_is_killed() -> None:
    child = "import time; print('there', flush=True); time.sleep(5); print('survived')"
    parent = (
        "import subprocess, sys; from deploy.lab.machine import end_with_parent; "
        f"subprocess.run([sys.executable, '-c', {child!r}], preexec_fn=end_with_parent)"
    )
    with subprocess.Popen([sys.executable, "-c", parent], stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout
        assert running.stdout.readline() == "there\n"
        running.kill()
        assert running.stdout.read() == ""
