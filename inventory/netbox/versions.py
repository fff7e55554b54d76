"""The versions of NetBox that samdrift reads and writes, and what the older ones do otherwise: a table. Pure.

Everything else in this package speaks as the newest version does; the client (`client.py`) translates by this table, in
both directions. A new version needs an entry only where it differs.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

SERVICES = frozenset({"ipam/services", "service_list"})
"""Where services are: REST's endpoint and GraphQL's list."""


@dataclass(frozen=True)
class Version:
    """What distinguishes a version of NetBox from the newest.

    Attributes:
        starts_lists: whether REST has `start`, which begins a list at an id. Without it, the filter `id__gte` and an
            ordering by id give the same page; NetBox counts the whole list for each.
        has_graphql: whether lists can be read by id with GraphQL, too.
        maps_ports: whether a service has `port_mappings` (`tcp/80`); before, it had one `protocol`, and `ports`.
        lacks: fields that REST does not have yet, by endpoint; they are answered as not set.
    """

    numbers: tuple[int, int]
    starts_lists: bool = True
    has_graphql: bool = True
    maps_ports: bool = True
    lacks: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def __str__(self) -> str:
        return ".".join(map(str, self.numbers))

    def page(self, start: int) -> dict[str, Any]:
        """Return the REST parameters for the rows from this id on, by id."""
        return {"start": start} if self.starts_lists else {"id__gte": start, "ordering": "id"}

    def asked(self, where: str, fields: Iterable[str]) -> tuple[str, ...]:
        """Return the fields to ask for, to learn these."""
        old: dict[str, tuple[str, ...]] = dict.fromkeys(self.lacks.get(where, ()), ())
        if self._is_old_service(where):
            old["port_mappings"] = ("protocol", "ports")
        return tuple(asked for name in fields for asked in old.get(name, (name,)))

    def answered(self, where: str, row: Mapping[str, Any]) -> dict[str, Any]:
        """Return a row as the newest version would answer it."""
        answer: dict[str, Any] = {**dict.fromkeys(self.lacks.get(where, ())), **row}
        if self._is_old_service(where) and "ports" in row:
            protocol, ports = answer.pop("protocol"), answer.pop("ports")
            name = protocol["value"] if isinstance(protocol, dict) else protocol
            answer["port_mappings"] = [f"{name}/{port}" for port in ports]
        return answer

    def written(self, where: str, row: Mapping[str, Any]) -> dict[str, Any]:
        """Return a row as this version takes it, from how the newest one does.

        Raises:
            ValueError: this version cannot say it.
        """
        written = dict(row)
        if self._is_old_service(where) and "port_mappings" in row:
            mappings = [str(mapping).partition("/") for mapping in written.pop("port_mappings")]
            protocols = {protocol for protocol, _, _ in mappings}
            if len(protocols) != 1:
                raise ValueError(f"in NetBox {self}, a service has one protocol")
            written |= {"protocol": protocols.pop(), "ports": [int(port) for _, _, port in mappings]}
        return written

    def _is_old_service(self, where: str) -> bool:
        return where in SERVICES and not self.maps_ports


VERSIONS = (
    Version((4, 4), starts_lists=False, has_graphql=False, maps_ports=False, lacks={"dcim/cables": ("profile",)}),
    Version((4, 5), starts_lists=False, maps_ports=False),  # its GraphQL reads by id from 4.5.2 on, and says so before
    Version((4, 6), maps_ports=False),
    Version((4, 7)),
)
OLDEST, NEWEST = VERSIONS[0], VERSIONS[-1]


def version_of(numbers: tuple[int, int]) -> Version | None:
    """Return the version of these numbers; None if it is older than all that samdrift can read.

    One that is newer than the table does what the newest in it does.
    """
    found = next((version for version in reversed(VERSIONS) if version.numbers <= numbers), None)
    return None if found is None else replace(found, numbers=numbers)
