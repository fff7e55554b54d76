"""The report: what auditors read, as one page and one JSON document.

The page is a single file that needs nothing else: no script, no font, no network. Its template and style stand in
`assets/` beside this module, and not among the roles' templates: how a report looks is no part of what was planned.
What the report says is decided in `report.content`; here it is only worded and written. Swedish first, English beside
it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path

import jinja2
from markupsafe import Markup

from deploy.model.findings import Exit, Kind, Severity
from deploy.model.record import Check
from deploy.model.text import safe
from deploy.report.content import HostState, Report, State, Totals, Why, latest_check, latest_look, situation
from deploy.report.picture import picture
from inventory.errors import SamdriftError
from inventory.fleet import Frozen
from inventory.whole_file import put_in_place

__all__ = ["Report", "ReportError", "html", "latest_check", "latest_look", "situation", "verdict", "write"]

ASSETS = Path(__file__).resolve().parent / "assets"

Words = Mapping[str, tuple[str, str]]
"""Something of samdrift's to how it is called in Swedish and in English."""

WORDS: Words = {
    State.IN_SYNC: ("som den ska", "in sync"),
    State.DIFFERS: ("avviker", "differs"),
    State.FAILED: ("underkänd kontroll", "failed check"),
    State.UNKNOWN: ("okänd", "unknown"),
    State.NOT_LOOKED_AT: ("inte granskad", "not looked at"),
    Why.NO_RUN: ("Ingen körning är registrerad", "no run is recorded"),
    Why.NOT_ACTIVE: ("Inte i drift enligt inventariet", "not in operation, says the inventory"),
    Why.NO_ROLES: ("Sköts ännu inte av samdrift: inga roller i inventariet", "not yet samdrift's: no roles"),
    Why.OUTSIDE: ("Utanför körningens urval", "outside what the run was limited to"),
    Why.SKIPPED: ("Överhoppad: en tidigare våg misslyckades", "skipped: an earlier wave failed"),
    Severity.HIGH: ("hög", "high"),
    Severity.MEDIUM: ("medel", "medium"),
    Severity.LOW: ("låg", "low"),
}

KINDS: Words = {
    Kind.DRIFT: ("ändrad på plats", "drift"),
    Kind.PENDING: ("beslutad, inte införd", "pending"),
    Kind.CONFLICT: ("ändrad på två håll", "conflict"),
    Kind.MISSING: ("borta", "missing"),
    Kind.UNMANAGED: ("främmande", "unmanaged"),
    Kind.UNKNOWN: ("okänd", "unknown"),
    Kind.FAILED_CHECK: ("underkänd kontroll", "failed check"),
    Kind.FAILED_STEP: ("misslyckad ändring", "failed step"),
    Kind.STALE: ("inaktuell plan", "stale"),
    Kind.ROLLED_BACK: ("återställd", "rolled back"),
    Kind.ARMED: ("obekräftad ändring", "unconfirmed"),
    Kind.UNSOUND: ("fel i inventariet", "unsound inventory"),
}

IN_SWEDISH: Mapping[Kind, tuple[str, str]] = {
    Kind.DRIFT: (
        "Ändrat på plats sedan samdrift senast införde det.",
        "Inför det beslutade igen. Var ändringen riktig ska den i stället in i NetBox eller i rollen.",
    ),
    Kind.PENDING: (
        "Inte så som det är beslutat.",
        "Se efter vad som skiljer, och genomför ändringen om inget hindrar den.",
    ),
    Kind.CONFLICT: (
        "Ändrat både på plats och i beslutet sedan samdrift senast införde det.",
        "Ta reda på vem som ändrade och varför, innan beslutet genomförs och skriver över det.",
    ),
    Kind.MISSING: (
        "Det som infördes finns inte kvar.",
        "Inför det igen. Ska det vara borta ska det tas ut ur rollen.",
    ),
    Kind.UNMANAGED: (
        "En fil, eller en del av en nätutrustnings konfiguration, som ingen har beslutat om.",
        "Ta in den i rollen, eller ta bort den på plats.",
    ),
    Kind.UNKNOWN: (
        "Gick inte att granska, eller inte att granska klart: läget är inte känt.",
        "Se till att den kan nås, och granska den igen.",
    ),
    Kind.FAILED_CHECK: ("Klarade inte en kontroll av hur den fungerar.", "Logga in och ta reda på varför."),
    Kind.FAILED_STEP: (
        "En körning som skulle ändra blev inte färdig.",
        "Rätta orsaken, se efter vad som återstår och kör igen.",
    ),
    Kind.STALE: (
        "Har ändrats sedan planen gjordes, så ingenting har införts.",
        "Gör en ny plan, och läs den innan den genomförs.",
    ),
    Kind.ROLLED_BACK: (
        "En ändring höll inte, och har återställts av den som den gällde.",
        "Rätta orsaken, läs en ny plan och gör om ändringen.",
    ),
    Kind.ARMED: (
        "En tidigare körnings ändring är inte bekräftad, och återställs inom kort.",
        "Vänta tills den är återställd, och granska igen.",
    ),
    Kind.UNSOUND: ("Något är fel i inventariet, i en roll eller i en mall.", "Rätta det där det står."),
}
"""What each kind of finding means, and what to do about it, whichever command found it. The finding itself says both
in full, in English.
"""

OUTCOMES: Words = {
    "in sync": ("som de ska", "in sync"),
    "changed": ("ändrade", "changed"),
    "differs": ("avviker", "differ"),
    "failed": ("misslyckade", "failed"),
    "rolled back": ("återställda", "rolled back"),
    "stale": ("inaktuella", "stale"),
    "unknown": ("okända", "unknown"),
    "skipped": ("överhoppade", "skipped"),
}

EXITS: Mapping[int, tuple[str, str]] = {
    Exit.OK: ("allt väl", "all well"),
    Exit.ERROR: ("fel", "error"),
    Exit.DIFFERENCES: ("avvikelser", "differences"),
    Exit.INCOMPLETE: ("ofullständig", "incomplete"),
    Exit.LOCKED: ("låst", "locked"),
    Exit.STALE: ("inaktuell plan", "stale plan"),
    Exit.ROLLED_BACK: ("återställd", "rolled back"),
    Exit.VERIFY_FAILED: ("underkänd efter ändring", "failed after a change"),
    Exit.USAGE: ("fel användning", "wrong usage"),
}

CONTROLS: Words = {
    "ISO 27002:2022 5.15": ("Åtkomstkontroll", "Access control"),
    "ISO 27002:2022 5.18": ("Åtkomsträttigheter", "Access rights"),
    "ISO 27002:2022 8.2": ("Privilegierade åtkomsträttigheter", "Privileged access rights"),
    "ISO 27002:2022 8.5": ("Säker autentisering", "Secure authentication"),
    "ISO 27002:2022 8.6": ("Kapacitetshantering", "Capacity management"),
    "ISO 27002:2022 8.8": ("Hantering av tekniska sårbarheter", "Technical vulnerabilities"),
    "ISO 27002:2022 8.9": ("Konfigurationshantering", "Configuration management"),
    "ISO 27002:2022 8.15": ("Loggning", "Logging"),
    "ISO 27002:2022 8.16": ("Övervakningsaktiviteter", "Monitoring activities"),
    "ISO 27002:2022 8.17": ("Klocksynkronisering", "Clock synchronisation"),
    "ISO 27002:2022 8.19": ("Installation av program", "Installation of software"),
    "ISO 27002:2022 8.20": ("Nätverkssäkerhet", "Network security"),
    "ISO 27002:2022 8.21": ("Nätverkstjänsternas säkerhet", "Security of network services"),
    "ISO 27002:2022 8.22": ("Separation av nätverk", "Segregation of networks"),
}


class Verdict(Frozen):
    """The whole in a sentence or two."""

    swedish: str
    english: str

    def and_of(self, problems: int) -> Verdict:
        """The same, and so many problems in the inventory."""
        if not problems:
            return self
        return Verdict(
            swedish=f"{self.swedish} Inventariet har {problems} fel.",
            english=f"{self.english} The inventory has {problems} {'problem' if problems == 1 else 'problems'}.",
        )


class ReportError(SamdriftError):
    """The report cannot be written."""


def html(report: Report) -> str:
    """The page: everything that the report says, with a picture of the whole at its top."""
    template = _environment().get_template("report.html")
    return template.render(
        report=report,
        verdict=verdict(report),
        picture=picture(report.places, report.links, report.hosts),
        not_looked_at=_by_reason(report.hosts),
        not_applicable=_not_applicable(report.hosts),
        municipality={m.slug: m.name for m in report.municipalities},
        site={p.slug: p.name for p in report.places},
        number={h.name: n for n, h in enumerate(report.hosts, 1)},
        words=WORDS,
        kinds=KINDS,
        in_swedish=IN_SWEDISH,
        outcomes=OUTCOMES,
        exits=EXITS,
        control_titles=CONTROLS,
        State=State,
        Severity=Severity,
    )


def verdict(report: Report) -> Verdict:
    """What the report comes to: first what is wrong, then what nobody knows, then what the inventory has wrong."""
    return _verdict(report.totals).and_of(len(report.checked.findings) if report.checked else 0)


def _verdict(totals: Totals) -> Verdict:
    seen = totals.in_sync + totals.differs + totals.failed
    wrong = totals.differs + totals.failed
    if not seen and not totals.unknown:
        return Verdict(swedish="Ingen värd har granskats.", english="No host has been looked at.")
    if not seen:
        return Verdict(swedish="Ingen värd kunde nås.", english="No host could be reached.")
    if wrong:
        swedish = f"{wrong} av {seen} granskade värdar är inte som {'den' if wrong == 1 else 'de'} ska"
        english = f"{wrong} of {seen} hosts looked at {'is' if wrong == 1 else 'are'} not as they should be"
    elif seen == 1:
        swedish, english = "Den granskade värden är som den ska", "The one host looked at is as it should be"
    else:
        swedish, english = f"Alla {seen} granskade värdar är som de ska", f"All {seen} hosts looked at are in sync"
    if totals.unknown:
        swedish += f"; {totals.unknown} kunde inte nås"
        english += f"; {totals.unknown} could not be reached"
    return Verdict(swedish=f"{swedish}.", english=f"{english}.")


def write(report: Report, directory: Path) -> tuple[Path, Path]:
    """Write `report.html` and `report.json` into a directory, each whole or not at all; where they are.

    Raises:
        ReportError: the directory cannot be written.
    """
    page, document = directory / "report.html", directory / "report.json"
    value = json.dumps(report.model_dump(mode="json"), ensure_ascii=False, indent=1)
    try:
        directory.mkdir(parents=True, exist_ok=True)
        for path, text in ((page, html(report)), (document, value + "\n")):
            put_in_place(path, text.encode(), mode=0o644, durable=False)
    except OSError as e:
        raise ReportError(
            f"cannot write the report: {e.strerror}", where=str(directory), fix="choose another --out"
        ) from e
    return page, document


def _by_reason(hosts: Iterable[HostState]) -> dict[Why, list[HostState]]:
    """The hosts that nobody looked at, by why."""
    reasons: dict[Why, list[HostState]] = {}
    for host in hosts:
        if host.why:
            reasons.setdefault(host.why, []).append(host)
    return dict(sorted(reasons.items(), key=lambda item: list(Why).index(item[0])))


def _not_applicable(hosts: Iterable[HostState]) -> dict[tuple[str, str, str], list[Check]]:
    """The checks that could not apply, with the hosts where, by role, name and reason."""
    reasons: dict[tuple[str, str, str], list[Check]] = {}
    for check in (c for h in hosts for r in h.roles for c in r.checks if c.outcome == "not applicable"):
        reasons.setdefault((check.role, check.name, check.detail), []).append(check)
    return dict(sorted(reasons.items()))


@cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(ASSETS, encoding="utf-8"),
        undefined=jinja2.StrictUndefined,
        autoescape=True,
        finalize=_visible,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(moment=_moment, short=_short, diff=_diff)
    return environment


def _visible(value: object) -> object:
    """Invisible and text-turning characters show as escapes; everything is escaped for HTML after this."""
    return safe(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _moment(iso: str) -> str:
    """`2026-11-23 22:31 UTC`."""
    return f"{iso[:10]} {iso[11:16]} UTC" if len(iso) >= 16 else iso


def _short(digest: str) -> str:
    """The first twelve digits of a digest."""
    return digest[:12]


def _diff(text: str) -> list[tuple[str, str]]:
    """The lines of a diff, each with what it is: taken away, added, about the diff, or plain."""
    classes = {"+++": "head", "---": "head", "@@": "head", "+": "new", "-": "old"}
    return [(next((c for start, c in classes.items() if s.startswith(start)), ""), s) for s in text.splitlines()]
