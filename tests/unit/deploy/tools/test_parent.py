"""A program ends with its parent."""

from __future__ import annotations

import subprocess
import sys


def test_what_is_to_end_with_its_parent_does_so_even_if_that_is_killed() -> None:
    child = "import time; print('there', flush=True); time.sleep(5); print('survived')"
    parent = (
        "import subprocess, sys; from deploy.tools.parent import end_with_parent; "
        f"subprocess.run([sys.executable, '-c', {child!r}], preexec_fn=end_with_parent)"
    )
    with subprocess.Popen([sys.executable, "-c", parent], stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout
        assert running.stdout.readline() == "there\n"
        running.kill()
        assert running.stdout.read() == ""
