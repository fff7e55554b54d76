"""A store that several people of one machine share, by the group of its directory: with users who are not root."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.store import place as place_module
from deploy.store.opening import open_stores
from deploy.store.place import default_directory, own_directory, store_directory
from inventory.paths import CODE
from tests.unit.deploy.store.conformance import records_of

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can be several people")

GROUP, STRANGERS = 54321, 54322
ANNA, BO, EVE = 65531, 65532, 65533

KEEP = """
import os, sys, tempfile
from pathlib import Path
from deploy.store.opening import open_stores
from deploy.store.ports import Holder, Locked, StoreError
from tests.unit.deploy.store.conformance import apply_of, converged, records_of
directory, user, group, second = Path(sys.argv[1]), *map(int, sys.argv[2:])
with tempfile.TemporaryDirectory() as scratch:
    open_stores(Path(scratch)).keep(apply_of())  # what is imported when it is needed is imported as root
os.setgroups([]); os.setgid(group); os.setuid(user); os.umask(0o077)
while sys.stdin.readline():
    try:
        stores = open_stores(directory)
        with stores.locks.hold(Holder(who=str(user), since="now", command="x"), ["tie-sw1"]) as refused:
            if refused:
                raise Locked(refused["tie-sw1"])
            stores.keep(apply_of(converged("tie-dns1"), second=second))
            print(len(records_of(stores.history)), flush=True)
            sys.stdin.readline()
        print("let go", flush=True)
        second += 1
    except (StoreError, Locked) as e:
        print(e, flush=True)
"""
"""Keeps an apply as a user with one group at each line that it is told, holding the store open until the next."""


@pytest.fixture
def shared() -> Iterator[Path]:
    """A directory of a group, where its members get to."""
    above = Path(tempfile.mkdtemp(prefix="samdrift-shared-"))
    above.chmod(0o755)
    directory = above / "store"
    directory.mkdir()
    os.chown(directory, 0, GROUP)
    directory.chmod(0o2770)
    yield directory
    shutil.rmtree(above)


class Person:
    """A user in a process of his or her own."""

    def __init__(self, directory: Path, user: int, group: int, second: int) -> None:
        arguments = [str(directory), str(user), str(group), str(second)]
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(
            [sys.executable, "-c", KEEP, *arguments], stdin=pipe, stdout=pipe, text=True, cwd=CODE
        )

    def next(self) -> str:
        """Keep an apply, and say how many there are then, or why it cannot be; or let go of the store again."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        return self._process.stdout.readline().strip()

    def end(self) -> None:
        self._process.communicate()


@pytest.mark.long
def test_members_of_the_group_read_and_write_what_the_others_made_and_nobody_else_does(shared: Path) -> None:
    people = anna, bo, eve = [
        Person(shared, user, group, second)
        for user, group, second in ((ANNA, GROUP, 1), (BO, GROUP, 20), (EVE, STRANGERS, 40))
    ]
    try:
        assert anna.next() == "1"
        files = {p.name: p.stat() for p in shared.iterdir()}
        assert {"samdrift.db", "samdrift.db-wal", "samdrift.db-shm", "lock-tie-sw1"} <= files.keys()
        assert {stat.S_IMODE(s.st_mode) for s in files.values()} == {0o660}
        assert {(s.st_uid, s.st_gid) for s in files.values()} == {(ANNA, GROUP)}
        assert bo.next() == f"another run holds the lock: {ANNA} since now, `x` (wait until it has ended)"
        assert anna.next() == "let go"
        assert bo.next() == "2"
        assert bo.next() == "let go"
        assert anna.next() == "3"
        assert "the state cannot be used: Permission denied" in eve.next()
    finally:
        for person in people:
            person.end()
    assert len(records_of(open_stores(shared).history)) == 3


def test_the_system_s_store_is_its_group_s_and_the_directory_above_is_root_s(
    shared: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Above lie programs that root runs: whoever could write there could put others in their place."""
    system = shared.parent / "lib" / "store"
    monkeypatch.setattr(place_module, "SYSTEM", system)
    monkeypatch.setattr(place_module, "_group", lambda: GROUP)
    (shared.parent / "lib").mkdir(mode=0o700)
    store_directory(default_directory())
    assert (system.stat().st_uid, system.stat().st_gid, stat.S_IMODE(system.stat().st_mode)) == (0, GROUP, 0o2770)
    assert stat.S_IMODE(system.parent.stat().st_mode) == 0o711
    assert own_directory() == system.parent
    system.chmod(0o700)
    store_directory(system)
    assert stat.S_IMODE(system.stat().st_mode) == 0o700  # one that was there keeps its mode
