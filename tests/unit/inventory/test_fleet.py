"""The Fleet: found by name, ordered by key, and a copy remembers nothing of its original."""

from __future__ import annotations

from ipaddress import IPv4Address, ip_interface, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from inventory.fleet import Fleet, Host, Interface
from inventory.keys import KEYS
from inventory.network import Network, Prefix
from tests.unit.inventory.fleets import SERVER, fleet, host, with_hosts


def test_every_part_of_a_fleet_has_a_key_to_be_sorted_by() -> None:
    assert set(KEYS) == set(Fleet.model_fields) - {"people"}


def test_a_copy_of_a_fleet_is_asked_about_itself() -> None:
    original = fleet()
    original.host("tie-dns1")
    before = original.digest

    changed = original.model_copy(update={"hosts": (host("tie-dns1", status="offline"),)})

    assert changed.host("tie-dns1").status == "offline"
    assert changed.digest != before
    assert original.digest == before


def test_what_a_prefix_remembers_of_its_place_makes_it_no_other_prefix_and_goes_into_no_copy() -> None:
    first, asked = (Prefix.model_validate({"prefix": "10.0.0.0/8", "site": "a"}) for _ in range(2))
    before = hash(asked)

    assert asked.scope == ("site", "a")

    assert (asked, hash(asked)) == (first, before)
    assert asked.model_dump() == first.model_dump()
    assert asked.model_copy(update={"site": None, "region": "b"}).scope == ("region", "b")


def test_a_fleet_cannot_be_changed() -> None:
    with pytest.raises(ValidationError):
        fleet().hosts = ()  # type: ignore[misc]


@pytest.mark.parametrize(
    "context",
    [
        {},
        {"samdrift": None},
        {"samdrift": {"roles": 1, "wave": "x"}},
        {"samdrift": {"roles": {"base": "yes", "time": 1}}},
    ],
)
def test_a_config_context_that_says_nothing_sensible_is_taken_for_none(context: dict[str, object]) -> None:
    odd = Host.model_validate(SERVER | {"context": context})

    assert (odd.roles, odd.wave) == ((), 50)


def test_a_host_has_the_roles_that_are_true_whatever_order_netbox_keeps_keys_in() -> None:
    roles = {"time": True, "log_client": False, "base": True}

    host = Host.model_validate(SERVER | {"context": {"samdrift": {"roles": roles}}})

    assert host.roles == ("base", "time")


def test_hosts_are_found_by_role_while_they_are_active() -> None:
    off = SERVER | {"name": "tie-dns2", "status": "offline"}

    found = with_hosts(SERVER, off)

    assert [h.name for h in found.with_role("dns_resolver")] == ["tie-dns1"]
    assert [h.name for h in found.with_device_role("server")] == ["tie-dns1"]


def test_the_prefix_of_an_address_is_the_longest_that_holds_it() -> None:
    prefixes = [{"prefix": p, "site": "tierp-datahall"} for p in ("10.0.0.0/8", "10.60.0.0/16", "10.60.10.0/24")]
    found = fleet(prefixes=prefixes)

    assert str(getattr(found.prefix_of(IPv4Address("10.60.10.1")), "prefix", None)) == "10.60.10.0/24"
    assert str(getattr(found.prefix_of(IPv4Address("10.60.9.1")), "prefix", None)) == "10.60.0.0/16"
    assert found.prefix_of(IPv4Address("192.0.2.1")) is None


NETWORKS = st.builds(
    lambda number, length: ip_network((number, length), strict=False),
    st.sampled_from([0x0A3C0A00, 0x0A3C0AFF, 0x0A3C0000, 0, 2**32 - 1, 0x20010DB8 << 96, (0x20010DB8 << 96) + 1]),
    st.sampled_from([0, 8, 16, 24, 30, 31, 32]),
)
"""Networks of both families that lie in each other, one in everything and one of a single address included."""


@given(st.lists(st.tuples(NETWORKS, st.sampled_from(["", "prod"])), max_size=6), NETWORKS, st.integers(0, 1))
def test_the_prefix_of_an_address_is_what_looking_at_every_one_finds(
    of: list[tuple[Network, str]], near: Network, further: int
) -> None:
    found = fleet(
        prefixes=[{"prefix": str(n), "vrf": vrf, "description": str(i)} for i, (n, vrf) in enumerate(of)],
        vrfs=[{"name": "prod"}],
    )
    address = near.network_address if near.num_addresses == 1 else near.network_address + further

    for vrf in ("", "prod", "another"):
        holding = [p for p in found.prefixes if p.vrf == vrf and address in p.prefix]
        longest = max((p.prefix.prefixlen for p in holding), default=None)
        first = next((p for p in holding if p.prefix.prefixlen == longest), None)
        assert found.prefix_of(address, vrf) is first
        assert found.prefix_of(ip_interface(f"{address}/8"), vrf) is first


ADDRESS_TEXTS = (
    st.from_regex(r"[0-9]{1,3}(\.[0-9]{1,3}){3}(/[0-9. ]{0,4})?", fullmatch=True)
    | st.builds("{}/{}".format, st.ip_addresses(), st.integers(-1, 129))
    | st.sampled_from(["10.0.0.1/255.255.255.0", "10.0.0.1/0.0.0.255", "10.0.0.1/24/8", "10.0.0.1/", "/24", "::1", ""])
    | st.text("0123456789abcdef.:/ ", max_size=20)
)


@given(ADDRESS_TEXTS)
def test_an_interface_has_the_addresses_that_python_reads_and_no_others(text: str) -> None:
    fields = {"name": "x", "addresses": [text]}
    try:
        expected = ip_interface(text)
    except ValueError:
        with pytest.raises(ValidationError, match="does not appear to be an IPv4 or IPv6 interface"):
            Interface.model_validate(fields)
        return

    (found,) = Interface.model_validate(fields).addresses

    assert (found, str(found), found.network) == (expected, str(expected), expected.network)


def test_a_site_has_its_own_prefixes_and_its_regions() -> None:
    assert [str(p.prefix) for p in fleet().prefixes_of_site("heby-kommunhus")] == ["10.59.0.0/24", "10.63.10.0/24"]
