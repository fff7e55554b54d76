"""`ensured`: something about a host that one shell command tells, and that another makes so.

For what no file, package or unit is: a database, a virtual environment, a key. The telling is a question: it
changes nothing and is cheap, as it is asked in every plan.
"""

from __future__ import annotations

from collections.abc import Generator

from pyinfra import host
from pyinfra.api import FactBase, StringCommand, operation
from pyinfra.api.operation import OperationMeta

from roles.shared.change import Change, digest
from roles.shared.parts.expected import Expected, expecting
from roles.shared.parts.explain import explain
from roles.shared.parts.handlers import Handler
from roles.shared.parts.registration import current


class AnswerOfHost(FactBase[str]):
    """The answer of a host to a question; empty if it has none."""

    default = str

    def command(self, question: str) -> str:
        return f"( {question} ) 2>/dev/null || true"

    def process(self, output: list[str]) -> str:
        return "".join(f"{line}\n" for line in output)


def ensured(what: str, *, question: str, answer: str, command: str, then: tuple[Handler, ...] = ()) -> OperationMeta:
    """Declare that a host answers `question` with `answer`; `command` is run where it answers otherwise.

    Args:
        what: the thing, as plans name it.
        question: a shell command. Whatever goes wrong in it is an answer too: another one than is wanted.
        answer: all that it prints, to the byte.
        then: the handlers owed when the command runs.
    """
    meta = ensure(name=what, what=what, question=question, answer=answer, command=command, then=then)
    current().owe(then, meta)
    return meta


@operation()
def ensure(what: str, question: str, answer: str, command: str, then: tuple[Handler, ...]) -> Generator[StringCommand]:
    """Run a command where the host does not answer as is wanted."""
    given = host.get_fact(AnswerOfHost, question=question)
    if given == answer:
        host.noop(f"{what} is as wanted")
        return
    steps = " && ".join([*(h.debt for h in then), f"{{ {command}; }}"])
    command_of_step = explain(StringCommand(steps), Change(what=what, before=given or None, after=answer))
    asked, seen = AnswerOfHost().command(question), (digest(given), digest(answer))
    # What other steps do is often what the question is about: a package, a script that answers it.
    yield expecting(command_of_step, Expected(what=what, question=asked, answers=seen, loose=True))
