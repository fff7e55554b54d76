"""NetBox, the organisation's own source of truth: application, worker, PostgreSQL, Valkey, and nginx with TLS.

The management stations alone reach it, and they by HTTPS only. The key of its certificate is made on the host and
never leaves it. PostgreSQL and Valkey listen on sockets of the file system, so neither has a password. NetBox itself is
installed from a lock with hashes into a virtual environment that has the lock's digest in its name: a new version is
built beside the old one and takes its place when it is whole. Housekeeping is a daily job of the worker (`netbox-rq`).

samdrift comes as one of three users, none of them a superuser: one reads, one writes back, one seeds
(`inventory/netbox/permissions.py`). Their tokens are good for the management stations alone, and expire.

Secrets: `netbox_secret_key` and `netbox_api_token_pepper` (50 characters or more), `netbox_admin_password` (the
superuser `admin`; set again only when the secret is another), `netbox_read_token`, `netbox_write_back_token` and
`netbox_seed_token` (40 characters or more; what a client sends is the token's prefix and this).

Options (config context `samdrift.netbox`):

- `names`: names, beside the host's own, by which people reach it.
- `certificate`: PEM, with its chain, for the key on the host; without it, the organisation's authority signs
  one where the host has role `certificates`, and else the key itself.
- `workers`: processes that answer requests; 2 for each core are plenty, each takes some 150 MB.
- `changelog_days`: changes are kept for so long; 0 for ever.
- `token_days`: samdrift's tokens expire after so long; an apply renews them from half of that time on.
- `dump_time`, `dump_days`: when the database is dumped every night, and for how long a dump is kept.
- `cache`: a directory for what a new host needs not fetch and make again: wheels, and dumps of freshly migrated, empty
  databases. For labs; a dump is used for just its version of NetBox and its major version of PostgreSQL.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from ipaddress import IPv6Address
from typing import Annotated, Any

from pydantic import Field
from pyinfra.operations import files

from inventory.fleet import Fleet, Host
from inventory.network import Address, Network
from inventory.secrets import Secret
from roles.shared.certificates import Issued, Issuer, of_issuer
from roles.shared.families import in_url, primaries, spoken
from roles.shared.intent import Intent
from roles.shared.network.authority import issuer_of
from roles.shared.parts.ensured import ensured
from roles.shared.parts.files import managed_file
from roles.shared.parts.handlers import Handler, restart
from roles.shared.parts.hardened import no_shell
from roles.shared.parts.keys_of_tls import PEM
from roles.shared.parts.netbox_users import (
    GIVE_ACCESS,
    OWNER_OF_DATABASE,
    PYTHON_PARSES,
    SECRETS,
    asked_of_netbox,
    limits_of_write_back,
    netbox_users,
)
from roles.shared.parts.nginx_front import Signed, Tls, front
from roles.shared.parts.packages import packages
from roles.shared.parts.python_lock import INSTALLED, locked
from roles.shared.parts.services import confined, service
from roles.shared.parts.templates import render
from roles.shared.rehearsal import Rehearsal
from roles.shared.sandbox import Need, Sandbox
from roles.shared.settings import Options as RoleOptions
from roles.shared.settings import Settings as RoleSettings
from roles.shared.traffic import Listen, Probed, WayOut, addresses_of, management

SWEDISH = "NetBox, organisationens egen sanning: program, arbetare, PostgreSQL, Valkey och nginx med TLS."
PLATFORMS = ("debian-13",)  # NetBox asks for Python 3.12
LAB_CACHES = (LAB_CACHE := "/var/cache/netbox",)
CONTROLS = ("ISO 27002:2022 5.9", "ISO 27002:2022 8.13", "ISO 27002:2022 8.24")

VERSION = "4.7.3"
PYTHON = "3.13"
POSTGRESQL = "17"
LOCK = "netbox/requirements.txt"
"""Below `templates/`; `make lock-netbox` computes it anew."""

PORT = 443
TOKENS = ("read_token", "write_back_token", "seed_token")
"""The secrets of samdrift's tokens, without `netbox_`; they are the files of `SECRETS`, too."""

HOME = "/opt/netbox"
TLS = Tls("/etc/netbox/tls", "netbox")
KEY, CERTIFICATE = TLS.key, TLS.certificate
VENV = f"{HOME}/venv"
CONFIGURATION = f"{HOME}/conf/configuration.py"
REQUIREMENTS = f"{HOME}/requirements.txt"
OF_POSTGRESQL = ("/etc/postgresql/*", "/etc/postgresql-common/root.crt", "/etc/apt/apt.conf.d/02autoremove-postgresql")
MAKES = (f"{HOME}/*", KEY, CERTIFICATE, *OF_POSTGRESQL, "/var/www/html/index.nginx-debian.html")
DUMPS = "/var/backups/netbox"
INSTALL, SCHEMA = "/usr/local/sbin/netbox-install", "/usr/local/sbin/netbox-schema"
PLUGIN = f"{HOME}/conf/samdrift_netbox.py"
DUMP = "/usr/local/sbin/netbox-dump"
UNITS = "/etc/systemd/system"
WEB, SOCKET, WORKER = "netbox.service", "netbox.socket", "netbox-rq.service"
DUMP_TIMER = "netbox-dump.timer"
DATABASE_UNIT, QUEUE_UNIT = f"postgresql@{POSTGRESQL}-main.service", "valkey-server.service"

DATABASE = Sandbox(
    unit=DATABASE_UNIT,
    needs=(
        Need(
            directive="CapabilityBoundingSet",
            value="CAP_CHOWN CAP_DAC_OVERRIDE CAP_FOWNER CAP_KILL CAP_SETGID CAP_SETUID",
            why="Debian's program that starts and ends it does so as user postgres, and makes its log.",
        ),
        Need(
            directive="ReadWritePaths",
            value="/run/postgresql /var/lib/postgresql /var/log/postgresql",
            why="The data, its socket, and its log.",
        ),
        Need(directive="RestrictAddressFamilies", value="AF_UNIX", why="It is asked by its socket alone."),
    ),
)
QUEUE_OF_JOBS = Sandbox(unit=QUEUE_UNIT, by_debian=True)
OWN_FILES = Need(
    directive="ReadWritePaths",
    value=" ".join(f"{HOME}/{name}" for name in ("media", "reports", "scripts")),
    why="What people upload, and what they write for it to run.",
)
SERVED = Sandbox(
    unit=WEB,
    needs=(
        OWN_FILES,
        Need(directive="RestrictAddressFamilies", value="AF_UNIX", why="Database, queue and nginx, by their sockets."),
    ),
)
WORKS = Sandbox(unit=WORKER, needs=(OWN_FILES,))
DUMPED = Sandbox(
    unit="netbox-dump.service",
    needs=(
        Need(directive="ReadWritePaths", value=DUMPS, why="The dumps."),
        Need(directive="RestrictAddressFamilies", value="AF_UNIX", why="The database, by its socket."),
    ),
)

DnsName = Annotated[str, Field(pattern=r"^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$")]


class Options(RoleOptions):
    """What a config context may set for this role; see the module's text."""

    names: tuple[DnsName, ...] = ()
    certificate: str = Field(default="", pattern=rf"^$|{PEM}")
    workers: Annotated[int, Field(ge=1, le=64)] = 3
    changelog_days: Annotated[int, Field(ge=0, le=3650)] = 400
    token_days: Annotated[int, Field(ge=90, le=730)] = 180
    dump_time: str = Field(default="02:30", pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")
    dump_days: Annotated[int, Field(ge=1, le=3650)] = 30
    cache: str = Field(default="", pattern=r"^$|^(/[A-Za-z0-9_-][A-Za-z0-9._-]*)+$")


class Settings(RoleSettings):
    """The names, the secrets and the clients of NetBox on this host."""

    version: str = VERSION
    addresses: tuple[Address, ...]
    names: tuple[str, ...]
    stations: tuple[Network, ...]
    monitors: tuple[Network, ...]
    certificate: str
    issuer: Issuer | None = None
    workers: int
    changelog_days: int
    token_days: int
    dump_time: str
    dump_days: int
    cache: str
    secret_key: Secret
    api_token_pepper: Secret
    admin_password: Secret
    read_token: Secret
    write_back_token: Secret
    seed_token: Secret

    @property
    def address(self) -> str:
        """Return the address that it is asked at first, as URLs have it."""
        return in_url(self.addresses[0])

    @property
    def ipv6(self) -> bool:
        """Tell whether it answers over IPv6, too."""
        return any(isinstance(a, IPv6Address) for a in self.addresses)

    @property
    def hosts(self) -> tuple[str, ...]:
        """Return its names and addresses, as URLs have them."""
        return (*self.names, *map(in_url, self.addresses))


def settings(host: Host, fleet: Fleet, options: Options, intent: Intent) -> Settings:
    """Compute names from the host and the options; the secrets are those of the host's municipality."""

    def secret(name: str) -> Secret:
        return Secret(name=f"netbox_{name}", municipality=host.tenant)

    return Settings(
        addresses=primaries(host),
        stations=spoken(host, management(fleet)),
        monitors=spoken(host, addresses_of(fleet.with_role("probes"))),
        issuer=None if options.certificate else issuer_of(host, intent),
        secret_key=secret("secret_key"),
        api_token_pepper=secret("api_token_pepper"),
        admin_password=secret("admin_password"),
        **{name: secret(name) for name in TOKENS},
        **(options.model_dump() | {"names": tuple(dict.fromkeys([host.name, *options.names]))}),
    )


def listens(settings: Settings) -> tuple[Listen, ...]:
    """Serve HTTPS to the management stations: people's browsers there, and samdrift."""
    stations = Listen(protocol="tcp", port=PORT, sources=settings.stations, why="NetBox for the management stations")
    monitors = Listen(protocol="tcp", port=PORT, sources=settings.monitors, why="its certificate for monitoring")
    return (stations, monitors) if settings.monitors else (stations,)


def probed(settings: Settings) -> tuple[Probed, ...]:
    """Let monitoring see the certificate."""
    return (Probed(how="tls", port=PORT, sources=settings.monitors),)


def issued(settings: Settings) -> tuple[Issued, ...]:
    """Have the certificate of its pages signed, unless it was given one."""
    return of_issuer(settings.issuer, CERTIFICATE, settings.names, settings.addresses)


def ways_out(settings: Settings) -> tuple[WayOut, ...]:  # noqa: ARG001  a role's signature
    """Let the host fetch NetBox and what it needs from Python's package index."""
    return (WayOut(protocol="tcp", port=443, why="Python packages from outside"),)


def in_lab(options: Mapping[str, Any], lab: Rehearsal) -> Mapping[str, Any]:  # noqa: ARG001  a role's signature
    """Keep what a new host would have to fetch and make again outside its disk."""
    return {"cache": LAB_CACHE}


def deploy(settings: Settings) -> None:
    """Declare NetBox from the database up: storage, schema, application, front."""
    served = (restart(WEB, daemon_reload=True), restart(WORKER, daemon_reload=True))
    packages("nginx", "openssl", "postgresql", "python3-venv", "valkey-server")
    no_shell("postgres")
    _stores()
    _places()
    _configuration(settings, served)
    _application(settings, served)
    _dumps(settings)
    _database(settings, served)
    netbox_users(settings.stations, settings.token_days)
    _services(settings, served)
    configuration = render("netbox/nginx.conf.j2", settings=settings)
    signed = Signed(settings.certificate, settings.issuer)
    front(TLS, configuration, signed, settings.names, settings.addresses)


def _stores() -> None:
    """Declare PostgreSQL and Valkey, on sockets alone, and the account that both know NetBox by."""
    confined(DATABASE, then=(restart(DATABASE_UNIT, daemon_reload=True),))
    managed_file(
        f"/etc/postgresql/{POSTGRESQL}/main/conf.d/samdrift.conf",
        template="netbox/postgresql.conf.j2",
        then=(restart(DATABASE_UNIT, daemon_reload=True),),
    )
    managed_file("/etc/valkey/valkey.conf", template="netbox/valkey.conf.j2", then=(restart(QUEUE_UNIT),))
    service(DATABASE_UNIT)
    service(QUEUE_UNIT)
    ensured(
        "user netbox",
        question="getent passwd netbox | cut -d: -f6,7 && id -Gn netbox",
        answer=f"{HOME}:/usr/sbin/nologin\nnetbox valkey\n",
        command="{ getent passwd netbox > /dev/null || useradd --system --user-group --no-create-home netbox; } && "
        f"usermod --home {HOME} --shell /usr/sbin/nologin --groups valkey netbox",
    )


def _places() -> None:
    """Declare NetBox's directories: what it reads is root's, what it writes is its own."""
    for path, owner, group, mode in (
        (HOME, "root", "root", "755"),
        (f"{HOME}/conf", "root", "netbox", "750"),
        (f"{HOME}/venvs", "root", "root", "755"),
        (f"{HOME}/static", "netbox", "netbox", "755"),
        *((f"{HOME}/{name}", "netbox", "netbox", "750") for name in ("media", "reports", "scripts")),
        ("/etc/netbox", "root", "netbox", "750"),
        (SECRETS, "root", "netbox", "750"),
        (TLS.directory, "root", "root", "700"),
        ("/var/lib/netbox", "root", "root", "700"),
        (DUMPS, "netbox", "netbox", "700"),
    ):
        files.directory(name=f"directory {path}", path=path, user=owner, group=group, mode=mode)


def _configuration(settings: Settings, served: tuple[Handler, ...]) -> None:
    """Declare the configuration, with each secret in a file of its own, so that no value needs quoting or is shown."""
    for name, secret in (("secret_key", settings.secret_key), ("api_token_pepper", settings.api_token_pepper)):
        then = (*served, GIVE_ACCESS) if name == "api_token_pepper" else served
        managed_file(f"{SECRETS}/{name}", content=f"{secret}\n", group="netbox", mode="640", then=then)
    for name in ("admin_password", *TOKENS):
        managed_file(f"{SECRETS}/{name}", content=f"{getattr(settings, name)}\n", mode="600", then=(GIVE_ACCESS,))
    limits = limits_of_write_back()
    for path, template in ((PLUGIN, "plugin.py.j2"), (CONFIGURATION, "configuration.py.j2")):
        managed_file(
            path,
            content=render(f"netbox/{template}", settings=settings, limits=limits),
            group="netbox",
            mode="640",
            validate_with=PYTHON_PARSES,
            then=served,
        )


SHELL_PARSES = "sh -n {path}"


def _application(settings: Settings, served: tuple[Handler, ...]) -> None:
    """Declare the virtual environment of the lock.

    A package that was added, removed or exchanged by hand is put right.
    """
    lock = render(LOCK)
    managed_file(REQUIREMENTS, content=lock)
    script = render("netbox/install.sh.j2", settings=settings, installed=INSTALLED)
    managed_file(INSTALL, content=script, mode="755", validate_with=SHELL_PARSES)
    here = f"{HOME}/venvs/{hashlib.sha256(lock.encode()).hexdigest()[:16]}"
    ensured(
        "NetBox's virtual environment",
        question=f"readlink {VENV} && cd {here}/lib/python*/site-packages && {INSTALLED}",
        answer="".join(f"{line}\n" for line in (here, *locked(lock))),
        command=INSTALL,
        then=served,
    )


def _dumps(settings: Settings) -> None:
    """Declare the dumps, before the database: it is dumped before it is migrated."""
    managed_file(DUMP, template="netbox/dump.sh.j2", settings=settings, mode="755", validate_with=SHELL_PARSES)
    again = restart(DUMP_TIMER, daemon_reload=True)
    for unit in (DUMPED.unit, DUMP_TIMER):
        text = render(f"netbox/{unit}.j2", settings=settings, sandbox=DUMPED)
        managed_file(f"{UNITS}/{unit}", content=text, then=(again,))
    service(DUMP_TIMER)


def _database(settings: Settings, served: tuple[Handler, ...]) -> None:
    """Declare the database, owned by the account of its name, with the schema of the installed NetBox."""
    ensured(
        "database netbox",
        question=OWNER_OF_DATABASE,
        answer="netbox\n",
        command="cd / && { runuser -u postgres -- createuser netbox || true; } && "
        "runuser -u postgres -- createdb --owner netbox --encoding UTF8 --template template0 netbox",
    )
    managed_file(SCHEMA, template="netbox/schema.sh.j2", settings=settings, mode="755", validate_with=SHELL_PARSES)
    ensured(
        "NetBox's schema and static files",
        question=SCHEMA_STATE,
        answer=f"netbox-{settings.version}.dist-info\nstatic files {settings.version}\nmigrated\n",
        command=SCHEMA,
        then=served,
    )


SCHEMA_STATE = f"""\
cd {VENV}/lib/python*/site-packages && ls -d netbox-*.dist-info &&
echo "static files $(cat {HOME}/static/.version)" && {{
runuser -u netbox -- psql -X -At -F ' ' -d netbox -c 'select app, name from django_migrations' && echo -- &&
ls */migrations/0*.py */*/migrations/0*.py */*/*/migrations/0*.py |
sed -n 's#^\\(.*/\\)*\\([^/]*\\)/migrations/\\(.*\\)\\.py$#\\2 \\3#p'
}} | awk '/^--$/ {{ files = 1; next }} !files {{ done[$0]; app[$1]; next }}
$1 in app {{ known = 1 }}
($1 in app) && !($0 in done) {{ print "not migrated:", $0; missing = 1 }}
END {{ if (known && !missing) print "migrated" }}'"""  # noqa: S608  nothing in it comes from elsewhere
"""Asks what `netbox migrate --check` asks, of every app with a migration, without the seconds that Django starts in."""
AS_ROOT = asked_of_netbox(SCHEMA_STATE)


def _services(settings: Settings, served: tuple[Handler, ...]) -> None:
    managed_file(
        f"{HOME}/gunicorn.py",
        template="netbox/gunicorn.py.j2",
        settings=settings,
        validate_with=PYTHON_PARSES,
        then=served[:1],
    )
    again = restart(SOCKET, daemon_reload=True)
    managed_file(f"{UNITS}/{SOCKET}", template=f"netbox/{SOCKET}.j2", settings=settings, then=(again,))
    for sandbox, handler in zip((SERVED, WORKS), served, strict=True):
        text = render(f"netbox/{sandbox.unit}.j2", settings=settings, sandbox=sandbox)
        managed_file(f"{UNITS}/{sandbox.unit}", content=text, then=(handler,))
    for unit in (SOCKET, WEB, WORKER):
        service(unit)
