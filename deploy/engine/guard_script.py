"""The guard of a host while it is changed: unless the host is confirmed in time, it undoes the change by itself.

Before the first step that could cut a host off, what such steps change is kept on the host, and a systemd timer of the
host's own is started that will put it back. As long as samdrift is at work and reaches the host, it starts the timer
anew; once a *new* connection was opened and the checks hold, it disarms it. Whoever disarms and whoever restores
first takes the mark `armed` away, in one rename, so that it is always one of the two. The timer outlives a restart of
the host.

Pure text: which commands those are, and what the host's answers mean. They are sent by `engine.guards`.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from enum import StrEnum

from inventory.frozen import Frozen
from roles.shared.guard import Guard

DIRECTORY = "/var/lib/samdrift/guard"
RESTORED = "/var/lib/samdrift/restored"
"""Says whose change the host undid last, and when; it stays, for people."""

UNIT = "samdrift-guard"
UNITS = "/etc/systemd/system"
TIMER, SERVICE = f"{UNIT}.timer", f"{UNIT}.service"

NOT_ARMED = 75
"""Exit status of whatever needs an armed guard and finds none (sysexits' EX_TEMPFAIL)."""

GRACE = 30.0
"""Seconds that a host is given beyond its timer, to put everything back and let us in again."""


class Where(StrEnum):
    """The state of a guard."""

    NONE = "none"
    ARMED = "armed"
    RESTORING = "restoring"
    RESTORED = "restored"


class Standing(Frozen):
    """The state of a host's guard, and the run that armed it.

    Attributes:
        run: the run that armed it.
        report: who that is and why; of a guard that restored, also when, and what failed.
    """

    where: Where = Where.NONE
    run: str = ""
    report: str = ""


def arm(guards: Sequence[Guard], *, seconds: float, run: str, holder: str) -> str:
    """Return a shell program that keeps what the guards need, and starts the timer; it fails if one is armed already.

    Args:
        seconds: until the host restores itself, unless the timer is started anew.
        holder: who changes the host, and why, for whoever finds it armed.
    """
    keep = "\n".join(f"{{ {g.keep}; }} || exit 1" for g in guards)
    files = {
        "restore": _restore(guards),
        f"{UNITS}/{SERVICE}": _SERVICE,
        f"{UNITS}/{TIMER}": _TIMER.format(seconds=f"{seconds:g}"),
        "new": f"{run}\n{holder}\n",
    }
    write = "\n".join(f"printf %s {shlex.quote(text)} > {path} || exit 1" for path, text in files.items())
    return f"""umask 077
if [ -e {DIRECTORY}/armed ] || [ -e {DIRECTORY}/restoring ]; then echo "a guard is armed already" >&2; exit 1; fi
rm -rf {DIRECTORY} && mkdir -p {DIRECTORY} && cd {DIRECTORY} || exit 1
{keep}
{write}
find . -type f -exec sync {{}} + && mv new armed && systemctl daemon-reload && systemctl -q enable {TIMER} &&
  systemctl restart {TIMER} || {{ rm -f armed; exit 1; }}
"""


def _restore(guards: Sequence[Guard]) -> str:
    """Return the program that restores the host: the last change first, and then what must read the files again."""
    back = [f"put_back {shlex.quote(g.restore)}" for g in reversed(guards)]
    then = [f"put_back {shlex.quote(command)}" for command in dict.fromkeys(c for g in guards for c in g.then)]
    lines = "\n".join([*back, *then])
    return f"""cd {DIRECTORY} || exit 1
mv armed restoring 2> /dev/null || [ -e restoring ] || exit {NOT_ARMED}
failed=0
put_back() {{ sh -c "$1" || {{ failed=1; echo "failed: $1" | tee -a restoring >&2; }}; }}
{lines}
date -u '+restored at %FT%TZ' >> restoring
{_CLEAN_UP}
mv restoring {RESTORED}
cd / && rm -rf {DIRECTORY}
exit $failed
"""


_CLEAN_UP = f"systemctl stop {TIMER}; systemctl -q disable {TIMER}; rm -f {UNITS}/{TIMER} {UNITS}/{SERVICE}"

_SERVICE = f"""\
[Unit]
Description=Undo a change of samdrift's that was not confirmed

[Service]
Type=oneshot
ExecStart=/bin/sh {DIRECTORY}/restore
"""

_TIMER = """\
[Unit]
Description=Undo a change of samdrift's unless it is confirmed

[Timer]
OnActiveSec={seconds}
AccuracySec=1

[Install]
WantedBy=timers.target
"""

KEEP_ALIVE = f"[ -e {DIRECTORY}/armed ] && systemctl restart {TIMER} && [ -e {DIRECTORY}/armed ] || exit {NOT_ARMED}"
"""Starts the timer anew, if the guard is still armed."""

CONFIRM = f"""\
mv {DIRECTORY}/armed {DIRECTORY}/confirmed 2> /dev/null || exit {NOT_ARMED}
{_CLEAN_UP}; systemctl daemon-reload; rm -rf {DIRECTORY}"""
"""Disarms the guard, if the host has not begun to put itself back."""

RESTORE = f"""\
if [ -e {DIRECTORY}/armed ] || [ -e {DIRECTORY}/restoring ]; then systemctl start {SERVICE}; fi
systemctl daemon-reload"""
"""Lets the host put itself back at once, and waits until it has."""

STAND = f"""\
for where in armed restoring; do
  if [ -e {DIRECTORY}/$where ]; then echo $where; cat {DIRECTORY}/$where; exit 0; fi
done 2> /dev/null
if [ -e {RESTORED} ]; then echo restored; cat {RESTORED}; fi"""
"""Prints how the guard stands."""

ARMED = f"cat {DIRECTORY}/armed {DIRECTORY}/restoring 2> /dev/null | sed 1d"
"""Prints whose change is guarded now; nothing where none is. Part of every look, so it is cheap."""


def standing(output: str) -> Standing:
    """Parse what a host answered to `STAND`."""
    where, run, report = [*output.split("\n", 2), "", "", ""][:3]
    return Standing(where=Where(where), run=run, report=report.strip()) if where in list(Where) else Standing()
