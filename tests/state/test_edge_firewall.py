"""Role edge_firewall: its clock is right, and its ports towards the schools, the guests and the fleet are up."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from roles.shared.device.answers import rows
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
