"""The report's words, Swedish and English: what findings say, states of hosts, and controls.

Not here: sentences of the page itself, which stand in its template (`assets/report.html`), and the catalogues of what
findings say and of names that the terminal uses, too (`model.words`).
"""

from __future__ import annotations

from collections.abc import Mapping

from deploy.model.findings import Finding, Kind
from deploy.model.messages import Message, MessageId
from deploy.model.words import Vocabulary, in_words, name
from deploy.report.document import State, Why

Pair = tuple[str, str]
"""The same in Swedish and in English."""

Words = Mapping[str, Pair]
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
}

CONTROL_TITLES: Words = {
    "ISO 27002:2022 5.9": ("Förteckning över information och tillgångar", "Inventory of information and assets"),
    "ISO 27002:2022 5.15": ("Åtkomstkontroll", "Access control"),
    "ISO 27002:2022 5.18": ("Åtkomsträttigheter", "Access rights"),
    "ISO 27002:2022 8.2": ("Privilegierade åtkomsträttigheter", "Privileged access rights"),
    "ISO 27002:2022 8.5": ("Säker autentisering", "Secure authentication"),
    "ISO 27002:2022 8.6": ("Kapacitetshantering", "Capacity management"),
    "ISO 27002:2022 8.8": ("Hantering av tekniska sårbarheter", "Technical vulnerabilities"),
    "ISO 27002:2022 8.9": ("Konfigurationshantering", "Configuration management"),
    "ISO 27002:2022 8.10": ("Radering av information", "Information deletion"),
    "ISO 27002:2022 8.13": ("Säkerhetskopiering av information", "Information backup"),
    "ISO 27002:2022 8.14": ("Redundans för informationsbehandlingsresurser", "Redundancy of facilities"),
    "ISO 27002:2022 8.15": ("Loggning", "Logging"),
    "ISO 27002:2022 8.16": ("Övervakningsaktiviteter", "Monitoring activities"),
    "ISO 27002:2022 8.17": ("Klocksynkronisering", "Clock synchronisation"),
    "ISO 27002:2022 8.19": ("Installation av program", "Installation of software"),
    "ISO 27002:2022 8.20": ("Nätverkssäkerhet", "Network security"),
    "ISO 27002:2022 8.21": ("Nätverkstjänsternas säkerhet", "Security of network services"),
    "ISO 27002:2022 8.22": ("Separation av nätverk", "Segregation of networks"),
    "ISO 27002:2022 8.23": ("Webbfiltrering", "Web filtering"),
    "ISO 27002:2022 8.24": ("Användning av kryptografi", "Use of cryptography"),
}


def called(of: Vocabulary, key: str) -> Pair:
    """Say what something is called in both languages."""
    return name(of, key, "sv"), name(of, key, "en")


def said(message: Message) -> Pair:
    """Say a message in both languages."""
    return in_words(message, "sv"), in_words(message, "en")


def summary(finding: Finding) -> Pair:
    """Say what was found."""
    return _said_of(finding.kind, finding.message, "meaning")


def remedy(finding: Finding) -> Pair | None:
    """Say what to do about it; None where nobody knows."""
    return _said_of(finding.kind, finding.advice, "remedy") if finding.advice else None


def failed_check(name_of_check: str) -> Pair:
    """Say that a check of the finding's role does not hold."""
    return said(MessageId.CHECK_OF_THE_ROLE_FAILED(check=name_of_check))


def _said_of(kind: Kind, message: Message, of: Vocabulary) -> Pair:
    """Say a message; where it has an English text alone, Swedish says what findings of this kind have in common."""
    if message.id is MessageId.AS_WRITTEN:
        return name(of, kind, "sv"), in_words(message, "en")
    return said(message)
