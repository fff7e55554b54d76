"""A report's tables are read by anything that reads CSV, say what the report says, and no spreadsheet computes them."""

from __future__ import annotations

import csv
import io
import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from deploy.model.words import Language
from deploy.report.bundle import CHANGES, CONTROLS, DEVICES, FINDINGS, HOSTS, TABLES
from deploy.report.document import Report
from deploy.report.tables import tables
from tests.unit.deploy.report.reports import report_of
from tests.unit.deploy.report.test_period import AT, of_november, run
from tests.unit.deploy.report.test_readers import bought
from tests.unit.deploy.report.test_report import DRIFT, DRIFT_RUN, EARLIER, FLEET, MADE_AT, STEPS, TODAY

MADE = report_of(FLEET, FLEET.hosts, [DRIFT_RUN, EARLIER], MADE_AT, today=TODAY, whole=True)
ATTACKS = (
    "=1+1",
    "+1",
    "-1",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    "\n=1",
    " =1",
    "＝1",
    "x;=cmd|' /C calc'!A0",
    "x\n=1+1",
    'x",=1+1',
    "\0=1",
)


def read(data: bytes, delimiter: str = ",") -> list[list[str]]:
    return list(csv.reader(io.StringIO(data.decode(), newline=""), delimiter=delimiter, strict=delimiter == ","))


def rows(report: Report, table: str, language: Language = "sv") -> list[dict[str, str]]:
    heading, *others = read(tables(report, language)[table])
    return [dict(zip(heading, row, strict=True)) for row in others]


@pytest.mark.parametrize("language", ["sv", "en"])
def test_every_row_has_as_many_cells_as_the_heading_and_lines_end_as_the_rfc_has_it(language: Language) -> None:
    made = tables(MADE, language) | tables(bought(), language)
    assert set(made) == set(TABLES)
    for data in made.values():
        heading, *others = read(data)
        assert len(heading) == len(set(heading))
        assert others
        assert {len(row) for row in others} == {len(heading)}
        assert data.endswith(b"\r\n")
        assert not re.search(rb"(?<!\r)\n|\r(?!\n)", data)
        assert not data.startswith(b"\xef\xbb\xbf")


def test_tables_say_what_the_report_says() -> None:
    hosts = rows(MADE, HOSTS)
    assert [h["Värd"] for h in hosts] == [h.name for h in MADE.hosts]
    assert next(h for h in hosts if h["Värd"] == "tie-dns1")["Läge"] == "underkänd kontroll"
    assert sum(int(h["Godkända kontroller"]) for h in hosts) == MADE.totals.passed
    controls = rows(MADE, CONTROLS, "en")
    assert len(controls) == sum(len(c.results) for c in MADE.controls)
    assert {(c["Control"], c["Host"], c["Result"]) for c in controls} == {
        (c.id, r.host, str(r.result)) for c in MADE.controls for r in c.results
    }
    assert {f["Kännetecken"] for f in rows(MADE, FINDINGS)} == {f.fingerprint for f in MADE.findings}
    (found,) = (f for f in rows(MADE, FINDINGS, "en") if f["Fingerprint"] == DRIFT.fingerprint)
    assert (found["Municipality"], found["Severity"], found["Finding"]) == ("Älvkarleby", "high", DRIFT.summary)
    assert len(read(tables(bought(), "sv")[DEVICES])) == len(bought().devices) + 1


def test_changes_are_those_of_the_period_or_the_latest_of_each_host() -> None:
    given_ = {"steps": STEPS, "changed": tuple(STEPS)}
    first, second = (run(day, "apply", "changed", of_host=given_, reason=f"CHG {day}") for day in (3, 9))
    assert [c["Skäl"] for c in rows(of_november(first, second), CHANGES)] == ["CHG 3", "CHG 9"]
    latest = report_of(FLEET, FLEET.hosts, [first, second], AT, today=TODAY, whole=True)
    assert [(c["När"], c["Skäl"], c["Nödändring"]) for c in rows(latest, CHANGES)] == [(second.started, "CHG 9", "nej")]


@example('"=1+1')
@given(st.sampled_from(ATTACKS) | st.builds(lambda a, b: a + b, st.text(max_size=5), st.sampled_from(ATTACKS)))
def test_no_cell_begins_a_formula_however_a_spreadsheet_splits_it(text: str) -> None:
    hostile = [h.model_copy(update={"description": text, "reason": text}) for h in MADE.hosts]
    found = [f.model_copy(update={"step": text, "role": text}) for f in MADE.findings]
    made = MADE.model_copy(update={"hosts": tuple(hostile), "findings": tuple(found)})
    for data in tables(made, "sv").values():
        for delimiter in ",;\t|":
            for row in read(data, delimiter):
                assert not [cell for cell in row if re.match(r"""["\s]*[=+\-@＝＋－＠\0]""", cell)]


def test_a_text_that_is_no_formula_stands_as_it_is() -> None:
    for text in ("file /etc/nftables.conf", "a-b = c", "10.59.0.61, fd00::1", "Älvkarleby – 5 % & mer"):
        host = MADE.hosts[0].model_copy(update={"description": text})
        assert rows(MADE.model_copy(update={"hosts": (host, *MADE.hosts[1:])}), HOSTS)[0]["Beskrivning"] == text
