"""What is lent, by whom, and what clients are told; the file is the JSON that Kea reads."""

from __future__ import annotations

import json
from ipaddress import IPv4Address
from typing import Any

import pytest

from inventory.fleet import Fleet
from inventory.snapshot import load
from roles.dhcp_server import Options, Settings, listens, settings
from roles.shared.intent import Intent
from roles.shared.network.forwarding import GATEWAY, forwards_of
from roles.shared.parts.templates import render
from roles.shared.settings import SettingsError
from tests.unit.roles.gateways import STAFF, with_gateway


def server(fleet: Fleet, *roles: str, **options: Any) -> Settings:
    changed = with_gateway(fleet, *roles)
    return settings(changed.host("alv-gw1"), changed, Options(**options), Intent(changed))


def written(found: Settings) -> dict[str, Any]:
    """The file, without its comments, which JSON has not and Kea reads over."""
    text = render("dhcp_server/kea-dhcp4.conf.j2", settings=found)
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("//")]
    parsed: dict[str, Any] = json.loads("\n".join(lines))["Dhcp4"]
    return parsed


def test_the_pools_are_the_ranges_of_the_prefix_that_it_is_the_router_of(small_fleet: Fleet) -> None:
    (subnet,) = server(small_fleet).subnets
    assert (subnet.prefix, subnet.interface, str(subnet.gateway)) == (STAFF, "lan0", "10.61.10.1")
    assert [f"{p.start}-{p.end}" for p in subnet.pools] == ["10.61.10.20-10.61.10.29", "10.61.10.100-10.61.10.199"]


def test_the_file_says_it_all_and_nothing_else(small_fleet: Fleet) -> None:
    found = written(server(small_fleet, "local_dns", lease_hours=8))
    (subnet,) = found["subnet4"]
    assert subnet["subnet"] == "10.61.10.0/24"
    assert [p["pool"] for p in subnet["pools"]] == ["10.61.10.20 - 10.61.10.29", "10.61.10.100 - 10.61.10.199"]
    assert {o["name"]: o["data"] for o in subnet["option-data"]} == {
        "routers": "10.61.10.1",
        "domain-name-servers": "10.61.10.1, 10.60.10.11, 10.60.10.12",
    }
    assert found["interfaces-config"]["interfaces"] == ["lan0/10.61.10.1"]
    assert found["valid-lifetime"] == 8 * 3600
    assert found["renew-timer"] < found["rebind-timer"] < found["valid-lifetime"]
    assert found["lease-database"]["type"] == "memfile"


def test_without_a_resolver_of_its_own_clients_are_told_of_the_fleets_alone(small_fleet: Fleet) -> None:
    (subnet,) = server(small_fleet).subnets
    assert subnet.resolvers == (IPv4Address("10.60.10.11"), IPv4Address("10.60.10.12"))


def test_a_subnet_keeps_its_number_whatever_others_come_and_go(small_fleet: Fleet) -> None:
    """By this number Kea knows what it lent."""
    assert written(server(small_fleet))["subnet4"][0]["id"] == int(STAFF.network_address)


def test_whoever_is_no_router_of_a_prefix_with_a_range_has_nothing_to_lend(small_fleet: Fleet) -> None:
    fleet = with_gateway(small_fleet)
    for name in ("tie-dns1", "alv-sw1"):
        with pytest.raises(SettingsError, match="nothing to lend"):
            settings(fleet.host(name), fleet, Options(), Intent(fleet))


def test_only_who_it_lends_to_may_renew(small_fleet: Fleet) -> None:
    (listen,) = listens(server(small_fleet))
    assert (listen.protocol, listen.port, listen.sources) == ("udp", 67, (STAFF,))


def test_what_a_gateway_serves_to_its_own_site_passes_no_gateway() -> None:
    fleet = load()
    for gateway in fleet.with_role(GATEWAY):
        assert not [f for f in forwards_of(gateway, Intent(fleet)) if f.port in {67, 631}], gateway.name
