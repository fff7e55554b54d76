"""Run programs among a host's files, in a mount namespace of their own.

The files are laid out over this machine's own directories, where they will be on the host. What a program writes is
gone with the namespace, and nothing on this machine is changed. Needs no root. Without it, the namespace has one user
and one group, which stand for all others, and files of this machine that are not for everybody stay closed.

Not here: which programs judge which files, and what their answers mean (`judge`).
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from inventory.frozen import Frozen
from roles.shared.parts.registration import ManagedFile

SECONDS = 30
"""How long a program may take to judge one file."""

PROGRAMS = (
    "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/usr/lib/frr"
    f":{sys.prefix}/judges/usr/sbin"  # setup.sh unpacks there what cannot be installed beside another package
)
ALWAYS_COVERED = ("etc", "run", "var")
"""What programs may write to (a pid directory, a cache), whether or not a role has files there."""

LAY_OUT = """\
set -e
umask 022 # whatever the caller's is: sshd and keepalived trust no directory that a group may write to
cd "$1"
find tree -type d -exec chmod 755 {} +
mount -t tmpfs samdrift over
mkdir over/root over/upper over/work over/fresh

# Without root, everything of this machine is a stranger's in here. So its directories are made anew, as root's.
own_directories() {
  (cd / && find "$1" -xdev -type d 2> /dev/null | tar -c --no-recursion -T - 2> /dev/null) |
    tar -x --no-same-owner -p -C "$2"
}

# The kernel shows a stranger nothing that a mount of this machine's covers, and so lays nothing over a directory that
# has one below it: a file system of its own for /var/log, what Docker or `ip netns` mount in /run.
has_mounts() { awk -v below="/$1/" 'index($5, below) == 1 { found = 1 } END { exit !found }' /proc/self/mountinfo; }

if [ "$4" = stranger ]; then
  # The namespace has one user and one group. Whoever a program changes to (nginx, logrotate) is that one.
  mkdir over/upper/etc
  sed -E 's/^([^:]*:[^:]*):[0-9]+:[0-9]+:/\\1:0:0:/' /etc/passwd > over/upper/etc/passwd
  sed -E 's/^([^:]*:[^:]*):[0-9]+:/\\1:0:/' /etc/group > over/upper/etc/group
fi

for directory in /*; do
  top=${directory#/}
  if [ -L "$directory" ]; then cp -P "$directory" over/root/; continue; fi
  [ -d "$directory" ] || continue
  mkdir "over/root/$top"
  case " $2 " in
    *" $top "*) ;;
    *) mount --rbind "$directory" "over/root/$top"; continue ;;
  esac
  mkdir -p "over/upper/$top" "over/work/$top"
  case "$4 $top" in
    "stranger usr") ;; # its directories on the way to a program are in the tree
    "stranger "*) own_directories "$top" over/upper ;;
  esac
  anew=
  if [ "$4" = stranger ] && has_mounts "$top"; then anew=yes; fi
  if [ "$anew $top" = "yes etc" ]; then
    (cd / && tar -c --one-file-system --ignore-failed-read etc 2> /dev/null) |
      tar -x --no-same-owner -p --skip-old-files -C over/upper
  fi
  if [ -d "tree/$top" ]; then cp -rp "tree/$top" over/upper/; fi
  if [ -n "$anew" ]; then mount --bind "over/upper/$top" "over/root/$top"; continue; fi
  mount -t overlay -o "lowerdir=$directory,upperdir=$PWD/over/upper/$top,workdir=$PWD/over/work/$top" samdrift \\
    "over/root/$top"
done

if [ "$4" = stranger ]; then
  # What runs on this machine has files here that only its own user may open: programs make theirs anew.
  for written in run var/log; do
    own_directories "$written" over/fresh
    if [ -d "tree/$written" ]; then cp -rp "tree/$written/." "over/fresh/$written/"; fi
    mount --bind "over/fresh/$written" "over/root/$written"
  done
fi

for directory in tree/*; do # what this machine has none of
  [ ! -e "$directory" ] || [ -e "over/root/${directory#tree/}" ] || cp -rp "$directory" over/root/
done
mkdir over/root/samdrift
mount --bind . over/root/samdrift
exec chroot over/root sh -c '
  cd /samdrift
  touch ready
  for job in jobs/*; do
    code=0
    timeout -k 1 "$1" sh "$job" > "said/${job#jobs/}" 2>&1 < /dev/null || code=$?
    echo "$code" > "code/${job#jobs/}"
  done
' sh "$3"
"""


class ProgramResult(Frozen):
    """The exit code of a program (-1: it never began), and its output."""

    code: int
    output: str


class NoNamespace(Exception):
    """This machine lets us make no such namespace; says why."""


def is_root() -> bool:
    """Tell whether programs have root's own rights in the namespace."""
    return os.geteuid() == 0


def answers(files: Mapping[str, ManagedFile], commands: Sequence[str]) -> tuple[ProgramResult, ...]:
    """Run shell commands one after another in a namespace that has each of these files at its path.

    Raises:
        NoNamespace: nothing was run.
    """
    with tempfile.TemporaryDirectory(prefix="samdrift-check-") as name:
        scratch = Path(name)
        for directory in ("tree", "over", "jobs", "said", "code"):
            (scratch / directory).mkdir()
        for path, file in files.items():
            write(scratch / "tree", path, file)
        for number, command in enumerate(commands):
            (scratch / "jobs" / f"{number:04}").write_text(f"( {command} )\n", encoding="utf-8")
        if not is_root():
            _own_programs(scratch / "tree", files.values())
        _run(scratch)
        return tuple(_answer(scratch, f"{number:04}") for number in range(len(commands)))


def write(tree: Path, path: str, file: ManagedFile) -> None:
    """Write a file to its place below a directory, which no path leads out of."""
    target = tree / os.path.normpath(path).lstrip("/")  # a path that climbs (..) stays inside
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(file.content, encoding="utf-8")
    target.chmod(int(file.mode, 8))


def _own_programs(tree: Path, files: Iterable[ManagedFile]) -> None:
    """Copy the programs that files name: keepalived asks that they, and all directories above, are root's alone."""
    named = {Path(m[0]) for f in files for m in re.finditer(r"/(usr/(local/)?)?s?bin/[\w.+-]+", f.content)}
    for program in {path.resolve() for path in named if path.is_file()}:
        if program.is_relative_to("/usr") and os.access(program, os.R_OK | os.X_OK):
            copy = tree / program.relative_to("/")
            if copy.exists():
                continue  # a role's own
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(program, copy)
            copy.chmod(0o755)


def _run(scratch: Path) -> None:
    tops = sorted({*ALWAYS_COVERED, *(p.name for p in (scratch / "tree").iterdir())})
    unshare = ["unshare", "--mount", "--net", "--ipc", "--pid", "--fork", "--kill-child", "--mount-proc"]
    as_whom = [] if is_root() else ["--user", "--map-root-user"]
    arguments = [str(scratch), " ".join(tops), str(SECONDS), "root" if is_root() else "stranger"]
    try:
        done = subprocess.run(
            [*unshare, *as_whom, "sh", "-c", LAY_OUT, "sh", *arguments],
            capture_output=True,
            check=False,
            env={"PATH": PROGRAMS, "LC_ALL": "C.UTF-8", "HOME": "/nonexistent"},
            stdin=subprocess.DEVNULL,
        )
    except OSError as e:
        raise NoNamespace(f"unshare: {e.strerror}") from e
    if not (scratch / "ready").exists():
        output = done.stderr.decode("utf-8", "replace").strip().splitlines()
        raise NoNamespace(output[-1] if output else f"unshare ended with {done.returncode}")


def _answer(scratch: Path, number: str) -> ProgramResult:
    code = scratch / "code" / number
    if not code.exists():
        return ProgramResult(code=-1, output="")
    output = (scratch / "said" / number).read_text("utf-8", "replace")
    return ProgramResult(code=int(code.read_text()), output=output)
