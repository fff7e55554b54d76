"""Choose among earlier runs: which a report is made of, and since when a finding is known. Pure.

Not here: where records are kept (`store`).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator

from deploy.model.record import Record, Summary

Runs = Callable[[Collection[str]], Iterable[Summary]]
"""Lists the runs of some commands, newest first."""


def looks(runs: Runs) -> Iterator[Summary]:
    """Yield the runs that a report can be made of, the best first: those that both looked and checked, the latest
    first; then those that did one of them.

    One that was limited to some roles is none: it does not say how a host stands.
    """
    for commands in (("drift", "apply"), ("plan", "verify")):
        yield from (run for run in runs(commands) if run.hosts and run.ended and not run.of_some_roles)


def checks_of(runs: Runs, source: str) -> Iterator[Summary]:
    """Yield the checks of the inventory from this source, the latest first."""
    return (run for run in runs(("check",)) if run.fleet_source == source)


def dated(check: Record, before: Record | None) -> Record:
    """Put into the findings of a check since when each is known.

    A finding that `before`, the check before it, had too keeps the date that stands there; any other has this check's.
    """
    same = before.findings if before and before.fleet_source == check.fleet_source else ()
    known = {f.fingerprint: f.first_seen for f in same}
    findings = (f.model_copy(update={"first_seen": known.get(f.fingerprint) or check.started}) for f in check.findings)
    return check.model_copy(update={"findings": tuple(findings)})
