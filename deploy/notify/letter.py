"""Put a notice in words: an e-mail in a municipality's language, and the JSON of a webhook. Pure."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime as for_header
from typing import Any, Literal

from babel.dates import format_datetime

from deploy.model.text import inline
from deploy.model.words import name
from deploy.notify.transitions import CHANGES, Change, Transition
from inventory.frozen import Frozen
from inventory.organisation import TIME_ZONE

Language = Literal["sv", "en"]

HEADINGS: dict[Change, tuple[str, str]] = {
    "new": ("Nytt", "New"),
    "changed": ("Ändrat", "Changed"),
    "gone": ("Borta", "Gone"),
    "accepted": ("Godtaget av ett undantag", "Accepted by a waiver"),
}
COUNTED: dict[Change, tuple[str, str]] = {
    "new": ("{n} nya", "{n} new"),
    "changed": ("{n} ändrade", "{n} changed"),
    "gone": ("{n} borta", "{n} gone"),
    "accepted": ("{n} godtagna", "{n} accepted"),
}
WORDS = {
    "scan": ("Genomsökningen {when} ({zone}) fann detta.", "The scan of {when} ({zone}) found this."),
    "since": ("sedan {when}", "since {when}"),
    "more": ("Allt, med vad som visar det: samdrift history {record}", "All of it, with what shows it: {command}"),
    "lost": (
        "Om detta meddelande kom fram är inte känt: det om körningen {record}.",
        "Whether this message arrived is not known: the one about run {record}.",
    ),
}
MOST = 200
"""Findings that one message names; that there are more is said."""


class Notice(Frozen):
    """What changed on a municipality's hosts, told once.

    Attributes:
        id: the same for the same notice, whoever is told.
        lost: records of notices of which it is not known whether they arrived.
    """

    id: str
    municipality: str
    called: str
    record: str
    at: datetime
    transitions: tuple[Transition, ...]
    lost: tuple[str, ...] = ()

    def subject(self, language: Language) -> str:
        """Return in a line how many findings changed in which way, the municipality first."""
        counted = Counter(t.change for t in self.transitions)
        parts = [_in(language, COUNTED[c]).format(n=counted[c]) for c in CHANGES if counted[c]]
        return inline(f"[samdrift] {self.called}: {', '.join(parts)}")

    def text(self, language: Language) -> str:
        """Return the text of a message."""
        zone = "svensk tid" if language == "sv" else "Swedish time"
        lines = [_in(language, WORDS["scan"]).format(when=_when(self.at, language), zone=zone)]
        lines += [_in(language, WORDS["lost"]).format(record=record) for record in self.lost]
        for change in CHANGES:
            some = [t for t in self.transitions if t.change == change]
            if some:
                lines += ["", f"{_in(language, HEADINGS[change])} ({len(some)})"]
                lines += [_line(t, language) for t in some[:MOST]]
                lines += [f"  … +{len(some) - MOST}"] if len(some) > MOST else []
        command = f"samdrift history {self.record}"
        return "\n".join([*lines, "", _in(language, WORDS["more"]).format(record=self.record, command=command), ""])

    def as_email(self, sender: str, to: str, language: Language) -> bytes:
        """Return the message as SMTP sends it. It answers nobody's, and asks for no automatic answer (RFC 3834)."""
        message = EmailMessage(policy=SMTP)
        message["From"], message["To"] = sender, to
        message["Subject"] = self.subject(language)
        message["Date"] = for_header(self.at)
        message["Message-ID"] = f"<{self.id}.samdrift@{sender.rpartition('@')[2]}>"
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(self.text(language), charset="utf-8", cte="quoted-printable")
        return message.as_bytes()

    def as_json(self) -> dict[str, Any]:
        """Return what a webhook is sent."""
        return {
            "version": 1,
            "id": self.id,
            "municipality": self.municipality,
            "record": self.record,
            "at": self.at.isoformat(),
            "text": f"{self.subject('sv')}\n{self.text('sv')}",
            "lost": list(self.lost),
            "transitions": [
                {
                    "change": t.change,
                    "fingerprint": t.fingerprint,
                    **t.finding.model_dump(mode="json", exclude={"content"}),
                }
                for t in self.transitions
            ],
        }


def _line(transition: Transition, language: Language) -> str:
    finding = transition.finding
    place = ", ".join(filter(None, (finding.host, finding.role)))
    kind, severity = name("kind", finding.kind, language), name("severity", finding.severity, language)
    what = finding.swedish if language == "sv" else finding.english
    known = ""
    if finding.first_seen and transition.change != "new":
        when = _when(datetime.fromisoformat(finding.first_seen), language)
        known = f", {_in(language, WORDS['since']).format(when=when)}"
    return f"- {f'{place}: ' if place else ''}{what} ({kind}, {severity}{known})"


def _in(language: Language, pair: tuple[str, str]) -> str:
    return pair[0] if language == "sv" else pair[1]


def _when(at: datetime, language: Language) -> str:
    return format_datetime(at, "d MMMM y HH:mm", tzinfo=TIME_ZONE, locale=language)
