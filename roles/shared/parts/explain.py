"""Let a pyinfra command carry the Change that it makes, for the plan to show."""

from __future__ import annotations

from typing import TypeVar

from pyinfra.api.command import PyinfraCommand

from roles.shared.change import Change

C = TypeVar("C", bound=PyinfraCommand)


def explain(command: C, change: Change) -> C:
    """Let a command carry what it changes, for the plan to show."""
    command.change = change  # type: ignore[attr-defined]  # pyinfra's commands have no field for it
    return command


def explanation(command: PyinfraCommand) -> Change | None:
    """Return the Change that a command carries, if it carries one."""
    change = getattr(command, "change", None)
    return change if isinstance(change, Change) else None
