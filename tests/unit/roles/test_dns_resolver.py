"""What the resolver answers, to whom, and that no name of the inventory can break its configuration."""

from __future__ import annotations

import json
from ipaddress import IPv4Address, IPv4Network, IPv6Network

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from inventory.fleet import Fleet
from roles.dns_resolver import LocalZone, Options, Settings, _label, _reverse_zones, listens, settings
from roles.shared.nameable import LABEL
from roles.shared.parts.templates import render


def options(**said: object) -> Options:
    return Options.model_validate_json(json.dumps(said), strict=True)


def resolver(fleet: Fleet, **said: object) -> Settings:
    return settings(fleet.host("tie-dns1"), fleet, options(**said))


def rendered(found: Settings) -> list[str]:
    return [line.strip() for line in render("dns_resolver/unbound.conf.j2", settings=found).splitlines()]


def test_every_address_of_the_fleet_has_one_ptr_and_its_name_leads_back(small_fleet: Fleet) -> None:
    names = resolver(small_fleet).names
    reverse = {n.address: n.name for n in names if n.reverse}
    assert sorted(reverse) == sorted(a.ip for h in small_fleet.hosts for a in h.addresses)
    assert len(reverse) == sum(n.reverse for n in names)
    assert all(any(n.name == name and n.address == address for n in names) for address, name in reverse.items())


def test_a_host_with_several_addresses_has_a_name_for_each(small_fleet: Fleet) -> None:
    names = {(n.name, str(n.address), n.reverse) for n in resolver(small_fleet).names if "alv-gw1" in n.name}
    assert names == {
        ("alv-gw1.norduppland.internal", "10.59.0.61", True),
        ("eth0.alv-gw1.norduppland.internal", "10.59.0.61", False),
        ("eth1.alv-gw1.norduppland.internal", "10.61.1.1", True),
    }


def test_a_decommissioned_host_has_no_name(small_fleet: Fleet) -> None:
    gone = small_fleet.host("alv-sw1").model_copy(update={"status": "decommissioning"})
    fleet = small_fleet.model_copy(update={"hosts": (gone, small_fleet.host("tie-dns1"))})
    assert [n.name for n in resolver(fleet).names] == ["tie-dns1.norduppland.internal"]


@pytest.mark.parametrize("name", ['x" local-data: "evil', "tie-rack2 sw1", "sw1.example.org", "å", ""])
def test_a_host_whose_name_is_no_dns_name_has_none_and_takes_nobody_elses(small_fleet: Fleet, name: str) -> None:
    bad = small_fleet.host("alv-sw1").model_copy(update={"name": name})
    fleet = small_fleet.model_copy(update={"hosts": (bad, small_fleet.host("tie-dns1"))})
    assert [n.name for n in resolver(fleet).names] == ["tie-dns1.norduppland.internal"]


def test_every_resolver_says_the_same_but_for_its_own_address(small_fleet: Fleet) -> None:
    first, second = (settings(small_fleet.host(n), small_fleet, Options()) for n in ("tie-dns1", "tie-dns2"))
    assert first.addresses != second.addresses
    assert first.model_copy(update={"addresses": ()}) == second.model_copy(update={"addresses": ()})


def test_only_the_fleets_prefixes_are_let_in(small_fleet: Fleet) -> None:
    found = resolver(small_fleet)
    assert {(x.protocol, x.port, x.sources) for x in listens(found)} == {
        ("udp", 53, found.clients),
        ("tcp", 53, found.clients),
    }
    allowed = [line.split()[1] for line in rendered(found) if line.endswith(" allow")]
    assert allowed == ["127.0.0.1/32", *map(str, found.clients)]
    assert "access-control: 0.0.0.0/0 refuse" in rendered(found)


def test_dnssec_is_validated_unless_all_of_dns_is_said_to_be_insecure(small_fleet: Fleet) -> None:
    anchor = 'auto-trust-anchor-file: "/var/lib/unbound/root.key"'
    secure = resolver(small_fleet, insecure_zones=["example.internal"])
    assert secure.validates
    assert anchor in rendered(secure)
    assert 'domain-insecure: "example.internal"' in rendered(secure)
    insecure = resolver(small_fleet, insecure_zones=["."])
    assert not insecure.validates
    assert anchor not in rendered(insecure)


def test_without_forwarders_the_root_is_asked(small_fleet: Fleet) -> None:
    assert not any(line.startswith("forward-") for line in rendered(resolver(small_fleet)))
    assert "forward-addr: 192.0.2.53" in rendered(resolver(small_fleet, forwarders=["192.0.2.53"]))


@pytest.mark.parametrize(
    "said",
    [{"domain": 'a" b'}, {"domain": ""}, {"forwarders": ["dns.example"]}, {"insecure_zones": ["a\nb"]}, {"cache": 1}],
)
def test_an_option_of_the_wrong_kind_is_refused(said: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        options(**said)


def test_a_prefix_longer_than_an_octet_shares_its_reverse_zone() -> None:
    zones = _reverse_zones([IPv4Network("10.59.255.0/30"), IPv4Network("10.59.255.128/25")])
    assert zones == [LocalZone(name="255.59.10.in-addr.arpa")]


def test_public_addresses_beside_ours_are_still_looked_up() -> None:
    assert _reverse_zones([IPv4Network("8.8.8.0/29")]) == [LocalZone(name="8.8.8.in-addr.arpa", kind="transparent")]


@given(st.integers(0, 2**32 - 1), st.integers(12, 32))
def test_every_address_of_a_prefix_lies_in_a_reverse_zone_of_it(address: int, length: int) -> None:
    prefix = IPv4Network((address, length), strict=False)
    zones = {z.name for z in _reverse_zones([prefix])}
    for inside in (prefix[0], prefix[-1]):
        labels = inside.reverse_pointer.split(".")
        assert any(".".join(labels[start:]) in zones for start in range(1, 4))


@given(st.integers(0, 2**128 - 1), st.integers(1, 128))
def test_every_ipv6_address_of_a_prefix_lies_in_a_reverse_zone_of_it(address: int, length: int) -> None:
    prefix = IPv6Network((address, length), strict=False)
    zones = {z.name for z in _reverse_zones([prefix])}
    assert len(zones) <= 8
    for inside in (prefix[0], prefix[-1]):
        labels = inside.reverse_pointer.split(".")
        assert any(".".join(labels[start:]) in zones for start in range(1, 32))


@pytest.mark.parametrize(
    ("prefix", "zones"),
    [
        ("2001:db8:d:eb3::/64", ["3.b.e.0.d.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa"]),
        ("2001:db8:0:10::/64", ["0.1.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa"]),
        ("fc00::/7", ["c.f.ip6.arpa", "d.f.ip6.arpa"]),
        ("2001:db8::f0/127", ["f." + "0." * 22 + "8.b.d.0.1.0.0.2.ip6.arpa"]),
    ],
)
def test_a_reverse_zone_of_ipv6_ends_at_a_hexadecimal_digit(prefix: str, zones: list[str]) -> None:
    assert [z.name for z in _reverse_zones([IPv6Network(prefix)])] == zones


@given(st.text(min_size=1))
def test_every_interface_name_becomes_a_dns_label(name: str) -> None:
    assert LABEL.fullmatch(_label(name))


@given(st.ip_addresses(v=4))
def test_an_interface_name_keeps_what_can_be_kept(address: IPv4Address) -> None:
    assert _label("GigabitEthernet1/0/1") == "gigabitethernet1-0-1"
    assert _label(f"tunnel {address}") == f"tunnel-{str(address).replace('.', '-')}"
