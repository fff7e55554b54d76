"""`mounted_with`: what a file system that systemd mounts by itself must be mounted with, now and at boot.

systemd mounts these (`/dev/shm`, `/run` …) before it reads fstab, and once more as fstab says: a line there is all that
it takes. Not here: partitions, which are the installer's.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from roles.shared.parts.ensured import ensured

FSTAB = "/etc/fstab"
ITS_LINE = "$1 !~ /^#/ && $2 == path"
LACKS = 'index("," $4 ",", "," wanted[i] ",") == 0'
AS_WANTED = "as wanted"


def mounted_with(path: str, kind: str, *options: str) -> None:
    """Declare that a file system of a kind (`tmpfs`) is mounted with these options, and with what it has besides."""
    ensured(
        f"{path} in fstab",
        question=lacking_in_table(path, options),
        answer=f"{AS_WANTED}\n",
        command=into_table(path, kind, options),
    )
    ensured(
        f"options of {path}",
        question=lacking_now(path, options),
        answer=f"{AS_WANTED}\n",
        command=f"mount -o remount,{','.join(options)} {path}",
    )


def lacking_in_table(path: str, options: Sequence[str], table: str = FSTAB) -> str:
    """Return a command that prints which options the line of a file system lacks, or that there is none."""
    program = (
        f"{_split(options)} {ITS_LINE} "
        f"{{ seen = 1; for (i = 1; i <= n; i++) if ({LACKS}) {{ bad = 1; print wanted[i] }} }} "
        f'END {{ if (!seen) print "no line"; else if (!bad) print "{AS_WANTED}" }}'
    )
    return f"cat {table} 2> /dev/null | awk -v path={path} {shlex.quote(program)}"


def into_table(path: str, kind: str, options: Sequence[str], table: str = FSTAB) -> str:
    """Return a command that adds what the line of a file system lacks, or a line; every other line stays as it is."""
    program = (
        f"{_split(options)} {ITS_LINE} "
        f'{{ seen = 1; for (i = 1; i <= n; i++) if ({LACKS}) $4 = ($4 == "" ? "" : $4 ",") wanted[i] }} '
        f'{{ print }} END {{ if (!seen) print "{kind} " path " {kind} {",".join(options)} 0 0" }}'
    )
    new = f"{table}.samdrift"
    return (
        f"touch {table} && cp -p {table} {new} && awk -v path={path} {shlex.quote(program)} {table} > {new} && "
        f"sync {new} && mv {new} {table}"
    )


def lacking_now(path: str, options: Sequence[str]) -> str:
    """Return a command that prints which options a file system is mounted without, or that it is not mounted."""
    # What is mounted last hides what was before.
    program = (
        f'{_split(options)} {{ last = $1 }} END {{ if (!NR) {{ print "not mounted"; exit }} $4 = last; '
        f'for (i = 1; i <= n; i++) if ({LACKS}) {{ bad = 1; print wanted[i] }} if (!bad) print "{AS_WANTED}" }}'
    )
    return f"findmnt --noheadings --output OPTIONS --mountpoint {path} | awk {shlex.quote(program)}"


def _split(options: Sequence[str]) -> str:
    return f'BEGIN {{ n = split("{" ".join(options)}", wanted, " ") }}'
