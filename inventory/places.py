"""Where in its source each part of a fleet came from, so that a problem can say where to mend it.

A path leads into the fleet as data: `("hosts", 3, "interfaces", 0, "name")`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path as FilePath

from inventory.fleet import Fleet, Host
from inventory.frozen import Frozen
from inventory.network import Cable, Prefix, Range, Vlan, Vrf
from inventory.organisation import ConfigContext, Location, Site, Tenant

Path = tuple[str | int, ...]


@dataclass(frozen=True)
class Places:
    """The origin of each part of a fleet: `file:line` by path. A path without one has its parent's.

    Empty (a fleet from NetBox), a place is said in NetBox's words: the object and its field.
    """

    lines: Mapping[Path, str] = field(default_factory=dict)

    def line_of(self, path: Path) -> str | None:
        """Return `file:line` of the path, or of the nearest parent."""
        nearest = (path[:n] for n in range(len(path), 0, -1))
        return next((self.lines[p] for p in nearest if p in self.lines), None)

    def of(self, fleet: Fleet, path: Path) -> str:
        """Return where to mend what this path leads to."""
        return self.line_of(path) or in_words(fleet, path)

    def reordered(self, orders: Mapping[str, Sequence[int]]) -> Places:
        """Return the places after sections were put in another order: what was at `order[i]` is now at `i`.

        What is not in its section's order, and a section that has none, is no more.
        """
        now: dict[Path, int] = {(section, old): i for section, of in orders.items() for i, old in enumerate(of)}
        return Places({(path[0], now[path[:2]], *path[2:]): at for path, at in self.lines.items() if path[:2] in now})


def in_words(fleet: Fleet, path: Path) -> str:
    """Describe what a path leads to, in NetBox's words: the object and its field."""
    section, index, *rest = path
    name = called(getattr(fleet, str(section))[index])
    return f"{noun(str(section))} {name}" + (", " + ".".join(map(str, rest)) if rest else "")


def owner(fleet: Fleet, path: Path) -> tuple[str, str]:
    """Return the host that this path leads into, and the municipality whose it is; empty where there is none, or
    several.
    """
    item = getattr(fleet, str(path[0]))[int(path[1])]
    of_site = {s.slug: s.tenant for s in fleet.sites}
    tenants: set[str] = set()
    match item:
        case Host() | Site():
            tenants = {item.tenant}
        case Tenant():
            tenants = {item.slug}
        case Vlan() | Prefix():
            tenants = {of_site.get(item.site or "", "")}
        case Range():
            prefix = fleet.prefix_of(item.start)
            tenants = {of_site.get(prefix.site or "", "")} if prefix else set()
        case ConfigContext():
            tenants = {*item.tenants, *(of_site.get(s, "") for s in item.sites)}
        case Cable():
            of_host = {h.name: h.tenant for h in fleet.hosts}
            tenants = {of_host.get(end.partition(":")[0], "") for end in (item.a, item.b)} - {""}
    return item.name if isinstance(item, Host) else "", tenants.pop() if len(tenants) == 1 else ""


def noun(section: str) -> str:
    """Return the singular of a section: `device role`."""
    return NOUNS.get(section, section.removesuffix("s")).replace("_", " ")


NOUNS = {
    "prefixes": "prefix",
    "vlans": "VLAN",
    "vlan_groups": "VLAN group",
    "vrfs": "VRF",
    "ip_addresses": "IP address",
    "virtual_chassis": "virtual chassis",
}
"""Singulars that are not the plural without its last letter."""


def called(item: Frozen) -> str:  # noqa: PLR0911  a line for each kind
    """Name an object of the fleet as people do."""
    match item:
        case Vlan():
            return f"{item.vid} of {item.group}" if item.group else f"{item.vid} at {item.site or 'every site'}"
        case Prefix():
            return f"{item.prefix}{_in_vrf(item)}"
        case Range():
            return f"{item.start} to {item.end}{_in_vrf(item)}"
        case Location():
            return item.key
        case Cable():
            return f"{item.a} to {item.b}"
        case Host() | ConfigContext() | Vrf():
            return item.name
        case _:
            return str(next(getattr(item, name) for name in ("slug", "name") if hasattr(item, name)))


def _in_vrf(item: Prefix | Range) -> str:
    return f" in VRF {item.vrf}" if item.vrf else ""


def shown(file: FilePath) -> str:
    """Return a file's path as a person would type it: relative to the current directory, if it is below."""
    return str(file.relative_to(FilePath.cwd()) if file.is_relative_to(FilePath.cwd()) else file)


def printable(text: str) -> str:
    """Return the text, with what could make a terminal do something written out."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)
