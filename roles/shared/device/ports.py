"""Ports of a switch or firewall, whatever its vendor: what each carries, and what its cable leads to. Pure.

What a port may be told depends on what its cable leads to. Nothing is taken for a port of people's equipment that may
lead to a switch: BPDU guard would shut it, and everybody behind it would be cut off.

Not here: the rest of a device (`settings`, `switch`), and how a vendor writes it (the role's templates).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from ipaddress import IPv4Interface

from inventory.fleet import Fleet, Host, Interface
from inventory.frozen import Frozen
from inventory.network import Cable
from roles.shared.device.known import known_vendors, vendor_of
from roles.shared.device.vendor import Vendor
from roles.shared.settings import SettingsError

SWITCHES = frozenset({"access-switch", "core-switch"})
"""Device roles whose devices speak spanning tree: on a port towards anything else, it is a fault."""
NETWORK = SWITCHES | {"edge-gateway", "firewall"}
"""Device roles towards which DHCP servers are: what comes from there may answer."""
INTERFACE = re.compile(r"[A-Za-z][A-Za-z-]*(\.?\d+([/.:]\d+)*)?|\d+/\d+/\d+(:\d+)?")
PLAIN = frozenset(" .,:;/+-_=@&*")


class Port(Frozen):
    """A physical port, or a LAG: several that are one.

    A member of a LAG names it, and carries nothing of its own; `group` is the number in that LAG's name, which vendors
    call it by. A LAG has the same number, and knows its members.

    Attributes:
        every: it carries all VLANs of the device, tagged but for the untagged one; `tagged` are those of the site.
        voice: the VLAN of the telephone at an access port; the untagged one is that of the computer behind it.
        edge: no switch is at its other end, so that it need not wait for spanning tree.
        guarded: nor may one be: BPDUs, announcements of routers and answers of DHCPv6 servers are a fault there.
        trusted: DHCP servers may be at its other end.
        kbps: its speed, where NetBox' type of it says so.
        multi_chassis: the other end's LAG leads to a second device, too (MLAG, VSX).
    """

    name: str
    description: str
    enabled: bool
    untagged: int | None
    tagged: tuple[int, ...]
    every: bool = False
    voice: int | None = None
    edge: bool
    guarded: bool = False
    trusted: bool
    kbps: int | None = None
    addresses: tuple[IPv4Interface, ...] = ()
    is_lag: bool = False
    multi_chassis: bool = False
    members: tuple[str, ...] = ()
    lag: str | None = None
    group: int | None = None

    @property
    def is_trunk(self) -> bool:
        """Tell whether the port carries tagged VLANs, other than a telephone's."""
        return self.every or bool(self.tagged)

    @property
    def vids(self) -> tuple[int, ...]:
        """Return every VLAN that it carries."""
        alone = (self.untagged, self.voice)
        return tuple(sorted({*self.tagged, *(vid for vid in alone if vid is not None)}))


class Site(Frozen):
    """What ports refer to: the numbers of the site's VLANs, and which of them are for telephones."""

    vids: frozenset[int]
    voice: frozenset[int] = frozenset()


def ports_of(host: Host, fleet: Fleet, site: Site, is_port: Callable[[Interface], bool]) -> list[Port]:
    """Return the ports of a device, LAGs first."""
    ends = far_ends(host, fleet)
    found = sorted((i for i in host.interfaces if is_port(i)), key=lambda i: not i.is_lag)
    ports = [_port(interface, host, fleet, ends, site) for interface in found]
    _require_names(found, host, vendor_of(host, fleet))
    return ports


NO_PORTS = ("virtual", "bridge", "cisco-stackwise", "cisco-flexstack", "juniper-vcp", "extreme-summitstack")
"""What NetBox' types begin with of interfaces that are made of others, or that join the members of a stack."""


def _require_names(ports: Iterable[Interface], host: Host, vendor: Vendor) -> None:
    """Refuse a port of a name that no device of the model's series has: it would refuse to be told of it."""
    for name in (port.name for port in ports if not port.is_lag):
        if not re.fullmatch(vendor.ports, vendor.whole_name(name)):
            fix = f"name it as the device does: {vendor.ports}; or correct the device type"
            what = f"a {host.device_type} has no port of the name {name!r}"
            raise SettingsError(what, field=f"interface {name}", fix=fix)


def is_physical(interface: Interface) -> bool:
    """Tell whether an interface is a port or a LAG: neither made of others, nor what holds a stack together."""
    return not interface.type.startswith(NO_PORTS)


def far_ends(host: Host, fleet: Fleet) -> dict[str, tuple[Host, str]]:
    """Return the far end of each cable of a device: its own interface to the other host and interface."""
    hosts = {h.name: h for h in fleet.hosts}
    ends: dict[str, tuple[Host, str]] = {}
    for cable in fleet.cables:
        for here, there in _both_ways(cable):
            name, _, interface = here.partition(":")
            far, _, at = there.partition(":")
            if name == host.name and far in hosts:
                ends[interface] = hosts[far], at
    return ends


def _both_ways(cable: Cable) -> tuple[tuple[str, str], tuple[str, str]]:
    return (cable.a, cable.b), (cable.b, cable.a)


def one_line(text: str, vendor: Vendor) -> str:
    """Return a person's text as a description: one line, without what could end a quotation or a command."""
    if vendor.ascii_only:
        text = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    kept = "".join(c if c.isalnum() or c in PLAIN else " " for c in unicodedata.normalize("NFC", text))
    return " ".join(kept.split())[: vendor.longest].strip()


def _port(interface: Interface, host: Host, fleet: Fleet, ends: Mapping[str, tuple[Host, str]], site: Site) -> Port:
    vendor = known_vendors()[host.platform]
    field = f"interface {interface.name}"
    if not INTERFACE.fullmatch(interface.name):
        fix = "use the name that the device prints"
        raise SettingsError(f"{interface.name!r} names no interface", field=field, fix=fix)
    untagged, tagged = interface.untagged_vlan, frozenset(interface.tagged_vlans)
    if unknown := sorted((tagged | ({untagged} if untagged else set())) - site.vids):
        what = f"there is no VLAN {unknown[0]} at this site"
        raise SettingsError(what, field=field, fix="add it, or take it away")
    every = interface.carries == "tagged-all"
    voice = next(iter(tagged & site.voice), None) if untagged and len(tagged) == 1 and not every else None
    carried = site.vids - {untagged} if every else tagged - {voice}
    members = tuple(i.name for i in host.interfaces if i.lag == interface.name)
    far = [ends[name] for name in (members if interface.is_lag else (interface.name,)) if name in ends]
    towards = [set(fleet.device_roles_of(end)) for end, _ in far]
    edge = interface.lag is None and not any(_may_be_switch(end, fleet) for end, _ in far)
    return Port(
        name=interface.name,
        description=one_line(_led_to(far, whole=interface.is_lag) or interface.description, vendor),
        enabled=interface.enabled,
        untagged=untagged,
        tagged=tuple(sorted(carried)),
        every=every,
        voice=voice,
        edge=edge,
        guarded=edge and (not (every or carried) or (bool(far) and all(end.roles for end, _ in far))),
        trusted=interface.lag is None and bool(towards) and all(of & NETWORK for of in towards),
        kbps=_kbps(interface.type),
        addresses=interface.addresses4,
        is_lag=interface.is_lag,
        multi_chassis=interface.is_lag and _is_shared(interface, host, fleet, far),
        members=members,
        lag=interface.lag,
        group=_group(interface, vendor),
    )


def _may_be_switch(host: Host, fleet: Fleet) -> bool:
    """Tell whether a host may speak spanning tree: what has a vendor's command line does, if it is no firewall."""
    roles = fleet.device_roles_of(host)
    if SWITCHES.intersection(roles) or any("switch" in role for role in roles):
        return True
    return host.platform in known_vendors() and not NETWORK.intersection(roles)


def _is_shared(lag: Interface, host: Host, fleet: Fleet, far: Iterable[tuple[Host, str]]) -> bool:
    """Tell whether the LAG at the other end leads to a second device, too: the two are to be as one towards it.

    Raises:
        SettingsError: the vendor's devices cannot be, or it is not known how they are told.
    """
    vendor = known_vendors()[host.platform]
    for end, name in far:
        theirs = next((i.lag for i in end.interfaces if i.name == name), None)
        members = {f"{end.name}:{i.name}" for i in end.interfaces if theirs is not None and i.lag == theirs}
        leads = [(a, b.partition(":")[0]) for cable in fleet.cables for a, b in _both_ways(cable) if a in members]
        here = {port for port, name in leads if name == host.name}
        others = sorted(name for port, name in leads if port not in here)
        if others and not vendor.multi_chassis:
            what = f"{end.name} {theirs} leads to {others[0]}, too, and {vendor.name} is not told here to share a LAG"
            fix = "let it lead to one device or stack; or leave the LAG without VLANs, and configure it by hand"
            raise SettingsError(what, field=f"interface {lag.name}", fix=fix)
        if others:
            return True
    return False


def _led_to(far: Iterable[tuple[Host, str]], *, whole: bool) -> str:
    """Describe the far ends of cables.

    Of a LAG as a `whole`: the LAGs there or, if the other end names none, the hosts.
    """
    found: dict[str, None] = {}
    for host, name in far:
        lag = next((i.lag for i in host.interfaces if i.name == name), None)
        found[f"{host.name} {(lag or '') if whole else name}".strip()] = None
    return ", ".join(found)


def _group(interface: Interface, vendor: Vendor) -> int | None:
    """Return the number of the LAG that an interface is, or is a member of."""
    lag = interface.name if interface.is_lag else interface.lag
    if lag is None:
        return None
    named = re.fullmatch(vendor.lag, lag)
    if named is None:
        what = f"{vendor.name} has no LAG of the name {lag!r}"
        raise SettingsError(what, field=f"interface {lag}", fix=f"name it as the device does: {vendor.lag}")
    return int(named[1]) if named.re.groups else None


def _kbps(type_: str) -> int | None:
    """Return the speed that NetBox' type of a port names: `1000base-t`, `10gbase-x-sfpp`."""
    named = re.match(r"(\d+(?:\.\d+)?)(g)?base-", type_)
    return int(float(named[1]) * (1_000_000 if named[2] else 1000)) if named else None
