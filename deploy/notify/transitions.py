"""What changed between the findings that people were told of and those of the latest scan. Pure.

A finding is known again by its fingerprint. What a host that was not looked at had is neither gone nor there: it stays
as people know it. What a waiver accepts is open no more, and is told as such. Evidence is never told: it quotes hosts'
files, and stands in the record.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from typing import Literal

from pydantic import Field

from deploy.model.findings import Finding
from deploy.model.kinds import Kind, Severity
from deploy.model.record import Record
from deploy.model.text import inline
from deploy.model.words import in_words
from deploy.notify.others import Others
from inventory.frozen import Frozen, as_json

NOT_LOOKED_AT = frozenset({"unknown", "skipped", "stale"})

Change = Literal["new", "changed", "gone", "accepted"]
CHANGES: tuple[Change, ...] = ("new", "changed", "gone", "accepted")


class Open(Frozen):
    """A finding that is open, as it is told: nothing of another municipality's stands in it.

    Attributes:
        content: a digest of what may change about it.
        swedish: what was found, in Swedish; `english` likewise.
    """

    kind: Kind
    severity: Severity
    host: str
    role: str
    swedish: str
    english: str
    first_seen: str
    content: str


class Transition(Frozen):
    """A finding that is new, changed, gone, or accepted by a waiver."""

    change: Change
    finding: Open
    fingerprint: str


class Seen(Frozen):
    """What a scan found of one municipality: what is open, and what a waiver accepts, by fingerprint."""

    open: dict[str, Open] = Field(default_factory=dict)
    accepted: tuple[str, ...] = ()


def seen(
    record: Record, municipality: str, others: Others, before: Mapping[str, Open], managed: Collection[str]
) -> Seen:
    """Return what is open after a scan.

    Args:
        before: what was open, by fingerprint.
        managed: the municipality's hosts that are managed now; what others had is gone with them.
    """
    own = [f for f in record.findings if f.municipality == municipality and f.kind is not Kind.NOTICE]
    found = {f.fingerprint: _open(f, others) for f in own if not f.accepted}
    looked_at = {h.host for h in record.hosts if h.outcome not in NOT_LOOKED_AT}
    kept = {p: o for p, o in before.items() if o.host in managed and o.host not in looked_at and o.kind != Kind.UNKNOWN}
    accepted = tuple(sorted({f.fingerprint for f in own if f.accepted} - found.keys()))
    return Seen(open={**{p: o for p, o in kept.items() if p not in accepted}, **found}, accepted=accepted)


def transitions(announced: Mapping[str, Open], now: Seen) -> tuple[Transition, ...]:
    """Return what changed since people were told: new, changed, gone and accepted, in that order, each by host."""

    def change(fingerprint: str) -> Change | None:
        if fingerprint not in announced:
            return "new"
        if fingerprint not in now.open:
            return "accepted" if fingerprint in now.accepted else "gone"
        return "changed" if now.open[fingerprint].content != announced[fingerprint].content else None

    every = {**announced, **now.open}
    found = [
        Transition(change=how, finding=finding, fingerprint=fingerprint)
        for fingerprint, finding in every.items()
        if (how := change(fingerprint)) is not None
    ]
    return tuple(sorted(found, key=lambda t: (CHANGES.index(t.change), t.finding.host, t.finding.role, t.fingerprint)))


def _open(finding: Finding, others: Others) -> Open:
    def shown(text: str) -> str:
        return others.hidden(inline(text))

    content = "\0".join((finding.severity, as_json(finding.message), *sorted(finding.differences)))
    return Open(
        kind=finding.kind,
        severity=finding.severity,
        host=shown(finding.host),
        role=shown(finding.role),
        swedish=shown(in_words(finding.message, "sv")),
        english=shown(in_words(finding.message, "en")),
        first_seen=finding.first_seen,
        content=hashlib.sha256(content.encode(errors="surrogatepass")).hexdigest()[:16],
    )
