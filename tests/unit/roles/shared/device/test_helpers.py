"""Who helps at a switch may do, on the emulated device, what the duty says, and nothing else.

The rights are what the vendors' documents say of the configuration that the role declares (`tests/emulator/rights`).
"""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from inventory.fleet import Fleet
from inventory.organisation import Grant, People, Person
from roles.shared.device.difference import difference
from roles.shared.device.known import known_vendors
from roles.shared.intent import Intent
from tests.emulator.dialects import Cli, command_line, device
from tests.emulator.grammar import applied, grammar
from tests.unit.roles.shared.device.switch_fleet import PORTS, fleet
from tests.unit.roles.shared.device.test_settings import FACTORY, declared

SWITCHES = {"arubaos-cx": "heb-sw2", "cisco-ios": "heb-sw3", "junos": "heb-sw1"}
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIL538o7wV1TsnfZMtP70ut1UMS0M9UUmQca6N8LawO0y elif@heby"
HARDWARE_KEY = "sk-ssh-ed25519@openssh.com AAAAGnNrLXNzaC1lZDI1NTE5QG9wZW5zc2guY29tAAAAIA== elif@heby"


def elif_of(municipality: str, **said: Any) -> Person:
    day = date(2021, 8, 16)
    grant = Grant(function="technician", duties=("access_switch.ports",), of=(municipality,), since=day)
    given = {"name": "elif-demir", "full_name": "Elif Demir", "home": municipality, "since": day, "keys": (KEY,)}
    return Person.model_validate({**given, "grants": (grant,), **said})


def helped(person: Person) -> Fleet:
    return fleet().model_copy(update={"people": People(everybody=(person,))})


def at(platform: str, of: Fleet) -> Cli:
    """The command line of the switch, configured as declared, for Elif Demir."""
    asked = declared("access_switch", SWITCHES[platform], of)
    vendor, factory = known_vendors()[platform], FACTORY.get(platform, {})
    show = grammar(platform).show
    first = difference(vendor, show(factory), asked.content, asked.managed)
    running = applied(platform, factory, first.entries)
    again = difference(vendor, show(running), asked.content, asked.managed)
    assert (again.entries, again.unmanaged) == ((), ()), "a switch with helpers is as it should be after one apply"
    one = device(platform, SWITCHES[platform], "")
    one.running = running
    return command_line(one, "elif-demir")


def port_of(platform: str, number: int = 0) -> str:
    return PORTS[platform][number]


AT_PORT = ("description Kontor 4", "shutdown", "no shutdown")
MAY = {
    "arubaos-cx": ["configure terminal", "interface {port}", *AT_PORT, "vlan access 120"],
    "cisco-ios": ["configure terminal", "interface {port}", *AT_PORT, "switchport access vlan 120"],
    "junos": [
        "configure",
        'set interfaces {port} description "Kontor 4"',
        "set interfaces {port} disable",
        "delete interfaces {port} disable",
        "commit",
    ],
}  # fmt: skip
MAY_NOT = {
    "arubaos-cx": [
        "user eve group administrators password plaintext x",
        "vlan 666",
        "interface 1/1/25",
        "interface 1/1/1-1/1/25",
        "interface vlan 101",
        "no access-list ip MANAGEMENT",
        "user-group samdrift-ports",
        "ip route 0.0.0.0/0 10.0.0.1",
    ],
    "cisco-ios": [
        "username eve privilege 15 secret x",
        "vlan 666",
        "no username samdrift",
        "line vty 0 4",
        "ip route 0.0.0.0 0.0.0.0 10.0.0.1",
        "privilege exec level 1 configure",
        "hostname x",
    ],
    "junos": [
        "set system login user eve class super-user",
        "set interfaces xe-0/2/0 disable",
        "set interfaces {port} unit 0 family inet address 10.0.0.1/24",
        "delete interfaces {port}",
        "delete firewall",
        "set system root-authentication plain-text-password",
        "rollback 1",
    ],
}
AT_PORT_NOT = {
    "arubaos-cx": ["vlan trunk allowed all", "ip address 10.0.0.1/24", "no spanning-tree bpdu-guard"],
    "cisco-ios": ["switchport mode trunk", "no spanning-tree bpduguard", "ip address 10.0.0.1 255.0.0.0", "switchport"],
    "junos": [],
}


def refused(cli: Cli, line: str) -> bool:
    """Whether the account may not type a line, where it stands: nothing is changed by asking."""
    return not cli.lets(line)


@pytest.mark.parametrize("platform", sorted(SWITCHES))
def test_a_technician_sets_description_and_vlan_of_a_port_and_bounces_it(platform: str) -> None:
    cli = at(platform, helped(elif_of("heby")))

    assert not refused(cli, "show interfaces" if platform == "junos" else "show interface")
    for line in MAY[platform]:
        typed = line.format(port=port_of(platform))
        assert not refused(cli, typed), typed
        cli.typed(typed)


@pytest.mark.parametrize("platform", sorted(SWITCHES))
def test_and_nothing_else(platform: str) -> None:
    cli = at(platform, helped(elif_of("heby")))
    for line in (
        "start shell",
        "request system reboot",
        "write erase",
        "reload",
        "copy running-config tftp:",
        "boot system",
    ):
        assert refused(cli, line), line
    assert platform != "arubaos-cx" or refused(cli, "show running-config")
    assert platform != "cisco-ios" or refused(cli, "show running-config view full")
    cli.typed(MAY[platform][0])
    assert cli.editor is not None
    for line in MAY_NOT[platform]:
        assert refused(cli, line.format(port=port_of(platform))), line
    if platform != "junos":
        cli.typed(f"interface {port_of(platform)}")
    for line in AT_PORT_NOT[platform]:
        assert refused(cli, line), line


@pytest.mark.parametrize("platform", sorted(SWITCHES))
def test_a_technician_of_another_municipality_or_one_who_has_left_has_no_account(platform: str) -> None:
    for person in (elif_of("tierp"), elif_of("heby", employment="ended")):
        assert "elif-demir" not in declared("access_switch", SWITCHES[platform], helped(person)).content


@pytest.mark.parametrize("platform", sorted(SWITCHES))
def test_one_whose_only_key_a_device_cannot_take_has_no_account(platform: str) -> None:
    assert (
        "elif-demir"
        not in declared("access_switch", SWITCHES[platform], helped(elif_of("heby", keys=(HARDWARE_KEY,)))).content
    )


def test_nobody_is_called_as_samdrifts_own_account() -> None:
    found = Intent(helped(elif_of("heby", name="samdrift"))).of(fleet().host("heb-sw2"), "access_switch")

    assert isinstance(found, tuple)
    assert "is a person, and an account by which samdrift logs in" in found[0].what
