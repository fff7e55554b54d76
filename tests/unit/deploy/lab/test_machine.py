"""Programs, processes and mounts of the machine are told as they are."""

from __future__ import annotations

from pathlib import Path

import pytest

from deploy.lab.cgroups import scope_name
from deploy.lab.machine import LabError, last_line, run
from deploy.lab.mounts import mount_points


def test_mount_points_are_read_with_blanks_and_letters_of_any_kind() -> None:
    line = r"36 35 98:0 / /mnt/Älvkarleby\040lab\134x rw,noatime master:1 - ext3 /dev/root rw"
    assert list(mount_points(line)) == [Path("/mnt/Älvkarleby lab\\x")]


def test_a_program_that_fails_is_told_by_its_last_complaint() -> None:
    with pytest.raises(LabError, match="second thing"):
        run("sh", "-c", "echo first thing >&2; echo second thing >&2; exit 3")
    with pytest.raises(LabError, match="exit status 3"):
        run("sh", "-c", "exit 3")
    with pytest.raises(LabError, match="there is no program samdrift-no-such"):
        run("samdrift-no-such")


def test_a_program_that_may_not_be_run_is_as_good_as_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "samdrift-no-such").write_text("no program")
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(LabError, match="there is no program samdrift-no-such"):
        run("samdrift-no-such")


def test_a_programs_last_line_is_the_last_that_says_something() -> None:
    assert last_line("a\nb\n \n") == "b"
    assert last_line("") == ""


def test_the_control_group_is_named_after_the_lab_and_the_host() -> None:
    assert scope_name("abcd", "tie-gw1") == "samdrift-lab-abcd-tie-gw1.scope"
