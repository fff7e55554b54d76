"""One exec for many commands: whatever they print, each gets its own answer back."""

import subprocess
from shlex import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deploy.transport.batch import TIMED_OUT, Truncated, answers, marker
from roles.shared.look_program import framed

outputs = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=60)


def run(commands: list[str], each: float = 5) -> tuple[str, str, str]:
    mark = marker()
    done = subprocess.run(["sh", "-s"], input=framed(commands, mark, each).encode(), capture_output=True, check=True)
    return done.stdout.decode(), done.stderr.decode(), mark


@settings(max_examples=25)
@given(st.lists(st.tuples(outputs, outputs, st.integers(0, 100)), min_size=1, max_size=4))
def test_every_command_gets_its_own_output_errors_and_status(said: list[tuple[str, str, int]]) -> None:
    commands = [f"printf %s {quote(out)}; printf %s {quote(err)} >&2; exit {rc}" for out, err, rc in said]
    out, err, mark = run(commands)
    assert [(a.stdout, a.stderr, a.rc) for a in answers(out, err, mark, len(said))] == said


def test_a_command_that_reads_stdin_does_not_eat_the_commands_after_it() -> None:
    out, err, mark = run(["cat", "echo still here"])
    assert [a.stdout for a in answers(out, err, mark, 2)] == ["", "still here\n"]


def test_a_command_that_hangs_is_ended_and_the_others_answer() -> None:
    out, err, mark = run(["sleep 60", "echo fine"], each=0.3)
    slow, fine = answers(out, err, mark, 2)
    assert slow.rc in TIMED_OUT
    assert fine.stdout == "fine\n"


def test_a_command_that_exits_the_shell_exits_only_its_own() -> None:
    out, err, mark = run(["exit 3", "echo on"])
    assert [a.rc for a in answers(out, err, mark, 2)] == [3, 0]


def test_an_output_that_ends_early_is_truncated_and_not_empty_answers() -> None:
    out, err, mark = run(["echo first", "echo second"])
    with pytest.raises(Truncated, match="1 of 2"):
        answers(out[: out.index("second")], err, mark, 2)
