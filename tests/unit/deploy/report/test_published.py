"""Pages take their place whole: who reads them has all of one version, and the web server alone may."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.report import published
from deploy.report.page import ReportError
from deploy.report.published import CURRENT, LOCK, VERSIONS, publish, publishing

FIRST = {"heby/index.html": b"1", "heby/hosts/heb-gw1.html": b"1", "all/index.html": b"1"}
SECOND = {"heby/index.html": b"2", "all/index.html": b"2"}


def served(directory: Path) -> dict[str, bytes]:
    here = directory / CURRENT
    return {str(p.relative_to(here)): p.read_bytes() for p in sorted(here.rglob("*")) if p.is_file()}


def put(files: Mapping[str, bytes], directory: Path) -> bool:
    with publishing(directory):
        return publish(files, directory)


def test_what_goes_away_is_no_longer_served(tmp_path: Path) -> None:
    assert put(FIRST, tmp_path)
    assert served(tmp_path) == FIRST
    assert put(SECOND, tmp_path)
    assert served(tmp_path) == SECOND


def test_the_same_pages_again_touch_nothing(tmp_path: Path) -> None:
    put(FIRST, tmp_path)
    before = {p: p.lstat().st_ino for p in tmp_path.rglob("*")}
    assert not put(FIRST, tmp_path)
    assert {p: p.lstat().st_ino for p in tmp_path.rglob("*")} == before


def test_the_version_before_stays_for_who_is_just_reading_it_and_older_ones_go(tmp_path: Path) -> None:
    for n in range(5):
        put({"all/index.html": b"%d" % n}, tmp_path)
    kept = sorted((v / "all/index.html").read_bytes() for v in (tmp_path / VERSIONS).iterdir())
    assert kept == [b"3", b"4"]


def test_one_that_was_served_before_is_served_again(tmp_path: Path) -> None:
    for files in (FIRST, SECOND, FIRST):
        put(files, tmp_path)
    assert served(tmp_path) == FIRST


@pytest.mark.parametrize("step", ["_write", "_point"])
def test_whoever_is_killed_while_he_writes_leaves_what_was_served(
    step: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(FIRST, tmp_path)

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(os, "sync" if step == "_write" else "symlink", killed)
        with pytest.raises(KeyboardInterrupt):
            put(SECOND, tmp_path)
    assert served(tmp_path) == FIRST
    assert put(SECOND, tmp_path)
    assert served(tmp_path) == SECOND
    assert not list(tmp_path.rglob(f"{published.UNFINISHED}*"))


def test_files_are_their_owners_and_their_groups_alone_whatever_the_callers_umask(tmp_path: Path) -> None:
    directory = tmp_path / "pages"
    directory.mkdir(mode=0o2750)
    directory.chmod(0o2750)
    for umask in (0o000, 0o077):
        before = os.umask(umask)
        try:
            put({"all/index.html": b"%d" % umask}, directory)
            assert os.umask(umask) == umask
        finally:
            os.umask(before)
        version = (directory / CURRENT).resolve()
        modes = {stat.S_IMODE(p.stat().st_mode) for p in version.rglob("*") if p.is_file()}
        assert modes == {0o640}
        for place in (version, version / "all", directory / VERSIONS):
            assert stat.S_IMODE(place.stat().st_mode) == 0o2750, "the group goes on to what is made in it"


def test_a_directory_with_something_else_in_it_is_not_touched(tmp_path: Path) -> None:
    (tmp_path / "thesis.odt").write_text("mine", encoding="utf-8")
    with pytest.raises(ReportError, match=r"something else in it: thesis\.odt"):
        put(FIRST, tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["thesis.odt"]


def test_what_is_no_version_of_ours_stays(tmp_path: Path) -> None:
    put(FIRST, tmp_path)
    (tmp_path / VERSIONS / "notes").mkdir()
    put(SECOND, tmp_path)
    put({"x": b"3"}, tmp_path)
    assert (tmp_path / VERSIONS / "notes").is_dir()


def test_a_link_in_the_place_of_the_lock_is_not_followed(tmp_path: Path) -> None:
    target = tmp_path / "target"
    directory = tmp_path / "pages"
    directory.mkdir()
    (directory / LOCK).symlink_to(target)
    with pytest.raises(ReportError, match="cannot be used"):
        put(FIRST, directory)
    assert not target.exists()


@given(
    st.dictionaries(st.sampled_from("abc"), st.binary(max_size=3)),
    st.dictionaries(st.sampled_from("abc"), st.binary(max_size=3)),
)
def test_a_version_is_named_by_all_that_it_holds(a: dict[str, bytes], b: dict[str, bytes]) -> None:
    assert (published._named(a) == published._named(b)) == (a == b)
