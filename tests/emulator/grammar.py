"""What devices make of lines that are typed in their configuration mode: a small model of each vendor, pure.

It is written from the vendors' documentation and not from samdrift's code, so that tests can tell one by the other: it
knows what replaces what, what cannot be removed, what must be there first, and in which form a secret is shown. A
configuration is a tree of lines (of words, for Junos); equal trees are equal configurations, whatever the order.

Not here: prompts, sessions, timers, saving (`tests.emulator`); Junos (`grammar_junos`) and FortiOS (`grammar_fortios`).
"""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from tests.emulator.grammar_fortios import BlocksEditor, load_blocks, show_blocks
from tests.emulator.grammar_junos import SetEditor, load_set, show_set
from tests.emulator.language import Editor, Refused, Tree, hashed, set_of

__all__ = ["Editor", "Refused", "Tree"]


@dataclass(frozen=True)
class Grammar:
    """One vendor's configuration mode.

    Attributes:
        editor: makes a configuration mode upon a tree.
        load: reads what `show` prints.
        show: prints it.
    """

    platform: str
    editor: Callable[[Tree], Editor]
    load: Callable[[str], Tree]
    show: Callable[[Tree], str]


def grammar(platform: str) -> Grammar:
    """The grammar of a platform, by its slug."""
    return GRAMMARS[platform]


def applied(platform: str, tree: Tree, lines: Iterable[str]) -> Tree:
    """A new tree: what a device has that had this one, after these were typed at its outermost level, line by line."""
    editor = grammar(platform).editor(copy.deepcopy(tree))
    for line in "\n".join(lines).split("\n"):
        editor.type(line)
    return editor.tree


def numbers(text: str) -> list[int]:
    """The numbers of `1,3-5`."""
    found: set[int] = set()
    for part in text.split(","):
        first, _, last = part.partition("-")
        found.update(range(int(first), int(last or first) + 1))
    return sorted(found)


def ranges(of: Iterable[int]) -> str:
    """The shortest text that `numbers` reads as these."""
    runs: list[list[int]] = []
    for number in sorted(of):
        if runs and number == runs[-1][1] + 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    return ",".join(str(a) if a == b else f"{a}-{b}" for a, b in runs)


# Indented lines, taken back by `no`.


@dataclass(frozen=True)
class Habits:
    """What tells one vendor of this kind from another. Patterns are searched for in a line.

    Attributes:
        indent: how far what stands below a line is from it.
        sections: patterns of lines that open a section, outermost first.
        single: beginnings of lines of which a device has one.
        fixed: sections that are there for good.
        off: lines that are shown as `no …` where they are off.
        silent: those of them that are not shown where they are on.
        growing: lists that grow by what is typed; group 1 is what stands before the numbers.
        hidden: what is taken and not shown.
        encoded: how a secret is shown: a pattern, whose group `secret` is replaced by what the template makes of it.
        words: with which words a line may begin, at the outermost level and below it.
        member: the line by which a port becomes a member of a LAG; group 1 is that one's number.
        lag: the section of the LAG of a number.
        pushed: what is typed in a LAG's section, its members are told too.
        own: what a member may be told itself, where that is not everything. What it was told before it joined is lost
            then, and it is shut when it joins and when it leaves; and its LAG must be there.
        needs_vlan: lines that need the VLANs that group 1 names.
        numbered_once: whether a numbered line is refused where there is one of that number.
        refusal: what the device says to what it does not know.
    """

    indent: int
    sections: tuple[tuple[str, ...], ...]
    single: tuple[str, ...]
    fixed: tuple[str, ...]
    off: tuple[str, ...]
    silent: tuple[str, ...]
    growing: tuple[str, ...]
    hidden: tuple[str, ...]
    encoded: tuple[tuple[str, str], ...]
    words: tuple[frozenset[str], frozenset[str]]
    member: str = "(?!)"
    lag: str = ""
    pushed: tuple[str, ...] = ()
    own: tuple[str, ...] = ()
    needs_vlan: tuple[str, ...] = ()
    numbered_once: bool = True
    refusal: str = "% Invalid input detected at '^' marker."


class IndentedEditor(Editor):
    """Configuration mode of IOS and of those who took after it. Indentation means nothing to it; `exit` does."""

    def __init__(self, tree: Tree, habits: Habits) -> None:
        super().__init__(tree)
        self.habits = habits
        self._text: list[str] = []
        self._until = ""

    def type(self, line: str) -> None:
        """Take a line, or raise Refused."""
        if self._until:
            self._text.append(line)
            if self._until in line:
                self.tree["\n".join(self._text)] = {}
                self._until = ""
            return
        typed = line.strip()
        if not typed or typed.startswith("!"):
            return
        if re.fullmatch(r"exit(-\S+)?", typed):
            self.left = not self.path
            del self.path[-1:]
        elif typed == "end":
            self.left, self.path = True, []
        elif banner := re.match(r"banner \S+ (\^C|\S)", typed):
            self._begin_text(typed, banner[1])
        else:
            self._take_or_back(typed)
            self._push(typed)

    def _take_or_back(self, typed: str) -> None:
        if typed.startswith("no "):
            self._take_back(typed.removeprefix("no "))
        else:
            self._take(typed)

    def _push(self, typed: str) -> None:
        """Tell the members of a LAG what it was told."""
        at = list(self.path)
        if at and any(re.match(p, typed.removeprefix("no ")) for p in self.habits.pushed):
            for member in self._members(at[0]):
                self.path = [member]
                self._take_or_back(typed)
            self.path = at

    def _members(self, lag: str) -> list[str]:
        return [port for port, below in self.tree.items() if any(self._lag_of(line) == lag for line in below)]

    def _lag_of(self, line: str) -> str:
        """The section of the LAG that a line makes a port a member of."""
        found = re.match(self.habits.member, line)
        return self.habits.lag.format(found[1]) if found else ""

    def _is_own(self, typed: str) -> bool:
        return not self.habits.own or any(re.search(p, typed) for p in self.habits.own)

    def _join(self, lag: str) -> None:
        here = self.here
        if not self.habits.own:
            pushed = (line for line in here if any(re.match(p, line) for p in self.habits.pushed))
            self.tree.setdefault(lag, {line: {} for line in pushed})
            return
        if lag not in self.tree or any(self._lag_of(line) not in {"", lag} for line in here):
            raise Refused("LAG does not exist, or the interface is a member of another one.")
        if not any(self._lag_of(line) for line in here):
            self._shut(here)

    def _shut(self, here: Tree) -> None:
        """A port that has lost all that it was told."""
        here.clear()
        here["shutdown"] = {}

    def _begin_text(self, typed: str, until: str) -> None:
        kind = " ".join(typed.split()[:2])
        for old in [text for text in self.tree if text.startswith(f"{kind} ")]:
            del self.tree[old]
        self.path = []
        if until in typed.split(until, 1)[1]:
            self.tree[typed] = {}
        else:
            self._text, self._until = [typed], until

    def _check(self, typed: str) -> None:
        word = typed.split(maxsplit=1)[0]
        if not word.isdecimal() and word not in self.habits.words[bool(self.path)]:
            raise Refused(self.habits.refusal)

    def _take(self, typed: str) -> None:
        habits = self.habits
        if self.path and self._opens([], typed):
            self.path = []  # a section of the outermost level can be opened from anywhere
        self._check(typed)
        for pattern in habits.needs_vlan:
            found = re.search(pattern, typed)
            if found and any(f"vlan {vid}" not in self.tree for vid in numbers(found[1])):
                raise Refused(f"VLAN {found[1]} does not exist.")
        if lag := self._lag_of(typed):
            self._join(lag)
        elif self.path and any(self._lag_of(line) for line in self.here) and not self._is_own(typed):
            raise Refused("Operation not allowed on an interface that is part of a LAG.")
        if any(re.search(p, typed) for p in habits.hidden):
            return
        several = re.fullmatch(r"vlan (\d[\d,-]*)", typed)
        if several and not self.path and len(numbers(several[1])) > 1:
            self.tree.update({f"vlan {vid}": {} for vid in numbers(several[1]) if f"vlan {vid}" not in self.tree})
            return
        if self._opens(self.path, typed):
            self.here.setdefault(typed, {})
            self.path.append(typed)
            return
        self._put(self._shown(typed))

    def _put(self, shown: str) -> None:
        here, habits = self.here, self.habits
        for pattern in habits.growing:
            found = re.match(pattern, shown)
            if found:
                self._change_list(found[1], set(numbers(shown[found.end() :])), set())
                return
        number = shown.split(maxsplit=1)[0]
        if number.isdecimal() and any(line.split()[0] == number and line != shown for line in here):
            if habits.numbered_once:
                raise Refused("% Duplicate sequence number.")
            here = self._without(lambda line: line.split()[0] == number)
        for pattern in habits.single:
            if found := re.search(pattern, shown):
                same = found[0]
                here = self._without(lambda line: line.startswith(same))  # noqa: B023  called at once
        if any(re.search(p, shown) for p in habits.off):
            here.pop(f"no {shown}", None)
            if any(re.search(p, shown) for p in habits.silent):
                return
        here.setdefault(shown, {})

    def _without(self, which: Callable[[str], bool]) -> Tree:
        here = self.here
        for line in [line for line in here if which(line)]:
            del here[line]
        return here

    def _change_list(self, head: str, more: set[int], fewer: set[int]) -> None:
        here = self.here
        has = {n for line in here if line.startswith(head) for n in numbers(line.removeprefix(head))}
        self._without(lambda line: line.startswith(head))
        if rest := (has | more) - fewer:
            here[f"{head}{ranges(rest)}"] = {}

    def _take_back(self, typed: str) -> None:
        here, habits = self.here, self.habits
        if self.path and not self._has(here, typed) and self._opens([], typed):
            self.path, here = [], self.tree
        self._check(typed)
        if any(re.search(p, typed) for p in habits.fixed) and not self.path:
            raise Refused("% Removal of physical interfaces is not permitted.")
        for pattern in habits.growing:
            found = re.match(pattern, typed)
            if found:
                self._change_list(found[1], set(), set(numbers(typed[found.end() :])))
                return
        if re.fullmatch(r"vlan \d+", typed) and not self.path:
            self._forget_vlan(int(typed.split()[1]))
        for member in self._members(typed) if not self.path else ():
            stays: Tree = {line: {} for line in self.tree[member] if not self._lag_of(line)}
            self.tree[member] = stays | {"shutdown": {}}
        words = typed.split()
        if habits.own and self._lag_of(typed) and typed in here:
            self._shut(here)
        for line in [line for line in here if line == self._shown(typed) or line.split()[: len(words)] == words]:
            del here[line]
        if any(re.search(p, typed) for p in habits.off):
            here[f"no {typed}"] = {}

    @staticmethod
    def _has(here: Tree, typed: str) -> bool:
        return any(line == typed or line.startswith(f"{typed} ") for line in here)

    def _forget_vlan(self, vid: int) -> None:
        """A VLAN that goes takes what names it with it."""
        if not self.habits.needs_vlan:
            return
        for section in self.tree.values():
            for line in list(section):
                for pattern in self.habits.needs_vlan:
                    found = re.search(pattern, line)
                    if found and vid in numbers(found[1]):
                        del section[line]
                        if rest := set(numbers(found[1])) - {vid}:
                            section[f"{line[: found.start(1)]}{ranges(rest)}"] = {}
                        break

    def _opens(self, path: list[str], typed: str) -> bool:
        lineage = [*path, typed]
        return any(
            len(patterns) == len(lineage) and all(re.match(p, t) for p, t in zip(patterns, lineage, strict=True))
            for patterns in self.habits.sections
        )

    def _shown(self, typed: str) -> str:
        for pattern, template in self.habits.encoded:
            found = re.search(pattern, typed)
            if found:
                digest = hashed(found["secret"])
                return f"{typed[: found.start()]}{found.expand(template).replace('HASH', digest)}{typed[found.end() :]}"
        return typed


def load_indented(text: str) -> Tree:
    """A tree of what is indented; `exit`, comments and what frames the configuration are none of it."""
    tree: Tree = {}
    at: list[tuple[int, Tree]] = [(-1, tree)]
    lines = iter(text.splitlines())
    for line in lines:
        said = line.strip()
        if not said or re.match(r"!|Building conf|Current conf|end$|exit(-\S+)?$", said):
            continue
        banner = re.match(r"banner \S+ (\^C|\S)", line)
        if banner and banner[1] not in line.split(banner[1], 1)[1]:
            block = [line]
            while banner[1] not in block[-1] or len(block) == 1:
                block.append(next(lines))
            tree["\n".join(block)] = {}
            continue
        indent = len(line) - len(line.lstrip())
        while at[-1][0] >= indent:
            at.pop()
        at[-1][1].setdefault(said, {})
        at.append((indent, at[-1][1][said]))
    return tree


def show_indented(tree: Tree, indent: int, depth: int = 0) -> str:
    """The tree as indented lines."""
    return "".join(
        f"{' ' * indent * depth}{line}\n{show_indented(below, indent, depth + 1)}" for line, below in tree.items()
    )


IOS = Habits(
    indent=1,
    sections=(
        (r"vlan \d+$",),
        (r"interface \S",),
        (r"line \S",),
        (r"ip access-list (?:standard|extended) ",),
        (r"(?:tacacs|radius) server ",),
        (r"aaa group server ",),
        (r"ip ssh pubkey-chain$",),
        (r"ip ssh pubkey-chain$", r"username \S+$"),
        (r"ipv6 (?:nd raguard|dhcp guard) policy ",),  # IPv6 First-Hop Security Configuration Guide, IOS XE 17
        (r"spanning-tree mst configuration$",),  # Catalyst 9000 Layer 2 Configuration Guide, "Configuring MSTP"
        (r"archive$",),
        (r"router \S",),
        (r"router \S", r"address-family "),
    ),
    single=(
        r"^hostname ",
        r"^ip default-gateway ",
        r"^ip domain name ",
        r"^spanning-tree mode ",
        r"^snmp-server (?:location|contact) ",
        r"^logging (?:trap|facility|source-interface)\b",
        r"^username \S+ ",
        r"^snmp-server group \S+ ",
        r"^aaa (?:authentication|authorization|accounting) \S+ \S+ ",
        r"^name ",
        r"^(?:description|switchport mode|switchport (?:access|voice) vlan) ",
        r"^ip address (?!.* secondary$)",  # IP Addressing Command Reference, `ip address … secondary`
        r"^storm-control broadcast ",
        r"^ntp source ",
        r"^ip tacacs source-interface ",
        r"^switchport trunk (?:native|allowed) vlan ",
        r"^channel-group ",
        r"^(?:access-class|exec-timeout|transport input|login)\b",
        r"^(?:address|key|timeout)\b",
    ),
    fixed=(r"^interface (?:\S*Ethernet|\S*GigE)",),
    off=(r"^ip (?:http server|http secure-server|domain lookup)$",),
    silent=(r"^ip domain lookup$",),
    growing=(r"^(ip dhcp snooping vlan )(?=\d)",),
    hidden=(r"^snmp-server user ",),
    encoded=(
        (r"(?P<head>^username \S+ .*\bsecret) (?!9 )(?:0 )?(?P<secret>\S+)$", r"\g<head> 9 $9$HASH"),
        (r"(?P<head>^key) (?!7 )(?:0 )?(?P<secret>\S+)$", r"\g<head> 7 HASH"),
    ),
    member=r"channel-group (\d+) mode ",
    lag="interface Port-channel{}",
    pushed=(r"switchport ", r"spanning-tree ", r"ip dhcp snooping ", r"shutdown$"),
    words=(
        set_of(
            """hostname vlan interface line ip tacacs radius aaa archive router spanning-tree snmp-server logging ntp
            username banner service errdisable lldp clock enable ipv6"""
        ),
        set_of(
            """name description ip switchport spanning-tree shutdown channel-group access-class exec-timeout transport
            login permit deny remark address key timeout server path neighbor network exit-address-family lldp
            username key-hash authentication length power speed duplex mtu maximum ipv6 storm-control vrf"""
        ),
    ),
)

AOS_CX = Habits(
    indent=4,
    sections=(
        (r"vlan \d+$",),
        (r"interface \S",),
        (r"access-list ip ",),
        (r"vsf member ",),
        (r"aaa group server ",),
    ),
    single=(
        r"^hostname ",
        r"^user \S+ group ",
        r"^logging \d\S*",  # Diagnostics and Supportability Guide, logging: `no logging ADDRESS`, and no transport
        r"^snmpv3 user \S+ ",
        r"^aaa (?:authentication|authorization|accounting) \S+ \S+ ",
        r"^(?:tacacs|radius)-server host \S+ ",
        r"^(?:ssh access-list|snmp-server system-(?:location|contact)) ",
        r"^name ",
        r"^(?:description|vlan access|vlan trunk native|lag|lacp mode|rate-limit broadcast|ip static|default-gateway) ",
        r"^ip address (?!.* secondary$)",  # Command-Line Interface Guide, `ip address … secondary`
    ),
    fixed=(r"^interface \d+/\d+/\d+", r"^interface mgmt$", r"^vlan 1$"),
    off=(r"^shutdown$", r"^routing$"),
    silent=(r"^routing$",),
    growing=(r"^(vlan trunk allowed )(?=\d)",),
    hidden=(),
    encoded=(
        (
            r"(?P<head>auth-pass) plaintext (?P<secret>\S+) (?P<mid>priv \S+ priv-pass) plaintext \S+$",
            r"\g<head> ciphertext HASH \g<mid> ciphertext HASH",
        ),
        (r"(?P<head>\b(?:password|key)) plaintext (?P<secret>\S+)", r"\g<head> ciphertext HASH"),
    ),
    member=r"lag (\d+)$",
    lag="interface lag {}",
    own=(r"^lag \d+$", r"^shutdown$", r"^description ", r"^mtu ", r"^lacp "),
    words=(
        set_of(
            """hostname vlan interface access-list vsf aaa user snmpv3 snmp-server logging ntp spanning-tree ssh
            tacacs-server radius-server dhcpv4-snooping dhcpv6-snooping nd-snooping banner ip lldp https-server clock
            apply"""
        ),
        set_of(
            """name description ip vlan shutdown routing lag lacp spanning-tree dhcpv4-snooping dhcpv6-snooping
            nd-snooping rate-limit default-gateway apply permit deny voice mtu speed loop-protect server lldp"""
        ),
    ),
    needs_vlan=(r"^vlan access (\d+)$", r"^vlan trunk native (\d+)", r"^vlan trunk allowed (\d[\d,-]*)$"),
    numbered_once=False,
    refusal="Invalid input: line",
)

FRR = Habits(
    indent=1,
    sections=((r"interface \S",), (r"router \S",), (r"route-map ",), (r"router \S", r"address-family "), (r"vrf ",)),
    single=(
        r"^hostname ",
        r"^description ",
        r"^bgp router-id ",
        r"^neighbor \S+ (?:remote-as|description|timers|update-source)\b",
        r"^log (?:file|syslog|stdout)\b",
    ),
    fixed=(r"^interface ",),
    off=(),
    silent=(),
    growing=(),
    hidden=(),
    encoded=(),
    words=(
        set_of("hostname interface router route-map ip ipv6 log vrf service frr password enable line bfd"),
        set_of(
            """description ip ipv6 bgp neighbor network redistribute address-family exit-address-family match set
            call maximum-paths timers passive-interface area shutdown"""
        ),
    ),
    refusal="% Unknown command",
)


def _indented(platform: str, habits: Habits) -> Grammar:
    return Grammar(
        platform,
        lambda tree: IndentedEditor(tree, habits),
        load_indented,
        lambda tree: show_indented(tree, habits.indent),
    )


GRAMMARS: Mapping[str, Grammar] = MappingProxyType(
    {
        "arubaos-cx": _indented("arubaos-cx", AOS_CX),
        "cisco-ios": _indented("cisco-ios", IOS),
        "fortios": Grammar("fortios", BlocksEditor, load_blocks, show_blocks),
        "frr": _indented("frr", FRR),
        "junos": Grammar("junos", SetEditor, load_set, show_set),
    }
)
"""Every grammar, by the slug of its platform."""
