"""A fleet as the rows that NetBox would answer: what assembling undoes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from inventory.fleet import Fleet, Host
from inventory.netbox.read_types import ASSIGNED_BY, ASSIGNED_BY_MORE, BY_NAME
from inventory.netbox.rows import Mark, Rows

Table = dict[int, dict[str, Any]]


def rows_of(fleet: Fleet, mark: Mark = Mark(id=7, time="t", request="r")) -> Rows:  # noqa: B008  frozen
    """The fleet's rows, numbered in the fleet's order."""
    return _Numbered(fleet).rows(mark)


class _Numbered:
    def __init__(self, fleet: Fleet) -> None:
        self.fleet = fleet
        self.of: dict[str, Table] = {name: {} for name in BY_NAME}

    def rows(self, mark: Mark) -> Rows:
        fleet = self.fleet
        for section in ("tenants", "manufacturers", "cluster_types", "tags"):
            self._add(section, (x.model_dump() for x in getattr(fleet, section)))
        for section in ("regions", "device_roles"):
            self._add(section, (x.model_dump() | {"parent": None} for x in getattr(fleet, section)))
        self._add(
            "platforms",
            (
                p.model_dump(exclude={"family"}) | {"parent": None, "custom_fields": {"family": p.family}}
                for p in fleet.platforms
            ),
        )
        self._add("asns", ({"asn": asn} for asn in sorted({a for s in fleet.sites for a in s.asns})))
        asns = {row["asn"]: i for i, row in self.of["asns"].items()}
        self._add(
            "sites",
            (
                s.model_dump(exclude={"asns", "group"})
                | {
                    "tenant": self._id("tenants", s.tenant),
                    "region": self._id("regions", s.region),
                    "asns": [asns[a] for a in s.asns],
                }
                for s in fleet.sites
            ),
        )
        self._add(
            "device_types",
            (t.model_dump() | {"manufacturer": self._id("manufacturers", t.manufacturer)} for t in fleet.device_types),
        )
        self._add(
            "clusters",
            (
                c.model_dump(exclude={"slug"})
                | {"slug_": c.slug, "type": self._id("cluster_types", c.type), "custom_fields": {"slug": c.slug}}
                for c in fleet.clusters
            ),
        )
        self._add("vlans", (v.model_dump(exclude={"group"}) | {"site": self._id("sites", v.site)} for v in fleet.vlans))
        self._network()
        for host in fleet.hosts:
            self._host(host)
        self._cables()
        return Rows(self.of, mark)

    def _network(self) -> None:
        for p in self.fleet.prefixes:
            scope = f"dcim.site:{self._id('sites', p.site)}" if p.site else None
            scope = f"dcim.region:{self._id('regions', p.region)}" if p.region else scope
            fields = {"gateway": str(p.gateway) if p.gateway else None}
            vlan = self._vlan(p.site, p.vlan) if p.vlan else None
            row = {"prefix": str(p.prefix), "description": p.description, "status": "active", "scope": scope}
            self._add("prefixes", [row | {"vlan": vlan, "custom_fields": fields}])
        for r in self.fleet.ranges:
            ends = {"start_address": f"{r.start}/24", "end_address": f"{r.end}/24"}
            self._add("ranges", [ends | {"description": r.description, "status": "active"}])
        for c in self.fleet.config_contexts:
            assigned: dict[str, Any] = {name: [] for name in ASSIGNED_BY_MORE}
            assigned |= {f: [self._id(s, x) for x in getattr(c, s)] for f, s in ASSIGNED_BY.items()}
            row = c.model_dump(include={"name", "weight", "description", "is_active", "data"})
            self._add("config_contexts", [row | assigned | {"data_source": None}])

    def _host(self, host: Host) -> None:
        kind, interfaces, owner = (
            ("devices", "interfaces", "device")
            if host.kind == "device"
            else ("virtual_machines", "vm_interfaces", "virtual_machine")
        )
        number = len(self.of[kind]) + 1
        numbers = {x.name: len(self.of[interfaces]) + n for n, x in enumerate(host.interfaces, 1)}
        for interface in host.interfaces:
            row = {"name": interface.name, "enabled": interface.enabled, "description": interface.description}
            if host.kind == "device":
                row |= {"type": interface.type, "lag": numbers[interface.lag] if interface.lag else None}
            row["untagged_vlan"] = self._vlan(host.site, interface.untagged_vlan)
            row["tagged_vlans"] = [self._vlan(host.site, v) for v in interface.tagged_vlans]
            self._add(interfaces, [row | {owner: number}])
            assigned = f"{BY_NAME[interfaces].type}:{len(self.of[interfaces])}"
            self._add("ip_addresses", ({"address": str(a), "assigned_object": assigned} for a in interface.addresses))
        for service in host.services:
            ports = [f"{service.protocol}/{p}" for p in service.ports]
            parent = f"{BY_NAME[kind].type}:{number}"
            row = {"name": service.name, "description": service.description, "port_mappings": ports, "parent": parent}
            self._add("services", [row])
        of_address = {row["address"].partition("/")[0]: i for i, row in self.of["ip_addresses"].items()}
        row = host.model_dump(include={"name", "status", "serial", "description"})
        row |= {
            "local_context_data": host.local_context or None,
            "config_context": host.context,
            "custom_fields": {
                "ssh_host_keys": "\n".join(host.host_keys),
                "wireguard_public_key": host.wireguard_public_key or None,
            },
            "site": self._id("sites", host.site),
            "tenant": self._id("tenants", host.tenant),
            "role": self._id("device_roles", host.role),
            "platform": self._id("platforms", host.platform),
            "primary_ip4": of_address[str(host.primary_address)] if host.primary_address else None,
            "tags": [self._id("tags", t) for t in host.tags],
        }
        row |= (
            {"device_type": self._id("device_types", host.device_type)}
            if host.kind == "device"
            else {"cluster": self._id("clusters", host.cluster)}
        )
        self._add(kind, [row])

    def _cables(self) -> None:
        names = {
            f"{self.of['devices'][row['device']]['name']}:{row['name']}": i for i, row in self.of["interfaces"].items()
        }
        for c in self.fleet.cables:
            ends = {f"{side}_terminations": [f"dcim.interface:{names[getattr(c, side)]}"] for side in "ab"}
            self._add("cables", [ends])

    def _add(self, kind: str, rows: Iterable[dict[str, Any]]) -> None:
        for row in rows:
            number = len(self.of[kind]) + 1
            self.of[kind][number] = row | {"id": number}

    def _id(self, kind: str, slug: str | None) -> int | None:
        key = "slug_" if kind == "clusters" else "slug"
        return next((i for i, row in self.of[kind].items() if row[key] == slug), None)

    def _vlan(self, site: str | None, vid: int | None) -> int | None:
        at = self._id("sites", site)
        return next((i for i, r in self.of["vlans"].items() if r["vid"] == vid and at in {None, r["site"]}), None)
