"""A file that is put in place whole or not at all: nobody ever reads half of it."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path


def put_in_place(path: Path, data: bytes, *, mode: int = 0o600, durable: bool = True) -> None:
    """Write a file beside its place, where only its owner can read it, and rename it there.

    Args:
        durable: have it on the disk before this returns; what can be made again need not wait for that.

    Raises:
        OSError: it could not be written; what was there before is as it was.
    """
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    beside = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            if durable:
                file.flush()
                os.fsync(file.fileno())
        beside.chmod(mode)
        beside.replace(path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise
    if durable:
        _sync_directory(path.parent)


def is_stream(path: Path) -> bool:
    """Tell whether a path names what is written to and never replaced: a pipe, a terminal, /dev/null, or /dev/stdout,
    whatever that leads to.
    """
    named_by_system = path.is_symlink() and path.absolute().parts[1:2] in {("dev",), ("proc",)}
    return path.exists() and (named_by_system or not (path.is_file() or path.is_dir()))


def _sync_directory(path: Path) -> None:
    """Write a directory to disk: only then does a rename survive a power cut."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        close_now(descriptor)


def close_now(descriptor: int) -> None:
    """Close a descriptor at once. Where gevent has patched `os.close`, that waits until gevent's loop runs again: a
    thousand writes in a row would leave a thousand open, which is as many as an ordinary user may have.
    """
    os.closerange(descriptor, descriptor + 1)
