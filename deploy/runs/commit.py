"""The commit of samdrift's own code, as git says it.

Not here: the digest of what plans are computed by (`model.code`).
"""

from __future__ import annotations

import os
import subprocess
from functools import cache

from deploy.model.code import Commit
from inventory.paths import PROJECT

OURS = ("deploy", "inventory", "roles", "templates", "tests/state")
"""What decides over hosts: a plan file that lies beside it makes no checkout dirty."""

SECONDS = 10
"""Git answers at once; a file system that does not must not hold a plan up."""


@cache
def commit() -> Commit | None:
    """Return the commit of the checkout that samdrift runs from; None where git does not know one. It is asked once.

    Nothing of the checkout is run or written, whoever it belongs to: no hook, no monitor, no refreshed index.
    """
    if PROJECT is None:
        return None
    asked = ("status", "--porcelain=v2", "--branch", "--untracked-files=normal", "--", *OURS)
    options = ("-c", f"safe.directory={PROJECT}", "-c", "core.fsmonitor=false", "--no-optional-locks")
    environment = {k: v for k, v in os.environ.items() if not k.startswith("GIT_")}
    environment |= {"GIT_CEILING_DIRECTORIES": str(PROJECT.parent), "LC_ALL": "C"}
    try:
        done = subprocess.run(
            ["git", "-C", PROJECT, *options, *asked],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            env=environment,
            timeout=SECONDS,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return commit_in(done.stdout.decode(errors="replace"))


def commit_in(status: str) -> Commit | None:
    """Read what git says of a checkout (`status --porcelain=v2 --branch`); None if nothing was ever committed."""
    lines = status.splitlines()
    found = next((line.removeprefix("# branch.oid ") for line in lines if line.startswith("# branch.oid ")), "")
    if not found or not set(found) <= set("0123456789abcdef"):
        return None
    return Commit(id=found, dirty=any(not line.startswith("#") for line in lines))
