"""What a change would take away of a way in by IPv6, and that the other family's is none of its business.

Line by line it is held against the emulator, as in `test_way_in`, whose changes of IPv4 are not repeated here.
"""

from __future__ import annotations

import contextlib
from ipaddress import IPv4Address, IPv6Address

import pytest

from roles.shared.device.known import known_vendors
from roles.shared.device.letting_in import CameIn
from roles.shared.device.way_in import way_in_lost
from tests.emulator.grammar import Refused, Tree, applied, grammar
from tests.emulator.letting_in import Caller, lets_in
from tests.unit.roles.shared.device.test_way_in import ADMIN, CAME, END, KEY, PORT, RUNNING, lines_of, taking_away

FROM, AT = "2001:db8:60:10::250", "2001:db8:63:1::12"
CAME6 = CAME.model_copy(update={"source": IPv6Address(FROM), "address": IPv6Address(AT)})
TERM = "set firewall family inet6 filter MANAGEMENT6 term"
LOCAL_IN = """\
config firewall address{n}
    edit "stations"
        set {network}
    next
end
config firewall service custom
    edit "shell"
        set tcp-portrange 20-25
    next
end
config firewall local-in-policy{n}
    edit 3006000022
        set intf "internal5"
        set srcaddr "stations"
        set dstaddr "all"
        set action accept
        set service "SSH"
        set schedule "always"
    next
    edit 4006000022
        set intf "internal5"
        set srcaddr "all"
        set dstaddr "all"
        set service "SSH"
        set schedule "always"
    next
end
"""
WITH_POLICY = RUNNING["fortios"] + LOCAL_IN.format(n="", network="subnet 10.60.10.250 255.255.255.255")

RUNNING6: dict[str, str] = {
    "arubaos-cx": RUNNING["arubaos-cx"].replace(
        "apply access-list ip", """\
access-list ipv6 MANAGEMENT6
    10 permit tcp 2001:db8:60:10::250 any eq ssh
    20 permit tcp 2001:db8:61::/48 any eq ssh
    9000 deny tcp any any eq ssh
    9010 permit any any any
apply access-list ipv6 MANAGEMENT6 control-plane vrf default
apply access-list ip""").replace(
        "    ip address 10.63.1.12/24\n", "    ip address 10.63.1.12/24\n    ipv6 address 2001:db8:63:1::12/64\n")
    + "ipv6 route ::/0 2001:db8:63:1::1\n",
    "cisco-ios": RUNNING["cisco-ios"].replace(
        " ip address 10.63.1.12 255.255.255.0\n",
        " ip address 10.63.1.12 255.255.255.0\n ipv6 address 2001:DB8:63:1::12/64\n").replace(
        "line con 0", """\
ipv6 access-list MANAGEMENT6
 sequence 10 permit ipv6 host 2001:DB8:60:10::250 any
 sequence 20 permit ipv6 2001:DB8:61::/48 any
line con 0""").replace(
        " access-class MANAGEMENT in\n", " access-class MANAGEMENT in\n ipv6 access-class MANAGEMENT6 in\n")
    + "ipv6 route ::/0 2001:DB8:63:1::1\n",
    "junos": RUNNING["junos"] + f"""\
set interfaces irb unit 101 family inet6 address 2001:db8:63:1::12/64
set interfaces lo0 unit 0 family inet6 filter input MANAGEMENT6
{TERM} stations from source-address 2001:db8:60:10::250/128
{TERM} stations from next-header tcp
{TERM} stations from destination-port ssh
{TERM} stations then accept
{TERM} others from next-header tcp
{TERM} others from destination-port ssh
{TERM} others then discard
{TERM} rest then accept
set routing-options rib inet6.0 static route ::/0 next-hop 2001:db8:63:1::1
""",
    "fortios": RUNNING["fortios"].replace(
        "        set allowaccess ping ssh snmp\n", """\
        set allowaccess ping ssh snmp
        config ipv6
            set ip6-address 2001:db8:63:1::12/64
            set ip6-allowaccess ping ssh
        end
""").replace("        set trusthost1 10.60.10.250 255.255.255.255\n", """\
        set trusthost1 10.60.10.250 255.255.255.255
        set ip6-trusthost1 2001:db8:60:10::250/128
        set ip6-trusthost2 2001:db8:61::/48
""") + """\
config router static6
    edit 1
        set dst 2001:db8:60:10::/64
        set gateway 2001:db8:63:1::1
        set device "internal5"
    next
end
""" + LOCAL_IN.format(n="6", network="ip6 2001:db8:60:10::250/128"),
}  # fmt: skip
IPV6 = (*PORT, "    config ipv6")
POLICY6 = ("config firewall local-in-policy6", "  edit 3006000022")

AWAY: dict[str, list[tuple[str, tuple[str, ...]]]] = {
    "arubaos-cx": [
        ("address", ("interface vlan 101", "  no ipv6 address 2001:db8:63:1::12/64", "exit")),
        ("route", ("no ipv6 route ::/0 2001:db8:63:1::1",)),
        ("access", ("access-list ipv6 MANAGEMENT6", "  10 permit tcp 2001:db8:60:10::251 any eq ssh", "exit")),
        ("access", ("access-list ipv6 MANAGEMENT6", "  5 deny any any any", "exit")),
        ("access", ("access-list ipv6 NEW", "  10 permit tcp 10.60.10.250 any eq ssh", "exit",
                    "apply access-list ipv6 NEW control-plane vrf default")),
        ("interface", ("interface vlan 101", "  shutdown", "exit")),
    ],
    "cisco-ios": [
        ("address", ("interface Vlan101", "  no ipv6 address 2001:DB8:63:1::12/64", "exit")),
        ("route", ("no ipv6 route ::/0 2001:DB8:63:1::1",)),
        ("access", ("ipv6 access-list MANAGEMENT6", "  no permit ipv6 host 2001:DB8:60:10::250 any", "exit")),
        ("access", ("no ipv6 access-list MANAGEMENT6",)),
        ("access", ("ipv6 access-list NEW", "  permit ipv6 2001:DB8:61::/48 any", "exit",
                    "line vty 0 4", "  ipv6 access-class NEW in", "exit")),
        ("key", ("no ip ssh pubkey-chain",)),
    ],
    "junos": [
        ("address", ("delete interfaces irb unit 101 family inet6",)),
        ("route", ("delete routing-options rib inet6.0 static route ::/0",)),
        ("access", (f"{TERM.replace('set', 'delete')} stations",)),
        ("access", (f"{TERM} stations then discard",)),
        ("access", (f"insert {TERM.removeprefix('set ')} others before term stations",)),
    ],
    "fortios": [
        ("address", (*IPV6, "      unset ip6-address", "    end", *END)),
        ("service", (*IPV6, "      set ip6-allowaccess ping", "    end", *END)),
        ("route", ("config router static6", "  delete 1", "end")),
        ("route", ("config router static6", "  edit 1", "    set gateway 2001:db8:63:1::2", *END)),
        ("access", (*ADMIN, "    unset ip6-trusthost1", *END)),
        ("access", (*POLICY6, "    unset action", *END)),
        ("access", (*POLICY6, '    set srcaddr "nobody-knows"', *END)),
        ("access", ("config firewall local-in-policy6", "  move 4006000022 before 3006000022", "end")),
        ("access", ("config firewall local-in-policy6", "  delete 3006000022", "end")),
        ("access", ("config firewall address6", '  edit "stations"', "    set ip6 2001:db8:60:10::251/128", *END)),
    ],
}  # fmt: skip
FINE: dict[str, list[tuple[str, ...]]] = {
    "arubaos-cx": [
        ("interface vlan 101", "  no ip address 10.63.1.12/24", "exit", "no ip route 0.0.0.0/0 10.63.1.1"),
        ("access-list ip MANAGEMENT", "  5 deny any any any", "exit"),
        ("access-list ipv6 MANAGEMENT6", "  no 20 permit tcp 2001:db8:61::/48 any eq ssh", "exit"),
    ],
    "cisco-ios": [
        ("no ip access-list standard MANAGEMENT", "no ip default-gateway 10.63.1.1"),
        ("ipv6 access-list MANAGEMENT6", "  no permit ipv6 2001:DB8:61::/48 any", "exit"),
    ],
    "junos": [
        ("delete firewall family inet filter MANAGEMENT term stations",),
        ("delete routing-options static route 0.0.0.0/0",),
        ("delete interfaces lo0 unit 0 family inet6 filter",),
    ],
    "fortios": [
        (*PORT, "    set allowaccess ping", "    unset ip", *END),
        (*ADMIN, "    unset trusthost1", "    unset ip6-trusthost2", *END),
        ("config firewall local-in-policy6", "  delete 4006000022", "end"),
    ],
}  # fmt: skip


@pytest.mark.parametrize(
    ("platform", "part", "entries"), [(platform, *case) for platform, cases in AWAY.items() for case in cases]
)
def test_a_change_that_would_shut_out_who_came_by_ipv6_is_told(
    platform: str, part: str, entries: tuple[str, ...]
) -> None:
    found = way_in_lost(known_vendors()[platform], RUNNING6[platform], entries, CAME6)
    assert part in {one.part for one in found}


@pytest.mark.parametrize(
    ("platform", "entries"), [(platform, entries) for platform, cases in FINE.items() for entries in cases]
)
def test_a_change_of_the_other_family_or_of_others_is_none_of_its_business(
    platform: str, entries: tuple[str, ...]
) -> None:
    assert way_in_lost(known_vendors()[platform], RUNNING6[platform], entries, CAME6) == ()


@pytest.mark.parametrize("platform", sorted(AWAY))
def test_who_came_by_ipv4_is_not_kept_from_changing_ipv6(platform: str) -> None:
    by_ipv6_alone = ("address", "route", "access")
    for part, entries in AWAY[platform]:
        if part in by_ipv6_alone and not any("stations then" in line and "inet " in line for line in entries):
            assert way_in_lost(known_vendors()[platform], RUNNING6[platform], entries, CAME) == (), entries


@pytest.mark.parametrize(
    ("entries", "lost"),
    [
        (("config firewall local-in-policy", "  delete 3006000022", "end"), True),
        (("config firewall local-in-policy", "  delete 4006000022", "end"), False),
        (("config firewall local-in-policy", "  edit 4006000022", "    set status disable", *END), False),
        (("config firewall local-in-policy", "  move 4006000022 before 3006000022", "end"), True),
        (("config firewall local-in-policy", "  edit 3006000022", '    set service "HTTPS"', *END), True),
        (("config firewall local-in-policy", "  edit 3006000022", '    set service "shell"', *END), False),
        (("config firewall local-in-policy", "  edit 3006000022", '    set intf "wan1"', *END), True),
        (("config firewall local-in-policy", "  edit 3006000022", "    set srcaddr-negate enable", *END), True),
        (("config firewall local-in-policy", "  edit 7", '    set intf "wan1"', '    set srcaddr "all"', *END), False),
        (("config firewall address", '  edit "stations"', "    set subnet 10.60.10.251 255.255.255.255", *END), True),
        (("config firewall address", '  edit "stations"', "    set subnet 10.60.10.0 255.255.255.0", *END), False),
    ],
)
def test_policies_for_the_firewall_itself_are_judged(entries: tuple[str, ...], lost: bool) -> None:
    found = way_in_lost(known_vendors()["fortios"], WITH_POLICY, entries, CAME)
    assert [one.part for one in found] == ["access"] * lost


GROUP = """\
config firewall addrgrp
    edit "ADMINS"
        set member "stations"
    next
end
config firewall local-in-policy
    edit 1
        set intf "any"
        set srcaddr "ADMINS"
        set dstaddr "all"
        set service "HTTPS" "SSH"
        set schedule "always"
    next
end
"""


@pytest.mark.parametrize(
    ("more", "lost"),
    [
        ((), False),
        (("config firewall addrgrp", '  edit "ADMINS"', '    set member "others"', *END), True),
        (("config firewall local-in-policy", "  edit 1", "    set action accept", *END), True),
    ],
)
def test_policies_that_name_a_group_are_no_reason_as_long_as_they_and_it_stay(
    more: tuple[str, ...], lost: bool
) -> None:
    """Who came in past such a policy goes past it again: it is not about him, or lets him in."""
    ours = tuple(LOCAL_IN.format(n="", network="subnet 10.60.10.250 255.255.255.255").splitlines())
    found = way_in_lost(known_vendors()["fortios"], RUNNING["fortios"] + GROUP, (*more, *ours), CAME)
    assert bool(found) is lost


def test_a_first_policy_that_denies_everybody_shuts_samdrift_out() -> None:
    policy = ("config firewall local-in-policy", "  edit 1", '    set intf "any"', '    set srcaddr "all"',
              '    set dstaddr "all"', '    set service "ALL"', '    set schedule "always"', *END)  # fmt: skip
    (found,) = way_in_lost(known_vendors()["fortios"], RUNNING["fortios"], policy, CAME)
    assert found.part == "access"


# Held against the emulator, line by line.


def gets_in(platform: str, running: Tree, came_in: CameIn) -> bool:
    caller = Caller(came_in.user, KEY, str(came_in.source), str(came_in.address))
    return lets_in(platform, running, caller, needs_address=True)


@pytest.mark.parametrize("came_in", [CAME, CAME6], ids=["IPv4", "IPv6"])
@pytest.mark.parametrize("platform", sorted(RUNNING6))
def test_whoever_would_not_be_let_in_again_is_told_line_by_line(platform: str, came_in: CameIn) -> None:
    running = grammar(platform).load(RUNNING6[platform])
    assert gets_in(platform, running, came_in)
    shut_out = 0
    for path in lines_of(running):
        if platform == "fortios" and path[-1].startswith("config "):
            continue
        entries = taking_away(platform, path)
        there = None
        with contextlib.suppress(Refused):
            there = applied(platform, running, entries)
        if there is not None and not gets_in(platform, there, came_in):
            shut_out += 1
            assert way_in_lost(known_vendors()[platform], RUNNING6[platform], entries, came_in), path
    assert shut_out >= 4
    assert isinstance(CAME.source, IPv4Address)
