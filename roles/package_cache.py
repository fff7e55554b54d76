"""Package cache (apt-cacher-ng): hosts fetch Debian packages through it, so each comes over the internet once.

It is no open proxy: only the fleet reaches it, and what is fetched is files that a package archive consists of, from
the archives that are named and from nowhere else. Nothing is tunnelled.
What it hands out need not be trusted: apt checks every file against the archive's signed Release.

Its report and maintenance page is off, as anybody who reaches the port could use it. What was not asked for the
longest time is deleted by a timer instead, once the cache outgrows its size.

Options:
    archives: the only archives that may be fetched from, each as the URL that hosts' apt has, such as
        `http://mirror.example/debian`. One at least.
    max_size_gib: how much disk cached packages may take, in GiB.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field
from pyinfra.operations import files

from inventory.fleet import Fleet, Host
from inventory.network import Network
from roles.shared import settings as shared
from roles.shared.families import families, spoken
from roles.shared.parts.files import managed_file
from roles.shared.parts.handlers import Handler, restart
from roles.shared.parts.packages import packages
from roles.shared.parts.services import confined, service
from roles.shared.parts.templates import render
from roles.shared.rehearsal import Rehearsal
from roles.shared.sandbox import Need, Sandbox
from roles.shared.traffic import DNS_OUTSIDE, Listen, WayOut, fleet_networks

REDUNDANT = "fleet"
SWEDISH = (
    "Paketcache (apt-cacher-ng): värdar hämtar Debianpaket genom den, så att var och ett kommer över internet en gång."
)
CONTROLS = ("ISO 27002:2022 8.19", "ISO 27002:2022 8.20")
UNIT = "apt-cacher-ng.service"
TIMER = "samdrift-package-cache-trim.timer"
PORT = 3142
MAKES = ("/etc/apt-cacher-ng/backends_*", "/etc/apt-cacher-ng/zz_debconf.conf")
ASK = """\
bash -c 'exec 3<>/dev/tcp/{loopback}/{port} &&
  printf "%s HTTP/1.0\\r\\n\\r\\n" "{request}" >&3 && timeout 5 head -n 1 <&3'
"""
ELSEWHERE = "http://host.invalid/debian/pool/main/a/a_1_all.deb"
"""What looks like a package, in an archive that nobody named."""
REFUSED = (
    "CONNECT host.invalid:443",
    "GET http://host.invalid:8080/debian/pool/a_1_all.deb",
    "GET http://host.invalid/index.html",
    f"GET {ELSEWHERE}",
    "GET /acng-report.html",
)
AS_ROOT = tuple(
    ASK.format(loopback=loopback, port=PORT, request=request)
    for loopback in ("::1", "127.0.0.1")
    for request in REFUSED
)
CACHE = "/var/cache/apt-cacher-ng"

LAB_CACHES = (CACHE,)
LAB_FILES = {
    # its package chooses the user's number anew on every disk, and leaves a directory that it finds as it is
    f"usr/lib/systemd/system/{UNIT}.d/lab.conf": (
        f"[Service]\nExecStartPre=+chown --recursive apt-cacher-ng:apt-cacher-ng {CACHE}\n"
    )
}

SANDBOX = Sandbox(
    unit=UNIT,
    needs=(
        Need(
            directive="RestrictAddressFamilies",
            value="AF_INET AF_INET6 AF_NETLINK AF_UNIX",
            why="The kernel is asked which families of addresses it can reach archives by.",
        ),
    ),
)
TRIMS = Sandbox(
    unit=TIMER.replace(".timer", ".service"),
    needs=(Need(directive="ReadWritePaths", value=CACHE, why="The cache."),),
)
ALSO = """\
[Unit]
After=network-online.target
Wants=network-online.target

[Service]
# systemd gives these to the daemon's user, with all that is in them, if they are somebody else's.
CacheDirectory=apt-cacher-ng
LogsDirectory=apt-cacher-ng
RuntimeDirectory=apt-cacher-ng
LimitNOFILE=8192
"""

ARCHIVE = r"^http://[A-Za-z0-9.-]+(:[0-9]+)?(/[A-Za-z0-9._~-]+)*$"
Archive = Annotated[str, Field(pattern=ARCHIVE)]


class Options(shared.Options):
    """What a config context may set; the module's docstring explains each."""

    archives: tuple[Archive, ...] = ()
    max_size_gib: Annotated[int, Field(ge=1, le=10_000)] = 30


class Settings(shared.Settings):
    """The clients of the cache, the archives behind it, and its size."""

    clients: tuple[Network, ...]
    listening: tuple[str, ...]
    archives: tuple[str, ...]
    max_size_gib: int
    port: int = PORT


def settings(host: Host, fleet: Fleet, options: Options) -> Settings:
    """Let the whole fleet fetch packages, from the archives that are named.

    Raises:
        SettingsError: none is named, so that whoever reaches it would have it fetch from any site.
    """
    if not options.archives:
        field, fix = "config context samdrift.package_cache.archives", "name those of the hosts' apt, each as its URL"
        raise shared.SettingsError("no archive is named that it may fetch from", field=field, fix=fix)
    return Settings(
        clients=spoken(host, fleet_networks(fleet)),
        listening=tuple(every for version, every in ((4, "0.0.0.0"), (6, "::")) if version in families(host)),  # noqa: S104
        archives=options.archives,
        max_size_gib=options.max_size_gib,
    )


def listens(settings: Settings) -> tuple[Listen, ...]:
    """Serve the proxy port to the fleet."""
    return (Listen(protocol="tcp", port=PORT, sources=settings.clients, why="package cache"),)


def ways_out(settings: Settings) -> tuple[WayOut, ...]:  # noqa: ARG001  a role's signature
    """Let the cache reach the mirrors, and ask for their names: the fleet's own resolvers are installed through it."""
    why = "packages from outside"
    return (*(WayOut(protocol="tcp", port=port, why=why) for port in (80, 443)), *DNS_OUTSIDE)


def in_lab(options: Mapping[str, Any], lab: Rehearsal) -> Mapping[str, Any]:  # noqa: ARG001  a role's signature
    """Fetch from the archives that the lab's hosts install from; those that come by HTTPS pass by the cache."""
    plain = [uri.rstrip("/") for uri in lab.archives if re.fullmatch(ARCHIVE, uri.rstrip("/"))]
    return {"archives": plain} if plain else {}


def deploy(settings: Settings) -> None:
    """Declare the daemon in a sandbox, its configuration, and the timer that keeps it within its size."""
    restarted = restart(UNIT, daemon_reload=True)
    _before_the_package(restarted)
    packages("apt-cacher-ng", "logrotate")
    managed_file(
        "/etc/apt-cacher-ng/acng.conf", template="package_cache/acng.conf.j2", settings=settings, then=(restarted,)
    )
    units = "/etc/systemd/system"
    trim = restart(TIMER, daemon_reload=True)
    for unit in (TIMER, TRIMS.unit):
        text = render(f"package_cache/{unit}.j2", settings=settings, sandbox=TRIMS)
        managed_file(f"{units}/{unit}", content=text, then=(trim,))
    service(UNIT)
    service(TIMER)
    service("logrotate.timer")


def _before_the_package(restarted: Handler) -> None:
    """Declare what must exist when the package first starts the daemon.

    The sandbox makes the cache directory the daemon's own, also where an older disk with other owners is mounted.
    The list of Ubuntu mirrors, unused here, would otherwise be asked of the internet, for up to a minute.
    """
    confined(SANDBOX, then=(restarted,), also=ALSO)
    lists = "/var/lib/apt-cacher-ng"
    files.directory(name=f"directory {lists}", path=lists, mode="755")
    managed_file(f"{lists}/backends_ubuntu.default", template="package_cache/no-mirrors.j2")
    managed_file("/etc/default/apt-cacher-ng", template="package_cache/default.j2")
