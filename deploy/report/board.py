"""Compute what the joint board reads: is it in order, what changed since last time, what needs a decision. Pure.

From two situation reports, so that it says nothing that they do not. Not here: those (`report.content`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import date, datetime
from enum import StrEnum
from typing import Literal

from pydantic import Field

from deploy.model.findings import Severity
from deploy.report.document import Report, State, Totals, Why
from deploy.report.procurement import Procurement, Standing
from inventory.frozen import Frozen
from inventory.organisation import TIME_ZONE

WAIVER_DAYS = 60
"""A waiver that ends within so many days is for the board to decide on before it meets again."""

OLD_DAYS = 30
"""A serious finding that is older than this is a decision that nobody has taken."""


class Decision(StrEnum):
    """What somebody has to decide."""

    EMERGENCY = "an emergency is not signed off"
    WAIVER = "an accepted difference ends"
    OLD_FINDING = "a serious finding is old"
    UNSEEN = "hosts were never looked at"
    UNSUPPORTED = "a maker's support ends"
    INVENTORY = "the inventory is not sound"


class ToDecide(Frozen):
    """One thing to decide: what, about which municipality, in a few words as the records have them, and since or until
    when.
    """

    what: Decision
    municipality: str = ""
    about: str = ""
    count: int = 1
    when: str = ""


class Part(Frozen):
    """One municipality now and at the time before; `in_order` is None where nobody looked."""

    name: str
    now: Totals
    then: Totals | None
    in_order: bool | None


class Board(Frozen):
    """What the board reads: the JSON document."""

    format: Literal[1] = 1
    open: bool = Field(default=False, description="it is the version for anybody: what may serve an attacker is masked")
    masked: int = 0
    organisation: str
    scope: str
    at: str
    since: str
    in_order: bool | None
    totals: Totals
    parts: tuple[Part, ...]
    changes: int
    changed_hosts: int
    emergencies: int
    found: int
    mended: int
    median_days: float | None
    worse: tuple[str, ...]
    better: tuple[str, ...]
    decisions: tuple[ToDecide, ...]


def board(now: Report, then: Report | None, bought: Procurement) -> Board:
    """Return what the board reads.

    Args:
        now: of everything, with the period since the board met last.
        then: of everything at the beginning of that period; None where no run tells of it.
        bought: what is known of makers' support.
    """
    before = {m.slug: m.totals for m in then.municipalities} if then else {}
    earlier = {h.name: h.state for h in then.hosts} if then else {}
    period = now.period
    lasted = sorted(t.seconds / 86400 for t in period.troubles if t.seconds is not None) if period else []
    return Board(
        organisation=now.organisation,
        scope=now.scope,
        at=now.at,
        since=period.since if period else "",
        in_order=_in_order(now.totals),
        totals=now.totals,
        parts=tuple(
            Part(name=m.name, now=m.totals, then=before.get(m.slug), in_order=_in_order(m.totals))
            for m in now.municipalities
        ),
        changes=len({c.change.record for c in period.changes}) if period else 0,
        changed_hosts=len({c.host for c in period.changes}) if period else 0,
        emergencies=len({c.change.record for c in period.changes if c.change.emergency}) if period else 0,
        found=len(period.troubles) if period else 0,
        mended=len(lasted),
        median_days=round(lasted[len(lasted) // 2], 1) if lasted else None,
        worse=tuple(h.name for h in now.hosts if _is_wrong(h.state) and earlier.get(h.name) is State.IN_SYNC),
        better=tuple(
            h.name
            for h in now.hosts
            if h.state is State.IN_SYNC and _is_wrong(earlier.get(h.name, State.NOT_LOOKED_AT))
        ),
        decisions=tuple(_decisions(now, bought)),
    )


def _in_order(totals: Totals) -> bool | None:
    """Tell whether all that could be looked at is as it should be; None where nothing was looked at or checked."""
    if totals.failed or totals.differs or totals.unknown:
        return False
    return True if totals.in_sync and totals.passed else None


def _is_wrong(state: State) -> bool:
    return state in {State.FAILED, State.DIFFERS, State.UNKNOWN}


def _decisions(now: Report, bought: Procurement) -> Iterator[ToDecide]:
    called = {m.slug: m.name for m in now.municipalities}
    for e in now.emergencies:
        yield ToDecide(
            what=Decision.EMERGENCY, municipality=", ".join(e.municipalities), about=e.reason, when=e.started
        )
    day = datetime.fromisoformat(now.at).astimezone(TIME_ZONE).date()
    waivers = {(f.waived.name, f.waived.owner, f.waived.until) for f in now.accepted if f.waived is not None}
    for name, owner, until in sorted(waivers, key=lambda w: w[2]):
        if (date.fromisoformat(until) - day).days <= WAIVER_DAYS:
            yield ToDecide(what=Decision.WAIVER, about=f"{name} ({owner})", when=until)
    old = Counter(
        f.municipality for f in now.findings if f.severity is Severity.HIGH and _days(f.first_seen, now.at) > OLD_DAYS
    )
    for slug, count in sorted(old.items()):
        yield ToDecide(what=Decision.OLD_FINDING, municipality=called.get(slug, slug), count=count)
    never = Counter(h.municipality for h in now.hosts if h.why in {Why.OUTSIDE, Why.NO_RUN} and not h.last_looked_at)
    for slug, count in sorted(never.items()):
        yield ToDecide(what=Decision.UNSEEN, municipality=called.get(slug, slug), count=count)
    for model in (*bought.models, *bought.platforms):
        if model.standing in {Standing.ENDED, Standing.SOON}:
            yield ToDecide(what=Decision.UNSUPPORTED, about=model.name, count=model.count, when=model.support_until)
    if now.checked and now.checked.findings:
        yield ToDecide(what=Decision.INVENTORY, count=len(now.checked.findings))


def _days(earlier: str, later: str) -> float:
    if not earlier:
        return 0.0
    return (datetime.fromisoformat(later) - datetime.fromisoformat(earlier)).total_seconds() / 86400
