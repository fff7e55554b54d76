"""What watches a Debian host while it runs: AppArmor, the kernel's audit, logrotate, and what waits for a restart.

Not here: what a host may not do at all (`hardened`), and whom its logs go to (role `log_client`).
"""

from __future__ import annotations

from roles.shared.parts.debian import APT_ACCEPTS, directory
from roles.shared.parts.files import managed_file
from roles.shared.parts.handlers import Handler
from roles.shared.parts.packages import packages
from roles.shared.parts.services import service
from roles.shared.sandbox import Need, Sandbox, without

AUDIT_RULES = "/etc/audit/rules.d/audit.rules"
RESTARTS_UNIT = "samdrift-restarts"
TEXTFILES = "/var/lib/prometheus/node-exporter"
RESTARTS_FILE = f"{TEXTFILES}/samdrift-restarts.prom"
"""What waits for a restart, as metrics: role `node_metrics` tells what is in this directory."""
LISTED_AT = ("/var/lib/apt/periodic/update-stamp", "/var/lib/apt/lists")
"""Whose times tell when it was last asked which updates there are; not every host has the first."""
REBOOT = "reboot"
"""How it is named that the host itself waits for one."""
RESTARTS = Sandbox(
    unit=f"{RESTARTS_UNIT}.service",
    needs=(
        Need(
            directive="CapabilityBoundingSet",
            value="CAP_DAC_READ_SEARCH CAP_SYS_PTRACE",
            why="It reads which files every process has in use.",
        ),
        Need(directive="ProtectProc", value="default", why="It reads which files every process has in use."),
        Need(directive="ProtectHome", value="read-only", why="A file that it cannot see would look removed."),
        *without("PrivateDevices", "PrivateTmp", why="A file that it cannot see would look removed."),
        Need(
            directive="ReadWritePaths",
            value=f"/tmp {TEXTFILES}",  # noqa: S108  needrestart's own choice
            why="Its metrics, and needrestart's own workplace.",
        ),
    ),
)
ROTATION = "logrotate --debug --state /dev/null /etc/logrotate.conf"
AS_ROOT = ("auditctl -s", "auditctl -l", "cat /sys/kernel/security/apparmor/profiles", ROTATION)
"""What is asked as root: the kernel tells nobody else, and logrotate judges who it is that would write."""
PERL_PARSES = "perl -c {path}"
LOGROTATE_ACCEPTS = (
    "f=$(mktemp) && sed /^include/d {path} > $f && chmod 644 $f && logrotate --debug --state /dev/null $f; "
    "accepted=$?; rm -f $f; exit $accepted"
)
"""Without what others say: it is this file that is judged."""


def confined() -> None:
    """Declare that services run under the AppArmor profiles that their packages bring. The kernel is the host's own."""
    service("apparmor.service")


def audited() -> None:
    """Declare that the kernel tells who changed what of the host's own security. The kernel is the host's own."""
    packages("auditd")
    load = Handler(name="load audit rules", command="augenrules --load > /dev/null")
    managed_file(AUDIT_RULES, template="base/audit.rules.j2", mode="640", then=(load,))
    service("auditd.service")


def rotated() -> None:
    """Declare that logs are rotated every day, and that new ones are not for everybody."""
    managed_file("/etc/logrotate.conf", template="base/logrotate.conf.j2", validate_with=LOGROTATE_ACCEPTS)
    for package in ("alternatives", "dpkg"):  # whose own lines say that everybody may read them
        path = f"/etc/logrotate.d/{package}"
        managed_file(path, content=_rotation(f"/var/log/{package}.log"), validate_with=LOGROTATE_ACCEPTS)
    service("logrotate.timer")


def restarts() -> None:
    """Declare that it is known, and restarted by nobody, what runs with code that an update has replaced."""
    config = "/etc/needrestart/conf.d/samdrift.conf"
    managed_file(config, template="base/needrestart.conf.j2", validate_with=PERL_PARSES)
    directory(TEXTFILES, "755")
    ask = f"systemctl daemon-reload && systemctl start {RESTARTS.unit}"
    again = Handler(name="ask what waits for a restart", command=ask)
    managed_file(
        f"/usr/local/sbin/{RESTARTS_UNIT}",
        template="base/restarts.sh.j2",
        mode="755",
        validate_with="sh -n {path}",
        then=(again,),
    )
    for kind in ("service", "timer"):
        path = f"/etc/systemd/system/{RESTARTS_UNIT}.{kind}"
        managed_file(path, template=f"base/restarts.{kind}.j2", settings=RESTARTS, then=(again,))
    service(f"{RESTARTS_UNIT}.timer")


def no_recommends() -> None:
    """Declare that apt installs what is asked for and what that needs, and nothing that is merely recommended."""
    path = "/etc/apt/apt.conf.d/60samdrift-no-recommends"
    managed_file(path, template="base/no-recommends.j2", validate_with=APT_ACCEPTS)


def _rotation(log: str) -> str:
    return (
        "# Managed by samdrift, role base; local changes are lost.\n"
        f"{log} {{\n\tmonthly\n\trotate 12\n\tcompress\n\tdelaycompress\n\tmissingok\n\tnotifempty\n"
        "\tcreate 640 root adm\n}\n"
    )
