"""What a municipality takes along of a history when it leaves: of each run the part about its hosts. Pure.

Whatever names another municipality is masked in it, as in a report. The chain has the digest of each whole record,
which holds others' hosts too and is handed to nobody. So it tells that a record was there, when, by which link; that
a part is what the record says of it, only who keeps the history can tell, by making the same part again. Not here: the
inventory (`inventory.leaving`), and where a history is kept (`store`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Literal, NamedTuple

from deploy.model.chain import Entry, Event, Head, Link, hash_of
from deploy.model.record import BegunStep, Record
from deploy.model.twins import Rehearsed
from deploy.report.bundle import Claim, as_json
from deploy.report.content import exit_of
from deploy.report.masking import Names, masked_values, names_in
from inventory.fleet import Fleet
from inventory.frozen import Frozen

INDEX = "history.json"


class Part(NamedTuple):
    """The part of a run that is about one municipality's hosts, and how much of the run is not in it."""

    record: Record
    begun: tuple[BegunStep, ...]
    left_out: int
    masked: int


def written(part: Part) -> bytes:
    """Write a part as its file has it: the same part is the same bytes."""
    return as_json(_Written(record=part.record, begun=part.begun))


class _Written(Frozen):
    record: Record
    begun: tuple[BegunStep, ...]


class Listed(Frozen):
    """What the index says of a part.

    Attributes:
        sha256: of its file.
        digest: of the whole record, as the chain has it.
        left_out: how many hosts of others the run was about, too.
        masked: how many words were.
    """

    record: str
    sha256: str
    digest: str
    left_out: int
    masked: int

    @staticmethod
    def of(part: Part, text: bytes, digest: str) -> Listed:
        """List a part that is written so, of a record of this digest."""
        sha256 = hashlib.sha256(text).hexdigest()
        named = {"record": part.record.id, "sha256": sha256, "digest": digest}
        return Listed(**named, left_out=part.left_out, masked=part.masked)


class OwnLink(Frozen):
    """A link of the chain that is about a part, and the hash that it follows."""

    previous: str
    link: Link


class Index(Frozen):
    """Everything that a municipality takes along of a history: what and how much, and the links that tell of it."""

    format: Literal[1] = 1
    municipality: str
    at: str
    chain: str
    links: int
    head: str
    records: tuple[Listed, ...]
    own_links: tuple[OwnLink, ...]


def names_of(fleet: Fleet, municipality: str, records: Iterable[Record]) -> Names:
    """Return what names others: in the fleet, and hosts of theirs that it has no more and records tell of."""
    names = names_in(fleet, [municipality])
    pairs = {pair for record in records for pair in _told_of(record)}
    gone = {host for host, of in pairs if host and of != municipality}
    return Names(names.others | (gone - names.own), names.own)


def _told_of(record: Record) -> Iterator[tuple[str, str]]:
    """Yield the hosts that a record tells of, each with its municipality."""
    yield from ((h.host, h.municipality) for h in record.hosts)
    yield from ((f.host, f.municipality) for f in record.findings)
    yield from ((c.host, c.municipality) for c in record.checks)


def part_of(record: Record, begun: Iterable[BegunStep], municipality: str, names: Names) -> Part | None:
    """Return the part of a record that is about a municipality; None if nothing of it is.

    What a run was limited to, and what it left out, names others; so do approvals for others, and twins. It ends as far
    as its own hosts go.
    """
    own = {h.host for h in record.hosts if h.municipality == municipality}
    steps = tuple(step for step in begun if step.host in own)
    findings = tuple(f for f in record.findings if f.municipality == municipality)
    checks = tuple(c for c in record.checks if c.municipality == municipality)
    if not (own or findings or checks):
        return None
    kept = Record(
        hosts=tuple(h for h in record.hosts if h.host in own),
        findings=findings,
        checks=checks,
        approvals=tuple(
            a.model_copy(update={"municipalities": (municipality,)})
            for a in record.approvals
            if municipality in a.municipalities
        ),
        lacking=tuple(one for one in record.lacking if one.municipality == municipality),
        rehearsed=_own_twins(record.rehearsed, own),
        exit_code=exit_of(record, findings),
        **{name: getattr(record, name) for name in OF_THE_RUN},
    )
    (part, *begun_here), count = masked_values((kept, *steps), names)
    return Part(part, tuple(begun_here), len({h.host for h in record.hosts} - own), count)


OF_THE_RUN = (
    "id", "command", "who", "account", "claimed", "reason", "started", "finished", "ended", "only_roles",
    "fleet_digest", "fleet_source", "fleet_time", "code_digest", "commit", "plan_digest", "emergency", "signs_off",
    "closes", "manifest",
)  # fmt: skip
"""Fields of a record that are about the run, whoever's hosts it was about."""


def _own_twins(rehearsed: Rehearsed | None, own: Collection[str]) -> Rehearsed | None:
    if rehearsed is None:
        return None
    twins = tuple(twin for twin in rehearsed.twins if twin.host in own)
    return rehearsed.model_copy(update={"twins": twins, "without": tuple(n for n in rehearsed.without if n in own)})


def own_links(chain: str, links: Iterable[Link], parts: Mapping[str, Collection[str]]) -> Iterator[OwnLink]:
    """Yield the links about these records, those of steps of these hosts alone.

    Args:
        parts: hosts by record.
    """
    previous = chain
    for link in links:
        entry = link.entry
        if entry.record in parts and (entry.event != Event.STEP or entry.host in parts[entry.record]):
            yield OwnLink(previous=previous, link=link)
        previous = link.hash


def judge(index: Index, files: Mapping[str, bytes], heads: Iterable[Head]) -> Iterator[Claim]:
    """Yield whether what was taken along is as it was written, and whether the chain's links about it hold.

    Args:
        files: the parts, by record.
        heads: what a witness was told, of whatever chains.
    """
    for listed in index.records:
        text, name = files.get(listed.record), f"record {listed.record}"
        if text is None or hashlib.sha256(text).hexdigest() != listed.sha256:
            words = f"{name} is missing" if text is None else f"{name} was changed after it was written"
            yield Claim(about=name, holds=False, words=words)
        elif listed.digest not in {o.link.entry.digest for o in index.own_links if _tells(o.link.entry, listed)}:
            yield Claim(about=name, holds=False, words=f"no link of the chain has {name}")
        else:
            yield Claim(about=name, holds=True, words=f"{name} is as it was written, and the chain has it")
    for more in sorted(files.keys() - {listed.record for listed in index.records}):
        yield Claim(about=f"record {more}", holds=False, words=f"record {more} was put in: the index does not have it")
    yield from _judge_links(index, heads)


def _tells(entry: Entry, listed: Listed) -> bool:
    return entry.record == listed.record and entry.event != Event.STEP


def _judge_links(index: Index, heads: Iterable[Head]) -> Iterator[Claim]:
    hashes = {own.link.number: own.link.hash for own in index.own_links}
    wrong = [own.link.number for own in index.own_links if hash_of(own.previous, own.link.entry) != own.link.hash]
    for number in wrong:
        yield Claim(about="chain", holds=False, words=f"link {number} is not what its hash says")
    if not wrong:
        yield Claim(about="chain", holds=True, words=f"each of {len(hashes)} links is what its hash says")
    heard = [h for h in heads if h.chain == index.chain and h.number in hashes]
    others = [h.number for h in heard if hashes[h.number] != h.hash]
    for number in others:
        yield Claim(about="witness", holds=False, words=f"a witness was told of another link {number}")
    if not heard:
        yield Claim(about="witness", holds=None, words="no witness here was told of these links: ask the log server")
    elif not others:
        words = f"a witness was told of {len(heard)} of {len(hashes)} links, each as it is here"
        yield Claim(about="witness", holds=True, words=words)
