"""What people write for FROM and TO is understood as they mean it, or refused with what to write."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.reach.ends import destinations, sources, split_port
from inventory.errors import UsageError
from inventory.network import Prefix
from inventory.snapshot import load
from roles.shared.filtering import Service, without
from roles.shared.traffic import ANYWHERE, networks

FLEET = load()


@pytest.mark.parametrize(
    ("text", "name", "protocol", "port"),
    [
        ("tie-care1:443", "tie-care1", "tcp", 443),
        ("tie-dns1:udp/53", "tie-dns1", "udp", 53),
        ("10.60.10.11:tcp/53", "10.60.10.11", "tcp", 53),
        ("[2001:db8::20]:443", "2001:db8::20", "tcp", 443),
        ("heb-gw1:ping", "heb-gw1", "icmp", None),
        ("heb-gw1:icmp", "heb-gw1", "icmp", None),
    ],
)
def test_a_port_stands_behind_a_colon(text: str, name: str, protocol: str, port: int | None) -> None:
    assert split_port(text) == (name, Service.model_validate({"protocol": protocol, "port": port}))


@pytest.mark.parametrize("text", ["tie-care1", "2001:db8::20", "2001:db8::443", "[2001:db8::20]", "2001:db8::/32"])
def test_without_one_there_is_no_port(text: str) -> None:
    assert split_port(text) == (text.strip("[]"), None)


@pytest.mark.parametrize("port", ["0", "65536", "http", "tcp/", "sctp/5", "443/tcp", "-1", "", "４４３", "00443"])
def test_what_is_no_port_is_refused_with_how_to_write_one(port: str) -> None:
    with pytest.raises(UsageError) as refused:
        split_port(f"tie-care1:{port}")
    assert "write it as 443, tcp/443, udp/53 or ping" in str(refused.value)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("tie-cara1", "did you mean tie-care1"),
        ("zzz", "write a host, an address, a network"),
        ("10.60.10.1/24", "write 10.60.10.0/24"),
        ("10.60.10.1/33", "write a host, an address, a network"),
        ("10.60.10", "write a host, an address, a network"),
        ("", "write a host, an address, a network"),
    ],
)
def test_what_nothing_is_called_is_refused_with_what_to_write(text: str, says: str) -> None:
    for resolve in (sources, destinations):
        with pytest.raises(UsageError) as refused:
            resolve(text, FLEET)
        assert says in str(refused.value)


def test_a_host_an_address_and_a_prefix_by_its_description_are_found_whatever_their_letters_case() -> None:
    assert [e.host.name for e in sources("TIE-CARE1", FLEET) if e.host] == ["tie-care1"]
    assert [e.host.name for e in sources("10.60.10.32", FLEET) if e.host] == ["tie-care1"]
    (staff,) = sources("personal älvkarleby", FLEET)
    assert staff.networks == (ip_network("10.61.10.0/24"),)


def test_a_municipality_asks_from_its_prefixes_and_is_asked_at_its_hosts() -> None:
    assert {str(n) for e in sources("Heby", FLEET) for n in e.networks} == {f"10.63.{n}.0/24" for n in (1, 10, 20, 30)}
    assert {e.host.name for e in destinations("heby", FLEET) if e.host} == {"heb-gw1", "heb-fw1", "heb-sw1", "heb-sw2"}


def test_a_network_without_a_host_has_nobody_to_ask() -> None:
    with pytest.raises(UsageError) as refused:
        destinations("192.0.2.0/24", FLEET)
    assert "no host of the inventory is there" in str(refused.value)


def test_any_is_every_address_once() -> None:
    parts = [n for e in sources("any", FLEET) for n in e.networks]
    assert networks(parts) == ANYWHERE
    assert sum(n.num_addresses for n in parts if n.version == 4) == 2**32


nested = st.lists(
    st.builds(lambda a, n: ip_network((a, n), strict=False), st.integers(0, 2**32 - 1), st.integers(1, 30)), max_size=6
)


@given(nested, st.builds(lambda a, n: ip_network((a, n), strict=False), st.integers(0, 2**32 - 1), st.integers(0, 32)))
def test_a_network_is_cut_along_prefixes_and_the_longest_one_has_what_lies_in_several(prefixes, network) -> None:  # type: ignore[no-untyped-def]
    fleet = FLEET.model_copy(update={"prefixes": tuple(Prefix(prefix=p) for p in dict.fromkeys(prefixes)), "hosts": ()})
    parts = [(n, e.prefix) for e in sources(str(network), fleet) for n in e.networks]
    assert networks(n for n, _ in parts) == (network,)
    assert sum(n.num_addresses for n, _ in parts) == network.num_addresses
    for part, prefix in parts:
        holding = fleet.prefix_of(part.network_address)
        assert (prefix is None) == (holding is None)
        assert prefix is None or holding is None or prefix.prefix == holding.prefix
        assert fleet.prefix_of(part.broadcast_address) == holding


small = st.lists(
    st.builds(
        lambda a, n: ip_network((a, n), strict=False), st.integers(0, 255).map(lambda x: x + 2**24), st.integers(24, 32)
    ),
    max_size=5,
)


@pytest.mark.long
@given(small, small)
def test_what_is_left_without_some_networks_is_every_other_address(of, away) -> None:  # type: ignore[no-untyped-def]
    every = [ip_address(2**24 + n) for n in range(256)]
    left = {a for a in every if any(a in n for n in of) and not any(a in n for n in away)}
    assert {a for a in every if any(a in n for n in without(of, away))} == left
