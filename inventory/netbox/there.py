"""What NetBox has of what a fleet wants: rows found by what they are known by, and whether they say the same. Pure.

Not here: what rows mean (`meaning.py`), and what must be written where they differ (`writes.py`).
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from inventory.netbox.meaning import PATHS, Rows, id_of
from inventory.netbox.session import Row
from inventory.netbox.wanted import AtLeast, Json, Key, Ref, Termination, Wanted
from inventory.netbox.write_keys import address_like, ends
from inventory.netbox.write_types import WRITE_TYPES, WriteType

OWN_KINDS = tuple(k for k in WRITE_TYPES if not k.completes)


class There:
    """NetBox's rows, found by what they are known by.

    Attributes:
        ids: NetBox's id of what there is.
        rows: the row of what there is.
        twice: what more than one row is.
        plugged: the cable at an end, by device and interface.
        shared: an address that somebody shares, by itself and its VRF.
        loose: the cable that hangs with one end at this, and with the other nowhere.
    """

    def __init__(self, rows: Rows, wanted: Mapping[WriteType, Sequence[Wanted]]) -> None:
        self.ids: dict[Ref, int] = {}
        self.rows: dict[Ref, Row] = {}
        self.twice: set[Ref] = set()
        self.all = rows
        self.plugged: dict[Key, str] = {}
        self.loose: dict[Key, Row] = {}
        for kind in OWN_KINDS:
            for row in rows[kind.name]:
                self._add(kind, row)
            self._take_alike(kind, wanted[kind])
        self._cables(rows["cable"])
        likes = ((address_like(row), row) for row in rows["address"])
        self.shared = {like[1:]: row for like, row in likes if like[0]}
        for near, far in _paths(rows.get(PATHS, ())):
            ref = Ref("cable", tuple(part for end in sorted((near, far)) for part in end))
            self.ids.setdefault(ref, 0)
            self.rows.setdefault(ref, {})

    def _add(self, kind: WriteType, row: Row) -> None:
        key = kind.key(row)
        if key is not None:
            ref = Ref(kind.name, key)
            if ref in self.ids:
                self.twice.add(ref)
            self.ids.setdefault(ref, row["id"])
            self.rows.setdefault(ref, row)

    def _take_alike(self, kind: WriteType, wanted: Sequence[Wanted]) -> None:
        """Take a row that nothing wanted is known by for that which is like it, if there is one only."""
        known = {one.key for one in wanted}
        alike: dict[Key, list[Row]] = defaultdict(list)
        for row in self.all[kind.name]:
            if (like := kind.like(row)) and kind.key(row) not in known:
                alike[like].append(row)
        for one in wanted:
            ref = Ref(kind.name, one.key)
            if one.like and ref not in self.ids and len(rows := alike[one.like]) == 1:
                self.rows[ref] = rows.pop()
                self.ids[ref] = self.rows[ref]["id"]

    def _cables(self, cables: Sequence[Row]) -> None:
        for cable in cables:
            sides = cable["a_terminations"], cable["b_terminations"]
            for end in (*ends(sides[0]), *ends(sides[1])):
                if len(sides[0]) + len(sides[1]) == 1:  # the other end was at something that is no more
                    self.loose[end] = cable
                else:
                    self.plugged[end] = str(cable["display"])

    def hanging(self, wanted: Wanted) -> list[Row]:
        """Return the cables that hang with one end at an end of this cable, and with the other nowhere."""
        at = [v.at.key for v in wanted.once.values() if isinstance(v, Termination)]
        at += [v.at.key for v in wanted.fields.values() if isinstance(v, Termination)]
        return [self.loose[end] for end in at if end in self.loose]

    def says(self, value: Any, has: Any) -> bool:  # noqa: PLR0911  a case each
        """Tell whether a row's field says what is wanted."""
        match value:
            case Json():
                return _canonical(value.value) == _canonical(has or None if value.value is None else has)
            case Ref(kind="VLAN"):
                return bool(has) and self._number(value) == has.get("vid", self._number(value))
            case Ref():
                return value in self.ids and self.ids[value] == id_of(has)
            case AtLeast():
                return value <= set(has)
            case frozenset() if any(isinstance(v, Ref) and v.kind == "VLAN" for v in value):
                return {self._number(v) for v in value} == {s["vid"] for s in has or ()}
            case frozenset():
                return {self.ids.get(v, v) if isinstance(v, Ref) else v for v in value} == {id_of(s) for s in has or ()}
            case dict():
                return all(v == (id_of((has or {}).get(k)) or None) for k, v in value.items())
            case _:
                return bool(value == id_of(has))

    @staticmethod
    def _number(vlan: Ref) -> int | str:
        """Return the number of a VLAN, which is all that a fleet says of one where it is used."""
        return vlan.key[-1]


def _canonical(value: Any) -> str:
    return json.dumps(value, sort_keys=True)


def _paths(rows: Sequence[Row]) -> Iterator[tuple[tuple[str, str], tuple[str, str]]]:
    """Yield the ends of the links that NetBox has traced: device and interface of each."""
    for row in rows:
        if row["connected_endpoints_reachable"] and row["connected_endpoints_type"] == "dcim.interface":
            for far in row["connected_endpoints"] or ():
                yield (row["device"]["name"], row["name"]), (far["device"]["name"], far["name"])
