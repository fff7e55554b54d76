"""Why hosts are changed, in the caller's words: asked for where somebody can answer, demanded where nobody can."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import click

from deploy.cli.command import WORDS, Common
from inventory.errors import UsageError

REASON = "SAMDRIFT_REASON"
"""The environment may say it: a scheduled job's does."""


def reason_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the option."""
    meaning = "Why: a ticket, a sentence. It stands in history, report and NetBox's journal."
    return click.option("--reason", metavar="TEXT", type=WORDS, envvar=REASON, help=meaning)(function)


def reason_of(common: Common, given: str | None, command: str) -> str:
    """Return why a command changes hosts. In the lab it may be left out: nothing there is anybody's.

    Raises:
        UsageError: nobody says why.
    """
    if given is None and not common.lab:
        if not sys.stdin.isatty():
            fix = '--reason "CHG 1234: new resolvers"'
            raise UsageError(f"{command} changes hosts, and nobody says why", where="--reason", fix=fix)
        given = click.prompt("Why? It stands in the history", err=True)
    return " ".join((given or "").split())
