"""Write the tables of docs/audits.md between its markers, from what is kept."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial

from inventory.paths import CODE
from tests.audit.openscap import PROFILES
from tests.audit.results import Audits, HostAudit

PAGE = CODE / "docs" / "audits.md"
BEGIN, END = "<!-- figures: written by make audit -->", "<!-- end of figures -->"


def with_figures(page: str, audits: Audits, last: Audits | None = None) -> str:
    """Return the page with these figures in it, beside the last ones where those were others."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    tables = "\n".join(figures(audits, last))
    return f"{before}{BEGIN}\n{tables}\n{END}{after}"


def figures(audits: Audits, last: Audits | None) -> Iterator[str]:
    """Yield the lines of the tables: what is now, and in brackets what was last where that was other."""
    now = _everyone(audits)
    were = _everyone(last) if last else {}
    yield "\nBy " + ", ".join(f"{package} {version}" for package, version in sorted(audits.auditors.items())) + "."
    yield from _head(now)
    yield _row("host", lambda audit: audit.host, now, were)
    yield _row("Lynis", lambda audit: str(audit.lynis), now, were)
    yield _row("without what the container costs", lambda audit: str(audit.on_a_server), now, were)
    for profile, title in PROFILES.items():
        yield _row(title, partial(_share, profile), now, were)
    yield _row("most exposed service", _exposed, now, were)
    yield _row("failures of ssh-audit", lambda audit: str(len(audit.ssh)), now, were)
    yield _row("failures of sslscan", lambda audit: str(len(audit.tls)), now, were)
    yield _row("undeclared ports that answer", _ports, now, were)
    yield "\nPoints that Lynis does not give, by test:"
    yield from _head(now)
    for test in sorted({test for audit in now.values() for test in audit.lynis_lost}):
        yield _row(test, partial(_lost, test), now, were)


def _everyone(audits: Audits) -> dict[str, HostAudit]:
    return {"fresh": audits.fresh, **audits.kinds}


def _head(now: Mapping[str, HostAudit]) -> tuple[str, ...]:
    return ("", "| | " + " | ".join(now) + " |", "|---" * (len(now) + 1) + "|")


def _row(
    title: str, says: Callable[[HostAudit], str], now: Mapping[str, HostAudit], were: Mapping[str, HostAudit]
) -> str:
    cells = []
    for kind, audit in now.items():
        text, was = says(audit), says(were.get(kind, audit))
        cells.append(text if text == was else f"{text} (was {was or 'none'})")
    return f"| {title} | " + " | ".join(cells) + " |"


def _share(profile: str, audit: HostAudit) -> str:
    judged = audit.openscap[profile]
    return f"{judged.share:.0%} ({len(judged.failed)} fail)"


def _lost(test: str, audit: HostAudit) -> str:
    return str(audit.lynis_lost.get(test, ""))


def _exposed(audit: HostAudit) -> str:
    most = sorted((exposure, unit.removesuffix(".service")) for unit, exposure in audit.exposure.items())
    return f"{most[-1][1]} {most[-1][0]:.1f}" if most else ""


def _ports(audit: HostAudit) -> str:
    """A fresh host has no firewall, and none was promised."""
    if not audit.reached:
        return ""
    return ", ".join(sorted({port for ports in audit.reached.values() for port in ports})) or "none"
