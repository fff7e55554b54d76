"""Text that is safe and short to show: no character that a terminal obeys, counts in words, long values in brief.

Text from NetBox and from hosts is untrusted: whatever shows it to people passes it through `safe` or `inline` first.
Not here: colours, tables and screens (`views`), and the words of the report (`report.words`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Literal

LONG_WORD = 60
"""A longer word (a public key) is shown by its start and its end."""

OBEYED = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff]"
)
"""Characters that a terminal obeys or hides instead of showing: controls, and Unicode's invisible ones."""


def safe(text: str) -> str:
    """Show every character that a terminal would obey or hide as an escape."""
    return OBEYED.sub(lambda m: m[0].encode("unicode_escape").decode(), text)


def inline(text: object) -> str:
    """Make something a safe text on one line: line ends and tabs are shown, too."""
    return safe(str(text)).replace("\n", "\\n").replace("\t", " ")


def as_json(document: object) -> str:
    """Write a document as JSON that is safe to show: letters as they are, invisible characters escaped."""
    text = json.dumps(document, ensure_ascii=False, indent=2)
    return OBEYED.sub(lambda m: json.dumps(m[0])[1:-1], text)


DiffPart = Literal["head", "place", "old", "new", "same", "note"]
"""What a line of a diff is."""


def diff_lines(text: str) -> list[tuple[DiffPart, str]]:
    """Tell what each line of a unified diff is. What stands above its first `@@` is about the file."""
    parts: list[tuple[DiffPart, str]] = []
    first: Mapping[str, DiffPart] = {"@": "place", "-": "old", "+": "new", "\\": "note"}
    in_hunk = False
    for line in text.rstrip("\n").split("\n"):
        in_hunk = in_hunk or line.startswith("@@")
        if in_hunk:
            parts.append((first.get(line[:1], "same"), line))
        else:
            parts.append(("head" if line.startswith(("---", "+++")) else "note", line))
    return parts


def command_lines(command: str) -> list[str]:
    """Show a command as it is typed after a prompt; its other lines stand below its first."""
    return [f"{'$' if n == 0 else ' '} {line}" for n, line in enumerate(command.split("\n"))]


def several(number: int, thing: str, plural: str = "") -> str:
    """Count things in words: `1 host`, `2 hosts`."""
    return f"{number} {thing if number == 1 else plural or thing + 's'}"


def in_brief(value: object, most: int = 4) -> str:
    """Say a setting in a few words: long lists and texts say how long they are (`--json` has all of it)."""
    if isinstance(value, Mapping):
        return _some([f"{k}: {in_brief(v, 2)}" for k, v in value.items() if v not in (None, "", [], {})], most, ", ")
    if isinstance(value, list | tuple):
        nested = any(isinstance(v, Mapping) for v in value)
        return _some([in_brief(v, 8) for v in value], most, "\n" if nested else ", ")
    if isinstance(value, bool):
        return "yes" if value else "no"
    first, *more = ("" if value is None else str(value)).splitlines() or ["–"]
    shortened = " ".join(word if len(word) <= LONG_WORD else f"{word[:8]}…{word[-12:]}" for word in first.split(" "))
    return f"{shortened} … {several(len(more) + 1, 'line')}" if more else shortened


def _some(items: Sequence[str], most: int, between: str) -> str:
    if len(items) <= most + 1:
        return between.join(items) or "–"
    return between.join([*items[:most], f"… {len(items) - most} more"])
