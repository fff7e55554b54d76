"""Packages that nobody asked for: no role, no package that a role needs, and no installer of Debian. Pure.

Which packages apt calls *manual* says little: installers mark hundreds so, and whoever installs one can unmark it. So
the answer is a walk: from what roles declare and what every Debian has, along what packages say they need. What is
left was asked for by nobody. Not here: whether a package's files are as it brought them (`package_files`).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping

from inventory.frozen import Frozen
from roles.shared.searches.search import Declarations, Found, Search, matches

NEEDS = "${Pre-Depends}, ${Depends}, ${Recommends}"
FORMAT = r"${Package}\t${Version}\t${db:Status-Abbrev}\t${Priority}\t${Essential}\t${Provides}\t" + NEEDS + r"\n"
INSTALLED = (
    f"dpkg-query -W -f '{FORMAT}' && "
    "awk '/^Package:/ { p = $2 } /^Auto-Installed: 1/ { print \"auto\\t\" p }' /var/lib/apt/extended_states"
)

OF_DEBIAN = frozenset({"required", "important", "standard"})
"""Priorities of what every Debian has, or what its installer puts on it unasked."""

OF_INSTALLERS = (
    *("linux-image-*", "linux-headers-*", "grub-*", "shim-signed*", "firmware-*", "intel-microcode", "amd64-microcode"),
    *(
        "installation-report",
        "task-*",
        "tasksel*",
        "discover",
        "laptop-detect",
        "console-setup",
        "keyboard-configuration",
    ),
    *("locales", "popularity-contest", "debian-archive-keyring", "initramfs-tools", "os-prober", "eject", "usbutils"),
    *("cryptsetup*", "lvm2", "mdadm", "xfsprogs", "btrfs-progs", "dosfstools", "efibootmgr", "busybox"),
    *("open-vm-tools", "qemu-guest-agent", "hyperv-daemons", "spice-vdagent", "cloud-init", "cloud-guest-utils"),
    *("dbus", "openssh-server", "sudo", "systemd", "systemd-sysv", "systemd-resolved", "systemd-timesyncd"),
)
"""What Debian's installer and its cloud images install by themselves: for hardware, disks, booting and logging in."""


class Package(Frozen):
    """An installed package: what it needs are alternatives, each a set of names of which one must be there."""

    name: str
    version: str
    is_of_debian: bool
    is_auto: bool = False
    provides: frozenset[str] = frozenset()
    needs: tuple[frozenset[str], ...] = ()


def read(answer: str) -> dict[str, Package]:
    """Return the installed packages by name."""
    found: dict[str, Package] = {}
    autos: set[str] = set()
    for line in filter(None, answer.splitlines()):
        first, *fields = line.split("\t")
        if first == "auto":
            autos.update(fields)
            continue
        version, status, priority, essential, provides, needs = fields
        if status[1:2] not in {"i", "U", "F", "H", "W", "t"}:  # the rest has no files there any more
            continue
        found[first] = Package(
            name=first,
            version=version,
            is_of_debian=priority in OF_DEBIAN or essential == "yes",
            provides=frozenset(_names(provides)),
            needs=tuple(frozenset(_names(one.replace("|", ","))) for one in needs.split(",") if one.strip()),
        )
    return {name: p.model_copy(update={"is_auto": name in autos}) for name, p in found.items()}


def _names(relations: str) -> Iterator[str]:
    for one in relations.split(","):
        if name := re.match(r"\s*([a-z0-9][a-z0-9+.-]*)", one):
            yield name[1]


def needed(roots: Iterable[str], installed: Mapping[str, Package]) -> set[str]:
    """Return these packages and all that they need, as far as it is installed."""
    by_name: dict[str, list[str]] = {}
    for package in installed.values():
        for name in (package.name, *package.provides):
            by_name.setdefault(name, []).append(package.name)
    reached: set[str] = set()
    todo = [name for name in roots if name in installed]
    while todo:
        name = todo.pop()
        if name not in reached:
            reached.add(name)
            todo += [found for one in installed[name].needs for need in one for found in by_name.get(need, ())]
    return reached


def undeclared(answer: str, declared: Declarations) -> Iterator[Found]:
    """Yield the packages that nobody asked for; of those that came along with one of them, none."""
    installed = read(answer)
    if not installed:
        raise ValueError("a host without packages")
    known = (*OF_INSTALLERS, *declared.expects.get(PACKAGES.kind, ()))
    roots = {p.name for p in installed.values() if p.is_of_debian or any(matches(one, p.name) for one in known)}
    left = installed.keys() - needed({*roots, *declared.packages}, installed)
    asked_for = {name for name in left if not installed[name].is_auto}
    for name in sorted(asked_for | _beside(asked_for, left, installed)):
        yield Found(name=name, state=installed[name].version)


def _beside(asked_for: Collection[str], left: Collection[str], installed: Mapping[str, Package]) -> set[str]:
    """Return those of the packages left that apt believes to be needed, and that nothing needs."""
    return set(left) - needed(asked_for, installed)


PACKAGES = Search(
    kind="package", question=INSTALLED, undeclared=undeclared, remove=("apt-get", "purge", "--autoremove", "{name}")
)

ORIGINS = r"""
set -- /var/lib/apt/lists/*Packages*
[ -e "$1" ] && apt-cache policy $(sed -n 's/^Package: //p' /var/lib/dpkg/status) | awk '
function tell() { if (name && candidate == installed && sources == 1) print name "\t" installed }
/^[^ ]/ { tell(); name = $1; sources = 0; here = 0 }
$1 == "Installed:" { installed = $2 }
$1 == "Candidate:" { candidate = $2 }
/^     [^ ]/ { here = 0 }
here && /^        / { sources++ }
/^ [*][*][*] / { here = 1 }
END { tell() }'
""".strip()
"""Prints the packages of which no archive has the version or a newer one: if there is a newer one, an update is due."""


def foreign(answer: str, declared: Declarations) -> Iterator[Found]:  # noqa: ARG001  a search's signature
    """Yield the installed packages that come from no archive."""
    for line in filter(None, answer.splitlines()):
        name, version = line.split("\t")
        yield Found(name=name.removesuffix(":"), state=version)


FOREIGN = Search(kind="foreign-package", question=ORIGINS, undeclared=foreign)
