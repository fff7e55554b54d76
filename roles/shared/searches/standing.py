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
    """Return the files that an answer tells of."""
    found: dict[str, Standing] = {}
    words = iter(base64.b64decode(answer).decode("utf-8", "backslashreplace").split("\0")[:-1])
    for path in words:
        if path == SUMS:  # a path begins with a slash
            for line in iter(partial(next, words), FILES):
                digest, _, of = line.partition("  ")
                found[of] = found[of].model_copy(update={"digest": digest})
        else:
            found[path] = Standing(path=path, what=next(words), to=next(words))
    return tuple(found.values())
