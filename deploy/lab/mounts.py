"""Find and remove what is mounted at or below a directory."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

from deploy.lab.machine import LabError, run


def mounts(below: Path) -> list[Path]:
    """Return the mount points at or below a directory, in the order of mounting."""
    table = Path("/proc/self/mountinfo").read_text(encoding="utf-8", errors="surrogateescape")
    return [place for place in mount_points(table) if place.is_relative_to(below)]


def mount_points(mountinfo: str) -> Iterator[Path]:
    """Yield the mount points in the text of a `mountinfo`, whose spaces and the like are written in octal."""
    for line in mountinfo.splitlines():
        raw = line.split(" ")[4].encode("utf-8", "surrogateescape")
        plain = re.sub(rb"\\([0-7]{3})", lambda m: bytes([int(m[1], 8)]), raw)
        yield Path(os.fsdecode(plain))


def unmount(below: Path) -> None:
    """Unmount everything at or below a directory, the last one first."""
    for place in reversed(mounts(below)):
        try:
            run("umount", place)
        except LabError:  # someone's shell stands in it: it goes when they leave
            run("umount", "--lazy", place)
