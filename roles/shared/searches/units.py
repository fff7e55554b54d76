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
LINKS = "find /etc/systemd/system /etc/systemd/user -mindepth 1 -maxdepth 2 -type l -printf 'link\\t%p\\t%l\\n'"
VENDORS = (
    "grep -hE '^/(usr/)?lib/systemd/' /var/lib/dpkg/info/*.list | sed 's#^/lib/#/usr/lib/#' | "
    "{ find /usr/lib/systemd /usr/local/lib/systemd -type l -print <&- | grep -vxFf /dev/fd/3; } 3<&0 | "
    "sed 's/^/vendor\\t/'"
)
"""Links that enable units as if their package did."""
ALSO = (
    "grep -rE '^Also=' /usr/lib/systemd/system /usr/lib/systemd/user | sed 's#^[^:]*/##; s/:Also=/\\t/; s/^/also\\t/'"
)
PRESETS = "sed -nE 's/^(enable|disable) +/preset\\t\\1\\t/p' /usr/lib/systemd/*-preset/*.preset"
ENABLED = (
    f"command -v find sed grep > /dev/null && {{ {LINKS}; {HELPER.format('systemd', 'system')}; "
    f"{HELPER.format('systemd-user', 'user')}; {VENDORS}; {ALSO}; {PRESETS}; }}"
)


def undeclared(answer: str, declared: Declarations) -> Iterator[Found]:
    """Yield the units that are enabled, and that no role and no package enables."""
    rows = [line.split("\t") for line in answer.splitlines() if "\t" in line]
    by_packages = {f"/etc/systemd/{row[1]}" for row in rows if row[0] == "helper"}
    presets = [(row[1], row[2]) for row in rows if row[0] == "preset"]
    if not presets:
        raise ValueError("systemd has presets of its own")
    links = [_names(link, to) for _, link, to in (row for row in rows if row[0] == "link")]
    enabled = {
        unit
        for link, names in links
        if link in by_packages or names & declared.units or any(enables(presets, name) for name in names)
        for unit in names
    }
    along = {unit for row in rows if row[0] == "also" and row[1] in enabled for unit in row[2].split()}
    for link, names in links:
        if names and link not in by_packages and not names & (enabled | along):
            yield Found(name=posixpath.basename(link), state=link)
    yield from (Found(name=posixpath.basename(row[1]), state=row[1]) for row in rows if row[0] == "vendor")


def _names(link: str, to: str) -> tuple[str, frozenset[str]]:
    """Return a link, with the names of the unit of a package to which it leads; none for a mask and all else, as unit
    files of no package are told by themselves.
    """
    target = posixpath.normpath(posixpath.join(posixpath.dirname(link), to))
    of_package = target.startswith(("/usr/lib/systemd/", "/lib/systemd/"))
    return link, frozenset((posixpath.basename(link), posixpath.basename(target)) if of_package else ())


def enables(presets: Sequence[tuple[str, str]], unit: str) -> bool:
    """Tell whether systemd's presets enable a unit: the first that is about it decides, and without any, none does."""
    template = re.sub(r"@.+(\.\w+)$", r"@\1", unit)
    for verb, pattern in presets:
        if any(fnmatchcase(name, pattern.split()[0]) for name in (unit, template)):
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
