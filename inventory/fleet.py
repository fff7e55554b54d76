"""The Fleet: everything known about the five municipalities' hosts and sites, frozen.

Shapes and names are NetBox's own (tenant, site, prefix, platform, device role, config context), so that
snapshot and NetBox say the same words. Not here: where a Fleet comes from (`snapshot.py`), in which order its parts
stand (`order.py`), what makes it sound (`rules`), and which part of it a command means (`selection.py`).
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from functools import cached_property
from ipaddress import IPv4Address, IPv4Interface, IPv4Network
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field
from pydantic_core import PydanticSerializationError


class Frozen(BaseModel):
    """A value of the inventory: immutable, and an unknown key in its source is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """Copy a value with these fields changed, without the original's cached properties."""
        copied = super().model_copy(update=update, deep=deep)
        for name in copied.__dict__.keys() - type(self).model_fields.keys():
            del copied.__dict__[name]
        return copied


class Region(Frozen):
    """A NetBox region; prefixes scoped to it are shared by all its sites."""

    slug: str
    name: str


class Tenant(Frozen):
    """A municipality (or the joint IT unit): the owner of hosts and of their information."""

    slug: str
    name: str
    description: str = ""


class Site(Frozen):
    """A place with equipment. `tenant` is the municipality that it belongs to."""

    slug: str
    name: str
    tenant: str
    region: str
    asn: int | None = Field(default=None, description="private BGP AS number of the site (RFC 6996)")
    facility: str = ""
    latitude: float | None = None
    longitude: float | None = None


class Named(Frozen):
    """A NetBox object that is no more than a slug and a name: platform, device role, manufacturer, tag."""

    slug: str
    name: str
    description: str = ""


class Platform(Named):
    """The operating system of a host; `family` says how samdrift reaches it: a shell or a vendor CLI."""

    family: Literal["debian", "cli"]


class DeviceType(Frozen):
    """A model of a manufacturer."""

    slug: str
    manufacturer: str
    model: str


class Cluster(Named):
    """A cluster that virtual machines run on; `type` is the slug of its cluster type."""

    type: str


class Vlan(Frozen):
    """A VLAN of a site."""

    vid: int = Field(ge=1, le=4094)
    name: str
    site: str


class Prefix(Frozen):
    """An IPv4 prefix, scoped to a site or (shared by all its sites) to a region; exactly one of the two."""

    prefix: IPv4Network
    description: str = ""
    site: str | None = None
    region: str | None = None
    vlan: int | None = None
    gateway: IPv4Address | None = Field(default=None, description="custom field: the router's address in it")


class Range(Frozen):
    """Addresses of a prefix, from `start` to `end` inclusive, that are lent out: a DHCP pool of the prefix."""

    start: IPv4Address
    end: IPv4Address
    description: str = ""


class ConfigContext(Frozen):
    """A NetBox config context and what it is assigned to. NetBox merges them; samdrift never does."""

    name: str
    weight: int = 1000
    description: str = ""
    is_active: bool = True
    regions: tuple[str, ...] = ()
    sites: tuple[str, ...] = ()
    device_types: tuple[str, ...] = ()
    device_roles: tuple[str, ...] = ()
    platforms: tuple[str, ...] = ()
    clusters: tuple[str, ...] = ()
    tenants: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    data: dict[str, Any]


class Interface(Frozen):
    """A network interface of a host, with its addresses. `type` is NetBox's word; a VM's are always `virtual`.

    `lag` names the host's interface of the type `lag` (link aggregation group) that this one is a member of.
    """

    name: str
    type: str = "1000base-t"
    enabled: bool = True
    description: str = ""
    lag: str | None = None
    untagged_vlan: int | None = None
    tagged_vlans: tuple[int, ...] = ()
    addresses: tuple[IPv4Interface, ...] = ()

    @property
    def is_lag(self) -> bool:
        """Tell whether the interface is a link aggregation group: several cables that are one link."""
        return self.type == "lag"

    @property
    def is_tunnel(self) -> bool:
        """Tell whether the interface is a WireGuard tunnel: virtual, and named wg and a number."""
        return self.type == "virtual" and re.fullmatch(r"wg[1-9][0-9]{0,3}", self.name) is not None


class Cable(Frozen):
    """A cable between two devices' interfaces, each `host:interface`."""

    a: str
    b: str


class Service(Frozen):
    """A service of a host, as NetBox documents it. Firewalls are made from roles, and not from this."""

    name: str
    protocol: Literal["tcp", "udp", "sctp"]
    ports: tuple[int, ...]
    description: str = ""


Status = Literal["active", "planned", "staged", "offline", "failed", "inventory", "paused", "decommissioning"]
"""NetBox's words for where in its life a host is; samdrift looks at and changes active ones only."""


class Host(Frozen):
    """A device or a virtual machine.

    `primary_address` is the one that samdrift connects to. `host_keys` are its SSH host keys as
    `type base64`, the only keys it is believed by; tunnels know it by its `wireguard_public_key`.
    `context` is the merged config context as NetBox gave it; samdrift reads `context["samdrift"]` of it:
    `{roles: {<role>: true}, wave: N, <role>: {options}}`. `local_context` is the part of it that NetBox keeps on the
    host itself.
    """

    name: str
    kind: Literal["device", "vm"]
    tenant: str
    site: str
    role: str
    platform: str
    status: Status = "active"
    device_type: str | None = None
    cluster: str | None = None
    serial: str = ""
    description: str = ""
    tags: tuple[str, ...] = ()
    interfaces: tuple[Interface, ...] = ()
    primary_address: IPv4Address | None = None
    host_keys: tuple[str, ...] = ()
    wireguard_public_key: str = Field(default="", description="base64; the private one never leaves the host")
    services: tuple[Service, ...] = ()
    local_context: dict[str, Any] = Field(default_factory=dict)
    context: dict[str, Any] = Field(default_factory=dict)

    @property
    def samdrift(self) -> dict[str, Any]:
        """Return the `samdrift` section of the merged config context; empty if there is none."""
        section = self.context.get("samdrift", {})
        return section if isinstance(section, dict) else {}

    @cached_property
    def roles(self) -> tuple[str, ...]:
        """Return the samdrift roles that the config context gives this host, by the alphabet.

        In which order they are applied, the roles say (`roles.shared.catalogue.roles_of`).
        """
        given = self.samdrift.get("roles")
        return tuple(sorted(r for r, has in given.items() if has is True)) if isinstance(given, dict) else ()

    @property
    def wave(self) -> int:
        """Return the wave of an apply that this host belongs to (config context `samdrift.wave`; by default 50)."""
        wave = self.samdrift.get("wave", 50)
        return wave if isinstance(wave, int) else 50

    @property
    def address(self) -> IPv4Address:
        """Return the primary address. A sound fleet has one for every active host (rule `host-address`)."""
        if self.primary_address is None:
            raise LookupError(f"host {self.name} has no primary address")
        return self.primary_address

    @property
    def addresses(self) -> tuple[IPv4Interface, ...]:
        """Return every address of every interface, in the interfaces' order."""
        return tuple(a for i in self.interfaces for a in i.addresses)


class Fleet(Frozen):
    """The whole fleet, validated once and in order (`inventory.order`), so that equal fleets have equal digests."""

    regions: tuple[Region, ...] = ()
    tenants: tuple[Tenant, ...] = ()
    sites: tuple[Site, ...] = ()
    platforms: tuple[Platform, ...] = ()
    device_roles: tuple[Named, ...] = ()
    manufacturers: tuple[Named, ...] = ()
    device_types: tuple[DeviceType, ...] = ()
    cluster_types: tuple[Named, ...] = ()
    clusters: tuple[Cluster, ...] = ()
    tags: tuple[Named, ...] = ()
    vlans: tuple[Vlan, ...] = ()
    prefixes: tuple[Prefix, ...] = ()
    ranges: tuple[Range, ...] = ()
    config_contexts: tuple[ConfigContext, ...] = ()
    hosts: tuple[Host, ...] = ()
    cables: tuple[Cable, ...] = ()

    @cached_property
    def digest(self) -> str:
        """Return the SHA-256 (hex) of the whole content: two fleets with one digest are one fleet."""
        canonical = json.dumps(self.model_dump(), default=str, sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(canonical.encode("utf-8", "surrogatepass")).hexdigest()

    @cached_property
    def as_json(self) -> Mapping[str, tuple[str, ...]]:
        """Return every object as JSON, section by section: made at once, it is quicker to look through than the
        objects.
        """
        return {section: tuple(_json(item) for item in getattr(self, section)) for section in KEYS}

    def holders_of(self, prefix: Prefix) -> tuple[tuple[Host, Interface], ...]:
        """Return the interfaces that have the address of a prefix' gateway."""
        return self._interfaces_with.get(prefix.gateway, ()) if prefix.gateway else ()

    def candidates_of(self, prefix: Prefix) -> tuple[tuple[Host, Interface], ...]:
        """Return the interfaces that could share a prefix' gateway if none has it: those of hosts with roles there."""
        if prefix.gateway is None or prefix.gateway in self._interfaces_with:
            return ()
        return tuple(
            (host, interface)
            for host in self.hosts
            if host.roles
            for interface in host.interfaces
            if any(a.ip in prefix.prefix for a in interface.addresses)
        )

    @cached_property
    def _interfaces_with(self) -> dict[IPv4Address, tuple[tuple[Host, Interface], ...]]:
        found: dict[IPv4Address, tuple[tuple[Host, Interface], ...]] = {}
        for host in self.hosts:
            for interface in host.interfaces:
                for address in interface.addresses:
                    found[address.ip] = (*found.get(address.ip, ()), (host, interface))
        return found

    @cached_property
    def _by_name(self) -> dict[str, Host]:
        return {h.name: h for h in self.hosts}

    def host(self, name: str) -> Host:
        """Return the host of this name; KeyError if there is none."""
        return self._by_name[name]

    def site(self, slug: str) -> Site:
        """Return the site of this slug; KeyError if there is none."""
        return {s.slug: s for s in self.sites}[slug]

    def tenant(self, slug: str) -> Tenant:
        """Return the tenant of this slug; KeyError if there is none."""
        return {t.slug: t for t in self.tenants}[slug]

    def platform(self, slug: str) -> Platform:
        """Return the platform of this slug; KeyError if there is none."""
        return {p.slug: p for p in self.platforms}[slug]

    def with_role(self, role: str) -> tuple[Host, ...]:
        """Return the active hosts that have this samdrift role, by name."""
        return self._by_role.get(role, ())

    @cached_property
    def _by_role(self) -> dict[str, tuple[Host, ...]]:
        found: dict[str, list[Host]] = {}
        for host in self.hosts:
            for role in host.roles if host.status == "active" else ():
                found.setdefault(role, []).append(host)
        return {role: tuple(hosts) for role, hosts in found.items()}

    def with_device_role(self, slug: str) -> tuple[Host, ...]:
        """Return the active hosts whose NetBox device role is this one, by name."""
        return tuple(h for h in self.hosts if h.status == "active" and h.role == slug)

    def prefixes_of_site(self, slug: str) -> tuple[Prefix, ...]:
        """Return the site's own prefixes and those of its region."""
        region = self.site(slug).region
        return tuple(p for p in self.prefixes if p.site == slug or (p.region is not None and p.region == region))

    def prefix_of(self, address: IPv4Address) -> Prefix | None:
        """Return the longest prefix that holds this address, or None."""
        holding = [p for p in self.prefixes if address in p.prefix]
        return max(holding, key=lambda p: p.prefix.prefixlen, default=None)

    def ranges_in(self, prefix: IPv4Network) -> tuple[Range, ...]:
        """Return the ranges of this prefix, in the addresses' order. (In a sound fleet, a range begins and ends in
        one.)
        """
        return tuple(r for r in self.ranges if r.start in prefix)


ASSIGNED_BY = ("regions", "sites", "device_types", "device_roles", "platforms", "clusters", "tenants", "tags")
"""What a config context can be assigned by, in this model."""

KEYS: Mapping[str, Callable[[Any], Any]] = {
    "regions": lambda x: x.slug,
    "tenants": lambda x: x.slug,
    "sites": lambda x: x.slug,
    "platforms": lambda x: x.slug,
    "device_roles": lambda x: x.slug,
    "manufacturers": lambda x: x.slug,
    "device_types": lambda x: x.slug,
    "cluster_types": lambda x: x.slug,
    "clusters": lambda x: x.slug,
    "tags": lambda x: x.slug,
    "vlans": lambda x: (x.site, x.vid),
    "prefixes": lambda x: (x.prefix, x.site or "", x.region or ""),
    "ranges": lambda x: (x.start, x.end),
    "config_contexts": lambda x: (x.weight, x.name),
    "hosts": lambda x: x.name,
    "cables": lambda x: (x.a, x.b),
}
"""Every part of a fleet, and what its members are sorted by."""


def _json(item: Frozen) -> str:
    """Return the object as JSON; text that is not valid UTF-8 is escaped, as Python writes it."""
    try:
        return item.model_dump_json()
    except PydanticSerializationError:
        return repr(item)
