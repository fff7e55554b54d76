"""The store keeps what it was given, whole; says who holds it; and names the file that is wrong."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.model import clock
from deploy.model.findings import Finding, Kind
from deploy.model.messages import as_written
from deploy.model.record import AppliedStep, Check, HostResult, Record
from deploy.store.json_files import Locked, Store, StoreError, default_directory, person, record_id
from inventory.paths import CODE

STEPS = {
    "time: file /etc/chrony/chrony.conf": AppliedStep(intent="i1", after="d1"),
    "time: s": AppliedStep(intent="i2"),
}


def drift_at(host: str, step: str = "s", kind: Kind = Kind.DRIFT) -> Finding:
    return Finding(
        kind=kind, host=host, municipality="älvkarleby", role="time", step=step, message=as_written("Älvkarleby")
    )


def record(started: str = "2026-11-23T20:00:00.000Z", command: str = "drift", **more: object) -> Record:
    data: dict[str, object] = {
        "id": record_id(started, command),
        "command": command,
        "who": "anna",
        "started": started,
        "finished": started,
        "fleet_digest": "f",
        "fleet_source": "s",
        "code_digest": "c",
        "exit_code": 0,
    }
    return Record.model_validate(data | more)


def converged(host: str) -> HostResult:
    return HostResult(host=host, municipality="tierp", outcome="in sync", steps=STEPS)


def test_a_record_is_read_as_it_was_saved(tmp_path: Path) -> None:
    check = Check(host="h", municipality="m", role="r", name="n", outcome="not applicable", detail="why")
    kept = record(hosts=(converged("tie-dns1"),), findings=(drift_at("alv-gw1"),), checks=(check,))
    Store(tmp_path).save(kept)
    assert Store(tmp_path).record(kept.id) == kept
    assert Store(tmp_path).records() == (kept,)


def test_records_come_newest_first_and_the_latest_of_a_command_is_found(tmp_path: Path) -> None:
    store = Store(tmp_path)
    kept = [record(f"2026-11-23T20:00:0{n}.000Z", "drift" if n % 2 else "apply") for n in range(4)]
    for one in reversed(kept):
        store.save(one)
    assert store.records() == tuple(reversed(kept))
    assert store.records(2) == (kept[3], kept[2])
    assert (store.latest("drift"), store.latest("apply"), store.latest("verify")) == (kept[3], kept[2], None)


def test_a_record_is_never_overwritten(tmp_path: Path) -> None:
    store, kept = Store(tmp_path), record()
    store.save(kept)
    with pytest.raises(StoreError, match="a record of this id already"):
        store.save(kept.model_copy(update={"who": "somebody else"}))
    assert store.record(kept.id).who == "anna"


def test_a_finding_of_another_samdrift_is_read_as_it_was_written(tmp_path: Path) -> None:
    store, kept = Store(tmp_path), record(findings=(drift_at("tie-dns1"),))
    store.save(kept)
    (path,) = (tmp_path / "records").glob("*.json")
    written = path.read_text(encoding="utf-8")
    assert store.record(kept.id) == kept
    path.write_text(written.replace('"as-written"', '"of-tomorrow"'), encoding="utf-8")
    assert [f.summary for f in store.record(kept.id).findings] == ["Älvkarleby"]


def test_what_was_applied_is_known_host_by_host(tmp_path: Path) -> None:
    store = Store(tmp_path)
    differs = HostResult(host="tie-dns2", municipality="tierp", outcome="differs")
    store.save(record(hosts=(converged("tie-dns1"), differs)))
    assert store.last_applied("tie-dns1") == STEPS
    assert store.last_applied("tie-dns2") == {}


@pytest.mark.parametrize("name", ["../../etc/cron.d/x", "/etc/passwd", "..", ".", "a/b", "Älvkarleby", "a\nb"])
def test_no_name_leads_out_of_the_store(tmp_path: Path, name: str) -> None:
    store = Store(tmp_path / "store")
    store.remember(name, STEPS)
    assert store.last_applied(name) == STEPS
    written = [p for p in tmp_path.rglob("*") if p.is_file()]
    assert [p.parent for p in written] == [tmp_path / "store" / "applied"]


def test_a_finding_keeps_its_date_until_it_is_gone(tmp_path: Path) -> None:
    store, here, there = Store(tmp_path), drift_at("tie-dns1"), drift_at("alv-gw1")
    both = ["tie-dns1", "alv-gw1"]
    assert [f.first_seen for f in store.date([here], at="monday", looked_at=both)] == ["monday"]
    assert [f.first_seen for f in store.date([here, there], at="tuesday", looked_at=both)] == ["monday", "tuesday"]
    assert store.date([], at="wednesday", looked_at=["tie-dns1"]) == ()
    assert [f.first_seen for f in store.date([here, there], at="thursday", looked_at=both)] == ["thursday", "tuesday"]


def test_a_host_that_is_cut_off_for_a_while_loses_no_date(tmp_path: Path) -> None:
    store, drift = Store(tmp_path), drift_at("tie-dns1")
    unknown = drift_at("tie-dns1", "", Kind.UNKNOWN)
    store.date([drift], at="monday", looked_at=["tie-dns1"])
    store.date([unknown], at="tuesday", looked_at=["tie-dns1"])
    assert [f.first_seen for f in store.date([drift], at="wednesday", looked_at=["tie-dns1"])] == ["monday"]
    assert [f.first_seen for f in store.date([unknown], at="thursday", looked_at=["tie-dns1"])] == ["thursday"]


HOSTS = ["h1", "h2", "h3"]
RUNS = st.lists(
    st.tuples(
        st.lists(
            st.builds(
                drift_at, st.sampled_from(HOSTS), st.sampled_from("ab"), st.sampled_from([Kind.DRIFT, Kind.UNKNOWN])
            ),
            unique_by=lambda f: f.fingerprint,
            max_size=5,
        ),
        st.sets(st.sampled_from(HOSTS)),
    ),
    max_size=5,
)


@given(RUNS)
def test_dating_again_changes_nothing(
    tmp_path_factory: pytest.TempPathFactory, runs: list[tuple[list[Finding], set[str]]]
) -> None:
    store = Store(tmp_path_factory.mktemp("store"))
    for number, (findings, looked_at) in enumerate(runs):
        dated = store.date(findings, at=f"{number}", looked_at=looked_at)
        assert all(f.first_seen <= f"{number}" for f in dated)
        assert [f.fingerprint for f in dated] == [f.fingerprint for f in findings]
        assert store.date(dated, at="later", looked_at=looked_at) == dated


def test_the_hosts_that_a_plan_began_to_change_are_known_to_that_plan_alone(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.begin("plan1", "tie-gw1")
    store.begin("plan1", "tie-dns1")
    store.begin("plan1", "tie-gw1")
    assert Store(tmp_path).begun("plan1") == ("tie-gw1", "tie-dns1")
    assert store.begun("plan2") == ()
    store.begin("plan2", "alv-gw1")
    assert (store.begun("plan1"), store.begun("plan2")) == ((), ("alv-gw1",))


def test_the_lock_says_who_holds_it_since_when_and_for_what(tmp_path: Path) -> None:
    store = Store(tmp_path)
    with store.lock("apply"):
        with pytest.raises(Locked) as e, Store(tmp_path).lock("drift"):
            pass
        assert e.value.exit_code == 4
        assert re.search(rf"another run holds the lock: {person()} since 20\d\d-.*Z, `apply`", str(e.value))
    with Store(tmp_path).lock("drift"):
        pass


def test_the_lock_is_let_go_after_an_error(tmp_path: Path) -> None:
    store = Store(tmp_path)
    with pytest.raises(ValueError, match="broke"), store.lock("apply"):
        raise ValueError("broke")
    with store.lock("apply"):
        assert (tmp_path / "lock").read_text()
    assert (tmp_path / "lock").read_text() == ""


def test_a_holder_that_is_killed_lets_go(tmp_path: Path) -> None:
    program = (
        "import os, signal, sys; from pathlib import Path; from deploy.store.json_files import Store\n"
        "with Store(Path(sys.argv[1])).lock('apply'):\n"
        "    print('held', flush=True); sys.stdin.read(); "
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=CODE,
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == b"held\n"
    with pytest.raises(Locked), Store(tmp_path).lock("drift"):
        pass
    holder.kill()
    holder.communicate()
    with Store(tmp_path).lock("drift"):
        pass


@pytest.mark.parametrize("text", ["", "{", "[]", '{"time: s": {"intent": 7}}', "\x00\xff"])
def test_a_damaged_file_is_named(tmp_path: Path, text: str) -> None:
    store = Store(tmp_path)
    store.remember("tie-dns1", STEPS)
    (tmp_path / "applied" / "tie-dns1.json").write_text(text)
    with pytest.raises(StoreError, match=r"applied/tie-dns1\.json: this file is damaged: .+move it away"):
        store.last_applied("tie-dns1")


@pytest.mark.parametrize("name", ["findings.json", "begun.json"])
def test_other_damaged_files_are_named_too(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text('{"x": 1}')
    with pytest.raises(StoreError, match=f"{name}: this file is damaged"):
        Store(tmp_path).date([], at="now") if name == "findings.json" else Store(tmp_path).begun("p")


def test_a_damaged_record_is_named(tmp_path: Path) -> None:
    store, kept = Store(tmp_path), record()
    store.save(kept)
    path = tmp_path / "records" / f"{kept.id}.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"exit_code": "none"}))
    with pytest.raises(StoreError, match=rf"{re.escape(path.name)}: this file is damaged: exit_code"):
        store.records()


def test_an_unknown_record_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="there is no record 'x'"):
        Store(tmp_path).record("x")


def test_a_directory_that_cannot_be_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match=rf"{tmp_path}/file/store: the state cannot be used: Not a directory"):
        Store(tmp_path / "file" / "store")


def test_a_directory_without_permission_is_named(tmp_path: Path) -> None:
    """Root may write everywhere, so it becomes nobody first; in a process of its own."""
    tmp_path.chmod(0o500)
    program = (
        "import os, sys; from pathlib import Path; from deploy.store.json_files import Store, StoreError\n"
        "if os.geteuid() == 0: os.setresuid(65534, 65534, 65534)\n"
        "try: Store(Path(sys.argv[1]) / 'store')\n"
        "except StoreError as e: print(e)\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path)], capture_output=True, text=True, check=True, cwd=CODE
    )
    assert "/store: the state cannot be used: Permission denied" in run.stdout


def test_a_full_disk_leaves_the_old_file(tmp_path: Path) -> None:
    """A file that may not grow is how a full disk looks to a program; done in a process of its own."""
    store = Store(tmp_path)
    store.remember("tie-dns1", STEPS)
    program = (
        "import resource, signal, sys; from pathlib import Path; from deploy.model.record import AppliedStep\n"
        "from deploy.store.json_files import Store, StoreError\n"
        "store = Store(Path(sys.argv[1])); signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (64, 64))\n"
        "try: store.remember('tie-dns1', {f'step {n}': AppliedStep(intent='i') for n in range(99)})\n"
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
    assert store.last_applied("tie-dns1") == STEPS
    assert [p.name for p in (tmp_path / "applied").iterdir()] == ["tie-dns1.json"]


def test_only_the_owner_reads_it(tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    store.save(record(hosts=(converged("tie-dns1"),)))
    with store.lock("apply"):
        modes = {p.stat().st_mode & 0o777 for p in (tmp_path / "store").rglob("*")}
    assert modes == {0o700, 0o600}
    assert (tmp_path / "store").stat().st_mode & 0o777 == 0o700


def test_a_directory_that_was_there_keeps_its_mode(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    Store(tmp_path)
    assert tmp_path.stat().st_mode & 0o777 == 0o755


def test_the_default_directory_is_the_system_s_for_root_and_the_user_s_own_otherwise(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert default_directory() == Path("/var/lib/samdrift")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setenv("XDG_STATE_HOME", "/home/anna/state")
    assert default_directory() == Path("/home/anna/state/samdrift")
    monkeypatch.delenv("XDG_STATE_HOME")
    monkeypatch.setenv("HOME", "/home/anna")
    assert default_directory() == Path("/home/anna/.local/state/samdrift")


def test_record_ids_sort_by_time_and_never_meet() -> None:
    first, second = record_id(clock.now(), "drift"), record_id(clock.now(), "drift")
    assert first != second
    assert record_id("2026-11-23T20:00:00.001Z", "verify") < record_id("2026-11-23T20:00:00.002Z", "apply")
    assert re.fullmatch(r"\d{8}T\d{6}\.\d{3}Z-drift-[0-9a-f]{4}", first)


def test_the_clock_says_utc() -> None:
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", clock.now())
