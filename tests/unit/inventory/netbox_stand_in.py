"""A NetBox that holds rows, answered by REST and GraphQL in the forms in which NetBox's own serializers give them.

It stands in for a session, so that no socket is needed. What a real NetBox answers: tests/integration.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from inventory.netbox.client import NetBox
from inventory.netbox.faults import NetBoxError
from inventory.netbox.read_types import CHOICES, GRAPHQL_TYPES, PATHS, READ_TYPES, ReadType, rest_pair
from inventory.netbox.rows import Rows
from inventory.netbox.versions import NEWEST, Version
from tests.unit.inventory.netbox_filters import filtered
from tests.unit.inventory.netbox_server import TOKEN

SELECTION = r"(?:[^{}]|\{[^{}]*(?:\{[^{}]*\}[^{}]*)*\})*"
LISTED = re.compile(rf"(\w+)\(pagination: \{{(?:start: \$start(\d+), )?limit: (\d+)\}}(.*?)\) \{{ id ({SELECTION})\}}")


class StandIn:
    """A session of a NetBox that holds these rows.

    Args:
        graphql: whether it is switched on.
        largest: MAX_PAGE_SIZE, which cuts pages, and GraphQL's lists within objects.
        version: which NetBox it is.
        changes: the change log, oldest first; without, one entry that is the rows' mark.

    Attributes:
        given: how many rows it gave of each kind, ids alone not counted.
    """

    url, identity = "https://netbox.example.org", "https://netbox.example.org nbt_abcdefabcdef"

    def __init__(
        self,
        rows: Rows,
        *,
        graphql: bool = True,
        largest: int = 1000,
        version: Version = NEWEST,
        changes: Sequence[Mapping[str, Any]] = (),
    ) -> None:
        self.rows, self.graphql, self.largest, self.changes = rows, graphql, largest, changes
        self.given: Counter[str] = Counter()
        self.asked: list[str] = []
        self.is_of, self.version = version, NEWEST

    def netbox(self) -> NetBox:
        """A client of it."""
        netbox = NetBox(self.url, TOKEN)
        netbox._session = self  # type: ignore[assignment]
        return netbox

    def send(
        self, _method: str, endpoint: str, document: Any = None, params: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        self.asked.append(endpoint)
        if endpoint == "graphql":
            if not self.graphql:
                raise NetBoxError("there is no such page", status=404)
            if "start:" in document["query"] and not self.is_of.has_graphql:
                return {"errors": [{"message": "Field 'start' is not defined by type 'OffsetPaginationInput'."}]}
            return {"data": self._by_graphql(document["query"], document["variables"])}
        self.version = self.is_of  # it is in the headers of what REST answers
        return self._by_rest(endpoint, params or {})

    def _by_rest(self, endpoint: str, params: Mapping[str, Any]) -> dict[str, Any]:
        if endpoint == "core/object-changes":
            mark = self.rows.mark
            change = {"id": mark.id, "time": mark.time, "request_id": mark.request}
            more = {"action": "x", "changed_object_type": "", "changed_object_id": 1, "prechange_data": None}
            log = [dict(entry) for entry in self.changes] or [change | more | {"postchange_data": None}]
            return self._page(log[::-1] if params.get("ordering") == "-id" else log, params)
        fields = params["fields"].split(",")
        kind = next(kind for kind in READ_TYPES if kind.endpoint == endpoint)
        if PATHS.names[0] in fields:
            kind = PATHS
        left = filtered(self.rows, kind.name, params)
        page = self._page([self._rest(kind, row) for row in left], params)
        if fields != ["id"]:
            self.given[kind.name] += len(page["results"])
        if kind.name == "services" and not self.is_of.maps_ports:
            page["results"] = [_before_mappings(row) for row in page["results"]]
        return page | {"results": [{name: row[name] for name in fields} for row in page["results"]]}

    def _page(self, rows: Iterable[dict[str, Any]], params: Mapping[str, Any]) -> dict[str, Any]:
        """Cut a page, as this version's REST does; what it does not know is ignored, and a list is not by id then."""
        start, only = params.get("start" if self.is_of.starts_lists else "id__gte", 0), params.get("id")
        found = [r for r in rows if r["id"] >= start and (only is None or r["id"] in only)]
        backwards = params.get("ordering") == "-id" or (not self.is_of.starts_lists and params.get("ordering") != "id")
        found.sort(key=_by_id, reverse=backwards)
        cut = min(params["limit"], self.largest)
        return {"next": "…" if len(found) > cut else None, "results": found[:cut]}

    def _rest(self, kind: ReadType, row: Mapping[str, Any]) -> dict[str, Any]:
        said: dict[str, Any] = {"id": row["id"]}
        for name in kind.names:
            value = row[name]
            if name in kind.any_of:
                of, number = rest_pair(name)
                said[of], said[number] = _reference(value)
                said[name.removesuffix("_id")] = value and {"id": said[number], "display": "…"}
            elif name in kind.one:
                said[name] = None if value is None else {"id": value, "display": "…", "url": "…"}
            elif name == "tags" and kind.name == "config_contexts":
                said[name] = [self.rows["tags"][i]["slug"] for i in value]
            elif name in kind.many:
                said[name] = [{"id": i, "display": "…"} for i in reversed(value)]
            elif name.endswith("_terminations"):
                said[name] = [{"object_type": of, "object_id": i} for of, i in map(_reference, value)]
            elif name == "custom_fields":
                said[name] = {"other": 1, "samdrift_state": None, "gateway": None, "ssh_host_keys": None} | value
            else:
                is_chosen = name in CHOICES and value is not None
                said[name] = {"value": value, "label": "…"} if is_chosen else value
        return said

    def _by_graphql(self, query: str, variables: Mapping[str, Any]) -> dict[str, Any]:
        data = {}
        for name, number, limit, only, selection in LISTED.findall(query):
            kind = next(kind for kind in READ_TYPES if kind.graphql_list == name)
            start, ids = variables.get(f"start{number}", 0), variables[f"ids{number}"] if only else None
            found = [r for r in self.rows[kind.name].values() if r["id"] >= start and (ids is None or r["id"] in ids)]
            page = sorted(found, key=_by_id)[: min(int(limit), self.largest)]
            self.given[kind.name] += 0 if "limit: 1}" in query else len(page)
            data[name] = [{"id": str(row["id"])} | self._graphql(kind, row, selection) for row in page]
        return data

    def _graphql(self, kind: ReadType, row: Mapping[str, Any], selection: str) -> dict[str, Any]:
        said: dict[str, Any] = {}
        for name, within in re.findall(r"(\w+)(?: (\{(?:[^{}]|\{[^{}]*\})*\}))?", selection):
            if name == "custom_field_data":
                said[name] = {k: v for k, v in row["custom_fields"].items() if v is not None} | {"samdrift_state": "x"}
                continue
            value = _before_mappings(row)[name] if name in {"protocol", "ports"} else row[name]
            if name in kind.any_of:
                of, number = _reference(value)
                shown = f"... on {GRAPHQL_TYPES.get(of or '')} " in within
                said[name] = value and {"__typename": GRAPHQL_TYPES[of or ""]} | ({"id": str(number)} if shown else {})
            elif name in kind.one:
                said[name] = None if value is None else {"id": str(value)}
            elif name in kind.many:
                said[name] = [{"id": str(i)} for i in value[: self.largest]]
            elif name in {"latitude", "longitude"}:
                said[name] = None if value is None else f"{value:.6f}"
            else:
                said[name] = "" if value is None and name in CHOICES else value
        return said


def _reference(value: str | None) -> tuple[str | None, int | None]:
    of, _, number = (value or "").partition(":")
    return (of, int(number)) if of else (None, None)


def _before_mappings(row: Mapping[str, Any]) -> dict[str, Any]:
    """A service as NetBox had it before 4.7: one protocol."""
    mappings = [mapping.partition("/") for mapping in row["port_mappings"]]
    protocol = mappings[0][0] if mappings else "tcp"
    ports = [int(port) for _, _, port in mappings]
    kept = {name: value for name, value in row.items() if name != "port_mappings"}
    return kept | {"protocol": {"value": protocol, "label": protocol.upper()}, "ports": ports}


def _by_id(row: Mapping[str, Any]) -> int:
    return int(row["id"])
