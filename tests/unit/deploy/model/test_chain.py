"""The chain names every record that was changed, removed or put in afterwards; with a witness, also by whoever makes
the chain anew.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from deploy.model.chain import Broken, Entry, Event, Head, Kept, Link, breaks, hash_of, heads_in, line_of
from deploy.model.text import inline

CHAIN = "0123456789abcdef"


def entry(record: str, event: Event = Event.KEPT, text: str = "", step: str = "") -> Entry:
    at = "2026-11-29T08:00:00.000Z"
    return Entry(event=event, at=at, record=record, step=step, digest=digest(text or record))


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def chained(*entries: Entry) -> list[Link]:
    """Links as they are made."""
    links, previous = list[Link](), CHAIN
    for number, one in enumerate(entries, start=1):
        previous = hash_of(previous, one)
        links.append(Link(number=number, entry=one, hash=previous))
    return links


def kept(*records: str) -> list[Kept]:
    return [Kept(record=r, digest=digest(r)) for r in records]


def heads(links: Iterable[Link]) -> list[Head]:
    """What a witness was told."""
    return [Head(chain=CHAIN, number=x.number, hash=x.hash, event=x.entry.event, record=x.entry.record) for x in links]


def found(links: Sequence[Link], records: Iterable[Kept], witnessed: Iterable[Head] = ()) -> list[tuple[str, Broken]]:
    return [(b.record, b.what) for b in breaks(CHAIN, links, records, witnessed)]


WHOLE = chained(
    entry("a"),
    entry("b", Event.BEGUN, "b begun"),
    entry("b", Event.STEP, step="s"),
    entry("b", Event.ENDED),
    entry("c"),
)


def test_a_history_as_it_was_made_has_no_break() -> None:
    assert found(WHOLE, kept("a", "b", "c"), heads(WHOLE)) == []


def test_a_record_that_says_something_else_was_changed() -> None:
    assert found(WHOLE, [*kept("a", "c"), Kept(record="b", digest=digest("other"))]) == [("b", Broken.CHANGED)]


def test_a_record_of_which_the_list_says_something_else_was_changed() -> None:
    listed = Kept(record="a", digest=digest("a"), as_listed=False)
    assert found(WHOLE, [listed, *kept("b", "c")]) == [("a", Broken.CHANGED)]


def test_a_record_that_is_gone_was_removed() -> None:
    assert found(WHOLE, kept("b", "c")) == [("a", Broken.REMOVED)]


def test_a_record_without_a_link_was_put_in() -> None:
    assert found(WHOLE, kept("a", "b", "c", "x")) == [("x", Broken.PUT_IN)]


def test_a_link_that_was_changed_with_its_record_is_named() -> None:
    forged = entry("a", text="other")
    links = [WHOLE[0].model_copy(update={"entry": forged}), *WHOLE[1:]]
    assert found(links, [Kept(record="a", digest=digest("other")), *kept("b", "c")]) == [("a", Broken.CHANGED)]


def test_a_record_that_was_put_in_between_with_a_link_of_its_own_is_named_and_no_other() -> None:
    x = entry("x")
    put_in = Link(number=2, entry=x, hash=hash_of(WHOLE[0].hash, x))
    links = [WHOLE[0], put_in, *(link.model_copy(update={"number": link.number + 1}) for link in WHOLE[1:])]
    assert found(links, kept("a", "b", "c", "x")) == [("x", Broken.PUT_IN)]


def test_a_record_removed_with_its_link_breaks_the_next_and_is_named_by_a_witness() -> None:
    links = WHOLE[1:]
    assert ("a", Broken.REMOVED) in found(links, kept("b", "c"), heads(WHOLE))
    assert found(links, kept("b", "c")) == [("b", Broken.CHANGED)]  # without one: the place, not the name


def test_the_newest_record_removed_with_its_link_is_named_by_a_witness_alone() -> None:
    links = WHOLE[:-1]
    assert found(links, kept("a", "b")) == []
    assert found(links, kept("a", "b"), heads(WHOLE)) == [("c", Broken.REMOVED)]


def test_a_chain_that_was_made_anew_is_told_by_a_witness() -> None:
    links = chained(entry("a", text="other"), *(link.entry for link in WHOLE[1:]))
    records = [Kept(record="a", digest=digest("other")), *kept("b", "c")]
    assert found(links, records) == []
    assert set(found(links, records, heads(WHOLE))) == {(r, Broken.CHANGED) for r in "abc"}


def test_what_was_pruned_may_be_gone_and_may_not_be_there() -> None:
    links = chained(entry("a"), entry("b"), entry("a", Event.PRUNED))
    assert found(links, kept("b")) == []
    assert found(links, kept("a", "b")) == [("a", Broken.PUT_IN)]


def test_a_witness_of_another_chain_says_nothing() -> None:
    other = heads(WHOLE)[0].model_copy(update={"chain": "f" * 16, "hash": "0" * 64})
    assert found(WHOLE, kept("a", "b", "c"), [other]) == []


TEXT = st.text(max_size=20)


@settings(max_examples=25)
@given(place=TEXT, who=TEXT, reason=TEXT, around=st.sampled_from(["", "Nov 29 08:00:00 tie-adm1 samdrift-history: "]))
def test_what_a_witness_is_told_stands_on_one_line_and_is_read_again(
    place: str, who: str, reason: str, around: str
) -> None:
    head = heads(WHOLE)[0].model_copy(update={"place": place, "who": who, "reason": reason})
    line = line_of(head)
    assert len(line.splitlines()) == 1
    assert list(heads_in([around + line])) == [head.model_copy(update={"reason": inline(reason)})]


@settings(max_examples=25)
@given(st.lists(st.text()))
def test_lines_that_say_something_else_are_no_heads(lines: list[str]) -> None:
    assert list(heads_in(lines)) == []
