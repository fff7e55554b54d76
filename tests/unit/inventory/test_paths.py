"""What comes with samdrift is found by what a wheel brings, and not by what else may lie beside the packages."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from inventory.paths import CODE


def places(directory: Path) -> list[str]:
    """What `inventory.paths` says in a copy of it that stands here."""
    (directory / "inventory").mkdir()
    shutil.copy(CODE / "inventory" / "paths.py", directory / "inventory")
    code = "import inventory.paths as p; print(p.PROJECT, p.TEMPLATES, p.CHECKS, sep='\\n')"
    done = subprocess.run([sys.executable, "-c", code], cwd=directory, capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


def test_a_checkout_is_one_also_where_nothing_but_the_code_was_copied(tmp_path: Path) -> None:
    root = tmp_path.resolve()
    assert places(tmp_path) == [str(root), f"{root}/templates", f"{root}/tests/state"]


@pytest.mark.parametrize("beside", ["templates", "tests/state", "pyproject.toml"])
def test_where_a_wheel_is_installed_other_packages_files_are_not_taken_for_ours(tmp_path: Path, beside: str) -> None:
    (tmp_path / beside).mkdir(parents=True)
    (tmp_path / "roles" / "_templates").mkdir(parents=True)

    root = tmp_path.resolve()
    assert places(tmp_path) == ["None", f"{root}/roles/_templates", f"{root}/deploy/verify/_checks"]
