"""`directory` and `debian_permissions`: owners and modes that nobody has loosened."""

from __future__ import annotations

from pyinfra.operations import files


def directory(path: str, mode: str) -> None:
    """Declare a directory of root's."""
    files.directory(name=f"directory {path}", path=path, user="root", group="root", mode=mode)


def debian_permissions() -> None:
    """Declare Debian's own permissions, to find what somebody loosened."""
    for path in ("/etc/cron.d", "/etc/cron.hourly", "/etc/cron.daily", "/etc/cron.weekly", "/etc/cron.monthly"):
        directory(path, "755")
    directory("/root", "700")
    directory("/etc/ssh", "755")
    for path, group, mode in (
        ("/etc/passwd", "root", "644"),
        ("/etc/group", "root", "644"),
        ("/etc/shadow", "shadow", "640"),
        ("/etc/gshadow", "shadow", "640"),
    ):
        files.file(name=f"owner and mode of {path}", path=path, user="root", group=group, mode=mode)
