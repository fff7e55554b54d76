"""Which operations are for a vendor's command line, and which for a shell. Neither can be carried out on the other.

Known from what is registered alone, so that a role in the wrong place is found before anything is connected to.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

Operation = TypeVar("Operation", bound=Callable[..., Any])


def for_devices(function: Operation) -> Operation:
    """Mark an operation's function (below `@operation()`) as one for a device's command line."""
    function.for_devices = True  # type: ignore[attr-defined]
    return function


def misplaced(function: Callable[..., Any], *, on_device: bool) -> str:
    """Return why an operation cannot be carried out on a platform; empty if it can.

    Args:
        function: the operation's own, as pyinfra calls it.
        on_device: whether the host is a device with a command line, and not a server with a shell.
    """
    for_device = getattr(function, "for_devices", False)
    if for_device == on_device:
        return ""
    name = f"{function.__module__}.{function.__qualname__}"
    if on_device:
        return f"{name} is a shell operation, and a device has a command line of its own and no shell"
    return f"{name} is for a device's command line, and a server has none"
