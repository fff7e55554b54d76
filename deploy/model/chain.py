"""The chain of a store's history: a link for everything that was recorded, each with the hash of the one before it.

Whoever changes, removes or puts in a record afterwards breaks it, or has to make all later links anew; and what each
link's hash was, a witness was told when it was made. Pure: links are kept by `store`, and told by `store.witness`.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from enum import StrEnum
from urllib.parse import quote, unquote

from pydantic import Field

from deploy.model.text import inline
from inventory.frozen import Frozen


class Event(StrEnum):
    """What a link says of a record."""

    BEGUN = "begun"  # a run that changes hosts, before its first change
    STEP = "step"  # it is about to carry out a step of a host
    ENDED = "ended"  # the same run; its record says how
    KEPT = "kept"  # a run that changes no host, once it has ended
    TAKEN_OVER = "taken-over"  # a record that was there before there was a chain
    PRUNED = "pruned"


class Entry(Frozen):
    """What a link is made of. Times are ISO 8601, UTC."""

    event: str = Field(description="an `Event`, unless somebody changed it")
    at: str
    record: str
    host: str = Field(default="", description="of a step")
    step: str = Field(default="", description="of a step")
    digest: str = Field(default="", description="of the record as it was kept, or, pruned, as it was removed")


class Link(Frozen):
    """A link of the chain: an entry, its number from 1 on, and its hash."""

    number: int
    entry: Entry
    hash: str


class Head(Frozen):
    """The last link of a chain, as a witness is told of it.

    `chain` is the store's own name, made when the store was; `place` is where the store is.
    """

    chain: str
    number: int
    hash: str
    event: str
    record: str
    place: str = ""
    who: str = ""
    reason: str = ""
    by: str = Field(default="", description="who told the witness, as it says")


class Kept(Frozen):
    """A record as it is kept now: the digest of what it says, and whether the list of runs says the same of it."""

    record: str
    digest: str
    as_listed: bool = True


class Broken(StrEnum):
    """What is wrong with a record."""

    CHANGED = "changed"
    REMOVED = "removed"
    PUT_IN = "put in"


class Break(Frozen):
    """One place at which a history is not what it was: which record, what is wrong with it, and how that is known."""

    record: str
    what: Broken
    known_by: str


def hash_of(previous: str, entry: Entry) -> str:
    """Return the hash of a link: of the hash before it (or, of the first, the chain's name) and all that it says.

    Never changed: chains that exist are verified by it.
    """
    parts = [previous, entry.event, entry.at, entry.record, entry.host, entry.step, entry.digest]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def breaks(
    chain: str, links: Iterable[Link], records: Iterable[Kept], witnessed: Iterable[Head] = ()
) -> tuple[Break, ...]:
    """Find where a history is not what it was; of a record, each kind of break once.

    Args:
        chain: its name.
        links: all of them, in order.
        records: all that are there.
        witnessed: heads that a witness was told, of whatever chains.
    """
    hashes, last = [chain], dict[str, Entry]()
    found = [*_breaks_of_links(links, hashes, last)]
    put_in = {b.record for b in found if b.what is Broken.PUT_IN}
    found += _breaks_of_records(last, {one.record: one for one in records}, put_in)
    there = set(hashes)
    for head in witnessed:
        if head.chain == chain and head.hash not in there:
            lost = head.number >= len(hashes) or head.record not in last
            told_by = f" by {head.by}" if head.by else ""
            known_by = f"a witness was told{told_by} of link {head.number} ({head.event}), which is not in the chain"
            found.append(Break(record=head.record, what=Broken.REMOVED if lost else Broken.CHANGED, known_by=known_by))
    return tuple({(b.record, b.what): b for b in reversed(found)}.values())[::-1]


def _breaks_of_links(links: Iterable[Link], hashes: list[str], last: dict[str, Entry]) -> Iterator[Break]:
    """Yield where a link does not follow from the one before it.

    Args:
        hashes: the chain's name; every link's hash is added.
        last: gets the last entry about each record, steps left out.
    """
    named: list[str] = []
    for link in links:
        entry = link.entry
        if hash_of(hashes[-1], entry) != link.hash:
            earlier = _follows(hashes, link)
            if earlier is None:
                known_by = f"link {link.number} is not what its hash says, or does not follow from the one before it"
                yield Break(record=entry.record, what=Broken.CHANGED, known_by=known_by)
            for record in named[earlier:] if earlier is not None else ():
                yield Break(record=record, what=Broken.PUT_IN, known_by=f"link {link.number} was made before it")
        hashes.append(link.hash)
        named.append(entry.record)
        if entry.event != Event.STEP:
            last[entry.record] = entry


LOOKS_BACK = 50
"""How many links that were put in between are found to be just that."""


def _follows(hashes: list[str], link: Link) -> int | None:
    """Return how many links there were before this one when it was made; None if it follows from none of the last."""
    for back in range(2, min(len(hashes), LOOKS_BACK) + 1):
        if hash_of(hashes[-back], link.entry) == link.hash:
            return len(hashes) - back
    return None


def _breaks_of_records(last: Mapping[str, Entry], kept: Mapping[str, Kept], put_in: Collection[str]) -> Iterator[Break]:
    """Yield which records are not as the chain has them."""
    for record, entry in last.items():
        if entry.event == Event.PRUNED:
            if record in kept:
                yield Break(record=record, what=Broken.PUT_IN, known_by="it was pruned, and is there")
        elif record not in kept:
            yield Break(record=record, what=Broken.REMOVED, known_by="the chain has it, and it is not there")
        elif kept[record].digest != entry.digest:
            yield Break(record=record, what=Broken.CHANGED, known_by="it is not what was recorded")
        elif not kept[record].as_listed:
            yield Break(record=record, what=Broken.CHANGED, known_by="the list of runs says something else of it")
    for record in sorted(kept.keys() - last.keys() - set(put_in)):
        yield Break(record=record, what=Broken.PUT_IN, known_by="the chain does not have it")


LINE = re.compile(
    r"history (?P<chain>[0-9a-f]{16}) (?P<number>\d{1,18}) (?P<event>[a-z-]+) (?P<record>\S+) (?P<hash>[0-9a-f]{64})"
    r"(?: in (?P<place>\S*))?(?: by (?P<who>\S*))?(?: because (?P<reason>.*))?"
)
"""A head, as a witness was told it."""

LONGEST_REASON = 200


def line_of(head: Head) -> str:
    """Return what a witness is told of a head, on one line."""
    line = f"history {head.chain} {head.number} {head.event} {head.record} {head.hash}"
    line += f" in {_quoted(head.place)} by {_quoted(head.who)}"
    return line + (f" because {inline(head.reason[:LONGEST_REASON])}" if head.reason else "")


def _quoted(text: str) -> str:
    return quote(text, safe="/:@?=&.-_", errors="replace")


def heads_in(lines: Iterable[str]) -> Iterator[Head]:
    """Yield the heads that stand in the lines of a log, whatever stands around them."""
    for line in lines:
        if (found := LINE.search(line)) is not None:
            fields = {name: value or "" for name, value in found.groupdict().items()}
            yield Head.model_validate(
                fields
                | {"number": int(fields["number"]), "place": unquote(fields["place"]), "who": unquote(fields["who"])}
            )
