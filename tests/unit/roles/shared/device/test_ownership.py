"""samdrift removes from a device what it declared there and what a person named. All else stays, and is told."""

from __future__ import annotations

import copy
import re

import pytest
from hypothesis import given
from hypothesis import settings as effort
from hypothesis import strategies as st

from inventory.errors import SamdriftError
from roles.shared.change import Removal
from roles.shared.device import ownership
from roles.shared.device.difference import Difference, difference
from roles.shared.device.known import known_vendors
from roles.shared.device.lines import paths
from roles.shared.device.masking import masked
from roles.shared.device.ownership import Ours
from roles.shared.device.reading import read_configuration
from roles.shared.device.vendor import WITHHELD, Vendor
from tests.emulator.grammar import Refused, Tree, applied, grammar
from tests.unit.roles.shared.device.cli_configurations import KINDS
from tests.unit.roles.shared.device.test_difference import PLATFORMS, bare, both, consistent, part

AOS_CX, IOS, FORTIOS, JUNOS = (known_vendors()[p] for p in ("arubaos-cx", "cisco-ios", "fortios", "junos"))
SWITCH = (("user .*",), (r"interface (1/1/\d+|vlan \d+)",), (r"vlan \d+",), ("ip route .*",), ("hostname .*",))


def cx(running: str, intended: str = "", declared: str = "", *named: str) -> Difference:
    ours = Ours(declared=declared, named=named)
    return difference(AOS_CX, running, intended, SWITCH, ours=ours)


def test_of_a_device_of_which_nothing_is_remembered_nothing_is_removed() -> None:
    running = (
        "user bo group administrators password ciphertext AQBhush\nip route 0.0.0.0/0 10.0.0.1\n"
        "vlan 497\n    name fabric\ninterface vlan 497\n    ip address 10.9.9.1/24\n"
    )
    change = cx(running)
    assert (change.entries, change.removals, change.before) == ((), (), "")
    assert [text.splitlines()[0] for text in change.unmanaged] == [
        "user bo group administrators password ‹withheld›",
        "ip route 0.0.0.0/0 10.0.0.1",
        "vlan 497",
        "interface vlan 497",
    ]


def test_what_was_declared_goes_when_it_is_declared_no_more() -> None:
    declared = "vlan 20\n    name elever\nvlan 30\n    name personal\n"
    change = cx(declared, "vlan 20\n    name elever\n", declared)
    assert change.entries == ("no vlan 30",)
    assert change.removals == (Removal(line="vlan 30"), Removal(line="vlan 30 / name personal"))
    assert change.rollback == ("vlan 30", "  name personal", "exit")


def test_a_section_in_which_somebody_wrote_stays_whole_but_for_what_is_named() -> None:
    declared = "interface vlan 20\n    description elever\n    no shutdown\n"
    running = f"{declared}    ip address 10.0.0.1/24\n"
    change = cx(running, "", declared)
    assert change.entries == ()
    assert change.unmanaged == (running.replace("    ", "  "),)
    assert cx(running, "", declared, "interface vlan 20 / ip address .*").entries == ("no interface vlan 20",)
    named = cx(running, "", "", "interface vlan 20 / ip address .*")
    assert named.entries == ("interface vlan 20", "  no ip address 10.0.0.1/24", "exit")
    assert named.rollback == ("interface vlan 20", "  ip address 10.0.0.1/24", "exit")
    assert cx(running, "", "", "interface vlan 20").entries == ("no interface vlan 20",)


def test_a_line_that_somebody_wrote_into_a_declared_section_stays() -> None:
    stray = "interface vlan 20\n    description elever\n    shutdown\n"
    told = cx(stray, "interface vlan 20\n    shutdown\n", "interface vlan 20\n    shutdown\n")
    assert (told.entries, told.unmanaged) == ((), ("interface vlan 20\n  description elever\n",))


def test_a_value_that_somebody_set_in_a_declared_place_is_changed_and_seen() -> None:
    change = cx("hostname old\ninterface 1/1/1\n    no shutdown\n", "hostname new\ninterface 1/1/1\n    shutdown\n")
    assert change.entries == ("hostname new", "interface 1/1/1", "  shutdown", "exit")
    assert change.removals == ()
    assert "hostname old" in change.before


def test_vlans_of_a_port_are_one_value_on_every_vendor() -> None:
    wanted = "interface 1/1/1\n    vlan trunk native 101\n    vlan trunk allowed 101,110\n"
    change = cx("interface 1/1/1\n    vlan access 666\n", wanted)
    assert "  no vlan access" in change.entries
    assert cx("interface 1/1/1\n    vlan access 666\n    mtu 9000\n", "interface 1/1/1\n    shutdown\n").unmanaged == (
        "interface 1/1/1\n  vlan access 666\n  mtu 9000\n",
    )
    port = "set interfaces ge-0/0/1 unit 0 family ethernet-switching vlan members {}\n"
    told = difference(JUNOS, port.format("hand"), port.format("v20"), (("interfaces", "ge-0/0/1"),))
    assert told.entries == (f"delete {port.format('hand').strip()[4:]}", port.format("v20").strip())


NAMED = [
    (AOS_CX, "user bo group operators password ciphertext AQBhush\n", "user .*", "user bo group .*", "no user bo"),
    (AOS_CX, "vlan 497\n    name x\n    voice\n", r"vlan \d+", "vlan 497", "no vlan 497"),
    (IOS, "interface Vlan5\n ip address 10.0.0.1 255.0.0.0\n", "interface .*",
     "interface Vlan5 / ip address 10.0.0.1 255.0.0.0", "  no ip address"),
    (JUNOS, "set vlans hand vlan-id 7\nset vlans hand description x\n", "vlans", "set vlans hand", "delete vlans"),
    (FORTIOS, 'config firewall policy\n edit 2\n  set name "x"\n next\nend\n', "config firewall policy",
     "config firewall policy / edit 2", "  delete 2"),
]  # fmt: skip


@pytest.mark.parametrize(("vendor", "running", "managed", "name", "typed"), NAMED)
def test_what_a_person_names_goes_with_all_that_stands_below_it(
    vendor: Vendor, running: str, managed: str, name: str, typed: str
) -> None:
    assert not difference(vendor, running, "", ((managed,),)).entries
    change = difference(vendor, running, "", ((managed,),), ours=Ours(named=(name, "no such line", "(")))
    assert typed in change.entries or any(entry.startswith(typed) for entry in change.entries)
    assert {removal.named for removal in change.removals} == {(name,)}
    assert "hush" not in str(change.removals)


def test_nobody_can_name_a_line_away_that_is_declared_or_is_in_no_section_of_the_role() -> None:
    change = cx("hostname a\nbanner motd ^C\nx\n^C\n", "hostname a\n", "", "hostname a", "banner .*", ".*")
    assert (change.entries, change.removals) == ((), ())


@pytest.mark.long
@pytest.mark.parametrize("platform", PLATFORMS)
@given(data=st.data())
@effort(max_examples=8)
def test_what_nobody_declared_stays_and_what_was_declared_leads_there_and_back(
    platform: str, data: st.DataObject
) -> None:
    stays_and_leads(platform, *(data.draw(KINDS[platform].trees) for _ in range(3)))


@pytest.mark.soak
@pytest.mark.parametrize("platform", PLATFORMS)
@given(data=st.data())
@effort(max_examples=500)
def test_it_does_so_many_times(platform: str, data: st.DataObject) -> None:
    stays_and_leads(platform, *(data.draw(KINDS[platform].trees) for _ in range(3)))


def stays_and_leads(platform: str, running: Tree, other: Tree, earlier: Tree) -> None:
    """A device that people configured, and on which something of `earlier` was declared before."""
    vendor, language, managed = known_vendors()[platform], grammar(platform), KINDS[platform].managed
    wanted = part(other, managed, of_it=True)
    if platform == "fortios":
        wanted = consistent(both(part(running, managed, of_it=False), wanted), running)
        wanted = part(wanted, managed, of_it=True)
    ours = Ours(declared=language.show(part(earlier, managed, of_it=True)))
    try:
        change = difference(vendor, language.show(running), language.show(wanted), managed, ours=ours)
    except SamdriftError:  # somebody made a port a member of a LAG, and it is declared otherwise
        return
    if any(uses_vlan(change, removal.line) for removal in change.removals):
        return  # the device takes the VLAN from the port
    try:
        result = applied(platform, running, change.entries)
    except Refused:
        if platform == "fortios":  # it keeps what somebody's policy names, and refuses a member that has an address
            return
        raise
    again = difference(vendor, language.show(result), language.show(wanted), managed, ours=ours)
    assert (again.entries, again.before) == ((), again.after)
    assert kept(again, wanted) == kept(change, wanted)
    declared = said(platform, part(earlier, managed, of_it=True))
    declared += [ownership.path_text(vendor, p) for p in paths(read_configuration(vendor, ours.declared, ()).other)]
    assert {removal.line for removal in change.removals} <= set(map(masked, declared))
    if WITHHELD in str(change.rollback):
        return  # a word that may be a secret: no rollback can say it
    assert bare(applied(platform, copy.deepcopy(result), change.rollback)) == bare(running)


def kept(change: Difference, wanted: Tree) -> list[str]:
    """What is told as nobody's; but not of ports of IOS with LAGs, as the device gives members what their LAG has."""
    members = any(line.startswith("channel-group") for below in wanted.values() for line in below)
    return [text for text in change.unmanaged if not (members and text.startswith("interface GigabitEthernet"))]


def uses_vlan(change: Difference, line: str) -> bool:
    vlan = re.fullmatch(r"vlan (\d+)", line)
    return vlan is not None and any(
        re.search(rf"vlan (trunk \w+|access) {vlan[1]}\n", text) for text in change.unmanaged
    )


def said(platform: str, tree: Tree, above: tuple[str, ...] = ()) -> list[str]:
    found = []
    for line, below in tree.items():
        path = (*above, line)
        found.append(
            f"set {' '.join(path)}" if platform == "junos" else " / ".join(map(str.strip, "\n".join(path).split("\n")))
        )
        found += said(platform, below, path)
    return found


def test_a_line_is_named_as_the_device_shows_it_where_samdrift_withholds_a_part_or_spells_it_otherwise() -> None:
    running = "interface Te1/1/1\n ip ospf message-digest-key 1 md5 hush\n"
    (shown,) = difference(IOS, running, "", (("interface .*",),)).unmanaged
    name = " / ".join(line.strip() for line in shown.splitlines())
    assert "hush" not in name
    (removal,) = difference(IOS, running, "", (("interface .*",),), ours=Ours(named=(name,))).removals
    assert removal.named == (name,)
    assert difference(IOS, running, "", (("interface .*",),), ours=Ours(named=("interface Te1/1/1",))).removals


@pytest.mark.parametrize("comment", ['set comments "a"', "set comments a"])
def test_a_line_is_named_in_quotation_marks_or_without(comment: str) -> None:
    fortios = known_vendors()["fortios"]
    running = 'config system admin\n edit "x"\n  set comments "a"\n  set vdom root\n next\nend\n'
    intended = running.replace('  set comments "a"\n', "")
    managed = (("config system admin", 'edit "x"'),)
    ours = Ours(named=(f'config system admin / edit "x" / {comment}',))
    change = difference(fortios, running, intended, managed, ours=ours)
    assert [removal.line for removal in change.removals] == ['config system admin / edit "x" / set comments "a"']
    assert difference(fortios, running, intended, managed).entries == ()
