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
from roles.shared.searches.standing import ENCODED, IN_DETAIL, standing
from roles.shared.searches.walk import QUESTION, walked

ETC, HELPERS = "/etc/systemd", "/var/lib/systemd/deb-systemd{}-helper-enabled"
BY_PACKAGES = {HELPERS.format(""): f"{ETC}/system", HELPERS.format("-user"): f"{ETC}/user"}
"""Where packages' scripts keep which links they made, and where they made them."""
LIBRARIES = ("/usr/lib/systemd/", "/usr/local/lib/systemd/")
LINKS = (
    f"find {' '.join([*BY_PACKAGES.values(), *BY_PACKAGES])} -mindepth 1 "
    r"\( -type l -o -type f ! -name '*.dsh-also' \) -printf '%y\t%p\t%l\n'"
)
LINES = (
    "grep -rasE '^(Also=|(enable|disable) )' /usr/lib/systemd/system /usr/lib/systemd/user "
    "/usr/lib/systemd/*-preset/*.preset"
)
LINE = re.compile(r"(/.*?):(Also=|(?:enable|disable) +)(.*)")
ENABLED = f"command -v find grep > /dev/null && {{ {LINKS}; {LINES} || :; }}"
"""Prints which links enable units, and which their packages made; and what units and presets say of enabling."""


def undeclared(answer: str, declared: Declarations) -> Iterator[Found]:
    """Yield the units that are enabled, and that no role and no package enables."""
    rows = [line.split("\t") for line in answer.splitlines() if line.count("\t") == 2]
    made = [
        (path, helpers) for is_a, path, _ in rows for helpers in BY_PACKAGES if is_a == "f" and path.startswith(helpers)
    ]
    by_packages = {BY_PACKAGES[helpers] + path.removeprefix(helpers) for path, helpers in made}
    links = [_names(path, to) for is_a, path, to in rows if is_a == "l" and path.startswith(f"{ETC}/")]
    stated = [found.groups() for found in map(LINE.fullmatch, answer.splitlines()) if found]
    presets = [(verb.strip(), pattern) for _, verb, pattern in sorted(stated, key=_file) if verb != "Also="]
    if not presets:
        raise ValueError("systemd has presets of its own")
    enabled = {
        unit
        for link, names in links
        if link in by_packages or names & declared.units or any(enables(presets, name) for name in names)
        for unit in names
    }
    also = [(posixpath.basename(path), units) for path, what, units in stated if what == "Also="]
    along = {unit for one, units in also if one in enabled for unit in units.split()}
    for link, names in links:
        if names and link not in by_packages and not names & (enabled | along):
            yield Found(name=posixpath.basename(link), state=link)


def _file(line: Sequence[str]) -> str:
    return line[0]


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


def among_packages(answer: str, declared: Declarations) -> Iterator[Found]:  # noqa: ARG001  a search's signature
    """Yield the links of no package by which units are enabled as if their package did."""
    for one in walked(answer).of_no_package:
        if one.to and one.path.startswith(LIBRARIES):
            yield Found(name=one.path, state=one.to)


UNITS = Search(kind="unit", question=ENABLED, undeclared=undeclared, remove=("systemctl", "disable", "--now", "{name}"))
LINKED_UNITS = Search(
    kind="unit", question=QUESTION, undeclared=among_packages, is_slow=True, remove=("rm", "--", "{name}")
)


RUN = ("system", "user", "transient", "system-generators", "user-generators", "system.attached")
IGNORED = ("*.scope", "*.slice", "*/session-*.scope.d/*")
"""What systemd makes of every log-in."""
RUNNING = f"find {' '.join(f'/run/systemd/{of}' for of in RUN)} -mindepth 1 ! -type d {IN_DETAIL} | {ENCODED}"


def transient(answer: str, declared: Declarations) -> Iterator[Found]:
    """Yield the unit files that stand in memory, with their drop-ins and generators."""
    for file in standing(answer):
        if file.path not in declared.files and not any(matches(pattern, file.path) for pattern in IGNORED):
            yield Found(name=file.path, state=file.state)


TRANSIENT = Search(kind="transient-unit", question=RUNNING, undeclared=transient)
