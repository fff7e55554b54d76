"""Read earlier records: which run is the latest of its kind, and since when a finding is known. Pure.

Not here: where records are kept (`store`).
"""

from __future__ import annotations

from collections.abc import Iterable

from deploy.model.record import Record


def latest_look(records: Iterable[Record]) -> Record | None:
    """Return the best run for a report: the latest that both looked and checked, or else did one of them.

    One that was limited to some roles is none: it does not say how a host stands.
    """
    newest = sorted((r for r in records if not r.only_roles), key=lambda r: r.started, reverse=True)
    whole = [r for r in newest if r.command in {"drift", "apply"} and r.hosts]
    part = [r for r in newest if r.command in {"plan", "verify"} and r.hosts]
    return next(iter([*whole, *part]), None)


def latest_check(records: Iterable[Record], source: str) -> Record | None:
    """Return the latest check of the inventory from this source."""
    checks = (r for r in records if r.command == "check" and r.fleet_source == source)
    return max(checks, key=lambda r: r.started, default=None)


def dated(check: Record, before: Record | None) -> Record:
    """Put into the findings of a check since when each is known.

    A finding that `before`, the check before it, had too keeps the date that stands there; any other has this check's.
    """
    same = before.findings if before and before.fleet_source == check.fleet_source else ()
    known = {f.fingerprint: f.first_seen for f in same}
    findings = (f.model_copy(update={"first_seen": known.get(f.fingerprint) or check.started}) for f in check.findings)
    return check.model_copy(update={"findings": tuple(findings)})
