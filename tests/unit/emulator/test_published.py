"""After being told a published configuration, the emulator prints that configuration."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib.resources import files

import pytest
import yaml

from roles.shared.device.difference import difference
from roles.shared.device.known import known_vendors
from roles.shared.device.ownership import ANYTHING
from tests.device_texts import NAMES, device_text
from tests.emulator.grammar import AOS_CX_6400_GRAMMAR, Grammar, grammar
from tests.emulator.grammar_indented import load_indented
from tests.emulator.language import Editor, Tree, numbers

ALL = (("(.|\n)*",),)
INDENTED = tuple(name for name in NAMES if name.startswith(("aoscx", "ios")) or not name)


@pytest.mark.parametrize("name", INDENTED)
def test_a_published_configuration_is_printed_as_it_was_typed(name: str) -> None:
    platform, text = device_text(name)
    prints_as_typed(platform, text, AOS_CX_6400_GRAMMAR if "_FL." in name else grammar(platform))


CAPTURES = {
    command: said["output"]
    for command, said in yaml.safe_load(
        files("fakenos").joinpath("plugins/nos/platforms_yaml/cisco_ios.yaml").read_text(encoding="utf-8")
    )["commands"].items()
    if command.startswith("show running-config")
}
"""What ntc-templates captured of an IOS, in the words of fakenos."""


@pytest.mark.parametrize("command", sorted(CAPTURES))
def test_a_capture_of_others_is_no_difference_to_itself_and_printed_as_it_was_typed(command: str) -> None:
    vendor, text = known_vendors()["cisco-ios"], CAPTURES[command]
    assert difference(vendor, text, text, ALL, ours=ANYTHING).entries == ()
    if command != "show running-config partition route-map":  # a section of it stands one column in
        prints_as_typed("cisco-ios", text, grammar("cisco-ios"))


OWN = {
    "cisco-ios": [
        (
            "ip access-list extended STAFF\n 10 remark printers\n 10 permit tcp 10.1.0.0 0.0.255.255 any eq 9100\n"
            " 20 deny   ip any any log\n"
        ),
        "spanning-tree vlan 10,12-14 priority 4096\nspanning-tree vlan 20,21 priority 8192\n",
        (
            "interface GigabitEthernet1/0/7\n switchport trunk native vlan 9\n switchport trunk allowed vlan 9,12-14\n"
            " switchport mode trunk\n no snmp trap link-status\n"
        ),
        (
            "interface Vlan30\n vrf forwarding Mgmt-vrf\n ip address 10.3.0.2 255.255.255.0\n no ip redirects\n"
            "interface Vlan31\n no ip address\n shutdown\n"
        ),
        "router ospf 1\n router-id 10.0.0.1\n passive-interface default\n network 10.0.0.0 0.0.255.255 area 0\n",
        (
            "router bgp 64600\n bgp router-id 10.0.0.1\n neighbor 10.0.0.2 remote-as 64601\n !\n address-family ipv4\n"
            "  neighbor 10.0.0.2 activate\n exit-address-family\n"
        ),
        (
            "crypto pki trustpoint SELF\n enrollment selfsigned\n revocation-check none\n rsakeypair SELF\n!\n!\n"
            'call-home\n contact-email-addr noc@example.org\n profile "Default"\n  active\n'
        ),
        (
            "no platform punt-keepalive disable-kernel-core\ninterface Ethernet2\n ip address 1.2.0.1 254.0.0.0\n"
            " negotiation auto\n no mop enabled\n no mop sysid\n"
        ),
        "banner login ^C\nOnly for those\n  who may\n^C\nbanner motd ^C\n^C\n",
        "ip dhcp snooping vlan 10,12-14\nno ip dhcp snooping information option\nip dhcp snooping\n",
    ],
    "arubaos-cx": [
        (
            "access-list ip STAFF\n    10 comment printers\n    10 permit tcp 10.1.0.0/255.255.0.0 any eq 9100\n"
            "    20 deny any any any log\napply access-list ip STAFF control-plane vrf default\n"
        ),
        (
            "vlan 10\n    name A\nvlan 11\nspanning-tree mode rpvst\nspanning-tree vlan 10-11\n"
            "spanning-tree vlan 10-11 priority 4\n"
        ),
        (
            "vlan 10\ninterface lag 7 multi-chassis\n    no shutdown\n    no routing\n    vlan trunk native 1\n"
            "    vlan trunk allowed 10\n    lacp mode active\ninterface 1/1/1\n    no shutdown\n    mtu 9198\n"
            "    description up\n    lag 7\n"
        ),
        (
            "vlan 10\ninterface lag 256\n    no shutdown\n    no routing\n    vlan trunk native 1 tag\n"
            "    vlan trunk allowed all\n    lacp mode active\nvsx\n    inter-switch-link lag 256\n    role secondary\n"
            "    no split-recovery\n    vsx-sync aaa snmp stp-global\n"
        ),
        (
            "router ospf 1\n    router-id 10.0.0.1\n    area 0.0.0.0\ninterface loopback 0\n    ip address 1.0.0.1/32\n"
            "    ip ospf 1 area 0.0.0.0\ninterface 1/1/2\n    no shutdown\n    ip address 10.0.1.0/31\n"
        ),
        (
            "evpn\n    vlan 10\n        rd auto\n        route-target export auto\nvlan 10\ninterface vxlan 1\n"
            "    source ip 10.0.0.1\n    no shutdown\n    vni 1010\n        vlan 10\n"
        ),
        (
            "vlan 9\ninterface 1/1/3\n    shutdown\n    vlan access 9\n    port-access port-security\n        enable\n"
            "        client-limit 2\ninterface 1/1/4\n    shutdown\n    vlan access 1\n"
        ),
        (
            "snmp-server community watch\n    access-level rw\nsnmp-server vrf mgmt\ninterface mgmt\n    no shutdown\n"
            "    ip static 10.9.0.2/24\n    default-gateway 10.9.0.1\nno ip icmp redirect\n"
        ),
        (
            "router bgp 65010\n    bgp router-id 10.0.0.1\n    neighbor 10.0.0.2 remote-as 65010\n"
            "    address-family ipv4 unicast\n        neighbor 10.0.0.2 activate\n    vrf GUEST\n"
            "        address-family ipv4 unicast\n            neighbor 10.0.9.2 activate\n"
        ),
    ],
}
"""The constructs of configurations that others published, in words of our own: napalm's mocks, netutils' fixtures, the
samples of Aruba's data-centre playbooks (arch1 to arch4), Cray's handbook."""


@pytest.mark.parametrize(("platform", "text"), [(platform, text) for platform, texts in OWN.items() for text in texts])
def test_what_others_have_in_their_configurations_is_printed_as_it_was_typed(platform: str, text: str) -> None:
    assert difference(known_vendors()[platform], text, text, ALL, ours=ANYTHING).entries == ()
    prints_as_typed(platform, text, grammar(platform))


def prints_as_typed(platform: str, text: str, language: Grammar) -> None:
    """Type a configuration, and hold what is printed to it: by our reading of both, and line by line."""
    text = re.sub(r"(?m)^     (?=\d)", "    ", text)  # one stands a column too far in
    published = load_indented(text)
    left_out: Tree = {line: {} for line in missing(published)}
    editor = language.editor({**left_out})
    paste(editor, published)
    printed = language.show({line: below for line, below in editor.tree.items() if line not in left_out})
    change = difference(known_vendors()[platform], printed, text, ALL, ours=ANYTHING)
    assert change.entries == ()
    assert sorted(said(load_indented(printed))) == sorted(said(published))


def missing(published: Tree) -> list[str]:
    """VLANs and LAGs that a text refers to and leaves out: whoever publishes one shortens it."""
    lines = [line for below in published.values() for line in below]
    vids = {vid for line in lines if (m := re.match(r"vlan [a-z ]*?(\d[\d,-]*)", line)) for vid in numbers(m[1])}
    lags = {m[1] for line in lines if (m := re.fullmatch(r"lag (\d+)", line))}
    there = {m[1] for line in published if (m := re.match(r"interface lag (\d+)", line))}
    vlans = [f"vlan {vid}" for vid in sorted(vids) if f"vlan {vid}" not in published and vid != 1]
    return vlans + [f"interface lag {number}" for number in sorted(lags - there)]


def paste(editor: Editor, tree: Tree) -> None:
    """Type lines as somebody does who pastes them, and leaves each section."""
    for line, below in tree.items():
        before = len(editor.path)
        for part in line.split("\n"):
            editor.type(part)
        paste(editor, below)
        while len(editor.path) > before:
            editor.type("exit")


def said(tree: Tree, above: str = "") -> Iterator[str]:
    """Every line below those that it stands below, lists of numbers in full."""
    for line, below in tree.items():
        told = re.sub(r"(?<=vlan )\d[\d,-]*|(?<=allowed )\d[\d,-]*", lambda m: f"{numbers(m[0])}", line)
        yield f"{above}{told}"
        yield from said(below, f"{above}{told} / ")
