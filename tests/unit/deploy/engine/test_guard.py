"""The guard's programs in a real shell, with a `systemctl` that only notes what it was told."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from deploy.engine import guard_script
from deploy.engine.guard_script import Standing, Where
from roles.shared.guard import Guard, kept_file

NOTE = '#!/bin/sh\necho "$*" >> "$NOTED"\n'


@pytest.fixture
def sh(tmp_path: Path) -> Callable[[str], subprocess.CompletedProcess[str]]:
    """Run a program of the guard's with its places moved under `tmp_path`."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/systemctl").write_text(NOTE)
    (tmp_path / "bin/systemctl").chmod(0o755)
    (tmp_path / "etc/systemd/system").mkdir(parents=True)
    (tmp_path / "var/lib/samdrift").mkdir(parents=True)
    environment = {"PATH": f"{tmp_path}/bin:/usr/bin:/bin", "NOTED": f"{tmp_path}/noted"}

    def run(program: str) -> subprocess.CompletedProcess[str]:
        moved = program.replace("/var/lib/samdrift", f"{tmp_path}/var/lib/samdrift")
        moved = moved.replace("/etc/systemd/system", f"{tmp_path}/etc/systemd/system")
        return subprocess.run(["sh"], input=moved, env=environment, capture_output=True, text=True, check=False)

    return run


@pytest.fixture
def place(tmp_path: Path) -> Path:
    path = tmp_path / "sshd_config"
    path.write_text("Port 22\n")
    return path


def arm(of: Path, *then: str, run: str = "t0") -> str:
    return guard_script.arm([kept_file(str(of), then)], seconds=60, run=run, holder="anna, to test")


Sh = Callable[[str], subprocess.CompletedProcess[str]]


def fire(sh: Sh) -> subprocess.CompletedProcess[str]:
    """What the timer's service does."""
    return sh(f". {guard_script.DIRECTORY}/restore")


def test_a_guard_that_is_not_confirmed_puts_the_file_back_and_then_has_it_read(
    sh: Sh, place: Path, tmp_path: Path
) -> None:
    read = tmp_path / "read"
    assert sh(arm(place, f"cp {place} {read}")).returncode == 0
    assert guard_script.standing(sh(guard_script.STAND).stdout) == Standing(
        where=Where.ARMED, run="t0", report="anna, to test"
    )
    assert sh(guard_script.ARMED).stdout == "anna, to test\n"
    place.write_text("Port 2222\n")
    assert fire(sh).returncode == 0
    assert (place.read_text(), read.read_text()) == ("Port 22\n", "Port 22\n")
    stands = guard_script.standing(sh(guard_script.STAND).stdout)
    assert (stands.where, stands.run) == (Where.RESTORED, "t0")
    assert stands.report.startswith("anna, to test\nrestored at 20")
    assert sh(guard_script.ARMED).stdout == ""


def test_what_is_confirmed_stays_and_nothing_is_left(sh: Sh, place: Path, tmp_path: Path) -> None:
    sh(arm(place))
    place.write_text("Port 2222\n")
    assert sh(guard_script.CONFIRM).returncode == 0
    assert place.read_text() == "Port 2222\n"
    assert not (tmp_path / "var/lib/samdrift/guard").exists()
    assert list((tmp_path / "etc/systemd/system").iterdir()) == []
    assert guard_script.standing(sh(guard_script.STAND).stdout) == Standing()


def test_a_confirmation_that_comes_too_late_is_refused(sh: Sh, place: Path, tmp_path: Path) -> None:
    sh(arm(place))
    fire(sh)
    assert sh(guard_script.CONFIRM).returncode == guard_script.NOT_ARMED
    assert sh(guard_script.KEEP_ALIVE).returncode == guard_script.NOT_ARMED


def test_a_second_guard_is_not_armed_over_the_first(sh: Sh, place: Path) -> None:
    sh(arm(place, run="first"))
    done = sh(arm(place, run="second"))
    assert (done.returncode, done.stderr) == (1, "a guard is armed already\n")
    assert guard_script.standing(sh(guard_script.STAND).stdout).run == "first"


def test_restoring_that_was_interrupted_goes_on_when_the_timer_fires_again(sh: Sh, place: Path, tmp_path: Path) -> None:
    sh(arm(place))
    kept = tmp_path / "var/lib/samdrift/guard"
    (kept / "armed").rename(kept / "restoring")
    place.write_text("Port 2222\n")
    assert fire(sh).returncode == 0
    assert place.read_text() == "Port 22\n"


def test_a_program_that_cannot_read_what_was_put_back_is_told_and_hinders_nothing_else(
    sh: Sh, place: Path, tmp_path: Path
) -> None:
    sh(arm(place, "false", f"touch {tmp_path}/next"))
    place.write_text("Port 2222\n")
    assert fire(sh).returncode == 1
    assert place.read_text() == "Port 22\n"
    assert (tmp_path / "next").exists()
    assert "failed: false" in guard_script.standing(sh(guard_script.STAND).stdout).report


def test_nothing_is_armed_where_something_cannot_be_kept(sh: Sh, tmp_path: Path) -> None:
    refused = guard_script.arm([Guard(what="x", keep="false", restore="true")], seconds=60, run="t", holder="")
    assert sh(refused).returncode == 1
    assert guard_script.standing(sh(guard_script.STAND).stdout).where is Where.NONE
    assert not (tmp_path / "noted").exists(), "no timer was started"


@pytest.mark.parametrize("noise", ["", "bash: warning\n", "armed", "none\n"])
def test_what_says_nothing_of_a_guard_is_none(noise: str) -> None:
    assert guard_script.standing(noise).run == ""
