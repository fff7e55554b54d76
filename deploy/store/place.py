"""Where runs are recorded, and under which id: a directory of this machine, or a PostgreSQL database.

A directory whose mode gives its group everything, with setgid, is shared: each file in it is made for the group, too.
Not here: what is kept there (`sql`), and how it is opened (`opening`).
"""

from __future__ import annotations

import contextlib
import errno
import grp
import os
import re
import secrets
import stat
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from deploy.store.ports import StoreError
from inventory.errors import UsageError

SYSTEM = Path("/var/lib/samdrift/store")
"""The store of root, and of the members of GROUP. Not its parent: there root's own programs lie (guards, handlers that
a host owes), and whoever may write to a directory may put something else in their place."""

GROUP = "samdrift"

SHARED = stat.S_ISGID | stat.S_IRWXG

ON_NETWORK = (
    *("nfs", "cifs", "smb", "fuse.sshfs", "ceph", "glusterfs", "lustre", "afs", "beegfs"),
    *("9p", "virtiofs", "fuse.virtiofs", "vboxsf", "prl_fs", "fuse.vmhgfs"),  # what a virtual machine has of its host
)
"""How file systems begin whose memory two machines do not share."""


class Database(str):
    """The URL of a PostgreSQL database. It has no password: that is libpq's business (PGPASSFILE, ~/.pgpass)."""

    __slots__ = ()


def place_of(named: str) -> Path | Database:
    """Return the place that `--state` names.

    Raises:
        UsageError: it is a URL that cannot be, or that has a password in it.
    """
    if "://" not in named:
        return Path(named)
    scheme = named.partition("://")[0]
    where, fix = f"--state {scheme}://…", "a directory, or postgresql://USER@HOST/DATABASE"
    if scheme not in {"postgresql", "postgresql+psycopg"}:
        raise UsageError("no such database", where=where, fix=fix)
    try:
        parts = urlsplit(named)
        _ = parts.port
    except ValueError:
        raise UsageError("that is no URL", where=where, fix=fix) from None
    if parts.password or "password=" in parts.query:
        fix = "keep it in ~/.pgpass, or in the file that PGPASSFILE names"
        raise UsageError("a password on a command line is read by everybody on this machine", where=where, fix=fix)
    return Database(named)


def default_directory() -> Path:
    """Return where the stores are if nobody says: the system's place for root and its group, or the user's own."""
    if os.geteuid() == 0 or os.access(SYSTEM, os.R_OK | os.W_OK | os.X_OK):
        return SYSTEM
    if (
        _group() in os.getgroups() and SYSTEM.parent.exists()
    ):  # a store of one's own beside it would hide what others did
        fix = f"as root: chmod 711 {SYSTEM.parent}; chgrp {GROUP} {SYSTEM}; chmod 2770 {SYSTEM}"
        raise StoreError("the store is not shared with its group", where=str(SYSTEM), fix=fix)
    return own_directory()


def own_directory() -> Path:
    """Return where this user's own files are, shared with nobody."""
    if os.geteuid() == 0:
        return SYSTEM.parent
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


def store_directory(path: Path) -> Path:
    """Make the directory of a store: root's for GROUP where there is one, any other for its owner alone.

    Raises:
        StoreError: as `private_directory`.
    """
    new = not path.exists()
    private_directory(path)
    if new and path == SYSTEM and os.geteuid() == 0 and (group := _group()) is not None:
        with naming(path):
            path.parent.chmod(path.parent.stat().st_mode | 0o011)  # to get through, not to see
            os.chown(path, 0, group)
            path.chmod(SHARED | 0o700)
    return path


def store_file(path: Path) -> int:
    """Open a file of a store, made if there is none, readable and writable for whoever the directory is shared with.

    The modes are set whatever the umask is, and of a file of the store alone: a link is not followed. SQLite gives its
    `-wal` and `-shm` files the mode of the database.

    Returns:
        a descriptor, to be closed by the caller.

    Raises:
        StoreError: it cannot be opened.
    """
    with naming(path):
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK, 0o600)
        there, of_directory = os.fstat(descriptor), path.parent.stat()
        if not stat.S_ISREG(there.st_mode) or there.st_nlink != 1:  # who shares the directory may have linked it
            os.close(descriptor)
            raise OSError(errno.EINVAL, "it is no file of its own: another name leads to it, or it to another file")
        if of_directory.st_mode & SHARED == SHARED and there.st_uid == os.geteuid():
            os.fchmod(descriptor, 0o660)
            if there.st_gid != of_directory.st_gid:
                os.fchown(descriptor, -1, of_directory.st_gid)
        return descriptor


def on_network(path: Path) -> bool:
    """Return whether a directory is on a file system that other machines may have, too."""
    found, path = ("", ""), path.resolve()
    with contextlib.suppress(OSError):
        for line in Path("/proc/self/mountinfo").read_text(encoding="utf-8", errors="replace").splitlines():
            fields, _, kind = line.partition(" - ")
            mounted = re.sub(r"\\([0-7]{3})", lambda m: chr(int(m[1], 8)), fields.split(" ")[4])
            if len(mounted) >= len(found[0]) and path.is_relative_to(mounted):
                found = (mounted, kind.split(" ")[0])
    return found[1].startswith(ON_NETWORK)


def _group() -> int | None:
    try:
        return grp.getgrnam(GROUP).gr_gid
    except KeyError:
        return None


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


def record_id(started: str, command: str) -> str:
    """Make a new record's id: it sorts by time, names the command, and is of this run alone."""
    return f"{re.sub('[-:]', '', started)}-{command}-{secrets.token_hex(2)}"
