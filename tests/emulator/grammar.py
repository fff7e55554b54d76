"""What devices make of lines that are typed in their configuration mode: a small model of each vendor, pure.

It is written from the vendors' documentation and not from samdrift's code, so that tests can tell one by the other: it
knows what replaces what, what cannot be removed, what must be there first, and in which form a secret is shown. A
configuration is a tree of lines (of words, for Junos); equal trees are equal configurations, whatever the order.

Not here: prompts, sessions, timers, saving (`tests.emulator`).
"""

from __future__ import annotations

import copy
import hashlib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

Tree = dict[str, "Tree"]
"""Lines, and what stands below each."""


class Refused(Exception):
    """What a device says to a line that it does not take."""


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


class Editor:
    """A device in configuration mode. `tree` is what it has; `path` is where one is in it."""

    def __init__(self, tree: Tree) -> None:
        self.tree, self.path = tree, list[str]()
        self.left = False

    def type(self, line: str) -> None:
        """Take a line, or raise Refused."""
        raise NotImplementedError

    @property
    def here(self) -> Tree:
        """What stands below the path."""
        node = self.tree
        for line in self.path:
            node = node[line]
        return node


def grammar(platform: str) -> Grammar:
    """The grammar of a platform, by its slug."""
    return GRAMMARS[platform]


def applied(platform: str, tree: Tree, lines: Iterable[str]) -> Tree:
    """A new tree: what a device has that had this one, after these were typed at its outermost level, line by line."""
    editor = grammar(platform).editor(copy.deepcopy(tree))
    for line in "\n".join(lines).split("\n"):
        editor.type(line)
    return editor.tree


def hashed(secret: str) -> str:
    """What a device shows in place of a secret."""
    return hashlib.sha256(secret.strip('"').encode()).hexdigest()[:24]


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


def _set_of(text: str) -> frozenset[str]:
    return frozenset(text.split())


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


# Blocks: FortiOS.

REFERENCES: Mapping[str, str] = MappingProxyType(
    {
        "srcintf": "config system interface",
        "dstintf": "config system interface",
        "device": "config system interface",
        "srcaddr": "config firewall address",
        "dstaddr": "config firewall address",
        "member": "config system interface",
    }
)
"""Settings that name an entry of another table."""
BUILT_IN = frozenset({'"all"', '"any"', '"ssl.root"', '"lan"'})


class BlocksEditor(Editor):
    """FortiOS: `config` and `edit` open blocks, `next` and `end` close them; a quoted text may be of several lines."""

    def __init__(self, tree: Tree) -> None:
        super().__init__(tree)
        self._text: list[str] = []
        self._until = ""

    def type(self, line: str) -> None:
        """Take a line, or raise Refused."""
        self._text.append(line if self._until else line.strip())
        typed = "\n".join(self._text)
        self._until = '"' if len(re.findall(r'(?<!\\)"', typed)) % 2 else ""
        if self._until:
            return
        self._text = []
        word, _, rest = typed.partition(" ")
        inside = self.path[-1].split()[0] if self.path else ""
        if not typed or typed.startswith("#"):
            return
        if (word == "config" or (word == "edit" and inside == "config")) and rest:
            self.here.setdefault(typed, {})
            self.path.append(typed)
        elif word == "next" and inside == "edit":
            self.path.pop()
        elif word == "end" and inside:
            while self.path.pop().startswith("edit "):
                continue
            self._drop_empty()
        elif word in {"set", "unset", "delete"} and inside and rest:
            {"set": self._set, "unset": self._unset, "delete": self._delete}[word](rest)
        else:
            raise Refused(f"command parse error before '{word}'\nCommand fail. Return code -61")

    def _unset(self, key: str) -> None:
        for old in [line for line in self.here if line.split()[:2] == ["set", key]]:
            del self.here[old]

    def _set(self, rest: str) -> None:
        key, _, value = rest.partition(" ")
        table = REFERENCES.get(key)
        for name in re.findall(r'"[^"]*"', value) if table else ():
            if name not in BUILT_IN and f"edit {name}" not in self.tree.get(str(table), {}):
                raise Refused("entry not found in datasource\nvalue parse error before " + name)
        if key == "member":
            self._check_members(re.findall(r'"[^"]*"', value))
        self._unset(key)
        if rest == "lacp-mode active":
            return  # what it is anyway, it does not show
        secret = re.search(r"passw|secret|-pwd|\bkey$", key) and not value.startswith("ENC ")
        self.here[f"set {key} ENC {hashed(value)}" if secret else f"set {key} {value}"] = {}

    def _check_members(self, names: list[str]) -> None:
        """A LAG's members have no address, are nobody else's, and no policy names them."""
        interfaces = self.tree["config system interface"]
        if not any(line.startswith("set vdom ") for line in self.here):
            raise Refused("node_check_object fail! for vdom")
        others = {entry: below for entry, below in interfaces.items() if entry != self.path[-1]}
        elsewhere = [line for line in _settings(self.tree | {"config system interface": others}) if _refers(line)]
        for name in names:
            has_address = any(line.startswith("set ip ") for line in interfaces[f"edit {name}"])
            if has_address or any(name in line.split() for line in elsewhere):
                raise Refused(f"entry not found in datasource\nvalue parse error before {name}")

    def _delete(self, name: str) -> None:
        entry = f"edit {name}"
        if entry not in self.here:
            raise Refused("entry not found in datasource\nCommand fail. Return code -3")
        table = self.path[-1]
        if len(self.path) == 1 and any(
            REFERENCES.get(line.split()[1]) == table and name in re.findall(r'"[^"]*"|\S+', line)
            for line in _settings(self.tree)
        ):
            raise Refused("The entry is used by other 1 entries\nCommand fail. Return code -23")
        del self.here[entry]

    def _drop_empty(self) -> None:
        """What has no setting left is not shown."""
        for line in [line for line, below in self.here.items() if line.startswith("config ") and not below]:
            del self.here[line]


def _refers(line: str) -> bool:
    return REFERENCES.get(line.split()[1]) == "config system interface"


def _settings(tree: Tree) -> Iterator[str]:
    for line, below in tree.items():
        if line.startswith("set "):
            yield line
        yield from _settings(below)


def load_blocks(text: str) -> Tree:
    """A tree of blocks; a quoted text may run over several lines."""
    tree: Tree = {}
    path = [tree]
    lines = iter(text.splitlines())
    for line in lines:
        said = line.strip()
        if not said or said.startswith("#"):
            continue
        while len(re.findall(r'(?<!\\)"', said)) % 2:
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


# Statements of words: Junos.

ONE_VALUE = _set_of(
    """host-name domain-name time-zone description mtu vlan-id native-vlan-id l3-interface interface-mode next-hop class
    encrypted-password plain-text-password-value secret location contact security-model security-level notify-view
    read-view write-view authentication-key authentication-password privacy-key privacy-password
    bridge-priority 802.3ad device-count"""
)
NAMED = _set_of(
    """unit family user file host server address route term filter prefix-list group view oid tacplus-server
    radius-server interface community security-name"""
)
"""Words that are followed by a name, without which they mean nothing."""
HOLDERS = frozenset({"interfaces", "vlans", "prefix-list", "groups"})
"""Words below which every word is a name."""
JUNOS_SECRETS = (
    (r"^plain-text-password-value$", "encrypted-password", "$6$"),
    (r"^authentication-password$", "authentication-key", "$9$"),
    (r"^privacy-password$", "privacy-key", "$9$"),
    (r"^secret$", "secret", "$9$"),
)
JUNOS_WORDS = _set_of(
    """system interfaces vlans snmp protocols routing-options firewall policy-options forwarding-options chassis
    groups apply-groups security poe switch-options access virtual-chassis version"""
)


def words(statement: str) -> list[str]:
    """The words of a statement; what is in quotes is one, and needs none if it is a plain word."""
    found = re.findall(r'"(?:[^"\\]|\\.)*"|[^\s"]+', statement)
    return [w[1:-1] if re.fullmatch(r'"[\w./:@+$-]+"', w, re.ASCII) else w for w in found]


class SetEditor(Editor):
    """Junos: each line is a whole statement, set or deleted in a draft."""

    def type(self, line: str) -> None:
        """Take a line, or raise Refused."""
        typed = line.strip()
        if not typed or typed.startswith("#"):
            return
        if typed.count('"') - typed.count('\\"') & 1 and typed.count('"') % 2:
            raise Refused("syntax error")
        verb, *path = words(typed)
        if verb not in {"set", "delete"}:
            raise Refused("unknown command.")
        if not path or path[0] not in JUNOS_WORDS:
            raise Refused("syntax error")
        if path[-1] in NAMED and (len(path) < 2 or path[-2] not in ONE_VALUE | NAMED | HOLDERS):
            raise Refused("missing argument.")
        (self._set if verb == "set" else self._delete)(path)

    def _set(self, path: list[str]) -> None:
        for pattern, shown, mark in JUNOS_SECRETS:
            if len(path) > 1 and re.match(pattern, path[-2]) and not path[-1].strip('"').startswith(mark):
                path[-2:] = [shown, f"{mark}{hashed(path[-1])}"]
        node = self.tree
        for before, word in zip(["", *path], path, strict=False):
            if before in ONE_VALUE and word not in node:
                node.clear()
            node = node.setdefault(word, {})

    def _delete(self, path: list[str]) -> None:
        way, node = [], self.tree
        for word in path:
            if word not in node:
                return  # Junos warns, and goes on
            way.append((node, word))
            node = node[word]
        holder, word = way.pop()
        del holder[word]
        while way and not holder:
            above, word = way.pop()
            before = way[-1][1] if way else ""
            if before in NAMED | HOLDERS:
                break  # an entry stays, though nothing is left in it
            del above[word]
            holder = above


def load_set(text: str) -> Tree:
    """A tree of the words of statements."""
    tree: Tree = {}
    for line in text.splitlines():
        verb, *path = words(line) or [""]
        node = tree
        for word in path if verb == "set" and path[:1] != ["version"] else ():
            node = node.setdefault(word, {})
    return tree


def show_set(tree: Tree, path: tuple[str, ...] = ()) -> str:
    """The tree as `display set` shows it."""
    if not tree:
        return f"set {' '.join(path)}\n" if path else ""
    return "".join(show_set(below, (*path, word)) for word, below in tree.items())


IOS = Habits(
    indent=1,
    sections=(
        (r"vlan \d+$",),
        (r"interface \S",),
        (r"line \S",),
        (r"ip access-list (?:standard|extended) ",),
        (r"(?:tacacs|radius) server ",),
        (r"aaa group server ",),
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
        r"^(?:description|ip address|switchport mode|switchport (?:access|voice) vlan) ",
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
        _set_of(
            """hostname vlan interface line ip tacacs radius aaa archive router spanning-tree snmp-server logging ntp
            username banner service errdisable lldp clock enable"""
        ),
        _set_of(
            """name description ip switchport spanning-tree shutdown channel-group access-class exec-timeout transport
            login permit deny remark address key timeout server path neighbor network exit-address-family lldp
            authentication length power speed duplex mtu maximum"""
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
        r"^(?:description|ip address|vlan access|vlan trunk native|lag|lacp mode) ",
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
        _set_of(
            """hostname vlan interface access-list vsf aaa user snmpv3 snmp-server logging ntp spanning-tree ssh
            tacacs-server radius-server dhcpv4-snooping banner ip lldp https-server clock apply"""
        ),
        _set_of(
            """name description ip vlan shutdown routing lag lacp spanning-tree dhcpv4-snooping apply permit deny
            voice mtu speed loop-protect server lldp"""
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
        _set_of("hostname interface router route-map ip ipv6 log vrf service frr password enable line bfd"),
        _set_of(
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
