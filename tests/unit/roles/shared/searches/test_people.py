"""Accounts that let somebody in, and memberships that make somebody root, are told unless a role declares them."""

from __future__ import annotations

import pytest

from roles.shared.searches.people import LOGINS, MEMBERS, PASSWORDS, SHARED_NUMBERS, logins, members, passwords
from roles.shared.searches.people import shared_numbers as shared
from roles.shared.searches.search import Declarations, Found

HEALTHY = """\
g:sudo:locked
m:root:0:
m:sudo:27:
m:lp:7:cups
m:samdrift-admins:1001:anna
a:root:0:0:/bin/bash:locked
a:daemon:1:1:/usr/sbin/nologin:locked
a:sync:4:65534:/bin/sync:locked
a:frr:999:996:/bin/sh:locked
a:anna:1001:1005:/bin/bash:locked
k:anna
"""
ANNA = Declarations(accounts={"anna": frozenset({"samdrift-admins"})})


def test_a_healthy_host_has_nobody_to_tell() -> None:
    for search in (PASSWORDS, SHARED_NUMBERS, LOGINS, MEMBERS):
        assert list(search.undeclared(HEALTHY, ANNA)) == []


def test_a_password_is_told_and_that_there_is_none_to_type() -> None:
    found = passwords(HEALTHY + "a:root2:5:5:/bin/sh:set\na:guest:6:6:/usr/sbin/nologin:empty\n", ANNA)
    assert list(found) == [Found(name="root2", state="set"), Found(name="guest", state="empty")]


def test_an_account_with_the_number_of_another_is_told() -> None:
    found = shared(HEALTHY + "a:toor:0:0:/bin/bash:locked\na:evil:1001:7:/bin/bash:locked\n", ANNA)
    assert list(found) == [Found(name="toor", state="0, root"), Found(name="evil", state="1001, anna")]


@pytest.mark.parametrize(
    ("account", "told"),
    [
        ("a:nils:1009:1009:/bin/bash:locked\nk:nils\n", ["nils"]),
        ("a:nils:1009:1009:/bin/bash:locked\n", []),
        ("a:nils:1009:1009:/usr/sbin/nologin:locked\nk:nils\n", []),
        ("a:backup:34:34:/usr/sbin/nologin :locked\nk:backup\n", ["backup"]),
        ("a:backup:34:34:/tmp/nologin:locked\nk:backup\n", ["backup"]),
        ("a:backup:34:34::locked\nk:backup\n", ["backup"]),
    ],
)
def test_an_account_that_may_log_in_and_that_no_role_lets_in_is_told(account: str, told: list[str]) -> None:
    assert [found.name for found in logins(HEALTHY + account, ANNA)] == told


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        ("m:adm:4:nils\n", ["nils in adm"]),
        ("m:docker:990:anna\n", ["anna in docker"]),
        ("m:wheel2:0:nils\n", ["nils in wheel2"]),
        ("m:samdrift-automation:1003:nils\n", ["nils in samdrift-automation"]),
        ("m:shadow:42:\na:nils:1009:42:/bin/bash:locked\n", ["nils in shadow"]),
        ("m:games:60:nils\n", []),
        ("m:samdrift-look:1007:\na:samdrift-look:1007:1007:/bin/bash:locked\n", []),
        ("g:disk:set\nm:disk:6:\n", ["whoever has its password in disk"]),
        ("g:games:set\nm:games:60:\n", []),
    ],
)
def test_a_member_of_a_group_that_is_as_good_as_root_is_told(lines: str, told: list[str]) -> None:
    assert [found.name for found in members(lines + HEALTHY, ANNA)] == told


def test_a_member_that_a_role_declares_or_the_organisation_expects_is_not_told() -> None:
    expected = Declarations(accounts=ANNA.accounts, expects={"member": ("logcheck in adm",)})
    answer = f"m:adm:4:logcheck\n{HEALTHY}\nended 0\n"
    assert MEMBERS.unexpected(answer, expected) == ()


def test_a_host_without_root_was_not_read() -> None:
    with pytest.raises(ValueError, match="without root"):
        list(passwords("", ANNA))
