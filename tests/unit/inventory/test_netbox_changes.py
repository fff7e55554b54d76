"""What the change log makes stale, whom a config context reaches, and when the log cannot be relied upon."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from inventory.netbox.changes import Stale, reached, stale_after
from inventory.netbox.pull import LOOK_BACK, _moved
from inventory.netbox.rows import Mark, Rows, dangling
from tests.unit.inventory.fleets import fleet
from tests.unit.inventory.netbox_rows import rows_of


def entry(
    kind: str, number: int, action: str = "update", before: dict[str, Any] | None = None, after: Any = None
) -> dict[str, Any]:
    return {
        "id": 1,
        "action": {"value": action, "label": action},
        "changed_object_type": kind,
        "changed_object_id": number,
        "prechange_data": before,
        "postchange_data": after,
    }


def stale(*entries: dict[str, Any]) -> Stale:
    return stale_after(entries, rows_of(fleet()))


@pytest.fixture
def rows() -> Rows:
    return copy.deepcopy(rows_of(fleet()))


def test_what_was_changed_is_read_again_and_what_was_deleted_is_gone() -> None:
    found = stale(
        entry("dcim.site", 2), entry("dcim.device", 1, "create"), entry("dcim.site", 3), entry("dcim.site", 3, "delete")
    )

    assert found.ids == {"sites": {2}, "devices": {1}}
    assert found.gone == {"sites": {3}}


def test_what_samdrift_does_not_read_makes_nothing_stale() -> None:
    assert not stale(entry("extras.journalentry", 4, "create"), entry("dcim.powerfeed", 1), entry("users.user", 2))


def test_samdrifts_own_write_back_makes_nothing_stale() -> None:
    before = {"name": "x", "custom_fields": {"ssh_host_keys": "k"}, "last_updated": 1}
    after = {"name": "x", "custom_fields": {"ssh_host_keys": "k", "samdrift_state": "in sync"}, "last_updated": 2}

    assert not stale(entry("dcim.device", 1, before=before, after=after))
    assert stale(entry("dcim.device", 1, before=before, after=after | {"name": "y"})).ids == {"devices": {1}}
    other = after | {"custom_fields": {"ssh_host_keys": "l", "samdrift_state": "in sync"}}
    assert stale(entry("dcim.device", 1, before=before, after=other)).ids == {"devices": {1}}


def test_a_cluster_takes_its_virtual_machines_along() -> None:
    assert stale(entry("virtualization.cluster", 1)).ids == {"clusters": {1}, "virtual_machines": {1}}


def test_a_moved_rack_takes_devices_along_and_a_renamed_one_does_not() -> None:
    assert stale(entry("dcim.rack", 1, before={"site": 1}, after={"site": 2})).kinds == {"devices"}
    assert not stale(entry("dcim.rack", 1, before={"site": 1, "name": "a"}, after={"site": 1, "name": "b"}))


def test_an_end_of_a_cable_makes_the_cable_stale() -> None:
    assert stale(entry("dcim.cabletermination", 9, "delete", before={"cable": 5})).ids == {"cables": {5}}


def test_a_changed_custom_field_makes_everything_stale() -> None:
    assert stale(entry("extras.customfield", 1)).everything


# Config contexts


def with_context(rows: Rows, **fields: Any) -> Rows:
    new = copy.deepcopy(rows)
    new.of["config_contexts"][1].update(fields)
    return new


def test_a_changed_context_reaches_those_that_it_is_assigned_to(rows: Rows) -> None:
    assert reached(rows, with_context(rows, data={"a": 1})) == {"devices": {1}, "virtual_machines": set()}


def test_a_description_reaches_nobody(rows: Rows) -> None:
    assert reached(rows, with_context(rows, description="new")) == {"devices": set(), "virtual_machines": set()}


def test_a_context_that_is_assigned_otherwise_reaches_those_before_and_those_now(rows: Rows) -> None:
    server = next(i for i, role in rows["device_roles"].items() if role["slug"] == "server")

    assert reached(rows, with_context(rows, roles=[server], tags=[])) == {"devices": {1}, "virtual_machines": {1}}


def test_a_context_that_loses_its_assignment_reaches_all(rows: Rows) -> None:
    assert reached(rows, with_context(rows, roles=[], tags=[])) == {"devices": {1}, "virtual_machines": {1}}


def test_a_context_assigned_by_what_the_fleet_does_not_know_reaches_all(rows: Rows) -> None:
    assert reached(rows, with_context(rows, site_groups=[3])) == {"devices": {1}, "virtual_machines": {1}}


def test_a_deleted_context_reaches_those_that_had_it(rows: Rows) -> None:
    new = Rows({**rows.of, "config_contexts": {}}, rows.mark)

    assert reached(rows, new) == {"devices": {1}, "virtual_machines": set()}


def test_a_site_in_another_region_is_reached_and_a_new_tree_reaches_all(rows: Rows) -> None:
    moved, nested = copy.deepcopy(rows), copy.deepcopy(rows)
    site = moved["virtual_machines"][1]["site"]
    moved.of["sites"][site]["region"] = 9
    nested.of["platforms"][1]["parent"] = 2

    assert reached(rows, moved) == {"devices": set(), "virtual_machines": {1}}
    assert reached(rows, nested) == {"devices": {1}, "virtual_machines": {1}}


def test_what_refers_to_something_gone_is_found(rows: Rows) -> None:
    new = Rows({**rows.of, "tags": {}}, rows.mark)

    assert {(kind.name, i) for kind, i in dangling(new, ["tags"])} == {("devices", 1), ("config_contexts", 1)}
    assert not list(dangling(rows, rows.of))


# The mark


def entries(*numbers: int) -> list[dict[str, Any]]:
    return [{"id": i, "time": f"t{i}", "request_id": f"r{i}"} for i in numbers]


def test_numbers_that_are_missing_may_still_come() -> None:
    mark = _moved(Mark(), entries(5, 6, 9))

    assert mark == Mark(id=9, time="t9", request="r9", missing=(7, 8))
    assert _moved(mark, entries(7, 9, 12)) == Mark(id=12, time="t12", request="r12", missing=(8, 10, 11))


def test_a_number_that_is_long_missing_comes_no_more() -> None:
    mark = Mark(id=9, time="t9", request="r9", missing=(7,))

    assert _moved(mark, entries(9, *range(10, 10 + LOOK_BACK))).missing == ()


def test_nothing_new_leaves_the_mark_where_it_was() -> None:
    mark = Mark(id=9, time="t9", request="r9", missing=(7,))

    assert _moved(mark, entries(8, 9)) == mark
    assert _moved(mark, []) == mark
