"""NetBox's own shapes are read as they are meant: what it nests, scopes, shares, stacks and patches."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inventory.fleet import Fleet, Host, Interface
from inventory.netbox.assemble import Assembled, assembled
from inventory.netbox.assemble_links import traced
from inventory.netbox.rows import Rows, dangling
from inventory.order import in_order
from inventory.organisation import FAMILIES
from roles.shared.catalogue import catalogue
from tests.unit.inventory.fleets import fleet
from tests.unit.inventory.netbox_rows import rows_of, table
from tests.unit.inventory.wild_fleet import seeded_random, wild_fleet


def small() -> Rows:
    """The small fleet's rows, to be changed."""
    return copy.deepcopy(rows_of(fleet()))


def with_rows(**more: list[dict[str, Any]]) -> Rows:
    """The small fleet's rows and these, numbered from 50."""
    rows = small()
    for kind, added in more.items():
        for number, row in enumerate(added, 50):
            table(rows, kind)[number] = {"id": number} | row
    return rows


def made(rows: Rows) -> Fleet:
    found = assembled(rows)
    assert not found.problems
    return found.fleet


def reasons(found: Assembled) -> dict[str, str]:
    return {f"{one.kind} {one.name}": one.reason for one in found.left_out}


def gateway(rows: Rows) -> Host:
    return made(rows).host("heb-gw1")


def interface(rows: Rows, name: str = "wan0") -> Interface:
    return next(x for x in gateway(rows).interfaces if x.name == name)


@settings(max_examples=10)
@given(st.integers(0, 10**6))
def test_whatever_a_fleet_holds_comes_back_from_netbox_s_rows(number: int) -> None:
    wild = wild_fleet(seeded_random(number))
    rows = rows_of(wild)
    found = assembled(rows)

    assert found.fleet.digest == in_order(wild).digest
    assert (found.problems, found.left_out) == ((), ())
    assert not list(dangling(rows, rows.of))


def test_a_device_type_is_known_by_its_model_and_its_part_number() -> None:
    rows = small()
    assert made(rows).device_types[0].names == ("R1", "router")
    table(rows, "device_types")[1] |= {"model": "Aruba 6300M-48G-4SFP56", "part_number": "JL663A"}
    assert made(rows).device_types[0].names == ("Aruba 6300M-48G-4SFP56", "JL663A", "router")


# What NetBox nests


def test_what_is_nested_keeps_its_parent() -> None:
    rows = with_rows(
        regions=[{"name": "Sverige", "slug": "sverige", "parent": None}],
        site_groups=[{"name": "Skolor", "slug": "skolor", "parent": None}],
        tenant_groups=[{"name": "Kommuner", "slug": "kommuner", "parent": None}],
        locations=[
            {"name": "Plan 2", "slug": "plan-2", "site": 1, "parent": None},
            {"name": "Rum 7", "slug": "rum-7", "site": 1, "parent": 50},
        ],
    )
    rows["regions"][1]["parent"] = rows["sites"][1]["group"] = rows["tenants"][1]["group"] = 50
    rows["devices"][1]["location"] = 51

    found = made(rows)

    site = found.sites[0].slug
    assert found.regions_of(found.sites[0]) == ("norra-uppland", "sverige")
    assert (found.sites[0].group, found.tenants[0].group) == ("skolor", "kommuner")
    assert [(x.key, x.parent) for x in found.locations] == [(f"{site}/plan-2", None), (f"{site}/rum-7", "plan-2")]
    assert found.host("heb-gw1").location == f"{site}/rum-7"


def test_a_slug_that_netbox_lets_two_have_says_what_it_lies_in() -> None:
    rows = with_rows(
        device_roles=[
            {"name": "Switch", "slug": "switch", "description": "", "parent": None},
            {"name": "Skola", "slug": "skola", "description": "", "parent": None},
            {"name": "Switch", "slug": "switch", "description": "", "parent": 51},
        ],
        vlan_groups=[
            {"name": "Nät", "slug": "nat", "scope": "dcim.site:1"},
            {"name": "Nät", "slug": "nat", "scope": "dcim.region:1"},
        ],
    )
    rows["devices"][1]["role"] = 52
    found = made(rows)

    assert found.host("heb-gw1").role == "skola/switch"
    assert found.device_roles_of(found.host("heb-gw1")) == ("skola/switch", "skola")
    assert [g.slug for g in found.vlan_groups] == [f"{found.sites[0].slug}/nat", "norra-uppland/nat"]


def test_a_platform_has_the_family_of_the_one_above_it() -> None:
    above = {"name": "Linux", "slug": "linux", "description": "", "parent": None, "custom_fields": {"family": "debian"}}
    rows = with_rows(platforms=[above, {**above, "slug": "d14", "name": "D 14", "parent": 50, "custom_fields": {}}])

    assert made(rows).platform("d14").family == "debian"
    rows["platforms"][50]["parent"] = 51  # NetBox allows no circle; a row read between two changes may show one
    rows["platforms"][50]["custom_fields"] = {}
    assert made(rows).platform("d14").family is None


def test_a_platform_that_roles_are_for_is_known_by_its_slug() -> None:
    plain: dict[str, Any] = {
        "name": "Cisco IOS",
        "slug": "cisco-ios",
        "description": "",
        "parent": None,
        "custom_fields": {},
    }

    assert made(with_rows(platforms=[plain])).platform("cisco-ios").family == "cli"
    assert {slug for role in catalogue().values() for slug in role.platforms} == FAMILIES.keys()


# Networks


@pytest.mark.parametrize(
    ("scope", "field", "slug"),
    [
        ("dcim.site:1", "site", "heby-kommunhus"),
        ("dcim.region:1", "region", "norra-uppland"),
        ("dcim.sitegroup:50", "site_group", "skolor"),
        ("dcim.location:50", "location", "heby-kommunhus/plan-2"),
        (None, "", ""),
    ],
)
def test_a_prefix_and_a_vlan_group_are_scoped_to_anything_or_nothing(scope: str | None, field: str, slug: str) -> None:
    rows = with_rows(
        site_groups=[{"name": "Skolor", "slug": "skolor", "parent": None}],
        locations=[{"name": "Plan 2", "slug": "plan-2", "site": 1, "parent": None}],
        vlan_groups=[{"name": "Nät", "slug": "nat", "scope": scope}],
        vlans=[{"vid": 777, "name": "Grupp", "site": None, "group": 50, "role": None}],
    )
    rows["prefixes"][1]["scope"] = scope

    found = made(rows)

    assert found.vlan_groups[0].scope == (field, slug)
    assert (field, slug) in {p.scope for p in found.prefixes}
    meant = found.vlan_at("heby-kommunhus", 777)
    assert (meant is None) == (field == "site_group")  # the site is in no group
    assert meant is None or meant.group == "nat"


def test_one_number_in_two_groups_is_two_vlans() -> None:
    group = {"name": "A", "slug": "a", "scope": None}
    rows = with_rows(
        vlan_groups=[group, {"name": "B", "slug": "b", "scope": "dcim.site:1"}],
        vlans=[{"vid": 777, "name": n, "site": None, "group": g, "role": None} for n, g in (("X", 50), ("Y", 51))],
    )
    found = made(rows)

    assert {(v.group, v.name) for v in found.vlans if v.vid == 777} == {("a", "X"), ("b", "Y")}
    assert found.vlan_at("heby-kommunhus", 777) == next(v for v in found.vlans if v.name == "Y")


def test_what_is_in_no_use_is_left_out_and_says_why() -> None:
    prefix: dict[str, Any] = {"description": "", "scope": None, "vlan": None, "vrf": None, "custom_fields": {}}
    address = {"status": "active", "role": None, "vrf": None, "assigned_object": "dcim.interface:1"}
    panel = {"status": "connected", "profile": None, "label": "K7"}
    rows = with_rows(
        prefixes=[
            {"prefix": f"10.{n}.0.0/16", "status": s} | prefix
            for n, s in enumerate(("container", "reserved", "deprecated"))
        ],
        ranges=[
            {
                "start_address": "10.9.9.1/24",
                "end_address": "10.9.9.9/24",
                "status": "reserved",
                "vrf": None,
                "description": "",
            }
        ],
        vlan_groups=[{"name": "Skåp", "slug": "skap", "scope": "dcim.rack:4"}],
        vlans=[{"vid": 5, "name": "I skåp", "site": None, "group": 50, "role": None}]
        + [{"vid": 6, "name": n, "site": None, "group": None} for n in ("Ett", "Två")],
        ip_addresses=[
            {"address": "10.9.9.9/24"} | address | {"assigned_object": None},
            {"address": "10.9.9.10/24"} | address | {"status": "deprecated"},
            {"address": "fe80::1/64"} | address,
            {"address": "10.9.9.11/24"} | address | {"assigned_object": "ipam.fhrpgroup:50"},
        ],
        cables=[panel | {"a_terminations": ["dcim.powerport:1"], "b_terminations": ["dcim.poweroutlet:1"]}],
        devices=[small()["devices"][1] | {"name": None, "id": 50, "config_context": {}}],
        virtual_device_contexts=[{"name": "VDC1"}],
    )

    found = assembled(rows)

    assert found.fleet.digest == in_order(fleet()).digest
    assert reasons(found) == {
        "prefix 10.0.0.0/16": "it only contains others",
        "prefix 10.1.0.0/16": "it is reserved, and so not in use yet",
        "prefix 10.2.0.0/16": "it is deprecated, and so not in use any more",
        "range 10.9.9.1/24": "its status is reserved, and so nothing is lent from it",
        "VLAN group Skåp": "it is scoped to a rack",
        "VLAN I skåp": "its group is scoped to what samdrift does not know as a place",
        "VLAN Ett": "several have the number 6 there",
        "VLAN Två": "several have the number 6 there",
        "IP address 10.9.9.9/24": "no interface has it",
        "IP address 10.9.9.10/24": "its status is deprecated, and so it is not configured",
        "IP address fe80::1/64": "every interface has a link-local address, which is of no other link",
        "cable K7": "it links no interfaces",
        "device number 50": "name is not set",
        "virtual device context VDC1": "samdrift knows the device as a whole",
    }


# Addresses

USUAL = {"status": "active", "role": None, "vrf": None, "assigned_object": "dcim.interface:1"}


def test_both_families_are_read_everywhere() -> None:
    prefix = {"status": "active", "scope": "dcim.site:1", "vlan": None, "vrf": None, "description": ""}
    rows = with_rows(
        prefixes=[{"prefix": "2001:db8:1::/64", "custom_fields": {"gateway": "2001:DB8:1::1"}} | prefix],
        ranges=[
            {
                "start_address": "2001:db8:1::100/64",
                "end_address": "2001:db8:1::1ff/64",
                "status": "active",
                "vrf": None,
                "description": "",
            }
        ],
        ip_addresses=[{"address": "2001:db8:1::1/64"} | USUAL],
    )
    rows["devices"][1] |= {"primary_ip4": None, "primary_ip6": 50, "oob_ip": 1}

    found = made(rows)
    host = found.host("heb-gw1")

    assert str(host.address) == str(found.prefixes[-1].gateway) == "2001:db8:1::1"
    assert str(found.ranges[-1].end) == "2001:db8:1::1ff"
    assert [str(a) for a in host.addresses6] == ["2001:db8:1::1/64"]
    assert str(host.oob_address) == rows["ip_addresses"][1]["address"].partition("/")[0]


@pytest.mark.parametrize("role", ["anycast", "vip", "vrrp", "hsrp", "glbp", "carp"])
def test_an_address_that_is_shared_is_no_own_one(role: str) -> None:
    found = interface(with_rows(ip_addresses=[{"address": "10.59.0.9/24"} | USUAL | {"role": role}]))

    assert [(str(s.address), s.role) for s in found.shared_addresses] == [("10.59.0.9/24", role)]
    assert "10.59.0.9/24" not in map(str, found.addresses)


@pytest.mark.parametrize("role", ["loopback", "secondary", "", None])
def test_an_address_of_another_role_is_an_own_one(role: str | None) -> None:
    found = interface(with_rows(ip_addresses=[{"address": "10.59.0.9/24"} | USUAL | {"role": role}]))

    assert "10.59.0.9/24" in map(str, found.addresses)


@pytest.mark.parametrize(
    ("own_role", "role"), [(None, "vip"), ("", "vip"), ("loopback", "vip"), ("vrrp", "vrrp"), ("carp", "carp")]
)
def test_an_address_of_an_fhrp_group_is_shared_by_all_its_interfaces(own_role: Any, role: str) -> None:
    rows = with_rows(
        fhrp_assignments=[
            {"group": 50, "interface": "dcim.interface:1"},
            {"group": 50, "interface": "virtualization.vminterface:1"},
        ],
        ip_addresses=[{"address": "10.59.0.9/24"} | USUAL | {"role": own_role, "assigned_object": "ipam.fhrpgroup:50"}],
    )
    found = made(rows)

    for name in ("heb-gw1", "tie-dns1"):
        (shared,) = found.host(name).interfaces[0].shared_addresses
        assert (str(shared.address), shared.role) == ("10.59.0.9/24", role)


def test_one_address_in_two_vrfs_is_two() -> None:
    rows = with_rows(vrfs=[{"name": "Gäst", "rd": "65000:1", "description": ""}])
    own = rows["ip_addresses"][1]["address"]
    table(rows, "ip_addresses")[50] = (
        {"id": 50, "address": own} | USUAL | {"assigned_object": "dcim.interface:2", "vrf": 50}
    )
    for number in [
        i for i, r in rows["ip_addresses"].items() if r["assigned_object"] == "dcim.interface:2" and i != 50
    ]:
        del table(rows, "ip_addresses")[number]

    found = gateway(rows)

    assert [(x.vrf, *map(str, x.addresses)) for x in found.interfaces] == [("", own), ("Gäst", own)]


def test_an_address_of_another_vrf_than_its_interface_is_left_out() -> None:
    rows = with_rows(
        vrfs=[{"name": n, "rd": None, "description": ""} for n in "ab"],
        ip_addresses=[{"address": "10.59.0.9/24"} | USUAL | {"vrf": 51}],
    )
    rows["interfaces"][1]["vrf"] = 50

    found = assembled(rows)

    assert found.fleet.host("heb-gw1").interfaces[0].addresses == ()
    assert set(reasons(found).values()) == {"it is of another VRF than the interface that has it"}


# Interfaces


@pytest.mark.parametrize(
    ("mode", "untagged", "tagged", "kept", "carries"),
    [
        (None, None, [], None, None),
        ("", None, [], None, None),
        ("access", 1, [], None, "access"),
        ("access", None, [], "access", "access"),
        ("tagged", 1, [1], None, "tagged"),
        ("tagged", 1, [], "tagged", "tagged"),
        ("tagged-all", 1, [], "tagged-all", "tagged-all"),
        ("q-in-q", None, [], "q-in-q", "q-in-q"),
    ],
)
def test_a_mode_is_kept_where_the_vlans_do_not_say_it(
    mode: Any, untagged: int | None, tagged: list[int], kept: Any, carries: Any
) -> None:
    rows = small()
    rows["interfaces"][1] |= {"mode": mode, "untagged_vlan": untagged, "tagged_vlans": tagged}

    assert (interface(rows).mode, interface(rows).carries) == (kept, carries)


def test_parents_bridges_and_management_ports_are_read() -> None:
    rows = small()
    rows["interfaces"][1] |= {"parent": 2, "bridge": 2, "mgmt_only": True}

    assert (interface(rows).parent, interface(rows).bridge, interface(rows).mgmt_only) == ("lan0", "lan0", True)


def stack() -> Rows:
    """The gateway as the second of a stack of two, with one more port and one of a name that both have."""
    rows = with_rows(virtual_chassis=[{"name": "heb", "master": 1}])
    rows["devices"][1] |= {"virtual_chassis": 50, "vc_position": 2, "serial": "S2"}
    member = rows["devices"][1] | {
        "id": 50,
        "name": "heb-gw1-m1",
        "vc_position": 1,
        "serial": "S1",
        "primary_ip4": None,
    }
    table(rows, "devices")[50] = member
    port = rows["interfaces"][1]
    table(rows, "interfaces")[50] = port | {"id": 50, "device": 50, "name": "ge-1/0/1", "lag": 1}
    table(rows, "interfaces")[51] = port | {"id": 51, "device": 50}
    table(rows, "ip_addresses")[50] = (
        {"id": 50, "address": "10.59.0.9/24"} | USUAL | {"assigned_object": "dcim.interface:50"}
    )
    table(rows, "cables")[50] = {
        "id": 50,
        "a_terminations": ["dcim.interface:50"],
        "b_terminations": ["dcim.interface:2"],
        "status": "connected",
        "profile": None,
        "label": "",
    }
    table(rows, "cables").pop(1, None)
    return rows


def test_a_stack_is_one_host_with_the_interfaces_of_all_its_members() -> None:
    found = assembled(stack())
    host = found.fleet.host("heb-gw1")

    assert [h.name for h in found.fleet.hosts] == ["heb-gw1", "tie-dns1"]
    assert [(m.name, m.position, m.serial) for m in host.members] == [("heb-gw1-m1", 1, "S1"), ("heb-gw1", 2, "S2")]
    assert [(x.name, x.member) for x in host.interfaces] == [("ge-1/0/1", 1), ("wan0", 1), ("lan0", 2)]
    assert host.interfaces[0].lag is None
    assert [(c.a, c.b) for c in found.fleet.cables] == [("heb-gw1:ge-1/0/1", "heb-gw1:lan0")]
    assert reasons(found)["interface wan0"] == "another member of the stack has one of this name"


def test_a_stack_without_a_master_is_as_many_hosts() -> None:
    rows = stack()
    rows["virtual_chassis"][50]["master"] = None

    found = assembled(rows).fleet

    assert [(h.name, len(h.members)) for h in found.hosts] == [("heb-gw1", 0), ("heb-gw1-m1", 0), ("tie-dns1", 0)]


# Links


def cable(a: list[str], b: list[str], **more: Any) -> dict[str, Any]:
    return {"a_terminations": a, "b_terminations": b, "status": "connected", "profile": None, "label": ""} | more


def cabled(*cables: dict[str, Any], **paths: Any) -> Rows:
    rows = small()
    table(rows, "cables").clear()
    table(rows, "cables").update({i: {"id": i} | c for i, c in enumerate(cables, 1)})
    usual = {"connected_endpoints_type": "dcim.interface", "connected_endpoints_reachable": True}
    table(rows, "paths").update({int(i[1:]): {"id": int(i[1:])} | usual | path for i, path in paths.items()})
    return rows


def linked(rows: Rows) -> list[tuple[str, str]]:
    return [(c.a, c.b) for c in assembled(rows).fleet.cables]


ONE, TWO = ["dcim.interface:1"], ["dcim.interface:2"]


@pytest.mark.parametrize("status", ["planned", "decommissioning"])
def test_a_cable_that_is_not_plugged_in_is_no_link(status: str) -> None:
    rows = cabled(cable(ONE, TWO, status=status))

    assert linked(rows) == []
    assert set(reasons(assembled(rows)).values()) == {f"its status is {status}, and so it is no link"}


def test_a_link_is_the_same_whichever_way_it_was_drawn() -> None:
    assert linked(cabled(cable(ONE, TWO))) == linked(cabled(cable(TWO, ONE))) == [("heb-gw1:lan0", "heb-gw1:wan0")]


def test_a_link_through_a_panel_is_where_netbox_traces_it_to() -> None:
    cables = (
        cable(ONE, ["dcim.frontport:1"]),
        cable(["dcim.rearport:1"], ["circuits.circuittermination:1"]),
        cable(TWO, ["circuits.circuittermination:2"]),
    )
    rows = cabled(*cables, _1={"connected_endpoints": [2]}, _2={"connected_endpoints": [1]})

    assert traced(rows) == {1, 2}
    assert linked(rows) == [("heb-gw1:lan0", "heb-gw1:wan0")]


@pytest.mark.parametrize(
    "path",
    [
        {"connected_endpoints": None, "connected_endpoints_type": None, "connected_endpoints_reachable": False},
        {"connected_endpoints": [2], "connected_endpoints_reachable": False},  # a cable on the way is planned
        {"connected_endpoints": [2], "connected_endpoints_type": "circuits.providernetwork"},
        {"connected_endpoints": [99]},
    ],
)
def test_a_path_that_ends_elsewhere_is_no_link(path: dict[str, Any]) -> None:
    assert linked(cabled(cable(ONE, ["dcim.frontport:1"]), _1=path)) == []


def test_a_cable_with_several_ends_is_a_link_to_each() -> None:
    rows = cabled(
        cable(ONE, [*TWO, "dcim.interface:3"]), _1={"connected_endpoints": [2, 3]}, _2={"connected_endpoints": [1]}
    )
    table(rows, "interfaces")[3] = rows["interfaces"][2] | {"id": 3, "name": "lan1"}

    assert traced(rows) == {1, 2, 3}
    assert linked(rows) == [("heb-gw1:lan0", "heb-gw1:wan0"), ("heb-gw1:lan1", "heb-gw1:wan0")]


def test_of_a_cable_with_a_profile_the_channels_are_traced_too() -> None:
    rows = cabled(cable(ONE, TWO, profile="single-1c4p"))
    rows["interfaces"][1]["parent"] = 2

    assert traced(rows) == {1, 2}
    assert linked(rows) == []
