"""Texts of a review as people may read them: what may be a secret withheld, and a diff of bounded size. Pure.

Both sides are what a merge request says: nobody promised that a password in it stands where a secret should. What a
role declares as a secret has its name (`‹secret:name›`), and that stays.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence

from roles.shared.device.masking import masked_lines
from roles.shared.device.vendor import WITHHELD

LINES_COMPARED = 6000
"""Lines that are compared one by one: beyond them a diff takes minutes, and nobody reads it."""
LONGEST_DIFF = 200_000
"""Characters of one diff; the rest is counted."""
LONGEST_LINE = 2000

NAMED = re.compile(
    r"(?i)^(?P<before>.*?(?:^|[\s\"'_.-])(?:\w*pass(?:word|wd|phrase)?|pwd|secrets?|\w*token|api[-_ ]?key"
    r"|private[-_ ]?key|psk|pre-?shared-?key|community|credentials?|lösenord|hemlighet)[\"']?\s*(?::=|=>|[:=]|\s)\s*)"
    r"(?P<value>(?!‹)[^\s].*)$"
)
"""A line of a server's file that says a secret behind its name."""
LOOKS = re.compile(
    r"\$(?:[0-9]|2[aby]|y|7|apr1|argon2id?|sha\d+)\$\S{8,}|\{[A-Z0-9-]{3,12}\}[\w+/=]{8,}|(?<=://)[^/\s:@]*:[^/\s@]+(?=@)"
)
"""What is one whatever stands before it: crypt(3), a login in a URL."""
PGPASS = re.compile(r"^((?:[\w.*-]+|\[[0-9a-f:]+\]):(?:\d+|\*):[^:\s]+:[^:\s]+:)(?!‹)\S+$")
"""A line of PostgreSQL's file of passwords, which has no word for what stands last."""
HARMLESS = re.compile(r"(?i)^\W*(?:no|yes|true|false|none|null|prohibit-password|\d{1,4}|\[|\{|\\?\n|)\W*$")
"""What may stand behind such a word and is none: a switch, a number, the beginning of a block."""
PEM = re.compile(r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY")


def shown(text: str, *, of_device: bool) -> list[str]:
    """Return the lines of a text, each safe to be read by whoever reads a merge request."""
    lines = text.splitlines()
    if of_device:
        lines = [line for line in masked_lines(lines) if line is not None]
    found: list[str] = []
    in_key = False
    for line in lines:
        if in_key:
            in_key = "-----END " not in line
            continue
        if PEM.search(line):
            in_key = "-----END " not in line
            found.append(WITHHELD)
            continue
        found.append(masked(line))
    return found


def masked(line: str) -> str:
    """Return a line, or a name, a reason, a problem, without what may be a secret in it."""
    if (named := NAMED.match(line)) and not HARMLESS.match(named["value"]) and not line.lstrip().startswith("#"):
        return f"{named['before']}{WITHHELD}"
    if login := PGPASS.match(line):
        return f"{login[1]}{WITHHELD}"
    return LOOKS.sub(WITHHELD, line)


def diff(before: str, after: str, *, of_device: bool = False) -> str:
    """Return a unified diff of two texts, of bounded size; it always says something where they differ."""
    old, new = shown(before, of_device=of_device), shown(after, of_device=of_device)
    if old == new:
        same = before.splitlines() == after.splitlines()
        why = "they differ in how lines end" if same else f"a value that may be a secret differs: {WITHHELD}"
        return f"@@ @@\n\\ {why}\n"
    start, end = _common(old, new)
    middle = (old[start : len(old) - end], new[start : len(new) - end])
    large = sum(map(len, middle)) > LINES_COMPARED
    if large and not all(middle):  # lines are there on one side alone: nothing is to be compared
        place = f"@@ -{start + 1},{len(middle[0])} +{start + 1},{len(middle[1])} @@"
        return _bounded([place, *(f"-{line}" for line in middle[0]), *(f"+{line}" for line in middle[1])])
    if large:
        return f"@@ -{start + 1},{len(middle[0])} +{start + 1},{len(middle[1])} @@\n\\ too long to be compared\n"
    lines = list(difflib.unified_diff(old, new, "before", "after", n=2, lineterm=""))[2:]
    return _bounded(lines)


def _common(old: Sequence[str], new: Sequence[str]) -> tuple[int, int]:
    """Return how many lines are the same at the start, and at the end."""
    most = min(len(old), len(new))
    start = next((n for n in range(most) if old[n] != new[n]), most)
    end = next((n for n in range(most - start) if old[-1 - n] != new[-1 - n]), most - start)
    return start, end


def _bounded(lines: Sequence[str]) -> str:
    lines = [line if len(line) <= LONGEST_LINE else f"{line[:LONGEST_LINE]}…" for line in lines]
    room, kept = LONGEST_DIFF, 0
    for line in lines:
        room -= len(line) + 1
        if room < 0:
            break
        kept += 1
    more = f"\\ {len(lines) - kept} more lines\n" if kept < len(lines) else ""
    return "".join(f"{line}\n" for line in lines[:kept]) + more
