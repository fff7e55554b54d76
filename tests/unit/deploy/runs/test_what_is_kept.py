"""What runs keep stays right wherever they end: between a record and what it applied, or with a store that fails."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

import pytest

from deploy.engine.results import ApplyResult
from deploy.model.drift import classify
from deploy.model.findings import Finding, Kind
from deploy.model.messages import as_written
from deploy.model.plan import HostPlan, Plan
from deploy.model.record import AppliedStep, HostResult, Record
from deploy.model.step_id import StepId
from deploy.runs.applying import record_of
from deploy.runs.invocation import Invocation, NotAllKept
from deploy.store.ports import StoreError
from roles.shared.change import digest
from tests.unit.deploy.model.test_drift import file_step
from tests.unit.deploy.runs.test_runs import run_of
from tests.unit.deploy.store.conformance import records_of
from tests.unit.deploy.store.in_memory import MemoryApplied, MemoryHistory, MemoryKnown, in_memory

HOST = "heb-gw1"


def given(text: str, intent: str) -> dict[StepId, AppliedStep]:
    return {StepId("time", "file /etc/f"): AppliedStep(intent=intent, after=digest(text))}


def applied(text: str, intent: str) -> ApplyResult:
    result = HostResult(host=HOST, municipality="heby", outcome="changed", steps=given(text, intent))
    return ApplyResult(hosts=(result,), findings=(), checks=())


def edited_by_hand(run: Invocation) -> Plan:
    """Return what a look says after somebody edited on the host what `intent two` had written there."""
    step = file_step("hand\n", "two\n", intent="intent two", path="/etc/f")
    return run.plan([HostPlan(host=HOST, municipality="heby", steps=(step,))])


def kinds(run: Invocation) -> list[Kind]:
    plan = edited_by_hand(run)
    last = {HOST: run.stores.applied.last_applied(HOST)}
    return [f.kind for f in classify(plan, (), last, controls={})]


def apply_run(**more: object) -> Invocation:
    return dataclasses.replace(run_of(), command="apply", **more)  # type: ignore[arg-type]


class _Dies(MemoryApplied):
    """The run ends when its record is there, and what it applied is not yet remembered."""

    def remember(self, record: Record) -> None:  # noqa: ARG002  the store's signature
        raise KeyboardInterrupt


def test_a_run_that_ends_after_its_record_leaves_a_drift_that_says_who_moved() -> None:
    """With what was applied before, it would say that somebody decided otherwise, and that would not be so."""
    first = apply_run()
    record_of(first, first.plan(()), applied("one\n", "intent one"))
    dies = dataclasses.replace(first.stores, applied=_Dies())
    dies.applied.steps |= first.stores.applied.steps  # type: ignore[attr-defined]
    second = dataclasses.replace(first, stores=dies, started="2999-01-01T00:00:00.000Z")
    with pytest.raises(KeyboardInterrupt):
        record_of(second, second.plan(()), applied("two\n", "intent two"))
    assert kinds(first) == [Kind.CONFLICT]

    first.stores.settle()
    assert kinds(first) == [Kind.DRIFT]
    assert first.stores.applied.last_applied(HOST) == given("two\n", "intent two")


class _FullHistory(MemoryHistory):
    def save(self, record: Record) -> None:
        raise StoreError("no space left on device", where=f"record {record.id}")


class _DamagedKnown(MemoryKnown):
    def date(
        self,
        findings: Iterable[Finding],  # noqa: ARG002  the store's signature
        *,
        at: str,  # noqa: ARG002
        looked_at: Iterable[str] = (),  # noqa: ARG002
    ) -> tuple[Finding, ...]:
        raise StoreError("this file is damaged", where="findings.json")


FAILED_STEP = Finding(
    kind=Kind.FAILED_STEP, host=HOST, municipality="heby", message=as_written("apply broke off at time: s")
)


def test_what_was_done_is_told_though_its_record_cannot_be_written() -> None:
    """Otherwise the store's error would hide the step that failed, and nobody would know what was changed."""
    run = apply_run(stores=dataclasses.replace(in_memory(), history=_FullHistory()))
    with pytest.raises(NotAllKept, match="no space left on device") as e:
        record_of(run, run.plan(()), applied("one\n", "i").model_copy(update={"findings": (FAILED_STEP,)}))
    assert [h.outcome for h in e.value.record.hosts] == ["changed"]
    assert [f.summary for f in e.value.record.findings] == [FAILED_STEP.summary]
    assert run.stores.applied.last_applied(HOST) == {}


def test_dates_that_are_damaged_cost_no_record_of_what_was_changed() -> None:
    run = apply_run(stores=dataclasses.replace(in_memory(), known=_DamagedKnown()))
    with pytest.raises(NotAllKept, match=r"findings\.json: this file is damaged") as e:
        record_of(run, run.plan(()), applied("one\n", "i").model_copy(update={"findings": (FAILED_STEP,)}))
    assert records_of(run.stores.history) == (e.value.record,)
    assert run.stores.applied.last_applied(HOST) == given("one\n", "i")
