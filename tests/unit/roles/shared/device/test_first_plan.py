"""A first plan of a device that people run: the shipped roles remove nothing, and an apply leaves what is theirs."""

from __future__ import annotations

import re
from ipaddress import IPv4Interface

import pytest

from inventory.fleet import Interface
from roles.shared.device.difference import Difference, difference
from roles.shared.device.found import found
from roles.shared.device.known import known_vendors
from roles.shared.device.ownership import Ours
from tests.device_texts import NAMES, device_text
from tests.emulator.grammar import applied, grammar
from tests.unit.roles.shared.device.curly import statements
from tests.unit.roles.shared.device.switch_fleet import DEVICES, fleet
from tests.unit.roles.shared.device.test_settings import CASES, changed, declared


@pytest.mark.parametrize("text", NAMES)
def test_a_published_device_loses_nothing_by_the_first_plan_and_its_apply(text: str) -> None:
    platform, running = device_text(text)
    if platform == "junos" and "{" in running:
        running = statements(re.sub(r"(?m)^(?:#.*|version .*)\n", "", running))
    vendor, language = known_vendors()[platform], grammar(platform)
    roles = [(role, name) for role, of in DEVICES.items() for name, p in of.items() if p == platform]
    assert roles
    for role, name in roles:
        asked = declared(role, name, fleet())
        change = difference(vendor, running, asked.content, asked.managed)
        assert change.removals == ()
        says_itself = "".join(f"{line}\n" for line in running.splitlines() if line.startswith("!"))  # its series, too
        there = says_itself + language.show(applied(platform, language.load(running), change.entries))
        again = difference(vendor, there, asked.content, asked.managed)
        assert again.entries == ()
        assert nobodys(change) <= nobodys(again)


def nobodys(change: Difference) -> set[str]:
    """The lines that are told as unmanaged, each with its section."""
    return {f"{text.splitlines()[0]} / {line.strip()}" for text in change.unmanaged for line in text.splitlines()}


SVI = {"junos": "irb.110", "arubaos-cx": "vlan110", "cisco-ios": "Vlan110"}
HAND = {
    "junos": "set vlans hand vlan-id 999\nset system login user bo class super-user\n",
    "arubaos-cx": "vlan 999\ninterface vlan 999\n    ip address 10.9.9.1/24\nip route 10.9.0.0/16 10.9.9.2\n",
    "cisco-ios": "vlan 999\ninterface Vlan999\n ip address 10.9.9.1 255.255.255.0\nusername bo privilege 15\n",
}
"""What somebody typed, that NetBox knows nothing of."""


@pytest.mark.long
@pytest.mark.parametrize(("role", "name", "platform"), [case for case in CASES if case[2] in SVI])
def test_what_netbox_names_and_what_people_typed_stays_and_what_netbox_no_longer_names_goes(
    role: str, name: str, platform: str
) -> None:
    vendor, language, plain = known_vendors()[platform], grammar(platform), fleet()
    host = plain.host(name)
    svi = Interface(name=SVI[platform], type="virtual", addresses=(IPv4Interface("10.63.10.9/24"),))
    named = changed(plain, name, interfaces=(*host.interfaces, svi))
    before, after = declared(role, name, named), declared(role, name, plain)
    typed = difference(vendor, "", before.content, before.managed).entries
    there = language.show(applied(platform, language.load(HAND[platform]), typed))
    addresses = {a for i in found(vendor, there).interfaces for a in i.addresses}
    assert {a for i in (*host.interfaces, svi) for a in i.addresses} <= addresses

    unmoved = difference(vendor, there, before.content, before.managed, ours=Ours(declared=before.content))
    assert (unmoved.entries, unmoved.removals) == ((), ())
    forgotten = difference(vendor, there, after.content, after.managed)  # the store was lost
    assert forgotten.removals == ()
    change = difference(vendor, there, after.content, after.managed, ours=Ours(declared=before.content))
    assert change.removals
    now = found(vendor, language.show(applied(platform, language.load(there), change.entries)))
    assert addresses - {a for i in now.interfaces for a in i.addresses} == set(svi.addresses)
    assert {*HAND[platform].split()} <= {
        *language.show(applied(platform, language.load(there), change.entries)).split()
    }
