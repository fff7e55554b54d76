"""Read of a NetBox the hosts that a scope needs, and what is theirs, by NetBox's own filters.

Filters only spare what need not be read: NetBox ignores one that it does not know, and whatever it answers is chosen
again here, by id. Whole pulls and `--since-last` end alike: what the rows lack is asked for, what the scope does not
need is dropped. Not here: which rows a scope needs (`scoped_rows.py`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import partial

from inventory.netbox.assemble_links import traced
from inventory.netbox.client import NetBox, at_once
from inventory.netbox.faults import NetBoxError
from inventory.netbox.read_types import BY_NAME, PATHS
from inventory.netbox.rows import Rows, fetched, merged
from inventory.netbox.scoped_rows import (
    INTERFACES,
    Filter,
    by,
    chosen,
    far_ends,
    fhrp_groups,
    named_addresses,
    narrowed,
    needed_hosts,
)
from inventory.scope import EVERYTHING, Scope

OWNERS = {"devices": "device_id", "virtual_machines": "virtual_machine_id"}
"""By the kind of a host, NetBox's filter for what is a host's, whatever it is."""


def as_scoped(netbox: NetBox, rows: Rows, scope: Scope, before: Rows | None = None) -> Rows:
    """Return the rows that a scope needs: what is missing is read, and what is not needed left out.

    Args:
        before: what was returned the last time, if these rows are what became of it.
    """
    return rows if scope == EVERYTHING else _Reading(netbox, rows, scope, before).completed()


class _Reading:
    """Reads what the rows of a scope lack.

    Attributes:
        rows: what has been read.
    """

    def __init__(self, netbox: NetBox, rows: Rows, scope: Scope, before: Rows | None) -> None:
        self.rows, self._netbox, self._scope = rows, netbox, chosen(scope, rows)
        self._complete = {kind: _complete(kind, rows, before) if before else frozenset() for kind in OWNERS}

    def completed(self) -> Rows:
        self._read(dict.fromkeys(OWNERS, self._scope.filters()))
        seen: object = None
        while (needed := needed_hosts(self.rows, self._scope)) != seen:  # cables lead to hosts that have more
            seen = needed
            self._read({}, needed)
            self._read({"devices": self._of_stacks(needed["devices"])})
            self._read_what_is_theirs(needed_hosts(self.rows, self._scope))
            self._follow_cables()
        groups = by("fhrpgroup_id", fhrp_groups(narrowed(self.rows, self._scope)))
        self._read({"ip_addresses": groups}, {"ip_addresses": named_addresses(self.rows)})
        return narrowed(self.rows, self._scope)

    def _of_stacks(self, devices: Iterable[int]) -> Iterator[Filter]:
        there = self.rows["devices"]
        stacks = {there[i]["virtual_chassis"] for i in devices if i in there} - {None}
        yield from by("virtual_chassis_id", stacks)

    def _read_what_is_theirs(self, hosts: Mapping[str, frozenset[int]]) -> None:
        asked: dict[str, list[Filter]] = {"services": [], "ip_addresses": []}
        for kind, name in OWNERS.items():
            filters = list(by(name, hosts[kind] - self._complete[kind]))
            for of in (INTERFACES[kind][0], "services", "ip_addresses"):
                asked[of] = [*asked.get(of, ()), *filters]
        self._read(asked)
        self._complete = {kind: self._complete[kind] | hosts[kind] for kind in OWNERS}

    def _follow_cables(self) -> None:
        """Read the traces of cables, and the interfaces at the far ends; the hosts that have these are needed then."""
        if missing := traced(self.rows) - self.rows[PATHS.name].keys():
            (found,) = fetched(self._netbox, [(PATHS, frozenset(missing))])
            self._put({PATHS.name: found})
        self._read({}, {"interfaces": far_ends(self.rows, self._scope)})

    def _read(self, filters: Mapping[str, Iterable[Filter]], ids: Mapping[str, Iterable[int]] | None = None) -> None:
        """Read the objects that these filters give, by kind, and those of these ids, as far as they are not there."""
        asked = [(kind, one) for kind, of_kind in filters.items() for one in of_kind]
        given = at_once([partial(self._ids, *one) for one in asked])
        wanted = {kind: set(of_kind) for kind, of_kind in (ids or {}).items()}
        for (kind, _), found in zip(asked, given, strict=True):
            wanted.setdefault(kind, set()).update(found)
        work = {kind: lacking for kind, of in wanted.items() if (lacking := frozenset(of) - self.rows[kind].keys())}
        answers = fetched(self._netbox, [(BY_NAME[kind], lacking) for kind, lacking in work.items()])
        self._put(dict(zip(work, answers, strict=True)))

    def _ids(self, kind: str, only: Filter) -> set[int]:
        endpoint = BY_NAME[kind].endpoint
        try:
            return set(self._netbox.ids(endpoint, only))
        except NetBoxError as e:
            if e.status != 400:
                raise
            return set(self._netbox.ids(endpoint, {}))  # it refuses an id that was deleted a moment ago

    def _put(self, found: Mapping[str, Mapping[int, dict[str, object]]]) -> None:
        more = {kind: merged(self.rows[kind], (), rows) for kind, rows in found.items()}
        self.rows = Rows({**self.rows.of, **more}, self.rows.mark)


def _complete(kind: str, rows: Rows, before: Rows) -> frozenset[int]:
    """Return the hosts of which everything that is theirs is among these rows: those of before. Has one an interface
    that was not there, that may have come from another host, and has what nobody read.
    """
    interfaces, owner = INTERFACES[kind]
    new = {row[owner] for i, row in rows[interfaces].items() if i not in before[interfaces]}
    return frozenset(before[kind].keys() - new)
