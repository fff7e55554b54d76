"""A running configuration becomes what NetBox would say, and what it does not understand is told."""

from __future__ import annotations

import re
from ipaddress import IPv4Address

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inventory.errors import SamdriftError
from roles.shared.device.found import Found, found
from roles.shared.device.known import known_vendors
from tests.emulator.samples import SAMPLES, long_configuration

VENDORS = known_vendors()
every_vendor = pytest.mark.parametrize("platform", ["arubaos-cx", "cisco-ios", "fortios", "junos"])


def read(platform: str, text: str) -> Found:
    return found(VENDORS[platform], text)


@every_vendor
def test_every_port_of_a_configuration_is_an_interface(platform: str) -> None:
    seen = read(platform, long_configuration(platform, "sw7", 60))
    assert seen.name == "sw7"
    assert len(seen.interfaces) > 10
    assert len({i.name for i in seen.interfaces}) == len(seen.interfaces)


@every_vendor
@given(st.text("abcdefgh 0123456789-/.\"'{}[]!#\n", max_size=200))
@settings(max_examples=40)
def test_whatever_a_device_prints_is_read_or_refused(platform: str, text: str) -> None:
    try:
        read(platform, SAMPLES[platform].configuration + text)
    except SamdriftError as e:
        assert "breaks off" in str(e)  # noqa: PT017  what it raises is one of two outcomes


@pytest.mark.parametrize(
    ("lines", "untagged", "tagged"),
    [
        ("switchport access vlan 20\nswitchport mode access", 20, ()),
        (
            "switchport access vlan 20\nswitchport trunk allowed vlan 30,40-42\nswitchport mode trunk",
            None,
            (30, 40, 41, 42),
        ),
        ("switchport trunk native vlan 30\nswitchport trunk allowed vlan 20,30\nswitchport mode trunk", 30, (20,)),
        (
            "switchport trunk allowed vlan 20\nswitchport trunk allowed vlan add 30\nswitchport mode trunk",
            None,
            (20, 30),
        ),
        ("switchport access vlan 1", None, ()),
    ],
)
def test_how_a_port_of_ios_carries_vlans(lines: str, untagged: int | None, tagged: tuple[int, ...]) -> None:
    text = "interface GigabitEthernet1/0/1\n" + "".join(f" {line}\n" for line in lines.split("\n"))
    (port,) = read("cisco-ios", text).interfaces
    assert (port.untagged_vlan, port.tagged_vlans, port.type) == (untagged, tagged, "1000base-t")


@pytest.mark.parametrize(
    ("lines", "untagged", "tagged"),
    [
        ("vlan access 20", 20, ()),
        ("vlan access 1", None, ()),
        ("vlan trunk native 1\nvlan trunk allowed 20,30-31", None, (20, 30, 31)),
        ("vlan trunk native 20\nvlan trunk allowed 20,30", 20, (30,)),
        ("vlan trunk native 20 tag\nvlan trunk allowed 20,30", None, (20, 30)),
        ("vlan trunk native 1\nvlan trunk allowed all", None, (20, 30)),
    ],
)
def test_how_a_port_of_aos_cx_carries_vlans(lines: str, untagged: int | None, tagged: tuple[int, ...]) -> None:
    text = "vlan 1,20,30\ninterface 1/1/1\n    no shutdown\n" + "".join(f"    {x}\n" for x in lines.split("\n"))
    (port,) = read("arubaos-cx", text).interfaces
    assert (port.untagged_vlan, port.tagged_vlans) == (untagged, tagged)


def test_a_trunk_of_all_vlans_is_told() -> None:
    seen = read("arubaos-cx", "vlan 1,20\ninterface 1/1/8\n    vlan trunk native 1\n    vlan trunk allowed all\n")
    assert seen.unread == ("1/1/8: it carries all VLANs, and is proposed with those that the device has",)


def test_a_firewall_has_ports_vlan_interfaces_and_aggregates() -> None:
    seen = read(
        "fortios",
        'config system global\n    set hostname "fw1"\nend\n'
        'config system interface\n    edit "port1"\n        set ip 192.0.2.2 255.255.255.252\n        set alias "WAN"\n'
        '    next\n    edit "lan"\n        set type aggregate\n        set member "port3" "port4"\n    next\n'
        '    edit "gast"\n        set ip 10.63.130.1 255.255.255.0\n        set vlanid 130\n'
        "        set mtu 9000\n    next\nend\n"
        "config router static\n    edit 1\n        set gateway 192.0.2.1\n    next\n    edit 2\n"
        "        set dst 10.0.0.0 255.0.0.0\n        set gateway 10.63.1.1\n    next\nend\n",
    )
    ports = {i.name: i for i in seen.interfaces}
    assert (seen.name, seen.gateway) == ("fw1", IPv4Address("192.0.2.1"))
    assert (ports["lan"].type, ports["port3"].lag, ports["port4"].lag) == ("lag", "lan", "lan")
    assert (ports["gast"].type, ports["gast"].untagged_vlan) == ("virtual", 130)
    assert [str(a) for a in ports["port1"].addresses] == ["192.0.2.2/30"]
    assert any(line.startswith("gast: 'set mtu 9000'") for line in seen.unread)


def test_an_access_port_of_junos_needs_no_word_for_its_mode() -> None:
    text = "set vlans lokal vlan-id 20\nset interfaces ge-0/0/1 unit 0 family ethernet-switching vlan members lokal\n"
    (port,) = read("junos", text).interfaces
    assert (port.untagged_vlan, port.tagged_vlans) == (20, ())


def test_units_of_an_srx_are_interfaces_with_their_ports_and_vlans() -> None:
    text = """\
set interfaces ge-0/0/1 gigether-options redundant-parent reth0
set interfaces ge-5/0/1 gigether-options redundant-parent reth0
set interfaces reth0 redundant-ether-options redundancy-group 1
set interfaces reth0 flexible-vlan-tagging
set interfaces reth0 unit 120 description Skolor
set interfaces reth0 unit 120 vlan-id 120
set interfaces reth0 unit 120 family inet address 10.63.60.1/24
set interfaces pp0 unit 0 pppoe-options underlying-interface ge-0/0/0.0
set interfaces irb unit 3 family inet address 192.168.1.1/24
set vlans skola vlan-id 30
set vlans skola l3-interface irb.3
"""
    seen = {i.name: i for i in read("junos", text).interfaces}
    assert (seen["ge-5/0/1"].lag, seen["reth0"].type) == ("reth0", "lag")
    unit = seen["reth0.120"]
    assert (unit.type, unit.parent, unit.untagged_vlan, unit.description) == ("virtual", "reth0", 120, "Skolor")
    assert [str(a) for a in unit.addresses] == ["10.63.60.1/24"]
    assert (seen["irb.3"].untagged_vlan, seen["irb.3"].parent, seen["pp0"].type) == (30, None, "virtual")


def test_a_vlan_of_a_port_of_a_fortigate_has_it_for_a_parent() -> None:
    text = """\
config system interface
    edit "port1"
        set type physical
    next
    edit "skola-120"
        set interface "port1"
        set vlanid 120
    next
end
"""
    assert [(i.name, i.parent) for i in read("fortios", text).interfaces] == [("port1", None), ("skola-120", "port1")]


def test_no_secret_is_in_what_is_told() -> None:
    text = "interface GigabitEthernet1/0/1\n ip ospf message-digest-key 1 md5 7 070C285F4D06\n"
    seen = read("cisco-ios", text)
    assert not re.search("070C285F4D06", " ".join(seen.unread))


@pytest.mark.parametrize(
    ("names", "is_stack"),
    [
        (("1/1/1", "1/3/1"), False),
        (("1/1/1", "2/1/1"), True),
        (("Gi1/0/1", "Gi2/0/1"), True),
        (("Gi0/0/1", "Gi1/0/1"), False),
    ],
)
def test_a_stack_is_known_by_the_numbers_of_its_members(names: tuple[str, ...], is_stack: bool) -> None:
    assert read("cisco-ios", "".join(f"interface {name}\n" for name in names)).is_stack is is_stack


@every_vendor
def test_a_port_of_which_nothing_is_said_is_a_port(platform: str) -> None:
    empty = {
        "arubaos-cx": "interface 1/1/49\n",
        "cisco-ios": "interface GigabitEthernet1/1/1\n",
        "fortios": 'config system interface\n    edit "port9"\n    next\nend\n',
        "junos": "set interfaces ge-0/0/9 disable\n",
    }
    (port,) = read(platform, empty[platform]).interfaces
    assert (port.untagged_vlan, port.tagged_vlans, port.addresses) == (None, (), ())
