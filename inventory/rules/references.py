"""Rules about what refers to something else: it must be there."""

from __future__ import annotations

from collections.abc import Iterator

from inventory.fleet import Fleet
from inventory.frozen import Frozen
from inventory.network import Vlan, Vrf
from inventory.organisation import ASSIGNED_BY, Location
from inventory.places import called, noun
from inventory.rules.rule import Fault, most_like, rule

SCOPES = {"site": "sites", "location": "locations", "region": "regions", "site_group": "site_groups"}
REFERENCES = {
    "regions": {"parent": "regions"},
    "site_groups": {"parent": "site_groups"},
    "tenant_groups": {"parent": "tenant_groups"},
    "tenants": {"group": "tenant_groups"},
    "sites": {"tenant": "tenants", "region": "regions", "group": "site_groups"},
    "locations": {"site": "sites"},
    "platforms": {"parent": "platforms"},
    "device_roles": {"parent": "device_roles"},
    "device_types": {"manufacturer": "manufacturers"},
    "clusters": {"type": "cluster_types", "group": "cluster_groups"},
    "vlan_groups": SCOPES,
    "vlans": {"site": "sites", "group": "vlan_groups"},
    "prefixes": {**SCOPES, "vrf": "vrfs"},
    "ranges": {"vrf": "vrfs"},
    "config_contexts": {section: section for section in ASSIGNED_BY},
    "hosts": {
        "tenant": "tenants",
        "site": "sites",
        "location": "locations",
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
MAY_BE_EMPTY = BELONGS | {"sites": ("tenant", "region"), "prefixes": ("vrf",), "ranges": ("vrf",)}


@rule("reference", fix="add it, or name another")
def dangling_reference(fleet: Fleet) -> Iterator[Fault]:
    """A reference to nothing is a typing error, and whoever follows it would fail or, worse, find nothing to do."""
    for section, fields in REFERENCES.items():
        for field, target in fields.items():
            known = {key_of(x) for x in getattr(fleet, target)}
            for i, item in enumerate(getattr(fleet, section)):
                value = getattr(item, field)
                for slug in value if isinstance(value, tuple) else (value,):
                    if slug == "" and field in MAY_BE_EMPTY.get(section, ()):
                        continue
                    if slug is not None and slug not in known:
                        what = f"there is no {noun(target)} {slug!r}{most_like(slug, known)}"
                        yield Fault((section, i, field), f"{called(item)}: {what}", needs=(target,))


def key_of(item: Frozen) -> str:
    """Return what others refer to an object by."""
    match item:
        case Location():
            return item.key
        case Vrf():
            return item.name
        case _:
            return str(getattr(item, "slug"))  # noqa: B009  which of them has one, the sections above say


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
    sites: dict[str, set[int | None]] = {s.slug: {None, *(v.vid for v in fleet.vlans_at(s.slug))} for s in fleet.sites}
    for i, prefix in enumerate(fleet.prefixes):
        if prefix.vlan is not None and not any(
            prefix.vlan in vids for site, vids in sites.items() if fleet.serves(prefix, site)
        ):
            what = f"{prefix.prefix}: there is no VLAN {prefix.vlan} at {prefix.scope[1] or 'any site'}"
            yield Fault(("prefixes", i, "vlan"), what, needs=("vlans", "sites"))
    for i, host in enumerate(fleet.hosts):
        known = sites.get(host.site, {None})
        for j, interface in enumerate(host.interfaces if host.site else ()):
            carried = interface.untagged_vlan, *interface.tagged_vlans
            for vid in () if known.issuperset(carried) else carried:
                if vid not in known:
                    what = f"{host.name}:{interface.name}: there is no VLAN {vid} at {host.site}"
                    yield Fault(("hosts", i, "interfaces", j), what, needs=("vlans",))


@rule("vlan-name", fix="give one of them a name of its own")
def vlan_name_twice(fleet: Fleet) -> Iterator[Fault]:
    """On a device a VLAN's name is one word without marks, Gäst is Gast; who asks at a site for a VLAN by its name must
    get one, and the same one every time.
    """
    index = {(v.site, v.group, v.vid): i for i, v in enumerate(fleet.vlans)}
    reported: set[tuple[int, int]] = set()
    for site in fleet.sites:
        seen: dict[str, Vlan] = {}
        for vlan in sorted(fleet.vlans_at(site.slug), key=lambda v: (v.site is not None, v.vid)):
            other = seen.setdefault(vlan.name_on_devices.casefold(), vlan)
            i, j = (index[v.site, v.group, v.vid] for v in (vlan, other))
            if i != j and (i, j) not in reported:
                reported.add((i, j))
                both = f"VLAN {vlan.vid} and VLAN {other.vid} at {site.slug}"
                what = f"{both} are both called {vlan.name_on_devices} on a device"
                yield Fault(("vlans", i, "name"), what, also=(("vlans", j),))


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
