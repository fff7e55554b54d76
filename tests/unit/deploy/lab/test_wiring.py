"""The lab's wires and routes follow from the fleet alone."""

from __future__ import annotations

import os
import shutil
import subprocess
from ipaddress import IPv4Address, IPv4Interface, IPv4Network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.check.namespace import PROGRAMS
from deploy.lab.machine import LabError
from deploy.lab.wiring import (
    controller_routes,
    default_gateway,
    is_gateway,
    lab_hosts,
    network_files,
    nft_rules,
    port_name,
    segment_name,
    wiring,
)
from inventory.fleet import Interface
from inventory.snapshot import load
from roles.shared.intent import Intent
from tests.unit.deploy.lab_fleet import host, lab_fleet

FLEET = lab_fleet()
INTENT = Intent(FLEET)
WIRING = wiring(INTENT)


def test_the_lab_boots_active_hosts_with_its_tag_only() -> None:
    planned = host("tie-new1", ("eth0", "10.60.10.99/24"), status="planned")
    assert [h.name for h in lab_hosts(lab_fleet(planned))] == ["heb-gw1", "tie-cache1", "tie-gw1"]


def test_each_prefix_of_a_lab_host_is_one_segment_with_a_port_for_each_interface() -> None:
    wired = {str(s.prefix): [f"{p.host} {p.interface}" for p in s.ports] for s in WIRING.segments}
    assert wired == {
        "10.59.0.0/24": ["heb-gw1 wan0", "tie-gw1 wan0"],
        "10.59.255.0/30": ["tie-gw1 ext0"],
        "10.60.10.0/24": ["tie-cache1 eth0", "tie-gw1 srv0"],
        "10.63.10.0/24": ["heb-gw1 lan0"],
    }


def test_the_controller_holds_the_management_stations_addresses_and_gateways_that_no_lab_host_holds() -> None:
    held = {a for s in WIRING.segments for a in s.controller}
    assert held == {IPv4Interface("10.60.10.250/24"), IPv4Interface("10.59.0.250/24"), IPv4Interface("10.59.255.1/30")}


def test_the_controller_reaches_other_segments_as_its_management_station_would() -> None:
    assert WIRING.routes == ((IPv4Network("10.63.10.0/24"), IPv4Address("10.60.10.1")),)


def test_answers_from_outside_take_the_way_in_that_the_lab_took_out() -> None:
    assert WIRING.way_in == IPv4Address("10.59.255.2")
    back = [line for line in controller_routes(WIRING) if "table 5910" in line]
    assert back[0] == f"route replace 10.59.255.0/30 dev {segment_name(IPv4Network('10.59.255.0/30'))} table 5910"
    assert "route replace 10.60.10.0/24 via 10.59.255.2 table 5910" in back


def test_a_hosts_default_gateway_is_the_first_that_is_not_itself() -> None:
    gateways = {h.name: str(default_gateway(h, FLEET)) for h in lab_hosts(FLEET)}
    assert gateways == {"tie-gw1": "10.59.255.1", "tie-cache1": "10.60.10.1", "heb-gw1": "10.59.0.1"}


def test_only_gateways_forward_before_the_first_apply() -> None:
    assert [h.name for h in lab_hosts(FLEET) if is_gateway(h, FLEET)] == ["heb-gw1", "tie-gw1"]
    said = {h.name: network_files(h, INTENT)["usr/lib/sysctl.d/00-installer.conf"][-2] for h in lab_hosts(FLEET)}
    assert said == {"heb-gw1": "1", "tie-cache1": "0", "tie-gw1": "1"}


def test_the_default_route_is_on_the_interface_that_reaches_it_and_on_no_other() -> None:
    files = network_files(FLEET.host("tie-gw1"), INTENT)
    assert [path for path, text in files.items() if "Gateway=10.59.255.1\n" in text] == [
        "etc/systemd/network/10-ext0.network"
    ]


def test_a_fleet_without_lab_hosts_is_refused() -> None:
    with pytest.raises(LabError, match="no host of the fleet has the tag lab"):
        wiring(Intent(FLEET.model_copy(update={"hosts": ()})))


def test_an_address_outside_every_prefix_is_refused_with_its_place() -> None:
    with pytest.raises(LabError, match=r"host tie-x1, interface 'eth0': 192.0.2.1/24 is in no prefix"):
        wiring(Intent(lab_fleet(host("tie-x1", ("eth0", "192.0.2.1/24")))))


@pytest.mark.parametrize("name", ["../etc", "a b", "x" * 16, "", "-x", "a/b", "eth0\nmaster"])
def test_an_interface_name_that_linux_does_not_have_is_refused(name: str) -> None:
    evil = host("tie-x1", ("eth0", "10.60.10.77/24"))
    evil = evil.model_copy(update={"interfaces": (Interface(name=name, addresses=(IPv4Interface("10.60.10.77/24"),)),)})
    with pytest.raises(LabError, match="Linux has no interface of this name"):
        wiring(Intent(lab_fleet(evil)))


@pytest.mark.parametrize("name", ["../x", "a b", "image_build", "-x", "x\n", "Å", ""])
def test_a_host_name_that_cannot_be_a_directory_and_a_control_group_is_refused(name: str) -> None:
    with pytest.raises(LabError, match="cannot boot a host of this name"):
        wiring(Intent(lab_fleet(host(name, ("eth0", "10.60.10.77/24")))))


SHIPPED = load()
SHIPPED_INTENT = Intent(SHIPPED)
TWO_HUBS = wiring(SHIPPED_INTENT)


def test_tunnels_are_no_wires() -> None:
    assert not {p.interface for p in TWO_HUBS.ports} & {"wg1", "wg2"}
    assert not [path for path in network_files(SHIPPED.host("heb-gw1"), SHIPPED_INTENT) if "wg" in path]


def test_what_lab_hosts_share_the_controller_does_not_hold_and_answers_from_outside_go_there() -> None:
    held = {str(a.ip) for s in TWO_HUBS.segments for a in s.controller}
    assert held == {"10.59.0.249", "10.59.255.1", "10.60.10.249"}
    assert TWO_HUBS.way_in == IPv4Address("10.59.255.2")


def test_the_first_of_those_that_share_has_the_addresses_until_keepalived_is_there() -> None:
    unit = "usr/lib/systemd/system/lab-first-router.service"
    having = [h.name for h in lab_hosts(SHIPPED) if unit in network_files(h, SHIPPED_INTENT)]
    assert having == ["tie-gw1"]
    text = network_files(SHIPPED.host("tie-gw1"), SHIPPED_INTENT)[unit]
    assert "ConditionPathExists=!/usr/sbin/keepalived\n" in text
    for address, interface in (("10.60.10.1", "srv0"), ("10.59.255.2", "ext0")):
        assert f"ExecStart=/usr/sbin/ip address replace {address}/32 dev {interface}\n" in text


@given(st.integers(0, 2**32 - 1), st.integers(0, 32))
def test_every_prefix_has_a_short_name_of_its_own(address: int, length: int) -> None:
    prefix = IPv4Network((address, length), strict=False)
    assert len(segment_name(prefix)) <= 15
    assert segment_name(prefix) != segment_name(IPv4Network((address, (length + 1) % 33), strict=False))


@given(st.text(min_size=1), st.text(min_size=1))
def test_port_names_fit_into_linux_and_are_no_segments_name(host_name: str, interface: str) -> None:
    name = port_name(host_name, interface)
    assert len(name) == 14
    assert name.startswith("sdl")
    assert len(segment_name(IPv4Network("10.0.0.0/8"))) == 13


@pytest.mark.skipif(shutil.which("nft", path=PROGRAMS) is None, reason="nft is not installed here")
def test_nft_accepts_the_controllers_rules() -> None:
    as_root = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
    command = ["unshare", *as_root, "--net", "nft", "-c", "-f", "-"]
    done = subprocess.run(
        command, input=nft_rules(WIRING), text=True, capture_output=True, check=False, env={"PATH": PROGRAMS}
    )
    if done.stderr.startswith("unshare:"):
        pytest.skip("this machine allows no network namespace: run the tests as root")
    assert done.returncode == 0, done.stderr
