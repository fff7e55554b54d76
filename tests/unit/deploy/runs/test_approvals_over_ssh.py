"""What was approved is what runs on a host, and nothing else; an emergency goes round nothing that protects hosts."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from deploy.model import clock
from deploy.model.findings import Exit
from deploy.model.plan import Plan, Run
from deploy.model.plan_file import PlanFile, plan_file, read_plan_file, write_plan_file
from deploy.runs import invocation
from deploy.runs.admission import NotApproved, admit
from deploy.runs.applying import apply, gates_in_force
from deploy.runs.approving import approve, signer_of
from deploy.runs.commands import plan
from deploy.runs.invocation import Invocation
from deploy.runs.recording import Recording
from deploy.verify.run import verify
from inventory.organisation import People
from inventory.rules.gates import Gates
from inventory.rules.house import House
from inventory.rules.house_rules import Approvals
from roles.shared.intent import Intent
from tests.sshd import Sshd, fleet_of
from tests.unit.deploy.runs.test_evidence import OF_A_PLACE
from tests.unit.deploy.runs.test_runs import run_of

ROLE = f"""{OF_A_PLACE}
def deploy(settings):
    managed_file(f"{{settings.place}}/motd", content="welcome\\n")
"""
CHECK = """def test_nobody_is_on_call(host, settings):
    assert not host.file(f"{settings.place}/on-call").exists
"""


@pytest.fixture
def run(
    sshd: Sshd, make_role: Callable[[str, str], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, people: People
) -> Invocation:
    """A run on a host that needs an approval, of a role of one file with a check."""
    (tmp_path / "checks").mkdir()
    (tmp_path / "checks" / "test_greet.py").write_text(CHECK)
    make_role("greet", ROLE)
    monkeypatch.setattr(invocation, "run_checks", partial(verify, directory=tmp_path / "checks"))
    host = sshd.host(context={"samdrift": {"roles": {"greet": True}, "greet": {"place": str(tmp_path)}}})
    fleet = fleet_of(host).model_copy(update={"people": people})
    return dataclasses.replace(
        run_of(),
        command="apply",
        intent=Intent(fleet),
        hosts=fleet.hosts,
        access=sshd.access,
        approvals=Approvals(needed={"tie-*": 1}),
        who="cecilia@adm1",
    )


def again(run: Invocation, **changes: object) -> Invocation:
    """Another run of the same command."""
    return dataclasses.replace(run, recording=Recording(), started=clock.now(), **changes)  # type: ignore[arg-type]


def agreed(_plan: Plan) -> None:
    """Ask nobody."""


def approved(run: Invocation, made: Plan, key: Path) -> PlanFile:
    file = plan_file(made.model_copy(update={"made_by": "johan@adm1"}))
    return approve(file, signer_of(file.plan, run.fleet, key, "anna@x"), clock.now(), "läst")


@pytest.mark.long
def test_only_what_was_approved_runs_and_only_once(run: Invocation, keys: dict[str, Path], tmp_path: Path) -> None:
    motd, path = tmp_path / "motd", tmp_path / "plan.json"
    with pytest.raises(NotApproved, match="needs 1 approval, has none"):
        apply(run, agreed)
    assert not motd.exists()

    made, _ = plan(again(run), detailed=False)
    write_plan_file(approved(run, made, keys["anna"]), path)
    first = again(run)
    record = apply(first, agreed, admit(first, read_plan_file(path)))
    assert (record.exit_code, motd.read_text()) == (Exit.OK, "welcome\n")
    assert [(a.by, a.municipalities, a.comment) for a in record.approvals] == [("anna", ("tierp",), "läst")]
    assert record.plan_digest == read_plan_file(path).digest
    assert run.stores.history.record(record.id).approvals == record.approvals

    motd.write_text("changed by hand since\n")
    second = again(run)
    record = apply(second, agreed, admit(second, read_plan_file(path)))
    assert (record.exit_code, motd.read_text()) == (Exit.STALE, "changed by hand since\n")


def test_commands_that_do_not_do_what_the_diff_shows_are_never_run(
    run: Invocation, keys: dict[str, Path], tmp_path: Path
) -> None:
    """Somebody who writes plan files by hand finds an approver who reads the diffs."""
    made, _ = plan(again(run), detailed=False)
    (host,) = made.hosts
    other = tuple(
        s.model_copy(update={"commands": (Run(text=f"touch {tmp_path}/owned"),)}) if s.commands else s
        for s in host.steps
    )
    forged = made.model_copy(update={"hosts": (host.model_copy(update={"steps": other}),)})
    at = again(run)
    record = apply(at, agreed, admit(at, approved(run, forged, keys["anna"])))
    assert record.exit_code == Exit.STALE
    assert not (tmp_path / "owned").exists()
    assert not (tmp_path / "motd").exists()


@pytest.mark.long
def test_an_emergency_waits_for_nobody_and_is_verified_all_the_same(run: Invocation, tmp_path: Path) -> None:
    (tmp_path / "on-call").touch()
    urgent = again(run, emergency=True)
    record = apply(urgent, agreed)
    assert (record.exit_code, (tmp_path / "motd").read_text()) == (Exit.VERIFY_FAILED, "welcome\n")
    assert (record.emergency, [one.municipality for one in record.lacking]) == (True, ["tierp"])
    assert [run.id for run in urgent.stores.history.emergencies()] == [record.id]


def test_an_emergency_goes_without_canaries_and_without_no_other_gate() -> None:
    usual, urgent = gates_in_force(lab=False), gates_in_force(lab=False, emergency=True)
    assert (usual.canaries, urgent.canaries, urgent.soak) == (True, False, 0)
    assert urgent.model_copy(update={"canaries": True, "soak": usual.soak}) == usual


def test_no_host_of_the_lab_goes_first_unless_the_rule_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    assert gates_in_force(lab=False).canaries
    assert not gates_in_force(lab=True).canaries
    asked = House({"gates": Gates(in_the_lab=True, max_failures=1)})
    monkeypatch.setattr("deploy.runs.applying.of_the_project", lambda: asked)
    assert (gates_in_force(lab=True).canaries, gates_in_force(2, lab=True).max_failures) == (True, 2)
