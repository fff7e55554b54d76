"""keepalived: gateways of one site that share their prefixes' routers' addresses, of which one holds them at a time.

In NetBox a prefix has the router's address (`gateway`), and an interface has it as its own; where no interface has it,
it is virtual, and the hosts with this role that have an interface in the prefix share it. Which of them is preferred
follows from their names: the first one. They speak VRRP with each other, unicast, and the firewall lets it in from
the others alone.

A hub that no edge speaks with any more loses to one that has an edge: there is no route by BGP through its tunnel then.
One that has no carrier in an underlay gives up its addresses at once. Of two that are worth the same, the first holds.

Options (config context `samdrift.keepalived`):

- `further_addresses`: addresses to share that are no prefix' gateway, as that to which a firewall sends.
- `router_id`: VRRP's number of the group; another than that of strangers in the same networks.
- `preempt_seconds`: how long the preferred one, come back, waits until it takes the addresses again: BGP is slower.
"""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Address, IPv4Network

from pydantic import Field

from inventory.fleet import Fleet, Host, Interface
from roles.shared.families import ipv6_beside
from roles.shared.network.peering import hub_transits, one_word, routers_of, underlays
from roles.shared.parts.files import managed_file
from roles.shared.parts.handlers import reload, restart
from roles.shared.parts.packages import packages
from roles.shared.parts.services import confined, service
from roles.shared.sandbox import Need, Sandbox
from roles.shared.settings import Options as RoleOptions
from roles.shared.settings import Settings as RoleSettings
from roles.shared.settings import SettingsError
from roles.shared.traffic import Listen, SharedAddress, networks

AFTER = ("edge_gateway",)  # a hub without a route by BGP is worth less, so that it would begin as the lesser one
FORWARDED = False  # VRRP, which has no port, between those that share
REDUNDANT = "site"
SWEDISH = "keepalived: gateways på en plats delar routeradresserna i sina nät, och en av dem har dem åt gången."
CONTROLS = ("ISO 27002:2022 8.14", "ISO 27002:2022 8.20")
UNIT = "keepalived.service"
MAKES = ("/etc/iproute2/rt_addrprotos.d/keepalived.conf",)
ALL_ANSWER = (
    "timeout 15 sh -c 'until (for a in {words}; do ping -q -c 1 -W 1 $a > /dev/null || exit 1; done); do sleep 1; done'"
)
AS_ROOT = (ALL_ANSWER,)
SHARING_PROGRAM = "/usr/sbin/keepalived"
KEEPALIVED_ACCEPTS = (
    "said=$(setsid --wait keepalived --config-test --use-file={path} 2>&1); code=$?; "
    '[ $code = 143 ] && [ -z "$said" ] && exit 0; [ $code = 0 ] || echo "$said" >&2; exit $code'
)
"""Where a file has a script, keepalived 2.2 finds no fault and then ends its own process group by SIGTERM."""
SANDBOX = Sandbox(
    unit=UNIT,
    needs=(
        Need(
            directive="CapabilityBoundingSet",
            value="CAP_KILL CAP_NET_ADMIN CAP_NET_BIND_SERVICE CAP_NET_BROADCAST CAP_NET_RAW CAP_SETGID CAP_SETUID",
            why="Addresses are given to interfaces, and VRRP and ARP are sent; its script runs as nobody.",
        ),
        Need(
            directive="RestrictAddressFamilies",
            value="AF_INET AF_INET6 AF_NETLINK AF_PACKET AF_UNIX",
            why="Interfaces by netlink, and ARP by raw sockets.",
        ),
        Need(directive="ReadWritePaths", value="/run", why="The numbers of its processes."),
    ),
)
FIRST, STEP, LOST = 200, 20, 100
"""Priority of the first host, how much less that of each further one is, and what one without an edge loses."""


class Options(RoleOptions):
    """What a config context may set for this role; see the module's text."""

    further_addresses: tuple[IPv4Address, ...] = ()
    router_id: int = Field(default=59, ge=1, le=255)
    preempt_seconds: int = Field(default=15, ge=0, le=1000)


class Settings(RoleSettings):
    """The addresses that one host shares, its priority, and what lowers it."""

    host: str
    router_id: int
    priority: int
    lost: int = LOST
    preempt_seconds: int
    shared: tuple[SharedAddress, ...]
    underlays: tuple[str, ...]
    tunnels: tuple[str, ...]

    @property
    def has_a_route(self) -> str:
        """Return a regular expression for the line of /proc/net/route by which the host reaches an edge: a route by a
        gateway.

        What is directly connected is there without one.
        """
        hexadecimal = "[[:space:]]+[0-9A-F]+"
        return f"^({'|'.join(self.tunnels)}){hexadecimal * 2}[[:space:]]+0003"


def settings(host: Host, fleet: Fleet, options: Options) -> Settings:
    """Compute what a host shares with which hosts, from the fleet."""
    sharing = [h for h in fleet.with_role("keepalived") if h.site == host.site]
    names = [h.name for h in sharing]
    shared = tuple(_shared(host, [h for h in sharing if h.name != host.name], fleet, options))
    if not shared:
        fix = "take the role from it, or make a prefix' gateway an address that no interface has"
        raise SettingsError("it shares no address with anybody", field="interfaces", fix=fix)
    transits, below = hub_transits(host, fleet), underlays(fleet)
    return Settings(
        host=one_word(host.name),
        router_id=options.router_id,
        priority=max(1, FIRST - STEP * (names.index(host.name) if host.name in names else len(names))),
        preempt_seconds=options.preempt_seconds,
        shared=shared,
        underlays=_interfaces_in(host, below),
        tunnels=_interfaces_in(host, transits),
    )


def listens(settings: Settings) -> tuple[Listen, ...]:
    """Serve VRRP to the hosts that share an address alone."""
    others = networks(IPv4Network(a) for shared in settings.shared for a in shared.others)
    return (Listen(protocol="vrrp", sources=others, why="who holds the shared addresses"),)


def shared_addresses(settings: Settings) -> tuple[SharedAddress, ...]:
    """Return the addresses that VRRP moves from host to host."""
    return settings.shared


def unserved(host: Host, fleet: Fleet) -> tuple[str, ...]:
    """Say that no address of IPv6 is shared."""
    found = ipv6_beside(host, fleet)
    return (f"it shares no address of it with others: {found}",) if found else ()


def deploy(settings: Settings) -> None:
    """Declare one file, and a reload that gives no address up."""
    confined(SANDBOX, then=(restart(UNIT, daemon_reload=True),), guarded=True)
    packages("iputils-ping", "keepalived")
    managed_file(
        "/etc/keepalived/keepalived.conf",
        template="keepalived/keepalived.conf.j2",
        settings=settings,
        mode="640",
        validate_with=KEEPALIVED_ACCEPTS,
        then=(reload(UNIT),),
        guarded=True,
    )
    service(UNIT, guarded=True)


def _shared(host: Host, others: list[Host], fleet: Fleet, options: Options) -> Iterator[SharedAddress]:
    """Yield the virtual gateways of the host's prefixes, and the further addresses, each with its interface."""
    routed = (p for p in fleet.prefixes if host.name in {h.name for h in routers_of(p, fleet)})
    virtual = {p.gateway for p in routed if isinstance(p.gateway, IPv4Address)}
    held = {a.ip for h in fleet.hosts for a in h.addresses4}
    for address in sorted((virtual - held) | set(options.further_addresses)):
        found = next(((i, a) for i in host.interfaces for a in i.addresses4 if address in a.network), None)
        if found is None or address in held:
            field = "config context samdrift.keepalived.further_addresses"
            what = f"{address} is a host's own" if address in held else f"{address} is in no network of the host"
            raise SettingsError(what, field=field, fix="name an address in one of its prefixes that no interface has")
        interface, own = found
        yield SharedAddress(
            interface=one_word(interface.name),
            own=own.ip,
            others=tuple(sorted(a.ip for h in others for a in h.addresses4 if a.network == own.network)),
            address=address,
        )


def _interfaces_in(host: Host, prefixes: tuple[IPv4Network, ...]) -> tuple[str, ...]:
    def is_in(interface: Interface) -> bool:
        return any(a.network in prefixes for a in interface.addresses4)

    return tuple(one_word(i.name) for i in host.interfaces if is_in(i))
