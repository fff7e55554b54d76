"""Devices with a command line travel the way that servers do: planned, applied, guarded, told what is nobody's.

On emulated devices, over real SSH. What a session with one holds to is in `test_device`.
"""

from __future__ import annotations

import json
import logging
import random
import re
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import gevent
import pytest

from deploy.engine.apply import Apply
from deploy.engine.host_locks import Writer
from deploy.engine.hosts import Verify
from deploy.engine.results import ApplyResult
from deploy.engine.session import Session
from deploy.model.drift import classify
from deploy.model.findings import Exit, Finding, Kind, exit_code
from deploy.model.observer import Quiet
from deploy.model.plan import Configure, HostPlan, Plan
from deploy.model.plan_file import plan_file, read_plan_file, write_plan_file
from deploy.model.record import CheckResult
from deploy.runs import applying as runs
from deploy.store.ports import Holder
from deploy.transport.ssh import Access
from inventory.errors import SamdriftError, UsageError
from inventory.fleet import Fleet, Host
from inventory.organisation import Platform
from roles.shared.device.ownership import Ours
from roles.shared.intent import Intent
from tests.applying import TOGETHER, nothing_to_check, plan_of, until
from tests.emulator import grammar
from tests.emulator.device import Device, copy
from tests.emulator.dialects import device
from tests.emulator.samples import SAMPLES
from tests.emulator.server import EmulatedDevices
from tests.integration.devices import DECLARES_TEXT
from tests.sshd import fleet_of, free_port, keygen
from tests.unit.deploy.store.in_memory import MemoryApplied, MemoryJournal, MemoryLocks

log = logging.getLogger(__name__)

MakeRole = Callable[[str, str], None]

ROLE = f"""{DECLARES_TEXT}
MANAGED = {{
    "arubaos-cx": (("hostname .*",), (r"vlan \\d+",)),
    "cisco-ios": (("hostname .*",), (r"vlan \\d+",)),
    "fortios": (("config system global",),),
    "junos": (("system", "host-name"), ("vlans",)),
}}
"""

WANTED = {
    "arubaos-cx": "hostname sw1\nvlan 1\nvlan 20\n    name Elever\nvlan 30\n    name Personal\n",
    "cisco-ios": "hostname sw1\nvlan 20\n name Elever\nvlan 30\n name Personal\n",
    "fortios": 'config system global\n    set hostname "sw1"\n    set timezone "26"\nend\n',
    "junos": "set system host-name sw1\nset vlans personal vlan-id 30\n",
}
MINUTE = 4.0
NETCONF = " by NETCONF"
"""Behind a platform: its device is talked to so."""
CONFIRMING = ["arubaos-cx", "cisco-ios", "junos", f"junos{NETCONF}"]


def stores() -> tuple[MemoryJournal, MemoryApplied]:
    return MemoryJournal(), MemoryApplied()


class Rack:
    """Some devices, the fleet that they are, and how they are reached."""

    def __init__(self, devices: Sequence[Device], fleet: Fleet, access: Access) -> None:
        self.devices, self.fleet, self.access = devices, fleet, access

    @property
    def device(self) -> Device:
        """The only one."""
        (device,) = self.devices
        return device

    def session(self) -> Session:
        return Session(Intent(self.fleet), self.fleet.hosts, self.access)

    def look(self) -> HostPlan:
        (live,) = self.looks()
        return live

    def looks(self) -> tuple[HostPlan, ...]:
        with self.session() as session:
            return session.look()

    def apply(self, plan: Plan | None = None, verify: Verify = nothing_to_check) -> ApplyResult:
        with self.session() as session:
            return Apply(session, plan or self.plan(*session.look()), verify, *stores(), order=TOGETHER).go()

    def plan(self, *hosts: HostPlan) -> Plan:
        return plan_of(self.fleet, hosts)


@pytest.fixture
def rack(tmp_path: Path, make_role: MakeRole, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Rack]]:
    """Makes a rack with devices of these platforms that should be as `WANTED`."""
    make_role("vlans", ROLE)
    authorized = keygen(tmp_path / "key")
    with ExitStack() as until_the_end:

        def make(*platforms: str, minute: float = MINUTE, **access: float) -> Rack:
            monkeypatch.setattr("deploy.transport.device_session.MINUTE", minute)
            devices = [_device(p, f"sw{n}") for n, p in enumerate(platforms, 1)]
            for one in devices:
                one.minute = minute
            addresses = {d.name: f"127.0.1.{n}" for n, d in enumerate(devices, 1)}
            port = free_port("127.0.1.1")
            running = until_the_end.enter_context(EmulatedDevices(devices, authorized, addresses, port))
            by_netconf = {"transport": "netconf", "netconf_port": port}
            hosts = [
                _host(d, addresses[d.name], running.host_key(d.name), by_netconf if NETCONF in p else {})
                for d, p in zip(devices, platforms, strict=True)
            ]
            fleet = fleet_of(*hosts)
            cli = [Platform(slug=p, name=p, family="cli") for p in sorted({d.platform for d in devices})]
            given = {"key_file": tmp_path / "key", "port": port, "connect_timeout": 5, "guard_seconds": 60} | access
            return Rack(
                devices,
                fleet.model_copy(update={"platforms": (*fleet.platforms, *cli)}),
                Access.model_validate(given),
            )

        yield make


def _device(platform: str, name: str) -> Device:
    slug = platform.removesuffix(NETCONF)
    served = "set system services netconf ssh\n" if NETCONF in platform else ""
    return device(slug, name, SAMPLES[slug].configuration + served)


def _host(emulated: Device, address: str, host_key: str, way: dict[str, Any]) -> Host:
    wanted = WANTED[emulated.platform].replace("sw1", emulated.name)
    return Host.model_validate(
        {
            "name": emulated.name,
            "kind": "device",
            "tenant": "tierp",
            "site": "tierp-datahall",
            "role": "access-switch",
            "platform": emulated.platform,
            "primary_address": address,
            "host_keys": (host_key,),
            "context": {"samdrift": {"roles": {"vlans": True}, "vlans": {"text": wanted}} | way},
        }
    )


@pytest.mark.parametrize("platform", [*CONFIRMING, "fortios"])
def test_a_plan_shows_what_is_typed_and_what_would_take_it_back(rack: Callable[..., Rack], platform: str) -> None:
    place = rack(platform)
    before = place.device.configuration
    plan = place.look()
    assert plan.error == ""
    (step,) = plan.changes
    (command,) = step.commands
    assert isinstance(command, Configure)
    assert "\n".join(command.entries) == str(command)
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
    with place.session() as session:
        applied = Apply(session, place.plan(*session.look()), nothing_to_check, *stores(), order=TOGETHER).go()
        assert [live.armed for live in session.look()] == [""]
    assert [(h.outcome, h.detail) for h in applied.hosts] == [("changed", "")]
    assert applied.findings == ()
    assert place.device.timer is None
    if not platform.startswith("junos"):
        assert place.device.startup == place.device.running
    assert place.look().changes == ()


BY_HAND = {
    "arubaos-cx": ("name Elever", "name Guests"),
    "cisco-ios": ("name Elever", "name Guests"),
    "fortios": ('set hostname "sw1"\n', 'set hostname "sw1"\n    set timezone "10"\n'),
    "junos": ("set system host-name", "set vlans personal vlan-id 31\nset system host-name"),
}
"""What somebody changes of it."""


class _Step(Quiet):
    """Does something just before a step is carried out."""

    def __init__(self, act: Callable[[], object]) -> None:
        self._act = act

    def host(self, host: str, state: str, detail: str = "") -> None:  # noqa: ARG002  the observer's signature
        if state == "step":
            self._act()


@pytest.mark.parametrize("platform", [*CONFIRMING, "fortios"])
def test_a_device_that_somebody_changes_after_the_look_is_stale_and_nothing_is_typed(
    rack: Callable[..., Rack], platform: str
) -> None:
    place = rack(platform)
    before, after = BY_HAND[place.device.platform]
    text = place.device.configuration.replace(before, after)
    changed = device(place.device.platform, "sw1", text).running

    def by_hand() -> None:
        place.device.running = changed

    with Session(Intent(place.fleet), place.fleet.hosts, place.access, _Step(by_hand)) as session:
        plan = place.plan(*session.look())
        applied = Apply(session, plan, nothing_to_check, *stores(), order=TOGETHER).go()
    assert [(h.outcome, h.changed) for h in applied.hosts] == [("stale", ())]
    (finding,) = applied.findings
    assert (finding.kind, exit_code(applied.findings, after_change=True)) == (Kind.STALE, Exit.STALE)
    assert place.device.configuration == text
    assert place.device.timer is None


def test_a_device_that_another_run_with_the_same_store_changes_is_left_alone(rack: Callable[..., Rack]) -> None:
    place, locks = rack("cisco-ios", "arubaos-cx"), MemoryLocks()
    bo = Holder(who="bo@tie-adm2", since="2026-11-29T08:00:00.000Z", command="samdrift apply", run="0b0b")
    with (
        locks.hold(bo, ["sw2"]),
        Session(Intent(place.fleet), place.fleet.hosts, place.access, writer=Writer(devices=locks)) as session,
    ):
        plan = place.plan(*session.look())
        applied = Apply(session, plan, nothing_to_check, *stores(), order=TOGETHER).go()
    assert {h.host: h.outcome for h in applied.hosts} == {"sw1": "changed", "sw2": "skipped"}
    (finding,) = applied.findings
    assert (finding.kind, finding.remedy) == (Kind.LOCKED, "wait until it has ended")
    assert bo.words in finding.summary
    assert locks.holders == {}


def test_a_device_that_cannot_restore_itself_is_changed_all_the_same_where_that_was_said(
    rack: Callable[..., Rack],
) -> None:
    place = rack("fortios")
    plan = place.plan(place.look())
    with pytest.raises(UsageError, match="--no-rollback sw1"):
        runs.refuse_unguarded(plan, ["sw1"], [])
    runs.refuse_unguarded(plan, ["sw1"], ["sw1"])
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


def test_a_device_that_heard_that_all_is_well_though_nobody_heard_its_answer_is_found_changed_and_saved(
    rack: Callable[..., Rack],
) -> None:
    place = rack("cisco-ios")
    place.device.drop(at="^configure confirm$", instead=False)
    applied = place.apply()
    assert ([h.outcome for h in applied.hosts], applied.findings) == (["changed"], ())
    assert place.device.startup == place.device.running
    assert place.look().changes == ()


def test_a_device_that_is_lost_between_the_confirming_and_the_saving_is_to_be_saved_by_hand(
    rack: Callable[..., Rack],
) -> None:
    place = rack("cisco-ios")
    place.device.drop(4, at="^show running-config$")
    applied = place.apply()
    (finding,) = applied.findings
    assert [h.outcome for h in applied.hosts] == ["unknown"]
    assert finding.remedy.endswith("if it is as wanted: log in and save its configuration")
    assert place.look().changes == ()


@pytest.mark.parametrize("platform", CONFIRMING)
def test_a_device_whose_time_ran_out_before_it_was_told_that_all_is_well_is_rolled_back(
    rack: Callable[..., Rack], platform: str
) -> None:
    place = rack(platform)

    def takes_too_long(_hosts: Sequence[str]) -> tuple[CheckResult, ...]:
        place.device.restore()
        return ()

    applied = place.apply(verify=takes_too_long)
    (finding,) = applied.findings
    assert [h.outcome for h in applied.hosts] == ["rolled back"]
    assert finding.summary.endswith("it is as it was before")


def test_a_device_that_says_nothing_more_leaves_the_others_time_to_be_confirmed(rack: Callable[..., Rack]) -> None:
    place = rack("cisco-ios", "junos", "arubaos-cx", minute=8)
    place.devices[0].stall(at="^vlan 30$")
    applied = place.apply()
    assert [h.outcome for h in applied.hosts] == ["rolled back", "changed", "changed"]
    assert "the change was not taken within 4 s" in applied.hosts[0].detail


# Faults at random moments.

TYPED = 30
"""About how many lines an apply types into a device, from its first login to the saving."""
LOSSES = {"drop": Device.drop, "stall": Device.stall, "restart": Device.restart}
REFUSED = (r"(?i)personal", r"vlan.* 30$|vlan-id 30", r"commit|confirm$", r"^write|^checkpoint auto \d|revert timer")
CUT_OFF_BY = (r"(?i)personal", r"vlan(-id)? 30")


def _fault(emulated: Device, dice: random.Random) -> str:
    """Something will go wrong with this device; what, in words."""
    kind = dice.choice(["none", *LOSSES, *LOSSES, *LOSSES, "refuse", "cut off"])
    if kind in LOSSES:
        after, instead = dice.randrange(TYPED), dice.random() < 0.5
        LOSSES[kind](emulated, after, instead=instead)
        return f"{kind} {'at' if instead else 'after'} line {after}"
    if kind == "refuse":
        emulated.refuses = [dice.choice(REFUSED)]
        return f"refuse {emulated.refuses[0]}"
    if kind == "cut off":
        lethal = dice.choice(CUT_OFF_BY)
        emulated.cut_off_by = lambda configuration: bool(re.search(lethal, configuration))
        return f"cut off by {lethal}"
    return kind


def _after_faults(rack: Callable[..., Rack], seed: int, number: int) -> Counter[tuple[str, str, str]]:
    """So many changes in one apply, with a fault each: how often which, what apply told, and what the device has."""
    dice = random.Random(seed)  # noqa: S311  no secret
    platforms = [dice.choice(CONFIRMING) for _ in range(number)]
    place = rack(
        *platforms,
        minute=10,
        connect_timeout=15,
        fact_timeout=2,
        look_timeout=3,
        command_timeout=3,
    )
    seen = {live.host: live for live in _known(place)}
    before = {d.name: copy(d.running) for d in place.devices}
    faults = {d.name: _fault(d, dice) for d in place.devices}
    applied = place.apply(place.plan(*seen.values()))
    for one in place.devices:
        _mended(one)
    told = {result.host: result.outcome for result in applied.hosts}
    found = {name: [f for f in applied.findings if f.host == name] for name in told}
    counted: Counter[tuple[str, str, str]] = Counter()
    for one, live in zip(place.devices, _known(place), strict=True):
        (command,) = seen[one.name].changes[0].commands
        assert isinstance(command, Configure)
        intended = grammar.applied(one.platform, before[one.name], command.entries)
        case = f"seed {seed}, {one.name}, {one.platform}, {faults[one.name]}: told {told[one.name]}"
        ends = {"as before": before[one.name], "as intended": intended}
        ended = next((name for name, tree in ends.items() if tree == one.running), "neither")
        assert ended != "neither", f"{case}\n{one.configuration}"
        says = {"as before": live.fingerprint == seen[one.name].fingerprint, "as intended": not live.changes}
        assert [name for name, so in says.items() if so] == [ended], f"{case}, and is {ended}: {live}"
        _holds(told[one.name], ended, found[one.name], saved=one.startup == one.running, case=case)
        counted[faults[one.name].split()[0], told[one.name], ended] += 1
    return counted


def _known(place: Rack) -> tuple[HostPlan, ...]:
    """A look at all of them: on a busy machine one that ran out of time is taken once more."""
    looks: list[tuple[HostPlan, ...]] = []

    def all_known() -> bool:
        looks.append(place.looks())
        return not any(live.error for live in looks[-1])

    until(all_known)
    return looks[-1]


def _mended(emulated: Device) -> None:
    """Whatever was wrong is so no longer, and what the device was to do by itself is done."""
    deadline = time.monotonic() + 30
    while emulated.timer or not emulated.reachable:
        assert time.monotonic() < deadline
        gevent.sleep(0.05)
    emulated.faults, emulated.refuses, emulated.cut_off_by = [], [], None


def _holds(told: str, ended: str, found: Sequence[Finding], *, saved: bool, case: str) -> None:
    """What apply told of a device is so, or it says that it does not know."""
    said = f"{case}, and is {ended}, saved {saved}: {found}"
    if told == "changed":
        assert (ended, saved, list(found)) == ("as intended", True, []), said
        return
    (finding,) = found
    assert finding.remedy, said
    if told == "rolled back":
        assert (finding.kind, ended, saved) == (Kind.ROLLED_BACK, "as before", True), said
        assert finding.summary.endswith("it is as it was before"), said
    elif told == "failed":
        assert (finding.kind, ended) == (Kind.FAILED_STEP, "as intended"), said
        assert "the change is in force" in finding.summary, said
        assert saved or "save" in finding.remedy, said
    else:
        assert (told, finding.kind) == ("unknown", Kind.UNKNOWN), said
        assert saved or "save" in finding.remedy, said


@pytest.mark.long
def test_after_a_fault_at_any_moment_a_device_is_as_before_or_as_intended_and_apply_tells_which(
    rack: Callable[..., Rack],
) -> None:
    # A few at a time: on a busy machine the time of twenty at once runs out before one of them is done.
    # On one that is busier still, the first of them may all end as before: then there are more.
    counted = Counter[tuple[str, str, str]]()
    for seed in range(1, 7):
        counted += _after_faults(rack, seed, 8)
        if seed >= 2 and len({ended for _, _, ended in counted}) == 2:
            break
    assert {ended for _, _, ended in counted} == {"as before", "as intended"}


@pytest.mark.soak
def test_after_two_hundred_faults_every_device_is_as_before_or_as_intended(rack: Callable[..., Rack]) -> None:
    counted = sum((_after_faults(rack, seed, 8) for seed in range(1000, 1010)), Counter[tuple[str, str, str]]())
    for (fault, told, ended), times in sorted(counted.items()):
        log.info("%3d × %s: told %s, is %s", times, fault, told, ended)
    assert {ended for _, _, ended in counted} == {"as before", "as intended"}


def test_a_change_that_an_earlier_run_left_unconfirmed_is_reported_and_waited_for(rack: Callable[..., Rack]) -> None:
    place = rack("cisco-ios", minute=8)  # what is long enough for apply to confirm its own change on a busy machine
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


def test_what_was_declared_is_remembered_and_only_that_and_what_is_named_goes(rack: Callable[..., Rack]) -> None:
    place = rack("cisco-ios")
    (result,) = place.apply().hosts
    (step,) = result.steps.values()
    assert step.declared == WANTED["cisco-ios"]
    lines = ["vlan 98", "exit", "vlan 99", "exit"]
    place.device.running = grammar.applied("cisco-ios", place.device.running, lines)
    assert place.look().changes == ()

    earlier = step.declared + "vlan 98\n"  # as if that had been declared, too
    ours = {"vlans": Ours(declared=earlier, named=("vlan 99",))}
    with Session(Intent(place.fleet), place.fleet.hosts, place.access, ours=lambda _: ours) as session:
        plan = place.plan(*session.look())
        assert [r.line for s in plan.hosts[0].changes for r in s.removals] == ["vlan 98", "vlan 99"]
        applied = Apply(session, plan, nothing_to_check, *stores(), order=TOGETHER).go()
    assert [h.outcome for h in applied.hosts] == ["changed"]
    assert not {"vlan 98", "vlan 99"} & place.device.running.keys()


def _unmanaged(place: Rack) -> list[Finding]:
    found = classify(place.plan(place.look()), (), {}, controls={})
    return [f for f in found if f.kind is Kind.UNMANAGED]


def test_a_plan_of_a_device_is_the_same_from_a_file(rack: Callable[..., Rack], tmp_path: Path) -> None:
    place = rack("junos")
    plan = place.plan(place.look())
    write_plan_file(plan_file(plan), tmp_path / "plan.json")
    assert read_plan_file(tmp_path / "plan.json").plan == plan
    assert "configure" in json.dumps(plan.model_dump(mode="json"))


SHELL = """
from pyinfra.operations import files
PLATFORMS = ("cisco-ios",)
def deploy(settings):
    files.directory(name="d", path="/etc/d")
"""
CLI = """
from roles.shared.device.configure import configured
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
    wrong = host.model_copy(update={"context": {"samdrift": {"roles": {"wrong": True}}}})
    fleet = place.fleet.model_copy(update={"hosts": (wrong,)})
    with (
        _nobody_is_connected_to(place),
        pytest.raises(SamdriftError, match="is a shell operation"),
        Session(Intent(fleet), fleet.hosts, place.access),
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
            "context": {"samdrift": {"roles": {"wrong": True}}},
        }
    )
    with (
        pytest.raises(SamdriftError, match="for a device's command line"),
        Session(Intent(fleet_of(server)), [server], Access(port=1)),
    ):
        pass
