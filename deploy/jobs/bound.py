"""Run a program that ends when the process that began it does, however that ends: `-m deploy.jobs.bound PARENT WORDS…`.

A program of its own, and not what is done between fork and exec: the worker has threads. util-linux's setpriv can the
same, and fails in a service from which systemd has taken all capabilities.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from typing import NoReturn

PR_SET_PDEATHSIG = 1
"""Of prctl(2)."""


def main(parent: int, words: list[str]) -> NoReturn:
    """Bind this process to its parent, and become the program.

    Raises:
        OSError: the kernel does not bind it, or there is no such program.
    """
    if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL) != 0:
        raise OSError(ctypes.get_errno(), "the kernel does not bind a process to its parent")
    if os.getppid() != parent:  # it ended before that
        os.kill(os.getpid(), signal.SIGKILL)
    os.execvp(words[0], words)  # noqa: S606  what the worker starts, and no shell


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
