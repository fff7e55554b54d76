"""`samdrift restore`: which device, as it was when; what is shown and asked before it is changed.

Not here: what is done (`runs.restore`), and which configurations a host had (`samdrift history config`).
"""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import click

from deploy.cli.approve import emergency_option, refuse_without_reason, tell_of_emergency
from deploy.cli.command import WORDS, Common, answer, command
from deploy.cli.reason import reason_of, reason_option
from deploy.cli.running import record_of, running
from deploy.views.parts import municipalities, put
from inventory.errors import SamdriftError, UsageError
from roles.shared.guard import RESTORES_AFTER

if TYPE_CHECKING:
    from deploy.model.plan import Plan


@command("restore")
@click.argument("name", metavar="HOST")
@click.option("--at", metavar="TIME", type=WORDS, required=True, help="When: 2026-11-29, 2026-11-29T07:30 (UTC).")
@click.option("--yes", is_flag=True, help="Do not ask.")
@emergency_option
@click.option(
    "--guard",
    metavar="SECONDS",
    type=click.FloatRange(10, 3600),
    help=f"The device undoes it, so long after it heard of samdrift last. [{RESTORES_AFTER:g}]",
)
@click.option("--no-rollback", is_flag=True, help="Though it cannot undo what cuts it off.")
@reason_option
def restore(  # noqa: PLR0917  click tells options by name
    common: Common,
    name: str,
    at: str,
    yes: bool,
    emergency: bool,
    guard: float | None,
    no_rollback: bool,
    reason: str | None,
) -> int:
    """Make a device as it was: an earlier configuration, as a plan.

    Shows what would be typed, and apart what would be taken away, and asks. TIMEs: samdrift history config HOST.
    """
    from deploy.runs import restore as runs
    from deploy.views import approvals as approvals_view
    from deploy.views import backups as backups_view
    from deploy.views import plan as plan_view

    if not yes and not sys.stdin.isatty():
        raise UsageError("restore asks before it changes anything, and here is nobody to answer", fix="add --yes")
    about, why = replace(common, limit=name), reason_of(common, reason, "restore")
    refuse_without_reason(why, emergency=emergency)
    with running(about, "restore", emergency=emergency, reason=why, guard_seconds=guard) as (run, observer):
        if [h.name for h in run.hosts] != [name]:
            raise UsageError("one device is restored at a time", where=name, fix="see: samdrift hosts")
        backup = runs.backup_of(run, at)
        names = municipalities(run.fleet)

        def approve(made: Plan) -> None:
            observer.rest()
            put(common.people, plan_view.plan(made, names))
            if emergency:
                put(common.people, [approvals_view.emergency(why)])
            put(common.people, backups_view.restoration(backup, runs.taken_away(made)))
            changing = any(h.changes for h in made.hosts)
            if changing and not yes and not click.confirm(f"Change {name}?", err=True):
                raise SamdriftError("not approved: nothing was changed")

        no_rollback_of = [name] if no_rollback else []
        record = record_of(common, lambda: runs.restore(run, backup, approve, no_rollback=no_rollback_of))
    answer(common, record.model_dump(mode="json"), plan_view.applied(record, names))
    tell_of_emergency(common, record)
    return record.exit_code
