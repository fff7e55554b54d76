"""Evidence: what a finding shows for itself, each sort a type of its own, so that nobody guesses what a text is."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from deploy.model.messages import Message
from deploy.model.text import diff_lines
from inventory.frozen import Frozen

WITHHELD = "-‹withheld›"
"""What stands for a line of a private file that should not be there."""


class Diff(Frozen):
    """A unified diff, from what is there to what should be.

    `private` if what is there is a file that not everybody on its host may read: a report shows of it only the lines
    that should be there.
    """

    type: Literal["diff"] = "diff"
    text: str
    private: bool = False

    @property
    def for_a_report(self) -> Diff:
        """Return the diff as a report shows it."""
        if not self.private:
            return self
        lines = (WITHHELD if part == "old" else line for part, line in diff_lines(self.text))
        return self.model_copy(update={"text": "".join(f"{line}\n" for line in lines)})


class Commands(Frozen):
    """The commands that a step would run or has run; one may be of several lines."""

    type: Literal["commands"] = "commands"
    lines: tuple[str, ...]


class Error(Frozen):
    """An error, in the words of a host, a program or samdrift itself."""

    type: Literal["error"] = "error"
    text: str


class FailedCheck(Frozen):
    """A state check that does not hold, and what it saw."""

    type: Literal["failed check"] = "failed check"
    name: str
    detail: str = ""


class Note(Frozen):
    """Anything else worth knowing, in samdrift's own words."""

    type: Literal["note"] = "note"
    message: Message


Evidence = Annotated[Diff | Commands | Error | FailedCheck | Note, Field(discriminator="type")]
