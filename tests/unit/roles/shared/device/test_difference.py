"""What is typed makes a device what is intended, and the rollback what it was; nothing else of it moves."""

from __future__ import annotations

import copy
import re

import pytest
from hypothesis import given
from hypothesis import settings as effort
from hypothesis import strategies as st

from inventory.errors import SamdriftError
from roles.shared.device.difference import Difference, difference
from roles.shared.device.known import known_vendors
from roles.shared.device.ownership import Ours
from roles.shared.device.vendor import WITHHELD, Vendor
from roles.shared.lineage import Section
from tests.emulator.grammar import Refused, Tree, applied, grammar
from tests.unit.roles.shared.device.cli_configurations import KINDS

PLATFORMS = sorted(KINDS)


def part(tree: Tree, managed: tuple[Section, ...], *, of_it: bool, depth: int = 0) -> Tree:
    """What of a configuration is managed, or what is not."""
    kept: Tree = {}
    for line, below in tree.items():
        here = [m for m in managed if len(m) > depth and re.fullmatch(m[depth], line)]
        if any(len(m) == depth + 1 for m in here):
            kept |= {line: copy.deepcopy(below)} if of_it else {}
        elif here:
            inner = part(below, tuple(here), of_it=of_it, depth=depth + 1)
            kept |= {line: inner} if inner else {}
        elif not of_it:
            kept[line] = copy.deepcopy(below)
    return kept


def both(a: Tree, b: Tree) -> Tree:
    return {line: both(a.get(line, {}), b.get(line, {})) for line in {**b, **a}}


def told(platform: str, running: Tree, intended: Tree, declared: Tree) -> Difference:
    """The difference, on a device on which this was declared before."""
    show, managed = grammar(platform).show, KINDS[platform].managed
    wanted = part(intended, managed, of_it=True)
    ours = Ours(declared=show(part(declared, managed, of_it=True)))
    return difference(known_vendors()[platform], show(running), show(wanted), managed, ours=ours)


def bare(tree: Tree) -> Tree:
    """Without sections in which nothing stands and that are always there, and identities that a device gives."""
    always = r"interface (\d+/|Gig|\S+$)|line |config |ntp$|syslog$|interfaces$|vlans$"
    below = {line: bare(inner) for line, inner in tree.items() if not line.startswith("set uuid ")}
    return {line: inner for line, inner in below.items() if inner or not re.match(always, line)}


def leads_there_and_back(platform: str, running: Tree, other: Tree) -> None:
    managed = KINDS[platform].managed
    unmanaged = part(running, managed, of_it=False)
    intended = both(unmanaged, part(other, managed, of_it=True))
    if platform == "fortios":
        intended = consistent(intended, running)
    change = told(platform, running, intended, declared=running)
    result = applied(platform, running, change.entries)
    assert bare(result) == bare(intended)
    assert bare(applied(platform, result, change.rollback)) == bare(running)
    assert bool(change.entries) == (change.before != change.after) == bool(change.rollback)
    again = told(platform, result, intended, declared=intended)
    assert (again.entries, again.rollback, again.before) == ((), (), again.after)
    assert again.unmanaged == change.unmanaged


@pytest.mark.long
@pytest.mark.parametrize("platform", PLATFORMS)
@given(data=st.data())
@effort(max_examples=8)
def test_lines_lead_to_the_intended_and_the_rollback_back(platform: str, data: st.DataObject) -> None:
    leads_there_and_back(platform, data.draw(KINDS[platform].trees), data.draw(KINDS[platform].trees))


@pytest.mark.soak
@pytest.mark.parametrize("platform", PLATFORMS)
@given(data=st.data())
@effort(max_examples=500)
def test_they_do_so_many_times(platform: str, data: st.DataObject) -> None:
    leads_there_and_back(platform, data.draw(KINDS[platform].trees), data.draw(KINDS[platform].trees))


def consistent(intended: Tree, running: Tree) -> Tree:
    """Policies that name only what is there: an interface that is unmanaged may be in one of the two alone."""
    ports = running.get("config system interface", {}).keys() & {'edit "hand"'}
    if ports or '"hand"' not in str(intended.get("config firewall policy", {})):
        return intended
    return {line: below for line, below in intended.items() if line != "config firewall policy"}


AOS_CX, IOS, FORTIOS, JUNOS = (known_vendors()[p] for p in ("arubaos-cx", "cisco-ios", "fortios", "junos"))
OURS = "‹secret:switch_admin›"


def test_a_banner_that_looks_like_a_configuration_and_a_prompt_is_one_text() -> None:
    banner = "banner motd ^C\ninterface 1/1/1\n   shutdown\nhostname evil\nsw1(config)# \n^C\n"
    change = difference(AOS_CX, f"{banner}hostname a\n", "hostname b\n", (("hostname .*",),))
    assert change.entries == ("hostname b",)
    assert change.unmanaged == (banner.replace("# \n", "#\n"),)


def test_a_banner_that_is_managed_is_typed_as_it_stands() -> None:
    banner = "banner login ^C\n  Endast behörig personal\nsw1#\n^C"
    change = difference(IOS, "", f"{banner}\n", (("banner login (.|\n)*",),))
    assert change.entries == (banner,)
    assert applied("cisco-ios", {}, change.entries) == {banner: {}}


def test_a_new_banner_takes_the_place_of_the_old_and_is_taken_back_by_its_name() -> None:
    old, new = (f"banner login ^C\nno {word}\n^C" for word in ("way", "entry"))
    managed = (("banner login (.|\n)*",),)
    change = difference(IOS, f"{old}\n", f"{new}\n", managed)
    assert (change.entries, change.rollback) == ((new,), (old,))
    assert difference(IOS, "", f"{new}\n", managed).rollback == ("no banner login",)


def test_a_quoted_text_of_several_lines_is_one_entry() -> None:
    ca = 'set ca "-----BEGIN\nMIIB\n  end\n-----END"'
    intended = f'config vpn certificate ca\n edit "CA_1"\n  {ca}\n next\nend\n'
    change = difference(FORTIOS, "", intended, (("config vpn certificate ca",),))
    assert change.entries == ("config vpn certificate ca", '  edit "CA_1"', f"    {ca}", "  next", "end")
    assert applied("fortios", {}, change.entries) == grammar("fortios").load(intended)


def test_a_configuration_that_breaks_off_in_a_text_is_not_compared() -> None:
    for vendor, running in ((IOS, "banner motd ^C\nhostname x\n"), (FORTIOS, 'config x\n    set buffer "a\nb\nend\n')):
        with pytest.raises(SamdriftError, match="breaks off in the text"):
            difference(vendor, running, "", ())


@pytest.mark.parametrize("end", ["\r\n", "\r\r\n", "  \n"])
def test_line_ends_and_what_trails_mean_nothing(end: str) -> None:
    lines = [
        "Building configuration...",
        "!",
        "hostname a",
        "interface Vlan101",
        " ip address 10.0.0.1 255.0.0.0",
        "end",
    ]
    wanted = "interface Vlan101\n ip address 10.0.0.1 255.0.0.0\nhostname a\n"
    change = difference(IOS, end.join([*lines, ""]), wanted, (("hostname .*",), ("interface .*",)))
    assert (change.entries, change.unmanaged, change.before) == ((), (), change.after)


@given(st.text(max_size=8))
def test_what_a_device_says_is_typed_again_as_one_line(text: str) -> None:
    said = f"a\rreload{text}\x0bhostname evil\u2028b\x1b[A".replace("\n", "")
    running = f"interface GigabitEthernet1/0/1\n description {said}\n"
    wanted = "interface GigabitEthernet1/0/1\n shutdown\n"
    change = difference(
        IOS, running, wanted, (("interface .*",),), ours=Ours(named=("interface GigabitEthernet1/0/1",))
    )
    assert change.entries == ("interface GigabitEthernet1/0/1", "  no description", "  shutdown", "exit")
    assert [line[:15] for line in change.rollback] == [
        "interface Gigab", "  no shutdown", "  description a", "exit"
    ]  # fmt: skip
    assert not set("".join(change.rollback)) & set(map(chr, (*range(32), *range(127, 160))))
    assert change.unmanaged == ()


SECRETS = [
    (AOS_CX, "user samdrift group administrators password {}", "ciphertext AQBhush", f"plaintext {OURS}", "user .*"),
    (AOS_CX, "snmpv3 user m auth sha auth-pass {}", "ciphertext AQBhush priv aes priv-pass ciphertext AQBhush",
     f"plaintext {OURS} priv aes priv-pass plaintext {OURS}", "snmpv3 .*"),
    (AOS_CX, "tacacs-server host 10.0.0.1 key {}", "ciphertext AQBhush", f"plaintext {OURS}", "tacacs.*"),
    (IOS, "username samdrift privilege 15 secret {}", "9 $9$hush", OURS, "username .*"),
    (IOS, "tacacs server T\n key {}", "7 0822hush", OURS, "tacacs .*"),
    (JUNOS, "set system login user x authentication {}", 'encrypted-password "$6$hush"',
     f'encrypted-password "{OURS}"', "system"),
    (JUNOS, "set snmp v3 usm local-engine user m authentication-sha {}", 'authentication-key "$9$hush"',
     f'authentication-password "{OURS}"', "snmp"),
    (FORTIOS, 'config system admin\n edit "x"\n set password {}\n next\nend', "ENC hush", OURS,
     "config system admin"),
    (FORTIOS, 'config system snmp user\n edit "x"\n set auth-pwd {}\n next\nend', "ENC hush", OURS,
     "config system snmp user"),
]  # fmt: skip


@pytest.mark.parametrize(("vendor", "line", "device", "ours", "managed"), SECRETS)
def test_a_secret_is_compared_without_itself_and_never_seen(
    vendor: Vendor, line: str, device: str, ours: str, managed: str
) -> None:
    running, intended, sections = line.format(device), line.format(ours), ((managed,),)
    same = difference(vendor, running, intended, sections)
    assert (same.entries, same.rollback, same.before) == ((), (), same.after)
    renewed = difference(vendor, running, intended, sections, renew={"switch_admin"})
    assert any(ours in said for said in renewed.entries)
    absent = difference(vendor, running, "", sections, ours=Ours(declared=intended))
    foreign = difference(vendor, running, "", ())
    assert absent.entries
    for told in (same, renewed, absent, foreign, difference(vendor, "", intended, sections)):
        assert "hush" not in str(told)
    assert any(WITHHELD in said for said in absent.rollback)
    assert WITHHELD in foreign.unmanaged[0]


def test_what_only_a_secret_names_is_told_and_left() -> None:
    for vendor, line, top in ((IOS, "snmp-server community hush RO", "snmp-server .*"),
                              (JUNOS, "set snmp community hush authorization read-only", "snmp")):  # fmt: skip
        change = difference(vendor, f"{line}\n", "", ((top,),), ours=Ours(declared=f"{line}\n"))
        assert (change.entries, change.before) == ((), "")
        assert len(change.unmanaged) == 1
        assert "hush" not in str(change)


def test_a_placeholder_that_a_device_says_is_not_ours() -> None:
    running = f"interface 1/1/1\n    description {OURS}\n"
    change = difference(AOS_CX, running, "interface 1/1/1\n    description x\n", (("interface .*",),))
    assert OURS not in str(change)


def test_a_secret_where_none_is_known_to_be_is_refused() -> None:
    with pytest.raises(SamdriftError, match="no secret is known to be in"):
        difference(AOS_CX, "", f"interface 1/1/1\n    description {OURS}\n", (("interface .*",),))


def test_what_a_role_does_not_manage_it_may_not_intend() -> None:
    with pytest.raises(SamdriftError, match="what its role does not manage: 'hostname x'"):
        difference(AOS_CX, "", "hostname x\n", (("interface .*",),))


def test_a_line_that_is_never_shown_is_typed_with_the_one_before_it() -> None:
    intended = f"snmp-server group g v3 priv\nsnmp-server user u g v3 auth sha {OURS} priv aes 128 {OURS}\n"
    managed = (("snmp-server .*",),)
    assert difference(IOS, "", intended, managed).entries == tuple(intended.splitlines())
    assert difference(IOS, "snmp-server group g v3 priv\n", intended, managed).entries == ()
    renewed = difference(IOS, "snmp-server group g v3 priv\n", intended, managed, renew={"switch_admin"})
    assert renewed.entries == tuple(intended.splitlines()[1:])


def test_a_trunk_loses_only_the_vlans_that_it_should() -> None:
    running = "interface 1/1/9\n    vlan trunk allowed 1,101-103\n"
    change = difference(AOS_CX, running, "interface 1/1/9\n    vlan trunk allowed 1,101,103\n", (("interface .*",),))
    assert change.entries == ("interface 1/1/9", "  no vlan trunk allowed 102", "exit")


def test_a_port_that_cannot_be_removed_is_emptied_of_what_was_declared_there() -> None:
    running = "interface GigabitEthernet1/0/1\n description x\n shutdown\n"
    change = difference(IOS, running, "", (("interface .*",),), ours=Ours(declared=running))
    assert change.entries == ("interface GigabitEthernet1/0/1", "  no description", "  no shutdown", "exit")


def test_a_port_leaves_its_lag_before_the_lag_is_told_what_is_none_of_its_business() -> None:
    trunk, access = "switchport mode trunk", "switchport mode access"
    lag, port = "interface Port-channel1", "interface TenGigabitEthernet1/1/1"
    running = f"{lag}\n {trunk}\n{port}\n {trunk}\n channel-group 1 mode active\n"
    intended = f"{lag}\n {access}\n{port}\n {trunk}\n"
    change = difference(IOS, running, intended, (("interface .*",),), ours=Ours(declared=running))
    assert change.entries == (
        "interface TenGigabitEthernet1/1/1", "  no channel-group", "exit",
        "interface Port-channel1", f"  {access}", "exit",
        "interface TenGigabitEthernet1/1/1", f"  {trunk}", "exit",
    )  # fmt: skip
    assert change.rollback[-4:] == (
        "interface TenGigabitEthernet1/1/1",
        f"  {trunk}",
        "  channel-group 1 mode active",
        "exit",
    )


def test_a_port_that_moves_to_another_lag_leaves_the_first_and_is_told_everything_again() -> None:
    port = "interface 1/1/1\n    no shutdown\n    description x\n    lag {}\n"
    change = difference(AOS_CX, port.format(1), port.format(2), (("interface .*",),))
    assert change.entries == (
        "interface 1/1/1", "  no lag 1", "exit",
        "interface 1/1/1", "  lag 2", "  no shutdown", "  description x", "exit",
    )  # fmt: skip
    assert change.before == port.format(1).replace("    ", "  ")


def test_a_port_that_a_policy_names_joins_a_lag_of_fortios_in_two_changes_and_not_in_one() -> None:
    port = 'config system interface\nedit "a"\nset vdom "root"\nnext\n'
    lag = f'{port}edit "lag1"\nset vdom "root"\nset type aggregate\nset member "a"\nnext\nend\n'
    policy = 'end\nconfig firewall policy\nedit 1\nset srcintf "a"\nnext\nend\n'
    managed, load = (("config system interface",), ("config firewall policy",)), grammar("fortios").load

    def change(running: str, intended: str) -> Tree:
        told = difference(FORTIOS, running, intended, managed, ours=Ours(declared=running))
        return applied("fortios", load(running), told.entries)

    with pytest.raises(Refused):
        change(port + policy, lag)
    assert bare(change(port + policy, f"{port}end\n")) == bare(load(f"{port}end\n"))
    assert change(f"{port}end\n", lag) == load(lag)


def test_ten_thousand_lines_with_letters_of_all_kinds() -> None:
    def switch(changed: str) -> str:
        port = "\n description {} {}\n switchport access vlan 110\n switchport mode access\n spanning-tree portfast"
        texts = (changed if n % 20 == 0 else "Räksmörgås 北京" for n in range(2000))
        return "\r\n".join(f"interface Gi1/0/{n}{port.format(text, n)}" for n, text in enumerate(texts)) + "\r\n"

    change = difference(IOS, switch("Östhammar"), switch("Älvkarleby"), (("interface Gi1/0/.*",),))
    assert len(change.entries) == 3 * 100
    assert change.before.count("\n") == change.after.count("\n") == 5 * 2000
