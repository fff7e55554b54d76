"""A diff of a review: it says something wherever texts differ, is bounded, and shows no secret that its line names."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.review.texts import HINTS, LINES_COMPARED, LONGEST_DIFF, NAMED, NO_VALUE, diff, masked, shown

SECRET = "Sommar2026!hemlig"  # noqa: S105  nobody's
LINES = (
    "password = {}",
    "  Password: {}",
    "DB_PASSWORD={}",
    'db_passwd = "{}"',
    "requirepass {}",
    "redis://:{}@10.0.0.1:6379/0",
    "postgres://netbox:{}@10.0.0.1/netbox",
    '"secret": "{}",',
    "client-secret => {}",
    "auth_token: {}",
    "api_key = {}",
    "PresharedKey = {}",
    "snmp_community: {}",
    "psk={}",
    'password="{}"',
    "broker.ssl.truststore.password={}",
    "localhost:5432:*:postgres:{}",
    "*:*:netbox:netbox:{}",
    'tie-gw1 : PSK "{}"',
    "aws_secret_access_key = {}",
    "AWS_SECRET_ACCESS_KEY={}",
    "my_api_key_value={}",
    "service_key: {}",
    "rocommunity {}",
    "com2sec readonly default community={}",
    "bindpw {}",
    "rootpw {}",
    "Authorization: Bearer {}",
    "Server=db;UID=alice;PWD=/{};Encrypt=yes",
    "proxy_pass http://netbox/?token={}",
    "curl https://example.org/hook?x=1&api_key={}",
    "machine example.org login anna password {}",
    "localhost:5432:net\\:box:postgres:{}",
    "# the admin password is {}",
    "#password={}",
    "passwd {}",
    "snmpv3 user monitor auth sha auth-pass plaintext {}",
    "set community {}",
)
HARMLESS = (
    "{ getent passwd samdrift-watch > /dev/null || useradd --system samdrift-watch; }",
    "if getent passwd anna >/dev/null; then getent passwd anna; id -gn anna",
    "passwd --lock anna",
    "gpasswd --delete anna samdrift-admins 2> /dev/null",
    "%samdrift-admins ALL=(ALL:ALL) NOPASSWD: ALL",
    "anna ALL=(root) NOPASSWD: NOEXEC: /usr/bin/wg ^show$",
    "anna ALL=(root) PASSWD: /usr/bin/less",
    "passwd:         files systemd",
    "passwd: compat sss [NOTFOUND=return]",
    "password requisite pam_pwquality.so retry=3",
    "password [success=1 default=ignore] pam_unix.so obscure yescrypt",
    "grep -asH '' /etc/pam.d/common-password /etc/pam.d/common-session",
    "PostUp = wg set %i private-key /etc/wireguard/private.key",
    "password_file: /etc/prometheus/web/password",
    "proxy_pass http://netbox;",
    "fastcgi_pass unix:/run/php/fpm.sock;",
    "neighbor 10.59.1.1 send-community both",
    "set community 64605:100 additive",
    "‹secret:netbox_read_token›",
    "snmp-server user monitor samdrift v3 auth sha ‹secret:a› priv aes 128 ‹secret:b›",
    'set system login user samdrift authentication encrypted-password "‹secret:switch_admin_hash›"',
    "snmpv3 user monitor auth sha auth-pass plaintext ‹secret:a› priv aes priv-pass plaintext ‹secret:b›",
)
"""Lines in which a word that can name a secret names none, and which people must be able to read."""


@pytest.mark.parametrize("line", LINES)
@pytest.mark.parametrize("of_device", [True, False])
def test_a_value_behind_a_word_that_names_a_secret_is_withheld_on_both_sides(line: str, of_device: bool) -> None:
    made = diff(line.format("Gammal1") + "\n", line.format(SECRET) + "\n", of_device=of_device)
    assert SECRET not in made
    assert "Gammal1" not in made
    assert made


@pytest.mark.parametrize(
    "line",
    [
        "PasswordAuthentication no",
        "PermitRootLogin prohibit-password",
        "password-hash-rounds 65536",
        "auth sufficient pam_unix.so",
        "# the password is in the vault",
        "root:x:0:0:root:/root:/bin/bash",
        "10.60.10.31:443:tcp",
        "/etc/ssh/authorized_keys/%u",
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAFmFAQGx+RkPlLYC/4m02U7lEwLytuaxjrm2EdOahS8 samdrift",
        "SECRET_KEY = ‹secret:netbox_key›",
        "password: ‹secret:db›",
        "password = /etc/netbox/secrets/db",
    ],
)
def test_what_names_no_secret_or_names_one_by_its_name_stays(line: str) -> None:
    assert shown(line, of_device=False) == [line]


@pytest.mark.parametrize("line", HARMLESS)
def test_an_account_a_command_that_sudo_allows_and_a_secret_s_own_name_are_shown(line: str) -> None:
    assert shown(line, of_device=False) == [line]


VALUES = st.text("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!#%+,.:;=?^~*/-", min_size=9).filter(
    lambda value: (
        not re.fullmatch(r"[\d.]+", value) and value not in "".join((*HARMLESS, *LINES)) and not NO_VALUE.match(value)
    )
)
"""What may be a secret. What begins as the path of a system's file is taken for the file that it is in."""
NAMING = [line for line in LINES if line.endswith(" {}") and line[0].islower()]


@given(st.lists(st.sampled_from(HARMLESS), max_size=3), st.sampled_from(NAMING), VALUES, st.sampled_from((" ", "; ")))
def test_no_secret_is_shown_whatever_harmless_stands_before_it(
    before: list[str], naming: str, value: str, joint: str
) -> None:
    line = joint.join((*before, naming.format(value)))
    assert value not in masked(line), line
    assert value not in "".join(shown(f"{line}\n{line}", of_device=False))


@given(st.from_regex(r"[a-z_][a-z0-9_-]{0,30}", fullmatch=True))
def test_the_name_of_an_account_is_shown_whatever_it_is(name: str) -> None:
    for line in (f"getent passwd {name}", f"passwd --lock {name}", f"{name} ALL=(root) NOPASSWD: /usr/bin/wg"):
        assert masked(line) == line


@given(st.from_regex(NAMED))
def test_a_word_that_names_a_secret_is_never_passed_over_for_speed(line: str) -> None:
    assert any(hint in line.casefold() for hint in HINTS)


@given(st.text("ab1 \t=:;'\"‹›/$.-_{}()#") | st.sampled_from((*LINES, *HARMLESS)))
def test_a_line_that_was_masked_is_masked_no_further(line: str) -> None:
    assert masked(masked(line)) == masked(line)


@pytest.mark.parametrize("hash_", ["$6$salt$abcdefghij", "$apr1$abc$defghijk", "{SSHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g="])
def test_a_hash_of_a_password_is_withheld_whatever_stands_before_it(hash_: str) -> None:
    assert hash_ not in shown(f"anna:{hash_}:19000", of_device=False)[0]


def test_a_private_key_is_withheld_whole() -> None:
    key = "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1r\n-----END OPENSSH PRIVATE KEY-----\nafter\n"
    assert shown(key, of_device=False) == ["‹withheld›", "after"]


def test_that_a_withheld_value_differs_is_still_told() -> None:
    assert "a value that may be a secret differs" in diff("token = one\n", "token = two\n")


def test_a_difference_that_no_line_shows_is_told_as_such() -> None:
    """octocatalog-diff once showed the same lines removed and added, and nobody knew why."""
    assert "how lines end" in diff("a\nb\n", "a\nb")
    assert "how lines end" in diff("a\n", "a\r\n")


@given(st.lists(st.sampled_from("abc"), max_size=12), st.lists(st.sampled_from("abc"), max_size=12))
def test_a_diff_says_something_exactly_where_texts_differ(old: list[str], new: list[str]) -> None:
    before, after = "".join(f"{x}\n" for x in old), "".join(f"{x}\n" for x in new)
    if before != after:
        made = diff(before, after)
        assert [x[1:] for x in made.splitlines() if x.startswith("+")] or "-" in made


def test_a_huge_diff_is_bounded_and_says_so() -> None:
    lines = [f"{n} {'x' * 200}" for n in range(LINES_COMPARED - 10)]
    made = diff("", "".join(f"{line}\n" for line in lines))
    assert len(made) <= LONGEST_DIFF + 100
    assert "more lines" in made
    longer = "".join(f"{n}\n" for n in range(LINES_COMPARED + 1))
    assert "too long to be compared" in diff("a\nb\n", longer)
    alone = diff("", longer)
    assert alone.startswith("@@ -1,0 +1,6001 @@\n+0\n+1\n")
    assert len(alone) <= LONGEST_DIFF + 100


@pytest.mark.long
def test_one_line_in_a_huge_file_is_that_line() -> None:
    lines = [f"line {n}\n" for n in range(200_000)]
    made = diff("".join(lines), "".join([*lines[:100_000], "new\n", *lines[100_001:]]))
    assert "-line 100000" in made
    assert "+new" in made
    assert made.count("\n") < 10
