"""What is proposed of a host that runs is added to what the inventory says, and takes nothing of it away."""

from __future__ import annotations

from ipaddress import IPv4Interface, ip_network

import pytest

from inventory.fleet import Fleet, Host, Interface, Service
from inventory.merging import merged_context
from inventory.organisation import ConfigContext, Region, Site
from inventory.proposal import placed, usual_roles, with_interfaces, with_networks, with_options, with_services
from inventory.snapshot import load


@pytest.fixture(scope="module")
def shipped() -> Fleet:
    return load()


def new(fleet: Fleet, **fields: object) -> Host:
    host = fleet.host("tie-web1")
    return host.model_copy(update={"name": "tie-web9", "interfaces": (), "services": (), "context": {}, **fields})


def port(name: str, *addresses: str, **fields: object) -> Interface:
    return Interface.model_validate({"name": name, "addresses": addresses, **fields})


def test_a_new_host_is_given_what_config_contexts_give_such_hosts(shipped: Fleet) -> None:
    fleet = placed(shipped, new(shipped))
    assert fleet.host("tie-web9").context == shipped.host("tie-web1").context
    assert placed(fleet, fleet.host("tie-web9")).digest == fleet.digest
    assert fleet.model_copy(update={"hosts": tuple(h for h in fleet.hosts if h.name != "tie-web9")}) == shipped


def test_options_are_the_hosts_own_and_beside_those_that_it_is_given(shipped: Fleet) -> None:
    host = with_options(new(shipped), {"base": {"admins": {"lars": {"full_name": "Lars", "keys": []}}}})
    base = placed(shipped, host).host("tie-web9").samdrift["base"]
    assert {"automation_keys", "admins"} <= base.keys()
    assert list(host.local_context["samdrift"]) == ["base"]


def test_a_criterion_is_met_by_what_lies_above(shipped: Fleet) -> None:
    regions = (Region(slug="norra", name="Norra"), Region(slug="tierp", name="Tierp", parent="norra"))
    site = Site(slug="skola", name="Skola", tenant="tierp", region="tierp")
    context = ConfigContext(name="a", regions=("norra",), data={"samdrift": {"wave": 3}})
    fleet = shipped.model_copy(update={"regions": regions, "sites": (site,), "config_contexts": (context,)})
    assert merged_context(new(shipped, site="skola"), fleet) == {"samdrift": {"wave": 3}}
    assert merged_context(new(shipped, site="other"), fleet) == {}


def test_what_the_inventory_says_of_an_interface_stays(shipped: Fleet) -> None:
    known = port("eth0", "10.60.10.9/24", description="Webb")
    host = with_interfaces(new(shipped, interfaces=(known,)), [port("eth0", "10.60.10.10/24"), port("eth1")])
    assert [(i.name, i.description, len(i.addresses)) for i in host.interfaces] == [
        ("eth0", "Webb", 2),
        ("eth1", "", 0),
    ]


def test_a_port_that_the_inventory_names_is_no_second_service(shipped: Fleet) -> None:
    web = Service(name="web", protocol="tcp", ports=(80, 443))
    seen = [Service(name="nginx", protocol="tcp", ports=(p,)) for p in (80, 8080)]
    host = with_services(new(shipped, services=(web,)), seen)
    assert [s.name for s in host.services] == ["web", "nginx"]


def test_vlans_and_networks_that_are_missing_are_added_to_the_host_s_site(shipped: Fleet) -> None:
    vlan = port("eth1", "192.168.77.5/24", untagged_vlan=777)
    host = new(shipped, interfaces=(port("eth0", "10.60.10.99/24"), vlan, port("lo1", "192.168.9.1/32")))
    fleet = with_networks(shipped, host, {778: "kameror", 779: "'BYOD'", 780: '"$(x)'})
    added = {v.vid: v.name for v in fleet.vlans_at(host.site)}
    assert [added[vid] for vid in range(777, 781)] == ["vlan-777", "kameror", "BYOD", "x)"]
    (prefix,) = set(fleet.prefixes) - set(shipped.prefixes)
    assert (prefix.prefix, prefix.site, prefix.vlan) == (ip_network("192.168.77.0/24"), host.site, 777)
    assert IPv4Interface("192.168.9.1/32").network not in {p.prefix for p in fleet.prefixes}


def test_usual_roles_are_those_that_every_such_host_has(shipped: Fleet) -> None:
    assert set(usual_roles(shipped, new(shipped))) == {"base", "firewall", "node_metrics", "time"}
    switch = new(shipped, role="access-switch", platform="junos")
    assert usual_roles(shipped, switch) == ("access_switch",)
    assert usual_roles(Fleet(), switch) == ()
