"""Compute what happened in a period: who changed what, and which troubles were found and mended, and when. Pure.

Of each run only a slice is kept, so that a year of a thousand hosts is read one record at a time. Not here: how hosts
stood at the end of the period (`report.hosts`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from deploy.model.findings import Finding, Kind
from deploy.model.outline import HostOutline, Outline
from deploy.model.record import HostResult, Record
from deploy.report.document import Change, HostChange, Period, ReportedFinding, Trouble
from deploy.report.hosts import TROUBLES, change_of
from deploy.report.looks import LOOKS, UNSEEN

ByFingerprint = Mapping[str, Finding]
"""Findings by fingerprint."""


@dataclass(frozen=True)
class Slice:
    """What a period needs of one run.

    Attributes:
        at: when it began, and `finished` when it ended.
        outcomes: by host, how the run ended there; `found` how many findings are about it, if there is any.
        changes: by host, what the run changed there.
        troubles: by host that it could look at, what was not as it should be.
        checked: hosts on which state checks ran.
    """

    id: str
    command: str
    who: str
    reason: str
    at: str
    finished: str
    outcomes: Mapping[str, str]
    found: Mapping[str, int]
    changes: Mapping[str, tuple[str, Change]]
    troubles: Mapping[str, ByFingerprint]
    checked: frozenset[str]


def slice_of(record: Record | Outline) -> Slice:
    """Return what a period needs of a run."""
    looks = record.command in LOOKS and not record.only_roles
    seen = {h.host for h in record.hosts if looks and h.outcome not in UNSEEN}
    troubles: dict[str, dict[str, Finding]] = {host: {} for host in seen}
    for finding in record.findings:
        if finding.host in troubles and finding.kind in TROUBLES:
            troubles[finding.host][finding.fingerprint] = finding.model_copy(update={"evidence": ()})
    return Slice(
        id=record.id,
        command=record.command,
        who=record.who,
        reason=record.reason,
        at=record.started,
        finished=record.finished,
        outcomes={h.host: h.outcome for h in record.hosts},
        found=Counter(f.host for f in record.findings if not f.accepted),
        changes={h.host: (h.municipality, change_of(record, h)) for h in record.hosts if _changed(h)},
        troubles=troubles,
        checked=record.hosts_checked,
    )


def _changed(result: HostResult | HostOutline) -> bool:
    return bool(result.changed) or result.outcome in {"changed", "rolled back"}


def period(slices: Iterable[Slice], hosts: Collection[str], since: str, until: str) -> Period:
    """Return what happened to these hosts in a period; of others nothing.

    Args:
        slices: of the runs that began in it, in any order.
    """
    in_order = sorted(slices, key=lambda s: s.at)
    looked = {host for one in in_order for host in one.troubles}
    return Period(
        since=since,
        until=until,
        runs=sum(not s.outcomes.keys().isdisjoint(hosts) for s in in_order),
        changes=tuple(
            HostChange(host=host, municipality=whose, change=change)
            for one in in_order
            for host, (whose, change) in sorted(one.changes.items())
            if host in hosts
        ),
        troubles=tuple(sorted(_troubles(in_order, hosts), key=lambda t: (t.found, t.finding.host, t.finding.step))),
        unseen=tuple(sorted(set(hosts) - looked)),
    )


def _troubles(slices: Iterable[Slice], hosts: Collection[str]) -> Iterator[Trouble]:
    """Yield each trouble with when it was found, and when it was first seen to be gone."""
    open_ones: dict[tuple[str, str], tuple[str, Finding]] = {}
    for one in slices:
        for host, found in one.troubles.items():
            if host not in hosts:
                continue
            for known, finding in found.items():
                open_ones.setdefault((host, known), (one.at, finding))
            for key in [key for key in open_ones if key[0] == host and key[1] not in found]:
                at, finding = open_ones[key]
                if finding.kind is not Kind.FAILED_CHECK or host in one.checked:
                    del open_ones[key]
                    yield _trouble(at, finding, one.at)
    for at, finding in open_ones.values():
        yield _trouble(at, finding, "")


def _trouble(at: str, finding: Finding, gone: str) -> Trouble:
    began = min(finding.first_seen, at) if finding.first_seen else at
    seconds = (datetime.fromisoformat(gone) - datetime.fromisoformat(began)).total_seconds() if gone else None
    return Trouble(finding=ReportedFinding.of(finding), found=began, gone=gone, seconds=seconds)
