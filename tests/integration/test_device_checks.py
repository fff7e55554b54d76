"""State checks of devices: the shipped fleet's own switches and firewalls, emulated, configured by samdrift and cabled.

Their configurations, cables and checks are the real ones; only their addresses are on loopback. Each check fails when
what it is about is wrong, and no other does.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pyrage
import pytest

from deploy.engine.apply import Apply
from deploy.engine.session import Session
from deploy.model.drift import classify
from deploy.model.findings import Exit, Kind, exit_code
from deploy.model.plan import HostPlan
from deploy.model.record import CheckResult
from deploy.source.known import with_people
from deploy.transport.ssh import Access
from deploy.vault.age import RECIPIENTS, AgeVault, Contents
from deploy.vault.interface import random_value
from deploy.vault.made_up import MadeUp
from deploy.verify import run as verify
from inventory import snapshot
from inventory.fleet import Fleet, Host
from inventory.snapshot import load
from roles.shared.device.known import known_vendors
from roles.shared.device.ports import SWITCHES, far_ends
from roles.shared.intent import Intent
from tests.applying import nothing_to_check, plan_of
from tests.emulator.device import Device
from tests.emulator.dialects import device
from tests.emulator.grammar import applied as applied_lines
from tests.emulator.samples import MODELS, SAMPLES
from tests.emulator.server import EmulatedDevices
from tests.integration.devices import on_loopback
from tests.integration.lab import samdrift
from tests.integration.mutations.devices import (
    DEVICE_CHANGES,
    DISABLED,
    NEIGHBOURS,
    OF_SOME,
    POLICIES,
    ROUTES,
    TIME,
    TRUNKS,
    UP,
    ZONES,
    DeviceChange,
    a_stranger,
)
from tests.sshd import free_port, keygen
from tests.unit.deploy.store.in_memory import MemoryApplied, MemoryJournal
from tests.unit.roles.srx_fleet import with_srx

SWITCHED = ("alv-sw1", "heb-sw1", "ost-sw1", "tie-core1")
FIREWALLS = {"heb-fw1": "wan1", "ost-fw1": "ge-0/0/0"}
"""A firewall of each vendor, and its port to the provider, whose equipment NetBox does not know."""
NAMES = (*SWITCHED, *FIREWALLS)
"""An access switch of each vendor, a core switch, and firewalls."""


def with_keys(fleet: Fleet, running: EmulatedDevices) -> Fleet:
    """The same fleet, with the emulated devices' host keys."""
    names = {d.name for d in running.devices}
    hosts = [
        h.model_copy(update={"host_keys": (running.host_key(h.name),)}) if h.name in names else h for h in fleet.hosts
    ]
    return fleet.model_copy(update={"hosts": tuple(hosts)})


def cabled(host: Host, fleet: Fleet) -> Device:
    """This host as a device with some other configuration, and with the cables that NetBox knows."""
    model = MODELS.get(host.device_type or "", "")
    emulated = device(host.platform, host.name, SAMPLES[host.platform].configuration, model=model)
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

    def check(self) -> dict[str, dict[str, CheckResult]]:
        """What became of each check: by host, by name."""
        found: dict[str, dict[str, CheckResult]] = {name: {} for name in self.devices}
        for check in verify.verify(self.session, self.fleet):
            found[check.host][check.name] = check
        return found

    def failed(self) -> dict[str, list[str]]:
        """The checks that fail, by host."""
        return {
            name: [c.name for c in checks.values() if c.outcome == "failed"] for name, checks in self.check().items()
        }


@contextmanager
def in_the_rack(names: Sequence[str], key: Path, port: int) -> Iterator[tuple[Fleet, dict[str, Device]]]:
    """The fleet on loopback, and these of its devices, which answer at their own addresses; `key` lets one in."""
    authorized = keygen(key)
    fleet = on_loopback(with_srx(load(), "ost-fw1"), authorized)
    devices = {name: cabled(fleet.host(name), fleet) for name in names}
    for name in FIREWALLS.keys() & devices.keys():
        devices[name].plugged[FIREWALLS[name]] = ""
    addresses = {name: str(fleet.host(name).primary_address) for name in names}
    with EmulatedDevices(devices.values(), authorized, addresses, port) as running:
        yield with_keys(fleet, running), devices


@pytest.fixture(scope="module")
def configured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The devices, configured by samdrift."""
    directory = tmp_path_factory.mktemp("devices")
    key, vault = directory / "key", MadeUp(directory / "secrets.json")
    port = free_port("127.63.1.4")
    with in_the_rack(NAMES, key, port) as (fleet, devices):
        hosts = [fleet.host(name) for name in NAMES]
        with Session(Intent(fleet), hosts, Access(key_file=key, port=port), vault=vault) as session:
            done = Apply(
                session, plan_of(fleet, session.look()), nothing_to_check, MemoryJournal(), MemoryApplied()
            ).go()
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
    passed = {name: {c.name for c in checks.values() if c.outcome == "passed"} for name, checks in site.check().items()}
    switch, firewall = {NEIGHBOURS, TRUNKS, TIME, DISABLED}, {TIME, UP, ROUTES}
    assert passed == {
        **dict.fromkeys(SWITCHED, switch),
        "heb-fw1": firewall,
        "ost-fw1": firewall | {ZONES, POLICIES},
    }
    assert not any(site.failed().values())


@pytest.mark.parametrize(
    ("role", "check", "breaks"),
    [
        pytest.param(role, check, breaks, id=f"{role}: {check} ({breaks.__name__})")
        for role, checks in DEVICE_CHANGES.items()
        for check, changes in checks.items()
        for breaks in changes
    ],
)
def test_what_is_wrong_fails_the_check_that_is_about_it_and_no_other(
    site: Site, role: str, check: str, breaks: DeviceChange
) -> None:
    hosts = [site.fleet.host(name) for name in NAMES]
    having = [h.name for h in hosts if role in h.roles and h.platform == OF_SOME.get(check, h.platform)]
    names = {name: breaks(site.devices[name], site.fleet.host(name)) for name in having}
    assert names
    assert site.failed() == {name: [check] if name in names else [] for name in NAMES}
    found = site.check()
    for name, said in names.items():
        assert said in found[name][check].detail


def test_who_is_heard_without_a_cable_in_netbox_is_told_and_fails_nothing(site: Site) -> None:
    ports = {name: a_stranger(site.devices[name], site.fleet.host(name)) for name in SWITCHED}
    assert not any(site.failed().values())
    unlooked = [HostPlan(host=name, municipality="") for name in NAMES]
    checks = verify.verify(site.session, site.fleet)
    found = classify(plan_of(site.fleet, unlooked), checks, {}, controls={})
    assert {(f.kind, f.host, f.step) for f in found} == {(Kind.NOTICE, name, NEIGHBOURS) for name in SWITCHED}
    assert {f.host: f.detail for f in found} == {name: f"stranger1 at {port}" for name, port in ports.items()}
    assert exit_code(found) is Exit.OK


@pytest.mark.parametrize(
    "answer", ["", "{", '{"error": [{"message": [{"data": "timed out"}]}]}\n', "nobody knows\nthis form\nof answer\n"]
)
def test_an_answer_that_is_not_understood_fails_the_check_and_says_so(site: Site, answer: str) -> None:
    for name in NAMES:
        vendor = known_vendors()[site.fleet.host(name).platform]
        site.devices[name].shows |= {question.command: answer for question in vendor.asks.values()}
    try:
        found = site.check()
    finally:
        for device_ in site.devices.values():
            device_.shows.clear()
    for name, checks in found.items():
        for check in checks.values():
            if OF_SOME.get(check.name, platform := site.fleet.host(name).platform) != platform:
                continue
            assert check.outcome == "failed", (name, check.name)
            assert "is not understood" in check.detail, (name, check.name)
            assert "broke" not in check.detail, (name, check.name)


def test_a_person_whose_description_reads_like_a_fault_has_not_shut_a_port(site: Site) -> None:
    for name in SWITCHED:
        emulated, host = site.devices[name], site.fleet.host(name)
        if host.platform == "arubaos-cx":
            port = next(i.name for i in host.interfaces if i.type != "virtual" and i.name not in emulated.plugged)
            lines = [f"interface {port}", "description Serverrum, BPDU guard"]
            emulated.running = applied_lines(host.platform, emulated.running, lines)
    assert not any(DISABLED in failed for failed in site.failed().values())


# The real program, which knows no other port than SSH's own.


@dataclass(frozen=True)
class Program:
    """The program, told of a fleet, of its secrets, of who one is, and of its hosts."""

    directory: Path
    limit: str = "ost-sw1 or heb-fw1"

    def __call__(self, *arguments: str, expect: int) -> Any:
        own = self.directory
        options = {"source": "fleet", "state": "state", "key": "key", "identity": "identity"}
        said = [text for name, file in options.items() for text in (f"--{name}", str(own / file))]
        return samdrift(*said, "--limit", self.limit, *arguments, expect=expect)


def with_secrets(fleet: Fleet, hosts: Sequence[Host], directory: Path) -> None:
    """The age files of the secrets that these hosts need, and an identity that opens them."""
    identity = pyrage.x25519.Identity.generate()
    (directory / "identity").write_text(f"{identity}\n")
    (directory / "identity").chmod(0o600)
    needed = Intent(with_people(fleet)).secrets(hosts)
    municipalities = sorted({secret.municipality for secret in needed})
    files = directory / "secrets"
    files.mkdir()
    (files / RECIPIENTS).write_text("".join(f"{m}:\n  anna: {identity.to_public()}\n" for m in municipalities))
    for municipality in municipalities:
        values = {secret.name: random_value() for secret in needed if secret.municipality == municipality}
        AgeVault(files, directory / "identity").write(Contents(municipality, values))


@contextmanager
def program_in(directory: Path) -> Iterator[tuple[Program, dict[str, Device]]]:
    """The program, and a switch of IOS and a firewall on port 22."""
    if os.geteuid() != 0:
        pytest.skip("needs root: the devices must listen on port 22")
    with in_the_rack(("ost-sw1", "heb-fw1"), directory / "key", 22) as (fleet, devices):
        snapshot.dump(fleet, directory / "fleet")
        with_secrets(fleet, [fleet.host(name) for name in devices], directory)
        yield Program(directory), devices


@pytest.fixture
def program(tmp_path: Path) -> Iterator[tuple[Program, dict[str, Device]]]:
    with program_in(tmp_path) as running:
        yield running


def test_the_program_plans_applies_verifies_and_watches_devices_as_it_does_servers(
    program: tuple[Program, dict[str, Device]],
) -> None:
    run, devices = program
    switch = devices["ost-sw1"]
    assert run("plan", "--detailed-exitcode", expect=2)["exit_code"] == 2
    before = switch.configuration
    run("apply", "--yes", expect=64)  # the firewall cannot take a change back, and nobody has named it
    assert switch.configuration == before
    applied = run("apply", "--yes", "--no-rollback", "heb-fw1", expect=0)
    assert {h["host"]: h["outcome"] for h in applied["hosts"]} == dict.fromkeys(devices, "changed")
    assert {c["name"] for c in applied["checks"] if c["outcome"] != "passed"} == OF_SOME.keys()
    assert {c["outcome"] for c in applied["checks"]} == {"passed", "not applicable"}
    again = run("plan", expect=0)["plan"]["hosts"]
    assert [step["commands"] for host in again for step in host["steps"]] == [[], []]

    switch.plugged["GigabitEthernet1/0/20"] = "stranger1"
    verified = run("verify", expect=0)
    (found,) = verified["findings"]
    assert (found["kind"], found["severity"], found["host"]) == ("notice", "low", "ost-sw1")
    assert found["detail"] == "stranger1 at GigabitEthernet1/0/20"
    assert {h["host"]: h["outcome"] for h in verified["hosts"]} == dict.fromkeys(devices, "in sync")

    uplink = switch.plugged["GigabitEthernet1/1/1"]
    switch.plugged["GigabitEthernet1/1/1"] = "other-sw9"
    failed, _ = run("verify", expect=2)["findings"]
    assert (failed["kind"], failed["host"], failed["step"]) == ("failed check", "ost-sw1", NEIGHBOURS)
    assert "other-sw9" in failed["detail"]
    switch.plugged["GigabitEthernet1/1/1"] = uplink

    lines = ["interface GigabitEthernet1/0/10", "description somebody was here"]
    switch.running = applied_lines("cisco-ios", switch.running, lines)
    drift = run("drift", expect=2)["findings"]
    kinds = {f["kind"]: f for f in drift if f["host"] == "ost-sw1" and f["kind"] != "unmanaged"}
    assert sorted(kinds) == ["drift", "notice"]
    assert "somebody was here" in kinds["drift"]["detail"]
    assert "stranger1" in kinds["notice"]["detail"]


@pytest.mark.long
def test_a_device_of_an_unknown_model_is_planned_and_changed_only_if_it_is_named(
    program: tuple[Program, dict[str, Device]],
) -> None:
    run, devices = program
    switch, firewall = devices["ost-sw1"], devices["heb-fw1"]
    organisation = run.directory / "fleet" / "organisation.yaml"
    text = organisation.read_text()
    for known in ("Catalyst 9200L-24P-4G", "C9200L-24P-4G", "Catalyst 9200L-48P-4G", "C9200L-48P-4G"):
        text = text.replace(known, "Catalyst of tomorrow")
    organisation.write_text(text.replace("cisco-c9200l", "cisco-new"))
    for file in (run.directory / "fleet" / "hosts").glob("*.yaml"):
        file.write_text(file.read_text().replace("cisco-c9200l", "cisco-new"))

    told = [f for f in run("check", expect=0)["findings"] if f["kind"] == "notice"]
    assert {f["host"] for f in told if "Catalyst of tomorrow" in f["summary"]} == {"ost-sw1"}

    without = replace(run, limit="ost-sw1* or heb-fw1")
    planned = without("plan", expect=0)
    assert [f["message"]["id"] for f in planned["findings"] if f["kind"] == "notice"] == ["model-unknown"]
    assert {h["host"]: h["error"] for h in planned["plan"]["hosts"]}["ost-sw1"] == ""
    before = switch.configuration
    refused = without("apply", "--yes", "--no-rollback", "heb-fw1", expect=1)
    outcomes = {h["host"]: h["outcome"] for h in refused["hosts"]}
    assert (outcomes["ost-sw1"], outcomes["heb-fw1"]) == ("failed", "changed")
    (finding,) = [f for f in refused["findings"] if f["kind"] == "refused"]
    assert (finding["message"]["id"], finding["host"]) == ("model-not-named", "ost-sw1")
    assert switch.configuration == before
    assert 'set hostname "heb-fw1"' in firewall.configuration

    named = replace(run, limit="ost-sw1")("apply", "--yes", expect=0)
    assert {h["host"]: h["outcome"] for h in named["hosts"]} == {"ost-sw1": "changed"}
    assert switch.configuration != before
    assert without("apply", "--yes", expect=0)["exit_code"] == 0, "in sync: there is nothing to refuse"
