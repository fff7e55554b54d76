"""The lab's own git repository of samdrift: the checkout as it stands, also what of it nobody has committed yet.

From it a lab host that has samdrift (role `drift_watch`) installs the samdrift that is rehearsed. The checkout's own
repository is neither read nor written, if it has one.
"""

from __future__ import annotations

import fcntl
import os
import subprocess
from pathlib import Path

from deploy.lab.machine import LabError
from inventory.paths import PROJECT

RUNS = ("deploy", "inventory", "roles", "templates", "tests/state", "pyproject.toml", "setup.py", ".gitignore")
"""What samdrift is installed from."""

NOBODY = {
    f"GIT_{who}_{what}": value
    for who in ("AUTHOR", "COMMITTER")
    for what, value in (("NAME", "lab"), ("EMAIL", "lab@localhost"), ("DATE", "2000-01-01T00:00:00Z"))
}
"""Who commits, and when: the same files are the same commit."""


def committed(repository: Path, project: Path | None = PROJECT) -> str:
    """Commit the checkout as it stands, and return the commit; empty where samdrift runs from no checkout, or there is
    no git.
    """
    if project is None:
        return ""
    try:
        if not (repository / "HEAD").exists():
            repository.mkdir(parents=True, exist_ok=True)
            _git(repository, project, "init", "--quiet", "--initial-branch=lab", bare=True)
    except FileNotFoundError:  # git
        return ""
    with (repository / "samdrift.lock").open("w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # commands for one lab may run side by side
        _git(repository, project, "add", "--all", "--", *(name for name in RUNS if (project / name).exists()))
        tree = _git(repository, project, "write-tree")
        commit = _git(repository, project, "commit-tree", tree, "-m", "The checkout that the lab is of")
        _git(repository, project, "update-ref", "refs/heads/lab", commit)
        return commit


def _git(repository: Path, project: Path, *words: str, bare: bool = False) -> str:
    environment = {k: v for k, v in os.environ.items() if not k.startswith("GIT_")} | NOBODY
    where = ["--bare"] if bare else [f"--work-tree={project}"]
    options = ("-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false", "-c", "core.autocrlf=false")
    command = ["git", f"--git-dir={repository}", *where, *options, *words]
    done = subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        what = f"the checkout could not be committed for the lab: {' '.join(done.stderr.split())}"
        raise LabError(what, where=str(repository), fix="remove that directory: it is made anew")
    return done.stdout.strip()
