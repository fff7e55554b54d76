"""Each state check, on a lab host on which what it is about is broken: it fails, and holds again when that is mended.

What is broken, and how: `mutations`. Devices have the same in `test_device_checks`.
"""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator, Mapping

import pytest

from deploy.engine.session import Session
from deploy.lab.lab import Lab, lab_directory
from deploy.lab.switch import Switch
from deploy.model.record import CheckResult
from deploy.verify.run import verify
from inventory.fleet import Host
from roles.shared.intent import Intent
from roles.shared.settings import Settings
from tests.integration.lab import NetBoxServer, by_hand, given_netbox, lab_fleet, samdrift
from tests.integration.mutations import CHANGES, EDGE, PLACES
from tests.integration.mutations.change import CABLE, Change

pytestmark = [pytest.mark.lab, pytest.mark.soak]

PORT = "mgt0"
"""The port at whose cable's other end somebody is, where that is changed."""
PATIENCE = 90
"""Seconds until a host is as it was: sessions come back, and the preferred gateway waits before it takes over."""


class OneRole:
    """A session in which a host has one role only, with these settings instead."""

    def __init__(self, session: Session, host: Host, role: str, given: Mapping[str, object]) -> None:
        section = host.samdrift | {"roles": {role: True}}
        self.hosts = (host.model_copy(update={"context": host.context | {"samdrift": section}}),)
        settings = session.settings[host.name]
        changed = settings[role].model_copy(update=dict(given))
        self.settings: Mapping[str, Mapping[str, Settings]] = {host.name: {**settings, role: changed}}
        self.unreachable, self.ask, self.only_looks = session.unreachable, session.ask, session.only_looks
        self.kept_open = session.kept_open


class Rig:
    """The lab's hosts, and how they were before anything was broken."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self._before: dict[str, dict[str, CheckResult]] = {}

    def look(self, host: str, role: str, given: Mapping[str, object]) -> dict[str, CheckResult]:
        """What became of the checks of a role, by name."""
        fleet = self.session.fleet
        found = verify(OneRole(self.session, fleet.host(host), role, given), fleet)
        return {c.name: c for c in found if c.role == role}  # several roles have checks of one name

    def before(self, host: str, role: str, given: Mapping[str, object], check: str) -> CheckResult:
        """What became of a check before anything was broken: it does not fail, or not for long."""
        key = f"{host} {role} {dict(given)}"
        deadline = time.monotonic() + PATIENCE
        while (found := self._before.get(key, {}).get(check)) is None or found.outcome == "failed":
            assert time.monotonic() < deadline, f"it fails though nothing is broken: {found and found.detail}"
            self._before[key] = self.look(host, role, given)
        return found

    def run(self, host: str, at: tuple[str, ...], command: str) -> None:
        """Run a command as root where the change is made."""
        for place in at or (host,):
            if place == CABLE:
                port = by_hand(host, f"cat /sys/class/net/{PORT}/iflink").strip()
                argv = Switch(lab_directory().resolve()).inside("sh", "-c", command)
                subprocess.run(argv, env=os.environ | {"PORT": port}, check=True)
            else:
                by_hand(place, command)


@pytest.fixture(scope="module")
def rig(netbox: NetBoxServer, machine: None) -> Iterator[Rig]:
    """The lab, with every host as it should be."""
    if given_netbox():
        pytest.skip("breaks a host of the lab, which is up only with the lab's own NetBox")
    samdrift("lab", "up")
    netbox.work()
    samdrift("--lab", "apply", "--yes")
    fleet = lab_fleet()
    names = sorted({EDGE, *PLACES.values()})
    with Session(Intent(fleet), [fleet.host(name) for name in names], Lab().access(), vault=Lab().vault()) as session:
        yield Rig(session)


@pytest.mark.parametrize(
    ("role", "check", "change"),
    [
        pytest.param(role, check, change, id=f"{role}: {check} ({number})")
        for role, checks in CHANGES.items()
        for check, changes in checks.items()
        for number, change in enumerate(changes, 1)
    ],
)
def test_a_check_fails_while_what_it_is_about_is_broken(rig: Rig, role: str, check: str, change: Change) -> None:
    host = change.on or PLACES.get(role, EDGE)
    before = rig.before(host, role, change.given, check)
    try:
        rig.run(host, change.at, change.breaks)
        broken = rig.look(host, role, change.given)[check]
    finally:
        rig.run(host, change.at, change.mends)
    deadline = time.monotonic() + PATIENCE
    while (after := rig.look(host, role, change.given)[check]).outcome != before.outcome:
        assert time.monotonic() < deadline, f"it was broken and is not mended: {after.detail}"
    assert broken.outcome == "failed"


def test_every_host_is_as_it_was(rig: Rig) -> None:
    hosts = samdrift("--lab", "plan", "--detailed-exitcode")["plan"]["hosts"]
    assert [(h["host"], s["name"]) for h in hosts for s in h["steps"] if s["commands"]] == []
