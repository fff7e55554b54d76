"""Compute from the fleet which wires the lab has, and what its controller must know of them. Pure.

Every prefix that lab hosts have interfaces in is one bridge, but for their tunnels: those they make themselves. The
machine that runs the lab, the *controller*, plays the management station: it holds its addresses, and those gateways
that no lab host holds, each on an interface `sdl…` into the switch. Not here: how wires are laid in the kernel
(`lab.switch`). Bridges are of IPv4 prefixes: with its IPv6 addresses a host reaches what is on the same bridge, and
nobody else.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence
from ipaddress import IPv4Address, IPv4Interface, IPv4Network

from deploy.lab.machine import LabError
from inventory.fleet import Fleet, Host, Interface
from inventory.frozen import Frozen
from roles.shared.catalogue import Role, known_roles, shares_addresses
from roles.shared.intent import Intent
from roles.shared.network.peering import routers_of
from roles.shared.settings import Settings
from roles.shared.traffic import MANAGEMENT_STATION, SharedAddress

LAB_TAG = "lab"
INTERFACE_PREFIX = "sdl"
NFT_TABLE = "samdrift_lab"
RETURN_TABLE = 5910
"""Routing table, and priority of its rule, for packets that come back into the lab from outside."""


class Port(Frozen):
    """A host's interface and its end in the switch."""

    host: str
    interface: str
    name: str
    bridge: str


class Segment(Frozen):
    """A prefix as a bridge of the switch. `controller` is what the controller holds in it, if anything."""

    prefix: IPv4Network
    name: str
    controller: tuple[IPv4Interface, ...] = ()
    ports: tuple[Port, ...] = ()


class Wiring(Frozen):
    """The whole network. `routes` are the controller's, as its management station has them.

    `way_in` is the lab host through which the lab reaches the outside, and the outside answers the lab.
    """

    segments: tuple[Segment, ...]
    routes: tuple[tuple[IPv4Network, IPv4Address], ...] = ()
    way_in: IPv4Address | None = None

    @property
    def ports(self) -> tuple[Port, ...]:
        """Return every port of the switch."""
        return tuple(p for s in self.segments for p in s.ports)

    @property
    def controller(self) -> tuple[Segment, ...]:
        """Return the segments that the controller is in."""
        return tuple(s for s in self.segments if s.controller)


def lab_hosts(fleet: Fleet) -> tuple[Host, ...]:
    """Return the hosts that the lab boots: active, and tagged for it."""
    return tuple(h for h in fleet.hosts if LAB_TAG in h.tags and h.status == "active")


def default_gateway(host: Host, fleet: Fleet) -> IPv4Address | None:
    """Return the gateway of the host's first interface whose prefix has one that is not the host itself."""
    for address in host.addresses4:
        prefix = fleet.prefix_of(address.ip)
        if prefix is not None and isinstance(prefix.gateway, IPv4Address) and host not in routers_of(prefix, fleet):
            return prefix.gateway
    return None


def is_gateway(host: Host, fleet: Fleet) -> bool:
    """Tell whether the host is some prefix's gateway, and so has to forward."""
    return any(host in routers_of(p, fleet) for p in fleet.prefixes)


def shared_addresses(host: Host, intent: Intent) -> tuple[SharedAddress, ...]:
    """Return the addresses that the host shares with others, of which one holds them at a time."""
    return tuple(
        a for role, settings in _sharing(host, intent) if role.shared_addresses for a in role.shared_addresses(settings)
    )


def _sharing(host: Host, intent: Intent) -> Iterator[tuple[Role, Settings]]:
    """Yield the roles of a host by which it shares addresses, with their settings."""
    for role in known_roles(host):
        if role.shared_addresses is not None and isinstance(settings := intent.of(host, role.name), Settings):
            yield role, settings


def wiring(intent: Intent) -> Wiring:
    """Return the lab's network of this fleet.

    Raises:
        LabError: a host or interface cannot be wired.
    """
    fleet = intent.fleet
    ports: dict[IPv4Network, list[Port]] = {}
    for host in lab_hosts(fleet):
        for prefix, port in _ports(host, fleet):
            ports.setdefault(prefix, []).append(port)
    if not ports:
        raise LabError(f"no host of the fleet has the tag {LAB_TAG}", fix="tag the hosts that the lab should boot")
    controller = _controller_addresses(fleet, ports)
    segments = tuple(
        Segment(
            prefix=prefix,
            name=segment_name(prefix),
            controller=tuple(controller.get(prefix, ())),
            ports=tuple(ports[prefix]),
        )
        for prefix in sorted(ports)
    )
    held = {a.ip for s in segments for a in s.controller}
    way_in = next((_within(h, g, intent) for h in lab_hosts(fleet) if (g := default_gateway(h, fleet)) in held), None)
    return Wiring(segments=segments, routes=_controller_routes(fleet, segments), way_in=way_in)


def segment_name(prefix: IPv4Network) -> str:
    """Return the name of a prefix's bridge, and of the controller's interface into it: 13 characters, of the 15 there
    are.
    """
    return f"{INTERFACE_PREFIX}{int(prefix.network_address):08x}{prefix.prefixlen:02d}"


def port_name(host: str, interface: str) -> str:
    """Return the name of a host's interface in the switch."""
    return INTERFACE_PREFIX + hashlib.sha256(f"{host}/{interface}".encode()).hexdigest()[:11]


def _ports(host: Host, fleet: Fleet) -> list[tuple[IPv4Network, Port]]:
    if not re.fullmatch(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", host.name):
        raise LabError(
            "the lab cannot boot a host of this name", where=f"host {host.name!r}", fix="letters a-z, digits, -"
        )
    if not host.addresses4:
        fix = "give it an IPv4 address, or take the tag from it"
        raise LabError("the lab's wires carry IPv4 alone", where=f"host {host.name}", fix=fix)
    found = []
    for interface in host.interfaces:
        if not _is_plugged_in(interface):
            continue
        where = f"host {host.name}, interface {interface.name!r}"
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,14}", interface.name):
            raise LabError("Linux has no interface of this name", where=where, fix="15 characters, no blank, no slash")
        prefix = fleet.prefix_of(interface.addresses4[0].ip)
        if prefix is None or not isinstance(prefix.prefix, IPv4Network):
            raise LabError(f"{interface.addresses4[0]} is in no prefix", where=where, fix="add the prefix")
        bridge, name = segment_name(prefix.prefix), port_name(host.name, interface.name)
        port = Port(host=host.name, interface=interface.name, name=name, bridge=bridge)
        found.append((prefix.prefix, port))
    return found


def _controller_addresses(fleet: Fleet, wired: Iterable[IPv4Network]) -> dict[IPv4Network, list[IPv4Interface]]:
    """Return the controller's addresses in each wired prefix: the management stations', and orphaned gateways."""
    held: dict[IPv4Network, list[IPv4Interface]] = {prefix: [] for prefix in wired}
    in_lab = {a.ip for h in lab_hosts(fleet) for a in h.addresses4}
    for station in fleet.with_device_role(MANAGEMENT_STATION):
        for address in station.addresses4:
            prefix = fleet.prefix_of(address.ip)
            if (
                prefix is not None
                and isinstance(prefix.prefix, IPv4Network)
                and prefix.prefix in held
                and address.ip not in in_lab
            ):
                held[prefix.prefix].append(address)
    for prefix in fleet.prefixes:
        if isinstance(prefix.prefix, IPv4Network) and prefix.prefix in held and prefix.gateway is not None:
            gateway = IPv4Interface((prefix.gateway, prefix.prefix.prefixlen))
            routed = any(h in lab_hosts(fleet) for h in routers_of(prefix, fleet))
            if not routed and gateway.ip not in {a.ip for a in held[prefix.prefix]}:
                held[prefix.prefix].append(gateway)
    return held


def _controller_routes(fleet: Fleet, segments: Sequence[Segment]) -> tuple[tuple[IPv4Network, IPv4Address], ...]:
    """Return the controller's routes to other prefixes: through its management station's gateway, as that one does."""
    stations = [h for h in fleet.with_device_role(MANAGEMENT_STATION) if h not in lab_hosts(fleet)]
    gateway = next((g for h in stations if (g := default_gateway(h, fleet)) is not None), None)
    near = {s.prefix for s in segments if s.controller}
    if gateway is None or not any(gateway in prefix for prefix in near):
        return ()
    return tuple((s.prefix, gateway) for s in segments if s.prefix not in near)


def _within(host: Host, gateway: IPv4Address, intent: Intent) -> IPv4Address | None:
    """Return the address in this gateway's prefix at which the host, or one that shares it, is reached."""
    prefix = intent.fleet.prefix_of(gateway)
    addresses = [*(s.address for s in shared_addresses(host, intent)), *(a.ip for a in host.addresses4)]
    return next((a for a in addresses if prefix is not None and a in prefix.prefix), None)


def _is_plugged_in(interface: Interface) -> bool:
    """Tell whether the lab has a wire for it."""
    return bool(interface.addresses4) and interface.enabled and not interface.is_tunnel


def network_files(host: Host, intent: Intent) -> dict[str, str]:
    """Return the network as an installer leaves it on the host: static addresses, no DHCP, and gateways forward."""
    fleet = intent.fleet
    gateway = default_gateway(host, fleet)
    # said to every host, since a new network namespace takes this from the machine that runs the lab
    files = {"usr/lib/sysctl.d/00-installer.conf": f"net.ipv4.ip_forward = {int(is_gateway(host, fleet))}\n"}
    for interface in filter(_is_plugged_in, host.interfaces):
        lines = "".join(f"Address={a}\n" for a in interface.addresses)
        if gateway is not None and any(gateway in a.network for a in interface.addresses):
            lines += f"Gateway={gateway}\n"
        files[f"etc/systemd/network/10-{interface.name}.network"] = (
            f"[Match]\nName={interface.name}\n\n[Network]\n{lines}DHCP=no\nIPv6AcceptRA=no\n"
        )
    return files | _first_router(host, intent)


def _first_router(host: Host, intent: Intent) -> dict[str, str]:
    """Give shared addresses to the first host that shares them, until the program is there: others need a way out."""
    shared = shared_addresses(host, intent)
    if not shared or host != next(h for h in lab_hosts(intent.fleet) if h.site == host.site and shares_addresses(h)):
        return {}
    program = next(role.sharing_program for role, _ in _sharing(host, intent))
    interfaces = " ".join(f"--interface={s.interface}" for s in shared)
    adds = "".join(f"ExecStart=/usr/sbin/ip address replace {s.address}/32 dev {s.interface}\n" for s in shared)
    unit = (
        f"[Unit]\nAfter=systemd-networkd.service\nConditionPathExists=!{program}\n\n[Service]\nType=oneshot\n"
        f"ExecStartPre=/usr/lib/systemd/systemd-networkd-wait-online {interfaces} --timeout=60\n{adds}"
    )
    return {
        "usr/lib/systemd/system/lab-first-router.service": unit,
        "usr/lib/systemd/system/multi-user.target.d/lab.conf": "[Unit]\nWants=lab-first-router.service\n",
    }


def controller_routes(wiring: Wiring) -> list[str]:
    """Return the controller's routes, as lines for `ip -batch`: its own, and those of what comes back from outside."""
    lines = [f"route replace {prefix} via {via}" for prefix, via in wiring.routes]
    if wiring.way_in is not None:
        for segment in wiring.segments:
            direct = wiring.way_in in segment.prefix
            target = f"dev {segment.name}" if direct else f"via {wiring.way_in}"
            lines.append(f"route replace {segment.prefix} {target} table {RETURN_TABLE}")
        lines.sort(key=lambda line: " via " in line)  # a gateway must be reachable before it is named
    return lines


def nft_rules(wiring: Wiring) -> str:
    """Return the controller's one table: lab hosts may go out under its address, and nobody may come in by it."""
    inside = ", ".join(str(s.prefix) for s in wiring.segments)
    lab = f'"{INTERFACE_PREFIX}*"'
    return f"""table ip {NFT_TABLE}
delete table ip {NFT_TABLE}
table ip {NFT_TABLE} {{
    chain forward {{
        type filter hook forward priority filter; policy accept;
        iifname != {lab} oifname {lab} ct state != {{ established, related }} drop
        iifname {lab} oifname {lab} drop
    }}
    chain postrouting {{
        type nat hook postrouting priority srcnat; policy accept;
        ip saddr {{ {inside} }} oifname != {lab} masquerade
    }}
}}
"""
