"""A rendering has what the planner registers, and nothing else; twice the same; by the code of its own tree."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from deploy.engine.declare import Declared, register
from deploy.review.sides import Side, rendered
from deploy.review.state import CannotRender, State, read
from inventory import people, snapshot
from inventory.paths import CODE, SNAPSHOT
from roles.shared.intent import Intent
from tests.unit.deploy.review.renders import DAY, states

SAMPLE = ("tie-adm1", "tie-gw1", "heb-gw1", "tie-nb1", "tie-mon1", "tie-fw1", "tie-sw1", "tie-print1", "heb-sw1")


def registered(name: str) -> Declared:
    fleet = snapshot.load().model_copy(update={"people": people.of_the_project(DAY)})
    intent = Intent(fleet)
    host = fleet.host(name)
    return register([host], {name: intent.settings(host)})[name]


def sample() -> list[str]:
    managed = {h.name for h in snapshot.load().hosts if h.is_managed}
    return [name for name in SAMPLE if name in managed]


@pytest.mark.long
@pytest.mark.parametrize("name", sample())
def test_the_steps_of_a_host_are_those_that_the_planner_registers_in_their_order(name: str, shipped: State) -> None:
    declared = registered(name)
    steps = [s for s in shipped.host(name).steps if s.kind != "search"]
    assert [(s.role, s.name) for s in steps] == [(op.role, op.name) for op in declared.operations]
    assert [s.kind == "restart" for s in steps] == [op.handler for op in declared.operations]
    assert [bool(s.guard) for s in steps] == [op.guard is not None for op in declared.operations]


@pytest.mark.long
@pytest.mark.parametrize("name", sample())
def test_the_texts_of_a_host_are_those_of_its_files_and_configurations(name: str, shipped: State) -> None:
    declared = registered(name)
    steps = {(s.role, s.name): s for s in shipped.host(name).steps}
    assert declared.files or declared.configurations
    for file in declared.files:
        step = steps[file.role, f"file {file.path}"]
        assert shipped.text(step.text) == file.content
        assert step.meta == f"{file.owner}:{file.group} {file.mode}"
        assert set(step.secrets) == {secret.known_as for secret in file.secrets}
        assert step.then == tuple(handler.name for handler in file.then)
    for configuration in declared.configurations:
        assert shipped.text(steps[configuration.role, "running configuration"].text) == configuration.content


def test_every_managed_host_is_rendered_and_has_steps(shipped: State) -> None:
    managed = {h.name for h in snapshot.load().hosts if h.is_managed}
    assert set(shipped.hosts) == managed
    assert all(shipped.host(name).steps for name in managed)
    assert shipped.counted["steps"] == sum(len(h.steps) for h in shipped.every_host())


@pytest.mark.long
def test_two_renderings_are_the_same_byte_for_byte(tmp_path: Path, shipped: State) -> None:
    (again,) = states(tmp_path, SNAPSHOT)
    assert again.file.read_bytes() == shipped.file.read_bytes()


@pytest.mark.long
def test_another_tree_is_rendered_by_its_own_code_and_templates(tmp_path: Path, shipped: State) -> None:
    tree = tmp_path / "tree"
    for room in ("deploy", "inventory", "roles", "templates"):
        shutil.copytree(CODE / room, tree / room, ignore=shutil.ignore_patterns("__pycache__"))
    template = tree / "templates" / "time" / "chrony.conf.j2"
    template.write_text(template.read_text().replace("maxupdateskew 100.0", "maxupdateskew 50.0"))
    (other,) = rendered([Side(tree, tree / "inventory" / "snapshot", "tree")], tmp_path, DAY)
    step = next(s for s in other.host("tie-web1").steps if s.name == "file /etc/chrony/chrony.conf")
    assert "maxupdateskew 50.0" in other.text(step.text)
    assert set(other.hosts) == set(shipped.hosts)


@pytest.mark.long
def test_what_a_side_s_code_does_wrong_is_told_and_is_no_review(tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    for room in ("deploy", "inventory", "roles", "templates"):
        shutil.copytree(CODE / room, tree / room, ignore=shutil.ignore_patterns("__pycache__"))
    role = tree / "roles" / "time.py"
    role.write_text(role.read_text() + "\nraise ValueError('boom')\n")
    with pytest.raises(CannotRender, match="ValueError: boom"):
        rendered([Side(tree, tree / "inventory" / "snapshot", "their tree")], tmp_path, DAY)


def test_a_rendering_without_its_end_is_refused(tmp_path: Path, shipped: State) -> None:
    cut = tmp_path / "cut.jsonl"
    lines = shipped.file.read_text().splitlines(keepends=True)
    cut.write_text("".join(lines[: len(lines) // 2]))
    with pytest.raises(CannotRender, match="ended before it was done"):
        read(cut, "a side")


@pytest.mark.long
def test_nobody_s_environment_reaches_the_other_side_s_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI_JOB_TOKEN", "hemligt")
    tree = tmp_path / "tree"
    for room in ("deploy", "inventory", "roles", "templates"):
        shutil.copytree(CODE / room, tree / room, ignore=shutil.ignore_patterns("__pycache__"))
    role = tree / "roles" / "time.py"
    role.write_text(role.read_text() + "\nimport os\nraise ValueError(str(sorted(os.environ)))\n")
    with pytest.raises(CannotRender) as refused:
        rendered([Side(tree, tree / "inventory" / "snapshot", "their tree")], tmp_path, DAY)
    assert "CI_JOB_TOKEN" not in str(refused.value)
    assert "PATH" in str(refused.value)


def test_the_program_says_so_when_another_tree_s_code_answers(tmp_path: Path) -> None:
    program = CODE / "deploy" / "review" / "rendering.py"
    out = tmp_path / "out.jsonl"
    (tmp_path / "empty").mkdir()
    command = [sys.executable, "-P", str(program), str(tmp_path / "empty"), str(SNAPSHOT), DAY.isoformat(), str(out)]
    assert subprocess.run(command, check=False, cwd=tmp_path).returncode == 1
    with pytest.raises(CannotRender):
        read(out, "an empty tree")
