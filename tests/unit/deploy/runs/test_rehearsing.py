"""A rehearsal: samdrift on the lab is asked for a plan and to apply it, and what it ends with decides."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from deploy.model.plan import HostPlan, Plan, Run, Step
from deploy.model.plan_file import plan_file, write_plan_file
from deploy.model.record import Record
from deploy.model.twins import Rehearsed
from deploy.runs.rehearsing import RehearsalFailed, rehearse
from deploy.views import records as view
from inventory.errors import UsageError
from inventory.fleet import Fleet
from tests.applying import plan_of
from tests.unit.deploy.views.shown import NAMES, record_of, shown

STAND_IN = """
import json, os, pathlib, sys
here = pathlib.Path({here!r})
with (here / "asked").open("a") as asked:
    asked.write(json.dumps(sys.argv[1:]) + "\\n")
(here / "environment").write_text(json.dumps([name for name in os.environ if name.startswith("SAMDRIFT_")]))
if "plan" in sys.argv:
    pathlib.Path(sys.argv[sys.argv.index("--out") + 1]).write_text((here / "plan.json").read_text())
    print("{{}}")
else:
    print((here / "applied").read_text())
    sys.exit(int((here / "status").read_text()))
"""


def plan(*names: str, only_roles: Sequence[str] = ()) -> Plan:
    step = Step(role="base", name="file", intent="i", commands=(Run(text="true"),))
    hosts = [HostPlan(host=name, municipality="tierp", steps=(step,)) for name in names]
    return plan_of(Fleet(), hosts).model_copy(update={"only_roles": tuple(only_roles)})


def lab(tmp_path: Path, there: Plan, status: int = 0, applied: object = None) -> list[str]:
    """A samdrift that says this of the lab."""
    write_plan_file(plan_file(there), tmp_path / "plan.json")
    (tmp_path / "applied").write_text(json.dumps(applied or {}))
    (tmp_path / "status").write_text(str(status))
    return [sys.executable, "-c", STAND_IN.format(here=str(tmp_path))]


def test_the_twins_that_run_get_the_same_roles_from_the_same_inventory(tmp_path: Path) -> None:
    program = lab(tmp_path, plan("a"))
    real = plan("a", "b", only_roles=["base"])
    seen = rehearse(real, {"a", "other"}, ["--source", "there"], program=program)
    assert [(twin.host, [*map(str, twin.same)]) for twin in seen.twins] == [("a", ["base: file"])]
    assert seen.without == ("b",)
    planned, applied = map(json.loads, (tmp_path / "asked").read_text().splitlines())
    assert planned[:8] == ["--lab", "--json", "plan", "--source", "there", "--limit", "a", "--role"]
    assert applied[:7] == ["--lab", "--json", "apply", "--source", "there", "--limit", "a"]
    assert "--yes" in applied


def test_what_the_environment_says_of_the_real_hosts_is_not_said_of_the_twins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else their runs stand in the store of the real hosts, which have then been given what only their twins were."""
    for option in ("STATE", "KEY", "LOOK_KEY", "USER", "LIMIT", "LAB_DIR", "NETBOX_URL"):
        monkeypatch.setenv(f"SAMDRIFT_{option}", "of the real ones")
    rehearse(plan("a"), {"a"}, program=lab(tmp_path, plan("a")))
    kept = set(json.loads((tmp_path / "environment").read_text()))
    assert kept >= {"SAMDRIFT_LAB_DIR", "SAMDRIFT_NETBOX_URL"}
    assert not kept & {f"SAMDRIFT_{option}" for option in ("STATE", "KEY", "LOOK_KEY", "USER", "LIMIT")}


def told(seen: Rehearsed) -> str:
    """What history shows of a run with this rehearsal, in one line."""
    record = record_of().model_copy(update={"rehearsed": seen})
    as_kept = Record.model_validate_json(record.model_dump_json())
    return " ".join(shown(*view.record(as_kept, NAMES), width=1000).split())


def test_the_record_says_on_which_twins_when_and_how_it_was_rehearsed(tmp_path: Path) -> None:
    program = lab(tmp_path, plan("a"), applied={"id": "20261129T160000-apply-1"})
    seen = rehearse(plan("a", "b"), {"a"}, program=program)
    assert seen.at.endswith("Z")
    wanted = "on a; 1 step proved; without a twin: b; recorded in the lab as 20261129T160000-apply-1"
    assert f"rehearsed {seen.at} {wanted}" in told(seen)
    assert "rehearsed" not in " ".join(shown(*view.record(record_of(), NAMES)).split())


def test_what_goes_wrong_on_a_twin_ends_the_run_with_the_same_code_before_any_real_host(tmp_path: Path) -> None:
    found = {"findings": [{"host": "a", "summary": "works: this does not hold"}]}
    program = lab(tmp_path, plan("a"), status=7, applied=found)
    with pytest.raises(RehearsalFailed, match="ended with 7: a: works: this does not hold; no real host") as failed:
        rehearse(plan("a"), {"a"}, program=program)
    assert failed.value.exit_code == 7
    kept = failed.value.rehearsed
    assert ([twin.host for twin in kept.twins], kept.failed) == (["a"], failed.value.what)
    assert "it failed: apply on the twins ended with 7" in told(kept)


def test_without_a_single_twin_nothing_is_rehearsed_and_it_is_said_how_to_get_some() -> None:
    with pytest.raises(UsageError, match="no host of the plan has a twin") as refused:
        rehearse(plan("a", "b"), {"c"})
    assert "samdrift lab up --apart --like 'a or b'" in str(refused.value)
    assert rehearse(plan(), {"c"}).twins == ()
