"""`samdrift guard`: what a host is about to undo; undone at once, or left as it is.

Not here: what is done (`runs.guard`), and how a host is guarded while it is changed (`engine.guards`).
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import click

from deploy.cli.command import WORDS, Common, InOrder, answer, command
from deploy.cli.reason import reason_of, reason_option
from deploy.cli.running import record_of, running
from deploy.model.kinds import Exit
from deploy.views.parts import municipalities, put
from inventory.errors import SamdriftError, UsageError

if TYPE_CHECKING:
    from deploy.model.record import Record
    from deploy.runs.invocation import Invocation
    from inventory.fleet import Fleet, Host


_take_over_option = click.option(
    "--take-over",
    metavar="RUN",
    multiple=True,
    type=WORDS,
    help="Do so though this run has locked the host, as it is gone for good. Can be repeated.",
)


@click.group("guard", cls=InOrder)
def guard() -> None:
    """What a host is about to undo: an unconfirmed change."""


@command("show", of=guard)
@click.argument("name", metavar="HOST")
def guard_show(common: Common, name: str) -> int:
    """Show what a host is about to undo, and for whom; ends with 2 if there is anything."""
    from deploy.runs import guard as runs
    from deploy.views import guard as view

    with _running(common, name, "guard-show") as run:
        seen = runs.show(run)
    code = Exit.DIFFERENCES if seen.pending else Exit.OK
    answer(common, seen.model_dump(mode="json") | {"exit_code": code}, view.seen(seen))
    return code


@command("restore", of=guard)
@click.argument("name", metavar="HOST")
@click.option("--yes", is_flag=True, help="Do not ask.")
@_take_over_option
@reason_option
def guard_restore(common: Common, name: str, yes: bool, take_over: tuple[str, ...], reason: str | None) -> int:
    """Have a host undo at once what was not confirmed, whoever changed it."""
    from deploy.runs import guard as runs

    return _changing(common, name, "restore", runs.restore, yes=yes, take_over=take_over, reason=reason)


@command("clear", of=guard)
@click.argument("name", metavar="HOST")
@click.option("--yes", is_flag=True, help="Do not ask.")
@_take_over_option
@reason_option
def guard_clear(common: Common, name: str, yes: bool, take_over: tuple[str, ...], reason: str | None) -> int:
    """Take a host's guard away: what was not confirmed stays, and what was kept is gone."""
    from deploy.runs import guard as runs

    return _changing(common, name, "clear", runs.clear, yes=yes, take_over=take_over, reason=reason)


def _changing(
    common: Common,
    name: str,
    verb: str,
    act: Callable[[Invocation], Record],
    *,
    yes: bool,
    take_over: tuple[str, ...],
    reason: str | None,
) -> int:
    """Show what the host is about to undo, ask, and record what was done."""
    from deploy.runs import guard as runs
    from deploy.views import guard as view
    from deploy.views import plan as plan_view

    if not yes and not sys.stdin.isatty():
        raise UsageError(f"guard {verb} asks before it changes anything, and here is nobody to answer", fix="add --yes")
    why = reason_of(common, reason, f"guard {verb}")
    with _running(common, name, f"guard-{verb}", why, take_over) as run:
        seen = runs.show(run)
        put(common.people, view.seen(seen))
        what = "Put it back now?" if verb == "restore" else "Leave it as it is, and forget how it was before?"
        if seen.pending and not yes and not click.confirm(what, err=True):
            raise SamdriftError("not approved: nothing was changed")
        record = record_of(common, lambda: act(run))
        names = municipalities(run.fleet)
    answer(common, record.model_dump(mode="json"), plan_view.applied(record, names))
    return record.exit_code


@contextmanager
def _running(
    common: Common, name: str, named: str, reason: str = "", take_over: tuple[str, ...] = ()
) -> Iterator[Invocation]:
    """Make a run on one host, whatever the inventory says of its roles."""

    def found(fleet: Fleet) -> Host:
        host = next((h for h in fleet.hosts if h.name == name), None)
        if host is None:
            raise UsageError("the inventory does not have it", where=f"host {name}", fix="see: samdrift hosts")
        return host

    adopting = None if common.lab else found
    about = replace(common, limit=name)
    with running(about, named, reason=reason, take_over=take_over, adopting=adopting) as (run, observer):
        if [h.name for h in run.hosts] != [name]:
            raise UsageError("a guard is one host's", where=name, fix="see: samdrift hosts")
        observer.rest()
        yield run
