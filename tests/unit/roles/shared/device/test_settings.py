"""Switches and firewalls: what each vendor is told, word for word; that devices take it; and that no text adds to it.

What is told stands in `intended/<role>/<platform>.txt`, a tree like `templates/`. To see a change there, run this file
with SAMDRIFT_WRITE_INTENDED=1 and read the difference.
"""

from __future__ import annotations

import os
import re
from ipaddress import IPv6Address, IPv6Interface
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as effort
from hypothesis import strategies as st

from inventory.fleet import Fleet, Host, Interface
from inventory.network import Cable, Vlan
from inventory.secrets import secrets_in
from roles.edge_firewall import Settings as FirewallSettings
from roles.shared.catalogue import catalogue
from roles.shared.device.difference import difference
from roles.shared.device.known import known_vendors
from roles.shared.device.ports import one_line
from roles.shared.device.settings import Settings, device_listens
from roles.shared.intent import Intent
from roles.shared.parts.registration import ManagedConfiguration, registering
from roles.shared.settings import SettingsError
from tests.emulator.grammar import Tree, applied, grammar
from tests.unit.hostile import FRAGMENTS
from tests.unit.roles.shared.device.switch_fleet import DEVICES, LAGS, PORTS, fleet

INTENDED = Path(__file__).parent / "intended"
CASES = [(role, name, platform) for role, of in DEVICES.items() for name, platform in of.items()]
FACTORY: dict[str, Tree] = {
    "arubaos-cx": {
        "vlan 1": {},
        **{
            f"interface {port}": {"no shutdown": {}}
            for port in (*PORTS["arubaos-cx"], *LAGS["arubaos-cx"])
            if "/" in port
        },
    },
    "cisco-ios": {"ip http server": {}, "ip http secure-server": {}},
}
"""What a device has that nobody configured."""

wild = st.lists(
    st.sampled_from((*FRAGMENTS, "\nexit\n", "next\nend", "\x00", "?", "^C", "‹")) | st.text(max_size=6), max_size=4
).map("".join)


def settings_of(role: str, name: str, of: Fleet) -> Settings:
    found = Intent(of).of(of.host(name), role)
    assert isinstance(found, Settings), found
    return found


def computed(name: str, of: Fleet) -> FirewallSettings:
    """What role edge_firewall computes for a host; what it refuses is raised, and no problem among others."""
    role, host = catalogue()["edge_firewall"], of.host(name)
    options = role.options_of(host)
    assert not isinstance(options, list), options
    found = role.compute(host, of, options, Intent(of))
    assert isinstance(found, FirewallSettings)
    return found


def declared(role: str, name: str, of: Fleet) -> ManagedConfiguration:
    """What the role declares of a device."""
    return declared_by(role, settings_of(role, name, of))


def declared_by(role: str, settings: Settings) -> ManagedConfiguration:
    """What the role declares by these settings, its operation not registered anywhere."""
    with registering(role, secrets_in(settings)) as registration, pytest.MonkeyPatch.context() as patch:
        patch.setattr("roles.shared.device.configure.configure", lambda **_: None)
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
    there = applied(platform, factory, change.entries)
    again = difference(vendor, show(there), asked.content, asked.managed)
    assert (again.entries, again.unmanaged, again.before) == ((), (), again.after)
    assert asked.secrets
    assert not difference(vendor, show(applied(platform, there, change.rollback)), show(factory), asked.managed).entries


def by_netconf(name: str, **more: int) -> Fleet:
    """The fleet, with one of its devices talked to by NETCONF."""
    of = fleet()
    context = of.host(name).context
    return changed(of, name, context={"samdrift": context["samdrift"] | {"transport": "netconf"} | more})


def test_a_switch_that_is_talked_to_by_netconf_serves_it_to_the_management_stations_alone() -> None:
    settings = settings_of("access_switch", "heb-sw1", by_netconf("heb-sw1"))
    text = declared("access_switch", "heb-sw1", by_netconf("heb-sw1")).content
    assert "set system services netconf ssh\n" in text
    assert "term stations from destination-port 830\n" in text
    assert [(listen.port, listen.sources) for listen in device_listens(settings)][2:] == [(830, settings.stations)]
    elsewhere = declared("access_switch", "heb-sw1", by_netconf("heb-sw1", netconf_port=2222)).content
    assert "set system services netconf ssh port 2222\n" in elsewhere
    assert [line.split()[5:8] for line in elsewhere.splitlines() if line.endswith(" destination-port 2222")] == [
        ["MANAGEMENT", "term", "stations"],
        ["MANAGEMENT", "term", "others"],
        ["MANAGEMENT6", "term", "others"],
    ]
    assert "netconf" not in declared("access_switch", "heb-sw1", fleet()).content


@pytest.mark.parametrize(("name", "vendor"), [("heb-sw2", "Aruba AOS-CX"), ("heb-sw3", "Cisco IOS XE")])
def test_a_switch_of_a_vendor_without_it_is_not_talked_to_by_netconf(name: str, vendor: str) -> None:
    host = by_netconf(name).host(name)
    (problem,) = Intent(by_netconf(name)).problems(host)
    assert (problem.what, problem.fix) == (f"access_switch: {vendor} is not talked to by NETCONF", "cli")
    assert problem.where == f"host {name}, config context samdrift.transport"


@pytest.mark.long
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
    return difference(known_vendors()[platform], "", asked.content, asked.managed).entries


def rid_of_texts(line: str) -> str:
    """A line without the text of a description or the name of a VLAN; nothing, if it is one that may be absent."""
    found = re.fullmatch(
        r'(?:\s*(?:set )?description|set interfaces \S+ (?:unit \d+ )?description) "?[\w .,:;/+=@&*-]*"?', line
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
    assert tuple(Vlan(vid=130, name=n).name_on_devices for n in ("Gäst & annat", "北京")) == ("Gast-annat", "vlan-130")


def test_a_port_is_described_by_what_its_cable_leads_to() -> None:
    ports = {p.name: p for p in settings_of("access_switch", "heb-sw2", fleet()).ports}
    assert ports["1/1/1"].description == "Kontor Ost, plan 2"
    assert (ports["1/1/2"].description, ports["1/1/2"].trusted, ports["1/1/2"].edge) == ("heb-gw1 eth0", True, True)
    assert (ports["1/1/25"].description, ports["1/1/25"].edge) == ("heb-sw9 1/1/1", False)


def test_a_lag_is_described_by_the_lag_that_its_members_lead_to_and_they_by_their_cables() -> None:
    ports = {p.name: p for p in settings_of("access_switch", "heb-sw2", fleet()).ports}
    lag, member = ports["lag1"], ports["1/1/26"]
    assert (lag.description, lag.edge, lag.trusted, lag.members) == ("heb-sw9 lag1", False, True, ("1/1/26", "1/1/27"))
    assert (member.description, member.edge, member.trusted, member.vids) == ("heb-sw9 1/1/26", False, False, ())
    assert next(iter(ports)) == "lag1"


@pytest.mark.parametrize(
    ("far", "says", "edge", "trusted"),
    [
        (("heb-gw1:eth0", "heb-gw1:eth1"), "heb-gw1", True, True),
        (("heb-gw1:eth0", "heb-sw9:1/1/1"), "heb-gw1, heb-sw9", False, True),
        (("heb-gw1:eth0", "tie-dns1:eth0"), "heb-gw1, tie-dns1", True, False),
        ((), "by hand", True, False),
    ],
)
def test_a_lag_is_trusted_as_the_least_of_what_it_leads_to(
    far: tuple[str, ...], says: str, edge: bool, trusted: bool
) -> None:
    cables = tuple(Cable(a=f"heb-sw2:1/1/2{n}", b=end) for n, end in enumerate(far, 6))
    host = fleet().host("heb-sw2")
    named = tuple(i.model_copy(update={"description": "by hand"}) if i.is_lag else i for i in host.interfaces)
    of = bare(interfaces=named).model_copy(update={"cables": cables})
    lag = next(p for p in settings_of("access_switch", "heb-sw2", of).ports if p.is_lag)
    assert (lag.description, lag.edge, lag.trusted) == (says, edge, trusted)


def test_a_device_without_lags_has_its_number_of_them_left_alone() -> None:
    host = fleet().host("heb-sw1")
    of = bare("heb-sw1", interfaces=tuple(i for i in host.interfaces if not (i.lag or i.is_lag)))
    asked = declared("access_switch", "heb-sw1", of)
    running = "set chassis aggregated-devices ethernet device-count 4\nset interfaces ae3 mtu 9000\n"
    change = difference(known_vendors()["junos"], running, asked.content, asked.managed)
    assert not any("device-count" in line for line in change.entries)
    assert change.unmanaged == ("set interfaces ae3 mtu 9000\n",)


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
        (with_port(name="trunk1", type="lag"), "Aruba AOS-CX has no LAG of the name 'trunk1'"),
        (with_port(untagged_vlan=None, lag="lag1\nshutdown"), "Aruba AOS-CX has no LAG of the name 'lag1"),
        (with_port(untagged_vlan=666), "there is no VLAN 666 at this site"),
        (bare(primary_address=None), "no interface has the primary address"),
        (without("tie-adm1"), "nobody could log in"),
        (fleet().model_copy(update={"prefixes": ()}), "there is no router"),
    ],
)
def test_what_would_cut_a_device_off_or_spoil_it_is_told_before_anything_is_connected_to(of: Fleet, said: str) -> None:
    role = catalogue()["access_switch"]
    with pytest.raises(SettingsError, match=said):
        role.compute(of.host("heb-sw2"), of, role.options(), Intent(of))


def test_ports_that_netbox_does_not_know_are_nobodys() -> None:
    asked = declared("access_switch", "heb-sw2", fleet())
    running = "interface 1/1/2\n    shutdown\ninterface 1/1/20\n    description hand\n    vlan access 1\n"
    change = difference(known_vendors()["arubaos-cx"], running, asked.content, asked.managed)
    assert change.unmanaged == ("interface 1/1/20\n  description hand\n  vlan access 1\n",)
    assert not any("1/1/20" in line for line in change.entries)


def test_every_port_of_the_examples_has_a_name_that_is_one() -> None:
    for role, of in DEVICES.items():
        for name in of:
            assert {p.name for p in settings_of(role, name, fleet()).ports} <= {
                *(p for ports in (*PORTS.values(), *LAGS.values()) for p in ports),
                "wan1", "internal1", "internal2", "internal3", "ge-0/0/0",
            }  # fmt: skip


def test_a_device_is_reached_by_the_stations_alone() -> None:
    for role, of in DEVICES.items():
        for name in of:
            ssh, snmp = catalogue()[role].listens(settings_of(role, name, fleet()))
            assert (ssh.port, [str(n) for n in ssh.sources]) == (22, ["10.60.10.250/32"])
            assert (snmp.port, snmp.sources) == (161, ())


@pytest.mark.parametrize(("role", "name"), [(role, name) for role, name, _ in CASES])
def test_a_device_of_ipv4_is_told_of_no_server_of_ipv6_alone_and_says_so(role: str, name: str) -> None:
    before, of = fleet(), fleet()
    log = of.host("tie-log1")
    log6 = log.model_copy(
        update={
            "name": "tie-log6",
            "primary_address": None,
            "primary_address6": IPv6Address("2001:db8:60:10::13"),
            "interfaces": (Interface(name="eth0", addresses=(IPv6Interface("2001:db8:60:10::13/64"),)),),
        }
    )
    after = of.model_copy(update={"hosts": (*of.hosts, log6)})
    assert declared(role, name, after) == declared(role, name, before)
    (said,) = catalogue()[role].unserved(after.host(name), after)
    assert said == "it is administered over IPv4, and told of no servers without it: tie-log6"
    assert catalogue()[role].unserved(before.host(name), before) == ()
