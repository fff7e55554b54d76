"""Whatever a sound fleet looks like it has no problem, and wherever a rule is broken in it that is found."""

from __future__ import annotations

import copy

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inventory.order import in_order
from inventory.rules import HOUSE_RULES, RULES, problems
from roles.shared.catalogue import problems_of_roles
from tests.unit.inventory.sound_fleets import BREAKS, Data, fleet_of, sound
from tests.unit.inventory.wild_fleet import seeded_random, wild_fleet


@pytest.mark.long
@given(sound())
@settings(max_examples=60)
def test_a_fleet_that_is_built_sound_is_found_sound(data: Data) -> None:
    assert problems(fleet_of(data)) == ()
    assert problems(in_order(fleet_of(data))) == ()


@pytest.mark.long
@pytest.mark.parametrize("rule", [*RULES, *HOUSE_RULES])
@given(data=sound(), pick=st.data())
@settings(max_examples=12)
def test_a_break_is_found_wherever_it_is(rule: str, data: Data, pick: st.DataObject) -> None:
    broken = copy.deepcopy(data)
    break_it = pick.draw(st.sampled_from(BREAKS[rule]))
    break_it(broken, pick.draw(st.integers(0, len(data["sites"]) - 1)))

    fleet = fleet_of(broken)
    assert rule in {p.rule for p in (*problems(fleet), *problems_of_roles(fleet))}


@given(st.integers(0, 10_000))
@settings(max_examples=8)
def test_whatever_a_netbox_holds_the_rules_come_to_an_end_and_say_it_in_printable_words(seed: int) -> None:
    assert all(str(problem).isprintable() for problem in problems(wild_fleet(seeded_random(seed))))


def test_every_rule_can_be_broken_here() -> None:
    assert set(BREAKS) == {*RULES, *HOUSE_RULES}
