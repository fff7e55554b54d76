"""Lines that go are shown apart from those that change, with why each may go, and how many there are."""

from __future__ import annotations

from pathlib import Path

from deploy.model.plan import Configure, HostPlan, Plan, Step
from deploy.model.plan_file import plan_file, read_plan_file, write_plan_file
from deploy.views import plan as plan_view
from roles.shared.change import Change, Removal
from tests.unit.deploy.views.shown import shown

GONE = (Removal(line="vlan 30"), Removal(line="user bo group operators", named=("user bo .*",)))
STEP = Step(
    role="access_switch",
    name="running configuration",
    intent="i",
    commands=(Configure(platform="arubaos-cx", entries=("no vlan 30", "no user bo")),),
    change=Change(what="running configuration", before="a\n", after="b\n", removals=GONE),
)
PLAN = Plan(
    fleet_digest="f",
    fleet_source="s",
    code_digest="c",
    made_at="t",
    made_by="me",
    remove={"heb-sw9": ("user bo .*", "user .* group nobody"), "heb-sw8": ("vlan 5",)},
    hosts=(
        HostPlan(host="heb-sw9", municipality="heby", steps=(STEP,)),
        HostPlan(host="heb-sw8", municipality="heby", error="unreachable"),
    ),
)


def test_each_line_that_goes_is_shown_with_why_it_may() -> None:
    for brief in (False, True):
        text = shown(*plan_view.plan(PLAN, {"heby": "Heby"}, brief=brief))
        assert "removes 2 lines: 1 declared before, 1 named by --remove" in text
        assert "- vlan 30\n" in text
        assert "- user bo group operators\n" in text
        assert "1 change (2 lines removed) on 1 host" in text


def test_what_names_no_line_is_known_but_not_of_a_device_that_was_not_looked_at() -> None:
    assert PLAN.idle_removals == (("heb-sw9", "user .* group nobody"),)


def test_a_plan_file_keeps_what_was_named(tmp_path: Path) -> None:
    write_plan_file(plan_file(PLAN), tmp_path / "plan.json")
    again = read_plan_file(tmp_path / "plan.json").plan
    assert again == PLAN
    assert again.hosts[0].changes[0].removals == GONE
