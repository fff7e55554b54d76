"""`samdrift approve`, and what `apply` and `history` make of approvals and emergencies, through the command line."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import pytest

from deploy.cli import main as cli
from deploy.model import clock
from deploy.model.code import code_digest
from deploy.model.plan import HostPlan, Plan, Run, Step
from deploy.model.plan_file import plan_file, read_plan_file, write_plan_file
from deploy.runs.admission import Admitted
from deploy.runs.invocation import Invocation
from deploy.source.known import from_snapshot
from deploy.store.opening import open_stores
from inventory import snapshot
from inventory.organisation import People
from tests.unit.deploy.runs.test_sign_off import URGENT
from tests.unit.deploy.store.conformance import record

Asked = Callable[..., tuple[int, dict[str, Any], str]]


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, people: People, capsys: pytest.CaptureFixture[str]) -> Asked:
    """The command line, with these people in the place of the shipped ones, and a store of its own."""
    monkeypatch.setattr("inventory.people.of_the_project", lambda _day: people)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)

    def ask(*arguments: object) -> tuple[int, dict[str, Any], str]:
        words = [*map(str, arguments), "--state", str(tmp_path / "state"), "--json"]
        monkeypatch.setattr(sys, "argv", ["samdrift", *words])
        code = cli._ended(words)
        seen = capsys.readouterr()
        return code, json.loads(seen.out), seen.err

    return ask


@pytest.fixture
def file(asked: Asked, tmp_path: Path) -> Path:
    """A plan file that changes a central server, which needs an approval, and a gateway, which does not."""
    fleet = from_snapshot(snapshot.DEFAULT, "snapshot").fleet
    step = Step(role="time", name="s", intent="i", commands=(Run(text="echo a change that is shown in full"),))
    plan = Plan(
        fleet_digest=fleet.digest,
        fleet_source="snapshot",
        code_digest=code_digest(),
        made_at=clock.now(),
        made_by="johan@adm1",
        expires=clock.later(clock.now(), 1),
        hosts=tuple(
            HostPlan(host=n, municipality=m, steps=(step,)) for n, m in (("heb-gw1", "heby"), ("tie-dns1", "tierp"))
        ),
    )
    write_plan_file(plan_file(plan), tmp_path / "plan.json")
    return tmp_path / "plan.json"


def test_a_plan_is_shown_in_full_signed_and_says_how_to_go_on(asked: Asked, file: Path, keys: dict[str, Path]) -> None:
    code, told, seen = asked("approve", file, "--yes", "--comment", "läst", "--signing-key", keys["anna"])
    assert (code, told["lacking"]) == (0, [])
    assert [(a["by"], a["municipalities"], a["comment"]) for a in told["approved"]] == [
        ("anna", ["heby", "tierp"], "läst")
    ]
    assert "echo a change that is shown in full" in seen
    assert "not approved: tie-dns1 of tierp: needs 1 approval, has none" in seen
    assert told["digest"] == read_plan_file(file).digest
    assert len(read_plan_file(file).approvals) == 1


def test_an_expired_plan_is_signed_by_nobody(asked: Asked, file: Path, keys: dict[str, Path]) -> None:
    old = read_plan_file(file).plan.model_copy(update={"expires": "2026-01-01T00:00:00.000Z"})
    write_plan_file(plan_file(old), file)
    code, told, _ = asked("approve", file, "--yes", "--signing-key", keys["anna"])
    assert (code, "the plan expired at" in told["error"]["message"]) == (5, True)
    assert read_plan_file(file).approvals == ()


def test_the_first_key_at_hand_that_the_inventory_knows_signs(
    asked: Asked, file: Path, keys: dict[str, Path], tmp_path: Path
) -> None:
    assert "there is no SSH key at hand" in asked("approve", file, "--yes")[1]["error"]["message"]
    (tmp_path / ".ssh").mkdir()
    (tmp_path / ".ssh" / "id_ed25519").write_bytes(keys["bjorn"].read_bytes())
    (tmp_path / ".ssh" / "id_ed25519").chmod(0o600)
    assert [a["by"] for a in asked("approve", file, "--yes")[1]["approved"]] == ["bjorn"]


def test_who_may_not_write_the_file_signs_a_copy_and_somebody_takes_it(
    asked: Asked, file: Path, keys: dict[str, Path], tmp_path: Path
) -> None:
    before, copy = file.read_bytes(), tmp_path / "copy.json"
    asked("approve", file, "--yes", "--signing-key", keys["elif"], "--out", copy)
    assert file.read_bytes() == before
    code, told, _ = asked("approve", file, "--take", copy)
    assert (code, [a["by"] for a in told["approved"]]) == (0, ["elif"])
    assert [one["hosts"] for one in told["lacking"]] == [["tie-dns1"]]


@pytest.fixture
def _never_connects(monkeypatch: pytest.MonkeyPatch) -> None:
    def connected(*_: object, **__: object) -> NoReturn:
        raise AssertionError("a host was connected to")

    monkeypatch.setattr("deploy.runs.invocation.Session", connected)


@pytest.mark.usefixtures("_never_connects")
@pytest.mark.parametrize(
    ("arguments", "code", "why"),
    [
        ((), 1, "tie-dns1 of tierp: needs 1 approval, has none"),
        (("--digest", "0" * 64), 1, "this is another plan"),
        (("--digest", "0" * 12), 64, "no SHA-256"),
        (("--lab", "--emergency", "--reason", " "), 64, "an emergency has a reason"),
    ],
)
def test_apply_refuses_it_before_anything_is_connected_to(
    asked: Asked, file: Path, arguments: tuple[str, ...], code: int, why: str
) -> None:
    ended, told, _ = asked("apply", file, "--yes", *arguments)
    assert ended == code
    assert why in told["error"]["message"]


def test_apply_is_given_what_was_approved_and_shows_the_plan_in_full(
    asked: Asked, file: Path, keys: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[tuple[Invocation, Admitted]] = []

    def applied(run: Invocation, approve: Callable[[Plan], None], planned: Admitted, **_: object) -> object:
        given.append((run, planned))
        approve(planned.plan)
        return record("2999-01-01T00:00:00.000Z", "apply", emergency=run.emergency)

    monkeypatch.setattr("deploy.runs.applying.apply", applied)
    digest = read_plan_file(file).digest
    told = asked("apply", file, "--yes", "--emergency", "--reason", "VPN nere", "--digest", digest.upper())
    assert "history sign-off 29990101T000000.000Z-apply-" in told[2]
    assert "EMERGENCY (VPN nere)" in told[2]
    asked("approve", file, "--yes", "--signing-key", keys["anna"])
    seen = asked("apply", file, "--yes", "--digest", f"sha256:{digest}")[2]
    assert "approved by Anna (anna) for Heby, Tierp" in seen
    assert "echo a change that is shown in full" in seen
    assert "EMERGENCY" not in seen
    (urgent, first), (run, second) = given
    assert (urgent.emergency, urgent.recording.reason, [one.municipality for one in first.lacking]) == (
        True,
        "VPN nere",
        ["tierp"],
    )
    assert (run.emergency, [a.by for a in second.approved], second.lacking) == (False, ["anna"], ())


def test_a_new_plan_has_no_digest_yet(asked: Asked) -> None:
    code, told, _ = asked("apply", "--yes", "--reason", "x", "--digest", "0" * 64)
    assert (code, "yet to be made" in told["error"]["message"]) == (64, True)


def test_history_names_an_emergency_however_old_until_it_is_signed_off(
    asked: Asked, keys: dict[str, Path], tmp_path: Path
) -> None:
    history = open_stores(tmp_path / "state").history
    for one in (URGENT, *(record(f"2026-11-28T1{n}:00:00.000Z") for n in range(3))):
        history.save(one)
    code, told, _ = asked("history", "--last", "1")
    assert [run["id"] for run in told["emergencies"]] == [URGENT.id]
    code, told, seen = asked(
        "history", "sign-off", URGENT.id, "--yes", "--comment", "ok", "--signing-key", keys["anna"]
    )
    assert (code, told["open"], told["signs_off"]) == (0, [], URGENT.id)
    assert "EMERGENCY, not signed off for Heby, Tierp" in seen
    assert asked("history")[1]["emergencies"] == []
    assert cli._ended(["history", URGENT.id, "--state", str(tmp_path / "state")]) == 0
