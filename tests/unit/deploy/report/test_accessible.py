"""Every page is judged in a real browser: no violation of WCAG 2.2 AA that axe-core knows of, and it fits a phone."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from deploy.model.openings import Opening
from deploy.model.plan import HostPlan
from deploy.model.review import Breach, PolicyResult, Reached, Review, ReviewedHost, SettingChange
from deploy.model.waived import Waived
from deploy.model.words import Language
from deploy.report import plan_page, review_page
from deploy.report.consolidation import consolidation
from deploy.report.document import Totals
from deploy.report.open_version import open_version
from deploy.report.page import html
from deploy.report.procurement import procurement
from deploy.report.reader_pages import reader_html
from inventory.lifecycle import Lifecycle
from tests.browser import AXE, Page, browser, cannot_browse
from tests.unit.deploy.report.reports import report_of
from tests.unit.deploy.report.test_plan_pages import changed, plan
from tests.unit.deploy.report.test_readers import (
    AT,
    DAY,
    DRIFT,
    NOVEMBER,
    OCTOBER,
    SHIPPED,
    SINCE,
    of_board,
    until,
)
from tests.unit.deploy.report.test_report import DRIFT_RUN, FLEET, TODAY, check, record, result, unsound
from tests.unit.deploy.views.shown import NAMES

PHONE, DESK = 360, 1280
SOME = [h for h in SHIPPED.hosts if h.tenant in {"heby", "knivsta"} or "shared" in h.tags]

JUDGED = """axe.run(document, {runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    rules: {"target-size": {enabled: true}}, resultTypes: ["violations"], preload: false})
  .then(told => JSON.stringify({
    violations: told.violations.map(v => [v.id, v.help, v.nodes.map(n => n.html.slice(0, 200))]),
    passed: told.passes.length}))"""

BROKEN_NUMBERS = """(() => {
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT), broken = [];
  while (walker.nextNode()) {
    const text = walker.currentNode;
    if (text.parentElement.closest("code, pre, mark")) continue;
    for (const number of text.data.matchAll(/\\d+(?:[.,:]\\d+)*/g)) {
      const range = document.createRange();
      range.setStart(text, number.index);
      range.setEnd(text, number.index + number[0].length);
      const lines = new Set([...range.getClientRects()].map(r => Math.round(r.top)));
      if (lines.size > 1) broken.push(text.data.trim().slice(0, 80));
    }
  }
  return broken;
})()"""
"""Numbers that stand on more than one line. Digests and what is quoted may: they are no numbers that anybody reads."""


def situation(language: Language) -> str:
    """A report with everything in it: a period, unsound inventory, waivers, an emergency, shared services, masks."""
    waived = Waived(name="w", owner="eva", reason="flytten", until="2027-01-30", standing="accepted")
    accepted = DRIFT.model_copy(update={"waived": waived, "step": "file /etc/other"})
    change = record(
        id="apply-1",
        command="apply",
        started="2026-11-21T06:00:00.000Z",
        hosts=(result("tie-gw1", "changed"),),
        checks=(check("it runs", "tie-gw1", "firewall"),),
    )
    run = DRIFT_RUN.model_copy(update={"findings": (*DRIFT_RUN.findings, accepted)})
    found = record(command="check", findings=(unsound("asn", "tierp"),))
    made = report_of(FLEET, FLEET.hosts, [run, change], AT, since=SINCE, today=TODAY, check=found, whole=True)
    many = Totals(**dict.fromkeys(Totals.model_fields, 12345))
    large = tuple(m.model_copy(update={"totals": many}) for m in made.municipalities)
    return html(made.model_copy(update={"municipalities": large, "totals": many}), language)


def of_one(language: Language) -> str:
    own = [h for h in FLEET.hosts if h.tenant == "alvkarleby"]
    shared = tuple(h.model_copy(update={"tags": ("shared",)}) if h.name == "tie-dns1" else h for h in FLEET.hosts)
    return html(report_of(FLEET.model_copy(update={"hosts": shared}), own, [DRIFT_RUN], AT, today=TODAY), language)


def of_anybody(language: Language) -> str:
    return html(open_version(report_of(FLEET, FLEET.hosts, [DRIFT_RUN], AT, today=TODAY, whole=True)), language)


def nothing(language: Language) -> str:
    return html(report_of(FLEET, FLEET.hosts, [], AT, today=TODAY, whole=True), language)


def of_the_board(language: Language) -> str:
    return reader_html(of_board(OCTOBER, NOVEMBER), language)


def of_purchasers(language: Language) -> str:
    known = Lifecycle(models={"fortinet-fg-60f": until("2027-01-01")})
    return reader_html(procurement(SHIPPED, SOME, known, AT, DAY), language)


def of_consolidation(language: Language) -> str:
    return reader_html(consolidation(SHIPPED, SOME, (DRIFT_RUN,), AT, SINCE), language)


def of_a_plan(_language: Language) -> str:
    step = changed("new\n", unguarded="it has no timer")
    lost = HostPlan(host="tie-dns1", municipality="tierp", error="no route to host")
    made = plan(step, changed("b\n", name="file /etc/y"))
    return plan_page.html(made.model_copy(update={"hosts": (*made.hosts, lost)}), NAMES, ())


def of_a_review(_language: Language) -> str:
    opening = Opening(kind="opens", hosts=("heb-gw1",), service="tcp 443", why="nginx")
    return review_page.html(
        Review(
            against="main",
            of="branch",
            compared=(3, 1200),
            hosts=(ReviewedHost(host="heb-gw1", municipality="heby", how="changed"),),
            reached=(Reached(opening, "yes", "rule 1"),),
            settings=(SettingChange("base", "x", "1", "2", ("heb-gw1",)),),
            policies=(PolicyResult(id="p", reason="why", new=(Breach(policy="p", what="w", host="heb-gw1"),)),),
        )
    )


PAGES: tuple[tuple[Callable[[Language], str], Language], ...] = (
    *(
        (page, language)
        for page in (situation, of_one, of_anybody, nothing, of_the_board, of_purchasers, of_consolidation)
        for language in ("sv", "en")
    ),
    (of_a_plan, "sv"),
    (of_a_review, "en"),
)


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    """A page of a real browser, in which axe-core is at hand."""
    if why := cannot_browse() or ("" if AXE.is_file() else "axe-core is not here: make setup fetches it by npm"):
        pytest.skip(why)
    with browser() as running:
        yield running.page()


def judged(page: Page) -> dict[str, Any]:
    page.ask(f"window.axe || (() => {{ {AXE.read_text(encoding='utf-8')} }})()")
    told: dict[str, Any] = json.loads(page.ask(JUDGED))
    return told


@pytest.mark.parametrize(("made", "language"), PAGES, ids=[f"{made.__name__}-{lang}" for made, lang in PAGES])
def test_a_page_is_for_everybody_and_fits_a_phone(
    made: Callable[[Language], str], language: Language, page: Page, tmp_path: Path
) -> None:
    file = tmp_path / "page.html"
    file.write_text(made(language), encoding="utf-8")
    for width in (PHONE, DESK):
        page.resize(width)
        page.open(file)
        told = judged(page)
        assert told["violations"] == []
        assert told["passed"] > 10, "that nothing was asked is no pass"
        assert page.ask("document.documentElement.scrollWidth") <= width
        assert page.ask(BROKEN_NUMBERS) == []


def test_what_is_judged_can_fail(page: Page, tmp_path: Path) -> None:
    file = tmp_path / "bad.html"
    file.write_text(
        '<!doctype html><title>x</title><main><h1>x</h1><p style="color: #ccc">faint</p>'
        '<p style="width: 1ch; overflow-wrap: anywhere">25</p><div style="width: 500px">wide</div></main>',
        encoding="utf-8",
    )
    page.resize(PHONE)
    page.open(file)
    assert {v[0] for v in judged(page)["violations"]} >= {"html-has-lang", "color-contrast"}
    assert page.ask(BROKEN_NUMBERS) == ["25"]
    assert page.ask("document.documentElement.scrollWidth") > PHONE
