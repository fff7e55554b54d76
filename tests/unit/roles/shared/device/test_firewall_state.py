"""What a firewall says of zones, policies, routes and ports is read; and where one of them is wrong, it shows."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from roles.edge_firewall import Settings
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
from roles.shared.device.transcript import Exchange, Transcript, judged
from tests.emulator.dialects import device
from tests.emulator.state import state
from tests.unit.roles.shared.device.switch_fleet import fleet
from tests.unit.roles.shared.device.test_settings import declared, settings_of

JUNOS, FORTIOS = (known_vendors()[p] for p in ("junos", "fortios"))
SRX, FORTIGATE = "heb-fw2", "heb-fw1"


def settings(name: str) -> Settings:
    found = settings_of("edge_firewall", name, fleet())
    assert isinstance(found, Settings)
    return found


def said(name: str, asked: str, change: Callable[[str], str] = str) -> str:
    """What a firewall answers that has what its role declares, changed by somebody."""
    configuration = change(declared("edge_firewall", name, fleet()).content)
    platform = settings(name).platform
    command = known_vendors()[platform].asks[asked].command
    plugged = {p.name: "" for p in settings(name).ports}
    answer = state(device(platform, name, configuration, plugged=plugged), command)
    assert answer is not None
    return answer


def without(text: str) -> Callable[[str], str]:
    return lambda of: "".join(f"{line}\n" for line in of.splitlines() if text not in line)


def test_each_interface_is_read_with_its_zone() -> None:
    assert zones(JUNOS, said(SRX, "zones")) == wanted_zones(settings(SRX))
    moved = zones(
        JUNOS, said(SRX, "zones", lambda of: of.replace("zone irb-120 interfaces", "zone untrust interfaces"))
    )
    assert (moved["irb.120"], moved["ge-0/0/1.0"]) == ("untrust", "ge-0-0-1")
    assert "ae0.110" not in zones(JUNOS, said(SRX, "zones", without("interfaces ae0.110")))


def test_a_policy_that_is_missing_or_deactivated_is_not_in_force() -> None:
    wanted = wanted_policies(settings(SRX))
    assert policies(JUNOS, said(SRX, "policies")) == wanted
    assert ("ae0-110", "untrust", "out") in wanted
    last = "security policies global policy samdrift-deny"
    assert wanted - policies(JUNOS, said(SRX, "policies", without(last))) == {("", "", "samdrift-deny")}
    off = policies(JUNOS, said(SRX, "policies", lambda of: f"{of}deactivate {last}\n"))
    assert wanted - off == {("", "", "samdrift-deny")}


@pytest.mark.parametrize(("name", "vendor"), [(SRX, JUNOS), (FORTIGATE, FORTIOS)])
def test_a_route_that_is_not_in_force_is_missed(name: str, vendor: object) -> None:
    of = {SRX: JUNOS, FORTIGATE: FORTIOS}[name]
    assert of is vendor
    assert networks(of, said(name, "routes")) == wanted_networks(settings(name)) == {"10.60.10.0/24"}
    assert networks(of, said(name, "routes", lambda text: text.replace("10.60.10.0", "10.60.11.0"))) == {
        "10.60.11.0/24"
    }


def test_ports_and_units_of_an_srx_are_up_or_not() -> None:
    states = {row["port"]: row["state"] for row in rows(JUNOS, "up", said(SRX, "up"))}
    serving = settings(SRX).serving
    assert serving == ("ge-0/0/0", "ge-0/0/3", "ge-0/0/1", "ae0", "irb.120")
    assert {states[port] for port in (*serving, "xe-0/2/1")} == {"up"}
    assert states["ge-0/0/2"] == "down"


DOCUMENTED = """
Default policy: deny-all
From zone: Host, To zone: 'Outside'
  Policy: p1, State: enabled, Index: 4, Scope Policy: 0, Sequence number: 1, Log Profile ID: 0
    Source vrf group: any
    From zones: any
    Action: permit
  Policy: p2, State: disabled, Index: 5, Scope Policy: 0, Sequence number: 2, Log Profile ID: 0
Global policies:
  Policy: g1, State: enabled, Index: 6, Scope Policy: 0, Sequence number: 1
    From zones: zone1, zone2
"""


def test_policies_in_the_documented_form() -> None:
    assert policies(JUNOS, DOCUMENTED) == {("Host", "'Outside'", "p1"), ("", "", "g1")}


def test_a_switch_that_has_no_zones_refuses_to_tell_them_and_that_is_no_fault() -> None:
    refused = tuple(
        Exchange(typed=JUNOS.asks[asked].command, answer="syntax error.", seconds=0, refused=True)
        for asked in ("zones", "policies", "up")
    )
    found = judged(JUNOS, Transcript(code="", taken="", platform="junos", exchanges=refused))
    outcomes = {j.about.split(":")[0]: j.outcome for j in found}
    assert (outcomes["zones"], outcomes["policies"], outcomes["up"]) == ("not seen", "not seen", "refused")
