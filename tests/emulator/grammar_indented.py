"""What devices make of indented lines that are taken back by `no`: IOS, AOS-CX, FRR. What differs is a `Habits`.

Written from vendors' documents and published configurations, each named where its rule stands (`habits`). Pure.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv4Interface, IPv6Interface

from tests.emulator.language import Editor, Refused, Tree, hashed, numbers, ranges


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
        growing: lists that grow by what is typed; group 1 is what stands before the numbers. What stands behind them
            (`priority 4096`) is a value of each number.
        verbs: lists that a line replaces, unless a word before the numbers says otherwise; group 1 is before that word.
        comma: whether two numbers in a row are shown with a comma: `2,3`, and only three as `2-4`.
        printed: how a line is shown that is typed in another way: a pattern and what it becomes.
        masks: whether a network in an access list is shown with a mask of four numbers.
        unsaid: lines that are never shown, as they say what is so anyway; those above a line stand before it.
        refused: lines that are not taken, those above before them, and what the device says.
        numbered: entries that get a number if they have none, those above before them.
        sequenced: those that get `sequence` and a number.
        capitals: whether addresses of IPv6 are shown in capitals.
        always: lines that are shown and never typed: the section, what it must say, what it must not, the line.
        hidden: what is taken and not shown.
        encoded: how a secret is shown: a pattern, whose group `secret` is replaced by what the template makes of it.
        words: with which words a line may begin, at the outermost level and below it.
        member: the line by which a port becomes a member of a LAG; group 1 is that one's number.
        lag: the section of the LAG of a number.
        pushed: what is typed in a LAG's section, its members are told too.
        own: what a member may be told itself, where that is not everything. Whatever else it was told before it joined
            is lost then, and it is shut when it leaves; and its LAG must be there.
        needs_vlan: lines that need the VLANs that group 1 names.
        needs: lines that need another one in their section: what it begins with, and what the device says without it.
        numbered_once: whether a numbered line is refused where there is one of that number.
        refusal: what the device says to what it does not know.
        levels: lines that give a command a level: what stands before it, the level, the command.
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
    needs: tuple[tuple[str, str, str], ...] = ()
    numbered_once: bool = True
    refusal: str = "% Invalid input detected at '^' marker."
    verbs: tuple[str, ...] = ()
    comma: bool = False
    printed: tuple[tuple[str, str], ...] = ()
    masks: bool = False
    unsaid: tuple[str, ...] = ()
    refused: tuple[tuple[str, str], ...] = ()
    numbered: tuple[str, ...] = ()
    sequenced: tuple[str, ...] = ()
    capitals: bool = False
    always: tuple[tuple[str, str, str, str], ...] = ()
    levels: str = "(?!)"


def alike(pattern: str, begins: str) -> Callable[[str], bool]:
    """Tells of a line whether it is one of those of which a device has one, as the pattern found it."""
    return lambda line: (found := re.search(pattern, line)) is not None and found[0] == begins


def is_ipv6(word: str) -> bool:
    """Whether a word is an address of IPv6, with a length or without."""
    try:
        return word.count(":") > 1 and IPv6Interface(word).version == 6
    except ValueError:
        return False


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
        if not found:
            return ""
        lag = self.habits.lag.format(found[1])
        return next((section for section in self.tree if section.startswith(f"{lag} ")), lag)

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
        for line in [line for line in here if not self._is_own(line)]:
            del here[line]

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
        if self.path and not self._opens(self.path, typed) and self._opens([], typed):
            self.path = []  # a section of the outermost level can be opened from anywhere
        self._check(typed)
        typed = self._with_number(self._as_printed(typed))
        self._refuse(typed)
        if any(re.fullmatch(pattern, "\n".join([*self.path, typed])) for pattern in habits.unsaid):
            self._forget(typed)
            return
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

    def _refuse(self, typed: str) -> None:
        whole = "\n".join([*self.path, typed])
        for pattern, says in self.habits.refused:
            if re.fullmatch(pattern, whole):
                raise Refused(says)
        for pattern in self.habits.needs_vlan:
            found = re.search(pattern, typed)
            if found and any(f"vlan {vid}" not in self.tree for vid in numbers(found[1]) if vid != 1):
                raise Refused(f"VLAN {found[1]} does not exist.")
        for pattern, other, says in self.habits.needs:
            if re.fullmatch(pattern, whole) and not any(line.startswith(other) for line in self.here):
                raise Refused(says)

    def _as_printed(self, typed: str) -> str:
        """A line as the device shows it."""
        for pattern, form in self.habits.printed:
            if re.search(pattern, typed):
                typed = re.sub(pattern, form, typed)
        if self.habits.capitals:
            typed = " ".join(word.upper() if is_ipv6(word) else word for word in typed.split(" "))
        if self.habits.masks and re.match(r"(?:\d+ )?(?:permit|deny) ", typed):
            typed = re.sub(r"(\d+(?:\.\d+){3})/(\d\d?)(?!\S)", lambda m: str(IPv4Interface(m[0]).with_netmask), typed)
            typed = typed.replace("/255.255.255.255", "")
        return typed

    def _with_number(self, typed: str) -> str:
        """An entry with the number that the device gives it."""
        whole = "\n".join([*self.path, typed])
        if any(re.fullmatch(pattern, whole) for pattern in self.habits.numbered):
            last = max((int(line.split()[0]) for line in self.here if line[:1].isdecimal()), default=0)
            typed = f"{last + 10} {typed}"
        if any(re.fullmatch(pattern, whole) for pattern in self.habits.sequenced):
            there = [line.split(" ", 2) for line in self.here if line.startswith("sequence ")]
            same = next((number for _, number, rest in there if rest == typed), None)
            typed = f"sequence {same or max((int(number) for _, number, _ in there), default=0) + 10} {typed}"
        return typed

    def _forget(self, typed: str) -> None:
        """Take away what a line replaces, as it says what is so without it."""
        for pattern in self.habits.single:
            if found := re.search(pattern, typed):
                self._without(alike(pattern, found[0]))

    def _level(self, head: str, level: str, command: str) -> None:
        """Give a command its level, and the level its beginnings, unless they have one of their own."""
        told = {m[3]: line for line in self.here if (m := re.match(self.habits.levels, line)) and m[1] == head}
        if command in told:
            del self.here[told[command]]
        self.here[f"{head}{level} {command}"] = {}
        words = command.split()
        for beginning in (" ".join(words[:n]) for n in range(1, len(words))):
            if beginning not in told:
                self.here[f"{head}{level} {beginning}"] = {}

    def _put(self, shown: str) -> None:
        here, habits = self.here, self.habits
        if found := re.match(habits.levels, shown):
            self._level(found[1], found[2], found[3])
            return
        if self._change_list(shown) or self._grow(shown, takes_back=False):
            return
        number = shown.split(maxsplit=1)[0]
        if number.isdecimal():
            remark = re.compile(rf"{number} (?:comment|remark) ")  # it shares its entry's number

            def same_entry(line: str) -> bool:
                return line.split(maxsplit=1)[0] == number and bool(remark.match(line)) == bool(remark.match(shown))

            if habits.numbered_once and any(same_entry(line) and line != shown for line in here):
                raise Refused("% Duplicate sequence number.")
            here = self._without(same_entry)
        for pattern in habits.single:
            if found := re.search(pattern, shown):
                here = self._without(alike(pattern, found[0]))
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

    def _grow(self, typed: str, *, takes_back: bool) -> bool:
        """Give the numbers of a list their value, or take it from them; tell whether it is such a list."""
        for pattern in self.habits.growing:
            found = re.match(rf"{pattern}(?P<numbers>\d[\d,-]*)(?P<value>| .*)$", typed)
            if not found:
                continue
            head, value, concerned = found[1], found["value"], set(numbers(found["numbers"]))
            kind = value.split()[:1]
            here = self.here
            for line in list(here):
                other = re.match(rf"{re.escape(head)}(\d[\d,-]*)(| .*)$", line)
                if other and other[2].split()[:1] == kind:
                    del here[line]
                    if rest := set(numbers(other[1])) - concerned:
                        here[f"{head}{self._ranges(rest)}{other[2]}"] = {}
            if not takes_back:
                self._merge(head, value, concerned)
            return True
        return False

    def _merge(self, head: str, value: str, more: set[int]) -> None:
        here = self.here
        for line in list(here):
            other = re.match(rf"{re.escape(head)}(\d[\d,-]*){re.escape(value)}$", line)
            if other:
                del here[line]
                more |= set(numbers(other[1]))
        here[f"{head}{self._ranges(more)}{value}"] = {}

    def _ranges(self, of: set[int]) -> str:
        text = ranges(of)
        if self.habits.comma:
            text = re.sub(r"(\d+)-(\d+)", lambda m: f"{m[1]},{m[2]}" if int(m[2]) == int(m[1]) + 1 else m[0], text)
        return text

    def _change_list(self, shown: str) -> bool:
        """Replace a list, or change it as a word before the numbers says; tell whether it is such a list."""
        found = next((m for p in self.habits.verbs if (m := re.match(rf"{p}(?:([a-z]+) )?(\d[\d,-]*)$", shown))), None)
        if found is None:
            return False
        head, how, concerned, every = found[1], found[2], set(numbers(found[3])), set(range(1, 4095))
        line = next((line for line in self.here if line.startswith(head)), "")
        has = set(numbers(line.removeprefix(head))) if line else every
        now = {None: concerned, "add": has | concerned, "remove": has - concerned, "except": every - concerned}[how]
        here = self._without(lambda line: line.startswith(head))
        if now != every:
            here[f"{head}{self._ranges(now)}"] = {}
        return True

    def _take_back(self, typed: str) -> None:
        here, habits = self.here, self.habits
        if self.path and not self._has(here, typed) and self._opens([], typed):
            self.path, here = [], self.tree
        self._check(typed)
        if any(re.search(p, typed) for p in habits.fixed) and not self.path:
            raise Refused("% Removal of physical interfaces is not permitted.")
        typed = self._as_printed(typed)
        if self._grow(typed, takes_back=True):
            return
        several = re.fullmatch(r"vlan (\d[\d,-]*)", typed)
        if several and not self.path:
            for vid in numbers(several[1]):
                self._forget_vlan(vid)
                self.tree.pop(f"vlan {vid}", None)
            return
        for member in self._members(typed) if not self.path else ():
            stays: Tree = {line: {} for line in self.tree[member] if not self._lag_of(line)}
            self.tree[member] = stays | {"shutdown": {}}
        if habits.own and self._lag_of(typed) and typed in here:
            self._shut(here)
        words, shown = typed.split(), self._shown(typed)
        numbered = re.compile(rf"sequence \d+ {re.escape(typed)}")
        self._without(lambda line: line == shown or line.split()[: len(words)] == words)
        self._without(lambda line: numbered.fullmatch(line) is not None)
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


def completed(tree: Tree, habits: Habits) -> Tree:
    """The tree with what a device shows although nobody typed it."""

    def of(section: str, below: Tree) -> Tree:
        for pattern, needs, without, line in habits.always:
            told = [said for said in below if re.match(pattern, section)]
            if any(re.match(needs, said) for said in told) and not any(re.match(without, said) for said in told):
                below = {**below, line: {}}
        return below

    return {section: of(section, below) for section, below in tree.items()}


def typed(tree: Tree, habits: Habits) -> Tree:
    """The tree without what a device shows although nobody typed it."""
    return {
        section: {
            line: inner
            for line, inner in below.items()
            if not any(re.match(pattern, section) and line == shown for pattern, _, _, shown in habits.always)
        }
        for section, below in tree.items()
    }


def show_indented(tree: Tree, indent: int, depth: int = 0) -> str:
    """The tree as indented lines."""
    return "".join(
        f"{' ' * indent * depth}{line}\n{show_indented(below, indent, depth + 1)}" for line, below in tree.items()
    )
