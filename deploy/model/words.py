"""Words: how a message, evidence and samdrift's own names read in a language. Text is made here and nowhere else.

The catalogues are gettext's, one file a language: `locales/<language>/LC_MESSAGES/samdrift.po`, in which a message's
msgid is its id, and a name (a kind, a severity …) stands in the context of what it is a name of.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from deploy.model.evidence import Commands, Diff, Error, Evidence, FailedCheck, Note
from deploy.model.messages import Message, MessageId

if TYPE_CHECKING:
    from babel.messages.catalog import Catalog

Language = Literal["en", "sv"]
Vocabulary = Literal["kind", "meaning", "remedy", "severity", "outcome", "exit"]
"""What the catalogues have names of; a `meaning` and a `remedy` are what findings of one kind have in common."""

LOCALES = Path(__file__).resolve().parent / "locales"


def in_words(message: Message, language: Language = "en") -> str:
    """Say a message. Its parameters are put in as they are: nothing in them is read as a placeholder."""
    return template(message.id, language).format_map({k: str(v) for k, v in message.parameters.items()})


def template(message: MessageId, language: Language = "en") -> str:
    """Look up the text of a message, with a placeholder for each of its parameters."""
    found = catalogue(language).get(message)
    if found is None or not found.string:
        raise KeyError(f"the catalogue of {language} does not have message {message}")
    return str(found.string)


def name(of: Vocabulary, key: str, language: Language = "en") -> str:
    """Say what something of samdrift's is called; empty where the catalogue has no name for it."""
    found = catalogue(language).get(key, of)
    return str(found.string) if found else ""


def evidence_in_words(evidence: Evidence, language: Language = "en") -> str:
    """Say evidence as plain text, for those who cannot show it by its type."""
    match evidence:
        case Diff() | Error():
            return evidence.text
        case Commands():
            return "\n".join(f"$ {line}" for line in evidence.lines)
        case FailedCheck():
            title = in_words(MessageId.CHECK_OF_THE_ROLE_FAILED(check=evidence.name), language)
            return f"{title}\n{evidence.detail}".rstrip()
        case Note():
            return in_words(evidence.message, language)


@cache
def catalogue(language: Language) -> Catalog:
    """Read a language's catalogue."""
    from babel.messages.pofile import read_po  # noqa: PLC0415  a tenth of a second, which `hosts` and --help need not

    with (LOCALES / language / "LC_MESSAGES" / "samdrift.po").open("rb") as file:
        return read_po(file, locale=language, abort_invalid=True)
