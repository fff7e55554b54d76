"""What every Debian host has whatever it does: updates, language, time zone, and permissions that nobody has loosened.

Not here: who comes in, names and packages, kernel and logs (role `base`, whose templates these are).
"""

from __future__ import annotations

from pyinfra.operations import files

from roles.shared.parts.files import managed_file
from roles.shared.parts.handlers import Handler, restart
from roles.shared.parts.services import drop_ins, service
from roles.shared.settings import Settings

UPGRADES = "apt-daily-upgrade.timer"
APT_ACCEPTS = "apt-config --config-file {path} dump > /dev/null"


def updates(settings: Settings) -> None:
    """Declare that security updates come by themselves, at the host's own hour (`update_hour`)."""
    periodic = "/etc/apt/apt.conf.d/20auto-upgrades"
    managed_file(periodic, template="base/auto-upgrades.j2", validate_with=APT_ACCEPTS)
    upgrades = "/etc/apt/apt.conf.d/50unattended-upgrades"
    managed_file(upgrades, template="base/unattended-upgrades.j2", validate_with=APT_ACCEPTS)
    place, again = drop_ins(UPGRADES), restart(UPGRADES, daemon_reload=True)
    directory(place, "755")
    managed_file(f"{place}/samdrift.conf", template="base/upgrade-timer.j2", settings=settings, then=(again,))
    service("apt-daily.timer")
    service(UPGRADES)
    service("unattended-upgrades.service")


def language_and_time(settings: Settings, platform: str) -> None:
    """Declare Swedish for people, and the time of Stockholm."""
    generate = Handler(name="generate locales", command="locale-gen")
    managed_file("/etc/locale.gen", template="base/locale.gen.j2", then=(generate,))
    # Debian 13 made /etc/default/locale a link to /etc/locale.conf; Debian 12 has it the other way round.
    locale = "/etc/default/locale" if platform == "debian-12" else "/etc/locale.conf"
    managed_file(locale, template="base/locale.conf.j2")
    files.link(name="time zone Europe/Stockholm", path="/etc/localtime", target="/usr/share/zoneinfo/Europe/Stockholm")
    managed_file("/etc/issue", template="base/issue.j2", settings=settings)
    managed_file("/etc/motd", template="base/motd.j2", settings=settings)


def directory(path: str, mode: str) -> None:
    """Declare a directory of root's."""
    files.directory(name=f"directory {path}", path=path, user="root", group="root", mode=mode)


def debian_permissions() -> None:
    """Declare Debian's own permissions, to find what somebody loosened."""
    directory("/root", "700")
    directory("/etc/ssh", "755")
    for path, group, mode in (
        ("/etc/passwd", "root", "644"),
        ("/etc/group", "root", "644"),
        ("/etc/shadow", "shadow", "640"),
        ("/etc/gshadow", "shadow", "640"),
    ):
        files.file(name=f"owner and mode of {path}", path=path, user="root", group=group, mode=mode)
