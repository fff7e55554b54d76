"""NetBox's own shapes in a real NetBox: read as they are meant, followed by what changed, and not written again."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from random import randrange
from typing import Any

import pytest

from inventory.fleet import Fleet
from inventory.netbox import seed
from inventory.netbox.assemble import Assembled, assembled
from inventory.netbox.client import NetBox
from inventory.netbox.pull import since, whole
from tests.integration.netbox import ids, seeded
from tests.integration.test_netbox_pull import live, same, some

__all__ = ["live", "some"]

pytestmark = [pytest.mark.lab, pytest.mark.netbox, pytest.mark.long]
NUMBERS = count(randrange(64, 4000))  # noqa: S311  not a secret; what earlier runs left has other names


class Making:
    """Makes objects in a NetBox through its API, and follows what it says by what changed."""

    def __init__(self, netbox: NetBox) -> None:
        self.netbox, self.rows, self.n = netbox, whole(netbox), next(NUMBERS)
        self.site = self.one("dcim/sites", slug="heby-kommunhus")
        self.host = self.one("dcim/devices", name="heb-gw1")

    def one(self, endpoint: str, **known: Any) -> int:
        """The id of the object that has these values."""
        return next(int(r["id"]) for r in self.netbox.rows(endpoint) if all(r[k] == v for k, v in known.items()))

    def new(self, endpoint: str, **fields: Any) -> int:
        """Make an object; its id."""
        return int(self.netbox.create(endpoint, [fields])[0]["id"])

    def named(self, endpoint: str, name: str, **fields: Any) -> int:
        """Make an object with a name and a slug that nothing else has."""
        return self.new(endpoint, name=f"{name} {self.n}", slug=f"{name}-{self.n}".lower(), **fields)

    def change(self, endpoint: str, number: int, **fields: Any) -> None:
        self.netbox.update(endpoint, [{"id": number, **fields}])

    def interface(self, name: str, device: int = 0, **fields: Any) -> int:
        usual = {"device": device or self.host, "name": f"{name}-{self.n}", "type": "1000base-t"}
        return self.new("dcim/interfaces", **usual | fields)

    def device(self, name: str, **fields: Any) -> int:
        """A device beside the host, of its type."""
        like = next(r for r in self.netbox.rows("dcim/devices") if r["id"] == self.host)
        usual = {f: like[f]["id"] for f in ("device_type", "role", "site", "tenant", "platform")}
        return self.new("dcim/devices", name=f"{name}-{self.n}", status="planned", **usual | fields)

    def cable(self, a: tuple[str, int], b: tuple[str, int], **fields: Any) -> int:
        ends = {f"{s}_terminations": [{"object_type": t, "object_id": i}] for s, (t, i) in (("a", a), ("b", b))}
        return self.new("dcim/cables", **ends | fields)

    def followed(self) -> Assembled:
        """What it says now, read by what changed; the same as if all were read."""
        self.rows, _ = since(self.netbox, self.rows)
        full = whole(self.netbox)
        assert same(self.rows, full)
        assert dict(self.rows["paths"]) == dict(full["paths"])
        return assembled(self.rows)

    def links(self) -> set[tuple[str, str]]:
        return {(c.a, c.b) for c in self.followed().fleet.cables}


@pytest.fixture
def making(some: NetBox) -> Iterator[Making]:
    """Whoever makes objects in a NetBox that says something; at the end, a seed of what it says writes
    nothing.
    """
    made = Making(some)
    yield made
    found = made.followed()
    assert not found.problems
    plan = seed.planned(some, found.fleet)
    assert [w.plain() for w in plan.writes] == []


@pytest.mark.soak
def test_what_is_nested_and_a_prefix_and_a_vlan_group_scoped_to_each(making: Making) -> None:
    region = making.named("dcim/regions", "Land")
    inner = making.named("dcim/regions", "Lan", parent=region)
    group = making.named("dcim/site-groups", "Skolor")
    place = making.named("dcim/locations", "Plan", site=making.site)
    room = making.named("dcim/locations", "Rum", site=making.site, parent=place)
    making.change("dcim/sites", making.site, region=inner, group=group)
    making.change("dcim/devices", making.host, location=room)
    vids = [1 + (making.n * 4 + n) % 4000 for n in range(4)]
    scopes = {"dcim.region": region, "dcim.sitegroup": group, "dcim.location": room, "dcim.site": making.site}
    for n, (of, number) in enumerate(scopes.items()):
        making.new("ipam/prefixes", prefix=f"2001:db8:{making.n:x}{n}::/64", scope_type=of, scope_id=number)
        groups = making.named("ipam/vlan-groups", f"Grupp{n}", scope_type=of, scope_id=number)
        making.new("ipam/vlans", vid=vids[n], name=f"VLAN {vids[n]}", group=groups)

    fleet = making.followed().fleet

    site = fleet.site("heby-kommunhus")
    assert fleet.regions_of(site) == (f"lan-{making.n}", f"land-{making.n}")
    assert fleet.host("heb-gw1").location == f"heby-kommunhus/rum-{making.n}"
    assert {v.vid for v in fleet.vlans_at(site.slug)} >= set(vids)
    assert {p.scope[0] for p in fleet.prefixes_of_site(site.slug) if p.prefix.version == 6} >= {
        "region", "site_group", "location", "site",
    }  # fmt: skip

    making.change("dcim/regions", inner, parent=None)
    assert making.followed().fleet.regions_of(site) == (f"lan-{making.n}",)


@pytest.mark.soak
@pytest.mark.parametrize("field", ["site_groups", "locations", "tenant_groups", "device_types", "regions"])
def test_a_context_assigned_by_anything_reaches_whom_netbox_says(making: Making, field: str) -> None:
    group, above = making.named("dcim/site-groups", "G"), making.named("tenancy/tenant-groups", "T")
    place = making.named("dcim/locations", "L", site=making.site)
    region = making.named("dcim/regions", "R")
    making.change("dcim/sites", making.site, group=group, region=region)
    making.change("dcim/devices", making.host, location=place)
    host = next(r for r in making.netbox.rows("dcim/devices") if r["id"] == making.host)
    making.change("tenancy/tenants", host["tenant"]["id"], group=above)
    by = {
        "site_groups": group, "locations": place, "tenant_groups": above, "regions": region,
        "device_types": host["device_type"]["id"],
    }  # fmt: skip
    context = making.new("extras/config-contexts", name=f"C{making.n}", data={"new": 1}, **{field: [by[field]]})

    assert making.followed().fleet.host("heb-gw1").context["new"] == 1
    making.change("extras/config-contexts", context, data={"new": 2})
    assert making.followed().fleet.host("heb-gw1").context["new"] == 2


def test_a_stack_is_one_host(making: Making) -> None:
    stack = making.new("dcim/virtual-chassis", name=f"stack{making.n}")
    one, two = (making.device(f"sw{n}", virtual_chassis=stack, vc_position=n) for n in (1, 2))
    making.change("dcim/virtual-chassis", stack, master=one)
    lag = making.interface("Po1", one, type="lag")
    making.interface("Gi1/0/1", one, lag=lag)
    across = making.interface("Gi2/0/1", two, lag=lag)

    host = making.followed().fleet.host(f"sw1-{making.n}")

    assert [(m.position, m.name) for m in host.members] == [(1, f"sw1-{making.n}"), (2, f"sw2-{making.n}")]
    assert {(x.name, x.member, x.lag) for x in host.interfaces} >= {
        (f"Gi2/0/1-{making.n}", 2, f"Po1-{making.n}"), (f"Gi1/0/1-{making.n}", 1, f"Po1-{making.n}"),
    }  # fmt: skip
    making.change("dcim/virtual-chassis", stack, master=two)
    assert f"sw1-{making.n}" not in {h.name for h in making.followed().fleet.hosts}
    making.change("dcim/interfaces", across, lag=None)  # NetBox keeps a stack that a LAG goes across
    making.change("dcim/virtual-chassis", stack, master=None)
    making.netbox.delete("dcim/virtual-chassis", [stack])
    assert making.followed().fleet.host(f"sw1-{making.n}").members == ()


@pytest.mark.soak
def test_addresses_that_are_shared_reserved_in_a_vrf_or_of_a_link(making: Making) -> None:
    vrf = making.new("ipam/vrfs", name=f"vrf{making.n}")
    of = making.interface("vlan", type="virtual")
    group = making.new("ipam/fhrp-groups", protocol="vrrp3", group_id=making.n)
    making.new("ipam/fhrp-group-assignments", group=group, interface_type="dcim.interface", interface_id=of, priority=9)
    at = {"assigned_object_type": "dcim.interface", "assigned_object_id": of, "vrf": vrf}
    for last, fields in enumerate(({}, {"role": "vip"}, {"role": "loopback"}, {"status": "deprecated"}), 1):
        making.new("ipam/ip-addresses", address=f"192.0.2.{last}/24", **at | fields)
    making.new("ipam/ip-addresses", address="fe80::1/64", **at)
    shared = at | {"assigned_object_type": "ipam.fhrpgroup", "assigned_object_id": group, "role": "vrrp"}
    making.new("ipam/ip-addresses", address="192.0.2.9/24", **shared)

    host = making.followed().fleet.host("heb-gw1")
    interface = next(x for x in host.interfaces if x.name == f"vlan-{making.n}")

    assert interface.vrf == f"vrf{making.n}"
    assert list(map(str, interface.addresses)) == ["192.0.2.1/24", "192.0.2.3/24"]
    assert {(str(s.address), s.role) for s in interface.shared_addresses} == {
        ("192.0.2.2/24", "vip"), ("192.0.2.9/24", "vrrp"),
    }  # fmt: skip
    making.netbox.delete("ipam/fhrp-groups", [group])
    interface = next(x for x in making.followed().fleet.host("heb-gw1").interfaces if x.name == interface.name)
    assert [str(s.address) for s in interface.shared_addresses] == ["192.0.2.2/24"]


@pytest.mark.soak
def test_modes_parents_bridges_and_management_ports(making: Making) -> None:
    above = making.interface("lan", mode="tagged-all")
    making.interface("sub", type="virtual", parent=above, mode="q-in-q")
    making.interface("mgmt", mgmt_only=True, bridge=above)

    of = {x.name.partition("-")[0]: x for x in making.followed().fleet.host("heb-gw1").interfaces}

    assert (of["lan"].mode, of["sub"].mode, of["sub"].parent) == ("tagged-all", "q-in-q", f"lan-{making.n}")
    assert (of["mgmt"].mgmt_only, of["mgmt"].bridge) == (True, f"lan-{making.n}")


def test_a_link_goes_through_panels_and_circuits_and_is_cut_where_a_cable_is(making: Making) -> None:
    panel = making.device("panel")
    rears = [making.new("dcim/rear-ports", device=panel, name=f"r{n}", type="8p8c", positions=1) for n in (1, 2)]
    fronts = [
        making.new(
            "dcim/front-ports",
            device=panel,
            name=f"f{n}",
            type="8p8c",
            rear_ports=[{"position": 1, "rear_port": rear, "rear_port_position": 1}],
        )
        for n, rear in enumerate(rears)
    ]
    near, far = making.interface("near"), making.interface("far", making.device("other"))
    link = (f"heb-gw1:near-{making.n}", f"other-{making.n}:far-{making.n}")
    making.cable(("dcim.interface", near), ("dcim.frontport", fronts[0]))
    between = making.cable(("dcim.rearport", rears[0]), ("dcim.rearport", rears[1]))
    assert link not in making.links()
    last = making.cable(("dcim.frontport", fronts[1]), ("dcim.interface", far))
    assert link in making.links()

    for status, is_one in (("planned", False), ("connected", True), ("decommissioning", False)):
        making.change("dcim/cables", between, status=status)
        assert (link in making.links()) is is_one
    making.change("dcim/cables", between, status="connected")
    making.netbox.delete("dcim/cables", [between])
    assert link not in making.links()

    provider = making.named("circuits/providers", "P")
    kind = making.named("circuits/circuit-types", "K")
    circuit = making.new("circuits/circuits", cid=f"c{making.n}", provider=provider, type=kind)
    sides = [
        making.new(
            "circuits/circuit-terminations",
            circuit=circuit,
            term_side=side,
            termination_type="dcim.site",
            termination_id=making.site,
        )
        for side in "AZ"
    ]
    for rear, side in zip(rears, sides, strict=True):
        making.cable(("dcim.rearport", rear), ("circuits.circuittermination", side))
    assert link in making.links()
    making.netbox.delete("circuits/circuit-terminations", [sides[1]])
    assert link not in making.links()
    making.netbox.delete("dcim/cables", [last])
    assert link not in making.links()


@pytest.mark.soak
def test_a_link_that_netbox_traces_is_not_made_again_by_a_fleet_that_says_it(making: Making) -> None:
    panel = making.device("panel")
    rear = making.new("dcim/rear-ports", device=panel, name="r", type="8p8c", positions=1)
    mapped = [{"position": 1, "rear_port": rear, "rear_port_position": 1}]
    front = making.new("dcim/front-ports", device=panel, name="f", type="8p8c", rear_ports=mapped)
    near, far = making.interface("near"), making.interface("far", making.device("other"))
    making.cable(("dcim.interface", near), ("dcim.frontport", front))
    making.cable(("dcim.rearport", rear), ("dcim.interface", far))
    fleet: Fleet = making.followed().fleet
    before = ids(making.netbox, "dcim/cables")

    assert (f"heb-gw1:near-{making.n}", f"other-{making.n}:far-{making.n}") in {(c.a, c.b) for c in fleet.cables}
    assert seeded(making.netbox, fleet).writes == ()
    assert ids(making.netbox, "dcim/cables") == before


@pytest.mark.soak
def test_one_cable_with_several_ends_is_a_link_to_each(making: Making) -> None:
    near, other = making.interface("near"), making.device("other")
    fars = [making.interface(f"far{n}", other) for n in (1, 2)]
    ends = [{"object_type": "dcim.interface", "object_id": far} for far in fars]
    making.new(
        "dcim/cables", a_terminations=[{"object_type": "dcim.interface", "object_id": near}], b_terminations=ends
    )

    assert making.links() >= {(f"heb-gw1:near-{making.n}", f"other-{making.n}:far{n}-{making.n}") for n in (1, 2)}
