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
import shlex
from collections.abc import Iterable, Iterator
from functools import cache

from inventory.frozen import Frozen
from roles.shared.searches.known_files import KNOWN
from roles.shared.searches.search import STRAY, Declarations, Found, Search, matches

PLACES = ("/etc", "/usr", "/boot", "/opt", "/var/spool/cron", "/var/spool/at", "/var/www", "/var/lib/systemd/linger")
LEADS_NOWHERE = ("/dev/null", "/proc/", "/run/")
"""Where links lead that start nothing: a masked unit, the kernel's own files."""
DIGESTED = 1024 * 1024
"""Bytes up to which a file's content is a part of what is known of it."""
FEW = 10
"""So many files in a directory of nobody's are told each; of more, the directory."""
LEAST_OWNED = 1000
"""So many files do dpkg's lists name at least on a host that runs."""

LISTS = (
    "cat /var/lib/dpkg/info/*.list; awk 'NR % 3 == 2' /var/lib/dpkg/diversions; "
    "md5sum -c /var/lib/ucf/hashfile | sed -n 's/: OK$//p'"
)
"""Lists what packages brought, and what ucf installed for them that nobody has changed."""
FIND = (
    f"find {shlex.join(PLACES)} -xdev -name __pycache__ -prune -o "
    r"-printf '%y %m %u:%g %s\002%p\002%l\0' | tr '\0\n' '\n\001'"
)
COMPARE = r"""
function merged(path) { if (path ~ /^\/(bin|sbin|lib|lib32|lib64|libx32|libo32)\//) return "/usr" path; return path }
NF < 3 { if (!(merged($0) in owned)) { owned[merged($0)]; known++ }; next }
$2 in owned { next }
{ print }
/^f/ { split($1, word, " "); if (word[4] < largest) digested = digested $2 "\n" }
END {
    if (known < least) exit 3
    fflush(); printf "\n"; fflush()
    printf "%s", digested | "tr '\\n\\001' '\\0\\n' | xargs -0r sha256sum -z -- | tr '\\0\\n' '\\n\\001'"
}
"""
QUESTION = (
    f"{{ {LISTS}; {FIND}; }} | awk -F '\\002' -v largest={DIGESTED} -v least={LEAST_OWNED} {shlex.quote(COMPARE)}"
)


class Stray(Frozen):
    """A file, a link or a directory that no package lists. `state` is its type, mode, owner and size."""

    path: str
    state: str
    leads_to: str = ""

    @property
    def is_directory(self) -> bool:
        return self.state.startswith("d")

    @property
    def is_harmless_link(self) -> bool:
        """Tell whether it is a link to what is judged by itself, or to what can start nothing."""
        if not self.leads_to:
            return False
        to = posixpath.normpath(posixpath.join(posixpath.dirname(self.path), self.leads_to))
        places = (*(f"{place}/" for place in PLACES), "/bin/", "/sbin/", "/lib/", "/lib64/", *LEADS_NOWHERE)
        return to.startswith(places) or to in PLACES


def read(answer: str) -> Iterator[Stray]:
    """Yield what no package lists, each file with the digest of its content."""
    listed, _, digests = answer.partition("\n\n")
    content = {path: digest for digest, _, path in (line.partition("  ") for line in digests.split("\n"))}
    for line in listed.split("\n"):
        if line:
            state, _, named = line.partition("\2")
            path, _, leads_to = named.rpartition("\2")
            text = f"{state} {content.get(path, '')}".strip()
            yield Stray(path=_named(path), state=text, leads_to=_named(leads_to))


def _named(path: str) -> str:
    """Return a path as it is: the host says a line break otherwise."""
    return path.replace("\1", "\n")


def undeclared(answer: str, declared: Declarations) -> Iterator[Found]:
    """Yield the files of nobody's; of a directory with many of them, the directory."""
    everything = tuple(read(answer))
    expected = (*KNOWN, *declared.expects.get(STRAY, ()))
    files = [
        one
        for one in everything
        if not (one.is_directory or one.is_harmless_link or one.path in declared.files)
        and posixpath.dirname(one.path) not in declared.owned
        and not is_known(one.path, expected)
    ]
    strange = {one.path for one in everything if one.is_directory}
    by_directory: dict[str, list[Stray]] = {}
    for one in files:
        by_directory.setdefault(_topmost(one.path, strange), []).append(one)
    for directory, of in by_directory.items():
        if directory and len(of) > FEW:
            yield Found(name=directory, state=f"{len(of)} files {_digest(of)}")
        else:
            yield from (Found(name=one.path, state=one.state) for one in of)


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


def _digest(files: Iterable[Stray]) -> str:
    text = "\n".join(sorted(f"{one.path} {one.state}" for one in files))
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:16]


STRAY_FILES = Search(kind=STRAY, question=QUESTION, undeclared=undeclared, remove=("rm", "-r", "--", "{name}"))
