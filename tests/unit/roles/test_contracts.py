"""What a device is told to send somewhere arrives: the server listens for it, and the gateways between let it through.

What a device sends is read from its configuration, with the vendors' documents in hand, and not from the settings that
it was made from. Held for every device of the shipped fleet, with a TACACS+ server beside; for its firewalls as they
are, and as if they were Juniper's.
"""

from __future__ import annotations

import re
from functools import cache
from ipaddress import IPv4Address, IPv4Network
from typing import Literal

import pytest

from inventory.fleet import Fleet, Host
from inventory.secrets import secrets_in
from inventory.snapshot import load
from roles.base import Settings as BaseSettings
from roles.firewall import Settings as FirewallSettings
from roles.log_client import Settings as LogClientSettings
from roles.log_server import Settings as LogServerSettings
from roles.shared.catalogue import catalogue, known_roles
from roles.shared.device.known import known_vendors
from roles.shared.intent import Intent
from roles.shared.network.forwarding import forwards_of, ways_out
from roles.shared.network.peering import behind
from roles.shared.parts.registration import registering
from roles.shared.settings import Settings
from roles.shared.traffic import Forward
from roles.time import Settings as TimeSettings
from tests.unit.roles.srx_fleet import with_srx

TACACS = "10.60.10.17"
Sent = tuple[str, str, int]
"""Protocol, address and port."""

SYSLOGD = r'^config log syslogd\d? setting\n(?:(?! *end).*\n)*? *set server "(?P<to>[\d.]+)"\n'
SENDS: dict[str, tuple[tuple[str, str, int], ...]] = {
    # AOS-CX: `logging ADDRESS [udp|tcp|tls [PORT]] [vrf VRF]`, udp 514 by default (Diagnostics and Supportability).
    "arubaos-cx": (
        (r"^logging (?P<to>[\d.]+)(?: vrf \S+)?$", "udp", 514),
        (r"^logging (?P<to>[\d.]+) tcp(?: (?P<port>\d+))?(?: vrf \S+)?$", "tcp", 1470),
        (r"^ntp server (?P<to>[\d.]+)\b", "udp", 123),
        (r"^tacacs-server host (?P<to>[\d.]+)\b", "tcp", 49),
    ),
    # IOS XE: `logging host ADDRESS [vrf VRF] [transport {udp|tcp} [port N]]`; defaults are udp 514, and tcp 601.
    "cisco-ios": (
        (r"^logging host (?P<to>[\d.]+)(?: vrf \S+)?$", "udp", 514),
        (r"^logging host (?P<to>[\d.]+)(?: vrf \S+)? transport tcp(?: port (?P<port>\d+))?$", "tcp", 601),
        (r"^ntp server (?P<to>[\d.]+)\b", "udp", 123),
        (r"^ address ipv4 (?P<to>[\d.]+)$", "tcp", 49),
    ),
    # FortiOS: `mode udp` and `port 514` are the defaults of `config log syslogd setting`; `reliable` is tcp.
    "fortios": (
        (rf"{SYSLOGD}(?!(?:(?! *end).*\n)*? *set mode )", "udp", 514),
        (rf"{SYSLOGD}(?:(?! *end).*\n)*? *set mode reliable$", "tcp", 514),
        (r'^ {8,}edit \d+\n {12}set server "(?P<to>[\d.]+)"$', "udp", 123),
        (r'^config user tacacs\+\n(?:.*\n)*?\s+set server "(?P<to>[\d.]+)"$', "tcp", 49),
    ),
    # Junos: `system syslog host ADDRESS`, udp 514 where no `transport` and no `port` stands below it.
    "junos": (
        (r"^set system syslog host (?P<to>[\d.]+) any \w+$", "udp", 514),
        (r"^set system ntp server (?P<to>[\d.]+)", "udp", 123),
        (r"^set system tacplus-server (?P<to>[\d.]+) secret", "tcp", 49),
        # `security log stream NAME host ADDRESS`: udp 514 where no `transport` and no `port` is said.
        (r"^set security log stream \S+ host (?P<to>[\d.]+)$", "udp", 514),
    ),
}


Kind = Literal["shipped", "srx"]


@cache
def intent(kind: Kind = "shipped") -> Intent:
    """The shipped fleet, whose switches ask a TACACS+ server that no role serves; its firewalls as they are, or SRX."""
    fleet = load() if kind == "shipped" else with_srx(load())
    return Intent(fleet.model_copy(update={"hosts": tuple(_asking(h) for h in fleet.hosts)}))


def _asking(host: Host) -> Host:
    roles = {r for r in host.roles if r in {"access_switch", "core_switch"}}
    section = {role: {**host.samdrift.get(role, {}), "tacacs_servers": [TACACS]} for role in roles}
    return host.model_copy(update={"context": {**host.context, "samdrift": {**host.samdrift, **section}}})


def _devices(fleet: Fleet) -> list[Host]:
    return [h for h in fleet.hosts if h.is_managed and h.platform in known_vendors()]


DEVICES = [h.name for h in _devices(load())]
CASES: list[tuple[Kind, str]] = [
    *(("shipped", name) for name in DEVICES),
    *(("srx", h.name) for h in load().with_role("edge_firewall")),
]


def configuration(host: Host, kind: Kind) -> str:
    """What the device is told."""
    (role,) = known_roles(host)
    settings = intent(kind).required(host, role.name)
    with registering(role.name, secrets_in(settings)) as registration, pytest.MonkeyPatch.context() as patch:
        patch.setattr("roles.shared.device.configure.configure", lambda **_: None)
        catalogue()[role.name].deploy(settings)
    return registration.configurations[0].content


def sent(host: Host, kind: Kind) -> set[Sent]:
    """What the device sends, and where to."""
    text = configuration(host, kind)
    return {
        (protocol, found["to"], int(found.groupdict().get("port") or port))
        for pattern, protocol, port in SENDS[host.platform]
        for found in re.finditer(pattern, text, re.MULTILINE)
    }


@cache
def passages(kind: Kind, gateway: str) -> tuple[Forward, ...]:
    return forwards_of(intent(kind).fleet.host(gateway), intent(kind))


def passes(
    kind: Kind, gateway: str, source: IPv4Address, protocol: str, destination: IPv4Address, *, port: int
) -> bool:
    return any(
        rule.protocol in {None, protocol}
        and rule.port in {None, port}
        and any(source in n for n in rule.sources)
        and any(destination in n for n in rule.destinations)
        for rule in passages(kind, gateway)
    )


def between(kind: Kind, source: IPv4Address, destination: IPv4Address) -> list[str]:
    """The gateways that one of the two prefixes is behind, if they are two."""
    fleet = intent(kind).fleet
    ends = {p.prefix for a in (source, destination) if (p := fleet.prefix_of(a)) is not None}
    if len(ends) < 2:
        return []
    return [g.name for g in fleet.with_role("edge_gateway") if ends & set(behind(g, fleet))]


def management(host: Host) -> IPv4Address:
    assert isinstance(host.primary_address, IPv4Address)
    return host.primary_address


@pytest.mark.parametrize(("kind", "name"), CASES)
def test_what_a_device_sends_is_let_through_and_listened_for(kind: Kind, name: str) -> None:
    fleet = intent(kind).fleet
    host = fleet.host(name)
    by_address = {str(a.ip): h for h in fleet.hosts for a in h.addresses4}
    everything = sent(host, kind)
    assert {(protocol, port) for protocol, _, port in everything} >= {("udp", 123)}
    for protocol, to, port in everything:
        for gateway in between(kind, management(host), IPv4Address(to)):
            assert passes(kind, gateway, management(host), protocol, IPv4Address(to), port=port), (
                f"{gateway}: {protocol} {to} {port}"
            )
        if to == TACACS:
            continue
        assert is_let_in(kind, by_address[to], protocol, port, management(host)), f"{to}: {protocol} {port} of {name}"


def is_let_in(kind: Kind, server: Host, protocol: str, port: int, source: IPv4Address) -> bool:
    """Whether the server's own firewall lets this in."""
    openings = intent(kind).required(server, "firewall")
    assert isinstance(openings, FirewallSettings)
    return any(
        (o.listen.protocol, o.listen.port) == (protocol, port) and any(source in n for n in o.listen.sources)
        for o in openings.openings
    )


@pytest.mark.parametrize(("kind", "name"), CASES)
def test_every_device_logs_to_every_log_server_which_expects_it(kind: Kind, name: str) -> None:
    fleet = intent(kind).fleet
    host = fleet.host(name)
    for server in fleet.with_role("log_server"):
        found = intent(kind).required(server, "log_server")
        assert isinstance(found, LogServerSettings)
        assert f"{host.tenant}/{name}" in found.expected
        logs = {(protocol, port) for protocol, to, port in sent(host, kind) if to == str(server.primary_address)}
        assert logs - {("udp", 123)} in ({("tcp", 514)}, {("udp", 514)})


@pytest.mark.parametrize(("kind", "name"), CASES)
def test_who_administers_and_who_monitors_a_device_reaches_it(kind: Kind, name: str) -> None:
    fleet = intent(kind).fleet
    host = fleet.host(name)
    (role,) = known_roles(host)
    settings = intent(kind).required(host, role.name)
    assert isinstance(settings, Settings)
    listens = role.listens(settings)
    assert {(x.protocol, x.port) for x in listens} == {("tcp", 22), ("udp", 161)}
    for listen in listens:
        assert listen.sources
        for source in (n.network_address for n in listen.sources if isinstance(n, IPv4Network)):
            for gateway in between(kind, source, management(host)):
                assert passes(kind, gateway, source, listen.protocol, management(host), port=listen.port)


def sent_by_server(host: Host, kind: Kind) -> set[Sent]:
    """What a host with a shell sends to others, by the settings that its files are made of."""
    of = intent(kind).settings(host)
    base, logs, clock = (of.get(role) for role in ("base", "log_client", "time"))
    sent: set[Sent] = set()
    if isinstance(base, BaseSettings):
        sent |= {(protocol, str(a), 53) for a in base.nameservers for protocol in ("udp", "tcp")}
        sent |= {("tcp", found[1], int(found[2])) for found in re.finditer(r"//(.+):(\d+)", base.apt_proxy)}
    if isinstance(logs, LogClientSettings):
        sent |= {("tcp", str(server.address), server.port) for server in logs.servers}
    if isinstance(clock, TimeSettings):
        sent |= {("udp", str(a), 123) for a in clock.servers}
    return sent


@pytest.mark.parametrize("kind", ["shipped", "srx"])
@pytest.mark.parametrize("name", [h.name for h in load().hosts if "base" in h.roles and h.is_managed])
def test_what_a_server_sends_is_let_through_and_listened_for(kind: Kind, name: str) -> None:
    fleet = intent(kind).fleet
    host = fleet.host(name)
    by_address = {str(a.ip): h for h in fleet.hosts for a in h.addresses4}
    everything = {(protocol, to, port) for protocol, to, port in sent_by_server(host, kind) if to in by_address}
    assert {port for _, _, port in everything} >= ({2514} if "log_client" in host.roles else set())
    for protocol, to, port in everything:
        if by_address[to] is host:
            continue
        ends = {name, by_address[to].name}
        for gateway in set(between(kind, management(host), IPv4Address(to))) - ends:
            assert passes(kind, gateway, management(host), protocol, IPv4Address(to), port=port), (
                f"{gateway}: {to} {port}"
            )
        if by_address[to].name in DEVICES:
            assert port == 53
            assert answers_names(by_address[to], to, kind), f"{by_address[to].name} does not answer {name} at {to}"
        else:
            assert is_let_in(kind, by_address[to], protocol, port, management(host)), (
                f"{to}: {protocol} {port} of {name}"
            )


def answers_names(device: Host, at: str, kind: Kind) -> bool:
    """Whether a firewall answers names at this address of it.

    FortiOS: CLI Reference, `config system dns-server`. Junos: DNS Guide, `dns-proxy`; the zone lets `dns` in.
    """
    interface = next(i.name for i in device.interfaces if any(str(a.ip) == at for a in i.addresses4))
    said = configuration(device, kind)
    if device.platform == "fortios":
        return f'edit "{interface}"' in said.partition("config system dns-server\n")[2].partition("\nend")[0]
    zone = re.search(rf"^set security zones security-zone (\S+) interfaces {interface}\.0$", said, re.MULTILINE)
    return (
        f"set system services dns dns-proxy interface {interface}.0\n" in said
        and zone is not None
        and f"set security zones security-zone {zone[1]} host-inbound-traffic system-services dns\n" in said
    )


def needing_the_internet() -> list[str]:
    return [h.name for h in intent().fleet.hosts if h.is_managed and ways_out(h, intent())]


@pytest.mark.parametrize("name", needing_the_internet())
def test_what_a_host_needs_of_the_internet_is_let_through_by_the_firewall_beyond_the_hubs(name: str) -> None:
    host = intent().fleet.host(name)
    said = configuration(intent().fleet.host("tie-fw1"), "shipped")
    policies = re.findall(r'set srcintf "port2"\n.*\n.*\n +set srcaddr (.+)\n(?:.*\n){2} +set service "(.+)"', said)
    through = {service: sources for sources, service in policies}
    for way in ways_out(host, intent()):
        assert f'"host-{management(host)}"' in through[f"samdrift-{way.protocol}-{way.port}"]
        assert f'edit "samdrift-{way.protocol}-{way.port}"\n        set {way.protocol}-portrange {way.port}\n' in said
    back = f'set dst {management(host)} 255.255.255.255\n        set gateway 10.59.255.2\n        set device "port2"'
    assert back in said, "the answers go back by the gateways' shared address"


@pytest.mark.parametrize("name", needing_the_internet())
def test_an_srx_beyond_the_hubs_lets_the_same_through(name: str) -> None:
    of = intent("srx")
    host = of.fleet.host(name)
    said = configuration(of.fleet.host("tie-fw1"), "srx").splitlines()
    zone = next(line.split()[4] for line in said if line.endswith(" interfaces ge-0/0/1.0"))
    book = "set security address-book global address "
    named = next(line.split()[5] for line in said if line.startswith(book) and line.endswith(f" {management(host)}/32"))
    for way in ways_out(host, of):
        policy = f"set security policies from-zone {zone} to-zone untrust policy out-{way.protocol}-{way.port}"
        application = f"samdrift-{way.protocol}-{way.port}"
        assert {
            f"{policy} match source-address {named}",
            f"{policy} match destination-address any",
            f"{policy} match application {application}",
            f"{policy} then permit",
            f"set applications application {application} protocol {way.protocol}",
            f"set applications application {application} destination-port {way.port}",
        } <= {*said}
    rule = f"set security nat source rule-set {zone}-to-untrust rule {named}"
    assert {f"{rule} match source-address {management(host)}/32", f"{rule} then source-nat interface"} <= {*said}
    assert f"set routing-options static route {management(host)}/32 next-hop 10.59.255.2" in said
