"""What OSCAL is told of a control is no better than what the report says, and every reference leads somewhere."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from deploy.report.document import Report, Result
from deploy.report.oscal import assessment_results, control_id
from tests.unit.deploy.report.reports import report_of
from tests.unit.deploy.report.test_period import AT, GW1, run
from tests.unit.deploy.report.test_report import FLEET, HOSTILE, TODAY

UUID5 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
TOKEN = re.compile(r"[A-Za-z_][A-Za-z0-9._-]*")


def made(*outcomes: str, how: str = "in sync") -> Report:
    return report_of(FLEET, [FLEET.host(GW1)], [run(10, "drift", how, checks=outcomes)], AT, today=TODAY)


def result_of(report: Report) -> dict[str, Any]:
    (result,) = assessment_results(report)["assessment-results"]["results"]
    return dict(result)


def values(document: object, key: str) -> Iterator[str]:
    """Every value of a key, wherever it stands."""
    if isinstance(document, dict):
        for name, value in document.items():
            if name == key:
                yield value
            yield from values(value, key)
    elif isinstance(document, list):
        for value in document:
            yield from values(value, key)


@pytest.mark.parametrize(
    ("report", "state", "reason"),
    [
        (made("passed", "not applicable"), "satisfied", "pass"),
        (made("passed", "failed"), "not-satisfied", "fail"),
        (made("not applicable"), "not-satisfied", "other"),
        (made(), "not-satisfied", "other"),
        (made(how="unknown"), "not-satisfied", "other"),
    ],
    ids=["passed", "failed", "not applicable", "not checked", "unknown"],
)
def test_a_control_is_satisfied_where_it_passed_and_nowhere_else(report: Report, state: str, reason: str) -> None:
    (target,) = (
        f["target"] for f in result_of(report)["findings"] if f["target"]["target-id"] == "ISO-27002-2022-8.20"
    )
    assert target["status"] == {"state": state, "reason": reason}


def test_every_observation_says_how_a_control_came_out_on_a_host() -> None:
    report = made("passed", "failed")
    said = sorted(next(values(o, "value")) for o in result_of(report)["observations"])
    assert said == sorted(str(r.result) for c in report.controls for r in c.results)
    assert str(Result.FAILED) in said


def test_names_are_such_as_oscal_lets_be_and_every_reference_leads_somewhere() -> None:
    document = assessment_results(made("passed", "failed"))
    uuids = list(values(document, "uuid"))
    assert len(uuids) == len(set(uuids))
    assert all(UUID5.fullmatch(uuid) for uuid in uuids)
    assert {*values(document, "subject-uuid"), *values(document, "observation-uuid")} <= {*uuids}
    assert document["assessment-results"]["import-ap"]["href"][1:] in uuids
    for key in ("control-id", "target-id", "name"):
        assert all(TOKEN.fullmatch(value) for value in values(document, key))
    assert [control_id(c) for c in ("27002 8.9/x", "", "Å 1")] == ["_27002-8.9-x", "_", "_--1"]


def test_text_of_others_is_on_one_line_where_oscal_asks_for_that() -> None:
    hostile = FLEET.model_copy(
        update={"hosts": tuple(h.model_copy(update={"description": f" {HOSTILE}\n"}) for h in FLEET.hosts)}
    )
    looked = run(10, "drift", "unknown").model_copy(update={"findings": ()})
    document = assessment_results(report_of(hostile, hostile.hosts, [looked], AT, today=TODAY, whole=True))
    for key in ("title", "value"):
        assert all(re.fullmatch(r"\S(.*\S)?", value) for value in values(document, key))


def test_the_same_report_has_the_same_names_and_another_has_others() -> None:
    first, again = assessment_results(made("passed")), assessment_results(made("passed"))
    assert first == again
    later = made("passed").model_copy(update={"at": "2026-12-24T00:00:00.000Z"})
    assert not {*values(first, "uuid")} & {*values(assessment_results(later), "uuid")}
