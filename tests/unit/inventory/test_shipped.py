"""The snapshot that the repository ships: five municipalities, sound, merged as NetBox merges, fit for every role."""

from __future__ import annotations

from collections import Counter

import pytest

from inventory.fleet import Fleet, Host
from inventory.merging import merged_context
from inventory.organisation import ConfigContext
from inventory.snapshot import load
from roles.shared.catalogue import roles_of
from roles.shared.intent import Intent
from roles.shared.network.peering import routers_of


@pytest.fixture(scope="module")
def shipped() -> Fleet:
    return load()


def test_it_is_the_five_municipalities_with_forty_hosts_or_more(shipped: Fleet) -> None:
    assert {t.name for t in shipped.tenants} == {"Älvkarleby", "Heby", "Knivsta", "Tierp", "Östhammar"}
    assert len(shipped.hosts) >= 40
    assert set(Counter(h.tenant for h in shipped.hosts)) == {t.slug for t in shipped.tenants}


def test_every_municipality_has_a_gateway_and_devices_with_a_cli(shipped: Fleet) -> None:
    cli = {p.slug for p in shipped.platforms if p.family == "cli"}
    for tenant in shipped.tenants:
        own = [h for h in shipped.hosts if h.tenant == tenant.slug]
        gateways = sum(h.role == "edge-gateway" and {"edge_gateway", "wireguard"} <= set(h.roles) for h in own)
        assert gateways == (2 if tenant.slug == "tierp" else 1)
        assert sum(h.platform in cli for h in own) >= 2


def test_the_lab_has_central_servers_and_a_gateway_of_each_municipality(shipped: Fleet) -> None:
    lab = [h for h in shipped.hosts if "lab" in h.tags]

    assert {h.platform for h in lab} == {"debian-13"}
    assert sum(h.tenant == "tierp" for h in lab) >= 5
    assert {h.tenant for h in lab if h.role == "edge-gateway"} == {t.slug for t in shipped.tenants}


def test_every_host_of_debian_has_the_roles_that_all_have_and_other_devices_what_they_are(shipped: Fleet) -> None:
    family = {p.slug: p.family for p in shipped.platforms}
    for host in shipped.hosts:
        if family[host.platform] == "debian":
            logs = "log_server" if host.name == "tie-log1" else "log_client"
            assert roles_of(host)[:5] == ("base", "firewall", "time", logs, "node_metrics")
        else:
            role = host.role.replace("-", "_") if host.role != "firewall" else "edge_firewall"
            assert host.roles == (role,)


def test_every_active_host_has_a_key_of_its_own_to_be_believed_by(shipped: Fleet) -> None:
    keys = [k for h in shipped.hosts if h.status == "active" for k in h.host_keys]

    assert all(h.host_keys for h in shipped.hosts if h.status == "active")
    assert len(set(keys)) == len(keys)


def test_every_role_accepts_what_the_inventory_says_to_it(shipped: Fleet) -> None:
    assert [str(p) for h in shipped.hosts for p in Intent(shipped).problems(h)] == []


def test_every_prefix_has_a_router_and_tierps_have_both_hubs_but_the_link_between_those_has_none(
    shipped: Fleet,
) -> None:
    routers = {str(p.prefix): [h.name for h in routers_of(p, shipped)] for p in shipped.prefixes}

    assert [prefix for prefix, of in routers.items() if not of] == ["10.59.3.0/30"]
    assert {prefix for prefix, of in routers.items() if of == ["tie-gw1", "tie-gw2"]} == {
        "10.60.1.0/24",
        "10.60.10.0/24",
        "10.60.20.0/24",
    }


def test_the_hosts_config_contexts_are_what_netbox_makes_of_the_contexts(shipped: Fleet) -> None:
    for host in shipped.hosts:
        assert host.context == merged_context(host, shipped), host.name


def test_a_host_with_two_tags_has_the_roles_of_both(shipped: Fleet) -> None:
    host = shipped.host("tie-dns1").model_copy(update={"tags": ("dns", "monitoring")})
    both = host.model_copy(update={"context": merged_context(host, shipped)})
    fleet = shipped.model_copy(update={"hosts": tuple(both if h.name == both.name else h for h in shipped.hosts)})

    beside = {"alertmanager", "probes", "snmp_metrics"}
    assert {"dns_resolver", "monitoring", *beside, *shipped.host("tie-web1").roles} == set(both.roles)
    assert tuple(Intent(fleet).settings(both))[-5:-3] == ("dns_resolver", "monitoring")
    assert Intent(fleet).problems(both) == ()
    assert all(both in fleet.with_role(role) for role in ("dns_resolver", "monitoring"))


def test_false_in_a_heavier_context_takes_a_role_away_that_a_lighter_one_gives(shipped: Fleet) -> None:
    def roles(*contexts: ConfigContext, **local: dict[str, bool]) -> tuple[str, ...]:
        host = Host.model_validate(
            shipped.host("tie-web1").model_dump() | {"local_context": {"samdrift": local} if local else {}}
        )
        return host.model_copy(
            update={"context": merged_context(host, shipped.model_copy(update={"config_contexts": tuple(contexts)}))}
        ).roles

    gives = ConfigContext(name="b", weight=1000, data={"samdrift": {"roles": {"base": True, "log_client": True}}})
    takes = ConfigContext(name="a", weight=2000, data={"samdrift": {"roles": {"log_client": False}}})

    assert roles(gives, takes) == ("base",)
    assert roles(gives, takes.model_copy(update={"weight": 500})) == ("base", "log_client")
    assert roles(gives, takes, roles={"log_client": True, "base": False}) == ("log_client",)
