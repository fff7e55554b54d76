"""A scope is asked for with NetBox's own filters, and gives exactly what choosing from everything gives."""

from __future__ import annotations

import copy
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inventory import snapshot
from inventory.netbox.pull import parts_of, pull
from inventory.netbox.rows import Mark, Rows
from inventory.netbox.scoped_rows import chosen, narrowed
from inventory.scope import EVERYTHING, KINDS, Scope
from tests.unit.inventory.netbox_rows import rows_of
from tests.unit.inventory.netbox_stand_in import StandIn
from tests.unit.inventory.netbox_world import Edits, world

SEEDS = st.integers(0, 2**32)


@st.composite
def scopes(draw: st.DrawFn) -> Scope:
    """Scopes of what the world has: of one to three kinds, and with what is not meant."""

    def criteria(at_least: int) -> dict[str, Any]:
        kinds = draw(st.lists(st.sampled_from(KINDS), min_size=at_least, max_size=2, unique=True))
        return {kind: tuple(draw(st.lists(st.sampled_from(SLUGS[kind]), min_size=1, max_size=2))) for kind in kinds}

    excluded = criteria(0)
    return Scope.model_validate(criteria(0 if excluded else 1) | {"not": excluded})


SLUGS = {kind: sorted(row["slug"] for row in world(Random(0))[kind].values()) for kind in KINDS}  # noqa: S311


def rows_from(seed: int) -> Rows:
    return world(Random(seed))  # noqa: S311  a test's


def chosen_here(rows: Rows, scope: Scope) -> Rows:
    """What choosing from everything gives."""
    everything = pull(StandIn(rows).netbox()).rows
    return narrowed(everything, chosen(scope, everything))


@pytest.mark.long
@given(SEEDS, scopes(), st.booleans())
@settings(max_examples=25)
def test_asking_for_a_scope_gives_the_rows_that_choosing_from_everything_gives(
    seed: int, scope: Scope, graphql: bool
) -> None:
    rows = rows_from(seed)

    asked = pull(StandIn(rows, graphql=graphql, largest=7).netbox(), scope=scope).rows

    assert asked.of == chosen_here(rows, scope).of


@pytest.mark.long
@given(SEEDS, scopes())
@settings(max_examples=25)
def test_the_fleet_of_a_scope_is_the_same_whether_less_was_read_or_everything(seed: int, scope: Scope) -> None:
    rows = rows_from(seed)

    asked = parts_of(pull(StandIn(rows).netbox(), scope=scope).rows, scope)
    everything = parts_of(pull(StandIn(rows).netbox()).rows, scope)

    assert asked.fleet == everything.fleet
    assert asked.problems == everything.problems


@pytest.mark.long
@given(SEEDS, scopes(), st.integers(1, 6))
@settings(max_examples=25)
def test_what_changed_since_gives_the_rows_of_a_whole_pull_whatever_came_into_the_scope_or_left_it(
    seed: int, scope: Scope, edits: int
) -> None:
    rows = rows_from(seed)
    last = pull(StandIn(rows).netbox(), scope=scope).rows
    edited = Edits(copy.deepcopy(rows), Random(seed + 1))  # noqa: S311  a test's
    for _ in range(edits):
        edited.edit()
    after = StandIn(edited.rows, changes=edited.log)

    since = pull(after.netbox(), last, scope)

    assert since.lost == ""
    assert since.rows.of == pull(after.netbox(), scope=scope).rows.of, edited.done


def test_of_everything_a_scope_reads_its_hosts_and_what_is_theirs() -> None:
    rows = rows_of(snapshot.load())
    netbox, whole, scope = StandIn(rows), StandIn(rows), Scope(tenants=("heby",))

    fleet = parts_of(pull(netbox.netbox(), scope=scope).rows, scope).fleet
    assert fleet == parts_of(pull(whole.netbox()).rows, scope).fleet

    for kind in ("devices", "virtual_machines", "interfaces", "vm_interfaces", "ip_addresses", "services"):
        assert netbox.given[kind] < whole.given[kind] / 2, kind
    assert netbox.given["prefixes"] == whole.given["prefixes"]


def test_without_a_scope_nothing_is_asked_for_that_was_not_before() -> None:
    rows = rows_of(snapshot.load())
    netbox = StandIn(rows)

    assert pull(netbox.netbox(), scope=EVERYTHING).rows.of == pull(StandIn(rows).netbox()).rows.of
    assert len(netbox.asked) < 70


@pytest.mark.parametrize(
    ("scope", "filters"),
    [
        ({"tenants": ["t1"]}, [{"tenant_id": [1]}]),
        ({"tenants": ["t1", "t2"], "not": {"tenants": ["t2"]}}, [{"tenant_id": [1]}]),
        ({"not": {"tenants": ["t2"]}}, [{"tenant_id__n": [2]}]),
        ({"regions": ["outer"]}, [{"site_id": [1, 2]}]),
        ({"regions": ["outer"], "sites": ["s2", "s3"]}, [{"site_id": [2]}]),
        ({"regions": ["outer"], "not": {"regions": ["inner"]}}, [{"site_id": [1]}]),
        ({"regions": ["outer"], "sites": ["s3"]}, []),
        ({"tags": ["a", "b"]}, [{"tag_id": [1]}, {"tag_id": [2]}]),
        ({"tags": ["a"], "tenants": ["t2"], "not": {"tags": ["b"]}}, [{"tenant_id": [2], "tag_id": [1]}]),
        ({"tenants": ["t2"], "not": {"tags": ["b"]}}, [{"tenant_id": [2], "tag_id__n": [2]}]),
        ({"tenants": ["nobody"]}, []),
    ],
)
def test_a_scope_becomes_netbox_s_filters_by_id(scope: dict[str, Any], filters: list[dict[str, list[int]]]) -> None:
    assert list(chosen(Scope.model_validate(scope), world(Random(0))).filters()) == filters  # noqa: S311


def test_more_sites_than_a_url_has_room_for_are_asked_for_in_several() -> None:
    rows = copy.deepcopy(rows_from(1))
    rows.of["sites"].update({i: rows["sites"][1] | {"id": i, "slug": f"s{i}"} for i in range(10, 110)})  # type: ignore[attr-defined]

    one_of = chosen(Scope(regions=("outer",)), rows).filters()
    none_of = chosen(Scope.model_validate({"not": {"regions": ["outer"]}}), rows).filters()

    assert [len(f["site_id"]) for f in one_of] == [33, 33, 33, 3]
    assert none_of == [{}]  # everything, from which is chosen


def test_an_id_that_netbox_refuses_since_it_was_deleted_a_moment_ago_costs_no_pull() -> None:
    rows = rows_from(3)
    scope = Scope(tenants=("t1", "t2"))
    stand_in = StandIn(rows)
    send = stand_in.send

    def refusing(method: str, endpoint: str, document: Any = None, params: Any = None) -> Any:
        if "tenant_id" in (params or {}):
            stand_in.rows = Rows({**rows.of, "tenants": {1: rows["tenants"][1]}}, rows.mark)
        try:
            return send(method, endpoint, document, params)
        finally:
            stand_in.rows = rows

    stand_in.send = refusing  # type: ignore[assignment,method-assign]

    assert pull(stand_in.netbox(), scope=scope).rows.of == chosen_here(rows, scope).of


def test_a_scope_with_a_slug_that_is_not_there_reads_no_host_before_it_is_told() -> None:
    stand_in = StandIn(rows_from(1))

    pull(stand_in.netbox(), scope=Scope(tenants=("nobody",)))

    assert stand_in.given["devices"] == 0
    assert Mark() != stand_in.rows.mark
