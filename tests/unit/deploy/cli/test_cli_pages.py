"""`samdrift pages` writes each reader's pages, which say what his report says and are the same for the same records."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from sqlalchemy import update

from deploy.report.bundle import DATA, EVIDENCE
from deploy.report.published import CURRENT
from deploy.store import schema
from deploy.store.database import open_directory
from deploy.store.opening import open_stores
from inventory import snapshot
from tests.unit.deploy.cli.test_cli_report import RUNS, Asked, asked, run, state  # noqa: F401  fixtures

MUNICIPALITIES = {h.tenant for h in snapshot.load().hosts}


def served(directory: Path) -> dict[str, bytes]:
    here = directory / CURRENT
    return {str(p.relative_to(here)): p.read_bytes() for p in here.rglob("*") if p.is_file()}


@pytest.mark.long
def test_each_reader_has_his_pages_the_same_records_write_nothing_new_and_their_report_holds(
    asked: Asked,  # noqa: F811
    state: Path,  # noqa: F811
    tmp_path: Path,
) -> None:
    out = tmp_path / "pages"
    code, answer = asked("pages", out, "--state", state)
    assert (code, answer["changed"]) == (0, True)
    assert answer["files"].keys() == {"all", *MUNICIPALITIES}
    first = served(out)
    assert len(first) == sum(answer["files"].values())

    assert json.loads(first[f"heby/report/{DATA}"])["at"] == "2025-06-04T06:05:00.000Z"
    named = {r["record"] for r in json.loads(first[f"heby/report/{EVIDENCE}"])["records"]}
    assert named == {r.id for r in RUNS if "heby" in r.id}
    history = {reader: first[f"{reader}/history.html"].decode() for reader in ("heby", "osthammar", "all")}
    assert {reader: [r.id for r in RUNS if r.id in text] for reader, text in history.items()} == {
        "heby": [r.id for r in RUNS if "heby" in r.id],
        "osthammar": [r.id for r in RUNS if "osthammar" in r.id],
        "all": [r.id for r in RUNS],
    }
    code, answer = asked("pages", out, "--state", state)
    assert (code, answer["changed"]) == (0, False)
    assert served(out) == first

    _, answer = asked("report", "verify", out / CURRENT / "heby" / "report", "--state", state)
    assert {c["about"]: c["holds"] for c in answer["claims"] if not c["holds"]} == {"signature": False}


@pytest.mark.long
def test_a_damaged_record_is_told_and_the_pages_are_of_the_others(asked: Asked, state: Path, tmp_path: Path) -> None:  # noqa: F811
    open_stores(state).history.save(run(20, "drift", "differs"))
    damaged = schema.runs.c.id == run(20, "drift", "differs").id
    with open_directory(state).writing() as connection:
        connection.execute(update(schema.runs).where(damaged).values(document=b"{"))
    code, _ = asked("pages", tmp_path / "pages", "--state", state)
    assert code == 1
    assert RUNS[-1].id in served(tmp_path / "pages")["heby/history.html"].decode()


def test_some_municipalities_pages_are_not_written_without_the_others(asked: Asked, tmp_path: Path) -> None:  # noqa: F811
    code, answer = asked("pages", tmp_path / "pages", "--limit", "heby", "--state", tmp_path / "state")
    assert code == 64
    assert "of every municipality" in answer["error"]["message"]
    assert not (tmp_path / "pages").exists()
