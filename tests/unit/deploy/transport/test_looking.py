"""A connection that may only look, over real SSH, with the real sandbox; sudo alone is the tests' own."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator

import pytest

from deploy.transport.ssh import NOT_YET_LET, Connection, HostLost
from roles.shared.look_program import NOT_LET
from tests.sshd import Sshd
from tests.ways_to_write import CONNECTIONS, WAYS, changed, seen_of

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can make the sandbox")


@pytest.fixture
def looking(sshd: Sshd) -> Iterator[Connection]:
    connection = Connection(sshd.host(), sshd.access.model_copy(update={"looks": True}), ["id -u", "show {word}"])
    connection.open()
    yield connection
    connection.close()


def test_it_reads_what_root_reads_and_is_nobody(looking: Connection) -> None:
    shadow, who, rights = looking.ask(["head -c 5 /etc/shadow", "id -nG; id -u", "grep CapEff /proc/self/status"])
    assert (shadow.rc, shadow.stdout) == (0, "root:")
    assert who.stdout.split()[-1] == "65534"
    assert int(rights.stdout.split()[1], 16) == 1 << 2  # CAP_DAC_READ_SEARCH


def test_every_answer_is_its_own_and_one_that_hangs_or_kills_is_one_of_many(looking: Connection) -> None:
    looking.access = looking.access.model_copy(update={"fact_timeout": 0.5})
    first, *_, last = looking.ask(["echo one", "sleep 60", "kill -9 -1", "exit 7", "printf 'two\\n' >&2; exit 3"])
    assert (first.stdout, last.stderr.strip(), last.rc) == ("one\n", "two", 3)


@pytest.mark.long
def test_nothing_can_be_written_in_any_way(looking: Connection) -> None:
    here = [way for way in WAYS if way.here]
    before = seen_of(here, ask_here)
    looking.ask([way.command for way in here])
    assert changed(before, seen_of(here, ask_here)) == []


def ask_here(script: str) -> str:
    return subprocess.run(["sh"], input=script, capture_output=True, text=True, check=True).stdout


def test_nobody_can_be_spoken_with(looking: Connection) -> None:
    assert [a.stdout for a in looking.ask(CONNECTIONS)] == [""] * len(CONNECTIONS)


def test_the_state_of_the_network_and_of_processes_is_seen(looking: Connection) -> None:
    addresses, sockets, processes = looking.ask(["ip -br address", "ss -Hltn", "cat /proc/[0-9]*/comm"])
    assert "lo" in addresses.stdout
    assert f":{looking.access.port} " in sockets.stdout
    assert "sshd" in processes.stdout.split()


def test_what_the_host_does_not_let_it_ask_as_root_is_not_answered_from_the_sandbox(looking: Connection) -> None:
    asked, other = looking.ask(["show this", "echo other"])
    assert (asked.rc, asked.stdout, asked.stderr) == (NOT_LET, "", NOT_YET_LET)
    assert other.stdout == "other\n"


def test_it_runs_no_command_and_uploads_nothing(looking: Connection) -> None:
    with pytest.raises(HostLost, match="may only look"):
        looking.run("true", timeout=5)
