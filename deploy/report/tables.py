"""Write a report as tables for spreadsheets: CSV by RFC 4180, in UTF-8, a file for each table. Pure.

A spreadsheet takes a cell that begins with `=`, `+`, `-` or `@` for a formula, also behind a separator at which it
splits and others do not: an apostrophe stands before it, as OWASP advises. A cell has one line: line ends and tabs are
shown. Times are UTC, as in the report's document. Not here: evidence, which stands in that document.
"""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

from deploy.model.text import inline
from deploy.model.words import Language
from deploy.report.bundle import CHANGES, CONTROLS, DEVICES, FINDINGS, HOSTS
from deploy.report.document import HostChange, HostState, Report, ReportedFinding
from deploy.report.procurement import Procurement
from deploy.report.reader_pages import WORDS as OF_READERS
from deploy.report.words import WORDS, Pair, Roles, called, remedy, summary

Cell = str | int | float | Pair | None
"""A text, a number, something of samdrift's in both languages, or nothing."""

FORMULA = re.compile(r"(^|[;,|])([\s\"]*)(?=[=+\-@＝＋－＠])")
"""Where a spreadsheet may see a formula begin: in a cell, or where it splits one; quotes before it may be taken for the
cell's own."""

YES: Mapping[bool, Pair] = {True: ("ja", "yes"), False: ("nej", "no")}

OF_HOSTS: Sequence[Pair] = (
    ("Värd", "Host"), ("Kommun", "Municipality"), ("Plats", "Site"), ("Plattform", "Platform"), ("Slag", "Kind"),
    ("Adress", "Address"), ("Beskrivning", "Description"), ("Läge", "State"), ("Varför", "Why"),
    ("Senast granskad", "Last looked at"), ("Kontrollerad", "Checked"), ("Senast ändrad", "Last changed"),
    ("Ändrad av", "Changed by"), ("Fynd", "Findings"), ("Godkända kontroller", "Checks passed"),
    ("Underkända kontroller", "Checks failed"), ("Ej tillämpliga kontroller", "Checks not applicable"),
)  # fmt: skip
OF_CONTROLS: Sequence[Pair] = (
    ("Säkerhetsåtgärd", "Control"), ("Titel", "Title"), ("Värd", "Host"), ("Kommun", "Municipality"),
    ("Resultat", "Result"), ("Godkända kontroller", "Checks passed"), ("Underkända kontroller", "Checks failed"),
    ("Ej tillämpliga kontroller", "Checks not applicable"), ("Varför", "Why"),
    ("Godtagen till och med", "Accepted until"), ("Godtagen av", "Accepted by"),
)  # fmt: skip
OF_FINDINGS: Sequence[Pair] = (
    ("Kännetecken", "Fingerprint"), ("Värd", "Host"), ("Kommun", "Municipality"), ("Roll", "Role"), ("Steg", "Step"),
    ("Slag", "Kind"), ("Allvar", "Severity"), ("Fynd", "Finding"), ("Åtgärd", "Remedy"), ("Berör", "Concerns"),
    ("Först sett", "First seen"), ("Godtagen till och med", "Accepted until"), ("Godtagen av", "Accepted by"),
    ("Skäl", "Reason"),
)  # fmt: skip
OF_CHANGES: Sequence[Pair] = (
    ("När", "When"), ("Värd", "Host"), ("Kommun", "Municipality"), ("Kommando", "Command"), ("Vem", "Who"),
    ("Skäl", "Reason"), ("Steg", "Steps"), ("Godkänd av", "Approved by"), ("Nödändring", "Emergency"),
    ("Plan", "Plan"), ("Körning", "Run"),
)  # fmt: skip
OF_DEVICES: Sequence[Pair] = (
    ("Värd", "Host"), ("Kommun", "Municipality"), ("Plats", "Site"), ("Slag", "Kind"), ("Modell", "Model"),
    ("Serienummer", "Serial number"), ("Köpt", "Bought"), ("Ålder i år", "Age in years"), ("Stöd", "Support"),
)  # fmt: skip


def tables(document: Report | Procurement, language: Language) -> dict[str, bytes]:
    """Return a report's tables by the names of their files."""
    if isinstance(document, Procurement):
        return {DEVICES: _csv(OF_DEVICES, _devices(document), language)}
    called_so = {m.slug: m.name for m in document.municipalities}
    findings = (*document.findings, *document.accepted, *(document.checked.findings if document.checked else ()))
    return {
        HOSTS: _csv(OF_HOSTS, (_host(h, called_so) for h in document.hosts), language),
        CONTROLS: _csv(OF_CONTROLS, _controls(document, called_so), language),
        FINDINGS: _csv(OF_FINDINGS, (_finding(f, called_so, document.swedish) for f in findings), language),
        CHANGES: _csv(OF_CHANGES, (_change(c, called_so) for c in _changes(document)), language),
    }


def _csv(headings: Sequence[Pair], rows: Iterable[Sequence[Cell]], language: Language) -> bytes:
    file = io.StringIO()
    writer = csv.writer(file, quoting=csv.QUOTE_NONNUMERIC, lineterminator="\r\n")
    for row in (headings, *rows):
        writer.writerow([_shown(cell, language) for cell in row])
    return file.getvalue().encode(errors="backslashreplace")


def _shown(cell: Cell, language: Language) -> str | int | float:
    """Return what a spreadsheet is given: numbers as they are, and texts that it takes for texts."""
    match cell:
        case None:
            return ""
        case tuple():
            return _shown(cell[language == "en"], language)
        case str():
            return FORMULA.sub(r"\1\2'", inline(cell))
    return cell


def _host(host: HostState, called_so: Mapping[str, str]) -> Sequence[Cell]:
    outcomes = Counter(c.outcome for r in host.roles for c in r.checks)
    return (
        host.name,
        called_so.get(host.municipality, host.municipality),
        host.site,
        host.platform,
        host.device_role,
        host.address,
        host.description,
        WORDS[host.state],
        host.reason or (WORDS[host.why] if host.why else ""),
        host.last_looked_at,
        host.checked_at,
        host.changed.at if host.changed else "",
        host.changed.who if host.changed else "",
        host.findings,
        outcomes["passed"],
        outcomes["failed"],
        outcomes["not applicable"],
    )


def _controls(report: Report, called_so: Mapping[str, str]) -> Iterator[Sequence[Cell]]:
    whose = {h.name: called_so.get(h.municipality, h.municipality) for h in report.hosts}
    for control in report.controls:
        title = (control.title.swedish, control.title.english) if control.title else ""
        for one in control.results:
            counts = (one.passed, one.failed, one.not_applicable)
            result = WORDS[one.result]
            yield (control.id, title, one.host, whose[one.host], result, *counts, one.why, one.until, one.by)


def _finding(finding: ReportedFinding, called_so: Mapping[str, str], roles: Roles) -> Sequence[Cell]:
    waived = finding.waived if finding.accepted else None
    return (
        finding.fingerprint,
        finding.host,
        called_so.get(finding.municipality, finding.municipality),
        finding.role,
        finding.step,
        called("kind", finding.kind),
        called("severity", finding.severity),
        summary(finding, roles),
        remedy(finding),
        ", ".join(finding.controls),
        finding.first_seen,
        waived.until if waived else "",
        waived.owner if waived else "",
        waived.reason if waived else "",
    )


def _changes(report: Report) -> Iterable[HostChange]:
    """Return the changes of the report's period; where there is none, the latest of each host."""
    if report.period:
        return report.period.changes
    latest = (HostChange(host=h.name, municipality=h.municipality, change=h.changed) for h in report.hosts if h.changed)
    return sorted(latest, key=lambda c: (c.change.at, c.host))


def _change(one: HostChange, called_so: Mapping[str, str]) -> Sequence[Cell]:
    change = one.change
    return (
        change.at,
        one.host,
        called_so.get(one.municipality, one.municipality),
        change.command,
        change.who,
        change.reason,
        change.steps,
        ", ".join(change.approved_by),
        YES[change.emergency],
        change.plan_digest,
        change.record,
    )


def _devices(bought: Procurement) -> Iterator[Sequence[Cell]]:
    for d in bought.devices:
        standing = OF_READERS[d.standing]
        yield (d.host, d.municipality, d.site, d.device_role, d.model, d.serial, d.bought, d.years, standing)
