"""Put the pages of all readers in place for a web server: all at once, or not at all.

Each set of pages is a directory below `versions/`, named by what it holds, and `current` is a link to the one that is
served: it is moved when a new one is whole and on the disk. The one before is kept, for whoever is just reading it.
Files are their owner's and their group's alone; the group is the directory's (set-group-ID). Not here: what the pages
say (`report.watch_pages`).
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from deploy.report.page import ReportError

CURRENT, VERSIONS, LOCK = "current", "versions", ".lock"
VERSION = re.compile(r"[0-9a-f]{32}")
UNFINISHED = ".new"
FIX = "name a directory of its own, which this account may write"


@contextmanager
def publishing(directory: Path) -> Iterator[None]:
    """Be alone at a directory of pages, so that what is read last is put in place last.

    Raises:
        ReportError: it cannot be used, or holds what samdrift did not put there.
    """
    try:
        directory.mkdir(parents=True, exist_ok=True, mode=0o750)
        strangers = sorted({p.name for p in directory.iterdir()} - {CURRENT, VERSIONS, LOCK})
        if strangers:
            raise ReportError(f"has something else in it: {strangers[0]}", where=str(directory), fix=FIX)
        lock = os.open(directory / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except OSError as e:
        raise ReportError(f"cannot be used: {e.strerror}", where=str(directory), fix=FIX) from e
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


def publish(files: Mapping[str, bytes], directory: Path) -> bool:
    """Put these files in the place of all that were there; tell whether anything is other than it was.

    Raises:
        ReportError: they could not be written; what was served before still is.
    """
    version, before = _named(files), os.umask(0o027)
    try:
        versions = directory / VERSIONS
        versions.mkdir(exist_ok=True)
        served = _served(directory)
        if served == version:
            return False
        _write(files, versions, version)
        _point(directory, version)
        _clear(versions, {version, served})
    except OSError as e:
        raise ReportError(f"cannot write the pages: {e.strerror}", where=str(directory), fix=FIX) from e
    finally:
        os.umask(before)
    return True


def _named(files: Mapping[str, bytes]) -> str:
    """Return the name of a version: a digest of what it holds."""
    whole = hashlib.sha256()
    for path, data in sorted(files.items()):
        whole.update(f"{len(path)} {path} {len(data)}\n".encode())
        whole.update(data)
    return whole.hexdigest()[:32]


def _served(directory: Path) -> str:
    """Return the version that is served; empty if there is none."""
    try:
        return (directory / CURRENT).readlink().name
    except FileNotFoundError:
        return ""


def _write(files: Mapping[str, bytes], versions: Path, version: str) -> None:
    """Write a version beside its place, and name it when all of it is on the disk."""
    if (versions / version).is_dir():
        return
    beside = versions / UNFINISHED
    shutil.rmtree(beside, ignore_errors=True)  # of one that was killed: whoever publishes is alone
    for path, data in files.items():
        file = beside / path
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("xb") as new:
            new.write(data)
    os.sync()
    beside.rename(versions / version)


def _point(directory: Path, version: str) -> None:
    """Serve a version from now on."""
    beside = directory / f"{VERSIONS}/{UNFINISHED}.{CURRENT}"
    beside.unlink(missing_ok=True)
    beside.symlink_to(f"{VERSIONS}/{version}")
    beside.replace(directory / CURRENT)


def _clear(versions: Path, kept: Collection[str]) -> None:
    """Remove the versions that are neither served nor were just before."""
    for version in versions.iterdir():
        if VERSION.fullmatch(version.name) and version.name not in kept:
            shutil.rmtree(version)
