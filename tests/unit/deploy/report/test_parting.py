"""What a municipality takes along of a history is about its own hosts, names nobody else, and is told by the chain."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from deploy.model.approval import Approved, Lacking
from deploy.model.chain import Entry, Event, Head, Link, hash_of
from deploy.model.record import BegunStep, Record
from deploy.model.step_id import StepId
from deploy.model.twins import Rehearsed, Twin
from deploy.report.parting import Index, Listed, Part, judge, names_of, own_links, part_of, written
from inventory.fleet import Fleet
from tests.unit.deploy.report.test_masking import histories, words_of

CHAIN = "0123456789abcdef"


def chain_of(records: Sequence[Record]) -> list[Link]:
    """The chain of these records: each begun, a step of each of its hosts, ended."""
    entries = []
    for one in records:
        at, steps = one.started, [Entry(event=Event.STEP, at=one.started, record=one.id, host=h.host, step="time: x")
                                  for h in one.hosts]  # fmt: skip
        entries += [Entry(event=Event.BEGUN, at=at, record=one.id, digest="b" * 64), *steps]
        entries.append(Entry(event=Event.ENDED, at=at, record=one.id, digest=f"{len(entries):064x}"))
    links: list[Link] = []
    for number, entry in enumerate(entries, start=1):
        links.append(Link(number=number, entry=entry, hash=hash_of(links[-1].hash if links else CHAIN, entry)))
    return links


def with_all_there_is(record: Record, fleet: Fleet) -> Record:
    """A record that names others in whatever else a record has."""
    names, slugs = [h.name for h in fleet.hosts], tuple(sorted({h.tenant for h in fleet.hosts}))
    approvals = (
        Approved(
            by="anna", full_name="Anna", municipalities=slugs, at=record.started, comment=" ".join((*names, *slugs))
        ),
    )
    lacking = tuple(Lacking(municipality=h.tenant, hosts=(h.name,), needed=2, given=("anna",)) for h in fleet.hosts)
    twins = tuple(Twin(host=name, more=(StepId("time", f"peer {names[0]}"),)) for name in names)
    rehearsed = Rehearsed(twins=twins, without=tuple(names), failed=f"{names[-1]} did not come up")
    return record.model_copy(update={"approvals": approvals, "lacking": lacking, "rehearsed": rehearsed})


def parts(fleet: Fleet, own: str, records: Sequence[Record]) -> dict[str, Part]:
    names, found = names_of(fleet, own, records), {}
    for one in records:
        begun = [BegunStep(at=one.started, host=h.host, step=StepId("time", f"peer {h.host}")) for h in one.hosts]
        part = part_of(one, begun, own, names)
        if part is not None:
            found[one.id] = part
    return found


def index_of(own: str, records: Sequence[Record], found: dict[str, Part]) -> tuple[Index, dict[str, bytes]]:
    links = chain_of(records)
    files = {record: written(part) for record, part in found.items()}
    hosts = {record: {h.host for h in part.record.hosts} for record, part in found.items()}
    digests = {link.entry.record: link.entry.digest for link in links if link.entry.event == Event.ENDED}
    listed = tuple(Listed.of(part, files[record], digests[record]) for record, part in found.items())
    head = links[-1] if links else None
    index = Index(
        municipality=own,
        at="2026-11-30T00:00:00.000Z",
        chain=CHAIN,
        links=head.number if head else 0,
        head=head.hash if head else "",
        records=listed,
        own_links=tuple(own_links(CHAIN, links, hosts)),
    )
    return index, files


def is_named(word: str, text: str) -> bool:
    return word in text and re.search(rf"(?<![^\W_]){re.escape(word)}(?![^\W_])", text) is not None


@given(histories(), st.booleans())
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
def test_nothing_that_names_another_municipality_is_in_it_and_all_that_is_its_own_is(
    world: tuple[Fleet, str, list[Record]], gone: bool
) -> None:
    whole, own, records = world
    records = [with_all_there_is(one, whole) for one in records]
    left = tuple(h for h in whole.hosts if h.tenant == own or not gone)  # others' hosts may have left since
    fleet = whole.model_copy(update={"hosts": left})
    found = parts(fleet, own, records)
    index, files = index_of(own, records, found)

    ours = {word for h in whole.hosts if h.tenant == own for word in words_of(h)}
    texts = [text.decode().replace(json.dumps(record), "") for record, text in files.items()]
    texts.append(json.dumps([o.link.entry.host for o in index.own_links]))
    told_of = {h.host for one in records for h in one.hosts}
    for host in whole.hosts:
        if host.tenant != own:
            known = [w for w in (*words_of(host), host.tenant) if w not in ours] if not gone else []
            for word in known or [host.name] * (host.name in told_of):
                assert not [text for text in texts if is_named(word, text)], word
    for one in records:
        results = [h for h in one.hosts if h.municipality == own]
        assert (one.id in found) == bool(results)
        if results:
            assert [h.host for h in found[one.id].record.hosts] == [h.host for h in results]
            assert found[one.id].left_out == len(one.hosts) - len(results)
            assert len(found[one.id].record.findings) == len([f for f in one.findings if f.municipality == own])


@given(histories())
@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
def test_it_is_told_by_the_chain_and_whatever_is_changed_is_found(world: tuple[Fleet, str, list[Record]]) -> None:
    fleet, own, records = world
    index, files = index_of(own, records, parts(fleet, own, records))
    heads = [
        Head(chain=CHAIN, number=o.link.number, hash=o.link.hash, event=o.link.entry.event, record=o.link.entry.record)
        for o in index.own_links
    ]
    assert [c for c in judge(index, files, heads) if not c.holds and index.own_links] == []
    assert Index.model_validate_json(index.model_dump_json()) == index
    if not files:
        return
    first = next(iter(files))
    changed = {**files, first: files[first].replace(b'"time"', b'"base"', 1) + b" "}
    assert f"record {first}" in {c.about for c in judge(index, changed, heads) if c.holds is False}
    removed = {name: text for name, text in files.items() if name != first}
    assert f"record {first}" in {c.about for c in judge(index, removed, heads) if c.holds is False}
    put_in = {**files, "another": b"{}"}
    assert "record another" in {c.about for c in judge(index, put_in, heads) if c.holds is False}

    last = index.own_links[-1]
    forged = last.link.model_copy(update={"entry": last.link.entry.model_copy(update={"at": "2020"})})
    other = index.model_copy(update={"own_links": (*index.own_links[:-1], last.model_copy(update={"link": forged}))})
    assert "chain" in {c.about for c in judge(other, files, heads) if c.holds is False}
    anew = forged.model_copy(update={"hash": hash_of(last.previous, forged.entry)})
    other = index.model_copy(update={"own_links": (*index.own_links[:-1], last.model_copy(update={"link": anew}))})
    assert "witness" in {c.about for c in judge(other, files, heads) if c.holds is False}
