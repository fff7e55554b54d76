"""Observers that tell people how a run goes, on stderr: a bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.text import Text

from deploy.observer import Observer
from deploy.render import inline, several


@contextmanager
def observing(console: Console) -> Iterator[Observer]:
    """The observer that fits this console, for as long as the block runs."""
    if not console.is_terminal:
        yield Lines(console)
        return
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[now]}", style="dim", markup=False),
    )
    with Progress(*columns, console=console, transient=True, refresh_per_second=8) as progress:
        yield Bar(progress)


class Lines:
    """A line a stage, and a line a finished host that has something to say."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def stage(self, title: str, hosts: Sequence[str]) -> None:
        """`looking: 9 hosts`."""
        self._console.print(Text(f"{inline(title)}: {several(len(hosts), 'host')}"), soft_wrap=True)

    def host(self, host: str, state: str, detail: str = "") -> None:
        """`  alv-gw1 done: 3 changes`; the steps in between are not told."""
        if state != "step":
            said = f": {inline(detail)}" if detail else ""
            self._console.print(Text(f"  {inline(host)} {inline(state)}{said}"), soft_wrap=True)


class Bar:
    """One bar, for the stage that is under way; a host that fails leaves a line above it."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._task: TaskID | None = None

    def stage(self, title: str, hosts: Sequence[str]) -> None:
        """The bar starts anew, with a step for each host."""
        if self._task is not None:
            self._progress.remove_task(self._task)
        self._task = self._progress.add_task(inline(title), total=len(hosts), now="")

    def host(self, host: str, state: str, detail: str = "") -> None:
        """The bar moves on when a host is finished; a step only changes what is written behind it."""
        if self._task is None:
            return
        if state == "failed":
            self._progress.console.print(Text(f"{inline(host)}: {inline(detail)}", "red"), soft_wrap=True)
        now = f"{host}: {detail}" if state == "step" else host
        self._progress.update(self._task, advance=0 if state == "step" else 1, now=inline(now)[:48])
