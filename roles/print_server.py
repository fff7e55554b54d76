"""CUPS: one queue for each printer of a site, kept on the spot, so that people print while everything else is away.

A queue hands a job on as it came, to a printer that speaks IPP (as all do that know AirPrint or IPP Everywhere): no
driver is here to be kept up. A printer that does not answer keeps its jobs waiting, and is never asked by samdrift.
What was printed is not kept; that it was, for a day.

Queues are made and removed on this host alone, by root: there are no web pages, and nobody administers from outside.

Options (config context `samdrift.print_server`):

- `queues`: by name: `uri` (`ipp://` or `ipps://` and an address of the fleet's prefixes, IPv6 in brackets), `location`,
  `description`.
"""

from __future__ import annotations

import re
import shlex
from ipaddress import ip_address
from typing import Annotated

from pydantic import Field

from inventory.fleet import Fleet, Host
from inventory.network import Network
from roles.shared.duties import Command, Duty
from roles.shared.families import spoken
from roles.shared.parts.ensured import ensured
from roles.shared.parts.files import managed_file
from roles.shared.parts.handlers import restart
from roles.shared.parts.packages import packages
from roles.shared.parts.services import confined, service
from roles.shared.sandbox import Need, Sandbox, without
from roles.shared.settings import Options as RoleOptions
from roles.shared.settings import Settings as RoleSettings
from roles.shared.settings import SettingsError
from roles.shared.traffic import Listen, local_networks

SWEDISH = "CUPS: en kö för varje skrivare på platsen, så att det går att skriva ut när allt annat är borta."
PLATFORMS = ("debian-13",)
JOB = "[a-z][a-z0-9-]{0,62}-[1-9][0-9]{0,8}"
"""A job as CUPS names it: by its queue and a number."""
CONTROLS = ("ISO 27002:2022 8.20", "ISO 27002:2022 8.10")
DUTIES = (
    Duty(
        name="jobs",
        title=("Hålla, släppa och ta bort utskrifter", "Hold, release and cancel print jobs"),
        commands=(
            Command(program="/usr/bin/lpstat", arguments="-o", example="lpstat -o"),
            Command(program="/usr/bin/lp", arguments=f"-i {JOB} -H (hold|resume)", example="lp -i heb-plan1-7 -H hold"),
            Command(program="/usr/bin/cancel", arguments=JOB, example="cancel heb-plan1-7"),
        ),
    ),
)
APPARMOR = "/usr/sbin/cupsd"
UNIT = "cups.service"
IPP = 631
MAKES = tuple(
    f"/etc/cups/{of}"
    for of in ("printers.conf*", "classes.conf*", "subscriptions.conf*", "ppd/*", "ssl/*.crt", "ssl/*.key")
)
"""The last two it makes when somebody first asks it for TLS: by its host's name, as it was asked for."""
QUEUES = "LC_ALL=C lpstat -r; LC_ALL=C lpstat {what}"
PAGE = (
    'timeout 5 bash -c "exec 3<>/dev/tcp/127.0.0.1/{port}; '
    r"printf 'GET {page} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n' >&3; "
    'head -1 <&3"'
)
PAGES = ("/admin", "/admin/conf/cupsd.conf", "/admin/log/error_log")
AS_ROOT = (
    "cupsctl",
    *(QUEUES.format(what=what) for what in ("-v", "-a")),
    *(PAGE.format(page=page, port=IPP) for page in PAGES),
)
URI = re.compile(r"ipps?://(\[(?P<v6>[0-9a-f:]+)\]|(?P<v4>[0-9.]+))(:[0-9]{1,5})?(/[A-Za-z0-9/_.-]*)?")

SANDBOX = Sandbox(
    unit=UNIT,
    needs=(
        Need(
            directive="CapabilityBoundingSet",
            value="CAP_CHOWN CAP_DAC_OVERRIDE CAP_FOWNER CAP_KILL CAP_NET_BIND_SERVICE CAP_SETGID CAP_SETUID",
            why="Port 631; it runs filters and what sends to a printer as user lp, and its files belong to group lp.",
        ),
        Need(
            directive="ReadWritePaths",
            value="/etc/cups /run/cups /var/cache/cups /var/log/cups /var/spool/cups",
            why="It writes its queues into its own configuration, and jobs into its spool.",
        ),
        *without(
            "NoNewPrivileges",
            why="AppArmor has another profile for filters: under this, the kernel would let no program change its"
            " profile.",
        ),
    ),
)
ALSO = """\
[Service]
Restart=always
"""

QueueName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,62}$")]
Words = Annotated[str, Field(pattern=r"^(\w[\w .,:()/+-]*)?$", max_length=100)]

QUESTION = (
    r"sed -n -E 's/^<(Default)?Printer (.*)>$/\2/p; s/^(DeviceURI|ErrorPolicy|Info|Location|Shared) ./  &/p' "
    "/etc/cups/printers.conf"
)
"""The queues, in the order of their names, as CUPS itself has written them down."""


class Queue(RoleOptions):
    """A printer, where it stands, and what people call it."""

    uri: Annotated[str, Field(max_length=200)]
    location: Words = ""
    description: Words = ""


class Options(RoleOptions):
    """What a config context may set for this role; see the module's text."""

    queues: dict[QueueName, Queue] = Field(default_factory=dict)


class NamedQueue(Queue):
    """A queue with its name."""

    name: str


class Settings(RoleSettings):
    """The queues, by name, and who may print."""

    queues: tuple[NamedQueue, ...]
    clients: tuple[Network, ...]
    port: int = IPP

    @property
    def ipv6(self) -> bool:
        """Tell whether anybody prints over IPv6."""
        return any(n.version == 6 for n in self.clients)


def settings(host: Host, fleet: Fleet, options: Options) -> Settings:
    """Compute the queues and the clients of this host's site."""
    for name, queue in options.queues.items():
        _require_printer(queue.uri, f"config context samdrift.print_server.queues.{name}.uri", host, fleet)
    return Settings(
        queues=tuple(NamedQueue(name=n, **options.queues[n].model_dump()) for n in sorted(options.queues)),
        clients=spoken(host, local_networks(host, fleet)),
    )


def listens(settings: Settings) -> tuple[Listen, ...]:
    """Serve IPP to the site."""
    return (Listen(protocol="tcp", port=settings.port, sources=settings.clients, why="printing, IPP"),)


def deploy(settings: Settings) -> None:
    """Declare CUPS without drivers, web pages and discovery; then its queues."""
    again = restart(UNIT, daemon_reload=True)
    confined(SANDBOX, then=(again,), also=ALSO)
    packages("cups-client", "cups-daemon")
    managed_file(
        "/etc/cups/cupsd.conf",
        template="print_server/cupsd.conf.j2",
        settings=settings,
        group="lp",
        mode="640",
        validate_with="cupsd -t -c {path}",
        then=(again,),
    )
    service(UNIT)
    ensured("print queues", question=QUESTION, answer=answer(settings), command=command(settings))


def answer(settings: Settings) -> str:
    """Return the answer to `QUESTION` of a host with these queues and no others."""
    lines = [
        line
        for q in settings.queues
        for line in (
            q.name,
            *([f"  Info {q.description}"] if q.description else []),
            *([f"  Location {q.location}"] if q.location else []),
            f"  DeviceURI {q.uri}",
            "  Shared Yes",
            "  ErrorPolicy retry-job",
        )
    ]
    return "".join(f"{line}\n" for line in lines)


def command(settings: Settings) -> str:
    """Remove the queues that are not declared, and make or mend the others, without asking a printer anything."""
    ours = " ".join(q.name for q in settings.queues)
    strays = (
        f'lpstat -e | while read -r queue; do case " {ours} " in *" $queue "*) ;; *) lpadmin -x "$queue";; esac; done'
    )
    made = (
        f"lpadmin -p {q.name} -v {shlex.quote(q.uri)} -m raw -D {shlex.quote(q.description)} "
        f"-L {shlex.quote(q.location)} -o printer-is-shared=true -o printer-error-policy=retry-job -E"
        for q in settings.queues
    )
    return " && ".join([f"{{ {strays}; }}", *made])


def _require_printer(uri: str, field: str, host: Host, fleet: Fleet) -> None:
    """Refuse an address outside the fleet, or out of reach: CUPS sends whatever people print to it."""
    fix = "ipp://ADDRESS/ipp/print, with an address in one of the fleet's prefixes"
    found = URI.fullmatch(uri)
    if found is None:
        raise SettingsError(f"{uri!r} is no printer's address", field=field, fix=fix)
    try:
        address = ip_address(found["v6"] or found["v4"])
    except ValueError:
        raise SettingsError(f"{uri!r} is no printer's address", field=field, fix=fix) from None
    if fleet.prefix_of(address) is None:
        raise SettingsError(f"{address} is in no prefix of the fleet", field=field, fix=fix)
    if not spoken(host, [address]):
        raise SettingsError(f"it has no address of the family of {address}", field=field, fix=fix)
