"""REST and GraphQL give the same rows, whatever the objects; what looks like NetBox's own words stays text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inventory.netbox import rows as rows_module
from inventory.netbox.faults import NetBoxError
from inventory.netbox.read_types import BY_NAME, CHOICES, GRAPHQL_TYPES, READ_TYPES, ReadType
from inventory.netbox.rows import Rows, fetched, plain
from tests.unit.inventory.netbox_stand_in import StandIn


def test_a_row_is_kept_as_ids_and_values_whoever_gave_it() -> None:
    rest = {"id": 3, "vlan": {"id": 7, "name": "x"}, "status": {"value": "active", "label": "Active"}}
    graphql = {"id": 3, "vlan": {"id": "7"}, "status": "active", "scope": {"__typename": "SiteType", "id": "4"}}
    kept = {"id": 3, "vlan": 7, "status": "active", "scope": "dcim.site:4"}
    prefixes = BY_NAME["prefixes"]

    assert plain(prefixes, rest | {"scope_type": "dcim.site", "scope_id": 4}) == plain(prefixes, graphql) == kept
    assert plain(prefixes, {"scope_type": None, "scope_id": None}) == plain(prefixes, {"scope": None})
    assert plain(BY_NAME["cables"], {"a_terminations": [{"object_type": "dcim.interface", "object_id": 5}]}) == {
        "a_terminations": ["dcim.interface:5"]
    }


def test_what_looks_like_netbox_s_own_words_in_a_context_stays_as_it_is() -> None:
    data = {"id": 5, "value": "x", "label": "y", "__typename": "SiteType"}
    row = {"config_context": data, "local_context_data": data, "data": data}

    assert plain(BY_NAME["devices"], row) == row


def test_write_backs_are_no_part_of_a_row_and_a_field_without_a_value_is_none() -> None:
    said = {"samdrift_state": "in sync", "ssh_host_keys": "k", "wireguard_public_key": None}

    for name in ("custom_fields", "custom_field_data"):
        assert plain(BY_NAME["devices"], {name: said}) == {"custom_fields": {"ssh_host_keys": "k"}}


def test_every_type_that_a_field_may_refer_to_has_its_name_in_graphql() -> None:
    for kind in READ_TYPES:
        assert GRAPHQL_TYPES.keys() >= {t for types in kind.any_of.values() for t in types}, kind.name


# Both ways

texts = st.sampled_from(["", "x", "Åsa", "{ id }", 'a"b'])
ids = st.integers(1, 9)
DEGREES = st.none() | st.integers(-90_000_000, 90_000_000).map(lambda n: n / 10**6)
RANDOM = {
    "enabled": st.booleans(),
    "is_active": st.booleans(),
    "config_context": st.sampled_from([{}, {"id": 1}, {"value": [1, {"label": None}]}]),
    "local_context_data": st.sampled_from([None, {"samdrift": {"roles": {"x": True}}}]),
    "custom_fields": st.dictionaries(st.sampled_from(["gateway", "ssh_host_keys"]), texts, max_size=2),
    "latitude": DEGREES,
    "longitude": DEGREES,
    "port_mappings": st.lists(st.sampled_from(["tcp/80", "udp/53"]), max_size=2),
} | dict.fromkeys(CHOICES, st.sampled_from([None, "active", "access"]))


def row(kind: ReadType) -> st.SearchStrategy[dict[str, Any]]:
    """Any row that NetBox could hold of a kind."""
    made: dict[str, st.SearchStrategy[Any]] = {name: RANDOM.get(name, texts) for name in kind.values}
    made |= {name: st.none() | ids for name in kind.one}
    made |= {name: st.lists(ids, max_size=4, unique=True).map(sorted) for name in kind.many}
    made |= {
        name: st.none() | st.builds("{}:{}".format, st.sampled_from(types), ids) for name, types in kind.any_of.items()
    }
    return st.fixed_dictionaries(made)


EMPTY: dict[str, dict[int, dict[str, Any]]] = {kind.name: {} for kind in READ_TYPES}
EMPTY["tags"] = {i: {"id": i, "name": f"{i}", "slug": f"tag-{i}", "description": ""} for i in range(1, 10)}
BY_GRAPHQL = [kind for kind in READ_TYPES if not kind.by_rest]


@pytest.mark.long
@pytest.mark.parametrize("kind", BY_GRAPHQL, ids=[kind.name for kind in BY_GRAPHQL])
@given(data=st.data())
@settings(max_examples=15)
def test_both_ways_give_the_same_rows_whatever_the_objects(kind: ReadType, data: st.DataObject) -> None:
    found = data.draw(st.dictionaries(st.integers(1, 50), row(kind), max_size=4))
    held = Rows(EMPTY | {kind.name: {i: found[i] | {"id": i} for i in sorted(found)}})
    only = data.draw(st.none() | st.frozensets(st.integers(1, 50), max_size=3))

    graphql, rest = (StandIn(held, graphql=on, largest=2) for on in (True, False))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rows_module, "LONG", 2)
        ways = [fetched(session.netbox(), [(kind, only)])[0] for session in (graphql, rest)]

    assert ways[0] == ways[1] == {i: r for i, r in held[kind.name].items() if only is None or i in only}


class Stumbling(StandIn):
    """A NetBox whose GraphQL stumbles over interfaces of devices that the token may not view."""

    def send(
        self, method: str, endpoint: str, document: Any = None, params: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        if endpoint == "dcim/devices":
            raise NetBoxError(f"the token may not view {endpoint}", status=403)
        if endpoint == "graphql" and "limit: 1}" not in document["query"]:
            return {"errors": [{"message": "Cannot return null for non-nullable field InterfaceType.device."}]}
        return super().send(method, endpoint, document, params)


def test_what_a_token_may_not_view_is_named_though_graphql_stumbles_over_it() -> None:
    with pytest.raises(NetBoxError, match="the token may not view dcim/devices"):
        fetched(Stumbling(Rows(EMPTY)).netbox(), [(BY_NAME["interfaces"], None)])
