"""A difference between two states of a step: what reviews are made of.

Not here: the review (`model.review`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

How = Literal["new", "gone", "changed", "done otherwise"]
"""What becomes of a step. *Done otherwise*: the same is wanted, and brought about by other commands."""


@dataclass(frozen=True)
class Difference:
    """A step of a host that differs.

    Attributes:
        kind: what it is about: file, package, service, account, access, firewall, configuration, …
        diff: a unified diff of what is wanted, or of the commands where only those differ; what may be a secret in it
            is withheld.
        guard: how the host undoes it if it cuts the host off; `unguarded`, why it cannot.
        restarts: what it restarts or reloads.
        secrets: names of those that stand in it.
    """

    role: str
    name: str
    kind: str
    how: How
    diff: str = ""
    guard: str = ""
    unguarded: str = ""
    restarts: tuple[str, ...] = ()
    secrets: tuple[str, ...] = ()
