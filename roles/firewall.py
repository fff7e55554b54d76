"""nftables: one ruleset a host, made from what its own roles declare, and nothing else gets in or through.

A port is opened by the role that serves it (`listens`), and a gateway lets pass what its roles
ask for (`forwards`); to open something is to say in a role who needs it and why. Everything else is dropped, on input
and forwarding, in both families alike. A family that the host has no address in is closed but for neighbour discovery.
What goes out is not filtered here: the gateways decide about that. Nobody speaks in
another's name: reverse-path filtering (RFC 3704) drops a source address that is not reached by the interface that it
came by, except on interfaces that a role exempts (`exemptions`).

Options (config context `samdrift.firewall`):

- `also_open`: ports of services that no role of samdrift serves yet, on a host that was taken over (`samdrift adopt`):
  `tcp/8080: {why: web shop, sources: [10.0.0.0/8]}`. Without an entry here, such a port is shut.

The file is checked by nft on the host before it goes live, and loaded in one transaction: if it is refused, the
old ruleset stays in force. One that would shut out the very session that loads it is not loaded: samdrift runs on a
management station. A rule added by hand is found by comparing what is in force, not the file.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import product
from typing import Annotated, Any

from pydantic import Field

from inventory.fleet import Fleet, Host
from inventory.network import Network
from roles.shared.catalogue import catalogue
from roles.shared.families import families, spoken
from roles.shared.filtering import Filter, Rule
from roles.shared.intent import Intent
from roles.shared.parts.files import managed_file
from roles.shared.parts.handlers import Handler
from roles.shared.parts.packages import packages
from roles.shared.parts.ruleset import LIVE, NFT, loaded_ruleset
from roles.shared.parts.services import confined, service
from roles.shared.parts.templates import render
from roles.shared.sandbox import Need, Sandbox, without
from roles.shared.searches.kernel import TABLES
from roles.shared.settings import Options as RoleOptions
from roles.shared.settings import Settings as RoleSettings
from roles.shared.settings import SettingsError
from roles.shared.survey import Loss, Socket, Survey
from roles.shared.traffic import (
    ANYWHERE,
    ANYWHERE4,
    ANYWHERE6,
    Forward,
    Listen,
    ReversePathExemption,
    fleet_networks,
    ipv4,
    ipv6,
    networks,
)

AFTER = ("base",)  # whose packages and names it needs; and before every role that listens
FORWARDED = False  # made from what others serve
PROTECTS = True
SWEDISH = "nftables: en regeluppsättning per värd, gjord av vad dess roller säger; inget annat kommer in eller igenom."
CONTROLS = ("ISO 27002:2022 8.20", "ISO 27002:2022 8.21", "ISO 27002:2022 8.22")
PATH = "/etc/nftables.conf"
SANDBOX = Sandbox(
    unit="nftables.service",
    needs=(
        Need(directive="CapabilityBoundingSet", value="CAP_NET_ADMIN", why="It loads the ruleset."),
        Need(directive="RestrictAddressFamilies", value="AF_NETLINK AF_UNIX", why="By netlink, and by nothing else."),
        *without("PrivateTmp", why="That would wait for file systems, and the ruleset comes before the network."),
    ),
)
LIST = f"{NFT} -s list ruleset"
AS_ROOT = (LIVE, LIST)
SEARCHES = (TABLES,)
SSH = 22
PING = {4: "icmp type echo-request", 6: "icmpv6 type echo-request"}
PING_RATE = 'limit rate 50/second burst 50 packets accept comment "ping within the fleet"'
FORWARDERS = frozenset({"docker-proxy", "rootlessport", "conmon"})
"""Programs that stand for a port which is led into a container: to open it on the host is not enough."""
LONGEST_COMMENT = 120
"""Bytes; nft takes 128 at most."""


class AlsoOpen(RoleOptions):
    """A port of a service that no role serves: who needs it, and why."""

    why: Annotated[str, Field(min_length=1, max_length=80)]
    sources: Annotated[tuple[Network, ...], Field(min_length=1)]


PORT = r"^(tcp|udp)/([1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])$"


class Options(RoleOptions):
    """What a config context may set for this role; see the module's text."""

    also_open: dict[Annotated[str, Field(pattern=PORT)], AlsoOpen] = Field(default_factory=dict)


class Opening(RoleSettings):
    """A port that a role of the host serves."""

    role: str
    listen: Listen


class RoleForward(RoleSettings):
    """Traffic that a role of the host forwards."""

    role: str
    forward: Forward


class RoleExemption(RoleSettings):
    """An interface that a role of the host exempts from reverse-path filtering."""

    role: str
    proof: ReversePathExemption


class Settings(RoleSettings):
    """The ports and the traffic that the host's other roles declare, and the fleet's networks.

    `ipv6`: the host has an address of IPv6, so that it needs what RFC 4890 says must not be dropped.
    """

    host: str
    ipv6: bool = False
    fleet: tuple[Network, ...]
    openings: tuple[Opening, ...]
    passages: tuple[RoleForward, ...]
    proven: tuple[RoleExemption, ...] = ()


def settings(host: Host, fleet: Fleet, options: Options, intent: Intent) -> Settings:
    """Collect what every other role of this host declares, and what is to stay open besides."""
    roles = catalogue()
    others = {r: intent.required(host, r) for r in roles if r in host.roles and r != "firewall"}
    return Settings(
        host=host.name,
        ipv6=6 in families(host),
        fleet=spoken(host, fleet_networks(fleet)),
        openings=(
            *(Opening(role=r, listen=_in(host, x)) for r, s in others.items() for x in roles[r].listens(s)),
            *(Opening(role="firewall", listen=_in(host, x)) for x in _also_open(options)),
        ),
        passages=tuple(RoleForward(role=r, forward=x) for r, s in others.items() for x in roles[r].forwards(s)),
        proven=tuple(RoleExemption(role=r, proof=x) for r, s in others.items() for x in roles[r].exemptions(s)),
    )


def _in(host: Host, listen: Listen) -> Listen:
    """Return the port as it is open in the families that the host speaks."""
    return listen.model_copy(update={"sources": spoken(host, listen.sources)})


def _also_open(options: Options) -> Iterator[Listen]:
    for port, opening in sorted(options.also_open.items()):
        protocol, _, number = port.partition("/")
        yield Listen.model_validate(
            {"protocol": protocol, "port": int(number), "sources": opening.sources, "why": opening.why}
        )


def expects(settings: Settings) -> Mapping[str, tuple[str, ...]]:
    """Make the one table, and let people say which ports of no role are open."""
    opened = (o.listen for o in settings.openings if o.role == "firewall")
    return {"table": ("inet samdrift",), "port": tuple(f"{one.protocol}/{one.port}" for one in opened)}


def adopts(settings: Settings, survey: Survey) -> Mapping[str, Any]:
    """Keep every port open that others can reach today and no role serves."""
    served = _opened(settings)
    kept = {
        f"{socket.protocol}/{socket.port}": {
            "why": f"{re.sub(r'[^A-Za-z0-9 .,:_/-]', ' ', socket.program)[:60] or 'unknown'}, as it was adopted",
            "sources": [str(network) for network in ANYWHERE],
        }
        for socket in survey.open_ports
        if (socket.protocol, socket.port) not in served and socket.program not in FORWARDERS
    }
    return {"also_open": kept} if kept else {}


def loses(settings: Settings, survey: Survey) -> tuple[Loss, ...]:
    """Tell which ports are shut, or open to fewer than before, and which tables of others' rules go."""
    opened = _opened(settings)
    reached = {a.version for link in survey.links for a in (*link.addresses, *link.lent)} or {4}
    is_reached_by_6 = 6 in reached
    everybody = [n for n in ANYWHERE if n.version in (reached if settings.ipv6 else {4})]
    ports = [
        Loss(kind="port", what=_shut(socket, sources), keep=_kept_by(socket))
        for socket in survey.open_ports
        if not {*everybody} <= {*(sources := networks(opened.get((socket.protocol, socket.port), ())))}
        or socket.program in FORWARDERS
    ]
    if is_reached_by_6 and not settings.ipv6:
        ports.append(Loss(kind="port", what="every port is shut over IPv6, by which the host can be reached today"))
    goes = "with all its rules: the ruleset is replaced as a whole"
    tables = [Loss(kind="table", what=f"nftables table {t} {goes}") for t in survey.tables if t != "inet samdrift"]
    return (*ports, *tables)


def _opened(settings: Settings) -> dict[tuple[str, int], tuple[Network, ...]]:
    """Return to whom each port is open."""
    found: dict[tuple[str, int], tuple[Network, ...]] = {}
    for opening in settings.openings:
        listen = opening.listen
        key = (listen.protocol, listen.port)
        found[key] = (*found.get(key, ()), *listen.sources)
    return found


def _shut(socket: Socket, sources: tuple[Network, ...]) -> str:
    if not sources or socket.program in FORWARDERS:
        return f"{socket.what} is shut"
    return f"{socket.what} is open to {', '.join(map(str, sources))} alone"


def _kept_by(socket: Socket) -> str:
    if socket.program in FORWARDERS:
        return "no option keeps it: it is led into a container by rules that go with their table"
    if (socket.protocol, socket.port) == ("tcp", SSH):
        return ""
    return f"samdrift.firewall.also_open: {socket.protocol}/{socket.port}, or a role that serves it"


def deploy(settings: Settings) -> None:
    """Declare the file, the ruleset in force, and the unit that loads it at boot before the network is up."""
    content = ruleset(settings)
    # Not a restart, which would take the ruleset away first: it is confined from its next start on.
    reread = Handler(name="read systemd's units again", command="systemctl daemon-reload")
    confined(SANDBOX, then=(reread,), guarded=True)
    packages("nftables")
    managed_file(PATH, content=content, mode="640", validate_with="nft -c -f {path}", guarded=True)
    ssh = (o.listen.sources for o in settings.openings if (o.listen.protocol, o.listen.port) == ("tcp", SSH))
    loaded_ruleset(PATH, content, networks(n for sources in ssh for n in sources))
    service(SANDBOX.unit)


def filters(settings: Settings) -> Filter:
    """Let in and through what the ruleset says, and nothing else."""
    return Filter(
        lets_in=(*_ping_rules(settings.fleet), *_input_rules(settings.openings)),
        lets_through=(*_beyond_rules(settings.proven), *_forward_rules(settings.passages)),
        by_reverse_path=True,
        believed=("lo", *(p.proof.interface for p in settings.proven)),
        dropped_in="chain input: policy drop",
        dropped_through="chain forward: policy drop",
        dropped_source="chain origin: fib saddr . iif oif missing drop",
    )


def ruleset(settings: Settings) -> str:
    """Render the whole ruleset, as nft reads it. The same settings always give the same text."""
    return render(
        "firewall/nftables.conf.j2",
        ipv6=settings.ipv6,
        pings=_texts(_ping_rules(settings.fleet)),
        origin_rules=_texts(_exemption_rules("iifname", settings.proven)),
        beyond_rules=_texts(_beyond_rules(settings.proven)),
        input_rules=_texts(_input_rules(settings.openings)),
        forward_rules=_texts(_forward_rules(settings.passages)),
    )


def _texts(rules: Iterable[Rule]) -> list[str]:
    return [rule.text for rule in rules]


def _ping_rules(fleet: tuple[Network, ...]) -> tuple[Rule, ...]:
    return tuple(
        Rule(
            sources=part,
            protocol="icmp",
            text=f"{_addresses('saddr', part)} {PING[part[0].version]} {PING_RATE}",
            why="firewall: ping within the fleet",
        )
        for part in _by_family(fleet)
    )


def _input_rules(openings: Iterable[Opening]) -> tuple[Rule, ...]:
    """Return one rule for each port and set of sources, with every role that declares it."""
    why: dict[Rule, list[str]] = {}
    for opening in openings:
        listen = opening.listen
        is_vrrp = listen.protocol == "vrrp"
        what = "meta l4proto 112" if is_vrrp else f"{listen.protocol} dport {listen.port}"
        port = None if is_vrrp else listen.port
        for sources in _by_family(listen.sources):
            match = f"{_addresses('saddr', sources)} {what}"
            rule = Rule(sources=sources, protocol=listen.protocol, port=port, text=match)
            why.setdefault(rule, []).append(f"{opening.role}: {listen.why}")
    return _accepting(why)


def _beyond_rules(exemptions: Iterable[RoleExemption]) -> tuple[Rule, ...]:
    return _exemption_rules("oifname", (p for p in exemptions if p.proof.judged_beyond))


def _exemption_rules(end: str, exemptions: Iterable[RoleExemption]) -> tuple[Rule, ...]:
    """Return one rule for each interface, with every role that exempts it."""
    why: dict[Rule, list[str]] = {}
    for by in exemptions:
        interface = by.proof.interface
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,14}", interface):
            raise SettingsError(f"{interface!r} is no interface", field="interfaces", fix="rename it in NetBox")
        rule = Rule(leaves_by=interface if end == "oifname" else "", text=f'{end} "{interface}"')
        why.setdefault(rule, []).append(f"{by.role}: {by.proof.why}")
    return _accepting(why)


def _forward_rules(forwards: Iterable[RoleForward]) -> tuple[Rule, ...]:
    why: dict[Rule, list[str]] = {}
    for of_role in forwards:
        forward = of_role.forward
        port = None if forward.protocol == "icmp" else forward.port
        for sources, destinations in product(_by_family(forward.sources), _by_family(forward.destinations)):
            version = sources[0].version
            if version == destinations[0].version:
                ends = _addresses("saddr", sources), _addresses("daddr", destinations)
                match = " ".join(dict.fromkeys(part for part in (*ends, _payload(forward, version)) if part))
                given = {"sources": sources, "destinations": destinations, "protocol": forward.protocol, "port": port}
                why.setdefault(Rule(**given, text=match), []).append(f"{of_role.role}: {forward.why}")
    return _accepting(why)


def _accepting(why: dict[Rule, list[str]]) -> tuple[Rule, ...]:
    """Return the rules, each of which accepts, with why they are there."""
    each = ((rule, "; ".join(sorted(set(reasons)))) for rule, reasons in sorted(why.items(), key=lambda x: x[0].text))
    return tuple(r.model_copy(update={"text": f"{r.text} accept {_comment(of)}", "why": of}) for r, of in each)


def _by_family(of: Iterable[Network]) -> list[tuple[Network, ...]]:
    """Merge networks, each family by itself, as sets of nft hold them; a family that has none is left away."""
    merged = networks(of)
    return [part for part in (ipv4(merged), ipv6(merged)) if part]


def _addresses(end: str, of: tuple[Network, ...]) -> str:
    """Match one end of a packet by networks of one family. A rule matches that family only, also if it is open to all
    addresses of it.
    """
    if of in {(ANYWHERE4,), (ANYWHERE6,)}:
        return f"meta nfproto ipv{of[0].version}"
    return f"{'ip' if of[0].version == 4 else 'ip6'} {end} {{ {', '.join(map(str, of))} }}"


def _payload(forward: Forward, version: int) -> str:
    icmp = "icmp" if version == 4 else "ipv6-icmp"
    match forward.protocol, forward.port:
        case None, None:
            return ""
        case None, port:
            return f"meta l4proto {{ tcp, udp }} th dport {port}"
        case "icmp", _:
            return f"meta l4proto {icmp}"  # which has no ports
        case protocol, None:
            return f"meta l4proto {protocol}"
        case protocol, port:
            return f"{protocol} dport {port}"


def _comment(text: str) -> str:
    """Quote a comment. The text is from the inventory: only letters, digits and plain punctuation pass."""
    plain = re.sub(r"[^A-Za-z0-9 åäöÅÄÖ.,:_/-]", " ", text)
    return f'comment "{plain.encode()[:LONGEST_COMMENT].decode(errors="ignore")}"'
