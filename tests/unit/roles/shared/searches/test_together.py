"""Questions that are asked together: each is answered as it would be alone, and none can speak for another."""

from __future__ import annotations

import shutil
import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roles.shared.searches.together import LARGEST, apart, together

pytestmark = pytest.mark.skipif(shutil.which("perl") is None, reason="not applicable: no perl here")


def asked(*questions: str) -> list[str]:
    said = subprocess.run(["sh", "-c", together(questions)], stdin=subprocess.DEVNULL, capture_output=True, check=True)
    return apart(said.stdout.decode("utf-8", "replace"))


@pytest.mark.long
@given(st.lists(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])), min_size=1, max_size=5))
@settings(max_examples=30, deadline=None)
def test_each_answer_comes_as_it_was_whatever_it_says(answers: list[str]) -> None:
    quoted = (answer.replace("'", "'\"'\"'") for answer in answers)
    assert asked(*(f"printf %s '{answer}'" for answer in quoted)) == answers


def test_an_answer_that_is_too_long_is_none_and_the_next_one_comes() -> None:
    assert asked(f"head -c {LARGEST + 1} /dev/zero", "echo x") == ["", "x\n"]


def test_a_question_that_fails_or_ends_its_shell_takes_no_other_along() -> None:
    assert asked("exit 3", "kill -9 $$", "(", "echo a >&2; echo b") == ["", "", "", "b\n"]


def test_what_there_was_no_time_for_is_missing() -> None:
    said = subprocess.run(
        ["timeout", "2", "sh", "-c", together(["echo a", "sleep 60", "echo b"])],
        capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    assert (said.returncode, apart(said.stdout)) == (124, ["a\n"])
