"""What `history config` shows: the configurations that a host had, one of them, or what changed.

Not here: who may read one, and what of it is masked (`runs.backups`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.console import RenderableType
from rich.text import Text

from deploy.model.backup import Backup
from deploy.model.text import inline, several
from deploy.views.parts import diff, empty_table, plain


def listed(backups: Sequence[Backup], host: str) -> Iterator[RenderableType]:
    """List a host's backups, the newest last, where the prompt is."""
    table = empty_table()
    table.add_column("Taken", no_wrap=True)
    table.add_column("What", overflow="fold")
    for backup in backups:
        table.add_row(Text(inline(backup.taken), "bold"), Text(inline(backup.what)))
    if backups:
        yield table
    read = f"samdrift history config {host} --at TIME, or --diff"
    yield Text(inline(f"{several(len(backups), 'configuration')} of {host}. One, or what it changed: {read}"))


def text(backup: Backup, shown: str) -> Iterator[RenderableType]:
    """Show a configuration."""
    yield _head(backup)
    yield plain(shown)


def changed(backup: Backup, before: Backup | None, shown: str) -> Iterator[RenderableType]:
    """Show what changed with a backup."""
    yield _head(backup)
    if before is None:
        yield Text("It is the first that is known.")
    elif not shown:
        yield Text(inline(f"Since {before.taken} only what is withheld has changed. With it: --unmasked"))
    else:
        yield diff(shown)


def restoration(backup: Backup, taken_away: Sequence[str]) -> Iterator[RenderableType]:
    """Show what a restoration is to, and apart what it takes away."""
    lines = several(len(taken_away), "line")
    yield Text(
        inline(f"As it was from {backup.taken} on. {lines} that take something away{':' if taken_away else '.'}")
    )
    for line in taken_away:
        yield Text(f"  - {inline(line)}", "red")


def _head(backup: Backup) -> Text:
    return Text.assemble((inline(backup.host), "bold"), inline(f"  {backup.what}, as it was from {backup.taken} on"))
