"""Put the entries of a section into the intended order, where the first that matches counts. Pure.

A device appends a new entry to the others, however it is typed. So what comes after a change is known, and moves are
typed behind it: `insert … term new before term others` on Junos, `move 3 before 1` on FortiOS. Entries that nobody
declares stay where they are.

Not here: which entries a section has (`difference`), and sections whose order means nothing.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection, Iterator, Sequence
from typing import Literal, NamedTuple

from roles.shared.device.lines import Lines, Path, is_permanent
from roles.shared.device.reading import Configuration
from roles.shared.device.vendor import Vendor


class Move(NamedTuple):
    """An entry, and the one right before or after which it is to stand."""

    entry: str
    where: Literal["before", "after"]
    of: str


def moves(present: Sequence[str], wanted: Sequence[str]) -> tuple[list[Move], list[str]]:
    """Find the moves that bring the wanted entries into their order.

    Args:
        present: all entries in the device's order; those of `wanted` that are not among them have been appended.

    Returns:
        The moves, as few as there can be, and all entries in the order that they lead to.
    """
    now = [*present, *(entry for entry in wanted if entry not in present)]
    settled = _longest_in_order([entry for entry in present if entry in wanted], wanted)
    found = []
    for number, entry in enumerate(wanted):
        if entry in settled:
            continue
        following = next((other for other in wanted[number + 1 :] if other in settled), None)
        settled.add(entry)
        at = now.index(entry)
        if following is not None:
            move = Move(entry, "before", following)
            is_there = now[at + 1 : at + 2] == [following]
        elif number:
            move = Move(entry, "after", wanted[number - 1])
            is_there = at > 0 and now[at - 1] == wanted[number - 1]
        else:
            continue  # all are new: there is nothing to hold to
        if not is_there:
            found.append(move)
            now.remove(entry)
            now.insert(now.index(move.of) + (move.where == "after"), entry)
    return found, now


def _longest_in_order(present: Sequence[str], wanted: Sequence[str]) -> set[str]:
    """Return the most entries that are in the wanted order already."""
    place = {entry: number for number, entry in enumerate(wanted)}
    ends: list[int] = []  # the lowest place at which so many entries in order can end
    lengths = []
    for entry in present:
        length = bisect_left(ends, place[entry])
        ends[length : length + 1] = [place[entry]]
        lengths.append(length)
    kept: list[str] = []
    for entry, length in zip(reversed(present), reversed(lengths), strict=True):
        if length == len(ends) - 1 - len(kept) and (not kept or place[entry] < place[kept[-1]]):
            kept.append(entry)
    return set(kept)


def ordering(vendor: Vendor, has: Configuration, wants: Configuration) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Find what is typed behind a change, and behind its rollback, for the order of entries."""
    forth: list[str] = []
    back: list[str] = []
    for section in sorted({*has.order, *wants.order}):
        before, wanted = has.order.get(section, []), wants.order.get(section, [])
        there, after = moves(before, wanted)
        forth += _typed(vendor, section, there)
        if not before:
            continue  # the rollback takes away all of it
        stay = {*wanted, *_below(has.other, section)}
        back += _typed(vendor, section, moves([entry for entry in after if entry in stay], before)[0])
    return tuple(forth), tuple(back)


def _below(lines: Lines, section: Path) -> Collection[str]:
    for text in section:
        lines = lines.get(text, {})
    return lines


def _typed(vendor: Vendor, section: Path, of: Sequence[Move]) -> Iterator[str]:
    """Yield the lines that move entries of a section."""
    if not of:
        return
    if vendor.syntax == "set":
        head, kind = " ".join(section), f"{section[-1]} " if is_permanent(vendor, section) else ""
        yield from (f"insert {head} {move.entry} {move.where} {kind}{move.of}" for move in of)
        return
    for depth, text in enumerate(section):
        yield f"{'  ' * depth}{text}"
    for move in of:
        entry, other = (text.removeprefix("edit ") for text in (move.entry, move.of))
        yield f"{'  ' * len(section)}move {entry} {move.where} {other}"
    for depth, text in reversed(list(enumerate(section))):
        yield f"{'  ' * depth}{'next' if text.startswith('edit ') else 'end'}"
