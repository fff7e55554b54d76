"""`samdrift inventory seed`: look at NetBox, and write what it lacks of a fleet. Thin: `writes.py` decides.

Broken off wherever it may be, it is simply run again: what is there by then is not written again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from itertools import groupby
from typing import Any, Protocol

from inventory.fleet import Fleet
from inventory.netbox.assemble_links import traced
from inventory.netbox.client import NetBox, at_once
from inventory.netbox.faults import NetBoxError
from inventory.netbox.meaning import PATHS, Rows
from inventory.netbox.read_types import BY_NAME
from inventory.netbox.read_types import PATHS as TRACED
from inventory.netbox.rows import Rows as Kept
from inventory.netbox.rows import plain
from inventory.netbox.session import Row
from inventory.netbox.wanted import Json, Ref, Termination
from inventory.netbox.write_types import WRITE_TYPES, WriteType
from inventory.netbox.writes import Write, Writes, writes

CHUNK = 25
"""Objects a request: a progress bar that moves every few seconds."""


class Watching(Protocol):
    """An observer of the writing. (An observer of `deploy` is one.)"""

    def stage(self, title: str, hosts: Sequence[str], things: str = "host") -> None:
        """Report that objects of one kind are written now: these, by name."""

    def host(self, host: str, state: str, detail: str = "") -> None:
        """Report that one object is written."""


def planned(netbox: NetBox, fleet: Fleet) -> Writes:
    """Plan what must be written to this NetBox. Reads it, and writes nothing.

    Raises:
        InTheWay: NetBox holds what contradicts the fleet.
        NetBoxError: it cannot be read.
    """
    return writes(look(netbox), fleet)


def look(netbox: NetBox) -> Rows:
    """Read everything in NetBox that a fleet could mean."""
    own = [kind for kind in WRITE_TYPES if not kind.completes]
    found = at_once([partial(_all_of, netbox, kind) for kind in own])
    rows = {kind.name: rows for kind, rows in zip(own, found, strict=True)}
    return rows | {PATHS: _paths(netbox, rows)}


def _paths(netbox: NetBox, rows: Rows) -> list[Row]:
    """Read where NetBox's traces lead from the interfaces whose own cable does not say it."""
    kinds = {"cables": "cable", "interfaces": "interface"}
    kept = {name: {r["id"]: plain(BY_NAME[name], r) for r in rows[kind]} for name, kind in kinds.items()}
    ids = traced(Kept(kept))
    return list(netbox.rows(TRACED.endpoint, fields=("device", "name", *TRACED.values), ids=ids)) if ids else []


def _all_of(netbox: NetBox, kind: WriteType) -> list[Row]:
    return list(netbox.rows(kind.endpoint, fields=kind.reads))


def carry_out(netbox: NetBox, fleet: Fleet, plan: Writes, watching: Watching) -> None:
    """Write what was planned, and look again whether NetBox says now what the fleet says.

    Raises:
        NetBoxError: NetBox refuses something, or does not keep it; what was written before stays.
    """
    if not plan.writes:
        return
    ids = dict(plan.ids)
    hosts = [w for w in plan.writes if _is_host(w)]
    before = plan.writes[: plan.writes.index(hosts[-1]) + 1] if hosts else ()
    _write(netbox, before, ids, watching)
    rest = plan.writes[len(before) :]
    if any(w.creates for w in hosts) and any(netbox.rows("dcim/interface-templates", fields=("name",))):
        # NetBox has made interfaces of the new devices, as their types say.
        again = planned(netbox, fleet)
        rest, ids = again.writes, dict(again.ids)
    _write(netbox, rest, ids, watching)
    left = planned(netbox, fleet).writes
    if left:
        what = f"after writing, {len(left)} of its objects still differ, the first in {', '.join(left[0].fields)}"
        raise NetBoxError(what, where=f"{left[0].title} of NetBox", fix="has somebody else changed it? run it again")


def _is_host(write: Write) -> bool:
    return write.kind.name in {"device", "virtual machine"}


def _write(netbox: NetBox, writes: Sequence[Write], ids: dict[Ref, int], watching: Watching) -> None:
    """Carry these out in their order, in bulk; the ids of what is made are noted."""
    for _, same in groupby(writes, key=lambda w: (w.kind.endpoint, w.kind.name, w.creates, w.after)):
        together = list(same)
        watching.stage(f"writing {together[0].kind.name}", [w.title for w in together], "object")
        for start in range(0, len(together), CHUNK):
            _request(netbox, together[start : start + CHUNK], ids)
            for write in together[start : start + CHUNK]:
                watching.host(write.title, "done")


def _request(netbox: NetBox, some: Sequence[Write], ids: dict[Ref, int]) -> None:
    """Carry out these, which are alike, in one request."""
    endpoint, rows = some[0].kind.endpoint, [_row(write, ids) for write in some]
    try:
        if some[0].creates:
            made = netbox.create(endpoint, rows)
            ids |= {Ref(w.kind.name, w.key): row["id"] for w, row in zip(some, made, strict=True)}
        else:
            netbox.update(endpoint, rows)
    except NetBoxError as e:
        raise _named(e, some, rows) from None


def _row(write: Write, ids: Mapping[Ref, int]) -> Row:
    row = {name: _as_written(value, ids) for name, value in write.fields.items()}
    if write.target is not None:
        row["id"] = _as_written(write.target, ids)
    return row


def _as_written(value: Any, ids: Mapping[Ref, int]) -> Any:
    """Return a value as NetBox takes it: references by id."""
    match value:
        case Ref():
            return ids[value]
        case Termination():
            return [{"object_type": "dcim.interface", "object_id": ids[value.at]}]
        case Json():
            return value.value
        case frozenset():
            return sorted(_as_written(v, ids) for v in value)
        case _:
            return value


def _named(error: NetBoxError, some: Sequence[Write], rows: Sequence[Row]) -> NetBoxError:
    """Return the error with the names of objects and fields instead of numbers, if NetBox says which they are."""
    faults = []
    for fault in error.body.get("errors", ()) if isinstance(error.body, dict) else ():
        match fault:
            case {"index": int(index), "errors": dict(fields)} if index < len(some):
                faults.append((some[index], fields))
            case {"id": int(id_), "errors": dict(fields)}:
                faults += [(w, fields) for w, row in zip(some, rows, strict=True) if row.get("id") == id_]
    if not faults:
        return error
    write, fields = faults[0]
    refusal = "; ".join(
        f"{name}: {' '.join(map(str, refusal if isinstance(refusal, list) else [refusal]))}"
        for name, refusal in fields.items()
    )
    more = f" (and {len(faults) - 1} more like it)" if len(faults) > 1 else ""
    fix = "mend it in the snapshot or in NetBox, and run it again"
    what = f"NetBox refuses it ({error.status}): {refusal[:500]}{more}"
    return NetBoxError(what, where=write.title, fix=fix, status=error.status, body=error.body)
