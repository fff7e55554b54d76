"""Cases: each thing that a run asked and how it ended, as continuous integration counts them.

What was not looked at, could not be looked at, or was not asked is a case of its own and never a passed one: a run of
which nothing is known must not be shown as one in which all is well. Values and one pure function; not here: the
formats (`run_junit`, `run_sarif`, `run_metrics`, `run_markdown`), which show cases, findings, or both.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum

from deploy.model.findings import Finding
from deploy.model.kinds import Kind
from deploy.model.record import CheckResult, HostResult, Record
from deploy.model.text import several
from inventory.frozen import Frozen

LARGEST_TEXT = 20_000
"""Characters that a format shows of one piece of evidence: a host may answer with megabytes."""
LONGEST_NAME = 200
NOT_LOOKED_AT = frozenset({"unknown", "skipped", "stale"})
"""How a host's result says that nothing is known of how it stands now."""


class Ended(StrEnum):
    """The end of a case."""

    PASSED = "passed"
    FAILED = "failed"
    UNKNOWN = "unknown"  # it could not be asked, or not to the end
    ACCEPTED = "accepted"  # it failed, and a waiver accepts that
    NOT_APPLICABLE = "not applicable"


class Case(Frozen):
    """One thing that a run asked, of a host or of the inventory (then `host` is empty), and how that ended.

    `kind` is what went wrong, in a word; `summary` stands on one line, `detail` below it.
    """

    host: str = ""
    municipality: str = ""
    role: str = ""
    name: str
    ended: Ended
    kind: str = ""
    summary: str = ""
    detail: str = ""
    seconds: float = 0.0


def cases_of(record: Record, also: Iterable[Case] = ()) -> tuple[Case, ...]:
    """Return the cases of a run by host, role and name; of a run that asked nothing, one that says so.

    Args:
        also: what a record does not say: the files that a check judged.
    """
    found = [*also, *map(_of_check, record.checks), *_of_findings(record), *_of_hosts(record)]
    if not found:
        nothing = "nothing was looked at: nothing is known"
        found = [Case(name="something was looked at", ended=Ended.UNKNOWN, kind="unknown", summary=nothing)]
    return tuple(_apart(sorted(found, key=lambda c: (c.host, c.role, c.name, c.kind, c.summary))))


def _apart(cases: Iterable[Case]) -> Iterator[Case]:
    """Number cases of one name at one place: readers would take the later for the same one, tried again."""
    seen = Counter[tuple[str, str, str]]()
    for case in cases:
        place = case.host, case.role, case.name
        seen[place] += 1
        yield case if seen[place] == 1 else case.model_copy(update={"name": f"{case.name} ({seen[place]})"})


def counted(cases: Iterable[Case]) -> Counter[Ended]:
    """Count cases by how they ended."""
    return Counter(case.ended for case in cases)


def cut(text: str, run: str = "", largest: int = LARGEST_TEXT) -> str:
    """Cut a text that is too long to show, and say so, and which run has all of it."""
    if len(text) <= largest:
        return text
    where = f": samdrift history {run} has all of it" if run else ""
    return f"{text[:largest]}\n… cut here, {several(len(text) - largest, 'character')} more{where}"


def short(name: str) -> str:
    """Return a name that is no longer than readers keep (GitLab: 255 characters), and still another for each."""
    if len(name) <= LONGEST_NAME:
        return name
    digest = hashlib.sha256(name.encode(errors="surrogatepass")).hexdigest()[:8]
    return f"{name[: LONGEST_NAME - 10]}… {digest}"


def _of_check(check: CheckResult) -> Case:
    ended = Ended.ACCEPTED if check.outcome == "failed" and not check.fails else Ended(check.outcome)
    waived = f"accepted until {check.waived.until}: {check.waived.name}" if check.waived else ""
    first = check.detail.strip().partition("\n")[0]
    return Case(
        host=check.host,
        municipality=check.municipality,
        role=check.role,
        name=check.name,
        ended=ended,
        kind="" if ended is Ended.PASSED else Kind.FAILED_CHECK,
        summary="" if ended is Ended.PASSED else waived if ended is Ended.ACCEPTED else first,
        detail="" if ended is Ended.PASSED else check.detail,
        seconds=check.seconds,
    )


def _of_findings(record: Record) -> Iterator[Case]:
    """Yield a case for each finding; a notice is none, and of a check that failed there is one already."""
    checked = {(c.host, c.role, c.name) for c in record.checks}
    for finding in record.findings:
        if finding.kind is Kind.NOTICE:
            continue
        if finding.kind is Kind.FAILED_CHECK and (finding.host, finding.role, finding.step) in checked:
            continue
        yield _of_finding(finding)


def _of_finding(finding: Finding) -> Case:
    waived = finding.waived
    if finding.accepted and waived is not None:
        ended, summary = Ended.ACCEPTED, f"{finding.summary}; accepted until {waived.until}: {waived.name}"
    else:
        ended, summary = Ended.UNKNOWN if finding.kind is Kind.UNKNOWN else Ended.FAILED, finding.summary
    return Case(
        host=finding.host,
        municipality=finding.municipality,
        role=finding.role,
        name=finding.step or ("it was looked at" if finding.kind is Kind.UNKNOWN else finding.kind),
        ended=ended,
        kind=finding.kind,
        summary=summary,
        detail=text_of(finding),
    )


def text_of(finding: Finding) -> str:
    """Return what a finding shows for itself and what to do about it, as plain text."""
    since = f"since {finding.first_seen}" if finding.first_seen else ""
    remedy = f"→ {finding.remedy}" if finding.remedy else ""
    return "\n".join(filter(None, (finding.detail, since, remedy)))


def _of_hosts(record: Record) -> Iterator[Case]:
    """Yield a case for each host: whether it was looked at, whether it is as it was applied, whether it was checked."""
    found = _by_host(record.findings)
    checked = {c.host for c in record.checks}
    for result in record.hosts:
        own = found.get(result.host, [])
        if result.outcome in NOT_LOOKED_AT:
            if not any(f.kind is Kind.UNKNOWN for f in own):
                why = result.detail or f"it was not looked at: {result.outcome}"
                yield _of_host(result, "it was looked at", Ended.UNKNOWN, why)
            continue
        if record.command == "drift" and not any(f.kind not in SAY_NOTHING_OF_STEPS for f in own):
            stands = result.outcome == "in sync" or any(f.kind is Kind.FAILED_CHECK for f in own)
            yield _of_host(
                result,
                "it is as it was applied",
                Ended.PASSED if stands else Ended.FAILED,
                "" if stands else result.detail or result.outcome,
            )
        if result.host not in checked and not any(f.kind is Kind.UNKNOWN for f in own):
            yield _of_host(result, "its state was checked", Ended.NOT_APPLICABLE, "no state check was run on it")


SAY_NOTHING_OF_STEPS = frozenset({Kind.NOTICE, Kind.WAIVER, Kind.FAILED_CHECK})
"""Kinds of findings about a host that may be just as it was applied."""


def _by_host(findings: Sequence[Finding]) -> dict[str, list[Finding]]:
    by_host: dict[str, list[Finding]] = {}
    for finding in findings:
        by_host.setdefault(finding.host, []).append(finding)
    return by_host


def _of_host(result: HostResult, name: str, ended: Ended, why: str) -> Case:
    return Case(
        host=result.host,
        municipality=result.municipality,
        name=name,
        ended=ended,
        kind="" if ended is Ended.PASSED else ended,
        summary=why.strip().partition("\n")[0],
        detail=why,
        seconds=result.seconds,
    )
