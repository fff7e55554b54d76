"""Write-back: what a run did, told to NetBox: custom fields on the hosts, and a journal entry for each change.

Optional, and off unless asked for. What is written is decided here, purely, from the run's record; a NetBox that
cannot be written to is a warning and never a failed run, for the hosts are as the record says. The fields are
`inventory/netbox/custom_fields.py`'s; no pull reads them, so that what samdrift writes is no change of the fleet.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from ipaddress import ip_address
from typing import Any, Literal
from urllib.parse import urlsplit

from deploy.model.record import HostResult, Record
from inventory.errors import SamdriftError
from inventory.fleet import Host
from inventory.frozen import Frozen
from inventory.netbox.client import NetBox
from inventory.netbox.custom_fields import APPLIED_AT, APPLIED_BY, PLAN, STATE

HostKind = Literal["device", "vm"]

LISTS: Mapping[HostKind, tuple[str, str]] = {
    "device": ("dcim/devices", "dcim.device"),
    "vm": ("virtualization/virtual-machines", "virtualization.virtualmachine"),
}
"""Of each kind of host: its endpoint, and its type as journal entries name it."""

CONVERGED = frozenset({"changed", "in sync"})
LONGEST_LIST = 40
"""So many steps stand in a journal entry; the record has all."""


class Entry(Frozen):
    """The custom fields that NetBox gets for a host, and its journal entry, if anything changed."""

    host: str
    fields: dict[str, str]
    journal: str = ""
    journal_kind: Literal["success", "warning", "danger"] = "success"


def entries(record: Record) -> tuple[Entry, ...]:
    """Return what is written to NetBox for every host of a run: its state, what it was last given, and what was
    changed.
    """
    return tuple(_entry(record, host) for host in record.hosts if host.outcome != "skipped")


def _entry(record: Record, host: HostResult) -> Entry:
    well = host.outcome in CONVERGED
    # What a run of some roles left as it should be says nothing of the host's other roles.
    fields: dict[str, str] = {} if well and record.only_roles else {STATE.name: host.outcome}
    if record.command == "apply" and well:
        fields |= {
            APPLIED_AT.name: record.finished,
            APPLIED_BY.name: record.who,
            PLAN.name: record.plan_digest,
        }
    if not host.changed:
        return Entry(host=host.host, fields=fields)
    kind: Literal["success", "danger"] = "success" if well else "danger"
    return Entry(host=host.host, fields=fields, journal=_journal(record, host), journal_kind=kind)


def _journal(record: Record, host: HostResult) -> str:
    """Write a journal entry in NetBox's Markdown: who ran what, and by which plan."""
    shown = [f"- {_plain(step)}" for step in host.changed[:LONGEST_LIST]]
    more = len(host.changed) - len(shown)
    lines = [
        f"samdrift {record.command} by {_plain(record.who)}: {host.outcome}, {len(host.changed)} steps",
        *([f"Why: {_plain(record.reason)}"] if record.reason else []),
        f"Plan `{record.plan_digest}`, record `{record.id}`",
        "",
        *shown,
        *([f"- and {more} more"] if more else []),
    ]
    return "\n".join(lines)


def _plain(text: str) -> str:
    """Return the text on one line, and no Markdown to whoever reads it."""
    return re.sub(r"([\\`*_{}\[\]<>()#+!|~-])", r"\\\1", " ".join(text.split()))


def is_of_the_lab(url: str, lab_hosts: Iterable[Host]) -> bool:
    """Tell whether this NetBox is the lab's own, or on this machine: rehearsals are written to no other."""
    try:
        address = ip_address(urlsplit(url).hostname or "")
    except ValueError:
        return False
    return address.is_loopback or address in {a.ip for h in lab_hosts for a in h.addresses}


def write_back(netbox: NetBox, record: Record) -> tuple[str, ...]:
    """Tell NetBox. Returns what could not be told, a line each; raises nothing that NetBox is the reason of."""
    written = entries(record)
    warnings: list[str] = []
    try:
        called = _by_name(netbox)
        one = {e.host: called[e.host][0] for e in written if len(called[e.host]) == 1}
        if bad := sorted(e.host for e in written if e.host not in one):
            warnings.append(f"NetBox has none or several of this name, and was not told: {', '.join(bad)}")
        for kind in LISTS:
            _tell(netbox, kind, [(one[e.host][1], e) for e in written if e.host in one and one[e.host][0] == kind])
    except SamdriftError as e:
        warnings.append(f"NetBox was not told what this run did: {e}")
    return tuple(warnings)


def _by_name(netbox: NetBox) -> defaultdict[str, list[tuple[HostKind, int]]]:
    """Return kind and id of every host in NetBox by name: NetBox allows a name twice, or not at all."""
    called: defaultdict[str, list[tuple[HostKind, int]]] = defaultdict(list)
    for kind, (endpoint, _) in LISTS.items():
        for row in netbox.rows(endpoint, fields=("name",)):
            called[row["name"] or ""].append((kind, row["id"]))
    return called


def _tell(netbox: NetBox, kind: HostKind, written: Sequence[tuple[int, Entry]]) -> None:
    """Tell NetBox of these hosts of one kind, each with its id."""
    endpoint, type_ = LISTS[kind]
    netbox.update(endpoint, [{"id": id_, "custom_fields": e.fields} for id_, e in written])
    journal: list[dict[str, Any]] = [
        {
            "assigned_object_type": type_,
            "assigned_object_id": id_,
            "kind": e.journal_kind,
            "comments": e.journal,
        }
        for id_, e in written
        if e.journal
    ]
    netbox.create("extras/journal-entries", journal)
