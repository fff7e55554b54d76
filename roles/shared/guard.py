"""Guards: how a host keeps what a step may cut it off by, and puts it back by itself.

A step that can cut the way to its host (firewall, routing, sshd, VPN) declares a `Guard`. Pure text: what is kept
and put back, as shell commands. When a guard is armed, and who puts things back, is `deploy.engine.guard_script`'s
business.
"""

from __future__ import annotations

import shlex
from hashlib import sha256

from inventory.frozen import Frozen

RESTORES_AFTER = 60.0
"""Seconds after which a host that hears no more of samdrift puts itself back, if `apply --guard` says nothing else."""


class Guard(Frozen):
    """The way in which a host undoes one step: what is kept, how it is restored, and `by` what.

    `keep` writes down what is there, below the directory that it runs in; `restore`, run in the same directory, puts
    that back, however often it is run. `then` are commands that make programs read what was put back; they run after
    everything is, each once. A device that restores itself by its vendor's own means needs none of the three.
    """

    what: str
    keep: str = ""
    restore: str = ""
    then: tuple[str, ...] = ()
    by: str = "a timer on the host"

    @property
    def words(self) -> str:
        """Describe the guard for people who read a plan."""
        return f"{self.by} puts back: {self.what}"


def kept_file(path: str, then: tuple[str, ...] = ()) -> Guard:
    """Return a file as it is, with owner and mode, or that there is none."""
    p, copy = shlex.quote(path), f"file-{_name(path)}"
    beside = shlex.quote(f"{path}.samdrift-restored")
    return Guard(
        what=path,
        keep=f"if [ -e {p} ] || [ -L {p} ]; then cp -aT {p} {copy}; else : > {copy}.absent; fi",
        restore=f"if [ -e {copy}.absent ]; then rm -f {p}; else cp -aT {copy} {beside} && mv -fT {beside} {p}; fi",
        then=then,
    )


def kept_text(what: str, *, tell: str, put_back: str) -> Guard:
    """Keep what one command prints; another takes it on its standard input to put it back."""
    copy = f"text-{_name(what)}"
    return Guard(what=what, keep=f"{tell} > {copy}", restore=f"{put_back} < {copy}")


def _name(what: str) -> str:
    return sha256(what.encode()).hexdigest()[:12]
