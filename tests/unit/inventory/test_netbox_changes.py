"""What the change log makes stale, whom a config context reaches, and when the log cannot be relied upon."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from inventory.netbox.changes import Stale, reached, stale_after
from inventory.netbox.pull import LOOK_BACK, _moved
from inventory.netbox.read_types import ASSIGNED_BY
from inventory.netbox.rows import Mark, Rows, dangling
from tests.unit.inventory.fleets import fleet
from tests.unit.inventory.netbox_rows import rows_of, table


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


def test_a_moved_location_takes_devices_and_locations_along_and_a_rack_to_another_location_its_devices() -> None:
    moved = stale(entry("dcim.location", 1, before={"site": 1}, after={"site": 2}))

    assert (moved.kinds, moved.ids) == ({"devices", "locations"}, {"locations": {1}})
    assert stale(entry("dcim.rack", 1, before={"location": 1}, after={"location": 2})).kinds == {"devices"}


@pytest.mark.parametrize(
    "of", ["dcim.cable", "dcim.cabletermination", "dcim.frontport", "dcim.rearport", "circuits.circuittermination"]
)
@pytest.mark.parametrize("action", ["create", "update", "delete"])
def test_what_a_path_leads_through_makes_the_paths_stale(of: str, action: str) -> None:
    assert stale(entry(of, 1, action)).paths


def test_an_interface_makes_the_paths_stale_by_its_channels_only() -> None:
    assert not stale(entry("dcim.interface", 1, before={"name": "a"}, after={"name": "b"})).paths
    assert stale(entry("dcim.interface", 1, before={"channel_id": 1}, after={"channel_id": 2})).paths
    assert stale(entry("dcim.interface", 1, "delete")).paths


@pytest.mark.parametrize(("action", "state"), [("create", "after"), ("delete", "before")])
def test_an_interface_that_comes_or_goes_makes_the_paths_stale_if_one_may_lead_to_it(action: str, state: str) -> None:
    def paths(data: dict[str, Any]) -> bool:
        return stale(entry("dcim.interface", 1, action, **{state: data})).paths

    alone = {"name": "a", "cable": None, "parent": None, "channels": None, "channel_id": None}
    assert not paths(alone)
    assert not paths({"name": "a", "cable": None})  # a NetBox without channels
    assert paths({"name": "a"})  # it does not say
    assert all(paths(alone | {field: 7}) for field in ("cable", "parent", "channels", "channel_id"))


def test_an_end_of_a_cable_makes_the_cable_stale() -> None:
    assert stale(entry("dcim.cabletermination", 9, "delete", before={"cable": 5})).ids == {"cables": {5}}


def test_a_changed_custom_field_makes_everything_stale() -> None:
    assert stale(entry("extras.customfield", 1)).everything


# Config contexts

NOBODY: dict[str, set[int]] = {"devices": set(), "virtual_machines": set()}
THE_DEVICE = NOBODY | {"devices": {1}}
THE_VM = NOBODY | {"virtual_machines": {1}}
ALL = THE_DEVICE | {"virtual_machines": {1}}


def of_context(rows: Rows, action: str = "update", **after: Any) -> dict[str, Any]:
    """The log's entry of a change of the first context, which the rows have as it is now."""
    before = copy.deepcopy(rows["config_contexts"][1])
    changed = before | after
    rows.of["config_contexts"][1].update(after)
    match action:
        case "create":
            return entry("extras.configcontext", 1, action, after=changed)
        case "delete":
            del rows.of["config_contexts"][1]  # type: ignore[attr-defined]
            return entry("extras.configcontext", 1, action, before=before)
    return entry("extras.configcontext", 1, action, before=before, after=changed)


@pytest.mark.parametrize("action", ["create", "update", "delete"])
def test_a_changed_context_reaches_those_that_it_is_assigned_to(rows: Rows, action: str) -> None:
    assert reached([of_context(rows, action, data={"a": 1})], rows) == THE_DEVICE


def test_a_description_reaches_nobody(rows: Rows) -> None:
    assert reached([of_context(rows, description="new", last_updated="now")], rows) == NOBODY


def test_a_context_that_was_changed_and_changed_back_reaches_those_that_it_is_assigned_to(rows: Rows) -> None:
    there = of_context(rows, is_active=False)
    back = of_context(rows, is_active=True)

    assert reached([there, back], rows) == THE_DEVICE


def test_a_context_that_is_assigned_otherwise_reaches_those_before_and_those_now(rows: Rows) -> None:
    server = next(i for i, role in rows["device_roles"].items() if role["slug"] == "server")

    assert reached([of_context(rows, roles=[server], tags=[])], rows) == ALL


def test_a_context_that_loses_its_assignment_reaches_all(rows: Rows) -> None:
    assert reached([of_context(rows, roles=[], tags=[])], rows) == ALL


@pytest.mark.parametrize("field", ["site_groups", "locations", "tenant_groups"])
def test_a_context_assigned_by_what_no_host_has_reaches_nobody(rows: Rows, field: str) -> None:
    bare = BARE | {field: [303], "data": {}}

    assert reached([entry("extras.configcontext", 9, before=bare, after=bare | {"data": {"a": 1}})], rows) == NOBODY


def test_a_context_reaches_by_site_group_location_tenant_group_and_cluster(rows: Rows) -> None:
    device, vm = rows["devices"][1], rows["virtual_machines"][1]
    table(rows, "site_groups").update({5: {"id": 5, "parent": None}, 6: {"id": 6, "parent": 5}})
    table(rows, "locations").update({5: {"id": 5, "parent": None}, 6: {"id": 6, "parent": 5}})
    rows["sites"][vm["site"]]["group"] = 6
    device["location"] = 6
    rows["tenants"][device["tenant"]]["group"] = 5
    rows["clusters"][vm["cluster"]] |= {"type": 7, "group": 8}

    def reached_by(**assigned: list[int]) -> dict[str, set[int]]:
        before = BARE | assigned | {"data": {}}
        return reached([entry("extras.configcontext", 9, before=before, after=before | {"data": {"a": 1}})], rows)

    assert reached_by(site_groups=[5])["virtual_machines"] == {1}
    assert reached_by(locations=[5]) == THE_DEVICE
    assert reached_by(locations=[7]) == NOBODY
    assert 1 in reached_by(tenant_groups=[5])["devices"]
    assert (
        reached_by(cluster_types=[7])["virtual_machines"] == reached_by(cluster_groups=[8])["virtual_machines"] == {1}
    )
    assert reached_by(cluster_groups=[8])["devices"] == {1}  # which cluster a device is in is not read


def test_a_context_of_which_the_log_says_too_little_reaches_all(rows: Rows) -> None:
    assert reached([entry("extras.configcontext", 1)], rows) == THE_DEVICE  # as it is now
    assert reached([entry("extras.configcontext", 1, before={"name": "x"}, after={"name": "y"})], rows) == ALL
    assert reached([of_context(rows, tags=["a tag by its name"], roles=[])], rows) == ALL


@pytest.mark.parametrize(
    ("kind", "name", "assigned"),
    [("device_roles", "role", "roles"), ("platforms", "platform", "platforms"), ("regions", "", "regions")],
)
def test_a_context_of_what_others_lie_in_reaches_their_hosts(rows: Rows, kind: str, name: str, assigned: str) -> None:
    vm = rows["virtual_machines"][1]
    own = vm[name] if name else rows["sites"][vm["site"]]["region"]
    for above in (901, 902):
        rows.of[kind][own]["parent"], own = above, above
        rows.of[kind][above] = {"id": above, "parent": None}  # type: ignore[index]

    def reached_by(number: int) -> dict[str, set[int]]:
        before = BARE | {assigned: [number], "data": {}}
        return reached([entry("extras.configcontext", 9, before=before, after=before | {"data": {"a": 1}})], rows)

    assert 1 in reached_by(902)["virtual_machines"]
    assert reached_by(903) == NOBODY


BARE: dict[str, Any] = {name: [] for name in ASSIGNED_BY}


def test_a_site_in_another_region_is_reached_and_a_new_tree_reaches_all(rows: Rows) -> None:
    site = rows["virtual_machines"][1]["site"]

    assert reached([entry("dcim.site", site, before={"region": 1}, after={"region": 9})], rows) == THE_VM
    assert reached([entry("dcim.site", site, before={"group": 1}, after={"group": None})], rows) == THE_VM
    assert reached([entry("dcim.site", site, before={"name": "a"}, after={"name": "b"})], rows) == NOBODY
    assert reached([entry("dcim.platform", 1, before={"parent": None}, after={"parent": 2})], rows) == ALL


def test_a_tenant_in_another_group_is_reached(rows: Rows) -> None:
    tenant = rows["devices"][1]["tenant"]

    found = reached([entry("tenancy.tenant", tenant, before={"group": 1}, after={"group": 2})], rows)

    assert found == {kind: {i for i, row in rows[kind].items() if row["tenant"] == tenant} for kind in NOBODY}
    assert found["devices"]


@pytest.mark.parametrize("kind", ["extras.tag", "dcim.region", "tenancy.tenantgroup", "virtualization.clustertype"])
def test_what_contexts_are_assigned_by_reaches_all_when_it_is_deleted(rows: Rows, kind: str) -> None:
    assert reached([entry(kind, 77, "delete", before={"name": "x"})], rows) == ALL
    assert reached([entry(kind, 77, before={"name": "x"}, after={"name": "y"})], rows) == NOBODY


def test_a_change_of_a_host_reaches_no_other(rows: Rows) -> None:
    assert reached([entry("dcim.device", 1, before={"name": "x"}, after={"name": "y"})], rows) == NOBODY


def test_what_refers_to_something_gone_is_found(rows: Rows) -> None:
    new = Rows({**rows.of, "tags": {}}, rows.mark)

    assert {(kind.name, i) for kind, i in dangling(new, ["tags"])} == {("devices", 1), ("config_contexts", 1)}
    assert not list(dangling(rows, rows.of))


def test_of_rows_that_were_made_sure_of_before_only_new_ones_are_looked_at(rows: Rows) -> None:
    device = rows["devices"][1]
    renewed = Rows({**rows.of, "devices": {**rows["devices"], 1: {**device, "site": 999}}, "tags": {}}, rows.mark)

    new = renewed.new_since(rows)

    assert {kind: set(of) for kind, of in new.of.items() if of} == {"devices": {1}}
    assert {kind.name for kind, _ in dangling(renewed, ["sites", "tags"], new)} == {"devices"}
    assert {kind.name for kind, _ in dangling(renewed, ["sites", "tags"])} == {"devices", "config_contexts"}
    assert not any(rows.new_since(rows).of.values())


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
