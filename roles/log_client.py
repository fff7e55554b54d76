"""Log client (rsyslog): sends everything in a host's journal to every log server of the fleet.

Each log server gets every message through a queue of its own. While a server is away, its queue grows from memory
onto disk, and empties when it is back; RELP acknowledges every message, so a broken connection loses none (a few
may come twice, and the few in flight may be lost if this host restarts before the server is back). Beyond
`max_disk_mib` the newest messages are dropped from the queue. All of them stay in the host's own journal.

Nothing is written to text files under /var/log here: the journal is the local log.

Options:
    max_disk_mib: how much disk the queue towards one log server may take, in MiB.
"""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import Field
from pyinfra.operations import files

from inventory.fleet import Fleet, Host
from inventory.frozen import Frozen
from inventory.network import Address
from roles.shared import settings as shared
from roles.shared.duties import ONE_WORD, Command, Duty
from roles.shared.families import apart, reached_by
from roles.shared.parts.ensured import ensured
from roles.shared.parts.files import managed_file
from roles.shared.parts.handlers import restart
from roles.shared.parts.keys_of_tls import PEM
from roles.shared.parts.packages import packages
from roles.shared.parts.services import confined, service
from roles.shared.sandbox import Need, Sandbox

AFTER = ("time",)  # so that what is logged has the right time; and before whatever has something to log
SWEDISH = "Loggklient (rsyslog): skickar allt i värdens journal till varje loggserver i beståndet."
CONTROLS = ("ISO 27002:2022 8.15",)
DUTIES = (
    Duty(
        name="log",
        title=("Läsa värdens logg", "Read the host's log"),
        commands=(
            Command(
                program="/usr/bin/journalctl",
                # Without --no-pager, the pager would be root's, and starts whatever it is told to.
                arguments=f"--no-pager( -u {ONE_WORD})?( -S -[1-9][0-9]{{0,4}}(min|h|d))?( -n [1-9][0-9]{{0,4}})?",
                example="journalctl --no-pager -u cups.service -S -2h",
            ),
        ),
    ),
)
UNIT = "rsyslog.service"
JOURNALD = "/etc/systemd/journald.conf.d"
RELP_PORT, RELP_TLS_PORT = 2514, 2515
TLS = "/etc/rsyslog-tls"
MARK = """\
mark=samdrift-check-$(cat /proc/sys/kernel/random/uuid)
logger -t samdrift-check "$mark" && journalctl --sync && journalctl -q -t samdrift-check -n 5 -o cat | grep -qx "$mark"
"""
AS_ROOT = (f"sh -c '{MARK}'", "timeout 3 bash -c '</dev/tcp/{word}/{word}'")
"""Where log servers listen: RELP has no port of its own, and this is what most use."""


SANDBOX = Sandbox(
    unit=UNIT,
    needs=(
        Need(directive="ReadWritePaths", value="/var/spool/rsyslog", why="Its queues, and its place in the journal."),
    ),
)

SEND = "/etc/rsyslog.d/60-samdrift-send.conf"
"""Where the log goes. Of its directory, this file alone is read."""
ASIDE = "/var/log/before-samdrift"
OLD_LOG = r"((auth|cron|daemon|kern|mail|user)[.]log|debug|messages|syslog)([.-][0-9]+)?([.](gz|xz|zst))?"
"""The name of a text log that Debian's own rsyslog.conf writes, of today or rotated."""
OLD_LOGS = f"ls /var/log | grep -xE '{OLD_LOG}'"

CHECK = """\
ls /usr/lib/*/rsyslog/omrelp.so > /dev/null 2>&1 || { echo rsyslog-relp: not found; exit 127; }
rsyslogd -N1 -f {path}"""
"""Without the RELP modules rsyslogd would refuse what is right, so their absence is told from a refusal."""


class Options(shared.Options):
    """What a config context may set; the module's docstring explains each."""

    max_disk_mib: Annotated[int, Field(ge=16, le=1_048_576)] = 1024


class Server(Frozen):
    """A log server; `queue` names the queue towards it, in rsyslog and on disk.

    `authority` vouches for it by its name, where it speaks TLS; empty where it does not.
    """

    address: Address
    queue: str
    name: str = ""
    authority: str = ""

    @property
    def port(self) -> int:
        """Return where it listens for this host."""
        return RELP_TLS_PORT if self.authority else RELP_PORT

    @property
    def authority_file(self) -> str:
        """Return the file of what vouches for it."""
        return f"{TLS}/{self.queue}.pem"


class Settings(shared.Settings):
    """The log servers that a host sends to."""

    servers: tuple[Server, ...]
    max_disk_mib: int


def settings(host: Host, fleet: Fleet, options: Options) -> Settings:
    """Compute every log server of the fleet, by name."""
    servers = fleet.with_role("log_server")
    if not servers:
        raise shared.SettingsError(
            "there is no log server to send to",
            field="config context samdrift.roles",
            fix="give one active host the role log_server, or take log_client from this one",
        )
    if host in servers:
        raise shared.SettingsError(
            "a log server logs for itself",
            field="config context samdrift.roles",
            fix="take log_client from this host: log_server does what it does",
        )
    reached = [(server, a) for server in servers for a in reached_by(host, (server,))]
    if not reached:
        what, fix = "it reaches no log server", "give it and one of them addresses of one family"
        raise shared.SettingsError(what, field="primary_address", fix=fix)
    return Settings(
        servers=tuple(_server(server, address) for server, address in reached),
        max_disk_mib=options.max_disk_mib,
    )


def _server(host: Host, address: Address) -> Server:
    options = host.samdrift.get("log_server", {})
    authority = str(options.get("tls_authority", "")) if options.get("tls_certificate") else ""
    trusted = authority if re.fullmatch(PEM, authority) else ""  # what is none is a problem of that host
    return Server(address=address, queue=re.sub("[.:]", "_", f"to_{address}"), name=host.name, authority=trusted)


def unserved(host: Host, fleet: Fleet) -> tuple[str, ...]:
    """Say which log servers it cannot reach."""
    found = apart(host, fleet.with_role("log_server"))
    return (f"nothing is sent to log servers that it has no family of IP in common with: {found}",) if found else ()


def deploy(settings: Settings) -> None:
    """Declare rsyslog with its whole configuration, reading the journal by itself."""
    restarted = restart(UNIT, daemon_reload=True)
    read_journal()
    confined(SANDBOX, then=(restarted,))
    packages("rsyslog", "rsyslog-relp")
    if any(server.authority for server in settings.servers):
        files.directory(name=f"directory {TLS}", path=TLS, user="root", group="root", mode="755")
    for server in settings.servers:
        if server.authority:
            managed_file(server.authority_file, content=server.authority, then=(restarted,))
    # Before the one that names it, which rsyslogd accepts with it alone.
    managed_file(SEND, template="log_client/send.conf.j2", settings=settings, validate_with=CHECK, then=(restarted,))
    managed_file("/etc/rsyslog.conf", template="log_client/rsyslog.conf.j2", validate_with=CHECK, then=(restarted,))
    put_old_logs_aside()
    service(UNIT)


def read_journal() -> None:
    """Declare what rsyslog needs to read the journal by itself: a spool for its bookmark, and no second feed."""
    files.directory(name=f"directory {JOURNALD}", path=JOURNALD, mode="755")
    managed_file(
        f"{JOURNALD}/syslog.conf",
        template="log_client/journald.conf.j2",
        then=(restart("systemd-journald.service"),),
    )
    files.directory(name="spool directory", path="/var/spool/rsyslog", user="root", group="root", mode="700")


def put_old_logs_aside() -> None:
    """Declare that no text log of an earlier set-up (Debian's own, say) is left where people look for one of today.

    Nobody rotates such a log any more once nobody writes it, and it has personal data in it. It is moved where root
    alone reads it, and deleted a year later.
    """
    managed_file("/etc/tmpfiles.d/samdrift-old-logs.conf", template="log_client/old-logs.j2")
    ensured(
        "text logs of before, put aside",
        question=OLD_LOGS,
        answer="",
        command=f"install -d -m 700 {ASIDE} && {OLD_LOGS} | while read -r log; do mv -n /var/log/$log {ASIDE}/; done",
    )
