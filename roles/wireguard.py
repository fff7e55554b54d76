"""WireGuard: the gateways' tunnels to each other, over a network that is not theirs alone.

A tunnel is an interface of NetBox that is called `wg` and a number, with an address in a prefix that the gateways'
sites share. Who is whose peer there follows from the prefix: its router, the hub, is everybody's
(`roles.shared.network.peering`). A peer may speak in the name of its own address in the tunnel and of the prefixes that
the fleet says can come from there (AllowedIPs), and of nobody else: it is believed by its key, so that the firewall
need not ask for the way back, which in a fail-over is by another tunnel.

The private key is made on the host and never leaves it. The public one is entered in NetBox; until it is there, nobody
takes the host for a peer, and the state check of this role says what to enter.

Routes are the role `edge_gateway`'s business. Where the kernel has no WireGuard, wg-quick takes `wireguard-go`.

Options (config context `samdrift.wireguard`):

- `port`: UDP port of a tunnel `wg0`; that of `wg1` is the next one, and so on. The same for all gateways.
- `keepalive_seconds`: how often a peer that has nothing to say shows that it is there; 0 is never.
"""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Address, IPv4Interface, IPv4Network

from pydantic import Field
from pyinfra.operations import files

from inventory.fleet import Fleet, Host
from inventory.frozen import Frozen
from roles.shared.duties import Command, Duty
from roles.shared.network.peering import Adjacency, adjacencies, announced, one_word, transits, underlays
from roles.shared.parts.ensured import ensured
from roles.shared.parts.files import managed_file
from roles.shared.parts.handlers import Handler, reload
from roles.shared.parts.packages import packages
from roles.shared.parts.services import confined, service
from roles.shared.parts.templates import render
from roles.shared.sandbox import Need, Sandbox, without
from roles.shared.settings import Options as RoleOptions
from roles.shared.settings import Settings as RoleSettings
from roles.shared.settings import SettingsError
from roles.shared.traffic import Listen, ReversePathExemption, networks

FORWARDED = False  # between gateways alone
SWEDISH = "WireGuard: tunnlarna mellan gateway och gateway, över ett nät som inte är bara deras."
CONTROLS = ("ISO 27002:2022 8.20", "ISO 27002:2022 8.21", "ISO 27002:2022 8.24")
DIRECTORY = "/etc/wireguard"
PRIVATE_KEY = TUNNEL_KEY = f"{DIRECTORY}/private.key"
MAKES = (PRIVATE_KEY,)
DUTIES = (
    Duty(
        name="tunnels",
        title=("Se tunnlar", "See tunnels"),
        commands=(Command(program="/usr/bin/wg", arguments="show", example="wg show"),),
    ),
)
"""`wg show` hides keys that are secret; with an interface or a field named, it would not."""
UNIT = "wg-quick@{interface}.service"
SANDBOX = Sandbox(
    unit="wg-quick@.service",
    needs=(
        Need(
            directive="CapabilityBoundingSet",
            value="CAP_NET_ADMIN",
            why="Interfaces, addresses and routes.",
        ),
        Need(
            directive="RestrictAddressFamilies",
            value="AF_INET AF_INET6 AF_NETLINK AF_UNIX",
            why="The same, by netlink; packets by UDP where wireguard-go stands in for the kernel.",
        ),
        *without("PrivateDevices", why="wireguard-go's interfaces come by a device, the only one that it is given."),
        Need(
            directive="DevicePolicy",
            value="closed",
            why="wireguard-go's interfaces come by a device, the only one that it is given.",
        ),
        Need(
            directive="DeviceAllow",
            value="/dev/net/tun rw",
            why="wireguard-go's interfaces come by a device, the only one that it is given.",
        ),
        Need(directive="ReadWritePaths", value="/run", why="wireguard-go's sockets, by which wg speaks with it."),
    ),
)
ANSWERS = (
    "for a in {words}; do (ping -q -c 1 -W 1 $a || ping -q -c 3 -i 0.5 -W 3 $a) > /dev/null && echo $a & done; wait"
)
"""Says at which addresses a ping is answered, all asked at once; WireGuard may need a second try to begin a session."""
AS_ROOT = ("wg show interfaces", "wg show all {word}", ANSWERS)
HAS_KEY = f"wg pubkey < {PRIVATE_KEY} > /dev/null && stat -c '%U:%G %a' {PRIVATE_KEY}"
MAKE_KEY = (
    f"umask 077 && {{ wg pubkey < {PRIVATE_KEY} > /dev/null 2>&1 || "
    f"{{ wg genkey > {PRIVATE_KEY}.new && mv -f {PRIVATE_KEY}.new {PRIVATE_KEY}; }}; }} && "
    f"chown root:root {PRIVATE_KEY} && chmod 600 {PRIVATE_KEY}"
)
WG_ACCEPTS = (
    "d=$(mktemp -d) && cp {path} $d/wg0.conf && said=$(wg-quick strip $d/wg0.conf | wg setconf '' /dev/stdin 2>&1); "
    'code=$?; rm -rf $d; [ $code = 127 ] && exit 127; case "$said" in "Unable to modify interface"*) ;; '
    '*) echo "$said" >&2; exit 1;; esac'
)
"""wg can only judge a file while it gives it to an interface; it finds none of no name after it has read all."""


class Options(RoleOptions):
    """What a config context may set for this role; see the module's text."""

    port: int = Field(default=51820, ge=1024, le=55000)
    keepalive_seconds: int = Field(default=0, ge=0, le=600)


class Peer(Frozen):
    """The other end of a tunnel: where it is, what it is believed by, and in whose name it may speak."""

    name: str
    public_key: str
    endpoint: IPv4Address
    address: IPv4Address
    allowed: tuple[IPv4Network, ...]


class Tunnel(Frozen):
    """A tunnel interface, with its peers."""

    interface: str
    address: IPv4Interface
    port: int
    peers: tuple[Peer, ...]


class Settings(RoleSettings):
    """One gateway's tunnels, and the public key by which the fleet knows it (empty: it does not yet)."""

    host: str
    public_key: str
    tunnels: tuple[Tunnel, ...]
    keepalive_seconds: int


def settings(host: Host, fleet: Fleet, options: Options) -> Settings:
    """Compute the tunnels of one gateway from the fleet."""
    return Settings(
        host=one_word(host.name),
        public_key=host.wireguard_public_key,
        tunnels=tuple(_tunnels(host, fleet, options.port)),
        keepalive_seconds=options.keepalive_seconds,
    )


def listens(settings: Settings) -> tuple[Listen, ...]:
    """Serve WireGuard to the peers' addresses in the underlay alone."""
    return tuple(
        Listen(
            protocol="udp",
            port=tunnel.port,
            sources=networks(IPv4Network(peer.endpoint) for peer in tunnel.peers),
            why=f"tunnel {tunnel.interface}",
        )
        for tunnel in settings.tunnels
    )


def exemptions(settings: Settings) -> tuple[ReversePathExemption, ...]:
    """Exempt the tunnels from reverse-path filtering: a peer's key says who sends."""
    why = "WireGuard lets a peer speak only in names that are its own"
    return tuple(ReversePathExemption(interface=tunnel.interface, why=why) for tunnel in settings.tunnels)


def unserved(host: Host, fleet: Fleet) -> tuple[str, ...]:  # noqa: ARG001  a role's signature
    """Say that tunnels carry no IPv6."""
    found = ", ".join(str(a) for i in host.interfaces if i.is_tunnel for a in i.addresses6)
    return (f"its tunnels carry none: {found}",) if found else ()


def deploy(settings: Settings) -> None:
    """Declare the key, and for each tunnel a file and its unit. A change of one peer leaves the others' sessions alone.

    A change of one peer leaves the others' sessions alone.
    """
    packages("iputils-ping", "wireguard-tools", "wireguard-go")
    files.directory(name=f"directory {DIRECTORY}", path=DIRECTORY, user="root", group="root", mode="700")
    key = "WireGuard private key, made here"
    ensured(key, question=HAS_KEY, answer="root:root 600\n", command=MAKE_KEY)
    # Not a restart, which would end every session: a tunnel is confined from its next start on.
    reread = Handler(name="read systemd's units again", command="systemctl daemon-reload")
    reloading = render("wireguard/service.conf.j2", private_key=PRIVATE_KEY)
    confined(SANDBOX, then=(reread,), also=reloading, guarded=True)
    for tunnel in settings.tunnels:
        unit = UNIT.format(interface=tunnel.interface)
        managed_file(
            f"{DIRECTORY}/{tunnel.interface}.conf",
            content=configuration(settings, tunnel),
            mode="600",
            validate_with=WG_ACCEPTS,
            then=(reload(unit),),
            guarded=True,
        )
        service(unit, guarded=True)
        # A reload does not change it, and where wireguard-go has died the interface is gone while its unit is active.
        ensured(
            f"{tunnel.interface} has its address",
            question=f"ip -4 -o address show dev {tunnel.interface} | grep -o '[0-9.]*/[0-9]*'",
            answer=f"{tunnel.address}\n",
            command=f"systemctl restart {unit}",
        )


def configuration(settings: Settings, tunnel: Tunnel) -> str:
    """Render the file of one tunnel, as wg-quick reads it. It holds no key but the peers' public ones."""
    return render("wireguard/tunnel.conf.j2", settings=settings, tunnel=tunnel, private_key=PRIVATE_KEY)


def _tunnels(host: Host, fleet: Fleet, port: int) -> Iterator[Tunnel]:
    """Yield the host's tunnel in each transit. A gateway without a key in the fleet is nobody's peer."""
    for transit in transits(fleet):
        for interface in host.interfaces:
            own = next((a for a in interface.addresses4 if a.network == transit), None)
            if own is not None and interface.is_tunnel:
                adjacency = (m for m in adjacencies(host, transit, fleet) if m.interface == interface)
                peers = (_peer(host, m, fleet) for m in adjacency if m.peer.wireguard_public_key)
                number = int(interface.name.removeprefix("wg"))
                yield Tunnel(interface=interface.name, address=own, port=port + number, peers=tuple(peers))


def _peer(host: Host, adjacency: Adjacency, fleet: Fleet) -> Peer:
    names = {*announced(adjacency.peer, host, fleet), IPv4Network(adjacency.address)}
    return Peer(
        name=one_word(adjacency.peer.name),
        public_key=adjacency.peer.wireguard_public_key,
        endpoint=_endpoint(adjacency.peer, host, fleet),
        address=adjacency.address,
        allowed=tuple(sorted(names)),
    )


def _endpoint(of: Host, for_: Host, fleet: Fleet) -> IPv4Address:
    """Return a gateway's address in an underlay that another gateway is in as well."""
    for underlay in underlays(fleet):
        there = [a.ip for a in of.addresses4 if a.ip in underlay]
        if there and any(a.ip in underlay for a in for_.addresses4):
            return there[0]
    fix = f"give both an address in a prefix that their sites share, or take the tunnel from {of.name}"
    raise SettingsError(f"no network that {for_.name} and {of.name} are both in", field="interfaces", fix=fix)
