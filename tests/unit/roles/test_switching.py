"""Switches and firewalls: what each vendor is told, word for word; that devices take it; and that no text adds to it.

What is told stands in `intended/<role>/<platform>.txt`, a tree like `templates/`. To see a change there, run this file
with SAMDRIFT_WRITE_INTENDED=1 and read the difference.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as effort
from hypothesis import strategies as st

from inventory.fleet import Fleet, Host
from inventory.secrets import secrets_in
from roles.shared.catalogue import catalogue
from roles.shared.configuration import difference
from roles.shared.registration import ManagedConfiguration, registering
from roles.shared.settings import SettingsError
from roles.shared.switching import Settings, one_line, vlan_name
from roles.shared.vendor import known_vendors
from tests.emulator.grammar import Tree, applied, grammar
from tests.unit.hostile import FRAGMENTS
from tests.unit.roles.switch_fleet import DEVICES, PORTS, fleet

INTENDED = Path(__file__).parent / "intended"
CASES = [(role, name, platform) for role, of in DEVICES.items() for name, platform in of.items()]
FACTORY: dict[str, Tree] = {
    "arubaos-cx": {
        "vlan 1": {},
        **{f"interface {port}": {"no shutdown": {}} for port in PORTS["arubaos-cx"] if port != "vlan101"},
    },
    "cisco-ios": {"ip http server": {}, "ip http secure-server": {}},
}
"""What a device has that nobody configured."""

wild = st.lists(
    st.sampled_from((*FRAGMENTS, "\nexit\n", "next\nend", "\x00", "?", "^C", "‹")) | st.text(max_size=6), max_size=4
).map("".join)


def settings_of(role: str, name: str, of: Fleet) -> Settings:
    found = catalogue()[role].settings(of.host(name), of)
    assert isinstance(found, Settings), found
    return found


def declared(role: str, name: str, of: Fleet) -> ManagedConfiguration:
    """What the role declares, its operation not registered anywhere."""
    settings = settings_of(role, name, of)
    with registering(role, secrets_in(settings)) as registration, pytest.MonkeyPatch.context() as patch:
        patch.setattr("roles.shared.cli.configure", lambda **_: None)
        catalogue()[role].deploy(settings)
    (configuration,) = registration.configurations
    return configuration


def changed(of: Fleet, name: str, **fields: Any) -> Fleet:
    host = of.host(name)
    return of.model_copy(
        update={"hosts": tuple(h if h is not host else host.model_copy(update=fields) for h in of.hosts)}
    )


@pytest.mark.parametrize(("role", "name", "platform"), CASES)
def test_a_device_is_told_what_stands_in_its_example(role: str, name: str, platform: str) -> None:
    text = declared(role, name, fleet(tacacs_servers=["10.60.10.99"])).content
    example = INTENDED / role / f"{platform}.txt"
    if os.environ.get("SAMDRIFT_WRITE_INTENDED"):
        example.parent.mkdir(parents=True, exist_ok=True)
        example.write_text(text, encoding="utf-8")
    assert text == example.read_text(encoding="utf-8")


@pytest.mark.parametrize(("role", "name", "platform"), CASES)
def test_a_new_device_takes_every_line_and_has_then_what_is_intended(role: str, name: str, platform: str) -> None:
    asked = declared(role, name, fleet(tacacs_servers=["10.60.10.99"]))
    vendor, show = known_vendors()[platform], grammar(platform).show
    factory = FACTORY.get(platform, {})
    change = difference(vendor, show(factory), asked.content, asked.managed)
    there = applied(platform, factory, change.lines)
    again = difference(vendor, show(there), asked.content, asked.managed)
    assert (again.lines, again.unmanaged, again.before) == ((), (), again.after)
    assert asked.secrets
    assert not difference(vendor, show(applied(platform, there, change.rollback)), show(factory), asked.managed).lines


@pytest.mark.parametrize(("role", "name", "platform"), CASES)
@given(text=wild)
@effort(max_examples=8)
def test_no_text_of_the_inventory_adds_a_line_or_a_command(role: str, name: str, platform: str, text: str) -> None:
    plain, hostile = fleet(), fleet()
    host = hostile.host(name)
    interfaces = tuple(i.model_copy(update={"description": text}) for i in host.interfaces)
    vlans = tuple(v.model_copy(update={"name": text}) for v in hostile.vlans)
    hostile = changed(hostile, name, interfaces=interfaces, description=text).model_copy(update={"vlans": vlans})
    said = [rid_of_texts(line) for line in declared(role, name, hostile).content.split("\n")]
    meant = [rid_of_texts(line) for line in declared(role, name, plain).content.split("\n")]
    assert [line for line in said if line] == [line for line in meant if line]
    applied(platform, FACTORY.get(platform, {}), difference_lines(role, name, platform, hostile))


def difference_lines(role: str, name: str, platform: str, of: Fleet) -> tuple[str, ...]:
    asked = declared(role, name, of)
    return difference(known_vendors()[platform], "", asked.content, asked.managed).lines


def rid_of_texts(line: str) -> str:
    """A line without the text of a description or the name of a VLAN; nothing, if it is one that may be absent."""
    found = re.fullmatch(
        r'(?:\s*(?:set )?description|set interfaces \S+ description) "?[\w .,:;/+=@&*-]*"?', line
    ) or re.fullmatch(r"(\s*name|set vlans v\d+ description) [A-Za-z0-9-]{1,32}", line)
    return "" if found else line


@given(wild, st.sampled_from(sorted(known_vendors())))
def test_a_description_is_one_line_of_plain_text(text: str, platform: str) -> None:
    vendor = known_vendors()[platform]
    said = one_line(text, vendor)
    assert said.isprintable()
    assert said == said.strip()
    assert len(said) <= vendor.longest
    assert not set(said) & set("\"'\\?‹›`$|{}<>#!^()[]%~\n\r")
    assert said.isascii() or not vendor.ascii_only


def test_swedish_letters_are_kept_where_the_vendor_takes_them() -> None:
    vendors = known_vendors()
    assert one_line("Räksmörgås  (plan 2)", vendors["fortios"]) == "Räksmörgås plan 2"
    assert one_line("Räksmörgås  (plan 2)", vendors["cisco-ios"]) == "Raksmorgas plan 2"
    assert (vlan_name("Gäst & annat", 130), vlan_name("北京", 130)) == ("Gast-annat", "vlan-130")


def test_a_port_is_described_by_what_its_cable_leads_to() -> None:
    ports = {p.name: p for p in settings_of("access_switch", "heb-sw2", fleet()).ports}
    assert ports["1/1/1"].description == "Kontor Ost, plan 2"
    assert (ports["1/1/2"].description, ports["1/1/2"].trusted, ports["1/1/2"].edge) == ("heb-gw1 eth0", True, True)
    assert (ports["1/1/25"].description, ports["1/1/25"].edge) == ("heb-sw9 1/1/1", False)


def bare(name: str = "heb-sw2", **fields: Any) -> Fleet:
    return changed(fleet(), name, **fields)


def without(*names: str) -> Fleet:
    of = fleet()
    return of.model_copy(update={"hosts": tuple(h for h in of.hosts if h.name not in names)})


def with_port(**fields: Any) -> Fleet:
    host: Host = fleet().host("heb-sw2")
    first, *others = host.interfaces
    return bare(interfaces=(first, others[0].model_copy(update=fields), *others[1:]))


@pytest.mark.parametrize(
    ("of", "said"),
    [
        (with_port(name="1/1/1\nshutdown"), "names no interface"),
        (with_port(name="1/1/1 description x"), "names no interface"),
        (with_port(untagged_vlan=666), "there is no VLAN 666 at this site"),
        (bare(primary_address=None), "no interface has the primary address"),
        (without("tie-adm1"), "nobody could log in"),
        (fleet().model_copy(update={"prefixes": ()}), "there is no router"),
    ],
)
def test_what_would_cut_a_device_off_or_spoil_it_is_told_before_anything_is_connected_to(of: Fleet, said: str) -> None:
    role = catalogue()["access_switch"]
    with pytest.raises(SettingsError, match=said):
        role.compute(of.host("heb-sw2"), of, role.options())


def test_ports_that_netbox_does_not_know_are_nobodys() -> None:
    asked = declared("access_switch", "heb-sw2", fleet())
    running = "interface 1/1/2\n    shutdown\ninterface 1/1/20\n    description hand\n    vlan access 1\n"
    change = difference(known_vendors()["arubaos-cx"], running, asked.content, asked.managed)
    assert change.unmanaged == ("interface 1/1/20\n  description hand\n  vlan access 1\n",)
    assert not any("1/1/20" in line for line in change.lines)


def test_every_port_of_the_examples_has_a_name_that_is_one() -> None:
    for role, of in DEVICES.items():
        for name in of:
            assert {p.name for p in settings_of(role, name, fleet()).ports} <= {
                *(p for ports in PORTS.values() for p in ports), "wan1", "internal1", "internal2", "internal3"
            }  # fmt: skip


def test_a_device_is_reached_by_the_stations_alone() -> None:
    for role, of in DEVICES.items():
        for name in of:
            ssh, snmp = catalogue()[role].listens(settings_of(role, name, fleet()))
            assert (ssh.port, [str(n) for n in ssh.sources]) == (22, ["10.60.10.250/32"])
            assert (snmp.port, snmp.sources) == (161, ())
