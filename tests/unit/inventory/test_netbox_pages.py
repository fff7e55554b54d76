"""A list is read to its end, page by page, whatever the size of pages; what does not follow is refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inventory.netbox import pages
from inventory.netbox.faults import NetBoxError
from inventory.netbox.pages import Chain, Listing

IDS = st.frozensets(st.integers(1, 30), max_size=12)


@given(there=IDS, only=st.none() | IDS, size=st.integers(1, 5), chunk=st.integers(1, 4))
def test_a_list_comes_whole_whatever_the_sizes_of_pages_and_of_what_is_asked(
    there: frozenset[int], only: frozenset[int] | None, size: int, chunk: int
) -> None:
    found, asked = [], 0
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pages, "PAGE", chunk)
        chain = Chain.of(Listing("site_list", "name", only))
        while chain:
            wanted = there if chain.ids is None else there & set(chain.ids)
            page = sorted(i for i in wanted if i >= chain.start)[:size]
            found += chain.taken([{"id": str(i)} for i in page])
            asked += 1
    assert [row["id"] for row in found] == sorted(there if only is None else there & only)
    assert asked <= 2 * len(there) + 1 + len(only or ())


@pytest.mark.parametrize("page", [[2, 2], [3, 2], [1]])
def test_a_page_that_repeats_what_was_there_is_refused(page: list[int]) -> None:
    chain = Chain.of(Listing("site_list", "name"))
    chain.taken([{"id": 1}])
    with pytest.raises(NetBoxError, match="a page repeats what was there before"):
        chain.taken([{"id": i} for i in page])


def test_objects_that_were_not_asked_for_are_refused() -> None:
    chain = Chain.of(Listing("site_list", "name", frozenset({3, 5})))
    with pytest.raises(NetBoxError, match="other objects than it was asked for"):
        chain.taken([{"id": 3}, {"id": 4}])
