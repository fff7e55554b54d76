"""Write lines of a configuration in a vendor's syntax: what is typed on a device, and what people are shown. Pure.

A secret of ours is written as its placeholder, a device's own as `‹withheld›`. Not here: which lines are to be typed
(`difference`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, get_args

from hier_config import HConfig, HConfigChild

from roles.shared.device.canonical import lists_in, numbers_of, ranges
from roles.shared.device.lines import Lines, Path, is_ordered, slot_of
from roles.shared.device.reading import Configuration, joins_lag
from roles.shared.device.vendor import WITHHELD, NumberList, Vendor, any_of
from roles.shared.device.words import MARKS, words_of

Phase = Literal["early", "usual", "late"]
"""When a line is typed: what leaves a LAG first, and whole sections are taken away last."""


@dataclass(frozen=True)
class _Pen:
    """Writes what is to be typed, in one vendor's syntax, entry by entry; a text of several lines is one entry.

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
    has: Configuration
    phase: Phase

    def write(self, node: HConfig | HConfigChild) -> Iterator[str]:
        """Yield the lines to type of everything below a line."""
        written: set[str] = set()
        last_first = self.phase == "late" and self.vendor.syntax != "set"
        for child in reversed(list(node.children)) if last_first else list(node.children):
            if child.children:
                inner = list(self.write(child))
                yield from self._section(child, inner) if inner else ()
            elif self._phase(child) == self.phase and child.text not in written:
                written.add(child.text)
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
                yield self._indented(child, self.says.get(path, text))
            if text.startswith("edit "):
                yield self._indented(child, "next")
        else:
            yield self._indented(child, self.says.get(path, text))
            if child.depth() == 1 and any(re.search(p, text) for p in self.vendor.opens):
                yield "exit"

    def _statement(self, path: Path) -> str:
        if not path[-1].startswith("delete "):
            return _statement(self.says, path)
        path = (*path[:-1], path[-1].removeprefix("delete "))
        if path[-1] in MARKS:
            return f"{MARKS[path[-1]][1]} {' '.join(path[:-1])}"
        return f"delete {' '.join(without_secret(self.vendor, path, self.has))}"

    @staticmethod
    def _indented(child: HConfigChild, text: str) -> str:
        return f"{'  ' * (child.depth() - 1)}{text}"

    def _phase(self, child: HConfigChild) -> Phase:
        if child.text.startswith("no ") and joins_lag(self.vendor, child.text.removeprefix("no ")):
            return "early"
        return "late" if self._is_late(child) else "usual"

    def _is_late(self, child: HConfigChild) -> bool:
        if self.vendor.syntax == "set":
            taken = child.text.removeprefix("delete ")
            return taken == child.text or taken in MARKS  # one commit, so nothing is late: deleted is first
        if self.vendor.syntax == "blocks":
            return child.text.startswith("delete ")
        text = child.text.removeprefix("no ")
        is_taken_back = child.depth() == 1 and not child.new_in_config and text != child.text
        was_section = bool(child.comments) or any(re.search(p, text) for p in (*self.vendor.opens, *self.vendor.last))
        return is_taken_back and was_section


def typed_entries(
    vendor: Vendor, has: Configuration, wants: Configuration, delta: HConfig, *, says: Mapping[Path, str]
) -> Iterator[str]:
    """Yield the lines to type: first what leaves a LAG; then what is added and changed, in the wanted order; last
    removals.
    """
    for phase in get_args(Phase):
        yield from in_lists(vendor, _Pen(vendor, says, wants.hidden, has, phase).write(delta))


def in_lists(vendor: Vendor, entries: Iterable[str]) -> Iterator[str]:
    """Yield entries with those in a row that differ in a number alone as one list, no line longer than may be typed."""
    of: NumberList | None = None
    ends, numbers = ("", ""), set[int]()
    for entry in (*entries, ""):
        bare = entry.strip().removeprefix("no ")
        opens = not entry.startswith(" ") and any_of(*vendor.opens).search(bare)
        now, found = (None, None) if opens else next(lists_in(vendor, bare), (None, None))
        around = (entry[: len(entry) - len(bare)] + found[1], bare[found.end() :]) if found else ("", "")
        if of and (now is not of or around != ends or not of.each):
            yield from _in_lines(vendor, of, ends, numbers)
            numbers = set()
        if now and found and found.groupdict().get("how") is None:
            of, ends = now, around
            numbers |= set(numbers_of(found["numbers"]))
        else:
            of = None
            if entry:
                yield entry


def _in_lines(vendor: Vendor, of: NumberList, ends: tuple[str, str], numbers: set[int]) -> Iterator[str]:
    """Yield the lines of a list: as many as its length needs, where a list may be typed in several."""
    head, rest = ends
    more = head if of.each else head[: len(head) - len(head.lstrip())] + of.more
    room = vendor.longest_line if more.strip() else None
    parts: list[str] = []
    for part in ranges(numbers).split(","):
        if parts and room and len(f"{head}{','.join([*parts, part])}{rest}") > room:
            yield f"{head}{','.join(parts)}{rest}"
            head, parts = more, []
        parts.append(part)
    yield f"{head}{','.join(parts)}{rest}"


def _statement(says: Mapping[Path, str], path: Path) -> str:
    statement = says.get(path, " ".join(path))
    if path[-1] in MARKS:
        return f"{MARKS[path[-1]][0]} {' '.join(path[:-1])}"
    return f"set {statement}"


def without_secret(vendor: Vendor, path: Path, configuration: Configuration) -> Path:
    """Return the statement, to be deleted, without its secret; as it is, secret withheld, if nothing else names it."""
    raw = configuration.raw.get(path)
    if raw is None:
        return path
    words = words_of(raw)
    if not any(WITHHELD in word for word in path):  # it is spelled otherwise
        return tuple(words) if len(words) == len(path) else path
    named = next((n for n in (len(path), len(path) - 1) if slot_of(vendor, (*words[:n], ""))), None)
    return tuple(words[:named]) if named else path


def shown_lines(vendor: Vendor, lines: Lines, says: Mapping[Path, str], above: Path = ()) -> Iterator[str]:
    """Yield lines as the vendor shows them, secrets by name if they are ours, and withheld if they are not."""
    indent = "  " * len(above)
    for text, below in lines.items():
        path = (*above, text)
        if vendor.syntax == "set":
            yield from shown_lines(vendor, below, says, path) if below else (_statement(says, path),)
            continue
        yield f"{indent}{says.get(path, text)}"
        if below:
            yield from shown_lines(vendor, below, says, path)
        if vendor.syntax == "blocks" and text.startswith(("config ", "edit ")):
            yield f"{indent}{'end' if text.startswith('config ') else 'next'}"


def in_order_of(vendor: Vendor, lines: Lines, like: Lines, above: Path) -> Lines:
    """Sort lines as others are: by the same line, or by one that replaces it."""
    if is_ordered(vendor, above):
        return {text: in_order_of(vendor, of, like.get(text, {}), (*above, text)) for text, of in lines.items()}
    if lines == like and not vendor.ordered:
        return like
    place = {text: number for number, text in enumerate(like)}
    if all(text in place for text in lines):
        return {text: in_order_of(vendor, lines[text], like[text], (*above, text)) for text in like if text in lines}
    slots = {slot: n for text, n in place.items() if (slot := slot_of(vendor, (*above, text))) is not None}

    def order(text: str) -> int:
        if text in place or f"no {text}" in place or text.removeprefix("no ") in place:
            return place.get(text, place.get(f"no {text}", place.get(text.removeprefix("no "), 0)))
        slot = slot_of(vendor, (*above, text))
        return len(place) if slot is None else slots.get(slot, len(place))

    return {
        text: in_order_of(vendor, lines[text], like.get(text, {}), (*above, text)) for text in sorted(lines, key=order)
    }


def sections_apart(vendor: Vendor, lines: Lines) -> Iterator[Lines]:
    """Yield each section alone, without those that always exist."""
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


def as_text(lines: Iterable[str]) -> str:
    """Join lines to a text, each ended."""
    return "".join(f"{line}\n" for line in lines)
