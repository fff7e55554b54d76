"""Read a device's configuration into nested lines without secrets, and sort them: its role's, and the others. Pure.

Each of the three syntaxes (`Vendor.syntax`) becomes the same nested lines, so that what compares and writes them need
not know how a vendor indents. Not here: what tells two configurations apart (`difference`), and what is typed
(`writing`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

from inventory.errors import SamdriftError
from inventory.secrets import MARK
from roles.shared.device.canonical import canonical, lists_in, spelled
from roles.shared.device.lines import REMEMBERED, Lines, Path, is_ordered, is_permanent, opposite, paths
from roles.shared.device.managed import ManagedSections, managed_sections
from roles.shared.device.masking import masked
from roles.shared.device.vendor import WITHHELD, Vendor, any_of
from roles.shared.device.words import MARKS, statements_of, words_of
from roles.shared.lineage import Section

LINE_END = re.compile(r"\r*\n")
EXIT = re.compile(r"\s*exit(-\S+)?")
CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029]")


def tame(running: str) -> str:
    """Remove from a device's output placeholders of secrets, and what would end a line if it were typed again."""
    return CONTROL.sub(" ", LINE_END.sub("\n", running)).replace(MARK, "<")


@dataclass
class Configuration:
    """A configuration without secrets: its managed lines and the others.

    Attributes:
        raw: lines (whole statements, in the `set` syntax) that hold a secret or are spelled otherwise, as they were.
        hidden: lines that devices take and never show, by the line that stands before them.
        order: what stands right below sections whose order is meaning, managed or not.
    """

    managed: Lines = field(default_factory=dict)
    other: Lines = field(default_factory=dict)
    raw: dict[Path, str] = field(default_factory=dict)
    hidden: dict[Path, list[str]] = field(default_factory=dict)
    order: dict[Path, list[str]] = field(default_factory=dict)


def read_configuration(vendor: Vendor, text: str, managed: Collection[Section]) -> Configuration:
    """Read a configuration in its vendor's syntax, and sort its lines by whether these sections hold them."""
    read = {"indented": _indented, "blocks": _blocks, "set": _statements}[vendor.syntax]
    found, sections, hidden = Configuration(), managed_sections(managed), any_of(*vendor.hidden)
    last: Path = ()
    within: dict[Path, bool] = {}  # a managed section; what stands below it is managed with it
    ordered: dict[Path, bool] = {}
    for written, raw in read(vendor, (line.rstrip() for line in LINE_END.split(text))):
        if hidden.search(raw):
            found.hidden.setdefault(last, []).append(raw)
            continue
        last = path = spelled(vendor, written)
        is_otherwise = path != written if vendor.syntax == "set" else path[-1] != written[-1]
        if WITHHELD in path[-1] or (is_otherwise and len(path) == len(written)):
            found.raw[path] = raw
        within[path] = within.get(path[:-1]) or sections.hold(path) or (written != path and sections.hold(written))
        if within[path] or not sections.are_below(path):
            put(vendor, found.managed if within[path] else found.other, path)
        _note_order(vendor, found.order, path, ordered)
    found.managed = _without_empty(vendor, canonical(vendor, found.managed))
    found.other = _without_empty(vendor, canonical(vendor, found.other))
    return found


class _Printed(NamedTuple):
    """What one printed line says, whatever stands above it.

    Attributes:
        says: whether it says anything.
        indent: how many characters stand before it.
        text: without its secret.
        is_last: tells of each further line whether it ends the text that this one begins; None if it begins none.
    """

    says: bool
    indent: int
    text: str
    is_last: Callable[[str], bool] | None


def _says_something(vendor: Vendor, line: str) -> bool:
    return bool(line.strip()) and not any_of(vendor.comment, *vendor.volatile).search(line)


def _read(vendor: Vendor, line: str) -> _Printed:
    text = line.strip()
    return _Printed(_says_something(vendor, line), line.index(text), vendor.masked(text), vendor.text_begun(line))


_printed = lru_cache(maxsize=REMEMBERED)(_read)


def _indented(vendor: Vendor, lines: Iterator[str]) -> Iterator[tuple[Path, str]]:
    at: list[tuple[int, str]] = []
    for line in _unwrapped(vendor, lines):
        printed = _printed(vendor, line)
        if not printed.says or EXIT.fullmatch(line):
            continue
        if printed.is_last:
            line = "\n".join([line, *_until(line, lines, printed.is_last)])  # noqa: PLW2901  an entry from here on
            printed = _read(vendor, line)
        while at and at[-1][0] >= printed.indent:
            at.pop()
        at.append((printed.indent, printed.text))
        yield tuple([text for _, text in at]), line.strip()


def _unwrapped(vendor: Vendor, lines: Iterator[str]) -> Iterator[str]:
    """Join a list of numbers that goes on in the next line to the line in which it begins."""
    for line in lines:
        while line.endswith(",") and next(lists_in(vendor, line.strip().rstrip(",")), None):
            line = f"{line}{next(lines, '').strip()}"  # noqa: PLW2901
        yield line


def _blocks(vendor: Vendor, lines: Iterator[str]) -> Iterator[tuple[Path, str]]:
    at: list[str] = []
    for line in lines:
        statement = line.strip()
        printed = _printed(vendor, statement)
        if printed.is_last:
            statement = "\n".join([statement, *_until(statement, lines, printed.is_last)])
            printed = _read(vendor, statement)
        if not printed.says:
            continue
        if statement in {"next", "end"}:
            del at[-1:]
            continue
        yield (*at, printed.text), statement
        if statement.startswith(("config ", "edit ")):
            at.append(statement)


def _statements(vendor: Vendor, lines: Iterator[str]) -> Iterator[tuple[Path, str]]:
    """Yield statements; that one is deactivated or protected is a word below it."""
    for line in lines:
        statement = line.strip().removeprefix("set ")
        yield from ((path, statement) for path in _statement(vendor, line))


@lru_cache(maxsize=REMEMBERED)
def _statement(vendor: Vendor, line: str) -> tuple[Path, ...]:
    """Return what a printed statement says: the words of each statement that it stands for."""
    if not _says_something(vendor, line):
        return ()
    verb, _, rest = line.strip().partition(" ")
    if verb in MARKED_BY:
        return ((*words_of(rest), MARKED_BY[verb]),)
    statements = statements_of(vendor.masked(line.strip().removeprefix("set ")))
    return tuple(tuple(words) for words in statements if words)


MARKED_BY = {put: mark for mark, (put, _) in MARKS.items()}
"""The word that stands below a marked statement, by how the line begins that marks it."""


def _note_order(vendor: Vendor, order: dict[Path, list[str]], path: Path, known: dict[Path, bool]) -> None:
    """Note the places of a line, and of those above it, in sections whose order is meaning."""
    for depth in range(1, len(path) if vendor.ordered else 0):
        section = path[:depth]
        if section not in known:
            known[section] = is_ordered(vendor, section)
        if known[section] and path[depth] not in order.setdefault(section, []):
            order[section].append(path[depth])


def _until(first: str, lines: Iterator[str], is_last: Callable[[str], bool]) -> Iterator[str]:
    """Yield the lines of a text, to the one that ends it."""
    for line in lines:
        yield line
        if is_last(line):
            return
    statement = masked(first.split("\n", 1)[0])[:60]
    raise SamdriftError(
        f"the configuration breaks off in the text that begins with {statement!r}",
        fix="close the text, or read it again",
    )


def marks_over(found: Configuration, managed: ManagedSections) -> Iterator[Path]:
    """Yield the marks of statements of which managed ones are a part."""
    yield from (p for p in paths(found.other) if p[-1] in MARKS and managed.are_below(p[:-1]))


def put(vendor: Vendor, lines: Lines, path: Path) -> None:
    """Add a line, below the lines of its path; where lines are indented, it replaces the one that says the opposite."""
    for text in path:
        if vendor.syntax == "indented" and text not in lines:
            lines.pop(opposite(text), None)  # whichever comes later is in force
        lines = lines.setdefault(text, {})


def _without_empty(vendor: Vendor, lines: Lines, above: Path = ()) -> Lines:
    """Remove the sections that always exist, while they are empty."""
    kept: Lines = {}
    for text, below in lines.items():
        path = (*above, text)
        rest = _without_empty(vendor, below, path) if below else below
        if rest or not is_permanent(vendor, path):
            kept[text] = rest
    return kept


def joins_lag(vendor: Vendor, line: str) -> bool:
    """Tell whether this line makes a port a member of a LAG."""
    return any_of(*vendor.joins).search(line) is not None
