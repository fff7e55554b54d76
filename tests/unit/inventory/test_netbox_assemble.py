"""NetBox's rows become the fleet that they say; what no fleet can hold is told, all of it; text stays text."""

from __future__ import annotations

import copy
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inventory import rules, snapshot
from inventory.errors import InventoryError
from inventory.netbox.assemble import assembled
from inventory.netbox.making import slug_of
from inventory.netbox.pull import fleet_of, parts_of
from inventory.netbox.rows import Rows
from tests.unit.inventory.fleets import GATEWAY, SERVER, fleet, ours, with_hosts
from tests.unit.inventory.netbox_rows import rows_of


def changed(kind: str, number: int, **fields: Any) -> Rows:
    """The small sound fleet's rows with one row otherwise."""
    rows = copy.deepcopy(rows_of(fleet()))
    rows.of[kind][number].update(fields)
    return rows


def complaints(rows: Rows) -> list[str]:
    with pytest.raises(InventoryError) as caught:
        fleet_of(rows)
    return [str(p) for p in caught.value.problems]


def said(rows: Rows) -> list[str]:
    """What is wrong with managed hosts, and what is left out."""
    made = parts_of(rows)
    return [*map(str, made.problems), *(f"{one.kind} {one.name}, {one.reason}" for one in made.left_out)]


def test_rows_of_a_fleet_are_that_fleet() -> None:
    assert fleet_of(rows_of(fleet())).digest == ours(fleet()).digest


def test_rows_of_the_shipped_snapshot_are_the_shipped_snapshot() -> None:
    shipped = snapshot.load()

    assert fleet_of(rows_of(shipped)) == shipped


def test_services_local_contexts_and_every_status_come_through() -> None:
    services = [{"name": "dns", "protocol": "tcp", "ports": [53]}, {"name": "dns", "protocol": "udp", "ports": [53]}]
    host = SERVER | {"services": services, "local_context": {"samdrift": {"wave": 7}}, "status": "paused"}
    wanted = with_hosts(host)

    assert fleet_of(rows_of(wanted)).digest == ours(wanted).digest


LAG = {"name": "lag1", "type": "lag"}


def test_a_member_of_a_lag_has_its_name_whatever_netbox_s_order() -> None:
    for lag in ([LAG, {"name": "lan1", "lag": "lag1"}], [{"name": "lan1", "lag": "lag1"}, LAG]):
        wanted = with_hosts(GATEWAY | {"interfaces": [*GATEWAY["interfaces"], *lag]})
        assert fleet_of(rows_of(wanted)) == ours(wanted)


def test_a_lag_of_another_device_is_told() -> None:
    rows = rows_of(with_hosts(GATEWAY | {"interfaces": [*GATEWAY["interfaces"], LAG, {"name": "lan1", "lag": "lag1"}]}))
    rows.of["interfaces"][3]["device"] = 9
    assert any("interface lan1, lag: is another device's" in line for line in complaints(rows))


def test_a_service_of_two_protocols_becomes_two() -> None:
    rows = rows_of(with_hosts(SERVER | {"services": [{"name": "dns", "protocol": "tcp", "ports": [53]}]}))
    rows.of["services"][1]["port_mappings"] = ["tcp/53", "udp/53", "tcp/853"]

    found = fleet_of(rows).host("tie-dns1").services

    assert [(s.protocol, s.ports) for s in found] == [("tcp", (53, 853)), ("udp", (53,))]


@pytest.mark.parametrize(
    ("kind", "number", "fields", "words"),
    [
        ("devices", 1, {"tenant": None}, "host heb-gw1, tenant: heb-gw1 has no tenant"),
        ("virtual_machines", 1, {"site": None}, "host tie-dns1, site: tie-dns1 has no site"),
        ("prefixes", 1, {"custom_fields": {"gateway": "x"}}, "prefix 10.59.0.0/24, custom field gateway "),
        (
            "ranges",
            1,
            {"end_address": "10.0.0.300/24"},
            "range 10.63.10.100/24, end value error, '10.0.0.300' does not",
        ),
        ("ip_addresses", 1, {"address": "10.0.0.300/24"}, "device heb-gw1, interfaces.wan0.addresses.0: "),
        ("vm_interfaces", 1, {"name": None}, "virtual machine tie-dns1, interfaces.None.name: is not set"),
    ],
)
def test_what_no_fleet_can_hold_is_told_by_object_and_field(
    kind: str, number: int, fields: dict[str, Any], words: str
) -> None:
    assert any(line.startswith(words) for line in said(changed(kind, number, **fields)))


def test_everything_that_is_wrong_is_told_at_once() -> None:
    rows = changed("devices", 1, tenant=None, platform=None)
    rows.of["virtual_machines"][1]["site"] = None

    lines = complaints(rows)

    assert sum("[host-complete]" in line for line in lines) == 3


def test_two_hosts_of_one_name_are_told_and_none_is_overwritten() -> None:
    rows = changed("devices", 1, name="tie-dns1")

    assert len(assembled(rows).fleet.hosts) == 2
    assert any("host tie-dns1 is there more than once [duplicate]" in line for line in complaints(rows))


def test_a_cluster_without_a_slug_of_its_own_has_the_one_that_netbox_would_make() -> None:
    rows = changed("clusters", 1, name="Tierp KVM", custom_fields={"slug": None})

    assert assembled(rows).fleet.clusters[0].slug == "tierp-kvm"
    assert slug_of("Östhammars  kluster, nr 2") == "osthammars-kluster-nr-2"


# Untrusted

HOSTILE = st.one_of(
    st.sampled_from(
        [
            "$(reboot)",
            "`id`",
            "a; rm -rf /",
            "{{ 7*7 }}",
            "{% include '/etc/passwd' %}",
            "../../etc/passwd",
            "a\nb",
            "!!python/object/apply:os.system [id]",
            "&a *a",
            "- x: y",
            "# no",
            "\x1b[2J",
            "null",
            "010",
            "1e3",
            "é\u202eevil",
            "'\"",
            "",
        ]
    ),
    st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=30),
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | HOSTILE,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(HOSTILE, inner, max_size=3),
    max_leaves=8,
)
PLACES = st.sampled_from(
    [
        ("devices", "name"),
        ("devices", "serial"),
        ("devices", "description"),
        ("virtual_machines", "description"),
        ("interfaces", "name"),
        ("interfaces", "description"),
        ("sites", "name"),
        ("sites", "slug"),
        ("sites", "facility"),
        ("tenants", "slug"),
        ("tenants", "name"),
        ("tags", "name"),
        ("vlans", "name"),
        ("clusters", "name"),
        ("config_contexts", "name"),
        ("prefixes", "description"),
        ("ranges", "description"),
    ]
)


def as_it_came(rows: Rows) -> None:
    """Sound, and written and read as the same fleet; or refused, in lines that a terminal can show."""
    made = assembled(rows)
    problems = (*made.problems, *rules.problems(made.fleet))
    if problems:
        assert all(str(p).isprintable() for p in problems)
        return
    found = made.fleet
    with TemporaryDirectory() as directory:
        place = Path(directory) / "inventory"
        snapshot.dump(found, place)
        assert snapshot.read(place).fleet == found
        assert {p.name for p in Path(directory).iterdir()} == {"inventory"}


@pytest.mark.long
@settings(max_examples=300)
@given(places=st.lists(st.tuples(PLACES, HOSTILE), min_size=1, max_size=3))
def test_hostile_text_comes_through_as_text_or_is_refused(places: list[tuple[tuple[str, str], str]]) -> None:
    rows = copy.deepcopy(rows_of(fleet()))
    for (kind, field), text in places:
        rows.of[kind][1][field] = text
    as_it_came(rows)
    for (kind, field), text in places[-1:]:
        kept = {"devices": "hosts", "virtual_machines": "hosts"}.get(kind, kind)
        named = rows.of[kind][1].get("name", "a prefix has none")  # what has no name is left out
        if field == "description" and kind != "interfaces" and named:
            assert text in {getattr(x, field) for x in getattr(assembled(rows).fleet, kept)}


@pytest.mark.long
@settings(max_examples=200)
@given(data=st.dictionaries(HOSTILE, JSON, max_size=3), samdrift=JSON)
def test_hostile_config_contexts_come_through_as_data_or_are_refused(data: dict[str, Any], samdrift: Any) -> None:
    rows = copy.deepcopy(rows_of(fleet()))
    context = data | {"samdrift": samdrift}
    rows.of["devices"][1]["config_context"] = context
    rows.of["config_contexts"][1]["data"] = context

    assert assembled(rows).fleet.host("heb-gw1").context == context
    as_it_came(rows)


@settings(max_examples=100)
@given(keys=HOSTILE)
def test_hostile_host_keys_are_no_keys(keys: str) -> None:
    rows = changed("devices", 1, custom_fields={"ssh_host_keys": keys})
    found = assembled(rows).fleet

    assert not found.host("heb-gw1").host_keys or any(p.rule == "host-key" for p in rules.problems(found))
