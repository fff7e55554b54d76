r"""Split lines into words as FortiOS and Junos do, where quotation marks hold a word together. Pure.

In a text in quotation marks a backslash takes away the meaning of the character behind it: `"C:\\"` ends there, and
`"a \" b"` is one word. Outside of them FortiOS's backslash does the same (`a\ b`), and an apostrophe is a quotation
mark, too, when it is typed; what FortiOS prints has neither.

Sources: FortiOS Administration Guide, "CLI basics", special characters (quotation marks in pairs, `\` before a
character); Junos CLI User Guide, "Configuration statements and identifiers" (strings with spaces in quotation marks).

Not here: which lines begin a text of several lines (`vendor`), and what the words mean.
"""

from __future__ import annotations

import re
from functools import lru_cache

QUOTED = r'"(?:[^"\\]|\\.)*"'
WORD = re.compile(rf"{QUOTED}|\S+", re.DOTALL)
PLAIN = re.compile(r'"([\w./:@+$-]+)"', re.ASCII)
"""A word in quotes that needs none; devices print some with and some without."""
ESCAPED = re.compile(r"\\(.)", re.DOTALL)
MARKS = {"inactive:": ("deactivate", "activate"), "protect:": ("protect", "unprotect")}
"""Words that Junos shows before a statement that counts for nothing, or cannot be changed: how they are put, and taken
away.
"""
SAYS_IT_IS_SECRET = re.compile(r"\s+## SECRET-DATA\s*$")
"""Stands behind a statement of Junos that holds a secret; it is no part of it."""


def words_of(statement: str) -> list[str]:
    """Split a statement into its words, without quotes where a word needs none."""
    return [PLAIN.sub(r"\1", word) for word in WORD.findall(statement)]


def is_open(line: str) -> bool:
    """Tell whether a text in quotation marks begins in this line, or ends in it, and not both."""
    return ESCAPED.sub("", line).count('"') % 2 == 1


def bare(word: str) -> str:
    r"""Return what a word says: without its quotation marks, and without the backslashes that protect a character."""
    if len(word) > 1 and word[0] == word[-1] == '"':
        word = word[1:-1]
    return ESCAPED.sub(r"\1", word)


def quoted(text: str) -> str:
    """Return a text as one word in quotation marks."""
    return '"' + re.sub(r'(["\\])', r"\\\1", text) + '"'


PART = rf"""{QUOTED}|'[^']*'|\\.|[^\s"'\\]+"""
VALUE = re.compile(rf"(?:{PART})+|\S", re.DOTALL)
"""A word of FortiOS: parts in quotation marks, between apostrophes, or with a backslash before what would end them."""
NEEDS_QUOTES = re.compile(r"""[\s"'\\]|^$""")


@lru_cache(maxsize=16384)
def values_of(text: str, *, in_order: bool) -> str:
    """Return the values of an option in one spelling: in quotation marks only where one needs them.

    Args:
        in_order: whether their order is meaning.
    """
    found = [_plain(word) for word in VALUE.findall(text)]
    words = (quoted(word) if NEEDS_QUOTES.search(word) else word for word in found)
    return " ".join(words if in_order else sorted({*words}))


def _plain(word: str) -> str:
    parts = re.findall(PART, word, re.DOTALL) or [word]
    return "".join(part[1:-1] if re.fullmatch("'.*'", part, re.DOTALL) else bare(part) for part in parts)


def statements_of(statement: str) -> list[list[str]]:
    """Split a statement into words; one with a list of values, `[ a b ]`, is one statement for each of them."""
    words = words_of(SAYS_IT_IS_SECRET.sub("", statement))
    if words[-1:] == ["]"] and "[" in words[:-1]:
        begins = words.index("[")
        return [[*words[:begins], value] for value in words[begins + 1 : -1]]
    return [words]
