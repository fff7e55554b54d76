"""The ruleset of a host that speaks both families, in the kernel: packets are sent, and what came in is counted."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from ipaddress import ip_network
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from roles.firewall import Opening, Settings, ruleset
from roles.shared.traffic import Listen
from tests.network_namespace import ALONE, NEEDS_NFT

pytestmark = NEEDS_NFT

FLEET = (ip_network("10.60.10.0/24"), ip_network("2001:db8:60:10::/64"), ip_network("2001:db8:59::/64"))
STATIONS = tuple(map(ip_network, ("10.60.10.250/32", "2001:db8:60:10::250/128", "2001:db8:60:20::7/128")))
HOST, NEIGHBOUR, STRANGER, SPOOFED = "2001:db8:60:10::11", "2001:db8:60:10::99", "2001:db8:bad::1", "2001:db8:59::5"
LINK_LOCAL, THE_HOST, ALL_NODES = "fe80::99", "fe80::11", "ff02::1"


class Case(NamedTuple):
    """An ICMPv6 message, and whether the host hears it."""

    heard: bool
    what: str
    type: int
    source: str = LINK_LOCAL
    to: str = THE_HOST
    hops: int = 255
    body: str = "00000000"


TARGET = "00000000" + "20010db8006000100000000000000011"
QUERY = "27100000" + "0" * 32
REDIRECT = "00000000" + "fe800000000000000000000000000099" + "20010db80bad00000000000000000001"
CASES = (
    Case(True, "a ping from the fleet", 128, NEIGHBOUR, HOST, 64),
    Case(False, "a ping from outside", 128, STRANGER, HOST, 64),
    Case(False, "a ping in the name of an address that is reached another way", 128, SPOOFED, HOST, 64),
    Case(True, "a neighbour's solicitation", 135, LINK_LOCAL, THE_HOST, 255, TARGET),
    Case(True, "a neighbour's solicitation, from its own address", 135, NEIGHBOUR, HOST, 255, TARGET),
    Case(False, "a solicitation that a router passed on", 135, LINK_LOCAL, THE_HOST, 254, TARGET),
    Case(True, "a neighbour's advertisement", 136, LINK_LOCAL, THE_HOST, 255, TARGET),
    Case(False, "an advertisement that a router passed on", 136, NEIGHBOUR, HOST, 64, TARGET),
    Case(True, "a switch's question who listens to multicast", 130, LINK_LOCAL, ALL_NODES, 1, QUERY),
    Case(False, "that question from beyond the link", 130, STRANGER, HOST, 1, QUERY),
    Case(False, "a router's advertisement", 134, LINK_LOCAL, ALL_NODES, 255, "400007080000000000000000"),
    Case(False, "a router's advertisement to it alone", 134, LINK_LOCAL, THE_HOST, 255, "400007080000000000000000"),
    Case(False, "a router's solicitation", 133, LINK_LOCAL, THE_HOST, 255),
    Case(False, "a redirect", 137, LINK_LOCAL, THE_HOST, 255, REDIRECT),
    Case(False, "a router's renumbering", 138, NEIGHBOUR, HOST, 255),
    Case(False, "a question for the host's names", 139, NEIGHBOUR, HOST, 64, "0002000000000000000000"),
    Case(False, "an error about nothing that was sent", 2, STRANGER, HOST, 64, "00000500" + "60" + "00" * 47),
)


@pytest.fixture(scope="module")
def found() -> dict[str, Any]:
    """What came of every packet."""
    ssh = Listen(protocol="tcp", port=22, sources=STATIONS, why="SSH")
    opening = (Opening(role="base", listen=ssh),)
    text = ruleset(Settings(host="tie-x1", ipv6=True, fleet=FLEET, openings=opening, passages=()))
    cases = [c._asdict() | {"message": f"{c.type:02x}000000{c.body}"} for c in CASES]
    script = str(Path(__file__).with_name("packets.py"))
    path = f"/usr/sbin:/usr/bin:/sbin:/bin:{os.environ['PATH']}"
    done = subprocess.run(
        [*ALONE, sys.executable, script],
        input=json.dumps([text, cases]),
        env={"PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)  # type: ignore[no-any-return]


@pytest.mark.parametrize("number", range(len(CASES)), ids=[c.what for c in CASES])
def test_the_host_hears(found: dict[str, Any], number: int) -> None:
    assert found["icmp"][number] == CASES[number].heard


def test_an_open_port_answers_its_sources_in_both_families_and_nobody_else(found: dict[str, Any]) -> None:
    asked = {who: found["tcp"][f"{who} 22"] for who in ("station", "station4", "neighbour", "stranger", "stranger4")}
    assert asked == {"station": True, "station4": True, "neighbour": False, "stranger": False, "stranger4": False}


def test_a_closed_port_is_closed_in_both_families(found: dict[str, Any]) -> None:
    assert not [who for who, answered in found["tcp"].items() if who.endswith(" 25") and answered]


def test_a_router_on_the_way_may_say_that_a_packet_is_too_big(found: dict[str, Any]) -> None:
    assert found["tcp"]["far 22"]  # 200 kB by way of a link of 1280 bytes, that neither end has
