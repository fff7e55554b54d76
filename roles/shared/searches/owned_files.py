"""Files that no role declares in directories that a role owns (`OWNS`). Pure."""

from __future__ import annotations

import base64
import shlex
from collections.abc import Iterator, Sequence

from roles.shared.searches.search import FILE, Declarations, Found, Search

FILES = (
    r"{{ find {places} -mindepth 1 -maxdepth 1 ! -type d -printf '%p\0%y %m %u:%g %s %l\0'; printf '\0\0\0';"
    " find {places} -mindepth 1 -maxdepth 1 -type f -size -2048k -exec sha256sum -z -- {{}} +; }} 2>/dev/null"
    " | base64 -w0"
)
"""Lists the files in directories: path; type, mode, owner, size, where a link leads; and what SHA-256 each has."""


def owned_files(directories: Sequence[str]) -> Search:
    """Return the search for the files in directories that a role owns."""
    places = " ".join(map(shlex.quote, directories))
    return Search(kind=FILE, question=FILES.format(places=places), undeclared=undeclared, needs_all=False)


def undeclared(answer: str, declared: Declarations) -> Iterator[Found]:
    """Yield the files that no role declares."""
    found, _, digests = base64.b64decode(answer).decode("utf-8", "backslashreplace").partition("\0\0\0")
    content = {path: digest for digest, _, path in (line.partition("  ") for line in digests.split("\0"))}
    words = iter(found.split("\0"))
    for path, state in zip(words, words, strict=False):
        if path not in declared.files:
            yield Found(name=path, state=f"{state} {content.get(path, '')}".strip())
