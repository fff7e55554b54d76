"""A plan is applied to twins first, in a lab that leaves the real hosts' addresses to the machine.

The hosts that play the real ones are those of the lab; their twins are in a lab of their own.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.lab.lab import Lab
from deploy.lab.place import lab_directory
from inventory.paths import CODE
from inventory.snapshot import dump
from tests.integration.lab import by_hand, lab_fleet, program, samdrift

pytestmark = [pytest.mark.lab, pytest.mark.long]

HOST, WAY_OUT = "tie-cache1", "tie-gw1"
CHANGED = "/etc/issue.net"

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
    """A management station that has a lab of its own, and an inventory in which these hosts are real."""

    def __init__(self, directory: Path) -> None:
        fleet = lab_fleet()
        hosts = tuple(
            h if h.name in {HOST, WAY_OUT} else h.model_copy(update={"tags": tuple(t for t in h.tags if t != "lab")})
            for h in fleet.hosts
        )
        self.twins, self._inventory = Lab(directory / "twins"), directory / "inventory"
        dump(fleet.model_copy(update={"hosts": hosts}), self._inventory)
        self._program = directory / "program.py"
        self._program.write_text(PROGRAM.format(secrets=str(Lab().vault().path)))
        self._key, self._state = str(lab_directory() / "keys" / "samdrift"), str(directory / "state")

    def samdrift(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run samdrift there."""
        environment = {**os.environ, "SAMDRIFT_LAB_DIR": str(self.twins.directory), "PYTHONPATH": str(CODE)}
        argv = [sys.executable, str(self._program), "--source", str(self._inventory), "--key", self._key]
        argv += ["--state", self._state, *arguments]
        return subprocess.run(argv, cwd=CODE, env=environment, capture_output=True, text=True, check=False)

    def boot(self) -> None:
        """Boot the twins, in a station of their own."""
        environment = {**os.environ, "SAMDRIFT_LAB_DIR": str(self.twins.directory)}
        argv = [program(), "--source", str(self._inventory), "lab", "up", "--apart", "--like", HOST]
        subprocess.run(argv, env=environment, check=True, capture_output=True, text=True)


@pytest.fixture(scope="module")
def station(machine: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Station]:
    samdrift("lab", "up")
    samdrift("--lab", "--limit", HOST, "apply", "--yes")
    made = Station(tmp_path_factory.mktemp("station"))
    try:
        made.boot()
        yield made
    finally:
        made.twins.down()


def test_a_plan_is_applied_to_the_twin_first_and_then_to_the_real_host(station: Station) -> None:
    by_hand(HOST, f"echo by hand >> {CHANGED}")
    done = station.samdrift("--limit", HOST, "apply", "--rehearse", "--yes", "--reason", "a test")
    assert done.returncode == 0, done.stderr
    assert "Rehearsed on 1 twin:" in done.stdout
    assert "by hand" not in by_hand(HOST, f"cat {CHANGED}")


def test_what_goes_wrong_on_the_twin_reaches_no_real_host(station: Station) -> None:
    by_hand(HOST, f"echo by hand >> {CHANGED}")
    twin = ["nsenter", f"--net={station.twins.directory}/station", "ssh", "-F", f"{station.twins.directory}/ssh_config"]
    subprocess.run([*twin, HOST, f"sudo sh -c 'rm {CHANGED}; mkdir {CHANGED}'"], check=True, capture_output=True)
    done = station.samdrift("--limit", HOST, "apply", "--rehearse", "--yes", "--reason", "a test")
    assert "on the twins ended with" in done.stderr
    assert done.returncode != 0
    assert "by hand" in by_hand(HOST, f"cat {CHANGED}")
    samdrift("--lab", "--limit", HOST, "apply", "--yes")
