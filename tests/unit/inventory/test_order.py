"""Putting a fleet in order: twice is once, what is in order is left alone, and no list and no value is changed."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from inventory.order import FIRST_KEYS, in_order, keys_in_order
from tests.unit.inventory.wild_fleet import seeded_random, wild_fleet

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(0, 2) | st.text("ab"),
    lambda values: (
        st.lists(values, max_size=3) | st.dictionaries(st.sampled_from([*FIRST_KEYS, "a", "b", "z"]), values)
    ),
)


@given(JSON)
def test_keys_are_sorted_at_every_depth_and_nothing_else_is_changed(value: Any) -> None:
    before = json.dumps(value)

    ordered = keys_in_order(value, {})

    assert ordered == value
    assert json.dumps(value) == before
    assert all(list(keys) == sorted(keys, key=lambda k: (k not in FIRST_KEYS, k)) for keys in mappings_in(ordered))
    assert keys_in_order(ordered, {}) is ordered


def mappings_in(value: Any) -> list[dict[str, Any]]:
    """Every mapping in a value."""
    inside = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [*([value] if isinstance(value, dict) else []), *(m for v in inside for m in mappings_in(v))]


def test_what_is_sorted_is_never_taken_for_what_came_after_it() -> None:
    done: dict[int, tuple[Any, Any]] = {}

    for n in range(200):  # each is gone when the next is made, which may get its place in memory
        assert keys_in_order({"b": n, "a": n}, done) == {"a": n, "b": n}


@given(st.integers(0, 10_000))
def test_a_fleet_in_order_is_left_as_it_is(seed: int) -> None:
    fleet = in_order(wild_fleet(seeded_random(seed)))

    again = in_order(fleet)

    assert again.model_dump_json() == fleet.model_dump_json()
    assert all(a is b for a, b in zip(again.hosts, fleet.hosts, strict=True))
