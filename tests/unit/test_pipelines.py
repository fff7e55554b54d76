"""The pipelines to copy are as the forges' schemas say, and their steps run: act-like, in a clone."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from check_jsonschema.builtin_schemas import get_builtin_schema
from check_jsonschema.transforms import TRANSFORM_LIBRARY
from jsonschema import Draft7Validator

from inventory.paths import CODE

GITLAB = CODE / "docs" / "pipelines" / "gitlab-ci.yml"
ACTIONS = CODE / "docs" / "pipelines" / "actions.yml"
AS_ORDINARY = ["unshare", "--user", "--map-user=1000", "--map-group=1000"]
"""Of root makes a user with no right beyond its own files."""


def problems(schema: str, document: Any) -> list[str]:
    return [e.message for e in Draft7Validator(get_builtin_schema(schema)).iter_errors(document)]


def gitlab() -> dict[str, Any]:
    return yaml.safe_load(GITLAB.read_text(encoding="utf-8"))  # type: ignore[no-any-return]


def actions() -> dict[str, Any]:
    """The workflow; YAML 1.1 reads its `on` as true."""
    found = yaml.safe_load(ACTIONS.read_text(encoding="utf-8"))
    return {("on" if key is True else key): value for key, value in found.items()}


def checkout_of(job: dict[str, Any]) -> dict[str, Any]:
    (found,) = [s["with"] for s in job["steps"] if s.get("uses", "").startswith("actions/checkout")]
    return found  # type: ignore[no-any-return]


def test_both_are_as_the_forges_schemas_say_and_a_wrong_word_is_not() -> None:
    transform = TRANSFORM_LIBRARY["gitlab-ci"]
    assert problems("vendor.gitlab-ci", transform(gitlab())) == []
    assert problems("vendor.github-workflows", actions()) == []
    assert problems("vendor.gitlab-ci", {"review": {"script": ["x"], "allow_failure": "sometimes"}})
    assert problems("vendor.github-workflows", {"on": "pull_request", "jobs": {"a": {"runs": 1}}})


def test_what_runs_a_merge_request_s_code_has_no_secret_and_no_right_to_write() -> None:
    job = actions()["jobs"]["review"]
    assert actions()["permissions"] == {"contents": "read"}
    assert "permissions" not in job
    assert "secrets." not in ACTIONS.read_text(encoding="utf-8")
    assert [
        s["with"]["persist-credentials"] for s in job["steps"] if s.get("uses", "").startswith("actions/checkout")
    ] == [False]
    assert "token" not in str(job).lower()
    assert "SAMDRIFT_COMMENT_TOKEN" not in str({k: v for k, v in gitlab().items() if k != "comment"})


def test_what_has_a_token_runs_the_target_branch_s_code() -> None:
    checkout = next(
        s for s in actions()["jobs"]["comment"]["steps"] if s.get("uses", "").startswith("actions/checkout")
    )
    assert checkout["with"]["ref"] == "${{ github.event.pull_request.base.sha }}"
    comment = gitlab()["comment"]
    assert comment["variables"]["GIT_STRATEGY"] == "none"
    assert '--branch "$CI_MERGE_REQUEST_TARGET_BRANCH_NAME"' in comment["before_script"][0]


def test_nobody_is_root_and_what_is_slow_is_cached() -> None:
    assert gitlab()[".prepared"]["image"]["docker"]["user"] == "1000"
    assert ".venv" in gitlab()[".prepared"]["cache"]["paths"]
    assert any(s.get("uses", "").startswith("actions/cache") for s in actions()["jobs"]["review"]["steps"])


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clone with a base commit and a change on a branch; `make setup` was run there."""
    directory = tmp_path_factory.mktemp("forge") / "checkout"
    for room in ("deploy", "inventory", "roles", "templates", "tests/state"):
        shutil.copytree(CODE / room, directory / room, ignore=shutil.ignore_patterns("__pycache__"))
    (directory / ".venv").symlink_to(Path(sys.prefix))
    (directory / ".gitignore").write_text(".venv\n*.xml\n*.md\n*.html\n*.json\n*.sarif\n.state\n")
    _git(directory, "init", "-q", "-b", "main")
    _commit(directory)
    _git(directory, "checkout", "-q", "-b", "change")
    template = directory / "templates" / "time" / "chrony.conf.j2"
    template.write_text(template.read_text().replace("maxupdateskew 100.0", "maxupdateskew 50.0"))
    _commit(directory)
    return directory


def _commit(directory: Path) -> None:
    _git(directory, "add", "-A")
    _git(directory, "-c", "user.name=t", "-c", "user.email=t@example.org", "commit", "-q", "-m", "x")


def _git(directory: Path, *arguments: str) -> str:
    command = ["git", "-c", f"safe.directory={directory}", "-C", str(directory), *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def run(clone: Path, script: str, **variables: str) -> tuple[int, str]:
    """Run a step as a runner does: `sh -e` in the checkout, with its variables and no others, as an ordinary user."""
    environment = {"PATH": os.environ["PATH"], "HOME": str(clone), "LC_ALL": "C.UTF-8", "PYTHONPATH": str(clone)}
    as_whom = AS_ORDINARY if os.geteuid() == 0 else []
    done = subprocess.run(
        [*as_whom, "sh", "-e", "-c", f'[ "$(id -u)" -ne 0 ]\n{script}'],
        cwd=clone,
        env=environment | variables,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    return done.returncode, done.stdout + done.stderr


@pytest.mark.long
def test_gitlab_s_step_reviews_the_branch_and_leaves_its_artefacts(clone: Path) -> None:
    job = gitlab()["review"]
    base = _git(clone, "rev-parse", "main")
    code, output = run(clone, "\n".join(job["script"]), CI_MERGE_REQUEST_DIFF_BASE_SHA=base)
    assert code == 2 == job["allow_failure"]["exit_codes"][0], output
    assert "+maxupdateskew 50.0" in (clone / "review.md").read_text()
    assert all((clone / file).is_file() for file in job["artifacts"]["paths"])
    assert (clone / job["artifacts"]["reports"]["junit"]).is_file()


@pytest.mark.long
def test_actions_step_reviews_the_branch_passes_where_hosts_change_and_writes_the_summary(clone: Path) -> None:
    step = next(s for s in actions()["jobs"]["review"]["steps"] if s.get("name") == "Review")
    summary = clone / "summary.md"
    code, output = run(clone, step["run"], BASE=_git(clone, "rev-parse", "main"), GITHUB_STEP_SUMMARY=str(summary))
    assert code == 0, output
    assert "samdrift review" in summary.read_text()


@pytest.mark.long
def test_a_broken_policy_fails_the_step(clone: Path) -> None:
    policies = clone / "inventory" / "policies.yaml"
    kept = policies.read_text()
    policies.write_text("large: {policy: large-change, hosts: 1}\n")
    try:
        step = next(s for s in actions()["jobs"]["review"]["steps"] if s.get("name") == "Review")
        code, output = run(clone, step["run"], BASE=_git(clone, "rev-parse", "main"), GITHUB_STEP_SUMMARY="/dev/null")
        assert code == 7, output
    finally:
        policies.write_text(kept)


def test_pre_commit_takes_its_file() -> None:
    command = [sys.executable, "-m", "pre_commit", "validate-config", str(CODE / ".pre-commit-config.yaml")]
    assert subprocess.run(command, check=False).returncode == 0
