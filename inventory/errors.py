"""The root of every error samdrift raises on purpose. Each says what happened, where, and what to do next."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from inventory.fleet import Fleet


class SamdriftError(Exception):
    """An expected failure, told to the user in one line and without a traceback.

    Attributes:
        what: what happened.
        where: the place to mend: file and line, or NetBox object and field; empty if there is none.
        fix: what to do next.
    """

    exit_code = 1

    def __init__(self, what: str, *, where: str = "", fix: str = "") -> None:
        self.what, self.where, self.fix = what, where, fix
        super().__init__(str(self))

    def __str__(self) -> str:
        place = f"{self.where}: " if self.where else ""
        return f"{place}{self.what}" + (f" ({self.fix})" if self.fix else "")


class UsageError(SamdriftError):
    """The command line asks for something that cannot be (exit code 64)."""

    exit_code = 64


class InventoryError(SamdriftError):
    """The inventory is not sound. Carries every problem found, not the first one only.

    Attributes:
        fleet: what could be read of it; None if nothing could.
    """

    def __init__(self, problems: tuple[Problem, ...], fleet: Fleet | None = None) -> None:
        self.problems, self.fleet = problems, fleet
        lines = "\n".join(f"  {p}" for p in problems)
        super().__init__(f"the inventory is not sound, {len(problems)} to mend:\n{lines}")


class Problem:
    """One thing wrong in the inventory: the rule it breaks, where to mend it, and how.

    Attributes:
        about: the object and field in NetBox's words, whatever file and line it is at; empty if it is not known.
        host: the host that it is about; empty if it is about none.
        municipality: the slug of the tenant whose it is; empty if it is nobody's alone.
    """

    __slots__ = ("about", "fix", "host", "municipality", "rule", "what", "where")

    def __init__(
        self,
        rule: str,
        where: str,
        what: str,
        fix: str = "",
        *,
        about: str = "",
        host: str = "",
        municipality: str = "",
    ) -> None:
        self.rule, self.where, self.what, self.fix = rule, where, what, fix
        self.about, self.host, self.municipality = about, host, municipality

    def of(self, host: str, municipality: str) -> Problem:
        """Return the problem as one of this host and municipality."""
        at = {"about": self.about, "host": host, "municipality": municipality}
        return Problem(self.rule, self.where, self.what, self.fix, **at)

    def __str__(self) -> str:
        return f"{self.where}: {self.what} [{self.rule}]" + (f"; {self.fix}" if self.fix else "")

    def __repr__(self) -> str:
        return f"Problem({str(self)!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Problem) and (str(self), self.host) == (str(other), other.host)

    def __hash__(self) -> int:
        return hash((str(self), self.host))
