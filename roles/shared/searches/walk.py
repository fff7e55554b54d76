"""One walk over a server's disks, for all searches that are about files: each file is looked at once. Pure.

It tells of files that no package brought, of those that are not as their package brought them, and of programs with
more rights than whoever starts them. What is strange among them, those searches say (`stray_files`, `package_files`,
`privileges`).

To read every file of every package, as `dpkg --verify` does, takes seconds. Here, those are read whose inode changed
after their package was unpacked (its time is the kernel's, and no `touch` sets it), and every configuration file.
"""

from __future__ import annotations

import shlex
from functools import cache

from inventory.frozen import Frozen
from roles.shared.searches.standing import DETAIL, Standing, standing

PLACES = ("/etc", "/usr", "/boot", "/opt", "/var/spool/cron", "/var/spool/at", "/var/www", "/var/lib/systemd/linger")
"""Where every file must be somebody's."""
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
NOISE = "^/usr/share/(doc|man|locale|info|help|icons|fonts|zoneinfo)/"
"""Of packages, what no program runs or obeys, and installers leave out."""
SETTLED = 600
"""Seconds after the last file of an image was copied to a host, until which it was being made. Where a host was copied
file by file (`tar`), most of dpkg's lists are older than their inodes, and files are compared with that time instead.
"""
BELOW = 2000
"""So many files are told of a directory of nobody's: an application that was unpacked there has tens of thousands."""
EVERYBODYS = r"^(/opt|/etc/opt|/usr/local(/[a-z]+)?|/usr/local/share/[a-z-]+|/var/www(/html)?)$"
"""Directories that every host has: what is in them is told by itself."""
MOST = 5000
"""So many files are read at most."""
TOO_MANY = "/dev"
"""Stands in an answer for changed files, where there are more."""
CHANGED, PRIVILEGED = "/proc", "/sys"
"""Stand between the paths of an answer: after the first come changed files, after the second, privileged ones."""

IN_PLACES = f"^({'|'.join(PLACES)})(/|$)"
DISKS = (
    rf"awk '$3 !~ /^({NO_FILES})$/ && ($4 !~ /(^|,)nosuid(,|$)/ || $2 ~ PLACES) {{ print $2 }}' "
    f"PLACES={shlex.quote(IN_PLACES)} /proc/self/mounts | sort -u | "
    rf"grep -vE '^({'|'.join(CONTAINERS)})(/|$)' | xargs -r -d '\n' printf '%b\0'"
)
"""Lists where file systems are mounted; those on which nothing can be setuid only where every file must be known."""
PRINTED = r"""-printf '%y %m %C@\002%p\0'"""
FIND = (
    f"find {shlex.join(PLACES)} -xdev -name __pycache__ -prune -o {PRINTED}; "
    f'find "$@" -xdev \\( {" -o ".join(f"-path {place}" for place in (*PLACES, *CONTAINERS))} \\) -prune '
    f"-o -type f -perm /6111 {PRINTED}"
)
MADE = "awk 'NR % 3 == 2' /var/lib/dpkg/diversions; md5sum -c /var/lib/ucf/hashfile | sed -n 's/: OK$//p'"
"""Lists what packages moved aside, and what ucf installed for them that nobody has changed."""
CONFIGURATION = r"dpkg-query -W -f '${Conffiles}\n' | sed -nE 's#^ (/.*) ([0-9a-f]{32})$#\2  \1#p'"
UNPACKED = r"find /var/lib/dpkg/info -name '*.list' -printf '%C@ %T@ %f\n' | sed 's/[.]list$//'"
JUDGE = r"""
function merged(path) { if (path ~ /^\/(bin|sbin|lib|lib32|lib64|libx32|libo32)\//) path = "/usr" path; return path }
function sums_of(package,    file, line, path) {
    file = "/var/lib/dpkg/info/" package ".md5sums"
    while ((getline line < file) > 0) {
        path = merged("/" substr(line, 35))
        if (path in moved && path !~ NOISE) suspect[suspects++] = substr(line, 1, 32) "  " path
    }
    close(file)
}
function in_reach(path, type,    above, top) {
    above = path
    sub(/\/[^\/]*$/, "", above)
    top = (above in topmost) ? topmost[above] : ""
    if (type == "d" && path !~ EVERYBODYS) topmost[path] = (top == "") ? path : top
    return top == "" || ++below[top] <= BELOW
}
BEGIN {
    capable = "tr '\\n\\001' '\\0\\n' | xargs -0r getcap -- >&3"
    checked = "md5sum -c - | sed -n 's/: FAILED$//p'"
}
FILENAME != "-" {
    if (FNR == 1) { package = FILENAME; sub(/.*\//, "", package); sub(/\.list$/, "", package) }
    brought[merged($0)] = package
    next
}
$0 == "configuration" || $0 == "unpacked" || $0 == "found" {
    at = $0
    if (at == "found" && copies * 2 > lists) for (package in copied) when[package] = copied_at + SETTLED
    next
}
at == "" { brought[merged($0)]; next }
at == "configuration" { suspect[suspects++] = $0; next }
at == "unpacked" {
    split($0, list, " ")
    when[list[3]] = list[1]
    lists++
    if (list[1] - list[2] > 3600) { copied[list[3]]; copies++; if (list[1] > copied_at) copied_at = list[1] }
    next
}
{
    split($1, is, " ")
    if (!($2 in brought)) { if ($2 ~ PLACES && in_reach($2, is[1])) print $2 }
    else if (is[1] == "f" && is[3] > when[brought[$2]] + 1) { moved[$2]; touched[brought[$2]] }
    if (is[1] == "f" && length(is[2]) > 3) privileged[rights++] = $2
    if (is[1] == "f" && is[2] ~ /[1357].?.?$/) print $2 | capable
}
END {
    close(capable)
    print CHANGED; fflush()
    for (package in touched) if (suspects <= MOST) sums_of(package)
    if (suspects > MOST) { suspects = 0; print TOO_MANY; fflush() }
    for (n = 0; n < suspects; n++) print suspect[n] | checked
    close(checked)
    print PRIVILEGED
    for (n = 0; n < rights; n++) print privileged[n]
}
""".strip()
PROGRAMS = "find awk xargs sha256sum md5sum sed sort grep tr getcap dpkg-query"
QUESTION = (
    f"command -v {PROGRAMS} > /dev/null && {{ {{ {{ {MADE}; echo configuration; {CONFIGURATION}; "
    f"echo unpacked; {UNPACKED}; echo found; "
    f"{DISKS} | xargs -0r sh -c {shlex.quote(FIND)} find | tr '\\0\\n' '\\n\\001'; }}"
    f" | awk -F '\\002' -v PLACES={shlex.quote(IN_PLACES)} -v NOISE={shlex.quote(NOISE)} "
    f"-v BELOW={BELOW} -v EVERYBODYS={shlex.quote(EVERYBODYS)} "
    f"-v SETTLED={SETTLED} -v MOST={MOST} -v TOO_MANY={TOO_MANY} "
    f"-v CHANGED={CHANGED} -v PRIVILEGED={PRIVILEGED} {shlex.quote(JUDGE)} /var/lib/dpkg/info/*.list - | "
    f"tr '\\n\\001' '\\0\\n' | {DETAIL} | sed 's/^/files /'; }} 3>&1; }}"
)
"""Prints who has which capabilities, a line each, and at last the files in detail."""


class Walk(Frozen):
    """The files that a walk told of; `capable` are the lines of getcap."""

    of_no_package: tuple[Standing, ...] = ()
    changed: tuple[Standing, ...] = ()
    privileged: tuple[Standing, ...] = ()
    capable: tuple[str, ...] = ()


@cache
def walked(answer: str) -> Walk:
    """Return what a walk told.

    Raises:
        ValueError: it is not whole.
    """
    lines = answer.splitlines()
    (files,) = (line.removeprefix("files ") for line in lines if line.startswith("files "))
    found = standing(files)
    paths = [one.path for one in found]
    changed, privileged = paths.index(CHANGED), paths.index(PRIVILEGED)
    return Walk(
        of_no_package=found[:changed],
        changed=found[changed + 1 : privileged],
        privileged=found[privileged + 1 :],
        capable=tuple(line for line in lines if line.startswith("/")),
    )
