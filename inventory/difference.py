"""What two fleets say differently: object by object, field by field. Pure.

Objects are the same by their key (a slug, a name, a prefix), whatever else of them differs. Within a host, interfaces
are the same by name and services by name and protocol; of a config context, every key is a field by itself.
Not here: how it looks (`deploy/views/inventory.py`), and where the fleets come from.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

from inventory.fleet import Fleet
from inventory.frozen import Frozen
from inventory.keys import KEYS
from inventory.order import in_order
from inventory.places import called, noun

DifferenceKind = Literal["added", "removed", "changed", "reordered"]

Path = tuple[str, ...]

KEYED: Mapping[Path, tuple[str, ...]] = {
    ("interfaces",): ("name",),
    ("services",): ("name", "protocol"),
}
"""Lists of objects, by their place in an object of the fleet, and the fields that such an object is known by."""

CONTEXTS = frozenset({"data", "context", "local_context"})
"""Fields that hold config contexts. There, a list is one value: NetBox replaces it as a whole."""


class FieldDifference(Frozen):
    """One field that two fleets say differently, or that one of them does not have.

    Attributes:
        path: where it is in the object: `("interfaces", "eth0", "addresses", "10.60.10.11/24")`.
        before: what the first fleet says, as plain data; None (also) where it says nothing.
        after: what the second says.
    """

    path: Path
    kind: DifferenceKind
    before: Any = None
    after: Any = None


class ObjectDifference(Frozen):
    """An object that only one of two fleets has, or that they say differently; then `fields` says how.

    Of an added or removed object, `fields` has everything that is not as usual.
    """

    section: str
    name: str
    kind: Literal["added", "removed", "changed"]
    fields: tuple[FieldDifference, ...]

    @property
    def title(self) -> str:
        """Name the object as people do: `VLAN 110 at heby-kommunhus`."""
        return f"{noun(self.section)} {self.name}"


def difference(before: Fleet, after: Fleet) -> tuple[ObjectDifference, ...]:
    """Return what must be done to the first fleet to make the second of it, section by section, by key.

    Both are taken in order (`inventory.order`), so that it is empty exactly where their digests are the same.
    """
    old, new = in_order(before), in_order(after)
    return tuple(d for section in KEYS for d in _of_section(section, old, new))


def _of_section(section: str, before: Fleet, after: Fleet) -> Iterator[ObjectDifference]:
    old, new = _by_name(getattr(before, section)), _by_name(getattr(after, section))
    for name in (*old, *(n for n in new if n not in old)):
        if name not in new:
            fields = _fields((), old[name].model_dump(mode="json", exclude_defaults=True), {})
            yield ObjectDifference(section=section, name=name, kind="removed", fields=tuple(fields))
        elif name not in old:
            fields = _fields((), {}, new[name].model_dump(mode="json", exclude_defaults=True))
            yield ObjectDifference(section=section, name=name, kind="added", fields=tuple(fields))
        elif fields := _fields((), old[name].model_dump(mode="json"), new[name].model_dump(mode="json")):
            yield ObjectDifference(section=section, name=name, kind="changed", fields=tuple(fields))


def _by_name(items: Sequence[Frozen]) -> dict[str, Frozen]:
    """Return the objects by the names that people use; a name that occurs again (in no sound fleet) gets a number."""
    seen: Counter[str] = Counter()
    named: dict[str, Frozen] = {}
    for item in items:
        name = called(item)
        seen[name] += 1
        named[name if seen[name] == 1 else f"{name} ({seen[name]})"] = item
    return named


def _fields(path: Path, before: Mapping[str, Any], after: Mapping[str, Any]) -> list[FieldDifference]:
    """Return what differs in these mappings, in the order of the first, then of the second."""
    found: list[FieldDifference] = []
    for key in (*before, *(k for k in after if k not in before)):
        where = (*path, key)
        if key not in after:
            found.append(FieldDifference(path=where, kind="removed", before=before[key]))
        elif key not in before:
            found.append(FieldDifference(path=where, kind="added", after=after[key]))
        else:
            found += between(where, before[key], after[key])
    return found


def between(path: Path, before: Any, after: Any) -> list[FieldDifference]:
    """Return what differs in two values of the field at this path, as deep as they have parts in common."""
    if _same(before, after):
        return []
    if isinstance(before, dict) and isinstance(after, dict):
        return _fields(path, before, after)
    if isinstance(before, list) and isinstance(after, list) and path[0] not in CONTEXTS:
        old, new = _keyed(path, before), _keyed(path, after)
        if old is not None and new is not None:
            return _members(path, old, new)
    return [FieldDifference(path=path, kind="changed", before=before, after=after)]


def _members(path: Path, before: dict[str, Any], after: dict[str, Any]) -> list[FieldDifference]:
    """Return what differs in two lists: members, and their order if removing and adding does not explain it."""
    found = _fields(path, before, after)
    kept = [k for k in before if k in after]
    if [*kept, *(k for k in after if k not in before)] != list(after):
        found.append(FieldDifference(path=path, kind="reordered", before=list(before), after=list(after)))
    return found


def _keyed(path: Path, items: Sequence[Any]) -> dict[str, Any] | None:
    """Return the members of a list by key; None if two have the same key."""
    names = KEYED.get(path)
    keys = [" ".join(str(i[n]) for n in names) if names else str(i) for i in items]
    return dict(zip(keys, items, strict=True)) if len(set(keys)) == len(keys) else None


def _same(one: Any, other: Any) -> bool:
    """Tell whether two values have the same digest: 1 is neither 1.0 nor true there, as in NetBox."""
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)
