"""State checks of devices: the shipped fleet's own switches and firewalls, emulated, configured by samdrift and cabled.

Their configurations, cables and checks are the real ones; only their addresses are on loopback. Each check fails when
what it is about is wrong, and no other does.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from deploy import verify
from deploy.apply import Apply
from deploy.drift import classify
from deploy.findings import Exit, Kind, exit_code
from deploy.planner import Session
from deploy.record import Check
from deploy.transport import Access
from deploy.vault import MadeUp
from inventory.fleet import Fleet, Host
from inventory.snapshot import load
from roles.shared.switching import SWITCHES, far_ends
from tests.emulator.device import Device
from tests.emulator.dialects import device
from tests.emulator.grammar import applied
from tests.emulator.samples import SAMPLES
from tests.emulator.server import EmulatedDevices
from tests.integration.applying import Notes, nothing_to_check, plan_of
from tests.integration.conftest import keygen

SWITCHED = ("alv-sw1", "heb-sw1", "ost-sw1", "tie-core1")
NAMES = (*SWITCHED, "heb-fw1")
"""An access switch of each vendor, a core switch and a firewall."""

NEIGHBOURS = "its neighbours are those that the cables lead to"
TRUNKS = "its trunks carry the vlans that they should"
TIME = "its clock follows a time server"
DISABLED = "no port is shut for a fault"
UP = "the ports that it serves are up"

UPLINKS = {"alv-sw1": "1/1/25", "heb-sw1": "xe-0/2/0", "ost-sw1": "GigabitEthernet1/1/1", "tie-core1": "1/1/56"}
"""A trunk of each switch, to another one."""
WITHOUT_A_VLAN = {
    "arubaos-cx": ("interface {port}", "no vlan trunk allowed 110"),
    "cisco-ios": ("interface {port}", "switchport trunk allowed vlan 101,120,130"),
    "junos": ("delete interfaces {port} unit 0 family ethernet-switching vlan members v110",),
}
"""How somebody takes VLAN 110 from a trunk."""
FAULTS = {"arubaos-cx": "Disabled by BPDU guard", "cisco-ios": "bpduguard", "junos": "Bpdu-Incon"}
"""What a device says of a port that it has shut, since somebody has connected a switch to it."""


def on_loopback(fleet: Fleet) -> Fleet:
    """The same fleet, with its 10.… addresses as 127.…: all of these are this machine."""
    return Fleet.model_validate_json(re.sub(r"\b10(\.\d+\.\d+\.\d+)", r"127\1", fleet.model_dump_json()))


def with_keys(fleet: Fleet, running: EmulatedDevices) -> Fleet:
    """The same fleet, with the emulated devices' host keys."""
    names = {d.name for d in running.devices}
    hosts = [
        h.model_copy(update={"host_keys": (running.host_key(h.name),)}) if h.name in names else h for h in fleet.hosts
    ]
    return fleet.model_copy(update={"hosts": tuple(hosts)})


def cabled(host: Host, fleet: Fleet) -> Device:
    """This host as a device with some other configuration, and with the cables that NetBox knows."""
    emulated = device(host.platform, host.name, SAMPLES[host.platform].configuration)
    speaks = {*SWITCHES, "edge-gateway"}
    emulated.plugged = {
        port: far.name if far.role in speaks else "" for port, (far, _) in far_ends(host, fleet).items()
    }
    return emulated


@dataclass(frozen=True)
class Site:
    """The devices, and a session on them."""

    fleet: Fleet
    devices: dict[str, Device]
    session: Session

    def check(self) -> dict[str, dict[str, Check]]:
        """What became of each check: by host, by name."""
        found: dict[str, dict[str, Check]] = {name: {} for name in self.devices}
        for check in verify.verify(self.session, self.fleet):
            found[check.host][check.name] = check
        return found

    def failed(self) -> dict[str, list[str]]:
        """The checks that fail, by host."""
        return {
            name: [c.name for c in checks.values() if c.outcome != "passed"] for name, checks in self.check().items()
        }


@pytest.fixture(scope="module")
def configured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The devices, configured by samdrift."""
    directory = tmp_path_factory.mktemp("devices")
    authorized = keygen(directory / "key")
    fleet = on_loopback(load())
    devices = {name: cabled(fleet.host(name), fleet) for name in NAMES}
    devices["heb-fw1"].plugged["wan1"] = ""  # NetBox does not know the providers' equipment
    addresses = {name: str(fleet.host(name).primary_address) for name in NAMES}
    with socket.create_server((addresses["heb-fw1"], 0)) as probe:
        port = probe.getsockname()[1]
    with EmulatedDevices(devices.values(), authorized, addresses, port) as running:
        fleet = with_keys(fleet, running)
        hosts = [fleet.host(name) for name in NAMES]
        access = Access(key_file=directory / "key", port=port)
        with Session(fleet, hosts, access, vault=MadeUp(directory / "secrets.json")) as session:
            done = Apply(session, plan_of(fleet, session.look()), nothing_to_check, Notes()).go()
            assert {h.host: (h.outcome, h.detail) for h in done.hosts} == dict.fromkeys(NAMES, ("changed", ""))
            yield Site(fleet, devices, session)


@pytest.fixture
def site(configured: Site) -> Iterator[Site]:
    """The same, and after the test as before it."""
    kept = {name: (dict(d.plugged), d.running) for name, d in configured.devices.items()}
    yield configured
    for name, (plugged, running) in kept.items():
        emulated = configured.devices[name]
        emulated.plugged, emulated.running, emulated.faulty, emulated.hears_time = plugged, running, {}, True


def test_a_second_plan_of_a_configured_device_changes_nothing(site: Site) -> None:
    plans = site.session.look()
    assert [(p.host, p.error, p.changes) for p in plans] == [(name, "", ()) for name in NAMES]


def test_a_device_that_is_configured_and_cabled_as_netbox_says_passes_every_check(site: Site) -> None:
    found = site.check()
    assert {name: sorted(checks) for name, checks in found.items()} == {
        name: sorted([TIME, UP] if name == "heb-fw1" else [NEIGHBOURS, TRUNKS, TIME, DISABLED]) for name in NAMES
    }
    assert not any(site.failed().values())


def a_stranger(device: Device, host: Host) -> str:
    """Someone has connected a switch of their own, to a port to which NetBox knows no cable."""
    free = next(i.name for i in host.interfaces if i.type != "virtual" and i.name not in device.plugged)
    device.plugged[free] = "stranger1"
    return "stranger1"


def a_wrong_neighbour(device: Device, host: Host) -> str:
    """A cable leads to another switch than NetBox says."""
    device.plugged[UPLINKS[host.name]] = "other-sw9"
    return "other-sw9"


def no_neighbour(device: Device, host: Host) -> str:
    """A cable between two switches has been pulled out."""
    del device.plugged[UPLINKS[host.name]]
    return UPLINKS[host.name]


def no_time(device: Device, _host: Host) -> str:
    """No time server answers it."""
    device.hears_time = False
    return ""


def a_shut_port(device: Device, host: Host) -> str:
    """Someone has connected a switch to a port for people's equipment, and the device has shut it."""
    port = next(i.name for i in host.interfaces if i.type != "virtual" and i.name not in device.plugged)
    device.faulty[port] = FAULTS[host.platform]
    return port


def a_trunk_without_a_vlan(device: Device, host: Host) -> str:
    """Someone has taken a VLAN from a trunk."""
    port = UPLINKS[host.name]
    lines = [line.format(port=port) for line in WITHOUT_A_VLAN[host.platform]]
    device.running = applied(host.platform, device.running, lines)
    return "110"


@pytest.mark.parametrize(
    ("breaks", "check"),
    [
        (a_stranger, NEIGHBOURS),
        (a_wrong_neighbour, NEIGHBOURS),
        (no_neighbour, NEIGHBOURS),
        (no_time, TIME),
        (a_shut_port, DISABLED),
        (a_trunk_without_a_vlan, TRUNKS),
    ],
)
def test_what_is_wrong_fails_the_check_that_is_about_it_and_no_other(
    site: Site, breaks: Callable[[Device, Host], str], check: str
) -> None:
    names = {name: breaks(site.devices[name], site.fleet.host(name)) for name in SWITCHED}
    assert site.failed() == {name: [check] if name in SWITCHED else [] for name in NAMES}
    found = site.check()
    for name, said in names.items():
        assert said in found[name][check].detail


def test_a_firewall_whose_port_is_down_or_that_hears_no_time_fails_that_check(site: Site) -> None:
    firewall = site.devices["heb-fw1"]
    del firewall.plugged["internal1"]
    assert site.failed()["heb-fw1"] == [UP]
    assert "internal1" in site.check()["heb-fw1"][UP].detail
    firewall.plugged["internal1"] = ""
    firewall.hears_time = False
    assert site.failed()["heb-fw1"] == [TIME]


def test_a_cable_that_netbox_does_not_know_is_a_finding(site: Site) -> None:
    a_stranger(site.devices["ost-sw1"], site.fleet.host("ost-sw1"))
    plan = plan_of(site.fleet, site.session.look())
    found = [
        f
        for f in classify(plan, verify.verify(site.session, site.fleet), {}, controls={})
        if f.kind is not Kind.UNMANAGED
    ]
    assert [(f.kind, f.host, f.step) for f in found] == [(Kind.FAILED_CHECK, "ost-sw1", NEIGHBOURS)]
    assert "stranger1" in found[0].detail
    assert exit_code(found) is Exit.DIFFERENCES


def test_a_person_whose_description_reads_like_a_fault_has_not_shut_a_port(site: Site) -> None:
    for name in SWITCHED:
        emulated, host = site.devices[name], site.fleet.host(name)
        if host.platform == "arubaos-cx":
            port = next(i.name for i in host.interfaces if i.type != "virtual" and i.name not in emulated.plugged)
            lines = [f"interface {port}", "description Serverrum, BPDU guard"]
            emulated.running = applied(host.platform, emulated.running, lines)
    assert not any(DISABLED in failed for failed in site.failed().values())
