"""What two fleets say differently is all of it and nothing else: carried out on the one, it makes the other."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inventory.difference import KEYED, FieldDifference, ObjectDifference, difference
from inventory.fleet import Fleet
from inventory.keys import KEYS
from inventory.order import in_order
from inventory.places import called
from inventory.snapshot import load
from tests.unit.inventory.fleets import GATEWAY, KEY_A, KEY_B, SERVER, fleet, with_hosts


def carried_out(before: Fleet, differences: tuple[ObjectDifference, ...]) -> Fleet:
    """The fleet that the differences make of this one. Fleets here have every name once."""
    sections = {s: {called(x): x.model_dump(mode="json") for x in getattr(in_order(before), s)} for s in KEYS}
    for one in differences:
        if one.kind == "removed":
            del sections[one.section][one.name]
            continue
        item = sections[one.section].setdefault(one.name, {})
        for field in one.fields:
            _carry_out(item, (), field.path, field)
    return in_order(Fleet.model_validate({s: list(items.values()) for s, items in sections.items()}))


def _carry_out(inside: Any, at: tuple[str, ...], rest: tuple[str, ...], field: FieldDifference) -> None:
    key, *further = rest
    if isinstance(inside, dict) and further:
        _carry_out(inside[key], (*at, key), tuple(further), field)
    elif isinstance(inside, dict) and field.kind == "reordered":
        inside[key].sort(key=lambda x: field.after.index(_known_by((*at, key), x)))
    elif isinstance(inside, dict):
        inside.pop(key, None) if field.kind == "removed" else inside.update({key: copy.deepcopy(field.after)})
    else:
        index = next((i for i, x in enumerate(inside) if _known_by(at, x) == key), None)
        if further:
            _carry_out(inside[index], (*at, key), tuple(further), field)
        elif field.kind == "removed":
            del inside[index]
        else:
            inside.append(copy.deepcopy(field.after))


def _known_by(path: tuple[str, ...], item: Any) -> str:
    return " ".join(str(item[n]) for n in KEYED[path]) if path in KEYED else str(item)


# Fleets that hypothesis makes: few names, so that two of them have much in common

DATA: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(0, 2) | st.sampled_from([0.0, 1.0, "a", "1"]),
    lambda s: st.lists(s, max_size=2) | st.dictionaries(st.sampled_from("ab"), s, max_size=2),
    max_leaves=4,
)
CONTEXT: st.SearchStrategy[dict[str, Any]] = st.dictionaries(st.sampled_from(["samdrift", "other"]), DATA, max_size=2)
ADDRESS = st.sampled_from([f"10.63.10.{n}/24" for n in range(1, 5)])
INTERFACE: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {"name": st.sampled_from(["eth0", "eth1", "eth2"]), "addresses": st.lists(ADDRESS, unique=True, max_size=3)},
    optional={
        "enabled": st.booleans(),
        "tagged_vlans": st.lists(st.integers(1, 3), unique=True),
        "untagged_vlan": st.none() | st.just(10),
    },
)
SERVICE: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {
        "name": st.sampled_from(["dns", "web"]),
        "protocol": st.sampled_from(["tcp", "udp"]),
        "ports": st.lists(st.integers(1, 4), unique=True, min_size=1),
    }
)
HOST: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {"name": st.sampled_from(["heb-gw1", "heb-gw2"])},
    optional={
        "status": st.sampled_from(["active", "planned"]),
        "tags": st.lists(st.sampled_from(["lab", "dns"]), unique=True),
        "host_keys": st.lists(st.sampled_from([KEY_A, KEY_B]), unique=True),
        "wireguard_public_key": st.sampled_from(["", "a", "b"]),
        "interfaces": st.lists(INTERFACE, unique_by=lambda i: i["name"], max_size=3),
        "services": st.lists(SERVICE, unique_by=lambda s: (s["name"], s["protocol"]), max_size=3),
        "primary_address": st.none() | st.just("10.63.10.1"),
        "context": CONTEXT,
        "local_context": CONTEXT,
    },
)
CONFIG_CONTEXT: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {"name": st.sampled_from("xy"), "data": CONTEXT},
    optional={"weight": st.sampled_from([1000, 2000]), "sites": st.lists(st.sampled_from("pq"), unique=True)},
)
TENANT: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {"slug": st.sampled_from("st"), "name": st.sampled_from(["Heby", "Östhammar"])}
)
PREFIX: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {"prefix": st.sampled_from(["10.0.0.0/24", "10.0.1.0/24"])},
    optional={"vlan": st.integers(1, 2), "site": st.just("p")},
)
RANGE: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {"start": st.sampled_from(["10.0.0.1", "10.0.0.2"]), "end": st.just("10.0.0.9")},
    optional={"description": st.sampled_from("rs")},
)
FLEETS = st.builds(
    lambda hosts, contexts, tenants, prefixes, ranges: Fleet.model_validate(
        {
            "hosts": [GATEWAY | h for h in hosts],
            "config_contexts": contexts,
            "tenants": tenants,
            "prefixes": prefixes,
            "ranges": ranges,
        }
    ),
    st.lists(HOST, unique_by=lambda h: h["name"], max_size=2),
    st.lists(CONFIG_CONTEXT, unique_by=lambda c: c["name"], max_size=2),
    st.lists(TENANT, unique_by=lambda t: t["slug"], max_size=2),
    st.lists(PREFIX, unique_by=lambda p: p["prefix"], max_size=2),
    st.lists(RANGE, unique_by=lambda r: r["start"], max_size=2),
)


@given(FLEETS, FLEETS)
def test_differences_carried_out_on_the_one_fleet_make_the_other(one: Fleet, other: Fleet) -> None:
    assert carried_out(one, difference(one, other)).digest == in_order(other).digest


@given(FLEETS, FLEETS)
def test_there_is_a_difference_exactly_where_the_digests_differ(one: Fleet, other: Fleet) -> None:
    assert bool(difference(one, other)) == (in_order(one).digest != in_order(other).digest)
    assert difference(one, one) == ()


def test_the_shipped_fleet_can_be_made_of_nothing_and_taken_apart_again() -> None:
    shipped = load()

    assert carried_out(Fleet(), difference(Fleet(), shipped)).digest == shipped.digest
    assert carried_out(shipped, difference(shipped, Fleet())) == Fleet()


def only(before: dict[str, Any], after: dict[str, Any]) -> FieldDifference:
    ((one,),) = (d.fields for d in difference(with_hosts(before), with_hosts(after)))
    return one


def test_a_difference_is_named_down_to_the_address_and_the_key_of_a_context() -> None:
    eth0 = {"name": "eth0", "type": "virtual"}
    two = SERVER | {"interfaces": [eth0 | {"addresses": ["10.60.10.11/24", "10.60.10.12/24"]}]}

    added = only(SERVER, two)
    changed = only(
        SERVER, SERVER | {"context": {"samdrift": {"roles": {"base": True, "dns_resolver": True}, "wave": 30}}}
    )

    assert (added.path, added.kind) == (("interfaces", "eth0", "addresses", "10.60.10.12/24"), "added")
    assert changed == FieldDifference(path=("context", "samdrift", "wave"), kind="changed", before=20, after=30)


def test_a_host_that_only_one_has_is_one_difference_with_what_is_not_as_usual() -> None:
    (one,) = difference(with_hosts(GATEWAY), with_hosts(GATEWAY, SERVER))

    assert (one.title, one.kind) == ("host tie-dns1", "added")
    assert ("kind",) in {f.path for f in one.fields}
    assert ("status",) not in {f.path for f in one.fields}


def test_an_interface_that_becomes_a_member_of_a_lag_is_one_field() -> None:
    lan: Any
    *others, lan = list(GATEWAY["interfaces"])
    both = [with_hosts(GATEWAY | {"interfaces": [*others, lan | {"lag": lag}]}) for lag in (None, "lag1")]

    (changed,) = difference(*both)

    assert [(f.path, f.before, f.after) for f in changed.fields] == [(("interfaces", "lan0", "lag"), None, "lag1")]


def test_interfaces_in_another_order_are_a_difference_that_says_so() -> None:
    turned = GATEWAY | {"interfaces": list(reversed(list(GATEWAY["interfaces"])))}

    one = only(GATEWAY, turned)

    assert (one.kind, one.before, one.after) == ("reordered", ["wan0", "lan0"], ["lan0", "wan0"])


@pytest.mark.parametrize(("one", "other"), [(1, True), (1, 1.0), (0, None), ("1", 1), ([], {})])
def test_values_that_python_takes_for_equal_are_none_where_a_digest_tells_them_apart(one: Any, other: Any) -> None:
    assert only(SERVER | {"context": {"x": one}}, SERVER | {"context": {"x": other}}).path == ("context", "x")


def test_objects_with_one_name_are_told_apart_instead_of_lost() -> None:
    twice = [{"slug": "lab", "name": "Labb"}, {"slug": "lab", "name": "Labb 2"}]

    (one,) = difference(fleet(), fleet(tags=twice))

    assert (one.kind, one.title) == ("added", "tag lab (2)")
