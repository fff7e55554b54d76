"""Role core_switch: who is at its ports, which VLANs they carry, and that none is shut for a fault."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from roles.shared.device.state import (
    asked,
    disabled,
    neighbours,
    reported_ports,
    rows,
    trunks,
    wanted_neighbours,
    wanted_trunks,
)

if TYPE_CHECKING:
    from roles.core_switch import Settings


def test_its_neighbours_are_those_that_the_cables_lead_to(host: Any, settings: Settings) -> None:
    vendor, command = asked(settings, "neighbours")
    seen = neighbours(vendor, host.check_output(command))
    assert seen == wanted_neighbours(settings, seen)


def test_its_trunks_carry_the_vlans_that_they_should(host: Any, settings: Settings) -> None:
    vendor, command = asked(settings, "trunks")
    assert trunks(vendor, host.check_output(command), settings) == wanted_trunks(settings)


def test_its_clock_follows_a_time_server(host: Any, settings: Settings) -> None:
    vendor, command = asked(settings, "time")
    assert rows(vendor, "time", host.check_output(command)) != []


def test_no_port_is_shut_for_a_fault(host: Any, settings: Settings) -> None:
    vendor, command = asked(settings, "disabled")
    said = host.check_output(command)
    assert reported_ports(vendor, said) & {p.name for p in settings.ports}, "it told of none of its ports"
    assert disabled(vendor, said) == {}
