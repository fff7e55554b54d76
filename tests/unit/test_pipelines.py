"""The pipelines to copy are as the forges' schemas say, and their steps run: act-like, in a clone."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from check_jsonschema.builtin_schemas import get_builtin_schema
from check_jsonschema.transforms import TRANSFORM_LIBRARY
from jsonschema import Draft7Validator

from inventory.paths import CODE
from tests.unit.deploy.review.test_comment import TOKEN, FakeForge, serving

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
    """A clean clone with a base commit and a change on a branch; its `.venv` is as a runner's cache has it."""
    directory = tmp_path_factory.mktemp("forge") / "checkout"
    for file in _tracked():
        (directory / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(CODE / file, directory / file)
    (directory / ".venv").symlink_to(Path(sys.prefix))
    _git(directory, "init", "-q", "-b", "main")
    (directory / ".git" / "info" / "exclude").write_text(".venv\n*.xml\n/*.md\n*.html\n/*.json\n*.sarif\n.state\n")
    _commit(directory)
    _git(directory, "checkout", "-q", "-b", "change")
    template = directory / "templates" / "time" / "chrony.conf.j2"
    template.write_text(template.read_text().replace("maxupdateskew 100.0", "maxupdateskew 50.0"))
    _commit(directory)
    return directory


def _tracked() -> list[str]:
    """The files of the checkout that git has, or would take."""
    listed = _git(CODE, "ls-files", "-z", "--cached", "--others", "--exclude-standard").split("\0")
    return [file for file in listed if (CODE / file).is_file() and not (CODE / file).is_symlink()]


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


class Runner:
    """Runs the steps of a workflow's jobs as a runner does, one after another; what it does not know it refuses."""

    def __init__(self, expressions: Mapping[str, str], artefacts: Path, **variables: str) -> None:
        self._expressions, self._artefacts, self._variables = expressions, artefacts, variables
        self.ran: list[str] = []

    def job(self, job: dict[str, Any], checkout: Path) -> None:
        for step in job["steps"]:
            self.ran.append(step.get("name") or step["uses"].partition("@")[0])
            if "run" in step:
                self._run(step, checkout)
            else:
                self._use(step, checkout)

    def _run(self, step: dict[str, Any], checkout: Path) -> None:
        given = {name: self._filled(value) for name, value in step.get("env", {}).items()}
        code, output = run(checkout, step["run"], **self._variables, **given)
        assert code == 0, f"{step['name']} ended with {code}:\n{output}"

    def _use(self, step: dict[str, Any], checkout: Path) -> None:
        what, with_ = step["uses"].partition("@")[0], step.get("with", {})
        if what == "actions/checkout":
            wanted = self._filled(with_["ref"]) if "ref" in with_ else _git(checkout, "rev-parse", "HEAD")
            assert _git(checkout, "rev-parse", "HEAD") == wanted
        elif what == "actions/upload-artifact":
            for file in with_["path"].split():
                shutil.copy2(checkout / file, self._artefacts / file)
        elif what == "actions/download-artifact":
            shutil.copytree(self._artefacts, checkout / with_["path"])
        else:
            assert what in {"actions/setup-python", "actions/cache"}, what

    def _filled(self, text: str) -> str:
        return re.sub(r"\$\{\{ *(.*?) *\}\}", lambda found: self._expressions[found[1]], text)


def base_of(clone: Path) -> Path:
    """A clone of the target branch, beside the other; its `.venv` is as `make setup` leaves one."""
    trusted = clone.with_name("trusted")
    if not trusted.exists():
        _git(clone, "clone", "-q", "--branch", "main", str(clone), str(trusted))
        (trusted / ".venv").symlink_to(Path(sys.prefix))
    return trusted


@pytest.mark.long
def test_every_step_of_actions_runs_in_its_order_and_the_review_becomes_one_comment(
    clone: Path, tmp_path: Path
) -> None:
    jobs, base = actions()["jobs"], _git(clone, "rev-parse", "main")
    expressions = {"github.event.pull_request.base.sha": base, "github.token": TOKEN}
    summary = tmp_path / "summary.md"
    artefacts = tmp_path / "artefacts"
    artefacts.mkdir()
    with serving(FakeForge("forgejo")) as forge:
        variables = {k: v for k, v in forge.environment().items() if k != "GITHUB_TOKEN"}
        runner = Runner(expressions, artefacts, GITHUB_STEP_SUMMARY=str(summary), **variables)
        runner.job(jobs["review"], clone)
        runner.job(jobs["comment"], base_of(clone))
        (comment,) = forge.comments
    uses = ["actions/checkout", "actions/setup-python"]
    reviewed = [*uses, "actions/cache", "Set up", "Check", "Review", "actions/upload-artifact"]
    assert runner.ran == [*reviewed, *uses, "Set up", "actions/download-artifact", "Comment"]
    assert "samdrift review" in summary.read_text()
    assert "+maxupdateskew 50.0" in comment["body"]
    assert (artefacts / "check.xml").read_text().startswith("<?xml")


@pytest.mark.long
def test_every_step_of_gitlab_runs_in_its_order_and_the_review_becomes_one_comment(clone: Path) -> None:
    jobs = gitlab()
    assert jobs["check"]["script"][0].replace("$CI_PROJECT_DIR", "$PWD") == next(
        s["run"] for s in actions()["jobs"]["review"]["steps"] if s.get("name") == "Check"
    ), "it runs there"
    base = _git(clone, "rev-parse", "main")
    review = [*jobs[".prepared"]["before_script"], *jobs["review"]["script"]]
    code, output = run(clone, "\n".join(review), CI_MERGE_REQUEST_DIFF_BASE_SHA=base)
    assert code == 2 == jobs["review"]["allow_failure"]["exit_codes"][0], output
    assert "+maxupdateskew 50.0" in (clone / "review.md").read_text()
    assert all((clone / file).is_file() for file in jobs["review"]["artifacts"]["paths"])
    assert (clone / jobs["review"]["artifacts"]["reports"]["junit"]).is_file()

    cloned, *prepared = jobs["comment"]["before_script"]
    work = clone.with_name("comment")
    work.mkdir()
    shutil.copy2(clone / "review.md", work)  # the artefact of the job that it needs
    with serving(FakeForge("gitlab")) as forge:
        branch = {"CI_MERGE_REQUEST_TARGET_BRANCH_NAME": "main", "CI_REPOSITORY_URL": str(clone)}
        linked = f"ln -s {sys.prefix} trusted/.venv"  # so that the set-up fetches nothing
        for _ in range(2):
            script = "\n".join(("rm -rf trusted", cloned, linked, *prepared, *jobs["comment"]["script"]))
            code, output = run(work, script, **branch, **forge.environment())
            assert code == 0, output
        (comment,) = forge.comments
    assert "+maxupdateskew 50.0" in comment["body"]


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
