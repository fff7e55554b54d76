"""What a report is handed over as, so that whoever has it can tell whether it is unaltered. Pure.

Beside the page and its document stand `evidence.json` (the records that it is made of, as the history's chain has them,
and the head of that chain) and `report.sums` (the SHA-256 of each file, as `sha256sum -c` reads it), which is signed.
Not here: how it is signed (`runs.signing`), and the chain (`model.chain`).
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Literal

from pydantic import Field, ValidationError
from pydantic_core import PydanticSerializationError

from deploy.model.chain import Entry, Event, Kept, Link, breaks
from inventory.frozen import Frozen

PAGE, DATA, EVIDENCE, OSCAL, PDF = "report.html", "report.json", "evidence.json", "oscal.json", "report.pdf"
TABLES = HOSTS, CONTROLS, FINDINGS, CHANGES, DEVICES = tuple(
    f"report.{of}.csv" for of in ("hosts", "controls", "findings", "changes", "devices")
)
ASKED_FOR = frozenset({OSCAL, PDF, *TABLES})
"""Files that a report has where somebody asked for them."""

SUMS, SIGNATURE = "report.sums", "report.sums.sig"


class MadeOf(Frozen):
    """A record that a report is made of, as the chain has it: its digest, and the link that says so."""

    record: str
    digest: str
    link: int
    hash: str


class Evidence(Frozen):
    """What a report is made of: the history's chain, its head at the moment of the report, and the records."""

    format: Literal[1] = 1
    at: str
    chain: str
    links: int = Field(description="the number of the head")
    head: str = Field(description="its hash; empty where there was no history")
    records: tuple[MadeOf, ...]


class Claim(Frozen):
    """One thing that was asked of a bundle: whether it holds (None: nobody can tell here), and what that means."""

    about: str
    holds: bool | None
    words: str


def evidence_of(chain: str, links: Iterable[Link], records: Collection[str], at: str) -> Evidence:
    """Return what a report of a moment is made of.

    Args:
        links: of the chain, in order.
        records: the ids of the records that the report tells of.
    """
    number, head, found = 0, "", dict[str, MadeOf]()
    for link in links:
        entry = link.entry
        if entry.at > at:
            continue
        number, head = link.number, link.hash
        if entry.event != Event.STEP and entry.record in records:
            found[entry.record] = MadeOf(record=entry.record, digest=entry.digest, link=link.number, hash=link.hash)
    made_of = tuple(found[record] for record in sorted(found))
    return Evidence(at=at, chain=chain, links=number, head=head, records=made_of)


def as_json(document: Frozen) -> bytes:
    """Write a document in one way: the same says the same bytes."""
    try:
        return (document.model_dump_json(indent=1) + "\n").encode()
    except PydanticSerializationError:  # it quotes bytes that are no UTF-8
        pass
    return (json.dumps(document.model_dump(mode="json"), ensure_ascii=False, indent=1) + "\n").encode(
        errors="surrogatepass"
    )


def sums_of(files: Mapping[str, bytes]) -> str:
    """Return the sums of files, as `sha256sum` writes them."""
    return "".join(f"{hashlib.sha256(data).hexdigest()}  {name}\n" for name, data in sorted(files.items()))


LINE = re.compile(r"([0-9a-f]{64})  ([a-z.]+)")


def judge_files(sums: bytes | None, files: Mapping[str, bytes]) -> Iterator[Claim]:
    """Yield, of each file of a bundle, whether it is as `report.sums` has it.

    Args:
        files: those that are there, by name.
    """
    if sums is None:
        yield Claim(about=SUMS, holds=False, words=f"there is no {SUMS}: nothing says what the files were")
        return
    lines = [LINE.fullmatch(line) for line in sums.decode(errors="replace").splitlines()]
    named = {line[2]: line[1] for line in lines if line is not None}
    if None in lines or set(named) - ASKED_FOR != {PAGE, DATA, EVIDENCE}:
        yield Claim(about=SUMS, holds=False, words=f"{SUMS} is not as samdrift writes it")
    for name, digest in named.items():
        if name not in files:
            yield Claim(about=name, holds=False, words=f"{name} is missing")
        elif hashlib.sha256(files[name]).hexdigest() != digest:
            yield Claim(about=name, holds=False, words=f"{name} was changed after the report was made")
        else:
            yield Claim(about=name, holds=True, words=f"{name} is as it was made")


def read_evidence(text: bytes | None) -> Evidence | None:
    """Read what a report is made of; None where it cannot be read."""
    try:
        return Evidence.model_validate_json(text) if text is not None else None
    except ValidationError:
        return None


def judge_history(evidence: Evidence, chain: str, links: Iterable[Link], kept: Iterable[Kept]) -> Iterator[Claim]:
    """Yield whether a history still has what a report is made of, just as it was.

    Args:
        chain: the name of the history's chain, and all its `links`, in order.
        kept: its records, as they are kept.
    """
    if chain != evidence.chain:
        words = "the history here is another one than the report was made of: ask where it was made"
        yield Claim(about="history", holds=None, words=words)
        return
    links, kept = tuple(links), tuple(kept)
    hashes, last = {link.number: link.hash for link in links}, _last(links)
    broken = {b.record: b for b in breaks(chain, links, kept)}
    if evidence.head and hashes.get(evidence.links) != evidence.head:
        words = f"link {evidence.links} of the chain is not what it was when the report was made"
        yield Claim(about="chain", holds=False, words=words)
    elif broken:
        words = f"the chain does not hold: {len(broken)} of its records are not as recorded (samdrift history verify)"
        yield Claim(about="chain", holds=False, words=words)
    else:
        yield Claim(about="chain", holds=True, words=f"the chain is as it was, up to link {evidence.links}, and holds")
    for made_of in evidence.records:
        yield _judge_record(made_of, hashes, last.get(made_of.record), broken.get(made_of.record))


def _judge_record(made_of: MadeOf, hashes: Mapping[int, str], entry: Entry | None, broken: object) -> Claim:
    name = f"record {made_of.record}"
    if entry is None:
        return Claim(about=name, holds=False, words=f"{name} is gone, and the chain does not say that it was pruned")
    if hashes.get(made_of.link) != made_of.hash or entry.digest != made_of.digest or broken is not None:
        return Claim(about=name, holds=False, words=f"{name} is not what it was when the report was made")
    since = ", and was pruned since" if entry.event == Event.PRUNED else ""
    return Claim(about=name, holds=True, words=f"{name} is as it was recorded{since}")


def _last(links: Iterable[Link]) -> Mapping[str, Entry]:
    """Return the last entry about each record, steps left out."""
    return {link.entry.record: link.entry for link in links if link.entry.event != Event.STEP}
