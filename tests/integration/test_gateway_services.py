"""What a municipality needs on the spot works with Tierp there, and goes on when Tierp is away: real clients ask.

The tests of this module are one story on one lab and run in this order: each leaves it as the next expects it.
"""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Network

import pytest

from deploy.lab import Lab
from inventory.fleet import Fleet
from inventory.snapshot import load
from roles.dhcp_server import UNIT as KEA
from tests.integration.client import Client
from tests.integration.lab import by_hand, samdrift
from tests.integration.office import lease, page_of, print_job, resolve

pytestmark = pytest.mark.lab

GATEWAY = "heb-gw1"
STAFF = IPv4Network("10.63.10.0/24")
NEEDED = f"{GATEWAY} or role=package_cache or role=dns_resolver or role=log_server or (tierp and role=edge_gateway)"
ELSEWHERE = "samdrift-test.example"


@pytest.fixture(scope="module")
def lab(machine: None) -> Iterator[Fleet]:
    """The lab with Heby's gateway and what it needs of Tierp, as they should be."""
    samdrift("lab", "up")
    samdrift("--lab", "--limit", NEEDED, "apply", "--yes")
    fleet = Lab().overlay(load())
    yield fleet
    mend(fleet)


@pytest.fixture
def computer(lab: Fleet) -> Iterator[Client]:
    """A computer that was never here before, in the network for staff."""
    with Client(STAFF) as there:
        yield there


def tierp(fleet: Fleet) -> list[str]:
    """What is cut off when Tierp is away, as Heby sees it: its gateways, and with them everything behind them."""
    return [h.name for h in fleet.with_role("edge_gateway") if h.tenant == "tierp" and "lab" in h.tags]


def cut(fleet: Fleet) -> None:
    for host in tierp(fleet):
        samdrift("lab", "cut", host)


def mend(fleet: Fleet) -> None:
    for host in tierp(fleet):
        samdrift("lab", "mend", host)


def test_a_computer_is_lent_an_address_of_the_pool_and_told_whom_to_ask(lab: Fleet, computer: Client) -> None:
    lent = lease(computer)
    (pool,) = lab.ranges_in(STAFF)
    (router,) = (p.gateway for p in lab.prefixes if p.prefix == STAFF)
    assert pool.start <= lent.address <= pool.end
    assert (lent.prefix_length, lent.router, lent.domain) == (STAFF.prefixlen, router, "norduppland.internal")
    assert lent.resolvers == (router, *(h.address for h in lab.with_role("dns_resolver")))


def test_the_gateway_answers_names_of_the_fleet_and_asks_tierp_for_others(lab: Fleet, computer: Client) -> None:
    for resolver in lab.with_role("dns_resolver"):
        by_hand(resolver.name, f"unbound-control local_data {ELSEWHERE}. 600 IN A 192.0.2.7")
    router = lease(computer).router
    assert resolve(computer, router, f"{GATEWAY}.norduppland.internal") == [str(lab.host(GATEWAY).address)]
    assert resolve(computer, router, ELSEWHERE) == ["192.0.2.7"]


def test_a_queue_takes_a_job_and_keeps_it_while_its_printer_is_off(computer: Client) -> None:
    router = lease(computer).router
    assert print_job(computer, router, "heb-kopiator1", "Hej\n") < 0x100
    assert print_job(computer, router, "no-such-queue", "Hej\n") == 0x406  # client-error-not-found
    assert "heb-kopiator1-" in by_hand(GATEWAY, "lpstat -o")


def test_nobody_in_the_office_administers_or_reads_what_others_print(computer: Client) -> None:
    router = lease(computer).router
    for page in ("admin", "admin/conf/cupsd.conf", "admin/log/page_log"):
        assert page_of(computer, f"http://{router}:631/{page}") == 403


def test_with_tierp_away_a_new_computer_gets_an_address_resolves_names_and_prints(lab: Fleet, computer: Client) -> None:
    cut(lab)
    lent = lease(computer)
    (pool,) = lab.ranges_in(STAFF)
    assert pool.start <= lent.address <= pool.end
    for host in (GATEWAY, "ost-gw1", "tie-dns1"):
        assert resolve(computer, lent.router, f"{host}.norduppland.internal") == [str(lab.host(host).address)]
    assert resolve(computer, lent.router, ELSEWHERE) == ["192.0.2.7"]  # which was asked for lately
    assert print_job(computer, lent.router, "heb-kopiator2", "Hej\n") < 0x100


def test_what_was_lent_is_remembered_by_a_server_that_restarts_while_tierp_is_away(computer: Client) -> None:
    lent = lease(computer)
    by_hand(GATEWAY, f"systemctl restart {KEA}")
    assert lease(computer) == lent


def test_when_tierp_is_back_the_gateway_is_as_it_should_be(lab: Fleet) -> None:
    mend(lab)
    hosts = samdrift("--lab", "--limit", GATEWAY, "plan", "--detailed-exitcode")["plan"]["hosts"]
    assert [s["name"] for h in hosts for s in h["steps"] if s["commands"]] == []
    assert samdrift("--lab", "--limit", GATEWAY, "verify")["findings"] == []
