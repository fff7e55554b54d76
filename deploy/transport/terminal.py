"""What a vendor's command line prints, read as a person at a terminal would. Pure text: no session, no device.

A device is asked by typing, and nothing but its prompt says that it is done. Whatever it prints before (a banner, a
description) may look like that prompt: see `at_rest`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from inventory.errors import SamdriftError

PROMPT = re.compile(r"(?:^|\n)([^\s#>$%()]{1,64}(?: ?\([^()\n]{1,64}\))?(?:[#>$%]| [#$])) ?\Z")
"""A last line that is a prompt of any vendor, in any mode."""

CONTEXT = (
    r"(?:\{(?:master|backup|primary|secondary|line)[^\n]*\})?(?:\[edit[^\n]*\])?[ \t]*|# commit confirmed will [^\n]*"
)
"""Lines that belong to a prompt and stand above it."""

PAGER = re.compile(
    r"(?:^|[\r\n])[ \t]*-{2,3} ?\(?more\)?(?: \d+%\))? ?-{2,3}(?:, next page[^\r\n]*quit: q)?[ \t]*\Z", re.IGNORECASE
)
"""The end of a page, at which the device waits for a key."""

QUESTION = re.compile(
    r"[^\n]*(?:\[confirm\]|[(\[]y(?:es)?[/,]no?[)\]](?: ?[(\[](?:y|n|yes|no)[)\]])?)[ ?:]*\Z", re.IGNORECASE
)
"""A last line by which a device asks whether it shall really do as it was told."""

ESCAPE = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-JL-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[()][A-Z0-9]|[=>A-DF-Z78])")
"""What tells a terminal how to show text, except the two that change which text it is: see `_overwritten`."""

UNTYPABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


class Untypable(SamdriftError):
    """A line that would be more, or other, than one line of configuration if it were typed."""


def must_be_typable(lines: Sequence[str], where: str) -> None:
    """Refuse lines that a command line would obey while they are typed.

    The error does not quote the line: it may hold a secret.

    Raises:
        Untypable: a control character (the end of the line, completion), or a `?`, by which a device is asked for help.
    """
    for number, line in enumerate(lines, 1):
        if why := untypable(line):
            raise Untypable(f"line {number} has {why}", where=where, fix="write it without one in NetBox")


def untypable(line: str) -> str:
    """Name what in a line a command line would obey while it is typed; empty if nothing."""
    if UNTYPABLE.search(line):
        return "a control character in it"
    return "a question mark in it, by which a device is asked for help" if "?" in line else ""


def shown(raw: str) -> str:
    """Return what a terminal would show: lines end in newlines, and what was erased is gone."""
    text = re.sub(r"\r+\n", "\n", unescaped(raw))
    if not re.search(r"[\r\b\x1b]", text):
        return text.replace("\x07", "").replace("\x00", "")
    return "\n".join(_overwritten(line) if re.search(r"[\r\b\x1b]", line) else line for line in text.split("\n"))


def unescaped(raw: str) -> str:
    """Remove the escape sequences that only tell a terminal how to show the text."""
    return ESCAPE.sub("", raw)


def _overwritten(line: str) -> str:
    """Return a line as it reads after the cursor went back in it."""
    cells: list[str] = []
    at = 0
    for part in re.split(r"(\x1b\[\d?K|\x1b.?|[\r\b\x07\x00])", line):
        if part == "\r":
            at = 0
        elif part == "\b":
            at = max(0, at - 1)
        elif re.fullmatch(r"\x1b\[0?K", part):
            del cells[at:]
        elif part == "\x1b[2K":
            cells[:] = " " * at
        elif part and part[0] not in "\x1b\x07\x00":
            cells[at : at + len(part)] = part
            at += len(part)
    return "".join(cells).rstrip()


def prompt_at_end(text: str) -> str:
    """Return the prompt in the last line; empty if there is none."""
    found = PROMPT.search(text)
    return found[1] if found else ""


def name_in(prompt: str) -> str:
    """Return the part of a prompt that stays the same in every mode.

    Cisco shortens a long one in its configuration mode.
    """
    return re.sub(r" ?(?:\([^()]*\))? ?[#>$%] ?\Z", "", prompt)[:12]


def mode_of(prompt: str) -> tuple[bool, str]:
    """Return the part of a prompt that differs between the modes of a device."""
    return "(" in prompt, prompt[-1:]


def without_prompts(text: str, name: str) -> str:
    """Return the text without the prompts with which lines of it begin: a message may stand right behind one."""
    return re.sub(rf"(?m)^{re.escape(name)}[^\s#>$%()]* ?(?:\([^()\n]*\))? ?[#>$%] ?", "", text) if name else text


def before_prompt(text: str) -> str:
    """Return the text before the prompt in the last line, and before what belongs to the prompt."""
    lines = text.split("\n")[:-1]
    while lines and re.fullmatch(CONTEXT, lines[-1]):
        lines.pop()
    return "".join(f"{line}\n" for line in lines)


def is_disturbed(text: str, name: str) -> bool:
    """Tell whether a prompt stands in an answer with something after it that nobody typed: a message of the device's
    own.
    """
    prompt = rf"(?m)^{re.escape(name)}[^\s#>$%()]* ?(?:\([^()\n]*\))? ?[#>$%]"
    return bool(name) and not prompt_at_end(text) and re.search(prompt, text) is not None


def at_rest(text: str, prompt: str) -> re.Match[str] | None:
    """Match if the text ends in two prompts in a row: the Enter typed at the first got only a second one.

    In the middle of an answer, the rest of the answer follows instead.
    """
    if not prompt:
        return None
    p = re.escape(prompt.strip())
    return re.search(rf"(?:^|\n)(?:(?:{CONTEXT})\n)*{p} *\n(?:(?:{CONTEXT})\n)*{p} *\Z", text)


def before_rest(text: str, prompt: str) -> str:
    """Return what the device printed before it was at rest."""
    tail = text[-1000:]
    end = at_rest(tail, prompt)
    return text if end is None else f"{text[: len(text) - len(tail) + end.start()]}\n"


def without_echo(text: str, typed: str) -> str | None:
    """Return the text after the echo of `typed`, however the device wrapped it; None if there is no echo.

    What stands before that line is older: a prompt that came late.
    """
    for start in _starts(text, typed):
        at = _end_of(text, typed, start)
        if at is not None:
            return text[at:].partition("\n")[2]
    return None


def _starts(text: str, typed: str) -> Iterator[int]:
    yield 0
    at = text.find(typed)
    while at > 0:
        yield at
        at = text.find(typed, at + 1)


def _end_of(text: str, typed: str, at: int) -> int | None:
    for char in typed:
        while at < len(text) and text[at] != char and text[at] in " \n":
            at += 1
        if at == len(text) or text[at] != char:
            return None
        at += 1
    end = text.find("\n", at)
    return at if end >= 0 and not text[at:end].strip() else None
