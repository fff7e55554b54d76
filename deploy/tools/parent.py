"""Let a program end with the process that started it."""

from __future__ import annotations

import ctypes
import signal

PR_SET_PDEATHSIG = 1
"""Of prctl(2)."""


def end_with_parent() -> None:
    """In a new process, before it runs a program: let it end when the one that began it ends, however that ends."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
