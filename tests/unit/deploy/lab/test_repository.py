"""The lab's own repository has the checkout as it stands, and reads and writes no other."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from deploy.lab.repository import RUNS, committed


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    project = tmp_path / "project"
    for name in RUNS:
        place = project / name
        file = place if "." in name else place / "file.py"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("__pycache__/\n" if name == ".gitignore" else "one\n", encoding="utf-8")
    (project / "deploy" / "__pycache__").mkdir()
    (project / "deploy" / "__pycache__" / "file.pyc").write_text("x", encoding="utf-8")
    return project


def shown(repository: Path, *words: str) -> str:
    done = subprocess.run(["git", f"--git-dir={repository}", *words], capture_output=True, text=True, check=True)
    return done.stdout


def test_what_nobody_has_committed_is_there_too_and_the_same_files_are_the_same_commit(
    checkout: Path, tmp_path: Path
) -> None:
    repository = tmp_path / "samdrift.git"
    first = committed(repository, checkout)
    assert committed(repository, checkout) == first
    assert committed(tmp_path / "another.git", checkout) == first

    (checkout / "roles" / "new.py").write_text("two\n", encoding="utf-8")
    second = committed(repository, checkout)

    assert second != first
    assert shown(repository, "show", f"{second}:roles/new.py") == "two\n"
    assert "__pycache__" not in shown(repository, "ls-tree", "-r", "--name-only", second)
    assert shown(repository, "rev-parse", "lab").strip() == second


def test_a_repository_of_the_checkouts_own_is_left_as_it_is(checkout: Path, tmp_path: Path) -> None:
    subprocess.run(["git", "init", "--quiet", checkout], check=True)
    before = sorted(p.name for p in (checkout / ".git").rglob("*"))

    assert committed(tmp_path / "samdrift.git", checkout)

    assert sorted(p.name for p in (checkout / ".git").rglob("*")) == before


def test_where_samdrift_runs_from_no_checkout_there_is_no_commit(tmp_path: Path) -> None:
    assert committed(tmp_path / "samdrift.git", None) == ""
    assert not (tmp_path / "samdrift.git").exists()
