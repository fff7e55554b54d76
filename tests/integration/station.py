"""A management station in tests: the hosts of one lab are its real ones, and their twins are in a lab of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Collection, Sequence
from pathlib import Path

from deploy.lab.lab import Lab
from deploy.lab.machine import run
from deploy.lab.overlay import with_guests
from deploy.lab.place import lab_directory
from deploy.lab.wiring import LAB_TAG
from inventory.fleet import Fleet
from inventory.paths import CODE
from inventory.snapshot import dump
from tests.integration.lab import program

PROGRAM = """# The real program, in a house that asks for no approvals and whose secrets are those of the lab.
import sys
from pathlib import Path
from deploy.cli import entry
sys.argv[0] = "samdrift"
entry.make_cooperative(sys.argv[1:])
from inventory.rules import approvals
approvals.asked = lambda lab: None
from deploy.cli import running
from deploy.vault.made_up import MadeUp
of_twins = running.backup_vault
running.backup_vault = lambda common: of_twins(common) if common.lab else MadeUp(Path({secrets!r}))
from deploy.cli.main import main
main()
"""


class Station:
    """A management station, whose real hosts are those of a lab, and that has twins of them in another.

    Args:
        directory: where its inventories and what it records are.
        real, twins: the labs of the real hosts and of their twins.
    """

    def __init__(self, directory: Path, real: Lab, twins: Lab) -> None:
        self.real, self.twins, self._directory = real, twins, directory
        self._program = directory / "program.py"
        self._program.write_text(PROGRAM.format(secrets=str(real.vault().path)))

    def inventory(self, name: str, fleet: Fleet, tagged: Collection[str]) -> Path:
        """Write an inventory: the fleet with the real hosts' keys, and the lab's tag on these hosts alone."""
        real = self.real.overlay(with_guests(fleet, tagged))
        dump(_tagged(real, tagged), self._directory / name)
        return self._directory / name

    def samdrift(self, inventory: Path, *arguments: str, code: Path = CODE) -> subprocess.CompletedProcess[str]:
        """Run samdrift there, of this checkout or another tree."""
        way_in = ["nsenter", f"--net={self.real.directory}/station"] if self.real.is_apart else []
        argv = [*way_in, sys.executable, str(self._program), "--source", str(inventory)]
        argv += ["--key", str(self.real.access().key_file), "--state", str(self._directory / "state"), *arguments]
        return run_in(self.twins, argv, code)

    def boot(self, lab: Lab, inventory: Path, *arguments: str) -> None:
        """Boot one of its labs, set apart."""
        done = run_in(lab, [program(), "--source", str(inventory), "lab", "up", "--apart", *arguments])
        assert done.returncode == 0, done.stderr


def prepared(directory: Path, image: Path) -> Lab:
    """A lab in a directory of its own, with what the one that all tests share has built and fetched already."""
    lab = Lab(directory)
    for inside in ("images", "cache"):
        (lab.directory / inside).mkdir(parents=True)
    run("cp", "--archive", image, lab.directory / "images")  # a link would be a change of each file, which hosts see
    if (fetched := lab_directory().resolve() / "cache" / "apt-cacher-ng").is_dir():
        run("cp", "--archive", fetched, lab.directory / "cache")
    return lab


def run_in(lab: Lab, argv: Sequence[str], code: Path = CODE) -> subprocess.CompletedProcess[str]:
    """Run a program for which this is the lab."""
    environment = {**os.environ, "SAMDRIFT_LAB_DIR": str(lab.directory), "PYTHONPATH": str(code)}
    return subprocess.run(argv, cwd=code, env=environment, capture_output=True, text=True, check=False)


def _tagged(fleet: Fleet, names: Collection[str]) -> Fleet:
    """The fleet with the lab's tag on these hosts, and on no other."""
    others = (h.model_copy(update={"tags": tuple(t for t in h.tags if t != LAB_TAG)}) for h in fleet.hosts)
    return with_guests(fleet.model_copy(update={"hosts": tuple(others)}), names)
