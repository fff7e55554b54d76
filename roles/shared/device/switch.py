"""What a switch needs to know besides what every device does: interfaces with addresses, spanning tree, guards. Pure.

A switch is administered over an interface of a VLAN, or over its port for management alone (`mgmt`,
`GigabitEthernet0/0`, `me0`), which vendors keep in a VRF of its own. What NetBox names and no switch's role writes (a
routed port, an interface in a VRF) is `left`: it stays as it is on the device, and `check` says so.

IPv6 that NetBox does not name may still be on a device; so SSH, SNMP and the web over it are shut to everybody but the
stations that have it, whether or not the switch is administered over IPv6.

Not here: ports (`ports`), and how a vendor writes all this (the role's templates).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from ipaddress import IPv4Interface, IPv6Interface
from typing import Annotated, Literal

from pydantic import Field

from inventory.fleet import Fleet, Host, Interface
from inventory.frozen import Frozen
from roles.shared.device.known import vendor_of
from roles.shared.device.ports import Port, far_ends, is_physical
from roles.shared.device.settings import Options, Settings, device_settings
from roles.shared.device.vendor import Vendor
from roles.shared.settings import SettingsError

OF_VLAN = re.compile(r"(?:vlan|vl|irb\.)[ -]?(\d+)", re.IGNORECASE)
LOOPBACK = re.compile(r"(?:loopback|lo)[ -]?(?P<number>\d+)(?:\.(?P<unit>\d+))?", re.IGNORECASE)
"""Names that people and devices give to interfaces of VLANs and loopbacks; Junos' `lo0.1` is number 0, unit 1."""


class SwitchOptions(Options):
    """What a config context may set for a switch, besides `Options`.

    Attributes:
        spanning_tree: the same on all switches that reach one another: a tree for each VLAN (Rapid PVST+, which Aruba
            calls RPVST+ and Juniper VSTP), or MSTP.
        region: of MSTP; by default the site's slug.
        voice_roles: VLANs whose role in NetBox is one of these are for telephones.
        storm_percent: broadcasts beyond this part of a port's speed are dropped where people plug in.
        ipv6_guard: nobody announces a router or answers DHCPv6 where people plug in, on models that can see to it.
        parking_vlan: a port with no cable, VLAN or address in NetBox is shut, and in this VLAN if somebody opens it.
    """

    spanning_tree: Literal["rapid-pvst", "mstp"] = "rapid-pvst"
    region: Annotated[str, Field(pattern=r"^[A-Za-z0-9-]{1,32}$")] | None = None
    voice_roles: tuple[str, ...] = ("voice", "voip", "telefoni")
    storm_percent: Annotated[int, Field(ge=1, le=100)] | None = 1
    ipv6_guard: bool = True
    parking_vlan: Annotated[int, Field(ge=2, le=4094)] | None = None


class Addressed(Frozen):
    """An interface with addresses that is no port: of a VLAN, or a loopback. `number` is the VLAN's, or its own."""

    kind: Literal["vlan", "loopback"]
    number: int
    addresses: tuple[IPv4Interface, ...]
    addresses6: tuple[IPv6Interface, ...] = ()
    enabled: bool = True


class SwitchSettings(Settings):
    """The intended state of one switch.

    Attributes:
        out_of_band: it is administered over a port for that alone, in the VRF `vrf` (empty: the global table).
        addressed: the interfaces with addresses, that of administration first if it is one.
        voice: the VLANs of telephones.
        trunk_lines: what a port is told before it is told to be a trunk.
        left: what NetBox says and nobody configures, a text each.
    """

    out_of_band: bool
    vrf: str
    addressed: tuple[Addressed, ...]
    voice: tuple[int, ...]
    spanning_tree: Literal["rapid-pvst", "mstp"]
    region: str
    storm_percent: int | None
    ipv6_guard: bool
    trunk_lines: tuple[str, ...] = ()
    left: tuple[str, ...]


def switch_settings(host: Host, fleet: Fleet, options: SwitchOptions) -> SwitchSettings:
    """Compute what a switch is to be, from the inventory alone."""
    vendor = vendor_of(host, fleet)
    roles = {v.vid: v.role for v in fleet.vlans_at(host.site)}
    voice = frozenset(vid for vid, role in roles.items() if role in options.voice_roles)

    def is_switched(interface: Interface) -> bool:
        return is_physical(interface) and not _reason(interface, vendor) and not _is_out_of_band(interface, vendor)

    device = device_settings(host, fleet, options, is_port=is_switched, voice=voice)
    management = next(i for i in host.interfaces if i.name == device.management_interface)
    out_of_band = _require_manageable(management, vendor, device.families)
    _require_trees(len(device.segments), options, vendor)
    vid = None if out_of_band else device.management_vlan
    used = {*far_ends(host, fleet), *(i.name for i in host.interfaces if i.addresses or i.lag or i.is_lag)}
    ports = tuple(
        p if p.name in used or p.vids or p.every else _parked(p, options, frozenset(roles)) for p in device.ports
    )
    known = {p.name for p in ports}
    return SwitchSettings(
        **dict(device)
        | {
            "management_vlan": vid,
            "ports": ports,
            "neighbours": tuple(n for n in device.neighbours if n.port in known),
        },
        out_of_band=out_of_band,
        vrf=vendor.management_vrf if out_of_band else "",
        addressed=tuple(_addressed(host, management, vendor)),
        voice=tuple(sorted(voice)),
        spanning_tree=options.spanning_tree,
        region=options.region or host.site,
        storm_percent=options.storm_percent,
        ipv6_guard=options.ipv6_guard and vendor.ipv6_guard,
        trunk_lines=vendor.trunk_lines,
        left=(
            *(f"{i.name}: {why}" for i in host.interfaces if i != management and (why := _reason(i, vendor))),
            *(["ipv6_guard: this model has none"] if options.ipv6_guard and not vendor.ipv6_guard else []),
        ),
    )


def _require_trees(vlans: int, options: SwitchOptions, vendor: Vendor) -> None:
    """Refuse a tree for each VLAN where the switch has not so many: VLANs without one would be loops."""
    if options.spanning_tree == "rapid-pvst" and vendor.most_trees is not None and vlans > vendor.most_trees:
        what = f"each of the site's {vlans} VLANs needs a spanning tree, and this model has {vendor.most_trees}"
        fix = "let all switches that reach one another have spanning_tree: mstp"
        raise SettingsError(what, field="config context spanning_tree", fix=fix)


def _is_out_of_band(interface: Interface, vendor: Vendor) -> bool:
    return is_physical(interface) and (interface.mgmt_only or bool(re.fullmatch(vendor.out_of_band, interface.name)))


def _require_manageable(interface: Interface, vendor: Vendor, families: frozenset[int]) -> bool:
    """Tell whether a switch is administered over a port for that alone; refuse an interface that cannot be told."""
    field, is_port = f"interface {interface.name}", _is_out_of_band(interface, vendor)
    if is_port and not re.fullmatch(vendor.out_of_band, interface.name):
        what = f"{vendor.name} has no management port of the name {interface.name!r}"
        raise SettingsError(what, field=field, fix=f"name it as the device does: {vendor.out_of_band}")
    if is_port and not families & set(vendor.out_of_band_families):
        what = f"{vendor.name} takes SSH at its management port over IPv{vendor.out_of_band_families[0]} alone"
        raise SettingsError(what, field="primary_address", fix="give that port an address of it, or use a VLAN's")
    if not is_port and not OF_VLAN.fullmatch(interface.name):
        what = f"the switch cannot be told to be administered over {interface.name!r}"
        fix = "give the primary address to the interface of a VLAN (vlan101, irb.101), or to the port for management"
        raise SettingsError(what, field=field, fix=fix)
    if interface.vrf and not is_port:
        what = f"administration would come in by the VRF {interface.vrf}, which no role makes"
        raise SettingsError(what, field=f"{field}.vrf", fix="take the interface out of the VRF, or use the port for it")
    return is_port


def _reason(interface: Interface, vendor: Vendor) -> str:
    """Return why an interface is left as it is; empty if it is configured, or if there is nothing to configure."""
    if interface.carries == "q-in-q":
        return "its 802.1Q mode is q-in-q, which no switch's role writes"
    if is_physical(interface):
        if _is_out_of_band(interface, vendor):
            return "it is for management, and has not the primary address" if interface.addresses else ""
        return "it is routed: it has addresses itself" if interface.addresses and interface.lag is None else ""
    if not (interface.addresses or interface.shared_addresses):
        return ""
    if not (OF_VLAN.fullmatch(interface.name) or LOOPBACK.fullmatch(interface.name)):
        return "it is no interface of a VLAN and no loopback"
    return f"it is in the VRF {interface.vrf}, which no role makes" if interface.vrf else _shared(interface)


def _shared(interface: Interface) -> str:
    return "" if interface.addresses else "its only addresses are shared with others"


def _addressed(host: Host, management: Interface, vendor: Vendor) -> Iterator[Addressed]:
    """Yield the interfaces with addresses, that of administration first."""
    for interface in sorted(host.interfaces, key=lambda i: i != management):
        if is_physical(interface) or not interface.addresses or _reason(interface, vendor):
            continue
        if of_vlan := OF_VLAN.fullmatch(interface.name):
            kind, number = "vlan", int(of_vlan[1])
        elif loopback := LOOPBACK.fullmatch(interface.name):
            kind, number = "loopback", int(loopback["unit"] or loopback["number"])
        yield Addressed(
            kind=kind,
            number=number,
            addresses=interface.addresses4,
            addresses6=tuple(a for a in interface.addresses6 if not a.ip.is_link_local),
            enabled=interface.enabled,
        )


def _parked(port: Port, options: SwitchOptions, vids: frozenset[int]) -> Port:
    """Return a port that nothing uses: shut, in the parking VLAN if there is one; else as it is."""
    if options.parking_vlan is None:
        return port
    if options.parking_vlan not in vids:
        what = f"there is no VLAN {options.parking_vlan} at this site to park unused ports in"
        raise SettingsError(what, field="config context parking_vlan", fix="add it to the site, or name another")
    return port.model_copy(update={"untagged": options.parking_vlan, "enabled": False})
