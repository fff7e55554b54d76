"""What of a plan its hosts' twins have tried: step by step, and which hosts have none."""

from __future__ import annotations

from deploy.model.plan import HostPlan, Plan, Run, Step
from deploy.model.twins import compared
from inventory.fleet import Fleet
from tests.applying import plan_of


def step(name: str, intent: str = "as declared", *, changes: bool = True) -> Step:
    return Step(role="r", name=name, intent=intent, commands=(Run(text="true"),) if changes else ())


def plan(**hosts: tuple[Step, ...]) -> Plan:
    return plan_of(Fleet(), [HostPlan(host=name, municipality="tierp", steps=steps) for name, steps in hosts.items()])


def test_each_change_is_the_same_or_otherwise_or_there_already_or_was_not_tried() -> None:
    real = plan(a=(step("same"), step("key"), step("there"), step("new"), step("quiet", changes=False)), b=(step("x"),))
    there = (step("same"), step("key", "the lab's"), step("there", changes=False), step("quiet"), step("only here"))
    seen = compared(real, plan(a=there, c=(step("x"),)))
    (twin,) = seen.twins
    assert twin.host == "a"
    assert [[str(i) for i in ids] for ids in (twin.same, twin.otherwise, twin.already, twin.not_tried, twin.more)] == [
        ["r: same"],
        ["r: key"],
        ["r: there"],
        ["r: new"],
        ["r: quiet", "r: only here"],
    ]
    assert seen.without == ("b",)
