"""Compare what an account that may only look is not shown: as neither the same nor different. Pure.

A device shows such an account a mask in the place of a value, or leaves a section out. What was last declared there is
taken to be so, and told as *concealed*: whoever sees everything (the account that changes the device) decides. So a
plan by either account says the same as long as what is concealed is as it was declared.

What a vendor's device conceals is its `Looking`. Not here: a secret that a device shows in a form of its own, to
everybody (`difference`).
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from roles.shared.device.lines import Lines, Path, is_in, lines_below, paths
from roles.shared.device.masking import masked
from roles.shared.device.ownership import path_text
from roles.shared.device.reading import Configuration
from roles.shared.device.vendor import WITHHELD, Vendor


def with_marks(vendor: Vendor, running: str) -> str:
    """Return what a device printed, with the mark of a withheld value where it printed its mask."""
    return re.sub(vendor.looking.mask, WITHHELD, running)


def take_as_declared(vendor: Vendor, has: Configuration, wants: Configuration, declared: Lines) -> tuple[str, ...]:
    """Add what was declared, and is concealed, to what a device has; what is intended, where nothing was.

    Args:
        declared: what was last declared (`ownership.last_declared`). What is intended otherwise since then is a change
            by both accounts: a key that was withdrawn, say.

    Returns:
        What is concealed, each line or section once, after those that it stands below.
    """
    known = (declared, wants.managed)
    found = (*_masked(vendor, has, known), *_left_out(vendor, has, known))
    return tuple(dict.fromkeys(masked(path_text(vendor, path)) for path in found))


def _masked(vendor: Vendor, has: Configuration, known: Sequence[Lines]) -> list[Path]:
    """Put the known lines in the place of those that have a mask where these have a value."""
    found = []
    for path in [p for p in paths(has.managed) if _has_mask(vendor, p, has)]:
        *above, text = path
        section = next((lines_below(of, tuple(above)) for of in known if is_in(tuple(above), of)), {})
        there = lines_below(has.managed, tuple(above))
        value = re.compile(".+".join(map(re.escape, text.split(WITHHELD))))
        same = [line for line in section if line not in there and value.fullmatch(line)]
        if same:
            del there[text]
            there.update({line: _copy(section[line]) for line in same})
            found.append(path)
    return found


def _has_mask(vendor: Vendor, path: Path, has: Configuration) -> bool:
    """Tell whether a line has a mask of the device's; of a line with a secret, the value is not compared anyway."""
    raw = has.raw.get(path, "")
    return WITHHELD in path[-1] and WITHHELD in raw and vendor.masked(raw) == raw


def _left_out(vendor: Vendor, has: Configuration, known: Sequence[Lines]) -> list[Path]:
    """Add the known sections of the kinds that are left out, where they are not shown."""
    found = []
    for *section, told_by in vendor.looking.left_out:
        for lines, path in [(of, p) for of in known for p in paths(of) if len(p) == len(section)]:
            of_kind = all(re.fullmatch(p, line) for p, line in zip(section, path, strict=True))
            below = lines_below(lines, path)
            if of_kind and any(re.fullmatch(told_by, line) for line in below) and not is_in(path, has.managed):
                _at(has.managed, path).update(_copy(below))
                found.append(path)
    return found


def _at(lines: Lines, path: Path) -> Lines:
    for text in path:
        lines = lines.setdefault(text, {})
    return lines


def _copy(lines: Lines) -> Lines:
    return {text: _copy(below) for text, below in lines.items()}
