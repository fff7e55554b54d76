"""The tests of `make test` as root, in five processes side by side: those of the lab's hosts; those with
a lab of their own, then those of its NetBox; unit tests, in two; and what else is integrated.

The first wait for hosts most of the time, the second for NetBox, whose first day takes minutes, unit tests for an sshd
or the processor, and the others for devices. What each says is shown as a whole, once it is done. Tests that are marked
`long` run where SAMDRIFT_LONG is set, as in CI: there, all but `soak` run. Not here: in which order tests run
(`tests/integration/conftest.py`), nor what is left when they end (`Makefile`).
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import IO, NoReturn

from deploy.tools.parent import end_with_parent
from inventory.whole_file import put_in_place
from tests.integration.lab import DEPLOYED, ENDED, STAGE

LANES = {
    "unit": ("tests/unit", "not lab and not soak", "--ignore=tests/unit/deploy"),
    "deploy": ("tests/unit/deploy", "not lab and not soak"),
    "devices": ("tests/integration", "not lab and not soak"),
    "lab": ("tests/integration", "lab and not netbox and not own_lab and not soak"),
    "netbox": ("tests/integration", "(netbox or own_lab) and not soak"),
}
"""Where the tests of each are, and which of them where long ones run, too; and what else it is told of that place."""
LONG = bool(os.environ.get("SAMDRIFT_LONG"))
SLOWEST = "--durations=20"
"""What took longest stands at the end of what each says."""
PATIENT = ("unit", "deploy", "devices")
"""Those that let the others go first, for whom hosts and NetBox wait."""


def main() -> int:
    """Run them; the exit status of the first that failed, or 0."""
    signal.signal(signal.SIGTERM, _end)
    with tempfile.TemporaryDirectory(prefix="samdrift-tests-") as name:
        directory = Path(name)
        (directory / "stage").touch()
        outputs = {lane: (directory / lane).open("w+b") for lane in LANES}
        running = {lane: begin(lane, directory, outputs[lane]) for lane in LANES}
        try:
            failed = await_all(running, outputs, directory)
        finally:
            for process in running.values():
                process.terminate()
                process.wait()
    return failed


def begin(lane: str, directory: Path, output: IO[bytes]) -> subprocess.Popen[bytes]:
    """Start pytest with these tests. It ends when this process does."""
    own = {STAGE: str(directory / "stage")}
    own |= {"SAMDRIFT_STATE": str(directory / "state")} if lane == "netbox" else {}  # or each would lock the other out
    return subprocess.Popen(
        [sys.executable, "-m", "pytest", SLOWEST, *arguments_of(lane, long=LONG)],
        env=os.environ | own,
        stdout=output,
        stderr=output,
        preexec_fn=partial(prepare, 10 if lane in PATIENT else 0),  # noqa: PLW1509  there are no threads yet
    )


def arguments_of(lane: str, *, long: bool) -> tuple[str, ...]:
    """Return what pytest is told of a lane: which tests it has, with the long ones or without."""
    place, chosen, *others = LANES[lane]
    if long:
        return (place, *others, "-m", chosen)
    return (place, *others, "--hypothesis-profile=short", "-m", f"({chosen}) and not long")


def prepare(niceness: int) -> None:
    """In the new process: end when this one does, and let those go first that others wait for."""
    end_with_parent()
    os.nice(niceness)


def await_all(running: dict[str, subprocess.Popen[bytes]], outputs: Mapping[str, IO[bytes]], directory: Path) -> int:
    """Show what each says once it is done, and a sign of life meanwhile; the first exit status that is not 0."""
    begun, shown, open_, failed = time.monotonic(), 0.0, list(running), 0
    while open_:
        for lane in [lane for lane in open_ if running[lane].poll() is not None]:
            open_.remove(lane)
            failed = failed or running[lane].returncode
            if lane == "lab" and (directory / "stage").read_text() != DEPLOYED:
                put_in_place(directory / "stage", ENDED.encode(), durable=False)  # or the others might wait for ever
            outputs[lane].seek(0)
            sys.stdout.buffer.write(outputs[lane].read())
            sys.stdout.flush()
        if open_ and time.monotonic() - begun - shown >= 30:
            shown = time.monotonic() - begun
            print(
                f"{shown:5.0f} s  {', '.join(f'{lane}: {last_line(directory / lane)}' for lane in open_)}", flush=True
            )
        time.sleep(1)
    return failed


def last_line(path: Path) -> str:
    """How far one of them has come."""
    lines = path.read_text(errors="replace").splitlines()
    return " ".join(lines[-1].split())[-60:] if lines else "begins"


def _end(*_: object) -> NoReturn:
    raise SystemExit(128 + signal.SIGTERM)


if __name__ == "__main__":
    sys.exit(main())
