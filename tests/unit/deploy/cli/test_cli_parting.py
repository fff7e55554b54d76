"""`inventory part`, `history part` and `history verify --part`: what a municipality takes along when it leaves."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyrage
import pytest
import yaml

from deploy.cli import main as cli
from deploy.model.backup import Backup
from deploy.model.record import CheckResult, HostResult, Record
from deploy.store.database import open_directory
from deploy.store.opening import open_stores
from inventory import snapshot
from tests.unit.deploy.store.conformance import record
from tests.unit.deploy.store.places import ruin

HEBY = HostResult(host="heb-gw1", municipality="heby", outcome="differs", detail="tie-gw1 at 10.59.0.1 is silent")
TIERP = HostResult(host="tie-gw1", municipality="tierp", outcome="in sync")
GONE = HostResult(host="tie-gammal9", municipality="tierp", outcome="in sync")


def run(day: int, *hosts: HostResult) -> Record:
    checks = tuple(
        CheckResult(host=h.host, municipality=h.municipality, role="time", name="x", outcome="passed") for h in hosts
    )
    limit = " or ".join(h.host for h in hosts)
    return record(f"2025-06-0{day}T06:00:00.000Z", hosts=hosts, checks=checks, limit=limit)


RUNS = (run(1, HEBY), run(2, HEBY, TIERP, GONE), run(3, TIERP))


def asked(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, dict[str, Any]]:
    code = cli._ended([*map(str, arguments), "--json"])
    return code, json.loads(capsys.readouterr().out)


@pytest.fixture
def state(tmp_path: Path) -> Path:
    stores = open_stores(tmp_path / "state")
    for one in RUNS:
        stores.keep(one)
    for host, whose in (("heb-gw1", "heby"), ("tie-gw1", "tierp")):
        stores.backups.keep(
            Backup(host=host, municipality=whose, what="FRR", taken="2025-06-01", digest="d" * 64, sealed=f"of {host}")
        )
    return tmp_path / "state"


def test_a_municipality_takes_its_part_of_each_run_along_with_its_backups_and_nothing_that_names_others(
    state: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "heby"
    code, said = asked(capsys, "history", "part", "heby", "--state", state, "--out", out)

    assert code == 0
    assert {one["record"]: one["left_out"] for one in said["records"]} == {RUNS[0].id: 0, RUNS[1].id: 2}
    files = {str(file.relative_to(out)): file.read_text() for file in out.rglob("*.json")}
    assert len(files) == 4
    everything = "".join(files.values())
    for word in ("tie-gw1", "tierp", "10.59.0.1 ", "tie-gammal9", RUNS[2].id):
        assert word not in everything, word
    assert "is silent" in everything
    (backup,) = (text for name, text in files.items() if name.startswith("backups/heb-gw1/"))
    assert json.loads(backup)["sealed"] == "of heb-gw1"
    assert all(file.stat().st_mode & 0o077 == 0 for file in out.rglob("*.json"))


def test_a_copy_says_whether_it_is_as_it_was_written(
    state: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "heby"
    asked(capsys, "history", "part", "heby", "--state", state, "--out", out)
    verify = ("history", "verify", "--part", out, "--state", tmp_path / "another")
    code, said = asked(capsys, *verify)
    assert (code, {c["about"]: c["holds"] for c in said["claims"] if c["about"] != "witness"}) == (
        0,
        {f"record {RUNS[0].id}": True, f"record {RUNS[1].id}": True, "chain": True},
    )
    part = out / "records" / f"{RUNS[1].id}.json"
    part.write_text(part.read_text().replace("differs", "in sync"))
    code, said = asked(capsys, *verify)
    assert (code, [c["about"] for c in said["claims"] if c["holds"] is False]) == (1, [f"record {RUNS[1].id}"])


def test_twice_is_the_same_but_for_when_it_was_made(
    state: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = [asked(capsys, "history", "part", "heby", "--state", state, "--out", tmp_path / n)[1] for n in ("a", "b")]
    assert len({json.dumps({**one, "at": "", "directory": ""}) for one in made}) == 1


def test_what_cannot_be_read_is_told_and_what_is_there_is_not_written_over(
    state: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ruin(open_directory(state), RUNS[0].id)
    code, said = asked(capsys, "history", "part", "heby", "--state", state, "--out", tmp_path / "heby")
    assert (code, [one["record"] for one in said["records"]]) == (1, [RUNS[1].id])
    assert asked(capsys, "history", "part", "heby", "--state", state, "--out", tmp_path / "heby")[0] == 64
    assert asked(capsys, "history", "part", "hebby", "--state", state, "--out", tmp_path / "x")[0] == 64


def test_its_secrets_go_along_encrypted_and_open_there_and_nobody_elses_do(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "inventory"
    snapshot.dump(snapshot.load(), place / "snapshot")
    (place / "secrets").mkdir()
    keys = {name: pyrage.x25519.Identity.generate() for name in ("anna", "tore")}
    identity = tmp_path / "anna.txt"
    identity.touch(mode=0o600)
    identity.write_text(f"{keys['anna']}\n")
    recipients = {
        "heby": {"anna": str(keys["anna"].to_public())},
        "tierp": {name: str(key.to_public()) for name, key in keys.items()},
    }
    (place / "secrets" / "recipients.yaml").write_text(yaml.safe_dump(recipients))
    options = ("--source", place / "snapshot", "--identity", identity)
    for whose in ("heby", "tierp"):
        assert asked(capsys, *options, "secrets", "edit", whose, "some_secret", "--generate")[0] == 0

    code, said = asked(capsys, *options, "inventory", "part", "heby", "--out", tmp_path / "out")

    there = tmp_path / "out" / "secrets"
    assert (code, said["secrets"]) == (0, str(there))
    assert sorted(file.name for file in there.iterdir()) == ["heby.age", "recipients.yaml"]
    assert (there / "heby.age").read_bytes() == (place / "secrets" / "heby.age").read_bytes()
    assert yaml.safe_load((there / "recipients.yaml").read_text()) == {"heby": recipients["heby"]}
    own = ("--source", tmp_path / "out" / "own", "--identity", identity)
    assert asked(capsys, *own, "secrets", "edit", "heby", "some_secret", "--generate")[0] == 0
