"""The pages of NetBox's lists: how far a list has been read, and that each page follows the one before. Pure.

Not here: asking for pages (`client.py`), and which lists are read (`rows.py`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeVar

from inventory.netbox.faults import PROXY, NetBoxError
from inventory.netbox.session import Row

T = TypeVar("T")

PAGE = 1000
"""Rows a page; NetBox cuts at its own MAX_PAGE_SIZE, which is no matter here."""
PAGES = 10_000
"""More pages than any list can have."""


@dataclass(frozen=True)
class Listing:
    """A list of GraphQL's to be read.

    Attributes:
        name: what GraphQL calls it (`device_list`).
        selection: the fields, in GraphQL; nested lists are cut by NetBox at 1000, so select none that can be long.
        ids: only the objects of these ids; all if None.
        first: only the first object: whether there is any that the token may view.
    """

    name: str
    selection: str
    ids: frozenset[int] | None = None
    first: bool = False


@dataclass
class Chain:
    """How far one list has been read: page after page, of chunks of ids if it is read by these.

    Attributes:
        start: the id at which the next page begins.
        chunks: the ids that are still to be asked for, the present ones first; None if all objects are wanted.
    """

    listing: Listing
    start: int = 0
    chunks: list[Sequence[int]] | None = None
    ended: bool = False

    @classmethod
    def of(cls, listing: Listing) -> Chain:
        """Begin a list."""
        if listing.ids is None:
            return cls(listing)
        asked = list(chunks(sorted(listing.ids), PAGE))
        return cls(listing, asked[0][0] if asked else 0, asked)

    def __bool__(self) -> bool:
        """Tell whether there is a page to ask for."""
        return not self.ended and self.chunks != []

    @property
    def limit(self) -> int:
        """Return how many rows the next page has at most."""
        return 1 if self.listing.first else PAGE

    @property
    def ids(self) -> Sequence[int] | None:
        """Return the ids that the next page is of."""
        return self.chunks[0] if self.chunks else None

    def taken(self, rows: Sequence[Row]) -> list[Row]:
        """Return the rows of the next page, checked, and go on behind them."""
        where, ids = f"{self.listing.name} of NetBox", self.ids
        kept = in_order(rows, self.start, where) if rows else []
        kept = kept if ids is None else list(among(ids, kept, where))
        if self.listing.first:
            self.ended = True
        elif kept and (ids is None or kept[-1]["id"] != ids[-1]):
            self.start = kept[-1]["id"] + 1
        elif self.chunks is None:
            self.ended = True
        else:
            del self.chunks[0]
            self.start = self.chunks[0][0] if self.chunks else 0
        return kept


def in_order(rows: Sequence[Row], start: int, where: str) -> list[Row]:
    """Return a page's rows with ids as numbers, if they begin at this id or later and each follows the one before."""
    ids = [_id(row, where) for row in rows]
    if ids[0] < start or any(a >= b for a, b in pairwise(ids)):
        raise NetBoxError("a page repeats what was there before", where=where, fix=PROXY)
    return [{**row, "id": i} for row, i in zip(rows, ids, strict=True)]


def among(asked: Collection[int], rows: Iterable[Row], where: str) -> Iterator[Row]:
    """Yield these rows, if they are of the ids that were asked for."""
    asked = set(asked)
    for row in rows:
        if row["id"] not in asked:
            raise NetBoxError("it answered with other objects than it was asked for", where=where, fix=PROXY)
        yield row


def _id(row: Row, where: str) -> int:
    """Return the row's id as a number (GraphQL gives text)."""
    value = str(row.get("id"))
    if not value.isdecimal():
        raise NetBoxError("a row without an id", where=where, fix=PROXY)
    return int(value)


def chunks(values: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    """Yield these values, so many at a time."""
    for at in range(0, len(values), size):
        yield values[at : at + size]
