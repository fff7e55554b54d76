"""`samdrift review` on the command line, in a checkout with a history: revisions, directories, exit codes."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from inventory.paths import CODE

Checkout = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with one commit: what there is here."""
    directory = tmp_path_factory.mktemp("checkout")
    for room in ("deploy", "inventory", "roles", "templates"):
        shutil.copytree(CODE / room, directory / room, ignore=shutil.ignore_patterns("__pycache__"))
    for command in (["init", "-q", "-b", "main"], ["add", "."], ["commit", "-q", "-m", "first"]):
        _git(directory, *command)
    return directory


def _git(directory: Path, *arguments: str) -> None:
    who = ["-c", "user.name=test", "-c", "user.email=test@example.org", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", "-C", directory, *who, *arguments], check=True, capture_output=True)


@pytest.fixture
def checkout(repository: Path) -> Checkout:
    """Run a review there; what was changed before is undone."""
    _git(repository, "checkout", "-q", "-f", "main")
    _git(repository, "clean", "-q", "-f", "-d")

    def run(*arguments: str) -> tuple[int, str, str]:
        command = [sys.executable, "-m", "deploy.cli", "review", *arguments]
        environment = {k: v for k, v in os.environ.items() if not k.startswith("SAMDRIFT_")}
        environment |= {"PYTHONPATH": str(repository), "PYTHONDONTWRITEBYTECODE": "1"}
        done = subprocess.run(
            command, cwd=repository, env=environment, capture_output=True, text=True, check=False, timeout=300
        )
        return done.returncode, done.stdout, done.stderr

    return run


def edit(repository: Path, file: str, old: str, new: str) -> None:
    path = repository / file
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


@pytest.mark.long
def test_what_only_renames_is_one_line_and_ends_with_0(repository: Path, checkout: Checkout) -> None:
    edit(repository, "roles/base.py", "_names_and_packages", "_packages_and_names")
    code, out, err = checkout()
    assert (code, err) == (0, "")
    assert out.startswith("No host changes. (")
    assert len(out.strip().splitlines()) == 1


@pytest.mark.long
def test_a_template_is_the_hosts_that_have_it_with_what_restarts(repository: Path, checkout: Checkout) -> None:
    edit(repository, "templates/time/chrony.conf.j2", "maxupdateskew 100.0", "maxupdateskew 50.0")
    _git(repository, "checkout", "-q", "-b", "change")
    _git(repository, "commit", "-q", "-a", "-m", "skew")
    code, out, _ = checkout("--against", "main...", "--json")
    _git(repository, "checkout", "-q", "main")
    _git(repository, "branch", "-q", "-D", "change")
    found: dict[str, Any] = json.loads(out)
    assert (code, found["exit_code"]) == (2, 2)
    (difference,) = found["differences"]
    assert (difference["role"], difference["how"]) == ("time", "changed")
    assert "+maxupdateskew 50.0" in difference["diff"]
    assert set(difference["hosts"]) == {h["host"] for h in found["hosts"]}
    assert set(found["restarts"]) == {"restart chrony.service"}


@pytest.mark.long
def test_a_role_s_code_is_what_it_does(repository: Path, checkout: Checkout) -> None:
    edit(repository, "roles/base.py", '    "ca-certificates",\n', '    "ca-certificates",\n    "curl",\n')
    code, out, _ = checkout()
    assert code == 2
    assert "+  curl" in out
    assert max(len(line.rstrip()) for line in out.splitlines() if not line.startswith("  ")) <= 100


@pytest.mark.long
def test_two_inventories_are_compared_by_this_code(repository: Path, checkout: Checkout, tmp_path: Path) -> None:
    old = tmp_path / "old"
    shutil.copytree(repository / "inventory" / "snapshot", old)
    edit(repository, "inventory/snapshot/hosts/tierp.yaml", "journal_max: 2G", "journal_max: 3G")
    code, out, _ = checkout("--against", str(old))
    assert code == 2
    assert "+SystemMaxUse=3G" in out


@pytest.mark.long
@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--against", "no-such-branch"], "git knows no commit"),
        (["--against", "--upload-pack=x"], "git knows no commit"),
        (["--against", "./nowhere"], "there is no such directory"),
        (["--against", "/dev"], "neither a checkout nor an inventory"),
        (["--limit", "heby"], "a review is of all hosts"),
    ],
)
def test_what_cannot_be_reviewed_is_wrong_usage_and_says_what_to_do(
    checkout: Checkout, arguments: list[str], says: str
) -> None:
    code, out, err = checkout(*arguments)
    assert (code, out) == (64, "")
    assert says in err


@pytest.mark.long
def test_an_inventory_that_cannot_be_read_is_an_error_and_no_review(repository: Path, checkout: Checkout) -> None:
    (repository / "inventory" / "snapshot" / "network.yaml").write_text("prefixes: [\n", encoding="utf-8")
    code, out, err = checkout()
    assert (code, out) == (1, "")
    assert "network.yaml" in err
