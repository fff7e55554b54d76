"""The lab's network: which wires it has (pure, from the fleet), and how they are laid in the kernel (thin).

Every prefix that lab hosts have interfaces in is one bridge, but for their tunnels: those they make themselves. The
bridges stand in a network namespace of their own, the *switch*, so that no firewall rule of the machine can touch what
lab hosts say to each other, and one unmount removes them all. The machine that runs the lab, the *controller*, plays
the management station: it holds its addresses, and those gateways that no lab host holds, each on an interface `sdl…`
into the switch.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from ipaddress import IPv4Address, IPv4Interface, IPv4Network
from pathlib import Path
from typing import Any

from deploy.lab.machine import LabError, mounts, run
from inventory.fleet import SHARES_ADDRESSES, Fleet, Frozen, Host, Interface
from roles import keepalived
from roles.shared.catalogue import catalogue
from roles.shared.traffic import MANAGEMENT_STATION

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
        """Every port of the switch."""
        return tuple(p for s in self.segments for p in s.ports)

    @property
    def controller(self) -> tuple[Segment, ...]:
        """The segments that the controller is in."""
        return tuple(s for s in self.segments if s.controller)


def lab_hosts(fleet: Fleet) -> tuple[Host, ...]:
    """The hosts that the lab boots: active, and tagged for it."""
    return tuple(h for h in fleet.hosts if LAB_TAG in h.tags and h.status == "active")


def default_gateway(host: Host, fleet: Fleet) -> IPv4Address | None:
    """The gateway of the host's first interface whose prefix has one that is not the host itself."""
    for address in host.addresses:
        prefix = fleet.prefix_of(address.ip)
        if prefix is not None and prefix.gateway is not None and host not in fleet.routers_of(prefix):
            return prefix.gateway
    return None


def is_gateway(host: Host, fleet: Fleet) -> bool:
    """Whether the host is some prefix's gateway, and so has to forward."""
    return any(host in fleet.routers_of(p) for p in fleet.prefixes)


def shared_addresses(host: Host, fleet: Fleet) -> tuple[keepalived.Shared, ...]:
    """The addresses that the host shares with others, of which one holds them at a time."""
    role = catalogue()[SHARES_ADDRESSES]
    settings = role.settings(host, fleet) if SHARES_ADDRESSES in host.roles else None
    return settings.shared if isinstance(settings, keepalived.Settings) else ()


def wiring(fleet: Fleet) -> Wiring:
    """The lab's network of this fleet.

    Raises:
        LabError: a host or interface cannot be wired.
    """
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
    way_in = next((_within(h, g, fleet) for h in lab_hosts(fleet) if (g := default_gateway(h, fleet)) in held), None)
    return Wiring(segments=segments, routes=_controller_routes(fleet, segments), way_in=way_in)


def segment_name(prefix: IPv4Network) -> str:
    """The name of a prefix's bridge, and of the controller's interface into it: 13 characters, of the 15 there are."""
    return f"{INTERFACE_PREFIX}{int(prefix.network_address):08x}{prefix.prefixlen:02d}"


def port_name(host: str, interface: str) -> str:
    """The name of a host's interface in the switch."""
    return INTERFACE_PREFIX + hashlib.sha256(f"{host}/{interface}".encode()).hexdigest()[:11]


def _ports(host: Host, fleet: Fleet) -> list[tuple[IPv4Network, Port]]:
    if not re.fullmatch(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", host.name):
        raise LabError(
            "the lab cannot boot a host of this name", where=f"host {host.name!r}", fix="letters a-z, digits, -"
        )
    found = []
    for interface in host.interfaces:
        if not _is_plugged_in(interface):
            continue
        where = f"host {host.name}, interface {interface.name!r}"
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,14}", interface.name):
            raise LabError("Linux has no interface of this name", where=where, fix="15 characters, no blank, no slash")
        prefix = fleet.prefix_of(interface.addresses[0].ip)
        if prefix is None:
            raise LabError(f"{interface.addresses[0]} is in no prefix", where=where, fix="add the prefix")
        bridge, name = segment_name(prefix.prefix), port_name(host.name, interface.name)
        port = Port(host=host.name, interface=interface.name, name=name, bridge=bridge)
        found.append((prefix.prefix, port))
    return found


def _controller_addresses(fleet: Fleet, wired: Iterable[IPv4Network]) -> dict[IPv4Network, list[IPv4Interface]]:
    """What the controller holds in each wired prefix: the management stations' addresses, and orphaned gateways."""
    held: dict[IPv4Network, list[IPv4Interface]] = {prefix: [] for prefix in wired}
    in_lab = {a.ip for h in lab_hosts(fleet) for a in h.addresses}
    for station in fleet.with_device_role(MANAGEMENT_STATION):
        for address in station.addresses:
            prefix = fleet.prefix_of(address.ip)
            if prefix is not None and prefix.prefix in held and address.ip not in in_lab:
                held[prefix.prefix].append(address)
    for prefix in fleet.prefixes:
        if prefix.prefix in held and prefix.gateway is not None:
            gateway = IPv4Interface((prefix.gateway, prefix.prefix.prefixlen))
            routed = any(h in lab_hosts(fleet) for h in fleet.routers_of(prefix))
            if not routed and gateway.ip not in {a.ip for a in held[prefix.prefix]}:
                held[prefix.prefix].append(gateway)
    return held


def _controller_routes(fleet: Fleet, segments: Sequence[Segment]) -> tuple[tuple[IPv4Network, IPv4Address], ...]:
    """How the controller reaches what it is not in: through its management station's gateway, as that one does."""
    stations = [h for h in fleet.with_device_role(MANAGEMENT_STATION) if h not in lab_hosts(fleet)]
    gateway = next((g for h in stations if (g := default_gateway(h, fleet)) is not None), None)
    near = {s.prefix for s in segments if s.controller}
    if gateway is None or not any(gateway in prefix for prefix in near):
        return ()
    return tuple((s.prefix, gateway) for s in segments if s.prefix not in near)


def _within(host: Host, gateway: IPv4Address, fleet: Fleet) -> IPv4Address | None:
    """The address in the prefix of this gateway at which the host, or who shares it with the host, is reached."""
    prefix = fleet.prefix_of(gateway)
    addresses = [*(s.address for s in shared_addresses(host, fleet)), *(a.ip for a in host.addresses)]
    return next((a for a in addresses if prefix is not None and a in prefix.prefix), None)


def _is_plugged_in(interface: Interface) -> bool:
    """Whether the lab has a wire for it."""
    return bool(interface.addresses) and interface.enabled and not interface.is_tunnel


def network_files(host: Host, fleet: Fleet) -> dict[str, str]:
    """The network as an installer would leave it on the host: static addresses, no DHCP, and gateways forward."""
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
    return files | _first_router(host, fleet)


def _first_router(host: Host, fleet: Fleet) -> dict[str, str]:
    """Until keepalived is there, the first of those hosts that share addresses has them: the others need a way out."""
    shared = shared_addresses(host, fleet)
    if not shared or host != next(h for h in lab_hosts(fleet) if SHARES_ADDRESSES in h.roles and h.site == host.site):
        return {}
    interfaces = " ".join(f"--interface={s.interface}" for s in shared)
    adds = "".join(f"ExecStart=/usr/sbin/ip address replace {s.address}/32 dev {s.interface}\n" for s in shared)
    unit = (
        "[Unit]\nAfter=systemd-networkd.service\nConditionPathExists=!/usr/sbin/keepalived\n\n[Service]\nType=oneshot\n"
        f"ExecStartPre=/usr/lib/systemd/systemd-networkd-wait-online {interfaces} --timeout=60\n{adds}"
    )
    return {
        "usr/lib/systemd/system/lab-first-router.service": unit,
        "usr/lib/systemd/system/multi-user.target.d/lab.conf": "[Unit]\nWants=lab-first-router.service\n",
    }


# In the kernel


ALIAS = "samdrift lab "
"""What the alias of every interface of a lab begins with; its directory follows."""


class Switch:
    """The network of one lab, in the kernel. `handle` is the file that keeps the switch's namespace."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.handle = directory / "switch"
        self._alias = f"{ALIAS}{directory}"

    @property
    def exists(self) -> bool:
        """Whether the switch's namespace is there."""
        return bool(mounts(self.handle))

    def inside(self, *argv: str | Path) -> list[str | Path]:
        """A command, to be run in the switch's namespace."""
        return ["nsenter", f"--net={self.handle}", "--", *argv]

    def refuse_strangers(self, wiring: Wiring, nameserver: IPv4Address) -> None:
        """LabError if another lab holds the network, or if the machine's own network would be cut by the lab's."""
        for name, alias in self._strangers():
            holder = alias.removeprefix(ALIAS) or f"interface {name}"
            raise LabError(f"another lab holds this network: {holder}", fix="take that one down first")
        for segment in wiring.segments:
            for address, interface in _machine_addresses():
                if address in segment.prefix:
                    raise LabError(
                        f"this machine is itself in {segment.prefix} ({address} on {interface})",
                        fix="run the lab on another machine",
                    )
            if nameserver in segment.prefix:
                raise LabError(f"this machine's nameserver {nameserver} is in the lab's {segment.prefix}")

    def lay(self, wiring: Wiring) -> None:
        """Make everything but the ports, or what is missing of it."""
        if not self.exists:
            self.handle.touch()
            run("unshare", f"--net={self.handle}", "true")
        self._lay_bridges(wiring)
        self._lay_controller(wiring)
        run("nft", "-f", "-", stdin=nft_rules(wiring))

    def _lay_bridges(self, wiring: Wiring) -> None:
        there = {link["ifname"] for link in self.links()}
        batch = [
            f"link add {s.name} address {_mac(s.name)} type bridge" for s in wiring.segments if s.name not in there
        ]
        self._batch([*batch, *(f"link set {s.name} up" for s in wiring.segments)])

    def _lay_controller(self, wiring: Wiring) -> None:
        there = {link["ifname"] for link in _links()}
        for segment in wiring.controller:
            name, far = segment.name, f"sdc{segment.name.removeprefix(INTERFACE_PREFIX)}"
            if name not in there:
                self._lay_cable(name, far)
            self._batch([f"link set {far} master {name}", f"link set {far} up"])
            Path(f"/proc/sys/net/ipv4/conf/{name}/rp_filter").write_text("2")  # answers may come by another way
            batch = [f"addr replace {address} dev {name}" for address in segment.controller]
            run("ip", "-batch", "-", stdin="\n".join([f"link set {name} addrgenmode none up", *batch, ""]))
        run("ip", "-batch", "-", stdin="".join(f"{line}\n" for line in controller_routes(wiring)))
        if wiring.way_in is not None and not _has_return_rule():
            # What comes back from outside takes the way that it went out, through the lab's own gateway, and not the
            # controller's short cut: a stateful firewall on the gateway would see half of each conversation.
            run("ip", "rule", "add", "not", "iif", "lo", "lookup", str(RETURN_TABLE), "pref", str(RETURN_TABLE))

    def _lay_cable(self, name: str, far: str) -> None:
        """The controller's interface `name` and its end in the switch.

        It comes out of the switch with its owner's name on it: one without, left by whoever was killed in between,
        would be nobody's, and hold the network for ever.
        """
        mac = _mac(f"controller {name}")  # the same after a crash, or hosts would keep the old one in mind
        unfinished = {link["ifname"] for link in self.links()} & {far}
        self._batch([f"link delete {end}" for end in unfinished])
        run(*self.inside("ip", "link", "add", far, "type", "veth", "peer", "name", "new", "address", mac))
        run(*self.inside("ip", "link", "set", "new", "alias", self._alias))
        run(*self.inside("ip", "link", "set", "new", "netns", f"/proc/{os.getpid()}/ns/net", "name", name))

    def attach(self, ports: Iterable[Port]) -> None:
        """Put ports on their bridges, as cables are plugged in."""
        self._batch([f"link set {p.name} master {p.bridge} up" for p in ports])

    def detach(self, ports: Iterable[Port]) -> None:
        """Take ports off their bridges, as cables are pulled out."""
        self._batch([f"link set {p.name} nomaster" for p in ports])

    def clear(self, ports: Iterable[Port]) -> None:
        """Remove ports of a host that has ended; by themselves they go later, and a new host could not have them."""
        there = {link["ifname"] for link in self.links()}
        for port in (p for p in ports if p.name in there):
            with suppress(LabError):  # it went by itself just now
                self._batch([f"link delete {port.name}"])

    def links(self) -> list[dict[str, Any]]:
        """Every interface in the switch, as `ip` tells it; none where there is no switch."""
        return _links(self.inside) if self.exists else []

    def remove(self) -> None:
        """Remove everything that `lay` made, whole or half. The namespace itself goes when its mount does."""
        for name in self.interfaces():
            run("ip", "link", "delete", name)
        if self._table_is_ours():
            run("nft", "delete", "table", "ip", NFT_TABLE)
        while self._rule_is_ours():
            run("ip", "rule", "del", "pref", str(RETURN_TABLE))

    def traces(self) -> list[str]:
        """What of this lab is in the machine's own network: interfaces, firewall table, routing rule."""
        found = [f"interface {name}" for name in self.interfaces()]
        found += [f"nft table {NFT_TABLE}"] if self._table_is_ours() else []
        found += [f"routing rule {RETURN_TABLE}"] if self._rule_is_ours() else []
        return found

    def interfaces(self) -> list[str]:
        """This lab's interfaces in the controller's own namespace."""
        return [link["ifname"] for link in _links() if link.get("ifalias") == self._alias]

    def others(self) -> list[Path]:
        """The directories of other labs that have this network."""
        aliases = {alias for _, alias in self._strangers() if alias.startswith(ALIAS)}
        return [Path(alias.removeprefix(ALIAS)) for alias in sorted(aliases)]

    def _strangers(self) -> Iterator[tuple[str, str]]:
        """Name and alias of every interface that is a lab's, and not this one's."""
        for link in _links():
            alias = link.get("ifalias", "")
            if link["ifname"].startswith(INTERFACE_PREFIX) and alias != self._alias:
                yield link["ifname"], alias

    def _others_are_here(self) -> bool:
        return any(True for _ in self._strangers())

    def _table_is_ours(self) -> bool:
        return f"table ip {NFT_TABLE}" in run("nft", "list", "tables").splitlines() and not self._others_are_here()

    def _rule_is_ours(self) -> bool:
        return _has_return_rule() and not self._others_are_here()

    def _batch(self, lines: Sequence[str]) -> None:
        if lines:
            run(*self.inside("ip", "-batch", "-"), stdin="".join(f"{line}\n" for line in lines))


def controller_routes(wiring: Wiring) -> list[str]:
    """The controller's routes, as lines for `ip -batch`: its own, and those of what comes back from outside."""
    lines = [f"route replace {prefix} via {via}" for prefix, via in wiring.routes]
    if wiring.way_in is not None:
        for segment in wiring.segments:
            direct = wiring.way_in in segment.prefix
            target = f"dev {segment.name}" if direct else f"via {wiring.way_in}"
            lines.append(f"route replace {segment.prefix} {target} table {RETURN_TABLE}")
        lines.sort(key=lambda line: " via " in line)  # a gateway must be reachable before it is named
    return lines


def nft_rules(wiring: Wiring) -> str:
    """The controller's one table: lab hosts may go out under its address, and nobody may come in by it."""
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


def _links(wrap: Callable[..., list[str | Path]] = lambda *argv: list(argv)) -> list[dict[str, Any]]:
    links: list[dict[str, Any]] = json.loads(run(*wrap("ip", "-json", "link", "show")) or "[]")
    return links


def _machine_addresses() -> list[tuple[IPv4Address, str]]:
    """The machine's own addresses, without those of a lab."""
    return [
        (IPv4Address(address["local"]), link["ifname"])
        for link in json.loads(run("ip", "-json", "-4", "address", "show") or "[]")
        for address in link.get("addr_info", ())
        if not link["ifname"].startswith(INTERFACE_PREFIX)
    ]


def _has_return_rule() -> bool:
    rules = json.loads(run("ip", "-json", "rule", "show") or "[]")
    return any(rule.get("priority") == RETURN_TABLE for rule in rules)


def _mac(name: str) -> str:
    """A locally administered hardware address that is always the same for this name."""
    digest = hashlib.sha256(name.encode()).digest()
    return "02:" + ":".join(f"{byte:02x}" for byte in digest[:5])
