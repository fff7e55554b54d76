"""`samdrift approve`: sign a plan that somebody has read; and what `apply` and `restore` ask of approvals.

No host is connected to and nothing is recorded: an approver needs the plan file and a key. Not here: what a signature
is (`runs.signing`), and whether an approval counts (`runs.admission`).
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.text import Text

from deploy.cli.command import FILE, READABLE, WORDS, Common, answer, aside, command
from deploy.cli.subject import fleet_of, options_of
from deploy.model import clock
from deploy.model.approval import LONGEST_COMMENT
from deploy.model.text import inline
from deploy.runs.caller import caller
from deploy.views.parts import municipalities, put
from inventory.errors import SamdriftError, UsageError

if TYPE_CHECKING:
    from deploy.model.plan_file import PlanFile
    from deploy.model.record import Record


@command("approve")
@click.argument("planfile", metavar="PLANFILE", type=FILE)
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--brief", is_flag=True, help="Show each step of the plan by its name, without diffs.")
@click.option("--comment", metavar="TEXT", type=WORDS, default=None, help="Stands in the approval, and is signed, too.")
@click.option("--signing-key", metavar="FILE", type=READABLE, help="Sign with this SSH key. [the agent's, or ~/.ssh]")
@click.option("--out", metavar="COPY", type=FILE, help="Write the approved plan here, and not over PLANFILE.")
@click.option(
    "--take", metavar="COPY", multiple=True, type=READABLE, help="Take the approvals of a copy; sign nothing."
)
def approve(  # noqa: PLR0917  click tells options by name
    common: Common,
    planfile: Path,
    yes: bool,
    brief: bool,
    comment: str | None,
    signing_key: Path | None,
    out: Path | None,
    take: tuple[Path, ...],
) -> None:
    """Sign a plan that you have read, with your SSH key.

    Shows the plan in full, and asks. For which municipalities you may, inventory/people.yaml says. COPY is a copy of
    PLANFILE, for who may not write to it: somebody else takes its approvals.
    """
    from deploy.model.alike import names_of
    from deploy.model.plan_file import read_plan_file
    from deploy.runs import approving
    from deploy.views import approvals as view
    from deploy.views import plan as plan_view
    from inventory.rules.approvals import asked

    if not take and not yes and not sys.stdin.isatty():
        raise UsageError("approve asks before it signs anything, and here is nobody to answer", fix="add --yes")
    if comment is not None and len(comment) > LONGEST_COMMENT:
        raise UsageError(f"longer than {LONGEST_COMMENT} characters", where="--comment", fix="be brief")
    file = read_plan_file(planfile)
    fleet = fleet_of(common).fleet
    names, now = municipalities(fleet), clock.now()
    if take:
        approved = approving.taken(file, tuple(map(read_plan_file, take)))
    else:
        state = approving.standing(file, fleet, asked(lab=bool(common.lab)), now)
        put(common.people, view.head(state, names))
        put(common.people, plan_view.plan(file.plan, names, brief=brief, called=names_of(fleet)))
        signer = approving.signer_of(file.plan, fleet, signing_key, caller().who)
        whose = ", ".join(names.get(m, m) for m in signer.municipalities)
        question = f"Approve it as {inline(signer.person.full_name)} ({signer.person.name}) for {inline(whose)}?"
        if not yes and not click.confirm(question, err=True):
            raise SamdriftError("not approved: nothing was signed")
        aside(common, f"Signing with {signer.key}: type its passphrase, or touch it, if it asks for that")
        approved = approving.approve(file, signer, clock.now(), comment or "")
    approving.write(approved, planfile, out)
    state = approving.standing(approved, fleet, asked(lab=bool(common.lab)), clock.now())
    lines = [Text(f"Approved by {inline(view.approval(one, names))}") for one in state.approved]
    lines += [Text(f"Still lacking: {inline(one)}", "yellow") for one in state.lacking]
    lines += [Text(f"warning: {inline(why)}", "yellow") for why in state.discounted]
    if not state.lacking:
        too = "".join(f"{option} " for option in options_of(common))
        place = out or planfile
        lines.append(Text(f"To carry it out: samdrift {too}apply {inline(place)} --digest {file.digest}"))
    document = {
        "digest": file.digest,
        "approved": [one.model_dump(mode="json") for one in state.approved],
        "lacking": [one.model_dump(mode="json") for one in state.lacking],
        "discounted": list(state.discounted),
    }
    answer(common, document, lines)


def emergency_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command that changes hosts the option of an emergency."""
    meaning = "Wait for no approval, canary or rehearsal. Stands out until somebody signs it off; takes --reason."
    return click.option("--emergency", is_flag=True, help=meaning)(function)


def refuse_without_reason(reason: str, *, emergency: bool) -> None:
    """Refuse an emergency that nobody gives a reason for, also where no other run needs one.

    Raises:
        UsageError: it has none.
    """
    if emergency and not reason:
        raise UsageError("an emergency has a reason", where="--emergency", fix="add --reason TEXT")


def refuse_other_digest(digest: str | None, file: PlanFile | None) -> None:
    """Refuse a plan that is not the one of this digest.

    Raises:
        UsageError: there is no file to compare, or that is no whole digest.
        PlanError: the file has another plan.
    """
    from deploy.model.plan_file import PlanError

    if digest is None:
        return
    wanted = digest.strip().lower().removeprefix("sha256:")
    if file is None:
        fix = "name the file: samdrift apply PLANFILE --digest DIGEST"
        raise UsageError("a plan that is yet to be made has no digest", where="--digest", fix=fix)
    if len(wanted) != 64 or not set(wanted) <= set("0123456789abcdef"):
        raise UsageError("it is no SHA-256: 64 hexadecimal digits", where="--digest", fix="give the whole digest")
    if wanted != file.digest:
        raise PlanError(f"this is another plan: its digest is {file.digest}", fix="ask for the file that was approved")


def tell_of_emergency(common: Common, record: Record) -> None:
    """Say what is to be done after an emergency."""
    if record.emergency:
        too = "".join(f"{option} " for option in options_of(common))
        line = "This emergency stands out in history and reports until it is signed off"
        aside(common, f"{line}: samdrift {too}history sign-off {record.id} --comment TEXT")
