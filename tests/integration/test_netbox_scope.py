"""A scope is asked for with a real NetBox's own filters: fewer rows are read, and they make the same fleet."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import pytest

from inventory.netbox.client import NetBox
from inventory.netbox.pages import Listing
from inventory.netbox.pull import parts_of, since, whole
from inventory.netbox.scoped_rows import chosen, narrowed
from inventory.netbox.session import Row
from inventory.scope import Scope
from tests.integration.lab import NetBoxServer
from tests.integration.netbox import emptied, seeded
from tests.integration.test_netbox_pull import Editor, live, same, some
from tests.unit.inventory.wild_fleet import seeded_random, wild_fleet

__all__ = ["live", "some"]

pytestmark = [pytest.mark.lab, pytest.mark.netbox, pytest.mark.long]

SCOPES: list[dict[str, Any]] = [
    {"tenants": ["heby", "tierp"]},
    {"sites": ["heby-kommunhus"], "tenants": ["heby"]},
    {"regions": ["norra-uppland"], "not": {"tenants": ["heby"]}},
    {"tags": ["lab", "dns"]},
    {"not": {"tags": ["lab", "dns"], "sites": ["tierp-datahall"]}},
    {"tenants": ["heby"], "not": {"tenants": ["heby"]}},
]


class Counting(NetBox):
    """A client that counts the rows that it reads, by list; ids alone are counted as such."""

    def __init__(self, server: NetBoxServer) -> None:
        super().__init__(server.url, server.reading, ca=server.ca)
        self.read: Counter[str] = Counter()

    def rows(
        self, endpoint: str, *, fields: Sequence[str] = (), ids: Iterable[int] | None = None, start: int = 0
    ) -> Iterator[Row]:
        for row in super().rows(endpoint, fields=fields, ids=ids, start=start):
            self.read[endpoint] += 1
            yield row

    def listed(self, lists: Sequence[Listing]) -> list[list[Row]]:
        found = super().listed(lists)
        self.read.update({one.name: len(rows) for one, rows in zip(lists, found, strict=True)})
        return found


@pytest.mark.parametrize("said", SCOPES, ids=str)
def test_a_scope_reads_fewer_rows_and_makes_the_same_fleet(
    live: NetBox, netbox: NetBoxServer, said: dict[str, Any]
) -> None:
    scope, less, more = Scope.model_validate(said), Counting(netbox), Counting(netbox)

    asked, everything = whole(less, scope), whole(more)

    assert same(asked, narrowed(everything, chosen(scope, everything)))
    assert parts_of(asked, scope).fleet.digest == parts_of(everything, scope).fleet.digest
    assert less.read.total() < more.read.total()
    assert less.read["prefix_list"] == more.read["prefix_list"]


def followed(netbox: NetBox, scope: Scope, number: int, rounds: int, edits: int) -> None:
    """After each round of edits, what changed since the round before is what everything in the scope is."""
    last = whole(netbox, scope)
    for round_ in range(rounds):
        editor = Editor(netbox, seeded_random(number + round_))
        for _ in range(edits):
            editor.edit()
        last, _ = since(netbox, last, scope)
        full = whole(netbox, scope)
        assert same(last, full), editor.done
        assert dict(last["paths"]) == dict(full["paths"]), editor.done


def test_what_came_into_a_scope_or_left_it_is_known_from_what_changed(some: NetBox) -> None:
    tenants = sorted(row["slug"] for row in some.rows("tenancy/tenants", fields=("slug",)))

    followed(some, Scope(tenants=tuple(tenants[::2])), number=41, rounds=4, edits=10)


@pytest.mark.soak
@pytest.mark.parametrize("number", [51, 52])
def test_so_it_is_whatever_is_edited(live: NetBox, netbox: NetBoxServer, number: int) -> None:
    fleet = wild_fleet(seeded_random(number))
    emptied(live, netbox)
    seeded(live, fleet)
    half = tuple(site.slug for site in fleet.sites)[::2]
    tags = tuple(tag.slug for tag in fleet.tags)[:1]

    followed(live, Scope(sites=half), number, rounds=10, edits=6)
    followed(live, Scope.model_validate({"not": {"tags": tags}}), number, rounds=10, edits=6)
