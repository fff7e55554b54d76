"""What every view is made of: the screen, tables, lists of facts, diffs, and what is shown in which colour.

Text from NetBox and from hosts is untrusted: it only ever becomes rich `Text` (never markup), passed through
`model.text` first. What is a `Text` by itself is printed as it is, however long its lines (diffs and commands are
copied); everything else is fitted to the screen. Not here: what a command shows, which has a view of its own.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from typing import TextIO

from rich.box import Box
from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from deploy.model.kinds import Kind
from deploy.model.text import DiffPart, command_lines, diff_lines, inline, safe
from inventory.fleet import Fleet

WIDTH = 100
"""Columns where there is no terminal to ask."""

LINE = Box("    \n    \n ── \n    \n    \n    \n    \n    \n")
"""A table with a line below its head, and nothing else."""

COLOURS: Mapping[str, str] = {
    Kind.DRIFT: "bold yellow",
    Kind.PENDING: "bold cyan",
    Kind.CONFLICT: "bold red",
    Kind.MISSING: "bold yellow",
    Kind.UNMANAGED: "bold magenta",
    Kind.UNKNOWN: "bold red",
    Kind.FAILED_CHECK: "bold red",
    Kind.FAILED_STEP: "bold red",
    Kind.STALE: "bold red",
    Kind.REFUSED: "bold red",
    Kind.LOCKED: "bold yellow",
    Kind.ROLLED_BACK: "bold red",
    Kind.STOPPED: "bold red",
    Kind.ARMED: "bold yellow",
    Kind.UNSOUND: "bold red",
    Kind.WAIVER: "bold yellow",
    Kind.NOTICE: "bold cyan",
    "in sync": "green",
    "changed": "green",
    "differs": "yellow",
    "failed": "bold red",
    "stale": "bold red",
    "skipped": "dim",
    "passed": "green",
    "accepted": "green",
    "refused": "bold red",
    "not applicable": "dim",
}


DIFF_COLOURS: Mapping[DiffPart, str] = {
    "head": "bold",
    "place": "cyan",
    "new": "green",
    "old": "red",
    "note": "yellow",
    "same": "",
}


def screen(stream: TextIO) -> Console:
    """Make a console on this stream: as wide as the terminal, or 100 columns (or $COLUMNS) if there is none."""
    width = None if stream.isatty() else int(os.environ.get("COLUMNS") or WIDTH)
    return Console(file=stream, width=width, highlight=False, markup=False, emoji=False)


def put(console: Console, parts: Iterable[RenderableType]) -> None:
    """Print what a view yields, part by part."""
    for part in parts:
        console.print(part, soft_wrap=isinstance(part, Text))


def municipalities(fleet: Fleet) -> dict[str, str]:
    """Return the tenants' names, with their Swedish letters, by slug."""
    return {t.slug: t.name for t in fleet.tenants}


def safe_lines(text: str) -> list[str]:
    """Split a text into lines, each safe to show."""
    return safe(text).split("\n")


def diff(text: str, indent: int = 0) -> Text:
    """Colour a unified diff."""
    shown = Text()
    for part, line in diff_lines(text):
        shown.append(f"{' ' * indent}{safe(line)}\n" if line else "\n", DIFF_COLOURS[part])
    shown.rstrip()
    return shown


def command_text(lines: Iterable[str], indent: int = 0) -> Text:
    """Show commands, each after a prompt."""
    shown = (line for command in lines for line in command_lines(safe(command)))
    return Text("\n".join(f"{' ' * indent}{line}" for line in shown), "dim")


def plain(text: str, indent: int = 0) -> Text:
    """Show a text as it is, line by line."""
    return Text("\n".join(f"{' ' * indent}{line}".rstrip() for line in safe_lines(text.rstrip("\n"))))


def empty_table() -> Table:
    """Make a table without rows or columns, in the look of all of them."""
    return Table(box=LINE, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0), header_style="bold dim")


def fact_table(rows: Sequence[tuple[str, str]]) -> Table:
    """Show names and values in two columns without heads."""
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in rows:
        table.add_row(Text(inline(name)), Text(safe(value)))
    return table


def indented(what: RenderableType, by: int = 2) -> RenderableType:
    """Move something to the right."""
    return Padding(what, (0, 0, 0, by), expand=False)
