"""The report's words, Swedish and English: what findings say, and states of hosts.

Not here: titles of controls, which stand in the record (`model.record`), sentences of the page itself, which stand in
its template (`assets/report.html`), and the catalogues (`model.words`).
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from deploy.model.findings import Finding, Kind
from deploy.model.messages import Message, MessageId
from deploy.model.record import InSwedish, Title
from deploy.model.words import Vocabulary, in_words, name
from deploy.report.document import Result, Right, State, Why

Pair = tuple[str, str]
"""The same in Swedish and in English."""

Words = Mapping[str, Pair]
"""Something of samdrift's to how it is called in Swedish and in English."""

Roles = Mapping[str, InSwedish]
"""What roles and their checks are called in Swedish, by role."""

NOT_SAID = InSwedish()
CHECK = "check"
"""The parameter of a message that is a check's name."""

WORDS: Words = {
    State.IN_SYNC: ("som den ska", "in sync"),
    State.DIFFERS: ("avviker", "differs"),
    State.FAILED: ("underkänd kontroll", "failed check"),
    State.UNKNOWN: ("okänd", "unknown"),
    State.NOT_LOOKED_AT: ("inte granskad", "not looked at"),
    Result.PASSED: ("godkänd", "passed"),
    Result.FAILED: ("underkänd", "failed"),
    Result.UNKNOWN: ("okänd", "unknown"),
    Result.NOT_CHECKED: ("inte kontrollerad", "not checked"),
    Result.WAIVED: ("godtagen avvikelse", "waived"),
    Result.NOT_APPLICABLE: ("inte tillämplig", "not applicable"),
    Why.NO_RUN: ("Ingen körning är registrerad", "no run is recorded"),
    Why.NOT_ACTIVE: ("Inte i drift enligt inventariet", "not in operation, says the inventory"),
    Why.NO_ROLES: ("Sköts ännu inte av samdrift: inga roller i inventariet", "not yet samdrift's: no roles"),
    Why.OUTSIDE: ("Utanför körningens urval", "outside what the run was limited to"),
    Why.SKIPPED: ("Överhoppad: införandet gick inte så långt", "skipped: the apply did not go so far"),
}


MAY: Words = {
    "administer": ("Administrera: allt, som root", "administer: everything, as root"),
    "plan": ("Köra samdrift plan, drift och verify", "run samdrift plan, drift and verify"),
    "apply": ("Köra samdrift apply", "run samdrift apply"),
    "approve": ("Godkänna planer", "approve plans"),
}
"""What a right lets somebody do that is no role's duty."""


def may(right: Right, duties: Mapping[str, Title]) -> tuple[Pair, ...]:
    """Say what a right lets somebody do, a pair each; of a duty that has no title, its name."""
    named = {**MAY, **{name: (title.swedish, title.english) for name, title in duties.items()}}
    return tuple(named.get(name, (name, name)) for name in (*right.duties, *right.runs))


def called(of: Vocabulary, key: str) -> Pair:
    """Say what something is called in both languages."""
    return name(of, key, "sv"), name(of, key, "en")


def pair_of(message: Message, role: InSwedish = NOT_SAID) -> Pair:
    """Say a message in both languages, and a check of the role by its name in each."""
    check = role.check(str(message.parameters.get(CHECK, "")))
    swedish = message.model_copy(update={"parameters": {**message.parameters, CHECK: check}}) if check else message
    return in_words(swedish, "sv"), in_words(message, "en")


def summary(finding: Finding, roles: Roles = MappingProxyType({})) -> Pair:
    """Say what was found."""
    return _pair_of_kind(finding.kind, finding.message, "meaning", roles.get(finding.role, NOT_SAID))


def remedy(finding: Finding) -> Pair | None:
    """Say what to do about it; None where nobody knows."""
    return _pair_of_kind(finding.kind, finding.advice, "remedy", NOT_SAID) if finding.advice else None


def failed_check(name_of_check: str, role: InSwedish = NOT_SAID) -> Pair:
    """Say that a check of the finding's role does not hold."""
    return pair_of(MessageId.CHECK_OF_THE_ROLE_FAILED(check=name_of_check), role)


def _pair_of_kind(kind: Kind, message: Message, of: Vocabulary, role: InSwedish) -> Pair:
    """Say a message; where it has an English text alone, Swedish says what findings of this kind have in common."""
    if message.id is MessageId.AS_WRITTEN:
        return name(of, kind, "sv"), in_words(message, "en")
    return pair_of(message, role)
