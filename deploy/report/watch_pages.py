"""Make the watch's pages for one reader: relative path to bytes. Pure: the same records make the same bytes.

The state now, every host, what was found since when, the history, and the report itself, in Swedish and, below `en/`,
in English. They are parts of the report's page (`assets/report_parts.html`) and say nothing that is not in the
reader's own report or of runs on his hosts. Search and sort are a little script's; without it all is there to read.
Not here: what they say (`report.watched`), how they are put in place (`report.published`), and who may read them (role
`watch_pages`).
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, TypeVar, get_args

from deploy.model.findings import Severity
from deploy.model.words import Language
from deploy.report.bundle import DATA, EVIDENCE, PAGE, SUMS, Evidence, as_json, sums_of
from deploy.report.document import HostState, State
from deploy.report.forms import tables_of
from deploy.report.page import ASSETS, environment, html, words_of
from deploy.report.scope import swedish
from deploy.report.watched import Ran, Watched

STALE_HOURS = 26
"""A page of an older state says so, where scripts run: a scan each day, and two hours for it."""

LOOKS = 15
"""So many runs on a host stand on its page; the history has all."""

SIMPLE = re.compile(r"[a-z][a-z0-9-]{0,62}")
PAGES = ("index.html", "findings.html", "history.html", "reports.html")
LANGUAGES: tuple[Language, ...] = get_args(Language)

T = TypeVar("T")


def pages_of(watched: Watched, evidence: Evidence) -> dict[str, bytes]:
    """Return all files of a reader, by where they stand below his directory.

    Args:
        evidence: of which records the report is made.
    """
    files = {
        "watch.css": b"\n".join((ASSETS / name).read_bytes() for name in ("report.css", "watch.css")),
        "watch.js": (ASSETS / "watch.js").read_bytes(),
    }
    documents = {DATA: as_json(watched.report), EVIDENCE: as_json(evidence)}
    for language in LANGUAGES:
        files |= {_at(language, path): data for path, data in _Writer(watched, language).files()}
        files |= {_at(language, f"report/{name}"): data for name, data in _report(watched, language, documents).items()}
    return files


def page_of_host(name: str) -> str:
    """Return where a host's page stands. A name that is no plain one is a digest there: it never leads elsewhere."""
    plain = name if SIMPLE.fullmatch(name) else f"0-{hashlib.sha256(name.encode(errors='replace')).hexdigest()[:24]}"
    return f"hosts/{plain}.html"


def _at(language: Language, path: str) -> str:
    return path if language == "sv" else f"{language}/{path}"


def _report(watched: Watched, language: Language, documents: Mapping[str, bytes]) -> dict[str, bytes]:
    """Return the report as it is handed over, but for a signature, which a person makes.

    Args:
        documents: what of it is the same in every language.
    """
    report = watched.report
    page = html(report, language).encode(errors="surrogatepass")
    files = {PAGE: page, **documents, **tables_of(report, language)}
    return files | {SUMS: sums_of(files).encode()}


class _Writer:
    """Writes a reader's pages in one language."""

    def __init__(self, watched: Watched, language: Language) -> None:
        self.report, self.runs, self.language = watched.report, watched.runs, language
        self._words = words_of(self.report, language, {})
        self._places = {h.name: page_of_host(h.name) for h in self.report.hosts}
        period = self.report.period
        self._findings = _by_host(self.report.findings, lambda f: f.host)
        self._accepted = _by_host(self.report.accepted, lambda f: f.host)
        self._changes = _by_host(period.changes if period else (), lambda c: c.host)
        self._troubles = _by_host(period.troubles if period else (), lambda t: t.finding.host)
        self._runs = defaultdict[str, list[Ran]](list)
        for run in self.runs:
            for host in run.outcomes:
                self._runs[host].append(run)

    def files(self) -> Iterator[tuple[str, bytes]]:
        """Yield the pages, each with its path below the language's directory."""
        called = self._words["municipality"]
        hosts = sorted(self.report.hosts, key=lambda h: (swedish(called[h.municipality]), swedish(h.name)))
        since = {host: min(f.first_seen or self.report.at for f in found) for host, found in self._findings.items()}
        for path in PAGES:
            yield path, self._page(path, path, hosts=hosts, since=since)
        for host in hosts:
            yield self._places[host.name], self._page(self._places[host.name], "host.html", **self._of(host))

    def _of(self, host: HostState) -> dict[str, Any]:
        """Return what the page of a host says beside how it stood."""
        period = self.report.period
        own = {"changes": tuple(self._changes[host.name]), "troubles": tuple(self._troubles[host.name])}
        return {
            "host": host,
            "findings": self._findings[host.name],
            "accepted": self._accepted[host.name],
            "period": period.model_copy(update=own) if period else None,
            "looks": self._runs[host.name][:LOOKS],
        }

    def _page(self, path: str, template: str, **more: Any) -> bytes:
        """Write a page. Its links are relative: it does not matter where the reader's directory stands."""
        base = "../" * path.count("/")
        root = base if self.language == "sv" else f"../{base}"
        in_other = _at("en" if self.language == "sv" else "sv", path)
        words = self._words | {"place_of": {name: base + place for name, place in self._places.items()}.get}
        page = environment().get_template(f"watch_{template}")
        text = page.render(
            **words,
            path=path,
            base=base,
            root=root,
            other=root + in_other,
            runs=self.runs,
            stale_hours=STALE_HOURS,
            order=_order,
            outcomes=lambda run: Counter(run.outcomes.values()).most_common(),
            **more,
        )
        return text.encode(errors="surrogatepass")


def _by_host(some: Iterable[T], host_of: Callable[[T], str]) -> defaultdict[str, list[T]]:
    found = defaultdict[str, list[T]](list)
    for one in some:
        found[host_of(one)].append(one)
    return found


def _order(value: State | Severity) -> int:
    """Return the place of a state or a severity, the most serious first, by which its column is sorted."""
    in_order = [*State, *reversed(Severity)]
    return in_order.index(value)
