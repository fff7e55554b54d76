"""Diffs are shown as they are."""

from __future__ import annotations

from deploy.views.parts import diff
from tests.unit.deploy.views.shown import shown


def test_long_lines_of_a_diff_are_not_broken() -> None:
    long = "x" * 300

    assert f"+{long}" in shown(diff(f"+{long}\n"), width=80)
