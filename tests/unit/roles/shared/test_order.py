"""Roles come after those that they name, in one order whatever it is computed from; a cycle is told by its names."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inventory.errors import SamdriftError
from roles.shared.order import EVERY_OTHER, in_order

After = dict[str, tuple[str, ...] | None]

NAMES = [f"role{n}" for n in range(8)]


@st.composite
def acyclic(draw: st.DrawFn) -> After:
    """Up to eight roles, of which each names some before it in an order that is no alphabet's, or says nothing."""
    names = draw(st.permutations(NAMES))
    return {
        name: draw(st.none() | st.lists(st.sampled_from(names[:n]), unique=True).map(tuple)) if n else None
        for n, name in enumerate(names)
    }


@given(after=acyclic())
def test_every_role_is_there_once_and_after_those_that_it_names(after: After) -> None:
    order = in_order(after)

    assert sorted(order) == sorted(after)
    for name, others in after.items():
        assert all(order.index(other) < order.index(name) for other in others or ())


@given(after=acyclic(), found=st.permutations(NAMES))
def test_the_order_does_not_depend_on_the_order_in_which_roles_are_found(after: After, found: list[str]) -> None:
    assert in_order({name: after[name] for name in found}) == in_order(after)


@given(after=acyclic())
def test_taking_roles_away_turns_no_two_round_that_name_each_other_by_way_of_others(after: After) -> None:
    order = in_order(after)

    for name in after:
        before: set[str] = set()
        while more := {o for n in {name, *before} for o in after[n] or ()} - before:
            before |= more
        assert all(order.index(other) < order.index(name) for other in before)


@given(after=acyclic())
def test_a_role_after_every_other_is_last_but_for_those_that_come_after_it(after: After) -> None:
    order = in_order({**after, "gateway": (EVERY_OTHER,), "shared": ("gateway",), "third": ("shared",)})

    assert order[-3:] == ("gateway", "shared", "third")


def test_the_alphabet_decides_among_equals_and_those_that_say_nothing_come_after_those_that_do() -> None:
    after: After = {"web": None, "apache": None, "time": ("base",), "firewall": ("base",), "base": ()}

    assert in_order(after) == ("base", "firewall", "time", "apache", "web")


def test_a_role_that_others_come_after_need_not_say_anything_itself() -> None:
    assert in_order({"b": None, "a": ("b",), "c": ("b",), "d": None}) == ("b", "a", "c", "d")


def test_a_name_of_no_role_is_told_with_the_role_that_says_it() -> None:
    with pytest.raises(SamdriftError, match=r"^roles/web.py, AFTER: .*'bse'.*one of: base, web"):
        in_order({"base": (), "web": ("bse",)})


@pytest.mark.parametrize(
    ("after", "cycle"),
    [
        ({"a": ("a",)}, "a after a"),
        ({"a": ("b",), "b": ("a",), "c": ("a",)}, "a after b after a"),
        ({"c": ("b",), "b": ("a",), "a": ("c",), "d": None}, "a after c after b after a"),
        ({"one": (EVERY_OTHER,), "other": (EVERY_OTHER,)}, "one after other after one"),
    ],
)
def test_a_cycle_is_told_by_the_names_of_its_roles(after: After, cycle: str) -> None:
    with pytest.raises(SamdriftError, match=rf"cycle: {cycle} \("):
        in_order(after)


def test_of_two_roles_after_every_other_one_may_name_the_other() -> None:
    assert in_order({"a": (EVERY_OTHER, "b"), "b": (EVERY_OTHER,), "c": None}) == ("c", "b", "a")
