"""Many commands in one exec: the mark that stands after each answer, and the reading of the output. Pure text.

Each command runs under `timeout`, with nothing on stdin, and is followed on both streams by a random marker,
so no output can be taken for another's: `roles.shared.look_program.framed`, which hosts run, too.
"""

from __future__ import annotations

import secrets

from inventory.frozen import Frozen

TIMED_OUT = frozenset({124, 137})
"""Exit statuses by which coreutils' `timeout` says that it ended a command."""


class Answer(Frozen):
    """The answer of a host to one command."""

    rc: int
    stdout: str
    stderr: str


class Truncated(Exception):
    """The output ends before the last command's marker: the host or the shell died on the way."""


def marker() -> str:
    """Make a text that no command will print."""
    return f"@@samdrift-{secrets.token_hex(12)}"


def answers(stdout: str, stderr: str, mark: str, count: int) -> list[Answer]:
    """Split a script's output into what each of its `count` commands answered.

    Raises:
        Truncated: fewer answers than commands.
    """
    *errors, _ = stderr.split(f"\n{mark}\n")
    found: list[Answer] = []
    rest = stdout
    for index in range(count):
        body, separator, rest = rest.partition(f"\n{mark} ")
        status, newline, rest = rest.partition("\n")
        if not separator or not newline or index >= len(errors):
            raise Truncated(f"{index} of {count} commands answered")
        found.append(Answer(rc=int(status), stdout=body, stderr=errors[index]))
    return found


def looked(stdout: str, stderr: str, mark: str, count: int) -> tuple[list[Answer], frozenset[int]]:
    """Split the output of the program for looks into what each of its `count` commands answered.

    It says first how many of them it ran as root, which it runs first, and in which order it ran all.

    Returns:
        The answers, and the places of those commands that it ran as root.

    Raises:
        Truncated: fewer answers than commands.
    """
    first, _, rest = stdout.partition("\n")
    begins, *numbers = first.split() or [""]
    if begins != mark or not all(n.isdecimal() for n in numbers) or not numbers:
        raise Truncated(f"0 of {count} commands answered")
    fixed, *order = map(int, numbers)
    if sorted(order) != list(range(count)):
        raise Truncated(f"it answered {len(order)} other commands than the {count} that it was asked")
    given = dict(zip(order, answers(rest, stderr, mark, count), strict=True))
    return [given[place] for place in range(count)], frozenset(order[:fixed])
