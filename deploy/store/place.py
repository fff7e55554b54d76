"""Where runs are recorded on this machine, by whom, and under which id. Not here: what is kept there (`json_files`)."""

from __future__ import annotations

import contextlib
import getpass
import os
import re
import secrets
from collections.abc import Iterator
from pathlib import Path

from deploy.store.ports import StoreError


def default_directory() -> Path:
    """Return where the stores are if nobody says: the system's place for root, the user's own otherwise."""
    if os.geteuid() == 0:
        return Path("/var/lib/samdrift")
    base = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(base) / "samdrift"


def private_directory(path: Path) -> Path:
    """Make a directory for its owner alone; one that exists keeps its mode.

    Raises:
        StoreError: it cannot be made, or this user cannot read and write it.
    """
    with naming(path):
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not os.access(path, os.R_OK | os.W_OK | os.X_OK):
            raise PermissionError(13, os.strerror(13))
    return path


@contextlib.contextmanager
def naming(path: Path) -> Iterator[None]:
    """Raise a StoreError that names this path, instead of an error of the operating system."""
    try:
        yield
    except OSError as e:
        raise StoreError(
            f"the state cannot be used: {e.strerror or e}",
            where=str(path),
            fix="run as its owner, or choose another --state",
        ) from e


def person() -> str:
    """Return who is behind this run: the user who called sudo, or the one logged in."""
    with contextlib.suppress(KeyError, OSError):  # no such user in passwd: a container's number, say
        return os.environ.get("SUDO_USER") or getpass.getuser()
    return f"uid {os.getuid()}"


def record_id(started: str, command: str) -> str:
    """Make a new record's id: it sorts by time, names the command, and is of this run alone."""
    return f"{re.sub('[-:]', '', started)}-{command}-{secrets.token_hex(2)}"
