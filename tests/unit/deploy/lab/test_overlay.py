"""The lab differs from the fleet in what it must, and in nothing else."""

from __future__ import annotations

from ipaddress import IPv4Address
from pathlib import Path

import pytest

from deploy.lab.machine import LabError
from deploy.lab.overlay import bootable, lab_overlay, like_these, machine_nameserver, with_guests
from deploy.lab.wiring import lab_hosts
from roles.shared.rehearsal import Rehearsal
from roles.shared.searches.known_files import OF_THE_LAB
from tests.unit.deploy.lab_fleet import host, lab_fleet

NAMESERVER = IPv4Address("198.51.100.53")
USER_KEY = "ssh-ed25519 AAAAuser"
LOOK_KEY = "ssh-ed25519 AAAAlook"
BASE = {"automation_keys": [USER_KEY], "own_kernel": False, "expects": {"stray": [*OF_THE_LAB]}}
"""What role `base` has in every lab."""
LAB = Rehearsal(automation_key=USER_KEY, look_key=LOOK_KEY, nameserver=NAMESERVER)


def overlay_of(**context: object) -> dict[str, object]:
    """What samdrift's section of one lab host's context is in the lab."""
    section = {"wave": 20, **context}
    fleet = lab_fleet(host("tie-x1", ("eth0", "10.60.10.77/24"), context={"samdrift": section, "other": 1}))
    in_lab = lab_overlay(fleet, LAB, {"tie-x1": "ssh-ed25519 AAAAhost"}).host("tie-x1")
    assert in_lab.context["other"] == 1
    return {k: v for k, v in in_lab.samdrift.items() if k not in {"wave", "roles"}}


def test_the_overlay_changes_keys_of_lab_hosts_and_nothing_of_those_that_it_could_not_boot() -> None:
    fleet = lab_fleet(host("tie-x2", ("eth0", "10.60.10.78/24"), platform="debian-12"))
    keys = {h.name: f"ssh-ed25519 AAAA{h.name}" for h in lab_hosts(fleet) if h.name != "tie-x2"}
    in_lab = lab_overlay(fleet, LAB, keys)
    assert in_lab.host("tie-x2") == fleet.host("tie-x2")
    assert in_lab.host("tie-adm1").host_keys == fleet.host("tie-adm1").host_keys
    assert in_lab.host("tie-gw1").host_keys == ("ssh-ed25519 AAAAtie-gw1",)
    assert in_lab.model_copy(update={"hosts": ()}) == fleet.model_copy(update={"hosts": ()})


def test_twins_are_made_of_what_the_lab_can_boot_and_the_others_are_named() -> None:
    switch = host("heb-sw1", ("vlan1", "10.63.10.11/24"), platform="junos", roles=("access_switch",), tags=())
    away = host("heb-x1", ("eth0", "10.63.10.12/24"), status="planned", tags=())
    fleet = lab_fleet(switch, away)
    twins = like_these(fleet, "heb-*")
    assert (twins.bootable, twins.others) == (("heb-gw1",), ("heb-sw1",))
    with pytest.raises(LabError, match="can be like none of these hosts"):
        like_these(fleet, "heb-sw1 or heb-x1")


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
        "base": {"fallback_resolvers": ["198.51.100.53"], "journal_max": "2G", **BASE},
        "time": {"control_clock": False},
        "dns_resolver": {"forwarders": ["198.51.100.53"], "insecure_zones": ["."]},
    }


def test_a_role_that_a_host_has_not_gets_no_options_and_a_host_without_a_fallback_gets_none() -> None:
    assert overlay_of(roles={"base": True}) == {"base": BASE}
    assert overlay_of(roles={"base": False}) == {}


def test_a_host_that_has_keys_for_looks_has_the_labs_in_the_lab() -> None:
    found = overlay_of(roles={"base": True}, base={"look_keys": ["ssh-ed25519 AAAAreal"]})
    assert found == {"base": {**BASE, "look_keys": [LOOK_KEY]}}


def test_to_boot_one_more_host_changes_nothing_of_what_the_others_are_told_of_it() -> None:
    section = {"roles": {"base": True, "node_metrics": True}}
    fleet = lab_fleet(host("tie-x1", ("eth0", "10.60.10.77/24"), tags=(), context={"samdrift": section}))
    before, after = (lab_overlay(fleet, LAB, keys).host("tie-x1") for keys in ({}, {"tie-x1": "ssh-ed25519 AAAA"}))
    assert before.context == after.context != fleet.host("tie-x1").context


def test_a_section_that_is_no_mapping_is_left_to_the_inventorys_rules() -> None:
    assert overlay_of(roles={"time": True}, time="nonsense") == {"time": {"control_clock": False}}


def test_loopback_and_ipv6_nameservers_cannot_be_asked_from_lab_hosts(tmp_path: Path) -> None:
    stub, real = tmp_path / "stub", tmp_path / "real"
    stub.write_text("# systemd-resolved\nnameserver 127.0.0.53\nnameserver\n")
    real.write_text("nameserver 2001:db8::53\nnameserver 198.51.100.53\nsearch example\n")
    assert machine_nameserver(None, (stub, real, tmp_path / "missing")) == NAMESERVER
    with pytest.raises(LabError, match="SAMDRIFT_NAMESERVER"):
        machine_nameserver(None, (stub,))
