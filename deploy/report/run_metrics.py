"""Write a run as metrics for the textfile collector of Prometheus' node exporter: numbers by municipality and host.

One file is one command with one limit, which both are labels of all its metrics, so that several files can stand
beside each other: the node exporter drops what it reads twice with the same labels. The time at which the run ended is
a metric: who gets no newer one knows that what stands here is old. No text of a finding stands here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, time, timedelta
from typing import get_args

from deploy.model.findings import Finding
from deploy.model.kinds import Kind, Severity
from deploy.model.record import HostResult, Record
from deploy.model.text import safe
from deploy.report.cases import NOT_LOOKED_AT, Case, Ended, short
from inventory.frozen import Frozen
from inventory.organisation import TIME_ZONE

OUTCOMES = get_args(HostResult.model_fields["outcome"].annotation)


class Metric(Frozen):
    """A number with the labels that say of what it is."""

    labels: dict[str, str]
    value: float


HELP: Mapping[str, str] = {
    "samdrift_run_started_timestamp_seconds": "When the latest run of this command began.",
    "samdrift_run_completed_timestamp_seconds": "When the latest run of this command ended.",
    "samdrift_run_exit_code": "How it ended: 0 all well, 1 error, 2 differences, 3 incomplete.",
    "samdrift_hosts": "Hosts of the run by how each was found.",
    "samdrift_host_looked_at_timestamp_seconds": "When the run that looked at this host began.",
    "samdrift_host_unknown": "Whether this host could not be looked at.",
    "samdrift_host_findings": "What was found on this host and is not accepted; notices are not counted.",
    "samdrift_findings": "What was found and is not accepted, by kind.",
    "samdrift_serious_findings": "What was found, is not accepted, and is serious, by kind; notices are not counted.",
    "samdrift_accepted_findings": "What was found and is accepted by a waiver.",
    "samdrift_cases": "What was asked, by how it ended.",
    "samdrift_waiver_ends_timestamp_seconds": "When a waiver ends that accepts something.",
}
"""Every metric that a file may have. Where two files said otherwise of one, the node exporter would drop it."""


def metrics(record: Record, cases: Sequence[Case]) -> str:
    """Return the file's text."""
    run = {"command": record.command, "limit": record.limit}
    found: dict[str, dict[str, str]] = {name: {} for name in HELP}
    for name, one in (*_of_run(record), *_of_hosts(record), *_of_findings(record, cases)):
        found[name].setdefault(_labels(run | one.labels), _number(one.value))
    lines = list[str]()
    for name, values in found.items():
        if values:
            lines += [f"# HELP {name} {HELP[name]}", f"# TYPE {name} gauge"]
            lines += [f"{name}{{{labels}}} {value}" for labels, value in values.items()]
    return "\n".join(lines) + "\n"


def _of_run(record: Record) -> Iterator[tuple[str, Metric]]:
    yield "samdrift_run_started_timestamp_seconds", Metric(labels={}, value=_seconds(record.started))
    yield "samdrift_run_completed_timestamp_seconds", Metric(labels={}, value=_seconds(record.finished))
    yield "samdrift_run_exit_code", Metric(labels={}, value=record.exit_code)


def _of_hosts(record: Record) -> Iterator[tuple[str, Metric]]:
    found = Counter(f.host for f in record.findings if _counts(f))
    for result in record.hosts:
        whose = {"municipality": result.municipality, "host": result.host}
        known = result.outcome not in NOT_LOOKED_AT
        if known:
            yield "samdrift_host_looked_at_timestamp_seconds", Metric(labels=whose, value=_seconds(record.started))
        yield "samdrift_host_unknown", Metric(labels=whose, value=not known)
        yield "samdrift_host_findings", Metric(labels=whose, value=found[result.host])
    outcomes = Counter((r.municipality, r.outcome) for r in record.hosts)
    for municipality in sorted({r.municipality for r in record.hosts}):
        for outcome in OUTCOMES:
            labels = {"municipality": municipality, "outcome": outcome}
            yield "samdrift_hosts", Metric(labels=labels, value=outcomes[municipality, outcome])


def _of_findings(record: Record, cases: Sequence[Case]) -> Iterator[tuple[str, Metric]]:
    """Yield the numbers of each municipality that the run was about; a kind that was not found is 0."""
    kinds = Counter((f.municipality, f.kind) for f in record.findings if not f.accepted)
    ended = Counter((c.municipality, c.ended) for c in cases)
    serious = Counter((f.municipality, f.kind) for f in record.findings if _counts(f) and f.severity is Severity.HIGH)
    accepted = Counter(f.municipality for f in record.findings if f.accepted)
    about = {*(r.municipality for r in record.hosts), *(f.municipality for f in record.findings)}
    for municipality in sorted({*about, *(c.municipality for c in cases)}):
        whose = {"municipality": municipality}
        for kind in Kind:
            yield "samdrift_findings", Metric(labels=whose | {"kind": kind}, value=kinds[municipality, kind])
            yield "samdrift_serious_findings", Metric(labels=whose | {"kind": kind}, value=serious[municipality, kind])
        yield "samdrift_accepted_findings", Metric(labels=whose, value=accepted[municipality])
        for how in Ended:
            yield "samdrift_cases", Metric(labels=whose | {"ended": how}, value=ended[municipality, how])
    yield from _of_waivers(record.findings)


def _counts(finding: Finding) -> bool:
    return finding.kind is not Kind.NOTICE and not finding.accepted


def _of_waivers(findings: Iterable[Finding]) -> Iterator[tuple[str, Metric]]:
    """Yield until when each waiver accepts something: to the end of its last day, as people live it."""
    ends = {(f.municipality, f.waived.name): f.waived.until for f in findings if f.waived and f.accepted}
    for (municipality, waiver), until in sorted(ends.items()):
        last = datetime.combine(datetime.fromisoformat(until) + timedelta(days=1), time.min, TIME_ZONE)
        labels = {"municipality": municipality, "waiver": waiver}
        yield "samdrift_waiver_ends_timestamp_seconds", Metric(labels=labels, value=last.timestamp())


def _seconds(at: str) -> float:
    return datetime.fromisoformat(at).timestamp()


def _labels(labels: Mapping[str, str]) -> str:
    """Write labels; what a terminal would obey or UTF-8 cannot say is shown as an escape."""
    escapes = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n"})
    return ",".join(f'{label}="{safe(short(value)).translate(escapes)}"' for label, value in labels.items())


def _number(value: float) -> str:
    return f"{value:.3f}".removesuffix(".000")
