"""Findings: the one type that plan, drift, verify, check and report all speak; their severity and exit codes.

Nothing here touches a host or a clock. What a finding says is a message (`messages`), put in words by `words`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import BaseModel, TypeAdapter, ValidationError, computed_field, model_validator

from deploy.model.evidence import Evidence, Note
from deploy.model.kinds import Exit, Kind, Severity
from deploy.model.messages import Message, MessageId, as_written
from deploy.model.waived import Waived
from deploy.model.words import evidence_in_words, in_words
from inventory.frozen import Frozen


class Finding(Frozen):
    """One thing somebody should know.

    `step` is the plan's step or the check's name; `first_seen` is ISO 8601 UTC, empty until a store has dated it.
    `waived` is the waiver about it: what is accepted is counted and listed, and changes no exit code; `difference` is
    the digest by which a waiver would accept it, and `several` those of things that are one finding together.
    `summary`, `detail` and `remedy` are `message`, `evidence` and `advice` as English text.
    """

    kind: Kind
    host: str = ""
    municipality: str = ""
    role: str = ""
    step: str = ""
    message: Message
    evidence: tuple[Evidence, ...] = ()
    advice: Message | None = None
    severity: Severity = Severity.MEDIUM
    controls: tuple[str, ...] = ()
    first_seen: str = ""
    waived: Waived | None = None
    difference: str = ""
    several: tuple[str, ...] = ()

    @property
    def differences(self) -> tuple[str, ...]:
        """Return the digest of each thing that it is about."""
        return self.several or tuple(filter(None, (self.difference,)))

    @property
    def accepted(self) -> bool:
        """Tell whether a waiver accepts it; of what is no difference, none can."""
        return self.kind in WAIVABLE and self.waived is not None and self.waived.accepted

    @computed_field  # type: ignore[prop-decorator]
    @property
    def summary(self) -> str:
        """Return in one line what was found."""
        return in_words(self.message)

    @computed_field  # type: ignore[prop-decorator]
    @property
    def detail(self) -> str:
        """Return the evidence as text, piece after piece."""
        return "\n".join(evidence_in_words(e) for e in self.evidence)

    @computed_field  # type: ignore[prop-decorator]
    @property
    def remedy(self) -> str:
        """Return what to do about it; empty if nothing is known to help."""
        return in_words(self.advice) if self.advice else ""

    @computed_field  # type: ignore[prop-decorator]
    @property
    def fingerprint(self) -> str:
        """Return a stable identity (16 hex digits): the same trouble in the same place, whatever its details today.

        Of several things together, one more is another trouble.
        """
        identity = "\0".join((self.kind, self.host, self.role, self.step, *self.several))
        return hashlib.sha256(identity.encode(errors="surrogatepass")).hexdigest()[:16]

    def with_options(self, options: Iterable[str], only_roles: Iterable[str] = ()) -> Finding:
        """Give the commands that this finding advises the options of the run that found it, and its limit to roles."""
        advice = self.advice.with_options(options, only_roles) if self.advice else None
        return self.model_copy(update={"advice": advice})

    @model_validator(mode="before")
    @classmethod
    def _as_stored(cls, data: Any) -> Any:
        """Read a stored finding. Where samdrift does not know its ids (any more), its text stands for them."""
        if not isinstance(data, Mapping):
            return data
        texts = {name: data.get(name) for name in ("summary", "detail", "remedy")}
        stored = {k: v for k, v in data.items() if k not in cls.model_computed_fields}
        if isinstance(texts["summary"], str) and not _reads(Message, stored.get("message")):
            stored["message"] = as_written(texts["summary"])
        if isinstance(texts["detail"], str) and not _reads(_EVIDENCE, stored.get("evidence")):
            stored["evidence"] = (Note(message=as_written(texts["detail"])),) if texts["detail"] else ()
        if isinstance(texts["remedy"], str) and not _reads(Message, stored.get("advice")):
            stored["advice"] = as_written(texts["remedy"]) if texts["remedy"] else None
        return stored


_EVIDENCE: TypeAdapter[tuple[Evidence, ...]] = TypeAdapter(tuple[Evidence, ...])


def _reads(shape: type[BaseModel] | TypeAdapter[Any], value: object) -> bool:
    """Tell whether a value is of this shape."""
    try:
        _ = shape.validate_python(value) if isinstance(shape, TypeAdapter) else shape.model_validate(value)
    except ValidationError:
        return False
    return True


SEVERITIES: Mapping[MessageId, Severity] = {
    MessageId.STEP_STILL_CHANGES: Severity.HIGH,  # not work that waits: a role that does not converge
    MessageId.RECIPIENTS_LEFT: Severity.HIGH,
    MessageId.RECIPIENTS_LACKING: Severity.HIGH,
    MessageId.RECIPIENTS_DIFFER: Severity.HIGH,
    MessageId.SECRET_UNNEEDED: Severity.LOW,
    MessageId.PACKAGE_UNDECLARED: Severity.MEDIUM,  # it may be of use; what it starts or opens is told by itself
}
"""The messages that are more or less serious than others of their kind."""


def severity(kind: Kind, about: MessageId, *, protects: bool = False) -> Severity:
    """Decide how soon somebody should look. Every finding has its severity from here.

    Args:
        protects: the finding is about a role that keeps others out: changed behind our back, it is serious.
    """
    if about in SEVERITIES:
        return SEVERITIES[about]
    if kind in {Kind.PENDING, Kind.NOTICE}:
        return Severity.LOW
    if kind in {Kind.WAIVER, Kind.LOCKED}:
        return Severity.MEDIUM
    if kind in {Kind.DRIFT, Kind.MISSING, Kind.UNMANAGED}:
        return Severity.HIGH if protects else Severity.MEDIUM
    return Severity.HIGH


DIFFERENCES = frozenset(
    {Kind.DRIFT, Kind.PENDING, Kind.CONFLICT, Kind.MISSING, Kind.UNMANAGED, Kind.FAILED_CHECK, Kind.ARMED, Kind.WAIVER}
)
WAIVABLE = DIFFERENCES - {Kind.ARMED, Kind.WAIVER}
"""The kinds of findings that may be accepted: never that something is unknown or went wrong."""


def exit_code(findings: Iterable[Finding], *, after_change: bool = False, went_on: bool = False) -> Exit:
    """Return the exit code that these findings mean, and nothing else does.

    Args:
        after_change: the findings were made by a run that changed hosts, so a failed check is a failed
            verification (7) and not a difference (2).
        went_on: the run did its work on all hosts but those whose inventory is not sound, so it is incomplete (3) and
            no error (1).
    """
    kinds = {f.kind for f in findings if not f.accepted}
    order = (
        (set() if went_on else {Kind.UNSOUND}, Exit.ERROR),
        ({Kind.ROLLED_BACK}, Exit.ROLLED_BACK),
        ({Kind.FAILED_STEP, Kind.REFUSED}, Exit.ERROR),
        ({Kind.STALE}, Exit.STALE),
        ({Kind.STOPPED, *({Kind.FAILED_CHECK} if after_change else ())}, Exit.VERIFY_FAILED),
        ({Kind.LOCKED}, Exit.LOCKED),
        ({Kind.UNKNOWN, Kind.UNSOUND}, Exit.INCOMPLETE),
        (DIFFERENCES, Exit.DIFFERENCES),
    )
    return next((code for of, code in order if kinds & of), Exit.OK)
