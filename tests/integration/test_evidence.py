"""Runs on a real host that are stopped or killed, and records that are forged: the history says so.

The journal of a lab host stands in for that of the management station: the machine that the tests run on may have none.
"""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from deploy.lab.cgroups import is_program, processes
from deploy.lab.lab import Lab
from deploy.model.findings import Exit
from deploy.store import witness
from tests.integration.lab import by_hand, program, samdrift

pytestmark = [pytest.mark.lab, pytest.mark.long]

HOST = "kni-gw1"


@pytest.fixture(scope="module", autouse=True)
def lab(machine: None) -> None:
    """The host as it should be."""
    samdrift("lab", "up", HOST)
    samdrift("--lab", "--limit", HOST, "apply", "--yes")


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """A store of the test's own."""
    return tmp_path / "state"


def there(state: Path, *arguments: str) -> list[str]:
    return ["--lab", "--limit", HOST, "--state", str(state), *arguments]


def disturb() -> None:
    """What somebody does by hand, so that there is something to change."""
    by_hand(HOST, "for file in chrony/chrony.conf rsyslog.conf; do echo '# by hand' >> /etc/$file; done")


def apply_until(state: Path, line: str, number: signal.Signals, **environment: str) -> int:
    """Apply, and send a signal once a line of progress begins so; how it ended."""
    argv = [program(), "--json", *there(state, "apply", "--yes", "--reason", "CHG 17")]
    with subprocess.Popen(
        argv, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env=os.environ | environment
    ) as run:
        assert run.stderr is not None
        for told in run.stderr:
            if told.startswith(line):
                run.send_signal(number)
                line = "\0"
        return run.wait()


def latest(state: Path) -> dict[str, Any]:
    """The record of the latest run, in full."""
    (newest, *_) = samdrift("history", "--state", str(state))["records"]
    record: dict[str, Any] = samdrift("history", newest["id"], "--state", str(state))
    return record | {"lost": newest["lost"]}


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGTERM])
def test_an_apply_that_a_signal_ends_is_recorded_with_what_it_did(state: Path, number: signal.Signals) -> None:
    disturb()
    status = apply_until(state, "wave 1", number, LOGNAME="karin-soderlund")
    record = latest(state)
    assert (record["ended"], record["exit_code"], record["reason"]) == (True, status, "CHG 17")
    assert status in {Exit.OK, Exit.INTERRUPTED}
    assert not record["who"].startswith("karin")
    assert record["claimed"] == "karin-soderlund"
    changed = {step for host in record["hosts"] for step in host["changed"]}
    assert changed <= {begun["step"] for begun in record["begun"]}
    samdrift(*there(state, "apply", "--yes"))
    assert samdrift(*there(state, "plan", "--detailed-exitcode"))["exit_code"] == 0


def test_an_apply_that_is_killed_leaves_a_record_and_the_next_ends_it(state: Path) -> None:
    disturb()
    assert apply_until(state, "wave 1", signal.SIGKILL) == -signal.SIGKILL
    killed = latest(state)
    assert (killed["ended"], killed["lost"]) == (False, True)
    samdrift(*there(state, "apply", "--yes", "--take-over", killed["id"]))
    ended = samdrift("history", killed["id"], "--state", str(state))
    assert (ended["ended"], ended["exit_code"]) == (True, 1)
    assert "ended without a word" in ended["findings"][0]["summary"]
    assert samdrift(*there(state, "plan", "--detailed-exitcode"))["exit_code"] == 0


@pytest.fixture
def journal() -> Iterator[None]:
    """The journal of the host, in the place of this machine's."""
    if witness.SOCKET.exists():
        yield
        return
    init = next(p for p in processes(Lab().id)[HOST] if is_program(p, "systemd-journal"))
    made = not witness.SOCKET.parent.exists()
    witness.SOCKET.parent.mkdir(parents=True, exist_ok=True)
    witness.SOCKET.symlink_to(f"/proc/{init}/root{witness.SOCKET}")
    try:
        yield
    finally:
        witness.SOCKET.unlink()
        if made:
            witness.SOCKET.parent.rmdir()


def test_who_forges_a_record_is_found_out_by_what_the_journal_was_told(
    state: Path, tmp_path: Path, journal: None
) -> None:
    disturb()
    samdrift(*there(state, "apply", "--yes", "--reason", "CHG 18"))
    samdrift(*there(state, "drift"))
    log = tmp_path / "journal"
    log.write_text(by_hand(HOST, f"journalctl -t {witness.IDENTIFIER} -o short"))
    asked = ["history", "verify", "--state", str(state), "--witness", str(log)]
    seen = samdrift(*asked)
    assert (seen["breaks"], seen["records"]) == ([], 2)
    assert seen["witnessed"] >= 4  # begun, each step, ended, the drift

    with closing(sqlite3.connect(state / "samdrift.db")) as forged:
        (drift,) = forged.execute("SELECT id FROM runs WHERE command = 'drift'").fetchone()
        forged.execute("DELETE FROM runs WHERE id = ?", (drift,))
        forged.execute("DELETE FROM links WHERE record = ?", (drift,))
        forged.commit()
    found = samdrift(*asked, expect=1)["breaks"]
    assert [(b["record"], b["what"]) for b in found] == [(drift, "removed")]
