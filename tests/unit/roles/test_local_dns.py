"""The resolver of a site says what the fleet's resolvers say, to its own site, and asks them for the rest."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network

import pytest

from inventory.fleet import Fleet
from roles import dns_resolver
from roles.local_dns import Options, listens, settings
from roles.shared.intent import Intent
from roles.shared.parts.templates import render
from roles.shared.settings import SettingsError
from tests.unit.roles.gateways import STAFF, with_gateway


def resolver(fleet: Fleet, **options: int) -> dns_resolver.Settings:
    changed = with_gateway(fleet, "local_dns")
    return settings(changed.host("alv-gw1"), changed, Options(**options), Intent(changed))


def test_it_knows_what_the_fleets_resolvers_know(small_fleet: Fleet) -> None:
    fleet = with_gateway(small_fleet, "local_dns")
    central = dns_resolver.settings(fleet.host("tie-dns1"), fleet, dns_resolver.Options())
    found = resolver(small_fleet)
    own = {"addresses", "clients", "forwarders", "cache_mib", "threads"}
    assert found.model_dump(exclude=own) == central.model_dump(exclude=own)
    assert found.names


def test_it_answers_its_own_site_at_its_addresses_there(small_fleet: Fleet) -> None:
    found = resolver(small_fleet)
    assert found.addresses == (IPv4Address("10.61.1.1"), IPv4Address("10.61.10.1"))
    assert found.clients == (IPv4Network("10.61.1.0/24"), STAFF)
    assert {x.sources for x in listens(found)} == {found.clients}


def test_it_asks_the_fleets_resolvers_and_gives_none_of_them_up(small_fleet: Fleet) -> None:
    lines = [
        line.strip() for line in render("dns_resolver/unbound.conf.j2", settings=resolver(small_fleet)).split("\n")
    ]
    assert [line for line in lines if line.startswith("forward-addr")] == [
        "forward-addr: 10.60.10.11",
        "forward-addr: 10.60.10.12",
    ]
    assert "infra-keep-probing: yes" in lines
    assert "serve-expired: yes" in lines


def test_how_much_it_remembers_is_its_own_option(small_fleet: Fleet) -> None:
    assert resolver(small_fleet, cache_mib=16).cache_mib == 16


def test_a_resolver_of_the_fleet_is_not_one_of_a_site_too(small_fleet: Fleet) -> None:
    with pytest.raises(SettingsError, match="resolver of the fleet already"):
        settings(small_fleet.host("tie-dns1"), small_fleet, Options(), Intent(small_fleet))


def test_a_fleet_without_resolvers_has_nobody_to_ask(small_fleet: Fleet) -> None:
    fleet = with_gateway(small_fleet, "local_dns")
    alone = fleet.model_copy(update={"hosts": (fleet.host("alv-gw1"),)})
    with pytest.raises(SettingsError, match="no resolver to ask"):
        settings(alone.host("alv-gw1"), alone, Options(), Intent(alone))


def test_who_stands_in_no_prefix_of_its_site_has_no_clients(small_fleet: Fleet) -> None:
    fleet = with_gateway(small_fleet)
    moved = fleet.host("alv-gw1").model_copy(update={"site": "tierp-datahall"})
    with pytest.raises(SettingsError, match="nobody would ask it"):
        settings(moved, fleet, Options(), Intent(fleet))
