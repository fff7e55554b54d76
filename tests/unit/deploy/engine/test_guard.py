"""The guard's programs in a real shell, with a `systemctl` that only notes what it was told."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import pytest

from deploy.engine import guard_script, lock_script
from deploy.model.guard_state import Standing, Where
from roles.shared.guard import Guard, kept_file, kept_text
from tests.applying import until

NOTE = '#!/bin/sh\necho "$*" >> "$NOTED"\n[ "$1" != show ] || cat "$NOTED.state" 2> /dev/null || :\n'


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


def stands(sh: Sh) -> Standing:
    return guard_script.standing(sh(guard_script.STAND).stdout)


def nothing_is_left(tmp_path: Path) -> None:
    assert not (tmp_path / "var/lib/samdrift/guard").exists()
    assert list((tmp_path / "etc/systemd/system").iterdir()) == []
    assert [p.name for p in tmp_path.glob(".*")] == []


def test_a_guard_that_is_not_confirmed_puts_the_file_back_and_then_has_it_read(
    sh: Sh, place: Path, tmp_path: Path
) -> None:
    read = tmp_path / "read"
    assert sh(arm(place, f"cp {place} {read}")).returncode == 0
    armed = stands(sh)
    assert (armed.where, armed.run, armed.report) == (Where.ARMED, "t0", "anna, to test")
    assert armed.since.startswith("20")
    place.write_text("Port 2222\n")
    assert fire(sh).returncode == 0
    assert (place.read_text(), read.read_text()) == ("Port 22\n", "Port 22\n")
    restored = stands(sh)
    assert (restored.where, restored.run, restored.report) == (Where.RESTORED, "t0", "anna, to test")
    assert restored.text.startswith("anna, to test\nrestored at 20")
    assert sh(guard_script.ARMED).stdout == ""
    nothing_is_left(tmp_path)


def test_what_is_confirmed_stays_and_nothing_is_left_but_a_note_of_it(sh: Sh, place: Path, tmp_path: Path) -> None:
    sh(arm(place))
    place.write_text("Port 2222\n")
    assert sh(guard_script.confirm("t0")).returncode == 0
    assert place.read_text() == "Port 2222\n"
    nothing_is_left(tmp_path)
    assert (stands(sh).where, stands(sh).run) == (Where.CONFIRMED, "t0")
    assert sh(guard_script.ARMED).stdout == ""


def test_a_confirmation_that_comes_too_late_is_refused(sh: Sh, place: Path) -> None:
    sh(arm(place))
    fire(sh)
    assert sh(guard_script.confirm("t0")).returncode == guard_script.NOT_ARMED
    assert sh(guard_script.keep_alive("t0")).returncode == guard_script.NOT_ARMED


def test_a_run_that_was_asleep_neither_confirms_nor_restores_nor_keeps_alive_what_another_guards_now(
    sh: Sh, place: Path, tmp_path: Path
) -> None:
    sh(arm(place, run="other"))
    place.write_text("Port 2222\n")
    for late in (guard_script.confirm("t0"), guard_script.restore("t0"), guard_script.keep_alive("t0")):
        assert sh(late).returncode == guard_script.NOT_ARMED
    assert (place.read_text(), stands(sh).where, stands(sh).run) == ("Port 2222\n", Where.ARMED, "other")
    assert "start samdrift-guard.service" not in (tmp_path / "noted").read_text()
    assert sh(guard_script.restore("other")).returncode == 0
    assert "start samdrift-guard.service" in (tmp_path / "noted").read_text()


def test_who_cannot_ask_systemd_does_not_say_that_a_timer_is_stuck(sh: Sh, place: Path, tmp_path: Path) -> None:
    """An account for looks opens no socket, so that systemctl fails."""
    sh(arm(place))
    (tmp_path / "bin/systemctl").write_text("#!/bin/sh\nexit 1\n")
    assert sh(guard_script.ARMED).stdout == "anna, to test\n"


def test_a_run_whose_host_was_taken_over_neither_arms_nor_confirms(sh: Sh, place: Path, tmp_path: Path) -> None:
    lost = f"echo {lock_script.LOST} >&2; exit {lock_script.REFUSED}\n"  # what the lock's lines end with then
    late = guard_script.arm([kept_file(str(place), ())], seconds=60, run="t0", holder="anna", first=lost)
    assert (sh(late).returncode, stands(sh).where) == (lock_script.REFUSED, Where.NONE)
    sh(arm(place))
    assert sh(guard_script.confirm("t0", lost)).returncode == lock_script.REFUSED
    assert stands(sh).where is Where.ARMED


def test_a_host_that_has_begun_to_put_itself_back_is_not_confirmed(sh: Sh, place: Path, tmp_path: Path) -> None:
    sh(arm(place, "false"))
    place.write_text("Port 2222\n")
    assert fire(sh).returncode == 1
    assert sh(guard_script.confirm("t0")).returncode == guard_script.NOT_ARMED
    assert stands(sh).where is Where.RESTORING


def test_a_second_guard_is_not_armed_over_the_first(sh: Sh, place: Path) -> None:
    sh(arm(place, run="first"))
    done = sh(arm(place, run="second"))
    assert (done.returncode, done.stderr) == (1, "a guard is armed already\n")
    assert stands(sh).run == "first"
    assert fire(sh).returncode == 0, "the first one still has what it kept"


def test_restoring_that_was_interrupted_goes_on_when_the_timer_fires_again(sh: Sh, place: Path, tmp_path: Path) -> None:
    sh(arm(place))
    kept = tmp_path / "var/lib/samdrift/guard"
    (kept / "armed").rename(kept / "restoring")
    place.write_text("Port 2222\n")
    assert fire(sh).returncode == 0
    assert place.read_text() == "Port 22\n"


def test_what_cannot_be_put_back_is_told_kept_and_tried_until_it_can(sh: Sh, place: Path, tmp_path: Path) -> None:
    works, other = tmp_path / "works", tmp_path / "next"
    sh(arm(place, f"test -e {works}", f"touch {other}"))
    place.write_text("Port 2222\n")
    for _ in range(2):
        failed = fire(sh)
        assert (failed.returncode, other.exists()) == (1, True), "nothing else waits for it"
        assert f"failed: test -e {works}" in stands(sh).report
        assert f"failed: test -e {works}" in sh(guard_script.ARMED).stdout
        assert stands(sh).where is Where.RESTORING
    works.touch()
    assert fire(sh).returncode == 0
    assert place.read_text() == "Port 22\n"
    assert (stands(sh).where, "failed" in stands(sh).report) == (Where.RESTORED, False)
    nothing_is_left(tmp_path)


def test_a_program_that_hangs_holds_up_nothing_else(sh: Sh, place: Path, tmp_path: Path) -> None:
    other = tmp_path / "next"
    sh(arm(place, "sleep 60", f"touch {other}"))
    restore = tmp_path / "var/lib/samdrift/guard/restore"
    restore.write_text(restore.read_text().replace(f"-k 5 {guard_script.EACH}", "-k 5 0.2"))
    place.write_text("Port 2222\n")
    assert fire(sh).returncode == 1
    assert (place.read_text(), other.exists()) == ("Port 22\n", True)
    assert "failed: sleep 60" in stands(sh).report


def test_a_program_may_refuse_to_run_where_it_had_nothing_to_read_before(sh: Sh, tmp_path: Path) -> None:
    place = tmp_path / "wg1.conf"
    assert sh(arm(place, f"test -e {place}")).returncode == 0
    place.write_text("[Interface]\n")
    assert fire(sh).returncode == 0
    assert not place.exists()


def test_a_disk_that_cannot_be_written_keeps_nothing_else_from_being_put_back(sh: Sh, tmp_path: Path) -> None:
    """The mark cannot be moved, as on a disk that the kernel made read-only: the ruleset is put back all the same."""
    live = tmp_path / "live"
    live.write_text("accept\n")
    guard = kept_text("ruleset", tell=f"cat {live}", put_back=f"tee {live}")
    assert sh(guard_script.arm([guard], seconds=60, run="t0", holder="anna")).returncode == 0
    live.write_text("drop\n")
    (tmp_path / "bin/mv").write_text("#!/bin/sh\nexit 1\n")
    (tmp_path / "bin/mv").chmod(0o755)
    assert fire(sh).returncode == 1
    assert (live.read_text(), stands(sh).where) == ("accept\n", Where.ARMED)
    (tmp_path / "bin/mv").unlink()
    assert fire(sh).returncode == 0
    assert stands(sh).where is Where.RESTORED


def test_what_a_lost_run_left_running_of_a_guarded_step_ends_before_anything_is_put_back_and_no_other_hosts_step(
    sh: Sh, place: Path, tmp_path: Path
) -> None:
    """Whoever runs containers sees their processes, and samdrift may be changing one of them."""
    sh(arm(place))

    def step(run: str) -> subprocess.Popen[bytes]:
        late = f"touch {tmp_path}/begun-{run}; sleep 30; echo late > {place}"
        environment = {"PATH": "/usr/bin:/bin", guard_script.GUARDED_STEP: run}
        return subprocess.Popen(["sh", "-c", late], env=environment)

    with step("t0") as own, step("t01") as containers:
        until((tmp_path / "begun-t0").exists)
        until((tmp_path / "begun-t01").exists)
        assert fire(sh).returncode == 0
        assert own.wait(timeout=5) != 0
        assert containers.poll() is None
        containers.kill()
    assert place.read_text() == "Port 22\n"


def test_a_host_that_went_down_in_the_middle_of_a_confirmation_is_tidied_by_its_timer(
    sh: Sh, place: Path, tmp_path: Path
) -> None:
    sh(arm(place))
    place.write_text("Port 2222\n")
    (tmp_path / "var/lib/samdrift/guard/armed").rename(tmp_path / "var/lib/samdrift/confirmed")
    assert fire(sh).returncode == guard_script.NOT_ARMED
    assert (place.read_text(), stands(sh).where) == ("Port 2222\n", Where.CONFIRMED)
    nothing_is_left(tmp_path)


@pytest.mark.parametrize("name", ["armed", "restoring"])
def test_a_mark_without_a_timer_is_told_and_restored(sh: Sh, place: Path, tmp_path: Path, name: str) -> None:
    sh(arm(place))
    kept = tmp_path / "var/lib/samdrift/guard"
    (kept / "armed").rename(kept / name)
    place.write_text("Port 2222\n")
    assert not stands(sh).ticks
    assert "its timer does not run" in sh(guard_script.ARMED).stdout
    for unit in (tmp_path / "etc/systemd/system").iterdir():
        unit.unlink()
    assert sh(guard_script.RESTORE).returncode == 0
    assert (place.read_text(), stands(sh).where) == ("Port 22\n", Where.RESTORED)
    nothing_is_left(tmp_path)


def test_a_timer_that_waits_is_told_to_run(sh: Sh, place: Path, tmp_path: Path) -> None:
    sh(arm(place))
    (tmp_path / "noted.state").write_text("waiting\n\ndead\n")
    assert stands(sh).ticks
    assert sh(guard_script.ARMED).stdout == "anna, to test\n"
    (tmp_path / "noted.state").write_text("elapsed\n\nauto-restart\n")
    assert stands(sh).ticks
    (tmp_path / "noted.state").write_text("elapsed\n\ndead\n")
    assert not stands(sh).ticks


def test_a_mark_with_nothing_beside_it_is_taken_away_and_told(sh: Sh, tmp_path: Path) -> None:
    kept = tmp_path / "var/lib/samdrift/guard"
    kept.mkdir()
    (kept / "armed").write_text("x\nsomebody\n")
    assert sh(guard_script.RESTORE).returncode == 0
    assert (stands(sh).where, stands(sh).report) == (
        Where.RESTORED,
        "somebody\nnothing was kept, so that nothing was put back",
    )
    nothing_is_left(tmp_path)


def test_a_guard_that_is_cleared_leaves_the_host_as_it_is(sh: Sh, place: Path, tmp_path: Path) -> None:
    sh(arm(place, "false"))
    place.write_text("Port 2222\n")
    assert sh(guard_script.CLEAR).returncode == 0
    assert (place.read_text(), stands(sh).where) == ("Port 2222\n", Where.CONFIRMED)
    nothing_is_left(tmp_path)
    assert sh(guard_script.CLEAR).returncode == guard_script.NOT_ARMED


@pytest.mark.parametrize("program", [guard_script.prove, partial(guard_script.arm, seconds=60, run="t", holder="")])
@pytest.mark.parametrize(
    ("guard", "why"),
    [
        (Guard(what="x", keep="echo no such thing >&2; false"), "x cannot be kept: no such thing"),
        (Guard(what="x", prove="echo line 3; false"), "x could not be put back as it is: line 3"),
        (kept_file("/proc/version"), "/proc/version cannot be kept: cp: cannot create regular file"),
    ],
    ids=["not kept", "not proved", "no place"],
)
def test_nothing_is_armed_where_something_cannot_be_kept_or_put_back(
    sh: Sh, tmp_path: Path, program: Callable[[Sequence[Guard]], str], guard: Guard, why: str
) -> None:
    refused = sh(program([kept_file(f"{tmp_path}/other"), guard]))
    assert refused.returncode == 1
    assert refused.stderr.splitlines()[-1].startswith(why)
    assert stands(sh).where is Where.NONE
    nothing_is_left(tmp_path)
    assert "restart" not in noted(tmp_path), "no timer was started"


def test_what_could_be_put_back_is_proved_without_leaving_anything(sh: Sh, place: Path, tmp_path: Path) -> None:
    assert sh(guard_script.prove([kept_file(str(place), accepts="grep -q Port {path}")])).returncode == 0
    nothing_is_left(tmp_path)
    assert noted(tmp_path) == ""


def test_no_guard_is_armed_where_no_space_is_left(sh: Sh, place: Path, tmp_path: Path) -> None:
    (tmp_path / "bin/head").write_text("#!/bin/sh\necho 'no space left' >&2; exit 1\n")
    (tmp_path / "bin/head").chmod(0o755)
    refused = sh(arm(place))
    assert (refused.returncode, refused.stderr) == (1, "no space left\n")
    nothing_is_left(tmp_path)


@pytest.mark.parametrize("noise", ["", "bash: warning\n", "none\n"])
def test_what_says_nothing_of_a_guard_is_none(noise: str) -> None:
    assert guard_script.standing(noise) == Standing()


def noted(tmp_path: Path) -> str:
    """What systemctl was told."""
    place = tmp_path / "noted"
    return place.read_text() if place.exists() else ""
