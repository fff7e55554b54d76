"""What real devices of Juniper and Fortinet print is read as it is, and the emulator prints it after it was told it.

Texts of others are read from beside the repository, and never copied into it; the small ones here say in our own words
what was found in the texts that each names.
"""

from __future__ import annotations

import re

import pytest

from roles.shared.device.difference import difference
from roles.shared.device.found import found
from roles.shared.device.known import known_vendors
from tests.device_texts import NAMES, device_text
from tests.emulator.grammar import applied, grammar
from tests.unit.roles.shared.device.curly import statements

OF_WORDS = tuple(name for name in NAMES if name.startswith(("fortigate", "junos")) or not name)

OUR_OWN = {
    # batfish/lab-validation, fortios_first_basic (6.4.4): sections in which nothing stands, options that were emptied
    "fortios empty": """
config system replacemsg http "url-block"
end
config firewall service custom
    edit "PING"
        set protocol ICMP
        set icmptype 8
        unset icmpcode
    next
end
config ips sensor
    edit "all"
        config entries
            edit 1
                unset options
            next
        end
    next
end
""",
    # the same: names with spaces, several of them
    "fortios names with spaces": """
config system automation-stitch
    edit "Network Down"
        set status disable
        set action "Network Down_email" "Network Down_sms"
    next
end
""",
    # oxidized, FortiGate-501E with VDOMs
    "fortios domains": """
config vdom
edit root
next
edit school
next
end
config global
config system global
    set hostname "fw"
    set vdom-mode multi-vdom
end
config system interface
    edit "port1"
        set vdom "root"
        set ip 192.0.2.1 255.255.255.0
        set allowaccess ping https ssh
        config ipv6
            set ip6-address 2001:db8::1/64
            config ip6-extra-addr
                edit fe80::42/64
                next
            end
        end
    next
end
end
""",
    # homes and laboratories with IPv6; fortios-collection#118: prefixes that are announced, relays, routes, policies
    "fortios ipv6": """
config system interface
    edit "mgmt"
        set vdom "root"
    next
    edit "VLAN10"
        set vdom "root"
        set ip 10.10.10.1 255.255.255.0
        set allowaccess ping
        config ipv6
            set ip6-address fd00:6575:ad8a:10::1/64
            set ip6-allowaccess ping
            config ip6-extra-addr
                edit fe80::10:1/64
                next
            end
            set ip6-send-adv enable
            set ip6-other-flag enable
            config ip6-prefix-list
                edit fd00:6575:ad8a:10::/64
                next
            end
            set dhcp6-relay-service enable
            set dhcp6-relay-ip 2001:db8::1 2001:db8::2
        end
        set interface "mgmt"
        set vlanid 10
    next
end
config firewall address6
    edit "staff six"
        set uuid 0bb8fe2c-0000-51f1-aaaa-000000000002
        set ip6 2001:db8:10::/64
    next
end
config firewall policy
    edit 3
        set uuid 0bb8fe2c-0000-51f1-aaaa-000000000003
        set srcintf "VLAN10"
        set dstintf "any"
        set action accept
        set srcaddr "all"
        set dstaddr "all"
        set srcaddr6 "staff six"
        set dstaddr6 "all"
        set schedule "always"
        set service "ALL"
    next
end
config firewall local-in-policy6
    edit 1
        set uuid 0bb8fe2c-0000-51f1-aaaa-000000000004
        set intf "any"
        set srcaddr "staff six"
        set dstaddr "all"
        set service "ALL"
        set schedule "always"
    next
end
config router static6
    edit 1
        set gateway 2001:db8::1
        set device "mgmt"
    next
    edit 2
        set dst 2001:db8:7::/48
        set blackhole enable
    next
end
""",
    # oxidized, FortiGate-91G; batfish, fortios_replacemsg: texts of several lines, quotation marks and backslashes
    "fortios texts": """
config system certificate local
    edit "www"
        set password ENC bm90aGluZw==
        set private-key "-----BEGIN ENCRYPTED PRIVATE KEY-----
bm90aGluZw==
-----END ENCRYPTED PRIVATE KEY-----"
    next
end
config system replacemsg admin "pre_admin-disclaimer-text"
    set buffer "Only for \\"staff\\" \\\\
next
end
of it"
end
""",
    # oxidized, FortiGate-3001F; Fortinet, "How to find the ordered sequence number": order and numbers of policies
    "fortios order": """
config firewall policy
    edit 7
        set name "first"
        set uuid 0bb8fe2c-0000-51f1-aaaa-000000000000
        set srcintf "any"
        set dstintf "any"
        set action accept
        set srcaddr "all"
        set dstaddr "all"
        set schedule "always"
        set service "HTTP" "DNS"
    next
    edit 2
        set name "second"
        set uuid 0bb8fe2c-0000-51f1-aaaa-000000000001
        set srcintf "any"
        set dstintf "any"
        set srcaddr "all"
        set dstaddr "all"
        set schedule "always"
        set service "ALL"
    next
end
""",
    # batfish/lab-validation, junos_*: terms that go on to the next, classes of service, communities, unicode
    "junos policies": """
set policy-options policy-statement OUT term a from protocol bgp
set policy-options policy-statement OUT term a then next policy
set policy-options policy-statement OUT term b then community add NO
set policy-options policy-statement OUT then reject
set policy-options community NO members 65000:1
set class-of-service forwarding-classes class fc0 queue-num 0
set class-of-service forwarding-classes class fc1 queue-num 1
""",
    # DISA, EX series router guide; people's EX with both families: filters of inet6, routes in a table of their own
    "junos ipv6": """
set interfaces lo0 unit 0 family inet6 filter input RE6
set interfaces irb unit 9 family inet6 address 2001:db8:9::1/64
set firewall family inet6 filter RE6 term ssh from source-address 2001:db8::/48
set firewall family inet6 filter RE6 term ssh from next-header tcp
set firewall family inet6 filter RE6 term ssh from destination-port ssh
set firewall family inet6 filter RE6 term ssh then accept
set firewall family inet6 filter RE6 term no-ssh from next-header tcp
set firewall family inet6 filter RE6 term no-ssh from destination-port ssh
set firewall family inet6 filter RE6 term no-ssh then discard
set firewall family inet6 filter RE6 term rest then accept
set routing-options rib inet6.0 static route ::/0 next-hop 2001:db8:9::fe
""",
    # hier_config, running_config_flat_junos; Juniper, "Deactivate and reactivate statements"
    "junos deactivated": """
set interfaces ge-0/0/0 description "a \\"b\\" [ c ]"
set interfaces ge-0/0/0 unit 0 family inet address 192.0.2.1/24
set interfaces ge-0/0/1 disable
deactivate interfaces ge-0/0/0 unit 0
deactivate interfaces ge-0/0/1
""",
    # redhat-performance/quads and Juniper's EX guides: ranges of interfaces, groups
    "junos ranges and groups": """
set groups UP interfaces <*> mtu 9216
set interfaces interface-range PC43 member et-0/0/12
set interfaces interface-range PC43 member-range ge-0/0/1 to ge-0/0/4
set interfaces interface-range PC43 ether-options 802.3ad ae43
set interfaces ae43 apply-groups UP
set apply-groups UP
""",
    # napalm, new_good.conf; Juniper, "Inserting a new identifier"; SRX300: zones, addresses, rules
    "junos security": """
set security nat source rule-set out from zone trust
set security nat source rule-set out rule all match source-address 0.0.0.0/0
set security nat source rule-set out rule all then source-nat interface
set security policies from-zone trust to-zone untrust policy web match source-address any
set security policies from-zone trust to-zone untrust policy web then permit
set security zones security-zone trust interfaces irb.0
set security zones security-zone trust host-inbound-traffic system-services all
""",
    # napalm, get_config: accounts and syslog
    "junos accounts": """
set system authentication-order tacplus
set system authentication-order password
set system login user a uid 2001
set system login user a class super-user
set system login user a authentication encrypted-password "$6$x"
set system syslog user * any emergency
set system syslog file messages authorization info
set system archival configuration archive-sites "ftp://demo@192.0.2.1/a b/" password "$9$x"
""",
}
"""By what is in it; each was found in the texts that are named before it."""


def _text(name: str) -> tuple[str, str]:
    platform, text = device_text(name)
    return platform, statements(re.sub(r"(?m)^(?:#.*|version .*)\n", "", text)) if platform == "junos" else text


def _every() -> list[tuple[str, str]]:
    return [(name, "") for name in OF_WORDS] + [(name.partition(" ")[0], text) for name, text in OUR_OWN.items()]


@pytest.fixture(params=_every(), ids=[*OF_WORDS, *(name.replace(" ", "-") for name in OUR_OWN)])
def published(request: pytest.FixtureRequest) -> tuple[str, str]:
    """A platform, and what a device of it prints."""
    name, text = request.param
    return (name, text.lstrip("\n")) if text else _text(name)


def _lines(text: str) -> list[str]:
    """The lines that say something; a word in quotation marks that needs none is one without."""
    plain = re.sub(r'"([\w./:@+$-]+)"', r"\1", text)
    return [line.strip() for line in plain.splitlines() if line.strip() and not line.startswith("#")]


def test_it_does_not_differ_from_itself(published: tuple[str, str]) -> None:
    vendor, text = known_vendors()[published[0]], published[1]
    change = difference(vendor, text, text, ((".*",),))
    assert (change.entries, change.rollback, change.before, change.unmanaged) == ((), (), change.after, ())
    assert change.before
    assert difference(vendor, text, "", ()).entries == ()
    found(vendor, text)


def test_the_emulator_prints_what_it_was_told(published: tuple[str, str]) -> None:
    platform, text = published
    language = grammar(platform)
    editor = language.editor({})
    for line in text.splitlines():
        editor.type(line)
    typed = _lines(language.show(editor.tree))
    assert sorted(typed) == sorted(_lines(text))
    assert _lines(language.show(language.load(text))) == typed


def test_what_is_typed_for_it_leads_to_it_and_back(published: tuple[str, str]) -> None:
    platform, text = published
    language, vendor = grammar(platform), known_vendors()[platform]
    everything = ((".*",),)
    change = difference(vendor, "", text, everything)
    there = applied(platform, {}, change.entries)
    again = difference(vendor, language.show(there), text, everything)
    assert (again.entries, again.before) == ((), again.after)
    gone = language.show(applied(platform, there, change.rollback))
    assert difference(vendor, gone, "", everything).before == ""
