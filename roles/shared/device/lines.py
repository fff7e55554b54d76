"""Nested lines of a configuration, and what a vendor's data says of one of them. Pure.

Not here: reading them from what a device prints (`reading`), and the one form in which they are compared (`canonical`).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache, lru_cache
from typing import Literal

from roles.shared.device.vendor import Vendor, any_of
from roles.shared.device.words import MARKS
from roles.shared.lineage import LinePattern

REMEMBERED = 1 << 15
"""Lines of which it is remembered what they say: most devices of a fleet have most of their lines in common."""

Path = tuple[str, ...]
"""A line, and before it the lines that it stands below."""
Lines = dict[str, "Lines"]
"""Lines, and what stands below each."""
Slot = tuple[int, tuple[str | None, ...]]
"""A setting of a section: which of the vendor's, and what tells it apart from others of that kind."""


def opposite(text: str) -> str:
    """Return the line that takes this one back: with `no`, or without."""
    return text.removeprefix("no ") if text.startswith("no ") else f"no {text}"


def is_permanent(vendor: Vendor, path: Path) -> bool:
    """Tell whether a section can be emptied and not removed."""
    if _first(vendor, "permanent", path, marks=True) is None:
        return False
    return vendor.syntax != "set" or slot_of(vendor, path) is None  # a word of somebody's text may say anything


def slot_of(vendor: Vendor, path: Path) -> Slot | None:
    """Find which single-valued setting of its section a line gives; None if the line replaces no other."""
    return _first(vendor, "replaces", path)


def whole_setting_of(vendor: Vendor, path: Path) -> Slot | None:
    """Find which setting of its section a line is a part of the value of; None if it is the part of none."""
    return _first(vendor, "whole", path)


def only_one_of(vendor: Vendor, path: Path) -> Slot | None:
    """Find what a line is of which a device has one in all its sections; None if it may stand in several."""
    return _first(vendor, "once", path)


def is_numbered(vendor: Vendor, path: Path) -> bool:
    """Tell whether a line is an entry that the device would give a number."""
    return _first(vendor, "numbered", path, marks=True) is not None


Kind = Literal["permanent", "replaces", "whole", "once", "numbered"]
"""Which of a vendor's patterns of lines."""


def _first(vendor: Vendor, kind: Kind, path: Path, *, marks: bool = False) -> Slot | None:
    """Find the first of these patterns that a line matches, and its groups. Most lines match none: one search says so.

    Args:
        marks: a line that is a mark of its statement may match, too.
    """
    if not _may_match(vendor, kind, path[-1]) or (path[-1] in MARKS and not marks):
        return None
    for number, own in _below(vendor, kind, path[:-1]):
        if match := own.search(path[-1]):
            return number, match.groups()
    return None


@lru_cache(maxsize=REMEMBERED)
def _may_match(vendor: Vendor, kind: Kind, text: str) -> bool:
    """Tell whether a line matches the last part of one of these patterns, whatever it stands below."""
    return _last_of(vendor, kind).search(text) is not None


@lru_cache(maxsize=256)
def _last_of(vendor: Vendor, kind: Kind) -> re.Pattern[str]:
    return any_of(*(pattern[-1] for pattern in getattr(vendor, kind)))


def is_ordered(vendor: Vendor, section: Path) -> bool:
    """Tell whether the order of what stands right below this section is meaning."""
    return _is_ordered(vendor.ordered, section)


@lru_cache(maxsize=4096)
def _is_ordered(patterns: tuple[LinePattern, ...], section: Path) -> bool:
    return any(
        all(p.fullmatch(text) for p, text in zip(pattern, reversed(section), strict=True))
        for pattern in _compiled_of_depth(patterns, len(section))
    )


@cache
def _compiled_of_depth(patterns: tuple[LinePattern, ...], depth: int) -> tuple[tuple[re.Pattern[str], ...], ...]:
    return tuple(_compiled(pattern) for pattern in patterns if len(pattern) == depth)


def ends(pattern: LinePattern, path: Path) -> re.Match[str] | None:
    """Match the pattern against the last lines of a path; returns the match in the last line."""
    own, *above = _compiled(pattern)
    return own.search(path[-1]) if _stands_below(above, path[:-1]) else None


@lru_cache(maxsize=REMEMBERED)
def _below(vendor: Vendor, kind: Kind, above: Path) -> tuple[tuple[int, re.Pattern[str]], ...]:
    """Return what is searched for in a line that stands below these lines, and the place of each pattern."""
    compiled = enumerate(map(_compiled, getattr(vendor, kind)))
    return tuple((number, own) for number, (own, *over) in compiled if _stands_below(over, above))


def _stands_below(patterns: Sequence[re.Pattern[str]], above: Path) -> bool:
    """Tell whether patterns, innermost first, match the lines right above a line."""
    return len(patterns) <= len(above) and all(
        p.search(text) for p, text in zip(patterns, reversed(above), strict=False)
    )


@cache
def _compiled(pattern: LinePattern) -> tuple[re.Pattern[str], ...]:
    """Compile a pattern, innermost line first."""
    return tuple(map(re.compile, reversed(pattern)))


def paths(lines: Lines, above: Path = ()) -> list[Path]:
    """Return every line with the lines that it stands below, outermost first."""
    found: list[Path] = []
    for text, below in lines.items():
        path = (*above, text)
        found.append(path)
        if below:
            found += paths(below, path)
    return found


def lines_below(lines: Lines, path: Path) -> Lines:
    """Return what stands below one of these lines."""
    for text in path:
        lines = lines[text]
    return lines


def is_in(path: Path, lines: Lines) -> bool:
    """Tell whether a line is among these."""
    for text in path:
        if text not in lines:
            return False
        lines = lines[text]
    return True
