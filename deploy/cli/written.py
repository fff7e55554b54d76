"""Files that a command writes beside its answer: refused before any host is asked, and put in place whole.

A pipe, a terminal or /dev/null is written to and never replaced. A link is replaced and not followed: somebody else may
have put it there. Not here: what stands in the files (`report`), and plan files (`model.plan_file`).
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from pathlib import Path

from inventory.errors import SamdriftError
from inventory.whole_file import is_stream, put_in_place

OWNERS_ALONE = 0o600


def refuse_unwritable(files: Iterable[Path], what: str) -> None:
    """Refuse a run whose files could not be written: now, and not after it.

    Raises:
        SamdriftError: one cannot be written, or two are the same.
    """
    seen = set[Path]()
    for file in files:
        try:
            place = file.parent.resolve() / file.name
            why = "it is named twice" if place in seen else _unwritable(file, file.absolute().parent)
            if not is_stream(file):
                seen.add(place)
        except OSError as e:
            why = str(e.strerror)
        if why:
            raise SamdriftError(f"cannot write the {what}: {why}", where=str(file), fix="choose another file")


def _unwritable(file: Path, parent: Path) -> str:
    """Return why a file cannot be written; empty if it can."""
    if file.is_dir():
        return "it is a directory"
    if file.is_block_device():
        return "it is a disk"
    if not parent.is_dir():
        return f"there is no directory {parent}"
    places = [file] if is_stream(file) else [parent, *([file] if file.exists() else [])]
    return "" if all(os.access(place, os.W_OK) for place in places) else "not permitted"


def write(file: Path, text: str, *, mode: int | None = None) -> None:
    """Write a file, which its owner alone can read, since it may quote what hosts have; or who could read it before, if
    that was one's own.

    Args:
        mode: who may read it, whoever could before.

    Raises:
        OSError: it could not be written; what was there before is as it was.
    """
    if is_stream(file):
        file.write_bytes(text.encode())
    else:
        put_in_place(file.absolute(), text.encode(), mode=mode or _own_mode(file), durable=False)


def _own_mode(file: Path) -> int:
    try:
        there = file.lstat()
    except FileNotFoundError:
        return OWNERS_ALONE
    own = stat.S_ISREG(there.st_mode) and there.st_uid == os.geteuid()
    return stat.S_IMODE(there.st_mode) if own else OWNERS_ALONE
