"""The watch's pages in a real browser: for everybody, on a phone too; sought and sorted by a script, read without."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from deploy.model.waived import Waived
from inventory.organisation import ALL
from tests.browser import Page
from tests.unit.deploy.report.test_accessible import BROKEN_NUMBERS, DESK, PHONE, judged, page  # noqa: F401  a fixture
from tests.unit.deploy.report.test_report import DRIFT, DRIFT_RUN, FLEET, MADE_AT, TODAY, check, record, result, unsound
from tests.unit.deploy.report.watched import pages_for

PAGES = (
    "all/index.html",
    "all/findings.html",
    "all/history.html",
    "all/reports.html",
    "all/hosts/alv-gw1.html",
    "all/hosts/ost-gw1.html",
    "all/hosts/tie-sw1.html",
    "all/en/index.html",
    "all/en/findings.html",
    "all/en/history.html",
    "all/en/reports.html",
    "all/en/hosts/alv-gw1.html",
    "alvkarleby/index.html",
    "nothing/index.html",
    "nothing/en/findings.html",
    "nothing/history.html",
)
NAMES = "[...document.querySelectorAll('table.sought tbody tr')].filter(r => !r.hidden).map(r => r.cells[0].innerText)"
SORT = "document.querySelector('table.sought thead th:nth-child({}) button').click()"
SEEK = """(() => {{ const field = document.querySelector('input[type=search]');
  field.value = {!r}; field.dispatchEvent(new Event('input')); }})()"""


def made() -> dict[str, bytes]:
    """The pages of operations and of a municipality with everything in them, and of one with nothing."""
    waived = Waived(name="w", owner="eva", reason="flytten", until="2027-01-30", standing="accepted")
    accepted = DRIFT.model_copy(update={"waived": waived, "step": "file /etc/other"})
    change = record(
        id="apply-1",
        command="apply",
        started="2026-11-21T06:00:00.000Z",
        hosts=(result("tie-gw1", "changed"), result("alv-gw1", "changed")),
        checks=(check("it runs", "tie-gw1", "firewall"),),
    )
    runs = [DRIFT_RUN.model_copy(update={"findings": (*DRIFT_RUN.findings, accepted)}), change]
    found = record(command="check", findings=(unsound("asn", "tierp"),))
    shared = tuple(h.model_copy(update={"tags": ("shared",)}) if h.name == "tie-dns1" else h for h in FLEET.hosts)
    fleet = FLEET.model_copy(update={"hosts": shared})
    more: dict[str, Any] = {"since": "2026-11-01T00:00:00.000Z", "otherwise": MADE_AT, "today": TODAY}
    return {
        **{f"all/{path}": data for path, data in pages_for(ALL, fleet, runs, check=found, **more).items()},
        **{f"alvkarleby/{path}": data for path, data in pages_for("alvkarleby", fleet, runs, **more).items()},
        **{f"nothing/{path}": data for path, data in pages_for("osthammar", FLEET, [], **more).items()},
    }


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The pages, served as any web server serves them; yields their address."""
    directory = tmp_path_factory.mktemp("pages")
    for path, data in made().items():
        file = directory / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
    command = [sys.executable, "-u", "-m", "http.server", "--bind", "127.0.0.1", "--directory", str(directory), "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as server:
        assert server.stdout
        port = re.search(r"port (\d+)", server.stdout.readline())
        assert port
        yield f"http://127.0.0.1:{port[1]}"
        server.terminate()


@pytest.mark.parametrize("path", PAGES)
def test_a_page_is_for_everybody_and_fits_a_phone(path: str, site: str, page: Page) -> None:  # noqa: F811
    for width in (PHONE, DESK):
        page.resize(width)
        page.go(f"{site}/{path}")
        told = judged(page)
        assert told["violations"] == []
        assert told["passed"] > 10, "that nothing was asked is no pass"
        assert page.ask("document.documentElement.scrollWidth") <= width
        assert page.ask(BROKEN_NUMBERS) == []


def test_a_page_is_styled_and_its_script_runs_though_neither_stands_in_it(site: str, page: Page) -> None:  # noqa: F811
    page.go(f"{site}/all/en/hosts/alv-gw1.html")
    assert page.ask("getComputedStyle(document.querySelector('.pages')).display") == "flex"
    page.go(f"{site}/all/index.html")
    assert page.ask("document.querySelectorAll('table.sought thead button').length") == 8


def test_a_script_that_somebody_put_in_a_page_would_not_run(site: str, page: Page) -> None:  # noqa: F811
    page.go(f"{site}/all/index.html")
    page.ask("""(() => { const s = document.createElement('script'); s.textContent = 'window.ran = 1';
        document.body.append(s); document.body.insertAdjacentHTML('beforeend', '<img src=x onerror="window.ran = 1">');
    })()""")
    assert page.ask("window.ran") is None


def test_what_is_sought_stays_and_is_counted_and_nothing_is_lost(site: str, page: Page) -> None:  # noqa: F811
    page.go(f"{site}/all/index.html")
    everything = page.ask(NAMES)
    page.ask(SEEK.format("ÖSTHAMMAR gw"))
    assert page.ask(NAMES) == ["ost-gw1"]
    assert page.ask("document.querySelector('.seek [role=status]').innerText") == "1 av 7 visas"
    assert judged(page)["violations"] == []
    page.ask(SEEK.format("finns inte"))
    assert page.ask(NAMES) == []
    page.ask(SEEK.format(""))
    assert page.ask(NAMES) == everything
    assert page.ask("document.querySelector('.seek [role=status]').innerText") == ""


def test_municipalities_sort_as_in_swedish_and_back(site: str, page: Page) -> None:  # noqa: F811
    page.go(f"{site}/all/index.html")
    column = "[...document.querySelectorAll('table.sought tbody tr')].map(r => r.cells[5].innerText)"
    page.ask(SORT.format(6))
    assert list(dict.fromkeys(page.ask(column))) == ["Tierp", "Älvkarleby", "Östhammar"]
    assert page.ask("document.querySelector('thead th:nth-child(6)').getAttribute('aria-sort')") is None
    sought = "document.querySelector('table.sought thead th:nth-child(6)').getAttribute('aria-sort')"
    assert page.ask(sought) == "ascending"
    page.ask(SORT.format(6))
    assert list(dict.fromkeys(page.ask(column))) == ["Östhammar", "Älvkarleby", "Tierp"]
    assert page.ask(sought) == "descending"
    assert judged(page)["violations"] == []


def test_states_sort_by_how_serious_they_are_and_numbers_by_their_value(site: str, page: Page) -> None:  # noqa: F811
    page.go(f"{site}/all/index.html")
    page.ask(SORT.format(2))
    assert page.ask(NAMES)[0] == "ost-gw1", "unknown comes first"
    by = "[...document.querySelectorAll('table.sought tbody tr')].map(r => Number(r.cells[2].innerText))"
    page.ask(SORT.format(3))
    numbers = page.ask(by)
    assert numbers == sorted(numbers)


def test_a_page_that_nobody_has_written_for_a_day_says_so_and_a_new_one_does_not(site: str, page: Page) -> None:  # noqa: F811
    page.go(f"{site}/all/index.html")
    notice = "document.querySelector('[data-stale-hours]').hidden"
    later = "Date.parse(document.querySelector('[data-stale-hours]').dataset.at) + {} * 3600000"
    for hours, hidden in ((25, True), (27, False)):
        moment = page.ask(later.format(hours))
        told = page.tell("Page.addScriptToEvaluateOnNewDocument", source=f"Date.now = () => {moment}")
        page.go(f"{site}/all/index.html")
        assert page.ask(notice) is hidden
        page.tell("Page.removeScriptToEvaluateOnNewDocument", identifier=told["identifier"])


def test_without_a_script_everything_is_there_and_nothing_that_does_nothing(site: str, page: Page) -> None:  # noqa: F811
    page.tell("Emulation.setScriptExecutionDisabled", value=True)
    try:
        page.go(f"{site}/all/index.html")
        shown = page.ask("document.body.innerText")
        assert all(h.name in shown for h in FLEET.hosts)
        assert page.ask("document.querySelectorAll('button, input').length") == 0
    finally:
        page.tell("Emulation.setScriptExecutionDisabled", value=False)
