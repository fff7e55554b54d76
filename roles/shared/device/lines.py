"""Nested lines of a configuration, and what a vendor's data says of one of them. Pure.

Not here: reading them from what a device prints (`reading`), and the one form in which they are compared (`canonical`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from roles.shared.device.vendor import Vendor
from roles.shared.device.words import MARKS
from roles.shared.lineage import LinePattern

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
    if not any(ends(pattern, path) for pattern in vendor.permanent):
        return False
    return vendor.syntax != "set" or slot_of(vendor, path) is None  # a word of somebody's text may say anything


def slot_of(vendor: Vendor, path: Path) -> Slot | None:
    """Find which single-valued setting of its section a line gives; None if the line replaces no other."""
    return _first(vendor.replaces, path)


def whole_setting_of(vendor: Vendor, path: Path) -> Slot | None:
    """Find which setting of its section a line is a part of the value of; None if it is the part of none."""
    return _first(vendor.whole, path)


def only_one_of(vendor: Vendor, path: Path) -> Slot | None:
    """Find what a line is of which a device has one in all its sections; None if it may stand in several."""
    return _first(vendor.once, path)


def _first(patterns: Iterable[LinePattern], path: Path) -> Slot | None:
    for number, pattern in enumerate(patterns if path[-1] not in MARKS else ()):
        match = ends(pattern, path)
        if match:
            return number, match.groups()
    return None


def is_ordered(vendor: Vendor, section: Path) -> bool:
    """Tell whether the order of what stands right below this section is meaning."""
    return any(
        len(pattern) == len(section) and all(re.fullmatch(p, text) for p, text in zip(pattern, section, strict=True))
        for pattern in vendor.ordered
    )


def ends(pattern: LinePattern, path: Path) -> re.Match[str] | None:
    """Match the pattern against the last lines of a path; returns the match in the last line."""
    last = re.search(pattern[-1], path[-1])
    if last is None or len(pattern) == 1:
        return last
    above = zip(pattern[-2::-1], path[-2::-1], strict=False)
    return last if len(pattern) <= len(path) and all(re.search(p, text) for p, text in above) else None


def paths(lines: Lines, above: Path = ()) -> Iterator[Path]:
    """Yield every line with the lines that it stands below, outermost first."""
    for text, below in lines.items():
        yield (*above, text)
        yield from paths(below, (*above, text))


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
