"""Write a run as Markdown for a job's summary or a merge request's comment: what was found, serious first, and where.

A comment has a largest size, so evidence is left out, the longest first, until it fits; that is said at the top. That
something was found is always told, and so is what is not known. Not here: a plan (`report.plan_markdown`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from deploy.model.evidence import Commands, Diff, Evidence
from deploy.model.findings import Finding
from deploy.model.kinds import Kind, Severity
from deploy.model.record import Record
from deploy.model.text import command_lines, several
from deploy.model.words import evidence_in_words
from deploy.report.cases import NOT_LOOKED_AT, Case, Ended, counted, cut, short
from deploy.report.markdown_parts import LARGEST, cut_at, fenced, plain, that_fit

TOO_LONG = "Cut here: this is too long for a comment. Read the run's record: samdrift history RECORD."
ORDER = (Severity.HIGH, Severity.MEDIUM, Severity.LOW)
FOLD = 60
"""Characters that folding a finding takes beside its title and its evidence."""


def markdown(record: Record, cases: Sequence[Case], names: Mapping[str, str], *, largest: int = LARGEST) -> str:
    """Return the text.

    Args:
        names: municipalities' names by slug.
        largest: characters that it may have.
    """
    found = sorted((f for f in record.findings if _is_told(f)), key=lambda f: (ORDER.index(f.severity), f.host, f.role))
    titles = [_title(finding, names) for finding in found]
    contents = [_content(finding, record.id) for finding in found]
    head = [
        f"## {_headline(record, cases, found)}",
        "",
        _about(record),
        "",
        *_by_municipality(record, cases, names),
        "",
        *_unknown(record),
    ]
    tail = [*_in_short(record), f"Run `{plain(record.id)}`"]
    shown = that_fit(contents, largest - sum(len(line) + FOLD for line in (*head, *titles, *tail)))
    if left_out := len(found) - len(shown):
        head += [
            f"**{several(left_out, 'finding')} of {len(found)} stand here without evidence**: it would not fit.",
            "",
        ]
    lines = [line for n, title in enumerate(titles) for line in _finding(title, contents[n] if n in shown else "")]
    return cut_at("\n".join([*head, *lines, "", *tail]) + "\n", largest, TOO_LONG)


def _is_told(finding: Finding) -> bool:
    return finding.kind is not Kind.NOTICE and not finding.accepted


def _headline(record: Record, cases: Sequence[Case], found: Sequence[Finding]) -> str:
    """Say in a line how it went; that all is well, only where something was asked and nothing is unknown."""
    unknown = sum(result.outcome in NOT_LOOKED_AT for result in record.hosts)
    ended = counted(cases)
    about = f"samdrift {plain(record.command)}"
    lost = f"; **{several(unknown, 'host')} of {len(record.hosts)} unknown**" if unknown else ""
    if found:
        return f"{about}: {several(len(found), 'finding')}{lost}"
    if lost or ended[Ended.UNKNOWN]:
        return f"{about}: **incomplete**{lost}"
    if not ended[Ended.PASSED]:
        return f"{about}: **nothing was asked, so nothing is known**"
    accepted = f", {ended[Ended.ACCEPTED]} accepted" if ended[Ended.ACCEPTED] else ""
    return f"{about}: all well ({ended[Ended.PASSED]} passed{accepted}, {ended[Ended.NOT_APPLICABLE]} not applicable)"


def _about(record: Record) -> str:
    limit = f", limited to {plain(record.limit)}" if record.limit else ""
    when = f"{plain(record.started)} to {plain(record.finished)}"
    return f"{when}, by {plain(record.who)}, from {plain(record.fleet_source)}{limit}. Ended with {record.exit_code}."


def _by_municipality(record: Record, cases: Sequence[Case], names: Mapping[str, str]) -> Iterator[str]:
    """Yield a table with a row for each municipality that the run was about."""
    hosts = Counter(result.municipality for result in record.hosts)
    unknown = Counter(result.municipality for result in record.hosts if result.outcome in NOT_LOOKED_AT)
    ended = Counter((case.municipality, case.ended) for case in cases)
    columns = ("Hosts", "Unknown hosts", *(how.capitalize() for how in Ended))
    yield f"| Municipality | {' | '.join(columns)} |"
    yield f"|---{'|---:' * len(columns)}|"
    for slug in sorted({*hosts, *(case.municipality for case in cases)}):
        numbers = [hosts[slug], unknown[slug], *(ended[slug, how] for how in Ended)]
        yield f"| {plain(names.get(slug, slug)) or '–'} | {' | '.join(map(str, numbers))} |"


def _unknown(record: Record) -> Iterator[str]:
    """Yield a line for each host of which nothing is known now."""
    for result in record.hosts:
        if result.outcome in NOT_LOOKED_AT:
            yield f"- **{plain(result.outcome)}** {plain(short(result.host))}: {plain(cut(result.detail, largest=300))}"
    yield ""


def _title(finding: Finding, names: Mapping[str, str]) -> str:
    where = [finding.host, names.get(finding.municipality, finding.municipality), finding.role]
    serious = "**serious** " if finding.severity is Severity.HIGH else ""
    since = f", since {plain(finding.first_seen)}" if finding.first_seen else ""
    place = " · ".join(plain(part) for part in where if part)
    at = f"<b>{place}</b> " if place else ""
    return f"{serious}{plain(finding.kind)} {at}{plain(cut(finding.summary, largest=300))}{since}"


def _content(finding: Finding, run: str) -> str:
    """Return the evidence of a finding, each piece in its own look, and what to do about it."""
    lines = [line for piece in finding.evidence for line in _evidence(piece, run)]
    return "\n".join([*lines, *([f"→ {plain(finding.remedy)}", ""] if finding.remedy else [])])


def _evidence(evidence: Evidence, run: str) -> list[str]:
    match evidence:
        case Diff():
            return fenced("diff", cut(evidence.text, run).splitlines())
        case Commands():
            return fenced("sh", cut("\n".join(x for c in evidence.lines for x in command_lines(c)), run).splitlines())
        case _:
            return fenced("text", cut(evidence_in_words(evidence), run).splitlines())


def _finding(title: str, content: str) -> list[str]:
    if not content:
        return [f"- {title}", ""]
    return [
        f"<details><summary>{title.replace('**serious**', '<b>serious</b>')}</summary>",
        "",
        content,
        "</details>",
        "",
    ]


def _in_short(record: Record) -> Iterator[str]:
    """Yield what is accepted, and what is only to be known, a line each."""
    accepted = [f for f in record.findings if f.accepted and f.waived]
    notices = [f for f in record.findings if f.kind is Kind.NOTICE]
    if accepted:
        yield from ("### Accepted", "")
    for finding in accepted:
        if finding.waived is not None:
            until = f"until {plain(finding.waived.until)} by waiver {plain(finding.waived.name)}"
            yield f"- {plain(finding.host)}: {plain(cut(finding.summary, largest=300))}, {until}"
    if notices:
        yield from ("", "### To be known", "")
    for finding in notices:
        yield f"- {plain(finding.host)}: {plain(cut(finding.summary, largest=300))}"
    if accepted or notices:
        yield ""
