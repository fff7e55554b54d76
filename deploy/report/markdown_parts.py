"""What pages of Markdown are made of: text that is no Markdown, fences that nothing closes, a largest size."""

from __future__ import annotations

import re
from collections.abc import Sequence

from deploy.model.text import inline, safe

LARGEST = 60_000
"""Characters that a text may have: GitHub takes 65,536, GitLab more."""


def plain(text: str) -> str:
    """Return a text on one line that is no Markdown, no HTML, and calls nobody by name to whoever shows it."""
    return re.sub(r"[^\w\s.,:/«»åäöÅÄÖ-]|_", lambda found: f"&#{ord(found[0])};", inline(text))


def fenced(language: str, lines: Sequence[str]) -> list[str]:
    """Put lines between fences that nothing in them can close."""
    if not any(lines):
        return []
    text = safe("\n".join(lines))
    fence = "`" * max(3, 1 + max((len(run) for run in re.findall("`+", text)), default=0))
    return [f"{fence}{language}", text, fence, ""]


def cut_at(text: str, largest: int, note: str) -> str:
    """Cut a text at the end of a line where it is too long, and say so: nobody may take a part for the whole."""
    if len(text) <= largest:
        return text
    note = f"\n\n**{note}**\n"
    return text[: largest - len(note)].rpartition("\n")[0] + note


def that_fit(texts: Sequence[str], room: int, *, beside: int = 0) -> frozenset[int]:
    """Return which texts fit together, the shortest first, so that as many as can be are shown.

    Args:
        beside: characters that showing one takes beside the text.
    """
    shown = set[int]()
    for number in sorted(range(len(texts)), key=lambda n: (len(texts[n]), n)):
        room -= len(texts[number]) + beside
        if room < 0:
            break
        shown.add(number)
    return frozenset(shown)
