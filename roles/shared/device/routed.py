"""Interfaces of a firewall that have a network: ports, LAGs, VLANs of a port (sub-interfaces) and loopbacks. Pure.

What NetBox says of one and nothing here builds is refused with the field's name, and not left out without a word: an
address that a device is not told of would be taken from it, or be missing where a network needs its gateway.

Not here: ports, and what is at the other end of their cables (`settings`); what may pass between networks (the role).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from ipaddress import IPv4Interface, IPv6Interface, IPv6Network
from typing import Literal

from inventory.fleet import Fleet, Host, Interface
from inventory.frozen import Frozen
from roles.shared.device.ports import one_line
from roles.shared.device.vendor import Vendor
from roles.shared.settings import SettingsError

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]*")
LOOPBACK = re.compile(r"(?i)lo(opback)?[0-9]*(\.[0-9]+)?")
HOSTS = 64
"""Bits of a network of IPv6 in which hosts make their own addresses."""


class Routed(Frozen):
    """An interface with a network.

    Attributes:
        kind: `switched` is that of a VLAN of the device's own switching (`irb.120`).
        parent: the port that a VLAN, or a port's own unit (`ge-0/0/1.0`), is one of; None of what is neither.
        vid: the VLAN's number on its parent.
        gateway_of: the networks of IPv6 whose router it is, as NetBox says: hosts there make their addresses of them.
    """

    name: str
    kind: Literal["port", "vlan", "switched", "loopback"]
    parent: str | None = None
    vid: int | None = None
    description: str
    enabled: bool
    addresses: tuple[IPv4Interface, ...]
    addresses6: tuple[IPv6Interface, ...] = ()
    gateway_of: tuple[IPv6Network, ...] = ()

    @property
    def all_addresses(self) -> tuple[IPv4Interface | IPv6Interface, ...]:
        """Return the addresses of both families, IPv4 first."""
        return (*self.addresses, *self.addresses6)

    @property
    def own_port(self) -> str:
        """Return the port that has this network untagged, by its own name; its own name if there is none."""
        return self.parent if self.kind == "port" and self.parent else self.name


def routed_interfaces(host: Host, fleet: Fleet, vendor: Vendor) -> tuple[Routed, ...]:
    """Return every VLAN of a port, and every other interface that has an address, in NetBox's order.

    Raises:
        SettingsError: one of them cannot be built.
    """
    found = tuple(
        _routed(i, host, fleet, vendor)
        for i in host.interfaces
        if (i.addresses or _parent(i, host)) and not is_own(vendor, i.name)
    )
    _require_one_each(found)
    if vendor.units:
        _require_units(found)
    return found


def is_own(vendor: Vendor, name: str) -> bool:
    """Tell whether a device makes an interface by itself, for its own use."""
    return any(re.fullmatch(pattern, name) for pattern in vendor.own_interfaces)


def _parent(interface: Interface, host: Host) -> str | None:
    """Return the port that an interface is a VLAN of: NetBox's parent, or what its name has before a dot."""
    if interface.type != "virtual":
        return None
    before, dot, _ = interface.name.rpartition(".")
    named = before if dot and any(i.name == before for i in host.interfaces) else None
    parent = interface.parent or named
    return None if parent is None or LOOPBACK.fullmatch(parent) else parent


def _kind(interface: Interface, parent: str | None, vendor: Vendor) -> Literal["port", "vlan", "switched", "loopback"]:
    if re.fullmatch(vendor.switched, interface.name):
        return "switched"
    if interface.type != "virtual" or (parent and vendor.units and interface.name == f"{parent}.0"):
        return "port"
    return "vlan" if parent else "loopback"


def _routed(interface: Interface, host: Host, fleet: Fleet, vendor: Vendor) -> Routed:
    field = f"interface {interface.name}"
    parent = _parent(interface, host)
    for what, why, fix in _unbuilt(interface, parent, vendor):
        raise SettingsError(why, field=f"{field}.{what}", fix=fix)
    if not NAME.fullmatch(interface.name) or len(interface.name) > vendor.longest_interface:
        fix = f"use the name that the device prints: {vendor.longest_interface} letters, digits, dots, hyphens at most"
        raise SettingsError(f"{interface.name!r} names no interface", field=field, fix=fix)
    kind = _kind(interface, parent, vendor)
    return Routed(
        name=interface.name,
        kind=kind,
        parent=parent,
        vid=_vid(interface, host, fleet) if kind == "vlan" else None,
        description=one_line(interface.description, vendor),
        enabled=interface.enabled,
        addresses=interface.addresses4,
        addresses6=interface.addresses6,
        gateway_of=tuple(dict.fromkeys(a.network for a in interface.addresses6 if _is_gateway(a, interface, fleet))),
    )


def _is_gateway(address: IPv6Interface, interface: Interface, fleet: Fleet) -> bool:
    """Tell whether hosts of a network make their addresses of it and have this one for their router (RFC 4862: of 64
    bits).
    """
    prefix = fleet.prefix_of(address.ip, interface.vrf)
    return prefix is not None and prefix.gateway == address.ip and address.network.prefixlen == HOSTS


def _unbuilt(interface: Interface, parent: str | None, vendor: Vendor) -> Iterator[tuple[str, str, str]]:
    """Yield what of an interface is not built: the field, why, and what to do."""
    if interface.vrf:
        yield "vrf", "a network in a VRF of its own is not built", "configure it by hand, and take it from NetBox' VRF"
    if interface.shared_addresses:
        shared = interface.shared_addresses[0].address
        yield "addresses", f"{shared} is shared with another host, which is not built", "let a cluster be one host"
    if interface.type == "bridge":
        yield "type", "a bridge with an address is not built", "give the address to a port or a VLAN of one"
    is_known = LOOPBACK.fullmatch(interface.name) or re.fullmatch(vendor.switched, interface.name)
    if interface.type == "virtual" and parent is None and not is_known:
        why = "it is neither a VLAN of a port nor a loopback, and nothing else that is virtual is built"
        yield "parent", why, "name the port that it is a VLAN of, or take its addresses away"


def _vid(interface: Interface, host: Host, fleet: Fleet) -> int:
    """Return the VLAN's number: the untagged one, the only tagged one, or the last number of the name."""
    field = f"interface {interface.name}.untagged_vlan"
    known = {v.vid for v in fleet.vlans_at(host.site)}
    named = re.search(r"(\d+)$", interface.name)
    if interface.untagged_vlan is not None:
        vid = interface.untagged_vlan
    elif len(interface.tagged_vlans) == 1:
        vid = interface.tagged_vlans[0]
    elif named and not interface.tagged_vlans:
        vid = int(named[1])
    else:
        what, fix = "it is not known which VLAN of its port it is", "give it one VLAN in NetBox"
        raise SettingsError(what, field=field, fix=fix)
    if vid not in known:
        raise SettingsError(f"there is no VLAN {vid} at this site", field=field, fix="add it, or take it away")
    return vid


def _require_one_each(found: tuple[Routed, ...]) -> None:
    """Refuse two VLANs of a port with one number, and one network at two interfaces."""
    vlans: dict[tuple[str | None, int], str] = {}
    networks: dict[str, str] = {}
    for interface in found:
        if interface.vid is not None:
            other = vlans.setdefault((interface.parent, interface.vid), interface.name)
            if other != interface.name:
                what = f"{other} is VLAN {interface.vid} of {interface.parent}, too"
                raise SettingsError(what, field=f"interface {interface.name}.untagged_vlan")
        for address in (a for a in interface.all_addresses if a.version == 4 or not a.ip.is_link_local):
            other = networks.setdefault(str(address.network), interface.name)
            if other != interface.name:
                what = f"{address.network} is at {other}, too, and a firewall routes it to one of them"
                raise SettingsError(what, field=f"interface {interface.name}.addresses")


def _require_units(found: tuple[Routed, ...]) -> None:
    """Refuse what a device whose interfaces are units of ports cannot have: other names, and a port both ways."""
    tagged = {i.parent for i in found if i.kind == "vlan"}
    seen: dict[str, str] = {}
    for interface in found:
        field = f"interface {interface.name}"
        port, _, number = interface.name.rpartition(".")
        if interface.kind == "vlan" and (port != interface.parent or not number.isdecimal()):
            what = f"{interface.name!r} is no unit of {interface.parent}"
            raise SettingsError(what, field=field, fix=f"name it {interface.parent}.{interface.vid}")
        if interface.kind == "port" and interface.own_port in tagged:
            what = f"{interface.own_port} has VLANs, and a network beside them that is in none"
            raise SettingsError(what, field=f"{field}.addresses", fix="give it to a VLAN of the port")
        other = seen.setdefault(interface.own_port, interface.name)
        if other != interface.name:
            raise SettingsError(f"{other} is the same unit", field=field, fix="keep the addresses at one of the two")
