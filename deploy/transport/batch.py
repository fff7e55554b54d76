"""Many commands in one exec: the script that asks them all, and the reading of its output. Pure text.

Each command runs under `timeout`, with nothing on stdin, and is followed on both streams by a random marker,
so no output can be taken for another's.
"""

from __future__ import annotations

import secrets
import shlex
from collections.abc import Sequence

from inventory.frozen import Frozen

KILL_AFTER = 2
"""Seconds between TERM and KILL for a command that overstays its time."""

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


def script(commands: Sequence[str], mark: str, each: float) -> str:
    """Return a shell script that runs every command in turn, each for at most `each` seconds."""
    guard = f"timeout -k {KILL_AFTER} {each:g}"
    asks = (
        f"{guard} sh -c {shlex.quote(command)} </dev/null; printf '\\n{mark} %s\\n' $?; printf '\\n{mark}\\n' >&2"
        for command in commands
    )
    return "\n".join([*asks, "exit 0", ""])


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
