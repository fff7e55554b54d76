"""Rules about what refers to something else: it must be there."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from inventory.fleet import ASSIGNED_BY, Fleet
from inventory.places import called, noun
from inventory.rules.rule import Fault, most_like, rule

REFERENCES = {
    "sites": {"tenant": "tenants", "region": "regions"},
    "device_types": {"manufacturer": "manufacturers"},
    "clusters": {"type": "cluster_types"},
    "vlans": {"site": "sites"},
    "prefixes": {"site": "sites", "region": "regions"},
    "config_contexts": {section: section for section in ASSIGNED_BY},
    "hosts": {
        "tenant": "tenants",
        "site": "sites",
        "role": "device_roles",
        "platform": "platforms",
        "device_type": "device_types",
        "cluster": "clusters",
        "tags": "tags",
    },
}
"""Which fields name something, by the section that it is in."""

BELONGS = {"sites": ("tenant",), "hosts": ("tenant", "site", "role", "platform")}
"""Which of them NetBox lets be empty, and samdrift does not; rules `site-owner` and `host-complete`."""


@rule("reference", fix="add it, or name another")
def dangling_reference(fleet: Fleet) -> Iterator[Fault]:
    """A reference to nothing is a typing error, and whoever follows it would fail or, worse, find nothing to do."""
    for section, fields in REFERENCES.items():
        for field, target in fields.items():
            known = {x.slug for x in getattr(fleet, target)}
            for i, item in enumerate(getattr(fleet, section)):
                value = getattr(item, field)
                for slug in value if isinstance(value, tuple) else (value,):
                    if slug == "" and field in BELONGS.get(section, ()):
                        continue
                    if slug is not None and slug not in known:
                        what = f"there is no {noun(target)} {slug!r}{most_like(slug, known)}"
                        yield Fault((section, i, field), f"{called(item)}: {what}", needs=(target,))


@rule("site-owner", fix="set the tenant of the site")
def site_without_owner(fleet: Fleet) -> Iterator[Fault]:
    """A site belongs to a municipality, which answers for what stands there and whose name its hosts begin with."""
    for i, site in enumerate(fleet.sites):
        if not site.tenant:
            yield Fault(("sites", i, "tenant"), f"{site.slug} belongs to no municipality")


@rule("host-complete", fix="set it, also of a host that is not active yet")
def incomplete_host(fleet: Fleet) -> Iterator[Fault]:
    """Whose a host is, where it stands, what it is for and what runs on it decide all that is done with it."""
    for i, host in enumerate(fleet.hosts):
        for field in BELONGS["hosts"]:
            if not getattr(host, field):
                yield Fault(("hosts", i, field), f"{host.name} has no {'device role' if field == 'role' else field}")


@rule("vlan", fix="add the VLAN to the site, or name another")
def dangling_vlan(fleet: Fleet) -> Iterator[Fault]:
    """A VLAN number means something only at a site that has that VLAN."""
    sites: dict[str, set[int]] = defaultdict(set)
    for vlan in fleet.vlans:
        sites[vlan.site].add(vlan.vid)
    regions: dict[str, set[int]] = defaultdict(set)
    for site in fleet.sites:
        regions[site.region] |= sites[site.slug]
    for i, prefix in enumerate(fleet.prefixes):
        known = sites[prefix.site] if prefix.site else regions[prefix.region or ""]
        if prefix.vlan is not None and prefix.vlan not in known:
            what = f"{prefix.prefix}: there is no VLAN {prefix.vlan} at {prefix.site or prefix.region}"
            yield Fault(("prefixes", i, "vlan"), what, needs=("vlans", "sites"))
    for i, host in enumerate(fleet.hosts):
        for j, interface in enumerate(host.interfaces if host.site else ()):
            for vid in (interface.untagged_vlan, *interface.tagged_vlans):
                if vid is not None and vid not in sites[host.site]:
                    what = f"{host.name}:{interface.name}: there is no VLAN {vid} at {host.site}"
                    yield Fault(("hosts", i, "interfaces", j), what, needs=("vlans",))


@rule("vlan-name", fix="give one of them a name of its own")
def vlan_name_twice(fleet: Fleet) -> Iterator[Fault]:
    """Who asks at a site for a VLAN by its name must get one, and the same one every time."""
    seen: dict[tuple[str, str], int] = {}
    for i, vlan in enumerate(fleet.vlans):
        other = seen.setdefault((vlan.site, vlan.name.casefold()), vlan.vid)
        if other != vlan.vid:
            what = f"VLAN {vlan.vid} and VLAN {other} at {vlan.site} have one name, {vlan.name!r}"
            yield Fault(("vlans", i, "name"), what)


@rule("cable", fix="name two interfaces of devices, each host:interface, that have no other cable")
def bad_cable(fleet: Fleet) -> Iterator[Fault]:
    """A cable has two ends, at devices, and an interface holds one cable."""
    interfaces = {f"{h.name}:{x.name}" for h in fleet.hosts if h.kind == "device" for x in h.interfaces}
    plugged: set[str] = set()
    for i, cable in enumerate(fleet.cables):
        for side, end in (("a", cable.a), ("b", cable.b)):
            if end not in interfaces:
                what = f"there is no interface {end!r}{most_like(end, interfaces)}"
                yield Fault(("cables", i, side), what, needs=("hosts",))
            elif end in plugged:
                yield Fault(("cables", i, side), f"{end} has a cable already")
            plugged.add(end)
