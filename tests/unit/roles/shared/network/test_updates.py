"""Two hosts that stand in for each other never update in the same hour."""

from __future__ import annotations

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import settings as effort
from hypothesis import strategies as st

from inventory.fleet import Fleet
from inventory.snapshot import load
from roles.shared.intent import Intent
from roles.shared.network.redundancy import redundant_groups
from roles.shared.network.updates import HOURS, update_hour, update_hours


def paired(pairs: dict[str, str]) -> Fleet:
    """Hosts by name, each in the pair that a person put it in; empty for none."""
    shipped = load()
    like = shipped.host("tie-web1")
    hosts = tuple(
        like.model_copy(
            update={
                "name": name,
                "context": {"samdrift": {"roles": {"time": True}, **({"pair": pair} if pair else {})}},
            }
        )
        for name, pair in pairs.items()
    )
    return shipped.model_copy(update={"hosts": hosts})


def clashes(fleet: Fleet, hours: dict[str, int]) -> list[tuple[str, str]]:
    groups = redundant_groups(fleet)
    return [(a, b) for a, b in combinations(sorted(groups), 2) if groups[a] & groups[b] and hours[a] == hours[b]]


def test_no_two_of_the_shipped_hosts_that_stand_in_for_each_other_share_an_hour() -> None:
    fleet = load()
    hours = dict(update_hours(Intent(fleet)))
    assert hours.keys() >= {"tie-gw1", "tie-gw2", "tie-dns1", "tie-dns2"}
    assert clashes(fleet, hours) == []


def test_who_stands_in_for_nobody_takes_the_best_hour() -> None:
    assert update_hour("tie-web1", Intent(load())) == HOURS[0]


@pytest.mark.long
@effort(max_examples=20)
@given(pairs=st.lists(st.sampled_from(["", "a", "b", "c"]), min_size=1, max_size=8))
def test_whoever_is_paired_with_whom_none_share_an_hour(pairs: list[str]) -> None:
    fleet = paired({f"host{number}": pair for number, pair in enumerate(pairs)})
    assert len(redundant_groups(fleet)) == sum(pairs.count(p) for p in {*pairs} - {""} if pairs.count(p) > 1)
    assert clashes(fleet, dict(update_hours(Intent(fleet)))) == []


def test_of_more_than_there_are_hours_each_hour_has_about_as_many() -> None:
    fleet = paired({f"host{number:02}": "all" for number in range(2 * len(HOURS))})
    hours = list(update_hours(Intent(fleet)).values())
    assert {hours.count(hour) for hour in HOURS} == {2}
