"""Log server (rsyslog): receives the logs of the whole fleet, one directory a municipality and one file a host.

Debian hosts (role `log_client`) send with RELP, which acknowledges every message. Devices with a CLI send plain syslog
to port 514, with a rate limit: over TCP, with a line end or its length to tell a message from the next, or in datagrams
where their vendor has no TCP (`roles.shared.device.logs`). Hosts send by TLS where the server has a certificate that an
authority signed; its key is made on the host and never leaves it. What devices send is not encrypted.

A file is named by the sender's address as the fleet knows it, never by the host name that a message claims. What
an unknown address sends goes to `/var/log/fleet/unknown.log`, and the firewall lets no unknown address in anyway.
The server's own journal goes the same way, into its own file.

Options:
    retention_days: how many days a host's log is kept. It is rotated, and compressed a day later, every day.
    rate_per_minute: how many messages a minute devices may send; the rest is dropped and counted.
    tls_certificate, tls_authority: PEM, for the key on the host (`/etc/rsyslog-tls/key.pem`), and of the authority that
        signed it. With both, hosts send to port 2515 by TLS, and believe a server of this name that this authority
        vouches for. Port 2514 stays open for those that were not told yet.
    expect_devices: whether verify fails where a managed device has not logged for a day. The lab has no devices.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field
from pyinfra.operations import files

from inventory.fleet import Fleet, Host
from inventory.frozen import Frozen
from inventory.network import Address, Network
from roles.log_client import CHECK, RELP_PORT, RELP_TLS_PORT, put_old_logs_aside, read_journal
from roles.shared import settings as shared
from roles.shared.device.logs import SYSLOG_PORT, log_senders, sends_logs
from roles.shared.families import own_addresses, spoken
from roles.shared.nameable import nameable
from roles.shared.parts.files import absent_file, managed_file
from roles.shared.parts.handlers import Handler, restart
from roles.shared.parts.keys_of_tls import PEM, fits_the_key, own_key
from roles.shared.parts.packages import packages
from roles.shared.parts.services import confined, service
from roles.shared.rehearsal import Rehearsal
from roles.shared.sandbox import Need, Sandbox
from roles.shared.traffic import Listen, Probed, addresses_of

AFTER = ("time",)  # as on a log client: its own journal goes the same way
REDUNDANT = "fleet"
SWEDISH = "Loggserver (rsyslog): tar emot hela beståndets loggar, en katalog per kommun och en fil per värd."
CONTROLS = ("ISO 27002:2022 8.15", "ISO 27002:2022 8.16")
UNIT = "rsyslog.service"
LOGS = "/var/log/fleet"
TLS = "/etc/rsyslog-tls"
KEY, CERTIFICATE = f"{TLS}/key.pem", f"{TLS}/certificate.pem"
MAKES = (KEY,)
SANDBOX = Sandbox(
    unit=UNIT,
    needs=(
        Need(
            directive="CapabilityBoundingSet",
            value="CAP_CHOWN CAP_NET_BIND_SERVICE",
            why="Port 514, and logs belong to group adm.",
        ),
        Need(
            directive="ReadWritePaths",
            value=f"{LOGS} /var/spool/rsyslog",
            why="The logs, its queues, and its place in the journal.",
        ),
    ),
)
ARRIVES = """\
mark=samdrift-check-$(cat /proc/sys/kernel/random/uuid)
{log} -t samdrift-check "$mark" || exit
for try in 1 2 3 4 5 6 7 8 9 10; do
  grep -qF "$mark" {file} && exit 0
  sleep 0.1
done
exit 1
"""
"""rsyslog writes within milliseconds, after it has acknowledged."""
LOGGED = ("logger", *(f"logger --rfc3164 {by} -n 127.0.0.1 -P {{word}}" for by in ("-T", "-d")))
AS_ROOT = tuple(
    ARRIVES.format(log=log, file=f"{LOGS}/{name}.log") for log in LOGGED for name in ("{word}", "{word}/{word}")
)

CHECK_ROTATION = "logrotate --debug --state /dev/null {path}"


class Options(shared.Options):
    """What a config context may set; the module's docstring explains each."""

    retention_days: Annotated[int, Field(ge=1, le=3660)] = 365
    rate_per_minute: Annotated[int, Field(ge=60)] = 6000
    expect_devices: bool = True
    tls_certificate: str = Field(default="", pattern=rf"^$|{PEM}")
    tls_authority: str = Field(default="", pattern=rf"^$|{PEM}")


def in_lab(_options: Mapping[str, Any], _lab: Rehearsal) -> Mapping[str, Any]:
    """Expect no logs of devices, as the lab has none."""
    return {"expect_devices": False}


class Sender(Frozen):
    """A host that may send: any address of it may be the source. `file` is below the log directory, no suffix."""

    file: str
    addresses: tuple[Address, ...]


class Settings(shared.Settings):
    """The known senders, their protocols, and where their logs are kept.

    `devices_tcp` and `devices_udp` are the addresses that devices send from by each transport; `expected` are the files
    (as `Sender.file`) of the devices that must have logged within a day.
    """

    own_file: str
    municipalities: tuple[str, ...]
    senders: tuple[Sender, ...]
    clients: tuple[Network, ...]
    devices_tcp: tuple[Network, ...]
    devices_udp: tuple[Network, ...]
    expected: tuple[str, ...]
    retention_days: int
    rate_per_minute: int
    relp_port: int = RELP_PORT
    relp_tls_port: int = RELP_TLS_PORT
    syslog_port: int = SYSLOG_PORT
    tls_certificate: str = ""


def settings(host: Host, fleet: Fleet, options: Options) -> Settings:
    """Compute the known senders: every address of every host that is not decommissioned.

    Raises:
        SettingsError: it has a certificate, and hosts do not know by which authority; or the other way round.
    """
    if bool(options.tls_certificate) != bool(options.tls_authority):
        field, fix = "config context samdrift.log_server", "give both tls_certificate and tls_authority, or neither"
        raise shared.SettingsError("a certificate without its authority, or the other way round", field=field, fix=fix)
    known = nameable(fleet)
    return Settings(
        own_file=_file(host),
        municipalities=tuple(sorted({_slug(h.tenant, h) for h in (*known, host)})),
        senders=tuple(
            Sender(file=_file(h), addresses=found) for h in known if (found := spoken(host, own_addresses(h)))
        ),
        clients=spoken(host, addresses_of(fleet.with_role("log_client"))),
        devices_tcp=spoken(host, log_senders(fleet, "tcp")),
        devices_udp=spoken(host, log_senders(fleet, "udp")),
        expected=tuple(_file(h) for h in known if options.expect_devices and h.is_managed and sends_logs(h)),
        retention_days=options.retention_days,
        rate_per_minute=options.rate_per_minute,
        tls_certificate=options.tls_certificate,
    )


def listens(settings: Settings) -> tuple[Listen, ...]:
    """Serve RELP to log clients, and plain syslog to devices, each by the transport that it can use."""
    why = "logs of network devices"
    ports = (RELP_PORT, *([RELP_TLS_PORT] if settings.tls_certificate else []))
    relp = [Listen(protocol="tcp", port=p, sources=settings.clients, why="logs of hosts (RELP)") for p in ports]
    tcp = Listen(protocol="tcp", port=settings.syslog_port, sources=settings.devices_tcp, why=why)
    udp = Listen(protocol="udp", port=settings.syslog_port, sources=settings.devices_udp, why=why)
    return (*relp, *(listen for listen in (tcp, udp) if listen.sources))


def probed(settings: Settings) -> tuple[Probed, ...]:
    """Let monitoring see the certificate, where there is one."""
    shown = Probed(how="tls", port=RELP_TLS_PORT, sources=settings.clients)
    return (shown,) if settings.tls_certificate else ()


def deploy(settings: Settings) -> None:
    """Declare rsyslog with its whole configuration in one file, a directory a municipality, and daily rotation."""
    restarted = restart(UNIT, daemon_reload=True)
    for directory in (LOGS, *(f"{LOGS}/{m}" for m in settings.municipalities)):
        files.directory(name=f"directory {directory}", path=directory, user="root", group="adm", mode="750")
    read_journal()
    confined(SANDBOX, then=(restarted,))
    packages("logrotate", "openssl", "rsyslog", "rsyslog-relp")
    _certificate(settings, restarted)
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
    put_old_logs_aside()
    service(UNIT)
    service("logrotate.timer")


def _certificate(settings: Settings, restarted: Handler) -> None:
    """Declare the key, which is there before anybody has signed it, and its certificate."""
    files.directory(name=f"directory {TLS}", path=TLS, user="root", group="root", mode="755")
    own_key(KEY, restarted)
    if settings.tls_certificate:
        fits = fits_the_key(KEY)
        managed_file(CERTIFICATE, content=settings.tls_certificate, validate_with=fits, then=(restarted,))
    else:
        absent_file(CERTIFICATE)


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
