"""A municipality's office with real traffic: a lease, names, printing, and the way to Tierp through the tunnels; by the
other hub, by none, and back again. What it needs on the spot goes on when Tierp is away.

The tests of this module are one story and run in this order on one lab: each leaves it as the next expects it.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator
from ipaddress import IPv4Address, IPv4Network

import pytest

from inventory.fleet import Fleet
from roles.dhcp_server import UNIT as KEA
from roles.edge_gateway import Options
from tests.integration.client import Client
from tests.integration.lab import by_hand, lab_fleet, samdrift
from tests.integration.office import lease, page_of, print_job, resolve

pytestmark = pytest.mark.lab

HUB, RESERVE, EDGE, OTHER_EDGE, SERVER, LOG = "tie-gw1", "tie-gw2", "heb-gw1", "alv-gw1", "tie-dns1", "tie-log1"
NEEDED = f"{HUB} or {RESERVE} or {EDGE} or {OTHER_EDGE} or role=dns_resolver or role=package_cache or role=log_server"
OFFICE, HOME = IPv4Network("10.63.10.0/24"), IPv4Address("10.63.10.1")
ELSEWHERE = "samdrift-test.example"
IN_TIME = Options().hold_seconds + 6
"""Until a dead hub is given up, and until a try that began before has run out and another has been made."""
PATIENCE = 60
LOGGED, LINES = f"away-{secrets.token_hex(8)}", 50
DNS = IPv4Address("10.60.10.11")
"""The server in Tierp that an office may ask, by port 53."""
FORBIDDEN = (("10.61.10.1", 22), ("10.61.1.1", 9100), ("10.60.10.11", 22), ("10.60.10.13", 2514))
"""A gateway and an exporter of another municipality, and what of Tierp's servers is no office's business."""


@pytest.fixture(scope="module")
def lab(machine: None) -> Iterator[Fleet]:
    """The lab (that of the tests before, or a new one) with its gateways and what those need of Tierp deployed."""
    samdrift("lab", "up")
    samdrift("--lab", "--limit", NEEDED, "apply", "--yes")
    yield lab_fleet()
    for hub in (HUB, RESERVE):
        samdrift("lab", "mend", hub)


@pytest.fixture(scope="module")
def client(lab: Fleet) -> Iterator[Client]:
    """A computer in Heby's office that stays there, with the address that it is lent."""
    with Client(OFFICE) as computer:
        lease(computer)
        yield computer


@pytest.fixture
def newcomer(lab: Fleet) -> Iterator[Client]:
    """A computer that was never there before."""
    with Client(OFFICE, name="newcomer") as computer:
        yield computer


def reaches(client: Client, address: str, port: int) -> bool:
    """Whether the client gets a TCP connection within a second."""
    return client.try_to(f"timeout 1 bash -c 'exec 3<>/dev/tcp/{address}/{port}'").returncode == 0


def answers(client: Client, resolver: IPv4Address = DNS, seconds: int = 1) -> bool:
    """Whether the client gets an answer of DNS from this address in time: a real one, to a real question by TCP."""
    question = r"\x00\x1a\x00\x01\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x08tie-dns1\x00\x00\x01\x00\x01"
    ask = f"exec 3<>/dev/tcp/{resolver}/53; printf '{question}' >&3; head -c 4 <&3 | od -An -tx1"
    return client.try_to(f'timeout {seconds} bash -c "{ask}"').stdout.split()[2:4] == ["00", "01"]


def seconds_until(holds: Callable[[], bool], patience: float = PATIENCE) -> float:
    """How long it takes until this holds."""
    begun = time.monotonic()
    while not holds():
        assert time.monotonic() - begun < patience, f"not within {patience} s"
        time.sleep(0.3)
    return time.monotonic() - begun


def carried(interface: str) -> int:
    """How many bytes the edge's tunnel has carried, in both directions."""
    return sum(map(int, by_hand(EDGE, f"wg show {interface} transfer").split()[1:3]))


def way(host: str, address: IPv4Address) -> str:
    """By which neighbour a host sends to an address."""
    return by_hand(host, f"ip -4 route get {address}").split(" via ")[-1].split()[0]


def holds_the_shared_address(host: str) -> bool:
    return "10.60.10.1/32" in by_hand(host, "ip -4 -o address show dev srv0")


def nothing_forbidden(client: Client) -> bool:
    return not [end for end in FORBIDDEN if reaches(client, *end)]


# Both hubs are there


def test_a_computer_is_lent_an_address_of_the_pool_and_told_whom_to_ask(lab: Fleet, newcomer: Client) -> None:
    lent = lease(newcomer)
    (pool,) = lab.ranges_in(OFFICE)
    assert int(pool.start) <= int(lent.address) <= int(pool.end)
    assert (lent.prefix_length, lent.router, lent.domain) == (OFFICE.prefixlen, HOME, "norduppland.internal")
    assert lent.resolvers == (HOME, *(h.address for h in lab.with_role("dns_resolver")))


def test_it_reaches_a_server_in_tierp_through_the_tunnel_to_the_first_hub(client: Client) -> None:
    seconds_until(lambda: answers(client))
    assert way(EDGE, DNS) == "10.59.1.1"
    first, second = carried("wg1"), carried("wg2")
    client.run(f"bash -c 'for i in $(seq 300); do echo 123456789012 > /dev/udp/{DNS}/53; done'")
    assert carried("wg1") - first > 300 * 40, "not through the tunnel"
    assert carried("wg2") - second < 300 * 20
    assert nothing_forbidden(client)


def test_the_gateway_answers_names_of_the_fleet_and_asks_tierp_for_others(lab: Fleet, client: Client) -> None:
    for resolver in lab.with_role("dns_resolver"):
        by_hand(resolver.name, f"unbound-control local_data {ELSEWHERE}. 600 IN A 192.0.2.7")
    assert resolve(client, HOME, f"{EDGE}.norduppland.internal") == [str(lab.host(EDGE).address)]
    assert resolve(client, HOME, ELSEWHERE) == ["192.0.2.7"]


def test_a_queue_takes_a_job_and_keeps_it_while_its_printer_is_off(client: Client) -> None:
    assert print_job(client, HOME, "heb-kopiator1", "Hej\n") < 0x100
    assert print_job(client, HOME, "no-such-queue", "Hej\n") == 0x406  # client-error-not-found
    assert "heb-kopiator1-" in by_hand(EDGE, "lpstat -o")


def test_nobody_in_the_office_administers_or_reads_what_others_print(client: Client) -> None:
    for page in ("admin", "admin/conf/cupsd.conf", "admin/log/page_log"):
        assert page_of(client, f"http://{HOME}:631/{page}") == 403


def test_a_change_of_one_peer_leaves_the_others_sessions_alone(lab: Fleet, client: Client) -> None:
    started = by_hand(HUB, "systemctl show -p ActiveEnterTimestampMonotonic wg-quick@wg1.service")
    key = lab.host(OTHER_EDGE).wireguard_public_key
    by_hand(HUB, f"wg set wg1 peer '{key}' remove; systemctl reload wg-quick@wg1.service")
    assert key in by_hand(HUB, "wg show wg1 peers")
    assert by_hand(HUB, "systemctl show -p ActiveEnterTimestampMonotonic wg-quick@wg1.service") == started
    assert answers(client, seconds=2)


def test_an_edge_that_only_the_second_hub_reaches_is_reached_by_servers_that_send_to_the_first(
    lab: Fleet, client: Client
) -> None:
    by_hand(HUB, f"wg set wg1 peer '{lab.host(EDGE).wireguard_public_key}' remove")
    try:
        seconds_until(lambda: way(EDGE, DNS) == "10.59.2.1")
        assert seconds_until(lambda: answers(client)) < IN_TIME
        assert way(HUB, IPv4Address(client.address())) == "10.59.3.2"
        assert holds_the_shared_address(HUB)
        assert nothing_forbidden(client)
    finally:
        by_hand(HUB, "systemctl reload wg-quick@wg1.service")


# One of them is not, and then none


def test_when_the_first_hub_dies_the_second_takes_over_in_time(lab: Fleet, client: Client) -> None:
    samdrift("lab", "cut", HUB)
    assert seconds_until(lambda: answers(client)) < IN_TIME
    assert way(EDGE, DNS) == "10.59.2.1"
    assert nothing_forbidden(client)


def test_when_both_are_dead_nothing_leaks(lab: Fleet, client: Client) -> None:
    samdrift("lab", "cut", RESERVE)
    assert seconds_until(lambda: not answers(client)) < IN_TIME
    seconds_until(lambda: "blackhole" in by_hand(EDGE, "ip -4 route show 10.60.10.0/24"), IN_TIME)
    assert client.pings(HOME)
    assert nothing_forbidden(client)
    by_hand(EDGE, f'for i in $(seq {LINES}); do logger -t samdrift-test "{LOGGED} $i."; done')


def test_with_tierp_away_a_new_computer_gets_an_address_resolves_names_and_prints(lab: Fleet, newcomer: Client) -> None:
    lent = lease(newcomer)
    (pool,) = lab.ranges_in(OFFICE)
    assert int(pool.start) <= int(lent.address) <= int(pool.end)
    for host in (EDGE, "ost-gw1", SERVER):
        assert resolve(newcomer, HOME, f"{host}.norduppland.internal") == [str(lab.host(host).address)]
    assert resolve(newcomer, HOME, ELSEWHERE) == ["192.0.2.7"]  # which was asked for lately
    assert print_job(newcomer, HOME, "heb-kopiator2", "Hej\n") < 0x100


def test_what_was_lent_is_remembered_by_a_server_that_restarts_while_tierp_is_away(client: Client) -> None:
    lent = lease(client)
    by_hand(EDGE, f"systemctl restart {KEA}")
    assert lease(client) == lent


# Both are back


def test_when_both_are_back_the_routes_and_the_addresses_return_to_the_first(lab: Fleet, client: Client) -> None:
    samdrift("lab", "mend", RESERVE)
    samdrift("lab", "mend", HUB)
    seconds_until(lambda: answers(client))
    seconds_until(lambda: (way(EDGE, DNS), holds_the_shared_address(HUB)) == ("10.59.1.1", True))
    assert not holds_the_shared_address(RESERVE)
    assert answers(client, seconds=2)
    assert nothing_forbidden(client)


def test_what_was_logged_while_tierp_was_away_has_arrived(lab: Fleet) -> None:
    def arrived() -> set[str]:
        lines = by_hand(LOG, f"grep -h '{LOGGED}' /var/log/fleet/heby/{EDGE}.log || true").splitlines()
        return {line.split()[-1] for line in lines}

    seconds_until(lambda: len(arrived()) == LINES)


def test_the_gateways_are_as_they_should_be_and_pass_their_checks(lab: Fleet) -> None:
    limit = f"{HUB} or {RESERVE} or {EDGE}"
    hosts = samdrift("--lab", "--limit", limit, "plan", "--detailed-exitcode")["plan"]["hosts"]
    assert [(s["name"], s["commands"]) for h in hosts for s in h["steps"] if s["commands"]] == []
    assert max(h["execs"] for h in hosts) <= 3
    said = samdrift("--lab", "--limit", limit, "verify")
    assert said["findings"] == []
    spoken = {c["host"]: c["outcome"] for c in said["checks"] if c["name"] == "who is there is spoken with"}
    assert spoken == dict.fromkeys((HUB, RESERVE, EDGE), "passed")  # nobody is away now: no skip
