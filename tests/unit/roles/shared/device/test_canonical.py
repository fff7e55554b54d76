"""What a vendor writes in more than one way is one configuration: no difference, nothing typed."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import settings as effort
from hypothesis import strategies as st

from roles.shared.device.canonical import lists_in
from roles.shared.device.difference import difference
from roles.shared.device.known import known_vendors
from roles.shared.device.lines import paths
from roles.shared.device.ownership import ANYTHING
from roles.shared.device.reading import read_configuration
from roles.shared.device.vendor import Vendor
from tests.device_texts import NAMES, device_text

ALL = (("(.|\n)*",),)


def typed(platform: str, running: str, intended: str) -> tuple[str, ...]:
    return difference(known_vendors()[platform], running, intended, ALL, ours=ANYTHING).entries


SAME = {
    "cisco-ios": [
        ("interface Gi1/0/1\n description a\n", "interface GigabitEthernet1/0/1\n description a\n"),
        ("interface twe1/0/1\n shutdown\n", "interface TwentyFiveGigE1/0/1\n shutdown\n"),
        ("logging 10.0.0.1\n", "logging host 10.0.0.1\n"),
        ("ip domain-name example.org\n", "ip domain name example.org\n"),
        ("spanning-tree vlan 101-102,110 priority 4096\n", "spanning-tree vlan 110,101,102 priority 4096\n"),
        (
            "spanning-tree vlan 1-2 priority 4096\n",
            "spanning-tree vlan 1 priority 4096\nspanning-tree vlan 2 priority 4096\n",
        ),
        ("vlan 20-21\n", "vlan 20\nvlan 21\n"),
        ("vlan 2-4,\n 10,12\n", "vlan 2-4,10,12\n"),
        ("vlan 20\n name VLAN0020\n", "vlan 20\n"),
        ("vlan 1\n name Kontor\n", ""),
        ("interface Gi1/0/1\n switchport mode dynamic auto\n switchport access vlan 1\n no shutdown\n", ""),
        ("interface Gi1/0/1\n switchport trunk native vlan 1\n", ""),
        (
            "interface Gi1/0/1\n switchport trunk allowed vlan 2-4\n switchport trunk allowed vlan add 9\n",
            "interface Gi1/0/1\n switchport trunk allowed vlan 2,3,4,9\n",
        ),
        (
            "interface Gi1/0/1\n switchport trunk allowed vlan remove 1-4092\n",
            "interface Gi1/0/1\n switchport trunk allowed vlan 4093-4094\n",
        ),
        (
            "ip access-list standard A\n permit 10.0.0.0 0.0.0.255\n deny   any\n",
            "ip access-list standard A\n 10 permit 10.0.0.0 0.0.0.255\n 20 deny any\n",
        ),
        ("access-list 5 permit 10.0.0.1\n", "ip access-list standard 5\n 10 permit 10.0.0.1\n"),
        ("ip tacacs source-interface vl20\n", "ip tacacs source-interface Vlan20\n"),
        # a C2960 and a C3725 of a laboratory, Catalysts of others; cisco.ios#782, #1048; hier_config, IPv6 ACLs
        ("ipv6 route ::/0 2001:DB8::1\n", "ipv6 route ::/0 2001:db8:0:0::1\n"),
        (
            "interface vl20\n ipv6 address 2001:DB8:0:20::2/64\n",
            "interface Vlan20\n ipv6 address 2001:db8:0:20::2/64\n",
        ),
        (
            "ipv6 access-list A\n permit ipv6 2001:DB8::/48 any log\n deny ipv6 any any\n",
            "ipv6 access-list A\n sequence 10 permit ipv6 2001:db8::/48 any log\n sequence 25 deny ipv6 any any\n",
        ),
        ("logging host ipv6 2001:DB8::13\n", "logging 2001:db8::13\n"),
    ],
    "arubaos-cx": [
        ("interface vlan20\n    ip dhcp\n", "interface vlan 20\n    ip dhcp\n"),
        ("interface 1/1/1\n    vlan access 1\n", ""),
        ("interface 1/1/1\n    vlan trunk native 1\n", ""),
        ("interface 1/1/1\n    vlan trunk allowed 1,2,3\n", "interface 1/1/1\n    vlan trunk allowed 1-3\n"),
        ("spanning-tree vlan 101-102,110,120 priority 4\n", "spanning-tree vlan 101,102,110,120 priority 4\n"),
        ("vlan 1,20-21\n", "vlan 1\nvlan 20\nvlan 21\n"),
        ("user admin group administrators password ciphertext AQBx\n", ""),
        (
            "access-list ip A\n    10 permit tcp 10.0.0.0/255.255.255.0 any eq ssh\n    20 permit any 10.0.0.1 any\n",
            "access-list ip A\n    10 permit tcp 10.0.0.0/24 any eq 22\n    20 permit ip 10.0.0.1/32 any\n",
        ),
        (
            "access-list ipv6 A\n    10 permit tcp 2001:db8::/48 any eq ssh\n    20 permit any 2001:db8::1 any\n",
            "access-list ipv6 A\n    10 permit tcp 2001:DB8:0::/48 any eq 22\n    20 permit ipv6 2001:db8::1/128 any\n",
        ),
    ],
}


@pytest.mark.parametrize(("platform", "one", "other"), [(p, *pair) for p, pairs in SAME.items() for pair in pairs])
def test_two_ways_to_write_it_are_no_difference(platform: str, one: str, other: str) -> None:
    assert typed(platform, one, other) == ()
    assert typed(platform, other, one) == ()


OTHER = {
    "cisco-ios": [
        ("vlan 20\n name VLAN0021\n", "vlan 20\n"),
        (
            "ip access-list standard A\n 10 deny any\n 20 permit any\n",
            "ip access-list standard A\n permit any\n deny any\n",
        ),
        ("interface Gi1/0/1\n switchport access vlan 20\n", "interface Gi1/0/1\n switchport access vlan 1\n"),
        ("spanning-tree vlan 1 priority 4096\n", "spanning-tree vlan 1 priority 8192\n"),
    ],
    "arubaos-cx": [
        ("interface 1/1/1\n    vlan access 20\n", "interface 1/1/1\n    vlan access 1\n"),
        ("interface 1/1/1\n    vlan trunk native 1 tag\n", "interface 1/1/1\n    vlan trunk native 1\n"),
        ("interface 1/1/1\n    no routing\n", "interface 1/1/1\n    routing\n"),
    ],
}


@pytest.mark.parametrize(("platform", "one", "other"), [(p, *pair) for p, pairs in OTHER.items() for pair in pairs])
def test_what_means_something_else_is_a_difference(platform: str, one: str, other: str) -> None:
    assert typed(platform, one, other)
    assert typed(platform, other, one)


def test_ports_that_cannot_route_need_not_be_told_so() -> None:
    told = "interface 1/1/1\n    no routing\n    vlan access 20\n"
    printed = "!Version ArubaOS-CX {}.10.13.0005\ninterface 1/1/1\n    vlan access 20\n"
    assert typed("arubaos-cx", printed.format("PL"), told) == ()
    assert typed("arubaos-cx", printed.format("FL"), told) == ("interface 1/1/1", "  no routing", "exit")


def test_a_default_that_is_intended_takes_the_place_of_another_value() -> None:
    port = "interface GigabitEthernet1/0/1\n switchport access vlan {}\n"
    assert typed("cisco-ios", port.format(20), port.format(1)) == (
        "interface GigabitEthernet1/0/1", "  switchport access vlan 1", "exit",
    )  # fmt: skip


def test_the_typed_line_is_the_one_of_the_template() -> None:
    assert typed("cisco-ios", "", "logging 10.0.0.1\n") == ("logging 10.0.0.1",)


def test_numbers_are_typed_as_lists() -> None:
    tree = "spanning-tree vlan {} priority 4096\n"
    assert typed("cisco-ios", "", tree.format("101-102,110")) == ("spanning-tree vlan 101-102,110 priority 4096",)
    assert typed("cisco-ios", tree.format("101-104"), tree.format("101,104")) == (
        "no spanning-tree vlan 102-103 priority",
    )
    assert typed("cisco-ios", tree.format("1-2"), "spanning-tree vlan 1-2 priority 8192\n") == (
        "spanning-tree vlan 1-2 priority 8192",
    )
    port = "interface 1/1/1\n    vlan trunk allowed {}\n"
    assert typed("arubaos-cx", port.format("1-9"), port.format("1-5,11-12")) == (
        "interface 1/1/1", "  no vlan trunk allowed 6-9", "  vlan trunk allowed 11-12", "exit",
    )  # fmt: skip


def test_a_list_that_is_too_long_for_a_line_goes_on_in_the_next() -> None:
    port = f"interface GigabitEthernet1/0/1\n switchport trunk allowed vlan {','.join(map(str, range(2, 400, 2)))}\n"
    _, first, *more, _ = entries = typed("cisco-ios", "", port)
    assert first.startswith("  switchport trunk allowed vlan 2,4,")
    assert more
    assert all(line.startswith("  switchport trunk allowed vlan add ") for line in more)
    assert max(map(len, entries)) <= 254
    assert typed("cisco-ios", "\n".join(entries), port) == ()


@pytest.mark.parametrize("name", NAMES)
def test_a_published_configuration_is_no_difference_to_itself_and_no_line_of_it_is_lost(name: str) -> None:
    platform, text = device_text(name)
    vendor = known_vendors()[platform]
    assert typed(platform, text, text) == ()
    change = difference(vendor, text, "", ())
    assert (change.entries, change.rollback) == ((), ())
    if vendor.syntax == "indented":
        read = {text for path in paths(read_configuration(vendor, text, ()).other) for text in path}
        assert not [line for line in said(vendor, text) if line not in read and not is_empty_section(line)]


def said(vendor: Vendor, text: str) -> list[str]:
    """The lines of a configuration outside of its banners, without secrets, that are no lists."""
    lines = (line.strip() for line in re.sub(r"(?ms)^banner \S+ (\^C|\S).*?\1", "", text).splitlines())
    lines = (line for line in lines if line and not re.search(rf"{vendor.comment}|^end$|^exit|^Current", line))
    return [
        re.sub(r"(?<=deny) +", " ", vendor.masked(line)) for line in lines if not next(lists_in(vendor, line), None)
    ]


def is_empty_section(line: str) -> bool:
    return line.startswith("interface ")


@pytest.mark.parametrize("platform", sorted(SAME))
@given(data=st.data())
@effort(max_examples=15)
def test_the_order_of_lines_means_nothing_where_none_are_numbered(platform: str, data: st.DataObject) -> None:
    sections = [one for one, _ in SAME[platform] if "access-list" not in one and "allowed" not in one]
    assert typed(platform, "".join(sections), "".join(data.draw(st.permutations(sections)))) == ()
