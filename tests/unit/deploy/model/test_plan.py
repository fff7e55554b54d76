"""A Plan is a value and a file: read as it was written, or refused."""

from __future__ import annotations

import errno
import hashlib
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.model.plan import FORMAT, Configure, HostPlan, Plan, Run, Sign, Step, Unmanaged, Upload
from deploy.model.plan_file import PlanError, plan_file, read_plan_file, schema_text, write_plan_file
from inventory.paths import CODE
from roles.shared.certificates import Order
from roles.shared.change import Change, digest

TEXT = st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=20) | st.sampled_from(
    ["banner motd ^C\n  Endast för behöriga\n^C", "secret ‹secret:switch_admin›", "accounts: ops", "\r\n", "a\n"]
)
TEXTS = st.lists(TEXT, max_size=3).map(tuple)
CHANGES = st.builds(Change, what=TEXT, before=st.none() | TEXT, after=st.none() | TEXT)
COMMANDS = st.one_of(
    st.builds(Run, text=TEXT),
    st.builds(Upload, path=TEXT, content=TEXT),
    st.builds(Sign, path=TEXT, request=TEXT, order=st.builds(Order, names=st.tuples(TEXT), authority=TEXT, key=TEXT)),
    st.builds(Configure, platform=TEXT, entries=TEXTS, rollback=TEXTS),
)
STEPS = st.builds(
    Step,
    role=TEXT.filter(lambda role: ": " not in role),
    name=TEXT,
    intent=TEXT,
    wanted=TEXT,
    commands=st.lists(COMMANDS, max_size=2).map(tuple),
    change=st.none() | CHANGES,
    handler=st.booleans(),
)
HOSTS = st.builds(
    HostPlan,
    host=TEXT,
    municipality=TEXT,
    steps=st.lists(STEPS, max_size=3).map(tuple),
    unmanaged=st.lists(st.builds(Unmanaged, role=TEXT, path=TEXT), max_size=1).map(tuple),
    error=TEXT,
    seconds=st.floats(0, 100),
)
PLANS = st.builds(
    Plan,
    fleet_digest=TEXT,
    fleet_source=TEXT,
    code_digest=TEXT,
    made_at=TEXT,
    made_by=TEXT,
    limit=TEXT,
    hosts=st.lists(HOSTS, max_size=2).map(tuple),
)


def small_plan(**more: object) -> Plan:
    data = {"fleet_digest": "f", "fleet_source": "s", "code_digest": "c", "made_at": "t", "made_by": "anna"}
    step = Step(role="time", name="s", intent="i", commands=(Run(text="true"),))
    hosts = (HostPlan(host="tie-dns1", municipality="tierp", steps=(step,)),)
    return Plan.model_validate(data | {"hosts": hosts} | more)


@given(PLANS)
def test_a_plan_is_read_as_it_was_written(tmp_path_factory: pytest.TempPathFactory, plan: Plan) -> None:
    path = tmp_path_factory.mktemp("plan") / "plan.json"
    write_plan_file(plan_file(plan), path)
    assert read_plan_file(path).plan == plan


@pytest.mark.parametrize("there", ["/etc", "rm -rf"])
def test_a_plan_that_was_edited_is_refused(tmp_path: Path, there: str) -> None:
    path = tmp_path / "plan.json"
    write_plan_file(plan_file(small_plan()), path)
    document = json.loads(path.read_text())
    document["plan"]["hosts"][0]["steps"][0]["commands"][0]["text"] = there
    path.write_text(json.dumps(document))
    with pytest.raises(PlanError, match=r"plan\.json: the plan was edited"):
        read_plan_file(path)


@pytest.mark.parametrize(
    "text", ["", "{}", "[]", "null", '{"digest": "x"}', '{"digest": "x", "plan": {}}', "\0", "[" * 100_000]
)
def test_another_file_is_refused_by_name(tmp_path: Path, text: str) -> None:
    path = tmp_path / "plan.json"
    path.write_text(text)
    with pytest.raises(PlanError, match=r"plan\.json: this is not a plan file"):
        read_plan_file(path)


def test_the_digest_can_be_computed_by_whoever_has_the_file(tmp_path: Path) -> None:
    """As the schema says: the member `plan`, keys sorted, nothing between, UTF-8."""
    path = tmp_path / "plan.json"
    write_plan_file(plan_file(small_plan(limit="Älvkarleby")), path)
    document = json.loads(path.read_text())
    text = json.dumps(document["plan"], sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert hashlib.sha256(text.encode()).hexdigest() == document["digest"]


def test_the_published_schema_is_that_of_today() -> None:
    published = (CODE / "docs" / "plan-file.schema.json").read_text(encoding="utf-8")
    assert published == schema_text(), "write it anew: python -m deploy.tools.plan_schema"


def test_an_approval_takes_the_place_of_no_reader(tmp_path: Path) -> None:
    """A plan file that a group may read is approved, and the group may still read it."""
    path = tmp_path / "plan.json"
    write_plan_file(plan_file(small_plan()), path)
    path.chmod(0o640)
    write_plan_file(plan_file(small_plan()), path, readers=path.stat())
    assert path.stat().st_mode & 0o777 == 0o640
    assert [p.name for p in tmp_path.iterdir()] == ["plan.json"]


def test_a_link_that_somebody_put_there_is_replaced_and_not_followed(tmp_path: Path) -> None:
    other = tmp_path / "shadow"
    other.write_text("root:x")
    (tmp_path / "plan.json").symlink_to(other)
    write_plan_file(plan_file(small_plan()), tmp_path / "plan.json")
    assert other.read_text() == "root:x"
    assert (tmp_path / "plan.json").lstat().st_mode & 0o777 == 0o600


def test_what_cannot_be_written_leaves_the_file_that_there_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "plan.json"
    write_plan_file(plan_file(small_plan()), path)

    def full(*_: object, **__: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(PlanError, match="No space left on device"):
        write_plan_file(plan_file(small_plan(limit="heby")), path)
    assert read_plan_file(path).plan == small_plan()
    assert [p.name for p in tmp_path.iterdir()] == ["plan.json"]


@pytest.mark.parametrize("format_", [9, 11])
def test_a_plan_of_another_format_is_refused_and_it_is_said_what_to_do(tmp_path: Path, format_: int) -> None:
    path = tmp_path / "plan.json"
    path.write_text(json.dumps({"digest": "x", "plan": {"format": format_, "hosts": []}}))
    with pytest.raises(PlanError) as refused:
        read_plan_file(path)
    assert f"plan.json: this plan file has format {format_}, and this samdrift applies format {FORMAT}" in str(
        refused.value
    )
    assert refused.value.fix == "make a new one: samdrift plan --out FILE"


@given(PLANS)
def test_steps_of_a_plan_are_told_apart_by_role_and_name(plan: Plan) -> None:
    for step in (s for host in plan.hosts for s in host.steps):
        assert (step.id.role, step.id.name, str(step.id)) == (step.role, step.name, f"{step.role}: {step.name}")


def test_a_plan_that_cannot_be_read_or_written_names_its_place(tmp_path: Path) -> None:
    with pytest.raises(PlanError, match="cannot read the plan: No such file"):
        read_plan_file(tmp_path / "none.json")
    with pytest.raises(PlanError, match="cannot write the plan: No such file"):
        write_plan_file(plan_file(small_plan()), tmp_path / "no" / "such" / "plan.json")


@given(HOSTS, st.floats(0, 100), st.integers(0, 9))
def test_a_host_s_fingerprint_knows_no_noise(host: HostPlan, seconds: float, execs: int) -> None:
    idle = Step(role="time", name="another that changes nothing", intent="i")
    noisy = host.model_copy(update={"seconds": seconds, "execs": execs, "steps": (*host.steps, idle)})
    assert noisy.fingerprint == host.fingerprint


@given(HOSTS)
def test_a_host_s_fingerprint_knows_every_change(host: HostPlan) -> None:
    more = Step(role="time", name="one more", intent="i", commands=(Run(text="true"),))
    assert host.model_copy(update={"steps": (*host.steps, more)}).fingerprint != host.fingerprint


@given(CHANGES)
def test_a_diff_is_empty_exactly_when_nothing_is_told_apart(change: Change) -> None:
    lines = ((change.before or "").splitlines(keepends=True), (change.after or "").splitlines(keepends=True))
    assert bool(change.diff) == (lines[0] != lines[1])


def test_the_live_digest_tells_absent_from_empty() -> None:
    assert Change(what="f", before=None, after="x").live_digest == ""
    assert Change(what="f", before="", after="x").live_digest == digest("")


def test_a_new_plan_file_is_its_owners_alone(tmp_path: Path) -> None:
    write_plan_file(plan_file(small_plan()), tmp_path / "plan.json")
    assert (tmp_path / "plan.json").stat().st_mode & 0o777 == 0o600
