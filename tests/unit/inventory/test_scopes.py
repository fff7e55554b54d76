"""What is scoped to a place is for every site that lies there, and the nearest meaning of a VLAN number holds."""

from __future__ import annotations

from inventory.fleet import Fleet
from inventory.network import Prefix, Vlan, VlanGroup
from inventory.organisation import Location, Region, Site, SiteGroup

FLEET = Fleet(
    regions=(Region(slug="uppland", name="Uppland"), Region(slug="norr", name="Norr", parent="uppland")),
    site_groups=(SiteGroup(slug="skolor", name="Skolor"), SiteGroup(slug="f9", name="F-9", parent="skolor")),
    sites=(
        Site(slug="a", name="A", region="norr", group="f9"),
        Site(slug="b", name="B", region="uppland"),
        Site(slug="c", name="C"),
    ),
    locations=(Location(site="a", slug="plan-1", name="Plan 1"),),
    vlan_groups=(
        VlanGroup(slug="alla", name="Alla"),
        VlanGroup(slug="skol", name="Skol", site_group="skolor"),
        VlanGroup(slug="hus", name="Hus", location="a/plan-1"),
    ),
    vlans=(
        Vlan(vid=10, name="own", site="a"),
        Vlan(vid=10, name="of schools", group="skol"),
        Vlan(vid=20, name="of schools too", group="skol"),
        Vlan(vid=20, name="everywhere", group="alla"),
        Vlan(vid=30, name="one", site="b"),
        Vlan(vid=30, name="two", site="b"),
        Vlan(vid=40, name="upstairs", group="hus"),
        Vlan(vid=50, name="in no group"),
    ),
)


def serving(**scope: str) -> str:
    prefix = Prefix.model_validate({"prefix": "2001:db8::/64", **scope})
    return "".join(site.slug for site in FLEET.sites if FLEET.serves(prefix, site.slug))


def test_a_prefix_is_for_every_site_in_its_place_and_below() -> None:
    assert serving(region="uppland") == "ab"
    assert serving(region="norr") == "a"
    assert serving(site_group="skolor") == "a"
    assert serving(location="a/plan-1") == "a"
    assert serving(site="b") == "b"
    assert serving() == "abc"
    assert serving(region="elsewhere") == ""


def test_a_vlan_number_means_the_nearest_and_nothing_where_two_are_equally_near() -> None:
    names = {site.slug: [v.name for v in FLEET.vlans_at(site.slug)] for site in FLEET.sites}

    assert names["a"] == ["own", "of schools too", "upstairs", "in no group"]
    assert names["b"] == ["everywhere", "in no group"]
    assert FLEET.vlan_at("b", 30) is None
    assert FLEET.vlan_at("nowhere", 10) is None


def test_regions_in_a_circle_end_where_it_closes() -> None:
    circle = (Region(slug="x", name="X", parent="y"), Region(slug="y", name="Y", parent="x"))
    fleet = Fleet(regions=circle, sites=(Site(slug="s", name="S", region="x"),))

    assert fleet.regions_of(fleet.site("s")) == ("x", "y")
