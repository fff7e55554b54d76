"""What must be written to NetBox is all that it lacks, in an order that it takes, and nothing that it has."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inventory.difference import difference
from inventory.fleet import Fleet
from inventory.netbox.assemble import assembled
from inventory.netbox.faults import NetBoxError
from inventory.netbox.meaning import meant
from inventory.netbox.read_types import PATHS, READ_TYPES
from inventory.netbox.rows import Rows as Kept
from inventory.netbox.rows import plain
from inventory.netbox.seed import _named, _row
from inventory.netbox.session import Row
from inventory.netbox.wanted import AtLeast, Json, Ref, Termination
from inventory.netbox.write_types import WRITE_TYPES
from inventory.netbox.writes import InTheWay, Writes, writes
from inventory.order import in_order
from inventory.snapshot import load
from tests.unit.inventory.fleets import GATEWAY, SERVER, fleet, with_hosts
from tests.unit.inventory.wild_fleet import seeded_random, wild_fleet

OWN = tuple(kind for kind in WRITE_TYPES if not kind.completes)
Rows = dict[str, list[Row]]
FLEETS: Mapping[str, Callable[[], Fleet]] = {
    "small": fleet,
    "shipped": load,
    "wild": lambda: wild_fleet(seeded_random(7)),
}
every_fleet = pytest.mark.parametrize("make", FLEETS.values(), ids=FLEETS)


def nothing() -> Rows:
    return {kind.name: [] for kind in OWN}


def written(rows: Rows, plan: Writes) -> Rows:
    """NetBox's rows after these writes, as far as they are asked for."""
    ids = dict(plan.ids)
    after = {name: [dict(row) for row in of] for name, of in rows.items()}
    for write in plan.writes:
        said = {name: answered(value, ids) for name, value in write.fields.items()}
        of = write.fields.get("assigned_object_id") or write.fields.get("parent_object_id")
        if isinstance(of, Ref):
            said |= {name.removesuffix("_id"): reference(of, ids) for name in said if name.endswith("_object_id")}
            said |= {"parent": reference(of, ids)}
            said |= {name: ids[of] for name in said if name.endswith("_object_id")}
        if isinstance(write.fields.get("scope_id"), Ref):
            said |= {"scope": said["scope_id"], "scope_id": said["scope_id"]["id"]}
        if write.creates:
            ids[Ref(write.kind.name, write.key)] = len(ids) + 1
            usual: Row = dict.fromkeys((*write.kind.reads, "primary_ip4", "display"))
            usual |= {"status": {"value": USUALLY.get(write.kind.name, "active"), "label": "…"}}
            after[write.kind.name].append(usual | said | {"id": len(ids)})
        else:
            target = ids[write.target] if isinstance(write.target, Ref) else write.target
            (row,) = (r for r in after[write.kind.completes or write.kind.name] if r["id"] == target)
            row |= said
    return after


USUALLY = {"cable": "connected"}
"""The status that NetBox gives an object, if nobody says another."""


def answered(value: Any, ids: Mapping[Ref, int]) -> Any:
    match value:
        case Ref():
            return reference(value, ids)
        case Termination():
            return [{"object_type": "dcim.interface", "object_id": ids[value.at], "object": reference(value.at, ids)}]
        case Json():
            return value.value
        case AtLeast():
            return sorted(value)
        case frozenset():
            return [answered(v, ids) for v in value]
        case _:
            return value


def reference(ref: Ref, ids: Mapping[Ref, int]) -> Row:
    """An object as NetBox shows it in another; fails where it is not there yet."""
    said = {"id": ids[ref], "display": str(ref.key[-1]), "name": ref.key[-1]}
    match ref.kind:
        case "interface" | "virtual interface":
            return said | {"device": {"name": ref.key[0]}}
        case "VLAN":
            return said | {"vid": ref.key[-1]}
        case _:
            return said | {"slug": str(ref.key[0]).rpartition("/")[2]}


def made(fleet: Fleet) -> Rows:
    return written(nothing(), writes(nothing(), fleet))


@every_fleet
def test_what_a_write_refers_to_is_there_before_it_and_afterwards_nothing_is_left(make: Callable[[], Fleet]) -> None:
    rows = made(make())

    again = writes(rows, make())

    assert again.writes == ()
    assert again.left_alone == {}
    assert again.unchanged == sum(map(len, rows.values()))


def pulled(rows: Rows) -> Kept:
    """What a pull would read of these rows."""
    of = {kind.endpoint: rows[kind.name] for kind in OWN}
    kept: dict[str, dict[int, Row]] = {PATHS.name: {}}
    for kind in READ_TYPES:
        kept[kind.name] = {}
        for row in of.get(kind.endpoint, ()):
            said = {name: row.get(name, [] if name in kind.many else None) for name in kind.rest(kind.names)}
            kept[kind.name][row["id"]] = {"id": row["id"]} | plain(kind, said)
    tags = {row["slug"]: i for i, row in kept["tags"].items()}
    for row in kept["config_contexts"].values():
        row["tags"] = [tags[slug] for slug in row["tags"]]
    return Kept(kept)


def without_contexts(fleet: Fleet) -> Fleet:
    """The fleet without what NetBox itself merges."""
    hosts = tuple(host.model_copy(update={"context": {}}) for host in fleet.hosts)
    return in_order(fleet.model_copy(update={"hosts": hosts}))


@every_fleet
def test_what_is_written_is_pulled_as_the_same_fleet(make: Callable[[], Fleet]) -> None:
    wanted = without_contexts(make())

    found = assembled(pulled(made(wanted)))

    assert found.problems == ()
    assert difference(wanted, found.fleet) == ()
    assert found.fleet.digest == wanted.digest


@pytest.mark.long
@settings(max_examples=6)
@given(st.integers(0, 10**6))
def test_whatever_a_fleet_holds_is_written_and_pulled_as_the_same_and_not_written_again(number: int) -> None:
    wanted = without_contexts(wild_fleet(seeded_random(number)))
    rows = made(wanted)

    assert writes(rows, wanted).writes == ()
    assert assembled(pulled(rows)).fleet.digest == wanted.digest


@pytest.mark.long
@every_fleet
@pytest.mark.parametrize("number", range(3))
def test_what_was_lost_is_written_again_and_nothing_else(make: Callable[[], Fleet], number: int) -> None:
    rng, rows = seeded_random(number), made(make())
    leaves = ("cable", "service", "address", "config context", "prefix", "range", "custom field")
    lost = {name: rng.sample(rows[name], len(rows[name]) // 2) for name in leaves}
    rest = {name: [r for r in of if r not in lost.get(name, [])] for name, of in rows.items()}

    plan = writes(rest, make())

    made_again = {(w.kind.name, w.key) for w in plan.writes if w.creates}
    gone = {(name, row["id"]) for name, of in lost.items() for row in of}
    by_meaning = meant(rows)
    assert made_again == {
        (kind.name, kind.key(r)) for kind in OWN for r in by_meaning[kind.name] if (kind.name, r["id"]) in gone
    }
    assert writes(written(rest, plan), make()).writes == ()


def test_a_field_that_says_something_else_is_the_only_one_written() -> None:
    rows = made(fleet())
    rows["site"][0] |= {"facility": "fel", "comments": "not ours"}

    (write,) = writes(rows, fleet()).writes

    assert write.plain() == {
        "kind": "site",
        "object": "site heby-kommunhus",
        "action": "change",
        "before": {"facility": "fel"},
        "fields": {"facility": ""},
    }


def test_what_the_fleet_does_not_have_is_counted_and_left_alone() -> None:
    plan = writes(made(fleet()), with_hosts(GATEWAY))

    assert plan.writes == ()
    assert plan.left_alone == {"virtual machine": 1, "virtual interface": 1, "address": 1, "cable": 1}


def test_a_primary_address_that_is_yet_to_be_made_is_set() -> None:
    rows = made(fleet())
    lost = {**rows, "address": [], "virtual machine": [{**r, "primary_ip4": None} for r in rows["virtual machine"]]}

    plan = writes(lost, fleet())

    assert ("primary address", ("tie-dns1",)) in [(w.kind.name, w.key) for w in plan.writes]


def test_a_lag_is_there_before_its_member_is_told_so() -> None:
    more: Any = [{"name": "lan1", "lag": "lag1"}, {"name": "lag1", "type": "lag"}]
    rows, lagged = made(with_hosts(GATEWAY)), with_hosts(GATEWAY | {"interfaces": [*GATEWAY["interfaces"], *more]})

    *others, last = writes(rows, lagged).writes

    assert [(w.key, w.creates) for w in others] == [(("heb-gw1", "lan1"), True), (("heb-gw1", "lag1"), True)]
    assert (last.title, last.creates, last.plain()["fields"]) == (
        "LAG, parent and bridge of heb-gw1:lan1",
        False,
        {"lag": "heb-gw1:lag1"},
    )
    assert writes(made(lagged), lagged).writes == ()


def test_a_member_that_is_none_any_more_is_told_so() -> None:
    def lagged(lag: str | None) -> Fleet:
        more: Any = [{"name": "lag1", "type": "lag"}, {"name": "lan1", "lag": lag}]
        return with_hosts(GATEWAY | {"interfaces": [*GATEWAY["interfaces"], *more]})

    (write,) = writes(made(lagged("lag1")), lagged(None)).writes

    assert write.plain()["before"] == {"lag": "lag1"}
    assert write.fields == {"lag": None}


def test_a_custom_field_keeps_the_objects_that_others_gave_it() -> None:
    rows = made(fleet())
    (gateway,) = (r for r in rows["custom field"] if r["name"] == "gateway")
    gateway["object_types"] = ["dcim.site"]

    (write,) = writes(rows, fleet()).writes

    assert write.fields == {"object_types": {"dcim.site", "ipam.prefix"}}


def test_vlans_are_written_with_the_mode_that_netbox_asks_for() -> None:
    wan: Any = {"name": "wan0", "addresses": ["10.59.0.63/24"]}
    lan: Any = {"name": "lan0", "untagged_vlan": 10, "addresses": ["10.63.10.1/24"]}
    rows = made(with_hosts(GATEWAY | {"interfaces": [wan, lan]}))

    tagged = with_hosts(GATEWAY | {"interfaces": [wan, lan | {"tagged_vlans": [10]}]})
    (write,) = writes(rows, tagged).writes

    assert write.fields["mode"] == "tagged"


# What is in the way

Spoil = Callable[[Rows], object]


def spoil(kind: str, index: int, **fields: Any) -> Spoil:
    return lambda rows: rows[kind][index].update(fields)


def another(kind: str, **fields: Any) -> Spoil:
    return lambda rows: rows[kind].append(rows[kind][0] | {"id": 999} | fields)


ELSEWHERE = {"name": "eth0", "device": {"name": "heb-gw9"}}
IN_THE_WAY: dict[str, tuple[Spoil, str]] = {
    "an address that another host has": (
        spoil("address", 0, assigned_object=ELSEWHERE, assigned_object_id=999),
        "10.59.0.63/24 of heb-gw1:wan0, assigned object: in NetBox, heb-gw9:eth0 has this address [netbox-address]",
    ),
    "an address that is no interface's": (
        spoil("address", 0, assigned_object={}, assigned_object_type="ipam.fhrpgroup", assigned_object_id=3),
        "10.59.0.63/24 of heb-gw1:wan0, assigned object: in NetBox, ipam.fhrpgroup 3 has this address",
    ),
    "a name that another object has": (
        spoil("tag", 0, slug="labb"),
        "tag lab, name: 'Labb' is the name of tag labb in NetBox [netbox-name]",
    ),
    "a host at another site": (
        spoil("device", 0, site={"id": 999, "slug": "tierp-datahall"}),
        "device heb-gw1, site: in NetBox, a device of this name is at tierp-datahall [netbox-site]",
    ),
    "a host of the other kind": (
        another("device", name="tie-dns1"),
        "virtual machine tie-dns1: in NetBox, tie-dns1 is a device [netbox-kind]",
    ),
    "two of one name": (
        another("device"),
        "device heb-gw1: NetBox has more than one that is called so [netbox-twice]",
    ),
    "a custom field of another type": (
        spoil("custom field", 0, type={"value": "json", "label": "JSON"}),
        "custom field gateway, type: in NetBox, its type is json, and samdrift's is text [netbox-field]",
    ),
    "a range that is not lent from": (
        spoil("range", 0, status={"value": "reserved", "label": "Reserved"}),
        "range from 10.63.10.100, status: in NetBox, its status is reserved [netbox-range]",
    ),
    "a container": (
        spoil("prefix", 0, status={"value": "container", "label": "Container"}),
        "prefix 10.59.0.0/24, status: in NetBox, it only contains others (status container) [netbox-prefix]",
    ),
}


@pytest.mark.parametrize(("break_it", "says"), IN_THE_WAY.values(), ids=IN_THE_WAY)
def test_what_only_people_can_settle_is_said_and_nothing_is_planned(break_it: Spoil, says: str) -> None:
    rows = made(fleet())
    break_it(rows)

    with pytest.raises(InTheWay) as caught:
        writes(rows, fleet())

    (problem,) = caught.value.problems
    assert str(problem).startswith(says)
    assert problem.fix


def test_a_cable_in_another_socket_is_in_the_way() -> None:
    rows = made(fleet())
    other = {"object_type": "dcim.interface", "object": {"name": "x", "device": {"name": "heb-gw9"}}}
    rows["cable"][0] |= {"b_terminations": [other], "display": "#1"}

    with pytest.raises(InTheWay, match="another cable is there in NetBox"):
        writes(rows, fleet())


def test_a_cable_that_hangs_with_one_end_nowhere_is_plugged_in_again() -> None:
    rows = made(fleet())
    rows["cable"][0] |= {"b_terminations": [], "display": "#1"}

    plan = writes(rows, fleet())

    assert [(w.title, w.target) for w in plan.writes] == [
        ("cable heb-gw1:lan0 to heb-gw1:wan0", rows["cable"][0]["id"])
    ]
    assert writes(written(rows, plan), fleet()).writes == ()


def test_a_service_of_several_protocols_is_one_a_protocol_as_a_pull_says_it() -> None:
    both = [{"name": "dns", "protocol": p, "ports": [53], "description": "Namn"} for p in ("tcp", "udp")]
    rows = made(with_hosts(SERVER | {"services": both}))
    rows["service"] = [rows["service"][0] | {"port_mappings": ["tcp/53", "udp/53"]}]

    assert writes(rows, with_hosts(SERVER | {"services": both})).writes == ()
    with pytest.raises(InTheWay, match=r"service dns/udp of tie-dns1: in NetBox, one service has this protocol and"):
        writes(rows, with_hosts(SERVER | {"services": [both[0], both[1] | {"ports": [5353]}]}))


@pytest.mark.parametrize(
    ("changed", "rule"),
    [
        ({"status": "paused"}, "netbox-status"),
        ({"description": "blank at its end "}, "netbox-text"),
    ],
)
def test_what_netbox_cannot_hold_is_said_before_anything_is_written(changed: dict[str, Any], rule: str) -> None:
    with pytest.raises(InTheWay) as caught:
        writes(nothing(), with_hosts(GATEWAY | changed, SERVER))

    assert [p.rule for p in caught.value.problems] == [rule]


def test_a_name_that_is_given_up_in_the_same_go_is_free() -> None:
    rows = made(fleet())
    renamed = [{"slug": "heby", "name": "Gamla Heby"}, {"slug": "heby-2", "name": "Heby"}]

    plan = writes(rows, fleet(tenants=[*renamed, {"slug": "tierp", "name": "Tierp"}]))

    assert [(w.key, w.creates) for w in plan.writes] == [(("heby",), False), (("heby-2",), True)]


def test_what_others_have_named_keeps_its_name_and_one_that_is_taken_is_told() -> None:
    rows = made(fleet())
    (lab,) = (row for row in rows["tag"] if row["slug"] == "lab")
    lab |= {"name": "Lab equipment", "description": "everybody's"}

    (switches,) = (row for row in rows["platform"] if row["slug"] == "arubaos-cx")
    switches |= {"name": "Aruba CX", "custom_fields": {}}

    assert writes(rows, fleet()).writes == ()
    with pytest.raises(InTheWay, match="'Lab equipment' is the name of tag lab in NetBox"):
        writes(rows, fleet(tags=[{"slug": "lab", "name": "Labb"}, {"slug": "other", "name": "Lab equipment"}]))


ROLES = {"samdrift": {"roles": {"base": True}}}
OTHERS_NESTED = {
    "regions": [
        {"slug": "norra-uppland", "name": "Norra Uppland", "parent": "uppland"},
        {"slug": "uppland", "name": "Uppland"},
    ],
    "tenants": [{"slug": t, "name": t.title(), "group": "kommuner"} for t in ("heby", "tierp")],
    "tenant_groups": [{"slug": "kommuner", "name": "Kommuner"}],
}


@pytest.mark.parametrize(
    ("assigned", "reaches"),
    [
        ({}, True),
        ({"device_roles": ["server"]}, True),
        ({"device_roles": ["edge-gateway"]}, False),
        ({"regions": ["uppland"]}, True),
        ({"regions": ["uppland"], "device_roles": ["server"], "sites": ["heby-kommunhus"]}, False),
        ({"tenant_groups": ["kommuner"], "platforms": ["debian-13"], "clusters": ["kvm"]}, True),
        ({"tenants": ["heby"]}, False),
        ({"tags": ["lab"]}, False),
        ({"tags": ["lab"], "is_active": False}, False),
    ],
)
def test_a_config_context_that_would_give_roles_to_hosts_of_others_is_in_the_way(
    assigned: dict[str, Any], reaches: bool
) -> None:
    """`tie-dns1` runs in NetBox, without roles; the fleet to be written has `heb-gw1` alone."""
    nobody: dict[str, Any] = {"context": {}}
    theirs = with_hosts(GATEWAY | nobody, SERVER | nobody, config_contexts=[], **OTHERS_NESTED)
    rows = made(theirs)
    context = {"name": "base", "data": ROLES, "weight": 1000} | assigned
    ours = with_hosts(GATEWAY, config_contexts=[context], **OTHERS_NESTED)

    if not reaches:
        assert writes(rows, ours).writes
        return
    with pytest.raises(InTheWay) as caught:
        writes(rows, ours)
    (problem,) = caught.value.problems
    assert (problem.rule, problem.where) == ("netbox-strangers", "config context base")
    assert "tie-dns1" in str(problem)


def test_a_host_of_others_that_has_roles_already_is_no_stranger() -> None:
    theirs = with_hosts(GATEWAY, SERVER, config_contexts=[{"name": "theirs", "data": ROLES, "weight": 1}])
    ours = with_hosts(GATEWAY, config_contexts=[{"name": "ours", "data": ROLES, "weight": 2}])

    assert [w.key for w in writes(made(theirs), ours).writes if w.creates] == [("ours",)]


def test_an_error_of_a_bulk_write_names_the_object_and_the_field() -> None:
    plan = writes(nothing(), fleet())
    some = [w for w in plan.writes if w.kind.name == "tenant"]
    rows = [_row(w, plan.ids) for w in some]
    body = {"detail": "1 of 2", "errors": [{"index": 1, "errors": {"slug": ["too long"], "name": "odd"}}]}

    error = _named(NetBoxError("refused", status=400, body=body), some, rows)

    assert str(error).startswith("tenant tierp: NetBox refuses it (400): slug: too long; name: odd (mend it")
