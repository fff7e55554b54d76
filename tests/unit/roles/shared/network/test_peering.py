"""Gateways meet in tunnels where they have them, hubs are linked, and who is inside is reached inside."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network

import pytest

from inventory.fleet import Fleet
from inventory.snapshot import load
from roles.shared.network.peering import adjacencies, behind, hub_transits, links, reached_at, transits, underlays

FLEET = load()
UNDERLAY, FIRST, SECOND = (IPv4Network(f"10.59.{n}.0/24") for n in range(3))
SERVERS, STAFF = IPv4Network("10.60.10.0/24"), IPv4Network("10.60.20.0/24")


def without(*prefixes: IPv4Network) -> Fleet:
    return FLEET.model_copy(update={"prefixes": tuple(p for p in FLEET.prefixes if p.prefix not in prefixes)})


def test_gateways_meet_in_their_tunnels_and_no_longer_in_what_carries_them() -> None:
    assert transits(FLEET) == (FIRST, SECOND)
    assert underlays(FLEET) == (UNDERLAY,)


def test_without_tunnels_they_meet_in_the_network_that_they_share() -> None:
    assert transits(without(FIRST, SECOND)) == (UNDERLAY,)
    assert underlays(without(FIRST, SECOND)) == ()


def test_each_hub_is_the_router_of_its_own_tunnels_and_both_of_their_sites_prefixes() -> None:
    assert [hub_transits(FLEET.host(name), FLEET) for name in ("tie-gw1", "tie-gw2", "heb-gw1")] == [
        (FIRST,),
        (SECOND,),
        (),
    ]
    assert behind(FLEET.host("tie-gw1"), FLEET) == behind(FLEET.host("tie-gw2"), FLEET)
    assert {SERVERS, STAFF} < set(behind(FLEET.host("tie-gw1"), FLEET))


def test_hubs_are_linked_by_what_they_have_to_themselves() -> None:
    (link,) = links(FLEET)
    assert [m.peer.name for m in adjacencies(FLEET.host("tie-gw1"), link, FLEET)] == ["tie-gw2"]
    assert adjacencies(FLEET.host("heb-gw1"), link, FLEET) == ()


@pytest.mark.parametrize(
    ("name", "by", "address"),
    [
        ("heb-gw1", SERVERS, "10.63.1.1"),
        ("heb-gw1", IPv4Network("10.63.10.0/24"), "10.63.10.1"),
        ("tie-gw2", SERVERS, "10.60.10.6"),
        ("tie-dns1", STAFF, "10.60.10.11"),
    ],
)
def test_a_gateway_is_reached_where_the_tunnels_lead_and_anybody_else_at_its_address(
    name: str, by: IPv4Network, address: str
) -> None:
    assert reached_at(FLEET.host(name), by, FLEET) == IPv4Address(address)
