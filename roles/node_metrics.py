"""prometheus-node-exporter: what a host knows about its own health, told to the monitoring hosts and nobody else.

It answers on one address only, the primary one; on a gateway, an inner one; and on the primary one of IPv6 where it has
no other or a host with role `monitoring` has none. The firewall lets the hosts with role
`monitoring` ask. Other programs of the host add numbers of their own as `*.prom` files in the textfile directory.

Options (config context `samdrift.node_metrics`):

- `password`: it answers only who knows the secret `metrics_password_` and the municipality, as the monitoring hosts do,
  whoever else the firewall may let in.
- `collectors`: what is measured, by node_exporter's own names; nothing else is.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field
from pyinfra.operations import files

from inventory.fleet import Fleet, Host
from inventory.network import Address, Network, networks4
from inventory.secrets import Secret
from roles.shared.families import in_url, primaries, spoken
from roles.shared.network.peering import reached_at
from roles.shared.parts.asked_by_name import asked_by_name, questions, web_file
from roles.shared.parts.files import managed_file
from roles.shared.parts.handlers import restart
from roles.shared.parts.packages import packages
from roles.shared.parts.services import ON_ONE_ADDRESS, confined, service
from roles.shared.rehearsal import Rehearsal
from roles.shared.sandbox import Need, Sandbox, without
from roles.shared.settings import Options as RoleOptions
from roles.shared.settings import Settings as RoleSettings
from roles.shared.traffic import Listen, addresses_of

AFTER = ("log_client", "log_server")
SWEDISH = "prometheus-node-exporter: vad en värd vet om sin egen hälsa, berättat för övervakningen och ingen annan."
CONTROLS = ("ISO 27002:2022 8.6", "ISO 27002:2022 8.16")
PORT = 9100
UNIT = "prometheus-node-exporter.service"
WEB = "/etc/node-exporter"
MAKES = (web_file(WEB),)
ASK, ASK_BY_NAME = (ask.replace("{path}", "/metrics") for ask in questions(WEB))
AS_ROOT = tuple(ask.format(address="{word}", port="{word}") for ask in (ASK, ASK_BY_NAME))
TEXTFILES = "/var/lib/prometheus/node-exporter"

Collector = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
COLLECTORS = (
    "conntrack",
    "cpu",
    "diskstats",
    "filefd",
    "filesystem",
    "loadavg",
    "meminfo",
    "netclass",
    "netdev",
    "netstat",
    "os",
    "pressure",
    "sockstat",
    "stat",
    "systemd",
    "textfile",
    "time",
    "timex",
    "uname",
    "vmstat",
)


SANDBOX = Sandbox(
    unit=UNIT,
    needs=(
        *without(
            "PrivateDevices",
            "PrivateTmp",
            "ProtectControlGroups",
            "ProtectHome",
            "ProtectKernelLogs",
            "ProtectKernelModules",
            "ProtectKernelTunables",
            "ProtectProc",
            "ProtectSystem",
            why="Each gives it a mount table of its own, and it would report the file systems of that instead of the"
            " host's.",
        ),
        Need(
            directive="RestrictAddressFamilies",
            value="AF_INET AF_INET6 AF_NETLINK AF_UNIX",
            why="The kernel is asked about its interfaces.",
        ),
        Need(
            directive="SystemCallFilter",
            value="@system-service adjtimex clock_adjtime",
            why="Both only read: to set the clock takes a capability that it does not have.",
        ),
    ),
)


class Options(RoleOptions):
    """What a config context may set for this role; see the module's text."""

    password: bool = False
    collectors: tuple[Collector, ...] = COLLECTORS


class Settings(RoleSettings):
    """The address of the exporter, its clients, and what it measures."""

    addresses: tuple[Address, ...]
    port: int = PORT
    monitors: tuple[Network, ...]
    collectors: tuple[str, ...]
    textfiles: str = TEXTFILES
    password: Secret | None = None

    @property
    def web_file(self) -> str:
        """Return the file that says who may ask; empty where everybody may whom the firewall lets in."""
        return web_file(WEB) if self.password else ""

    @property
    def sockets(self) -> tuple[str, ...]:
        """Return each address with the port, as programs write it."""
        return tuple(f"{in_url(a)}:{self.port}" for a in self.addresses)


def settings(host: Host, fleet: Fleet, options: Options) -> Settings:
    """Compute the exporter of one host."""
    answering = answers_at(host, fleet)
    monitors, versions = addresses_of(fleet.with_role("monitoring")), {a.version for a in answering}
    return Settings(
        addresses=answering,
        monitors=tuple(n for n in monitors if n.version in versions),
        collectors=tuple(sorted(set(options.collectors))),
        password=password_of(host) if options.password else None,
    )


def password_of(host: Host) -> Secret:
    """Return the secret by which a host's exporter is asked: one for each municipality."""
    return Secret(name=f"metrics_password_{host.tenant.replace('-', '_')}", municipality=host.tenant)


def answers_at(host: Host, fleet: Fleet) -> tuple[Address, ...]:
    """Return the addresses at which a host's exporter answers the monitoring hosts: of each family one at most.

    Raises:
        SettingsError: the host has no primary address.
    """
    monitors = [m.primary_address for m in fleet.with_role("monitoring")]
    if host.primary_address is None:
        return primaries(host)
    near = networks4(p for address in monitors if address and (p := fleet.prefix_of(address)) is not None)
    inner = next((reached_at(host, network, fleet) for network in near), host.primary_address)
    return (inner, host.primary_address6) if host.primary_address6 and None in monitors else (inner,)


def asked_at(host: Host, by: Host, fleet: Fleet) -> Address | None:
    """Return the address at which a monitoring host asks a host; None if they share no family."""
    answering = answers_at(host, fleet) if host.primary_address or host.primary_address6 else ()
    return next(iter(spoken(by, answering)), None)


def listens(settings: Settings) -> tuple[Listen, ...]:
    """Serve metrics to the monitoring hosts alone."""
    return (Listen(protocol="tcp", port=PORT, sources=settings.monitors, why="metrics for the monitoring hosts"),)


def in_lab(options: Mapping[str, Any], lab: Rehearsal) -> Mapping[str, Any]:  # noqa: ARG001  a role's signature
    """Ask for a password: in the lab, every secret is there."""
    return {"password": True}


def deploy(settings: Settings) -> None:
    """Declare the exporter, what it measures, and a sandbox around it."""
    again = restart(UNIT, daemon_reload=True)
    packages("prometheus-node-exporter")
    managed_file(
        "/etc/default/prometheus-node-exporter",
        template="node_metrics/default.j2",
        settings=settings,
        validate_with="sh -n {path}",
        then=(again,),
    )
    confined(SANDBOX, then=(again,), also=ON_ONE_ADDRESS)
    if settings.password:
        asked_by_name(WEB, settings.password)
    files.directory(name=f"directory {TEXTFILES}", path=TEXTFILES, user="root", group="root", mode="755")
    service(UNIT)
