"""`samdrift plan`, `apply`, `verify` and `drift`: what is asked and shown before a run and after it.

Only these commands connect to hosts, and not here: what a run does is in `runs`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from deploy.cli.approve import emergency_option, refuse_other_digest, refuse_without_reason, tell_of_emergency
from deploy.cli.command import FILE, WORDS, Common, answer, aside, command
from deploy.cli.outputs import Outputs, output_options, put_outputs, told_if_it_breaks_off
from deploy.cli.reason import reason_of, reason_option
from deploy.cli.running import record_of, running
from deploy.cli.subject import options_of
from deploy.cli.written import refuse_unwritable, write
from deploy.model.approval import VALID_HOURS
from deploy.model.text import several
from deploy.views.parts import municipalities, put
from inventory.errors import SamdriftError, UsageError
from inventory.fleet import Fleet
from roles.shared.guard import RESTORES_AFTER

if TYPE_CHECKING:
    from rich.console import RenderableType

    from deploy.model.findings import Finding
    from deploy.model.plan import Plan
    from deploy.model.record import Record
    from deploy.model.twins import Rehearsed
    from deploy.runs.invocation import Invocation
    from inventory.netbox.client import NetBox


def _role_option(function: Callable[..., Any]) -> Callable[..., Any]:
    meaning = "Only the steps of this role. Can be repeated."
    return click.option("--role", "roles", metavar="ROLE", multiple=True, type=WORDS, help=meaning)(function)


def _remove_option(function: Callable[..., Any]) -> Callable[..., Any]:
    meaning = "Remove this line of a device: as it is shown, or a regular expression for it. Can be repeated."
    kind = (WORDS, WORDS)
    return click.option("--remove", metavar="HOST LINE", nargs=2, multiple=True, type=kind, help=meaning)(function)


@command("plan")
@click.option("--out", metavar="FILE", type=FILE, help="Write the plan here, for approve and apply.")
@click.option(
    "--valid",
    "valid_hours",
    metavar="HOURS",
    type=click.IntRange(1, 24 * 30),
    default=VALID_HOURS,
    show_default=True,
    help="For how long it may be applied.",
)
@click.option("--html", metavar="FILE", type=FILE, help="Write it as a page here.")
@click.option("--markdown", metavar="FILE", type=FILE, help="Write it as Markdown here, for a merge request's comment.")
@click.option("--brief", is_flag=True, help="Each step by its name, without diffs.")
@click.option("--commands", is_flag=True, help="Every command, also of steps that show a diff.")
@click.option("--detailed-exitcode", is_flag=True, help="End with 2 where something would change.")
@_role_option
@_remove_option
def plan(  # noqa: PLR0917  click tells options by name
    common: Common,
    out: Path | None,
    valid_hours: int,
    html: Path | None,
    markdown: Path | None,
    brief: bool,
    commands: bool,
    detailed_exitcode: bool,
    roles: tuple[str, ...],
    remove: tuple[tuple[str, str], ...],
) -> int:
    """Show what would change, with diffs.

    The same change of many hosts is shown once.
    """
    from deploy.model.alike import names_of
    from deploy.model.device_models import model_notices
    from deploy.model.locked import changing_notices
    from deploy.model.openings import openings
    from deploy.model.plan_file import plan_file, write_plan_file
    from deploy.runs import commands as runs
    from deploy.views import plan as plan_view

    refuse_unwritable(filter(None, (out, html, markdown)), "plan")
    with running(common, "plan", only_roles=roles, remove=remove) as (run, _):
        made, record = runs.plan(run, detailed=detailed_exitcode, valid_hours=valid_hours)
    _warn_of_idle(common, made)
    if out is not None:
        write_plan_file(plan_file(made), out)
    document = {
        **plan_file(made).model_dump(mode="json"),
        "openings": [opening.model_dump(mode="json") for opening in openings(made)],
        "findings": record.model_dump(mode="json")["findings"],
        "exit_code": record.exit_code,
    }
    known = (*model_notices(run.fleet, run.hosts), *changing_notices(made.hosts))
    names, called = municipalities(run.fleet), names_of(run.fleet)
    page = plan_view.plan(made, names, notices=known, brief=brief, commands=commands, called=called)
    answer(common, document, _after_unsound(run, page))
    _write_pages(made, names, called, known, html=html, markdown=markdown)
    if out is not None:
        too = "".join(f"{option} " for option in options_of(common))
        aside(common, f"The plan is in {out}, to be applied until {made.expires}. Its digest: {made.digest}")
        aside(common, f"To approve it: samdrift {too}approve {out}; to carry it out: samdrift {too}apply {out}")
    return record.exit_code


def _write_pages(
    made: Plan,
    names: Mapping[str, str],
    called: Collection[str],
    known: Sequence[Finding],
    *,
    html: Path | None,
    markdown: Path | None,
) -> None:
    """Write a plan for people to read elsewhere; by its owner, for it quotes hosts' files."""
    from deploy.report import plan_markdown, plan_page

    for file, text in ((html, plan_page.html), (markdown, plan_markdown.markdown)):
        if file is not None:
            try:
                write(file, text(made, names, called, known))
            except OSError as e:
                what, fix = f"cannot write the plan: {e.strerror}", "choose another file"
                raise SamdriftError(what, where=str(file), fix=fix) from e


def _warn_of_idle(common: Common, made: Plan) -> None:
    """Tell which `--remove` names no line: nothing of it goes."""
    for host, line in made.idle_removals:
        aside(common, f"warning: --remove {host} {line!r} names no line that a role's section has and nobody declares")


def _write_back_option(function: Callable[..., Any]) -> Callable[..., Any]:
    meaning = "Tell NetBox how each host stands, and what was changed."
    return click.option("--write-back", is_flag=True, envvar="SAMDRIFT_WRITE_BACK", help=meaning)(function)


def _netbox_to_tell(common: Common, fleet: Fleet) -> NetBox:
    """Connect to the NetBox of --write-back, before any host is connected to."""
    from deploy.lab.wiring import lab_hosts
    from deploy.source.netbox import WRITE_BACK, connected
    from deploy.source.write_back import is_of_the_lab

    netbox = connected(common.netbox_url, common.netbox_ca, WRITE_BACK)
    if common.lab and not is_of_the_lab(netbox.url, lab_hosts(fleet)):
        fix = "leave out --write-back, or name the address of the lab's own NetBox"
        raise UsageError("what the lab does is told to no other NetBox than its own", where=netbox.url, fix=fix)
    return netbox


def _tell_netbox(common: Common, netbox: NetBox | None, record: Record) -> None:
    """Write back, if that was asked for; what NetBox could not be told is a warning."""
    from deploy.source.write_back import write_back

    for warning in write_back(netbox, record) if netbox else ():
        aside(common, f"warning: {warning}")


def _after_unsound(run: Invocation, page: Iterable[RenderableType]) -> Iterator[RenderableType]:
    """Show what is wrong with hosts that nothing was done with, and then the page."""
    from deploy.views import findings as findings_view

    yield from findings_view.findings(run.unsound, municipalities(run.fleet))
    yield from page


def _refuse_hidden(common: Common, run: Invocation) -> None:
    """Refuse to rehearse where the lab stands between this machine and the real hosts."""
    from deploy.lab.lab import Lab

    if common.lab:
        raise UsageError("the lab is where it is rehearsed", where="--rehearse", fix="leave out --lab, or --rehearse")
    if Lab().holds(h.address for h in run.hosts):
        fix = "samdrift lab down; samdrift lab up --apart"
        raise UsageError("on this machine the lab has the real hosts' addresses", where="--rehearse", fix=fix)


def _rehearse(common: Common, run: Invocation, made: Plan) -> Rehearsed:
    """Apply a plan to the twins of its hosts that run in the lab; the run's record says how that went."""
    from deploy.lab.lab import Lab
    from deploy.runs.rehearsing import RehearsalFailed, rehearse

    twins = {host.name for host in Lab().status().hosts if host.running}
    given = {"--source": common.source, "--netbox-url": common.netbox_url, "--netbox-ca": common.netbox_ca}
    options = [word for name, value in given.items() if value for word in (name, str(value))]
    try:
        run.recording.rehearsed = rehearse(made, twins, options)
    except RehearsalFailed as e:
        run.recording.rehearsed = e.rehearsed
        raise
    return run.recording.rehearsed


@command("apply")
@click.argument("planfile", metavar="[PLANFILE]", required=False, type=FILE)
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--brief", is_flag=True, help="Show each step of the plan by its name, without diffs.")
@click.option("--digest", metavar="DIGEST", type=WORDS, help="Apply PLANFILE only if its plan has this digest.")
@emergency_option
@click.option(
    "--guard",
    metavar="SECONDS",
    type=click.FloatRange(10, 3600),
    help=f"A host undoes what could cut it off, so long after it heard of samdrift last. [{RESTORES_AFTER:g}]",
)
@click.option(
    "--no-rollback",
    metavar="HOST",
    multiple=True,
    help="Change this host though it cannot undo what cuts it off. Can be repeated.",
)
@click.option(
    "--max-failures",
    metavar="N",
    type=click.IntRange(0),
    help="So many hosts may end badly before the rest is left alone. [as inventory/rules.yaml says]",
)
@click.option(
    "--take-over",
    metavar="RUN",
    multiple=True,
    type=WORDS,
    help="Change hosts that this run has locked, as it is gone for good. Can be repeated.",
)
@click.option("--rehearse", is_flag=True, help="Apply it to twins in the lab first, and ask then.")
@_role_option
@_remove_option
@reason_option
@_write_back_option
def apply(  # noqa: PLR0917  click tells options by name
    common: Common,
    planfile: Path | None,
    yes: bool,
    brief: bool,
    digest: str | None,
    emergency: bool,
    guard: float | None,
    no_rollback: tuple[str, ...],
    max_failures: int | None,
    take_over: tuple[str, ...],
    rehearse: bool,
    roles: tuple[str, ...],
    remove: tuple[tuple[str, str], ...],
    reason: str | None,
    write_back: bool,
) -> int:
    """Change the hosts as planned, canaries first, and verify them.

    Without PLANFILE, makes a plan, shows it and asks. With it, carries out exactly that plan.
    """
    from deploy.model.alike import names_of
    from deploy.model.device_models import model_notices
    from deploy.model.locked import changing_notices
    from deploy.model.plan_file import read_plan_file
    from deploy.model.waves import order_of
    from deploy.runs import applying as runs
    from deploy.runs.admission import admit
    from deploy.views import approvals as approvals_view
    from deploy.views import plan as plan_view

    if not yes and not sys.stdin.isatty():
        raise UsageError("apply asks before it changes anything, and here is nobody to answer", fix="add --yes")
    file = read_plan_file(planfile) if planfile else None
    refuse_other_digest(digest, file)
    if file is not None and (roles or remove):
        option, words = ("--role", "--role ROLE") if roles else ("--remove", "--remove HOST LINE")
        fix = f"leave it out, or make a plan with it: samdrift plan {words} --out FILE"
        raise UsageError("a plan file is applied exactly as it was made", where=option, fix=fix)
    why = reason_of(common, reason, "apply")
    refuse_without_reason(why, emergency=emergency)
    rehearse = rehearse and not emergency
    with running(
        common,
        "apply",
        only_roles=roles,
        remove=remove,
        reason=why,
        take_over=take_over,
        emergency=emergency,
        guard_seconds=guard,
    ) as (run, observer):
        if rehearse:
            _refuse_hidden(common, run)
        names = municipalities(run.fleet)
        planned = admit(run, file) if file is not None else None
        netbox = _netbox_to_tell(common, run.fleet) if write_back else None

        def approve(made: Plan) -> None:
            observer.rest()
            _warn_of_idle(common, made)
            if planned is not None:
                put(common.people, approvals_view.head(planned, names))
            known = (*model_notices(run.fleet, run.hosts), *changing_notices(made.hosts))
            put(common.people, plan_view.plan(made, names, notices=known, brief=brief, called=names_of(run.fleet)))
            if emergency:
                put(common.people, [approvals_view.emergency(why)])
            if rehearse:
                put(common.people, plan_view.rehearsed(_rehearse(common, run, made)))
            gates = runs.gates_in_force(max_failures, lab=run.lab, emergency=emergency)
            put(common.people, plan_view.order(order_of(run.fleet, gates).forecast(run.hosts, made)))
            changing = sum(bool(h.changes) for h in made.hosts)
            if changing and not yes and not click.confirm(f"Change {several(changing, 'host')}?", err=True):
                raise SamdriftError("not approved: no host was changed")

        carry_out = partial(runs.apply, run, approve, planned, no_rollback=no_rollback, max_failures=max_failures)
        record = record_of(common, carry_out)
    _tell_netbox(common, netbox, record)
    answer(common, record.model_dump(mode="json"), _after_unsound(run, plan_view.applied(record, names)))
    tell_of_emergency(common, record)
    return record.exit_code


@command("verify")
@output_options
def verify(common: Common, outputs: Outputs) -> int:
    """Run the state checks of every role against the real hosts."""
    from deploy.runs import commands as runs
    from deploy.views import findings as findings_view

    with told_if_it_breaks_off(common, outputs, "verify"), running(common, "verify") as (run, _):
        record = record_of(common, lambda: runs.verify(run))
    names = municipalities(run.fleet)
    record = put_outputs(common, outputs, record, names)
    page = findings_view.verified(record, names, common.people.width)
    answer(common, record.model_dump(mode="json"), _after_unsound(run, page))
    return record.exit_code


@command("drift")
@output_options
@reason_option
@_write_back_option
def drift(common: Common, outputs: Outputs, reason: str | None, write_back: bool) -> int:
    """Compare the hosts with what was last applied; change nothing."""
    from deploy.runs import commands as runs
    from deploy.views import findings as findings_view

    why = " ".join((reason or "").split())
    with told_if_it_breaks_off(common, outputs, "drift"), running(common, "drift", reason=why) as (run, _):
        netbox = _netbox_to_tell(common, run.fleet) if write_back else None
        record = record_of(common, lambda: runs.drift(run))
    names = municipalities(run.fleet)
    record = put_outputs(common, outputs, record, names)
    _tell_netbox(common, netbox, record)
    answer(common, record.model_dump(mode="json"), findings_view.drift(record, names))
    return record.exit_code
