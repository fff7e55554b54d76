"""What a report says as data is as its published schema has it."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest

from deploy.report.bundle import as_json, evidence_of
from deploy.report.consolidation import consolidation
from deploy.tools.report_schema import PUBLISHED, schema_text
from inventory.frozen import Frozen
from inventory.lifecycle import Lifecycle
from tests.unit.deploy.report.test_period import of_november, run
from tests.unit.deploy.report.test_readers import AT, SINCE, bought, of_board, until
from tests.unit.deploy.report.test_report import ACCEPTED, DRIFT, DRIFT_RUN, FLEET, checked, unsound, whole

DOCUMENTS = {
    "situation": whole(DRIFT_RUN.model_copy(update={"findings": (DRIFT, ACCEPTED)})),
    "nothing known": whole(None),
    "unsound": checked(unsound("asn", "tierp")),
    "period": of_november(run(10, "drift", "differs", findings=(DRIFT,)), run(11, "apply", "changed")),
    "board": of_board(DRIFT_RUN),
    "procurement": bought(Lifecycle(models={"fortinet-fg-60f": until("2027-01-01")})),
    "consolidation": consolidation(FLEET, FLEET.hosts, (DRIFT_RUN,), AT, SINCE),
    "evidence": evidence_of("0" * 16, (), (), AT),
}


def published() -> Any:
    return json.loads(PUBLISHED.read_text(encoding="utf-8"))


def test_the_published_schema_is_the_one_of_today() -> None:
    assert PUBLISHED.read_text(encoding="utf-8") == schema_text(), "write it anew: python -m deploy.tools.report_schema"


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_document_is_as_the_schema_says(name: str) -> None:
    document: Frozen = DOCUMENTS[name]
    jsonschema.Draft202012Validator(published()).validate(json.loads(as_json(document)))


def test_what_is_no_document_of_ours_is_none_by_the_schema() -> None:
    validator = jsonschema.Draft202012Validator(published())
    situation = json.loads(as_json(DOCUMENTS["situation"]))
    for wrong in ({}, {**situation, "format": 1}, {**situation, "extra": 1}, {**situation, "hosts": [{}]}):
        assert not validator.is_valid(wrong)
