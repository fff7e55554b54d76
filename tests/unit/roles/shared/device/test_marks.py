"""What a device of Juniper has and does not count, and what it adds by itself."""

from __future__ import annotations

import pytest

from inventory.errors import SamdriftError
from roles.shared.device.difference import difference
from roles.shared.device.found import found
from roles.shared.device.known import known_vendors
from tests.emulator.grammar import applied, grammar

FORTIOS, JUNOS = (known_vendors()[p] for p in ("fortios", "junos"))
PORT = "set interfaces ge-0/0/1 description Sal\nset interfaces ge-0/0/1 mtu 9000\n"
INACTIVE = f"{PORT}deactivate interfaces ge-0/0/1\n"
MANAGED = (("interfaces", "ge-.*"),)


def test_a_port_that_is_deactivated_is_none_and_is_activated() -> None:
    change = difference(JUNOS, INACTIVE, PORT, MANAGED)
    assert change.entries == ("activate interfaces ge-0/0/1",)
    assert change.rollback == ("deactivate interfaces ge-0/0/1",)
    assert change.before == INACTIVE
    there = applied("junos", grammar("junos").load(INACTIVE), change.entries)
    assert grammar("junos").show(there) == PORT
    assert grammar("junos").show(applied("junos", there, change.rollback)) == INACTIVE


def test_one_value_that_is_deactivated_is_activated_though_a_new_one_is_set() -> None:
    running = PORT + "deactivate interfaces ge-0/0/1 mtu\n"
    change = difference(JUNOS, running, PORT.replace("9000", "1514"), MANAGED)
    there = applied("junos", grammar("junos").load(running), change.entries)
    assert grammar("junos").show(there) == PORT.replace("9000", "1514")
    assert grammar("junos").show(applied("junos", there, change.rollback)) == running


@pytest.mark.parametrize("mark", ["deactivate interfaces", "protect interfaces"])
def test_a_mark_that_is_over_what_a_role_declares_is_refused(mark: str) -> None:
    with pytest.raises(SamdriftError, match=f"'{mark}' is in the running configuration"):
        difference(JUNOS, f"{PORT}{mark}\n", PORT, MANAGED)
    assert difference(JUNOS, f"{PORT}{mark}\n", "", ()).entries == ()


def test_what_is_deactivated_is_proposed_to_nobody() -> None:
    said = found(JUNOS, f"{INACTIVE}set interfaces ge-0/0/2 description Sal\n")
    assert [port.name for port in said.interfaces if port.description] == ["ge-0/0/2"]
    assert any("inactive:" in line for line in said.unread)


def test_a_number_that_the_device_gave_an_account_is_none_of_our_business() -> None:
    told = "set system login user samdrift class super-user\n"
    managed = (("system", "login", "user"),)
    shown = grammar("junos").show(applied("junos", {}, told.splitlines()))
    assert shown != told
    change = difference(JUNOS, shown, told, managed)
    assert (change.entries, change.rollback, change.before, change.unmanaged) == ((), (), told, ())
    numbered = f"{told}set system login user samdrift uid 4000\n"
    assert difference(JUNOS, shown, numbered, managed).entries == ("set system login user samdrift uid 4000",)
    assert difference(JUNOS, "", numbered, managed).entries == tuple(numbered.splitlines())


def test_dashboards_of_whoever_looked_at_a_firewall_are_none_either() -> None:
    told = 'config system admin\n    edit "samdrift"\n        set accprofile "super_admin"\n    next\nend\n'
    board = f"{8 * ' '}config gui-dashboard\n{12 * ' '}edit 1\n{16 * ' '}set layout x\n{12 * ' '}next\n{8 * ' '}end\n"
    shown = told.replace("    next\n", f"{board}    next\n")
    change = difference(FORTIOS, shown, told, (("config system admin",),))
    assert (change.entries, change.rollback, change.before) == ((), (), change.after)


def test_what_a_range_of_ports_is_told_is_found_at_each_of_them() -> None:
    said = found(
        JUNOS,
        "set vlans v101 vlan-id 101\n"
        "set interfaces apply-groups UP\n"
        "set interfaces interface-range OFFICE member ge-0/0/5\n"
        'set interfaces interface-range OFFICE member "ge-0/0/[7-8]"\n'
        "set interfaces interface-range OFFICE member-range ge-0/0/10 to ge-0/0/11\n"
        "set interfaces interface-range OFFICE unit 0 family ethernet-switching vlan members v101\n"
        "set interfaces ge-0/0/5 description Sal\n"
        'set interfaces interface-range ALL member "ge-*"\n'
        "set interfaces interface-range ALL mtu 9000\n",
    )
    assert {port.name: port.untagged_vlan for port in said.interfaces} == {
        f"ge-0/0/{n}": 101 for n in (5, 7, 8, 10, 11)
    }
    assert next(port.description for port in said.interfaces if port.name == "ge-0/0/5") == "Sal"
    assert sum(text.startswith(("interface-range:", "apply-groups:")) for text in said.unread) == 3
