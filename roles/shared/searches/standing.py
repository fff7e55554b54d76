"""Files on a host in detail, told the same way by each search that names files. Pure."""

from __future__ import annotations

import base64
from functools import cache

from inventory.frozen import Frozen

IN_DETAIL = r"-printf '%p\0%y %m %u:%g %s\0%l\0' -type f -size -2048k -exec sha256sum -z -- {} +"
"""Has `find` tell of files, which begin with a slash: path; type, mode, owner, size; where a link leads. Between them
come sums of what they contain, as sha256sum writes them; before it starts one, find writes what it has.
"""
ENCODED = "base64 -w0"


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
    for word in words:
        if word.startswith("/"):
            found.append((word, next(words), next(words)))
        else:
            digest, _, path = word.partition("  ")
            digests[path] = digest
    return tuple(Standing(path=p, what=what, to=to, digest=digests.get(p, "")) for p, what, to in found)
