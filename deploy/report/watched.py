"""Compute what the watch's pages say beside a report: the runs that were on a reader's hosts. Pure.

A reader is a municipality, whose people see its hosts and the shared services it uses and nothing of another's; or
operations, who see all. Not here: the report itself (`report.content`), and how the pages look (`report.watch_pages`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from deploy.report.document import Report
from deploy.report.masking import Names, masked_values
from deploy.report.period import Slice
from inventory.errors import SamdriftError
from inventory.fleet import Fleet, Host
from inventory.frozen import Frozen
from inventory.organisation import ALL

DAYS = 90
"""So far back the history on the pages goes; the store has all."""


class Ran(Frozen):
    """One run, as far as a reader's hosts were in it: by host how it ended there, and how much it found on them."""

    id: str
    command: str
    who: str
    reason: str
    started: str
    finished: str
    outcomes: dict[str, str]
    findings: int


class Watched(Frozen):
    """What the pages of a reader are made of: the report of now, with a period, and its runs, the newest first."""

    report: Report
    runs: tuple[Ran, ...]


def readers(fleet: Fleet) -> dict[str, tuple[Host, ...]]:
    """Return whose pages there are, each with their hosts: every municipality that has any, and operations (`all`).

    Raises:
        SamdriftError: a municipality is called as operations are.
    """
    slugs = sorted({h.tenant for h in fleet.hosts})
    found = {slug: tuple(h for h in fleet.hosts if h.tenant == slug) for slug in slugs}
    if ALL in found:
        fix = "call the tenant otherwise in NetBox"
        raise SamdriftError("a municipality has the name that means all of them", where=f"tenant {ALL}", fix=fix)
    return {ALL: fleet.hosts, **found}


def latest_of(slices: Iterable[Slice], hosts: Iterable[Host], otherwise: str) -> str:
    """Return the moment at which the newest run on these hosts ended, so that the same records make the same pages."""
    names = {h.name for h in hosts}
    return max((s.finished for s in slices if not names.isdisjoint(s.outcomes)), default=otherwise)


def watched(report: Report, slices: Sequence[Slice], names: Names | None) -> Watched:
    """Return what the pages of a report's reader are made of.

    Args:
        slices: of the runs of the report's period, in any order.
        names: what names others and is masked; None where the reader sees all.
    """
    hosts = {h.name for h in report.hosts}
    newest_first = sorted(slices, key=lambda s: (s.at, s.id), reverse=True)
    runs = tuple(_ran(s, hosts) for s in newest_first if not hosts.isdisjoint(s.outcomes))
    return Watched(report=report, runs=runs if names is None else masked_values(runs, names)[0])


def _ran(one: Slice, hosts: set[str]) -> Ran:
    return Ran(
        id=one.id,
        command=one.command,
        who=one.who,
        reason=one.reason,
        started=one.at,
        finished=one.finished,
        outcomes={host: outcome for host, outcome in sorted(one.outcomes.items()) if host in hosts},
        findings=sum(n for host, n in one.found.items() if host in hosts),
    )
