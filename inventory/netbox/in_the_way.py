"""What in NetBox contradicts a fleet in a way that only people can settle: nothing is written until they have. Pure.

Not here: what must be written (`writes.py`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence, Set

from inventory.errors import Problem
from inventory.netbox.assemble_hosts import NOT_CONFIGURED
from inventory.netbox.assemble_links import CONNECTED
from inventory.netbox.assemble_network import UNUSED_PREFIX
from inventory.netbox.meaning import SPLIT, id_of
from inventory.netbox.session import Row
from inventory.netbox.there import There
from inventory.netbox.wanted import Ref, Termination, Wanted
from inventory.netbox.write_types import WriteType


def in_the_way(
    kind: WriteType, wanted: Sequence[Wanted], there: There, touched: Set[Ref] = frozenset()
) -> Iterator[Problem]:
    """Yield what is in the way of these objects.

    Args:
        touched: what would be written.
    """
    for one in wanted:
        if Ref(kind.name, one.key) in there.twice:
            fix = "remove or rename the others in NetBox"
            yield Problem("netbox-twice", kind.title(one.key), "NetBox has more than one that is called so", fix)
        yield from _padded(kind, one)
    if kind.unique:
        yield from _names_taken(kind, wanted, there)
    if kind.name in SPECIAL:
        for one in wanted:
            if kind.name != "service" or Ref(kind.name, one.key) in touched:
                yield from SPECIAL[kind.name](kind, one, there)


def _padded(kind: WriteType, wanted: Wanted) -> Iterator[Problem]:
    """Yield texts with blanks at an end: NetBox cuts those, so that the text would never be as it should."""
    for name, value in wanted.fields.items():
        if isinstance(value, str) and value != value.strip():
            where = f"{kind.title(wanted.key)}, {name}"
            yield Problem(
                "netbox-text", where, f"{value!r} begins or ends with a blank", "NetBox keeps none: remove it"
            )


def _names_taken(kind: WriteType, wanted: Sequence[Wanted], there: There) -> Iterator[Problem]:
    """Yield the names that another object has, and keeps."""
    saying = {w.key: w.fields if Ref(kind.name, w.key) in there.ids else {**w.once, **w.fields} for w in wanted}
    new_names = {
        key: fields[kind.unique]
        for key, fields in saying.items()
        if kind.unique in fields and not any(fields.get(f) for f in kind.within)
    }
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
"""What NetBox lets a host be, if its FIELD_CHOICES add nothing."""


def _host_in_the_way(kind: WriteType, wanted: Wanted, there: There) -> Iterator[Problem]:
    title, name = kind.title(wanted.key), wanted.key[0]
    other = "virtual machine" if kind.name == "device" else "device"
    if Ref(other, wanted.key) in there.ids:
        what = f"in NetBox, {name} is a {other}"
        yield Problem("netbox-kind", title, what, "rename or remove that one, or correct the host's kind")
    row = there.rows.get(Ref(kind.name, wanted.key))
    status = wanted.fields.get("status")
    if status and status not in STATUSES[kind.name] and (row is None or id_of(row["status"]) != status):
        fix = f"choose one of {', '.join(STATUSES[kind.name])}"
        yield Problem("netbox-status", f"{title}, status", f"in NetBox, no {kind.name} can be {status!r}", fix)
    if row and row["site"] and "site" in wanted.fields and not there.says(wanted.fields["site"], row["site"]):
        what = f"in NetBox, a {kind.name} of this name is at {row['site']['slug']}"
        yield Problem("netbox-site", f"{title}, site", what, "move or rename it in NetBox, or correct the snapshot")


def _prefix_in_the_way(kind: WriteType, wanted: Wanted, there: There) -> Iterator[Problem]:
    row = there.rows.get(Ref(kind.name, wanted.key))
    if row is not None and (why := UNUSED_PREFIX.get(id_of(row["status"]))):
        what = f"in NetBox, {why} (status {id_of(row['status'])})"
        yield Problem("netbox-prefix", f"{kind.title(wanted.key)}, status", what, "make it active in NetBox")


def _range_in_the_way(kind: WriteType, wanted: Wanted, there: There) -> Iterator[Problem]:
    row = there.rows.get(Ref(kind.name, wanted.key))
    if row is not None and id_of(row["status"]) != "active":
        what = f"in NetBox, its status is {id_of(row['status'])}"
        yield Problem("netbox-range", f"{kind.title(wanted.key)}, status", what, "make it active in NetBox")


def _context_in_the_way(kind: WriteType, wanted: Wanted, _: There) -> Iterator[Problem]:
    if not wanted.fields["data"].value:
        where = f"{kind.title(wanted.key)}, data"
        yield Problem(
            "netbox-context", where, "NetBox keeps no config context without data", "remove it, or say something"
        )


def _address_in_the_way(kind: WriteType, wanted: Wanted, there: There) -> Iterator[Problem]:
    row = there.rows.get(Ref(kind.name, wanted.key))
    if row is None and wanted.like:
        row = there.shared.get(wanted.like[1:])
    if row is None:
        return
    if id_of(row["status"]) in NOT_CONFIGURED:
        what = f"in NetBox, its status is {id_of(row['status'])}"
        yield Problem("netbox-address", f"{kind.title(wanted.key)}, status", what, "make it active in NetBox")
    if row["assigned_object_id"] is None:
        return
    at = row["assigned_object"] or {}
    holder = (at.get("device") or at.get("virtual_machine") or {}).get("name")
    host, interface = wanted.fields["assigned_object_id"].key
    if holder != host:
        who = f"{holder}:{at.get('name')}" if holder else f"{row['assigned_object_type']} {row['assigned_object_id']}"
        fix = "take it from there in NetBox, or correct the snapshot"
        where = f"{wanted.fields['address']} of {host}:{interface}, assigned object"
        yield Problem("netbox-address", where, f"in NetBox, {who} has this address", fix)


def _cable_in_the_way(kind: WriteType, wanted: Wanted, there: There) -> Iterator[Problem]:
    row = there.rows.get(Ref(kind.name, wanted.key))
    if row is not None:
        if row and id_of(row["status"]) != CONNECTED:
            what = f"in NetBox, its status is {id_of(row['status'])}"
            yield Problem("netbox-cable", f"{kind.title(wanted.key)}, status", what, "plug it in, or say so in NetBox")
        return
    hanging = there.hanging(wanted)
    plugged = there.plugged | {end: str(row["display"]) for end, row in there.loose.items() if row in hanging[1:]}
    for end in wanted.once.values():
        if isinstance(end, Termination) and (cable := plugged.get(end.at.key)) is not None:
            fix = "unplug it in NetBox, or correct the snapshot"
            where = f"{kind.title(wanted.key)}, {end.at.key[0]}:{end.at.key[1]}"
            yield Problem("netbox-cable", where, f"another cable is there in NetBox ({cable})", fix)


def _custom_field_in_the_way(kind: WriteType, wanted: Wanted, there: There) -> Iterator[Problem]:
    row = there.rows.get(Ref(kind.name, wanted.key))
    if row is not None and id_of(row["type"]) != wanted.once["type"]:
        what = f"in NetBox, its type is {id_of(row['type'])}, and samdrift's is {wanted.once['type']}"
        yield Problem("netbox-field", f"{kind.title(wanted.key)}, type", what, "rename that one in NetBox")


def _service_in_the_way(kind: WriteType, wanted: Wanted, there: There) -> Iterator[Problem]:
    row = there.rows.get(Ref(kind.name, wanted.key))
    if row is not None and row.get(SPLIT):
        what = "in NetBox, one service has this protocol and others, and they are not all as they should be"
        yield Problem("netbox-service", kind.title(wanted.key), what, "make it one service a protocol in NetBox")


SPECIAL: Mapping[str, Callable[[WriteType, Wanted, There], Iterator[Problem]]] = {
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
