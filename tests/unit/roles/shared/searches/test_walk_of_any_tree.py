"""A walk over generated trees tells what a plain reading of the same tree in Python finds, whatever is in it."""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roles.shared.searches.standing import Standing
from roles.shared.searches.walk import Walk, question, walked

pytestmark = pytest.mark.skipif(shutil.which("perl") is None, reason="not applicable: no perl here")

PACKAGED_LONG_AGO = 3600
ODD = b" \n\t\x01\x02\x7f\\:*'\"-ab.\xc3\x84\xff"
NAMES = st.lists(st.sampled_from(ODD), min_size=1, max_size=6).map(bytes).filter(lambda name: name not in {b".", b".."})
PLACES = st.sampled_from([b"etc", b"usr/bin", b"usr/share/doc", b"opt", b"srv", b"var/lib/docker", b"tmp"])
KINDS = st.sampled_from(["file", "file", "file", "link", "hard link", "pipe", "directory"])
READ = 0 if os.geteuid() == 0 else stat.S_IRUSR
"""What a file must let its owner do: root, as whom the walk is asked on a host, reads all."""
MODES = st.sampled_from([0o644, 0o755, 0o600, 0o4755, 0o2711, 0o1644, 0o6000, 0o001, 0]).map(READ.__or__)


@dataclass(frozen=True)
class Thing:
    """Something in a tree; `packaged` if a package brought it, and `sound` if it is as it was brought."""

    place: bytes
    within: bytes
    name: bytes
    kind: str
    mode: int
    packaged: bool
    sound: bool


THINGS = st.builds(
    Thing, PLACES, st.sampled_from([b"", b"", b"d", b"__pycache__"]), NAMES, KINDS, MODES, st.booleans(), st.booleans()
)


def made(root: Path, things: list[Thing]) -> None:
    """Make a host of these, with the lists of its one package."""
    brought, sums = [], []
    for thing in things:
        directory = root / os.fsdecode(thing.place) / os.fsdecode(thing.within)
        path = directory / os.fsdecode(thing.name)
        directory.mkdir(parents=True, exist_ok=True)
        if os.path.lexists(path):
            continue
        if thing.kind == "directory":
            path.mkdir()
        elif thing.kind == "link":
            path.symlink_to(os.fsdecode(thing.name * 2))
        elif thing.kind == "pipe":
            os.mkfifo(path)
        elif thing.kind == "hard link":
            path.hardlink_to(root / "one")
        else:
            path.write_bytes(thing.name)
            path.chmod(thing.mode)
        if thing.packaged and b"\n" not in bytes(path):
            brought.append(bytes(path))
            content = thing.name if thing.sound else b"other"
            sums.append(hashlib.md5(content, usedforsecurity=False).hexdigest().encode() + b"  " + bytes(path)[1:])
    info = root / "var/lib/dpkg/info"
    info.mkdir(parents=True)
    (info / "p.list").write_bytes(b"\n".join(brought) + b"\n")
    (info / "p.md5sums").write_bytes(b"\n".join(sums) + b"\n")


def found_by_hand(root: Path) -> tuple[set[str], set[str], set[str], set[str]]:
    """What of a tree is nobody's, changed, privileged, and may have capabilities, read plainly."""
    info = root / "var/lib/dpkg/info"
    brought = set((info / "p.list").read_bytes().split(b"\n"))
    lines = (info / "p.md5sums").read_bytes().split(b"\n")
    sums = {b"/" + path: digest.decode() for digest, _, path in (line.partition(b"  ") for line in lines)}
    nobodys, changed, privileged, runnable = set(), set(), set(), set()
    for path, is_in_place in everything(bytes(root)):
        status = os.lstat(path)
        is_file = stat.S_ISREG(status.st_mode)
        is_cache = path.endswith(b"/__pycache__") and stat.S_ISDIR(status.st_mode)
        if is_in_place and path.endswith(b".pyc") and b"/__pycache__/" in path:
            continue
        if is_in_place and path not in brought and not is_cache:
            nobodys.add(path)
        if is_file and status.st_mode & (0o7000 if is_in_place else 0o6000):
            privileged.add(path)
        if is_file and status.st_mode & 0o111:
            runnable.add(path)
        is_noise = path.startswith(bytes(root) + b"/usr/share/doc/")
        is_program = is_file and status.st_mode & 0o6111
        if path in sums and not is_noise and (is_program or (is_file and is_in_place)):
            content = Path(os.fsdecode(path)).read_bytes()
            if hashlib.md5(content, usedforsecurity=False).hexdigest() != sums[path]:
                changed.add(path)
    return shown(nobodys), shown(changed), shown(privileged), shown(runnable)


def everything(root: bytes) -> Iterator[tuple[bytes, bool]]:
    """Each file of a tree that is to be looked at, and whether every file must be somebody's where it is."""
    places = [root + b"/" + place for place in (b"etc", b"usr", b"opt")]
    for above, directories, files in os.walk(root):
        if above == root + b"/var/lib/docker":
            directories.clear()
            continue
        for name in (*directories, *files):
            path = above + b"/" + name
            yield path, any(path == place or path.startswith(place + b"/") for place in places)


def shown(paths: set[bytes]) -> set[str]:
    return {path.decode("utf-8", "backslashreplace") for path in paths}


def told(root: Path) -> Walk:
    asked = question(str(root)).replace("push @since, $unpacked;", f"push @since, $unpacked - {PACKAGED_LONG_AGO};")
    path = {"PATH": f"{root}/stand-in:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8"}
    said = subprocess.run(["sh", "-c", asked], capture_output=True, text=True, check=True, env=path)
    return walked(said.stdout)


def paths(files: tuple[Standing, ...]) -> set[str]:
    return {file.path for file in files}


@pytest.mark.long
@given(st.lists(THINGS, max_size=12))
@settings(max_examples=30, deadline=None)
def test_a_walk_tells_what_a_plain_reading_of_the_same_tree_finds(things: list[Thing]) -> None:
    with tempfile.TemporaryDirectory() as directory:
        root = Path(directory).resolve()
        for made_before in ("etc", "usr", "opt", "srv", "proc/self", "stand-in"):
            (root / made_before).mkdir(parents=True)
        (root / "one").write_text("one")
        (root / "proc/self/mounts").write_text(f"x {root} ext4 rw 0 0\n")
        getcap = root / "stand-in/getcap"
        getcap.write_text("#!/bin/sh\nfor file; do printf '%s cap_x=ep\\n' \"$file\"; done\n")
        getcap.chmod(0o755)
        made(root, things)
        found, (nobodys, changed, privileged, runnable) = told(root), found_by_hand(root)
        assert paths(found.of_no_package) == nobodys
        assert paths(found.changed) == changed
        assert paths(found.privileged) == privileged
        assert paths(found.capable) == runnable
