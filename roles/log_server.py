"""Log server (rsyslog): receives the logs of the whole fleet, one directory a municipality and one file a host.

Debian hosts (role `log_client`) send with RELP, which acknowledges every message. Devices with a CLI send plain
TCP syslog on port 514, with a rate limit. Neither is encrypted yet: TLS needs certificates, which come with secrets.

A file is named by the sender's address as the fleet knows it, never by the host name that a message claims. What
an unknown address sends goes to `/var/log/fleet/unknown.log`, and the firewall lets no unknown address in anyway.
The server's own journal goes the same way, into its own file.

Options:
    retention_days: how many days a host's log is kept. It is rotated, and compressed a day later, every day.
    rate_per_minute: how many messages a minute a device may send over plain TCP; the rest is dropped and counted.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field
from pyinfra.operations import files

from inventory.fleet import Fleet, Host
from inventory.frozen import Frozen
from inventory.network import Address, Network
from roles.log_client import CHECK, RELP_PORT, read_journal
from roles.shared import settings as shared
from roles.shared.families import own_addresses, spoken
from roles.shared.nameable import nameable
from roles.shared.parts.files import managed_file
from roles.shared.parts.handlers import restart
from roles.shared.parts.packages import packages
from roles.shared.parts.services import service
from roles.shared.traffic import Listen, addresses_of

AFTER = ("time",)  # as on a log client: its own journal goes the same way
CONTROLS = ("ISO 27002:2022 8.15", "ISO 27002:2022 8.16")
UNIT = "rsyslog.service"
SYSLOG_PORT = 514
LOGS = "/var/log/fleet"

CHECK_ROTATION = "logrotate --debug --state /dev/null {path}"


class Options(shared.Options):
    """What a config context may set; the module's docstring explains each."""

    retention_days: Annotated[int, Field(ge=1, le=3660)] = 365
    rate_per_minute: Annotated[int, Field(ge=60)] = 6000


class Sender(Frozen):
    """A host that may send: any address of it may be the source. `file` is below the log directory, no suffix."""

    file: str
    addresses: tuple[Address, ...]


class Settings(shared.Settings):
    """The known senders, their protocols, and where their logs are kept."""

    own_file: str
    municipalities: tuple[str, ...]
    senders: tuple[Sender, ...]
    clients: tuple[Network, ...]
    devices: tuple[Network, ...]
    retention_days: int
    rate_per_minute: int
    relp_port: int = RELP_PORT
    syslog_port: int = SYSLOG_PORT


def settings(host: Host, fleet: Fleet, options: Options) -> Settings:
    """Compute the known senders: every address of every host that is not decommissioned."""
    known = nameable(fleet)
    cli = {p.slug for p in fleet.platforms if p.family == "cli"}
    return Settings(
        own_file=_file(host),
        municipalities=tuple(sorted({_slug(h.tenant, h) for h in (*known, host)})),
        senders=tuple(
            Sender(file=_file(h), addresses=found) for h in known if (found := spoken(host, own_addresses(h)))
        ),
        clients=spoken(host, addresses_of(fleet.with_role("log_client"))),
        devices=spoken(host, addresses_of(h for h in known if h.platform in cli)),
        retention_days=options.retention_days,
        rate_per_minute=options.rate_per_minute,
    )


def listens(settings: Settings) -> tuple[Listen, ...]:
    """Serve RELP to log clients, and plain TCP syslog to devices."""
    relp = Listen(protocol="tcp", port=RELP_PORT, sources=settings.clients, why="logs of hosts (RELP)")
    syslog = Listen(protocol="tcp", port=SYSLOG_PORT, sources=settings.devices, why="logs of network devices")
    return (relp, syslog) if settings.devices else (relp,)


def deploy(settings: Settings) -> None:
    """Declare rsyslog with its whole configuration in one file, a directory a municipality, and daily rotation."""
    restarted = restart(UNIT)
    packages("rsyslog", "rsyslog-relp", "logrotate")
    read_journal()
    for directory in (LOGS, *(f"{LOGS}/{m}" for m in settings.municipalities)):
        files.directory(name=f"directory {directory}", path=directory, user="root", group="adm", mode="750")
    managed_file(
        "/etc/rsyslog.conf",
        template="log_server/rsyslog.conf.j2",
        settings=settings,
        validate_with=CHECK,
        then=(restarted,),
    )
    managed_file(
        "/etc/logrotate.d/samdrift-fleet",
        template="log_server/logrotate.j2",
        settings=settings,
        validate_with=CHECK_ROTATION,
    )
    service(UNIT)
    service("logrotate.timer")


def _file(host: Host) -> str:
    """Return a host's file below the log directory, without its suffix."""
    return f"{_slug(host.tenant, host)}/{_slug(host.name, host)}"


def _slug(text: str, host: Host) -> str:
    """Make a file name of a text; refuse whatever could lead out of its directory."""
    if not text.isascii() or not text.replace("-", "").isalnum():
        raise shared.SettingsError(
            f"{text!r} (host {host.name!r}) cannot name a log file",
            field="name",
            fix="only letters a-z, digits and hyphens in names of hosts and slugs of tenants",
        )
    return text.lower()
