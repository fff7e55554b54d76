"""A fleet as the rows that NetBox would answer: what assembling undoes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from inventory.fleet import Fleet, Host, Interface, Member
from inventory.netbox.making import SCOPES
from inventory.netbox.read_types import ASSIGNED_BY, BY_NAME, PATHS
from inventory.netbox.rows import Mark, Rows
from inventory.network import Scoped

Table = dict[int, dict[str, Any]]
TYPES = {section.removesuffix("s"): of for of, section in SCOPES.items()}


def rows_of(fleet: Fleet, mark: Mark = Mark(id=7, time="t", request="r")) -> Rows:  # noqa: B008  frozen
    """The fleet's rows, numbered in the fleet's order."""
    return _Numbered(fleet).rows(mark)


def table(rows: Rows, kind: str) -> Table:
    """The rows of a kind, to be changed."""
    return rows.of[kind]  # type: ignore[return-value]


class _Numbered:
    def __init__(self, fleet: Fleet) -> None:
        self.fleet = fleet
        self.of: dict[str, Table] = {name: {} for name in (*BY_NAME, PATHS.name)}
        self.ids: dict[tuple[str, str | None], int] = {}
        self.ends: dict[str, int] = {}

    def rows(self, mark: Mark) -> Rows:
        fleet = self.fleet
        for section in ("regions", "site_groups", "tenant_groups", "platforms", "device_roles"):
            self._nested(section)
        for section in ("manufacturers", "cluster_types", "cluster_groups", "tags"):
            self._named(section, (x.model_dump() for x in getattr(fleet, section)))
        self._named("tenants", (t.model_dump() | self._refer(t, group="tenant_groups") for t in fleet.tenants))
        self._add("asns", ({"asn": asn} for asn in sorted({a for s in fleet.sites for a in s.asns})))
        asns = {row["asn"]: i for i, row in self.of["asns"].items()}
        of_site = {"tenant": "tenants", "region": "regions", "group": "site_groups"}
        self._named(
            "sites",
            (s.model_dump() | self._refer(s, **of_site) | {"asns": [asns[a] for a in s.asns]} for s in fleet.sites),
        )
        self._locations()
        self._named(
            "device_types", (t.model_dump() | self._refer(t, manufacturer="manufacturers") for t in fleet.device_types)
        )
        for c in fleet.clusters:
            row = c.model_dump(exclude={"slug"}) | self._refer(c, type="cluster_types", group="cluster_groups")
            self.ids["clusters", c.slug] = self._add("clusters", [row | {"custom_fields": {"slug": c.slug}}])
        self._network()
        for host in fleet.hosts:
            self._host(host)
        for cable in fleet.cables:
            ends = {f"{side}_terminations": [f"dcim.interface:{self.ends[getattr(cable, side)]}"] for side in "ab"}
            self._add("cables", [ends | {"status": "connected", "profile": None, "label": ""}])
        return Rows(self.of, mark)

    def _nested(self, section: str) -> None:
        """What lies below others, after it has its id."""
        items = getattr(self.fleet, section)
        rows = [x.model_dump(exclude={"family", "parent"}) for x in items]
        if section == "platforms":
            rows = [row | {"custom_fields": {"family": x.family}} for row, x in zip(rows, items, strict=True)]
        self._named(section, rows)
        for i, x in enumerate(items, 1):
            self.of[section][i]["parent"] = self._id(section, x.parent)

    def _locations(self) -> None:
        for place in self.fleet.locations:
            row: dict[str, Any] = {"slug": place.slug, "name": place.name, "site": self._id("sites", place.site)}
            self.ids["locations", place.key] = self._add("locations", [row])
        for i, place in enumerate(self.fleet.locations, 1):
            above = f"{place.site}/{place.parent}" if place.parent else None
            self.of["locations"][i]["parent"] = self._id("locations", above)

    def _network(self) -> None:
        for vrf in self.fleet.vrfs:
            self.ids["vrfs", vrf.name] = self._add("vrfs", [vrf.model_dump()])
        self._named("vlan_groups", ({"slug": g.slug, "name": g.name} | self._scope(g) for g in self.fleet.vlan_groups))
        self._named("vlan_roles", ({"slug": r} for r in sorted({v.role for v in self.fleet.vlans if v.role})))
        refers = {"site": "sites", "group": "vlan_groups", "role": "vlan_roles"}
        self._add("vlans", ({"vid": v.vid, "name": v.name} | self._refer(v, **refers) for v in self.fleet.vlans))
        for p in self.fleet.prefixes:
            fields = {"gateway": str(p.gateway) if p.gateway else None}
            row: dict[str, Any] = {
                "prefix": str(p.prefix),
                "description": p.description,
                "status": "active",
                "custom_fields": fields,
            }
            row |= {"vlan": self._vlan(p.site, p.vlan), "vrf": self._id("vrfs", p.vrf or None)}
            self._add("prefixes", [row | self._scope(p)])
        for r in self.fleet.ranges:
            ends = {
                "start_address": f"{r.start}/24",
                "end_address": f"{r.end}/24",
                "vrf": self._id("vrfs", r.vrf or None),
            }
            self._add("ranges", [ends | {"description": r.description, "status": "active"}])
        for c in self.fleet.config_contexts:
            assigned: dict[str, Any] = {f: [self._id(s, x) for x in getattr(c, s)] for f, s in ASSIGNED_BY.items()}
            row = c.model_dump(include={"name", "weight", "description", "is_active", "data"})
            self._add("config_contexts", [row | assigned | {"data_source": None}])

    def _scope(self, item: Scoped) -> dict[str, Any]:
        kind, slug = item.scope
        return {"scope": f"{TYPES[kind]}:{self._id(f'{kind}s', slug)}" if kind else None}

    def _host(self, host: Host) -> None:
        kind, interfaces, owner = (
            ("devices", "interfaces", "device")
            if host.kind == "device"
            else ("virtual_machines", "vm_interfaces", "virtual_machine")
        )
        numbers, owners = self._devices(host, kind)
        number = owners[None]
        of_interface = {x.name: len(self.of[interfaces]) + n for n, x in enumerate(host.interfaces, 1)}
        for interface in host.interfaces:
            row = self._interface(host, interface, of_interface)
            self._add(interfaces, [row | {owner: owners[interface.member]}])
            if host.kind == "device":
                self.ends[f"{host.name}:{interface.name}"] = len(self.of[interfaces])
            assigned = f"{BY_NAME[interfaces].type}:{len(self.of[interfaces])}"
            usual = {"assigned_object": assigned, "status": "active", "vrf": row["vrf"]}
            own = ({"address": str(a), "role": None} | usual for a in interface.addresses)
            self._add("ip_addresses", own)
            shared = ({"address": str(s.address), "role": s.role} | usual for s in interface.shared_addresses)
            self._add("ip_addresses", shared)
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
            "primary_ip4": of_address[str(host.primary_address)] if host.primary_address else None,
            "primary_ip6": of_address[str(host.primary_address6)] if host.primary_address6 else None,
            "tags": [self._id("tags", t) for t in host.tags],
        }
        row |= self._refer(host, site="sites", tenant="tenants", role="device_roles", platform="platforms")
        row |= (
            self._refer(host, device_type="device_types", location="locations")
            | {"oob_ip": of_address[str(host.oob_address)] if host.oob_address else None}
            if host.kind == "device"
            else self._refer(host, cluster="clusters")
        )
        self.of[kind][number] |= row
        for other in numbers - {number}:
            self.of[kind][other] = row | self.of[kind][other] | {"primary_ip4": None, "primary_ip6": None}

    def _devices(self, host: Host, kind: str) -> tuple[set[int], dict[int | None, int]]:
        """Number a host, and of a stack its members; return the numbers, and whose each member's interfaces are."""
        if not host.members:
            number = self._add(kind, [{"virtual_chassis": None, "vc_position": None}])
            return {number}, {None: number}
        chassis = self._add("virtual_chassis", [{"name": host.name}])
        owners: dict[int | None, int] = {}
        for member in host.members:
            owners[member.position] = self._add(kind, [self._member(member, chassis)])
            if member.name == host.name:
                owners[None] = self.of["virtual_chassis"][chassis]["master"] = owners[member.position]
        return set(owners.values()), owners

    def _member(self, member: Member, chassis: int) -> dict[str, Any]:
        row = {"name": member.name, "serial": member.serial, "virtual_chassis": chassis, "vc_position": member.position}
        return row | self._refer(member, device_type="device_types")

    def _interface(self, host: Host, interface: Interface, numbers: dict[str, int]) -> dict[str, Any]:
        row = interface.model_dump(include={"name", "enabled", "description"})
        row |= {name: numbers.get(getattr(interface, name) or "") for name in ("parent", "bridge")}
        if host.kind == "device":
            row |= {"type": interface.type, "mgmt_only": interface.mgmt_only, "lag": numbers.get(interface.lag or "")}
        return row | {
            "mode": interface.carries,
            "vrf": self._id("vrfs", interface.vrf or None),
            "untagged_vlan": self._vlan(host.site, interface.untagged_vlan),
            "tagged_vlans": [self._vlan(host.site, v) for v in interface.tagged_vlans],
        }

    def _named(self, kind: str, rows: Iterable[dict[str, Any]]) -> None:
        for row in rows:
            self.ids[kind, row["slug"]] = self._add(kind, [row])

    def _add(self, kind: str, rows: Iterable[dict[str, Any]]) -> int:
        """Number these rows; return the last number."""
        for row in rows:
            number = len(self.of[kind]) + 1
            self.of[kind][number] = row | {"id": number}
        return len(self.of[kind])

    def _refer(self, item: Any, **fields: str) -> dict[str, Any]:
        return {field: self._id(kind, getattr(item, field) or None) for field, kind in fields.items()}

    def _id(self, kind: str, slug: str | None) -> int | None:
        return None if slug is None else self.ids[kind, slug]

    def _vlan(self, site: str | None, vid: int | None) -> int | None:
        """A VLAN of this number: that of the site, if it has one."""
        if vid is None:
            return None
        meant = self.fleet.vlan_at(site, vid) if site else None
        same = [i for i, v in enumerate(self.fleet.vlans, 1) if v == meant or (meant is None and v.vid == vid)]
        return same[0] if same else None
