"""A transcript says nothing of whom it is: no secret, name, address or text is left, and what was equal stays equal."""

from __future__ import annotations

import json
from ipaddress import IPv4Address, IPv6Address, ip_network

import pytest
from hypothesis import assume, given
from hypothesis import settings as effort
from hypothesis import strategies as st

from roles.shared.device.anonymous import PRIVATE, ULA, Anonymiser
from roles.shared.device.known import known_vendors
from roles.shared.device.transcript import Exchange, Transcript, judged, kept_secret
from tests.device_texts import NAMES, device_text

KEY = b"of a test"
VENDORS = known_vendors()


def anonymous(platform: str, text: str, *names: str, key: bytes = KEY) -> str:
    return Anonymiser(VENDORS[platform], names, key).anonymised({"show": text})["show"]


def test_a_text_of_people_s_in_json_is_replaced_and_the_json_stays_one() -> None:
    text = """{"physical-interface" : [
  {"name" : [{"data" : "ge-0/0/1"}], "description" : [ { "data" : "Lena, \\"rum\\" 4" } ],
   "hardware-physical-address" : [{"data" : "00:fd:45:00:00:09"}]},
  {"name" : [{"data" : "ge-0/0/2"}], "lldp-remote-port-description" : "Lenas dosa"},
  {"name" : [{"data" : "ge-0/0/3"}], "lldp-remote-port-description" : [{"data" : "ge-0/0/9"}]}]}"""
    shown = anonymous("junos", text)
    assert "Lena" not in shown
    assert "00:fd" not in shown
    of = json.loads(shown)["physical-interface"]
    assert [i["name"] for i in of] == [i["name"] for i in json.loads(text)["physical-interface"]]
    assert of[0]["description"] == [{"data": "text-1"}]
    assert of[2]["lldp-remote-port-description"] == [{"data": "ge-0/0/9"}]


KINDS = {
    "cisco-ios": """\
hostname vaxel-Kanarie1
username Kanarie2 privilege 15 secret 9 $9$Kanarie3
banner motd ^C
 Kanarie4 tillhör skolan
^C
ip domain name kanarie5.se
interface GigabitEthernet1/0/1
 description Kanarie6 rum 4
 ip address 198.51.100.9 255.255.255.0
snmp-server community Kanarie7 RO
snmp-server location Kanarie8
snmp-server contact it@kanarie9.se
vlan 20
 name Kanarie10
Processor board ID FKANARIE11
NAME: "c1", SN: FKANARIE12
crypto pki trustpoint TP-self-signed-198511177
ntp server 192.0.2.77
""",
    "arubaos-cx": """\
hostname Kanarie1
user Kanarie2 group administrators password ciphertext Kanarie3
interface 1/1/1
    description Kanarie4
    ip address 198.51.100.9/24
snmp-server system-location Kanarie5
Chassis Serial Nbr  : SGKANARIE6
System Name         : Kanarie7
System Contact      : Kanarie8
System Location     : Kanarie9
""",
    "junos": """\
set system host-name Kanarie1
set system login user Kanarie2 authentication encrypted-password "$6$Kanarie3"
set system login message "Kanarie4 och mer"
set interfaces ge-0/0/0 description "Kanarie5 rum"
set snmp location Kanarie6
set snmp community Kanarie7
set interfaces ge-0/0/0 unit 0 family inet address 198.51.100.9/24
""",
    "fortios": """\
config system global
    set hostname "Kanarie1"
    set alias "Kanarie2 huset"
end
config firewall policy
    edit 1
        set name "Kanarie3 ut"
        set comments "Kanarie4
på flera rader"
    next
end
Serial-Number: FGKANARIE5
Hostname: Kanarie6
config system interface
    edit "wan1"
        set ip 198.51.100.9 255.255.255.0
""",
}


@pytest.mark.parametrize("platform", KINDS)
def test_no_canary_is_left(platform: str) -> None:
    said = anonymous(platform, KINDS[platform]).lower()
    assert "kanarie" not in said
    assert not [w for w in ("198.51.100.", "192.0.2.", "198511177", "tillhör", "flera rader") if w in said]


@pytest.mark.parametrize("platform", KINDS)
def test_what_is_anonymous_is_the_same_however_often_it_is_said(platform: str) -> None:
    once = anonymous(platform, KINDS[platform])
    twice = Anonymiser(VENDORS[platform], (), KEY).anonymised({"a": KINDS[platform], "b": KINDS[platform]})
    assert twice == {"a": once, "b": once}


def test_a_name_is_replaced_in_every_answer_in_whatever_letters() -> None:
    answers = {"a": "hostname heb-sw1\n", "b": "System Name: HEB-SW1.heby.se\nremote heb-sw10\n"}
    said = Anonymiser(VENDORS["cisco-ios"], ("heb-sw10", "heby"), KEY).anonymised(answers)
    assert "heb" not in str(said).lower()
    first, second = said["a"].split()[1], said["b"].split()
    assert first.startswith("name-")
    assert second[-1] != first


def test_a_text_that_a_table_cuts_short_is_replaced_too() -> None:
    answers = {"a": " description Rektorns expedition plan 2\n", "b": "Gi1/0/1   Rektorns expedi    connected   20\n"}
    said = Anonymiser(VENDORS["cisco-ios"], (), KEY).anonymised(answers)
    assert "Rektorns" not in str(said)
    assert said["b"].index("connected") == answers["b"].index("connected")


def test_a_port_keeps_its_name_though_a_neighbour_has_it_for_a_description() -> None:
    answers = {"a": "Port Description: GigabitEthernet1/0/1\n", "b": "interface GigabitEthernet1/0/1\n"}
    assert Anonymiser(VENDORS["cisco-ios"], (), KEY).anonymised(answers)["b"] == answers["b"]


def test_a_port_after_which_something_is_called_keeps_its_name() -> None:
    told = '    edit 1\n        set name "internal1 to wan1"\n    edit 2\n        set name "internal1"\n'
    answers = {"a": told, "b": "==[internal1]\nVirtual domain configuration: disable\n"}
    assert Anonymiser(VENDORS["fortios"], (), KEY, ["internal1"]).anonymised(answers)["b"] == answers["b"]


def test_what_stands_behind_a_key_of_several_lines_stays() -> None:
    key = '        set private-key "-----BEGIN KEY-----\nAAAA\n-----END KEY-----"\n'
    certificate = key.replace("private-key", "certificate")
    text = f'config vpn certificate local\n    edit "x"\n{key}{certificate}    next\nend\nconfig router static\nend\n'
    said = anonymous("fortios", text)
    assert said.endswith("    next\nend\nconfig router static\nend\n")
    assert "AAAA" not in said


def test_the_first_words_of_a_text_are_not_taken_for_it_where_they_mean_something_else() -> None:
    said = anonymous("cisco-ios", "vrf definition Mgmt-intf\ninterface Vlan1\n description Mgmt\n")
    assert said.startswith("vrf definition Mgmt-intf\n")


def test_a_text_of_which_a_part_is_withheld_is_replaced_and_ends_with_its_line() -> None:
    answers = {"a": '    set alias "PSKB272 till B"\n    set status up\n', "b": "port 1  PSKB272 till B  up\n"}
    said = Anonymiser(VENDORS["fortios"], (), KEY).anonymised(answers)
    assert "PSKB272" not in str(said)
    assert "set status up" in said["a"]


def test_the_head_of_a_table_is_no_text() -> None:
    head = "! Name Number  Description   Version\n! System Description : PL.10\n"
    answers = {"a": head, "b": "!Version ArubaOS-CX PL.10\nssh key-exchange curve25519-sha256@libssh.org\n"}
    assert Anonymiser(VENDORS["arubaos-cx"], (), KEY).anonymised(answers) == answers


@pytest.mark.parametrize("name", NAMES)
def test_a_published_configuration_is_read_as_before_and_no_known_name_is_left(name: str) -> None:
    platform, text = device_text(name)
    vendor = VENDORS[platform]
    made = Anonymiser(vendor, (), KEY)
    said = made.anonymised({vendor.show: text})[vendor.show]
    assert made.left(said) == []
    for shown in (text, said):
        exchange = Exchange(typed=vendor.show, answer=shown, seconds=0)
        transcript = Transcript(code="", taken="", platform=platform, exchanges=(exchange,))
        assert judged(vendor, transcript)[0].outcome == "ok"
    assert kept_secret(transcript).outcome == "ok"


def test_an_account_in_blocks_is_a_name() -> None:
    said = anonymous("fortios", 'config system admin\n    edit "anna"\n    next\nend\nlog in of anna\n')
    assert "anna" not in said


def test_the_address_in_the_identity_of_a_bridge_is_another() -> None:
    assert "00fd45000001" not in anonymous("junos", "ge-0/0/1.0   128:513  32768.00fd45000001   20000\n")


@pytest.mark.parametrize(
    "same", ["255.255.255.0", "0.0.0.255", "127.0.0.1", "224.0.0.18", "ff02::1", "::1", "ffff.ffff.ffff"]
)
def test_what_is_nobodys_stays(same: str) -> None:
    assert anonymous("cisco-ios", f"x {same} y\n") == f"x {same} y\n"


@pytest.mark.parametrize("mac", ["00:fd:45:12:34:56", "00fd.4512.3456", "00fd45-123456", "00-fd-45-12-34-56"])
def test_a_mac_address_is_another_in_the_same_spelling(mac: str) -> None:
    said = anonymous("cisco-ios", f"x {mac} y\n").split()[1]
    assert said != mac
    assert [c for c in said if not c.isalnum()] == [c for c in mac if not c.isalnum()]
    assert "".join(c for c in said if c.isalnum()) in anonymous("junos", "00:fd:45:12:34:56\n").replace(":", "")


def test_a_network_stays_one() -> None:
    said = anonymous("cisco-ios", "ip route 10.9.64.0 255.255.192.0 10.9.64.1\n").split()
    assert ip_network(f"{said[2]}/{said[3]}")
    said = anonymous("arubaos-cx", "ip route 172.20.128.0/17 10.9.64.1\n").split()
    assert ip_network(said[2])


PUBLIC = st.integers(2**24, 2**32 - 1).map(IPv4Address)
V4 = PUBLIC | st.integers(10 << 24, (11 << 24) - 1).map(IPv4Address)


@given(one=V4, other=V4, length=st.integers(8, 24))
@effort(max_examples=60)
def test_addresses_map_one_to_one_and_keep_which_network_holds_them(
    one: IPv4Address, other: IPv4Address, length: int
) -> None:
    made = Anonymiser(VENDORS["cisco-ios"], (), KEY)
    first, second = made.address4(one), made.address4(other)
    assert (one == other) == (first == second)
    assume(first != one and second != other)
    if other in ip_network(f"{one}/{length}", strict=False):
        assert second in ip_network(f"{first}/{length}", strict=False)
    assert first >= IPv4Address("240.0.0.0") or any(int(first) >> 32 - n == net for net, n in PRIVATE.items())


@given(one=st.integers(0, 2**80 - 1), other=st.integers(0, 2**80 - 1), length=st.integers(48, 64))
@effort(max_examples=40)
def test_addresses_of_ipv6_do_so_too(one: int, other: int, length: int) -> None:
    made = Anonymiser(VENDORS["cisco-ios"], (), KEY)
    a, b = (IPv6Address((0x2A001234 << 96) | n) for n in (one, other))
    first, second = made.address6(a), made.address6(b)
    assert (a == b) == (first == second)
    if b in ip_network(f"{a}/{length}", strict=False):
        assert second in ip_network(f"{first}/{length}", strict=False)
    assert first in ip_network("2001:db8::/32")
    assert made.address6(IPv6Address("fd12::1")) in ULA


WORDS = st.from_regex(r"[B-DF-HJ-NP-TV-XZ]{4}[0-9]{3}", fullmatch=True)


@pytest.mark.parametrize("platform", KINDS)
@given(name=WORDS, text=WORDS, secret=WORDS)
@effort(max_examples=12)
def test_no_name_text_or_secret_is_left_in_any_answer(platform: str, name: str, text: str, secret: str) -> None:
    assume(len({name, text, secret}) == 3)
    told = {
        "cisco-ios": " description {text} till {name}\nsnmp-server community {secret} RO\n",
        "arubaos-cx": "    description {text} till {name}\nsnmp-server community {secret}\n",
        "junos": 'set interfaces ae0 description "{text} till {name}"\nset snmp community {secret}\n',
        "fortios": '    set alias "{text} till {name}"\n    set psksecret ENC {secret}\n',
    }[platform].format(name=name, text=text, secret=secret)
    shown = f"port 1  {text} till {name}  up\nneighbour {name.lower()} at port 2\n"
    made = Anonymiser(VENDORS[platform], (name,), KEY)
    said = made.anonymised({"a": told, "b": shown})
    assert not [word for word in (name, text, secret) if word.lower() in str(said).lower()]
    assert not made.left("".join(said.values()))
