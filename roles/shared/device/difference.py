"""The difference between a device's running configuration and the one that its role intends. Pure.

hier_config compares the two and says what leads from one to the other; what tells vendors apart is their `Vendor`.
hier_config's own rules of vendors are not used, as they are made for other templates than ours: they take a second
`logging` server of AOS-CX for a new value of the first, and number the entries of access lists anew. Nor is its reader,
which joins what stands apart in a text.

- Only managed sections are touched. What else runs, and is no vendor's default, is *unmanaged*: it is told, and stays.
- Order means nothing, as devices print lines in an order of their own; where it matters, the lines are numbered.
- What leaves a LAG does so first, as what the LAG is told then is none of its business; and of a port that joins or
  leaves one, all that is intended is typed again.
- A new value replaces the old one, which is not taken away before. Whole sections, routes and entries of tables are
  taken away last, when nothing refers to them any more.
- A device shows a secret in a form of its own, which cannot be compared with the secret. So the line without it is
  compared. That a secret has a new value nobody can see here: whoever knows it names it in `renew`, and its lines are
  typed again.
- No secret that a device showed is in a Difference. A rollback that would need one says `‹withheld›` in its place: it
  can be read, and that line of it not be typed. Nor can a line be taken back that is known by its secret alone (an SNMP
  community): it counts as unmanaged.

Not here: a session with a device (`deploy.transport.device`), and what a configuration should be (its role's template).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal, get_args

from hier_config import HConfig, HConfigChild, Platform, get_hconfig_driver
from hier_config.platforms.driver_base import HConfigDriverBase, HConfigDriverRules

from inventory.errors import SamdriftError
from inventory.fleet import Frozen
from inventory.secrets import MARK, PLACEHOLDER
from roles.shared.device.vendor import WITHHELD, Lineage, Vendor, any_of

Path = tuple[str, ...]
"""A line, and before it the lines that it stands below."""
Lines = dict[str, "Lines"]
"""Lines, and what stands below each."""
Slot = tuple[int, tuple[str | None, ...]]
"""A setting of a section that has one value."""
Phase = Literal["early", "usual", "late"]
"""When a line is typed: what leaves a LAG first, and whole sections are taken away last."""

LINE_END = re.compile(r"\r*\n")
CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029]")
WORD = re.compile(r'"(?:[^"\\]|\\.)*"|\S+')
PLAIN = re.compile(r'"([\w./:@+$-]+)"', re.ASCII)
"""A word in quotes that needs none; devices print some with and some without."""


class Difference(Frozen):
    """What is to be typed in a device's configuration mode, and what it changes.

    Attributes:
        lines: makes the managed sections what is intended; empty if they are.
        rollback: makes them what they were, typed after `lines`.
        before: the managed sections that run, in one order and form with `after`.
        after: those that are intended, secrets by name.
        unmanaged: each section that runs and is nobody's, as the device would show it.
    """

    lines: tuple[str, ...]
    rollback: tuple[str, ...]
    before: str
    after: str
    unmanaged: tuple[str, ...]


def difference(
    vendor: Vendor, running: str, intended: str, managed: Collection[Lineage], renew: Collection[str] = ()
) -> Difference:
    """What tells a running configuration from the intended one.

    Args:
        managed: the sections that are a role's, each with all that stands below it: regular expressions for whole
            lines (words, in the `set` syntax), from the outermost on.
        renew: names of secrets whose value is another than the device was last told.

    Raises:
        SamdriftError: the running configuration cannot be read, or the intended one is not what its role manages.
    """
    has = _read(vendor, _tame(running), managed)
    wants = _read(vendor, intended, managed)
    _check(vendor, wants)
    _leave_what_only_a_secret_names(vendor, has, wants)
    told = _without_renewed(has.managed, wants, renew)
    forth = _delta(vendor, told, wants.managed, managed)
    back = _delta(vendor, wants.managed, has.managed, managed)
    typed = tuple(_typed(vendor, has, wants, forth, says=wants.raw))
    renewed = (line for lines in wants.hidden.values() for line in lines if _is_renewed(line, renew))
    before = _in_order(vendor, has.managed, wants.managed, ())
    return Difference(
        lines=(*typed, *(line for line in renewed if line not in typed)),
        rollback=tuple(_typed(vendor, wants, has, back, says={})),
        before=_text(_shown(vendor, before, wants.raw)),
        after=_text(_shown(vendor, wants.managed, wants.raw)),
        unmanaged=tuple(_text(_shown(vendor, alone, {})) for alone in _apart(vendor, has.other)),
    )


# Reading


def _tame(running: str) -> str:
    """What a device said, without placeholders of secrets, and without what would end a line if it is typed again."""
    return CONTROL.sub(" ", LINE_END.sub("\n", running)).replace(MARK, "<")


@dataclass
class _Configuration:
    """A configuration without secrets: its managed lines and the others.

    Attributes:
        raw: lines (whole statements, in the `set` syntax) that hold a secret, as they were.
        hidden: lines that devices take and never show, by the line that stands before them.
    """

    managed: Lines = field(default_factory=dict)
    other: Lines = field(default_factory=dict)
    raw: dict[Path, str] = field(default_factory=dict)
    hidden: dict[Path, list[str]] = field(default_factory=dict)


def _read(vendor: Vendor, text: str, managed: Collection[Lineage]) -> _Configuration:
    read = {"indented": _indented, "blocks": _blocks, "set": _statements}[vendor.syntax]
    found = _Configuration()
    last: Path = ()
    within: dict[Path, bool] = {}  # a managed section; what stands below it is managed with it
    for path, raw in read(vendor, (line.rstrip() for line in LINE_END.split(text))):
        if any_of(*vendor.hidden).search(raw):
            found.hidden.setdefault(last, []).append(raw)
            continue
        last = path
        if WITHHELD in path[-1]:
            found.raw[path] = raw
        within[path] = within.get(path[:-1]) or _is_managed(path, managed)
        if within[path] or not _is_above_managed(path, managed):
            _put(vendor, found.managed if within[path] else found.other, path)
    found.managed = _without_empty(vendor, _with_lists(vendor, found.managed))
    found.other = _without_empty(vendor, _with_lists(vendor, found.other))
    return found


def _says_something(vendor: Vendor, line: str) -> bool:
    return bool(line.strip()) and not any_of(vendor.comment, *vendor.volatile).search(line)


def _indented(vendor: Vendor, lines: Iterator[str]) -> Iterator[tuple[Path, str]]:
    at: list[tuple[int, str]] = []
    for line in lines:
        if not _says_something(vendor, line) or re.fullmatch(r"\s*exit(-\S+)?", line):
            continue
        begins = next((m for p in vendor.texts if (m := re.match(p, line))), None)
        if begins and begins[1] not in line[begins.end() :]:
            end = begins[1]
            line = "\n".join([line, *_until(line, lines, lambda said: end in said)])  # noqa: B023, PLW2901  used at once
        indent = len(line) - len(line.lstrip())
        while at and at[-1][0] >= indent:
            at.pop()
        at.append((indent, vendor.masked(line.strip())))
        yield tuple(text for _, text in at), line.strip()


def _blocks(vendor: Vendor, lines: Iterator[str]) -> Iterator[tuple[Path, str]]:
    at: list[str] = []
    for line in lines:
        said = line.strip()
        if _quotes(said) % 2:
            said = "\n".join([said, *_until(said, lines, lambda more: _quotes(more) % 2 == 1)])
        if not _says_something(vendor, said):
            continue
        if said in {"next", "end"}:
            del at[-1:]
            continue
        yield (*at, vendor.masked(said)), said
        if said.startswith(("config ", "edit ")):
            at.append(said)


def _statements(vendor: Vendor, lines: Iterator[str]) -> Iterator[tuple[Path, str]]:
    for line in lines:
        if _says_something(vendor, line):
            statement = line.strip().removeprefix("set ")
            yield tuple(_words(vendor.masked(statement))), statement


def _words(statement: str) -> list[str]:
    return [PLAIN.sub(r"\1", word) for word in WORD.findall(statement)]


def _quotes(line: str) -> int:
    return len(re.findall(r'(?<!\\)"', line))


def _until(first: str, lines: Iterator[str], is_end: Callable[[str], bool]) -> Iterator[str]:
    """The lines of a text, to the one that ends it."""
    for line in lines:
        yield line
        if is_end(line):
            return
    said = first.split("\n", 1)[0][:60]
    raise SamdriftError(
        f"the running configuration breaks off in the text that begins with {said!r}", fix="read it again"
    )


def _is_managed(path: Path, managed: Collection[Lineage]) -> bool:
    return any(len(line) <= len(path) and _begins(line, path) for line in managed)


def _is_above_managed(path: Path, managed: Collection[Lineage]) -> bool:
    return any(len(line) > len(path) and _begins(line, path) for line in managed)


def _begins(lineage: Lineage, path: Path) -> bool:
    return all(re.fullmatch(pattern, text) for pattern, text in zip(lineage, path, strict=False))


def _put(vendor: Vendor, lines: Lines, path: Path) -> None:
    for text in path:
        if vendor.syntax == "indented":
            lines.pop(_opposite(text), None)  # whichever comes later is in force
        lines = lines.setdefault(text, {})


def _opposite(text: str) -> str:
    return text.removeprefix("no ") if text.startswith("no ") else f"no {text}"


def _with_lists(vendor: Vendor, lines: Lines) -> Lines:
    """Lists of numbers in one spelling, or number by number where each is a setting of its own."""
    if not vendor.lists:
        return lines
    listed: Lines = {}
    heads: dict[str, set[int]] = {}
    for text, below in lines.items():
        head, numbers, each = _number_list(vendor, text)
        if not numbers or below:
            listed[text] = _with_lists(vendor, below)
        elif each:
            listed.update({f"{head}{n}": listed.get(f"{head}{n}", {}) for n in sorted(numbers)})
        else:
            listed.pop(f"{head}{_ranges(heads.get(head, set()))}", None)
            heads[head] = heads.get(head, set()) | numbers
            listed[f"{head}{_ranges(heads[head])}"] = {}
    return listed


def _number_list(vendor: Vendor, text: str) -> tuple[str, set[int], bool]:
    """What stands before the numbers of a line, the numbers, and whether each is a setting; no list has no numbers."""
    for of in vendor.lists:
        head = re.match(of.line, text)
        if head and re.fullmatch(r"\d+(-\d+)?(,\d+(-\d+)?)*", rest := text[head.end() :]):
            spans = (part.partition("-") for part in rest.split(","))
            return head[1], {n for a, _, b in spans for n in range(int(a), min(int(b or a), 4094) + 1)}, of.each
    return "", set(), False


def _ranges(numbers: Collection[int]) -> str:
    runs: list[list[int]] = []
    for number in sorted(numbers):
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    return ",".join(str(r[0]) if len(r) == 1 else f"{r[0]}-{r[-1]}" for r in runs)


def _without_empty(vendor: Vendor, lines: Lines, above: Path = ()) -> Lines:
    """Sections that are always there say nothing while they are empty."""
    kept = {text: _without_empty(vendor, below, (*above, text)) for text, below in lines.items()}
    return {text: below for text, below in kept.items() if below or not _is_permanent(vendor, (*above, text))}


def _is_permanent(vendor: Vendor, path: Path) -> bool:
    if not any(_ends(lineage, path) for lineage in vendor.permanent):
        return False
    return vendor.syntax != "set" or _slot(vendor, path) is None  # a word of somebody's text may say anything


def _slot(vendor: Vendor, path: Path) -> Slot | None:
    """Which of a section's settings a line is the value of; None if it replaces no other line."""
    for number, lineage in enumerate(vendor.replaces):
        match = _ends(lineage, path)
        if match:
            return number, match.groups()
    return None


def _ends(lineage: Lineage, path: Path) -> re.Match[str] | None:
    """The last line's match, if the last lines of a path are of this lineage."""
    last = re.search(lineage[-1], path[-1])
    if last is None or len(lineage) == 1:
        return last
    above = zip(lineage[-2::-1], path[-2::-1], strict=False)
    return last if len(lineage) <= len(path) and all(re.search(p, text) for p, text in above) else None


# What is not compared


def _check(vendor: Vendor, wants: _Configuration) -> None:
    """The intended configuration is what its role manages, and each secret stands where one is known to be."""
    where = f"the intended configuration for {vendor.name}"
    for alone in _apart(vendor, wants.other):
        said = _text(_shown(vendor, alone, {})).strip()
        raise SamdriftError(f"it has what its role does not manage: {said!r}", where=where, fix="name it in `managed`")
    for path in _paths(wants.managed):
        if MARK in path[-1] and WITHHELD not in path[-1]:
            fix = "name such lines in the vendor's `secrets`"
            raise SamdriftError(f"no secret is known to be in {path[-1]!r}", where=where, fix=fix)


def _paths(lines: Lines, above: Path = ()) -> Iterator[Path]:
    for text, below in lines.items():
        yield (*above, text)
        yield from _paths(below, (*above, text))


def _leave_what_only_a_secret_names(vendor: Vendor, has: _Configuration, wants: _Configuration) -> None:
    """Lines that cannot be taken back without saying a device's secret count as unmanaged."""
    wanted = set(_paths(wants.managed))
    for path in [p for p in _paths(has.managed) if WITHHELD in p[-1] and p not in wanted]:
        slot = _slot(vendor, path)
        replaced = slot is not None and any(p[:-1] == path[:-1] and _slot(vendor, p) == slot for p in wanted)
        goes_alone = len(path) == 1 or path[:-1] in wanted or _is_permanent(vendor, path[:-1])
        named = _without_secret(vendor, path, has)[-1] if vendor.syntax == "set" else _taken_back(vendor, path, "")
        if goes_alone and not replaced and WITHHELD in named:
            _remove(has.managed, path)
            _put(vendor, has.other, path)


def _remove(lines: Lines, path: Path) -> None:
    """Remove a line, and what it leaves empty."""
    text, *rest = path
    if rest:
        _remove(lines[text], tuple(rest))
    if not lines[text]:
        del lines[text]


def _without_renewed(lines: Lines, wants: _Configuration, renew: Collection[str], above: Path = ()) -> Lines:
    """What a device has, but for lines whose secret is a new one: so they are typed."""
    return {
        text: _without_renewed(below, wants, renew, (*above, text))
        for text, below in lines.items()
        if not _is_renewed(wants.raw.get((*above, text), ""), renew)
    }


def _is_renewed(line: str, renew: Collection[str]) -> bool:
    return any(m[1] in renew for m in PLACEHOLDER.finditer(line))


# Comparing


class _Driver(HConfigDriverBase):
    """What hier_config must know of a vendor: what replaces what, and how a line is taken back."""

    def __init__(self, vendor: Vendor) -> None:
        self._vendor, self._stock = vendor, get_hconfig_driver(Platform[vendor.hier_config])
        self._slots: dict[int, tuple[object, Mapping[Slot | None, HConfigChild]]] = {}
        super().__init__()

    @staticmethod
    def _instantiate_rules() -> HConfigDriverRules:
        return HConfigDriverRules()

    @property
    def negation_prefix(self) -> str:
        """As the vendor's lines are taken back."""
        return self._stock.negation_prefix

    @property
    def declaration_prefix(self) -> str:
        """As its lines are given."""
        return self._stock.declaration_prefix

    def swap_negation(self, child: HConfigChild) -> HConfigChild:
        """Turn a line into the one that takes it back."""
        child.text = _taken_back(self._vendor, tuple(child.path()), self.negation_prefix)
        return child

    def idempotent_for(self, config: HConfigChild, other_children: Iterable[HConfigChild]) -> HConfigChild | None:
        """The line among others that takes this one's place. Each set of others is looked through once."""
        slot = _slot(self._vendor, tuple(config.path()))
        if slot is None:
            return None
        if id(other_children) not in self._slots:
            slots = {_slot(self._vendor, tuple(other.path())): other for other in other_children}
            self._slots[id(other_children)] = other_children, slots  # kept, so that the id stays its own
        return self._slots[id(other_children)][1].get(slot)


def _taken_back(vendor: Vendor, path: Path, negation: str) -> str:
    text = path[-1]
    if vendor.syntax == "set":
        return f"{negation}{text}"
    if vendor.syntax == "blocks":
        word, _, rest = text.partition(" ")
        return f"delete {rest}" if word == "edit" else f"{negation}{rest.split(' ', 1)[0]}"
    if text.startswith("no "):
        return text.removeprefix("no ")
    short = next((m[0] for p in vendor.shortened if (m := re.match(p, text))), text)
    return f"no {short}"


def _delta(vendor: Vendor, has: Lines, wants: Lines, managed: Collection[Lineage]) -> HConfig:
    """What leads from one to the other. Sections that must stay are wanted empty, so that they are emptied."""

    def stays(path: Path) -> bool:
        return _is_permanent(vendor, path) or not _is_managed(path, managed)  # others' lines may stand below it

    def with_staying(has: Lines, wants: Lines, above: Path) -> Lines:
        texts = list(wants)
        before = ""
        for text in has:
            if text not in wants and stays((*above, text)):
                texts.insert(
                    texts.index(before) + 1 if before else 0, text
                )  # where it stands, for the order of removals
            before = text if text in wants or stays((*above, text)) else before
        return {text: with_staying(has.get(text, {}), wants.get(text, {}), (*above, text)) for text in texts}

    driver = _Driver(vendor)
    moved = _differing(_without_lost(vendor, has, wants), with_staying(has, _joined(vendor, wants), ()))
    return _tree(driver, moved[0]).config_to_get_to(_tree(driver, moved[1]))


def _without_lost(vendor: Vendor, has: Lines, wants: Lines) -> Lines:
    """What is there, but for what a port may lose as it joins a LAG or leaves it: so it is typed again."""

    def lost(text: str, below: Lines) -> Lines:
        wanted = wants.get(text, {})
        joined, joins = ({line for line in of if _joins(vendor, line)} for of in (below, wanted))
        if joined == joins:
            return below
        return {line: b for line, b in below.items() if line not in wanted and _opposite(line) not in wanted}

    return {text: lost(text, below) for text, below in has.items()} if vendor.joins else has


def _joined(vendor: Vendor, wants: Lines) -> Lines:
    """What is wanted, with the line by which a port joins a LAG first, where it takes what was said before."""
    if not vendor.joins_first:
        return wants
    return {
        text: dict(sorted(below.items(), key=lambda line: not _joins(vendor, line[0]))) for text, below in wants.items()
    }


def _joins(vendor: Vendor, line: str) -> bool:
    return any_of(*vendor.joins).search(line) is not None


def _differing(a: Lines, b: Lines) -> tuple[Lines, Lines]:
    """Both without what they have alike, which would only cost time."""
    below = {text: _differing(a[text], b[text]) for text in a if text in b and a[text] != b[text]}
    kept_a = {text: below[text][0] if text in below else a[text] for text in a if text in below or text not in b}
    kept_b = {text: below[text][1] if text in below else b[text] for text in b if text in below or text not in a}
    return kept_a, kept_b


def _tree(driver: _Driver, lines: Lines) -> HConfig:
    def fill(node: HConfig | HConfigChild, lines: Lines) -> None:
        for text, below in lines.items():
            fill(node.add_child(text, check_if_present=False), below)

    tree = HConfig(driver)
    fill(tree, lines)
    return tree


# Writing


@dataclass(frozen=True)
class _Pen:
    """Writes what is to be typed, in one vendor's syntax.

    Attributes:
        says: what lines say that hold a secret of ours.
        hidden: lines that devices take and never show, by the line that stands before them.
        has: the configuration that is there.
        phase: of the leaves, those that come before the others are written, those others, or those that come after
            them, last first.
    """

    vendor: Vendor
    says: Mapping[Path, str]
    hidden: Mapping[Path, list[str]]
    has: _Configuration
    phase: Phase

    def write(self, node: HConfig | HConfigChild) -> Iterator[str]:
        """All that is to be typed of what stands below a line."""
        said: set[str] = set()
        last_first = self.phase == "late" and self.vendor.syntax != "set"
        for child in reversed(list(node.children)) if last_first else list(node.children):
            if child.children:
                inner = list(self.write(child))
                yield from self._section(child, inner) if inner else ()
            elif self._phase(child) == self.phase and child.text not in said:
                said.add(child.text)
                yield from self._leaf(child)
            if child.new_in_config and self.phase == "usual":
                yield from (self._indented(child, line) for line in self.hidden.get(tuple(child.path()), ()))

    def _section(self, child: HConfigChild, inner: list[str]) -> Iterator[str]:
        if self.vendor.syntax == "set":
            yield from inner
            return
        end = "exit" if self.vendor.syntax == "indented" else "end" if child.text.startswith("config ") else "next"
        yield from (self._indented(child, child.text), *inner, self._indented(child, end))

    def _leaf(self, child: HConfigChild) -> Iterator[str]:
        path, text = tuple(child.path()), child.text
        if self.vendor.syntax == "set":
            yield self._statement(path)
        elif self.vendor.syntax == "blocks":
            if not text.startswith("config "):
                yield from self._lines(child, self.says.get(path, text))
            if text.startswith("edit "):
                yield self._indented(child, "next")
        else:
            yield from self._lines(child, self.says.get(path, text))
            if child.depth() == 1 and any(re.search(p, text) for p in self.vendor.opens):
                yield "exit"

    def _statement(self, path: Path) -> str:
        if not path[-1].startswith("delete "):
            return _statement(self.says, path)
        path = (*path[:-1], path[-1].removeprefix("delete "))
        return f"delete {' '.join(_without_secret(self.vendor, path, self.has))}"

    def _lines(self, child: HConfigChild, text: str) -> Iterator[str]:
        first, *more = text.split("\n")
        yield from (self._indented(child, first), *more)

    @staticmethod
    def _indented(child: HConfigChild, text: str) -> str:
        return f"{'  ' * (child.depth() - 1)}{text}"

    def _phase(self, child: HConfigChild) -> Phase:
        if child.text.startswith("no ") and _joins(self.vendor, child.text.removeprefix("no ")):
            return "early"
        return "late" if self._is_late(child) else "usual"

    def _is_late(self, child: HConfigChild) -> bool:
        if self.vendor.syntax == "set":
            return not child.text.startswith("delete ")  # one commit, so nothing is late: deleted is first
        if self.vendor.syntax == "blocks":
            return child.text.startswith("delete ")
        text = child.text.removeprefix("no ")
        is_taken_back = child.depth() == 1 and not child.new_in_config and text != child.text
        was_section = bool(child.comments) or any(re.search(p, text) for p in (*self.vendor.opens, *self.vendor.last))
        return is_taken_back and was_section


def _typed(
    vendor: Vendor, has: _Configuration, wants: _Configuration, delta: HConfig, *, says: Mapping[Path, str]
) -> Iterator[str]:
    """What leaves a LAG; what is added and changed, in the order in which it is wanted; last what is taken away."""
    for phase in get_args(Phase):
        yield from _Pen(vendor, says, wants.hidden, has, phase).write(delta)


def _statement(says: Mapping[Path, str], path: Path) -> str:
    said = says.get(path, " ".join(path))
    return said if said.startswith(("deactivate ", "protect ")) else f"set {said}"


def _without_secret(vendor: Vendor, path: Path, configuration: _Configuration) -> Path:
    """The statement, to be deleted, without its secret; as it is, secret withheld, if nothing else names it."""
    raw = configuration.raw.get(path)
    if raw is None:
        return path
    words = _words(raw)
    named = next((n for n in (len(path), len(path) - 1) if _slot(vendor, (*words[:n], ""))), None)
    return tuple(words[:named]) if named else path


def _shown(vendor: Vendor, lines: Lines, says: Mapping[Path, str], above: Path = ()) -> Iterator[str]:
    """Lines as the vendor shows them, secrets by name where they are ours, and withheld where they are not."""
    indent = "  " * len(above)
    for text, below in lines.items():
        path = (*above, text)
        if vendor.syntax == "set":
            yield from _shown(vendor, below, says, path) if below else (_statement(says, path),)
            continue
        yield f"{indent}{says.get(path, text)}"
        yield from _shown(vendor, below, says, path)
        if vendor.syntax == "blocks" and text.startswith(("config ", "edit ")):
            yield f"{indent}{'end' if text.startswith('config ') else 'next'}"


def _in_order(vendor: Vendor, lines: Lines, like: Lines, above: Path) -> Lines:
    """Lines in the order of others: where those have the same line, or one that replaces it."""
    place = {text: number for number, text in enumerate(like)}
    if all(text in place for text in lines):
        return {text: _in_order(vendor, lines[text], like[text], (*above, text)) for text in like if text in lines}
    slots = {slot: n for text, n in place.items() if (slot := _slot(vendor, (*above, text))) is not None}

    def order(text: str) -> int:
        if text in place or f"no {text}" in place or text.removeprefix("no ") in place:
            return place.get(text, place.get(f"no {text}", place.get(text.removeprefix("no "), 0)))
        slot = _slot(vendor, (*above, text))
        return len(place) if slot is None else slots.get(slot, len(place))

    return {
        text: _in_order(vendor, lines[text], like.get(text, {}), (*above, text)) for text in sorted(lines, key=order)
    }


def _apart(vendor: Vendor, lines: Lines) -> Iterator[Lines]:
    """Each section alone, but for those that are there whatever anybody does."""
    for text, below in lines.items():
        parts = [{text: below}]
        if vendor.syntax != "indented" and below:
            entries = {t: b for t, b in below.items() if vendor.syntax == "set" or b}
            settings = {t: b for t, b in below.items() if t not in entries}
            parts = [{text: {t: b}} for t, b in entries.items()] + ([{text: settings}] if settings else [])
        for part in parts:
            name = text if vendor.syntax == "indented" else f"{text} {next(iter(part[text]), '')}".strip()
            if not any(re.search(p, name) for p in vendor.ignored):
                yield part


def _text(lines: Iterable[str]) -> str:
    return "".join(f"{line}\n" for line in lines)
