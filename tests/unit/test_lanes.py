"""Every test has its turn in `make test`, in one process of those that run side by side."""

from __future__ import annotations

from pathlib import Path

import pytest
from _pytest.mark.expression import Expression, ExpressionMatcher

from tests.side_by_side import LANES, arguments_of

UNIT = Path(__file__).parent


def lanes_of(directory: str, marks: frozenset[str], *, long: bool) -> list[str]:
    """Return the processes that run a test of this directory with these marks, where long tests run or do not."""

    def has(name: str, /, **_: str | int | bool | None) -> bool:
        return name in marks

    matcher: ExpressionMatcher = has
    return [
        lane
        for lane, (place, *others) in ((lane, arguments_of(lane, long=long)) for lane in LANES)
        if place == directory and Expression.compile(others[others.index("-m") + 1]).evaluate(matcher)
    ]


@pytest.mark.parametrize("marks", ["", "lab", "lab netbox", "lab own_lab"])
def test_whatever_an_integration_test_needs_one_process_runs_it(marks: str) -> None:
    has = frozenset(marks.split())
    (lane,) = lanes_of("tests/integration", has, long=False)
    assert lanes_of("tests/integration", has, long=True) == [lane]
    assert lanes_of("tests/integration", has | {"long"}, long=True) == [lane]
    assert lanes_of("tests/integration", has | {"long"}, long=False) == []
    assert lanes_of("tests/integration", has | {"soak"}, long=True) == []


def test_no_unit_test_needs_the_lab() -> None:
    for directory, lane in (("tests/unit", "unit"), ("tests/unit/deploy", "deploy")):
        assert lanes_of(directory, frozenset(), long=False) == [lane]
        assert lanes_of(directory, frozenset({"long"}), long=True) == [lane]
    assert "--ignore=tests/unit/deploy" in arguments_of("unit", long=True)
    files = [file for file in UNIT.rglob("test_*.py") if "mark.lab" in file.read_text() and file != Path(__file__)]
    assert files == []
