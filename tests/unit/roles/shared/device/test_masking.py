"""What may be a secret in a device's text is withheld, whoever's syntax it is in, and what people need is still read.

The lines are made up here, one for each kind that oxidized, rancid and netconan remove.
"""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roles.shared.device.masking import masked
from roles.shared.device.vendor import WITHHELD

CANARY = "Kan4rie"
"""A secret that looks like none: only the words around it say so."""

LINES = {
    "cisco-ios": (
        "snmp-server community CANARY RO 5",
        "snmp-server host 10.0.0.9 version 2c CANARY",
        "snmp-server host 10.0.0.9 CANARY tty",
        "snmp-server host 10.0.0.9 vrf Mgmt-vrf informs version 2c CANARY  tty vtp",
        "snmp-server host 10.0.0.9 traps version 1 CANARY",
        "snmp-server user nms grp v3 auth sha CANARY priv aes 128 CANARY",
        "snmp-server user nms network-admin auth md5 CANARY priv aes-128 CANARY localizedV2key",
        "username ana privilege 15 password 7 CANARY",
        "username ana secret CANARY",
        "username ana algorithm-type scrypt secret CANARY",
        "enable password level 3 CANARY",
        "enable secret 9 CANARY",
        " password CANARY",
        " wpa-psk ascii 0 CANARY",
        " security wpa psk set-key ascii 0 CANARY",
        " dot1x username x password 0 CANARY",
        " mgmtuser username x password 0 CANARY secret 0 CANARY",
        " dot1x credentials x password CANARY",
        "tacacs-server host 10.0.0.9 key CANARY",
        "tacacs-server key 7 CANARY",
        " server-private 10.0.0.9 key 7 CANARY",
        " client 10.0.0.9 server-key CANARY",
        "crypto isakmp key CANARY address 10.0.0.9",
        " pre-shared-key local 6 CANARY",
        " ip ospf message-digest-key 1 md5 7 CANARY",
        " ip ospf authentication-key CANARY",
        " neighbor 10.0.0.9 password CANARY",
        " vrrp 1 authentication text CANARY",
        " standby 1 authentication CANARY",
        " standby 1 authentication md5 key-string CANARY timeout 30",
        " ip nhrp authentication CANARY",
        "  key-string CANARY",
        " ppp chap password 0 CANARY",
        " domain-password CANARY authenticate snp validate",
        "vtp password CANARY",
        "ntp authentication-key 1 md5 CANARY",
        "ip ftp password CANARY",
        " path scp://backup:CANARY@10.0.0.9/$h",
        " description modem, login admin password: CANARY",
        " description Lösenord CANARY",
        'action 1.0 cli command "username ana secret CANARY"',
        "key config-key password-encrypt CANARY",
        "something new 7 CANARY",
    ),
    "arubaos-cx": (
        "user ana group administrators password ciphertext CANARY",
        "user ana group administrators password plaintext CANARY",
        "snmp-server community CANARY",
        "snmp-server host 10.0.0.9 trap version v2c community CANARY",
        "snmpv3 user nms auth sha auth-pass ciphertext CANARY priv aes priv-pass ciphertext CANARY",
        "radius-server host 10.0.0.9 key ciphertext CANARY vrf mgmt",
        "radius-server key plaintext CANARY",
        "radius dyn-authorization client 10.0.0.9 secret-key ciphertext CANARY",
        "tacacs-server host 10.0.0.9 key ciphertext CANARY",
        "    ip ospf message-digest-key 1 md5 ciphertext CANARY",
        "    ip ospf authentication-key ciphertext CANARY",
        "        key-string ciphertext CANARY",
        "        authentication text CANARY",
        "    mka pre-shared-key ckn CANARY cak ciphertext CANARY",
        "    aaa authentication port-access mac-auth password ciphertext CANARY",
        "    neighbor 10.0.0.9 password ciphertext CANARY",
        "ntp authentication-key 1 sha1 ciphertext CANARY",
        "aruba-central token CANARY",
        "unheard-of ciphertext CANARY",
    ),
    "junos": (
        'set system root-authentication encrypted-password "CANARY"',
        'set system login user ana authentication encrypted-password "CANARY"; ## SECRET-DATA',
        "set snmp community CANARY authorization read-only",
        "set snmp community CANARY clients 10.0.0.0/24",
        "set snmp trap-group CANARY version v2",
        'set snmp v3 usm local-engine user nms authentication-sha authentication-key "CANARY"',
        'set snmp v3 snmp-community index1 community-name "CANARY"',
        'set system tacplus-server 10.0.0.9 secret "CANARY"',
        'set access radius-server 10.0.0.9 secret "CANARY"',
        'set security ike policy p pre-shared-key ascii-text "CANARY"',
        'set security authentication-key-chains key-chain c key 1 secret "CANARY"',
        'set protocols bgp group g authentication-key "CANARY"',
        'set protocols ospf area 0 interface irb.1 authentication md5 1 key "CANARY"',
        'set system archival configuration archive-sites "ftp://backup:CANARY@10.0.0.9/x/"',
        'set system archival configuration archive-sites "scp://backup@10.0.0.9/x/" password "CANARY"',
        'set system license keys key "CANARY"',
        "set system ntp authentication-key 1 type md5 value CANARY",
        '            encrypted-password "CANARY"; ## SECRET-DATA',
        '        secret "CANARY"; ## SECRET-DATA',
    ),
    "fortios": (
        "        set password ENC CANARY",
        "        set passwd CANARY",
        "        set psksecret ENC CANARY",
        "        set key CANARY",
        "        set secondary-key ENC CANARY",
        "        set md5-key 1 CANARY",
        "        set auth-password-l1 CANARY",
        "        set group-password CANARY",
        "        set auth-pwd ENC CANARY",
        "        set rsso-secret CANARY",
        "        set history0 ENC CANARY",
        "        set passphrase CANARY",
        "        set sae-password CANARY",
        "        set ddns-key CANARY",
        '        set http-headers "Authorization: Bearer CANARY"',
        '        set server "ftp://backup:CANARY@10.0.0.9"',
        "#private-encryption-key=CANARY",
        "        set what-comes-next ENC CANARY",
    ),
}
"""By vendor, for each kind of line a secret behind the word that names it."""

LOOKING = (
    "line with $9$abcDEF/ghi",
    "line with $1$wtHI$0rN7R8PKwC30AsCGA77vy.",
    "line with $6$salt$tHuKCyfNtJMCY561P52dTz",
    "line with $8$aes256-gcm$hmac-sha2-256$100$x",
    "line with $2b$05$abcdefghijklmnopqrstuv",
    "line with {SSHA}Zm9vYmFyYmF6cXV4",
    "line with AQBapTq3dO0Z8sXqQe0lSYPp7rT8f0Tn",
    "line with JDYkqyIFWeBvzpljSfWmRQ==",
    "line with 7df35f90c92ecff2a803e79577b85e97",
)
"""A secret that only its looks tell."""

READ = (
    "aaa authentication login default group tacacs+ local",
    "aaa authentication login ssh group tacacs local",
    "authentication port-control auto",
    "authentication event fail action authorize vlan 10",
    " ip ospf authentication message-digest",
    "snmp-server enable traps snmp authentication linkdown linkup",
    "snmp-server location Rack 7 in the cellar",
    "spanning-tree vlan 7 priority 4096",
    "channel-group 7 mode active",
    "switchport access vlan 8",
    "interface TwentyFiveGigabitEthernet1/0/24",
    "interface GigabitEthernet1/0/7",
    " service-policy input PMAP_DefaultWired_1X_MAB",
    "ip route 0.0.0.0 0.0.0.0 10.0.0.1",
    "7 permit ip any any",
    "ip community-list standard internal permit 65000:7",
    "service password-encryption",
    "key chain ospf",
    "ip ssh server algorithm encryption aes256-ctr aes128-ctr",
    "set policy-options community inside members 65000:1",
    "set system services ssh root-login deny",
    "config firewall ssh local-key",
    '    edit "Fortinet_CA_SSL"',
    '        set comments "the way out"',
    "        set ip 192.0.2.2 255.255.255.240",
    "logging host 10.0.0.9 transport tcp port 6514",
    "license autoupdate url https://example.net/junos/key_retrieval",
    "! any comment that people wrote",
)
"""Lines with such words, or with numbers, that hold no secret."""


@pytest.mark.parametrize("line", [pytest.param(x, id=x.strip()) for lines in LINES.values() for x in lines])
def test_nothing_is_left_of_a_secret_that_a_word_names(line: str) -> None:
    shown = masked(line.replace("CANARY", CANARY))
    assert CANARY not in shown
    assert shown.endswith(WITHHELD)


def test_a_secret_that_stands_there_by_its_name_stays() -> None:
    line = "username samdrift privilege 15 secret 0 ‹secret:switch_admin›"
    assert masked(line) == line
    assert masked('        set passwd "‹secret:firewall_admin›"') == '        set passwd "‹secret:firewall_admin›"'


@pytest.mark.parametrize("line", LOOKING)
def test_what_looks_like_a_secret_is_withheld_wherever_it_stands(line: str) -> None:
    assert masked(line) == f"line with {WITHHELD}"


@pytest.mark.parametrize("line", READ)
def test_what_names_no_secret_is_read_as_it_is(line: str) -> None:
    assert masked(line) == line


@pytest.mark.parametrize(
    "text",
    [
        'set private-key "-----BEGIN ENCRYPTED KEY-----\nabc\ndef==\n-----END ENCRYPTED KEY-----"\nnext\n',
        "-----BEGIN RSA PRIVATE KEY-----\nabc\n-----END RSA PRIVATE KEY-----\nnext\n",
        'set passwd "one\nabc\nthree"\nnext\n',
    ],
)
def test_a_secret_of_several_lines_is_withheld_to_its_end(text: str) -> None:
    shown = masked(text)
    assert "abc" not in shown
    assert shown.endswith(f"{WITHHELD}\nnext\n")


def test_an_entry_of_a_section_of_communities_is_one() -> None:
    text = (
        'config system snmp community\n    edit 1\n        set name "CANARY"\n    next\nend\nconfig x\n  set name "y"'
    )
    assert masked(text) == text.replace('"CANARY"', WITHHELD)


WORDS = st.sampled_from(["password", "KEY", "snmp-community", "md5", "auth_token", "preSharedKey", "secret:", "PSK="])
BEFORE = st.lists(st.sampled_from(["interface", "set", "10.0.0.9", "no", "vlan", "12", '"x"', "edit"]), max_size=4)


@settings(max_examples=60)
@given(BEFORE, WORDS, BEFORE, st.text("abcXYZ019!#%&*", min_size=4, max_size=12), BEFORE)
def test_whatever_stands_between_a_word_and_its_secret_the_secret_is_withheld(
    before: list[str], word: str, between: list[str], secret: str, behind: list[str]
) -> None:
    line = " ".join([*before, word, *between, f"<{secret}>", *behind])
    assert f"<{secret}>" not in masked(line)


@settings(max_examples=60)
@given(st.lists(st.sampled_from([*(x for of in LINES.values() for x in of), *LOOKING, *READ, "", '"', "-----BEGIN X"])))
def test_masking_twice_is_masking_once_and_no_line_is_added(lines: list[str]) -> None:
    once = masked("\n".join(lines))
    assert masked(once) == once
    assert len(once.splitlines()) <= len("\n".join(lines).splitlines())
