"""What `probe` shows: what of a device is as samdrift believes, and what the transcript's file holds.

Not here: how a device is asked and judged (`runs.probe`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from rich.console import RenderableType
from rich.text import Text

from deploy.model.text import inline
from deploy.views.parts import empty_table
from roles.shared.device.transcript import Judgement

STYLES = {"ok": "green", "not as believed": "bold red", "refused": "red", "not seen": "dim"}


def judgements(judged: Sequence[Judgement]) -> Iterator[RenderableType]:
    """Show what was judged, in the order in which it was asked."""
    table = empty_table()
    table.add_column("What", overflow="fold")
    table.add_column("Seen", no_wrap=True)
    table.add_column("Which", overflow="fold")
    for one in judged:
        table.add_row(Text(inline(one.about)), Text(one.outcome, STYLES[one.outcome]), Text(inline(one.detail)))
    yield table


def file_of(out: Path) -> Iterator[RenderableType]:
    """Say what the file is going to hold, and how to read it."""
    yield Text(
        inline(f"The transcript goes to {out}: each command, its answer and how long it took; secrets withheld,")
    )
    yield Text("names, addresses, serial numbers and texts replaced. Names that no word announces stay.")
    yield Text(inline(f"Read it before you send it to anybody: less {out}"))
