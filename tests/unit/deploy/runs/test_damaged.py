"""What is damaged in the store costs the host that it is about, and no other."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from deploy.model.findings import Exit, Kind
from deploy.runs import invocation
from deploy.runs.applying import apply
from deploy.runs.commands import drift
from deploy.runs.invocation import Invocation
from deploy.verify.run import verify
from roles.shared.intent import Intent
from tests.sshd import Sshd, fleet_of
from tests.unit.deploy.runs.test_only_roles import CHECK, ROLE, limited
from tests.unit.deploy.runs.test_runs import run_of
from tests.unit.deploy.store.in_memory import MemoryApplied

WHOLE, DAMAGED = "tie-test1", "tie-test2"


@pytest.fixture
def run(
    sshd: Sshd, make_role: Callable[[str, str], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Invocation:
    """A run on two hosts with two roles, to which they were applied; then one of them was changed by hand, and what
    was applied to it is damaged.
    """
    checks = tmp_path / "checks"
    checks.mkdir()
    roles = {"brush": True, "colour": True}
    for role in roles:
        make_role(role, ROLE.replace("NAME", role))
        (checks / f"test_{role}.py").write_text(CHECK.replace("NAME", role))
    monkeypatch.setattr(invocation, "run_checks", partial(verify, directory=checks))
    hosts = []
    for name in (WHOLE, DAMAGED):
        (tmp_path / name).mkdir()
        options = {"place": str(tmp_path / name)}
        hosts.append(sshd.host(name, context={"samdrift": {"roles": roles, "brush": options, "colour": options}}))
    fleet = fleet_of(*hosts)
    run = dataclasses.replace(run_of(), intent=Intent(fleet), hosts=fleet.hosts, access=sshd.access)
    assert apply(limited(run), lambda _plan: None).exit_code == Exit.OK
    (tmp_path / DAMAGED / "brush").write_text("by hand\n")
    assert isinstance(run.stores.applied, MemoryApplied)
    run.stores.applied.damaged.add(DAMAGED)
    return run


@pytest.mark.long
def test_drift_says_that_it_cannot_tell_of_this_host_and_tells_of_the_others(run: Invocation, tmp_path: Path) -> None:
    (tmp_path / WHOLE / "colour").write_text("by hand\n")
    seen = drift(limited(run, at="20:01"))
    assert [(f.host, f.kind, f.message.id) for f in seen.findings] == [
        (WHOLE, Kind.DRIFT, "step-changed-on-host"),
        (DAMAGED, Kind.UNKNOWN, "last-applied-damaged"),
    ]
    assert (seen.exit_code, {h.host: h.outcome for h in seen.hosts}) == (
        Exit.INCOMPLETE,
        {WHOLE: "differs", DAMAGED: "unknown"},
    )
    assert "samdrift apply --limit tie-test2" in seen.findings[1].remedy


@pytest.mark.long
def test_an_apply_of_some_roles_leaves_it_damaged_and_one_of_all_mends_it(run: Invocation) -> None:
    assert apply(limited(run, "brush", at="20:01"), lambda _plan: None).exit_code == Exit.OK
    assert drift(limited(run, at="20:02")).exit_code == Exit.INCOMPLETE, "what role colour was given is still unknown"
    assert apply(limited(run, at="20:03"), lambda _plan: None).exit_code == Exit.OK
    assert drift(limited(run, at="20:04")).findings == ()
