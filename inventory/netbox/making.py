"""What is shared by those who make the parts of a fleet from NetBox's rows: names, faults, what is left out. Pure.

Not here: what a row means (`assemble.py` and its neighbours).
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import get_args

from pydantic import ValidationError

from inventory.errors import Problem
from inventory.fleet import ACTIVE, Fleet
from inventory.frozen import Frozen
from inventory.keys import KEYS
from inventory.left_out import LeftOut
from inventory.netbox.custom_fields import CLUSTER_SLUG, READ
from inventory.netbox.read_types import CONTEXTS
from inventory.netbox.rows import Rows
from inventory.netbox.session import Row
from inventory.order import Sorted
from inventory.places import noun, printable
from inventory.rules.contexts import asks

RULE = "netbox"
HOSTS_OF = {"interfaces": ("devices", "device"), "vm_interfaces": ("virtual_machines", "virtual_machine")}
"""Of a kind, whose it is: the kind of host, and the field."""
NAMED = ("slug", "name", "description")
MODELS: Mapping[str, type[Frozen]] = {section: get_args(Fleet.model_fields[section].annotation)[0] for section in KEYS}


class Making:
    """The rows of one NetBox, by the names that a fleet knows their objects by, and what cannot be made of them.

    Attributes:
        slugs: of each kind, what the fleet knows an object by, by id.
        contexts: the config contexts whose keys are in order.
        vids: the numbers of the VLANs, by id.
    """

    def __init__(self, rows: Rows) -> None:
        self.rows = rows
        self.problems: list[Problem] = []
        self.left_out: list[LeftOut] = []
        self.contexts: Sorted = {}
        self.vids: dict[int, int] = {i: row["vid"] for i, row in rows["vlans"].items()}
        self.slugs: dict[str, Mapping[int, str]] = {}
        for kind, slug, within in NAMES:
            if kind == "vlan_groups":
                self.slugs["locations"] = self._locations()
            named = {i: (slug(row), self._within(row, within)) for i, row in rows[kind].items()}
            self.slugs[kind] = unique(named)

    def _within(self, row: Row, field: str) -> str | int | None:
        """Return what an object's slug is unique within: of its own kind by id, of another as it is called."""
        value = row[field] if field else None
        if value is None or field == "parent":
            return value
        if field == "scope":
            of, number = reference(value)
            return self.slugs.get(SCOPES.get(of, ""), {}).get(number, value)
        return str(self.slugs[_KINDS_OF[field]].get(value, value) if field in _KINDS_OF else value)

    def _locations(self) -> dict[int, str]:
        """Return what locations are known by: `site/slug`."""
        found: dict[int, str] = {}
        of_site: dict[int, dict[int, tuple[str, str | int | None]]] = {}
        for i, row in self.rows["locations"].items():
            of_site.setdefault(row["site"], {})[i] = row["slug"], row["parent"]
        for site, named in of_site.items():
            found |= {i: f"{self.slugs['sites'].get(site, '')}/{slug}" for i, slug in unique(named).items()}
        return found

    def slug(self, row: Row, field: str, section: str) -> str | None:
        """Return what the fleet knows by that which a field of a row refers to."""
        return None if row[field] is None else self.slugs.get(section, {}).get(row[field])

    def made(
        self, kind: str, row: Row, fields: Row, *, section: str = "", model: type[Frozen] | None = None
    ) -> Frozen | None:
        """Make an object, or None; then what cannot be used of it is noted."""
        section = section or kind
        try:
            return (model or MODELS[section]).model_validate(fields)
        except ValidationError as e:
            for error in e.errors():
                place = _in_words(error["loc"], fields)
                what = "is not set" if error["input"] is None else f"{error['msg'][:1].lower()}{error['msg'][1:]}"
                self.wrong(kind, row, place, what, "set it in NetBox")
            return None

    def wrong(self, kind: str, row: Row, field: str, what: str, fix: str) -> None:
        """Note what no fleet can hold: a problem of the host that it is about, if that is asked for; else left out."""
        is_custom = field in {f.name for f in READ}
        custom = f"custom field {field}" if is_custom and field != CLUSTER_SLUG.name else field
        host = self._host_of(kind, row)
        if host is None or host["status"] != ACTIVE or not asks(host[CONTEXTS] or {}):
            self.leave_out(kind, row, printable(f"{custom} {what}"))
            return
        where = printable(f"{noun(kind)} {name_of(row)}, {custom}")
        own = {"host": printable(name_of(host)), "municipality": self.slug(host, "tenant", "tenants") or ""}
        self.problems.append(Problem(RULE, where, printable(what), fix, about=where, **own))

    def _host_of(self, kind: str, row: Row) -> Row | None:
        """Return the host that a row is, or is a part of; of a stack's member, the master."""
        if kind in HOSTS_OF:
            of, field = HOSTS_OF[kind]
            return self._host_of(of, self.rows[of].get(row[field], {})) if row[field] in self.rows[of] else None
        if kind == "devices":
            chassis = self.rows["virtual_chassis"].get(row["virtual_chassis"], {})
            return self.rows["devices"].get(chassis.get("master") or 0, row)
        return row if kind == "virtual_machines" else None

    def leave_out(self, kind: str, row: Row, reason: str) -> None:
        """Note that an object is not made part of the fleet, and why."""
        self.left_out.append(LeftOut(noun(kind), printable(name_of(row)), reason))


def name_of(row: Row) -> str:
    """Return how NetBox calls an object; its number if it has no name."""
    names = (row.get(field) for field in ("name", "model", "prefix", "start_address", "address", "label"))
    return str(next(filter(None, names), f"number {row['id']}"))


def slug_of(name: str) -> str:
    """Return the slug that NetBox's own pages would make of a name."""
    letters = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[\s-]+", "-", re.sub(r"[^\w\s-]", "", letters)).strip("-_")


def cluster_slug(row: Row) -> str:
    """Return the slug of a cluster, which NetBox has no field for."""
    return str((row["custom_fields"] or {}).get(CLUSTER_SLUG.name) or slug_of(row["name"]))


def unique(named: Mapping[int, tuple[str, str | int | None]]) -> dict[int, str]:
    """Return what each object is known by, by id: its slug or, where others have that too, what it lies in and its
    slug. NetBox wants the slugs of what it nests or groups to be unique there only.

    Args:
        named: of each object, its slug and what it lies in: another of these, by id, or the name of something else.
    """
    seen = Counter(slug for slug, _ in named.values())

    def known_by(number: int, through: tuple[int, ...] = ()) -> str:
        slug, within = named[number]
        if seen[slug] == 1 or within is None or number in through:
            return slug
        if not isinstance(within, int):
            return f"{within}/{slug}"
        return f"{known_by(within, (*through, number))}/{slug}" if within in named else slug

    return {number: known_by(number) for number in named}


def _slug(row: Row) -> str:
    return str(row["slug"])


def _name(row: Row) -> str:
    return str(row["name"])


NAMES: tuple[tuple[str, Callable[[Row], str], str], ...] = (
    ("regions", _slug, "parent"),
    ("site_groups", _slug, "parent"),
    ("tenant_groups", _slug, "parent"),
    ("tenants", _slug, "group"),
    ("sites", _slug, ""),
    ("platforms", _slug, "parent"),
    ("device_roles", _slug, "parent"),
    ("manufacturers", _slug, ""),
    ("device_types", _slug, "manufacturer"),
    ("cluster_types", _slug, ""),
    ("cluster_groups", _slug, ""),
    ("clusters", cluster_slug, ""),
    ("tags", _slug, ""),
    ("vrfs", _name, "rd"),
    ("vlan_groups", _slug, "scope"),
    ("vlan_roles", _slug, ""),
)
"""Of each kind, what its objects are known by, and the field of what that is unique within."""
_KINDS_OF = {"group": "tenant_groups", "manufacturer": "manufacturers"}
SCOPES = {
    "dcim.site": "sites",
    "dcim.location": "locations",
    "dcim.region": "regions",
    "dcim.sitegroup": "site_groups",
}
"""What something can be scoped to that the fleet knows: NetBox's type, and the Fleet's section."""


def reference(text: str | None) -> tuple[str, int]:
    """Split a reference to one of several types into type and id."""
    kind, _, number = (text or "").partition(":")
    return kind, int(number) if number.isdecimal() else 0


def only(row: Row, names: Iterable[str]) -> Row:
    """Return these fields of a row."""
    return {name: row[name] for name in names}


def _in_words(place: tuple[str | int, ...], fields: Row) -> str:
    """Describe a place in an object, with the names of its interfaces and services instead of their numbers."""
    words: list[str] = []
    value: object = fields
    for step in place:
        try:
            value = value[step]  # type: ignore[index]
        except (LookupError, TypeError):
            value = None
        words.append(str(value["name"]) if isinstance(step, int) and isinstance(value, dict) else str(step))
    return ".".join(words)
