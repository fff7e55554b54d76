"""What only workers need is not needed by others, and whoever lacks it is told what to install."""

from __future__ import annotations

import subprocess
import sys

import pytest

from inventory.paths import CODE

WITHOUT = "import sys; sys.modules['procrastinate'] = None; from deploy.jobs.command import {0}; {0}()"


@pytest.mark.parametrize("command", ["worker", "queue"])
def test_without_the_library_of_the_queue_it_says_what_to_install(command: str) -> None:
    words = [sys.executable, "-c", WITHOUT.format(command), "heby"]
    done = subprocess.run(words, cwd=CODE, capture_output=True, text=True, check=False)

    assert done.returncode == 1
    assert done.stderr == (
        "error: procrastinate is not installed, which keeps the queue (pip install 'samdrift[workers]')\n"
    )


def test_a_station_without_workers_loads_no_queue_and_no_database() -> None:
    asked = (
        "import sys, deploy.jobs.main; print(sorted({'procrastinate', 'psycopg', 'sqlalchemy'} & sys.modules.keys()))"
    )
    done = subprocess.run([sys.executable, "-c", asked], cwd=CODE, capture_output=True, text=True, check=True)

    assert done.stdout == "[]\n"
