"""What other programs that read a NetBox stopped at, in a NetBox that others use beside us: it is left out, or costs
the one host that has it.
"""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inventory import snapshot
from inventory.fleet import Fleet
from inventory.netbox.pull import parts_of
from inventory.netbox.rows import Rows
from inventory.parts import Parts
from tests.unit.inventory.fleets import GATEWAY, SERVER, SOUND, fleet, ours
from tests.unit.inventory.netbox_rows import rows_of

BARE: dict[str, Any] = {"context": {}, "tags": [], "host_keys": [], "primary_address": None, "wireguard_public_key": ""}
SITE = {"slug": "elsewhere", "name": "Elsewhere", "tenant": "heby", "region": "norra-uppland"}


def others(*hosts: dict[str, Any]) -> Rows:
    """The small sound fleet's rows, with more devices at somebody else's site."""
    more = [GATEWAY | BARE | {"interfaces": [], "site": "elsewhere", "name": f"zz{n}"} | h for n, h in enumerate(hosts)]
    return copy.deepcopy(rows_of(fleet(hosts=[*SOUND["hosts"], *more], sites=[*SOUND["sites"], SITE])))


def with_rows(rows: Rows, **fields: Any) -> Rows:
    """These rows, in which somebody else's devices say this."""
    for row in rows.of["devices"].values():
        if str(row["name"]).startswith("zz"):
            row.update(fields)
    return rows


@pytest.mark.parametrize(
    "fields",
    [
        {"platform": None},  # patch panels, PDUs, shelves
        {"tenant": None},
        {"name": None},  # members of a stack, cable management
        {"name": ""},
        {"name": "1U Cable Management"},  # hundreds of one name
        {"name": "AP-1.hq.example.org, 3rd floor <left>"},
        {"status": "maintenance"},
        {"status": "inventory", "platform": None, "tenant": None},
        {"primary_ip4": 1},  # moved to the device that replaced it
        {"local_context_data": {"samba": {"roles": ["x"]}}, "config_context": {"ntp_servers": ["a"]}},
        {"description": "\x1b[2J{{ x }}‹secret:x›"},
        {"serial": "HEB1"},
        {"custom_fields": {"ssh_host_keys": "none yet"}},
    ],
)
def test_a_device_of_somebody_else_stops_nothing_whatever_it_lacks(fields: dict[str, Any]) -> None:
    made = parts_of(with_rows(others({}, {}), **fields))

    assert made.problems == ()
    assert made.fleet.digest == ours(fleet()).digest
    assert sum(one.kind == "device" for one in made.left_out) == 2


def test_two_devices_of_one_name_at_two_sites_are_two_and_ours_is_the_managed_one() -> None:
    made = parts_of(others({"name": "heb-gw1"}))

    assert made.problems == ()
    assert made.fleet.digest == ours(fleet()).digest


def test_two_managed_hosts_of_one_name_are_told_both() -> None:
    given = {"context": GATEWAY["context"], "primary_address": None}
    made = parts_of(others({"name": "heb-gw1"} | given))

    assert [p.host for p in made.problems if p.rule == "duplicate"] == ["heb-gw1"]
    assert {p.host for p in made.problems} == {"heb-gw1"}


@pytest.mark.parametrize(
    ("kind", "fields", "host"),
    [
        ("devices", {"platform": None}, "heb-gw1"),
        ("devices", {"tenant": None}, "heb-gw1"),
        ("devices", {"role": None}, "heb-gw1"),
        ("devices", {"primary_ip4": None}, "heb-gw1"),
        ("devices", {"name": "heb-gw1.example.org"}, "heb-gw1.example.org"),
        ("devices", {"name": None}, "number 1"),
        ("virtual_machines", {"site": None}, "tie-dns1"),
        ("virtual_machines", {"cluster": None}, "tie-dns1"),
        ("sites", {"tenant": None}, "heb-gw1"),
        ("prefixes", {"custom_fields": {"gateway": "10.59.0.63/24"}}, "heb-gw1"),
    ],
)
def test_what_a_managed_host_lacks_costs_that_host_alone(kind: str, fields: dict[str, Any], host: str) -> None:
    rows = others({})
    rows.of[kind][1].update(fields)

    assert {p.host for p in parts_of(rows).problems} == {host}


def test_a_port_whose_cable_leads_to_an_unnamed_device_is_no_edge_port_unseen() -> None:
    switch = {"name": "zz-core", "interfaces": [{"name": "p1"}]}
    hosts = [*SOUND["hosts"], GATEWAY | BARE | switch]
    rows = copy.deepcopy(rows_of(fleet(hosts=hosts, cables=[{"a": "heb-gw1:lan0", "b": "zz-core:p1"}])))
    with_rows(rows, name=None)

    made = parts_of(rows)

    assert [(p.host, p.where) for p in made.problems] == [("heb-gw1", "interface lan0, cable")]
    assert [p.host for p in made.reported] == ["heb-gw1"]


def through_a_snapshot(made: Parts, directory: Any) -> Fleet:
    snapshot.dump(made.fleet, directory)
    return snapshot.parts_of(directory).fleet


@given(
    st.lists(st.sampled_from(["platform", "tenant", "role", "name", "status", "primary_ip4"]), max_size=4),
    st.booleans(),
)
@settings(max_examples=25)
def test_a_pull_never_stops_and_its_snapshot_is_the_same_fleet(
    tmp_path_factory: pytest.TempPathFactory, lacking: list[str], first: bool
) -> None:
    rows = others({})
    for name in lacking:
        rows.of["devices"][1 if first else 2][name] = None if name != "status" else "staged"
    made = parts_of(rows)

    again = through_a_snapshot(made, tmp_path_factory.mktemp("s") / "inventory")

    assert again.digest == made.fleet.digest
    assert "tie-dns1" not in {p.host for p in made.problems}
    assert SERVER["name"] in {h.name for h in again.hosts}
