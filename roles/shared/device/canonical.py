"""The one form in which configurations of a vendor are compared, however a device or a template writes them. Pure.

What a device runs and what is intended are both brought into it. What a vendor writes in more than one way is data of
its `Vendor`: `spellings`, `lists`, `unordered`, `numbered`, `defaults`. Every line of this form can be typed.

Not here: what tells two configurations apart (`difference`), and how a long line is typed (`writing`).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from functools import cache, lru_cache
from ipaddress import IPv4Network, IPv6Address

from roles.shared.device.lines import REMEMBERED, Lines, Path, Slot, ends, is_numbered, is_permanent, opposite, slot_of
from roles.shared.device.vendor import NumberList, Vendor, any_of
from roles.shared.device.words import values_of

NUMBERS = r"\d+(?:-\d+)?(?:,\d+(?:-\d+)?)*"
MASK = re.compile(r"(?<=\d)/((?:\d{1,3}\.){3}\d{1,3})(?!\S)")
IPV6 = re.compile(r"(?<![\w:.])[\dA-Fa-f]*(?::[\dA-Fa-f]*){2,7}(?:(?<=:)\d{1,3}(?:\.\d{1,3}){3})?(?![\w:.])")
"""What may be an address of IPv6: devices print it in capitals, or with more zeros than others."""
ALL = range(1, 4095)
"""The VLANs that a trunk carries until it is told otherwise."""
STEP = 10
"""Between the numbers that a device gives to entries without one."""


@lru_cache(maxsize=REMEMBERED)
def spelled(vendor: Vendor, path: Path) -> Path:
    """Return the path of a line in the spelling in which it is compared."""
    above, text = spelled(vendor, path[:-1]) if len(path) > 1 else (), path[-1]
    form = _spelled(vendor, above, text)
    if "\n" in text or "\n" not in form:
        return (*above, form)
    return spelled(vendor, (*above, *form.split("\n")))


def _spelled(vendor: Vendor, above: Path, text: str) -> str:
    if vendor.syntax == "blocks" and text.startswith("set ") and "\n" not in text:
        _, key, *values = text.split(" ", 2)
        in_order = any_of(*vendor.unordered).fullmatch(key) is None
        text = " ".join(["set", key, *(values_of(value, in_order=in_order) for value in values)])
    if "\n" in text:
        return text
    if text.count(":") > 1:
        text = IPV6.sub(_shortest, text)
    if vendor.masks:
        text = MASK.sub(_length, text)
    if not vendor.spelled.search(text):
        return text
    for spelling in vendor.spellings:
        if ends(spelling.line, (*above, text)):
            text = re.sub(spelling.line[-1], spelling.form, text)
    return re.sub(vendor.interface_after, lambda m: m[1] + vendor.whole_name(m[2]), text)


def _shortest(address: re.Match[str]) -> str:
    """Return an address of IPv6 as RFC 5952 has it; as it is, if it is none."""
    try:
        return str(IPv6Address(address[0]))
    except ValueError:
        return address[0]


def _length(mask: re.Match[str]) -> str:
    """Return a network's mask as a length; as it is, if it is none."""
    try:
        return f"/{IPv4Network(f'0.0.0.0/{mask[1]}').prefixlen}"
    except ValueError:
        return mask[0]


def canonical(vendor: Vendor, lines: Lines) -> Lines:
    """Return the lines in the form in which they are compared."""
    return _numbered(vendor, _with_lists(vendor, lines))


# Lists of numbers


def _with_lists(vendor: Vendor, lines: Lines) -> Lines:
    """Return lists of numbers in one spelling, or number by number if each is a setting of its own."""
    if not vendor.lists:
        return lines
    listed: Lines = {}
    heads: dict[tuple[str, str], set[int]] = {}
    for written, below in lines.items():
        text, of, found = _list_in(vendor, written)
        if of is None or found is None:
            listed[text] = _with_lists(vendor, below)
        elif of.each:
            head, rest = found[1], text[found.end() :]
            for n in numbers_of(found["numbers"]):
                listed.setdefault(f"{head}{n}{rest}", {}).update(_with_lists(vendor, below))
        else:
            head = text[: found.start()] + found[1], text[found.end() :]
            listed.pop(f"{head[0]}{ranges(heads.get(head, set()))}{head[1]}", None)
            heads[head] = _changed(heads.get(head), found)
            listed[f"{head[0]}{ranges(heads[head])}{head[1]}"] = below
    return listed


@lru_cache(maxsize=REMEMBERED)
def _list_in(vendor: Vendor, text: str) -> tuple[str, NumberList | None, re.Match[str] | None]:
    """Return a line with every list of numbers in its shortest form, and the first of them."""
    for of in vendor.lists:
        text = _numbers_after(of.line).sub(lambda m: m["head"] + ranges(numbers_of(m["numbers"])), text)
    return text, *next(lists_in(vendor, text), (None, None))


def lists_in(vendor: Vendor, text: str) -> Iterator[tuple[NumberList, re.Match[str]]]:
    """Yield each list of numbers in a line: group 1 of the match stands before it, the group `numbers` is the list."""
    for of in vendor.lists:
        if found := _list_after(of.line).search(text):
            yield of, found


@cache
def _numbers_after(line: str) -> re.Pattern[str]:
    return re.compile(rf"(?P<head>{line})(?P<numbers>{NUMBERS})(?!\S)")


@cache
def _list_after(line: str) -> re.Pattern[str]:
    return re.compile(rf"(?:{line})(?P<numbers>{NUMBERS})(?!\S)")


def _changed(before: set[int] | None, found: re.Match[str]) -> set[int]:
    """Return the numbers of a list after a further line of it, which may add to it or take away."""
    how, numbers = found.groupdict().get("how"), set(numbers_of(found["numbers"]))
    if how == "except":
        return set(ALL) - numbers
    if how == "remove":
        return (set(ALL) if before is None else before) - numbers
    return (before or set()) | numbers


def numbers_of(text: str) -> list[int]:
    """Return the numbers of `1,3-5`, in order."""
    spans = (part.partition("-") for part in text.split(","))
    return sorted({n for a, _, b in spans for n in range(int(a), min(int(b or a), max(int(a), ALL[-1])) + 1)})


def ranges(numbers: Collection[int]) -> str:
    """Return the shortest list of these numbers."""
    runs: list[list[int]] = []
    for number in sorted(numbers):
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    return ",".join(str(r[0]) if len(r) == 1 else f"{r[0]}-{r[-1]}" for r in runs)


# Entries with and without a number


def _numbered(vendor: Vendor, lines: Lines, above: Path = ()) -> Lines:
    """Return entries that a device would number as they come with the numbers that it would give them."""
    if not vendor.numbered:
        return lines
    numbered: Lines = {}
    last = 0
    for text, below in lines.items():
        path = (*above, text)
        if is_numbered(vendor, path):
            last += STEP
            numbered[f"{last} {text}"] = below
            continue
        if number := re.match(r"(\d+) ", text):
            last = max(last, int(number[1]))
        numbered[text] = _numbered(vendor, below, path)
    return numbered


# Defaults


def without_defaults(vendor: Vendor, has: Lines, wants: Lines) -> tuple[Lines, Lines]:
    """Return two configurations without the defaults that one of them says, and of which the other says nothing; what
    the device has without what it gave itself, too.
    """
    if has == wants or not (vendor.defaults or vendor.given):
        return has, wants
    defaults, given = any_of(*vendor.defaults), any_of(*vendor.defaults, *vendor.given)
    return _without(vendor, has, wants, (), given), _without(vendor, wants, has, (), defaults)


def _without(vendor: Vendor, lines: Lines, other: Lines, above: Path, which: re.Pattern[str]) -> Lines:
    kept: Lines = {}
    slots: set[Slot | None] | None = None
    for text, below in lines.items():
        path = (*above, text)
        if text not in other and which.fullmatch("\n".join(path)):
            if slots is None:
                slots = {slot_of(vendor, (*above, line)) for line in other} - {None}
            if opposite(text) not in other and slot_of(vendor, path) not in slots:
                continue
        rest = _without(vendor, below, other.get(text, {}), path, which)
        if rest or not below or not (vendor.syntax == "set" or is_permanent(vendor, path)):
            kept[text] = rest
    return kept
