"""The guard of a host while it is changed: unless the host is confirmed in time, it undoes the change by itself.

Before the first step that could cut a host off, what such steps change is kept on the host, it is proved that it could
be put back, and a systemd timer of the host's own is started that will do so. As long as samdrift is at work and
reaches the host, it starts the timer anew; once a *new* connection was opened and the checks hold, it disarms it.
Whoever disarms and whoever restores holds the guard's lock, and takes the mark `armed` away in one rename, so that it
is always one of the two. The timer outlives a restart of the host, and what could not be put back is tried again until
it is.

Pure text: which commands those are, and what the host's answers mean. They are sent by `engine.guards`.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence

from deploy.model.guard_state import Standing, Where
from roles.shared.guard import Guard

STATE = "/var/lib/samdrift"
DIRECTORY = f"{STATE}/guard"
RESTORED, CONFIRMED = f"{STATE}/restored", f"{STATE}/confirmed"
"""The marks of the guards that ended last, one a way: each says whose change it was, and its time says when."""

UNIT = "samdrift-guard"
UNITS = "/etc/systemd/system"
TIMER, SERVICE = f"{UNIT}.timer", f"{UNIT}.service"

NOT_ARMED = 75
"""Exit status of whatever needs an armed guard and finds none (sysexits' EX_TEMPFAIL)."""

GRACE = 30.0
"""Seconds that a host is given beyond its timer, to put everything back and let us in again."""

AGAIN = 5
"""Seconds between two tries of a host to put itself back."""

EACH = 60
"""Seconds that one command of restoring may take; the others do not wait for it for ever."""

GUARDED_STEP = "SAMDRIFT_GUARDED_STEP"
"""Stands in the environment of a guarded step's processes, with the guard's run: what a lost run left running ends
before anything is put back, or it would go on afterwards. Of no other run: a host sees the processes of its containers,
which may be hosts of their own."""

TRY = 40
"""Seconds for which whoever has a host put itself back waits for its first try."""

RESERVE = 1 << 20
"""Bytes that are set aside on arming and given back before restoring: programs may need space to write, copies do
not."""


def prove(guards: Sequence[Guard]) -> str:
    """Return a shell program that fails, and says why, if what the guards need could not be kept and put back."""
    return f"""umask 077
{_REFUSED_IF_ARMED}
{_program("forget", [g.forget for g in guards])}
proved=$(mktemp -d) && cd "$proved" || exit 1
ended() {{ forget; cd / && rm -rf "$proved"; }}
{_kept_and_proved(guards)}
kept_and_proved; rc=$?
ended
exit $rc
"""


def arm(guards: Sequence[Guard], *, seconds: float, run: str, holder: str, first: str = "") -> str:
    """Return a shell program that keeps what the guards need, and starts the timer; it fails if one is armed already.

    Args:
        seconds: until the host restores itself, unless the timer is started anew.
        run: whose guard it is: letters and digits.
        holder: who changes the host, and why, for whoever finds it armed.
        first: shell lines that may refuse, before anything is kept: what is kept must not be another run's work.
    """
    files = {
        "forget": f"{_program('forget', [g.forget for g in guards])}\nforget\n",
        "restore": _restore(guards, run),
        f"{UNITS}/{SERVICE}": _SERVICE,
        f"{UNITS}/{TIMER}": _TIMER.format(seconds=f"{seconds:g}"),
        "new": f"{run}\n{holder}\n",
        "what": "".join(f"{g.what}\n" for g in guards),
    }
    write = " &&\n  ".join(f"printf %s {shlex.quote(text)} > {path}" for path, text in files.items())
    return f"""umask 077
mkdir -p {STATE} || exit 1
{_LOCK} || exit 1
{first}{_REFUSED_IF_ARMED}
{_FORGET}
mkdir -p {DIRECTORY} && cd {DIRECTORY} || exit 1
{_kept_and_proved(guards)}
arm() {{
  {write} || return 1
  head -c {RESERVE} /dev/zero > reserve || return 1
  kept_and_proved || return 1
  sync . ./* {UNITS}/{TIMER} {UNITS}/{SERVICE} &&
  systemctl daemon-reload && systemctl -q enable {TIMER} && systemctl restart {TIMER} || return 1
  mv new armed && sync .
}}
arm || {{ {_FORGET}
{_CLEAN_UP}; systemctl daemon-reload; exit 1; }}
"""


def _kept_and_proved(guards: Sequence[Guard]) -> str:
    """Return a shell function that keeps everything, and proves that it could be put back; it says what could not."""
    lines = []
    for g in guards:
        what = shlex.quote(g.what)
        for command, why in ((g.keep, "cannot be kept"), (g.prove, "could not be put back as it is")):
            if command:
                lines.append(f"  said=$( {{ {command}; }} 2>&1 9<&- ) || {{ refuse '{why}' {what}; return 1; }}")
    refuse = """refuse() { echo "$2 $1: $(printf %s "$said" | head -n 1)" >&2; }"""
    return "\n".join([refuse, "kept_and_proved() {", *lines, "  :", "}"])


def _program(name: str, commands: Sequence[str]) -> str:
    return "\n".join([f"{name}() {{", *(f"  {c}" for c in commands if c), "  :", "}"])


def _restore(guards: Sequence[Guard], run: str) -> str:
    """Return the program that restores the host: the last change first, and then what must read the files again.

    It ends well only when everything was put back; else systemd starts it again, with all that was kept.
    """
    back = [f"put_back {shlex.quote(g.what)} {shlex.quote(g.restore)}" for g in reversed(guards) if g.restore]
    then = [
        f"put_back {shlex.quote(command)} {shlex.quote(command)} {shlex.quote(absent)}"
        for command, absent in _read_again(guards).items()
    ]
    lines = "\n".join([*back, *then])
    return f"""{_LOCK} && cd {DIRECTORY} || exit 1
if [ ! -e armed ] && [ ! -e restoring ]; then  # confirmed, by somebody who was lost before it was all taken away
{_CLEAN_UP}
{_FORGET}
exit {NOT_ARMED}
fi
mv armed restoring 2> /dev/null  # a disk that cannot be written is no reason to leave the rest as it is
{_END_STEPS.format(run=run)}
rm -f reserve
failed=
put_back() {{
  said=$(timeout -k 5 {EACH} sh -c "$2" 2>&1 9<&-) || sh -c "${{3:-false}}" && return
  failed="$failed
failed: $1: $(printf %s "$said" | tail -n 1)"
}}
{lines}
if [ -n "$failed" ] || [ -e armed ]; then
  echo "could not be put back, and is tried again:$failed" >&2
  {{ printf '%s\\n' "$failed" > failed; }} 2> /dev/null
  exit 1
fi
touch restoring && mv -f restoring {RESTORED} && sync {STATE} || exit 1
{_CLEAN_UP}
{_FORGET}
"""


def _read_again(guards: Sequence[Guard]) -> Mapping[str, str]:
    """Return every command that has files read again, and a test that there was none before: then it may fail."""
    found: dict[str, list[str]] = {}
    for g in guards:
        for command in g.then:
            found.setdefault(command, []).append(g.was_absent or "false")
    return {command: " && ".join(tests) for command, tests in found.items()}


_LOCK = f"""\
systemctl() {{ command systemctl "$@" 9<&-; }}
exec 9< {STATE} && flock -w 60 9"""
"""Takes the guard's lock for as long as this shell lives; what it starts does not hold it."""

_FORGET = f"[ ! -e {DIRECTORY}/forget ] || sh {DIRECTORY}/forget; cd / && rm -rf {DIRECTORY}"

_CLEAN_UP = f"systemctl stop {TIMER}; systemctl -q disable {TIMER}; rm -f {UNITS}/{TIMER} {UNITS}/{SERVICE}"

_REFUSED_IF_ARMED = (
    f'if [ -e {DIRECTORY}/armed ] || [ -e {DIRECTORY}/restoring ]; then echo "a guard is armed already" >&2; exit 1; fi'
)

_END_STEPS = f"""\
running() {{{{ grep -lzsx '{GUARDED_STEP}={{run}}' /proc/[0-9]*/environ | cut -d/ -f3; }}}}
for signal in TERM TERM TERM TERM TERM TERM KILL; do
  left=$(running)
  [ -n "$left" ] || break
  kill -s $signal $left 2> /dev/null; sleep 0.5
done"""

_SERVICE = f"""\
[Unit]
Description=Undo a change of samdrift's that was not confirmed
ConditionPathExists={DIRECTORY}/restore
StartLimitIntervalSec=0

[Service]
Type=oneshot
ExecStart=/bin/sh {DIRECTORY}/restore
SuccessExitStatus={NOT_ARMED}
Restart=on-failure
RestartSec={AGAIN}
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

PUT_BACK = "samdrift: the host put itself back while it was changed"
"""What a guarded step says on stderr that comes too late."""


def still_armed(run: str, refused: int) -> str:
    """Return a shell line that ends with this exit status, and says why, unless this run's guard is armed."""
    return f"""armed=; {{ read -r armed < {DIRECTORY}/armed; }} 2> /dev/null
[ "$armed" = {shlex.quote(run)} ] || {{ echo {shlex.quote(PUT_BACK)} >&2; exit {refused}; }}
"""


def _ours(run: str, *marks: str) -> str:
    """Return a shell function that tells whether one of these marks is of this run's guard, and not of another's."""
    return f"""ours() {{
  for mark in {" ".join(marks)}; do
    of=; {{ read -r of < {DIRECTORY}/$mark; }} 2> /dev/null
    [ "$of" != {shlex.quote(run)} ] || return 0
  done; return 1
}}
"""


def keep_alive(run: str) -> str:
    """Return a shell program that starts the timer anew, if this run's guard is still armed."""
    return f"{_ours(run, 'armed')}ours && systemctl restart {TIMER} && ours || exit {NOT_ARMED}"


def confirm(run: str, first: str = "") -> str:
    """Return a shell program that disarms this run's guard, if the host has not begun to put itself back.

    It is confirmed as soon as the mark is away.

    Args:
        first: shell lines that may refuse.
    """
    return f"""{_ours(run, "armed")}{_LOCK} || exit {NOT_ARMED}
{first}[ ! -e {DIRECTORY}/restoring ] && ours && mv {DIRECTORY}/armed {CONFIRMED} 2> /dev/null || exit {NOT_ARMED}
touch {CONFIRMED}; sync {STATE}
{_FORGET}
{_CLEAN_UP}; systemctl daemon-reload"""


def restore(run: str) -> str:
    """Return a shell program by which the host undoes this run's change at once, and no other's (`RESTORE`)."""
    return f"{_ours(run, 'armed', 'restoring')}ours || exit {NOT_ARMED}\n{RESTORE}"


RESTORE = f"""\
if [ -e {DIRECTORY}/armed ] || [ -e {DIRECTORY}/restoring ]; then
  if [ ! -e {DIRECTORY}/restore ]; then
    for mark in armed restoring; do mv -f {DIRECTORY}/$mark {RESTORED}; done 2> /dev/null
    echo 'nothing was kept, so that nothing was put back' >> {RESTORED}
    {_FORGET}
    {_CLEAN_UP}
  elif [ -e {UNITS}/{SERVICE} ]; then systemctl daemon-reload; timeout {TRY} systemctl start {SERVICE}
  else sh {DIRECTORY}/restore
  fi
fi
systemctl daemon-reload"""
"""Lets the host put itself back at once, whoever changed it, and waits until it has tried."""

CLEAR = f"""\
{_LOCK} || exit {NOT_ARMED}
[ -e {DIRECTORY}/armed ] || [ -e {DIRECTORY}/restoring ] || exit {NOT_ARMED}
systemctl stop {SERVICE}
for mark in armed restoring; do mv -f {DIRECTORY}/$mark {CONFIRMED}; done 2> /dev/null
touch {CONFIRMED}
{_FORGET}
{_CLEAN_UP}; systemctl daemon-reload; systemctl reset-failed {SERVICE} 2> /dev/null; :"""
"""Takes the guard away, whatever its state, and leaves the host as it is."""

_TICKS = f"""\
if ! states=$(systemctl show -p SubState --value {TIMER} {SERVICE}); then echo ticks
elif printf '%s\\n' "$states" | grep -qxE 'waiting|running|start|auto-restart.*'; then echo ticks
else echo stuck; fi"""
"""Prints whether the timer waits, or the service runs or is about to be started again; who cannot ask systemd, as an
account for looks cannot, does not say that it is stuck.
"""

STAND = f"""\
for where in armed restoring; do
  if [ -e {DIRECTORY}/$where ]; then
    echo $where
    {_TICKS}
    date -ur {DIRECTORY}/$where '+%FT%TZ'; cat {DIRECTORY}/$where {DIRECTORY}/failed
    exit 0
  fi
done 2> /dev/null
last=$(ls -t {RESTORED} {CONFIRMED} 2> /dev/null | head -n 1)
[ -z "$last" ] || {{ basename "$last"; echo ended; date -ur "$last" '+%FT%TZ'; cat "$last"; }}"""
"""Prints how the guard stands."""

ARMED = f"""\
if [ -e {DIRECTORY}/armed ] || [ -e {DIRECTORY}/restoring ]; then
  cat {DIRECTORY}/armed {DIRECTORY}/restoring {DIRECTORY}/failed 2> /dev/null | sed 1d
  ticks=$({_TICKS})
  [ "$ticks" = ticks ] || echo 'its timer does not run: samdrift guard restore puts it back'
fi"""
"""Prints whose change is guarded now; nothing where none is. Part of every look, so it is cheap."""


KEPT = f"cat {DIRECTORY}/what 2> /dev/null; true"
"""Prints what an armed guard would put back, each on a line."""


def standing(output: str) -> Standing:
    """Parse what a host answered to `STAND`."""
    where, ticks, since, run, report = [*output.split("\n", 4), "", "", "", "", ""][:5]
    if where not in list(Where):
        return Standing()
    return Standing(where=Where(where), run=run, since=since, ticks=ticks == "ticks", report=report.strip())
