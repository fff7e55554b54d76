"""The hubs share what no interface has, let nobody else say who holds it, and keepalived accepts the file."""

from __future__ import annotations

import re
from ipaddress import IPv4Address

import pytest

from inventory.fleet import Fleet
from inventory.snapshot import load
from roles.keepalived import KEEPALIVED_ACCEPTS, LOST, STEP, Options, Settings, listens, settings
from roles.shared.parts.templates import render
from roles.shared.settings import SettingsError
from tests.unit.roles.judging import judged, needs

SNAPSHOT = load()
HUBS = ("tie-gw1", "tie-gw2")
EXIT = Options(further_addresses=(IPv4Address("10.59.255.2"),))


def of(name: str, fleet: Fleet = SNAPSHOT, options: Options = EXIT) -> Settings:
    return settings(fleet.host(name), fleet, options)


def test_the_hubs_share_the_routers_addresses_of_their_sites_prefixes_and_the_way_out() -> None:
    shared = {str(s.address): s.interface for s in of("tie-gw1").shared}
    assert shared == {"10.59.255.2": "ext0", "10.60.1.1": "mgt0", "10.60.10.1": "srv0", "10.60.20.1": "lan0"}
    assert {s.address for s in of("tie-gw1").shared} == {s.address for s in of("tie-gw2").shared}


def test_what_one_is_the_other_names() -> None:
    for one, other in (HUBS, HUBS[::-1]):
        assert [s.others for s in of(one).shared] == [(s.own,) for s in of(other).shared]


def test_the_first_is_preferred_but_not_if_it_reaches_no_edge_and_the_other_does() -> None:
    first, second = (of(name).priority for name in HUBS)
    assert first - second == STEP
    assert first - LOST < second
    assert first - LOST > second - LOST > 0


def test_vrrp_is_let_in_from_the_other_alone() -> None:
    (listen,) = listens(of("tie-gw1"))
    assert listen.protocol == "vrrp"
    assert {a for n in listen.sources for a in n} == {s.own for s in of("tie-gw2").shared}


def test_a_way_to_an_edge_is_a_route_by_a_gateway_in_the_hubs_own_tunnel() -> None:
    connected = "wg1\t00013B0A\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0"
    by_edge = "wg1\t000A3F0A\t3F013B0A\t0003\t0\t0\t20\t00FFFFFF\t0\t0\t0"
    pattern = of("tie-gw1").has_a_route.replace("[[:space:]]", r"\s")
    assert re.search(pattern, by_edge)
    for other in (
        connected,
        by_edge.replace("wg1", "wg2"),
        by_edge.replace("wg1", "wg11"),
        by_edge.replace("wg1", "*"),
    ):
        assert not re.search(pattern, other)


@pytest.mark.parametrize(
    ("address", "says"), [("10.60.10.5", "a host's own"), ("192.0.2.1", "in no network")], ids=["own", "elsewhere"]
)
def test_an_address_that_cannot_be_shared_is_named(address: str, says: str) -> None:
    with pytest.raises(SettingsError, match=says) as raised:
        of("tie-gw1", options=Options(further_addresses=(IPv4Address(address),)))
    assert "further_addresses" in raised.value.field


def test_a_host_that_shares_nothing_is_told_so() -> None:
    with pytest.raises(SettingsError, match="shares no address"):
        of("heb-gw1", options=Options())


def test_every_address_is_in_the_file_with_who_else_may_hold_it() -> None:
    text = render("keepalived/keepalived.conf.j2", settings=of("tie-gw2"))
    for shared in of("tie-gw2").shared:
        _, _, instance = text.partition(f"vrrp_instance {shared.interface} {{")
        assert f"unicast_src_ip {shared.own}\n" in instance
        assert f"unicast_peer {{\n        {shared.others[0]}\n    }}" in instance
        assert f"virtual_ipaddress {{\n        {shared.address}/32\n" in instance


@needs("keepalived")
@pytest.mark.parametrize("name", HUBS)
def test_keepalived_accepts_the_file_and_refuses_a_spoilt_one(name: str) -> None:
    good = render("keepalived/keepalived.conf.j2", settings=of(name))
    for text, accepted in (
        (good, True),
        (good.replace("advert_int", "advertint"), False),
        (good.replace("virtual_router_id 59", "virtual_router_id 590"), False),
    ):
        answer = judged(KEEPALIVED_ACCEPTS, "/etc/keepalived/keepalived.conf", text)
        assert (answer.code == 0) is accepted, answer.output
