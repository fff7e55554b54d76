"""A device type of NetBox chooses the data of its series; what is known of a series is typed, left out or refused.

The device types are those of netbox-community/devicetype-library: model, part number and, where it has one, slug.
"""

from __future__ import annotations

import re
from typing import Any

import pytest

from inventory.errors import SamdriftError
from inventory.fleet import Fleet, Interface
from inventory.network import Vlan
from inventory.organisation import DeviceType, Named
from roles.shared.catalogue import catalogue
from roles.shared.device.difference import difference
from roles.shared.device.known import has_unknown_model, known_vendors, vendor_of, vendor_with
from roles.shared.device.said import caveats_of, require_plannable
from roles.shared.device.vendor import Vendor
from roles.shared.intent import Intent
from tests.device_texts import NAMES, device_text
from tests.emulator.grammar import IOS_3750_GRAMMAR, Refused, applied
from tests.unit.roles.shared.device.switch_fleet import PORTS, fleet
from tests.unit.roles.shared.device.test_settings import changed, declared, settings_of

VENDORS = known_vendors()
CX, IOS, FORTIOS, JUNOS = (VENDORS[p] for p in ("arubaos-cx", "cisco-ios", "fortios", "junos"))

TYPES = {
    ("arubaos-cx", "hpe"): {
        "CX 6000, 6100": (
            ("Aruba 6000-48G-POE4-4SFP", "R8N85A"), ("Aruba 6100-24G-4SFP+", "JL678A"), ("Access, small", "JL679A"),
        ),
        "CX 6200": (("Aruba 6200F-24G-4SFP+", "JL724A"), ("6200F 48G", ""), ("6200f-24g-4sfpp", "JL724A")),
        "CX 6300, 6400": (
            ("Aruba 6300M-48G-4SFP56", "JL663A"), ("Aruba 6300F-24G-POE4-4SFP56", "JL666A"), ("6410 v2", "R0X27A"),
        ),
        "CX 8000, 9300, 10000": (
            ("Aruba 8325-48Y8C", "JL635A"), ("Aruba 8360-32Y4C Front-to-Back", "JL700C"), ("8100-48XF4C", ""),
            ("Aruba 10000-48Y6C Back-to-Front", "R8P14A"), ("Aruba 8320-48XT6Q", "JL581A"),
        ),
        "": (("Aruba 2930F-24G-4SFP+", "JL253A"), ("Aruba 4100i 12G", "JL817A"), ("5406R zl2", "J9850A")),
    },
    ("cisco-ios", "cisco"): {
        "Catalyst 9200": (
            ("C9200L-24P-4G", "C9200L-24P-4G"), ("Catalyst C9200CX-12P-2X2G", "C9200CX-12P-2X2G"), ("C9200-48T", ""),
        ),
        "Catalyst 9300 to 9600": (
            ("Catalyst 9300-48UXM", "C9300-48UXM"), ("Catalyst 9300L-24P-4G", "C9300L-24P-4G"),
            ("Catalyst 9410R", "C9410R"), ("Catalyst 9500-48Y4C", "C9500-48Y4C"), ("Catalyst 9606R", "C9606R"),
        ),
        "Catalyst 3650, 3850": (("Catalyst C3650-12X48UQ", "WS-C3650-12X48UQ"), ("Catalyst 3850-48P", "WS-C3850-48P")),
        "Catalyst 2960, 3560CX, 1000": (
            ("Catalyst 2960X-48FPS-L", "WS-C2960X-48FPS-L"), ("Catalyst 3560-CX-8PC-S", "WS-C3560CX-8PC-S"),
            ("C1000-24P-4G-L", "C1000-24P-4G-L"),
        ),
        "Catalyst 3560, 3750, 4500": (
            ("Catalyst 3750X-48P-S", "WS-C3750X-48P-S"), ("Catalyst C4500X-16SFP+", "WS-C4500X-16SFP+"),
            ("Catalyst 3560V2-24PS", "WS-C3560V2-24PS"), ("Catalyst 4948-S", "WS-C4948-S"),
        ),
        "Catalyst 6500, 6800": (("Catalyst 6509-E", "WS-C6509-E"), ("Catalyst 6880-X-LE", "C6880-X-LE")),
        "": (
            ("Nexus 93180YC-FX", "N9K-C93180YC-FX"), ("Nexus 9504", "N9K-C9504"), ("Catalyst 9800-L-F", "C9800-L-F"),
            ("C9115AXI-E", "C9115AXI-E"), ("CSR1000V", "CSR1000V"), ("2951-K9", ""), ("IE-3200-8P2S", "IE-3200-8P2S"),
        ),
    },
    ("junos", "juniper"): {
        "EX": (("EX2300-C-12P", ""), ("EX3400-48P", "EX3400-48P"), ("EX4300-48MP", ""), ("EX4100-F-12T", ""),
               ("EX4650-48Y-AFI", ""), ("EX9214", "")),
        "EX without ELS": (("EX2200-C-12P", ""), ("EX3300-48P", ""), ("EX4200-24F", ""), ("EX4550-32F-AFI", "")),
        "QFX": (("QFX5120-48Y-AFI2", ""), ("QFX10002-36Q", ""), ("QFX5100-48S-6q", "")),
        "SRX": (("SRX300", "SRX300-SYS-JB"), ("SRX345-DUAL-AC", ""), ("SRX1500", "")),
        "": (("QFX3500-48S4Q", ""), ("MX204", ""), ("ACX7024-AC", ""), ("AP45", "")),
    },
    ("fortios", "fortinet"): {
        "FortiGate 30 to 91": (("FortiGate 60F", "FG-60F"), ("FortiGate 40F", ""), ("FortiGate 90G", "FG-90G"),
                               ("FortiGate 80E-POE", "FG-80E-POE"), ("FortiWiFi 61E", "FWF-61E"), ("FG-70F", "")),
        "FortiGate 100 to 7000": (("FortiGate 100F", "FG-100F"), ("FortiGate 500E", ""), ("FortiGate-600D", "FG-600D"),
                                 ("FortiGate 140E-POE", ""), ("FortiGate 100EF", ""),
                                  ("FortiGate 3000F", "FG-3000F"), ("FortiGate 1500DT", "FG-1500DT")),
        "FortiGate-VM": (("FG-VM64", "FG-VM64"), ("FortiGate-VM64-KVM", "")),
        "": (("FortiAnalyzer 800G", "FAZ-810G"), ("FortiAP 231F", "FAP-231F"), ("FortiSwitch 448E", "FS-448E")),
    },
}  # fmt: skip
CASES = [
    (platform, maker, model, part, series)
    for (platform, maker), of_vendor in TYPES.items()
    for series, models in of_vendor.items()
    for model, part in models
]


@pytest.mark.parametrize(("platform", "maker", "model", "part", "series"), CASES, ids=[c[2] for c in CASES])
def test_a_device_type_of_the_library_is_of_its_series(
    platform: str, maker: str, model: str, part: str, series: str
) -> None:
    by_name = DeviceType(slug="x", manufacturer=maker, model=model, part_number=part)
    slug = re.sub(r"[^a-z0-9]+", "-", f"{maker} {model}".lower()).strip("-")
    by_slug = DeviceType(slug=slug, manufacturer=maker, model="a name of our own", part_number=part)
    for kind in (by_name, by_slug):
        found = VENDORS[platform].series_with(kind)
        assert (found.name if found else "") == series
    assert VENDORS[platform].series_with(by_name.model_copy(update={"manufacturer": "acme"})) is None


def test_every_series_of_a_vendor_is_met_above_and_says_where_it_is_from() -> None:
    for (platform, _), of_vendor in TYPES.items():
        vendor = VENDORS[platform]
        assert {s.name for s in vendor.series} == of_vendor.keys() - {""}
        assert all(s.source for s in vendor.series)
    assert {platform for platform, _ in TYPES} == {p for p, v in VENDORS.items() if v.series}


PUBLISHED = {
    "aoscx_6000-48G_PL.10.13.0005.txt": "CX 6000, 6100",
    "aoscx_8100-48XF4C_LL.10.13.1050.txt": "CX 8000, 9300, 10000",
    "aoscx_CX6000-8G_10.16.1010.txt": "CX 6000, 6100",
    "aoscx_R0X25A-6410_FL.10.10.1100.txt": "CX 6300, 6400",
    "aoscx_R8N85A-C6000-48G-CL4_PL.10.08.1010.txt": "CX 6000, 6100",
    "fortigate_FortiGate-501E_vdomHAdown.txt": "FortiGate 100 to 7000",
    "fortigate_FortiGate-91G_7.4.7.txt": "FortiGate 30 to 91",
    "ios_C9200L-24P-4G_17.09.04a.txt": "Catalyst 9200",
}


@pytest.mark.parametrize("name", NAMES)
def test_a_published_device_says_its_series_or_nothing(name: str) -> None:
    platform, text = device_text(name)
    found = VENDORS[platform].series_printed(text)
    assert (found.name if found else "") == PUBLISHED.get(name, "")


@pytest.mark.parametrize(("platform", "line", "series"), [
    ("arubaos-cx", "!Version ArubaOS-CX TL.10.06.0001", "CX 8000, 9300, 10000"),  # an 8320, in HPE's guide
    ("arubaos-cx", "!Version ArubaOS-CX GL.10.09.0010", "CX 8000, 9300, 10000"),  # an 8325, in Cray's handbook
    ("arubaos-cx", "!Version AOS-CX PL.10.16.1010", "CX 6000, 6100"),
    ("arubaos-cx", "!Version ArubaOS-CX ML.10.13.1000", "CX 6200"),
    ("arubaos-cx", "!Version ArubaOS-CX Virtual.10.13.1000", ""),  # the simulator
    ("cisco-ios", "switch 1 provision ws-c2960x-48ts-l", "Catalyst 2960, 3560CX, 1000"),
    ("cisco-ios", "switch 2 provision ws-c2960xr-24td-i", "Catalyst 2960, 3560CX, 1000"),
    ("cisco-ios", "switch 1 provision c9300-48u", "Catalyst 9300 to 9600"),
    ("cisco-ios", "switch 2 provision ws-c3850-48p", "Catalyst 3650, 3850"),
    ("cisco-ios", "switch 1 provision ws-c3750x-24", "Catalyst 3560, 3750, 4500"),
    ("cisco-ios", "license udi pid C9500-24Y4C sn CAT0000X00X", "Catalyst 9300 to 9600"),
    ("fortios", "#config-version=FGVM64-6.4.4-FW-build1803-201209:opmode=0", "FortiGate-VM"),
    ("fortios", "#config-version=FG3K1F-7.4.8-FW-build2795-250523:opmode=0", "FortiGate 100 to 7000"),
    ("fortios", "#config-version=FG180F-7.4.8-FW-build2795-250523:opmode=0", "FortiGate 100 to 7000"),  # an 1800F
    ("fortios", "#config-version=FWF61E-7.2.8-FW-build1639-240313:opmode=0", "FortiGate 30 to 91"),
    ("fortios", "#config-version=FG200F-7.2.8-FW-build1639-240313:opmode=0", "FortiGate 100 to 7000"),
    ("junos", "set security zones security-zone trust interfaces ge-0/0/1.0", "SRX"),
    ("junos", "set ethernet-switching-options storm-control interface all", "EX without ELS"),
    ("junos", "set interfaces ae0 unit 0 family ethernet-switching port-mode trunk", "EX without ELS"),
])  # fmt: skip
def test_what_a_configuration_says_of_the_model(platform: str, line: str, series: str) -> None:
    found = VENDORS[platform].series_printed(f"hostname x\n{line}\nend\n")
    assert (found.name if found else "") == series


# What a series changes


def of_type(of: Fleet, name: str, model: str, **fields: Any) -> Fleet:
    """The fleet in which a device is of this model."""
    makers = {"arubaos-cx": "hpe", "cisco-ios": "cisco", "junos": "juniper", "fortios": "fortinet"}
    maker = makers[of.host(name).platform]
    kind = DeviceType(slug="model", manufacturer=maker, model=model)
    typed = of.model_copy(update={"device_types": (kind,), "manufacturers": (Named(slug=maker, name=maker),)})
    return changed(typed, name, device_type="model", **fields)


def test_a_device_without_a_known_model_has_its_vendors_general_data() -> None:
    of = of_type(fleet(), "heb-sw2", "Something new")
    for known in (fleet(), of):
        assert vendor_of(known.host("heb-sw2"), known) == CX
        assert has_unknown_model(known.host("heb-sw2"), known)
    assert not has_unknown_model(of.host("heb-gw1"), of)
    of = of_type(fleet(), "heb-sw2", "Aruba 6200F-24G-4SFP+")
    assert not has_unknown_model(of.host("heb-sw2"), of)
    assert declared("access_switch", "heb-sw2", of).series == "CX 6200"


NO_ROUTING = "hostname sw\ninterface 1/1/1\n    no shutdown\n    vlan access 1\n"


def entries(vendor: Vendor, running: str) -> tuple[str, ...]:
    wanted = "interface 1/1/1\n    no shutdown\n    no routing\n"
    return difference(vendor, running, wanted, (("interface .*",),)).entries


def test_what_a_series_does_not_show_is_told_by_the_model_and_without_it_by_what_the_device_prints() -> None:
    assert entries(vendor_with("arubaos-cx", "CX 6000, 6100"), NO_ROUTING) == ()
    assert entries(vendor_with("arubaos-cx", "CX 6200"), NO_ROUTING) != ()
    assert entries(CX, NO_ROUTING) != ()
    assert entries(CX, f"!Version AOS-CX PL.10.16.1010\n{NO_ROUTING}") == ()


def test_a_model_without_guards_of_ipv6_is_told_none_and_check_says_so() -> None:
    of = of_type(fleet(), "heb-sw2", "Aruba 6100-24G-4SFP+")
    text = declared("access_switch", "heb-sw2", of).content
    assert "nd-snooping" not in text
    assert "dhcpv6-snooping" not in text
    assert "nd-snooping ra-guard" in declared("access_switch", "heb-sw2", fleet()).content
    assert catalogue()["access_switch"].left(settings_of("access_switch", "heb-sw2", of)) == (
        "ipv6_guard: this model has none",
    )
    without = of_type(fleet(ipv6_guard=False), "heb-sw2", "Aruba 6100-24G-4SFP+")
    assert catalogue()["access_switch"].left(settings_of("access_switch", "heb-sw2", without)) == ()


def test_more_vlans_than_a_model_has_trees_are_refused() -> None:
    vlans = tuple(Vlan(vid=n, name=f"v{n}", site="heby-kommunhus") for n in range(200, 264))
    many = fleet().model_copy(update={"vlans": (*fleet().vlans, *vlans)})
    of = of_type(many, "heb-sw2", "Aruba 6300M-48G-4SFP56")
    (problem,) = Intent(of).problems(of.host("heb-sw2"))
    assert "needs a spanning tree, and this model has 64" in problem.what
    assert "spanning_tree" in problem.where
    for fine in (
        of_type(many, "heb-sw2", "Aruba 8325-48Y8C"),
        of_type(many, "heb-sw2", "Something new"),
    ):
        assert Intent(fine).problems(fine.host("heb-sw2")) == ()


@pytest.mark.parametrize(("name", "model", "says"), [
    ("heb-sw1", "EX4200-48T", "port-mode"),
    ("heb-sw3", "Catalyst 6509-E", "told to switch"),
])  # fmt: skip
def test_a_series_that_no_role_can_configure_is_refused_with_the_field(name: str, model: str, says: str) -> None:
    of = of_type(fleet(), name, model)
    (problem,) = Intent(of).problems(of.host(name))
    assert says in problem.what
    assert "device_type" in problem.where


def test_a_port_of_a_name_that_no_such_device_has_is_refused() -> None:
    of = of_type(fleet(), "heb-sw3", "Catalyst 9300-48P")
    assert Intent(of).problems(of.host("heb-sw3")) == ()
    more = (*of.host("heb-sw3").interfaces, Interface(name="GigabitEthernet0/7", untagged_vlan=110))
    wrong = changed(of, "heb-sw3", interfaces=more)
    (problem,) = Intent(wrong).problems(wrong.host("heb-sw3"))
    assert "GigabitEthernet0/7" in problem.where
    short = changed(of, "heb-sw3", interfaces=(*of.host("heb-sw3").interfaces, Interface(name="Te1/1/3")))
    assert Intent(short).problems(short.host("heb-sw3")) == ()


@pytest.mark.parametrize(("name", "port", "type_"), [
    ("heb-sw3", "StackPort1/1", "cisco-stackwise-480"),
    ("heb-sw1", "vcp-0", "juniper-vcp"),
])  # fmt: skip
def test_what_holds_a_stack_together_is_no_port(name: str, port: str, type_: str) -> None:
    """The library's C9200L has two `StackPort`, its EX4200 two `vcp`: NetBox makes interfaces of them."""
    of = fleet()
    more = changed(of, name, interfaces=(*of.host(name).interfaces, Interface(name=port, type=type_)))
    assert declared("access_switch", name, more).content == declared("access_switch", name, of).content


def test_a_trunk_of_a_model_that_knows_two_kinds_is_told_which_first() -> None:
    of = of_type(fleet(), "heb-sw3", "Catalyst 3750X-48P-S")
    asked = declared("access_switch", "heb-sw3", of)
    vendor = vendor_with("cisco-ios", asked.series)
    typed = difference(vendor, "", asked.content, asked.managed).entries

    def there(lines: tuple[str, ...]) -> str:
        tree = IOS_3750_GRAMMAR.load("")
        editor = IOS_3750_GRAMMAR.editor(tree)
        for line in lines:
            for part in vendor.lines_of(line):
                editor.type(part)
        return IOS_3750_GRAMMAR.show(editor.tree)

    assert difference(vendor, there(typed), asked.content, asked.managed).entries == ()
    general = declared("access_switch", "heb-sw3", fleet())
    with pytest.raises(Refused, match="trunk encapsulation"):
        there(difference(IOS, "", general.content, general.managed).entries)


def test_a_port_for_management_that_is_in_no_vrf_is_told_so() -> None:
    management = PORTS["cisco-ios"][-1]
    of = of_type(fleet(), "heb-sw3", "Catalyst 2960X-48FPS-L")
    moved = tuple(
        i.model_copy(update={"name": "FastEthernet0", "type": "100base-tx", "mgmt_only": True})
        if i.name == management
        else i
        for i in of.host("heb-sw3").interfaces
    )
    asked = declared("access_switch", "heb-sw3", changed(of, "heb-sw3", interfaces=moved))
    assert "vrf" not in asked.content.lower()
    assert "interface FastEthernet0\n ip address 10.63.1.13 255.255.255.0\nip default-gateway" in asked.content
    applied(
        "cisco-ios", {}, difference(vendor_with("cisco-ios", asked.series), "", asked.content, asked.managed).entries
    )
    (problem,) = Intent(general := changed(fleet(), "heb-sw3", interfaces=moved)).problems(general.host("heb-sw3"))
    assert "no management port of the name 'FastEthernet0'" in problem.what


# What a device says of itself


def test_a_device_that_is_of_another_series_than_netbox_says_is_not_planned() -> None:
    says_6100, says_nothing = "!Version ArubaOS-CX PL.10.13.0005\nhostname sw\n", "hostname sw\n"
    for vendor in (CX, vendor_with("arubaos-cx", "CX 6000, 6100")):
        require_plannable(vendor, says_6100)
        require_plannable(vendor, says_nothing)
    with pytest.raises(SamdriftError, match="the series CX 6000, 6100, and NetBox that it is of CX 6200") as refused:
        require_plannable(vendor_with("arubaos-cx", "CX 6200"), says_6100)
    assert "device type" in refused.value.fix
    legacy = "set interfaces ge-0/0/1 unit 0 family ethernet-switching port-mode trunk\n"
    for vendor in (JUNOS, vendor_with("junos", "EX")):
        with pytest.raises(SamdriftError, match="EX without ELS"):
            require_plannable(vendor, legacy)
    els = legacy.replace("port-mode", "interface-mode")
    for series in ("EX", "QFX"):
        require_plannable(vendor_with("junos", series), els)


FIREWALL = 'config system global\n    set hostname "fw"\n    set timezone "26"\n{}end\nconfig system admin\nend\n'


@pytest.mark.parametrize("mode", ["manual", "revert"])
def test_a_firewall_that_does_not_save_what_is_typed_is_not_planned(mode: str) -> None:
    require_plannable(FORTIOS, FIREWALL.format(""))
    with pytest.raises(SamdriftError, match=f"set cfg-save {mode}.*a restart would take it back"):
        require_plannable(FORTIOS, FIREWALL.format(f"    set cfg-save {mode}\n"))
    elsewhere = FIREWALL.format("") + f"config system something\n    set cfg-save {mode}\nend\n"
    require_plannable(FORTIOS, elsewhere)


VSX = """\
hostname core
vsx
    system-mac 02:00:00:00:00:01
    inter-switch-link lag 256
    role {}
    vsx-sync vsx-global
"""


def test_a_mode_in_which_not_all_may_stay_is_told() -> None:
    assert caveats_of(CX, VSX.format("primary")) == ()
    (said,) = caveats_of(CX, VSX.format("secondary"))
    assert said.startswith("'role secondary': this is the secondary of a VSX")
    managed = (
        FIREWALL.format("") + "config system central-management\n    set type fortimanager\n    set fmg 10.0.0.9\nend\n"
    )
    assert caveats_of(FORTIOS, FIREWALL.format("")) == ()
    (said,) = caveats_of(FORTIOS, managed)
    assert "a FortiManager manages this firewall" in said
    for vendor, text in ((CX, VSX.format("secondary")), (FORTIOS, managed)):
        require_plannable(vendor, text)


def test_entering_a_mode_that_locks_itself_is_no_refusal() -> None:
    """Quoted by networklessons.com and dummies.com; the refusal by ipnet.xyz."""
    locked = "Configuration mode locked exclusively"
    assert not IOS.refused(
        f"{locked}. The lock will be cleared once you exit out of configuration mode using end/exit\n"
        "Enter configuration commands, one per line.  End with CNTL/Z.\n"
    )
    assert IOS.refused(f"{locked} by user 'unknown' process '88' from terminal '0'. Please try later.\n")
    assert IOS.refused("Configuration mode is locked by process '484' user 'NETCONF' from terminal '64'.\n")
