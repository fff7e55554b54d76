"""Where the first that matches counts, the order is intended, and what is typed leads to it and back."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import settings as effort
from hypothesis import strategies as st

from roles.shared.device.difference import Difference, difference
from roles.shared.device.known import known_vendors
from roles.shared.device.ordered import moves
from roles.shared.device.ownership import ANYTHING
from roles.shared.device.vendor import Vendor
from tests.emulator.grammar import Tree, applied, grammar

FORTIOS, JUNOS = (known_vendors()[p] for p in ("fortios", "junos"))
entries = st.lists(st.sampled_from("abcdefg"), unique=True)


@given(entries, entries)
@effort(max_examples=100)
def test_moves_lead_to_the_wanted_order_and_no_other_entry_is_moved(present: list[str], wanted: list[str]) -> None:
    found, after = moves(present, wanted)
    now = [*present, *(entry for entry in wanted if entry not in present)]
    for move in found:
        now.remove(move.entry)
        now.insert(now.index(move.of) + (move.where == "after"), move.entry)
    assert now == after
    assert [entry for entry in after if entry in wanted] == wanted
    assert [entry for entry in after if entry not in wanted] == [entry for entry in present if entry not in wanted]
    assert {move.entry for move in found} <= set(wanted)
    assert moves(after, wanted) == ([], after)


def terms(*names: str) -> str:
    return "".join(f"set firewall family inet filter F term {name} then accept\n" for name in names)


def policies(*names: str, name: str = "policy") -> str:
    inner = "".join(f'    edit {n}\n        set comments "{n}"\n    next\n' for n in names)
    return f"config firewall {name}\n{inner}end\n" if names else ""


def shown(vendor: Vendor, tree: Tree) -> str:
    """What a device shows, without the identities that it gave itself."""
    return re.sub(r"\s*set uuid \S+", "", grammar(vendor.platform).show(tree))


def leads(vendor: Vendor, running: str, intended: str, managed: str) -> Difference:
    language = grammar(vendor.platform)
    change = difference(vendor, running, intended, ((managed,),), ours=ANYTHING)
    there = applied(vendor.platform, language.load(running), change.entries)
    assert shown(vendor, there) == language.show(language.load(intended))
    back = applied(vendor.platform, there, change.rollback)
    assert shown(vendor, back) == language.show(language.load(running))
    assert bool(change.entries) == (change.before != change.after) == bool(change.rollback)
    return change


@given(entries.filter(bool), entries.filter(bool))
@effort(max_examples=15)
def test_terms_come_in_the_intended_order_and_go_back(running: list[str], intended: list[str]) -> None:
    leads(JUNOS, terms(*running), terms(*intended), "firewall")


def test_terms_in_another_order_are_a_difference() -> None:
    change = leads(JUNOS, terms("others", "stations", "rest"), terms("stations", "others", "rest"), "firewall")
    assert change.entries in (
        ("insert firewall family inet filter F term others after term stations",),
        ("insert firewall family inet filter F term others before term rest",),
        ("insert firewall family inet filter F term stations before term others",),
    )


def test_a_new_term_is_inserted_before_the_one_that_comes_after_it() -> None:
    change = leads(JUNOS, terms("others", "rest"), terms("stations", "others", "rest"), "firewall")
    assert change.entries == (
        "set firewall family inet filter F term stations then accept",
        "insert firewall family inet filter F term stations before term others",
    )
    assert change.rollback == ("delete firewall family inet filter F term stations",)


def test_methods_of_authentication_have_an_order_and_time_servers_have_none() -> None:
    both = "set system authentication-order {}\nset system authentication-order {}\n"
    change = leads(JUNOS, both.format("password", "tacplus"), both.format("tacplus", "password"), "system")
    assert change.entries == ("insert system authentication-order password after tacplus",)
    servers = "set system ntp server {}\nset system ntp server {}\n"
    change = difference(
        JUNOS, servers.format("10.0.0.1", "10.0.0.2"), servers.format("10.0.0.2", "10.0.0.1"), (("system",),)
    )
    assert change.entries == ()


def test_a_policy_is_moved_and_an_entry_of_a_table_is_not() -> None:
    change = leads(FORTIOS, policies("1", "2"), policies("3", "1", "2"), "config firewall policy")
    assert change.entries[-3:] == ("config firewall policy", "  move 3 before 1", "end")
    running, intended = policies("1", "2", name="service"), policies("2", "1", name="service")
    assert difference(FORTIOS, running, intended, (("config firewall service",),)).entries == ()


def test_a_policy_that_nobody_declared_stays_where_it_is() -> None:
    managed = (("config firewall policy", "edit [123]"),)
    change = difference(FORTIOS, policies("1", "9", "2"), policies("1", "3", "2"), managed)
    assert change.entries[-2] == "  move 3 before 2"
    tree = applied("fortios", grammar("fortios").load(policies("1", "9", "2")), change.entries)
    assert list(tree["config firewall policy"]) == ["edit 1", "edit 9", "edit 3", "edit 2"]
    tree = applied("fortios", tree, change.rollback)
    assert shown(FORTIOS, tree) == policies("1", "9", "2")


def test_a_new_value_of_a_list_does_not_leave_the_old_one() -> None:
    head = "set firewall family inet filter F term a from "
    for word, old, new in (("source-address", "10.0.0.1/32", "10.0.0.2/32"), ("port", "ssh", "https")):
        running, intended = (f"{head}{word} any\n{head}{word} {value}\n" for value in (old, new))
        assert set(difference(JUNOS, running, intended, (("firewall",),), ours=ANYTHING).entries) == {
            f"delete {head.removeprefix('set ')}{word} {old}", f"{head}{word} {new}"
        }  # fmt: skip
    hop = "set routing-options static route 0.0.0.0/0 next-hop "
    change = leads(JUNOS, f"{hop}10.0.0.1\n", f"{hop}10.0.0.2\n", "routing-options")
    assert change.entries == (f"delete {hop[4:]}10.0.0.1", f"{hop}10.0.0.2")
