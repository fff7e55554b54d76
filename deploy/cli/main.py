"""The command line: which commands there are, in which module, and how each of them ends.

    fleet          hosts, show, check
    review         review
    reach          reach
    adopt          adopt
    probe          probe
    runs           plan, apply, verify, drift
    approve        approve
    restore        restore
    guard          guard show, restore, clear
    history        history, history verify, sign-off, config, migrate, prune
    waivers        waivers, waivers propose
    report         report
    pages          pages
    secrets        secrets edit, rotate, check
    inventory      inventory pull, seed, diff
    lab            lab up, down, status, cut, mend
    command        what all commands have in common: options, answers
    subject        what a command is about: fleet, hosts, store, vault, run

They parse, load, call and show. What commands do is in `runs`, `check`, `lab` and others, how it looks in `views`.

What a command alone needs, it imports when it runs, and above all what pyinfra or paramiko stands behind: help and the
list of hosts must not wait for it (`tests.bench.startup`). Only `entry` imports this module.
"""

from __future__ import annotations

import importlib
import os
import sys
import traceback
from collections.abc import Sequence
from typing import Any, NoReturn, cast

import click

from deploy.cli.command import Common, common_options
from deploy.model.kinds import Exit
from deploy.runs.stopping import end_by_signals
from inventory.errors import InventoryError, SamdriftError

COMMANDS = {
    "hosts": ("fleet", "List the hosts of the fleet."),
    "show": ("fleet", "Show one host: data, roles, settings, files or configuration."),
    "check": ("fleet", "Check inventory, settings and files, offline."),
    "review": ("review", "Review what a change does to which hosts, offline."),
    "reach": ("reach", "Who may reach what, on which port, and which rule says so."),
    "adopt": ("adopt", "Say what taking over a host that runs would mean; change nothing."),
    "probe": ("probe", "Ask a device what is relied on; write an anonymous transcript."),
    "plan": ("runs", "Show what would change, with diffs."),
    "approve": ("approve", "Sign a plan that you have read, with your SSH key."),
    "apply": ("runs", "Change the hosts as planned, canaries first, and verify them."),
    "restore": ("restore", "Make a device as it was: an earlier configuration, as a plan."),
    "guard": ("guard", "What a host is about to undo: an unconfirmed change."),
    "verify": ("runs", "Run the state checks of every role against the real hosts."),
    "drift": ("runs", "Compare the hosts with what was last applied; change nothing."),
    "history": ("history", "List who did what, when, with which plan; or show one run."),
    "waivers": ("waivers", "List accepted differences: who answers for each, why, until when."),
    "report": ("report", "Write what auditors read: how the hosts stood when last looked at."),
    "pages": ("pages", "Write pages for people to browse: each municipality its own."),
    "secrets": ("secrets", "What only hosts may know: one encrypted file for each municipality."),
    "inventory": ("inventory", "NetBox, and the snapshot of what it said last."),
    "lab": ("lab", "Real hosts to rehearse on, on this machine."),
}
"""Every command, as a day's work goes: its module, and the first sentence of its help."""

EXIT_CODES = """\b
Exit codes:
  0  all well               5  the plan is stale
  1  error                  6  a change was rolled back
  2  differences            7  a verification failed after a change
  3  a host is unknown      64 wrong usage
  4  another run is on      130 interrupted
"""


class Commands(click.Group):
    """All commands: each is imported when it is asked for, so that none waits for what the others need."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  click's signature
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002  click's signature
        if cmd_name not in COMMANDS:
            return None
        module, _ = COMMANDS[cmd_name]
        return cast("click.Command", getattr(importlib.import_module(f"deploy.cli.{module}"), cmd_name))

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl([(name, summary) for name, (_, summary) in COMMANDS.items()])


@click.group(
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog=EXIT_CODES,
)
@click.version_option(package_name="samdrift", message="samdrift %(version)s")
@common_options("SAMDRIFT")
@click.pass_context
def cli(ctx: click.Context, /, **given: Any) -> None:
    """Joint operations of five municipalities: what every host should be, and what it is.

    The options here may also stand after a command, or in the environment: SAMDRIFT_LIMIT and so on.
    """
    ctx.obj = Common().over(given)


def main() -> NoReturn:
    """Run the command line, and exit with the code that it means."""
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]  # a real stream, or a test's file
    end_by_signals()
    sys.exit(_ended(sys.argv[1:]))


def _ended(arguments: Sequence[str]) -> int:
    """Run a command line; however it ends, that is an exit code and, where it failed, a clear line."""
    try:
        code = cli.main(arguments, prog_name="samdrift", standalone_mode=False)
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # Python flushes once more when it ends
        return Exit.ERROR
    except Exception as e:  # noqa: BLE001  the last resort: whatever it is, it is told in a line
        # Looked for by hand: an error in the command line itself must be told as it asks, too.
        return _failed(e, in_json="--json" in arguments, debug="--debug" in arguments)
    return int(code or 0)


def _failed(error: Exception, *, in_json: bool, debug: bool) -> int:
    """Tell an error: a line on stderr, and with --json a document on stdout."""
    from rich.text import Text

    from deploy.model.text import as_json, safe
    from deploy.views.parts import put, screen

    if debug:
        print(_traceback(error), end="", file=sys.stderr)  # noqa: T201  before anything that rich could break over lines
    message, code = _described(error)
    if in_json:
        problems = [str(p) for p in error.problems] if isinstance(error, InventoryError) else []
        described = {"message": message, "problems": problems} if problems else {"message": message}
        click.echo(as_json({"error": described, "exit_code": code}))
    start = "\n" if isinstance(error, click.Abort) and sys.stderr.isatty() else ""  # below the ^C
    shown = Text.assemble(start, ("error: ", "bold red"), safe(message))
    put(screen(sys.stderr), [shown])
    return code


def _traceback(error: Exception) -> str:
    """Return where in the code an error comes from; what may be a secret in what it quotes of a device is withheld."""
    from roles.shared.device.masking import masked

    lines = (line for part in traceback.format_exception(error) for line in part.splitlines(keepends=True))
    return "".join(line if line.startswith("  ") else masked(line) for line in lines)


def _described(error: Exception) -> tuple[str, int]:
    """Return the text of an error for people, and the exit code that it means."""
    if isinstance(error, SamdriftError):
        return str(error), int(error.exit_code)
    if isinstance(error, click.Abort):
        return "interrupted (run it again: it goes on where it stopped)", Exit.INTERRUPTED
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        return f"no command was given\n\n{error.format_message()}", Exit.USAGE
    if isinstance(error, click.ClickException):
        context = error.ctx if isinstance(error, click.UsageError) else None
        command = context.command_path if context else "samdrift"
        return f"{error.format_message().rstrip('.')} (see: {command} --help)", Exit.USAGE
    described = f"{type(error).__name__}: {error}".rstrip(": ")
    return f"internal error: {described} (run it again with --debug, and tell whoever looks after samdrift)", Exit.ERROR
