"""The lines that a device has after entries were typed, as far as its syntax alone says. Pure.

What `no`, `delete` and `unset` take with them is taken literally: all that begins with the words that were typed. Not
here: what is to be typed (`difference`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from roles.shared.device.canonical import canonical, spelled
from roles.shared.device.lines import Lines, Path, opposite, slot_of
from roles.shared.device.reading import put, read_configuration, tame, words_of
from roles.shared.device.vendor import Vendor


def all_lines(vendor: Vendor, running: str) -> Lines:
    """Read all lines of a running configuration, also sections in which nothing stands."""
    return read_configuration(vendor.model_copy(update={"permanent": ()}), tame(running), ()).other


def after(vendor: Vendor, lines: Lines, entries: Iterable[str]) -> Lines:
    """Return the lines that there are after these entries were typed."""
    there = _copy(lines)
    {"indented": _indented, "blocks": _blocks, "set": _statements}[vendor.syntax](vendor, there, entries)
    return canonical(vendor, there)


def _copy(lines: Lines) -> Lines:
    return {text: _copy(below) for text, below in lines.items()}


def _at(lines: Lines, path: Iterable[str]) -> Lines:
    for text in path:
        lines = lines.setdefault(text, {})
    return lines


def _drop(here: Lines, words: str) -> None:
    """Remove this line, be it numbered; if there is none, all that begin with its words."""
    same = [text for text in here if words in {text, re.sub(r"^\d+ ", "", text)}]
    begun = same or [text for text in here if text.startswith(f"{words} ")]
    for text in begun:
        del here[text]


def _replace(vendor: Vendor, here: Lines, path: Path) -> None:
    """Remove the lines whose place a new one takes."""
    slot = slot_of(vendor, path)
    for text in [t for t in here if t != path[-1]] if slot is not None else ():
        if slot_of(vendor, (*path[:-1], text)) == slot:
            del here[text]


def _move(here: Lines, entry: str, where: str, other: str) -> None:
    """Move a line right before or after another one."""
    if entry in here and other in here and entry != other:
        names = [text for text in here if text != entry]
        names.insert(names.index(other) + (where == "after"), entry)
        for name in names:
            here[name] = here.pop(name)


def _indented(vendor: Vendor, there: Lines, entries: Iterable[str]) -> None:
    at: list[tuple[int, str]] = []
    for entry in entries:
        text = entry.strip()
        indent = len(entry) - len(entry.lstrip())
        while at and at[-1][0] >= indent:
            at.pop()
        if text == "exit":
            continue
        negated, line = text.startswith("no "), vendor.masked(text)
        *path, line = spelled(vendor, (*(above for _, above in at), line.removeprefix("no ")))
        here = _at(there, path)
        if negated:
            _drop(here, line)
            here[f"no {line}"] = {}
            continue
        number = line.split(maxsplit=1)[0]
        for old in [t for t in here if number.isdecimal() and t.split(maxsplit=1)[0] == number and t != line]:
            del here[old]
        _replace(vendor, here, (*path, line))
        here.pop(opposite(line), None)
        here.setdefault(line, {})
        at.append((indent, line))


def _blocks(vendor: Vendor, there: Lines, entries: Iterable[str]) -> None:
    at: list[str] = []
    for entry in entries:
        line = vendor.masked(entry.strip())
        word, _, rest = line.partition(" ")
        here = _at(there, at)
        if word in {"next", "end"}:
            del at[-1:]
        elif word in {"config", "edit"}:
            here.setdefault(line, {})
            at.append(line)
        elif word == "delete":
            here.pop(f"edit {rest}", None)
        elif word == "move":
            moved, where, other = rest.split()
            _move(here, f"edit {moved}", where, f"edit {other}")
        elif word == "unset":
            _drop(here, f"set {rest}")
        elif word == "set":
            _drop(here, f"set {rest.split(' ', 1)[0]}")
            here[line] = {}


def _statements(vendor: Vendor, there: Lines, entries: Iterable[str]) -> None:
    for entry in entries:
        verb, _, rest = entry.strip().partition(" ")
        path = tuple(words_of(vendor.masked(rest)))
        if verb == "delete":
            _delete(there, path)
        elif verb == "insert":
            *above, moved, where, kind, other = path
            if kind == above[-1]:
                _move(_at(there, above), moved, where, other)
        elif verb == "set":
            for depth in range(1, len(path) + 1):
                _replace(vendor, _at(there, path[: depth - 1]), path[:depth])
            put(vendor, there, path)


def _delete(here: Lines, path: Path) -> None:
    word, *rest = path
    if word not in here:
        return
    if rest:
        _delete(here[word], tuple(rest))
    if not rest or not here[word]:
        del here[word]
