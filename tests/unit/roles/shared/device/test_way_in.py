"""What a change would take away of the way by which samdrift came in: told for every vendor, before it is typed.

The configurations are of one device each, as it prints it; `AWAY` are changes that shut samdrift out, by the part of
its way in that goes, `FINE` such as do not.
"""

from __future__ import annotations

import contextlib
import re
from ipaddress import IPv4Address

import pytest
from hypothesis import given
from hypothesis import settings as effort
from hypothesis import strategies as st

from inventory.errors import Problem
from inventory.fleet import Fleet
from roles.shared.device.difference import difference
from roles.shared.device.known import known_vendors
from roles.shared.device.letting_in import CameIn, LostPart, key_hash
from roles.shared.device.login_keys import LoginKey
from roles.shared.device.ownership import Ours
from roles.shared.device.settings import Settings
from roles.shared.device.way_in import way_in_lost
from roles.shared.intent import Intent
from tests.emulator.grammar import Refused, Tree, applied, grammar
from tests.emulator.letting_in import Caller, lets_in
from tests.unit.roles.shared.device.switch_fleet import fleet

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAFmFAQGx+RkPlLYC/4m02U7lEwLytuaxjrm2EdOahS8"
OTHER = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGyEcPTacAAZq77B3Ulk2ToRvSZREr26Nehpt0s1RMVh"
CAME = CameIn(user="samdrift", key=KEY, source=IPv4Address("10.60.10.250"), address=IPv4Address("10.63.1.12"))

RUNNING = {
    "arubaos-cx": f"""\
hostname sw1
user admin group administrators password ciphertext AQB1
user samdrift group administrators password ciphertext AQB2
user samdrift authorized-key {KEY} anna@adm1
user samdrift authorized-key {OTHER}
aaa authentication login default local
ssh server vrf default
ssh server vrf mgmt
access-list ip MANAGEMENT
    10 permit tcp 10.60.10.250 any eq ssh
    20 permit tcp 10.61.0.0/16 any eq ssh
    9000 deny tcp any any eq ssh
    9010 permit any any any
apply access-list ip MANAGEMENT control-plane vrf default
vlan 1
vlan 101
    name Enheter
interface mgmt
    no shutdown
    ip static 10.99.0.2/24
    default-gateway 10.99.0.1
interface 1/1/1
    no shutdown
    vlan access 101
interface vlan 101
    ip address 10.63.1.12/24
interface vlan 110
    ip address 10.63.10.1/24
ip route 0.0.0.0/0 10.63.1.1
ip route 0.0.0.0/0 10.98.0.1 vrf mgmt
""",
    "cisco-ios": f"""\
hostname sw1
aaa new-model
aaa authentication login default local
aaa authorization exec default local
username samdrift privilege 15 secret 9 $9$abc
username rektor privilege 1 secret 9 $9$abc
interface GigabitEthernet0/0
 vrf forwarding Mgmt-vrf
 ip address 10.99.0.2 255.255.255.0
interface GigabitEthernet1/0/1
 switchport access vlan 101
interface Vlan101
 ip address 10.63.1.12 255.255.255.0
interface Vlan110
 ip address 10.63.10.1 255.255.255.0
ip default-gateway 10.63.1.1
ip route vrf Mgmt-vrf 0.0.0.0 0.0.0.0 10.99.0.1
ip ssh version 2
ip ssh pubkey-chain
  username samdrift
   key-hash ssh-ed25519 {key_hash(KEY)} anna@adm1
   key-hash ssh-ed25519 {key_hash(OTHER)}
ip access-list standard MANAGEMENT
 10 permit 10.60.10.250
 20 permit 10.61.0.0 0.0.255.255
line con 0
line vty 0 4
 access-class MANAGEMENT in
 transport input ssh
line vty 5 15
 access-class MANAGEMENT in
 transport input ssh
""",
    "junos": f"""\
set system host-name sw1
set system login user samdrift class super-user
set system login user samdrift uid 2000
set system login user samdrift authentication ssh-ed25519 "{KEY} anna@adm1"
set system login user samdrift authentication ssh-ed25519 "{OTHER}"
set system login user rektor class read-only
set system services ssh root-login deny-password
set system services ssh protocol-version v2
set interfaces ge-0/0/1 unit 0 family ethernet-switching vlan members v101
set interfaces irb unit 101 family inet address 10.63.1.12/24
set interfaces irb unit 110 family inet address 10.63.10.1/24
set interfaces lo0 unit 0 family inet filter input MANAGEMENT
set firewall family inet filter MANAGEMENT term icmp from icmp-type echo-request
set firewall family inet filter MANAGEMENT term icmp from protocol icmp
set firewall family inet filter MANAGEMENT term icmp then accept
set firewall family inet filter MANAGEMENT term stations from source-address 10.60.10.250/32
set firewall family inet filter MANAGEMENT term stations from source-address 10.61.0.0/16
set firewall family inet filter MANAGEMENT term stations from protocol tcp
set firewall family inet filter MANAGEMENT term stations from destination-port ssh
set firewall family inet filter MANAGEMENT term stations then accept
set firewall family inet filter MANAGEMENT term others from protocol tcp
set firewall family inet filter MANAGEMENT term others from destination-port ssh
set firewall family inet filter MANAGEMENT term others then discard
set firewall family inet filter MANAGEMENT term rest then accept
set routing-options static route 0.0.0.0/0 next-hop 10.63.1.1
set routing-options static route 10.70.0.0/16 next-hop 10.63.10.2
""",
    "fortios": f"""\
config system global
    set hostname "fw1"
    set admin-ssh-port 22
end
config system interface
    edit "wan1"
        set vdom "root"
        set ip 192.0.2.2 255.255.255.240
        set allowaccess ping
        set type physical
    next
    edit "internal5"
        set vdom "root"
        set ip 10.63.1.12 255.255.255.0
        set allowaccess ping ssh snmp
        set type physical
    next
end
config system admin
    edit "admin"
        set accprofile "super_admin"
        set vdom "root"
        set password ENC AAAA
    next
    edit "samdrift"
        set trusthost1 10.60.10.250 255.255.255.255
        set trusthost2 10.61.0.0 255.255.0.0
        set accprofile "super_admin"
        set vdom "root"
        set ssh-public-key1 "{KEY} anna@adm1"
        set ssh-public-key2 "{OTHER}"
        set password ENC AAAA
    next
end
config router static
    edit 1
        set gateway 192.0.2.1
        set device "wan1"
    next
    edit 101
        set dst 10.60.10.0 255.255.255.0
        set gateway 10.63.1.1
        set device "internal5"
    next
end
""",
    "frr": """\
hostname gw1
interface eth0
 ip address 10.63.1.12/24
interface eth1
 ip address 10.63.10.1/24
ip route 0.0.0.0/0 10.63.1.1
ip route 10.70.0.0/16 10.63.10.2
""",
}
TERM = "set firewall family inet filter MANAGEMENT term"
ADMIN = ("config system admin", '  edit "samdrift"')
PORT = ("config system interface", '  edit "internal5"')
END = ("  next", "end")

AWAY: dict[str, list[tuple[str, tuple[str, ...]]]] = {
    "arubaos-cx": [
        ("account", ("no user samdrift",)),
        ("privilege", ("user samdrift group operators password plaintext x",)),
        ("key", ("no user samdrift authorized-key",)),
        ("key", ("no user samdrift authorized-key", f"user samdrift authorized-key {OTHER}")),
        ("login", ("aaa authentication login default group tacacs",)),
        ("address", ("interface vlan 101", "  no ip address", "exit")),
        ("address", ("interface vlan 101", "  ip address 10.63.1.13/24", "exit")),
        ("address", ("no interface vlan 101",)),
        ("interface", ("interface vlan 101", "  shutdown", "exit")),
        ("service", ("interface vlan 101", "  vrf attach kunder", "exit")),
        ("route", ("no ip route 0.0.0.0/0 10.63.1.1",)),
        ("route", ("ip route 10.60.0.0/16 10.63.10.2",)),
        ("service", ("no ssh server vrf default",)),
        ("service", ("no ssh public-key-authentication",)),
        ("access", ("access-list ip MANAGEMENT", "  10 permit tcp 10.60.10.251 any eq ssh", "exit")),
        ("access", ("access-list ip MANAGEMENT", "  no 10 permit tcp 10.60.10.250 any eq ssh", "exit")),
        ("access", ("access-list ip MANAGEMENT", "  5 deny any any any", "exit")),
        ("access", ("access-list ip MANAGEMENT", "  5 deny tcp GROUP1 any group ADMIN", "exit")),
        ("access", ("access-list ip NEW", "  10 permit udp any any", "exit",
                    "apply access-list ip NEW control-plane vrf default")),
    ],
    "cisco-ios": [
        ("account", ("no username samdrift",)),
        ("privilege", ("username samdrift privilege 1 secret x",)),
        ("key", ("ip ssh pubkey-chain", "  no username samdrift", "exit")),
        ("key", ("no ip ssh pubkey-chain",)),
        ("key", ("ip ssh pubkey-chain", "  username samdrift", f"    no key-hash ssh-ed25519 {key_hash(KEY)}", "exit")),
        ("login", ("aaa authorization exec default group tacacs+",)),
        ("address", ("interface Vlan101", "  no ip address", "exit")),
        ("address", ("interface Vlan101", "  ip address 10.63.1.13 255.255.255.0", "exit")),
        ("address", ("no interface Vlan101",)),
        ("interface", ("interface Vlan101", "  shutdown", "exit")),
        ("service", ("interface Vlan101", "  vrf forwarding kunder", "exit")),
        ("route", ("no ip default-gateway 10.63.1.1",)),
        ("route", ("ip default-gateway 10.63.1.2",)),
        ("service", ("no ip ssh",)),
        ("service", ("ip ssh server algorithm authentication password",)),
        ("service", ("line vty 0 4", "  transport input telnet", "exit")),
        ("service", ("line vty 5 15", "  no transport input ssh", "exit")),
        ("access", ("ip access-list standard MANAGEMENT", "  no 10 permit 10.60.10.250", "exit")),
        ("access", ("ip access-list standard MANAGEMENT", "  5 deny 10.60.0.0 0.0.255.255", "exit")),
        ("access", ("no ip access-list standard MANAGEMENT",)),
        ("access", ("line vty 5 15", "  access-class 7 in", "exit")),
        ("access", ("ip access-list standard NEW", "  permit 10.61.0.1", "exit",
                    "line vty 0 4", "  access-class NEW in", "exit")),
    ],
    "junos": [
        ("account", ("delete system login user samdrift",)),
        ("account", ("delete system login",)),
        ("privilege", ("set system login user samdrift class read-only",)),
        ("key", (f'delete system login user samdrift authentication ssh-ed25519 "{KEY} anna@adm1"',)),
        ("key", ("delete system login user samdrift authentication",)),
        ("address", ("delete interfaces irb unit 101 family inet address 10.63.1.12/24",)),
        ("address", ("delete interfaces irb",)),
        ("route", ("delete routing-options static route 0.0.0.0/0",)),
        ("route", ("delete routing-options static route 0.0.0.0/0 next-hop 10.63.1.1",
                   "set routing-options static route 0.0.0.0/0 next-hop 10.63.1.2")),
        ("service", ("delete system services ssh",)),
        ("service", ("set system services ssh no-public-keys",)),
        ("service", ("set system services ssh port 2222",)),
        ("access", (f"{TERM.replace('set', 'delete')} stations from source-address 10.60.10.250/32",)),
        ("access", ("delete firewall family inet filter MANAGEMENT term stations",)),
        ("access", ("set firewall family inet filter MANAGEMENT term stations then discard",)),
        ("access", (f"insert {TERM.removeprefix('set ')} others before term stations",)),
        ("access", ("set firewall family inet filter NEW term a then discard",
                    "set interfaces lo0 unit 0 family inet filter input NEW")),
    ],
    "fortios": [
        ("account", ("config system admin", '  delete "samdrift"', "end")),
        ("privilege", (*ADMIN, '    set accprofile "prof_admin"', *END)),
        ("key", (*ADMIN, "    unset ssh-public-key1", *END)),
        ("key", (*ADMIN, f'    set ssh-public-key1 "{OTHER}"', *END)),
        ("address", (*PORT, "    unset ip", *END)),
        ("address", (*PORT, "    set ip 10.63.1.13 255.255.255.0", *END)),
        ("interface", (*PORT, "    set status down", *END)),
        ("service", (*PORT, "    set allowaccess ping", *END)),
        ("service", (*PORT, "    unset allowaccess", *END)),
        ("service", (*PORT, '    set vdom "kunder"', *END)),
        ("service", ("config system global", "  set admin-ssh-port 2222", "end")),
        ("route", ("config router static", "  delete 101", "end")),
        ("route", ("config router static", "  edit 101", "    set gateway 10.63.1.2", *END)),
        ("access", (*ADMIN, "    set trusthost1 10.60.10.251 255.255.255.255", *END)),
        ("access", (*ADMIN, "    unset trusthost1", *END)),
    ],
    "frr": [
        ("address", ("interface eth0", "  no ip address 10.63.1.12/24", "exit")),
        ("interface", ("interface eth0", "  shutdown", "exit")),
        ("route", ("no ip route 0.0.0.0/0 10.63.1.1",)),
    ],
}  # fmt: skip
FINE: dict[str, list[tuple[str, ...]]] = {
    "arubaos-cx": [
        ("no user admin", "no ssh server vrf mgmt", "no ip route 0.0.0.0/0 10.98.0.1 vrf mgmt"),
        ("no user samdrift authorized-key", f"user samdrift authorized-key {KEY}"),
        ("user samdrift group administrators password plaintext x",),
        ("access-list ip MANAGEMENT", "  10 permit tcp 10.60.10.0/24 any eq ssh", "exit", "no interface vlan 110"),
        ("access-list ip MANAGEMENT", "  20 permit tcp GROUP1 any group ADMIN", "exit"),
        ("aaa authentication login default group tacacs local",),
        ("access-list ip NEW", "  10 permit tcp 10.60.10.250 any eq ssh", "exit",
         "apply access-list ip NEW control-plane vrf default"),
        ("ip route 10.61.0.0/16 10.63.10.2",),
    ],
    "cisco-ios": [
        ("no username rektor", "no interface Vlan110", "no ip route vrf Mgmt-vrf 0.0.0.0 0.0.0.0 10.99.0.1"),
        ("username samdrift privilege 15 secret x", "ip ssh version 2"),
        ("ip ssh pubkey-chain", "  username samdrift", f"    no key-hash ssh-ed25519 {key_hash(OTHER)}", "exit"),
        ("ip route 0.0.0.0 0.0.0.0 10.63.1.1", "no ip default-gateway 10.63.1.1"),
        ("ip access-list standard NEW", "  10 permit 10.60.10.250", "exit",
         "line vty 0 4", "  access-class NEW in", "exit"),
        ("line vty 0 4", "  no access-class MANAGEMENT in", "  transport input all", "exit"),
        ("ip access-list standard MANAGEMENT", "  no 20 permit 10.61.0.0 0.0.255.255", "exit"),
    ],
    "junos": [
        ("delete system login user rektor", "delete interfaces irb unit 110"),
        ("set system services ssh root-login deny",),
        (f'delete system login user samdrift authentication ssh-ed25519 "{OTHER}"',),
        ("delete routing-options static route 10.70.0.0/16", "delete interfaces lo0 unit 0 family inet filter"),
        ("set system login user samdrift class super-user",),
        (*(f"{TERM} {rest}".replace("MANAGEMENT", "NEW") for rest in (
            "stations from source-address 10.60.10.250/32", "stations from source-address 10.61.0.0/16",
            "stations from protocol tcp", "stations then accept", "others then discard")),
         "set interfaces lo0 unit 0 family inet filter input NEW"),
    ],
    "fortios": [
        ("config system admin", '  delete "admin"', "end", "config router static", "  delete 1", "end"),
        (*ADMIN, "    unset ssh-public-key2", "    unset trusthost2", *END),
        (*PORT, "    set allowaccess ping ssh", '    set description "x"', *END),
    ],
    "frr": [("no ip route 10.70.0.0/16 10.63.10.2", "interface eth1", "  no ip address 10.63.10.1/24", "exit")],
}  # fmt: skip


def lost(platform: str, entries: tuple[str, ...], came: CameIn = CAME, running: str = "") -> tuple[LostPart, ...]:
    return way_in_lost(known_vendors()[platform], running or RUNNING[platform], entries, came)


@pytest.mark.parametrize(
    ("platform", "part", "entries"),
    [(platform, part, entries) for platform, cases in AWAY.items() for part, entries in cases],
)
def test_a_change_that_would_shut_samdrift_out_is_told(platform: str, part: str, entries: tuple[str, ...]) -> None:
    assert part in {found.part for found in lost(platform, entries)}


@pytest.mark.parametrize(
    ("platform", "entries"), [(platform, entries) for platform, cases in FINE.items() for entries in cases]
)
def test_a_change_of_anything_else_is_none_of_its_business(platform: str, entries: tuple[str, ...]) -> None:
    assert lost(platform, entries) == ()


CHAIN = (
    RUNNING["junos"].replace("filter input MANAGEMENT", "filter input-list ICMP")
    + f"""\
set interfaces lo0 unit 0 family inet filter input-list MANAGEMENT
set policy-options prefix-list STATIONS 10.60.10.250/32
set policy-options prefix-list STATIONS 10.61.0.0/16
set firewall family inet filter ICMP term icmp from protocol icmp
set firewall family inet filter ICMP term icmp then accept
{TERM} lists from source-prefix-list STATIONS
{TERM} lists from protocol tcp
{TERM} lists then accept
"""
)
"""As people have it: several filters in turn, and those who may come in a list of prefixes."""


@pytest.mark.parametrize(
    ("entries", "parts"),
    [
        ((f"{TERM.replace('set', 'delete')} stations",), {"access"}),  # `others` comes before `lists`
        ((f"insert {TERM.removeprefix('set ')} lists before term stations",), set()),
        (
            (
                f"insert {TERM.removeprefix('set ')} lists before term stations",
                f"{TERM.replace('set', 'delete')} stations",
            ),
            set(),
        ),
        (
            (
                f"insert {TERM.removeprefix('set ')} lists before term stations",
                f"{TERM.replace('set', 'delete')} stations",
                "delete policy-options prefix-list STATIONS 10.60.10.250/32",
            ),
            {"access"},
        ),
        (("delete policy-options prefix-list STATIONS 10.61.0.0/16",), set()),
        (("set firewall family inet filter ICMP term all then discard",), {"access"}),
        (("delete interfaces lo0 unit 0 family inet filter input-list ICMP",), set()),
    ],
)
def test_filters_in_turn_and_lists_of_prefixes_are_read(entries: tuple[str, ...], parts: set[str]) -> None:
    assert {found.part for found in lost("junos", entries, running=CHAIN)} == parts


BY_NETCONF = CAME.model_copy(update={"netconf_port": 830})
NETCONF_RUNNING = (
    RUNNING["junos"].replace(
        "term stations from destination-port ssh", "term stations from destination-port [ ssh 830 ]"
    )
    + "set system services netconf ssh\n"
)


@pytest.mark.parametrize(
    ("entries", "parts"),
    [
        (("delete system services netconf",), {"service"}),
        (("set system services netconf ssh port 2222",), {"service"}),
        (("delete firewall family inet filter MANAGEMENT term stations from destination-port 830",), set()),
        (
            (
                "delete firewall family inet filter MANAGEMENT term stations from destination-port 830",
                "set firewall family inet filter MANAGEMENT term others from destination-port 830",
            ),
            {"access"},
        ),
        (("delete firewall family inet filter MANAGEMENT term stations from destination-port ssh",), {"access"}),
        (("set system services netconf rfc-compliant",), set()),
    ],
)
def test_what_serves_netconf_is_of_the_way_of_whoever_came_by_it(entries: tuple[str, ...], parts: set[str]) -> None:
    """Its port and its statement; SSH's own stay, too, so that there is the command line if NETCONF fails."""
    found = {p.part for p in lost("junos", entries, BY_NETCONF, NETCONF_RUNNING)}
    assert found == parts


def test_who_came_by_the_command_line_may_take_netconf_away() -> None:
    assert lost("junos", ("delete system services netconf",), CAME, NETCONF_RUNNING) == ()


def test_a_group_of_addresses_is_read() -> None:
    group = "object-group ip address ADMINS\n    10 10.60.10.250\n    20 10.61.0.0/16\n"
    running = group + RUNNING["arubaos-cx"].replace("10 permit tcp 10.60.10.250 any", "10 permit tcp ADMINS any")
    assert lost("arubaos-cx", ("no user admin",), running=running) == ()
    away = ("object-group ip address ADMINS", "  no 10 10.60.10.250", "exit")
    assert [found.part for found in lost("arubaos-cx", away, running=running)] == ["access"]
    fine = ("object-group ip address ADMINS", "  no 20 10.61.0.0/16", "exit")
    assert lost("arubaos-cx", fine, running=running) == ()


# The keys that a device is told.


def told(*keys: str) -> str:
    """What a switch of AOS-CX prints of an account with these keys."""
    account = "user samdrift group administrators password ciphertext AQB2\n"
    return account + "".join(f"user samdrift authorized-key {key}\n" for key in keys)


@pytest.mark.parametrize("others", [(), (OTHER.replace("IGyE", "IGyF"),)])
def test_keys_that_the_device_takes_away_all_at_once_are_typed_again(others: tuple[str, ...]) -> None:
    cx, user, third = known_vendors()["arubaos-cx"], (("user samdrift .*",),), KEY.replace("IAFm", "IAFn")
    has, wants, ours = told(KEY, OTHER, *others), told(KEY, third), Ours(declared=told(KEY, OTHER))
    change = difference(cx, has, wants, user, ours=ours)
    there = applied("arubaos-cx", grammar("arubaos-cx").load(has), change.entries)
    assert set(there) == set(told(KEY, third, *others).splitlines()), "what somebody else typed is typed again, too"
    assert change.entries[0] == "no user samdrift authorized-key"
    assert len(change.removals) == 1
    assert lost("arubaos-cx", change.entries) == ()
    assert set(applied("arubaos-cx", there, change.rollback)) == set(has.splitlines())


def test_a_key_that_somebody_else_typed_stays() -> None:
    cx, user = known_vendors()["arubaos-cx"], (("user samdrift .*",),)
    assert difference(cx, told(KEY, OTHER), told(KEY), user).entries == ()


@pytest.mark.parametrize("comment", ["", " anna@adm1"])
def test_a_comment_of_a_key_is_no_difference(comment: str) -> None:
    cx, ios = known_vendors()["arubaos-cx"], known_vendors()["cisco-ios"]
    assert not difference(cx, told(KEY + comment), told(KEY), (("user .*",),)).entries
    chain = f"ip ssh pubkey-chain\n  username samdrift\n   key-hash ssh-ed25519 {key_hash(KEY)}"
    assert not difference(ios, f"{chain}{comment}\n", f"{chain}\n", (("ip ssh pubkey-chain",),)).entries


def test_the_hash_of_a_key_is_the_one_that_ssh_keygen_prints() -> None:
    # ssh-keygen -l -E md5, without its colons and in capitals
    assert key_hash(KEY) == "EC4ABF63912A6CBA53F96216B0ACF8CA"


def test_a_device_is_told_the_keys_of_the_management_stations_or_its_own() -> None:
    plain = keys_of(fleet())
    assert [key.text for key in plain] == [KEY]
    rsa = "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAgQC7 old@ios"
    assert [key.text for key in keys_of(fleet(automation_keys=[rsa]))] == [rsa.removesuffix(" old@ios")]


def keys_of(of: Fleet) -> tuple[LoginKey, ...]:
    found = Intent(of).of(of.host("heb-sw3"), "access_switch")
    assert isinstance(found, Settings), found
    return found.accounts.login_keys


def test_a_device_without_a_key_or_with_too_many_is_a_problem_of_the_inventory() -> None:
    stations = [h for h in fleet().hosts if h.role == "management-station"]
    without = fleet().model_copy(
        update={"hosts": tuple(h.model_copy(update={"context": {}}) if h in stations else h for h in fleet().hosts)}
    )
    assert "no key by which samdrift could log in" in str(problem(without, "heb-sw3"))
    many = fleet(automation_keys=[KEY.replace("IAFm", f"IAF{n}") for n in "abc"])
    assert "Cisco IOS XE takes 2 keys of an account, and there are 3" in str(problem(many, "heb-sw3"))
    assert isinstance(Intent(many).of(many.host("heb-sw1"), "access_switch"), Settings)


def problem(of: Fleet, name: str) -> Problem:
    found = Intent(of).of(of.host(name), "access_switch")
    assert isinstance(found, tuple)
    return found[0]


# Held against the emulator, which was told who gets in from the vendors' documents.

LETS_NOBODY_IN: dict[str, int] = {"arubaos-cx": 5, "cisco-ios": 4, "fortios": 5, "junos": 7}
"""How many single lines there are, at least, without which the emulator lets samdrift in no more."""


def lines_of(tree: Tree, above: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    return [path for line, below in tree.items() for path in ((*above, line), *lines_of(below, (*above, line)))]


def taking_away(platform: str, path: tuple[str, ...]) -> tuple[str, ...]:
    """What somebody types to remove a line, or a section with all that stands below it."""
    *above, line = path
    if platform == "junos":
        return (f"delete {' '.join(path)}",)
    into = [f"{'  ' * n}{section}" for n, section in enumerate(above)]
    indent = "  " * len(above)
    if platform == "fortios":
        out = ["next" if section.startswith("edit ") else "end" for section in reversed(above)]
        word, name, *_ = line.split()
        return (*into, f"{indent}{'delete' if word == 'edit' else 'unset'} {name}", *out)
    short = re.sub(r"^(user \S+ authorized-key) .*|^(user \S+) group .*", lambda m: m[1] or m[2], line)
    return (*into, f"{indent}no {short}", *("exit" for _ in above))


def after_typing(platform: str, entries: tuple[str, ...]) -> Tree | None:
    """The configuration afterwards; None if the device refuses a line."""
    with contextlib.suppress(Refused):
        return applied(platform, grammar(platform).load(RUNNING[platform]), entries)
    return None


def gets_in(platform: str, running: Tree) -> bool:
    caller = Caller(CAME.user, CAME.key, str(CAME.source), str(CAME.address))
    return lets_in(platform, running, caller, needs_address=True)


@pytest.mark.parametrize("platform", LETS_NOBODY_IN)
def test_whoever_would_not_be_let_in_again_is_told_line_by_line(platform: str) -> None:
    running = grammar(platform).load(RUNNING[platform])
    assert gets_in(platform, running)
    shut_out = 0
    for path in lines_of(running):
        if platform == "fortios" and path[-1].startswith("config "):
            continue  # a table is not removed
        entries = taking_away(platform, path)
        there = after_typing(platform, entries)
        if there is not None and not gets_in(platform, there):
            shut_out += 1
            assert lost(platform, entries), path
    assert shut_out >= LETS_NOBODY_IN[platform]


@given(data=st.data())
@effort(max_examples=30)
def test_what_takes_nothing_of_the_way_in_leaves_samdrift_in(data: st.DataObject) -> None:
    platform = data.draw(st.sampled_from(sorted(LETS_NOBODY_IN)))
    every = [p for p in lines_of(grammar(platform).load(RUNNING[platform])) if not p[-1].startswith("config ")]
    gone = data.draw(st.lists(st.sampled_from(every), max_size=4, unique=True))
    entries = tuple(line for path in gone for line in taking_away(platform, path))
    there = after_typing(platform, entries)
    if there is not None and not lost(platform, entries):
        assert gets_in(platform, there)
