"""What is unpacked of a revision stays in its directory; which side is meant; nothing of a checkout is written."""

from __future__ import annotations

import subprocess
import tarfile
from io import BytesIO
from pathlib import Path

import pytest

from deploy.review import sides
from deploy.review.sides import Side, is_directory
from deploy.review.state import CannotRender
from inventory.errors import UsageError
from tests.unit.deploy.review.renders import DAY


def archive(*members: tuple[str, str]) -> bytes:
    """An archive of links, each with what it leads to."""
    made = BytesIO()
    with tarfile.open(fileobj=made, mode="w") as tar:
        for name, to in members:
            member = tarfile.TarInfo(name)
            member.type, member.linkname = tarfile.SYMTYPE, to
            tar.addfile(member)
    return made.getvalue()


@pytest.mark.parametrize("to", ["/etc/shadow", "../../../etc/shadow"])
def test_a_link_out_of_a_revision_is_not_unpacked(to: str, tmp_path: Path) -> None:
    with pytest.raises(CannotRender, match="cannot be unpacked safely"):
        sides._unpack(archive(("templates/base", to)), tmp_path)
    assert not (tmp_path / "templates" / "base").is_symlink()


def test_a_file_above_a_revision_is_not_unpacked(tmp_path: Path) -> None:
    with pytest.raises(CannotRender, match="cannot be unpacked safely"):
        sides._unpack(archive(("../out", "x")), tmp_path)


def test_a_revision_that_is_too_large_is_not_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sides, "LARGEST_TREE", -1)
    with pytest.raises(CannotRender, match="larger than"):
        sides._unpack(archive(), tmp_path)


@pytest.mark.parametrize(
    ("against", "directory"), [("main", False), ("origin/main", False), ("./main", True), ("../a", True), ("/a", True)]
)
def test_a_directory_is_written_as_a_path(against: str, directory: bool) -> None:
    assert is_directory(against) is directory


def test_an_option_to_git_is_no_revision(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="git knows no commit"):
        sides.commit_of("--output=/tmp/x")


def test_a_side_that_takes_too_long_is_ended_and_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sides, "SECONDS", 0)
    side = Side(sides.CODE, sides.CODE / "inventory" / "snapshot", "here")
    with pytest.raises(CannotRender, match="not rendered within"):
        sides.rendered([side], tmp_path, DAY)


def test_a_review_leaves_the_checkout_as_it_was(tmp_path: Path) -> None:
    """No work tree, no reference, no index of git's is written."""
    command = ["git", "-C", str(tmp_path), "-c", "user.name=t", "-c", "user.email=t@example.org"]
    (tmp_path / "roles").mkdir()
    (tmp_path / "roles" / "a.py").write_text("")
    for arguments in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "x"]):
        subprocess.run([*command, *arguments], check=True)
    before = {p: p.stat().st_mtime_ns for p in tmp_path.rglob("*")}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sides, "PROJECT", tmp_path)
        now = Side(tmp_path, tmp_path / "inventory", "now")
        with sides.sides("HEAD", now.inventory, "now") as (other, _):
            assert (other.tree / "roles" / "a.py").is_file()
            assert not other.tree.is_relative_to(tmp_path)
    assert not other.tree.exists()
    assert {p: p.stat().st_mtime_ns for p in tmp_path.rglob("*")} == before
