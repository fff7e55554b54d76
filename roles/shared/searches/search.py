"""A search: one question to a server, and a pure function that tells which things in the answer nobody declares.

A role that answers for a kind of thing (packages, units, ports …) names its searches in `SEARCHES`; each is asked in
the one round of a look. Not here: who asks (`deploy.engine.unmanaged`), and what a finding says
(`deploy.model.unmanaged`).
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from pydantic import Field

from inventory.frozen import Frozen
from roles.shared.look_program import NOT_LET
from roles.shared.searches.together import LARGEST
from roles.shared.traffic import Listen

TIMED_OUT = 124
"""Exit status of a command that was ended as it took too long."""
LONGEST_NAME = 300
"""Letters of a thing's name that are told; whoever made the thing chose it."""


FILE = "file"
"""The kind of a file in a directory that a role owns: it is named by its path alone."""


STRAY = "stray"
"""The kind of a file that no package and no role brought."""


class Found(Frozen):
    """A thing that stands on a host: its name, as people type it, and what tells it from another of this name."""

    name: str
    state: str = ""

    @classmethod
    def named(cls, name: str) -> Found:
        """Return a thing of which its name is all."""
        return cls(name=name)


class Declarations(Frozen):
    """What all roles of a host declare, as far as searches compare with it.

    `units` are those that a role wants enabled or running, and what its handlers restart. `owned` are directories
    that a role owns, whose files a search of their own tells; `accounts` are those that may log in, with their groups.
    `expects` has, by the kind of a search, patterns of names that are known to stand there (`*` is any letters).
    """

    packages: frozenset[str] = frozenset()
    units: frozenset[str] = frozenset()
    files: frozenset[str] = frozenset()
    owned: frozenset[str] = frozenset()
    accounts: Mapping[str, frozenset[str]] = Field(default_factory=dict)
    listens: tuple[Listen, ...] = ()
    expects: Mapping[str, tuple[str, ...]] = Field(default_factory=dict)

    def expected(self, kind: str, name: str) -> bool:
        """Tell whether a role or the organisation says that this stands there."""
        return any(matches(pattern, name) for pattern in self.expects.get(kind, ()))


class Unread(Exception):
    """An answer that says nothing to rely on; the text says why."""


@dataclass(frozen=True)
class Search:
    """A kind of thing that may stand on a host though nobody declares it.

    Attributes:
        kind: the word by which waivers, `expects` and `--json` name such a thing.
        question: a shell command that writes nothing, and ends with 0 where it told everything.
        undeclared: the things in its answer that nobody declares.
        as_root: it cannot be answered in the look's sandbox, and is asked word by word as root, alone.
        is_slow: it is asked after the others, as it may take all the time that there is.
        needs_all: it compares with what all roles of a host declare; a look at some of them leaves it out.
        remove: the words of a command that removes such a thing, `{name}` for its name; empty where none does.
    """

    kind: str
    question: str
    undeclared: Callable[[str, Declarations], Iterable[Found]]
    as_root: bool = False
    is_slow: bool = False
    needs_all: bool = True
    remove: tuple[str, ...] = ()

    @property
    def asked(self) -> str:
        """Return the question as it is asked among others: at the end of its answer stands how the command ended."""
        return f"{{ {self.question}\nprintf '\\nended %s\\n' $?; }} 2>/dev/null"

    @property
    def asked_alone(self) -> str:
        """Return the question as it is asked by itself: so much of the answer at most."""
        return f"{self.asked} | head -c {LARGEST}"

    def unexpected(self, answer: str, declared: Declarations, *, rc: int = 0) -> tuple[Found, ...]:
        """Return the things in an answer that nobody declares or expects, each name once and in order.

        Args:
            rc: how the shell ended that was asked.

        Raises:
            Unread: it is not whole, or its command failed: that nothing is there is not known then.
        """
        if rc == TIMED_OUT:
            raise Unread("there was no answer in time")
        if rc == NOT_LET:
            raise Unread("its account for looks may not ask this until role base is applied")
        if rc and not answer:
            raise Unread(f"its command ended with {rc}")
        body, _, end = answer.rpartition("\nended ")
        if not re.fullmatch(r"\d{1,3}\n", end):
            raise Unread("there is more than is read")
        if end != "0\n":
            raise Unread(f"its command ended with {end.strip()}")
        try:
            found = {f.name: f for f in self.undeclared(body, declared) if not declared.expected(self.kind, f.name)}
        except (ValueError, IndexError, KeyError, StopIteration, RuntimeError) as e:
            raise Unread(f"its answer cannot be understood: {type(e).__name__}") from e
        return tuple(Found(name=name[:LONGEST_NAME], state=found[name].state[:LONGEST_NAME]) for name in sorted(found))


def matches(pattern: str, name: str) -> bool:
    """Tell whether a pattern, in which `*` is any letters, is about this whole name."""
    return re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), name, re.DOTALL) is not None


def removal(words: Iterable[str], name: str) -> str:
    """Return a command that removes a thing, to be pasted into a shell."""
    return shlex.join(word.replace("{name}", name) for word in words)
