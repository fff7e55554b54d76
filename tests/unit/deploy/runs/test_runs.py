"""What a run hands on to whoever reads its record."""

from __future__ import annotations

import dataclasses
import shlex
from pathlib import Path

import pytest

from deploy.model.findings import Exit, Finding, Kind
from deploy.model.inventory_findings import unsound
from deploy.model.messages import MessageId, as_written, samdrift
from deploy.model.observer import Quiet
from deploy.model.plan_file import plan_file, read_plan_file, write_plan_file
from deploy.runs.invocation import Invocation
from deploy.transport.ssh import Access
from deploy.vault.interface import NO_VAULT
from inventory.errors import Problem
from inventory.fleet import Fleet
from roles.shared.intent import Intent
from tests.unit.deploy.lab_fleet import lab_fleet
from tests.unit.deploy.store.in_memory import in_memory


def run_of(*, source: str = "snapshot", fleet_time: str = "", options: tuple[str, ...] = ()) -> Invocation:
    fleet = lab_fleet()
    return Invocation(
        command="drift",
        argv=("drift",),
        intent=Intent(fleet),
        hosts=fleet.hosts,
        source=source,
        fleet_time=fleet_time,
        limit="",
        access=Access(),
        vault=NO_VAULT,
        stores=in_memory(),
        observer=Quiet(),
        who="anna",
        options=options,
    )


def test_plan_and_record_say_which_fleet_from_where_and_of_when(tmp_path: Path) -> None:
    url, time = "https://netbox.example.org", "2026-11-25T10:00:00.000Z"
    run = run_of(source=url, fleet_time=time)

    plan = run.plan(())
    write_plan_file(plan_file(plan), tmp_path / "plan.json")
    record = run.save(hosts=(), findings=(), code=Exit.OK)

    for said in (plan, read_plan_file(tmp_path / "plan.json").plan, record, run.stores.history.record(record.id)):
        assert (said.fleet_digest, said.fleet_source, said.fleet_time) == (run.fleet.digest, url, time)


UNSOUND = unsound([Problem("host-key", "host tie-x1, host_keys", "is no key", host="tie-x1")], Fleet())


def test_a_host_whose_inventory_is_not_sound_is_unknown_in_the_record_and_the_run_incomplete() -> None:
    run = dataclasses.replace(run_of(), unsound=UNSOUND)

    record = run.save(hosts=(), findings=run.unsound, code=run.code(()))

    assert record.exit_code == Exit.INCOMPLETE
    assert [(h.host, h.outcome) for h in record.hosts] == [("tie-x1", "unknown")]
    assert [f.kind for f in record.findings] == [Kind.UNSOUND]


@pytest.mark.parametrize(
    ("kind", "code"),
    [(Kind.DRIFT, 3), (Kind.UNKNOWN, 3), (Kind.FAILED_STEP, 1), (Kind.STALE, 5), (Kind.ROLLED_BACK, 6)],
)
def test_what_went_wrong_with_the_other_hosts_outranks_that_one_was_left_alone(kind: Kind, code: int) -> None:
    found = Finding(kind=kind, host="heb-gw1", message=as_written("x"))

    assert dataclasses.replace(run_of(), unsound=UNSOUND).code([found]) == code


@pytest.mark.parametrize("options", [(), ("--lab",), ("--source", "/a dir/samdrift x")])
def test_a_remedy_is_for_the_hosts_that_were_looked_at(options: tuple[str, ...]) -> None:
    run = run_of(options=options)
    advice = MessageId.APPLY(apply=samdrift("apply", "--limit", "heb-gw1"))
    finding = Finding(kind=Kind.DRIFT, host="heb-gw1", message=as_written("differs"), advice=advice)

    (kept,) = run.save(hosts=(), findings=[finding], code=Exit.DIFFERENCES).findings

    assert shlex.split(kept.remedy) == ["samdrift", *options, "apply", "--limit", "heb-gw1"]
    assert kept.fingerprint == finding.fingerprint
