"""Write the report that auditors read, as one page and one JSON document.

The page is a single file that needs nothing else: no script, no font, no network. Its template and style stand in
`assets/` beside this module, and not among the roles' templates: how a report looks is no part of what was planned.
In Swedish or in English; what is quoted of hosts, programs and the inventory stays as it is. Times are those that
people in the municipalities live by, with the zone. Not here: what the report says (`report.content`), and in which
words (`report.words`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import cache, partial
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from deploy.model.findings import Severity
from deploy.model.messages import MessageId
from deploy.model.record import CheckResult
from deploy.model.text import command_lines, diff_lines, safe
from deploy.model.words import Language
from deploy.report.bundle import ASKED_FOR, SIGNATURE, SUMS
from deploy.report.document import ControlResult, HostState, Report, Result, State, Totals, Why
from deploy.report.picture import picture
from deploy.report.words import NOT_SAID, WORDS, called, failed_check, may, pair_of, remedy, summary
from inventory.errors import SamdriftError
from inventory.frozen import Frozen
from inventory.organisation import TIME_ZONE
from inventory.whole_file import put_in_place

ASSETS = Path(__file__).resolve().parent / "assets"


_SEVERAL_ACCEPTED = "avvikelser är godtagna", "differences are"


class Headline(Frozen):
    """The whole in a sentence or two."""

    swedish: str
    english: str

    def without_checks(self, checks: int) -> Headline:
        """Say so where no check was run: that nothing failed means nothing then."""
        if checks:
            return self
        return Headline(
            swedish=f"{self.swedish} Inga kontroller har körts.", english=f"{self.english} No checks have been run."
        )

    def with_accepted(self, accepted: int) -> Headline:
        """Add the number of differences that waivers accept."""
        if not accepted:
            return self
        swedish, english = ("avvikelse är godtagen", "difference is") if accepted == 1 else _SEVERAL_ACCEPTED
        return Headline(
            swedish=f"{self.swedish} {accepted} {swedish}.", english=f"{self.english} {accepted} {english} accepted."
        )

    def with_problems(self, problems: int) -> Headline:
        """Add the number of problems in the inventory."""
        if not problems:
            return self
        return Headline(
            swedish=f"{self.swedish} Inventariet har {problems} fel.",
            english=f"{self.english} The inventory has {problems} {'problem' if problems == 1 else 'problems'}.",
        )


class ReportError(SamdriftError):
    """The report cannot be written."""


def html(report: Report, language: Language = "sv") -> str:
    """Return the page: everything that the report says, with a picture of the whole at its top."""
    number = {h.name: n for n, h in enumerate(report.hosts, 1)}
    template = environment().get_template("report.html")
    return template.render(
        **words_of(report, language, {name: f"#host-{n}" for name, n in number.items()}),
        number=number,
        not_looked_at=_by_reason(report.hosts),
        not_applicable=_not_applicable(report.hosts),
        grouped=_grouped,
        may=may,
    )


def words_of(report: Report, language: Language, places: Mapping[str, str]) -> dict[str, Any]:
    """Return what a page of a report is written with, beside what that page alone says.

    Args:
        places: where on the page, or from it, each host stands.
    """
    return {
        "lang": language,
        "report": report,
        "document": report,
        "place_of": places.get,
        "headline": headline(report),
        "picture": picture(report.places, report.links, report.hosts),
        "municipality": {m.slug: m.name for m in report.municipalities},
        "site": {p.slug: p.name for p in report.places},
        "counted": Counter(h.state for h in report.hosts),
        "words": WORDS,
        "called": called,
        "seen_as": SEEN_AS,
        "pair_of": pair_of,
        "summary": partial(summary, roles=report.swedish),
        "remedy": remedy,
        "failed_check": failed_check,
        "in_swedish": lambda role: report.swedish.get(role, NOT_SAID),
        "State": State,
        "AS_WRITTEN": MessageId.AS_WRITTEN,
        "Severity": Severity,
    }


def headline(report: Report) -> Headline:
    """Sum the report up in a sentence: first what is wrong, then what is unknown, then what the inventory has wrong."""
    problems = len(report.checked.findings) if report.checked else 0
    totals = report.totals
    checks = totals.passed + totals.failed_checks + totals.not_applicable
    first = _headline(totals)
    seen = totals.in_sync + totals.differs + totals.failed
    return first.without_checks(checks if seen else 1).with_accepted(totals.accepted).with_problems(problems)


def _headline(totals: Totals) -> Headline:
    seen = totals.in_sync + totals.differs + totals.failed
    wrong = totals.differs + totals.failed
    if not seen and not totals.unknown:
        return Headline(swedish="Ingen värd har granskats.", english="No host has been looked at.")
    if not seen:
        return Headline(swedish="Ingen värd kunde nås.", english="No host could be reached.")
    if wrong:
        swedish = f"{wrong} av {seen} granskade värdar är inte som {'den' if wrong == 1 else 'de'} ska"
        english = f"{wrong} of {seen} hosts looked at {'is' if wrong == 1 else 'are'} not as they should be"
    elif seen == 1:
        swedish, english = "Den granskade värden är som den ska", "The one host looked at is as it should be"
    else:
        swedish, english = f"Alla {seen} granskade värdar är som de ska", f"All {seen} hosts looked at are in sync"
    if totals.unknown:
        swedish += f"; {totals.unknown} kunde inte nås"
        english += f"; {totals.unknown} could not be reached"
    return Headline(swedish=f"{swedish}.", english=f"{english}.")


def write(files: Mapping[str, bytes], directory: Path, *, is_open: bool = False) -> None:
    """Write the files of a report into a directory, each whole or not at all, for their owner alone or, open, for all.

    What there is besides of another report that stood there is removed: what proved it does not prove this one, and
    what was asked for of it says nothing of this one.

    Raises:
        ReportError: the directory cannot be written.
    """
    try:
        directory.mkdir(parents=True, exist_ok=True)
        for name in {SUMS, SIGNATURE, *ASKED_FOR} - files.keys():
            (directory / name).unlink(missing_ok=True)
        for name, data in files.items():
            put_in_place(directory / name, data, mode=0o644 if is_open else 0o600, durable=False)
    except OSError as e:
        raise ReportError(
            f"cannot write the report: {e.strerror}", where=str(directory), fix="choose another --out"
        ) from e


SEEN_AS: Mapping[State, str] = {
    State.IN_SYNC: "in-sync",
    State.DIFFERS: "differs",
    State.FAILED: "failed",
    State.UNKNOWN: "unknown",
    State.NOT_LOOKED_AT: "not-looked",
}
"""The mark of each state, as the style calls it."""


def _grouped(results: Iterable[ControlResult]) -> dict[tuple[Result, str, str, str], list[str]]:
    """Return the hosts on which a control came out alike, by how, why, until when and by whom, the worst first."""
    groups: dict[tuple[Result, str, str, str], list[str]] = {}
    for one in results:
        groups.setdefault((one.result, one.why, one.until, one.by), []).append(one.host)
    return dict(sorted(groups.items(), key=lambda group: list(Result).index(group[0][0])))


def _by_reason(hosts: Iterable[HostState]) -> dict[Why, list[HostState]]:
    """Return the hosts that were not looked at, by reason."""
    reasons: dict[Why, list[HostState]] = {}
    for host in hosts:
        if host.why:
            reasons.setdefault(host.why, []).append(host)
    return dict(sorted(reasons.items(), key=lambda item: list(Why).index(item[0])))


def _not_applicable(hosts: Iterable[HostState]) -> dict[tuple[str, str, str], list[CheckResult]]:
    """Return the checks that could not apply, with the hosts where, by role, name and reason."""
    reasons: dict[tuple[str, str, str], list[CheckResult]] = {}
    for check in (c for h in hosts for r in h.roles for c in r.checks if c.outcome == "not applicable"):
        reasons.setdefault((check.role, check.name, check.detail), []).append(check)
    return dict(sorted(reasons.items()))


@cache
def environment() -> jinja2.Environment:
    """Return what pages are made with: everything in them is escaped, and what cannot be seen is shown."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(ASSETS, encoding="utf-8"),
        undefined=jinja2.StrictUndefined,
        autoescape=True,
        finalize=_visible,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        moment=_moment, day=_day, lasted=_lasted, number=_number, short=_short, diff=diff_lines, command=command_lines
    )
    return environment


def _visible(value: object) -> object:
    """Show invisible and text-turning characters as escapes, before everything is escaped for HTML."""
    return safe(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _moment(iso: str) -> str:
    """Format a time as `2026-11-23 23:31 CET`: as people live it, with the exact one for machines."""
    try:
        lived = datetime.fromisoformat(iso).astimezone(TIME_ZONE)
    except ValueError:
        return iso
    return Markup('<time datetime="{}">{}</time>').format(iso, f"{lived:%Y-%m-%d %H:%M %Z}")


def _day(iso: str) -> str:
    """Return the day that a time is on, as people live it."""
    if len(iso) <= len("2026-11-29"):
        return iso
    return f"{datetime.fromisoformat(iso).astimezone(TIME_ZONE):%Y-%m-%d}"


def _lasted(seconds: float, language: Language) -> str:
    """Say how long something lasted, in whole minutes, hours or days."""
    for size, swedish, english in ((86400, "dygn", "days"), (3600, "tim", "h"), (60, "min", "min")):
        if seconds >= 2 * size or size == 60:
            return f"{round(seconds / size)} {english if language == 'en' else swedish}"
    return ""


def _number(value: float, language: Language) -> str:
    """Write a number as the language does: 1,5 in Swedish."""
    return f"{value:g}".replace(".", "," if language == "sv" else ".")


def _short(digest: str) -> str:
    """Return the first twelve digits of a digest."""
    return digest[:12]
