"""The Fleet: everything known about the five municipalities' hosts and sites, frozen.

Shapes and names are NetBox's own, so that snapshot and NetBox say the same words. Here are hosts, and how a Fleet is
looked through; the rest of its parts are in `organisation.py` and `network.py`. Not here: where a Fleet comes from
(`snapshot.py`), in which order its parts stand (`order.py`), what makes it sound (`rules`), and which part of it a
command means (`selection.py`).
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from functools import cached_property
from ipaddress import IPv4Address, IPv4Interface, IPv6Address, IPv6Interface
from typing import Any, Literal

from pydantic import Field

from inventory.frozen import Frozen, InTexts, in_texts
from inventory.keys import KEYS, address_key
from inventory.network import (
    Address,
    Cable,
    InterfaceAddress,
    Nearest,
    Network,
    Prefix,
    Range,
    Scoped,
    SharedAddress,
    Vlan,
    VlanGroup,
    Vrf,
)
from inventory.organisation import (
    Cluster,
    ConfigContext,
    DeviceRole,
    DeviceType,
    Location,
    Named,
    People,
    Platform,
    Region,
    Site,
    SiteGroup,
    Tenant,
    TenantGroup,
)
from inventory.scopes import EVERYWHERE, Scopes, ancestors, scopes, vlans_at

Mode = Literal["access", "tagged", "tagged-all", "q-in-q"]


class Interface(Frozen):
    """A network interface of a host, with its addresses.

    Attributes:
        type: NetBox's word; a VM's are always `virtual`.
        mode: how it carries VLANs (802.1Q), where its VLANs do not say so: see `carries`.
        mgmt_only: it manages the host, out of band, and carries nobody's traffic.
        lag: the host's interface of the type `lag` (link aggregation group) that this one is a member of.
        parent: the host's interface that this one is a sub-interface of.
        bridge: the host's interface that this one is bridged into.
        member: of a stack, the position of the member that has it.
        vrf: the VRF of the interface and of its addresses; empty is the global table.
        addresses: its own addresses, of either family, in NetBox's order.
        shared_addresses: addresses that it holds together with others.
    """

    name: str
    type: str = "1000base-t"
    enabled: bool = True
    mgmt_only: bool = False
    description: str = ""
    lag: str | None = None
    parent: str | None = None
    bridge: str | None = None
    member: int | None = None
    mode: Mode | None = None
    untagged_vlan: int | None = None
    tagged_vlans: tuple[int, ...] = ()
    vrf: str = ""
    addresses: tuple[InterfaceAddress, ...] = ()
    shared_addresses: tuple[SharedAddress, ...] = ()

    @property
    def carries(self) -> Mode | None:
        """Return how the interface carries VLANs: as its mode says or, without one, as its VLANs do."""
        if self.mode is not None:
            return self.mode
        if self.tagged_vlans:
            return "tagged"
        return None if self.untagged_vlan is None else "access"

    @property
    def all_addresses(self) -> tuple[InterfaceAddress, ...]:
        """Return the own addresses, then the shared ones."""
        return self.addresses + tuple([shared.address for shared in self.shared_addresses])

    @property
    def addresses4(self) -> tuple[IPv4Interface, ...]:
        """Return the own addresses of IPv4."""
        return tuple(a for a in self.addresses if isinstance(a, IPv4Interface))

    @property
    def addresses6(self) -> tuple[IPv6Interface, ...]:
        """Return the own addresses of IPv6."""
        return tuple(a for a in self.addresses if isinstance(a, IPv6Interface))

    @property
    def is_lag(self) -> bool:
        """Tell whether the interface is a link aggregation group: several cables that are one link."""
        return self.type == "lag"

    @property
    def is_tunnel(self) -> bool:
        """Tell whether the interface is a WireGuard tunnel: virtual, and named wg and a number."""
        return self.type == "virtual" and re.fullmatch(r"wg[1-9][0-9]{0,3}", self.name) is not None


class Service(Frozen):
    """A service of a host, as NetBox documents it. Firewalls are made from roles, and not from this."""

    name: str
    protocol: Literal["tcp", "udp", "sctp"]
    ports: tuple[int, ...]
    description: str = ""


ACTIVE = "active"
"""The status of a host that samdrift looks at and changes."""
STATUSES = (ACTIVE, "planned", "staged", "offline", "failed", "inventory", "paused", "decommissioning")
"""NetBox's own words for where in its life a host is; an organisation's FIELD_CHOICES may add others."""


class Member(Frozen):
    """One device of a stack (virtual chassis): its name in NetBox, its position, model and serial number."""

    name: str
    position: int
    device_type: str
    serial: str = ""


class Host(Frozen):
    """A device or a virtual machine.

    `primary_address` (IPv4) or else `primary_address6` is the one that samdrift connects to. `host_keys` are its SSH
    host keys as `type base64`, the only keys it is believed by; tunnels know it by its `wireguard_public_key`.
    A stack is one host: its master, with all members' interfaces; `members` are the others, and the master itself.
    `context` is the merged config context as NetBox gave it; samdrift reads `context["samdrift"]` of it:
    `{roles: {<role>: true}, wave: N, <role>: {options}}`; also how it is talked to (`inventory.netconf`).
    `local_context` is the part of it that NetBox keeps on the host itself.
    """

    name: str
    kind: Literal["device", "vm"]
    tenant: str = ""
    site: str = ""
    location: str | None = Field(default=None, description="`site/slug`")
    role: str = ""
    platform: str = ""
    status: str = ACTIVE
    device_type: str | None = None
    cluster: str | None = None
    serial: str = ""
    description: str = ""
    tags: tuple[str, ...] = ()
    interfaces: tuple[Interface, ...] = ()
    members: tuple[Member, ...] = ()
    primary_address: IPv4Address | None = None
    primary_address6: IPv6Address | None = None
    oob_address: Address | None = Field(default=None, description="of its out-of-band management")
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
    def is_managed(self) -> bool:
        """Tell whether samdrift looks at the host and changes it: it is active and its context gives it roles."""
        return self.status == ACTIVE and bool(self.roles)

    @property
    def address(self) -> Address:
        """Return the address to connect to. Every managed host has one (rule `host-address`).

        Raises:
            LookupError: it has none.
        """
        address = self.primary_address or self.primary_address6
        if address is None:
            raise LookupError(f"host {self.name} has no primary address")
        return address

    @property
    def addresses(self) -> tuple[InterfaceAddress, ...]:
        """Return every own address of every interface, in the interfaces' order."""
        return tuple(a for i in self.interfaces for a in i.addresses)

    @property
    def addresses4(self) -> tuple[IPv4Interface, ...]:
        """Return every own address of IPv4."""
        return tuple(a for i in self.interfaces for a in i.addresses4)

    @property
    def addresses6(self) -> tuple[IPv6Interface, ...]:
        """Return every own address of IPv6."""
        return tuple(a for i in self.interfaces for a in i.addresses6)


class Fleet(Frozen):
    """The whole fleet, validated once and in order (`inventory.order`), so that equal fleets have equal digests.

    `people` come from the project's own file (`inventory.people`); everything else is the source's, and has the digest.
    """

    regions: tuple[Region, ...] = ()
    site_groups: tuple[SiteGroup, ...] = ()
    tenant_groups: tuple[TenantGroup, ...] = ()
    tenants: tuple[Tenant, ...] = ()
    sites: tuple[Site, ...] = ()
    locations: tuple[Location, ...] = ()
    platforms: tuple[Platform, ...] = ()
    device_roles: tuple[DeviceRole, ...] = ()
    manufacturers: tuple[Named, ...] = ()
    device_types: tuple[DeviceType, ...] = ()
    cluster_types: tuple[Named, ...] = ()
    cluster_groups: tuple[Named, ...] = ()
    clusters: tuple[Cluster, ...] = ()
    tags: tuple[Named, ...] = ()
    vrfs: tuple[Vrf, ...] = ()
    vlan_groups: tuple[VlanGroup, ...] = ()
    vlans: tuple[Vlan, ...] = ()
    prefixes: tuple[Prefix, ...] = ()
    ranges: tuple[Range, ...] = ()
    config_contexts: tuple[ConfigContext, ...] = ()
    hosts: tuple[Host, ...] = ()
    cables: tuple[Cable, ...] = ()
    people: People = People()

    @cached_property
    def digest(self) -> str:
        """Return the SHA-256 (hex) of all that the source says: two fleets with one digest are one fleet."""
        canonical = json.dumps(self.model_dump(exclude={"people"}), default=str, sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(canonical.encode("utf-8", "surrogatepass")).hexdigest()

    @cached_property
    def as_json(self) -> Mapping[str, InTexts]:
        """Return every object as JSON, section by section, so many in a text: quicker to look through than they are."""
        return {section: in_texts(getattr(self, section)) for section in KEYS}

    def holders_of(self, prefix: Prefix) -> tuple[tuple[Host, Interface], ...]:
        """Return the interfaces that have the address of a prefix' gateway, at a place that the prefix is for."""
        having = self._having.get((prefix.vrf, address_key(prefix.gateway)), ()) if prefix.gateway else ()
        return tuple((host, interface) for host, interface in having if self.serves(prefix, host.site))

    def candidates_of(self, prefix: Prefix) -> tuple[tuple[Host, Interface], ...]:
        """Return the interfaces that could share a prefix' gateway if none has it: those of hosts with roles there."""
        if prefix.gateway is None or self.holders_of(prefix):
            return ()
        sites = {site for site in {host.site for host in self.hosts} if self.serves(prefix, site)}
        return tuple(
            (host, interface)
            for host in self.hosts
            if host.site in sites and host.roles
            for interface in host.interfaces
            if interface.vrf == prefix.vrf and any(a in prefix.prefix for a in interface.addresses)
        )

    @cached_property
    def _having(self) -> Mapping[tuple[str, object], Sequence[tuple[Host, Interface]]]:
        """Return who has an address, by VRF and address, shared ones included."""
        found: dict[tuple[str, object], list[tuple[Host, Interface]]] = {}
        for host in self.hosts:
            for interface in host.interfaces:
                for address in interface.all_addresses:
                    found.setdefault((interface.vrf, address_key(address)), []).append((host, interface))
        return found

    @cached_property
    def _by_name(self) -> dict[str, Host]:
        return {h.name: h for h in self.hosts}

    def host(self, name: str) -> Host:
        """Return the host of this name; KeyError if there is none."""
        return self._by_name[name]

    def site(self, slug: str) -> Site:
        """Return the site of this slug; KeyError if there is none."""
        return self._sites[slug]

    @cached_property
    def _sites(self) -> dict[str, Site]:
        return {s.slug: s for s in self.sites}

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
            for role in host.roles if host.status == ACTIVE else ():
                found.setdefault(role, []).append(host)
        return {role: tuple(hosts) for role, hosts in found.items()}

    def with_device_role(self, slug: str) -> tuple[Host, ...]:
        """Return the active hosts whose NetBox device role is this one or lies below it, by name."""
        return tuple(h for h in self.hosts if h.status == ACTIVE and slug in self.device_roles_of(h))

    def device_roles_of(self, host: Host) -> tuple[str, ...]:
        """Return a host's device role and those that it lies below, the nearest first."""
        return ancestors(host.role, self._parents["device_roles"])

    @cached_property
    def _parents(self) -> Mapping[str, Mapping[str, str | None]]:
        """Return the parent of every slug, section by section, of what NetBox nests."""
        nested = ("regions", "site_groups", "tenant_groups", "device_roles", "platforms")
        return {section: {x.slug: x.parent for x in getattr(self, section)} for section in nested}

    def regions_of(self, site: Site) -> tuple[str, ...]:
        """Return a site's region and those that it lies in, the nearest first."""
        return ancestors(site.region, self._parents["regions"])

    @cached_property
    def scopes_of(self) -> Scopes:
        """Return the scopes that hold for each site, the nearest first."""
        regions, groups = self._parents["regions"], self._parents["site_groups"]
        return scopes(self.sites, self.locations, regions, groups)

    @cached_property
    def _vlans_at(self) -> Mapping[str, Mapping[int, Vlan | None]]:
        return vlans_at(self.scopes_of, self.vlans, self.vlan_groups)

    def serves(self, scoped: Scoped, site: str) -> bool:
        """Tell whether what is scoped to a place is for this site, too."""
        return scoped.scope in (self.scopes_of.get(site) or {("site", site): None, **EVERYWHERE})

    def vlan_at(self, site: str, vid: int) -> Vlan | None:
        """Return the VLAN that a number means at a site: its own, or else that of the group that is scoped nearest.

        None if there is none, or if several are equally near.
        """
        return self._vlans_at.get(site, {}).get(vid)

    def vlans_at(self, site: str) -> tuple[Vlan, ...]:
        """Return the VLANs that numbers mean at a site, by number."""
        found = self._vlans_at.get(site, {})
        return tuple(vlan for _, vlan in sorted(found.items()) if vlan is not None)

    def prefixes_of_site(self, slug: str) -> tuple[Prefix, ...]:
        """Return the prefixes that are for a site: its own, and those of what it lies in."""
        return tuple(p for p in self.prefixes if self.serves(p, slug))

    def prefix_of(self, address: Address, vrf: str = "") -> Prefix | None:
        """Return the longest prefix of a VRF that holds this address, or None."""
        return self._nearest.of(address, vrf)

    @cached_property
    def _nearest(self) -> Nearest:
        return Nearest(self.prefixes)

    def ranges_in(self, prefix: Network, vrf: str = "") -> tuple[Range, ...]:
        """Return the ranges of this prefix, in the addresses' order. (Where nothing is wrong, each ends in it, too.)"""
        return tuple(r for r in self.ranges if r.vrf == vrf and r.start in prefix)
