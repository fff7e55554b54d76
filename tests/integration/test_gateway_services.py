"""What a municipality needs on the spot works with Tierp there, and goes on when Tierp is away: real clients ask.

The tests of this module are one story on one lab and run in this order: each leaves it as the next expects it.
"""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Network

import pytest

from deploy.lab import Lab
from inventory.fleet import Fleet, Range
from inventory.snapshot import load
from roles.dhcp_server import UNIT as KEA
from roles.log_server import LOGS
from tests.integration.client import Client, Lease, client
from tests.integration.lab import by_hand, samdrift

pytestmark = pytest.mark.lab

GATEWAY = "heb-gw1"
STAFF = IPv4Network("10.63.10.0/24")
NEEDED = f"{GATEWAY} or role=package_cache or role=dns_resolver or role=log_server or (tierp and role=edge_gateway)"
LOCAL, FAR = "heb-gw1.norduppland.internal", "ost-gw1.norduppland.internal"
ELSEWHERE = "samdrift-test.example"


@pytest.fixture(scope="module")
def lab(machine: None) -> Iterator[Fleet]:
    """The lab with Heby's gateway and what it needs of Tierp, as they should be."""
    samdrift("lab", "up")
    samdrift("--lab", "--limit", NEEDED, "apply", "--yes")
    fleet = Lab().overlay(load())
    yield fleet
    for host in away(fleet):
        samdrift("lab", "mend", host)


@pytest.fixture(scope="module")
def computer(lab: Fleet) -> Iterator[Client]:
    with client(STAFF) as there:
        yield there


@pytest.fixture(scope="module")
def lease(computer: Client) -> Lease:
    return computer.lease()


def pool(fleet: Fleet) -> Range:
    (only,) = fleet.ranges_in(STAFF)
    return only


def away(fleet: Fleet) -> list[str]:
    """What is cut off when Tierp is away, as Heby sees it: its gateways, and with them everything behind them."""
    return [h.name for h in fleet.with_role("edge_gateway") if h.tenant == "tierp" and "lab" in h.tags]


def test_a_computer_in_heby_is_lent_an_address_of_the_pool_and_told_whom_to_ask(lab: Fleet, lease: Lease) -> None:
    router = lab.host(GATEWAY).interfaces[2].addresses[0].ip
    assert pool(lab).start <= lease.address <= pool(lab).end
    assert lease.prefix_length == STAFF.prefixlen
    assert lease.router == router
    assert lease.resolvers == (router, *(h.address for h in lab.with_role("dns_resolver")))
    assert lease.domain == "norduppland.internal"


def test_it_resolves_names_of_the_fleet_at_the_gateway(lab: Fleet, computer: Client, lease: Lease) -> None:
    assert computer.resolve(lease.router, LOCAL) == [str(lab.host(GATEWAY).address)]


def test_the_gateway_asks_tierp_for_what_it_does_not_know(computer: Client, lease: Lease, lab: Fleet) -> None:
    for resolver in lab.with_role("dns_resolver"):
        by_hand(resolver.name, f"unbound-control local_data {ELSEWHERE}. 60 IN A 192.0.2.7")
    assert computer.resolve(lease.router, ELSEWHERE) == ["192.0.2.7"]


def test_a_print_queue_takes_a_job_and_keeps_it_while_its_printer_is_off(computer: Client, lease: Lease) -> None:
    assert computer.print_job(lease.router, "heb-kopiator1", "Hej\n") < 0x100
    assert "heb-kopiator1-" in by_hand(GATEWAY, "lpstat -o")


def test_nobody_there_makes_a_queue(computer: Client, lease: Lease) -> None:
    assert computer.print_job(lease.router, "no-such-queue", "Hej\n") == 0x0406  # client-error-not-found


def test_with_tierp_away_a_new_computer_gets_an_address_names_and_prints(lab: Fleet, lease: Lease) -> None:
    for host in away(lab):
        samdrift("lab", "cut", host)
    with client(STAFF, number=2) as newcomer:
        lent = newcomer.lease()
        assert lent.address != lease.address
        assert pool(lab).start <= lent.address <= pool(lab).end
        assert newcomer.resolve(lent.router, LOCAL) == [str(lab.host(GATEWAY).address)]
        assert newcomer.resolve(lent.router, FAR) == [str(lab.host("ost-gw1").address)]
        assert newcomer.print_job(lent.router, "heb-kopiator2", "Hej\n") < 0x100


def test_a_name_that_was_asked_for_lately_is_still_answered(computer: Client, lease: Lease) -> None:
    assert computer.resolve(lease.router, ELSEWHERE) == ["192.0.2.7"]


def test_what_was_lent_is_remembered_by_a_server_that_restarts_without_tierp(computer: Client, lease: Lease) -> None:
    by_hand(GATEWAY, f"systemctl restart {KEA}")
    assert computer.lease() == lease


def test_what_is_logged_while_tierp_is_away_outlives_a_restart_and_arrives_when_it_is_back(lab: Fleet) -> None:
    mark = "samdrift-test-while-tierp-is-away"
    by_hand(GATEWAY, f"logger {mark}; journalctl --sync; sleep 1; systemctl restart rsyslog.service")
    for host in away(lab):
        samdrift("lab", "mend", host)
    (server,) = lab.with_role("log_server")
    arrived = f"until grep -qh {mark} {LOGS}/*.log; do sleep 1; done"
    by_hand(server.name, f"timeout 60 sh -c '{arrived}'")


def test_when_tierp_is_back_the_gateway_is_as_it_should_be(lab: Fleet) -> None:
    hosts = samdrift("--lab", "--limit", GATEWAY, "plan", "--detailed-exitcode")["plan"]["hosts"]
    assert [s["name"] for h in hosts for s in h["steps"] if s["commands"]] == []
    assert samdrift("--lab", "--limit", GATEWAY, "verify")["findings"] == []
