"""Duties: what a role lets somebody do on its host who is no administrator, as exact commands. Values only.

A duty is granted by a function in `inventory/people.yaml`, under the name `<role>.<duty>`. On a server sudo enforces
it, by rules that are made here; on a device the vendor's own rights do (the role's template). Not here: who has a duty
where (`roles.shared.people`).
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated

from pydantic import AfterValidator, Field

from inventory.frozen import Frozen
from inventory.organisation import TIME_ZONE
from roles.shared.controls import Title

ONE_WORD = "[A-Za-z0-9][A-Za-z0-9@._-]{0,99}"
"""A name that can be no option of a program."""


def _pattern(pattern: str) -> str:
    """Refuse what sudoers would read otherwise than it is meant."""
    if not re.fullmatch(r"[ -~]*", pattern) or re.search(r'["\\#]|\.[*+]|\[\^', pattern):
        raise ValueError(
            f"{pattern!r}: no backslash, quotation mark, number sign, `.*` or `[^…]`: sudo reads them, too"
        )
    re.compile(pattern)
    return pattern


class Command(Frozen):
    """A command that a duty lets somebody run as root.

    Attributes:
        program: its whole path, as it stands on Debian.
        arguments: a regular expression for all of them, joined by single blanks. There is one at least: a rule of sudo
            for none (`""`) lets two quotation marks through as an argument.
        example: what people type, without `sudo`.
    """

    program: str = Field(pattern=r"^/[a-z0-9/._-]+$")
    arguments: Annotated[str, Field(min_length=1), AfterValidator(_pattern)]
    example: str

    @property
    def sudo(self) -> str:
        """Return the command as sudoers has it: in arguments, some characters have a backslash before them."""
        escaped = re.sub("([,:=])", r"\\\1", self.arguments)
        return f"{self.program} ^{escaped}$"


class Duty(Frozen):
    """What somebody may do; without commands, the role's template says how a device grants it."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_]{0,30}$")
    title: Title
    commands: tuple[Command, ...] = ()


class Entitlement(Frozen):
    """A duty that a person has on one host, until the end of a day, if an end is known."""

    user: str
    duty: str
    until: date | None
    commands: tuple[Command, ...]

    @property
    def sudo(self) -> tuple[str, ...]:
        """Return the rules of sudo. The program may start no other; after the last day sudo itself refuses."""
        after = f"NOTAFTER={end_of(self.until)} " if self.until else ""
        return tuple(f"{self.user} ALL=(root) {after}NOPASSWD: NOEXEC: {c.sudo}" for c in self.commands)


def end_of(day: date) -> str:
    """Return the end of a day in the municipalities, as sudoers has times."""
    return f"{datetime.combine(day + timedelta(days=1), time(), TIME_ZONE).astimezone(UTC):%Y%m%d%H%M%S}Z"
