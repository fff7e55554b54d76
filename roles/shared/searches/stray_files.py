"""Files that no package and no role brought, where programs are started from, are set up and are found. Pure.

Nearly every way to stay on a host is such a file: a unit, a rule of udev's, a hook of apt's, a script for the log-in,
a library, a program. So nothing is looked for by name: all that is below these places is compared with dpkg's lists,
with what ucf installed and nobody changed, with what roles declare, and with what healthy hosts have besides
(`known_files`).

Not here: a package's file that was changed (`package_files`), directories that a role owns (`owned_files`), and homes
(`homes`).
"""

from __future__ import annotations

import hashlib
import posixpath
from collections.abc import Iterable, Iterator
from functools import cache

from roles.shared.searches.known_files import KNOWN
from roles.shared.searches.search import STRAY, Declarations, Found, Search, matches
from roles.shared.searches.standing import Standing
from roles.shared.searches.walk import PLACES, QUESTION, walked

OF_EVERYBODY = frozenset(
    (
        *PLACES,
        "/etc/opt",
        *(f"/usr/local/{of}" for of in ("bin", "etc", "games", "include", "lib", "libexec", "sbin", "share", "src")),
        "/usr/local/share/man",
        "/var/www/html",
    )
)
"""Directories that Debian makes on every host, though no package lists all of them."""
LEADS_NOWHERE = ("/proc/", "/run/")
"""Where links lead that start nothing: a masked unit, the kernel's own files."""
FEW = 10
"""So many files in a directory of nobody's are told each; of more, the directory."""
OF_NO_PACKAGE, OF_A_PACKAGE = "/etc/passwd", "/usr/bin/dpkg"
"""Of every host."""


def leads_to_nothing(one: Standing) -> bool:
    """Tell whether it is a link to what is judged by itself, or to what can start nothing."""
    if not one.to:
        return False
    to = posixpath.normpath(posixpath.join(posixpath.dirname(one.path), one.to))
    places = (*(f"{place}/" for place in PLACES), "/bin/", "/sbin/", "/lib/", "/lib64/", *LEADS_NOWHERE)
    return to.startswith(places) or to in (*PLACES, "/dev/null")


def undeclared(answer: str, declared: Declarations) -> Iterator[Found]:
    """Yield the files of nobody's; of a directory with many of them, the directory."""
    everything = walked(answer).of_no_package
    paths = {one.path for one in everything}
    if OF_NO_PACKAGE not in paths or OF_A_PACKAGE in paths:
        raise ValueError("not what dpkg's lists say")
    expected = (*KNOWN, *declared.expects.get(STRAY, ()))
    files = [
        one
        for one in everything
        if not (is_directory(one) or leads_to_nothing(one) or one.path in declared.files)
        and posixpath.dirname(one.path) not in declared.owned
        and not is_known(one.path, expected)
    ]
    strange = {one.path for one in everything if is_directory(one)} - OF_EVERYBODY
    by_directory: dict[str, list[Standing]] = {}
    for one in files:
        by_directory.setdefault(_topmost(one.path, strange), []).append(one)
    for directory, of in by_directory.items():
        if directory and len(of) > FEW:
            yield Found(name=directory, state=f"{len(of)} files {_digest(of)}")
        else:
            yield from (Found(name=one.path, state=one.state) for one in of)


def is_directory(one: Standing) -> bool:
    """Tell whether it is a directory: what is in it is told by itself."""
    return one.what.startswith("d")


@cache
def is_known(path: str, patterns: tuple[str, ...]) -> bool:
    """Tell whether a pattern names this path."""
    return any(matches(pattern, path) for pattern in patterns)


def _topmost(path: str, strange: set[str]) -> str:
    """Return the topmost directory of nobody's above a file; empty if there is none."""
    above = posixpath.dirname(path)
    found = ""
    while above in strange:
        found, above = above, posixpath.dirname(above)
    return found


def _digest(files: Iterable[Standing]) -> str:
    text = "\n".join(sorted(f"{one.path} {one.state}" for one in files))
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:16]


STRAY_FILES = Search(
    kind=STRAY, question=QUESTION, undeclared=undeclared, is_slow=True, remove=("rm", "-r", "--", "{name}")
)
