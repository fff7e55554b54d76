"""The searches of a look are asked as one question; one that there was no time for costs no other its answer."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from deploy.engine.declare import register
from deploy.engine.unmanaged import searching
from deploy.model.plan import Unmanaged
from deploy.transport.rounds import Rounds
from deploy.transport.ssh import Answer
from inventory import snapshot
from roles.shared.catalogue import catalogue
from roles.shared.intent import Intent
from roles.shared.searches.every import OF_EVERY_SERVER

HOST = "tie-dns1"
FLEET = snapshot.load()


def looked(answer: Answer) -> tuple[list[list[str]], list[Unmanaged]]:
    """Search a host that answers so to whatever is asked; returns what was asked, by rounds, and what was found."""
    host = FLEET.host(HOST)
    settings = Intent(FLEET).settings(host)
    declared = register([host], {HOST: settings})[HOST]
    asked: list[list[str]] = []

    def ask(commands: Sequence[str]) -> list[Answer]:
        asked.append(list(commands))
        return [answer] * len(commands)

    rounds = Rounds(ask)
    found: list[Unmanaged] = []
    rounds.run(searching(declared, settings, rounds, found, all_roles=True))
    return asked, found


def test_all_searches_but_those_of_root_are_one_question_and_the_slow_ones_come_last() -> None:
    ((together, *as_root),) = looked(Answer(rc=0, stdout="", stderr=""))[0]
    questions = {search.asked for search in OF_EVERY_SERVER}
    slow = {search.asked for search in OF_EVERY_SERVER if search.is_slow}
    assert len(slow) == 1
    assert together.count("ended %s") >= len(questions)
    assert together[together.index("/proc/self/mounts") :].count("ended %s") == 1, "the walk is the last that is asked"
    roles = Intent(FLEET).settings(FLEET.host(HOST))
    assert set(as_root) == {s.asked_alone for role in roles for s in catalogue()[role].searches if s.as_root}


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (Answer(rc=124, stdout="", stderr=""), "there was no answer in time"),
        (Answer(rc=127, stdout="", stderr="sh: perl: not found"), "its command ended with 127"),
        (Answer(rc=0, stdout="", stderr=""), "there is more than is read"),
    ],
)
def test_where_nothing_was_answered_every_search_says_why(answer: Answer, why: str) -> None:
    _, found = looked(answer)
    assert {thing.state for thing in found} == {why}
    assert {search.kind for search in OF_EVERY_SERVER} <= {thing.kind for thing in found}


def test_what_was_answered_before_the_time_was_over_is_told() -> None:
    first = r"\nended 0\n" + "\n"
    _, found = looked(Answer(rc=124, stdout=first * 3, stderr=""))
    in_time = [thing for thing in found if thing.state != "there was no answer in time"]
    late = [thing for thing in found if thing.state == "there was no answer in time"]
    assert in_time
    assert {"stray", "setuid"} <= {thing.kind for thing in late}
