"""The open version of a report tells nobody which hosts there are, where, whose, or what was found on them."""

from __future__ import annotations

import re

import pytest
from hypothesis import HealthCheck, given, settings

from deploy.model.evidence import Diff
from deploy.model.record import Record
from deploy.model.words import Language
from deploy.report.consolidation import consolidation
from deploy.report.document import Report
from deploy.report.masking import MASK
from deploy.report.open_version import AnyReport, kept_fields, open_version
from deploy.report.oscal import assessment_results
from deploy.report.page import html
from deploy.report.procurement import Procurement
from deploy.report.reader_pages import reader_html
from deploy.report.tables import tables
from inventory.fleet import Fleet
from tests.unit.deploy.report.reports import report_of
from tests.unit.deploy.report.test_masking import histories, words_of
from tests.unit.deploy.report.test_readers import AT, NOVEMBER, OCTOBER, SHIPPED, SINCE, bought, of_board
from tests.unit.deploy.report.test_report import (
    ACCEPTED,
    DRIFT,
    DRIFT_RUN,
    FLEET,
    MADE_AT,
    TODAY,
    record,
    result,
    whole,
)

CANARY, SOURCE = "Kanariefagel", "https://netbox.tierp.se"


def said_by(document: AnyReport, *languages: Language) -> str:
    """All that anybody is handed of a report."""
    said = document.model_dump_json()
    for language in languages or ("sv", "en"):
        said += html(document, language) if isinstance(document, Report) else reader_html(document, language)
        if isinstance(document, Report | Procurement):
            said += "".join(data.decode() for data in tables(document, language).values())
    return said + (str(assessment_results(document)) if isinstance(document, Report) and document.controls else "")


@given(histories())
@settings(max_examples=10, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
def test_an_open_version_names_no_host_address_serial_key_site_or_person(
    world: tuple[Fleet, str, list[Record]],
) -> None:
    fleet, own, records = world
    check = next((r for r in records if r.command == "check"), None)
    since = "2026-11-20T00:00:00.000Z"
    everything = report_of(
        fleet,
        fleet.hosts,
        records,
        MADE_AT,
        since=since,
        today=TODAY,
        check=check,
        whole=True,
        source="netbox.tierp.se",
    )
    of_one = report_of(fleet, [h for h in fleet.hosts if h.tenant == own], records, MADE_AT, since=since, today=TODAY)
    words = {w for h in fleet.hosts for w in (*words_of(h), h.description)}
    words |= {w for s in fleet.sites for w in (s.slug, s.name)} | {"anna@", SOURCE, "plan-of-"}
    public = {w for t in fleet.tenants for w in (t.slug, t.name)} | {r.name for r in fleet.regions}
    telling = "|".join(re.escape(w) for w in words - public if len(w) > 3)  # shorter ones stand in any text
    for made in (everything, of_one):
        found = re.search(rf"(?<![\w.])(?:{telling})(?![\w.])", said_by(open_version(made), "sv"))
        assert not found, found


def canaries() -> Report:
    """A report in which whatever people, programs and hosts say is a canary."""
    found = DRIFT.model_copy(
        update={
            "role": CANARY,
            "step": CANARY,
            "difference": CANARY,
            "several": (CANARY,),
            "evidence": (Diff(text=CANARY),),
            "message": DRIFT.message.model_copy(update={"parameters": {"step": CANARY}}),
        }
    )
    assert ACCEPTED.waived is not None
    waived = ACCEPTED.waived.model_copy(update={"name": CANARY, "owner": CANARY, "reason": CANARY})
    run = record(
        command="apply",
        who=CANARY,
        reason=CANARY,
        argv=(CANARY,),
        limit=CANARY,
        hosts=(result("alv-gw1", "changed", detail=CANARY), result(CANARY, "in sync", tenant="tierp")),
        findings=(found, ACCEPTED.model_copy(update={"waived": waived})),
    )
    hosts = tuple(h.model_copy(update={"description": CANARY, "platform": CANARY, "role": CANARY}) for h in FLEET.hosts)
    fleet = FLEET.model_copy(update={"hosts": hosts})
    return report_of(fleet, hosts, [run], MADE_AT, since=SINCE, today=TODAY, check=run, whole=True, source=CANARY)


def test_whatever_anybody_wrote_or_a_host_said_is_masked_and_counted() -> None:
    secret, made = canaries(), open_version(canaries())
    assert CANARY in said_by(secret)
    assert CANARY not in said_by(made)
    assert made.open
    assert made.masked > secret.masked == 0


def test_no_fingerprint_is_left_from_which_somebody_guesses_host_and_step() -> None:
    secret = whole(DRIFT_RUN.model_copy(update={"findings": (DRIFT, ACCEPTED)}))
    said = said_by(open_version(secret))
    for finding in (*secret.findings, *secret.accepted):
        assert finding.fingerprint not in said


def test_what_it_counts_is_what_the_whole_report_counts() -> None:
    secret = whole()
    made = open_version(secret)
    assert (made.totals, made.at, made.scope) == (secret.totals, secret.at, secret.scope)
    assert [m.totals for m in made.municipalities] == [m.totals for m in secret.municipalities]
    assert [(c.id, c.passed, c.failed, [r.result for r in c.results]) for c in made.controls] == [
        (c.id, c.passed, c.failed, [r.result for r in c.results]) for c in secret.controls
    ]
    assert [(f.kind, f.severity, f.municipality) for f in made.findings] == [
        (f.kind, f.severity, f.municipality) for f in secret.findings
    ]


def test_a_host_has_one_number_wherever_it_stands() -> None:
    made = open_version(whole())
    names = [h.name for h in made.hosts]
    assert len(set(names)) == len(FLEET.hosts)
    assert all(re.fullmatch(rf"{MASK} \d+", name) for name in names)
    assert {f.host for f in made.findings} | {r.host for c in made.controls for r in c.results} <= {*names}


@pytest.mark.parametrize("language", ["sv", "en"])
def test_the_page_says_which_version_it_is(language: Language) -> None:
    for document in (whole(), of_board(OCTOBER, NOVEMBER)):
        for made, said in (
            (document, ("Intern version", "Internal version")),
            (open_version(document), ("Öppen", "Open")),
        ):
            page = html(made, language) if isinstance(made, Report) else reader_html(made, language)
            assert said[language == "en"] in page
    assert "Ingen är beviljad något" not in html(open_version(whole()))


def test_those_of_the_board_of_purchasers_and_of_consolidation_name_no_host_site_or_serial_either() -> None:
    words = {w for h in SHIPPED.hosts for w in (h.name, h.serial, h.description)} | {s.name for s in SHIPPED.sites}
    words -= {t.name for t in SHIPPED.tenants} | {""}
    for document in (
        of_board(OCTOBER, NOVEMBER),
        bought(),
        consolidation(SHIPPED, SHIPPED.hosts, (DRIFT_RUN,), AT, SINCE),
    ):
        said = said_by(open_version(document))
        assert not [word for word in words if re.search(rf"(?<!\w){re.escape(word)}(?!\w)", said)]
        assert MASK in said
    assert open_version(bought()).models[0].count == bought().models[0].count


def test_what_is_kept_is_there() -> None:
    assert not [(of, name) for of, name in kept_fields() if name not in of.model_fields]
