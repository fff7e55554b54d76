"""Configurations that hypothesis may choose for each vendor, as trees of `tests.emulator.grammar`.

Two of one vendor are alike enough to differ in everything: names, numbers, sections that only one of them has.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple, TypeVar

from hypothesis import strategies as st

from roles.shared.lineage import Section
from tests.emulator.grammar import Tree, ranges

T = TypeVar("T")
VIDS = (101, 102, 110, 120)

word = st.text("abcXYZåäö019-_.", min_size=1, max_size=8).filter(lambda w: w[0] not in "-_.")
phrase = st.lists(word, min_size=1, max_size=3).map(" ".join)


class Kind(NamedTuple):
    """What hypothesis may choose for one vendor, and which part of it is managed."""

    trees: st.SearchStrategy[Tree]
    managed: tuple[Section, ...]


def some(of: tuple[T, ...]) -> st.SearchStrategy[list[T]]:
    """A few of them, in their order."""
    return st.integers(0, 2 ** len(of) - 1).map(lambda bits: [x for n, x in enumerate(of) if bits >> n & 1])


def leaves(*lines: str | None) -> Tree:
    """These lines, with nothing below any."""
    return {line: {} for line in lines if line}


def maybe(draw: st.DrawFn, *lines: str) -> list[str]:
    """One of the lines, or none."""
    line = draw(st.sampled_from((None, *lines)))
    return [] if line is None else [line]


def _banner(draw: st.DrawFn, which: str) -> list[str]:
    return maybe(draw, *(f"banner {which} ^C\n  hostname {draw(word)}\nexit\n^C" for _ in "ab"))


@st.composite
def aos_cx(draw: st.DrawFn) -> Tree:
    """An AOS-CX switch with four ports."""
    vids = draw(some(VIDS))
    tree: Tree = leaves(f"hostname {draw(word)}")
    tree |= leaves(*(f"logging 10.0.0.{n}" for n in draw(some((1, 2, 3)))))
    tree |= leaves(*(f"ntp server 10.0.0.{n} iburst" for n in draw(some((1, 2)))))
    tree |= leaves(*maybe(draw, "banner motd ^C\nhostname x\ninterface 1/1/1\n   sw1#\n^C"), *_banner(draw, "exec"))
    if draw(st.booleans()):
        tree["access-list ip MANAGEMENT"] = leaves(
            *(f"{10 * n} permit tcp 10.0.0.{draw(st.integers(1, 3))} any eq ssh" for n in draw(some((1, 2, 3)))),
            "100 deny any any any",
        )
    for vid in vids:
        tree[f"vlan {vid}"] = leaves(*maybe(draw, f"name {draw(word)}", f"description {draw(phrase)}"))
    lags = draw(some((1, 2)))
    for number in lags:
        tree[f"interface lag {number}"] = draw(_aos_cx_port(tuple(vids))) | leaves("lacp mode active")
    for port in (1, 2, 3, 9):
        tree[f"interface 1/1/{port}"] = draw(_aos_cx_port(tuple(vids) if port in {1, 2, 3} else ()))
        if lags and port in {1, 2} and draw(st.booleans()):
            tree[f"interface 1/1/{port}"] = leaves(
                draw(st.sampled_from(("shutdown", "no shutdown"))),
                *maybe(draw, f"description {draw(phrase)}"),
                f"lag {draw(st.sampled_from(lags))}",
            )
    if draw(st.booleans()) and 101 in vids:
        tree["interface vlan 101"] = leaves(f"ip address 10.0.0.{draw(st.integers(1, 9))}/24")
    return tree


@st.composite
def _aos_cx_port(draw: st.DrawFn, vids: tuple[int, ...]) -> Tree:
    lines: list[str] = [draw(st.sampled_from(("shutdown", "no shutdown")))]
    lines += maybe(draw, f"description {draw(phrase)}")
    lines += maybe(draw, "no routing")
    kind = draw(st.sampled_from(("access", "trunk", "neither")))
    if vids and kind == "access":
        lines += [f"vlan access {draw(st.sampled_from(vids))}", *maybe(draw, "spanning-tree bpdu-guard")]
    elif vids and kind == "trunk":
        allowed = draw(some(vids))
        lines += [f"vlan trunk native {draw(st.sampled_from(vids))}"]
        lines += [f"vlan trunk allowed {ranges(allowed)}"] if allowed else []
    return leaves(*lines)


@st.composite
def ios(draw: st.DrawFn) -> Tree:
    """An IOS switch with three ports, a VLAN interface and lines."""
    tree: Tree = leaves(
        f"hostname {draw(word)}",
        draw(st.sampled_from(("no ip http server", "ip http server"))),
        *maybe(draw, "no ip domain lookup"),
    )
    tree |= leaves(*(f"logging host 10.0.0.{n}" for n in draw(some((1, 2, 3)))))
    tree |= leaves(*maybe(draw, "ip default-gateway 10.0.0.1", "ip default-gateway 10.0.0.2"))
    tree |= leaves(*maybe(draw, "banner login ^C\nline vty 0 4\n  no way\nrouter# \n^C"), *_banner(draw, "motd"))
    for vid in draw(some(VIDS)):
        tree[f"vlan {vid}"] = leaves(*maybe(draw, f"name {draw(word)}"))
    lags = {number: draw(_ios_port()) for number in draw(some((1, 2)))}
    tree |= {f"interface Port-channel{number}": lag for number, lag in lags.items()}
    for port in (1, 2, 9):
        tree[f"interface GigabitEthernet1/0/{port}"] = draw(_ios_port())
        if lags and port in {1, 2} and draw(st.booleans()):
            number = draw(st.sampled_from(sorted(lags)))
            told = [line for line in lags[number] if not line.startswith("description ")]
            tree[f"interface GigabitEthernet1/0/{port}"] = leaves(
                *maybe(draw, f"description {draw(phrase)}"), *told, f"channel-group {number} mode active"
            )
    if draw(st.booleans()):
        tree["interface Vlan101"] = leaves(f"ip address 10.0.0.{draw(st.integers(1, 9))} 255.255.255.0")
    if draw(st.booleans()):
        tree["ip access-list standard MANAGEMENT"] = leaves(
            *(f"{10 * n} permit 10.0.0.{draw(st.integers(1, 9))}" for n in draw(some((1, 2, 3)))), "90 deny   any"
        )
    tree["line vty 0 15"] = leaves(
        *maybe(draw, "access-class MANAGEMENT in", "access-class OTHER in"), *maybe(draw, "transport input ssh")
    )
    return tree


@st.composite
def _ios_port(draw: st.DrawFn) -> Tree:
    lines = [*maybe(draw, f"description {draw(phrase)}"), *maybe(draw, "shutdown")]
    lines += maybe(draw, "switchport mode access", "switchport mode trunk")
    lines += maybe(draw, *(f"switchport access vlan {vid}" for vid in VIDS))
    allowed = draw(some(VIDS))
    listed = ranges(allowed).replace("101-102", "101,102")  # two in a row are shown with a comma
    lines += [f"switchport trunk allowed vlan {listed}"] if allowed else []
    return leaves(*lines, *maybe(draw, "spanning-tree bpduguard enable"), *maybe(draw, "ip dhcp snooping trust"))


@st.composite
def frr(draw: st.DrawFn) -> Tree:
    """A router that speaks BGP with some of three neighbours."""
    tree: Tree = leaves(f"hostname {draw(word)}", *maybe(draw, "ip route 10.9.0.0/16 10.0.0.1", "log file /x.log"))
    for name in draw(some(("eth0", "eth1", "hand"))):
        if lines := maybe(draw, f"description {draw(phrase)}"):
            tree[f"interface {name}"] = leaves(*lines)
    if draw(st.booleans()):
        neighbours = draw(some((1, 2, 3)))
        family: Tree = leaves(*(f"neighbor 10.0.0.{n} prefix-list IN in" for n in neighbours))
        bgp = leaves(f"bgp router-id 10.0.0.{draw(st.integers(1, 9))}")
        for n in neighbours:
            bgp |= leaves(f"neighbor 10.0.0.{n} remote-as {draw(st.integers(1, 3))}")
            bgp |= leaves(*maybe(draw, f"neighbor 10.0.0.{n} description {draw(phrase)}"))
        tree["router bgp 64600"] = bgp | ({"address-family ipv4 unicast": family} if family else {})
    return tree


@st.composite
def fortios(draw: st.DrawFn) -> Tree:
    """A firewall whose policies name addresses and interfaces that are there."""
    ports, members = draw(some(('"wan1"', '"internal1"', '"internal2"', '"hand"'))), draw(some(('"a"', '"b"')))
    addresses = draw(some(('"SKOLA"', '"GÄST"', '"OLD"')))
    tree: Tree = {"config system global": leaves(f'set hostname "{draw(word)}"', *maybe(draw, "set admintimeout 30"))}
    if ports:
        tree["config system interface"] = {f"edit {port}": draw(_fortios_port()) for port in ports}
    is_lag = draw(st.booleans())
    for member in members:
        of = leaves('set vdom "root"', *maybe(draw, *() if is_lag else ("set ip 10.0.0.1 255.0.0.0",)))
        tree.setdefault("config system interface", {})[f"edit {member}"] = of
    if members and is_lag:
        interfaces = tree["config system interface"]
        interfaces['edit "lag1"'] = leaves('set vdom "root"', "set type aggregate", f"set member {' '.join(members)}")
        ports = [*ports, '"lag1"']
    if addresses:
        tree["config firewall address"] = {
            f"edit {a}": leaves(f"set subnet 10.{draw(st.integers(1, 9))}.0.0 255.255.0.0") for a in addresses
        }
    if draw(st.booleans()):
        certificate = f'set ca "-----BEGIN\n{draw(word)}\nend\n-----END"'
        tree["config vpn certificate ca"] = {'edit "CA_1"': leaves(certificate)}
    if addresses and ports and (numbers := draw(some((1, 2, 3)))):
        tree["config firewall policy"] = {
            f"edit {n}": leaves(
                f"set srcintf {draw(st.sampled_from(ports))}",
                f"set srcaddr {draw(st.sampled_from(addresses))}",
                *maybe(draw, f'set comments "{draw(phrase)}"', "set logtraffic all"),
            )
            for n in numbers
        }
    return tree


@st.composite
def _fortios_port(draw: st.DrawFn) -> Tree:
    port = leaves(f'set alias "{draw(phrase)}"', *maybe(draw, "set mtu 9000", "set status down"))
    return port | ({"config ipv6": leaves("set ip6-mode dhcp")} if draw(st.booleans()) else {})


def statements(*lines: str) -> Tree:
    """The tree of these words."""
    tree: Tree = {}
    for line in lines:
        node = tree
        for text in line.split(" "):
            node = node.setdefault(text.replace("~", " "), {})
    return tree


def merged(a: Tree, b: Tree) -> Tree:
    """What either says."""
    return {key: merged(a.get(key, {}), b.get(key, {})) for key in {**a, **b}}


@st.composite
def junos(draw: st.DrawFn) -> Tree:
    """A switch of statements; descriptions may say what elsewhere are words of the syntax."""
    text = st.one_of(
        st.sampled_from(("unit", "family", "delete")), word, phrase.map(lambda p: f'"{p} x"'.replace(" ", "~"))
    )
    lines = [f"system host-name {draw(word)}", *(f"system ntp server 10.0.0.{n}" for n in draw(some((1, 2))))]
    lines += [f"system syslog host 10.0.0.{n} any notice" for n in draw(some((1, 2)))]
    for vid in draw(some(VIDS)):
        lines += [f"vlans v{vid} vlan-id {vid}"]
        lines += maybe(draw, f"vlans v{vid} description {draw(text)}")
    if draw(st.booleans()):
        lines += ["chassis aggregated-devices ethernet device-count 1", "interfaces ae0 unit 0 family inet"]
        lines += maybe(draw, "interfaces ae0 aggregated-ether-options lacp active")
    for port in ("ge-0/0/1", "ge-0/0/2", "ge-0/0/9"):
        lines += maybe(draw, f"interfaces {port} description {draw(text)}")
        lines += maybe(draw, f"interfaces {port} disable")
        members = [f"vlan members v{vid}" for vid in draw(some(VIDS))]
        family = f"interfaces {port} unit 0 family"
        switched = [f"{family} ethernet-switching {x}" for x in ("interface-mode trunk", *members)]
        routed = [f"{family} inet address 10.0.{draw(st.integers(1, 3))}.1/24", f"{family} inet"]
        member = [f"interfaces {port} ether-options 802.3ad ae{draw(st.integers(0, 1))}"]
        lines += [[], switched, routed[:1], routed[1:], member][draw(st.integers(0, 4))]
    return statements(*lines)


KINDS: Mapping[str, Kind] = MappingProxyType(
    {
        "arubaos-cx": Kind(
            aos_cx(),
            (
                ("hostname .*",),
                (r"vlan \d.*",),
                (r"interface (1/1/[123]|lag [12])",),
                (r"interface vlan \d+",),
                ("access-list ip MANAGEMENT",),
                ("logging .*",),
                ("banner exec (.|\n)*",),
            ),
        ),
        "cisco-ios": Kind(
            ios(),
            (
                ("hostname .*",),
                ("(no )?ip (http|domain) .*",),
                (r"vlan \d.*",),
                (r"interface (GigabitEthernet1/0/[12]|Port-channel[12])",),
                (r"interface Vlan\d+",),
                ("ip access-list standard MANAGEMENT",),
                ("line vty .*",),
                ("logging host .*",),
                ("banner motd (.|\n)*",),
                ("ip default-gateway .*",),
            ),
        ),
        "fortios": Kind(
            fortios(),
            (
                ("config system global", "set hostname .*"),
                ("config system interface", 'edit "(wan1|internal.|a|b|lag1)"'),
                ("config firewall (address|policy)",),
                ("config vpn certificate ca",),
            ),
        ),
        "frr": Kind(frr(), (("hostname .*",), ("interface eth.",), ("router bgp .*",), ("ip route .*",))),
        "junos": Kind(
            junos(),
            (
                ("system", "host-name|ntp|syslog"),
                ("interfaces", "ge-0/0/[12]|ae0"),
                ("vlans",),
                ("chassis", "aggregated-devices"),
            ),
        ),
    }
)
"""By platform."""
