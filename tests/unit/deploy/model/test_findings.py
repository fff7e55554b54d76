"""A finding keeps its identity whatever its details are today, and exit codes come from findings alone."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.model.findings import DIFFERENCES, Exit, Finding, Kind, Severity, exit_code
from inventory.paths import CODE

KINDS = st.sampled_from(list(Kind))
FINDINGS = st.lists(st.builds(Finding, kind=KINDS, summary=st.just("s")), max_size=6)


def finding(kind: Kind, **more: object) -> Finding:
    return Finding.model_validate({"kind": kind, "summary": "s"} | more)


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
    ],
)
def test_the_most_serious_finding_decides(kinds: list[Kind], after_change: bool, code: Exit) -> None:
    assert exit_code([finding(k) for k in kinds], after_change=after_change) is code


@given(FINDINGS, st.booleans())
def test_0_means_that_nothing_was_found(findings: list[Finding], after_change: bool) -> None:
    assert (exit_code(findings, after_change=after_change) is Exit.OK) == (not findings)


@given(FINDINGS, st.booleans(), st.randoms())
def test_neither_order_nor_repetition_matters(findings: list[Finding], after_change: bool, random: object) -> None:
    again = [*reversed(findings), *findings]
    assert exit_code(again, after_change=after_change) is exit_code(findings, after_change=after_change)


@given(KINDS)
def test_every_kind_is_told_by_some_exit_code(kind: Kind) -> None:
    assert exit_code([finding(kind)]) is not Exit.OK


def test_an_unknown_host_hides_no_difference_from_the_code_but_outranks_it() -> None:
    for kind in DIFFERENCES:
        assert exit_code([finding(kind), finding(Kind.UNKNOWN)]) is Exit.INCOMPLETE


@given(st.text(), st.text(), st.sampled_from(list(Severity)))
def test_details_do_not_change_who_a_finding_is(detail: str, first_seen: str, severity: Severity) -> None:
    same = {"host": "tie-dns1", "role": "time", "step": "file /etc/f"}
    other = finding(Kind.DRIFT, detail=detail, first_seen=first_seen, severity=severity, **same)
    assert other.fingerprint == finding(Kind.DRIFT, **same).fingerprint


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
