"""An SRX's zones, policies and NAT by NetBox' networks; that it takes them, and that what people made stays."""

from __future__ import annotations

import re
from functools import partial
from ipaddress import IPv4Address, IPv4Interface, IPv4Network, IPv6Address, IPv6Interface, IPv6Network
from typing import Any

import pytest

from inventory.errors import SamdriftError
from inventory.fleet import Fleet, Interface
from inventory.network import Prefix, Vlan
from inventory.order import in_order
from roles.edge_firewall import Settings
from roles.shared.device.difference import Difference, difference
from roles.shared.device.found import found
from roles.shared.device.known import known_vendors
from roles.shared.device.ownership import Ours
from roles.shared.device.passing import Passing, Transit
from roles.shared.parts.registration import ManagedConfiguration
from roles.shared.settings import SettingsError
from tests.device_texts import device_text
from tests.emulator.checked_out import wrong_in
from tests.emulator.grammar import applied, grammar
from tests.unit.roles.shared.device.curly import statements
from tests.unit.roles.shared.device.switch_fleet import fleet, with_firewall
from tests.unit.roles.shared.device.test_settings import computed, declared_by

NAME = "heb-fw2"
VENDOR = known_vendors()["junos"]
SHOW = grammar("junos")


a_fleet = partial(with_firewall, NAME)
"""The fleet, whose firewall has these interfaces, too, and these options."""


settings_of = partial(computed, NAME)


def declared(settings: Settings) -> ManagedConfiguration:
    return declared_by("edge_firewall", settings)


def lines(of: Fleet) -> list[str]:
    """What is told, without `set`."""
    return [line.removeprefix("set ") for line in declared(settings_of(of)).content.splitlines()]


def told(asked: ManagedConfiguration, running: str, before: str = "") -> Difference:
    """What is typed on a device, of which samdrift declared this before."""
    return difference(VENDOR, running, asked.content, asked.managed, ours=Ours(declared=before))


def after(asked: ManagedConfiguration, running: str = "", before: str = "") -> str:
    """What the device has then, and would commit."""
    there = applied("junos", SHOW.load(running), told(asked, running, before).entries)
    assert wrong_in(there) == ""
    return SHOW.show(there)


def below(said: list[str], head: str) -> list[str]:
    return [line.removeprefix(f"{head} ") for line in said if line.startswith(f"{head} ")]


def vlan(name: str = "ge-0/0/4.120", parent: str | None = "ge-0/0/4", **fields: Any) -> Interface:
    given = {"untagged_vlan": 120, "addresses": (IPv4Interface("10.63.60.1/24"),), **fields}
    return Interface(name=name, type="virtual", parent=parent, **given)


PORT = Interface(name="ge-0/0/4")


def test_a_vlan_of_a_port_is_a_unit_in_a_zone_of_its_own_that_may_reach_the_internet_alone() -> None:
    said = lines(a_fleet(PORT, vlan()))
    assert below(said, "interfaces ge-0/0/4") == [
        "vlan-tagging",
        "unit 120 vlan-id 120",
        "unit 120 family inet address 10.63.60.1/24",
    ]
    assert below(said, "security zones security-zone ge-0-0-4-120") == [
        "host-inbound-traffic system-services ping",
        "interfaces ge-0/0/4.120",
    ]
    assert below(said, "security policies from-zone ge-0-0-4-120 to-zone untrust policy out") == [
        "match source-address net-ge-0-0-4-120",
        "match destination-address any",
        "match application any",
        "then permit",
        "then log session-close",
    ]
    assert below(said, "security nat source rule-set ge-0-0-4-120-to-untrust") == [
        "from zone ge-0-0-4-120",
        "to zone untrust",
        "rule net-ge-0-0-4-120 match source-address 10.63.60.0/24",
        "rule net-ge-0-0-4-120 then source-nat interface",
    ]
    assert "security address-book global address net-ge-0-0-4-120 10.63.60.0/24" in said
    assert {line.split()[3] for line in said if line.startswith("security policies from-zone ")} == {
        "ge-0-0-1", "ge-0-0-2", "ae0-110", "irb-120", "ge-0-0-4-120",
    }  # fmt: skip


def test_what_no_policy_lets_through_between_the_zones_is_denied_and_logged_last() -> None:
    said = lines(fleet())
    last = below(said, "security policies global policy samdrift-deny")
    zones = ["untrust", "administration", "ge-0-0-1", "ge-0-0-2", "ae0-110", "irb-120"]
    assert [line.split()[2] for line in last if line.startswith("match from-zone ")] == zones
    assert [line.split()[2] for line in last if line.startswith("match to-zone ")] == zones
    assert last[-2:] == ["then deny", "then log session-init"]
    assert not any("junos-host" in line for line in said)


def test_ssh_and_snmp_are_let_in_by_the_zone_of_management_alone_and_from_the_stations() -> None:
    said = lines(a_fleet(also_allows=["https"]))
    inbound = [line for line in said if " host-inbound-traffic " in line and not line.endswith(" ping")]
    of = "security zones security-zone administration host-inbound-traffic system-services"
    assert inbound == [f"{of} https", f"{of} ssh", f"{of} snmp"]
    assert "interfaces lo0 unit 0 family inet filter input MANAGEMENT" in said
    terms = below(said, "firewall family inet filter MANAGEMENT term stations")
    assert terms == [
        "from source-address 10.60.10.250/32",
        "from protocol tcp",
        "from destination-port ssh",
        "from destination-port telnet",
        "from destination-port 830",
        "then accept",
    ]


def test_what_a_zone_lets_through_is_logged_from_a_port_that_forwards_to_the_log_server() -> None:
    assert [line for line in lines(fleet()) if line.startswith("security log ")] == [
        "security log mode stream",
        "security log source-address 10.63.1.5",
        "security log stream samdrift-1 format sd-syslog",
        "security log stream samdrift-1 host 10.60.10.13",
    ]


def test_over_the_port_of_management_alone_logs_go_the_way_of_the_devices_own_and_it_is_in_no_zone() -> None:
    of = a_fleet(Interface(name="fxp0", addresses=(IPv4Interface("10.63.1.5/24"),)), without=("ge-0/0/3",))
    said = lines(of)
    assert [line for line in said if line.startswith("security log ")] == ["security log mode event"]
    assert "system syslog host 10.60.10.13 user info" in said
    assert not any(line.startswith("security ") and ("fxp0" in line or "administration" in line) for line in said)
    assert "interfaces fxp0 unit 0 family inet filter input MANAGEMENT" in said
    after(declared(settings_of(of)))


def test_interfaces_of_an_option_s_zone_are_in_it_together() -> None:
    said = lines(a_fleet(PORT, vlan(), zones={"schools": ["ge-0/0/1", "ge-0/0/4.120"]}))
    assert [line for line in said if line.startswith("security zones security-zone schools interfaces")] == [
        "security zones security-zone schools interfaces ge-0/0/1.0",
        "security zones security-zone schools interfaces ge-0/0/4.120",
    ]
    assert not any("ge-0-0-1-to" in line or "zone ge-0-0-4-120 " in line for line in said)


def test_members_of_a_redundant_interface_are_told_so_and_the_cluster_is_left_as_it_is() -> None:
    more = (
        Interface(name="reth1", type="lag"),
        Interface(name="ge-0/0/5", lag="reth1"),
        Interface(name="ge-5/0/5", lag="reth1"),
        vlan("reth1.120", "reth1"),
    )
    said = lines(a_fleet(*more))
    assert "interfaces ge-5/0/5 gigether-options redundant-parent reth1" in said
    assert (
        below(said, "interfaces reth1")
        == [
            'description "ge-0/0/5"',
            "vlan-tagging",
            "unit 120 vlan-id 120",
            "unit 120 family inet address 10.63.60.1/24",
        ]
        or below(said, "interfaces reth1")[0] == "vlan-tagging"
    )
    assert not any("redundancy-group" in line or "chassis cluster" in line for line in said)
    assert "chassis aggregated-devices ethernet device-count 1" in said, "of ae0, and not of reth1"


def test_a_port_s_own_unit_may_be_an_interface_of_its_own() -> None:
    own = Interface(name="ge-0/0/4.0", type="virtual", parent="ge-0/0/4", addresses=(IPv4Interface("10.63.60.1/24"),))
    said = lines(a_fleet(PORT, own))
    assert below(said, "interfaces ge-0/0/4") == ["unit 0 family inet address 10.63.60.1/24"]
    assert "security zones security-zone ge-0-0-4-0 interfaces ge-0/0/4.0" in said
    way_out = Interface(
        name="ge-0/0/0.0", type="virtual", parent="ge-0/0/0", addresses=(IPv4Interface("192.0.2.2/30"),)
    )
    said = lines(a_fleet(way_out))
    assert "security zones security-zone untrust interfaces ge-0/0/0.0" in said
    assert not any("zone ge-0-0-0" in line for line in said), "the outside is no inside"


TRANSIT = Transit(
    interface="ge-0/0/1",
    next_hop=IPv4Address("10.63.21.2"),
    passing=(
        Passing(protocol="tcp", port=443, sources=(IPv4Address("10.60.10.11"), IPv4Address("10.60.10.12"))),
        Passing(protocol="udp", port=123, sources=(IPv4Address("10.60.10.11"),)),
    ),
)


def test_what_hosts_behind_gateways_need_of_the_internet_passes_and_finds_back() -> None:
    asked = declared(settings_of(fleet()).model_copy(update={"transit": TRANSIT, "answers_names": ("ge-0/0/1",)}))
    said = [line.removeprefix("set ") for line in asked.content.splitlines()]
    of = "security policies from-zone ge-0-0-1 to-zone untrust policy out-tcp-443"
    assert below(said, of)[:4] == [
        "match source-address host-10-60-10-11",
        "match source-address host-10-60-10-12",
        "match destination-address any",
        "match application samdrift-tcp-443",
    ]
    assert "applications application samdrift-tcp-443 destination-port 443" in said
    assert "routing-options static route 10.60.10.12/32 next-hop 10.63.21.2" in said
    assert "security nat source rule-set ge-0-0-1-to-untrust rule host-10-60-10-12 then source-nat interface" in said
    assert "system services dns dns-proxy interface ge-0/0/1.0" in said
    assert "security zones security-zone ge-0-0-1 host-inbound-traffic system-services dns" in said
    there = after(asked)
    assert told(asked, there).entries == ()


def test_the_first_policy_that_matches_counts_so_a_new_one_stands_where_it_is_meant_to() -> None:
    asked = declared(settings_of(fleet()).model_copy(update={"transit": TRANSIT}))
    hand = (
        "set security policies from-zone ge-0-0-1 to-zone untrust policy by-hand match source-address any\n"
        "set security policies from-zone ge-0-0-1 to-zone untrust policy by-hand match destination-address any\n"
        "set security policies from-zone ge-0-0-1 to-zone untrust policy by-hand match application any\n"
        "set security policies from-zone ge-0-0-1 to-zone untrust policy by-hand then reject\n"
    )
    there = after(asked, hand)
    out = "security policies from-zone ge-0-0-1 to-zone untrust policy out"
    lost = "".join(f"{line}\n" for line in there.splitlines() if not line.startswith(f"set {out} "))
    change = told(asked, lost)
    assert f"insert {out} before policy out-tcp-443" in change.entries
    assert told(asked, after(asked, lost)).entries == ()
    assert not any("by-hand" in line for line in change.entries)


BY_HAND = """\
set security zones security-zone dmz interfaces ge-0/0/7.0
set security zones security-zone dmz host-inbound-traffic system-services ping
set security zones security-zone administration host-inbound-traffic system-services https
set security address-book global address webb 10.99.0.10/32
set security policies from-zone untrust to-zone dmz policy webb match source-address any
set security policies from-zone untrust to-zone dmz policy webb match destination-address webb
set security policies from-zone untrust to-zone dmz policy webb match application junos-https
set security policies from-zone untrust to-zone dmz policy webb then permit
set security policies from-zone dmz to-zone untrust policy out match source-address any
set security policies from-zone dmz to-zone untrust policy out match destination-address any
set security policies from-zone dmz to-zone untrust policy out match application any
set security policies from-zone dmz to-zone untrust policy out then permit
set security nat destination pool webb address 10.99.0.10/32
set security log stream siem host 192.0.2.99
set applications application kassa protocol tcp
set applications application kassa destination-port 7000
set interfaces ge-0/0/0 unit 0 family inet dhcp
set interfaces ge-0/0/7 unit 0 family inet address 10.99.0.1/24
set routing-options static route 0.0.0.0/0 next-hop 192.0.2.1
set system login user bo uid 2000
set system login user bo class super-user
set snmp community offentlig authorization read-only
"""


def test_what_people_made_by_hand_stays_and_is_told_once() -> None:
    asked = declared(settings_of(fleet()))
    change = told(asked, BY_HAND)
    assert (change.removals, [line for line in change.entries if line.startswith("delete ")]) == ((), [])
    there = after(asked, BY_HAND)
    assert {*BY_HAND.splitlines()} <= {*there.splitlines()}
    assert told(asked, there).entries == ()
    left = {line for text in change.unmanaged for line in text.splitlines()}
    assert {line for line in BY_HAND.splitlines() if not re.search(" community | uid ", line)} <= left


def test_a_network_that_netbox_has_no_more_loses_zone_policy_and_nat_if_samdrift_made_them() -> None:
    before, now = declared(settings_of(a_fleet(PORT, vlan()))), declared(settings_of(a_fleet(PORT)))
    there = after(before)
    assert "ge-0-0-4-120" in there
    assert "ge-0-0-4-120" not in after(now, there, before=before.content)
    assert told(now, there).removals == (), "nothing is remembered of it"


def test_an_interface_moves_to_another_zone_when_an_option_says_so() -> None:
    before, now = declared(settings_of(fleet())), declared(settings_of(a_fleet(zones={"schools": ["ge-0/0/1"]})))
    moved = after(now, after(before), before=before.content)
    assert "security-zone schools interfaces ge-0/0/1.0" in moved
    assert "zone ge-0-0-1 " not in moved


def test_an_interface_that_somebody_put_into_a_zone_is_not_put_into_another_but_that_is_named_instead() -> None:
    hand = "set security zones security-zone lokal interfaces ge-0/0/1.0 host-inbound-traffic system-services dhcp\n"
    with pytest.raises(SamdriftError, match=r"set security zones security-zone lokal interfaces ge-0/0/1\.0"):
        told(declared(settings_of(fleet())), hand)
    after(declared(settings_of(a_fleet(zones={"lokal": ["ge-0/0/1"]}))), hand)


def test_what_a_device_says_otherwise_and_means_the_same_is_no_difference() -> None:
    more = (Interface(name="reth1", type="lag"), Interface(name="ge-5/0/5", lag="reth1"), vlan("reth1.120", "reth1"))
    asked = declared(settings_of(a_fleet(*more)))
    there = after(asked)
    says = (
        there.replace("reth1 vlan-tagging", "reth1 flexible-vlan-tagging")
        .replace("ge-5/0/5 gigether-options", "ge-5/0/5 ether-options")
        .replace("xe-0/2/1 ether-options", "xe-0/2/1 gigether-options")
        + "set interfaces reth1 redundant-ether-options redundancy-group 1\n"
        + "set chassis cluster redundancy-group 0 node 0 priority 150\n"
        + "set chassis cluster redundancy-group 1 node 0 priority 150\n"
    )
    assert says != there
    assert told(asked, says).entries == ()


def test_another_filter_of_what_comes_in_is_replaced_before_everybodys_eyes() -> None:
    hand = (
        "set interfaces lo0 unit 0 family inet filter input PROTECT\n"
        "set firewall family inet filter PROTECT term a then accept\n"
    )
    asked = declared(settings_of(fleet()))
    change = told(asked, hand)
    assert "set interfaces lo0 unit 0 family inet filter input PROTECT" in change.before
    assert "filter input PROTECT" not in after(asked, hand)
    assert "set interfaces lo0 unit 0 family inet filter input PROTECT" in change.rollback


def test_the_outside_may_be_what_has_no_address_in_netbox() -> None:
    said = lines(a_fleet(Interface(name="pp0", type="virtual"), outside="pp0"))
    assert "security zones security-zone untrust interfaces pp0.0" in said
    assert not any(line.startswith("interfaces pp0") for line in said)


@pytest.mark.parametrize("screen", [True, False])
def test_the_outside_has_the_factorys_screen_unless_people_have_their_own(screen: bool) -> None:
    assert any("screen" in line for line in lines(a_fleet(screen=screen))) is screen


@pytest.mark.parametrize(
    ("interfaces", "field", "said"),
    [
        ((PORT, vlan("skola-120")), "interface skola-120", "is no unit of ge-0/0/4"),
        ((vlan("ge-0/0/1.120", "ge-0/0/1"),), "interface ge-0/0/1.addresses", "ge-0/0/1 has VLANs, and a network"),
        (
            (vlan("ge-0/0/1.0", "ge-0/0/1", untagged_vlan=None),),
            "interface ge-0/0/1.0",
            "ge-0/0/1 is the same unit",
        ),
        ((vlan(parent=None),), "interface ge-0/0/4.120.parent", "neither a VLAN of a port nor a loopback"),
    ],
)
def test_what_units_cannot_say_is_refused_with_its_field(
    interfaces: tuple[Interface, ...], field: str, said: str
) -> None:
    with pytest.raises(SettingsError, match=said) as refused:
        settings_of(a_fleet(*interfaces))
    assert refused.value.field == field


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"zones": {"management": ["ge-0/0/1"]}}, "no zone can be called management"),
        ({"management_zone": "junos-host"}, "no zone can be called junos-host"),
        ({"outside_zone": "administration"}, "would have another interface"),
        ({"zones": {"untrust": ["ge-0/0/1"]}}, "would have another interface"),
        ({"zones": {"irb-120": ["ge-0/0/1"]}}, "that of an interface which is not in it"),
        ({"zones": {"en-zon-med-ett-langt-namn": ["ge-0/0/1"]}}, "has more than 31 characters"),
        ({"also_allows": ["fgfm"]}, "Juniper Junos knows no fgfm"),
        ({"dhcp6_servers": ["2001:db8::53"]}, "is not told here to relay DHCPv6"),
        ({"outside": "ge-0/0/9"}, "there is no port ge-0/0/9"),
    ],
)
def test_options_that_would_go_wrong_are_refused(options: dict[str, Any], said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        settings_of(a_fleet(**options))


def in_both_families() -> Fleet:
    of = fleet()
    hosts = []
    new = {NAME: ("ge-0/0/3", "2001:db8:63:1::5/64"), "tie-adm1": ("eth0", "2001:db8:60:10::250/64")}
    for host in of.hosts:
        at, own = new.get(host.name, ("", ""))
        interfaces = tuple(
            i.model_copy(update={"addresses": (*i.addresses, IPv6Interface(own))}) if i.name == at else i
            for i in host.interfaces
        )
        primary = {"primary_address6": IPv6Interface(own).ip} if own else {}
        hosts.append(host.model_copy(update={"interfaces": interfaces, **primary}))
    prefixes = (
        Prefix(prefix=IPv6Network("2001:db8:63:1::/64"), site="heby-kommunhus", vlan=101,
               gateway=IPv6Address("2001:db8:63:1::1")),
        Prefix(prefix=IPv6Network("2001:db8:60:10::/64"), site="tierp-datahall"),
    )  # fmt: skip
    return in_order(of.model_copy(update={"hosts": tuple(hosts), "prefixes": (*of.prefixes, *prefixes)}))


def test_it_is_administered_over_ipv6_from_the_stations_that_have_it() -> None:
    of = in_both_families()
    said = lines(of)
    assert "interfaces ge-0/0/3 unit 0 family inet6 address 2001:db8:63:1::5/64" in said
    assert "security forwarding-options family inet6 mode flow-based" in said
    assert "routing-options rib inet6.0 static route 2001:db8:60:10::/64 next-hop 2001:db8:63:1::1" in said
    terms = below(said, "firewall family inet6 filter MANAGEMENT6 term stations")
    assert terms[:2] == ["from source-address 2001:db8:60:10::250/128", "from next-header tcp"]
    assert below(said, "firewall family inet6 filter MANAGEMENT6 term others")[-1] == "then discard"
    asked = declared(settings_of(of))
    assert told(asked, after(asked)).entries == ()


def test_a_network_of_ipv6_may_reach_the_internet_untranslated_and_has_its_router_announced() -> None:
    both = (IPv4Interface("10.63.60.1/24"), IPv6Interface("2001:db8:63:60::1/64"))
    of = a_fleet(PORT, vlan(addresses=both))
    net = Prefix(
        prefix=IPv6Network("2001:db8:63:60::/64"), site="heby-kommunhus", gateway=IPv6Address("2001:db8:63:60::1")
    )
    of = in_order(of.model_copy(update={"prefixes": (*of.prefixes, net)}))
    said = lines(of)
    assert "interfaces ge-0/0/4 unit 120 family inet6 address 2001:db8:63:60::1/64" in said
    assert "protocols router-advertisement interface ge-0/0/4.120 prefix 2001:db8:63:60::/64" in said
    policy = below(said, "security policies from-zone ge-0-0-4-120 to-zone untrust policy out6")
    assert policy[0] == "match source-address net6-ge-0-0-4-120"
    assert "security address-book global address net6-ge-0-0-4-120 2001:db8:63:60::/64" in said
    assert not any(line.startswith("security nat ") and "2001:db8" in line for line in said)
    assert not any("router-advertisement" in line for line in lines(set_options(of, announces=False)))
    asked = declared(settings_of(of))
    assert told(asked, after(asked)).entries == ()


def set_options(of: Fleet, **options: Any) -> Fleet:
    host = of.host(NAME)
    context = {"samdrift": {"roles": {"edge_firewall": True}, "edge_firewall": options}}
    changed = host.model_copy(update={"context": context})
    return of.model_copy(update={"hosts": tuple(changed if h is host else h for h in of.hosts)})


def test_a_published_srx_that_is_taken_over_loses_nothing_and_is_as_declared_after_one_apply() -> None:
    _, published = device_text("junos_srx300_22.4.txt")
    running = statements(re.sub(r"(?m)^(?:#.*|version .*)\n", "", published))
    seen = found(VENDOR, running)
    ports = {i.name: i for i in seen.interfaces}
    assert (ports["irb.0"].untagged_vlan, [str(a) for a in ports["irb.0"].addresses]) == (3, ["192.168.1.1/24"])
    assert (ports["ge-0/0/1"].untagged_vlan, seen.vlans) == (3, {3: "vlan-trust"})

    of = fleet()
    host = of.host(NAME)
    context = {"outside_zone": "untrust", "management_zone": "trust"}
    taken = host.model_copy(
        update={
            "interfaces": seen.interfaces,
            "primary_address": IPv4Address("192.168.1.1"),
            "context": {"samdrift": {"roles": {"edge_firewall": True}, "edge_firewall": context}},
        }
    )
    there = Prefix(prefix=IPv4Network("192.168.1.0/24"), site="heby-kommunhus", gateway=IPv4Address("192.168.1.254"))
    adopted = in_order(
        of.model_copy(
            update={
                "hosts": tuple(taken if h is host else h for h in of.hosts),
                "prefixes": (*of.prefixes, there),
                "vlans": (*of.vlans, Vlan(vid=3, name="vlan-trust", site="heby-kommunhus")),
            }
        )
    )
    asked = declared(settings_of(adopted))
    change = told(asked, running)
    assert change.removals == ()
    assert [line for line in change.entries if not line.startswith("set ")] == []
    now = after(asked, running)
    had = SHOW.show(SHOW.load(running)).splitlines()
    assert {*had} - {*now.splitlines()} == {"set system services ssh"}, "which has more below it now"
    assert told(asked, now).entries == ()
