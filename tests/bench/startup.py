"""How long a person waits for `samdrift --help` and `samdrift hosts`, beside `python -c pass`, in one run.

What a machine does besides changes all three; so they take turns, and medians are compared. The processor time beside
them shows a machine that is busy with something else.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from resource import RUSAGE_CHILDREN, getrusage
from statistics import median
from typing import NamedTuple

TIMES = 15
AT_MOST = 0.35
"""Seconds more than Python itself."""

SAMDRIFT = (sys.executable, str(Path(sys.executable).with_name("samdrift")))
PYTHON = "python -c pass"
ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
"""A person's: what was compiled once is kept. Else each module that was edited is compiled at every start."""

COMMANDS = {
    PYTHON: (sys.executable, "-c", "pass"),
    "samdrift --help": (*SAMDRIFT, "--help"),
    "samdrift hosts": (*SAMDRIFT, "hosts"),
}


class Took(NamedTuple):
    """Seconds that one run of a command took."""

    wall: float
    processor: float


def main() -> int:
    """Measure; end with 1 where a command takes too long."""
    runs: dict[str, list[Took]] = {name: [] for name in COMMANDS}
    for _ in range(TIMES):
        for name, command in COMMANDS.items():
            runs[name].append(timed(command))
    took = {name: Took(*map(median, zip(*of, strict=True))) for name, of in runs.items()}
    print(f"start-up, medians of {TIMES} runs that take turns; at most {AT_MOST} s more than Python itself\n")
    for name, (wall, processor) in took.items():
        more = wall - took[PYTHON].wall
        verdict = "" if name == PYTHON else f", {more:.3f} s more: {'kept' if more <= AT_MOST else 'NOT kept'}"
        print(f"  {name:16} {wall:.3f} s ({processor:.3f} s of the processor){verdict}")
    return int(any(of.wall - took[PYTHON].wall > AT_MOST for of in took.values()))


def timed(command: tuple[str, ...]) -> Took:
    """Run a command, and say what it took."""
    start, before = time.perf_counter(), _processor()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=ENVIRONMENT)
    return Took(time.perf_counter() - start, _processor() - before)


def _processor() -> float:
    used = getrusage(RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    sys.exit(main())
