"""Observers that tell people how a run goes, on stderr: a bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.text import Text

from deploy.model.observer import Observer
from deploy.model.text import inline, several


class Telling(Observer, Protocol):
    """An observer that can be asked to leave the screen to others until the next stage."""

    def rest(self) -> None:
        """Leave the terminal to another writer."""


@contextmanager
def observing(console: Console) -> Iterator[Telling]:
    """Make the observer that fits this console, for as long as the block runs."""
    if not console.is_terminal:
        yield Unharmed(Lines(console))
        return
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[now]}", style="dim", markup=False),
    )
    bar = Bar(Progress(*columns, console=console, transient=True, refresh_per_second=8))
    try:
        yield Unharmed(bar)
    finally:
        with suppress(OSError):
            bar.rest()


class Unharmed:
    """An observer whose writing may fail: the terminal was closed, its reader is gone. No run ends by what it tells."""

    def __init__(self, observer: Telling) -> None:
        self._observer = observer

    def stage(self, title: str, hosts: Sequence[str], things: str = "host") -> None:
        """Tell of a stage, if anybody hears it."""
        with suppress(OSError):
            self._observer.stage(title, hosts, things)

    def host(self, host: str, state: str, detail: str = "") -> None:
        """Tell of a host, if anybody hears it."""
        with suppress(OSError):
            self._observer.host(host, state, detail)

    def rest(self) -> None:
        """Leave the terminal, if there is one."""
        with suppress(OSError):
            self._observer.rest()


def below(detail: str) -> str:
    """Put the other lines of a detail below its first, each as safe text."""
    return "\n    ".join(map(inline, detail.splitlines()))


class Lines:
    """A line a stage, and a line a finished host that has something to say."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def stage(self, title: str, hosts: Sequence[str], things: str = "host") -> None:
        """Print a stage: `looking: 9 hosts`."""
        count = f": {several(len(hosts), things)}" if hosts else ""
        self._console.print(Text(inline(title) + count), soft_wrap=True)

    def host(self, host: str, state: str, detail: str = "") -> None:
        """Print a finished host: ` alv-gw1: 3 changes`.

        Steps in between, and hosts with nothing to report, are left out.
        """
        if state != "step" and (detail or state == "failed"):
            shown = f"failed: {detail}" if state == "failed" else detail
            self._console.print(Text(f"  {inline(host)}: {below(shown)}"), soft_wrap=True)

    def rest(self) -> None:
        """Do nothing: a line that is written is written."""


class Bar:
    """One bar, for the stage that is under way; a host that fails leaves a line above it."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._task: TaskID | None = None

    def stage(self, title: str, hosts: Sequence[str], things: str = "host") -> None:  # noqa: ARG002  a bar shows numbers
        """Start the bar anew, with a step for each host."""
        self.rest()
        self._task = self._progress.add_task(inline(title), total=len(hosts) or None, now="")
        self._progress.start()

    def host(self, host: str, state: str, detail: str = "") -> None:
        """Move the bar on when a host is finished; a step only changes the text behind it."""
        if self._task is None:
            return
        if state == "failed":
            self._progress.console.print(Text(f"{inline(host)}: {below(detail)}", "red"), soft_wrap=True)
        now = f"{host}: {detail}" if state == "step" else host
        self._progress.update(self._task, advance=0 if state == "step" else 1, now=inline(now)[:48])

    def rest(self) -> None:
        """Take the bar away until the next stage."""
        if self._task is not None:
            self._progress.remove_task(self._task)
            self._task = None
        self._progress.stop()
