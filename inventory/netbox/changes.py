"""What the change log says has to be read again, and whom a change of config contexts reaches. Pure.

NetBox's log has every change of every object that was made through its pages or its API, deletions too, and a few
things happen without an entry of their own; each is named here. Not here: reading the log, and the objects (`pull.py`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from inventory.netbox.custom_fields import WRITTEN_BACK
from inventory.netbox.read_types import ASSIGNED_BY, BY_NAME, BY_TYPE, ReadType
from inventory.netbox.rows import Rows
from inventory.netbox.session import Row

HOST_TYPES = {"dcim.device": "devices", "virtualization.virtualmachine": "virtual_machines"}
DEFINITIONS = {"extras.customfield", "extras.customfieldchoiceset"}
"""Changing one of these changes objects that the log does not name."""
MOVES = {"dcim.location": ("devices", "locations"), "dcim.rack": ("devices",)}
"""Moved to another site (a rack: to another location, too), these take what is in them along, which the log does not
say.
"""
TRACED = {
    "dcim.cable",
    "dcim.cabletermination",
    "dcim.frontport",
    "dcim.rearport",
    "dcim.portmapping",
    "circuits.circuit",
    "circuits.circuittermination",
}
"""What the path of a cable leads through. When one of these changes, NetBox traces the paths anew, and logs nothing."""
CHANNELS = ("channels", "channel_id", "parent")
"""What decides which channel of an interface a path leads to."""
NESTED = {"dcim.region", "dcim.sitegroup", "dcim.location", "dcim.devicerole", "dcim.platform"}
"""What lies in each other: who has one of these has the config contexts of all that it lies in."""
GROUPED = {"dcim.site": ("site", ("region", "group")), "tenancy.tenant": ("tenant", ("group",))}
"""What of a host decides on its config contexts through fields of its own."""
ASSIGNABLE = (
    NESTED
    | GROUPED.keys()
    | {"dcim.devicetype", "extras.tag", "tenancy.tenantgroup"}
    | {f"virtualization.cluster{more}" for more in ("", "type", "group")}
)
"""What a config context can be assigned by. Deleted, it is taken from the contexts that had it, which the log does not
say; and a context that is assigned to nothing any more is everybody's.
"""


@dataclass
class Stale:
    """The objects that must be read again.

    Attributes:
        ids: by kind, the objects that were made or changed, or may have been.
        gone: by kind, the objects that were deleted.
        kinds: kinds of which everything must be.
        paths: whether cables may lead elsewhere than they did.
        everything: why nothing that was read before can be relied upon; empty if it can.
    """

    ids: dict[str, set[int]] = field(default_factory=lambda: defaultdict(set))
    gone: dict[str, set[int]] = field(default_factory=lambda: defaultdict(set))
    kinds: set[str] = field(default_factory=set)
    paths: bool = False
    everything: str = ""

    def __bool__(self) -> bool:
        return bool(self.everything or self.paths or self.kinds or any(self.ids.values()) or any(self.gone.values()))


def stale_after(changes: Iterable[Row], rows: Rows) -> Stale:
    """Return what these entries of the change log make stale."""
    stale = Stale()
    for change in changes:
        of = change["changed_object_type"]
        if of in DEFINITIONS:
            stale.everything = "a custom field was changed"
        if (kind := BY_TYPE.get(of)) is not None:
            _note(stale, kind, change, rows)
        if of in MOVES and (_differs(change, "site") or (of == "dcim.rack" and _differs(change, "location"))):
            stale.kinds |= set(MOVES[of])
        if of == "dcim.cabletermination":
            stale.ids["cables"] |= {int(c) for data in _data(change) if (c := data.get("cable")) is not None}
        stale.paths |= of in TRACED or (of == "dcim.interface" and _changes_channels(change))
    for name, gone in stale.gone.items():
        stale.ids[name] -= gone
    return stale


def _note(stale: Stale, kind: ReadType, change: Row, rows: Rows) -> None:
    number = int(change["changed_object_id"])
    if _action(change) == "delete":
        stale.gone[kind.name].add(number)
    elif not (kind.type in HOST_TYPES and _is_write_back(change)):
        stale.ids[kind.name].add(number)
    if kind.name == "clusters":  # a cluster takes its virtual machines to its site, which the log does not say
        stale.ids["virtual_machines"] |= {i for i, vm in rows["virtual_machines"].items() if vm["cluster"] == number}


def _changes_channels(change: Row) -> bool:
    """Tell whether a change of an interface may change where cables lead. In doubt, yes."""
    if _action(change) == "update":
        return any(_differs(change, name) for name in CHANNELS)
    there = [data for data in _data(change) if data]
    return not there or any(data.get("cable", True) or any(map(data.get, CHANNELS)) for data in there)


def _is_write_back(change: Row) -> bool:
    """Tell whether a change of a host touched nothing but what samdrift itself writes there."""
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
    """Return an object before and after its change."""
    return change["prechange_data"] or {}, change["postchange_data"] or {}


def reached(changes: Iterable[Row], rows: Rows) -> dict[str, set[int]]:
    """Return the hosts whose merged config context these changes may have changed, by kind; more than those, but never
    fewer.

    It goes by the log alone, and not by how rows differ: what is read while somebody edits may hold a host as it was
    before a change and the config context as it was after it.

    Args:
        rows: as they are after the changes.
    """
    reaches = [reach for change in changes if (reach := _reach(change, rows)) is not None]
    found: dict[str, set[int]] = {kind: set() for kind in HOST_TYPES.values()}
    for kind, hosts in found.items():
        for i, host in rows[kind].items() if reaches else ():
            values = dict(_values(kind, host, rows))
            if any(reach(host, values) for reach in reaches):
                hosts.add(i)
    return found


Values = Mapping[str, set[int]]
"""What a config context can be assigned by, of one host, where it is known."""
Reach = Callable[[Row, Values], bool]
"""Whether a change reaches this host."""


def _reach(change: Row, rows: Rows) -> Reach | None:
    """Return which hosts a change reaches by itself; None if it reaches none. In doubt, all of them."""
    of, number = change["changed_object_type"], int(change["changed_object_id"])
    if (of in ASSIGNABLE and _action(change) == "delete") or (of in NESTED and _differs(change, "parent")):
        return lambda _host, _values: True
    if of in GROUPED:
        name, groups = GROUPED[of]
        return (lambda host, _values: host[name] == number) if any(_differs(change, g) for g in groups) else None
    if of != BY_NAME["config_contexts"].type:
        return None
    before, after = _data(change)
    if _action(change) == "update" and before and _meaning(before) == _meaning(after):
        return None
    versions = [v for v in (before, after, rows["config_contexts"].get(number)) if v]
    return lambda _host, values: any(_applies(context, values) for context in versions)


def _meaning(context: Row) -> Row:
    """Return the part of a config context that decides what is merged: neither its description nor the time of its last
    change.
    """
    return {k: v for k, v in context.items() if k not in {"description", "last_updated"}}


def _applies(context: Row, values: Values) -> bool:
    """Tell whether a config context may be merged into a host's. In doubt, yes."""
    return all(_may_match(context.get(name), values.get(name)) for name in ASSIGNED_BY)


def _may_match(assigned: object, values: set[int] | None) -> bool:
    """Tell whether what a context is assigned to may be among a host's values."""
    if not assigned or values is None or not isinstance(assigned, list):
        return True
    return any(number in values or not isinstance(number, int) for number in assigned)


def _values(kind: str, host: Row, rows: Rows) -> Iterator[tuple[str, set[int]]]:
    """Yield a host's `Values`. What a host may have that is not read (a device's cluster) is not among them."""
    yield "sites", {host["site"]}
    if (site := rows["sites"].get(host["site"])) is not None:
        yield "regions", _with_ancestors(rows["regions"], site["region"])
        yield "site_groups", _with_ancestors(rows["site_groups"], site["group"])
    yield "roles", _with_ancestors(rows["device_roles"], host["role"])
    yield "platforms", _with_ancestors(rows["platforms"], host["platform"])
    yield "tenants", {host["tenant"]}
    if (tenant := rows["tenants"].get(host["tenant"])) is not None:
        yield "tenant_groups", {tenant["group"]}
    yield "tags", set(host["tags"])
    if kind == "devices":
        yield "device_types", {host["device_type"]}
        yield "locations", _with_ancestors(rows["locations"], host["location"])
    else:
        yield from (("device_types", set()), ("locations", set()))  # a context with one of these is no VM's
        yield "clusters", {host["cluster"]}
        if (cluster := rows["clusters"].get(host["cluster"])) is not None:
            yield "cluster_types", {cluster["type"]}
            yield "cluster_groups", {cluster["group"]}


def _with_ancestors(rows: Mapping[int, Row], number: int | None) -> set[int]:
    """Return an object and all that it lies in: a context that is assigned to those is merged as well."""
    found: set[int] = set()
    while number is not None and number not in found:
        found.add(number)
        number = rows.get(number, {}).get("parent")
    return found
