"""The watch's pages say what the report says, lead nowhere else, and are the same for the same records."""

from __future__ import annotations

import posixpath
import re
from html.parser import HTMLParser

import pytest

from deploy.model.findings import Severity
from deploy.model.record import Record
from deploy.report.watch_pages import LOOKS, PAGES, page_of_host
from deploy.report.watched import latest_of, readers
from inventory.errors import SamdriftError
from inventory.fleet import Fleet
from inventory.organisation import ALL, Tenant
from tests.unit.deploy.report.test_report import DRIFT, DRIFT_RUN, FLEET, HOSTILE, MADE_AT, TODAY, host, record, result
from tests.unit.deploy.report.watched import pages_for

SINCE = "2026-11-01T00:00:00.000Z"
CHANGE = record(
    id="apply-1",
    command="apply",
    started="2026-11-21T06:00:00.000Z",
    finished="2026-11-21T06:09:00.000Z",
    who="eva@tie-adm1",
    reason="ärende 17",
    hosts=(result("alv-gw1", "changed"), result("tie-gw1", "changed")),
)


def pages(reader: str, *records: Record, fleet: Fleet = FLEET) -> dict[str, str]:
    made = pages_for(reader, fleet, records, since=SINCE, otherwise=MADE_AT, today=TODAY)
    return {path: data.decode() for path, data in made.items()}


class Read(HTMLParser):
    """What a page asks a browser for, and what of it would run in the page itself."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links, self.inline, self.headings = set[str](), list[str](), list[str]()
        self._in = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.links |= {given[name] or "" for name in ("href", "src") if name in given}
        if tag == "style" or (tag == "script" and "src" not in given):
            self.inline.append(tag)
        self.inline += [name for name in given if name == "style" or name.startswith("on")]


def rows(page: str) -> list[str]:
    """The hosts of the page's table, in its order."""
    return re.findall(r'<tr><th scope="row"><a href="[^"]*">([^<]*)</a>', page)


def test_each_page_leads_to_files_of_the_same_reader_and_to_nothing_else() -> None:
    for reader in readers(FLEET):
        made = pages(reader, DRIFT_RUN, CHANGE)
        for path in (p for p in made if p.endswith(".html")):
            links = {link for link in Read(made[path]).links if not link.startswith("#")}
            there = {posixpath.normpath(posixpath.join(posixpath.dirname(path), link)) for link in links}
            assert there <= made.keys(), path


def test_no_page_but_the_report_has_a_script_or_a_style_in_it_and_the_policy_forbids_both() -> None:
    made = pages(ALL, DRIFT_RUN, CHANGE)
    own = [path for path in made if path.endswith(".html") and "report/" not in path]
    assert len(own) == 2 * (len(PAGES) + len(FLEET.hosts))
    for path in own:
        assert Read(made[path]).inline == []
        policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', made[path])
        assert policy
        assert policy[1].split("; ")[:3] == ["default-src 'none'", "style-src 'self'", "script-src 'self'"]
        assert "unsafe" not in policy[1]


def test_the_same_records_in_any_order_make_the_same_bytes() -> None:
    assert pages("alvkarleby", DRIFT_RUN, CHANGE) == pages("alvkarleby", CHANGE, DRIFT_RUN)


def test_a_run_on_others_hosts_changes_nothing_on_a_municipalitys_pages() -> None:
    of_others = record(id="later", started="2026-11-24T06:00:00.000Z", hosts=(result("tie-gw1", "differs"),))
    assert pages("alvkarleby", DRIFT_RUN, of_others) == pages("alvkarleby", DRIFT_RUN)
    assert pages(ALL, DRIFT_RUN, of_others) != pages(ALL, DRIFT_RUN)


def test_hosts_stand_in_swedish_order_of_municipalities() -> None:
    order = rows(pages(ALL, DRIFT_RUN)["index.html"])
    assert order == ["tie-dns1", "tie-gw1", "tie-new1", "tie-sw1", "alv-gw1", "ost-gw1", "ost-old1"]


def test_a_finding_stands_with_since_when_on_its_own_page_on_its_hosts_and_on_no_other() -> None:
    made = pages("alvkarleby", DRIFT_RUN)
    since = '<time datetime="2026-11-23T22:10:00.000Z">2026-11-23 23:10 CET</time>'
    for path in ("findings.html", "index.html", "hosts/alv-gw1.html", "en/findings.html"):
        assert since in made[path], path
    assert DRIFT.fingerprint in made["hosts/alv-gw1.html"]
    assert since not in pages("tierp", DRIFT_RUN)["hosts/tie-gw1.html"]


def test_a_hosts_page_says_who_changed_it_why_and_what_looked_at_it() -> None:
    page = pages("alvkarleby", DRIFT_RUN, CHANGE)["hosts/alv-gw1.html"]
    assert "eva@" in page
    assert "ärende 17" in page
    looks = page[page.index('id="looks"') :]
    assert looks.index(DRIFT_RUN.id) < looks.index("apply-1")


def test_of_many_runs_a_hosts_page_has_the_newest_and_the_history_all() -> None:
    runs = [
        record(id=f"run-{n}", started=f"2026-11-{n:02}T06:00:00.000Z", hosts=(result("alv-gw1", "in sync"),))
        for n in range(1, LOOKS + 4)
    ]
    made = pages("alvkarleby", *runs)
    on_page = re.findall(r"<code>(run-\d+)</code></small>", made["hosts/alv-gw1.html"])
    assert on_page == [f"run-{n}" for n in range(LOOKS + 3, 3, -1)]
    assert len(re.findall(r"<code>run-\d+</code></td>", made["history.html"])) == LOOKS + 3


def test_nothing_is_said_of_a_host_that_nobody_looked_at_but_that() -> None:
    made = pages("osthammar")
    assert "Ingen körning är registrerad." in made["index.html"]
    assert "Inget är granskat, så inget är funnet." in made["findings.html"]
    assert "Inga körningar är registrerade." in made["hosts/ost-gw1.html"]


def test_each_language_is_one_and_leads_to_the_other() -> None:
    made = pages("alvkarleby", DRIFT_RUN)
    swedish, english = made["hosts/alv-gw1.html"], made["en/hosts/alv-gw1.html"]
    assert '<html lang="sv">' in swedish
    assert '<html lang="en">' in english
    assert "../en/hosts/alv-gw1.html" in Read(swedish).links
    assert "../../hosts/alv-gw1.html" in Read(english).links
    assert "Inga öppna" not in english
    assert "How it stands" not in swedish


def test_whatever_a_host_is_called_its_page_stands_below_hosts() -> None:
    assert page_of_host("heb-gw1") == "hosts/heb-gw1.html"
    for name in ("../../etc/passwd", "HEB-GW1", "a b", "", "index.html", "\udcff", "heb-gw1.", "0-x"):
        assert re.fullmatch(r"hosts/0-[0-9a-f]{24}\.html", page_of_host(name))
    assert page_of_host("a b") != page_of_host("A b")


def test_nothing_that_a_host_or_a_person_says_is_obeyed() -> None:
    run = record(
        who=HOSTILE,
        reason=HOSTILE,
        hosts=(result("alv-gw1", "unknown", detail=HOSTILE),),
        findings=(DRIFT.model_copy(update={"step": HOSTILE, "role": HOSTILE}),),
    )
    described = host("alv-x", "alvkarleby", "alv", "10.59.0.69", description=HOSTILE)
    made = pages("alvkarleby", run, fleet=FLEET.model_copy(update={"hosts": (*FLEET.hosts, described)}))
    for path in (p for p in made if p.endswith(".html")):
        assert "<script>" not in made[path], path
        assert "\u202e" not in made[path], path
    assert "&lt;script&gt;" in made["history.html"]


def test_findings_are_sorted_by_how_serious_they_are_by_number_and_not_by_word() -> None:
    made = pages("alvkarleby", DRIFT_RUN)["findings.html"]
    assert DRIFT.severity is Severity.HIGH
    numbers = [int(n) for n in re.findall(r'data-by="(\d+)"', made)]
    assert numbers
    assert min(numbers) == numbers[0]


def test_readers_are_the_municipalities_with_hosts_and_operations() -> None:
    by_reader = readers(FLEET.model_copy(update={"tenants": (*FLEET.tenants, Tenant(slug="heby", name="Heby"))}))
    assert [*by_reader] == [ALL, "alvkarleby", "osthammar", "tierp"]
    assert by_reader[ALL] == FLEET.hosts
    assert [h.name for h in by_reader["alvkarleby"]] == ["alv-gw1"]


def test_a_municipality_that_is_called_all_has_no_pages_of_everybodys() -> None:
    named = FLEET.model_copy(update={"hosts": (host("x", ALL, "tie", "10.60.10.77"),)})
    with pytest.raises(SamdriftError, match="means all of them"):
        readers(named)


def test_the_moment_of_pages_is_the_end_of_the_newest_run_on_a_readers_hosts() -> None:
    assert latest_of((), FLEET.hosts, MADE_AT) == MADE_AT
