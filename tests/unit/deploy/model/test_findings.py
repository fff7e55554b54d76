"""A finding keeps its identity whatever its details are today, and exit codes come from findings alone."""

from __future__ import annotations

import ast
import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.model.evidence import Commands, Diff, Error, FailedCheck, Note
from deploy.model.findings import DIFFERENCES, Exit, Finding, Kind, Severity, exit_code, severity
from deploy.model.messages import MessageId, as_written, samdrift
from deploy.model.words import template
from inventory.paths import CODE

KINDS = st.sampled_from(list(Kind))
FINDINGS = st.lists(st.builds(Finding, kind=KINDS, message=st.just(as_written("s"))), max_size=6)


def finding(kind: Kind, **more: object) -> Finding:
    return Finding.model_validate({"kind": kind, "message": as_written("s")} | more)


@pytest.mark.parametrize(
    ("kinds", "after_change", "code"),
    [
        ([], False, Exit.OK),
        ([Kind.DRIFT], False, Exit.DIFFERENCES),
        ([Kind.FAILED_CHECK], False, Exit.DIFFERENCES),
        ([Kind.UNKNOWN, Kind.DRIFT], False, Exit.INCOMPLETE),
        ([Kind.FAILED_CHECK, Kind.UNKNOWN], True, Exit.VERIFY_FAILED),
        ([Kind.STALE, Kind.UNKNOWN, Kind.FAILED_CHECK], True, Exit.STALE),
        ([Kind.FAILED_STEP, Kind.STALE], True, Exit.ERROR),
        ([Kind.UNSOUND, Kind.DRIFT], False, Exit.ERROR),
        ([Kind.ROLLED_BACK, Kind.FAILED_STEP, Kind.UNKNOWN], True, Exit.ROLLED_BACK),
        ([Kind.ARMED], False, Exit.DIFFERENCES),
        ([Kind.LOCKED], True, Exit.LOCKED),
        ([Kind.LOCKED, Kind.UNKNOWN], True, Exit.LOCKED),
        ([Kind.LOCKED, Kind.FAILED_CHECK], True, Exit.VERIFY_FAILED),
        ([Kind.LOCKED, Kind.STALE], True, Exit.STALE),
    ],
)
def test_the_most_serious_finding_decides(kinds: list[Kind], after_change: bool, code: Exit) -> None:
    assert exit_code([finding(k) for k in kinds], after_change=after_change) is code


@given(FINDINGS, st.booleans())
def test_0_means_that_nothing_was_found_but_notices(findings: list[Finding], after_change: bool) -> None:
    found = [f for f in findings if f.kind is not Kind.NOTICE]
    assert (exit_code(findings, after_change=after_change) is Exit.OK) == (not found)


@given(FINDINGS, st.booleans(), st.randoms())
def test_neither_order_nor_repetition_matters(findings: list[Finding], after_change: bool, random: object) -> None:
    again = [*reversed(findings), *findings]
    assert exit_code(again, after_change=after_change) is exit_code(findings, after_change=after_change)


@given(KINDS)
def test_every_kind_but_a_notice_is_told_by_some_exit_code(kind: Kind) -> None:
    assert (exit_code([finding(kind)]) is Exit.OK) == (kind is Kind.NOTICE)


def test_an_unknown_host_hides_no_difference_from_the_code_but_outranks_it() -> None:
    for kind in DIFFERENCES:
        assert exit_code([finding(kind), finding(Kind.UNKNOWN)]) is Exit.INCOMPLETE


@given(st.text(), st.text(), st.sampled_from(list(Severity)))
def test_details_do_not_change_who_a_finding_is(detail: str, first_seen: str, severity: Severity) -> None:
    same = {"host": "tie-dns1", "role": "time", "step": "file /etc/f"}
    evidence = [Error(text=detail)]
    other = finding(Kind.DRIFT, evidence=evidence, first_seen=first_seen, severity=severity, **same)
    assert other.fingerprint == finding(Kind.DRIFT, **same).fingerprint


def test_a_name_that_is_no_utf_8_has_a_fingerprint_too() -> None:
    one, other = (finding(Kind.UNMANAGED, step=f"/etc/{name}") for name in ("\udcff", "\udcfe"))
    assert one.fingerprint != other.fingerprint


@given(st.tuples(*[st.text(max_size=3)] * 3), st.tuples(*[st.text(max_size=3)] * 3))
def test_two_places_are_two_findings(here: tuple[str, ...], there: tuple[str, ...]) -> None:
    names = ("host", "role", "step")
    one, other = (finding(Kind.DRIFT, **dict(zip(names, place, strict=True))) for place in (here, there))
    nul = any("\0" in part for part in (*here, *there))
    assert nul or (one.fingerprint == other.fingerprint) == (here == there)


def test_the_documentation_explains_every_kind_every_severity_and_every_exit_code() -> None:
    text = (CODE / "docs" / "findings-and-exit-codes.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `?([a-z0-9 ]+)`? \|", text, flags=re.MULTILINE)
    assert {*Kind, *Severity, *(str(int(code)) for code in Exit)} <= set(rows)


WHOLE = Finding(
    kind=Kind.DRIFT,
    host="tie-dns1",
    role="time",
    step="file /etc/{f}",
    message=MessageId.STEP_CHANGED_ON_HOST(step="file /etc/{f}"),
    evidence=(
        Diff(text="-a\n+b\n"),
        Commands(lines=("true",)),
        Error(text="no route"),
        FailedCheck(name="answers", detail="assert 1"),
        Note(message=MessageId.A_STEP_MOVED()),
    ),
    advice=MessageId.PUT_BACK(apply=samdrift("apply", "--limit", "tie-dns1")),
    first_seen="2026-11-23T22:10:00.000Z",
)


def test_json_holds_the_typed_finding_and_its_text_and_is_read_back_the_same() -> None:
    document = WHOLE.model_dump(mode="json")
    assert document["summary"] == "file /etc/{f}: changed on the host since it was applied"
    assert document["detail"] == "-a\n+b\n\n$ true\nno route\ncheck failed: answers\nassert 1\na step differs"
    assert document["remedy"] == "put it back: samdrift apply --limit tie-dns1"
    assert document["message"] == {"id": "step-changed-on-host", "parameters": {"step": "file /etc/{f}"}}
    assert [e["type"] for e in document["evidence"]] == ["diff", "commands", "error", "failed check", "note"]
    assert Finding.model_validate_json(json.dumps(document)) == WHOLE
    assert Finding.model_validate_json(WHOLE.model_dump_json(exclude_computed_fields=True)) == WHOLE


@given(st.text(), st.text(), st.text())
def test_a_finding_of_an_old_record_says_what_it_said(summary: str, detail: str, remedy: str) -> None:
    old = {"kind": "drift", "host": "h", "summary": summary, "detail": detail, "remedy": remedy}
    read = Finding.model_validate_json(json.dumps(old))
    assert (read.summary, read.detail, read.remedy) == (summary, detail, remedy)
    assert read.fingerprint == WHOLE.model_copy(update={"host": "h", "role": "", "step": ""}).fingerprint


@pytest.mark.parametrize(
    "unknown",
    [
        {"message": {"id": "of-tomorrow", "parameters": {"a": "b"}}},
        {"message": {"id": "step-gone", "parameters": {"now-called": "b"}}},
        {"evidence": [{"type": "film", "frames": 24}]},
        {"advice": {"id": "of-yesterday", "parameters": {}}},
    ],
)
def test_what_this_samdrift_does_not_know_of_a_stored_finding_is_read_as_its_text(unknown: dict[str, object]) -> None:
    read = Finding.model_validate_json(json.dumps(WHOLE.model_dump(mode="json") | unknown))
    assert (read.summary, read.detail, read.remedy) == (WHOLE.summary, WHOLE.detail, WHOLE.remedy)


def test_a_misspelt_field_is_refused() -> None:
    with pytest.raises(ValueError, match="Extra inputs"):
        finding(Kind.DRIFT, sumary="s")


@pytest.mark.parametrize(
    ("kind", "about", "protects", "expected"),
    [
        (Kind.DRIFT, MessageId.STEP_CHANGED_ON_HOST, False, Severity.MEDIUM),
        (Kind.DRIFT, MessageId.STEP_CHANGED_ON_HOST, True, Severity.HIGH),
        (Kind.PENDING, MessageId.STEP_NOT_APPLIED, True, Severity.LOW),
        (Kind.PENDING, MessageId.STEP_STILL_CHANGES, False, Severity.HIGH),
        (Kind.PENDING, MessageId.RECIPIENTS_DIFFER, False, Severity.HIGH),
        (Kind.CONFLICT, MessageId.STEP_CHANGED_TWICE, False, Severity.HIGH),
        (Kind.FAILED_CHECK, MessageId.CHECK_FAILED, False, Severity.HIGH),
        (Kind.UNMANAGED, MessageId.FILE_UNDECLARED, False, Severity.MEDIUM),
        (Kind.UNMANAGED, MessageId.SECRET_UNNEEDED, False, Severity.LOW),
    ],
)
def test_severity(kind: Kind, about: MessageId, protects: bool, expected: Severity) -> None:
    assert severity(kind, about, protects=protects) is expected


def test_nobody_else_decides_how_serious_a_finding_is() -> None:
    for path in (CODE / "deploy").rglob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for call in (n for n in ast.walk(tree) if isinstance(n, ast.Call)):
            if isinstance(call.func, ast.Name) and call.func.id == "Finding":
                given = {k.arg: k.value for k in call.keywords}
                decided = given.get("severity")
                assert isinstance(decided, ast.Call), f"{path}:{call.lineno}"
                assert isinstance(decided.func, ast.Name), f"{path}:{call.lineno}"
                assert decided.func.id == "severity", f"{path}:{call.lineno}"


def test_the_documentation_lists_every_message_and_how_it_reads() -> None:
    text = (CODE / "docs" / "findings-and-exit-codes.md").read_text(encoding="utf-8")
    listed = text.partition("## Messages")[2].partition("## Add")[0]
    rows = re.findall(r"^\| `([a-z-]+)` \|(?: [a-z, ]+ \|)? (.*) \|$", listed, flags=re.MULTILINE)
    assert dict(rows) == {m.value: template(m) for m in MessageId}
    assert len(rows) == len(MessageId)
