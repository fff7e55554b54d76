"""Run one of the commands of scheduled and distributed runs, and tell by its exit code how that ended.

`samdrift-worker` and `samdrift-queue` begin here, since they need libraries that not everybody has installed.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

import click

from deploy.model.kinds import Exit
from inventory.errors import SamdriftError, UsageError

SLUG = re.compile(r"[a-z0-9][a-z0-9-]{0,98}")
OF_WORKERS = frozenset({"procrastinate", "psycopg_pool"})
"""What is installed with samdrift's extra `workers` alone."""


def worker() -> NoReturn:
    """Run `samdrift-worker`."""
    with saying_what_is_missing():
        from deploy.jobs.worker import worker as command  # noqa: PLC0415
    sys.exit(run_command(command, "samdrift-worker"))


def queue() -> NoReturn:
    """Run `samdrift-queue`."""
    with saying_what_is_missing():
        from deploy.jobs.queue_tables import queue as command  # noqa: PLC0415
    sys.exit(run_command(command, "samdrift-queue"))


@contextmanager
def saying_what_is_missing() -> Iterator[None]:
    """End, saying what to install, where a library is not there that only workers need."""
    try:
        yield
    except ModuleNotFoundError as e:
        library = (e.name or "").partition(".")[0]
        if library not in OF_WORKERS:
            raise
        what = f"{library} is not installed, which keeps the queue"
        click.echo(f"error: {what} (pip install 'samdrift[workers]')", err=True)
        sys.exit(Exit.ERROR)


def require_slug(municipality: str) -> str:
    """Return a municipality's short name, if it can be one.

    Raises:
        UsageError: it cannot.
    """
    if not SLUG.fullmatch(municipality):
        raise UsageError("that is no municipality's short name", where=municipality, fix="its slug: heby, say")
    return municipality


def run_command(command: click.Command, called: str) -> int:
    """Run a command with what this process was told, and return the exit code that its end means."""
    try:
        code = command.main(sys.argv[1:], prog_name=called, standalone_mode=False)
    except SamdriftError as e:
        click.echo(f"error: {e}", err=True)
        return e.exit_code
    except click.ClickException as e:
        e.show()
        return Exit.USAGE
    return int(code or 0)
