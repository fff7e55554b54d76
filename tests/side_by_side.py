"""Every test of `make test` as root, in two processes side by side: those on the lab's hosts, and all others.

The first wait for hosts most of the time, the others for the processor. What the others say is shown once they are
done. Not here: in which order tests run (`tests/integration/conftest.py`), nor what is left when they end (`Makefile`).
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import IO, NoReturn

LAB, OTHERS = "lab and not soak", "not lab and not soak"


def main() -> int:
    """Run them; the exit status of the first that failed, or 0."""
    signal.signal(signal.SIGTERM, _end)
    with tempfile.TemporaryFile() as said:
        started = [begin(OTHERS, "others", said), begin(LAB, "lab", None)]
        try:
            print("the tests that need no lab run meanwhile; what they say comes when they are done", flush=True)
            others = started[0].wait()
            said.seek(0)
            sys.stdout.buffer.write(b"\n" + said.read())
            sys.stdout.flush()
            failed = [code for code in (others, started[1].wait()) if code]
        finally:
            for process in started:
                process.terminate()
                process.wait()
    coverage("combine", "--quiet", *(data(name) for name in ("others", "lab")))
    coverage("report")
    return failed[0] if failed else 0


def begin(which: str, name: str, output: IO[bytes] | None) -> subprocess.Popen[bytes]:
    """Start pytest with these tests, measuring coverage into data of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "pytest", "-m", which, "--cov", "--cov-report="],
        env=os.environ | {"COVERAGE_FILE": data(name)},
        stdout=output,
        stderr=output,
    )


def data(name: str) -> str:
    """Where the coverage of one of them is kept."""
    return str(Path(f".coverage.{name}").resolve())


def coverage(*arguments: str) -> None:
    """Run coverage.py; where a process ended before it wrote its data, it says so."""
    subprocess.run([sys.executable, "-m", "coverage", *arguments], check=False)


def _end(*_: object) -> NoReturn:
    raise SystemExit(128 + signal.SIGTERM)


if __name__ == "__main__":
    sys.exit(main())
