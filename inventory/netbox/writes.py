"""What must be written to NetBox so that it says what a fleet says: an ordered list of writes. Pure.

What NetBox has and the fleet does not is left alone, and counted. Where the two contradict each other in a way that
only people can settle (an address that another host has), nothing is planned, and everything of it is said at once.
Not here: what a fleet wants (`wanted.py`), reading and writing (`seed.py`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from inventory.errors import InventoryError, Problem, SamdriftError
from inventory.fleet import Fleet
from inventory.netbox.in_the_way import in_the_way
from inventory.netbox.meaning import Rows, meant
from inventory.netbox.session import Row
from inventory.netbox.strangers import strangers
from inventory.netbox.there import OWN_KINDS, There
from inventory.netbox.wanted import AtLeast, Json, Key, Ref, Termination, Wanted
from inventory.netbox.write_types import WRITE_TYPES, WriteType


@dataclass(frozen=True)
class Write:
    """One object to make or to change.

    Attributes:
        target: None to make it; its id to change it, or a `Ref` if it is made by an earlier write.
        fields: all of it to make it; to change it, what changes.
        before: what NetBox says of these fields now.
        after: how many objects of its kind that are made too it must come after.
    """

    kind: WriteType
    key: Key
    target: int | Ref | None
    fields: Mapping[str, Any]
    before: Mapping[str, Any] = field(default_factory=dict)
    after: int = 0

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


# What is to be written

BY_NAME = {kind.name: kind for kind in OWN_KINDS}
BY_ID = frozenset({"scope_id", "assigned_object_id"})
"""Fields that hold an id; the field without `_id` says whose."""


def writes(netbox: Rows, fleet: Fleet) -> Writes:
    """Plan the writes after which NetBox, which has these rows, says what the fleet says.

    Raises:
        InTheWay: with everything in NetBox that contradicts the fleet.
    """
    rows = meant(netbox)
    wanted = {kind: tuple(kind.wanted(fleet)) for kind in WRITE_TYPES}
    there = There(rows, wanted)
    made = [w for kind in WRITE_TYPES for one in wanted[kind] if (w := _write(kind, one, there)) is not None]
    touched = _touched(made)
    problems = [p for kind in WRITE_TYPES for p in in_the_way(kind, wanted[kind], there, touched)]
    problems += strangers(wanted[BY_NAME["config context"]], {h.name for h in fleet.hosts}, there, touched)
    if problems:
        raise InTheWay(tuple(problems))
    keys = {kind: {w.key for w in wanted[kind]} for kind in OWN_KINDS}
    used = {
        (kind.name, there.ids[ref]) for kind in OWN_KINDS for k in keys[kind] if (ref := Ref(kind.name, k)) in there.ids
    }
    used |= {(w.kind.name, w.target) for w in made if isinstance(w.target, int)}
    left = Counter(kind.name for kind in OWN_KINDS for row in rows[kind.name] if (kind.name, row["id"]) not in used)
    return Writes(
        writes=_in_order(made),
        ids=there.ids,
        left_alone={kind.name: left[kind.name] for kind in OWN_KINDS if left[kind.name]},
        unchanged=sum(Ref(kind.name, key) not in touched for kind in OWN_KINDS for key in keys[kind]),
    )


def _touched(made: Sequence[Write]) -> frozenset[Ref]:
    return frozenset(Ref(w.kind.completes or w.kind.name, w.key) for w in made)


def _in_order(made: Sequence[Write]) -> tuple[Write, ...]:
    """Sort the writes so that what they refer to is there: of a kind, what others lie in first; but a name is freed
    before it is given to another.
    """
    creating = {Ref(w.kind.name, w.key): w for w in made if w.creates}
    order = {kind: i for i, kind in enumerate(WRITE_TYPES)}

    def after(write: Write, through: frozenset[Ref] = frozenset()) -> int:
        own = [v for v in write.fields.values() if isinstance(v, Ref) and v.kind == write.kind.name]
        return max(
            (1 + after(creating[v], through | {v}) for v in own if v in creating and v not in through), default=0
        )

    ranked = [replace(w, after=after(w)) for w in made]
    return tuple(sorted(ranked, key=lambda w: (order[w.kind], w.creates or w.after > 0, w.after)))


def _write(kind: WriteType, wanted: Wanted, there: There) -> Write | None:
    """Plan the write that makes this object what it should be, if any must."""
    ref = Ref(kind.completes or kind.name, wanted.key)
    row = there.rows.get(ref)
    if row is None:
        if hanging := there.hanging(wanted):
            return Write(kind, wanted.key, hanging[0]["id"], wanted.once, {f: hanging[0][f] for f in wanted.once})
        if not kind.completes:
            return Write(kind, wanted.key, None, {**wanted.fields, **wanted.once})
        fields = {f: v for f, v in wanted.fields.items() if v is not None}
        return Write(kind, wanted.key, ref, fields) if fields else None
    alike = kind.says(wanted, row)
    changed = {f: v for f, v in wanted.fields.items() if f not in alike and not there.says(v, row[f])}
    before = {f: _before(row, f, v) for f, v in changed.items()}
    changed = {f: v.union(row[f]) if isinstance(v, AtLeast) else v for f, v in changed.items()}
    return Write(kind, wanted.key, row["id"], changed, before) if changed else None


def _before(row: Row, name: str, wanted: Any) -> Any:
    """Return the value of a row's field that is to be changed."""
    if isinstance(wanted, Json):
        return Json(row[name])
    return row.get(name.removesuffix("_id"), row[name]) if name in BY_ID else row[name]
