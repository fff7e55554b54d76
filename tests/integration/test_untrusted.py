"""What a person can write into NetBox stays text in every command for a real host (applied, too: see the main job)."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, assume, given, settings

from deploy.engine.session import Session
from deploy.lab.lab import Lab
from deploy.model.plan import Run, Upload
from inventory.fleet import Fleet
from inventory.netbox.rows import Rows
from roles.shared.intent import Intent
from tests.integration.lab import by_hand
from tests.unit.hostile import HARM, PRODUCT, hostile_rows, sound

pytestmark = pytest.mark.lab

HOSTS = ("heb-gw1", "tie-dns1", "tie-mon1")
"""Between them they have most roles; nothing is applied yet, so that every step has commands."""

TRACE = """\
PATH=/nowhere
command_not_found_handle() {
    while [ $# -gt 2 ]; do
        case ${1##*/} in sh | bash | dash) [ "$2" != -c ] || eval "$3" ;; esac
        shift
    done
    return "$answer"
}
exec 9> /trace
enable -n exec kill
BASH_XTRACEFD=9
set -x
while IFS= read -r -d '' command; do
    for answer in 0 1; do ( eval "$command" ) < /dev/null > /dev/null 2>&1; done
done
exit 0
"""
"""Executes commands where there is nothing but the shell itself: its trace says what it took for a command.

Twice each, since what comes next may depend on it: programs that are not there succeed, and then fail.
"""


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with bash, what it is linked to, and nothing else."""
    root = tmp_path_factory.mktemp("shell")
    (root / "dev").mkdir()
    (root / "dev" / "null").touch()
    linked = subprocess.run(["ldd", "/bin/bash"], capture_output=True, text=True, check=True).stdout
    for file in ("/bin/bash", *(word for word in linked.split() if word.startswith("/"))):
        (root / file[1:]).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(file, root / file[1:])
    return root


def obeyed(shell: Path, commands: Iterable[str]) -> list[str]:
    """What a shell that is given these commands takes for one, and is the harm that hostile text asks for."""
    given = "".join(f"{command}\0" for command in commands)
    program = ["timeout", "60", "chroot", str(shell), "/bin/bash", "-c", TRACE]
    subprocess.run(program, input=given, text=True, check=True)
    said = (shell / "trace").read_text(errors="replace").splitlines()
    return [line for line in said if line.lstrip("+") == f" {HARM}"]


@pytest.mark.parametrize(
    "careless",
    [
        "echo {}",
        'echo "{}"',
        "sh -c 'echo {}'",
        "unshare --net sh -c 'echo {}'",
        "false || echo {}",
        "id && echo {}",
        "id || echo {}",
        "cat > /dev/null << EOF\n{}\nEOF",
    ],
)
def test_a_careless_command_is_found_out(shell: Path, careless: str) -> None:
    assert obeyed(shell, [careless.format(f"$({HARM})")])
    assert not obeyed(shell, ["echo '$(" + HARM + ")'"])


def unharmed(host: str) -> bool:
    assert not Path("/tmp/harm").exists()
    return by_hand(host, "ls -d /tmp/harm /harm /root/harm 2> /dev/null || true") == ""


@pytest.mark.long
@settings(max_examples=5, suppress_health_check=list(HealthCheck))
@given(hostile_rows())
def test_hostile_text_in_netbox_is_text_in_every_command_of_a_plan(empty_lab: Fleet, shell: Path, rows: Rows) -> None:
    fleet = sound(rows)
    assume(fleet is not None)
    in_lab = Lab().overlay(fleet or Fleet())
    hosts = [host for host in in_lab.hosts if host.name in HOSTS]  # one that hostile text made unsound is not there
    assume(hosts)
    with Session(Intent(in_lab), hosts, Lab().access(), vault=Lab().vault()) as session:
        plans = session.look()
    commands = [command for plan in plans for step in plan.steps for command in step.commands]
    assert [plan.error for plan in plans] == [""] * len(hosts)
    run = [command.text for command in commands if isinstance(command, Run)]
    assert len(run) > 15 * len(hosts)
    assert obeyed(shell, run) == []
    uploads = [command for command in commands if isinstance(command, Upload)]
    assert not any(PRODUCT[1] in text for text in (*run, *(upload.content for upload in uploads)))
    assert not any("harm" in upload.path for upload in uploads)
    assert all(map(unharmed, HOSTS))
