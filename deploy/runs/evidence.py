"""Verify a history: is it what was recorded, and what a witness was told of it?

Pure comparison is `model.chain`'s; who the witness is, `store.witness`'s.
"""

from __future__ import annotations

from collections.abc import Sequence

from deploy.model.chain import Break, Broken, Head, breaks
from deploy.store.ports import History
from inventory.frozen import Frozen


class Verified(Frozen):
    """What a verification of a history saw."""

    chain: str
    links: int
    records: int
    witnessed: int
    breaks: tuple[Break, ...]


def verify_history(history: History, heads: Sequence[Head], place: str) -> Verified:
    """Compare a history with its chain, and its chain with what witnesses were told.

    What somebody records meanwhile is no break: a break is there when one looks again.

    Args:
        heads: of whatever chains.
        place: where the store is; of another chain that a witness knows from there, this one took the place.
    """
    seen = _look(history, heads, place)
    if not seen.breaks:
        return seen
    again = _look(history, heads, place)
    return again.model_copy(update={"breaks": tuple(b for b in again.breaks if b in seen.breaks)})


def _look(history: History, heads: Sequence[Head], place: str) -> Verified:
    chain, links, kept = history.chain(), list(history.links()), list(history.kept())
    found = [*breaks(chain, links, kept, heads), *_replaced(chain, heads, place)]
    own = [head for head in heads if head.chain == chain]
    return Verified(chain=chain, links=len(links), records=len(kept), witnessed=len(own), breaks=tuple(found))


def _replaced(chain: str, heads: Sequence[Head], place: str) -> list[Break]:
    last = {head.chain: head for head in heads if head.place == place and head.chain != chain}
    return [
        Break(
            record=head.record,
            what=Broken.REMOVED,
            known_by=f"a witness knows {head.number} links of another chain of this store, {name}",
        )
        for name, head in last.items()
    ]
