"""Passwords that are guessed on a real host: after three wrong ones no other is taken, and keys let in all the same."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

import pytest

from tests.integration.lab import by_hand, samdrift

pytestmark = [pytest.mark.lab, pytest.mark.long]

HOST = "tie-mon1"
WHO = "guessed"
PASSWORD = "Emergency, 4 in the morning"  # noqa: S105  of an account that is gone when the test ends
KEY = f"/root/{WHO}"
RULE = f"/etc/sudoers.d/zz-{WHO}"
"""After what lets administrators do everything without a password."""
MADE = f"""\
useradd --create-home --shell /bin/bash --groups samdrift-admins {WHO}
printf '%s\\n' {shlex.quote(PASSWORD)} {shlex.quote(PASSWORD)} | passwd --quiet {WHO} 2>&1
ssh-keygen -q -t ed25519 -N '' -f {KEY}
install -m 644 {KEY}.pub /etc/ssh/authorized_keys/{WHO}
echo '{WHO} ALL=(root) PASSWD: /usr/bin/id' > {RULE}
"""
GONE = f"""\
userdel --force --remove {WHO} 2> /dev/null
rm -f {KEY} {KEY}.pub /etc/ssh/authorized_keys/{WHO} {RULE} /run/faillock/{WHO}
"""


def as_them(command: str) -> str:
    """What a command of theirs prints, and how it ends."""
    return by_hand(HOST, f"setpriv --reuid {WHO} --regid {WHO} --init-groups {command} 2>&1; echo $?").strip()


def typed(password: str) -> bool:
    """Tell whether a password is taken, where sudo asks for one."""
    given = shlex.quote(f"printf '%s\\n' {shlex.quote(password)} | sudo -S -k -p '' /usr/bin/id -un")
    return as_them(f"sh -c {given}").splitlines()[-2:] == ["root", "0"]


def wrong_ones() -> int:
    """How many wrong passwords are counted."""
    return by_hand(HOST, f"faillock --user {WHO}").count(" V\n")


@pytest.fixture
def guessed(machine: None) -> Iterator[None]:
    """A host as it should be, with an account whose password three guesses missed."""
    samdrift("lab", "up")
    if any(s["commands"] for h in samdrift("--lab", "--limit", HOST, "plan")["plan"]["hosts"] for s in h["steps"]):
        samdrift("--lab", "--limit", HOST, "apply", "--yes")
    by_hand(HOST, MADE)
    try:
        assert typed(PASSWORD)
        assert [typed("not it") for _ in range(3)] == [False] * 3
        yield
    finally:
        by_hand(HOST, GONE)


def test_a_right_password_comes_too_late_and_what_needs_none_goes_on(guessed: None) -> None:
    assert (typed(PASSWORD), wrong_ones()) == (False, 3)
    for what, command, said in (
        ("sudo without a password", as_them("sudo -n /usr/bin/true"), "0"),
        ("su by root", by_hand(HOST, f"su {WHO} -c 'id -un'").strip(), WHO),
        ("a session of systemd", by_hand(HOST, f"systemd-run -qP -p PAMName=login -p User={WHO} id -un").strip(), WHO),
    ):
        assert (what, command) == (what, said)


def test_a_key_lets_in_and_unlocks(guessed: None) -> None:
    ssh = f"ssh -F none -i {KEY} -o BatchMode=yes -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null"
    assert by_hand(HOST, f"{ssh} {WHO}@127.0.0.1 id -un 2> /dev/null").strip() == WHO
    assert (wrong_ones(), typed(PASSWORD)) == (0, True)
