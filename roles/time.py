"""chrony: two time servers in Tierp, and everybody else asks those two.

Options (config context `samdrift.time`):

- `server`: this host is one of the fleet's time servers.
- `upstreams`: where a server has the time from, by name; `nts: true` where the other end speaks NTS (RFC 8915).
- `control_clock`: whether chronyd sets the clock. False where it must not (a container): it then measures and
  serves, and leaves the clock alone.

When the internet is away the servers agree on one of them (orphan mode) and the fleet stays together.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field
from pyinfra.operations import files

from inventory.fleet import Fleet, Host
from inventory.network import Address, Network
from roles.shared.families import apart, reached_by, spoken
from roles.shared.network.servers import time_servers
from roles.shared.parts.files import absent_file, managed_file
from roles.shared.parts.handlers import restart
from roles.shared.parts.packages import packages
from roles.shared.parts.services import drop_ins, service
from roles.shared.rehearsal import Rehearsal
from roles.shared.sandbox import Sandbox
from roles.shared.settings import Options as RoleOptions
from roles.shared.settings import Settings as RoleSettings
from roles.shared.settings import SettingsError
from roles.shared.traffic import Listen, WayOut, fleet_networks

AFTER = ("firewall",)  # and before logs and measurements, which are worth little at a wrong time
SWEDISH = "chrony: två tidsservrar i Tierp, och alla andra frågar dem."
CONTROLS = ("ISO 27002:2022 8.17",)
APPARMOR = "/usr/sbin/chronyd"
SANDBOX = Sandbox(unit="chrony.service", by_debian=True)
DROP_IN = drop_ins(SANDBOX.unit)
HAS_TIME = """\
chronyc waitsync 1 || {
    chronyc burst 4/8; sleep 3
    chronyc -c sources | cut -d , -f 6 | grep -qvx 0 && chronyc waitsync 12 0 0 1
}"""
"""A source is chosen after its third good answer, which at the usual pace can take a minute. Nobody waits where none
has answered at all (field 6, its reach, is 0): in a first roll-out the servers may come later.
"""
AS_ROOT = (
    "chronyc -N -c sources -a",
    "chronyc -c sources",
    "chronyc -c tracking",
    HAS_TIME,
    f"{HAS_TIME}; chronyc -N -c sources -a",
)


class Upstream(RoleOptions):
    """A time server outside the fleet."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9.-]*$")]
    nts: bool = False


class Options(RoleOptions):
    """What a config context may set for this role; see the module's text."""

    server: bool = False
    upstreams: tuple[Upstream, ...] = ()
    control_clock: bool = True


class Settings(RoleSettings):
    """The time servers that this host asks, and the clients that it serves."""

    server: bool
    upstreams: tuple[Upstream, ...]
    servers: tuple[Address, ...]
    clients: tuple[Network, ...]
    control_clock: bool


def settings(host: Host, fleet: Fleet, options: Options) -> Settings:
    """Compute the time servers: hosts with this role and `server: true`."""
    if options.server and not options.upstreams:
        raise SettingsError(
            "a time server without upstreams",
            field="config context samdrift.time.upstreams",
            fix="name at least two, each with name and nts",
        )
    servers = reached_by(host, (s for s in time_servers(fleet) if s.name != host.name))
    if not options.server and not servers:
        fix = "set samdrift.time.server: true for two hosts with role time"
        raise SettingsError("no host of the fleet is a time server", field="fleet", fix=fix)
    return Settings(
        server=options.server,
        upstreams=options.upstreams if options.server else (),
        servers=servers,
        clients=spoken(host, fleet_networks(fleet)) if options.server else (),
        control_clock=options.control_clock,
    )


def listens(settings: Settings) -> tuple[Listen, ...]:
    """Serve NTP to the fleet, if this host is a server."""
    if not settings.server:
        return ()
    return (Listen(protocol="udp", port=123, sources=settings.clients, why="NTP for the fleet"),)


def ways_out(settings: Settings) -> tuple[WayOut, ...]:
    """Let a time server reach its upstreams, and their keys for NTS."""
    if not settings.server:
        return ()
    return (
        WayOut(protocol="udp", port=123, why="time from outside"),
        WayOut(protocol="tcp", port=4460, why="keys for time from outside (NTS)"),
    )


def in_lab(options: Mapping[str, Any], lab: Rehearsal) -> Mapping[str, Any]:  # noqa: ARG001  a role's signature
    """Leave the clock alone: a container may not set it."""
    return {"control_clock": False}


def unserved(host: Host, fleet: Fleet) -> tuple[str, ...]:
    """Say which time servers it cannot reach."""
    found = apart(host, time_servers(fleet))
    return (f"the time is not asked of servers that it has no family of IP in common with: {found}",) if found else ()


def deploy(settings: Settings) -> None:
    """Declare chrony, which replaces systemd-timesyncd (the packages exclude each other)."""
    again = restart("chrony.service", daemon_reload=True)
    packages("chrony")
    managed_file(
        "/etc/chrony/chrony.conf",
        template="time/chrony.conf.j2",
        settings=settings,
        validate_with="chronyd -p -f {path} > /dev/null",
        then=(again,),
    )
    managed_file("/etc/default/chrony", template="time/default.j2", settings=settings, then=(again,))
    files.directory(name=f"directory {DROP_IN}", path=DROP_IN, user="root", group="root", mode="755")
    if settings.control_clock:
        absent_file(f"{DROP_IN}/samdrift.conf", then=(again,))
    else:
        managed_file(f"{DROP_IN}/samdrift.conf", template="time/service.conf.j2", then=(again,))
    service("chrony.service")
