"""Devices with a command line travel the way that servers do: planned, applied, guarded, told what is nobody's.

On emulated devices, over real SSH. What a session with one holds to is in `test_device`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from deploy import guarded, runs
from deploy.apply import Applied, Apply
from deploy.drift import classify
from deploy.findings import Exit, Finding, Kind, exit_code
from deploy.plan import HostPlan, Plan, read_plan, write_plan
from deploy.planner import Session
from deploy.transport import Access
from inventory.errors import SamdriftError, UsageError
from inventory.fleet import Fleet, Host, Platform
from tests.emulator.device import Device
from tests.emulator.dialects import device
from tests.emulator.samples import SAMPLES
from tests.emulator.server import EmulatedDevices
from tests.integration.applying import Notes, nothing_to_check, plan_of
from tests.integration.conftest import fleet_of, keygen

MakeRole = Callable[[str, str], None]

ROLE = """
from roles.shared.cli import configured
from roles.shared.settings import Options as RoleOptions
from roles.shared.settings import Settings as RoleSettings

PLATFORMS = ("arubaos-cx", "cisco-ios", "fortios", "junos")
MANAGED = {
    "arubaos-cx": (("hostname .*",), (r"vlan \\d+",)),
    "cisco-ios": (("hostname .*",), (r"vlan \\d+",)),
    "fortios": (("config system global",),),
    "junos": (("system", "host-name"), ("vlans",)),
}

class Options(RoleOptions):
    text: str

class Settings(RoleSettings):
    text: str
    platform: str

def settings(host, fleet, options):
    return Settings(text=options.text, platform=host.platform)

def deploy(settings):
    configured(settings.text, platform=settings.platform, managed=MANAGED[settings.platform])
"""

WANTED = {
    "arubaos-cx": "hostname sw1\nvlan 1\nvlan 20\n    name Elever\nvlan 30\n    name Personal\n",
    "cisco-ios": "hostname sw1\nvlan 20\n name Elever\nvlan 30\n name Personal\n",
    "fortios": 'config system global\n    set hostname "sw1"\n    set timezone "26"\nend\n',
    "junos": "set system host-name sw1\nset vlans personal vlan-id 30\n",
}
MINUTE = 2.0
CONFIRMING = ["arubaos-cx", "cisco-ios", "junos"]


class Rack:
    """One device, the fleet that it is in, and how it is reached."""

    def __init__(self, emulated: Device, fleet: Fleet, access: Access) -> None:
        self.device, self.fleet, self.access = emulated, fleet, access

    def session(self) -> Session:
        return Session(self.fleet, self.fleet.hosts, self.access)

    def look(self) -> HostPlan:
        with self.session() as session:
            return session.look()[0]

    def apply(self) -> Applied:
        with self.session() as session:
            return Apply(session, self.plan(*session.look()), nothing_to_check, Notes()).go()

    def plan(self, *hosts: HostPlan) -> Plan:
        return plan_of(self.fleet, hosts)


@pytest.fixture
def rack(tmp_path: Path, make_role: MakeRole, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Rack]]:
    """Makes a rack with a device of a platform that should be as `WANTED`."""
    make_role("vlans", ROLE)
    monkeypatch.setattr(guarded, "MINUTE", MINUTE)
    authorized = keygen(tmp_path / "key")
    open_: list[EmulatedDevices] = []

    def make(platform: str) -> Rack:
        emulated = device(platform, "sw1", SAMPLES[platform].configuration)
        emulated.minute = MINUTE
        devices = EmulatedDevices([emulated], authorized)
        open_.append(devices)
        devices.__enter__()
        access = Access(key_file=tmp_path / "key", port=devices.port("sw1"), connect_timeout=5, guard_seconds=60)
        host = Host.model_validate(
            {
                "name": "sw1",
                "kind": "device",
                "tenant": "tierp",
                "site": "tierp-datahall",
                "role": "access-switch",
                "platform": platform,
                "primary_address": "127.0.0.1",
                "host_keys": (devices.host_key("sw1"),),
                "context": {"samdrift": {"roles": ["vlans"], "vlans": {"text": WANTED[platform]}}},
            }
        )
        fleet = fleet_of(host)
        cli = Platform(slug=platform, name=platform, family="cli")
        return Rack(emulated, fleet.model_copy(update={"platforms": (*fleet.platforms, cli)}), access)

    yield make
    for devices in open_:
        devices.__exit__(None, None, None)


@pytest.mark.parametrize("platform", [*CONFIRMING, "fortios"])
def test_a_plan_shows_what_is_typed_and_what_would_take_it_back(rack: Callable[..., Rack], platform: str) -> None:
    place = rack(platform)
    before = place.device.configuration
    plan = place.look()
    assert plan.error == ""
    (step,) = plan.changes
    (command,) = step.commands
    assert command.kind == "configure"
    assert command.rollback
    assert step.change is not None
    assert step.change.diff
    assert bool(step.guard) == (platform in CONFIRMING)
    assert bool(step.unguarded) == (platform not in CONFIRMING)
    assert place.device.configuration == before


@pytest.mark.parametrize("platform", CONFIRMING)
def test_what_is_applied_is_confirmed_saved_and_changes_nothing_the_second_time(
    rack: Callable[..., Rack], platform: str
) -> None:
    place = rack(platform)
    applied = place.apply()
    assert [(h.outcome, h.detail) for h in applied.hosts] == [("changed", "")]
    assert applied.findings == ()
    assert place.device.timer is None
    if platform != "junos":
        assert place.device.startup == place.device.running
    assert place.look().changes == ()


def test_a_device_that_cannot_restore_itself_is_changed_all_the_same_where_that_was_said(
    rack: Callable[..., Rack],
) -> None:
    place = rack("fortios")
    plan = place.plan(place.look())
    with pytest.raises(UsageError, match="--no-rollback sw1"):
        runs._refuse_unguarded(plan, ["sw1"], [])
    runs._refuse_unguarded(plan, ["sw1"], ["sw1"])
    assert [h.outcome for h in place.apply().hosts] == ["changed"]
    assert place.look().changes == ()


@pytest.mark.parametrize("platform", CONFIRMING)
def test_a_device_that_is_cut_off_by_a_change_restores_itself_and_that_is_told(
    rack: Callable[..., Rack], platform: str
) -> None:
    place = rack(platform)
    place.device.cut_off_by = lambda configuration: bool(re.search(r"(?i)personal", configuration))
    before, seen = place.device.configuration, place.look()
    applied = place.apply()
    assert [h.outcome for h in applied.hosts] == ["rolled back"]
    assert exit_code(applied.findings, after_change=True) is Exit.ROLLED_BACK
    (finding,) = applied.findings
    assert finding.summary.endswith("it is as it was before")
    assert place.device.configuration == before
    assert place.look().fingerprint == seen.fingerprint


@pytest.mark.parametrize("platform", CONFIRMING)
def test_a_line_that_is_refused_leaves_the_device_as_it_was(rack: Callable[..., Rack], platform: str) -> None:
    place = rack(platform)
    place.device.refuses = [r"(?i)personal"]
    before = place.device.configuration
    applied = place.apply()
    assert [h.outcome for h in applied.hosts] == ["rolled back"]
    assert place.device.configuration == before


def test_a_change_that_an_earlier_run_left_unconfirmed_is_reported_and_waited_for(rack: Callable[..., Rack]) -> None:
    place = rack("cisco-ios")
    place.device.arm(1, place.device.running)
    plan = place.look()
    assert plan.armed
    found = classify(place.plan(plan), (), {}, controls={})
    assert Kind.ARMED in {f.kind for f in found}
    place.device.arm(1, place.device.running)
    applied = place.apply()
    assert [f.kind for f in applied.findings] == [Kind.ARMED]
    assert [h.outcome for h in applied.hosts] == ["changed"]


def test_what_nobody_manages_is_told_and_stays(rack: Callable[..., Rack]) -> None:
    place = rack("cisco-ios")
    found = _unmanaged(place)
    assert any("interface GigabitEthernet1/0/1" in f.step for f in found)
    place.apply()
    assert "interface GigabitEthernet1/0/1" in place.device.configuration
    assert _unmanaged(place) == found


def _unmanaged(place: Rack) -> list[Finding]:
    found = classify(place.plan(place.look()), (), {}, controls={})
    return [f for f in found if f.kind is Kind.UNMANAGED]


def test_a_plan_of_a_device_is_the_same_from_a_file(rack: Callable[..., Rack], tmp_path: Path) -> None:
    place = rack("junos")
    plan = place.plan(place.look())
    write_plan(plan, tmp_path / "plan.json")
    assert read_plan(tmp_path / "plan.json") == plan
    assert "configure" in json.dumps(plan.model_dump(mode="json"))


SHELL = """
from pyinfra.operations import files
PLATFORMS = ("cisco-ios",)
def deploy(settings):
    files.directory(name="d", path="/etc/d")
"""
CLI = """
from roles.shared.cli import configured
def deploy(settings):
    configured("hostname a\\n", platform="cisco-ios", managed=(("hostname .*",),))
"""


@contextmanager
def _nobody_is_connected_to(place: Rack) -> Iterator[None]:
    typed = len(place.device.typed)
    yield
    assert len(place.device.typed) == typed


def test_a_shell_operation_on_a_device_fails_before_anything_connects(
    rack: Callable[..., Rack], make_role: MakeRole
) -> None:
    make_role("wrong", SHELL)
    place = rack("cisco-ios")
    (host,) = place.fleet.hosts
    wrong = host.model_copy(update={"context": {"samdrift": {"roles": ["wrong"]}}})
    fleet = place.fleet.model_copy(update={"hosts": (wrong,)})
    with (
        _nobody_is_connected_to(place),
        pytest.raises(SamdriftError, match="is a shell operation"),
        Session(fleet, fleet.hosts, place.access),
    ):
        pass


def test_a_command_line_operation_on_a_server_fails_before_anything_connects(make_role: MakeRole) -> None:
    make_role("wrong", CLI)
    server = Host.model_validate(
        {
            "name": "tie-a1",
            "kind": "vm",
            "tenant": "tierp",
            "site": "tierp-datahall",
            "role": "server",
            "platform": "debian-12",
            "primary_address": "127.0.0.1",
            "context": {"samdrift": {"roles": ["wrong"]}},
        }
    )
    with (
        pytest.raises(SamdriftError, match="for a device's command line"),
        Session(fleet_of(server), [server], Access(port=1)),
    ):
        pass
