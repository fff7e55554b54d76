"""A scan is bound to its worker from its first moment on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from inventory.paths import CODE


@pytest.mark.parametrize(("off", "ends_with"), [(0, 3), (1, -signal.SIGKILL)])
def test_a_program_begins_if_its_worker_is_there_and_not_if_it_is_gone(off: int, ends_with: int) -> None:
    words = [sys.executable, "-m", "deploy.jobs.bound", str(os.getpid() + off), "sh", "-c", "echo begun; exit 3"]
    done = subprocess.run(words, cwd=CODE, capture_output=True, text=True, check=False)

    assert done.returncode == ends_with
    assert ("begun" in done.stdout) == (ends_with == 3)
