r"""What FortiOS makes of lines that are typed in its `config` blocks. Pure.

Each rule names its source:

- ADM: FortiOS Administration Guide 7.4, "CLI basics" and "Subcommands" (`edit 0` takes the next unused number; `next`
  and `end` save; `move`, `delete`, `unset`, `append`; quotation marks in pairs; `\` before a character).
- REF: FortiOS CLI Reference 7.4 (types, sizes and defaults of options; `uuid` is "automatically assigned").
- 644: `show` of a FortiGate-VM64-KVM (6.4.4), which batfish/lab-validation publishes: ten thousand lines, with many
  sections in which nothing stands.
- 91G, 501E: the published FortiGate-91G (7.4.7) and FortiGate-501E (7.4.8, with VDOMs) of the oxidized project.

Not here: prompts and sessions (`tests.emulator.dialects`).
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator, Mapping
from types import MappingProxyType

from tests.emulator.language import Editor, Refused, Tree, hashed, set_of

INTERFACES, ZONES = "config system interface", "config system zone"
ADDRESSES = ("config firewall address", "config firewall addrgrp", "config firewall vip")
ADDRESSES6 = ("config firewall address6", "config firewall addrgrp6", "config firewall vip6")
REFERENCES: Mapping[tuple[str, str], tuple[str, ...]] = MappingProxyType(
    {
        ("config firewall policy", "srcintf"): (INTERFACES, ZONES),
        ("config firewall policy", "dstintf"): (INTERFACES, ZONES),
        ("config firewall policy", "srcaddr"): ADDRESSES,
        ("config firewall policy", "dstaddr"): ADDRESSES,
        ("config firewall policy", "srcaddr6"): ADDRESSES6,
        ("config firewall policy", "dstaddr6"): ADDRESSES6,
        ("config firewall local-in-policy", "intf"): (INTERFACES, ZONES),
        ("config firewall local-in-policy", "srcaddr"): ADDRESSES,
        ("config firewall local-in-policy6", "intf"): (INTERFACES, ZONES),
        ("config firewall local-in-policy6", "srcaddr"): ADDRESSES6,
        ("config router static6", "device"): (INTERFACES, ZONES),
        ("config system snmp user", "mib-view"): ("config system snmp mib-view",),
        ("config firewall addrgrp", "member"): ADDRESSES,
        ("config router static", "device"): (INTERFACES, ZONES),
        (INTERFACES, "member"): (INTERFACES,),
        (INTERFACES, "interface"): (INTERFACES,),
        (ZONES, "interface"): (INTERFACES,),
        ("config user group", "member"): (
            "config user local",
            "config user tacacs+",
            "config user radius",
            "config user ldap",
        ),
        ("config system admin", "remote-group"): ("config user group",),
    }
)
"""Settings of a table that name entries of others (REF)."""
BUILT_IN = frozenset({'"all"', '"any"', '"ssl.root"', '"lan"'})
TEXTS = set_of(
    """hostname alias description comment comments name vdom accprofile srcintf dstintf srcaddr dstaddr service
    srcaddr6 dstaddr6 intf include exclude mib-view
    schedule member server secondary-server interface device timezone contact-info location interface-select-method"""
)
"""Options whose values are shown in quotation marks, however they were typed (REF, type *string*; 91G, 501E)."""
WORDS = set_of(
    """allowaccess ip6-allowaccess type role status mode action nat logtraffic security-level auth-proto priv-proto
    ntpsync"""
)
"""Options whose values are not (REF, type *option*; 91G)."""
ACCESS = ("ping", "https", "ssh", "snmp", "http", "fgfm", "ftm")
"""The order in which `allowaccess` is shown, whatever order it was typed in (91G)."""
DEFAULTS: tuple[tuple[str, str], ...] = (
    (r"config system snmp user/edit .*", r"set (?:auth-proto sha|priv-proto aes|status enable)"),  # REF, 91G
    (r"config system interface/edit .*", r"set (?:status up|lacp-mode active|mode static|role undefined)"),  # REF
    (r"config firewall policy/edit .*", r"set (?:status enable|action deny|nat disable|logtraffic utm)"),  # REF
    (r"config log syslogd\d? setting", r"set (?:status disable|port 514|mode udp|format default)"),  # REF
    (r"config system snmp sysinfo", r"set status disable"),  # REF
    (r"config router static6?/edit .*", r"set (?:distance 10|status enable)"),  # REF
    (r"config firewall local-in-policy6?/edit .*", r"set (?:action deny|status enable)"),  # REF
    (r"config firewall address6/edit .*", r"set type ipprefix"),  # REF
    (
        r"config system interface/edit .*/config ipv6",  # REF
        r"set (?:ip6-mode static|ip6-(?:send-adv|manage-flag|other-flag) disable|dhcp6-relay-service disable)",
    ),
    (
        r"config system interface/edit .*/config ipv6/config ip6-prefix-list/edit .*",
        r"set (?:autonomous|onlink)-flag enable",  # people's configurations: SLAAC works, and none is shown
    ),
    (r"config firewall address/edit .*", r"set type ipmask"),  # REF
)
"""Lines that `show` leaves out, below which: ADM, "show: displays only what differs from the default"."""
GIVEN = (r"config firewall (?:policy|local-in-policy6?|address6?|addrgrp|vip)", "uuid")
"""Entries that get an identity of the device's own (REF, `uuid`)."""
EMPTIED = set_of("icmptype icmpcode options post-lang")
"""Options that have a value until they are told to have none, which is shown as `unset …` (644)."""


def is_open(text: str) -> bool:
    """Whether a text in quotation marks has begun and not ended (ADM: in pairs; a backslash protects a character)."""
    return re.sub(r"(?s)\\.", "", text).count('"') % 2 == 1


def values(text: str) -> list[str]:
    """The words of a value, each as it was typed (ADM)."""
    return re.findall(r'"(?:[^"\\]|\\.)*"|(?:\\.|\S)+', text, re.DOTALL)


class BlocksEditor(Editor):
    """FortiOS: `config` and `edit` open blocks, `next` and `end` close them; a quoted text may be of several lines."""

    def __init__(self, tree: Tree) -> None:
        super().__init__(tree)
        self._text: list[str] = []
        self._until = ""
        self.said = ""

    def type(self, line: str) -> None:
        """Take a line, or raise Refused."""
        self._text.append(line if self._until else line.strip())
        typed = "\n".join(self._text)
        self._until = '"' if is_open(typed) else ""
        if self._until:
            return
        self._text, self.said = [], ""
        word, _, rest = typed.partition(" ")
        inside = self.path[-1].split()[0] if self.path else ""
        if not typed or typed.startswith("#"):
            return
        if word == "config" and rest:
            self._open(typed)
        elif word == "edit" and inside == "config" and rest:
            self._open(f"edit {self._free_number()}" if rest == "0" else typed)
        elif word == "next" and inside == "edit":
            self._check_families()
            self.path.pop()
        elif word == "end" and inside:
            while self.path.pop().startswith("edit "):
                continue
        elif word == "move" and inside == "config":
            self._move(rest)
        elif word in {"set", "unset", "delete", "append"} and inside and rest:
            {"set": self._set, "unset": self._unset, "delete": self._delete, "append": self._append}[word](rest)
        else:
            raise Refused(f"command parse error before '{word}'\nCommand fail. Return code -61")

    def _open(self, typed: str) -> None:
        is_new = typed not in self.here
        below = self.here.setdefault(typed, {})
        self.path.append(typed)
        if is_new and typed.startswith("edit "):
            self.said = f"new entry '{values(typed)[1].strip(chr(34))}' added\n"  # ADM, and sessions people show
        if is_new and len(self.path) == 2 and re.fullmatch(GIVEN[0], self.path[0]):
            below[f"set uuid {uuid.uuid5(uuid.NAMESPACE_OID, '/'.join(self.path))}"] = {}

    def _free_number(self) -> int:
        """The number of `edit 0` (ADM)."""
        taken = [int(line.split()[1]) for line in self.here if re.fullmatch(r"edit \d+", line)]
        return max(taken, default=0) + 1

    def _move(self, rest: str) -> None:
        """Put an entry before or after another one (ADM, `move`)."""
        match values(rest):
            case [entry, ("before" | "after") as where, other] if {f"edit {entry}", f"edit {other}"} <= set(self.here):
                holder, moved = self.here, f"edit {entry}"
                entries = [line for line in holder if line != moved]
                entries.insert(entries.index(f"edit {other}") + (where == "after"), moved)
                below = {line: holder[line] for line in entries}
                holder.clear()
                holder.update(below)
            case _:
                raise Refused("command parse error before 'move'\nCommand fail. Return code -61")

    def _unset(self, key: str) -> None:
        for old in [line for line in self.here if line.split()[:2] in (["set", key], ["unset", key])]:
            del self.here[old]
        if key in EMPTIED:
            self.here[f"unset {key}"] = {}

    def _append(self, rest: str) -> None:
        key, _, value = rest.partition(" ")
        old = next((line for line in self.here if line.split()[:2] == ["set", key]), f"set {key}")
        self._set(f"{old.removeprefix('set ')} {value}")

    def _set(self, rest: str) -> None:
        key, _, value = rest.partition(" ")
        tables = REFERENCES.get((self.path[0], key), ())
        typed = values(value)
        named = [word if word.startswith('"') else f'"{word}"' for word in typed]
        entries = {entry for table in tables for entry in self.tree.get(table, {})}
        for name in named if tables else ():
            if name not in BUILT_IN and not {f"edit {name}", f"edit {name[1:-1]}"} & entries:
                raise Refused("entry not found in datasource\nvalue parse error before " + name)
        if key == "member" and self.path[0] == INTERFACES:
            self._check_members(named)
        self._unset(key)
        self.here.pop(f"unset {key}", None)
        line = f"set {key} {self._shown(key, value, typed)}"
        if not any(re.fullmatch(of, "/".join(self.path)) and re.fullmatch(said, line) for of, said in DEFAULTS):
            self.here[line] = {}

    @staticmethod
    def _shown(key: str, value: str, typed: list[str]) -> str:
        """The value of an option as it is shown."""
        is_secret = re.search(r"passw|secret|-pwd|\bkey$", key) and key != "private-key"  # 91G: that one is encrypted
        if is_secret and not value.startswith("ENC "):
            return f"ENC {hashed(value)}"
        if key in {"allowaccess", "ip6-allowaccess"}:
            return " ".join(sorted(typed, key=lambda word: ACCESS.index(word) if word in ACCESS else len(ACCESS)))
        if key in TEXTS:
            return " ".join(word if word.startswith('"') else f'"{word}"' for word in typed)
        if key in WORDS:
            return " ".join(re.sub(r'^"(\S*)"$', r"\1", word) for word in typed)
        return value

    def _check_families(self) -> None:
        """A policy's sources and destinations are of the same families (New Features 6.4, "Consolidated IPv4 and IPv6
        policy configuration").
        """
        if self.path[0] == "config firewall policy" and len(self.path) == 2:
            said = {line.split()[1] for line in self.here if line.startswith("set ")}
            if ("srcaddr6" in said) != ("dstaddr6" in said):
                raise Refused("Attribute 'dstaddr6' MUST be set.\nCommand fail. Return code 1")
        if self.path[0].startswith("config firewall local-in-policy") and not any(
            line.startswith("set srcaddr ") for line in self.here
        ):
            raise Refused("node_check_object fail! for srcaddr\nCommand fail. Return code -56")  # REF: it is required

    def _check_members(self, names: list[str]) -> None:
        """A LAG's members have no address, are nobody else's, and no policy names them (REF, Handbook)."""
        interfaces = self.tree[INTERFACES]
        if not any(line.startswith("set vdom ") for line in self.here):
            raise Refused("node_check_object fail! for vdom")
        others = {entry: below for entry, below in interfaces.items() if entry != self.path[-1]}
        referring = _references(self.tree | {INTERFACES: others}, INTERFACES)
        elsewhere = [line for _, line in referring if not line.startswith("set interface ")]
        for name in names:
            has_address = any(line.startswith("set ip ") for line in interfaces[f"edit {name}"])
            if has_address or any(name in line.split() for line in elsewhere):
                raise Refused(f"entry not found in datasource\nvalue parse error before {name}")

    def _delete(self, name: str) -> None:
        entry = f"edit {name}"
        if entry not in self.here:
            raise Refused("entry not found in datasource\nCommand fail. Return code -3")
        table = self.path[-1]
        if len(self.path) == 1 and any(name in values(line) for _, line in _references(self.tree, table)):
            raise Refused("The entry is used by other 1 entries\nCommand fail. Return code -23")
        del self.here[entry]


def _references(tree: Tree, table: str) -> Iterator[tuple[str, str]]:
    """The entries whose settings name an entry of a table, and those settings."""
    for (section, key), tables in REFERENCES.items():
        for entry, below in tree.get(section, {}).items() if table in tables else ():
            yield from ((entry, line) for line in below if line.split()[:2] == ["set", key])


def load_blocks(text: str) -> Tree:
    """A tree of blocks; a quoted text may run over several lines."""
    tree: Tree = {}
    path = [tree]
    lines = iter(text.splitlines())
    for line in lines:
        said = line.strip()
        if not said or said.startswith("#"):
            continue
        while is_open(said):
            said += "\n" + next(lines)
        if said in {"next", "end"}:
            path.pop()
        else:
            below = path[-1].setdefault(said, {})
            if said.split()[0] in {"config", "edit"}:
                path.append(below)
    return tree


def show_blocks(tree: Tree, depth: int = 0) -> str:
    """The tree as FortiOS shows it."""
    said = ""
    for line, below in tree.items():
        said += f"{'    ' * depth}{line}\n{show_blocks(below, depth + 1)}"
        closing = {"config": "end", "edit": "next"}.get(line.split()[0])
        said += f"{'    ' * depth}{closing}\n" if closing else ""
    return said
