"""What devices answer to the questions of state checks is read alike, whatever the vendor; and a wrong answer shows."""

from __future__ import annotations

import pytest

from roles.shared.device.known import known_vendors
from roles.shared.device.settings import Settings
from roles.shared.device.state import (
    disabled,
    neighbours,
    reported_ports,
    rows,
    sockets,
    trunks,
    wanted_neighbours,
    wanted_trunks,
)
from roles.shared.intent import Intent
from tests.unit.roles.shared.device.switch_fleet import DEVICES, fleet

AOS_CX, IOS, FORTIOS, JUNOS = (known_vendors()[p] for p in ("arubaos-cx", "cisco-ios", "fortios", "junos"))

LLDP_AOS_CX = """
LLDP Neighbor Information
=========================

Total Neighbor Entries          : 2

Port                           : 1/1/25
Neighbor Entries               : 1
Neighbor Chassis-Name          : heb-sw9.heby.example
Neighbor Chassis-Description   : Aruba
Neighbor Chassis-ID            : 00:fd:45:00:00:09
Neighbor Management-Address    : 10.63.1.9
Chassis Capabilities Available : Bridge, Router
Chassis Capabilities Enabled   : Bridge
Neighbor Port-ID               : 1/1/1
Neighbor Port-Desc             : 1/1/1
TTL                            : 120
------------------------------------------------------------
Port                           : 1/1/1
Neighbor Chassis-Name          : stranger
Neighbor Chassis-ID            : 00:fd:45:00:00:66
Neighbor Port-ID               : eth0
Neighbor Port-Desc             : eth0
TTL                            : 120
------------------------------------------------------------
Port                           : 1/1/26
Neighbor Chassis-Name          : heb-sw9.heby.example
Neighbor Chassis-ID            : 00:fd:45:00:00:09
Neighbor Port-ID               : 1/1/26
Neighbor Port-Desc             : 1/1/26
TTL                            : 120
------------------------------------------------------------
"""
LLDP_IOS = """------------------------------------------------
Local Intf: Gi1/1/1
Chassis id: 00fd.4500.0009
Port id: 1/1/1
Port Description: 1/1/1
System Name: heb-sw9.heby.example

System Description:
Aruba

Time remaining: 101 seconds
System Capabilities: B,R
Enabled Capabilities: B
Management Addresses:
    IP: 10.63.1.9
Auto Negotiation - supported, enabled
Vlan ID: - not advertised

Total entries displayed: 1
"""
LLDP_JUNOS = """Local Interface    Parent Interface    Chassis Id          Port info          System Name
xe-0/2/0           -                   00:fd:45:00:00:09   1/1/1              heb-sw9
xe-0/2/1           ae0                 00:fd:45:00:00:09   1/1/26             heb-sw9
"""


def settings_of(name: str) -> Settings:
    role = next(role for role, devices in DEVICES.items() if name in devices)
    found = Intent(fleet()).of(fleet().host(name), role)
    assert isinstance(found, Settings)
    return found


def test_neighbours_have_the_names_of_netbox() -> None:
    assert neighbours(AOS_CX, LLDP_AOS_CX) == {"1/1/25": "heb-sw9", "1/1/1": "stranger", "1/1/26": "heb-sw9"}
    assert neighbours(IOS, LLDP_IOS) == {"GigabitEthernet1/1/1": "heb-sw9"}
    assert neighbours(JUNOS, LLDP_JUNOS) == {"xe-0/2/0": "heb-sw9", "xe-0/2/1": "heb-sw9"}


def test_a_neighbour_without_a_cable_differs_and_one_with_a_cable_does_not() -> None:
    settings = settings_of("heb-sw2")
    seen = neighbours(AOS_CX, LLDP_AOS_CX)
    switches = dict.fromkeys(("1/1/25", "1/1/26", "1/1/27"), "heb-sw9")  # of a LAG, each member by itself
    assert wanted_neighbours(settings, seen) == switches
    with_gateway = switches | {"1/1/2": "heb-gw1"}
    assert wanted_neighbours(settings, with_gateway) == with_gateway
    assert wanted_neighbours(settings, {}) == switches


VLANS_AOS_CX = """
-------------------------------------------------------------------------------------------
VLAN  Name           Status  Reason     Type      Interfaces
-------------------------------------------------------------------------------------------
1     DEFAULT_VLAN_1 up      ok         default   1/1/3,1/1/25
101   Enheter        up      ok         static    1/1/2-1/1/3,1/1/25,lag1
110   Personal       up      ok         static    1/1/1,1/1/3,1/1/25,lag1
120   Gast           up      ok         static    1/1/25,lag1
"""
VLANS_JUNOS = """
Routing instance        VLAN name             Tag          Interfaces
default-switch          v101                  101
                                                           ge-0/0/2.0*
                                                           ge-0/0/3.0
                                                           xe-0/2/0.0*
                                                           ae0.0*
default-switch          v110                  110
                                                           ge-0/0/3.0
                                                           xe-0/2/0.0*
default-switch          v120                  120
"""
SWITCHPORT_IOS = """Name: Gi1/0/3
Switchport: Enabled
Administrative Mode: trunk
Operational Mode: down
Trunking Native Mode VLAN: 110 (Personal)
Trunking VLANs Enabled: 101,110
Pruning VLANs Enabled: 2-1001

Name: Gi1/1/1
Switchport: Enabled
Administrative Mode: trunk
Operational Mode: trunk
Trunking Native Mode VLAN: 1 (default)
Trunking VLANs Enabled: ALL
Pruning VLANs Enabled: 2-1001

Name: Gi1/1/2
Switchport: Enabled
Administrative Mode: trunk
Operational Mode: trunk (member of bundle Po1)
Trunking Native Mode VLAN: 110 (Personal)
Trunking VLANs Enabled: 1
Pruning VLANs Enabled: 2-1001

Name: Po1
Switchport: Enabled
Administrative Mode: trunk
Operational Mode: trunk
Trunking Native Mode VLAN: 110 (Personal)
Trunking VLANs Enabled: 101,110,120
Pruning VLANs Enabled: 2-1001
"""


def test_trunks_carry_what_the_device_says() -> None:
    assert trunks(IOS, SWITCHPORT_IOS, settings_of("heb-sw3")) == wanted_trunks(settings_of("heb-sw3"))
    wanted = {"ge-0/0/3": {101, 110}, "xe-0/2/0": {101, 110, 120}, "ae0": {101, 110, 120}}
    assert wanted_trunks(settings_of("heb-sw1")) == wanted
    seen = trunks(JUNOS, VLANS_JUNOS, settings_of("heb-sw1"))
    assert seen == wanted | {"xe-0/2/0": {101, 110}, "ae0": {101}}
    assert trunks(AOS_CX, VLANS_AOS_CX, settings_of("heb-sw2")) == wanted_trunks(settings_of("heb-sw2"))


@pytest.mark.parametrize(
    ("platform", "right", "wrong"),
    [
        ("arubaos-cx", " * 1    10.60.10.11  10.60.10.11  1.2.3.4  3  12  64  377", "   1    10.60.10.11   -   -   16"),
        ("cisco-ios", "Clock is synchronized, stratum 4, reference is 10.60.10.11", "Clock is unsynchronized"),
        ("junos", "*10.60.10.11     192.36.143.130   2 -   58   64  377    0.7", " 10.60.10.11 .INIT. 16 -"),
        ("fortios", "synchronized: yes, ntpsync: enabled, server-mode: disabled", "synchronized: no, ntpsync: enabled"),
    ],
)
def test_a_clock_that_follows_a_server_is_told_from_one_that_does_not(platform: str, right: str, wrong: str) -> None:
    vendor = known_vendors()[platform]
    assert rows(vendor, "time", f"header\n{right}\n")
    assert not rows(vendor, "time", f"header\n{wrong}\n")


def test_a_port_that_is_shut_for_a_fault_is_named() -> None:
    said = """
Port      Name               Status       Vlan       Duplex  Speed Type
Gi1/0/1   Kontor             err-disabled 110          auto   auto 10/100/1000BaseTX
Gi1/0/2                      connected    trunk      a-full a-1000 10/100/1000BaseTX
Gi1/0/3   err-disabled 1 a   notconnect   1            auto   auto 10/100/1000BaseTX
Te1/1/1                      disabled     routed       full    10G SFP-10GBase-SR
"""
    assert disabled(IOS, said) == {"GigabitEthernet1/0/1": "err-disabled"}
    assert disabled(IOS, said.replace("Gi1/0/1", "Po1    ")) == {"Port-channel1": "err-disabled"}
    said = "ge-0/0/1     128:490  128:490  32768.009069b8  20000  BLK  DIS  (Bpdu-Incon)"
    assert disabled(JUNOS, said) == {"ge-0/0/1": "Bpdu-Incon"}
    assert disabled(JUNOS, said.replace("ge-0/0/1", "ae0")) == {"ae0": "Bpdu-Incon"}
    brief = " 1/1/1   110   access 1GbT   yes  down  Disabled-by-BPDU-guard  --  --"
    assert disabled(AOS_CX, brief) == {"1/1/1": "Disabled-by-BPDU-guard"}
    assert disabled(AOS_CX, brief.replace("1/1/1", "lag1 ")) == {"lag1": "Disabled-by-BPDU-guard"}
    assert disabled(AOS_CX, " 1/1/1   110   access 1GbT   yes  up   --  1000  --") == {}


def test_who_says_that_no_port_is_shut_tells_of_its_ports() -> None:
    ios = "Gi1/0/1   Kontor    connected    110          a-full a-1000 10/100/1000BaseTX\n"
    assert reported_ports(IOS, f"Port      Name      Status       Vlan       Duplex  Speed Type\n{ios}") == {
        "GigabitEthernet1/0/1"
    }
    junos = "ge-0/0/1.0   128:513  128:513  32768.00fd45000001     20000    FWD    DESG\n"
    assert reported_ports(JUNOS, f"Interface    Port ID    Designated\n{junos}") == {"ge-0/0/1"}
    for enabled, state in (("yes", "up  "), ("yes", "down"), ("no ", "down")):
        assert reported_ports(AOS_CX, f" 1/1/1   110   access 1GbT   {enabled}  {state}   --  1000  --\n") == {"1/1/1"}
    for vendor in (AOS_CX, IOS, JUNOS):
        assert reported_ports(vendor, "") == set()


def test_of_a_lag_every_member_must_be_up() -> None:
    assert sockets(settings_of("heb-fw1"), ["wan1", "lag1"]) == {"wan1", "internal4", "internal5"}


def test_every_switch_vendor_can_be_asked_all_that_checks_ask() -> None:
    for vendor in (AOS_CX, IOS, JUNOS):
        assert {"neighbours", "trunks", "time", "disabled"} <= vendor.asks.keys()
    assert {"time", "up"} <= FORTIOS.asks.keys()
