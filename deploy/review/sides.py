"""The two sides of a review: a revision, a directory, NetBox, this checkout; and how each is rendered by its own code.

A revision is unpacked to a directory of its own (`git archive`: nothing of the checkout is written, no hook runs), and
its code runs in a process of its own, with none of this one's environment: what a merge request brings is not trusted.
Both sides run at once, each with bounded time and memory. Thin.
"""

from __future__ import annotations

import os
import re
import resource
import subprocess
import sys
import tarfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date
from io import BytesIO
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory

from deploy.review import rendering
from deploy.review.state import CannotRender, State, read
from inventory.errors import UsageError
from inventory.paths import CODE, PROJECT

SECONDS = 600
"""How long one side may take to render."""
MEMORY = 4 * 1024**3
"""Bytes of address space that one side may take."""
GIT_SECONDS = 60
UNPACKED = ("deploy", "inventory", "roles", "templates", "tests/state")
"""What of a revision decides over hosts; the rest is not unpacked."""
LARGEST_TREE = 512 * 1024**2
OWN = Path(rendering.__file__)


@dataclass(frozen=True)
class Side:
    """One side of a review: by which code, of which inventory, and what it is called."""

    tree: Path
    inventory: Path
    called: str


@contextmanager
def sides(against: str, inventory: Path, of: str) -> Iterator[tuple[Side, Side]]:
    """Find both sides; what was unpacked for them is removed again.

    Args:
        against: a git revision, `REV...` for where this branch left it, or a directory: a checkout or an inventory.
        inventory: of this side.
        of: what this side is called.

    Raises:
        UsageError: there is no such revision or directory.
    """
    now = Side(CODE, inventory, of)
    if is_directory(against):
        yield _of_directory(Path(against), now), now
        return
    with TemporaryDirectory(prefix="samdrift-review-") as name:
        yield _of_revision(against, Path(name), now), now


def is_directory(against: str) -> bool:
    """Tell whether a side is written as a directory: by a path that begins with a dot or a slash."""
    return against.startswith((".", "/"))


def _of_directory(directory: Path, now: Side) -> Side:
    where = f"--against {directory}"
    if not directory.is_dir():
        raise UsageError("there is no such directory", where=where, fix="write a revision without ./ before it")
    tree = directory.absolute()
    if (tree / "inventory" / "fleet.py").is_file():
        return Side(tree, tree / "inventory" / "snapshot", str(directory))
    if not any(tree.glob("*.yaml")):
        fix = "name a checkout of samdrift, or the directory of an inventory"
        raise UsageError("it is neither a checkout nor an inventory", where=where, fix=fix)
    return replace(now, inventory=tree, called=str(directory))


def _of_revision(revision: str, directory: Path, now: Side) -> Side:
    commit = commit_of(revision)
    archive = _git("archive", "--format=tar", commit, "--", *_there(commit))
    _unpack(archive, directory)
    inside = now.inventory.absolute()
    if PROJECT is not None and inside.is_relative_to(PROJECT):
        inventory = directory / inside.relative_to(PROJECT)
    else:
        inventory = inside  # one that is kept elsewhere is the same on both sides
    return Side(directory, inventory, f"{revision} ({commit[:12]})" if not commit.startswith(revision) else revision)


def commit_of(revision: str) -> str:
    """Return the commit that a revision names; of `REV...`, the one where this branch left it.

    Raises:
        UsageError: it names none.
    """
    name = revision.removesuffix("...")
    fix = "git fetch it first; in a pipeline, fetch the whole history (GIT_DEPTH: 0, fetch-depth: 0)"
    try:
        commit = _git("rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}").decode().strip()
        if name != revision:
            commit = _git("merge-base", commit, "HEAD").decode().split()[0]
    except (subprocess.CalledProcessError, IndexError):
        raise UsageError(f"git knows no commit {name!r} here", where="--against", fix=fix) from None
    if not re.fullmatch(r"[0-9a-f]{40,64}", commit):
        raise UsageError(f"git knows no commit {name!r} here", where="--against", fix=fix)
    return commit


def _there(commit: str) -> list[str]:
    """Return which of the directories a revision has."""
    found = _git("ls-tree", "--name-only", "-z", commit, "--", *UNPACKED).decode("utf-8", "surrogateescape")
    return [name for name in found.split("\0") if name]


def _git(*arguments: str) -> bytes:
    if PROJECT is None:
        fix = "--against a directory"
        raise UsageError("samdrift was installed without its history", where="--against", fix=fix)
    environment = {k: v for k, v in os.environ.items() if not k.startswith("GIT_")} | {"LC_ALL": "C"}
    options = ("-c", f"safe.directory={PROJECT}", "-c", "core.fsmonitor=false", "--no-optional-locks")
    command = ["git", "-C", str(PROJECT), *options, *arguments]
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            env=environment,
            timeout=GIT_SECONDS,
            check=True,
        )
    except FileNotFoundError:
        raise UsageError("git is not installed", where="--against", fix="install git, or name a directory") from None
    return done.stdout


def _unpack(archive: bytes, directory: Path) -> None:
    """Unpack a revision; nothing in it leads out of the directory, and nothing in it is a link.

    By hand, since tarfile itself refuses such things only from Python 3.11.4 on, and Debian 12 has 3.11.2.
    """
    with tarfile.open(fileobj=BytesIO(archive)) as tar:
        members = tar.getmembers()
        if sum(member.size for member in members) > LARGEST_TREE:
            raise CannotRender("it is larger than a review unpacks", where="--against")
        if unsafe := next((m.name for m in members if not _is_safe(m)), None):
            raise CannotRender(f"it holds what cannot be unpacked safely: {unsafe[:100]!r}", where="--against")
        for member in members:
            member.uid, member.gid, member.uname, member.gname = os.getuid(), os.getgid(), "", ""
            member.mode = 0o755 if member.isdir() or member.mode & 0o100 else 0o644
        tar.extractall(directory, members)  # noqa: S202  each of them was looked at


def _is_safe(member: tarfile.TarInfo) -> bool:
    path = PurePosixPath(member.name)
    return (member.isreg() or member.isdir()) and not path.is_absolute() and ".." not in path.parts


def rendered(of: Sequence[Side], directory: Path, day: date) -> list[State]:
    """Render the sides, all at once, each by its own code.

    Raises:
        CannotRender: of the first that cannot be.
    """
    files = [directory / f"side-{number}.jsonl" for number in range(len(of))]
    running = [_started(side, file, day, OWN) for side, file in zip(of, files, strict=True)]
    until = time.monotonic() + SECONDS
    try:
        for process in running:
            process.wait(max(0.0, until - time.monotonic()))
    except subprocess.TimeoutExpired:
        raise CannotRender(f"a side was not rendered within {SECONDS} s", where="samdrift review") from None
    finally:
        for process in running:
            process.kill()
            process.wait()
    return [_read(side, file, day) for side, file in zip(of, files, strict=True)]


def _read(side: Side, file: Path, day: date) -> State:
    """Read a rendering; where this code's program does not fit the other's, let that have a try with its own."""
    try:
        return read(file, side.called)
    except CannotRender as e:
        own = side.tree / OWN.relative_to(CODE)
        if side.tree == CODE or not own.is_file() or _program(own) == _program(OWN):
            raise
        process = _started(side, file, day, own)
        try:
            process.wait(SECONDS)
        finally:
            process.kill()
            process.wait()
        try:
            return read(file, side.called)
        except CannotRender:
            raise e from None


def _program(file: Path) -> list[bytes]:
    """Return the program that renders, and what lies beside it."""
    return [part.read_bytes() for part in (file, file.with_name("operations.py")) if part.is_file()]


def _started(side: Side, file: Path, day: date, program: Path) -> subprocess.Popen[bytes]:
    arguments = [str(side.tree), str(side.inventory), day.isoformat(), str(file)]
    environment = {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": "/nonexistent",
        "LC_ALL": "C.UTF-8",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONHASHSEED": "0",
        "PYDANTIC_DISABLE_PLUGINS": "__all__",
    }
    return subprocess.Popen(
        [sys.executable, "-P", "-B", str(program), *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=environment,
        cwd=side.tree,
        preexec_fn=_bounded,  # noqa: PLW1509  no other thread runs Python while it forks
        start_new_session=True,
    )


def _bounded() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
