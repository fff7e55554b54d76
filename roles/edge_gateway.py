"""FRR: BGP between the sites, and what a gateway forwards between them.

Every site has an AS number of its own (NetBox: ASN of the site). Gateways that meet in a prefix speak eBGP there:
each with the router of that prefix, the hub, which passes on to each what it learnt from the others, and stays the
next hop itself. So all traffic between two municipalities goes through one firewall, and a new site is a new
neighbour of the hub and of nobody else. Where no gateway is the router of the prefix, all speak with all.

Where gateways have tunnels (role `wireguard`) they meet in those alone. With several hubs, the one whose prefix comes
first is preferred, in both directions: by local preference for what an edge sends, by MED for what it gets. The hubs
of a site tell each other all they know by iBGP, over a link of their own, so that whatever reaches one reaches both.
What leaves a hub by that link is judged by the other hub's firewall alone: it sees both directions of it.

A gateway announces the prefixes of its own site that it is the router of, and nothing else; it accepts from a
neighbour exactly the prefixes that the fleet says can come from there. Both are prefix lists made from the fleet, in
both directions, so that a mistake at one end is stopped at the other. What BGP knows no way to is discarded: it would
else leave by the default route, past the tunnels.

What it forwards follows from what the fleet's hosts serve (`roles.shared.network.forwarding`); the role `firewall`
enforces it. Reverse path filtering is the role `base`'s and the firewall's business.

Options (config context `samdrift.edge_gateway`):

- `max_prefixes`: a neighbour that sends more prefixes than this, wanted or not, is shut out for `restart_minutes`.
- `restart_minutes`: see there.
- `keepalive_seconds`, `hold_seconds`: how soon a neighbour that went silent is given up.
"""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Address, IPv4Network
from typing import Annotated

from pydantic import Field
from pyinfra.operations import files

from inventory.fleet import Fleet, Host
from inventory.frozen import Frozen
from roles.shared.duties import Command, Duty
from roles.shared.families import ipv6_beside
from roles.shared.filtering import Route
from roles.shared.intent import Intent
from roles.shared.network.forwarding import forwards_of
from roles.shared.network.peering import (
    Adjacency,
    adjacencies,
    announced,
    behind,
    hub_transits,
    links,
    one_word,
    transits,
)
from roles.shared.order import EVERY_OTHER
from roles.shared.parts.files import managed_file
from roles.shared.parts.handlers import Handler, restart
from roles.shared.parts.hardened import no_shell
from roles.shared.parts.kernel import kernel_settings
from roles.shared.parts.packages import packages
from roles.shared.parts.services import confined, service
from roles.shared.sandbox import Need, Sandbox
from roles.shared.settings import Options as RoleOptions
from roles.shared.settings import Settings as RoleSettings
from roles.shared.settings import SettingsError
from roles.shared.traffic import Forward, Listen, ReversePathExemption, networks

SWEDISH = "FRR: BGP mellan platserna, och det som en gateway skickar vidare mellan dem."
PLATFORMS = ("debian-13",)
AFTER = (EVERY_OTHER,)
"""What BGP knows no way to is discarded: on a new edge, whose tunnels have no peer yet, the way to packages as well. So
what installs any comes before.
"""
FORWARDED = False  # made from what others serve, and speaking with gateways alone
REDUNDANT = "site"
CONTROLS = ("ISO 27002:2022 8.20", "ISO 27002:2022 8.21", "ISO 27002:2022 8.22")
BACKS_UP = {
    "FRR": "vtysh -c 'show running-config' 2> /dev/null",
    "nftables": "/usr/sbin/nft -s list ruleset 2> /dev/null",  # -s: without counters
}
DUTIES = (
    Duty(
        name="routes",
        title=("Se vägar, och pinga härifrån", "See routes, and ping from here"),
        commands=(
            Command(
                program="/usr/bin/vtysh",
                arguments="-c show ((ip|ipv6) route|bgp summary|(ip|ipv6) route [0-9a-f.:]{2,45})",
                example="vtysh -c 'show ip route'",
            ),
            Command(program="/usr/bin/ping", arguments="-c [1-9] [0-9a-f.:]{2,45}", example="ping -c 3 10.61.10.1"),
        ),
    ),
)
UNIT = "frr.service"
BGP = 179
SPEAK = f"for a in {{words}}; do (timeout 1 bash -c 'exec 3<>/dev/tcp/'$a'/{BGP}' 2> /dev/null && echo $a) & done; wait"
"""Says who answers at BGP's port within a second, all asked at once."""
SUMMARY = "vtysh -c 'show bgp ipv4 unicast summary json'"
HAVE_A_SESSION = (
    'timeout 15 sh -c \'until (for a in {words}; do vtysh -c "show bgp neighbors $a json" | '
    'grep -q "bgpState.*Established" || exit 1; done); do sleep 1; done\'; ' + SUMMARY
)
"""Waits until these neighbours have a session, and tells the state of all."""
CHANGED = (
    "/usr/lib/frr/frr-reload.py --test --stdout --bindir /usr/bin --confdir /etc/frr --rundir /run/frr "
    "/etc/frr/frr.conf 2> /dev/null"
)
SHOWN = "vtysh -c 'show {what}'"
AS_ROOT = (
    SPEAK,
    SUMMARY,
    HAVE_A_SESSION,
    CHANGED,
    *(SHOWN.format(what=what) for what in ("bgp neighbors json", "watchfrr", "ip route static json")),
)
PREFERENCE, STEP = 200, 10
"""Local preference of the first way; that of each further one is a step lower, and its MED a step higher."""
FORWARDING = {"net.ipv4.ip_forward": "1", "net.ipv6.conf.all.forwarding": "0"}
"""Both are samdrift's to set: FRR, which would, may not write kernel settings."""
SANDBOX = Sandbox(
    unit=UNIT,
    needs=(
        Need(
            directive="CapabilityBoundingSet",
            value="CAP_CHOWN CAP_DAC_OVERRIDE CAP_FOWNER CAP_KILL CAP_NET_ADMIN CAP_NET_BIND_SERVICE CAP_NET_RAW"
            " CAP_SETGID CAP_SETUID CAP_SYS_ADMIN",
            why="Routes, port 179 and raw sockets; its daemons run as user frr, what watches and restarts them as root."
            " Zebra does not start unless it may take CAP_SYS_ADMIN, which is for other network namespaces.",
        ),
        Need(
            directive="RestrictAddressFamilies",
            value="AF_INET AF_INET6 AF_NETLINK AF_PACKET AF_UNIX",
            why="The kernel's routes by netlink, and raw sockets.",
        ),
        Need(
            directive="ReadWritePaths",
            value="/run/frr /var/lib/frr /var/log/frr",
            why="Its sockets, and the numbers of its processes.",
        ),
    ),
)
NETWORKD = "/etc/systemd/networkd.conf.d"
VTYSH_ACCEPTS = (
    'said=$(vtysh -C -f {path} 2>&1); code=$?; ! echo "$said" | grep -q "^line " || code=1; '
    '[ $code = 0 ] || echo "$said" >&2; exit $code'
)
"""Before FRR 10, vtysh names a command that it does not know and then exits 0. Where there is no vtysh it is 127."""
RELOAD = "/usr/lib/frr/frr-reload.py --reload --bindir /usr/bin --confdir /etc/frr --rundir /run/frr /etc/frr/frr.conf"


class Options(RoleOptions):
    """What a config context may set for this role; see the module's text."""

    max_prefixes: Annotated[int, Field(ge=1, le=10_000)] = 100
    restart_minutes: Annotated[int, Field(ge=1, le=1440)] = 5
    keepalive_seconds: Annotated[int, Field(ge=1, le=60)] = 3
    hold_seconds: Annotated[int, Field(ge=3, le=180)] = 9


class Neighbour(Frozen):
    """A gateway that this one speaks BGP with: its own prefixes, what is accepted from it, and what is announced to it.

    `rank` says which way it is: 0 is the preferred one. A `linked` one is the other hub of the same site.
    """

    name: str
    interface: str
    address: IPv4Address
    asn: int
    rank: int
    linked: bool
    own: tuple[IPv4Network, ...]
    accepts: tuple[IPv4Network, ...]
    announces: tuple[IPv4Network, ...]

    @property
    def rule_name(self) -> str:
        """Name the neighbour's rules in FRR: one gateway may be a neighbour on two interfaces."""
        return f"{self.name}-{self.interface}"

    @property
    def preference(self) -> int:
        """Return BGP's local preference for what the neighbour announces."""
        return PREFERENCE - STEP * self.rank

    @property
    def metric(self) -> int:
        """Return the MED of what is announced to the neighbour."""
        return STEP * self.rank


class Settings(RoleSettings):
    """The prefixes that one gateway routes, its neighbours, and what it forwards."""

    host: str
    asn: int
    router_id: IPv4Address
    prefixes: tuple[IPv4Network, ...]
    elsewhere: tuple[IPv4Network, ...]
    neighbours: tuple[Neighbour, ...]
    passages: tuple[Forward, ...]
    max_prefixes: int
    restart_minutes: int
    keepalive_seconds: int
    hold_seconds: int


def settings(host: Host, fleet: Fleet, options: Options, intent: Intent) -> Settings:
    """Compute neighbours, prefixes and forwarding rules from the fleet."""
    if host.primary_address is None:
        raise SettingsError("no primary address of IPv4", field="primary_address", fix="set it in NetBox")
    if options.hold_seconds < 3 * options.keepalive_seconds:
        field = "config context samdrift.edge_gateway.hold_seconds"
        raise SettingsError("shorter than three keepalives", field=field, fix="three times keepalive_seconds or more")
    neighbours = tuple(_neighbours(host, fleet))
    prefixes = {*behind(host, fleet), *(hub_transits(host, fleet) if any(n.linked for n in neighbours) else ())}
    return Settings(
        host=one_word(host.name),
        asn=_asn(host, fleet),
        router_id=host.primary_address,
        prefixes=tuple(sorted(prefixes)),
        elsewhere=tuple(sorted({p for n in neighbours for p in n.accepts} - prefixes)),
        neighbours=neighbours,
        passages=forwards_of(host, intent),
        **options.model_dump(),
    )


def listens(settings: Settings) -> tuple[Listen, ...]:
    """Serve BGP to the neighbours alone."""
    sources = networks(IPv4Network(n.address) for n in settings.neighbours)
    return (Listen(protocol="tcp", port=BGP, sources=sources, why="BGP with the neighbours"),)


def forwards(settings: Settings) -> tuple[Forward, ...]:
    """Forward what the fleet's hosts serve to clients on the other side of this gateway."""
    return settings.passages


def exemptions(settings: Settings) -> tuple[ReversePathExemption, ...]:
    """Exempt the links from reverse-path filtering: what enters by one was filtered by the other hub, and what leaves
    by it will be.
    """
    why = "between the hubs, the one that it leaves judges"
    linked = sorted({n.interface for n in settings.neighbours if n.linked})
    return tuple(ReversePathExemption(interface=interface, judged_beyond=True, why=why) for interface in linked)


def routes(settings: Settings) -> tuple[Route, ...]:
    """Send to each neighbour what it announces; by the link to the other hub what reaches nobody else."""
    return tuple(
        Route(
            destination=p, via=n.address, interface=n.interface, rank=len(settings.neighbours) if n.linked else n.rank
        )
        for n in settings.neighbours
        for p in n.accepts
    )


def unserved(host: Host, fleet: Fleet) -> tuple[str, ...]:
    """Say that a gateway routes no IPv6."""
    found = ipv6_beside(host, fleet)
    return (f"it routes none, and lets none through: {found}",) if found else ()


def deploy(settings: Settings) -> None:
    """Declare FRR with one configuration file for all its daemons, and forwarding in the kernel."""
    again, reread = restart(UNIT, daemon_reload=True), Handler(name="reload FRR's configuration", command=RELOAD)
    confined(SANDBOX, then=(again,), guarded=True)
    packages("frr", "frr-pythontools", "iputils-ping")
    no_shell("frr")
    forwarding = [f"{key} = {value}" for key, value in FORWARDING.items()]
    header = "# Managed by samdrift, role edge_gateway; local changes are lost."
    managed_file("/etc/sysctl.d/60-samdrift-forwarding.conf", content="\n".join([header, *forwarding, ""]))
    kernel_settings("forwarding", FORWARDING, guarded=True)
    files.directory(name=f"directory {NETWORKD}", path=NETWORKD, user="root", group="root", mode="755")
    networkd = "systemd-networkd.service"
    managed_file(
        f"{NETWORKD}/60-samdrift-routes.conf",
        template="edge_gateway/networkd.conf.j2",
        then=(Handler(name=f"restart {networkd}", command=f"systemctl try-restart {networkd}"),),
        guarded=True,
    )
    managed_file(
        "/etc/frr/daemons",
        template="edge_gateway/daemons.j2",
        owner="frr",
        group="frr",
        mode="640",
        validate_with="sh -n {path}",
        then=(again,),
        guarded=True,
    )
    managed_file("/etc/frr/vtysh.conf", template="edge_gateway/vtysh.conf.j2", owner="frr", group="frrvty", mode="640")
    managed_file(
        "/etc/frr/frr.conf",
        template="edge_gateway/frr.conf.j2",
        settings=settings,
        owner="frr",
        group="frr",
        mode="640",
        validate_with=VTYSH_ACCEPTS,
        then=(reread,),
        guarded=True,
    )
    service(UNIT, guarded=True)


def _neighbours(host: Host, fleet: Fleet) -> Iterator[Neighbour]:
    """Yield the BGP neighbours: in the transits, in their order of preference, then on the links."""
    for rank, transit in enumerate(transits(fleet)):
        yield from (_neighbour(host, adjacency, fleet, rank=rank) for adjacency in adjacencies(host, transit, fleet))
    for link in links(fleet):
        yield from (_neighbour(host, adjacency, fleet, linked=True) for adjacency in adjacencies(host, link, fleet))


def _neighbour(host: Host, adjacency: Adjacency, fleet: Fleet, rank: int = 0, *, linked: bool = False) -> Neighbour:
    return Neighbour(
        name=one_word(adjacency.peer.name),
        interface=one_word(adjacency.interface.name),
        address=adjacency.address,
        asn=_asn(adjacency.peer, fleet),
        rank=rank,
        linked=linked,
        own=behind(adjacency.peer, fleet),
        accepts=announced(adjacency.peer, host, fleet),
        announces=announced(host, adjacency.peer, fleet),
    )


def _asn(host: Host, fleet: Fleet) -> int:
    asn = fleet.site(host.site).asn
    if asn is None:
        fix = f"give site {host.site} a private AS number"
        raise SettingsError(f"site {host.site} has no AS number", field=f"site {host.site}.asns", fix=fix)
    return asn
