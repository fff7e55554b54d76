"""What the change log says has to be read again, and whom a change of config contexts reaches. Pure.

NetBox's log has every change of every object that was made through its pages or its API, deletions too, and a few
things happen without an entry of their own; each is named here. Not here: reading the log, and the objects (`pull.py`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from inventory.netbox.client import Row
from inventory.netbox.custom_fields import WRITTEN_BACK
from inventory.netbox.rows import ASSIGNED_BY, ASSIGNED_BY_MORE, BY_TYPE, Kind, Rows

HOST_TYPES = {"dcim.device": "devices", "virtualization.virtualmachine": "virtual_machines"}
DEFINITIONS = {"extras.customfield", "extras.customfieldchoiceset"}
"""Changing one of these changes objects that the log does not name."""
MOVES_DEVICES = {"dcim.location", "dcim.rack"}
"""Moved to another site, these take their devices with them, which the log does not say."""
NESTED = ("regions", "platforms", "device_roles")


@dataclass
class Stale:
    """What must be read again.

    Attributes:
        ids: by kind, the objects that were made or changed, or may have been.
        gone: by kind, the objects that were deleted.
        kinds: kinds of which everything must be.
        everything: why nothing that was read before can be relied upon; empty if it can.
    """

    ids: dict[str, set[int]] = field(default_factory=lambda: defaultdict(set))
    gone: dict[str, set[int]] = field(default_factory=lambda: defaultdict(set))
    kinds: set[str] = field(default_factory=set)
    everything: str = ""

    def __bool__(self) -> bool:
        return bool(self.everything or self.kinds or any(self.ids.values()) or any(self.gone.values()))


def stale_after(changes: Iterable[Row], rows: Rows) -> Stale:
    """What these entries of the change log make stale."""
    stale = Stale()
    for change in changes:
        kind = BY_TYPE.get(change["changed_object_type"])
        if kind is not None:
            _note(stale, kind, change, rows)
        elif change["changed_object_type"] in DEFINITIONS:
            stale.everything = "a custom field was changed"
        elif change["changed_object_type"] == "dcim.cabletermination":
            stale.ids["cables"] |= {int(c) for data in _data(change) if (c := data.get("cable")) is not None}
        elif change["changed_object_type"] in MOVES_DEVICES and _differs(change, "site"):
            stale.kinds.add("devices")
    for name, gone in stale.gone.items():
        stale.ids[name] -= gone
    return stale


def _note(stale: Stale, kind: Kind, change: Row, rows: Rows) -> None:
    number = int(change["changed_object_id"])
    if _action(change) == "delete":
        stale.gone[kind.name].add(number)
    elif not (kind.type in HOST_TYPES and _is_write_back(change)):
        stale.ids[kind.name].add(number)
    if kind.name == "clusters":  # a cluster takes its virtual machines to its site, which the log does not say
        stale.ids["virtual_machines"] |= {i for i, vm in rows["virtual_machines"].items() if vm["cluster"] == number}


def _is_write_back(change: Row) -> bool:
    """Whether a change of a host touched nothing but what samdrift itself writes there."""
    before, after = (_without_own(data) for data in _data(change))
    return _action(change) == "update" and before == after


def _without_own(data: Mapping[str, object]) -> Row:
    own = {f.name for f in WRITTEN_BACK}
    fields = data.get("custom_fields")
    kept = {k: v for k, v in fields.items() if k not in own} if isinstance(fields, dict) else fields
    return {**data, "custom_fields": kept, "last_updated": None}


def _differs(change: Row, name: str) -> bool:
    before, after = _data(change)
    return _action(change) == "update" and before.get(name) != after.get(name)


def _action(change: Row) -> str:
    action = change["action"]
    return str(action.get("value") if isinstance(action, dict) else action)


def _data(change: Row) -> tuple[Row, Row]:
    """An object before and after its change."""
    return change["prechange_data"] or {}, change["postchange_data"] or {}


def reached(before: Rows, after: Rows) -> dict[str, set[int]]:
    """The hosts whose merged config context may be another one now, by kind; more than those, but never fewer."""
    if any(_column(before, kind, "parent") != _column(after, kind, "parent") for kind in NESTED):
        return {kind: set(after[kind]) for kind in HOST_TYPES.values()}
    found: dict[str, set[int]] = {kind: set() for kind in HOST_TYPES.values()}
    old, new = before["config_contexts"], after["config_contexts"]
    changed = [i for i in old.keys() | new.keys() if _meaning(old.get(i)) != _meaning(new.get(i))]
    moved = {i for i, site in after["sites"].items() if site["region"] != before["sites"].get(i, site)["region"]}
    if not changed and not moved:
        return found
    contexts = [row for i in changed for row in (old.get(i), new.get(i)) if row is not None]
    for kind, hosts in found.items():
        for i, host in after[kind].items():
            if host["site"] in moved or any(
                _applies(c, kind, host, rows) for c in contexts for rows in (before, after)
            ):
                hosts.add(i)
    return found


def _column(rows: Rows, kind: str, name: str) -> dict[int, object]:
    return {i: row[name] for i, row in rows[kind].items() if row[name] is not None}


def _meaning(context: Row | None) -> Row | None:
    """What of a config context can change what is merged."""
    return None if context is None else {k: v for k, v in context.items() if k != "description"}


def _applies(context: Row, kind: str, host: Row, rows: Rows) -> bool:
    """Whether a config context may be merged into a host's. Not sure means yes."""
    if any(context[name] for name in ASSIGNED_BY_MORE):
        return True
    values = dict(_values(kind, host, rows))
    return all(not context[name] or name not in values or values[name] & set(context[name]) for name in ASSIGNED_BY)


def _values(kind: str, host: Row, rows: Rows) -> Iterator[tuple[str, set[int]]]:
    """What a config context can be assigned by, of this host, where it is known."""
    site = rows["sites"].get(host["site"])
    yield "sites", {host["site"]}
    yield "regions", {site["region"]} if site else set()
    yield "roles", {host["role"]}
    yield "platforms", {host["platform"]}
    yield "tenants", {host["tenant"]}
    yield "tags", set(host["tags"])
    if kind == "devices":
        yield "device_types", {host["device_type"]}
    else:
        yield "clusters", {host["cluster"]}
