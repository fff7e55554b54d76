"""What observers tell while a run goes on, and that no run ends by it."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from deploy.views.progress import observing


def test_a_detail_of_several_lines_is_shown_as_lines() -> None:
    console = Console(file=io.StringIO(), width=200)
    with observing(console) as observer:
        observer.stage("looking", ["heb-gw1"])
        observer.host("heb-gw1", "failed", "exit 1\nno \x1b[2Jsuch file\n")
    assert console.file.getvalue() == (  # type: ignore[attr-defined]  # a StringIO
        "looking: 1 host\n  heb-gw1: failed: exit 1\n    no \\x1b[2Jsuch file\n"
    )


class _Closed(io.StringIO):
    """A terminal that somebody closed."""

    def write(self, _text: str) -> int:
        raise OSError(5, "Input/output error")


@pytest.mark.parametrize("terminal", [True, False])
def test_a_run_goes_on_though_nobody_can_be_told(terminal: bool) -> None:
    with observing(Console(file=_Closed(), force_terminal=terminal, width=80)) as observer:
        observer.stage("looking", ["heb-gw1"])
        observer.host("heb-gw1", "failed", "lost")
        observer.rest()
