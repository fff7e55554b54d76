"""Every managed device is read by its own user and its own municipality's passwords, which stand in one file alone.

Debian's snmpd is a device that nobody here wrote: the real exporter reads it by the real files.
"""

from __future__ import annotations

import shutil
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
import yaml

from deploy.check.namespace import PROGRAMS
from deploy.engine.declare import declarations
from inventory.fleet import Fleet
from inventory.secrets import Secret, secrets_in
from inventory.snapshot import load
from roles.access_switch import Options as SwitchOptions
from roles.shared.catalogue import catalogue
from roles.shared.device.settings import Settings as DeviceSettings
from roles.shared.intent import Intent
from roles.shared.parts.templates import render
from roles.shared.parts.veil import Veil
from roles.snmp_metrics import ACCEPTS, MODULES, USERS, Settings
from tests.sshd import free_port
from tests.unit.roles.judging import judged, needs

FLEET = load()
INTENT = Intent(FLEET)


def of(fleet: Fleet = FLEET) -> Settings:
    found = Intent(fleet).of(fleet.host("tie-mon1"), "snmp_metrics")
    assert isinstance(found, Settings), found
    return found


def devices() -> dict[str, DeviceSettings]:
    """Every device of the fleet, as its own role computes it."""
    return {
        h.name: found
        for h in FLEET.hosts
        if h.is_managed
        for found in INTENT.settings(h).values()
        if isinstance(found, DeviceSettings)
    }


def test_every_managed_device_is_read_at_the_address_that_lets_this_host_ask() -> None:
    read = {t.name: t.target for tries in of().tries for t in tries.targets}
    assert read == {name: str(d.address.ip) for name, d in devices().items() if d.address}
    assert all("10.60.10.14/32" in map(str, d.monitors) for d in devices().values())


def test_each_is_read_by_the_user_and_the_secrets_that_its_own_role_gives_it() -> None:
    users = {user.name: user for user in of().users}
    for tries in of().tries:
        user = users[tries.parameters["auth"]]
        for target in tries.targets:
            accounts = devices()[target.name].accounts
            own = (
                accounts.snmp_user,
                accounts.snmp_auth.name,
                accounts.snmp_priv.name,
                accounts.snmp_auth.municipality,
            )
            assert (user.user, user.auth.name, user.priv.name, user.auth.municipality) == own
            assert user.municipality == target.municipality


def test_a_device_of_another_user_has_a_job_of_its_own() -> None:
    def other(context: dict[str, Any]) -> dict[str, Any]:
        return {**context, "samdrift": {**context["samdrift"], "access_switch": {"snmp_user": "mona"}}}

    hosts = tuple(h.model_copy(update={"context": other(h.context)}) if h.name == "heb-sw1" else h for h in FLEET.hosts)
    found = {
        tries.name: [t.name for t in tries.targets] for tries in of(FLEET.model_copy(update={"hosts": hosts})).tries
    }
    assert found["snmp heby switch mona"] == ["heb-sw1"]
    assert "heb-sw1" not in found["snmp heby switch monitor"]


def test_passwords_stand_in_one_file_that_the_exporter_alone_reads() -> None:
    host = FLEET.host("tie-mon1")
    files, _ = declarations(host, INTENT)
    having = {f.path: (f.group, f.mode) for f in files if "_snmp_" in f.content}
    assert having == {USERS: ("prometheus", "640")}
    assert {s.municipality for s in secrets_in(INTENT.required(host, "snmp_metrics"))} == {
        t.slug for t in FLEET.tenants
    }


def test_secrets_of_one_name_and_several_municipalities_each_have_their_own_value() -> None:
    own = {m: Secret(name="switch_snmp_auth", municipality=m, says_whose=True) for m in ("heby", "tierp")}
    veil = Veil({secret.as_kept: f"the-password-of-{m}" for m, secret in own.items()})
    assert veil.reveal(f"{own['heby']} {own['tierp']}", own.values()) == "the-password-of-heby the-password-of-tierp"
    assert "the-password" not in veil.hide("the-password-of-heby")


def test_a_vault_is_asked_for_what_it_keeps_once_however_roles_tell_it_apart() -> None:
    asked = INTENT.secrets([FLEET.host("tie-mon1"), FLEET.host("heb-sw1")])
    assert Secret(name="switch_snmp_auth", municipality="heby") in asked
    assert not [secret for secret in asked if secret.says_whose]


def test_only_device_roles_have_devices() -> None:
    names = {name for name, role in catalogue().items() if issubclass(role.options, SwitchOptions.__mro__[1])}
    assert names == {"access_switch", "core_switch", "edge_firewall"}


def new_enough() -> bool:
    program = shutil.which("prometheus-snmp-exporter", path=PROGRAMS)
    if program is None:
        return False
    said = subprocess.run([program, "--help"], capture_output=True, text=True, check=False)
    return "expand-environment" in said.stdout + said.stderr


reads = pytest.mark.skipif(
    not new_enough(), reason="the exporter is too old here; held in the lab: tests/integration/test_snmp.py"
)


@needs("prometheus-snmp-exporter")
def test_the_exporter_judges_its_files_or_says_that_it_is_too_old() -> None:
    users = render("snmp_metrics/snmp-users.yml.j2", settings=of())
    texts = {MODULES: render("snmp_metrics/snmp.yml.j2"), USERS: users}
    answers = {path: judged(ACCEPTS, path, text) for path, text in texts.items()}
    wanted = 0 if new_enough() else 127  # which samdrift check takes for a program that is not there
    assert {a.code for a in answers.values()} == {wanted}, answers
    assert judged(ACCEPTS, USERS, users.replace("auth_protocol", "auth_protokoll")).code == (1 if new_enough() else 127)


AUTH, PRIV = """it's "quoted" #1: {x}""", """ blank before, - and: [after] % """


class Device:
    """snmpd with a user, and the exporter that reads it, by the role's own files."""

    def __init__(self, directory: Path, user: str, auth: str, priv: str) -> None:
        self.agent, self.exporter = f"127.0.0.1:{free_port('127.0.0.1')}", f"127.0.0.1:{free_port('127.0.0.1')}"
        (directory / "snmpd.conf").write_text(
            f"agentaddress udp:{self.agent}\nview all included .1\nrouser monitor authpriv -V all\n"
            f'createUser monitor SHA "{auth.replace(chr(34), chr(92) + chr(34))}" AES "{priv}"\n'
        )
        wanted = of().model_copy(update={"users": tuple(u for u in of().users if u.name == user)})
        (one,) = wanted.users
        told = Veil({one.auth.as_kept: AUTH, one.priv.as_kept: PRIV}).reveal(
            render("snmp_metrics/snmp-users.yml.j2", settings=wanted), (one.auth, one.priv)
        )
        (directory / "users.yml").write_text(told)
        (directory / "snmp.yml").write_text(render("snmp_metrics/snmp.yml.j2"))
        self.says = directory / "log"
        self.log = self.says.open("w")
        self.processes = [
            subprocess.Popen(
                ["snmpd", "-f", "-Lo", "-C", "-c", str(directory / "snmpd.conf")],
                env={"PATH": PROGRAMS, "SNMP_PERSISTENT_DIR": str(directory), "MIBS": ""},
                stdout=self.log,
                stderr=self.log,
            ),
            subprocess.Popen(
                [
                    "prometheus-snmp-exporter",
                    f"--config.file={directory}/snmp.yml",
                    f"--config.file={directory}/users.yml",
                    f"--web.listen-address={self.exporter}",
                ],
                env={"PATH": PROGRAMS},
                stdout=self.log,
                stderr=self.log,
            ),
        ]
        self.user = user

    def read(self) -> str:
        """What the exporter tells of the device, once both are there."""
        until = time.monotonic() + 30
        while "NET-SNMP version" not in self.says.read_text() and time.monotonic() < until:
            time.sleep(0.05)
        asked = urlencode({"target": self.agent, "auth": self.user, "module": "device"})
        while time.monotonic() < until:
            try:
                with urllib.request.urlopen(f"http://{self.exporter}/snmp?{asked}", timeout=20) as answer:
                    return str(answer.read().decode())
            except urllib.error.HTTPError as e:
                return str(e.read().decode())
            except OSError:
                time.sleep(0.05)
        raise AssertionError("the exporter never listened")

    def end(self) -> None:
        for process in self.processes:
            process.kill()
            process.wait()
        self.log.close()


@pytest.fixture
def device(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Device]:
    made = Device(tmp_path, "heby switch monitor", *request.param)
    yield made
    made.end()


@reads
@needs("snmpd", "prometheus-snmp-exporter")
@pytest.mark.parametrize("device", [(AUTH, PRIV)], indirect=True)
def test_a_real_device_is_read_whatever_stands_in_its_passwords(device: Device) -> None:
    told = device.read()
    assert "\nsysUpTime " in told
    assert 'ifOperStatus{ifAlias="",ifIndex="1",ifName="lo"} 1' in told
    modules = yaml.safe_load(render("snmp_metrics/snmp.yml.j2"))["modules"]["device"]
    assert {m["name"] for m in modules["metrics"]} <= {
        line.partition("{")[0].split()[0] for line in told.splitlines() if line and line[0] != "#"
    }


@reads
@needs("snmpd", "prometheus-snmp-exporter")
@pytest.mark.parametrize("device", [("another password", PRIV), (AUTH, "another password")], indirect=True)
def test_a_real_device_with_other_passwords_tells_nothing(device: Device) -> None:
    told = device.read()
    assert "ifOperStatus" not in told
    assert "error" in told.lower()
