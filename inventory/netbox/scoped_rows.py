"""Which rows of a NetBox a scope needs: its hosts, those at the other ends of their cables, and what is theirs. Pure.

A scope is turned into ids of sites, tenants and tags, since all of these are read anyway. So NetBox is asked with the
same ids by which its answer is judged here, and a nested region need not mean to both what it means to one of them.
Not here: asking NetBox (`scoped_pull.py`), and which of these hosts are managed and known (`inventory/parts.py`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from inventory.netbox.assemble_hosts import FHRP_GROUP
from inventory.netbox.assemble_links import interfaces_of, pairs, traced
from inventory.netbox.making import Making
from inventory.netbox.read_types import BY_NAME, PATHS
from inventory.netbox.rows import Rows
from inventory.netbox.session import Row
from inventory.scope import KINDS, Criteria, Scope

INTERFACES = {"devices": ("interfaces", "device"), "virtual_machines": ("vm_interfaces", "virtual_machine")}
"""By the kind of a host, the kind of its interfaces, and the field that names the host."""
PARTLY_READ = frozenset({*INTERFACES, *(kind for kind, _ in INTERFACES.values()), "services", "ip_addresses"})
"""The kinds of which only what a scope needs is read. All others come whole: they are few, or, as prefixes, VLANs and
contexts, a host in the scope may need anybody's. Cables are among these, since the trace of one may lead through
anybody's panels, and through some from one end only.
"""
CHUNK = 100
"""Ids a request: filters have longer names than `id`, and gunicorn refuses a URL of more than 4,094 letters."""

Filter = Mapping[str, Sequence[int]]
"""REST's parameters: names of filters, and the ids of which one must be an object's."""
Test = tuple[str, frozenset[int]]
"""A field of a host, and the ids of which it must have one."""


class Chosen(NamedTuple):
    """A scope as ids: what a host must have, and what it must not."""

    wanted: tuple[Test, ...]
    excluded: tuple[Test, ...]

    def holds(self, host: Row) -> bool:
        """Tell whether a host is in the scope."""
        return all(_has(host, test) for test in self.wanted) and not any(_has(host, test) for test in self.excluded)

    def filters(self) -> list[Filter]:
        """Return filters that together give the hosts in the scope, and perhaps more."""
        alternatives: list[Filter] = [{}]
        for field, name in FILTERS.items():
            named = [ids for of, ids in self.wanted if of == field]
            not_these = frozenset[int]().union(*(ids for of, ids in self.excluded if of == field))
            if named:
                size = 1 if field == "tags" else CHUNK // 3  # of several tags, NetBox wants a host to have all
                ids = named[0].intersection(*named[1:]) - not_these
                alternatives = [{**one, **more} for one in alternatives for more in by(name, ids, size)]
            elif 0 < len(not_these) <= CHUNK // 3:
                alternatives = [{**one, f"{name}__n": sorted(not_these)} for one in alternatives]
        return alternatives


FILTERS = {"site": "site_id", "tenant": "tenant_id", "tags": "tag_id"}
"""What NetBox filters a host by, by the field: the same names for devices and virtual machines, from 4.4 to 4.7."""


def by(name: str, ids: Iterable[int], size: int = CHUNK) -> Iterator[Filter]:
    """Yield filters of this name that together give the objects that have one of these ids."""
    every = sorted(ids)
    yield from ({name: every[at : at + size]} for at in range(0, len(every), size))


def _has(host: Row, test: Test) -> bool:
    field, ids = test
    value = host[field]
    return not ids.isdisjoint(value) if isinstance(value, list) else value in ids


def chosen(scope: Scope, rows: Rows) -> Chosen:
    """Return a scope as ids, by the places, tenants and tags of these rows."""
    slugs = Making(rows).slugs
    return Chosen(tuple(_tests(scope, rows, slugs)), tuple(_tests(scope.excluded, rows, slugs)))


def _tests(criteria: Criteria, rows: Rows, slugs: Mapping[str, Mapping[int, str]]) -> Iterator[Test]:
    for kind in KINDS:
        named: tuple[str, ...] = getattr(criteria, kind)
        if not named:
            continue
        ids = frozenset(i for i, slug in slugs[kind].items() if slug in named)
        if kind in WITHIN:
            of, field = WITHIN[kind]
            ids = _with_descendants(rows[kind], ids)
            yield of.removesuffix("s"), frozenset(i for i, row in rows[of].items() if row[field] in ids)
        else:
            yield "tags" if kind == "tags" else kind.removesuffix("s"), ids


WITHIN = {
    "tenant_groups": ("tenants", "group"),
    "regions": ("sites", "region"),
    "site_groups": ("sites", "group"),
}
"""What hosts are in by way of their site or tenant: whose, and the field of it."""


def _with_descendants(rows: Mapping[int, Row], ids: frozenset[int]) -> frozenset[int]:
    found, more = ids, ids
    while more := frozenset(i for i, row in rows.items() if row["parent"] in more) - found:
        found |= more
    return found


def scoped(rows: Rows, scope: Chosen) -> Rows:
    """Return the rows of a scope's fleet: without hosts that it does not need, and without cables that lead to these,
    since nothing is known of their other ends. A cable of the scope's own devices stays, wherever it leads.
    """
    kept = narrowed(rows, scope)
    own = _own_devices(kept, scope)
    known = kept["interfaces"].keys()
    near = {i for i, row in kept["interfaces"].items() if row["device"] in own}

    def is_told(ends: Collection[int]) -> bool:
        return not near.isdisjoint(ends) or known >= set(ends)

    cables = {i: row for i, row in rows["cables"].items() if is_told(interfaces_of(row))}
    paths = {i: row for i, row in kept[PATHS.name].items() if is_told((i, *(row["connected_endpoints"] or ())))}
    return Rows({**kept.of, "cables": cables, PATHS.name: paths}, rows.mark)


def narrowed(rows: Rows, scope: Chosen) -> Rows:
    """Return these rows without those that a scope does not need, of the kinds that are read partly."""
    of: dict[str, Mapping[int, Row]] = dict(rows.of)
    owners: set[str] = set()
    for kind, needed in needed_hosts(rows, scope).items():
        interfaces, owner = INTERFACES[kind]
        of[kind] = {i: row for i, row in rows[kind].items() if i in needed}
        of[interfaces] = {i: row for i, row in rows[interfaces].items() if row[owner] in of[kind]}
        owners |= {f"{BY_NAME[kind].type}:{i}" for i in of[kind]}
    of["services"] = {i: row for i, row in rows["services"].items() if row["parent"] in owners}
    kept = Rows(of, rows.mark)
    traces = traced(kept)
    of[PATHS.name] = {i: row for i, row in rows[PATHS.name].items() if i in traces}
    named = frozenset(named_addresses(kept))
    having = {f"{BY_NAME[kind].type}:{i}" for kind, _ in INTERFACES.values() for i in of[kind]}
    having |= {f"{FHRP_GROUP}:{group}" for group in fhrp_groups(kept)}
    of["ip_addresses"] = {
        i: row for i, row in rows["ip_addresses"].items() if i in named or row["assigned_object"] in having
    }
    return kept


def needed_hosts(rows: Rows, scope: Chosen) -> Mapping[str, frozenset[int]]:
    """Return the hosts that a scope needs, by kind: its own, those at the other ends of their cables, and of each stack
    all members. One that is not among the rows is named, too.
    """
    interfaces = rows["interfaces"]
    far = (interfaces[i]["device"] for i in far_ends(rows, scope) if i in interfaces)
    machines = frozenset(i for i, row in rows["virtual_machines"].items() if scope.holds(row))
    return {"devices": _own_devices(rows, scope) | _with_stacks(rows, far), "virtual_machines": machines}


def far_ends(rows: Rows, scope: Chosen) -> frozenset[int]:
    """Return the interfaces at the other ends of the cables of a scope's devices, whosever they are."""
    own = _own_devices(rows, scope)
    near = {i for i, row in rows["interfaces"].items() if row["device"] in own}
    return frozenset(far for a, b in pairs(rows) for here, far in ((a, b), (b, a)) if here in near)


def _own_devices(rows: Rows, scope: Chosen) -> frozenset[int]:
    return _with_stacks(rows, (i for i, row in rows["devices"].items() if scope.holds(row)))


def _with_stacks(rows: Rows, devices: Iterable[int]) -> frozenset[int]:
    """Return these devices, and all members of the virtual chassis that they are members of."""
    found, there = frozenset(devices), rows["devices"]
    stacks = {there[i]["virtual_chassis"] for i in found if i in there} - {None}
    return found | {i for i, row in there.items() if row["virtual_chassis"] in stacks}


def named_addresses(rows: Rows) -> Iterator[int]:
    """Yield the addresses that hosts name as theirs: one may be the outside of a NAT, which no interface has."""
    for kind in INTERFACES:
        for row in rows[kind].values():
            yield from (i for name in ("primary_ip4", "primary_ip6", "oob_ip") if (i := row.get(name)) is not None)


def fhrp_groups(rows: Rows) -> frozenset[int]:
    """Return the FHRP groups that interfaces of these rows are assigned to."""
    there = {f"{BY_NAME[kind].type}:{i}" for kind, _ in INTERFACES.values() for i in rows[kind]}
    return frozenset(row["group"] for row in rows["fhrp_assignments"].values() if row["interface"] in there)
