"""What the configuration modes of all vendors have in common: a tree of lines, and a place in it. Pure."""

from __future__ import annotations

import hashlib

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
