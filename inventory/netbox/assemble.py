"""From NetBox's rows to a Fleet. Pure: nothing is fetched here, and whether the Fleet is sound `rules` says.

What the Fleet cannot hold is a problem, said in NetBox's words, all of them at once. Left out, since samdrift has no
use for them: addresses that no interface has, IPv6, prefixes that only contain others (status container), ranges that
are not active, services of FHRP groups, and cables that are not from one interface to another.
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple, TypeVar, get_args

from pydantic import ValidationError

from inventory.errors import Problem
from inventory.fleet import Fleet, Host
from inventory.frozen import Frozen
from inventory.keys import KEYS
from inventory.netbox.custom_fields import CLUSTER_SLUG, FAMILY, GATEWAY, HOST_KEYS, READ, WIREGUARD_KEY
from inventory.netbox.read_types import ASSIGNED_BY, ASSIGNED_BY_MORE, CONTEXTS
from inventory.netbox.rows import Rows
from inventory.netbox.session import Row
from inventory.order import in_order
from inventory.places import noun, printable

RULE = "netbox"
M = TypeVar("M", bound=Frozen)


class Assembled(NamedTuple):
    """A fleet as far as it could be made.

    Attributes:
        problems: what could not be.
        unread: the sections of which something could not be.
    """

    fleet: Fleet
    problems: tuple[Problem, ...]
    unread: frozenset[str]


def assembled(rows: Rows) -> Assembled:
    """Assemble a fleet from these rows, in order."""
    return _Assembly(rows).fleet()


def slug_of(name: str) -> str:
    """Return the slug that NetBox's own pages would make of a name."""
    letters = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[\s-]+", "-", re.sub(r"[^\w\s-]", "", letters)).strip("-_")


class _Assembly:
    """Makes one fleet, and notes what cannot be made."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows
        self._problems: list[Problem] = []
        self._unread: set[str] = set()
        self._slugs = {
            kind: {i: row["slug"] for i, row in rows[kind].items()} for kind in rows.of if _has_slugs(rows[kind])
        }
        self._slugs["clusters"] = {i: _cluster_slug(row) for i, row in rows["clusters"].items()}

    def fleet(self) -> Assembled:
        rows = self._rows
        parts: dict[str, list[Any]] = {section: [] for section in KEYS}
        for section in ("tenants", "manufacturers", "cluster_types", "tags"):
            parts[section] = [self._made(section, row, _fields(row, NAMED)) for row in rows[section].values()]
        for section in ("regions", "platforms", "device_roles"):
            parts[section] = [self._nestable(section, row) for row in rows[section].values()]
        parts["sites"] = [self._site(row) for row in rows["sites"].values()]
        parts["device_types"] = [self._device_type(row) for row in rows["device_types"].values()]
        parts["clusters"] = [self._cluster(i, row) for i, row in rows["clusters"].items()]
        parts["vlans"] = [self._vlan(row) for row in rows["vlans"].values()]
        parts["prefixes"] = [self._prefix(row) for row in rows["prefixes"].values() if _is_used(row)]
        parts["ranges"] = [self._range(row) for row in rows["ranges"].values() if _is_lent(row)]
        parts["config_contexts"] = [self._context(row) for row in rows["config_contexts"].values()]
        parts["hosts"] = self._hosts()
        parts["cables"] = self._cables()
        sections = {section: tuple(v for v in values if v is not None) for section, values in parts.items()}
        fleet = in_order(Fleet.model_validate(sections))
        return Assembled(fleet, tuple(self._problems), frozenset(self._unread))

    # Sites and what they stand on

    def _nestable(self, section: str, row: Row) -> Frozen | None:
        """Make a region, platform or role, which NetBox can put below another one, and samdrift cannot."""
        if row["parent"] is not None:
            self._wrong(section, row, "parent", "is set, and samdrift knows them side by side only", "clear it")
        fields = _fields(row, ("slug", "name") if section == "regions" else NAMED)
        if section == "platforms":
            fields |= {"family": row["custom_fields"].get(FAMILY.name)}
        return self._made(section, row, fields)

    def _site(self, row: Row) -> Frozen | None:
        asns = sorted(self._rows["asns"][i]["asn"] for i in row["asns"] if i in self._rows["asns"])
        fields = {
            **_fields(row, ("slug", "name", "facility", "latitude", "longitude")),
            "tenant": self._slug(row, "tenant", "tenants") or "",
            "region": self._slug(row, "region", "regions") or "",
            "asns": tuple(asns),
        }
        return self._made("sites", row, fields)

    def _device_type(self, row: Row) -> Frozen | None:
        fields = {**_fields(row, ("slug", "model")), "manufacturer": self._slug(row, "manufacturer", "manufacturers")}
        return self._made("device_types", row, fields)

    def _vlan(self, row: Row) -> Frozen | None:
        return self._made("vlans", row, {**_fields(row, ("vid", "name")), "site": self._slug(row, "site", "sites")})

    def _cluster(self, number: int, row: Row) -> Frozen | None:
        fields = {
            **_fields(row, ("name", "description")),
            "slug": self._slugs["clusters"][number],
            "type": self._slug(row, "type", "cluster_types"),
        }
        return self._made("clusters", row, fields)

    def _prefix(self, row: Row) -> Frozen | None:
        kind, number = _reference(row["scope"])
        if kind not in {"", "dcim.site", "dcim.region"}:
            self._wrong(
                "prefixes", row, "scope", f"is a {kind}, and samdrift knows sites and regions", "set one of them"
            )
        vlan = self._rows["vlans"].get(row["vlan"])
        fields = {
            **_fields(row, ("prefix", "description")),
            "site": self._slugs["sites"].get(number) if kind == "dcim.site" else None,
            "region": self._slugs["regions"].get(number) if kind == "dcim.region" else None,
            "vlan": vlan["vid"] if vlan else None,
            "gateway": row["custom_fields"].get(GATEWAY.name) or None,
        }
        return self._made("prefixes", row, fields)

    def _range(self, row: Row) -> Frozen | None:
        ends = {end: row[f"{end}_address"].partition("/")[0] for end in ("start", "end")}
        return self._made("ranges", row, ends | _fields(row, ("description",)))

    def _context(self, row: Row) -> Frozen | None:
        for field in ASSIGNED_BY_MORE:
            if row[field]:
                what = f"assigns it by {field.replace('_', ' ')}, which samdrift does not know"
                known = ", ".join(f.replace("_", " ") for f in ASSIGNED_BY)
                self._wrong("config_contexts", row, field, what, f"assign it by {known}")
        assigned = {
            section: tuple(self._slugs[section][i] for i in row[field] if i in self._slugs[section])
            for field, section in ASSIGNED_BY.items()
        }
        fields = _fields(row, ("name", "weight", "description", "is_active", "data"))
        return self._made("config_contexts", row, fields | assigned)

    # Hosts

    def _hosts(self) -> list[Frozen | None]:
        addresses = self._addresses()
        made: list[Frozen | None] = []
        for kind, owner, interfaces, extra in (
            ("devices", "device", "interfaces", ("device_type", "device_types")),
            ("virtual_machines", "virtual_machine", "vm_interfaces", ("cluster", "clusters")),
        ):
            of_host: dict[int, list[Row]] = defaultdict(list)
            for row in self._rows[interfaces].values():
                of_host[row[owner]].append(self._interface(interfaces, row, addresses))
            services = self._services(kind)
            made += [
                self._host(kind, row, of_host.get(i, []), services.get(i, []), extra)
                for i, row in self._rows[kind].items()
            ]
        return made

    def _host(
        self, kind: str, row: Row, interfaces: list[Row], services: list[Row], extra: tuple[str, str]
    ) -> Frozen | None:
        keys = row["custom_fields"].get(HOST_KEYS.name) or ""
        primary = self._rows["ip_addresses"].get(row["primary_ip4"])
        field, section = extra
        fields = {
            **_fields(row, ("name", "status", "serial", "description")),
            "kind": "device" if kind == "devices" else "vm",
            "tenant": self._slug(row, "tenant", "tenants"),
            "site": self._slug(row, "site", "sites"),
            "role": self._slug(row, "role", "device_roles"),
            "platform": self._slug(row, "platform", "platforms"),
            field: self._slug(row, field, section),
            "tags": tuple(self._slugs["tags"][i] for i in row["tags"] if i in self._slugs["tags"]),
            "interfaces": interfaces,
            "primary_address": primary["address"].partition("/")[0] if primary else None,
            "host_keys": tuple(filter(None, (line.strip() for line in str(keys).splitlines()))),
            "wireguard_public_key": str(row["custom_fields"].get(WIREGUARD_KEY.name) or "").strip(),
            "services": services,
            "local_context": row["local_context_data"] or {},
            "context": row[CONTEXTS] or {},
        }
        return self._made(kind, row, fields, section="hosts", model=Host)

    def _interface(self, kind: str, row: Row, addresses: Mapping[str, list[str]]) -> Row:
        vlans = self._rows["vlans"]
        lag = self._rows[kind].get(row["lag"]) if kind == "interfaces" else None
        if lag and lag["device"] != row["device"]:
            self._wrong(kind, row, "lag", "is another device's, and samdrift knows no virtual chassis", "clear it")
        untagged = vlans.get(row["untagged_vlan"])
        return {
            **_fields(row, ("name", "enabled", "description")),
            "type": row["type"] if kind == "interfaces" else "virtual",
            "lag": lag["name"] if lag else None,
            "untagged_vlan": untagged["vid"] if untagged else None,
            "tagged_vlans": [vlans[i]["vid"] for i in row["tagged_vlans"] if i in vlans],
            "addresses": addresses.get(f"{INTERFACE if kind == 'interfaces' else VM_INTERFACE}:{row['id']}", []),
        }

    def _addresses(self) -> dict[str, list[str]]:
        """Return the IPv4 addresses of each interface, by `type:id`, in the order in which NetBox got them."""
        found: dict[str, list[str]] = defaultdict(list)
        for row in self._rows["ip_addresses"].values():
            if row["assigned_object"] and ":" not in row["address"]:
                found[row["assigned_object"]].append(row["address"])
        return found

    def _services(self, kind: str) -> dict[int, list[Row]]:
        """Return the services of each host of a kind.

        NetBox has several protocols in one; here each is one by itself.
        """
        found: dict[int, list[Row]] = defaultdict(list)
        wanted = "dcim.device" if kind == "devices" else "virtualization.virtualmachine"
        for row in self._rows["services"].values():
            parent, number = _reference(row["parent"])
            if parent != wanted:
                continue
            ports: dict[str, list[str]] = defaultdict(list)
            for protocol, _, port in (str(m).partition("/") for m in row["port_mappings"]):
                ports[protocol].append(port)
            found[number] += [
                {**_fields(row, ("name", "description")), "protocol": protocol, "ports": numbers}
                for protocol, numbers in ports.items()
            ]
        return found

    def _cables(self) -> list[Frozen | None]:
        names = {
            f"{INTERFACE}:{i}": f"{self._rows['devices'][row['device']]['name']}:{row['name']}"
            for i, row in self._rows["interfaces"].items()
            if row["device"] in self._rows["devices"]
        }
        made = []
        for row in self._rows["cables"].values():
            ends = (row["a_terminations"], row["b_terminations"])
            if all(len(end) == 1 and end[0] in names for end in ends):
                a, b = (names[end[0]] for end in ends)
                made.append(self._made("cables", row, {"a": a, "b": b}))
        return made

    # One object

    def _made(
        self, kind: str, row: Row, fields: Row, *, section: str = "", model: type[Frozen] | None = None
    ) -> Frozen | None:
        """Make an object, or None and a problem for each field that cannot be used."""
        section = section or kind
        try:
            return (model or MODELS[section]).model_validate(fields)
        except ValidationError as e:
            for error in e.errors():
                place = _in_words(error["loc"], fields)
                what = "is not set" if error["input"] is None else f"{error['msg'][:1].lower()}{error['msg'][1:]}"
                self._wrong(kind, row, place, what, "set it in NetBox")
            self._unread.add(section)
            return None

    def _slug(self, row: Row, field: str, section: str) -> str | None:
        """Return the slug of what a field of a row refers to."""
        return None if row[field] is None else self._slugs.get(section, {}).get(row[field])

    def _wrong(self, kind: str, row: Row, field: str, what: str, fix: str) -> None:
        names = (row.get(field) for field in ("name", "model", "prefix", "start_address"))
        name = next(filter(None, names), f"number {row['id']}")
        is_custom = field in {f.name for f in READ}
        custom = f"custom field {field}" if is_custom and field != CLUSTER_SLUG.name else field
        self._problems.append(Problem(RULE, printable(f"{noun(kind)} {name}, {custom}"), printable(what), fix))


NAMED = ("slug", "name", "description")
INTERFACE, VM_INTERFACE = "dcim.interface", "virtualization.vminterface"
MODELS: Mapping[str, type[Frozen]] = {section: get_args(Fleet.model_fields[section].annotation)[0] for section in KEYS}


def _in_words(place: tuple[str | int, ...], fields: Row) -> str:
    """Describe a place in an object, with the names of its interfaces and services instead of their numbers."""
    words: list[str] = []
    value: Any = fields
    for step in place:
        try:
            value = value[step]
        except (LookupError, TypeError):
            value = None
        words.append(str(value["name"]) if isinstance(step, int) and isinstance(value, dict) else str(step))
    return ".".join(words)


def _has_slugs(rows: Mapping[int, Row]) -> bool:
    return all("slug" in row for row in rows.values())


def _cluster_slug(row: Row) -> str:
    return str(row["custom_fields"].get(CLUSTER_SLUG.name) or slug_of(row["name"]))


def _is_used(row: Row) -> bool:
    """Tell whether samdrift has a use for a prefix."""
    return row["status"] != "container" and ":" not in row["prefix"]


def _is_lent(row: Row) -> bool:
    """Tell whether a range is one of a fleet's: NetBox has reserved and deprecated ones, too."""
    return row["status"] == "active" and ":" not in row["start_address"]


def _fields(row: Row, names: Iterable[str]) -> Row:
    return {name: row[name] for name in names}


def _reference(text: str | None) -> tuple[str, int]:
    """Split a reference to one of several types into type and id."""
    kind, _, number = (text or "").partition(":")
    return kind, int(number) if number.isdecimal() else 0
