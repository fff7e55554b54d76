"""A run that is limited to some roles: what it changes, what it remembers, and what it says of the rest."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from deploy.cli.main import cli
from deploy.model.findings import Exit, Finding, Kind
from deploy.model.messages import MessageId, as_written, samdrift
from deploy.model.plan_file import plan_file, read_plan_file, write_plan_file
from deploy.model.record import AppliedStep, HostResult
from deploy.model.step_id import StepId
from deploy.report.past import past_of
from deploy.runs import invocation
from deploy.runs.admission import admit
from deploy.runs.applying import apply
from deploy.runs.commands import drift, plan
from deploy.runs.invocation import Invocation
from deploy.runs.recording import Recording
from deploy.source.write_back import entries
from deploy.verify.run import verify
from inventory.errors import UsageError
from roles.shared.intent import Intent
from tests.sshd import Sshd, fleet_of
from tests.unit.deploy.runs.test_runs import run_of

ROLE = '''"""A role of one file, whose text names how many roles its host has."""
from roles.shared.parts.files import managed_file
from roles.shared.parts.handlers import Handler
from roles.shared.settings import Options as Base, Settings as SettingsBase

class Options(Base):
    place: str

class Settings(SettingsBase):
    place: str
    beside: int

def settings(host, fleet, options):
    return Settings(place=options.place, beside=len(host.roles))

def deploy(settings):
    note = Handler(name="note NAME", command=f"echo NAME >> {settings.place}/handled")
    managed_file(f"{settings.place}/NAME", content=f"NAME of {settings.beside}\\n", then=(note,))
'''

CHECK = """def test_file_is_there(host, settings):
    assert host.file(f"{settings.place}/NAME").exists
"""


@pytest.fixture
def run(
    sshd: Sshd, make_role: Callable[[str, str], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Invocation:
    """A run on a host with two roles, each of one file, with a handler and a check."""
    checks = tmp_path / "checks"
    checks.mkdir()
    for name in ("brush", "colour"):
        make_role(name, ROLE.replace("NAME", name))
        (checks / f"test_{name}.py").write_text(CHECK.replace("NAME", name))
    monkeypatch.setattr(invocation, "run_checks", partial(verify, directory=checks))
    options = {"place": str(tmp_path)}
    fleet = fleet_of(
        sshd.host(context={"samdrift": {"roles": {"brush": True, "colour": True}, "brush": options, "colour": options}})
    )
    return dataclasses.replace(run_of(), intent=Intent(fleet), hosts=fleet.hosts, access=sshd.access)


def limited(run: Invocation, *roles: str, at: str = "20:00") -> Invocation:
    return dataclasses.replace(
        run, command="apply", only_roles=roles, started=f"2026-11-28T{at}:00.000Z", recording=Recording()
    )


def test_a_role_is_applied_alone_with_its_own_handlers_and_checks(run: Invocation, tmp_path: Path) -> None:
    record = apply(limited(run, "colour"), lambda _plan: None)

    assert (record.exit_code, record.only_roles) == (Exit.OK, ("colour",))
    assert {step.role for host in record.hosts for step in host.changed} == {"colour"}
    assert {check.role for check in record.checks} == {"colour"}
    assert not (tmp_path / "brush").exists()
    assert (tmp_path / "handled").read_text() == "colour\n"
    assert (tmp_path / "colour").read_text() == "colour of 2\n", "its settings are those of the whole host"


@pytest.mark.long
def test_what_was_not_applied_is_pending_and_what_was_stays_known(run: Invocation, tmp_path: Path) -> None:
    apply(limited(run, "colour"), lambda _plan: None)
    assert [(f.kind, f.role) for f in drift(limited(run, at="20:01")).findings if f.step.startswith("file")] == [
        (Kind.PENDING, "brush")
    ]

    apply(limited(run, "brush", at="20:02"), lambda _plan: None)
    assert drift(limited(run, at="20:03")).findings == ()

    for name in ("colour", "brush"):
        (tmp_path / name).write_text("by hand\n")
    found = drift(limited(run, at="20:04")).findings
    assert {(f.kind, f.role) for f in found} == {(Kind.DRIFT, "colour"), (Kind.DRIFT, "brush")}


def test_a_plan_file_is_applied_to_the_roles_that_it_was_made_of(run: Invocation, tmp_path: Path) -> None:
    made, _ = plan(dataclasses.replace(run, only_roles=("colour",)), detailed=False)
    write_plan_file(plan_file(made), tmp_path / "plan.json")

    again = limited(run)
    record = apply(again, lambda _plan: None, admit(again, read_plan_file(tmp_path / "plan.json")))

    assert (record.exit_code, record.only_roles) == (Exit.OK, ("colour",))
    assert (tmp_path / "colour").exists()
    assert not (tmp_path / "brush").exists()


def test_what_a_limited_run_advises_is_limited_too() -> None:
    run = dataclasses.replace(run_of(options=("--lab",)), only_roles=("time",))
    advice = MessageId.MEND_THEN_APPLY(apply=samdrift("apply", "--limit", "heb-gw1"))
    finding = Finding(kind=Kind.FAILED_STEP, host="heb-gw1", message=as_written("failed"), advice=advice)

    (kept,) = run.save(hosts=(), findings=[finding], code=Exit.ERROR).findings

    assert "samdrift --lab apply --limit heb-gw1 --role time" in kept.remedy


def test_a_limited_run_does_not_say_how_a_host_stands() -> None:
    run = dataclasses.replace(run_of(), command="apply", only_roles=("time",))
    result = HostResult(
        host="heb-gw1",
        municipality="heby",
        outcome="changed",
        changed=(StepId("time", "file /f"),),
        steps={StepId("time", "file /f"): AppliedStep(intent="i")},
    )
    record = run.save(hosts=[result], findings=(), code=Exit.OK)

    stood = past_of([record], ["heb-gw1"]).stood["heb-gw1"]
    assert stood.standing is None
    assert stood.changed is not None
    (told,) = entries(record)
    assert "samdrift_state" not in told.fields
    assert told.journal
    assert entries(record.model_copy(update={"only_roles": ()}))[0].fields["samdrift_state"] == "changed"


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("plan", "--role", "nosuch"), "there is no such role"),
        (("plan", "--role", "netbox", "--limit", "tie-adm1"), "no host there has it"),
        (("apply", "--yes", "--role", "time", "{plan}"), "a plan file is applied exactly as it was made"),
    ],
)
def test_a_limit_that_means_nothing_is_refused_before_anything_is_connected_to(
    arguments: tuple[str, ...], why: str, tmp_path: Path
) -> None:
    write_plan_file(plan_file(run_of().plan(())), tmp_path / "plan.json")
    words = ["--state", str(tmp_path), *(a.format(plan=tmp_path / "plan.json") for a in arguments)]

    with pytest.raises(UsageError, match=why):
        cli.main(words, standalone_mode=False)
