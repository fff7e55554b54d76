"""What a walk over a host's disks answers, made up: of files without a package, changed ones, and privileged ones."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

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
    rights = HEALTHY if privileged is None else privileged
    rows = [
        *(("nobodys", path, "f 644 root:root 12", "", DIGEST) for path in ("/etc/passwd", *paths)),
        *(("nobodys", path, "l 777 root:root 9", to, "") for path, to in (links or {}).items()),
        *(("nobodys", path, "d 755 root:root 4096", "", "") for path in directories),
        *(("changed", path, "f 644 root:root 12", "", DIGEST) for path in changed),
        *(("privileged", path, f"f {mode} 12", "", DIGEST) for path, mode in rights.items()),
        *(("capable", *line.rsplit(" ", 1)) for line in capable),
    ]
    return "".join("\t".join(map(written, row)) + "\n" for row in rows)


def written(word: str) -> str:
    """Write a word as hosts do: odd letters by number."""
    plain = (chr(b) if 32 <= b < 127 and b != 92 else f"\\x{b:02x}" for b in word.encode("utf-8", "surrogateescape"))
    return "".join(plain)
