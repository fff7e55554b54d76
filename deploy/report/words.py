"""The report's words, Swedish and English: states, kinds of findings, outcomes, exit codes.

Not here: titles of controls, which stand in the record (`model.record`), and sentences of the page itself, which stand
in its template (`assets/report.html`).
"""

from __future__ import annotations

from collections.abc import Mapping

from deploy.model.findings import Exit, Kind, Severity
from deploy.report.document import State, Why

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
