"""Role core_switch: who is at its ports, which VLANs they carry, and that none is shut for a fault."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from roles.shared.device.answers import rows
from roles.shared.device.heard import Heard
from roles.shared.device.state import (
    asked,
    at_cables,
    disabled,
    heard,
    strangers,
    trunks,
    wanted_at_cables,
    wanted_trunks,
)

if TYPE_CHECKING:
    from roles.core_switch import Settings


def test_its_neighbours_are_those_that_the_cables_lead_to(
    host: Any, settings: Settings, tell: Callable[[Iterable[Heard]], None]
) -> None:
    vendor, command = asked(settings, "neighbours")
    found = heard(vendor, host.check_output(command))
    tell(strangers(settings, found))
    seen = at_cables(settings, found)
    assert seen == wanted_at_cables(settings, seen)


def test_its_trunks_carry_the_vlans_that_they_should(host: Any, settings: Settings) -> None:
    vendor, command = asked(settings, "trunks")
    assert trunks(vendor, host.check_output(command), settings) == wanted_trunks(settings)


def test_its_clock_follows_a_time_server(host: Any, settings: Settings) -> None:
    vendor, command = asked(settings, "time")
    assert rows(vendor, "time", host.check_output(command)) != []


def test_no_port_is_shut_for_a_fault(host: Any, settings: Settings) -> None:
    vendor, command = asked(settings, "disabled")
    assert disabled(vendor, host.check_output(command), settings) == {}


PROVES = {
    "inventory": ("its neighbours are those that the cables lead to",),
    "network": (
        "its neighbours are those that the cables lead to",
        "its trunks carry the vlans that they should",
        "no port is shut for a fault",
    ),
    "segregation": ("its trunks carry the vlans that they should",),
    "time": ("its clock follows a time server",),
}
"""What its checks prove, by topic (`roles.shared.controls.TOPICS`)."""

SWEDISH = {
    "its neighbours are those that the cables lead to": "grannarna är de som kablarna leder till",
    "its trunks carry the vlans that they should": "trunkarna bär de VLAN som de ska",
    "its clock follows a time server": "klockan följer en tidsserver",
    "no port is shut for a fault": "ingen port är avstängd på grund av fel",
}
"""What its checks are called in a Swedish report."""
