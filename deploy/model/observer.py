"""Who watches a run. The engine tells an Observer what happens; printing and progress bars are observers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol


class Observer(Protocol):
    """Told what a run does, as it does it. Called from greenlets, never in parallel."""

    def stage(self, title: str, hosts: Sequence[str], things: str = "host") -> None:
        """A stage begins: connecting, looking, wave 2, verifying. `things` is what it counts, where no hosts."""

    def host(self, host: str, state: str, detail: str = "") -> None:
        """A host of the stage is at a step (`state` is `step`), or finished with it (`done`, `failed`)."""


class Quiet:
    """The observer that says nothing."""

    def stage(self, title: str, hosts: Sequence[str], things: str = "host") -> None:
        """Do nothing."""

    def host(self, host: str, state: str, detail: str = "") -> None:
        """Do nothing."""
