"""The lock of a host with a shell: one run at a time may write to it, whoever started it, and wherever that runs.

Two files in a directory that a restart of the host empties. `lock` says which run has the host, until when, and who
that is; the run renews it as long as it lives. `busy` is locked by the kernel for as long as a command of a step runs:
what a run that died left running keeps others out until it has ended, however long ago its lock expired. Every command
of a step looks first whether `lock` is still its run's, so that nobody goes on writing to a host that was taken over.

Time is the host's own, since it started: no clock that was set, here or there, makes a lock longer or shorter. Only a
file that says no time (nobody's, or a broken one) counts from when it was written, so that it, too, ends by itself.

Pure text: which commands those are, and what the host's answers mean. They are sent by `engine.host_locks`.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence

from pydantic import ValidationError

from deploy.store.ports import Holder
from inventory.frozen import Frozen
from roles.shared.parts.expected import Expected

DIRECTORY = "/run/samdrift"

EXPIRES_AFTER = 120
"""Seconds after which a lock that nobody renews is anybody's."""

WAITS_FOR_COMMAND = 5
"""Seconds that whoever takes a lock waits for a command of the run before to end."""

REFUSED = 75
"""Exit status of what needs the lock and has not got it, and of what finds something moved (sysexits' EX_TEMPFAIL)."""

LOCK, BUSY = f"{DIRECTORY}/lock", f"{DIRECTORY}/busy"

APPEARED = "samdrift: is there now: "
"""What a command's program says on stderr of what was not there before, each by its number."""

LOST = "samdrift: another run has taken this host over, so nothing more is written to it"
MOVED = "samdrift: not as it was seen: "
"""What a refused command says on stderr, and why."""


class Refused(Frozen):
    """Why a host was not locked.

    Attributes:
        holder: the run that has it; None if nobody knows.
        seconds: until its lock expires unless it is renewed; 0 if it has expired.
        busy: a command of the run that had it last is still running there.
        error: the host could not be asked, or could not write a lock; empty if a run has it.
    """

    holder: Holder | None = None
    seconds: int = 0
    busy: bool = False
    error: str = ""


def take(holder: Holder, *, seconds: int = EXPIRES_AFTER, over: Sequence[str] = ()) -> str:
    """Return a shell program that takes the lock, or says who has it.

    Args:
        over: ids of runs that are gone: theirs is taken though it has not expired.
    """
    own, written = "|".join(map(shlex.quote, (holder.run, *over))), shlex.quote(holder.model_dump_json())
    return f"""umask 077
mkdir -p {DIRECTORY} && cd {DIRECTORY} && exec 8>> turn 9>> busy && flock -w 10 8 || exit 1
read -r now rest < /proc/uptime || exit 1
now=${{now%%.*}} run= until=
if [ -e lock ]; then
  {{ read -r run && read -r until; }} < lock
  case $until in ''|*[!0-9]*) until=$((now + {seconds} + $(stat -c %Y lock) - $(date +%s))) ;; esac
  case $run in
    {own}) ;;
    *) if [ "$until" -gt "$now" ]; then echo "held $((until - now))"; sed 1,2d lock; exit {REFUSED}; fi ;;
  esac
fi
if ! flock -w {WAITS_FOR_COMMAND} 9; then
  echo busy 0; if [ -e lock ]; then sed 1,2d lock; else cat last; fi 2> /dev/null; exit {REFUSED}
fi
{{ echo {shlex.quote(holder.run)}; echo $((now + {seconds})); printf '%s\\n' {written}; }} > new && mv new lock
"""


def renew(run: str, *, seconds: int = EXPIRES_AFTER) -> str:
    """Return a shell program that puts off the time at which the lock expires; REFUSED if it is another's by now."""
    return f"""umask 077
cd {DIRECTORY} && exec 8>> turn && flock -w 10 8 || exit 1
{_require(run)}
read -r now rest < /proc/uptime || exit 1
{{ echo {shlex.quote(run)}; echo $((${{now%%.*}} + {seconds})); sed 1,2d lock; }} > new && mv new lock
"""


def release(run: str) -> str:
    """Return a shell program that gives the lock back, if it is still this run's."""
    return f"""umask 077
cd {DIRECTORY} 2> /dev/null && exec 8>> turn && flock -w 10 8 || exit 0
{_require(run)}
sed 1,2d lock > last; rm -f lock
"""


HOLDER = (
    f"{{ read -r run && read -r until && read -r holder; }} 2> /dev/null < {LOCK} && "
    'read -r now rest < /proc/uptime && [ "$until" -gt "${now%%.*}" ] && printf "%s\\n" "$holder"; true'
)
"""Prints who has the host; nothing if nobody has. Part of every look, so it is cheap."""


def fenced(
    run: str,
    program: str,
    *,
    seconds: float,
    first: str = "",
    expected: Expected | None = None,
    absent: Sequence[Expected] = (),
) -> str:
    """Return a shell program that runs another one if the lock is still this run's, and nothing has moved.

    Args:
        program: one command of the shell.
        seconds: how long it waits for a command that is still running.
        first: shell lines that may refuse, too.
        expected: what the program is about to overwrite, as it must be.
        absent: what must not be there; which of it is there afterwards, the program says (`appeared`).
    """
    check = "".join(f"{{ {e.absent}; }} || {_refuse(MOVED + e.what)}\n" for e in absent)
    check += "" if expected is None else _check(expected)
    return f"""exec 9>> {BUSY} && flock -w {seconds:g} 9 || exit {REFUSED}
{_require(run)}
{first}{check}{program} 9>&-{_tell_appeared(absent)}"""


def _tell_appeared(absent: Sequence[Expected]) -> str:
    if not absent:
        return ""
    tells = (
        f"{{ {e.absent}; }} || printf '\\n%s\\n' {shlex.quote(f'{APPEARED}{n}')} >&2\n" for n, e in enumerate(absent)
    )
    return f"\nended=$?\n{''.join(tells)}exit $ended"


def appeared(stderr: str) -> tuple[frozenset[int], str]:
    """Return the numbers of what was to be absent and is there now, and the rest of what a program said."""
    line = re.compile(rf"\n{re.escape(APPEARED)}(\d+)\n")
    return frozenset(map(int, line.findall(stderr))), line.sub("", stderr)


def held(run: str) -> str:
    """Return shell lines that refuse if the lock is another run's by now; none for a run that takes no locks."""
    return f"{_require(run)}\n" if run else ""


def _require(run: str) -> str:
    return f'has=; read -r has < {LOCK}; [ "$has" = {shlex.quote(run)} ] || {_refuse(LOST)}'


def _refuse(why: str) -> str:
    return f"{{ echo {shlex.quote(why)} >&2; exit {REFUSED}; }}"


def _check(expected: Expected) -> str:
    """Return shell lines that refuse if the host does not answer the question as is expected."""
    as_seen = "|".join(expected.answers)
    otherwise = f"{expected.otherwise}; " if expected.otherwise else ""
    return f"""seen=$(sh -c {shlex.quote(expected.question)} 9>&- < /dev/null 2> /dev/null | awk 1 | sha256sum)
case ${{seen%% *}} in
  {as_seen}) ;;
  *) {otherwise}{_refuse(MOVED + expected.what)} ;;
esac
"""


def refused(output: str) -> Refused:
    """Parse what a host answered to `take` that did not give it."""
    first, _, rest = output.partition("\n")
    word, _, seconds = first.partition(" ")
    left = int(seconds) if seconds.isdecimal() else 0
    return Refused(holder=holder_in(rest), seconds=left, busy=word == "busy")


def holder_in(text: str) -> Holder | None:
    """Read who has a host; None if that is nothing that samdrift wrote."""
    try:
        return Holder.model_validate_json(text.strip())
    except ValidationError:
        return None
