"""What `drift`, `verify` and `check` show: findings with their remedies, and state checks counted by role and host.

Not here: what is a finding (`model.drift`, `verify`, `check`), and how severe it is (`model.findings`).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from rich.console import RenderableType
from rich.text import Text

from deploy.model.evidence import Commands, Diff, Error, Evidence, FailedCheck, Note
from deploy.model.findings import Finding
from deploy.model.kinds import Kind, Severity
from deploy.model.messages import MessageId
from deploy.model.record import CheckResult, Record
from deploy.model.text import inline, safe, several
from deploy.model.words import evidence_in_words, in_words
from deploy.views.parts import COLOURS, command_text, diff, empty_table, fact_table, indented, plain, safe_lines

if TYPE_CHECKING:  # pyinfra stands behind these: what only lists hosts must not wait for it
    from deploy.check.judge import JudgementOutcome
    from deploy.check.offline import Offline


def findings(found: Sequence[Finding], names: Mapping[str, str]) -> Iterator[RenderableType]:
    """Show findings in full, each with what to do about it; those that are accepted stand last, by themselves."""
    yield from _in_full([f for f in found if not f.accepted], names)
    if accepted := [f for f in found if f.accepted]:
        yield Text(f"Accepted, each by a waiver ({len(accepted)})", "bold dim")
        for finding in accepted:
            yield from _accepted(finding, names)
        yield Text()


def _accepted(finding: Finding, names: Mapping[str, str]) -> Iterator[RenderableType]:
    """Show an accepted finding in two lines, and whole if it is serious."""
    waived = finding.waived
    municipality = inline(names.get(finding.municipality, finding.municipality))
    serious = (", serious", "bold red") if finding.severity is Severity.HIGH else ""
    title = Text.assemble("= ", finding.kind, serious, (f"  {inline(finding.host)}", "bold"), f" · {municipality}")
    yield title.append(f" · role {inline(finding.role)}  {inline(finding.summary)}")
    if waived is not None:
        line = f"    until {waived.until}: {waived.owner}, {waived.reason} (waiver {waived.name})"
        yield Text(inline(line), "dim")
    if serious:
        yield from map(_evidence, finding.evidence)


def accepted_summary(found: Sequence[Finding]) -> str:
    """Count accepted findings, for the end of a summary; empty if there is none."""
    accepted = [f for f in found if f.accepted]
    serious = sum(f.severity is Severity.HIGH for f in accepted)
    return f", {len(accepted)} accepted" + (f" ({serious} serious)" if serious else "") if accepted else ""


def _in_full(found: Sequence[Finding], names: Mapping[str, str]) -> Iterator[RenderableType]:
    for number, finding in enumerate(found, start=1):
        title = Text.assemble(f"{number}. ", (finding.kind.upper(), COLOURS.get(finding.kind, "bold")))
        municipality = inline(names.get(finding.municipality, finding.municipality))
        if finding.host:
            title.append(f"  {inline(finding.host)}", "bold").append(f" · {municipality}" if municipality else "")
        elif municipality:
            title.append(f"  {municipality}")
        if finding.role:
            title.append(f" · role {inline(finding.role)}", "cyan")
        if finding.first_seen:
            title.append(f"  since {inline(finding.first_seen)}", "dim")
        yield title
        if finding.role and finding.step not in finding.summary:
            yield Text(f"   {inline(finding.step)}")
        yield Text(f"   {inline(finding.summary)}")
        yield from map(_evidence, finding.evidence)
        if finding.remedy:
            yield Text.assemble(("   → ", "bold green"), safe(finding.remedy))
        yield Text()


def _evidence(evidence: Evidence) -> RenderableType:
    """Show one piece of evidence, each type in its own look."""
    match evidence:
        case Diff():
            return diff(evidence.text, indent=6)
        case Commands():
            return command_text(evidence.lines, indent=6)
        case FailedCheck():
            title = in_words(MessageId.CHECK_OF_THE_ROLE_FAILED(check=evidence.name))
            shown = Text.assemble(("      ✗ ", "bold red"), inline(title))
            return shown.append("\n").append_text(plain(evidence.detail, indent=8)) if evidence.detail else shown
        case Error() | Note():
            return plain(evidence_in_words(evidence), indent=6)


def drift(seen: Record, names: Mapping[str, str]) -> Iterator[RenderableType]:
    """Show what differs from what was last applied."""
    yield from findings(seen.findings, names)
    kinds = Counter(f.kind for f in seen.findings if not f.accepted)
    counted = ", ".join(f"{n} {kind}" for kind, n in sorted(kinds.items()))
    outcomes = Counter(r.outcome for r in seen.hosts)
    lost = f", {outcomes['unknown']} unknown" if outcomes["unknown"] else ""
    known = several(len(seen.hosts) - outcomes["unknown"], "host")
    summary = f"{known} looked at{lost}, {several(len(seen.checks), 'check')} run: {counted or 'no drift'}"
    yield Text(f"{summary}{accepted_summary(seen.findings)}.", "bold yellow" if kinds else "bold green")


def verified(seen: Record, names: Mapping[str, str], width: int) -> Iterator[RenderableType]:
    """Show state checks: the number of each role on each host, failed ones in full, why others are not applicable."""
    yield from _checks_table(seen.checks, width)
    yield from _failed(seen.checks, names)
    yield from _not_applicable(seen.checks)
    yield from findings([f for f in seen.findings if f.kind is Kind.NOTICE or f.accepted], names)
    unknown = [r for r in seen.hosts if r.outcome == "unknown"]
    for result in unknown:
        yield Text.assemble(("UNKNOWN  ", "bold red"), (inline(result.host), "bold"), f"  {inline(result.detail)}")
    yield Text(checks_summary(seen.checks, len(unknown)), "bold green" if seen.exit_code == 0 else "bold red")


def checks_summary(checks: Sequence[CheckResult], unknown: int = 0) -> str:
    """Count checks by outcome, in a line."""
    outcomes = Counter("accepted" if c.outcome == "failed" and not c.fails else c.outcome for c in checks)
    counted = ", ".join(f"{outcomes[o]} {o}" for o in ("passed", "failed", "accepted", "not applicable") if outcomes[o])
    lost = f"; {several(unknown, 'host')} unknown" if unknown else ""
    where = several(len({c.host for c in checks}), "host")
    return f"{several(len(checks), 'check')} on {where}: {counted or 'none ran'}{lost}."


def _checks_table(checks: Sequence[CheckResult], width: int) -> Iterator[RenderableType]:
    """Show roles down and hosts across, in as many tables as the hosts need columns."""
    counts: defaultdict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for check in checks:
        counts[check.role, check.host][check.outcome] += 1
    roles, hosts_ = sorted({c.role for c in checks}), sorted({c.host for c in checks})
    column = max(map(len, hosts_), default=0) + 2
    at_once = max(1, (width - max(map(len, roles), default=0) - 2) // column)
    for start in range(0, len(hosts_), at_once):
        some = hosts_[start : start + at_once]
        table = empty_table()
        table.add_column("Role")
        for name in some:
            table.add_column(Text(inline(name)), justify="right")
        for role in roles:
            table.add_row(Text(inline(role), "cyan"), *(_cell(counts[role, name]) for name in some))
        yield table
        yield Text()


def _cell(outcomes: Counter[str]) -> Text:
    """Show counts as `12`, `11 ✗1` (one failed), `10 –2` (two not applicable)."""
    passed, failed, not_applicable = (outcomes[o] for o in ("passed", "failed", "not applicable"))
    if not outcomes.total():
        return Text("")
    cell = Text(str(passed), "green")
    if failed:
        cell.append(f" ✗{failed}", "bold red")
    if not_applicable:
        cell.append(f" –{not_applicable}", "dim")
    return cell


def _failed(done: Sequence[CheckResult], names: Mapping[str, str]) -> Iterator[RenderableType]:
    for check in (c for c in done if c.fails):
        municipality = inline(names.get(check.municipality, ""))
        yield Text.assemble(
            ("FAILED  ", "bold red"), (inline(check.host), "bold"), f" · {municipality} · ", (check.role, "cyan")
        ).append(f"  {inline(check.name)}")
        yield Text("\n".join(f"      {line}" for line in safe_lines(check.detail.strip())) + "\n")


def _not_applicable(done: Sequence[CheckResult]) -> Iterator[RenderableType]:
    """Show each reason once, with where it was given."""
    reasons: dict[tuple[str, str, str], list[str]] = {}
    for check in (c for c in done if c.outcome == "not applicable"):
        reasons.setdefault((check.role, check.name, check.detail), []).append(check.host)
    if not reasons:
        return
    yield Text("Not applicable", "bold dim")
    table = fact_table([])
    for (role, name, why), where in reasons.items():
        on = where[0] if len(where) == 1 else several(len(where), "host")
        table.add_row(Text(inline(role)), Text.assemble(f"{inline(name)} (", inline(on), "): ", inline(why)))
    yield indented(table)
    yield Text()


def offline(done: Offline, names: Mapping[str, str]) -> Iterator[RenderableType]:
    """Show what the offline check looked at, what could not be judged here, and what is wrong."""
    table = empty_table()
    table.add_column("Role")
    heads: tuple[JudgementOutcome, ...] = ("accepted", "refused", "not applicable")
    for head in heads:
        table.add_column(head.capitalize(), justify="right")
    for role in sorted({j.role for j in done.judgements}):
        outcomes = Counter(j.outcome for j in done.judgements if j.role == role)
        cells = (Text(str(outcomes[h] or "·"), COLOURS.get(h, "") if outcomes[h] else "dim") for h in heads)
        table.add_row(Text(inline(role), "cyan"), *cells)
    if done.judgements:
        yield table
        yield Text()
    reasons: defaultdict[str, set[str]] = defaultdict(set)
    for judgement in (j for j in done.judgements if j.outcome == "not applicable"):
        reasons[judgement.detail].add(judgement.path)
    if reasons:
        yield Text("Not applicable", "bold dim")
        yield indented(fact_table([(why, ", ".join(sorted(paths))) for why, paths in reasons.items()]))
        yield Text()
    yield from findings(done.findings, names)
    outcomes = Counter(j.outcome for j in done.judgements)
    judged = ", ".join(f"{outcomes[h]} {h}" for h in heads if outcomes[h])
    files = sum(j.kind == "file" for j in done.judgements)
    notices = sum(f.kind is Kind.NOTICE for f in done.findings)
    problems = len(done.findings) - notices
    also = f", {several(notices, 'notice')}" if notices else ""
    summary = (
        f"{several(done.hosts, 'host')}, {done.settings} roles' settings, {several(done.files, 'file')}, "
        f"{several(done.configurations, 'configuration')} of devices. Of {several(files, 'different file')} with "
        f"a judge and these configurations: {judged or 'none judged'}. "
        f"{several(problems, 'problem')}{also}."
    )
    yield indented(Text(summary, "bold red" if problems else "bold green"), 0)
