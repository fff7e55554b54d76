"""What a walk over a host's disks answers, made up: of files without a package, changed ones, and privileged ones."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping

from roles.shared.searches.walk import CHANGED, PRIVILEGED

DIGEST = "ab" * 32
HEALTHY = {"/usr/bin/passwd": "4755 root:root", "/usr/sbin/unix_chkpwd": "2755 root:shadow"}


def walk(
    *paths: str,
    links: Mapping[str, str] | None = None,
    directories: Iterable[str] = (),
    changed: Iterable[str] = (),
    privileged: Mapping[str, str] | None = None,
    capable: Iterable[str] = (),
) -> str:
    """Return the answer of a host with these files; all are known by their content."""
    paths, changed = ("/etc/passwd", *paths), list(changed)
    rights = HEALTHY if privileged is None else privileged
    words = [word for path in paths for word in (path, "f 644 root:root 12", "")]
    words += [word for path, to in (links or {}).items() for word in (path, "l 777 root:root 9", to)]
    words += [word for path in directories for word in (path, "d 755 root:root 4096", "")]
    words += [CHANGED, "d 555 root:root 0", ""]
    words += [word for path in changed for word in (path, "f 644 root:root 12", "")]
    words += [PRIVILEGED, "d 555 root:root 0", ""]
    words += [word for path, mode in rights.items() for word in (path, f"f {mode} 12", "")]
    sums = (f"{DIGEST}  {path}" for path in (*paths, *changed, *rights))
    files = base64.b64encode("\0".join([*words, "sums", *sums, "files", ""]).encode()).decode()
    return "\n".join([*capable, f"files {files}"])
