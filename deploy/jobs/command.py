"""Run one of the commands of scheduled and distributed runs, and tell by its exit code how that ended."""

from __future__ import annotations

import re
import sys

import click

from deploy.model.kinds import Exit
from inventory.errors import SamdriftError, UsageError

SLUG = re.compile(r"[a-z0-9][a-z0-9-]{0,98}")


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
