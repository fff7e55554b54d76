"""Admission: whether a plan may be carried out. It is not stale, has not expired, and enough people have approved it.

Nothing has been connected to yet where a plan comes from a file. Not here: which hosts need how many approvals
(`inventory.rules.approvals`), what an approval counts for (`model.approval`), and what hosts say to it (`engine`).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from deploy.model import clock
from deploy.model.approval import Approval, Approved, Lacking, approved, discounted, lacking
from deploy.model.code import code_digest
from deploy.model.plan import Plan
from deploy.model.plan_file import PlanFile
from deploy.runs.invocation import Invocation
from deploy.runs.permission import asking
from deploy.runs.signing import SigningError, verify
from inventory.errors import SamdriftError
from inventory.organisation import People
from inventory.rules.approvals import needed

CLOCKS = timedelta(minutes=5)
"""Clocks of two machines may differ by so much."""


class StalePlan(SamdriftError):
    """The plan is of another time: the inventory, the code or the clock moved since it was made (exit code 5)."""

    exit_code = 5


class NotApproved(SamdriftError):
    """Fewer people have approved a plan than its hosts need."""


@dataclass(frozen=True)
class Admitted:
    """A plan that may be carried out. Only `admit` and `admit_made` make one.

    Attributes:
        approved: the approvals that count.
        lacking: what is lacking of them, in an emergency.
        discounted: why other approvals do not count.
    """

    plan: Plan
    approved: tuple[Approved, ...] = ()
    lacking: tuple[Lacking, ...] = ()
    discounted: tuple[str, ...] = ()


def admit(run: Invocation, file: PlanFile) -> Admitted:
    """Admit the plan of a file to this run, with its approvals.

    Raises:
        StalePlan: it is one of another time.
        NotApproved: it needs more approvals, and this is no emergency.
    """
    refuse_if_stale(file.plan, run.fleet.digest, clock.now())
    return _admitted(run, file.plan, file.approvals)


def admit_made(run: Invocation, plan: Plan) -> Admitted:
    """Admit a plan that this run has made itself: nobody has approved it.

    Raises:
        NotApproved: it needs approvals, and this is no emergency.
    """
    return _admitted(run, plan, ())


def refuse_if_stale(plan: Plan, fleet_digest: str, now: str) -> None:
    """Refuse a plan computed from other inventory or other code, one that has expired, and one of a wrong clock."""
    fix = "make a new plan: samdrift plan"
    if plan.fleet_digest != fleet_digest:
        raise StalePlan("the inventory has changed since the plan was made", fix=fix)
    if plan.code_digest != code_digest():
        raise StalePlan("the roles have changed since the plan was made", fix=fix)
    try:
        made, expires, today = map(datetime.fromisoformat, (plan.made_at, plan.expires, now))
        early, late = made - CLOCKS > today, today >= expires
    except (ValueError, TypeError):
        raise StalePlan("the plan does not say in times when it was made and when it expires", fix=fix) from None
    if late:
        raise StalePlan(f"the plan expired at {plan.expires}, and it is {now}", fix=fix)
    if early:
        fix = "set the clock that is wrong, here or where it was made, and make a new plan"
        raise StalePlan(f"the plan was made at {plan.made_at}, and here it is {now}", fix=fix)


def counted(
    plan: Plan, approvals: Collection[Approval], people: People, involved: Mapping[str, str], now: str
) -> tuple[tuple[Approved, ...], tuple[str, ...]]:
    """Return the approvals of a plan that count, the latest of each person, and why the others do not.

    Args:
        involved: account names of those whose own work it is, and what they do.
    """
    counts, not_counted = dict[str, Approved](), list[str]()
    for approval in sorted(approvals, key=lambda a: a.at):
        why = _wrong(approval, plan, now) or discounted(approval, people, involved)
        person = people.person(approval.by)
        if not why and person is not None:
            try:
                counts[approval.by] = approved(approval, person, verify(approval, person))
            except SigningError as e:
                why = str(e)
        if why:
            not_counted.append(f"the approval by {approval.by} does not count: {why}")
    return tuple(counts.values()), tuple(not_counted)


def _wrong(approval: Approval, plan: Plan, now: str) -> str:
    """Return why an approval is none of this plan, whoever gave it; empty if it is one."""
    if approval.subject != "plan" or approval.digest != plan.digest:
        return "it is of another plan"
    try:
        at, made, today = map(datetime.fromisoformat, (approval.at, plan.made_at, now))
        if not made - CLOCKS <= at <= today + CLOCKS:
            return f"it was given at {approval.at}, by a clock that is wrong"
    except (ValueError, TypeError):
        return "it does not say when it was given"
    return ""


def involved_in(plan: Plan, *applies: str) -> dict[str, str]:
    """Return the accounts whose own work a plan is: of who made it, as it says, and of who applies it."""
    made = plan.made_by.partition("@")[0]
    of = {made: "made the plan"} | dict.fromkeys(filter(None, applies), "applies the plan")
    return of | {made: "made the plan and applies it"} if made in applies else of


def _admitted(run: Invocation, plan: Plan, approvals: Collection[Approval]) -> Admitted:
    about = {h.name for h in run.hosts}
    changing = {host: whose for host, whose in plan.changing.items() if host in about}
    rule = run.approvals
    need = needed(rule, run.fleet, [h for h in run.hosts if h.name in changing]) if rule else {}
    applies = (run.who.partition("@")[0], asking().person or "")
    counts, not_counted = counted(plan, approvals, run.fleet.people, involved_in(plan, *applies), clock.now())
    missing = lacking(changing, need, counts)
    if missing and not run.emergency:
        raise NotApproved(_in_words(missing, not_counted, of_a_file=bool(approvals)), fix=_FIX)
    return Admitted(plan, counts, missing, not_counted)


_FIX = (
    "samdrift plan --out FILE, then samdrift approve FILE by somebody else, then samdrift apply FILE; "
    "in an emergency: --emergency --reason TEXT"
)


def _in_words(missing: Collection[Lacking], not_counted: Collection[str], *, of_a_file: bool) -> str:
    lines = [f"not approved, so no host was changed: {'; '.join(map(str, missing))}"]
    return "\n  ".join([*lines, *(not_counted if of_a_file else ())])
