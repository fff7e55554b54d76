"""What an account that may only look is not shown is neither the same nor different; no plan depends on it."""

from __future__ import annotations

from functools import cache

import pytest
from hypothesis import given
from hypothesis import settings as effort
from hypothesis import strategies as st

from inventory.fleet import Fleet
from roles.shared.device.difference import Difference, difference
from roles.shared.device.known import known_vendors
from roles.shared.device.letting_in import CameIn
from roles.shared.device.login_keys import look_keys
from roles.shared.device.ownership import Ours
from roles.shared.device.way_in import has_account, way_in_lost
from roles.shared.parts.registration import ManagedConfiguration
from roles.shared.settings import SettingsError
from tests.emulator.grammar import Tree, applied, grammar
from tests.emulator.rights import RIGHTS
from tests.unit.roles.shared.device.switch_fleet import KEY, LOOK_KEY, fleet
from tests.unit.roles.shared.device.test_settings import CASES, FACTORY, changed, declared, settings_of

LOOK, ADMIN = "samdrift-look", "samdrift"
ONE_OF_EACH = list({case[2]: case for case in CASES}.values())
HIDING = [case for case in CASES if known_vendors()[case[2]].looking.hides]


@cache
def of_case(role: str, name: str, platform: str) -> tuple[ManagedConfiguration, Tree]:
    """What a device is told, and what it has once that was typed."""
    asked = declared(role, name, fleet())
    vendor = known_vendors()[platform]
    typed = difference(vendor, "", asked.content, asked.managed).entries
    return asked, applied(platform, FACTORY.get(platform, {}), typed)


def seen(asked: ManagedConfiguration, tree: Tree, user: str, ours: Ours | None = None) -> Difference:
    """What a look by an account makes of a device."""
    vendor, rights = known_vendors()[asked.platform], RIGHTS[asked.platform](tree, user)
    looks = user != ADMIN
    text = grammar(asked.platform).show(rights.shown_by(vendor.show_to(looks=looks), tree))
    return difference(vendor, text, asked.content, asked.managed, ours=ours or Ours(), looks=looks)


@pytest.mark.parametrize(("role", "name", "platform"), CASES)
def test_a_device_as_declared_is_in_sync_for_both_accounts(role: str, name: str, platform: str) -> None:
    asked, tree = of_case(role, name, platform)
    by_admin, by_look = seen(asked, tree, ADMIN), seen(asked, tree, LOOK)
    assert (by_admin.entries, by_admin.concealed) == ((), ())
    assert (by_look.entries, by_look.removals) == ((), ())
    assert bool(by_look.concealed) == known_vendors()[platform].looking.hides
    assert by_look.unmanaged == by_admin.unmanaged
    assert by_look.before == by_admin.before


def test_what_is_concealed_is_named_and_its_value_is_not() -> None:
    asked, tree = of_case("access_switch", "heb-sw1", "junos")
    assert seen(asked, tree, LOOK).concealed == (
        "set system login user samdrift authentication ‹withheld›",
        "set system login user samdrift-look authentication ‹withheld›",
    )
    asked, tree = of_case("edge_firewall", "heb-fw1", "fortios")
    assert seen(asked, tree, LOOK).concealed == ('config system admin / edit "samdrift"',)


@pytest.mark.parametrize(("role", "name", "platform"), HIDING)
def test_what_is_not_as_declared_where_nothing_is_shown_only_the_other_account_sees(
    role: str, name: str, platform: str
) -> None:
    asked, tree = of_case(role, name, platform)
    other = LOOK_KEY.replace("IGyE", "IGyX")
    hand = {
        "junos": (
            f'delete system login user {ADMIN} authentication ssh-ed25519 "{KEY}"',
            f'set system login user {ADMIN} authentication ssh-ed25519 "{other}"',
        ),
        "fortios": ("config system admin", f'edit "{ADMIN}"', f'set ssh-public-key1 "{other}"', "next", "end"),
    }[platform]
    there = applied(platform, tree, hand)
    assert any(KEY.split()[1] in entry for entry in seen(asked, there, ADMIN).entries)
    by_look = seen(asked, there, LOOK)
    assert by_look.entries == ()
    assert by_look.concealed


def test_a_key_of_which_there_is_no_mask_is_missing() -> None:
    asked, tree = of_case("access_switch", "heb-sw1", "junos")
    there = applied("junos", tree, [f'delete system login user {ADMIN} authentication ssh-ed25519 "{KEY}"'])
    by_look = seen(asked, there, LOOK)
    assert by_look.entries == (f'set system login user {ADMIN} authentication ssh-ed25519 "{KEY}"',)
    assert seen(asked, there, ADMIN).entries == by_look.entries


def test_a_password_that_somebody_set_conceals_no_key() -> None:
    asked, tree = of_case("access_switch", "heb-sw1", "junos")
    there = applied(
        "junos",
        tree,
        [
            f'delete system login user {LOOK} authentication ssh-ed25519 "{LOOK_KEY}"',
            f'set system login user {LOOK} authentication encrypted-password "$6$aa$bb"',
        ],
    )
    assert f'set system login user {LOOK} authentication ssh-ed25519 "{LOOK_KEY}"' in seen(asked, there, LOOK).entries


def test_what_somebody_declared_nowhere_is_told_and_stays_whoever_looks() -> None:
    asked, tree = of_case("access_switch", "heb-sw1", "junos")
    hand = ("set system login user bo class super-user", f'set system login user bo authentication ssh-rsa "{KEY}"')
    there = applied("junos", tree, hand)
    by_admin, by_look = seen(asked, there, ADMIN), seen(asked, there, LOOK)
    assert (by_look.entries, by_look.unmanaged) == ((), by_admin.unmanaged)
    assert "user bo" in "".join(by_look.unmanaged)
    assert "SECRET-DATA" not in "".join(by_look.unmanaged)


@pytest.mark.parametrize(("role", "name", "platform"), ONE_OF_EACH)
@given(data=st.data())
@effort(max_examples=8, deadline=None)
def test_a_plan_is_the_same_whoever_looks_while_what_is_concealed_is_as_declared(
    role: str, name: str, platform: str, data: st.DataObject
) -> None:
    asked, tree = of_case(role, name, platform)
    vendor = known_vendors()[platform]
    typed = data.draw(st.lists(st.sampled_from(HAND[platform]), max_size=3, unique=True))
    there = applied(platform, tree, [line for lines in typed for line in lines])
    by_admin, by_look = seen(asked, there, ADMIN), seen(asked, there, LOOK)
    assert by_look.entries == by_admin.entries
    assert (by_look.before, by_look.after) == (by_admin.before, by_admin.after)
    assert (by_look.rollback, by_look.removals) == (by_admin.rollback, by_admin.removals)
    assert not vendor.looking.hides or by_look.concealed


HAND: dict[str, list[tuple[str, ...]]] = {
    "arubaos-cx": [
        ("no ntp enable",),
        ("hostname gammal",),
        ("vlan 110", "name Annat", "exit"),
        ("vlan 999", "exit"),
        (f"user-group {LOOK}", '10 permit cli command "show run.*"', "exit"),
        (f"user-group {LOOK}", '30 permit cli command "ping .*"', "exit"),
        ("user bo group administrators password plaintext abc",),
    ],
    "cisco-ios": [
        ("no lldp run",),
        ("hostname gammal",),
        ("vlan 110", "name Annat", "exit"),
        ("username bo privilege 15 secret abc",),
        ("privilege exec level 1 show archive",),
        ("privilege exec level 7 ping",),
    ],
    "junos": [
        ("set system host-name gammal",),
        ("delete snmp view samdrift",),
        (f"delete system login class {LOOK} permissions view",),
        (f"set system login class {LOOK} permissions clear",),
        ("set system login user bo class super-user", f'set system login user bo authentication ssh-rsa "{LOOK_KEY}"'),
    ],
    "fortios": [
        ("config system global", "set hostname gammal", "end"),
        ("config system ntp", "set ntpsync disable", "end"),
        ("config system accprofile", f'edit "{LOOK}"', "set vpngrp read-write", "next", "end"),
        ("config system admin", 'edit "bo"', 'set accprofile "prof_admin"', "next", "end"),
    ],
}
"""What somebody typed who was shown it."""


@pytest.mark.parametrize(("role", "name", "platform"), CASES)
def test_no_change_takes_the_way_in_of_either_account(role: str, name: str, platform: str) -> None:
    asked, tree = of_case(role, name, platform)
    vendor, running = known_vendors()[platform], grammar(platform).show(tree)
    at = next(iter(settings_of(role, name, fleet()).own)).ip
    came_in = CameIn.model_validate({"user": ADMIN, "key": KEY, "source": "10.60.10.250", "address": str(at)})
    gone = {
        "arubaos-cx": (f"no user {LOOK}",),
        "cisco-ios": ("ip ssh pubkey-chain", f"  no username {LOOK}", "exit"),
        "junos": (f"delete system login user {LOOK}",),
        "fortios": ("config system admin", f'  delete "{LOOK}"', "end"),
    }[platform]
    assert way_in_lost(vendor, running, gone, came_in) == ()
    lost = way_in_lost(vendor, running, gone, came_in, asked.accounts)
    assert lost
    assert all(LOOK in part.line for part in lost)


@pytest.mark.parametrize(("role", "name", "platform"), CASES)
def test_it_is_known_of_what_was_declared_whether_the_account_is_in_it(role: str, name: str, platform: str) -> None:
    vendor, of = known_vendors()[platform], fleet()
    with_it, without = declared(role, name, of).content, declared(role, name, without_look_keys()).content
    assert has_account(vendor, with_it, LOOK)
    assert not has_account(vendor, without, LOOK)
    assert LOOK not in without


def without_look_keys() -> Fleet:
    """The fleet before it has any account for looks."""
    of = changed(fleet(), "tie-adm1", context={"samdrift": {"base": {"automation_keys": [KEY]}}})
    return changed(of, "heb-fw1", context={"samdrift": {"roles": {"edge_firewall": True}}})


def test_a_vendor_whose_earlier_releases_refuse_the_account_is_given_it_where_its_own_role_says_so() -> None:
    of = changed(fleet(), "heb-fw1", context={"samdrift": {"roles": {"edge_firewall": True}}})
    assert LOOK in declared("access_switch", "heb-sw2", of).content
    assert LOOK not in declared("edge_firewall", "heb-fw1", of).content
    assert LOOK in declared("edge_firewall", "heb-fw1", fleet()).content


def test_the_account_that_looks_is_another_than_the_one_that_changes() -> None:
    with pytest.raises(AssertionError, match="cannot be the one that may only look"):
        settings_of("access_switch", "heb-sw2", fleet(look="samdrift"))
    assert settings_of("access_switch", "heb-sw2", fleet(look=None)).accounts.look is None
    many = [LOOK_KEY.replace("IGyE", f"IGy{n}") for n in "abc"]
    with pytest.raises(SettingsError, match="Cisco IOS XE takes 2 keys"):
        look_keys(fleet(), known_vendors()["cisco-ios"], tuple(many))


@pytest.mark.parametrize(("role", "name", "platform"), HIDING)
def test_a_key_that_is_no_longer_intended_is_a_change_for_both_accounts(role: str, name: str, platform: str) -> None:
    asked, tree = of_case(role, name, platform)
    other = LOOK_KEY.replace("IGyE", "IGyX")
    assert KEY in asked.content
    wanted = asked.model_copy(update={"content": asked.content.replace(KEY, other)})
    ours = Ours(declared=asked.content)
    by_admin, by_look = seen(wanted, tree, ADMIN, ours), seen(wanted, tree, LOOK, ours)
    assert by_admin.entries
    assert by_look.entries == by_admin.entries
    assert by_look.before == by_admin.before
