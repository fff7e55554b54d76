"""Role edge_firewall: its clock is right, its ports are up, it finds back to the fleet, its policies are in force."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from roles.shared.device.answers import rows
from roles.shared.device.firewall_state import (
    networks,
    policies,
    wanted_networks,
    wanted_policies,
    wanted_zones,
    zones,
)
from roles.shared.device.known import known_vendors
from roles.shared.device.state import asked, sockets

if TYPE_CHECKING:
    from roles.edge_firewall import Settings


def test_its_clock_follows_a_time_server(host: Any, settings: Settings) -> None:
    vendor, command = asked(settings, "time")
    assert rows(vendor, "time", host.check_output(command)) != []


def test_the_ports_that_it_serves_are_up(host: Any, settings: Settings) -> None:
    vendor, command = asked(settings, "up")
    states = {row["port"]: row["state"] for row in rows(vendor, "up", host.check_output(command))}
    serving = sorted(sockets(settings, settings.serving))
    assert {port: states.get(port, "not there") for port in serving} == dict.fromkeys(serving, "up")


def test_its_routes_to_those_that_it_speaks_with_are_in_force(host: Any, settings: Settings) -> None:
    wanted = wanted_networks(settings)
    if not wanted:
        pytest.skip("not applicable: all are in its own network")
    vendor, command = asked(settings, "routes")
    assert wanted - networks(vendor, host.check_output(command)) == set()


def test_each_interface_is_in_its_zone(host: Any, settings: Settings) -> None:
    _require(settings, "zones")
    vendor, command = asked(settings, "zones")
    told, wanted = zones(vendor, host.check_output(command)), wanted_zones(settings)
    assert {port: told.get(port, "in none") for port in wanted} == wanted


def test_its_policies_are_in_force(host: Any, settings: Settings) -> None:
    _require(settings, "policies")
    vendor, command = asked(settings, "policies")
    assert wanted_policies(settings) - policies(vendor, host.check_output(command)) == set()


def _require(settings: Settings, what: str) -> None:
    vendor = known_vendors()[settings.platform]
    if what not in vendor.asks:
        pytest.skip(f"not applicable: {vendor.name} does not tell {what} as a state of their own")


PROVES = {
    "network": (
        "the ports that it serves are up",
        "its routes to those that it speaks with are in force",
    ),
    "segregation": (
        "each interface is in its zone",
        "its policies are in force",
    ),
    "time": ("its clock follows a time server",),
}
"""What its checks prove, by topic (`roles.shared.controls.TOPICS`)."""

SWEDISH = {
    "its clock follows a time server": "klockan följer en tidsserver",
    "the ports that it serves are up": "portarna som den betjänar är uppe",
    "its routes to those that it speaks with are in force": "rutterna till dem som den talar med gäller",
    "each interface is in its zone": "varje gränssnitt är i sin zon",
    "its policies are in force": "reglerna gäller",
}
"""What its checks are called in a Swedish report."""
