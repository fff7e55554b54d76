"""The rights of accounts on emulated devices are those that their configuration gives, by the vendors' documents."""

from __future__ import annotations

import pytest

from tests.emulator.dialects import command_line, device
from tests.emulator.grammar import applied
from tests.emulator.rights import RIGHTS

GIVEN = ("privilege exec level 5 show running-config view full",)
"""By which oxidized's users let an account show the configuration."""


def test_ios_gives_a_level_the_beginnings_of_a_command_too() -> None:
    people = ("username bo privilege 1 secret x", "username looker privilege 5 secret x")
    before, taken = applied("cisco-ios", {}, people), applied("cisco-ios", {}, (*people, *GIVEN))
    assert RIGHTS["cisco-ios"](before, "bo").may("show interfaces status")
    assert not RIGHTS["cisco-ios"](taken, "bo").may("show interfaces status"), "level 1 lost `show`"
    assert "privilege exec level 5 show running-config" in taken
    for lines in ((*GIVEN, "privilege exec level 1 show"), ("privilege exec level 1 show", *GIVEN)):
        both = applied("cisco-ios", {}, (*people, *lines))
        assert RIGHTS["cisco-ios"](both, "bo").may("show interfaces status")
        assert not RIGHTS["cisco-ios"](both, "bo").may("show running-config view full")
        assert RIGHTS["cisco-ios"](both, "looker").may("show running-config view full")


def test_ios_shows_a_level_nothing_without_file_privilege_and_what_it_may_configure_otherwise() -> None:
    lines = ("hostname sw1", "username looker privilege 5 secret x", *GIVEN)
    for file_privilege, command, is_shown in (
        ("", "show running-config view full", False),
        ("file privilege 5", "show running-config view full", True),
        ("file privilege 5", "show running-config", False),
    ):
        tree = applied("cisco-ios", {}, (*lines, *filter(None, [file_privilege])))
        shown = RIGHTS["cisco-ios"](tree, "looker").shown_by(command, tree)
        assert ("hostname sw1" in shown) == is_shown


@pytest.mark.parametrize(
    ("line", "permitted"),
    [
        ("show version", True),
        ("show", False),
        ("showw", False),
        ("no page", True),
        ("configure", False),
        ("exit", True),
    ],
)
def test_aos_cx_asks_the_rules_in_their_order_and_denies_the_rest(line: str, permitted: bool) -> None:
    typed = (
        "user-group looks",
        '20 permit cli command "show .*"',
        '10 deny cli command "show aaa .*"',
        '30 permit cli command "no page"',
        "exit",
        "user looker group looks password plaintext x",
    )
    tree = applied("arubaos-cx", {}, typed)
    assert RIGHTS["arubaos-cx"](tree, "looker").may(line) == permitted
    assert not RIGHTS["arubaos-cx"](tree, "looker").may("show aaa accounting")
    assert not RIGHTS["arubaos-cx"](tree, "nobody").may("show version")


def test_junos_masks_what_is_secret_for_a_class_without_that_permission() -> None:
    login = "set system login"
    tree = applied(
        "junos",
        {},
        (
            f"{login} class looks permissions [ view view-configuration ]",
            f"{login} user looker class looks",
            f'{login} user bo authentication ssh-ed25519 "ssh-ed25519 AAAA"',
        ),
    )
    one = device("junos", "sw1", "")
    one.running = tree
    said = command_line(one, "looker").typed("show configuration | display set")
    assert "set system login user bo authentication ssh-ed25519 /* SECRET-DATA */\n" in said
    assert "AAAA" in command_line(one).typed("show configuration | display set")
    assert command_line(one, "looker").typed("edit").strip().endswith("unknown command.")


def test_fortios_has_the_commands_that_a_profile_turns_on() -> None:
    profile = ("config system accprofile", 'edit "looks"', "set sysgrp read", "set cli-show enable", "next", "end")
    admin = ("config system admin", 'edit "looker"', 'set accprofile "looks"', "next", "end")
    one = device("fortios", "fw1", "")
    one.running = applied("fortios", {}, (*profile, *admin))
    cli = command_line(one, "looker")
    assert cli.prompt.endswith("$ ")
    assert command_line(one).prompt.endswith("# ")
    assert "Unknown action" in cli.typed("get system status")
    assert "Unknown action" in cli.typed("config system global")
    assert "config-version" in cli.typed("show")
