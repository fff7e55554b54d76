"""Every test has its turn in `make test`, in one process of those that run side by side."""

from __future__ import annotations

from pathlib import Path

import pytest
from _pytest.mark.expression import Expression, ExpressionMatcher

from tests.side_by_side import LANES

UNIT = Path(__file__).parent


def lanes_of(directory: str, marks: frozenset[str]) -> list[str]:
    """Return the processes that run a test of this directory with these marks."""

    def has(name: str, /, **_: str | int | bool | None) -> bool:
        return name in marks

    matcher: ExpressionMatcher = has
    return [
        lane
        for lane, (place, _, chosen, *_) in LANES.items()
        if place == directory and Expression.compile(chosen).evaluate(matcher)
    ]


@pytest.mark.parametrize("marks", ["", "lab", "lab netbox", "lab own_lab"])
def test_whatever_an_integration_test_needs_one_process_runs_it(marks: str) -> None:
    has = frozenset(marks.split())
    assert len(lanes_of("tests/integration", has)) == 1
    assert lanes_of("tests/integration", has | {"soak"}) == []


def test_no_unit_test_needs_the_lab() -> None:
    assert lanes_of("tests/unit", frozenset()) == ["unit"]
    files = [file for file in UNIT.rglob("test_*.py") if "mark.lab" in file.read_text() and file != Path(__file__)]
    assert files == []
