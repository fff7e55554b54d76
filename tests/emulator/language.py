"""What the configuration modes of all vendors have in common: a tree of lines, and a place in it. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

Tree = dict[str, "Tree"]
"""Lines, and what stands below each."""


class Refused(Exception):
    """What a device says to a line that it does not take."""


class Editor:
    """A device in configuration mode. `tree` is what it has; `path` is where one is in it."""

    def __init__(self, tree: Tree) -> None:
        self.tree, self.path = tree, list[str]()
        self.left = False

    def type(self, line: str) -> None:
        """Take a line, or raise Refused."""
        raise NotImplementedError

    @property
    def here(self) -> Tree:
        """What stands below the path."""
        node = self.tree
        for line in self.path:
            node = node[line]
        return node


def hashed(secret: str) -> str:
    """What a device shows in place of a secret."""
    return hashlib.sha256(secret.strip('"').encode()).hexdigest()[:24]


def set_of(text: str) -> frozenset[str]:
    """The words of a text."""
    return frozenset(text.split())


def numbers(text: str) -> list[int]:
    """The numbers of `1,3-5`."""
    found: set[int] = set()
    for part in text.split(","):
        first, _, last = part.partition("-")
        found.update(range(int(first), int(last or first) + 1))
    return sorted(found)


def ranges(of: Iterable[int]) -> str:
    """The shortest text that `numbers` reads as these."""
    runs: list[list[int]] = []
    for number in sorted(of):
        if runs and number == runs[-1][1] + 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    return ",".join(str(a) if a == b else f"{a}-{b}" for a, b in runs)
