"""What a firewall needs to know besides what every device does: its networks, their zones, what may pass. Values only.

One interface is outside, one is the management's, and every other that has a network is inside. Where a vendor has
every interface in a zone (`Vendor.units`), an inside interface that no option puts into one is in one of its own.

Not here: how the values are computed (`roles.edge_firewall`), and how a vendor writes them (the role's templates).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from ipaddress import IPv6Address
from typing import Literal, NamedTuple

from inventory.frozen import Frozen
from inventory.network import Network
from roles.shared.device.passing import Transit
from roles.shared.device.routed import Routed
from roles.shared.device.settings import Settings
from roles.shared.settings import SettingsError

RESERVED = ("management", "junos-host", "junos-global")
"""Names that no zone of an SRX may have."""
LONGEST_RULES = 31
"""Characters of the name of a set of rules of NAT."""
LAST = "samdrift-deny"
"""The policy that denies what no other lets through."""


class Unit(NamedTuple):
    """An interface with a network as its device calls it: the port, and the number, which is 0 if the name has none."""

    port: str
    number: int

    def __str__(self) -> str:
        return f"{self.port}.{self.number}"


def unit_of(name: str) -> Unit:
    """Return the unit that an interface's name means."""
    port, dot, number = name.rpartition(".")
    return Unit(port, int(number)) if dot and number.isdecimal() else Unit(name, 0)


def plain(name: str) -> str:
    """Return an interface's name as a name of something else: letters, digits and hyphens."""
    return re.sub(r"[^A-Za-z0-9-]", "-", name)


class AddressObject(Frozen):
    """A network by the name that policies call it."""

    name: str
    network: Network


class Zone(Frozen):
    """Inside interfaces that have one policy."""

    name: str
    members: tuple[str, ...]


class Policy(Frozen):
    """What an interface or a zone may over one family of IP: reach the internet, from these of its addresses."""

    number: int
    source: str
    family: Literal[4, 6]
    addresses: tuple[AddressObject, ...]


class SecurityZone(Frozen):
    """A zone: its interfaces, and what it lets come in to the device itself."""

    name: str
    units: tuple[Unit, ...]
    services: tuple[str, ...]


class ZonePolicy(Frozen):
    """What may pass from a zone to the outside: from these sources, an application (empty: any)."""

    zone: str
    name: str
    sources: tuple[str, ...]
    application: str = ""


class FirewallSettings(Settings):
    """The intended state of one firewall.

    Attributes:
        out_of_band: it is administered over a port for that alone, which forwards nothing and is in no zone.
        screen: the outside is screened for attacks, where a vendor has that.
        allowed: what the management interface lets in.
        routed: its interfaces that have a network.
        answers_names: inside interfaces at whose address it answers names.
        announces: inside, it announces itself as the router of networks of IPv6 whose gateway it is.
        dhcp6_servers: inside, DHCPv6 is relayed to these.
        snmp_view: the subtree that monitoring may read; None: everything.
    """

    outside: str
    outside_zone: str
    management_zone: str
    screen: bool
    out_of_band: bool
    allowed: tuple[str, ...]
    routed: tuple[Routed, ...]
    zones: tuple[Zone, ...]
    policies: tuple[Policy, ...]
    transit: Transit | None = None
    answers_names: tuple[str, ...] = ()
    announces: bool = True
    dhcp6_servers: tuple[IPv6Address, ...] = ()
    snmp_view: str | None = None

    @property
    def inside(self) -> tuple[Routed, ...]:
        """Return the interfaces of networks that may reach the internet."""
        return tuple(
            i for i in self.routed if i.all_addresses and i.kind != "loopback" and self._is_neither(i.name, i.own_port)
        )

    def _is_neither(self, *names: str) -> bool:
        return not {self.outside, self.management_interface}.intersection(names)

    def source_of(self, name: str) -> str:
        """Return what policies call an inside interface: the zone that an option puts it into, or itself."""
        return next((z.name for z in self.zones if name in z.members), name)

    def zone_of(self, name: str) -> str:
        """Return the zone of an inside interface on a device where each is in one."""
        return plain(self.source_of(name))

    @property
    def security_zones(self) -> tuple[SecurityZone, ...]:
        """Return the zones of a device on which every interface is in one, with what each lets in to the device."""
        addressed = {name for i in self.routed if i.all_addresses for name in (i.name, i.own_port)}
        pings: tuple[str, ...] = ("ping",) if self.outside in addressed else ()
        ends = [(self.outside, self.outside_zone, pings)]
        if not self.out_of_band:
            netconf = ("netconf",) if self.netconf_port and "netconf" not in self.allowed else ()
            ends.append((self.management_interface, self.management_zone, (*self.allowed, *netconf)))
        for at in self.inside:
            names = ("dns",) if at.name in self.answers_names else ()
            ends.append((at.name, self.zone_of(at.name), ("ping", *names)))
        return joined(SecurityZone(name=z, units=(unit_of(name),), services=of) for name, z, of in ends)

    @property
    def speaks_ipv6(self) -> bool:
        """Tell whether any of its networks is of IPv6."""
        return any(i.addresses6 for i in self.routed)

    @property
    def announced(self) -> tuple[Routed, ...]:
        """Return the inside interfaces at which it announces itself as the router."""
        return tuple(i for i in self.inside if i.gateway_of) if self.announces else ()

    @property
    def zone_policies(self) -> tuple[ZonePolicy, ...]:
        """Return what may pass to the outside, in order."""
        own = [
            ZonePolicy(
                zone=self.zone_of(p.source),
                name="out" if p.family == 4 else "out6",
                sources=tuple(plain(a.name) for a in p.addresses),
            )
            for p in self.policies
        ]
        if self.transit is None:
            return tuple(own)
        zone = self.zone_of(self.transit.interface)
        passing = (
            ZonePolicy(
                zone=zone,
                name=f"out-{of.protocol}-{of.port}",
                sources=tuple(f"host-{plain(str(source))}" for source in of.sources),
                application=f"samdrift-{of.protocol}-{of.port}",
            )
            for of in self.transit.passing
        )
        return (*own, *passing)

    @staticmethod
    def unit(name: str) -> Unit:
        """Return the unit that an interface's name means, for templates."""
        return unit_of(name)

    @staticmethod
    def plain_name(name: str) -> str:
        """Return an interface's name as a name of something else, for templates."""
        return plain(name)

    @property
    def serving(self) -> tuple[str, ...]:
        """Return the ports and LAGs that must be up: of outside, of the management, and of each inside network."""
        parents = {i.name: i.parent or i.name for i in self.routed}
        names = (self.outside, self.management_interface, *(i.name for i in self.inside if i.enabled))
        return tuple(dict.fromkeys(parents.get(name, name) for name in names))


def joined(zones: Iterable[SecurityZone]) -> tuple[SecurityZone, ...]:
    """Return zones of which those with one name are one, in the order in which they are first named."""
    found: dict[str, SecurityZone] = {}
    for zone in zones:
        of = found.setdefault(zone.name, zone)
        if of is not zone:
            units, services = ((*of.units, *zone.units), (*of.services, *zone.services))
            more = {"units": tuple(dict.fromkeys(units)), "services": tuple(dict.fromkeys(services))}
            found[zone.name] = of.model_copy(update=more)
    return tuple(found.values())


def require_zone_names(settings: FirewallSettings, field: str) -> None:
    """Refuse zones that would be one, and names that a device does not take."""
    named = (settings.outside_zone, *([] if settings.out_of_band else [settings.management_zone]))
    sources = {settings.zone_of(i.name) for i in settings.inside}
    alone = {plain(i.name) for i in settings.inside if settings.source_of(i.name) == i.name}
    if both := sorted(alone & {z.name for z in settings.zones}):
        what = f"the zone {both[0]} would be that of an interface which is not in it"
        raise SettingsError(what, field=f"{field}.zones", fix="give the zone another name")
    if not settings.out_of_band and settings.management_zone in sources:
        what = f"the zone {settings.management_zone} is that of administration, and would have another interface"
        raise SettingsError(what, field=f"{field}.management_zone", fix="give one of the two another name")
    if settings.outside_zone in (*sources, *named[1:]):
        what = f"the zone {settings.outside_zone} is the outside's, and would have another interface"
        raise SettingsError(what, field=f"{field}.outside_zone", fix="give one of the two another name")
    for name in (*named, *sorted(sources)):
        if name in RESERVED:
            raise SettingsError(f"no zone can be called {name}", field=f"{field}.zones", fix="give it another name")
        if len(f"{name}-to-{settings.outside_zone}") > LONGEST_RULES:
            what = f"{name}-to-{settings.outside_zone} has more than {LONGEST_RULES} characters"
            raise SettingsError(what, field=f"{field}.zones", fix="give the zone, or the outside's, a shorter name")
