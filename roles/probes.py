"""Blackbox exporter: tries what hosts serve as a client would, for Prometheus beside it.

What is tried follows from the fleet, and is listed nowhere. Every gateway is pinged, at the address at which its
measurements are asked for. What a role says may be tried (`probed`) is tried on each host that has it and lets this
host in: resolvers must answer a name of the fleet rightly, over UDP and TCP; what speaks TLS must show a certificate,
whose end is remembered. Who signed it is not judged: the organisation's services sign their own.

Only this host itself may ask the exporter, by Prometheus' password. It pings without rights: the kernel lets every
group do that (`net.ipv4.ping_group_range`, as systemd's own default has it), so that the program needs no capability.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from ipaddress import ip_network

from inventory.fleet import Fleet, Host
from inventory.frozen import Frozen
from inventory.network import Address, Network
from roles.monitoring import WEB, Beside, beside
from roles.node_metrics import asked_at
from roles.shared.catalogue import catalogue
from roles.shared.families import in_url
from roles.shared.intent import Intent
from roles.shared.network.peering import GATEWAY
from roles.shared.network.scraping import Asked, Tried, Tries, quoted
from roles.shared.parts.asked_by_name import questions
from roles.shared.parts.files import managed_file
from roles.shared.parts.handlers import reload, restart
from roles.shared.parts.kernel import kernel_settings
from roles.shared.parts.packages import packages
from roles.shared.parts.services import confined, service
from roles.shared.sandbox import Sandbox
from roles.shared.settings import Options
from roles.shared.settings import Settings as RoleSettings
from roles.shared.traffic import Probed

AFTER = ("monitoring",)  # which makes the file of who may ask
PLATFORMS = ("debian-13",)  # Debian 12's exporter cannot be told to log less
REDUNDANT = "fleet"
SWEDISH = "Blackbox exporter: provar vad värdar tillhandahåller som en klient skulle göra, åt Prometheus bredvid."
CONTROLS = ("ISO 27002:2022 8.6", "ISO 27002:2022 8.16")
UNIT = "prometheus-blackbox-exporter.service"
PORT = 9115
EXPORTER = f"127.0.0.1:{PORT}"
CONFIG = "/etc/prometheus/blackbox.yml"
ASK, ASK_BY_NAME = (
    ask.replace("{address}", "127.0.0.1").replace("{port}", f"{PORT}") for ask in questions(WEB, seconds=15)
)
PING_ITSELF = "/probe?module=ping&target=127.0.0.1"
PATHS = ("/metrics", "/config", PING_ITSELF)
AS_ROOT = tuple(ask.format(path=path) for ask in (ASK, ASK_BY_NAME) for path in PATHS)
LISTENING = f"ss -Hltn sport = :{PORT}"
SANDBOX = Sandbox(unit=UNIT)
PINGS = {"net.ipv4.ping_group_range": "0 2147483647"}
SYSCTL = "/etc/sysctl.d/60-samdrift-probes.conf"


class Module(Frozen):
    """A way to try something: what the exporter is told once, and Prometheus names with each target."""

    name: str
    kind: str
    transport: str = ""
    asks: str = ""
    record: str = ""
    answer: str = ""

    @property
    def quoted_name(self) -> str:
        """Return its name as YAML reads it."""
        return quoted(self.name)

    @property
    def quoted_asks(self) -> str:
        """Return the name that is asked for, as YAML reads it."""
        return quoted(self.asks)

    @property
    def right(self) -> str:
        """Return the regular expression of the right answer, as YAML reads it."""
        return quoted(rf"\s{self.record}\s{re.escape(self.answer)}$")


PING, TLS = Module(name="ping", kind="ping"), Module(name="tls", kind="tls")


class Settings(Beside):
    """What is tried, and how."""

    modules: tuple[Module, ...]
    tries: tuple[Tries, ...]


def settings(host: Host, fleet: Fleet, options: Options, intent: Intent) -> Settings:  # noqa: ARG001  a role's signature
    """Compute what is tried from the fleet: its gateways, and what roles of its hosts say."""
    by_name = beside(host)
    found: dict[Module, list[Tried]] = {PING: list(_pinged(host, fleet)), TLS: []}
    for module, tried in _served(host, fleet, intent):
        found.setdefault(module, []).append(tried)
    return Settings(
        by_name=by_name,
        modules=tuple(found),
        tries=tuple(_tries(module, tuple(tried)) for module, tried in found.items() if tried),
    )


def _tries(module: Module, tried: tuple[Tried, ...]) -> Tries:
    return Tries(
        name=f"probe {module.name}",
        exporter=EXPORTER,
        path="/probe",
        parameters={"module": module.name},
        job="probe",
        kind=module.kind,
        targets=tried,
    )


def _pinged(host: Host, fleet: Fleet) -> Iterator[Tried]:
    for gateway in fleet.with_role(GATEWAY):
        if (address := asked_at(gateway, host, fleet)) is not None:
            yield Tried(**Asked.named(gateway), target=str(address))


def _served(host: Host, fleet: Fleet, intent: Intent) -> Iterator[tuple[Module, Tried]]:
    """Yield how and where each service is tried that lets this host in."""
    own = [ip_network(a.ip) for a in host.addresses]
    for name, role in catalogue().items():
        for server in fleet.with_role(name) if role.probed else ():
            address = asked_at(server, host, fleet)
            for probed in _probed(server, name, intent) if address else ():
                if address and any(_among(n, probed.sources) for n in own if n.version == address.version):
                    target = f"{in_url(address)}:{probed.port}"
                    for module in _modules(probed):
                        yield module, Tried(**Asked.named(server), target=target)


def _probed(server: Host, role: str, intent: Intent) -> tuple[Probed, ...]:
    """Return what a role of a host says may be tried; nothing, where its settings have a problem of their own."""
    found, says = intent.of(server, role), catalogue()[role].probed
    return says(found) if says and isinstance(found, RoleSettings) else ()


def _among(address: Network, sources: tuple[Network, ...]) -> bool:
    return any(address.version == s.version and address.subnet_of(s) for s in sources)  # type: ignore[arg-type]


def _modules(probed: Probed) -> tuple[Module, ...]:
    if probed.how == "tls":
        return (TLS,)
    return tuple(_dns(probed.name, probed.answer, transport) for transport in ("udp", "tcp"))


def _dns(name: str, answer: Address | None, transport: str) -> Module:
    record = "AAAA" if answer is not None and answer.version == 6 else "A"
    return Module(
        name=f"dns {transport} {name} {record}",
        kind="dns",
        transport=transport,
        asks=name,
        record=record,
        answer=str(answer or ""),
    )


def deploy(settings: Settings) -> None:
    """Declare the exporter, what it may be asked to try, and that the kernel lets it ping."""
    reread, again = reload(UNIT), restart(UNIT, daemon_reload=True)
    packages("prometheus-blackbox-exporter")
    lines = (f"{key} = {value}" for key, value in PINGS.items())
    header = "# Managed by samdrift, role probes; local changes are lost."
    managed_file(SYSCTL, content="\n".join([header, *lines, ""]))
    kernel_settings("ping without rights", PINGS)
    managed_file(
        CONFIG,
        template="probes/blackbox.yml.j2",
        settings=settings,
        validate_with="prometheus-blackbox-exporter --config.check --config.file={path}",
        then=(reread,),
    )
    managed_file(
        "/etc/default/prometheus-blackbox-exporter",
        template="probes/default.j2",
        settings=settings,
        validate_with="sh -n {path}",
        then=(again,),
    )
    confined(SANDBOX, then=(again,))
    service(UNIT)
