"""Choose what tells how each host stood at a moment: the newest look at it, and the newest checks that hold. Pure.

Runs come newest first, and no more are read than is needed. Not here: what is made of it (`report.hosts`), and
which runs there are (`store`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from deploy.model.findings import Finding
from deploy.model.outline import HostOutline, Outline
from deploy.model.record import CheckResult, HostResult, Record, Summary

LOOKS = frozenset({"drift", "apply", "plan"})
"""Commands that see whether a host is as it should be."""

CHECKS = frozenset({"drift", "apply", "verify"})
"""Commands that run state checks."""

CHANGES = frozenset({"apply", "restore"})
"""Commands that change hosts."""

UNSEEN = frozenset({"unknown", "skipped"})
"""Outcomes of hosts that a run could not look at."""


@dataclass(frozen=True)
class ByHost:
    """A record, and what it tells by host."""

    record: Record
    results: Mapping[str, HostResult]
    findings: Mapping[str, tuple[Finding, ...]]
    checks: Mapping[str, tuple[CheckResult, ...]]


def by_host(record: Record) -> ByHost:
    """Return a record with what it tells by host; of the inventory as a whole under no name."""
    findings, checks = defaultdict[str, list[Finding]](list), defaultdict[str, list[CheckResult]](list)
    for finding in record.findings:
        findings[finding.host].append(finding)
    for check in record.checks:
        checks[check.host].append(check)
    return ByHost(
        record=record,
        results={h.host: h for h in record.hosts},
        findings={host: tuple(some) for host, some in findings.items()},
        checks={host: tuple(some) for host, some in checks.items()},
    )


@dataclass(frozen=True)
class Stood:
    """What tells how a host stood: each the newest of its kind, None if there is none.

    Attributes:
        looked: it looked, or tried to.
        checked: it ran state checks, and no run changed the host after it.
        seen: it could look.
        changed: it changed the host.
        steps: it has the steps that the host was given.
        skipped: it was to look, and did not get so far.
    """

    looked: ByHost | None = None
    checked: ByHost | None = None
    seen: ByHost | None = None
    changed: ByHost | None = None
    steps: ByHost | None = None
    skipped: ByHost | None = None

    @property
    def standing(self) -> ByHost | None:
        """Return what says how the host stands: a look; where no run looked, the checks alone."""
        return self.looked or self.checked or self.skipped

    @property
    def changed_since(self) -> bool:
        """Tell whether the host was changed after it was looked at, so that the look is not the last word."""
        if self.changed is None:
            return False
        return self.standing is None or self.changed.record.started > self.standing.record.started

    @property
    def is_seen(self) -> bool:
        """Tell whether no older look can say more of how the host stands."""
        return bool(self.seen and self.looked and (self.checked or self.changed))


class Standing:
    """How hosts stood, as runs are added to it, the newest first."""

    def __init__(self, hosts: Collection[str]) -> None:
        self.of = dict.fromkeys(hosts, Stood())

    def wants(self, run: Summary) -> bool:
        """Tell whether a run that is older than those added may say something new."""
        if not run.ended or not run.hosts:
            return False
        if run.command in CHANGES and not all(stood.steps and stood.changed for stood in self.of.values()):
            return True
        return run.command in LOOKS | CHECKS and not all(stood.is_seen for stood in self.of.values())

    def gains(self, outline: Outline) -> bool:
        """Tell whether a record that is older than those added says something new of a host."""
        checked = outline.hosts_checked
        return outline.ended and any(
            _new(self.of[result.host], outline, result, is_checked=result.host in checked)
            for result in outline.hosts
            if result.host in self.of
        )

    def add(self, record: Record) -> None:
        """Add what a run says of each host that it is about."""
        if not record.ended:
            return
        older = by_host(record)
        for name in older.results.keys() & self.of.keys():
            new = _new(self.of[name], record, older.results[name], is_checked=name in older.checks)
            if new:
                self.of[name] = replace(self.of[name], **dict.fromkeys(new, older))


def _new(stood: Stood, run: Record | Outline, result: HostResult | HostOutline, *, is_checked: bool) -> list[str]:
    """Return as what an older run is the newest of a host."""
    command, outcome, whole = run.command, result.outcome, not run.only_roles
    looked = (command in LOOKS and outcome != "skipped") or outcome == "unknown"
    kinds = {
        "looked": whole and looked,
        "checked": whole and command in CHECKS and is_checked and stood.changed is None,
        "seen": whole and command in LOOKS | CHECKS and outcome not in UNSEEN,
        "changed": bool(result.changed) or outcome == "changed",
        "steps": bool(result.steps),
        "skipped": outcome == "skipped",
    }
    return [kind for kind, is_one in kinds.items() if is_one and getattr(stood, kind) is None]


def of_the_moment(runs: Iterable[Summary], source: str, at: str, since: str = "") -> Iterator[Summary]:
    """Yield the runs that began between two moments and are about this inventory: none of a lab, none of the future.

    Args:
        runs: newest first.
        source: as `cli.subject.source_of` names it; a lab's is called otherwise.
        at: the later moment, ISO 8601 UTC, included; `since` the earlier one.
    """
    for run in runs:
        if run.started < since:
            return
        if run.started <= at and run.fleet_source == source:
            yield run
