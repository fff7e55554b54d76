"""A gateway lets pass what hosts behind it and beyond it serve to each other, and nothing that nobody serves."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network
from itertools import product

import pytest
from hypothesis import given
from hypothesis import settings as effort
from hypothesis import strategies as st

from inventory.fleet import Fleet, Host
from inventory.network import networks4
from inventory.snapshot import load
from roles.shared.intent import Intent
from roles.shared.network.forwarding import flows, forwards_of, listens_of, ways_out
from roles.shared.network.peering import behind, transits
from roles.shared.traffic import ANYWHERE4, Forward, ipv4

FLEET = load()
INTENT = Intent(FLEET)
GATEWAYS = FLEET.with_role("edge_gateway")
PASSAGES = {gateway.name: forwards_of(gateway, INTENT) for gateway in GATEWAYS}
HUB = FLEET.host("tie-gw1")
HUBS = (HUB, FLEET.host("tie-gw2"))
HEBY = FLEET.host("heb-gw1")
STATIONS = {IPv4Network(a.ip) for h in FLEET.with_device_role("management-station") for a in h.addresses}


def passes(rules: tuple[Forward, ...], source: str, destination: str, protocol: str, port: int | None) -> bool:
    """Whether one of the rules lets this packet through."""
    return any(
        any(IPv4Address(source) in n for n in rule.sources)
        and any(IPv4Address(destination) in n for n in rule.destinations)
        and rule.protocol in {None, protocol}
        and rule.port in {None, port}
        for rule in rules
    )


@pytest.mark.parametrize("gateway", [HUB, HEBY], ids=lambda h: h.name)
def test_an_office_reaches_names_and_time_in_tierp_through_both_gateways(gateway: Host) -> None:
    rules = forwards_of(gateway, INTENT)
    assert passes(rules, "10.63.10.77", "10.60.10.11", "udp", 53)
    assert passes(rules, "10.63.10.77", "10.60.10.12", "udp", 123)
    assert not passes(rules, "10.63.10.77", "10.60.10.11", "tcp", 22)
    assert not passes(rules, "10.63.10.77", "10.60.10.14", "tcp", 9090)


OFFICES = ("10.60.20.50", "10.61.10.50", "10.62.10.50", "10.63.10.50", "10.64.10.50")


@pytest.mark.parametrize("gateway", GATEWAYS, ids=lambda h: h.name)
@given(
    ends=st.sampled_from([(a, b) for a, b in product(OFFICES, OFFICES) if a != b]),
    protocol=st.sampled_from(["tcp", "udp", "icmp"]),
    port=st.integers(1, 65535),
)
@effort(max_examples=60)
def test_no_office_reaches_anothers(gateway: Host, ends: tuple[str, str], protocol: str, port: int) -> None:
    assert not passes(PASSAGES[gateway.name], *ends, protocol, port)


@pytest.mark.parametrize("gateway", GATEWAYS, ids=lambda h: h.name)
def test_only_caches_resolvers_time_servers_and_netbox_get_out(gateway: Host) -> None:
    out = [rule for rule in forwards_of(gateway, INTENT) if rule.destinations == (ANYWHERE4,)]
    ports = {
        str(a): {(rule.protocol, rule.port) for rule in out if any(a in n for n in rule.sources)}
        for rule in out
        for n in rule.sources
        for a in n
    }
    names, time = {("udp", 53), ("tcp", 53)}, {("udp", 123), ("tcp", 4460)}
    expected = {
        "10.60.10.11": names | time,
        "10.60.10.12": names | time,
        "10.60.10.15": names | {("tcp", 80), ("tcp", 443)},
        "10.60.10.16": {("tcp", 443)},
    }
    assert ports == (expected if gateway in HUBS else {})


@pytest.mark.parametrize("gateway", GATEWAYS, ids=lambda h: h.name)
def test_nothing_comes_in_from_outside_the_fleet(gateway: Host) -> None:
    for rule in forwards_of(gateway, INTENT):
        assert len(ipv4(rule.sources)) == len(rule.sources)
        for source in ipv4(rule.sources):
            assert any(source.subnet_of(n) for n in networks4(FLEET.prefixes)) or _is_joined(source)


def _is_joined(network: IPv4Network) -> bool:
    """Whether it is made of whole neighbouring prefixes of the fleet."""
    parts = [n for n in networks4(FLEET.prefixes) if n.subnet_of(network)]
    return sum(p.num_addresses for p in parts) == network.num_addresses


@pytest.mark.parametrize("gateway", GATEWAYS, ids=lambda h: h.name)
def test_administration_comes_from_the_management_stations_alone(gateway: Host) -> None:
    for rule in forwards_of(gateway, INTENT):
        if rule.port == 22 or rule.protocol == "icmp":
            assert {a for n in rule.sources for a in n} <= {n.network_address for n in STATIONS}


def test_management_stations_reach_devices_that_have_no_roles() -> None:
    switch = FLEET.host("heb-sw1")
    bare = switch.model_copy(update={"context": {}})
    fleet = FLEET.model_copy(update={"hosts": tuple(bare if h is switch else h for h in FLEET.hosts)})
    for gateway in (HUB, HEBY):
        assert passes(forwards_of(gateway, Intent(fleet)), "10.60.10.250", str(switch.address), "tcp", 22)
        assert passes(forwards_of(gateway, Intent(fleet)), "10.60.10.250", str(switch.address), "icmp", None)


def test_management_stations_reach_switches_and_firewalls_that_have_roles() -> None:
    for name in ("heb-sw1", "heb-fw1"):
        address = str(FLEET.host(name).address)
        for gateway in (HUB, HEBY):
            assert passes(forwards_of(gateway, INTENT), "10.60.10.250", address, "tcp", 22)
            assert not passes(forwards_of(gateway, INTENT), "10.61.10.5", address, "tcp", 22)


def test_every_service_to_another_site_is_let_through_by_the_servers_and_the_clients_gateway() -> None:
    own = {g.name: {a.ip for a in g.addresses} for g in GATEWAYS}
    at = {g.name: behind(g, FLEET) for g in GATEWAYS}
    homes = {prefix for prefixes in at.values() for prefix in prefixes}
    rules = {g.name: forwards_of(g, INTENT) for g in GATEWAYS}
    for flow in flows(INTENT):
        if flow.source_prefix not in homes or flow.destination_prefix not in {None, *homes}:
            continue
        source, destination = flow.source[-1], flow.destination[-1]
        for name, its in own.items():
            if {flow.source_prefix, flow.destination_prefix} & {*at[name]} and not {source, destination} & its:
                assert passes(rules[name], str(source), str(destination), flow.protocol, flow.port), f"{name}: {flow}"


def test_both_hubs_let_the_same_pass() -> None:
    one, other = (
        {(d, rule.protocol, rule.port) for rule in forwards_of(hub, INTENT) for d in rule.destinations} for hub in HUBS
    )
    assert one == other


def test_a_network_with_a_way_out_of_its_own_takes_no_part() -> None:
    for gateway in GATEWAYS:
        for rule in forwards_of(gateway, INTENT):
            assert not any(IPv4Network("10.63.30.0/24").overlaps(n) for n in rule.sources)


def test_the_rules_of_a_gateway_are_few_and_always_the_same() -> None:
    assert len(forwards_of(HUB, INTENT)) <= 30
    assert len(forwards_of(HEBY, INTENT)) <= 15
    again = Fleet.model_validate(FLEET.model_dump())
    assert forwards_of(HUB, Intent(again)) == forwards_of(HUB, INTENT)


def test_a_host_with_a_wrong_setting_serves_nothing() -> None:
    host = FLEET.host("tie-mon1")
    wrong = {"samdrift": {**host.samdrift, "roles": {"monitoring": True}, "monitoring": {"retention_days": "long"}}}
    changed = host.model_copy(update={"context": wrong})
    assert listens_of(changed, Intent(FLEET.model_copy(update={"hosts": (changed,)}))) == ()
    assert ways_out(host, INTENT) == ()


def test_an_empty_fleet_has_no_gateways_and_no_traffic() -> None:
    assert transits(Fleet()) == ()
    assert flows(Intent(Fleet())) == ()
