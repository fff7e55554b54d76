"""FRR: BGP between the sites, and what a gateway forwards between them.

Every site has an AS number of its own (NetBox: ASN of the site). Gateways that meet in a prefix speak eBGP there:
each with the router of that prefix, the hub, which passes on to each what it learnt from the others, and stays the
next hop itself. So all traffic between two municipalities goes through one firewall, and a new site is a new
neighbour of the hub and of nobody else. Where no gateway is the router of the prefix, all speak with all.

A gateway announces the prefixes of its own site that it is the router of, and nothing else; it accepts from a
neighbour exactly the prefixes that the fleet says can come from there. Both are prefix lists made from the fleet, in
both directions, so that a mistake at one end is stopped at the other.

What it forwards follows from what the fleet's hosts serve (`roles.shared.passage`); the role `firewall` enforces it.
Reverse path filtering is the role `base`'s and the firewall's business.

Options (config context `samdrift.edge_gateway`):

- `max_prefixes`: a neighbour that sends more prefixes than this, wanted or not, is shut out for `restart_minutes`.
- `restart_minutes`: see there.
- `keepalive_seconds`, `hold_seconds`: how soon a neighbour that went silent is given up.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from ipaddress import IPv4Address, IPv4Network
from typing import Annotated

from pydantic import Field
from pyinfra.operations import files

from inventory.fleet import Fleet, Frozen, Host
from roles.shared.files import managed_file
from roles.shared.handlers import Handler, restart
from roles.shared.packages import packages
from roles.shared.passage import GATEWAY, behind, is_hub, passages, transits
from roles.shared.services import service
from roles.shared.settings import Options as RoleOptions
from roles.shared.settings import Settings as RoleSettings
from roles.shared.settings import SettingsError
from roles.shared.sysctl import kernel_settings
from roles.shared.traffic import Forward, Listen, networks

PLATFORMS = ("debian-13",)
CONTROLS = ("ISO 27002:2022 8.20", "ISO 27002:2022 8.21", "ISO 27002:2022 8.22")
UNIT = "frr.service"
BGP = 179
FORWARDING = {"net.ipv4.ip_forward": "1"}
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
    """A gateway that this one speaks BGP with: what is its own, what may come from it, and what it is told."""

    name: str
    address: IPv4Address
    asn: int
    own: tuple[IPv4Network, ...]
    accepts: tuple[IPv4Network, ...]
    announces: tuple[IPv4Network, ...]


class Settings(RoleSettings):
    """What one gateway routes, with whom, and what it forwards."""

    host: str
    asn: int
    router_id: IPv4Address
    prefixes: tuple[IPv4Network, ...]
    neighbours: tuple[Neighbour, ...]
    passages: tuple[Forward, ...]
    max_prefixes: int
    restart_minutes: int
    keepalive_seconds: int
    hold_seconds: int


def settings(host: Host, fleet: Fleet, options: Options) -> Settings:
    """Neighbours, prefixes and passages, all from the fleet."""
    if host.primary_address is None:
        raise SettingsError("no primary address", field="primary_address", fix="set it in NetBox")
    if options.hold_seconds < 3 * options.keepalive_seconds:
        field = "config context samdrift.edge_gateway.hold_seconds"
        raise SettingsError("shorter than three keepalives", field=field, fix="three times keepalive_seconds or more")
    return Settings(
        host=_word(host.name),
        asn=_asn(host, fleet),
        router_id=host.primary_address,
        prefixes=behind(host, fleet),
        neighbours=tuple(_neighbours(host, fleet)),
        passages=passages(host, fleet),
        **options.model_dump(),
    )


def listens(settings: Settings) -> tuple[Listen, ...]:
    """BGP, from the neighbours alone."""
    sources = networks(IPv4Network(n.address) for n in settings.neighbours)
    return (Listen(protocol="tcp", port=BGP, sources=sources, why="BGP with the neighbours"),)


def forwards(settings: Settings) -> tuple[Forward, ...]:
    """What the fleet's hosts serve to clients on the other side of this gateway."""
    return settings.passages


def deploy(settings: Settings) -> None:
    """FRR with one configuration file for all its daemons, and forwarding in the kernel."""
    again, reread = restart(UNIT), Handler(name="reload FRR's configuration", command=RELOAD)
    packages("frr", "frr-pythontools")
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
    service(UNIT)


def _neighbours(host: Host, fleet: Fleet) -> Iterator[Neighbour]:
    """In every prefix where gateways meet: the hub speaks with all, the others with the hub."""
    gateways = fleet.with_role(GATEWAY)
    for transit in transits(fleet):
        meeting = {g.name: a.ip for g in gateways for a in g.addresses if a.ip in transit}
        hubs = {name for name, address in meeting.items() if address == _router(transit, fleet)}
        for other in gateways if host.name in meeting else ():
            if other.name in meeting.keys() - {host.name} and (not hubs or hubs & {host.name, other.name}):
                yield Neighbour(
                    name=_word(other.name),
                    address=meeting[other.name],
                    asn=_asn(other, fleet),
                    own=behind(other, fleet),
                    accepts=_told(other, host, fleet),
                    announces=_told(host, other, fleet),
                )


def _told(by: Host, to: Host, fleet: Fleet) -> tuple[IPv4Network, ...]:
    """The prefixes that one gateway tells another: its own, and a hub those of everybody else too."""
    speaking = fleet.with_role(GATEWAY) if is_hub(by, fleet) else (by,)
    told = {prefix for g in speaking for prefix in behind(g, fleet)}
    return tuple(sorted(told.difference(behind(to, fleet))))


def _router(prefix: IPv4Network, fleet: Fleet) -> IPv4Address | None:
    return next((p.gateway for p in fleet.prefixes if p.prefix == prefix), None)


def _word(name: str) -> str:
    """A host's name as it may stand in FRR's configuration: one word, which no command could follow."""
    if not re.fullmatch(r"[A-Za-z0-9.-]+", name):
        raise SettingsError(f"{name!r} cannot name a router", field="name", fix="use letters a-z, digits and hyphens")
    return name


def _asn(host: Host, fleet: Fleet) -> int:
    asn = fleet.site(host.site).asn
    if asn is None:
        fix = f"give site {host.site} a private AS number"
        raise SettingsError(f"site {host.site} has no AS number", field=f"site {host.site}.asn", fix=fix)
    return asn
