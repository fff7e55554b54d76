"""Make the open version of a report, fit to be handed to anybody who asks: what may serve an attacker is masked. Pure.

A report is a public document, and parts of it tell how hosts are protected and how they are not. Nothing is searched
for: every text is masked that `KEPT` does not name, whatever it holds. A host is `█████ 7` throughout, so that it can
be counted and followed. Whether what is left may be handed out, and by which rule what is masked may not, is for those
who decide on that: nothing here knows the law. Not here: what is masked of other municipalities (`report.masking`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from enum import Enum
from typing import Any, TypeVar

from deploy.model.evidence import Error
from deploy.model.messages import Message
from deploy.model.record import Standard, Title
from deploy.model.waived import Waived
from deploy.report.board import Board, Part, ToDecide
from deploy.report.consolidation import Consolidation, Edge, Moved, OwnSystem, SeparateSystem, SharedSystem
from deploy.report.document import (
    Change,
    Checked,
    Control,
    ControlResult,
    HostChange,
    HostState,
    Inventory,
    Municipality,
    OpenEmergency,
    Period,
    Report,
    ReportedFinding,
    RunSummary,
    SharedService,
    Trouble,
)
from deploy.report.masking import MASK
from deploy.report.procurement import Device, Model, Procurement, Together
from inventory.frozen import Frozen

AnyReport = Report | Board | Procurement | Consolidation
Document = TypeVar("Document", bound=AnyReport)

KEPT: Mapping[type[Frozen], frozenset[str]] = {
    Report: frozenset({"organisation", "scope", "at", "manifest_of", "code_digest", "plan_digest"}),
    RunSummary: frozenset({"id", "command", "started", "finished", "outcomes"}),
    OpenEmergency: frozenset({"record", "started", "municipalities"}),
    Inventory: frozenset({"digest", "run_digest"}),
    Checked: frozenset({"at", "digest"}),
    Municipality: frozenset({"slug", "name"}),
    ReportedFinding: frozenset({"municipality", "controls", "first_seen"}),
    Waived: frozenset({"until", "standing"}),
    Change: frozenset({"record", "at", "command", "plan_digest"}),
    HostChange: frozenset({"municipality"}),
    Trouble: frozenset({"found", "gone"}),
    Period: frozenset({"since", "until"}),
    HostState: frozenset({"municipality", "last_looked_at", "look", "checks_of", "checked_at"}),
    ControlResult: frozenset({"until"}),
    Control: frozenset({"id"}),
    Title: frozenset({"swedish", "english"}),
    Standard: frozenset({"binds"}),
    SharedService: frozenset({"last_looked_at"}),
    Board: frozenset({"organisation", "scope", "at", "since"}),
    Part: frozenset({"name"}),
    ToDecide: frozenset({"municipality", "when"}),
    Procurement: frozenset({"organisation", "scope", "at", "municipalities"}),
    Device: frozenset({"municipality", "model", "bought"}),
    Model: frozenset({
        "slug", "name", "part_number", "by_municipality", "support_until", "extended_until", "source", "read"
    }),
    Together: frozenset({"by_municipality"}),
    Consolidation: frozenset({"organisation", "scope", "at", "since", "municipalities"}),
    OwnSystem: frozenset({"municipality"}),
    SeparateSystem: frozenset({"by_municipality"}),
    Edge: frozenset({"municipality"}),
    Moved: frozenset({"municipality"}),
}  # fmt: skip
"""The texts that an open version has, by the value that they are of: names of municipalities and controls, moments,
digests, and what is bought. Every other text is masked."""

LEFT_OUT: Mapping[type[Frozen], frozenset[str]] = {
    Report: frozenset({"rights", "duties", "places", "links", "swedish"}),
    HostState: frozenset({"roles"}),
    Control: frozenset({"roles"}),
}
"""What has nothing left that may be told: who may do what, where sites are, and what runs on a host."""

HOSTS: Mapping[type[Frozen], frozenset[str]] = {
    Report: frozenset({"strangers"}),
    OpenEmergency: frozenset({"hosts"}),
    ReportedFinding: frozenset({"host"}),
    HostChange: frozenset({"host"}),
    Period: frozenset({"unseen"}),
    HostState: frozenset({"name"}),
    ControlResult: frozenset({"host"}),
    Board: frozenset({"worse", "better"}),
    Device: frozenset({"host"}),
    Together: frozenset({"hosts"}),
    SharedSystem: frozenset({"hosts"}),
    OwnSystem: frozenset({"host"}),
    Moved: frozenset({"gone", "new"}),
}
"""Where hosts are named: there each has its number."""


def open_version(document: Document) -> Document:
    """Return a report with nothing but what anybody may read; how often something is masked is counted."""
    masking = _Masking()
    made = masking.value(document)
    opened: Document = made.model_copy(update={"open": True, "masked": masking.count})
    return opened


class _Masking:
    """Masks texts by where they stand; a host keeps its number."""

    def __init__(self) -> None:
        self.count, self._numbers = 0, dict[str, int]()

    def value(self, value: Frozen) -> Any:
        """Return a value with its texts masked, all but those that are kept."""
        if isinstance(value, Message):
            return Message(id=value.id, parameters=dict.fromkeys(value.parameters, self.text("what it is about")))
        kept, left_out, hosts = (rule.get(type(value), frozenset()) for rule in (KEPT, LEFT_OUT, HOSTS))
        update: dict[str, Any] = {}
        for name in type(value).model_fields:
            given = getattr(value, name)
            if name in left_out:
                self.count += bool(given)
                update[name] = type(given)()
            elif name == "known_as" and isinstance(value, ReportedFinding):
                update[name] = self.text(value.fingerprint)  # which host and step it is could be guessed from it
            elif name == "evidence" and isinstance(value, ReportedFinding):
                update[name] = (Error(text=self.text("what was seen")),) if given else ()
            elif name not in kept:
                update[name] = self._any(given, self.host if name in hosts else self.text)
        return value.model_copy(update=update)

    def _any(self, given: Any, masked: Callable[[str], str]) -> Any:
        match given:
            case Enum():
                return given
            case str():
                return masked(given)
            case Frozen():
                return self.value(given)
            case tuple():
                return tuple(self._any(one, masked) for one in given)
            case dict():
                return self._dict(given)
        return given

    def _dict(self, given: Mapping[Any, Any]) -> dict[str, Any]:
        """Mask what a mapping has; what its keys are called, too, unless samdrift calls it so."""
        if all(isinstance(one, Standard) for one in given.values()):
            return {key: self.value(one) for key, one in given.items()}
        return {f"{MASK} {number}": self._any(one, self.text) for number, one in enumerate(given.values(), 1)}

    def text(self, text: str) -> str:
        """Mask a text, unless there is none."""
        self.count += bool(text)
        return MASK if text else ""

    def host(self, name: str) -> str:
        """Mask the name of a host, by its number."""
        if not name:
            return ""
        self.count += 1
        return f"{MASK} {self._numbers.setdefault(name, len(self._numbers) + 1)}"


def kept_fields() -> Iterable[tuple[type[Frozen], str]]:
    """Yield every field that a rule of the open version names, with what it is of."""
    for rule in (KEPT, LEFT_OUT, HOSTS):
        for of, names in rule.items():
            yield from ((of, name) for name in names)
