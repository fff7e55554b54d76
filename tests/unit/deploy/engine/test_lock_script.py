"""What a command's program says of what was not there before it, by a real shell."""

from __future__ import annotations

import shlex
import subprocess
from pathlib import Path

import pytest

from deploy.engine import lock_script
from roles.shared.parts.expected import Expected


def absent(path: Path) -> Expected:
    return Expected(what=str(path), question="true", answers=(), absent=f"[ ! -e {shlex.quote(str(path))} ]")


@pytest.fixture
def locked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A lock that this run has."""
    for name in ("LOCK", "BUSY"):
        monkeypatch.setattr(lock_script, name, str(tmp_path / name))
    (tmp_path / "LOCK").write_text("r1\n")
    return "r1"


def ran(run: str, program: str, *expected: Expected) -> tuple[int, frozenset[int], str]:
    text = lock_script.fenced(run, program, seconds=1, absent=expected)
    done = subprocess.run(["sh", "-s"], input=text, text=True, capture_output=True, check=False)
    return done.returncode, *lock_script.appeared(done.stderr)


@pytest.mark.parametrize("said", ["", "a word", "a line\n", "samdrift: is there now: 9"])
@pytest.mark.parametrize("status", [0, 3])
def test_a_program_says_what_it_made_and_ends_as_it_did(locked: str, tmp_path: Path, said: str, status: int) -> None:
    one, two, three = (tmp_path / name for name in ("a", "b b'", "c"))
    program = f"{{ touch {shlex.quote(str(two))} {three}; printf %s {shlex.quote(said)} >&2; (exit {status}); }}"
    assert ran(locked, program, *map(absent, (one, two, three))) == (status, frozenset({1, 2}), said)


def test_what_is_there_before_is_no_doing_of_the_program(locked: str, tmp_path: Path) -> None:
    (tmp_path / "a").touch()
    status, made, said = ran(locked, f"touch {tmp_path}/b", absent(tmp_path / "a"), absent(tmp_path / "b"))
    assert (status, made) == (lock_script.REFUSED, frozenset())
    assert said.startswith(lock_script.MOVED)
    assert not (tmp_path / "b").exists()
