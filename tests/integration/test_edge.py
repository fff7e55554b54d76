"""The way from Heby to Tierp, with real traffic: through the tunnel, by the other hub, by none, and back again.

The tests of this module are one story and run in this order on one lab: each leaves it as the next expects it.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from ipaddress import IPv4Address, IPv4Interface, IPv4Network

import pytest

from deploy.lab import Lab
from deploy.planner import Session
from inventory.fleet import Fleet
from inventory.snapshot import load
from roles.edge_gateway import Options
from tests.integration.client import Client
from tests.integration.lab import by_hand, samdrift

pytestmark = pytest.mark.lab

HUB, RESERVE, EDGE, OTHER_EDGE, SERVER = "tie-gw1", "tie-gw2", "heb-gw1", "alv-gw1", "tie-dns1"
NEEDED = f"{HUB} or {RESERVE} or {EDGE} or {OTHER_EDGE} or {SERVER} or role=package_cache or role=log_server"
OFFICE, COMPUTER, HOME = IPv4Network("10.63.10.0/24"), IPv4Interface("10.63.10.77/24"), IPv4Address("10.63.10.1")
IN_TIME = Options().hold_seconds + 6
"""Until a dead hub is given up, and until a try that began before has run out and another has been made."""
PATIENCE = 60
DNS = ("10.60.10.11", 53)
"""The server in Tierp that an office may ask, at the port at which it may."""
FORBIDDEN = (("10.61.10.1", 22), ("10.61.1.1", 9100), ("10.60.10.11", 22), ("10.60.10.13", 2514))
"""A gateway and an exporter of another municipality, and what of Tierp's servers is no office's business."""


@pytest.fixture(scope="module")
def lab(machine: None) -> Fleet:
    """The lab (that of the tests before, or a new one) with its gateways and what those need of Tierp deployed."""
    samdrift("lab", "up")
    samdrift("--lab", "--limit", NEEDED, "apply", "--yes")
    return Lab().overlay(load())


@pytest.fixture(scope="module")
def client(lab: Fleet) -> Iterator[Client]:
    """A computer in Heby's office, as DHCP would have set it up."""
    with Client(OFFICE, COMPUTER, HOME) as computer:
        yield computer


def reaches(client: Client, address: str, port: int) -> bool:
    """Whether the client gets a TCP connection within a second."""
    return client.try_to(f"timeout 1 bash -c 'exec 3<>/dev/tcp/{address}/{port}'").returncode == 0


def name_of(client: Client, address: str, seconds: int = 1) -> bool:
    """Whether the client gets an answer of DNS from this address: a real question, by TCP, and its real answer."""
    question = r"\x00\x1a\x00\x01\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x08tie-dns1\x00\x00\x01\x00\x01"
    ask = f"exec 3<>/dev/tcp/{address}/53; printf '{question}' >&3; head -c 4 <&3 | od -An -tx1"
    return client.try_to(f'timeout {seconds} bash -c "{ask}"').stdout.split()[2:4] == ["00", "01"]


def seconds_until(client: Client, *, reached: bool) -> float:
    """How long it takes until the client reaches the server in Tierp, or does not any more."""
    begun = time.monotonic()
    while name_of(client, DNS[0]) is not reached:
        assert time.monotonic() - begun < PATIENCE, f"not {'reached' if reached else 'lost'} within {PATIENCE} s"
    return time.monotonic() - begun


def carried(interface: str) -> int:
    """How many bytes the edge's tunnel has carried, in both directions."""
    return sum(map(int, by_hand(EDGE, f"wg show {interface} transfer").split()[1:3]))


def way(host: str, address: str) -> str:
    """By which neighbour a host sends to an address."""
    return by_hand(host, f"ip -4 route get {address}").split(" via ")[-1].split()[0]


def nothing_forbidden(client: Client) -> bool:
    return not [end for end in FORBIDDEN if reaches(client, *end)]


def test_a_client_reaches_a_server_through_the_tunnel_to_the_first_hub(client: Client) -> None:
    assert seconds_until(client, reached=True) < PATIENCE
    assert way(EDGE, DNS[0]) == "10.59.1.1"
    first, second = carried("wg1"), carried("wg2")
    client.run(f"bash -c 'for i in $(seq 300); do echo 123456789012 > /dev/udp/{DNS[0]}/{DNS[1]}; done'")
    assert carried("wg1") - first > 300 * 40, "not through the tunnel"
    assert carried("wg2") - second < 300 * 20
    assert nothing_forbidden(client)


def test_converged_gateways_plan_no_change_and_pass_their_checks(lab: Fleet) -> None:
    limit = f"{HUB} or {RESERVE} or {EDGE}"
    hosts = samdrift("--lab", "--limit", limit, "plan", "--detailed-exitcode")["plan"]["hosts"]
    assert [(s["name"], s["commands"]) for h in hosts for s in h["steps"] if s["commands"]] == []
    assert max(h["execs"] for h in hosts) <= 3
    samdrift("--lab", "--limit", limit, "verify")


def test_a_change_of_one_peer_leaves_the_others_sessions_alone(lab: Fleet, client: Client) -> None:
    started = by_hand(HUB, "systemctl show -p ActiveEnterTimestampMonotonic wg-quick@wg1.service")
    key = lab.host(OTHER_EDGE).wireguard_public_key
    by_hand(HUB, f"wg set wg1 peer '{key}' remove; systemctl reload wg-quick@wg1.service")
    assert key in by_hand(HUB, "wg show wg1 peers")
    assert by_hand(HUB, "systemctl show -p ActiveEnterTimestampMonotonic wg-quick@wg1.service") == started
    assert name_of(client, DNS[0], 2)


def test_an_edge_that_only_the_second_hub_reaches_is_reached_by_servers_that_send_to_the_first(
    lab: Fleet, client: Client
) -> None:
    by_hand(HUB, f"wg set wg1 peer '{lab.host(EDGE).wireguard_public_key}' remove")
    try:
        deadline = time.monotonic() + PATIENCE
        while way(EDGE, DNS[0]) != "10.59.2.1" and time.monotonic() < deadline:
            time.sleep(1)
        assert seconds_until(client, reached=True) < IN_TIME
        assert way(HUB, str(COMPUTER.ip)) == "10.59.3.2"
        assert "10.60.10.1/32" in by_hand(HUB, "ip -4 -o address show dev srv0")
        assert nothing_forbidden(client)
    finally:
        by_hand(HUB, "systemctl reload wg-quick@wg1.service")


def test_when_the_first_hub_dies_the_second_takes_over_in_time_and_when_both_do_nothing_leaks(
    lab: Fleet, client: Client
) -> None:
    samdrift("lab", "cut", HUB)
    try:
        assert seconds_until(client, reached=True) < IN_TIME
        assert way(EDGE, DNS[0]) == "10.59.2.1"
        assert nothing_forbidden(client)
        samdrift("lab", "cut", RESERVE)
        try:
            assert seconds_until(client, reached=False) < IN_TIME
            deadline = time.monotonic() + IN_TIME
            while "blackhole" not in by_hand(EDGE, "ip -4 route show 10.60.10.0/24") and time.monotonic() < deadline:
                time.sleep(1)
            assert "blackhole" in by_hand(EDGE, "ip -4 route show 10.60.10.0/24")
            assert client.pings(HOME)
            assert nothing_forbidden(client)
        finally:
            samdrift("lab", "mend", RESERVE)
    finally:
        samdrift("lab", "mend", HUB)


def test_when_both_are_back_the_routes_and_the_addresses_return_to_the_first(lab: Fleet, client: Client) -> None:
    assert seconds_until(client, reached=True) < PATIENCE
    deadline = time.monotonic() + PATIENCE
    while (way(EDGE, DNS[0]), "10.60.10.1/32" in by_hand(HUB, "ip -4 -o address show dev srv0")) != ("10.59.1.1", True):
        assert time.monotonic() < deadline
        time.sleep(1)
    assert "10.60.10.1/32" not in by_hand(RESERVE, "ip -4 -o address show dev srv0")
    assert name_of(client, DNS[0], 2)
    assert nothing_forbidden(client)
    with Session(lab, [lab.host(EDGE)], Lab().access()) as session:
        assert session.look()[0].changes == ()
