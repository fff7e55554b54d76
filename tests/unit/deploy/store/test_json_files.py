"""Stores of JSON files: what any stores do, and what files make hard: names, damage, full disks, processes that die."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from deploy.store.json_files import stores_in
from deploy.store.ports import Locked, StoreError, Stores
from inventory.paths import CODE
from tests.unit.deploy.store.conformance import (
    ANNA,
    BO,
    HOSTILE_NAMES,
    OTHER_STEPS,
    STEPS,
    Conformance,
    apply_of,
    backup,
    converged,
    drift_at,
    record,
)


class _Directory:
    def __init__(self, path: Path) -> None:
        self.path = path

    def open(self) -> Stores:
        return stores_in(self.path)

    def damage(self, record_id: str) -> None:
        (self.path / "records" / f"{record_id}.json").write_text("{")


class TestJsonFiles(Conformance):
    @pytest.fixture(scope="class")
    @classmethod
    def new_place(cls, tmp_path_factory: pytest.TempPathFactory) -> Callable[[], _Directory]:
        return lambda: _Directory(tmp_path_factory.mktemp("stores"))


@pytest.mark.parametrize("name", HOSTILE_NAMES)
def test_no_name_leads_out_of_the_store(tmp_path: Path, name: str) -> None:
    stores_in(tmp_path / "store").applied.remember(apply_of(converged(name)))
    written = {p.parent for p in tmp_path.rglob("*") if p.is_file()}
    assert written == {tmp_path / "store" / "applied", tmp_path / "store"}


def test_a_backup_is_its_owner_s_alone_and_leads_out_of_the_store_by_no_name(tmp_path: Path) -> None:
    backups = stores_in(tmp_path / "store").backups
    for name in HOSTILE_NAMES:
        backups.keep(backup("a", what="../x").model_copy(update={"host": name}))
    written = [p for p in tmp_path.rglob("*") if p.is_file()]
    assert len(written) == len(HOSTILE_NAMES)
    assert {p.stat().st_mode & 0o777 for p in written} == {0o600}
    assert {p.parent.stat().st_mode & 0o777 for p in written} == {0o700}
    assert {p.parent.parent for p in written} == {tmp_path / "store" / "backups"}


def test_a_damaged_backup_is_named(tmp_path: Path) -> None:
    backups = stores_in(tmp_path).backups
    backups.keep(backup("a"))
    (kept,) = (tmp_path / "backups").rglob("*.json")
    kept.write_text("{")
    with pytest.raises(StoreError, match="damaged"):
        backups.of("heb-sw1")


# --- the lock ------------------------------------------------------------------------------------------------------

HOLD = """
import os, subprocess, sys
from pathlib import Path
from deploy.store.json_files import stores_in
from deploy.store.ports import Holder
with stores_in(Path(sys.argv[1])).locks.hold(Holder(who="anna", since="now", command="samdrift apply")):
    child = subprocess.Popen(["sleep", "60"])
    print(child.pid, flush=True)
    sys.stdin.read()
"""
"""Holds the lock, with a child that outlives it, until it is told to end."""


def test_a_holder_that_is_killed_releases_the_lock_though_its_children_live_on(tmp_path: Path) -> None:
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=CODE
    )
    assert holder.stdout is not None
    child = int(holder.stdout.readline())
    try:
        with pytest.raises(Locked), stores_in(tmp_path).locks.hold(BO):
            pass
        holder.kill()
        holder.wait()
        assert Path(f"/proc/{child}").exists()
        with stores_in(tmp_path).locks.hold(BO):
            pass
    finally:
        subprocess.run(["kill", str(child)], check=True)
        holder.communicate()


def test_a_lock_file_that_says_who_held_it_locks_nobody_out(tmp_path: Path) -> None:
    """A holder that was killed could not empty it."""
    (tmp_path / "lock").write_text(ANNA.model_dump_json())
    with stores_in(tmp_path).locks.hold(BO), pytest.raises(Locked) as e, stores_in(tmp_path).locks.hold(ANNA):
        pass
    assert e.value.holder == BO


@pytest.mark.parametrize("text", [b"", b"{", b"[]", b"\xff\xfe"])
def test_a_lock_that_does_not_say_who_holds_it_holds_all_the_same(tmp_path: Path, text: bytes) -> None:
    with stores_in(tmp_path).locks.hold(ANNA):
        (tmp_path / "lock").write_bytes(text)
        with (
            pytest.raises(Locked, match=r"^another run holds the lock \(wait") as e,
            stores_in(tmp_path).locks.hold(BO),
        ):
            pass
    assert e.value.holder is None
    with stores_in(tmp_path).locks.hold(BO):
        pass
    assert (tmp_path / "lock").read_text() == ""


# --- damage --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["", "{", "[]", '{"time: s": {"intent": 7}}', "\x00\xff"])
def test_a_damaged_file_is_named(tmp_path: Path, text: str) -> None:
    applied = stores_in(tmp_path).applied
    applied.remember(apply_of(converged("tie-dns1")))
    (tmp_path / "applied" / "tie-dns1.json").write_text(text)
    with pytest.raises(StoreError, match=r"applied/tie-dns1\.json: this file is damaged: .+move it away"):
        applied.last_applied("tie-dns1")


ASK: dict[str, Callable[[Stores], object]] = {
    "findings.json": lambda stores: stores.known.date([], at="now"),
    "begun.json": lambda stores: stores.journal.begun("p"),
    "remembered.json": lambda stores: stores.applied.remembered(),
}


@pytest.mark.parametrize("name", ASK)
def test_other_damaged_files_are_named_too(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text('{"x": 1}')
    with pytest.raises(StoreError, match=f"{name}: this file is damaged"):
        ASK[name](stores_in(tmp_path))


def test_a_damaged_record_is_named_with_what_is_wrong_in_it(tmp_path: Path) -> None:
    history, kept = stores_in(tmp_path).history, record()
    history.save(kept)
    path = tmp_path / "records" / f"{kept.id}.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"exit_code": "none"}))
    with pytest.raises(StoreError, match=rf"{re.escape(path.name)}: this file is damaged: exit_code"):
        history.records()


def test_records_that_cannot_be_listed_are_no_empty_history(tmp_path: Path) -> None:
    (tmp_path / "records").write_text("")
    with pytest.raises(StoreError, match="records: the state cannot be used: Not a directory"):
        stores_in(tmp_path).history.records()


# --- directories and disks -----------------------------------------------------------------------------------------


def test_a_directory_that_cannot_be_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match=rf"{tmp_path}/file/store: the state cannot be used: Not a directory"):
        stores_in(tmp_path / "file" / "store")


def test_a_directory_without_permission_is_named(tmp_path: Path) -> None:
    """Root may write everywhere, so it becomes nobody first; in a process of its own."""
    tmp_path.chmod(0o500)
    program = (
        "import os, sys; from pathlib import Path\n"
        "from deploy.store.json_files import stores_in; from deploy.store.ports import StoreError\n"
        "if os.geteuid() == 0: os.setresuid(65534, 65534, 65534)\n"
        "try: stores_in(Path(sys.argv[1]) / 'store')\n"
        "except StoreError as e: print(e)\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path)], capture_output=True, text=True, check=True, cwd=CODE
    )
    assert "/store: the state cannot be used: Permission denied" in run.stdout


def test_what_a_run_that_was_killed_left_half_written_is_no_record(tmp_path: Path) -> None:
    history, kept = stores_in(tmp_path).history, record()
    history.save(kept)
    (tmp_path / "records" / f".{kept.id}.json.x7f3").write_text('{"id": ')
    assert history.records() == (kept,)
    assert history.latest("drift") == kept


def test_directories_that_were_cleared_away_meanwhile_cost_no_record(tmp_path: Path) -> None:
    stores = stores_in(tmp_path / "store")
    stores.keep(record("2026-11-23T20:00:01.000Z"))
    shutil.rmtree(tmp_path / "store")
    kept = apply_of(converged("tie-dns1"), second=2)
    stores.keep(kept)
    assert stores_in(tmp_path / "store").history.records() == (kept,)
    assert stores.applied.last_applied("tie-dns1") == STEPS


def test_a_full_disk_leaves_the_old_file(tmp_path: Path) -> None:
    """A file that may not grow is how a full disk looks to a program; done in a process of its own."""
    stores = stores_in(tmp_path)
    stores.applied.remember(apply_of(converged("tie-dns1")))
    program = (
        "import resource, signal, sys; from pathlib import Path; from deploy.model.record import AppliedStep\n"
        "from deploy.store.json_files import stores_in; from deploy.store.ports import StoreError\n"
        "from tests.unit.deploy.store.conformance import apply_of, converged\n"
        "stores = stores_in(Path(sys.argv[1])); signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (64, 64))\n"
        "steps = {f'time: step {n}': AppliedStep(intent='i') for n in range(99)}\n"
        "try: stores.applied.remember(apply_of(converged('tie-dns1', steps), second=1))\n"
        "except StoreError as e: print(e)\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path)],
        capture_output=True,
        text=True,
        check=True,
        cwd=CODE,
    )
    assert "applied/tie-dns1.json: the state cannot be used: File too large" in run.stdout
    assert stores.applied.last_applied("tie-dns1") == STEPS
    assert [p.name for p in (tmp_path / "applied").iterdir()] == ["tie-dns1.json"]


def test_only_the_owner_reads_it(tmp_path: Path) -> None:
    stores = stores_in(tmp_path / "store")
    stores.keep(apply_of(converged("tie-dns1")))
    stores.journal.begin("plan", "tie-dns1")
    with stores.locks.hold(ANNA):
        modes = {p.stat().st_mode & 0o777 for p in (tmp_path / "store").rglob("*")}
    assert modes == {0o700, 0o600}
    assert (tmp_path / "store").stat().st_mode & 0o777 == 0o700


def test_a_directory_that_was_there_keeps_its_mode(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    stores_in(tmp_path)
    assert tmp_path.stat().st_mode & 0o777 == 0o755


# --- a record, and what was applied --------------------------------------------------------------------------------


def test_hosts_that_could_not_be_remembered_are_when_the_next_run_settles(tmp_path: Path) -> None:
    stores = stores_in(tmp_path)
    stores.keep(apply_of(converged("alv-gw1"), converged("tie-dns1"), second=1))
    in_the_way = tmp_path / "applied" / "tie-dns1.json"
    in_the_way.unlink()
    in_the_way.mkdir()
    later = apply_of(converged("alv-gw1", OTHER_STEPS), converged("tie-dns1", OTHER_STEPS), second=2)
    with pytest.raises(StoreError, match=r"applied/tie-dns1\.json: the state cannot be used"):
        stores.keep(later)
    assert stores.history.latest("apply") == later

    in_the_way.rmdir()
    stores_in(tmp_path).settle()

    assert [stores.applied.last_applied(h) for h in ("alv-gw1", "tie-dns1")] == [OTHER_STEPS, OTHER_STEPS]
    assert stores.applied.remembered() == later.id


# --- what earlier versions left --------------------------------------------------------------------------------------


def test_a_store_from_before_what_is_remembered_was_noted_is_read_and_settled(tmp_path: Path) -> None:
    """Such a store has records/, applied/ and an empty lock, and knew of no manifest."""
    made = apply_of(converged("tie-dns1"))
    stores_in(tmp_path).keep(made)
    (tmp_path / "remembered.json").unlink()
    path = tmp_path / "records" / f"{made.id}.json"
    document = json.loads(path.read_text())
    for new in ("manifest",):
        document.pop(new, None)
    path.write_text(json.dumps(document))

    stores = stores_in(tmp_path)
    stores.settle()

    assert stores.history.records() == (made,)
    assert stores.applied.last_applied("tie-dns1") == STEPS
    assert stores.applied.remembered() == made.id


def test_a_finding_with_a_message_that_this_samdrift_does_not_know_is_read_as_it_was_written(tmp_path: Path) -> None:
    history, kept = stores_in(tmp_path).history, record(findings=(drift_at("tie-dns1"),))
    stores_in(tmp_path).keep(kept)
    assert history.record(kept.id) == kept
    path = tmp_path / "records" / f"{kept.id}.json"
    path.write_text(path.read_text(encoding="utf-8").replace('"as-written"', '"of-tomorrow"'), encoding="utf-8")
    assert [f.summary for f in history.record(kept.id).findings] == ["Älvkarleby"]
