"""What `reach` says of a way is what packets do on it: from an office by gateway and hub to servers, and back."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from functools import cache
from typing import Any

import pytest

from deploy.reach import ends, matrix
from deploy.reach.world import World
from inventory.paths import CODE
from inventory.snapshot import load
from roles.firewall import Settings, ruleset
from roles.shared.filtering import Service
from roles.shared.intent import Intent
from tests.integration.test_reach_packets import PATH, Packet
from tests.network_namespace import ALONE, NEEDS_NFT

pytestmark = NEEDS_NFT
FLEET = load()
INTENT = Intent(FLEET)
WORLD = World(INTENT)
OFFICE = ("10.63.10.5", "10.63.10.77", "10.63.10.250")
SERVERS = ("10.60.10.250", "10.60.10.14", "10.60.10.32", "10.60.10.11")
PORTS = (
    *(("tcp", port) for port in (22, 53, 80, 443, 514, 631, 2514, 3142, 8080, 9090, 9100)),
    *(("udp", port) for port in (53, 67, 123, 161, 514)),
)


def of(name: str) -> str:
    settings = INTENT.of(FLEET.host(name), "firewall")
    assert isinstance(settings, Settings)
    return ruleset(settings)


def machine(
    name: str, addresses: list[tuple[str, str]], routes: list[tuple[str, str]], rules: str = ""
) -> dict[str, Any]:
    return {"name": name, "addresses": addresses, "routes": routes, "ruleset": rules}


def a_row(server: str, address: str) -> dict[str, Any]:
    """Somebody in Heby's office, heb-gw1, tie-gw1, and a server in Tierp."""
    machines = [
        machine("office", [("eth0", "10.63.10.5/24")], [("default", "10.63.10.1")]),
        machine(
            "heb-gw1",
            [("lan0", "10.63.10.1/24"), ("mgt0", "10.63.1.1/24"), ("wg1", "10.59.1.63/24")],
            [("10.60.10.0/24", "10.59.1.1")],
            of("heb-gw1"),
        ),
        machine(
            "tie-gw1",
            [("wg1", "10.59.1.1/24"), ("srv0", "10.60.10.1/24")],
            [("10.63.10.0/24", "10.59.1.63"), ("10.63.1.0/24", "10.59.1.63")],
            of("tie-gw1"),
        ),
        machine(server, [("eth0", f"{address}/24")], [("default", "10.60.10.1")], of(server)),
        machine("switch", [("eth0", "10.63.1.11/24")], []),
    ]
    links = [
        (("office", "eth0"), ("heb-gw1", "lan0")),
        (("switch", "eth0"), ("heb-gw1", "mgt0")),
        (("heb-gw1", "wg1"), ("tie-gw1", "wg1")),
        (("tie-gw1", "srv0"), (server, "eth0")),
    ]
    return {"machines": machines, "links": links}


def came(row: dict[str, Any], from_: str, to: str, packets: list[Packet]) -> set[Packet]:
    done = subprocess.run(
        [*ALONE, sys.executable, "-m", "tests.integration.chain_of_hosts"],
        cwd=CODE,
        input=json.dumps({**row, "from": from_, "to": to, "packets": packets}),
        env={"PATH": PATH, "HOME": os.environ.get("HOME", "/")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return {Packet(*packet) for packet in json.loads(done.stdout)}


@cache
def said(packet: Packet) -> str:
    service = Service.model_validate({"protocol": packet.protocol, "port": packet.port})
    source, to = ends.sources(packet.source, FLEET), ends.destinations(packet.destination, FLEET)
    (found,) = matrix.asked(source, to, service, WORLD)
    return found.answer


def packets_to(destination: str, sources: tuple[str, ...]) -> list[Packet]:
    return [
        *(Packet(source, destination, *port) for source in sources for port in PORTS),
        *(Packet(source, destination, "icmp", None) for source in sources),
    ]


@pytest.mark.parametrize("server", ["tie-dns1", "tie-log1", "tie-cache1", "tie-care1"])
def test_from_an_office_to_a_server(server: str) -> None:
    address = str(FLEET.host(server).primary_address)
    packets = packets_to(address, OFFICE)
    found = came(a_row(server, address), "office", server, packets)
    assert {p for p in packets if said(p) == "open"} == found
    assert {said(p) for p in packets} <= {"open", "closed"}
    assert bool(found) == (server in {"tie-dns1", "tie-cache1"})


def test_from_servers_to_the_office_s_gateway() -> None:
    packets = packets_to("10.63.10.1", SERVERS)
    row = a_row("tie-care1", "10.60.10.32")
    row["machines"][3]["ruleset"] = ""  # what goes out is not filtered, and it speaks as others do
    found = came(row, "tie-care1", "heb-gw1", packets)
    assert {p for p in packets if said(p) == "open"} == found
    assert {(p.source, p.port) for p in found} >= {("10.60.10.250", 22), ("10.60.10.250", None)}


def test_a_source_that_is_not_of_the_office_is_dropped_at_the_first_gateway_by_its_way_back() -> None:
    row = a_row("tie-dns1", "10.60.10.11")
    stranger = [Packet("10.60.20.9", "10.60.10.11", "udp", 53), Packet("10.63.10.5", "10.60.10.11", "udp", 53)]
    row["machines"][0]["addresses"].append(("eth0", "10.60.20.9/32"))
    assert came(row, "office", "tie-dns1", stranger) == {stranger[1]}
