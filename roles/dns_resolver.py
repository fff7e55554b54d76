"""Validating DNS resolver (Unbound) that also knows every host of the fleet, forward and reverse.

Names: every host has `<host>.<domain>` for its primary address, of each family. A host with several addresses of one
also has `<interface>.<host>.<domain>` for each, so that every address has one PTR, and that PTR's name leads back to
the address. Decommissioned hosts have no names. Every prefix of the fleet has its reverse zone.

Only the fleet's own prefixes are answered; everybody else is refused. Answers are validated with DNSSEC from the
root's trust anchor, which Debian's dns-root-data brings and Unbound keeps up to date (RFC 5011).

Options:
    domain: the private-use zone of the fleet's own names.
    forwarders: resolvers to ask instead of the root and authoritative servers; none: full recursion.
    insecure_zones: zones that are not validated, "." for all of DNS. Only where what lies above strips DNSSEC.
    private_domains: domains beside `domain` whose names may lead to private addresses (RFC 1918); all others'
        private addresses are taken for an attack (DNS rebinding) and removed.
    cache_mib: memory for cached records, in MiB; messages get half as much on top.
    threads: worker threads, at most one a core.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from ipaddress import IPv4Network
from itertools import islice
from typing import Annotated, Any, Literal, cast

from pydantic import Field

from inventory.fleet import Fleet, Host
from inventory.frozen import Frozen
from inventory.keys import address_key
from inventory.network import Address, Network
from roles.shared import settings as shared
from roles.shared.families import ReachedAddress, own_addresses, spoken
from roles.shared.intent import Intent
from roles.shared.nameable import nameable
from roles.shared.parts.files import managed_file
from roles.shared.parts.handlers import restart
from roles.shared.parts.packages import packages
from roles.shared.parts.services import confined, service
from roles.shared.rehearsal import Rehearsal
from roles.shared.sandbox import Need, Sandbox
from roles.shared.traffic import DNS_OUTSIDE, Listen, Probed, WayOut, fleet_networks

REDUNDANT = "fleet"
SWEDISH = "Kontrollerande namnserver (Unbound) som också känner varje värd i beståndet, från namn och från adress."
CONTROLS = ("ISO 27002:2022 8.20", "ISO 27002:2022 8.21")
APPARMOR = "unbound"
UNIT = "unbound.service"
DRILL = "timeout 8 drill {flags} @{at} {question}"
CONTROL = "unbound-control get_option {word}"
AS_ROOT = (
    CONTROL,
    *(
        DRILL.format(flags=flags, at="{word}", question=question)
        for flags in ("", "-t", "-D", "-I 127.0.0.2")
        for question in ("{word} {word}", "-x {word}", ". SOA")
    ),
)

CHECK = "sed '/^ *auto-trust-anchor-file:/d' {path} | unbound-checkconf /dev/stdin"
"""The trust anchor is made when Unbound first starts, so a check before that must not ask for its file."""

Zone = Annotated[str, Field(pattern=r"^(\.|[A-Za-z0-9_]([A-Za-z0-9_.-]{0,251}[A-Za-z0-9_])?)$")]


SANDBOX = Sandbox(
    unit=UNIT,
    needs=(
        Need(
            directive="CapabilityBoundingSet",
            value="CAP_CHOWN CAP_DAC_OVERRIDE CAP_FOWNER CAP_NET_BIND_SERVICE CAP_NET_RAW CAP_SETGID CAP_SETUID"
            " CAP_SYS_RESOURCE",
            why="Port 53, and more open files; Debian's helper writes the trust anchor as user unbound.",
        ),
        Need(
            directive="RestrictAddressFamilies",
            value="AF_INET AF_INET6 AF_NETLINK AF_UNIX",
            why="The kernel is asked which addresses there are.",
        ),
        Need(directive="ReadWritePaths", value="/run /var/lib/unbound", why="Its socket, and the trust anchor."),
    ),
)


class Options(shared.Options):
    """What a config context may set; the module's docstring explains each."""

    domain: Annotated[str, Field(pattern=r"^([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)*[a-z0-9]([a-z0-9-]*[a-z0-9])?$")] = (
        "norduppland.internal"
    )
    forwarders: tuple[ReachedAddress, ...] = ()
    insecure_zones: tuple[Zone, ...] = ()
    private_domains: tuple[Zone, ...] = ()
    cache_mib: Annotated[int, Field(ge=8, le=65536)] = 64
    threads: Annotated[int, Field(ge=1, le=64)] = 2


class LocalZone(Frozen):
    """A zone answered from here. `transparent`: addresses that are not ours lie in it, so the rest is looked up."""

    name: str
    kind: Literal["static", "transparent"] = "static"


class Name(Frozen):
    """A name and the address that it leads to; `reverse` if that address' PTR leads back to this name."""

    name: str
    address: Address
    reverse: bool = True

    @property
    def record(self) -> Literal["A", "AAAA"]:
        """Return the type of the record that says so."""
        return "A" if self.address.version == 4 else "AAAA"


class Settings(shared.Settings):
    """The zones that a resolver answers, its clients, and its forwarders."""

    domain: str
    addresses: tuple[Address, ...]
    clients: tuple[Network, ...]
    servers: tuple[str, ...]
    zones: tuple[LocalZone, ...]
    names: tuple[Name, ...]
    forwarders: tuple[Address, ...]
    insecure_zones: tuple[str, ...]
    private_domains: tuple[str, ...]
    cache_mib: int
    threads: int

    @property
    def families(self) -> frozenset[int]:
        """Return the versions of IP that it is asked over, and asks others over."""
        return frozenset(a.version for a in self.addresses)

    @property
    def validates(self) -> bool:
        """Tell whether answers from outside are validated at all."""
        return "." not in self.insecure_zones


def settings(host: Host, fleet: Fleet, options: Options) -> Settings:
    """Compute what every resolver of the fleet answers; only its own addresses differ."""
    return Settings(
        domain=options.domain,
        addresses=own_addresses(host),
        clients=fleet_networks(fleet),
        servers=tuple(f"{h.name}.{options.domain}" for h in fleet.with_role("dns_resolver")),
        zones=(LocalZone(name=options.domain), *_reverse_zones(p.prefix for p in fleet.prefixes)),
        names=tuple(n for h in nameable(fleet) for n in _names(h, options.domain)),
        forwarders=_forwarders(host, options),
        insecure_zones=options.insecure_zones,
        private_domains=(options.domain, *(d for d in options.private_domains if d != options.domain)),
        cache_mib=options.cache_mib,
        threads=options.threads,
    )


def listens(settings: Settings) -> tuple[Listen, ...]:
    """Serve DNS to the whole fleet, over UDP and, for long answers, TCP."""
    return (
        Listen(protocol="udp", port=53, sources=settings.clients, why="DNS"),
        Listen(protocol="tcp", port=53, sources=settings.clients, why="DNS, long answers"),
    )


def probed(settings: Settings) -> tuple[Probed, ...]:
    """Let monitoring ask for the first name that has one address alone."""
    times = Counter(n.name for n in settings.names)
    alone = (n for n in settings.names if times[n.name] == 1)
    return tuple(
        Probed(how="dns", port=53, sources=settings.clients, name=n.name, answer=n.address) for n in islice(alone, 1)
    )


def ways_out(settings: Settings) -> tuple[WayOut, ...]:  # noqa: ARG001  a role's signature
    """Let the resolver ask its forwarders for names outside."""
    return DNS_OUTSIDE


def in_lab(options: Mapping[str, Any], lab: Rehearsal) -> Mapping[str, Any]:  # noqa: ARG001  a role's signature
    """Forward to the lab's nameserver, which may strip DNSSEC."""
    return {"forwarders": [str(lab.nameserver)], "insecure_zones": ["."]}


def resolvers(fleet: Fleet) -> tuple[Host, ...]:
    """Return the fleet's resolvers that are active, by name.

    Raises:
        SettingsError: there is none.
    """
    found = tuple(h for h in fleet.with_role("dns_resolver") if h.primary_address or h.primary_address6)
    if not found:
        field, fix = "config context samdrift.roles", "give an active host the role dns_resolver"
        raise shared.SettingsError("the fleet has no resolver to ask", field=field, fix=fix)
    return found


def known_to_all(intent: Intent) -> Settings:
    """Return the settings of the first resolver of the fleet: all but `addresses` is the same for every one.

    Raises:
        SettingsError: there is none, or its settings have a problem.
    """
    first, *_ = resolvers(intent.fleet)
    return cast("Settings", intent.required(first, "dns_resolver"))


def deploy(settings: Settings) -> None:
    """Declare Unbound, its whole configuration in one file, and a sandbox around it."""
    restarted = restart(UNIT, daemon_reload=True)
    packages("unbound", "dns-root-data", "ldnsutils")
    confined(SANDBOX, then=(restarted,))
    managed_file(
        "/etc/unbound/unbound.conf",
        template="dns_resolver/unbound.conf.j2",
        settings=settings,
        validate_with=CHECK,
        then=(restarted,),
    )
    service(UNIT)


def _names(host: Host, domain: str) -> Iterator[Name]:
    """Yield the host's own name, and one for each interface where it has more than one address."""
    own = f"{host.name.lower()}.{domain}"
    for primary in (host.primary_address, host.primary_address6):
        if primary is not None:
            yield Name(name=own, address=primary)
    for primary, addresses in ((host.primary_address, host.addresses4), (host.primary_address6, host.addresses6)):
        reached = {a.ip for a in addresses} & {*own_addresses(host)}
        if len(reached) > 1 or (reached and primary is None):
            for interface in host.interfaces:
                for address in (a.ip for a in interface.addresses if a.ip in reached):
                    yield Name(name=f"{_label(interface.name)}.{own}", address=address, reverse=address != primary)


def _forwarders(host: Host, options: Options) -> tuple[Address, ...]:
    """Return the forwarders that the host can ask."""
    found = spoken(host, options.forwarders)
    if options.forwarders and not found:
        what, field = "it has no address of its forwarders' family", "config context samdrift.dns_resolver.forwarders"
        raise shared.SettingsError(what, field=field, fix="name one that it reaches")
    return found


def _label(interface: str) -> str:
    """Return an interface's name as a DNS label: `GigabitEthernet1/0/1` is `gigabitethernet1-0-1`."""
    return re.sub(r"[^a-z0-9]+", "-", interface.lower()).strip("-")[:63].strip("-") or "interface"


def _reverse_zones(prefixes: Iterable[Network]) -> list[LocalZone]:
    """Return the reverse zones that hold these prefixes, each once, in the addresses' order, IPv4 first."""
    kinds: dict[Network, Literal["static", "transparent"]] = {}
    for prefix in _in_order(prefixes):
        for network in _at_a_label(prefix):
            ours = prefix.prefixlen <= network.prefixlen or prefix.is_private
            kinds[network] = "static" if ours or kinds.get(network) == "static" else "transparent"
    return [LocalZone(name=_arpa(network), kind=kinds[network]) for network in _in_order(kinds)]


def _in_order(networks: Iterable[Network]) -> list[Network]:
    return sorted(networks, key=address_key)


def _at_a_label(prefix: Network) -> Iterator[Network]:
    """Yield the prefix as networks that end where a label of a reverse name does: of IPv4 at an octet, of IPv6 at a
    hexadecimal digit; never at the last label, which is an address'.
    """
    label, shortest, longest = (8, 8, 24) if isinstance(prefix, IPv4Network) else (4, 4, 124)
    if prefix.prefixlen > longest:
        yield prefix.supernet(new_prefix=longest)
    else:
        yield from prefix.subnets(new_prefix=max(shortest, -(-prefix.prefixlen // label) * label))


def _arpa(network: Network) -> str:
    """Return the name of a reverse zone (RFC 1035, RFC 3596)."""
    bits = 8 if isinstance(network, IPv4Network) else 4
    labels = network.network_address.reverse_pointer.split(".")
    return ".".join(labels[(network.max_prefixlen - network.prefixlen) // bits :])
