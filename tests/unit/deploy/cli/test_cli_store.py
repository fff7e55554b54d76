"""`samdrift history` and what is done with the store itself: lists with damage, migration, retention."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest

from deploy.cli import main as cli
from deploy.model.record import HostResult, Record
from deploy.store.database import FILE, open_directory
from deploy.store.opening import open_stores
from tests.postgres import Server
from tests.unit.deploy.store.conformance import record, records_of
from tests.unit.deploy.store.places import ruin

EARLIER = Path(__file__).parents[1] / "store" / "earlier"
LOOKED = HostResult(host="heb-gw1", municipality="heby", outcome="differs")
OLD = [record(f"2025-06-0{day}T06:00:00.000Z", hosts=(LOOKED,)) for day in (1, 2)]
NEW = record("2999-01-01T00:00:00.000Z", hosts=(LOOKED,))


def asked(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, dict[str, Any], str]:
    code = cli._ended([*map(str, arguments), "--json"])
    said = capsys.readouterr()
    return code, json.loads(said.out), said.err


def keep(state: Path, *records: Record) -> None:
    for one in records:
        open_stores(state).history.save(one)


def test_a_damaged_record_is_listed_as_that_beside_the_others_and_history_ends_with_an_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    keep(tmp_path, *OLD, NEW)
    assert asked(capsys, "history", "--state", tmp_path)[0] == 0
    ruin(open_directory(tmp_path), OLD[1].id)
    code, said, _ = asked(capsys, "history", "--state", tmp_path)
    assert code == 1
    assert [(r["id"], bool(r["fault"])) for r in said["records"]] == [
        (NEW.id, False),
        (OLD[1].id, True),
        (OLD[0].id, False),
    ]
    assert cli._ended(["history", "--state", str(tmp_path)]) == 1
    shown = " ".join(capsys.readouterr().out.split())
    assert f"damaged: {OLD[1].id}: it is damaged" in shown
    assert asked(capsys, "history", OLD[0].id, "--state", tmp_path)[0] == 0
    assert asked(capsys, "history", OLD[1].id, "--state", tmp_path)[0] == 1


def test_a_report_is_made_of_what_can_be_read_and_says_what_cannot(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    damaged = record("2025-06-03T06:00:00.000Z", hosts=(LOOKED,), fleet_source="snapshot")
    whole = [one.model_copy(update={"fleet_source": "snapshot"}) for one in OLD]
    keep(tmp_path / "s", *whole, damaged)
    ruin(open_directory(tmp_path / "s"), damaged.id)
    place = ("--state", tmp_path / "s", "--out", tmp_path / "report")
    code, said, err = asked(capsys, "report", *place, "--at", "2025-06-10")
    assert code == 1
    assert said["run"]["id"] == whole[1].id
    assert " ".join(err.split()).count(f"record {damaged.id}: it is damaged") == 1


@pytest.mark.long
def test_a_report_is_of_a_moment_and_of_the_real_fleet(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def at(day: int, source: str = "snapshot") -> Record:
        return record(f"2025-06-0{day}T06:00:00.000Z", hosts=(LOOKED,), fleet_source=source)

    real, lab, other, later = at(1), at(2, "snapshot, as in the lab"), at(3, "netbox"), at(5)
    keep(tmp_path / "s", real, lab, other, later, NEW.model_copy(update={"fleet_source": "snapshot"}))
    place = ("--state", tmp_path / "s", "--out", tmp_path / "report")

    assert asked(capsys, "report", *place, "--at", "2025-06-04")[1]["run"]["id"] == real.id
    assert asked(capsys, "report", *place, "--at", "2025-06-05T08:00")[1]["run"]["id"] == later.id  # 06:00 UTC
    assert asked(capsys, "report", *place, "--at", "2025-06-05T07:59")[1]["run"]["id"] == real.id
    assert asked(capsys, "report", *place)[1]["run"] is None  # older than a look may be, and the newest is to come
    period = asked(capsys, "report", *place, "--from", "2025-06-01", "--to", "2025-06-30")[1]["period"]
    assert (period["runs"], period["until"]) == (2, "2025-06-30T21:59:59.999Z")
    for wrong in (("--at", "tomorrow"), ("--at", "2999-01-01"), ("--from", "2025-06-03", "--to", "2025-06-02")):
        assert asked(capsys, "report", *place, *wrong)[0] == 64


# --- migration ---------------------------------------------------------------------------------------------------


def test_one_command_takes_over_what_an_earlier_samdrift_left_and_says_so_before_that(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    state = shutil.copytree(EARLIER, tmp_path / "state")
    code, said, _ = asked(capsys, "history", "--state", state)
    assert code == 1
    assert f"samdrift history migrate {state} --state {state}" in said["error"]["message"]
    code, said, _ = asked(capsys, "history", "migrate", "--state", state)
    assert code == 0
    assert said["taken_over"][0]["found"] == {"records": 2, "hosts": 1, "findings": 1, "backups": 2}
    code, said, _ = asked(capsys, "history", "--state", state)
    assert (code, len(said["records"])) == (0, 2)
    assert asked(capsys, "history", "migrate", state, "--state", state)[1]["taken_over"][0]["known"]["records"] == 2


def test_what_could_not_be_taken_over_is_told_and_ends_with_an_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = Path(shutil.copytree(EARLIER, tmp_path / "files"))
    (files / "findings.json").write_text("{")
    code, said, err = asked(capsys, "history", "migrate", files, "--state", tmp_path / "state")
    assert code == 1
    assert len(said["taken_over"][0]["faults"]) == 1
    assert "not taken over" in err
    assert len(records_of(open_stores(tmp_path / "state").history)) == 2


def test_a_directory_without_such_files_is_not_migrated(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, said, _ = asked(capsys, "history", "migrate", tmp_path, "--state", tmp_path / "state")
    assert code == 64
    assert "no files of an earlier samdrift" in said["error"]["message"]
    assert not (tmp_path / "state" / FILE).exists()


def test_one_command_sets_up_a_postgresql_database_and_takes_over_files(
    server: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    url = server.create("taken_over")
    code, said, _ = asked(capsys, "history", "--state", url)
    assert code == 1
    assert "samdrift history migrate --state postgresql" in said["error"]["message"]
    assert asked(capsys, "history", "migrate", EARLIER, "--state", url)[0] == 0
    code, said, _ = asked(capsys, "history", "--state", url)
    assert (code, len(said["records"])) == (0, 2)


# --- retention ---------------------------------------------------------------------------------------------------


def test_nothing_is_removed_that_nobody_asked_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    keep(tmp_path, *OLD, NEW)
    monkeypatch.setattr(sys.stdin, "isatty", lambda: False, raising=False)
    code, said, err = asked(capsys, "history", "prune", "--older-than", "400d", "--state", tmp_path)
    assert code == 64
    assert "add --yes" in said["error"]["message"]
    assert "drift records" in err
    assert len(records_of(open_stores(tmp_path).history)) == 3


def test_a_pruning_is_shown_done_and_recorded(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    keep(tmp_path, *OLD, NEW)
    code, said, err = asked(capsys, "history", "prune", "--older-than", "2026-01-01", "--yes", "--state", tmp_path)
    assert code == 0
    assert said["removed"] == [
        {"kind": "drift records", "municipality": "heby", "count": 2, "first": OLD[0].started, "last": OLD[1].started}
    ]
    assert "2 records and 0 backups from before 2026-01-01; 0 records as old must stay." in " ".join(err.split())
    left = records_of(open_stores(tmp_path).history)
    assert [r.id for r in left] == [NEW.id, said["record"]]
    assert [r.model_dump(mode="json") for r in left[1].removed] == said["removed"]
    assert cli._ended(["history", said["record"], "--state", str(tmp_path)]) == 0
    assert "drift records" in capsys.readouterr().out
    assert "record" not in asked(capsys, "history", "prune", "--older-than", "400", "--yes", "--state", tmp_path)[1]


@pytest.mark.parametrize("age", ["0d", "soon", "2999-01-01", "-3", "12m", "9999999"])
def test_a_time_that_is_none_removes_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str], age: str) -> None:
    keep(tmp_path, *OLD)
    assert asked(capsys, "history", "prune", "--older-than", age, "--yes", "--state", tmp_path)[0] == 64
    assert len(records_of(open_stores(tmp_path).history)) == 2
