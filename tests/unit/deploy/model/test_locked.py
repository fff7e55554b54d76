"""What is found of hosts that another run is changing."""

from __future__ import annotations

from deploy.model.findings import Kind
from deploy.model.locked import changing_notices, locked_finding, unknown_while_changed
from deploy.model.plan import HostPlan, Run, Step

BO = "bo@tie-adm2 since 2026-11-29T08:00:00.000Z, `samdrift apply`"
STEP = Step(role="base", name="s", intent="i", commands=(Run(text="true"),))
LOOKED = HostPlan(host="tie-dns1", municipality="tierp", steps=(STEP,), locked=BO)
FREE = LOOKED.model_copy(update={"locked": ""})


def test_half_of_a_change_is_nobodys_drift() -> None:
    unknown = unknown_while_changed(LOOKED)
    assert (unknown.changes, BO in unknown.error) == ((), True)
    assert unknown_while_changed(FREE) == FREE


def test_a_host_that_could_not_be_looked_at_is_unknown_for_that_reason() -> None:
    lost = HostPlan(host="tie-dns1", municipality="tierp", error="timed out", locked=BO)
    assert unknown_while_changed(lost) == lost


def test_a_plan_tells_whom_it_was_made_beside() -> None:
    (notice,) = changing_notices([LOOKED, FREE])
    assert (notice.kind, notice.host, BO in notice.summary) == (Kind.NOTICE, "tie-dns1", True)


def test_who_has_a_host_is_told_with_what_can_be_done() -> None:
    held = locked_finding("tie-dns1", "tierp", BO, run="0b0b", seconds=90, busy=False)
    assert (held.kind, BO in held.summary, held.detail) == (
        Kind.LOCKED,
        True,
        "its lock expires in 90 s unless that run renews it",
    )
    assert held.remedy.endswith("samdrift apply --limit tie-dns1 --take-over 0b0b")
    for found in (
        locked_finding("tie-sw1", "tierp", BO, run="", seconds=0, busy=False),
        locked_finding("tie-dns1", "tierp", BO, run="0b0b", seconds=0, busy=True),
    ):
        assert "--take-over" not in found.remedy
        assert found.detail == ""
