"""A FortiGate's networks, whatever they are at; what is refused; and that what people made by hand is left alone."""

from __future__ import annotations

import re
from functools import partial
from ipaddress import IPv4Address, IPv4Interface, IPv4Network, IPv6Address, IPv6Interface, IPv6Network
from typing import Any

import pytest

from inventory.fleet import Fleet, Interface, SharedAddress
from inventory.network import Prefix
from inventory.order import in_order
from inventory.secrets import secrets_in
from roles.edge_firewall import Settings
from roles.shared.catalogue import catalogue
from roles.shared.device.difference import Difference, difference
from roles.shared.device.known import known_vendors
from roles.shared.device.ownership import Ours
from roles.shared.device.passing import Passing, Transit
from roles.shared.parts.registration import ManagedConfiguration, registering
from roles.shared.parts.templates import render
from roles.shared.settings import SettingsError
from tests.device_texts import device_text
from tests.emulator.grammar import applied, grammar
from tests.unit.roles.shared.device.switch_fleet import fleet, in_both_families, server, with_firewall
from tests.unit.roles.shared.device.test_settings import computed, declared_by
from tests.unit.state.conftest import shipped_settings

NAME = "heb-fw1"
VENDOR = known_vendors()["fortios"]


a_fleet = partial(with_firewall, NAME)
"""The fleet, whose firewall has these interfaces, too, and these options."""


settings_of = partial(computed, NAME)


def declared(of: Fleet) -> ManagedConfiguration:
    return declared_by("edge_firewall", settings_of(of))


def told(of: Fleet, running: str, before: str = "") -> Difference:
    """What is typed on a device, of which samdrift declared this before."""
    asked = declared(of)
    return difference(VENDOR, running, asked.content, asked.managed, ours=Ours(declared=before))


def block(of: Fleet, entry: str) -> list[str]:
    """The lines of an entry of an outermost table, the first of this name."""
    lines = declared(of).content.splitlines()
    first = lines.index(f"    edit {entry}")
    return [line.strip() for line in lines[first + 1 : lines.index("    next", first)]]


def vlan(name: str = "skola-120", parent: str | None = "internal2", **fields: Any) -> Interface:
    given = {"untagged_vlan": 120, "addresses": (IPv4Interface("10.63.60.1/24"),), **fields}
    return Interface(name=name, type="virtual", parent=parent, **given)


def test_a_vlan_of_a_port_that_is_a_networks_gateway_is_built_and_may_reach_the_internet() -> None:
    of = a_fleet(vlan())
    assert block(of, '"skola-120"') == [
        'set vdom "root"',
        'set interface "internal2"',
        "set vlanid 120",
        "set ip 10.63.60.1 255.255.255.0",
        "set allowaccess ping",
    ]
    number = 10 << 24 | 63 << 16 | 60 << 8
    assert 'set srcintf "skola-120"' in block(of, str(number))
    assert 'set srcaddr "net-skola-120"' in block(of, str(number))


@pytest.mark.parametrize(
    "interface",
    [
        vlan(untagged_vlan=None),
        vlan(untagged_vlan=None, tagged_vlans=(120,)),
        vlan("uplink", untagged_vlan=None, tagged_vlans=(120,)),
        vlan("internal2.9", untagged_vlan=120),
        vlan("internal2.120", parent=None, untagged_vlan=None),
    ],
)
def test_a_vlans_number_and_port_are_netboxs_or_those_in_its_name(interface: Interface) -> None:
    said = block(a_fleet(interface), f'"{interface.name}"')
    assert said[1:3] == ['set interface "internal2"', "set vlanid 120"]


def test_a_second_network_of_an_interface_is_a_second_address_and_no_second_value_of_the_first() -> None:
    said = block(fleet(), '"personal-110"')
    assert [line for line in said if line.startswith("set ip ")] == [
        "set ip 10.63.50.1 255.255.255.0",
        "set ip 10.63.51.1 255.255.255.0",
    ]
    assert said.index("config secondaryip") < said.index("set ip 10.63.51.1 255.255.255.0") < said.index("end")
    assert 'set srcaddr "net-personal-110" "net-personal-110-2"' in declared(fleet()).content


def test_a_loopback_has_its_address_and_no_policy() -> None:
    of = a_fleet(Interface(name="loopback1", type="virtual", addresses=(IPv4Interface("10.255.0.1/32"),)))
    assert block(of, '"loopback1"')[1:3] == ["set type loopback", "set ip 10.255.0.1 255.255.255.255"]
    assert "loopback1-out" not in declared(of).content


MANAGEMENT = "vlan101"


def test_the_port_of_a_vlan_is_to_be_up_as_a_vlan_has_no_link_of_its_own() -> None:
    serving = settings_of(
        a_fleet(
            vlan(),
            vlan("off-110", "internal5", enabled=False, untagged_vlan=110, addresses=(IPv4Interface("10.63.61.1/24"),)),
        )
    ).serving
    assert serving == ("wan1", "internal3", "internal1", "lag1", "internal2")


def test_management_may_be_at_a_vlan_which_alone_takes_ssh() -> None:
    at = vlan(MANAGEMENT, "internal2", untagged_vlan=101, addresses=(IPv4Interface("10.63.1.4/24"),))
    of = a_fleet(at, without=("internal3",))
    assert "set allowaccess ping ssh snmp" in block(of, f'"{MANAGEMENT}"')
    assert [line for line in declared(of).content.splitlines() if re.search(r"allowaccess .*ssh", line)] == [
        "        set allowaccess ping ssh snmp"
    ]
    assert f"{MANAGEMENT}-out" not in declared(of).content


@pytest.mark.parametrize(
    ("interface", "field", "said"),
    [
        (vlan(parent=None), "interface skola-120.parent", "neither a VLAN of a port nor a loopback"),
        (vlan(vrf="guests"), "interface skola-120.vrf", "a VRF of its own is not built"),
        (vlan(untagged_vlan=666), "interface skola-120.untagged_vlan", "there is no VLAN 666"),
        (vlan("skola", untagged_vlan=None), "interface skola.untagged_vlan", "not known which VLAN"),
        (vlan("a", untagged_vlan=None, tagged_vlans=(110, 120)), "interface a.untagged_vlan", "not known which VLAN"),
        (vlan(parent="lag1", untagged_vlan=110), "interface skola-120.untagged_vlan", "personal-110 is VLAN 110"),
        (vlan("en-sextonde-1120"), "interface en-sextonde-1120", "names no interface"),
        (vlan('a" set x'), 'interface a" set x', "names no interface"),
        (vlan(addresses=(IPv4Interface("10.63.40.9/24"),)), "interface skola-120.addresses", "is at lag1, too"),
        (Interface(name="lan", type="bridge", addresses=(IPv4Interface("10.63.60.1/24"),)), "interface lan.type",
         "a bridge with an address"),
        (vlan(shared_addresses=(SharedAddress(role="vrrp", address=IPv4Interface("10.63.60.9/24")),)),
         "interface skola-120.addresses", "shared with another host"),
    ],
)  # fmt: skip
def test_what_is_not_built_is_refused_with_its_field(interface: Interface, field: str, said: str) -> None:
    with pytest.raises(SettingsError, match=said) as refused:
        settings_of(a_fleet(interface))
    assert refused.value.field == field


def test_what_is_virtual_and_has_no_network_is_nobodys_business() -> None:
    assert declared(a_fleet(Interface(name="ssl.root", type="virtual"))) == declared(a_fleet())


BY_HAND = """\
config system zone
    edit "by-hand"
        set interface "port9"
    next
end
config firewall address
    edit "net-by-hand"
        set subnet 10.99.0.0 255.255.255.0
    next
end
config firewall policy
    edit 2
        set name "by hand"
        set srcintf "skola-120"
        set dstintf "wan1"
        set action accept
        set srcaddr "all"
        set dstaddr "all"
        set schedule "always"
        set service "HTTPS"
        set nat enable
    next
    edit 1074741825
        set name "of a manager"
    next
end
config router static
    edit 100
        set gateway 192.0.2.1
        set device "wan1"
    next
    edit 101
        set dst 10.1.0.0 255.255.0.0
        set blackhole enable
    next
end
config system snmp user
    edit "another"
        set security-level auth-priv
    next
end
config system admin
    edit "somebody"
        set accprofile "super_admin"
    next
end
config log syslogd2 setting
    set status enable
    set server "192.0.2.99"
end
"""


def test_what_people_made_by_hand_is_left_alone() -> None:
    found = told(a_fleet(vlan()), BY_HAND)
    assert [line for line in found.entries if line.split()[0] in {"delete", "unset"}] == []
    assert not {f"  edit {number}" for number in (1, 2, 100, 101)} & set(found.entries)
    left = {line.strip() for text in found.unmanaged for line in text.splitlines()}
    assert left == {line.strip() for line in BY_HAND.splitlines()}


def test_a_network_that_is_added_moves_no_other_policy_or_route() -> None:
    before, after = (
        {line for line in declared(of).content.splitlines() if line.startswith("    edit ")}
        for of in (a_fleet(), a_fleet(vlan(addresses=(IPv4Interface("10.63.2.1/24"),))))
    )
    assert before < after


def test_a_network_that_netbox_has_no_more_loses_its_policy_if_samdrift_made_it() -> None:
    with_it = declared(a_fleet(vlan())).content
    gone = f"  delete {10 << 24 | 63 << 16 | 60 << 8}"
    assert gone in told(a_fleet(), with_it, before=with_it).entries
    assert gone not in told(a_fleet(), with_it).entries


def test_interfaces_of_a_zone_have_one_policy_and_the_others_their_own() -> None:
    of = a_fleet(vlan(), zones={"schools": ["internal1", "skola-120"]})
    said = declared(of).content
    assert block(of, '"schools"') == ['set interface "internal1" "skola-120"']
    assert said.index("config system interface") < said.index("config system zone") < said.index("config firewall")
    assert '"schools-out"' in said
    assert ('"internal1-out"' in said, '"skola-120-out"' in said, '"lag1-out"' in said) == (False, False, True)
    assert 'set srcaddr "net-internal1" "net-skola-120"' in said


def test_what_comes_from_gateways_comes_from_the_zone_that_their_interface_is_in() -> None:
    passing = (Passing(protocol="tcp", port=443, sources=(IPv4Address("10.60.10.11"),)),)
    transit = Transit(interface="internal1", next_hop=IPv4Address("10.63.20.2"), passing=passing)
    for zones, source in (({}, "internal1"), ({"schools": ["internal1"]}, "schools")):
        settings = settings_of(a_fleet(zones=zones)).model_copy(update={"transit": transit})
        assert settings.source_of("internal1") == source
        text = render("edge_firewall/fortios.j2", settings=settings)
        assert f'set name "out-tcp-443"\n        set srcintf "{source}"' in text


@pytest.mark.parametrize(
    ("zones", "said"),
    [
        ({"a": ["wan1"]}, "wan1 is no inside interface"),
        ({"a": ["internal3"]}, "internal3 is no inside interface"),
        ({"a": ["internal1"], "b": ["internal1"]}, "is in a zone already"),
        ({"a": ["internal1", "internal1"]}, "is in a zone already"),
    ],
)
def test_a_zone_of_something_else_is_refused(zones: dict[str, list[str]], said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        settings_of(a_fleet(zones=zones))


def test_the_outside_may_be_a_vlan_and_must_be_there() -> None:
    way_out = vlan("wan1.600", "wan1", untagged_vlan=120, addresses=(IPv4Interface("192.0.2.2/30"),))
    assert 'set dstintf "wan1.600"' in declared(a_fleet(way_out, outside="wan1.600")).content
    with pytest.raises(SettingsError, match="there is no port wan9"):
        settings_of(a_fleet(outside="wan9"))


def test_servers_of_tacacs_let_people_in_from_the_stations_beside_the_local_account() -> None:
    of = a_fleet(tacacs_servers=["10.60.10.98", "10.60.10.99"])
    assert block(of, '"samdrift-2"') == ['set server "10.60.10.99"', "set key ‹secret:firewall_tacacs›"]
    assert block(of, '"samdrift-admins"') == ['set member "samdrift-1" "samdrift-2"']
    remote = block(of, '"samdrift-remote"')
    assert remote[:2] == ["set remote-auth enable", "set trusthost1 10.60.10.250 255.255.255.255"]
    assert {"set wildcard enable", 'set remote-group "samdrift-admins"'} < set(remote)
    assert "set password ‹secret:firewall_admin›" in block(of, '"samdrift"')


def test_the_management_interface_has_ipv6_and_takes_ssh_by_it_from_stations_that_have_it() -> None:
    of = in_both_families(a_fleet())
    said = block(of, '"internal3"')
    at = said.index("config ipv6")
    assert said[at : at + 4] == [
        "config ipv6",
        "set ip6-address 2001:db8:63:1::4/64",
        "set ip6-allowaccess ping ssh",
        "end",
    ]
    assert "set ip6-trusthost1 2001:db8:60:10::250/128" in block(of, '"samdrift"')
    assert "set dst 2001:db8:60:10::/64\n        set gateway 2001:db8:63:1::1" in declared(of).content
    assert catalogue()["edge_firewall"].unserved(of.host(NAME), of) == ()


def test_where_no_station_has_ipv6_nobody_comes_in_by_it() -> None:
    """Without a trusted host of IPv6 everybody might log in over it, wherever somebody has let SSH in."""
    for of in (a_fleet(), in_both_families(a_fleet(), stations=False)):
        assert "set ip6-trusthost1 ::1/128" in block(of, '"samdrift"')
        assert "ssh" not in " ".join(line for line in block(of, '"internal3"') if "ip6-" in line)
        assert local_in(of, "6") == {
            "4006000022": ['set srcaddr "all"', 'set service "SSH"'],
            "4017000161": ['set srcaddr "all"', 'set service "SNMP"'],
        }


def local_in(of: Fleet, family: str = "") -> dict[str, list[str]]:
    """What the policies for the firewall itself say, but for what is the same of all."""
    text = declared(of).content.partition(f"config firewall local-in-policy{family}\n")[2].partition("\nend")[0]
    same = {'set intf "internal3"', 'set dstaddr "all"', 'set schedule "always"'}
    found = {}
    for number, below in re.findall(r"(?s)edit (\d+)\n(.*?)next", text):
        lines = [line.strip() for line in below.strip().splitlines()]
        assert same < set(lines)
        found[number] = [line for line in lines if line not in same]
    return found


def test_ssh_is_for_the_stations_and_snmp_for_monitoring_and_for_nobody_else() -> None:
    of = in_both_families(a_fleet())
    of = in_order(
        of.model_copy(update={"hosts": (*of.hosts, server("tie-mon1", "10.60.10.14/24", "server", "monitoring"))})
    )
    assert local_in(of) == {
        "3006000022": ['set srcaddr "host-10.60.10.250"', "set action accept", 'set service "SSH"'],
        "4006000022": ['set srcaddr "all"', 'set service "SSH"'],
        "3017000161": ['set srcaddr "host-10.60.10.14"', "set action accept", 'set service "SNMP"'],
        "4017000161": ['set srcaddr "all"', 'set service "SNMP"'],
    }
    assert list(local_in(of, "6"))[:2] == ["3006000022", "4006000022"], "the first that matches counts"
    text = declared(of).content
    assert 'edit "host-10.60.10.14"\n        set subnet 10.60.10.14 255.255.255.255' in text
    assert 'edit "host-2001:db8:60:10::250"\n        set ip6 2001:db8:60:10::250/128' in text


def test_local_in_policies_of_people_stay() -> None:
    by_hand = """\
config firewall local-in-policy
    edit 1
        set intf "wan1"
        set srcaddr "all"
        set dstaddr "all"
        set action accept
        set service "IKE"
        set schedule "always"
    next
end
"""
    found = told(a_fleet(), by_hand)
    assert found.removals == ()
    assert any('set service "IKE"' in text for text in found.unmanaged)


def test_monitoring_may_read_a_view_where_the_release_has_one() -> None:
    of = a_fleet(snmp_view="1.3.6.1.2.1")
    assert 'config system snmp mib-view\n    edit "samdrift"\n        set include "1.3.6.1.2.1"' in declared(of).content
    assert 'set mib-view "samdrift"' in block(of, '"monitor"')
    assert "mib-view" not in declared(a_fleet()).content
    assert told(of, grammar("fortios").show(applied("fortios", {}, told(of, "").entries))).entries == ()


# Networks of IPv6


GUESTS6 = (IPv4Interface("10.63.60.1/24"), IPv6Interface("2001:db8:63:60::1/64"))


def with_gateway6(of: Fleet, prefix: str = "2001:db8:63:60::/64", gateway: str = "2001:db8:63:60::1") -> Fleet:
    network = Prefix(prefix=IPv6Network(prefix), site="heby-kommunhus", gateway=IPv6Address(gateway))
    return in_order(of.model_copy(update={"prefixes": (*of.prefixes, network)}))


def ipv6_of(of: Fleet, interface: str) -> list[str]:
    """What an interface is told of IPv6, and nothing of it where it is not."""
    text = declared(of).content.partition(f'    edit "{interface}"\n')[2].partition("\n    next")[0]
    below = text.partition("        config ipv6\n")[2].partition("\n        end")[0]
    return [line.strip() for line in below.splitlines()]


def test_a_network_of_both_families_has_an_address_and_a_policy_of_each() -> None:
    of = with_gateway6(a_fleet(vlan(addresses=GUESTS6)))
    assert ipv6_of(of, "skola-120") == [
        "set ip6-address 2001:db8:63:60::1/64",
        "set ip6-allowaccess ping",
        "set ip6-send-adv enable",
        "config ip6-prefix-list",
        "edit 2001:db8:63:60::/64",
        "set autonomous-flag enable",
        "set onlink-flag enable",
        "next",
        "end",
    ]
    assert "set ip 10.63.60.1 255.255.255.0" in block(of, '"skola-120"')
    text = declared(of).content
    four, six = text.partition('set name "skola-120-out"\n')[2], text.partition('set name "skola-120-out6"\n')[2]
    four, six = four.partition("next")[0], six.partition("next")[0]
    assert 'set srcaddr "net-skola-120"' in four
    assert "set nat enable" in four
    assert 'set srcaddr6 "net6-skola-120"\n        set dstaddr6 "all"' in six
    assert "nat" not in six
    assert "srcaddr " not in six


def test_a_network_of_ipv6_alone_is_built_and_has_nothing_of_ipv4() -> None:
    of = with_gateway6(a_fleet(vlan(addresses=GUESTS6[1:])))
    assert "set ip " not in "".join(block(of, '"skola-120"'))
    text = declared(of).content
    assert '"skola-120-out6"' in text
    assert '"skola-120-out"' not in text
    assert "net-skola-120" not in text


@pytest.mark.parametrize(
    ("gateway", "prefix", "options"),
    [
        ("2001:db8:63:60::9", "2001:db8:63:60::/64", {}),
        ("2001:db8:63:60::1", "2001:db8:63:60::/64", {"announces": False}),
    ],
)
def test_it_announces_itself_only_where_it_is_the_gateway_and_should(
    gateway: str, prefix: str, options: dict[str, Any]
) -> None:
    of = with_gateway6(a_fleet(vlan(addresses=GUESTS6), **options), prefix, gateway)
    assert ipv6_of(of, "skola-120") == ["set ip6-address 2001:db8:63:60::1/64", "set ip6-allowaccess ping"]


def test_dhcpv6_is_relayed_to_the_servers_of_the_option_and_hosts_are_told_to_ask() -> None:
    servers = ["2001:db8:60:10::21", "2001:db8:60:10::22"]
    of = with_gateway6(a_fleet(vlan(addresses=GUESTS6), dhcp6_servers=servers))
    said = ipv6_of(of, "skola-120")
    assert {"set ip6-manage-flag enable", "set ip6-other-flag enable", "set autonomous-flag disable"} < set(said)
    assert said[-2:] == ["set dhcp6-relay-service enable", "set dhcp6-relay-ip 2001:db8:60:10::21 2001:db8:60:10::22"]
    assert ipv6_of(in_both_families(of), "internal3")[1:] == ["set ip6-allowaccess ping ssh"], "inside alone"


def test_further_addresses_of_ipv6_take_nothing_of_the_first_ones_place() -> None:
    """ansible#40533, #50892: of several addresses one was taken for all."""
    more = (*GUESTS6, IPv6Interface("2001:db8:63:61::1/64"), IPv6Interface("fe80::1/64"))
    of = with_gateway6(a_fleet(vlan(addresses=more)))
    said = ipv6_of(of, "skola-120")
    at = said.index("config ip6-extra-addr")
    assert said[at + 1 : at + 5] == ["edit 2001:db8:63:61::1/64", "next", "edit fe80::1/64", "next"]
    assert 'set srcaddr6 "net6-skola-120" "net6-skola-120-2"' in declared(of).content


def test_one_network_of_ipv6_at_two_interfaces_is_refused() -> None:
    twice = (vlan(addresses=GUESTS6), vlan("b", "internal5", untagged_vlan=110,
                                           addresses=(IPv6Interface("2001:db8:63:60::2/64"),)))  # fmt: skip
    with pytest.raises(SettingsError, match="2001:db8:63:60::/64 is at skola-120, too"):
        settings_of(a_fleet(*twice))


def test_numbers_of_policies_and_routes_of_ipv6_are_no_others() -> None:
    number = Settings.number_of(IPv6Network("2001:db8:63:60::/64"))
    assert 3_300_000_000 <= number < 3_900_000_000
    assert number == Settings.number_of(IPv6Network("2001:db8:63:60::/64"))
    assert number != Settings.number_of(IPv6Network("2001:db8:63:61::/64"))


def test_a_network_of_ipv6_that_netbox_has_no_more_loses_its_policy_if_samdrift_made_it() -> None:
    with_it = declared(with_gateway6(a_fleet(vlan(addresses=GUESTS6)))).content
    gone = f"  delete {Settings.number_of(IPv6Network('2001:db8:63:60::/64'))}"
    assert gone in told(a_fleet(vlan()), with_it, before=with_it).entries
    assert gone not in told(a_fleet(vlan()), with_it).entries


@pytest.mark.parametrize("options", [{}, {"dhcp6_servers": ["2001:db8:60:10::21"], "snmp_view": "1.3.6.1.2.1"}])
def test_a_device_takes_every_line_of_ipv6_and_needs_no_other_then(options: dict[str, Any]) -> None:
    of = in_both_families(with_gateway6(a_fleet(vlan(addresses=GUESTS6), **options)))
    there = applied("fortios", {}, told(of, "").entries)
    again = told(of, grammar("fortios").show(there))
    assert (again.entries, again.unmanaged) == ((), ())


@pytest.mark.parametrize("options", [{}, {"zones": {"schools": ["internal1", "skola-120"]}}])
def test_a_device_takes_every_line_and_needs_no_other_then(options: dict[str, Any]) -> None:
    of = a_fleet(vlan(), tacacs_servers=["10.60.10.98", "10.60.10.99"], **options)
    there = applied("fortios", {}, told(of, "").entries)
    again = told(of, grammar("fortios").show(there))
    assert (again.entries, again.unmanaged) == ((), ())


def test_what_the_device_makes_for_itself_is_left_alone() -> None:
    link = Interface(name="fortilink", type="lag", addresses=(IPv4Interface("10.255.1.1/24"),))
    assert declared(a_fleet(link)) == declared(a_fleet())


def test_management_lets_in_what_the_option_says_besides() -> None:
    of = a_fleet(also_allows=["fgfm", "https"])
    assert "set allowaccess ping https ssh snmp fgfm" in block(of, '"internal3"')
    assert "set allowaccess ping" in block(of, '"internal1"')


@pytest.mark.parametrize("name", ["alv-fw1", "heb-fw1", "kni-fw1", "ost-fw1", "tie-fw1"])
def test_a_firewall_of_the_shipped_fleet_takes_every_line_and_needs_no_other_then(name: str) -> None:
    settings = shipped_settings(name, "edge_firewall")
    with registering("edge_firewall", secrets_in(settings)) as registration, pytest.MonkeyPatch.context() as patch:
        patch.setattr("roles.shared.device.configure.configure", lambda **_: None)
        catalogue()["edge_firewall"].deploy(settings)
    (asked,) = registration.configurations
    there = applied("fortios", {}, difference(VENDOR, "", asked.content, asked.managed).entries)
    again = difference(VENDOR, grammar("fortios").show(there), asked.content, asked.managed)
    assert (again.entries, again.unmanaged) == ((), ())


def test_a_published_firewall_that_is_taken_over_loses_nothing_and_is_as_declared_after_one_apply() -> None:
    _, published = device_text("fortigate_FortiGate-91G_7.4.7.txt")
    management = Interface(name="wan1", addresses=(IPv4Interface("192.0.2.2/28"),))
    of = fleet()
    host = of.host(NAME)
    taken = host.model_copy(
        update={
            "interfaces": (management, *(i for i in host.interfaces if i.name not in {"wan1", "internal3"})),
            "primary_address": IPv4Address("192.0.2.2"),
            "context": {
                "samdrift": {
                    "roles": {"edge_firewall": True},
                    "edge_firewall": {"outside": "internal1", "also_allows": ["https", "http", "fgfm", "ftm"]},
                }
            },
        }
    )
    there = Prefix(prefix=IPv4Network("192.0.2.0/28"), site="heby-kommunhus", gateway=IPv4Address("192.0.2.1"))
    adopted = in_order(
        of.model_copy(
            update={
                "hosts": tuple(taken if h is host else h for h in of.hosts),
                "prefixes": (*of.prefixes, there),
            }
        )
    )
    change = told(adopted, published)
    assert change.removals == ()
    assert [line for line in change.entries if line.split()[0] in {"delete", "unset"}] == []
    assert not any("allowaccess" in line for line in _entries_of("wan1", change.entries))

    show = grammar("fortios")
    after = show.show(applied("fortios", show.load(published), change.entries))
    assert told(adopted, after).entries == ()


def _entries_of(interface: str, entries: tuple[str, ...]) -> list[str]:
    """The lines that are typed in the entry of an interface."""
    text = "\n".join(entries)
    found = re.search(rf'(?s)^  edit "{interface}"\n(.*?)^  next', text, re.MULTILINE)
    return found[1].splitlines() if found else []
