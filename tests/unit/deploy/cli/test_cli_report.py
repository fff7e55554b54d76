"""A report proves itself: one changed byte in its files, in a record behind it or in the chain is named.

And an auditor's four questions are answered by the report alone: who changed this host and when; was it as intended on
that date; which hosts failed a control; is this document unaltered.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select, update

from deploy.cli import main as cli
from deploy.model.record import CheckResult, HostResult, Record
from deploy.report.bundle import CHANGES, CONTROLS, DATA, EVIDENCE, FINDINGS, HOSTS, OSCAL, PAGE, PDF, SIGNATURE, SUMS
from deploy.runs.manifest import manifest_now
from deploy.store import schema
from deploy.store.database import open_directory
from deploy.store.opening import open_stores
from inventory.organisation import People

Asked = Callable[..., tuple[int, dict[str, Any]]]

CHECKED = "sshd offers nothing but keys"


def run(day: int, command: str, outcome: str, *, failed: bool = False, municipality: str = "heby") -> Record:
    """A run on one day of June 2025, on Heby's gateway and on one of Östhammar's."""
    mine = municipality == "heby"
    hosts = (("heb-gw1", "heby"),) if mine else (("ost-gw1", "osthammar"),)
    return Record.model_validate(
        {
            "id": f"202506{day:02}T060000.000Z-{command}-{municipality}",
            "command": command,
            "who": "anna@tie-adm1",
            "reason": "ärende 17" if command == "apply" else "",
            "started": f"2025-06-{day:02}T06:00:00.000Z",
            "finished": f"2025-06-{day:02}T06:05:00.000Z",
            "fleet_digest": "d" * 64,
            "fleet_source": "snapshot",
            "code_digest": "c" * 64,
            "exit_code": 0,
            "manifest": manifest_now(),
            "hosts": [
                HostResult.model_validate(
                    {
                        "host": host,
                        "municipality": whose,
                        "outcome": outcome,
                        "roles": ["base"],
                        "changed": ["base: file /etc/motd"] if outcome == "changed" else [],
                    }
                )
                for host, whose in hosts
            ],
            "checks": [
                CheckResult(
                    host=host,
                    municipality=whose,
                    role="base",
                    name=CHECKED,
                    outcome="failed" if failed else "passed",
                )
                for host, whose in hosts
            ],
        }
    )


RUNS = (
    run(1, "apply", "changed"),
    run(2, "drift", "in sync"),
    run(3, "drift", "in sync", municipality="osthammar"),
    run(4, "drift", "in sync", failed=True),
)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch, people: People, capsys: pytest.CaptureFixture[str]) -> Asked:
    """The command line, with these people in the place of the shipped ones."""
    monkeypatch.setattr("inventory.people.of_the_project", lambda _day: people)

    def ask(*words: object) -> tuple[int, dict[str, Any]]:
        code = cli._ended([*map(str, words), "--json"])
        return code, json.loads(capsys.readouterr().out)

    return ask


@pytest.fixture
def state(tmp_path: Path) -> Path:
    for one in RUNS:
        open_stores(tmp_path / "state").history.save(one)
    return tmp_path / "state"


@pytest.fixture
def signed(asked: Asked, state: Path, keys: dict[str, Path], tmp_path: Path) -> Path:
    """A signed report of Heby, on 10 June."""
    out = tmp_path / "report"
    options = ("--for", "auditor", "--limit", "heby", "--at", "2025-06-10", "--signing-key", keys["anna"])
    assert asked("report", *options, "--state", state, "--out", out)[0] == 0
    return out


def judged(asked: Asked, signed: Path, state: Path) -> dict[str, bool | None]:
    """What holds of a report, by what it is about; the exit code says the same."""
    code, answer = asked("report", "verify", signed, "--state", state)
    claims = {c["about"]: c["holds"] for c in answer["claims"]}
    assert code == (False in claims.values())
    return claims


def test_a_report_that_nobody_touched_holds_in_all_that_is_asked(asked: Asked, signed: Path, state: Path) -> None:
    claims = judged(asked, signed, state)
    mine = {f"record {r.id}" for r in RUNS if "heby" in r.id}
    assert claims.keys() == {"signature", PAGE, DATA, EVIDENCE, "chain", *mine}
    assert set(claims.values()) == {True}


def test_anybody_verifies_it_by_openssh_and_coreutils_alone(signed: Path, keys: dict[str, Path]) -> None:
    allowed = signed.parent / "allowed"
    allowed.write_text("anna " + keys["anna"].with_suffix(".pub").read_text())
    command = ["ssh-keygen", "-Y", "verify", "-n", "samdrift-report", "-f", str(allowed), "-I", "anna"]
    with (signed / SUMS).open("rb") as sums:
        subprocess.run([*command, "-s", str(signed / SIGNATURE)], stdin=sums, check=True, capture_output=True)
    subprocess.run(["sha256sum", "--strict", "-c", SUMS], cwd=signed, check=True, capture_output=True)


def test_the_same_records_give_the_same_bytes(
    asked: Asked, signed: Path, state: Path, keys: dict[str, Path], tmp_path: Path
) -> None:
    open_stores(state).history.save(run(20, "drift", "differs"))  # later than the moment of the report
    again = tmp_path / "again"
    options = ("--for", "auditor", "--limit", "heby", "--at", "2025-06-10", "--signing-key", keys["anna"])
    assert asked("report", *options, "--state", state, "--out", again)[0] == 0
    assert {f.name: f.read_bytes() for f in again.iterdir()} == {f.name: f.read_bytes() for f in signed.iterdir()}
    assert set(judged(asked, signed, state).values()) == {True}


@pytest.mark.long
@given(data=st.data())
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_one_changed_byte_of_a_file_is_named(data: st.DataObject, asked: Asked, signed: Path, state: Path) -> None:
    name = data.draw(st.sampled_from([PAGE, DATA, EVIDENCE, SUMS]))
    file = signed / name
    before = file.read_bytes()
    at, bit = data.draw(st.integers(0, len(before) - 1)), data.draw(st.integers(0, 7))
    file.write_bytes(before[:at] + bytes([before[at] ^ (1 << bit)]) + before[at + 1 :])
    try:
        claims = judged(asked, signed, state)
    finally:
        file.write_bytes(before)
    assert claims["signature" if name == SUMS else name] is False


@pytest.mark.long
@given(data=st.data())
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_one_changed_byte_of_a_record_is_named(data: st.DataObject, asked: Asked, signed: Path, state: Path) -> None:
    record = data.draw(st.sampled_from([r.id for r in RUNS]))
    database, row = open_directory(state), schema.runs.c.id == record
    with database.writing() as connection:
        before = connection.scalar(select(schema.runs.c.document).where(row)) or b""
        at, bit = data.draw(st.integers(0, len(before) - 1)), data.draw(st.integers(0, 7))
        changed = before[:at] + bytes([before[at] ^ (1 << bit)]) + before[at + 1 :]
        connection.execute(update(schema.runs).where(row).values(document=changed))
    try:
        claims = judged(asked, signed, state)
    finally:
        with database.writing() as connection:
            connection.execute(update(schema.runs).where(row).values(document=before))
    assert claims["chain"] is False
    if "heby" in record:
        assert claims[f"record {record}"] is False
    assert sum(holds is False for holds in claims.values()) == (2 if "heby" in record else 1)


@given(data=st.data())
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_one_changed_letter_of_the_chain_is_named(data: st.DataObject, asked: Asked, signed: Path, state: Path) -> None:
    number = data.draw(st.integers(1, len(RUNS)))
    name = data.draw(st.sampled_from(["event", "at", "record", "digest", "hash"]))
    database, row = open_directory(state), schema.links.c.number == number
    with database.writing() as connection:
        before = str(connection.scalar(select(schema.links.c[name]).where(row)))
        at = data.draw(st.integers(0, len(before) - 1))
        letter = data.draw(st.characters(codec="ascii", exclude_characters=before[at], min_codepoint=32))
        changed = before[:at] + letter + before[at + 1 :]
        connection.execute(update(schema.links).where(row).values({name: changed}))
    try:
        claims = judged(asked, signed, state)
    finally:
        with database.writing() as connection:
            connection.execute(update(schema.links).where(row).values({name: before}))
    assert claims["chain"] is False


def test_whoever_signs_a_changed_report_anew_is_named_and_a_stranger_is_nobody(
    asked: Asked, signed: Path, state: Path, keys: dict[str, Path], tmp_path: Path
) -> None:
    stranger = tmp_path / "stranger"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(stranger)], check=True)
    for key, holds in ((stranger, False), (keys["bjorn"], True), (keys["gone"], None)):
        (signed / SIGNATURE).unlink()
        command = ["ssh-keygen", "-q", "-Y", "sign", "-n", "samdrift-report", "-f", str(key), str(signed / SUMS)]
        subprocess.run(command, check=True, capture_output=True)
        assert judged(asked, signed, state)["signature"] is holds


def test_a_signature_for_something_else_is_none_of_a_report(
    asked: Asked, signed: Path, state: Path, keys: dict[str, Path]
) -> None:
    (signed / SIGNATURE).unlink()
    command = ["ssh-keygen", "-q", "-Y", "sign", "-n", "samdrift-plan", "-f", str(keys["anna"]), str(signed / SUMS)]
    subprocess.run(command, check=True, capture_output=True)
    assert judged(asked, signed, state)["signature"] is False


def test_a_report_that_nobody_signed_is_not_called_unaltered(asked: Asked, state: Path, tmp_path: Path) -> None:
    assert asked("report", "--state", state, "--out", tmp_path / "r", "--at", "2025-06-10")[0] == 0
    assert judged(asked, tmp_path / "r", state)["signature"] is False
    assert not (tmp_path / "r" / SIGNATURE).exists()


@pytest.mark.long
def test_a_new_report_is_not_proved_by_what_proved_the_one_before(asked: Asked, signed: Path, state: Path) -> None:
    assert asked("report", "--state", state, "--out", signed, "--at", "2025-06-10")[0] == 0
    assert not (signed / SIGNATURE).exists()


@pytest.mark.long
def test_what_was_asked_for_is_proved_too_and_is_gone_from_a_report_that_has_it_not(
    asked: Asked, state: Path, tmp_path: Path
) -> None:
    out, of = tmp_path / "r", ("--state", state, "--at", "2025-06-10")
    assert asked("report", *of, "--out", out, "--csv", "--oscal", "--pdf")[0] == 0
    written = {HOSTS, CONTROLS, FINDINGS, CHANGES, OSCAL, PDF}
    assert written <= {f.name for f in out.iterdir()}
    assert {f.stat().st_mode & 0o777 for f in out.iterdir()} == {0o600}
    (out / FINDINGS).write_bytes(b"")
    claims = judged(asked, out, state)
    assert {name: claims[name] for name in written} == {name: name != FINDINGS for name in written}
    assert asked("report", *of, "--out", out)[0] == 0
    assert not written & {f.name for f in out.iterdir()}
    code, answer = asked("report", *of, "--out", out, "--csv", "--for", "board")
    assert code == 64
    assert "this report has no tables" in answer["error"]["message"]


def test_an_open_version_is_everybody_s_to_read_and_proves_itself(
    asked: Asked, state: Path, keys: dict[str, Path], tmp_path: Path
) -> None:
    out, of = tmp_path / "r", ("--state", state, "--at", "2025-06-10", "--limit", "heby", "--signing-key", keys["anna"])
    code, answer = asked("report", *of, "--out", out, "--open", "--csv")
    assert (code, answer["open"]) == (0, True)
    assert {f.stat().st_mode & 0o777 for f in out.iterdir()} == {0o644}
    for told in (json.dumps(answer), *(f.read_text(encoding="utf-8") for f in out.iterdir())):
        assert not re.search("heb-gw1|anna@|ärende 17|motd", told)
    assert set(judged(asked, out, state).values()) == {True}


def test_where_the_history_is_another_one_that_is_said_and_nothing_is_claimed(
    asked: Asked, signed: Path, tmp_path: Path
) -> None:
    claims = judged(asked, signed, tmp_path / "elsewhere")
    assert claims["history"] is None
    assert claims["signature"] is True
    assert not [about for about in claims if about.startswith("record")]


@pytest.mark.long
def test_files_that_are_gone_are_named(asked: Asked, signed: Path, state: Path) -> None:
    for name, about in ((EVIDENCE, "history"), (PAGE, PAGE), (SUMS, SUMS)):
        (signed / name).unlink()
        assert judged(asked, signed, state)[about] is False


def test_nothing_of_another_municipality_is_behind_the_report_of_one(signed: Path) -> None:
    for file in signed.iterdir():
        text = file.read_text(encoding="utf-8").lower()
        assert "osthammar" not in text
        assert "ost-gw1" not in text


def test_who_may_sign_has_a_key_that_somebody_of_the_inventory_has(asked: Asked, state: Path, tmp_path: Path) -> None:
    stranger = tmp_path / "stranger"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(stranger)], check=True)
    code, answer = asked("report", "--state", state, "--out", tmp_path / "r", "--signing-key", stranger)
    assert code == 1
    assert "nobody of the inventory has this key" in answer["error"]["message"]
    assert not (tmp_path / "r").exists()


# --- an auditor's four questions, from the report alone -----------------------------------------------------------


@pytest.fixture
def alone(signed: Path, tmp_path: Path) -> Path:
    """The report, carried to where there is no history."""
    return Path(shutil.copytree(signed, tmp_path / "auditor"))


def document(directory: Path) -> dict[str, Any]:
    return dict(json.loads((directory / DATA).read_text(encoding="utf-8")))


def test_who_changed_this_host_and_when(alone: Path) -> None:
    (gateway,) = (h for h in document(alone)["hosts"] if h["name"] == "heb-gw1")
    changed = gateway["changed"]
    assert (changed["who"], changed["at"], changed["reason"]) == ("anna@█████", RUNS[0].started, "ärende 17")
    page = re.sub("<[^>]*>", "", (alone / PAGE).read_text(encoding="utf-8"))
    assert "Senast ändrad 2025-06-01 08:00 CEST, anna@█████: ärende 17" in page


@pytest.mark.long
def test_was_it_as_intended_on_that_date(asked: Asked, alone: Path, state: Path, tmp_path: Path) -> None:
    assert {h["name"]: h["state"] for h in document(alone)["hosts"]}["heb-gw1"] == "failed check"
    for day, how in (("2025-06-02", "in sync"), ("2025-05-31", "not looked at")):
        assert asked("report", "--state", state, "--out", tmp_path / day, "--at", day, "--limit", "heby")[0] == 0
        assert {h["name"]: h["state"] for h in document(tmp_path / day)["hosts"]}["heb-gw1"] == how


def test_which_hosts_failed_a_control(alone: Path) -> None:
    for control in ("ISO 27002:2022 8.5", "CIS v8 4.6", "NIS2 21.2 i"):
        (found,) = (c for c in document(alone)["controls"] if c["id"] == control)
        assert [(r["host"], r["why"]) for r in found["results"] if r["result"] == "failed"] == [("heb-gw1", CHECKED)]


def test_is_this_document_unaltered(asked: Asked, alone: Path, tmp_path: Path) -> None:
    assert False not in judged(asked, alone, tmp_path / "nowhere").values()
    (alone / DATA).write_text((alone / DATA).read_text(encoding="utf-8").replace("failed check", "in sync"))
    assert judged(asked, alone, tmp_path / "nowhere")[DATA] is False
