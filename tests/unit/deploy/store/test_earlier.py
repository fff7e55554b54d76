"""What an earlier samdrift kept as files is taken over. The files in `earlier/` are as that version wrote them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from deploy.model.findings import Finding
from deploy.model.record import AppliedStep, HostResult, Record
from deploy.model.step_id import StepId
from deploy.store.database import FILE, Database, open_directory
from deploy.store.earlier import TakenOver, take_over
from deploy.store.opening import open_stores, stores_of
from deploy.store.ports import StoreError
from tests.unit.deploy.store.conformance import apply_of, converged, record, records_of
from tests.unit.deploy.store.places import InDirectory, OnServer

FILES = Path(__file__).with_name("earlier")
APPLY, DRIFT = "20261120T060000.000Z-apply-a1b2", "20261121T060000.000Z-drift-c3d4"
AT = "2026-11-29T00:00:00.000Z"
CHRONY, SWITCH = StepId("time", "file /etc/chrony/chrony.conf"), StepId("switch", "configure")


@pytest.fixture
def files(tmp_path: Path) -> Path:
    return Path(shutil.copytree(FILES, tmp_path / "files"))


@pytest.fixture
def database(place: InDirectory | OnServer) -> Database:
    return place.database()


def there(directory: Path) -> dict[str, bytes]:
    return {str(p.relative_to(directory)): p.read_bytes() for p in directory.rglob("*") if p.is_file()}


def test_everything_is_taken_over_and_the_files_stay_as_they_are(files: Path, database: Database) -> None:
    before = there(files)
    done = take_over(files, database, AT)
    assert done == TakenOver(
        found={"records": 2, "hosts": 1, "findings": 1, "backups": 2},
        known={"records": 0, "hosts": 0, "findings": 0, "backups": 0},
        faults=[],
    )
    stores = stores_of(database)
    drift, apply = records_of(stores.history)
    assert (drift.id, apply.id) == (DRIFT, APPLY)
    kept, file = json.loads(apply.model_dump_json()), json.loads((files / f"records/{APPLY}.json").read_text())
    looked_as = [host.pop("looked_as") for host in kept["hosts"]]  # came later, as do others below
    assert {name: kept[name] for name in file} == file
    assert set(looked_as) == {HostResult.model_fields["looked_as"].get_default()}
    fields = Record.model_fields  # those that came later say nothing
    assert {n: fields[n].get_default() for n in kept.keys() - file} == {
        n: getattr(apply, n) for n in kept.keys() - file
    }
    given = stores.applied.last_applied("heb-gw1")
    assert given == {
        CHRONY: AppliedStep(intent="i1", after="d1"),
        SWITCH: AppliedStep(intent="i2", declared="hostname heb-sw1\n"),
    }
    assert stores.applied.remembered() == APPLY
    assert stores.journal.begun("p1") == ("heb-gw1",)
    assert [b.digest for b in stores.backups.of("heb-sw1")] == ["hmac:2", "hmac:1"]
    assert "AGE ENCRYPTED" in stores.backups.of("heb-sw1")[0].sealed
    (finding,) = drift.findings
    assert dates(database, finding) == ["2026-11-21T06:00:00.000Z"]
    assert there(files) == before


def dates(database: Database, finding: Finding) -> list[str]:
    return [f.first_seen for f in stores_of(database).known.date([finding], at="later")]


def test_taken_over_again_nothing_comes_back_that_was_settled_since(files: Path, database: Database) -> None:
    take_over(files, database, AT)
    stores = stores_of(database)
    (finding,) = records_of(stores.history)[0].findings
    newer = apply_of(converged("heb-gw1"), second=1).model_copy(update={"id": "20261129T010000.000Z-apply-ffff"})
    stores.keep(newer)
    stores.known.date([], at="later", looked_at=["heb-gw1"])
    done = take_over(files, database, AT)
    assert done.found == {"records": 2, "hosts": 1, "findings": 0, "backups": 2}
    assert done.known == {"records": 2, "hosts": 1, "findings": 0, "backups": 2}
    assert len(records_of(stores.history)) == 3
    assert stores.applied.last_applied("heb-gw1") == newer.hosts[0].steps
    assert dates(database, finding) == ["later"]
    assert len(stores.backups.of("heb-sw1")) == 2


def test_of_two_people_s_stores_the_later_run_counts_whichever_is_taken_over_first(
    files: Path, database: Database, tmp_path: Path
) -> None:
    other = Path(shutil.copytree(files, tmp_path / "other"))
    for path in other.glob("records/*.json"):
        path.unlink()
    earlier = apply_of(converged("heb-gw1"), converged("heb-dns1"))
    earlier = earlier.model_copy(update={"id": "20261101T000000.000Z-apply-0000"})
    (other / f"records/{earlier.id}.json").write_text(earlier.model_dump_json())
    for host in ("heb-gw1", "heb-dns1"):
        (other / f"applied/{host}.json").write_text(json.dumps({"time: s": {"intent": "older"}}))
    (other / "remembered.json").write_text(json.dumps({"record": earlier.id}))
    for directory in (files, other, files):
        assert take_over(directory, database, AT).faults == []
    stores = stores_of(database)
    assert CHRONY in stores.applied.last_applied("heb-gw1")
    assert stores.applied.last_applied("heb-dns1")[StepId("time", "s")].intent == "older"
    assert stores.applied.remembered() == APPLY


def test_an_apply_that_ended_before_it_could_remember_is_settled(files: Path, database: Database) -> None:
    (files / "remembered.json").unlink()
    (files / "applied/heb-gw1.json").write_text(json.dumps({"time: s": {"intent": "older"}}))
    take_over(files, database, AT)
    assert CHRONY in stores_of(database).applied.last_applied("heb-gw1")


@pytest.mark.long
@pytest.mark.parametrize("name", [f"records/{APPLY}.json", "applied/heb-gw1.json", "findings.json", "begun.json"])
@pytest.mark.parametrize("said", [b"", b"{", b"[]", b'{"id": 7}', b"\x00\xff"])
def test_a_damaged_file_costs_itself(files: Path, database: Database, name: str, said: bytes) -> None:
    (files / name).write_bytes(said)
    done = take_over(files, database, AT)
    (fault,) = done.faults
    assert fault.startswith(f"{files / name}: it is damaged: ")
    assert DRIFT in {r.id for r in records_of(stores_of(database).history)}
    assert done.found["backups"] == 2


def test_a_record_that_is_another_in_the_store_is_told(files: Path, database: Database) -> None:
    same: Record = record().model_copy(update={"id": APPLY})
    stores_of(database).history.save(same)
    (fault,) = take_over(files, database, AT).faults
    assert fault.endswith(f"{APPLY}.json: the store has another record of this id")
    assert stores_of(database).history.record(APPLY) == same


def test_files_that_nobody_took_over_are_no_empty_store(files: Path) -> None:
    with pytest.raises(StoreError, match=rf"has not taken over \(.*samdrift history migrate {files} --state {files}"):
        open_stores(files)
    assert not (files / FILE).exists()
    database = open_directory(files)  # as a migration does that was killed before its end
    with pytest.raises(StoreError, match="has not taken over"):
        open_stores(files)
    take_over(files, database, AT)
    assert len(records_of(open_stores(files).history)) == 2


def test_what_a_killed_run_left_half_written_is_no_record(files: Path, database: Database) -> None:
    (files / f"records/.{APPLY}.json.x7f3").write_text('{"id": ')
    assert take_over(files, database, AT).faults == []


@pytest.mark.parametrize("name", ["findings.json", "begun.json"])
def test_what_was_damaged_is_taken_over_once_it_is_whole(files: Path, database: Database, name: str) -> None:
    whole = (files / name).read_bytes()
    (files / name).write_bytes(b"{")
    assert take_over(files, database, AT).faults
    (files / name).write_bytes(whole)
    assert take_over(files, database, AT).faults == []
    stores = stores_of(database)
    (finding,) = next(r for r in records_of(stores.history) if r.id == DRIFT).findings
    assert dates(database, finding) == ["2026-11-21T06:00:00.000Z"]
    assert stores.journal.begun("p1") == ("heb-gw1",)
