"""What OpenSCAP writes is counted as its own report counts it. The element is of a real result, shortened."""

from __future__ import annotations

import pytest

from tests.audit.openscap import judged

RULE = "xccdf_org.ssgproject.content_rule_"


def results(*found: tuple[str, str]) -> str:
    lines = (f'<rule-result idref="{RULE}{rule}"><result>{result}</result></rule-result>' for rule, result in found)
    return f'<TestResult id="xccdf_org.open-scap_testresult">{"".join(lines)}</TestResult>'


def test_what_is_not_selected_or_not_applicable_or_not_checked_is_not_judged() -> None:
    found = judged(
        results(("a", "pass"), ("b", "fail"), ("c", "notselected"), ("d", "notapplicable"), ("e", "notchecked"))
    )

    assert (found.passed, found.failed) == (1, ("b",))
    assert found.share == 0.5


@pytest.mark.parametrize("result", ["fail", "error", "unknown"])
def test_a_rule_that_is_not_known_to_hold_fails(result: str) -> None:
    assert judged(results(("a", "pass"), ("a", result))).failed == ("a",)


def test_an_audit_that_judged_nothing_is_no_audit() -> None:
    with pytest.raises(ValueError, match="judged no rule"):
        judged(results(("a", "notapplicable")))
