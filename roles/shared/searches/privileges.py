"""Programs that run with more rights than whoever starts them: setuid, setgid and capabilities. Pure.

dpkg keeps no modes, and a program of a package that was made setuid is as good as a copy. So every one is compared with
those that Debian's packages make so. File systems that are mounted `nosuid` are left out, and what containers have.
"""

from __future__ import annotations

from collections.abc import Iterator

from roles.shared.searches.search import Declarations, Found, Search, matches
from roles.shared.searches.walk import QUESTION, walked

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
    ("/usr/lib/*/gstreamer1.0/gstreamer-1.0/gst-ptp-helper", "cap_net_bind_service,cap_net_admin=ep"),
    ("/usr/bin/dumpcap", "cap_net_admin,cap_net_raw=eip"),
)
"""What Debian's packages give which capabilities."""
NONE = "="
"""How getcap says that a program's were taken away, as Debian's blackbox exporter does on its own: it has no right."""


def with_setuid(answer: str, _declared: Declarations) -> Iterator[Found]:
    """Yield the programs that are setuid or setgid, and that Debian makes so nowhere."""
    privileged = walked(answer).privileged
    if "/usr/bin/passwd" not in {one.path for one in privileged}:
        raise ValueError("not even passwd is setuid")
    for one in privileged:
        if not any(matches(known, one.path) for known in OF_DEBIAN):
            yield Found(name=one.path, state=one.state)


def with_capabilities(answer: str, _declared: Declarations) -> Iterator[Found]:
    """Yield the programs that have capabilities, and that Debian gives none, or others."""
    for one in walked(answer).capable:
        if one.what != NONE and not any(matches(of, one.path) and one.what == have for of, have in WITH_CAPABILITIES):
            yield Found(name=one.path, state=one.what)


SETUID = Search(
    kind="setuid",
    question=QUESTION,
    undeclared=with_setuid,
    is_slow=True,
    remove=("chmod", "ug-s", "--", "{name}"),
)
CAPABILITIES = Search(
    kind="capability",
    question=QUESTION,
    undeclared=with_capabilities,
    is_slow=True,
    remove=("setcap", "-r", "{name}"),
)
