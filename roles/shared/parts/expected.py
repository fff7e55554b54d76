"""What a command is about to overwrite, and what it must find there: what a look has seen.

Between a look and a write there are other steps: minutes, where packages are installed. What somebody else changed
meanwhile is not overwritten; the host is *stale*. Not here: who asks, and when (`deploy.engine.lock_script`).
"""

from __future__ import annotations

from typing import TypeVar

from pyinfra.api.command import PyinfraCommand

from inventory.frozen import Frozen
from roles.shared.change import digest

C = TypeVar("C", bound=PyinfraCommand)


class Expected(Frozen):
    """The answer that a host must give to a question just before a command.

    Attributes:
        what: the thing that the question is about, as people name it.
        question: a shell command; what it prints counts.
        answers: the SHA-256 (hex) of each output with which the command may go on.
        absent: nothing was there, and this shell command succeeds as long as nothing is. An earlier command of the same
            run may make something: a package brings files along.
        loose: other steps change the answer, in ways that are not known: it counts only before the first of them.
        otherwise: a shell command that cleans up where the command must not go on.
    """

    what: str
    question: str
    answers: tuple[str, ...]
    absent: str = ""
    loose: bool = False
    otherwise: str = ""


def expecting(command: C, expected: Expected) -> C:
    """Let a command carry what it expects to find."""
    command.expected = expected  # type: ignore[attr-defined]  # pyinfra's commands have no field for it
    return command


def expectation(command: object) -> Expected | None:
    """Return what a command expects to find, if it says so."""
    expected = getattr(command, "expected", None)
    return expected if isinstance(expected, Expected) else None


def answer_digest(output: list[str]) -> str:
    """Return the digest of what a host printed, of its lines."""
    return digest("".join(f"{line}\n" for line in output))
