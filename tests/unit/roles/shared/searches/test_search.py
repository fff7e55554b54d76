"""A search: an answer that is not whole, or whose command failed, never means that nothing is there."""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Iterator

import pytest

from roles.shared.catalogue import catalogue
from roles.shared.searches.search import LONGEST_NAME, Declarations, Found, Search, Unread, matches
from roles.shared.searches.together import LARGEST

NOTHING = Declarations()


def lines(answer: str, declared: Declarations) -> Iterator[Found]:
    return (Found(name=line) for line in answer.splitlines() if line)


def search(question: str) -> Search:
    return Search(kind="line", question=question, undeclared=lines)


def asked(question: str) -> str:
    return subprocess.run(
        ["sh", "-c", search(question).asked_alone], capture_output=True, text=True, check=False
    ).stdout


def test_the_end_of_an_answer_says_how_the_command_ended() -> None:
    assert search("").unexpected(asked("echo b; echo a; echo a"), NOTHING) == (Found(name="a"), Found(name="b"))
    with pytest.raises(Unread, match="ended with 3"):
        search("").unexpected(asked("echo a; (exit 3)"), NOTHING)


@pytest.mark.parametrize("answer", ["", "a\n", "a\nended 0", "a\nended 0\nb\n", "a" * LARGEST])
def test_an_answer_without_its_end_says_nothing(answer: str) -> None:
    with pytest.raises(Unread, match="more than is read"):
        search("").unexpected(answer, NOTHING)


def test_an_answer_that_cannot_be_read_says_nothing() -> None:
    def confused(answer: str, declared: Declarations) -> Iterator[Found]:
        raise IndexError

    with pytest.raises(Unread, match="cannot be understood: IndexError"):
        Search(kind="x", question="", undeclared=confused).unexpected("\nended 0\n", NOTHING)


def test_a_name_is_told_in_part_where_it_is_endless() -> None:
    (found,) = search("").unexpected(f"{'x' * 9999}\n\nended 0\n", NOTHING)
    assert len(found.name) == LONGEST_NAME


def test_what_is_expected_is_not_told() -> None:
    expected = Declarations(expects={"line": ("acme-*", "b")})
    assert [f.name for f in search("").unexpected("acme-x\na\nb\n\nended 0\n", expected)] == ["a"]


@pytest.mark.parametrize(
    ("pattern", "name", "fits"),
    [("a*", "abc", True), ("a*", "ba", False), ("a.b", "axb", False), ("*", "a\nb", True), ("[a]", "a", False)],
)
def test_a_pattern_is_about_a_whole_name(pattern: str, name: str, fits: bool) -> None:
    assert matches(pattern, name) is fits


SEARCHES = {f"{role.name}: {s.kind}": s for role in catalogue().values() for s in role.searches}


@pytest.mark.parametrize("one", SEARCHES.values(), ids=list(SEARCHES))
def test_every_question_is_one_that_a_shell_reads_and_can_be_asked_word_by_word(one: Search) -> None:
    subprocess.run(["sh", "-n", "-c", one.asked_alone], check=True)
    assert "{word" not in one.asked_alone
    assert not one.remove or (one.remove[-1] == "{name}" and shlex.join(one.remove))
