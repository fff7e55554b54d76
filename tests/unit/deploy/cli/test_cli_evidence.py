"""`samdrift history` as evidence: what it shows of runs that did not end, `history verify`, and why a run was made."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, update

from deploy.cli import main as cli
from deploy.cli.command import Common
from deploy.cli.reason import reason_of
from deploy.model.chain import heads_in, line_of
from deploy.model.findings import Exit
from deploy.model.record import HostResult, Process
from deploy.runs.caller import this_process
from deploy.store import links as chain_links
from deploy.store import schema, witness
from deploy.store.database import FILE, Database, open_directory
from deploy.store.opening import open_stores
from deploy.store.sql import mark
from inventory.errors import UsageError
from tests.unit.deploy.store.conformance import begun_steps, record
from tests.unit.deploy.store.places import rewrite, ruin

LOOKED = HostResult(host="heb-gw1", municipality="heby", outcome="differs")
RUNS = [record(f"2025-11-29T06:00:0{n}.000Z", "drift", hosts=(LOOKED,), reason=f"CHG {n}") for n in range(4)]


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], str]]:
    """What the journal of this machine was told, as a log server keeps it: a line each."""
    path, lines = tmp_path / "journal", list[str]()
    monkeypatch.setattr(witness, "SOCKET", path)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as journal:
        journal.bind(str(path))
        journal.setblocking(False)

        def hear() -> str:
            try:
                while True:
                    fields = dict(line.split("=", 1) for line in journal.recv(65536).decode().splitlines())
                    assert fields["SYSLOG_IDENTIFIER"] == "samdrift-history"
                    lines.append(f"2026-11-29T06:00:00+01:00 tie-adm1 samdrift-history: {fields['MESSAGE']}\n")
            except BlockingIOError:
                return "".join(lines)

        yield hear


@pytest.fixture
def state(tmp_path: Path, log: Callable[[], str]) -> Path:
    """A store with some runs, and beside it in `witness.log` what the journal was told."""
    state = tmp_path / "state"
    for one in RUNS:
        open_stores(state).history.save(one)
    (tmp_path / "witness.log").write_text("Nov 29 other: noise\n" + log())
    return state


def verified(state: Path, capsys: pytest.CaptureFixture[str]) -> tuple[int, set[tuple[str, str]], dict[str, Any]]:
    told = state.parent / "witness.log"
    code = cli._ended(["history", "verify", "--state", str(state), "--witness", str(told), "--json"])
    said = json.loads(capsys.readouterr().out)
    return code, {(b["record"], b["what"]) for b in said["breaks"]}, said


def test_the_journal_is_told_each_head_with_who_and_why(state: Path) -> None:
    heads = list(heads_in((state.parent / "witness.log").read_text().splitlines()))
    assert [(h.number, h.record, h.who, h.reason) for h in heads] == [
        (n, one.id, "anna", f"CHG {n - 1}") for n, one in enumerate(RUNS, start=1)
    ]
    assert {h.place for h in heads} == {str(state / FILE)}


def test_a_history_as_it_was_recorded_is_found_to_be(state: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, breaks, said = verified(state, capsys)
    assert (code, breaks) == (0, set())
    assert (said["records"], said["links"], said["witnessed"]) == (4, 4, 4)
    assert cli._ended(["history", "verify", "--state", str(state), "--witness", str(state.parent / "witness.log")]) == 0
    assert "Every record is as it was recorded." in capsys.readouterr().out


def _remove_with_link(database: Database) -> None:
    with database.writing() as connection:
        connection.execute(delete(schema.runs).where(schema.runs.c.id == RUNS[3].id))
        connection.execute(delete(schema.links).where(schema.links.c.record == RUNS[3].id))


def _make_anew(database: Database) -> None:
    """Forge a record as somebody would who knows all of this: with digests, links and hashes made anew."""
    rewrite(Path(database.where).parent, RUNS[1].id, lambda document: document.update(who="somebody else"))
    with database.writing() as connection:
        connection.execute(update(schema.runs).where(schema.runs.c.id == RUNS[1].id).values(who="somebody else"))
        digests = dict(
            connection.execute(schema.runs.select().with_only_columns(schema.runs.c.id, schema.runs.c.digest)).all()
        )
        entries = [link.entry for link in chain_links.links(database)]
        connection.execute(delete(schema.links))
        name = chain_links.chain_name(connection)
        previous = name
        for number, entry in enumerate(entries, start=1):
            forged = entry.model_copy(update={"digest": digests[entry.record]})
            previous = chain_links.hash_of(previous, forged)
            row = {"number": number, "hash": previous, **forged.model_dump()}
            connection.execute(schema.links.insert().values(**row))


TAMPERING: dict[str, tuple[Callable[[Database], object], set[tuple[str, str]]]] = {
    "a document cut off": (lambda db: ruin(db, RUNS[1].id), {(RUNS[1].id, "changed")}),
    "a document rewritten with its digest": (
        lambda db: rewrite(Path(db.where).parent, RUNS[1].id, lambda d: d.update(who="somebody else")),
        {(RUNS[1].id, "changed")},
    ),
    "the list alone": (lambda db: ruin(db, RUNS[1].id, who="somebody else"), {(RUNS[1].id, "changed")}),
    "a record put in": (
        lambda db: _insert(db, record("2026-11-29T05:00:00.000Z").id),
        {("20261129T050000.000Z-drift-0000", "put in")},
    ),
    "a record removed": (lambda db: _delete(db, RUNS[0].id), {(RUNS[0].id, "removed")}),
    "the newest removed with its link": (_remove_with_link, {(RUNS[3].id, "removed")}),
    "all made anew": (_make_anew, {(one.id, "changed") for one in RUNS[1:]}),
}


def _delete(database: Database, record_id: str) -> None:
    with database.writing() as connection:
        connection.execute(delete(schema.runs).where(schema.runs.c.id == record_id))


def _insert(database: Database, _id: str) -> None:
    with database.writing() as connection:
        row = dict(connection.execute(schema.runs.select().where(schema.runs.c.id == RUNS[0].id)).one()._mapping)
        connection.execute(schema.runs.insert().values(**row | {"id": "20261129T050000.000Z-drift-0000"}))


@pytest.mark.parametrize("how", TAMPERING)
def test_whoever_tampers_with_a_history_is_found_out(state: Path, capsys: pytest.CaptureFixture[str], how: str) -> None:
    tamper, expected = TAMPERING[how]
    tamper(open_directory(state))
    code, breaks, _ = verified(state, capsys)
    assert (code, breaks) == (1, expected)


def test_a_store_that_was_made_anew_is_told_by_the_witness(state: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for path in state.iterdir():
        path.unlink()
    open_stores(state).history.save(RUNS[0])
    code, breaks, said = verified(state, capsys)
    assert (code, breaks) == (1, {(RUNS[3].id, "removed")})
    assert "another chain of this store" in said["breaks"][0]["known_by"]


def test_a_history_whose_beginning_was_cut_off_is_told_by_the_witness(
    state: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What follows the cut is whole, if somebody names the chain so that it begins there."""
    database = open_directory(state)
    first, *rest = chain_links.links(database)
    with database.writing() as connection:
        connection.execute(delete(schema.runs).where(schema.runs.c.id == first.entry.record))
        connection.execute(delete(schema.links).where(schema.links.c.number == 1))
        for link in rest:
            renumbered = update(schema.links).where(schema.links.c.number == link.number)
            connection.execute(renumbered.values(number=link.number - 1))
        mark(connection, chain_links.CHAIN, first.hash)
    code, breaks, seen = verified(state, capsys)
    assert code == 1
    assert breaks
    assert "another chain of this store" in seen["breaks"][0]["known_by"]


def test_what_was_pruned_is_no_break(state: Path, capsys: pytest.CaptureFixture[str]) -> None:
    newer = record("2999-01-01T00:00:00.000Z", "drift", hosts=(LOOKED,))
    open_stores(state).history.save(newer)
    prune = ["history", "prune", "--older-than", "2025-11-30", "--state", str(state)]
    assert cli._ended([*prune, "--yes"]) == 0
    assert [run.id for run in open_stores(state).history.runs(("drift",))] == [newer.id]
    capsys.readouterr()
    assert verified(state, capsys)[:2] == (0, set())


def test_without_a_journal_the_chain_stands_alone_and_it_says_so(
    state: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(witness, "SOCKET", state / "none")
    open_stores(state).history.save(record("2026-11-29T07:00:00.000Z"))
    assert cli._ended(["history", "verify", "--state", str(state)]) == 0
    assert "Without a witness" in capsys.readouterr().out


def test_the_journal_is_read_with_who_wrote_each_line_and_a_forged_one_is_told_as_that(
    state: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (heard,) = (h for h in heads_in((state.parent / "witness.log").read_text().splitlines()) if h.number == 1)
    forged = line_of(heard.model_copy(update={"number": 2, "hash": "0" * 64, "record": RUNS[1].id}))
    messages = [
        {"MESSAGE": line_of(heard), "_UID": "990"},
        {"MESSAGE": forged, "_UID": "1005"},
        {"MESSAGE": [104, 255]},
    ]
    program = state.parent / "bin" / "journalctl"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\ncat <<'END'\n" + "\n".join(map(json.dumps, messages)) + "\nEND\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:/usr/bin:/bin")
    assert cli._ended(["history", "verify", "--state", str(state), "--json"]) == 1
    seen = json.loads(capsys.readouterr().out)
    assert [(b["record"], b["what"]) for b in seen["breaks"]] == [(RUNS[1].id, "changed")]
    assert "a witness was told by uid 1005 of link 2" in seen["breaks"][0]["known_by"]
    program.write_text("#!/bin/sh\necho 'No journal files were opened due to insufficient permissions.' >&2; exit 1\n")
    assert cli._ended(["history", "verify", "--state", str(state)]) == 1
    assert "the journal cannot be read: No journal files were opened" in " ".join(capsys.readouterr().err.split())


# --- runs that did not end --------------------------------------------------------------------------------------------


def test_history_says_of_a_run_that_did_not_end_whether_it_is_at_work_and_what_it_began(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    history = open_stores(tmp_path).history
    dead = Process(machine=this_process().machine, boot="another", pid=1, since=1)
    lost, at_work = (
        record(f"2026-11-29T06:00:0{n}.000Z", "apply", ended=False, process=process, exit_code=1)
        for n, process in enumerate((dead, this_process()))
    )
    for one in (lost, at_work):
        history.save(one)
    history.proceed(lost.id, begun_steps("heb-gw1", "heb-gw1"))
    assert cli._ended(["history", "--state", str(tmp_path)]) == 0
    shown = capsys.readouterr().out
    assert shown.count("without a word") == shown.count("not yet") == 1
    assert cli._ended(["history", lost.id, "--state", str(tmp_path)]) == 0
    shown = capsys.readouterr().out
    assert "heb-gw1 began" in shown
    assert "time: s1" in shown
    assert cli._ended(["history", lost.id, "--state", str(tmp_path), "--json"]) == 0
    assert [s["step"] for s in json.loads(capsys.readouterr().out)["begun"]] == ["time: s0", "time: s1"]


def test_the_record_of_a_run_whose_machine_is_gone_is_ended_by_whoever_knows(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    history = open_stores(tmp_path).history
    away = Process(machine="tie-adm9", boot="b", pid=1, since=1)
    gone, at_work, whole = (
        record(f"2025-11-29T06:00:0{n}.000Z", "apply", ended=n == 2, process=process, exit_code=1)
        for n, process in enumerate((away, this_process(), None))
    )
    for one in (gone, at_work, whole):
        history.save(one)
    for one, why in ((gone, "only tie-adm9 knows"), (at_work, "is at work on"), (whole, "this run has ended")):
        assert cli._ended(["history", "end", one.id, "--state", str(tmp_path)]) == Exit.USAGE
        assert why in " ".join(capsys.readouterr().err.split())
    assert cli._ended(["history", "end", gone.id, "--yes", "--state", str(tmp_path)]) == 0
    assert "ended without a word" in " ".join(capsys.readouterr().out.split())
    assert [run.id for run in history.not_ended()] == [at_work.id]


def test_a_record_says_who_the_kernel_saw_who_the_caller_claims_to_be_and_why(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    one = record("2026-11-29T06:00:00.000Z", who="anna@tie-adm1", account="samdrift", claimed="karin", reason="CHG 17")
    open_stores(tmp_path).history.save(one)
    assert cli._ended(["history", one.id, "--state", str(tmp_path)]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "who anna@tie-adm1, as samdrift calls itself karin why CHG 17" in shown
    assert cli._ended(["history", "--state", str(tmp_path)]) == 0
    assert "CHG 17" in capsys.readouterr().out


# --- why --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", [("apply",), ("restore", "heb-sw1", "--at", "2026-11-29")])
def test_who_changes_hosts_without_a_terminal_says_why(
    command: tuple[str, ...], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SAMDRIFT_REASON")
    assert cli._ended([*command, "--yes"]) == Exit.USAGE
    assert "nobody says why" in " ".join(capsys.readouterr().err.split())
    assert cli._ended([*command, "--yes", "--reason", ""]) == Exit.USAGE


def test_a_reason_is_asked_for_on_a_terminal_and_not_in_the_lab(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("click.prompt", lambda *_, **__: " CHG 17:\n new  resolvers ")
    assert reason_of(Common(), None, "apply") == "CHG 17: new resolvers"
    assert reason_of(Common(), "given", "apply") == "given"
    assert reason_of(Common(lab=True), None, "apply") == ""
    monkeypatch.setattr("sys.stdin.isatty", lambda: False, raising=False)
    with pytest.raises(UsageError, match="nobody says why"):
        reason_of(Common(), None, "apply")
