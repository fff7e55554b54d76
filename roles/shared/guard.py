"""Guards: how a host keeps what a step may cut it off by, and puts it back by itself.

A step that can cut the way to its host (firewall, routing, sshd, VPN, who may log in) declares a `Guard`. Pure text:
what is kept, proved and put back, as shell commands. When a guard is armed, and who puts things back, is
`deploy.engine.guard_script`'s business.
"""

from __future__ import annotations

import shlex
from hashlib import sha256
from pathlib import PurePosixPath

from inventory.frozen import Frozen

RESTORES_AFTER = 60.0
"""Seconds after which a host that hears no more of samdrift puts itself back, if `apply --guard` says nothing else."""


class Guard(Frozen):
    """The way in which a host undoes one step: what is kept, how it is restored, and `by` what.

    All are shell commands, run in the directory of the guard:

    - `keep` writes down what is there;
    - `prove` fails, and says why, if what was kept could not be put back: then nothing is changed;
    - `restore` puts it back, however often it is run, and needs no disk space for that;
    - `forget` removes what `keep` wrote elsewhere than in the directory of the guard;
    - `then` make programs read what was put back; they run after everything is, each once;
    - `was_absent` tells whether there was nothing before, so that a program may well refuse to run without it.

    A device that restores itself by its vendor's own means needs none of them.
    """

    what: str
    keep: str = ""
    prove: str = ""
    restore: str = ""
    forget: str = ""
    then: tuple[str, ...] = ()
    was_absent: str = ""
    by: str = "a timer on the host"

    @property
    def words(self) -> str:
        """Describe the guard for people who read a plan."""
        return f"{self.by} puts back: {self.what}"


def kept_file(path: str, then: tuple[str, ...] = (), *, accepts: str = "") -> Guard:
    """Keep a file as it is, with owner and mode, or that there is none.

    The copy stands beside the file, on its filesystem, so that it is put back by a link and a rename: both work on a
    full disk. Its name is hidden and ends as a backup's: programs that read all of a directory pass over the one or the
    other (`pam-auth-update` reads what is hidden).

    Args:
        then: commands by which programs read it again.
        accepts: the command by which its program judges a file, in which `{path}` stands for it. A file that is refused
            before the change could be put back, and would be read by nobody.
    """
    target = PurePosixPath(path)
    p = shlex.quote(path)
    copy = shlex.quote(str(target.with_name(f".{target.name}.samdrift-kept~")))
    beside = shlex.quote(str(target.with_name(f".{target.name}.samdrift-restored")))
    absent = f"absent-{_name(path)}"
    same = f'if [ -L {p} ]; then [ "$(readlink {p})" = "$(readlink {copy})" ]; else cmp {p} {copy}; fi'
    judged = f" && {_not_refused(accepts.replace('{path}', copy))}" if accepts else ""
    return Guard(
        what=path,
        keep=f"rm -f {copy}; if [ -e {p} ] || [ -L {p} ]; then cp -aT {p} {copy}; else : > {absent}; fi",
        prove=f"[ -e {absent} ] || {{ {{ {same}; }}{judged}; }}",
        restore=(
            f"if [ -e {absent} ]; then rm -f {p}; "
            f"else [ {p} -ef {copy} ] || {{ ln -fT {copy} {beside} && mv -fT {beside} {p}; }}; fi"
        ),
        forget=f"rm -f {copy} {beside}",
        then=then,
        was_absent=f"[ -e {absent} ]",
    )


def _not_refused(command: str) -> str:
    """Return a command that fails if another one refuses; one that is not there yet refuses nothing."""
    return (
        f"{{ judged=0; ( {command} ) || judged=$?; [ $judged -eq 0 ] || [ $judged -eq 126 ] || [ $judged -eq 127 ]; }}"
    )


def kept_text(what: str, *, tell: str, put_back: str, prove: str = "") -> Guard:
    """Keep what one command prints; another takes it on its standard input to put it back.

    Args:
        prove: takes it on its standard input, changes nothing, and fails if `put_back` would.
    """
    copy = f"text-{_name(what)}"
    return Guard(
        what=what,
        keep=f"{tell} > {copy}",
        prove=f"{prove} < {copy}" if prove else "",
        restore=f"{put_back} < {copy}",
    )


def kept_service(unit: str) -> Guard:
    """Keep whether a unit runs and is enabled: one that was not is stopped before its files go, or it could not be."""
    u, copy = shlex.quote(unit), f"text-{_name(unit)}"
    ran = f"grep -qxE 'active|activating|reloading' {copy}"
    stop = f"{{ systemctl stop {u} || ! systemctl -q is-active {u}; }}"
    disable = f"{{ ! grep -qxE 'disabled|not-found' {copy} || systemctl -q disable {u} || :; }}"
    return Guard(
        what=unit,
        keep=f"{{ systemctl is-active {u}; systemctl is-enabled {u} || echo not-found; }} > {copy} 2> /dev/null || :",
        restore=f"{ran} || {{ {stop} && {disable}; }}",
        then=(f"if {ran}; then systemctl start {u}; else {stop}; fi",),
    )


def _name(what: str) -> str:
    return sha256(what.encode()).hexdigest()[:12]
