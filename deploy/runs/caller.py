"""Who runs samdrift, as the kernel says, and which process that is. The caller's environment decides nothing of it.

The kernel gives each login a number that no change of user changes, `sudo` included (loginuid, see `pam_loginuid`).
Where nobody logged in (a timer, a container), the account that the process runs as is all that is known.
"""

from __future__ import annotations

import os
import pwd
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from deploy.model.record import Process

PROC = Path("/proc")

NO_LOGIN = 2**32 - 1
"""What the kernel says of a process that no login began."""

CLAIMS = ("SUDO_USER", "LOGNAME", "USER")
"""The variables by which an environment says who it belongs to."""


class Caller(NamedTuple):
    """Who runs samdrift.

    Attributes:
        who: who logged in, and on which machine; without a login, the account.
        account: the account that the process runs as, where that is another.
        claimed: who the environment says it is, where that is neither.
    """

    who: str
    account: str = ""
    claimed: str = ""


def caller(environment: Mapping[str, str] = os.environ) -> Caller:
    """Return who runs this process."""
    account = name_of(os.getuid())
    login = login_in(PROC / "self" / "loginuid")
    person = account if login is None else name_of(login)
    claims = (environment.get(variable, "") for variable in CLAIMS)
    claimed = next((c for c in claims if c not in {"", person, account}), "")
    return Caller(f"{person}@{socket.gethostname()}", "" if account == person else account, claimed)


def this_process() -> Process:
    """Return which process this is."""
    from deploy.model.record import Process  # noqa: PLC0415  whoever only asks who it is need not load all values

    pid = os.getpid()
    return Process(machine=socket.gethostname(), boot=boot(), pid=pid, since=_since(pid))


def is_over(process: Process) -> bool | None:
    """Tell whether a process has ended; None if only another machine knows."""
    if process.machine != socket.gethostname():
        return None
    if process.boot != boot():
        return True
    try:
        os.kill(process.pid, 0)
    except ProcessLookupError:
        return True
    except PermissionError:  # it is another user's: there is one
        pass
    return _since(process.pid) not in {0, process.since}


def login_in(loginuid: Path) -> int | None:
    """Return the user number of the login that this file of the kernel's names; None if no login began the process."""
    try:
        uid = int(loginuid.read_text(encoding="ascii"))
    except (OSError, ValueError):  # a kernel without audit
        return None
    return None if uid == NO_LOGIN else uid


def name_of(uid: int) -> str:
    """Return the name of a user number; the number itself, where it has none."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:  # a container's number, say
        return f"uid {uid}"


def boot() -> str:
    """Return the kernel's name of this start of the machine; empty if it has none."""
    try:
        return (PROC / "sys" / "kernel" / "random" / "boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return ""


def _since(pid: int) -> int:
    """Return when a process began, in the kernel's ticks; 0 if it is not shown."""
    try:
        stat = (PROC / str(pid) / "stat").read_text(encoding="utf-8", errors="replace")
        return int(stat.rpartition(")")[2].split()[19])
    except (OSError, ValueError, IndexError):
        return 0
