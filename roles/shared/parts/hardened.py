"""What a Debian host does not do, does not load and does not show: kernel, modules, dumps, logins, open files.

Not here: who logs in and how (role `base`), the values (`roles.shared.hardening`), and the programs that watch a host
while it runs (`watched`). What audits ask for and is not done: docs/hardening.md.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from roles.shared.hardening import MAY_HAVE_SHELLS, RARE_MODULES, SHELLS_OF_ROLES
from roles.shared.parts.accounts import FIRST_PERSON, LAST_PERSON, NO_SHELL, group
from roles.shared.parts.debian import directory
from roles.shared.parts.ensured import ensured
from roles.shared.parts.files import managed_file
from roles.shared.parts.handlers import Handler, restart
from roles.shared.parts.kernel import kernel_settings
from roles.shared.parts.mounts import mounted_with
from roles.shared.settings import Settings

MANAGED = "# Managed by samdrift, role base; local changes are lost."
SHELL_PARSES = "sh -n {path}"
SU_GROUP = "sugroup"
"""The group whose members may use su. It has none; audits know it by this name."""

PAM_PROFILES = ("samdrift-faillock-notify", "samdrift-faillock", "samdrift-umask")
"""Of `pam-auth-update`, in the order in which they are asked: it puts PAM's common files together of these and of
everybody else's, or says that somebody edited the files by hand, and leaves them alone.

A wrong password goes on to `authfail`, which ends the asking: so it comes last, whatever else may let somebody in.
After a right one Debian's order passes over `authsucc`, which audits look for beside it; what forgets the wrong ones
is the account phase. That refuses nobody, and comes with every key, too.
"""

DONE = "that is all"
"""What a question ends with, so that no answer at all is not the answer that is wanted."""
PEOPLES_HOMES = (
    f"getent passwd | awk -F: '$3 == 0 || ($3 >= {FIRST_PERSON} && $3 < {LAST_PERSON}) {{ print $6 }}' | "
    'while read -r home; do [ ! -d "$home" ] || [ "$home" = / ] || echo "$home"; done'
)
OPEN_HOMES = f'{PEOPLES_HOMES} | while read -r home; do find "$home" -maxdepth 0 -type d -perm /027 {{print}}; done'
OPEN_DOTFILES = (
    f"{PEOPLES_HOMES} | grep -vx /root | while read -r home; do "
    "find \"$home\" -xdev -maxdepth 1 -name '.?*' -type f -perm /037 {print}; done"
)
PACKAGES_LOGS = ("/var/log/alternatives.log", "/var/log/dpkg.log")
"""What dpkg and its kin tell everybody, if they make them: which packages a host has, of which version."""
SHARED_MEMORY = "/dev/shm"  # noqa: S108  what it is about
SHARED_MEMORY_OPTIONS = ("nosuid", "nodev", "noexec")
PRINTED = "-printf '%m %u %p\\n'"


def kernel(themes: Mapping[str, Mapping[str, str]], kept: Collection[str]) -> None:
    """Declare the kernel's settings, now and at boot, and the modules that it does not load.

    Args:
        kept: modules that this host needs.
    """
    for theme, values in themes.items():
        lines = (f"{name} = {value}" for key, value in sorted(values.items()) for name in _named(key))
        managed_file(f"/etc/sysctl.d/60-samdrift-{theme}.conf", content=_managed(*lines))
        kernel_settings(theme, values, guarded=theme in {"ipv4", "ipv6"})
    directory("/etc/modprobe.d", "755")
    refused = (m for m in RARE_MODULES if m not in kept)
    # `install` holds against whoever asks for it by name, `blacklist` against a device that asks by what it is.
    lines = (line for module in refused for line in (f"blacklist {module}", f"install {module} /bin/false"))
    managed_file("/etc/modprobe.d/60-samdrift.conf", content=_managed(*lines))


def _named(key: str) -> tuple[str, ...]:
    """Return a key as a file of sysctl names it: `*` is every interface that there is, and all of them, and new ones.

    systemd reads the star so; other programs, and audits, read the two names alone.
    """
    return (*(key.replace("*", name) for name in ("all", "default")), key) if "*" in key else (key,)


def no_dumps() -> None:
    """Declare that no program's memory is written to disk: it holds passwords and personal data."""
    reread = Handler(name="read systemd's own settings again", command="systemctl daemon-reload")
    directory("/etc/systemd/system.conf.d", "755")
    managed_file("/etc/systemd/system.conf.d/60-samdrift.conf", template="base/system.conf.j2", then=(reread,))
    managed_file("/etc/security/limits.d/60-samdrift.conf", template="base/limits.conf.j2")
    directory("/etc/systemd/coredump.conf.d", "755")
    managed_file("/etc/systemd/coredump.conf.d/60-samdrift.conf", template="base/coredump.conf.j2")


def shared_memory() -> None:
    """Declare that no program is run from the memory that programs share, in which everybody may write."""
    mounted_with(SHARED_MEMORY, "tmpfs", *SHARED_MEMORY_OPTIONS)


def sessions() -> None:
    """Declare what a session's files are for, when an idle one ends, that nobody becomes somebody else by su, and how
    often a password is guessed.
    """
    managed_file("/etc/login.defs", template="base/login.defs.j2")
    managed_file("/etc/security/faillock.conf", template="base/faillock.conf.j2")
    together = Handler(
        name="put PAM's common files together",
        command=f"DEBIAN_FRONTEND=noninteractive pam-auth-update --package --enable {' '.join(PAM_PROFILES)}",
    )
    for profile in PAM_PROFILES:
        template = f"base/{profile.replace('samdrift', 'pam')}.j2"
        managed_file(f"/usr/share/pam-configs/{profile}", template=template, then=(together,), guarded=True)
    managed_file("/etc/profile.d/60-samdrift.sh", template="base/profile.sh.j2", validate_with=SHELL_PARSES)
    managed_file("/etc/security/pwquality.conf", template="base/pwquality.conf.j2")
    group(SU_GROUP)
    managed_file("/etc/pam.d/su", template="base/su.j2")


def journal(settings: Settings) -> None:
    """Declare how long the journal is kept."""
    directory("/etc/systemd/journald.conf.d", "755")
    managed_file(
        "/etc/systemd/journald.conf.d/60-samdrift.conf",
        template="base/journald.conf.j2",
        settings=settings,
        then=(restart("systemd-journald.service"),),
    )


def backups() -> None:
    """Declare that the copies that the tools for accounts leave are no easier to read than what they are copies of."""
    for name, mask in (("passwd", "022"), ("group", "022"), ("shadow", "027"), ("gshadow", "027")):
        path = f"/etc/{name}-"
        found = f"[ ! -e {path} ] || find {path} -maxdepth 0 -perm /{mask} {{print}}"
        _tightened(f"mode of {path}", found, mask)
        if name.endswith("shadow"):
            ensured(
                f"group of {path}",
                question=listing(f"[ ! -e {path} ] || stat -c %G {path} | grep -v '^shadow$'", "stat"),
                answer=f"{DONE}\n",
                command=f"chgrp shadow {path}",
            )


def new_homes() -> None:
    """Declare that what a new home begins with is nobody else's to read. Before any account is made."""
    for name in (".bash_logout", ".bashrc", ".profile"):
        path = f"/etc/skel/{name}"
        _tightened(f"mode of {path}", f"find {path} -maxdepth 0 -type f -perm /037 {{print}}", "037")


def homes() -> None:
    """Declare that people's homes, and their dotfiles above all, are not open to others."""
    _tightened("homes that are open to others", OPEN_HOMES, "027")
    _tightened("dotfiles that are open to others", OPEN_DOTFILES, "037")


def logs() -> None:
    """Declare that everybody is not told which packages there are. Before any is installed: dpkg keeps what it finds.

    Logs of a service are its role's, and new ones are made by logrotate (`watched`).
    """
    paths = " ".join(PACKAGES_LOGS)
    ensured(
        "logs of packages are for root and who reads logs",
        question=f"stat -c '%a %U %G' {paths}",
        answer="640 root adm\n" * len(PACKAGES_LOGS),
        command=f"touch {paths} && chown root:adm {paths} && chmod 640 {paths}",
    )


def shells(kept: Collection[str]) -> None:
    """Declare that no account of the system may log in: whoever takes one over by a hole has no shell.

    Args:
        kept: accounts that need theirs, by name.
    """
    names = "|".join((*MAY_HAVE_SHELLS, *SHELLS_OF_ROLES, *sorted(kept)))
    found = (
        f"getent passwd | awk -F: '($3 < {FIRST_PERSON} || $3 >= {LAST_PERSON}) && $1 !~ /^({names})$/ && "
        "$7 !~ /(nologin|false)$/ { print $1, $7 }'"
    )
    ensured(
        "accounts of the system with a shell",
        question=listing(found, "awk"),
        answer=f"{DONE}\n",
        command=f'{found} | while read -r user shell; do usermod --shell {NO_SHELL} "$user" || exit 1; done',
    )


def no_shell(user: str) -> None:
    """Declare that the account of a service has no shell, whatever its package gave it. One of `SHELLS_OF_ROLES`."""
    ensured(
        f"account {user} without a shell",
        question=f"getent passwd {user} | cut -d: -f7",
        answer=f"{NO_SHELL}\n",
        command=f"usermod --shell {NO_SHELL} {user}",
    )


def cron() -> None:
    """Declare that nobody but root sees, or gives, what cron and at run."""
    for path in ("/etc/cron.d", "/etc/cron.hourly", "/etc/cron.daily", "/etc/cron.weekly", "/etc/cron.monthly"):
        directory(path, "700")
    # These two decide who may use crontab and at, where either is installed; what runs already goes on.
    for path in ("/etc/cron.allow", "/etc/at.allow"):
        managed_file(path, content="root\n", mode="600")
    _tightened("mode of /etc/crontab", "[ ! -e /etc/crontab ] || find /etc/crontab -perm /077 {print}", "077")


def _tightened(what: str, found: str, mask: str) -> None:
    """Declare that nothing is found; of what is, the bits of `mask` are taken.

    Args:
        found: a shell command that finds files, in which `{print}` is what `find` does with them.
    """
    take = ",".join(f"{who}-{bits}" for who, bits in zip("go", map(_letters, mask[1:]), strict=True) if bits)
    ensured(
        what,
        question=listing(found.replace("{print}", PRINTED), "find"),
        answer=f"{DONE}\n",
        command=f"{{ {found.replace('{print}', '-print0')}; }} | xargs -0r chmod {take} --",
    )


def listing(found: str, program: str) -> str:
    """Return a question whose answer ends with `DONE`, but where the program that it is asked of is missing."""
    return f"command -v {program} > /dev/null && {{ {{ {found}; }} | sort; echo {DONE}; }}"


def _letters(digit: str) -> str:
    return "".join(letter for bit, letter in ((4, "r"), (2, "w"), (1, "x")) if int(digit) & bit)


def _managed(*lines: str) -> str:
    return "\n".join([MANAGED, *lines, ""])
