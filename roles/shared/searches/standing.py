"""Files on a host in detail, told the same way by each search that names files. Pure."""

from __future__ import annotations

import base64
from functools import cache, partial

from inventory.frozen import Frozen

SUMS, FILES = "sums", "files"
DETAIL = (
    r"""xargs -0r sh -c 'find "$@" -maxdepth 0 -printf "%p\0%y %m %u:%g %s\0%l\0"; """
    rf"""printf "{SUMS}\0"; find "$@" -maxdepth 0 -type f -size -2048k -exec sha256sum -z -- {{}} +; """
    rf"""printf "{FILES}\0"' sh | base64 -w0"""
)
"""Tells of paths from stdin, ended by NUL: path; type, mode, owner, size; where a link leads; and its SHA-256."""


class Standing(Frozen):
    """A file as it stands on a host: `what` is its type, mode, owner and size, `to` where it leads if it is a link."""

    path: str
    what: str
    to: str = ""
    digest: str = ""

    @property
    def state(self) -> str:
        """Return what tells it from another file at its path."""
        return " ".join(filter(None, (self.what, self.to, self.digest)))


@cache
def standing(answer: str) -> tuple[Standing, ...]:
    """Return the files that an answer tells of, in its order."""
    found: list[tuple[str, str, str]] = []
    digests: dict[str, str] = {}
    words = iter(base64.b64decode(answer).decode("utf-8", "backslashreplace").split("\0")[:-1])
    for path in words:
        if path == SUMS:  # a path begins with a slash
            lines = (line.partition("  ") for line in iter(partial(next, words), FILES))
            digests.update({of: digest for digest, _, of in lines})
        else:
            found.append((path, next(words), next(words)))
    return tuple(Standing(path=p, what=what, to=to, digest=digests.get(p, "")) for p, what, to in found)
