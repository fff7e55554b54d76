"""What is not samdrift's stops nothing; what is wrong costs the managed hosts that depend on it, and nobody else."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inventory import rules
from inventory.errors import Problem
from inventory.fleet import Fleet
from inventory.keys import KEYS
from inventory.order import in_order
from inventory.parts import NOT_IN_SCOPE, NOT_THERE, Parts, is_asked_for, parts
from inventory.scope import Scope
from roles.shared.intent import Intent
from tests.unit.inventory.fleets import GATEWAY, KEY_A, KEY_B, SERVER, SOUND, fleet, interfaces
from tests.unit.inventory.sound_fleets import BREAKS, fleet_of, sound
from tests.unit.inventory.wild_fleet import seeded_random, wild_fleet

FOREIGN: dict[str, list[dict[str, Any]]] = {
    "tenants": [{"slug": "dunder_mifflin", "name": "Dunder & Mifflin <Inc.>"}],
    "sites": [{"slug": "DM-Akron", "name": "Akron; rm -rf", "tenant": "dunder_mifflin", "asns": [64603]}],
    "device_roles": [{"slug": "pdu", "name": "PDU"}],
    "device_types": [{"slug": "ap7901", "manufacturer": "apc", "model": "AP7901"}],
    "manufacturers": [{"slug": "apc", "name": "APC"}],
    "vlans": [{"vid": 10, "name": "Data", "site": "DM-Akron"}, {"vid": 10, "name": "Data"}],
    "prefixes": [
        {"prefix": "10.63.10.0/25", "site": "DM-Akron", "gateway": "10.0.0.1"},
        {"prefix": "10.60.0.0/16", "vrf": "red"},
        {"prefix": "192.168.0.0/16"},
    ],
    "vrfs": [{"name": "red"}, {"name": "red"}],
    "ranges": [{"start": "192.168.9.1", "end": "192.168.9.9"}],
    "config_contexts": [{"name": "ntp & co", "sites": ["DM-Akron"], "data": {"ntp_servers": ["a"], "samdrift": []}}],
    "hosts": [
        {"name": "dmi01-pdu", "kind": "device", "site": "DM-Akron", "role": "pdu", "device_type": "ap7901"},
        {"name": "Rack 3: panel", "kind": "device", "status": "maintenance"},
        {"name": "Rack 3: panel", "kind": "device", "interfaces": interfaces("10.60.10.11/24")},
        {"name": "vm", "kind": "vm", "site": "DM-Akron", "host_keys": ["x"], "context": {"ntp_servers": ["a"]}},
    ],
    "cables": [{"a": "dmi01-pdu:x", "b": "Rack 3: panel:y"}],
}


SPARE: dict[str, Any] = SERVER | {
    "name": "tie-new1",
    "context": {},
    "interfaces": [],
    "primary_address": None,
    "host_keys": [],
}
"""A server at a managed host's site that is there and has no roles."""


def beside(ours: dict[str, list[dict[str, Any]]] = SOUND) -> Fleet:
    """The small sound fleet in one NetBox with somebody else's."""
    return in_order(Fleet.model_validate({s: [*ours.get(s, ()), *FOREIGN.get(s, ())] for s in KEYS}))


def costs(made: Parts) -> set[tuple[str, str]]:
    return {(p.host, p.rule) for p in made.problems}


def known(made: Parts) -> list[str]:
    return [h.name for h in made.fleet.hosts]


def test_somebody_elses_inventory_beside_ours_changes_nothing() -> None:
    alone, together = parts(in_order(fleet())), parts(beside())

    assert together.problems == ()
    assert together.fleet.digest == alone.fleet.digest


def test_everything_that_is_left_out_is_told_with_the_reason() -> None:
    left = parts(beside()).left_out

    assert ("device", "dmi01-pdu", NOT_THERE) in left
    kept, whole = parts(beside()).fleet, beside()
    assert len(left) == sum(len(getattr(whole, s)) - len(getattr(kept, s)) for s in KEYS)


def test_a_site_stays_ours_when_its_only_host_with_roles_is_planned_or_down() -> None:
    for status in ("planned", "offline", "failed", "decommissioning"):
        made = parts(fleet(hosts=[GATEWAY, SERVER | {"status": status}]))

        assert known(made) == ["heb-gw1", "tie-dns1"]
        assert [str(p.prefix) for p in made.fleet.prefixes] == ["10.59.0.0/24", "10.60.10.0/24", "10.63.10.0/24"]


def test_a_known_host_stands_at_a_managed_hosts_site_or_at_the_end_of_its_cable() -> None:
    planned = SERVER | {"name": "tie-new1", "status": "planned", "context": {}, "interfaces": [], "host_keys": []}
    camera = {"name": "Camera 1 (entré)", "kind": "device", "interfaces": [{"name": "eth0"}]}
    far = {"name": "far", "kind": "device", "interfaces": [{"name": "eth0"}, {"name": "eth1"}]}
    cables = [{"a": "heb-gw1:wan0", "b": "Camera 1 (entré):eth0"}, {"a": "Camera 1 (entré):eth1", "b": "far:eth1"}]
    made = parts(fleet(hosts=[*SOUND["hosts"], planned | {"primary_address": None}, camera, far], cables=cables))

    assert known(made) == ["heb-gw1", "tie-dns1", "tie-new1", "Camera 1 (entré)"]
    assert [(c.a, c.b) for c in made.fleet.cables] == [("heb-gw1:wan0", "Camera 1 (entré):eth0")]
    assert made.problems == ()


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"name": "tie_dns9"}, "its name makes no DNS label"),
        ({"name": "sw1.example.org"}, "its name makes no DNS label"),
        ({"name": "tie-dns1"}, "another has its name"),
        ({"tenant": ""}, "it has no tenant, site, device role or platform"),
        ({"platform": ""}, "it has no tenant, site, device role or platform"),
        ({"description": "a\x1b[2J"}, "a text of it has characters that cannot be printed"),
    ],
)
def test_a_host_that_would_be_known_and_cannot_be_used_is_left_out(fields: dict[str, str], reason: str) -> None:
    made = parts(fleet(hosts=[*SOUND["hosts"], SPARE | fields]))

    assert [(one.kind, one.reason) for one in made.left_out if one.kind == "virtual machine"] == [
        ("virtual machine", reason)
    ]
    assert made.problems == ()
    assert known(made) == ["heb-gw1", "tie-dns1"]


def test_what_else_is_wrong_with_a_known_host_is_nobodys_trouble() -> None:
    spare = SERVER | {"name": "tie-new1", "context": {}, "host_keys": ["x"], "status": "maintenance"}
    bad = spare | {"primary_address": "10.99.9.9", "interfaces": interfaces("10.99.9.8/24"), "cluster": None}
    made = parts(fleet(hosts=[*SOUND["hosts"], bad]))

    assert made.problems == ()
    assert "tie-new1" in known(made)


def test_two_known_hosts_may_have_one_address_and_a_managed_one_may_not() -> None:
    spare = SERVER | {"context": {}, "host_keys": []}
    twice = [spare | {"name": f"tie-new{n}", "interfaces": interfaces("10.60.10.99/24")} for n in (1, 2)]
    free = [host | {"primary_address": "10.60.10.99"} for host in twice]
    assert parts(fleet(hosts=[*SOUND["hosts"], *free])).problems == ()

    assert costs(parts(fleet(hosts=[*SOUND["hosts"], spare | {"name": "tie-new1"}]))) == {("tie-dns1", "address-twice")}
    assert costs(parts(fleet(hosts=[spare | {"name": "a-first"}, *SOUND["hosts"]]))) == {("tie-dns1", "address-twice")}


@pytest.mark.parametrize(
    ("broken", "hosts"),
    [
        (fleet(hosts=[GATEWAY | {"host_keys": []}, SERVER]), {"heb-gw1"}),
        (fleet(hosts=[GATEWAY | {"host_keys": [KEY_B]}, SERVER]), {"heb-gw1", "tie-dns1"}),
        (fleet(hosts=[GATEWAY, SERVER | {"tenant": ""}]), {"tie-dns1"}),
        (fleet(hosts=[GATEWAY, SERVER | {"site": ""}]), {"tie-dns1"}),
        (fleet(hosts=[GATEWAY, SERVER | {"platform": "x"}]), {"tie-dns1"}),
        (fleet(sites=[SOUND["sites"][0] | {"tenant": ""}, SOUND["sites"][1]]), {"heb-gw1"}),
        (fleet(tags=[{"slug": "Lab", "name": "x"}, *SOUND["tags"]]), set()),
        (fleet(clusters=[SOUND["clusters"][0] | {"type": "x"}]), {"tie-dns1"}),
        (fleet(manufacturers=[]), {"heb-gw1"}),
        (fleet(vlans=[]), {"heb-gw1"}),
        (fleet(vlans=[*SOUND["vlans"], SOUND["vlans"][0] | {"vid": 20}]), {"heb-gw1"}),
        (fleet(prefixes=[SOUND["prefixes"][0], *SOUND["prefixes"][2:]]), {"tie-dns1"}),
        (fleet(prefixes=[*SOUND["prefixes"][:2], SOUND["prefixes"][2] | {"gateway": "1.2.3.4"}]), {"heb-gw1"}),
        (fleet(ranges=[{"start": "10.63.10.9", "end": "10.63.10.3"}]), {"heb-gw1"}),
        (fleet(cables=[{"a": "heb-gw1:wan0", "b": "gone:eth0"}]), {"heb-gw1"}),
        (fleet(hosts=[GATEWAY, SERVER | {"context": {"samdrift": {"roles": ["base"]}}}]), {"tie-dns1"}),
        (fleet(hosts=[GATEWAY, SERVER | {"context": {"samdirft": {"roles": {"base": True}}}}]), {"tie-dns1"}),
        (fleet(hosts=[GATEWAY, SERVER | {"context": {"samdrift": {"roles": {"base": False}}}}]), set()),
        (fleet(hosts=[GATEWAY, SERVER | {"context": {"ntp": "x", "samba": {"drift": 1}}}]), set()),
    ],
)
def test_a_fault_costs_the_managed_hosts_that_depend_on_it(broken: Fleet, hosts: set[str]) -> None:
    made = parts(in_order(broken))

    assert {p.host for p in made.problems} == hosts
    assert {p.municipality for p in made.problems} <= {"heby", "tierp"}


def test_a_fault_in_a_config_context_costs_those_that_were_given_it() -> None:
    wrong = {"samdrift": {"wave": 1000}}
    contexts = [{"name": "all", "data": wrong}]
    given = SERVER["context"] | {"samdrift": SERVER["context"]["samdrift"] | {"wave": 1000}}  # type: ignore[operator,index]
    made = parts(fleet(config_contexts=contexts, hosts=[GATEWAY, SERVER | {"context": given}]))

    assert costs(made) == {("tie-dns1", "context")}
    assert made.problems[0].where == "config context all, data.samdrift.wave"


def test_what_only_the_source_can_tell_is_told_of_managed_hosts_and_of_those_that_no_fleet_holds() -> None:
    told = [
        Problem("netbox", f"device {name}, lag", "is another's", host=name) for name in ("heb-gw1", "x", "tie-new1")
    ]
    made = parts(fleet(hosts=[*SOUND["hosts"], SPARE]), reported=told)

    assert [p.host for p in made.problems] == [p.host for p in made.reported] == ["heb-gw1", "x"]


# The scope


@pytest.mark.parametrize(
    ("scope", "names"),
    [
        ({"tenants": ["tierp"]}, ["tie-dns1"]),
        ({"tenants": ["tierp", "heby"]}, ["heb-gw1", "tie-dns1"]),
        ({"regions": ["norra-uppland"], "tenants": ["heby"]}, ["heb-gw1"]),
        ({"tags": ["lab"]}, ["heb-gw1"]),
        ({"not": {"tags": ["lab"]}}, ["tie-dns1"]),
        ({"sites": ["tierp-datahall"], "not": {"tenants": ["tierp"]}}, []),
        ({"regions": ["over"]}, ["heb-gw1", "tie-dns1"]),
    ],
)
def test_hosts_outside_the_scope_are_left_out_and_what_the_others_need_comes_along(
    scope: dict[str, Any], names: list[str]
) -> None:
    regions = [{"slug": "norra-uppland", "name": "N", "parent": "over"}, {"slug": "over", "name": "O"}]
    made = parts(fleet(cables=[], regions=regions), scope=Scope.model_validate(scope))

    assert known(made) == names
    assert {one.reason for one in made.left_out if one.kind in {"device", "virtual machine"}} <= {NOT_IN_SCOPE}
    for host in made.fleet.hosts:
        assert all(any(a.ip in p.prefix for p in made.fleet.prefixes) for a in host.addresses)


def test_who_is_cabled_to_a_managed_host_is_known_though_it_is_outside_the_scope() -> None:
    bare: dict[str, Any] = {"primary_address": None, "tags": [], "host_keys": [], "wireguard_public_key": ""}
    switch = GATEWAY | bare | {"name": "heb-sw1", "interfaces": [{"name": "p1"}]}
    both = fleet(hosts=[GATEWAY, SERVER, switch], cables=[{"a": "heb-gw1:lan0", "b": "heb-sw1:p1"}])
    made = parts(both, scope=Scope.model_validate({"tags": ["lab"]}))

    assert known(made) == ["heb-gw1", "heb-sw1"]
    assert costs(made) == set()


# Whatever a NetBox holds


@st.composite
def spoiled(draw: st.DrawFn) -> Fleet:
    """A fleet with up to four faults, wherever they are."""
    data = copy.deepcopy(draw(sound()))
    for rule in draw(st.lists(st.sampled_from(sorted(BREAKS)), max_size=4)):
        try:
            draw(st.sampled_from(BREAKS[rule]))(data, draw(st.integers(0, len(data["sites"]) - 1)))
        except LookupError:
            continue  # a fault before it took away what this one breaks
    return in_order(fleet_of(data))


@pytest.mark.long
@given(spoiled())
@settings(max_examples=60)
def test_every_managed_host_is_in_the_part_and_the_part_of_the_part_is_the_part(whole: Fleet) -> None:
    made = parts(whole)
    again = parts(made.fleet)

    assert {h.name for h in whole.hosts if is_asked_for(h)} <= set(known(made))
    assert {p.host for p in made.problems} <= {h.name for h in whole.hosts if is_asked_for(h)}
    assert again.fleet == made.fleet
    assert set(again.problems) == set(made.problems)
    assert again.left_out == ()


@pytest.mark.long
@given(spoiled())
@settings(max_examples=40)
def test_a_fault_of_a_managed_host_itself_always_costs_it(whole: Fleet) -> None:
    made = parts(whole)
    ours = {i for i, h in enumerate(made.fleet.hosts) if is_asked_for(h)}
    own = {int(f.path[1]) for f, _ in rules.found(made.fleet) if f.path[0] == "hosts"}

    assert {made.fleet.hosts[i].name for i in own & ours} <= {p.host for p in made.problems}


@given(spoiled(), st.data())
@settings(max_examples=40)
def test_a_host_that_is_managed_no_more_makes_no_other_unsound_but_by_what_it_held(
    whole: Fleet, data: st.DataObject
) -> None:
    managed = [h.name for h in whole.hosts if is_asked_for(h)]
    if not managed:
        return
    gone = data.draw(st.sampled_from(managed))
    less = tuple(h.model_copy(update={"status": "offline"}) if h.name == gone else h for h in whole.hosts)
    before, after = parts(whole), parts(whole.model_copy(update={"hosts": less}))

    held = ("gateway-host", "own-way-out")
    assert {c for c in costs(after) if c[1] not in held} <= costs(before)


@given(spoiled())
@settings(max_examples=10)
def test_roles_never_stop_at_what_a_fleet_lacks(whole: Fleet) -> None:
    made = parts(whole)
    intent = Intent(made.fleet, made.problems)

    for host in made.fleet.hosts:
        assert {p.host for p in intent.problems(host)} <= {host.name}


@given(st.integers(0, 10_000))
@settings(max_examples=25)
def test_whatever_texts_and_references_a_fleet_has_its_part_is_found_and_stays(number: int) -> None:
    wild = wild_fleet(seeded_random(number))
    given = {"status": "active", "context": {"samdrift": {"roles": {"base": True}}}}
    hosts = tuple(h.model_copy(update=given) if i % 7 == number % 7 else h for i, h in enumerate(wild.hosts))
    whole = wild.model_copy(update={"hosts": hosts})
    made = parts(whole)
    again = parts(made.fleet)

    assert again.fleet == made.fleet
    assert set(again.problems) == set(made.problems)
    assert again.left_out == ()
    assert {h.name for h in whole.hosts if is_asked_for(h)} <= set(known(made))
    assert all(one.name.isprintable() and one.reason for one in made.left_out)


def test_a_host_that_builds_on_one_that_is_not_sound_drops_out_with_it_only_if_it_must() -> None:
    log = SERVER | {"name": "tie-log1", "context": {"samdrift": {"roles": {"log_server": True}}}, "host_keys": [KEY_A]}
    client = SERVER | {"context": {"samdrift": {"roles": {"log_client": True}}}}
    at = {"interfaces": interfaces("10.60.10.12/24"), "primary_address": "10.60.10.12"}

    def costly(fields: dict[str, Any]) -> dict[str, set[str]]:
        made = parts(fleet(hosts=[client, log | at | fields], cables=[], prefixes=SOUND["prefixes"][1:2], ranges=[]))
        intent = Intent(made.fleet, made.problems)
        return {h.name: {p.rule for p in intent.problems(h)} - {"role-firewall"} for h in made.fleet.hosts}

    assert costly({}) == {"tie-dns1": set(), "tie-log1": set()}
    assert costly({"host_keys": ["x"]}) == {"tie-dns1": set(), "tie-log1": {"host-key"}}
    lost = costly({"primary_address": None})
    assert lost["tie-dns1"] <= {"role-settings"}
    assert "host-address" in lost["tie-log1"]
