"""Units that somebody enabled, though neither a role nor their package does; and units until the next boot. Pure.

A package's own scripts say what they enable, and systemd's presets the rest. Not here: unit files and drop-ins on disk
that are of no package (`stray_files`).
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase

from roles.shared.searches.search import Declarations, Found, Search, matches
from roles.shared.searches.standing import DETAIL, standing

HELPER = (
    "find /var/lib/systemd/deb-{}-helper-enabled -mindepth 1 ! -name '*.dsh-also' -type f -printf 'helper\\t{}/%P\\n'"
)
ENABLED = "command -v find sed > /dev/null && {{ {}; }}".format(
    "; ".join(
        (
            "find /etc/systemd/system /etc/systemd/user -mindepth 1 -maxdepth 2 -type l -printf 'link\\t%p\\t%l\\n'",
            HELPER.format("systemd", "system"),
            HELPER.format("systemd-user", "user"),
            "sed -nE 's/^(enable|disable) +/preset\\t\\1\\t/p' /usr/lib/systemd/*-preset/*.preset",
        )
    )
)


def undeclared(answer: str, declared: Declarations) -> Iterator[Found]:
    """Yield the units that are enabled, and that no role and no package enables."""
    rows = [line.split("\t") for line in answer.splitlines() if "\t" in line]
    by_packages = {f"/etc/systemd/{row[1]}" for row in rows if row[0] == "helper"}
    presets = [(row[1], row[2]) for row in rows if row[0] == "preset"]
    if not presets:
        raise ValueError("systemd has presets of its own")
    for _, link, to in (row for row in rows if row[0] == "link"):
        target = posixpath.normpath(posixpath.join(posixpath.dirname(link), to))
        names = {posixpath.basename(link), posixpath.basename(target)}
        if (
            target == "/dev/null"
            or link in by_packages
            or not target.startswith(("/usr/lib/systemd/", "/lib/systemd/"))
        ):
            continue  # a mask; a package's; or of a unit file that is told by itself
        if not names & declared.units and not any(enables(presets, name) for name in names):
            yield Found(name=posixpath.basename(link), state=f"{link} {to}")


def enables(presets: Sequence[tuple[str, str]], unit: str) -> bool:
    """Tell whether systemd's presets enable a unit: the first that is about it decides, or else the first about its
    service, which brings it along (`Also=`); without any, none does.
    """
    template = re.sub(r"@.+(\.\w+)$", r"@\1", unit)
    for names in ((unit, template), (f"{unit.rpartition('.')[0]}.service",)):
        for verb, pattern in presets:
            if any(fnmatchcase(name, pattern.split()[0]) for name in names):
                return verb == "enable"
    return False


UNITS = Search(kind="unit", question=ENABLED, undeclared=undeclared, remove=("systemctl", "disable", "--now", "{name}"))


RUN = ("system", "user", "transient", "system-generators", "user-generators", "system.attached")
IGNORED = ("*.scope", "*.slice", "*/session-*.scope.d/*")
"""What systemd makes of every log-in."""
RUNNING = f"find {' '.join(f'/run/systemd/{of}' for of in RUN)} -mindepth 1 ! -type d -print0 | {DETAIL}"


def transient(answer: str, declared: Declarations) -> Iterator[Found]:
    """Yield the unit files that stand in memory, with their drop-ins and generators."""
    for file in standing(answer):
        if file.path not in declared.files and not any(matches(pattern, file.path) for pattern in IGNORED):
            yield Found(name=file.path, state=file.state)


TRANSIENT = Search(kind="transient-unit", question=RUNNING, undeclared=transient)
