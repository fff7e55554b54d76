"""Choose among earlier checks of the inventory, and say since when a finding of one is known. Pure.

Not here: where records are kept (`store`), and which looks a report is made of (`report.looks`).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator

from deploy.model.record import Record, Summary

Runs = Callable[[Collection[str]], Iterable[Summary]]
"""Lists the runs of some commands, newest first."""


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
