"""What `guard` shows: what a host is about to undo, or how its last guard ended.

Not here: how a host is asked (`runs.guard`).
"""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import RenderableType
from rich.text import Text

from deploy.model.guard_state import Seen, Where
from deploy.model.text import inline

SAID = {
    Where.NONE: "was never guarded, or nobody knows of it any more",
    Where.ARMED: "is about to undo a change that was not confirmed",
    Where.RESTORING: "is putting itself back, and tries until everything is",
    Where.RESTORED: "is not guarded; it undid the last guarded change",
    Where.CONFIRMED: "is not guarded; the last guarded change was confirmed, or left as it was",
}


def seen(of: Seen) -> Iterator[RenderableType]:
    """Show how a host's guard stands."""
    yield Text.assemble((of.host, "bold"), " ", (SAID[of.standing.where], "yellow" if of.pending else ""))
    for line in of.standing.text.splitlines():
        yield Text(f"  {inline(line)}")
    for what in of.kept:
        yield Text(f"  would put back: {inline(what)}")
