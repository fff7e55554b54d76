"""lldpd: tells the devices at the other ends of this host's cables what it is, and hears what they are.

It speaks at the ports that NetBox has cables or could have cables for (enabled, and not virtual), by the port's name.
What it hears is held against NetBox's cables by the role's check.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from inventory.fleet import Fleet, Host
from inventory.frozen import Frozen
from inventory.network import Address
from roles.shared.families import primaries
from roles.shared.parts.files import managed_file
from roles.shared.parts.handlers import restart
from roles.shared.parts.packages import packages
from roles.shared.parts.services import confined, service
from roles.shared.sandbox import Need, Sandbox
from roles.shared.settings import Options, SettingsError
from roles.shared.settings import Settings as RoleSettings

AFTER = ("local_dns",)  # addresses and names, which people wait for, come first
SWEDISH = "lldpd: berättar för utrustningen i andra änden av värdens kablar vad den är, och hör vad de är."
CONTROLS = ("ISO 27002:2022 5.9", "ISO 27002:2022 8.20")
UNIT = "lldpd.service"
SHOWN = "lldpcli -f json0 show {word}"
AS_ROOT = (SHOWN,)


SANDBOX = Sandbox(
    unit=UNIT,
    needs=(
        Need(
            directive="CapabilityBoundingSet",
            value="CAP_CHOWN CAP_DAC_OVERRIDE CAP_FOWNER CAP_KILL CAP_NET_ADMIN CAP_NET_RAW CAP_SETGID CAP_SETUID"
            " CAP_SYS_CHROOT",
            why="It hears a port's neighbours by raw sockets; what judges them runs as _lldpd in an empty directory.",
        ),
        Need(
            directive="RestrictAddressFamilies",
            value="AF_INET AF_INET6 AF_NETLINK AF_PACKET AF_UNIX",
            why="Raw sockets, and the kernel is asked which ports there are.",
        ),
        Need(directive="SystemCallFilter", value="@system-service chroot", why="That directory becomes its root."),
        Need(directive="ReadWritePaths", value="/run", why="Its socket and the number of its process stand there."),
    ),
)


class Port(Frozen):
    """A port of this host; `far_host` is at the other end of its cable, empty where it has none."""

    name: str
    far_host: str


class Settings(RoleSettings):
    """The ports of a host, its name, and the neighbours that it should have."""

    host: str
    description: str
    addresses: tuple[Address, ...]
    ports: tuple[Port, ...]


def settings(host: Host, fleet: Fleet, options: Options) -> Settings:  # noqa: ARG001  it has none
    """Compute the host's ports and their neighbours from NetBox's cables."""
    addresses = primaries(host)
    ports = tuple(_ports(host, fleet))
    if not ports:
        fix = "give it an enabled interface that is not virtual, or take lldp from it"
        raise SettingsError("it has no port to speak at", field="config context samdrift.roles", fix=fix)
    return Settings(host=host.name, description=_plain(host.description), addresses=addresses, ports=ports)


def deploy(settings: Settings) -> None:
    """Declare lldpd, which reads its configuration when it starts. It cannot validate a file: it leaves bad lines out.

    It cannot validate a file: it leaves bad lines out.
    """
    again = restart(UNIT, daemon_reload=True)
    confined(SANDBOX, then=(again,))
    packages("lldpd")
    managed_file("/etc/lldpd.conf", template="lldp/lldpd.conf.j2", settings=settings, then=(again,))
    service(UNIT)


def _ports(host: Host, fleet: Fleet) -> Iterator[Port]:
    far_end = {end: other for c in fleet.cables for end, other in ((c.a, c.b), (c.b, c.a))}
    for interface in host.interfaces:
        if interface.enabled and interface.type != "virtual":
            far_host, _, _ = far_end.get(f"{host.name}:{interface.name}", "").partition(":")
            yield Port(name=interface.name, far_host=far_host)


def _plain(text: str) -> str:
    """Remove what could end a quoted text, or the line, in lldpd's configuration."""
    return re.sub(r"[^\w .,:()/+-]", "", text)[:200]
