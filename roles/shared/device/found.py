"""Read a device's running configuration as NetBox would say it: interfaces, VLANs, addresses, LAGs. Pure.

What it says of an interface and is not understood here is in `unread`: whoever adopts the device must know it. Not
here: what a role makes of the objects (`settings`), and how two configurations differ (`difference`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Interface

from pydantic import Field

from inventory.fleet import Interface
from inventory.frozen import Frozen
from roles.shared.device.lines import Lines, Path
from roles.shared.device.masking import masked
from roles.shared.device.reading import read_configuration, tame
from roles.shared.device.vendor import Vendor
from roles.shared.device.words import bare, words_of

SPEEDS = {
    "fastethernet": "100base-tx",
    "twogigabitethernet": "2.5gbase-t",
    "gigabitethernet": "1000base-t",
    "tengigabitethernet": "10gbase-x-sfpp",
    "twentyfivegige": "25gbase-x-sfp28",
    "fortygigabitethernet": "40gbase-x-qsfpp",
    "hundredgige": "100gbase-x-qsfp28",
    "ge-": "1000base-t",
    "xe-": "10gbase-x-sfpp",
    "et-": "40gbase-x-qsfpp",
}
"""NetBox's word for a port by the beginning of its name; it cannot be seen which module is in it."""


class Found(Frozen):
    """What a running configuration says that NetBox has words for.

    Attributes:
        name: the device's own.
        vlans: number to name; empty where it has none.
        gateway: where its default route leads.
        unread: what is not understood, or not said as it is, each with its interface.
    """

    name: str = ""
    vlans: dict[int, str] = Field(default_factory=dict)
    interfaces: tuple[Interface, ...] = ()
    gateway: IPv4Address | None = None
    unread: tuple[str, ...] = ()

    @property
    def is_stack(self) -> bool:
        """Tell whether ports of several members are named: `1/0/1` and `2/0/1`."""
        numbered = (re.fullmatch(r"[A-Za-z]*(\d+)/\d+/\d+", i.name) for i in self.interfaces)
        return len({match[1] for match in numbered if match and match[1] != "0"}) > 1


@dataclass
class _Port:
    """An interface as it is read, line by line."""

    name: str
    type: str
    enabled: bool = True
    description: str = ""
    parent: str | None = None
    lag: str | None = None
    access: int | None = None
    native: int | None = None
    tagged: set[int] = field(default_factory=set)
    trunk: bool | None = None
    every_vlan: bool = False
    addresses: list[IPv4Interface] = field(default_factory=list)

    def is_native(self, vid: int, *, tagged: bool) -> None:
        """Note the native VLAN of a trunk; some devices tag it, too."""
        self.trunk = True
        if tagged:
            self.tagged.add(vid)
        else:
            self.native = vid


@dataclass
class _Reading:
    """All that was read so far."""

    name: str = ""
    vlans: dict[int, str] = field(default_factory=dict)
    vlan_names: dict[str, int] = field(default_factory=dict)
    ports: dict[str, _Port] = field(default_factory=dict)
    gateway: IPv4Address | None = None
    unread: list[str] = field(default_factory=list)

    def port(self, name: str, type_: str) -> _Port:
        return self.ports.setdefault(name, _Port(name, type_))

    def not_understood(self, port: str, line: str) -> None:
        """Note a line of an interface that is not understood."""
        self.unread.append(f"{port}: {masked(line)!r} is not understood here, and no object is proposed for it")

    def vlan(self, word: str) -> int | None:
        """Return the number of a VLAN that is said by number or by name."""
        return int(word) if word.isdecimal() else self.vlan_names.get(word)


def found(vendor: Vendor, running: str) -> Found:
    """Read a running configuration.

    Raises:
        SamdriftError: it breaks off.
    """
    with_empty = vendor.model_copy(update={"permanent": ()})  # a port that nothing is said of is a port
    lines = read_configuration(with_empty, tame(running), ()).other
    reading = _Reading()
    {"indented": _indented, "set": _statements, "blocks": _blocks}[vendor.syntax](lines, reading)
    return Found(
        name=reading.name,
        vlans={vid: name for vid, name in sorted(reading.vlans.items()) if vid != 1},
        interfaces=tuple(_interface(port, reading) for port in reading.ports.values()),
        gateway=reading.gateway,
        unread=tuple(reading.unread),
    )


def _interface(port: _Port, reading: _Reading) -> Interface:
    is_member = port.lag is not None
    is_trunk = port.trunk if port.trunk is not None else bool(port.tagged or port.every_vlan)
    tagged = port.tagged or ({*reading.vlans} if port.every_vlan or is_trunk else set())
    untagged = port.native if is_trunk else port.access
    if is_trunk and not port.tagged and not is_member:
        reading.unread.append(f"{port.name}: it carries all VLANs, and is proposed with those that the device has")
    if masked(port.description) != port.description:
        reading.unread.append(f"{port.name}: its description may hold a secret, and is not proposed")
        port.description = ""
    return Interface(
        name=port.name,
        type=port.type,
        enabled=port.enabled,
        description=port.description,
        lag=port.lag,
        parent=port.parent if port.parent in reading.ports else None,
        untagged_vlan=None if is_member or untagged == 1 else untagged,
        tagged_vlans=tuple(sorted(tagged - {1, untagged})) if is_trunk and not is_member else (),
        addresses=() if is_member else tuple(port.addresses),
    )


def _type(name: str) -> str:
    lower = name.lower()
    if re.match(r"vlan ?\d|loopback|irb\.|lo\d|tunnel|(pp|st)\d", lower):
        return "virtual"
    if re.match(r"port-channel|lag ?\d|ae\d|reth\d", lower):
        return "lag"
    return next((kind for start, kind in SPEEDS.items() if lower.startswith(start)), "1000base-t")


def _numbers(text: str) -> set[int]:
    """Return the numbers of a list such as `2,10-12`."""
    spans = (part.partition("-") for part in text.split(",") if part)
    return {n for a, _, b in spans if a.isdecimal() for n in range(int(a), min(int(b or a), 4094) + 1)}


def _address(ip: str, mask: str = "") -> IPv4Interface | None:
    try:
        return IPv4Interface(f"{ip}/{mask}" if mask else ip)
    except ValueError:
        return None


def _indented(lines: Lines, reading: _Reading) -> None:
    for text, below in lines.items():
        if match := re.fullmatch(r"hostname (\S+)", text):
            reading.name = match[1]
        elif match := re.fullmatch(r"vlan (\d+)", text):
            named = next((m[1] for line in below if (m := re.fullmatch(r"name (.+)", line))), "")
            reading.vlans[int(match[1])] = named.strip('"')
        elif match := re.fullmatch(r"(?:ip default-gateway|ip route 0\.0\.0\.0(?:/0| 0\.0\.0\.0)) ([\d.]+).*", text):
            reading.gateway = reading.gateway or IPv4Address(match[1])
        elif match := re.fullmatch(r"interface (\S+(?: \d+)?)( multi-chassis)?", text):
            name = match[1].replace(" ", "")
            port = reading.port(name, _type(name))
            for line in below:
                if not _of_port(line, port):
                    reading.not_understood(name, line)


PORT_LINES: tuple[tuple[str, Callable[[_Port, re.Match[str]], None]], ...] = (
    (r"description (.+)", lambda p, m: setattr(p, "description", m[1].strip('"'))),
    (r"(no )?shutdown", lambda p, m: setattr(p, "enabled", bool(m[1]))),
    (r"switchport access vlan (\d+)|vlan access (\d+)", lambda p, m: setattr(p, "access", int(m[1] or m[2]))),
    (r"switchport mode (trunk|access)", lambda p, m: setattr(p, "trunk", m[1] == "trunk")),
    (
        r"(?:switchport trunk native vlan|vlan trunk native) (\d+)( tag)?",
        lambda p, m: p.is_native(int(m[1]), tagged=bool(m[2])),
    ),
    (
        r"(?:switchport trunk allowed vlan(?: add)?|vlan trunk allowed) ([\d,-]+)",
        lambda p, m: p.tagged.update(_numbers(m[1])),
    ),
    (r"vlan trunk allowed (all)", lambda p, m: setattr(p, "every_vlan", bool(m[1]))),
    (r"channel-group (\d+) mode \S+", lambda p, m: setattr(p, "lag", f"Port-channel{m[1]}")),
    (r"lag (\d+)", lambda p, m: setattr(p, "lag", f"lag{m[1]}")),
)
"""Lines of an interface on IOS and AOS-CX that NetBox has words for."""

BY_ROLE = re.compile(
    r"(no )?(spanning-tree|dhcpv4-snooping|ip dhcp snooping|switchport nonegotiate|lacp|lldp|negotiation) ?.*"
    r"|(no )?(routing|switchport)|no ip address"
)
"""Lines that no NetBox object says, and that roles decide: a plan shows what becomes of them."""


def _of_port(line: str, port: _Port) -> bool:
    """Take a line of an interface; returns whether it is understood."""
    if match := re.fullmatch(r"ip address ([\d.]+)(?:/(\d+)| ([\d.]+))(?: secondary)?", line):
        address = _address(match[1], match[2] or match[3])
        port.addresses += [address] if address else []
        return address is not None
    for pattern, take in PORT_LINES:
        if match := re.fullmatch(pattern, line):
            take(port, match)
            return True
    return BY_ROLE.fullmatch(line) is not None


def _statements(lines: Lines, reading: _Reading) -> None:
    every = list(_in_force(list(_whole(lines))))
    for words in every:
        match words:
            case ("system", "host-name", name):
                reading.name = name
            case ("vlans", name, "vlan-id", vid) if vid.isdecimal():
                reading.vlan_names[name] = int(vid)
                described = next((w[3] for w in every if w[:3] == ("vlans", name, "description") and len(w) > 3), name)
                reading.vlans[int(vid)] = described.strip('"')
            case ("routing-options", "static", "route", "0.0.0.0/0", "next-hop", ip):
                gateway = _address(ip)
                reading.gateway = gateway.ip if gateway else None
            case _:
                pass
    for words in _port_by_port([w for w in every if w[0] == "interfaces" and len(w) > 2]):
        if words[1] in NO_PORTS or not _of_junos(words, reading):
            reading.not_understood(words[1], " ".join(words[2:]))
    for words in every:
        if words[0] == "vlans" and words[2:3] == ("l3-interface",) and (port := reading.ports.get(words[-1])):
            port.access = reading.vlan(words[1])


NO_PORTS = frozenset({"interface-range", "interface-set", "apply-groups", "apply-groups-except", "traceoptions"})
"""What stands on Junos where names of interfaces do."""


def _port_by_port(every: list[Path]) -> Iterator[Path]:
    """Yield the statements of interfaces, those of a range once for each of its members."""
    members: dict[str, list[str]] = {}
    for _, kind, name, *rest in every:
        if kind == "interface-range" and rest[:1] in (["member"], ["member-range"]):
            members.setdefault(name, []).extend(_members(rest))
    for words in every:
        if words[1] != "interface-range" or not members.get(words[2]):
            yield words
        elif words[3:4] not in (("member",), ("member-range",)):
            yield from (("interfaces", port, *words[3:]) for port in members[words[2]])


def _members(rest: list[str]) -> list[str]:
    """Return the ports of `member ge-0/0/[1-4]`, or of `member-range ge-0/0/1 to ge-0/0/4`; none that is a pattern."""
    text = " ".join(rest[1:]).replace('"', "")
    if found := re.fullmatch(r"(\S+?)(\d+) to \1(\d+)|(\S*/)\[(\d+)-(\d+)\]", text):
        head, first, last = (found[1], found[2], found[3]) if found[1] else (found[4], found[5], found[6])
        return [f"{head}{number}" for number in range(int(first), min(int(last), int(first) + 255) + 1)]
    return [text] if re.fullmatch(r"[a-z]+-\d+/\d+/\d+(?::\d+)?|ae\d+", text) else []


def _in_force(every: list[Path]) -> Iterator[Path]:
    """Yield the statements that count: none that is deactivated, or stands below one that is; and each such mark."""
    inactive = {words[:-1] for words in every if words[-1] == "inactive:"}
    for words in every:
        if words[-1] == "inactive:" or not any(words[:n] in inactive for n in range(1, len(words) + 1)):
            yield words


def _whole(lines: Lines, above: Path = ()) -> Iterator[Path]:
    """Yield the statements with all their words."""
    for word, below in lines.items():
        if below:
            yield from _whole(below, (*above, word))
        else:
            yield (*above, word)


def _of_junos(words: Path, reading: _Reading) -> bool:  # noqa: C901, PLR0912  one case a statement
    """Take a statement of an interface on Junos; returns whether it is understood."""
    name, rest = words[1], words[2:]
    if rest[0] == "unit" and len(rest) > 1 and (name in {"irb", "lo0"} or rest[1] != "0"):
        name = f"{name}.{rest[1]}"
    port = reading.port(name, "virtual" if "." in name else _type(name))
    if "." in name and words[1] not in {"irb", "lo0"}:
        port.parent = reading.port(words[1], _type(words[1])).name
    match rest:
        case ("description", text) | ("unit", _, "description", text):
            port.description = text.strip('"')
        case ("disable",) | ("unit", _, "disable"):
            port.enabled = False
        case ("unit", _, "vlan-id", vid) if vid.isdecimal():
            port.access = int(vid)
        case ("native-vlan-id", vid) if vid.isdecimal():
            port.native = int(vid)
        case ("ether-options" | "gigether-options", "802.3ad" | "redundant-parent", lag):
            port.lag = lag
        case ("aggregated-ether-options" | "redundant-ether-options", "lacp" | "redundancy-group", *_):
            pass
        case ("vlan-tagging",) | ("flexible-vlan-tagging",):
            pass
        case ("unit", _, "family", "ethernet-switching"):
            pass
        case ("unit", _, "family", "ethernet-switching", "interface-mode", mode):
            port.trunk = mode == "trunk"
        case ("unit", _, "family", "ethernet-switching", "vlan", "members", word):
            return _junos_member(port, word, reading)
        case ("unit", _, "family", "inet", "address", text, *_) if address := _address(text):
            port.addresses.append(address)
        case _:
            return False
    return True


def _junos_member(port: _Port, word: str, reading: _Reading) -> bool:
    if word == "all":
        port.every_vlan = True
        return True
    vids = {vid} if (vid := reading.vlan(word)) is not None else _numbers(word)
    port.tagged |= vids
    port.trunk = bool(port.trunk)  # access, unless it is said otherwise
    port.access = min(vids) if vids else port.access
    return bool(vids)


def _blocks(lines: Lines, reading: _Reading) -> None:
    for text, below in _outside_of_vdoms(lines):
        if text == "config system global":
            names = (m[1] for line in below if (m := re.fullmatch(r'set hostname "?([^"]+)"?', line)))
            reading.name = next(names, reading.name)
        elif text == "config system interface":
            for edit, settings in below.items():
                name = edit.removeprefix("edit ").strip('"')
                _of_fortios(reading.port(name, "1000base-t"), settings, reading)
        elif text == "config router static":
            for route in below.values():
                if not any(line.startswith("set dst ") for line in route):
                    hops = (m[1] for line in route if (m := re.fullmatch(r"set gateway ([\d.]+)", line)))
                    reading.gateway = next((IPv4Address(hop) for hop in hops), reading.gateway)


def _outside_of_vdoms(lines: Lines) -> Iterator[tuple[str, Lines]]:
    for text, below in lines.items():
        if text == "config global":
            yield from below.items()
        yield text, below


def _of_fortios(port: _Port, settings: Lines, reading: _Reading) -> None:  # noqa: C901  one case an option
    """Take the settings of an interface on FortiOS."""
    members: list[str] = []
    for line in settings:
        word, _, value = line.removeprefix("set ").partition(" ")
        plain = value.strip('"')
        if word == "ip" and (address := _address(*plain.split())):
            port.addresses += [address] if int(address.ip) else []
        elif word == "status":
            port.enabled = plain != "down"
        elif word in {"description", "alias"}:
            port.description = port.description or plain
        elif word == "vlanid" and plain.isdecimal():
            port.type, port.access = "virtual", int(plain)
        elif word == "type":
            kinds = {"aggregate": "lag", "physical": port.type}
            port.type = kinds.get(plain, "virtual")
        elif word == "member":
            members = [bare(member) for member in words_of(value)]
        elif word == "interface":
            port.parent = plain
        elif word not in {"vdom", "allowaccess", "snmp-index", "role"}:
            reading.not_understood(port.name, line)
    for member in members if port.type == "lag" else ():
        reading.port(member, "1000base-t").lag = port.name
