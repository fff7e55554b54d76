"""Programs that run with more rights than whoever starts them: setuid, setgid and capabilities. Pure.

dpkg keeps no modes, and a program of a package that was made setuid is as good as a copy. So every one is compared with
those that Debian's packages make so. File systems that are mounted `nosuid` are left out, and what containers have.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator

from roles.shared.searches.search import Declarations, Found, Search, matches

CONTAINERS = (
    "/var/lib/containerd",
    "/var/lib/containers",
    "/var/lib/docker",
    "/var/lib/incus",
    "/var/lib/lxc",
    "/var/lib/lxd",
    "/var/lib/machines",
    "/var/lib/portables",
    "/snap",
)
NO_FILES = (
    "proc|sysfs|cgroup2?|devpts|devtmpfs|mqueue|bpf|tracefs|debugfs|securityfs|configfs|fusectl|autofs|nfs4?|cifs"
)
"""Types of file systems that hold no programs, or another machine's."""
MOUNTS = (
    rf"awk '$3 !~ /^({NO_FILES})$/ && $4 !~ /(^|,)nosuid(,|$)/ {{ print $2 }}' /proc/self/mounts | sort -u | "
    rf"grep -vE '^({'|'.join(CONTAINERS)})(/|$)' | xargs -r -d '\n' printf '%b\0'"
)
"""Lists where file systems are mounted on which programs may be setuid."""
PRUNED = " -o ".join(f"-path {shlex.quote(place)}" for place in CONTAINERS)
ALL_RIGHTS = (
    r"/^[1-7][0-7][0-7][0-7] / { print } "
    r"{ sub(/^[0-7]+ [^ ]+ /, \"\"); print | \"tr '\\n\\001' '\\0\\n' | xargs -0r getcap --\" }"
).replace('\\"', '"')
QUESTION = (
    f"command -v getcap > /dev/null && {MOUNTS} | xargs -0r sh -c "
    f'\'find "$@" -xdev \\( {PRUNED} \\) -prune -o -type f -perm /6111 -printf "%m %u:%g %p\\0"\' find | '
    r"tr '\0\n' '\n\001' | "
    f"awk {shlex.quote(ALL_RIGHTS)}"
)
"""Prints mode, owner and path of what is setuid or setgid; path and capabilities of what has some."""

OF_DEBIAN = (
    *("/usr/bin/chage", "/usr/bin/chfn", "/usr/bin/chsh", "/usr/bin/expiry", "/usr/bin/gpasswd", "/usr/bin/newgrp"),
    *("/usr/bin/passwd", "/usr/bin/su", "/usr/bin/sudo", "/usr/bin/mount", "/usr/bin/umount", "/usr/bin/ssh-agent"),
    *("/usr/bin/at", "/usr/bin/crontab", "/usr/bin/pkexec", "/usr/bin/fusermount3", "/usr/bin/ntfs-3g"),
    *("/usr/bin/newuidmap", "/usr/bin/newgidmap", "/usr/bin/wall", "/usr/bin/write", "/usr/bin/bsd-write"),
    *("/usr/bin/dotlockfile", "/usr/bin/mlocate", "/usr/bin/plocate", "/usr/bin/screen", "/usr/bin/procmail"),
    *("/usr/lib/dbus-1.0/dbus-daemon-launch-helper", "/usr/lib/openssh/ssh-keysign", "/usr/lib/utempter/utempter"),
    *("/usr/lib/*/utempter/utempter", "/usr/libexec/utempter/utempter", "/usr/lib/polkit-1/polkit-agent-helper-1"),
    *("/usr/sbin/unix_chkpwd", "/usr/sbin/mount.nfs", "/usr/sbin/mount.cifs", "/usr/sbin/exim4", "/usr/sbin/pppd"),
    *("/usr/sbin/postdrop", "/usr/sbin/postqueue", "/usr/sbin/lldpcli", "/usr/sbin/pam_extrausers_chkpwd"),
    *("/usr/sbin/pam_timestamp_check", "/usr/lib/*/lxc/lxc-user-nic", "/usr/libexec/lxc/lxc-user-nic"),
)
"""What Debian's packages make setuid or setgid, as far as servers have it."""

WITH_CAPABILITIES = (
    ("/usr/bin/ping", "cap_net_raw=ep"),
    ("/usr/bin/arping", "cap_net_raw=ep"),
    ("/usr/bin/clockdiff", "cap_net_raw=ep"),
    ("/usr/bin/fping", "cap_net_raw=ep"),
    ("/usr/bin/mtr-packet", "cap_net_raw=ep"),
    ("/usr/bin/newuidmap", "cap_setuid=ep"),
    ("/usr/bin/newgidmap", "cap_setgid=ep"),
    ("/usr/bin/dumpcap", "cap_net_admin,cap_net_raw=eip"),
)
"""What Debian's packages give which capabilities."""


def with_setuid(answer: str, _declared: Declarations) -> Iterator[Found]:
    """Yield the programs that are setuid or setgid, and that Debian makes so nowhere."""
    if " /usr/bin/passwd\n" not in answer:
        raise ValueError("not even passwd is setuid")
    for line in answer.split("\n"):
        if line and not line.startswith("/"):
            mode, owner, path = line.split(" ", 2)
            if not any(matches(known, path) for known in OF_DEBIAN):
                yield Found(name=path.replace("\1", "\n"), state=f"{mode} {owner}")


def with_capabilities(answer: str, _declared: Declarations) -> Iterator[Found]:
    """Yield the programs that have capabilities, and that Debian gives none, or others."""
    for line in answer.split("\n"):
        path, _, given = line.rpartition(" ")
        if line.startswith("/") and (path, given) not in WITH_CAPABILITIES:
            yield Found(name=path, state=given)


SETUID = Search(kind="setuid", question=QUESTION, undeclared=with_setuid, remove=("chmod", "ug-s", "--", "{name}"))
CAPABILITIES = Search(
    kind="capability", question=QUESTION, undeclared=with_capabilities, remove=("setcap", "-r", "{name}")
)
