"""Questions of many jobs are answered together, each once, in as few rounds as their longest chain."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.transport.rounds import Rounds
from deploy.transport.ssh import Answer


def echo(commands: Sequence[str]) -> list[Answer]:
    return [Answer(rc=0, stdout=c, stderr="") for c in commands]


@given(st.lists(st.lists(st.integers(0, 5), max_size=4), max_size=8))
def test_the_number_of_rounds_is_the_longest_chain_of_new_questions(chains: list[list[int]]) -> None:
    asked: list[Sequence[str]] = []

    def ask_all(commands: Sequence[str]) -> list[Answer]:
        asked.append(commands)
        return echo(commands)

    rounds = Rounds(ask_all)
    jobs = [lambda chain=chain: [rounds.ask(str(c)).stdout for c in chain] for chain in chains]
    assert rounds.run(jobs) == [[str(c) for c in chain] for chain in chains]
    once = [c for commands in asked for c in commands]
    assert len(once) == len(set(once))
    assert len(asked) <= max((len(set(chain)) for chain in chains), default=0)


def test_one_job_that_fails_does_not_keep_the_others_from_ending() -> None:
    rounds, ended = Rounds(echo), []

    def bad() -> None:
        rounds.ask("x")
        raise ValueError("no")

    def good() -> None:
        rounds.ask("y")
        rounds.ask("z")
        ended.append(True)

    with pytest.raises(ValueError, match="no"):
        rounds.run([bad, good])
    assert ended == [True]


def test_a_round_that_fails_fails_everyone_who_asked_and_hangs_nobody() -> None:
    def dies(_commands: Sequence[str]) -> list[Answer]:
        raise ConnectionError("gone")

    rounds = Rounds(dies)
    with pytest.raises(ConnectionError):
        rounds.run([lambda: rounds.ask("a"), lambda: rounds.ask("b")])


def test_a_second_run_knows_the_answers_of_the_first() -> None:
    asked: list[str] = []

    def ask_all(commands: Sequence[str]) -> list[Answer]:
        asked.extend(commands)
        return echo(commands)

    rounds = Rounds(ask_all)
    rounds.run([lambda: rounds.ask("a")])
    rounds.run([lambda: rounds.ask("a")])
    assert asked == ["a"]
