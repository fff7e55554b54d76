"""Devices in IPv6: administered over it alone or beside IPv4, and shut over it to everybody but those who may come.

The fleet is that of `switch_fleet`. Each text is typed into the emulator's grammar, and who gets in is asked of the
emulator, which was told of IPv6 from the vendors' documents (`tests/emulator/letting_in.py`).
"""

from __future__ import annotations

import re
from ipaddress import IPv4Interface, IPv6Address, IPv6Interface
from typing import Any

import pytest

from inventory.fleet import Fleet, Interface
from roles.shared.catalogue import catalogue
from roles.shared.device.difference import difference
from roles.shared.device.known import known_vendors
from roles.shared.intent import Intent
from roles.shared.settings import SettingsError
from tests.emulator.grammar import Tree, applied, grammar
from tests.emulator.letting_in import Caller, lets_in
from tests.unit.roles.shared.device.switch_fleet import KEY, LOG6, STATION6, fleet, in_both_families
from tests.unit.roles.shared.device.test_settings import CASES, FACTORY, changed, declared, settings_of
from tests.unit.roles.shared.device.test_switch import MANAGEMENT, SWITCHES, section, told, with_more

SWITCH_CASES = [case for case in CASES if case[0] != "edge_firewall"]
PLATFORMS = sorted(SWITCHES)
NUMBER = {"heb-sw1": 11, "heb-sw2": 12, "heb-sw3": 13, "heb-fw1": 4}
"""The last part of the addresses of these."""


def after_apply(role: str, name: str, of: Fleet) -> Tree:
    """What a new device has then; it needs nothing more, in whatever form it shows its addresses."""
    asked = declared(role, name, of)
    platform = of.host(name).platform
    factory = FACTORY.get(platform, {})
    vendor, show = known_vendors()[platform], grammar(platform).show
    there = applied(platform, factory, difference(vendor, show(factory), asked.content, asked.managed).entries)
    again = difference(vendor, show(there), asked.content, asked.managed)
    assert (again.entries, again.unmanaged) == ((), ())
    return there


def gets_in(platform: str, there: Tree, source: str, at: str) -> bool:
    return lets_in(platform, there, Caller("samdrift", KEY, source, at))


@pytest.mark.parametrize(("role", "name", "platform"), CASES)
@pytest.mark.parametrize("alone", [False, True])
def test_a_device_is_administered_over_ipv6_alone_or_beside_ipv4(
    role: str, name: str, platform: str, alone: bool
) -> None:
    of = in_both_families(fleet(), alone=alone)
    found = settings_of(role, name, of)
    assert found.families == ({6} if alone else {4, 6})
    assert catalogue()[role].unserved(of.host(name), of) == ()
    text = "\n".join(declared(role, name, of).content.splitlines()).lower()
    for needed in ("2001:db8:63:1::1", "2001:db8:60:10::250"):  # its gateway, and who administers it
        assert re.search(rf"{needed}(?![0-9a-f])", text), needed
    asked = "2001:db8:60:10::13" if alone else "10.60.10.13"
    assert re.search(rf"{re.escape(asked)}(?![0-9a-f])", text), "the log server, over IPv4 first"
    there = after_apply(role, name, of)
    at6 = str(found.address6.ip) if found.address6 else ""
    assert gets_in(platform, there, STATION6, at6)
    assert not gets_in(platform, there, "2001:db8:60:10::66", at6)
    if not alone:
        assert found.address is not None
        assert gets_in(platform, there, "10.60.10.250", str(found.address.ip))


@pytest.mark.parametrize(("role", "name", "platform"), CASES)
@pytest.mark.parametrize("source", [STATION6, "2001:db8:bad::1"])
def test_ipv6_that_somebody_put_on_a_device_of_ipv4_is_no_second_way_in(
    role: str, name: str, platform: str, source: str
) -> None:
    there = after_apply(role, name, fleet())
    by_hand = {
        "arubaos-cx": ("interface vlan 101", "ipv6 address 2001:db8:666::1/64", "exit"),
        "cisco-ios": ("interface Vlan101", "ipv6 address 2001:db8:666::1/64", "exit"),
        "junos": ("set interfaces irb unit 101 family inet6 address 2001:db8:666::1/64",),
        "fortios": ("config system interface", 'edit "internal3"', "config ipv6", "set ip6-allowaccess ssh ping",
                    "set ip6-address 2001:db8:666::1/64", "end", "next", "end"),
    }[platform]  # fmt: skip
    open_ = applied(platform, there, by_hand)
    assert not gets_in(platform, open_, source, "2001:db8:666::1")


@pytest.mark.parametrize("platform", PLATFORMS)
def test_where_no_station_has_ipv6_nobody_comes_in_by_it(platform: str) -> None:
    name = SWITCHES[platform]
    of = in_both_families(fleet(), stations=False)
    found = settings_of("access_switch", name, of)
    assert (found.stations6, len(found.stations)) == ((), 1)
    there = after_apply("access_switch", name, of)
    assert not gets_in(platform, there, STATION6, f"2001:db8:63:1::{NUMBER[name]}")
    assert gets_in(platform, there, "10.60.10.250", f"10.63.1.{NUMBER[name]}")


def test_a_device_of_ipv6_whose_stations_have_none_is_a_problem_of_the_inventory() -> None:
    of, role = in_both_families(fleet(), alone=True, stations=False), catalogue()["access_switch"]
    with pytest.raises(SettingsError, match="nobody could log in") as refused:
        role.compute(of.host("heb-sw2"), of, role.options(), Intent(of))
    assert "an address of IPv6" in str(refused.value.fix)


@pytest.mark.parametrize("platform", PLATFORMS)
def test_what_ipv6_brings_takes_nothing_of_ipv4_away(platform: str) -> None:
    before, after = (
        {line.strip() for line in declared("access_switch", SWITCHES[platform], of).content.splitlines()}
        for of in (fleet(), in_both_families(fleet()))
    )
    only_of_the_closed = {line for line in before - after if "10" not in line}
    assert before - after == only_of_the_closed
    assert only_of_the_closed <= {"deny ipv6 any any"}


@pytest.mark.parametrize("platform", ["arubaos-cx", "junos"])
@pytest.mark.parametrize("alone", [False, True])
def test_the_port_for_management_has_both_families_or_ipv6_alone(platform: str, alone: bool) -> None:
    of = at_the_port(platform, alone=alone)
    lines = told(platform, of)
    port = MANAGEMENT[platform]
    if platform == "arubaos-cx":
        both = [*([] if alone else ["ip static 10.99.0.2/24", "default-gateway 10.99.0.1"]),
                "ip static 2001:db8:99::2/64", "default-gateway 2001:db8:99::1"]  # fmt: skip
        assert section(lines, f"interface {port}") == ["no shutdown", *both]
        assert "apply access-list ipv6 MANAGEMENT6 control-plane vrf mgmt" in lines
        return
    assert f"set interfaces {port} unit 0 family inet6 address 2001:db8:99::2/64" in lines
    assert f"set interfaces {port} unit 0 family inet6 filter input MANAGEMENT6" in lines
    assert "set routing-options rib inet6.0 static route ::/0 next-hop 2001:db8:99::1" in lines
    assert any("family inet address 10.99.0.2/24" in line for line in lines) is not alone


def at_the_port(platform: str, *, alone: bool) -> Fleet:
    from inventory.network import Prefix  # noqa: PLC0415  one use

    name, port = SWITCHES[platform], MANAGEMENT[platform]
    addresses = (*(() if alone else (IPv4Interface("10.99.0.2/24"),)), IPv6Interface("2001:db8:99::2/64"))
    of = in_both_families(fleet())
    host = of.host(name)
    kept = tuple(i for i in host.interfaces if i.type != "virtual")
    of = changed(
        of,
        name,
        interfaces=(*kept, Interface(name=port, mgmt_only=True, addresses=addresses)),
        primary_address=None if alone else IPv4Interface("10.99.0.2/24").ip,
        primary_address6=IPv6Address("2001:db8:99::2"),
    )
    prefixes: list[dict[str, Any]] = [
        {"prefix": "10.99.0.0/24", "gateway": "10.99.0.1"},
        {"prefix": "2001:db8:99::/64", "gateway": "2001:db8:99::1"},
    ]
    more = tuple(Prefix.model_validate({"site": "heby-kommunhus", **p}) for p in prefixes)
    return of.model_copy(update={"prefixes": (*of.prefixes, *more)})


def test_ios_takes_no_ssh_over_ipv6_at_its_port_for_management_so_ipv6_alone_is_refused_there() -> None:
    of, role = at_the_port("cisco-ios", alone=True), catalogue()["access_switch"]
    with pytest.raises(SettingsError, match="takes SSH at its management port over IPv4 alone"):
        role.compute(of.host("heb-sw3"), of, role.options(), Intent(of))
    lines = told("cisco-ios", at_the_port("cisco-ios", alone=False))
    port = section(lines, "interface GigabitEthernet0/0")
    assert port[-2:] == ["ip address 10.99.0.2 255.255.255.0", "ipv6 address 2001:DB8:99::2/64"]
    assert "ipv6 route vrf Mgmt-vrf ::/0 2001:DB8:99::1" in lines
    assert section(lines, "line vty 0 4") == [
        "access-class MANAGEMENT in vrf-also", "ipv6 access-class MANAGEMENT6 in", "transport input ssh",
    ]  # fmt: skip


@pytest.mark.parametrize("platform", PLATFORMS)
def test_interfaces_of_vlans_have_their_addresses_of_ipv6(platform: str) -> None:
    of_vlan = {"arubaos-cx": "vlan120", "cisco-ios": "Vlan120", "junos": "irb.120"}[platform]
    addresses = tuple(map(IPv6Interface, ("2001:db8:63:120::2/64", "fe80::2/64", "2001:db8:63:121::2/64")))
    lines = told(platform, with_more(fleet(), SWITCHES[platform], Interface(name=of_vlan, type="virtual",
                                                                            addresses=addresses)))  # fmt: skip
    found = [line.lower() for line in lines if ":63:12" in line]
    assert [re.sub(r".* address ", "", line) for line in found] == ["2001:db8:63:120::2/64", "2001:db8:63:121::2/64"]
    assert "fe80" not in " ".join(lines).lower()


def test_an_address_in_capitals_or_with_zeros_and_a_numbered_entry_are_no_difference() -> None:
    """cisco.ios#782 and #1048: a next hop in small letters is another one for ever; numbers as newer releases show."""
    of = in_both_families(fleet())
    asked = declared("access_switch", "heb-sw3", of)
    says = {
        "ipv6 route ::/0 2001:DB8:63:1::1": "ipv6 route ::/0 2001:db8:63:1:0:0:0:1",
        " permit ipv6 host 2001:DB8:60:10::250 any": " sequence 10 permit ipv6 host 2001:DB8:60:10::250 any",
        " deny ipv6 any any": " deny ipv6 any any sequence 20",
    }
    running = asked.content
    for shown, otherwise in says.items():
        assert shown in running
        running = running.replace(shown, otherwise)
    running = "\n".join(line for line in running.splitlines() if not line.startswith("snmp-server user"))
    assert difference(known_vendors()["cisco-ios"], running, asked.content, asked.managed).entries == ()


def test_a_primary_address_of_ipv6_that_is_elsewhere_is_said() -> None:
    of = in_both_families(fleet())
    of = changed(of, "heb-sw2", primary_address6=IPv6Address("2001:db8:63:1::99"))
    assert settings_of("access_switch", "heb-sw2", of).address6 is None
    (said,) = catalogue()["access_switch"].unserved(of.host("heb-sw2"), of)
    assert "not administered at 2001:db8:63:1::99" in said


@pytest.mark.parametrize("platform", PLATFORMS)
def test_tacacs_is_asked_over_ipv6_where_the_device_has_it(platform: str) -> None:
    of = in_both_families(fleet(tacacs_servers=["2001:db8:60:10::99"]), alone=True)
    lines = told(platform, of)
    assert any("2001:db8:60:10::99" in line.lower() for line in lines)
    if platform == "cisco-ios":
        assert section(lines, "tacacs server TACACS1")[0] == "address ipv6 2001:DB8:60:10::99"
        assert "ipv6 tacacs source-interface Vlan101" in lines
    role, plain = catalogue()["access_switch"], fleet(tacacs_servers=["2001:db8:60:10::99"])
    options = role.options_of(plain.host(SWITCHES[platform]))
    assert not isinstance(options, list)
    with pytest.raises(SettingsError, match="no management address of the family of 2001:db8:60:10::99"):
        role.compute(plain.host(SWITCHES[platform]), plain, options, Intent(plain))


@pytest.mark.parametrize(("role", "name", "platform"), CASES)
def test_what_a_device_of_ipv6_sends_is_listened_for(role: str, name: str, platform: str) -> None:
    of = in_both_families(fleet(), alone=True)
    intent, found = Intent(of), settings_of(role, name, of)
    (log,) = found.log_servers
    assert (str(log.address), log.source) == (LOG6, of.host(name).primary_address6)
    assert log.source is not None
    settings = intent.required(of.host("tie-log1"), "log_server")
    listens = catalogue()["log_server"].listens(settings)
    sources = [n for x in listens if (x.protocol, x.port) == (log.transport, log.port) for n in x.sources]
    assert any(log.source in network for network in sources), f"the log server lets {platform} in"
    assert [str(a) for a in found.time_servers] == ["2001:db8:60:10::11"]
