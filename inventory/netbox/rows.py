"""Fetch rows of NetBox, and keep them: the same rows, whether GraphQL or REST gave them.

Rows are NetBox's objects as plain data, each as little as the Fleet needs. A reference is kept as the id of what it
refers to, so that a renamed site changes one row and no other. Not here: which kinds and fields there are
(`read_types.py`), requests (`client.py`), when what is fetched (`pull.py`), and what rows mean (`assemble.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from inventory.netbox.client import NetBox, NoGraphQL, at_once
from inventory.netbox.custom_fields import READ
from inventory.netbox.faults import NetBoxError
from inventory.netbox.pages import Listing
from inventory.netbox.read_types import (
    BY_NAME,
    BY_TYPE,
    CHOICES,
    CONTEXTS,
    GRAPHQL_TYPES,
    READ_TYPES,
    ReadType,
    rest_pair,
)
from inventory.netbox.session import Row

LONG = 100
"""From so many members on, a list may be one that GraphQL has cut (at NetBox's MAX_PAGE_SIZE); REST cuts none."""

_AS_DATA = {CONTEXTS, "local_context_data", "data"}
_DECIMALS = {"latitude", "longitude"}
"""Numbers that GraphQL gives as text, with all their places."""
_KEPT_FIELDS = {f.name for f in READ}
_TYPES = {graphql: name for name, graphql in GRAPHQL_TYPES.items()}


@dataclass(frozen=True)
class Mark:
    """A position in the change log.

    Attributes:
        id: the newest change seen; 0 for none.
        time: when it was made.
        request: of which request it was. With the time it tells that the log is still the same one.
        missing: numbers shortly before it that no change had. One may still come: a change gets its number before it
            is there for others to see.
        version: which NetBox kept the log then; empty where there was none.
    """

    id: int = 0
    time: str = ""
    request: str = ""
    missing: tuple[int, ...] = ()
    version: str = ""


@dataclass(frozen=True)
class Rows:
    """The rows that were read, by kind and id, as of a mark in the change log."""

    of: Mapping[str, Mapping[int, Row]]
    mark: Mark = Mark()

    def __getitem__(self, kind: str) -> Mapping[int, Row]:
        return self.of[kind]

    def new_since(self, before: Rows) -> Rows:
        """Return those rows that are not the very rows of before."""
        was = before.of
        new = {
            kind: {i: row for i, row in of.items() if was[kind].get(i) is not row} if of is not was[kind] else {}
            for kind, of in self.of.items()
        }
        return Rows(new, self.mark)


Wanted = tuple[ReadType, frozenset[int] | None]
"""A kind, and the ids of which its objects are to be read; None for all."""


def fetched(netbox: NetBox, wanted: Sequence[Wanted]) -> list[dict[int, Row]]:
    """Read the objects of each of these kinds, by id: all, or those of its ids that exist.

    Raises:
        NetBoxError: with the object type that could not be read, or that the token may not view.
    """
    seen = frozenset[str]().union(*(kind.sees for kind, _ in wanted))
    others = seen - {kind.name for kind, _ in wanted}
    try:
        found = _read(netbox, [(kind, kind.names, ids) for kind, ids in wanted], beside=others)
    except NetBoxError as e:
        if e.status == 200:  # GraphQL stumbles over what the token may not view, and does not say so
            require_view(netbox, seen)
        raise
    shown = {kind.name for (kind, _), rows in zip(wanted, found, strict=True) if rows}
    require_view(netbox, seen - others - shown)
    return found


_Asked = tuple[ReadType, tuple[str, ...], frozenset[int] | None]
"""A kind, fields of it, and ids or None."""


def _read(netbox: NetBox, asked: Sequence[_Asked], beside: Collection[str] = ()) -> list[dict[int, Row]]:
    """Read these fields: by REST where GraphQL does not serve, of a long list by itself, and of all others together.

    Args:
        beside: kinds that the token must be allowed to view, which is asked meanwhile.
    """
    long = [[one] for one in asked if _is_long(one)]
    alone = [[one] for one in asked if one[0].by_rest]
    together = [one for one in asked if not _is_long(one) and not one[0].by_rest]
    groups = [group for group in (*long, together, *alone) if group]
    work: list[Callable[[], Any]] = [partial(_group, netbox, group) for group in groups]
    if beside and together:  # in one query: one more costs NetBox as much as a dozen short lists
        work[groups.index(together)] = partial(_group, netbox, together, beside)
    elif beside:
        work.append(partial(require_view, netbox, beside))
    answers = at_once(work)[: len(groups)]
    found = {
        kind.name: rows
        for group, of in zip(groups, answers, strict=True)
        for (kind, *_), rows in zip(group, of, strict=True)
    }
    return [found[kind.name] for kind, *_ in asked]


def _is_long(asked: _Asked) -> bool:
    kind, _, ids = asked
    return kind.large and (ids is None or len(ids) > LONG)


def _group(netbox: NetBox, asked: Sequence[_Asked], beside: Collection[str] = ()) -> list[dict[int, Row]]:
    """Read these in one query, or each by REST, which says itself what it does not show.

    Args:
        beside: kinds that the token must be allowed to view, which the query asks, too.
    """
    if not asked[0][0].by_rest and not netbox.without_graphql:
        try:
            return _by_graphql(netbox, asked, beside)
        except NoGraphQL:
            pass
    return [_by_rest(netbox, *one) for one in asked]


def _by_rest(netbox: NetBox, kind: ReadType, names: Iterable[str], ids: Iterable[int] | None) -> dict[int, Row]:
    listed = netbox.rows(kind.endpoint, fields=kind.rest(names), ids=ids)
    rows = {row["id"]: plain(kind, row) for row in listed}
    return _with_tag_ids(netbox, rows) if kind.name == "config_contexts" else rows


def _by_graphql(netbox: NetBox, asked: Sequence[_Asked], beside: Collection[str]) -> list[dict[int, Row]]:
    lists = [Listing(kind.graphql_list, kind.graphql(names), ids) for kind, names, ids in asked]
    looks = [BY_NAME[name] for name in sorted(beside)]
    answered = netbox.listed([*lists, *(Listing(kind.graphql_list, "", first=True) for kind in looks)])
    for kind, seen in zip(looks, answered[len(lists) :], strict=True):
        if not seen:
            netbox.require_view(kind.endpoint)  # there are none, or none that it may see
    found = []
    for (kind, names, _), listed in zip(asked, answered, strict=False):
        rows = {row["id"]: plain(kind, row) for row in listed}
        many = [name for name in names if name in kind.many]
        long = [i for i, row in rows.items() if any(len(row[name]) >= LONG for name in many)]
        for i, row in (_by_rest(netbox, kind, many, long) if long else {}).items():
            if i in rows:
                rows[i] |= row
        found.append(rows)
    return found


def _with_tag_ids(netbox: NetBox, contexts: dict[int, Row]) -> dict[int, Row]:
    """Return config contexts with tags by id, as everything else refers to them; of these alone, REST returns slugs."""
    if not any(row.get("tags") for row in contexts.values()):
        return contexts
    ids = {row["slug"]: row["id"] for row in netbox.rows("extras/tags", fields=("slug",))}

    def numbered(slugs: list[str]) -> list[int | str]:
        return sorted((ids.get(slug, slug) for slug in slugs), key=str)

    return {i: {**row, "tags": numbered(row["tags"])} for i, row in contexts.items()}


def require_view(netbox: NetBox, kinds: Iterable[str]) -> None:
    """Refuse a token that may not view one of these kinds: by GraphQL it would see none of them, and no error.

    Raises:
        NetBoxError: with the object type.
    """
    lists = {name: BY_NAME[name].graphql_list for name in sorted(kinds)}
    if not lists or netbox.without_graphql:  # REST says itself what it does not show
        return
    try:
        seen = netbox.query(f"{{ {' '.join(f'{of}(pagination: {{limit: 1}}) {{ id }}' for of in lists.values())} }}")
    except NoGraphQL:
        return
    for name, of in lists.items():
        if not seen.get(of):  # there are none, or none that it may see; REST knows which, and takes its time
            netbox.require_view(BY_NAME[name].endpoint)


def contexts(netbox: NetBox, hosts: Mapping[str, frozenset[int]]) -> dict[str, dict[int, Any]]:
    """Return the merged config contexts of these hosts, as NetBox merges them, by kind and id."""
    found = _read(netbox, [(BY_NAME[name], (CONTEXTS,), ids) for name, ids in hosts.items()])
    return {name: {i: row[CONTEXTS] for i, row in of.items()} for name, of in zip(hosts, found, strict=True)}


def plain(kind: ReadType, row: Row) -> Row:
    """Return the row as it is kept, whether REST or GraphQL gave it."""
    kept: Row = {}
    for name, value in row.items():
        if name in {"custom_fields", "custom_field_data"}:  # REST has a field without a value, too; GraphQL may not
            found = {k: _plain(v) for k, v in (value or {}).items() if k in _KEPT_FIELDS}
            kept["custom_fields"] = {k: v for k, v in found.items() if v is not None}
        elif value == "" and name in CHOICES:
            kept[name] = None
        elif name in _DECIMALS:
            kept[name] = None if value is None else float(value)
        else:
            kept[name] = value if name in _AS_DATA else _plain(value)
    for name in kind.any_of:
        of, number = rest_pair(name)
        if of in kept:
            kept[name] = f"{kept[of]}:{kept[number]}" if kept[of] else None
            del kept[of], kept[number]
    return kept


def _plain(value: Any) -> Any:
    """Return a reference as an id, a reference to one of several types as `type:id`, a choice as its value."""
    match value:
        case {"__typename": str(name), **rest}:
            return f"{_TYPES.get(name, name)}:{rest.get('id', '')}"
        case {"object_type": str(name), "object_id": number}:
            return f"{name}:{number}"
        case {"id": number}:
            return int(number)
        case {"value": chosen}:
            return chosen
        case list():
            kept = [_plain(v) for v in value]  # references in the order of their ids: NetBox's is that of names
            return sorted(kept) if all(isinstance(v, int) for v in kept) else kept
        case _:
            return value


def merged(rows: Mapping[int, Row], asked: Collection[int], found: Mapping[int, Row]) -> dict[int, Row]:
    """Return the rows by id, without those that were asked for and not found."""
    kept = {i: row for i, row in rows.items() if i not in asked} | dict(found)
    return dict(sorted(kept.items()))


def dangling(rows: Rows, kinds: Iterable[str], among: Rows | None = None) -> Iterator[tuple[ReadType, int]]:
    """Yield every object that refers to something, of one of these kinds, that is not there.

    Args:
        among: those of the rows that are looked at; all of them if None.
    """
    gone_from = set(kinds)
    for kind in READ_TYPES:
        of = (among or rows)[kind.name]
        for name, target in kind.refers.items():
            if target not in gone_from:
                continue
            there = rows[target].keys()
            if name in kind.many:
                yield from ((kind, i) for i, row in of.items() if (refs := row.get(name)) and not there >= set(refs))
            elif gone := {row.get(name) for row in of.values()} - there - {None}:
                yield from ((kind, i) for i, row in of.items() if row.get(name) in gone)
        for name, types in kind.any_of.items():
            found = {t: rows[BY_TYPE[t].name] for t in types if t in BY_TYPE and BY_TYPE[t].name in gone_from}
            for i, row in of.items() if found else ():
                type_of, _, number = (row.get(name) or "").partition(":")
                if type_of in found and int(number) not in found[type_of]:
                    yield kind, i
