"""What `lab status` shows: which hosts of the lab run, and what a crash left behind.

Not here: the lab itself (`lab`).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rich.console import RenderableType
from rich.text import Text

from deploy.model.text import inline, several
from deploy.views.parts import empty_table

if TYPE_CHECKING:  # pyinfra stands behind these: what only lists hosts must not wait for it
    from deploy.lab.lab import LabStatus


def lab(status: LabStatus) -> Iterator[RenderableType]:
    """Show which hosts of the lab run, and what a crash left behind."""
    table = empty_table()
    for head in ("Host", "Address", "State"):
        table.add_column(head)
    table.add_column("Up", justify="right")
    for host_ in status.hosts:
        state, colour = ("cut off", "yellow") if host_.cut_off else ("running", "green")
        shown = Text(state, colour) if host_.running else Text("stopped", "dim")
        up = f"{host_.seconds / 60:.0f} min" if host_.running else ""
        table.add_row(Text(inline(host_.name), "bold"), str(host_.address), shown, up)
    if status.hosts:
        yield table
    for left in status.leftovers:
        yield Text(f"left over: {inline(left)}", "yellow")
    running = sum(h.running for h in status.hosts)
    clean = "; samdrift lab down cleans up" if status.leftovers else ""
    yield Text(f"{several(running, 'lab host')} running, in {inline(status.directory)}{clean}.", "bold")
