"""Where runs are recorded, and how records are called."""

from __future__ import annotations

import os
import re
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from deploy.model import clock
from deploy.store import place as place_module
from deploy.store.locks import FileLocks
from deploy.store.opening import open_stores
from deploy.store.place import SYSTEM, Database, default_directory, on_network, place_of, record_id, store_file
from deploy.store.ports import Holder, StoreError
from inventory.errors import UsageError


def test_the_default_directory_is_the_system_s_for_root_and_whoever_may_and_the_user_s_own_otherwise(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert default_directory() == SYSTEM == Path("/var/lib/samdrift/store")
    monkeypatch.setattr(place_module, "SYSTEM", tmp_path / "none")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setenv("XDG_STATE_HOME", "/home/anna/state")
    assert default_directory() == Path("/home/anna/state/samdrift")
    monkeypatch.delenv("XDG_STATE_HOME")
    monkeypatch.setenv("HOME", "/home/anna")
    assert default_directory() == Path("/home/anna/.local/state/samdrift")
    monkeypatch.setattr(place_module, "SYSTEM", tmp_path)
    assert default_directory() == tmp_path


def test_a_place_is_a_directory_or_a_database() -> None:
    assert place_of("state/here") == Path("state/here")
    assert not isinstance(place_of("/a"), Database)
    url = "postgresql://samdrift@db.tierp.example/samdrift?sslmode=verify-full"
    assert place_of(url) == Database(url)
    assert isinstance(place_of(f"postgresql+psycopg://{url[13:]}"), Database)


@pytest.mark.parametrize(
    "said",
    [
        "postgresql://anna:hemligt@db/s",
        "postgresql://anna@db/s?password=hemligt",
        "mysql://anna:hemligt@db/s",
        "postgresql://[hemligt/s",
        "postgresql://db:hemligt/s",
    ],
)
def test_what_cannot_be_a_place_or_has_a_password_is_refused_and_not_said_again(said: str) -> None:
    with pytest.raises(UsageError) as e:
        place_of(said)
    assert "hemligt" not in str(e.value)


@pytest.mark.parametrize("kind", ["nfs4", "cifs", "9p", "virtiofs", "vboxsf", "fuse.vmhgfs-fuse"])
def test_a_file_system_that_other_machines_have_too_is_known_by_its_name(
    monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    mounts = f"22 1 0:21 / / rw - ext4 /dev/sda1 rw\n23 22 0:22 / /net/home\\040of rw shared:1 - {kind} nas:/home rw\n"
    monkeypatch.setattr(Path, "read_text", lambda *_, **__: mounts)
    monkeypatch.setattr(Path, "resolve", lambda self: self)
    assert on_network(Path("/net/home of/anna/.local"))
    assert not on_network(Path("/net/home"))
    assert not on_network(Path("/var/lib/samdrift"))


@pytest.mark.parametrize(("network", "mode"), [(False, "wal"), (True, "delete")])
def test_readers_share_memory_only_where_it_is_one_machine_s(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, network: bool, mode: str
) -> None:
    monkeypatch.setattr("deploy.store.database.on_network", lambda _: network)
    open_stores(tmp_path)
    with closing(sqlite3.connect(tmp_path / "samdrift.db")) as database:
        assert database.execute("PRAGMA journal_mode").fetchone() == (mode,)


def test_record_ids_sort_by_time_and_never_meet() -> None:
    first, second = record_id(clock.now(), "drift"), record_id(clock.now(), "drift")
    assert first != second
    assert record_id("2026-11-23T20:00:00.001Z", "verify") < record_id("2026-11-23T20:00:00.002Z", "apply")
    assert re.fullmatch(r"\d{8}T\d{6}\.\d{3}Z-drift-[0-9a-f]{4}", first)


def test_the_clock_says_utc() -> None:
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", clock.now())


@pytest.mark.parametrize("link", [os.symlink, os.link])
def test_a_file_of_the_store_that_is_a_link_to_another_is_neither_written_nor_given_a_mode(
    tmp_path: Path, link: Callable[[Path, Path], None]
) -> None:
    theirs, store = tmp_path / "shadow", tmp_path / "store"
    store.mkdir()
    store.chmod(0o2770)
    theirs.write_text("root:secret")
    theirs.chmod(0o600)
    link(theirs, store / "lock-tie-sw1")
    holder = Holder(who="anna", command="apply", since="now")
    with pytest.raises(StoreError, match=f"{store}/lock"), FileLocks(store).hold(holder, ["tie-sw1"]):
        pass
    assert theirs.read_text() == "root:secret"
    assert theirs.stat().st_mode & 0o777 == 0o600


def test_a_link_to_nothing_makes_no_file(tmp_path: Path) -> None:
    (tmp_path / "lock").symlink_to(tmp_path / "made")
    with pytest.raises(StoreError):
        store_file(tmp_path / "lock")
    assert not (tmp_path / "made").exists()


def test_whoever_may_use_the_shared_store_and_cannot_is_told_and_given_no_store_of_their_own(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(place_module, "SYSTEM", tmp_path / "store")
    monkeypatch.setattr(place_module, "_group", lambda: 4711)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(os, "access", lambda *_: False)
    monkeypatch.setattr(os, "getgroups", lambda: [1000, 4711])
    with pytest.raises(StoreError, match="not shared with its group"):
        default_directory()
    monkeypatch.setattr(os, "getgroups", lambda: [1000])
    assert default_directory().name == "samdrift"
