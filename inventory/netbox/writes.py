"""What must be written to NetBox so that it says what a fleet says: an ordered list of writes. Pure.

What NetBox has and the fleet does not is left alone, and counted. Where the two contradict each other in a way that
only people can settle (an address that another host has), nothing is planned, and everything of it is said at once.
Not here: what a fleet wants (`wanted.py`), reading and writing (`seed.py`).
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from inventory.errors import InventoryError, Problem, SamdriftError
from inventory.fleet import Fleet
from inventory.netbox.session import Row
from inventory.netbox.wanted import AtLeast, Json, Key, Ref, Termination, Wanted
from inventory.netbox.write_types import WRITE_TYPES, WriteType, ends, protocol_of


@dataclass(frozen=True)
class Write:
    """One object to make or to change.

    Attributes:
        target: None to make it; its id to change it, or a `Ref` if it is made by an earlier write.
        fields: all of it to make it; to change it, what changes.
        before: what NetBox says of these fields now.
    """

    kind: WriteType
    key: Key
    target: int | Ref | None
    fields: Mapping[str, Any]
    before: Mapping[str, Any] = field(default_factory=dict)

    @property
    def creates(self) -> bool:
        """Tell whether the write creates an object."""
        return self.target is None

    @property
    def title(self) -> str:
        """Name the object as people do."""
        return self.kind.title(self.key)

    def plain(self) -> dict[str, Any]:
        """Return the write as plain data, with names instead of references."""
        return {
            "kind": self.kind.name,
            "object": self.title,
            "action": "create" if self.creates else "change",
            "before": {name: _plain(value) for name, value in self.before.items()},
            "fields": {name: _plain(value) for name, value in self.fields.items()},
        }


def _plain(value: Any) -> Any:  # noqa: PLR0911  a case each
    """Return a value as people read it, whether it is wanted or a row's."""
    match value:
        case Ref():
            return BY_NAME[value.kind].called.format(*value.key)
        case Termination():
            return _plain(value.at)
        case Json():
            return value.value
        case frozenset():
            return sorted(map(_plain, value), key=str)
        case list():
            return [_plain(v) for v in value]
        case {"value": chosen, "label": _}:
            return chosen
        case {"id": _, "display": display} | {"object": {"display": display}}:
            return display
        case dict():
            return {k: _plain(v) for k, v in value.items()}
        case _:
            return value


Rows = Mapping[str, Sequence[Row]]
"""NetBox's rows, by the name of their kind."""


@dataclass(frozen=True)
class Writes:
    """The objects to write, in an order in which NetBox takes them.

    Attributes:
        ids: NetBox's ids of what is there.
        left_alone: how many objects of a kind NetBox has that the fleet does not.
        unchanged: how many of the fleet's objects NetBox has just so.
    """

    writes: tuple[Write, ...]
    ids: Mapping[Ref, int]
    left_alone: Mapping[str, int]
    unchanged: int


class InTheWay(InventoryError):
    """NetBox holds what contradicts the fleet, and which of the two is right is not for samdrift to say."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        self.problems = problems
        lines = "\n".join(f"  {p}" for p in problems)
        what = f"nothing was written: {len(problems)} to mend in NetBox or in the snapshot first:\n{lines}"
        SamdriftError.__init__(self, what)


# What is there


class _There:
    """NetBox's rows, found by what they are known by."""

    def __init__(self, rows: Rows) -> None:
        self.ids: dict[Ref, int] = {}
        self.rows: dict[Ref, Row] = {}
        self.twice: set[Ref] = set()
        self.all = rows
        self.plugged: dict[Key, str] = {}
        self.loose: dict[Key, Row] = {}
        for kind in OWN_KINDS:
            for row in rows[kind.name]:
                key = kind.key(row)
                if key is None:
                    continue
                ref = Ref(kind.name, key)
                if ref in self.ids:
                    self.twice.add(ref)
                self.ids.setdefault(ref, row["id"])
                self.rows.setdefault(ref, row)

        for cable in rows["cable"]:
            sides = cable["a_terminations"], cable["b_terminations"]
            for end in (*ends(sides[0]), *ends(sides[1])):
                if len(sides[0]) + len(sides[1]) == 1:  # the other end was at something that is no more
                    self.loose[end] = cable
                else:
                    self.plugged[end] = str(cable["display"])

    def says(self, value: Any, has: Any) -> bool:
        """Tell whether a row's field says what is wanted."""
        match value:
            case Json():
                return _canonical(value.value) == _canonical(has or None if value.value is None else has)
            case Ref():
                return value in self.ids and self.ids[value] == _id(has)
            case AtLeast():
                return value <= set(has)
            case frozenset():
                return {self.ids.get(v, v) if isinstance(v, Ref) else v for v in value} == {_id(s) for s in has or ()}
            case dict():
                return all(v == (_id((has or {}).get(k)) or None) for k, v in value.items())
            case _:
                return bool(value == _id(has))


def _id(has: Any) -> Any:
    """Return a row's field as it is written: a choice's value, an object's id."""
    if isinstance(has, dict):
        return has["value"] if "value" in has else has.get("id")
    return has


def _canonical(value: Any) -> str:
    return json.dumps(value, sort_keys=True)


OWN_KINDS = tuple(k for k in WRITE_TYPES if not k.completes)
BY_NAME = {kind.name: kind for kind in OWN_KINDS}
BY_ID = frozenset({"scope_id", "assigned_object_id"})
"""Fields that hold an id; the field without `_id` says whose."""


# What is to be written


def writes(rows: Rows, fleet: Fleet) -> Writes:
    """Plan the writes after which NetBox, which has these rows, says what the fleet says.

    Raises:
        InTheWay: with everything in NetBox that contradicts the fleet.
    """
    rows = {**rows, "service": [part for row in rows["service"] for part in _by_protocol(row)]}
    there = _There(rows)
    wanted = {kind: tuple(kind.wanted(fleet)) for kind in WRITE_TYPES}
    problems = tuple(p for kind in WRITE_TYPES for p in _in_the_way(kind, wanted[kind], there))
    if problems:
        raise InTheWay(problems)
    made = [w for kind in WRITE_TYPES for one in wanted[kind] if (w := _write(kind, one, there)) is not None]
    order = {kind: i for i, kind in enumerate(WRITE_TYPES)}
    made.sort(key=lambda w: (order[w.kind], w.creates))  # a name is freed before it is given to another
    keys = {kind: {w.key for w in wanted[kind]} for kind in OWN_KINDS}
    changing = {(w.kind.name, w.target) for w in made}
    left = Counter(
        kind.name
        for kind in OWN_KINDS
        for row in rows[kind.name]
        if kind.key(row) not in keys[kind] and (kind.name, row["id"]) not in changing
    )
    touched = {Ref(w.kind.completes or w.kind.name, w.key) for w in made}
    return Writes(
        writes=tuple(made),
        ids=there.ids,
        left_alone={kind.name: left[kind.name] for kind in OWN_KINDS if left[kind.name]},
        unchanged=sum(Ref(kind.name, key) not in touched for kind in OWN_KINDS for key in keys[kind]),
    )


SHARED = "shared"
"""The field that marks a part of a service of several protocols."""


def _by_protocol(service: Row) -> Iterator[Row]:
    """Split a service into one a protocol, as a fleet knows services."""
    parts: dict[str, list[str]] = defaultdict(list)
    for mapping in service["port_mappings"] or ():
        parts[protocol_of(mapping)].append(mapping)
    for mappings in parts.values():
        yield {**service, "port_mappings": mappings, SHARED: len(parts) > 1}


def _write(kind: WriteType, wanted: Wanted, there: _There) -> Write | None:
    """Plan the write that makes this object what it should be, if any must."""
    ref = Ref(kind.completes or kind.name, wanted.key)
    row = there.rows.get(ref)
    if row is None:
        if loose := _loose(wanted, there):
            return Write(kind, wanted.key, loose[0]["id"], wanted.once, {f: loose[0][f] for f in wanted.once})
        if not kind.completes:
            return Write(kind, wanted.key, None, {**wanted.fields, **wanted.once})
        fields = {f: v for f, v in wanted.fields.items() if v is not None}
        return Write(kind, wanted.key, ref, fields) if fields else None
    changed = {f: v for f, v in wanted.fields.items() if not there.says(v, row[f])}
    before = {f: _before(row, f, v) for f, v in changed.items()}
    changed = {f: v.union(row[f]) if isinstance(v, AtLeast) else v for f, v in changed.items()}
    if changed.keys() & {"untagged_vlan", "tagged_vlans"}:
        changed["mode"] = wanted.once["mode"]
    return Write(kind, wanted.key, row["id"], changed, before) if changed else None


def _loose(wanted: Wanted, there: _There) -> list[Row]:
    """Return the cables that hang with one end at an end of this cable, and with the other nowhere."""
    at = [v.at.key for v in wanted.once.values() if isinstance(v, Termination)]
    return [there.loose[end] for end in at if end in there.loose]


def _before(row: Row, name: str, wanted: Any) -> Any:
    """Return the value of a row's field that is to be changed."""
    if isinstance(wanted, Json):
        return Json(row[name])
    return row.get(name.removesuffix("_id"), row[name]) if name in BY_ID else row[name]


# What is in the way


def _in_the_way(kind: WriteType, wanted: Sequence[Wanted], there: _There) -> Iterator[Problem]:
    for one in wanted:
        if Ref(kind.name, one.key) in there.twice:
            fix = "remove or rename the others in NetBox"
            yield Problem("netbox-twice", kind.title(one.key), "NetBox has more than one that is called so", fix)
        yield from _padded(kind, one)
    if kind.unique:
        yield from _names_taken(kind, wanted, there)
    if kind.name in SPECIAL:
        for one in wanted:
            yield from SPECIAL[kind.name](kind, one, there)


def _padded(kind: WriteType, wanted: Wanted) -> Iterator[Problem]:
    """Yield texts with blanks at an end: NetBox cuts those, so that the text would never be as it should."""
    for name, value in wanted.fields.items():
        if isinstance(value, str) and value != value.strip():
            where = f"{kind.title(wanted.key)}, {name}"
            yield Problem(
                "netbox-text", where, f"{value!r} begins or ends with a blank", "NetBox keeps none: remove it"
            )


def _names_taken(kind: WriteType, wanted: Sequence[Wanted], there: _There) -> Iterator[Problem]:
    """Yield the names that another object has, and keeps."""
    new_names = {one.key: one.fields[kind.unique] for one in wanted if kind.unique in one.fields}
    holders: dict[str, list[Row]] = defaultdict(list)
    for row in there.all[kind.name]:
        if not any(row[f] for f in kind.within):
            holders[row[kind.unique]].append(row)
    for key, name in new_names.items():
        for row in holders[name]:
            other = kind.key(row)
            if other != key and new_names.get(other or (), name) == name:
                whose = kind.title(other) if other else f"{kind.name} {row['id']}"
                where = f"{kind.title(key)}, {kind.unique}"
                yield Problem("netbox-name", where, f"{name!r} is the name of {whose} in NetBox", "rename one of them")


STATUSES = {
    "device": ("active", "planned", "staged", "offline", "failed", "inventory", "decommissioning"),
    "virtual machine": ("active", "planned", "staged", "offline", "failed", "paused", "decommissioning"),
}
"""What NetBox 4.7 lets a host be."""


def _host_in_the_way(kind: WriteType, wanted: Wanted, there: _There) -> Iterator[Problem]:
    title, name = kind.title(wanted.key), wanted.key[0]
    other = "virtual machine" if kind.name == "device" else "device"
    if Ref(other, wanted.key) in there.ids:
        what = f"in NetBox, {name} is a {other}"
        yield Problem("netbox-kind", title, what, "rename or remove that one, or correct the host's kind")
    status = wanted.fields["status"]
    if status not in STATUSES[kind.name]:
        fix = f"choose one of {', '.join(STATUSES[kind.name])}"
        yield Problem("netbox-status", f"{title}, status", f"in NetBox, no {kind.name} can be {status!r}", fix)
    row = there.rows.get(Ref(kind.name, wanted.key))
    if row and row["site"] and not there.says(wanted.fields["site"], row["site"]):
        what = f"in NetBox, a {kind.name} of this name is at {row['site']['slug']}"
        yield Problem("netbox-site", f"{title}, site", what, "move or rename it in NetBox, or correct the snapshot")


def _prefix_in_the_way(kind: WriteType, wanted: Wanted, there: _There) -> Iterator[Problem]:
    row = there.rows.get(Ref(kind.name, wanted.key))
    if row is not None and _id(row["status"]) == "container":
        what = "in NetBox, it only contains others (status container)"
        yield Problem("netbox-prefix", f"{kind.title(wanted.key)}, status", what, "make it active in NetBox")


def _range_in_the_way(kind: WriteType, wanted: Wanted, there: _There) -> Iterator[Problem]:
    row = there.rows.get(Ref(kind.name, wanted.key))
    if row is not None and _id(row["status"]) != "active":
        what = f"in NetBox, its status is {_id(row['status'])}"
        yield Problem("netbox-range", f"{kind.title(wanted.key)}, status", what, "make it active in NetBox")


def _context_in_the_way(kind: WriteType, wanted: Wanted, _: _There) -> Iterator[Problem]:
    if not wanted.fields["data"].value:
        where = f"{kind.title(wanted.key)}, data"
        yield Problem(
            "netbox-context", where, "NetBox keeps no config context without data", "remove it, or say something"
        )


def _address_in_the_way(kind: WriteType, wanted: Wanted, there: _There) -> Iterator[Problem]:
    row = there.rows.get(Ref(kind.name, wanted.key))
    if row is None or row["assigned_object_id"] is None:
        return
    at = row["assigned_object"] or {}
    holder = (at.get("device") or at.get("virtual_machine") or {}).get("name")
    host, interface = wanted.fields["assigned_object_id"].key
    if holder != host:
        who = f"{holder}:{at.get('name')}" if holder else f"{row['assigned_object_type']} {row['assigned_object_id']}"
        fix = "take it from there in NetBox, or correct the snapshot"
        where = f"{wanted.fields['address']} of {host}:{interface}, assigned object"
        yield Problem("netbox-address", where, f"in NetBox, {who} has this address", fix)


def _cable_in_the_way(kind: WriteType, wanted: Wanted, there: _There) -> Iterator[Problem]:
    if Ref(kind.name, wanted.key) in there.ids:
        return
    loose = _loose(wanted, there)
    plugged = there.plugged | {end: str(row["display"]) for end, row in there.loose.items() if row in loose[1:]}
    for end in wanted.once.values():
        if (cable := plugged.get(end.at.key)) is not None:
            fix = "unplug it in NetBox, or correct the snapshot"
            where = f"{kind.title(wanted.key)}, {end.at.key[0]}:{end.at.key[1]}"
            yield Problem("netbox-cable", where, f"another cable is there in NetBox ({cable})", fix)


def _custom_field_in_the_way(kind: WriteType, wanted: Wanted, there: _There) -> Iterator[Problem]:
    row = there.rows.get(Ref(kind.name, wanted.key))
    if row is not None and _id(row["type"]) != wanted.once["type"]:
        what = f"in NetBox, its type is {_id(row['type'])}, and samdrift's is {wanted.once['type']}"
        yield Problem("netbox-field", f"{kind.title(wanted.key)}, type", what, "rename that one in NetBox")


def _service_in_the_way(kind: WriteType, wanted: Wanted, there: _There) -> Iterator[Problem]:
    row = there.rows.get(Ref(kind.name, wanted.key))
    if row is not None and row.get(SHARED) and _write(kind, wanted, there) is not None:
        what = "in NetBox, one service has this protocol and others, and they are not all as they should be"
        yield Problem("netbox-service", kind.title(wanted.key), what, "make it one service a protocol in NetBox")


SPECIAL: Mapping[str, Callable[[WriteType, Wanted, _There], Iterator[Problem]]] = {
    "custom field": _custom_field_in_the_way,
    "config context": _context_in_the_way,
    "device": _host_in_the_way,
    "virtual machine": _host_in_the_way,
    "prefix": _prefix_in_the_way,
    "range": _range_in_the_way,
    "address": _address_in_the_way,
    "cable": _cable_in_the_way,
    "service": _service_in_the_way,
}
"""What can be in the way of objects of a kind, besides their names."""
