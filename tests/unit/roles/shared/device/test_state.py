"""What devices say of their state is held against NetBox alike, whatever the vendor; and a wrong state shows."""

from __future__ import annotations

import re
from functools import cache

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from roles.shared.device.answers import NotUnderstood, rows
from roles.shared.device.heard import Heard
from roles.shared.device.known import known_vendors
from roles.shared.device.settings import Settings
from roles.shared.device.state import (
    at_cables,
    disabled,
    heard,
    sockets,
    strangers,
    trunks,
    wanted_at_cables,
    wanted_trunks,
)
from roles.shared.intent import Intent
from tests.unit.roles.shared.device.said import ANSWERS, CX_BRIEF, IOS_STATUS, JUNOS_INTERFACES
from tests.unit.roles.shared.device.switch_fleet import DEVICES, fleet

AOS_CX, IOS, FORTIOS, JUNOS = (known_vendors()[p] for p in ("arubaos-cx", "cisco-ios", "fortios", "junos"))
SW1, SW2, SW3 = "heb-sw1", "heb-sw2", "heb-sw3"
OF = {"junos": SW1, "arubaos-cx": SW2, "cisco-ios": SW3}
"""An access switch of each vendor."""


@cache
def settings_of(name: str) -> Settings:
    role = next(role for role, devices in DEVICES.items() if name in devices)
    found = Intent(fleet()).of(fleet().host(name), role)
    assert isinstance(found, Settings)
    return found


def at(port: str, host: str = "", of: str = "00:fd:45:00:00:09") -> Heard:
    return Heard(port=port, host=host, id=of)


def test_who_is_heard_has_the_names_of_netbox() -> None:
    assert {(h.port, h.host) for h in heard(AOS_CX, ANSWERS["arubaos-cx"]["neighbours"])} == {
        ("1/1/25", "heb-sw9"), ("1/1/26", "heb-sw9"),
    }  # fmt: skip
    assert {(h.port, h.host) for h in heard(IOS, ANSWERS["cisco-ios"]["neighbours"])} == {
        ("GigabitEthernet1/1/1", "heb-sw9"), ("GigabitEthernet1/1/2", "heb-sw9"),
    }  # fmt: skip
    assert {(h.port, h.host) for h in heard(JUNOS, ANSWERS["junos"]["neighbours"])} == {
        ("xe-0/2/0", "heb-sw9"), ("xe-0/2/1", "heb-sw9"), ("xe-0/2/2", "heb-sw9"),
    }  # fmt: skip
    assert {h.id for of in OF for h in heard(known_vendors()[of], ANSWERS[of]["neighbours"])} == {
        "00:fd:45:00:00:09", "00fd.4500.0009",
    }  # fmt: skip


CABLES = dict.fromkeys(("1/1/25", "1/1/26", "1/1/27"), "heb-sw9")  # of a LAG, each member by itself
WHOLE = tuple(at(port, host) for port, host in CABLES.items())


def test_a_cable_leads_to_whom_netbox_says() -> None:
    settings = settings_of(SW2)
    assert at_cables(settings, WHOLE) == CABLES == wanted_at_cables(settings, CABLES)
    shouted = tuple(one.model_copy(update={"host": one.host.upper()}) for one in WHOLE)
    assert at_cables(settings, shouted) == CABLES  # names in DNS have no case
    with_gateway = CABLES | {"1/1/2": "heb-gw1"}  # it may tell its name, and need not
    assert at_cables(settings, (*WHOLE, at("1/1/2", "heb-gw1"))) == with_gateway
    assert wanted_at_cables(settings, with_gateway) == with_gateway


@pytest.mark.parametrize(
    ("found", "told"),
    [
        (WHOLE[1:], {port: host for port, host in CABLES.items() if port != "1/1/25"}),
        ((at("1/1/25", "other"), *WHOLE[1:]), CABLES | {"1/1/25": "other"}),
        ((at("1/1/25"), *WHOLE[1:]), {port: host for port, host in CABLES.items() if port != "1/1/25"}),
        ((*WHOLE, at("1/1/25", "between")), CABLES | {"1/1/25": "between, heb-sw9"}),
        ((*WHOLE, at("1/1/2", "other")), CABLES | {"1/1/2": "other"}),
    ],
    ids=["nobody", "another", "nameless", "one between two switches", "another than the gateway"],
)
def test_anybody_else_at_a_cable_fails_the_check_and_is_no_stranger(
    found: tuple[Heard, ...], told: dict[str, str]
) -> None:
    settings = settings_of(SW2)
    assert at_cables(settings, found) == told != wanted_at_cables(settings, told)
    assert strangers(settings, found) == ()


@pytest.mark.parametrize(
    "stranger",
    [at("1/1/1", "SEP001122334455"), at("1/1/1"), at("1/1/48", "ap-33"), at("mgmt", "laptop")],
    ids=["telephone", "nameless", "access point", "at the port for management"],
)
def test_a_stranger_is_told_and_fails_nothing(stranger: Heard) -> None:
    settings, found = settings_of(SW2), (*WHOLE, stranger)
    assert strangers(settings, found) == (stranger,)
    assert at_cables(settings, found) == wanted_at_cables(settings, at_cables(settings, found))


def test_who_shares_a_cable_with_a_computer_is_a_stranger() -> None:
    settings = settings_of(SW2)
    found = (*WHOLE, at("1/1/2", "heb-gw1"), at("1/1/2", "its-management-board"), at("1/1/2"))
    assert strangers(settings, found) == (at("1/1/2", "its-management-board"),)
    assert at_cables(settings, found) == wanted_at_cables(settings, at_cables(settings, found))


def test_who_tells_no_name_beside_whom_the_cable_leads_to_is_a_stranger_unless_it_is_the_same() -> None:
    settings = settings_of(SW2)
    same, other = at("1/1/25"), at("1/1/25", of="00:fd:45:00:00:77")
    assert strangers(settings, (*WHOLE, same, other)) == (other,)
    assert at_cables(settings, (*WHOLE, same, other)) == CABLES


PEOPLE = st.builds(at, st.sampled_from(["1/1/1", "1/1/2", "1/1/25", "1/1/26", "1/1/27", "1/1/48"]),
                   st.sampled_from(["", "heb-sw9", "heb-gw1", "somebody"]))  # fmt: skip


@hypothesis_settings(max_examples=25)
@given(st.lists(PEOPLE, max_size=8))
def test_everybody_who_is_heard_is_expected_or_told_or_fails_the_check(found: list[Heard]) -> None:
    settings = settings_of(SW2)
    told, strange = at_cables(settings, found), strangers(settings, found)
    wanted = wanted_at_cables(settings, told)
    for one in found:
        if one.host and one not in strange:
            assert told[one.port] != wanted[one.port] or one.host == wanted[one.port]
    assert all(one in found for one in strange)


@pytest.mark.parametrize("platform", OF)
def test_a_switch_that_is_as_it_should_be_passes(platform: str) -> None:
    vendor, settings, said = known_vendors()[platform], settings_of(OF[platform]), ANSWERS[platform]
    assert trunks(vendor, said["trunks"], settings) == wanted_trunks(settings)
    assert disabled(vendor, said["disabled"], settings) == {}


def test_a_vlan_that_a_trunk_does_not_carry_is_missed() -> None:
    wanted = {"ge-0/0/3": {101, 110}, "xe-0/2/0": {101, 110, 120}, "ae0": {101, 110, 120}}
    assert wanted_trunks(settings_of(SW1)) == wanted
    less = ANSWERS["junos"]["trunks"].replace('"ae0.0*"', '"ae1.0*"')
    assert trunks(JUNOS, less, settings_of(SW1)) == wanted | {"ae0": set()}


def test_a_range_of_lags_is_each_of_them() -> None:
    said = ANSWERS["arubaos-cx"]["trunks"].replace("lag1", "lag1-lag3")
    assert trunks(AOS_CX, said, settings_of(SW2)) == wanted_trunks(settings_of(SW2))


def test_a_trunk_of_ios_has_as_many_vlans_as_it_says_on_as_many_lines_and_private_ones_do_not_matter() -> None:
    many = ",".join(str(vid) for vid in range(1, 99, 2))
    said = ANSWERS["cisco-ios"]["trunks"].replace(
        "101,110,120", f"{many},\n     {many.replace('1', '2')},101,\n     110,120"
    )
    private = "Operational private-vlan:\n  10 (VLAN0010) 100 (VLAN0100)\nTrunking VLANs Enabled"
    said = said.replace("Trunking VLANs Enabled", private)
    assert trunks(IOS, said, settings_of(SW3)) == wanted_trunks(settings_of(SW3))


def test_a_list_of_any_length_takes_no_time() -> None:
    endless = ANSWERS["cisco-ios"]["trunks"].replace("101,110,120", "1-99999999999999")
    assert trunks(IOS, endless, settings_of(SW3))["Port-channel1"] == set()
    endless = ANSWERS["arubaos-cx"]["trunks"].replace("1/1/2-1/1/3", "1/1/2-1/1/99999999999999")
    assert trunks(AOS_CX, endless, settings_of(SW2))["1/1/3"] == {110}


@pytest.mark.parametrize(
    ("platform", "right", "wrong"),
    [
        ("arubaos-cx", "* 1", "  1"),
        ("cisco-ios", "synchronized", "unsynchronized"),
        ("junos", "*10.60.10.11", " 10.60.10.11"),
        ("fortios", "synchronized: yes", "synchronized: no"),
    ],
)
def test_a_clock_that_follows_a_server_is_told_from_one_that_does_not(platform: str, right: str, wrong: str) -> None:
    vendor, said = known_vendors()[platform], ANSWERS[platform]["time"]
    assert rows(vendor, "time", said)
    assert not rows(vendor, "time", said.replace(right, wrong))


def test_a_port_that_is_shut_for_a_fault_is_named() -> None:
    ios = settings_of(SW3)
    shut = IOS_STATUS.replace("Gi1/0/1                      connected   ", "Gi1/0/1   Kontor             err-disabled")
    assert disabled(IOS, shut, ios) == {"GigabitEthernet1/0/1": "err-disabled"}
    described = IOS_STATUS.replace("Gi1/0/1             ", "Gi1/0/1   err-disabled 1 a")
    assert disabled(IOS, described, ios) == {}
    tested = IOS_STATUS.replace("connected    trunk      a-full", "connected: TDR 1         a-full")
    private = IOS_STATUS.replace("trunk      a-full", "pvlan prom a-full")
    several = IOS_STATUS.replace("trunk      a-full", "12,123     a-full")
    for said in (tested, private, several):  # ntc-templates has captures of each
        assert said != IOS_STATUS
        assert disabled(IOS, said, ios) == {}
    assert disabled(IOS, tested.replace("connected: TDR", "err-disabled: ", 1), ios) == {
        "GigabitEthernet1/0/1": "err-disabled"
    }
    routed = f"{IOS_STATUS}Te1/1/1                      disabled     routed       full    10G SFP-10GBase-SR\n"
    assert disabled(IOS, routed, ios) == {}
    lag = IOS_STATUS.replace("Po1                          connected   ", "Po1                          err-disabled")
    assert disabled(IOS, lag, ios) == {"Port-channel1": "err-disabled"}

    junos = re.sub(r'("bpdu-error" : \[\s*\{\s*"data" : )"none"', r'\1"Detected"', JUNOS_INTERFACES, count=1)
    assert disabled(JUNOS, junos, settings_of(SW1)) == {"ge-0/0/1": "bpdu-error: Detected"}

    port = " 1/1/1    110     access 1GbT           yes     up                       1000    --"
    assert port in CX_BRIEF
    guard = " 1/1/1    110     access 1GbT           yes     down    Disabled-by-BPDU-guard  --  --"
    assert disabled(AOS_CX, CX_BRIEF.replace(port, guard), settings_of(SW2)) == {"1/1/1": "Disabled-by-BPDU-guard"}
    for enabled, state in (("yes", "up  "), ("yes", "down"), ("no ", "down")):
        said = CX_BRIEF.replace(port, f" 1/1/1   110   access 1GbT   {enabled}  {state}   --  1000  --")
        assert disabled(AOS_CX, said, settings_of(SW2)) == {}


@pytest.mark.parametrize("platform", OF)
def test_who_does_not_tell_of_its_ports_has_not_said_that_none_is_shut(platform: str) -> None:
    vendor, said, settings = known_vendors()[platform], ANSWERS[platform]["disabled"], settings_of(OF[platform])
    uplink = {"junos": "xe-0/2/0", "arubaos-cx": "1/1/25", "cisco-ios": "Gi1/1/1"}[platform]
    with pytest.raises(NotUnderstood, match="says nothing of"):
        disabled(vendor, said.replace(uplink, uplink[:-1] + "9"), settings)


@pytest.mark.parametrize("platform", ["arubaos-cx", "cisco-ios"])
def test_of_a_table_that_ends_too_early_nothing_is_believed(platform: str) -> None:
    vendor, settings = known_vendors()[platform], settings_of(OF[platform])
    lines = [line for line in ANSWERS[platform]["disabled"].splitlines() if "Po1" not in line and "lag1" not in line]
    for cut in range(len(lines)):
        with pytest.raises(NotUnderstood):
            disabled(vendor, "\n".join(lines[:cut]), settings)


CX_LAST = "1/1/26\nNeighbor Entries               : 1\nNeighbor Chassis-Name          : "
CX_PORT = " 1/1/27   110     access 1GbT           yes     "
IOS_PORT = "Gi1/1/3                      "
AMISS = {
    ("arubaos-cx", "neighbours"): (f"{CX_LAST}heb-sw9", f"{CX_LAST}other"),
    ("arubaos-cx", "trunks"): ("1/1/1,1/1/3,1/1/25,lag1", "1/1/1,1/1/3,1/1/25"),
    ("arubaos-cx", "time"): ("* 1", "  1"),
    ("arubaos-cx", "disabled"): (f"{CX_PORT}up                       1000", f"{CX_PORT}down    BPDU-guard       --  "),
    ("cisco-ios", "neighbours"): ("System Name: heb-sw9", "System Name: other"),
    ("cisco-ios", "trunks"): ("101,110,120", "101,120"),
    ("cisco-ios", "time"): ("synchronized", "unsynchronized"),
    ("cisco-ios", "disabled"): (f"{IOS_PORT}connected   ", f"{IOS_PORT}err-disabled"),
    ("junos", "time"): ("*10.60.10.11", " 10.60.10.11"),
}
"""By what was asked of whom: what stands in an answer where all is well, and what does where it is not."""


def is_well(platform: str, asked: str, said: str) -> bool:
    """Whether the check about this passes."""
    vendor, settings = known_vendors()[platform], settings_of(OF[platform])
    try:
        if asked == "neighbours":
            seen = at_cables(settings, heard(vendor, said))
            return all(seen.get(port) == host for port, host in wanted_at_cables(settings, seen).items())
        if asked == "trunks":
            return trunks(vendor, said, settings) == wanted_trunks(settings)
        return disabled(vendor, said, settings) == {} if asked == "disabled" else rows(vendor, asked, said) != []
    except NotUnderstood:
        return False


@pytest.mark.parametrize(("platform", "asked"), AMISS)
def test_what_is_amiss_does_not_pass_wherever_the_answer_ends(platform: str, asked: str) -> None:
    right, wrong = AMISS[platform, asked]
    said = ANSWERS[platform][asked]
    amiss = said.replace(right, wrong)
    assert amiss != said
    for cut in (*range(0, len(amiss), 3), len(amiss)):
        assert not is_well(platform, asked, amiss[:cut]), amiss[:cut][-200:]


def test_of_a_lag_every_member_must_be_up() -> None:
    assert sockets(settings_of("heb-fw1"), ["wan1", "lag1"]) == {"wan1", "internal4", "internal5"}


def test_every_switch_vendor_can_be_asked_all_that_checks_ask() -> None:
    for vendor in (AOS_CX, IOS, JUNOS):
        assert {"neighbours", "trunks", "time", "disabled"} <= vendor.asks.keys()
    assert {"time", "up"} <= FORTIOS.asks.keys()


def test_every_answer_can_be_told_from_one_of_another_form() -> None:
    for vendor in known_vendors().values():
        for asked, question in vendor.asks.items():
            assert bool(question.structure) != bool(question.known), (vendor.platform, asked)
            assert bool(question.structure) + bool(question.template) + bool(question.pattern) == 1


@pytest.mark.parametrize(
    ("short", "whole"),
    [
        ("Gi1/0/1", "GigabitEthernet1/0/1"),
        ("Gig 1/0/1", "GigabitEthernet1/0/1"),
        ("Te1/1/1", "TenGigabitEthernet1/1/1"),
        ("Twe1/0/1", "TwentyFiveGigE1/0/1"),
        ("TwentyFiveGigE1/0/1", "TwentyFiveGigE1/0/1"),
        ("Tw1/0/1", "TwoGigabitEthernet1/0/1"),
        ("Fo1/1/1", "FortyGigabitEthernet1/1/1"),
        ("Ap1/0/1", "AppGigabitEthernet1/0/1"),
        ("Po1", "Port-channel1"),
        ("gigabitethernet1/0/1", "GigabitEthernet1/0/1"),
        ("Gi1/0/1.10", "GigabitEthernet1/0/1.10"),
        # and those of which netutils has another: FiftyGigabitEthernet, HundredGigabitEthernet, VLAN …
        ("Fi1/0/1", "FiveGigabitEthernet1/0/1"),
        ("Hu1/0/49", "HundredGigE1/0/49"),
        ("HundredGigE1/0/49", "HundredGigE1/0/49"),
        ("FourHundredGigE1/0/1", "FourHundredGigE1/0/1"),
        ("Vl101", "Vlan101"),
        ("vlan 101", "Vlan101"),
        # and those that are none
        ("description", "description"),
        ("x1/0/1", "x1/0/1"),
        ("1/1/1", "1/1/1"),
        ("", ""),
    ],
)
def test_a_name_that_ios_cuts_short_is_made_whole(short: str, whole: str) -> None:
    assert IOS.whole_name(short) == whole
    assert IOS.whole_name(whole) == whole


@pytest.mark.parametrize("name", ["lo0", "vlan.10", "et-0/0/1", "mgmt", "vlan101", "loopback 0", "f1", "port1", "n1"])
def test_a_vendor_that_cuts_nothing_short_has_its_own_names(name: str) -> None:
    for vendor in (AOS_CX, JUNOS, FORTIOS):
        assert vendor.whole_name(name) == name
