"""What people were told, what the latest scan saw, and what is still to be handed over: one file a municipality.

It is put in place whole, on the disk, between any two things that happen, so that whoever is killed at any moment tells
nobody twice and forgets nothing: what changed becomes messages in the same moment in which it counts as announced; and
a message is noted as on its way before it is handed over. Who is killed just then leaves it in doubt: it is not sent
again, and the next message says so. Not here: how a message is handed over (`sending`).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError

from deploy.notify.letter import Notice
from deploy.notify.sending import End, Outcome
from deploy.notify.transitions import Open, Seen, transitions
from inventory.errors import SamdriftError
from inventory.frozen import Frozen
from inventory.recipients import Recipients
from inventory.whole_file import put_in_place

TRIES = 72
"""How often a message is handed over at most, an hour apart: three days, as mail servers try."""


class Letter(Frozen):
    """A notice to one recipient, until it is delivered. `on_its_way`: it is being handed over, or was when we died."""

    notice: Notice
    by: Literal["email", "webhook"]
    to: str
    language: Literal["sv", "en"] = "sv"
    signed: bool = False
    tries: int = 0
    on_its_way: bool = False

    @property
    def id(self) -> str:
        """Return its identity: the notice's, to this recipient."""
        return hashlib.sha256(f"{self.notice.id}\0{self.to}".encode()).hexdigest()[:32]


class Outbox(Frozen):
    """The state of what a municipality's people know.

    Attributes:
        announced: the findings that they were told are open, by fingerprint.
        seen: what the scan of `record` found, at `at`.
        letters: what is to be handed over still.
        lost: records of notices of which it is not known whether they arrived, until the next notice says so.
    """

    announced: dict[str, Open] = Field(default_factory=dict)
    seen: Seen = Seen()
    record: str = ""
    at: datetime | None = None
    letters: tuple[Letter, ...] = ()
    lost: tuple[str, ...] = ()

    def with_scan(self, found: Seen, record: str, at: datetime) -> Outbox:
        """Return it with what a scan found."""
        return self.model_copy(update={"seen": found, "record": record, "at": at})

    def with_notice(self, municipality: str, called: str, recipients: Recipients) -> Outbox:
        """Return it with a letter to each recipient of what changed since people were told; itself if nothing did."""
        changed = transitions(self.announced, self.seen)
        if not changed or self.at is None or not (recipients.email or recipients.webhooks):
            return self
        identity = hashlib.sha256(json.dumps([municipality, self.record, [t.fingerprint for t in changed]]).encode())
        notice = Notice(
            id=identity.hexdigest()[:32],
            municipality=municipality,
            called=called,
            record=self.record,
            at=self.at,
            transitions=changed,
            lost=self.lost,
        )
        letters = (
            *(Letter(notice=notice, by="email", to=to, language=recipients.language) for to in recipients.email),
            *(Letter(notice=notice, by="webhook", to=w.url, signed=w.signed) for w in recipients.webhooks),
        )
        return self.model_copy(update={"announced": self.seen.open, "letters": (*self.letters, *letters), "lost": ()})

    def without(self, letter: Letter, *, lost: bool = False) -> Outbox:
        """Return it without a letter, which is delivered, given up, or in doubt (`lost`)."""
        rest = tuple(one for one in self.letters if one.id != letter.id)
        more = (letter.notice.record,) if lost and letter.notice.record not in self.lost else ()
        return self.model_copy(update={"letters": rest, "lost": (*self.lost, *more)})

    def with_letter(self, letter: Letter) -> Outbox:
        """Return it with this letter in place of the one that it was."""
        return self.model_copy(update={"letters": tuple(letter if o.id == letter.id else o for o in self.letters)})


class OutboxFile:
    """The file of one municipality's outbox."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def read(self) -> Outbox:
        """Return the outbox; an empty one before the first scan.

        Raises:
            SamdriftError: it is damaged.
        """
        try:
            return Outbox.model_validate_json(self.file.read_bytes())
        except FileNotFoundError:
            return Outbox()
        except ValidationError as e:
            what, fix = "what people were told is damaged", "remove the file: all that is open is then told once more"
            raise SamdriftError(what, where=str(self.file), fix=fix) from e

    def write(self, outbox: Outbox) -> Outbox:
        """Keep the outbox, on the disk, and return it."""
        put_in_place(self.file, outbox.model_dump_json().encode())
        return outbox


Hand = Callable[[Letter, Callable[[], None]], Outcome]
"""Hands a letter over, and calls back at the last moment at which the other end surely does not have it."""


def deliver(file: OutboxFile, outbox: Outbox, hand: Hand) -> tuple[Outbox, tuple[str, ...]]:
    """Hand over every letter once, and return what is left, and in a line each what went wrong.

    Whoever cannot be reached with one hears of no later one before it: that something is gone comes after that it came.
    """
    wrong: list[str] = []
    for letter in outbox.letters:
        if letter.on_its_way:
            wrong.append(f"{letter.to}: whether the message about {letter.notice.record} arrived is not known")
            outbox = file.write(outbox.without(letter, lost=True))
    waiting: set[str] = set()
    for letter in outbox.letters:
        if letter.to in waiting:
            continue
        outbox, why = _deliver_one(file, outbox, letter.model_copy(update={"tries": letter.tries + 1}), hand)
        wrong += [f"{letter.to}: {why}"] if why else []
        if any(one.id == letter.id for one in outbox.letters):
            waiting.add(letter.to)
    return outbox, tuple(wrong)


def _deliver_one(file: OutboxFile, outbox: Outbox, letter: Letter, hand: Hand) -> tuple[Outbox, str]:
    def on_its_way() -> None:
        file.write(outbox.with_letter(letter.model_copy(update={"on_its_way": True})))

    end, why = hand(letter, on_its_way)
    if end is End.DELIVERED:
        return file.write(outbox.without(letter)), ""
    if end is End.DOUBT:
        return file.write(outbox.without(letter, lost=True)), f"it may have arrived, and is not sent again: {why}"
    if end is End.REFUSED or letter.tries >= TRIES:
        return file.write(outbox.without(letter, lost=True)), f"given up after {letter.tries} tries: {why}"
    return file.write(outbox.with_letter(letter)), f"not delivered yet, {letter.tries} tries: {why}"
