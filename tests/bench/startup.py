"""How long a person waits for `samdrift --help` and `samdrift hosts`, beside `python -c pass`, in one run.

What a machine does besides changes all three; so they take turns, and medians are compared.
"""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from statistics import median

TIMES = 15
AT_MOST = 0.35
"""Seconds more than Python itself."""

SAMDRIFT = (sys.executable, str(Path(sys.executable).with_name("samdrift")))
COMMANDS = {
    "python -c pass": (sys.executable, "-c", "pass"),
    "samdrift --help": (*SAMDRIFT, "--help"),
    "samdrift hosts": (*SAMDRIFT, "hosts"),
}


def main() -> int:
    """Measure; end with 1 where a command takes too long."""
    taken: dict[str, list[float]] = {name: [] for name in COMMANDS}
    for _ in range(TIMES):
        for name, command in COMMANDS.items():
            start = time.perf_counter()
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
            taken[name].append(time.perf_counter() - start)
    (base, *own) = ((name, median(times)) for name, times in taken.items())
    print(f"start-up, medians of {TIMES} runs that take turns; at most {AT_MOST} s more than Python itself\n")
    print(f"  {base[0]:16} {base[1]:.3f} s")
    for name, took in own:
        more = took - base[1]
        print(f"  {name:16} {took:.3f} s, {more:.3f} s more: {'kept' if more <= AT_MOST else 'NOT kept'}")
    return int(any(took - base[1] > AT_MOST for _, took in own))


if __name__ == "__main__":
    sys.exit(main())
