"""What a snapshot remembers of the NetBox that it came from: `pulled.yaml`. It is no part of the fleet."""

from __future__ import annotations

from pathlib import Path

import yaml
from pydantic import Field

from inventory.errors import Problem
from inventory.frozen import Frozen
from inventory.left_out import Count

PULLED = "pulled.yaml"


class SourceProblem(Frozen):
    """What is wrong with a host that the fleet does not show: NetBox says something that no fleet can hold."""

    host: str
    municipality: str = ""
    rule: str
    where: str
    what: str
    fix: str = ""

    @classmethod
    def of(cls, problem: Problem) -> SourceProblem:
        """Return what a problem says."""
        return cls(**{field: getattr(problem, field) for field in cls.model_fields})

    def problem(self) -> Problem:
        """Return the problem."""
        own = {"about": self.where, "host": self.host, "municipality": self.municipality}
        return Problem(self.rule, self.where, self.what, self.fix, **own)


class Dropped(Frozen):
    """A host that was managed before a pull and is not any more, and why."""

    host: str
    municipality: str = ""
    reason: str


class Origin(Frozen):
    """The NetBox that a snapshot came from, and when.

    Attributes:
        netbox: its URL.
        at: when it said this (ISO 8601, UTC).
        digest: of the fleet that it said. A snapshot of another digest was edited since.
        unsound: what is wrong with managed hosts, and cannot be seen in the fleet.
        dropped: the hosts that the pull before this one found managed, and this one did not.
        left_out: what else NetBox has.
    """

    netbox: str
    at: str
    digest: str
    unsound: tuple[SourceProblem, ...] = Field(default=())
    dropped: tuple[Dropped, ...] = Field(default=())
    left_out: tuple[Count, ...] = Field(default=())


def read(directory: Path) -> Origin | None:
    """Read where the snapshot in this directory came from; None if it does not say so."""
    try:
        return Origin.model_validate(yaml.safe_load((directory / PULLED).read_text(encoding="utf-8")))
    except (OSError, ValueError, yaml.YAMLError):
        return None
