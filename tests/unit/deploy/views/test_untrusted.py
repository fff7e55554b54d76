"""Whatever NetBox or a host says, no view lets the terminal obey it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from deploy.model.evidence import Commands, Diff, Error, FailedCheck, Note
from deploy.model.findings import Finding, Kind
from deploy.model.messages import MessageId, as_written, samdrift
from deploy.model.plan import HostPlan
from deploy.model.record import HostResult, summary_of
from deploy.model.text import OBEYED
from deploy.views import findings as findings_view
from deploy.views import inventory as inventory_view
from deploy.views import plan as plan_view
from deploy.views import records as records_view
from inventory.difference import difference
from tests.unit.deploy.views.shown import check, plan_of, record_of, shown, step
from tests.unit.inventory import fleets


def test_text_from_a_host_is_neither_markup_nor_a_command_to_the_terminal() -> None:
    evil = "[bold red]x[/] \x1b]0;title\x07 \u202egnp.exe \x9b2J"
    finding = Finding(
        kind=Kind.DRIFT,
        host=evil,
        role=evil,
        step=evil,
        message=MessageId.STEP_GONE(step=evil),
        evidence=(
            Diff(text=evil),
            Commands(lines=(evil,)),
            Error(text=evil),
            FailedCheck(name=evil, detail=evil),
            Note(message=as_written(evil)),
        ),
        advice=MessageId.APPLY(apply=samdrift("apply", "--limit", evil)),
    )
    plan = plan_of(
        HostPlan(host=evil, municipality="", steps=(step(evil),)), HostPlan(host="b", municipality="", error=evil)
    )
    record = record_of(check(evil, "failed", evil), findings=(finding,), hosts=(_lost(evil),))

    text = shown(
        *findings_view.findings([finding], {}),
        *plan_view.plan(plan, {}),
        *findings_view.verified(record, {}, 100),
        *records_view.record(record, {}),
        *records_view.history([summary_of(record)], {record.id: evil}),
        width=1000,
    )

    assert "[bold red]x[/]" in text
    assert not OBEYED.search(text)


def _lost(name: str) -> HostResult:
    return HostResult(host=name, municipality="heby", outcome="unknown", detail=name)


@given(st.text(max_size=30), st.text(max_size=30))
def test_no_text_of_netbox_is_obeyed_in_a_difference(name: str, description: str) -> None:
    one = fleets.SERVER | {"name": name, "description": description, "context": {name: {description: name}}}
    before, after = fleets.with_hosts(fleets.SERVER), fleets.with_hosts(one)

    text = shown(*inventory_view.differences(difference(before, after), "the snapshot", "NetBox", after))

    assert not OBEYED.search(text)
