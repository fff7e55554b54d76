"""A difference from the day that it is accepted to the day after, over SSH: drift, plan, apply, what is remembered."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from datetime import date, timedelta
from functools import partial
from pathlib import Path

import pytest

from deploy.model import clock
from deploy.model.findings import Exit, Kind
from deploy.model.plan_file import plan_file
from deploy.model.record import Record
from deploy.model.waivers import NO_WAIVERS, Waivers, waivers_of
from deploy.runs import invocation
from deploy.runs.admission import admit
from deploy.runs.applying import apply
from deploy.runs.commands import drift, plan
from deploy.runs.invocation import Invocation
from deploy.runs.recording import Recording
from deploy.verify.run import verify
from inventory.waivers import Waiver
from roles.shared.intent import Intent
from tests.sshd import Sshd, fleet_of
from tests.unit.deploy.runs.test_evidence import OF_A_PLACE
from tests.unit.deploy.runs.test_runs import run_of

ROLE = f"""{OF_A_PLACE}
OWNS = ("PLACE/owned",)

def deploy(settings):
    managed_file(f"{{settings.place}}/motd", content="welcome\\n")
    managed_file(f"{{settings.place}}/other", content="other\\n")
"""
CHECK = """def test_files_are_as_they_should_be(host):
    assert host.file("PLACE/motd").content_string == "welcome\\n"
"""
UNTIL = date(2027, 1, 15)


@pytest.fixture
def run(
    sshd: Sshd, make_role: Callable[[str, str], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Invocation:
    (tmp_path / "checks").mkdir()
    (tmp_path / "checks" / "test_greet.py").write_text(CHECK.replace("PLACE", str(tmp_path)))
    (tmp_path / "owned").mkdir()
    make_role("greet", ROLE.replace("PLACE", str(tmp_path)))
    monkeypatch.setattr(invocation, "run_checks", partial(verify, directory=tmp_path / "checks"))
    fleet = fleet_of(sshd.host(context={"samdrift": {"roles": {"greet": True}, "greet": {"place": str(tmp_path)}}}))
    return dataclasses.replace(run_of(), intent=Intent(fleet), hosts=fleet.hosts, access=sshd.access)


def on(run: Invocation, waivers: Waivers = NO_WAIVERS) -> Invocation:
    """A run of its own on the same host."""
    return dataclasses.replace(run, waivers=waivers, started=clock.now(), recording=Recording())


def accepting(run: Invocation, found: Record, today: date) -> Waivers:
    """Waivers that accept all that was found."""
    given = {"hosts": run.hosts[0].name, "owner": "anna", "reason": "until it is moved", "until": UNTIL}
    about = {Kind.FAILED_CHECK: "check", Kind.UNMANAGED: "unmanaged"}
    made = [
        Waiver.model_validate(
            {"name": f"w{n}", "role": f.role, about.get(f.kind, "step"): f.step, "seen": (f.difference,)} | given
        )
        for n, f in enumerate(found.findings)
    ]
    return waivers_of(made, run.fleet, today)


@pytest.mark.long
def test_from_the_day_that_it_is_accepted_to_the_day_after(run: Invocation, tmp_path: Path) -> None:
    def approve(_: object) -> None:
        """Ask nobody."""

    motd, other = tmp_path / "motd", tmp_path / "other"
    assert apply(on(run), approve).exit_code == Exit.OK
    motd.write_text("the room moves\n")
    told = drift(on(run))
    assert (told.exit_code, [f.kind for f in told.findings]) == (Exit.DIFFERENCES, [Kind.DRIFT])

    step_alone = accepting(run, told, UNTIL)
    found = drift(on(run, step_alone))
    assert [(f.kind, f.accepted) for f in found.findings] == [
        (Kind.DRIFT, True),
        (Kind.FAILED_CHECK, False),  # nobody has accepted that, and the accepted difference does not explain it
        (Kind.NOTICE, False),
    ]

    waivers = accepting(run, found.model_copy(update={"findings": found.findings[:2]}), UNTIL)
    quiet = drift(on(run, waivers))
    assert (quiet.exit_code, quiet.hosts[0].outcome) == (Exit.OK, "in sync")
    assert [f.accepted for f in quiet.findings if f.kind is not Kind.NOTICE] == [True, True]

    other.write_text("x\n")
    made, _ = plan(on(run, waivers), detailed=True)
    assert [s.name for s in made.hosts[0].changes] == [f"file {other}"]
    waived = on(run, waivers)
    done = apply(waived, approve, admit(waived, plan_file(made)))
    assert (done.exit_code, motd.read_text(), other.read_text()) == (Exit.OK, "the room moves\n", "other\n")

    motd.write_text("the room has moved\n")
    moved = drift(on(run, waivers))
    assert moved.exit_code == Exit.DIFFERENCES
    assert "something else was accepted here" in moved.findings[0].detail
    assert apply(on(run, waivers), approve).hosts[0].changed == ()

    expired = dataclasses.replace(waivers, today=UNTIL + timedelta(days=1))
    after = drift(on(run, expired))
    assert after.exit_code == Exit.DIFFERENCES
    assert [f.kind for f in after.findings if not f.waived] == [Kind.WAIVER, Kind.WAIVER]
    assert apply(on(run, expired), approve).exit_code == Exit.OK
    assert (motd.read_text(), drift(on(run)).findings) == ("welcome\n", ())


@pytest.mark.long
def test_a_file_that_nobody_declares_is_accepted_with_what_is_in_it_and_who_may_write_it(
    run: Invocation, tmp_path: Path
) -> None:
    assert apply(on(run), lambda _plan: None).exit_code == Exit.OK
    file = tmp_path / "owned" / "by hand"
    file.write_text("helpdesk ALL=(root) /usr/bin/systemctl status *\n")
    file.chmod(0o440)
    (tmp_path / "owned" / "link\n").symlink_to("/dev/null")

    told = drift(on(run))
    assert [(f.kind, f.step) for f in told.findings] == [
        (Kind.UNMANAGED, str(file)),
        (Kind.UNMANAGED, f"{file.parent}/link\n"),
    ]
    waivers = accepting(run, told.model_copy(update={"findings": told.findings[:1]}), UNTIL)

    def accepted() -> list[bool]:
        return [f.accepted for f in drift(on(run, waivers)).findings if f.kind is Kind.UNMANAGED]

    assert accepted() == [True, False]
    file.chmod(0o666)
    assert accepted() == [False, False]
    file.write_text("helpdesk ALL=(root) ALL\n")
    file.chmod(0o440)
    assert accepted() == [False, False]
