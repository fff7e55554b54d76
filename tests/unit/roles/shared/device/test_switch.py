"""What NetBox says of a switch is told whole to each vendor, kept as it is with a notice, or refused with its field.

The fleet is that of `switch_fleet`, changed in one thing a test. Each text is typed into the emulator's grammar, which
takes only what vendors' documents say.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Interface, IPv4Network
from pathlib import Path
from typing import Any

import pytest

from inventory.errors import SamdriftError
from inventory.fleet import Fleet, Interface
from inventory.network import Cable, Prefix, SharedAddress, Vlan
from roles.shared.catalogue import catalogue
from roles.shared.device.difference import difference
from roles.shared.device.known import known_vendors
from roles.shared.device.ownership import Ours
from roles.shared.device.ports import Port
from roles.shared.intent import Intent
from roles.shared.parts.templates import TemplateError, render
from roles.shared.settings import SettingsError
from tests.emulator.grammar import applied, grammar
from tests.unit.roles.shared.device.switch_fleet import LAGS, PORTS, fleet, server, switch
from tests.unit.roles.shared.device.test_settings import FACTORY, changed, declared, settings_of

SWITCHES = {"arubaos-cx": "heb-sw2", "cisco-ios": "heb-sw3", "junos": "heb-sw1"}
CORES = {"arubaos-cx": "heb-core1", "cisco-ios": "heb-core2", "junos": "heb-core3"}
PLATFORMS = sorted(SWITCHES)
MANAGEMENT = {"arubaos-cx": "mgmt", "cisco-ios": "GigabitEthernet0/0", "junos": "me0"}


def told(platform: str, of: Fleet, *, core: bool = False) -> list[str]:
    """What a device is told, each line; it takes every one, and then nothing is left to tell."""
    name = (CORES if core else SWITCHES)[platform]
    asked = declared("core_switch" if core else "access_switch", name, of)
    vendor, factory = known_vendors()[platform], FACTORY.get(platform, {})
    show = grammar(platform).show
    first = difference(vendor, show(factory), asked.content, asked.managed)
    there = show(applied(platform, factory, first.entries))
    again = difference(vendor, there, asked.content, asked.managed)
    assert (again.entries, again.unmanaged) == ((), ())
    return asked.content.splitlines()


def section(lines: list[str], head: str) -> list[str]:
    """The lines that stand below this one."""
    after = lines[lines.index(head) + 1 :]
    below = next((n for n, line in enumerate(after) if not line.startswith(" ")), len(after))
    return [line.strip() for line in after[:below]]


def of_junos(lines: list[str], *begins: str) -> set[str]:
    """What statements say below these words."""
    return {line.removeprefix(f"set {b} ") for line in lines for b in begins if line.startswith(f"set {b} ")}


def with_port(of: Fleet, name: str, at: int, **fields: Any) -> Fleet:
    """The fleet in which a switch's port (as `PORTS` counts them) says something else."""
    host = of.host(name)
    port = PORTS[host.platform][at]
    return changed(
        of, name, interfaces=tuple(i.model_copy(update=fields) if i.name == port else i for i in host.interfaces)
    )


def with_more(of: Fleet, name: str, *interfaces: Interface) -> Fleet:
    return changed(of, name, interfaces=(*of.host(name).interfaces, *interfaces))


def cabled(of: Fleet, name: str, port: str, to: str) -> Fleet:
    kept = tuple(c for c in of.cables if f"{name}:{port}" not in (c.a, c.b))
    return of.model_copy(update={"cables": (*kept, Cable(a=f"{name}:{port}", b=to))})


def port_of(of: Fleet, name: str, port: str) -> Port:
    role = "core_switch" if "core" in name else "access_switch"
    return next(p for p in settings_of(role, name, of).ports if p.name == port)


def with_vlan(of: Fleet, vid: int, **fields: Any) -> Fleet:
    vlan = Vlan(**{"vid": vid, "name": f"Nummer {vid}", "site": "heby-kommunhus"} | fields)
    return of.model_copy(update={"vlans": (*of.vlans, vlan)})


# VLANs at ports


@pytest.mark.parametrize("platform", PLATFORMS)
def test_a_trunk_of_all_vlans_carries_all_and_has_its_native_one(platform: str) -> None:
    name, uplink = SWITCHES[platform], PORTS[platform][3]
    of = with_port(fleet(), name, 3, tagged_vlans=(), untagged_vlan=101, mode="tagged-all")
    lines = told(platform, of)

    assert port_of(of, name, uplink).vids == (101, 110, 120)
    if platform == "junos":
        said = of_junos(lines, f"interfaces {uplink}", f"interfaces {uplink} unit 0 family ethernet-switching")
        assert {"native-vlan-id 101", "interface-mode trunk", "vlan members all"} <= said
        return
    words = {
        "arubaos-cx": {"vlan trunk native 101", "vlan trunk allowed all"},
        "cisco-ios": {"switchport trunk native vlan 101", "switchport trunk allowed vlan all", "switchport mode trunk"},
    }
    assert words[platform] <= {*section(lines, f"interface {uplink}")}


def test_a_trunk_of_all_vlans_is_in_sync_with_an_ios_port_that_shows_no_list() -> None:
    asked = declared("access_switch", "heb-sw3", with_port(fleet(), "heb-sw3", 3, tagged_vlans=(), mode="tagged-all"))
    running = asked.content.replace(" switchport trunk allowed vlan all\n", "")
    assert difference(known_vendors()["cisco-ios"], running, asked.content, asked.managed).entries == ()


@pytest.mark.parametrize("platform", PLATFORMS)
def test_a_telephone_s_port_has_a_voice_vlan_where_netbox_gives_the_vlan_that_role(platform: str) -> None:
    name, port = SWITCHES[platform], PORTS[platform][0]
    of = with_port(with_vlan(fleet(), 130, role="voice"), name, 0, untagged_vlan=110, tagged_vlans=(130,))
    lines, found = told(platform, of), port_of(of, name, port)

    assert (found.voice, found.is_trunk, found.edge, found.guarded) == (130, False, True, True)
    if platform == "junos":
        ethernet = of_junos(lines, f"interfaces {port} unit 0 family ethernet-switching")
        assert {"interface-mode access", "vlan members v110"} <= ethernet
        assert not any("v130" in line for line in ethernet)
        assert f"set switch-options voip interface {port}.0 vlan v130" in lines
        assert "set protocols lldp-med interface all" in lines
    elif platform == "arubaos-cx":
        assert {"vlan trunk native 110", "vlan trunk allowed 110,130"} <= {*section(lines, f"interface {port}")}
        assert "voice" in section(lines, "vlan 130")
    else:
        below = section(lines, f"interface {port}")
        assert {"switchport access vlan 110", "switchport mode access", "switchport voice vlan 130"} <= {*below}
        assert not any("trunk" in line for line in below)


@pytest.mark.parametrize("role", [None, "data"])
def test_a_port_with_a_tagged_vlan_of_another_role_is_a_trunk(role: str | None) -> None:
    of = with_port(with_vlan(fleet(), 130, role=role), "heb-sw3", 0, untagged_vlan=110, tagged_vlans=(130,))
    found = port_of(of, "heb-sw3", PORTS["cisco-ios"][0])
    assert (found.voice, found.is_trunk) == (None, True)


@pytest.mark.parametrize("platform", PLATFORMS)
def test_vlan_1_is_never_named_and_is_what_a_port_has_that_is_told_nothing(platform: str) -> None:
    of = with_port(with_vlan(fleet(), 1, name="Default"), SWITCHES[platform], 0, untagged_vlan=1)
    lines = told(platform, of)
    assert not any("Default" in line or line in {"vlan 1", "set vlans v1 vlan-id 1"} for line in lines)
    if platform == "cisco-ios":
        assert not any(line.endswith(" vlan 1") for line in lines)


# Who is at the other end


@pytest.mark.parametrize(
    ("role", "platform", "edge"),
    [
        ("access-switch", "arubaos-cx", False),
        ("distribution-switch", "", False),
        ("building", "junos", False),
        ("firewall", "fortios", True),
        ("server", "debian-13", True),
        ("access-point", "", True),
    ],
)
def test_a_port_is_no_edge_where_its_cable_leads_to_what_may_be_a_switch(role: str, platform: str, edge: bool) -> None:
    far = server("heb-far1", "10.63.1.77/24", role).model_copy(update={"platform": platform})
    of = fleet()
    of = of.model_copy(update={"hosts": (*of.hosts, far)})
    of = cabled(of, "heb-sw2", "1/1/1", "heb-far1:eth0")
    found = port_of(of, "heb-sw2", "1/1/1")
    assert (found.edge, found.guarded) == (edge, edge)


@pytest.mark.parametrize("platform", PLATFORMS)
def test_a_trunk_that_netbox_knows_no_end_of_waits_for_nothing_and_is_never_shut(platform: str) -> None:
    """It may be an access point's, or an uplink that nobody drew: BPDU guard would cut off all behind it."""
    name, port = SWITCHES[platform], PORTS[platform][0]
    of = with_port(fleet(), name, 0, untagged_vlan=110, tagged_vlans=(120,))
    found, lines = port_of(of, name, port), told(platform, of)

    assert (found.edge, found.guarded) == (True, False)
    if platform == "junos":
        assert f"set protocols vstp interface {port}" in lines  # all that is `edge` is shut by a BPDU there
        return
    below = section(lines, f"interface {port}")
    assert {"arubaos-cx": "spanning-tree port-type admin-edge", "cisco-ios": "spanning-tree portfast trunk"}[
        platform
    ] in below
    assert not any("guard" in line for line in below)


def test_a_trunk_to_a_host_that_samdrift_manages_is_guarded() -> None:
    far = server("heb-hv1", "10.63.1.77/24", "hypervisor", "base")
    of = with_port(fleet(), "heb-sw2", 0, untagged_vlan=None, tagged_vlans=(110, 120))
    of = cabled(of.model_copy(update={"hosts": (*of.hosts, far)}), "heb-sw2", "1/1/1", "heb-hv1:eth0")
    assert port_of(of, "heb-sw2", "1/1/1").guarded


@pytest.mark.parametrize("platform", PLATFORMS)
def test_where_gateways_are_routers_may_announce_themselves_and_elsewhere_not(platform: str) -> None:
    lines = told(platform, fleet())
    people, gateway = PORTS[platform][:2]
    if platform == "junos":
        blocked = of_junos(lines, "forwarding-options access-security router-advertisement-guard interface")
        assert blocked == {f"{people}.0 mark-interface block"}
    elif platform == "arubaos-cx":
        assert "nd-snooping ra-guard" in section(lines, "vlan 110")
        assert {"nd-snooping trust", "dhcpv6-snooping trust"} <= {*section(lines, f"interface {gateway}")}
        assert not any("trust" in line for line in section(lines, f"interface {people}"))
    else:
        assert "ipv6 nd raguard attach-policy SAMDRIFT" in section(lines, f"interface {people}")
        assert not any("ipv6" in line for line in section(lines, f"interface {gateway}"))


@pytest.mark.parametrize("platform", PLATFORMS)
def test_guards_of_ipv6_and_of_storms_can_be_left_out_for_models_that_have_none(platform: str) -> None:
    lines = told(platform, fleet(ipv6_guard=False, storm_percent=None))
    words = ("ipv6 nd", "ipv6 dhcp", "nd-snooping", "dhcpv6", "router-advertisement", "storm", "rate-limit")
    assert not [line for line in lines if any(word in line for word in words)]


# LAGs


@pytest.mark.parametrize("platform", PLATFORMS)
def test_a_lag_across_a_stack_has_members_of_each_of_it(platform: str) -> None:
    name = SWITCHES[platform]
    lag, *members = LAGS[platform]
    other = {"arubaos-cx": "2/1/27", "cisco-ios": "GigabitEthernet2/1/3", "junos": "xe-1/2/2"}[platform]
    of = with_more(fleet(), name, Interface(name=other, lag=lag, member=2))
    lines = told(platform, of)
    assert port_of(of, name, lag).members == (*members, other)
    joined = {
        "arubaos-cx": ["lag 1", "no shutdown"],
        "cisco-ios": ["channel-group 1 mode active"],
        "junos": [f"set interfaces {other} ether-options 802.3ad ae0"],
    }[platform]
    found = lines if platform == "junos" else section(lines, f"interface {other}")
    assert set(joined) <= set(found)


def sharing(platform: str) -> Fleet:
    """Two cores towards which an access switch has one LAG."""
    of = fleet()
    first, second = switch("heb-core8", platform, 28, "core_switch"), switch("heb-core9", platform, 29, "core_switch")
    far = switch("heb-sw8", "arubaos-cx", 18, "access_switch")
    cables = tuple(
        Cable(a=f"heb-sw8:{LAGS['arubaos-cx'][n]}", b=f"{core.name}:{LAGS[platform][1]}")
        for n, core in ((1, first), (2, second))
    )
    return of.model_copy(update={"hosts": (*of.hosts, first, second, far), "cables": (*of.cables, *cables)})


def test_a_lag_that_two_switches_share_is_one_of_both_where_the_vendor_has_a_word_for_it() -> None:
    of = sharing("arubaos-cx")
    lines = declared("core_switch", "heb-core8", of).content.splitlines()
    assert "interface lag 1 multi-chassis" in lines
    assert "interface lag 1" in declared("access_switch", "heb-sw8", of).content.splitlines()


@pytest.mark.parametrize("platform", ["cisco-ios", "junos"])
def test_a_lag_that_two_switches_would_share_is_refused_elsewhere(platform: str) -> None:
    of, role = sharing(platform), catalogue()["core_switch"]
    with pytest.raises(SettingsError, match="heb-sw8 lag1 leads to heb-core9, too") as refused:
        role.compute(of.host("heb-core8"), of, role.options(), Intent(of))
    assert refused.value.field == f"interface {LAGS[platform][0]}"


# Interfaces with addresses


@pytest.mark.parametrize("platform", PLATFORMS)
def test_interfaces_of_vlans_and_loopbacks_that_netbox_names_are_told_and_never_taken_away(platform: str) -> None:
    names = {"arubaos-cx": ("vlan120", "loopback0"), "cisco-ios": ("Vlan120", "Loopback0"), "junos": ("irb.120", "lo0")}
    of_vlan, loopback = names[platform]
    of = with_more(
        fleet(),
        CORES[platform],
        Interface(
            name=of_vlan, type="virtual", addresses=tuple(map(IPv4Interface, ("10.60.20.2/24", "10.60.21.2/24")))
        ),
        Interface(name=loopback, type="virtual", addresses=(IPv4Interface("10.255.0.1/32"),)),
    )
    lines = told(platform, of, core=True)
    if platform == "junos":
        assert {"120 family inet address 10.60.20.2/24", "120 family inet address 10.60.21.2/24"} <= of_junos(
            lines, "interfaces irb unit"
        )
        assert "0 family inet address 10.255.0.1/32" in of_junos(lines, "interfaces lo0 unit")
        assert "set vlans v120 l3-interface irb.120" in lines
    elif platform == "arubaos-cx":
        assert section(lines, "interface vlan 120") == [
            "ip address 10.60.20.2/24",
            "ip address 10.60.21.2/24 secondary",
        ]
        assert section(lines, "interface loopback 0") == ["ip address 10.255.0.1/32"]
    else:
        assert section(lines, "interface Vlan120") == [
            "ip address 10.60.20.2 255.255.255.0",
            "ip address 10.60.21.2 255.255.255.0 secondary",
        ]
        assert section(lines, "interface Loopback0") == ["ip address 10.255.0.1 255.255.255.255"]


LEFT = (
    (Interface(name="1/1/9", addresses=(IPv4Interface("10.9.0.1/31"),)), "it is routed"),
    (
        Interface(name="vlan140", type="virtual", vrf="KA", addresses=(IPv4Interface("10.9.1.1/24"),)),
        "it is in the VRF KA",
    ),
    (Interface(name="tunnel7", type="virtual", addresses=(IPv4Interface("10.9.2.1/30"),)), "no interface of a VLAN"),
    (
        Interface(
            name="vlan141",
            type="virtual",
            shared_addresses=(SharedAddress(address=IPv4Interface("10.9.3.1/24"), role="vrrp"),),
        ),
        "its only addresses are shared",
    ),
    (Interface(name="1/1/10", mode="q-in-q", untagged_vlan=110), "q-in-q"),
    (Interface(name="mgmt", mgmt_only=True, addresses=(IPv4Interface("10.9.4.1/24"),)), "it is for management"),
)


@pytest.mark.parametrize(("interface", "why"), LEFT, ids=[i.name for i, _ in LEFT])
def test_what_no_role_writes_stays_as_it_is_and_check_says_so(interface: Interface, why: str) -> None:
    of = with_more(fleet(), "heb-core1", interface)
    asked = declared("core_switch", "heb-core1", of)
    assert asked.content == declared("core_switch", "heb-core1", fleet()).content
    (said,) = catalogue()["core_switch"].left(settings_of("core_switch", "heb-core1", of))
    assert said.startswith(f"{interface.name}: ")
    assert why in said

    running = f"interface {interface.name.replace('vlan', 'vlan ')}\n    routing\n    ip address 10.9.0.1/24\n"
    change = difference(known_vendors()["arubaos-cx"], running, asked.content, asked.managed)
    assert change.unmanaged or interface.name == "mgmt"  # which every device has
    assert not any(f"interface {interface.name}" in line for line in change.entries)


def test_a_device_that_is_configured_whole_has_nothing_left() -> None:
    assert catalogue()["access_switch"].left(settings_of("access_switch", "heb-sw2", fleet())) == ()


# Management


def out_of_band(platform: str, **fields: Any) -> Fleet:
    """The fleet in which a switch is administered over its port for that alone, in a network and VRF of its own."""
    name = SWITCHES[platform]
    of = fleet(tacacs_servers=["10.60.10.99"])
    port = Interface(
        **{"name": MANAGEMENT[platform], "mgmt_only": True, "addresses": (IPv4Interface("10.63.99.7/24"),)} | fields
    )
    others = tuple(i for i in of.host(name).interfaces if not i.addresses)
    prefix = Prefix(
        prefix=IPv4Network("10.63.99.0/24"),
        site="heby-kommunhus",
        vrf=port.vrf,
        gateway=IPv4Address("10.63.99.1"),
    )
    of = changed(of, name, interfaces=(port, *others), primary_address=IPv4Address("10.63.99.7"))
    return of.model_copy(update={"prefixes": (*of.prefixes, prefix)})


@pytest.mark.parametrize("vrf", ["", "mgmt"])
@pytest.mark.parametrize("platform", PLATFORMS)
def test_a_switch_is_administered_over_its_management_port_in_the_vendor_s_vrf(platform: str, vrf: str) -> None:
    lines = told(platform, out_of_band(platform, vrf=vrf))
    expected = {
        "arubaos-cx": {
            "logging 10.60.10.13 tcp 514 vrf mgmt", "ntp vrf mgmt", "ssh server vrf mgmt", "snmp-server vrf mgmt",
            "apply access-list ip MANAGEMENT control-plane vrf mgmt",
            "apply access-list ip MANAGEMENT control-plane vrf default",
        },
        "cisco-ios": {
            "logging host 10.60.10.13 vrf Mgmt-vrf transport tcp port 514",
            "logging source-interface GigabitEthernet0/0 vrf Mgmt-vrf",
            "ntp server vrf Mgmt-vrf 10.60.10.11",
            "ip route vrf Mgmt-vrf 0.0.0.0 0.0.0.0 10.63.99.1",
            "aaa authentication login default group SAMDRIFT local",
        },
        "junos": {
            "set interfaces me0 unit 0 family inet address 10.63.99.7/24",
            "set interfaces me0 unit 0 family inet filter input MANAGEMENT",
            "set routing-options static route 0.0.0.0/0 next-hop 10.63.99.1",
        },
    }[platform]  # fmt: skip
    assert expected <= {*lines}
    assert not any("None" in line for line in lines)
    if platform == "arubaos-cx":
        assert section(lines, "interface mgmt") == [
            "no shutdown", "ip static 10.63.99.7/24", "default-gateway 10.63.99.1",
        ]  # fmt: skip
        assert not any(line.startswith("ip route") for line in lines)
    elif platform == "cisco-ios":
        assert section(lines, "interface GigabitEthernet0/0") == [
            "vrf forwarding Mgmt-vrf", "ip address 10.63.99.7 255.255.255.0",
        ]  # fmt: skip
        assert "access-class MANAGEMENT in vrf-also" in section(lines, "line vty 0 4")
        assert "ip vrf forwarding Mgmt-vrf" in section(lines, "aaa group server tacacs+ SAMDRIFT")
        assert not any(line.startswith("ip default-gateway") for line in lines)


@pytest.mark.parametrize(
    ("interface", "field", "why"),
    [
        ({"name": "oobm"}, "interface oobm", "Aruba AOS-CX has no management port of the name 'oobm'"),
        ({"name": "1/1/9", "mgmt_only": False}, "interface 1/1/9", "cannot be told to be administered over '1/1/9'"),
        (
            {"name": "loopback0", "type": "virtual", "mgmt_only": False},
            "interface loopback0",
            "cannot be told to be administered over 'loopback0'",
        ),
        (
            {"name": "vlan199", "type": "virtual", "mgmt_only": False, "vrf": "KA"},
            "interface vlan199.vrf",
            "by the VRF KA, which no role makes",
        ),
    ],
)
def test_a_way_of_administration_that_cannot_be_told_is_refused_with_its_field(
    interface: dict[str, Any], field: str, why: str
) -> None:
    of, role = out_of_band("arubaos-cx", **interface), catalogue()["access_switch"]
    with pytest.raises(SettingsError, match=why) as refused:
        role.compute(of.host("heb-sw2"), of, role.options(), Intent(of))
    assert refused.value.field == field


# Who comes in, what is sent


def monitored(of: Fleet) -> Fleet:
    return of.model_copy(update={"hosts": (*of.hosts, server("tie-mon1", "10.60.10.14/24", "server", "monitoring"))})


@pytest.mark.parametrize("platform", PLATFORMS)
def test_snmp_answers_monitoring_and_nobody_else(platform: str) -> None:
    lines, alone = told(platform, monitored(fleet())), told(platform, fleet())
    if platform == "junos":
        term = "firewall family inet filter MANAGEMENT term"
        assert {"monitors from source-address 10.60.10.14/32", "monitors then accept"} <= of_junos(lines, term)
        assert {"other-monitors from destination-port snmp", "other-monitors then discard"} <= of_junos(alone, term)
        assert not any(line.startswith("monitors") for line in of_junos(alone, term))
    elif platform == "arubaos-cx":
        assert "snmp-server vrf default" in alone
        assert "4010 permit udp 10.60.10.14 any eq snmp" in section(lines, "access-list ip MANAGEMENT")
        assert "9004 deny udp any any eq snmp" in section(alone, "access-list ip MANAGEMENT")
    else:
        assert "snmp-server group samdrift v3 priv read samdrift access ipv6 MONITORING6 MONITORING" in lines
        assert section(lines, "ipv6 access-list MONITORING6") == ["deny ipv6 any any"]
        assert section(lines, "ip access-list standard MONITORING") == ["10 permit 10.60.10.14"]
        assert section(alone, "ip access-list standard MONITORING") == ["10 deny   any"]


@pytest.mark.parametrize("platform", PLATFORMS)
def test_two_stations_may_both_log_in(platform: str) -> None:
    of = fleet()
    of = of.model_copy(update={"hosts": (*of.hosts, server("tie-adm2", "10.60.10.200/24", "management-station"))})
    said = "\n".join(told(platform, of))
    assert "10.60.10.250" in said
    assert "10.60.10.200" in said


@pytest.mark.parametrize("platform", PLATFORMS)
def test_a_station_that_takes_another_s_place_is_let_in_and_the_other_no_more(platform: str) -> None:
    before = fleet()
    old = before.host("tie-adm1")
    new = server("tie-adm2", "10.60.10.200/24", "management-station").model_copy(update={"context": old.context})
    after = before.model_copy(update={"hosts": tuple(new if h is old else h for h in before.hosts)})
    name, vendor, show = SWITCHES[platform], known_vendors()[platform], grammar(platform).show
    was, asked = (declared("access_switch", name, of) for of in (before, after))
    there = applied(platform, FACTORY.get(platform, {}), difference(vendor, "", was.content, was.managed).entries)
    change = difference(vendor, show(there), asked.content, asked.managed, ours=Ours(declared=was.content))
    assert "10.60.10.250" not in show(applied(platform, there, change.entries))


def test_no_way_in_of_an_ios_switch_is_open_to_all() -> None:
    lines = told("cisco-ios", fleet(tacacs_servers=["10.60.10.99"]))
    for head in ("line vty 0 4", "line vty 5 15"):
        ways = ["access-class MANAGEMENT in", "ipv6 access-class MANAGEMENT6 in", "transport input ssh"]
        assert section(lines, head) == ways
    assert {"no ip http server", "no ip http secure-server", "aaa authorization console"} <= {*lines}
    assert {"aaa authentication login default group tacacs+ local", "ip tacacs source-interface Vlan101"} <= {*lines}


def test_the_lines_that_only_some_ios_switches_have_are_told_the_same() -> None:
    asked = declared("access_switch", "heb-sw3", fleet())
    running = asked.content.replace("line vty 5 15", "line vty 16 31\n transport input telnet\nline vty 5 15")
    change = difference(known_vendors()["cisco-ios"], running, asked.content, asked.managed)
    assert change.entries[0] == "line vty 16 31"
    assert {"  access-class MANAGEMENT in", "  ipv6 access-class MANAGEMENT6 in", "  transport input ssh"} <= {
        *change.entries
    }


def test_the_web_server_of_an_aos_cx_switch_is_shut_where_it_is_open_and_no_more_said_of_it() -> None:
    asked = declared("access_switch", "heb-sw2", fleet())
    vendor, show = known_vendors()["arubaos-cx"], grammar("arubaos-cx").show
    there = applied("arubaos-cx", FACTORY["arubaos-cx"] | {"https-server vrf default": {}}, [])
    change = difference(vendor, show(there), asked.content, asked.managed)
    assert "no https-server vrf default" in change.entries
    after = show(applied("arubaos-cx", there, change.entries))
    assert "https-server" not in after
    assert difference(vendor, after, asked.content, asked.managed).entries == ()


# Spanning tree


@pytest.mark.parametrize("platform", PLATFORMS)
def test_every_vlan_has_a_tree_and_the_core_is_its_root(platform: str) -> None:
    access, core = told(platform, fleet()), told(platform, fleet(), core=True)
    trees = {
        "arubaos-cx": ["spanning-tree mode rpvst", "spanning-tree vlan 101,110,120"],
        "cisco-ios": ["spanning-tree mode rapid-pvst"],
        "junos": [f"set protocols vstp vlan {vid}" for vid in (101, 110, 120)],
    }[platform]
    roots = {
        "arubaos-cx": ["spanning-tree vlan 101,110,120 priority 4"],
        "cisco-ios": ["spanning-tree vlan 101,110,120 priority 16384"],
        "junos": [f"set protocols vstp vlan {vid} bridge-priority 16k" for vid in (101, 110, 120)],
    }[platform]
    assert {*trees} <= {*access}
    assert {*trees, *roots} <= {*core}
    assert not {*roots} & {*access}


@pytest.mark.parametrize("platform", PLATFORMS)
def test_one_region_of_mstp_is_told_to_all_that_are_to_be_in_it(platform: str) -> None:
    options: dict[str, Any] = {"spanning_tree": "mstp"}
    access, core = told(platform, fleet(**options)), told(platform, fleet(**options, region="heby-1"), core=True)
    names, roots = {
        "arubaos-cx": ("spanning-tree config-name {}", "spanning-tree priority 4"),
        "cisco-ios": (" name {}", "spanning-tree mst 0 priority 16384"),
        "junos": ("set protocols mstp configuration-name {}", "set protocols mstp bridge-priority 16k"),
    }[platform]
    assert names.format("heby-kommunhus") in access
    assert {names.format("heby-1"), roots} <= {*core}
    assert not any("pvst" in line or "vstp" in line for line in (*access, *core))


# Ports that nobody uses


@pytest.mark.parametrize("platform", PLATFORMS)
def test_unused_ports_are_shut_in_a_parking_vlan_only_where_one_is_named(platform: str) -> None:
    name = SWITCHES[platform]
    port = {"arubaos-cx": "1/1/9", "cisco-ios": "GigabitEthernet1/0/9", "junos": "ge-0/0/9"}[platform]
    unused, plain = Interface(name=port), with_vlan(fleet(), 999)
    parking = with_vlan(fleet(parking_vlan=999), 999)

    for of, expected in ((plain, (None, True)), (parking, (999, False))):
        found = port_of(with_more(of, name, unused), name, port)
        assert (found.untagged, found.enabled) == expected
    used = cabled(with_more(parking, name, unused), name, port, "heb-gw1:eth0")
    assert port_of(used, name, port).enabled
    told(platform, with_more(parking, name, unused))


def test_a_parking_vlan_that_the_site_has_not_is_refused() -> None:
    of, role = with_more(fleet(parking_vlan=998), "heb-sw2", Interface(name="1/1/9")), catalogue()["access_switch"]
    with pytest.raises(SettingsError, match="there is no VLAN 998 at this site to park unused ports in"):
        role.compute(of.host("heb-sw2"), of, role.options.model_validate({"parking_vlan": 998}), Intent(of))


@pytest.mark.parametrize("platform", PLATFORMS)
def test_no_line_says_none(platform: str) -> None:
    texts = (declared("access_switch", SWITCHES[platform], of).content for of in (fleet(), out_of_band(platform)))
    assert "None" not in " ".join(texts).split()


@pytest.mark.parametrize(
    ("platform", "intended"),
    [
        ("cisco-ios", "interface Vlan2\n ip address 10.0.0.1 255.0.0.0\n ip address 10.0.0.2 255.0.0.0\n"),
        ("arubaos-cx", "interface 1/1/1\n    vlan access 10\n    vlan access 20\n"),
        ("junos", "set vlans v2 vlan-id 2\nset vlans v2 vlan-id 3\n"),
        ("fortios", 'config system global\n set hostname "a"\n set hostname "b"\nend\n'),
    ],
)
def test_two_intended_lines_of_which_a_device_has_one_are_refused(platform: str, intended: str) -> None:
    everything = {"set": ((".*",),), "blocks": (("config .*",),)}.get(known_vendors()[platform].syntax, ((".*",),))
    with pytest.raises(SamdriftError, match="two lines of which a device has one"):
        difference(known_vendors()[platform], "", intended, everything)


def test_a_template_that_writes_none_is_at_fault(tmp_path: Path) -> None:
    (tmp_path / "x.j2").write_text("interface vlan {{ vid }}\n", encoding="utf-8")
    with pytest.raises(TemplateError, match="a value that is None"):
        render("x.j2", root=tmp_path, vid=None)
