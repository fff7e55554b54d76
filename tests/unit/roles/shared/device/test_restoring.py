"""What is typed to restore a device makes it what it was, all of it; and no secret of it can be read in a plan."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import settings as effort
from hypothesis import strategies as st

from roles.shared.device.known import known_vendors
from roles.shared.device.restoring import Restoring, as_printed, without_printed_only
from tests.device_texts import NAMES, device_text
from tests.emulator.grammar import Tree, applied, grammar
from tests.unit.roles.shared.device.cli_configurations import KINDS
from tests.unit.roles.shared.device.test_difference import bare, consistent
from tests.unit.roles.shared.device.test_masking import CANARY

PLATFORMS = sorted(KINDS)
TAKEN = "2026-11-28T07:30:00.000Z"


def typed(platform: str, running: Tree, restoring: Restoring) -> Tree:
    """The device after what a plan says was typed, secrets put in."""
    entries = restoring.change(grammar(platform).show(running)).entries
    return applied(platform, running, tuple(map(restoring.reveal, entries)))


def trimmed(tree: Tree) -> Tree:
    """Without spaces at the end of a text's lines, which reading leaves out."""
    return {"\n".join(part.rstrip() for part in line.split("\n")): trimmed(below) for line, below in tree.items()}


@pytest.mark.long
@pytest.mark.parametrize("platform", PLATFORMS)
@given(data=st.data())
@effort(max_examples=6)
def test_whatever_was_changed_the_device_is_as_it_was(platform: str, data: st.DataObject) -> None:
    then, now = data.draw(KINDS[platform].trees), data.draw(KINDS[platform].trees)
    if platform == "fortios":
        then = consistent(then, now)
    restoring = Restoring(platform, grammar(platform).show(then), TAKEN)
    result = typed(platform, now, restoring)
    assert trimmed(bare(result)) == trimmed(bare(then))
    assert restoring.change(grammar(platform).show(result)).entries == ()


SECRETS = {
    "cisco-ios": "hostname sw1\nenable secret 9 {0}\nsnmp-server community {0} RO\nusername ana secret 9 {0}\n",
    "arubaos-cx": "hostname sw1\nuser ana group administrators password ciphertext {0}\nsnmp-server community {0}\n",
    "junos": 'set system host-name sw1\nset system login user ana authentication encrypted-password "{0}"\n',
}


@pytest.mark.parametrize("platform", SECRETS)
def test_a_secret_that_was_changed_is_restored_and_nowhere_shown(platform: str) -> None:
    then, now = (SECRETS[platform].format(f"{CANARY}{word}") for word in ("Then", "Now"))
    restoring = Restoring(platform, then, TAKEN)
    change = restoring.change(now)
    assert CANARY not in repr(change)
    assert change.before != change.after
    tree = applied(platform, {}, now.splitlines())
    result = applied(platform, tree, tuple(map(restoring.reveal, change.entries)))
    assert result == applied(platform, {}, then.splitlines())


def test_a_mark_is_the_same_as_long_as_the_secret_is() -> None:
    then = SECRETS["cisco-ios"].format(f"{CANARY}Then")
    restoring = Restoring("cisco-ios", then, TAKEN)
    looks = [restoring.change("hostname sw1\n").entries for _ in range(2)]
    assert looks[0] == looks[1] != Restoring("cisco-ios", then, TAKEN).change("hostname sw1\n").entries
    assert not restoring.change(then).entries


def test_text_that_looks_like_a_mark_gets_no_value() -> None:
    restoring = Restoring("cisco-ios", "hostname ‹withheld:0123456789ab›\n", TAKEN)
    (entry,) = restoring.change("hostname sw1\n").entries
    assert restoring.reveal(entry) == "hostname <withheld:0123456789ab›"


def test_what_a_firewall_encrypts_anew_is_left_as_it_is() -> None:
    text = 'config system admin\n    edit "ana"\n        set password ENC {}\n        set vdom "{}"\n    next\nend\n'
    restoring = Restoring("fortios", text.format("abc", "root"), TAKEN)
    assert restoring.change(text.format("def", "root")).entries == ()
    entries = [entry.strip() for entry in restoring.change(text.format("def", "x")).entries]
    assert entries == ["config system admin", 'edit "ana"', 'set vdom "root"', "next", "end"]


def test_a_firewall_s_communities_and_keys_of_several_lines_are_typed_and_not_shown() -> None:
    then = (
        f'config system snmp community\n    edit 1\n        set name "{CANARY}"\n    next\nend\n'
        f'config vpn certificate ca\n    edit "a"\n        set ca "-----BEGIN X-----\n{CANARY}\n-----END X-----"\n'
        "    next\nend\n"
    )
    restoring = Restoring("fortios", then, TAKEN)
    entries = restoring.change("").entries
    assert CANARY not in "".join(entries)
    assert "".join(map(restoring.reveal, entries)).count(CANARY) == 2


def test_what_only_a_device_can_say_is_not_typed() -> None:
    restoring = Restoring("cisco-ios", "version 17.9\nhostname sw1\nlicense boot level x\n", TAKEN)
    assert restoring.change("version 17.12\nhostname sw1\nlicense boot level y\n").entries == ()


@pytest.mark.parametrize("name", NAMES)
def test_a_published_configuration_is_as_it_was_as_long_as_nobody_changes_it(name: str) -> None:
    platform, text = device_text(name)
    assert Restoring(platform, text, TAKEN).change(text).entries == ()
    assert without_printed_only(as_printed(known_vendors()[platform]), text)
